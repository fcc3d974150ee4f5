"""The code passes ruff, that of chapters and problem sets included, and mypy; chapters fit."""

import re
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "book" / "chapters").glob("*.md"))
PROBLEM_SETS = sorted((ROOT / "coursework" / "problems").glob("*.md"))
#: Columns of a line of code that the page shows without scrolling at 1280 px, and A4 paper.
CODE_WIDTH = 76
#: Words of a chapter's prose.
MOST_WORDS = 3_500
LINT_CELLS = ["check", "--config", "pyproject.toml", "--extend-ignore=D,I"]


def run(*command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def ruff(*command):
    return run("ruff", *command)


@pytest.mark.parametrize("command", [["format", "--check"], ["check"]], ids=["format", "lint"])
def test_ruff_finds_nothing(command):
    code, said = ruff(*command, ".")
    assert code == 0, said


def lint_cells(notebook, folder, *options):
    """Run ruff over the cells of a notebook, executed or not."""
    # Without this, ruff assumes another language and finds nothing.
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, folder / "cells.ipynb")
    return ruff(*LINT_CELLS, *options, folder / "cells.ipynb")


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_ruff_finds_nothing_in_a_chapter(source, tmp_path):
    code, said = lint_cells(jupytext.read(source), tmp_path)
    assert code == 0, said


@pytest.mark.parametrize("source", PROBLEM_SETS, ids=lambda path: path.stem)
def test_ruff_finds_nothing_in_a_problem_set(source, tmp_path):
    given = 'builtins = ["secret_rng"]'  # to the tests, by the grader
    code, said = lint_cells(jupytext.read(source), tmp_path, "--config", given)
    assert code == 0, said


def test_ruff_finds_a_loop_that_hides_the_import_of_another_cell(tmp_path):
    sources = ["from lvmnotes import data", "for data in range(3):\n    print(data)"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    code, said = lint_cells(nbformat.v4.new_notebook(cells=cells), tmp_path)
    assert code != 0 and "F402" in said


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


def wide_lines(source):
    """Return the lines of a chapter's code cells that are wider than the column."""
    cells = jupytext.reads(source, fmt="md:myst").cells
    lines = [line for c in cells if c.cell_type == "code" for line in c.source.splitlines()]
    return [line for line in lines if len(line) > CODE_WIDTH]


def words(source):
    """Count a chapter's words of prose: no code, formulas, proofs, exercises, solutions."""
    text = source.split("\n---\n", 1)[1]  # without the header
    for left_out in (
        r"^```\{solution-start\}.*?^```\{solution-end\}",
        r"^(`{3,})\{(?:code-cell|prf:proof|exercise|bibliography)\}.*?^\1$",
        r"\$\$.*?\$\$(?: \(\S+\))?",
        r"\$[^$]+\$",
        r"^:\w+:.*?$",  # options of directives
        r"^\(\S+\)=$",  # targets of links
        r"\{[\w:]+\}(?=`)",  # names of roles
    ):
        text = re.sub(left_out, " ", text, flags=re.DOTALL | re.MULTILINE)
    return len(re.findall(r"[^\W\d_][\w'-]*", text))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_no_line_of_code_is_wider_than_its_column(source):
    assert wide_lines(source.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_a_chapter_is_read_in_one_sitting(source):
    assert words(source.read_text(encoding="utf-8")) <= MOST_WORDS


def test_wide_code_is_seen_and_only_prose_is_counted():
    cell = "```{code-cell} ipython3\n---\ntags: [a]\n---\n" + "x" * (CODE_WIDTH + 1) + "\n```\n"
    parts = [
        "---\njupytext: {}\n---\n\n# Two words\n",
        cell,
        "```{prf:proof}\nNot counted, $x$.\n```\n",
        "```{solution-start} x\n```\nNot counted.\n" + cell + "```{solution-end}\n```\n",
        "$$\nx = 1\n$$ (eq)\n",
        "Three {prf:ref}`more` words, $x$.\n",
    ]
    source = "\n".join(parts)
    assert wide_lines(source) == ["x" * (CODE_WIDTH + 1)] * 2
    assert words(source) == 5
