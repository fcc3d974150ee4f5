"""Figures of the chapter on slow feature analysis."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .common import BLUE, ORANGE, WIDTH, frameless


def signals(rows: dict[str, np.ndarray], xlabel: str, t: np.ndarray | None = None) -> Figure:
    """Draw signals over time, one below the other.

    Parameters
    ----------
    rows : dict of str to array_like of shape (n_steps,)
        Name of each signal to its values.
    xlabel : str
    t : array_like of shape (n_steps,), optional
        Times; by default the numbers of the steps.
    """
    figure, axes = plt.subplots(len(rows), 1, figsize=(WIDTH, 1.15 * len(rows) + 0.4), sharex=True)
    for ax, (name, y) in zip(axes, rows.items(), strict=True):
        ax.plot(np.arange(1, len(y) + 1) if t is None else t, y, linewidth=1.3)
        ax.set_ylabel(name)
    axes[-1].set_xlabel(xlabel)
    figure.align_ylabels()
    return figure


def direction(Z: np.ndarray, u: np.ndarray) -> Figure:
    """Draw the path of a signal in the plane, a direction, and the output along it over time.

    Parameters
    ----------
    Z : array_like of shape (n_steps, 2)
    u : array_like of shape (2,)
        Of length 1.
    """
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 2.6), width_ratios=[1, 1.2], layout="constrained"
    )
    left.plot(*np.transpose(Z), color="0.6", linewidth=0.8)
    left.plot(*np.transpose(Z), "o", color=BLUE, markersize=2.5)
    left.axline((0, 0), tuple(u), color="black", linewidth=1.2)
    left.set(aspect="equal", xlim=(-2.6, 2.6), ylim=(-2.6, 2.6), xlabel="$z_1$", ylabel="$z_2$")
    right.plot(np.arange(1, len(Z) + 1), Z @ u, linewidth=1.3)
    right.set(xlabel="step", ylabel="output", ylim=(-2.9, 2.9))
    return figure


def films(X: np.ndarray, n_steps: int) -> Figure:
    """Draw films of square pictures, one film per row.

    Parameters
    ----------
    X : array_like of shape (n_films * n_steps, size * size)
    n_steps : int
    """
    side = round(np.sqrt(X.shape[1]))
    pictures = np.reshape(X, (-1, n_steps, side, side))
    figure, axes = plt.subplots(
        len(pictures), n_steps, figsize=(WIDTH, 5.1 / n_steps * len(pictures)), squeeze=False
    )
    for k, (row, film) in enumerate(zip(axes, pictures, strict=True)):
        for step, (ax, picture) in enumerate(zip(row, film, strict=True)):
            name = f"photograph-{k}-{step}"
            ax.imshow(picture, cmap="Greys_r", vmin=film.min(), vmax=film.max(), gid=name)
            frameless(ax)
    return figure


def phase_responses(
    gratings: np.ndarray, phases: np.ndarray, responses: dict[str, np.ndarray]
) -> Figure:
    """Draw the grating that each feature responds to most, and its responses over the phase.

    Parameters
    ----------
    gratings : array_like of shape (2 * n_features, size * size)
        The preferred gratings of the features of the first kind, then of the second.
    phases : array_like of shape (n_phases,)
        In degrees.
    responses : dict of str to array_like of shape (n_features, n_phases)
        The two kinds of features, and the responses of each feature to its grating.
    """
    n_features = len(gratings) // 2
    side = round(np.sqrt(gratings.shape[1]))
    figure, axes = plt.subplots(
        4, n_features, figsize=(WIDTH, 4.6), height_ratios=[1, 1.3, 1, 1.3], sharey="row"
    )
    for kind, (name, curves) in enumerate(responses.items()):
        for j in range(n_features):
            picture, ax = axes[2 * kind, j], axes[2 * kind + 1, j]
            picture.imshow(
                np.reshape(gratings[kind * n_features + j], (side, side)), cmap="Greys_r"
            )
            frameless(picture)
            ax.axhline(0, color="0.7", linewidth=0.8)
            ax.plot(phases, curves[j], color=(ORANGE, BLUE)[kind])
            ax.set(xticks=[0, 360])
        axes[2 * kind + 1, 0].set_ylabel(name)
    figure.supxlabel("phase (°)")
    return figure


def smoothed(truth: np.ndarray, sfa: np.ndarray, smoother: np.ndarray, sd: np.ndarray) -> Figure:
    """Draw a factor, the output of slow feature analysis, and the smoother's mean with its error.

    Parameters
    ----------
    truth, sfa, smoother : array_like of shape (n_steps,)
    sd : array_like of shape (n_steps,)
        Posterior standard deviation.
    """
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(WIDTH, 4), sharex=True, sharey=True)
    t = np.arange(1, len(truth) + 1)
    top.plot(t, sfa, color=ORANGE, linewidth=1, label="slow feature")
    bottom.fill_between(t, smoother - 2 * sd, smoother + 2 * sd, color=BLUE, alpha=0.2, linewidth=0)
    bottom.plot(t, smoother, color=BLUE, linewidth=1.3, label="smoother")
    for ax in (top, bottom):
        ax.plot(t, truth, color="black", linewidth=1, label="factor")
        ax.legend(loc="upper right", ncols=2)
        ax.set_ylim(-4, 5.5)
    bottom.set_xlabel("step")
    return figure
