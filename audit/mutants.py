"""Break the library in many ways, one at a time, and see who notices: its tests, the chapters.

A mutant is killed by the library's tests if one of them fails or hangs, and by the chapters if a
check fails; an exception of another kind in a chapter counts for nothing.  Only the tests and the
chapters that execute the broken line are run, chapters only until one notices or is stopped, and
nobody is asked about a break that `survivors.yml` shows to change nothing.  Each mutant gets a copy
of a process that has collected the tests, or that has come to the first cell of a chapter that
executes the line.
"""

from __future__ import annotations

import hashlib
import os
import random
import resource
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from itertools import pairwise
from pathlib import Path

import yaml

from . import breaking, chapter, fresh
from .chapter import ROOT
from .operators import Mutant, mutants

LIBRARY = ROOT / "lvmnotes"
RESULTS = ROOT / "audit" / "mutants.json"
REASONS = ROOT / "audit" / "survivors.yml"
#: Seconds of CPU time after which no further test is begun, and after which one counts as hanging.
ENOUGH, PATIENCE = 120, 300
#: Seconds for which a chapter goes on after an error, and then after a check failed, to see which
#: others do.
AFTER_FAILURE = 4
#: Modules that draw, ask or mark: the chapters run without them, and they have no claims.
#: `tests/book` and `tests/coursework` look at them.
LEFT_OUT = (
    *("__init__.py", "core/__init__.py", "notebook/__init__.py", "plots/", "coursework/"),
    *("notebook/explore.py", "notebook/glue.py", "notebook/live_figure.py", "notebook/question.py"),
)
#: Modules that refuse bad arguments, place warnings and print checks.  No claim is about them, nor
#: about what refuses arguments in other modules: they are broken for the tests alone.
NO_CLAIM = ("core/validation.py", "core/warn.py", "notebook/check.py")


def modules() -> list[str]:
    """File names within the library of the modules that mutants are made of."""
    names = (path.relative_to(LIBRARY).as_posix() for path in sorted(LIBRARY.rglob("*.py")))
    return [name for name in names if not name.startswith(LEFT_OUT)]


def digest(module: str) -> str:
    """Hash of a module's source, by which results that are stale are known."""
    return hashlib.sha256((LIBRARY / module).read_bytes()).hexdigest()[:16]


def sample(per_module: int, names: Iterable[str]) -> list[Mutant]:
    """Draw as many mutants of each module, or all where there are fewer.

    The draw is the same every time, and a larger sample holds the smaller one.
    """
    chosen = []
    for name in names:
        every = mutants(name, (LIBRARY / name).read_text(encoding="utf-8"))
        random.Random(name).shuffle(every)
        chosen += every[:per_module]
    return chosen


def has_claims(mutant: Mutant) -> bool:
    """Return whether some claim could be about what a mutant breaks."""
    return mutant.module not in NO_CLAIM and not mutant.refuses


def reasons() -> dict[str, dict]:
    """Return the entries of audit/survivors.yml by the names of their breaks, as `named` gives."""
    entries = yaml.safe_load(REASONS.read_text(encoding="utf-8")) if REASONS.exists() else []
    return {broken: entry for entry in entries for broken in entry["breaks"]}


def named(row: dict) -> str:
    """Name of a break in audit/survivors.yml, which lasts if lines move."""
    return f"{row['module']}: {row['text']} | {row['before']} -> {row['after']}"


def covered_by_tests() -> tuple[dict[str, float], dict[str, dict[int, set[str]]]]:
    """Return the seconds of each test of the library, and the tests that execute each line."""
    seconds = {}
    with _Contexts() as contexts:

        class Listener:
            def pytest_runtest_logstart(self, nodeid):
                contexts.begin(nodeid)

            def pytest_runtest_logreport(self, report):
                seconds[report.nodeid] = seconds.get(report.nodeid, 0) + report.duration

        _pytest(["tests/library"], Listener())
    return seconds, contexts.lines()


def covered_by_chapter(name: str) -> tuple[float, dict[str, dict[int, set[str]]]]:
    """Return the seconds of a chapter, and the cells (by their numbers) that execute each line."""
    with _Contexts() as contexts:
        one = chapter.Run(name)
        for number in range(len(one.sources)):
            contexts.begin(str(number))
            one.execute(number)
    assert not one.errors, f"{name} stops: {one.errors}"
    assert {outcome for _, _, outcome, _ in one.checks} == {"holds"}, f"{name} fails"
    return time.process_time(), contexts.lines()


class _Contexts:
    """Which lines of the library are executed, and in which context: in a test, or in a cell."""

    def __init__(self):
        import coverage

        self._measured = coverage.Coverage(data_file=None, source_pkgs=["lvmnotes"])
        self.begin = self._measured.switch_context

    def __enter__(self):
        self._measured.start()
        return self

    def __exit__(self, *_):
        self._measured.stop()

    def lines(self) -> dict[str, dict[int, set[str]]]:
        """Contexts of each line of each module.

        A line that is executed when its module is imported is every context's of that module.
        """
        data, lines = self._measured.get_data(), {}
        for file in data.measured_files():
            found = data.contexts_by_lineno(file)
            every = set().union(*found.values()) - {""}
            lines[Path(file).relative_to(LIBRARY).as_posix()] = {
                line: every if "" in names else set(names) for line, names in found.items()
            }
        return lines


def failing_tests(nodes: dict[Mutant, list[str]]) -> dict[str, str | None]:
    """Collect tests in this process, and find for each mutant the first of its tests that fails.

    Parameters
    ----------
    nodes : dict
        Tests by mutant; they run in this order until one fails or the time is over.

    Returns
    -------
    dict
        By the mutant's name, the name of a test, "hangs", or None if all pass.
    """
    found, failed, mistakes = {}, [], []

    class Judge:
        def pytest_internalerror(self, excrepr):
            mistakes.append(str(excrepr))

        def pytest_collectreport(self, report):
            if report.failed:
                mistakes.append(str(report.longrepr))

        def pytest_runtestloop(self, session):
            items = {item.nodeid: item for item in session.items}
            for mutant, names in nodes.items():
                tests = [items[name] for name in names]
                first = fresh.in_a_copy(_first_failure, mutant, tests, failed)
                found[mutant.name] = "hangs" if first is None else first or None
            return True

        def pytest_runtest_logreport(self, report):
            if report.failed:
                failed.append(report.nodeid)

    if files := {name.partition("::")[0] for names in nodes.values() for name in names}:
        status = _pytest(sorted(files), Judge())
        assert status == 0, f"pytest ends with {status}: {mistakes}"
    return dict.fromkeys(mutant.name for mutant in nodes) | found


def _first_failure(mutant: Mutant, tests: list, failed: list[str]) -> str:
    """Break the library of this process, run tests until one is among the failed; return it."""
    resource.setrlimit(resource.RLIMIT_CPU, (PATIENCE, PATIENCE))
    try:
        breaking.put(mutant)
    except (TypeError, ValueError) as error:  # the module cannot even be imported
        return f"{type(error).__name__} when imported"
    for test, following in pairwise([*tests, None]):  # none at all, if no test executes the line
        test.ihook.pytest_runtest_protocol(item=test, nextitem=following)
        if failed or time.process_time() > ENOUGH:
            break
    return failed[0] if failed else ""


def _pytest(arguments: list[str], plugin: object) -> int:
    """Run pytest in this process, which is silent from then on; return its status."""
    import pytest

    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    options = ["-q", "--capture=no", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return pytest.main([*options, *arguments], plugins=[plugin])


def failing_checks(
    name: str, cells: dict[Mutant, int], longest: float
) -> dict[str, tuple[list[str], list | None]]:
    """Run a chapter in this process, and find for each mutant the checks that fail.

    Parameters
    ----------
    name : str
    cells : dict
        By mutant, the first cell that executes the broken line.
    longest : float
        Seconds of CPU time after which a broken chapter is stopped.

    Returns
    -------
    dict
        By the mutant's name, the checks that fail, and what stopped a cell first: its number, the
        error's type and message.
    """
    one, found = chapter.Run(name, after_failure=AFTER_FAILURE), {}
    for number in range(len(one.sources)):
        for mutant in [it for it, cell in cells.items() if cell == number]:
            answer = fresh.in_a_copy(_failures, one, number, mutant, longest)
            found[mutant.name] = answer or ([], [number, "hangs", ""])
        one.execute(number)
    return found


def _failures(one: chapter.Run, start: int, mutant: Mutant, longest: float):
    """Break the library of this process and execute a chapter from a cell on."""
    resource.setrlimit(resource.RLIMIT_CPU, (int(2 * longest), int(2 * longest)))
    try:
        breaking.put(mutant)
    except (TypeError, ValueError) as error:
        return [], [start, type(error).__name__, "when imported"]
    one.execute_from(start, longest)
    return one.failing(), next(iter(one.errors), None)


def ask_tests(mutants: list[Mutant], seconds: dict, lines: dict) -> dict[str, str | None]:
    """Find the first test that fails for each mutant: those of its module first, quick ones first.

    Parameters
    ----------
    mutants : list of Mutant
    seconds, lines : dict
        What `covered_by_tests` returns.
    """

    def order(mutant, test):
        return Path(mutant.module).stem not in test, seconds[test], test

    nodes = {
        mutant: sorted(
            lines.get(mutant.module, {}).get(mutant.line, ()), key=partial(order, mutant)
        )
        for mutant in mutants
    }
    return fresh.call(ROOT, "audit.mutants", "failing_tests", nodes)


def ask_chapter(name: str, mutants: list[Mutant]) -> dict[str, tuple | None]:
    """Find the checks of a chapter that fail for each mutant; None if it does not run the line."""
    if not mutants:
        return {}
    seconds, lines = fresh.call(ROOT, "audit.mutants", "covered_by_chapter", name)
    cells = {
        mutant: min(map(int, numbers))
        for mutant in mutants
        if (numbers := lines.get(mutant.module, {}).get(mutant.line))
    }
    # Counting lines makes a chapter two or three times as slow: that is long enough for a break.
    found = fresh.call(ROOT, "audit.mutants", "failing_checks", name, cells, seconds + 5)
    return dict.fromkeys(mutant.name for mutant in mutants) | found


def run(chosen: list[Mutant], rows: dict[str, dict], jobs: int) -> Iterator[str]:
    """Ask the tests and the chapters that have not been asked, as many at once as jobs.

    A chapter is not asked once another one has noticed, or was stopped.

    Parameters
    ----------
    chosen : list of Mutant
    rows : dict
        By mutant's name, what is known: the ``test`` that fails, the ``chapters`` that execute the
        broken line, their ``checks`` that fail, what ``stopped`` them, and who was ``asked``.  What
        is found is added.
    jobs : int

    Yields
    ------
    str
        Who has answered: "tests", after those of each module, or a chapter.
    """
    why = reasons()
    real = [it for it in chosen if not why.get(named(rows[it.name]), {}).get("equivalent")]

    def unasked(who):
        return [mutant for mutant in real if who not in rows[mutant.name]["asked"]]

    def tests(module):
        asked = [mutant for mutant in unasked("tests") if mutant.module == module]
        return "tests", ask_tests(asked, *covering.result())

    def chapters(name):
        open_ones = [mutant for mutant in unasked(name) if not is_settled(rows[mutant.name])]
        answers = ask_chapter(name, [it for it in open_ones if has_claims(it)])
        return name, dict.fromkeys(it.name for it in open_ones) | answers

    with ThreadPoolExecutor(jobs) as pool:
        if names := sorted({mutant.module for mutant in unasked("tests")}):
            covering = pool.submit(fresh.call, ROOT, "audit.mutants", "covered_by_tests")
        waiting = [pool.submit(chapters, name) for name in chapter.names()]
        waiting += [pool.submit(tests, module) for module in names]
        for done in as_completed(waiting):
            who, answers = done.result()
            for name, answer in answers.items():
                _note(rows[name], who, answer)
            yield who


def is_settled(row: dict) -> bool:
    """Whether a chapter has noticed a break, or was stopped by it: no other one is asked."""
    return bool(row["checks"] or row["stopped"])


def unjudged(mutant: Mutant) -> dict:
    """Return what the results say of a mutant before anyone was asked."""
    row = {
        name: getattr(mutant, name)
        for name in ("name", "module", "line", "text", "before", "after")
    }
    return row | {"test": None, "chapters": [], "checks": {}, "stopped": {}, "asked": []}


def _note(row: dict, who: str, answer: str | tuple | None) -> None:
    """Add to what is known of a mutant what the tests or a chapter say."""
    row["asked"].append(who)
    if who == "tests":
        row["test"] = answer
    elif answer:
        row["chapters"].append(who)
        failing, stopped = answer
        row["checks"] |= {who: failing} if failing else {}
        row["stopped"] |= {who: stopped} if stopped else {}
