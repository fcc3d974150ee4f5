"""Mixtures of probabilistic PCA: several planes, each for the data near it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .core.blocks import Blocks
from .core.classes import best_of_short_runs, e_step, k_means, start_rows
from .core.em import expectation_maximisation
from .core.loadings import leading_eigenpairs, orient
from .core.local_scale import local_covariance
from .core.moments import TINY, ClassMoments, complete_moments, total_weight
from .core.validation import check_random_state, check_real, check_scale, naming
from .core.warn import warn
from .linear_factor import LOG_2_PI
from .mixtures import FiniteMixture, check_weights
from .ppca import PPCA, check_n_factors, check_spread, closed_form

Parameters = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class MixturePPCA(FiniteMixture):
    r"""Mixture of probabilistic PCA models by EM (Tipping and Bishop 1999, Neural Computation).

    .. math::

        p(\mathbf x) = \sum_{k=1}^K \pi_k\,
        \mathcal N(\mathbf x;\; \mathbf b_k,\; W_k W_k^\top + \sigma_k^2 I)

    The E-step finds the responsibilities; given them, the M-step is the closed form of PPCA for
    each component, from its weighted moments. As in `GaussianMixture`, the likelihood has no
    maximum without a constraint, here

    .. math::

        \sigma_k^2 \ge \epsilon\, \tfrac1D \operatorname{tr} C_\text{local},

    with `covariance_floor` for :math:`\epsilon` and the covariance of the tightest
    :math:`1 / 2K` of the samples for :math:`C_\text{local}`.

    Parameters
    ----------
    n_components : int, default 2
        Number K of components, as in other mixtures.
    n_factors : int, default 1
        Number d of factors of each component, between 1 and the number of variables minus one.
    covariance_floor : float, default 1e-6
        Smallest noise variance of a component, as a part of the local variance of a variable;
        between 0 and 1. With 0 there remains what double precision needs.
    n_init : int, default 1
        Number of starts; the fit with the highest likelihood is kept. Each start is the best of
        six short runs of EM from k-means, on a random part of the data where they are many.
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
    models_ : list of PPCA
        One model per component.
    covariance_floor_ : float
        The smallest noise variance that was allowed.
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
        If the noise variance of a component ends on the floor.

    Examples
    --------
    Two parallel lines in the plane:

    >>> import numpy as np
    >>> from lvmnotes import PPCA, MixturePPCA
    >>> lines = [PPCA.from_parameters([[2.0], [1.0]], [0, b], 0.01) for b in (0, 3)]
    >>> X, z = MixturePPCA.from_parameters([0.7, 0.3], lines).sample(1000, random_state=0)
    >>> model = MixturePPCA(2, 1, random_state=0).fit(X)
    >>> bool((model.predict(X) == z).mean() > 0.99)
    True
    >>> round(model.models_[0].W_[0, 0] / model.models_[0].W_[1, 0], 1)  # the slope, 2 to 1
    np.float64(2.0)
    """

    def __init__(
        self,
        n_components: int = 2,
        n_factors: int = 1,
        *,
        covariance_floor: float = 1e-6,
        n_init: int = 1,
        tol: float = 1e-6,
        max_iter: int = 1000,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_factors = n_factors
        self.covariance_floor = covariance_floor
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
        with naming("models"):
            models = list(models)
            for model in models:
                if not isinstance(model, PPCA):
                    raise TypeError(f"models must hold PPCA models, got {model!r}")
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
        mixture.weights_, mixture.models_ = weights, models
        mixture._set_n_features(D)
        return mixture

    def fit(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None) -> MixturePPCA:
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
        MixturePPCA
        """
        data = self._read_blocks(
            X, sample_weight, dtype=(np.float64, np.float32), ensure_min_samples=2
        )
        K, d, D = self.n_components, self.n_factors, self.n_features_in_
        check_scale(data)
        self._check_settings(data.n_rows)
        check_n_factors(d, "n_factors", D)
        check_real(self.covariance_floor, "covariance_floor", minimum=0, maximum=1)
        rng = check_random_state(self.random_state)

        rows, row_weight = start_rows(data, K, rng)
        local = local_covariance(rows, row_weight, 1 / (2 * K), "spherical")
        if local is None:
            moments = complete_moments(data)
            total = np.trace(moments.covariance)
            check_spread(moments.mean, total)
            local = total / D
        floor = float(max(self.covariance_floor, np.finfo(float).eps) * local)
        step = partial(em_step, X=data, floor=floor)
        short_step = partial(em_step, X=rows, floor=floor, sample_weight=row_weight)

        def start(previous: Parameters | None) -> Parameters:
            return m_step(k_means(rows, rows, row_weight, K, rng), d, floor)

        starts = (best_of_short_runs(short_step, start) for _ in range(self.n_init))
        (weights, b, W, noise_variance), trace = expectation_maximisation(
            step, *starts, tol=self.tol, max_iter=self.max_iter
        )

        order = np.argsort(-weights, kind="stable")
        self.weights_, self.covariance_floor_ = weights[order], float(floor)
        self.models_ = [PPCA.from_parameters(orient(W[k]), b[k], noise_variance[k]) for k in order]
        self._set_trace(trace, data.total(total_weight), self.n_parameters_)
        on_floor = (weights[order] > 0) & (noise_variance[order] <= 1.001 * floor)
        if on_floor.any():
            warn(
                f"component {', '.join(map(str, np.flatnonzero(on_floor)))}: the noise variance "
                "ran into its floor, so the likelihood depends on the floor; fewer components or "
                "factors may do",
            )
        return self

    @property
    def n_parameters_(self) -> int:
        """Number of free parameters: K - 1 weights, and those of the K models."""
        self._check_fitted()
        return len(self.weights_) - 1 + sum(model.n_parameters_ for model in self.models_)

    def _log_densities(self, X: ArrayLike) -> np.ndarray:
        self._check_fitted()
        X = self._read(X, reset=False)
        return np.column_stack([model.score_samples(X) for model in self.models_])

    def _emit(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        X = np.empty((len(z), self.n_features_in_))
        for k in np.unique(z):
            X[z == k] = self.models_[k].sample((z == k).sum(), rng)[0]
        return X


def em_step(
    parameters: Parameters,
    X: np.ndarray | Blocks,
    floor: float,
    *,
    sample_weight: np.ndarray | None = None,
) -> tuple[float, Parameters]:
    r"""One EM iteration.

    The E-step takes a slice of data to the deviations
    :math:`\mathbf y_{kn} = \mathbf x_n - \mathbf b_k` from each component. With the posterior mean
    :math:`\mathbf m_{kn} = M_k^{-1} W_k^\top \mathbf y_{kn} / \sigma_k^2` of the factors and
    :math:`M_k = I + W_k^\top W_k / \sigma_k^2`, the density is

    .. math::

        \log p(\mathbf x_n \mid k) = -\tfrac12 \Bigl( D \log 2\pi\sigma_k^2 + \log\lvert M_k\rvert
        + \lVert \mathbf y_{kn} - W_k \mathbf m_{kn} \rVert^2 / \sigma_k^2
        + \lVert \mathbf m_{kn} \rVert^2 \Bigr) .

    Parameters
    ----------
    parameters : tuple of ndarray
        Weights (n_components,), offsets b (n_components, n_features), loadings W
        (n_components, n_features, n_factors) and noise variances (n_components,).
    X : ndarray of shape (n_samples, n_features), or Blocks of that and of weights
    floor : float
        Smallest noise variance.
    sample_weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample at the parameters given, in nats.
    parameters : tuple of ndarray
        The parameters after the step.
    """
    weights, b, W, noise_variance = parameters
    D, d = W.shape[1:]
    scaled = W.transpose(0, 2, 1) / noise_variance[:, None, None]
    M = np.eye(d) + scaled @ W
    G = np.linalg.solve(M, scaled)
    log_volume = D * (LOG_2_PI + np.log(noise_variance)) + np.linalg.slogdet(M)[1]

    def deviations(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        Y = X.T - b[:, :, None]
        H = G @ Y
        residual = Y - W @ H
        distance = np.einsum("kdn,kdn->kn", residual, residual) / noise_variance[:, None]
        distance += np.einsum("kdn,kdn->kn", H, H)
        return Y, -0.5 * (log_volume[:, None] + distance)

    log_likelihood, moments = e_step(deviations, ClassMoments.from_block, weights, X, sample_weight)
    return log_likelihood, m_step(moments.mapped(b), d, floor)


def m_step(moments: ClassMoments, n_factors: int, floor: float) -> Parameters:
    """Parameters of highest likelihood with noise above the floor: PPCA's closed form per class.

    Parameters
    ----------
    moments : ClassMoments
    n_factors : int
    floor : float

    Returns
    -------
    weights : ndarray of shape (n_components,)
    b : ndarray of shape (n_components, n_features)
    W : ndarray of shape (n_components, n_features, n_factors)
    noise_variance : ndarray of shape (n_components,)
    """
    parts = []
    for n, scatter in zip(moments.n, moments.scatter, strict=True):
        S = scatter / max(n, TINY)
        parts.append(closed_form(*leading_eigenpairs(S, n_factors), np.trace(S), floor)[:2])
    W, noise_variance = map(np.array, zip(*parts, strict=True))
    return moments.n / moments.n.sum(), moments.mean, W, noise_variance
