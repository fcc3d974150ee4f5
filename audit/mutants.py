"""Break the library in many ways, one at a time, and see who notices: its tests, the chapters.

A mutant is killed by the library's tests if one of them fails or hangs, and by the chapters if a
check fails; an exception of another kind in a chapter counts for nothing.  Only the tests and the
chapters that execute the broken line are run.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import chapter
from .chapter import ROOT
from .operators import Mutant, mutants

LIBRARY = ROOT / "lvmnotes"
RESULTS = ROOT / "audit" / "mutants.json"
#: Seconds after which a run counts as hanging: many times what it takes on an idle machine.
PATIENCE = 900
#: Modules that draw: the chapters run without their figures, and `tests/book` looks at these.
FIGURES = ("plots/", "notebook/explore.py", "notebook/glue.py", "notebook/__init__.py")


def modules() -> list[str]:
    """File names within the library of the modules that mutants are made of."""
    names = (path.relative_to(LIBRARY).as_posix() for path in sorted(LIBRARY.rglob("*.py")))
    return [name for name in names if not name.startswith(FIGURES)]


def digest(module: str) -> str:
    """Hash of a module's source, by which results that are stale are known."""
    return hashlib.sha256((LIBRARY / module).read_bytes()).hexdigest()[:16]


def sample(per_module: int, seed: int, names: Iterable[str]) -> list[Mutant]:
    """Draw as many mutants of each module, or all where there are fewer."""
    chosen = []
    for name in names:
        every = mutants(name, (LIBRARY / name).read_text(encoding="utf-8"))
        rng = random.Random(f"{seed} {name}")
        chosen += rng.sample(every, min(per_module, len(every)))
    return chosen


class Tree:
    """A copy of what the runs need, in which the library can be broken."""

    def __init__(self, folder: Path):
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__", "*.ipynb")
        for name in ("lvmnotes", "tests", "audit", "book"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        shutil.copy(ROOT / "pyproject.toml", folder)
        self.environment = os.environ | {
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess | None:
        """Run Python on the copy; None if it hangs."""
        try:
            return subprocess.run(
                [sys.executable, *arguments],
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None

    def chapter(self, name: str, *options: str) -> dict | None:
        """Run a chapter on the library of the copy; None if it hangs."""
        done = self.run("-m", "audit.chapter", name, *options)
        if done is None:
            return None
        if done.returncode:  # the broken library cannot even be imported
            return {"checks": [], "errors": [[0, "Error", done.stderr[-200:]]]}
        result = json.loads(done.stdout.splitlines()[-1])
        assert result["package"] == str(self.folder / "lvmnotes"), "another library was imported"
        return result

    def tests(self, nodes: Iterable[str]) -> str | None:
        """Return the name of the first test that fails, or None if all pass."""
        (self.folder / "nodes").write_text("\n".join(nodes), encoding="utf-8")
        done = self.run("-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "@nodes")
        if done is None:
            return "hangs"
        if done.returncode == 0:
            return None
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return failed[0].split(" - ")[0].split(" ", 1)[1] if failed else done.stderr[-200:]

    def put(self, module: str, source: str) -> None:
        """Write a module; no byte-code of the old one is there."""
        path = self.folder / "lvmnotes" / module
        path.write_text(source, encoding="utf-8")
        assert not list((self.folder / "lvmnotes").rglob("*.pyc")), "byte-code may be stale"


def covered_by_tests(tree: Tree) -> dict[str, dict[int, set[str]]]:
    """Return the tests of the library that execute each line of each module."""
    import coverage

    settings = tree.folder / "coverage.ini"
    settings.write_text("[run]\ndynamic_context = test_function\nsource = lvmnotes\n")
    tree.run(
        *("-m", "coverage", "run", f"--rcfile={settings}", "--data-file=tests.coverage"),
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/library"),
    )
    data = coverage.CoverageData(str(tree.folder / "tests.coverage"))
    data.read()
    lines: dict[str, dict[int, set[str]]] = {}
    for file in data.measured_files():
        module = Path(file).relative_to(tree.folder / "lvmnotes").as_posix()
        lines[module] = defaultdict(set)
        for line, contexts in data.contexts_by_lineno(file).items():
            lines[module][line] |= {_node(context) for context in contexts if context}
    return lines


def _node(context: str) -> str:
    """Pytest's name of a test from coverage's: tests.library.test_pca.test_x."""
    folder, package, file, *names = context.split(".")
    return f"{folder}/{package}/{file}.py::" + "::".join(names)


def covered_by_chapters(tree: Tree, chapters: Iterable[str]) -> dict[str, dict[str, set[int]]]:
    """Return the lines of each module that each chapter executes."""
    lines = {}
    for name in chapters:
        result = tree.chapter(name, "--lines")
        assert result and not result["errors"], f"{name} stops: {result}"
        assert {outcome for _, _, outcome, _ in result["checks"]} == {"holds"}, f"{name} fails"
        lines[name] = {module: set(found) for module, found in result["lines"].items()}
    return lines


def judge(tree: Tree, mutant: Mutant, tests: Iterable[str], chapters: Iterable[str]) -> dict:
    """Find who notices one mutant."""
    original = (LIBRARY / mutant.module).read_text(encoding="utf-8")
    assert mutant.source != original, "the mutant is the original"
    tree.put(mutant.module, mutant.source)
    try:
        stem = Path(mutant.module).stem
        nearest_first = sorted(tests, key=lambda node: (stem not in node, node))
        failed = tree.tests(nearest_first) if nearest_first else None
        noticed, errors = {}, {}
        for name in chapters:
            result = tree.chapter(name)
            if result is None:
                errors[name] = "hangs"
                continue
            noticed[name] = sorted(
                {
                    f"{claim}: {what}"
                    for claim, what, outcome, _ in result["checks"]
                    if outcome == "fails"
                }
            )
            errors[name] = len(result["errors"])
    finally:
        tree.put(mutant.module, original)
    return {
        "module": mutant.module,
        "line": mutant.line,
        "column": mutant.column,
        "before": mutant.before,
        "after": mutant.after,
        "test": failed,
        "checks": {name: found for name, found in noticed.items() if found},
        "chapters": sorted([*noticed, *errors.keys() - noticed.keys()]),
        "stopped": {name: what for name, what in errors.items() if what},
    }


def run(per_module: int, seed: int, names: list[str], jobs: int) -> dict:
    """Judge a sample of mutants, on as many copies at once as there are jobs.

    Parameters
    ----------
    per_module : int
    seed : int
        Of the draw of mutants.
    names : list of str
        Modules.
    jobs : int

    Returns
    -------
    dict
        ``modules``, their hashes; ``mutants``, one entry per mutant.
    """
    chapters = chapter.names()
    with tempfile.TemporaryDirectory() as folder:
        trees = [Tree(Path(folder) / str(number)) for number in range(jobs)]
        with ThreadPoolExecutor(2) as pool:
            tests = pool.submit(covered_by_tests, trees[0])
            seen = pool.submit(covered_by_chapters, trees[-1], chapters)
        tests, seen = tests.result(), seen.result()

        def one(mutant: Mutant) -> dict:
            tree = trees.pop()
            try:
                return judge(
                    tree,
                    mutant,
                    tests.get(mutant.module, {}).get(mutant.line, set()),
                    [c for c in chapters if mutant.line in seen[c].get(mutant.module, set())],
                )
            finally:
                trees.append(tree)

        found = []
        with ThreadPoolExecutor(jobs) as pool:
            for result in pool.map(one, sample(per_module, seed, names)):
                found.append(result)
                print(_line(result), flush=True)
    return {"modules": {name: digest(name) for name in names}, "mutants": found}


def _line(result: dict) -> str:
    checks = sum(map(len, result["checks"].values()))
    return (
        f"{result['module']}:{result['line']} {result['before']} -> {result['after']}: "
        f"{result['test'] or 'no test'}, {checks} checks of {len(result['chapters'])} chapters"
    )
