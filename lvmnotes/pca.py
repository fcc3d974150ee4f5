"""Principal component analysis: the flat surface of d dimensions that is closest to the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg

from .core.base import Codec
from .core.loadings import orient
from .core.moments import Moments, moments_if_complete


class PCA(Codec):
    r"""Principal component analysis.

    .. math::

        \mathbf h = W^\top (\mathbf x - \mathbf b), \qquad
        \hat{\mathbf x} = W \mathbf h + \mathbf b

    with the first d eigenvectors of the covariance as the columns of W: of all linear encoders
    and decoders with codes of length d, this pair has the smallest mean squared error (Pearson
    1901; proof in the chapter *The manifold view of PCA*). PCA has no density; `PPCA` does.

    Fitting needs only the `Moments` of the data, so the data are read once; if there are fewer
    samples than variables, it uses the N x N matrix of their inner products instead. Constant
    variables are allowed.

    Parameters
    ----------
    n_components : int, default 1
        Number of directions d, at most the number of variables and, for `fit`, of samples.

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Orthonormal columns in order of decreasing variance; no column has a negative sum.
    b_ : ndarray of shape (n_features,)
        Mean of the data.
    eigenvalues_ : ndarray of shape (n_features,)
        All eigenvalues of the covariance (divisor n) in decreasing order, as computed: an
        eigenvalue that is zero in exact arithmetic may be negative because of round-off.

    Examples
    --------
    >>> import numpy as np
    >>> from lvmnotes import PCA
    >>> X = np.array([[0.0, 0.0], [2.0, 2.0], [4.0, 4.0]])
    >>> model = PCA(1).fit(X)
    >>> model.transform(X).round(3).ravel()
    array([-2.828,  0.   ,  2.828])
    >>> model.inverse_transform([[2.0]]).round(3)
    array([[3.414, 3.414]])
    """

    def fit(self, X: ArrayLike, y=None) -> PCA:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        PCA
        """
        X = self._read(X, reset=True, dtype=(np.float64, np.float32), ensure_min_samples=2)
        N, D = X.shape
        if N >= D:
            return self.fit_moments(moments_if_complete(X))
        self._check_n_components(N, "n_samples")
        b = X.mean(axis=0, dtype=float)
        Z = X - b
        # Z Z^T u = n lambda u gives (Z^T Z) Z^T u = n lambda Z^T u. Normalising Z^T u by QR keeps
        # the columns orthonormal where lambda is zero too.
        eigenvalues, U = np.linalg.eigh(Z @ Z.T / N)
        W = linalg.qr(Z.T @ U[:, : -self.n_components - 1 : -1], mode="economic")[0]
        return self._learn(W, b, np.pad(eigenvalues[::-1], (0, D - N)))

    def fit_moments(self, moments: Moments) -> PCA:
        """Fit to sufficient statistics, of data that were read elsewhere or as published.

        Parameters
        ----------
        moments : Moments

        Returns
        -------
        PCA
        """
        self._check_n_components(len(moments.mean), "n_features")
        eigenvalues, V = np.linalg.eigh(moments.covariance)
        if eigenvalues[0] < -1e-8 * eigenvalues[-1]:
            raise ValueError("scatter must be positive semidefinite to be that of any data")
        self._set_n_features(len(V))
        return self._learn(
            V[:, : -self.n_components - 1 : -1], moments.mean, eigenvalues[::-1].copy()
        )

    def _learn(self, W: np.ndarray, b: np.ndarray, eigenvalues: np.ndarray) -> PCA:
        self.W_ = orient(W)
        self.b_ = b
        self.eigenvalues_ = eigenvalues
        return self

    def _encode(self, X: np.ndarray) -> np.ndarray:
        return (X - self.b_) @ self.W_

    def _decode(self, H: np.ndarray) -> np.ndarray:
        return H @ self.W_.T + self.b_
