"""Gaussian mixtures against scikit-learn, scipy and the constraints they promise to keep."""

import warnings

import numpy as np
import pytest
from scipy import special, stats
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as SklearnGaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import GaussianMixture, data
from lvmnotes.mixtures import _coefficients, _features

TYPES = ("full", "diag", "spherical")
FREE = {"covariance_floor": 0, "random_state": 0}


@parametrize_with_checks([GaussianMixture(covariance_type=kind) for kind in TYPES])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def standardised(X, kind):
    """Coordinates in which the fit works, so that a peer's k-means starts from the same labels."""
    X = X - X.mean(axis=0)
    if kind == "full":
        return X @ np.linalg.inv(np.linalg.cholesky(np.cov(X.T, bias=True))).T
    return X / (X.std(axis=0) if kind == "diag" else np.sqrt(X.var(axis=0).mean()))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("n_iter", [1, 10])
def test_every_iteration_is_that_of_scikit_learn(kind, n_iter):
    X = standardised(load_iris().data, kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours = GaussianMixture(3, kind, tol=0, max_iter=n_iter, **FREE).fit(X)
        peer = SklearnGaussianMixture(
            3, covariance_type=kind, tol=0, max_iter=n_iter, reg_covar=0, random_state=0
        ).fit(X)
    assert ours.score(X) == pytest.approx(peer.score(X), rel=1e-10)
    order = np.argsort(-peer.weights_)
    np.testing.assert_allclose(ours.weights_, peer.weights_[order], rtol=1e-8)
    np.testing.assert_allclose(ours.means_, peer.means_[order], rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(ours.covariances_, peer.covariances_[order], rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X)[:, order], atol=1e-7)
    np.testing.assert_array_equal(ours.predict(X), np.argsort(order)[peer.predict(X)])
    assert ours.bic_ == pytest.approx(peer.bic(X), rel=1e-10)


@pytest.mark.parametrize("kind", TYPES)
def test_converged_likelihood_is_that_of_scikit_learn_and_never_fell(kind):
    X = data.old_faithful().X
    ours = GaussianMixture(2, kind, tol=1e-11, **FREE).fit(X)
    peer = SklearnGaussianMixture(
        2, covariance_type=kind, tol=1e-12, max_iter=2000, reg_covar=0, n_init=5, random_state=0
    ).fit(X)
    assert ours.score(X) == pytest.approx(peer.score(X), rel=1e-9)
    assert ours.log_likelihood_trace_[-1] == pytest.approx(ours.score(X), rel=1e-12)
    assert np.diff(ours.log_likelihood_trace_).min() >= -1e-13


def test_the_fast_density_is_the_direct_one_down_to_the_floor():
    rng = np.random.default_rng(0)
    K, D, N = 4, 6, 500
    weights, means = rng.dirichlet(np.ones(K)), rng.normal(size=(K, D))
    roots = rng.normal(size=(K, D, D))
    C = np.eye(D) + roots @ roots.transpose(0, 2, 1) / D
    C[0] = 1e-6 * np.eye(D)
    X = means[rng.integers(K, size=N)] + 1e-3 * rng.normal(size=(N, D))
    fast = _coefficients(weights, means, C, "full") @ _features(X.T, "full")
    direct = [np.log(w) + stats.multivariate_normal(m, c).logpdf(X)
              for w, m, c in zip(weights, means, C, strict=True)]  # fmt: skip
    np.testing.assert_allclose(fast, direct, rtol=1e-9, atol=1e-8)
    public = GaussianMixture.from_parameters(weights, means, C).score_samples(X)
    np.testing.assert_allclose(public, special.logsumexp(direct, axis=0), rtol=1e-10)


@pytest.mark.parametrize("kind", TYPES)
def test_a_mean_far_from_zero_and_odd_units_cost_nothing(kind):
    X = data.old_faithful().X
    shift, unit = np.array([1e6, -1e7]), 1e-4 if kind == "spherical" else np.array([1e-5, 1e4])
    plain = GaussianMixture(2, kind, **FREE).fit(X)
    moved = GaussianMixture(2, kind, **FREE).fit(unit * X + shift)
    volume = np.log(unit * np.ones(2)).sum()
    assert moved.log_likelihood_trace_[-1] + volume == pytest.approx(
        plain.log_likelihood_trace_[-1], abs=1e-5
    )
    np.testing.assert_allclose(moved.weights_, plain.weights_, atol=1e-4)


def test_the_full_model_does_not_see_the_axes():
    X = data.old_faithful().X
    A = np.array([[2.0, 1.0], [-0.3, 0.1]])
    plain = GaussianMixture(3, tol=1e-10, **FREE).fit(X)
    turned = GaussianMixture(3, tol=1e-10, **FREE).fit(X @ A.T)
    gain = np.log(abs(np.linalg.det(A)))
    assert turned.score(X @ A.T) + gain == pytest.approx(plain.score(X), abs=1e-9)


@pytest.mark.parametrize("kind", TYPES)
def test_samples_have_the_moments_of_the_model(kind):
    rng = np.random.default_rng(1)
    K, D, N = 3, 2, 200_000
    weights, means = np.array([0.5, 0.3, 0.2]), 3 * rng.normal(size=(K, D))
    root = rng.normal(size=(K, D, D))
    covariances = {
        "full": root @ root.transpose(0, 2, 1),
        "diag": rng.uniform(0.5, 2, size=(K, D)),
        "spherical": rng.uniform(0.5, 2, size=K),
    }[kind]
    model = GaussianMixture.from_parameters(weights, means, covariances)
    X, z = model.sample(N, random_state=2)
    share = np.bincount(z) / N
    np.testing.assert_allclose(share, weights, atol=5 * np.sqrt(0.25 / N))
    for k in range(K):
        C = np.cov(X[z == k].T)
        full = {"full": lambda c: c, "diag": np.diag, "spherical": lambda c: c * np.eye(D)}
        np.testing.assert_allclose(C, full[kind](covariances[k]), rtol=0.05, atol=0.05)
        np.testing.assert_allclose(X[z == k].mean(axis=0), means[k], atol=0.05)
    np.testing.assert_array_equal(model.sample(5, random_state=3)[0],
                                  model.sample(5, random_state=3)[0])  # fmt: skip


@pytest.mark.parametrize("kind", TYPES)
def test_the_floor_holds_warns_and_leaves_em_monotone(kind):
    """Five samples in one point and a component for each: without a floor, no maximum."""
    X = np.vstack([np.random.default_rng(0).normal(size=(40, 2)), np.full((5, 2), 4.0)])
    with pytest.warns(UserWarning, match="covariance floor"):
        model = GaussianMixture(3, kind, covariance_floor=1e-3, random_state=0).fit(X)
    assert np.diff(model.log_likelihood_trace_).min() >= -1e-12
    if kind == "full":
        L = np.linalg.cholesky(np.cov(X.T, bias=True))
        relative = np.linalg.solve(L, np.linalg.solve(L, model.covariances_).transpose(0, 2, 1))
        smallest = np.linalg.eigvalsh(relative).min()
    else:
        variance = X.var(axis=0) if kind == "diag" else X.var(axis=0).mean()
        smallest = (model.covariances_ / variance).min()
    assert smallest == pytest.approx(1e-3, rel=1e-6)


def test_more_starts_are_never_worse():
    X = load_iris().data
    few, many = (GaussianMixture(6, "diag", n_init=n, random_state=0).fit(X) for n in (1, 8))
    assert many.score(X) > few.score(X)


def test_components_come_with_falling_weights():
    model = GaussianMixture(4, random_state=1).fit(load_iris().data)
    assert (np.diff(model.weights_) <= 0).all()
    assert model.weights_.sum() == pytest.approx(1)


def test_float32_is_fitted_in_double_precision():
    X = load_iris().data.astype(np.float32)
    single, double = (GaussianMixture(3, random_state=0).fit(x) for x in (X, X.astype(float)))
    assert single.score(X) == pytest.approx(double.score(X), abs=1e-6)
    assert single.means_.dtype == float


def test_too_few_iterations_warn():
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        GaussianMixture(3, max_iter=2).fit(load_iris().data)


X = load_iris().data


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianMixture(0).fit(X), "n_components must be between 1 and"),
        (lambda: GaussianMixture(151).fit(X), "n_components must be between 1 and"),
        (lambda: GaussianMixture(covariance_type="tied").fit(X), "covariance_type must be"),
        (lambda: GaussianMixture(covariance_floor=-1).fit(X), "covariance_floor"),
        (lambda: GaussianMixture(n_init=0).fit(X), "n_init"),
        (lambda: GaussianMixture(tol=-1).fit(X), "tol"),
        (lambda: GaussianMixture(max_iter=0).fit(X), "max_iter"),
        (lambda: GaussianMixture().fit(X[:1]), "1 sample"),
        (lambda: GaussianMixture().fit(np.where(X == X[0, 0], np.nan, X)), "NaN"),
        (lambda: GaussianMixture().fit(np.column_stack([X, np.ones(150)])), "two different.*: 4"),
        (lambda: GaussianMixture(1, "diag").fit(X * [1, 0, 1, 1]), "two different.*: 1"),
        (lambda: GaussianMixture(1, "spherical").fit(np.ones((9, 2))), "two different.*: 0, 1"),
        (lambda: GaussianMixture().fit(np.column_stack([X, X.sum(axis=1)])), "linearly dependent"),
        (lambda: GaussianMixture().score(X), "call fit or from_parameters"),
        (lambda: GaussianMixture(2).fit(X).score(X[:, :2]), "2 features"),
        (lambda: GaussianMixture().fit(X).sample(0), "n_samples must be at least 1, got 0"),
        (lambda: GaussianMixture.from_parameters([0.5], [[0.0]], [1.0]), "weights must be"),
        (lambda: GaussianMixture.from_parameters([1.0], [[0.0]], [-1.0]), "positive"),
        (lambda: GaussianMixture.from_parameters([1.0], [[0.0, 1.0]], [[[1, 2], [2, 1]]]),
         "positive definite"),
        (lambda: GaussianMixture.from_parameters([0.5, 0.5], [[0.0]], [1.0]), "must have shapes"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_spherical_model_takes_a_constant_column():
    model = GaussianMixture(2, "spherical", random_state=0).fit(np.column_stack([X, np.ones(150)]))
    assert np.isfinite(model.score_samples(np.column_stack([X, np.ones(150)]))).all()
