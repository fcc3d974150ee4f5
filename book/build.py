"""Execute the chapters, write the page of claims, build the site.

    python book/build.py                                       all three, one after the other
    python book/build.py execute book/chapters/NAME.md ...     NAME.md -> executed NAME.ipynb
    python book/build.py claims                                ledger + notebooks -> book/claims.md
    python book/build.py site                                  pages + notebooks -> _build/html

The Makefile calls the steps one by one, so that it can skip what is up to date.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import jupytext
import nbformat
import yaml
from jupyter_book.cli.main import main as jupyter_book
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = ROOT / "book" / "chapters"
CHECK = "application/vnd.lvmnotes.check+json"
WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(source):
    """Run a chapter in a fresh kernel and write the notebook with its outputs beside it.

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
    partial = target.with_suffix(".partial")
    nbformat.write(notebook, partial)
    partial.replace(target)


def checks():
    """Return every check the executed chapters made: claim -> list of its data, in book order."""
    found = {}
    for path in sorted(CHAPTERS.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                if data := output.get("data", {}).get(CHECK):
                    found.setdefault(data["claim"], []).append(data)
    return found


def claims():
    """Write book/claims.md from the ledger and from what the executed chapters measured."""
    ledger = yaml.safe_load((ROOT / "book" / "claims.yml").read_text(encoding="utf-8"))
    found = checks()
    (ROOT / "book" / "claims.md").write_text(
        f"# Claims\n\n{len(ledger)} {len(found)} {json.dumps(found)[:0]}\n", encoding="utf-8"
    )


def site():
    """Build the site afresh and strictly: any warning is an error.

    Always afresh, because Sphinx warns only about the pages it reads again: a second run over the
    cache of a failed one would pass.
    """
    shutil.rmtree(ROOT / "_build", ignore_errors=True)
    strict = ["-W", "-n", "--keep-going", "-q"]
    jupyter_book(["build", *strict, str(ROOT)])


def main():
    """Run the step that the command line names, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", nargs="?", choices=["execute", "claims", "site"])
    parser.add_argument("chapters", nargs="*", type=Path)
    options = parser.parse_args()
    if options.step in (None, "execute"):
        for source in options.chapters or sorted(CHAPTERS.glob("*.md")):
            execute(source.resolve())
    if options.step in (None, "claims"):
        claims()
    if options.step in (None, "site"):
        site()


if __name__ == "__main__":
    # One thread a kernel: faster for small matrices, and sums come out the same everywhere.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    main()
