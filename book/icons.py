"""Sphinx extension: the theme's icons as small pictures in the page.

The theme draws about ten icons with a script of 1.5 MB that holds two thousand. Here their shapes
are taken out of that script once, when the site is built, and the script is left out of the site.
"""

import functools
import re
import shutil
from pathlib import Path

import pydata_sphinx_theme

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
SCRIPT = "scripts/fontawesome.js"
TAG = re.compile(r"<script[^>]*fontawesome\.js[^>]*></script>\n?")
ICON = re.compile(r'<(i|span) (class="[^"]*\bfa-[^"]*"[^>]*)></\1>')
SIZES = {"solid", "lg"}  # what stands beside an icon's name in a class


def setup(app):
    """Draw the icons when all pages are written."""
    app.connect("build-finished", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def draw(app, exception):
    """Put each icon's shape in its place, and take the script and its fonts out of the site."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        drawn = ICON.sub(lambda icon: picture(icon[2]), TAG.sub("", text))
        if drawn != text:
            page.write_text(drawn, encoding="utf-8")
    static = Path(app.outdir) / "_static"
    for left_over in (static / "scripts").glob("fontawesome.js*"):
        left_over.unlink()
    shutil.rmtree(static / "vendor" / "fontawesome", ignore_errors=True)


def picture(attributes):
    """Return an icon as SVG, with the attributes that the theme's styles look for."""
    attributes = re.sub(r' title="[^"]*"', "", attributes)  # a control's words are its name
    (name,) = set(re.findall(r"\bfa-([a-z-]+)", attributes)) - SIZES
    width, height, path = shape(name)
    attributes = re.sub(r"\bfa(s|-[a-z-]+)\b\s*", "", attributes)
    attributes = attributes.replace('class="', 'class="icon ')
    return (
        f'<svg {attributes} viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<path fill="currentColor" d="{path}"/></svg>'
    )


@functools.cache
def shape(name):
    """Return the width, the height and the outline of a solid icon."""
    # The script has the outlined icons before the solid ones, under the same names.
    pattern = rf'[,{{]"?{re.escape(name)}"?:\[(\d+),(\d+),\[[^]]*\],"[0-9a-f]+","([^"]+)"\]'
    found = re.findall(pattern, (THEME / SCRIPT).read_text(encoding="utf-8"))
    if not found:
        raise ValueError(f"the theme has no icon named {name!r}")
    return found[-1]
