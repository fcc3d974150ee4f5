"""The search finds sections, shows what a reader can read, and marks the words on the page."""

import json
import re

import pytest
from built import SITE, soup
from playwright.sync_api import expect
from section_search import typed


@pytest.fixture(scope="module")
def entries():
    text = (SITE / "_static" / "search-index.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("const ENTRIES = ").rstrip(";\n"))


@pytest.mark.parametrize(
    "tex, text",
    [
        (r"\sigma^2 I", "σ²I"),
        (r"C = W W^\top + \psi", "C = W Wᵀ+ ψ"),
        (r"\mathbf h \sim \mathcal N(\mathbf 0, I)", "h ∼ N(0, I)"),
        (r"M^{-1}", "M⁻¹"),
        (r"\lambda_{d+1} \le \tfrac12", "λd+1 ≤ 12"),
        (r"\log \lVert \mathbf x \rVert", "log ‖x ‖"),
    ],
)
def test_a_formula_is_typed_without_tex(tex, text):
    assert typed(tex).replace(" ", "") == text.replace(" ", "")


def test_no_entry_has_raw_formulas_or_imports(entries):
    assert len(entries) > 200
    for *_, title, text in entries:
        assert not re.search(r"\\[a-zA-Z]|\$|^import |\bimport numpy", title + text), title


def test_every_entry_leads_somewhere(entries):
    pages = {}
    for page, anchor, *_ in entries:
        if page not in pages:
            pages[page] = {it["id"] for it in soup(f"{page}.html").select("[id]")}
        assert anchor in pages[page]


@pytest.fixture
def page(browser):
    page = browser.new_page()
    page.set_default_timeout(120_000)
    yield page
    page.close()


@pytest.mark.parametrize(
    "query, found",
    [
        ("ELBO", "#term-ELBO"),
        ("ELBO", "latent-variable-models.html?highlight=lower%20bound#"),
        ("sphering", "#term-whitening"),
        ("psi", "factor-analysis.html?highlight=psi#"),
        ("ψ", "factor-analysis.html?highlight=%CF%88#"),
        ("soft threshold", "sparse-coding.html?highlight=soft%20threshold#"),
        ("conditional_independence?(", None),
    ],
)
def test_a_search_finds_sections_in_a_site_opened_as_files(page, query, found):
    page.goto(f"{(SITE / 'search.html').as_uri()}?q={query}")
    status = page.locator("#search-results [role=status]")
    expect(status).to_contain_text(f"“{query}”")
    links = page.locator("#search-results a").evaluate_all("it => it.map(a => a.href)")
    assert (found is None) == (links == [])
    assert found is None or any(found in link for link in links)
    assert all("#" in link for link in links)
    assert not found or page.locator("#search-results li mark").count()


def test_greek_letters_and_their_names_find_the_same(page):
    said = []
    for query in ("psi", "ψ"):
        page.goto(f"{(SITE / 'search.html').as_uri()}?q={query}")
        said.append(page.locator("#search-results li a").all_text_contents())
    assert said[0] == said[1] and len(said[0]) > 5


def test_a_result_leads_to_its_section_and_marks_the_words(page):
    page.goto(f"{(SITE / 'search.html').as_uri()}?q=soft threshold")
    link = page.locator("#search-results a", has_text="The most probable code").first
    anchor = link.get_attribute("href").split("#")[1]
    link.click()
    expect(page.locator("article mark").first).to_be_attached()
    top = page.locator(f"[id='{anchor}']").evaluate("it => it.getBoundingClientRect().top")
    assert -5 <= top <= page.viewport_size["height"] / 2
    marked = set(page.locator("article mark").all_text_contents())
    assert {word.lower() for word in marked} == {"soft", "threshold"}


def test_a_mark_in_a_fold_is_uncovered(page):
    chapter = (SITE / "book" / "chapters" / "ppca.html").as_uri()
    fold = soup("book/chapters/ppca.html").select_one(
        "#exercises details.solution p:not(.admonition-title)"
    )
    word = max(re.findall(r"[a-z]{6,}", fold.get_text()), key=len)
    page.goto(f"{chapter}?highlight={word}#exercises")
    expect(page.locator("#exercises mark").first).to_be_visible()


def test_no_page_loads_the_index_but_that_of_the_search():
    for path in SITE.glob("book/**/*.html"):
        scripts = re.findall(r'<script[^>]*src="([^"]*)"', path.read_text(encoding="utf-8"))
        assert not [it for it in scripts if re.search("search-index|searchindex|searchtools", it)]
