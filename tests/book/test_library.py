"""The pages of the library document what notebooks import, and are joined with the chapters."""

import ast
from importlib import import_module
from types import ModuleType

import jupytext
import pytest
import yaml
from built import ROOT, SITE, soup

import lvmnotes

PAGES = {path.stem for path in SITE.glob("book/library/*.html")}
TABLE = yaml.safe_load((ROOT / "book" / "library.yml").read_text(encoding="utf-8"))
MODULES = {name: own for group in TABLE for name, own in group["modules"].items()}
IMPLEMENTED = [
    (f"lvmnotes.{module}.{name}", label)
    for module, own in MODULES.items()
    for name, labels in own.items()
    for label in labels
]
CHAPTERS = sorted(ROOT.glob("book/chapters/*.md"))
SOURCES = [*CHAPTERS, *sorted(ROOT.glob("coursework/problems/*.md"))]


def page_of(module):
    return soup(f"book/library/{module}.html")


@pytest.fixture(scope="module")
def documented():
    """Return the full names of the objects and modules on the pages."""
    found = {element["id"] for module in PAGES for element in page_of(module).select("[id]")}
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


def test_there_is_a_page_per_module():
    assert PAGES == set(MODULES)


def test_every_model_function_says_what_it_implements():
    silent = [
        name
        for group in TABLE
        for own in group["modules"].values()
        for name, labels in own.items()
        if group["group"] in ("Models", "What the models share") and not labels
    ]
    assert silent == ["ParallelAnalysis", "parallel_analysis"]  # no chapter derives it


@pytest.mark.parametrize("name, label", IMPLEMENTED)
def test_what_implements_a_claim_and_the_claim_are_linked_both_ways(name, label):
    page = page_of(name.rsplit(".", 1)[0].removeprefix("lvmnotes."))
    described = page.find(id=name).find_parent("dl")
    anchor = f"#equation-{label}" if label.startswith("eq-") else f"#{label}"
    (link,) = {it["href"] for it in described.select("a") if it["href"].endswith(anchor)}
    if not label.startswith("eq-"):
        chapter = link.split("#")[0].removeprefix("../")
        box = soup(f"book/{chapter}").find(id=label)
        (back,) = box.select(f'.in-library a[href$="#{name}"]')


def test_every_object_links_to_its_source():
    for module in PAGES:
        for it in page_of(module).select("dl.class > dt, dl.function > dt"):
            assert it.select_one('a[href*="_modules/lvmnotes"]'), it["id"]


@pytest.mark.parametrize("source", CHAPTERS, ids=lambda path: path.stem)
def test_the_first_mentions_of_a_name_in_a_chapter_are_links(source):
    article = soup(f"book/chapters/{source.stem}.html").article
    names = {it.__name__: full_name(it) for it in imported(source) if isinstance(it, type)}
    if "check(" in source.read_text(encoding="utf-8"):
        names["check"] = "lvmnotes.notebook.check.check"
    for name, target in names.items():
        in_code = [it for it in article.select("pre .n") if it.get_text() == name]
        assert in_code[0].find_parent("a")["href"].endswith(f"#{target}")
        texts = [it for it in article.select("code.literal") if it.get_text() == name]
        texts = [it for it in texts if not it.find_parent(class_="in-library")]
        assert not texts or texts[0].find_parent("a")["href"].endswith(f"#{target}")
