"""Moodle and Canvas: read the archives of submissions they export, write the tables they import.

What was downloaded lies in ``downloads/<set>``: archives and, if there is one, the table with the
students (Moodle: the grading worksheet; Canvas: the exported gradebook), from which come the names
of the columns, the students' numbers and the maximum.
"""

import collections
import datetime
import hashlib
import html
import io
import os
import re
import shutil
import unicodedata
import zipfile
from pathlib import Path

from coursework import tables
from coursework.results import number, read_json, write_json
from coursework.safe import plain

MOODLE = re.compile(r"([^/]+)_(\d+)_assignsubmission_file_/?(.+)", re.DOTALL)
CANVAS = re.compile(r"(?:(\w+?)_)?(LATE_)?(\d+|anon_[^\W_]+)_\d+_(.+)", re.DOTALL)
LARGEST = 20 * 2**20
MOST = 40
MOST_BYTES = 120  # of a name; a disk takes 255, and endings are added
#: What Moodle's importer looks for.
WORKSHEET = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)",
             "Feedback comments"]  # fmt: skip


def unpack(files):
    """Put the submissions of downloaded archives where grading looks for them; return remarks.

    What an archive holds for a student is written when it is new; a folder that it takes the place
    of is kept in ``graded/<set>/backup``.
    """
    folder, remarks = files.home / "downloads" / files.name, []
    archives = sorted(folder.glob("*.zip"), key=lambda path: (path.stat().st_mtime, path.name))
    if not archives:
        return remarks
    origins = read_json(files.origins) or {}
    people = _students(folder)
    for path in archives:
        try:
            with zipfile.ZipFile(path) as archive:
                found, odd = _submissions(archive)
        except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
            raise ValueError(f"{path}: not an archive that can be read: {error}") from error
        remarks += [f"{path.name}: {remark}" for remark in odd]
        names = _names(found, people, origins)
        for (system, key, name), (late, contents, time) in found.items():
            person, student = people.get((system, key), {}), names[system, key, name]
            handed_in = person.get("handed_in") or (time if system == "moodle" else None)
            origin = {"system": system, "key": key, "name": name, "late": late,
                      "handed_in": handed_in, "contents": _fingerprint(contents)}  # fmt: skip
            if origins.get(student, {}).get("contents") != origin["contents"]:
                _place(files, student, contents)
            origins[student] = origin
    write_json(files.origins, origins)
    return remarks


def _names(found, people, origins):
    """Return the folder of each student of an archive: no two have the same.

    Students choose the names that they show. The folder of an earlier submission is theirs alone,
    and so is a number in the exported table.
    """
    theirs = {key: _folder_name(one["student"]) for key, one in people.items() if one["student"]}
    theirs |= {(origin["system"], origin["key"]): name for name, origin in origins.items()}
    with_key = {
        one: f"{_folder_name(one[2]).encode()[:100].decode(errors='ignore')}_{one[1]}"
        for one in found
    }
    shown = {one: _folder_name(one[2]) if one[0] == "moodle" else with_key[one] for one in found}
    times = collections.Counter(name.casefold() for name in [*shown.values(), *theirs.values()])
    return {
        one: theirs.get(one[:2]) or (name if times[name.casefold()] == 1 else with_key[one])
        for one, name in shown.items()
    }


def _submissions(archive):
    """Return what an archive has by system, key and name of the student, and remarks."""
    found, remarks = {}, []
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        # The name of a file, which a student chooses, may look like the beginning of an entry.
        several = entry.filename.rpartition("/")[2].count("_assignsubmission_file_") > 1
        if several:
            remarks.append(f"{plain(entry.filename, 80)} may be that of several students")
            continue
        if match := MOODLE.fullmatch(entry.filename):
            (name, key, file), late, system = match.groups(), False, "moodle"
        elif match := CANVAS.fullmatch(entry.filename):
            (name, late, key, file), system = match.groups(), "canvas"
            file = re.sub(r"-\d+(\.ipynb)$", r"\1", file)  # handed in again
        else:
            remarks.append(f"{plain(entry.filename, 80)} is no student's")
            continue
        time = (
            datetime.datetime(*entry.date_time).isoformat() if entry.date_time[0] > 1980 else None
        )
        late, contents, _ = found.setdefault((system, key, name or ""), (bool(late), {}, time))
        file = _folder_name(file.replace("\\", "/").rpartition("/")[2])
        if len(contents) >= MOST or entry.file_size > LARGEST:
            remarks.append(f"{plain(entry.filename, 80)} is too large or one too many")
            continue
        with archive.open(entry) as stream:  # the size that is said need not be the true one
            data = stream.read(LARGEST)
        if file.lower().endswith(".zip"):
            remarks += [f"{plain(entry.filename, 80)}: {odd}" for odd in _open(data, contents)[:9]]
        else:
            contents[file] = data
    return found, remarks


def _open(data, contents):
    """Add the files of an archive that a student handed in to the contents; return remarks."""
    left, remarks = 4 * LARGEST, []
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                *folders, file = entry.filename.replace("\\", "/").split("/")
                parts = [part for part in [*folders, file] if part not in (".", "..")]
                hidden = any(part.startswith((".", "__MACOSX")) for part in parts)
                file = _folder_name(file)
                if entry.is_dir() or hidden or file in contents:
                    continue
                if len(contents) >= MOST or entry.file_size > min(left, LARGEST):
                    remarks.append(f"{plain(entry.filename, 80)} is too large or one too many")
                    continue
                with archive.open(entry) as stream:
                    contents[file] = stream.read(LARGEST)
                left -= len(contents[file])
    except Exception as error:  # a hostile file may make the reader raise anything
        remarks.append(f"not an archive that can be read: {plain(error, 80)}")
    return remarks


def _folder_name(name):
    """Return a name that stays in its folder on any disk, with its ending."""
    name = unicodedata.normalize("NFC", plain(name))
    name = re.sub(r'[/\\:*?"<>|\ufffd]', "_", name).strip(". ") or "nameless"
    stem, ending = os.path.splitext(name)
    ending = ending if len(ending) < 10 else ""
    stem = stem.encode()[: MOST_BYTES - len(ending.encode())].decode(errors="ignore")
    return name if len(name.encode()) <= MOST_BYTES else f"{stem.rstrip('. ')}{ending}"


def _fingerprint(contents):
    parts = [f"{name} {hashlib.sha256(data).hexdigest()}" for name, data in contents.items()]
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()


def _place(files, student, contents):
    """Write a submission; keep the one that was there."""
    folder = files.submission(student)
    if folder.exists():
        count = len(list(files.folder.glob("backup/*")))
        backup = files.folder / "backup" / f"{count}-{student}"
        backup.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, backup)
    folder.mkdir(parents=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)


def _tables(folder):
    """Yield the exported tables of a folder: path, system, header, rows."""
    for path in sorted(folder.glob("*.csv")):
        header, rows = tables.read(path)
        if "Identifier" in header:
            yield path, "moodle", header, rows
        elif {"Student", "ID"} <= set(header):
            yield path, "canvas", header, rows
        else:
            raise ValueError(f"{path}: neither Moodle's (Identifier) nor Canvas's (Student, ID)")


def _students(folder):
    """Return what the exported tables say of students, by system and key."""
    found = {}
    for _, system, _, rows in _tables(folder):
        for row in rows:
            if system == "moodle":
                key = re.sub(r"\D", "", row["Identifier"])
                time = _moodle_time(row.get("Last modified (submission)", ""))
                found[system, key] = {
                    "student": row.get("ID number", "").strip(),
                    "handed_in": time,
                }
    return found


def _moodle_time(text):
    """Return a moment as Moodle writes it in English, or None."""
    for form in ("%A, %d %B %Y, %I:%M %p", "%A, %d %B %Y, %H:%M"):
        try:
            return datetime.datetime.strptime(text.strip(), form).isoformat()
        except ValueError:
            continue
    return None


def export(files, problem, assessments):
    """Write the tables that Moodle and Canvas import; return their paths.

    The grade of a submission that has answers to be marked is left empty.
    """
    origins = read_json(files.origins) or {}
    by_key = {}
    for one in assessments:
        origin = origins.get(one.student)
        if origin:
            by_key[origin["system"], origin["key"]] = (one, origin)
    exported = {
        s: (header, rows) for _, s, header, rows in _tables(files.home / "downloads" / files.name)
    }
    written = []
    for system, fill in (("moodle", _moodle), ("canvas", _canvas)):
        mine = {key: one for (where, key), one in by_key.items() if where == system}
        if mine:
            path = files.folder / f"{system}.csv"
            tables.write(path, *fill(files, mine, *exported.get(system, (None, None))))
            written.append(path)
    return written


def _scaled(assessment, most):
    """Return a total in a system's own points."""
    try:
        most = float(most.replace(",", "."))
    except ValueError:
        most = 0
    if assessment.total is None:
        return ""
    return number(round(assessment.total * (most or assessment.maximum) / assessment.maximum, 2))


def _moodle(files, mine, header, rows):
    """Return the grading worksheet, filled in."""
    if header is None:
        header = WORKSHEET
        rows = [
            {"Identifier": f"Participant {key}", "Full name": origin["name"],
             "Maximum Grade": number(one.maximum), "Last modified (grade)": "-"}
            for key, (one, origin) in mine.items()
        ]  # fmt: skip
    filled = []
    for row in rows:
        one, _ = mine.get(re.sub(r"\D", "", row["Identifier"]), (None, None))
        if one:
            comments = [f"{n}: {c}" if n else c for n, c in one.marks.get("comments", {}).items()]
            row = {**row, "Grade": _scaled(one, row.get("Maximum Grade", "")),
                   "Feedback comments": html.escape(" / ".join(comments))}  # fmt: skip
        filled.append([row.get(name, "") for name in header])
    return header, filled


def _canvas(files, mine, header, rows):
    """Return a gradebook of one column, that of the set."""
    about = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
    words = set(re.findall(r"\w+", files.name.lower()))
    titles = [name for name in header or [] if words <= set(re.findall(r"\w+", name.lower()))]
    title = titles[0] if len(titles) == 1 else files.name
    about = [name for name in about if header is None or name in header]
    possible = next((row for row in rows or [] if "Points Possible" in row["Student"]), {})
    (first, _), *_ = mine.values()
    most = possible.get(title, "").strip() or number(first.maximum)
    people = {row["ID"].strip(): row for row in rows or []}
    filled = [["    Points Possible", *[""] * (len(about) - 1), most]]
    for key, (one, origin) in mine.items():
        row = people.get(key, {"Student": origin["name"], "ID": key})
        filled.append([*(row.get(name, "") for name in about), _scaled(one, most)])
    return [*about, title], filled


def downloads(home):
    """Return the names of the sets of which something was downloaded."""
    return sorted(path.name for path in Path(home, "downloads").glob("*") if path.is_dir())
