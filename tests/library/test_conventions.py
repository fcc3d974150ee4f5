"""What holds for every model that maps data to factors or codes, tried on each of them."""

import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import validation

from lvmnotes import (
    ICA,
    LSA,
    PCA,
    PPCA,
    SFA,
    Autoencoder,
    BayesianPCA,
    LinearAutoencoder,
    Moments,
    SparseCoding,
    sparse_encode,
)
from lvmnotes.lasso import coordinate_descent, duality_gap, objective

X = np.random.default_rng(0).normal(size=(60, 5)) @ np.diag([3, 2, 1, 1, 1]) + 1
MODELS = [
    PCA(2),
    PPCA(2),
    PPCA(2, method="em", random_state=0),
    BayesianPCA(2),
    LinearAutoencoder(2, random_state=0),
    Autoencoder(2, n_hidden=3, random_state=0),
    SFA(2),
    SparseCoding(2, lam=0.5, random_state=0),
    ICA(2, random_state=0),
    LSA(2),
]
CODECS = [model for model in MODELS if hasattr(model, "inverse_transform")]
OF_MOMENTS = [model for model in MODELS if hasattr(model, "fit_moments")]
NUMBERS = [
    (type(model), name)
    for model in [*MODELS[:2], *MODELS[3:]]
    for name, default in type(model)().get_params().items()
    if isinstance(default, int | float)
]
RANDOM = [
    PPCA(2, method="em"),
    LinearAutoencoder(2),
    Autoencoder(2, n_hidden=3),
    SparseCoding(2),
    ICA(2),
]


def name_of(model):
    return type(model).__name__


class Table(np.ndarray):
    """Data whose columns have names, as a data frame's do."""


@pytest.fixture
def named(monkeypatch):
    """Make scikit-learn see the columns' names of a `Table`, without a data frame library."""
    names = np.array(["a", "b", "c", "d", "e"], dtype=object)
    monkeypatch.setattr(
        validation, "_get_feature_names", lambda X: names if isinstance(X, Table) else None
    )
    return X.view(Table)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_names_of_the_columns_are_learned_and_cause_no_warning(model, named):
    model = clone(model).fit(named)
    assert list(model.feature_names_in_) == ["a", "b", "c", "d", "e"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for method in ("transform", "score_samples", "score", "reconstruction_error", "posterior"):
            if hasattr(model, method):
                getattr(model, method)(named)


@pytest.mark.parametrize("model", OF_MOMENTS, ids=name_of)
def test_moments_of_another_width_leave_no_stale_names(model, named):
    model = clone(model).fit(named).fit_moments(Moments.from_data(X[:, :4]))
    assert model.n_features_in_ == 4 and not hasattr(model, "feature_names_in_")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.transform(X[:, :4]).shape == (60, 2)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_data_and_moments_agree(model):
    if hasattr(model, "fit_moments"):
        wanted = clone(model).fit_moments(Moments.from_data(X)).transform(X)
        np.testing.assert_allclose(clone(model).fit(X).transform(X), wanted, atol=1e-4)


@pytest.mark.parametrize("model", CODECS, ids=name_of)
def test_new_settings_leave_a_fitted_model_as_it_is(model):
    model = clone(model).fit(X)
    H, names = model.transform(X), model.get_feature_names_out()
    reconstructed = model.inverse_transform(H)
    model.set_params(n_components=1)
    np.testing.assert_array_equal(model.transform(X), H)
    np.testing.assert_array_equal(model.inverse_transform(H), reconstructed)
    np.testing.assert_array_equal(model.get_feature_names_out(), names)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -1, "1", True, [1]], ids=str)
@pytest.mark.parametrize(("kind", "name"), NUMBERS)
def test_bad_numbers_are_refused_by_name(kind, name, value):
    with pytest.raises((TypeError, ValueError), match=f"^{name} must be"):
        kind(**{name: value}).fit(X)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1, "1", True, None], ids=str)
@pytest.mark.parametrize("name", ["lam", "beta"])
@pytest.mark.parametrize("function", [sparse_encode, objective, duality_gap, coordinate_descent])
def test_bad_weights_of_a_lasso_are_refused_by_name(function, name, value):
    H = () if function in (sparse_encode, coordinate_descent) else (np.zeros((60, 3)),)
    weights = {"lam": 1.0, "beta": 1.0, name: value}
    with pytest.raises((TypeError, ValueError), match=f"^{name} must be"):
        function(X, *H, np.ones((5, 3)), **weights)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda bad: sparse_encode(bad, np.eye(5), 1), "X"),
        (lambda bad: sparse_encode(X, bad, 1), "W"),
        (lambda bad: sparse_encode(X, np.eye(5), 1, b=bad), "b"),
        (lambda bad: objective(X, bad, np.eye(5), 1), "H"),
        (lambda bad: duality_gap(X, bad, np.eye(5), 1), "H"),
        (lambda bad: coordinate_descent(X, np.eye(5), 1, start=bad), "start"),
        (lambda bad: SparseCoding.from_parameters(bad), "W"),
        (lambda bad: SparseCoding.from_parameters(np.eye(5), noise_variance=bad), "noise_variance"),
        (lambda bad: BayesianPCA.from_parameters(np.eye(5), 0, bad), "noise_variance"),
        (lambda bad: PCA().fit_moments(bad), "moments"),
        (lambda bad: PPCA().fit_moments(bad), "moments"),
        (lambda bad: BayesianPCA().fit_moments(bad), "moments"),
        (lambda bad: LinearAutoencoder().fit_moments(bad), "moments"),
        (lambda bad: PCA().fit(X, sample_weight=bad), "sample_weight"),
    ],
)
@pytest.mark.parametrize(
    "bad",
    ["text", {"a": 1}, np.full((60, 5), np.nan), np.full(5, np.inf), np.zeros((2, 2, 2))],
    ids=["text", "dict", "NaN", "infinity", "3-D"],
)
def test_bad_arrays_are_refused_by_name(call, name, bad):
    with pytest.raises((TypeError, ValueError), match=rf"\b{name}\b"):
        call(bad)


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_masked_arrays_are_refused(model):
    masked = np.ma.masked_greater(X, 4)
    with pytest.raises(TypeError, match=r"filled\(np.nan\)"):
        clone(model).fit(masked)
    with pytest.raises(TypeError, match=r"filled\(np.nan\)"):
        clone(model).fit(X).transform(masked)


@pytest.mark.parametrize("model", RANDOM, ids=name_of)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_generator_advances_and_a_seed_repeats(model):
    model.set_params(max_iter=3)
    rng = np.random.default_rng(5)
    first, second = (clone(model).set_params(random_state=rng).fit(X) for _ in range(2))
    # `clone` copies a generator, so the one that advances is the model's own.
    again = model.set_params(random_state=np.random.default_rng(5))
    codes = [again.fit(X).transform(X) for _ in range(2)]
    assert not np.allclose(*codes)
    np.testing.assert_array_equal(codes[0], first.transform(X))
    np.testing.assert_array_equal(
        clone(model).set_params(random_state=5).fit(X).transform(X), codes[0]
    )
    with pytest.raises((TypeError, ValueError), match="random_state must be"):
        clone(model).set_params(random_state="seed").fit(X)
    assert second is not first


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_what_is_asked_of_a_model_without_parameters_says_so(model):
    model = clone(model)
    own = set(dir(type(model))) - set(dir(BaseEstimator))
    members = {name for name in own if isinstance(getattr(type(model), name), property)}
    assert members
    for name in members - {"prior"}:
        with pytest.raises(NotFittedError, match="no parameters yet"):
            getattr(model, name)
    for method in ("transform", "inverse_transform", "score_samples", "sample", "posterior"):
        if hasattr(model, method):
            with pytest.raises(NotFittedError, match="no parameters yet"):
                getattr(model, method)(*([] if method == "sample" else [X]))


def test_one_column_is_too_few_for_ppca_with_or_without_holes():
    holed = np.where(np.arange(60) % 7 == 0, np.nan, X[:, 0])[:, None]
    for data in (X[:, :1], holed):
        with pytest.raises(ValueError, match="n_features=1"):
            PPCA().fit(data)
