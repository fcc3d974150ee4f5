"""Figures of the chapter on latent variable models."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from .common import BLUE, ORANGE, WIDTH


def other_answers(answers: np.ndarray) -> Figure:
    """Draw how well people answer the other questions, by their answer to each question.

    Parameters
    ----------
    answers : array_like of shape (n_people, n_questions)
        1 for a right answer, 0 for a wrong one.
    """
    answers = np.asarray(answers)
    figure, ax = plt.subplots(figsize=(WIDTH, 2.6))
    for j in range(answers.shape[1]):
        others = np.delete(answers, j, axis=1).mean(axis=1)
        wrong, right = (100 * others[answers[:, j] == answer].mean() for answer in (0, 1))
        ax.plot([wrong, right], [j, j], color="#BBBBBB", zorder=0)
        ax.plot(wrong, j, "o", color=ORANGE, label="wrong" if j == 0 else None)
        ax.plot(right, j, "o", color=BLUE, label="right" if j == 0 else None)
    ax.set_yticks(range(answers.shape[1]), [f"question {j + 1}" for j in range(answers.shape[1])])
    ax.invert_yaxis()
    ax.set(xlabel="other questions answered right (%)")
    figure.legend(loc="outside upper right", ncols=2)
    return figure


def shares_of_b(tables: dict[str, list[list[int]]]) -> Figure:
    """Draw two-way tables as mosaics: a column per answer to A, divided by the answer to B.

    Parameters
    ----------
    tables : dict of str to array_like of shape (2, 2)
        Title to counts by the answers to A (wrong, right) and B.
    """
    figure, axes = plt.subplots(1, len(tables), figsize=(WIDTH, 2.6), sharey=True)
    for ax, (title, counts) in zip(axes, tables.items(), strict=True):
        table = np.array(counts)[::-1]  # A right first
        width = table.sum(axis=1) / table.sum()
        share = table[:, 1] / table.sum(axis=1)
        left = np.r_[0, width[0]] + 0.01
        for height, bottom, color in ((share, 0, BLUE), (1 - share, share, "#D0D0D0")):
            ax.bar(left, height, width - 0.02, bottom, align="edge", color=color)
        for x, y, wide in zip(left + width / 2 - 0.01, share, width > 0.35, strict=True):
            if wide:
                ax.text(x, y / 2, f"{100 * y:.0f} %", ha="center", va="center", color="white")
        ax.set_xticks(left + width / 2 - 0.01, ["right", "wrong"])
        ax.set(title=title, xlabel="A", xlim=(0, 1), ylim=(0, 1), yticks=[])
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
    axes[0].set_ylabel("share of B right")
    return figure


def association_bars(
    misfits: dict[str, np.ndarray], pairs: Sequence[str], critical_value: float
) -> Figure:
    """Draw the misfit of the two-way tables under several models, one row per pair of items.

    Parameters
    ----------
    misfits : dict of str to array_like of shape (n_pairs,)
        Name of a model to the chi-square of each pair.
    pairs : sequence of str
        One name per pair.
    critical_value : float
        Drawn as a dashed line.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 0.9 + 0.32 * len(pairs)))
    height = 0.8 / len(misfits)
    for j, (name, misfit) in enumerate(misfits.items()):
        ax.barh(np.arange(len(pairs)) + j * height, misfit, height, color=f"C{j}", label=name)
    ax.axvline(critical_value, color="black", linewidth=1, linestyle="--")
    ax.set_yticks(np.arange(len(pairs)) + height / 2, pairs)
    ax.invert_yaxis()
    ax.set(ylabel="pair of items", xlabel="χ² of the two-way table (1 degree of freedom)")
    figure.legend(loc="outside upper right", ncols=len(misfits))
    return figure


def mixture_steps(
    X: np.ndarray,
    steps: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]],
    labels: Sequence[str],
) -> Figure:
    """Draw data coloured by responsibility, with two Gaussians as ellipses, one panel per step.

    Parameters
    ----------
    X : array_like of shape (n_samples, 2)
    steps : dict of str to tuple, an even number of entries
        Title to responsibilities (n_samples, 2), means (2, 2) and covariances (2, 2, 2).
    labels : sequence of str
        Names of the two axes.
    """
    shape = (2, len(steps) // 2)
    figure, axes = plt.subplots(*shape, figsize=(WIDTH, 4.6), sharex=True, sharey=True)
    angle = np.linspace(0, 2 * np.pi, 80)
    circle = 2 * np.array([np.cos(angle), np.sin(angle)])
    blend = LinearSegmentedColormap.from_list("blend", [ORANGE, "#BBBBBB", BLUE])
    for ax, (title, (R, means, covariances)) in zip(axes.flat, steps.items(), strict=True):
        ax.scatter(*np.transpose(X), c=np.asarray(R)[:, 0], cmap=blend, vmin=0, vmax=1, s=8)
        for mean, C, color in zip(means, covariances, (BLUE, ORANGE), strict=True):
            ax.plot(*(np.linalg.cholesky(C) @ circle + mean[:, None]), color=color)
        ax.set(title=title, xlim=(1, 6), ylim=(35, 105))
    figure.supxlabel(labels[0])
    figure.supylabel(labels[1])
    return figure


def label_bits(bits: np.ndarray) -> Figure:
    """Draw the information of a hidden bit about the label, for each pair of ten labels.

    Parameters
    ----------
    bits : array_like of shape (10, 10)
        Information in bits in the lower triangle; NaN elsewhere.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 4.4))
    image = ax.imshow(bits, cmap="Blues", vmin=0, vmax=1)
    for i in range(10):
        for j in range(i):
            # Near white and near black: unlike ink on paper they are the same on a dark page.
            tone = "#fffff0" if bits[i][j] > 0.6 else "#101830"
            ax.text(j, i, f"{bits[i][j]:.1f}", ha="center", va="center", color=tone)
    ax.set(xticks=range(9), yticks=range(1, 10), xlim=(-0.5, 8.5), ylim=(9.5, 0.5))
    ax.set(xlabel="digit", ylabel="digit")
    ax.spines[:].set_visible(False)
    figure.colorbar(image, label="bits about which digit it is", shrink=0.8)
    return figure


def class_and_draws(probabilities: np.ndarray, draws: np.ndarray, title: str) -> Figure:
    """Draw the probabilities of a class of binary images, and images drawn from the class.

    Parameters
    ----------
    probabilities : array_like of shape (64,)
        Probability of ink at each pixel.
    draws : array_like of shape (8, 64)
    title : str
        Title of the panel of probabilities.
    """
    figure = plt.figure(figsize=(WIDTH, 2.1))
    grid = figure.add_gridspec(2, 6)
    panels = [(figure.add_subplot(grid[:, :2]), probabilities)]
    panels += [(figure.add_subplot(grid[i // 4, 2 + i % 4]), x) for i, x in enumerate(draws)]
    for ax, image in panels:
        ax.imshow(np.reshape(image, (8, 8)), cmap="Greys", vmin=0, vmax=1)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, color="#999999", linewidth=0.5)
    panels[0][0].set_title(title)
    panels[1][0].set_title("draws from p(x | z)", loc="left")
    return figure


def parameters_and_table(
    weights: np.ndarray, probabilities: np.ndarray, table: np.ndarray
) -> Figure:
    """Draw the parameters of two classes and two items as bars, and the table they imply.

    Parameters
    ----------
    weights : array_like of shape (2,)
    probabilities : array_like of shape (2, 2)
        Probabilities of a right answer, one row per class.
    table : array_like of shape (2, 2)
        Number of people by their answers to A (wrong, right) and B.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.6), width_ratios=[1.7, 1])
    for k, color in enumerate((BLUE, ORANGE)):
        heights = [weights[k], *probabilities[k]]
        left.bar(np.arange(3) + 0.4 * k - 0.2, heights, 0.36, color=color, label=f"class {k + 1}")
    left.set_xticks(range(3), ["share", "A right", "B right"])
    left.set(ylim=(0, 1), ylabel="probability")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, 1.25), ncols=2)
    right.imshow(table, cmap="Greys", vmin=0, vmax=3 * np.max(table))
    for (i, j), value in np.ndenumerate(table):
        right.text(j, i, f"{value:.0f}", ha="center", va="center")
    right.set_xticks([0, 1], ["wrong", "right"])
    right.set_yticks([0, 1], ["wrong", "right"], rotation=90, va="center")
    right.set(xlabel="B", ylabel="A")
    return figure


def local_maxima_and_divergence(
    ends: np.ndarray, widths: np.ndarray, log_likelihoods: dict[str, np.ndarray]
) -> Figure:
    """Draw the log-likelihoods at which EM ends, and a likelihood without a maximum.

    Parameters
    ----------
    ends : array_like of shape (n_starts,)
        Final log-likelihood of each start.
    widths : array_like of shape (n_widths,)
        Standard deviations of the class that shrinks.
    log_likelihoods : dict of str to array_like of shape (n_widths,)
        Label of a curve to its log-likelihood at each width.
    """
    figure, (top, bottom) = plt.subplots(2, figsize=(WIDTH, 5.2))
    top.plot(np.arange(1, len(ends) + 1), np.sort(ends), "o", color="C0")
    top.set(xlabel="start, sorted by final log-likelihood", ylabel="nats")
    top.set_title("log-likelihood, LSAT-7, three classes")
    for color, (name, values) in enumerate(log_likelihoods.items()):
        bottom.semilogx(widths, values, color=f"C{color}", label=name)
    bottom.invert_xaxis()
    bottom.set(xlabel="width of the second class", ylabel="nats")
    bottom.set_title("log-likelihood, Old Faithful, two classes")
    bottom.legend()
    return figure
