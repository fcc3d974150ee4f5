"""Figures of the chapter on factor analysis."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .common import WIDTH, frameless


def heatmaps(matrices: dict[str, np.ndarray], names: Sequence[str]) -> Figure:
    """Draw square matrices of the same variables on one scale from -1 to 1.

    Parameters
    ----------
    matrices : dict of str to array_like of shape (n_features, n_features)
        Title to matrix.
    names : sequence of str
        One name per variable.
    """
    size = (WIDTH, 0.8 + 2.4 * len(matrices))
    figure, axes = plt.subplots(len(matrices), figsize=size, squeeze=False)
    for ax, (title, matrix) in zip(axes.flat, matrices.items(), strict=True):
        image = ax.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
        ax.set_title(title)
        frameless(ax)
        ax.set_yticks(range(len(names)), names)
        ax.tick_params(length=0)
    figure.colorbar(image, ax=axes, location="bottom", shrink=0.5, label="correlation")
    return figure


def loading_bars(loadings: np.ndarray, names: Sequence[str], factor_names: Sequence[str]) -> Figure:
    """Draw loadings as bars, one panel per factor, one row per variable.

    Parameters
    ----------
    loadings : array_like of shape (n_features, n_components)
    names : sequence of str
        One name per variable.
    factor_names : sequence of str
        One name per factor.
    """
    loadings = np.asarray(loadings)
    D, d = loadings.shape
    size = (WIDTH, 0.8 + 0.27 * D)
    figure, ((*axes,),) = plt.subplots(1, d, figsize=size, sharex=True, sharey=True, squeeze=False)
    for j, ax in enumerate(axes):
        ax.barh(range(D), loadings[:, j], color=f"C{j}")
        ax.axvline(0, color="black", linewidth=0.8)
        ax.set(title=factor_names[j], xlim=(-1, 1))
    axes[0].set_yticks(range(D), names)
    axes[0].invert_yaxis()
    figure.supxlabel("loading")
    return figure


def path_diagram(
    loadings: np.ndarray,
    names: Sequence[str],
    factor_names: Sequence[str],
    threshold: float = 0.3,
) -> Figure:
    """Draw factors as circles, variables as boxes, and loadings as arrows between them.

    Parameters
    ----------
    loadings : array_like of shape (n_features, n_components)
    names : sequence of str
        One name per variable.
    factor_names : sequence of str
        One name per factor.
    threshold : float
        Loadings with a smaller absolute value are not shown.
    """
    loadings = np.asarray(loadings)
    D, d = loadings.shape
    figure, ax = plt.subplots(figsize=(WIDTH, 0.45 * D))
    factor_y = (np.arange(d) + 0.5) * D / d - 0.5
    for j, y in enumerate(factor_y):
        ax.text(
            0,
            y,
            factor_names[j],
            ha="center",
            va="center",
            zorder=3,
            bbox={"boxstyle": "circle,pad=0.6", "fc": "white", "ec": f"C{j}", "lw": 2},
        )
        for i in np.flatnonzero(np.abs(loadings[:, j]) >= threshold):
            arrow = {
                "arrowstyle": "-|>",
                "color": f"C{j}",
                "shrinkA": 28,
                "shrinkB": 2,
                "lw": 4 * abs(loadings[i, j]),
                "ls": "-" if loadings[i, j] > 0 else "--",
            }
            ax.annotate("", (2.0, i), (0, y), arrowprops=arrow)
            along = 0.88 if abs(y - i) < 3 else 0.6  # a steep arrow crosses others near its end
            ax.text(
                2 * along,
                y + along * (i - y),
                f"{loadings[i, j]:.2f}",
                ha="center",
                va="center",
                zorder=4,
                bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"},
            )
    for row, name in enumerate(names):
        ax.text(
            2.05,
            row,
            name,
            va="center",
            bbox={"boxstyle": "square,pad=0.3", "fc": "white", "ec": "black"},
        )
    ax.set(xlim=(-0.5, 4), ylim=(D - 0.4, -0.6))
    ax.axis("off")
    return figure


def convergence(traces: dict[str, np.ndarray]) -> Figure:
    """Draw the difference between the best log-likelihood of all traces and each trace.

    Parameters
    ----------
    traces : dict of str to array_like of shape (n_iterations,)
        Name of a method to its trace.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    best = max(np.max(trace) for trace in traces.values())
    for color, (name, trace) in enumerate(traces.items()):
        gap = best - np.asarray(trace)
        iterations = np.flatnonzero(gap > 1e-12)
        ax.semilogy(iterations, gap[iterations], color=f"C{color}", marker=".", label=name)
    ax.set(xlabel="iteration", ylabel="below the maximum (nats per sample)")
    ax.legend()
    return figure


def rotated_loadings(
    loadings: np.ndarray,
    names: Sequence[str],
    angle: float,
    angles: np.ndarray,
    criterion: np.ndarray,
    log_likelihood: float,
) -> Figure:
    """Draw the loadings on two rotated factors, and the varimax criterion over all angles.

    Parameters
    ----------
    loadings : array_like of shape (n_features, 2)
        Loadings after the rotation by `angle`.
    names : sequence of str
        One name per variable.
    angle : float
        Angle of rotation in degrees.
    angles, criterion : array_like of shape (n_angles,)
        The curve of the criterion; the value at `angle` is marked.
    log_likelihood : float
        In nats per sample; shown as text.
    """
    figure, (top, bottom) = plt.subplots(2, figsize=(WIDTH, 4.6), height_ratios=[1.4, 1])
    D = len(names)
    top.barh(np.arange(D) - 0.2, loadings[:, 0], height=0.4, color="C0", label="factor 1")
    top.barh(np.arange(D) + 0.2, loadings[:, 1], height=0.4, color="C1", label="factor 2")
    top.axvline(0, color="black", linewidth=0.8)
    top.set_yticks(range(D), names)
    top.set(xlim=(-1, 1), xlabel="loading")
    top.invert_yaxis()
    top.legend(loc="lower center", bbox_to_anchor=(0.3, 1), ncols=2)
    bottom.plot(angles, criterion, color="C2")
    bottom.plot(angle, np.interp(angle, angles, criterion), "o", color="black")
    bottom.set(xticks=[0, 90, 180], xlabel="angle (°)", ylabel="criterion", ylim=(0, None))
    bottom.set_title(f"log-likelihood {log_likelihood:.4f}")
    return figure


def heywood_case(
    uniqueness: np.ndarray, log_likelihood: np.ndarray, trace: np.ndarray, label: str
) -> Figure:
    """Draw the best log-likelihood for each value of one uniqueness, and its trace under EM.

    Parameters
    ----------
    uniqueness, log_likelihood : array_like of shape (n_values,)
        The profile likelihood of this uniqueness.
    trace : array_like of shape (n_iterations,)
        The uniqueness after each iteration of EM.
    label : str
        Name of the uniqueness.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    left.semilogx(uniqueness, log_likelihood, color="C0", marker="o")
    left.axvline(0.005, color="C1", linestyle="--")
    left.text(0.004, np.min(log_likelihood), "R stops here", color="C1", ha="right")
    left.set(xlabel=label, ylabel="log-likelihood (nats per sample)")
    right.loglog(np.arange(1, len(trace) + 1), trace, color="C0")
    right.set(xlabel="iteration of EM", ylabel=label)
    return figure
