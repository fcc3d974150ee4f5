"""Figures of the chapter on the manifold view of PCA."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from .common import BLUE, SKY, WIDTH, frameless


def pancake(
    X: np.ndarray, W: np.ndarray, angle: float, angles: np.ndarray, C: np.ndarray
) -> Figure:
    """Draw points near a plane in three dimensions, and their variance from left to right.

    Parameters
    ----------
    X : array_like of shape (n_samples, 3)
    W : array_like of shape (3, 2)
        The columns span the plane that is drawn.
    angle : float
        Angle of the viewer around the vertical axis, in degrees.
    angles : array_like of shape (n_angles,)
        Angles at which the curve of the variance is drawn.
    C : array_like of shape (3, 3)
        Covariance of the points.
    """
    figure = plt.figure(figsize=(WIDTH, 3.4))
    grid = figure.add_gridspec(1, 2, width_ratios=[1.3, 1])
    left = figure.add_subplot(grid[0], projection="3d", proj_type="ortho", computed_zorder=False)
    corners = 1.9 * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]]) @ np.asarray(W).T
    left.plot_trisurf(*corners.T, triangles=[[0, 1, 2], [0, 2, 3]], color=SKY, alpha=0.35)
    left.scatter(*np.transpose(X), s=4, color=BLUE, depthshade=False)
    left.set(xlim=(-4, 4), ylim=(-4, 4), zlim=(-4, 4))
    left.view_init(elev=8, azim=angle)
    left.set_box_aspect((1, 1, 1), zoom=1.35)
    left.set_axis_off()
    right = figure.add_subplot(grid[1])

    def across(degrees):
        t = np.radians(degrees)
        u = np.array([-np.sin(t), np.cos(t), np.zeros_like(t)])
        return (u * (C @ u)).sum(axis=0)

    right.semilogy(angles, across(np.asarray(angles)), color="C2")
    right.plot(angle, across(angle), "o", color="black")
    right.set(xticks=[0, 45, 90, 135, 180], xlabel="angle (°)")
    right.set(title="variance from left to right", ylim=(0.005, 5))
    return figure


def line_and_residuals(X: np.ndarray, mean: np.ndarray, direction: np.ndarray) -> Figure:
    """Draw points, a line through their mean, and the segments from each point to the line.

    Parameters
    ----------
    X : array_like of shape (n_samples, 2)
    mean : array_like of shape (2,)
    direction : array_like of shape (2,)
        Of length 1.
    """
    figure, ax = plt.subplots(figsize=(4.8, 3.9))
    feet = mean + np.outer((X - mean) @ direction, direction)
    ax.plot(*np.stack([X, feet], axis=1).T, color="C1", linewidth=1)
    ax.axline(tuple(mean), tuple(mean + direction), color="black", linewidth=1.2)
    ax.plot(*np.transpose(X), "o", color="C0", markersize=4)
    ax.set(aspect="equal", xlabel="along the plane", ylabel="height")
    return figure


def scree(eigenvalues: np.ndarray) -> Figure:
    """Draw eigenvalues, and the share of their sum that the first d leave out.

    Parameters
    ----------
    eigenvalues : array_like of shape (n_features,)
        In decreasing order.
    """
    eigenvalues = np.asarray(eigenvalues)
    D = len(eigenvalues)
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.2))
    left.bar(np.arange(1, D + 1), eigenvalues, color="C0")
    left.set(xlabel="direction", ylabel="variance along it (ink²)")
    left_out = 100 * (1 - np.cumsum(np.r_[0, eigenvalues]) / eigenvalues.sum())
    right.plot(np.arange(D + 1), left_out, color="C1")
    right.set(xlabel="length of the code, d", ylabel="variance left out (%)", ylim=(0, 100))
    return figure


def direction_images(rows: dict[str, np.ndarray]) -> Figure:
    """Draw rows of directions in the space of 8 x 8 images: blue is negative, red is positive.

    Parameters
    ----------
    rows : dict of str to array_like of shape (n_directions, 64)
        Label of each row to its directions.
    """
    columns = len(next(iter(rows.values())))
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(WIDTH, 0.95 * len(rows) + 0.1), squeeze=False
    )
    for row, (label, vectors) in zip(axes, rows.items(), strict=True):
        for ax, v in zip(row, vectors, strict=True):
            largest = np.abs(v).max()
            ax.imshow(np.reshape(v, (8, 8)), cmap="RdBu_r", vmin=-largest, vmax=largest)
            frameless(ax)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return figure


def training_error(traces: dict[str, np.ndarray], minimum: float) -> Figure:
    """Draw the difference between the error during training and the smallest error.

    Parameters
    ----------
    traces : dict of str to array_like of shape (n_steps,)
        Name of a run to its mean squared errors.
    minimum : float
        The smallest error.
    """
    figure, ax = plt.subplots(figsize=(WIDTH, 3.2))
    for color, (name, trace) in enumerate(traces.items()):
        steps = np.arange(1, len(trace) + 1)
        ax.loglog(steps, np.asarray(trace) - minimum, color=f"C{color}", label=name)
    ax.set(xlabel="step", ylabel="error minus smallest error (ink²)")
    ax.legend()
    return figure


def decoded_surfaces(X: np.ndarray, surfaces: dict[str, np.ndarray]) -> Figure:
    """Draw points in three dimensions and a decoder's surface, one panel per decoder.

    Parameters
    ----------
    X : array_like of shape (n_samples, 3)
    surfaces : dict of str to array_like of shape (n_rows, n_columns, 3)
        Title to a grid of decoded codes.
    """
    figure, axes = plt.subplots(
        1, len(surfaces), figsize=(WIDTH, 3.4), subplot_kw={"projection": "3d"}
    )
    for color, (ax, (title, grid)) in enumerate(zip(axes, surfaces.items(), strict=True)):
        ax.scatter(*np.transpose(X), s=3, color="0.6", depthshade=False, rasterized=True)
        ax.plot_wireframe(*np.moveaxis(grid, -1, 0), color=f"C{color}", linewidth=0.8)
        ax.set(title=title, xticks=[], yticks=[], zticks=[])
        ax.view_init(elev=20, azim=-70)
        ax.set_box_aspect((2, 4, 2), zoom=1.2)
    return figure
