"""Sufficient statistics of linear-Gaussian models: number of samples, mean and scatter."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, reduce
from operator import add

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator
from sklearn.utils import assert_all_finite, check_array

from .blocks import Blocks, as_blocks, blocks_of, is_dask, tree_sum
from .validation import (
    check_covariance,
    check_numeric,
    check_real,
    check_symmetric,
    check_vector,
    naming,
)

#: Number of rows that `Moments.from_data` reads at a time: large enough for a fast matrix product,
#: small enough to stay in the cache between the sum and the product.
BATCH_SIZE = 4096
#: A mean larger than this number of standard deviations is subtracted before squaring; a smaller
#: mean costs at most two digits.
FAR = 10
MISSING = "X contains NaN, but must be complete here"
TOO_LARGE = "X has values so large that their squares overflow; rescale it"
#: A sum of responsibilities below this is that of no sample.
TINY = np.finfo(float).tiny


@dataclass(frozen=True)
class Moments:
    r"""Count, mean and scatter of a sample, on which a linear-Gaussian likelihood depends.

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
    A published correlation matrix can replace the data:

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
        check_real(self.n, "n", minimum=0, inclusive=False)
        mean = check_vector(self.mean, "mean")
        scatter = check_symmetric(self.scatter, "scatter", mean.size)
        if (np.diag(scatter) < 0).any():
            raise ValueError("scatter must have no negative entry on its diagonal")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "scatter", scatter)

    @classmethod
    def _of_sums(cls, n: float, mean: np.ndarray, scatter: np.ndarray) -> Moments:
        """Statistics that were computed together, so that they need no check."""
        moments = object.__new__(cls)
        moments.__dict__.update(n=n, mean=mean, scatter=scatter)
        return moments

    @classmethod
    def from_data(cls, X: ArrayLike, sample_weight: ArrayLike | None = None) -> Moments:
        """Compute the moments of `X`.

        The data are read once, or twice if a mean is so far from zero that digits would be lost.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        sample_weight : array_like of shape (n_samples,), optional
            Non-negative weights, such as a mixture's responsibilities for one component.

        Returns
        -------
        Moments
        """
        check_numeric(X, "X")
        with naming("X"):
            X = check_array(
                X, dtype=(np.float64, np.float32), ensure_all_finite=False, input_name="X"
            )
        X, sample_weight = weighted_rows(X, sample_weight)
        return complete_moments(X, sample_weight)

    @classmethod
    def from_batches(cls, batches: Iterable[ArrayLike]) -> Moments:
        """Add up the moments of batches that do not have to fit in memory together.

        For batches on several machines, or to read batches in parallel, use `from_dask`.

        Parameters
        ----------
        batches : iterable of array_like of shape (any, n_features)

        Returns
        -------
        Moments
        """
        with naming("batches"):
            moments = tree_sum(map(cls.from_data, batches))
            if moments is None:
                raise ValueError("batches must hold at least one batch of samples, got none")
            return moments

    @classmethod
    def from_dask(cls, array) -> Moments:
        """Add up the moments of the blocks of a dask array, without moving the blocks.

        A worker holds one block at a time and sends only the moments of the block, which are then
        added in pairs. This needs dask, which the library does not install.

        Parameters
        ----------
        array : dask.array.Array of shape (n_samples, n_features)
            The lengths of blocks may be unknown. Blocks that split the columns are first joined to
            whole rows, because the scatter needs all pairs of columns.

        Returns
        -------
        Moments
        """
        try:
            import dask.array  # noqa: F401
        except ImportError as error:
            raise ImportError("Moments.from_dask needs dask: pip install dask") from error
        if not is_dask(array):
            raise TypeError(
                f"array must be a dask array, got {type(array).__name__}; Moments.from_data takes "
                "arrays in memory, Moments.from_batches an iterable of them"
            )
        if array.ndim != 2:
            raise ValueError(f"array must have shape (n_samples, n_features), got {array.ndim}-D")
        moments = blocks_of(array)[0].total(cls.from_data)
        if moments is None:
            raise ValueError("array must hold at least one sample, got none")
        return moments

    @classmethod
    def from_covariance(cls, covariance: ArrayLike, n: float) -> Moments:
        """Make moments from a published covariance or correlation matrix, with mean zero.

        Parameters
        ----------
        covariance : array_like of shape (n_features, n_features)
            With divisor n.
        n : float
            Number of samples from which the matrix was computed.

        Returns
        -------
        Moments
        """
        check_real(n, "n", minimum=0, inclusive=False)
        covariance = check_symmetric(covariance, "covariance")
        if (np.diag(covariance) < 0).any():
            raise ValueError("covariance must have no negative entry on its diagonal")
        return cls(n, np.zeros(len(covariance)), n * covariance)

    def __add__(self, other: Moments) -> Moments:
        """Moments of both samples together (Chan, Golub and LeVeque 1983)."""
        if not isinstance(other, Moments):
            raise TypeError(f"other must be Moments, got {type(other).__name__}")
        if self.mean.shape != other.mean.shape:
            raise ValueError(
                f"both samples must have the same features, got {self.mean.size} and "
                f"{other.mean.size}"
            )
        n = self.n + other.n
        step = other.mean - self.mean
        return Moments._of_sums(
            n,
            self.mean + step * (other.n / n),
            self.scatter + other.scatter + np.outer(step, step) * (self.n * other.n / n),
        )

    @property
    def covariance(self) -> np.ndarray:
        """Maximum-likelihood covariance `scatter / n`, of shape (n_features, n_features)."""
        return self.scatter / self.n


@dataclass(frozen=True)
class ClassMoments:
    r"""Weight, mean and scatter of each class: what the M-step of a mixture needs of its data.

    Each sample counts in class k with its responsibility. The moments of two blocks of data add
    up, so blocks may be read one after the other, or side by side.

    Attributes
    ----------
    n : ndarray of shape (n_classes,)
        Sum of the responsibilities.
    mean : ndarray of shape (n_classes, n_features)
        Zero for a class without samples.
    scatter : ndarray of shape (n_classes, n_features, n_features) or (n_classes, n_features)
        About the mean; or its diagonal alone.
    """

    n: np.ndarray
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def from_block(cls, Y: np.ndarray, R: np.ndarray, *, diagonal: bool = False) -> ClassMoments:
        """Read one block of data, whose array is overwritten.

        Parameters
        ----------
        Y : ndarray of shape (n_classes, n_features, n_samples)
            The data, in coordinates of each class's own.
        R : ndarray of shape (n_classes, n_samples)
            Responsibilities, times the weights of the samples if they have any.
        diagonal : bool, default False
            Whether only the diagonals of the scatters are needed.

        Returns
        -------
        ClassMoments
        """
        n = R.sum(axis=1)
        mean = Y @ (R / np.maximum(n, TINY)[:, None])[:, :, None]
        Y -= mean
        Y *= np.sqrt(R)[:, None]
        scatter = np.einsum("kdn,kdn->kd", Y, Y) if diagonal else Y @ Y.transpose(0, 2, 1)
        return cls(n, mean[:, :, 0], scatter)

    def mapped(self, offset: np.ndarray, factors: np.ndarray | None = None) -> ClassMoments:
        """Moments in the coordinates x = offset_k + L_k y.

        Parameters
        ----------
        offset : ndarray of shape (n_classes, n_features)
        factors : ndarray, optional
            The matrices L_k (n_classes, n_features, n_features), or their diagonals; by default
            the identity.

        Returns
        -------
        ClassMoments
        """
        mean, scatter = self.mean, self.scatter
        if factors is not None and factors.ndim == 3:
            mean = (factors @ mean[:, :, None])[:, :, 0]
            scatter = factors @ scatter @ factors.transpose(0, 2, 1)
        elif factors is not None:
            mean, scatter = factors * mean, factors**2 * scatter
        return ClassMoments(self.n, offset + mean, scatter)

    def __add__(self, other: ClassMoments) -> ClassMoments:
        """Moments of both blocks together (Chan, Golub and LeVeque 1983)."""
        n = self.n + other.n
        share = other.n / np.maximum(n, TINY)
        step = other.mean - self.mean
        between = step**2 if self.scatter.ndim == 2 else step[:, :, None] * step[:, None, :]
        return ClassMoments(
            n,
            self.mean + share[:, None] * step,
            self.scatter + other.scatter + (self.n * share * between.T).T,
        )


def moments_if_complete(
    X: np.ndarray | Blocks, sample_weight: np.ndarray | None = None
) -> Moments | None:
    """Moments of data of valid type and shape; None if entries are missing.

    Parameters
    ----------
    X : ndarray of float, shape (n_samples, n_features), or Blocks of that and of weights
        NaN marks a missing entry; infinity is an error.
    sample_weight : ndarray of float, shape (n_samples,), optional
        Positive.

    Returns
    -------
    Moments or None
    """
    n_incomplete, moments = as_blocks(X, sample_weight).total(_block_moments)
    return None if n_incomplete else moments


def _block_moments(
    X: np.ndarray, sample_weight: np.ndarray | None = None
) -> tuple[int, Moments | None]:
    """Moments of a block; or the count 1 of a block with missing entries.

    The sums show whether the data are complete, so complete data need no separate check.
    A mean that is far from zero is subtracted before squaring.
    """
    n = total_weight(X, sample_weight)
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are found below
        shift = np.zeros(X.shape[1]) if sample_weight is None else _mean(X, sample_weight / n)
        shift, total, squares = _sums(X, shift, sample_weight)
    if not np.isfinite(total).all() and has_missing(X):
        return 1, None
    if not np.isfinite(squares).all():
        raise ValueError(TOO_LARGE)
    squares -= total[:, None] * (total / n)
    diagonal = np.einsum("ii->i", squares)  # a view
    # Round-off may make the square of a constant column slightly negative.
    np.maximum(diagonal, 0, out=diagonal)
    return 0, Moments._of_sums(n, shift + total / n, squares)


def _sums(X, shift, sample_weight=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sum x - shift and its products with itself; a shift of zero gives way to a mean far away."""
    (N, D), shifted = X.shape, shift.any()
    total, squares = np.zeros(D), np.zeros((D, D))
    for start in range(0, N, BATCH_SIZE):
        rows = slice(start, start + BATCH_SIZE)
        Z = X[rows].astype(float, copy=False)
        if shifted:
            Z = Z - shift
        w = np.ones(len(Z)) if sample_weight is None else sample_weight[rows]
        Y = Z if sample_weight is None else Z * np.sqrt(w)[:, None]
        squares += Y.T @ Y
        total += w @ Z  # after the product, because it then reads Z from the cache
        n = start + len(Z)
        if not shifted and sample_weight is None and (start == 0 or n == N):
            near = (FAR**2 + 1) * total**2 <= FAR**2 * n * np.einsum("ii->i", squares)
            if not near.all():  # or a square is NaN
                mean = _mean(X, np.full(N, 1 / N))
                if mean.any():
                    return _sums(X, mean)
    return shift, total, squares


def _mean(X: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Mean of rows, of which each has its share; rows in single precision are not all copied."""
    batches = (slice(start, start + BATCH_SIZE) for start in range(0, len(X), BATCH_SIZE))
    return reduce(add, (share[rows] @ X[rows] for rows in batches))


def complete_moments(X: np.ndarray | Blocks, sample_weight: np.ndarray | None = None) -> Moments:
    """Moments of data of valid type and shape; an error if entries are missing.

    Parameters
    ----------
    X : ndarray of float, shape (n_samples, n_features), or Blocks of that and of weights
    sample_weight : ndarray of float, shape (n_samples,), optional
        Positive.

    Returns
    -------
    Moments
    """
    moments = moments_if_complete(X, sample_weight)
    if moments is None:
        raise ValueError(MISSING)
    return moments


class CovarianceOperator(LinearOperator):
    r"""Covariance of the rows of `X`, of which only products with vectors are formed.

    With the mean :math:`\mathbf b` and the weights :math:`\omega_n`, which sum to n,

    .. math::

        S V = \tfrac1n\, Z^\top \operatorname{diag}(\omega)\, Z V, \qquad
        Z V = X V - \mathbf 1\, \mathbf b^\top V ,

    so no D x D matrix is formed, and no centred copy of `X` either, unless `X` is in single
    precision or its mean so far from zero that the difference would cost digits.

    Parameters
    ----------
    X : ndarray of float, shape (n_samples, n_features)
        Complete.
    mean : ndarray of shape (n_features,)
    sample_weight : ndarray of float, shape (n_samples,), optional
        Not negative.

    Attributes
    ----------
    n : float
        Number of samples, or their total weight.
    mean : ndarray of shape (n_features,)
        As given, but for the last digits.
    """

    def __init__(self, X: np.ndarray, mean: np.ndarray, sample_weight: np.ndarray | None = None):
        N, D = X.shape
        super().__init__(np.dtype(float), (D, D))
        self.weight = np.ones(N) if sample_weight is None else sample_weight
        self.n = self.weight.sum()
        self.X, self.shift, self.mean = X, mean, mean
        with np.errstate(over="ignore", invalid="ignore"):
            self.total = self._mean_square() - mean @ mean
        if not np.isfinite(self.total):
            raise ValueError(TOO_LARGE)
        if X.dtype != float or mean @ mean > FAR**2 * self.total:
            self.X, self.shift = X - mean, np.zeros(D)
            correction = self.weight @ self.X / self.n  # the round-off of the mean
            self.X -= correction
            self.mean = mean + correction
            self.total = self._mean_square()

    def trace(self) -> float:
        """Sum of the variances of the columns."""
        return float(self.total)

    def centred(self) -> np.ndarray:
        """Return Z, each row times the root of its weight: S = Z^T Z / n."""
        return np.sqrt(self.weight)[:, None] * (self.X - self.shift)

    def _matmat(self, V: np.ndarray) -> np.ndarray:
        weighted = (self.weight * (self.X @ V - self.shift @ V).T).T
        return (self.X.T @ weighted - np.multiply.outer(self.shift, weighted.sum(axis=0))) / self.n

    _matvec = _matmat

    def _mean_square(self) -> float:
        return self.weight @ np.einsum("ij,ij->i", self.X, self.X) / self.n


def mean_if_complete(X: np.ndarray, sample_weight: np.ndarray | None = None) -> np.ndarray | None:
    """Mean of each column, or None if entries are missing; reads complete data once.

    Parameters
    ----------
    X : ndarray of float, shape (n_samples, n_features)
        NaN marks a missing entry; infinity is an error.
    sample_weight : ndarray of float, shape (n_samples,), optional
        Not negative.

    Returns
    -------
    ndarray of shape (n_features,), or None
    """
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinity are found below
        if sample_weight is None:
            mean = X.mean(axis=0, dtype=float)
        else:
            mean = sample_weight @ X / sample_weight.sum()
    if not np.isfinite(mean).all():
        if has_missing(X):
            return None
        raise ValueError(TOO_LARGE)
    return mean


def has_missing(X: np.ndarray) -> bool:
    """Whether any entry is NaN; an error if one is infinite."""
    assert_all_finite(X, allow_nan=True, input_name="X")
    return bool(np.isnan(X).any())


def observed_mean_and_variance(
    X: np.ndarray | Blocks, sample_weight: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the observed entries of each column; NaN where there are none.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), or Blocks of that and of weights
        NaN marks a missing entry.
    sample_weight : ndarray of shape (n_samples,), optional
        Not negative.

    Returns
    -------
    mean, variance : ndarray of shape (n_features,)
    """

    def sums(of: Callable, X: np.ndarray, weight: np.ndarray | None) -> tuple[np.ndarray, ...]:
        observed = ~np.isnan(X)
        weight = np.ones(len(X)) if weight is None else weight
        return weight @ observed, weight @ np.where(observed, of(X), 0)

    data = as_blocks(X, sample_weight)
    with np.errstate(invalid="ignore"):
        count, total = data.total(partial(sums, np.asarray))
        mean = total / count
        return mean, data.total(partial(sums, lambda X: (X - mean) ** 2))[1] / count


def total_weight(X: np.ndarray, sample_weight: np.ndarray | None) -> float:
    """Total weight of the samples of a block; their number where they have no weights."""
    return float(len(X)) if sample_weight is None else sample_weight.sum()


def weighted_rows(
    X: np.ndarray, sample_weight: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows of positive weight, and their weights; everything and None where there are none.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    sample_weight : array_like of shape (n_samples,), optional
        Not negative.

    Returns
    -------
    X : ndarray of shape (n_rows, n_features)
    sample_weight : ndarray of shape (n_rows,), or None
    """
    if sample_weight is None:
        return X, None
    sample_weight = check_sample_weight(sample_weight, len(X))
    positive = sample_weight > 0
    return (X, sample_weight) if positive.all() else (X[positive], sample_weight[positive])


def checked_covariance(moments: Moments, *, min_samples: float = 2) -> np.ndarray:
    """Covariance of moments from elsewhere, or an error if they are not those of any data.

    Parameters
    ----------
    moments : Moments
    min_samples : float, default 2
        Least number of samples behind them.

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    if not isinstance(moments, Moments):
        raise TypeError(f"moments must be an lvmnotes.Moments, got {type(moments).__name__}")
    check_real(moments.n, "moments.n", minimum=min_samples)
    return check_covariance(moments.covariance, "moments.scatter")


def check_sample_weight(
    sample_weight: ArrayLike, n_samples: int, *, all_zero: bool = False
) -> np.ndarray:
    """Return one weight per sample, none negative and not all zero, or raise.

    Parameters
    ----------
    sample_weight : array_like of shape (n_samples,)
    n_samples : int
    all_zero : bool, default False
        Whether all may be zero, as in a block of a larger sample.

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    sample_weight = check_vector(sample_weight, "sample_weight", n_samples)
    if (sample_weight < 0).any() or not (all_zero or sample_weight.any()):
        raise ValueError("sample_weight must hold weights >= 0, not all zero")
    return sample_weight
