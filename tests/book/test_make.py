"""`make` repeats only what a change affects, and gives a clear error where it cannot start."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLD_TO_NEW = [
    ["requirements.txt", "requirements-live.txt", "pyproject.toml", "_config.yml", "_toc.yml"],
    ["book/build.py"],
    ["lvmnotes/core/base.py", "lvmnotes/deeper/and/deeper/base.py"],
    ["lvmnotes/plots/common.py", "lvmnotes/plots/one.py", "lvmnotes/plots/another_one.py"],
    ["lvmnotes/datasets/table.csv", "lvmnotes/notebook/static/figure.js"],
    ["book/index.md", "book/claims.yml", "book/_static/deeper/picture.svg", "book/live/kernel.py"],
    ["book/chapters/one.md", "book/chapters/another-one.md"],
    [".venv/ready"],
    ["book/chapters/one.ipynb", "book/chapters/another-one.ipynb"],
    ["book/claims.md"],
    ["_build/ready", "_build/draft/ready"],
]
BOTH = ["execute another-one", "execute one"]

pytestmark = pytest.mark.skipif(not shutil.which("make"), reason="no make here")


@pytest.fixture
def tree(tmp_path):
    """Return a tree of empty files in which everything is up to date."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for age, names in enumerate(OLD_TO_NEW):
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch()
            os.utime(tmp_path / name, (age, age))
    return tmp_path


def make(tree, *arguments):
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(["make", *arguments], cwd=tree, env=own, capture_output=True, text=True)


def steps(tree, target="book"):
    """Return the steps of book/build.py that make would run, as lists of words."""
    lines = make(tree, "--dry-run", target).stdout.splitlines()
    return [line.split("book/build.py ")[1].split() for line in lines if "book/build.py " in line]


def test_nothing_is_done_twice(tree):
    assert steps(tree) == steps(tree, "draft") == []


@pytest.mark.parametrize("target", ["book", "draft"])
@pytest.mark.parametrize(
    "changed, executed",
    [
        (["book/index.md"], []),
        (["book/claims.yml"], []),
        (["book/_static/deeper/picture.svg"], []),
        (["book/live/kernel.py"], []),
        (["book/chapters/one.md"], ["update one"]),
        (["book/chapters/another-one.md"], ["update another-one"]),
        (["lvmnotes/plots/one.py"], ["execute one"]),
        (["lvmnotes/plots/another_one.py"], ["execute another-one"]),
        (["book/chapters/one.md", "lvmnotes/plots/one.py"], ["execute one"]),
        (["book/chapters/one.md", "lvmnotes/plots/another_one.py"],
         ["execute another-one", "update one"]),
        (["lvmnotes/plots/common.py"], BOTH),
        (["lvmnotes/core/base.py"], BOTH),
        (["lvmnotes/deeper/and/deeper/base.py"], BOTH),
        (["lvmnotes/datasets/table.csv"], BOTH),
        (["lvmnotes/notebook/static/figure.js"], BOTH),
        (["requirements.txt"], BOTH),
        (["book/build.py"], BOTH),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_depends_on_a_change_is_done_again(tree, target, changed, executed):
    for name in changed:
        (tree / name).touch()
    *chapters, (last, *told) = steps(tree, target)
    chapters = [f"{step[0]} {Path(step[1]).stem}" for step in chapters if step != ["claims"]]
    assert sorted(chapters) == executed
    assert last == {"book": "site"}.get(target, target)
    pages = {f"book/chapters/{step.split()[1]}.ipynb" for step in executed}
    if claims := bool(executed or changed == ["book/claims.yml"]):
        pages.add("book/claims.md")
    assert (["claims"] in steps(tree, target)) == claims
    # What Sphinx is told: all that changed and that it sees.
    seen = {name for name in changed if not name.startswith("book/chapters/")}
    assert set(told) == pages | seen


def test_a_chapter_without_a_notebook_is_executed(tree):
    (tree / "book" / "chapters" / "one.ipynb").unlink()
    assert steps(tree)[0] == ["execute", "book/chapters/one.md"]


def test_problem_sets_are_proved_again_after_a_change(tree):
    for name in ("coursework/problems/one.md", ".venv/coursework", "coursework/release/ready"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    (tree / "requirements-coursework.txt").touch()
    for name in ("requirements-coursework.txt", "coursework/problems/one.md"):
        os.utime(tree / name, (0, 0))
    proves = "-m coursework release"
    assert proves not in make(tree, "--dry-run", "coursework").stdout
    (tree / "coursework" / "problems" / "one.md").touch()
    os.utime(tree / "coursework" / "release" / "ready", (9, 9))
    assert proves in make(tree, "--dry-run", "coursework").stdout


@pytest.mark.parametrize("python", ["", "no-such-python", "false"])
def test_a_missing_python_is_one_clear_line(tree, python):
    (tree / ".venv" / "ready").unlink()
    said = make(tree, "book", f"PYTHON={python}")
    assert said.returncode != 0
    assert "Python 3.11 or newer" in said.stdout and len(said.stdout.splitlines()) == 1
