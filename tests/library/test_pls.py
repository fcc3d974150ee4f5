"""Partial least squares against scikit-learn's, against least squares, and at its edges."""

import warnings

import numpy as np
import pytest
from scipy import linalg
from sklearn.base import clone
from sklearn.cross_decomposition import PLSRegression
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import PLS, FactorAnalysis, data
from lvmnotes.pls import nipals

RNG = np.random.default_rng(0)
TALL = RNG.normal(size=(80, 6)) @ RNG.normal(size=(6, 12)) + 0.3 * RNG.normal(size=(80, 12)) + 4
WIDE = RNG.normal(size=(15, 40)) * np.geomspace(1, 0.1, 40) - 3
LOW_RANK = RNG.normal(size=(50, 3)) @ RNG.normal(size=(3, 20)) + 1
BLOCKS = {"tall": TALL, "wide": WIDE}


def targets(X, n_targets, seed=1):
    rng = np.random.default_rng(seed)
    Y = X @ rng.normal(size=(X.shape[1], max(n_targets, 1))) * 0.3
    Y = Y + rng.normal(size=Y.shape) + 10
    return Y if n_targets else Y[:, 0]


@parametrize_with_checks([PLS()])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("n_targets", [0, 1, 3, 15])
@pytest.mark.parametrize("block", BLOCKS)
def test_equals_scikit_learn(block, n_targets, scale):
    X = BLOCKS[block]
    Y = targets(X, n_targets)
    new = X + np.random.default_rng(2).normal(size=X.shape)
    for d in (1, 2, 5):
        ours = PLS(d, scale=scale).fit(X, Y)
        peer = PLSRegression(d, scale=scale, tol=1e-30, max_iter=100_000).fit(X, Y)
        np.testing.assert_allclose(ours.predict(new), peer.predict(new), rtol=1e-8)
        assert ours.predict(new).shape == Y.shape
        np.testing.assert_allclose(
            ours.coef_, peer.coef_, atol=1e-8 * np.abs(peer.coef_).max(), rtol=0
        )
        np.testing.assert_allclose(ours.intercept_, peer.intercept_, rtol=1e-12)
        sign = np.sign((ours.x_weights_ * peer.x_weights_).sum(axis=0))
        np.testing.assert_allclose(ours.x_weights_, sign * peer.x_weights_, atol=1e-6)
        np.testing.assert_allclose(ours.transform(new), sign * peer.transform(new), atol=1e-5)
        np.testing.assert_allclose(
            ours.inverse_transform(ours.transform(X)),
            peer.inverse_transform(peer.transform(X)),
            atol=1e-6,
        )


@pytest.mark.parametrize("n_targets", [0, 3])
@pytest.mark.parametrize("block", BLOCKS)
def test_first_direction_is_that_of_the_largest_covariance(block, n_targets):
    X = BLOCKS[block]
    Y = targets(X, n_targets)
    model = PLS(1, scale=False).fit(X, Y)
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    U, s, _ = linalg.svd(X.T @ Y.reshape(len(X), -1), full_matrices=False)
    assert abs(U[:, 0] @ model.x_weights_[:, 0]) == pytest.approx(1, rel=1e-12)
    # No other direction does better; its covariance with the best function of Y is a norm.
    found = np.linalg.norm((X @ model.x_weights_).T @ Y)
    assert found == pytest.approx(s[0], rel=1e-12)
    others = np.random.default_rng(3).normal(size=(X.shape[1], 500))
    others = model.x_weights_ + 0.01 * others / np.linalg.norm(others, axis=0)
    others /= np.linalg.norm(others, axis=0)
    norms = np.linalg.norm((X @ others).T @ Y.reshape(len(X), -1), axis=1)
    assert norms.max() < found


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("block", BLOCKS)
def test_scores_and_directions_are_orthogonal_and_residuals_add_up(block, scale):
    X = BLOCKS[block]
    Y = targets(X, 2)
    model = PLS(5, scale=scale).fit(X, Y)
    H = model.transform(X)
    gram = H.T @ H
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-11 * gram.max())
    np.testing.assert_allclose(model.x_weights_.T @ model.x_weights_, np.eye(5), atol=1e-12)
    np.testing.assert_allclose(model.G_ @ model.W_, np.eye(5), atol=1e-11)
    assert (model.W_.sum(axis=0) >= 0).all()
    # Loadings are regressions on the scores.
    np.testing.assert_allclose(
        model.W_.T, linalg.lstsq(H, X - X.mean(axis=0))[0], atol=1e-10 * np.abs(model.W_).max()
    )
    np.testing.assert_allclose(model.y_loadings_.T, linalg.lstsq(H, Y - Y.mean(axis=0))[0], 1e-9)
    np.testing.assert_allclose(
        model.predict(X), (X - model.b_) @ model.coef_.T + model.intercept_, rtol=1e-12
    )


@pytest.mark.parametrize("n_targets", [0, 2])
@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("block", BLOCKS)
def test_all_components_are_least_squares_of_smallest_norm(block, scale, n_targets):
    X = BLOCKS[block]
    Y = targets(X, n_targets)
    rank = min(X.shape[1], len(X) - 1)
    model = PLS(rank, scale=scale).fit(X, Y)
    unit = X.std(axis=0, ddof=1) if scale else 1.0
    Z = (X - X.mean(axis=0)) / unit
    B = linalg.lstsq(Z, Y - Y.mean(axis=0), cond=1e-10)[0]
    np.testing.assert_allclose(model.predict(X), Z @ B + Y.mean(axis=0), rtol=1e-8)
    np.testing.assert_allclose(
        model.coef_.reshape(np.shape(B.T)) * unit, B.T, atol=1e-8 * np.abs(B).max(), rtol=0
    )


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("n_targets", [0, 2])
def test_it_stops_where_nothing_is_left(n_targets, scale):
    Y = targets(LOW_RANK, n_targets)
    with pytest.warns(UserWarning, match="after 3 components X has nothing left"):
        model = PLS(10, scale=scale).fit(LOW_RANK, Y)
    assert model.W_.shape == (20, 3) and model.transform(LOW_RANK).shape == (50, 3)
    assert list(model.get_feature_names_out()) == ["pls0", "pls1", "pls2"]
    Z = LOW_RANK - LOW_RANK.mean(axis=0)
    fitted = Z @ linalg.lstsq(Z, Y - Y.mean(axis=0), cond=1e-10)[0] + Y.mean(axis=0)
    np.testing.assert_allclose(model.predict(LOW_RANK), fitted, rtol=1e-9)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PLS(3, scale=scale).fit(LOW_RANK, Y)


def test_orthogonal_columns_need_one_component():
    """Then X^T X is a multiple of I, and the first direction is that of least squares."""
    X = linalg.qr(np.random.default_rng(4).normal(size=(30, 5)), mode="economic")[0]
    X -= X.mean(axis=0)
    X = linalg.qr(X, mode="economic")[0]
    y = targets(X, 0)
    with pytest.warns(UserWarning, match="after 1 component"):
        model = PLS(3, scale=False).fit(X, y)
    np.testing.assert_allclose(model.coef_[0], X.T @ (y - y.mean()), atol=1e-12)


@pytest.mark.parametrize("constant", ["X", "Y"])
def test_a_constant_block_predicts_the_mean(constant):
    X = np.full((9, 2), 0.1) if constant == "X" else TALL[:9]
    y = np.full(9, 0.1) if constant == "Y" else np.arange(9.0)
    with pytest.warns(UserWarning, match="after 0 components"):
        model = PLS(2).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y.mean(), rtol=1e-15)
    assert model.transform(X).shape == (9, 0)


def test_a_constant_column_changes_nothing():
    y = targets(TALL, 0)
    wider = np.column_stack([TALL, np.full(80, 0.1)])
    np.testing.assert_allclose(
        PLS(3).fit(wider, y).predict(wider), PLS(3).fit(TALL, y).predict(TALL), rtol=1e-12
    )


def test_one_factor_gives_the_loadings_and_not_the_scoring_weights():
    rng = np.random.default_rng(5)
    w, psi, n = np.array([1.0, 0.8, 0.6, 0.4]), np.array([0.2, 1.0, 2.0, 0.1]), 200_000
    h = rng.normal(size=n)
    X = h[:, None] * w + rng.normal(size=(n, 4)) * np.sqrt(psi)
    y = 0.7 * h + rng.normal(size=n)
    u = PLS(1, scale=False).fit(X, y).x_weights_[:, 0]
    np.testing.assert_allclose(u, w / np.linalg.norm(w), atol=0.01)
    scoring = FactorAnalysis.from_parameters(w[:, None], 0.0, psi).transform(np.eye(4))[:, 0]
    scoring /= np.linalg.norm(scoring)
    np.testing.assert_allclose(scoring, w / psi / np.linalg.norm(w / psi), rtol=1e-12)
    assert np.abs(u - scoring).max() > 0.3
    # With all components the direction is that of least squares, the scoring weights'.
    best = PLS(4, scale=False).fit(X, y).coef_[0]
    np.testing.assert_allclose(best / np.linalg.norm(best), scoring, atol=0.02)


def test_units_of_the_variables_matter_only_without_scaling():
    unit, y = np.geomspace(1e-5, 1e5, 12), targets(TALL, 0)
    scaled, plain = (PLS(3, scale=scale) for scale in (True, False))
    wanted = scaled.fit(TALL, y).predict(TALL)
    np.testing.assert_allclose(scaled.fit(TALL * unit, y).predict(TALL * unit), wanted, rtol=1e-9)
    other = plain.fit(TALL, y).predict(TALL)
    assert np.abs(plain.fit(TALL * unit, y).predict(TALL * unit) - other).max() > 0.1
    np.testing.assert_allclose(plain.fit(1e-200 * TALL, y).predict(1e-200 * TALL), other, rtol=1e-9)


def test_it_works_in_a_pipeline_and_a_search():
    meats = data.meats()
    X, fat = meats.X, meats.labels["fat"]
    pipeline = make_pipeline(StandardScaler(), PLS(4, scale=False))
    np.testing.assert_allclose(
        pipeline.fit(X, fat).predict(X), PLS(4).fit(X, fat).predict(X), rtol=1e-8
    )
    search = GridSearchCV(PLS(), {"n_components": [1, 5, 10]}).fit(X, fat)
    assert search.best_params_["n_components"] > 1
    assert search.score(X, fat) > 0.9


def test_new_settings_leave_a_fitted_model_as_it_is():
    Y = targets(TALL, 2)
    model = PLS(2).fit(TALL, Y)
    before = model.predict(TALL)
    model.set_params(n_components=1, scale=False)
    np.testing.assert_array_equal(model.predict(TALL), before)
    assert clone(model).n_components == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PLS(0).fit(TALL, TALL), "n_components must be between 1 and 12"),
        (lambda: PLS(16).fit(WIDE, WIDE), r"between 1 and 15 \(n_samples\)"),
        (lambda: PLS(scale="yes").fit(TALL, TALL), "scale must be True or False"),
        (lambda: PLS().fit(TALL, TALL[:9]), "Y: .*inconsistent numbers of samples"),
        (lambda: PLS().fit(TALL, None), "requires y to be passed"),
        (lambda: PLS().fit(TALL, np.full(80, np.nan)), "Y contains NaN"),
        (lambda: PLS().fit(TALL, np.ma.masked_less(targets(TALL, 0), 9)), "Y is a masked array"),
        (lambda: PLS().fit(TALL, np.zeros((80, 2, 2))), "Y: Found array with dim 3"),
        (lambda: PLS().fit(np.where(TALL > 5, np.nan, TALL), TALL), "X contains NaN"),
        (lambda: PLS().fit(TALL[:1], [1.0]), "X.* minimum of 2 is required"),
        (lambda: PLS().fit(TALL, TALL).predict(TALL[:, :2]), "2 features"),
        (lambda: PLS().predict(TALL), "no parameters yet"),
        (lambda: nipals(TALL, TALL[:9], 2), "Y must have shape"),
        (lambda: nipals(TALL, TALL, 0), "n_components must be at least 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises((ValueError, TypeError, NotFittedError), match=message):
        call()
