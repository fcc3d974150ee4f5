"""Data in blocks: the same fits as in memory, whatever holds the blocks, and in little memory."""

import subprocess
import sys
import warnings
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvmnotes import (
    PCA,
    PLS,
    PPCA,
    SFA,
    BayesianPCA,
    FactorAnalysis,
    GaussianMixture,
    HiddenMarkovModel,
    LatentClassModel,
    LatentDirichletAllocation,
    MixturePPCA,
    SparseCoding,
)
from lvmnotes.core.blocks import Blocks, as_blocks, comes_in_blocks, cut_before, tree_sum

RNG = np.random.default_rng(0)
N, LENGTHS = 600, [50] * 12
TIME = np.arange(N)
SIGNALS = np.column_stack([np.sin(TIME / 50), np.cos(TIME / 7), RNG.normal(size=N)])
X = SIGNALS @ RNG.normal(size=(3, 5)) + 0.3 * RNG.normal(size=(N, 5)) + 3
X[::3] += 4
TARGETS = X @ RNG.normal(size=(5, 2)) + RNG.normal(size=(N, 2))
INCOMPLETE = np.where(RNG.random(X.shape) < 0.2, np.nan, X)
INCOMPLETE[7] = np.nan
ANSWERS = np.where(np.isnan(INCOMPLETE), np.nan, X > X.mean(axis=0)).astype(float)
COUNTS = RNG.poisson(1.0, size=X.shape).astype(float)
WEIGHTS = np.where(TIME % 7 == 3, 0.0, RNG.uniform(0.1, 2, N))
STEPS = {"tol": 0, "max_iter": 5, "random_state": 0}

#: By name: the model, the arrays it is fitted to, and what describes all of them.
FITS = {
    "PCA": (PCA(2), [X], {}),
    "PPCA": (PPCA(2), [X], {}),
    "PPCA, missing entries": (PPCA(2, "em", **STEPS), [INCOMPLETE], {}),
    "Bayesian PCA": (BayesianPCA(2), [X], {}),
    "factor analysis": (FactorAnalysis(1), [X], {}),
    "factor analysis, missing entries": (
        FactorAnalysis(2, "em", n_init=1, **STEPS),
        [INCOMPLETE],
        {},
    ),
    "Gaussian mixture": (GaussianMixture(3, **STEPS), [X], {}),
    "Gaussian mixture, diagonal": (GaussianMixture(3, "diag", **STEPS), [X], {}),
    "mixture of PPCA": (MixturePPCA(3, 2, **STEPS), [X], {}),
    "latent classes": (LatentClassModel(3, n_init=2, **STEPS), [ANSWERS], {}),
    "LDA": (LatentDirichletAllocation(3, **STEPS), [COUNTS], {}),
    "PLS": (PLS(3), [X, TARGETS], {}),
    "PLS, one target, not scaled": (PLS(3, scale=False), [X, TARGETS[:, 0]], {}),
    "SFA": (SFA(3), [X], {}),
    "SFA, several series": (SFA(3), [X], {"lengths": [150, 1, 449]}),
    "sparse coding": (SparseCoding(8, 0.5, **STEPS), [X], {}),
    "HMM": (HiddenMarkovModel(3, **STEPS), [X], {"lengths": LENGTHS}),
    "HMM, categories": (
        HiddenMarkovModel(3, "categorical", **STEPS),
        [COUNTS[:, :1]],
        {"lengths": LENGTHS},
    ),
    "HMM, counts": (
        HiddenMarkovModel(3, "poisson", stationary=True, **STEPS),
        [COUNTS[:, :1]],
        {"lengths": LENGTHS},
    ),
}
WEIGHTED = {
    "PCA",
    "PPCA",
    "PPCA, missing entries",
    "Bayesian PCA",
    "factor analysis",
    "factor analysis, missing entries",
    "Gaussian mixture",
    "mixture of PPCA",
    "latent classes",
}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Again:
    """An iterable that can be read again, of blocks that are made anew each time."""

    def __init__(self, array, ends):
        self.array, self.ends = array, ends

    def __iter__(self):
        return (block.copy() for block in np.split(self.array, self.ends))


class Growing:
    """Blocks of which there are more each time."""

    def __init__(self):
        self.blocks = []

    def __iter__(self):
        self.blocks.append(X)
        return iter(self.blocks)


class Shrinking:
    """Blocks of which there are fewer after some readings."""

    left = 9

    def __iter__(self):
        self.left -= 1
        return iter([X, X] if self.left > 0 else [X])


class Once:
    """Gives the same iterator each time."""

    def __init__(self):
        self.blocks = iter([X, X, X])

    def __iter__(self):
        return self.blocks


class Reader:
    """Goes on where it stopped, as readers of files do."""

    row = 0

    def __iter__(self):
        while self.row < len(X):
            self.row += 200
            yield X[self.row - 200 : self.row]


class Pairs:
    """Gives data and labels, as loaders of data do."""

    def __iter__(self):
        return iter([(X, TARGETS), (X, TARGETS)])


def learned(model):
    """Return the attributes that a fit has set, and those of the models inside."""
    found = {}
    for name, value in vars(model).items():
        if name == "models_":
            for k, part in enumerate(value):
                found |= {f"{name}[{k}].{key}": entry for key, entry in learned(part).items()}
        elif name.endswith("_") and isinstance(value, float | int | np.ndarray):
            found[name] = np.asarray(value, dtype=float)
    return found


def assert_same(model, wanted, rtol=1e-10):
    """Assert that all that has been learned agrees, relative to the largest entry of each."""
    got, want = learned(model), learned(wanted)
    assert set(got) == set(want) and want
    for name, value in want.items():
        largest = np.abs(value).max()
        np.testing.assert_allclose(
            got[name], value, rtol=0, atol=rtol * largest + 1e-300, err_msg=name
        )


def in_memory(name, **options):
    model, arrays, others = FITS[name]
    return clone_of(model).fit(*arrays, **others, **options)


def clone_of(model):
    return type(model)(**model.get_params())


@pytest.mark.parametrize("ends", [[100, 100, 250], [], range(50, 600, 50)], ids=str)
@pytest.mark.parametrize("name", FITS)
def test_an_iterable_of_blocks_is_fitted_as_in_memory(name, ends):
    """One of them without rows."""
    model, arrays, others = FITS[name]
    blocks = [Again(array, list(ends)) for array in arrays]
    assert_same(clone_of(model).fit(*blocks, **others), in_memory(name))


@pytest.mark.parametrize("name", FITS)
def test_a_dask_array_is_fitted_as_in_memory(name):
    """The columns are split, too."""
    da = pytest.importorskip("dask.array")
    model, arrays, others = FITS[name]
    blocks = [da.from_array(V, chunks=((100, 0, 200, 300), *[3] * (V.ndim - 1))) for V in arrays]
    assert_same(clone_of(model).fit(*blocks, **others), in_memory(name))


@pytest.mark.parametrize("name", sorted(WEIGHTED))
def test_samples_in_blocks_have_weights(name):
    da = pytest.importorskip("dask.array")
    model, (array,), _ = FITS[name]
    want = in_memory(name, sample_weight=WEIGHTS)
    lists = np.split(array, [5, 200]), np.split(WEIGHTS, [5, 200])
    assert_same(clone_of(model).fit(lists[0], sample_weight=lists[1]), want)
    array = da.from_array(array, chunks=(70, 5))
    assert_same(clone_of(model).fit(array, sample_weight=WEIGHTS), want)
    assert_same(clone_of(model).fit(array, sample_weight=da.from_array(WEIGHTS)), want)


def test_the_lengths_of_blocks_may_be_unknown():
    da = pytest.importorskip("dask.array")
    array = da.from_array(X, chunks=(70, 5))
    selected = array[array[:, 0] > np.quantile(X[:, 0], 0.5)]
    assert np.isnan(selected.shape[0])
    want = GaussianMixture(2, **STEPS).fit(X[X[:, 0] > np.quantile(X[:, 0], 0.5)])
    assert_same(GaussianMixture(2, **STEPS).fit(selected), want)


def test_starting_values_are_those_of_a_sample_over_all_blocks():
    """There are more rows than starting values are sought on, and the first block is special."""
    noise = np.random.default_rng(1).normal(size=(5000, 2))
    rows = noise + np.repeat([[0], [9]], 2500, axis=0)
    model = GaussianMixture(2, **STEPS).fit(np.split(rows, [1000, 1001, 4000]))
    assert_same(model, GaussianMixture(2, **STEPS).fit(rows))


def test_batches_of_sparse_coding_come_in_blocks():
    model, want = SparseCoding(8, 0.5, random_state=0), SparseCoding(8, 0.5, random_state=0)
    for batch in np.split(X, 3):
        model.partial_fit(np.split(batch, [3, 150]))
        want.partial_fit(batch)
    assert_same(model, want)
    with pytest.raises(ValueError, match="X must have 5 features in each block; one has 4"):
        model.partial_fit([X[:, :4]])


@given(n=st.integers(0, 70))
def test_a_tree_adds_neighbours_in_pairs(n):
    """Level by level: each sum is of two that follow each other, and the depth is log2 n."""

    def pair(a, b):
        assert a[-1] == b[0]
        return (a[0], 1 + max(a[1], b[1]), b[-1])

    level = [(i, 0, i + 1) for i in range(n)]
    wanted = list(level)
    while len(wanted) > 1:
        wanted = [
            pair(*wanted[i : i + 2]) if i + 1 < len(wanted) else wanted[i]
            for i in range(0, len(wanted), 2)
        ]
    assert tree_sum(iter(level), pair) == (wanted[0] if n else None)


def test_few_sums_are_held_at_a_time():
    alive, most = 0, 0

    class Part:
        def __init__(self):
            nonlocal alive, most
            alive += 1
            most = max(most, alive)

        def __add__(self, other):
            return Part()

        def __del__(self):
            nonlocal alive
            alive -= 1

    tree_sum(Part() for _ in range(1024))
    assert most <= 13


@given(index=st.lists(st.integers(0, 19), min_size=1))
def test_rows_come_in_the_order_asked_for(index):
    array = np.arange(40).reshape(20, 2)
    blocks = Blocks([(part,) for part in np.split(array, [3, 3, 15])])
    np.testing.assert_array_equal(blocks.rows(np.array(index))[0], array[index])


def test_what_comes_in_blocks(tmp_path):
    da = pytest.importorskip("dask.array")
    for blocks in ([X, X], (X,), Again(X, [9]), da.ones((3, 2)), (X for _ in range(2))):
        assert comes_in_blocks(blocks)
    small = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", shape=(10, 2))
    for array in (X, X.tolist(), [[1.0]], [], X[0], "text", {}, {1}, 3, None, small, [X[0], X[1]]):
        assert not comes_in_blocks(array)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: GaussianMixture().fit(X for _ in range(3)), TypeError, "X can be read once only"),
        (lambda: SFA().fit(iter([X])), TypeError, "pass a list of arrays, or an object whose"),
        (
            lambda: PCA().fit([X], sample_weight=(w for w in [WEIGHTS])),
            TypeError,
            "sample_weight can be read once only",
        ),
        (
            lambda: PCA().fit([X], sample_weight=WEIGHTS),
            TypeError,
            "sample_weight must come in blocks as X does",
        ),
        (lambda: GaussianMixture().fit(Again(X[0], [1])), ValueError, "first block is 1-D"),
        (lambda: PLS().fit([X], [TARGETS[:9]]), ValueError, "inconsistent numbers of samples"),
        (lambda: PLS().fit([X[:1]], [TARGETS[:1]]), ValueError, "X must hold at least 2 samples"),
        (
            lambda: PLS().fit([X, X], [TARGETS]),
            ValueError,
            "X and Y must have the same number of blocks",
        ),
        (lambda: SFA().fit(Growing()), ValueError, "X must give the same blocks each time"),
        (
            lambda: GaussianMixture().fit([X, X[:, :4]]),
            ValueError,
            "X must have 5 features in each",
        ),
        (lambda: GaussianMixture().fit([X, X * np.nan]), ValueError, "X contains NaN"),
        (
            lambda: GaussianMixture().fit([X[:1], X[:0]]),
            ValueError,
            "X must hold at least 2 samples",
        ),
        (lambda: PCA().fit([X[:0]]), ValueError, "X must hold at least 2 samples"),
        (lambda: GaussianMixture().fit([X[:0]] * 2), ValueError, "X must hold at least 2 samples"),
        (lambda: PCA(5).fit([X[:1], X[1:3]]), ValueError, "n_components must be between 1 and 3"),
        (lambda: PCA().fit(Reader()), TypeError, "X can be read once only"),
        (lambda: PPCA().fit(Once()), TypeError, "X can be read once only"),
        (lambda: GaussianMixture(2).fit(Shrinking()), ValueError, "X must give the same blocks"),
        (
            lambda: GaussianMixture().fit([X, X], sample_weight=[WEIGHTS, None]),
            TypeError,
            "sample_weight must be an array for each block",
        ),
        (
            lambda: PLS(1).fit([X, X], [TARGETS, TARGETS[:, :1]]),
            ValueError,
            "Y must have the same targets in each block",
        ),
        (lambda: PLS(1).fit([X, X], None), ValueError, "Y: PLS requires y to be passed"),
        (lambda: PCA().fit([X, None]), ValueError, "X: Expected 2D array"),
        (lambda: PCA().fit(Pairs()), ValueError, "X must be an array, or an iterable of arrays"),
        (lambda: PCA(1).fit(X).transform([X, X]), TypeError, "X must be an array here"),
        (lambda: PCA().fit([X, INCOMPLETE]), ValueError, "X contains NaN"),
        (
            lambda: PCA().fit([X[:2]], sample_weight=[[1, -1]]),
            ValueError,
            "sample_weight must hold weights >= 0",
        ),
        (lambda: LatentClassModel().fit([ANSWERS, X]), ValueError, "X must hold answers 0 and 1"),
        (
            lambda: HiddenMarkovModel().fit([X[:50], X[50:]], [100, 500]),
            ValueError,
            "lengths must let no sequence go on from one block",
        ),
        (lambda: HiddenMarkovModel().fit([X, X]), ValueError, "lengths must let no sequence go"),
        (lambda: SFA().fit([X, X], lengths=[9]), ValueError, "lengths must be whole numbers"),
        (
            lambda: LatentDirichletAllocation(method="gibbs").fit([COUNTS]),
            ValueError,
            'X must be in memory, not in blocks, for method="gibbs"',
        ),
        (lambda: LatentDirichletAllocation().fit([0 * COUNTS]), ValueError, "at least one word"),
    ],
)
def test_what_cannot_be_fitted_in_blocks_is_named(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.parametrize(
    ("model", "other", "kind", "message"),
    [
        (GaussianMixture(2), 1.0, TypeError, "sample_weight must be an array with an entry"),
        (GaussianMixture(2), np.ones(9), ValueError, "sample_weight must have an entry for each"),
        (GaussianMixture(2), np.ma.masked_less(WEIGHTS, 1), TypeError, "sample_weight is a masked"),
        (PLS(1), np.ma.masked_less(TARGETS, 1), TypeError, "Y is a masked array"),
        (PLS(1), np.split(TARGETS, [9]), TypeError, "Y must be an array with an entry for each"),
    ],
)
def test_what_rows_of_a_dask_array_have_is_checked(model, other, kind, message):
    da = pytest.importorskip("dask.array")
    array = da.from_array(X, chunks=(100, 5))
    name = "Y" if isinstance(model, PLS) else "sample_weight"
    with pytest.raises(kind, match=message):
        model.fit(array, **{name: other})
    if np.ma.isMaskedArray(other) and other.ndim == 1:
        with pytest.raises(TypeError, match=message):
            model.fit([X], sample_weight=other)
    with pytest.raises(ValueError, match=f"unknown lengths, into which {name} cannot be cut"):
        model.fit(array[array[:, 0] > 0], **{name: X[:, 0]})


def test_a_file_is_cut_between_sequences(tmp_path, monkeypatch):
    monkeypatch.setattr("lvmnotes.core.blocks.MAP_SIZE", 500)  # numbers, so 100 rows
    file = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", shape=X.shape)
    file[:] = X
    assert comes_in_blocks(file)
    lengths = [70, 130, 30, 270, 100]
    model = HiddenMarkovModel(2, **STEPS).fit(file, lengths)
    assert_same(model, HiddenMarkovModel(2, **STEPS).fit(X, lengths))
    cuts = cut_before(file, np.r_[0, np.cumsum(lengths)[:-1]])
    assert [len(block) for block in cuts] == [200, 300, 100]
    assert_same(HiddenMarkovModel(2, **STEPS).fit(file), HiddenMarkovModel(2, **STEPS).fit(X))
    model = LatentDirichletAllocation(2, method="gibbs", n_sweeps=2, random_state=0)
    file[:] = COUNTS
    assert model.fit(file).topics_.shape == (2, 5)


def test_rows_in_a_sequence_of_another_kind_are_an_array():
    rows = deque([[1.0, 2.0], [3.0, 4.0], [5.0, 9.0]])
    assert_same(PCA(1).fit(rows), PCA(1).fit(list(rows)))


def test_single_precision_is_no_reason_for_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        GaussianMixture(2, random_state=0).fit([X.astype(np.float32)])


def test_steps_are_taken_once_in_memory_and_at_each_sum_elsewhere():
    taken = []
    for blocks, times in ((as_blocks(X), 1), (Blocks([(X,), (X,)]), 4)):
        taken.clear()
        blocks = blocks.map(lambda X: taken.append(len(X)) or (X,))
        assert blocks.total(len) == blocks.total(len) == len(X) * (2 if times == 4 else 1)
        assert taken == [len(X)] * times


#: A process with room for less than half of a file fits models to it, read in blocks.
IN_LITTLE_MEMORY = """
import resource, sys, warnings
import numpy as np
import lvmnotes
from lvmnotes import *

X, incomplete, small = (np.load(name, mmap_mode="r") for name in sys.argv[1:])
steps = {"tol": 0, "max_iter": 1, "random_state": 0}
fits = [
    (PCA(2), [X], {}),
    (FactorAnalysis(2, n_init=1), [X], {}),
    (FactorAnalysis(2, "em", n_init=1, **steps), [incomplete], {}),
    (PPCA(2, "em", **steps), [incomplete], {}),
    (GaussianMixture(2, **steps), [X], {}),
    (MixturePPCA(2, **steps), [X], {}),
    (SFA(2), [X], {}),
    (PLS(2), [X, X[:, :2]], {}),
    (SparseCoding(2, 4.0, **steps), [X], {}),
    (HiddenMarkovModel(2, **steps), [X], {"lengths": [512] * (len(X) // 512)}),
    (LatentClassModel(2, n_init=1, **steps), [small], {}),
    (LatentDirichletAllocation(2, **steps), [small], {}),
]
warnings.simplefilter("ignore")
for model, data, others in fits:  # what is imported and set up in a first fit is no data
    others = {"lengths": [512]} if others else {}
    model.fit(*(np.array(array[:512]) for array in data), **others)
status = open("/proc/self/status").read()
used = 1024 * int(status.split("VmData:")[1].split()[0])
resource.setrlimit(resource.RLIMIT_DATA, [used + X.nbytes // 2] * 2)
for array in (X, incomplete, small):
    try:
        np.array(array, dtype=float)
    except MemoryError:
        print("no copy")
for model, data, others in fits:
    model.fit(*data, **others)
    values = [value for name, value in vars(model).items() if isinstance(value, np.ndarray)]
    assert values and all(np.isfinite(value).all() for value in values)
    print(type(model).__name__, flush=True)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is that of Linux")
def test_a_file_that_does_not_fit_in_memory_is_fitted(tmp_path):
    """The limit is on the data segment, which does not count the file's own pages."""
    N, D, size = 2**19, 32, 2**15
    rng = np.random.default_rng(0)
    files = {"X": float, "incomplete": float, "small": np.int8}
    arrays = {
        name: np.lib.format.open_memmap(tmp_path / f"{name}.npy", "w+", dtype, (N, D))
        for name, dtype in files.items()
    }
    mixing = rng.normal(size=(3, D))
    for start in range(0, N, size):
        block = rng.normal(size=(size, 3)) @ mixing + rng.normal(size=(size, D))
        arrays["X"][start : start + size] = arrays["incomplete"][start : start + size] = block
        arrays["incomplete"][start : start + size : 5, 0] = np.nan
        arrays["small"][start : start + size] = block > 0
    for array in arrays.values():
        array.flush()
    child = subprocess.run(
        [sys.executable, "-c", IN_LITTLE_MEMORY, *(tmp_path / f"{name}.npy" for name in files)],
        capture_output=True,
        text=True,
    )
    assert child.returncode == 0, child.stderr
    *refused, last = child.stdout.split("PCA", 1)
    assert refused == ["no copy\n" * 3]
    assert len(last.split()) == 12 - 1


def test_two_rows_are_enough_for_partial_least_squares():
    fit = PLS(1).fit([X[:2]], [TARGETS[:2]])
    np.testing.assert_allclose(fit.predict(X[:2]), TARGETS[:2], atol=1e-9)
