"""Gaussian classes: their densities, and the EM step of a mixture of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .blocks import Blocks
from .classes import e_step, slices
from .moments import TINY, ClassMoments

LOG_2_PI = np.log(2 * np.pi)
#: Smallest part of a covariance's largest eigenvalue that double precision resolves with certainty.
RESOLVED = 1e-13
#: Where no mean is further from the origin than this many standard deviations of its own class,
#: products of coordinates keep log-densities exact to about 1e-9 nats.
NEAR = 3000
#: Full covariances of at most so many classes, and of more than so many variables per class, take
#: less time in coordinates: K D of them per sample, instead of about D^2 / 2 products.
FEW_CLASSES, VARIABLES_PER_CLASS = 10, 3

#: Maps a slice of data to something and log-densities; that and responsibilities to sums of the
#: slice; and the sums to moments.
Way = tuple[Callable, Callable, Callable]


def log_densities(X: np.ndarray, means: np.ndarray, covariances: np.ndarray) -> np.ndarray:
    r"""Log-densities of Gaussian classes.

    .. math::

        \log p(\mathbf x_n \mid z = k) = -\tfrac12 \bigl(D \log 2\pi + \log\lvert\Sigma_k\rvert
        + (\mathbf x_n - \boldsymbol\mu_k)^\top \Sigma_k^{-1} (\mathbf x_n - \boldsymbol\mu_k)
        \bigr)

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray
        Of shape (n_components, n_features, n_features), (n_components, n_features) or
        (n_components,).

    Returns
    -------
    ndarray of shape (n_samples, n_components)
        In nats.
    """
    evaluate, _, _ = _by_coordinates(means, covariances)
    log_density = np.empty((len(X), len(means)))
    for rows in slices(X, len(means)):
        log_density[rows] = evaluate(X[rows])[1].T
    return log_density


def em_step(
    parameters: tuple[np.ndarray, np.ndarray, np.ndarray],
    X: np.ndarray | Blocks,
    floor: np.ndarray,
    *,
    sample_weight: np.ndarray | None = None,
) -> tuple[float, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    r"""One EM iteration.

    The log of :math:`p(\mathbf x \mid z = k)` is linear in the products :math:`x_i x_j`, the
    :math:`x_i` and 1, and the M-step needs the responsibility-weighted sums of the same terms. So
    both steps are one matrix product each. Squares lose digits where a class is narrow and far
    from the middle of the classes, and of many variables there are more products than a few classes
    need. Then a slice of data is brought to the standard coordinates of each class,
    :math:`\mathbf y_{kn} = L_k^{-1} (\mathbf x_n - \boldsymbol\mu_k)` with
    :math:`\Sigma_k = L_k L_k^\top`, where no digits cancel.

    Parameters
    ----------
    parameters : tuple of ndarray
        Weights (n_components,), means (n_components, n_features), covariances.
    X : ndarray of shape (n_samples, n_features), or Blocks of that and of weights
    floor : ndarray of shape (n_features, n_features), (n_features,) or ()
        Smallest covariance of a class.
    sample_weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample at the parameters given, in nats.
    parameters : tuple of ndarray
        The parameters after the step.
    """
    weights, means, covariances = parameters
    (K, D), origin = means.shape, np.median(means, axis=0)
    few = covariances.ndim == 3 and K <= FEW_CLASSES and D > VARIABLES_PER_CLASS * K
    if not few and _distances(means, origin, _factors(covariances)).max() < NEAR:
        evaluate, collect, moments = _by_products(means, covariances, origin)
    else:
        evaluate, collect, moments = _by_coordinates(means, covariances)
    log_likelihood, sums = e_step(evaluate, collect, weights, X, sample_weight)
    return log_likelihood, m_step(moments(sums), floor)


def m_step(moments: ClassMoments, floor: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Parameters of highest likelihood above the floor, given the moments of the classes.

    .. math::

        \pi_k = \frac{n_k}{\sum_j n_j}, \qquad \boldsymbol\mu_k = \bar{\mathbf x}_k, \qquad
        \Sigma_k = F V \max(\Lambda, I)\, V^\top F^\top
        \quad\text{where}\quad
        F F^\top = \text{floor}, \quad
        F^{-1} S_k F^{-\top} = V \Lambda V^\top ,

    and :math:`S_k` is the covariance of class k: directions in which it is narrower than the floor
    are raised to it.

    Parameters
    ----------
    moments : ClassMoments
    floor : ndarray of shape (n_features, n_features), (n_features,) or ()

    Returns
    -------
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray
    """
    weights = moments.n / moments.n.sum()
    S = (moments.scatter.T / np.maximum(moments.n, TINY)).T
    if floor.ndim == 2:
        F = np.linalg.cholesky(floor)
        half = np.linalg.solve(F, S)
        spectrum, V = np.linalg.eigh(np.linalg.solve(F, half.transpose(0, 2, 1)))
        spectrum = np.maximum(spectrum, np.maximum(1, RESOLVED * spectrum[:, -1:]))
        root = F @ V * np.sqrt(spectrum)[:, None, :]
        return weights, moments.mean, root @ root.transpose(0, 2, 1)
    return weights, moments.mean, np.maximum(S if floor.ndim else S.mean(axis=1), floor)


def narrowest(covariances: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Smallest variance of each class in any direction, as a multiple of the floor."""
    if floor.ndim == 2:
        F = np.linalg.cholesky(floor)
        half = np.linalg.solve(F, covariances)
        return np.linalg.eigvalsh(np.linalg.solve(F, half.transpose(0, 2, 1)))[:, 0]
    return (covariances / floor).reshape(len(covariances), -1).min(axis=1)


def _by_products(means: np.ndarray, covariances: np.ndarray, origin: np.ndarray) -> Way:
    """Log-densities and sums by products of coordinates about an origin."""
    K, D = means.shape
    row, column = np.triu_indices(D)
    if covariances.ndim == 3:
        precision = np.linalg.inv(covariances)
        linear = (precision @ (means - origin)[:, :, None])[:, :, 0]
        quadratic = np.where(row == column, -0.5, -1.0) * precision[:, row, column]
    else:
        variance = covariances.reshape(K, -1)
        linear = (means - origin) / variance
        quadratic = -0.5 / variance
    constant = _log_peaks(covariances, D) - 0.5 * ((means - origin) * linear).sum(axis=1)
    coefficients = np.column_stack([quadratic, linear, constant])

    def evaluate(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        x = np.ascontiguousarray((X - origin).T)
        products = [x[i] * x[i:] for i in range(D)] if covariances.ndim == 3 else [x**2]
        if covariances.ndim == 1:
            products = [products[0].sum(axis=0, keepdims=True)]
        terms = np.concatenate([*products, x, np.ones((1, len(X)))])
        return terms, coefficients @ terms

    def collect(terms: np.ndarray, R: np.ndarray) -> np.ndarray:
        return R @ terms.T

    def moments(sums: np.ndarray) -> ClassMoments:
        n = sums[:, -1]
        squares, mean = np.split(sums[:, :-1] / np.maximum(n, TINY)[:, None], [-D], axis=1)
        if covariances.ndim == 3:
            S = np.empty((K, D, D))
            S[:, row, column] = S[:, column, row] = squares
            S -= mean[:, :, None] * mean[:, None, :]
        elif covariances.ndim == 2:
            S = squares - mean**2
        else:  # the mean over the variables stands for each
            S = (squares - (mean**2).sum(axis=1, keepdims=True)) / D * np.ones((K, D))
        return ClassMoments(n, origin + mean, (n * S.T).T)

    return evaluate, collect, moments


def _by_coordinates(means: np.ndarray, covariances: np.ndarray) -> Way:
    """Log-densities and sums in the standard coordinates of each class."""
    K, D = means.shape
    factors = _factors(covariances)
    peaks = _log_peaks(covariances, D)[:, None]

    def evaluate(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        Y = X.T - means[:, :, None]
        if factors.ndim == 3:
            Y = inverse @ Y
        else:
            Y /= factors[:, :, None]
        return Y, peaks - 0.5 * np.einsum("kdn,kdn->kn", Y, Y)

    if factors.ndim == 3:
        inverse = np.linalg.inv(factors)
    collect = partial(ClassMoments.from_block, diagonal=factors.ndim < 3)
    return evaluate, collect, lambda moments: moments.mapped(means, factors)


def _log_peaks(covariances: np.ndarray, D: int) -> np.ndarray:
    """Log-density of each class at its mean."""
    factors = _factors(covariances)
    scale = np.diagonal(factors, axis1=1, axis2=2) if factors.ndim == 3 else factors
    return -(np.log(scale) * np.ones(D)).sum(axis=1) - 0.5 * D * LOG_2_PI


def _factors(covariances: np.ndarray) -> np.ndarray:
    """Cholesky factors (K, D, D), or standard deviations (K, D) or (K, 1)."""
    if covariances.ndim == 3:
        return np.linalg.cholesky(covariances)
    return np.sqrt(covariances).reshape(len(covariances), -1)


def _distances(means: np.ndarray, origin: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Distance of each mean from a point, in standard deviations of its class."""
    if factors.ndim == 3:
        Y = np.linalg.solve(factors, (means - origin)[:, :, None])[:, :, 0]
    else:
        Y = (means - origin) / factors
    return np.sqrt((Y**2).sum(axis=1))
