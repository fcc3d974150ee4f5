"""Bayesian PCA: probabilistic PCA that chooses the number of its factors."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .core.loadings import leading_eigenpairs, orient
from .core.moments import Moments, moments_if_complete
from .core.validation import check_integer, check_real, check_vector
from .core.warn import warn
from .linear_factor import LinearGaussianModel
from .ppca import NOISE_FLOOR, check_n_factors, check_spread, checked_covariance


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
    n_relevant_ : int
        Number of columns that are not zero.
    n_iter_ : int
    """

    def __init__(
        self, n_components: int | None = None, *, tol: float = 1e-10, max_iter: int = 10_000
    ):
        super().__init__(n_components)
        self.tol = tol
        self.max_iter = max_iter

    def fit(self, X: ArrayLike, y=None) -> BayesianPCA:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        BayesianPCA
        """
        X = validate_data(self, X, dtype=(np.float64, np.float32), ensure_min_samples=2)
        return self.fit_moments(moments_if_complete(X))

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
        D = moments.mean.size
        d = D - 1 if self.n_components is None else self.n_components
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        check_n_factors(d, "n_components", D)
        S = checked_covariance(moments)
        eigenvalues, V = leading_eigenpairs(S, d)
        total = np.trace(S)
        check_spread(total)
        rho = D / moments.n
        noise = total / D
        for iteration in range(1, self.max_iter + 1):
            self.n_iter_ = iteration
            squared = ard_squared_lengths(eigenvalues, noise, rho)
            on = squared > 0
            # Where the derivative with respect to the noise variance vanishes, lengths given.
            rest = total - eigenvalues[on].sum() + rho * noise**2 * (1 / squared[on]).sum()
            previous, noise = noise, max(rest / (D - on.sum()), NOISE_FLOOR * total / D)
            if abs(noise - previous) <= self.tol * noise:
                break
        else:
            warn(
                f"the noise variance still changes after max_iter={self.max_iter} iterations; "
                "raise max_iter or tol",
                ConvergenceWarning,
            )
        self.W_ = orient(V * np.sqrt(squared))
        self.b_ = moments.mean
        self.noise_variance_ = float(noise)
        self.alpha_ = np.divide(D, squared, where=on, out=np.full(d, np.inf))
        self.n_relevant_ = int(on.sum())
        self.n_features_in_ = D
        return self

    def _standardise(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        return super()._standardise(check_array(X, input_name="X"))

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
    half = (eigenvalues - (1 + 2 * rho) * noise) / 2
    discriminant = half**2 - rho * (1 + rho) * noise**2
    on = (half > 0) & (discriminant >= 0)
    return np.where(on, half + np.sqrt(np.where(on, discriminant, 0)), 0) / (1 + rho)
