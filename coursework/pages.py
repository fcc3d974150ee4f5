"""Pages: feedback for students; for teachers a summary, a marking page per question, similarity.

A page is one file without scripts, and its policy lets none run. What students wrote is escaped by
the templates; their Markdown keeps the tags of `MARKUP` and nothing else.
"""

import collections
import contextlib
import secrets
import statistics
from pathlib import Path
from urllib.parse import quote

import jinja2
import pygments
from bleach import clean
from bs4 import BeautifulSoup
from markupsafe import Markup
from nbconvert.filters import strip_ansi
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from coursework.formulas import mathml
from coursework.results import NOT_MARKED, number
from coursework.safe import plain

#: What Markdown may turn into; any other tag is shown as it was typed.
MARKUP = set(
    "a b blockquote br code div em h1 h2 h3 h4 h5 h6 hr i img li ol p pre span strong sub sup "
    "table tbody td th thead tr ul".split()
)
#: How many characters are shown of a submission, and how many of a cell of Markdown as such: for
#: some texts the time grows with the square of their length.
LONGEST_PAGE, LONGEST_MARKDOWN = 500_000, 20_000
NOT_CONTAINED = (
    "WARNING: there is no working bubblewrap here. Submissions run with your own rights: they can "
    "read and write your files and use the network; only time, memory and size of files are "
    "limited."
)
NO_WALLS = (
    "Nothing is graded: there is no working bubblewrap here, which keeps a submission away from "
    "your files and the network. On Debian and Ubuntu: apt install bubblewrap. On Fedora: dnf "
    "install bubblewrap. On macOS and Windows: grade in a virtual machine with Linux (on Windows, "
    "WSL 2). To run other people's programs with your own rights all the same: --unconfined, or "
    "make grade UNCONFINED=yes."
)
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)
HIGHLIGHTING = HtmlFormatter(cssclass="highlight", style="a11y-high-contrast-light")
DARK_HIGHLIGHTING = HtmlFormatter(cssclass="highlight", style="a11y-high-contrast-dark")


class Renderer(IPythonRenderer):
    """Markdown to HTML, with formulas set aside: a mark stands for each."""

    def __init__(self):
        super().__init__(escape=False, exclude_anchor_links=True)
        self.mark = secrets.token_hex(8)
        self.formulas = []

    def _set_aside(self, latex, display):
        self.formulas.append((latex, display))
        return f"{self.mark}-{len(self.formulas) - 1}-"

    def block_math(self, body):  # noqa: D102
        return self._set_aside(body, True)

    def inline_math(self, body):  # noqa: D102
        return self._set_aside(body, False)

    def latex_environment(self, name, body):  # noqa: D102
        return self._set_aside(rf"\begin{{{name}}}{body}\end{{{name}}}", True)

    def image(self, text, url, title=None):  # noqa: D102
        return str(Markup('<img alt="{}" src="{}">').format(text, url))


def markdown(source, pictures=None):
    """Return Markdown as HTML that does nothing.

    Parameters
    ----------
    source : str
    pictures : dict, optional
        By the address that the text has for it, a picture as a notebook attaches it.
    """
    source = source.encode("utf-8", "replace").decode()
    if len(source) > LONGEST_MARKDOWN:
        return _text(source)
    renderer = Renderer()
    soup = BeautifulSoup(MarkdownWithMath(renderer=renderer)(source), "html.parser")
    for image in soup("img"):
        address, name = str(image.get("src", "")), str(image.get("alt", ""))
        picture = (pictures or {}).get(address)
        if picture:
            ((kind, data),) = picture.items()
            image.attrs = {"src": f"data:{kind};base64,{data}", "alt": name or "picture"}
        else:
            image.replace_with(f"[picture not shown: {plain(address, 60)}]")

    def allowed(tag, name, value):
        if tag == "img":
            return name == "alt" or (name == "src" and value.startswith("data:image/"))
        return name == "href" and value.startswith(("http://", "https://", "mailto:"))

    protocols = {"http", "https", "mailto", "data"}
    page = clean(str(soup), MARKUP, {"img": allowed, "a": allowed}, protocols=protocols)
    for index, (latex, display) in enumerate(renderer.formulas):
        source = Markup("<code>{}</code>").format(latex)
        page = page.replace(f"{renderer.mark}-{index}-", mathml(latex, display) or source)
    return Markup(page)


def _text(source):
    return Markup("<pre>{}</pre>").format(source)


def _code(source, _):
    return Markup(pygments.highlight(source, PythonLexer(), HIGHLIGHTING))


def rendered(cells, markup=True):
    """Return the cells of a submission as its result keeps them: with the HTML that pages show.

    Whatever was handed in, there is not more of it than fits into a page; answers come first.

    Parameters
    ----------
    cells : list of dict
        As in a notebook.
    markup : bool
        Whether Markdown and colours count; a text as it was typed takes no time.
    """
    room, shown, seen = LONGEST_PAGE, {}, {None}
    for place in sorted(range(len(cells)), key=lambda n: "nbgrader" not in cells[n]["metadata"]):
        cell = cells[place]
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        if room <= 0 and name in seen:
            continue
        seen.add(name)
        source = cell["source"][: max(room, 0)]
        room -= 200 + len(source)
        html = _text(source)
        if markup:
            make = markdown if cell["cell_type"] == "markdown" else _code
            with contextlib.suppress(Exception):  # whatever it holds, the page goes on
                html = make(source, cell.get("attachments"))
        shown[place] = {
            "cell_type": cell["cell_type"],
            "source": source,
            "metadata": cell["metadata"],
            "html": str(html),
            "outputs": [_output(output) for output in cell.get("outputs", [])],
        }
    return [shown[place] for place in sorted(shown)]


def _cells(assessment, cells):
    """Return cells of a result as the templates show them."""
    problem, shown = assessment.problem, []
    for cell in cells:
        name = cell["metadata"].get("nbgrader", {}).get("grade_id")
        is_test = name in assessment.result["scores"]
        test = is_test and {
            "name": name,
            "points": number(assessment.points(name)),
            "maximum": number(problem.points[name]),
            "message": assessment.result["messages"][name],
        }
        answer = name in problem.maxima and problem.titles[name]
        shown.append(
            {"kind": cell["cell_type"], "html": Markup(cell["html"]), "test": test,
             "outputs": [] if is_test else cell["outputs"], "question": answer}
        )  # fmt: skip
    return shown


def _output(output):
    """Return an output as the templates show it: its picture, or its text."""
    if output["output_type"] == "stream":
        return {"image": None, "text": strip_ansi(output["text"])}
    ((kind, data),) = output["data"].items()
    return {"image": f"data:{kind};base64,{data}"}


def _page(template, title, **values):
    styles = {
        "highlighting": Markup(HIGHLIGHTING.get_style_defs(".highlight")),
        "dark_highlighting": Markup(DARK_HIGHLIGHTING.get_style_defs(".highlight")),
    }
    return TEMPLATES.get_template(template).render(title=title, **styles, **values)


def feedback(assessment):
    """Return the page that a student gets."""
    problem, result = assessment.problem, assessment.result
    changed = {name: old for name, old, _ in assessment.changes}
    questions = [
        {
            "title": problem.titles[name],
            "points": number(assessment.points(name)) or NOT_MARKED,
            "tests": number(changed[name]) if name in changed else None,
            "maximum": number(maximum),
            "comment": assessment.comment(name),
        }
        for name, maximum in problem.maxima.items()
    ]
    return _page(
        "feedback.html",
        plain(f"{problem.name}: {assessment.student}"),
        questions=questions,
        deducted=number(assessment.deducted) if assessment.deducted else "",
        late=assessment.late.note,
        total=number(assessment.total),
        so_far=number(assessment.so_far),
        maximum=number(assessment.maximum),
        comment=assessment.comment(""),
        remarks=[plain(remark) for remark in result["remarks"]],
        cells=_cells(assessment, result["cells"]),
    )


def marking(problem, question, assessments, code):
    """Return the page that shows the answers of all to one question, without names."""
    answers = []
    for one in sorted(assessments, key=lambda one: code(one.student)):
        if one.submitter == one.student and one.result["cells"]:
            points = number(one.points(question)) or NOT_MARKED
            cells = _cells(one, _around(problem, question, one.result["cells"]))
            answers.append(
                {"code": code(one.student), "points": points, "cells": cells,
                 "comment": one.comment(question)}
            )  # fmt: skip
    source = problem.cells[question].source
    model = {"kind": "markdown", "html": markdown(source), "test": None, "outputs": [],
             "question": None}  # fmt: skip
    return _page(
        "marking.html",
        f"{problem.name}: {problem.titles[question]}",
        table=f"{question}.csv",
        maximum=number(problem.maxima[question]),
        model=[model] if question in problem.written else [],
        answers=answers,
    )


def _around(problem, question, cells):
    """Return the cells of an answer: it, its tests, and the student's own beside it."""
    wanted = {question, *problem.tests.get(question, [])}
    released = {cell.source.strip() for cell in problem.student.cells}
    names = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in cells]
    own = [
        name is None and cell["source"].strip() not in released
        for name, cell in zip(names, cells, strict=True)
    ]
    chosen = [name in wanted for name in names]
    for order in (range(len(cells)), range(len(cells) - 1, -1, -1)):
        before = False
        for index in order:
            chosen[index] |= own[index] and before
            before = chosen[index]
    return [cell for cell, take in zip(cells, chosen, strict=True) if take]


def summary(problem, assessments, pairs):
    """Return the page a teacher opens first: scores, difficulty, changes, remarks."""
    graded = [one for one in assessments if one.result["cells"]]
    most = sum(problem.maxima.values())
    scores = [one.so_far - one.deducted for one in graded]
    bins = collections.Counter(min(int(10 * score / most), 9) for score in scores)
    rows = [
        {
            "range": f"{most * i / 10:g} to {most * (i + 1) / 10:g}",
            "count": bins[i],
            "width": f"{12 * bins[i] / max(len(scores), 1):.2f}",
        }
        for i in range(10)
    ]
    changes = [
        [plain(one.student), problem.titles.get(name, name), number(old), number(new),
         one.comment(name)]
        for one in assessments for name, old, new in one.changes
    ]  # fmt: skip
    return _page(
        "summary.html",
        f"Problem set {problem.name}",
        graded=len(graded),
        everybody=len(assessments),
        mean=f"{statistics.fmean(scores):.1f}" if scores else "0",
        maximum=number(most),
        unmarked=sum(len(one.unmarked) for one in graded),
        warning="" if all(one.result["contained"] for one in assessments) else NOT_CONTAINED,
        pairs=len(pairs),
        bins=rows,
        questions=[_question(problem, name, graded) for name in problem.maxima],
        changes=changes,
        students=[
            {
                "student": plain(one.student),
                "link": f"feedback/{_address(one.student)}.html",
                "points": number(one.so_far - one.deducted),
                "remarks": "; ".join(plain(remark) for remark in one.remarks()),
            }
            for one in assessments
        ],
    )


def _question(problem, name, graded):
    """Return a row of the summary: how hard a question was, and what the tests said."""
    maximum = problem.maxima[name]
    points = [one.points(name) for one in graded if one.points(name) is not None]
    share = sum(points) / (maximum * len(points)) if points else 0
    said = collections.Counter(
        plain(one.result["messages"][test], 150)
        for test in problem.tests.get(name, [])
        for one in graded
        if one.result["messages"][test]
    )
    return {
        "title": problem.titles[name],
        "link": f"marking/{quote(name)}.html",
        "share": f"{share:.0%}",
        "width": f"{12 * share:.2f}",
        "full": f"{sum(p == maximum for p in points)} of {len(points)}",
        "messages": [(count, message) for message, count in said.most_common(3)],
    }


def similarity(problem, pairs):
    """Return the page of submissions that resemble each other."""
    rows = [
        {
            "share": f"{pair.share:.0%}",
            "pieces": pair.pieces,
            "students": [plain(student) for student in pair.students],
            "links": [f"feedback/{_address(student)}.html" for student in pair.students],
            "example": plain(pair.example),
        }
        for pair in pairs
    ]
    return _page("similarity.html", f"{problem.name}: similar submissions", pairs=rows)


def _address(student):
    """Return a student's name as part of an address."""
    return quote(student.encode("utf-8", "surrogateescape"))


def write(path, page):
    """Write a page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8", errors="replace")
