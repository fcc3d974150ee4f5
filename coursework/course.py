"""What a course says besides its sets, in ``course.toml``: due dates, late days, groups.

::

    late_days = 3        # free days for each student, over all sets
    penalty = 0.1        # the part of a set's points that each further day costs
    groups = [["ada", "emmy"], ["kurt", "alan"]]    # one notebook, several names

    [due]
    ppca = 2026-11-20T18:00:00

    [extensions.ppca]
    ada = 2026-11-25     # until then, or a number of days
    emmy = 2

    [handed_in.ppca]
    kurt = 2026-11-21T09:30:00    # where the file's own date is not the truth
"""

import datetime
import math
import tomllib
from pathlib import Path

from coursework.results import Files, Late, read_json

DAY = datetime.timedelta(days=1)
KEYS = {"late_days": int, "penalty": float, "groups": list, "due": dict, "extensions": dict,
        "handed_in": dict}  # fmt: skip


class Course:
    """The course's dates and groups; without a file nothing is late and everybody works alone.

    Raises
    ------
    ValueError
        If the file cannot be read, or says what is not known here.
    """

    def __init__(self, home):
        self.path = Path(home, "course.toml")
        try:
            text = self.path.read_text(encoding="utf-8-sig") if self.path.exists() else ""
            said = tomllib.loads(text)
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error
        for key, value in said.items():
            kind = KEYS.get(key)
            if kind is None or not isinstance(value, (int, float) if kind is float else kind):
                known = ", ".join(KEYS)
                raise ValueError(f"{self.path}: {key} = {value!r} is not one of {known}")
        self.late_days = said.get("late_days", 0)
        self.penalty = said.get("penalty", 0.0)
        self.groups = said.get("groups", [])
        self.due = {name: self._moment(value) for name, value in said.get("due", {}).items()}
        self.extensions = said.get("extensions", {})
        self.times = {
            name: {who: self._moment(value) for who, value in table.items()}
            for name, table in said.get("handed_in", {}).items()
        }
        self._whose, self._origins = {}, {}
        members = [member for group in self.groups for member in group]
        twice = {member for member in members if members.count(member) > 1}
        if twice:
            raise ValueError(f"{self.path}: {min(twice)} is in two groups")

    def _moment(self, value):
        """Return a date and time without a zone; a date alone means the end of its day."""
        if isinstance(value, datetime.datetime):
            return value.astimezone().replace(tzinfo=None) if value.tzinfo else value
        if isinstance(value, datetime.date):
            return datetime.datetime.combine(value, datetime.time(23, 59, 59))
        raise ValueError(f"{self.path}: {value!r} is not a date")

    def whose(self, files):
        """Return for each student whose submission counts: as a rule the student's own."""
        if files.name not in self._whose:
            whose = {student: student for student in files.students()}
            for group in self.groups if whose else []:
                authors = [member for member in group if files.submission(member).is_dir()]
                for member in set(group) - set(authors) if authors else []:
                    whose[member] = max(authors, key=lambda one: (self._time(files, one), one))
            self._whose[files.name] = whose
        return self._whose[files.name]

    def late(self, files, student):
        """Return what a student's submission loses by being late.

        Free days go to the sets that were due first.
        """
        days = self._days(files, student)
        if not days:
            author = self.whose(files).get(student)
            origin = self._origins_of(files).get(author, {"late": False})
            unknown = (
                origin["late"] and not origin["handed_in"] and author not in self._given(files)
            )
            note = "late, but not known by how much" if unknown else self._doubt(files, author)
            return Late(note=note)
        earlier = [name for name in self.due if self.due[name] < self.due[files.name]]
        used = sum(self._days(Files(files.home, name), student) for name in earlier)
        free = min(days, max(0, self.late_days - used))
        share = min(1.0, (days - free) * self.penalty)
        note = f"{days} day{'s' * (days > 1)} late, {free} free, {share:.0%} of the points lost"
        return Late(days, free, share, note)

    def _days(self, files, student):
        """Return how many days, begun ones included, a submission came after its due date."""
        author = self.whose(files).get(student)
        if files.name not in self.due or not author or not files.submission(author).is_dir():
            return 0
        due, more = self.due[files.name], self.extensions.get(files.name, {}).get(student)
        if more is not None:
            due = due + more * DAY if isinstance(more, int) else self._moment(more)
        return max(0, math.ceil((self._time(files, author) - due) / DAY))

    def _doubt(self, files, author):
        """Return a note if a date that decides may have been written by the student."""
        folder = files.submission(author) if author else None
        elsewhere = author in self._given(files) or author in self._origins_of(files)
        if files.name not in self.due or elsewhere or not (folder / "timestamp.txt").is_file():
            return ""
        times = [path.lstat().st_mtime for path in folder.glob("*.ipynb")]
        newest = datetime.datetime.fromtimestamp(max(times, default=0))
        newer = newest > self._time(files, author) + datetime.timedelta(minutes=5)
        return "the notebook is newer than its timestamp.txt says" if newer else ""

    def _given(self, files):
        return self.times.get(files.name, {})

    def _origins_of(self, files):
        """Return what a learning management system said of the submissions; see `lms`."""
        if files.name not in self._origins:
            self._origins[files.name] = read_json(files.origins) or {}
        return self._origins[files.name]

    def _time(self, files, author):
        """Return when a submission was handed in; the beginning of time if nobody can know."""
        if author in self._given(files):
            return self._given(files)[author]
        if origin := self._origins_of(files).get(author):
            time = origin["handed_in"]
            return datetime.datetime.fromisoformat(time) if time else datetime.datetime.min
        stamp = files.submission(author) / "timestamp.txt"  # by nbgrader, in UTC
        try:
            time = datetime.datetime.fromisoformat(stamp.read_text(encoding="utf-8")[:19])
            return time.replace(tzinfo=datetime.UTC).astimezone().replace(tzinfo=None)
        except (OSError, ValueError):
            notebooks = files.submission(author).glob("*.ipynb")
            times = [path.lstat().st_mtime for path in notebooks]
            return datetime.datetime.fromtimestamp(max(times, default=0))
