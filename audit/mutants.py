"""Break the library in many ways, one at a time, and see who notices: its tests, the chapters.

A mutant is killed by the library's tests if one of them fails or hangs, and by the chapters if a
check fails; an exception of another kind in a chapter counts for nothing.  Only the tests and the
chapters that execute the broken line are run.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import chapter, fresh
from .chapter import ROOT
from .operators import Mutant, mutants

LIBRARY = ROOT / "lvmnotes"
RESULTS = ROOT / "audit" / "mutants.json"
#: Seconds of CPU time after which tests count as hanging: twice what all of them take.
PATIENCE = 600
#: Seconds for which a chapter goes on after a check failed, to see which others do.
AFTER_FAILURE = 3
#: Modules that draw: the chapters run without their figures, and `tests/book` looks at these.
FIGURES = ("plots/", "notebook/explore.py", "notebook/glue.py", "notebook/__init__.py")


def modules() -> list[str]:
    """File names within the library of the modules that mutants are made of."""
    names = (path.relative_to(LIBRARY).as_posix() for path in sorted(LIBRARY.rglob("*.py")))
    return [name for name in names if not name.startswith(FIGURES)]


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


class Tree:
    """A copy of the library and its tests, in which the library can be broken."""

    def __init__(self, folder: Path):
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("lvmnotes", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def chapter(self, name: str, **limits: float) -> dict | None:
        """Run a chapter on the library of the copy; None if it hangs or cannot even start."""
        seconds = int(2 * limits.get("longest", 0))  # where a loop of compiled code hangs
        result = fresh.call(self.folder, "audit.chapter", "run", name, seconds=seconds, **limits)
        folder = str(self.folder / "lvmnotes")
        assert result is None or result["package"] == folder, "another library was imported"
        return result

    def tests(self, nodes: Iterable[str]) -> str | None:
        """Return the name of the first test that fails, or None if all pass."""
        found = fresh.call(
            self.folder, "audit.mutants", "first_failure", list(nodes), seconds=PATIENCE
        )
        return "hangs" if found is None else found or None

    def put(self, module: str, source: str) -> None:
        """Write a module; no byte-code of the old one is there."""
        path = self.folder / "lvmnotes" / module
        path.write_text(source, encoding="utf-8")
        assert not list((self.folder / "lvmnotes").rglob("*.pyc")), "byte-code may be stale"


def first_failure(nodes: list[str]) -> str:
    """Run tests in this process, up to the first that fails; return its name, "" if all pass.

    A break that changes a default changes the names of tests that have it in theirs. Then all tests
    of the same files are run.
    """
    import pytest

    failed = []

    class Listener:
        def pytest_runtest_logreport(self, report):
            if report.failed:
                failed.append(report.nodeid)

        def pytest_collectreport(self, report):
            if report.failed:
                failed.append(report.nodeid)

    status = _pytest(["-x", *nodes], Listener())
    files = sorted({node.partition("::")[0] for node in nodes})
    if status == pytest.ExitCode.USAGE_ERROR and files != nodes:
        return first_failure(files)
    return failed[0] if failed else "" if status == 0 else f"pytest ends with {status}"


def _pytest(arguments: list[str], listener: object) -> int:
    """Run tests in this process, which is silent from then on; return pytest's status."""
    import pytest

    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return pytest.main([*options, *arguments], plugins=[listener])


def covered_by_tests() -> tuple[dict[str, float], dict[str, dict[int, set[str]]]]:
    """Return the seconds of each test of the library, and the tests that execute each line.

    A line that is executed when its module is imported is every test's of that module.
    """
    import coverage

    measured, seconds = coverage.Coverage(data_file=None, source_pkgs=["lvmnotes"]), {}

    class Listener:
        def pytest_runtest_logstart(self, nodeid):
            measured.switch_context(nodeid)

        def pytest_runtest_logreport(self, report):
            seconds[report.nodeid] = seconds.get(report.nodeid, 0) + report.duration

    measured.start()
    _pytest(["tests/library"], Listener())
    measured.stop()
    data, lines = measured.get_data(), {}
    for file in data.measured_files():
        found = data.contexts_by_lineno(file)
        every = set().union(*found.values()) - {""}
        lines[file.rpartition("/lvmnotes/")[2]] = {
            line: every if "" in names else set(names) for line, names in found.items()
        }
    return seconds, lines


def covered_by_chapters(names: Iterable[str]) -> dict[str, dict]:
    """Return the modules and lines that each chapter executes, and the seconds it takes."""
    found = {}
    for name in names:
        result = fresh.call(ROOT, "audit.chapter", "executed_lines", name)
        assert result and not result["errors"], f"{name} stops: {result}"
        assert {outcome for _, _, outcome, _ in result["checks"]} == {"holds"}, f"{name} fails"
        found[name] = result
    return found


def judge(tree: Tree, mutant: Mutant, tests: Iterable[str], chapters: dict[str, float]) -> dict:
    """Find who notices one mutant: one test, and the checks of one chapter.

    Parameters
    ----------
    tree : Tree
    mutant : Mutant
    tests : iterable of str
        Tests that execute the broken line; they run in this order until one fails.
    chapters : dict
        Seconds of each chapter that executes it; they run in this order until one notices.
    """
    original = (LIBRARY / mutant.module).read_text(encoding="utf-8")
    assert mutant.source != original, "the mutant is the original"
    tree.put(mutant.module, mutant.source)
    try:
        failed = tree.tests(tests) if tests else None
        noticed, stopped = {}, {}
        for name, seconds in chapters.items():
            result = tree.chapter(name, longest=5 * seconds + 10, after_failure=AFTER_FAILURE)
            if result is None:
                stopped[name] = "hangs"
                continue
            if result["errors"]:
                stopped[name] = result["errors"][0]
            noticed[name] = result["failing"]
            if noticed[name]:
                break
    finally:
        tree.put(mutant.module, original)
    return {
        "name": mutant.name,
        "module": mutant.module,
        "line": mutant.line,
        "before": mutant.before,
        "after": mutant.after,
        "test": failed,
        "checks": {name: found for name, found in noticed.items() if found},
        "chapters": list(chapters),
        "stopped": stopped,
    }


def run(chosen: Iterable[Mutant], jobs: int) -> Iterator[dict]:
    """Judge mutants, on as many copies at once as there are jobs.

    Parameters
    ----------
    chosen : iterable of Mutant
    jobs : int

    Yields
    ------
    dict
        One mutant, and who notices it.
    """
    with tempfile.TemporaryDirectory() as folder:
        trees = [Tree(Path(folder) / str(number)) for number in range(jobs)]
        with ThreadPoolExecutor(2) as pool:
            tests = pool.submit(fresh.call, trees[0].folder, "audit.mutants", "covered_by_tests")
            seen = pool.submit(covered_by_chapters, chapter.names())
        (seconds, lines), seen = tests.result(), seen.result()
        cheapest_first = sorted(seen, key=lambda name: seen[name]["seconds"])

        def one(mutant: Mutant) -> dict:
            tree, stem = trees.pop(), Path(mutant.module).stem
            covering = lines.get(mutant.module, {}).get(mutant.line, ())
            try:
                return judge(
                    tree,
                    mutant,
                    sorted(covering, key=lambda test: (stem not in test, seconds[test], test)),
                    {
                        name: seen[name]["seconds"]
                        for name in cheapest_first
                        if mutant.line in seen[name]["lines"].get(mutant.module, ())
                    },
                )
            finally:
                trees.append(tree)

        with ThreadPoolExecutor(jobs) as pool:
            for done in as_completed([pool.submit(one, mutant) for mutant in chosen]):
                print(_line(done.result()), flush=True)
                yield done.result()


def _line(result: dict) -> str:
    checks = sum(map(len, result["checks"].values()))
    return (
        f"{result['module']}:{result['line']} {result['before']} -> {result['after']}: "
        f"{result['test'] or 'no test'}, {checks} checks of {len(result['chapters'])} chapters"
    )
