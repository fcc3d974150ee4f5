"""Factor analysis: standard normal factors, one noise variance per variable."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, optimize, stats
from sklearn.exceptions import ConvergenceWarning

from .core.blocks import Blocks
from .core.em import expectation_maximisation
from .core.loadings import canonical_rotation, leading_eigenpairs
from .core.moments import (
    Moments,
    checked_covariance,
    moments_if_complete,
    observed_mean_and_variance,
)
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
from .rotation import ROTATIONS, rotate

#: Smallest uniqueness allowed, as a share of the variable's variance. In a Heywood case the
#: likelihood grows as the uniqueness goes to zero, where the density does not exist.
UNIQUENESS_FLOOR = 1e-7
#: Below this uniqueness a variable counts as a Heywood case: the climb to the floor is so flat
#: that a search may stop short of it.
HEYWOOD = 1e-5
#: Starts by default, where the first end leaves doubt, for at most so many variables.
AUTO_STARTS, AUTO_VARIABLES = 30, 24
#: A curvature above this, in nats per unit of log uniqueness squared, is that of a saddle.
SADDLE = 1e-5

#: Loadings, uniquenesses and trace of a fit to a correlation matrix.
Fit = tuple[np.ndarray, np.ndarray, np.ndarray]


class LikelihoodRatioTest(NamedTuple):
    """Result of `FactorAnalysis.likelihood_ratio_test`."""

    statistic: float
    degrees_of_freedom: int
    p_value: float


class FitIndices(NamedTuple):
    """Result of `FactorAnalysis.fit_indices`."""

    rmsea: float
    rmsea_interval: tuple[float, float]  # 90 %
    tli: float


class FactorAnalysis(LinearGaussianModel):
    r"""Factor analysis by maximum likelihood.

    .. math::

        \mathbf h \sim \mathcal N(\mathbf 0, I), \qquad
        \mathbf x = W \mathbf h + \mathbf b + \boldsymbol\varepsilon, \qquad
        \boldsymbol\varepsilon \sim
        \mathcal N(\mathbf 0, \operatorname{diag}(\sigma_1^2, \dots, \sigma_D^2))

    Fitting needs only the `Moments` of the data, so the data are read once. If `X` has missing
    entries (NaN), the likelihood of the observed ones is maximised.

    Parameters
    ----------
    n_components : int, default 1
        Number of factors d, between 1 and the number of variables.
    method : {"ml", "em"}, default "ml"
        ``"ml"`` maximises the likelihood over the noise variances alone, with the best loadings
        for each choice in closed form (Jöreskog 1967), by Newton's method. ``"em"`` iterates
        expectation-maximisation (Rubin and Thayer 1982), from near the best end of Newton's method
        if there are several starts: simpler, monotone, slower, and slower still at a Heywood case.
        Both reach the same likelihood. Incomplete data take EM on the observed entries, or for
        ``"ml"`` the quasi-Newton method of `maximise_observed`.
    rotation : {None, "varimax", "promax", "oblimin"}, default None
        Rotation of the standardised loadings after the fit. The likelihood stays as it is; scores
        and all that is derived from the loadings follow the rotated factors. After ``"promax"``
        and ``"oblimin"`` the factors correlate: their prior is
        :math:`\mathcal N(\mathbf 0, \Phi)`, which is not factorial, and
        :math:`C = W \Phi W^\top + \psi`.
    n_init : "auto" or int, default "auto"
        Number of starts; the best end is kept. The likelihood often has lesser maxima where
        samples or factors are weak. ``"auto"`` goes on to 30 starts (fewer for more than 24
        variables, as each is slower) unless the first end is clear: no Heywood case, and after
        division by the noise, the variance of the last factor's direction is twice that of any
        direction left to the noise, which in turn is below 2 where 1 is expected. Every end is a
        maximum: a search that stops at a saddle, where the second derivative is positive in some
        direction, goes on along it.
    tol : float, default 1e-10
        What may be left to gain at the end, in nats per sample. A remaining gain of
        :math:`\delta` leaves the parameters :math:`\sqrt{2 N \delta}` standard errors from the
        maximum: by default a hundredth of one for half a million samples.
    max_iter : int, default 10000
    random_state : None, int or numpy.random.Generator, default 0
        Seed for the starts after the first few.

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Loadings, rotated so that :math:`W^\top \psi^{-1} W` is diagonal with decreasing entries
        or, with `rotation`, so that the factors explain decreasing shares of the variance. Each
        column of `standardized_loadings_` has a positive sum.
    factor_correlation_ : ndarray of shape (n_components, n_components)
        Correlations :math:`\Phi` of the factors: the identity without an oblique rotation.
    b_ : ndarray of shape (n_features,)
        Mean of the data.
    noise_variance_ : ndarray of shape (n_features,)
        Noise variance (uniqueness in the units of the data) of each variable.
    heywood_ : ndarray of bool, shape (n_features,)
        Variables whose noise variance ended at its floor.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the start and after each iteration, for the
        start that ended highest.
    n_iter_ : int
    n_samples_ : float
        Number of samples, or their total weight.
    bic_ : float
        Bayesian information criterion (Schwarz 1978), in nats times two; lower is better.
    aic_ : float
        Akaike's information criterion (1974), in the same unit.

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
        rotation: str | None = None,
        n_init: int | str = "auto",
        tol: float = 1e-10,
        max_iter: int = 10_000,
        random_state=0,
    ):
        super().__init__(n_components)
        self.method = method
        self.rotation = rotation
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None) -> FactorAnalysis:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            NaN marks an entry missing at random. A dask array, a memory-mapped file and an
            iterable of arrays are read block by block.
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            Not negative: a weight of 2 counts a sample twice. In blocks if `X` is.

        Returns
        -------
        FactorAnalysis
        """
        data = self._read_blocks(
            X,
            sample_weight,
            dtype=(np.float64, np.float32),
            ensure_min_samples=2,
            ensure_all_finite=False,
        )
        moments = moments_if_complete(data)
        if moments is not None:
            return self._fit_complete(moments)

        mean, variance = observed_mean_and_variance(data)
        rng = self._check_arguments(mean, variance)
        scale = np.sqrt(variance)
        entries = data.map(partial(standardised_entries, mean, scale))
        W, b, psi, trace = fit_observed(
            entries, self.n_components, self.method, self.n_init, rng, self.tol, self.max_iter
        )
        self._saturated = None
        n, count, _ = entries.total(pair_sums)
        trace = trace - np.diag(count) @ np.log(scale) / n
        return self._store(W, mean + scale * b, psi, trace, scale, n)

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
        checked_covariance(moments)
        self._set_n_features(len(moments.mean))
        return self._fit_complete(moments)

    def _fit_complete(self, moments: Moments) -> FactorAnalysis:
        S = moments.covariance
        rng = self._check_arguments(moments.mean, np.diag(S))
        # The model is covariant under rescaling, so fit its best-scaled form: correlations.
        scale = np.sqrt(np.diag(S))
        R = S / np.outer(scale, scale)
        if self.method == "ml":
            _, ends, best = search(R, self.n_components, self.n_init, rng, self.tol, self.max_iter)
            W, psi, trace = ends[best]
        else:
            points, ends, best = search(R, self.n_components, self.n_init, rng, 1e-6, 1000)
            # Of several ends, EM climbs to the best from nearby, away from the crawl at the floor.
            point = points[0] if len(ends) == 1 else np.log(np.maximum(ends[best][1], 0.05))
            W, psi, trace = climb_by_em(point, R, self.n_components, self.tol, self.max_iter)
        sign, log_determinant = np.linalg.slogdet(S)
        testable = sign > 0 and moments.n > len(S)
        self._saturated = -0.5 * (len(S) * (LOG_2_PI + 1) + log_determinant) if testable else None
        self._independent = -0.5 * len(S) * (LOG_2_PI + 1) - np.log(scale).sum()
        return self._store(W, moments.mean, psi, trace - np.log(scale).sum(), scale, moments.n)

    def _alternative(self) -> tuple[int, float]:
        """Degrees of freedom of the test of fit, and log-likelihood of any covariance; or raise."""
        self._check_fitted()
        D, d = self.W_.shape
        dof = degrees_of_freedom(D, d)
        if dof <= 0:
            raise ValueError(
                f"n_components={d} leaves nothing to test: {dof} degrees of freedom with {D} "
                "variables"
            )
        saturated = getattr(self, "_saturated", None)
        if saturated is None:
            raise ValueError(
                "a test of fit needs a model fitted to complete data with more samples than "
                "variables"
            )
        return dof, saturated

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
        dof, saturated = self._alternative()
        D, d = self.W_.shape
        n = self.n_samples_ - 1 - (2 * D + 5) / 6 - 2 * d / 3
        statistic = float(2 * n * (saturated - self.log_likelihood_trace_[-1]))
        return LikelihoodRatioTest(statistic, dof, float(stats.chi2.sf(statistic, dof)))

    def fit_indices(self) -> FitIndices:
        r"""Describe how well the model fits, whatever the sample size.

        The RMSEA with its 90 % interval and the TLI, from plain likelihood-ratio statistics
        (2 n times the missing mean log-likelihood, not Bartlett-corrected) of this model and of
        no factors; see the function `fit_indices` for the formulas.

        Returns
        -------
        FitIndices
        """
        dof, saturated = self._alternative()
        D, n = len(self.W_), self.n_samples_
        return fit_indices(
            2 * n * (saturated - self.log_likelihood_trace_[-1]),
            dof,
            2 * n * (saturated - self._independent),
            D * (D - 1) // 2,
            n,
        )

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
        X = self._read(X, reset=False)
        weighted = self.W_ / np.sqrt(self.noise_variance_)[:, None]
        return (X - self.b_) / np.sqrt(self.noise_variance_) @ np.linalg.pinv(weighted).T

    @property
    def standardized_loadings_(self) -> np.ndarray:
        r"""Loadings of the variables scaled to unit variance, of shape (n_features, n_components).

        The pattern: coefficients L of the regression of the variables on the factors. The
        structure, correlations of variables with factors, is :math:`L \Phi`; the two differ only
        if the factors correlate.
        """
        self._check_fitted()
        return self.W_ / np.sqrt(np.diag(self.get_covariance()))[:, None]

    @property
    def communalities_(self) -> np.ndarray:
        r"""Share of each variable's variance that comes from the factors, (n_features,).

        The diagonal of :math:`L \Phi L^\top`, with L the standardised loadings.
        """
        L = self.standardized_loadings_
        return ((L @ self._prior_covariance()) * L).sum(axis=1)

    @property
    def uniquenesses_(self) -> np.ndarray:
        """Share of each variable's variance that comes from its noise, (n_features,)."""
        self._check_fitted()
        return self.noise_variance_ / np.diag(self.get_covariance())

    @property
    def explained_variance_ratio_(self) -> np.ndarray:
        r"""Share of the total standardised variance due to each factor, (n_components,).

        The diagonal of :math:`\Phi L^\top L / D`, with L the standardised loadings. Variance that
        correlated factors explain jointly is divided between them: the shares sum to the mean
        communality.
        """
        L = self.standardized_loadings_
        return ((L @ self._prior_covariance()) * L).mean(axis=0)

    def _check_arguments(self, mean: np.ndarray, variance: np.ndarray) -> np.random.Generator:
        """Check the constructor's arguments against the data; return the random generator."""
        check_option(self.method, "method", ("ml", "em"))
        check_option(self.rotation, "rotation", (None, *ROTATIONS))
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        if not isinstance(self.n_init, str) or self.n_init != "auto":
            check_integer(self.n_init, "n_init", minimum=1)
        D, d = len(variance), self.n_components
        why = f"(the number of variables, n_features={D})"
        check_integer(d, "n_components", minimum=1, maximum=D, why=why)
        constant = constant_columns(mean, variance)
        if constant.size:
            raise ValueError(
                "factor analysis needs variables that vary; drop the columns of X without two "
                f"different values: {self._variable_names(constant)}"
            )
        if degrees_of_freedom(D, d) < 0:
            bound = int((2 * D + 1 - np.sqrt(8 * D + 1)) / 2)
            warn(
                f"n_components={d} factors have more free parameters than the covariance of {D} "
                f"variables has entries, so the fit is not unique; Ledermann's bound is {bound}"
            )
        return check_random_state(self.random_state)

    def _variable_names(self, indices: np.ndarray) -> str:
        names = getattr(self, "feature_names_in_", indices)
        return ", ".join(str(names[i]) if names is not indices else str(i) for i in indices)

    def _store(self, W, b, psi, trace, scale, n) -> FactorAnalysis:
        """Store a fit to standardised variables in the units of the data."""
        W, Phi = canonical_rotation(W, psi), np.eye(W.shape[1])
        if self.rotation is not None:
            sd = np.sqrt((W**2).sum(axis=1, keepdims=True) + psi[:, None])
            W, Phi = rotate(W / sd, self.rotation)
            W = sd * W
        self.W_ = scale[:, None] * W
        self.factor_correlation_ = Phi
        self.b_ = b
        self.noise_variance_ = scale**2 * psi
        self._set_trace(trace, n, self.n_parameters_)
        self.heywood_ = psi < HEYWOOD
        if self.heywood_.any():
            warn(
                "Heywood case: no noise variance is left for variable "
                f"{self._variable_names(np.flatnonzero(self.heywood_))}; the factors explain it "
                "completely, which often means too many factors or too few samples",
            )
        return self


def degrees_of_freedom(n_features: int, n_components: int) -> int:
    r"""Entries of a covariance less the free parameters of the model, :math:`((D-d)^2-(D+d))/2`.

    Negative beyond Ledermann's bound (1937), :math:`d \le (2D + 1 - \sqrt{8D + 1})/2`.

    Parameters
    ----------
    n_features, n_components : int

    Returns
    -------
    int
    """
    return ((n_features - n_components) ** 2 - (n_features + n_components)) // 2


def fit_indices(
    statistic: float, dof: int, null_statistic: float, null_dof: int, n_samples: float
) -> FitIndices:
    r"""RMSEA with its 90 % interval (Steiger 1990), and TLI (Tucker and Lewis 1973).

    With the statistics :math:`\chi^2` of the model and :math:`\chi_0^2` of no factors, of
    :math:`\nu` and :math:`\nu_0` degrees of freedom,

    .. math::

        \mathrm{RMSEA} = \sqrt{\frac{\max(\chi^2 - \nu, 0)}{\nu N}}, \qquad
        \mathrm{TLI} = \frac{\chi_0^2/\nu_0 - \chi^2/\nu}{\chi_0^2/\nu_0 - 1} .

    The interval replaces :math:`\chi^2 - \nu` by the noncentralities of the chi-square
    distributions that have the statistic as their 95 % and their 5 % point.

    Parameters
    ----------
    statistic : float
        Of the model against an unrestricted covariance.
    dof : int
    null_statistic : float
        Of independent variables against an unrestricted covariance.
    null_dof : int
    n_samples : float

    Returns
    -------
    FitIndices

    Examples
    --------
    The statistics that lavaan prints for its three-factor model of the Holzinger-Swineford
    scores:

    >>> from lvmnotes.factor_analysis import fit_indices
    >>> rmsea, (low, high), tli = fit_indices(85.306, 24, 918.852, 36, 301)
    >>> print(f"RMSEA {rmsea:.3f}, 90 % interval {low:.3f} to {high:.3f}, TLI {tli:.3f}")
    RMSEA 0.092, 90 % interval 0.071 to 0.114, TLI 0.896
    """
    check_real(statistic, "statistic", minimum=0)
    check_integer(dof, "dof", minimum=1)
    check_real(null_statistic, "null_statistic", minimum=0)
    check_integer(null_dof, "null_dof", minimum=1)
    check_real(n_samples, "n_samples", minimum=0, inclusive=False)

    def noncentrality(probability):
        if stats.chi2.cdf(statistic, dof) <= probability:
            return 0.0
        return optimize.brentq(
            lambda x: stats.ncx2.cdf(statistic, dof, x) - probability, 1e-9, 4 * statistic + 100
        )

    centre = max(statistic - dof, 0)
    rmsea, low, high = np.sqrt(
        np.array([centre, noncentrality(0.95), noncentrality(0.05)]) / (dof * n_samples)
    )
    null_ratio = null_statistic / null_dof
    tli = (null_ratio - statistic / dof) / (null_ratio - 1)
    return FitIndices(float(rmsea), (float(low), float(high)), float(tli))


class ParallelAnalysis(NamedTuple):
    """Result of `parallel_analysis`."""

    n_components: int
    eigenvalues: np.ndarray
    thresholds: np.ndarray


def parallel_analysis(
    X: ArrayLike, *, percentile: float = 95, n_sets: int = 200, random_state=0
) -> ParallelAnalysis:
    """Choose the number of factors by comparison with noise (Horn 1965).

    The eigenvalues of the correlation matrix are held against those of independent normal data
    of the same shape: as many factors as eigenvalues, from the largest on, lie above a percentile
    of their rank among the random ones.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        Without missing entries.
    percentile : float, default 95
        Between 0 and 100. Horn took the mean, which lets in too many factors (Glorfeld 1995).
    n_sets : int, default 200
        Number of random data sets.
    random_state : None, int or numpy.random.Generator, default 0
        Seed for the random data sets.

    Returns
    -------
    ParallelAnalysis
        The number of factors, the eigenvalues and the thresholds, falling.

    Examples
    --------
    >>> from lvmnotes import data
    >>> from lvmnotes.factor_analysis import parallel_analysis
    >>> parallel_analysis(data.holzinger_swineford().X).n_components
    3
    """
    X = check_matrix(X, "X")
    check_real(percentile, "percentile", minimum=0, maximum=100)
    check_integer(n_sets, "n_sets", minimum=1)
    rng = check_random_state(random_state)
    N, D = X.shape
    if N < 2 or constant_columns(X.mean(axis=0), X.var(axis=0)).size:
        raise ValueError("X must have two samples or more and no constant column")

    def spectrum(X):
        return np.linalg.eigvalsh(np.corrcoef(X, rowvar=False).reshape(D, D))[::-1]

    noise = [spectrum(rng.normal(size=(N, D))) for _ in range(n_sets)]
    eigenvalues, thresholds = spectrum(X), np.percentile(noise, percentile, axis=0)
    above = np.r_[eigenvalues > thresholds, False]
    return ParallelAnalysis(int(np.argmin(above)), eigenvalues, thresholds)


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
    log_psi = check_vector(log_psi, "log_psi")
    S = check_symmetric(S, "S", len(log_psi))
    check_integer(n_components, "n_components", minimum=1, maximum=len(S), why="(the rows of S)")
    log_likelihood, gradient, _ = profile_derivatives(log_psi, S, n_components)
    return float(log_likelihood), gradient


def profile_derivatives(
    log_psi: np.ndarray, S: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""`profile_likelihood` with its second derivatives (Clarke 1970), of many points at once.

    The eigenvalues change by :math:`d\lambda_m = -\sum_i \lambda_m v_{im}^2\, d\log\sigma_i^2`
    and the eigenvectors turn into each other. With the directions m left to the noise and n
    carried by a factor,

    .. math::

        \frac{\partial (-2\ell)}{\partial \log \sigma_i^2} &= \sum_m (1 - \lambda_m) v_{im}^2, \\
        \frac{\partial^2 (-2\ell)}{\partial \log \sigma_i^2\, \partial \log \sigma_j^2} &=
        \sum_{m m'} \lambda_m v_{im} v_{jm} v_{im'} v_{jm'} + \sum_{m n}
        \frac{(1 - \lambda_m)(\lambda_n + \lambda_m)}{\lambda_n - \lambda_m}
        v_{im} v_{jm} v_{in} v_{jn} .

    Parameters
    ----------
    log_psi : ndarray of shape (..., n_features)
    S : ndarray of shape (n_features, n_features)
    n_components : int

    Returns
    -------
    log_likelihood : ndarray of shape (...)
        In nats per sample.
    gradient : ndarray of shape (..., n_features)
    hessian : ndarray of shape (..., n_features, n_features)
    """
    D = len(S)
    scale = np.exp(-log_psi / 2)
    eigenvalues, V = np.linalg.eigh(S * scale[..., :, None] * scale[..., None, :])
    carried = (np.arange(D) >= D - n_components) & (eigenvalues > 1)
    rest = ~carried
    terms = np.where(carried, 1 + np.log(np.where(carried, eigenvalues, 1)), eigenvalues)
    twice = log_psi.sum(axis=-1) + terms.sum(axis=-1)
    excess = np.where(rest, 1 - eigenvalues, 0)
    gradient = (V**2 @ excess[..., None])[..., 0]

    def mix(weights):
        return (V * weights[..., None, :]) @ V.swapaxes(-1, -2)

    hessian = mix(rest) * mix(rest * eigenvalues)
    for n in range(D - n_components, D):
        eigenvalue, v = eigenvalues[..., n, None], V[..., n]
        gap = np.maximum(eigenvalue - eigenvalues, np.finfo(float).tiny ** 0.5)
        weights = carried[..., n, None] * excess * (eigenvalue + eigenvalues) / gap
        hessian += v[..., :, None] * v[..., None, :] * mix(weights)
    return -0.5 * (D * LOG_2_PI + twice), -0.5 * gradient, -0.5 * hessian


def best_loadings(psi: np.ndarray, S: np.ndarray, n_components: int) -> np.ndarray:
    """Best loadings for given noise variances, in closed form; see `profile_likelihood`.

    Parameters
    ----------
    psi : ndarray of shape (n_features,)
    S : ndarray of shape (n_features, n_features)
    n_components : int

    Returns
    -------
    ndarray of shape (n_features, n_components)
    """
    scale = np.sqrt(psi)
    eigenvalues, V = leading_eigenpairs(S / np.outer(scale, scale), n_components)
    return scale[:, None] * V * np.sqrt(np.maximum(eigenvalues, 1) - 1)


def starts(R: np.ndarray, n_components: int, n_init: int, rng: np.random.Generator) -> np.ndarray:
    """Logarithms of uniquenesses to start from.

    The first is Jöreskog's: most of what the other variables do not predict linearly. Lesser
    maxima are mostly Heywood cases of different variables, so the next starts leave almost
    nothing to one variable each. The others are random.

    Parameters
    ----------
    R : ndarray of shape (n_features, n_features)
        Correlations.
    n_components, n_init : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of shape (n_init, n_features)
    """
    D = len(R)
    # The ridge keeps the inverse finite where there are fewer samples than variables.
    unpredicted = 1 / np.diag(np.linalg.inv(R + 0.01 * np.eye(D)))
    first = (1 - n_components / (2 * D)) * unpredicted
    low = np.where(np.eye(D, dtype=bool), 0.02, first)
    random = rng.uniform(0.02, 0.98, size=(max(n_init - 1 - D, 0), D))
    return np.log(np.vstack([first, low, random])[:n_init])


def in_doubt(psi: np.ndarray, R: np.ndarray, n_components: int) -> bool:
    """Whether a maximum looks like one of several: see `n_init` of `FactorAnalysis`.

    Parameters
    ----------
    psi : ndarray of shape (n_features,)
        Uniquenesses at the maximum.
    R : ndarray of shape (n_features, n_features)
        Correlations.
    n_components : int

    Returns
    -------
    bool
    """
    scale = np.sqrt(psi)
    eigenvalues = np.r_[0.0, np.linalg.eigvalsh(R / np.outer(scale, scale))]
    left, last = eigenvalues[-n_components - 1], eigenvalues[-n_components]
    return bool(psi.min() < 0.01 or left > min(2, last / 2))


def search(
    R: np.ndarray,
    n_components: int,
    n_init: int | str,
    rng: np.random.Generator,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, list[Fit], int]:
    """Climb the profile likelihood from one start or more; see `n_init` of `FactorAnalysis`.

    Parameters
    ----------
    R : ndarray of shape (n_features, n_features)
        Correlations.
    n_components : int
    n_init : "auto" or int
    rng : numpy.random.Generator
    tol : float
    max_iter : int

    Returns
    -------
    points : ndarray of shape (n_starts, n_features)
        Logarithms of the uniquenesses of the starts.
    ends : list of tuple
        Loadings, uniquenesses and trace from each start.
    best : int
        The start with the highest end, the first of equals.
    """
    auto = isinstance(n_init, str)
    few = max(1, int(AUTO_STARTS * min(1, AUTO_VARIABLES / len(R)) ** 3))
    points = starts(R, n_components, few if isinstance(n_init, str) else n_init, rng)
    ends = climb_profile(points[:1], R, n_components, tol, max_iter)
    if len(points) > 1 and (not auto or in_doubt(ends[0][1], R, n_components)):
        ends += climb_profile(points[1:], R, n_components, tol, max_iter)
    reached = np.array([trace[-1] for _, _, trace in ends])
    return points[: len(ends)], ends, int(np.argmax(reached >= reached.max() - 1e-9))


def climb_profile(
    points: np.ndarray, R: np.ndarray, n_components: int, tol: float, max_iter: int
) -> list[Fit]:
    r"""Maximise the profile likelihood by Newton's method, from several starts side by side.

    The damping of `newton_steps` grows when a step fails (Levenberg 1944).

    Parameters
    ----------
    points : ndarray of shape (n_starts, n_features)
        Logarithms of uniquenesses.
    R : ndarray of shape (n_features, n_features)
        Correlations.
    n_components : int
    tol : float
    max_iter : int

    Returns
    -------
    list of tuple
        Loadings, uniquenesses and trace from each start.
    """
    lower = np.log(UNIQUENESS_FLOOR)
    points = np.clip(points, lower, 0)
    value, gradient, hessian = profile_derivatives(points, R, n_components)
    damping = np.full(len(points), SADDLE)
    traces = [[v] for v in value]
    active = np.arange(len(points))
    for _ in range(max_iter):
        x, g, H, mu = points[active], gradient[active], -hessian[active], damping[active]
        held = ((x <= lower) & (g < 0)) | ((x >= 0) & (g > 0))
        g = np.where(held, 0, g)
        H = np.where(held[:, :, None] | held[:, None, :], 0, H)
        step, going = newton_steps(H, g, mu, tol)
        if not going.any():
            break
        active, x, mu, step = active[going], x[going], mu[going], step[going]
        trial = np.clip(x + np.clip(step, -3, 3), lower, 0)
        new_value, new_gradient, new_hessian = profile_derivatives(trial, R, n_components)
        up = new_value > value[active]
        damping[active] = np.where(up, np.maximum(mu / 10, 1e-8), np.maximum(10 * mu, 1e-3))
        moved = active[up]
        points[moved], value[moved] = trial[up], new_value[up]
        gradient[moved], hessian[moved] = new_gradient[up], new_hessian[up]
        for i in moved:
            traces[i].append(value[i])
    else:
        warn(
            f"Newton's method stopped at max_iter={max_iter}; raise max_iter or tol",
            ConvergenceWarning,
        )
    fits = zip(np.exp(points), traces, strict=True)
    return [(best_loadings(psi, R, n_components), psi, np.array(trace)) for psi, trace in fits]


def newton_steps(
    H: np.ndarray, g: np.ndarray, damping: np.ndarray, tol: float
) -> tuple[np.ndarray, np.ndarray]:
    r"""Find steps uphill from several points, and which of the points are not yet maxima.

    With the eigenpairs :math:`e, \mathbf q` of minus the second derivatives, the step is
    :math:`\sum \mathbf q\, (\mathbf q^\top \mathbf g) / (|e| + \mu)`: uphill also where the
    function curves upwards. Where the gradient vanishes and the function still curves upwards, a
    saddle, the step follows that direction. A single point whose curvatures are all downwards
    needs a Cholesky factor only, which is much faster for many variables.

    Parameters
    ----------
    H : ndarray of shape (n_points, n_features, n_features)
        Minus the second derivatives.
    g : ndarray of shape (n_points, n_features)
        Gradients.
    damping : ndarray of shape (n_points,)
        The :math:`\mu`, positive.
    tol : float
        Gain below which a point counts as flat.

    Returns
    -------
    steps : ndarray of shape (n_points, n_features)
    going : ndarray of bool, shape (n_points,)
    """
    if len(H) == 1 and damping[0] <= SADDLE:
        factor, info = linalg.lapack.dpotrf(H[0] + damping * np.eye(H.shape[1]))
        if info == 0:
            step = linalg.lapack.dpotrs(factor, g[0])[0]
            return step[None], np.array([g[0] @ step / 2 >= tol])
    e, Q = np.linalg.eigh(H)
    slope = (Q.swapaxes(1, 2) @ g[:, :, None])[:, :, 0]
    step = slope / (np.abs(e) + damping[:, None])
    flat = (slope**2 / (np.abs(e) + SADDLE)).sum(axis=1) / 2 < tol
    saddle = flat & (e[:, 0] < -SADDLE)
    step[saddle] = 0
    step[saddle, 0] = 0.01 / np.sqrt(np.maximum(damping[saddle], 1e-3))
    return (Q @ step[:, :, None])[:, :, 0], (~flat | saddle) & (damping < 1e6)


def beyond_saddle(log_psi: np.ndarray, R: np.ndarray, n_components: int) -> np.ndarray | None:
    """Return a higher point beside a saddle of the profile likelihood; None beside a maximum.

    Parameters
    ----------
    log_psi : ndarray of shape (n_features,)
        Where the gradient is about zero.
    R : ndarray of shape (n_features, n_features)
    n_components : int

    Returns
    -------
    ndarray of shape (n_features,), or None
    """
    value, _, hessian = profile_derivatives(log_psi, R, n_components)
    curvature, Q = np.linalg.eigh(hessian)
    if curvature[-1] < SADDLE:
        return None
    sides = np.clip(log_psi + [[0.3], [-0.3]] * Q[:, -1], np.log(UNIQUENESS_FLOOR), 0)
    values = profile_derivatives(sides, R, n_components)[0]
    return sides[np.argmax(values)] if values.max() > value + SADDLE**2 else None


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
    with naming("parameters"):
        W, psi = parameters
        W = check_matrix(W, "W")
        psi = check_vector(psi, "psi", len(W))
        if not (psi > 0).all():
            raise ValueError("the noise variances psi must be positive")
    D, d = W.shape
    S = check_symmetric(S, "S", D)
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


def climb_by_em(
    point: np.ndarray, R: np.ndarray, n_components: int, tol: float, max_iter: int
) -> Fit:
    """Fit a correlation matrix by EM from one start, and on from any saddle where it stops.

    Parameters
    ----------
    point : ndarray of shape (n_features,)
        Logarithms of uniquenesses.
    R, n_components, tol, max_iter
        As for `climb_profile`.

    Returns
    -------
    tuple
        Loadings, uniquenesses and trace.
    """
    trace: list[float] = []
    while point is not None:
        psi = np.exp(point)
        (W, psi), path = expectation_maximisation(
            lambda parameters: em_step(parameters, R),
            (best_loadings(psi, R, n_components), psi),
            tol=tol,
            max_iter=max_iter,
        )
        trace = [*trace, *path]
        point = beyond_saddle(np.log(psi), R, n_components)
    return W, psi, np.array(trace)


def fit_observed(
    entries: Blocks,
    n_components: int,
    method: str,
    n_init: int | str,
    rng: np.random.Generator,
    tol: float,
    max_iter: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Fit incomplete standardised data, from every different end of a fit to their correlations.

    A correlation is taken from the samples that observe both variables. The best end is left
    once more, by a small step in a random direction: a saddle does not hold what leaves it.

    Parameters
    ----------
    entries : Blocks of ObservedEntries
    n_components : int
    method : {"ml", "em"}
    n_init : "auto" or int
    rng : numpy.random.Generator
    tol : float
    max_iter : int

    Returns
    -------
    W, b, psi, trace : ndarray
    """
    _, pairs, products = entries.total(pair_sums)
    eigenvalues, V = np.linalg.eigh(products / np.maximum(pairs, 1e-12 * pairs.max()))
    R = (V * np.maximum(eigenvalues, 0.01)) @ V.T
    scale = np.sqrt(np.diag(R))
    R = R / np.outer(scale, scale)
    _, ends, _ = search(R, n_components, n_init, rng, 1e-6, max_iter)
    different = {round(trace[-1], 4): (W, psi) for W, psi, trace in reversed(ends)}

    def climb(W, b, psi):
        start = W, b, np.maximum(psi, 0.05)
        if method == "em":
            return expectation_maximisation(
                lambda parameters: em_step_observed(parameters, entries, UNIQUENESS_FLOOR),
                start,
                tol=tol,
                max_iter=max_iter,
            )
        return maximise_observed(start, entries, UNIQUENESS_FLOOR, tol=tol, max_iter=max_iter)

    fits = [climb(W, np.zeros(len(W)), psi) for W, psi in different.values()]
    (W, b, psi), trace = max(fits, key=lambda fit: fit[1][-1])
    again = climb(W + 0.05 * rng.normal(size=W.shape), b, psi)
    if again[1][-1] > trace[-1] + 1e-9:
        (W, b, psi), trace = again
    return W, b, psi, trace
