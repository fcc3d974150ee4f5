"""Pictures of a submission: found, decoded inside the walls, encoded again.

What a student hands in as a picture is opened in the confined process alone; what comes out are
pixels, of which this makes the picture that the pages show.
"""

import base64
import io
import itertools
import re
from pathlib import PurePosixPath
from urllib.parse import unquote

from PIL import Image

SUFFIXES = {".png", ".jpg", ".jpeg", ".heic", ".heif", ".gif", ".webp", ".bmp", ".tif", ".tiff"}
LARGEST = 12 * 2**20
MOST = 24
MOST_PLOTS, LARGEST_PLOTS = 100, 16 * 2**20  # of a submission; in base64
PLOT_SIDE, PHOTO_SIDE = 800, 1600


def from_pixels(pixels, kind, side):
    """Return the MIME type and the base64 of a picture; ValueError if these are no pixels."""
    try:
        width, height, data = pixels
        data = base64.b64decode(data, validate=True)
    except (TypeError, ValueError) as error:
        raise ValueError("not a picture") from error
    sizes = type(width) is type(height) is int and 0 < width <= side and 0 < height <= side
    if not sizes or len(data) != 3 * width * height:
        raise ValueError("not a picture")
    file = io.BytesIO()
    Image.frombytes("RGB", (width, height), data).save(file, kind, quality=80, optimize=True)
    return f"image/{kind}", base64.b64encode(file.getvalue()).decode()


def plots(pixels, shown=()):
    """Return the outputs that show the plots of a cell.

    Parameters
    ----------
    pixels : list
    shown : sequence of dict
        The plots of earlier cells: all together are limited.
    """
    found, room = [], LARGEST_PLOTS - sum(len(one["data"]["image/png"]) for one in shown)
    for plot in pixels[: MOST_PLOTS - len(shown)] if isinstance(pixels, list) else []:
        try:
            kind, data = from_pixels(plot, "png", PLOT_SIDE)
        except ValueError:
            continue
        room -= len(data)
        if room < 0:
            break
        found.append({"output_type": "display_data", "data": {kind: data}, "metadata": {}})
    return found


def beside(folder):
    """Return the files beside the notebook that are pictures, by their path in the folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink():
            found[path.relative_to(folder).as_posix()] = path
    return found


def attach(cells, folder, decode):
    """Put a submission's pictures into its cells, encoded anew; return the cells and remarks.

    Pictures that no cell shows come last, in a cell of their own.

    Parameters
    ----------
    cells : list of dict
        As in a notebook; those of Markdown have what the student attached.
    folder : path
        With image files, which Markdown may show or not.
    decode : callable
        Returns the pixels of a file's bytes, or raises ValueError saying why not.
    """
    files, remarks, done = beside(folder), [], {}
    tries = itertools.count()

    def show(name, read, size):
        if name not in done:
            done[name] = None
            try:
                if next(tries) >= MOST:
                    raise ValueError(f"there are more than {MOST} pictures")
                if size > LARGEST:
                    raise ValueError(f"it is larger than {LARGEST // 2**20} MB")
                kind, data = from_pixels(decode(read()), "jpeg", PHOTO_SIDE)
                done[name] = {kind: data}
            except (ValueError, OSError) as error:
                remarks.append(f"the picture {name} is not shown: {error}")
        return done[name]

    seen = set()
    for number, cell in enumerate(cells):
        if cell["cell_type"] != "markdown":
            continue
        given, cell["attachments"] = cell.get("attachments") or {}, {}
        for address in _addresses(cell["source"]):
            name = unquote(address)
            if name.startswith("attachment:"):
                data = given.get(name.removeprefix("attachment:"))
                data = next(iter(data.values()), None) if isinstance(data, dict) else None
            elif name.startswith("data:image/"):
                data = name.partition("base64,")[2]
            else:
                name = PurePosixPath(name).as_posix()
                if name in files:
                    seen.add(name)
                    path = files[name]
                    if picture := show(name, path.read_bytes, path.stat().st_size):
                        cell["attachments"][address] = picture
                continue
            data = "".join(data) if isinstance(data, list) else data
            if not isinstance(data, str):
                remarks.append(f"the picture {name[:60]} is missing")
                continue
            label = f"{name[:60]} in cell {number + 1}"
            read = lambda data=data: base64.b64decode(data)  # noqa: E731
            if picture := show(label, read, len(data) * 3 // 4):
                cell["attachments"][address] = picture
    last = {"cell_type": "markdown", "source": "", "metadata": {}, "attachments": {}}
    for name in files.keys() - seen:
        if picture := show(name, files[name].read_bytes, files[name].stat().st_size):
            last["attachments"][name] = picture
    last["source"] = "\n\n".join(f"![{name}](<{name}>)" for name in sorted(last["attachments"]))
    return cells + [last] * bool(last["attachments"]), remarks


def _addresses(source):
    """Return the addresses of the pictures in a text of Markdown or HTML."""
    markdown = re.findall(r"!\[[^\]]*\]\(\s*(?:<([^>\n]*)>|([^)\s]+))", source)
    tags = re.findall(r"<img\b[^>]*?\bsrc\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", source, re.I)
    return dict.fromkeys("".join(found) for found in markdown + tags)
