"""Bayesian PCA: probabilistic PCA that chooses the number of its factors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from .core.loadings import leading_eigenpairs, orient, sample_covariance
from .core.moments import MISSING, Moments, checked_covariance
from .core.validation import check_integer, check_real, check_vector
from .core.warn import warn
from .linear_factor import LinearGaussianModel
from .ppca import NOISE_FLOOR, check_n_factors, check_spread, log_likelihood_on_axes


class BayesianPCA(LinearGaussianModel):
    r"""Probabilistic PCA that chooses the number of its factors (Bishop 1999).

    Each column of W has a Gaussian prior with its own precision,
    :math:`\mathbf w_j \sim \mathcal N(\mathbf 0, \alpha_j^{-1} I)`, and the precisions are fitted
    with the other parameters (automatic relevance determination). If a column does not improve
    the fit enough, its precision goes to infinity and the column to zero.

    Bishop's EM does not rotate columns that are eigenvectors of the sample covariance, so only
    their lengths have to be found. For given :math:`\sigma^2` the solution has a closed form, see
    `ard_squared_lengths`. Of several solutions, the one with the fewest factors is chosen.

    Parameters
    ----------
    n_components : int, optional
        Largest number of factors; by default the number of variables minus one.
    tol : float, default 1e-10
        Largest relative change of the noise variance in the last iteration.
    max_iter : int, default 10000

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Loadings; columns that are switched off are zero.
    b_ : ndarray of shape (n_features,)
        Mean of the data.
    noise_variance_ : float
    alpha_ : ndarray of shape (n_components,)
        Prior precision of each column, infinite where it is switched off.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the start and after each iteration. The prior
        counts in the fit as well, so it need not rise.
    n_iter_ : int
    n_samples_ : float
        Number of samples, or total weight, behind the fit.
    aic_, bic_ : float
        Information criteria in nats times two, at the fitted parameters; columns that are
        switched off do not count. Lower is better.

    Examples
    --------
    Two of nine possible factors are worth their cost:

    >>> import numpy as np
    >>> from lvmnotes import PPCA, BayesianPCA
    >>> W = np.array([[2.0, 0.0]] * 5 + [[0.0, 2.0]] * 5)
    >>> X, _ = PPCA.from_parameters(W).sample(100, random_state=0)
    >>> BayesianPCA().fit(X).n_relevant_
    2
    """

    def __init__(
        self, n_components: int | None = None, *, tol: float = 1e-10, max_iter: int = 10_000
    ):
        super().__init__(n_components)  # type: ignore[arg-type]  # None: chosen by fit
        self.tol = tol
        self.max_iter = max_iter

    @classmethod
    def from_parameters(
        cls, W: ArrayLike, b: ArrayLike | float = 0.0, noise_variance: float = 1.0
    ) -> BayesianPCA:
        """Build a model from known parameters, with one noise variance for all variables.

        Parameters
        ----------
        W : array_like of shape (n_features, n_components)
        b : float or array_like of shape (n_features,)
        noise_variance : float
            Not negative.

        Returns
        -------
        BayesianPCA
        """
        noise_variance = check_real(noise_variance, "noise_variance", minimum=0)
        return super().from_parameters(W, b, noise_variance)

    def fit(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None) -> BayesianPCA:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            A sample of weight 2 counts as two equal samples; none may be negative.

        Returns
        -------
        BayesianPCA
        """
        data = self._read_blocks(
            X, sample_weight, dtype=(np.float64, np.float32), ensure_min_samples=2
        )
        d = self._n_directions(self.n_features_in_)
        summary = sample_covariance(data, d)
        if summary is None:
            raise ValueError(MISSING)
        return self._fit_covariance(*summary, d)

    def fit_moments(self, moments: Moments) -> BayesianPCA:
        """Fit to the sufficient statistics.

        Parameters
        ----------
        moments : Moments
            Moments of at least two samples.

        Returns
        -------
        BayesianPCA
        """
        S = checked_covariance(moments)
        d = self._n_directions(len(S))
        self._set_n_features(len(S))
        return self._fit_covariance(moments.n, moments.mean, S, d)

    def _fit_covariance(self, n: float, b: np.ndarray, S, d: int) -> BayesianPCA:
        D, total = len(b), S.trace()
        check_spread(b, total)
        eigenvalues, V = leading_eigenpairs(S, d)
        rho = D / n
        noise, squared = total / D, np.zeros(d)
        trace = [log_likelihood_on_axes(squared + noise, noise, eigenvalues, total, D)]
        for _ in range(self.max_iter):
            squared = ard_squared_lengths(eigenvalues, noise, rho)
            on = squared > 0
            # Where the derivative with respect to the noise variance vanishes, lengths given.
            rest = total - eigenvalues[on].sum() + rho * noise * (noise / squared[on]).sum()
            previous, noise = noise, max(rest / (D - on.sum()), NOISE_FLOOR * total / D)
            trace.append(log_likelihood_on_axes(squared + noise, noise, eigenvalues, total, D))
            if abs(noise - previous) <= self.tol * noise:
                break
        else:
            warn(
                f"the noise variance still changes after max_iter={self.max_iter} iterations; "
                "raise max_iter or tol",
                ConvergenceWarning,
            )
        self.W_ = orient(V * np.sqrt(squared))
        self.b_ = b
        self.noise_variance_ = float(noise)
        self.alpha_ = np.divide(D, squared, where=on, out=np.full(d, np.inf))
        self._set_trace(np.array(trace), n, self.n_parameters_)
        return self

    @property
    def n_relevant_(self) -> int:
        """Number of factors: the columns of W that are not zero."""
        self._check_fitted()
        return int(self.W_.any(axis=0).sum())

    @property
    def n_parameters_(self) -> int:
        """Free parameters: the offset, the columns of W in use up to a rotation, and the noise."""
        d, D = self.n_relevant_, len(self.b_)
        return D + D * d - d * (d - 1) // 2 + 1

    def _n_directions(self, n_features: int) -> int:
        """Check the constructor's arguments; return the largest number of factors."""
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        d = n_features - 1 if self.n_components is None else self.n_components
        check_n_factors(d, "n_components", n_features)
        return d

    def _read(self, X: ArrayLike, **options) -> np.ndarray:
        return super()._read(X, **{**options, "ensure_all_finite": True})

    def __sklearn_tags__(self):
        """Tell scikit-learn that the data must be complete."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False
        return tags


def ard_squared_lengths(eigenvalues: np.ndarray, noise: float, rho: float) -> np.ndarray:
    r"""Squared lengths of the columns of Bayesian PCA for given noise.

    The larger root :math:`l^2` of

    .. math::

        (1 + \rho)\, l^4 - (\lambda_j - (1 + 2\rho)\,\sigma^2)\, l^2 + \rho\,\sigma^4 = 0,
        \qquad \rho = D / N,

    and zero where there is no such root, that is, where
    :math:`\lambda_j < \sigma^2 (\sqrt{1 + \rho} + \sqrt\rho)^2`.

    Parameters
    ----------
    eigenvalues : ndarray of shape (n_components,)
    noise : float
    rho : float

    Returns
    -------
    ndarray of shape (n_components,)
    """
    eigenvalues = check_vector(eigenvalues, "eigenvalues")
    check_real(noise, "noise", minimum=0, inclusive=False)
    check_real(rho, "rho", minimum=0, inclusive=False)
    half = (eigenvalues / noise - (1 + 2 * rho)) / 2  # in units of the noise
    discriminant = half**2 - rho * (1 + rho)
    on = (half > 0) & (discriminant >= 0)
    root = np.sqrt(np.where(on, discriminant, 0))
    return noise * np.where(on, half + root, 0) / (1 + rho)
