"""Run a chapter's code without its figures, and note what every check says."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from unittest.mock import MagicMock

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = ROOT / "book" / "chapters"
#: Names that a statement which only draws or prints begins with.
DRAW = {"plots", "common", "plt", "glue", "display", "question", "live_figure", "print"}


def names() -> list[str]:
    """Names of the chapters that check something."""
    return sorted(
        path.stem for path in CHAPTERS.glob("*.md") if "check(" in path.read_text("utf-8")
    )


def digest(name: str) -> str:
    """Hash of a chapter's code, less what only draws: results for another one are stale."""
    kept = [
        ast.dump(statement)
        for source in sources(name)
        for statement in ast.parse(source).body
        if not _draws(statement)
    ]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:16]


def sources(name: str) -> list[str]:
    """Read the sources of a chapter's code cells."""
    import jupytext

    cells = jupytext.read(CHAPTERS / f"{name}.md").cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def _draws(statement: ast.stmt) -> bool:
    called = statement.value if isinstance(statement, ast.Expr) else None
    while isinstance(called, ast.Call | ast.Attribute):
        called = called.func if isinstance(called, ast.Call) else called.value
    return isinstance(called, ast.Name) and called.id in DRAW


class _Enough(BaseException):
    """The time of a run is over.  No `except Exception` of a cell stops it."""


class Run:
    """A chapter whose cells are executed in this process; one per process.

    Attributes
    ----------
    sources : list of str
        Of the code cells.
    checks : list
        [claim, what, outcome, control] of each check so far, with the outcome "holds", "fails" or
        the error that a value which is not finite raises.
    lines : list of int
        Of its cell, in which each of these checks is called.
    errors : list
        [cell, type, message] of each cell that stopped.
    number : int
        Of the cell that is executed, or was last.
    """

    def __init__(self, name: str, offset: int = 0, after_failure: float = 0):
        import lvmnotes.notebook.check as module

        self.name, self.sources, self.errors = name, sources(name), []
        self.checks, self.lines = [], []
        self.number = 0
        self.after_failure = after_failure
        self._namespace = {"__name__": "__main__", "display": lambda *objects: None}
        self._plain = module.check
        module.check, module._show = self._check, lambda evidence: None
        _stub_figures()
        if offset:
            _shift_seeds(offset)
        signal.signal(signal.SIGPROF, _stop)

    def _check(self, claim, what, got, want=None, *, fails=False, **yardstick):
        try:
            self._plain(claim, what, got, want, fails=fails, **yardstick)
            outcome = "holds"
        except AssertionError:
            outcome = "fails"
            if not self.failing():
                self._end_soon()
        except (TypeError, ValueError) as error:
            outcome = str(error)
        self.checks.append([claim, what, outcome, bool(fails)])
        self.lines.append(sys._getframe(1).f_lineno)

    def failing(self) -> list[str]:
        """Names of the checks that failed so far."""
        return sorted({f"{c}: {what}" for c, what, outcome, _ in self.checks if outcome == "fails"})

    def execute(self, number: int, source: str | None = None) -> None:
        """Execute a cell, or another source in its place."""
        self.number = number
        source = self.sources[number] if source is None else source
        silent = contextlib.redirect_stdout(io.StringIO())
        with silent, contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("always")  # cells that catch warnings read them
            try:
                exec(compile(source, f"{self.name}, cell {number}", "exec"), self._namespace)
            except Exception as error:
                if not self.errors and not self.failing():
                    self._end_soon()
                self.errors.append([number, type(error).__name__, str(error)[:200]])

    def _end_soon(self) -> None:
        if self.after_failure:
            signal.setitimer(signal.ITIMER_PROF, self.after_failure)

    def execute_from(self, start: int, longest: float) -> None:
        """Execute a cell and all after it, until the time is over; 0 seconds are no limit."""
        with self.within(longest):
            for number in range(start, len(self.sources)):
                self.execute(number)

    @contextlib.contextmanager
    def within(self, longest: float) -> Iterator[None]:
        """Stop what is executed here after some seconds of CPU time; 0 is no limit."""
        try:
            signal.setitimer(signal.ITIMER_PROF, longest)
            yield
        except _Enough:  # in a cell, or between two
            self.errors.append([self.number, "_Enough", "the time is over"])
        signal.setitimer(signal.ITIMER_PROF, 0)


def _stop(*_):
    raise _Enough


def run(name: str, offset: int = 0, longest: float = 0) -> dict:
    """Run all code cells of a chapter in this process.

    Parameters
    ----------
    name : str
        File name without its ending.
    offset : int
        Added to every seed: 0 gives the chapter as printed.
    longest : float
        Seconds of CPU time after which the run ends; 0 is no limit.

    Returns
    -------
    dict
        ``checks`` and ``errors``, as `Run` has them; ``seconds`` of CPU time.
    """
    one = Run(name, offset)
    one.execute_from(0, longest)
    return {
        "checks": one.checks,
        "errors": one.errors,
        "seconds": time.process_time(),
    }


def _stub_figures() -> None:
    """Replace all that draws or displays by something that takes anything and does nothing."""
    import importlib
    import pkgutil

    import matplotlib

    matplotlib.use("agg")
    import IPython.display
    import IPython.utils.capture
    import matplotlib.pyplot as plt

    import lvmnotes.notebook as notebook
    import lvmnotes.plots as plots

    plt.show = lambda *args, **kwargs: plt.close("all")
    IPython.display.display = lambda *objects, **options: None
    IPython.utils.capture.capture_output = MagicMock(name="capture_output")
    modules = [
        importlib.import_module(info.name)
        for info in pkgutil.iter_modules(plots.__path__, plots.__name__ + ".")
    ]
    for info in pkgutil.iter_modules(notebook.__path__, notebook.__name__ + "."):
        if info.name.rpartition(".")[2] not in ("check", "gabor"):
            modules.append(importlib.import_module(info.name))
    for module in modules:
        for name, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and value.__module__ == module.__name__:
                setattr(module, name, MagicMock(name=name))


def _shift_seeds(offset: int) -> None:
    """Add an offset to every seed: of numpy's generators and of each `random_state`."""
    import numpy as np
    import sklearn.utils

    from lvmnotes.core import validation

    plain_rng = np.random.default_rng

    def default_rng(seed=None):
        return plain_rng(seed + offset if isinstance(seed, int | np.integer) else seed)

    np.random.default_rng = default_rng
    plain_state = sklearn.utils.check_random_state

    def check_random_state(seed):
        return plain_state(seed + offset if isinstance(seed, int | np.integer) else seed)

    for module in list(sys.modules.values()):
        if getattr(module, "check_random_state", None) is plain_state:
            module.check_random_state = check_random_state
    assert validation.np.random.default_rng is default_rng
