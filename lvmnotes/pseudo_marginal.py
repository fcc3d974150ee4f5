"""Markov chain Monte Carlo with estimates of the likelihood, and a particle filter to make them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .core.validation import (
    check_integer,
    check_matrix,
    check_random_state,
    check_scalar_or_vector,
    check_vector,
)


class PosteriorSamples(NamedTuple):
    """Result of `pseudo_marginal_metropolis_hastings`."""

    #: State of the chain after each iteration, of shape (n_samples, n_parameters).
    samples: np.ndarray
    #: Share of the iterations that accepted their proposal.
    acceptance_rate: float


class FilteredSeries(NamedTuple):
    """Result of `particle_filter`."""

    #: Log of an unbiased estimate of the likelihood, in nats; -inf if the estimate is zero.
    log_likelihood: float
    #: Estimated mean of the state given the data up to the same step, of shape (n_steps,
    #: n_components). If the estimate is zero, only the steps before it became zero.
    mean: np.ndarray


def pseudo_marginal_metropolis_hastings(
    log_likelihood: Callable[[np.ndarray, np.random.Generator], float],
    log_prior: Callable[[np.ndarray], float],
    theta0: ArrayLike,
    *,
    n_samples: int,
    step: ArrayLike | float,
    random_state=None,
) -> PosteriorSamples:
    r"""Draw from a posterior whose likelihood can only be estimated (Andrieu and Roberts 2009).

    A proposal :math:`\boldsymbol\theta' \sim \mathcal N(\boldsymbol\theta, \operatorname{diag}(
    \text{step}^2))` with the estimate :math:`\hat p'` of its likelihood is accepted with
    probability

    .. math::

        \min\left(1,\;
        \frac{p(\boldsymbol\theta')\, \hat p'}{p(\boldsymbol\theta)\, \hat p}\right),

    where :math:`\hat p` is the estimate that was made when :math:`\boldsymbol\theta` was proposed:
    equation (eq-pm-acceptance) of the chapter *Pseudo-marginal Metropolis-Hastings*. If the
    estimates are not negative and have the likelihood as expectation, up to one constant factor,
    the chain leaves the posterior as it is.

    Parameters
    ----------
    log_likelihood : callable
        `log_likelihood(theta, rng)` returns the log of the estimate, in nats, -inf for an estimate
        of zero. All its randomness has to come from the `numpy.random.Generator` it is given.
    log_prior : callable
        `log_prior(theta)` returns the log-density of the prior, up to a constant; -inf where it is
        zero. The likelihood is then not estimated.
    theta0 : array_like of shape (n_parameters,)
        Where the chain starts; it is not among the samples.
    n_samples : int
        Number of iterations.
    step : float or array_like of shape (n_parameters,)
        Standard deviation of the proposed change of each parameter.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    PosteriorSamples
        With `samples` and `acceptance_rate`.

    Examples
    --------
    Of ten tosses, eight were heads. The estimate of the likelihood is as often too large as too
    small, by a factor of 1.5 or 0.5:

    >>> import numpy as np
    >>> from lvmnotes import pseudo_marginal_metropolis_hastings
    >>> def log_likelihood(theta, rng):
    ...     exact = 8 * np.log(theta[0]) + 2 * np.log(1 - theta[0])
    ...     return exact + np.log(rng.choice([0.5, 1.5]))
    >>> def log_prior(theta):
    ...     return 0.0 if 0 < theta[0] < 1 else -np.inf
    >>> chain = pseudo_marginal_metropolis_hastings(
    ...     log_likelihood, log_prior, [0.5], n_samples=20_000, step=0.2, random_state=0
    ... )
    >>> chain.samples.mean().round(2)  # exactly 9 / 12
    np.float64(0.75)
    """
    _check_callable(log_likelihood, "log_likelihood")
    _check_callable(log_prior, "log_prior")
    theta = check_vector(theta0, "theta0").copy()
    n_samples = check_integer(n_samples, "n_samples", minimum=1)
    step = check_scalar_or_vector(step, "step", len(theta))
    if (step <= 0).any():
        raise ValueError(f"step must be positive, got {step}")
    rng = check_random_state(random_state)

    def log_target(theta: np.ndarray) -> float:
        """Log of prior times estimate."""
        prior = _checked_log(log_prior(theta.copy()), "log_prior", theta)
        if prior == -np.inf:
            return prior
        return prior + _checked_log(log_likelihood(theta.copy(), rng), "log_likelihood", theta)

    current = log_target(theta)
    if current == -np.inf:
        raise ValueError(
            f"theta0 must have a positive prior and a positive estimate of the likelihood, got "
            f"{theta}"
        )
    samples = np.empty((n_samples, len(theta)))
    n_accepted = 0
    for i in range(n_samples):
        proposal = theta + step * rng.normal(size=len(theta))
        proposed = log_target(proposal)
        if -rng.exponential() < proposed - current:  # the log of a uniform number
            theta, current = proposal, proposed
            n_accepted += 1
        samples[i] = theta
    return PosteriorSamples(samples, n_accepted / n_samples)


def particle_filter(
    X: ArrayLike,
    start: Callable[[int, np.random.Generator], ArrayLike],
    transition: Callable[[np.ndarray, np.random.Generator], ArrayLike],
    log_density: Callable[[np.ndarray, np.ndarray], ArrayLike],
    *,
    n_particles: int = 100,
    random_state=None,
) -> FilteredSeries:
    r"""Estimate the likelihood of a time series by a bootstrap filter (Gordon et al. 1993).

    A hidden state :math:`\mathbf h_t` moves by a Markov chain from which one can draw, and
    :math:`\mathbf x_t` has the density :math:`p(\mathbf x_t \mid \mathbf h_t)`. K particles move
    like the state. Each is weighted by :math:`w_{tk} = p(\mathbf x_t \mid \mathbf h_{tk})`, and
    the weights decide how often each of them is kept, by systematic resampling at every step. Then

    .. math::

        \hat p = \prod_t \frac1K \sum_k w_{tk}

    has the likelihood as its expectation: equation (eq-pm-filter) of the chapter *Pseudo-marginal
    Metropolis-Hastings*. Its log, which is returned, is on average too small.

    Parameters
    ----------
    X : array_like of shape (n_steps, n_features)
        One row per time step.
    start : callable
        `start(n_particles, rng)` draws states of the first step, of shape (n_particles,
        n_components).
    transition : callable
        `transition(H, rng)` draws the next state of each row of `H`, of the same shape.
    log_density : callable
        `log_density(x, H)` returns :math:`\log p(\mathbf x \mid \mathbf h)` of one row `x` of `X`
        for each row of `H`, of shape (n_particles,), in nats; -inf for a density of zero.
    n_particles : int, default 100
        K.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    FilteredSeries
        With `log_likelihood` and `mean`.

    Examples
    --------
    A random walk, seen in noise:

    >>> import numpy as np
    >>> from lvmnotes import particle_filter
    >>> X = np.array([[0.2], [0.5], [1.1], [1.4]])
    >>> result = particle_filter(
    ...     X,
    ...     start=lambda n, rng: rng.normal(size=(n, 1)),
    ...     transition=lambda H, rng: H + 0.5 * rng.normal(size=H.shape),
    ...     log_density=lambda x, H: -0.5 * (x[0] - H[:, 0]) ** 2 - 0.5 * np.log(2 * np.pi),
    ...     n_particles=100_000,
    ...     random_state=0,
    ... )
    >>> round(result.log_likelihood, 2)
    -5.26
    """
    X = check_matrix(X, "X")
    for name, function in {
        "start": start,
        "transition": transition,
        "log_density": log_density,
    }.items():
        _check_callable(function, name)
    K = check_integer(n_particles, "n_particles", minimum=1)
    rng = check_random_state(random_state)
    H = check_matrix(start(K, rng), "start(n_particles, rng)", (K, None))
    mean = np.empty((len(X), H.shape[1]))
    log_likelihood = 0.0
    for t, x in enumerate(X):
        log_w = _log_weights(log_density(x, H), K)
        largest = log_w.max()
        if largest == -np.inf:
            return FilteredSeries(-np.inf, mean[:t])
        w = np.exp(log_w - largest)  # up to a factor, so that they neither overflow nor all vanish
        log_likelihood += float(largest + np.log(w.mean()))
        mean[t] = w @ H / w.sum()
        if t < len(X) - 1:
            H = transition(H[systematic_resampling(w, rng)], rng)
            H = check_matrix(H, "transition(H, rng)", (K, mean.shape[1]))
    return FilteredSeries(log_likelihood, mean)


def systematic_resampling(weights: ArrayLike, random_state=None) -> np.ndarray:
    r"""Choose K of K particles, each as often as its share of the weights asks (Kitagawa 1996).

    With one uniform number u, the particles at the shares :math:`(i + u) / K`, :math:`i = 0, \dots,
    K - 1`, of the cumulated weights. A particle with the share s is chosen :math:`K s` times on
    average, and never more than one time more or less often than that.

    Parameters
    ----------
    weights : array_like of shape (n_particles,)
        Not negative, and not all zero. They need not sum to 1.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    ndarray of int, shape (n_particles,)
        Indices of the particles, in increasing order.
    """
    weights = check_vector(weights, "weights")
    total = weights.cumsum()
    if weights.min() < 0 or not 0 < total[-1] < np.inf:
        raise ValueError("weights must not be negative, and have a sum that is positive and finite")
    K = len(weights)
    places = (np.arange(K) + check_random_state(random_state).random()) / K
    # The last place may be rounded to 1, where no particle is left.
    return np.searchsorted(total / total[-1], np.minimum(places, 1 - 2**-53), side="right")


def _check_callable(function: Any, name: str) -> None:
    """Raise unless something can be called."""
    if not callable(function):
        raise TypeError(f"{name} must be a function, got {function!r}")


def _checked_log(value: Any, name: str, theta: np.ndarray) -> float:
    """Return what a log-density was said to be, if it is a number below infinity, or raise."""
    array = np.asarray(value)
    if array.ndim or array.dtype.kind not in "iuf" or not array < np.inf:
        raise ValueError(
            f"{name} must return a number or -inf, got {value!r} for theta = {theta.tolist()}"
        )
    return float(array)


def _log_weights(values: ArrayLike, n_particles: int) -> np.ndarray:
    """Return one log-density per particle, or raise."""
    values = np.asarray(values)
    if values.shape != (n_particles,) or values.dtype.kind not in "iuf":
        raise ValueError(
            f"log_density must return {n_particles} numbers, one per row of H, got an array of "
            f"shape {values.shape} of {values.dtype}"
        )
    if not (values < np.inf).all():
        raise ValueError("log_density must return numbers or -inf, got NaN or infinity")
    return values
