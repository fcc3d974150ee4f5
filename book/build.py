"""Execute the chapters, write the page of claims, build the site.

    python book/build.py                                       all three, one after the other
    python book/build.py execute book/chapters/NAME.md ...     NAME.md -> executed NAME.ipynb
    python book/build.py claims                                ledger + notebooks -> book/claims.md
    python book/build.py site                                  pages + notebooks -> _build/html
    python book/build.py lab                                   notebooks -> lab/, yours to change

The Makefile calls the steps one by one, so that it can skip what is up to date.
"""

import argparse
import collections
import contextlib
import html
import io
import os
import re
import shutil
import sys
from pathlib import Path

import jupytext
import nbformat
import yaml
from jupyter_book.cli.main import main as jupyter_book
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from lvmnotes.notebook.check import MIME_TYPE as CHECK

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "book" / "chapters"
WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(source):
    """Run a chapter in a fresh kernel and write the notebook, outputs and all, beside it.

    The notebook is the same, byte for byte, whenever the outputs are: no times, no random ids, no
    widget state, no version of Python.  A failed run leaves no notebook.
    """
    target = source.with_suffix(".ipynb")
    target.unlink(missing_ok=True)
    print(f"executing {source.relative_to(ROOT)}", flush=True)
    notebook = jupytext.read(source)
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,  # how often a cell's text was flushed depends on the clock
        resources={"metadata": {"path": str(source.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        sys.exit(f"{source.relative_to(ROOT)}: {error}")
    notebook.metadata = {
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
    partial.replace(target)


def claims():
    """Write book/claims.md from the ledger and from what the executed chapters measured."""
    ledger = yaml.safe_load((ROOT / "book" / "claims.yml").read_text(encoding="utf-8"))
    page = [
        "# Claims",
        "Every claim of the book, with a link to where it is derived, and every check of it, with "
        "a link to the code and the number it measured when this site was built. A check that "
        "fails stops the build. A *control* makes the same check where it must fail.",
    ]
    for chapter in dict.fromkeys(entry["chapter"] for entry in ledger):
        notebook = nbformat.read(CHAPTERS / f"{chapter}.ipynb", as_version=4)
        page.append("## " + notebook.cells[0].source.splitlines()[0].lstrip("# "))
        for entry in ledger:
            if entry["chapter"] == chapter:
                page.append(f"{{prf:ref}}`{entry['id']}`: {entry['claim']}")
                rows = ["| Check | Measured | Verdict |", "|---|---|---|"]
                for check, link in _checks(notebook, entry["id"], f"chapters/{chapter}.html"):
                    rows.append(f"| {link} | {_measured(check)} |")
                page.append("\n".join(rows))
    (ROOT / "book" / "claims.md").write_text("\n\n".join(page) + "\n", encoding="utf-8")


def _checks(notebook, claim, page):
    """Yield the data of every check of a claim, and a link to the cell (`_tidy` has the anchor)."""
    cells = [cell for cell in notebook.cells if f"claim:{claim}" in cell.metadata.get("tags", [])]
    for number, cell in enumerate(cells, start=1):
        for output in cell.outputs:
            check = output.get("data", {}).get(CHECK)
            if check and check["claim"] == claim:
                what = html.escape(check["what"]).replace("|", "\\|")
                yield check, f'<a href="{page}#check-{claim}-{number}">{what}</a>'


def _measured(check):
    """Return the number a check measured, with its limit, and its verdict, as two table cells."""
    number, limit = check["gap"], check["limit"]
    verdict = "differs, as it must (control)" if check["fails"] else "holds"
    if check["kind"] in ("above", "below"):
        return f"{number}, {check['kind']} {limit} | {verdict}"
    unit = {"rtol": " of the largest value", "se": " standard errors", "atol": ""}[check["kind"]]
    return f"{number}{unit} (limit {limit}) | {verdict}"


def site():
    """Build the site afresh and strictly: any warning is an error.

    Always afresh, because Sphinx warns only about the pages it reads again: a second run over the
    cache of a failed one would pass, and so would one after a change that breaks another page.
    """
    shutil.rmtree(ROOT / "_build", ignore_errors=True)
    with contextlib.redirect_stdout(io.StringIO()):  # warnings go to stderr
        jupyter_book(["build", "-W", "-n", "--keep-going", "-q", str(ROOT)], standalone_mode=False)
    for page in (ROOT / "_build" / "html").rglob("*.html"):
        page.write_text(_tidy(page.read_text(encoding="utf-8")), encoding="utf-8")


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
    # The words one sees are the name; neither another label nor an icon's title replaces them.
    (r'<summary aria-label="[^"]*"', "<summary"),
    (r'(<button class="[^"]*search-button-field[^>]*) aria-label="[^"]*"', r"\1"),
    # The page that only leads to the front page has an icon, or the browser asks for one in vain.
    (r'(<meta http-equiv="Refresh")', r'<link rel="icon" href="_static/icon.svg" />\1'),
    # Lists have items, and the sidebar is a landmark.
    (r'role="doc-biblioentry"', 'role="listitem"'),
    (r'(<div id="pst-primary-sidebar")', r'\1 role="navigation" aria-label="Book"'),
]


def _tidy(page):
    """Return a page with the repairs made, and an anchor before each cell that checks a claim."""
    for pattern, replacement in REPAIRS:
        page = re.sub(pattern, replacement, page)
    seen = collections.Counter()

    def anchored(cell):
        claims = re.findall(r"tag_claim:([\w-]+)", cell[0])
        seen.update(claims)
        return "".join(f'<a id="check-{claim}-{seen[claim]}"></a>' for claim in claims) + cell[0]

    return re.sub(r'<div class="cell [^"]*tag_claim:[^"]*"', anchored, page)


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
    parser.add_argument("step", nargs="?", choices=["execute", "claims", "site", "lab"])
    parser.add_argument("chapters", nargs="*", type=Path)
    options = parser.parse_args()
    if options.step in (None, "execute"):
        for source in options.chapters or sorted(CHAPTERS.glob("*.md")):
            execute(source.resolve())
    if options.step in (None, "claims"):
        claims()
    if options.step in (None, "site"):
        site()
    if options.step is None:
        print(f"The site: {(ROOT / '_build' / 'html' / 'index.html').as_uri()}")
    if options.step == "lab":
        lab()


if __name__ == "__main__":
    # One thread a kernel: faster for small matrices, and sums come out the same everywhere.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    main()
