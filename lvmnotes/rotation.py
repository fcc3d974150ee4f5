"""Rotations of loadings to simple structure: each variable on few factors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array

MAX_ITER = 1000


class Promax(NamedTuple):
    """Result of `promax`."""

    loadings: np.ndarray
    transformation: np.ndarray
    factor_correlation: np.ndarray


def varimax(
    W: ArrayLike, *, normalize: bool = True, tol: float = 1e-12
) -> tuple[np.ndarray, np.ndarray]:
    r"""Rotate loadings so that the squared loadings of each factor vary most (Kaiser 1958).

    Maximises :math:`\sum_j \bigl[\frac1D \sum_i l_{ij}^4 - (\frac1D \sum_i l_{ij}^2)^2\bigr]`
    over orthogonal Q, with :math:`L = W Q`.

    Parameters
    ----------
    W : array_like of shape (n_features, n_components)
    normalize : bool, default True
        Weigh the variables equally by scaling each row to unit length first (Kaiser's
        normalisation).
    tol : float
        Stop when a step gains less than this part of the criterion.

    Returns
    -------
    loadings : ndarray of shape (n_features, n_components)
        `W @ Q`.
    Q : ndarray of shape (n_components, n_components)
        The orthogonal rotation.
    """
    W = check_array(W, dtype=float, input_name="W")
    length = np.sqrt((W**2).sum(axis=1, keepdims=True)) if normalize else 1.0
    A = np.divide(W, length, where=length > 0, out=np.zeros_like(W)) if normalize else W
    Q = np.eye(W.shape[1])
    criterion = 0.0
    for _ in range(MAX_ITER):
        L = A @ Q
        # The criterion is convex in L, so its best linear bound over rotations never falls below.
        U, s, Vt = np.linalg.svd(A.T @ (L**3 - L * (L**2).mean(axis=0)))
        Q = U @ Vt
        if s.sum() <= criterion * (1 + tol):
            break
        criterion = s.sum()
    return W @ Q, Q


def promax(W: ArrayLike, power: float = 4.0) -> Promax:
    r"""Rotate to correlated factors with simpler loadings (Hendrickson and White 1964).

    Varimax loadings raised to `power`, signs kept, are the target; the least-squares
    transformation towards it, scaled so that the factors keep unit variance, is the rotation.

    Parameters
    ----------
    W : array_like of shape (n_features, n_components)
    power : float, default 4
        At least 1; larger values drive small loadings further towards zero.

    Returns
    -------
    Promax
        ``loadings`` = `W @ transformation`, of shape (n_features, n_components), and the
        correlation of the factors they belong to, (n_components, n_components):
        `loadings @ factor_correlation @ loadings.T` equals `W @ W.T`.
    """
    if not power >= 1:
        raise ValueError(f"power must be at least 1, got {power}")
    loadings, Q = varimax(W)
    target = loadings * np.abs(loadings) ** (power - 1)
    T = np.linalg.lstsq(loadings, target, rcond=None)[0]
    T = T * np.sqrt(np.diag(np.linalg.inv(T.T @ T)))
    transformation = Q @ T
    factor_correlation = np.linalg.inv(transformation.T @ transformation)
    return Promax(loadings @ T, transformation, factor_correlation)
