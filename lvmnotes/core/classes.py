"""What models with a hidden class share: responsibilities, sums over rows, starting values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar

import numpy as np
from sklearn.cluster import KMeans

from .blocks import Blocks, as_blocks
from .em import Parameters
from .moments import ClassMoments

#: Numbers that one array of a slice holds, about: enough for fast matrix products, few enough to
#: stay in the processor's cache. And the least number of rows of a slice.
SLICE_SIZE, FEWEST_ROWS = 2**16, 256
#: Rows that the starting values are sought on, at most (but 40 per class).
START_SIZE = 1024
#: Short runs of EM that compete for each start, the rounds of k-means before each, and the steps of
#: k-means in a round and of EM in a run.
SHORT_RUNS, ROUNDS, KMEANS_STEPS, SHORT_STEPS = 6, 2, 10, 8

Sums = TypeVar("Sums")


def log_weights(weights: np.ndarray) -> np.ndarray:
    """Logarithms of class probabilities; minus infinity for a class that has lost all samples."""
    with np.errstate(divide="ignore"):
        return np.log(weights)


def normalised_rows(table: np.ndarray, otherwise: np.ndarray, smallest: float = 0.0) -> np.ndarray:
    """Rows divided by their sums; another table's rows where a sum is not above `smallest`."""
    total = table.sum(axis=1, keepdims=True)
    enough = total > smallest
    return np.where(enough, table / np.where(enough, total, 1.0), otherwise)


def responsibilities(log_joint: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Log-densities and responsibilities.

    .. math::

        \log p(\mathbf x_n) = \log \sum_k e^{a_{kn}}, \qquad
        r_{kn} = e^{a_{kn}} / p(\mathbf x_n), \qquad
        a_{kn} = \log \pi_k\, p(\mathbf x_n \mid z = k) .

    Parameters
    ----------
    log_joint : ndarray of shape (n_components, n_samples)
        Overwritten.

    Returns
    -------
    log_density : ndarray of shape (n_samples,)
    R : ndarray of shape (n_components, n_samples)
        Each column sums to 1.
    """
    top = log_joint.max(axis=0)
    R = np.exp(np.subtract(log_joint, top, out=log_joint), out=log_joint)
    total = R.sum(axis=0)
    R /= total
    return top + np.log(total), R


def e_step(
    evaluate: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    collect: Callable[[np.ndarray, np.ndarray], Sums],
    weights: np.ndarray,
    X: np.ndarray | Blocks,
    sample_weight: np.ndarray | None = None,
) -> tuple[float, Sums]:
    """Log-likelihood, and the sums that the M-step needs, slice by slice and block by block.

    Parameters
    ----------
    evaluate : callable
        Maps a slice of data (n, n_features) to what `collect` needs of it, and to its
        log-densities (n_components, n).
    collect : callable
        Maps the former and responsibilities (n_components, n) to the sums of one slice. The sums
        of two slices add up with ``+``.
    weights : ndarray of shape (n_components,)
        Class probabilities.
    X : ndarray of shape (n_samples, n_features), or Blocks of that and of weights
    sample_weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    log_likelihood : float
        Mean per sample, in nats.
    sums
    """
    part = partial(_block_sums, evaluate, collect, weights)
    log_likelihood, n, sums = as_blocks(X, sample_weight).total(part)
    return log_likelihood / n, sums


def _block_sums(
    evaluate: Callable,
    collect: Callable,
    weights: np.ndarray,
    X: np.ndarray,
    sample_weight: np.ndarray | None,
) -> tuple[float, float, Any]:
    """Log-likelihood, number of samples, and the sums of a block; see `e_step`."""
    log_prior = log_weights(weights)[:, None]
    sample_weight = np.ones(len(X)) if sample_weight is None else sample_weight
    log_likelihood = 0.0
    sums: Any = None
    for rows in slices(X, len(weights)):
        terms, log_density = evaluate(X[rows])
        log_density, R = responsibilities(np.add(log_density, log_prior, out=log_density))
        log_likelihood += sample_weight[rows] @ log_density
        R *= sample_weight[rows]
        part = collect(terms, R)
        sums = part if sums is None else sums + part
    return log_likelihood, sample_weight.sum(), sums


def slices(X: np.ndarray, n_components: int) -> Iterable[slice]:
    """Slices of rows, of which the coordinates in all classes fit into the cache.

    Of many variables a slice holds more: matrix products of few rows are slow.
    """
    size = max(FEWEST_ROWS, SLICE_SIZE // (n_components * X.shape[1]))
    return (slice(start, start + size) for start in range(0, len(X), size))


def start_rows(
    data: Blocks, n_components: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Different rows that starting values are sought on, sorted, and their weights.

    All rows where they are few. Then the start depends neither on their order nor on whether a
    row is repeated or has a weight.
    """
    n, size = data.n_rows, max(START_SIZE, 40 * n_components)
    some = rng.choice(n, size, replace=False, shuffle=False) if n > size else np.arange(n)
    X, *weight = data.rows(some)
    rows, index = np.unique(X.astype(float), axis=0, return_inverse=True)
    return rows, np.bincount(index.ravel(), *weight).astype(float)


def k_means(
    Z: np.ndarray,
    rows: np.ndarray,
    weight: np.ndarray,
    n_components: int,
    rng: np.random.Generator,
    *,
    diagonal: bool = False,
) -> ClassMoments:
    """Moments of the classes of k-means.

    Parameters
    ----------
    Z : ndarray of shape (n_samples, n_features)
        Coordinates in which the classes are sought, from a k-means++ seeding (Arthur and
        Vassilvitskii 2007).
    rows : ndarray of shape (n_samples, n_features)
        The same samples, in the units of the data.
    weight : ndarray of shape (n_samples,)
    n_components : int
    rng : numpy.random.Generator
    diagonal : bool, default False
        Whether only the diagonals of the scatters are needed.

    Returns
    -------
    ClassMoments
    """
    n_clusters, seed = min(n_components, len(Z)), int(rng.integers(2**31))
    fit = KMeans(n_clusters, n_init=1, max_iter=KMEANS_STEPS, tol=0, random_state=seed)
    labels = fit.fit(Z, sample_weight=weight).labels_
    R = np.equal.outer(np.arange(n_components), labels) * weight
    Y = np.broadcast_to(rows.T, (n_components, *rows.T.shape)).copy()
    return ClassMoments.from_block(Y, R, diagonal=diagonal)


def best_of_short_runs(
    step: Callable[[Parameters], tuple[float, Parameters]],
    start: Callable[[Parameters | None], Parameters],
) -> Parameters:
    """Parameters after a few steps of EM, from the start that comes highest in so many.

    Known as em-EM (Biernacki, Celeux and Govaert 2003).

    Parameters
    ----------
    step : callable
        An EM step on the rows that starting values are sought on.
    start : callable
        Draws initial parameters, given those at the end of the previous run (None in the first).

    Returns
    -------
    parameters
    """
    ends: list[tuple[float, Parameters]] = []
    for _ in range(SHORT_RUNS):
        parameters = start(ends[-1][1] if ends else None)
        for _ in range(SHORT_STEPS):
            log_likelihood, parameters = step(parameters)
        ends.append((log_likelihood, parameters))
    return max(ends, key=lambda end: end[0])[1]
