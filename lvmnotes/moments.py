"""Sufficient statistics of every linear-Gaussian model: how many, where, how spread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import zip_longest
from operator import add

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import blas
from sklearn.utils import assert_all_finite, check_array

#: Rows read at a time by `Moments.from_data`: large enough for one fast matrix product, small
#: enough to stay in the cache between the sum and the product.
BATCH_SIZE = 4096
#: A mean of more standard deviations than this is subtracted before squaring; a nearer one costs
#: two digits at most.
FAR = 10


@dataclass(frozen=True)
class Moments:
    r"""The count, mean and scatter of a sample; what a linear-Gaussian likelihood depends on.

    Attributes
    ----------
    n : float
        Number of samples, or their total weight.
    mean : ndarray of shape (n_features,)
        :math:`\bar{\mathbf x} = \frac1n \sum_i \mathbf x_i`.
    scatter : ndarray of shape (n_features, n_features)
        :math:`\sum_i (\mathbf x_i - \bar{\mathbf x})(\mathbf x_i - \bar{\mathbf x})^\top`.

    Examples
    --------
    A published correlation matrix is as good as the data behind it:

    >>> import numpy as np
    >>> from lvmnotes import Moments
    >>> R = np.array([[1.0, 0.5], [0.5, 1.0]])
    >>> Moments.from_covariance(R, n=112).covariance
    array([[1. , 0.5],
           [0.5, 1. ]])
    """

    n: float
    mean: np.ndarray
    scatter: np.ndarray

    def __post_init__(self):
        """Check that the statistics fit together."""
        mean, scatter = np.asarray(self.mean, float), np.asarray(self.scatter, float)
        if not 0 < self.n < np.inf:
            raise ValueError(f"n must be positive and finite, got {self.n}")
        if mean.ndim != 1 or scatter.shape != (mean.size, mean.size):
            raise ValueError(
                "mean must have shape (D,) and scatter (D, D); "
                f"got {mean.shape} and {scatter.shape}"
            )
        if not (np.isfinite(mean).all() and np.isfinite(scatter).all()):
            raise ValueError("mean and scatter must be finite; one has NaN or infinity")
        if np.abs(scatter - scatter.T).max() > 1e-8 * np.abs(scatter).max():
            raise ValueError("scatter must be symmetric")
        if (np.diag(scatter) < 0).any():
            raise ValueError("scatter must have no negative entry on its diagonal")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "scatter", scatter)

    @classmethod
    def from_data(cls, X: ArrayLike, sample_weight: ArrayLike | None = None) -> Moments:
        """Read `X` once.

        Columns are shifted by the mean of the first rows where that is far from zero, so that it
        costs no digits in the squares.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        sample_weight : array_like of shape (n_samples,), optional
            Non-negative weights, such as a mixture's responsibilities for one component.

        Returns
        -------
        Moments
        """
        X = check_array(X, dtype=(np.float64, np.float32), ensure_all_finite=False, input_name="X")
        if sample_weight is not None:
            sample_weight = check_array(
                sample_weight, ensure_2d=False, dtype=float, input_name="sample_weight"
            )
            positive = sample_weight > 0
            if sample_weight.shape != (len(X),) or (sample_weight < 0).any() or not positive.any():
                raise ValueError(
                    f"sample_weight must hold one weight >= 0 for each of the {len(X)} samples, "
                    "not all zero"
                )
            if not positive.all():
                X, sample_weight = X[positive], sample_weight[positive]

        return cls.from_validated(X, sample_weight)

    @classmethod
    def from_validated(cls, X: np.ndarray, sample_weight: np.ndarray | None = None) -> Moments:
        """Do as `from_data` does with arrays whose type and shape are known to be right.

        Looking twice costs a `fit` of little data a tenth of its time.

        Parameters
        ----------
        X : ndarray of float, shape (n_samples, n_features)
        sample_weight : ndarray of float, shape (n_samples,), optional

        Returns
        -------
        Moments
        """
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are found below
            first = X[:64].astype(float)
            near = np.abs(first.mean(axis=0)) <= FAR * first.std(axis=0)
            shift = 0.0 if near.all() else first.mean(axis=0)
            total, squares = np.zeros(X.shape[1]), np.zeros((X.shape[1], X.shape[1]), order="F")
            for start in range(0, len(X), BATCH_SIZE):
                rows = slice(start, start + BATCH_SIZE)
                Z = X[rows].astype(float, copy=False)
                if np.any(shift):
                    Z = Z - shift
                total += weight[rows] @ Z
                if sample_weight is not None:
                    Z = Z * np.sqrt(weight[rows])[:, None]
                # Adds Z^T Z in place, above the diagonal only.
                squares = blas.dsyrk(1.0, Z.T, beta=1.0, c=squares, overwrite_c=True)
        if not np.isfinite(total).all():
            assert_all_finite(X, input_name="X")
        n = weight.sum()
        squares = np.triu(squares) + np.triu(squares, 1).T - np.outer(total, total / n)
        # Round-off may leave a constant column a tiny negative square.
        np.fill_diagonal(squares, np.maximum(np.diag(squares), 0))
        return cls(n, shift + total / n, squares)

    @classmethod
    def from_batches(cls, batches: Iterable[ArrayLike]) -> Moments:
        """Add up the moments of pieces that need not fit in memory together.

        `from_dask` does so where the pieces are on several machines, or to be read side by side.

        Parameters
        ----------
        batches : iterable of array_like of shape (any, n_features)

        Returns
        -------
        Moments
        """
        batches = iter(batches)
        first = next(batches, None)
        if first is None:
            raise ValueError("batches must hold at least one batch of samples, got none")
        return reduce(add, map(cls.from_data, batches), cls.from_data(first))

    @classmethod
    def from_dask(cls, array) -> Moments:
        """Add up the moments of a dask array's blocks, each where it lives.

        A worker holds a block at a time, and what leaves it is a block's moments; these are added
        two by two. Needs dask, which the library does not install.

        Parameters
        ----------
        array : dask.array.Array of shape (n_samples, n_features)
            Lengths of blocks may be unknown. Blocks that split the columns are first joined to
            whole rows, for the scatter pairs every column with every other.

        Returns
        -------
        Moments
        """
        try:
            import dask.array
        except ImportError as error:
            raise ImportError("Moments.from_dask needs dask: pip install dask") from error
        if not isinstance(array, dask.array.Array):
            raise TypeError(
                f"array must be a dask array, got {type(array).__name__}; Moments.from_data takes "
                "arrays in memory, Moments.from_batches an iterable of them"
            )
        if array.ndim != 2:
            raise ValueError(f"array must have shape (n_samples, n_features), got {array.ndim}-D")
        blocks = array.rechunk({1: -1}).to_delayed().ravel()
        sums = [dask.delayed(_moments_or_none)(block) for block in blocks]
        while len(sums) > 1:
            pairs = zip_longest(sums[::2], sums[1::2])
            sums = [dask.delayed(_add_what_is_there)(*pair) for pair in pairs]
        moments = sums[0].compute()
        if moments is None:
            raise ValueError("array must hold at least one sample, got none")
        return moments

    @classmethod
    def from_covariance(cls, covariance: ArrayLike, n: float) -> Moments:
        """Take a published covariance or correlation matrix; the mean is taken to be zero.

        Parameters
        ----------
        covariance : array_like of shape (n_features, n_features)
            With divisor n.
        n : float
            Number of samples behind it.

        Returns
        -------
        Moments
        """
        covariance = check_array(covariance, dtype=float, input_name="covariance")
        return cls(n, np.zeros(len(covariance)), n * covariance)

    def __add__(self, other: Moments) -> Moments:
        """Moments of both samples together (Chan, Golub and LeVeque 1983)."""
        if self.mean.shape != other.mean.shape:
            raise ValueError(
                f"both samples must have the same features, got {self.mean.size} and "
                f"{other.mean.size}"
            )
        n = self.n + other.n
        step = other.mean - self.mean
        return Moments(
            n,
            self.mean + step * (other.n / n),
            self.scatter + other.scatter + np.outer(step, step) * (self.n * other.n / n),
        )

    @property
    def covariance(self) -> np.ndarray:
        """Maximum-likelihood covariance `scatter / n`, of shape (n_features, n_features)."""
        return self.scatter / self.n


def finite_mean(X: np.ndarray) -> np.ndarray:
    """Mean of each column, or an error if `X` holds NaN or infinity; reads `X` once.

    Parameters
    ----------
    X : ndarray of float, shape (n_samples, n_features)

    Returns
    -------
    ndarray of shape (n_features,)
    """
    with np.errstate(invalid="ignore", over="ignore"):  # found below
        mean = X.mean(axis=0, dtype=float)
    if not np.isfinite(mean).all():
        assert_all_finite(X, input_name="X")
    return mean


def _moments_or_none(X: np.ndarray) -> Moments | None:
    """Moments of a block; of none where a selection has left no row of it."""
    return Moments.from_data(X) if len(X) else None


def _add_what_is_there(a: Moments | None, b: Moments | None) -> Moments | None:
    return a + b if a and b else a or b
