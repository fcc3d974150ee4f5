"""A term with a class: marks that last, pictures, hostile names, Moodle and Canvas, late days."""

import base64
import io
import os
import re
import shutil
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import nbformat
import pytest

pytest.importorskip("resource", reason="grading needs Linux or macOS")
pytest.importorskip("nbgrader", reason="the environment has no nbgrader: `make test` installs it")

from bs4 import BeautifulSoup  # noqa: E402
from classroom import (  # noqa: E402
    QUICK,
    SAMPLE,
    WRONG_ANSWERS,
    answered,
    edit,
    feedback,
    hand_in,
    save,
    table,
)
from PIL import Image  # noqa: E402

from coursework import formulas, grade, lms, pages, pictures, problems, safe, tables  # noqa: E402
from coursework import similarity as similar  # noqa: E402
from coursework.course import Course  # noqa: E402
from coursework.results import Assessment, Files, empty, read_json  # noqa: E402
from coursework.sandbox import Sandbox  # noqa: E402

STUDENTS = ["0012345", "0000777", "Jürgen Łoś", "ada", "=1+1"]


@pytest.fixture(scope="module")
def sample():
    """Return the sample set."""
    return problems.read(SAMPLE, "sample")


@pytest.fixture(scope="module")
def graded(sample, tmp_path_factory):
    """Return a coursework folder with a graded class."""
    home = tmp_path_factory.mktemp("term") / "home"
    shutil.copytree(SAMPLE, home)
    for student in STUDENTS:
        hand_in(home, student, answered(sample))
    grade.grade_all(home, limits=QUICK, unconfined=True)
    return home


@pytest.fixture
def term(graded, tmp_path):
    """Return a copy of the graded class, to mark."""
    return shutil.copytree(graded, tmp_path / "home", symlinks=True)


@pytest.fixture
def regrade(monkeypatch):
    """Return what grades again in this very process, one after the other: it is quicker."""

    class Now:
        def __init__(self, jobs):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def submit(self, function, *arguments):
            future = Future()
            future.set_result(function(*arguments))
            return future

    class Process:
        exitcode = 0

        def __init__(self, target, args):
            self.run = lambda: target(*args)

        def start(self):
            self.run()

        def join(self, seconds):
            pass

        def is_alive(self):
            return False

    context = SimpleNamespace(Process=Process, set_forkserver_preload=lambda modules: None)
    monkeypatch.setattr(grade.multiprocessing, "get_context", lambda kind: context)
    monkeypatch.setattr(grade, "ThreadPoolExecutor", Now)
    monkeypatch.setattr(grade.resource, "setrlimit", lambda *_: None)
    return lambda home: grade.grade_all(home, limits=QUICK, jobs=1, unconfined=True)


# Marks


def read_grades(home):
    return tables.read(home / "graded" / "sample" / "grades.csv")


DAMAGE = {
    "zeros": ("utf-8", ",", lambda rows: [r | {"student": r["student"].lstrip("0")} for r in rows]),
    "semicolons": ("utf-8", ";", lambda rows: rows),
    "tabs": ("utf-16", "\t", lambda rows: rows),
    "order": ("utf-8", ",", lambda rows: rows[::-1]),
    "mark": ("utf-8-sig", ",", lambda rows: rows),
    "windows": ("cp1252", ";", lambda rows: [r | {"student": r["student"].replace("Ł", "?")
                                             .replace("ś", "?")} for r in rows]),
    "names alone": ("utf-8", ",", lambda rows: [r | {"code": ""} for r in rows]),
    "codes alone": ("utf-8", ",", lambda rows: [r | {"student": ""} for r in rows]),
    "twice taken": ("utf-8", ",", lambda rows: [
        r | {"student": r["student"].encode().decode("cp1252", "replace"), "code": ""} for r in rows
    ]),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_marks_survive_a_spreadsheet(term, regrade, damage):
    encoding, delimiter, change = DAMAGE[damage]
    header, rows = read_grades(term)
    given = {row["student"].lstrip("'"): f"{n / 4}" for n, row in enumerate(rows)}
    for row in rows:
        row["explain"] = given[row["student"].lstrip("'")].replace(
            ".", "," if delimiter == ";" else "."
        )
    save(term / "graded" / "sample" / "grades.csv", header, change(rows), encoding, delimiter)
    regrade(term)
    now = {student.lstrip("'"): row for student, row in table(term).items()}
    assert {s: float(row["explain"]) for s, row in now.items()} == {
        s: float(points) for s, points in given.items()
    }
    assert all(float(now[s]["total"]) == 6 + float(given[s]) for s in given)


def every_file(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "entries, said",
    [
        ({"student": "adda", "code": ""}, "the row of adda matches no submission"),
        ({"student": "1.2E+09", "code": ""}, r"the row of 1.2E\+09 matches no submission"),
        ({"student": "777", "code": "zzzzzzz"}, "the row of 777 matches no submission"),
        ({"student": "", "code": ""}, "the row of nobody matches no submission"),
        ({"student": "777"}, "the row of 777 [a-z]{7} may be that of 0000777, ada"),
        ({"student": "12345", "explain": "1", "code": ""}, "two rows of 0012345 differ in explain"),
    ],
)
def test_a_row_that_is_nobodys_is_refused_before_anything_is_written(term, regrade, entries, said):
    edit(term, "0012345", explain="2")
    edit(term, "ada", **entries)
    before = every_file(term)
    with pytest.raises(ValueError, match=said):
        regrade(term)
    assert every_file(term) == before


def test_two_students_that_a_spreadsheet_makes_alike_are_not_guessed(sample, term, regrade):
    hand_in(term, "12345x", answered(sample))
    shutil.move(term / "submitted" / "12345x", term / "submitted" / "012345")
    edit(term, "0012345", student="12345", code="", explain="1")
    with pytest.raises(ValueError, match="the row of 12345  may be that of 0012345, 012345"):
        regrade(term)


def test_the_table_that_was_there_is_kept(term, regrade):
    edit(term, "ada", explain="1")
    path = term / "graded" / "sample" / "grades.csv"
    theirs = path.read_bytes()
    regrade(term)
    kept = list((path.parent / "backup").glob("grades-*.csv"))
    assert [file.read_bytes() for file in kept] == [theirs]
    regrade(term)  # nothing new, nothing kept
    assert len(list((path.parent / "backup").iterdir())) == 1


def test_the_teachers_word_outlasts_every_regrade(sample, term, regrade):
    comment = "Half a <b>proof</b>,\nada"
    edit(term, "ada", offset="1.5", **{"spread-2": "1", "comment on offset": comment, "seat": "4b"})
    regrade(term)
    hand_in(term, "ada", answered(sample, spread="spread = 1"))
    regrade(term)
    (term / "graded" / "sample" / "grades.csv").unlink()
    regrade(term)
    row = table(term)["ada"]
    assert (row["offset"], row["spread"], row["spread-2"], row["so far"]) == (
        "1.5",
        "1",
        "1",
        "2.5",
    )
    assert (row["comment on offset"], row["seat"]) == ("Half a <b>proof</b>, ada", "4b")
    assert "offset: 3 by the tests, 1.5 by the teacher" in row["remarks"]
    assert "offset: the submission changed since it was marked" in row["remarks"]
    page = BeautifulSoup(feedback(term, "ada"), "html.parser").get_text(" ")
    assert "Half a <b>proof</b>" in page and "(3 by the tests)" in page
    summary = (term / "graded" / "sample" / "index.html").read_text("utf-8")
    listed = BeautifulSoup(summary, "html.parser").get_text(" ")
    assert re.search(r"ada\s+1\. Offset\s+3\s+1\.5\s+Half a", listed)
    edit(term, "ada", offset="-", **{"spread-2": "-", "comment on offset": "-"})
    regrade(term)
    row = table(term)["ada"]
    assert (row["offset"], row["spread"], row["comment on offset"]) == ("3", "0", "")
    assert "by the teacher" not in row["remarks"]


def test_what_was_not_edited_is_no_mark(sample, term, regrade):
    edit(term, "ada", explain="1")  # the other columns stay as they were written
    hand_in(term, "ada", answered(sample, WRONG_ANSWERS))
    regrade(term)
    row = table(term)["ada"]
    assert (row["offset"], row["spread"], row["explain"]) == ("0", "0", "1")
    assert list(read_json(Files(term, "sample").marks)["ada"]["points"]) == ["explain"]


def test_one_question_is_marked_without_names(term, regrade):
    marking = term / "graded" / "sample" / "marking"
    page = (marking / "explain.html").read_text("utf-8")
    files = Files(term, "sample")
    codes = {files.code(student): student for student in STUDENTS}
    assert all(code in page for code in codes) and "Model answer" in page
    assert not any(student in page for student in STUDENTS if len(student) > 4)
    header, rows = tables.read(marking / "explain.csv")
    assert [row["code"] for row in rows] == sorted(codes)
    for number, row in enumerate(rows):
        row |= {"points": f"{number / 4}", "comment": f"No. {number}"}
    save(marking / "explain.csv", header, rows, "cp1252", ";")
    regrade(term)
    for number, code in enumerate(sorted(codes)):
        row = {s.lstrip("'"): r for s, r in table(term).items()}[codes[code]]
        assert (float(row["explain"]), row["comment on explain"]) == (number / 4, f"No. {number}")
    edit(term, "ada", explain="2")
    rows[[row["code"] for row in rows].index(files.code("ada"))]["points"] = "1.75"
    save(marking / "explain.csv", header, rows)
    with pytest.raises(ValueError, match="explain of ada is 1.75 in .* but 2 in"):
        regrade(term)


# Pictures


def picture(size=(40, 30), kind="PNG", color="red"):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, kind)
    return file.getvalue()


def shown(page):
    """Return the pictures of a page, decoded."""
    images = BeautifulSoup(page, "html.parser")("img")
    data = [image["src"].partition("base64,")[2] for image in images]
    return [Image.open(io.BytesIO(base64.b64decode(one))) for one in data]


@pytest.fixture(scope="module")
def illustrated(sample, tmp_path_factory):
    """Return the home of a student who hands in pictures of all kinds."""
    home = tmp_path_factory.mktemp("pictures") / "home"
    shutil.copytree(SAMPLE, home)
    notebook = answered(
        sample,
        explain="![derivation](attachment:image.png) ![other](photos/my%20page.jpg)\n\n"
        "![gone](attachment:gone.png) ![far](http://example.org/x.png) ![broken](broken.png)\n\n"
        '<img src="javascript:alert(1)" onerror="alert(2)">',
    )
    cells = problems.by_id(notebook)
    big = base64.b64encode(picture((4000, 3000), color="blue")).decode()
    cells["explain"].attachments = {"image.png": {"image/png": big}}
    plot = "import matplotlib.pyplot as plt\n%matplotlib inline\nplt.plot([1, 2])\nplt.show()"
    notebook.cells.insert(2, nbformat.v4.new_code_cell(plot))
    folder = hand_in(home, "ada", notebook)
    (folder / "photos").mkdir()
    (folder / "photos" / "my page.jpg").write_bytes(picture((300, 200), "JPEG", "green"))
    (folder / "unnamed.png").write_bytes(picture((50, 50)))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (folder / "large.png").write_bytes(b"\x89PNG" + bytes(pictures.LARGEST))
    (folder / "link.png").symlink_to("/etc/hostname")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    grade.grade_all(home, limits=QUICK, unconfined=True)
    return home


def test_pictures_show_in_the_feedback_and_where_marks_are_given(illustrated):
    page = feedback(illustrated, "ada")
    found = shown(page)
    sizes = sorted(image.size for image in found)
    assert len(found) == 4, table(illustrated)["ada"]["remarks"]
    assert {(50, 50), (300, 200), (1600, 1200)} <= set(sizes)
    assert {image.format for image in found} == {"JPEG", "PNG"}
    (blue,) = [image for image in found if image.size == (1600, 1200)]
    assert blue.getpixel((5, 5))[2] > 200
    marking = (illustrated / "graded" / "sample" / "marking" / "explain.html").read_text("utf-8")
    assert {(300, 200), (1600, 1200)} <= {image.size for image in shown(marking)}


def test_what_is_no_picture_is_said(illustrated):
    row = table(illustrated)["ada"]
    for remark in [
        "broken.png is not shown: it is no picture",
        "large.png is not shown: it is larger than 12 MB",
        "attachment:gone.png is missing",
        "link.png is a link and was not followed",
        "handed in besides, not looked at: notes.pdf",
    ]:
        assert remark in row["remarks"]
    assert row["so far"] == "6"
    page = feedback(illustrated, "ada")
    assert "onerror" not in page and "javascript:" not in page.replace(
        "[picture not shown: java", ""
    )


@pytest.mark.parametrize(
    "pixels",
    [None, [], [1, 1], [1, 1, "AAA"], [2, 2, "AAAA"], [True, 1, "AAAA"], [-1, -1, "AAAA"],
     [10**6, 1, "AAAA"], ["1", 1, "AAAA"], [0, 0, ""]],
)  # fmt: skip
def test_pixels_that_are_none_are_refused(pixels):
    with pytest.raises(ValueError, match="not a picture"):
        pictures.from_pixels(pixels, "png", 800)
    assert pictures.plots([pixels]) == []


def test_a_photograph_of_a_telephone_is_opened():
    with Sandbox(QUICK) as box:
        width, height, data = box.pixels((Path(__file__).parent / "red.heic").read_bytes(), 800)
    red, green, blue = base64.b64decode(data)[:3]
    assert (width, height) == (64, 48) and red > 200 > 50 > max(green, blue)


# Whatever it holds


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells["explain"].update(source="$" + "{" * 5000 + "$ \\begin{a}" * 50),
        lambda cells: cells["explain"].update(source="[" * 20_000 + "](" * 20_000),
        lambda cells: cells["explain"].update(source="> " * 3000 + "x"),
        lambda cells: cells["explain"].update(source="<div>" * 5000),
        lambda cells: cells["explain"].update(source="\x00\x1b[31m\u202e\ud800"),
        lambda cells: cells["explain"].update(source="x" * 10**6),
        lambda cells: cells["explain"].update(attachments={"a": {"image/png": "?"}}),
        lambda cells: cells["offset"].update(source="def offset(X):\n\t\x0c\x00return '"),
    ],
)  # fmt: skip
def test_each_submission_ends_with_a_page(sample, change):
    cells = problems.by_id(answered(sample))
    change(cells)
    result = empty(sample) | {"cells": pages.rendered([cells["offset"], cells["explain"]])}
    page = pages.feedback(Assessment(sample, "ada", result))
    text = page.encode("utf-8", "replace").decode()
    assert "Answer to 3. Explain" in text and "not marked yet" in text


def test_a_text_that_cannot_be_set_is_shown_as_it_was_typed(monkeypatch):
    monkeypatch.setattr(pages, "MarkdownWithMath", None)
    cell = {"cell_type": "markdown", "source": "**a** <b>", "metadata": {}}
    assert pages.rendered([cell])[0]["html"] == "<pre>**a** &lt;b&gt;</pre>"


# Names of any kind

HOSTILE = [
    "<script>alert(1)</script>", '" onmouseover="alert(1)', "javascript:alert(1)", "=HYPERLINK(1)",
    "+1", "-1", "@SUM(1)", "a\tb", "a\nb", "\x1b[2J\x1b]0;title\x07", "\u202egnp.exe", "a;=1+1",
    "{{ 7 * 7 }}", "%2e%2e", "&lt;b&gt;", "'; DROP TABLE student; --", "\udcff", "]]>", "#x?y=1",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_does_nothing_at_any_sink(sample, tmp_path, capsys, name):
    files = Files(tmp_path, "sample")
    (tmp_path / "graded").mkdir()
    folder = name.replace("/", "_")
    code = f"class E(Exception): pass  # {name}"
    cells = [
        {"cell_type": "code", "source": code, "metadata": {"nbgrader": {"grade_id": "offset"}},
         "outputs": [{"output_type": "stream", "name": "stdout", "text": name}]},
        {"cell_type": "markdown", "source": f"{name} [x]({name}) ![{name}]({name}) <i {name}>",
         "metadata": {"nbgrader": {"grade_id": "explain"}}, "attachments": {}},
    ]  # fmt: skip
    result = empty(sample) | {"cells": pages.rendered(cells)}
    result["remarks"] = [f"a cell raises {name}"]
    result["messages"] = dict.fromkeys(result["messages"], f"`{name}` raises {name}: {name}")
    one = Assessment(sample, folder, result, {"comments": {"": name}}, submitter=folder)
    twin = Assessment(sample, f"{folder}2", result, submitter=f"{folder}2")
    pair = similar.Pair((folder, f"{folder}2"), 0.9, 20, name)
    made = [
        pages.feedback(one),
        pages.summary(sample, [one, twin], [pair]),
        pages.marking(sample, "explain", [one, twin], files.code),
        pages.similarity(sample, [pair]),
    ]
    for page in made:
        soup = BeautifulSoup(page, "html.parser")
        assert "default-src 'none'" in soup.find("meta", {"http-equiv": True})["content"]
        assert not soup("script") and not soup("iframe") and not soup("svg") and not soup("base")
        for tag in soup():
            assert not [attribute for attribute in tag.attrs if attribute.startswith("on")]
            for address in (tag.get("href", ""), tag.get("src", "")):
                assert re.match(
                    r"(https?:|mailto:|data:image/|feedback/|marking/|similarity|$)", address
                )
        assert "49" not in soup.title.get_text()
    where = BeautifulSoup(made[1], "html.parser").find("a", href=re.compile("^feedback/"))["href"]
    assert where == f"feedback/{quote(folder.encode('utf-8', 'surrogateescape'))}.html"
    grade.marks.write(files, sample, [one])
    header, (row,) = tables.read(files.table)
    for entry in row.values():
        assert not entry.startswith(("=", "+", "-", "@")) and entry.isprintable(), entry
    data = files.table.read_text("utf-8")
    assert all(line.startswith('"') for line in data.splitlines())  # no cell begins at a ;
    safe.say(f"{name}: {name}")
    assert capsys.readouterr().out.rstrip("\n").isprintable()
    grade.gradebook.write(files, sample, [one])
    known = grade.marks.read(files, sample, [folder], lambda student, mine: None)
    assert list(known) in ([], [folder])


def test_formulas_are_set_without_a_script():
    page = pages.markdown(r"$\mathbf x = W\mathbf h$ and $$\begin{aligned} a &= b \end{aligned}$$")
    assert page.count("<math") == 2 and "𝐱" in page and "<mtable" in page
    assert pages.markdown(r"$\nosuch$") == "<p><code>\\nosuch</code></p>\n"
    assert formulas.mathml(r"\href{javascript:alert(1)}{x}") is None
    assert formulas.mathml(r"\boxed{x}") is None  # not an element that all browsers know
    assert formulas.mathml(r"\newcommand{\x}{x} \x") is None  # could nest without end
    assert "<script" not in formulas.mathml(r"\text{<script>}")
    assert formulas.mathml("{" * 1000 + "}" * 1000) and formulas.mathml("x" * 2001) is None


def test_each_formula_of_the_sets_is_set():
    home = SAMPLE.parents[2] / "coursework"
    found = 0
    for name in problems.sets(home):
        for cell in problems.read(home, name).teacher.cells:
            if cell.cell_type == "markdown":
                page = pages.markdown(cell.source)
                assert "<code>\\" not in page, cell.source
                found += page.count("<math")
    assert found > 300 or not problems.sets(home)


# Moodle and Canvas


def archive(path, entries, date=(2026, 11, 20, 12, 0, 0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        for name, data in entries.items():
            file.writestr(zipfile.ZipInfo(name, date), data)


def test_moodle_comes_in_and_goes_out(sample, tmp_path, capsys):
    home = shutil.copytree(SAMPLE, tmp_path / "home")
    text = nbformat.writes(answered(sample))
    downloads = home / "downloads" / "sample"
    archive(downloads / "c1-Set-99.zip", {
        "Ada Lovelace_71_assignsubmission_file_/sample.ipynb": text,
        "Ada Lovelace_71_assignsubmission_file_/page.png": picture(),
        "Emmy Noether_72_assignsubmission_file_sample.ipynb": text,
        "Emmy Noether_73_assignsubmission_file_/sample.ipynb": "no notebook",
        "..\\..evil_74_assignsubmission_file_/../../sample.ipynb": text,
        "../../bad_75_assignsubmission_file_/sample.ipynb": text,
        "readme.txt": "?",
    })  # fmt: skip
    grade.grade_all(home, limits=QUICK, unconfined=True)
    rows = table(home)
    assert set(rows) == {"Ada Lovelace", "Emmy Noether_72", "Emmy Noether_73", "_..evil"}
    assert (
        "../../bad_75_assignsubmission_file_/sample.ipynb is no student's"
        in capsys.readouterr().out
    )
    assert not (tmp_path / "sample.ipynb").exists() and not (home / "evil").exists()
    header, out = tables.read(home / "graded" / "sample" / "moodle.csv")
    assert {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"} <= set(header)
    by = {row["Identifier"]: row for row in out}
    assert by["Participant 71"]["Grade"] == ""  # words are not marked yet
    assert by["Participant 73"]["Grade"] == "0"
    edit(home, "Ada Lovelace", explain="2", comment="<b>=good</b>")
    save(
        downloads / "worksheet.csv",
        [
            "Identifier",
            "Full name",
            "ID number",
            "Grade",
            "Maximum Grade",
            "Last modified (grade)",
            "Last modified (submission)",
            "Feedback comments",
        ],
        [
            {
                "Identifier": "Participant 71",
                "Full name": "Ada Lovelace",
                "Maximum Grade": "100,00",
                "Last modified (grade)": "Friday, 20 November 2026, 1:05 PM",
                "Last modified (submission)": "Friday, 20 November 2026, 11:34 AM",
            },
            {"Identifier": "Participant 80", "Full name": "Nobody", "Maximum Grade": "100,00"},
        ],
    )
    grade.grade_all(home, limits=QUICK, unconfined=True)
    _, out = tables.read(home / "graded" / "sample" / "moodle.csv")
    assert [row["Grade"] for row in out] == ["100", ""]
    assert out[0]["Last modified (grade)"] == "Friday, 20 November 2026, 1:05 PM"
    assert out[0]["Feedback comments"] == "&lt;b&gt;=good&lt;/b&gt;"
    origin = read_json(Files(home, "sample").origins)["Ada Lovelace"]
    assert origin["handed_in"] == "2026-11-20T11:34:00"


def test_canvas_comes_in_and_goes_out(sample, tmp_path, capsys):
    home = shutil.copytree(SAMPLE, tmp_path / "home")
    text = nbformat.writes(answered(sample))
    downloads = home / "downloads" / "sample"
    archive(downloads / "submissions.zip", {
        "lovelaceada_501_9001_sample.ipynb": text,
        "noetheremmy_LATE_502_9002_sample-1.ipynb": text,
    })  # fmt: skip
    (home / "course.toml").write_text("[due]\nsample = 2026-01-01\n")
    files = Files(home, "sample")
    assert lms.unpack(files) == []
    assert sorted(files.students()) == ["lovelaceada_501", "noetheremmy_502"]
    course = Course(home)
    assert course.late(files, "lovelaceada_501").note == ""
    assert "not known by how much" in course.late(files, "noetheremmy_502").note
    theirs = files.submission("lovelaceada_501") / "sample.ipynb"
    theirs.write_text("mended by the teacher")
    lms.unpack(files)  # the same archive: what a teacher changed stays
    assert theirs.read_text() == "mended by the teacher"
    archive(downloads / "submissions2.zip", {"lovelaceada_501_9003_sample-1.ipynb": text + " "})
    os.utime(downloads / "submissions2.zip", (4e9, 4e9))
    lms.unpack(files)
    assert theirs.read_text() == text + " "
    (kept,) = (files.folder / "backup").iterdir()
    assert (kept / "sample.ipynb").read_text() == "mended by the teacher"
    save(downloads / "gradebook.csv",
         ["Student", "ID", "SIS Login ID", "Section", "Sample set (4711)", "Other (4712)"],
         [{"Student": "    Points Possible", "Sample set (4711)": "16", "Other (4712)": "5"},
          {"Student": "Lovelace, Ada", "ID": "501", "SIS Login ID": "al", "Section": "A",
           "Other (4712)": "3"}])  # fmt: skip
    result = empty(sample) | {"cells": [{}], "scores": dict.fromkeys(empty(sample)["scores"], 1)}
    marked = Assessment(sample, "lovelaceada_501", result, {"points": {"explain": 1.5}})
    waiting = Assessment(sample, "noetheremmy_502", result)
    assert lms.export(files, sample, [marked, waiting]) == [files.folder / "canvas.csv"]
    header, rows = tables.read(files.folder / "canvas.csv")
    assert header == ["Student", "ID", "SIS Login ID", "Section", "Sample set (4711)"]
    assert [row["Sample set (4711)"] for row in rows] == ["16", "11", ""]
    assert rows[1]["ID"] == "501"


def test_a_broken_archive_is_said(tmp_path):
    (tmp_path / "downloads" / "sample").mkdir(parents=True)
    (tmp_path / "downloads" / "sample" / "x.zip").write_text("no zip")
    with pytest.raises(ValueError, match="not an archive that can be read"):
        lms.unpack(Files(tmp_path, "sample"))


def zipped(entries):
    """Return the bytes of an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as inner:
        for name, data in entries.items():
            inner.writestr(name, data)
    return file.getvalue()


def test_an_archive_in_the_archive_is_opened(sample, tmp_path):
    text = nbformat.writes(answered(sample))
    kinds = {
        "ada_1_11": {"hw/sample.ipynb": text, "hw/photos/page.png": picture(),
                     "__MACOSX/hw/._sample.ipynb": "x", "hw/.old/sample.ipynb": "old",
                     "second/sample.ipynb": "not the first"},
        "eve_2_12": {"../../sample.ipynb": text, "/etc/passwd": "x", "C:\\x\\a.png": picture(),
                  f"{'答' * 250}.png": picture(), 'a"<b>.png': picture()},
        "bob_3_13": {"sample.ipynb": text} | {f"{n}.png": bytes(lms.LARGEST) for n in range(9)},
        "max_4_14": {f"{n}.txt": "x" for n in range(99)},
    }  # fmt: skip
    entries = {f"{who}_hw.zip": zipped(files) for who, files in kinds.items()}
    entries["kim_5_15_hw.zip"] = b"no archive"
    entries["lea_6_16_sample.ipynb"] = text
    archive(tmp_path / "downloads" / "sample" / "x.zip", entries)
    files = Files(tmp_path, "sample")
    remarks = lms.unpack(files)
    assert sorted(p.name for p in files.submission("ada_1").iterdir()) == [
        "page.png",
        "sample.ipynb",
    ]
    assert (files.submission("ada_1") / "sample.ipynb").read_text("utf-8") == text
    assert {p.name for p in files.submission("eve_2").iterdir()} == {
        "sample.ipynb", "passwd", "a.png", "a__b_.png", f"{'答' * 38}.png"
    }  # fmt: skip
    inside = {path.resolve().is_relative_to(tmp_path) for path in tmp_path.rglob("*")}
    assert inside == {True} and not (tmp_path.parent / "sample.ipynb").exists()
    size = sum(path.stat().st_size for path in files.submission("bob_3").iterdir())
    assert size <= 4 * lms.LARGEST and (files.submission("bob_3") / "sample.ipynb").exists()
    assert len(list(files.submission("max_4").iterdir())) == lms.MOST
    assert any("kim_5_15_hw.zip: not an archive" in remark for remark in remarks)
    assert any("is too large or one too many" in remark for remark in remarks)


def test_an_archive_that_swells_is_cut(tmp_path):
    entry = "lovelaceada_501_9001_sample.ipynb"
    archive(tmp_path / "downloads" / "sample" / "x.zip", {entry: bytes(lms.LARGEST + 1)})
    (remark,) = lms.unpack(Files(tmp_path, "sample"))
    assert "is too large" in remark


# Dates and groups

DUE = datetime(2026, 11, 20, 18)


def dated(home, student, name, hours):
    folder = home / "submitted" / student / name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ipynb"
    path.write_text("{}")
    moment = DUE.timestamp() + 3600 * hours
    os.utime(path, (moment, moment))


RULES = """
late_days = 3
penalty = 0.1
groups = [["ada", "emmy"], ["kurt", "alan"]]
[due]
first = 2026-11-20T18:00:00
second = 2026-11-20T18:00:01
[extensions.first]
max = 2
eve = 2026-11-21
[handed_in.first]
bob = 2026-11-20T17:00:00
"""


def test_late_days_and_extensions(tmp_path):
    (tmp_path / "course.toml").write_text(RULES)
    for student, hours in {
        "in-time": -1,
        "late": 1,
        "later": 100,
        "max": 47,
        "eve": 29,
        "bob": 500,
    }.items():
        dated(tmp_path, student, "first", hours)
    dated(tmp_path, "late", "second", 73)
    course, first, second = Course(tmp_path), Files(tmp_path, "first"), Files(tmp_path, "second")
    got = {student: course.late(first, student) for student in first.students()}
    assert {s: (one.days, one.free, round(one.share, 6)) for s, one in got.items()} == {
        "in-time": (0, 0, 0), "late": (1, 1, 0), "later": (5, 3, 0.2), "max": (0, 0, 0),
        "eve": (0, 0, 0), "bob": (0, 0, 0),
    }  # fmt: skip
    late = course.late(second, "late")  # two free days are left
    assert (late.days, late.free, round(late.share, 6)) == (4, 2, 0.2)
    assert late.note == "4 days late, 2 free, 20% of the points lost"


def test_late_days_cost_points_that_all_see(sample, tmp_path):
    result = empty(sample) | {"cells": [{}], "scores": dict.fromkeys(empty(sample)["scores"], 1)}
    from coursework.results import Late

    late = Late(2, 0, 0.2, "2 days late, 0 free, 20% of the points lost")
    one = Assessment(sample, "ada", result | {"cells": []}, {"points": {"explain": 2}}, late)
    assert (one.so_far, one.deducted, one.total) == (6, 1.6, 4.4)
    assert "2 days late" in pages.feedback(one) and "<td>-1.6</td>" in pages.feedback(one)
    poor = Assessment(sample, "ada", empty(sample), late=late)
    assert poor.total == 0


def test_a_group_hands_in_once(sample, tmp_path):
    home = shutil.copytree(SAMPLE, tmp_path / "home")
    (home / "course.toml").write_text('groups = [["ada", "emmy"], ["kurt", "alan"]]')
    hand_in(home, "ada", answered(sample))
    grade.grade_all(home, limits=QUICK, unconfined=True)
    assert set(table(home)) == {"ada", "emmy"}
    assert table(home)["emmy"]["so far"] == "6"
    assert "handed in by ada" in table(home)["emmy"]["remarks"]
    edit(home, "ada", explain="1")
    edit(home, "emmy", **{"comment": "talk to me"})
    grade.grade_all(home, limits=QUICK, unconfined=True)
    assert [table(home)[s]["total"] for s in ("ada", "emmy")] == ["7", "7"]
    assert "talk to me" in feedback(home, "emmy") and "talk to me" not in feedback(home, "ada")
    _, rows = tables.read(home / "graded" / "sample" / "marking" / "explain.csv")
    assert len(rows) == 1


@pytest.mark.parametrize(
    "text, said",
    [
        ("latedays = 3", "latedays = 3 is not one of"),
        ("late_days = 'x'", "late_days = 'x' is not"),
        ("[due]\nsample = 3", "3 is not a date"),
        ("groups = [['a', 'b'], ['b']]", "b is in two groups"),
        ("[due", "course.toml"),
    ],
)
def test_a_course_that_cannot_be_is_refused(term, regrade, text, said):
    (term / "course.toml").write_text(text)
    before = every_file(term)
    with pytest.raises(ValueError, match=said):
        regrade(term)
    assert every_file(term) == before


# Who resembles whom

LECTURE = """
def scaled(X):
    centred = X - X.mean(axis=0, keepdims=True)
    return centred / np.sqrt((centred**2).sum(axis=0) / len(centred))
"""
ONE = """
def offset(X):
    total = np.zeros(X.shape[1])
    for row in range(len(X)):
        total += X[row] / max(len(X), 1)
    correction = np.linalg.norm(total) * 0
    return total + correction
"""
OTHERS = [
    "def offset(X):\n    return np.average(X, axis=0)\n",
    "def offset(X):\n    N = len(X)\n    return np.ones(N) @ X / N\n",
    "def offset(X):\n    return np.array([column.mean() for column in X.T])\n",
    "def offset(X):\n    return X.sum(axis=0) / X.shape[0]\n",
    "def offset(X):\n    return X.mean(axis=0)\n",
]


def test_copies_are_found_under_other_names_and_others_are_not(sample):
    texts = {f"s{number}": text for number, text in enumerate(OTHERS)}
    copy = ONE.replace("total", "acc").replace("row", "i").replace("correction", "eps")
    texts |= {"one": ONE, "copy": "# mine\n" + copy, "same-as-all": OTHERS[-1]}
    assessments = []
    for student, text in texts.items():
        # A piece that all took from the lecture makes nobody similar.
        notebook = answered(sample, offset=LECTURE + text, explain=f"My own words, says {student}")
        result = empty(sample) | {"cells": list(notebook.cells)}
        assessments.append(Assessment(sample, student, result, submitter=student))
    found = similar.pairs(sample, assessments)
    assert [set(pair.students) for pair in found] == [{"one", "copy"}]
    assert found[0].share > 0.8 and found[0].pieces >= 15
    page = pages.similarity(sample, found)
    assert "no proof" in page and 'href="feedback/one.html"' in page


def test_the_summary_has_the_commonest_message_of_each_question(sample):
    results = [empty(sample) | {"cells": [{}]} for _ in range(3)]
    for result, message in zip(results, ["a sum <b>", "a sum <b>", "late"], strict=True):
        result["messages"]["offset-1"] = message
    one = [Assessment(sample, f"s{n}", r, submitter=f"s{n}") for n, r in enumerate(results)]
    page = pages.summary(sample, one, [])
    row = next(
        tr for tr in BeautifulSoup(page, "html.parser")("tr") if "1. Offset" in tr.get_text()
    )
    assert row.get_text().index("2 × a sum <b>") < row.get_text().index("1 × late")


# What is proved


def test_only_a_changed_set_is_proved_again(tmp_path, wheel, capsys, monkeypatch):
    from coursework import release

    home = shutil.copytree(SAMPLE, tmp_path / "home")
    for folder, suffix in (("problems", "md"), ("mistakes", "py")):
        shutil.copy(home / folder / f"sample.{suffix}", home / folder / f"second.{suffix}")
    source, proved = home / "mistakes" / "second.py", []

    def prove(home, name):
        proved.append(name)
        mistakes = (home / "mistakes" / f"{name}.py").read_text("utf-8")
        return ["a fault"] * ("# says: form" in mistakes), "proved"

    monkeypatch.setattr(release, "prove", prove)
    monkeypatch.setattr(release, "ProcessPoolExecutor", ThreadPoolExecutor)

    def proves(*names, fails=False):
        """Release, and tell whether these sets and no others were proved."""
        proved.clear()
        assert release.release_all(home) == fails
        return sorted(proved) == sorted(names)

    assert proves("sample", "second")
    source.write_text(source.read_text("utf-8") + "\n", "utf-8")
    capsys.readouterr()
    assert proves("second")
    assert "sample: proved before" in capsys.readouterr().out
    (home / "release" / "sample.zip").unlink()
    source.write_text(source.read_text("utf-8").replace("# says: shape", "# says: form"), "utf-8")
    assert proves("sample", "second", fails=True)
    assert "second: NOT released" in capsys.readouterr().out
    assert proves("second", fails=True)  # a set without a proof stays without
    assert "second: NOT released" in capsys.readouterr().out
