"""Answers as data: what crosses from a submission to the tests, and how an answer is fetched.

The grader fetches answers from another process, a notebook from itself; both do it here, so that
both judge the same thing.
"""

from __future__ import annotations

import base64
import contextlib
import decimal
import numbers
import re
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from .forbidden import forbidding

MEGABYTE = 2**20


class Refused(AssertionError):
    """There is no answer that could be judged; says why, in words for the student."""


def encode(value: Any) -> Any:
    """Return an answer, or an argument, as JSON can write it.

    Parameters
    ----------
    value : object
        Numbers (fractions and decimals, too), strings, arrays, and sequences or dictionaries of
        them. What NumPy can turn into an array, such as a data frame, counts as an array; masked
        entries become NaN.

    Returns
    -------
    object
        What `decode` takes.

    Raises
    ------
    TypeError
        If there is anything else in the value.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.ma.MaskedArray):
        value = np.where(np.ma.getmaskarray(value), np.nan, np.ma.getdata(value))
    elif sparse.issparse(value):
        value = value.toarray()
    if hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.dtype.kind not in "biufc":
            return encode(array.tolist())
        data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        return {"array": [array.dtype.str, array.shape, data]}
    for plain in (str, int, float):  # their subclasses
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, complex):
        return encode(np.array(complex(value)))
    if isinstance(value, (numbers.Rational, numbers.Real, decimal.Decimal)):
        return float(value)
    if isinstance(value, tuple):
        return {"tuple": [encode(item) for item in value]}
    if isinstance(value, Mapping):
        return {"dict": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [encode(item) for item in value]
    kind = type(value).__name__
    raise TypeError(f"an answer consists of numbers, strings and arrays, not of type {kind}")


def decode(data: Any) -> Any:
    """Return what `encode` was given, with plain types in place of other ones.

    Parameters
    ----------
    data : object
        As `encode` returns it.

    Returns
    -------
    object

    Raises
    ------
    ValueError, TypeError
        If `encode` cannot have made the data.
    """
    if isinstance(data, list):
        return [decode(item) for item in data]
    if not isinstance(data, dict):
        return data
    ((kind, content),) = data.items()
    if kind == "tuple":
        return tuple(decode(item) for item in content)
    if kind == "dict":
        return {decode(key): decode(item) for key, item in content}
    dtype, shape, data = content
    if kind != "array" or not re.fullmatch(r"[<>|][biufc]\d{1,2}", dtype):
        raise ValueError("not an answer")
    array = np.frombuffer(base64.b64decode(data, validate=True), dtype).reshape(shape).copy()
    return array if array.ndim else array[()]


def fetch(
    names: Mapping[str, Any],
    name: str,
    arguments: Any,
    calls: Iterable[str] = (),
    megabytes: float | None = None,
) -> Any:
    """Return an answer, encoded: the value under a name, called if it is a function.

    Parameters
    ----------
    names : dict of str to object
        Where the answers are.
    name : str
    arguments : object
        The list of the function's arguments, encoded.
    calls : iterable of str
        What must not be called, as `forbid` takes it.
    megabytes : float, optional
        Memory that the call may use at its peak, in 2**20 bytes.

    Returns
    -------
    object

    Raises
    ------
    Refused
        If there is nothing under the name, the call needs more memory, or returns what is no data.
    Exception
        Whatever the function raises.
    """
    if name not in names:
        raise Refused(f"there is no `{name}`")
    value = names[name]
    with forbidding(calls), _within(megabytes, name):
        if callable(value):
            value = value(*decode(arguments))
        try:
            return encode(value)
        except (TypeError, RecursionError) as error:
            raise Refused(f"`{name}` gives no answer: {error}") from None


@contextlib.contextmanager
def _within(megabytes: float | None, name: str) -> Iterator[None]:
    """Raise `Refused` if more memory than this was in use at a time."""
    if megabytes is None:
        yield
        return
    tracemalloc.stop()
    tracemalloc.start()
    try:
        yield
        # A call that ends the tracing has no peak to show.
        peak = tracemalloc.get_traced_memory()[1] if tracemalloc.is_tracing() else float("inf")
    finally:
        tracemalloc.stop()
    if peak > megabytes * MEGABYTE:
        raise Refused(too_much(name, peak / MEGABYTE, megabytes))


def too_much(name: str, peak: float, megabytes: float) -> str:
    """Return what is said of a call that needed too much memory; both are in 2**20 bytes."""
    return f"`{name}` needs {peak:.3g} MB of memory at its peak; {megabytes:g} MB are enough"
