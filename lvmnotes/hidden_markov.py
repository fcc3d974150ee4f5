"""Hidden Markov models: a mixture whose class is a Markov chain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from .core import gaussian_classes
from .core.base import DensityModel
from .core.blocks import Blocks, as_blocks, comes_in_blocks, cut_before, tree_sum
from .core.classes import best_of_short_runs, normalised_rows, slices, start_rows
from .core.em import expectation_maximisation
from .core.local_scale import by_distance, is_dependent, local_covariance
from .core.markov_chain import best_path, filter_forward, smooth
from .core.moments import TINY, ClassMoments, complete_moments
from .core.validation import (
    check_boolean,
    check_integer,
    check_matrix,
    check_option,
    check_random_state,
    check_real,
    check_scale,
    check_vector,
    constant_columns,
    first_rows,
)
from .core.warn import warn
from .mixtures import GaussianMixture, k_means_start

Parameters = tuple[np.ndarray, ...]

#: Halvings of a step of the transition matrix, after which it stays as it is.
HALVINGS = 40
#: Largest category: all up to the largest that occurs have a column in the table.
LARGEST_CATEGORY = 10**6
#: Steps in a window of a long series, and windows on which starting values are sought, at least.
WINDOW, N_WINDOWS = 64, 16


class HiddenMarkovModel(DensityModel):
    r"""Hidden Markov model by EM: the algorithm of Baum et al. (1970).

    .. math::

        z_1 \sim \boldsymbol\pi, \qquad
        p(z_t = j \mid z_{t-1} = i) = a_{ij}, \qquad
        \mathbf x_t \mid z_t = k \sim p_k

    for the steps t of a sequence, with one of three distributions :math:`p_k` of the data in
    state k: Gaussian; a table of the probabilities of V categories; or Poisson, for counts.

    Several sequences, independent of each other, are passed end to end with their `lengths`.

    With ``stationary=True`` the start :math:`\boldsymbol\pi` is the stationary distribution of the
    transition matrix. Then the M-step has no closed form for that matrix; a growth transform
    (Gopalakrishnan et al. 1991) takes its place, halved until the expected log-likelihood of data
    and states does not fall, so EM stays monotone (see `stationary_step`).

    Parameters
    ----------
    n_components : int, default 2
        Number of states K.
    emission : {"gaussian", "categorical", "poisson"}, default "gaussian"
        Distribution of the data given the state: full covariances; categories 0 to V - 1, or
        counts, in one column of integers.
    stationary : bool, default False
        Whether sequences start from the stationary distribution of the transition matrix.
    covariance_floor : float, default 1e-6
        Smallest variance of a Gaussian state in any direction, as a part of the local variance of
        the data in that direction, as in `GaussianMixture`: the likelihood has no maximum without.
    n_init : int, default 1
        Number of starts; the fit with the highest likelihood is kept. Each start is the best of
        six short runs of EM (Biernacki, Celeux and Govaert 2003).
    tol : float, default 1e-9
        Stop when the remaining gain, estimated from the last gains, is below this many nats per
        time step.
    max_iter : int, default 10000
    random_state : None, int or numpy.random.Generator
        Seed for the initial values.

    Attributes
    ----------
    start_ : ndarray of shape (n_components,)
        Probabilities of the first state. States are in decreasing order of the expected number of
        steps in them; the likelihood does not determine the order.
    transition_ : ndarray of shape (n_components, n_components)
        Row i holds the probabilities of the state after state i.
    means_ : ndarray of shape (n_components, n_features)
        Of a Gaussian model.
    covariances_ : ndarray of shape (n_components, n_features, n_features)
        Of a Gaussian model.
    covariance_floor_ : ndarray of shape (n_features, n_features)
        Of a Gaussian model: its smallest covariance.
    probabilities_ : ndarray of shape (n_components, n_categories)
        Of a categorical model.
    rates_ : ndarray of shape (n_components,)
        Of a Poisson model: the means of the counts.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per time step, in nats, at the start and after each iteration.
    n_iter_ : int
    n_samples_ : int
        Number of time steps.
    aic_, bic_ : float
        Information criteria of Akaike (1974) and Schwarz (1978), in nats times two; lower is
        better.

    Warns
    -----
    UserWarning
        If a Gaussian state ends on the covariance floor.

    Examples
    --------
    >>> import numpy as np
    >>> from lvmnotes import HiddenMarkovModel
    >>> truth = HiddenMarkovModel.from_parameters(
    ...     [0.5, 0.5], [[0.95, 0.05], [0.1, 0.9]], rates=[3.0, 9.0]
    ... )
    >>> X, z = truth.sample(500, random_state=0)
    >>> model = HiddenMarkovModel(2, emission="poisson", random_state=0).fit(X)
    >>> bool((model.predict(X) == z).mean() > 0.95)
    True
    """

    _fitted_attribute = "transition_"

    def __init__(
        self,
        n_components: int = 2,
        emission: str = "gaussian",
        *,
        stationary: bool = False,
        covariance_floor: float = 1e-6,
        n_init: int = 1,
        tol: float = 1e-9,
        max_iter: int = 10_000,
        random_state=None,
    ):
        self.n_components = n_components
        self.emission = emission
        self.stationary = stationary
        self.covariance_floor = covariance_floor
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @classmethod
    def from_parameters(
        cls,
        start: ArrayLike,
        transition: ArrayLike,
        *,
        means: ArrayLike | None = None,
        covariances: ArrayLike | None = None,
        probabilities: ArrayLike | None = None,
        rates: ArrayLike | None = None,
    ) -> HiddenMarkovModel:
        """Build a model from known parameters, of which one kind of emission is given.

        Parameters
        ----------
        start : array_like of shape (n_components,)
            Probabilities of the first state.
        transition : array_like of shape (n_components, n_components)
            Row i holds the probabilities of the state after state i. A sum within 1e-6 of 1 is
            set to 1, here and in the other tables of probabilities.
        means : array_like of shape (n_components, n_features), optional
            Of Gaussian states, with `covariances`.
        covariances : array_like of shape (n_components, n_features, n_features), optional
        probabilities : array_like of shape (n_components, n_categories), optional
        rates : array_like of shape (n_components,), optional
            Means of Poisson counts; not negative.

        Returns
        -------
        HiddenMarkovModel
        """
        transition = _check_transition(transition)
        K = len(transition)
        start = _check_probabilities(check_vector(start, "start", K)[None], "start")[0]
        given = {"means": means, "covariances": covariances}
        given |= {"probabilities": probabilities, "rates": rates}
        given = {name: value for name, value in given.items() if value is not None}
        for kind, emission in EMISSIONS.items():
            if set(given) == set(emission.names):
                model = cls(K, kind)
                model._set_parameters(emission, start, transition, emission.check(K, **given))
                return model
        raise ValueError(
            "from_parameters needs means and covariances, or probabilities, or rates; got "
            f"{' and '.join(given) or 'none of them'}"
        )

    def fit(self, X: ArrayLike, lengths: ArrayLike | None = None) -> HiddenMarkovModel:
        """Fit to one or several sequences.

        Parameters
        ----------
        X : array_like of shape (n_steps, n_features), or in blocks
            The sequences, end to end. A dask array, a memory-mapped file and an iterable of arrays
            are read block by block; each block holds one or more whole sequences.
        lengths : array_like of int, shape (n_sequences,), optional
            Their numbers of steps; one sequence by default.

        Returns
        -------
        HiddenMarkovModel
        """
        check_option(self.emission, "emission", EMISSIONS)
        emission = EMISSIONS[self.emission]
        if isinstance(X, np.memmap) and comes_in_blocks(X):
            X = cut_before(X, np.flatnonzero(first_rows(lengths, len(X))))
        X = self._read_blocks(X, ensure_min_samples=2).map(lambda X, _: emission.read(X))
        first = first_rows(lengths, X.n_rows)
        if not all(begins[0] for begins in X.split(first) if len(begins)):
            raise ValueError(
                "lengths must let no sequence go on from one block of X to the next; without "
                "lengths all blocks are one sequence"
            )
        K = self.n_components
        check_integer(K, "n_components", minimum=1, maximum=X.n_rows, why=f"(n_samples={X.n_rows})")
        check_boolean(self.stationary, "stationary")
        check_real(self.covariance_floor, "covariance_floor", minimum=0, maximum=1)
        check_integer(self.n_init, "n_init", minimum=1)
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        rng = check_random_state(self.random_state)
        fitting = emission(X, K, self.covariance_floor, rng)
        step = partial(em_step, first=first, emission=fitting, stationary=self.stationary)
        rows, begins = _windows(first, K, rng)
        short_step = partial(step, first=begins, emission=fitting.part(rows))

        def start(previous: Any) -> Parameters:
            stay = rng.uniform(0, 0.95)
            transition = stay * np.eye(K) + (1 - stay) * rng.dirichlet(np.ones(K), size=K)
            even = np.full(K, 1 / K)
            first_state = stationary_distribution(transition) if self.stationary else even
            return (first_state, transition, *fitting.start(rng))

        starts = (best_of_short_runs(short_step, start) for _ in range(self.n_init))
        parameters, trace = expectation_maximisation(
            step, *starts, tol=self.tol, max_iter=self.max_iter
        )
        first_state, transition, *rest = parameters
        _, steps, *_ = e_step(parameters, first, fitting)
        order = np.argsort(-steps, kind="stable")
        rest = [value[order] for value in rest]
        transition = transition[np.ix_(order, order)]
        self._set_parameters(emission, first_state[order], transition, rest)
        self._set_trace(trace, X.n_rows, self.n_parameters_)
        if isinstance(fitting, _Gaussian):
            self.covariance_floor_ = fitting.floor
            narrowest = gaussian_classes.narrowest(self.covariances_, fitting.floor)
            if (narrowest[steps[order] > 0] <= 1.001).any():
                warn(
                    "a state has shrunk onto a few steps and ends on the covariance floor, so its "
                    "likelihood depends on the floor; use fewer states or a larger "
                    "covariance_floor",
                )
        return self

    @property
    def n_parameters_(self) -> int:
        """Number of free parameters: those of the start, if it is free, and of the K states."""
        self._check_fitted()
        K = len(self.start_)
        of_start = 0 if self.stationary else K - 1
        return of_start + K * (K - 1) + K * self._emission.n_free(*self._emission_parameters())

    def score_samples(self, X: ArrayLike, lengths: ArrayLike | None = None) -> np.ndarray:
        """Log-likelihood of each time step given those before it in its sequence.

        Parameters
        ----------
        X : array_like of shape (n_steps, n_features)
            The sequences, end to end.
        lengths : array_like of int, shape (n_sequences,), optional

        Returns
        -------
        ndarray of shape (n_steps,)
            In nats; the sum over a sequence is its log-likelihood.
        """
        return filter_forward(*self._chain(X, lengths))

    def score(self, X: ArrayLike, lengths: ArrayLike | None = None) -> float:
        """Mean log-likelihood per time step, in nats.

        Parameters
        ----------
        X : array_like of shape (n_steps, n_features)
        lengths : array_like of int, shape (n_sequences,), optional

        Returns
        -------
        float
        """
        return float(self.score_samples(X, lengths).mean())

    def posterior(self, X: ArrayLike, lengths: ArrayLike | None = None) -> np.ndarray:
        """Smoothing probabilities: of each state at each step, given the whole sequence.

        Parameters
        ----------
        X : array_like of shape (n_steps, n_features)
        lengths : array_like of int, shape (n_sequences,), optional

        Returns
        -------
        ndarray of shape (n_steps, n_components)
            Each row sums to 1.
        """
        log_density, R, _ = smooth(*self._chain(X, lengths))
        _check_possible(log_density)
        return R.T

    def predict(self, X: ArrayLike, lengths: ArrayLike | None = None) -> np.ndarray:
        """Most probable path of states of each sequence, by the algorithm of Viterbi (1967).

        Parameters
        ----------
        X : array_like of shape (n_steps, n_features)
        lengths : array_like of int, shape (n_sequences,), optional

        Returns
        -------
        ndarray of int, shape (n_steps,)
        """
        path, log_joint = best_path(*self._chain(X, lengths))
        _check_possible(log_joint)
        return path

    def sample(self, n_samples: int = 1, random_state=None) -> tuple[np.ndarray, np.ndarray]:
        """Draw one sequence.

        Parameters
        ----------
        n_samples : int
            Number of time steps.
        random_state : None, int or numpy.random.Generator

        Returns
        -------
        X : ndarray of shape (n_samples, n_features)
        z : ndarray of int, shape (n_samples,)
            The states.
        """
        self._check_fitted()
        check_integer(n_samples, "n_samples", minimum=1)
        rng = check_random_state(random_state)
        u, z = rng.random(n_samples), np.empty(n_samples, int)
        table = np.vstack([self.start_, self.transition_]).cumsum(axis=1)
        start, *rows = (table / table[:, -1:]).tolist()
        row = start
        for t in range(n_samples):
            z[t] = bisect(row, u[t])
            row = rows[z[t]]
        return self._emission.draw(z, rng, *self._emission_parameters()), z

    def _set_parameters(
        self,
        emission: type[Emission],
        start: np.ndarray,
        transition: np.ndarray,
        rest: Sequence[np.ndarray],
    ) -> None:
        for name in ("means_", "covariances_", "covariance_floor_", "probabilities_", "rates_"):
            if hasattr(self, name):
                delattr(self, name)
        self.start_, self.transition_, self._emission = start, transition, emission
        for name, value in zip(emission.names, rest, strict=True):
            setattr(self, f"{name}_", value)
        if not hasattr(self, "n_features_in_"):
            self._set_n_features(rest[0].shape[1] if emission is _Gaussian else 1)

    def _emission_parameters(self) -> Parameters:
        return tuple(getattr(self, f"{name}_") for name in self._emission.names)

    def _chain(self, X: ArrayLike, lengths: ArrayLike | None) -> Parameters:
        """Start, transitions, log-densities given the states, and which steps begin a sequence."""
        self._check_fitted()
        X = self._emission.read(self._read(X, reset=False))
        log_density = self._emission.densities(X, *self._emission_parameters())
        return self.start_, self.transition_, log_density, first_rows(lengths, len(X))

    def __sklearn_tags__(self):
        """Tell scikit-learn that categories and counts are not negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = self.emission in ("categorical", "poisson")
        return tags


class Emission(ABC):
    """Distribution of the data given the state; an instance holds the data that it is fitted to.

    The static methods are for any data; the others for a fit.

    Attributes
    ----------
    X : Blocks
        The data (n_steps, n_features).
    data : Blocks
        The same, as `prepare` makes them.
    """

    #: Names of the parameters.
    names: tuple[str, ...]

    def __init__(
        self,
        X: np.ndarray | Blocks,
        n_components: int,
        covariance_floor: float,
        rng: np.random.Generator,
    ):
        self.X, self.n_components = as_blocks(X), n_components
        self.data = self.X.map(self.prepare)

    @staticmethod
    @abstractmethod
    def check(n_components: int, **parameters: ArrayLike) -> Parameters:
        """Return valid parameters as arrays, or say what is wrong with them."""

    @staticmethod
    @abstractmethod
    def densities(X: np.ndarray, *parameters: np.ndarray) -> np.ndarray:
        """Log-densities (n_steps, n_components)."""

    @staticmethod
    @abstractmethod
    def n_free(*parameters: np.ndarray) -> int:
        """Count the free parameters per state."""

    @staticmethod
    @abstractmethod
    def draw(z: np.ndarray, rng: np.random.Generator, *parameters: np.ndarray) -> np.ndarray:
        """Draw data (n_steps, n_features) of each state in z."""

    @staticmethod
    def read(X: np.ndarray) -> np.ndarray:
        """Return valid data, or say what is wrong with them."""
        if X.shape[1] != 1 or (X < 0).any() or (X != np.floor(X)).any():
            raise ValueError(
                "X must hold integers from 0 in one column for categories or counts; got "
                f"{X.shape[1]} columns, or other numbers"
            )
        return X

    def part(self, rows: np.ndarray) -> Emission:
        """Return the same with some of the data."""
        part = copy(self)
        part.X = as_blocks(*self.X.rows(rows))
        part.data = part.X.map(self.prepare)
        return part

    @staticmethod
    def prepare(X: np.ndarray) -> Any:
        """Bring a block of data to the form in which EM reads it."""
        return X

    @staticmethod
    @abstractmethod
    def log_densities(*block_and_parameters: np.ndarray) -> np.ndarray:
        """Log-densities (n_steps, n_components) of a prepared block, given the parameters."""

    @staticmethod
    @abstractmethod
    def sums(*block_and_R: np.ndarray) -> Any:
        """Add up what `m_step` needs of a prepared block, given the states' probabilities."""

    @abstractmethod
    def start(self, rng: np.random.Generator) -> Parameters:
        """Draw initial parameters."""

    @abstractmethod
    def m_step(self, sums: Any) -> Parameters:
        """Parameters of highest likelihood, given the sums over all blocks."""


class _Gaussian(Emission):
    """Gaussian data with a mean and a full covariance per state, above a floor."""

    names = ("means", "covariances")

    def __init__(self, X, n_components, covariance_floor, rng):
        super().__init__(X, n_components, covariance_floor, rng)
        check_scale(self.X)
        self.rows, self.weight = start_rows(self.X, n_components, rng)
        local = local_covariance(self.rows, self.weight, 1 / (2 * n_components), "full")
        if local is None:
            local = _total_covariance(self.X)
        self.floor = max(covariance_floor, np.finfo(float).eps) * local
        self.metric = by_distance(self.rows, self.weight, local)[1]

    @staticmethod
    def check(n_components, **parameters):
        weights = np.full(n_components, 1 / n_components)
        mixture = GaussianMixture.from_parameters(weights, **parameters)
        if mixture.covariances_.ndim < 3:
            raise ValueError(
                "covariances must have shape (n_components, n_features, n_features), got "
                f"{mixture.covariances_.shape}"
            )
        return mixture.means_, mixture.covariances_

    @staticmethod
    def read(X):
        return X

    @staticmethod
    def densities(X, means, covariances):
        return gaussian_classes.log_densities(X, means, covariances)

    @staticmethod
    def n_free(means, covariances):
        D = means.shape[1]
        return D + D * (D + 1) // 2

    @staticmethod
    def draw(z, rng, means, covariances):
        noise = rng.normal(size=(len(z), means.shape[1], 1))
        return means[z] + (np.linalg.cholesky(covariances)[z] @ noise)[:, :, 0]

    def start(self, rng):
        K = self.n_components
        return k_means_start(self.rows, self.weight, self.metric, self.floor, K, rng)[1:]

    @staticmethod
    def log_densities(X, means, covariances):
        return gaussian_classes.log_densities(X, means, covariances)

    @staticmethod
    def sums(X, R):
        parts = []
        for rows in slices(X, len(R)):
            Y = np.repeat(X[rows].T[None], len(R), axis=0)
            parts.append(ClassMoments.from_block(Y, R[:, rows]))
        return tree_sum(parts)

    def m_step(self, sums):
        return gaussian_classes.m_step(sums, self.floor)[1:]


@dataclass(frozen=True)
class _Counts:
    """Sums of the states' probabilities over the steps with each value: (K, n_values)."""

    values: np.ndarray
    counts: np.ndarray

    def of(self, values: np.ndarray) -> np.ndarray:
        """Return the counts of more values, zero for those that are not here."""
        counts = np.zeros((len(self.counts), len(values)))
        counts[:, np.searchsorted(values, self.values)] = self.counts
        return counts

    def __add__(self, other: _Counts) -> _Counts:
        """Add the counts of another block."""
        values = np.union1d(self.values, other.values)
        return _Counts(values, self.of(values) + other.of(values))


class _Discrete(Emission):
    """Integers in one column: each step is one of a few values, which a table has densities of."""

    def __init__(self, X, n_components, covariance_floor, rng):
        super().__init__(X, n_components, covariance_floor, rng)
        sums = self.sums
        once = self.data.total(lambda index, values: sums(index, values, np.ones((1, len(index)))))
        self.values, self.count = once.values, once.counts[0]

    @staticmethod
    def prepare(X):
        values, index = np.unique(X[:, 0], return_inverse=True)
        return index, values

    @classmethod
    def log_densities(cls, index, values, *parameters):
        return cls.densities(values[:, None], *parameters)[index]

    @staticmethod
    def sums(index, values, R):
        return _Counts(values, np.array([np.bincount(index, r, len(values)) for r in R]))


class _Categorical(_Discrete):
    """Categories 0 to V - 1, with a table of their probabilities per state."""

    names = ("probabilities",)

    def __init__(self, X, n_components, covariance_floor, rng):
        super().__init__(X, n_components, covariance_floor, rng)
        if self.values[-1] > LARGEST_CATEGORY:
            raise ValueError(
                f"X must hold categories 0 to V - 1, at most {LARGEST_CATEGORY}; got "
                f"{self.values[-1]:.0f}"
            )

    @staticmethod
    def check(n_components, probabilities):
        return (_check_probabilities(probabilities, "probabilities", n_components),)

    @staticmethod
    def densities(X, probabilities):
        if X.max() >= probabilities.shape[1]:
            raise ValueError(
                f"X must hold categories 0 to {probabilities.shape[1] - 1}, those of the model; "
                f"got {X.max():.0f}"
            )
        with np.errstate(divide="ignore"):
            return np.log(probabilities.T)[X[:, 0].astype(int)]

    @staticmethod
    def n_free(probabilities):
        return probabilities.shape[1] - 1

    @staticmethod
    def draw(z, rng, probabilities):
        table = probabilities.cumsum(axis=1)
        u = rng.random(len(z))
        X = np.empty((len(z), 1))
        for k in np.unique(z):
            X[z == k, 0] = np.searchsorted(table[k] / table[k, -1], u[z == k], side="right")
        return X

    def start(self, rng):
        share = self.count / self.count.sum()
        return (self._table(share * rng.gamma(1, size=(self.n_components, len(share)))),)

    def m_step(self, sums):
        return (self._table(sums.of(self.values)),)

    def _table(self, counts):
        """Probabilities of all categories, in proportion to counts of those that occur."""
        table = np.zeros((len(counts), int(self.values[-1]) + 1))
        table[:, self.values.astype(int)] = (counts + TINY) / (counts + TINY).sum(1, keepdims=True)
        return table


class _Poisson(_Discrete):
    """Counts, with a rate per state."""

    names = ("rates",)

    @staticmethod
    def check(n_components, rates):
        rates = check_vector(rates, "rates", n_components)
        if (rates < 0).any():
            raise ValueError(f"rates must not be negative, got {rates!r}")
        return (rates,)

    @staticmethod
    def densities(X, rates):
        return special.xlogy(X, rates) - rates - special.gammaln(X + 1)

    @staticmethod
    def n_free(rates):
        return 1

    @staticmethod
    def draw(z, rng, rates):
        return rng.poisson(rates[z]).astype(float)[:, None]

    def start(self, rng):
        some = self.X.rows(rng.choice(self.X.n_rows, self.n_components))[0][:, 0]
        return (0.7 * some + 0.3 * (self.count @ self.values) / self.count.sum(),)

    def m_step(self, sums):
        return (sums.counts @ sums.values / np.maximum(sums.counts.sum(axis=1), TINY),)


#: The distributions of the data given the state, by name.
EMISSIONS: dict[str, type[Emission]] = {
    "gaussian": _Gaussian,
    "categorical": _Categorical,
    "poisson": _Poisson,
}


def em_step(
    parameters: Parameters, first: np.ndarray, emission: Emission, *, stationary: bool = False
) -> tuple[float, Parameters]:
    r"""One EM iteration (Baum et al. 1970).

    With the smoothing probabilities :math:`\gamma_t(i)` of states and :math:`\xi_t(i, j)` of pairs
    of them, and sums over all steps that have a step before them,

    .. math::

        \pi_i \propto \sum_{t\ \text{first}} \gamma_t(i), \qquad
        a_{ij} \propto \sum_t \xi_t(i, j) ;

    the parameters of the data given the state are those of a mixture with responsibilities
    :math:`\gamma_t(i)`.

    Parameters
    ----------
    parameters : tuple of ndarray
        Start (n_components,), transitions (n_components, n_components), and those of the emission.
    first : ndarray of bool, shape (n_steps,)
        Whether a step begins a sequence.
    emission : Emission
        Holds the data.
    stationary : bool, default False
        Whether the start is the stationary distribution, so that it follows from the transitions.

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per time step at the parameters given, in nats.
    parameters : tuple of ndarray
        The parameters after the step.
    """
    start, transition, *_ = parameters
    log_likelihood, _, starts, pairs, sums = e_step(parameters, first, emission)
    if stationary:
        transition = stationary_step(transition, starts, pairs)
        start = stationary_distribution(transition)
    else:
        start, transition = starts / starts.sum(), normalised_rows(pairs, transition, TINY)
    return float(log_likelihood / len(first)), (start, transition, *emission.m_step(sums))


def e_step(
    parameters: Parameters, first: np.ndarray, emission: Emission
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray, Any]:
    """Log-likelihood, and the expected numbers that the M-step needs, added up over the blocks.

    Parameters
    ----------
    parameters, first, emission
        As for `em_step`.

    Returns
    -------
    log_likelihood : float
        Of all steps, in nats.
    steps : ndarray of shape (n_components,)
        Expected number of steps in each state.
    starts : ndarray of shape (n_components,)
        Expected number of sequences that start in each state.
    pairs : ndarray of shape (n_components, n_components)
        Expected number of transitions.
    sums
        Those of the emission.
    """
    start, transition, *rest = parameters
    log_densities, sums_of = emission.log_densities, emission.sums

    def of_block(*block: Any) -> tuple:
        *data, first = block
        log_density, R, pairs = smooth(start, transition, log_densities(*data, *rest), first)
        starts = R[:, first].sum(axis=1)
        return log_density.sum(), R.sum(axis=1), starts, pairs, sums_of(*data, R)

    return emission.data.total(of_block, emission.X.split(first))


def stationary_step(transition: np.ndarray, starts: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    r"""Transition matrix after a step that does not lower the expected log-likelihood.

    For sequences that start from the stationary distribution :math:`\boldsymbol\delta(A)` it is

    .. math::

        Q(A) = \sum_i s_i \log \delta_i(A) + \sum_{ij} n_{ij} \log a_{ij}

    with the expected numbers :math:`s_i` of starts in, and :math:`n_{ij}` of transitions between
    states. As :math:`\mathrm d\boldsymbol\delta = \boldsymbol\delta\, \mathrm dA\, Z` with
    :math:`Z = (I - A + \mathbf 1 \boldsymbol\delta)^{-1}`, its derivatives are
    :math:`n_{ij} / a_{ij} + \delta_i h_j` with
    :math:`h_j = \sum_k Z_{jk}\, s_k / \delta_k`. A constant added to all :math:`h_j` changes
    nothing, since rows sum to 1; so with :math:`h_j \ge 0`, at a maximum

    .. math::

        a_{ij} \propto n_{ij} + a_{ij}\, \delta_i h_j .

    The step goes towards the right-hand side at the present A, a direction in which Q rises (a
    growth transform, like that of Gopalakrishnan et al. 1991 for rational functions), and is
    halved while Q is lower than before.

    Parameters
    ----------
    transition : ndarray of shape (n_components, n_components)
    starts : ndarray of shape (n_components,)
    pairs : ndarray of shape (n_components, n_components)

    Returns
    -------
    ndarray of shape (n_components, n_components)
    """

    def expected(A: np.ndarray) -> float:
        start = stationary_distribution(A)
        return special.xlogy(starts, start).sum() + special.xlogy(pairs, A).sum()

    delta = stationary_distribution(transition)
    Z = np.linalg.inv(np.eye(len(delta)) - transition + delta)
    h = Z @ np.divide(starts, delta, out=np.zeros_like(delta), where=delta > 0)
    target = normalised_rows(pairs + transition * np.outer(delta, h - h.min()), transition, TINY)
    now = expected(transition)
    for halving in range(HALVINGS):
        proposal = transition + (target - transition) / 2**halving
        if expected(proposal) >= now:
            return proposal
    return transition


def stationary_distribution(transition: ArrayLike) -> np.ndarray:
    r"""Distribution :math:`\boldsymbol\delta = \boldsymbol\delta A`, which transitions keep.

    By state reduction (Grassmann, Taksar and Heyman 1985): states are taken out of the chain one
    by one, each where it is left most surely. Nothing is subtracted, so no digits are lost.

    Parameters
    ----------
    transition : array_like of shape (n_components, n_components)

    Returns
    -------
    ndarray of shape (n_components,)

    Raises
    ------
    ValueError
        If there are several such distributions.
    """
    A = _check_transition(transition).copy()
    rest, removed = np.ones(len(A), bool), []
    for _ in range(len(A) - 1):
        np.fill_diagonal(A, 0)
        leaving = np.where(rest, A[:, rest].sum(axis=1), 0)
        state = leaving.argmax()
        if leaving[state] == 0:
            raise ValueError("transition must have one stationary distribution, not several")
        rest[state] = False
        A[:, state] /= leaving[state]
        removed.append((state, A[rest, state], rest.copy()))
        A += np.outer(A[:, state], A[state])
    delta = rest.astype(float)
    for state, inflow, others in reversed(removed):
        delta[state] = delta[others] @ inflow
    return delta / delta.sum()


def _check_probabilities(table: ArrayLike, name: str, n_rows: int | None = None) -> np.ndarray:
    """Return a table whose rows are probabilities, with sums of exactly 1, or raise."""
    table = check_matrix(table, name, (n_rows, None))
    if (table < 0).any() or (np.abs(table.sum(axis=1) - 1) > 1e-6).any():
        raise ValueError(f"{name} must hold probabilities that sum to 1 in each row")
    return table / table.sum(axis=1, keepdims=True)


def _check_transition(transition: ArrayLike) -> np.ndarray:
    transition = _check_probabilities(transition, "transition")
    if transition.shape[0] != transition.shape[1]:
        raise ValueError(f"transition must be square, got shape {transition.shape}")
    return transition


def _check_possible(log_density: np.ndarray) -> None:
    """Raise if a step has no density given those before it."""
    impossible = np.flatnonzero(np.isneginf(log_density))
    if impossible.size:
        raise ValueError(
            "X has steps that the model gives no positive density after those before them: row "
            f"{impossible[0]} is the first"
        )


def _windows(
    first: np.ndarray, n_components: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Choose steps that starting values are sought on, and say which of them begin a sequence.

    All steps where they are few; otherwise windows of the series at random, each a sequence.
    """
    n_windows, chosen = -(-len(first) // WINDOW), max(N_WINDOWS, 4 * n_components)
    if n_windows <= chosen:
        return np.arange(len(first)), first
    starts = WINDOW * np.sort(rng.choice(n_windows, chosen, replace=False))
    rows = (starts[:, None] + np.arange(WINDOW)).ravel()
    rows = rows[rows < len(first)]
    return rows, first[rows] | (rows % WINDOW == 0)


def _total_covariance(X: Blocks) -> np.ndarray:
    """Covariance of all steps; an error if it leaves a direction out."""
    moments = complete_moments(X)
    deviation = np.sqrt(np.diag(moments.covariance))
    constant = constant_columns(moments.mean, deviation**2)
    if constant.size or is_dependent(moments.covariance / np.outer(deviation, deviation)):
        raise ValueError(
            "Gaussian states need columns of X that vary, and of which none is a linear function "
            f"of the others; constant are {', '.join(map(str, constant)) or 'none'}"
        )
    return moments.covariance
