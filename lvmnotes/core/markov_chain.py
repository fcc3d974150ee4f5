"""Messages along a hidden Markov chain: sums over all its paths, and the best of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Axis = int | tuple[int, ...]

#: Smallest transition probability up to which messages are kept as plain numbers, and the steps
#: between two divisions of them by their sums. Per step a sum falls by this factor at most, and no
#: state's part of a message is below it by more than one step's densities, so what underflows does
#: not matter. With a smaller probability, or zero, messages are kept as logarithms.
SMALLEST, STEPS = 1e-30, 8
#: Most states with which blocks run side by side: their products cost a factor K.
MOST_STATES = {"plain": 32, "logarithms": 12}
#: Blocks, as a multiple of the square root of the number of steps.
BLOCKS = 4


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
        _, scale = chain.scaled(chain.forward(chain.at_begins(chain.products())))
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
        both = np.stack([products, products[..., ::-1].transpose(1, 0, 2)], axis=2)
        at_begins, at_ends = chain.at_begins(both).transpose(1, 0, 2)
        forward, scale = chain.scaled(chain.forward(at_begins))
        backward = chain.backward(at_ends[:, ::-1])
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
        log_start, K = np.log(start), len(start)
    products = chain.products()
    M = chain.at_begins(products)
    # The best path at the begins of all blocks, backwards; then that of each block from there.
    before = (products + M).argmax(axis=1).T.tolist()
    state, entry = (products[..., -1] + M[:, -1]).max(axis=1).argmax(), np.empty(len(before), int)
    for block in reversed(range(len(before))):
        state = entry[block] = before[block][state]
    forward = chain.forward(np.where(np.arange(K)[:, None] == entry, 0, -np.inf))
    path = np.empty(chain.b[:, 0].shape, int)
    state = np.append(entry[1:], forward[-1, :, -1].argmax())
    for step in reversed(range(len(path))):
        path[step] = state
        into = chain.A.take(state, axis=1)
        if chain.begins[step].size:
            into[:, chain.begins[step]] = 0
        state = (forward[step] + into).argmax(axis=0)
    path = chain.in_time(path)
    log_before = chain.A.take(K * np.roll(path, 1) + path)
    log_before[first] = log_start[path[first]]
    return path, log_before + log_density.take(K * np.arange(len(path)) + path)


class _Plain:
    """Sums of plain numbers; messages are divided by their sums every few steps."""

    name = "plain"
    zero, one = 0.0, 1.0
    times, over, read, log = np.multiply, np.divide, np.exp, np.log
    reduce = np.add.reduce
    between = STEPS

    @staticmethod
    def dot(A: np.ndarray, M: np.ndarray) -> np.ndarray:
        return (A @ M.reshape(len(M), -1)).reshape(M.shape)

    @staticmethod
    def compose(P: np.ndarray, Q: np.ndarray) -> np.ndarray:
        return np.einsum("ij...,jk...->ik...", P, Q)

    @staticmethod
    def normalise(M: np.ndarray, axis: Axis = 0) -> tuple[np.ndarray, np.ndarray]:
        total = np.add.reduce(M, axis=axis, keepdims=True)
        return M / total, total

    @staticmethod
    def posterior(
        chain: _Blocks, forward: np.ndarray, backward: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        R, total = _Plain.normalise(forward[1:] * backward[1:], axis=1)
        seen = chain.b * backward[1:]
        seen *= np.where(chain.first[:, None], 0, 1 / (scale * total))
        return R, chain.A * (forward[:-1] @ seen.transpose(0, 2, 1)).sum(axis=0)


class _Logarithms:
    """Sums, or largest terms, of numbers that are kept as logarithms."""

    name = "logarithms"
    zero, one = -np.inf, 0.0
    times, over, read, log = np.add, np.subtract, np.positive, np.positive

    def __init__(self, reduce: Callable[..., np.ndarray], between: int):
        self.reduce, self.between = reduce, between

    def dot(self, A: np.ndarray, M: np.ndarray) -> np.ndarray:
        return self.reduce(A.T.reshape(*A.shape, *[1] * (M.ndim - 1)) + M[:, None], axis=0)

    def compose(self, P: np.ndarray, Q: np.ndarray) -> np.ndarray:
        return self.reduce(P[:, :, None] + Q, axis=1)

    def normalise(self, M: np.ndarray, axis: Axis = 0) -> tuple[np.ndarray, np.ndarray]:
        total = self.reduce(M, axis=axis, keepdims=True)
        possible = total > -np.inf
        if not possible.all():  # after an impossible step nothing is known of the state
            M = np.where(possible, M, 0)
            return M - self.reduce(M, axis=axis, keepdims=True), total
        return M - total, total

    def posterior(
        self, chain: _Blocks, forward: np.ndarray, backward: np.ndarray, scale: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        log_R, total = self.normalise(forward[1:] + backward[1:], axis=1)
        seen = chain.b + backward[1:] - np.where(chain.first[:, None], np.inf, scale + total)
        pairs = np.zeros_like(chain.A)
        for before, after in zip(forward, seen, strict=False):
            pairs += np.exp(before[:, None] + chain.A[:, :, None] + after).sum(axis=2)
        return np.exp(log_R), pairs


def _log_sum(M: np.ndarray, axis: Axis, *, keepdims: bool = False) -> np.ndarray:
    top = M.max(axis=axis, keepdims=True)
    top[np.isneginf(top)] = 0
    total = np.log(np.exp(M - top).sum(axis=axis, keepdims=True)) + top
    return total if keepdims else total.squeeze(axis)


class _Blocks:
    """Sequences laid end to end, and cut into blocks of which all take a step at once.

    What a block does to a message is a product of K x K matrices, which is worked out for all
    blocks side by side. These products are multiplied by those of the block before, then by those
    of the two before, of the four before, and so on, so that after a few rounds each takes in all
    blocks before it. Then the message at each block's begin is known; and then the messages within
    all blocks, again side by side. So a series of T steps takes a few times the square root of T
    operations on arrays.

    At the first step of a sequence the density takes in the probability of the start, and the
    message that comes in passes a matrix of ones in place of the transitions. The last block is
    filled with sequences of one step that say nothing.

    Attributes
    ----------
    A : ndarray of shape (n_components, n_components)
        Transition probabilities, or their logarithms.
    b : ndarray of shape (length, n_components, n_blocks)
        Densities divided by their peaks, or the logarithms of that.
    first : ndarray of bool, shape (length, n_blocks)
        Whether a step begins a sequence.
    begins : list of ndarray
        For each step, the blocks in which it does.
    peak : ndarray of shape (length, n_blocks)
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
            self.arithmetic = _Logarithms(np.maximum.reduce, between=STEPS)
            self.A = np.log(transition)
        elif transition.min() < SMALLEST:
            self.arithmetic, self.A = _Logarithms(_log_sum, between=1), np.log(transition)
        else:
            self.arithmetic, self.A = _Plain(), transition
        T, K = log_density.shape
        n_blocks = int(BLOCKS * np.sqrt(T)) if K <= MOST_STATES[self.arithmetic.name] else 1
        length = -(-T // n_blocks)
        self.n_steps, self.n_blocks = T, -(-T // length)

        rows = np.zeros((self.n_blocks * length, K))
        begins = np.ones(len(rows), bool)
        rows[:T], begins[:T] = log_density, first
        rows[np.flatnonzero(first)] += np.log(start)
        b = np.ascontiguousarray(rows.reshape(-1, length, K).transpose(1, 2, 0))
        self.peak = b.max(axis=1)
        impossible = np.isneginf(self.peak)
        if impossible.any():
            b.transpose(0, 2, 1)[impossible] = 0
        b -= np.where(impossible, 0, self.peak)[:, None]
        self.b = self.arithmetic.read(b)
        self.first = np.ascontiguousarray(begins.reshape(-1, length).T)
        self.begins = [np.flatnonzero(which) for which in self.first]

    def in_time(self, values: np.ndarray) -> np.ndarray:
        """Values of the steps of the blocks (length, ..., n_blocks), in time (..., n_steps)."""
        values = np.moveaxis(values, 0, -1)
        return values.reshape(*values.shape[:-2], -1)[..., : self.n_steps]

    def log_density(self, scale: np.ndarray) -> np.ndarray:
        """Logarithms of the scales of forward messages (length, 1, n_blocks), in time."""
        return self.in_time(self.arithmetic.log(scale[:, 0]) + self.peak)

    def ahead(self, M: np.ndarray, step: int) -> np.ndarray:
        """Messages (K, ..., n_blocks) after a step, up to a factor, from those before it."""
        before, M, begins = M, self.arithmetic.dot(self.A.T, M), self.begins[step]
        if begins.size:
            M[..., begins] = self.arithmetic.reduce(before[..., begins], axis=0)
        b = self.b[step] if M.ndim == 2 else self.b[step, :, None]
        return self.arithmetic.times(M, b, out=M)

    def products(self) -> np.ndarray:
        """Matrices (K, K, n_blocks) by which blocks take a message to one, up to a factor."""
        K = len(self.A)
        P = np.full((K, K, self.n_blocks), self.arithmetic.zero)
        P[range(K), range(K)] = self.arithmetic.one
        if self.n_blocks > 1:
            for step in range(len(self.b)):
                P = self.ahead(P, step)
                if step % self.arithmetic.between == 0:
                    P = self.arithmetic.normalise(P, axis=(0, 1))[0]
        return P

    def at_begins(self, products: np.ndarray) -> np.ndarray:
        """Messages (K, ..., n_blocks) that come into each block from the blocks before it."""
        P, n = self.arithmetic.normalise(products, axis=(0, 1))[0], 1
        while n < self.n_blocks:
            longer = self.arithmetic.compose(P[..., n:], P[..., :-n])
            P[..., n:], n = self.arithmetic.normalise(longer, axis=(0, 1))[0], 2 * n
        M = np.full(P.shape[1:], self.arithmetic.one)
        M[..., 1:] = self.arithmetic.reduce(P[..., :-1], axis=1)
        return M

    def forward(self, message: np.ndarray) -> np.ndarray:
        """Messages before each step and after the last, up to a factor, from those (K, n_blocks).

        The factors are kept over as many steps as the arithmetic allows.
        """
        M = np.empty((len(self.b) + 1, *self.b.shape[1:]))
        M[0] = message
        for step in range(len(self.b)):
            if step % self.arithmetic.between == 0:
                message = self.arithmetic.normalise(message)[0]
            M[step + 1] = message = self.ahead(message, step)
        return M

    def scaled(self, M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Forward messages whose sums are 1, and the scales (length, 1, n_blocks)."""
        M, total = self.arithmetic.normalise(M, axis=1)
        before = total[:-1].copy()
        before[:: self.arithmetic.between] = self.arithmetic.one
        return M, self.arithmetic.over(total[1:], before)

    def backward(self, message: np.ndarray) -> np.ndarray:
        """Messages before each step and after the last, up to a factor, from those at the ends."""
        M = np.empty((len(self.b) + 1, *self.b.shape[1:]))
        M[-1] = message
        for step in reversed(range(len(self.b))):
            message = self.arithmetic.dot(self.A, self.arithmetic.times(self.b[step], message))
            if self.begins[step].size:
                message[:, self.begins[step]] = self.arithmetic.one
            if step % self.arithmetic.between == 0:
                message = self.arithmetic.normalise(message)[0]
            M[step] = message
        return M
