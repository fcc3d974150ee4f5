"""Sparse coding: Laplace factors, isotropic noise, and codes that are mostly zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning

from .core.blocks import Blocks
from .core.validation import (
    check_integer,
    check_matrix,
    check_random_state,
    check_real,
    check_vector,
)
from .core.warn import warn
from .lasso import objective, sparse_encode
from .linear_factor import LinearFactorModel

#: Sweeps over the atoms in one update of the decoder.
SWEEPS = 3
#: Exponent of the weights of old batches in `SparseCoding.partial_fit`: batch s of t has the
#: weight (s / t)^FORGET.
FORGET = 2


class SparseCoding(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LinearFactorModel):
    r"""Sparse coding (Olshausen and Field 1996), by alternating codes and decoder.

    .. math::

        p(h_i) = \tfrac{\lambda}{4} e^{-\lambda |h_i| / 2}, \qquad
        \mathbf x \mid \mathbf h \sim \mathcal N(W \mathbf h + \mathbf b, \tfrac1\beta I)

    The code of a sample is the most probable one, `sparse_encode`. Fitting minimises the mean of

    .. math::

        \lambda \lVert \mathbf h \rVert_1 + \beta \lVert \mathbf x - W \mathbf h - \mathbf b
        \rVert_2^2

    over codes, W and b, with no column of W longer than 1: equation (eq-sc-objective) of the
    chapter *Sparse coding*. The density of x has no closed form, so there is no `score`.

    Parameters
    ----------
    n_components : int, default 1
        Number of atoms d; it may exceed the number of variables.
    lam : float, default 1
        Weight of the L1 norm; the prior of a factor is Laplace with scale 2 / lam.
    beta : float, default 1
        Precision of the noise.
    tol : float, default 1e-4
        Stop when an iteration lowers the objective by less than this share of it.
    max_iter : int, default 200
    random_state : None, int or numpy.random.Generator
        Seed for the initial atoms: samples minus their mean, scaled to unit norm.

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Dictionary, one atom per column, of norm at most 1.
    b_ : ndarray of shape (n_features,)
    noise_variance_ : float
        1 / beta.
    objective_trace_ : ndarray
        Mean objective per sample, with optimal codes, at the start and after each iteration;
        only after `fit`.
    n_iter_ : int
        Iterations of `fit`, or batches seen by `partial_fit`.

    Examples
    --------
    Each of these samples moves along one of two directions, and the atoms find them:

    >>> import numpy as np
    >>> from lvmnotes import SparseCoding
    >>> X = np.kron([[3.0, 3.0, 0.0, 0.0], [0.0, 0.0, 4.0, -4.0]], [[1.0], [-1.0]])
    >>> model = SparseCoding(2, lam=0.1, random_state=0).fit(X)
    >>> np.sort(np.abs(model.W_).round(2), axis=1)
    array([[0.  , 0.71],
           [0.  , 0.71],
           [0.  , 0.71],
           [0.  , 0.71]])
    >>> (model.transform(X) != 0).sum(axis=1)
    array([1, 1, 1, 1])
    """

    def __init__(
        self,
        n_components: int = 1,
        lam: float = 1.0,
        beta: float = 1.0,
        *,
        tol: float = 1e-4,
        max_iter: int = 200,
        random_state=None,
    ):
        super().__init__(n_components)
        self.lam = lam
        self.beta = beta
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @classmethod
    def from_parameters(
        cls,
        W: ArrayLike,
        b: ArrayLike | float = 0.0,
        noise_variance: float = 1.0,
        lam: float = 1.0,
    ) -> SparseCoding:
        """Build a model from known parameters, ready to sample and to encode.

        Parameters
        ----------
        W : array_like of shape (n_features, n_components)
        b : float or array_like of shape (n_features,)
        noise_variance : float
            One for all variables, positive; the precision `beta` is 1 / noise_variance.
        lam : float
            Positive; stands where the rest of the family takes the prior of a factor, which here
            is Laplace with scale 2 / lam.

        Returns
        -------
        SparseCoding
        """
        check_real(noise_variance, "noise_variance", minimum=0, inclusive=False)
        model = super().from_parameters(W, b, noise_variance)
        return model.set_params(beta=1 / noise_variance, lam=lam)._check_settings()

    @property
    def prior(self):
        """Distribution of one factor: Laplace with scale 2 / lam."""
        return stats.laplace(scale=2 / self.lam)

    def fit(self, X: ArrayLike, y=None) -> SparseCoding:
        """Alternate between the best codes for the decoder and a better decoder for the codes.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            A dask array, a memory-mapped file and an iterable of arrays are read block by block,
            once per iteration.
        y : ignored

        Returns
        -------
        SparseCoding
        """
        data = self._read_blocks(X)
        self._check_settings()
        W, b = self._initial_decoder(data)
        trace = []
        for _ in range(self.max_iter + 1):
            value, sums, worst = data.total(partial(encode, W, b, self.lam, self.beta))
            trace.append(value / sums.n)
            if len(trace) > 1 and trace[-2] - trace[-1] <= self.tol * trace[-2]:
                break
            if len(trace) <= self.max_iter:
                W, b = update_decoder(_replace_unused(W, sums, worst), b, sums)
        else:
            warn(
                f"sparse coding stopped at max_iter={self.max_iter} while the objective still "
                f"fell by {1 - trace[-1] / trace[-2]:.1g} of itself; raise max_iter or tol",
                ConvergenceWarning,
            )
        self.objective_trace_ = np.array(trace)
        self.n_iter_ = len(trace) - 1
        self._sums = sums
        return self._set_decoder(W, b)

    def partial_fit(self, X: ArrayLike, y=None) -> SparseCoding:
        """Learn from one more batch, keeping only sums over the batches (Mairal et al. 2010).

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            All blocks together are one batch.
        y : ignored

        Returns
        -------
        SparseCoding
        """
        first = not self.__sklearn_is_fitted__()
        data = self._read_blocks(X, reset=first)
        self._check_settings()
        if first:
            self._set_decoder(*self._initial_decoder(data))
        part = partial(encode, self.W_, self.b_, self.lam, self.beta)
        _, sums, worst = data.total(part)
        if hasattr(self, "_sums"):
            self.n_iter_ += 1
            keep = (1 - 1 / self.n_iter_) ** FORGET
            sums = self._sums._faded(keep, sums)
        else:
            self.n_iter_ = 1
            self.W_ = _replace_unused(self.W_, sums, worst)
        self._sums = sums
        return self._set_decoder(*update_decoder(self.W_, self.b_, sums))

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Most probable codes, `sparse_encode` with the model's parameters.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        self._check_fitted()
        X = self._read(X, reset=False)
        return sparse_encode(X, self.W_, self.lam, self.beta, self.b_)

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        r"""Decode codes, :math:`W \mathbf h + \mathbf b`.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_components)
            The codes, under scikit-learn's name for what comes first.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        self._check_fitted()
        return check_matrix(X, "X", (None, self.W_.shape[1])) @ self.W_.T + self.b_

    def _check_settings(self) -> SparseCoding:
        check_integer(self.n_components, "n_components", minimum=1)
        for name in ("lam", "beta"):
            check_real(getattr(self, name), name, minimum=0, inclusive=False)
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        return self

    def _initial_decoder(self, data: Blocks) -> tuple[np.ndarray, np.ndarray]:
        """Return samples as atoms, and the mean as offset."""
        rng, N = check_random_state(self.random_state), data.n_rows
        # A copy of an atom is never used, and an unused atom is replaced.
        some = rng.choice(N, self.n_components, replace=self.n_components > N)
        b = data.total(lambda X, _: X.sum(axis=0)) / N
        return _unit_norm((data.rows(some)[0] - b).T), b

    def _set_decoder(self, W: np.ndarray, b: np.ndarray) -> SparseCoding:
        self.W_, self.b_ = W, b
        self.noise_variance_ = 1 / self.beta
        return self


class CodeSums(NamedTuple):
    """The sums over samples that the update of the decoder needs."""

    n: float
    x: np.ndarray
    h: np.ndarray
    xh: np.ndarray
    hh: np.ndarray

    @classmethod
    def from_codes(cls, X: np.ndarray, H: np.ndarray) -> CodeSums:
        """Sum over the rows of X (N, D) and H (N, d)."""
        X = check_matrix(X, "X")
        H = check_matrix(H, "H", (len(X), None))
        return cls(len(X), X.sum(axis=0), H.sum(axis=0), X.T @ H, H.T @ H)

    def _faded(self, keep: float, new: CodeSums) -> CodeSums:
        """Add the sums of new samples to a part of these."""
        pairs: Iterable[tuple[Any, Any]] = zip(self, new, strict=True)
        return CodeSums._make(keep * old + fresh for old, fresh in pairs)


@dataclass(frozen=True)
class Worst:
    """Residuals of the samples that codes describe worst, the largest first.

    Attributes
    ----------
    residuals : ndarray of shape (n, n_features)
    most : int
        How many are kept.
    """

    residuals: np.ndarray
    most: int

    @classmethod
    def of(cls, residuals: np.ndarray, most: int) -> Worst:
        """Keep so many of the largest."""
        order = np.argsort(-(residuals**2).sum(axis=1), kind="stable")
        return cls(residuals[order[:most]], most)

    def __add__(self, other: Worst) -> Worst:
        """Return the worst of two blocks."""
        return Worst.of(np.concatenate([self.residuals, other.residuals]), self.most)


def encode(
    W: np.ndarray, b: np.ndarray, lam: float, beta: float, X: np.ndarray, *_
) -> tuple[float, CodeSums, Worst]:
    """Find the codes of a block, and return what an iteration needs of them.

    Parameters
    ----------
    W, b, lam, beta
        As for `sparse_encode`.
    X : ndarray of shape (n_samples, n_features)

    Returns
    -------
    objective : float
        The sum over the samples. All three add up over blocks.
    sums : CodeSums
    worst : Worst
        As many samples as there are atoms.
    """
    H = sparse_encode(X, W, lam, beta, b)
    value = objective(X, H, W, lam, beta, b).sum()
    return value, CodeSums.from_codes(X, H), Worst.of(X - H @ W.T - b, W.shape[1])


def update_decoder(W: np.ndarray, b: np.ndarray, sums: CodeSums) -> tuple[np.ndarray, np.ndarray]:
    r"""Lower the reconstruction error over W and b, for fixed codes.

    Block descent over the columns and b (Mairal et al. 2010, algorithm 2). With the other blocks
    fixed the error is :math:`\lVert \mathbf w_k - \mathbf u_k \rVert^2 \sum_n h_{nk}^2` plus a
    constant, so the best column of norm at most 1 is :math:`\mathbf u_k`, shortened if necessary.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_components)
        Columns of norm at most 1.
    b : ndarray of shape (n_features,)
    sums : CodeSums

    Returns
    -------
    W, b : ndarray
        Updated, of the same shapes.
    """
    if not isinstance(sums, CodeSums):
        raise TypeError(f"sums must be CodeSums, got {type(sums).__name__}")
    W, b = check_matrix(W, "W", sums.xh.shape).copy(), check_vector(b, "b", len(sums.x))
    used = np.flatnonzero(np.diag(sums.hh))
    for _ in range(SWEEPS):
        target = sums.xh - np.outer(b, sums.h)
        for k in used:
            u = W[:, k] + (target[:, k] - W @ sums.hh[:, k]) / sums.hh[k, k]
            W[:, k] = u / max(1.0, np.sqrt(u @ u))
        b = (sums.x - W @ sums.h) / sums.n
    return W, b


def _replace_unused(W: np.ndarray, sums: CodeSums, worst: Worst) -> np.ndarray:
    """Replace atoms that no code uses by the worst residuals; the objective does not change."""
    unused = np.flatnonzero(np.diag(sums.hh) == 0)
    residuals = worst.residuals[: len(unused)]
    W = W.copy()
    W[:, unused[: len(residuals)]] = _unit_norm(residuals.T)
    return W


def _unit_norm(W: np.ndarray) -> np.ndarray:
    """Return columns scaled to unit norm; a column of zeros does not change."""
    norm = np.sqrt((W**2).sum(axis=0))
    return W / np.where(norm > 0, norm, 1)
