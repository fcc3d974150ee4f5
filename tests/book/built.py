"""The site as it was built, for the tests that read it."""

from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"


@cache
def soup(page):
    """Return a page of the site, which is parsed once; nobody may change it."""
    return BeautifulSoup((SITE / page).read_text(encoding="utf-8"), "html.parser")
