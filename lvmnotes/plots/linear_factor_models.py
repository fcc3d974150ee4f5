"""Figures of the chapter on linear factor models."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .common import BLUE, GREEN, ORANGE, PURPLE


def generation_steps(
    step: str, H: np.ndarray, W: np.ndarray, b: np.ndarray, X: np.ndarray
) -> Figure:
    """Draw one factor and its image in the plane of two variables, up to one step of the model.

    Parameters
    ----------
    step : {"h", "W h", "W h + b", "x"}
        The last step that is drawn.
    H : array_like of shape (n_samples, 1)
    W : array_like of shape (2, 1)
    b : array_like of shape (2,)
    X : array_like of shape (n_samples, 2)
    """
    figure, (top, plane) = plt.subplots(2, 1, figsize=(5.6, 4.6), height_ratios=[1, 5])
    image = H @ W.T
    points = {"h": None, "W h": image, "W h + b": image + b, "x": X}[step]
    top.scatter(H, np.zeros(len(H)), s=14, color=BLUE, alpha=0.5, linewidths=0)
    top.scatter(H[0], 0, s=70, color=ORANGE, zorder=3)
    top.set(xlim=(-3.3, 3.3), yticks=[], xlabel="h, the setting of the lamp")
    top.spines.left.set_visible(False)
    if points is None:
        plane.text(3.5, 2.5, "no reading yet", ha="center", va="center", color="#666666")
    else:
        shift = b if step in ("W h + b", "x") else np.zeros(2)
        ends = np.array([[-4.0], [4.0]]) @ W.T + shift
        plane.plot(*ends.T, color="#999999", linewidth=1)
        plane.scatter(*points.T, s=14, color=BLUE, alpha=0.5, linewidths=0)
        plane.scatter(*points[0], s=70, color=ORANGE, zorder=3)
    if step == "x":
        plane.plot(*np.stack([image[0] + b, X[0]]).T, color=ORANGE)
    plane.set(xlim=(-6, 13), ylim=(-3.5, 8.5), xlabel="sensor 1 (lux)", ylabel="sensor 2 (lux)")
    plane.set_title(f"drawn so far: {step}", loc="left")
    return figure


def density_contours(log_densities: dict[str, np.ndarray], ticks: np.ndarray) -> Figure:
    """Draw contours, two nats apart, of densities of two factors, one panel per density.

    Parameters
    ----------
    log_densities : dict of str to array_like of shape (n_ticks, n_ticks)
        Title to values; the first factor runs along the rows.
    ticks : array_like of shape (n_ticks,)
    """
    figure, axes = plt.subplots(1, len(log_densities), figsize=(5.2, 2.3), sharex=True, sharey=True)
    for ax, (title, values) in zip(axes, log_densities.items(), strict=True):
        levels = np.max(values) + np.arange(-12, 0, 2)
        ax.contour(ticks, ticks, values, levels, colors=BLUE, linestyles="-", linewidths=1.2)
        ax.set(title=title, aspect="equal", xlabel="$h_1$", xticks=[-5, 0, 5], yticks=[-5, 0, 5])
    axes[0].set_ylabel("$h_2$")
    return figure


def samples_with_ellipse(
    samples: dict[str, np.ndarray], C: np.ndarray, names: Sequence[str]
) -> Figure:
    """Draw two-dimensional samples, one panel per sample, with the ellipse of one covariance.

    Parameters
    ----------
    samples : dict of str to array_like of shape (n_samples, 2)
    C : array_like of shape (2, 2)
        The covariance; its ellipse is drawn at two standard deviations.
    names : sequence of str
        Names of the two variables.
    """
    figure, axes = plt.subplots(1, len(samples), figsize=(5.2, 2.3), sharex=True, sharey=True)
    angle = np.linspace(0, 2 * np.pi, 100)
    ellipse = 2 * np.linalg.cholesky(C) @ [np.cos(angle), np.sin(angle)]
    for ax, (title, X) in zip(axes, samples.items(), strict=True):
        ax.scatter(*X.T, s=3, color=BLUE, alpha=0.4, linewidths=0, rasterized=True)
        ax.plot(*ellipse, color=ORANGE)
        ax.set(title=title, xlim=(-7, 7), ylim=(-7, 7), aspect="equal", xlabel=names[0])
    axes[0].set_ylabel(names[1])
    return figure


def posteriors(h: np.ndarray, curves: dict[str, tuple[np.ndarray, ...]]) -> Figure:
    """Draw prior, likelihood and posterior of one factor, one panel per prior.

    Parameters
    ----------
    h : array_like of shape (n_ticks,)
    curves : dict of str to tuple of three array_like of shape (n_ticks,)
        Title to the values of prior, likelihood and posterior.
    """
    figure, axes = plt.subplots(len(curves), 1, figsize=(5.6, 4.6), sharex=True, sharey=True)
    for ax, (title, (prior, likelihood, posterior)) in zip(axes, curves.items(), strict=True):
        ax.plot(h, prior, ":", color="black", linewidth=1.5, label="prior")
        ax.plot(h, likelihood, "--", color=GREEN, linewidth=1.5, label="likelihood")
        ax.plot(h, posterior, color=BLUE, label="posterior")
        ax.set(ylim=(0, 1.1), xlim=(-4, 4), ylabel="density")
        ax.set_title(title, loc="left")
    axes[0].legend(loc="upper right", fontsize="small")
    axes[-1].set_xlabel("h")
    return figure


def found_against_true(truth: np.ndarray, found: dict[str, np.ndarray]) -> Figure:
    """Draw found factors against the true ones, one panel per method.

    Parameters
    ----------
    truth : array_like of shape (n_samples,)
    found : dict of str to array_like of shape (n_samples,)
    """
    figure, axes = plt.subplots(1, len(found), figsize=(5.6, 3.1), sharex=True, sharey=True)
    for ax, (title, values) in zip(axes, found.items(), strict=True):
        ax.scatter(truth, values, s=5, color=BLUE, alpha=0.4, linewidths=0, rasterized=True)
        ax.axline((0, 0), slope=1, color=ORANGE, linewidth=1)
        ax.set(title=title, xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xlabel="true $h_1$")
        ax.set(xticks=[-3, 0, 3], yticks=[-3, 0, 3])
    axes[0].set_ylabel("found")
    return figure


def labelled_plane(H: np.ndarray, labels: np.ndarray) -> Figure:
    """Draw each sample as its label, at the values of its first two factors.

    Parameters
    ----------
    H : array_like of shape (n_samples, at least 2)
    labels : array_like of int, shape (n_samples,)
        Digits from 0 to 9.
    """
    figure, ax = plt.subplots(figsize=(5.6, 4.6))
    colors = (BLUE, ORANGE, GREEN, PURPLE, "black")
    for label in range(10):
        x, y = H[labels == label, :2].T
        ax.scatter(x, y, marker=f"${label}$", s=55, color=colors[label % 5], linewidths=0.2)
    ax.set(xlabel="factor 1 (posterior mean)", ylabel="factor 2 (posterior mean)")
    return figure
