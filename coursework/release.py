"""Build what students get, and prove it: right answers pass, mistakes do not, nothing leaks."""

import dataclasses
import importlib.metadata
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import lvmnotes.coursework
from coursework import grade, pictures, problems
from coursework.sandbox import Limits, Sandbox, complaint
from coursework.submissions import Step, plan
from coursework.walls import ROOT
from lvmnotes.coursework import shell
from lvmnotes.coursework.answers import MEGABYTE, Refused, decode, encode, fetch
from lvmnotes.coursework.forbidden import forbidding

#: What the public tree goes without.
PRIVATE = ["coursework/problems", "coursework/mistakes"]
MISTAKES_EACH = 3
REGION = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", re.DOTALL)
README = """\
Problem set: {name}

You need Python 3.11 or newer.

Install, once, in this folder:

    python -m venv .venv
    .venv/bin/python -m pip install -r requirements.txt

Work:

    .venv/bin/python -m jupyterlab {name}.ipynb

Check with the visible tests of the notebook, one line per test:

    .venv/bin/python -m lvmnotes.coursework {name}.ipynb

Hand in the one file {name}.ipynb, under this name. Further tests run when it is graded. Cells with
tests are put back as they were; answers belong to the cells marked YOUR CODE HERE and YOUR ANSWER
HERE, and cells of your own are welcome.

Pictures of your own, say of a derivation on paper, go into the text of an answer, or beside the
notebook as PNG, JPEG or HEIC files of at most {picture} MB.

When it is graded, a cell has {cell:g} seconds of processor time, an answer that a test asks for
{answer:g}, all of it {submission:g}; there are {memory} MB of memory and no network, and a file
that it writes may have {file} MB. Installed is what requirements.txt lists, and nothing else:

{packages}

On Windows write .venv\\Scripts\\python for .venv/bin/python.
"""
PACKAGES = ["numpy", "scipy", "scikit-learn", "matplotlib", "ipywidgets"]


class ThisProcess:
    """Runs our own code in this very process; has the interface of a `Sandbox`."""

    limits, spent = Limits(), 0.0

    def __init__(self):
        self.names = {"__name__": "__main__"}

    def run(self, source, calls=()):
        """Run a cell."""
        try:
            with forbidding(calls):
                exec(compile(source, "cell", "exec"), self.names)
        except Exception as error:
            return "", [type(error).__name__, str(error)], []
        return "", None, []

    def ask(self, name, arguments, megabytes=None):
        """Return an answer, as it would come out of the sandbox."""
        calls = lvmnotes.coursework.rules.get(name, [])
        try:
            return decode(fetch(self.names, name, encode(list(arguments)), calls, megabytes))
        except Exception as error:
            raise Refused(complaint(name, type(error).__name__, str(error))) from None


class Notes:
    """Answers with what it noted of another process: a submission in which answers are constants.

    A question that was not noted gets the answer to the first one about the same function.
    """

    limits, spent = Limits(), 0.0

    def __init__(self, process):
        self.process = process
        self.answers = {}

    def run(self, source, calls=()):
        """Run a cell in the other process."""
        return self.process.run(source, calls)

    def ask(self, name, arguments, megabytes=None):
        """Return an answer of the other process, and note it; if it has ended, a noted one."""
        noted, question = self.answers.setdefault(name, {}), json.dumps(encode(list(arguments)))
        if self.process:
            noted[question] = self.process.ask(name, arguments, megabytes)
        if not noted:
            raise Refused(f"there is no `{name}`")
        return noted.get(question, next(iter(noted.values())))


def prove(home, name):
    """Return what is wrong with a set, a list of sentences, and what was proved, in one line."""
    problem = problems.read(home, name)
    faults = []
    with Sandbox(Limits()) as sandbox:
        right, _ = grade.carry_out(problem, plan(problem, problem.teacher)[0], sandbox)
        faults += [f"the solution fails {t}: {m}" for t, m in right.items() if m]
        faults += [f"the solution: {remark}" for remark in sandbox.remarks]
    with Sandbox(Limits()) as sandbox:
        untouched, _ = grade.carry_out(problem, plan(problem, problem.student)[0], sandbox)
        faults += [f"the untouched release passes {t}" for t, m in untouched.items() if not m]
    faults += _without_what_is_forbidden(problem)
    faults += _in_another_course(problem)
    for mistake in problem.mistakes:
        faults += _missed(problem, mistake)
    for question in problem.tests:
        several = sum(mistake.question == question for mistake in problem.mistakes)
        if several < MISTAKES_EACH:
            faults.append(f"{question} has {several} mistakes, not {MISTAKES_EACH}")
        forbids = shell.calls_forbidden_to(problem.cells[question].source)
        tried = [one for one in problem.mistakes if one.question == question]
        if forbids and not any("must not be called" in one.says for one in tried):
            faults.append(f"{question} forbids {forbids[0]}, but no mistake calls it")
    faults += leaks(problem, "\n".join(cell.source for cell in problem.student.cells))
    return faults, (
        f"{len(problem.maxima)} questions, {len(problem.points)} parts, "
        f"{sum(problem.maxima.values()):g} points; the solution has them all, "
        f"the untouched release none; {len(problem.mistakes)} mistakes found"
    )


def _in_another_course(problem):
    """Yield what is wrong with the tests when other inputs are drawn.

    The solution must pass then, too; and with its answers there, all noted, nobody may pass here.
    """
    notes, steps = Notes(ThisProcess()), plan(problem, problem.teacher)[0]
    other = dataclasses.replace(problem, seed=f"another {problem.seed}")
    messages, _ = grade.carry_out(other, steps, notes)
    for test, message in messages.items():
        if message:
            yield f"the solution fails {test}, when other inputs are drawn: {message}"
    notes.process = None
    tests = [step for step in steps if step.action == "test"]
    messages, _ = grade.carry_out(problem, tests, notes)
    for test, message in messages.items():
        if not message and problem.points[test]:
            yield f"{test} is passed by constants: it draws no hidden input with secret_rng"


def _without_what_is_forbidden(problem):
    """Yield the tests that the solution fails where the forbidden code is not there at all."""
    questions = {}
    for question, tests in problem.tests.items():
        if calls := shell.calls_forbidden_to(problem.cells[question].source):
            questions.setdefault(tuple(calls), []).extend(tests)
    for calls, tests in questions.items():
        with Sandbox(Limits(), without=calls) as sandbox:
            steps = plan(problem, problem.teacher)[0]
            messages, _ = grade.carry_out(problem, steps, sandbox, only=tests)
        for test, message in messages.items():
            if message:
                yield f"the solution fails {test} without {', '.join(calls)}: {message}"


def _missed(problem, mistake):
    """Yield why a mistake is not found: it loses no points, or no test says what is wrong."""
    title = f"{mistake.question}: {mistake.name}"
    steps, wanted, wrong = [], problem.tests[mistake.question], problem.wrong_code(mistake)
    for name, cell in problem.cells.items():
        if cell.cell_type == "code":
            code = wrong if name == mistake.question else cell.source
            steps.append(Step("test" if problems.is_test(cell) else "run", code, name))
    last = [step.name for step in steps].index(wanted[-1])
    messages, _ = grade.carry_out(problem, steps[: last + 1], ThisProcess(), only=wanted)
    said = [message for message in messages.values() if message]
    if not sum(problem.points[test] for test, message in messages.items() if message):
        yield f"the mistake {title!r} loses nothing"
    elif not any(mistake.says in message for message in said):
        yield f"the mistake {title!r} should be told {mistake.says!r}, but reads: {said}"


def secrets(problem):
    """Return the lines of solutions and hidden tests, as far as students do not see them anyway."""
    secret, shown = [], []
    for cell in problem.teacher.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") in problem.written:
            secret.append(cell.source)
        else:  # odd parts are the regions
            parts = REGION.split(cell.source)
            secret += parts[1::2]
            shown += parts[::2]
    shown = "\n".join(shown)
    lines = {line.strip() for part in secret for line in part.splitlines()}
    # Short lines, `return mean` and the like, may stand anywhere.
    return {line for line in lines if len(line) >= 40 and line not in shown}


def leaks(problem, text):
    """Return what a text gives away of a set, a list of sentences."""
    marks = ["BEGIN SOLUTION", "BEGIN HIDDEN TESTS"]
    return [f"a secret line: {line}" for line in [*marks, *secrets(problem)] if line in text]


def pins():
    """Return the pins of what a student needs: the library, JupyterLab, and what these need."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = {
        canonicalize_name(Requirement(line).name): line
        for line in lines
        if line and not line.startswith("#")
    }
    needed, ahead = set(), ["lvmnotes", "jupyterlab"]
    while ahead:
        name = canonicalize_name(ahead.pop())
        if name in needed or (name not in pinned and name != "lvmnotes"):
            continue
        needed.add(name)
        for entry in importlib.metadata.requires(name) or []:
            requirement = Requirement(entry)
            if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                ahead.append(requirement.name)
    return [pinned[name] for name in sorted(needed - {"lvmnotes"})]


def build_wheel(folder):
    """Build the library's wheel from a clean copy of its sources; return its path."""
    with tempfile.TemporaryDirectory() as clean:
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, clean)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "lvmnotes", Path(clean, "lvmnotes"), ignore=ignore)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--no-build-isolation", "-w", folder, clean]
        subprocess.run(command, check=True)
    (wheel,) = Path(folder).glob("lvmnotes-*.whl")
    return wheel


def readme(name, requirements):
    """Return the page that says how to work, and with what."""
    limits = Limits()
    packages = [line for line in requirements if line.partition("==")[0].lower() in PACKAGES]
    return README.format(
        name=name,
        picture=pictures.LARGEST // MEGABYTE,
        cell=limits.cell,
        answer=limits.answer,
        submission=limits.submission,
        memory=limits.memory // MEGABYTE,
        file=limits.file // MEGABYTE,
        packages="\n".join(f"    {line}" for line in ["lvmnotes", *packages]),
    )


def proof_fingerprint(home, name):
    """Return a hash of all that the proof and the archive of a set depend on."""
    ours = [Path(home, "problems", f"{name}.md"), Path(home, "mistakes", f"{name}.py")]
    ours += [ROOT / "coursework" / f"{module}.py" for module in [*grade.GRADING, "release"]]
    ours += [ROOT / "pyproject.toml", *ROOT.glob("requirements*.txt"), *ROOT.glob("lvmnotes/**/*")]
    return grade.fingerprint(ours, problems.secret_seed(home, name))


def pack(home, problem, wheel):
    """Write a set's folder and zip; return the zip's path."""
    folder = Path(home, "release", problem.name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    nbformat.write(problem.student, folder / f"{problem.name}.ipynb")
    shutil.copy(wheel, folder)
    requirements = [f"./{wheel.name}", *pins()]
    (folder / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    (folder / "README.txt").write_text(readme(problem.name, requirements), encoding="utf-8")
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):  # the same bytes every time: no dates
            entry = zipfile.ZipInfo(f"{problem.name}/{path.name}")
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return target


def release_all(home, names=None, jobs=2):
    """Prove the sets that changed and write their zips; return 0, or 1 if one has no proof and zip.

    A set is proved again when it changed itself, or what grades it, or the library.
    """
    names = names or problems.sets(home)
    if not names:
        print(f"there are no problem sets in {home}: this tree comes without the sources")
        return 0
    failed, stamps = False, {}
    for name in names:
        stamp = Path(home, "release", f".{name}.proved")
        archive = Path(home, "release", f"{name}.zip")
        now = proof_fingerprint(home, name)
        if stamp.exists() and archive.exists() and stamp.read_text(encoding="ascii") == now:
            print(f"{name}: proved before, and nothing changed since")
        else:
            stamps[name] = (stamp, now)
    if not stamps:
        return 0
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(jobs) as pool:
        wheel = build_wheel(folder)
        for name, proof in [(name, pool.submit(prove, home, name)) for name in stamps]:
            Path(home, "release", f"{name}.zip").unlink(missing_ok=True)
            try:
                faults, proved = proof.result()
            except problems.InvalidProblemSet as error:
                faults = str(error).splitlines()
            if faults:
                failed = True
                print(f"{name}: NOT released", *faults, sep="\n    ", flush=True)
            else:
                archive = pack(home, problems.read(home, name), wheel)
                stamp, fingerprint = stamps[name]
                stamp.write_text(fingerprint, encoding="ascii")
                print(f"{name}: {proved}; {archive}", flush=True)
    return int(failed)


def publish(target=ROOT / "_build" / "public"):
    """Write the committed tree, less what holds answers, to a folder."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    leave_out = [f":(exclude){path}" for path in PRIVATE]
    command = ["git", "archive", "HEAD", "--", ".", *leave_out]
    archive = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(target, filter="data")
    print(f"the tree without the answers: {target}")
