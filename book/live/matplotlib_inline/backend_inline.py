"""Where chapters say how their figures are saved."""

from .backend import options


def set_matplotlib_formats(*kinds, **given):
    """Keep the options for saving figures; their format is SVG."""
    options.update(given)
