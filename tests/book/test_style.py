"""The code passes ruff, that of chapters and problem sets included, and mypy."""

import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted((ROOT / "book" / "chapters").glob("*.ipynb"))
PROBLEM_SETS = sorted((ROOT / "coursework" / "problems").glob("*.md"))
LINT_CELLS = ["check", "--config", "pyproject.toml", "--extend-ignore=D,I"]


def run(*command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def ruff(*command):
    return run("ruff", *command)


@pytest.mark.parametrize(
    "command",
    [["format", "--check", "."], ["check", "."], [*LINT_CELLS, *CHAPTERS]],
    ids=["format", "lint", "chapters"],
)
def test_ruff_finds_nothing(command):
    code, said = ruff(*command)
    assert code == 0, said


@pytest.mark.parametrize("source", PROBLEM_SETS, ids=lambda path: path.stem)
def test_ruff_finds_nothing_in_a_problem_set(source, tmp_path):
    notebook = jupytext.read(source)
    # Without this, ruff assumes another language and finds nothing.
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, tmp_path / "set.ipynb")
    code, said = ruff(*LINT_CELLS, tmp_path / "set.ipynb")
    assert code == 0, said


def test_the_types_of_the_library_agree():
    code, said = run("mypy")
    assert code == 0, said


def test_a_user_of_the_library_sees_its_types(tmp_path):
    """The annotations reach other projects, and mypy is seen to find something."""
    (tmp_path / "user.py").write_text(
        "import lvmnotes\nlvmnotes.FactorAnalysis(2).fit_moments('X')\n"
    )
    code, said = run("mypy", "--cache-dir", tmp_path, tmp_path / "user.py")
    assert code == 1 and 'expected "Moments"' in said
