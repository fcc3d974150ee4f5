"""Probabilistic PCA: factor analysis with one noise variance for all variables."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from scipy.sparse.linalg import LinearOperator

from .core.blocks import Blocks
from .core.em import expectation_maximisation
from .core.loadings import canonical_rotation, leading_eigenpairs, orient, sample_covariance
from .core.moments import Moments, checked_covariance, observed_mean_and_variance
from .core.validation import (
    check_integer,
    check_matrix,
    check_option,
    check_random_state,
    check_real,
    check_symmetric,
    check_vector,
    constant_columns,
    naming,
)
from .core.warn import warn
from .linear_factor import (
    LOG_2_PI,
    LinearGaussianModel,
    maximise_observed,
    pair_sums,
    standardised_entries,
)
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
        ``"ml"`` is the closed form (Tipping and Bishop 1999, equations 7 and 8). Its eigenvectors
        come, whichever is fastest for the shape of the data, from products of the data with
        vectors (Lanczos: hundreds of samples and of variables, few factors), from the covariance,
        or from the N x N inner products of the samples (fewer samples than variables); all of
        them are exact to round-off. ``"em"`` iterates expectation-maximisation (their equations
        29 and 30) on products with `X` and never forms a covariance. Both reach the same
        likelihood.
    tol : float, default 1e-12
        EM stops when the estimated remaining gain is below this many nats per sample.
    max_iter : int, default 10000
        Largest number of iterations of EM.
    random_state : None, int or numpy.random.Generator
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
        Number of iterations; 1 for the closed form.
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

    def fit(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None) -> PPCA:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            NaN marks an entry missing at random. A dask array, a memory-mapped file and an
            iterable of arrays are read block by block.
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            A sample of weight 2 counts as two equal samples; none may be negative. In blocks if
            `X` is.

        Returns
        -------
        PPCA
        """
        data = self._read_blocks(
            X,
            sample_weight,
            dtype=(np.float64, np.float32),
            ensure_min_samples=2,
            ensure_all_finite=False,  # the sums below show what is missing or infinite
        )
        self._check_parameters(self.n_features_in_)
        by_products = self.method == "em"
        summary = sample_covariance(data, self.n_components, by_products=by_products)
        return self._fit_missing(data) if summary is None else self._fit_covariance(*summary)

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
        S = checked_covariance(moments)
        self._check_parameters(len(S))
        self._set_n_features(len(S))
        return self._fit_covariance(moments.n, moments.mean, S)

    def _fit_covariance(self, n: float, b: np.ndarray, S) -> PPCA:
        total = S.trace()
        check_spread(b, total)
        if self.method == "em":
            W, noise, trace = self._maximise_em(S, total)
        else:
            W, noise, trace = closed_form(*leading_eigenpairs(S, self.n_components), total)
        return self._set_parameters(W, b, noise, trace, n)

    def _maximise_em(self, S, total: float) -> tuple[np.ndarray, float, np.ndarray]:
        D = S.shape[0]
        start = check_random_state(self.random_state).normal(size=(D, self.n_components))
        (W, noise), trace = expectation_maximisation(
            lambda parameters: em_step(parameters, S, total),
            (start * np.sqrt(total) / D, total / D),
            tol=self.tol,
            max_iter=self.max_iter,
        )
        return canonical_rotation(W, noise), noise, trace

    def _fit_missing(self, data: Blocks) -> PPCA:
        mean, variance = observed_mean_and_variance(data)
        unseen = np.flatnonzero(np.isnan(mean))
        if unseen.size:
            columns = ", ".join(map(str, unseen))
            raise ValueError(f"X has columns without any observed entry: {columns}")
        check_spread(mean, variance.sum())
        scale = np.sqrt(variance.mean())
        entries = data.map(partial(standardised_entries, mean, scale))
        # A fit with missing entries replaced by their means gives good initial values.
        n, count, products = entries.total(pair_sums)
        W, noise, _ = closed_form(
            *leading_eigenpairs(products / n, self.n_components), np.trace(products) / n
        )
        start: tuple[np.ndarray, np.ndarray, Any] = W, np.zeros(len(W)), noise
        if self.method == "em":
            (W, b, noise), trace = expectation_maximisation(
                lambda parameters: em_step_observed(parameters, entries, NOISE_FLOOR, tied=True),
                start,
                tol=self.tol,
                max_iter=self.max_iter,
            )
        else:
            (W, b, noise), trace = maximise_observed(
                start, entries, NOISE_FLOOR, tied=True, tol=self.tol, max_iter=self.max_iter
            )
        trace = trace - np.log(scale) * np.trace(count) / n
        W = scale * canonical_rotation(W, noise)
        return self._set_parameters(W, mean + scale * b, scale**2 * noise, trace, n)

    def _check_parameters(self, n_features: int) -> None:
        check_option(self.method, "method", ("ml", "em"))
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        if self.random_state is not None:  # None would read entropy of the system for nothing
            check_random_state(self.random_state)
        check_n_factors(self.n_components, "n_components", n_features)

    def _set_parameters(self, W, b, noise, trace, n) -> PPCA:
        D, d = W.shape
        self.W_ = orient(W)
        self.b_ = b
        self.noise_variance_ = float(noise)
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
    V = check_matrix(V, "V")
    D, d = V.shape
    eigenvalues = check_vector(eigenvalues, "eigenvalues", d)
    check_real(total, "total", minimum=0, inclusive=floor is not None)
    rest = total - eigenvalues.sum()
    noise = max(rest / (D - d), NOISE_FLOOR * total / D if floor is None else floor)
    signal = np.maximum(eigenvalues, noise)
    trace = np.array([log_likelihood_on_axes(signal, noise, eigenvalues, total, D)])
    return V * np.sqrt(signal - noise), noise, trace


def log_likelihood_on_axes(
    signal: np.ndarray, noise: float, eigenvalues: np.ndarray, total: float, D: int
) -> float:
    r"""Log-likelihood of a model whose loadings lie along eigenvectors of the sample covariance.

    With the variances :math:`s_j` of the model along the first d eigenvectors, it is

    .. math::

        -\tfrac12 \Bigl(D \log 2\pi + \sum_{j \le d} \bigl(\log s_j + \lambda_j / s_j\bigr)
        + (D - d) \log \sigma^2 + \sum_{j > d} \lambda_j / \sigma^2\Bigr) .

    Parameters
    ----------
    signal : ndarray of shape (n_components,)
        Variances of the model along the eigenvectors.
    noise : float
        Its variance in every other direction.
    eigenvalues : ndarray of shape (n_components,)
        The largest of the sample covariance.
    total : float
        Sum of all eigenvalues.
    D : int
        Number of variables.

    Returns
    -------
    float
        Mean per sample, in nats.
    """
    inside = (np.log(signal) + eigenvalues / signal).sum()
    outside = (D - len(signal)) * np.log(noise) + (total - eigenvalues.sum()) / noise
    return float(-0.5 * (D * LOG_2_PI + inside + outside))


def em_step(
    parameters: tuple[np.ndarray, float],
    S: np.ndarray | LinearOperator,
    total: float | None = None,
) -> tuple[float, tuple[np.ndarray, float]]:
    r"""One EM iteration (Tipping and Bishop 1999, equations 29 and 30).

    The sample covariance S enters through its product with d columns and through its trace. As
    an operator that multiplies by centred data Z, :math:`S G^\top = \frac1N Z^\top (Z G^\top)`,
    it costs 4 N D d operations and needs no D x D matrix.

    Parameters
    ----------
    parameters : tuple of ndarray and float
        Loadings (n_features, n_components) and the noise variance.
    S : ndarray or scipy.sparse.linalg.LinearOperator, of shape (n_features, n_features)
        Sample covariance.
    total : float, optional
        Trace of S; to be given where S is an operator.

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample at the parameters given, in nats.
    parameters : tuple of ndarray and float
        After the step.
    """
    with naming("parameters"):
        W, noise = parameters
        W = check_matrix(W, "W")
        check_real(noise, "noise", minimum=0, inclusive=False)
    D, d = W.shape
    if not isinstance(S, LinearOperator):
        S = check_symmetric(S, "S", D)
    total = check_real(np.trace(S) if total is None else total, "total", minimum=0, inclusive=False)
    M = np.eye(d) + W.T @ W / noise
    G = linalg.solve(M, W.T / noise, assume_a="pos")
    cross = S @ G.T
    distance = (total - (W * cross).sum()) / noise
    log_determinant = np.linalg.slogdet(M)[1] + D * np.log(noise)
    log_likelihood = -0.5 * (D * LOG_2_PI + log_determinant + distance)

    Omega = linalg.inv(M) + G @ cross
    W = linalg.solve(Omega, cross.T, assume_a="pos").T
    noise = max((total - (W * cross).sum()) / D, NOISE_FLOOR * total / D)
    return float(log_likelihood), (W, noise)


def check_n_factors(value: int, name: str, n_features: int) -> None:
    """Raise unless the number of factors leaves at least one direction for the noise."""
    why = f"(the number of variables minus one, n_features={n_features})"
    check_integer(value, name, minimum=1, maximum=n_features - 1, why=why)


def check_spread(mean: np.ndarray, total: float) -> None:
    """Raise if the total variance is zero, but for the round-off of the mean."""
    if constant_columns(np.sqrt(mean @ mean), total).size:
        raise ValueError("X must hold two different rows: all its columns are constant")
