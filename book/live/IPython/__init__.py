"""Stands in for IPython where a chapter runs in the page."""

version_info = (9, 0)  # matplotlib looks at it
#: What runs the cells; set by `kernel`.
shell = None


def get_ipython():
    """Return nothing: there is no IPython for matplotlib to connect to."""
    return None


def on_request(draw):
    """Keep a function that draws a frame of a figure with sliders; return its number.

    `explore` calls it, and the page asks for the frames.
    """
    return shell.on_request(draw)
