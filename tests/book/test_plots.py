"""Every figure function of the library is used in a chapter."""

import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

from lvmnotes import plots

ROOT = Path(__file__).parents[2]
CHAPTERS = {
    path.stem.replace("-", "_"): path.read_text(encoding="utf-8")
    for path in (ROOT / "book" / "chapters").glob("*.md")
}
MODULES = {path.stem for path in Path(plots.__file__).parent.glob("[!_]*.py")}


def functions(module):
    """Return the names of the figures that a module defines itself."""
    module = import_module(f"lvmnotes.plots.{module}")
    members = inspect.getmembers(module, inspect.isfunction)
    return {
        name
        for name, function in members
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def test_a_module_is_named_as_its_chapter():
    assert MODULES - {"common"} <= set(CHAPTERS)


@pytest.mark.parametrize("chapter", sorted(MODULES - {"common"}))
def test_a_chapter_draws_all_its_figures(chapter):
    assert functions(chapter) == set(re.findall(r"\bplots\.(\w+)\(", CHAPTERS[chapter]))


def test_common_figures_are_drawn_by_several_chapters():
    for name in functions("common") - {"frameless"}:
        assert sum(f"common.{name}(" in text for text in CHAPTERS.values()) > 1, name
