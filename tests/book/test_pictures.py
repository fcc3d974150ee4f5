"""Pictures are files that load when needed, legible on a phone, and dark in the dark."""

import io
import re
import sys

import pytest
from built import ROOT, SITE, soup
from PIL import Image

sys.path.insert(0, str(ROOT / "book"))
import pictures  # noqa: E402

PAGES = sorted(path.relative_to(SITE).as_posix() for path in SITE.glob("book/**/*.html"))
CHAPTERS = [page for page in PAGES if "/chapters/" in page]
DRAWN = [
    path
    for path in sorted((SITE / "_images").glob("*.svg"))
    if "Matplotlib" in path.read_text(encoding="utf-8")
]
COLUMN, SMALLEST = 343, 11  # pixels: the text's width on a phone, the height of text in a figure


@pytest.fixture(scope="module")
def site(serve):
    """Return the address of the built site."""
    return serve(SITE)


@pytest.mark.parametrize("page", PAGES)
def test_pictures_are_files_that_load_late(page):
    text = (SITE / page).read_text(encoding="utf-8")
    assert not re.search(r"data:image/[^;]*;base64,[^\"]{1000}", text)
    images = soup(page).select(".bd-article img")
    assert all(image["loading"] == "lazy" for image in images[1:])
    assert all(image["width"] and image["height"] for image in images)


@pytest.mark.parametrize("drawing", DRAWN, ids=lambda path: path.stem[:8])
def test_text_in_figures_is_legible_on_a_phone(drawing):
    drawn = drawing.read_text(encoding="utf-8")
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', drawn)[1])
    # Letters are outlines of a font of 100 units.
    sizes = [100 * float(scale) for scale in re.findall(r"scale\(([\d.]+) -[\d.]+\)", drawn)]
    assert min(sizes, default=99) * COLUMN / width >= SMALLEST


def test_figures_are_dark_in_the_dark(browser, site):
    assert len(DRAWN) > 20
    for scheme, paper in {"light": 255, "dark": pictures.PAPER}.items():
        tab = browser.new_page(viewport={"width": 700, "height": 500}, color_scheme=scheme)
        tab.set_default_timeout(120_000)
        tab.goto(f"{site}/{CHAPTERS[0]}")
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == f"rgb({paper}, {paper}, {paper})"
        figure = tab.locator("article img[src$='.svg']").first
        figure.scroll_into_view_if_needed()
        tab.wait_for_function("it => it.complete && it.naturalWidth", arg=figure.element_handle())
        shot = Image.open(io.BytesIO(figure.screenshot())).convert("RGB")
        assert shot.getpixel((5, 5)) == (paper, paper, paper)
        lightest, darkest = (
            extreme(pixel[1] for pixel in shot.get_flattened_data()) for extreme in (max, min)
        )
        assert (darkest < 40 and lightest == 255) if scheme == "light" else lightest > 200
        tab.close()


def test_colours_of_the_dark():
    assert pictures.dark("#ffffff") == pictures.grey(pictures.PAPER)
    assert pictures.dark("#000000") == pictures.grey(pictures.INK)
    assert pictures.dark("#0072b2") == "#4c9be0"  # of the palette
    assert pictures.dark("#08306b") == "#a4c4f4"  # another blue: light, and still blue
    assert pictures.dark("#f7fbff") == "#171a1d"  # nearly white: nearly the page
    drawn = pictures.in_the_dark('<svg><defs/><defs></defs><g style="fill: #ffffff"/></svg>')
    assert '[style*="fill: #ffffff"] {fill: #161616 !important}' in drawn


@pytest.mark.parametrize("page", [page for page in CHAPTERS if "refresher" not in page])
def test_a_chapter_opens_with_a_picture(page):
    article = soup(page).article
    opening = [it for it in article.h2.find_all_previous("figure") if it.figcaption]
    assert opening and opening[-1].img["src"].endswith(".svg")


def test_frames_load_from_files_without_a_server(browser):
    page = next(page for page in CHAPTERS if "lvm-explore" in (SITE / page).read_text("utf-8"))
    tab = browser.new_page()
    tab.set_default_timeout(120_000)
    tab.goto((SITE / page).as_uri())
    figure = tab.locator(".lvm-explore").first
    figure.get_by_role("slider").first.press("ArrowRight")
    image = figure.locator("img")
    assert image.get_attribute("src").endswith(".webp")
    tab.wait_for_function("it => it.complete && it.naturalWidth > 0", arg=image.element_handle())
    tab.close()
