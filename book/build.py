"""Execute the chapters, write the page of claims, build the site.

    python book/build.py                                       all three, one after the other
    python book/build.py execute book/chapters/NAME.md ...     NAME.md -> executed NAME.ipynb
    python book/build.py update book/chapters/NAME.md ...      likewise, only if its code changed;
                                                     --draft   and goes on where a check fails
    python book/build.py claims                                ledger + notebooks -> book/claims.md
    python book/build.py live                              what runs code in pages -> _build/live
    python book/build.py site [CHANGED ...]                    pages + notebooks -> _build/html
    python book/build.py draft [CHANGED ...]                   likewise -> _build/draft/html
    python book/build.py watch [--port PORT]                   `make draft` again at every save
    python book/build.py lab                                   notebooks -> lab/, yours to change

The site brings up to date and includes what `live` makes.  The Makefile calls the steps one by one,
so that it can skip what is up to date.  Each step imports only what it needs, because whoever edits
a chapter waits for the imports at every save.
"""

import argparse
import contextlib
import gc
import html
import io
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

# jsonschema, which nbformat imports, would compile a grammar of web addresses at every start.
sys.modules["rfc3987_syntax"] = None

import nbformat  # noqa: E402
import yaml  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "book" / "chapters"
WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(source, keep=False, draft=False):
    """Run a chapter in a fresh kernel and write the notebook, outputs and all, beside it.

    The notebook is the same, byte for byte, whenever the outputs are: no times, no random ids, no
    widget state, no version of Python.  A failed run leaves no notebook.  With `keep`, a chapter
    whose code cells are those of its notebook takes over their outputs and executes nothing; the
    notebook is then what executing would have written.  For a draft a failed run goes on, and the
    notebook shows what failed; the site is not built from such a notebook.
    """
    import jupytext

    started = time.time()
    target = source.with_suffix(".ipynb")
    notebook = jupytext.read(source)
    if not (keep and _take_over_outputs(notebook, target)):
        target.unlink(missing_ok=True)
        _run(notebook, source, draft)
    notebook.metadata = {
        "prerequisites": notebook.metadata.get("prerequisites", []),  # chapters, by file name
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
        if cell.cell_type == "code":  # a view that was all of an output leaves nothing to show
            cell.outputs = [o for o in cell.outputs if o.get("data") != {}]
    partial = target.with_suffix(".partial")
    nbformat.write(notebook, partial)
    os.utime(partial, (started, started))  # what is saved from here on is newer than the notebook
    partial.replace(target)


def _take_over_outputs(notebook, executed):
    """Give a notebook the outputs of an executed one of the same code that did not fail, or not."""
    if not executed.exists():
        return False
    new, old = (
        [cell for cell in book.cells if cell.cell_type == "code"]
        for book in (notebook, nbformat.read(executed, as_version=4))
    )
    if [(c.source, c.metadata) for c in new] != [(c.source, c.metadata) for c in old]:
        return False
    if any(map(errors, old)):
        return False
    for cell, done in zip(new, old, strict=True):
        cell.execution_count, cell.outputs = done.execution_count, done.outputs
    return True


def errors(cell):
    """Return what the errors among a cell's outputs say."""
    return [it.evalue for it in cell.get("outputs", []) if it.output_type == "error"]


def _run(notebook, source, draft):
    """Execute the cells of a chapter's notebook in a fresh kernel."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    print(f"executing {source.relative_to(ROOT)}", flush=True)
    client = NotebookClient(
        notebook,
        timeout=600,
        startup_timeout=300,
        allow_errors=draft,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # how often a cell's text was flushed depends on the clock
        resources={"metadata": {"path": str(source.parent)}},
    )
    try:
        _start_kernel(client)
        client.execute()
    except CellExecutionError as error:
        sys.exit(f"{source.relative_to(ROOT)}: {error}")
    for said in sum(map(errors, notebook.cells), []):
        print(f"{source.relative_to(ROOT)}: {said}", flush=True)


def _start_kernel(client, tries=3):
    """Start a kernel, again if it dies at once: another process may have taken one of its ports.

    They are chosen before the kernel runs, and chapters are executed side by side.
    """
    for left in reversed(range(tries)):
        client.create_kernel_manager()
        client.start_new_kernel()
        try:
            return client.start_new_kernel_client()
        except RuntimeError:
            if not left:
                raise


def claims():
    """Write book/claims.md from the ledger and from what the executed chapters measured."""
    from claims_page import page

    ledger = yaml.safe_load((ROOT / "book" / "claims.yml").read_text(encoding="utf-8"))
    notebooks = {
        chapter: nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4)
        for chapter in dict.fromkeys(entry["chapter"] for entry in ledger)
    }
    (ROOT / "book" / "claims.md").write_text(page(ledger, notebooks), encoding="utf-8")


def site(changed=(), draft=False):
    """Build the site, strictly, or a draft of it; given what changed since, keep what did not.

    In the site any warning is an error.  It is built afresh, or on the doctrees of a build that
    passed: Sphinx warns only about the pages that it reads again, so those of a failed build would
    pass the second time.  Every page is written again, because a change of one page can break
    the links of another, and only writing looks at them.  `changed` must name all that is newer
    than the last build; unless it is pages alone, everything is read again.

    A draft prints its warnings and goes on, and it writes no page but the changed ones.  It
    has a folder of its own, so that the site never builds on doctrees whose warnings were ignored.
    """
    from jupyter_book.sphinx import build_sphinx

    if draft:
        gc.disable()  # Looking for cycles among a million nodes took three quarters of the time.
    else:
        _refuse_errors()
        if live():
            changed = ()
    started = time.time()
    folder = ROOT / "_build" / "draft" if draft else ROOT / "_build"
    output, doctrees, ready = (folder / name for name in ("html", ".doctrees", "ready"))
    pages_alone = all(Path(name).suffix in (".md", ".ipynb") for name in changed)
    if not (changed and pages_alone and ready.exists()):
        changed = ()
        shutil.rmtree(output, ignore_errors=True)
        shutil.rmtree(doctrees, ignore_errors=True)
    ready.unlink(missing_ok=True)  # until the end, so that no build follows on an interrupted one
    before = {page: page.stat().st_mtime_ns for page in output.rglob("*.html")}
    with contextlib.redirect_stdout(io.StringIO()):  # warnings go to stderr
        failed = build_sphinx(
            ROOT,
            output,
            noconfig=True,
            path_config=ROOT / "_config.yml",
            confoverrides={
                "external_toc_path": str(ROOT / "_toc.yml"),
                "latex_individualpages": False,
                "nitpicky": True,
            },
            doctreedir=doctrees,
            filenames=[str(ROOT / name) for name in changed] if draft else [],
            force_all=not draft,
            tags=["draft"] if draft else [],
            warningiserror=not draft,
            keep_going=True,
            quiet=True,
        )
    if failed:
        shutil.rmtree(output, ignore_errors=True)
        sys.exit(f"The {'draft' if draft else 'site'} is not built: see above.")
    for page in output.rglob("*.html"):
        if page.stat().st_mtime_ns != before.get(page):  # the others are tidy
            page.write_text(_tidy(page.read_text(encoding="utf-8")), encoding="utf-8")
    _tidy_script(output / "_static")
    for path in (output / "_static").rglob("*.map"):  # for whoever debugs the theme
        path.unlink()
    ready.touch()
    os.utime(ready, (started, started))  # what was saved meanwhile is newer


def live():
    """Make what runs code in the page; return whether pages get or lose their button by that."""
    import live_assets

    had = bool(live_assets.manifest())
    live_assets.main()
    return bool(live_assets.manifest()) != had


def _refuse_errors():
    """Stop if a chapter failed when it was executed for a draft."""
    for path in sorted(CHAPTERS.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        if said := sum(map(errors, cells), []):
            sys.exit(f"{path.with_suffix('.md').relative_to(ROOT)}: {said[0]}")


def watch(port):
    """Serve the draft; bring it up to date at every save, and reload the browser that shows it."""
    import uvicorn
    from sphinx_autobuild.middleware import JavascriptInjectorMiddleware
    from sphinx_autobuild.server import RebuildServer
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.routing import Mount, WebSocketRoute
    from starlette.staticfiles import StaticFiles

    written_by_the_build = re.compile(
        r"\.ipynb$|\.partial$|\.pyc$|claims\.md$|/library/|/[.~][^/]*$|~$"
    )
    watcher = RebuildServer(
        [ROOT / "book", ROOT / "lvmnotes"], written_by_the_build.search, make_draft
    )
    app = Starlette(
        routes=[
            WebSocketRoute("/websocket-reload", watcher),
            Mount("/", StaticFiles(directory=ROOT / "_build" / "draft" / "html", html=True)),
        ],
        middleware=[Middleware(JavascriptInjectorMiddleware, ws_url=f"127.0.0.1:{port}")],
        lifespan=watcher.lifespan,
    )
    print(f"The draft: http://127.0.0.1:{port}/ (Ctrl-C to stop)", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")


def make_draft(changed_paths):
    """Run `make draft`; when it fails the browser keeps what it has, and the terminal says why."""
    print("saved:", *(path.name for path in changed_paths), flush=True)
    subprocess.run(["make", "--silent", "--no-print-directory", "draft"], cwd=ROOT, check=False)


# What the theme and the extensions leave undone in a page, most of it found by axe.
REPAIRS = [
    # A claim goes by its name, not by "Proposition" and no number, and its name is one anchor.
    (
        r'(<p class="admonition-title") id="([^"]+)"(><span class="caption-number">)Proposition ',
        r"\1\3\2 ",
    ),
    (r'(<a class="reference internal" href="[^"#]*#([^"]+)">)Proposition </a>', r"\1\2</a>"),
    # No two elements have the same id.
    (r' id="(?:proof|exercise|solution)-content"', ""),
    (r'(<div class="proof admonition") id="proof"', r"\1"),
    # The words one sees are the name; no other label replaces them.
    (r'(<button class="[^"]*search-button-field[^>]*) aria-label="[^"]*"', r"\1"),
    # The page that only leads to the front page has an icon, or the browser asks for one in vain.
    (r'(<meta http-equiv="Refresh")', r'<link rel="icon" href="_static/icon.svg" />\1'),
    # The page is light or dark from the start: a change would set the style of everything again.
    (
        r'localStorage\.getItem\("theme"\) \|\| "auto"',
        "document.documentElement.dataset.mode.replace("
        '"auto", matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")',
    ),
    # Scripts do not hold up the page. The pages' own lines need the options, which come first.
    (r'<script (src="(?![^"]*documentation_options)[^"]*">)', r"<script defer \1"),
    # An empty cell is no heading.
    (r'<th class="([^"]*)">(?:<p></p>)?</th>', r'<td class="\1"></td>'),
    # What opens a part of the contents has a name.
    (
        r'<summary>(<span class="toctree-toggle")',
        r'<summary aria-label="Show or hide its pages">\1',
    ),
    # Lists have items, and the sidebar is a landmark.
    (r'role="doc-biblioentry"', 'role="listitem"'),
    (r'(<div id="pst-primary-sidebar")', r'\1 role="navigation" aria-label="Book"'),
]


def _tidy(page):
    """Return a page with the repairs made, and the answers to its questions veiled."""
    for pattern, replacement in REPAIRS:
        page = re.sub(pattern, replacement, page)
    return re.sub(r'(?s)<details class="lvm-answers">.*?</details>', _veiled, page)


def _tidy_script(static):
    """Let the theme's script pass over code in closed folds, all of which it would lay out."""
    script = static / "scripts" / "pydata-sphinx-theme.js"
    text = script.read_text(encoding="utf-8")
    measured = "e.tabIndex=e.scrollWidth"
    passed = f"if(e.checkVisibility()){measured}"
    if passed not in text:
        if measured not in text:
            sys.exit(f"{script.name} of this version of the theme does not contain {measured!r}")
        script.write_text(text.replace(measured, passed), encoding="utf-8")


def _veiled(answers):
    """Return the answers of a question with their words as numbers: a glance gives nothing away."""

    def as_numbers(text):
        return "".join(f"&#{ord(letter)};" for letter in html.unescape(text[0]))

    return re.sub(r"(?<=>)[^<]+(?=<)", as_numbers, answers[0])


def lab():
    """Copy the executed chapters into lab/; never write over what a reader has there."""
    folder = ROOT / "lab"
    folder.mkdir(exist_ok=True)
    for notebook in sorted(CHAPTERS.glob("*.ipynb")):
        if (folder / notebook.name).exists():
            print(f"lab/{notebook.name} is yours and stays; rename it to get the book's again")
        else:
            shutil.copy(notebook, folder)


def main():
    """Run the step that the command line names; without one, the three that make the site."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    steps = ["execute", "update", "claims", "live", "site", "draft", "watch", "lab"]
    parser.add_argument("step", nargs="?", choices=steps)
    parser.add_argument("paths", nargs="*", type=Path, help="chapters, or what changed")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--draft", action="store_true", help="execute on where a check fails")
    options = parser.parse_args()
    if options.step in (None, "execute", "update"):
        for source in options.paths or sorted(CHAPTERS.glob("*.md")):
            execute(source.resolve(), keep=options.step == "update", draft=options.draft)
    if options.step in (None, "claims"):
        claims()
    if options.step == "live":
        live()
    if options.step in (None, "site", "draft"):
        site(options.paths, draft=options.step == "draft")
    if options.step is None:
        print(f"The site: {(ROOT / '_build' / 'html' / 'index.html').as_uri()}")
    if options.step == "watch":
        watch(options.port)
    if options.step == "lab":
        lab()


if __name__ == "__main__":
    # One thread per kernel: faster for small matrices, and sums come out the same everywhere.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    main()
