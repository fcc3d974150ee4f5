"""Sphinx extension: the line below a chapter's title that makes its code run in the page.

It is there when live_assets.py has made what runs the code. Of that, and of the code of the cells,
a page loads nothing before the reader asks for it.
"""

import json
import shutil
from pathlib import Path

import nbformat
from docutils import nodes
from live_assets import LIVE, MANIFEST, manifest

BAR = """\
<div class="live-bar pst-js-only" data-live="{up}live/" data-chapter="{chapter}">
<button type="button">Run live</button>
<span class="live-text">Change the code and run it in this page. Loads about {megabytes:.0f} MB,
once, which this browser keeps: <a href="{up}book/in-the-browser.html">how it works</a>.</span>
</div>
<noscript><p class="live-bar">With JavaScript, the code of this page can be changed and run.</p>
</noscript>"""


def setup(app):
    """Write the line when a page is read, and the files when all pages are written."""
    app.connect("source-read", say_what_it_costs)
    app.connect("doctree-read", write_bar, priority=600)  # after the switch for code (folds.py)
    app.connect("html-page-context", add_script)
    app.connect("build-finished", write_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def say_what_it_costs(app, docname, source):
    """Write the sizes of the files into the page that describes them."""
    names = {
        "python": "Python itself, with the compiled parts of the packages",
        "packages": "the standard library and the packages",
        "book": "the book's library",
    }
    rows = [
        f"| {names[kind]} | {file['bytes'] / 1e6:.1f} | {file['size'] / 1e6:.0f} |"
        for kind, file in manifest().get("files", {}).items()
    ]
    head = ["| loaded once, and kept | over the network (MB) | unpacked (MB) |", "|---|--:|--:|"]
    said = "\n".join(head + rows) if rows else "This copy of the book was built without Python."
    source[0] = source[0].replace("{{live}}", said)


def is_chapter(app, docname):
    """Return whether a page is made from a notebook."""
    return docname in app.env.found_docs and app.env.doc2path(docname).endswith(".ipynb")


def write_bar(app, doctree):
    """Put the line below the title, and a name on each cell."""
    docname = app.env.docname
    if not (is_chapter(app, docname) and manifest()):
        return
    for node in doctree.findall(nodes.container):
        if node.get("nb_element") == "cell_code":
            node["ids"].append(f"cell-{node['cell_index']}")
    bar = BAR.format(
        up="../" * docname.count("/"),
        chapter=Path(docname).name,
        megabytes=manifest()["bytes"] / 1e6,
    )
    switch = next(it for it in doctree.findall(nodes.raw) if "code-switch" in it.astext())
    switch.parent.insert(switch.parent.index(switch) + 1, nodes.raw("", bar, format="html"))


def add_script(app, pagename, templatename, context, doctree):
    """Let the chapters, and no other page, load what the button needs."""
    if is_chapter(app, pagename) and manifest():
        app.add_js_file("live.js", loading_method="defer")


def write_files(app, exception):
    """Write the code of each chapter's cells, and copy what runs it."""
    if exception or app.builder.format != "html" or not manifest():
        return
    folder = Path(app.outdir) / "live"
    folder.mkdir(exist_ok=True)
    for docname in app.env.found_docs:
        if is_chapter(app, docname):
            cells = nbformat.read(app.env.doc2path(docname), as_version=4).cells
            target = folder / f"{Path(docname).name}.json"
            target.write_text(json.dumps(list(code(cells))), encoding="utf-8")
    names = {it["name"] for it in manifest()["files"].values()} | {MANIFEST.name}
    for name in names:
        shutil.copy(LIVE / name, folder)
    shutil.copy(Path(__file__).parent / "_static" / "live" / "offline.js", app.outdir)
    for path in folder.iterdir():
        if path.suffix == ".gz" and path.name not in names:
            path.unlink()


def code(cells):
    """Yield the code cells: their number, code, and whether the page hides the code."""
    for number, cell in enumerate(cells):
        if cell.cell_type == "code":
            hidden = {"remove-input", "remove-cell"} & {*cell.metadata.get("tags", [])}
            yield {"number": number, "source": cell.source, "hidden": bool(hidden)}
