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
#: Each round is for the checks that those before have left: the second breaks only the cells of
#: these checks, the third breaks cells further before them.  Of each round: breaks tried per cell;
#: how many cells with such checks are executed after the broken one; and about how many seconds of
#: CPU time the breaks of a cell may take together, were they not broken.
ROUNDS = ((12, 2, 40), (100, 0, 120), (40, 6, 120))
#: CPU time of one break, as a multiple of that of the same cells unbroken.
LONGEST = 3


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
    for limits in ROUNDS:
        killed = in_a_copy(_search, chapter, checks, seconds, killed, *limits)
    return {check: how for check, how in killed.items() if how}


def _search(chapter, checks, seconds, killed, per_cell, cells_after, longest) -> dict[str, dict]:
    """Break one cell after the other, while checks near it are left; return what was killed."""
    for number, source in enumerate(chapter.sources):
        left = [cell for cell, found in enumerate(checks) if not found <= killed.keys()]
        near = [cell for cell in left if cell >= number][: 1 + cells_after]
        breaks = _breaks(source)
        random.Random(f"{chapter.name} {number}").shuffle(breaks)
        for turn, broken in enumerate(breaks[:per_cell]):
            near = [cell for cell in near if not checks[cell] <= killed.keys()]
            if not near:
                break
            usual = sum(seconds[number : near[-1] + 1])
            if (turn - 1) * usual > longest:
                break
            how = {"place": f"cell {number + 1}, line {broken.line}"}
            how |= {"before": broken.before, "after": broken.after}
            for check in in_a_copy(_failing, chapter, number, broken.source, near[-1], usual) or []:
                killed.setdefault(check, how)
        chapter.execute(number)
    return killed


def _survey(chapter: Run) -> tuple[list[set[str]], list[float]]:
    """Return the checks of each cell, and the seconds of CPU time it takes."""
    checks, seconds = [], []
    for number in range(len(chapter.sources)):
        before, start = len(chapter.checks), time.process_time()
        chapter.execute(number)
        checks.append({f"{it[0]}: {it[1]}" for it in chapter.checks[before:] if not it[3]})
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
