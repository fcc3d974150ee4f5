"""What grading leaves: results, the table of grades, nbgrader's gradebook, feedback, a summary."""

import collections
import csv
import html
import json
import os
import sysconfig
import warnings
from pathlib import Path

import nbformat
import nbgrader
from bleach import clean
from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbgrader.api import Gradebook, MissingEntry

FORMS = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
#: What Markdown may turn into on a page of feedback; any other tag is shown as it was typed.
MARKUP = set(
    "a b blockquote br code div em h1 h2 h3 h4 h5 h6 hr i li ol p pre span strong sub sup".split()
)
MARKUP |= set("table tbody td th thead tr ul".split())
NOT_CONTAINED = (
    "WARNING: there is no working bubblewrap here. Submissions run with your own rights: they can "
    "read and write your files and use the network; only time, memory and size of files are "
    "limited. On Debian and Ubuntu: apt install bubblewrap."
)


class Files:
    """Where the results of one set lie."""

    def __init__(self, home, name):
        self.submitted = Path(home, "submitted")
        self.name = name
        self.folder = Path(home, "graded", name)
        self.gradebook = Path(home, "graded", "gradebook.db")
        self.table = self.folder / "grades.csv"
        self.summary = self.folder / "index.html"

    def students(self):
        """Return everybody who handed in anything; nobody if nobody handed in this set."""
        if not any(self.submitted.glob(f"*/{self.name}")):
            return []
        return sorted(p.name for p in self.submitted.iterdir() if p.is_dir() and p.name[0] != ".")

    def result(self, student):
        """Return the path of a student's result."""
        return self.folder / "results" / f"{student}.json"

    def feedback(self, student):
        """Return the path of a student's feedback."""
        return self.folder / "feedback" / f"{student}.html"

    def read(self, student):
        """Return a student's result, or None."""
        try:
            return json.loads(self.result(student).read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # none, or broken off while it was written
            return None

    def write(self, student, result):
        """Write a student's result."""
        self.result(student).parent.mkdir(parents=True, exist_ok=True)
        self.result(student).write_text(json.dumps(result), encoding="utf-8")


def empty(problem):
    """Return a result with no points."""
    tests = [test for tests in problem.tests.values() for test in tests]
    return {
        "scores": dict.fromkeys(tests, 0),
        "messages": dict.fromkeys(tests, "not run"),
        "unanswered": [],
        "remarks": [],
        "cells": [],
        "contained": True,
        "seconds": 0.0,
        "by_hand": {},
        "prints": None,
    }


def by_question(problem, result):
    """Return the points of each question; None for what is to be graded by hand."""
    points = {q: sum(result["scores"][t] for t in tests) for q, tests in problem.tests.items()}
    for name in problem.written:
        unanswered = 0 if name in result["unanswered"] or not result["cells"] else None
        points[name] = result["by_hand"].get(name, unanswered)
    return points


def total(problem, result):
    """Return the points of a submission, as far as it is graded."""
    return sum(points or 0 for points in by_question(problem, result).values())


def remarks(problem, result):
    """Return what a teacher should know of a submission, in one line."""
    points = by_question(problem, result)
    said = [f"{name}: to be graded by hand" for name in points if points[name] is None]
    said += [f"{name}: no answer" for name in result["unanswered"]]
    return " ".join("; ".join([*result["remarks"], *said]).split())


def line(start, problem, result):
    """Return what is said while grading goes on."""
    score = f"{total(problem, result):g}/{sum(problem.maxima.values()):g}"
    return f"{start}: {score}, {result['seconds']:.1f} s. {remarks(problem, result)}"


def read_by_hand(files, problem):
    """Return the points given by hand: those of the table, where a teacher writes them, first.

    Raises
    ------
    ValueError
        If the table has what cannot be points.
    """
    found = {s: (files.read(s) or {}).get("by_hand", {}) for s in files.students()}
    if not files.table.exists():
        return found
    text = files.table.read_text(encoding="utf-8-sig")
    delimiter = max(",;\t", key=text.partition("\n")[0].count)  # spreadsheets have their ways
    for row in csv.DictReader(text.splitlines(), delimiter=delimiter):
        for name in problem.written:
            entry, most = (row.get(name) or "").strip().replace(",", "."), problem.points[name]
            if not entry:
                continue
            try:
                points = float(entry)
            except ValueError:
                points = -1
            if not 0 <= points <= most:
                who = row.get("student")
                raise ValueError(f"{files.table}: {name} of {who} is {entry}, not 0 to {most}")
            if row.get("student") in found:
                found[row["student"]] = {**found[row["student"]], name: points}
    return found


def write(files, problem):
    """Write the table, the gradebook and the summary of a set from the results."""
    results = {student: files.read(student) for student in files.students()}
    results = {student: result for student, result in results.items() if result}
    files.folder.mkdir(parents=True, exist_ok=True)
    with files.table.open("w", encoding="utf-8", errors="replace", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["student", *problem.maxima, "total", "maximum", "remarks"])
        for student, result in results.items():
            points = by_question(problem, result)
            for name in problem.written:  # a teacher's column: only what a teacher wrote
                points[name] = result["by_hand"].get(name)
            cells = ["" if p is None else f"{p:g}" for p in points.values()]
            ends = [f"{total(problem, result):g}", f"{sum(problem.maxima.values()):g}"]
            table.writerow([student, *cells, *ends, remarks(problem, result)])
    _write_gradebook(files, problem, results)
    page = _summary(files, problem, results)
    files.summary.write_text(page, encoding="utf-8", errors="replace")


def _write_gradebook(files, problem, results):
    """Enter a set and its results in nbgrader's gradebook, in place of what it has of the set."""
    scripts = sysconfig.get_path("scripts")  # nbgrader calls alembic by name
    os.environ["PATH"] = os.pathsep.join([scripts, os.environ["PATH"]])
    with Gradebook(f"sqlite:///{files.gradebook}") as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's own, of how it fills in a submission
        try:
            gradebook.remove_assignment(problem.name)
        except MissingEntry:
            pass
        gradebook.add_assignment(problem.name)
        gradebook.add_notebook(problem.name, problem.name)
        for name, cell in problem.cells.items():
            where = (name, problem.name, problem.name)
            kind = {"cell_type": cell.cell_type}
            gradebook.add_source_cell(*where, source=cell.source, **kind)
            if cell.metadata.nbgrader.grade:
                gradebook.add_grade_cell(*where, max_score=problem.points[name], **kind)
            if cell.metadata.nbgrader.solution:
                gradebook.add_solution_cell(*where)
        for student, result in results.items():
            gradebook.update_or_create_student(student)
            submission = gradebook.add_submission(problem.name, student)
            for grade in submission.notebooks[0].grades:
                hand = by_question(problem, result).get(grade.name)
                grade.auto_score = result["scores"].get(grade.name)
                grade.manual_score = hand if grade.name in problem.written else None
                grade.needs_manual_grade = grade.name in problem.written and hand is None
        gradebook.db.commit()


class Feedback(HTMLExporter):
    """nbgrader's page of feedback; what a student wrote in Markdown brings no script along."""

    @pass_context
    def markdown2html(self, context, source):
        """Return a cell as HTML that does nothing."""
        return clean(super().markdown2html(context, source), MARKUP, {"a": ["href"]})


def write_feedback(files, problem, student):
    """Write the page that a student gets: the submission, what the tests say, the points."""
    result = files.read(student)
    points = by_question(problem, result) | result["scores"]
    said = [f"- {html.escape(remark)}" for remark in result["remarks"]]
    said += [f"- {name}: not graded yet" for name in problem.written if points[name] is None]
    head = nbformat.v4.new_markdown_cell(f"# {problem.name}: {student}\n\n" + "\n".join(said))
    notebook = nbformat.v4.new_notebook(cells=[head, *map(nbformat.from_dict, result["cells"])])
    notebook.metadata = problem.student.metadata
    for cell in notebook.cells:
        if "nbgrader" in cell.metadata and cell.metadata.nbgrader.grade:
            cell.metadata.nbgrader.score = points[cell.metadata.nbgrader.grade_id] or 0
    exporter = Feedback(
        template_name="feedback",
        extra_template_basedirs=[str(FORMS / "templates")],
        extra_template_paths=[str(FORMS / "static/node_modules/bootstrap/dist/css")],
        sanitize_html=True,
    )
    about = {"notebook": f"{problem.name}: {student}", "late_penalty": 0}
    about |= {"score": total(problem, result), "max_score": sum(problem.maxima.values())}
    page, _ = exporter.from_notebook_node(notebook, resources={"nbgrader": about})
    files.feedback(student).parent.mkdir(parents=True, exist_ok=True)
    files.feedback(student).write_text(page, encoding="utf-8", errors="replace")


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto }}
table {{ border-collapse: collapse }} td, th {{ padding: .2rem .8rem .2rem 0; text-align: left;
vertical-align: top }} .bar {{ background: #2a6f97; height: 1rem }} .warning {{ color: #a4161a }}
</style></head><body><h1>{title}</h1>{body}</body></html>
"""


def _summary(files, problem, results):
    """Return the page a teacher opens first: scores, difficulty, remarks."""
    most, everybody = sum(problem.maxima.values()), results
    results = {student: result for student, result in results.items() if result["cells"]}
    totals = [total(problem, result) for result in results.values()]
    mean = sum(totals) / max(len(totals), 1)
    body = f"<p>{len(totals)} of {len(everybody)} students handed in what could be graded, "
    body += f"with {mean:.1f} of {most:g} points on average.</p>"
    if not all(result["contained"] for result in results.values()):
        body += f'<p class="warning">{html.escape(NOT_CONTAINED)}</p>'
    bins = collections.Counter(min(int(10 * score / most), 9) for score in totals)
    rows = [
        [
            f"{most * i / 10:g} to {most * (i + 1) / 10:g}",
            bins[i],
            _bar(bins[i] / max(len(totals), 1)),
        ]
        for i in range(10)
    ]
    body += "<h2>Scores</h2>" + _table(["points", "submissions", ""], rows)
    rows = []
    for question, maximum in problem.maxima.items():
        graded = [by_question(problem, result)[question] for result in results.values()]
        graded = [points for points in graded if points is not None]
        share = sum(graded) / (maximum * len(graded)) if graded else 0
        full = sum(points == maximum for points in graded)
        said = collections.Counter(
            result["messages"][test]
            for test in problem.tests.get(question, [])
            for result in results.values()
            if result["messages"][test]
        )
        often = "<br>".join(f"{n} × {html.escape(text[:150])}" for text, n in said.most_common(3))
        rows.append([question, f"{share:.0%}", _bar(share), f"{full} of {len(graded)}", often])
    header = ["question", "mean", "", "full marks", "what the tests said most often"]
    body += "<h2>Questions</h2>" + _table(header, rows)
    rows = []
    for student, result in everybody.items():
        name = html.escape(student)
        link = f'<a href="feedback/{name}.html">{name}</a>'
        said = html.escape(remarks(problem, result))
        rows.append([link, f"{total(problem, result):g}", said])
    body += "<h2>Submissions</h2>" + _table(["student", "points", "remarks"], rows)
    return PAGE.format(title=f"Problem set {problem.name}", body=body)


def _bar(share):
    return f'<div class="bar" style="width: {12 * share:.2f}rem"></div>'


def _table(header, rows):
    cells = "".join(f"<th>{name}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{cells}</tr>{body}</table>"
