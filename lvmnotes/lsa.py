"""Latent semantic analysis: the closest table of counts with a small rank."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.sparse.linalg import svds

from .core.base import Codec
from .core.loadings import lanczos_is_faster, orient
from .core.validation import check_integer, check_matrix


class LSA(Codec):
    r"""Latent semantic analysis: the truncated singular value decomposition of documents by words.

    .. math::

        X \approx U \operatorname{diag}(s)\, W^\top, \qquad \mathbf h = W^\top \mathbf x

    The d largest singular values and their vectors give the closest table of rank d (Deerwester et
    al. 1990; the Eckart-Young theorem). Unlike `PCA` it subtracts no mean. The entries of X may
    be counts or weights of any kind.

    Parameters
    ----------
    n_components : int, default 1
        Number of dimensions d, at most the number of words and of documents.

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Right singular vectors: a row per word. Orthonormal columns; no column has a negative sum.
    singular_values_ : ndarray of shape (n_components,)
        In decreasing order.

    Examples
    --------
    >>> from lvmnotes import LSA
    >>> documents = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]]
    >>> model = LSA(2).fit(documents)
    >>> model.singular_values_.round(3)
    array([2.   , 1.414])
    """

    def fit(self, X: ArrayLike, y=None) -> LSA:
        """Fit to documents.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            A row per document, a column per word.
        y : ignored

        Returns
        -------
        LSA
        """
        X = self._read(X, reset=True)
        N, D = X.shape
        self._check_n_components(min(N, D), "n_features" if D <= N else "n_samples")
        self.singular_values_, V = right_singular_vectors(X, self.n_components)
        self.W_ = orient(V)
        return self

    def _encode(self, X: np.ndarray) -> np.ndarray:
        return X @ self.W_

    def _decode(self, H: np.ndarray) -> np.ndarray:
        return H @ self.W_.T


def right_singular_vectors(X: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest singular values of a matrix in decreasing order, and their right singular vectors.

    The span of the vectors comes from Lanczos where that is faster, else from the smaller of the
    matrices of inner products, of columns or of rows. Within the span a decomposition of X itself
    follows, so that the squares in the inner products cost the singular values no digits.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    n_components : int
        At most the smaller side of X.

    Returns
    -------
    singular_values : ndarray of shape (n_components,)
    V : ndarray of shape (n_features, n_components)
        Orthonormal columns.
    """
    X = check_matrix(X, "X")
    N, D = X.shape
    check_integer(n_components, "n_components", minimum=1, maximum=min(N, D), why="(sides of X)")
    unit = np.abs(X).max() or 1.0
    X = X / unit
    if lanczos_is_faster((N, D), n_components):
        start = np.random.default_rng(0).normal(size=min(N, D))
        V = svds(X, n_components, v0=start)[2].T
    else:
        inner = X.T @ X if D <= N else X @ X.T
        last = len(inner) - 1
        V = linalg.eigh(inner, subset_by_index=(last + 1 - n_components, last))[1]
        if D > N:
            V = linalg.qr(X.T @ V[:, ::-1], mode="economic")[0]
    _, s, Qt = linalg.svd(X @ V, full_matrices=False)
    return unit * s, V @ Qt.T
