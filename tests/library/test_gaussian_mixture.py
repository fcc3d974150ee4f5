"""Gaussian mixtures against scikit-learn, scipy and the constraints they promise to keep."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import special, stats
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as SklearnGaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import GaussianMixture, data
from lvmnotes.core import classes, gaussian_classes
from lvmnotes.core.gaussian_classes import em_step, log_densities

TYPES = ("full", "diag", "spherical")
FREE = {"covariance_floor": 0, "random_state": 0}


def impossible_checks(estimator):
    """One check fits 15 samples of 10 variables, some of weight zero: too few for a matrix."""
    if estimator.covariance_type != "full":
        return {}
    return {"check_sample_weight_equivalence_on_dense_data": "fewer samples than directions"}


@parametrize_with_checks(
    [GaussianMixture(covariance_type=kind) for kind in TYPES],
    expected_failed_checks=impossible_checks,
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def far_classes(gap, *outliers, D=2, seed=0):
    """Two classes of standard deviation 0.1, and outliers, all along the diagonal."""
    noise = 0.1 * np.random.default_rng(seed).normal(size=(200, D))
    centres = np.repeat([0.0, gap], 100)[:, None]
    return np.vstack([noise + centres, np.multiply.outer(np.array(outliers), np.ones(D))])


@pytest.mark.parametrize("kind", TYPES)
def test_every_iteration_is_that_of_scikit_learn(kind):
    """One step from the parameters of its first iteration gives those of its second."""
    X = load_iris().data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        peers = [
            SklearnGaussianMixture(
                3, covariance_type=kind, tol=0, max_iter=n, reg_covar=0, random_state=0
            ).fit(X)
            for n in (1, 2)
        ]
    before, after = [(peer.weights_, peer.means_, peer.covariances_) for peer in peers]
    floor = {"full": 1e-9 * np.eye(4), "diag": np.full(4, 1e-9), "spherical": np.array(1e-9)}
    log_likelihood, ours = em_step(before, X, floor[kind])
    assert log_likelihood == pytest.approx(peers[0].score(X), rel=1e-10)
    for mine, theirs in zip(ours, after, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-10)


def test_each_block_and_each_way_to_evaluate_gives_the_same_sums(monkeypatch):
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(1000, 3)), rng.uniform(size=1000)
    parameters = GaussianMixture(3, random_state=0).fit(X)
    parameters = parameters.weights_, parameters.means_, parameters.covariances_
    want = em_step(parameters, X, 1e-9 * np.eye(3), sample_weight=w)
    monkeypatch.setattr(classes, "SLICE_SIZE", 1)
    small_blocks = em_step(parameters, X, 1e-9 * np.eye(3), sample_weight=w)
    monkeypatch.setattr(gaussian_classes, "NEAR", 0)
    by_coordinates = em_step(parameters, X, 1e-9 * np.eye(3), sample_weight=w)
    for got in (small_blocks, by_coordinates):
        assert got[0] == pytest.approx(want[0], rel=1e-12)
        for a, b in zip(got[1], want[1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", TYPES)
def test_the_public_results_are_those_of_scikit_learn(kind):
    X = data.old_faithful().X
    peer = SklearnGaussianMixture(
        2, covariance_type=kind, tol=1e-12, max_iter=2000, reg_covar=0, random_state=0
    ).fit(X)
    ours = GaussianMixture.from_parameters(peer.weights_, peer.means_, peer.covariances_)
    np.testing.assert_allclose(ours.score_samples(X), peer.score_samples(X), rtol=1e-10)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), atol=1e-10)
    np.testing.assert_array_equal(ours.predict(X), peer.predict(X))
    assert ours.n_parameters_ == peer._n_parameters()
    assert ours.bic(X) == pytest.approx(peer.bic(X), rel=1e-12)
    assert ours.aic(X) == pytest.approx(peer.aic(X), rel=1e-12)
    fitted = GaussianMixture(2, kind, random_state=0).fit(X)
    assert fitted.bic_ == pytest.approx(fitted.bic(X), rel=1e-12)
    assert fitted.aic_ == pytest.approx(fitted.aic(X), rel=1e-12)
    np.testing.assert_array_equal(
        GaussianMixture(2, kind, random_state=0).fit_predict(X), fitted.predict(X)
    )


@pytest.mark.parametrize(("kind", "count"), [("full", 2 + 3 * 9), ("diag", 2 + 3 * 6),
                                             ("spherical", 2 + 3 * 4)])  # fmt: skip
def test_the_parameters_of_three_classes_in_three_dimensions_counted_by_hand(kind, count):
    model = GaussianMixture(3, kind, random_state=0).fit(load_iris().data[:, :3])
    assert model.n_parameters_ == count


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("gap", [10.0, 1e3, 1e4, 1e6, 1e8])
def test_the_distance_between_classes_does_not_enter_their_covariances(kind, gap):
    """Classes at 0 and 1,000 with standard deviation 0.1 once came out with variance .255."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = GaussianMixture(2, kind, random_state=0).fit(far_classes(5.0))
        far = GaussianMixture(2, kind, random_state=0).fit(far_classes(gap))
    order = far.means_[:, 0].argsort(), near.means_[:, 0].argsort()
    atol = 1e-9 + 1e-15 * gap
    np.testing.assert_allclose(
        far.covariances_[order[0]], near.covariances_[order[1]], rtol=1e-5, atol=atol
    )
    np.testing.assert_allclose(far.covariance_floor_, near.covariance_floor_, rtol=1e-5, atol=1e-14)
    assert np.diff(far.log_likelihood_trace_).min() >= -1e-9


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("outlier", [1e3, 1e6, 1e9])
def test_an_outlier_does_not_merge_classes(kind, outlier):
    X = far_classes(2.0, outlier)
    with pytest.warns(UserWarning, match="covariance floor"):
        model = GaussianMixture(3, kind, random_state=0).fit(X)
    np.testing.assert_allclose(np.bincount(model.predict(X)), [100, 100, 1])
    plain = GaussianMixture(2, kind, random_state=0).fit(X[:-1])
    a, b = (m.means_[:2, 0].argsort() for m in (model, plain))
    np.testing.assert_allclose(model.covariances_[a], plain.covariances_[b], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", TYPES)
def test_one_class_with_a_far_outlier_has_a_finite_density(kind):
    X = far_classes(2.0, 1e9)
    model = GaussianMixture(1, kind).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(model.sample(5, random_state=0)[0]).all()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("unit", [1e-30, 1e-3, 1e6, 1e30])
def test_the_floor_has_the_units_of_the_data(kind, unit):
    X = load_iris().data
    plain, scaled = (GaussianMixture(3, kind, random_state=0).fit(u * X) for u in (1, unit))
    for name in ("covariance_floor_", "covariances_"):
        np.testing.assert_allclose(
            getattr(scaled, name) / unit**2, getattr(plain, name), rtol=1e-6, atol=1e-12
        )
    gain = X.shape[1] * np.log(unit)
    assert scaled.score(unit * X) + gain == pytest.approx(plain.score(X), abs=1e-6)


@pytest.mark.parametrize("kind", TYPES)
def test_a_floor_where_all_rows_of_the_start_are_equal(kind):
    """It is a part of the covariance of all rows, then."""
    X = np.zeros((20_000, 2))
    X[7], X[9] = [1, 2], [2, -2]
    S = np.cov(X.T, bias=True)
    expected = {"full": S, "diag": np.diag(S), "spherical": np.trace(S) / 2}[kind]
    fit = GaussianMixture(1, kind, random_state=0).fit(X)
    np.testing.assert_allclose(fit.covariance_floor_ / fit.covariance_floor, expected)


def test_columns_with_a_far_mean_and_little_noise_are_fitted():
    X = 1e-3 * np.random.default_rng(0).normal(size=(200, 2)) + 1.7e9
    for kind in TYPES:
        model = GaussianMixture(1, kind).fit(X)
        variance = model.covariances_[0]
        variance = variance if kind == "spherical" else np.ravel(variance)[0]
        assert variance == pytest.approx(X[:, 0].var(), rel=0.2)


@pytest.mark.parametrize("kind", TYPES)
def test_weights_are_repetitions(kind):
    rng = np.random.default_rng(0)
    X, times = data.old_faithful().X, rng.integers(0, 4, size=272)
    weighted = GaussianMixture(2, kind, random_state=0).fit(X, sample_weight=times)
    repeated = GaussianMixture(2, kind, random_state=0).fit(
        rng.permutation(np.repeat(X, times, axis=0))
    )
    np.testing.assert_allclose(weighted.means_, repeated.means_, rtol=1e-8)
    np.testing.assert_allclose(weighted.covariances_, repeated.covariances_, rtol=1e-7)
    assert weighted.bic_ == pytest.approx(repeated.bic_, rel=1e-10)
    assert weighted.n_samples_ == times.sum()


@pytest.mark.parametrize("classes_are", ["of their own shapes", "in a row"])
def test_ends_as_often_above_scikit_learn_as_below(classes_are):
    """Ten variables, five classes; those in a row differ mostly in one variable."""
    higher = lower = 0
    K, D, N = 5, 10, 500
    for seed in range(40):
        rng = np.random.default_rng(seed)
        means, roots = 2 * rng.normal(size=(K, D)), np.tile(np.eye(D), (K, 1, 1))
        if classes_are == "in a row":
            means[:, 0], means[:, 2:] = 6 * np.arange(K), 0
        else:
            roots = 0.6 * roots + 0.4 * rng.normal(size=(K, D, D))
        z = rng.integers(K, size=N)
        X = means[z] + np.einsum("nij,nj->ni", roots[z], rng.normal(size=(N, D)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ours = GaussianMixture(K, random_state=seed).fit(X)
            peer = SklearnGaussianMixture(K, tol=1e-6, max_iter=1000, random_state=seed).fit(X)
        higher += ours.score(X) > peer.score(X) + 1e-3
        lower += ours.score(X) < peer.score(X) - 1e-3
    assert lower <= higher


def test_memory_beyond_the_data_is_less_than_half_of_them():
    X = np.random.default_rng(0).normal(size=(100_000, 8))
    for kind in TYPES:
        model = GaussianMixture(10, kind, tol=0, max_iter=2, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(X[:2000])  # what is imported and cached at the first fit is no matter
            tracemalloc.start()
            model.fit(X)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 0.5 * X.nbytes


def test_a_generator_advances():
    X = load_iris().data
    rng = np.random.default_rng(0)
    state = rng.bit_generator.state
    GaussianMixture(3, random_state=rng).fit(X)
    assert rng.bit_generator.state != state
    model = GaussianMixture.from_parameters([1.0], [[0.0]], [1.0])
    assert model.sample(1, rng)[0] != model.sample(1, rng)[0]
    with pytest.raises(TypeError, match="random_state"):
        GaussianMixture(random_state=np.random.RandomState(0)).fit(X)


def test_weights_within_rounding_are_made_to_sum_to_one():
    model = GaussianMixture.from_parameters(np.float32([0.1] * 10), np.zeros((10, 1)), np.ones(10))
    assert model.weights_.sum() == pytest.approx(1, abs=1e-15)
    model.sample(10, random_state=0)


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


@pytest.mark.parametrize("kind", TYPES)
def test_the_density_is_that_of_scipy_down_to_narrow_classes(kind):
    rng = np.random.default_rng(0)
    K, D, N = 4, 6, 500
    weights, means = rng.dirichlet(np.ones(K)), rng.normal(size=(K, D))
    roots = rng.normal(size=(K, D, D))
    C = np.eye(D) + roots @ roots.transpose(0, 2, 1) / D
    C[0] = 1e-6 * np.eye(D)
    C = {"full": C, "diag": C.diagonal(axis1=1, axis2=2), "spherical": C[:, 0, 0]}[kind]
    X = means[rng.integers(K, size=N)] + 1e-3 * rng.normal(size=(N, D))
    direct = np.array([stats.multivariate_normal(m, c).logpdf(X)
                       for m, c in zip(means, C, strict=True)])  # fmt: skip
    np.testing.assert_allclose(log_densities(X, means, C), direct.T, rtol=1e-9, atol=1e-8)
    public = GaussianMixture.from_parameters(weights, means, C).score_samples(X)
    np.testing.assert_allclose(
        public, special.logsumexp(direct.T + np.log(weights), axis=1), rtol=1e-10
    )


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
    floor = model.covariance_floor_
    if kind == "full":
        L = np.linalg.cholesky(floor)
        relative = np.linalg.solve(L, np.linalg.solve(L, model.covariances_).transpose(0, 2, 1))
        smallest = np.linalg.eigvalsh(relative).min()
    else:
        smallest = (model.covariances_ / floor).min()
    assert smallest == pytest.approx(1, rel=1e-6)


def test_more_starts_are_never_worse():
    X = load_iris().data
    scores = [GaussianMixture(8, n_init=n, random_state=3).fit(X).score(X) for n in (1, 8)]
    assert scores[1] > scores[0]


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
        GaussianMixture(3, tol=0, max_iter=2, random_state=0).fit(load_iris().data)


X = load_iris().data


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GaussianMixture(0).fit(X), "n_components must be between 1 and"),
        (lambda: GaussianMixture(151).fit(X), "n_components must be between 1 and"),
        (lambda: GaussianMixture(covariance_type="tied").fit(X), "covariance_type must be"),
        (lambda: GaussianMixture(covariance_floor=-1).fit(X), "covariance_floor"),
        (lambda: GaussianMixture(covariance_floor=np.inf).fit(X), "covariance_floor"),
        (lambda: GaussianMixture(covariance_floor=np.nan).fit(X), "covariance_floor"),
        (lambda: GaussianMixture(tol=np.nan).fit(X), "tol"),
        (lambda: GaussianMixture().fit(X, sample_weight=-np.ones(150)), "sample_weight"),
        (lambda: GaussianMixture().fit(X, sample_weight=np.ones(9)), "sample_weight"),
        (lambda: GaussianMixture().n_parameters_, "call fit or from_parameters"),
        (lambda: GaussianMixture().bic(X), "call fit or from_parameters"),
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
        (lambda: GaussianMixture.from_parameters([0.99999], [[0.0]], [1.0]), "weights must be"),
        (lambda: GaussianMixture.from_parameters([1.0], [[0.0]], [-1.0]), "positive"),
        (lambda: GaussianMixture.from_parameters([1.0], [[0.0]], [np.inf]), "covariances"),
        (lambda: GaussianMixture.from_parameters([1.0], [[np.nan]], [1.0]), "means"),
        (lambda: GaussianMixture.from_parameters([1.0], [[0.0, 1.0]], [[[1, 0.5], [0, 1]]]),
         "covariances must be symmetric"),
        (lambda: GaussianMixture.from_parameters([1.0], [[0.0, 1.0]], [[[1, 2], [2, 1]]]),
         "positive definite"),
        (lambda: GaussianMixture.from_parameters([0.5, 0.5], [[0.0]], [1.0]), "must have shapes"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_masked_arrays_are_refused():
    with pytest.raises(TypeError, match="filled"):
        GaussianMixture().fit(np.ma.masked_less(X, 1))
    with pytest.raises(TypeError, match="filled"):
        GaussianMixture.from_parameters([1.0], [[0.0]], np.ma.masked_less([1.0], 0))


def test_the_spherical_model_takes_a_constant_column():
    model = GaussianMixture(2, "spherical", random_state=0).fit(np.column_stack([X, np.ones(150)]))
    assert np.isfinite(model.score_samples(np.column_stack([X, np.ones(150)]))).all()
