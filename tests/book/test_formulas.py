"""Formulas are set when the site is built, and stay in their lines and boxes on every screen."""

import re
import sys
from functools import cache

import pytest
from built import ROOT, SITE, soup
from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.utils import new_document
from math_core import LatexError

sys.path.insert(0, str(ROOT / "book"))
import formulas  # noqa: E402

PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.glob("book/**/*.html")
    if "<math" in path.read_text(encoding="utf-8")
)
# A mark that stands first in its line, after a formula in the line before.
ORPHANS = """() => {
    const found = [];
    for (const formula of document.querySelectorAll(".bd-article :not(.formula) > [data-tex]")) {
        const next = formula.nextSibling ?? formula.parentElement.nextSibling;
        const mark = next?.nodeType === Node.TEXT_NODE && next.data.match(/^[.,;:!?)]/);
        if (!mark || !formula.checkVisibility()) continue;
        const range = document.createRange();
        range.setStart(next, 0);
        range.setEnd(next, 1);
        const end = [...formula.getClientRects()].at(-1);
        if (range.getBoundingClientRect().left < end.left)
            found.push(formula.dataset.tex + mark[0]);
    }
    return found;
}"""
# A formula of a line of text that leaves its page.
WIDE = """() => [...document.querySelectorAll(".bd-article :not(.formula) > [data-tex]")]
    .filter(it => [...it.getClientRects()].some(box => box.right > innerWidth))
    .filter(it => !it.closest(".pst-scrollable-table-container"))
    .map(it => it.dataset.tex)"""
# A formula is no tab stop in itself: its box is one.
STOPS = """() => [...document.querySelectorAll("math[tabindex], math [tabindex]")]
    .map(it => it.outerHTML)"""
BOXES = """() => [...document.querySelectorAll(".formula")].map(box => ({
    tex: box.textContent, scrolls: box.scrollWidth > box.clientWidth, stop: box.tabIndex === 0,
    shadow: getComputedStyle(box).backgroundImage !== "none",
}))"""


@pytest.fixture(scope="module")
def site(serve):
    """Return the address of the built site."""
    return serve(SITE)


def test_a_mark_goes_with_the_formula_right_before_it():
    """Also where two texts of a paragraph are equal."""
    document = new_document("a page", get_default_settings())
    paragraph = nodes.paragraph("", "", nodes.strong("", "Now"), nodes.Text(", "))
    for formula, text in [("a", " and ("), ("b", ", "), ("c", ", "), ("d", ")."), ("e", ", ")]:
        paragraph += [nodes.math("", formula), nodes.Text(text)]
    document += paragraph
    formulas.KeepTogether(document).run()
    assert paragraph.astext() == "Now, a and (b, c, d).e, "
    pieces = [piece.astext() for piece in paragraph.findall(nodes.inline)]
    assert pieces == ["(b,", "c,", "d).", "e,"]


def test_there_are_formulas_and_no_script_sets_them():
    assert len(PAGES) > 6
    for page in PAGES:
        found = soup(page)
        assert all(formula.get_text(strip=True) for formula in found("math"))
        assert not found.select("script[src*=mathjax i]") and r"\(" not in found.article.get_text()
        for box in found.select("div.math"):
            assert box.select("div.formula math[display=block]")


@pytest.mark.parametrize(
    "latex, lines, number",
    [
        (r"a \\ b", 2, ""),
        (r"\begin{aligned} a &= b \\ &= c \end{aligned}", 2, ""),
        (r"\begin{align} a &= b \tag{7} \\ &= c \end{align}", 2, "7"),
        (r"\begin{equation} a = b \tag{A} \end{equation}", 0, "A"),
        (r"\begin{gather*} a \\ b \\ c \end{gather*}", 3, ""),
        (r"x = \begin{cases} 1 & a \\ 2 & b \end{cases}", 2, ""),
    ],
)
def test_lines_and_tags(latex, lines, number):
    rest, tag = formulas.without_tag(latex)
    assert formulas.convert(rest, True).count("<mtr>") == lines and tag == number


def test_an_enlarged_bracket_with_an_index_is_in_a_row():
    formula = formulas.convert(r"\bigl(x\bigr)_+ + \Bigl[x\Bigr]^2", True)
    assert len(re.findall(r"<m(?:sub|sup)><mrow><mo minsize[^>]*>[)\]]</mo></mrow>", formula)) == 2
    assert 'data-tex="\\bigl(' in formula
    with pytest.raises(LatexError):
        formulas.convert(r"\nosuch", True)


@pytest.mark.parametrize(
    "latex, is_display, parts",
    [
        (r"h \sim N(0, I), \qquad x = W h + b + e", True, ["h∼N(0,I),", "x=Wh+b+e"]),
        (r"f(a, b, c) = g(a, b, c) = h", True, ["f(a,b,c)", "=g(a,b,c)", "=h"]),
        (r"f(a, b, c) = g(a, b, c)^2 = h", False, ["f(a,b,c)=", "g(a,b,c)2=", "h"]),
        (r"\bigl[aaaa bbbb cccc dddd + e - f \bigr]", False, ["[aaaabbbbccccdddd+", "e−f]"]),
        (r"(aaaa bbbb cccc dddd + e - f)", False, ["(aaaabbbbccccdddd+e−f)"]),
    ],
)
def test_a_long_formula_breaks_at_its_signs(latex, is_display, parts):
    found = formulas.convert(latex, is_display).split("<wbr>")
    assert [formulas.text(part) for part in found] == parts


@pytest.fixture(scope="module")
def on_a_phone(browser, site):
    """Return what opens a page on a phone, once, and tells how its formulas stand."""

    @cache
    def look(page):
        tab = browser.new_page(viewport={"width": 375, "height": 812})
        tab.set_default_timeout(120_000)
        tab.goto(f"{site}/{page}")
        tab.evaluate("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        tab.wait_for_function(
            "document.fonts.status === 'loaded'"
            f" && ({BOXES})().every(box => box.stop === box.scrolls)"
        )
        found = [tab.evaluate(script) for script in (BOXES, STOPS, ORPHANS, WIDE)]
        tab.close()
        return found

    return look


def test_few_displayed_formulas_are_wider_than_a_phone(on_a_phone):
    boxes = [box for page in PAGES for box in on_a_phone(page)[0]]
    wide = [box["tex"] for box in boxes if box["scrolls"]]
    assert len(boxes) > 80 and len(wide) <= 0.05 * len(boxes), wide


@pytest.mark.parametrize("page", PAGES)
def test_formulas_on_a_phone(on_a_phone, page):
    boxes, *faults = on_a_phone(page)
    assert all(box["shadow"] for box in boxes if box["scrolls"])
    assert faults == [[], [], []]


def test_copied_formulas_are_their_source(browser, site):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(f"{site}/{PAGES[0]}")
    formula = tab.locator("article p math").first
    tab.evaluate("it => getSelection().selectAllChildren(it)", formula.element_handle())
    tab.keyboard.press("Control+c")
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied == f"${formula.get_attribute('data-tex')}$"
    context.close()
