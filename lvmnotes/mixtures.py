"""Mixtures: a hidden class, and a distribution of the data for each class."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, special
from sklearn.cluster import KMeans
from sklearn.utils import check_array, check_random_state, gen_batches
from sklearn.utils.validation import validate_data

from .core.base import DensityModel
from .core.em import Parameters, expectation_maximisation
from .core.moments import Moments, moments_if_complete
from .core.validation import check_integer, check_real
from .core.warn import warn
from .linear_factor import LOG_2_PI

#: Number of columns of quadratic features held at a time: enough for a fast matrix product, few
#: enough to stay in the cache.
BATCH_SIZE = 1024


class FiniteMixture(DensityModel):
    r"""Base class of models with one hidden class z.

    .. math::

        p(\mathbf x) = \sum_{k=1}^K \pi_k\, p(\mathbf x \mid z = k), \qquad
        p(z = k \mid \mathbf x) = \frac{\pi_k\, p(\mathbf x \mid z = k)}{p(\mathbf x)} .

    A subclass provides ``_log_joint(X)``, the logarithms of
    :math:`\pi_k\, p(\mathbf x_n \mid z = k)` with shape (n_samples, n_components), and
    ``_emit(z, rng)``, which draws a row of data for each class in z.
    """

    _fitted_attribute = "weights_"

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
        return special.softmax(self._log_joint(X), axis=1)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Most probable class of each sample.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of int, shape (n_samples,)
        """
        return self._log_joint(X).argmax(axis=1)

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
        rng = np.random.default_rng(random_state)
        z = rng.choice(len(self.weights_), size=n_samples, p=self.weights_)
        return self._emit(z, rng), z

    def _check_parameters(self, n_samples: int) -> None:
        check_integer(self.n_components, "n_components")
        check_integer(self.n_init, "n_init", minimum=1)
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        if not 1 <= self.n_components <= n_samples:
            raise ValueError(
                "n_components must be between 1 and the number of samples "
                f"(n_samples={n_samples}), got {self.n_components}"
            )

    def _climb(
        self, step: Callable[[Parameters], tuple[float, Parameters]], starts: Iterable[Parameters]
    ) -> tuple[Parameters, np.ndarray]:
        """Run EM from every start; return the parameters and the trace of the best fit."""
        fits = (
            expectation_maximisation(step, start, tol=self.tol, max_iter=self.max_iter)
            for start in starts
        )
        return max(fits, key=lambda fit: fit[1][-1])


def check_weights(weights: ArrayLike) -> np.ndarray:
    """Return class probabilities as an array, or say what is wrong with them.

    Parameters
    ----------
    weights : array_like of shape (n_components,)

    Returns
    -------
    ndarray of shape (n_components,)
    """
    weights = check_array(weights, ensure_2d=False, dtype=float, input_name="weights")
    if weights.ndim != 1 or (weights < 0).any() or not np.isclose(weights.sum(), 1):
        raise ValueError(
            f"weights must be a vector of probabilities that sum to 1, got {weights!r}"
        )
    return weights


class GaussianMixture(FiniteMixture):
    r"""Mixture of Gaussians by EM.

    .. math::

        z \sim \boldsymbol\pi, \qquad
        \mathbf x \mid z = k \sim \mathcal N(\boldsymbol\mu_k, \Sigma_k)

    The log of :math:`\pi_k\, p(\mathbf x \mid z = k)` is linear in the products
    :math:`x_i x_j`, the :math:`x_i` and 1, and the M-step needs the responsibility-weighted sums
    of the same features. So both steps are one matrix product each, on data first brought to zero
    mean and unit covariance, where no digits cancel.

    Parameters
    ----------
    n_components : int, default 1
        Number of classes K.
    covariance_type : {"full", "diag", "spherical"}, default "full"
        One covariance matrix per class, or one variance per class and feature, or one variance
        per class.
    covariance_floor : float, default 1e-6
        No class has less than this part of the variance of all data, in any direction (for
        ``"diag"``: of any feature; for ``"spherical"``: on average). The M-step maximises under
        that constraint, so EM stays monotone. Without a floor the likelihood has no maximum.
    n_init : int, default 1
        Number of starts; the fit with the highest likelihood is kept.
    tol : float, default 1e-6
        Stop when the remaining gain, estimated from the last gains, is below this many nats per
        sample.
    max_iter : int, default 1000
    random_state : None, int or numpy.random.RandomState
        Seed for the initial values: k-means from a k-means++ seeding (Arthur and Vassilvitskii
        2007).

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Class probabilities in decreasing order; the likelihood does not determine the order.
    means_ : ndarray of shape (n_components, n_features)
    covariances_ : ndarray
        Of shape (n_components, n_features, n_features), (n_components, n_features) or
        (n_components,), by `covariance_type`.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the start and after each iteration.
    n_iter_ : int
    n_samples_ : int
    bic_ : float
        Bayesian information criterion (Schwarz 1978), in nats times two; lower is better.

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
            Positive definite, of shape (n_components, n_features, n_features); or positive, of
            shape (n_components, n_features) or (n_components,).

        Returns
        -------
        GaussianMixture
        """
        weights = check_weights(weights)
        means = check_array(means, dtype=float, input_name="means")
        covariances = np.asarray(covariances, dtype=float)
        K, D = means.shape
        types = {(K, D, D): "full", (K, D): "diag", (K,): "spherical"}
        if weights.shape != (K,) or covariances.shape not in types:
            raise ValueError(
                "weights, means and covariances must have shapes (K,), (K, D) and one of "
                f"(K, D, D), (K, D), (K,); got {weights.shape}, {means.shape} and "
                f"{covariances.shape}"
            )
        model = cls(K, types[covariances.shape])
        spectrum = np.linalg.eigvalsh(covariances) if covariances.ndim == 3 else covariances
        if not (spectrum > 0).all():
            raise ValueError("covariances must be positive definite (variances positive)")
        model.weights_, model.means_, model.covariances_ = weights, means, covariances
        model.n_features_in_ = D
        return model

    def fit(self, X: ArrayLike, y=None) -> GaussianMixture:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        GaussianMixture
        """
        X = validate_data(self, X, dtype=(np.float64, np.float32), ensure_min_samples=2)
        N, D = X.shape
        K, kind, floor = self.n_components, self.covariance_type, self.covariance_floor
        self._check_parameters(N)
        if kind not in ("full", "diag", "spherical"):
            raise ValueError(f"covariance_type must be 'full', 'diag' or 'spherical', got {kind!r}")
        check_real(floor, "covariance_floor", minimum=0)

        moments = moments_if_complete(X)
        scale = _scale(moments, kind)
        Z = np.linalg.inv(scale) @ (X - moments.mean).T
        random_state = check_random_state(self.random_state)
        (weights, means, covariances), trace = self._climb(
            lambda parameters: _em_step(parameters, Z, kind, floor),
            (_start(Z, K, kind, floor, random_state) for _ in range(self.n_init)),
        )

        spectrum = np.linalg.eigvalsh(covariances) if kind == "full" else covariances
        order = np.argsort(-weights, kind="stable")
        self.weights_ = weights[order]
        self.means_ = moments.mean + means[order] @ scale.T
        if kind == "full":
            self.covariances_ = scale @ covariances[order] @ scale.T
        else:
            self.covariances_ = covariances[order] * np.diag(scale)[: covariances[0].size] ** 2
        per_class = {"full": D * (D + 1) // 2, "diag": D, "spherical": 1}[kind]
        log_volume = np.log(np.diag(scale)).sum()
        self._set_trace(trace - log_volume, N, K - 1 + K * (D + per_class))
        if (spectrum <= 1.001 * floor).any():
            warn(
                "a class has shrunk onto a few samples and ends on the covariance floor, so its "
                "likelihood depends on the floor; use fewer classes, a simpler covariance_type or "
                "a larger covariance_floor",
            )
        return self

    def _log_joint(self, X: ArrayLike) -> np.ndarray:
        """Evaluate directly, class by class, also for samples that were not used in a fit."""
        self._check_fitted()
        X = validate_data(self, X, dtype=float, reset=False)
        log_joint = np.empty((len(X), len(self.weights_)))
        for k, factor in enumerate(self._factors()):
            deviation = (X - self.means_[k]).T
            if factor.ndim == 2:
                deviation = linalg.solve_triangular(factor, deviation, lower=True)
                log_volume = np.log(np.diag(factor)).sum()
            else:
                deviation /= factor[:, None]
                log_volume = np.log(factor).sum()
            log_joint[:, k] = -0.5 * (deviation**2).sum(axis=0) - log_volume
        with np.errstate(divide="ignore"):  # a class of weight zero
            return log_joint + np.log(self.weights_) - 0.5 * X.shape[1] * LOG_2_PI

    def _emit(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        X = rng.normal(size=(len(z), self.means_.shape[1]))
        for k, factor in enumerate(self._factors()):
            noise = X[z == k]
            X[z == k] = self.means_[k] + (noise @ factor.T if factor.ndim == 2 else noise * factor)
        return X

    def _factors(self) -> np.ndarray:
        """Cholesky factors (K, D, D), or standard deviations (K, D)."""
        if self.covariances_.ndim == 3:
            return np.linalg.cholesky(self.covariances_)
        return np.sqrt(self.covariances_.reshape(len(self.means_), -1) + 0 * self.means_)


def _scale(moments: Moments, kind: str) -> np.ndarray:
    """Lower triangular matrix (D, D) that takes standard coordinates to the data's."""
    variance = np.diag(moments.covariance)
    # Round-off leaves a constant column a variance of about (1e-16 mean)^2.
    constant = ~(variance > (1e-12 * moments.mean) ** 2)
    if kind == "spherical" and not constant.all():
        return np.sqrt(variance.mean()) * np.eye(len(variance))
    if constant.any():
        raise ValueError(
            "a Gaussian mixture needs variables that vary; drop the columns of X without two "
            f"different values: {', '.join(map(str, np.flatnonzero(constant)))}"
        )
    deviation = np.sqrt(variance)
    if kind == "diag":
        return np.diag(deviation)
    correlation = moments.covariance / np.outer(deviation, deviation)
    if np.linalg.eigvalsh(correlation)[0] < 1e-12:
        raise ValueError(
            "the columns of X are linearly dependent, so no full covariance has a density; drop "
            "some, reduce X to fewer dimensions, or use covariance_type='diag'"
        )
    return deviation[:, None] * np.linalg.cholesky(correlation)


def _start(Z, K, kind, floor, random_state):
    """Parameters after an M-step from the classes of k-means."""
    labels = KMeans(K, n_init=1, random_state=random_state).fit(Z.T).labels_
    sums = sum(
        np.equal.outer(np.arange(K), labels[rows]) @ _features(Z[:, rows], kind).T
        for rows in gen_batches(Z.shape[1], BATCH_SIZE)
    )
    return _m_step(sums, len(Z), kind, floor)


def _em_step(parameters, Z, kind, floor):
    r"""One EM iteration; both steps are matrix products with the quadratic features.

    Parameters
    ----------
    parameters : tuple of ndarray
        Weights (K,), means (K, D), covariances.
    Z : ndarray of shape (n_features, n_samples)
        Data in standard coordinates.
    kind : str
    floor : float

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample at the parameters given, in nats.
    parameters : tuple of ndarray
        The parameters after the step.
    """
    coefficients = _coefficients(*parameters, kind)
    log_likelihood, sums = 0.0, np.zeros_like(coefficients)
    for rows in gen_batches(Z.shape[1], BATCH_SIZE):
        features = _features(Z[:, rows], kind)
        R = coefficients @ features
        top = R.max(axis=0)
        np.exp(np.subtract(R, top, out=R), out=R)
        total = R.sum(axis=0)
        R /= total
        log_likelihood += (top + np.log(total)).sum()
        sums += R @ features.T
    return log_likelihood / Z.shape[1], _m_step(sums, len(Z), kind, floor)


def _features(Z: np.ndarray, kind: str) -> np.ndarray:
    """Squares (and for a full covariance products), values and 1, stacked (n_terms, n_samples)."""
    if kind == "full":
        quadratic = [Z[i] * Z[i:] for i in range(len(Z))]
    else:
        quadratic = [Z**2 if kind == "diag" else (Z**2).sum(axis=0, keepdims=True)]
    return np.concatenate([*quadratic, Z, np.ones((1, Z.shape[1]))])


def _coefficients(weights, means, covariances, kind):
    """Coefficients (K, n_terms) of log pi_k p(x | z = k) in the features."""
    K, D = means.shape
    if kind == "full":
        precision = np.linalg.inv(covariances)
        linear = (precision @ means[:, :, None])[:, :, 0]
        row, column = np.triu_indices(D)
        quadratic = np.where(row == column, -0.5, -1.0) * precision[:, row, column]
        log_determinant = np.linalg.slogdet(covariances)[1]
    else:
        variance = covariances.reshape(K, -1)
        linear = means / variance
        quadratic = -0.5 / variance
        log_determinant = (np.log(variance) + np.zeros((K, D))).sum(axis=1)
    with np.errstate(divide="ignore"):  # a class that has lost all samples
        constant = np.log(weights) - 0.5 * (
            D * LOG_2_PI + log_determinant + (means * linear).sum(axis=1)
        )
    return np.column_stack([quadratic, linear, constant])


def _m_step(sums: np.ndarray, D: int, kind: str, floor: float):
    """Parameters of highest bound above the floor, from responsibility-weighted sums (K, F)."""
    count = sums[:, -1:]
    averages = sums[:, :-1] / np.maximum(count, np.finfo(float).tiny)
    quadratic, means = averages[:, :-D], averages[:, -D:]
    weights = count[:, 0] / count.sum()
    if kind == "full":
        row, column = np.triu_indices(D)
        covariances = np.empty((len(means), D, D))
        covariances[:, row, column] = covariances[:, column, row] = quadratic
        covariances -= means[:, :, None] * means[:, None, :]
        # Raising the eigenvalues below the floor to it maximises the bound under the constraint.
        spectrum, V = np.linalg.eigh(covariances)
        covariances = (V * np.maximum(spectrum, floor)[:, None, :]) @ V.transpose(0, 2, 1)
    elif kind == "diag":
        covariances = np.maximum(quadratic - means**2, floor)
    else:
        covariances = np.maximum((quadratic[:, 0] - (means**2).sum(axis=1)) / D, floor)
    return weights, means, covariances
