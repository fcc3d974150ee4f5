"""Find for every check a break that makes it fail.

What a check compares is computed by the library and by the chapter; `mutants` breaks some lines of
the first, this breaks the code of the chapter, and the lines of the library that a cell calls.
The broken cell is executed in a copy of the process that came to it, so that a break costs the time
of that cell and of the few after it.
"""

from __future__ import annotations

import ast
import functools
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from . import breaking, mutants, operators
from .chapter import ROOT, Run
from .fresh import in_a_copy

RESULTS = ROOT / "audit" / "controls.json"


def run(name: str, noticed: Iterable[str] = ()) -> dict[str, dict]:
    """Find a break for each check of a chapter.

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
        By claim and description of a check, the first break that makes it fail: the ``place`` in
        the chapter, or ``module`` and ``line`` of the library, and what was there ``before`` and
        ``after``. For a check whose line makes a control as well, which must fail, the ``place``
        and the ``control``.
    """
    chapter, killed = Run(name), dict.fromkeys(noticed)
    checks, seconds, beside = in_a_copy(_survey, chapter)
    killed |= {check: how for check, how in beside.items() if check not in killed}
    for limits in ROUNDS:
        killed = in_a_copy(_search, chapter, checks, seconds, killed, *limits)
    return {check: how for check, how in killed.items() if how}


def _survey(chapter: Run) -> tuple[list[set[str]], list[float], dict[str, dict]]:
    """Return the checks of each cell, its seconds of CPU time, and the controls beside checks."""
    checks, seconds, beside = [], [], {}
    for number in range(len(chapter.sources)):
        before, start = len(chapter.checks), time.process_time()
        chapter.execute(number)
        seconds.append(time.process_time() - start)
        made = list(zip(chapter.checks[before:], chapter.lines[before:], strict=True))
        controls = {line: what for (_, what, _, control), line in made if control}
        found = {f"{claim}: {what}": line for (claim, what, _, fails), line in made if not fails}
        checks.append(set(found))
        beside |= {
            check: {"place": f"cell {number + 1}, line {line}", "control": controls[line]}
            for check, line in found.items()
            if line in controls
        }
    return checks, seconds, beside


def _search(chapter, checks, seconds, killed, breaks_of, per_cell, reach, longest) -> dict:
    """Break one cell after the other, while checks near it are left; return what was killed."""
    for number in range(len(chapter.sources)):
        left = [cell for cell, found in enumerate(checks) if not found <= killed.keys()]
        near = [cell for cell in left if number <= cell <= number + reach]
        breaks = breaks_of(chapter, number) if near else []
        random.Random(f"{chapter.name} {number}").shuffle(breaks)
        for turn, broken in enumerate(breaks[:per_cell]):
            near = [cell for cell in near if not checks[cell] <= killed.keys()]
            if not near:
                break
            usual = sum(seconds[number : near[-1] + 1])
            if (turn - 1) * usual > longest:
                break
            how = (
                {"module": broken.module, "line": broken.line}
                if broken.module
                else {"place": f"cell {number + 1}, line {broken.line}"}
            ) | {"before": broken.before, "after": broken.after}
            for check in in_a_copy(_failing, chapter, number, broken, near[-1], usual) or []:
                killed.setdefault(check, how)
        chapter.execute(number)
    return killed


def _failing(chapter: Run, number: int, broken: operators.Mutant, last: int, usual: float):
    """Execute a cell with a break, and those up to the last one; return the checks that fail."""
    chapter.checks = []
    if broken.module:
        try:
            breaking.put(broken)
        except AssertionError:  # what it would change is not there any more
            return []
    with chapter.within(LONGEST * usual + 1):
        chapter.execute(number, None if broken.module else broken.source)
        for later in range(number + 1, last + 1):
            if chapter.errors:
                break
            chapter.execute(later)
    return chapter.failing()


def _breaks_of_chapter(chapter: Run, number: int) -> list[operators.Mutant]:
    """Break what a cell computes, not what its checks expect."""
    source = chapter.sources[number]
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


def _breaks_of_library(chapter: Run, number: int) -> list[operators.Mutant]:
    """Break the functions of the library that a cell calls."""
    called = in_a_copy(_called, chapter, number)
    modules = set(mutants.modules()).difference(mutants.NO_CLAIM)
    return [
        broken
        for module in sorted(modules & {module for module, _, _ in called})
        for broken in _mutants(module)
        if not broken.refuses
        if any(first <= broken.line <= last for it, first, last in called if it == module)
    ]


@functools.cache
def _mutants(module: str) -> list[operators.Mutant]:
    return operators.mutants(module, (mutants.LIBRARY / module).read_text(encoding="utf-8"))


def _called(chapter: Run, number: int) -> set[tuple[str, int, int]]:
    """Return the module, first and last line of each function of the library that a cell calls."""
    codes = set()

    def note(frame, event, _):
        if event == "call":
            codes.add(frame.f_code)

    sys.setprofile(note)
    chapter.execute(number)
    sys.setprofile(None)
    return {
        (
            Path(code.co_filename).relative_to(mutants.LIBRARY).as_posix(),
            code.co_firstlineno,
            max(line for _, _, line in code.co_lines() if line),
        )
        for code in codes
        if Path(code.co_filename).is_relative_to(mutants.LIBRARY) and code.co_name != "<module>"
    }


#: Each round is for the checks that those before have left: it breaks the chapter near them, then
#: their own cells, then the library under these, and then both further before. Of each round: what
#: it breaks; breaks tried per cell; how many cells before a check it reaches; and about how many
#: seconds of CPU time the breaks of a cell may take together, were they not broken.
ROUNDS = (
    (_breaks_of_chapter, 12, 6, 40),
    (_breaks_of_chapter, 100, 0, 60),
    (_breaks_of_library, 60, 0, 60),
    (_breaks_of_chapter, 40, 12, 60),
    (_breaks_of_library, 40, 12, 60),
)
#: CPU time of one break, as a multiple of that of the same cells unbroken.
LONGEST = 3
