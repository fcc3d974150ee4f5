"""What tests of grading share: the sample set, answers to it, and a teacher's moves."""

import csv
import json
from pathlib import Path

import nbformat

from coursework import problems, tables
from coursework.sandbox import Limits

SAMPLE = Path(__file__).parent / "problem_sets"
QUICK = Limits(cell=2, answer=2, test=10, submission=40, wall=60)
GOOD = {
    "offset": "def offset(X):\n    return X.mean(axis=0)\n",
    "spread": "def spread(X):\n    return X.var(axis=0)\n",
    "explain": "Likelihood weighs each sample by $1/N$. <script>alert('hi')</script>",
}
WRONG_ANSWERS = {"offset": "def offset(X):\n    return 0 * X[0]\n", "spread": "spread = 7\n"}


def answered(sample, answers=None, **changed):
    """Return the released notebook with answers filled in."""
    notebook = nbformat.from_dict(json.loads(json.dumps(sample.student)))
    cells = problems.by_id(notebook)
    for name, source in {**(GOOD if answers is None else answers), **changed}.items():
        cells[name].source = source
    return notebook


def hand_in(home, student, notebook, name="sample.ipynb"):
    """Write a notebook, or a text in its place, where a teacher would put it."""
    folder = home / "submitted" / student / "sample"
    folder.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def table(home):
    """Return the rows of the table of grades, by student."""
    with (home / "graded" / "sample" / "grades.csv").open(encoding="utf-8", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


def feedback(home, student):
    """Return the page of feedback of a student."""
    return (home / "graded" / "sample" / "feedback" / f"{student}.html").read_text("utf-8")


def edit(home, student, /, **entries):
    """Write entries into a row of the table of grades, as a teacher does."""
    path = home / "graded" / "sample" / "grades.csv"
    header, rows = tables.read(path)
    for row in rows:
        if row["student"] == student:
            row.update(entries)
    save(path, [*header, *(name for name in entries if name not in header)], rows)


def save(path, header, rows, encoding="utf-8", delimiter=","):
    """Save a table as a spreadsheet does."""
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, header, delimiter=delimiter, restval="")
        writer.writeheader()
        writer.writerows(rows)
