"""The executed chapters are all there, whole and fresh, so that comparing them proves something.

The comparison itself is nbval's (see pyproject.toml): each cell runs again in a fresh kernel. Of
what nbval 0.11 finds it compares every mime type (text, HTML, LaTeX, SVG, JSON) and both streams,
but neither PNG nor JPEG, nor the views of widgets, nor a cell that was never executed. What it
leaves out is forbidden here.
"""

from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

ROOT = Path(__file__).parents[2]
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
FILES = [page["file"] for part in TOC["parts"] for page in part["chapters"]]
CHAPTERS = [ROOT / file for file in FILES if file.startswith("book/chapters/")]

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.name)


def code_cells(chapter):
    notebook = nbformat.read(chapter.with_suffix(".ipynb"), as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("suffix", [".md", ".ipynb"])
def test_the_chapters_are_those_of_the_table_of_contents(suffix):
    found = {path.stem for path in (ROOT / "book" / "chapters").glob(f"*{suffix}")}
    assert found == {chapter.name for chapter in CHAPTERS}


@each_chapter
def test_every_code_cell_was_executed_in_order(chapter):
    counts = [cell.execution_count for cell in code_cells(chapter)]
    assert counts == list(range(1, len(counts) + 1))


@each_chapter
def test_the_notebook_is_that_of_the_source(chapter):
    source = jupytext.read(chapter.with_suffix(".md"))
    notebook = nbformat.read(chapter.with_suffix(".ipynb"), as_version=4)
    assert [cell.source for cell in notebook.cells] == [cell.source for cell in source.cells]


@each_chapter
def test_no_cell_escapes_the_comparison(chapter):
    for cell in code_cells(chapter):
        tags = cell.metadata.get("tags", [])
        assert not [tag for tag in tags if tag.startswith("nbval") or tag == "skip-execution"]
        assert "NBVAL" not in cell.source
        for output in cell.outputs:
            mime_types = set(output.get("data", {}))
            if mime_types & {"image/png", "image/jpeg"}:
                assert mime_types & {"image/svg+xml", "text/html"}, "a picture nobody compares"
