"""Factor analysis: standard normal factors, one noise variance per variable."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, optimize, stats
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from .core.em import expectation_maximisation
from .core.loadings import canonical_rotation, leading_eigenpairs
from .core.moments import Moments, moments_if_complete, observed_mean_and_variance
from .core.validation import check_integer, check_real
from .core.warn import warn
from .linear_factor import LOG_2_PI, LinearGaussianModel, em_step_observed

#: Smallest uniqueness allowed, as a share of the variable's variance. In a Heywood case the
#: likelihood grows as the uniqueness goes to zero, where the density does not exist.
UNIQUENESS_FLOOR = 1e-7
#: Below this uniqueness a variable counts as a Heywood case: the climb to the floor is so flat
#: that a search may stop short of it.
HEYWOOD = 1e-5


class LikelihoodRatioTest(NamedTuple):
    """Result of `FactorAnalysis.likelihood_ratio_test`."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


class FactorAnalysis(LinearGaussianModel):
    r"""Factor analysis by maximum likelihood.

    .. math::

        \mathbf h \sim \mathcal N(\mathbf 0, I), \qquad
        \mathbf x = W \mathbf h + \mathbf b + \boldsymbol\varepsilon, \qquad
        \boldsymbol\varepsilon \sim
        \mathcal N(\mathbf 0, \operatorname{diag}(\sigma_1^2, \dots, \sigma_D^2))

    Fitting needs only the `Moments` of the data, so the data are read once. If `X` has missing
    entries (NaN), EM maximises the exact likelihood of the observed entries.

    Parameters
    ----------
    n_components : int, default 1
        Number of factors d, between 1 and the number of variables.
    method : {"ml", "em"}, default "ml"
        ``"ml"`` maximises the likelihood over the noise variances alone, with the best loadings
        for each choice in closed form (Jöreskog 1967), by a quasi-Newton method. ``"em"``
        iterates expectation-maximisation (Rubin and Thayer 1982): simpler, monotone, slower, and
        slower still at a Heywood case. Both reach the same likelihood. Data with missing entries
        are always fitted by EM.
    tol : float, default 1e-12
        Largest remaining gain at the end, in nats per sample: estimated from the last gains for
        EM, from the gradient for ``"ml"``.
    max_iter : int, default 10000

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Loadings, rotated so that :math:`W^\top \psi^{-1} W` is diagonal with decreasing entries
        and every column has a positive sum.
    b_ : ndarray of shape (n_features,)
        Mean of the data.
    noise_variance_ : ndarray of shape (n_features,)
        Noise variance (uniqueness in the units of the data) of each variable.
    heywood_ : ndarray of bool, shape (n_features,)
        Variables whose noise variance ended at its floor.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the start and after each iteration.
    n_iter_ : int
    n_samples_ : float
        Number of samples, or their total weight.
    bic_ : float
        Bayesian information criterion (Schwarz 1978), in nats times two; lower is better.

    Examples
    --------
    >>> import numpy as np
    >>> from lvmnotes import FactorAnalysis
    >>> truth = FactorAnalysis.from_parameters(W=np.ones((5, 1)), noise_variance=0.5)
    >>> X, H = truth.sample(1000, random_state=0)
    >>> model = FactorAnalysis(1).fit(X)
    >>> bool(np.corrcoef(model.transform(X)[:, 0], H[:, 0])[0, 1] > 0.9)
    True
    """

    def __init__(
        self,
        n_components: int = 1,
        method: str = "ml",
        *,
        tol: float = 1e-12,
        max_iter: int = 10_000,
    ):
        super().__init__(n_components)
        self.method = method
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y=None) -> FactorAnalysis:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            NaN marks an entry missing at random.
        y : ignored

        Returns
        -------
        FactorAnalysis
        """
        X = validate_data(
            self,
            X,
            dtype=(np.float64, np.float32),
            ensure_min_samples=2,
            ensure_all_finite=False,
        )
        moments = moments_if_complete(X)
        if moments is None:
            return self._fit_missing(X.astype(float))
        return self.fit_moments(moments)

    def _fit_missing(self, X: np.ndarray) -> FactorAnalysis:
        mean, variance = observed_mean_and_variance(X)
        self._check_parameters(mean, variance)
        scale = np.sqrt(variance)
        Z = (X - mean) / scale
        # A fit with missing entries replaced by their means gives good initial values.
        filled = np.nan_to_num(Z)
        W, psi, _ = _maximise_profile(
            np.corrcoef(filled, rowvar=False), self.n_components, tol=1e-6, max_iter=self.max_iter
        )
        (W, b, psi), trace = expectation_maximisation(
            lambda parameters: em_step_observed(parameters, Z, UNIQUENESS_FLOOR),
            (W, np.zeros(len(W)), psi),
            tol=self.tol,
            max_iter=self.max_iter,
        )
        self._saturated = None
        # A row without any observed entry carries no information and is not counted.
        seen = ~np.isnan(X).all(axis=1)
        trace = (trace * len(X) - np.log(scale) @ (~np.isnan(X)).sum(axis=0)) / seen.sum()
        return self._learn(W, mean + scale * b, psi, trace, scale, seen.sum())

    def fit_moments(self, moments: Moments) -> FactorAnalysis:
        """Fit to sufficient statistics, of data that were read elsewhere or as published.

        Parameters
        ----------
        moments : Moments
            Moments of at least two samples.

        Returns
        -------
        FactorAnalysis
        """
        if moments.n < 2:
            raise ValueError(f"fit_moments needs moments of n >= 2 samples, got n={moments.n}")
        S = moments.covariance
        self._check_parameters(moments.mean, np.diag(S))
        # The model is covariant under rescaling, so fit its best-scaled form: correlations.
        scale = np.sqrt(np.diag(S))
        correlation = S / np.outer(scale, scale)
        if np.linalg.eigvalsh(correlation)[0] < -1e-8:
            raise ValueError("scatter must be positive semidefinite to be that of any data")
        maximise = _maximise_profile if self.method == "ml" else _maximise_em
        W, psi, trace = maximise(
            correlation, self.n_components, tol=self.tol, max_iter=self.max_iter
        )

        sign, log_determinant = np.linalg.slogdet(S)
        testable = sign > 0 and moments.n > len(S)
        self._saturated = -0.5 * (len(S) * (LOG_2_PI + 1) + log_determinant) if testable else None
        trace = trace - np.log(scale).sum()
        return self._learn(W, moments.mean, psi, trace, scale, moments.n)

    def likelihood_ratio_test(self) -> LikelihoodRatioTest:
        r"""Test the model against an unrestricted covariance.

        The statistic is :math:`n' (\log|C| - \log|S| + \operatorname{tr} C^{-1} S - D)` with
        Bartlett's :math:`n' = n - 1 - (2D + 5)/6 - 2d/3`; if d factors are enough it follows
        approximately a :math:`\chi^2` distribution with :math:`((D - d)^2 - (D + d))/2` degrees
        of freedom (Lawley and Maxwell 1971).

        Returns
        -------
        LikelihoodRatioTest
            A small p-value says that d factors are too few.
        """
        check_is_fitted(self, "log_likelihood_trace_")
        D, d = self.W_.shape
        degrees_of_freedom = ((D - d) ** 2 - (D + d)) // 2
        if degrees_of_freedom <= 0:
            raise ValueError(
                f"n_components={d} leaves nothing to test: {degrees_of_freedom} degrees of freedom "
                f"with {D} variables"
            )
        if self._saturated is None:
            raise ValueError(
                "the likelihood-ratio test needs complete data with more samples than variables"
            )
        n = self.n_samples_ - 1 - (2 * D + 5) / 6 - 2 * d / 3
        statistic = float(2 * n * (self._saturated - self.log_likelihood_trace_[-1]))
        p_value = float(stats.chi2.sf(statistic, degrees_of_freedom))
        return LikelihoodRatioTest(statistic, degrees_of_freedom, p_value)

    def bartlett_scores(self, X: ArrayLike) -> np.ndarray:
        r"""Maximum-likelihood factor scores (Bartlett 1937).

        :math:`(W^\top \psi^{-1} W)^{-1} W^\top \psi^{-1} (\mathbf x - \mathbf b)`: unbiased given
        the factors, where `transform` (the posterior mean, or regression scores) shrinks towards
        zero and has the smaller mean squared error.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Without missing entries.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        self._check_fitted()
        X = validate_data(self, X, dtype=float, reset=False)
        weighted = self.W_ / np.sqrt(self.noise_variance_)[:, None]
        return (X - self.b_) / np.sqrt(self.noise_variance_) @ np.linalg.pinv(weighted).T

    @property
    def standardized_loadings_(self) -> np.ndarray:
        """Loadings of the variables scaled to unit variance: their correlations with the factors.

        Of shape (n_features, n_components).
        """
        return self.W_ / np.sqrt(np.diag(self.get_covariance()))[:, None]

    @property
    def communalities_(self) -> np.ndarray:
        """Share of each variable's variance that comes from the factors, (n_features,)."""
        return (self.standardized_loadings_**2).sum(axis=1)

    @property
    def uniquenesses_(self) -> np.ndarray:
        """Share of each variable's variance that comes from its noise, (n_features,)."""
        return self.noise_variance_ / np.diag(self.get_covariance())

    @property
    def explained_variance_ratio_(self) -> np.ndarray:
        """Share of the total standardised variance due to each factor, (n_components,)."""
        return (self.standardized_loadings_**2).mean(axis=0)

    def _check_parameters(self, mean: np.ndarray, variance: np.ndarray) -> None:
        if self.method not in ("ml", "em"):
            raise ValueError(f"method must be 'ml' or 'em', got {self.method!r}")
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        check_integer(self.n_components, "n_components")
        if not 1 <= self.n_components <= len(variance):
            raise ValueError(
                "n_components must be between 1 and the number of variables "
                f"(n_features={len(variance)}), got {self.n_components}"
            )
        # Round-off leaves a constant column a variance of about (1e-16 mean)^2.
        constant = np.flatnonzero(~(variance > (1e-12 * mean) ** 2))
        if constant.size:
            raise ValueError(
                "factor analysis needs variables that vary; drop the columns of X without two "
                f"different values: {self._variable_names(constant)}"
            )

    def _variable_names(self, indices: np.ndarray) -> str:
        names = getattr(self, "feature_names_in_", None)
        return ", ".join(str(i) if names is None else str(names[i]) for i in indices)

    def _learn(self, W, b, psi, trace, scale, n) -> FactorAnalysis:
        """Store a fit to standardised variables in the units of the data."""
        self.W_ = scale[:, None] * canonical_rotation(W, psi)
        self.b_ = b
        self.noise_variance_ = scale**2 * psi
        self.n_features_in_ = len(W)
        self._set_trace(trace, n, self.n_parameters_)
        self.heywood_ = psi < HEYWOOD
        if self.heywood_.any():
            warn(
                "Heywood case: no noise variance is left for variable "
                f"{self._variable_names(np.flatnonzero(self.heywood_))}; the factors explain it "
                "completely, which often means too many factors or too few samples",
            )
        return self


def profile_likelihood(
    log_psi: np.ndarray, S: np.ndarray, n_components: int
) -> tuple[float, np.ndarray]:
    r"""Best log-likelihood for given noise variances, with its gradient (Jöreskog 1967).

    With the eigenpairs :math:`\lambda_j, \mathbf v_j` of :math:`\psi^{-1/2} S \psi^{-1/2}`, in
    falling order, the best loadings are
    :math:`\psi^{1/2} \mathbf v_j (\lambda_j - 1)^{1/2}` for the first d (none where
    :math:`\lambda_j \le 1`), and

    .. math::

        -2 \ell = D \log 2\pi + \log |\psi| + \sum_j \lambda_j
        + \sum_{j \le d,\, \lambda_j > 1} (1 + \log \lambda_j - \lambda_j), \qquad
        \frac{\partial (-2 \ell)}{\partial \log \sigma_i^2} =
        \frac{C_{ii} - S_{ii}}{\sigma_i^2} .

    Parameters
    ----------
    log_psi : ndarray of shape (n_features,)
        Logarithms of the noise variances.
    S : ndarray of shape (n_features, n_features)
        Sample covariance.
    n_components : int

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample at the best loadings, in nats.
    gradient : ndarray of shape (n_features,)
        With respect to `log_psi`.
    """
    psi = np.exp(log_psi)
    W, signal = _best_loadings(psi, S, n_components)
    twice = log_psi.sum() + (np.diag(S) / psi).sum() + (1 + np.log(signal) - signal).sum()
    gradient = ((W**2).sum(axis=1) + psi - np.diag(S)) / psi
    return -0.5 * (len(S) * LOG_2_PI + twice), -0.5 * gradient


def _best_loadings(psi, S, n_components) -> tuple[np.ndarray, np.ndarray]:
    """Best loadings for given noise, and the eigenvalues they carry (those above 1)."""
    scale = np.sqrt(psi)
    eigenvalues, V = leading_eigenpairs(S / np.outer(scale, scale), n_components)
    signal = np.maximum(eigenvalues, 1)
    return scale[:, None] * V * np.sqrt(signal - 1), signal


def _starting_log_psi(S: np.ndarray, n_components: int) -> np.ndarray:
    """Jöreskog's initial values: most of what the other variables do not predict linearly."""
    D = len(S)
    # The ridge keeps the inverse finite where there are fewer samples than variables.
    unpredicted = 1 / np.diag(np.linalg.inv(S + 0.01 * np.eye(D)))
    return np.log((1 - n_components / (2 * D)) * unpredicted)


def _maximise_profile(S, n_components, *, tol, max_iter):
    """Fit a correlation matrix by a quasi-Newton search; return W, psi and the trace."""
    start = _starting_log_psi(S, n_components)
    psi = np.exp(start)
    W, signal = _best_loadings(psi, S, n_components)
    # Jöreskog's expected second derivative in log psi_i is about (1 - sum_j v_ij^2)^2 / 2; the
    # search takes fewer steps in coordinates that make it the same for all variables.
    unit = np.maximum(1 - (W**2 / psi[:, None] / np.maximum(signal - 1, 1e-12)).sum(axis=1), 0.05)
    trace = []

    def loss(z):
        log_likelihood, gradient = profile_likelihood(z / unit, S, n_components)
        if not trace:
            trace.append(log_likelihood)
        return -log_likelihood, -gradient / unit

    result = optimize.minimize(
        loss,
        start * unit,
        jac=True,
        method="L-BFGS-B",
        bounds=optimize.Bounds(np.log(UNIQUENESS_FLOOR) * unit, 0.0),
        callback=lambda intermediate_result: trace.append(-intermediate_result.fun),
        # What is left to gain is about the squared gradient.
        options={"ftol": tol, "gtol": tol**0.5, "maxiter": max_iter, "maxfun": 10 * max_iter},
    )
    if result.nit >= max_iter:
        warn(
            f"the quasi-Newton search stopped at max_iter={max_iter}; raise max_iter or tol",
            ConvergenceWarning,
        )
    psi = np.exp(result.x / unit)
    return _best_loadings(psi, S, n_components)[0], psi, np.array(trace)


def em_step(
    parameters: tuple[np.ndarray, np.ndarray], S: np.ndarray
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    r"""One EM iteration from a covariance matrix (Rubin and Thayer 1982).

    With :math:`G = M^{-1} W^\top \psi^{-1}`, the E-step's averages over the data are
    :math:`\langle \mathbf x\, \mathbb E[\mathbf h]^\top \rangle = S G^\top` and
    :math:`\langle \mathbb E[\mathbf h \mathbf h^\top] \rangle = M^{-1} + G S G^\top`;
    the M-step regresses one on the other.

    Parameters
    ----------
    parameters : tuple of ndarray
        Loadings (n_features, n_components) and noise variances (n_features,).
    S : ndarray of shape (n_features, n_features)
        Sample covariance.

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample at the parameters given, in nats.
    parameters : tuple of ndarray
        After the step.
    """
    W, psi = parameters
    D, d = W.shape
    M = np.eye(d) + W.T / psi @ W
    G = linalg.solve(M, W.T / psi, assume_a="pos")
    residual = np.eye(D) - W @ G
    cross = S @ G.T
    codes = G @ cross
    distance = ((residual @ S) * residual / psi[:, None]).sum() + np.trace(codes)
    log_determinant = np.linalg.slogdet(M)[1] + np.log(psi).sum()
    log_likelihood = -0.5 * (D * LOG_2_PI + log_determinant + distance)

    W = linalg.solve(linalg.inv(M) + codes, cross.T, assume_a="pos").T
    psi = np.maximum(np.diag(S) - (W * cross).sum(axis=1), UNIQUENESS_FLOOR * np.diag(S))
    return float(log_likelihood), (W, psi)


def _maximise_em(S, n_components, *, tol, max_iter):
    """Fit as `_maximise_profile` does, by EM from the same start."""
    psi = np.exp(_starting_log_psi(S, n_components))
    start = _best_loadings(psi, S, n_components)[0], psi
    (W, psi), trace = expectation_maximisation(
        lambda parameters: em_step(parameters, S), start, tol=tol, max_iter=max_iter
    )
    return W, psi, trace
