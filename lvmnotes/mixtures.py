"""Mixtures: a hidden class, and a distribution of the data for each class."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from sklearn.utils import check_array

from .core.base import DensityModel
from .core.blocks import Blocks
from .core.classes import (
    ROUNDS,
    best_of_short_runs,
    k_means,
    log_weights,
    start_rows,
)
from .core.em import expectation_maximisation
from .core.gaussian_classes import em_step, log_densities, m_step, narrowest
from .core.local_scale import by_distance, is_dependent, local_covariance, whiten
from .core.moments import complete_moments, total_weight
from .core.validation import (
    check_covariance,
    check_integer,
    check_matrix,
    check_numeric,
    check_option,
    check_random_state,
    check_real,
    check_scale,
    check_vector,
    constant_columns,
    naming,
)
from .core.warn import warn


class FiniteMixture(DensityModel, ABC):
    r"""Base class of models with one hidden class z.

    .. math::

        p(\mathbf x) = \sum_{k=1}^K \pi_k\, p(\mathbf x \mid z = k), \qquad
        p(z = k \mid \mathbf x) = \frac{\pi_k\, p(\mathbf x \mid z = k)}{p(\mathbf x)} .

    A subclass provides ``_log_densities(X)``, the logarithms of
    :math:`p(\mathbf x_n \mid z = k)`, of shape (n_samples, n_components); ``_emit(z, rng)``, which
    draws a row of data for each class in z; and ``n_parameters_``.
    """

    _fitted_attribute = "weights_"

    @property
    @abstractmethod
    def n_parameters_(self) -> int:
        """Number of free parameters."""

    @abstractmethod
    def _log_densities(self, X: ArrayLike) -> np.ndarray:
        """Log-density of each sample given each class, of shape (n_samples, n_components)."""

    @abstractmethod
    def _emit(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a sample of each class in z."""

    def fit_predict(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None):
        """Fit, and return the most probable class of each sample.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        return self.fit(X, sample_weight=sample_weight).predict(X)

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        """Log-likelihood of each sample.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.
        """
        return special.logsumexp(self._log_joint(X), axis=1)

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Posterior probabilities of the classes: the responsibilities.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Each row sums to 1.
        """
        return special.softmax(check_possible(self._log_joint(X)), axis=1)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Most probable class of each sample.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        return check_possible(self._log_joint(X)).argmax(axis=1)

    def aic(self, X: ArrayLike) -> float:
        """Akaike's information criterion (1974) on data; lower is better.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        float
            In nats times two: twice the number of parameters, less twice the log-likelihood.
        """
        return float(2 * self.n_parameters_ - 2 * self.score_samples(X).sum())

    def bic(self, X: ArrayLike) -> float:
        """Bayesian information criterion (Schwarz 1978) on data; lower is better.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Rows without any observed entry do not count.

        Returns
        -------
        float
            In nats times two: the number of parameters times the log of the number of samples,
            less twice the log-likelihood.
        """
        log_likelihood = self.score_samples(X).sum()
        n_samples = n_observed(self._read(X, reset=False, ensure_all_finite=False))
        return float(self.n_parameters_ * np.log(n_samples) - 2 * log_likelihood)

    def sample(self, n_samples: int = 1, random_state=None) -> tuple[np.ndarray, np.ndarray]:
        """Draw a class, then data given the class.

        Parameters
        ----------
        n_samples : int
        random_state : None, int or numpy.random.Generator

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        z : ndarray of int, shape (n_samples,)
        """
        self._check_fitted()
        check_integer(n_samples, "n_samples", minimum=1)
        rng = check_random_state(random_state)
        z = rng.choice(len(self.weights_), size=n_samples, p=self.weights_)
        return self._emit(z, rng), z

    def _log_weights(self) -> np.ndarray:
        """Log-probability of each class; minus infinity for a class of weight zero."""
        return log_weights(self.weights_)

    def _log_joint(self, X: ArrayLike) -> np.ndarray:
        """Logarithms of pi_k p(x_n | z = k), of shape (n_samples, n_components)."""
        return self._log_densities(X) + self._log_weights()

    def _check_settings(self, n_samples: int) -> None:
        why = f"(n_samples={n_samples})"
        check_integer(self.n_components, "n_components", minimum=1, maximum=n_samples, why=why)
        check_integer(self.n_init, "n_init", minimum=1)
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)


def check_possible(log_joint: np.ndarray) -> np.ndarray:
    """Return log-densities, or say which sample has none in any class.

    Parameters
    ----------
    log_joint : ndarray of shape (n_samples, n_components)

    Returns
    -------
    ndarray of shape (n_samples, n_components)
    """
    nowhere = np.flatnonzero(log_joint.max(axis=1) == -np.inf)
    if nowhere.size:
        raise ValueError(
            f"X has samples that no class gives a positive density: row {nowhere[0]} is the first"
        )
    return log_joint


def check_weights(weights: ArrayLike) -> np.ndarray:
    """Return class probabilities as an array, or say what is wrong with them.

    Parameters
    ----------
    weights : array_like of shape (n_components,)
        A sum within 1e-6 of 1 is set to 1.

    Returns
    -------
    ndarray of shape (n_components,)
    """
    weights = check_vector(weights, "weights")
    if (weights < 0).any() or abs(weights.sum() - 1) > 1e-6:
        raise ValueError(
            f"weights must be a vector of probabilities that sum to 1, got {weights!r}"
        )
    return weights / weights.sum()


def n_observed(X: np.ndarray) -> int:
    """Count the rows with an entry that is not NaN."""
    return int((~np.isnan(X)).any(axis=1).sum())


class GaussianMixture(FiniteMixture):
    r"""Mixture of Gaussians by EM.

    .. math::

        z \sim \boldsymbol\pi, \qquad
        \mathbf x \mid z = k \sim \mathcal N(\boldsymbol\mu_k, \Sigma_k)

    The likelihood has no maximum: a class that closes in on one sample raises it without bound
    (Day 1969). So the fit maximises it under the constraint

    .. math::

        \Sigma_k \succeq \epsilon\, C_\text{local},

    with `covariance_floor` for :math:`\epsilon` and the covariance of the tightest
    :math:`1 / 2K` of the samples for :math:`C_\text{local}` (see
    `lvmnotes.core.local_scale.local_covariance`): a full matrix, its diagonal or the mean of that,
    by `covariance_type`. A change of units changes the floor with the data; a distance between
    classes or an outlier does not. The constraint stays the same during the climb, and the M-step
    maximises under it, so EM stays monotone.

    Parameters
    ----------
    n_components : int, default 1
        Number of classes K.
    covariance_type : {"full", "diag", "spherical"}, default "full"
        One covariance matrix per class, or one variance per class and feature, or one per class.
    covariance_floor : float, default 1e-6
        Smallest variance of a class in any direction, as a part of the local variance of the data
        in that direction; between 0 and 1. With 0 there remains what double precision needs.
    n_init : int, default 1
        Number of starts; the fit with the highest likelihood is kept. Each start is the best of
        six short runs of EM from k-means (Biernacki, Celeux and Govaert 2003), on a random part
        of the data where they are many.
    tol : float, default 1e-6
        Stop when the remaining gain, estimated from the last gains, is below this many nats per
        sample.
    max_iter : int, default 1000
    random_state : None, int or numpy.random.Generator
        Seed for the initial values.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Class probabilities in decreasing order; the likelihood does not determine the order.
    means_ : ndarray of shape (n_components, n_features)
    covariances_ : ndarray
        Of shape (n_components, n_features, n_features), (n_components, n_features) or
        (n_components,), by `covariance_type`.
    covariance_floor_ : ndarray of shape (n_features, n_features), (n_features,) or ()
        The bound :math:`\epsilon\, C_\text{local}`.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the start and after each iteration.
    n_iter_ : int
    n_samples_ : float
        Number of samples, or their total weight.
    aic_, bic_ : float
        Information criteria of Akaike (1974) and Schwarz (1978), in nats times two; lower is
        better.

    Warns
    -----
    UserWarning
        If a class ends on the covariance floor because it has shrunk onto a few samples.

    Examples
    --------
    >>> import numpy as np
    >>> from lvmnotes import GaussianMixture
    >>> truth = GaussianMixture.from_parameters([0.7, 0.3], [[0.0], [5.0]], [1.0, 1.0])
    >>> X, z = truth.sample(1000, random_state=0)
    >>> model = GaussianMixture(2, random_state=0).fit(X)
    >>> bool((model.predict(X) == z).mean() > 0.98)
    True
    """

    def __init__(
        self,
        n_components: int = 1,
        covariance_type: str = "full",
        *,
        covariance_floor: float = 1e-6,
        n_init: int = 1,
        tol: float = 1e-6,
        max_iter: int = 1000,
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.covariance_floor = covariance_floor
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @classmethod
    def from_parameters(
        cls, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike
    ) -> GaussianMixture:
        """Build a mixture from known parameters; the shape of `covariances` tells its type.

        Parameters
        ----------
        weights : array_like of shape (n_components,)
        means : array_like of shape (n_components, n_features)
        covariances : array_like
            Symmetric and positive definite, of shape (n_components, n_features, n_features); or
            positive, of shape (n_components, n_features) or (n_components,).

        Returns
        -------
        GaussianMixture
        """
        weights = check_weights(weights)
        means = check_matrix(means, "means")
        check_numeric(covariances, "covariances")
        with naming("covariances"):
            covariances = check_array(covariances, ensure_2d=False, allow_nd=True, dtype=float)
        K, D = means.shape
        types = {(K, D, D): "full", (K, D): "diag", (K,): "spherical"}
        if weights.shape != (K,) or covariances.shape not in types:
            raise ValueError(
                "weights, means and covariances must have shapes (K,), (K, D) and one of "
                f"(K, D, D), (K, D), (K,); got {weights.shape}, {means.shape} and "
                f"{covariances.shape}"
            )
        spectrum = np.linalg.eigvalsh(covariances) if covariances.ndim == 3 else covariances
        if not (spectrum > 0).all():
            raise ValueError("covariances must be positive definite (variances positive)")
        if covariances.ndim == 3:
            covariances = np.array([check_covariance(C, "covariances") for C in covariances])
        model = cls(K, types[covariances.shape])
        model.weights_, model.means_, model.covariances_ = weights, means, covariances
        model._set_n_features(D)
        return model

    def fit(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None) -> GaussianMixture:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            A dask array, a memory-mapped file and an iterable of arrays are read block by block.
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            How often each sample counts; not negative. In blocks if `X` is.

        Returns
        -------
        GaussianMixture
        """
        data = self._read_blocks(
            X, sample_weight, dtype=(np.float64, np.float32), ensure_min_samples=2
        )
        K, kind = self.n_components, self.covariance_type
        check_scale(data)
        self._check_settings(data.n_rows)
        check_option(kind, "covariance_type", ("full", "diag", "spherical"))
        check_real(self.covariance_floor, "covariance_floor", minimum=0, maximum=1)
        rng = check_random_state(self.random_state)

        rows, row_weight = start_rows(data, K, rng)
        local = local_covariance(rows, row_weight, 1 / (2 * K), kind)
        if local is None:
            local = _total_covariance(data, kind)
        floor = max(self.covariance_floor, np.finfo(float).eps) * local
        order, metric = by_distance(rows, row_weight, local)
        rows, row_weight = rows[order], row_weight[order]
        step = partial(em_step, X=data, floor=floor)
        short_step = partial(em_step, X=rows, floor=floor, sample_weight=row_weight)

        def start(previous: tuple | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            first = metric if previous is None else _pooled(previous)
            return k_means_start(rows, row_weight, first, floor, K, rng)

        starts = (best_of_short_runs(short_step, start) for _ in range(self.n_init))
        (weights, means, covariances), trace = expectation_maximisation(
            step, *starts, tol=self.tol, max_iter=self.max_iter
        )

        order = np.argsort(-weights, kind="stable")
        self.weights_, self.means_ = weights[order], means[order]
        self.covariances_, self.covariance_floor_ = covariances[order], floor
        self._set_trace(trace, data.total(total_weight), self.n_parameters_)
        if (narrowest(covariances, floor)[weights > 0] <= 1.001).any():
            warn(
                "a class has shrunk onto a few samples and ends on the covariance floor, so its "
                "likelihood depends on the floor; use fewer classes, a simpler covariance_type or "
                "a larger covariance_floor",
            )
        return self

    @property
    def n_parameters_(self) -> int:
        """Number of free parameters: K - 1 weights, K means and K covariances."""
        self._check_fitted()
        K, D = self.means_.shape
        per_class = {3: D * (D + 1) // 2, 2: D, 1: 1}[self.covariances_.ndim]
        return K - 1 + K * (D + per_class)

    def _log_densities(self, X: ArrayLike) -> np.ndarray:
        self._check_fitted()
        X = self._read(X, reset=False, dtype=(np.float64, np.float32))
        return log_densities(X, self.means_, self.covariances_)

    def _emit(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        X = rng.normal(size=(len(z), self.means_.shape[1]))
        for k, C in enumerate(self.covariances_):
            noise = X[z == k]
            root = np.linalg.cholesky(C).T if C.ndim == 2 else np.sqrt(C)
            X[z == k] = self.means_[k] + (noise @ root if C.ndim == 2 else noise * root)
        return X


def k_means_start(
    rows: np.ndarray,
    weight: np.ndarray,
    metric: np.ndarray,
    floor: np.ndarray,
    n_components: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Parameters of the classes of k-means, a few rounds in the metric of the classes before.

    That metric is the covariance within classes, pooled, so that the classes do not depend on the
    units, nor for full covariances on any other linear map of the data. With each round the
    determinant of the pooled covariance tends to fall (Friedman and Rubin 1967).

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
    weight : ndarray of shape (n_samples,)
    metric : ndarray of shape (n_features, n_features), (n_features,) or ()
        Metric of the first round.
    floor : ndarray of the same shape
        Smallest covariance of a class.
    n_components : int
    rng : numpy.random.Generator

    Returns
    -------
    weights, means, covariances : ndarray
    """
    for _ in range(ROUNDS):
        Z = whiten(rows, metric)
        moments = k_means(Z, rows, weight, n_components, rng, diagonal=floor.ndim < 2)
        parameters = m_step(moments, floor)
        metric = _pooled(parameters)
    return parameters


def _pooled(parameters: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Covariance within classes, averaged over the classes."""
    weights, _, covariances = parameters
    return np.asarray(np.tensordot(weights, covariances, axes=1))


def _total_covariance(data: Blocks, kind: str) -> np.ndarray:
    """Covariance of all data, of the given kind; an error if it leaves a direction out."""
    moments = complete_moments(data)
    variance = np.diag(moments.covariance)
    constant = constant_columns(moments.mean, variance)
    if constant.size and (kind != "spherical" or constant.size == len(variance)):
        raise ValueError(
            "a Gaussian mixture needs variables that vary; drop the columns of X without two "
            f"different values: {', '.join(map(str, constant))}"
        )
    if kind == "spherical":
        return np.asarray(variance.mean())
    deviation = np.sqrt(variance)
    if kind == "full" and is_dependent(moments.covariance / np.outer(deviation, deviation)):
        raise ValueError(
            "the columns of X are linearly dependent, so no full covariance has a density; drop "
            "some, reduce X to fewer dimensions, or use covariance_type='diag'"
        )
    return moments.covariance if kind == "full" else variance
