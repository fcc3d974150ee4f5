"""Figures of the chapter on linear factor models."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from ..linear_factor import LinearGaussianModel
from .common import BLUE, GREEN, ORANGE, PURPLE, WIDTH


def two_draws(H: np.ndarray, X: np.ndarray, model: LinearGaussianModel) -> Figure:
    """Draw two factors, the two variables that they generate, and the columns of W at the offset.

    Parameters
    ----------
    H : array_like of shape (n_samples, 2)
    X : array_like of shape (n_samples, 2)
    model : LinearGaussianModel
        Its columns are drawn at twice their length, its covariance at two standard deviations.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    left.plot(*np.transpose(H), ".", color="0.6")
    left.set(xlim=(-3.4, 3.4), ylim=(-3.4, 3.4), aspect="equal", xlabel="$h_1$", ylabel="$h_2$")
    right.plot(*np.transpose(X), ".", color="0.6")
    angle = np.linspace(0, 2 * np.pi, 100)
    ring = 2 * np.linalg.cholesky(model.get_covariance()) @ [np.cos(angle), np.sin(angle)]
    right.plot(*(ring + model.b_[:, None]), color="0.6", linewidth=1)
    for column, color in zip(model.W_.T, (BLUE, ORANGE), strict=True):
        right.annotate(
            "",
            model.b_ + 2 * column,
            model.b_,
            arrowprops={"arrowstyle": "-|>", "color": color, "lw": 3, "shrinkA": 0, "shrinkB": 0},
        )
    right.set(xlim=(-3, 13), ylim=(-4, 12), aspect="equal")
    right.set(xlabel="sensor 1 (lux)", ylabel="sensor 2 (lux)")
    return figure


def density_contours(log_densities: dict[str, np.ndarray], ticks: np.ndarray) -> Figure:
    """Draw contours, two nats apart, of densities of two factors, one panel per density.

    Parameters
    ----------
    log_densities : dict of str to array_like of shape (n_ticks, n_ticks)
        Title to values; the first factor runs along the rows.
    ticks : array_like of shape (n_ticks,)
    """
    figure, axes = plt.subplots(
        1, len(log_densities), figsize=(WIDTH, 2.3), sharex=True, sharey=True
    )
    for ax, (title, values) in zip(axes, log_densities.items(), strict=True):
        levels = np.max(values) + np.arange(-12, 0, 2)
        ax.contour(ticks, ticks, values, levels, colors=BLUE, linestyles="-", linewidths=1.2)
        ax.set(title=title, aspect="equal", xlabel="$h_1$", xticks=[-5, 0, 5], yticks=[-5, 0, 5])
    axes[0].set_ylabel("$h_2$")
    return figure


def readings(X: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw several variables over the samples, one below the other.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
    names : sequence of str
        One name per variable.
    """
    figure, axes = plt.subplots(len(names), figsize=(WIDTH, 3.0), sharex=True)
    for ax, x, name in zip(axes, np.transpose(X), names, strict=True):
        ax.plot(x, color=BLUE, marker=".", linewidth=0.8)
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    axes[-1].set_xlabel("evening")
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
    figure, axes = plt.subplots(1, len(samples), figsize=(WIDTH, 2.3), sharex=True, sharey=True)
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
    figure, axes = plt.subplots(len(curves), 1, figsize=(WIDTH, 4.6), sharex=True, sharey=True)
    for ax, (title, (prior, likelihood, posterior)) in zip(axes, curves.items(), strict=True):
        ax.plot(h, prior, ":", color="black", linewidth=1.5, label="prior")
        ax.plot(h, likelihood, "--", color=GREEN, linewidth=1.5, label="likelihood")
        ax.plot(h, posterior, color=BLUE, label="posterior")
        ax.set(ylim=(0, 1.1), xlim=(-4, 4), ylabel="density")
        ax.set_title(title, loc="left")
    axes[0].legend(loc="upper right")
    axes[-1].set_xlabel("h")
    return figure


def found_against_true(truth: np.ndarray, found: dict[str, np.ndarray]) -> Figure:
    """Draw found factors against the true ones, one panel per method.

    Parameters
    ----------
    truth : array_like of shape (n_samples,)
    found : dict of str to array_like of shape (n_samples,)
    """
    figure, axes = plt.subplots(1, len(found), figsize=(WIDTH, 3.1), sharex=True, sharey=True)
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
    figure, ax = plt.subplots(figsize=(WIDTH, 4.6))
    colors = (BLUE, ORANGE, GREEN, PURPLE, "black")
    for label in range(10):
        x, y = H[labels == label, :2].T
        ax.scatter(x, y, marker=f"${label}$", s=55, color=colors[label % 5], linewidths=0.2)
    ax.set(xlabel="factor 1 (posterior mean)", ylabel="factor 2 (posterior mean)")
    return figure
