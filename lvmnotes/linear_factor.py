"""Linear factor models: a factorial prior, a linear decoder, and noise.

Every model of the book that maps factors linearly to data inherits from the two classes here.
`LinearFactorModel` is the generative model with any prior; `LinearGaussianModel` adds the results
that have a closed form for a Gaussian prior.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg, optimize, stats
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array

from .core.base import DensityModel, LatentVariableModel
from .core.blocks import Blocks, as_blocks
from .core.moments import check_sample_weight
from .core.validation import (
    check_boolean,
    check_covariance,
    check_integer,
    check_matrix,
    check_numeric,
    check_random_state,
    check_real,
    check_scalar_or_vector,
    check_vector,
    naming,
)
from .core.warn import warn

LOG_2_PI = np.log(2 * np.pi)
#: EM steps before the quasi-Newton search of incomplete data: the first ones gain most.
EM_STEPS = 20


class LinearFactorModel(LatentVariableModel):
    r"""Factors from a factorial prior, decoded linearly, plus Gaussian noise.

    .. math::

        \mathbf h \sim p(\mathbf h) = \prod_{i=1}^d p(h_i), \qquad
        \mathbf x = W \mathbf h + \mathbf b + \text{noise}

    with noise :math:`\mathcal N(\mathbf 0, \operatorname{diag}(\sigma_1^2, \dots, \sigma_D^2))`:
    equations (1) and (2) of the chapter *Linear factor models*. The members of the family differ
    only in the prior and in the noise.

    Parameters
    ----------
    n_components : int
        Number of factors d.

    Attributes
    ----------
    prior : scipy.stats frozen distribution
        Distribution of one factor :math:`h_i`: that of the class, or the one given to
        `from_parameters`.
    W_ : ndarray of shape (n_features, n_components)
        Loadings: column i is the direction in data space in which factor i changes the data.
    b_ : ndarray of shape (n_features,)
        Offset.
    noise_variance_ : float or ndarray of shape (n_features,)
        Variance of the noise, one for all variables or one per variable.
    """

    prior = stats.norm()

    W_: np.ndarray
    b_: np.ndarray

    def __init__(self, n_components: int = 1):
        self.n_components = n_components

    @classmethod
    def from_parameters(
        cls,
        W: ArrayLike,
        b: ArrayLike | float = 0.0,
        noise_variance: ArrayLike | float = 1.0,
        prior=None,
    ) -> LinearFactorModel:
        """Build a model from known parameters, ready to sample.

        Parameters
        ----------
        W : array_like of shape (n_features, n_components)
        b : float or array_like of shape (n_features,)
        noise_variance : float or array_like of shape (n_features,)
            Not negative.
        prior : scipy.stats frozen distribution, optional
            Distribution of one factor; by default that of the class.

        Returns
        -------
        LinearFactorModel
            An instance of the class it is called on.
        """
        W = check_matrix(W, "W")
        model = cls(n_components=W.shape[1])
        model.W_ = W
        model.b_ = np.zeros(len(W)) + check_scalar_or_vector(b, "b", len(W))
        model.noise_variance_ = check_scalar_or_vector(noise_variance, "noise_variance", len(W))
        if np.any(model.noise_variance_ < 0):
            raise ValueError(f"noise_variance must not be negative, got {noise_variance!r}")
        if prior is not None:
            if not isinstance(prior, stats.distributions.rv_frozen) or not hasattr(prior, "pdf"):
                raise TypeError(
                    f"prior must be a frozen continuous scipy.stats distribution, got {prior!r}"
                )
            model.prior = prior
        model._set_n_features(len(W))
        return model

    def sample(self, n_samples: int = 1, random_state=None) -> tuple[np.ndarray, np.ndarray]:
        """Draw factors, then data given the factors: equations (1) and (2).

        Parameters
        ----------
        n_samples : int
        random_state : None, int or numpy.random.Generator

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        H : ndarray of shape (n_samples, n_components)
        """
        self._check_fitted()
        check_integer(n_samples, "n_samples", minimum=1)
        rng = check_random_state(random_state)
        D, d = self.W_.shape
        H = self._draw_factors(n_samples, d, rng)
        noise = rng.normal(size=(n_samples, D)) * np.sqrt(self.noise_variance_)
        return H @ self.W_.T + self.b_ + noise, H

    def _draw_factors(self, n_samples: int, d: int, rng: np.random.Generator) -> np.ndarray:
        return self.prior.rvs(size=(n_samples, d), random_state=rng)

    def log_prior(self, H: ArrayLike) -> np.ndarray:
        r"""Log-density of factors, :math:`\log p(\mathbf h) = \sum_i \log p(h_i)`.

        Parameters
        ----------
        H : array_like of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.
        """
        H = self._check_factors(H)
        return self.prior.logpdf(H).sum(axis=1)

    def log_joint(self, X: ArrayLike, H: ArrayLike) -> np.ndarray:
        r"""Log-density of data and factors, :math:`\log p(\mathbf h) p(\mathbf x | \mathbf h)`.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        H : array_like of shape (n_samples, n_components)
            One factor vector per row of `X`. If `X` or `H` has a single row, it is used for all.

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.
        """
        H = self._check_factors(H)
        X = self._read(X, reset=False)
        if np.any(self.noise_variance_ == 0):
            raise ValueError("log_joint needs noise: noise_variance_ has a zero")
        if len({len(X), len(H)} - {1}) > 1:
            raise ValueError(
                f"X and H must have the same number of rows, or one a single row; got {len(X)} "
                f"rows of X and {len(H)} of H"
            )
        noise_sd = np.sqrt(self.noise_variance_)
        log_noise = stats.norm.logpdf(X, loc=H @ self.W_.T + self.b_, scale=noise_sd)
        return self.log_prior(H) + log_noise.sum(axis=1)

    def _check_factors(self, H: ArrayLike) -> np.ndarray:
        self._check_fitted()
        return check_matrix(H, "H", (None, self.W_.shape[1]))


class LinearGaussianModel(
    DensityModel, ClassNamePrefixFeaturesOutMixin, TransformerMixin, LinearFactorModel
):
    r"""A linear factor model with standard normal factors, for which all results are closed form.

    .. math::

        \mathbf x \sim \mathcal N(\mathbf b, W W^\top + \psi), \qquad
        \mathbf h \mid \mathbf x \sim
        \mathcal N\!\left(M^{-1} W^\top \psi^{-1} (\mathbf x - \mathbf b),\; M^{-1}\right), \quad
        M = I + W^\top \psi^{-1} W .

    All results use the d x d matrix M (by the identities of Woodbury 1950 and Sylvester), so no
    D x D matrix is inverted. Entries of `X` that are NaN are treated as missing at random: their
    noise precision is zero, so they drop out of all sums.

    An oblique rotation correlates the factors: then `factor_correlation_` holds :math:`\Phi`, the
    prior is :math:`\mathcal N(\mathbf 0, \Phi)`, which is not factorial, and

    .. math::

        C = W \Phi W^\top + \psi, \qquad M = \Phi^{-1} + W^\top \psi^{-1} W .

    Attributes
    ----------
    factor_correlation_ : ndarray of shape (n_components, n_components)
        Prior covariance of the factors. A model without this attribute has independent factors.
    """

    @classmethod
    def from_parameters(
        cls,
        W: ArrayLike,
        b: ArrayLike | float = 0.0,
        noise_variance: ArrayLike | float = 1.0,
        *,
        factor_correlation: ArrayLike | None = None,
    ) -> LinearGaussianModel:
        """Build a model from known parameters.

        Parameters
        ----------
        W : array_like of shape (n_features, n_components)
        b : float or array_like of shape (n_features,)
        noise_variance : float or array_like of shape (n_features,)
            Not negative.
        factor_correlation : array_like of shape (n_components, n_components), optional
            Prior covariance of the factors, positive definite; by default the identity.

        Returns
        -------
        LinearGaussianModel
            An instance of the class it is called on.

        Examples
        --------
        Two correlated factors, and the same density from independent ones:

        >>> import numpy as np
        >>> from lvmnotes import LinearGaussianModel
        >>> W, Phi = np.eye(3, 2), np.array([[1.0, 0.6], [0.6, 1.0]])
        >>> oblique = LinearGaussianModel.from_parameters(W, factor_correlation=Phi)
        >>> plain = LinearGaussianModel.from_parameters(W @ np.linalg.cholesky(Phi))
        >>> bool(np.allclose(oblique.get_covariance(), plain.get_covariance()))
        True
        """
        model = super().from_parameters(W, b, noise_variance)
        if factor_correlation is not None:
            d = model.W_.shape[1]
            factor_correlation = check_covariance(
                check_matrix(factor_correlation, "factor_correlation", (d, d)),
                "factor_correlation",
            )
            if np.linalg.eigvalsh(factor_correlation)[0] <= 0:
                raise ValueError("factor_correlation must be positive definite")
            model.factor_correlation_ = factor_correlation
        return model

    def _draw_factors(self, n_samples: int, d: int, rng: np.random.Generator) -> np.ndarray:
        return super()._draw_factors(n_samples, d, rng) @ linalg.cholesky(self._prior_covariance())

    def log_prior(self, H: ArrayLike) -> np.ndarray:
        r"""Log-density of factors, :math:`\log \mathcal N(\mathbf h; \mathbf 0, \Phi)`.

        Parameters
        ----------
        H : array_like of shape (n_samples, n_components)

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.
        """
        root = linalg.cholesky(self._prior_covariance(), lower=True)
        independent = linalg.solve_triangular(root, self._check_factors(H).T, lower=True).T
        return super().log_prior(independent) - np.log(np.diag(root)).sum()

    def get_covariance(self) -> np.ndarray:
        r"""Covariance of the data under the model, :math:`C = W \Phi W^\top + \psi`.

        Returns
        -------
        ndarray of shape (n_features, n_features)
        """
        self._check_fitted()
        C = self.W_ @ self._prior_covariance() @ self.W_.T
        C[np.diag_indices_from(C)] += self.noise_variance_
        return C

    def posterior(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of the factors given the data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            NaN marks a missing entry.

        Returns
        -------
        mean : ndarray of shape (n_samples, n_components)
        covariance : ndarray of shape (n_components, n_components)
            The same for every sample or, if `X` has missing entries, one per sample:
            (n_samples, n_components, n_components).
        """
        Z, precision = self._standardise(X)
        M = self._posterior_precision(precision)
        mean = _solve(M, (Z * np.sqrt(precision)) @ self.W_)
        return mean, np.linalg.inv(M)

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Posterior mean of the factors.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        return self.posterior(X)[0]

    def score_samples(self, X: ArrayLike) -> np.ndarray:
        r"""Log-likelihood of each sample, of its observed entries where some are missing.

        With :math:`\mathbf z = \psi^{-1/2}(\mathbf x - \mathbf b)` and
        :math:`A = \psi^{-1/2} W`, the Mahalanobis distance is the minimum of
        :math:`\lVert \mathbf z - A \mathbf h \rVert^2 + \mathbf h^\top \Phi^{-1} \mathbf h`,
        attained at the posterior mean. It is a sum of squares, so there is no cancellation for
        small noise.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.
        """
        Z, precision = self._standardise(X)
        M = self._posterior_precision(precision)
        scale = np.sqrt(precision)
        mean = _solve(M, (Z * scale) @ self.W_)
        residual = Z - scale * (mean @ self.W_.T)
        Phi = self._prior_covariance()
        distance = (residual**2).sum(axis=1) + (mean * linalg.solve(Phi, mean.T).T).sum(axis=1)
        observed = precision > 0
        log_noise = -np.log(precision, where=observed, out=np.zeros_like(precision)).sum(axis=-1)
        log_determinant = np.linalg.slogdet(M)[1] + np.linalg.slogdet(Phi)[1] + log_noise
        return -0.5 * (observed.sum(axis=-1) * LOG_2_PI + log_determinant + distance)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        r"""Decode factors: the mean of the data given them, :math:`W \mathbf h + \mathbf b`.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_components)
            The factors; scikit-learn calls every first argument X.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        self._check_fitted()
        return check_matrix(X, "X", (None, self.W_.shape[1])) @ self.W_.T + self.b_

    @property
    def n_parameters_(self) -> int:
        """Free parameters: the offset, the loadings up to a rotation, and the noise.

        An oblique rotation re-expresses the same loadings and adds no parameter.
        """
        self._check_fitted()
        D, d = self.W_.shape
        return D + D * d - d * (d - 1) // 2 + np.size(self.noise_variance_)

    def __sklearn_tags__(self):
        """Tell scikit-learn that NaN is allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    def _prior_covariance(self) -> np.ndarray:
        """Phi; the identity unless an oblique rotation has correlated the factors."""
        self._check_fitted()
        return getattr(self, "factor_correlation_", np.eye(self.W_.shape[1]))

    def _standardise(self, X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Noise-standardised data (N, D), missing entries 0, and noise precision (D,) or (N, D)."""
        self._check_fitted()
        X = self._read(X, reset=False, ensure_all_finite="allow-nan")
        if np.any(self.noise_variance_ == 0):
            raise ValueError("the model has no density: noise_variance_ has a zero")
        precision = np.broadcast_to(1 / self.noise_variance_, self.b_.shape)
        Z = (X - self.b_) * np.sqrt(precision)
        missing = np.isnan(Z)
        if missing.any():
            Z[missing] = 0
            precision = precision * ~missing
        return Z, precision

    def _posterior_precision(self, precision: np.ndarray) -> np.ndarray:
        """M, of shape (d, d), or (N, d, d) where each sample has its own noise precision."""
        D, d = self.W_.shape
        products = (self.W_[:, :, None] * self.W_[:, None, :]).reshape(D, d * d)
        return linalg.inv(self._prior_covariance()) + (precision @ products).reshape(
            *precision.shape[:-1], d, d
        )


def _solve(M: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """M^-1 applied to each row, with one M for all rows or one for each."""
    if M.ndim == 2:
        return linalg.cho_solve(linalg.cho_factor(M), rows.T).T
    return np.linalg.solve(M, rows[..., None])[..., 0]


class ObservedEntries:
    """Incomplete data, read once: the entries that are there, and which those are.

    Rows with the same entries observed share a posterior covariance, so they are put together.
    Rows without any observed entry say nothing and are left out.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        NaN marks a missing entry.
    sample_weight : ndarray of shape (n_samples,), optional
        Not negative; by default 1.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
        Zero where an entry is missing.
    observed : ndarray of shape (n_rows, n_features)
        1 where an entry is observed, 0 where it is missing.
    weight : ndarray of shape (n_rows,)
    patterns : ndarray of shape (n_patterns, n_features)
        The different rows of `observed`.
    pattern : ndarray of int, shape (n_rows,)
        The pattern of each row, not falling.
    first : ndarray of int, shape (n_patterns,)
        The first row of each pattern.
    """

    def __init__(self, X: np.ndarray, sample_weight: np.ndarray | None = None):
        check_numeric(X, "X")
        with naming("X"):
            X = check_array(X, dtype=float, ensure_all_finite="allow-nan", input_name="X")
        observed = ~np.isnan(X)
        weight = np.ones(len(X))
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, len(X))
        rows = np.flatnonzero(observed.any(axis=1) & (weight > 0))
        patterns, pattern = np.unique(observed[rows], axis=0, return_inverse=True)
        pattern = pattern.ravel()
        order = np.argsort(pattern, kind="stable")
        rows, self.pattern = rows[order], pattern[order]
        self.X = np.where(observed, X, 0)[rows]
        self.observed = observed[rows].astype(float)
        self.weight = weight[rows]
        self.patterns = patterns.astype(float)
        self.first = np.searchsorted(self.pattern, np.arange(len(patterns)))

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.X)


def standardised_entries(
    mean: np.ndarray, scale: np.ndarray | float, X: np.ndarray, sample_weight: np.ndarray | None
) -> ObservedEntries:
    """Observed entries of a block of data, less the means and in units of the scales.

    Parameters
    ----------
    mean : ndarray of shape (n_features,)
    scale : float or ndarray of shape (n_features,)
    X : ndarray of shape (n_samples, n_features)
    sample_weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    ObservedEntries
    """
    return ObservedEntries((X.astype(float) - mean) / scale, sample_weight)


def pair_sums(entries: ObservedEntries) -> tuple[float, np.ndarray, np.ndarray]:
    """Add up over the samples that observe two variables both, for all pairs of variables.

    Parameters
    ----------
    entries : ObservedEntries

    Returns
    -------
    n : float
        Number of all samples, or their total weight.
    count : ndarray of shape (n_features, n_features)
        Number of samples that observe both.
    products : ndarray of shape (n_features, n_features)
        Sums of the products of both.
    """
    weight = entries.weight[:, None]
    count = (weight * entries.observed).T @ entries.observed
    return entries.weight.sum(), count, (weight * entries.X).T @ entries.X


class ObservedSums(NamedTuple):
    r"""What an EM step needs of incomplete data: the sums of `expected_statistics`.

    Attributes
    ----------
    log_likelihood : float
        Of the observed entries, in nats, summed over the samples.
    n : float
        Number of samples, or their total weight.
    second : ndarray of shape (n_features, n_components + 1, n_components + 1)
        :math:`\sum_{n \in O_i} \mathbb E[\tilde{\mathbf h}_n \tilde{\mathbf h}_n^\top]`.
    cross : ndarray of shape (n_features, n_components + 1)
        :math:`\sum_{n \in O_i} x_{ni}\, \mathbb E[\tilde{\mathbf h}_n]`.
    counts : ndarray of shape (n_features,)
        Number of samples in :math:`O_i`.
    squares : ndarray of shape (n_features,)
        :math:`\sum_{n \in O_i} x_{ni}^2`.
    """

    log_likelihood: float
    n: float
    second: np.ndarray
    cross: np.ndarray
    counts: np.ndarray
    squares: np.ndarray


def expected_statistics(
    parameters: tuple[np.ndarray, np.ndarray, np.ndarray | float],
    entries: ObservedEntries | Blocks,
) -> ObservedSums:
    r"""E-step of a linear-Gaussian model on incomplete data.

    Each sample's factors are conditioned on its observed entries only. With
    :math:`\tilde{\mathbf h} = (\mathbf h, 1)` and the samples :math:`O_i` that observe variable
    i, the sums are those of the regression of each variable on the factors and a constant.

    Parameters
    ----------
    parameters : tuple
        Loadings (n_features, n_components), offset (n_features,), noise variances (n_features,)
        or one for all variables.
    entries : ObservedEntries, or Blocks of them

    Returns
    -------
    ObservedSums
    """
    return as_blocks(entries).total(partial(_block_statistics, parameters))


def _block_statistics(
    parameters: tuple[np.ndarray, np.ndarray, np.ndarray | float], entries: ObservedEntries
) -> ObservedSums:
    """Return the sums of one block; see `expected_statistics`."""
    W, b, noise_variance = parameters
    D, d = W.shape
    psi = np.broadcast_to(noise_variance, (D,))
    weight = entries.weight
    products = (W[:, :, None] * W[:, None, :]).reshape(D, d * d)
    M = np.eye(d) + (entries.patterns / psi @ products).reshape(-1, d, d)
    V = np.linalg.inv(M)
    Z = entries.X - entries.observed * b
    H = np.einsum("nij,nj->ni", V[entries.pattern], (Z / psi) @ W)
    residual = Z - entries.observed * (H @ W.T)
    distance = residual**2 @ (1 / psi) + (H**2).sum(axis=1)
    log_determinant = np.linalg.slogdet(M)[1][entries.pattern] + entries.observed @ np.log(psi)
    twice = entries.observed.sum(axis=1) * LOG_2_PI + log_determinant + distance

    H = np.column_stack([H, np.ones(len(H))])
    weighted = weight[:, None] * H
    second = np.add.reduceat(weighted[:, :, None] * H[:, None, :], entries.first)
    second[:, :d, :d] += np.add.reduceat(weight, entries.first)[:, None, None] * V
    second = (entries.patterns.T @ second.reshape(len(V), -1)).reshape(D, d + 1, d + 1)
    return ObservedSums(
        float(-0.5 * (weight @ twice)),
        weight.sum(),
        second,
        entries.X.T @ weighted,
        weight @ entries.observed,
        weight @ entries.X**2,
    )


def em_step(
    parameters: tuple[np.ndarray, np.ndarray, np.ndarray | float],
    entries: ObservedEntries | Blocks,
    floor: float,
    *,
    tied: bool = False,
) -> tuple[float, tuple[np.ndarray, np.ndarray, np.ndarray | float]]:
    r"""One exact EM iteration of a linear-Gaussian model on incomplete data.

    The M-step regresses each variable on the factors and a constant, over the samples that
    observe it, from the sums of `expected_statistics`:

    .. math::

        (\mathbf w_i, b_i) = \Bigl(\sum_{n \in O_i} \mathbb E[\tilde{\mathbf h}_n
        \tilde{\mathbf h}_n^\top]\Bigr)^{-1} \sum_{n \in O_i} x_{ni}\,
        \mathbb E[\tilde{\mathbf h}_n] .

    Parameters
    ----------
    parameters : tuple
        Loadings (n_features, n_components), offset (n_features,), noise variances (n_features,)
        or, when tied, the one noise variance.
    entries : ObservedEntries, or Blocks of them
        Of standardised data.
    floor : float
        Smallest noise variance.
    tied : bool, default False
        Whether all variables share one noise variance, as in PPCA.

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample of the observed entries, at the parameters given, in nats.
    parameters : tuple
        After the step.
    """
    if not isinstance(entries, ObservedEntries | Blocks):
        raise TypeError(f"entries must be ObservedEntries, got {type(entries).__name__}")
    with naming("parameters"):
        W, b, noise_variance = parameters
        D = entries.X.shape[1] if isinstance(entries, ObservedEntries) else np.size(b)
        W, b = check_matrix(W, "W", (D, None)), check_vector(b, "b", D)
        noise_variance = check_scalar_or_vector(noise_variance, "noise_variance", D)
        if not (noise_variance > 0).all():
            raise ValueError("noise_variance must be positive")
    check_real(floor, "floor", minimum=0)
    check_boolean(tied, "tied")
    sums = expected_statistics((W, b, noise_variance), entries)
    coefficients = np.linalg.solve(sums.second, sums.cross[:, :, None])[:, :, 0]
    residual = sums.squares - (coefficients * sums.cross).sum(axis=1)
    variance = residual.sum() / sums.counts.sum() if tied else residual / sums.counts
    return sums.log_likelihood / sums.n, (
        coefficients[:, :-1],
        coefficients[:, -1],
        np.maximum(variance, floor),
    )


def observed_gradient(
    parameters: tuple[np.ndarray, np.ndarray, np.ndarray | float],
    entries: ObservedEntries | Blocks,
) -> tuple[float, np.ndarray, np.ndarray]:
    r"""Gradient of the log-likelihood of the observed entries, from EM's E-step.

    It is that of the expected log-likelihood of data and factors (Fisher's identity, as in
    Dempster, Laird and Rubin 1977):

    .. math::

        \frac{\partial \ell}{\partial (\mathbf w_i, b_i)} = \frac{1}{N \sigma_i^2}
        \Bigl(\sum_{n \in O_i} x_{ni}\, \mathbb E[\tilde{\mathbf h}_n] -
        \sum_{n \in O_i} \mathbb E[\tilde{\mathbf h}_n \tilde{\mathbf h}_n^\top]
        (\mathbf w_i, b_i)\Bigr), \qquad
        \frac{\partial \ell}{\partial \log \sigma_i^2} = \frac{1}{2N} \sum_{n \in O_i}
        \Bigl(\frac{\mathbb E[(x_{ni} - \mathbf w_i^\top \mathbf h_n - b_i)^2]}{\sigma_i^2}
        - 1\Bigr) .

    Parameters
    ----------
    parameters, entries
        As for `expected_statistics`.

    Returns
    -------
    log_likelihood : float
        Mean per sample, in nats.
    by_coefficients : ndarray of shape (n_features, n_components + 1)
        With respect to the loadings and, in the last column, the offset.
    by_log_noise : ndarray of shape (n_features,)
    """
    sums = expected_statistics(parameters, entries)
    W, b, noise_variance = parameters
    coefficients, psi = np.column_stack([W, b]), np.broadcast_to(noise_variance, b.shape)
    fitted = np.einsum("ijk,ik->ij", sums.second, coefficients)
    residual = sums.squares + (coefficients * (fitted - 2 * sums.cross)).sum(axis=1)
    by_log_noise = (residual / psi - sums.counts) / (2 * sums.n)
    by_coefficients = (sums.cross - fitted) / (sums.n * psi[:, None])
    return sums.log_likelihood / sums.n, by_coefficients, by_log_noise


def maximise_observed(
    parameters: tuple[np.ndarray, np.ndarray, np.ndarray | float],
    entries: ObservedEntries | Blocks,
    floor: float,
    *,
    tied: bool = False,
    tol: float,
    max_iter: int,
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray | float], np.ndarray]:
    r"""Maximise the likelihood of the observed entries by a quasi-Newton method.

    EM crawls where little is known of the factors. So only some EM steps are taken, which lead
    near the maximum, and L-BFGS follows `observed_gradient` from there.

    Parameters
    ----------
    parameters, entries, floor, tied
        As for `em_step`.
    tol : float
        What may be left to gain, in nats per sample.
    max_iter : int
        Largest number of iterations; reaching it warns with `ConvergenceWarning`.

    Returns
    -------
    parameters : tuple
    trace : ndarray of shape (n_iter + 1,)
        Mean log-likelihood per sample of the start and after each iteration.
    """
    trace = []
    for _ in range(min(EM_STEPS, max_iter)):
        log_likelihood, parameters = em_step(parameters, entries, floor, tied=tied)
        trace.append(log_likelihood)
    D, d = parameters[0].shape

    def unpack(vector):
        G, log_noise = vector[: D * (d + 1)].reshape(D, d + 1), vector[D * (d + 1) :]
        return G[:, :-1], G[:, -1], np.exp(log_noise[0] if tied else log_noise)

    def loss(vector):
        log_likelihood, by_coefficients, by_noise = observed_gradient(unpack(vector), entries)
        return -log_likelihood, -np.r_[
            by_coefficients.ravel(), by_noise.sum() if tied else by_noise
        ]

    def record(intermediate_result):
        trace.append(-intermediate_result.fun)

    W, b, noise_variance = parameters
    start = np.r_[np.column_stack([W, b]).ravel(), np.log(noise_variance)]
    lower = np.full(start.shape, -np.inf)
    lower[D * (d + 1) :] = np.log(floor)
    trace.append(-loss(start)[0])
    result = optimize.minimize(
        loss,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=optimize.Bounds(lower, np.inf),
        callback=record,
        # What is left to gain is about the squared gradient; the factor allows for flat directions.
        options={
            "maxcor": 30,
            "ftol": 1e-2 * tol,
            "gtol": 1e-2 * tol**0.5,
            "maxiter": max(max_iter - EM_STEPS, 0),
            "maxfun": 20 * max_iter,
        },
    )
    if result.nit >= max_iter - EM_STEPS:
        warn(
            f"the quasi-Newton search stopped at max_iter={max_iter}; raise max_iter or tol",
            ConvergenceWarning,
        )
    return unpack(result.x), np.array(trace)
