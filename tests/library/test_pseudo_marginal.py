"""Estimates of likelihoods against Kalman's filter, and chains against exact posteriors."""

import numpy as np
import pytest
from scipy import stats

from lvmnotes import (
    ProbabilisticSFA,
    particle_filter,
    pseudo_marginal_metropolis_hastings,
)
from lvmnotes.pseudo_marginal import systematic_resampling

MODELS = {
    "one state": ProbabilisticSFA.from_parameters([[1.0]], 0.3, 0.5, persistence=0.8),
    "two states": ProbabilisticSFA.from_parameters(
        [[1.0, 0.5], [0.0, -1.0], [0.4, 0.2]], [0.0, 1.0, 2.0], [0.3, 0.5, 1.0], [0.9, -0.4]
    ),
}


def parts(model):
    """Return the functions that `particle_filter` asks for."""
    lam, d = model.persistence_, model.W_.shape[1]
    psi = model.noise_variance_ * np.ones(len(model.b_))

    def log_density(x, H):
        error = x - model.b_ - H @ model.W_.T
        return -0.5 * (error**2 / psi + np.log(2 * np.pi * psi)).sum(axis=1)

    return {
        "start": lambda n, rng: rng.normal(size=(n, d)),
        "transition": lambda H, rng: lam * H + np.sqrt(1 - lam**2) * rng.normal(size=H.shape),
        "log_density": log_density,
    }


@pytest.mark.parametrize(("name", "n_particles"), [("one state", 10), ("two states", 60)])
def test_the_estimate_is_unbiased(name, n_particles):
    """Its mean is the likelihood that Kalman's filter gives; the mean of its log is smaller."""
    model, rng = MODELS[name], np.random.default_rng(1)
    X, _ = model.sample(6, random_state=2)
    exact = model.score_samples(X).sum()
    options = {"n_particles": n_particles, "random_state": rng}
    estimates = np.array(
        [particle_filter(X, **parts(model), **options).log_likelihood for _ in range(1500)]
    )
    ratio = np.exp(estimates - exact)
    se = ratio.std() / np.sqrt(len(ratio))
    assert se < 0.03
    assert abs(ratio.mean() - 1) < 3.5 * se
    assert estimates.mean() < exact - 3.5 * estimates.std() / np.sqrt(len(estimates))


@pytest.mark.parametrize("name", MODELS)
def test_many_particles_give_kalmans_filter(name):
    model = MODELS[name]
    X, _ = model.sample(40, random_state=3)
    result = particle_filter(X, **parts(model), n_particles=100_000, random_state=4)
    assert result.log_likelihood == pytest.approx(model.score_samples(X).sum(), abs=0.08)
    np.testing.assert_allclose(result.mean, model.filter(X)[0], atol=0.03)


def test_the_first_step_alone_is_an_average_of_densities():
    H, x = np.array([[0.0], [1.0], [5.0]]), np.array([[0.7]])
    functions = parts(MODELS["one state"]) | {"start": lambda n, rng: H}
    result = particle_filter(x, **functions, n_particles=3)
    w = stats.norm.pdf(0.7, H[:, 0] + 0.3, 0.5**0.5)
    assert result.log_likelihood == pytest.approx(np.log(w.mean()), rel=1e-12)
    assert result.mean[0, 0] == pytest.approx(w @ H[:, 0] / w.sum(), rel=1e-12)


def test_densities_of_any_size_neither_vanish_nor_overflow():
    functions = parts(MODELS["one state"])
    X, _ = MODELS["one state"].sample(10, random_state=0)

    def shifted(by):
        density = functions["log_density"]
        changed = functions | {"log_density": lambda x, H: density(x, H) + by}
        return particle_filter(X, **changed, random_state=0).log_likelihood

    for by in (1e4, -1e4):
        assert shifted(by) - 10 * by == pytest.approx(shifted(0.0), abs=1e-9)


def test_weights_of_very_different_size_do_not_overflow():
    functions = parts(MODELS["one state"]) | {"log_density": lambda x, H: -1e4 * np.arange(len(H))}
    result = particle_filter([[0.0]], **functions, n_particles=4)
    assert result.log_likelihood == pytest.approx(-np.log(4))


def test_an_estimate_of_zero_is_minus_infinity():
    """No particle can have given the third row: the mean is known for the two before it."""
    result = particle_filter(
        [[0.0], [0.0], [9.0], [0.0]],
        start=lambda n, rng: rng.uniform(size=(n, 1)),
        transition=lambda H, rng: H,
        log_density=lambda x, H: np.where(np.abs(x[0] - H[:, 0]) < 2, 0.0, -np.inf),
        n_particles=8,
    )
    assert result.log_likelihood == -np.inf
    assert result.mean.shape == (2, 1)


def test_particles_are_chosen_as_often_as_their_weights_ask():
    w = np.array([0.0, 3.0, 0.25, 0.0, 1.6, 0.0, 2.15])
    share, rng = len(w) * w / w.sum(), np.random.default_rng(0)
    times = np.array(
        [np.bincount(systematic_resampling(w, rng), minlength=len(w)) for _ in range(4000)]
    )
    assert (times.sum(axis=1) == len(w)).all()
    assert ((times >= np.floor(share)) & (times <= np.ceil(share))).all()
    np.testing.assert_allclose(times.mean(axis=0), share, atol=0.03)
    assert (times[:, w == 0] == 0).all()


def test_resampling_stays_within_the_particles_at_the_end_of_the_interval():
    class Last(np.random.Generator):
        def random(self):
            return 1 - 2**-53

    rng = Last(np.random.PCG64(0))
    assert systematic_resampling([1.0, 2.0, 1.0, 0.0], rng).tolist() == [0, 1, 2, 2]


@pytest.mark.parametrize("weights", [[2, -1], [0, 0], [1e308, 1e308]])
def test_weights_that_are_no_shares_are_refused(weights):
    with (
        np.errstate(over="ignore"),
        pytest.raises(ValueError, match="weights must not be negative"),
    ):
        systematic_resampling(weights)


# Chains.


def flat(theta):
    return 0.0 if 0 < theta[0] < 1 else -np.inf


def tosses(theta, rng):
    """Eight heads and two tails, with an estimate that is 3 with probability 0.3, else 1/7."""
    noise = np.log(3.0 if rng.random() < 0.3 else 1 / 7)
    return 8 * np.log(theta[0]) + 2 * np.log1p(-theta[0]) + noise


def standard_errors(values, n_batches=50):
    """Return standard errors of means over a chain, by means of batches."""
    batches = values.reshape(n_batches, -1, *values.shape[1:]).mean(axis=1)
    return batches.std(axis=0, ddof=1) / np.sqrt(n_batches)


def gaps(samples, exact):
    """Return how far two moments and three probabilities are off, in standard errors."""
    functions = [samples, samples**2] + [samples < exact.ppf(q) for q in (0.1, 0.5, 0.9)]
    values = np.column_stack(functions).astype(float)
    want = [exact.mean(), exact.moment(2), 0.1, 0.5, 0.9]
    return np.abs(values.mean(axis=0) - want) / standard_errors(values)


def test_the_chain_leaves_the_posterior_as_it_is():
    chain = pseudo_marginal_metropolis_hastings(
        tosses, flat, [0.5], n_samples=60_000, step=0.25, random_state=0
    )
    assert chain.samples.shape == (60_000, 1)
    assert (gaps(chain.samples[:, 0], stats.beta(9, 3)) < 3.5).all()
    moved = np.diff(chain.samples[:, 0], prepend=0.5) != 0
    assert chain.acceptance_rate == moved.mean()


def test_a_bias_that_varies_with_the_parameter_is_found():
    def biased(theta, rng):
        return tosses(theta, rng) + theta[0]

    chain = pseudo_marginal_metropolis_hastings(
        biased, flat, [0.5], n_samples=60_000, step=0.25, random_state=0
    )
    assert (gaps(chain.samples[:, 0], stats.beta(9, 3)) > 3.5).any()


def test_a_constant_factor_changes_nothing():
    options = {"n_samples": 500, "step": 0.25, "random_state": 0}
    chain = pseudo_marginal_metropolis_hastings(tosses, flat, [0.5], **options)
    scaled = pseudo_marginal_metropolis_hastings(
        lambda theta, rng: tosses(theta, rng) - 4096,
        lambda theta: flat(theta) + 512,
        [0.5],
        **options,
    )
    np.testing.assert_array_equal(chain.samples, scaled.samples)


@pytest.mark.parametrize("s", [0.5, 1.2, 2.0])
def test_noise_costs_acceptance_as_derived(s):
    """Close proposals are accepted with probability 2 Phi(-s / sqrt 2)."""

    def noisy(theta, rng):
        return s * rng.normal() - s**2 / 2

    chain = pseudo_marginal_metropolis_hastings(
        noisy, lambda theta: 0.0, [0.0], n_samples=40_000, step=1.0, random_state=1
    )
    moved = np.diff(chain.samples[:, 0], prepend=0.0) != 0
    se = standard_errors(moved.astype(float))
    assert abs(chain.acceptance_rate - 2 * stats.norm.cdf(-s / 2**0.5)) < 3.5 * se


def test_a_chain_that_accepts_all_is_a_gaussian_random_walk():
    chain = pseudo_marginal_metropolis_hastings(
        lambda theta, rng: 0.0, lambda theta: 0.0, [0.0], n_samples=4000, step=0.3, random_state=0
    )
    assert chain.acceptance_rate == 1
    assert stats.kstest(np.diff(chain.samples[:, 0]) / 0.3, "norm").pvalue > 1e-3


def test_several_parameters_have_steps_of_their_own():
    """A posterior with very different scales and a correlation; the estimates are noisy."""
    C = np.array([[4.0, 0.012], [0.012, 1e-4]])
    posterior = stats.multivariate_normal([1.0, 0.0], C)

    def noisy(theta, rng):
        return posterior.logpdf(theta) + np.log(rng.exponential())

    chain = pseudo_marginal_metropolis_hastings(
        noisy, lambda theta: 0.0, [1, 0], n_samples=30_000, step=[3.0, 0.015], random_state=2
    )
    z = chain.samples - [1.0, 0.0]
    values = np.column_stack([z, z[:, 0] ** 2, z[:, 0] * z[:, 1], z[:, 1] ** 2])
    want = [0, 0, C[0, 0], C[0, 1], C[1, 1]]
    assert (np.abs(values.mean(axis=0) - want) < 3.5 * standard_errors(values)).all()


def test_proposals_without_prior_cost_no_estimate_and_zeros_are_never_accepted():
    asked = []

    def gate(theta, rng):
        asked.append(theta[0])
        return 0.0 if theta[0] < 0.5 else -np.inf

    chain = pseudo_marginal_metropolis_hastings(
        gate, flat, [0.2], n_samples=400, step=0.5, random_state=0
    )
    assert len(asked) < 350 and min(asked) > 0 and max(asked) < 1
    assert chain.samples.max() < 0.5


def test_a_seed_gives_the_chain_again_and_arguments_stay_as_they_are():
    theta0 = np.array([0.5])

    def careless(theta, rng):
        value = tosses(theta, rng)
        theta[:] = 7.0
        return value

    options = {"n_samples": 100, "step": 0.25, "random_state": 5}
    one = pseudo_marginal_metropolis_hastings(careless, flat, theta0, **options)
    two = pseudo_marginal_metropolis_hastings(tosses, flat, theta0, **options)
    np.testing.assert_array_equal(one.samples, two.samples)
    assert theta0 == [0.5]


@pytest.mark.parametrize("value", [np.nan, np.inf, None, "0.0", [0.0], np.zeros(1), 1j, True])
@pytest.mark.parametrize("name", ["log_likelihood", "log_prior"])
def test_what_is_no_log_density_is_refused(name, value):
    functions = {"log_likelihood": tosses, "log_prior": flat}
    functions[name] = lambda *arguments: value
    with pytest.raises(ValueError, match=f"{name} must return a number or -inf"):
        pseudo_marginal_metropolis_hastings(**functions, theta0=[0.5], n_samples=3, step=0.1)


@pytest.mark.parametrize("function", [lambda theta, rng: -np.inf, tosses])
def test_a_start_without_density_is_refused(function):
    theta0 = [1.5] if function is tosses else [0.5]
    with pytest.raises(ValueError, match="theta0 must have a positive prior"):
        pseudo_marginal_metropolis_hastings(function, flat, theta0, n_samples=3, step=0.1)


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        ("start", lambda n, rng: np.zeros((n - 1, 1)), "start.* must have shape \\(5, any\\)"),
        ("start", lambda n, rng: np.full((n, 1), np.nan), "start.*NaN"),
        ("transition", lambda H, rng: H[:2], "transition.* must have shape \\(5, 1\\)"),
        ("transition", lambda H, rng: H * np.inf, "transition"),
        ("log_density", lambda x, H: H, "log_density must return 5 numbers"),
        ("log_density", lambda x, H: H[:, 0] * np.nan, "log_density must .* got NaN"),
        ("log_density", lambda x, H: np.full(5, np.inf), "log_density must .* or infinity"),
        ("log_density", lambda x, H: ["a"] * 5, "log_density must return 5 numbers"),
    ],
)
def test_what_the_functions_return_is_checked(name, function, message):
    functions = parts(MODELS["one state"]) | {name: function}
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        particle_filter(np.zeros((3, 1)), **functions, n_particles=5, random_state=0)
