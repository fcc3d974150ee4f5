"""Questions between the sections: their keys are computed, and a page answers to hand and keys."""

import ast
import base64
import doctest
import importlib
import json
import re
import symtable
from pathlib import Path

import nbformat
import numpy as np
import pytest
import yaml
from built import ROOT, SITE, soup
from playwright.sync_api import expect

from lvmnotes import question

PAGES = SITE / "book" / "chapters"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
CHAPTERS = [
    Path(page["file"]).name
    for part in TOC["parts"]
    if part["caption"] == "Chapters"
    for page in part["chapters"]
]
module = importlib.import_module("lvmnotes.notebook.question")

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)
TWO = {"yes": (True, "Indeed."), "no": (False, "Think of $x$.")}


def key(element):
    """Return what a question expects."""
    return json.loads(bytes(byte ^ module.VEIL for byte in base64.b64decode(element["data-key"])))


def test_example_in_the_docstring():
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(module).failed == 0


def test_a_question_is_markdown_with_a_folded_answer():
    text = question("Is $x$ one?", TWO)
    assert text == repr(text) == text._repr_markdown_()
    offered, answers = text.split("<details")
    assert {"1. yes\n2. no", "1. no\n2. yes"} & {offered.split("\n\n")[2]}
    first = "yes" if "1. yes" in offered else "no"
    assert f"1. **{'Right' if first == 'yes' else 'Not so'}.**" in answers
    assert "**Right.** Indeed." in answers and "**Not so.** Think of $x$." in answers
    number = question("How many?", answer=1 / 3, because="A third.", mistakes={3: "Upside down."})
    assert "1. **Right: 0.333.** A third.\n2. **Not 3.** Upside down." in number
    assert question("Is $x$ one?", TWO) == text  # the same at every run


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"text": " ", "choices": TWO}, TypeError, "text must be a text"),
        ({}, TypeError, "either choices or an answer"),
        ({"choices": TWO, "answer": 1, "because": "x"}, TypeError, "either choices or an answer"),
        ({"choices": TWO, "because": "x"}, TypeError, "belong to an answer that is a number"),
        ({"choices": ["yes", "no"]}, TypeError, "choices must be a mapping"),
        ({"choices": {"yes": (True, "So.")}}, ValueError, "two or more; got 1"),
        ({"choices": {"a": (True, "."), "b": (True, ".")}}, ValueError, "right; 2 are"),
        ({"choices": {"a": (False, "."), "b": (False, ".")}}, ValueError, "right; 0 are"),
        ({"choices": {"a": True, "b": (False, ".")}}, TypeError, r"must be a pair \(bool, str\)"),
        ({"choices": {"a": (1, "."), "b": (False, ".")}}, TypeError, "say True or False; got 1"),
        ({"choices": {"a": (True, ""), "b": (False, ".")}}, TypeError, "the feedback of"),
        ({"answer": float("nan"), "because": "x"}, ValueError, "answer"),
        ({"answer": "1", "because": "x"}, TypeError, "answer"),
        ({"answer": 1}, TypeError, "because must be a text"),
        ({"answer": 1, "because": "x", "mistakes": {1.01: "y"}}, ValueError, "is as good as"),
        ({"answer": 1, "because": "x", "mistakes": {2: "y", 2.01: "z"}}, ValueError, "as good as"),
        ({"answer": 1, "because": "x", "rtol": -1}, ValueError, "rtol"),
    ],
)
def test_an_error_says_what_is_wrong(arguments, error, message):
    with pytest.raises(error, match=message):
        question(**{"text": "What?"} | arguments)


def questions(chapter):
    """Return the questions of a page as it was built."""
    return soup(f"book/chapters/{chapter}.html").select(".lvm-question")


@each_chapter
def test_a_chapter_asks_between_its_sections(chapter):
    found = questions(chapter)
    assert len(found) >= 5
    assert len({it.find_parent("section")["id"] for it in found}) >= 5
    executed = nbformat.read(ROOT / "book" / "chapters" / f"{chapter}.ipynb", as_version=4).cells
    for it in executed:
        if "question(" in it.source and it.cell_type == "code":
            assert "**Check yourself.**" in it.outputs[-1]["data"]["text/markdown"]
    for it in found:
        offered, answers = it.find("ol", recursive=False), it.select("details > ol > li")
        assert all(answer.get_text().startswith(("Right", "Not ")) for answer in answers)
        right = [answer.get_text().startswith("Right") for answer in answers]
        assert sum(right) == 1
        if offered:
            assert len(offered.select("li")) == len(answers) >= 2
            assert right.index(True) == key(it)
        else:
            assert right[0] and len(key(it)["mistakes"]) == len(answers) - 1


def test_the_place_of_the_right_choice_says_nothing():
    firsts = [
        key(it) == 0
        for chapter in CHAPTERS
        for it in questions(chapter)
        if it.find("ol", recursive=False)
    ]
    assert 0.15 < np.mean(firsts) < 0.6


@each_chapter
def test_a_glance_at_the_source_gives_nothing_away(chapter):
    source = (PAGES / f"{chapter}.html").read_text("utf-8")
    for it in questions(chapter):
        for answer in it.select("details li"):
            words = answer.get_text().split()
            assert len(words) > 1 and " ".join(words[:3]) not in source
    assert "Right." not in re.sub(r"&#\d+;", "", source)


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 375, "height": 812})
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_default_timeout(120_000)
    yield page
    page.close()
    assert complaints == []


@each_chapter
def test_every_question_answers_to_the_keyboard(page, chapter):
    page.goto((PAGES / f"{chapter}.html").as_uri())
    forms = page.locator(".lvm-question")
    expect(forms.locator(".lvm-choices")).to_have_count(forms.count())
    for i in range(forms.count()):
        form, status = forms.nth(i), forms.nth(i).get_by_role("status")
        expect(form).to_have_role("group")
        expect(form.locator("details")).to_be_hidden()
        field = form.get_by_role("textbox", name="Your number")
        if not field.count():
            for button in form.get_by_role("button").all():
                assert button.bounding_box()["height"] >= 43.9
                button.press("Enter")
                right = status.get_attribute("data-right")
                expect(status).to_contain_text("Right." if right == "true" else "Not so.")
            continue
        expected = key({"data-key": form.get_attribute("data-key")})
        for typed, said in [
            ("many", "Type a number"),
            (str(expected["answer"] * 1000 + 1000), "too large"),
            (str(expected["answer"] * 2).replace(".", ",") + "/2", "Right: "),
            *((str(mistake), "Not ") for mistake in expected["mistakes"]),
        ]:
            field.fill(typed)
            field.press("Enter")
            expect(status).to_contain_text(said)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_without_javascript_the_answer_is_a_fold(browser):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((PAGES / f"{CHAPTERS[0]}.html").as_uri())
        fold = page.locator(".lvm-question details").first
        expect(fold.get_by_text("Right")).to_be_hidden()
        fold.locator("summary").click()
        expect(fold.get_by_text("Right")).to_be_visible()


@each_chapter
def test_the_names_of_a_question_are_its_own(chapter):
    """They begin with an underscore, so that a question replaces nothing of the chapter's."""
    notebook = nbformat.read(ROOT / "book" / "chapters" / f"{chapter}.ipynb", as_version=4)
    sources = [it.source for it in notebook.cells if it.cell_type == "code"]
    asking = [it for it in sources if re.search(r"^question\(", it, re.MULTILINE)]
    assert len(asking) >= 5
    for source in asking:
        symbols = symtable.symtable(source, chapter, "exec").get_symbols()
        own = {it.get_name() for it in symbols if it.is_assigned() or it.is_imported()}
        for it in ast.walk(ast.parse(source)):  # from 3.12 on, loops in brackets are not apart
            if isinstance(it, ast.comprehension):
                own -= {part.id for part in ast.walk(it.target) if isinstance(part, ast.Name)}
        assert [name for name in own if not name.startswith("_")] == []
