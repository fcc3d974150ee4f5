"""Eigenvectors, and the convention for the rotation and the signs of loadings."""

from __future__ import annotations

import numpy as np
from scipy import linalg


def leading_eigenpairs(S: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalues of a covariance, in decreasing order, and their eigenvectors as columns.

    Parameters
    ----------
    S : ndarray of shape (n_features, n_features)
    n_components : int

    Returns
    -------
    eigenvalues : ndarray of shape (n_components,)
    V : ndarray of shape (n_features, n_components)
    """
    D = len(S)
    eigenvalues, V = linalg.eigh(S, subset_by_index=(D - n_components, D - 1), check_finite=False)
    return np.maximum(eigenvalues[::-1], 0), V[:, ::-1]


def canonical_rotation(W: np.ndarray, noise_variance: np.ndarray | float) -> np.ndarray:
    r"""Rotate loadings to their canonical form.

    The likelihood determines W only up to a rotation. In the canonical form
    :math:`W^\top \psi^{-1} W` is diagonal with decreasing entries, and the sum of each column is
    positive.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_components)
    noise_variance : float or ndarray of shape (n_features,)

    Returns
    -------
    ndarray of shape (n_features, n_components)
    """
    scaled = W.T / np.sqrt(noise_variance)
    U = linalg.svd(scaled, full_matrices=False)[0]
    return orient(W @ U)


def orient(W: np.ndarray) -> np.ndarray:
    """Give each column of loadings the sign that makes its sum positive.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_components)

    Returns
    -------
    ndarray of shape (n_features, n_components)
    """
    return W * np.where(W.sum(axis=0) < 0, -1.0, 1.0)
