"""The style of the book's figures, and the figures that several chapters share."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats

#: Width of figures in inches: on a phone, text of 12 points is then 11 pixels high.
WIDTH = 5.0

#: Okabe and Ito's colours, which colour-blind readers can tell apart, without yellow, which is too
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
    """Set figures to reproducible SVG, with text that is legible on a phone."""
    set_matplotlib_formats("svg", metadata={"Date": None})
    plt.rcParams.update(
        {
            "svg.hashsalt": "lvmnotes",
            "figure.figsize": (WIDTH, 3.3),
            "figure.constrained_layout.use": True,
            "savefig.dpi": 150,  # resolution of rasterised layers
            "font.size": 12,
            "axes.titlesize": 12,
            "figure.titlesize": 12,
            "figure.labelsize": 12,
            "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PURPLE, SKY, AMBER]),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": False,
            "legend.frameon": False,
            "lines.linewidth": 2,
        }
    )


def frameless(ax: Axes) -> None:
    """Remove the ticks and the frame of a picture whose axes have no meaning.

    Parameters
    ----------
    ax : Axes
    """
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def image_rows(rows: dict[str, np.ndarray]) -> Figure:
    """Draw rows of 8 x 8 images; NaN is shown in blue.

    Parameters
    ----------
    rows : dict of str to array_like of shape (n_images, 64)
        Label of each row to its images.
    """
    n_images = len(next(iter(rows.values())))
    figure, axes = plt.subplots(
        len(rows), n_images, figsize=(WIDTH, 5.2 / n_images * len(rows) + 0.1)
    )
    for row, (label, images) in zip(axes, rows.items(), strict=True):
        for ax, x in zip(row, images, strict=True):
            ax.set_facecolor("#9ec9e2")
            ax.imshow(np.reshape(x, (8, 8)), cmap="Greys", vmin=0, vmax=16)
            frameless(ax)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return figure


def half_steps(bounds: np.ndarray, log_likelihoods: np.ndarray, gaps: np.ndarray) -> Figure:
    """Draw the bound and the log-likelihood over the half-steps of EM, and the gap below them.

    Parameters
    ----------
    bounds, log_likelihoods, gaps : array_like of shape (n_half_steps,)
        In nats per sample, after an E-step first, then after E-steps and M-steps in turn.
    """
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(WIDTH, 4.4), sharex=True, height_ratios=[2, 1]
    )
    steps = np.arange(len(bounds))
    top.fill_between(steps, bounds, log_likelihoods, color="C1", alpha=0.25, linewidth=0)
    top.plot(steps, log_likelihoods, color="C0", marker="o", label="log-likelihood")
    top.plot(steps, bounds, color="C1", marker="s", linestyle="--", label="bound")
    top.set(ylabel="nats per person")
    top.legend(loc="lower right")
    bottom.bar(steps, gaps, color="C1")
    bottom.set_xticks(steps, ["E", "M"] * (len(steps) // 2))
    bottom.set(xlabel="half-step", ylabel="KL gap\n(nats)")
    return figure
