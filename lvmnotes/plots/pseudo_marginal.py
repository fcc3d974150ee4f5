"""Figures of the chapter on pseudo-marginal Metropolis-Hastings."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from .common import WIDTH, frameless


def counts(years: np.ndarray, x: np.ndarray, rate: np.ndarray | None = None) -> Figure:
    """Draw counts per year, and a rate through them.

    Parameters
    ----------
    years, x : array_like of shape (n_years,)
    rate : array_like of shape (n_years,), optional
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3))
    ax.plot(years, x, "o", color="0.55", markersize=4, label="count")
    if rate is not None:
        ax.plot(years, rate, label="rate")
        ax.legend(loc="upper right")
    ax.set(xlabel="year", ylabel="earthquakes per year", ylim=(0, None))
    return figure


def hidden_chain() -> Figure:
    """Draw the graphical model: a chain of states, each with an observation, and parameters."""
    figure, ax = plt.subplots(figsize=(WIDTH, 3))
    arrow = {"arrowstyle": "->", "shrinkA": 18, "shrinkB": 18, "linewidth": 1.5}
    thin = arrow | {"linewidth": 0.8, "color": "0.6"}
    theta = (2.5, 2.6)
    for i, step in enumerate(["1", "2", "3"]):
        state, data = (0.9 + 1.6 * i, 1.4), (0.9 + 1.6 * i, 0.2)
        for place, letter, color in ((state, "h", "white"), (data, "x", "0.85")):
            ax.add_patch(Circle(place, 0.27, facecolor=color, edgecolor="black", zorder=3))
            ax.text(*place, f"${letter}_{step}$", ha="center", va="center", zorder=4)
            ax.annotate("", xy=place, xytext=theta, arrowprops=thin)
        ax.annotate("", xy=data, xytext=state, arrowprops=arrow)
        ax.annotate("", xy=(state[0] + 1.6, 1.4), xytext=state, arrowprops=arrow)
    ax.text(5.75, 1.4, "...", ha="center", va="center")
    ax.add_patch(Circle(theta, 0.27, facecolor="white", edgecolor="black", zorder=3))
    ax.text(*theta, r"$\mathbf{\theta}$", ha="center", va="center", zorder=4)
    ax.set(xlim=(0.4, 6), ylim=(-0.2, 3), aspect="equal")
    frameless(ax)
    return figure


def two_limits(grid: np.ndarray, kept: np.ndarray, made_again: np.ndarray) -> Figure:
    """Draw what a chain tends to that keeps its estimates, and one that makes them again.

    Parameters
    ----------
    grid, kept, made_again : array_like of shape (n_points,)
        Values of the parameter, equally far apart, and their probabilities.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3))
    width = 0.4 * (grid[1] - grid[0])
    ax.bar(grid - width / 2, kept, width, label="kept = exact")
    ax.bar(grid + width / 2, made_again, width, label="made again")
    ax.set(xlabel=r"persistence $\lambda$", ylabel="probability")
    ax.legend(loc="upper left")
    return figure


def posteriors(grid: np.ndarray, exact: np.ndarray, chains: dict[str, np.ndarray]) -> Figure:
    """Draw an exact density and the histograms of several chains.

    Parameters
    ----------
    grid, exact : array_like of shape (n_points,)
        Values of the parameter and their density.
    chains : dict of str to array_like of shape (n_samples,)
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.3))
    ax.fill_between(grid, exact, color="0.85", label="exact")
    bins = np.linspace(0, 1, 21)
    for (name, samples), style in zip(chains.items(), ("-", "--", ":"), strict=False):
        ax.stairs(*np.histogram(samples, bins, density=True), label=name, ls=style, linewidth=2)
    ax.set(xlabel=r"persistence $\lambda$", ylabel="density", xlim=(0, 1))
    figure.legend(loc="outside upper center", ncols=2, handlelength=1.5)
    return figure


def trade_off(
    n_particles: list[int], noise: np.ndarray, acceptance: np.ndarray, efficiency: np.ndarray
) -> Figure:
    """Draw acceptance and effective samples per cost over the noise of the estimate.

    Parameters
    ----------
    n_particles : list of int
    noise, acceptance, efficiency : array_like of shape (n_settings,)
        Standard deviation of the log-estimates, share of accepted proposals, and effective samples
        per million particles moved.
    """
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH - 0.4, 4.6), sharex=True)
    for ax, values, label in zip(
        axes,
        (100 * acceptance, efficiency),
        ("accepted (%)", "effective samples\nper million"),
        strict=True,
    ):
        ax.axvspan(1.0, 1.81, color="0.9")
        ax.plot(noise, values, "o-")
        ax.set(ylabel=label, ylim=(0, None))
    for K, s, value in zip(n_particles, noise, 100 * acceptance, strict=True):
        axes[0].annotate(f"K = {K}", (s, value), (5, 4), textcoords="offset points", fontsize=11)
    axes[1].set(xlabel="standard deviation of the log-estimate", xscale="log")
    axes[1].set_xticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
    axes[1].minorticks_off()
    return figure
