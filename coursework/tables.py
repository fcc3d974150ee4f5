"""Tables as CSV files that teachers edit: read what spreadsheets make of them, lose nothing."""

import csv
import io
import os
import shutil
import time

from coursework.safe import cell


def read(path):
    """Return the header of a table and its rows, each a dictionary; empty rows are left out.

    Takes what spreadsheets save: UTF-8 with and without a byte order mark, UTF-16, Windows-1252;
    commas, semicolons or tabs; cells with line breaks.

    Raises
    ------
    ValueError
        If there is no header, or a column stands there twice.
    """
    data = path.read_bytes()
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    for encoding in ["utf-16"] if wide else ["utf-8-sig", "cp1252", "latin-1"]:
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise ValueError(f"{path}: not a text that can be read")
    if text.startswith("sep="):
        text = text.partition("\n")[2]
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    header = [name.strip() for name in rows[0]] if rows else []
    twice = {name for name in header if name and header.count(name) > 1}
    if not any(header) or twice:
        raise ValueError(f"{path}: {f'two columns {min(twice)!r}' if twice else 'no header'}")
    rows = [row for row in rows[1:] if any(entry.strip() for entry in row)]
    padding = [""] * len(header)
    return header, [dict(zip(header, row + padding, strict=False)) for row in rows]


def as_written(path):
    """Return the path of the copy that is kept of a table as it was written last."""
    return path.parent / ".written" / path.name


def write(path, header, rows):
    """Write a table in one step; keep a table that was edited since in the folder ``backup``."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table.writerows([[cell(entry) for entry in row] for row in [header, *rows]])
    data = text.getvalue().encode()
    copy = as_written(path)
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        there = path.read_bytes()
        if there not in (data, copy.read_bytes() if copy.exists() else None):
            backup = path.parent / "backup" / f"{path.stem}-{time.time_ns()}{path.suffix}"
            backup.parent.mkdir(exist_ok=True)
            shutil.copy2(path, backup)
    for target in (path, copy):
        new = target.with_name(f".{target.name}.new")
        new.write_bytes(data)
        os.replace(new, target)
