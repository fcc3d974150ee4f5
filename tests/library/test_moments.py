"""Moments: one pass, any split, no digits lost, and clear words for what does not fit."""

import sys
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmnotes import FactorAnalysis, Moments
from lvmnotes.core.moments import ClassMoments

try:
    import dask
    import dask.array as da
except ImportError:  # the library needs it only to read its arrays
    da = None
needs_dask = pytest.mark.skipif(da is None, reason="dask is not installed")


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(60, 4)) @ np.diag([1, 2, 3, 4]) + 5


@given(cuts=st.sets(st.integers(1, 59), max_size=5))
def test_any_split_adds_up_to_the_whole(cuts):
    X = np.random.default_rng(1).normal(size=(60, 4))
    together = Moments.from_batches(np.split(X, sorted(cuts)))
    assert together.n == 60
    np.testing.assert_allclose(together.mean, X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(together.covariance, np.cov(X.T, bias=True), rtol=1e-10, atol=1e-14)


def test_more_rows_than_a_batch(X):
    X = np.tile(X, (200, 1))
    np.testing.assert_allclose(Moments.from_data(X).covariance, np.cov(X.T, bias=True), rtol=1e-10)


def test_a_mean_far_from_zero_costs_no_digits(X):
    far = Moments.from_data(X + 1e8).covariance
    near = Moments.from_data((X + 1e8) - 1e8).covariance
    np.testing.assert_allclose(far, near, rtol=1e-12, atol=1e-12)


def test_a_mean_that_is_far_only_after_the_first_batch_costs_no_digits(monkeypatch):
    monkeypatch.setattr("lvmnotes.core.moments.BATCH_SIZE", 1)
    X = np.ones((20_000, 1)) + np.pi
    X[0] = 0
    np.testing.assert_allclose(Moments.from_data(X).covariance, X.var(), rtol=1e-10)


def test_float32_data_are_summed_in_double_precision(X):
    X = np.tile(X, (500, 1)).astype(np.float32)
    exact = np.cov(X.astype(float).T, bias=True)
    np.testing.assert_allclose(Moments.from_data(X).covariance, exact, rtol=1e-12)


def test_weights_are_repetitions(X):
    repeat = np.random.default_rng(2).integers(0, 4, size=60)
    weighted = Moments.from_data(X, sample_weight=repeat)
    repeated = Moments.from_data(np.repeat(X, repeat, axis=0))
    assert weighted.n == repeated.n
    np.testing.assert_allclose(weighted.mean, repeated.mean, rtol=1e-12)
    np.testing.assert_allclose(weighted.scatter, repeated.scatter, rtol=1e-10, atol=1e-12)


def test_a_published_matrix_is_as_good_as_the_data(X):
    X = X - X.mean(axis=0)
    published = Moments.from_covariance(np.cov(X.T, bias=True), n=60)
    np.testing.assert_allclose(published.scatter, Moments.from_data(X).scatter, rtol=1e-10)
    np.testing.assert_array_equal(published.mean, 0)


def assert_same(moments, X):
    """Compare with one pass over all of X, to round-off."""
    whole = Moments.from_data(X)
    assert moments.n == whole.n
    np.testing.assert_allclose(moments.mean, whole.mean, rtol=1e-12)
    np.testing.assert_allclose(moments.scatter, whole.scatter, rtol=1e-12, atol=1e-11)


@needs_dask
class TestFromDask:
    """Blocks of every shape add up to the whole."""

    @pytest.mark.parametrize(
        "chunks",
        [(60, 4), (7, 4), (1, 4), (7, 3), (1, 1), ((10, 0, 50), (1, 3))],
        ids=["one block", "rows", "a row a block", "rows and columns", "numbers", "an empty block"],
    )
    @pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
    def test_any_blocks_add_up_to_the_whole(self, X, chunks, dtype):
        X = X.astype(dtype)
        assert_same(Moments.from_dask(da.from_array(X, chunks=chunks)), X)

    @pytest.mark.parametrize("columns", [4, 3])
    def test_lengths_of_blocks_may_be_unknown(self, X, columns):
        array = da.from_array(X, chunks=(7, columns))
        selected = array[array[:, 0] > np.quantile(X[:, 0], 0.9)]  # leaves some blocks no row
        assert np.isnan(selected.shape[0])
        assert_same(Moments.from_dask(selected), X[X[:, 0] > np.quantile(X[:, 0], 0.9)])

    def test_a_model_of_them_is_the_model_of_the_data(self):
        rng = np.random.default_rng(3)
        X = rng.normal(size=(500, 2)) @ rng.normal(size=(2, 6)) + rng.normal(size=(500, 6))
        whole = FactorAnalysis(2).fit(X)
        summed = FactorAnalysis(2).fit_moments(Moments.from_dask(da.from_array(X, chunks=(64, 3))))
        np.testing.assert_allclose(summed.get_covariance(), whole.get_covariance(), rtol=1e-10)

    def test_one_block_is_held_at_a_time(self):
        alive, most = weakref.WeakSet(), []

        class Block(np.ndarray):
            __hash__ = object.__hash__

        def load(block_info):
            block = np.ones((50, 3)).view(Block)
            alive.add(block)
            most.append(len(alive))
            return block

        array = da.map_blocks(load, chunks=((50,) * 64, (3,)), meta=np.ones((0, 3)))
        with dask.config.set(scheduler="synchronous"):
            assert Moments.from_dask(array).n == 64 * 50
        assert len(most) == 64 and max(most) == 1

    def test_what_is_no_dask_array_is_named(self, X):
        with pytest.raises(TypeError, match="must be a dask array, got ndarray"):
            Moments.from_dask(X)


def test_without_dask_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask", None)
    with pytest.raises(ImportError, match="pip install dask"):
        Moments.from_dask(None)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Moments(0, np.zeros(2), np.eye(2)), "n must be greater than 0"),
        (
            lambda: Moments(3, np.zeros(3), np.eye(2)),
            r"scatter must have shape \(3, 3\), got \(2, 2\)",
        ),
        (lambda: Moments(3, np.zeros(2), [[1, 2], [0, 1]]), "scatter must be symmetric"),
        (lambda: Moments(3, np.zeros(2), [[-1, 0], [0, 1]]), "scatter must have no negative"),
        (lambda: Moments(3, [np.nan, 0], np.eye(2)), "Input mean contains NaN"),
        (lambda: Moments.from_data([[1.0, np.inf]]), "X contains infinity"),
        (lambda: Moments.from_data([1.0, 2.0]), "Expected 2D array"),
        (lambda: Moments.from_data([["a", "b"]]), "X must hold numbers"),
        (
            lambda: Moments.from_data(np.eye(3), sample_weight=[1, 2]),
            "sample_weight must have shape",
        ),
        (lambda: Moments.from_data(np.eye(3), sample_weight=[1, -1, 2]), "weights >= 0"),
        (lambda: Moments.from_data(np.eye(3), sample_weight=[0, 0, 0]), "not all zero"),
        (lambda: Moments.from_batches([]), "at least one batch"),
        pytest.param(
            lambda: Moments.from_dask(da.ones(3)),
            r"\(n_samples, n_features\), got 1-D",
            marks=needs_dask,
        ),
        pytest.param(
            lambda: Moments.from_dask(da.ones((0, 3))), "at least one sample", marks=needs_dask
        ),
        pytest.param(
            lambda: Moments.from_dask(da.ones((4, 3)) * np.inf),
            "X contains infinity",
            marks=needs_dask,
        ),
        (lambda: Moments.from_data(np.eye(3)) + Moments.from_data(np.eye(2)), "same features"),
    ],
)
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


@pytest.mark.parametrize("gap", [0, 1e3, 1e8])
@pytest.mark.parametrize("scale", [1, 1e-280, 1e300])
def test_weighted_moments_are_those_of_the_samples_with_weight(gap, scale):
    """Far samples of weight zero, or of a weight that underflows, cost no digits."""
    rng = np.random.default_rng(0)
    near, far = rng.normal(size=(50, 3)), rng.normal(size=(50, 3)) + gap
    for others in (np.zeros(50), np.full(50, 1e-320)):
        weight = np.concatenate([others, rng.uniform(0.5, 1, size=50) * scale])
        moments = Moments.from_data(np.vstack([near, far]), weight)
        w = weight[50:] / weight[50:].sum()
        deviations = far - w @ far
        assert moments.n == pytest.approx(weight.sum(), rel=1e-12)
        np.testing.assert_allclose(
            moments.covariance, (deviations.T * w) @ deviations, rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("gap", [0, 1e8])
def test_class_moments_of_blocks_add_up(gap, diagonal):
    """In blocks of different lengths, with classes far apart and one without samples."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3)) + gap * np.repeat([0, 1], 45)[:, None]
    R = np.zeros((3, 90))
    R[0, :45], R[1, 45:], R[1, 0] = rng.uniform(size=45), rng.uniform(size=45), 1e-300
    parts = [
        ClassMoments.from_block(
            np.broadcast_to(X[rows].T, (3, *X[rows].T.shape)).copy(), R[:, rows], diagonal=diagonal
        )
        for rows in (slice(0, 7), slice(7, 60), slice(60, 90))
    ]
    moments = parts[0] + parts[1] + parts[2]
    for k, rows in enumerate([slice(0, 45), slice(45, 90)]):
        want = Moments.from_data(X[rows], R[k, rows])
        scatter = np.diag(want.scatter) if diagonal else want.scatter
        assert moments.n[k] == pytest.approx(want.n, rel=1e-12)
        np.testing.assert_allclose(moments.mean[k], want.mean, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(moments.scatter[k], scatter, rtol=1e-6, atol=1e-6)
    assert moments.n[2] == 0 and not moments.mean[2].any() and not moments.scatter[2].any()
    moved = moments.mapped(
        np.ones((3, 3)), 2 * np.ones((3, 3)) if diagonal else 2 * np.eye(3)[None]
    )
    np.testing.assert_allclose(moved.mean, 1 + 2 * moments.mean)
    np.testing.assert_allclose(moved.scatter, 4 * moments.scatter)
