"""Figures as SVG: matplotlib's backend where a chapter runs in the page.

It has a name of its own, since matplotlib knows the name of Jupyter's and looks for its metadata.
"""

import io

import IPython
from matplotlib.backend_bases import FigureManagerBase as FigureManager  # noqa: F401
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas  # noqa: F401

#: With which figures are saved.
options = {}


def svg(figure):
    """Return a figure as SVG, saved as Jupyter saves it."""
    file = io.StringIO()
    figure.savefig(
        file,
        format="svg",
        facecolor=figure.get_facecolor(),
        edgecolor=figure.get_edgecolor(),
        bbox_inches="tight",
        **options,
    )
    return file.getvalue()


def show(*args, **kwargs):
    """Display the open figures."""
    IPython.shell.show_figures()
