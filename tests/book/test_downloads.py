"""The notebooks that readers download read as plain Markdown and run with the library alone."""

import ast
import re
import subprocess
import sys
import venv

import nbformat
import pytest
from built import ROOT, SITE, soup

PAGES = sorted(path.with_suffix(".html") for path in (ROOT / "book" / "chapters").glob("*.md"))
BASE = {"IPython", "lvmnotes", "matplotlib", "numpy", "scipy", "sklearn"}  # what a reader installs
RAW = {
    "a role": r"\{[a-z:]+\}`",
    "a directive": r"^\s*(`{3,}|:{3,})\{",
    "a label": r"^\([\w-]+\)=$",
    "a number of an equation": r"^\$\$ *\([\w-]+\)",
}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def download(page):
    """Return the path that the download button of a page leads to."""
    button = soup(page.relative_to(ROOT).as_posix()).select_one("a.btn-download-source-button")
    return (SITE / page.relative_to(ROOT).parent / button["href"]).resolve()


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


@each_page
def test_nothing_is_left_to_resolve(page):
    texts = [cell.source for cell in cells(download(page), "markdown")]
    found = {
        what: match[0]
        for what, pattern in RAW.items()
        for text in texts
        if (match := re.search(pattern, text, re.MULTILINE))
    }
    assert found == {}


@each_page
def test_every_code_cell_is_there_with_its_outputs(page):
    executed = cells(page.with_suffix(".ipynb"), "code")
    install, *downloaded = cells(download(page), "code")
    assert "find_spec" in install.source
    assert [cell.source for cell in downloaded] == [cell.source for cell in executed]
    for before, after in zip(executed, downloaded, strict=True):
        glued = [o for o in before.outputs if "scrapbook" in o.get("metadata", {})]
        assert after.outputs == [o for o in before.outputs if o not in glued]


@each_page
def test_numbers_and_references_are_those_of_the_page(page):
    built = soup(page.relative_to(ROOT).as_posix())
    text = "\n".join(cell.source for cell in cells(download(page), "markdown"))
    glued = [span.get_text() for span in built.select("span.pasted-text")]
    shown = " ".join(number.get_text() for number in built.select(".eqno"))
    equations = re.findall(r"\((\d+(?:\.\d+)?)\)", shown)
    cited = [link.get_text() for link in built.select("span.bibtex-citation a")]
    assert equations and [number for number in equations if f"\\tag{{{number}}}" not in text] == []
    plain = text.replace("*", "")  # "et al." is set in italics
    assert [words for words in glued + cited if words not in plain] == []


@each_page
def test_solutions_are_folded_below_their_headings(page):
    headings = [
        cell
        for cell in cells(download(page), "markdown")
        if "# Solution to Exercise" in cell.source
    ]
    assert headings
    for cell in headings:
        assert cell.metadata["jp-MarkdownHeadingCollapsed"] and "\n" not in cell.source


@each_page
def test_chapters_import_nothing_but_what_the_library_brings(page):
    imported = set()
    for cell in cells(page.with_suffix(".ipynb"), "code"):
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                imported.update(name.name.split(".")[0] for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module.split(".")[0])
    assert imported - sys.stdlib_module_names <= BASE


def test_the_page_that_says_how_to_run_has_the_wheel():
    page = soup("book/run.html")
    (wheel,) = (SITE / "downloads").glob("*.whl")
    assert page.select_one(f'a[href="../downloads/{wheel.name}"]').get_text() == wheel.name
    assert f"pip install {wheel.name}" in page.get_text()


def test_a_notebook_without_the_library_says_what_to_do(tmp_path):
    install = cells(download(PAGES[0]), "code")[0].source
    without = "import importlib.util\nimportlib.util.find_spec = lambda name: None\n"
    script = without + install.replace("%pip", "print")
    (tmp_path / "first_cell.py").write_text(script.replace("print install", "pass  #"))
    done = subprocess.run(
        [sys.executable, "first_cell.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert "beside this notebook" in done.stderr


@pytest.mark.slow
def test_every_download_runs_where_only_the_library_is_installed(tmp_path):
    python = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    venv.create(tmp_path / "env", with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "ipykernel", "nbclient"], check=True)
    (wheel,) = (SITE / "downloads").glob("*.whl")
    for page in PAGES:
        folder = tmp_path / page.stem
        folder.mkdir()
        for path in (download(page), wheel):
            (folder / path.name).write_bytes(path.read_bytes())
        run = "import nbclient, nbformat; nbclient.execute(nbformat.read({!r}, 4), timeout=1800)"
        subprocess.run([python, "-c", run.format(download(page).name)], cwd=folder, check=True)
