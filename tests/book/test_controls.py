"""Negative controls: each fault that must make the tests fail does so.

A small book goes through the real pipeline, with the real settings, in a tree of its own. It is
green; then each test breaks one thing in a copy.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
REAL = [
    "LICENSE",
    "Makefile",
    "README.md",
    "_config.yml",
    "audit",
    "pyproject.toml",
    "requirements.txt",
    *(f"book/{path.name}" for path in (ROOT / "book").glob("*.py")),
    "book/references.bib",
    "book/_static",
    "lvmnotes",
    "tests/book/test_notebooks.py",
]
SMALL = {
    "_toc.yml": """
format: jb-book
root: book/index
parts:
  - chapters:
      - file: book/chapters/small
      - file: book/notes
""",
    "book/notes.md": """
# Notes

```{prf:definition} A word
:label: word
A definition.
```

```{exercise} Think
:label: think
An exercise.
```

(place)=
## A place

A section.
""",
    "book/claims.yml": "[]\n",
    "book/corrections.yml": "[]\n",
    "book/index.md": """
# A small book

{doc}`chapters/small` {cite}`holzinger1939`

{ref}`place`, {prf:ref}`word`, {ref}`think`

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
    """Run a Python command in a tree, without what runs code in pages; return code and words."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env=os.environ | {"LIVE": "0"},
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


BROKEN = {
    "nowhere": "{ref}`nowhere`",
    "FA-99": "{prf:ref}`FA-99`",
    "nobody1900": "{cite}`nobody1900`",
    "nosuch": r"$\nosuch$",
    "\N{SNOWMAN}": "$\N{SNOWMAN}$",
}


def test_broken_references_and_formulas_stop_the_build_every_time(tree):
    """Each of them is a warning, and Sphinx takes every warning for an error."""
    append(tree / "book" / "index.md", "".join(f"\nSee {it}.\n" for it in BROKEN.values()))
    for _ in range(2):
        code, said = run(tree, "book/build.py", "site")
        warnings = [line for line in said.splitlines() if re.search("index.md.*WARNING", line)]
        assert code != 0
        assert [it for it in BROKEN if not any(it in line for line in warnings)] == [], said


@pytest.fixture(scope="module")
def built(book, tmp_path_factory):
    """Return the small book with its site."""
    tree = shutil.copytree(book, tmp_path_factory.mktemp("built") / "tree")
    code, said = run(tree, "book/build.py", "site")
    assert code == 0, said
    return tree


@pytest.fixture
def site(built, tmp_path):
    """Return a copy of the small book with its site, to change; the real times are kept."""
    return shutil.copytree(built, tmp_path / "built")


def append(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_change_of_prose_keeps_outputs_and_gives_the_same_notebook(tree, notebook):
    chapter = notebook.with_suffix(".md")
    text = chapter.read_text(encoding="utf-8")
    text = text.replace("# A small chapter\n", "# A chapter\n\nProse.\n\n+++\n\nA new cell.\n")
    chapter.write_text(text.replace("kernelspec:", "author: nobody\nkernelspec:"))
    code, said = run(tree, "book/build.py", "update", chapter)
    assert code == 0 and "executing" not in said, said
    kept = notebook.read_bytes()
    assert b"A new cell." in kept and b"the answer is 42" in kept
    code, said = run(tree, "book/build.py", "execute", chapter)
    assert code == 0 and "executing" in said, said
    assert notebook.read_bytes() == kept


@pytest.mark.parametrize(
    "old, new",
    [
        ("6 * 7", "6 * 8"),
        (":tags: [claim:FA-1]", ":tags: [claim:FA-1, hide-input]"),
        ("plt.show()\n```\n", "plt.show()\n```\n\n```{code-cell} ipython3\n1 + 1\n```\n"),
        ("```{code-cell} ipython3\nplt.plot([1, 2])\nplt.show()\n```\n", ""),
    ],
    ids=["code", "tags", "one cell more", "one cell less"],
)
def test_a_change_of_code_executes(tree, notebook, old, new):
    chapter = notebook.with_suffix(".md")
    text = chapter.read_text(encoding="utf-8")
    assert old in text
    chapter.write_text(text.replace(old, new), encoding="utf-8")
    code, said = run(tree, "book/build.py", "update", chapter)
    assert code == 0 and "executing" in said, said
    code, said = compare(tree)
    assert code == 0, said


def test_a_page_that_breaks_another_stops_the_build_every_time(site):
    notes, labels = site / "book" / "notes.md", ("place", "word", "think")
    text = notes.read_text(encoding="utf-8")
    notes.write_text(re.sub(rf"\b({'|'.join(labels)})\b", r"no-\1", text))
    for _ in range(2):
        code, said = run(site, "book/build.py", "site", "book/notes.md")
        warnings = [line for line in said.splitlines() if re.search("index.md.*WARNING", line)]
        assert code != 0
        assert [it for it in labels if not any(it in line for line in warnings)] == [], said
        assert not (site / "_build" / "html").exists()


def test_the_site_changes_with_a_page_and_its_other_pages_stay_as_they_were(site):
    pages = {
        path: path.read_text(encoding="utf-8") for path in site.rglob("_build/html/book/**/*.html")
    }
    (chapter,) = (path for path in pages if path.stem == "small")
    assert pages[chapter].count('id="check-FA-1-1"') == 1
    append(site / "book" / "notes.md", "\nOne more sentence.\n")
    code, said = run(site, "book/build.py", "site", "book/notes.md")
    assert code == 0, said
    version = re.compile(r"\?v=\w+")  # of a style sheet, which Sphinx first looks for too early
    changed = {
        path.stem
        for path, text in pages.items()
        if version.sub("", path.read_text(encoding="utf-8")) != version.sub("", text)
    }
    assert changed == {"notes"}


@pytest.mark.parametrize("changed", [[], ["book/index.md", "lvmnotes/plots/one.py"]])
def test_the_site_is_built_afresh_where_not_pages_alone_changed(site, changed):
    stray = site / "_build" / "html" / "stray.html"
    stray.write_text("left over")
    code, said = run(site, "book/build.py", "site", *changed)
    assert code == 0 and not stray.exists(), said


def test_a_build_that_was_interrupted_is_not_continued(site):
    append(site / "book" / "index.md", "\nSee {ref}`nowhere`.\n")
    slow = "import sys, time, sphinx.application as a; sys.path.insert(0, 'book'); import build; "
    slow += "a.Sphinx.build = lambda *_: sys.exit(3); build.site(['book/index.md'])"
    assert run(site, "-c", slow)[0] == 3
    assert not (site / "_build" / "ready").exists()


def test_a_draft_says_what_is_wrong_and_goes_on_but_the_site_does_not(tree):
    append(tree / "book" / "index.md", "\nSee {ref}`nowhere`.\n")
    code, said = run(tree, "book/build.py", "draft")
    assert code == 0 and "nowhere" in said
    draft = tree / "_build" / "draft" / "html" / "book"
    assert "nowhere" in (draft / "index.html").read_text(encoding="utf-8")
    chapter = (draft / "chapters" / "small.html").read_text(encoding="utf-8")
    append(tree / "book" / "index.md", "\nMore.\n")
    code, said = run(tree, "book/build.py", "draft", "book/index.md")
    assert code == 0 and "More." in (draft / "index.html").read_text(encoding="utf-8")
    assert (draft / "chapters" / "small.html").read_text(encoding="utf-8") == chapter
    assert run(tree, "book/build.py", "site", "book/index.md")[0] != 0


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_a_save_reaches_the_browser(tree, browser):
    (tree / ".venv").mkdir()
    (tree / ".venv" / "ready").touch()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    chapter = tree / "book" / "chapters" / "small.md"
    with (
        subprocess.Popen(
            ["make", "watch", f"PY={sys.executable}", f"PORT={port}"],
            cwd=tree,
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as server,
        browser.new_context() as context,
    ):
        page = context.new_page()
        try:
            while "The draft: http" not in (line := server.stdout.readline()):
                assert server.poll() is None and "rror" not in line, line
            while not listens(port):
                assert server.poll() is None
            page.goto(f"http://127.0.0.1:{port}/book/chapters/small.html")
            expect(page.get_by_text("the answer is 42")).to_be_visible(timeout=120_000)
            append(chapter, "\nOne more sentence.\n")
            expect(page.get_by_text("One more sentence.")).to_be_visible(timeout=120_000)
            chapter.write_text(chapter.read_text(encoding="utf-8").replace("6 * 7", "6 * 8"))
            expect(page.get_by_text("the answer is 48")).to_be_visible(timeout=120_000)
        finally:
            os.killpg(server.pid, signal.SIGTERM)
        said = server.stdout.read()
    assert said.count("executing") == 1, said


def test_a_check_that_fails_stops_the_build_and_leaves_no_notebook(tree, notebook):
    chapter = notebook.with_suffix(".md")
    chapter.write_text(chapter.read_text(encoding="utf-8").replace("0.3,", "0.4,"))
    code, said = run(tree, "book/build.py", "execute")
    assert code != 0 and "FA-1 fails" in said
    assert not notebook.exists()


def test_a_kernel_starts_again_where_another_process_took_its_port(tree):
    """The first kernel is told five ports that are in use."""
    code, said = run(
        tree,
        "-c",
        """
import itertools, pathlib, socket, sys
from jupyter_client.provisioning.local_provisioner import LocalPortCache
sys.path.insert(0, "book")
import build
used = socket.create_server(("127.0.0.1", 0))
taken, free = itertools.repeat(used.getsockname()[1], 5), LocalPortCache.find_available_port
LocalPortCache.find_available_port = lambda self, ip: next(taken, 0) or free(self, ip)
build.execute(pathlib.Path("book/chapters/small.md").resolve())
print("ports left:", len(list(taken)))
""",
    )
    assert code == 0 and "Address already in use" in said and "ports left: 0" in said, said
    code, said = compare(tree)
    assert code == 0, said


CLAIMS = [
    {"id": "FA-1", "uses": [], "basis": "definition"},
    {"id": "FA-2", "uses": ["FA-1"]},
    {"id": "FA-3", "uses": ["FA-2"]},
    {"id": "FA-4", "uses": [], "basis": "definition"},
]


def test_a_draft_marks_a_claim_that_fails_and_what_rests_on_it(tree, notebook):
    common = {"chapter": "small", "claim": "A claim.", "verdict": "holds"}
    ledger = json.dumps([common | claim for claim in CLAIMS])
    (tree / "book" / "claims.yml").write_text(ledger, encoding="utf-8")
    append(tree / "_toc.yml", "      - file: book/claims\n")
    chapter = notebook.with_suffix(".md")
    append(
        chapter,
        "".join(f"\n```{{prf:remark}} R\n:label: FA-{n}\nA claim.\n```\n" for n in range(1, 5)),
    )
    whole = chapter.read_text(encoding="utf-8")
    chapter.write_text(whole.replace("0.3,", "0.4,"), encoding="utf-8")
    code, said = run(tree, "book/build.py", "update", chapter, "--draft")
    assert code == 0 and "FA-1 fails" in said
    assert run(tree, "book/build.py", "claims")[0] == 0
    code, said = run(tree, "book/build.py", "draft")
    assert code == 0, said
    page = (tree / "_build/draft/html/book/claims.html").read_text(encoding="utf-8")
    soup = BeautifulSoup(page, "html.parser")
    entries = {claim["id"]: soup.find(id=f"claim-{claim['id']}").get_text() for claim in CLAIMS}
    assert "Fails" in entries["FA-1"]
    assert all("Rests on FA-1, which fails" in entries[claim] for claim in ("FA-2", "FA-3"))
    assert "fails" not in entries["FA-4"].lower()
    kinds = [soup.find(id=f"node-{claim['id']}")["class"][1:] for claim in CLAIMS]
    assert kinds == [["fails"], ["holds", "shaken"], ["holds", "shaken"], ["holds"]]
    assert "FA-1 fails" in soup.select_one("article").get_text()
    # The site is not built from it, and the chapter is executed again.
    code, said = run(tree, "book/build.py", "site")
    assert code != 0 and "small.md: FA-1 fails" in said
    code, said = run(tree, "book/build.py", "update", chapter)
    assert code != 0 and "FA-1 fails" in said and not notebook.exists()


def test_a_claim_that_the_ledger_gives_up_is_marked_with_what_rests_on_it(tree):
    common = {"chapter": "small", "claim": "A claim.", "verdict": "holds"}
    ledger = [common | claim for claim in CLAIMS]
    ledger[1] |= {"verdict": "fails", "note": "It is not true."}
    (tree / "book" / "claims.yml").write_text(json.dumps(ledger), encoding="utf-8")
    assert run(tree, "book/build.py", "claims")[0] == 0
    page = (tree / "book" / "claims.md").read_text(encoding="utf-8")
    soup = BeautifulSoup(page, "html.parser")
    kinds = [soup.find(id=f"node-{claim['id']}")["class"][1:] for claim in CLAIMS]
    assert kinds == [["holds"], ["fails"], ["holds", "shaken"], ["holds"]]
    assert "It is not true." in page
