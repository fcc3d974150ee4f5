"""Hidden Markov models against sums over all paths, published fits and their own derivatives."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import GaussianMixture, HiddenMarkovModel, data
from lvmnotes.core import markov_chain
from lvmnotes.hidden_markov import (
    EMISSIONS,
    WINDOW,
    _windows,
    em_step,
    stationary_distribution,
    stationary_step,
)

KINDS = ("gaussian", "categorical", "poisson")
QUAKES = data.earthquakes().X


class OneSequence(HiddenMarkovModel):
    """The second argument is ignored: scikit-learn's checks pass labels there, not lengths."""

    def fit(self, X, y=None):
        return super().fit(X)

    def score(self, X, y=None):
        return super().score(X)


@parametrize_with_checks([OneSequence()])
def test_scikit_learn_conventions(estimator, check):
    """Those on the order of samples set one state, where it makes no difference."""
    check(estimator)


def emission_parameters(kind, K, rng):
    if kind == "gaussian":
        factors = rng.normal(size=(K, 2, 2))
        covariances = factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(2)
        return {"means": 2 * rng.normal(size=(K, 2)), "covariances": covariances}
    if kind == "categorical":
        return {"probabilities": rng.dirichlet(np.ones(4), size=K)}
    return {"rates": rng.uniform(0.5, 9, size=K)}


def random_model(kind, K, rng, *, zeros=False):
    transition, start = rng.dirichlet(np.ones(K), size=K), rng.dirichlet(np.ones(K))
    if zeros:
        transition = np.triu(transition) / np.triu(transition).sum(axis=1, keepdims=True)
        start = np.eye(K)[0]
    return HiddenMarkovModel.from_parameters(start, transition, **emission_parameters(kind, K, rng))


def density(model, x, k):
    """Log-density of one row in state k, by scipy."""
    if hasattr(model, "rates_"):
        return stats.poisson.logpmf(x[0], model.rates_[k])
    if hasattr(model, "probabilities_"):
        return np.log(model.probabilities_[k, int(x[0])])
    return stats.multivariate_normal.logpdf(x, model.means_[k], model.covariances_[k])


def brute_force(model, X):
    """All paths of states, and the log of the joint probability of each and the data."""
    K = len(model.start_)
    b = np.array([[density(model, x, k) for k in range(K)] for x in X])
    paths = np.array(list(itertools.product(range(K), repeat=len(X))))
    with np.errstate(divide="ignore"):
        log_joint = np.log(model.start_)[paths[:, 0]] + b[range(len(X)), paths].sum(axis=1)
        log_joint += np.log(model.transition_)[paths[:, :-1], paths[:, 1:]].sum(axis=1)
    return paths, log_joint


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("K", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_sums_over_all_paths(kind, K, zeros):
    rng = np.random.default_rng(K)
    for _ in range(3):
        model = random_model(kind, K, rng, zeros=zeros)
        lengths = rng.integers(1, 8, size=rng.integers(1, 6))
        X = np.vstack([model.sample(int(n), rng)[0] for n in lengths])
        scores, R = model.score_samples(X, lengths), model.posterior(X, lengths)
        path = model.predict(X, lengths)
        assert model.score(X, lengths) == pytest.approx(scores.mean(), rel=1e-12)
        for end, n in zip(lengths.cumsum(), lengths, strict=True):
            rows = slice(end - n, end)
            paths, log_joint = brute_force(model, X[rows])
            total = np.logaddexp.reduce(log_joint)
            assert scores[rows].sum() == pytest.approx(total, rel=1e-11)
            weight = np.exp(log_joint - total)
            for k in range(K):
                np.testing.assert_allclose(R[rows][:, k], weight @ (paths == k), atol=1e-11)
            found = (paths == path[rows]).all(axis=1).argmax()
            assert log_joint[found] == pytest.approx(log_joint.max(), rel=1e-12)


def test_scores_are_densities_given_the_past():
    rng = np.random.default_rng(0)
    model = random_model("poisson", 3, rng)
    X, _ = model.sample(40, rng)
    parts = [len(X[:n]) * model.score(X[:n]) for n in (1, 7, 23, 40)]
    np.testing.assert_allclose(model.score_samples(X).cumsum()[[0, 6, 22, 39]], parts, rtol=1e-12)


def log_recursions(start, transition, log_density, first):
    """Log-likelihood of all sequences and smoothing probabilities, step by step in logarithms."""
    with np.errstate(divide="ignore"):
        start, transition = np.log(start), np.log(transition)
    T, K = log_density.shape
    forward, backward, total = np.empty((T, K)), np.zeros((T, K)), 0.0
    for t in range(T):
        before = start if first[t] else np.logaddexp.reduce(forward[t - 1, :, None] + transition)
        forward[t] = before + log_density[t]
        if t + 1 == T or first[t + 1]:
            total += np.logaddexp.reduce(forward[t])
    for t in reversed(range(T - 1)):
        if not first[t + 1]:
            backward[t] = np.logaddexp.reduce(
                transition + log_density[t + 1] + backward[t + 1], axis=1
            )
    log_R = forward + backward
    return total, np.exp(log_R - np.logaddexp.reduce(log_R, axis=1, keepdims=True)).T


def largest_log_joint(start, transition, log_density, first):
    """Of all paths of all sequences, step by step."""
    with np.errstate(divide="ignore"):
        start, transition = np.log(start), np.log(transition)
    total, best = 0.0, np.zeros(len(start))
    for begins, row in zip(first, log_density, strict=True):
        total += best.max() if begins else 0
        best = (start if begins else (best[:, None] + transition).max(axis=0)) + row
    return total + best.max()


MATRICES = {
    "positive": [[0.9, 0.06, 0.04], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6]],
    "smallest of plain numbers": np.eye(3) + markov_chain.SMALLEST,
    "tiny": [[1 - 2e-90, 1e-90, 1e-90], [1e-90, 1 - 2e-90, 1e-90], [1e-90, 1e-90, 1 - 2e-90]],
    "never leaves": np.eye(3),
    "left to right": [[0.9, 0.1, 0], [0, 0.9, 0.1], [0, 0, 1.0]],
    "cycle": np.roll(np.eye(3), 1, axis=1),
    "tiny and zero": [[1 - 1e-200, 1e-200, 0], [0, 1, 0], [1e-300, 0, 1]],
}


@pytest.mark.parametrize("start", [[0.2, 0.3, 0.5], [1.0, 0, 0], [1e-300, 1e-320, 1.0]])
@pytest.mark.parametrize("matrix", MATRICES)
def test_no_underflow_where_the_data_change_their_mind(matrix, start):
    """A state with a probability below the smallest float may be the right one in the end."""
    rng = np.random.default_rng(0)
    transition, start = np.array(MATRICES[matrix]), np.array(start)
    log_density = 5 * rng.normal(size=(1500, 3)) - 1000
    log_density[:400, 0] += 40
    log_density[400:, 1] += 40.5
    log_density[0] = [-3000, 0, -2000]
    first = np.isin(np.arange(1500), [0, 700, 701, 1400])
    total, R = log_recursions(start, transition, log_density, first)
    scores, got, pairs = markov_chain.smooth(start, transition, log_density, first)
    assert scores.sum() == pytest.approx(total, rel=1e-12)
    np.testing.assert_allclose(got, R, atol=1e-8)
    _, log_joint = markov_chain.best_path(start, transition, log_density, first)
    want = largest_log_joint(start, transition, log_density, first)
    assert log_joint.sum() == pytest.approx(want, rel=1e-12)
    filtered = markov_chain.filter_forward(start, transition, log_density, first)
    np.testing.assert_allclose(filtered, scores, rtol=1e-12)
    # Each step but the first of a sequence comes from one state and leads to one.
    np.testing.assert_allclose(pairs.sum(axis=0), R[:, ~first].sum(axis=1), atol=1e-6)
    before = ~np.append(first[1:], True)
    np.testing.assert_allclose(pairs.sum(axis=1), R[:, before].sum(axis=1), atol=1e-6)


def test_many_states_and_one_block_agree_with_side_by_side():
    rng = np.random.default_rng(0)
    K = markov_chain.MOST_STATES["plain"] + 1
    start, transition = rng.dirichlet(np.ones(K)), rng.dirichlet(np.ones(K), size=K)
    log_density = rng.normal(size=(300, K))
    first = np.arange(300) % 100 == 0
    total, R = log_recursions(start, transition, log_density, first)
    scores, got, _ = markov_chain.smooth(start, transition, log_density, first)
    assert scores.sum() == pytest.approx(total, rel=1e-12)
    np.testing.assert_allclose(got, R, atol=1e-12)


@pytest.mark.parametrize("zero", [False, True])
def test_two_hundred_thousand_steps(zero):
    """Of a sum of independent draws, whose log-likelihood has a formula; plain and logarithms."""
    rng = np.random.default_rng(0)
    x = rng.poisson(3.0, size=200_000)
    stay = 1.0 if zero else 0.5
    transition = [[stay, 1 - stay], [1 - stay, stay]]
    model = HiddenMarkovModel.from_parameters([0.5, 0.5], transition, rates=[3.0, 3.0])
    want = stats.poisson.logpmf(x, 3.0)
    np.testing.assert_allclose(model.score_samples(x[:, None]), want, rtol=1e-9)
    np.testing.assert_allclose(model.posterior(x[:, None]), 0.5, rtol=1e-9)


def test_states_that_are_each_most_probable_may_form_an_impossible_path():
    """A state that leads into one of two, one of which is left at once: 0.4, 0.3 and 0.3."""
    model = HiddenMarkovModel.from_parameters(
        [0.4, 0.6, 0, 0],
        [[0, 0, 1, 0], [0, 0, 0.0, 1.0], [0, 0, 0, 1.0], [0.5, 0, 0.5, 0]],
        rates=[1.0] * 4,
    )
    X = [[1.0]] * 3
    R = model.posterior(X)
    pointwise = R.argmax(axis=1)
    pairs = model.transition_[pointwise[:-1], pointwise[1:]]
    path = model.predict(X)
    assert pairs.min() == 0
    assert model.transition_[path[:-1], path[1:]].min() > 0
    paths, log_joint = brute_force(model, X)
    np.testing.assert_array_equal(path, paths[log_joint.argmax()])


def test_sequences_of_one_step_are_a_mixture():
    rng = np.random.default_rng(0)
    parameters = emission_parameters("gaussian", 3, rng)
    weights = rng.dirichlet(np.ones(3))
    mixture = GaussianMixture.from_parameters(weights, **parameters)
    model = HiddenMarkovModel.from_parameters(
        weights, rng.dirichlet(np.ones(3), size=3), **parameters
    )
    X, _ = mixture.sample(50, rng)
    ones = np.ones(50, int)
    np.testing.assert_allclose(model.score_samples(X, ones), mixture.score_samples(X), rtol=1e-10)
    np.testing.assert_allclose(model.posterior(X, ones), mixture.predict_proba(X), atol=1e-12)
    np.testing.assert_array_equal(model.predict(X, ones), mixture.predict(X))


@pytest.mark.parametrize(
    ("K", "stationary", "published"),
    [(2, True, 342.3183), (3, True, 329.4603), (2, False, 341.8787), (3, False, 328.5275)],
)
def test_earthquakes_reach_the_published_likelihood(K, stationary, published):
    """Zucchini and MacDonald (2009), from several seeds and at the default tolerance."""
    for seed in range(3):
        model = HiddenMarkovModel(K, "poisson", stationary=stationary, random_state=seed)
        model.fit(QUAKES)
        assert -len(QUAKES) * model.score(QUAKES) == pytest.approx(published, abs=1e-3)
        assert model.log_likelihood_trace_[-1] == pytest.approx(model.score(QUAKES), rel=1e-12)


def test_earthquakes_have_the_published_parameters():
    model = HiddenMarkovModel(2, "poisson", stationary=True, random_state=0).fit(QUAKES)
    np.testing.assert_allclose(model.rates_, [15.472, 26.125], atol=2e-3)
    np.testing.assert_allclose(model.transition_, [[0.9340, 0.0660], [0.1285, 0.8715]], atol=1e-4)
    assert model.n_parameters_ == 4
    assert model.aic_ == pytest.approx(692.6365, abs=2e-3)
    assert model.bic_ == pytest.approx(703.3278, abs=2e-3)


@pytest.mark.parametrize("stationary", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_em_never_falls(kind, stationary):
    """From 1,000 random starts in all, on several sequences, some of one step."""
    rng = np.random.default_rng(0)
    K, lengths = 3, np.array([1, 9, 14, 1, 6])
    truth = random_model(kind, K, rng)
    X = np.vstack([truth.sample(int(n), rng)[0] for n in lengths])
    first = np.isin(np.arange(len(X)), lengths.cumsum() - lengths)
    emission = EMISSIONS[kind](X, K, 1e-6, rng)
    for _ in range(167):
        transition = rng.dirichlet(np.full(K, rng.choice([0.3, 1.0])), size=K)
        start = stationary_distribution(transition) if stationary else rng.dirichlet(np.ones(K))
        parameters = start, transition, *emission.start(rng)
        trace = []
        for _ in range(8):
            value, parameters = em_step(parameters, first, emission, stationary=stationary)
            trace.append(value)
        assert np.diff(trace).min() > -1e-12


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stationary", [False, True])
def test_the_fit_is_a_stationary_point(kind, stationary):
    rng = np.random.default_rng(3)
    truth = HiddenMarkovModel.from_parameters(
        [0.5, 0.5], [[0.8, 0.2], [0.3, 0.7]], **emission_parameters(kind, 2, rng)
    )
    lengths = [40, 60, 50, 30, 45] * 2
    X = np.vstack([truth.sample(n, rng)[0] for n in lengths])
    model = HiddenMarkovModel(2, kind, stationary=stationary, n_init=2, tol=1e-15, random_state=0)
    model.fit(X, lengths)
    assert np.diff(model.log_likelihood_trace_).min() > -1e-13
    names = model._emission.names
    if stationary:
        np.testing.assert_allclose(model.start_ @ model.transition_, model.start_, rtol=1e-9)

    def tilted(table, steps):
        """Probabilities, those in the first column times exp(step), divided by their sums."""
        table = np.atleast_2d(table).copy()
        table[:, 0] *= np.exp(steps)
        return table / table.sum(axis=1, keepdims=True)

    def moved(steps):
        transition = tilted(model.transition_, steps[:2])
        start = tilted(model.start_, steps[2])[0]
        start = stationary_distribution(transition) if stationary else start
        values = [getattr(model, f"{name}_") for name in names]
        if kind == "categorical":
            values = [tilted(values[0], steps[3:5])]
        elif kind == "poisson":
            values = [values[0] + steps[3:5]]
        else:
            values = [values[0] + steps[3:5], values[1] * np.exp(steps[5:])[:, None, None]]
        given = dict(zip(names, values, strict=True))
        return HiddenMarkovModel.from_parameters(start, transition, **given).score(X, lengths)

    gradient = optimize.approx_fprime(np.zeros(7), moved, 1e-7)
    np.testing.assert_allclose(gradient, 0, atol=2e-6)


def test_a_stationary_step_rises_and_ends_where_the_derivative_is_zero():
    rng = np.random.default_rng(0)
    starts, pairs = np.array([5.0, 1.0, 2.0]), rng.uniform(0, 4, size=(3, 3))

    def expected(A):
        return starts @ np.log(stationary_distribution(A)) + (pairs * np.log(A)).sum()

    A = rng.dirichlet(np.ones(3), size=3)
    for _ in range(200):
        before, A = expected(A), stationary_step(A, starts, pairs)
        assert expected(A) >= before

    def of_logits(logits):
        table = np.exp(logits.reshape(3, 3))
        return expected(table / table.sum(axis=1, keepdims=True))

    gradient = optimize.approx_fprime(np.log(A).ravel(), of_logits, 1e-7)
    np.testing.assert_allclose(gradient, 0, atol=1e-5)
    best = optimize.minimize(lambda v: -of_logits(v), np.zeros(9), tol=1e-10)
    assert expected(A) == pytest.approx(-best.fun, abs=1e-9)


def test_stationary_distributions():
    rng = np.random.default_rng(0)
    for K in (1, 2, 5):
        A = rng.dirichlet(np.ones(K), size=K)
        delta = stationary_distribution(A)
        np.testing.assert_allclose(delta @ A, delta, rtol=1e-13)
        assert delta.sum() == pytest.approx(1)
    almost = [[1 - 3e-18, 3e-18], [1e-18, 1.0]]
    np.testing.assert_allclose(stationary_distribution(almost), [0.25, 0.75], rtol=1e-14)
    np.testing.assert_allclose(stationary_distribution([[0.5, 0.5], [0, 1]]), [0, 1])
    np.testing.assert_allclose(stationary_distribution([[1, 0], [0.5, 0.5]]), [1, 0])
    np.testing.assert_allclose(stationary_distribution([[0, 1], [1, 0]]), [0.5, 0.5])
    with pytest.raises(ValueError, match="transition must have one stationary distribution"):
        stationary_distribution(np.eye(2))


@pytest.mark.parametrize("kind", KINDS)
def test_a_known_model_is_recovered(kind):
    parameters = {
        "gaussian": {"means": [[0.0, 0.0], [3.0, 1.0]], "covariances": [np.eye(2), 2 * np.eye(2)]},
        "categorical": {"probabilities": [[0.8, 0.1, 0.1], [0.1, 0.3, 0.6]]},
        "poisson": {"rates": [2.0, 8.0]},
    }[kind]
    truth = HiddenMarkovModel.from_parameters([1.0, 0.0], [[0.95, 0.05], [0.1, 0.9]], **parameters)
    X, z = truth.sample(20_000, random_state=0)
    model = HiddenMarkovModel(2, kind, n_init=2, random_state=0).fit(X)
    np.testing.assert_allclose(model.transition_, truth.transition_, atol=0.015)
    np.testing.assert_allclose(model.start_, truth.start_, atol=1e-3)
    for name, value in parameters.items():
        np.testing.assert_allclose(getattr(model, f"{name}_"), value, atol=0.12)
    assert (model.predict(X) == z).mean() > 0.85
    assert model.score(X) >= truth.score(X)
    assert model.n_samples_ == len(X) and model.n_iter_ == len(model.log_likelihood_trace_) - 1


def test_draws_follow_the_parameters():
    rng = np.random.default_rng(0)
    model = random_model("categorical", 3, rng)
    _, z = model.sample(100_000, rng)
    for i, j in itertools.product(range(3), range(3)):
        after = z[1:][z[:-1] == i]
        assert (after == j).mean() == pytest.approx(model.transition_[i, j], abs=0.01)
    firsts = [model.sample(1, rng)[1][0] for _ in range(3000)]
    shares = np.bincount(firsts, minlength=3) / 3000
    np.testing.assert_allclose(shares, model.start_, atol=0.04)
    X, z = model.sample(100_000, random_state=1)
    for k in range(3):
        shares = np.bincount(X[z == k, 0].astype(int), minlength=4) / (z == k).sum()
        np.testing.assert_allclose(shares, model.probabilities_[k], atol=0.02)
    gaussian = random_model("gaussian", 2, rng)
    X, z = gaussian.sample(100_000, random_state=1)
    np.testing.assert_allclose(np.cov(X[z == 1].T), gaussian.covariances_[1], atol=0.1)


def test_parameters_counted_by_hand():
    rng = np.random.default_rng(0)
    # Three states: 2 for the start, 6 transitions, and per state 5, 3 or 1.
    for kind, per_state in zip(KINDS, (5, 3, 1), strict=True):
        model = random_model(kind, 3, rng)
        assert model.n_parameters_ == 2 + 6 + 3 * per_state
    X, _ = random_model("gaussian", 2, rng).sample(200, rng)
    fit = HiddenMarkovModel(2, n_init=1, random_state=0).fit(X)
    assert fit.aic_ == pytest.approx(2 * 13 - 2 * 200 * fit.score(X), rel=1e-9)


def test_more_starts_are_never_worse_and_states_are_in_order_of_their_share():
    few, many = (
        HiddenMarkovModel(4, "poisson", n_init=n, random_state=1).fit(QUAKES) for n in (1, 8)
    )
    assert many.log_likelihood_trace_[-1] >= few.log_likelihood_trace_[-1]
    assert (np.diff(many.posterior(QUAKES).sum(axis=0)) <= 1e-6).all()


def test_starts_are_sought_on_windows_of_a_long_series():
    """Each a sequence, so that no transition joins steps that do not follow each other."""
    rng = np.random.default_rng(0)
    first = np.isin(np.arange(10_001), [0, 5000, 9990])
    rows, begins = _windows(first, 3, rng)
    assert len(rows) < 5000 and (np.diff(rows) > 0).all()
    np.testing.assert_array_equal(begins, (rows % WINDOW == 0) | first[rows])
    assert begins[0] and (np.diff(rows)[~begins[1:]] == 1).all()
    rows, begins = _windows(first[:500], 3, rng)
    np.testing.assert_array_equal(rows, np.arange(500))
    np.testing.assert_array_equal(begins, first[:500])


def test_one_state_is_independent_draws():
    model = HiddenMarkovModel(1, "poisson", n_init=1).fit(QUAKES)
    np.testing.assert_allclose(model.rates_, QUAKES.mean())
    np.testing.assert_allclose(model.transition_, 1)
    np.testing.assert_array_equal(model.predict(QUAKES), 0)
    want = stats.poisson.logpmf(QUAKES[:, 0], QUAKES.mean()).mean()
    assert model.score(QUAKES) == pytest.approx(want, rel=1e-12)


def test_order_of_sequences_does_not_matter_and_their_ends_do():
    rng = np.random.default_rng(0)
    model = random_model("poisson", 3, rng)
    a, b = model.sample(30, rng)[0], model.sample(20, rng)[0]
    one, other = np.vstack([a, b]), np.vstack([b, a])
    assert model.score(one, [30, 20]) == pytest.approx(model.score(other, [20, 30]), rel=1e-12)
    assert model.score(one, [30, 20]) != pytest.approx(model.score(one), rel=1e-6)
    fit = HiddenMarkovModel(2, "poisson", n_init=2, random_state=0)
    separate = clone(fit).fit(one, [30, 20]).log_likelihood_trace_[-1]
    assert separate != pytest.approx(clone(fit).fit(one).log_likelihood_trace_[-1], rel=1e-6)


IMPOSSIBLE = {
    "in no state": ([0.5, 0.5], [[0.7, 0.3], [0.4, 0.6]], [[0.5, 0.5, 0], [0.2, 0.8, 0]], 2),
    "in no state, with a zero": ([1, 0], [[0.5, 0.5], [0, 1]], [[0.5, 0.5, 0], [0, 1, 0]], 2),
    "after the step before": ([0.5, 0.5], np.eye(2), [[0.6, 0.4, 0], [0, 0.3, 0.7]], 2),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_impossible_step_has_no_density_and_spoils_no_other_sequence(case):
    start, transition, probabilities, category = IMPOSSIBLE[case]
    model = HiddenMarkovModel.from_parameters(start, transition, probabilities=probabilities)
    X = np.array([0, 1, 1] + [0, 1, 1, 0] * 30 + [0, 1])[:, None]
    lengths = [3, *[4] * 30, 2]
    assert np.isfinite(model.score(X, lengths))
    for row in (1, 4, 5, 60, 61, 62, 63, 64, 65, 66, 67, 124):
        spoilt = X.copy()
        spoilt[row] = category
        if row % 4 == 3:
            continue  # there a sequence begins, which may do so with this category
        scores, whole = model.score_samples(spoilt, lengths), model.score_samples(X, lengths)
        assert np.isneginf(scores[row]) and not np.isnan(scores).any()
        same = np.repeat(np.arange(32), lengths) != np.repeat(np.arange(32), lengths)[row]
        np.testing.assert_allclose(scores[same], whole[same], rtol=1e-12)
        assert model.score(spoilt, lengths) == -np.inf
        with pytest.raises(ValueError, match=f"X has steps .* row {row} is the first"):
            model.posterior(spoilt, lengths)
        with pytest.raises(ValueError, match="X has steps .* row"):
            model.predict(spoilt, lengths)


def test_a_state_that_shrinks_onto_a_few_steps_is_reported():
    rng = np.random.default_rng(0)
    X = np.append(rng.normal(size=60), [3.0] * 12)[:, None]
    with pytest.warns(UserWarning, match="covariance floor"):
        HiddenMarkovModel(2, n_init=2, random_state=0).fit(X)


def test_clone_and_warnings():
    model = clone(HiddenMarkovModel(3, "poisson", n_init=1, max_iter=1, random_state=0))
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        model.fit(QUAKES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HiddenMarkovModel(2, "poisson", n_init=1, random_state=0).fit(QUAKES)


def test_another_emission_leaves_nothing_of_the_one_before():
    model = HiddenMarkovModel(2, n_init=1, random_state=0).fit(QUAKES)
    assert model.covariances_.shape == (2, 1, 1)
    scores = model.set_params(emission="poisson").score_samples(QUAKES)
    assert np.isfinite(scores).all() and model.posterior(QUAKES).shape == (107, 2)
    model.fit(QUAKES)
    assert not hasattr(model, "means_") and not hasattr(model, "covariance_floor_")
    assert HiddenMarkovModel(emission="poisson").__sklearn_tags__().input_tags.positive_only
    assert not HiddenMarkovModel().__sklearn_tags__().input_tags.positive_only


def test_the_peer_has_the_same_likelihoods_probabilities_and_paths():
    hmm = pytest.importorskip("hmmlearn.hmm")
    rng = np.random.default_rng(0)
    ours = random_model("gaussian", 3, rng)
    lengths = [300, 1, 200]
    X = np.vstack([ours.sample(n, rng)[0] for n in lengths])
    peer = hmm.GaussianHMM(3, "full")
    peer.n_features, peer.startprob_, peer.transmat_ = 2, ours.start_, ours.transition_
    peer.means_, peer.covars_ = ours.means_, ours.covariances_
    assert ours.score(X, lengths) * len(X) == pytest.approx(peer.score(X, lengths), rel=1e-10)
    np.testing.assert_allclose(
        ours.posterior(X, lengths), peer.predict_proba(X, lengths), atol=1e-9
    )
    np.testing.assert_array_equal(ours.predict(X, lengths), peer.predict(X, lengths))


GOOD = {"start": [0.5, 0.5], "transition": [[0.9, 0.1], [0.2, 0.8]], "rates": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": [0.5, 0.6]}, "start must hold probabilities"),
        ({"start": [1.0]}, r"start must have shape \(2,\)"),
        ({"start": [-0.5, 1.5]}, "start must hold probabilities"),
        ({"transition": [[0.9, 0.1]]}, "transition must be square"),
        ({"transition": [[0.9, 0.2], [0.2, 0.8]]}, "transition must hold probabilities"),
        ({"transition": "text"}, "transition"),
        ({"rates": [1.0]}, r"rates must have shape \(2,\)"),
        ({"rates": [1.0, -1.0]}, "rates must not be negative"),
        ({"rates": [1.0, np.nan]}, "rates"),
        ({"rates": None}, "rates; got none of them"),
        ({"probabilities": np.eye(2)}, "got probabilities and rates"),
        ({"rates": None, "means": np.eye(2)}, "needs means and covariances"),
        ({"rates": None, "probabilities": np.ones((2, 2))}, "probabilities must hold"),
        ({"rates": None, "probabilities": np.eye(3)}, r"probabilities must have shape \(2, any\)"),
        (
            {"rates": None, "means": np.eye(2), "covariances": np.ones((2, 2))},
            "covariances must have",
        ),
        ({"rates": None, "means": np.eye(2), "covariances": -np.ones((2, 2, 2))}, "covariances"),
    ],
)
def test_bad_parameters_are_named(change, message):
    with pytest.raises((TypeError, ValueError), match=message):
        HiddenMarkovModel.from_parameters(**GOOD | change)


MODEL = HiddenMarkovModel.from_parameters(**GOOD)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([100], "add up to the 107 rows"),
        ([100, 8], "add up to the 107 rows"),
        ([107, 0], "at least 1"),
        ([108, -1], "at least 1"),
        ([100.5, 6.5], "whole numbers"),
        ([np.nan], "lengths"),
        ("text", "lengths"),
        (107, "lengths"),
        ([[107]], "lengths"),
        ([], "lengths"),
    ],
)
def test_bad_lengths_are_named(lengths, message):
    for method in (MODEL.score, MODEL.posterior, MODEL.predict, HiddenMarkovModel().fit):
        with pytest.raises((TypeError, ValueError), match=message):
            method(QUAKES, lengths)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: HiddenMarkovModel(108, "poisson").fit(QUAKES), "n_components must be between"),
        (lambda: HiddenMarkovModel(emission="normal").fit(QUAKES), "emission must be one of"),
        (lambda: HiddenMarkovModel(emission=None).fit(QUAKES), "emission must be one of"),
        (lambda: HiddenMarkovModel(emission="poisson").fit(QUAKES + 0.5), "X must hold integers"),
        (lambda: HiddenMarkovModel(emission="poisson").fit(-QUAKES), "X must hold integers"),
        (lambda: HiddenMarkovModel(emission="poisson").fit(np.ones((9, 2))), "X must hold inte"),
        (lambda: HiddenMarkovModel(emission="categorical").fit(QUAKES * 1e9), "X must hold cat"),
        (lambda: HiddenMarkovModel().fit(np.ones((9, 2))), "columns of X that vary"),
        (lambda: HiddenMarkovModel().fit(np.repeat(QUAKES, 2, axis=1)), "columns of X that vary"),
        (lambda: HiddenMarkovModel().score(QUAKES), "call fit or from_parameters"),
        (lambda: MODEL.score(np.ones((9, 2))), "2 features"),
        (lambda: MODEL.sample(0), "n_samples must be at least 1"),
        (
            lambda: HiddenMarkovModel.from_parameters(
                [1.0], [[1.0]], probabilities=[[0.5, 0.5]]
            ).score([[0], [2]]),
            "X must hold categories 0 to 1",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_two_steps_are_enough_and_units_do_not_matter():
    assert HiddenMarkovModel(1).fit([[0.0], [1.0]]).means_.item() == pytest.approx(0.5)
    steps = np.random.default_rng(0).normal(size=(50, 2))
    tiny = HiddenMarkovModel(1).fit(1e-9 * steps)
    np.testing.assert_allclose(tiny.covariances_[0], 1e-18 * np.cov(steps.T, bias=True))


def test_a_long_series_that_moves_once_in_tiny_units():
    """Its starts are sought on steps that are all equal."""
    X = np.zeros((20_000, 1))
    X[7] = 1e-3
    fit = HiddenMarkovModel(1, random_state=0).fit(X)
    assert fit.covariances_.item() == pytest.approx(X.var(), rel=1e-9)
