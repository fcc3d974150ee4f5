"""The code passes ruff, including the code of the chapters and of the problem sets."""

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


def ruff(*command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command], cwd=ROOT, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


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
