"""Figures of the chapter on topic models."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from matplotlib.text import Annotation

from .common import WIDTH, frameless

#: Where the label of a point may stand: offset in points, and alignment.
SIDES = (
    ((6, 0), "left", "center"),
    ((-6, 0), "right", "center"),
    ((0, -6), "center", "top"),
    ((0, 6), "center", "bottom"),
)


def words_and_titles(
    words: np.ndarray, titles: np.ndarray, names: Sequence[str], title_names: Sequence[str]
) -> Figure:
    """Draw words and documents in the plane of two dimensions of latent semantic analysis.

    Parameters
    ----------
    words : array_like of shape (n_features, 2)
    titles : array_like of shape (n_samples, 2)
    names, title_names : sequence of str
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 4.4))
    at: dict[tuple, list[str]] = {}  # words in the same documents have the same place
    for points, labels, style, color in (
        (words, names, "o", "C0"),
        (titles, title_names, "s", "C1"),
    ):
        ax.plot(*np.transpose(points), style, color=color, markersize=5)
        for point, label in zip(points, labels, strict=True):
            at.setdefault((*np.round(point, 6), color), []).append(label)
    ax.axhline(0, color="0.7", linewidth=0.8)
    ax.set(xlabel="first dimension", ylabel="second dimension")
    ax.margins(x=0.2, y=0.1)
    figure.draw_without_rendering()
    taken = [ax.transData.transform(place[:2]) + [[-4], [4]] for place in at]
    for (x, y, color), together in at.items():
        taken.append(_label(ax, (x, y), ", ".join(together), color, taken))
    return figure


def _label(
    ax: Axes, point: tuple[float, float], text: str, color: str, taken: list[np.ndarray]
) -> np.ndarray:
    """Write beside a point, on the side where least is covered; return two corners of the text."""

    def covered(label: Annotation) -> int:
        low, high = label.get_window_extent().get_points()
        return sum((low < box[1]).all() and (box[0] < high).all() for box in taken)

    labels = [
        ax.annotate(text, point, offset, textcoords="offset points", color=color, ha=ha, va=va)
        for offset, ha, va in SIDES
    ]
    best = min(labels, key=covered)
    for label in labels:
        if label is not best:
            label.remove()
    return best.get_window_extent().get_points()


def plates() -> Figure:
    """Draw the graphical models of pLSA and of LDA, with plates for what is repeated."""
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 4.0))
    titles = "probabilistic latent semantic analysis", "latent Dirichlet allocation"
    for ax, title, priors in zip(axes, titles, (False, True), strict=True):
        ax.set_title(title)
        circles = {r"$\pi_n$": 1.3, "$z$": 2.5, "$x$": 3.7, r"$\theta_k$": 5.2}
        places = circles | ({r"$\alpha$": 0.2, r"$\eta$": 6.4} if priors else {})
        for text, x in places.items():
            if text in circles:
                drawn = priors or text in ("$z$", "$x$")
                edge = {"edgecolor": "black", "linestyle": "-" if drawn else ":"}
                face = "0.85" if text == "$x$" else "white"
                ax.add_patch(Circle((x, 0), 0.33, facecolor=face, **edge))
            ax.text(x, 0, text, ha="center", va="center")
        arrows = [(r"$\pi_n$", "$z$"), ("$z$", "$x$"), (r"$\theta_k$", "$x$")]
        if priors:
            arrows += [(r"$\alpha$", r"$\pi_n$"), (r"$\eta$", r"$\theta_k$")]
        for tail, head in arrows:
            start, end = places[tail], places[head]
            gap = 0.36 if tail in circles else 0.18
            towards = np.sign(end - start)
            ends = {"xy": (end - 0.36 * towards, 0), "xytext": (start + gap * towards, 0)}
            ax.annotate("", **ends, arrowprops={"arrowstyle": "->", "linewidth": 1.5})
        for (left, right), (low, high), text in (
            ((0.8, 4.3), (-1.2, 0.55), "documents $n$"),
            ((2.05, 4.18), (-0.75, 0.43), "words"),
            ((4.65, 5.75), (-1.2, 0.55), "topics $k$"),
        ):
            ax.add_patch(
                Rectangle((left, low), right - left, high - low, facecolor="none", edgecolor="0.5")
            )
            ax.text(left + 0.08, low + 0.06, text, va="bottom")
        ax.set(xlim=(-0.1, 6.7), ylim=(-1.25, 0.6), aspect="equal")
        frameless(ax)
    return figure


def topic_images(rows: dict[str, np.ndarray]) -> Figure:
    """Draw rows of topics or documents of 5 x 5 pixels.

    Parameters
    ----------
    rows : dict of str to array_like of shape (n_images, 25)
        Label of each row to its images, each on a scale of its own.
    """
    n_images = len(next(iter(rows.values())))
    figure, axes = plt.subplots(len(rows), n_images, figsize=(WIDTH, 0.75 * len(rows) + 0.1))
    for row, (label, images) in zip(axes, rows.items(), strict=True):
        for ax, x in zip(row, images, strict=True):
            ax.imshow(np.reshape(x, (5, 5)), cmap="Greys", vmin=0)
            ax.set(xticks=[], yticks=[])
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return figure


def perplexities(sizes: Sequence[int], curves: dict[str, np.ndarray], without: float) -> Figure:
    """Draw perplexity over the number of topics.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of topics.
    curves : dict of str to array_like of shape (n_sizes,)
        Name to perplexities.
    without : float
        Perplexity of a model without topics.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.6))
    for (name, values), style in zip(curves.items(), ("o-", "s--", "^:"), strict=False):
        ax.loglog(sizes, values, style, markersize=5, label=name)
    ax.axhline(without, color="0.5", linewidth=1, label="without topics")
    ax.set(xlabel="topics", ylabel="perplexity of held-out words")
    ax.set_xticks(sizes, [str(size) for size in sizes])
    ax.set_yticks([70, 100, 150, 200, 300, 500], ["70", "100", "150", "200", "300", "500"])
    ax.minorticks_off()
    figure.legend(loc="outside upper center", ncols=2)
    return figure
