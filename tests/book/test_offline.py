"""The book to take away: nothing is cut on paper, and the zip is whole and opens as files."""

import re
import subprocess
import sys
import zipfile
from urllib.parse import unquote

import offline
import pikepdf
import pytest
from bs4 import BeautifulSoup
from built import ROOT, SITE
from playwright.sync_api import expect

WIDTH = 642  # pixels between the margins of A4
CUT = """() => {
    const cut = [];
    for (const it of document.querySelectorAll("pre, .math, table, img, figure, p, li")) {
        const page = it.closest("article, header").getBoundingClientRect();
        const range = document.createRange();
        range.selectNodeContents(it);
        const right = Math.max(...[it, range].map(x => x.getBoundingClientRect().right));
        if (right > page.right + 1) cut.push(it.textContent.slice(0, 80));
    }
    return cut;
}"""


@pytest.fixture(scope="module")
def book():
    return BeautifulSoup(offline.printed(), "html.parser")


def test_all_pages_are_printed_as_one_without_dead_links(book):
    anchors = {it["id"] for it in book.select("[id]")}
    links = [it["href"] for it in book.select("a[href]")]
    assert [it for it in links if it.startswith("#") and unquote(it[1:]) not in anchors] == []
    assert [it for it in links if not it.startswith(("#", "http", "mailto:"))] == []
    files = [it["src"] for it in book.select("[src]") if not it["src"].startswith("data:")]
    files += [it["href"].split("?")[0] for it in book.select("link")]
    assert files and all((SITE / name).exists() for name in files)
    assert not book.select("script, button") and not book.select("details:not([open])")


def test_solutions_are_printed_at_the_end_of_their_chapter(book):
    chapters = [it for it in book.select("article") if it.select(".exercise")]
    assert len(chapters) == len(list((ROOT / "book" / "chapters").glob("*.md")))
    for chapter in chapters:
        headings = chapter.find_all("h2")
        assert headings[-1].get_text() == "Solutions"
        after = headings[-1].find_next_siblings()
        assert (
            len(after)
            == len(chapter.select("details.solution"))
            == len(chapter.select(".exercise"))
        )


def cut_on_paper(browser, page_as_text, folder):
    """Return the text of what is wider than A4."""
    source = folder / "printed-for-a-test.html"
    source.write_text(page_as_text, encoding="utf-8")
    page = browser.new_page(viewport={"width": WIDTH, "height": 900})
    page.set_default_timeout(120_000)
    try:
        page.emulate_media(media="print")
        page.goto(source.as_uri())
        return page.evaluate(CUT)
    finally:
        page.close()
        source.unlink()


def test_no_line_of_code_and_no_formula_is_cut_on_paper(browser, book):
    assert cut_on_paper(browser, str(book), SITE) == []


def test_a_cut_line_is_found(browser, tmp_path):
    line = f"<article><pre>{'x' * 200}</pre><p>short</p></article>"
    assert cut_on_paper(browser, line, tmp_path) == ["x" * 80]


def test_a_site_without_pdf_and_zip_has_no_link_to_them():
    text = (SITE / "book" / "run.html").read_text(encoding="utf-8")
    for name in re.findall(r'href="\.\./downloads/([^"]*)"', text):
        assert (SITE / "downloads" / name).exists()
    assert offline.PLACE in text


@pytest.mark.slow
def test_the_zip_opens_as_files_and_is_small(browser, tmp_path):
    for what in ("pdf", "zip"):  # as make does: the browser of this process is at work
        subprocess.run([sys.executable, offline.__file__, what], check=True)
    target = offline.DOWNLOADS / f"{offline.NAME}.zip"
    assert target.stat().st_size <= 20e6
    assert f"downloads/{target.name}" in (SITE / "book" / "run.html").read_text(encoding="utf-8")
    with zipfile.ZipFile(target) as archive:
        archive.extractall(tmp_path)
    site = tmp_path / offline.NAME / "site"
    paper = site / "downloads" / f"{offline.NAME}.pdf"
    with pikepdf.open(paper) as document:
        assert len(document.pages) > 100 and document.Root.MarkInfo.Marked
    chapters = {path.stem for path in (ROOT / "book" / "chapters").glob("*.md")}
    notebooks = {path.stem: path for path in tmp_path.rglob("*.ipynb")}
    assert set(notebooks) == chapters and list(site.parent.glob("notebooks/*.whl"))
    for chapter in chapters:
        text = (site / "book" / "chapters" / f"{chapter}.html").read_text(encoding="utf-8")
        (address,) = re.findall(r'href="([^":]*\.ipynb)"', text)
        assert (site / "book" / "chapters" / address).resolve() == notebooks[chapter].resolve()
    assert not (site / "live").exists()  # browsers do not run it from files
    assert sum(it.stat().st_size for it in SITE.rglob("*") if it.is_file()) < 100e6
    page = browser.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{(site / 'search.html').as_uri()}?q=ELBO")
    expect(page.locator("#search-results li").first).to_be_visible()
    page.goto((site / "book" / "chapters" / "manifold-view.html").as_uri())
    expect(page.locator("article input[type=range]").first).to_be_visible()
    page.close()
