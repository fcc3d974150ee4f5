"""Latent class analysis against brute force, published fits and its own derivatives."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import optimize
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from lvmnotes import LatentClassModel, data
from lvmnotes.latent_class import em_step, indicators

PATTERNS = np.array(list(itertools.product([0.0, 1.0], repeat=5)))


def random_model(K=3, D=5, seed=0):
    rng = np.random.default_rng(seed)
    return LatentClassModel.from_parameters(
        rng.dirichlet(np.ones(K)), rng.uniform(0.1, 0.9, size=(K, D))
    )


def brute_force(model, x):
    """Probability of the observed answers of one person, by summing over classes and items."""
    total = 0.0
    for weight, theta in zip(model.weights_, model.probabilities_, strict=True):
        product = weight
        for answer, probability in zip(x, theta, strict=True):
            if not np.isnan(answer):
                product *= probability if answer == 1 else 1 - probability
        total += product
    return total


def test_probabilities_of_patterns_are_those_of_brute_force_and_sum_to_one():
    model = random_model()
    p = np.exp(model.score_samples(PATTERNS))
    np.testing.assert_allclose(p, [brute_force(model, x) for x in PATTERNS], rtol=1e-12)
    assert p.sum() == pytest.approx(1, rel=1e-12)


def test_missing_answers_are_summed_out():
    model = random_model()
    holed = np.array([[1, np.nan, 0, np.nan, 1], [np.nan] * 5])
    p = np.exp(model.score_samples(holed))
    for x, value in zip(holed, p, strict=True):
        known = ~np.isnan(x)
        agree = (PATTERNS[:, known] == x[known]).all(axis=1)
        assert value == pytest.approx(np.exp(model.score_samples(PATTERNS[agree])).sum())
    np.testing.assert_allclose(model.predict_proba(holed)[1], model.weights_, rtol=1e-12)


@pytest.mark.parametrize(("section", "missing"), [(6, 0.0), (7, 0.0), (7, 0.3)])
def test_the_fit_is_a_stationary_point_and_never_fell(section, missing):
    X = data.lsat(section).X
    holes = np.random.default_rng(0).random(X.shape) < missing
    X = np.where(holes, np.nan, X)
    model = LatentClassModel(2, n_init=2, tol=1e-12, random_state=0).fit(X)
    assert np.diff(model.log_likelihood_trace_).min() >= -1e-13
    answered = ~np.isnan(X).all(axis=1)
    assert model.log_likelihood_trace_[-1] == pytest.approx(model.score(X[answered]), rel=1e-12)

    def log_likelihood(parameters):
        weight, theta = parameters[0], parameters[1:].reshape(2, 5)
        return LatentClassModel.from_parameters([weight, 1 - weight], theta).score(X)

    best = np.concatenate([model.weights_[:1], model.probabilities_.ravel()])
    gradient = optimize.approx_fprime(best, log_likelihood, 1e-6)
    np.testing.assert_allclose(gradient, 0, atol=2e-5)
    rng = np.random.default_rng(1)
    for _ in range(20):
        assert log_likelihood(best + 0.01 * rng.uniform(-1, 1, 11)) < log_likelihood(best)


def test_one_class_is_the_table_of_averages():
    X = data.lsat(6).X
    model = LatentClassModel(1, n_init=1).fit(X)
    np.testing.assert_allclose(model.probabilities_[0], X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.weights_, 1)


def test_a_known_model_is_recovered():
    truth = LatentClassModel.from_parameters(
        [0.6, 0.4], [[0.9, 0.8, 0.9, 0.7, 0.8], [0.2, 0.1, 0.3, 0.2, 0.4]]
    )
    X, z = truth.sample(20_000, random_state=0)
    model = LatentClassModel(2, n_init=3, random_state=0).fit(X)
    np.testing.assert_allclose(model.weights_, truth.weights_, atol=0.02)
    np.testing.assert_allclose(model.probabilities_, truth.probabilities_, atol=0.03)
    assert (model.predict(X) == z).mean() > 0.9


def test_a_probability_may_end_at_the_edge_without_nan():
    X = np.repeat([[1.0, 1, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1]], [30, 20, 10], axis=0)
    model = LatentClassModel(2, random_state=0).fit(X)
    assert np.isfinite(model.score_samples(1 - X)).all()
    np.testing.assert_allclose(model.predict_proba(1 - X).sum(axis=1), 1)


def test_more_starts_are_never_worse_and_order_is_by_weight():
    X = data.lsat(7).X
    few, many = (LatentClassModel(3, n_init=n, tol=1e-6, random_state=1).fit(X) for n in (1, 10))
    assert many.log_likelihood_trace_[-1] >= few.log_likelihood_trace_[-1]
    assert (np.diff(many.weights_) <= 0).all()


def test_rows_without_an_answer_do_not_count():
    X = data.lsat(6).X
    empty = np.vstack([X, np.full((500, 5), np.nan)])
    plain, padded = (LatentClassModel(2, n_init=2, random_state=0).fit(x) for x in (X, empty))
    assert padded.n_samples_ == len(X)
    assert padded.bic_ == pytest.approx(plain.bic_, rel=1e-12)
    assert padded.bic(empty) == pytest.approx(plain.bic(X), rel=1e-12)
    np.testing.assert_allclose(padded.weights_, plain.weights_, rtol=1e-12)


def test_weights_are_repetitions():
    patterns, times = np.unique(data.lsat(6).X, axis=0, return_counts=True)
    weighted = LatentClassModel(2, n_init=1, tol=1e-12, random_state=0)
    weighted.fit(patterns, sample_weight=times)
    repeated = LatentClassModel(2, n_init=1, tol=1e-12, random_state=0).fit(data.lsat(6).X)
    np.testing.assert_allclose(weighted.probabilities_, repeated.probabilities_, rtol=1e-4)
    assert weighted.bic_ == pytest.approx(repeated.bic_, rel=1e-11)
    assert weighted.n_samples_ == 1000
    start = weighted.weights_, weighted.probabilities_
    one = em_step(start, *indicators(patterns), sample_weight=times)
    other = em_step(start, *indicators(data.lsat(6).X))
    np.testing.assert_allclose(one[0], other[0], rtol=1e-13)
    np.testing.assert_allclose(one[1][1], other[1][1], rtol=1e-12)


def test_parameters_counted_by_hand_and_information_criteria():
    X = data.lsat(6).X
    model = LatentClassModel(3, n_init=1, tol=1e-6, random_state=0).fit(X)
    assert model.n_parameters_ == 2 + 15
    deviance = -2 * model.score_samples(X).sum()
    assert model.aic_ == pytest.approx(2 * 17 + deviance, rel=1e-12)
    assert model.aic(X) == pytest.approx(model.aic_, rel=1e-12)
    assert model.bic(X) == pytest.approx(17 * np.log(1000) + deviance, rel=1e-12)
    same = LatentClassModel(3, n_init=1, tol=1e-6, random_state=0).fit_predict(X)
    np.testing.assert_array_equal(same, model.predict(X))


def test_a_step_keeps_a_class_that_has_lost_all_samples():
    X = data.lsat(6).X
    start = np.array([1.0, 0.0]), np.full((2, 5), 0.5)
    log_likelihood, (weights, theta) = em_step(start, *indicators(X))
    assert log_likelihood == pytest.approx(5 * np.log(0.5))
    np.testing.assert_array_equal(weights, [1, 0])
    np.testing.assert_allclose(theta[0], X.mean(axis=0))
    np.testing.assert_allclose(theta[1], 0.5)


def test_masked_arrays_are_refused():
    with pytest.raises(TypeError, match="filled"):
        LatentClassModel().fit(np.ma.masked_equal(data.lsat(6).X, 0))


def test_clone_and_warning():
    model = clone(LatentClassModel(3, n_init=1, max_iter=2, random_state=0))
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        model.fit(data.lsat(6).X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        LatentClassModel(2, n_init=1, random_state=0).fit(data.lsat(6).X)


X = data.lsat(6).X[:100]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LatentClassModel(0).fit(X), "n_components must be between 1 and"),
        (lambda: LatentClassModel(101).fit(X), "n_components must be between 1 and"),
        (lambda: LatentClassModel(n_init=0).fit(X), "n_init"),
        (lambda: LatentClassModel(tol=-1).fit(X), "tol"),
        (lambda: LatentClassModel(tol=np.nan).fit(X), "tol"),
        (lambda: LatentClassModel().fit(X, sample_weight=np.zeros(100)), "sample_weight"),
        (lambda: LatentClassModel().n_parameters_, "call fit or from_parameters"),
        (lambda: LatentClassModel().fit(X + 1), "answers 0 and 1"),
        (lambda: LatentClassModel().fit(np.where(X == 1, np.inf, X)), "infinity"),
        (lambda: LatentClassModel().fit(X * [1, 1, np.nan, 1, 1]), "no answer at all to item 2"),
        (lambda: LatentClassModel().score(X), "call fit or from_parameters"),
        (lambda: LatentClassModel(2, n_init=1).fit(X).score(X[:, :2]), "2 features"),
        (lambda: LatentClassModel.from_parameters([0.5, 0.6], X[:2]), "weights must be"),
        (lambda: LatentClassModel.from_parameters([1.0], X[:2]), "a row for each of the 1"),
        (lambda: LatentClassModel.from_parameters([1.0], 2 * X[-1:]), "between 0 and 1"),
        (lambda: random_model().sample(0), "n_samples must be at least 1, got 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
