"""Sphinx extension: the first mention of a term of the glossary in a chapter shows its meaning.

The mention is a link to the glossary. A script shows the meaning beside it for whoever points at
it, reaches it with the keyboard or taps it; the meanings are a script as well, because a page that
is opened as a file may not fetch anything.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

GLOSSARY = Path(__file__).parent / "glossary.md"
LEFT_OUT = (nodes.title, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block)
LEFT_OUT += (nodes.reference, addnodes.pending_xref, nodes.raw, nodes.caption, nodes.table)
ENTRY = re.compile(r"((?:<dt\b.*?</dt>\s*)+)<dd>(.*?)</dd>", re.DOTALL)


def setup(app):
    """Link the mentions when a chapter is read, and write the meanings with the glossary."""
    app.add_js_file("meanings.js", loading_method="defer")
    app.add_js_file("terms.js", loading_method="defer")
    app.meanings = {}
    app.connect("doctree-read", link_first_mentions)
    app.connect("html-page-context", take_meanings)
    app.connect("build-finished", write_meanings)
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def terms():
    """Return the terms of the glossary: the unindented lines of its directive."""
    text = GLOSSARY.read_text(encoding="utf-8") if GLOSSARY.exists() else ""
    entries = text.partition("{glossary}\n")[2].partition("\n```")[0]
    return [line for line in entries.splitlines() if line and not line.startswith(" ")]


def link_first_mentions(app, doctree):
    """Make a link of the first mention of each term, in running text."""
    left = {term.lower(): term for term in terms()}
    if not left or "/chapters/" not in app.env.docname:
        return
    longest_first = sorted(map(re.escape, left.values()), key=len, reverse=True)
    pattern = re.compile(rf"\b({'|'.join(longest_first)})(?:s|es)?\b", re.IGNORECASE)
    for text in list(doctree.findall(nodes.Text)):
        if is_running(text):
            parts, end = [], 0
            for mention in pattern.finditer(text):
                term = left.get(mention[1].lower())
                if term and (term.islower() or mention[1] == term):  # EM, but not "em"
                    del left[term.lower()]
                    parts += [nodes.Text(text[end : mention.start()]), link(app, term, mention[0])]
                    end = mention.end()
            if parts:
                text.parent.replace(text, [*parts, nodes.Text(text[end:])])


def is_running(text):
    """Return whether a text is part of a sentence, not of a title, a link, a formula, an output."""
    node = text.parent
    while node is not None:
        if isinstance(node, LEFT_OUT) or node.get("nb_element") == "cell_code_output":
            return False
        node = node.parent
    return True


def link(app, term, word):
    """Return a link from a word to its term."""
    node = addnodes.pending_xref(
        "", refdomain="std", reftype="term", reftarget=term, refexplicit=True, refwarn=True
    )
    node["refdoc"] = app.env.docname
    node += nodes.inline("", word, classes=["term"])
    return node


def take_meanings(app, pagename, templatename, context, doctree):
    """Take the meanings from the page of the glossary, formulas and all."""
    if pagename == "book/glossary":
        for names, meaning in ENTRY.findall(context["body"]):
            for name in re.findall(r'id="(term-[^"]*)"', names):
                app.meanings[name] = " ".join(meaning.split())


def write_meanings(app, exception):
    """Write the meanings, unless this is a draft that did not write the glossary."""
    target = Path(app.outdir) / "_static" / "meanings.js"
    if not exception and app.builder.format == "html" and (app.meanings or not target.exists()):
        text = json.dumps(app.meanings, ensure_ascii=False)
        target.write_text(f"const MEANINGS = {text};\n", encoding="utf-8")
