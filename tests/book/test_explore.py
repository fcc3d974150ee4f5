"""Figures with sliders: as a page shows them, as JupyterLab does, and where no script runs."""

import base64
import doctest
import importlib
import io
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from unittest.mock import patch

import matplotlib.pyplot as plt
import nbclient
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbformat.sign import NotebookNotary
from PIL import Image
from playwright.sync_api import expect

module = importlib.import_module("lvmnotes.notebook.explore")
explore = module.explore


def stored(*args, **kwargs):
    """Return what one call of explore displays."""
    with patch.object(module, "display") as display:
        explore(*args, **kwargs)
    display.assert_called_once()
    return display.call_args.args[0]


def data(output):
    """Return what the script of an output works with."""
    found = re.search(r'<script type="application/json">(.*?)</script>', output["text/html"])
    return json.loads(found[1])


def images(output):
    """Return the pictures of an output, one for each position of the sliders."""
    first, *layers = (
        Image.open(io.BytesIO(base64.b64decode(file.split(",")[-1]))).convert("RGBA")
        for file in [output["image/png"], *data(output)["frames"]]
    )
    seen = [Image.alpha_composite(first, layer).convert("RGB") for layer in layers]
    return [seen[number] for number in data(output)["shown"]]


def card(red, blue=0):
    """Draw a figure whose right half has one colour."""
    figure, axes = plt.subplots(subplot_kw={"facecolor": (red / 255, 0, blue / 255)})
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    figure.subplots_adjust(0.5, 0, 1, 1)
    return figure


def card_alt(**choice):
    return "A card of " + ", ".join(f"{value} {name}" for name, value in choice.items())


def scatter(seed):
    """Draw many translucent dots, which no compression likes."""
    figure, axes = plt.subplots()
    rng = np.random.default_rng(seed)
    axes.scatter(*rng.random((2, 300)), c=rng.random(300), s=40 * rng.random(300), alpha=0.5)
    return figure


def test_one_frame_for_each_choice_in_the_order_of_the_sliders():
    reds, blues = range(0, 240, 30), np.array([0, 50, 100, 150, 200])  # 28 million pixels in all
    output = stored(card, alt=card_alt, red=reds, blue=blues)
    seen = images(output)
    expected = [(red, 0, blue) for red in reds for blue in blues]
    assert [image.getpixel((720, 360)) for image in seen] == expected
    assert {image.getpixel((240, 360)) for image in seen} == {(255, 255, 255)}
    assert {image.size for image in seen} == {(960, 720)}
    assert data(output)["alts"][6] == "A card of 30 red, 50 blue"
    assert data(output)["sliders"][1] == {
        "name": "blue",
        "labels": ["0", "50", "100", "150", "200"],
    }
    assert plt.get_fignums() == []


def test_equal_frames_are_stored_once():
    output = stored(lambda red: card(red // 100 * 100), alt="Cards", red=[0, 50, 100, 150, 200])
    assert data(output)["shown"] == [0, 0, 1, 1, 2]
    assert len(data(output)["frames"]) == 3


def test_two_calls_give_the_same_bytes():
    first, second = (stored(scatter, alt="Dots", seed=range(4)) for _ in range(2))
    assert dict(first) == dict(second)


def test_counts_of_pixels_do_not_overflow_where_numpy_counts_in_32_bits():
    def count_in_32_bits(*args, **kwargs):
        values, counts = unique(*args, **kwargs)
        return values, counts.astype(np.int32)

    unique = np.unique
    expected = stored(scatter, alt="Dots", seed=range(2))
    with patch.object(np, "unique", count_in_32_bits):
        assert dict(stored(scatter, alt="Dots", seed=range(2))) == dict(expected)


def test_sharpness_is_given_up_to_stay_small():
    fine = stored(scatter, alt="Dots", seed=range(3))
    size = len(fine["text/html"].encode())
    assert size <= module.MAX_BYTES == 300_000
    with patch.object(module, "MAX_BYTES", size - 1):
        coarse = stored(scatter, alt="Dots", seed=range(3))
    assert len(coarse["text/html"].encode()) < size
    assert [images(output)[2].width for output in (fine, coarse)] == [960, 640]
    assert len(images(coarse)[2].getcolors()) <= 32
    with (
        patch.object(module, "MAX_BYTES", size // 4),
        pytest.raises(ValueError, match=r"seed: 3 figures take \d+ kB; at most \d+ kB"),
    ):
        stored(scatter, alt="Dots", seed=range(3))


def test_text_output_where_html_cannot_be_shown():
    output = stored(card, alt='A "red" card </p>', red=[0.1 + 0.2, 200])
    assert repr(output) == output["text/plain"]
    assert output["text/plain"].startswith('A "red" card </p> Shown: red = 0.3. ')
    assert output["text/plain"].endswith("takes red from 0.3 to 200.")
    assert 'alt="A &quot;red&quot; card &lt;/p&gt;"' in output["text/html"]
    assert output["text/html"].count("</p>") == 1


def test_example_in_the_docstring():
    assert doctest.testmod(module).attempted > 0
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"draw": "card"}, TypeError, "draw must be a function .* got 'card'"),
        ({"draw": lambda red: None}, TypeError, "for red = 0 it returned None"),
        ({"draw": lambda red: plt.gca()}, TypeError, "must return a matplotlib Figure.*Axes"),
        (
            {"draw": lambda red: Figure((4, 3 + red))},
            ValueError,
            "one shape; that for red = 1 differs from that for red = 0",
        ),
        ({"alt": 3}, TypeError, "alt must be a text, or a function that returns one"),
        ({"alt": lambda red: red}, TypeError, "alt must be .* for red = 0 it is 0"),
        ({"alt": " "}, TypeError, "alt must be a text"),
        ({"red": ...}, ValueError, "one or two sequences of values, .* got none"),
        ({"blue": [0, 1], "green": [0, 1]}, ValueError, "one or two .* got red, blue, green"),
        ({"red": []}, ValueError, "red must have two values or more"),
        ({"red": [1]}, ValueError, "red must have two values or more"),
        ({"red": 3}, TypeError, "red must be a sequence of values; got 3"),
        ({"red": "ml"}, TypeError, "red must be a sequence of values; got 'ml'"),
        ({"red": [0, 1, 0]}, ValueError, "red must have different values; 0 is given twice"),
        ({"red": range(41)}, ValueError, "red has more than 40 values; at most 40"),
        ({"red": itertools.count()}, ValueError, "red has more than 40 values; at most 40"),
        ({"blue": range(21)}, ValueError, "red x blue: 42 figures; at most 40"),
    ],
)
def test_an_error_says_what_is_wrong(arguments, error, message):
    arguments = {"draw": card, "alt": "A card", "red": [0, 1]} | arguments
    given = {name: value for name, value in arguments.items() if value is not ...}
    with pytest.raises(error, match=message):
        stored(given.pop("draw"), **given)
    plt.close("all")


@pytest.fixture(scope="module")
def site(serve, tmp_path_factory):
    """Return the address of a page with two figures: one slider, and two."""
    folder = tmp_path_factory.mktemp("site")
    one = stored(card, alt=card_alt, red=[0, 100, 200, 250])["text/html"]
    two = stored(card, alt=card_alt, red=[0, 100, 200], blue=[0, 250])["text/html"]
    (folder / "index.html").write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Cards</title>'
        '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
        '<style>[data-theme="dark"] { background: #111; color: #eee; color-scheme: dark }</style>'
        f"<body>{one}<p>And</p>{two}",
        encoding="utf-8",
    )
    return serve(folder)


@pytest.fixture
def page(browser, site):
    """Open the page; at the end see that it asked for nothing else and complained of nothing."""
    page = browser.new_page(viewport={"width": 800, "height": 1100})
    heard = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.set_default_timeout(120_000)
    page.goto(site)
    yield page
    page.close()
    assert [what for what in heard if not what.startswith("data:")] == [f"{site}/"]


def shows(figure, colour):
    """Return whether a figure is, or within a minute becomes, half white and half this."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        picture = Image.open(io.BytesIO(figure.get_by_role("img").screenshot())).convert("RGB")
        left, right = (picture.getpixel((picture.width * n // 4, 200)) for n in (1, 3))
        if (left, right) == ((255, 255, 255), colour):
            return True
        figure.page.wait_for_timeout(50)
    return False


def test_dragging_a_slider_changes_picture_and_words(page):
    figure = page.locator(".lvm-explore").first
    slider = figure.get_by_role("slider", name="red")
    expect(slider).to_have_attribute("aria-valuetext", "red = 0")
    assert shows(figure, (0, 0, 0))
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.64, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    assert shows(figure, (200, 0, 0))
    expect(slider).to_have_attribute("aria-valuetext", "red = 200")
    expect(figure.locator("output")).to_have_text("200")
    expect(figure.get_by_role("img", name="A card of 200 red")).to_be_visible()
    expect(figure.get_by_role("status")).to_have_count(0)


def test_keys_move_two_sliders_and_leave_the_other_figure(page):
    one, two = page.locator(".lvm-explore").all()
    red, blue = two.get_by_role("slider").all()
    page.keyboard.press("Tab")
    for _ in range(3):  # from the slider of the first figure to that of the second
        page.keyboard.press("Tab")
    expect(red).to_be_focused()
    page.keyboard.press("ArrowRight")
    assert shows(two, (100, 0, 0))
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    expect(blue).to_be_focused()
    page.keyboard.press("ArrowUp")
    assert shows(two, (200, 0, 250))
    expect(two.get_by_role("img", name="A card of 200 red, 250 blue")).to_be_visible()
    red.press("Home")
    assert shows(two, (0, 0, 250))
    assert shows(one, (0, 0, 0))
    expect(one.get_by_role("slider")).to_have_attribute("aria-valuetext", "red = 0")


def test_play_runs_to_the_end_and_stops_when_asked(page):
    page.clock.install()
    page.clock.pause_at(time.time() + 3600)  # the page's time goes on only where this test says so
    one, two = page.locator(".lvm-explore").all()
    play, slider = one.get_by_role("button", name="Play red"), one.get_by_role("slider")
    expect(play).to_have_attribute("aria-pressed", "false")
    play.press("Space")  # the first step is made at once
    expect(slider).to_have_attribute("aria-valuetext", "red = 100")
    expect(play).to_have_attribute("aria-pressed", "true")
    page.clock.run_for(module.PACE)
    expect(slider).to_have_attribute("aria-valuetext", "red = 200")
    page.clock.run_for(module.PACE)
    expect(slider).to_have_attribute("aria-valuetext", "red = 250")
    expect(play).to_have_attribute("aria-pressed", "false")
    assert shows(one, (250, 0, 0))
    assert shows(two, (0, 0, 0))
    play.click()  # at the end, it starts again
    expect(slider).to_have_attribute("aria-valuetext", "red = 0")
    page.clock.run_for(module.PACE)
    expect(slider).to_have_attribute("aria-valuetext", "red = 100")
    play.click()
    page.clock.run_for(5 * module.PACE)
    expect(slider).to_have_attribute("aria-valuetext", "red = 100")
    play.click()
    slider.press("Home")  # moving the slider by hand stops it as well
    page.clock.run_for(5 * module.PACE)
    expect(slider).to_have_attribute("aria-valuetext", "red = 0")
    expect(play).to_have_attribute("aria-pressed", "false")


def test_without_javascript_the_first_picture_and_a_sentence(browser, site):
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site)
        expect(page.get_by_role("img", name="A card of 0 red", exact=True)).to_be_visible()
        expect(page.get_by_text("a slider takes red from 0 to 250")).to_be_visible()
        expect(page.locator("input, button")).to_have_count(0)


def test_dark_and_narrow(page):
    page.set_viewport_size({"width": 375, "height": 700})
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    for figure in page.locator(".lvm-explore").all():
        for part in figure.locator("button, label").all():
            expect(part).to_have_css("color", "rgb(238, 238, 238)")
        assert shows(figure, (0, 0, 0))


def test_live_view_calls_draw_and_shows_what_goes_wrong():
    def draw(red, blue):
        if blue > 1:
            raise ValueError("no blue > 1")
        return card(red, blue)

    live = module._live(draw, card_alt, {"red": [0, 1], "blue": [0, 1, 2]}, "start")
    (play, red, blue), picture = live.children[0].children, live.children[1]
    assert (play.description, red.description, blue.description) == ("Play red", "red", "blue")
    assert picture.value == "start"
    red.index = blue.index = 1
    assert 'alt="A card of 1 red, 1 blue"' in picture.value
    blue.index = 2
    assert picture.value == "<pre>ValueError: no blue &gt; 1</pre>"


SOURCE = """
import matplotlib.pyplot as plt
from lvmnotes.notebook.explore import explore

called = []

def bar(height):
    called.append(height)
    figure, axes = plt.subplots()
    axes.bar([0], [height])
    axes.set_ylim(0, 5)
    return figure

explore(bar, alt=lambda height: f"A bar of height {height}", height=[1, 2, 3, 4])
"""


def notebook(kernel="python3"):
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in (SOURCE, "print(called)")],
        metadata={"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
    )


@pytest.fixture(scope="module")
def executed():
    """Return an executed notebook; the model of its live view is gone with the kernel."""
    executed = notebook()
    nbclient.NotebookClient(executed, store_widget_state=False, startup_timeout=300).execute()
    outputs = executed.cells[0].outputs
    assert [list(output.data) for output in outputs][1:] == [[module.VIEW]]
    return executed


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start JupyterLab on an empty folder; return the folder and its address."""
    folder, home = tmp_path_factory.mktemp("lab"), tmp_path_factory.mktemp("jupyter")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTERLAB_SETTINGS_DIR")
    names += ("JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
    options = [f"--ServerApp.root_dir={folder}", f"--port={port}", "--ServerApp.port_retries=0"]
    options += ["--no-browser", "--allow-root", "--IdentityProvider.token="]
    with (
        patch.dict(os.environ, {name: str(home / name) for name in names}),
        subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], stderr=subprocess.DEVNULL
        ) as server,
    ):
        address = f"http://127.0.0.1:{port}"
        while True:
            try:
                urllib.request.urlopen(f"{address}/api")
                break
            except OSError:
                assert server.poll() is None, "JupyterLab has ended"
                time.sleep(0.1)
        yield folder, address
        server.terminate()
        try:
            server.wait(5)
        except subprocess.TimeoutExpired:  # its kernels have ended, but one of its threads hangs
            server.kill()


def open_in(lab, browser, name, written=None):
    """Open a notebook, or first write it and then open it."""
    folder, address = lab
    if written:
        nbformat.write(written, folder / name)
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(f"{address}/lab/tree/{name}?reset")
    return page


def test_jupyterlab_draws_live_and_shows_the_frames_without_the_kernel(browser, lab):
    with open_in(lab, browser, "live.ipynb", notebook()) as page:
        cells = page.locator(".jp-Notebook .cm-content")
        frames, live = page.locator(".lvm-explore"), page.locator(".lvm-live")
        # A kernel that is still starting drops the cell.
        expect(page.get_by_text("| Idle")).to_be_visible()
        cells.first.click()
        page.keyboard.press("Shift+Enter")
        expect(live.get_by_role("img", name="A bar of height 1")).to_be_visible()
        expect(frames).to_be_hidden()
        live.get_by_role("slider").press("ArrowRight")
        expect(live.get_by_role("img", name="A bar of height 2")).to_be_visible()
        live.get_by_role("button", name="Play height").click()
        expect(live.get_by_role("img", name="A bar of height 4")).to_be_visible()
        cells.nth(1).click()
        page.keyboard.press("Shift+Enter")
        expect(page.locator("pre")).to_have_text("[1, 2, 3, 4, 2, 3, 4]\n")
        page.keyboard.press("Control+s")
        page.get_by_role("menuitem", name="Kernel").click()
        page.get_by_role("menuitem", name="Restart Kernel…").click()
        page.get_by_role("button", name="Confirm Kernel Restart").click()
        expect(live).to_be_hidden()
        expect(frames.get_by_role("img", name="A bar of height 1")).to_be_visible()
    with open_in(lab, browser, "live.ipynb") as page:
        frames = page.locator(".lvm-explore")
        frames.get_by_role("slider").press("ArrowRight")
        expect(frames.get_by_role("img", name="A bar of height 2")).to_be_visible()
        expect(page.get_by_text("model not found")).to_be_attached()
        expect(page.get_by_text("model not found")).to_be_hidden()


def test_trusted_notebook_without_any_kernel(browser, lab, executed):
    written = executed.copy()
    written.metadata = notebook("absent").metadata
    NotebookNotary().sign(written)
    with open_in(lab, browser, "trusted.ipynb", written) as page:
        page.get_by_role("dialog").get_by_role("button", name="No Kernel").click()
        frames = page.locator(".lvm-explore")
        frames.get_by_role("slider").press("End")
        expect(frames.get_by_role("img", name="A bar of height 4")).to_be_visible()
        expect(page.get_by_text("Loading widget")).to_be_attached()
        expect(page.get_by_text("Loading widget")).to_be_hidden()


def test_untrusted_notebook_shows_the_first_picture(browser, lab, executed):
    with open_in(lab, browser, "untrusted.ipynb", executed) as page:
        frames = page.locator(".lvm-explore")
        expect(frames.get_by_role("img", name="A bar of height 1")).to_be_visible()
        expect(frames.get_by_text("in a trusted notebook")).to_be_visible()
        expect(frames.get_by_role("slider")).to_have_count(0)
