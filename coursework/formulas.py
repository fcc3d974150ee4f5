"""Formulas as MathML: a page shows them without a script, without the network, as one file."""

import html
import re
import unicodedata
from xml.etree import ElementTree

from latex2mathml.converter import convert_to_element

LONGEST = 2000
TAGS = set(
    "math mrow mi mo mn mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover "
    "mtable mtr mtd mstyle mpadded mphantom mmultiscripts mprescripts none".split()
)
ATTRIBUTES = set(
    "display displaystyle scriptlevel stretchy fence form accent accentunder movablelimits "
    "separator lspace rspace width height depth linethickness minsize maxsize columnalign "
    "rowspacing columnspacing".split()
)
VARIANTS = {"bold": "BOLD", "italic": "ITALIC", "bold-italic": "BOLD ITALIC", "script": "SCRIPT",
            "double-struck": "DOUBLE-STRUCK", "fraktur": "FRAKTUR", "sans-serif": "SANS-SERIF",
            "monospace": "MONOSPACE", "bold-script": "BOLD SCRIPT"}  # fmt: skip
#: What the converter does not know, in terms of what it does.
REWRITE = [
    (r"\\(begin|end)\{(aligned|gathered|alignat\*?|equation\*?)\}", r"\\\1{align*}"),
    (r"\\operatorname\*?\{([^{}]*?)\\[,;]([^{}]*)\}", r"\\mathrm{\1}\\,\\mathrm{\2}"),
    (r"\\operatorname\*", r"\\operatorname"),
    (r"\\arg\b", r"\\operatorname{arg}"),
    (r"\\(boldsymbol|bm)\b", r"\\mathbf"),
    (r"\\(label|tag)\{[^{}]*\}|\\(nonumber|notag)\b", ""),
]


def mathml(latex, display=False):
    """Return a formula as MathML, made of nothing but its elements; None if it cannot be set."""
    for old, new in REWRITE:
        latex = re.sub(old, new, latex)
    if len(latex) > LONGEST:
        return None
    try:
        formula = convert_to_element(latex, display="block" if display else "inline")
        for element in formula.iter():
            _clean(element)
    except (Exception, RecursionError):  # whatever a student typed, the page goes on
        return None
    return ElementTree.tostring(formula, encoding="unicode")


def _clean(element):
    """Keep an element's known attributes and its text, in the letters of its style."""
    if element.tag not in TAGS:
        raise ValueError(f"not an element of a formula: {element.tag}")
    text, tail = (html.unescape(part or "") for part in (element.text, element.tail))
    if re.search(r"\\\w|&", text) and element.tag != "mtext":
        raise ValueError(f"not known: {text}")
    variant = element.attrib.get("mathvariant")
    element.attrib = {k: v for k, v in element.attrib.items() if k in ATTRIBUTES}
    if variant == "normal":
        element.set("mathvariant", "normal")
    elif variant in VARIANTS and element.tag in ("mi", "mn", "mo"):
        text = "".join(styled(character, VARIANTS[variant]) for character in text)
    element.text, element.tail = text, tail


def styled(character, style):
    r"""Return a letter in a style of mathematics, as browsers want it: \mathbf x is U+1D431."""
    name = unicodedata.name(character, "")
    match = re.fullmatch(r"(?:LATIN|GREEK) (CAPITAL|SMALL) LETTER (\w+)|(DIGIT \w+)", name)
    if not match:
        return character
    letter = match[3] or f"{match[1]} {match[2]}"
    for candidate in (f"MATHEMATICAL {style} {letter}", f"{style} {letter}"):
        try:
            return unicodedata.lookup(candidate)
        except KeyError:
            continue
    return {"DOUBLE-STRUCK": {"C": "ℂ"}, "FRAKTUR": {"C": "ℭ"}}.get(style, {}).get(
        character, character
    )
