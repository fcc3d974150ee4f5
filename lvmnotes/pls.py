"""Partial least squares: scores of X with the largest covariance with Y, to predict Y from."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.base import MultiOutputMixin, RegressorMixin
from sklearn.utils import check_array, check_consistent_length

from .core.base import Codec, read_block
from .core.blocks import Blocks, Range, as_blocks, blocks_of, comes_in_blocks
from .core.validation import (
    check_boolean,
    check_integer,
    check_matrix,
    check_not_masked,
    check_numeric,
    naming,
)
from .core.warn import warn


class PLS(MultiOutputMixin, RegressorMixin, Codec):
    r"""Partial least squares regression.

    .. math::

        \mathbf h = G\,(\mathbf x - \mathbf b), \qquad
        \mathbf x \approx W \mathbf h + \mathbf b, \qquad
        \mathbf y \approx A\, \mathbf h + \bar{\mathbf y}

    The scores, the entries of h, are uncorrelated over the samples. Each in turn is the linear
    function, with coefficients of unit length, of what the scores before it leave of X that has the
    largest covariance with a linear function of Y, again of unit length (Wold, Martens and Wold
    1983; derivation in the chapter *Partial least squares*).

    Parameters
    ----------
    n_components : int, default 1
        Number of scores d, at most the number of variables and of samples. With as many as the rank
        of X, the predictions are those of least squares, with the smallest coefficients where
        these are not unique.
    scale : bool, default True
        Whether each variable of X and of Y is first divided by its standard deviation (with divisor
        N - 1, as in scikit-learn).

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Loadings of X, in the unit of X per unit of the score; no column has a negative sum. There
        are fewer columns than `n_components` if the fit stopped early, because nothing was left
        that varies with Y.
    G_ : ndarray of shape (n_components, n_features)
        Encoder: the scores are ``G_ @ (x - b_)``.
    y_loadings_ : ndarray of shape (n_targets, n_components)
        The matrix A, in the unit of Y per unit of the score.
    x_weights_ : ndarray of shape (n_features, n_components)
        Unit vectors of the covariances, orthogonal to each other, for the variables as they were
        scaled.
    coef_ : ndarray of shape (n_targets, n_features)
        The product A G: the prediction is ``coef_ @ (x - b_) + intercept_``.
    b_ : ndarray of shape (n_features,)
        Mean of X.
    intercept_ : ndarray of shape (n_targets,)
        Mean of Y, the prediction at the mean of X.

    Examples
    --------
    >>> import numpy as np
    >>> from lvmnotes import PLS
    >>> X = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 1.0], [3.0, 3.0]])
    >>> model = PLS(1).fit(X, [0.0, 2.0, 2.0, 4.0])
    >>> model.predict([[4.0, 4.0]]).round(3)
    array([5.333])
    """

    def __init__(self, n_components: int = 1, scale: bool = True):
        super().__init__(n_components)
        self.scale = scale

    def fit(self, X: ArrayLike, Y: ArrayLike) -> PLS:
        """Fit to two blocks of variables.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            At least two samples. A dask array, a memory-mapped file and an iterable of arrays are
            read block by block.
        Y : array_like of shape (n_samples,) or (n_samples, n_targets)
            In blocks of the same rows if `X` is.

        Returns
        -------
        PLS
        """
        if Y is None:
            raise ValueError("Y: PLS requires y to be passed, but the target y is None")
        if comes_in_blocks(X):
            check_not_masked(Y, "Y")
            data, D = blocks_of(X, Y=Y)
            self._set_n_features(D)
            data.min_rows = 2
            rows: Any = Y if hasattr(Y, "shape") else next(iter(Y))  # type: ignore[arg-type]
            data = data.map(partial(_read_pair, D, np.shape(rows)[1:]))
        else:
            X = self._read(X, reset=True, ensure_min_samples=2)
            data, D = as_blocks(X, read_targets(Y, X, "Y")), X.shape[1]
        check_boolean(self.scale, "scale")
        N = data.n_rows
        self._check_n_components(min(N, D), "n_features" if D <= N else "n_samples")
        data, (self.b_, mean), (unit, y_unit) = standardise(data, self.scale)
        self._one_target = mean.ndim == 0
        self.intercept_, y_unit = np.atleast_1d(mean), np.atleast_1d(y_unit)
        U, W, A = components(data, self.n_components)
        if U.shape[1] < self.n_components:
            warn(
                f"after {U.shape[1]} components X has nothing left that varies with Y, so the fit "
                f"has no more (n_components={self.n_components})"
            )
        sign = np.where(unit @ W < 0, -1.0, 1.0)
        U, W, A = U * sign, W * sign, A * sign
        score = 1.0 if self.scale else unit[0]  # without scaling the scores have the unit of X
        self.x_weights_ = U
        self.W_ = W * (unit / score)[:, None]
        self.y_loadings_ = A * (y_unit / score)[:, None]
        self.G_ = np.linalg.solve(U.T @ W, U.T) * (score / unit)
        self.coef_ = self.y_loadings_ @ self.G_
        return self

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Predict the second block from the first.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_targets)
            As many axes as Y had in the fit.
        """
        self._check_fitted()
        predicted = self._encode(self._read(X, reset=False)) @ self.y_loadings_.T + self.intercept_
        return predicted[:, 0] if self._one_target else predicted

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Share of the variance of Y that the predictions explain, R squared.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : array_like of shape (n_samples,) or (n_samples, n_targets)
            The second block, under the name that scikit-learn calls it by.
        sample_weight : array_like of shape (n_samples,), optional

        Returns
        -------
        float
            At most 1, the mean over the targets; negative where the mean would predict better.
        """
        X = self._read(X, reset=False)
        with naming("y"):
            return super().score(X, read_targets(y, X, "y"), sample_weight)

    def _encode(self, X: np.ndarray) -> np.ndarray:
        return (X - self.b_) @ self.G_.T

    def _decode(self, H: np.ndarray) -> np.ndarray:
        return H @ self.W_.T + self.b_


def nipals(X: np.ndarray, Y: np.ndarray, n_components: int) -> tuple[np.ndarray, ...]:
    r"""Directions and loadings of partial least squares, one after another.

    For residuals E of X and F of Y, in the beginning X and Y themselves,

    .. math::

        \mathbf u = \text{first left singular vector of } E^\top F, \qquad
        \mathbf t = E \mathbf u, \qquad
        \mathbf w = \frac{E^\top \mathbf t}{\mathbf t^\top \mathbf t}, \qquad
        \mathbf a = \frac{F^\top \mathbf t}{\mathbf t^\top \mathbf t}, \qquad
        E \leftarrow E - \mathbf t \mathbf w^\top, \qquad
        F \leftarrow F - \mathbf t \mathbf a^\top .

    It stops early where :math:`E^\top F` is zero up to round-off. The residual of Y is then
    orthogonal to every column of X.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Centred.
    Y : ndarray of shape (n_samples, n_targets)
        Centred.
    n_components : int

    Returns
    -------
    U : ndarray of shape (n_features, n_components)
        The unit vectors u; fewer columns after an early stop.
    W : ndarray of shape (n_features, n_components)
        Loadings w of X.
    A : ndarray of shape (n_targets, n_components)
        Loadings a of Y.
    """
    E, F = check_matrix(X, "X").copy(), check_matrix(Y, "Y", (len(X), None)).copy()
    check_integer(n_components, "n_components", minimum=1)
    return components(as_blocks(E, F), n_components)


def components(data: Blocks, n_components: int) -> tuple[np.ndarray, ...]:
    """Directions and loadings as `nipals` finds them, from sums over blocks.

    Parameters
    ----------
    data : Blocks
        Of X and Y, which are overwritten.
    n_components : int

    Returns
    -------
    U, W, A : ndarray
    """
    N, norms = data.n_rows, data.total(lambda E, F: ([linalg.norm(E)], [linalg.norm(F)]))
    size = linalg.norm(norms[0]) * linalg.norm(norms[1])
    found: list[tuple[np.ndarray, ...]] = []
    for _ in range(n_components):
        C = data.total(lambda E, F: E.T @ F)
        round_off = np.finfo(float).eps * (100 + max(N, len(C))) * size
        if linalg.norm(C) <= round_off:
            break
        u = linalg.svd(C, full_matrices=False)[0][:, 0]
        data = data.map(partial(_with_score, u))
        square, x_sums, y_sums = data.total(lambda E, F, t: (t @ t, E.T @ t, F.T @ t))
        w, a = x_sums / square, y_sums / square
        data = data.map(partial(_residuals, w, a))
        found.append((u, w, a))
    if not found:
        return np.empty((len(C), 0)), np.empty((len(C), 0)), np.empty((C.shape[1], 0))
    return tuple(np.column_stack(columns) for columns in zip(*found, strict=True))


def _with_score(u: np.ndarray, E: np.ndarray, F: np.ndarray) -> tuple[np.ndarray, ...]:
    return E, F, E @ u


def _residuals(
    w: np.ndarray, a: np.ndarray, E: np.ndarray, F: np.ndarray, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Subtract what the scores t explain, in place and in one pass."""
    dger = linalg.blas.dger
    return dger(-1.0, w, t, a=E.T, overwrite_a=1).T, dger(-1.0, a, t, a=F.T, overwrite_a=1).T


def standardise(data: Blocks, scale: bool) -> tuple[Blocks, tuple, tuple]:
    """Centre the variables of X and Y, and divide them by their units.

    The unit is the standard deviation of the variable, with divisor N - 1, or without scaling the
    largest deviation of all variables from their means. Variables that are constant, up to the
    round-off of their mean, become zero.

    Parameters
    ----------
    data : Blocks
        Of X (n_samples, n_features) and Y (n_samples,) or (n_samples, n_targets).
    scale : bool

    Returns
    -------
    data : Blocks
        Of both, as matrices.
    means : tuple of ndarray, shapes (n_features,) and () or (n_targets,)
    units : tuple of ndarray, of the same shapes
    """
    sums = data.total(lambda *both: tuple((V.sum(axis=0), Range.of(V)) for V in both))
    means = tuple(total / data.n_rows for total, _ in sums)
    units, varying = [], []
    for mean, (_, extremes) in zip(means, sums, strict=True):
        largest = np.maximum(extremes.high - mean, mean - extremes.low)
        varies = largest > 16 * np.finfo(float).eps * np.abs(mean)
        common = np.max(largest, where=varies, initial=0.0) or 1.0
        units.append(np.where(varies, largest, 1.0) if scale else np.full(np.shape(mean), common))
        varying.append(varies)
    data = data.map(partial(_in_units, means, units, varying))
    if not scale:
        return data, means, tuple(units)
    # The largest number is 1 now, so the squares neither overflow nor underflow.
    squares = data.total(lambda *both: tuple((Z**2).sum(axis=0) for Z in both))
    spreads = [
        np.where(varies, np.sqrt(square.reshape(varies.shape) / (data.n_rows - 1)), 1.0)
        for varies, square in zip(varying, squares, strict=True)
    ]
    units = [unit * spread for unit, spread in zip(units, spreads, strict=True)]
    return data.map(partial(_divided, spreads)), means, tuple(units)


def _in_units(means, units, varying, *both: np.ndarray) -> tuple[np.ndarray, ...]:
    """Deviations from the means, in the units; zero for variables that do not vary."""
    found = []
    for V, mean, unit, varies in zip(both, means, units, varying, strict=True):
        Z = (V - mean).reshape(len(V), -1)
        Z[:, ~np.atleast_1d(varies)] = 0.0
        Z /= unit
        found.append(Z)
    return tuple(found)


def _divided(spreads, *both: np.ndarray) -> tuple[np.ndarray, ...]:
    for Z, spread in zip(both, spreads, strict=True):
        Z /= spread
    return both


def _read_pair(
    n_features: int, targets: tuple[int, ...], X: ArrayLike, Y: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Return a block of both, or raise."""
    X, _ = read_block(n_features, {}, False, X)
    Y = read_targets(Y, X, "Y")
    if Y.shape[1:] != targets:
        raise ValueError(f"Y must have the same targets in each block: {Y.shape[1:]}, {targets}")
    return X, Y


def read_targets(Y: ArrayLike, X: np.ndarray, name: str) -> np.ndarray:
    """Return Y as an array of floats with a row for each of X, or raise."""
    check_numeric(Y, name)
    with naming(name):
        Y = check_array(Y, dtype=np.float64, ensure_2d=False, input_name=name)
        check_consistent_length(X, Y)
    return Y
