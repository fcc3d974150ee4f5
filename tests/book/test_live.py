"""The code of the chapters runs in the page: it shows what is printed until a reader changes it."""

import hashlib
import math
import re
import shutil
import sys
from http.server import SimpleHTTPRequestHandler
from urllib.parse import urlsplit

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from built import ROOT, SITE
from markdown_it import MarkdownIt
from test_site import AXE, SETTLED

sys.path.insert(0, str(ROOT / "book"))
import live_assets  # noqa: E402

FOLDER = SITE / "live"
CHAPTERS = sorted(path.stem for path in (ROOT / "book" / "chapters").glob("*.md"))
QUICK = "refresher"  # the shortest
#: How far numbers may differ where round-off grows: networks learn for long; a ratio of the last
#: small gains of a likelihood.
ROUND_OFF_GROWS = {"manifold-view": 0.02, "latent-variable-models": 0.01}
#: Code whose numbers nothing determines: ICA of two normal sources may stop at any turn of their
#: plane, and where it does follows from the signs that LAPACK gives to eigenvectors.
UNDETERMINED = "H_mixed = np.column_stack"
CHECK = "application/vnd.lvmnotes.check+json"
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
KEY = re.compile('data-key="[^"]*"')
SOUND = re.compile("(?<=base64,)[^']+(?='></audio>)")  # its last bits may differ
MEASURED = re.compile(r"(?<=largest gap )(< )?[-+.\de]+|(?<=: )[-+.\de]+(?= \(asked)")
NUMBER = re.compile(r"[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
WAIT = 900_000  # milliseconds; a machine may have a lot to do

pytestmark = pytest.mark.skipif(
    not (FOLDER / "manifest.json").exists(), reason="the site was built without live cells"
)


class Below(SimpleHTTPRequestHandler):
    """Serves a folder below others, as a course's page may be."""

    at = "/course/notes/"

    def translate_path(self, path):
        below = path[len(self.at) - 1 :] if path.startswith(self.at) else "/elsewhere"
        return super().translate_path(below)


@pytest.fixture(scope="module")
def site(serve):
    """Return the address of the built site."""
    return serve(SITE, Below) + Below.at[:-1]


@pytest.fixture
def page(browser):
    """Return a tab of a reader who was never here, and note what it asks for."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.asked, page.errors = [], []
    context.on("request", lambda it: page.asked.append(it.url))
    page.on("pageerror", lambda it: page.errors.append(str(it)))
    yield page
    context.close()


def start(page, site, chapter):
    """Open a chapter and press the button."""
    page.goto(f"{site}/book/chapters/{chapter}.html")
    page.get_by_role("button", name="Run live").click()
    page.get_by_role("button", name="Run all").wait_for()


def until(page, status):
    """Wait until the line at the top says something."""
    page.wait_for_function(
        "words => document.querySelector('.live-status').textContent.match(words)", arg=status
    )


def run_all(page):
    """Run all cells; return for each its number and what it showed, as the page has it."""
    page.get_by_role("button", name="Run all").click()
    until(page, "^(Done|An error|Stopped|Python has)")
    assert page.locator(".live-status").inner_text().startswith("Done")
    cells = page.evaluate(
        "document.querySelector('.live-bar').list.map(it => [it.number, it.result, it.source])"
    )
    return {number: result for number, result, source in cells if source}


def printed(chapter):
    """Return what each code cell of a chapter has printed: pairs of a kind and a text."""
    notebook = nbformat.read(ROOT / "book" / "chapters" / f"{chapter}.ipynb", as_version=4)
    found = {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            found[number] = [shown(output) for output in cell.outputs]
    return found


def printed_sources(chapter):
    """Return the code of each code cell of a chapter."""
    notebook = nbformat.read(ROOT / "book" / "chapters" / f"{chapter}.ipynb", as_version=4)
    return {n: cell.source for n, cell in enumerate(notebook.cells) if cell.cell_type == "code"}


def shown(output):
    """Return an output of a notebook as the page would show it."""
    if output.output_type == "stream":
        return output.name, output.text
    data = output.data
    if CHECK in data:
        return "check", data["text/plain"]
    if "scrapbook" in output.metadata:
        return "glue", data.get("application/papermill.record/text/plain")
    if "text/markdown" in data:
        return "text/html", MARKDOWN.render(data["text/markdown"])
    kind = next(kind for kind in ("text/html", "image/svg+xml") if kind in data)
    return kind, data[kind]


def differences(chapter, live):
    """Return where what a chapter showed differs from what is printed."""
    found = []
    sources = printed_sources(chapter)
    for number, expected in printed(chapter).items():
        rtol = ROUND_OFF_GROWS.get(chapter, 1e-3)
        if UNDETERMINED in sources[number]:
            rtol = math.inf
        result = live.get(number)
        if result is None or not result["ok"]:
            found.append((number, result))
            continue
        got = result["outputs"]
        if [kind for kind, _ in got] != [kind for kind, _ in expected]:
            found.append((number, "kinds", [kind for kind, _ in got]))
            continue
        for (kind, text), (_, other) in zip(got, expected, strict=True):
            if kind == "image/svg+xml":
                same = text.count("<path") > 5
            elif kind == "check":  # it holds; by how much, may differ
                same = MEASURED.sub("#", text) == MEASURED.sub("#", other)
            elif kind == "glue":  # a text, or an object at an address
                same = "<" in other or alike(text["data"], other, rtol)
            elif "lvm-explore" in other:  # has one frame until the reader moves a slider
                same = re.findall('"labels".*?]', text) == re.findall('"labels".*?]', other)
            elif "lvm-question" in other:  # has texts as numbers
                same = KEY.sub("", text) == KEY.sub("", other)
            else:
                texts = (SOUND.sub(lambda it: str(len(it[0])), it) for it in (text, other))
                same = alike(*texts, rtol)
            if not same:
                found.append((number, kind, text, other))
    return found


def alike(text, other, rtol):
    """Return whether two texts have the same words, and the same numbers but for round-off.

    What is rounded may fall to either side, so numbers may differ by one of their last decimal.
    """
    if NUMBER.sub("#", text).split() != NUMBER.sub("#", other).split():
        return False
    for found, printed in zip(NUMBER.findall(text), NUMBER.findall(other), strict=True):
        a, b = (float(it.replace(",", "").replace("−", "-")) for it in (found, printed))
        decimals = len(printed.partition("e")[0].partition(".")[2])
        last = 1.01 * 10.0**-decimals if decimals and "e" not in printed else 0
        if not math.isclose(a, b, rel_tol=rtol, abs_tol=max(last, 1e-8)):
            return False
    return True


@pytest.mark.parametrize(
    "chapter",
    [QUICK, *(pytest.param(it, marks=pytest.mark.slow) for it in CHAPTERS if it != QUICK)],
)
def test_a_chapter_runs_as_it_is_printed(page, site, chapter):
    start(page, site, chapter)
    assert differences(chapter, run_all(page)) == []
    assert page.errors == []
    pictures = page.locator("figure > img[data-printed]")
    sizes = pictures.evaluate_all(
        """all => Promise.all(all.map(async it => {
            it.loading = "eager"; // what is far below the window would wait for the reader
            await it.decode();
            return it.naturalWidth;
        }))"""
    )
    assert len(sizes) == pictures.count() > 0 and min(sizes) > 100
    texts = page.locator(".live-output, .cell_output:has(img[data-printed])")
    assert page.locator(".live-mark").count() == texts.count()


def test_differences_are_seen():
    good = {
        number: {"ok": True, "outputs": [it for it in outputs]}
        for number, outputs in printed(QUICK).items()
    }
    assert differences(QUICK, good) == []
    number = next(
        it for it, outputs in printed(QUICK).items() if outputs and outputs[0][0] == "stdout"
    )
    ((kind, text),) = good[number]["outputs"]
    for bad in (
        {"ok": False, "outputs": good[number]["outputs"]},
        {"ok": True, "outputs": []},
        {"ok": True, "outputs": [(kind, text.replace("0.", "1."))]},
        {"ok": True, "outputs": [(kind, text.replace("mean", "median"))]},
    ):
        assert differences(QUICK, good | {number: bad})
    assert differences(QUICK, {it: good[it] for it in good if it != number})


def test_the_large_files_are_loaded_once_and_nothing_comes_from_elsewhere(page, site):
    page.goto(f"{site}/book/chapters/{QUICK}.html")
    page.wait_for_load_state("networkidle")
    assert not [url for url in page.asked if "/live/" in url]
    start(page, site, QUICK)
    asked = [url for url in page.asked if not url.startswith(("blob:", "data:"))]
    assert {urlsplit(url).netloc for url in asked} == {urlsplit(site).netloc}
    assert len([url for url in asked if url.endswith(".gz")]) == len(
        live_assets.manifest()["files"]
    )
    page.asked.clear()
    start(page, site, QUICK)
    assert page.asked and not [url for url in page.asked if url.endswith(".gz")]


def test_a_chapter_that_was_run_once_runs_without_a_network(page, site):
    start(page, site, QUICK)
    page.evaluate("document.querySelector('.live-bar').kept")
    page.context.set_offline(True)
    start(page, site, QUICK)
    assert page.locator(".live-status").inner_text().startswith("Python is ready")
    assert page.locator("article h1").is_visible()


def write(page, number, text):
    """Put other code into the editor of a cell."""
    cell = page.locator(f"#cell-{number}")
    cell.evaluate("""it => {
        it.querySelector("details.code").open = true;
        for (; it; it = it.parentElement) if (it.matches("details")) it.open = true;
    }""")
    cell.scroll_into_view_if_needed()
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(text)
    return cell


def run(page, cell, ends):
    """Press a cell's button, and wait until the line at the top begins with a text."""
    page.evaluate("document.querySelector('.live-status').textContent = ''")
    cell.get_by_role("button", name="Run").click()
    until(page, f"^{ends}")


def test_a_reader_changes_code_breaks_a_claim_stops_a_loop_and_resets(page, site):
    start(page, site, QUICK)
    # Another number: another result, by keyboard; the cells above run first.
    numbers = write(page, 12, "print(Sigma.shape, 6 * 7)")
    text = numbers.locator(".live-output pre")
    before = numbers.locator(".cell_output .output.stream")
    page.keyboard.press("Shift+Enter")
    until(page, "^Done")
    assert text.inner_text().strip() == "(5, 5) 42"
    assert numbers.locator(".live-mark").inner_text() == "yours"
    assert not before.first.is_visible()
    # The same again gives the same, and another draw does not.
    draws = []
    for code in ("rng.normal()", "rng.normal()", "rng.normal(size=2)[1]"):
        write(page, 12, f"print({code})")
        run(page, numbers, "Done")
        draws.append(text.inner_text())
    assert draws[0] == draws[1] != draws[2]
    # A claim that fails says so, and what is below is marked as older.
    cells = printed_sources(QUICK)
    claim = write(page, 6, cells[6].replace("@ gain.T", "@ (2 * gain.T)"))
    run(page, claim, "An error ended cell 4")
    assert claim.locator(".live-fails").inner_text().startswith("✗ REF-1 fails: posterior mean")
    assert "before your last change" in numbers.locator(".live-mark").inner_text()
    claim.get_by_role("button", name="Reset").click()
    assert claim.locator(".live-mark").count() == 0
    assert claim.locator(".cell_output .checks").is_visible()
    # A loop without an end is stopped, and the chapter goes on from the top.
    write(page, 12, "while True: pass")
    run(page, numbers, "Running cell 7 ")
    numbers.get_by_role("button", name="Stop").click()
    until(page, "^Stopped. What the cells had computed is lost")
    numbers.get_by_role("button", name="Reset").click()
    assert text.count() == 0 and before.first.is_visible()
    run(page, numbers, "Done")
    assert text.inner_text() == printed(QUICK)[12][0][1]
    # An exercise has a cell that knows what is above it.
    exercise = page.locator(".exercise").first
    exercise.scroll_into_view_if_needed()
    exercise.locator(".cm-content").click()
    page.keyboard.insert_text("1 / 0 if d == 10 else d")
    run(page, exercise, "An error")
    assert "ZeroDivisionError" in exercise.locator(".live-error").inner_text()
    # Tab indents; after Escape it leads on.
    exercise.locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Run"


SLIDER = """\
from lvmnotes import explore
calls = []
def draw(slope):
    calls.append(slope)
    figure, axes = plt.subplots()
    axes.plot([0, slope])
    axes.set_ylim(0, 9)
    return figure

explore(draw, alt="a line", slope=range(10))
print(calls)"""


def test_a_figure_with_sliders_draws_a_frame_when_it_is_shown(page, site):
    start(page, site, QUICK)
    exercise = page.locator(".exercise").first
    exercise.scroll_into_view_if_needed()
    exercise.locator(".cm-content").click()
    page.keyboard.insert_text(SLIDER)
    run(page, exercise, "Done")
    assert exercise.locator(".live-output pre").inner_text().strip() == "[0]"
    image = exercise.locator(".lvm-explore img")
    first = image.get_attribute("src")
    exercise.get_by_role("slider").press("End")
    page.wait_for_function(
        """first => {
            const { src } = document.querySelector(".lvm-explore img");
            return src.startsWith("data:image/png") && src !== first;
        }""",
        arg=first,
    )
    assert page.errors == []


FIGURE = """() => {
    const [script] = document.querySelectorAll("script[data-figure]");
    const figures = window.lvmStill(script).querySelectorAll(".lvm-live");
    return [figures.length, JSON.parse(script.textContent).W[0], figures[0]?.innerHTML];
}"""


def test_a_figure_that_the_reader_drags_takes_over_what_cells_compute(page, site):
    start(page, site, "linear-factor-models")
    cell = page.locator("#cell-2")
    page.locator("script[data-figure]").first.evaluate("""it => {
        for (let on = it; on; on = on.parentElement) if (on.matches("details")) on.open = true;
        window.lvmStill(it).scrollIntoView();
    }""")
    page.locator(".lvm-live").first.wait_for()
    assert (printed_data := page.evaluate(FIGURE))[:2] == [1, [2, 0.3]]
    write(page, 2, printed_sources("linear-factor-models")[2].replace("2.0, 0.3", "4.0, 0.3"))
    run(page, cell, "Done")
    count, W, drawn = page.evaluate(FIGURE)
    assert (count, W) == (1, [4, 0.3]) and drawn != printed_data[2]
    page.locator(".lvm-live [role=slider]").first.press("ArrowRight")
    page.locator("#cell-5 summary").click()
    page.get_by_role("button", name="Reset cell 4", exact=True).click()
    assert page.evaluate(FIGURE)[:2] == [1, [2, 0.3]]
    assert page.errors == []


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("delete window.DecompressionStream", "too old"),
        ("delete window.WebAssembly", "too old"),
        ("WebAssembly.validate = () => false", "too old"),
    ],
)
def test_a_browser_that_cannot_says_so_and_the_page_stays(page, site, missing, said):
    page.add_init_script(missing)
    page.goto(f"{site}/book/chapters/{QUICK}.html")
    bar = page.locator(".live-bar")
    page.wait_for_function("!document.querySelector('.live-bar button')")
    assert said in bar.inner_text()
    assert page.locator(".evidence").count() and not page.errors


def test_a_page_that_is_a_file_says_so(page):
    page.goto((SITE / "book" / "chapters" / f"{QUICK}.html").as_uri())
    page.wait_for_function("!document.querySelector('.live-bar button')")
    assert "from a server, not from a file" in page.locator(".live-bar").inner_text()


def test_a_page_without_scripts_says_so(browser, site):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{site}/book/chapters/{QUICK}.html")
    assert page.locator("noscript .live-bar").is_visible()
    assert not page.get_by_role("button", name="Run live").is_visible()
    page.close()


class Decoding(SimpleHTTPRequestHandler):
    """Tells browsers that .gz files are compressed on the way, as some servers do."""

    def end_headers(self):
        if self.path.endswith(".gz"):
            self.send_header("Content-Encoding", "gzip")
        super().end_headers()


def test_a_server_may_decompress_and_a_browser_may_keep_nothing(page, serve):
    script = (SITE / "_static" / "live" / "worker.js").read_text(encoding="utf-8")
    without = "Object.defineProperty(self, 'caches', { value: undefined });" + script
    page.route("**/worker.js", lambda it: it.fulfill(body=without, content_type="text/javascript"))
    site = serve(SITE, Decoding)
    start(page, site, QUICK)
    start(page, site, QUICK)
    assert page.get_by_text("Python is ready").is_visible()


def test_a_site_without_the_files_says_so(page, serve, tmp_path):
    copy = tmp_path / "site"
    ignored = shutil.ignore_patterns("live", "library", "downloads")
    shutil.copytree(SITE / "_static", copy / "_static")
    shutil.copytree(SITE / "book", copy / "book", ignore=ignored)
    page.goto(f"{serve(copy)}/book/chapters/{QUICK}.html")
    page.get_by_role("button", name="Run live").click()
    page.get_by_text("Python did not start: This copy of the book has no").wait_for()
    assert page.get_by_role("button", name="Run live").is_enabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_running_page_is_accessible_on_a_phone(browser, site, scheme):
    page = browser.new_page(color_scheme=scheme, viewport={"width": 375, "height": 812})
    page.set_default_timeout(WAIT)
    start(page, site, QUICK)
    run_all(page)
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true; })")
    page.locator(".exercise .live-tools").first.scroll_into_view_if_needed()
    page.locator(".exercise .cm-content").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.wait_for_function(SETTLED)
    assert Axe().run(page, options=AXE).response["violations"] == []
    page.close()


def test_the_site_stays_small():
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    assert size < 100e6


def test_what_others_wrote_is_what_vendor_made_and_has_its_licence():
    lines = (ROOT / "vendor" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    folder = ROOT / "book" / "_static" / "live"
    for digest, name in map(str.split, lines):
        content = (folder / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest
        assert content.startswith(b"/*!") and b"Permission is hereby granted" in content[:3000]
    assert len(lines) == 2
