"""Mixtures of probabilistic PCA, against its parts and scikit-learn."""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.mixture import GaussianMixture as SklearnGaussianMixture
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import PPCA, MixturePPCA
from lvmnotes.mixture_ppca import em_step


@parametrize_with_checks([MixturePPCA()])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture
def arc():
    rng = np.random.default_rng(0)
    t = rng.uniform(0, np.pi, size=600)
    X = np.column_stack([np.cos(t), np.sin(t), np.zeros(600)])
    return X + 0.05 * rng.normal(size=X.shape)


def test_one_component_is_ppca(arc):
    mixture, single = MixturePPCA(1, 2).fit(arc), PPCA(2).fit(arc)
    assert mixture.score(arc) == pytest.approx(single.score(arc), rel=1e-12)
    np.testing.assert_allclose(mixture.predict_proba(arc), 1)


def test_likelihood_is_monotone_and_beats_one_plane(arc):
    mixture = MixturePPCA(6, 1, n_init=3, random_state=0).fit(arc)
    assert (np.diff(mixture.log_likelihood_trace_) > -1e-12).all()
    assert mixture.score(arc) == pytest.approx(mixture.log_likelihood_trace_[-1], rel=1e-12)
    fresh = arc + 0.05 * np.random.default_rng(1).normal(size=arc.shape)
    assert mixture.score(fresh) > PPCA(2).fit(arc).score(fresh) + 0.3


def test_all_factors_but_one_equals_the_full_mixture(arc):
    """With d = D - 1 each component is an unrestricted Gaussian; EM takes the same steps."""
    ours = MixturePPCA(2, 2, tol=1e-13, random_state=0).fit(arc)
    peer = SklearnGaussianMixture(
        2,
        reg_covar=0,
        tol=1e-12,
        max_iter=1000,
        weights_init=ours.weights_,
        means_init=[m.b_ for m in ours.models_],
        precisions_init=[np.linalg.inv(m.get_covariance()) for m in ours.models_],
    ).fit(arc)
    assert ours.score(arc) == pytest.approx(peer.score(arc), rel=1e-8)
    np.testing.assert_allclose(ours.predict_proba(arc), peer.predict_proba(arc), atol=1e-4)


def test_density_is_that_of_the_components(arc):
    mixture = MixturePPCA(3, 1, random_state=0).fit(arc)
    density = sum(
        w * stats.multivariate_normal(m.b_, m.get_covariance()).pdf(arc)
        for w, m in zip(mixture.weights_, mixture.models_, strict=True)
    )
    np.testing.assert_allclose(mixture.score_samples(arc), np.log(density), rtol=1e-9)
    assert (mixture.predict(arc) == mixture.predict_proba(arc).argmax(axis=1)).all()


def test_from_parameters_is_the_same_mixture(arc):
    fitted = MixturePPCA(3, 1, random_state=0).fit(arc)
    rebuilt = MixturePPCA.from_parameters(fitted.weights_, fitted.models_)
    np.testing.assert_array_equal(rebuilt.score_samples(arc), fitted.score_samples(arc))
    np.testing.assert_array_equal(rebuilt.sample(9, 0)[0], fitted.sample(9, 0)[0])


def test_a_component_of_weight_zero_has_no_part(arc):
    models = MixturePPCA(2, 1, random_state=0).fit(arc).models_
    mixture = MixturePPCA.from_parameters([1, 0], models)
    np.testing.assert_allclose(mixture.score_samples(arc), models[0].score_samples(arc))


def test_samples_have_the_moments_of_the_mixture(arc):
    mixture = MixturePPCA(3, 1, random_state=0).fit(arc)
    X, z = mixture.sample(50_000, random_state=0)
    np.testing.assert_allclose(np.bincount(z) / 50_000, mixture.weights_, atol=0.01)
    np.testing.assert_allclose(X.mean(axis=0), arc.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(np.cov(X.T), np.cov(arc.T), atol=0.02)


def test_a_component_on_a_plane_of_its_own_stops_at_the_floor():
    X = np.random.default_rng(0).normal(size=(30, 3))
    X[:10, 2] = 50
    with pytest.warns(UserWarning, match="ran into its floor"):
        mixture = MixturePPCA(2, 2, random_state=0).fit(X)
    assert np.isfinite(mixture.score(X))


def far_planes(gap, *outliers, D=3):
    """Two components of standard deviation 0.1, and outliers, all along the diagonal."""
    noise = 0.1 * np.random.default_rng(0).normal(size=(200, D))
    centres = np.repeat([0.0, gap], 100)[:, None]
    return np.vstack([noise + centres, np.multiply.outer(np.array(outliers), np.ones(D))])


@pytest.mark.parametrize("gap", [10.0, 5e3, 1e6, 1e8])
def test_the_distance_between_components_does_not_enter_their_noise(gap):
    """Clusters at 0 and 5,000 with standard deviation 0.1 once raised an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        near = MixturePPCA(2, 1, random_state=0).fit(far_planes(5.0))
        far = MixturePPCA(2, 1, random_state=0).fit(far_planes(gap))
    for a, b in zip(*(sorted(m.models_, key=lambda p: p.b_[0]) for m in (near, far)), strict=True):
        assert a.noise_variance_ == pytest.approx(b.noise_variance_, rel=1e-5)
        np.testing.assert_allclose(a.W_, b.W_, rtol=1e-4, atol=1e-5)
    assert far.covariance_floor_ == pytest.approx(near.covariance_floor_, rel=1e-5)
    assert np.diff(far.log_likelihood_trace_).min() >= -1e-9


@pytest.mark.parametrize("outlier", [1e3, 1e6, 1e9])
def test_an_outlier_does_not_merge_components(outlier):
    X = far_planes(2.0, outlier)
    with pytest.warns(UserWarning, match="floor"):
        mixture = MixturePPCA(3, 1, random_state=0).fit(X)
    np.testing.assert_array_equal(np.bincount(mixture.predict(X)), [100, 100, 1])


@pytest.mark.parametrize("unit", [1e-30, 1e-3, 1e6, 1e30])
def test_the_floor_has_the_units_of_the_data(arc, unit):
    plain, scaled = (MixturePPCA(3, 1, random_state=0).fit(u * arc) for u in (1, unit))
    assert scaled.covariance_floor_ / unit**2 == pytest.approx(plain.covariance_floor_, rel=1e-6)
    assert scaled.score(unit * arc) + 3 * np.log(unit) == pytest.approx(plain.score(arc), abs=1e-6)


def test_a_floor_where_all_rows_of_the_start_are_equal():
    """It is a part of the variance of all rows, then."""
    X = np.zeros((20_000, 2))
    X[7], X[9] = [1, 2], [2, -2]
    fit = MixturePPCA(1, 1, random_state=0).fit(X)
    assert fit.covariance_floor_ / fit.covariance_floor == pytest.approx(X.var(axis=0).mean())


def test_a_larger_floor_is_kept(arc):
    with pytest.warns(UserWarning, match="floor"):
        mixture = MixturePPCA(3, 1, covariance_floor=1, random_state=0).fit(arc)
    noise = [model.noise_variance_ for model in mixture.models_]
    assert min(noise) == pytest.approx(mixture.covariance_floor_, rel=1e-12)
    assert np.diff(mixture.log_likelihood_trace_).min() >= -1e-12


def test_weights_are_repetitions(arc):
    rng = np.random.default_rng(0)
    times = rng.integers(0, 3, size=len(arc))
    weighted = MixturePPCA(3, 1, random_state=0).fit(arc, sample_weight=times)
    repeated = MixturePPCA(3, 1, random_state=0).fit(rng.permutation(np.repeat(arc, times, axis=0)))
    np.testing.assert_allclose(weighted.score_samples(arc), repeated.score_samples(arc), rtol=1e-7)
    assert weighted.bic_ == pytest.approx(repeated.bic_, rel=1e-9)
    assert weighted.n_samples_ == times.sum()


def test_parameters_counted_by_hand_and_information_criteria(arc):
    """Three components: 2 weights, and 3 offsets, 3 loadings and 1 noise variance for each."""
    mixture = MixturePPCA(3, 1, random_state=0).fit(arc)
    assert mixture.n_parameters_ == 2 + 3 * (3 + 3 + 1)
    deviance = -2 * mixture.score_samples(arc).sum()
    assert mixture.aic_ == pytest.approx(2 * 23 + deviance, rel=1e-12)
    assert mixture.aic(arc) == pytest.approx(mixture.aic_, rel=1e-12)
    assert mixture.bic(arc) == pytest.approx(23 * np.log(600) + deviance, rel=1e-12)
    # Two orthogonal columns lose one angle.
    assert MixturePPCA(3, 2, random_state=0).fit(arc).n_parameters_ == 2 + 3 * (3 + 5 + 1)


def test_a_component_that_loses_all_samples_keeps_the_step_finite(arc):
    start = np.array([1.0, 0.0]), np.zeros((2, 3)), np.ones((2, 3, 1)), np.ones(2)
    log_likelihood, (weights, *rest) = em_step(start, arc, 1e-6)
    assert np.isfinite(log_likelihood)
    np.testing.assert_array_equal(weights, [1, 0])
    assert all(np.isfinite(part).all() for part in rest)


X = np.random.default_rng(0).normal(size=(30, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MixturePPCA(0).fit(X), "n_components must be between 1 and .*got 0"),
        (lambda: MixturePPCA(31).fit(X), "n_samples=30.*got 31"),
        (lambda: MixturePPCA(2, 4).fit(X), "n_factors must be between 1 and"),
        (lambda: MixturePPCA(2, n_init=0).fit(X), "n_init must be at least 1, got 0"),
        (lambda: MixturePPCA(2).fit(np.ones((5, 3))), "two different rows"),
        (lambda: MixturePPCA(2).score(X), "no parameters yet: call fit or from_parameters$"),
        (lambda: MixturePPCA(1).fit(X).sample(0), "n_samples must be at least 1, got 0"),
        (lambda: MixturePPCA.from_parameters([1], [PPCA(1)]), "PPCA has no parameters yet"),
        (
            lambda: MixturePPCA.from_parameters([0.5, 0.5], [PPCA(d).fit(X) for d in (1, 2)]),
            r"each of the 2 weights, got 2 with loadings of shape \(4, 1\) and \(4, 2\)",
        ),
        (lambda: MixturePPCA(2, covariance_floor=-1).fit(X), "covariance_floor"),
        (lambda: MixturePPCA(2, covariance_floor=np.inf).fit(X), "covariance_floor"),
        (lambda: MixturePPCA(2, tol=np.nan).fit(X), "tol"),
        (lambda: MixturePPCA(2).fit(X, sample_weight=np.zeros(30)), "sample_weight"),
        (lambda: MixturePPCA(2).n_parameters_, "call fit or from_parameters"),
    ],
)
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_parts_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="models must hold PPCA"):
        MixturePPCA.from_parameters([1.0], [np.eye(2)])
