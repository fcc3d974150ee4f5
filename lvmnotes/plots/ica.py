"""Figures, and sounds, of the chapter on independent component analysis."""

from __future__ import annotations

import base64
import io
import wave
from html import escape

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML
from matplotlib.figure import Figure

from .common import WIDTH, frameless


def mixtures(samples: dict[str, np.ndarray], W: np.ndarray) -> Figure:
    """Draw mixtures of two sources, the columns of the mixing matrix and the principal axes.

    Parameters
    ----------
    samples : dict of str to array_like of shape (n_samples, 2)
        Name of the sources to their mixture.
    W : array_like of shape (2, 2)
    """
    figure, axes = plt.subplots(
        1, len(samples), figsize=(WIDTH, 2.7), sharex=True, sharey=True, squeeze=False
    )
    for ax, (title, X) in zip(axes[0], samples.items(), strict=True):
        ax.plot(*np.transpose(X), ".", color="0.6", markersize=2, rasterized=True)
        eigenvalues, V = np.linalg.eigh(np.cov(np.transpose(X)))
        for column, axis in zip(np.transpose(W), (V * np.sqrt(eigenvalues)).T, strict=True):
            (mixing,) = ax.plot(*np.outer([-2.5, 2.5], column).T, color="C0")
            (principal,) = ax.plot(*np.outer([-2, 2], axis).T, "--", color="C1")
        ax.set(title=title, aspect="equal", xlim=(-6, 6), ylim=(-6, 6), xlabel="$x_1$")
    axes[0, 0].set_ylabel("$x_2$")
    names = ["columns of $W$", "principal axes"]
    figure.legend([mixing, principal], names, loc="outside lower center", ncols=2)
    return figure


def turning(X: np.ndarray, angle: float, log_likelihoods: dict[str, np.ndarray]) -> Figure:
    """Draw white data with the axes at an angle, and the likelihood at all angles.

    Parameters
    ----------
    X : array_like of shape (n_samples, 2)
    angle : float
        In degrees.
    log_likelihoods : dict of str to array_like of shape (n_angles,)
        Name of a prior to the mean log-likelihood at the angles from 0 to 180 degrees.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.9))
    left.plot(*np.transpose(X), ".", color="0.6", markersize=3)
    t = np.radians(angle)
    for axis in ([np.cos(t), np.sin(t)], [-np.sin(t), np.cos(t)]):
        left.plot(*np.outer([-3, 3], axis).T, color="C0")
    left.set(aspect="equal", xlim=(-4, 4), ylim=(-4, 4), xlabel="$z_1$", ylabel="$z_2$")
    for (name, values), line in zip(log_likelihoods.items(), ("-", "--"), strict=False):
        right.plot(np.linspace(0, 180, len(values)), values, line, label=name)
    right.axvline(angle, color="0.6", linewidth=1)
    right.set(xlabel="angle (°)", ylabel="nats per sample", xticks=[0, 45, 90, 135, 180])
    right.set_ylim(top=right.get_ylim()[1] + 0.12)
    right.legend(loc="upper center")
    return figure


def sources(panels: dict[str, np.ndarray], colours: np.ndarray | None = None) -> Figure:
    """Draw two sources against each other.

    Parameters
    ----------
    panels : dict of str to array_like of shape (n_samples, 2)
        Title of a panel to the two sources, as found in some way.
    colours : array_like of shape (n_samples,), optional
        A number that colours each sample; by default all are grey.
    """
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, 2.6 * rows), squeeze=False)
    for ax, (title, H) in zip(axes.ravel(), panels.items(), strict=True):
        x, y = np.transpose(H)
        paint = {"color": "0.5"} if colours is None else {"c": colours, "cmap": "cividis"}
        ax.scatter(x, y, s=4, rasterized=True, **paint)
        ax.set(title=title, xticks=[], yticks=[])
    return figure


def signals(rows: dict[str, np.ndarray], seconds: np.ndarray) -> Figure:
    """Draw signals over time, one below the other.

    Parameters
    ----------
    rows : dict of str to array_like of shape (n_times,)
        Name of a signal to its values.
    seconds : array_like of shape (n_times,)
    """
    figure, axes = plt.subplots(len(rows), 1, figsize=(WIDTH, 0.75 * len(rows) + 0.6), sharex=True)
    for k, (ax, (name, y)) in enumerate(zip(axes, rows.items(), strict=True)):
        ax.plot(
            seconds, y, color="C1" if 2 * k < len(rows) else "C0", linewidth=0.6, rasterized=True
        )
        ax.set(yticks=[])
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
    axes[-1].set_xlabel("seconds")
    return figure


def players(sounds: dict[str, np.ndarray], rate: int) -> HTML:
    """Make an audio player for each sound, with the sound in the page itself.

    Parameters
    ----------
    sounds : dict of str to array_like of shape (n_times,)
        Name of a sound to its values; each is scaled to the same loudness, and kept in 8 bits.
    rate : int
        Values per second.
    """
    rows = []
    for name, y in sounds.items():
        y = np.asarray(y) / np.abs(y).max()
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setparams((1, 1, rate, 0, "NONE", ""))
            writer.writeframes(np.round(127.5 + 120 * y).astype(np.uint8).tobytes())
        data = base64.b64encode(file.getvalue()).decode()
        rows.append(
            f"<p>{escape(name)}<br><audio controls preload='none' aria-label='{escape(name)}' "
            f"style='width: 100%; max-width: 24rem' src='data:audio/wav;base64,{data}'></audio></p>"
        )
    return HTML("\n".join(rows))


def convergence(angles: dict[str, np.ndarray]) -> Figure:
    """Draw the angle between an estimate and the fixed point over the iterations.

    Parameters
    ----------
    angles : dict of str to array_like of shape (n_iterations,)
        Name of a run to its angles, in radians.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.0))
    for (name, values), marker in zip(angles.items(), "osv", strict=False):
        ax.semilogy(np.arange(len(values)), values, marker=marker, label=name)
    ax.set(xlabel="iteration", ylabel="angle (radians)")
    ax.legend()
    return figure


def pictures(rows: dict[str, np.ndarray], shape: tuple[int, int]) -> Figure:
    """Draw rows of grey pictures, with one sample per pixel.

    Parameters
    ----------
    rows : dict of str to array_like of shape (n_pixels, n_pictures)
        Label of each row to its pictures, pixels row by row from the top left.
    shape : (int, int)
        Height and width of a picture, in pixels.
    """
    n_pictures = len(np.transpose(next(iter(rows.values()))))
    height = shape[0] / shape[1] * WIDTH / n_pictures
    figure, axes = plt.subplots(
        len(rows), n_pictures, figsize=(WIDTH, len(rows) * height), squeeze=False
    )
    for row, (label, X) in zip(axes, rows.items(), strict=True):
        for k, (ax, x) in enumerate(zip(row, np.transpose(X), strict=True)):
            ax.imshow(np.reshape(x, shape), cmap="Greys_r", gid=f"photograph-{label}-{k}")
            frameless(ax)
        row[0].set_ylabel(label)
    return figure
