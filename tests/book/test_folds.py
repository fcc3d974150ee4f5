"""Imports, cells that only check, the numbers of checks and solutions are folded, and open."""

import re
from urllib.parse import quote

import folds
import nbformat
import pytest
from built import ROOT, SITE, soup
from nbformat.v4 import new_code_cell, new_output

CHAPTERS = sorted(path.stem for path in (ROOT / "book" / "chapters").glob("*.md"))


each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


def cell(source, checks=0, shows=0, tags=()):
    """Return a code cell that has run, with the outputs of checks and others."""
    check = {folds.CHECK: {"claim": "FA-1"}, "text/plain": "FA-1 holds: 1"}
    outputs = [new_output("display_data", check)] * checks
    outputs += [new_output("stream", text="shown")] * shows
    return new_code_cell(source, outputs=outputs, metadata={"tags": list(tags)})


@pytest.mark.parametrize(
    "cells, folded",
    [
        ([cell("import a\nimport b\nstyle()")], {0}),
        ([cell("import a\nx = 1\ny = x + a")], set()),
        ([cell("import a\nimport b\ndef f():\n    return a + b")], set()),
        ([cell("x = 1\ncheck(x)", checks=1)], {0}),
        ([cell("x = 1\ncheck(x)", checks=1, shows=1)], set()),
        ([cell("x = 1")], set()),
        ([cell("x = 1\ncheck(x)", checks=1), cell("print(x)", shows=1)], set()),
        ([cell("x = 1\ncheck(x)", checks=1), cell("x = 2"), cell("print(x)", shows=1)], {0}),
        ([cell("x = 1\ncheck(x)", checks=1), cell("x = x + 2")], set()),
        ([cell("x = 1\ncheck(x)", checks=1), cell("check(x)", checks=1)], {0, 1}),
        ([cell("x = 1\ncheck(x)", checks=1), cell("y = x\ncheck(y)", checks=1), cell("y")], set()),
        ([cell("for x in X:\n    check(x)", checks=2), cell("for x in X:\n    print(x)")], {0}),
        ([cell("x = 1\ncheck(x)", checks=1), cell("[x for x in X]"), cell("lambda x: x")], {0}),
        ([cell("x = 1\ncheck(x)", checks=1), cell("def f():\n    x = 2\n    return x")], {0}),
        ([cell("def f():\n    x = 2\n    check(x)", checks=1), cell("f()")], set()),
        ([cell("x = 1\ncheck(x)", checks=1), cell("print(x)", tags=["remove-input"])], {0}),
    ],
)
def test_which_cells_the_story_can_do_without(cells, folded):
    assert set(folds.aside(cells)) == folded


@each_chapter
def test_imports_are_folded_and_code_of_the_story_is_not(chapter):
    page = soup(f"book/chapters/{chapter}.html")
    first = page.select_one("details.code")
    assert first.summary.get_text() == "Imports" and not first.has_attr("open")
    assert page.select("details.code.story")
    for fold in page.select("details.code"):
        assert fold.has_attr("open") == ("story" in fold["class"])
    assert not [it for it in page.select(".cell_input") if not it.find_parent("details", "code")]


@each_chapter
def test_the_checks_of_a_cell_are_one_line_that_counts_them(chapter):
    notebook = nbformat.read(ROOT / "book" / "chapters" / f"{chapter}.ipynb", as_version=4)
    expected = []
    for it in notebook.cells:
        found = [
            o.data[folds.CHECK] for o in it.get("outputs", []) if folds.CHECK in o.get("data", {})
        ]
        if found:
            expected.append(
                (", ".join(dict.fromkeys(check["claim"] for check in found)), len(found))
            )
    page = soup(f"book/chapters/{chapter}.html")
    lines = [fold.summary.get_text() for fold in page.select(".cell details.checks")]
    assert lines == [f"✓ {claim} · {n} check{'s' * (n > 1)}" for claim, n in expected]
    for fold, (_, n) in zip(page.select(".cell details.checks"), expected, strict=True):
        assert not fold.has_attr("open") and len(fold.select("li")) == n


@each_chapter
def test_solutions_are_folded_without_scripts(chapter):
    page = soup(f"book/chapters/{chapter}.html")
    solutions = page.select("details.solution")
    assert len(solutions) == len(page.select(".exercise")) > 0
    assert all(re.match(r"Solution to Exercise \d", it.summary.get_text()) for it in solutions)


def test_the_page_of_claims_counts_and_folds_the_checks():
    page = soup("book/claims.html")
    tables = page.select("details.checks")
    for fold in tables:
        n = len(fold.select("tbody tr"))
        assert fold.summary.get_text() == f"✓ {n} check{'s' * (n > 1)}"
    said = page.select_one("article p").get_text()
    total = len(page.select("details.checks tbody tr"))
    assert f"The {len(tables)} claims" in said and f"their {total} checks" in said
    assert page.select("article .math, article math")


@pytest.fixture
def chapter(browser, serve):
    page = browser.new_page(viewport={"width": 375, "height": 812})
    page.set_default_timeout(120_000)
    page.goto(f"{serve(SITE)}/book/chapters/ppca.html")
    yield page
    page.close()


def n_open(page, which="details.code"):
    return page.evaluate(f"document.querySelectorAll('article {which}[open]').length")


def test_one_switch_shows_all_code_or_none_and_is_remembered(chapter):
    n = chapter.locator("article details.code").count()
    main = n_open(chapter)
    for choice, expected in (("all", n), ("none", 0), ("main steps", main)):
        chapter.get_by_label(choice, exact=True).check()
        assert n_open(chapter) == expected
        chapter.reload()
        assert chapter.get_by_label(choice, exact=True).is_checked()
        assert n_open(chapter) == expected


def test_folds_that_a_reader_opened_while_the_page_loads_stay_open(chapter):
    chapter.add_init_script(
        """document.addEventListener("readystatechange", () => document.readyState === "interactive"
            && document.querySelectorAll("details").forEach(fold => { fold.open = true; }))"""
    )
    chapter.reload(wait_until="load")
    assert n_open(chapter) == chapter.locator("article details.code").count()


def test_a_link_into_a_fold_opens_it_with_its_code(chapter):
    cell = chapter.locator(".cell", has=chapter.locator("#check-PPCA-7-1"))
    assert not chapter.locator("#check-PPCA-7-1").is_visible()
    chapter.evaluate("location.hash = '#check-PPCA-7-1'")
    chapter.locator("#check-PPCA-7-1").wait_for(state="visible")
    assert cell.locator("details[open]").count() == 2


def test_what_a_closed_fold_hides_is_not_measured(chapter):
    """The theme measures code to make what scrolls a tab stop; it would lay out all folds."""
    chapter.wait_for_function("document.querySelector('article pre[tabindex]')")
    closed = chapter.locator("article details:not([open]) pre")
    assert closed.count()
    assert not closed.evaluate_all("all => all.some(it => it.hasAttribute('tabindex'))")


@pytest.mark.parametrize("fold", ["details.checks", "details.solution", "details.code.aside"])
def test_finding_words_in_a_fold_opens_it(chapter, fold):
    """The browser's own search opens folds as words in an address (`#:~:text=`) do."""
    hidden = chapter.locator(f"article {fold}:not([open])").last
    text = hidden.evaluate(
        "it => it.textContent.replace(it.querySelector('summary').textContent, '')"
    )
    words = max(text.split("\n"), key=len).strip()
    address = chapter.url
    chapter.goto("about:blank")
    chapter.goto(f"{address}#:~:text={quote(words, safe='').replace('-', '%2D')}")
    chapter.locator(f"article {fold}[open]").get_by_text(words).first.wait_for()


def test_printing_opens_all_folds_for_as_long_as_it_takes(chapter):
    before = n_open(chapter, "details")
    chapter.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert n_open(chapter, "details") == chapter.locator("article details").count() > before
    chapter.evaluate("dispatchEvent(new Event('afterprint'))")
    assert n_open(chapter, "details") == before


def test_folds_open_and_print_without_scripts(browser, serve):
    page = browser.new_page(java_script_enabled=False)
    page.set_default_timeout(120_000)
    page.goto(f"{serve(SITE)}/book/chapters/ppca.html")
    assert not page.locator(".code-switch").is_visible()
    line = page.get_by_text("✓ PPCA-7 · 8 checks")
    numbers = page.locator("#check-PPCA-7-1")
    page.emulate_media(media="print")
    assert numbers.bounding_box()["height"] > 0
    page.emulate_media(media="screen")
    line.click()
    numbers.wait_for(state="visible")
    page.close()


def test_a_proof_of_class_dropdown_is_folded():
    proofs = soup("book/chapters/factor-analysis.html").select("details.proof")
    assert proofs
    for proof in proofs:
        assert proof.summary.get_text() == "Proof" and not proof.has_attr("open")
        assert "Proof." not in proof.get_text() and len(proof.get_text()) > 100
