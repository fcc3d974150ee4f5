"""What pages say of themselves, and the links that appear only where there is an address."""

import re
from collections import Counter
from types import SimpleNamespace

import publication
import pybtex.database
import pytest
import yaml
from bs4 import BeautifulSoup
from built import ROOT, SITE, soup

CHAPTERS = sorted(path.stem for path in (ROOT / "book" / "chapters").glob("*.md"))


each_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


@pytest.fixture(scope="module")
def pages():
    return {path: soup(path.relative_to(SITE).as_posix()) for path in SITE.glob("book/**/*.html")}


def test_pages_have_titles_and_descriptions_of_their_own(pages):
    titles = Counter(page.h1.get_text() for page in pages.values())
    book = soup("book/index.html").select_one('meta[property="og:site_name"]')["content"]
    assert max(titles.values()) == 1 and book not in titles
    for page in pages.values():
        (it,) = page.select('meta[name="description"]')
        assert 20 < len(it["content"]) <= 160 and not re.search(r"\\[a-z]|\$", it["content"])


@each_chapter
def test_a_chapter_says_how_long_it_takes_and_what_it_builds_on(chapter):
    head = soup(f"book/chapters/{chapter}.html").select_one("h1 + .chapter-head")
    assert re.match(r"About \d+ minutes\.", head.get_text())
    source = (ROOT / "book" / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
    front_matter = yaml.safe_load(source.split("---")[1])
    links = [it["href"] for it in head.select("a")]
    assert links == [f"{name}.html" for name in front_matter.get("prerequisites", [])]


def test_reading_takes_longer_where_there_is_more_to_read():
    times = {}
    for chapter in CHAPTERS:
        head = soup(f"book/chapters/{chapter}.html").select_one(".chapter-head").get_text()
        times[chapter] = int(re.search(r"\d+", head)[0])
    assert times["refresher"] < min(time for name, time in times.items() if name != "refresher")


def test_every_page_says_version_date_and_licence(pages):
    for page in pages.values():
        said = page.select_one(".page-foot").get_text()
        assert re.search(r"Version \d+\.\d+\.\d+, \d+ \w+ 20\d\d", said) and "CC BY 4.0" in said


def test_the_citation_is_bibtex():
    cite = soup("book/index.html").select_one("#how-to-cite pre").get_text()
    (entry,) = pybtex.database.parse_string(cite, "bibtex").entries.values()
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert entry.fields["title"].strip("{}") == cff["title"]
    assert entry.fields["version"] == cff["version"]


def test_without_an_address_nothing_leads_to_one(pages):
    for page in pages.values():
        text = str(page.head) + str(page.select_one(".page-foot"))
        assert not re.search("colab|mybinder|og:image|og:url|issues/new|/edit/|<base", text)
    assert not (SITE / "sitemap.xml").exists() and not (SITE / "requirements.txt").exists()


@pytest.fixture
def app(tmp_path):
    """Return what the extension needs of a Sphinx with addresses."""
    config = SimpleNamespace(
        html_title="The book",
        reader_address="https://name.example/notes",
        reader_repository="https://github.com/name/notes",
        reader_branch="main",
        reader_pages_branch="gh-pages",
    )
    builder = SimpleNamespace(format="html")
    env = SimpleNamespace(found_docs={"book/index", "book/chapters/ppca"})
    return SimpleNamespace(config=config, builder=builder, env=env, tags=[], outdir=tmp_path)


def test_with_addresses_pages_lead_to_them(app):
    links = publication.links(app, "book/chapters/ppca")
    assert (
        links["edit this page"] == "https://github.com/name/notes/edit/main/book/chapters/ppca.md"
    )
    assert links["report a mistake"].startswith("https://github.com/name/notes/issues/new?")
    notebook = "_sources/book/chapters/ppca.ipynb"
    assert links["open in Colab"] == (
        f"https://colab.research.google.com/github/name/notes/blob/gh-pages/{notebook}"
    )
    assert links["open in Binder"] == (
        f"https://mybinder.org/v2/gh/name/notes/gh-pages?labpath={notebook}"
    )
    assert set(publication.links(app, "book/run")) == {"edit this page", "report a mistake"}
    assert "edit this page" not in publication.links(app, "book/library/ppca")
    context = {"title": "A <em>page</em>"}
    publication.complete(app, "404", "page.html", context, None)
    tags = BeautifulSoup(context["metatags"], "html.parser")
    image = tags.select_one('[property="og:image"]')["content"]
    assert image == "https://name.example/notes/_static/social.png"
    assert (SITE / "_static" / "social.png").exists()
    assert tags.base["href"] == "https://name.example/notes/"
    publication.write_site_files(app, None)
    sitemap = (app.outdir / "sitemap.xml").read_text(encoding="utf-8")
    assert "<loc>https://name.example/notes/book/chapters/ppca.html</loc>" in sitemap
    (wheel,) = (SITE / "downloads").glob("*.whl")
    assert (app.outdir / "requirements.txt").read_text().strip() == f"downloads/{wheel.name}"


def test_a_wrong_address_leads_back():
    page = soup("404.html")
    links = [it["href"] for it in page.select("article a")]
    assert links and all((SITE / link).exists() for link in links)


@each_chapter
def test_terms_are_linked_once_per_chapter(chapter):
    page = soup(f"book/chapters/{chapter}.html")
    meanings = (SITE / "_static" / "meanings.js").read_text(encoding="utf-8")
    links = [it.parent["href"] for it in page.select("article .term")]
    assert len(links) > 5 and all(f'"{link.split("#")[1]}"' in meanings for link in links)
    assert not page.select("article :is(h1, h2, h3, code, .admonition-title) .term")


@pytest.fixture
def chapter(browser):
    context = browser.new_context(has_touch=True, viewport={"width": 375, "height": 812})
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto((SITE / "book" / "chapters" / "ppca.html").as_uri())
    yield page
    context.close()


def test_a_term_shows_its_meaning_to_pointer_keyboard_and_finger(chapter):
    term, meaning = chapter.locator("a:has(> .term)").first, chapter.locator("#meaning")
    for begin, end in (
        (term.hover, lambda: chapter.mouse.move(0, 700)),
        (term.focus, lambda: chapter.keyboard.press("Escape")),
        (term.tap, lambda: chapter.locator("article h1").tap()),
    ):
        begin()
        meaning.wait_for(state="visible")
        assert meaning.text_content() and term.get_attribute("aria-describedby") == "meaning"
        box = meaning.bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= 375
        end()
        meaning.wait_for(state="hidden")
        assert not term.get_attribute("aria-describedby")
    assert chapter.url.endswith("ppca.html")
    term.tap()
    term.tap()
    chapter.wait_for_url("**/glossary.html#term-*")
