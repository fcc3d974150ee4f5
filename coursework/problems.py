"""Read a problem set: the teacher's notebook, the student's version, the named wrong answers."""

import ast
import functools
import hashlib
import re
import secrets
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
import numpy as np
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
)

#: nbgrader's way from a source to what students get, less what writes to a gradebook.
FOR_STUDENTS = [
    LockCells,
    ClearSolutions,
    ClearOutput,
    ClearHiddenTests,
    ComputeChecksums,
    CheckCellMetadata,
]
HEADING = re.compile(r"^# %% ([\w-]+): (.+)\n# says: (.+)\n", re.MULTILINE)
TITLE = re.compile(r"^## (.+?)(?: \([^()]* points?[^()]*\))?$", re.MULTILINE)
EDIT = re.compile(r"((?:^# - .*\n)+)((?:^# \+.*\n)*)", re.MULTILINE)


class InvalidProblemSet(Exception):
    """A source that cannot be assigned, with the reason."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer to a question: its name, what a test should say, what it changes."""

    question: str
    name: str
    says: str
    change: str


@dataclass(frozen=True)
class ProblemSet:
    """A problem set, in its version with solutions and in that for students."""

    name: str
    teacher: nbformat.NotebookNode
    student: nbformat.NotebookNode
    mistakes: tuple[Mistake, ...]
    seed: str

    def secret_rng(self, test):
        """Return the random generator of a hidden test: another one for each course and test."""
        digest = hashlib.sha256(f"{self.seed} {self.name} {test}".encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:16]))

    @functools.cached_property
    def cells(self):
        """The teacher's cells with a grade_id, by it."""
        return by_id(self.teacher)

    @functools.cached_property
    def released(self):
        """The student's cells with a grade_id, by it."""
        return by_id(self.student)

    def _names_where(self, kind):
        return [name for name, cell in self.cells.items() if kind(cell)]

    @functools.cached_property
    def given(self):
        """Names of the locked cells: what the tests may use."""
        return self._names_where(lambda cell: not is_test(cell) and cell.metadata.nbgrader.locked)

    @functools.cached_property
    def written(self):
        """Names of the answers in words, which are graded by hand."""
        return self._names_where(lambda cell: cell.cell_type == "markdown")

    @functools.cached_property
    def tests(self):
        """Names of the tests of each question with code, in their order."""
        tests = {name: [] for name in self._names_where(is_code_answer)}
        for name in self._names_where(is_test):
            tests.setdefault(name.rpartition("-")[0], []).append(name)
        return tests

    @functools.cached_property
    def points(self):
        """Points of each test and of each answer in words."""
        graded = self._names_where(lambda cell: cell.metadata.nbgrader.grade)
        return {name: self.cells[name].metadata.nbgrader.points for name in graded}

    @functools.cached_property
    def maxima(self):
        """Points of each question, in the order of the set."""
        maxima = {q: sum(self.points[test] for test in tests) for q, tests in self.tests.items()}
        return maxima | {name: self.points[name] for name in self.written}

    @functools.cached_property
    def titles(self):
        """Title of each question: the heading above its cell, without the points."""
        titles, heading = {}, ""
        for cell in self.student.cells:
            name = cell.metadata.get("nbgrader", {}).get("grade_id")
            if name in self.maxima:
                titles[name] = heading or name
            elif name is None and (found := TITLE.search(cell.source)):
                heading = found[1]
        return titles

    def wrong_code(self, mistake):
        """Return the solution of a question with a mistake in it; see `changed`."""
        return changed(self.cells[mistake.question].source, mistake.change)


def changed(solution, change):
    """Return a solution with a change made.

    Lines ``# - old`` and then ``# + new`` put the new lines in place of the old ones wherever these
    stand; functions written out take the place of the solution's of the same name.

    Raises
    ------
    ValueError
        If the solution does not have what is to be changed, or stays as it is.
    """
    code = solution
    for edit in EDIT.findall(change):
        old, new = ("\n".join(line[4:] for line in part.splitlines()) for part in edit)
        if old not in code:
            raise ValueError(f"changes what is not in the solution: {old}")
        code = code.replace(old, new)
    for function in ast.parse(change).body:
        same = [part for part in ast.parse(code).body if vars(part).get("name") == function.name]
        if not same:
            raise ValueError(f"replaces what is not in the solution: {function.name}")
        lines = code.splitlines()
        lines[same[0].lineno - 1 : same[0].end_lineno] = [ast.get_source_segment(change, function)]
        code = "\n".join(lines)
    if ast.dump(ast.parse(code)) == ast.dump(ast.parse(solution)):
        raise ValueError("leaves the solution as it is")
    return code


def by_id(notebook):
    """Return the cells of a notebook that have a grade_id, by it."""
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}


def is_test(cell):
    """Tell whether a cell is an automatic test."""
    return cell.metadata.nbgrader.grade and not cell.metadata.nbgrader.solution


def is_code_answer(cell):
    """Tell whether a student writes code in a cell."""
    return cell.cell_type == "code" and cell.metadata.nbgrader.solution


def sets(home):
    """Return the names of the problem sets of a coursework folder, in order."""
    return sorted(path.stem for path in Path(home, "problems").glob("*.md"))


def read(home, name):
    """Read a problem set and check that it can be assigned.

    Raises
    ------
    InvalidProblemSet
    """
    source = Path(home, "problems", f"{name}.md")
    if not source.exists():
        known = ", ".join(sets(home)) or "none: this tree comes without the sources"
        raise InvalidProblemSet(f"there is no problem set {name!r}; there are: {known}")
    teacher = jupytext.read(source)
    teacher.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(teacher.cells):
        cell.id = f"cell-{number}"
        if "nbgrader" in cell.metadata:
            _complete(cell)
    student, resources = deepcopy(teacher), {}
    try:
        for preprocessor in FOR_STUDENTS:
            student, resources = preprocessor().preprocess(student, resources)
    except Exception as error:  # nbgrader's own checks: RuntimeError, ValidationError, ...
        raise InvalidProblemSet(f"{name}: {error}") from error
    mistakes = Path(home, "mistakes", f"{name}.py")
    mistakes = mistakes.read_text(encoding="utf-8") if mistakes.exists() else ""
    problem = ProblemSet(
        name, teacher, student, tuple(_mistakes(mistakes)), secret_seed(home, name)
    )
    if wrong := list(_faults(problem)):
        raise InvalidProblemSet("\n".join(f"{name}: {fault}" for fault in wrong))
    return problem


def secret_seed(home, name):
    """Return what the inputs of the hidden tests of a set are drawn from; make it if there is none.

    A set that was graded keeps its seed, whatever becomes of that of the course.
    """
    kept, ours = Path(home, "graded", name, "secret-seed"), Path(home, "secret-seed")
    if not kept.exists() and not ours.exists():
        ours.write_text(secrets.token_hex(), encoding="ascii")
    return (kept if kept.exists() else ours).read_text(encoding="ascii").strip()


def _complete(cell):
    """Write out what nbgrader wants to know of a cell and the source leaves unsaid."""
    given = cell.metadata.nbgrader
    graded, answered = given.get("grade", False), given.get("solution", False)
    cell.metadata.nbgrader = {
        "schema_version": 3,
        "grade_id": given["grade_id"],
        "cell_type": cell.cell_type,
        "grade": graded,
        "solution": answered,
        "task": False,
        "locked": not answered,
    } | ({"points": given.get("points", 0)} if graded else {})


def _mistakes(text):
    """Yield the wrong answers of a file in percent format."""
    _, *parts = HEADING.split(text)
    for question, name, says, change in zip(*[iter(parts)] * 4, strict=True):
        yield Mistake(question, name.strip(), says.strip(), change.strip() + "\n")


def _faults(problem):
    """Yield what keeps a problem set from being assigned."""
    answers = {name for name, cell in problem.cells.items() if is_code_answer(cell)}
    for question, tests in problem.tests.items():
        hidden = [test for test in tests if "HIDDEN TESTS" in problem.cells[test].source]
        if question not in answers:
            yield f"the tests {', '.join(tests)} belong to no question: <question>-<number>"
        elif not any(problem.points[test] for test in tests):
            yield f"{question} has no test with points"
        elif open_ := [test for test in tests if problem.points[test] and test not in hidden]:
            yield f"{open_[0]} has points but no hidden part, so that constants would pass it"
        elif not any(_shows(problem, test) for test in tests):
            yield f"{question} has no visible test"
    visible = [test for tests in problem.tests.values() for test in tests if _shows(problem, test)]
    points, most = sum(problem.points[test] for test in visible), sum(problem.maxima.values())
    if points > most / 4:
        yield f"the visible tests have {points:g} of {most:g} points, more than a quarter"
    for mistake in problem.mistakes:
        if mistake.question not in answers:
            yield f"the mistake {mistake.name!r} belongs to no question: {mistake.question}"
            continue
        try:
            problem.wrong_code(mistake)
        except (ValueError, SyntaxError) as error:
            yield f"the mistake {mistake.name!r} {error}"


def _shows(problem, test):
    """Tell whether students see what a test expects, or a part of it."""
    return "expect" in problem.released[test].source
