r"""Rotations of loadings to simple structure: each variable on few factors.

`varimax` keeps the factors uncorrelated; `promax` and `oblimin` let them correlate. The criteria
have several local optima, and saddles between them, so each search starts from the identity and
from random rotations, and keeps the best end.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning

from .core.validation import (
    check_boolean,
    check_integer,
    check_matrix,
    check_random_state,
    check_real,
)
from .core.warn import warn

MAX_SWEEPS = 1000
MAX_ITER = 5000
MAX_HALVINGS = 60
MEMORY = 8
#: Below this an oblimin criterion per variable, at a mean communality of 1, has no minimum.
UNBOUNDED = -1e8
#: Parts of the size of the loadings below which a number is round-off: for a sum of fourth
#: powers, and for a singular value, which counts squared in :math:`W W^\top`.
ROUND_OFF = 1e-13
SINGULAR = 1e-8


class ObliqueRotation(NamedTuple):
    r"""Result of `promax` and `oblimin`.

    The factors of the rotated loadings are :math:`T^{-1} \mathbf h`. They have unit variances and
    the correlations :math:`\Phi = (T^\top T)^{-1}`, so that :math:`L \Phi L^\top = W W^\top`.
    """

    #: Pattern loadings :math:`L = W T`, of shape (n_features, n_components).
    loadings: np.ndarray
    #: T, of shape (n_components, n_components).
    transformation: np.ndarray
    #: :math:`\Phi`, of shape (n_components, n_components).
    factor_correlation: np.ndarray


def varimax(
    W: ArrayLike,
    *,
    normalize: bool = True,
    tol: float = 1e-18,
    n_init: int = 10,
    random_state: int | np.random.Generator | None = 0,
) -> tuple[np.ndarray, np.ndarray]:
    r"""Rotate loadings so that the squared loadings of each factor vary most (Kaiser 1958).

    Maximises :math:`\sum_j \bigl[\frac1D \sum_i l_{ij}^4 - (\frac1D \sum_i l_{ij}^2)^2\bigr]`
    over orthogonal Q, with :math:`L = W Q`, by turning one plane of two factors after the other
    to its exact maximum. With two factors that is the global maximum.

    Parameters
    ----------
    W : array_like of shape (n_features, n_components)
    normalize : bool, default True
        Give all variables equal weight by scaling each row to unit length first (Kaiser's
        normalisation). Rows of zeros stay zero.
    tol : float, default 1e-18
        Stop when no plane can gain more than this fraction of its mean squared squared length.
        The angles are then accurate to about the square root of `tol`.
    n_init : int, default 10
        Number of starts: the identity, and random rotations. Two factors need only one.
    random_state : None, int or numpy.random.Generator, default 0
        Seed for the random rotations.

    Returns
    -------
    loadings : ndarray of shape (n_features, n_components)
        `W @ Q`.
    Q : ndarray of shape (n_components, n_components)
        The orthogonal rotation.

    Examples
    --------
    Two groups of three variables, at an angle of 56 degrees:

    >>> from lvmnotes import varimax
    >>> loadings, Q = varimax([[0.8, 0.0]] * 3 + [[0.4, 0.6]] * 3)
    >>> print(loadings[[0, 5]].round(3))
    [[0.766 0.232]
     [0.209 0.69 ]]
    """
    W = check_matrix(W, "W")
    check_boolean(normalize, "normalize")
    check_real(tol, "tol", minimum=0)
    check_integer(n_init, "n_init", minimum=1)
    A = W / (np.abs(W).max() or 1.0)
    if normalize:
        length = np.sqrt((A**2).sum(axis=1, keepdims=True))
        A = np.divide(A, length, where=length > ROUND_OFF, out=np.zeros_like(A))
    d = W.shape[1]
    Q, _ = _search(
        lambda starts: _turn_planes(A, starts, tol), d, n_init if d > 2 else 1, random_state
    )
    return W @ Q, Q


def promax(
    W: ArrayLike,
    power: float = 4.0,
    *,
    n_init: int = 10,
    random_state: int | np.random.Generator | None = 0,
) -> ObliqueRotation:
    r"""Rotate to correlated factors with simpler loadings (Hendrickson and White 1964).

    The target is the varimax loadings raised to `power`, with their signs kept. The rotation is
    the least-squares transformation towards it, scaled so that the factors have unit variance.

    Parameters
    ----------
    W : array_like of shape (n_features, n_components)
    power : float, default 4
        At least 1; larger values drive small loadings further towards zero.
    n_init, random_state
        Starts of `varimax`.

    Returns
    -------
    ObliqueRotation
        ``loadings``, ``transformation`` and ``factor_correlation``. Directions in which `W` has no
        loadings become factors without loadings, uncorrelated with the others.

    Raises
    ------
    ValueError
        If `power` is so large that the target makes factors collinear.

    Examples
    --------
    Two groups of three variables, at an angle of 56 degrees:

    >>> from lvmnotes import promax
    >>> rotated = promax([[0.8, 0.0]] * 3 + [[0.4, 0.6]] * 3)
    >>> print(rotated.loadings[[0, 5]].round(3))
    [[0.795 0.009]
     [0.004 0.719]]
    >>> print(rotated.factor_correlation[0, 1].round(3))
    0.542
    """
    W = check_matrix(W, "W")
    check_real(power, "power", minimum=1)

    def axes(A):
        L, Q = varimax(A, n_init=n_init, random_state=random_state)
        # The length of a column of the target is free: the largest entry is set to 1, lest a
        # high power leave nothing but zeros.
        target = np.sign(L) * (np.abs(L) / np.abs(L).max(axis=0)) ** power
        T = linalg.lstsq(L, target)[0]
        T /= np.linalg.norm(T, axis=0)
        if not np.linalg.cond(T) < 1 / SINGULAR:
            raise ValueError(
                f"power={power} makes two factors collinear: the same variables dominate both "
                "of their targets; lower power"
            )
        return np.linalg.inv((Q @ T).T)

    return _oblique(W, axes)


def oblimin(
    W: ArrayLike,
    gamma: float = 0.0,
    *,
    tol: float = 1e-7,
    n_init: int = 10,
    random_state: int | np.random.Generator | None = 0,
) -> ObliqueRotation:
    r"""Rotate to correlated factors whose squared loadings overlap least (direct oblimin).

    Minimises

    .. math::

        \frac14 \sum_{j \neq k} \Bigl[ \sum_i l_{ij}^2 l_{ik}^2
        - \frac{\gamma}{D} \sum_i l_{ij}^2 \sum_i l_{ik}^2 \Bigr]

    over :math:`L = W T` with factors of unit variance (Jennrich and Sampson 1966, for
    :math:`\gamma = 0`), by gradient projection (Jennrich 2002; Bernaards and Jennrich 2005). The
    rows of `W` are not normalised.

    Parameters
    ----------
    W : array_like of shape (n_features, n_components)
    gamma : float, default 0
        The default is quartimin. Lower values make the factors less correlated, higher ones more,
        until the criterion has no minimum.
    tol : float, default 1e-7
        Stop when the projected gradient of the criterion per variable, for loadings scaled to a
        mean communality of 1, is shorter than this.
    n_init : int, default 10
        Number of starts: the identity, and random rotations.
    random_state : None, int or numpy.random.Generator, default 0
        Seed for the random rotations.

    Returns
    -------
    ObliqueRotation
        ``loadings``, ``transformation`` and ``factor_correlation``. Directions in which `W` has no
        loadings become factors without loadings, uncorrelated with the others.

    Raises
    ------
    ValueError
        If `gamma` is so high that the criterion falls without bound as factors become collinear.

    Examples
    --------
    Two groups of three variables, at an angle of 56 degrees:

    >>> import numpy as np
    >>> from lvmnotes import oblimin
    >>> rotated = oblimin([[0.8, 0.0]] * 3 + [[0.4, 0.6]] * 3)
    >>> print(np.abs(rotated.loadings[[0, 5]]).round(3))
    [[0.8   0.   ]
     [0.    0.721]]
    >>> print(rotated.factor_correlation[0, 1].round(3))  # the cosine of 56 degrees
    0.555
    """
    W = check_matrix(W, "W")
    check_real(gamma, "gamma")
    check_real(tol, "tol", minimum=0)
    check_integer(n_init, "n_init", minimum=1)

    def axes(A):
        M, loss = _search(
            lambda starts: _project_gradients(A, starts, gamma, tol),
            A.shape[1],
            n_init,
            random_state,
        )
        if loss == -np.inf:
            raise ValueError(
                f"gamma={gamma} is too high for these loadings: the criterion falls without bound "
                "as factors become collinear; gamma=0 always has a minimum"
            )
        return M

    return _oblique(W, axes)


#: What `rotate` and `FactorAnalysis` offer.
ROTATIONS: dict[str, Callable[..., tuple[np.ndarray, ...]]] = {
    "varimax": varimax,
    "promax": promax,
    "oblimin": oblimin,
}


def rotate(W: np.ndarray, method: str) -> tuple[np.ndarray, np.ndarray]:
    r"""Rotate loadings of standardised variables, and fix the order and signs of the factors.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_components)
    method : {"varimax", "promax", "oblimin"}

    Returns
    -------
    loadings : ndarray of shape (n_features, n_components)
        In decreasing order of the variance that the factors explain,
        :math:`(\Phi L^\top L)_{jj}`; each column has a positive sum.
    factor_correlation : ndarray of shape (n_components, n_components)
        :math:`\Phi`, the identity for varimax.
    """
    L, *_, last = ROTATIONS[method](W)
    Phi = np.eye(W.shape[1]) if method == "varimax" else last
    order = np.argsort(-((L @ Phi) * L).sum(axis=0), kind="stable")
    sign = np.where(L.sum(axis=0) < 0, -1.0, 1.0)
    L, Phi = L * sign, Phi * np.outer(sign, sign)
    return L[:, order], Phi[np.ix_(order, order)]


def _oblique(W: np.ndarray, axes: Callable) -> ObliqueRotation:
    r"""Rotate obliquely within the directions that have loadings.

    `axes` maps loadings (D, r) of full column rank to :math:`M = T^{-\top}`, (r, r), the axes of
    the factors, of any length.
    """
    A = W / (np.abs(W).max() or 1.0)
    _, size, Vt = np.linalg.svd(np.linalg.qr(A, mode="r"))
    rank = int((size > SINGULAR * size[0]).sum())
    d = W.shape[1]
    # With full rank, the identity as a basis keeps the order of the factors.
    V = np.eye(d) if rank == d else Vt.T
    M = np.eye(d)
    if rank:
        M[:rank, :rank] = axes(A @ V[:, :rank])
    M = V @ (M / np.linalg.norm(M, axis=0))
    T = np.linalg.inv(M.T)
    return ObliqueRotation(W @ T, T, M.T @ M)


def _search(
    climb: Callable, d: int, n_init: int, random_state: int | np.random.Generator | None
) -> tuple[np.ndarray, float]:
    """Return the best end of a search from several starts, and its loss.

    `climb` maps starts (n, d, d) to ends, losses (n,) and whether they converged (n,).
    """
    rng = check_random_state(random_state)
    starts = np.concatenate([np.eye(d)[None], _rotations(rng.normal(size=(n_init - 1, d, d)))])
    ends, loss, converged = climb(starts)
    best = np.argmax(loss <= loss.min() + _round_off(loss.min()))  # the first among equals
    end, value, done = ends[best], loss[best], converged[best]
    # A search may rest on a saddle; a small turn leaves a saddle, and falls back to an optimum.
    while np.isfinite(value):
        nudge = _rotations(np.eye(d) + 0.01 * rng.normal(size=(1, d, d)))
        (nudged,), (lower,), (nudged_done,) = climb(nudge @ end)
        if not lower < value - _round_off(value):
            break
        end, value, done = nudged, lower, nudged_done
    if not done:
        warn("the rotation did not converge; raise tol", ConvergenceWarning)
    return end, value


def _round_off(loss: float) -> float:
    """Difference between losses that says nothing."""
    return 1e-10 * abs(loss) + 1e-14 if np.isfinite(loss) else 0.0


def _rotations(Z: np.ndarray) -> np.ndarray:
    """Orthogonal factors of square matrices (n, d, d): random ones are uniformly distributed."""
    Q, R = np.linalg.qr(Z)
    return Q * np.sign(np.diagonal(R, axis1=1, axis2=2))[:, None, :]


def _turn_planes(A: np.ndarray, Q: np.ndarray, tol: float):
    r"""Sweep through the planes of two factors, turning each to its varimax maximum.

    In a plane, with loadings :math:`z_i = x_i + \mathrm i y_i` and
    :math:`z_i^2 = u_i + \mathrm i v_i`, the criterion is
    :math:`\frac12 [\operatorname{var}(|z|^2) + \operatorname{var}(u)]`. Turning the axes by
    :math:`\varphi` turns :math:`(u, v)` by :math:`2 \varphi`, so the maximum has u along the
    principal axis: :math:`\tan 4 \varphi = 2 \operatorname{cov}(u, v) /
    (\operatorname{var} u - \operatorname{var} v)`, which is Kaiser's angle.

    Takes loadings (D, d) and starts (n, d, d); returns ends, negative criteria and convergence.
    """
    Q, L = Q.copy(), A @ Q
    for _ in range(MAX_SWEEPS):
        largest = np.zeros(len(Q))
        for plane in combinations(range(A.shape[1]), 2):
            x, y = L[:, :, plane[0]], L[:, :, plane[1]]
            u, v = x**2 - y**2, 2 * x * y
            size = (u**2 + v**2).mean(axis=1)
            u -= u.mean(axis=1, keepdims=True)
            v -= v.mean(axis=1, keepdims=True)
            sine, cosine = 2 * (u * v).mean(axis=1), (u**2 - v**2).mean(axis=1)
            amplitude = np.hypot(sine, cosine)
            # Where all angles are equal but for round-off, the axes stay as they are.
            curved = amplitude > ROUND_OFF * size
            angle = np.where(curved, np.arctan2(sine, cosine) / 4, 0)
            gain = amplitude * np.sin(2 * angle) ** 2 / 2
            largest = np.maximum(largest, np.divide(gain, size, where=curved, out=0 * size))
            c, s = np.cos(angle), np.sin(angle)
            turn = np.array([[c, -s], [s, c]]).transpose(2, 0, 1)
            L[:, :, plane] = L[:, :, plane] @ turn
            Q[:, :, plane] = Q[:, :, plane] @ turn
        if (largest <= tol).all():
            break
    return Q, -(L**2).var(axis=1).sum(axis=1), largest <= tol


def _project_gradients(A: np.ndarray, M: np.ndarray, gamma: float, tol: float):
    r"""Descend the oblimin criterion over axes M of unit length, with :math:`L = A M^{-\top}`.

    The algorithm GPFoblq of Bernaards and Jennrich (2005), for all starts at once: step against
    the gradient as projected on the tangent space, and back to unit length. Their first trial
    step, twice the last one, is slow on narrow valleys; here it is that of Barzilai and Borwein
    (1988), and a step has to improve on the worst of the last few criteria.

    Takes loadings (D, d) and starts (n, d, d); returns ends, losses and convergence. The loss is
    -inf where it has no bound.
    """
    A = A / np.sqrt((A**2).sum(axis=1).mean())
    D, d = A.shape
    weight = 1 / max(1.0, abs(gamma))

    def evaluate(M):
        """Criterion per variable, and its projected gradient."""
        singular = ~(np.abs(np.linalg.det(M)) > SINGULAR)
        T = np.linalg.inv(np.where(singular[:, None, None], np.eye(d), M)).transpose(0, 2, 1)
        L = A @ T
        overlap = (L**2) @ (weight * (1 - np.eye(d)))
        overlap -= gamma * overlap.mean(axis=1, keepdims=True)
        f = (L**2 * overlap).sum(axis=(1, 2)) / (4 * D)
        G = -T @ (L * overlap).transpose(0, 2, 1) @ L / D
        return np.where(singular, np.inf, f), G - M * (M * G).sum(axis=1, keepdims=True)

    f, P = evaluate(M)
    recent = [f]
    step = np.ones(len(M))
    active = np.ones(len(M), dtype=bool)
    for _ in range(MAX_ITER):
        slope = (P**2).sum(axis=(1, 2))
        active &= (slope > tol**2) & (f > UNBOUNDED)
        if not active.any():
            break
        worst = np.max(recent[-MEMORY:], axis=0)
        for _ in range(MAX_HALVINGS):
            trial = M - step[:, None, None] * P
            trial /= np.linalg.norm(trial, axis=1, keepdims=True)
            f_trial, P_trial = evaluate(trial)
            pays = f_trial <= worst - 1e-4 * step * slope
            if pays[active].all():
                break
            step = np.where(pays, step, step / 2)
        # Where no step pays, what is left to gain is round-off.
        active &= pays
        move, change = trial - M, P_trial - P
        curvature = np.abs((move * change).sum(axis=(1, 2)))
        length = (move**2).sum(axis=(1, 2))
        step = np.divide(length, curvature, where=curvature > 0, out=step)
        M, P = (np.where(active[:, None, None], *pair) for pair in ((trial, M), (P_trial, P)))
        f = np.where(active, f_trial, f)
        recent.append(f)
    return M, np.where(f > UNBOUNDED, f, -np.inf), ~active
