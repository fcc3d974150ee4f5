"""Sparse codes: the lasso for many samples that share one dictionary, solved exactly.

The objective of a sample is that of the chapter *Sparse coding*, equation (eq-sc-objective),

    lam * norm1(h) + beta * norm2(x - W h - b)^2 .

The minimiser depends only on alpha = lam / (2 beta), which is the penalty of scikit-learn and of
SPAMS; they minimise alpha * norm1(h) + norm2(x - W h)^2 / 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning

from .core.validation import check_integer, check_matrix, check_real, check_vector
from .core.warn import warn

#: Largest duality gap of a code, as a share of the objective of the code 0.
GAP = 1e-9
#: Number of samples whose paths are followed together, so that their arrays stay in the cache.
CHUNK = 512
#: A velocity, a pivot or a share of the path below this is round-off.
TINY = 1e-10
MAX_SWEEPS = 1_000


def sparse_encode(
    X: ArrayLike, W: ArrayLike, lam: float, beta: float = 1.0, b: ArrayLike | float = 0.0
) -> np.ndarray:
    r"""Most probable codes under a Laplace prior: the lasso, one sample per row.

    .. math::

        \mathbf h^*(\mathbf x) = \arg\min_{\mathbf h}\;
        \lambda \lVert \mathbf h \rVert_1
        + \beta \lVert \mathbf x - W \mathbf h - \mathbf b \rVert_2^2

    to a duality gap of at most 1e-9 of the objective of :math:`\mathbf h = \mathbf 0`.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
    W : array_like of shape (n_features, n_components)
        Dictionary, one atom of any norm per column.
    lam : float
        Weight of the L1 norm, not negative.
    beta : float, default 1
        Precision of the noise, positive.
    b : float or array_like of shape (n_features,), default 0
        Offset.

    Returns
    -------
    ndarray of shape (n_samples, n_components)
        Entries that the L1 norm sets to zero are exactly 0.

    Raises
    ------
    ValueError
        If shapes do not match, a value is not finite, `lam` is negative or `beta` not positive.

    Notes
    -----
    Each row follows its regularisation path, the homotopy of Osborne, Presnell and Turlach (2000)
    and Efron et al. (2004), and all rows take their steps together. Codes on the path are unique
    unless atoms are linearly dependent; of two equal atoms the first is used. If round-off makes
    the path of a row inaccurate, coordinate descent completes the code; a `ConvergenceWarning` is
    given if it does not reach the gap.

    Examples
    --------
    With orthonormal atoms, each correlation moves towards zero by lam / (2 beta), here 1:

    >>> import numpy as np
    >>> from lvmnotes import sparse_encode
    >>> sparse_encode([[3.0, 0.5, -2.0]], np.eye(3), lam=2.0)
    array([[ 2.,  0., -1.]])
    """
    X, W, b = _check_problem(X, W, lam, beta, b)
    X = X - b
    gram, correlations = W.T @ W, X @ W
    alpha = _levels(correlations, lam, beta)
    H = np.empty_like(correlations)
    # Rows with similar numbers of candidate atoms take similar numbers of steps.
    order = np.argsort((np.abs(correlations) > alpha[:, None]).sum(axis=1))
    for rows in np.array_split(order, -(-len(X) // CHUNK)):
        H[rows] = _follow_paths(correlations[rows], gram, alpha[rows])
    lost = np.flatnonzero(_duality_gap(X, H, W, alpha, 0.5) > GAP * 0.5 * (X**2).sum(axis=1))
    if lost.size:
        H[lost] = coordinate_descent(X[lost], W, lam, beta, start=H[lost])
    return H


def objective(
    X: ArrayLike,
    H: ArrayLike,
    W: ArrayLike,
    lam: float,
    beta: float = 1.0,
    b: ArrayLike | float = 0.0,
) -> np.ndarray:
    """Value of lam * norm1(h) + beta * norm2(x - W h - b)^2, for each sample.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
    H : array_like of shape (n_samples, n_components)
        Any codes. A single row of `X` or of `H` is shared by all rows of the other.
    W : array_like of shape (n_features, n_components)
    lam, beta : float
    b : float or array_like of shape (n_features,)

    Returns
    -------
    ndarray of shape (n_samples,)
    """
    X, W, b = _check_problem(X, W, lam, beta, b)
    H = _check_codes(H, X, W)
    R = X - H @ W.T - b
    return lam * np.abs(H).sum(axis=1) + beta * (R**2).sum(axis=1)


def duality_gap(
    X: ArrayLike,
    H: ArrayLike,
    W: ArrayLike,
    lam: float,
    beta: float = 1.0,
    b: ArrayLike | float = 0.0,
) -> np.ndarray:
    r"""Duality gap of each code: no code has an objective that is lower by more than this.

    The dual problem is to maximise :math:`\beta(\lVert\mathbf x-\mathbf b\rVert^2 -
    \lVert\mathbf x-\mathbf b-\boldsymbol\theta\rVert^2)` over the :math:`\boldsymbol\theta` with
    :math:`2\beta\lVert W^\top\boldsymbol\theta\rVert_\infty\le\lambda`; the residual of the code,
    scaled down until it satisfies this constraint, is such a point.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
    H : array_like of shape (n_samples, n_components)
        Any codes. A single row of `X` or of `H` is shared by all rows of the other.
    W : array_like of shape (n_features, n_components)
    lam, beta : float
    b : float or array_like of shape (n_features,)

    Returns
    -------
    ndarray of shape (n_samples,)
        Not negative, up to round-off.
    """
    X, W, b = _check_problem(X, W, lam, beta, b)
    return _duality_gap(X - b, _check_codes(H, X, W), W, lam, beta)


def _duality_gap(X, H, W, lam, beta):
    """Gap for centred data; `lam` may differ from row to row."""
    R = X - H @ W.T
    steepest = 2 * beta * np.abs(R @ W).max(axis=1)
    shrink = np.minimum(1, np.divide(lam, steepest, where=steepest > 0, out=np.ones(len(R))))
    theta = shrink[:, None] * R
    return (
        lam * np.abs(H).sum(axis=1)
        + beta * (R**2).sum(axis=1)
        - beta * (theta * (2 * X - theta)).sum(axis=1)
    )


def coordinate_descent(
    X: ArrayLike,
    W: ArrayLike,
    lam: float,
    beta: float = 1.0,
    b: ArrayLike | float = 0.0,
    *,
    start: ArrayLike | None = None,
    max_iter: int = MAX_SWEEPS,
) -> np.ndarray:
    """Minimise the objective of `sparse_encode` over one code entry at a time, in turn.

    It never increases the objective, for any atoms, but is slower than following the paths.

    Parameters
    ----------
    X, W, lam, beta, b
        As for `sparse_encode`.
    start : array_like of shape (n_samples, n_components), optional
        Initial codes; by default 0.
    max_iter : int
        Largest number of sweeps over the entries. If it is reached before the duality gap of
        `sparse_encode`, a `ConvergenceWarning` is given.

    Returns
    -------
    ndarray of shape (n_samples, n_components)
    """
    X, W, b = _check_problem(X, W, lam, beta, b)
    X = X - b
    alpha = _levels(X @ W, lam, beta)
    check_integer(max_iter, "max_iter", minimum=1)
    H = np.zeros((len(X), W.shape[1]))
    if start is not None:
        H += check_matrix(start, "start", H.shape)
    limit = GAP * 0.5 * (X**2).sum(axis=1)
    gram = W.T @ W
    used = np.flatnonzero(np.diag(gram))
    H[:, np.diag(gram) == 0] = 0
    rows = np.arange(len(X))
    for _ in range(max_iter):
        h = H[rows]
        correlations = (X[rows] - h @ W.T) @ W
        for k in used:
            z = h[:, k] * gram[k, k] + correlations[:, k]
            moved = np.sign(z) * np.maximum(np.abs(z) - alpha[rows], 0) / gram[k, k] - h[:, k]
            h[:, k] += moved
            correlations -= moved[:, None] * gram[k]
        H[rows] = h
        rows = rows[_duality_gap(X[rows], h, W, alpha[rows], 0.5) > limit[rows]]
        if not rows.size:
            return H
    warn(
        f"coordinate descent stopped after {max_iter} sweeps with {len(rows)} of {len(X)} codes "
        "above their duality gap",
        ConvergenceWarning,
    )
    return H


def _levels(correlations, lam, beta):
    """Penalty of each row; for lam = 0, a lower bound of the size of round-off."""
    return np.maximum(lam / (2 * beta), TINY * np.abs(correlations).max(axis=1))


def _follow_paths(correlations, gram, end):
    r"""Codes of samples with correlations X W (n, d), for their Gram matrix W^T W.

    The path of a row begins at the level of its largest correlation, where the code is 0, and
    stops at `end` (n,).

    At level t the optimal code has :math:`W_A^\top(\mathbf x - W\mathbf h) = t\,\mathbf s` on its
    active atoms A with signs s, and smaller correlations on the others. Between events it moves
    along :math:`\mathbf w = G_{AA}^{-1}\mathbf s` as t falls. An event is an atom whose correlation
    catches up with the level and joins, or an active entry that reaches zero and leaves; either
    changes the inverse of :math:`G_{AA}` by a matrix of rank one. A row keeps its active atoms in
    slots; an empty slot holds atom d, whose row and column in the Gram matrix are zero.
    """
    d = len(gram)
    gram = np.pad(gram, (0, 1))
    H = np.zeros((len(correlations), d + 1))
    initial = np.pad(correlations, ((0, 0), (0, 1)))
    level = np.abs(correlations).max(axis=1)
    rows = np.flatnonzero(level > end)
    correlations, level, end = initial[rows], level[rows], end[rows]
    n_slots = 8
    index = np.full((len(rows), n_slots), d)
    h = np.zeros((len(rows), n_slots))
    sign = np.zeros((len(rows), n_slots))
    inverse = np.zeros((len(rows), n_slots, n_slots))
    atom, slot = np.abs(correlations).argmax(axis=1), np.zeros(len(rows), dtype=int)
    joins = np.ones(len(rows), dtype=bool)
    # A path takes about two steps per atom; a path with many more steps is in a cycle.
    for _ in range(20 * d):
        if not rows.size:
            break
        # The event: the atom joins in the slot, or the slot's atom leaves it.
        r = np.arange(len(rows))
        g = gram[atom[:, None], index]
        v = np.matmul(inverse, g[:, :, None])[:, :, 0]
        pivot = gram[atom, atom] - (g * v).sum(axis=1)
        dependent = joins & (pivot <= TINY * gram[atom, atom])
        # A dependent atom would add nothing, so exclude it.
        correlations[r[dependent], atom[dependent]] = np.nan
        atom[dependent], pivot[dependent] = d, np.inf
        v[r, slot] = -1
        leave, left = r[~joins], slot[~joins]
        v[leave] = inverse[leave, left]
        pivot[leave] = -inverse[leave, left, left]
        inverse += (v / pivot[:, None])[:, :, None] * v[:, None, :]
        inverse[leave, left] = inverse[leave, :, left] = 0
        index[r, slot] = atom
        sign[r, slot] = np.where(joins, np.sign(correlations[r, atom]), 0)
        h[r, slot] = 0

        # The way to the next one.
        w = np.matmul(inverse, sign[:, :, None])[:, :, 0]
        direction = np.zeros((len(rows), d + 1))
        direction[r[:, None], index] = w
        slope = direction @ gram
        to_join = np.full(slope.shape, np.inf)
        for side in (1, -1):
            closing = 1 - side * slope
            distance = level[:, None] - side * correlations
            distance /= np.where(closing > TINY, closing, np.nan)
            np.fmin(to_join, distance, out=to_join)
        to_join[r[:, None], index] = to_join[:, d] = np.inf
        atom = to_join.argmin(axis=1)
        to_join = to_join[r, atom]
        to_zero = np.full(w.shape, np.inf)
        np.divide(-h, w, out=to_zero, where=w * sign < 0)
        slot = to_zero.argmin(axis=1)
        to_zero = to_zero[r, slot]
        joins = to_join < to_zero
        step = np.maximum(np.minimum(to_join, to_zero), 0)
        to_end = level - end
        on = step < (1 - TINY) * to_end
        step = np.where(on, step, to_end)
        h += step[:, None] * w
        correlations -= step[:, None] * slope
        level -= step

        # Rows at the end of their path leave; the others get room for the atom that joins.
        if not on.all():
            done = ~on
            H[rows[done, None], index[done]] = h[done]
            # One step of iterative refinement removes the round-off of the path.
            left = np.take_along_axis(initial[rows[done]] - H[rows[done]] @ gram, index[done], 1)
            left -= end[done, None] * sign[done]
            H[rows[done, None], index[done]] += np.matmul(inverse[done], left[:, :, None])[:, :, 0]
            rows, correlations, level, end, index, h, sign, inverse, atom, slot, joins = (
                array[on]
                for array in (
                    rows,
                    correlations,
                    level,
                    end,
                    index,
                    h,
                    sign,
                    inverse,
                    atom,
                    slot,
                    joins,
                )
            )
        if not (index[joins] == d).any(axis=1).all():
            index = np.pad(index, ((0, 0), (0, n_slots)), constant_values=d)
            h, sign = (np.pad(array, ((0, 0), (0, n_slots))) for array in (h, sign))
            inverse = np.pad(inverse, ((0, 0), (0, n_slots), (0, n_slots)))
            n_slots *= 2
        slot = np.where(joins, (index == d).argmax(axis=1), slot)
        atom = np.where(joins, atom, d)
    H[rows[:, None], index] = h
    return H[:, :d]


def _check_problem(X, W, lam, beta, b):
    """Return X, W and b as arrays that fit together, or say what does not."""
    X, W = check_matrix(X, "X"), check_matrix(W, "W")
    if X.shape[1] != len(W):
        raise ValueError(
            f"W must have a row for each of the {X.shape[1]} features of X, got shape {W.shape}"
        )
    check_real(lam, "lam", minimum=0)
    check_real(beta, "beta", minimum=0, inclusive=False)
    b = np.full(len(W), check_real(b, "b")) if np.ndim(b) == 0 else check_vector(b, "b", len(W))
    return X, W, b


def _check_codes(H, X, W):
    """Return codes as an array with a row for each sample, or say what does not fit."""
    H = check_matrix(H, "H", (None, W.shape[1]))
    if len({len(X), len(H)} - {1}) > 1:
        raise ValueError(
            f"X and H must have the same number of rows, or one a single row; got {len(X)} rows "
            f"of X and {len(H)} of H"
        )
    return H
