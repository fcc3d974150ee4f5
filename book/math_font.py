"""Make the font of the formulas, `_static/fonts/stix-two-math.woff2`, from STIX Two Math.

    python book/math_font.py stix-two-math-latin-400-normal.woff2

The original is in the npm package @fontsource/stix-two-math; brotli must be installed, and this is
needed only where a formula has a character that the font lacks: add it to CHARACTERS. The licence
(OFL 1.1, no reserved name) is beside the font. Two things are changed. Only CHARACTERS are left, a
fifth of the size. And brackets and root signs grow in height more than in width: Chromium leaves
room for the widest form of a bracket, so that beside a small one there would be a gap.
"""

import re
import sys
from pathlib import Path

from fontTools import subset
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen

STATIC = Path(__file__).parent / "_static"
CHARACTERS = """
    20-7E A0 A7-A8 AC AF-B1 B4 B7 D7 F7 2C6-2C7 2D8-2DD 300-30C 331-332 338 391-3A9 3B1-3C9 3D1
    3D5-3D6 3F0-3F1 3F5 2002-200A 2010-2016 2018-201D 2020 2022 2026 2032-2034 203E 2061-2064
    20D0-20D7 2102 210B 210E 2112-2113 2115 2118-211D 2124 2130-2131 2133 2190-2199 21A6
    21D0-21D4 2200-22FF 2308-230B 23B4-23B5 23DC-23DF 25A1 25B3 25CB 25FB 27C2 27E8-27EB
    27F5-27FA 27FC 2A00-2A02 2A7D-2AC6 FE00-FE01 1D400-1D49B 1D49C-1D4CF 1D538-1D56B
    1D5A0-1D5D3 1D6A4-1D6A5 1D6A8-1D755 1D7CE-1D7E1
"""
BRACKETS = "()[]{}⟨⟩⌈⌉⌊⌋"
WIDENING = 0.35  # of what a higher bracket is wider in the original
TALLEST = 2700  # thousandths of the font's size; higher brackets are put together from pieces


def main(original):
    """Make the font, and declare its characters in the style sheet."""
    options = subset.Options(flavor="woff2", hinting=False, layout_features=["ssty"])
    font = subset.load_font(original, options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for one in ranges(CHARACTERS) for code in one])
    subsetter.subset(font)
    narrow(font)
    subset.save_font(font, STATIC / "fonts" / "stix-two-math.woff2", options)
    styles = STATIC / "formulas.css"
    covered = ", ".join([*runs(sorted(font.getBestCmap())), "U+FE00-FE01"])  # and variants
    declared = re.sub(
        r"unicode-range:[^;]*;",
        f"unicode-range: {covered};",
        styles.read_text(encoding="utf-8"),
    )
    styles.write_text(declared, encoding="utf-8")


def ranges(text):
    """Return ranges of numbers from their hexadecimal ends."""
    for pair in text.split():
        first, _, last = pair.partition("-")
        yield range(int(first, 16), int(last or first, 16) + 1)


def runs(codes):
    """Yield a list of characters as CSS writes it."""
    start = codes[0]
    for code, following in zip(codes, [*codes[1:], None], strict=True):
        if following != code + 1:
            yield f"U+{start:X}" + (f"-{code:X}" if code > start else "")
            start = following


def narrow(font):
    """Make high brackets less wide, and high root signs as wide as the low one."""
    variants = font["MATH"].table.MathVariants
    glyphs = font.getBestCmap()
    for sign in "√" + BRACKETS:
        base = glyphs[ord(sign)]
        forms = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(base)]
        pieces = forms.GlyphAssembly.PartRecords if forms.GlyphAssembly else []
        if pieces:
            forms.MathGlyphVariantRecord = [
                form for form in forms.MathGlyphVariantRecord if form.AdvanceMeasurement < TALLEST
            ]
            forms.VariantCount = len(forms.MathGlyphVariantRecord)
        names = {form.VariantGlyph for form in forms.MathGlyphVariantRecord}
        names |= {piece.glyph for piece in pieces}
        width = font["hmtx"][base][0]
        for name in names - {base}:
            more = font["hmtx"][name][0] - width
            squeeze(font, name, width + round(more * (WIDENING if sign != "√" else 0)))


def squeeze(font, name, width):
    """Give a glyph another width."""
    glyphs = font.getGlyphSet()
    pen = TTGlyphPen(glyphs)
    glyphs[name].draw(TransformPen(pen, (width / font["hmtx"][name][0], 0, 0, 1, 0, 0)))
    glyph = pen.glyph()
    glyph.recalcBounds(font["glyf"])
    font["glyf"][name] = glyph
    font["hmtx"][name] = (width, glyph.xMin)


if __name__ == "__main__":
    main(*sys.argv[1:])
