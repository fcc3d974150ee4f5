"""Break the code of the chapters itself, to see that every check can fail.

What a check compares is computed by the library and by the chapter; `mutants` breaks the first,
this the second.  A broken cell is executed in a copy of the process that came to it, so that a
break costs the time of that cell and of the few after it.
"""

from __future__ import annotations

import ast
import os
import pickle
import random
import signal

from . import operators
from .chapter import ROOT, Run

RESULTS = ROOT / "audit" / "controls.json"
#: Breaks tried per cell, and how many cells with checks are executed after the broken one.
PER_CELL, CELLS_AFTER = 12, 2
#: Seconds of CPU time of one break.
LONGEST = 20


def run(name: str) -> dict[str, str]:
    """Find a break of a chapter's code for each of its checks.

    Parameters
    ----------
    name : str
        Chapter.

    Returns
    -------
    dict
        By claim and description of a check, the first break that makes it fail.
    """
    chapter, killed = Run(name), {}
    for number, source in enumerate(chapter.sources):
        breaks = _breaks(source)
        random.Random(f"{name} {number}").shuffle(breaks)
        for broken in breaks[:PER_CELL]:
            for check in _failing(chapter, number, broken.source):
                where = f"cell {number + 1}, line {broken.line}"
                killed.setdefault(check, f"{where}: {broken.before} -> {broken.after}")
        chapter.execute(number)
    return killed


def _breaks(source: str) -> list[operators.Mutant]:
    """Break what a cell computes, not what its checks expect."""
    yardsticks = {
        (part.lineno, part.col_offset)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "check"
        for expected in [*node.args[3:], *(keyword.value for keyword in node.keywords)]
        for part in ast.walk(expected)
        if isinstance(part, ast.expr)
    }
    return [
        broken
        for broken in operators.mutants("", source)
        if (broken.line, broken.column - 1) not in yardsticks
    ]


def _failing(chapter: Run, number: int, source: str) -> list[str]:
    """Execute a broken cell and some that follow in a copy of this process; return what fails."""
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            found = pipe.read()
        os.waitpid(child, 0)
        return pickle.loads(found) if found else []
    try:
        chapter.checks = []
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        chapter.execute(number, source)
        left = CELLS_AFTER
        for later in range(number + 1, len(chapter.sources)):
            if chapter.failing() or not left or chapter.errors:
                break
            left -= "check(" in chapter.sources[later]
            chapter.execute(later)
        signal.setitimer(signal.ITIMER_PROF, 0)
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(chapter.failing(), pipe)
    finally:
        os._exit(0)
