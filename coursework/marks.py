"""The teacher's word: points and comments typed into tables, kept apart from what the tests say.

``grades.csv`` has a row for each student and columns for points and comments; the tables in
``marking`` have one question, and codes for names.  An entry counts if it is not what was written
there last.  What was read is kept in ``marks.json``, which no regrade touches.
"""

import collections
import re
import unicodedata

from coursework import tables
from coursework.results import number, read_json, write_json
from coursework.safe import plain

TAKEN_BACK = "-"
COMMENT = "comment on "


def read(files, problem, people, assess):
    """Return the teacher's marks of each student, with what the tables have that is new.

    Nothing is written: `keep` does that.

    Parameters
    ----------
    files : Files
    problem : ProblemSet
    people : list of str
        Those who may have a row.
    assess : callable
        Gives the `Assessment` of a student, with given marks, from the result there is; or None.

    Raises
    ------
    ValueError
        If a row matches nobody, or an entry cannot be what its column says.
    """
    marks = read_json(files.marks) or {}
    codes = {files.code(student): student for student in people}
    found = {}
    for path in [files.table, *sorted(files.marking.glob("*.csv"))]:
        if not path.exists():
            continue
        question = None if path == files.table else path.stem
        before = tables.as_written(path)
        before = _entries(before, question, people, codes) if before.exists() else {}
        for (student, column), entry in _entries(path, question, people, codes).items():
            if not entry or _same(entry, before.get((student, column), "")):
                continue
            other, where = found.setdefault((student, column), (entry, path))
            if not _same(entry, other):
                raise ValueError(
                    f"{column} of {student} is {entry} in {path}, but {other} in {where}"
                )
    for (student, column), (entry, path) in found.items():
        mine = marks.setdefault(student, {})
        _enter(
            mine, problem, column, entry, assess(student, mine), f"{path}: {column} of {student}"
        )
    return marks


def _entries(path, question, people, codes):
    """Return the entries of a table by student and column."""
    header, rows = tables.read(path)
    if not {"student", "code"} & set(header):
        raise ValueError(f"{path}: no column is called student or code")
    entries = {}
    for row in rows:
        student = _student(path, row, people, codes)
        if question:
            row = {question: row.get("points", ""), COMMENT + question: row.get("comment", "")}
        for column, entry in row.items():
            entry, key = entry.strip(), (student, column)
            if entry and entries.get(key) and not _same(entry, entries[key]):
                raise ValueError(f"{path}: two rows of {student} differ in {column}")
            entries[key] = entry or entries.get(key, "")
    return entries


def _student(path, row, people, codes):
    """Return whom a row is about."""
    name, code = row.get("student", "").strip(), row.get("code", "").strip().lower()
    if name in people:
        named = [name]
    else:
        named = [student for student in people if _spellings(name) & _spellings(student)]
    coded = [codes[code]] if code in codes else []
    if (name and not named) or (code and not coded) or not (named or coded):
        raise ValueError(f"{path}: the row of {name or code or 'nobody'} matches no submission")
    if coded and (not named or coded[0] in named):
        return coded[0]
    if coded or len(named) > 1:
        others = ", ".join(named + coded)
        raise ValueError(f"{path}: the row of {name} {code} may be that of {others}")
    return named[0]


def _spellings(name):
    """Return what may become of a name in a spreadsheet: other zeros, spaces, characters."""
    name = unicodedata.normalize("NFC", plain(name).lstrip("'"))
    ways = {name, name.encode("cp1252", "replace").decode("cp1252")}
    ways.add(name.encode().decode("cp1252", "replace"))  # UTF-8 taken for Windows-1252
    ways = {" ".join(way.split()).casefold() for way in ways}
    return {re.sub(r"^0+(?=\d+$)", "", way) for way in ways}


def _same(entry, other):
    """Tell whether two entries say the same: as texts, or as numbers."""
    try:
        return float(entry.replace(",", ".")) == float(other.replace(",", "."))
    except ValueError:
        return " ".join(entry.split()) == " ".join(other.split())


def _enter(mine, problem, column, entry, assessment, where):
    """Enter what a teacher wrote into a student's marks."""
    if column.startswith(COMMENT) or column == "comment":
        kind, name, value = "comments", column.removeprefix("comment").removeprefix(" on "), entry
        if name and name not in problem.maxima:
            kind, name = "columns", column
    elif column in problem.maxima or column in problem.points:
        kind, name, most = "points", column, (problem.maxima | problem.points)[column]
        try:
            value = float(entry.replace(",", "."))
        except ValueError:
            value = -1
        if entry != TAKEN_BACK and not 0 <= value <= most:
            raise ValueError(f"{where} is {entry}, not 0 to {most:g}")
        if name not in mine.get("points", {}) and assessment and assessment.points(name) == value:
            return  # what the tests say is no mark
        fingerprints = assessment and assessment.result["fingerprints"]
        mine.setdefault("seen", {})[name] = fingerprints[0] if fingerprints else None
    elif column in _fixed(problem):
        return  # computed: whatever is written there is computed again
    else:
        kind, name, value = "columns", column, entry
    if entry == TAKEN_BACK:
        mine.get(kind, {}).pop(name, None)
    else:
        mine.setdefault(kind, {})[name] = value


def _fixed(problem):
    return {"student", "code", "so far", "late", "total", "maximum", "remarks", ""}


def keep(files, marks):
    """Write the teacher's marks where no spreadsheet touches them."""
    if marks or files.marks.exists():
        write_json(files.marks, {student: mine for student, mine in marks.items() if mine})


def write(files, problem, assessments):
    """Write the table of grades and the tables for marking one question."""
    given = {name for one in assessments for name in one.marks.get("points", {})}
    columns = []
    for question in problem.maxima:
        columns += [question, *(t for t in problem.tests.get(question, []) if t in given)]
    comments = [*(COMMENT + question for question in problem.maxima), "comment"]
    own = collections.Counter(name for one in assessments for name in one.marks.get("columns", {}))
    header = ["student", "code", *columns, "so far", "late", "total", "maximum", "remarks"]
    rows = []
    for one in assessments:
        row = [one.student, files.code(one.student)]
        for name in columns:  # a teacher's column: only what a teacher wrote
            teachers = name in problem.written and name not in one.marks.get("points", {})
            row.append("" if teachers else number(one.points(name)))
        row += [number(one.so_far), one.late.days or "", number(one.total), number(one.maximum)]
        row.append("; ".join(one.remarks()))
        row += [one.comment(name.removeprefix(COMMENT)) for name in comments[:-1]]
        row += [one.comment(""), *(one.marks.get("columns", {}).get(name, "") for name in own)]
        rows.append(row)
    tables.write(files.table, [*header, *comments, *own], rows)
    for question in problem.maxima:
        rows = sorted(
            [files.code(one.student), row_points(one, question), one.comment(question)]
            for one in assessments
            if one.submitter == one.student and one.result["cells"]
        )
        tables.write(files.marking / f"{question}.csv", ["code", "points", "comment"], rows)


def row_points(assessment, question):
    """Return the points that a teacher gave for a question, as a table has them."""
    return number(assessment.marks.get("points", {}).get(question))
