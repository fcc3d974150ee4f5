"""The coursework: what is released, what is graded, what a hostile submission can do."""

import csv
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import numpy as np
import pytest
from bs4 import BeautifulSoup

pytest.importorskip("nbgrader", reason="the environment has no nbgrader: `make test` installs it")

from coursework import child, grade, problems, release, report, sandbox  # noqa: E402
from coursework.sandbox import Limits  # noqa: E402

ROOT = Path(__file__).parent.parent
HOME = ROOT / "coursework"
SAMPLE = ROOT / "tests" / "problem_sets"
SETS = problems.sets(HOME)
QUICK = Limits(cell=2, answer=2, test=10, submission=40)
GOOD = {
    "offset": "def offset(X):\n    return X.mean(axis=0)\n",
    "spread": "def spread(X):\n    return X.var(axis=0)\n",
    "explain": "Likelihood weighs each sample by $1/N$. <script>alert('hi')</script>",
}
contained = pytest.mark.skipif(
    not sandbox.contained(), reason="no working bubblewrap: apt install bubblewrap"
)


@pytest.fixture(scope="module")
def sample():
    """Return the sample set."""
    return problems.read(SAMPLE, "sample")


def answered(sample, answers=None, **changed):
    """Return the released notebook with answers filled in."""
    notebook = nbformat.from_dict(json.loads(json.dumps(sample.student)))
    cells = problems.by_id(notebook)
    for name, source in {**(GOOD if answers is None else answers), **changed}.items():
        cells[name].source = source
    return notebook


def code(source):
    return nbformat.v4.new_code_cell(source)


def missing_cells(notebook):
    del notebook.cells[2:4]  # the heading and the answer of the first question


def stripped(notebook):
    for cell in notebook.cells:
        cell.metadata.clear()


def tests_deleted(notebook):
    notebook.cells = [
        c for c in notebook.cells if "-" not in c.metadata.get("nbgrader", {}).get("grade_id", "")
    ]


def tests_tampered(notebook):
    for name, cell in problems.by_id(notebook).items():
        if "-" in name:
            cell.source = "pass"


def first(source):
    """Return what puts a cell before all others."""
    return lambda notebook: notebook.cells.insert(0, code(source))


def after_setup(source):
    """Return what puts a cell behind the given one."""
    return lambda notebook: notebook.cells.insert(2, code(source))


ZERO = {
    "offset": "def offset(X):\n    return 0 * X[0]\n",
    "spread": "def spread(X):\n    return 7\n",
}
HOSTILE_ANSWER = """
class Answer:
    {method}
def offset(X):
    return Answer()
"""
#: By the name of the student: what is done to a good notebook, the points of the two questions with
#: code, and what a remark must say.
KINDS = {
    "good": (lambda notebook: None, (3, 3), ""),
    "missing-cells": (missing_cells, (0, 3), "the cell offset is missing"),
    "tests-deleted": (tests_deleted, (3, 3), "the cell offset-1 is missing"),
    "tests-tampered": (tests_tampered, (3, 3), "the cell spread-2 was changed"),
    "stripped": (stripped, (3, 3), "marks are gone"),
    "warns": (after_setup("import sys, warnings\nwarnings.warn('old'); print('x', file=sys.stderr)"),
              (3, 3), ""),
    "syntax-error": (after_setup("def broken(:"), (3, 3), ""),
    "infinite-loop": (after_setup("while True:\n    pass"), (3, 3), "a cell took longer than 2 s"),
    "stubborn-loop": (after_setup("""
import signal
signal.signal(signal.SIGALRM, signal.SIG_IGN)
while True:
    pass
"""), (3, 3), "a cell took longer than 2 s"),
    "memory-bomb": (after_setup("x = []\nwhile True:\n    x.append(np.ones(10**7))"), (3, 3), ""),
    "kernel-exits": (after_setup("exit()"), (3, 3), ""),
    "process-exits": (after_setup("import os; os._exit(0)"), (3, 3), "a cell ended the process"),
    "killed": (after_setup("import os; os.kill(os.getpid(), 9)"), (3, 3), "a cell ended the process"),
    "exits-when-asked": (after_setup("def offset(X):\n    import os\n    os._exit(0)"),
                         (3, 3), ""),
    "floods": (after_setup("while True:\n    print('x' * 1000)"), (3, 3), "a cell took longer than 2 s"),
    "patches-numpy": (first("""
import numpy as np, lvmnotes.coursework, builtins
np.isclose = np.allclose = lambda *a, **k: True
np.abs = lambda x: 0 * x
np.asarray = lambda *a, **k: np.zeros(1)
lvmnotes.coursework.expect = lambda *a, **k: None
lvmnotes.coursework.ask = lambda *a, **k: None
"""), None, ""),
    "input-transformer": (first("""
get_ipython().input_transformers_cleanup.append(lambda lines: ["pass\\n"])
"""), (0, 0), ""),
}  # fmt: skip


def hand_in(home, student, notebook, name="sample.ipynb"):
    """Write a notebook, or a text in its place, where a teacher would put it."""
    folder = home / "submitted" / student / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    (folder / name).write_text(text, encoding="utf-8")
    return folder
