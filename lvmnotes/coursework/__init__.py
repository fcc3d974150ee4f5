"""Functions for the tests of a problem set: ask for an answer, and say what is wrong with it.

In a student's notebook an answer is the object with a given name. When a teacher grades, the tests
run in a process that the submission cannot reach, and `ask` fetches the answers from the process
of the submission; see the page *For teachers*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.validation import check_real
from .answers import Refused, decode, encode, fetch
from .forbidden import rule

#: By the name of an answer, the calls that `forbid` has forbidden to it.
rules: dict[str, list[str]] = {}


def in_this_notebook(name: str, arguments: tuple, megabytes: float | None = None) -> Any:
    """Return the value of `name` in the running notebook; if it is a function, call it.

    Parameters
    ----------
    name : str
    arguments : tuple
    megabytes : float, optional

    Returns
    -------
    object
    """
    import __main__

    names = vars(__main__)
    if name not in names:
        raise Refused(f"there is no `{name}` yet: run the cell that defines it")
    return decode(fetch(names, name, encode(list(arguments)), rules.get(name, ()), megabytes))


#: The function from which `ask` gets its answers; the grader replaces it.
source: Callable[[str, tuple, float | None], Any] = in_this_notebook


def ask(name: str, *arguments, megabytes: float | None = None) -> Any:
    """Return a student's answer.

    Parameters
    ----------
    name : str
        A variable, or a function to call.
    *arguments
        Arguments of the function: numbers, strings, arrays, and lists, tuples or dictionaries of
        them. The function receives copies.
    megabytes : float, optional
        Memory that the function may use at its peak, in units of 2**20 bytes, with its result and
        the copies of its arguments.

    Returns
    -------
    object
        An object of the same kinds.

    Raises
    ------
    AssertionError
        If there is no such answer, it needs more memory, or it is no data.
    """
    return source(name, arguments, megabytes)


def forbid(*answers: str, calls: Iterable[str]) -> None:
    """Forbid calls to answers: while `ask` fetches one of them, each of these calls raises.

    Parameters
    ----------
    *answers : str
        Names of functions that the student writes.
    calls : iterable of str
        Full names of functions, classes, modules or packages, such as ``"lvmnotes.PPCA"``. Calls
        by other functions raise, too.

    Raises
    ------
    TypeError
        If `calls` is a single string.
    ValueError
        If there is no such thing, or it is not written in Python.
    """
    if isinstance(calls, str):
        raise TypeError(f"calls should be a list of names, got {calls!r}")
    for call in calls:
        rule(call)
        for answer in answers:
            rules.setdefault(answer, []).append(call)


def expect(
    what: str,
    got: Any,
    want: ArrayLike,
    *,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    mistakes: Mapping[str, ArrayLike] | None = None,
) -> None:
    """Compare an answer with the right one; if it is wrong, say what is wrong with it.

    Parameters
    ----------
    what : str
        Description of the answer, the subject of a sentence: ``"the posterior mean"``.
    got : object
        The answer.
    want : array_like
        The right answer.
    rtol : float
        Allowed difference, relative to the largest absolute value of `want`.
    atol : float
        Additional allowed absolute difference.
    mistakes : dict of str to array_like, optional
        Sentences that explain known mistakes, to the answers that result from them.

    Raises
    ------
    AssertionError
        If the answer is wrong.
    TypeError, ValueError
        If a tolerance is not a finite number, or negative.
    """
    check_real(rtol, "rtol", minimum=0)
    check_real(atol, "atol", minimum=0)
    want = np.asarray(want)
    if got is None:
        raise AssertionError(f"{what} is None: does the function return its result?")
    kind = type(got).__name__
    try:
        got = np.asarray(decode(encode(got)))
        if want.dtype.kind not in "US" and got.dtype.kind == "c" and not got.imag.any():
            got = got.real
        if (got.dtype.kind in "USc") != (want.dtype.kind in "US"):
            raise TypeError
        got = got.astype(str if want.dtype.kind in "US" else float)
    except (TypeError, ValueError):
        raise AssertionError(f"{what} should be numbers, but is of type {kind}") from None
    if got.shape != want.shape:
        raise AssertionError(f"{what} should have shape {want.shape}, but has {got.shape}")
    if want.dtype.kind in "US":
        if (got != want).any():
            raise AssertionError(f"{what} is not right: {got}")
        return
    if not np.isfinite(got).all():
        raise AssertionError(f"{what} has values that are NaN or infinite")

    def near(value):
        tolerance = atol + rtol * np.abs(value).max(initial=0)
        return np.shape(value) == got.shape and (np.abs(got - value) <= tolerance).all()

    if near(want):
        return
    for sentence, value in (mistakes or {}).items():
        if near(np.asarray(value, dtype=float)):
            raise AssertionError(f"{what} is not right: {sentence}")
    gap = np.abs(got - want).max()
    raise AssertionError(f"{what} is not right: off by up to {gap:.3g}")
