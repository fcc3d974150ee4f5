"""Figures of the chapter on hidden Markov models."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from .common import BLUE, ORANGE, WIDTH, frameless


def counts_and_persistence(years: np.ndarray, counts: np.ndarray) -> Figure:
    """Draw a series of counts, and each count against the one before.

    Parameters
    ----------
    years, counts : array_like of shape (n_years,)
    """
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(WIDTH, 4.6), height_ratios=[1.2, 1])
    top.bar(years, counts, width=0.8, color=BLUE)
    top.set(xlabel="year", ylabel="earthquakes")
    bottom.plot(counts[:-1], counts[1:], "o", markersize=4, color=BLUE)
    bottom.set(xlabel="earthquakes in a year", ylabel="in the next year")
    return figure


def graph() -> Figure:
    """Draw the graph of a hidden Markov model: a chain of states, and what each emits."""
    figure, ax = plt.subplots(figsize=(WIDTH, 1.9))
    arrow = {"arrowstyle": "-|>", "color": "black", "shrinkA": 0, "shrinkB": 0}
    for t, index in enumerate(["1", "2", "3"]):
        for y, letter, face in ((1.1, "z", "none"), (0, "x", "#D0D0D0")):
            ax.add_patch(Circle((1.6 * t, y), 0.32, facecolor=face, edgecolor="black"))
            ax.text(1.6 * t, y, f"${letter}_{index}$", ha="center", va="center")
        ax.annotate("", (1.6 * t, 0.32), (1.6 * t, 0.78), arrowprops=arrow)
        ax.annotate("", (1.6 * t + 1.28, 1.1), (1.6 * t + 0.32, 1.1), arrowprops=arrow)
    ax.text(5.1, 1.1, "…", ha="center", va="center")
    ax.set(xlim=(-0.5, 5.4), ylim=(-0.4, 1.5), aspect="equal")
    frameless(ax)
    return figure


def trellis(
    years: np.ndarray,
    counts: np.ndarray,
    filtered: np.ndarray,
    smoothed: np.ndarray,
    path: np.ndarray,
) -> Figure:
    """Draw a trellis of two states twice: filtered, and smoothed with the most probable path.

    Parameters
    ----------
    years, counts : array_like of shape (n_years,)
    filtered, smoothed : array_like of shape (n_years, 2)
        Probabilities of the states.
    path : array_like of int, shape (n_years,)
    """
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 4.2), sharex=True)
    t = np.arange(len(years))
    for ax, R, title in zip(
        axes, (filtered, smoothed), ("the years so far", "all years"), strict=True
    ):
        for k, color in enumerate((BLUE, ORANGE)):
            for i in (0, 1):
                ax.plot([t[:-1], t[1:]], [[i], [k]], color="#CCCCCC", linewidth=1, zorder=0)
            ax.scatter(t, np.full(len(t), k), s=300 * np.asarray(R)[:, k], color=color)
        ax.set(yticks=[0, 1], ylim=(-0.5, 1.5), title=f"probabilities given {title}")
        ax.set_yticklabels(["calm", "active"])
    axes[1].plot(t, path, color="black", linewidth=1.5, zorder=0.5)
    labels = [f"{year}\n{count:.0f}" for year, count in zip(years, counts, strict=True)]
    axes[1].set_xticks(t[::2], labels[::2])
    axes[1].set_xlabel("year, and its number of earthquakes")
    return figure


def decoded(
    years: np.ndarray, counts: np.ndarray, R: np.ndarray, rates: np.ndarray, path: np.ndarray
) -> Figure:
    """Draw counts with the rate of the most probable state, and the probabilities of states.

    Parameters
    ----------
    years, counts : array_like of shape (n_years,)
    R : array_like of shape (n_years, n_states)
        Smoothing probabilities; states in increasing order of their rates.
    rates : array_like of shape (n_states,)
    path : array_like of int, shape (n_years,)
    """
    figure, (top, bottom) = plt.subplots(
        2, 1, figsize=(WIDTH, 4.6), sharex=True, height_ratios=[1.6, 1]
    )
    top.plot(years, counts, "o", markersize=4, color="#777777", label="earthquakes")
    top.step(years, np.asarray(rates)[path], where="mid", color=ORANGE, label="rate of the path")
    top.set(ylabel="per year")
    top.legend(loc="upper right")
    shades = ["#9EC9E2", "#4A98C9", "#0B4F8A"][-R.shape[1] :]
    bottom.stackplot(years, np.transpose(R), colors=shades, linewidth=0)
    bottom.set(xlabel="year", ylabel="probability", ylim=(0, 1), xlim=(years[0], years[-1]))
    return figure


def letter_shares(letters: Sequence[str], shares: np.ndarray) -> Figure:
    """Draw the share of each letter's occurrences that falls to the first of two states.

    Parameters
    ----------
    letters : sequence of str
        In the order of drawing.
    shares : array_like of shape (n_letters,)
    """
    figure, ax = plt.subplots(figsize=(WIDTH - 0.4, 2.6))
    place, shares = np.arange(len(letters)), np.asarray(shares)
    ax.bar(place, shares, 0.8, color=BLUE)
    ax.bar(place, 1 - shares, 0.8, shares, color=ORANGE)
    ax.set_xticks(place, ["␣" if letter == " " else letter for letter in letters])
    ax.tick_params(axis="x", length=0, labelsize=11)
    ax.set(ylabel="share of the letter", ylim=(0, 1), xlim=(-0.6, len(letters) - 0.4))
    return figure
