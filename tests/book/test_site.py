"""The site as readers use it: in light and dark mode, on a phone, with every fold open."""

from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

SITE = Path(__file__).parents[2] / "_build" / "html"
PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
ALIKE = [page for page in PAGES if page.startswith("book/library/")]  # two of them are enough
PAGES = [page for page in PAGES if page not in ALIKE] + ["404.html", "index.html", "search.html"]
PAGES += ["book/library/factor_analysis.html", "book/library/plots.ppca.html"]
READERS = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 900}},
    "tablet": {"color_scheme": "dark", "viewport": {"width": 1100, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 375, "height": 812}},
}
AXE = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "rules": {"label-content-name-mismatch": {"enabled": True}},  # WCAG 2.5.3, still an experiment
}
OPEN = """() => {
    const folds = "details:not([open]) > summary, .toggle-button-hidden";
    document.querySelectorAll(folds).forEach(fold => fold.click());
}"""
# The theme looks later for what scrolls, and makes it focusable; what folds open may be animated.
SETTLED = """() => {
    const wide = document.querySelectorAll(
        "pre, .cell_output > .output, .jp-RenderedHTMLCommon, .pst-scrollable-table-container"
    );
    const reachable = it => it.scrollWidth <= it.clientWidth || it.tabIndex === 0;
    const over = animation =>
        animation.playState !== "running" || animation.effect.getTiming().iterations === Infinity;
    return [...wide].every(reachable) && document.getAnimations().every(over);
}"""
WITHOUT_ALT = "images => images.filter(image => !image.alt.trim()).map(image => image.outerHTML)"


@pytest.fixture(scope="module")
def site(serve):
    """Return the address of the built site."""
    return serve(SITE)


def problems(browser, address, reader):
    """Return what is wrong with a page, in words, for one kind of reader."""
    heard = []
    own = (urljoin(address, "/"), "data:", "blob:")
    page = browser.new_page(**READERS[reader])
    page.on("request", lambda it: it.url.startswith(own) or heard.append(f"asks {it.url}"))
    page.on("console", lambda it: it.type == "error" and heard.append(it.text))
    page.on("pageerror", lambda it: heard.append(str(it)))
    page.set_default_timeout(120_000)
    page.goto(address, wait_until="networkidle")
    page.evaluate(OPEN)
    page.wait_for_function(SETTLED)
    found = list(heard)  # without what axe itself asks for
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > READERS[reader]["viewport"]["width"]:
        found.append(f"{width} pixels wide")
    found += [f"no alt text: {image}" for image in page.locator("img").evaluate_all(WITHOUT_ALT)]
    for violation in Axe().run(page, options=AXE).response["violations"]:
        found += [f"axe, {violation['id']}: {node['html']}" for node in violation["nodes"]]
    page.close()
    return found


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_accessible_and_makes_no_external_request(browser, site, page, reader):
    assert problems(browser, f"{site}/{page}", reader) == []


def test_the_page_check_finds_faults(browser, serve, tmp_path):
    (tmp_path / "bad.html").write_text(
        """<!doctype html><html><title>Bad</title><body>
        <img src="http://another.invalid/picture.svg"><p style="color: #bbb; width: 999px">Pale</p>
        <details><summary>Fold</summary><p style="color: #bbb">Folded</p></details>
        <script>console.error("complaint"); throw Error("mistake")</script></body></html>"""
    )
    found = "\n".join(problems(browser, f"{serve(tmp_path)}/bad.html", "phone"))
    for problem in (
        "asks http://another.invalid",
        "complaint",
        "mistake",
        "pixels wide",
        "no alt text",
        "axe, html-has-lang",
        ">Folded<",
    ):
        assert problem in found


def test_the_pages_read_without_scripts(browser, site):
    page = browser.new_page(java_script_enabled=False)
    page.set_default_timeout(120_000)
    for chapter in (name for name in PAGES if "/chapters/" in name):
        page.goto(f"{site}/{chapter}")
        assert page.locator("article h1").is_visible()
        assert page.locator("article img").first.is_visible()
    page.close()


def test_every_link_of_the_site_leads_somewhere():
    soups = {
        path.resolve(): BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in map(SITE.joinpath, PAGES)
    }
    broken = []
    for path, soup in soups.items():
        for link in soup.select("a[href], link[href], img[src], script[src]"):
            address, fragment = urldefrag(link.get("href") or link.get("src"))
            if "://" in address or address.startswith(("mailto:", "data:")):
                continue
            target = (path.parent / unquote(address.split("?")[0])).resolve() if address else path
            if not target.exists():
                broken.append(f"{path.name} -> {address}")
            elif fragment and target in soups and not soups[target].find(id=unquote(fragment)):
                broken.append(f"{path.name} -> {address}#{fragment}")
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_icons_are_drawn_in_the_page(page):
    text = (SITE / page).read_text(encoding="utf-8")
    soup = BeautifulSoup(text, "html.parser")
    assert "fontawesome" not in text and not soup.select("i, [class*='fa-']")
    assert all(icon.path["d"] for icon in soup.select("svg.icon"))
