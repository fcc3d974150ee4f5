r"""Sphinx extension: formulas as MathML, made when the site is built, so that no script sets them.

A formula that cannot be set is a warning, which stops the strict build: an unknown command, or a
letter that the font of the formulas (`math_font.py`) lacks.
"""

import html
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
CONVERTER = LatexToMathML(fancy_error=False)
STYLES = Path(__file__).parent / "_static" / "formulas.css"
# Environments that number their lines, in terms of those that leave numbers to the book.
ENVIRONMENTS = {
    "equation": None,
    "align": "aligned",
    "flalign": "aligned",
    "split": "aligned",
    "gather": "gathered",
    "multline": "gathered",
}
LONG = 16  # letters of a formula that may be broken
SHORT = 5  # letters that do not stand in a line of their own
SIGNS = set("=≤≥<>≈∼∝≠≐→⟶⟹←")  # at which it may be, and after commas
PLUS = set("+−")  # likewise, where much precedes
OPENING, CLOSING = set("([{⟨⌊⌈"), set(")]}⟩⌋⌉")
# What must not be parted from a formula: marks and endings after it, brackets before it.
AFTER = re.compile(r"[^\s\w(\[]+|\w{1,2}\b")
BEFORE = re.compile(r"(?<!\w)[(\[“‘\"']+$")


def setup(app):
    """Set formulas with this module."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    app.add_post_transform(KeepTogether)
    app.add_css_file("formulas.css")
    app.add_js_file("formulas.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def inline(translator, node):
    """Write a formula of a line of text."""
    translator.body.append(mathml(node))
    raise nodes.SkipNode


def display(translator, node):
    """Write a formula of its own lines, in a box that scrolls where it must, and its number."""
    latex, number = without_tag(node.astext())
    if node.get("number") and not number:
        number = get_node_equation_number(translator, node)
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate nohighlight"))
    translator.body.append(f'<div class="formula">{mathml(node, latex)}</div>')
    if number:
        translator.body.append(f'<span class="eqno">({html.escape(number)})')
        if node.get("number"):
            translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def without_tag(latex):
    r"""Return a formula without its \tag, and what the tag says."""
    tags = re.findall(r"\\tag\*?\{([^{}]*)\}", latex)
    rest = re.sub(r"\\tag\*?\{[^{}]*\}|\\(?:nonumber|notag)\b", "", latex)
    return rest, ", ".join(tags)


def mathml(node, latex=None):
    """Return a node's formula as MathML, or its source where that cannot be set."""
    source = node.astext() if latex is None else latex
    is_display = isinstance(node, nodes.math_block)
    try:
        formula = convert(source, is_display)
    except LatexError as error:
        logger.warning("formula cannot be set: %s in %r", error, source, location=node)
        return f"<code>{html.escape(source)}</code>"
    missing = {character for character in text(formula) if not in_font(character)}
    for character in sorted(missing):
        name = unicodedata.name(character, "")
        logger.warning("math font lacks %r (%s)", character, name, location=node)
    return formula


def convert(latex, is_display):
    """Return a formula as MathML that Chromium, Firefox and Safari set alike."""
    formula = CONVERTER.convert_with_local_state(lines(latex), displaystyle=is_display)
    # Chromium enlarges a bracket only in a row, not one that has an index.
    formula = re.sub(
        r"(<m(?:sub|sup|subsup)>)(<mo [^>]*minsize[^>]*>[^<]*</mo>)", r"\1<mrow>\2</mrow>", formula
    )
    # A plus between two terms stays one where it comes first in a cell or a line.
    formula = re.sub(r"<mo>([+−])</mo>", r'<mo form="infix">\1</mo>', formula)
    source = html.escape(" ".join(latex.split()))
    if "<mtable" not in formula and len(text(formula)) > LONG:
        parts = "<wbr>".join(pieces(formula, is_display))
        return f'<span class="pieces" data-tex="{source}">{parts}</span>'
    return formula.replace("<math", f'<math data-tex="{source}"', 1)


def pieces(formula, is_display):
    """Yield a formula in pieces between which a line may end: before a sign if it is displayed."""
    whole = ElementTree.fromstring(formula.replace("&ApplyFunction;", "\N{FUNCTION APPLICATION}"))
    piece = ElementTree.Element("math", whole.attrib)
    brackets = []  # that are open; True for an enlarged one
    may_end = False  # here, unless space follows
    for part in whole:
        mark = sign_of(part)
        sign = None if mark is None else mark.text
        if sign in OPENING:
            brackets.append("minsize" in mark.attrib)
        elif sign in CLOSING and brackets:
            brackets.pop()
        letters = len("".join(piece.itertext()))
        breaks = (sign in SIGNS and not brackets and letters > SHORT) or (
            sign in PLUS and all(brackets) and letters > LONG
        )
        before = is_display and breaks and mark is part
        if before or (may_end and part.tag != "mspace"):
            yield ElementTree.tostring(piece, encoding="unicode")
            piece = ElementTree.Element("math", whole.attrib)
        if before or part.tag != "mspace":
            may_end = (breaks and not before) or (sign == "," and not brackets)
        piece.append(part)
    yield ElementTree.tostring(piece, encoding="unicode")


def sign_of(part):
    """Return the sign that a part of a formula is or, with an index, has; else None."""
    while part.tag in ("msub", "msup", "msubsup") or (part.tag == "mrow" and len(part) == 1):
        part = part[0]
    return part if part.tag == "mo" else None


def lines(latex):
    r"""Return a formula with lines (\\) only in environments that every converter knows."""
    for name, plain in ENVIRONMENTS.items():
        replacement = rf"\\\1{{{plain}}}" if plain else ""
        latex = re.sub(rf"\\(begin|end)\{{{name}\*?\}}", replacement, latex)
    outside = re.sub(r"\\begin\{(\w+)\}.*?\\end\{\1\}", "", latex, flags=re.DOTALL)
    if r"\\" in outside:
        return rf"\begin{{aligned}}{latex}\end{{aligned}}"
    return latex


def text(formula):
    """Return the letters of a formula."""
    return html.unescape(re.sub(r"<[^>]*>", "", formula))


def in_font(character):
    """Tell whether the font of the formulas has a character."""
    return any(first <= ord(character) <= last for first, last in RANGES)


def _ranges():
    """Return the ranges of characters that the style sheet declares for the font."""
    (declared,) = re.findall(r"unicode-range:([^;]*);", STYLES.read_text(encoding="utf-8"))
    pairs = re.findall(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?", declared)
    return [(int(first, 16), int(last or first, 16)) for first, last in pairs]


RANGES = _ranges()


class KeepTogether(SphinxPostTransform):
    """Keep the mark after a formula, and the bracket before it, on the formula's line."""

    default_priority = 900
    formats = ("html",)

    def run(self):
        """Put each formula and what belongs to it into one unbreakable piece."""
        for formula in list(self.document.findall(nodes.math)):
            last = formula
            while last.parent.children[-1] is last and isinstance(last.parent, nodes.Inline):
                last = last.parent
            parent, place = last.parent, last.parent.index(last)
            end = parent[place + 1] if place + 1 < len(parent) else None
            start = parent[place - 1] if place else None
            after = isinstance(end, nodes.Text) and AFTER.match(end)
            before = isinstance(start, nodes.Text) and BEFORE.search(start)
            if not (after or before):
                continue
            # By their places: two texts of a paragraph may be equal, and are then taken for one.
            piece = nodes.inline(classes=["together"])
            if before:
                parent[place - 1] = nodes.Text(start[: before.start()])
                piece += nodes.Text(before[0])
            parent[place] = piece
            piece += last
            if after:
                parent[place + 1] = nodes.Text(end[after.end() :])
                piece += nodes.Text(after[0])
