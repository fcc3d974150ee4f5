"""Figures of the chapter on partial least squares."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from .common import WIDTH, frameless


def spectra(X: np.ndarray, content: np.ndarray, label: str) -> Figure:
    """Draw spectra, coloured by what is to be predicted from them.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_channels)
    content : array_like of shape (n_samples,)
    label : str
        Name of the content, with its unit.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.6))
    channels = np.arange(np.shape(X)[1])
    lines = LineCollection(
        [np.column_stack([channels, x]) for x in np.asarray(X)],
        cmap="viridis_r",
        array=content,
        linewidths=0.8,
        rasterized=True,
    )
    ax.add_collection(lines)
    ax.set(xlim=channels[[0, -1]], ylim=(np.min(X) - 0.1, np.max(X) + 0.1))
    ax.set(xlabel="channel, by wavelength", ylabel="absorbance")
    figure.colorbar(lines, ax=ax, label=label)
    return figure


def two_blocks() -> Figure:
    """Draw the graphical model: a vector of scores with two blocks of observed variables."""
    figure, ax = plt.subplots(figsize=(WIDTH, 2.1))
    scores, blocks = (2.5, 1.5), {r"$\mathbf{x}$": 0.9, r"$\mathbf{y}$": 4.1}
    for text, x in blocks.items():
        ax.add_patch(Circle((x, 0.3), 0.28, facecolor="0.85", edgecolor="black"))
        ax.text(x, 0.3, text, ha="center", va="center")
        ax.annotate(
            "",
            xy=(x, 0.3),
            xytext=scores,
            arrowprops={"arrowstyle": "->", "shrinkA": 20, "shrinkB": 20, "linewidth": 1.5},
        )
    ax.add_patch(Circle(scores, 0.28, facecolor="white", edgecolor="black"))
    ax.text(*scores, r"$\mathbf{h}$", ha="center", va="center")
    ax.text(1.45, 1.0, "$W$", ha="right")
    ax.text(3.55, 1.0, "$A$", ha="left")
    ax.set(xlim=(0, 5), ylim=(-0.1, 1.9), aspect="equal")
    frameless(ax)
    return figure


def direction_curves(
    degrees: np.ndarray, curves: dict[str, np.ndarray], best: dict[str, float]
) -> Figure:
    """Draw three measures of a direction, each as a share of its maximum, and where that lies.

    Parameters
    ----------
    degrees : array_like of shape (n_angles,)
        Angle of the direction.
    curves : dict of str to array_like of shape (n_angles,)
        Name of each measure to its values.
    best : dict of str to float
        Name of each measure to the angle of its maximum.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    for (name, values), style in zip(curves.items(), ("-", "--", ":"), strict=True):
        (line,) = ax.plot(degrees, values / np.max(values), style, label=name)
        ax.plot(best[name], 1, "o", color=line.get_color(), markersize=8)
    ax.set(xlabel="angle of the direction (°)", ylabel="share of the maximum")
    ax.set(xlim=(0, 180), xticks=[0, 45, 90, 135, 180], ylim=(-1.05, 1.1))
    figure.legend(loc="outside upper center", ncols=3, handlelength=1.5)
    return figure


def errors(curves: dict[str, dict[str, np.ndarray]]) -> Figure:
    """Draw the error of prediction over the number of components, a panel per experiment.

    Parameters
    ----------
    curves : dict of str to dict of str to array_like of shape (n_components,)
        Title of a panel to the errors of each method, with 1, 2, ... components.
    """
    figure, axes = plt.subplots(1, len(curves), figsize=(WIDTH, 3.4), sharey=True)
    for ax, (title, methods) in zip(axes, curves.items(), strict=True):
        for (name, values), mark in zip(methods.items(), ("o-", "s--"), strict=True):
            ax.semilogy(np.arange(1, len(values) + 1), values, mark, markersize=4, label=name)
        ax.set(title=title, xlabel="components", xticks=[1, 5, 10, 15, 20])
        ax.set_yticks([2, 3, 5, 10], ["2", "3", "5", "10"])
        ax.minorticks_off()
    axes[0].set_ylabel("error (% of fat)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def coefficients(curves: dict[int, np.ndarray]) -> Figure:
    """Draw the coefficients of all channels, a panel per number of components.

    Parameters
    ----------
    curves : dict of int to array_like of shape (n_channels,)
        Number of components to the coefficients.
    """
    figure, axes = plt.subplots(len(curves), 1, figsize=(WIDTH, 4.6), sharex=True)
    for ax, (d, values) in zip(axes, curves.items(), strict=True):
        ax.axhline(0, color="gray", linewidth=0.8)
        ax.plot(values)
        ax.set_title(f"{d} components", loc="left")
    axes[-1].set(xlabel="channel, by wavelength", xlim=(0, len(values) - 1))
    return figure
