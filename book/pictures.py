"""Sphinx extension: pictures as files that load when they are needed, with a form for the dark.

Each has its size in the page, so that no text moves when it arrives.

Frames that a page holds become files beside the figures. Figures that matplotlib drew get a style
for dark pages, which the browser uses where the page around the picture is dark: light and dark
change places, so that ink is light and paper is the page; the palette's colours get the contrast
they need. So do images in a figure, but not photographs: the code that draws them names them so
(`gid="photograph"`).
"""

import base64
import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote

from PIL import Image

from lvmnotes.plots import common

HELD = re.compile(r"data:image/(png|webp|svg)(?:\+xml)?;base64,([A-Za-z0-9+/=]{1000,})")
ARTICLE = re.compile(r'<article class="bd-article".*?</article>', re.DOTALL)
SOURCE = re.compile(r'\bsrc="([^"]*)"')
IMAGE = re.compile(r"<img (?![^>]*\bloading=)")
COLOUR = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")
PAPER, INK = 0x16, 0xE4  # grey of the page and of its text in the dark, as in house.css
LUMA = (0.213, 0.715, 0.072)
NEGATIVE = f"invert({1 - PAPER / 255:.3f}) hue-rotate(180deg)"  # turns light and dark, not the hue
DARK = {
    common.BLUE: "#4c9be0",
    common.ORANGE: "#f0843f",
    common.GREEN: "#25b88d",
    common.PURPLE: "#d98fb8",
    common.SKY: "#8ccdf3",
}


def setup(app):
    """Take care of the pictures when all pages are written."""
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def write(app, exception):
    """Write the files of all pages, and the style of all figures."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        changed = article_with_pictures(as_files(text, page.parent, out), page.parent)
        if changed != text:
            page.write_text(changed, encoding="utf-8")
    for picture in (out / "_images").glob("*.svg"):
        drawn = picture.read_text(encoding="utf-8")
        if "Matplotlib" in drawn and "prefers-color-scheme" not in drawn:
            picture.write_text(in_the_dark(drawn), encoding="utf-8")


def as_files(text, folder, out):
    """Return a page with each picture that it holds replaced by the address of a file."""

    def address(found):
        content = base64.b64decode(found[2])
        target = out / "_images" / f"{hashlib.sha256(content).hexdigest()[:16]}.{found[1]}"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
        return Path(os.path.relpath(target, folder)).as_posix()

    return HELD.sub(address, text)


def article_with_pictures(text, folder):
    """Return a page whose article's pictures say how large they are, and load late."""
    return ARTICLE.sub(lambda article: late(sized(article[0], folder)), text)


def sized(article, folder):
    """Return an article in which every picture that is a file says how large it is."""

    def with_size(image):
        address = SOURCE.search(image[0])[1]
        if ":" in address or "width=" in image[0]:
            return image[0]
        width, height = size(folder / unquote(address))
        return f'{image[0][:-1].rstrip(" /")} width="{width}" height="{height}">'

    return re.sub(r"<img [^>]*>", with_size, article)


def size(picture):
    """Return the width and the height of a picture in pixels."""
    if picture.suffix != ".svg":
        with Image.open(picture) as image:
            return image.size
    box = re.search(r'viewBox="([^"]*)"', picture.read_text(encoding="utf-8"))[1]
    return [round(float(side)) for side in box.split()[2:]]


def late(article):
    """Return an article whose pictures, but for the first, load when they come into view."""
    first, *rest = IMAGE.split(article, maxsplit=1)
    return first + "".join("<img " + IMAGE.sub('<img loading="lazy" ', part) for part in rest)


def in_the_dark(drawn):
    """Return a drawing with a style for dark pages."""
    rules = [f"svg {{fill: {grey(INK)}}}", f"image:not([id^=photograph]) {{filter: {NEGATIVE}}}"]
    for kind, colour in sorted(set(COLOUR.findall(drawn))):
        instead = dark(colour)
        if instead != colour:
            rules.append(f'[style*="{kind}: {colour}"] {{{kind}: {instead} !important}}')
    style = f"<style>@media (prefers-color-scheme: dark) {{{' '.join(rules)}}}</style>"
    return drawn.replace("<defs>", f"{style}\n <defs>", 1)


def dark(colour):
    """Return the colour that stands for one of the light figure: its hue, light if it is dark."""
    if palette := {light.lower(): instead for light, instead in DARK.items()}.get(colour):
        return palette
    parts = [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
    negative = [INK + (PAPER - INK) * part / 255 for part in parts]
    brightness = sum(weight * part for weight, part in zip(LUMA, negative, strict=True))
    return rgb(*(min(max(2 * brightness - part, 0), 255) for part in negative))  # the hue again


def grey(value):
    """Return a grey as CSS writes it."""
    return rgb(value, value, value)


def rgb(*parts):
    """Return a colour of red, green and blue, each up to 255, as CSS writes it."""
    return "#" + "".join(f"{round(part):02x}" for part in parts)
