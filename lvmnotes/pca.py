"""Principal component analysis: the flat surface of d dimensions that is closest to the data."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .core.base import Codec
from .core.loadings import leading_eigenpairs, orient, sample_covariance
from .core.moments import MISSING, CovarianceOperator, Moments, checked_covariance


class PCA(Codec):
    r"""Principal component analysis.

    .. math::

        \mathbf h = W^\top (\mathbf x - \mathbf b), \qquad
        \hat{\mathbf x} = W \mathbf h + \mathbf b

    with the first d eigenvectors of the covariance as the columns of W: of all linear encoders
    and decoders with codes of length d, this pair has the smallest mean squared error (Pearson
    1901; proof in the chapter *The manifold view of PCA*). PCA has no density; `PPCA` does.

    Fitting finds the eigenvectors in one of three ways, all of them exact to round-off and chosen
    by the shape of the data. Where there are hundreds of samples and of variables and few
    components, Lanczos needs only products of the data with vectors. Otherwise the eigenvectors
    are those of the covariance or, where there are fewer samples than variables, come from the
    inner products of the samples, an N x N matrix. Constant variables are allowed.

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
    eigenvalues_ : ndarray of shape (n_components,)
        The d largest eigenvalues of the covariance (divisor n) in decreasing order, the variances
        along the columns of `W_`, as computed: an eigenvalue that is zero in exact arithmetic may
        be negative because of round-off.
    total_variance_ : float
        Sum of all eigenvalues of the covariance; minus the sum of `eigenvalues_`, it is the mean
        squared error of the reconstructions.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Share of the total variance along each column of `W_`; zero if there is no variance.

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

    def fit(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None) -> PCA:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            A dask array, a memory-mapped file and an iterable of arrays are read block by block.
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            A sample of weight 2 counts as two equal samples; none may be negative. In blocks if
            `X` is.

        Returns
        -------
        PCA
        """
        data = self._read_blocks(
            X,
            sample_weight,
            dtype=(np.float64, np.float32),
            ensure_min_samples=2,
            ensure_all_finite=False,  # the sums below show what is missing or infinite
        )
        D, N = self.n_features_in_, data.n_rows
        self._check_n_components(min(N, D), "n_features" if D <= N else "n_samples")
        summary = sample_covariance(data, self.n_components)
        if summary is None:
            raise ValueError(MISSING)
        return self._set_axes(*summary[1:])

    def fit_moments(self, moments: Moments) -> PCA:
        """Fit to sufficient statistics, of data that were read elsewhere or as published.

        Parameters
        ----------
        moments : Moments

        Returns
        -------
        PCA
        """
        S = checked_covariance(moments, min_samples=0)
        self._check_n_components(len(S), "n_features")
        self._set_n_features(len(S))
        return self._set_axes(moments.mean, S)

    def _set_axes(self, b: np.ndarray, S: np.ndarray | CovarianceOperator) -> PCA:
        self.eigenvalues_, V = leading_eigenpairs(S, self.n_components)
        self.W_, self.b_ = orient(V), b
        self.total_variance_ = float(S.trace())
        self.explained_variance_ratio_ = self.eigenvalues_ / (self.total_variance_ or 1.0)
        return self

    def _encode(self, X: np.ndarray) -> np.ndarray:
        return (X - self.b_) @ self.W_

    def _decode(self, H: np.ndarray) -> np.ndarray:
        return H @ self.W_.T + self.b_
