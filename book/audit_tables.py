"""What the audit found, for the page of claims: who notices breaks, whether other seeds agree.

The results are in audit/mutants.json, controls.json and seeds.json, and the reasons why some breaks
are not noticed in audit/survivors.yml.  What was measured before a change of the code is marked.
"""

import json
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from check_words import as_markdown  # noqa: E402

from audit import chapter as chapters  # noqa: E402
from audit import controls, mutants, seeds  # noqa: E402

ENOUGH = 0.95  # of the other seeds
STALE = '<span class="stale">changed since</span>'


def read(file):
    """Return the results in a file, or None where there is none."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def has_changed(digest, name, measured):
    """Return whether the digest of a module or chapter is no longer the one that was measured."""
    try:
        return digest(name) != measured
    except FileNotFoundError:
        return True


class Breaks:
    """One-line breaks of the library, and who noticed them."""

    def __init__(self):
        self.result = read(mutants.RESULTS)
        if not self.result:
            return
        self.reasons = mutants.reasons()
        self.changed = [
            name
            for name, measured in self.result["modules"].items()
            if has_changed(mutants.digest, name, measured)
        ]
        self.caught = defaultdict(list)
        for broken in self.result["mutants"]:
            for claim in {what.split(":")[0] for it in broken["checks"].values() for what in it}:
                self.caught[claim].append(broken)

    def reason(self, broken):
        """Return the entry of audit/survivors.yml on a break, empty where there is none."""
        return self.reasons.get(mutants.named(broken), {})

    def of(self, claim):
        """Return how many breaks the checks of a claim noticed, with an example, as a line."""
        if not self.result:
            return []
        if not (caught := self.caught[claim]):
            return ["No break was noticed here first."]
        example = min(caught, key=lambda broken: len(broken["before"] + broken["after"]))
        number = f"{len(caught)} break{'s' * (len(caught) > 1)}"
        return [
            f"{number} of the library {'were' if len(caught) > 1 else 'was'} noticed here, "
            f"such as {shown(example)}."
        ]

    def summary(self):
        """Return how many breaks the tests and the chapters notice, and which they miss."""
        if not self.result:
            return [
                "Nobody has measured yet whether the checks notice a break of the library "
                "(`make mutants`)."
            ]
        real = [it for it in self.result["mutants"] if not self.reason(it).get("equivalent")]
        equal = [it for it in self.result["mutants"] if it not in real]
        text = (
            f"**Breaks.** {len(self.result['mutants'])} one-line breaks of "
            f"{len(self.result['modules'])} modules of the library were tried. {len(equal)} of "
            f"them change nothing (they are *equivalent*). {self._by_tests(real)} "
            f"{self._by_chapters(real)} No chapter is asked about "
            f"{', '.join(f'`{name}`' for name in mutants.NO_CLAIM)}, which refuse bad arguments, "
            "place warnings and print checks, nor about what refuses arguments elsewhere."
        )
        if self.changed:
            text += f" Modules {STALE}: {', '.join(f'`{name}`' for name in self.changed)}."
        missed = [it for it in self.result["mutants"] if it in equal or self.missed_by(it)]
        rows = [
            f"| {shown(it)}{f' {STALE}' if it['module'] in self.changed else ''} "
            f"| {self._missed(it)} | {self.why(it) or 'no reason given yet'} |"
            for it in missed
        ]
        return [
            text,
            f'<details class="survivors"><summary>{len(missed)} breaks that the tests or the '
            "checks miss</summary>",
            "\n".join(["| Break | Missed by | Why |", "|---|---|---|", *rows]),
            "</details>",
        ]

    def _by_tests(self, real):
        """Return how many breaks the tests notice, as a sentence; no share before all are asked."""
        asked = [it for it in real if "tests" in it["asked"]]
        if len(asked) < len(real):
            return (
                f"The tests of the library have been asked about {len(asked)} of the others so far."
            )
        noticed = sum(bool(it["test"]) for it in real)
        return f"The tests of the library notice {share(noticed, len(real))} of the others."

    def _by_chapters(self, real):
        """Return the same for the checks of the chapters."""
        if waiting := sum(not self.seen_by_chapters(it) for it in real):
            return f"{waiting} have not been shown to all chapters yet."
        reached = [it for it in real if it["chapters"]]
        by_checks = sum(bool(it["checks"]) for it in reached)
        stopping = sum(bool(self.stopped(it)) for it in reached)
        return (
            f"{len(reached)} are in lines that some chapter executes; of these the checks of the "
            f"chapters alone notice {share(by_checks, len(reached))}. Another error stops one for "
            f"{share(stopping, len(reached))} more: its page cannot be built, but no check "
            f"says why. Of the rest the checks notice {share(by_checks, len(reached) - stopping)}. "
            "The search ends with the first chapter that notices or is stopped."
        )

    def missed_by(self, broken):
        """Return who could have noticed a break, and did not."""
        by_tests = "tests" in broken["asked"] and not broken["test"]
        by_checks = self.seen_by_chapters(broken) and broken["chapters"] and not broken["checks"]
        return ["tests"] * by_tests + ["checks"] * bool(by_checks)

    def seen_by_chapters(self, broken):
        """Return whether no chapter is left that could still notice a break."""
        return mutants.is_settled(broken) or set(broken["asked"]) >= set(chapters.names())

    def stopped(self, broken):
        """Return the chapters that another error than a check's stops, and the kind of error."""
        return {} if broken["checks"] else {name: it[1] for name, it in broken["stopped"].items()}

    def why(self, broken):
        """Return why the tests or the checks miss a break, empty where nobody has found out."""
        if reason := self.reason(broken).get("reason"):
            return reason
        if "tests" not in self.missed_by(broken):
            return "; ".join(f"{it} stops: {error}" for it, error in self.stopped(broken).items())
        return ""

    def _missed(self, broken):
        if self.reason(broken).get("equivalent"):
            return "nobody: equivalent"
        return " and ".join(self.missed_by(broken))


class OfChapters:
    """What was found by running the chapters; a subclass says in which file."""

    def __init__(self, file):
        self.result = read(file)

    def extent(self):
        """Return in words how many chapters were run."""
        measured, there_are = len(self.result["chapters"]), len(chapters.names())
        return "each chapter" if measured == there_are else f"{measured} of {there_are} chapters"

    def has_changed(self, chapter):
        """Return whether a chapter's code is no longer the one that was run."""
        measured = (self.result or {"chapters": {}})["chapters"]
        return chapter in measured and has_changed(chapters.digest, chapter, measured[chapter])


class Controls(OfChapters):
    """For each check, a break or a control that shows that it can fail."""

    def __init__(self):
        super().__init__(controls.RESULTS)
        self.found = {}
        for broken in (read(mutants.RESULTS) or {"mutants": []})["mutants"]:
            for chapter, noticed in broken["checks"].items():
                for check in noticed:
                    self.found.setdefault((chapter, check), shown(broken))
        for it in self.result["checks"] if self.result else []:
            self.found.setdefault((it["chapter"], it["check"]), failed_by(it))

    def of(self, chapter, claim, what):
        """Return the cell of a check in the table."""
        return [self.found.get((chapter, f"{claim}: {what}"), "–")] if self.result else []

    def summary(self):
        """Return for how many checks a break is known."""
        if not self.result:
            return ["No break is named yet for each check (`make controls`)."]
        return [
            f"**Controls.** In {self.extent()} every check was made to fail: by a break of the "
            "library or of the chapter's own code, or by a control that the same line makes. "
            "The table of each claim names them."
        ]


class Rates(OfChapters):
    """In how many runs with other seeds each check held."""

    def __init__(self):
        super().__init__(seeds.RESULTS)
        self.counts = defaultdict(list)
        for it in self.result["checks"] if self.result else []:
            self.counts[it["chapter"], it["claim"], it["what"]].append((it["holds"], it["runs"]))

    def of(self, chapter, claim, what, turn):
        """Return the cell of a check in the table, by its turn among those of the same name."""
        if not self.result:
            return []
        if len(found := self.counts[chapter, claim, what]) <= turn:
            return ["–"]
        holds, runs = found[turn]
        rate = f"{holds}/{runs}"
        enough = self.enough(chapter, holds, runs)
        return [rate if enough else f'<strong class="fails">{rate} ✗</strong>']

    def enough(self, chapter, holds, runs):
        """Return whether a check is made in nearly all runs, and holds in nearly all of them."""
        return min(holds / runs, runs / self.result["seeds"][chapter]) >= ENOUGH

    def summary(self):
        """Return how many checks hold for nearly all other seeds."""
        if not self.result:
            return [
                "Nobody has measured yet whether the checks hold for other seeds (`make seeds`)."
            ]
        counts = [(key[0], *count) for key, found in self.counts.items() for count in found]
        enough = sum(self.enough(*count) for count in counts)
        text = (
            f"**Seeds.** The code of {self.extent()} was run with at least "
            f"{min(self.result['seeds'].values())} other seeds. {share(enough, len(counts))} of "
            "the checks hold in at least 95 % of the runs"
        )
        return [text + ("." if enough == len(counts) else "; the others are marked.")]


def share(part, whole):
    """Return a number with what it is of the whole."""
    return f"{part} ({100 * part / whole:.0f} %)" if whole else str(part)


def shown(broken):
    """Return a break in words: where, what was there, what it became."""
    place = f"{broken['module']}:{broken['line']}"
    return f"{code(place)} {code(broken['before'])} → {code(broken['after'])}"


def failed_by(control):
    """Return in words what makes a check fail: a break, or the control that its line makes."""
    if "module" in control:
        return shown(control)
    if "control" in control:
        return f"{control['place']}: its control, {as_markdown(control['control'])}"
    return f"{control['place']}: {code(control['before'])} → {code(control['after'])}"


def code(text):
    """Return code of a line of text, or of a cell of a table, that Markdown leaves alone."""
    letters = (it if it.isalnum() or it == " " else f"&#{ord(it)};" for it in text)
    return f"<code>{''.join(letters)}</code>"
