"""The coursework: what is released, what is graded, what a hostile submission can do."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup

pytest.importorskip("resource", reason="grading needs Linux or macOS")
pytest.importorskip("nbgrader", reason="the environment has no nbgrader: `make test` installs it")

from classroom import (  # noqa: E402
    GOOD,
    QUICK,
    SAMPLE,
    WRONG_ANSWERS,
    answered,
    edit,
    feedback,
    hand_in,
    table,
)
from nbgrader.api import Gradebook  # noqa: E402

from coursework import grade, problems, release, sandbox, walls  # noqa: E402
from coursework.sandbox import Limits  # noqa: E402
from lvmnotes.coursework import answers  # noqa: E402

ROOT = Path(__file__).parents[2]
HOME = ROOT / "coursework"
SETS = problems.sets(HOME)
contained = pytest.mark.skipif(
    not walls.contained(), reason="no working bubblewrap: apt install bubblewrap"
)


@pytest.fixture(scope="module")
def sample():
    """Return the sample set."""
    return problems.read(SAMPLE, "sample")


def code(source):
    return nbformat.v4.new_code_cell(source)


def missing_cells(notebook):
    del notebook.cells[2:4]  # the heading and the answer of the first question


def stripped(notebook):
    for cell in notebook.cells:
        cell.metadata.clear()


def deleted(notebook):
    notebook.cells = [
        c for c in notebook.cells if "-" not in c.metadata.get("nbgrader", {}).get("grade_id", "")
    ]


def tampered(notebook):
    for name, cell in problems.by_id(notebook).items():
        if "-" in name:
            cell.source = "pass"


def first(source):
    """Return what puts a cell before all others."""
    return lambda notebook: notebook.cells.insert(0, code(source))


def after_setup(source):
    """Return what puts a cell behind the given one."""
    return lambda notebook: notebook.cells.insert(2, code(source))


def hostile(method):
    """Return what replaces the first answer by an object with a method of its own."""
    source = f"class Answer:\n    {method}\n\ndef offset(X):\n    return Answer()\n"
    return lambda notebook: problems.by_id(notebook)["offset"].update(source=source)


def offset(expression):
    """Return what replaces the first answer by one that gives the value of an expression."""
    source = f"def offset(X):\n    import os, pathlib, socket\n    return {expression}\n"
    return lambda notebook: problems.by_id(notebook)["offset"].update(source=source)


LOOP = "while True:\n    pass"
STUBBORN = f"import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n{LOOP}"
FORKS = "import os\nwhile True:\n    os.fork()"
PATCHES = """
import numpy as np, lvmnotes.coursework
np.isclose = np.allclose = lambda *a, **k: True
np.abs = lambda x: 0 * x
lvmnotes.coursework.expect = lvmnotes.coursework.ask = lambda *a, **k: None
"""
TRANSFORMER = "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])"
SOLUTION = f"pathlib.Path({str(SAMPLE / 'problems' / 'sample.md')!r}).read_text()"
#: By the name of the student: what is done to a good notebook, the points of the two questions with
#: code, and what the remarks must say.
KINDS = {
    "good": (lambda notebook: None, (3, 3), "explain: not marked yet"),
    "missing-cells": (missing_cells, (0, 3), "missing: offset;"),
    "deleted-tests": (deleted, (3, 3), "missing: offset-1, offset-2, spread-1"),
    "tampered-tests": (tampered, (3, 3), "changed, the original was used: offset-1"),
    "stripped": (stripped, (3, 3), "marks are gone"),
    "warns": (after_setup("import sys\nprint('old', file=sys.stderr)"), (3, 3), ""),
    "syntax-error": (after_setup("def broken(:"), (3, 3), "a cell raises SyntaxError"),
    "infinite-loop": (after_setup(LOOP), (3, 3), "a cell used more than 2 s of processor time"),
    "stubborn-loop": (after_setup(STUBBORN), (3, 3), "a cell used more than 2 s of processor time"),
    "slow-answer": (offset("[None for _ in iter(int, 1)]"), (0, 3), ""),
    "memory-bomb": (after_setup("np.ones((10**6, 10**6))"), (3, 3), "a cell raises MemoryError"),
    "kernel-exits": (after_setup("exit()"), (3, 3), "a cell raises SystemExit"),
    "process-exits": (after_setup("import os; os._exit(0)"), (3, 3), "a cell ended the process"),
    "exits-when-asked": (offset("os._exit(0)"), (0, 3), "`offset` ended the process"),
    "floods": (after_setup("while True:\n    print('x' * 999)"), (3, 3), "2 s of processor time"),
    "patches": (first(PATCHES + GOOD["spread"].replace("X.var", "X.std")), (3, 3), ""),
    "cheats": (first(PATCHES), (0, 0), ""),
    "transformer": (first(TRANSFORMER), (0, 0), ""),
    "reduces": (hostile("def __reduce__(self): return print, ('hi',)"), (0, 3), ""),
    "equals": (hostile("def __eq__(self, other): return True"), (0, 3), ""),
    "turns-to-array": (hostile("def __array__(self, *a, **k): raise SystemExit"), (0, 3), ""),
    "huge": (offset("np.zeros(10**7)"), (0, 3), "`offset` sends more than 32 MB"),
    "deep": (offset("eval('[' * 90 + ']' * 90)"), (0, 3), ""),
    "reads-solutions": (offset(SOLUTION), (0, 3), ""),
}  # fmt: skip
#: Those that need the walls; the points are of the answers that remain.
WALLED = {
    "fork-bomb": (after_setup(FORKS), (3, 3), "a cell "),
    "fills-the-disk": (offset("open('x', 'w').write('x' * 10**8)"), (0, 3), ""),
    "network": (offset("socket.create_connection(('127.0.0.1', 80))"), (0, 3), ""),
}
#: Not graded: what the folder holds, by name, and why.
UNREADABLE = {
    "not-json": ({"sample.ipynb": "no JSON"}, "is not a notebook"),
    "not-a-notebook": ({"sample.ipynb": "{}"}, "is not a notebook"),
    "deep-json": ({"sample.ipynb": "[" * 100_000}, "is not a notebook"),
    "python-file": ({"sample.py": "def offset(X): pass"}, "there is no notebook but sample.py"),
    "two-names": ({"a.ipynb": "{}", "b.ipynb": "{}"}, "None of a.ipynb, b.ipynb is called"),
}


@pytest.fixture(scope="module")
def graded(sample, tmp_path_factory):
    """Return a coursework folder in which submissions of all kinds are graded."""
    home = tmp_path_factory.mktemp("course") / "home"
    shutil.copytree(SAMPLE, home)
    kinds = KINDS | (WALLED if walls.contained() else {})
    for student, (change, _, _) in kinds.items():
        notebook = answered(sample, WRONG_ANSWERS if student in ("cheats",) else GOOD)
        change(notebook)
        hand_in(home, student, notebook)
    for student, (contents, _) in UNREADABLE.items():
        for name, text in contents.items():
            hand_in(home, student, text, name)
    hand_in(home, "wrong-name", answered(sample), "homework (1).ipynb")
    hand_in(home, "two-notebooks", answered(sample))
    hand_in(home, "two-notebooks", answered(sample, WRONG_ANSWERS), "old.ipynb")
    folder = home / "submitted" / "link" / "sample"
    folder.mkdir(parents=True)
    (folder / "sample.ipynb").symlink_to(home / "submitted" / "good" / "sample" / "sample.ipynb")
    hand_in(home, "untouched", sample.student)
    (home / "submitted" / "absent").mkdir()
    grade.grade_all(home, limits=QUICK, unconfined=True)
    return home


@pytest.mark.parametrize("student", KINDS)
def test_a_submission_gets_what_it_deserves_and_a_remark(graded, student):
    _, (offset_points, spread_points), remark = KINDS[student]
    row = table(graded)[student]
    assert (float(row["offset"]), float(row["spread"])) == (offset_points, spread_points), row
    assert remark in row["remarks"]
    assert row["so far"] == f"{offset_points + spread_points:g}" and row["maximum"] == "8"
    text = BeautifulSoup(feedback(graded, student), "html.parser").get_text()
    assert "Answer to 3. Explain" in text
    if student != "cheats":  # who wrote nothing; no total as long as an answer is not marked
        assert row["explain"] == row["total"] == "" and "not marked yet" in text


@contained
@pytest.mark.parametrize("student", WALLED)
def test_the_walls_hold(graded, student):
    _, (offset_points, spread_points), remark = WALLED[student]
    row = table(graded)[student]
    assert (float(row["offset"]), float(row["spread"])) == (offset_points, spread_points), row
    assert remark in row["remarks"]


@pytest.mark.parametrize("student", UNREADABLE)
def test_what_cannot_be_read_scores_0_with_the_reason(graded, student):
    row = table(graded)[student]
    assert row["total"] == row["so far"] == "0" and UNREADABLE[student][1] in row["remarks"]
    assert "not graded" in feedback(graded, student)


@pytest.mark.parametrize(
    "student, so_far, remark",
    [
        ("wrong-name", "6", "it should be called sample.ipynb"),
        ("two-notebooks", "6", "sample.ipynb was graded, not old.ipynb"),
        ("link", "0", "is a link and was not followed"),
        ("untouched", "0", "explain: no answer"),
        ("absent", "0", "not graded: nothing was handed in"),
    ],
)
def test_odd_folders(graded, student, so_far, remark):
    row = table(graded)[student]
    assert row["so far"] == so_far and remark in row["remarks"]


@contained
def test_the_walls_show_nothing_but_the_library_and_the_environment():
    with sandbox.Sandbox(Limits()) as box:
        box.run("import os, pathlib, subprocess, lvmnotes")
        box.run(f"root = pathlib.Path({str(ROOT)!r})")
        box.run("seen = sorted(path.name for path in root.iterdir())")
        box.run("names = lambda path: sorted(os.listdir(path))")
        seen = box.ask("seen", ())
        assert "lvmnotes" in seen and set(seen) <= {"lvmnotes", ".venv"}
        shown = [ROOT, Path(sys.prefix), Path(sys.base_prefix)]
        for folder, own in [("/home", {"student"}), ("/tmp", set())]:
            way = {p.relative_to(folder).parts[0] for p in shown if p.is_relative_to(folder)}
            assert box.ask("names", (folder,)) == sorted(own | way)
        for path in (ROOT / "lvmnotes", "/", "/usr", "/dev"):
            _, error, _ = box.run(f"open({str(Path(path, 'new'))!r}, 'w')")
            assert error[0] in ("OSError", "PermissionError")
        _, error, _ = box.run("open('mine', 'w').write('own folder')")
        assert error is None


def test_without_walls_nothing_is_graded_unless_it_is_said(small, sample, monkeypatch):
    monkeypatch.setattr(grade, "contained", lambda: False)
    hand_in(small, "ada", answered(sample, WRONG_ANSWERS))
    before = (small / "graded" / "sample" / "grades.csv").read_bytes()
    with pytest.raises(ValueError, match="apt install bubblewrap.*--unconfined"):
        grade.grade_all(small, limits=QUICK)
    assert (small / "graded" / "sample" / "grades.csv").read_bytes() == before
    assert grade.grade_all(small, limits=QUICK, unconfined=True) > 0


def test_without_walls_a_submission_still_has_limits(monkeypatch):
    monkeypatch.setattr(sandbox, "contained", lambda: False)
    with sandbox.Sandbox(QUICK) as box:
        assert box.run("import os\ndef twice(x):\n    return 2 * x")[1] is None
        assert box.run("while True:\n    pass")[1][0] == "TimeoutError"
        assert box.run("bytearray(10**11)")[1][0] == "MemoryError"
        assert box.run("os._exit(1)")[1] == ["Stopped", "ended the process"]
        assert box.ask("twice", (4,)) == 8
        assert box.run("open('mine', 'w').write('x' * 10**8)")[1][0] == "OSError"


def test_feedback_has_messages_but_neither_hidden_tests_nor_scripts(graded, sample):
    for student in table(graded):
        page = feedback(graded, student)
        assert release.leaks(sample, BeautifulSoup(page, "html.parser").get_text()) == []
        assert "<script>alert" not in page
    assert "<p>Likelihood" in feedback(graded, "good") and "<h2" in feedback(graded, "good")
    assert "there is no `offset`" in feedback(graded, "missing-cells")
    assert "`offset` takes too long" in feedback(graded, "slow-answer")


def test_the_summary_names_everyone(graded):
    page = (graded / "graded" / "sample" / "index.html").read_text("utf-8")
    text = BeautifulSoup(page, "html.parser").get_text()
    assert all(student in text for student in table(graded))
    assert "points\non average" in text and "full marks" in text
    assert ("no working bubblewrap" in text) == (not walls.contained())


def test_the_gradebook_has_the_same_points(graded):
    address = f"sqlite:///{graded / 'graded' / 'gradebook.db'}"
    with Gradebook(address) as gradebook:
        for student, row in table(graded).items():
            assert gradebook.find_submission("sample", student).score == float(row["so far"])


@pytest.fixture(scope="module")
def pair(sample, tmp_path_factory):
    """Return a coursework folder with two good submissions, graded."""
    home = shutil.copytree(SAMPLE, tmp_path_factory.mktemp("pair") / "home")
    for student in ("ada", "emmy"):
        hand_in(home, student, answered(sample))
    assert grade.grade_all(home, limits=QUICK, unconfined=True) == 2
    return home


@pytest.fixture
def small(pair, tmp_path):
    """Return a copy of the two submissions and their grades, to change."""
    return Path(shutil.copytree(pair, tmp_path / "home"))


def test_only_what_changed_is_graded_again_and_marks_are_kept(small, sample):
    assert grade.grade_all(small, limits=QUICK, unconfined=True) == 0
    edit(small, "ada", explain="1.5")
    assert grade.grade_all(small, limits=QUICK, unconfined=True) == 1
    assert table(small)["ada"]["total"] == "7.5" and "marked" not in table(small)["ada"]["remarks"]
    hand_in(small, "ada", answered(sample, offset=WRONG_ANSWERS["offset"]))
    assert grade.grade_all(small, limits=QUICK, unconfined=True) == 1
    row = table(small)["ada"]
    assert (row["offset"], row["explain"], row["total"]) == ("0", "1.5", "4.5")
    assert "explain: the submission changed since it was marked" in row["remarks"]
    (small / "graded" / "sample" / "grades.csv").unlink()
    grade.grade_all(small, limits=QUICK, unconfined=True)
    assert table(small)["ada"]["total"] == "4.5"
    source = small / "problems" / "sample.md"
    source.write_text(source.read_text("utf-8") + "\n", "utf-8")
    assert grade.grade_all(small, limits=QUICK, unconfined=True) == 2
    assert table(small)["ada"]["total"] == "4.5"


@pytest.mark.parametrize("points", ["3", "-1", "good"])
def test_points_by_hand_must_be_points(small, points):
    edit(small, "ada", explain=points)
    with pytest.raises(ValueError, match=f"explain of ada is {points}, not 0 to 2"):
        grade.grade_all(small, limits=QUICK, unconfined=True)


def test_a_failed_regrade_leaves_no_old_score(small, sample, monkeypatch):
    hand_in(small, "ada", answered(sample, spread="spread = 1"))
    monkeypatch.setattr(grade, "_grade_in_this_process", broken_grader)
    grade.grade_all(small, limits=QUICK, unconfined=True)
    assert table(small)["ada"]["so far"] == "0"
    assert "not graded: the grader broke off" in table(small)["ada"]["remarks"]
    assert table(small)["emmy"]["so far"] == "6"
    assert "not graded: the grader broke off" in feedback(small, "ada")
    monkeypatch.undo()
    assert grade.grade_all(small, limits=QUICK, unconfined=True) == 1  # tried again
    assert table(small)["ada"]["so far"] == "3"


def broken_grader(*_):
    """Do what a grader does that breaks."""
    os._exit(9)


@pytest.mark.parametrize(
    "value",
    [None, True, 3, 2.5, "word", [1, (2.0, {"a": np.arange(3)})], np.eye(2), np.ones((0, 3)),
     np.array(3.0), np.array([True]), np.array([1 + 2j]), np.float32(1.5), np.array(["a", "b"])],
)  # fmt: skip
def test_answers_arrive_as_they_left(value):
    got = answers.decode(json.loads(json.dumps(answers.encode(value))))
    np.testing.assert_equal(np.asarray(got).tolist(), np.asarray(value).tolist()) if isinstance(
        value, np.ndarray
    ) else np.testing.assert_equal(got, value)


@pytest.mark.parametrize(
    "data",
    [{"array": ["|O8", [1], "AAAAAAAAAAA="]}, {"array": ["<f8", [10**9], "AAAAAAAAAAA="]}, {},
     {"array": ["<f8", [1], "?"]}, {"object": [1, 2, 3]}, {"tuple": 1}, {"dict": [1]}],
)  # fmt: skip
def test_what_is_no_answer_is_refused(data):
    with pytest.raises((ValueError, TypeError)):
        answers.decode(data)


def test_what_cannot_cross_is_said():
    with pytest.raises(TypeError, match="an answer consists of numbers"):
        answers.encode(object())


# The release


@pytest.fixture
def home(tmp_path):
    """Return a copy of the sample's folder, to break."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "home"))


def test_the_sample_is_proved(home, capsys):
    assert release.release_all(home) == 0
    assert "8 points" in capsys.readouterr().out
    with zipfile.ZipFile(home / "release" / "sample.zip") as archive:
        names = {Path(name).name for name in archive.namelist()}
        text = archive.read("sample/sample.ipynb").decode()
        needed = archive.read("sample/requirements.txt").decode()
        readme = archive.read("sample/README.txt").decode()
    assert "2048 MB of memory" in readme and "a cell has 30 seconds" in readme
    assert re.search(r"^    numpy==", readme, re.MULTILINE)
    assert {"README.txt", "requirements.txt", "sample.ipynb"} < names
    assert any(name.endswith(".whl") and name in needed for name in names)
    assert {"numpy==", "jupyterlab==", "ipykernel=="} <= set(re.findall(r"^\w+==", needed, re.M))
    assert "nbgrader==" not in needed and "sphinx" not in needed
    assert "BEGIN" not in text and "likelihood, one" not in text


PRINTED = """\
# %% offset: printed, not returned
# says: is None
# - return X.mean(axis=0)
# + print(X.mean(axis=0))
"""


@pytest.mark.parametrize(
    "file, old, new, said",
    [
        ("problems", "return X.mean(axis=0)\n    ### END", "return X.mean(axis=0) + 1\n    ### END",
         "the solution fails offset-1"),
        ("problems", "### BEGIN SOLUTION\n    return X.mean(axis=0)\n    ### END SOLUTION",
         "return X.mean(axis=0)\n    ### BEGIN SOLUTION\n    ### END SOLUTION",
         "the untouched release passes offset-1"),
        ("problems", "{grade_id: offset-2, grade", "{grade_id: ofset-2, grade",
         "the tests ofset-2 belong to no question"),
        ("problems", "    ### END SOLUTION", "", "no end solution statement"),
        ("mistakes", "# + X.sum(axis=0)", "# + X.mean(axis=0)", "leaves the solution as it is"),
        ("mistakes", "# + X.sum(axis=0)", "# + X.sum(axis=0) / len(X)", "loses nothing"),
        ("mistakes", "# - X.mean(axis=0)", "# - X.median(axis=0)",
         "changes what is not in the solution: X.median(axis=0)"),
        ("mistakes", "# - X.mean(axis=0)\n# + X.sum(axis=0)", "def ofset(X):\n    return X",
         "replaces what is not in the solution: ofset"),
        ("mistakes", "# + X.sum(axis=0)", "# + X.sum(axis=0", "was never closed"),
        ("mistakes", "# says: is None", "# says: nothing", "should be told 'nothing'"),
        ("mistakes", "# %% offset: printed", "# %% spread: printed", "changes what is not in"),
        ("mistakes", "# %% spread: divisor", "# %% ofset: divisor", "belongs to no question"),
        ("mistakes", PRINTED, "", "offset has 2 mistakes"),
    ],
)  # fmt: skip
def test_a_set_that_is_not_right_is_not_released(home, wheel, capsys, file, old, new, said):
    path = home / file / ("sample.md" if file == "problems" else "sample.py")
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    assert release.release_all(home) == 1
    assert said in capsys.readouterr().out
    assert not (home / "release" / "sample.zip").exists()


def test_an_unknown_set_is_said(home):
    with pytest.raises(problems.InvalidProblemSet, match="'other'; there are: sample"):
        problems.read(home, "other")


@contained
def test_a_project_in_tmp_is_walled_in_as_well(monkeypatch, tmp_path):
    assert tmp_path.is_relative_to("/tmp")
    monkeypatch.setattr(walls, "ROOT", tmp_path)
    assert walls.contained.__wrapped__()


def test_the_command_says_what_there_is(home):
    command = [sys.executable, "-m", "coursework", "grade", "--jobs", "1", "other", "--home", home]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "there is no problem set 'other'; there are: sample\n"


def check(notebook, folder):
    """Run the visible tests as a student does."""
    path = folder / "sample.ipynb"
    nbformat.write(notebook, path)
    command = [sys.executable, "-m", "lvmnotes.coursework", path.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout


def test_a_student_checks_a_notebook(sample, tmp_path):
    code, said = check(sample.student, tmp_path)
    assert code == 1 and "offset-1: no answer yet" in said and "0 of 2" in said
    code, said = check(
        answered(sample, offset="def offset(X):\n    return X.sum(axis=0)"), tmp_path
    )
    assert code == 1 and "offset-1: the offset of two points is not right: the sum" in said
    assert "spread-1: passed" in said
    code, said = check(answered(sample), tmp_path)
    assert code == 0 and "2 of 2" in said


# The real sets


@pytest.mark.skipif(not SETS, reason="this tree comes without the sources of the problem sets")
def test_neither_the_site_nor_the_releases_hold_an_answer():
    texts = {}
    for page in (ROOT / "_build" / "html").rglob("*.html"):
        texts[page] = html.unescape(re.sub("<[^>]*>", "", page.read_text("utf-8")))
    for notebook in (ROOT / "_build" / "html").rglob("*.ipynb"):
        texts[notebook] = sources(notebook.read_text("utf-8"))
    assert texts, "the site is not built"
    for name in SETS:
        with zipfile.ZipFile(HOME / "release" / f"{name}.zip") as archive:
            for file in archive.namelist():
                text = archive.read(file).decode("utf-8", "ignore")
                texts[file] = sources(text) if file.endswith(".ipynb") else text
    for name in SETS:
        problem = problems.read(HOME, name)
        assert release.secrets(problem)
        leaks = {file: leak for file, text in texts.items() if (leak := found(problem, text))}
        # A chapter may well have a line that a solution needs too; more of them are an answer.
        assert {file: leak for file, leak in leaks.items() if len(leak) > 1} == {}


def sources(notebook):
    return "\n".join(cell.source for cell in nbformat.reads(notebook, as_version=4).cells)


def found(problem, text):
    """Return the secret lines in a text."""
    return [line for line in release.secrets(problem) if line in text]


def test_the_search_finds_what_it_looks_for(sample):
    assert len(found(sample, sources(nbformat.writes(sample.teacher)))) > 1
    assert not found(sample, sources(nbformat.writes(sample.student)))


# The public tree, and nbgrader's exchange


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a clone")
def test_the_public_tree_has_no_answers(tmp_path):
    release.publish(tmp_path / "public")
    assert (tmp_path / "public" / "README.md").exists()
    for path in release.PRIVATE:
        assert not (tmp_path / "public" / path).exists()


def nbgrader(course, exchange, *arguments):
    """Run nbgrader as a course's instructor or student does."""
    own = {"NBGRADER_EXCHANGE": exchange, "NBGRADER_COURSE": course, "HOME": course}
    own = {name: str(path) for name, path in own.items()}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    scripts = Path(sys.executable).parent
    environment = os.environ | own | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=course, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_set_goes_through_the_exchange_and_is_graded(sample, home, wheel, tmp_path):
    exchange, student = tmp_path / "exchange", tmp_path / "student"
    exchange.mkdir(mode=0o777)
    exchange.chmod(0o777)
    student.mkdir()
    for folder in (home, student):
        shutil.copy(HOME / "nbgrader_config.py", folder)
    release.pack(home, sample, wheel)
    nbgrader(home, exchange, "release_assignment", "sample")
    nbgrader(student, exchange, "fetch_assignment", "sample")
    assert (student / "sample" / "sample.ipynb").exists()
    nbformat.write(answered(sample), student / "sample" / "sample.ipynb")
    nbgrader(student, exchange, "submit", "sample")
    nbgrader(home, exchange, "collect", "sample")
    assert grade.grade_all(home, limits=QUICK, unconfined=True) == 1
    (row,) = table(home).values()
    assert row["so far"] == "6"
