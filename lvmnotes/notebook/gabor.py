"""Best fit of a Gabor function to an atom, which shows how local and oriented the atom is."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..core.validation import check_integer, check_matrix

#: Widths of the window of a Gabor function, as shares of the patch size.
WIDTHS = np.array([0.07, 0.1, 0.14, 0.2])


class GaborFit(NamedTuple):
    """Result of `gabor_fit`, with one value per atom in each field."""

    r_squared: np.ndarray
    orientation: np.ndarray
    frequency: np.ndarray
    width: np.ndarray


def gabor_fit(W: ArrayLike, size: int) -> GaborFit:
    r"""Find the best Gabor function for each atom.

    A Gabor function is a plane wave times a Gaussian window,

    .. math::

        e^{-u^2 / 2 s^2 - v^2 / 2 (r s)^2} \cos(2 \pi f u + \varphi)

    with u across and v along the bars, :math:`r \in \{1, 2\}` and :math:`s \le` size / 5.
    Centre, orientation, frequency, width and elongation are searched on a grid; phase and
    amplitude enter linearly and are solved for.

    Parameters
    ----------
    W : array_like of shape (size * size, n_components)
        One atom per column, its pixels row by row.
    size : int
        Pixels along a side of an atom.

    Returns
    -------
    GaborFit
        `r_squared`, the share of an atom's energy in its best Gabor function; `orientation` of
        the bars in degrees, 0 horizontal; `frequency` f in cycles per pixel; `width` s in pixels.
    """
    check_integer(size, "size", minimum=2)
    W = check_matrix(W, "W", (size * size, None))
    energy = np.maximum((W**2).sum(axis=0), np.finfo(float).tiny)
    y, x = np.divmod(np.arange(size**2), size)
    best = np.zeros((4, W.shape[1]))
    grid = itertools.product(
        np.arange(0, 180, 11.25), np.geomspace(0.06, 0.45, 8), size * WIDTHS, (1, 2)
    )
    for angle, f, width, elongation in grid:
        c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        u, v = c * y - s * x, s * y + c * x
        across, along = u - u[:, None], (v - v[:, None]) / elongation  # one row per centre
        window = np.exp(-(across**2 + along**2) / (2 * width**2))
        even, odd = window * np.cos(2 * np.pi * f * u), window * np.sin(2 * np.pi * f * u)
        # The energy of each atom in the plane of the two, by Cramer's rule.
        p, q = even @ W, odd @ W
        ee, oo, eo = (
            (g * h).sum(axis=1)[:, None] for g, h in ((even, even), (odd, odd), (even, odd))
        )
        r_squared = (oo * p**2 - 2 * eo * p * q + ee * q**2) / (ee * oo - eo**2) / energy
        r_squared = np.minimum(r_squared.max(axis=0), 1)  # but for round-off
        better = r_squared > best[0]
        best[0, better] = r_squared[better]
        best[1:, better] = [[angle], [f], [width]]
    return GaborFit(*best)
