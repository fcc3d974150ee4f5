"""`make` repeats only what a change affects, and gives a clear error where it cannot start."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OLD_TO_NEW = [
    ["requirements.txt", "pyproject.toml", "_config.yml", "_toc.yml", "book/build.py"],
    ["lvmnotes/core/base.py", "lvmnotes/plots/one.py"],
    ["lvmnotes/datasets/table.csv", "lvmnotes/notebook/static/figure.js"],
    ["book/index.md", "book/claims.yml", "book/chapters/one.md", "book/chapters/two.md"],
    [".venv/ready"],
    ["book/chapters/one.ipynb", "book/chapters/two.ipynb"],
    ["book/claims.md"],
    ["_build/ready"],
]

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


def steps(tree):
    """Return the steps of book/build.py that `make book` would run."""
    lines = make(tree, "--dry-run", "book").stdout.splitlines()
    return [line.split("book/build.py ")[1] for line in lines if "book/build.py " in line]


def test_nothing_is_done_twice(tree):
    assert steps(tree) == []


@pytest.mark.parametrize(
    "changed, executed",
    [
        ("book/index.md", []),
        ("book/claims.yml", []),
        ("book/chapters/one.md", ["one"]),
        ("lvmnotes/core/base.py", ["one", "two"]),
        ("lvmnotes/plots/one.py", ["one", "two"]),
        ("lvmnotes/datasets/table.csv", ["one", "two"]),
        ("lvmnotes/notebook/static/figure.js", ["one", "two"]),
        ("requirements.txt", ["one", "two"]),
        ("book/build.py", ["one", "two"]),
    ],
)
def test_what_depends_on_a_change_is_done_again(tree, changed, executed):
    (tree / changed).touch()
    done = steps(tree)
    assert sorted(step for step in done if step.startswith("execute")) == [
        f"execute book/chapters/{name}.md" for name in executed
    ]
    assert done[-1] == "site"
    assert ("claims" in done) == bool(executed or changed == "book/claims.yml")


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
