r"""The words of a check as Markdown: formulas such as ``psi C^-1 psi`` become $\psi C^{-1} \psi$.

Checks are also printed in notebooks, so their words are plain text.  A formula in them is a run of
symbols, numbers and operators with spaces between.
"""

import re

GREEK = "Delta|Omega|Phi|alpha|beta|epsilon|lambda|lam|mu|pi|psi|sigma"
SCRIPT = r"\^-?[\dT]"
SYMBOL = rf"(?:{GREEK}|x[12]|R2|[bdghmrtvwxz]|[CDGIJLNPSTVW])\*?(?:_[\dij])?(?:{SCRIPT})?"
WHOLE = rf"[pJ]\([\w,*]+\)|\|(?:det|[hz])\||Var\[h\|z\]|[aAMp](?:_i|{SCRIPT})"
NUMBER = r"\d(?:[\d,.]*\d)?(?:\^\d|e-\d+)?"
ATOM = rf"(?:{WHOLE}|{SYMBOL}|{NUMBER})"
TERM = re.compile(rf"-?\(?{ATOM}(?:/{ATOM})*\)?(?:\^-?\d)?")
PLAIN = re.compile(r"\(?\d[\d,.]*\)?")
OPERATORS = {"+", "-", "/", "="}


def as_markdown(words):
    """Return the words of a check, safe in a cell of a table, with their formulas set as such."""
    words = re.sub(r"(?<=\d) x (?=\d)", " × ", words)
    words = re.sub(r"(?<=[pJ]\()(\w+), (?=\w+\*?\))", r"\1,", words)
    words = words.replace("[h | z]", "[h|z]").split()
    out, run = [], []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if run and _ends(run, word):
            out += _set(run)
            run = []
        term = TERM.fullmatch(word.rstrip(",")) or _is_factor(word, run)
        function = word in ("log", "tr") and TERM.fullmatch(following.rstrip(","))
        if term or function or (run and word in OPERATORS):
            run.append(word)
        else:
            out += [*_set(run), _text(word)]
            run = []
    return " ".join(out + _set(run))


def _ends(run, word):
    """Return whether a run ends before a word: after a comma, or if a number follows a symbol."""
    if " ".join(run).count("(") > " ".join(run).count(")"):
        return False
    return run[-1].endswith(",") or bool(PLAIN.fullmatch(word)) and run[-1] not in OPERATORS


def _is_factor(word, run):
    """Return whether a or A is a factor of a formula, and not a word."""
    last = run[-1] if run else ""
    return (word == "a" and "^" in last) or (word == "A" and last in ("V", "W"))


def _set(run):
    """Return a run as a formula, and the operators that it ends with as text."""
    end = len(run)
    while end and run[end - 1] in OPERATORS:
        end -= 1
    formula = " ".join(run[:end])
    if all(map(PLAIN.fullmatch, formula.replace(",", "").split())) or (
        formula.count("(") != formula.count(")")
    ):
        return [_text(word) for word in run]
    comma = "," * formula.endswith(",")
    return [f"${_latex(formula.rstrip(','))}${comma}", *map(_text, run[end:])]


def _text(word):
    """Return a word that is no formula, with the characters that Markdown would read escaped."""
    return "−" if word == "-" else re.sub(r"([\\|*_<>$`\[\]])", r"\\\1", word)


def _latex(formula):
    """Return the LaTeX of a formula; vectors are bold, as in the chapters."""

    def name(match):
        word, before, after = match[0], match.string[: match.start()], match.string[match.end() :]
        if word in ("tr", "Var"):
            return rf"\operatorname{{{word}}}"
        if len(word) > 1:
            return {"mu": r"\boldsymbol\mu", "lam": r"\lambda"}.get(word, "\\" + word)
        bold = word in "xhbwm" and before[-1:] not in ("|", "[")
        bold |= word == "z" and "W" in formula
        # These are vectors where they are multiplied as such.
        bold |= word in "arv" and (after.startswith(("_", r"^{\top}")) or before.endswith("} "))
        return rf"\mathbf {word}" if bold else word

    for plain, latex in (
        (r"(?<=\d),(?=\d{3})", "{,}"),
        (r"\b1e-0?(\d+)", r"10^{-\1}"),
        (r"\bx([12])", r"x_\1"),
        (r"\bR2", "R^2"),
        (r"\^(-?)T", r"^{\1\\top}"),
        (r"\^(-\d)", r"^{\1}"),
        (r"(?<![\\_A-Za-z])[A-Za-z]+", name),
        (r"\[h\|z\]", r"[h \\mid z]"),
        (r"\|([^|]+)\|", r"\\lvert \1 \\rvert"),
        (r"\*", "^*"),
    ):
        formula = re.sub(plain, latex, formula)
    return formula
