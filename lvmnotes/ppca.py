"""Probabilistic PCA: factor analysis with one noise variance for all variables."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from .core.em import expectation_maximisation
from .core.loadings import canonical_rotation, leading_eigenpairs, orient
from .core.moments import Moments, mean_if_complete, moments_if_complete, observed_mean_and_variance
from .core.validation import check_integer, check_real
from .core.warn import warn
from .linear_factor import LOG_2_PI, LinearGaussianModel, ObservedEntries, maximise_observed
from .linear_factor import em_step as em_step_observed

#: Smallest noise variance, as a share of the mean variance of a variable. If the data lie in a
#: d-dimensional plane, the likelihood grows as the noise goes to zero, where there is no density.
NOISE_FLOOR = 1e-12


class PPCA(LinearGaussianModel):
    r"""Probabilistic principal component analysis by maximum likelihood.

    .. math::

        \mathbf h \sim \mathcal N(\mathbf 0, I), \qquad
        \mathbf x = W \mathbf h + \mathbf b + \boldsymbol\varepsilon, \qquad
        \boldsymbol\varepsilon \sim \mathcal N(\mathbf 0, \sigma^2 I)

    If `X` has missing entries (NaN), the likelihood of the observed ones is maximised, by EM or
    faster by a quasi-Newton method, as `method` says.
    Columns may be constant.

    Parameters
    ----------
    n_components : int, default 1
        Number of factors d, between 1 and the number of variables minus one.
    method : {"ml", "em"}, default "ml"
        ``"ml"`` is the closed form (Tipping and Bishop 1999, equations 7 and 8): eigenvectors of
        the covariance, or of the N x N Gram matrix where there are fewer samples than variables.
        ``"em"`` iterates expectation-maximisation (their equations 27 and 28) on the rows of a
        centred copy of `X` and never forms a covariance. Both reach the same likelihood.
    tol : float, default 1e-12
        EM stops when the estimated remaining gain is below this many nats per sample.
    max_iter : int, default 10000
        Largest number of iterations of EM.
    random_state : None, int or numpy.random.RandomState
        Seed for the initial loadings of ``"em"``.

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Loadings, rotated so that the columns are orthogonal, have decreasing lengths, and each
        have a positive sum.
    b_ : ndarray of shape (n_features,)
        Mean of the data.
    noise_variance_ : float
        Noise variance of every variable: the variance per discarded direction.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the start of EM and after each iteration; a
        single value for the closed form.
    n_iter_ : int
        One for the closed form.
    n_samples_ : float
        Number of samples, or their total weight.
    bic_ : float
        Bayesian information criterion (Schwarz 1978), in nats times two; lower is better.

    Examples
    --------
    >>> import numpy as np
    >>> from lvmnotes import PPCA
    >>> X = np.array([[2.0, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
    >>> model = PPCA(1).fit(X)
    >>> round(model.noise_variance_, 3)  # the mean of the eigenvalues 1/3 and 1/3
    0.333
    """

    def __init__(
        self,
        n_components: int = 1,
        method: str = "ml",
        *,
        tol: float = 1e-12,
        max_iter: int = 10_000,
        random_state=None,
    ):
        super().__init__(n_components)
        self.method = method
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @classmethod
    def from_parameters(
        cls,
        W: ArrayLike,
        b: ArrayLike | float = 0.0,
        noise_variance: float = 1.0,
        *,
        factor_correlation: ArrayLike | None = None,
    ) -> PPCA:
        """Build a model from known parameters, with one noise variance for all variables.

        Parameters
        ----------
        W : array_like of shape (n_features, n_components)
        b : float or array_like of shape (n_features,)
        noise_variance : float
            Not negative.
        factor_correlation : array_like of shape (n_components, n_components), optional

        Returns
        -------
        PPCA
        """
        noise_variance = check_real(noise_variance, "noise_variance", minimum=0)
        return super().from_parameters(W, b, noise_variance, factor_correlation=factor_correlation)

    def fit(self, X: ArrayLike, y=None) -> PPCA:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            NaN marks an entry missing at random.
        y : ignored

        Returns
        -------
        PPCA
        """
        X = validate_data(
            self,
            X,
            dtype=(np.float64, np.float32),
            ensure_min_samples=2,
            ensure_all_finite=False,
        )
        N, D = X.shape
        self._check_parameters(D)
        by_moments = self.method == "ml" and (D <= N or self.n_components >= N)
        summary = (moments_if_complete if by_moments else mean_if_complete)(X)
        if summary is None:
            return self._fit_missing(X.astype(float))
        if by_moments:
            return self._fit_covariance(summary, summary.covariance)
        b = summary
        Z = X - b
        total = np.vdot(Z, Z) / N
        check_spread(total)
        if self.method == "em":
            W, noise, trace = self._em(lambda V: Z.T @ (Z @ V) / N, total, D)
        else:
            # Z^T u is an eigenvector of Z^T Z, of length sqrt(N lambda), if u is one of Z Z^T.
            eigenvalues, U = leading_eigenpairs(Z @ Z.T / N, self.n_components)
            V = Z.T @ U / np.sqrt(N * np.maximum(eigenvalues, np.finfo(float).tiny))
            W, noise, trace = closed_form(eigenvalues, V, total)
        return self._learn(W, b, noise, trace, N)

    def fit_moments(self, moments: Moments) -> PPCA:
        """Fit to sufficient statistics, of data that were read elsewhere or as published.

        Parameters
        ----------
        moments : Moments
            Moments of at least two samples.

        Returns
        -------
        PPCA
        """
        self._check_parameters(moments.mean.size)
        return self._fit_covariance(moments, checked_covariance(moments))

    def _fit_covariance(self, moments: Moments, S: np.ndarray) -> PPCA:
        total = np.trace(S)
        check_spread(total)
        if self.method == "em":
            W, noise, trace = self._em(lambda V: S @ V, total, len(S))
        else:
            W, noise, trace = closed_form(*leading_eigenpairs(S, self.n_components), total)
        return self._learn(W, moments.mean, noise, trace, moments.n)

    def _em(self, product: Callable, total: float, D: int) -> tuple:
        start = check_random_state(self.random_state).normal(size=(D, self.n_components))
        (W, noise), trace = expectation_maximisation(
            lambda parameters: em_step(parameters, product, total),
            (start * np.sqrt(total) / D, total / D),
            tol=self.tol,
            max_iter=self.max_iter,
        )
        return canonical_rotation(W, noise), noise, trace

    def _fit_missing(self, X: np.ndarray) -> PPCA:
        mean, variance = observed_mean_and_variance(X)
        unseen = np.flatnonzero(np.isnan(mean))
        if unseen.size:
            columns = ", ".join(map(str, unseen))
            raise ValueError(f"X has columns without any observed entry: {columns}")
        check_spread(variance.sum())
        scale = np.sqrt(variance.mean())
        Z = (X - mean) / scale
        # A fit with missing entries replaced by their means gives good initial values.
        S = Moments.from_data(np.nan_to_num(Z)).covariance
        W, noise, _ = closed_form(*leading_eigenpairs(S, self.n_components), np.trace(S))
        entries = ObservedEntries(Z)
        start = W, np.zeros(len(W)), noise
        limits = {"tol": self.tol, "max_iter": self.max_iter}
        if self.method == "em":
            (W, b, noise), trace = expectation_maximisation(
                lambda parameters: em_step_observed(parameters, entries, NOISE_FLOOR, tied=True),
                start,
                **limits,
            )
        else:
            (W, b, noise), trace = maximise_observed(
                start, entries, NOISE_FLOOR, tied=True, **limits
            )
        n = entries.weight.sum()
        trace = trace - np.log(scale) * entries.observed.sum() / n
        W = scale * canonical_rotation(W, noise)
        return self._learn(W, mean + scale * b, scale**2 * noise, trace, n)

    def _check_parameters(self, D: int) -> None:
        if self.method not in ("ml", "em"):
            raise ValueError(f"method must be 'ml' or 'em', got {self.method!r}")
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        check_n_factors(self.n_components, "n_components", D)

    def _learn(self, W, b, noise, trace, n) -> PPCA:
        D, d = W.shape
        self.W_ = orient(W)
        self.b_ = b
        self.noise_variance_ = float(noise)
        self.n_features_in_ = D
        self._set_trace(trace, n, self.n_parameters_)
        if noise <= 1.01 * NOISE_FLOOR * ((W**2).sum() / D + noise):
            warn(
                f"the data lie in a plane of n_components={d} dimensions, so the likelihood has "
                "no maximum: it grows as the noise variance goes to zero, which was kept at its "
                "floor",
            )
        return self


def closed_form(
    eigenvalues: np.ndarray, V: np.ndarray, total: float, floor: float | None = None
) -> tuple[np.ndarray, float, np.ndarray]:
    r"""Maximum likelihood loadings and noise (Tipping and Bishop 1999, equations 7 and 8).

    .. math::

        \sigma^2 = \frac{1}{D - d} \sum_{j > d} \lambda_j, \qquad
        \mathbf w_j = \mathbf v_j \sqrt{\lambda_j - \sigma^2} .

    Parameters
    ----------
    eigenvalues : ndarray of shape (n_components,)
        The largest eigenvalues of the sample covariance.
    V : ndarray of shape (n_features, n_components)
        Their eigenvectors.
    total : float
        Sum of all eigenvalues, the trace of the sample covariance.
    floor : float, optional
        Smallest noise variance; by default `NOISE_FLOOR` times the mean variance of a variable.
        At the floor, the loadings are the best for that noise.

    Returns
    -------
    W : ndarray of shape (n_features, n_components)
    noise_variance : float
    trace : ndarray of shape (1,)
        Mean log-likelihood per sample, in nats.
    """
    D, d = V.shape
    rest = total - eigenvalues.sum()
    noise = max(rest / (D - d), NOISE_FLOOR * total / D if floor is None else floor)
    signal = np.maximum(eigenvalues, noise)
    twice = (np.log(signal) + eigenvalues / signal).sum() + (D - d) * np.log(noise) + rest / noise
    return V * np.sqrt(signal - noise), noise, np.array([-0.5 * (D * LOG_2_PI + twice)])


def em_step(
    parameters: tuple[np.ndarray, float], product: Callable, total: float
) -> tuple[float, tuple[np.ndarray, float]]:
    r"""One EM iteration (Tipping and Bishop 1999, equations 29 and 30).

    The sample covariance S enters through its product with d columns and through its trace. The
    product :math:`\frac1N Z^\top (Z G^\top)` with centred data Z costs 4 N D d operations and
    needs no D x D matrix.

    Parameters
    ----------
    parameters : tuple of ndarray and float
        Loadings (n_features, n_components) and the noise variance.
    product : callable
        Maps V of shape (n_features, n_components) to S V.
    total : float
        Trace of S.

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample at the parameters given, in nats.
    parameters : tuple of ndarray and float
        After the step.
    """
    W, noise = parameters
    D, d = W.shape
    M = np.eye(d) + W.T @ W / noise
    G = linalg.solve(M, W.T / noise, assume_a="pos")
    cross = product(G.T)
    distance = (total - (W * cross).sum()) / noise
    log_determinant = np.linalg.slogdet(M)[1] + D * np.log(noise)
    log_likelihood = -0.5 * (D * LOG_2_PI + log_determinant + distance)

    W = linalg.solve(linalg.inv(M) + G @ cross, cross.T, assume_a="pos").T
    noise = max((total - (W * cross).sum()) / D, NOISE_FLOOR * total / D)
    return float(log_likelihood), (W, noise)


def checked_covariance(moments: Moments) -> np.ndarray:
    """Covariance of given moments, or an error if no data can have these moments."""
    if moments.n < 2:
        raise ValueError(f"fit_moments needs moments of n >= 2 samples, got n={moments.n}")
    smallest, *_, largest = np.linalg.eigvalsh(moments.scatter)
    if smallest < -1e-8 * largest:
        raise ValueError("scatter must be positive semidefinite to be that of any data")
    return moments.covariance


def check_n_factors(value: int, name: str, D: int) -> None:
    """Raise unless the number of factors leaves at least one direction for the noise."""
    check_integer(value, name)
    if not 1 <= value < D:
        raise ValueError(
            f"{name} must be between 1 and the number of variables minus one (n_features={D}), "
            f"got {value}"
        )


def check_spread(total: float) -> None:
    """Raise if the total variance is zero."""
    if not total > 0:
        raise ValueError("X must hold two different rows: all its columns are constant")
