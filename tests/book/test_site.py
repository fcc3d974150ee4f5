"""The site as readers use it: in light and dark mode, on a phone, with every fold open."""

from urllib.parse import unquote, urldefrag, urljoin

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from built import SITE, soup
from playwright.sync_api import expect

PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
ALIKE = [page for page in PAGES if page.startswith("book/library/")]  # two of them are enough
PAGES = [page for page in PAGES if page not in ALIKE] + ["404.html", "index.html", "search.html"]
PAGES += ["book/library/factor_analysis.html", "book/library/plots.ppca.html"]
# Colours, and widths of the window: that of the first is there when the page loads.
READERS = {
    "light": ("light", [1280]),
    "dark": ("dark", [1100, 1280]),
    "phone": ("light", [375]),
}
# Axe looks at the contrast of these: of texts that look the same on the same background, the first
# ten. All of a chapter take it 20 s. Of a single letter it never complains.
SAMPLE = """() => {
    const grounds = new Map([[null, ""]]), seen = new Map();
    const ground = it => {
        if (!grounds.has(it)) {
            const { backgroundColor, backgroundImage, filter, opacity } = getComputedStyle(it);
            const own = [backgroundColor, backgroundImage, filter, opacity];
            grounds.set(it, [ground(it.parentElement), ...own].join());
        }
        return grounds.get(it);
    };
    for (const it of document.querySelectorAll("body *")) {
        const texts = [...it.childNodes].filter(child => child.nodeType === Node.TEXT_NODE);
        const text = texts.map(child => child.data).join("").trim();
        const reads = text.length > 1 || it.matches("input, select, textarea");
        if (!reads || !it.checkVisibility({ visibilityProperty: true })) continue;
        const { color, fontSize, fontWeight, position, textShadow } = getComputedStyle(it);
        const look = [ground(it), color, fontSize, fontWeight, position, textShadow].join();
        seen.set(look, (seen.get(look) ?? 0) + 1);
        it.toggleAttribute("data-sample", seen.get(look) <= 10);
    }
}"""
CONFIGURE = "axe.configure({ rules: [{ id: 'color-contrast', selector: '[data-sample]' }] })"
AXE_OF_SAMPLE = Axe(f"{AXE_SCRIPT}; {CONFIGURE}")
AXE = {
    "resultTypes": ["violations"],
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
    scheme, widths = READERS[reader]
    page = browser.new_page(color_scheme=scheme, viewport={"width": widths[0], "height": 900})
    page.on("request", lambda it: it.url.startswith(own) or heard.append(f"asks {it.url}"))
    page.on("console", lambda it: it.type == "error" and heard.append(it.text))
    page.on("pageerror", lambda it: heard.append(str(it)))
    page.set_default_timeout(120_000)
    page.goto(address)
    page.wait_for_load_state("networkidle")  # alone it can come before the page is complete
    page.evaluate(OPEN)
    # As if all of it were near the window.
    page.add_style_tag(content="* { content-visibility: visible !important }")
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.evaluate("dispatchEvent(new Event('resize'))")
        page.wait_for_function(SETTLED)
        if (needed := page.evaluate("document.documentElement.scrollWidth")) > width:
            found.append(f"{needed} pixels wide at {width}")
        page.evaluate(SAMPLE)
        for violation in AXE_OF_SAMPLE.run(page, options=AXE).response["violations"]:
            found += [f"axe, {violation['id']}: {node['html']}" for node in violation["nodes"]]
    found += [f"no alt text: {image}" for image in page.locator("img").evaluate_all(WITHOUT_ALT)]
    page.close()
    return heard + found


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_accessible_and_makes_no_external_request(browser, site, page, reader):
    assert problems(browser, f"{site}/{page}", reader) == []


def test_the_page_check_finds_faults(browser, serve, tmp_path):
    (tmp_path / "bad.html").write_text(
        f"""<!doctype html><html><title>Bad</title><body>{"<p>Good</p>" * 20}
        <div style="background: #333"><p>Dark in the dark</p></div>
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
        ">Dark in the dark<",
    ):
        assert problem in found


def test_a_table_that_comes_near_and_scrolls_is_a_tab_stop(browser, site):
    page = browser.new_page(viewport={"width": 375, "height": 812})
    page.set_default_timeout(120_000)
    page.goto(f"{site}/book/chapters/factor-analysis.html")
    tables = page.locator(".pst-scrollable-table-container")
    wide = 0
    for table in tables.all():
        table.scroll_into_view_if_needed()
        table.evaluate("() => new Promise(requestAnimationFrame)")  # it is set in the next frame
        if table.evaluate("it => it.scrollWidth > it.clientWidth"):
            wide += 1
            expect(table).to_have_attribute("tabindex", "0")
    assert wide
    page.close()


def test_the_pages_read_without_scripts(browser, site):
    page = browser.new_page(java_script_enabled=False)
    page.set_default_timeout(120_000)
    for chapter in (name for name in PAGES if "/chapters/" in name):
        page.goto(f"{site}/{chapter}")
        assert page.locator("article h1").is_visible()
        assert page.locator("article img").first.is_visible()
    page.close()


def test_every_link_of_the_site_leads_somewhere():
    soups = {(SITE / page).resolve(): soup(page) for page in PAGES}
    broken = []
    for path, page in soups.items():
        for link in page.select("a[href], link[href], img[src], script[src]"):
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
    assert "fontawesome" not in (SITE / page).read_text(encoding="utf-8")
    assert not soup(page).select("i, [class*='fa-']")
    assert all(icon.path["d"] for icon in soup(page).select("svg.icon"))
