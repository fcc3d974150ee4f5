"""PCA against scikit-learn's, against the singular value decomposition, and at its edges."""

import numpy as np
import pytest
from scipy import linalg
from sklearn import decomposition
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import PCA, Moments, data

RNG = np.random.default_rng(0)
TALL = RNG.normal(size=(200, 12)) @ RNG.normal(size=(12, 12)) + 5
WIDE = RNG.normal(size=(12, 200)) * np.geomspace(1, 0.1, 200) - 3
LOW_RANK = RNG.normal(size=(50, 3)) @ RNG.normal(size=(3, 20)) + 1


@parametrize_with_checks([PCA()])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize("X", [TALL, WIDE, data.digits().X], ids=["tall", "wide", "digits"])
@pytest.mark.parametrize("d", [1, 4, 10])
def test_equals_scikit_learn(X, d):
    ours, peer = PCA(d).fit(X), decomposition.PCA(d, svd_solver="full").fit(X)
    np.testing.assert_allclose(
        ours.eigenvalues_, peer.explained_variance_ * (len(X) - 1) / len(X), rtol=1e-10
    )
    np.testing.assert_allclose(np.abs((ours.W_ * peer.components_.T).sum(axis=0)), 1, rtol=1e-9)
    np.testing.assert_allclose(
        ours.explained_variance_ratio_, peer.explained_variance_ratio_, rtol=1e-10
    )
    assert ours.eigenvalues_.shape == (d,)
    np.testing.assert_allclose(ours.b_, peer.mean_, rtol=1e-12)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        peer.inverse_transform(peer.transform(X)),
        atol=1e-9,
    )


@pytest.mark.parametrize("X", [TALL, WIDE, LOW_RANK], ids=["tall", "wide", "low rank"])
def test_error_is_the_sum_of_the_discarded_eigenvalues(X):
    most = min(X.shape)
    for d in range(1, most + 1):
        model = PCA(d).fit(X)
        np.testing.assert_allclose(model.W_.T @ model.W_, np.eye(d), atol=1e-12)
        assert model.reconstruction_error(X) == pytest.approx(
            model.total_variance_ - model.eigenvalues_.sum(), abs=1e-12 * model.total_variance_
        )
    assert model.explained_variance_ratio_.sum() == pytest.approx(1, abs=1e-12)
    assert model.reconstruction_error(X) < 1e-24 * (X**2).sum()


@pytest.mark.parametrize("X", [TALL, WIDE], ids=["tall", "wide"])
def test_eigenvalues_are_the_squared_singular_values(X):
    singular = linalg.svdvals(X - X.mean(axis=0))
    model = PCA(min(X.shape)).fit(X)
    assert model.eigenvalues_.shape == (min(X.shape),)
    assert (np.diff(model.eigenvalues_) <= 0).all()
    np.testing.assert_allclose(
        model.eigenvalues_, singular**2 / len(X), atol=1e-12 * model.eigenvalues_[0]
    )
    assert model.total_variance_ == pytest.approx((singular**2).sum() / len(X), rel=1e-12)


def test_data_moments_and_batches_agree():
    model = PCA(3).fit(TALL)
    for moments in (Moments.from_data(TALL), Moments.from_batches(np.array_split(TALL, 7))):
        again = clone(model).fit_moments(moments)
        np.testing.assert_allclose(again.W_, model.W_, atol=1e-10)
        np.testing.assert_allclose(again.eigenvalues_, model.eigenvalues_, rtol=1e-10)
        np.testing.assert_allclose(again.transform(TALL), model.transform(TALL), atol=1e-9)


def test_the_two_ways_of_fitting_agree():
    """A wide table through its inner products, and through the covariance."""
    inner, covariance = PCA(5).fit(WIDE), PCA(5).fit_moments(Moments.from_data(WIDE))
    np.testing.assert_allclose(inner.W_, covariance.W_, atol=1e-10)
    np.testing.assert_allclose(
        inner.eigenvalues_, covariance.eigenvalues_, atol=1e-12 * inner.eigenvalues_[0]
    )


def test_a_mean_far_from_zero_costs_no_digits():
    far = PCA(4).fit(TALL + 1e6)
    np.testing.assert_allclose(far.eigenvalues_, PCA(4).fit(TALL).eigenvalues_, rtol=1e-6)


@pytest.mark.parametrize("shape", [(30, 4), (4, 30)])
def test_constant_data_have_no_variance_and_no_error(shape):
    X = np.full(shape, 7.0)
    model = PCA(2).fit(X)
    np.testing.assert_allclose(model.eigenvalues_, 0, atol=1e-28)
    np.testing.assert_array_equal(model.explained_variance_ratio_, 0)
    np.testing.assert_allclose(model.W_.T @ model.W_, np.eye(2), atol=1e-12)
    assert model.reconstruction_error(X) == 0


def test_a_constant_column_gets_no_weight():
    X = TALL.copy()
    X[:, 3] = 2.0
    np.testing.assert_allclose(PCA(4).fit(X).W_[3], 0, atol=1e-12)


@pytest.mark.parametrize("X", [TALL, WIDE], ids=["tall", "wide"])
def test_a_weight_is_a_number_of_copies(X):
    repeat = np.random.default_rng(1).integers(0, 4, size=len(X))
    weighted, repeated = PCA(3).fit(X, sample_weight=repeat), PCA(3).fit(np.repeat(X, repeat, 0))
    np.testing.assert_allclose(weighted.W_, repeated.W_, atol=1e-10)
    np.testing.assert_allclose(weighted.b_, repeated.b_, rtol=1e-12)
    np.testing.assert_allclose(weighted.eigenvalues_, repeated.eigenvalues_, rtol=1e-10)
    assert weighted.total_variance_ == pytest.approx(repeated.total_variance_, rel=1e-12)


def test_a_fitted_model_keeps_its_width_when_its_settings_change():
    model = PCA(2).fit(TALL)
    before = model.inverse_transform(model.transform(TALL))
    model.set_params(n_components=1)
    np.testing.assert_array_equal(model.inverse_transform(model.transform(TALL)), before)
    assert len(model.get_feature_names_out()) == 2


def test_names_of_the_codes():
    np.testing.assert_array_equal(PCA(2).fit(TALL).get_feature_names_out(), ["pca0", "pca1"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PCA(0).fit(TALL), "n_components must be between 1 and 12 \\(n_features\\), got 0"),
        (
            lambda: PCA(13).fit(TALL),
            "n_components must be between 1 and 12 \\(n_features\\), got 13",
        ),
        (
            lambda: PCA(13).fit(WIDE),
            "n_components must be between 1 and 12 \\(n_samples\\), got 13",
        ),
        (lambda: PCA(13).fit(TALL, sample_weight=np.eye(200)[0]), "\\(n_samples\\), got 13"),
        (lambda: PCA().fit(TALL, sample_weight=-np.ones(200)), "sample_weight must hold weights"),
        (lambda: PCA().fit(TALL[:1]), "minimum of 2 is required"),
        (lambda: PCA().fit(TALL * np.nan), "X contains NaN, but must be complete here"),
        (lambda: PCA().fit(WIDE + np.inf), "contains infinity"),
        (lambda: PCA().fit(TALL[0]), "Expected 2D array"),
        (lambda: PCA(2).fit_moments(Moments(9, [0, 0], [[1, 2], [2, 1]])), "semidefinite"),
        (lambda: PCA(2).fit(TALL).transform(TALL[:, :3]), "expecting 12 features"),
        (lambda: PCA(2).fit(TALL).inverse_transform(TALL), "X must have shape \\(any, 2\\), got"),
    ],
)
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_wrong_type_or_order_says_what_was_expected():
    with pytest.raises(TypeError, match="n_components must be an integer, got"):
        PCA(1.5).fit(TALL)
    with pytest.raises(NotFittedError, match="this PCA has no parameters yet"):
        PCA().transform(TALL)
