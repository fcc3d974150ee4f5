"""Negative controls: each fault that must make the tests fail does so.

A small book goes through the real pipeline, with the real settings, in a tree of its own. It is
green; then each test breaks one thing in a copy.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REAL = [
    "_config.yml",
    "pyproject.toml",
    "book/build.py",
    "book/conftest.py",
    "book/references.bib",
    "book/_static",
    "tests/book/test_notebooks.py",
]
SMALL = {
    "_toc.yml": """
format: jb-book
root: book/index
parts:
  - chapters:
      - file: book/chapters/small
""",
    "book/index.md": """
# A small book

{doc}`chapters/small` {cite}`holzinger1939`

```{bibliography}
```
""",
    "book/chapters/small.md": """---
kernelspec: {display_name: Python 3, name: python3}
---

# A small chapter

```{code-cell} ipython3
:tags: [claim:FA-1]
import matplotlib.pyplot as plt
from lvmnotes import check
from lvmnotes.plots import common
common.style()
print("the answer is", 6 * 7)
check("FA-1", "a sum", 0.1 + 0.2, 0.3, rtol=1e-9)
```

```{code-cell} ipython3
plt.plot([1, 2])
plt.show()
```
""",
}


def run(tree, *command):
    """Run a Python command in a tree; return its exit code and all it said."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    return done.returncode, done.stdout


def compare(tree):
    """Run what `make test` runs over the notebooks."""
    return run(tree, "-m", "pytest", "book/chapters", "tests")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Return the small book, executed."""
    tree = tmp_path_factory.mktemp("book")
    for name in REAL:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tree / name)
    for name, text in SMALL.items():
        (tree / name).parent.mkdir(exist_ok=True)
        (tree / name).write_text(text, encoding="utf-8")
    code, said = run(tree, "book/build.py", "execute")
    assert code == 0, said
    return tree


@pytest.fixture
def tree(book, tmp_path):
    """Return a copy of the small book, to break."""
    return shutil.copytree(book, tmp_path / "tree")


@pytest.fixture
def notebook(tree):
    """Return the executed notebook of the copy."""
    return tree / "book" / "chapters" / "small.ipynb"


def test_the_small_book_is_green(tree):
    code, said = compare(tree)
    assert code == 0, said
    code, said = run(tree, "book/build.py", "site")
    assert code == 0, said


@pytest.mark.parametrize(
    "printed, tampered",
    [
        ("the answer is 42", "the answer is 43"),
        ('"gap": "< 1e-15"', '"gap": "< 1e-14"'),
        ("<path d=\\\"M 0 ", "<path d=\\\"M 1 "),
    ],
    ids=["number", "check", "figure"],
)  # fmt: skip
def test_a_tampered_output_is_found(tree, notebook, printed, tampered):
    text = notebook.read_text(encoding="utf-8")
    assert printed in text
    notebook.write_text(text.replace(printed, tampered, 1), encoding="utf-8")
    code, said = compare(tree)
    assert code == 1 and "Cell outputs differ" in said


def test_a_cell_that_was_not_executed_is_found(tree, notebook):
    content = json.loads(notebook.read_text(encoding="utf-8"))
    content["cells"][-1].update(execution_count=None, outputs=[])
    notebook.write_text(json.dumps(content), encoding="utf-8")
    code, said = compare(tree)
    assert code == 1 and "test_every_code_cell_was_executed_in_order" in said


def test_a_chapter_that_was_not_executed_is_found(tree, notebook):
    notebook.unlink()
    code, said = compare(tree)
    assert code == 1 and "test_the_chapters_are_those_of_the_table_of_contents" in said
    assert run(tree, "book/build.py", "site")[0] != 0


def test_a_notebook_older_than_its_chapter_is_found(tree, notebook):
    with notebook.with_suffix(".md").open("a", encoding="utf-8") as chapter:
        chapter.write("\nOne more sentence.\n")
    code, said = compare(tree)
    assert code == 1 and "test_the_notebook_is_that_of_the_source" in said


@pytest.mark.parametrize("broken", ["{ref}`nowhere`", "{prf:ref}`FA-99`", "{cite}`nobody1900`"])
def test_a_broken_reference_stops_the_build_every_time(tree, broken):
    with (tree / "book" / "index.md").open("a", encoding="utf-8") as page:
        page.write(f"\nSee {broken}.\n")
    for _ in range(2):
        code, said = run(tree, "book/build.py", "site")
        assert code != 0 and broken.split("`")[1] in said


def test_a_check_that_fails_stops_the_build_and_leaves_no_notebook(tree, notebook):
    chapter = notebook.with_suffix(".md")
    chapter.write_text(chapter.read_text(encoding="utf-8").replace("0.3,", "0.4,"))
    code, said = run(tree, "book/build.py", "execute")
    assert code != 0 and "FA-1 fails" in said
    assert not notebook.exists()
