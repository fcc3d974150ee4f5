"""Figures of the chapter on probabilistic PCA."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .common import WIDTH


def noise_shapes(
    w: np.ndarray, noise_variances: dict[str, np.ndarray], h: np.ndarray, z: np.ndarray
) -> Figure:
    """Draw samples of models with one factor and two variables, and the shape of their noise.

    Parameters
    ----------
    w : array_like of shape (2,)
        Loadings, the same for all models.
    noise_variances : dict of str to array_like of shape (2,)
        Title of a panel to the noise variances of the two variables.
    h : array_like of shape (n_samples,)
        Factors.
    z : array_like of shape (n_samples, 2)
        Noise of variance 1.
    """
    figure, axes = plt.subplots(
        1, len(noise_variances), figsize=(WIDTH, 3.3), sharex=True, sharey=True
    )
    circle = np.linspace(0, 2 * np.pi, 61)
    circle = np.column_stack([np.cos(circle), np.sin(circle)])
    for ax, (title, variances) in zip(axes, noise_variances.items(), strict=True):
        sigma = np.sqrt(variances)
        ax.plot(*(np.outer(h, w) + z * sigma).T, ".", color="0.6", markersize=4)
        ax.plot(*np.outer([-2.6, 2.6], w).T, color="C0")
        for height in (-2, -1, 0, 1, 2):
            ax.plot(*(height * np.asarray(w) + circle * sigma).T, color="C1", linewidth=1.5)
        ax.set(title=title, aspect="equal", xlabel="$x_1$", xlim=(-4, 4), ylim=(-4, 4))
    axes[0].set_ylabel("$x_2$")
    return figure


def likelihood_contours(
    S: np.ndarray,
    noise_variance: float,
    stationary: np.ndarray,
    path: np.ndarray,
    names: Sequence[str],
) -> Figure:
    """Draw the likelihood of PPCA with one factor and fixed noise over the two loadings.

    Parameters
    ----------
    S : array_like of shape (2, 2)
        Sample covariance.
    noise_variance : float
    stationary : array_like of shape (2, 2)
        Columns are the stationary points along the second and the first eigenvector.
    path : array_like of shape (n_iterations, 2)
        Loadings after each iteration of EM.
    names : sequence of str
        Names of the two variables.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 4.6))
    w = np.linspace(-1.5, 1.5, 161)
    loadings = np.stack(np.meshgrid(w, w), axis=-1)
    squared = (loadings**2).sum(axis=-1)
    gain = np.einsum("...i,ij,...j->...", loadings, np.asarray(S), loadings)
    twice = np.log1p(squared / noise_variance) - gain / noise_variance / (noise_variance + squared)
    levels = np.quantile(-twice / 2, np.linspace(0.02, 1, 24))
    ax.contour(w, w, -twice / 2, levels=levels, cmap="Blues", linewidths=1.2)
    saddle, best = np.transpose(stationary)
    for point, mark, label in [(best, "^", "maximum"), (saddle, "X", "saddle point")]:
        both = np.array([point, -np.asarray(point)])
        ax.plot(*both.T, mark, color="black", markersize=9, linestyle="none", label=label)
    label = "minimum at\nthis noise"
    ax.plot(0, 0, "v", color="black", markersize=9, linestyle="none", label=label)
    ax.plot(*np.transpose(path), ".-", color="C1", label="EM")
    ax.set(aspect="equal", xlabel=f"loading of {names[0]}", ylabel=f"loading of {names[1]}")
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def convergence_rates(angles: np.ndarray, errors: np.ndarray) -> Figure:
    """Draw the convergence of the subspace and of the lengths of the columns under EM.

    Parameters
    ----------
    angles : array_like of shape (n_iterations,)
        Angle to the principal subspace, in radians.
    errors : array_like of shape (n_iterations,)
        Error of the lengths of the columns.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    iterations = np.arange(1, len(angles) + 1)
    for values, color, marker, name in [
        (angles, "C0", "o", "angle to the subspace (radians)"),
        (errors, "C1", "s", "error of the lengths"),
    ]:
        ax.semilogy(iterations, values, color=color, marker=marker, markevery=5, label=name)
    ax.set(xlabel="iteration", ylabel="distance from the maximum")
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1))
    return figure


def reconstructions(W: np.ndarray, sigma: float, X: np.ndarray, names: Sequence[str]) -> Figure:
    """Draw points, their reconstructions by the posterior mean, and the density, in two dimensions.

    Parameters
    ----------
    W : array_like of shape (2, 1)
    sigma : float
        Standard deviation of the noise.
    X : array_like of shape (n_samples, 2)
        Standardised data.
    names : sequence of str
        Names of the two variables.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 4.2))
    length = np.linalg.norm(W)
    u = np.ravel(W) / length
    across = np.array([-u[1], u[0]])
    grid = np.linspace(-3.2, 3.2, 161)
    points = np.stack(np.meshgrid(grid, grid), axis=-1)
    distance = (points @ u) ** 2 / (length**2 + sigma**2) + (points @ across) ** 2 / sigma**2
    ax.contourf(
        grid, grid, np.sqrt(distance), levels=[0, 1, 2, 3], colors=["#9ec9e2", "#c6e0ee", "#e6f2f8"]
    )
    decoded = np.outer(X @ u, u) * length**2 / (length**2 + sigma**2)
    ax.plot(*np.stack([X, decoded], axis=1).T, color="C1", linewidth=0.8)
    ax.plot(*np.transpose(X), ".", color="black", markersize=5, label="pupil")
    ax.plot(*decoded.T, "o", color="C1", markersize=3, label="reconstruction")
    ax.set(aspect="equal", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2))
    ax.set(xlabel=names[0], ylabel=names[1], title=f"sigma = {sigma:g}")
    ax.legend(loc="upper left")
    return figure


def score_by_noise_level(factors: np.ndarray, log_likelihoods: np.ndarray) -> Figure:
    """Draw held-out log-likelihood over the noise level.

    Parameters
    ----------
    factors : array_like of shape (n_levels,)
        Noise level as a multiple of its maximum likelihood estimate.
    log_likelihoods : array_like of shape (n_levels,)
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.4))
    ax.semilogx(factors, log_likelihoods, color="C0", marker="o")
    ax.axvline(1, color="C1", linestyle="--")
    ax.text(1.05, np.min(log_likelihoods), "maximum likelihood", color="C1")
    ticks = [0.2, 0.5, 1, 2, 3]
    ax.set_xticks(ticks, map(str, ticks))
    ax.minorticks_off()
    ax.set(xlabel="sigma, in units of its estimate", ylabel="held out (nats per digit)")
    return figure


def score_by_parameters(scores: dict[str, tuple[int, float]]) -> Figure:
    """Draw held-out log-likelihood over the number of parameters.

    Parameters
    ----------
    scores : dict of str to (int, float)
        Name of a model, such as "PPCA, 3", to its number of parameters and its score.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.6))
    series = [name for name in scores if name.startswith("PPCA")]
    ax.plot(*np.transpose([scores[name] for name in series]), "o-", color="C0", label="PPCA")
    for name in series:
        ax.annotate(
            name.removeprefix("PPCA, "),
            scores[name],
            xytext=(0, 7),
            textcoords="offset points",
            ha="center",
            color="C0",
        )
    others = [name for name in scores if name not in series]
    for color, (name, marker) in enumerate(zip(others, "s^", strict=False), start=1):
        ax.plot(*scores[name], marker, color=f"C{color}", markersize=9, label=name)
    ax.set(xlabel="parameters", ylabel="held out (nats per sample)")
    ax.margins(y=0.15)
    ax.legend(loc="lower right")
    return figure


def bayesian_pca(
    eigenvalues: np.ndarray, threshold: float, squared_lengths: dict[str, np.ndarray]
) -> Figure:
    """Draw eigenvalues with the threshold of Bayesian PCA, and squared lengths of columns.

    Parameters
    ----------
    eigenvalues : array_like of shape (n_features,)
    threshold : float
    squared_lengths : dict of str to array_like of shape (n_components,)
        Name of a fit to the squared lengths of its columns.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    number = np.arange(1, len(eigenvalues) + 1)
    left.bar(number, eigenvalues, color="C0")
    left.axhline(threshold, color="C1", linestyle="--")
    left.text(number[-1] + 0.5, threshold, "threshold", color="C1", ha="right", va="bottom")
    left.set(xlabel="number", ylabel="eigenvalue", xticks=number[::2])
    for k, (name, values) in enumerate(squared_lengths.items()):
        columns = np.arange(1, len(values) + 1)
        right.bar(columns + 0.4 * k - 0.2, values, width=0.4, color=f"C{k + 1}", label=name)
    right.set(xlabel="column of W", ylabel="squared length", xticks=columns[::2])
    right.set_ylim(0, 1.4 * right.get_ylim()[1])
    right.legend(loc="upper right", handlelength=1)
    return figure


def local_lines(X: np.ndarray, models: Sequence, single) -> Figure:
    """Draw data, and the axis of each one-factor model as a segment of two standard deviations.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        Only the first two features are drawn.
    models : sequence of PPCA
    single : PPCA
        Model of all data; its axis is drawn dashed.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 4.4))
    ax.plot(X[:, 0], X[:, 1], ".", color="0.6", markersize=3, rasterized=True)
    for model in models:
        ends = model.b_[:, None] + 2 * model.W_ * [-1, 1]
        ax.plot(ends[0], ends[1], color="C0", linewidth=3)
    ends = single.b_[:, None] + 2 * single.W_ * [-1, 1]
    ax.plot(ends[0], ends[1], color="C1", linestyle="--")
    ax.set(aspect="equal", xlabel="$x_1$", ylabel="$x_2$")
    return figure


def operation_counts(sizes: np.ndarray, counts: dict[str, dict[str, np.ndarray]]) -> Figure:
    """Draw operation counts over the number of variables.

    Parameters
    ----------
    sizes : array_like of shape (n_sizes,)
    counts : dict of str to dict of str to array_like of shape (n_sizes,)
        Title of a panel to the numbers of operations of each method.
    """
    figure, axes = plt.subplots(1, len(counts), figsize=(WIDTH, 3.6), sharey=True)
    for ax, (title, methods) in zip(axes, counts.items(), strict=True):
        for marker, (name, values) in zip("os^v", methods.items(), strict=False):
            ax.loglog(sizes, values, marker=marker, markersize=5, label=name)
        ax.set(title=title, xlabel="variables D")
    axes[0].set_ylabel("operations")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure
