"""Independent component analysis: independent factors that are not normal, and no noise."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.metaestimators import available_if

from .core.base import DensityModel
from .core.moments import Moments, complete_moments
from .core.validation import (
    check_integer,
    check_matrix,
    check_option,
    check_random_state,
    check_real,
    constant_columns,
    naming,
)
from .core.warn import warn
from .linear_factor import LinearFactorModel

#: Numbers in one block of the sources: a block and its tanh stay in the cache.
BLOCK_SIZE = 2**15
#: A direction of the data counts if its variance is more than this share of the largest.
SMALLEST_SHARE = 1e-12
#: In a larger sample, the fixed point is first found on this many rows, and this many per factor.
FEW_ROWS, ROWS_PER_FACTOR = 1000, 250
#: Tolerance of that first fixed point, which the iterations on all rows make exact.
ROUGH_TOL = 1e-3
#: Smallest curvature that a step of the quasi-Newton search uses.
SMALLEST_CURVATURE = 0.01
#: Steps of that search from which it estimates what its model of the curvature leaves out.
MEMORY = 7
#: Share of the likelihood below which a difference is round-off; then a smaller gradient is a gain.
ROUND_OFF = 1e-14
#: The densities of a source, :math:`p(h) \propto e^{-a h^2 / 2} \cosh(c h)^{-k}`, of variance 1: a,
#: k, c, log p(0) and the excess kurtosis. The second is that of two equal normal bumps.
SUPER_GAUSSIAN = (0.0, 2.0, np.pi / np.sqrt(12), np.log(np.pi / np.sqrt(48)), 1.2)
SUB_GAUSSIAN = (2.0, -1.0, np.sqrt(2), -0.5 - np.log(np.pi) / 2, -0.5)


class ICA(DensityModel, ClassNamePrefixFeaturesOutMixin, TransformerMixin, LinearFactorModel):
    r"""Independent component analysis (Comon 1994), by a fixed point or by maximum likelihood.

    .. math::

        p(\mathbf h) = \prod_{i=1}^d p_i(h_i), \qquad
        \mathbf x = W \mathbf h + \mathbf b

    with W of full column rank and at most one :math:`p_i` normal. Then the columns of W are
    determined up to their order and scale. For square W,

    .. math::

        \log p(\mathbf x) = \sum_i \log p_i(h_i) - \log |\det W|, \qquad
        \mathbf h = W^{-1} (\mathbf x - \mathbf b) .

    The model has two densities for a source, both of mean 0 and variance 1: the logistic, with a
    peak and heavy tails, and for a source with less kurtosis than a normal one two equal normal
    bumps at :math:`\pm\sqrt{1/2}`, of variance 1/2 each. Which of the two a source gets follows
    from the fixed point.

    Parameters
    ----------
    n_components : int, optional
        Number of factors d; by default as many as variables. With fewer, the data are first
        projected on the d directions of largest variance, and there is no `score`.
    method : {"fastica", "ml"}, default "fastica"
        ``"fastica"`` is the symmetric fixed-point iteration with the nonlinearity tanh (Hyvärinen
        1999) on whitened data; its sources have variance 1 and are uncorrelated. A large sample
        is first replaced by rows of it drawn at random, then the iteration ends on all rows.
        ``"ml"`` continues from there to the maximum of the likelihood over W, by a quasi-Newton
        method in relative coordinates (Ablin, Cardoso and Gramfort 2018).
    tol : float, default 1e-5
        The fixed point is reached when no row of the unmixing matrix turns by an angle with a
        cosine below 1 - tol; the likelihood, when no entry of its relative gradient exceeds tol.
    max_iter : int, default 500
        Largest number of iterations, for each of the two.
    random_state : None, int or numpy.random.Generator
        Seed for the initial rotation, and for the rows of a large sample.

    Attributes
    ----------
    W_ : ndarray of shape (n_features, n_components)
        Mixing matrix. Its columns, in order of falling distance of the sources from a normal
        distribution, have positive sums.
    unmixing_ : ndarray of shape (n_components, n_features)
        Pseudoinverse of `W_`, which maps centred data to sources.
    b_ : ndarray of shape (n_features,)
        Mean of the data.
    noise_variance_ : float
        Zero.
    super_gaussian_ : ndarray of bool, shape (n_components,)
        Whether the density of each source is the logistic one; only after `fit`.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the fixed point and after each iteration; only
        of ``"ml"``. With fewer factors than variables it is that of the projection of the data.
    n_iter_ : int
        Number of iterations on all rows, of the method.

    Examples
    --------
    Two uniform sources, mixed:

    >>> import numpy as np
    >>> from lvmnotes import ICA
    >>> H = np.random.default_rng(0).uniform(-1, 1, size=(5000, 2))
    >>> X = H @ np.array([[2.0, 1.0], [1.0, 1.0]]).T
    >>> model = ICA(random_state=0).fit(X)
    >>> np.abs(np.corrcoef(model.transform(X).T, H.T)[:2, 2:]).max(axis=0).round(2)
    array([1., 1.])
    """

    n_components: int | None  # type: ignore[assignment]
    _prior = None

    def __init__(
        self,
        n_components: int | None = None,
        method: str = "fastica",
        *,
        tol: float = 1e-5,
        max_iter: int = 500,
        random_state=None,
    ):
        self.n_components = n_components
        self.method = method
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @classmethod
    def from_parameters(cls, W: ArrayLike, b: ArrayLike | float = 0.0, *, prior=None) -> ICA:
        """Build a model from known parameters, ready to sample and to score.

        Parameters
        ----------
        W : array_like of shape (n_features, n_components)
            Its columns are linearly independent.
        b : float or array_like of shape (n_features,)
        prior : scipy.stats frozen distribution, optional
            Distribution of one source; by default the logistic one of variance 1.

        Returns
        -------
        ICA
        """
        model = super().from_parameters(W, b, 0.0, prior)
        model.unmixing_ = _pseudoinverse(model.W_, "W")
        return model

    @property
    def prior(self):
        """Distribution of a source: as given to `from_parameters`, or one per source of a fit."""
        return self._prior or source(getattr(self, "super_gaussian_", True))

    @prior.setter
    def prior(self, prior) -> None:
        self._prior = prior

    def fit(self, X: ArrayLike, y=None) -> ICA:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The number of directions in which the data vary is at least the number of factors.
        y : ignored

        Returns
        -------
        ICA
        """
        X = self._read(X, reset=True, ensure_min_samples=2)
        self._check_settings(X.shape[1])
        rng = check_random_state(self.random_state)
        moments = complete_moments(X)
        whitening, colouring = self._whitening(moments)
        Z = _whitened(X, moments.mean, whitening)
        d = len(Z)
        start = np.linalg.qr(rng.normal(size=(d, d)))[0]
        few = max(FEW_ROWS, ROWS_PER_FACTOR * d)
        if 2 * few < len(X):
            rows = Z[:, rng.integers(len(X), size=few)]
            start = _fixed_point(rows, start, max(self.tol, ROUGH_TOL), self.max_iter)[0]
        B, excess, turn, n_iter = _fixed_point(Z, start, self.tol, self.max_iter)
        if turn > self.tol:
            self._warn("the fixed point", n_iter, f"a direction still turned by {turn:.1g}")
        order = np.argsort(-np.abs(excess), kind="stable")
        B, super_gaussian = B[order], excess[order] < 0
        self.__dict__.pop("log_likelihood_trace_", None)
        if self.method == "ml":
            B, trace, slope = _maximise(Z, B, super_gaussian, self.tol, self.max_iter)
            n_iter = len(trace) - 1
            if slope > self.tol:
                self._warn("the search", n_iter, f"the relative gradient was {slope:.1g}")
            volume = np.log(np.linalg.svd(whitening, compute_uv=False)).sum()
            self.log_likelihood_trace_ = trace + volume
        W = colouring @ np.linalg.inv(B)
        sign = np.where(W.sum(axis=0) < 0, -1.0, 1.0)
        self.W_, self.unmixing_ = W * sign, sign[:, None] * (B @ whitening)
        self.b_, self.noise_variance_ = moments.mean, 0.0
        self.super_gaussian_, self.n_iter_, self._prior = super_gaussian, n_iter, None
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        r"""Unmix data into sources, :math:`\mathbf h = W^+ (\mathbf x - \mathbf b)`.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
        """
        self._check_fitted()
        return (self._read(X, reset=False) - self.b_) @ self.unmixing_.T

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        r"""Mix sources, :math:`\mathbf x = W \mathbf h + \mathbf b`.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_components)
            The sources; scikit-learn calls every first argument X.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
        """
        self._check_fitted()
        return check_matrix(X, "X", (None, self.W_.shape[1])) @ self.W_.T + self.b_

    def _has_density(self) -> bool:
        if self.__sklearn_is_fitted__() and self.W_.shape[0] != self.W_.shape[1]:
            raise AttributeError(
                f"a density needs as many factors as variables; n_components={self.W_.shape[1]}, "
                f"n_features={self.W_.shape[0]}"
            )
        return True

    @available_if(_has_density)
    def score_samples(self, X: ArrayLike) -> np.ndarray:
        r"""Log-density of each sample, :math:`\sum_i \log p_i(h_i) - \log |\det W|`.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            In nats.
        """
        H = self.transform(X)
        return self.prior.logpdf(H).sum(axis=1) - np.linalg.slogdet(self.W_)[1]

    @available_if(_has_density)
    def score(self, X: ArrayLike, y=None) -> float:
        """Mean log-likelihood per sample, in nats; for as many factors as variables.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        float
        """
        return super().score(X)

    def _check_settings(self, n_features: int) -> None:
        check_option(self.method, "method", ("fastica", "ml"))
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        if self.n_components is not None:
            check_integer(
                self.n_components, "n_components", minimum=1, maximum=n_features, why="(n_features)"
            )

    def _whitening(self, moments: Moments) -> tuple[np.ndarray, np.ndarray]:
        """Matrix (d, D) that makes the data white, and its pseudoinverse (D, d).

        As many factors as variables do not depend on the units, so the data are standardised;
        fewer lie in the directions of largest variance in the units given.
        """
        S = moments.covariance
        D = len(S)
        d = D if self.n_components is None else self.n_components
        constant = constant_columns(moments.mean, np.diag(S))
        if d == D and constant.size:
            raise ValueError(
                f"X does not vary in column {constant[0]}, so it has fewer than {D} directions: "
                "give a smaller n_components, or leave the column out"
            )
        scale = np.sqrt(np.diag(S)) if d == D else np.full(D, np.sqrt(np.trace(S)) or 1.0)
        eigenvalues, V = np.linalg.eigh(S / np.outer(scale, scale))
        rank = int((eigenvalues > SMALLEST_SHARE * eigenvalues[-1]).sum())
        if constant.size == D or d > rank:
            raise ValueError(
                f"X varies in {0 if constant.size == D else rank} directions only: "
                f"n_components={d} is too large"
            )
        root, V = np.sqrt(eigenvalues[: -d - 1 : -1]), V[:, : -d - 1 : -1]
        return V.T / (root[:, None] * scale), scale[:, None] * V * root

    def _warn(self, what: str, n_iter: int, still: str) -> None:
        warn(
            f"{what} stopped after {n_iter} iterations while {still} (tol={self.tol:.2g}); raise "
            "max_iter or tol, unless two sources are normal: those cannot be separated",
            ConvergenceWarning,
        )


class _Source(stats.rv_continuous):
    """The two densities of a source; `super_gaussian`, 0 or 1, may be an array."""

    def _argcheck(self, super_gaussian):
        return np.isin(super_gaussian, (0, 1))

    def _logpdf(self, h, super_gaussian):
        a, k, c, peak, _ = _shapes(super_gaussian)
        return peak - (np.sqrt(a) * h) ** 2 / 2 - k * _log_cosh(c * h)

    def _pdf(self, h, super_gaussian):
        return np.exp(self._logpdf(h, super_gaussian))

    def _stats(self, super_gaussian):
        return 0.0, 1.0, 0.0, _shapes(super_gaussian)[4]

    def _rvs(self, super_gaussian, size=None, random_state=None):
        bumps = random_state.normal(size=size) + random_state.choice([-1.0, 1.0], size=size)
        logistic = random_state.logistic(scale=np.sqrt(3) / np.pi, size=size)
        return np.where(super_gaussian, logistic, bumps / np.sqrt(2))


def source(super_gaussian: ArrayLike = True):
    """Density of a source, of mean 0 and variance 1, as a frozen scipy.stats distribution.

    Parameters
    ----------
    super_gaussian : bool or array_like of bool
        True for the logistic density, False for two equal normal bumps; an array gives each
        source its own.

    Returns
    -------
    scipy.stats frozen distribution
    """
    with naming("super_gaussian"):
        kinds = np.asarray(super_gaussian)
    if kinds.dtype != bool or not kinds.size:
        raise TypeError(f"super_gaussian must be True, False or an array of them, got {kinds!r}")
    return _Source(name="source", shapes="super_gaussian")(kinds.astype(float))


def amari_index(W: ArrayLike, truth: ArrayLike) -> float:
    r"""Distance of an estimated mixing matrix from the true one, up to order, sign and scale.

    With :math:`R = |W^+ W_\text{true}|`, which is a scaled permutation if the estimate is right,

    .. math::

        \frac{1}{2 d (d - 1)} \Bigl[ \sum_i \Bigl(\frac{\sum_j R_{ij}}{\max_j R_{ij}} - 1\Bigr)
        + \sum_j \Bigl(\frac{\sum_i R_{ij}}{\max_i R_{ij}} - 1\Bigr) \Bigr]

    (Amari, Cichocki and Yang 1996), here divided by its largest value. Divided by 2d, as others do,
    it is d - 1 times as large.

    Parameters
    ----------
    W, truth : array_like of shape (n_features, n_components)
        At least two columns.

    Returns
    -------
    float
        Between 0 and 1.
    """
    truth = check_matrix(truth, "truth")
    W = check_matrix(W, "W", truth.shape)
    _pseudoinverse(truth, "truth")
    R = np.abs(_pseudoinverse(W, "W") @ truth)
    d = len(R)
    check_integer(d, "the number of columns of W", minimum=2)
    excess = sum((R / R.max(axis=axis, keepdims=True)).sum() - d for axis in (0, 1))
    return float(excess / (2 * d * (d - 1)))


def _pseudoinverse(W: np.ndarray, name: str) -> np.ndarray:
    """Pseudoinverse of a matrix of full column rank, or an error."""
    scale = np.abs(W).max(axis=1, keepdims=True) if W.shape[0] == W.shape[1] else np.array([[1.0]])
    Q, R = np.linalg.qr(W / np.where(scale > 0, scale, 1))
    if np.linalg.matrix_rank(R) < W.shape[1]:
        raise ValueError(f"{name} must have linearly independent columns")
    return np.linalg.solve(R, Q.T) / scale.T


def _whitened(X: np.ndarray, mean: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """White data, one sample per column (d, N)."""
    Z = np.empty((len(whitening), len(X)))
    step = max(1, BLOCK_SIZE // X.shape[1])
    for start in range(0, len(X), step):
        rows = slice(start, start + step)
        np.matmul(whitening, (X[rows] - mean).T, out=Z[:, rows])
    return Z


def _blocks(Z: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of columns, small enough for the cache."""
    step = max(1, BLOCK_SIZE // len(Z))
    for start in range(0, Z.shape[1], step):
        yield Z[:, start : start + step]


def _fixed_point(
    Z: np.ndarray, B: np.ndarray, tol: float, max_iter: int
) -> tuple[np.ndarray, np.ndarray, float, int]:
    r"""Symmetric fixed-point iteration (Hyvärinen 1999).

    .. math::

        B \leftarrow \langle \tanh(B \mathbf z) \mathbf z^\top \rangle
        - \operatorname{diag} \langle 1 - \tanh^2(B \mathbf z) \rangle B, \qquad
        B \leftarrow (B B^\top)^{-1/2} B

    Parameters
    ----------
    Z : ndarray of shape (d, n_samples)
        White data.
    B : ndarray of shape (d, d)
        Orthogonal.
    tol : float
    max_iter : int

    Returns
    -------
    B : ndarray of shape (d, d)
    excess : ndarray of shape (d,)
        :math:`\langle h \tanh h \rangle - \langle 1 - \tanh^2 h \rangle` of each source: zero for
        a normal one, negative for one with a peak and heavy tails.
    turn : float
        Largest turn of a row in the last iteration, 1 minus the cosine.
    n_iter : int
    """
    d, N = Z.shape
    buffer = np.empty((d, max(1, BLOCK_SIZE // d)))
    n_iter, turn = 0, np.inf
    while turn > tol and n_iter < max_iter:
        n_iter += 1
        moment, squares = np.zeros((d, d)), np.zeros(d)
        for block in _blocks(Z):
            T = buffer[:, : block.shape[1]]
            np.matmul(B, block, out=T)
            np.tanh(T, out=T)
            moment += T @ block.T
            squares += np.einsum("ij,ij->i", T, T)
        slope = 1 - squares / N
        excess = (moment * B).sum(axis=1) / N - slope
        U, _, V = np.linalg.svd(moment / N - slope[:, None] * B)
        turn = 1 - np.abs(((U @ V) * B).sum(axis=1)).min()
        B = U @ V
    return B, excess, float(turn), n_iter


def _maximise(
    Z: np.ndarray, B: np.ndarray, super_gaussian: np.ndarray, tol: float, max_iter: int
) -> tuple[np.ndarray, np.ndarray, float]:
    r"""Maximise the likelihood over all invertible B, by steps :math:`B \leftarrow (I + E) B`.

    With :math:`\mathbf h = B \mathbf z` and :math:`\psi_i = -(\log p_i)'`, minus the mean
    log-likelihood has the relative gradient
    :math:`\langle \boldsymbol\psi(\mathbf h) \mathbf h^\top \rangle - I`. Where the sources are
    independent, the derivative of this gradient splits into one block per pair, of :math:`E_{ij}`
    and :math:`E_{ji}`. These blocks precondition L-BFGS (Ablin, Cardoso and Gramfort 2018).

    Parameters
    ----------
    Z : ndarray of shape (d, n_samples)
        White data.
    B : ndarray of shape (d, d)
    super_gaussian : ndarray of bool, shape (d,)
    tol : float
    max_iter : int

    Returns
    -------
    B : ndarray of shape (d, d)
    trace : ndarray of shape (n_iter + 1,)
        Mean log-likelihood of the white data, at the start and after each iteration.
    slope : float
        Largest entry of the relative gradient at the end.
    """
    memory: deque = deque(maxlen=MEMORY)
    loss, gradient, curvature = _derivatives(Z, B, super_gaussian)
    trace = [-loss]
    while np.abs(gradient).max() > tol and len(trace) <= max_iter:
        step = -_two_loops(gradient, memory, partial(_solve_pairs, curvature=curvature))
        if (step * gradient).sum() >= 0:
            memory.clear()
            step = -_solve_pairs(gradient, curvature)
        for _ in range(50):
            proposal = B + step @ B
            new_loss, new_gradient, new_curvature = _derivatives(Z, proposal, super_gaussian)
            gain = loss - new_loss
            flatter = np.abs(new_gradient).max() < np.abs(gradient).max()
            if gain > 0 or (flatter and gain > -ROUND_OFF * abs(loss)):
                break
            step = step / 2
        else:
            break
        change = new_gradient - gradient
        if (step * change).sum() > 0:
            memory.append((step, change))
        B, loss, gradient, curvature = proposal, new_loss, new_gradient, new_curvature
        trace.append(-loss)
    return B, np.array(trace), float(np.abs(gradient).max())


def _derivatives(
    Z: np.ndarray, B: np.ndarray, super_gaussian: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Minus the mean log-likelihood, its relative gradient, and the curvature of each entry."""
    d, N = Z.shape
    a, k, c, peak, _ = (np.reshape(values, (d, 1)) for values in _shapes(super_gaussian))
    loss, gradient, curvature = 0.0, np.zeros((d, d)), np.zeros((d, d))
    squares, slopes = np.zeros(d), np.zeros(d)
    for block in _blocks(Z):
        H = B @ block
        T = np.tanh(c * H)
        H2 = H**2
        loss += (a * H2 / 2 + k * _log_cosh(c * H)).sum()
        gradient += (a * H + k * c * T) @ H.T
        slope = a + k * c**2 * (1 - T**2)
        curvature[np.diag_indices(d)] += np.einsum("ij,ij->i", slope, H2)
        squares += H2.sum(axis=1)
        slopes += slope.sum(axis=1)
    pairs = np.outer(slopes / N, squares / N)
    np.fill_diagonal(pairs, 1 + np.diag(curvature) / N)
    return (
        float(loss / N - peak.sum() - np.linalg.slogdet(B)[1]),
        gradient / N - np.eye(d),
        pairs,
    )


def _solve_pairs(G: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    """Solve h_ij E_ij + E_ji = G_ij for all pairs i, j, with no curvature below a floor."""
    total, difference = curvature + curvature.T, curvature - curvature.T
    smallest = (total - np.sqrt(difference**2 + 4)) / 2
    h = curvature + np.maximum(SMALLEST_CURVATURE - smallest, 0)
    E = (h.T * G - G.T) / (h * h.T - 1)
    np.fill_diagonal(E, np.diag(G) / np.maximum(np.diag(curvature), SMALLEST_CURVATURE))
    return E


def _two_loops(
    gradient: np.ndarray, memory: deque, solve: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Product of the L-BFGS estimate of the inverse curvature with the gradient."""
    Q, weights = gradient, []
    for step, change in reversed(memory):
        weights.append((step * Q).sum() / (step * change).sum())
        Q = Q - weights[-1] * change
    E = solve(Q)
    for (step, change), weight in zip(memory, reversed(weights), strict=True):
        E = E + (weight - (change * E).sum() / (step * change).sum()) * step
    return E


def _shapes(super_gaussian: ArrayLike) -> tuple[np.ndarray, ...]:
    """Return a, k, c, log p(0) and the kurtosis for each source."""
    return tuple(
        np.where(super_gaussian, one, other)
        for one, other in zip(SUPER_GAUSSIAN, SUB_GAUSSIAN, strict=True)
    )


def _log_cosh(x: np.ndarray) -> np.ndarray:
    x = np.abs(x)
    return x + np.log1p(np.exp(-2 * x)) - np.log(2)
