"""The covariance of neighbours: a unit of length that no outlier and no far cluster changes."""

from __future__ import annotations

import numpy as np
from scipy import linalg, special
from scipy.spatial.distance import cdist

#: Rows among which the centre of the tightest ball is sought: all their distances are held.
N_PROBES = 256
#: Largest number of concentration steps; most data need fewer than ten.
MAX_STEPS = 50
#: Smallest eigenvalue of a correlation matrix that is not taken for a linear dependence.
DEPENDENT = 1e-12
#: The same, below which an outlier or a far cluster hides the rest of the data.
HIDDEN = 1e-6
KINDS = ("spherical", "diag", "full")


def local_covariance(
    X: np.ndarray, weight: np.ndarray, share: float, kind: str
) -> np.ndarray | None:
    r"""Covariance of the tightest part of the data.

    .. math::

        C_\text{local} = \frac1m \sum_{n \in T} (\mathbf x_n - \bar{\mathbf x}_T)
        (\mathbf x_n - \bar{\mathbf x}_T)^\top,

    where T holds the share :math:`m / N` of the samples that are nearest to its mean in the metric
    of its covariance: the minimum covariance determinant (Rousseeuw 1985) of a small share, found
    by concentration steps (Rousseeuw and Van Driessen 1999) from the smallest ball that holds the
    share. Samples outside T do not enter, so neither outliers nor the distances between clusters
    do. A share in which some direction has no variance is doubled.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    weight : ndarray of shape (n_samples,)
        Positive.
    share : float
        Of the total weight, between 0 and 1.
    kind : {"full", "diag", "spherical"}
        The metric, and the result: a covariance matrix or one variance per variable (equivariant
        under changes of units; under other linear maps of X the steps may end in another part that
        is as tight), or the mean of the variances (under rotations, and one unit for all).

    Returns
    -------
    ndarray of shape (n_features, n_features), (n_features,) or ()
        None if even all samples together have a direction without variance.
    """
    if kind == "full":
        share = max(share, (2 * X.shape[1] + 1) / len(X))
    while share < 1:
        covariance = _concentrate(X, weight, share, kind)
        if covariance is not None:
            return covariance / _central_half(X.shape[1])
        share *= 2
    return _covariance(X, weight, kind)[1]


def whiten(X: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Bring data to coordinates in which a covariance is the identity.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    covariance : ndarray of shape (n_features, n_features), (n_features,) or ()
        Of any of the three kinds.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
    """
    if covariance.ndim < 2:
        return X / np.sqrt(covariance)
    return linalg.solve_triangular(np.linalg.cholesky(covariance), X.T, lower=True).T


def by_distance(
    X: np.ndarray, weight: np.ndarray, local: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Order samples by their distance from the mean, and return its metric, too.

    The metric is the covariance of all samples, so that for a full covariance the order does not
    depend on any linear map of the data; or the local covariance where outliers or far clusters
    hide everything else.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    weight : ndarray of shape (n_samples,)
    local : ndarray of shape (n_features, n_features), (n_features,) or ()
        The local covariance.

    Returns
    -------
    order : ndarray of int, shape (n_samples,)
    metric : ndarray of the shape of `local`
    """
    mean, metric = _covariance(X, weight, KINDS[local.ndim], smallest=HIDDEN)
    if metric is None:
        metric = local
    return _ranked((whiten(X - mean, metric) ** 2).sum(axis=1)), metric


def is_dependent(correlation: np.ndarray, smallest: float = DEPENDENT) -> bool:
    """Whether some variable is a linear function of the others, but for a small part."""
    return bool(np.linalg.eigvalsh(correlation)[0] < smallest)


def _central_half(n_features: int) -> float:
    """Variance of the central half of a Gaussian, as a part of the Gaussian's."""
    radius = special.gammaincinv(n_features / 2, 0.5)
    return 2 * special.gammainc(n_features / 2 + 1, radius)


def _concentrate(X: np.ndarray, weight: np.ndarray, share: float, kind: str) -> np.ndarray | None:
    """Concentration steps from the tightest ball; None if they end without variance."""
    unit = np.ones(X.shape[1])
    if kind != "spherical":
        unit = np.array([_shortest_interval(column, weight, share) for column in X.T])
    probes = slice(None, None, -(-len(X) // N_PROBES))
    Z, w = X[probes] / unit, weight[probes]
    distance = cdist(Z, Z)
    order = _ranked(distance)
    enough = (w[order].cumsum(axis=1) >= share * w.sum()).argmax(axis=1)
    radius = distance[range(len(Z)), order[range(len(Z)), enough]]
    distance = ((X / unit - Z[_ranked(radius)[0]]) ** 2).sum(axis=1)
    part = None
    for _ in range(MAX_STEPS):
        previous, part = part, _nearest(distance, weight, share)
        if previous is not None and (part == previous).all():
            break
        mean, covariance = _covariance(X, part, kind)
        if covariance is None:
            return None
        distance = (whiten(X - mean, covariance) ** 2).sum(axis=1)
    return covariance


def _ranked(distance: np.ndarray) -> np.ndarray:
    """Rank distances, in single precision, so that no round-off decides between equal ones."""
    scaled = distance / (distance.max() or 1)
    return scaled.astype(np.float32).argsort(axis=-1, kind="stable")


def _nearest(distance: np.ndarray, weight: np.ndarray, share: float) -> np.ndarray:
    """Weights of the nearest samples, which together hold a share; the last one in part."""
    order = _ranked(distance)
    before = weight[order].cumsum() - weight[order]
    part = np.empty(len(weight))
    part[order] = np.clip(share * weight.sum() - before, 0, weight[order])
    return part


def _covariance(
    X: np.ndarray, weight: np.ndarray, kind: str, smallest: float = DEPENDENT
) -> tuple[np.ndarray, np.ndarray | None]:
    """Mean and covariance of weighted samples; None for one that leaves a direction out."""
    X, weight = X[weight > 0], weight[weight > 0] / weight.sum()
    mean = X[0] + weight @ (X - X[0])
    Z = (X - mean) * np.sqrt(weight)[:, None]
    variance = (Z**2).sum(axis=0)
    if kind == "spherical":
        return mean, variance.mean() if variance.any() else None
    if not variance.all():
        return mean, None
    if kind == "diag":
        return mean, variance
    Z /= np.sqrt(variance)
    if is_dependent(Z.T @ Z, smallest):
        return mean, None
    return mean, Z.T @ Z * np.sqrt(np.outer(variance, variance))


def _shortest_interval(x: np.ndarray, weight: np.ndarray, share: float) -> float:
    """Length of the shortest interval that holds a share; of the next larger if that is zero."""
    order = x.argsort()
    x, weight = x[order], weight[order]
    held = weight.cumsum()
    while share < 1:
        last = np.searchsorted(held, held - weight + share * held[-1])
        inside = last < len(x)
        length = (x[last[inside]] - x[inside]).min()
        if length > 0:
            return length
        share *= 2
    return x[-1] - x[0] or 1.0
