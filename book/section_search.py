"""Sphinx extension: a search whose results are sections, and that marks the words it found.

Sphinx's own search finds pages, and shows lines of code and raw formulas. Here every section, every
object of the library and every term of the glossary is an entry of its own, without code. The index
is a classic script, because a page that is opened as a file may not fetch one.
"""

import json
import re
import unicodedata
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

INDEX = "search-index.js"
REPLACED = ["searchtools.js", "language_data.js", "sphinx_highlight.js", "searchindex.js"]
LEFT_OUT = (nodes.literal_block, nodes.doctest_block, nodes.raw, nodes.Invisible, nodes.image)
SCRIPTS = "0123456789+-n"
RAISED = {**dict(zip(SCRIPTS, "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", strict=True)), r"\top": "ᵀ", "T": "ᵀ"}
SYMBOLS = {
    "approx": "≈",
    "cdot": "·",
    "ge": "≥",
    "in": "∈",
    "infty": "∞",
    "langle": "⟨",
    "le": "≤",
    "mid": "|",
    "ne": "≠",
    "pm": "±",
    "propto": "∝",
    "rangle": "⟩",
    "sim": "∼",
    "sqrt": "√",
    "sum": "∑",
    "times": "×",
    "to": "→",
    "top": "ᵀ",
    "varepsilon": "ε",
    "lVert": "‖",
    "rVert": "‖",
    "Vert": "‖",
}
TIGHT = {"lVert", "rVert", "sqrt", "top", "varepsilon"}
FUNCTIONS = {"arg", "cos", "det", "exp", "lim", "log", "max", "min", "sin"}


def setup(app):
    """Collect the entries while pages are written, and write the index after the last."""
    app.entries = []
    app.connect("html-page-context", collect)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": False}


def collect(app, pagename, templatename, context, doctree):
    """Add the entries of a page, and to the page of the search its scripts."""
    if pagename == "search":
        app.add_js_file(INDEX)
        app.add_js_file("search.js")
    heading = doctree and doctree.next_node(nodes.title)
    if heading and pagename != "book/claims":  # whose sentences are those of chapters
        page = plain(heading)
        for title, anchor, text in Page(doctree).entries:
            app.entries.append([pagename, anchor, page, title, " ".join(text.split())])


def write(app, exception):
    """Write the index, and take Sphinx's own search out of the site."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    if (
        "draft" not in app.tags or not (out / "_static" / INDEX).exists()
    ):  # a draft writes few pages
        text = json.dumps(app.entries, ensure_ascii=False, separators=(",", ":"))
        (out / "_static" / INDEX).write_text(f"const ENTRIES = {text};\n", encoding="utf-8")
    names = "|".join(map(re.escape, REPLACED))
    tag = re.compile(rf'<script[^>]*src="[^"]*/?(?:{names})(?:\?[^"]*)?"[^>]*></script>\s*')
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if (ours := tag.sub("", text)) != text:
            page.write_text(ours, encoding="utf-8")
    for name in REPLACED:
        for path in (out / name, out / "_static" / name):
            path.unlink(missing_ok=True)


class Page:
    """The entries of one page: their titles, anchors and texts."""

    def __init__(self, doctree):
        self.entries = []
        for section in doctree.children:
            self.add(section)

    def add(self, node):
        """Add what a node says to the last entry, or begin another."""
        if isinstance(node, nodes.section) and isinstance(node[0], nodes.title):
            self.entries.append([plain(node[0]), node["ids"][0], ""])
        elif isinstance(node, addnodes.desc) and node[0]["ids"]:
            name = node[0]["ids"][0]
            self.entries.append([name.removeprefix("lvmnotes."), name, ""])
        elif isinstance(node, nodes.definition_list_item) and node[0]["ids"]:
            terms = [it for it in node if isinstance(it, nodes.term)]
            self.entries.append([", ".join(map(plain, terms)), terms[0]["ids"][0], ""])
        for child in node.children:
            if isinstance(child, (*LEFT_OUT, nodes.title, nodes.term, addnodes.desc_signature)):
                continue
            if not self.entries or "evidence" in child.get("classes", ()):
                continue
            if child.get("nb_element") == "cell_code_output":  # text of figures alone
                for caption in child.findall(nodes.caption):
                    self.entries[-1][2] += " " + plain(caption)
            elif isinstance(child, nodes.math_block):
                self.entries[-1][2] += " … "
            elif isinstance(child, nodes.TextElement):
                self.entries[-1][2] += " " + plain(child)
            else:
                self.add(child)


def plain(node):
    """Return the text of a node, with formulas in it as one would type them."""
    if isinstance(node, nodes.math):
        return typed(node.astext())
    if isinstance(node, nodes.reference) and node.astext().strip() == "Proposition":
        return node.get("refid") or node["refuri"].split("#")[-1]  # as the page, too, names claims
    if isinstance(node, LEFT_OUT):
        return ""
    return "".join(map(plain, node.children)) if node.children else node.astext()


def typed(formula):
    r"""Return a short formula without TeX: r"\sigma^2 I" becomes "σ² I"."""
    formula = re.sub(r"\^(\\top|\{[-+0-9n]+\}|[0-9nT])", raised, formula)
    formula = re.sub(r"\\([A-Za-z]+)\s*", command, formula)
    return re.sub(r"\\.|[{}^_&$~]", "", formula)


def raised(exponent):
    """Return an exponent in raised characters."""
    text = exponent[1].strip("{}")
    return RAISED.get(text) or "".join(RAISED[sign] for sign in text)


def command(match):
    """Return the letter or sign that a command of TeX stands for, if there is one."""
    name = match[1]
    if name in SYMBOLS:
        return f" {SYMBOLS[name]} " if name not in TIGHT else SYMBOLS[name]
    if name in FUNCTIONS:
        return f"{name} "
    size = "SMALL" if name.islower() else "CAPITAL"
    letter = name.upper().replace("LAMBDA", "LAMDA")  # as Unicode spells it
    try:
        return unicodedata.lookup(f"GREEK {size} LETTER {letter}")
    except KeyError:
        return ""
