"""EM on the observed entries of incomplete data, shared by factor analysis and PPCA."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from sklearn.utils import assert_all_finite

from .linear_factor import LinearGaussianModel

Summary = TypeVar("Summary")


def read_unless_missing(read: Callable[[np.ndarray], Summary], X: np.ndarray) -> Summary | None:
    """Summarise complete data; return None where entries are missing.

    Complete data are read once: that they are complete comes out of the sums.

    Parameters
    ----------
    read : callable
        Maps X to a summary, and raises ValueError where X is not finite.
    X : ndarray of shape (n_samples, n_features)
        NaN marks a missing entry; infinity is an error.

    Returns
    -------
    What `read` returns, or None
    """
    try:
        return read(X)
    except ValueError:
        assert_all_finite(X, allow_nan=True, input_name="X")
        if np.isnan(X).any():
            return None
        raise


def observed_mean_and_variance(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the observed entries of each column; NaN where there are none.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        NaN marks a missing entry.

    Returns
    -------
    mean, variance : ndarray of shape (n_features,)
    """
    observed = ~np.isnan(X)
    count = observed.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.where(observed, X, 0).sum(axis=0) / count
        return mean, (np.where(observed, X - mean, 0) ** 2).sum(axis=0) / count


def em_step_observed(parameters, X: np.ndarray, floor: float, *, tied: bool = False):
    r"""One exact EM iteration of a linear-Gaussian model on incomplete data.

    The E-step conditions each sample's factors on its observed entries only. The M-step regresses
    each variable on the factors and a constant, over the samples that observe it: with
    :math:`\tilde{\mathbf h} = (\mathbf h, 1)`,

    .. math::

        (\mathbf w_i, b_i) = \Bigl(\sum_{n \in O_i} \mathbb E[\tilde{\mathbf h}_n
        \tilde{\mathbf h}_n^\top]\Bigr)^{-1} \sum_{n \in O_i} x_{ni}\,
        \mathbb E[\tilde{\mathbf h}_n] .

    Parameters
    ----------
    parameters : tuple of ndarray
        Loadings (n_features, n_components), offset (n_features,), noise variances (n_features,)
        or, when tied, the one noise variance.
    X : ndarray of shape (n_samples, n_features)
        Standardised data; NaN marks a missing entry.
    floor : float
        Smallest noise variance.
    tied : bool, default False
        Whether all variables share one noise variance, as in PPCA.

    Returns
    -------
    log_likelihood : float
        Of the parameters given; mean a sample, in nats, of the observed entries.
    parameters : tuple of ndarray
        After the step.
    """
    model = LinearGaussianModel.from_parameters(*parameters)
    mean, covariance = model.posterior(X)
    N, d = mean.shape
    H = np.column_stack([mean, np.ones(N)])
    products = H[:, :, None] * H[:, None, :]
    products[:, :d, :d] += covariance
    observed = ~np.isnan(X)
    filled = np.where(observed, X, 0)
    second = (observed.T.astype(float) @ products.reshape(N, -1)).reshape(-1, d + 1, d + 1)
    cross = filled.T @ H
    regression = np.linalg.solve(second, cross[:, :, None])[:, :, 0]
    count = observed.sum(axis=0)
    residual = (filled**2).sum(axis=0) - (regression * cross).sum(axis=1)
    variance = residual.sum() / count.sum() if tied else residual / count
    return model.score(X), (regression[:, :d], regression[:, d], np.maximum(variance, floor))
