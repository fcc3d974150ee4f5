"""Messages along a hidden Markov chain: sums over all its paths, and the best of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

#: Smallest transition probability up to which messages are kept as plain numbers. Then no state's
#: part of a message is below this part of the largest by more than one step's densities, so what
#: underflows does not matter. With a smaller one, or zero, messages are kept as logarithms.
SMALLEST = 1e-100
#: Most states with which blocks run side by side: their products cost a factor K.
MOST_STATES = {"plain": 32, "logarithms": 12}


def filter_forward(
    start: np.ndarray, transition: np.ndarray, log_density: np.ndarray, first: np.ndarray
) -> np.ndarray:
    r"""Log-density of each step given the steps before it in its sequence.

    The forward recursion

    .. math::

        c_t\, \alpha_t(j) = p(\mathbf x_t \mid z_t = j) \sum_i \alpha_{t-1}(i)\, a_{ij} ,
        \qquad \sum_j \alpha_t(j) = 1 , \qquad c_t = p(\mathbf x_t \mid \mathbf x_{1:t-1}) ,

    whose products of the scales :math:`c_t` are the likelihood.

    Parameters
    ----------
    start : ndarray of shape (n_components,)
    transition : ndarray of shape (n_components, n_components)
        Row i holds the probabilities of the state after state i.
    log_density : ndarray of shape (n_steps, n_components)
        Of each step given each state.
    first : ndarray of bool, shape (n_steps,)
        Whether a step begins a sequence, as the first one does.

    Returns
    -------
    ndarray of shape (n_steps,)
        In nats; minus infinity for a step that is impossible given those before it.
    """
    with np.errstate(divide="ignore"):
        chain = _Blocks(start, transition, log_density, first)
        _, scale = chain.forward(chain.at_begins(chain.products()).T)
        scores = chain.log_density(scale)
    impossible = np.isneginf(scores)
    if impossible.any():  # what comes after it is arbitrary, in the next sequence of a block, too
        sequence = first.cumsum()
        others = ~np.isin(sequence, sequence[impossible])
        if others.any():
            scores[others] = filter_forward(start, transition, log_density[others], first[others])
    return scores


def smooth(
    start: np.ndarray, transition: np.ndarray, log_density: np.ndarray, first: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Probabilities of the states, and of pairs of them, given all steps of their sequence.

    .. math::

        \gamma_t(i) \propto \alpha_t(i)\, \beta_t(i), \qquad
        \xi_t(i, j) \propto \alpha_{t-1}(i)\, a_{ij}\, p(\mathbf x_t \mid z_t = j)\, \beta_t(j),
        \qquad
        \beta_{t-1}(i) \propto \sum_j a_{ij}\, p(\mathbf x_t \mid z_t = j)\, \beta_t(j)

    (Baum et al. 1970), with the forward messages of `filter_forward`, whose arguments these are.

    Parameters
    ----------
    start : ndarray of shape (n_components,)
    transition : ndarray of shape (n_components, n_components)
    log_density : ndarray of shape (n_steps, n_components)
    first : ndarray of bool, shape (n_steps,)

    Returns
    -------
    log_density : ndarray of shape (n_steps,)
        Of each step given the steps before it in its sequence, in nats.
    R : ndarray of shape (n_components, n_steps)
        Each column sums to 1.
    pairs : ndarray of shape (n_components, n_components)
        Expected number of transitions from state i to j.
    """
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # impossible steps
        chain = _Blocks(start, transition, log_density, first)
        products = chain.products()
        forward, scale = chain.forward(chain.at_begins(products).T)
        backward = chain.backward(products)
        R, pairs = chain.arithmetic.posterior(chain, forward, backward, scale)
        return chain.log_density(scale), chain.in_time(R), pairs


def best_path(
    start: np.ndarray, transition: np.ndarray, log_density: np.ndarray, first: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    r"""Most probable path of states of each sequence (Viterbi 1967).

    The forward recursion with the largest term in place of the sum, and then backwards from the
    best last state: each state's predecessor is the one that the largest term came from.

    Parameters
    ----------
    start : ndarray of shape (n_components,)
    transition : ndarray of shape (n_components, n_components)
    log_density : ndarray of shape (n_steps, n_components)
    first : ndarray of bool, shape (n_steps,)

    Returns
    -------
    path : ndarray of int, shape (n_steps,)
    log_joint : ndarray of shape (n_steps,)
        Log-density of each state and its data given the state before; minus infinity somewhere if
        no path is possible.
    """
    with np.errstate(divide="ignore"):
        chain = _Blocks(start, transition, log_density, first, best=True)
        log_start, log_transition = np.log(start), np.log(transition)
    products = chain.products()
    M = chain.at_begins(products)
    # The best path at the begins of all blocks, backwards; then that of each block from there.
    state, entry = (products[-1] + M[-1]).max(axis=1).argmax(), np.empty(len(M), int)
    for block in reversed(range(len(M))):
        state = entry[block] = (products[block, state] + M[block]).argmax()
    forward, _ = chain.forward(np.where(np.arange(len(start))[:, None] == entry, 0, -np.inf))
    path = np.empty(chain.b[:, 0].shape, int)
    state = np.append(entry[1:], forward[-1, :, -1].argmax())
    for step in reversed(range(len(path))):
        path[step] = state
        before = log_transition[:, state]
        before[:, chain.begins[step]] = 0
        state = (forward[step] + before).argmax(axis=0)
    path = chain.in_time(path)
    before = np.where(first, log_start[path], log_transition[np.roll(path, 1), path])
    return path, before + log_density[np.arange(len(path)), path]


class _Plain:
    """Sums of plain numbers; each message is divided by its sum as soon as it is made."""

    name = "plain"
    zero, one = 0.0, 1.0
    times, read, log = np.multiply, np.exp, np.log

    @staticmethod
    def dot(A: np.ndarray, M: np.ndarray) -> np.ndarray:
        return (A @ M.reshape(len(M), -1)).reshape(M.shape)

    @staticmethod
    def normalise(M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total = np.add.reduce(M, axis=0)
        return np.divide(M, total, out=M), total

    @staticmethod
    def posterior(
        chain: _Blocks, forward: np.ndarray, backward: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        R = forward[1:] * backward[1:]
        total = R.sum(axis=1, keepdims=True)
        R /= total
        seen = chain.b * backward[1:]
        seen /= scale[:, None] * total
        for step, begins in enumerate(chain.begins):
            seen[step][:, begins] = 0
        return R, chain.A * np.tensordot(forward[:-1], seen, axes=([0, 2], [0, 2]))


class _Logarithms:
    """Sums, or largest terms, of numbers that are kept as logarithms."""

    name = "logarithms"
    zero, one = -np.inf, 0.0
    times, read, log = np.add, np.positive, np.positive

    def __init__(self, reduce: Callable[..., np.ndarray]):
        self.reduce = reduce

    def dot(self, A: np.ndarray, M: np.ndarray) -> np.ndarray:
        return self.reduce(A.T.reshape(*A.shape, *[1] * (M.ndim - 1)) + M[:, None], axis=0)

    def normalise(self, M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total = self.reduce(M, axis=0)
        possible = total > -np.inf
        if not possible.all():  # after an impossible step nothing is known of the state
            M = np.where(possible, M, 0)
            return M - self.reduce(M, axis=0), total
        return M - total, total

    def posterior(
        self, chain: _Blocks, forward: np.ndarray, backward: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        R = forward[1:] + backward[1:]
        total = self.reduce(R, axis=1)
        R = np.exp(R - total[:, None])
        seen = chain.b + backward[1:] - (scale + total)[:, None]
        pairs = np.zeros_like(chain.A)
        for step, begins in enumerate(chain.begins):
            xi = np.exp(forward[step][:, None] + chain.A[:, :, None] + seen[step])
            xi[:, :, begins] = 0
            pairs += xi.sum(axis=2)
        return R, pairs


def _log_sum(M: np.ndarray, axis: int) -> np.ndarray:
    top = M.max(axis=axis, keepdims=True)
    top[np.isneginf(top)] = 0
    return np.log(np.exp(M - top).sum(axis=axis)) + top.squeeze(axis)


class _Blocks:
    """Sequences laid end to end, and cut into blocks of which all take a step at once.

    What a block does to a message is a product of K x K matrices, which is worked out for all
    blocks side by side. With these products the message at each block's begin follows from that at
    the begin before; and then the messages within all blocks, again side by side. So a series of T
    steps takes a few times the square root of T operations on arrays.

    At the first step of a sequence the density takes in the probability of the start, and the
    message that comes in is replaced by ones. The last block is filled with sequences of one step
    that say nothing.

    Attributes
    ----------
    A : ndarray of shape (n_components, n_components)
        Transition probabilities, or their logarithms.
    b : ndarray of shape (length, n_components, n_blocks)
        Densities divided by their peaks, or the logarithms of that.
    begins : list of ndarray
        For each step, the blocks in which it begins a sequence.
    peak : ndarray of shape (n_steps,)
        The largest log-density of each step over the states.
    """

    def __init__(
        self,
        start: np.ndarray,
        transition: np.ndarray,
        log_density: np.ndarray,
        first: np.ndarray,
        *,
        best: bool = False,
    ):
        self.arithmetic: _Plain | _Logarithms
        if best:
            self.arithmetic, self.A = _Logarithms(np.maximum.reduce), np.log(transition)
        elif transition.min() < SMALLEST:
            self.arithmetic, self.A = _Logarithms(_log_sum), np.log(transition)
        else:
            self.arithmetic, self.A = _Plain(), transition
        T, K = log_density.shape
        n_blocks = int(1.5 * np.sqrt(T)) if K <= MOST_STATES[self.arithmetic.name] else 1
        length = -(-T // n_blocks)
        self.n_steps, self.n_blocks = T, -(-T // length)

        rows = np.zeros((self.n_blocks * length, K))
        begins = np.ones(len(rows), bool)
        rows[:T], begins[:T] = log_density, first
        rows[:T][first] += np.log(start)
        peak = rows.max(axis=1)
        impossible = np.isneginf(peak)
        rows[impossible] = 0
        rows -= np.where(impossible, 0, peak)[:, None]
        self.peak = peak[:T]
        by_step = rows.reshape(self.n_blocks, length, K).transpose(1, 2, 0)
        self.b = self.arithmetic.read(np.ascontiguousarray(by_step))
        self.begins = [np.flatnonzero(which) for which in begins.reshape(-1, length).T]

    def in_time(self, values: np.ndarray) -> np.ndarray:
        """Values of the steps of the blocks (length, ..., n_blocks), in time (..., n_steps)."""
        values = np.moveaxis(values, 0, -1)
        return values.reshape(*values.shape[:-2], -1)[..., : self.n_steps]

    def log_density(self, scale: np.ndarray) -> np.ndarray:
        """Logarithms of the scales of forward messages (length, n_blocks), in time."""
        return self.in_time(self.arithmetic.log(scale)) + self.peak

    def ahead(
        self, M: np.ndarray, b: np.ndarray, begins: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Messages (K, ..., n_blocks) one step later, divided by their sums; and the sums."""
        M = self.arithmetic.dot(self.A.T, M)
        if begins.size:
            M[..., begins] = self.arithmetic.one
        return self.arithmetic.normalise(self.arithmetic.times(M, b, out=M))

    def products(self) -> np.ndarray:
        """Matrices (n_blocks, K, K) by which blocks take a message to one, up to a factor."""
        K = len(self.A)
        P = np.full((K, K, self.n_blocks), self.arithmetic.zero)
        P[range(K), range(K)] = self.arithmetic.one
        if self.n_blocks > 1:
            scale = np.empty((len(self.b), K, self.n_blocks))
            for step, b in enumerate(self.b[:, :, None]):
                P, scale[step] = self.ahead(P, b, self.begins[step])
            log_scale = self.arithmetic.log(scale).sum(axis=0)
            log_scale[:, np.isneginf(log_scale).all(axis=0)] = 0
            weight = self.arithmetic.read(log_scale - log_scale.max(axis=0))
            P = self.arithmetic.times(P, weight)
        return np.ascontiguousarray(P.transpose(2, 0, 1))

    def forward(self, message: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Forward messages from those (K, n_blocks) at the begins of blocks, and their scales.

        The messages are those before each step, and after the last.
        """
        M = np.empty((len(self.b) + 1, *self.b.shape[1:]))
        scale = np.empty((len(self.b), self.n_blocks))
        M[0] = message
        for step, b in enumerate(self.b):
            M[step + 1], scale[step] = message, _ = self.ahead(message, b, self.begins[step])
        return M, scale

    def backward(self, products: np.ndarray) -> np.ndarray:
        """Backward messages before each step and after the last."""
        M = np.empty((len(self.b) + 1, *self.b.shape[1:]))
        M[-1] = message = self.at_begins(products[::-1].transpose(0, 2, 1))[::-1].T
        for step in reversed(range(len(self.b))):
            seen = self.arithmetic.times(self.b[step], message)
            message = self.arithmetic.dot(self.A, seen)
            if self.begins[step].size:
                message[:, self.begins[step]] = self.arithmetic.one
            M[step] = message = self.arithmetic.normalise(message)[0]
        return M

    def at_begins(self, products: np.ndarray) -> np.ndarray:
        """Messages (n_blocks, K) that come into each block from the blocks before it."""
        M = np.empty((len(products), len(self.A)))
        M[0] = message = np.full(len(self.A), self.arithmetic.one)
        for block, product in enumerate(products[:-1], start=1):
            message = self.arithmetic.normalise(self.arithmetic.dot(product, message))[0]
            M[block] = message
        return M
