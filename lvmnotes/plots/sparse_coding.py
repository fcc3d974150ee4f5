"""Figures of the chapter on sparse coding."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .common import WIDTH, frameless


def priors(
    h: np.ndarray, densities: dict[str, np.ndarray], with_spike: dict[str, np.ndarray]
) -> Figure:
    """Draw densities of one factor, on a linear and on a logarithmic scale.

    Parameters
    ----------
    h : array_like of shape (n_values,)
    densities : dict of str to array_like of shape (n_values,)
        Name of a prior to its density.
    with_spike : dict of str to array_like of shape (n_values,)
        Name to density of priors that also have a positive probability at 0, drawn as a bar.
    """
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.2), sharex=True)
    for ax, scale in zip(axes, ("linear", "log"), strict=True):
        for name, density in (densities | with_spike).items():
            (line,) = ax.plot(h, density, label=name)
            if name in with_spike:
                ax.axvline(0, color=line.get_color(), linewidth=4, alpha=0.4, zorder=0)
        ax.set(xlabel="h", ylabel="density" if scale == "linear" else None, yscale=scale)
    axes[1].set_ylim(1e-5, None)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure


def code_path(
    patch: np.ndarray, decoded: np.ndarray, weights: np.ndarray, path: np.ndarray, lam: float
) -> Figure:
    """Draw a patch, its reconstruction, and the entries of its code over the sparsity weight.

    Parameters
    ----------
    patch, decoded : array_like of shape (size * size,)
    weights : array_like of shape (n_weights,)
    path : array_like of shape (n_weights, n_components)
        One code per row.
    lam : float
        The weight of `decoded`, which is marked.
    """
    figure = plt.figure(figsize=(WIDTH, 3.2))
    axes = figure.subplot_mosaic([["patch", "path"], ["decoded", "path"]], width_ratios=[1, 3])
    size, largest = int(np.sqrt(len(patch))), np.abs(patch).max()
    for name, image in [("patch", patch), ("decoded", decoded)]:
        tile = np.reshape(image, (size, size))
        axes[name].imshow(tile, cmap="gray", vmin=-largest, vmax=largest, gid=f"photograph-{name}")
        axes[name].set(xticks=[], yticks=[], title=name)
    axes["path"].semilogx(weights, path, linewidth=1.2)
    axes["path"].axvline(lam, color="black", linestyle="--", linewidth=1.2)
    axes["path"].set(xlabel="λ", ylabel="entries of the code")
    axes["path"].set_title(f"{np.count_nonzero(path[list(weights).index(lam)])} in use")
    return figure


def diamond_and_ellipse(W: np.ndarray, centre: np.ndarray, code: np.ndarray) -> Figure:
    """Draw the codes of two atoms that have the error of one code, and those that have its norm.

    Parameters
    ----------
    W : array_like of shape (n_features, 2)
    centre : array_like of shape (2,)
        The code of smallest error.
    code : array_like of shape (2,)
    """
    figure, ax = plt.subplots(figsize=(4.2, 4.2))
    angle = np.linspace(0, 2 * np.pi, 100)
    circle = np.linalg.norm(W @ (code - centre)) * np.array([np.cos(angle), np.sin(angle)])
    root = np.linalg.cholesky(np.linalg.inv(W.T @ W))
    for share in (1 / 3, 2 / 3, 1):
        ring = share * root @ circle + np.reshape(centre, (2, 1))
        ax.plot(*ring, color="C1", linewidth=2 if share == 1 else 0.8)
    norm = np.abs(code).sum()
    ax.fill([norm, 0, -norm, 0], [0, norm, 0, -norm], facecolor="#D9EAF4", edgecolor="C0")
    ax.plot(*code, "o", color="black", zorder=3)
    ax.set(xlim=(-2, 2), ylim=(-2, 2), aspect="equal", xlabel="$h_1$", ylabel="$h_2$")
    return figure


def proximal_descent(traces: dict[str, np.ndarray], bounds: dict[str, np.ndarray]) -> Figure:
    """Draw an objective minus its minimum over iterations, with the theoretical bounds.

    Parameters
    ----------
    traces, bounds : dict of str to array_like of shape (n_iterations,)
        Name of a method to its objective minus the minimum, after each iteration.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.6))
    for color, (name, trace) in enumerate(traces.items()):
        iterations = np.arange(1, len(trace) + 1)
        ax.loglog(iterations, trace, color=f"C{color}", label=name)
        if name in bounds:
            ax.loglog(iterations, bounds[name], color=f"C{color}", linestyle=":")
    ax.set(xlabel="iteration", ylabel="objective minus minimum")
    ax.legend()
    return figure


def dictionaries(atoms: dict[str, np.ndarray], columns: int = 10) -> Figure:
    """Draw the columns of dictionaries as square images, one panel per dictionary.

    Parameters
    ----------
    atoms : dict of str to array_like of shape (size * size, n_components)
        Title to dictionary; all have the same shape.
    columns : int
        Number of images per row.
    """
    figure, axes = plt.subplots(1, len(atoms), figsize=(WIDTH, 0.4 + WIDTH / len(atoms)))
    for ax, (title, W) in zip(np.atleast_1d(axes), atoms.items(), strict=True):
        size = int(np.sqrt(len(W)))
        tiles = (W / np.abs(W).max(axis=0)).T.reshape(-1, columns, size, size)
        tiles = np.pad(tiles, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=1)
        mosaic = np.block([list(row) for row in tiles])
        ax.imshow(mosaic, cmap="gray", vmin=-1, vmax=1, gid=f"photograph-{title}")
        ax.set_title(title)
        frameless(ax)
    return figure


def gabor_scores(scores: dict[str, np.ndarray]) -> Figure:
    """Draw the share of atoms whose best Gabor function has at least a given R squared.

    Parameters
    ----------
    scores : dict of str to array_like of shape (n_components,)
        Name of a dictionary to the R squared of its atoms.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for name, r_squared in scores.items():
        ax.step(np.sort(r_squared), np.linspace(1, 0, len(r_squared)), where="post", label=name)
    ax.set(xlim=(0, 1), xlabel="R² of the best Gabor function", ylabel="share of atoms above")
    figure.legend(loc="outside upper center", ncols=2)
    return figure


def encoder_excess(excess: dict[str, dict[str, float]]) -> Figure:
    """Draw the excess of encoders over the minimum of the objective, on several data sets.

    Parameters
    ----------
    excess : dict of str to dict of str to float
        Encoder to data set to the excess, as a share of the minimum.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for i, (encoder, values) in enumerate(excess.items()):
        position = np.arange(len(values)) + (i - (len(excess) - 1) / 2) * 0.8 / len(excess)
        height = 100 * np.array(list(values.values()))
        bars = ax.bar(position, height, width=0.8 / len(excess), label=encoder)
        ax.bar_label(bars, fmt="%.0f")
        ax.set_xticks(range(len(values)), [name.replace(" ", "\n", 1) for name in values])
    ax.set(ylabel="excess over the minimum (%)")
    ax.legend()
    return figure


def few_labels(counts: Sequence[int], accuracies: dict[str, np.ndarray]) -> Figure:
    """Draw accuracies against the number of labels per class, with standard errors.

    Parameters
    ----------
    counts : sequence of int
        Numbers of labels per class.
    accuracies : dict of str to array_like of shape (n_counts, n_draws)
        Name of a representation to the accuracy of each draw of the labels.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    for i, (name, values) in enumerate(accuracies.items()):
        values = np.asarray(values)
        se = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
        shift = 1.02 ** (i - (len(accuracies) - 1) / 2)
        ax.errorbar(
            np.array(counts) * shift, values.mean(axis=1), se, marker="o", capsize=3, label=name
        )
    ax.set_xscale("log")
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.minorticks_off()
    ax.set(xlabel="labels per class", ylabel="accuracy on held-out digits")
    ax.legend()
    return figure


def objective_contours(
    h: np.ndarray, surfaces: dict[str, np.ndarray], ends: dict[str, np.ndarray]
) -> Figure:
    """Draw contours of objectives of two code entries, and the ends of descents from many starts.

    Parameters
    ----------
    h : array_like of shape (n_values,)
        Values of each of the two entries.
    surfaces : dict of str to array_like of shape (n_values, n_values)
        Name of a prior to the objective; rows are the second entry.
    ends : dict of str to array_like of shape (n_starts, 2)
    """
    figure, axes = plt.subplots(1, len(surfaces), figsize=(WIDTH, 3.3), sharey=True)
    for ax, (name, surface) in zip(axes, surfaces.items(), strict=True):
        levels = np.quantile(surface, np.linspace(0, 0.8, 16))
        ax.contour(h, h, surface, levels=levels, cmap="Blues_r", linewidths=1)
        ax.plot(*np.transpose(ends[name]), "o", color="C1")
        ax.set(title=name, xlabel="first entry", aspect="equal")
    axes[0].set_ylabel("second entry")
    return figure


def prior_samples(images: np.ndarray, groups: int, scores: dict[int, float]) -> Figure:
    """Draw digits decoded from codes of a prior, and the scores of all priors.

    Parameters
    ----------
    images : array_like of shape (24, 64)
    groups : int
        Number of groups of the prior that generated the images.
    scores : dict of int to float
        Number of groups of each prior to the energy distance of its samples from real digits.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2), width_ratios=[1.3, 1])
    tiles = np.pad(
        np.reshape(images, (4, 6, 8, 8)), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=0
    )
    left.imshow(np.block([list(row) for row in tiles]), cmap="gray_r", vmin=0, vmax=1)
    frameless(left)
    right.loglog(list(scores), list(scores.values()), color="C0", marker=".")
    right.plot(groups, scores[groups], "o", color="C1", markersize=9)
    right.set_xticks([1, 10, 100], ["1", "10", "100"])
    right.set_yticks([0.03, 0.1, 0.2], ["0.03", "0.1", "0.2"])
    right.minorticks_off()
    right.set(xlabel="groups", ylabel="energy distance")
    return figure
