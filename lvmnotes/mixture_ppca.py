"""Mixtures of probabilistic PCA: several planes, each where the data are near it."""

from __future__ import annotations

import warnings
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.cluster import kmeans_plusplus
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state, check_scalar
from sklearn.utils.validation import check_is_fitted, validate_data

from .em import expectation_maximisation
from .linear_factor import principal
from .moments import Moments
from .ppca import PPCA, check_n_factors, check_spread, closed_form

#: Smallest noise variance of a component, as a part of the mean variance of a variable: a
#: component that shrinks onto a plane of its own few samples stops here.
NOISE_FLOOR = 1e-6


class MixturePPCA(DensityMixin, BaseEstimator):
    r"""Mixture of probabilistic PCA models by EM (Tipping and Bishop 1999, Neural Computation).

    .. math::

        p(\mathbf x) = \sum_{k=1}^K \pi_k\,
        \mathcal N(\mathbf x;\; \mathbf b_k,\; W_k W_k^\top + \sigma_k^2 I)

    The E-step finds the responsibilities; given them, the M-step is the closed form of PPCA for
    each component, from its weighted moments.

    Parameters
    ----------
    n_components : int, default 2
        Number K of components, as in other mixtures.
    n_factors : int, default 1
        Number d of factors of each component, between 1 and the number of variables less one.
    n_init : int, default 1
        Number of starts: k-means++ centres, each sample mostly to the nearest. The best end is
        kept.
    tol : float, default 1e-6
        What may be left to gain, in nats a sample.
    max_iter : int, default 1000
    random_state : None, int or numpy.random.RandomState

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
    models_ : list of PPCA
        One a component.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood a sample, in nats, at the start and after each iteration.
    n_iter_ : int
    bic_ : float
        Bayesian information criterion (Schwarz 1978), in nats times two; lower is better.
    """

    def __init__(
        self,
        n_components: int = 2,
        n_factors: int = 1,
        *,
        n_init: int = 1,
        tol: float = 1e-6,
        max_iter: int = 1000,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_factors = n_factors
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: ArrayLike, y=None) -> MixturePPCA:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        MixturePPCA
        """
        X = validate_data(self, X, dtype=float, ensure_min_samples=2)
        N, D = X.shape
        K, d = self.n_components, self.n_factors
        check_scalar(K, "n_components", Integral, min_val=1, max_val=N)
        check_scalar(self.n_init, "n_init", Integral, min_val=1)
        check_scalar(self.tol, "tol", Real, min_val=0)
        check_scalar(self.max_iter, "max_iter", Integral, min_val=1)
        check_n_factors(d, "n_factors", D)
        variance = X.var(axis=0)
        check_spread(variance.sum())
        floor = NOISE_FLOOR * variance.mean()
        rng = check_random_state(self.random_state)

        def m_step(R):
            return R.mean(axis=0), [_weighted_ppca(X, r, d, floor) for r in R.T]

        def step(parameters):
            log_joint = _log_joint(X, *parameters)
            log_density = logsumexp(log_joint, axis=1)
            return log_density.mean(), m_step(np.exp(log_joint - log_density[:, None]))

        fits = []
        for _ in range(self.n_init):
            centres, _ = kmeans_plusplus(X, K, random_state=rng)
            nearest = np.eye(K)[pairwise_distances_argmin(X, centres)]
            start = 0.99 * nearest + 0.01 / K  # no component without samples
            fits.append(
                expectation_maximisation(step, m_step(start), tol=self.tol, max_iter=self.max_iter)
            )
        best = max(fits, key=lambda fit: fit[1][-1])
        (self.weights_, self.models_), self.log_likelihood_trace_ = best
        self.n_iter_ = len(self.log_likelihood_trace_) - 1
        n_parameters = K - 1 + K * (D + D * d - d * (d - 1) // 2 + 1)
        self.bic_ = float(n_parameters * np.log(N) - 2 * N * self.log_likelihood_trace_[-1])
        shrunk = [k for k, model in enumerate(self.models_) if model.noise_variance_ <= floor]
        if shrunk:
            warnings.warn(
                f"component {', '.join(map(str, shrunk))}: the noise variance ran into its floor, "
                "so the likelihood is as high as the floor lets it be; fewer components or "
                "factors may do",
                UserWarning,
                stacklevel=2,
            )
        return self

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
        return logsumexp(self._checked_log_joint(X), axis=1)

    def score(self, X: ArrayLike, y=None) -> float:
        """Mean log-likelihood a sample, in nats.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        float
        """
        return float(self.score_samples(X).mean())

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Responsibilities: the probability of each component given the sample.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        log_joint = self._checked_log_joint(X)
        return np.exp(log_joint - logsumexp(log_joint, axis=1, keepdims=True))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Most probable component of each sample.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        return self._checked_log_joint(X).argmax(axis=1)

    def sample(self, n_samples: int = 1, random_state=None) -> tuple[np.ndarray, np.ndarray]:
        """Draw components, then data from them.

        Parameters
        ----------
        n_samples : int
        random_state : None, int or numpy.random.Generator

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        z : ndarray of int, shape (n_samples,)
            The component of each row.
        """
        check_is_fitted(self)
        check_scalar(n_samples, "n_samples", Integral, min_val=1)
        rng = np.random.default_rng(random_state)
        z = rng.choice(len(self.weights_), size=n_samples, p=self.weights_)
        X = np.empty((n_samples, self.n_features_in_))
        for k in np.unique(z):
            X[z == k] = self.models_[k].sample((z == k).sum(), rng)[0]
        return X, z

    def _checked_log_joint(self, X: ArrayLike) -> np.ndarray:
        check_is_fitted(self)
        return _log_joint(
            validate_data(self, X, dtype=float, reset=False), self.weights_, self.models_
        )


def _log_joint(X: np.ndarray, weights: np.ndarray, models: list[PPCA]) -> np.ndarray:
    """Log-density of each sample with each component, of shape (n_samples, n_components)."""
    densities = np.column_stack([model.score_samples(X) for model in models])
    return densities + np.log(weights)


def _weighted_ppca(X: np.ndarray, weight: np.ndarray, d: int, floor: float) -> PPCA:
    """PPCA of weighted samples."""
    moments = Moments.from_data(X, weight)
    S = moments.covariance
    W, noise, _ = closed_form(*principal(S, d), np.trace(S), floor)
    return PPCA.from_parameters(W, moments.mean, noise)
