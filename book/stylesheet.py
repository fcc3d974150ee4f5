"""Sphinx extension: one stylesheet instead of a dozen, without the rules that no page uses.

The theme brings all of Bootstrap and the names of two thousand icons. A rule is left out if its
selector asks for a class that neither a page nor a script of the site has.
"""

import hashlib
import itertools
import posixpath
import re
from pathlib import Path

import tinycss2

LINK = re.compile(r'<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="([^"?]+)[^"]*"[^>]*>\n?')
NAME = "book.css"
NESTED = {"media", "supports"}  # at-rules that hold rules


def setup(app):
    """Write the stylesheet when all pages and scripts are as the site has them."""
    app.connect("build-finished", write, priority=900)  # after the theme has set its colours
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(app, exception):
    """Put the rules that are used into one file, and a link to it into every page."""
    if exception or app.builder.format != "html" or "draft" in app.tags:
        return
    out = Path(app.outdir).resolve()
    static = out / "_static"
    pages = {
        page: page.read_text(encoding="utf-8")
        for page in out.rglob("*.html")
        if not page.is_relative_to(static)  # where the theme has templates
    }
    sheets = dict.fromkeys(
        (page.parent / address).resolve()
        for page, text in pages.items()
        for address in LINK.findall(text)
    )
    scripts = static.rglob("*.js")
    words = vocabulary([*pages.values(), *(it.read_text(encoding="utf-8") for it in scripts)])
    head = f"/* made of {' '.join(it.relative_to(static).as_posix() for it in sheets)} */"
    style = "\n".join([head, *(used(rules(sheet, static), words) for sheet in sheets)])
    (static / NAME).write_text(style, encoding="utf-8")
    version = hashlib.sha256(style.encode()).hexdigest()[:8]
    for page, text in pages.items():
        first, *others = LINK.split(text)[::2]
        if others:
            up = "../" * (len(page.relative_to(out).parts) - 1)
            link = f'<link rel="stylesheet" href="{up}_static/{NAME}?v={version}" />\n'
            page.write_text(first + link + "".join(others), encoding="utf-8")


def vocabulary(texts):
    """Return the words of pages and scripts, among which are all classes."""
    return set(re.findall(r"[\w-]+", " ".join(texts)))


def rules(sheet, static):
    """Return the rules of a stylesheet, and of those that it imports, for a file in `static`."""

    def address(found):
        return f'url("{posixpath.relpath((sheet.parent / found[1]).resolve(), static)}")'

    # Pictures in the sheet, and parts of the page, have no file.
    text = re.sub(
        r"""url\(["']?(?!["']?(?:data:|#))([^)"']+)["']?\)""",
        address,
        sheet.read_text(encoding="utf-8"),
    )
    found = []
    for rule in tinycss2.parse_stylesheet(text, skip_whitespace=True):
        keyword = getattr(rule, "at_keyword", None)
        if rule.type == "error":
            raise ValueError(f"{sheet.name}, line {rule.source_line}: {rule.message}")
        if keyword == "import":
            (imported,) = (it.value for it in rule.prelude if it.type in ("string", "url"))
            found += rules(sheet.parent / imported, static)
        elif keyword == "font-face":
            files = re.findall(r'url\("([^")]+)"\)', tinycss2.serialize(rule.content))
            if all((static / file).exists() for file in files):
                found.append(rule)
        elif keyword != "charset" and (rule.type != "comment" or rule.value.startswith("!")):
            found.append(rule)  # the comment is a licence
    return found


def used(found, words):
    """Return the text of those rules that can apply where classes are among these words."""
    texts = []
    for rule in found:
        if rule.type == "at-rule" and rule.at_keyword in NESTED:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if inside := used(inner, words):
                texts.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inside}}}")
        elif rule.type == "qualified-rule":
            can_apply = [it for it in selectors(rule) if all(map(words.__contains__, classes(it)))]
            if can_apply:
                head = ",".join(tinycss2.serialize(it).strip() for it in can_apply)
                texts.append(f"{head}{{{tinycss2.serialize(rule.content).strip()}}}")
        else:
            texts.append(rule.serialize())
    return "\n".join(texts)


def selectors(rule):
    """Return the selectors of a rule, which commas separate."""
    found = [[]]
    for token in rule.prelude:
        if token == ",":
            found.append([])
        elif token.type != "comment":
            found[-1].append(token)
    return found


def classes(selector):
    """Yield the classes that an element must have; those in `:is()` and `:not()` it need not.

    A script may complete a class of Bootstrap's (bs-tooltip-auto), so its first two words will do.
    """
    for dot, name in itertools.pairwise(selector):
        if dot == "." and name.type == "ident":
            parts = name.value.split("-")
            yield "-".join(parts[:2] if parts[0] == "bs" else parts)
