"""Sparse codes: the lasso for many samples that share one dictionary, solved exactly.

The objective of a sample is that of the chapter *Sparse coding*, equation (eq-sc-objective),

    lam * norm1(h) + beta * norm2(x - W h - b)^2 .

The minimiser depends only on alpha = lam / (2 beta), which is the penalty of scikit-learn and of
SPAMS; they minimise alpha * norm1(h) + norm2(x - W h)^2 / 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from .core.validation import check_integer, check_matrix, check_real, check_vector
from .core.warn import warn

#: Largest duality gap of a code, as a share of the objective of the code 0.
GAP = 1e-9
#: Number of samples whose paths are followed together: enough to spread the cost of a call of
#: numpy, few enough for their arrays to stay in the cache and to be small beside the codes.
PATHS = 192
#: Number of slots for active atoms by which the arrays of a path grow.
SLOTS = 4
#: A path begins beside others that have at most this number of slots; it would waste more.
FEW_SLOTS = 12
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
    N = len(X)
    H, alpha, square = np.empty((N, W.shape[1])), np.empty(N), np.empty(N)
    zero, lost = np.empty((2, N), dtype=bool)
    batches = [slice(start, start + PATHS) for start in range(0, N, PATHS)]
    for rows in batches:
        Z = X[rows] - b
        np.matmul(Z, W, out=H[rows])
        alpha[rows], square[rows] = _levels(H[rows], lam, beta), (Z**2).sum(axis=1)
        zero[rows] = np.abs(H[rows]).max(axis=1) <= alpha[rows]
    H[zero] = 0
    order = np.argsort(square)  # samples of similar size often have similar numbers of active atoms
    _follow_paths(H, W.T @ W, alpha, order[~zero[order]])
    for rows in batches:
        gap = _duality_gap(X[rows] - b, H[rows], W, alpha[rows], 0.5)
        lost[rows] = gap > GAP * 0.5 * square[rows]
    if lost.any():
        H[lost] = coordinate_descent(X[lost], W, lam, beta, b, start=H[lost])
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
    squares, products = (np.einsum("...d,...d->...", R, other) for other in (R, X))
    return lam * np.abs(H).sum(axis=1) + beta * ((1 + shrink**2) * squares - 2 * shrink * products)


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


def _follow_paths(H, gram, end, order):
    """Replace correlations X W, the rows of H (n, d), by codes; `gram` is W^T W.

    A path stops at its `end` (n,), and gives its place to the next row of `order`, which holds the
    rows with a correlation above their end. If other paths have come far, the next rows wait for
    the last of them.
    """
    while order.size:
        paths = _Paths(min(PATHS, len(order)), len(gram))
        free = np.arange(len(paths.row))
        while paths.row.size:
            new = order[: len(free)] if paths.index.shape[1] <= FEW_SLOTS else order[:0]
            order = order[len(new) :]
            paths.start(free[: len(new)], new, H[new], end[new])
            if len(free) > len(new):
                paths.drop(free[len(new) :])
            paths.pass_event(gram)
            paths.find_event()
            free = paths.ended()
            rows = paths.row[free]
            H[rows] = paths.codes(free, H[rows], gram)


class _Paths:
    r"""Regularisation paths of some samples, each at its next event; one row per path.

    A path begins at the level t of its largest correlation, where the code is 0. At level t the
    optimal code has :math:`W_A^\top(\mathbf x - W\mathbf h) = t\,\mathbf s` on its active atoms A
    with signs s, and smaller correlations on the others. Between events it is
    :math:`\mathbf p - t \mathbf w` with :math:`\mathbf w = G_{AA}^{-1}\mathbf s`, and the
    correlations are :math:`\mathbf c + t \mathbf a` with :math:`\mathbf a = G \mathbf w`. An event,
    as t falls, is an atom whose correlation catches up with the level and joins, or an active entry
    that reaches zero and leaves; either changes the inverse of :math:`G_{AA}` by a matrix of rank
    one, and w by a multiple of the same vector v. The inverse is kept as :math:`U U^\top`, to which
    an atom that joins adds a column. A path keeps its active atoms in slots; an empty slot has sign
    0, and zeros in the row and the column of U.
    """

    def __init__(self, n, d):
        self.row, self.n_steps, self.atom, self.slot = np.zeros((4, n), dtype=int)
        self.joins = np.zeros(n, dtype=bool)
        self.level, self.end = np.zeros((2, n))
        self.c, self.a, self.closed = (np.zeros((n, d), dtype=t) for t in (float, float, bool))
        self.index = np.zeros((n, SLOTS), dtype=np.int32)
        self.p, self.w, self.sign = (np.zeros((n, SLOTS)) for _ in range(3))
        self.U = np.zeros((n, SLOTS, SLOTS))

    def start(self, places, rows, correlations, end):
        """Begin paths of other samples in the given places: their first atoms join."""
        for array in vars(self).values():
            array[places] = 0
        size = np.abs(correlations)
        self.row[places], self.c[places], self.end[places] = rows, correlations, end
        self.level[places], self.atom[places] = size.max(axis=1), size.argmax(axis=1)
        self.joins[places] = True

    def pass_event(self, gram):
        """Let the atom of each path join in the slot, or leave it."""
        r, atom, slot, joins = np.arange(len(self.row)), self.atom, self.slot, self.joins
        g = gram[atom[:, None], self.index]
        z = np.matmul(g[:, None], self.U)[:, 0]
        v = np.matmul(self.U, z[:, :, None])[:, :, 0]
        pivot = gram[atom, atom] - (z**2).sum(axis=1)
        # A dependent atom would add nothing, so exclude it.
        stays = joins & (pivot > TINY * gram[atom, atom])
        pivot[~stays] = np.inf
        v[r, slot] = -1
        leave, left = r[~joins], slot[~joins]
        v[leave], pivot[leave] = self._remove(leave, left)
        self.U[r, :, slot] = v / np.sqrt(np.abs(pivot))[:, None]
        self.U[leave, left] = self.U[leave, :, left] = 0
        self.closed[r, atom] = joins
        self.index[r, slot] = atom
        self.sign[r, slot] = np.where(stays, np.sign(self.c[r, atom]), self.sign[r, slot])
        step = v * ((v * self.sign).sum(axis=1) / pivot)[:, None]
        moved = _sparse(step, self.index, len(gram)) @ gram
        self.a += moved
        moved *= self.level[:, None]
        self.c -= moved
        self.w += step
        self.p += self.level[:, None] * step
        for array in (self.p, self.w, self.sign):
            array[leave, left] = 0

    def _remove(self, leave, left):
        """Reflect the rows of U so that its column `left` alone reaches the entry that leaves.

        Without that column, U is the root of the inverse for the atoms that remain. Returns the
        column of the inverse for the entry that leaves, and minus the entry on its diagonal.
        """
        U, x = self.U[leave], self.U[leave, left]
        v = np.matmul(U, x[:, :, None])[:, :, 0]
        i = np.arange(len(leave))
        x[i, left] += np.copysign(np.sqrt(v[i, left]), x[i, left])
        x *= np.sqrt(2 / (x**2).sum(axis=1))[:, None]
        self.U[leave] = U - np.matmul(U, x[:, :, None]) * x[:, None]
        return v, -v[i, left]

    def find_event(self):
        """Go down to the level of the next event, and make room for an atom that joins."""
        r = np.arange(len(self.row))
        # The signs of c tell at which end of -t to t a correlation will meet the level.
        to_join = np.copysign(1, self.c)
        to_join *= self.a
        np.subtract(1, to_join, out=to_join)
        np.maximum(to_join, TINY, out=to_join)
        np.divide(np.abs(self.c), to_join, out=to_join)
        to_join[self.closed] = 0
        atom = to_join.argmax(axis=1)
        to_join = to_join[r, atom]
        to_zero = np.zeros_like(self.w)
        np.divide(self.p, self.w, out=to_zero, where=self.w * self.sign < 0)
        slot = to_zero.argmax(axis=1)
        to_zero = to_zero[r, slot]
        self.joins = to_join > to_zero
        self.level = np.minimum(self.level, np.maximum(to_join, to_zero))
        self.atom = np.where(self.joins, atom, self.index[r, slot])
        if self.sign[self.joins].all(axis=1).any():
            for name in ("index", "p", "w", "sign", "U"):
                array = getattr(self, name)
                setattr(self, name, np.pad(array, [(0, 0)] + [(0, SLOTS)] * (array.ndim - 1)))
        self.slot = np.where(self.joins, (self.sign == 0).argmax(axis=1), slot)
        self.n_steps += 1

    def ended(self):
        """Places of the paths with no event above their end.

        A path takes about two steps per atom; one with many more steps is in a cycle, and its code
        will be found inaccurate.
        """
        too_long = self.n_steps == 20 * self.c.shape[1]
        return np.flatnonzero((self.level <= (1 + TINY) * self.end) | too_long)

    def codes(self, places, correlations, gram):
        """Codes at the ends of paths, from the correlations at their beginnings."""
        k, t = self.index[places], self.end[places, None]
        h = self.p[places] - t * self.w[places]
        # One step of iterative refinement removes the round-off of the path.
        residual = np.take_along_axis(correlations, k, axis=1) - t * self.sign[places]
        residual -= np.matmul(gram[k[:, :, None], k[:, None]], h[:, :, None])[:, :, 0]
        U = self.U[places]
        h += np.matmul(U, np.matmul(residual[:, None], U).transpose(0, 2, 1))[:, :, 0]
        return _sparse(h, k, len(gram)).toarray()

    def drop(self, places):
        """Forget paths, one array after the other to save memory."""
        for name, array in vars(self).items():
            setattr(self, name, np.delete(array, places, axis=0))


def _sparse(values, index, d):
    """Return rows of length d as a sparse matrix, from their entries and the places of these."""
    n, k = values.shape
    starts = np.arange(0, n * k + 1, k, dtype=np.int32)
    return csr_array((values.ravel(), index.ravel(), starts), shape=(n, d))


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
