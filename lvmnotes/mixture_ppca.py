"""Mixtures of probabilistic PCA: several planes, each for the data near it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp
from sklearn.cluster import kmeans_plusplus
from sklearn.metrics import pairwise_distances_argmin
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from .core.loadings import leading_eigenpairs
from .core.moments import Moments
from .core.warn import warn
from .mixtures import FiniteMixture, check_weights
from .ppca import PPCA, check_n_factors, check_spread, closed_form

#: Smallest noise variance of a component, as a part of the mean variance of a variable: a
#: component that shrinks onto a plane of its own few samples stops here.
NOISE_FLOOR = 1e-6


class MixturePPCA(FiniteMixture):
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
        Number d of factors of each component, between 1 and the number of variables minus one.
    n_init : int, default 1
        Number of starts: k-means++ centres, each sample mostly to the nearest. The best end is
        kept.
    tol : float, default 1e-6
        Stop when the estimated remaining gain is below this many nats per sample.
    max_iter : int, default 1000
    random_state : None, int or numpy.random.RandomState

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
    models_ : list of PPCA
        One model per component.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the start and after each iteration.
    n_iter_ : int
    n_samples_ : int
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

    @classmethod
    def from_parameters(cls, weights: ArrayLike, models: Sequence[PPCA]) -> MixturePPCA:
        """Build a mixture from known parts.

        Parameters
        ----------
        weights : array_like of shape (n_components,)
        models : sequence of PPCA
            With parameters, all with the same number of variables and of factors.

        Returns
        -------
        MixturePPCA
        """
        weights = check_weights(weights)
        for model in models:
            model._check_fitted()
        shapes = {model.W_.shape for model in models}
        if len(models) != len(weights) or len(shapes) > 1:
            raise ValueError(
                f"models must hold a PPCA of the same shape for each of the {len(weights)} "
                f"weights, got {len(models)} with loadings of shape "
                f"{' and '.join(map(str, sorted(shapes)))}"
            )
        D, d = shapes.pop()
        mixture = cls(len(weights), d)
        mixture.weights_, mixture.models_ = weights, list(models)
        mixture.n_features_in_ = D
        return mixture

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
        self._check_parameters(N)
        check_n_factors(d, "n_factors", D)
        variance = X.var(axis=0)
        check_spread(X.mean(axis=0), variance.sum())
        floor = NOISE_FLOOR * variance.mean()
        random_state = check_random_state(self.random_state)

        def m_step(R):
            return R.mean(axis=0), [_weighted_ppca(X, r, d, floor) for r in R.T]

        def step(parameters):
            log_joint = _log_joint(X, *parameters)
            log_density = logsumexp(log_joint, axis=1)
            return log_density.mean(), m_step(np.exp(log_joint - log_density[:, None]))

        starts = (m_step(_start(X, K, random_state)) for _ in range(self.n_init))
        (self.weights_, self.models_), trace = self._climb(step, starts)
        n_parameters = K - 1 + sum(model.n_parameters_ for model in self.models_)
        self._set_trace(trace, N, n_parameters)
        shrunk = [k for k, model in enumerate(self.models_) if model.noise_variance_ <= floor]
        if shrunk:
            warn(
                f"component {', '.join(map(str, shrunk))}: the noise variance ran into its floor, "
                "so the likelihood depends on the floor; fewer components or "
                "factors may do",
            )
        return self

    def _log_joint(self, X: ArrayLike) -> np.ndarray:
        self._check_fitted()
        X = validate_data(self, X, dtype=float, reset=False)
        return _log_joint(X, self.weights_, self.models_)

    def _emit(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        X = np.empty((len(z), self.n_features_in_))
        for k in np.unique(z):
            X[z == k] = self.models_[k].sample((z == k).sum(), rng)[0]
        return X


def _start(X: np.ndarray, K: int, random_state: np.random.RandomState) -> np.ndarray:
    """Responsibilities (n_samples, K): each sample mostly to the nearest k-means++ centre."""
    centres, _ = kmeans_plusplus(X, K, random_state=random_state)
    nearest = np.eye(K)[pairwise_distances_argmin(X, centres)]
    return 0.99 * nearest + 0.01 / K  # no component without samples


def _log_joint(X: np.ndarray, weights: np.ndarray, models: list[PPCA]) -> np.ndarray:
    """Log-density of each sample with each component, of shape (n_samples, n_components)."""
    densities = np.column_stack([model.score_samples(X) for model in models])
    with np.errstate(divide="ignore"):  # a component of weight zero
        return densities + np.log(weights)


def _weighted_ppca(X: np.ndarray, weight: np.ndarray, d: int, floor: float) -> PPCA:
    """PPCA of weighted samples."""
    moments = Moments.from_data(X, weight)
    S = moments.covariance
    W, noise, _ = closed_form(*leading_eigenpairs(S, d), np.trace(S), floor)
    return PPCA.from_parameters(W, moments.mean, noise)
