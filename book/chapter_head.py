"""Sphinx extension: below a chapter's title, how long it takes and what it builds on.

The time is that of reading the text and looking at the formulas and the code; the chapters that it
builds on are named in the field `prerequisites` of its front matter.
"""

from pathlib import Path

import nbformat
from docutils import nodes
from sphinx import addnodes

WORDS_PER_MINUTE, FORMULAS_PER_MINUTE, CELLS_PER_MINUTE = 180, 3, 3


def setup(app):
    """Write the head when a chapter is read."""
    app.connect("doctree-read", write_head)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write_head(app, doctree):
    """Put the line below the title."""
    source = Path(app.env.doc2path(app.env.docname))
    if source.suffix != ".ipynb":
        return
    before = nbformat.read(source, as_version=4).metadata.get("prerequisites", [])
    line = nodes.paragraph("", f"About {minutes(doctree)} minutes.", classes=["chapter-head"])
    if before:
        line += nodes.Text(" Builds on ")
    for number, chapter in enumerate(before):
        line += nodes.Text(" and " if number else "")
        line += addnodes.pending_xref(
            "",
            nodes.inline(),
            refdomain="std",
            reftype="doc",
            reftarget=f"/book/chapters/{chapter}",
            refexplicit=False,
            refwarn=True,
            refdoc=app.env.docname,
        )
    if before:
        line += nodes.Text(".")
    title = doctree.next_node(nodes.title)
    title.parent.insert(title.parent.index(title) + 1, line)


def minutes(doctree):
    """Return about how many minutes a chapter takes without its exercises, to five."""
    words = formulas = cells = 0
    for node in shown(doctree):
        if isinstance(node, nodes.math_block):
            formulas += 1
        elif isinstance(node, nodes.literal_block):
            cells += node.parent.get("nb_element") == "cell_code_source"
        elif isinstance(node, nodes.TextElement):
            words += len(node.astext().split())
    spent = words / WORDS_PER_MINUTE + formulas / FORMULAS_PER_MINUTE + cells / CELLS_PER_MINUTE
    return 5 * max(1, round(spent / 5))


def shown(node):
    """Yield the blocks of text, formulas and code that are not folded and not exercises."""
    for child in node.children:
        folded = child.tagname == "fold" and not child.get("open")
        if folded or {"exercise", "solution"} & set(child.get("classes", ())):
            continue
        if isinstance(child, nodes.TextElement):
            yield child
        elif not isinstance(child, nodes.Text):
            yield from shown(child)
