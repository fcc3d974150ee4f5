"""Where the results of a set lie, and what a submission is worth to a student."""

import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

NOT_MARKED = "not marked yet"
LONGEST_NAME = 200  # bytes; a disk takes 255, and endings are added


class Files:
    """Where the results of one set lie."""

    def __init__(self, home, name):
        self.home = Path(home)
        self.name = name
        self.submitted = self.home / "submitted"
        self.folder = self.home / "graded" / name
        self.gradebook = self.home / "graded" / "gradebook.db"
        self.table = self.folder / "grades.csv"
        self.marks = self.folder / "marks.json"
        self.marking = self.folder / "marking"
        self.origins = self.folder / "origins.json"
        self.summary = self.folder / "index.html"
        self.similarity = self.folder / "similarity.html"

    def students(self):
        """Return everybody who handed in anything; nobody if nobody handed in this set."""
        if not any(self.submitted.glob(f"*/{self.name}")):
            return []
        names = [p.name for p in self.submitted.iterdir() if p.is_dir() and p.name[0] != "."]
        if long := [name for name in names if len(os.fsencode(name)) > LONGEST_NAME]:
            raise ValueError(f"{self.submitted}: the name of a folder is too long: {long[0]}")
        return sorted(names)

    def submission(self, student):
        """Return the folder that a student handed in."""
        return self.submitted / student / self.name

    def result(self, student):
        """Return the path of a student's result."""
        return self.folder / "results" / f"{student}.json"

    def feedback(self, student):
        """Return the path of a student's feedback."""
        return self.folder / "feedback" / f"{student}.html"

    def read(self, student):
        """Return the result of a student's own submission, or None."""
        return read_json(self.result(student))

    def write(self, student, result):
        """Write the result of a student's submission."""
        write_json(self.result(student), result)

    def keep_seed(self, seed):
        """Keep the seed of the hidden tests, so that the set is graded by it from now on."""
        path = self.folder / "secret-seed"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(seed, encoding="ascii")

    def code(self, student):
        """Return the code that stands for a student where names are hidden."""
        seed = self.home / "graded" / "seed"
        if not seed.exists():
            seed.parent.mkdir(parents=True, exist_ok=True)
            seed.write_text(secrets.token_hex(), encoding="ascii")
        text = f"{seed.read_text(encoding='ascii')} {self.name} {student}"
        digest = hashlib.sha256(text.encode(errors="surrogateescape")).digest()
        number = int.from_bytes(digest[:5])
        letters = "abcdefghkmnpqrstuvwxyz"  # a code is no number, no date, no formula
        return "".join(letters[number // 22**i % 22] for i in range(7))


def read_json(path):
    """Return what a file of JSON holds; None if there is none, or it broke off."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def write_json(path, value):
    """Write a file of JSON in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(json.dumps(value), encoding="utf-8")
    os.replace(new, path)


def empty(problem):
    """Return a result with no points."""
    tests = [test for tests in problem.tests.values() for test in tests]
    return {
        "scores": dict.fromkeys(tests, 0),
        "messages": dict.fromkeys(tests, "not run"),
        "unanswered": [],
        "remarks": [],
        "cells": [],
        "contained": True,
        "seconds": 0.0,
        "fingerprints": None,
        "pages": None,
    }


@dataclass(frozen=True)
class Late:
    """Days late, how many of them are free, the part of the points that the others cost."""

    days: int = 0
    free: int = 0
    share: float = 0.0
    note: str = ""


@dataclass
class Assessment:
    """What a submission is worth to a student: its tests, the teacher's word, the days it is late.

    `marks` holds the teacher's points and comments by the name of a question or a test, and the
    fingerprint of the submission to which each was given.
    """

    problem: object
    student: str
    result: dict
    marks: dict = field(default_factory=dict)
    late: Late = Late()
    submitter: str | None = None

    def automatic(self, name):
        """Return the points of a question or a test by the tests; None if it needs a reader."""
        if name in self.problem.tests:
            return sum(self.result["scores"][test] for test in self.problem.tests[name])
        if name in self.problem.written:
            nothing = name in self.result["unanswered"] or not self.result["cells"]
            return 0 if nothing else None
        return self.result["scores"][name]

    def points(self, name):
        """Return the points of a question or a test; None if it is not marked yet."""
        given = self.marks.get("points", {})
        if name in given:
            return given[name]
        if name in self.problem.tests:
            return sum(self.points(test) for test in self.problem.tests[name])
        return self.automatic(name)

    def comment(self, name):
        """Return the teacher's comment on a question, or on all (`name` is "")."""
        return self.marks.get("comments", {}).get(name, "")

    @property
    def changes(self):
        """What a teacher changed: name, points by the tests, points by the teacher."""
        both = [
            (n, self.automatic(n), points) for n, points in self.marks.get("points", {}).items()
        ]
        return [change for change in both if change[1] is not None and change[1] != change[2]]

    @property
    def unmarked(self):
        """Names of the questions that are not marked yet."""
        return [name for name in self.problem.maxima if self.points(name) is None]

    @property
    def maximum(self):
        """Points of the set."""
        return sum(self.problem.maxima.values())

    @property
    def so_far(self):
        """Points of all that is marked."""
        return sum(self.points(name) or 0 for name in self.problem.maxima)

    @property
    def deducted(self):
        """Points lost by being late."""
        return min(self.so_far, round(self.late.share * self.maximum, 2))

    @property
    def total(self):
        """Points of the submission; None as long as something is not marked."""
        return None if self.unmarked else self.so_far - self.deducted

    def remarks(self):
        """Return what a teacher should know of a submission."""
        said = list(self.result["remarks"]) + ([self.late.note] if self.late.note else [])
        if self.submitter not in (None, self.student):
            said.append(f"handed in by {self.submitter}")
        said += [f"{name}: {NOT_MARKED}" for name in self.unmarked]
        said += [f"{name}: no answer" for name in self.result["unanswered"]]
        said += [
            f"{n}: {old:g} by the tests, {new:g} by the teacher" for n, old, new in self.changes
        ]
        handed_in = (self.result["fingerprints"] or [None])[0]
        seen = self.marks.get("seen", {})
        stale = [name for name in self.marks.get("points", {}) if seen.get(name) != handed_in]
        return said + [f"{name}: the submission changed since it was marked" for name in stale]


def number(points):
    """Return points as they are written; nothing for None."""
    return "" if points is None else f"{round(points, 4):g}"
