"""What the tests of the book share: a real browser, and a server for the folders it looks at."""

import os
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2] / "book"))
from offline import launch  # noqa: E402

# Milliseconds, long enough for a machine with ten times more to do than it can.
expect.set_options(timeout=120_000)


def pytest_configure(config):
    """Declare the marker that the next function gives."""
    config.addinivalue_line("markers", "browser: drives a real browser")


def pytest_collection_modifyitems(items):
    """Mark every test that drives a browser, so that `-m "not browser"` leaves them out."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):  # the cells of a notebook have none
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser():
    """Chromium: the one LVMNOTES_CHROMIUM names, else Playwright's own, else one on PATH."""
    with sync_playwright() as playwright:
        if chromium := launch(playwright):
            yield chromium
            chromium.close()
            return
    missing = "no Chromium starts: run `python -m playwright install chromium`"
    (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)


@pytest.fixture(scope="session")
def serve():
    """Return a function that serves a folder on a free port and returns its address."""
    servers = []

    def start(folder, handler=SimpleHTTPRequestHandler):
        handler = partial(handler, directory=folder)
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
