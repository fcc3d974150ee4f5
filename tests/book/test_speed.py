"""Pages are fast on a phone: little to load, little to compute, nothing that moves meanwhile."""

import gzip
import io
import json
import re
import shutil
import statistics
import subprocess
import sys
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import tinycss2
from built import ROOT, SITE

sys.path.insert(0, str(ROOT / "book"))
import stylesheet  # noqa: E402

PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
CHAPTERS = [page for page in PAGES if "/chapters/" in page]
MEDIAN, LARGEST = 600, 900  # kB of a page over the wire
STYLES = """() => {
    const all = style => [...style].filter(name => !name.startsWith("--"))
        .map(name => `${name}: ${style.getPropertyValue(name)}`).join("; ");
    return [...document.querySelectorAll("body, body *")].map(element =>
        [undefined, "::before", "::after"].map(part => all(getComputedStyle(element, part))));
}"""


class Compressing(SimpleHTTPRequestHandler):
    """Sends text compressed, as servers do."""

    def send_head(self):
        path = Path(self.translate_path(urlsplit(self.path).path))
        if path.suffix not in (".html", ".css", ".js", ".svg") or not path.exists():
            return super().send_head()
        content = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        return io.BytesIO(content)


@pytest.fixture(scope="module")
def site(serve):
    """Return the address of the built site."""
    return serve(SITE, Compressing)


def loads(browser, address):
    """Return the paths of all that a phone loads with a page."""
    tab = browser.new_page(viewport={"width": 375, "height": 812})
    tab.set_default_timeout(120_000)
    paths = set()
    tab.on("requestfinished", lambda it: paths.add(unquote(urlsplit(it.url).path).lstrip("/")))
    tab.goto(address)
    tab.wait_for_load_state("networkidle")
    tab.close()
    return paths


def test_pages_are_light(browser, site):
    """Pages of one folder that name the same files load the same, but for themselves."""
    weights, loaded = {}, {}
    for page in PAGES:
        text = (SITE / page).read_text(encoding="utf-8")
        named = [Path(page).parent, *re.findall(r'="([^"]*\.(?:css|js|png|svg|webp))\b', text)]
        if (named := tuple(named)) not in loaded:
            loaded[named] = loads(browser, f"{site}/{page}") - {page}
        contents = [(SITE / path).read_bytes() for path in {page, *loaded[named]}]
        weights[page] = sum(min(len(it), len(gzip.compress(it))) for it in contents) / 1000
    assert len(loaded) > len(CHAPTERS)
    assert statistics.median(weights.values()) <= MEDIAN, weights
    assert max(weights.values()) <= LARGEST, weights


def computed_styles(browser, page, scheme):
    """Return how everything on a page of the site is styled."""
    tab = browser.new_page(color_scheme=scheme)
    tab.set_default_timeout(120_000)
    tab.goto((SITE / page).as_uri())
    tab.wait_for_load_state("networkidle")
    tab.evaluate("document.fonts.ready")
    styles = tab.evaluate(STYLES)
    tab.close()
    return styles


@pytest.mark.parametrize(
    ("page", "scheme"), [("book/library/plots.refresher.html", "light"), ("search.html", "dark")]
)
def test_the_one_stylesheet_does_what_all_would_do(browser, page, scheme):
    text = (SITE / page).read_text(encoding="utf-8")
    (link,) = re.findall(r'<link rel="stylesheet"[^>]*>', text)
    static = "../" * page.count("/") + "_static"
    names = re.match(r"/\* made of (.*) \*/", (SITE / "_static" / "book.css").read_text("utf-8"))[1]
    sheets = [f'<link rel="stylesheet" href="{static}/{name}">' for name in names.split()]
    assert len(sheets) > 9
    copy = (SITE / page).with_name("all-stylesheets.html")
    copy.write_text(text.replace(link, "".join(sheets)), encoding="utf-8")
    try:
        expected = computed_styles(browser, copy.relative_to(SITE).as_posix(), scheme)
    finally:
        copy.unlink()
    assert computed_styles(browser, page, scheme) == expected


def test_rules_without_use_are_left_out():
    text = """
        .here, .gone > a { color: red } a:not(.gone).here { color: red } .here .gone { top: 0 }
        .bs-tooltip-auto { top: 1px } @media print { .gone { top: 0 } .here { top: 2px } }
        @media screen { .gone { top: 0 } } @keyframes turn { from { top: 3px } } #gone { top: 4px }
    """
    rules = tinycss2.parse_stylesheet(text, skip_whitespace=True)
    found = stylesheet.used(rules, stylesheet.vocabulary(['<p class="here">', 'x = "bs-tooltip"']))
    assert re.sub(r"\s+", " ", found) == (
        ".here{color: red} a:not(.gone).here{color: red} .bs-tooltip-auto{top: 1px} "
        "@media print {.here{top: 2px}} @keyframes turn { from { top: 3px } } #gone{top: 4px}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("page", [*PAGES, "search.html"])
def test_lighthouse(site, page):
    """Speed is measured three times, because the machine has other things to do, too."""
    lighthouse = shutil.which("lighthouse")
    if not lighthouse:
        pytest.skip("no lighthouse here: npm install --global lighthouse")
    goal = 0.9 if page == "book/index.html" else 0.8 if page in CHAPTERS else None
    command = [lighthouse, f"{site}/{page}", "--quiet", "--output=json"]
    command += ["--chrome-flags=--headless=new --no-sandbox"]
    speeds = []
    for _ in range(3 if goal else 1):
        done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
        scores = {it: found["score"] for it, found in json.loads(done.stdout)["categories"].items()}
        speeds.append(scores.pop("performance"))
        assert min(scores.values()) >= 0.95, scores
    assert goal is None or statistics.median(speeds) >= goal, speeds
