"""The page of the library documents everything that a chapter or a problem set imports."""

import ast
from importlib import import_module
from pathlib import Path
from types import ModuleType

import jupytext
import pytest
from bs4 import BeautifulSoup

import lvmnotes

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("book/chapters/*.md"), *ROOT.glob("coursework/problems/*.md")])


@pytest.fixture(scope="module")
def documented():
    """Return the full names of the objects and modules on the page."""
    page = (ROOT / "_build" / "html" / "book" / "library.html").read_text(encoding="utf-8")
    found = {element["id"] for element in BeautifulSoup(page, "html.parser").select("[id]")}
    return {name.removeprefix("module-") for name in found}


def imported(source):
    """Return the objects that the code cells of a notebook import from the library."""
    code = [cell.source for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    lines = [line for line in "\n".join(code).splitlines() if not line.lstrip().startswith("%")]
    for node in ast.walk(ast.parse("\n".join(lines))):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "lvmnotes":
            for alias in node.names:
                value = getattr(import_module(node.module), alias.name, None)
                yield value or import_module(f"{node.module}.{alias.name}")


def full_name(value):
    """Return where a class, function or module is defined."""
    if isinstance(value, ModuleType):
        return value.__name__
    return f"{value.__module__}.{value.__qualname__}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: "/".join(path.parts[-2:]))
def test_every_imported_name_is_documented(source, documented):
    names = {full_name(value) for value in imported(source)}
    assert names, "the notebook imports nothing"
    assert names <= documented


def test_every_public_name_is_documented(documented):
    assert {full_name(getattr(lvmnotes, name)) for name in lvmnotes.__all__} <= documented
