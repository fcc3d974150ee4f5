"""Functions for the tests of a problem set: ask for an answer, and say what is wrong with it.

In a student's notebook an answer is the object with a given name. When a teacher grades, the tests
run in a process that the submission cannot reach, and `ask` fetches the answers from the process
of the submission; see the page *For teachers*.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .core.validation import check_real


def in_this_notebook(name: str, arguments: tuple) -> Any:
    """Return the value of `name` in the running notebook; if it is a function, call it.

    Parameters
    ----------
    name : str
    arguments : tuple

    Returns
    -------
    object
    """
    import __main__

    if not hasattr(__main__, name):
        raise AssertionError(f"there is no `{name}` yet: run the cell that defines it")
    value = getattr(__main__, name)
    return value(*copy.deepcopy(arguments)) if callable(value) else value


#: The function from which `ask` gets its answers; the grader replaces it.
source: Callable[[str, tuple], Any] = in_this_notebook


def ask(name: str, *arguments) -> Any:
    """Return a student's answer.

    Parameters
    ----------
    name : str
        A variable, or a function to call.
    *arguments
        Arguments of the function: numbers, strings, arrays, and lists, tuples or dictionaries of
        them. The function receives copies.

    Returns
    -------
    object
        An object of the same kinds.
    """
    return source(name, arguments)


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
    try:
        got = np.asarray(got, dtype=want.dtype if want.dtype.kind in "US" else float)
    except (TypeError, ValueError):
        kind = type(got).__name__
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


def check(path: str) -> int:
    """Run a notebook of a problem set and print the results of its tests, one line per test.

    ``python -m lvmnotes.coursework NOTEBOOK`` calls it.

    Parameters
    ----------
    path : str
        The notebook.

    Returns
    -------
    int
        The number of tests that do not pass.
    """
    import nbformat  # these come with Jupyter, which the library alone does not need
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output
    from traitlets.config import Config

    try:
        cells = nbformat.read(path, as_version=4).cells
    except (OSError, nbformat.reader.NotJSONError) as reason:
        sys.exit(f"{path} is not a notebook that can be read: {reason}")
    config = Config()
    config.HistoryManager.enabled = False
    shell = InteractiveShell(config=config)  # its namespace is now the module __main__
    tests, failed = 0, 0
    for number, cell in enumerate(cells, start=1):
        if cell.cell_type != "code":
            continue
        marks = cell.metadata.get("nbgrader", {})
        with capture_output():
            result = shell.run_cell(cell.source)
        error = result.error_before_exec or result.error_in_exec
        text = str(error) if type(error) is AssertionError else f"{type(error).__name__}: {error}"
        if isinstance(error, NotImplementedError):
            text = "no answer yet"
        if not marks.get("grade"):
            if error:
                print(f"cell {number} stops: {text}")
        elif error or ast.parse(cell.source).body:  # a hidden test has no more than a comment
            tests, failed = tests + 1, failed + bool(error)
            print(f"{marks['grade_id']}: {text if error else 'passed'}")
    print(f"{tests - failed} of {tests} tests pass; there are hidden ones besides")
    return failed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m lvmnotes.coursework NOTEBOOK")
    sys.exit(check(sys.argv[1]) > 0)
