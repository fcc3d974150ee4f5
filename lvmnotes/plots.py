"""The look of the book's figures, and the figures that are too long for a chapter's cell."""

from __future__ import annotations

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib_inline.backend_inline import set_matplotlib_formats

#: Okabe and Ito's colours, which colour-blind readers tell apart; without yellow, which is too
#: pale for lines on white.
BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#E69F00",
)


def style() -> None:
    """Draw figures as SVG, the same bytes for the same figure, legible on a telephone."""
    set_matplotlib_formats("svg", metadata={"Date": None})
    plt.rcParams.update(
        {
            "svg.hashsalt": "lvmnotes",
            "figure.figsize": (5.6, 3.5),
            "figure.constrained_layout.use": True,
            "savefig.dpi": 150,  # of the layers that are rasterised
            "font.size": 12,
            "axes.titlesize": 12,
            "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )
