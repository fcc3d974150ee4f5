"""Sparse codes against scikit-learn, a quadratic programme and certificates; the estimator."""

import tracemalloc
import warnings

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.linalg import hadamard
from sklearn.decomposition import sparse_encode as sklearn_sparse_encode
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import SparseCoding, data, sparse_encode
from lvmnotes.lasso import PATHS, coordinate_descent, duality_gap, objective
from lvmnotes.notebook.gabor import gabor_fit
from lvmnotes.sparse_coding import CodeSums, Worst, update_decoder

rng = np.random.default_rng(0)
W = rng.normal(size=(20, 40))
X = rng.normal(size=(300, 20))


@parametrize_with_checks([SparseCoding()])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def certified(X, W, lam, beta=1.0, b=0.0, gap=1e-9):
    """Codes whose duality gap is small, as a part of the objective of the code 0."""
    H = sparse_encode(X, W, lam, beta, b)
    at_zero = objective(X, np.zeros_like(H), W, lam, beta, b)
    assert np.isfinite(H).all()
    assert (duality_gap(X, H, W, lam, beta, b) <= gap * at_zero).all()
    return H


@pytest.mark.parametrize("lam", [20.0, 2.0, 0.2, 1e-3, 1e-7])
def test_codes_equal_those_of_scikit_learn(lam):
    H = certified(X, W, lam)
    peer = sklearn_sparse_encode(X, W.T, algorithm="lasso_lars", alpha=lam / 2, max_iter=1000)
    np.testing.assert_allclose(
        objective(X, H, W, lam), objective(X, peer, W, lam), rtol=1e-6, atol=1e-12
    )
    if lam >= 0.2:
        np.testing.assert_allclose(H, peer, atol=1e-8)


def test_optimality_conditions_hold_to_round_off():
    lam, beta, b = 1.0, 3.0, np.linspace(-1, 1, 20)
    H = certified(X, W, lam, beta, b)
    slope = 2 * beta * (X - H @ W.T - b) @ W
    np.testing.assert_allclose(slope[H != 0], lam * np.sign(H[H != 0]), atol=1e-9)
    assert (np.abs(slope[H == 0]) <= lam).all()
    assert 0 < (H != 0).mean() < 0.5


def test_equals_a_bounded_quadratic_programme():
    """The entries' positive and negative parts, by a general solver."""
    lam = 1.5

    def loss(p):
        r = X[0] - W @ (p[:40] - p[40:])
        g = -2 * W.T @ r
        return lam * p.sum() + r @ r, np.r_[lam + g, lam - g]

    best = optimize.minimize(
        loss, np.zeros(80), jac=True, bounds=[(0, None)] * 80, options={"ftol": 1e-15}
    )
    H = sparse_encode(X[:1], W, lam)
    assert objective(X[:1], H, W, lam)[0] == pytest.approx(best.fun, rel=1e-7)


def test_lam_zero_is_least_squares():
    H = sparse_encode(X, W, 0.0)
    np.testing.assert_allclose(H @ W.T, X, atol=1e-7)
    tall = rng.normal(size=(20, 5))
    wanted = np.linalg.lstsq(tall, X.T, rcond=None)[0].T
    np.testing.assert_allclose(sparse_encode(X, tall, 0.0), wanted, atol=1e-8)


def test_only_the_ratio_of_lam_and_beta_counts():
    H = sparse_encode(X, W, 1.0, 2.0)
    np.testing.assert_allclose(sparse_encode(X, W, 4.0, 8.0), H, atol=1e-12)


def test_orthonormal_atoms_are_soft_thresholded():
    Q = np.linalg.qr(W[:, :20])[0]
    Z = X @ Q
    wanted = np.sign(Z) * np.maximum(np.abs(Z) - 0.25, 0)
    np.testing.assert_allclose(sparse_encode(X, Q, 0.5), wanted, atol=1e-12)


ternary = rng.integers(-1, 2, size=(10, 30)).astype(float)
DEGENERATE = {
    "equal atoms": (X, np.hstack([W, W])),
    "opposite atoms": (X, np.hstack([W, -W])),
    "nearly equal atoms": (X, np.hstack([W, W + 1e-9 * rng.normal(size=W.shape)])),
    "atoms of zeros": (X, np.hstack([W, 0 * W])),
    "one direction": (X, np.outer(W[:, 0], np.arange(1, 9))),
    "ties": (rng.integers(-3, 4, size=(300, 10)).astype(float), ternary),
    "more ties": (
        rng.integers(-2, 3, size=(300, 16)).astype(float),
        np.hstack([hadamard(16) / 4, np.eye(16)]),
    ),
    "coherent atoms": (X, 1 + 0.05 * W),
    "atoms of all sizes": (X, W * np.geomspace(1e-4, 1e4, 40)),
    "more samples' variables than atoms": (X, W[:, :5]),
    "a sample of zeros": (0 * X[:2], W),
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("lam", [1.0, 0.02])
def test_degenerate_dictionaries(name, lam):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        certified(*DEGENERATE[name], lam)


def test_coordinate_descent_reaches_the_same_objective_or_warns():
    lam = 4.0
    H = coordinate_descent(X, W, lam)
    wanted = objective(X, sparse_encode(X, W, lam), W, lam)
    np.testing.assert_allclose(objective(X, H, W, lam), wanted, rtol=1e-8)
    with pytest.warns(ConvergenceWarning, match="stopped after 2 sweeps with 300 of 300 codes"):
        coordinate_descent(X, W, 0.1, max_iter=2)


def test_a_lost_path_is_finished_by_coordinate_descent(monkeypatch):
    monkeypatch.setattr("lvmnotes.lasso._follow_paths", lambda H, gram, end, order: H.fill(0))
    certified(X[:20], W, 4.0)


def test_memory_beyond_the_codes_does_not_grow_with_the_samples():
    def beyond(n_samples):
        Z = np.resize(X, (n_samples, 20))
        tracemalloc.start()
        H = sparse_encode(Z, W, 1.0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak - H.nbytes

    assert beyond(16 * PATHS) < 1.3 * beyond(2 * PATHS)


def test_the_gap_bounds_what_is_left_to_gain():
    lam, beta = 2.0, 0.7
    H = sparse_encode(X, W, lam, beta) + 0.01 * rng.normal(size=(300, 40))
    best = objective(X, sparse_encode(X, W, lam, beta), W, lam, beta)
    excess = objective(X, H, W, lam, beta) - best
    assert (duality_gap(X, H, W, lam, beta) >= excess).all()
    assert (excess > 0).all()


class TestEstimator:
    """Learning, and the model behind it."""

    def test_the_objective_never_rises_and_atoms_stay_short(self):
        X = data.digits().X[:500] / 16
        model = SparseCoding(80, lam=0.3, random_state=0).fit(X)
        assert (np.diff(model.objective_trace_) < 1e-12).all()
        assert (np.linalg.norm(model.W_, axis=0) <= 1 + 1e-12).all()
        H = model.transform(X)
        reached = objective(X, H, model.W_, 0.3, 1.0, model.b_).mean()
        assert reached == pytest.approx(model.objective_trace_[-1], rel=1e-8)
        assert H.any(axis=0).all()

    def test_a_known_dictionary_is_found(self):
        truth = np.linalg.qr(rng.normal(size=(12, 12)))[0]
        H = rng.laplace(size=(3000, 12)) * (rng.random((3000, 12)) < 0.2)
        X = H @ truth.T + 1.0
        # There are local optima: two atoms may settle between two true ones.
        fits = [SparseCoding(12, 0.2, random_state=i).fit(X) for i in range(5)]
        best = min(fits, key=lambda model: model.objective_trace_[-1])
        overlap = np.abs(truth.T @ best.W_)
        assert (overlap.max(axis=1) > 0.99).all()

    def test_streaming_comes_near_the_full_alternation(self):
        X = data.digits().X / 16
        full = SparseCoding(30, 0.5, random_state=0).fit(X)
        stream = SparseCoding(30, 0.5, random_state=0)
        order = np.random.default_rng(0)
        for _ in range(100):
            stream.partial_fit(X[order.choice(len(X), 200, replace=False)])
        assert stream.n_iter_ == 100
        H = stream.transform(X)
        reached = objective(X, H, stream.W_, 0.5, 1.0, stream.b_).mean()
        assert reached < 1.02 * full.objective_trace_[-1]
        assert full.objective_trace_[0] > 1.1 * reached

    def test_the_update_is_exact_for_each_column(self):
        H = rng.normal(size=(300, 3))
        W, b = update_decoder(np.zeros((20, 3)), np.zeros(20), CodeSums.from_codes(100 * X, H))
        np.testing.assert_allclose(np.linalg.norm(W, axis=0), 1, rtol=1e-12)

        def error(W, b):
            return ((100 * X - H @ W.T - b) ** 2).sum()

        for k in range(3):
            for _ in range(20):
                other = W.copy()
                other[:, k] += 0.1 * rng.normal(size=20)
                other[:, k] /= np.linalg.norm(other[:, k])
                # The last sweep is not the last word on a column: the others moved after it.
                assert error(other, b) > error(W, b) * (1 - 1e-6)
        np.testing.assert_allclose(b, (100 * X - H @ W.T).mean(axis=0), atol=1e-9)

    def test_density_and_samples(self):
        model = SparseCoding.from_parameters(W, 1.0, 0.25, lam=3.0)
        assert model.beta == 4
        X, H = model.sample(20_000, 0)
        assert H.std() == pytest.approx(np.sqrt(2) * 2 / 3, rel=0.01)
        assert (X - H @ W.T - 1).std() == pytest.approx(0.5, rel=0.01)
        twice = -2 * model.log_joint(X[:5], H[:5])
        constant = 2 * 40 * np.log(4 / 3) + 20 * np.log(2 * np.pi / 4)
        np.testing.assert_allclose(
            twice - objective(X[:5], H[:5], W, 3.0, 4.0, 1.0), constant, rtol=1e-9
        )
        np.testing.assert_allclose(
            model.transform(X[:5]), sparse_encode(X[:5], W, 3.0, 4.0, np.ones(20)), atol=1e-12
        )

    def test_works_in_a_pipeline(self):
        pipeline = make_pipeline(StandardScaler(), SparseCoding(5, random_state=0)).fit(X)
        assert pipeline.transform(X).shape == (300, 5)
        assert list(pipeline[-1].get_feature_names_out()) == [f"sparsecoding{i}" for i in range(5)]
        H = pipeline[-1].transform(X)
        assert pipeline[-1].inverse_transform(H).shape == X.shape

    def test_max_iter_warns(self):
        with pytest.warns(ConvergenceWarning, match="stopped at max_iter=1 while the objective"):
            SparseCoding(10, 0.1, max_iter=1, random_state=0).fit(X)


def across_and_along(degrees):
    """Coordinates of the pixels of a patch of 12 by 12, from its pixel in row 5 and column 6."""
    y, x = np.divmod(np.arange(144), 12)
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return c * (y - 5) - s * (x - 6), s * (y - 5) + c * (x - 6)


def test_gabor_functions_are_found_and_noise_is_not():
    u, v = across_and_along(60)
    gabor = np.exp(-(u**2 + v**2) / (2 * 1.5**2)) * np.cos(2 * np.pi * 0.15 * u + 1)
    wave = np.cos(2 * np.pi * 0.15 * u)
    fit = gabor_fit(np.column_stack([gabor, wave, rng.normal(size=(144, 50))]), 12)
    assert fit.r_squared[0] > 0.95
    assert fit.orientation[0] == pytest.approx(60, abs=6)
    assert fit.r_squared[1] < 0.7
    assert fit.r_squared[2:].max() < 0.3
    with pytest.raises(ValueError, match=r"W must have shape \(100, any\)"):
        gabor_fit(np.ones((99, 2)), 10)


def test_atoms_that_are_not_used_become_the_residuals_of_most_energy():
    residuals = np.array([[1.0, 1], [-3, 0], [2, 0]])
    np.testing.assert_array_equal(Worst.of(residuals, 2).residuals, residuals[[1, 2]])


def test_the_noise_variance_is_that_of_beta():
    assert SparseCoding(3, beta=4.0, max_iter=1, tol=1).fit(X).noise_variance_ == 0.25


def test_a_gabor_function_of_the_grid_is_found_exactly():
    u, v = across_and_along(56.25)
    f, width = np.geomspace(0.06, 0.45, 8)[4], 0.14 * 12
    atom = np.exp(-(u**2 + v**2 / 4) / (2 * width**2)) * np.cos(2 * np.pi * f * u + 1)
    np.testing.assert_allclose(gabor_fit(atom[:, None], 12), [[1], [56.25], [f], [width]])


def test_natural_patches_are_whitened():
    patches = data.natural_patches(4000, 8)
    plain = data.natural_patches(4000, 8, whiten=False)
    assert patches.X.shape == (4000, 64)
    assert (patches.labels["image"] == "china").sum() == 2000
    neighbours = [np.corrcoef(p.X[:, 0], p.X[:, 3])[0, 1] for p in (patches, plain)]
    assert abs(neighbours[0]) < 0.2 < 0.8 < neighbours[1]
    np.testing.assert_allclose([patches.X.std(), plain.X.std()], 1, atol=0.1)
    np.testing.assert_array_equal(patches.X, data.natural_patches(4000, 8).X)
    assert stats.kurtosis(patches.X, axis=None) > 3
    with pytest.raises(ValueError, match="n_samples must be at least 2"):
        data.natural_patches(1)
    with pytest.raises(
        ValueError, match="n_samples must be at most 120780 for size=8, got 1000000"
    ):
        data.natural_patches(1_000_000, 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sparse_encode(X, W, -1), "lam must be at least 0, got -1"),
        (lambda: sparse_encode(X, W, 1, 0), "beta must be greater than 0, got 0"),
        (lambda: sparse_encode(X, W.T, 1), r"W must have a row for each of the 20 features"),
        (lambda: sparse_encode(X * np.nan, W, 1), "contains NaN"),
        (lambda: sparse_encode(X, W, 1, b=np.ones(3)), r"b must have shape \(20,\)"),
        (lambda: SparseCoding(0).fit(X), "n_components must be at least 1, got 0"),
        (lambda: SparseCoding(2, lam=0).fit(X), "lam must be greater than 0, got 0"),
        (lambda: SparseCoding(2, beta=-1).fit(X), "beta must be greater than 0, got -1"),
        (lambda: SparseCoding(2).transform(X), "no parameters yet"),
        (lambda: SparseCoding.from_parameters(W, lam=-1.0), "lam must be greater than 0, got -1.0"),
    ],
)
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()
