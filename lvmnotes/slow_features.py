"""Slow feature analysis: the combinations of time series that change least from step to step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, signal, stats

from .core.base import Codec
from .core.blocks import Blocks, as_blocks
from .core.moments import BATCH_SIZE, TOO_LARGE, complete_moments
from .core.validation import check_integer, check_scalar_or_vector, constant_columns, first_rows
from .core.warn import warn
from .linear_factor import LOG_2_PI, LinearGaussianModel

#: Directions in which standardised columns have less than this share of the largest variance are
#: left out: round-off is then no small part of their variance.
SMALLEST_SHARE = 1e-10


class SFA(Codec):
    r"""Slow feature analysis of time series whose rows are time steps.

    .. math::

        \mathbf h_t = G (\mathbf x_t - \mathbf b), \qquad
        \Delta_i = \frac{1}{T - 1} \sum_{t=1}^{T-1} (h_{i,t+1} - h_{i,t})^2

    Of all outputs with variance 1 that are uncorrelated with those before, output i has the least
    slowness :math:`\Delta_i` (Wiskott and Sejnowski 2002). With the covariance C of the rows and
    the mean square A of their differences, the rows of G are the eigenvectors of

    .. math::

        A\, \mathbf g_i = \Delta_i\, C\, \mathbf g_i, \qquad \mathbf g_i^\top C\, \mathbf g_j =
        \delta_{ij},

    equation (eq-sfa-eigen) of the chapter *Slow feature analysis*. The units of the columns do not
    matter. Directions without variance have no output of variance 1 and are left out, so columns
    may be constant or depend on each other. For features that are not linear, expand `X` first,
    with scikit-learn's `PolynomialFeatures` for instance.

    Parameters
    ----------
    n_components : int, optional
        Number of outputs d; by default, and at most, the number of linearly independent columns.

    Attributes
    ----------
    slowness_ : ndarray of shape (n_components,)
        Mean squared difference of each output from one step to the next, in increasing order. White
        noise has 2, the fastest signal about 4.
    G_ : ndarray of shape (n_components, n_features)
        Encoder: row i maps data to output i.
    W_ : ndarray of shape (n_features, n_components)
        Decoder :math:`C G^\top`, whose reconstructions have the least mean squared error; with as
        many outputs as independent columns they are exact. No column has a negative sum, which
        settles the signs of the outputs.
    b_ : ndarray of shape (n_features,)
        Mean of the data.

    Examples
    --------
    A slow and a fast signal, mixed:

    >>> import numpy as np
    >>> from lvmnotes import SFA
    >>> t = 2 * np.pi * np.arange(500) / 500
    >>> X = np.column_stack([np.sin(t) + np.cos(40 * t), np.cos(40 * t)])
    >>> H = SFA(1).fit_transform(X)
    >>> abs(np.corrcoef(H[:, 0], np.sin(t))[0, 1]).round(4)
    np.float64(1.0)
    """

    def __init__(self, n_components: int | None = None):
        super().__init__(n_components)  # type: ignore[arg-type]  # None: as many as there are

    def fit(self, X: ArrayLike, y=None, lengths: ArrayLike | None = None) -> SFA:
        """Fit to one time series, or to several.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            One row per time step. A dask array, a memory-mapped file and an iterable of arrays are
            read block by block; a series may go on from one block to the next.
        y : ignored
        lengths : array_like of int, shape (n_series,), optional
            Numbers of rows of the series, which follow each other in `X`; by default all rows are
            one series. The step from one series to the next does not count.

        Returns
        -------
        SFA
        """
        data = self._read_blocks(
            X,
            dtype=(np.float64, np.float32),
            ensure_min_samples=2,
            ensure_all_finite=False,  # the sums below show what is missing or infinite
        )
        if self.n_components is not None:
            check_integer(self.n_components, "n_components", minimum=1)
        first = first_rows(lengths, data.n_rows)
        if first.all():
            raise ValueError("lengths must have a series of two rows or more")
        moments = complete_moments(data)
        C, A = moments.covariance, mean_squared_difference(data, first)
        if not np.isfinite(A).all():
            raise ValueError(TOO_LARGE)

        # First eigenproblem: with K, the columns have variance 1 in all directions that vary.
        variance = np.diag(C).copy()
        variance[constant_columns(moments.mean, variance)] = np.inf
        scale = 1 / np.sqrt(variance)
        eigenvalues, V = linalg.eigh(scale[:, None] * C * scale)
        kept = eigenvalues > SMALLEST_SHARE * eigenvalues[-1]
        if not kept.any():
            raise ValueError("X must hold two different rows: all its columns are constant")
        K = scale[:, None] * V[:, kept] / np.sqrt(eigenvalues[kept])
        d = self._check_rank(kept.sum(), data.n_rows)

        # Second eigenproblem: the directions of the whitened data in which they change least.
        self.slowness_, U = linalg.eigh(K.T @ A @ K, subset_by_index=(0, d - 1))
        self.G_, self.b_ = (K @ U).T, moments.mean
        self.W_ = C @ self.G_.T
        sign = np.where(self.W_.sum(axis=0) < 0, -1.0, 1.0)
        self.W_, self.G_ = sign * self.W_, sign[:, None] * self.G_
        return self

    def _check_rank(self, rank: int, n_samples: int) -> int:
        """Return the number of outputs, given the number of independent columns."""
        if rank >= n_samples - 1:
            warn(
                f"X has {rank} linearly independent columns and only {n_samples} rows, so its "
                "columns make up every time series: the slowest outputs are half a cosine wave, a "
                "whole one and so on, whatever the data"
            )
        if self.n_components is None:
            return rank
        why = "(the number of linearly independent columns of X)"
        return check_integer(self.n_components, "n_components", maximum=int(rank), why=why)

    def _encode(self, X: np.ndarray) -> np.ndarray:
        return (X - self.b_) @ self.G_.T

    def _decode(self, H: np.ndarray) -> np.ndarray:
        return H @ self.W_.T + self.b_


class ProbabilisticSFA(LinearGaussianModel):
    r"""Slow feature analysis as a linear factor model: factors that persist, plus noise.

    .. math::

        \mathbf h_1 \sim \mathcal N(\mathbf 0, I), \qquad
        h_{i,t+1} = \lambda_i h_{i,t} + \sqrt{1 - \lambda_i^2}\; \varepsilon_{i,t}, \qquad
        \mathbf x_t = W \mathbf h_t + \mathbf b + \text{noise}

    with standard normal :math:`\varepsilon_{i,t}` (Turner and Sahani 2007): equation (eq-sfa-model)
    of the chapter *Slow feature analysis*. Each factor has variance 1 at all times, so one row has
    the distribution of a `LinearGaussianModel`. But the rows of `X` are the steps of one time
    series: methods that look at one row there look at the whole series here, by Kalman's filter and
    smoother. NaN marks an entry that is missing at random; a row may be missing altogether.

    Attributes
    ----------
    persistence_ : ndarray of shape (n_components,)
        :math:`\lambda_i`, the correlation of a factor with itself one step later. With square W
        and without noise, its maximum-likelihood value is :math:`1 - \Delta_i / 2`, but for the
        ends of the series.
    W_, b_, noise_variance_
        As in `LinearFactorModel`.

    Examples
    --------
    A slow factor, seen twice in noise, and what is known of it:

    >>> from lvmnotes import ProbabilisticSFA
    >>> model = ProbabilisticSFA.from_parameters([[1.0], [1.0]], persistence=0.99)
    >>> X, H = model.sample(500, random_state=0)
    >>> mean, covariance = model.posterior(X)
    >>> covariance[250].round(2)  # without the other rows it would be 1 / (1 + 2)
    array([[0.05]])
    """

    persistence_: np.ndarray

    @classmethod
    def from_parameters(
        cls,
        W: ArrayLike,
        b: ArrayLike | float = 0.0,
        noise_variance: ArrayLike | float = 1.0,
        persistence: ArrayLike | float = 0.9,
    ) -> ProbabilisticSFA:
        """Build a model from known parameters, those of a fitted `SFA` for instance.

        Parameters
        ----------
        W : array_like of shape (n_features, n_components)
        b : float or array_like of shape (n_features,)
        noise_variance : float or array_like of shape (n_features,)
            Not negative.
        persistence : float or array_like of shape (n_components,)
            Between -1 and 1, both excluded.

        Returns
        -------
        ProbabilisticSFA
        """
        model = super().from_parameters(W, b, noise_variance)
        d = model.W_.shape[1]
        model.persistence_ = np.zeros(d) + check_scalar_or_vector(persistence, "persistence", d)
        if (np.abs(model.persistence_) >= 1).any():
            raise ValueError(
                f"persistence must lie between -1 and 1, both excluded, got {persistence!r}"
            )
        return model

    def _draw_factors(self, n_samples: int, d: int, rng: np.random.Generator) -> np.ndarray:
        H = rng.normal(size=(n_samples, d))
        H[1:] *= np.sqrt(1 - self.persistence_**2)
        columns = zip(H.T, self.persistence_, strict=True)
        return np.column_stack([signal.lfilter([1], [1, -lam], h) for h, lam in columns])

    def log_prior(self, H: ArrayLike) -> np.ndarray:
        r"""Log-density of each row of factors given the row before; their sum is that of all rows.

        Parameters
        ----------
        H : array_like of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.
        """
        H = self._check_factors(H)
        log_density = stats.norm.logpdf(H)
        sd = np.sqrt(1 - self.persistence_**2)
        log_density[1:] = stats.norm.logpdf(H[1:], self.persistence_ * H[:-1], sd)
        return log_density.sum(axis=1)

    def log_joint(self, X: ArrayLike, H: ArrayLike) -> np.ndarray:
        """Log-density of each row of data and factors given the factors one row before.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        H : array_like of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.
        """
        log_density = super().log_joint(X, H)
        if np.shape(X)[0] != np.shape(H)[0]:
            raise ValueError(
                f"X and H must have one row per time step, got shapes {np.shape(X)}, {np.shape(H)}"
            )
        return log_density

    def filter(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the factors given the data up to the same step (Kalman 1960).

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        mean : ndarray of shape (n_samples, n_components)
        covariance : ndarray of shape (n_samples, n_components, n_components)
        """
        _, _, mean, covariance, _ = self._filter(X)
        return mean, covariance

    def posterior(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the factors given the whole series (Rauch, Tung, Striebel 1965).

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        mean : ndarray of shape (n_samples, n_components)
        covariance : ndarray of shape (n_samples, n_components, n_components)
        """
        before, P_before, mean, P, _ = self._filter(X)
        for t in range(len(mean) - 2, -1, -1):
            back = np.linalg.solve(P_before[t + 1], self.persistence_[:, None] * P[t]).T
            mean[t] += back @ (mean[t + 1] - before[t + 1])
            P[t] += back @ (P[t + 1] - P_before[t + 1]) @ back.T
        return mean, P

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Log-likelihood of each row given all rows before it, of its observed entries.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats; their sum is the log-likelihood of the series.
        """
        return self._filter(X)[4]

    @property
    def n_parameters_(self) -> int:
        """Free parameters: the offset, the loadings, the noise and the persistences.

        Different persistences leave no rotation free.
        """
        self._check_fitted()
        D, d = self.W_.shape
        return D + D * d + np.size(self.noise_variance_) + d

    def _filter(self, X: ArrayLike) -> tuple[np.ndarray, ...]:
        r"""Kalman's filter: mean and covariance before and after each row, and its log-density.

        With the prediction :math:`\mathcal N(\mathbf m, P)` of a row's factors, and the row in
        units of its noise as in `LinearGaussianModel`, the precision
        :math:`J = W^\top \psi^{-1} W` of the row is added to that of the prediction.
        """
        Z, precision = self._standardise(X)
        T, d = len(Z), self.W_.shape[1]
        precision = np.broadcast_to(precision, Z.shape)
        lam = self.persistence_
        before, after = np.zeros((T, d)), np.zeros((T, d))
        P_before, P_after = np.zeros((T, d, d)), np.zeros((T, d, d))
        log_density = -0.5 * LOG_2_PI * (precision > 0).sum(axis=1)
        log_density += 0.5 * np.log(precision, where=precision > 0, out=np.zeros(Z.shape)).sum(
            axis=1
        )
        m, P = np.zeros(d), np.eye(d)
        for t in range(T):
            before[t], P_before[t] = m, P
            A = np.sqrt(precision[t])[:, None] * self.W_
            growth = np.eye(d) + P @ (A.T @ A)
            P = np.linalg.solve(growth, P)
            P_after[t] = (P + P.T) / 2
            after[t] = m + P_after[t] @ (A.T @ (Z[t] - A @ m))
            # The distance is a sum of squares: no cancellation where the noise is small.
            step = after[t] - m
            distance = ((Z[t] - A @ after[t]) ** 2).sum() + step @ np.linalg.solve(
                P_before[t], step
            )
            log_density[t] -= 0.5 * (np.linalg.slogdet(growth)[1] + distance)
            m = lam * after[t]
            P = lam[:, None] * P_after[t] * lam + np.diag(1 - lam**2)
        return before, P_before, after, P_after, log_density


@dataclass(frozen=True)
class Differences:
    r"""Sum of :math:`(\mathbf x_{t+1} - \mathbf x_t)(\mathbf x_{t+1} - \mathbf x_t)^\top`.

    Attributes
    ----------
    n : int
        Number of steps from one row to the next within a series.
    squares : ndarray of shape (n_features, n_features)
    ends : ndarray of shape (2, n_features)
        The first row and the last, between which and the rows of other blocks are steps, too.
    begins : bool
        Whether the first row begins a series.
    """

    n: int
    squares: np.ndarray
    ends: np.ndarray
    begins: bool

    @classmethod
    def of(cls, X: np.ndarray, *others: Any) -> Differences:
        """Differences within a block (n_samples, n_features), whose first rows come last."""
        first, within = others[-1], ~others[-1][1:]
        total = np.zeros((X.shape[1], X.shape[1]))
        for start in range(0, len(within), BATCH_SIZE):
            rows = X[start : start + BATCH_SIZE + 1].astype(float, copy=False)
            step = np.diff(rows, axis=0)
            if not within.all():
                step = step[within[start : start + BATCH_SIZE]]
            total += step.T @ step
        return cls(int(within.sum()), total, X[[0, -1]].astype(float), bool(first[0]))

    def __add__(self, other: Differences) -> Differences:
        """Differences within two blocks that follow each other, and between them."""
        n, squares = self.n + other.n, self.squares + other.squares
        if not other.begins:
            step = other.ends[0] - self.ends[1]
            n, squares = n + 1, squares + np.outer(step, step)
        return Differences(n, squares, np.stack([self.ends[0], other.ends[1]]), self.begins)


def mean_squared_difference(X: np.ndarray | Blocks, first: np.ndarray) -> np.ndarray:
    r"""Mean of :math:`(\mathbf x_{t+1} - \mathbf x_t)(\mathbf x_{t+1} - \mathbf x_t)^\top`.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), or Blocks of it
    first : ndarray of bool, shape (n_samples,)
        Whether a row begins a series; the mean is over the steps within a series.

    Returns
    -------
    ndarray of shape (n_features, n_features)
    """
    data = as_blocks(X)
    differences = data.total(Differences.of, data.split(first))
    return differences.squares / differences.n
