"""Figures of the refresher."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from scipy import stats


def conditional(covariance: np.ndarray, given: float, mean: float, variance: float) -> Figure:
    """Draw the contours of a normal density in the plane, and the density of x1 for a given x2.

    Parameters
    ----------
    covariance : array_like of shape (2, 2)
        Covariance of x1 and x2, whose means are zero.
    given : float
        Value of x2.
    mean, variance : float
        Of x1, for this value.
    """
    figure, (top, bottom) = plt.subplots(2, 1, sharex=True, height_ratios=[2, 1], figsize=(5, 4.2))
    x1, x2 = np.meshgrid(np.linspace(-3, 3, 121), np.linspace(-3, 3, 121))
    density = stats.multivariate_normal(cov=covariance).pdf(np.dstack([x1, x2]))
    top.contour(x1, x2, density, levels=5, colors="C0", linewidths=1)
    top.axhline(given, color="C1")
    top.set(ylabel="$x_2$")
    line = x1[0]
    bottom.plot(line, stats.norm(scale=covariance[0][0] ** 0.5).pdf(line), "C0--", label="$x_1$")
    bottom.plot(
        line,
        stats.norm(mean, variance**0.5).pdf(line),
        "C1",
        label=f"$x_1$ given $x_2 = {given:g}$",
    )
    bottom.set(xlabel="$x_1$", ylabel="density", yticks=[])
    bottom.legend(loc="upper left")
    return figure
