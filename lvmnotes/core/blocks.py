"""Data in blocks of rows that do not have to fit in memory together, and sums over the blocks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial, reduce
from itertools import zip_longest
from typing import Any, TypeVar

import numpy as np

Part = TypeVar("Part")

#: Numbers in a block of a memory-mapped file.
MAP_SIZE = 2**20
CHANGED = "X must give the same blocks each time"


def add(a: Any, b: Any) -> Any:
    """Sum of two parts of a sum: tuples entry by entry, lists end to end, None where nothing is.

    Parameters
    ----------
    a, b
        Of the same kind; `a` comes first.

    Returns
    -------
    The sum
    """
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, tuple):
        sums = map(add, a, b)
        return type(a)(*sums) if hasattr(a, "_fields") else tuple(sums)
    return a + b


def tree_sum(parts: Iterable[Part], add: Callable[[Part, Part], Part] = add) -> Part | None:
    """Add the parts in pairs, then the sums in pairs, until one sum remains.

    In this order the bound on the round-off grows with the logarithm of the number of parts only
    (Higham 1993), parts on different machines can be added where they are, and the sum does not
    depend on which is ready first. At most one sum of 1, 2, 4, 8, ... parts each is held. It is the
    sum over blocks of equation (eq-big-sum) of the page *When the data outgrow the machine*.

    Parameters
    ----------
    parts : iterable
    add : callable
        The sum of two parts that follow each other.

    Returns
    -------
    The sum, or None of no parts
    """
    held: list[tuple[int, Part]] = []
    for part in parts:
        size = 1
        while held and held[-1][0] == size:
            part, size = add(held.pop()[1], part), 2 * size
        held.append((size, part))
    sums = [part for _, part in reversed(held)]
    return reduce(lambda after, before: add(before, after), sums) if sums else None


class Blocks:
    """Rows of data in blocks, of which only sums are taken.

    A block is a tuple of values with an entry per row, such as samples and their weights. Blocks
    are read anew for each sum; subclasses are for data in memory, which are one block, and for the
    blocks of a dask array.

    Parameters
    ----------
    source : iterable of tuple
        Each time it is iterated, it gives the blocks again.
    steps : tuple of callable
        Each maps the parts of a block, as arguments, to those of another, when it has been read.
    min_rows : int, default 1
        Least number of rows of all blocks.
    """

    def __init__(
        self, source: Iterable[tuple], steps: tuple[Callable, ...] = (), min_rows: int = 1
    ):
        self.source, self.steps, self.min_rows = source, steps, min_rows
        #: Number of rows of each block when all were read first; the same list after `map`.
        self.first_read: list[tuple[int, ...]] = []

    def map(self, step: Callable) -> Blocks:
        """Blocks after one more step.

        Parameters
        ----------
        step : callable

        Returns
        -------
        Blocks
        """
        mapped = type(self)(self.source, (*self.steps, step), self.min_rows)
        mapped.first_read = self.first_read
        return mapped

    def total(self, part: Callable[..., Part], *columns: Sequence) -> Any:
        """Sum over the blocks that have rows.

        Parameters
        ----------
        part : callable
            Maps the parts of a block, as arguments, to what is added up, by `add`.
        *columns : sequence
            Further arguments, of which each block has one, such as `split` makes.

        Returns
        -------
        The sum
        """
        total = self._sum(partial(_run, self.steps, part, None), columns)
        return self._check_rows(0) if total is None else total

    @cached_property
    def lengths(self) -> np.ndarray:
        """Number of rows of each block, found in a pass over the data."""
        lengths = self._sum(partial(_run, self.steps, _length, [0]), ()) or [0]
        self._check_rows(sum(lengths))
        return np.array(lengths)

    def _check_rows(self, n_rows: int) -> None:
        if n_rows < self.min_rows:
            some = "one sample" if self.min_rows == 1 else f"{self.min_rows} samples"
            raise ValueError(f"X must hold at least {some} of positive weight, got {n_rows}")

    @property
    def n_rows(self) -> int:
        """Number of rows of all blocks."""
        return int(self.lengths.sum())

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """Parts, for the blocks, of an array with an entry for each row of the data.

        Parameters
        ----------
        values : ndarray of shape (n_rows, ...)

        Returns
        -------
        list of ndarray
        """
        return np.split(values, self.lengths.cumsum()[:-1])

    def rows(self, index: np.ndarray) -> tuple:
        """Collect some rows, in one block.

        Parameters
        ----------
        index : ndarray of int, shape (n,)
            Numbers of rows; one may occur several times.

        Returns
        -------
        tuple of ndarray
        """
        wanted, where = np.unique(index, return_inverse=True)
        ends = self.lengths.cumsum()
        pieces = np.split(wanted, np.searchsorted(wanted, ends[:-1]))
        within = [piece - start for piece, start in zip(pieces, ends - self.lengths, strict=True)]
        found = self.total(_pick, within)
        return tuple(None if part[0] is None else np.concatenate(part)[where] for part in found)

    def _sum(self, run: Callable, columns: Sequence[Sequence]) -> Any:
        before, now = self.first_read, []

        def parts() -> Iterator:
            for block, *column in _side_by_side(CHANGED, self.source, *columns):
                now.append(np.shape(block[0])[:1])
                if before and (len(now) > len(before) or now[-1] != before[len(now) - 1]):
                    raise ValueError(CHANGED)
                yield run(block, *column)

        total = tree_sum(parts())
        if before and len(before) != len(now):
            raise ValueError(CHANGED)
        before[:] = now
        return total


class HeldBlocks(Blocks):
    """Data in memory, as they are passed to `fit`: one block, on which steps are taken at once.

    Parameters
    ----------
    *arrays : array
    """

    def __init__(self, *arrays: Any):
        super().__init__([arrays])
        self.arrays = arrays

    def map(self, step: Callable) -> HeldBlocks:
        """Take the step at once."""
        return HeldBlocks(*_as_tuple(step(*self.arrays)))

    def _sum(self, run: Callable, columns: Sequence[Sequence]) -> Any:
        return run(self.arrays, *(column[0] for column in columns))


class DaskBlocks(Blocks):
    """Blocks of dask arrays, which stay where they are: only parts of sums move."""

    def _sum(self, run: Callable, columns: Sequence[Sequence]) -> Any:
        import dask

        # As data of the graph the function, with the parameters in it, is sent once to a worker.
        run, call = dask.delayed(run, traverse=False), dask.delayed(_call)
        blocks = zip(self.source, *columns, strict=True)
        total = tree_sum((call(run, *block) for block in blocks), dask.delayed(add))
        return None if total is None else total.compute()


@dataclass(frozen=True)
class Range:
    """Smallest and largest value of each column."""

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, *_) -> Range:
        """Range of a block of data (n_samples, n_features)."""
        return cls(X.min(axis=0), X.max(axis=0))

    def __add__(self, other: Range) -> Range:
        """Range of both blocks together."""
        return Range(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def as_blocks(X: Any, *others: Any) -> Blocks:
    """Blocks as they are; arrays in memory as one block.

    Parameters
    ----------
    X : Blocks, or array
    *others : array
        With an entry for each row of `X`, or None.

    Returns
    -------
    Blocks
    """
    return X if isinstance(X, Blocks) else HeldBlocks(X, *others)


def is_dask(X: Any) -> bool:
    """Whether this is a dask array; dask need not be installed."""
    dask = sys.modules.get("dask.array")
    return dask is not None and isinstance(X, dask.Array)


def comes_in_blocks(X: Any) -> bool:
    """Whether data come in blocks: a dask array, an iterable of arrays, or a long file.

    That is a memory-mapped file of more numbers than a block and of more rows than columns.

    Parameters
    ----------
    X
        What `fit` has been given.

    Returns
    -------
    bool
        False for anything else, whether valid or not.
    """
    if is_dask(X):
        return True
    if isinstance(X, np.memmap):
        return X.ndim == 2 and X.size > MAP_SIZE and len(X) > X.shape[1]
    if isinstance(X, Sequence):
        ndim = getattr(X[0], "ndim", 0) if len(X) else 0
        return isinstance(ndim, int) and ndim == 2
    known = ("__array__", "shape", "__dataframe__", "keys")
    return (
        isinstance(X, Iterable)
        and not isinstance(X, str | bytes | set)
        and not any(hasattr(X, name) for name in known)
    )


def blocks_of(X: Any, **others: Any) -> tuple[Blocks, int]:
    """Read nothing yet of data that come in blocks, and say how many columns there are.

    Parameters
    ----------
    X : dask array, memory-mapped array, or iterable of array_like, of shape (any, n_features)
    **others : of the same kind as X, or None
        What else each row has, such as weights, by name.

    Returns
    -------
    blocks : Blocks
        Of tuples of what is given.
    n_features : int
    """
    others = {name: value for name, value in others.items() if value is not None}
    if is_dask(X):
        return _of_dask(X, others)
    if isinstance(X, np.memmap):
        return _of_array(X, others)
    first = next(iter(X), None)
    if first is None:
        raise ValueError("X must hold at least one block of samples, got none")
    for name, source in {"X": X, **others}.items():
        in_blocks = comes_in_blocks(source) or isinstance(source, list | tuple)
        if name != "X" and (is_dask(source) or not in_blocks):
            raise TypeError(f"{name} must come in blocks as X does: an iterable of arrays")
        again = iter(source) is not iter(source)
        if not again or not _equal(next(iter(source)), next(iter(source), None)):
            raise TypeError(
                f"{name} can be read once only ({type(source).__name__}), but a fit reads it "
                "several times; pass a list of arrays, or an object whose __iter__ starts again"
            )
    n_axes = 1 if isinstance(first, tuple) else np.ndim(first)  # (X, y), say, is no block
    if n_axes != 2:
        raise ValueError(
            "X must be an array, or an iterable of arrays, of shape (n_samples, n_features); "
            f"the first block is {n_axes}-D"
        )
    return Blocks(_Together({"X": X, **others})), np.shape(first)[1]


def _equal(a: Any, b: Any) -> bool:
    """Whether the first block is the same when it is read again."""
    if a is b or type(a) is not type(b) or isinstance(a, tuple):
        return type(a) is type(b)
    if np.shape(a) != np.shape(b):
        return False
    a, b = np.asarray(a), np.asarray(b)
    return bool(((a == b) | ((a != a) & (b != b))).all())


def cut_before(X: np.ndarray, rows: np.ndarray) -> list[np.ndarray]:
    """Cut a long array into blocks that begin at some of the given rows, the first among them.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    rows : ndarray of int, shape (n,)
        Ascending, from 0.

    Returns
    -------
    list of ndarray
        Of `MAP_SIZE` numbers or more, but for the last one.
    """
    size, cuts = _rows_per_block(X), [0]
    for row in rows:
        if row - cuts[-1] >= size:
            cuts.append(int(row))
    return np.split(X, cuts[1:])


def _rows_per_block(X: np.ndarray) -> int:
    return max(1, MAP_SIZE // max(X.shape[1], 1))


class _Together:
    """Several iterables, of which each iteration starts again."""

    def __init__(self, sources: dict[str, Iterable]):
        self.sources = sources

    def __iter__(self) -> Iterator[tuple]:
        error = f"{' and '.join(self.sources)} must have the same number of blocks"
        return _side_by_side(error, *self.sources.values())


def _side_by_side(error: str, *sources: Iterable) -> Iterator[tuple]:
    """Items of several iterables together; an error if one ends before the others."""
    ended = object()
    for items in zip_longest(*sources, fillvalue=ended):
        if any(item is ended for item in items):
            raise ValueError(error)
        yield items


def _of_array(X: np.ndarray, others: dict[str, Any]) -> tuple[Blocks, int]:
    """Slices of an array that is not read as a whole."""
    size = _rows_per_block(X)
    columns = [X]
    for name, value in others.items():
        columns.append(_per_row(value, name))
        if len(columns[-1]) != len(X):
            raise ValueError(f"{name} must have an entry for each of the {len(X)} rows of X")
    slices = [slice(start, start + size) for start in range(0, len(X), size)]
    return Blocks([tuple(column[rows] for column in columns) for rows in slices]), X.shape[1]


def _of_dask(X: Any, others: dict[str, Any]) -> tuple[Blocks, int]:
    """Blocks of whole rows; what is no dask array is cut as X is."""
    import dask.array

    if X.ndim != 2:
        raise ValueError(f"X must have shape (n_samples, n_features), got {X.ndim}-D")
    X = X.rechunk({1: -1})
    columns = [X.to_delayed().ravel()]
    for name, value in others.items():
        if not is_dask(value):
            value = dask.array.from_array(_per_row(value, name))
            if np.isnan(X.shape[0]):
                raise ValueError(
                    f"X has blocks of unknown lengths, into which {name} cannot be cut; call "
                    f"X.compute_chunk_sizes() first, or give {name} as a dask array, too"
                )
        if not np.isnan(X.shape[0]) and not np.isnan(value.shape[0]):
            if value.shape[0] != X.shape[0]:
                raise ValueError(f"{name} must have an entry for each of the {len(X)} rows of X")
            value = value.rechunk({0: X.chunks[0], **dict.fromkeys(range(1, value.ndim), -1)})
        columns.append(value.to_delayed().ravel())
        if len(columns[-1]) != len(columns[0]):
            raise ValueError(f"{name} must have as many blocks as X, {len(columns[0])}")
    return DaskBlocks(list(zip(*columns, strict=True))), X.shape[1]


def _per_row(value: Any, name: str) -> np.ndarray:
    """Return what each row has as an array, or raise."""
    try:
        array = np.asanyarray(value)
    except ValueError:  # rows of different lengths
        array = np.empty(())
    if not array.ndim:
        raise TypeError(f"{name} must be an array with an entry for each row of X")
    return array


def _as_tuple(block: Any) -> tuple:
    return block if isinstance(block, tuple) else (block,)


def _run(
    steps: tuple[Callable, ...], part: Callable, empty: Any, block: tuple, *column: Any
) -> Any:
    """Part of a sum of a block, after all steps; or what stands for a block without rows."""
    for step in steps:
        if np.shape(block[0])[:1] == (0,):
            return empty
        block = _as_tuple(step(*block))
    return part(*block, *column) if len(block[0]) else empty


def _call(run: Callable, block: tuple, *column: Any) -> Any:
    return run(block, *column)


def _length(first: Any, *_: Any) -> list[int]:
    return [len(first)]


def _pick(*block: Any) -> tuple[list, ...] | None:
    """Take some rows of a block, whose numbers come last, as lists of one array each."""
    *parts, within = block
    if not len(within):
        return None
    return tuple([None if part is None else part[within]] for part in parts)
