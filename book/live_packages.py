"""What the pages need of the wheel for WebAssembly: the program, and packages that chapters use.

When this file changes, `live_assets.py` packs both anew.
"""

import io
import re
import zipfile
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

#: Import names of distributions that are not named after them.
NAMES = {
    "attrs": ["attr", "attrs"],
    "beautifulsoup4": ["bs4"],
    "fonttools": ["fontTools"],
    "pillow": ["PIL"],
    "python_dateutil": ["dateutil"],
    "pyyaml": ["yaml"],
    "reportlab": ["reportlab", "reportlab_mods", "reportlab_settings"],
    "scikit_learn": ["sklearn"],
    "sympy": ["sympy", "isympy"],
    "toolz": ["toolz", "tlz"],
}
#: Of the standard library: what needs a terminal, a process, a network or a screen.
STANDARD = {"_pyrepl", "ensurepip", "idlelib", "profiling", "pydoc_data", "tkinter", "turtle"}
#: Parts of packages: tests, and all of fontTools but the names of characters, which is what
#: matplotlib reads unless it writes PDF files.
PARTS = re.compile(r"/tests?/|^fontTools/(?!(misc/)?__init__|agl|misc/(textTools|loggingTools))")


def bare(wasm):
    """Return a WebAssembly module without its custom sections: names, and who made it."""
    kept, position = [wasm[:8]], 8
    while position < len(wasm):
        start, kind = position, wasm[position]
        length, shift = 0, 0
        while True:  # a number in LEB128
            position += 1
            length |= (wasm[position] & 0x7F) << shift
            shift += 7
            if wasm[position] < 0x80:
                break
        position += 1 + length
        if kind != 0:
            kept.append(wasm[start:position])
    return b"".join(kept)


def pruned(packages, imported):
    """Return the standard library and the packages that are needed, as an uncompressed zip.

    It is compressed as a whole, which is smaller, and the interpreter need not decompress it.
    """
    source = zipfile.ZipFile(packages)
    dropped = STANDARD | unneeded(source, imported)
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as target:
        for name in source.namelist():
            if name == "matplotlib/mpl-data.zip":  # matplotlib opens its fonts as files
                fonts = zipfile.ZipFile(io.BytesIO(source.read(name)))
                for inner in fonts.namelist():
                    if re.match(r"fonts/ttf/.|stylelib/.|matplotlibrc$", inner):
                        add(target, f"matplotlib/mpl-data/{inner}", fonts.read(inner))
            elif not (
                name.endswith("/")
                or PARTS.search(name)
                or re.split(r"[/.]|-\d", name)[0] in dropped
            ):
                add(target, name, source.read(name))
        for name, content in photographs():
            add(target, name, content)
    return result.getvalue()


def photographs():
    """Yield scikit-learn's photographs, which the wheel leaves out: name and content.

    They are PNG under their names that end in jpg, because Pillow in the wheel reads no JPEG.
    """
    folder = Path(find_spec("sklearn").origin).parent / "datasets" / "images"
    for path in sorted(folder.glob("*.*")):
        content = io.BytesIO(path.read_bytes())
        if path.suffix == ".jpg":
            picture = Image.open(content)
            content = io.BytesIO()
            picture.save(content, "png", optimize=True)
        yield f"sklearn/datasets/images/{path.name}", content.getvalue()


def unneeded(source, imported):
    """Return the names of the packages that nothing which is imported depends on."""
    requirements = {}
    for name in source.namelist():
        if found := re.match(r"([\w.]+?)-[^/]*\.dist-info/METADATA$", name):
            text = source.read(name).decode()
            lines = re.findall(r"(?m)^Requires-Dist: ([\w.-]+)(?!.*\bextra\b)", text)
            requirements[found[1]] = {re.sub(r"[-.]", "_", line).lower() for line in lines}
    names = {it: NAMES.get(it, [it]) for it in requirements}
    needed, new = set(), {it for it in names if set(names[it]) & set(imported)}
    while new:
        needed |= new
        new = set().union(*(requirements[it] for it in new)) & set(requirements) - needed
    return {name for it in set(requirements) - needed for name in [it, *names[it]]}


def add(archive, name, content):
    """Add a file with a date of its own, so that equal contents give equal archives."""
    archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
