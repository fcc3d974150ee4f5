"""The part of IPython that `glue` uses."""
