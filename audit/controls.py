"""Break the code of the chapters itself, to see that every check can fail.

What a check compares is computed by the library and by the chapter; `mutants` breaks the first,
this the second.  A broken cell is executed in a copy of the process that came to it, so that a
break costs the time of that cell and of the few after it.
"""

from __future__ import annotations

import ast
import random
import time
from collections.abc import Iterable

from . import operators
from .chapter import ROOT, Run
from .fresh import in_a_copy

RESULTS = ROOT / "audit" / "controls.json"
#: Breaks tried per cell, and how many cells with checks are executed after the broken one.
PER_CELL, CELLS_AFTER = 12, 2
#: CPU time of one break, as a multiple of that of the same cells unbroken; and about how many
#: seconds all breaks of a cell may take unbroken.
LONGEST, PER_CELL_SECONDS = 3, 40


def run(name: str, noticed: Iterable[str] = ()) -> dict[str, dict]:
    """Find a break of a chapter's code for each of its checks.

    Parameters
    ----------
    name : str
        Chapter.
    noticed : iterable of str
        Claims and descriptions of checks that a break of the library has failed: for these no
        further one is looked for.

    Returns
    -------
    dict
        By claim and description of a check, the ``place``, and what was there ``before`` and
        ``after``, of the first break that makes it fail.
    """
    chapter, killed = Run(name), dict.fromkeys(noticed)
    checks, seconds = in_a_copy(_survey, chapter)
    with_checks = [number for number, found in enumerate(checks) if found]
    for number, source in enumerate(chapter.sources):
        near = [cell for cell in with_checks if cell >= number][: 1 + CELLS_AFTER]
        breaks = _breaks(source)
        random.Random(f"{name} {number}").shuffle(breaks)
        for turn, broken in enumerate(breaks[:PER_CELL]):
            near = [cell for cell in near if not checks[cell] <= killed.keys()]
            if not near:
                break
            usual = sum(seconds[number : near[-1] + 1])
            if (turn - 1) * usual > PER_CELL_SECONDS:
                break
            how = {"place": f"cell {number + 1}, line {broken.line}"}
            how |= {"before": broken.before, "after": broken.after}
            for check in in_a_copy(_failing, chapter, number, broken.source, near[-1], usual) or []:
                killed.setdefault(check, how)
        chapter.execute(number)
    return {check: how for check, how in killed.items() if how}


def _survey(chapter: Run) -> tuple[list[set[str]], list[float]]:
    """Return the checks of each cell, and the seconds of CPU time it takes."""
    checks, seconds = [], []
    for number in range(len(chapter.sources)):
        before, start = len(chapter.checks), time.process_time()
        chapter.execute(number)
        checks.append({f"{claim}: {what}" for claim, what, _, _ in chapter.checks[before:]})
        seconds.append(time.process_time() - start)
    return checks, seconds


def _failing(chapter: Run, number: int, source: str, last: int, usual: float) -> list[str]:
    """Execute a broken cell and those up to the last one; return the checks that fail."""
    chapter.checks = []
    with chapter.within(LONGEST * usual + 1):
        chapter.execute(number, source)
        for later in range(number + 1, last + 1):
            if chapter.failing() or chapter.errors:
                break
            chapter.execute(later)
    return chapter.failing()


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
