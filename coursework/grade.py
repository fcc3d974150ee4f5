"""Grade what was handed in: each submission in a process of its own, several at a time."""

import collections
import contextlib
import dataclasses
import functools
import hashlib
import io
import logging
import multiprocessing
import resource
import signal
import sys
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import nbformat

import lvmnotes.coursework
from coursework import gradebook, lms, marks, pages, pictures, problems, results, similarity
from coursework.course import Course
from coursework.emptied import means
from coursework.results import Assessment, Files
from coursework.safe import plain, say
from coursework.sandbox import Limits, Sandbox
from coursework.submissions import Unreadable, load, plan
from coursework.walls import ROOT, contained
from lvmnotes.coursework.shell import calls_forbidden_to

GRADERS_MEMORY = 4 * 2**30
MOST_REMARKS = 40
#: The modules on which a score depends.
GRADING = [
    "child",
    "emptied",
    "formulas",
    "grade",
    "pages",
    "pictures",
    "problems",
    "sandbox",
    "submissions",
    "walls",
]


class TestTimeout(Exception):
    """A test takes too long."""

    __test__ = False  # nothing for pytest


def carry_out(problem, steps, process, only=None):
    """Run the steps; return the messages of the tests (None where one passes) and the cells shown.

    Parameters
    ----------
    problem : ProblemSet
    steps : list of Step
    process : Sandbox
        Or what else has its `run` and `ask`.
    only : list of str, optional
        The tests to run; by default all.
    """
    namespace = {"__name__": "tests"}
    lvmnotes.coursework.rules.clear()  # the given cells of the set say what is
    for name in problem.given:
        exec(compile(problem.cells[name].source, name, "exec"), namespace)
    messages, cells, plots = {}, [], []
    for step in steps:
        outputs = []
        if step.action == "run":
            answer = problem.cells[step.name].source if step.name in problem.tests else ""
            printed, error, pixels = process.run(step.source, calls_forbidden_to(answer))
            if error and error[0] == "Stopped":
                printed += f"\nThis cell {error[1]}."
            if printed:
                outputs.append(nbformat.v4.new_output("stream", text=printed))
            new = pictures.plots(pixels, plots)
            plots += new
            outputs += new
        elif step.action == "test":
            if only is not None and step.name not in only:
                continue
            drawn = {"secret_rng": functools.partial(problem.secret_rng, step.name)}
            messages[step.name] = run_test(step, namespace | drawn, process)
        cells.append(_shown(problem, step, outputs))
    return messages, cells


def run_test(step, namespace, process):
    """Run a test on the answers that a process gives; return what is wrong, or None."""
    limit, start = getattr(process, "limits", Limits()).test, process.spent

    def too_late(number, frame):
        raise TestTimeout

    def source(name, arguments, megabytes):
        answer = process.ask(name, arguments, megabytes)
        if process.spent > start + limit:
            raise TestTimeout
        return answer

    before = signal.signal(signal.SIGPROF, too_late)
    lvmnotes.coursework.source, usual = source, lvmnotes.coursework.source
    signal.setitimer(signal.ITIMER_PROF, limit)
    message = None
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(step.source, step.name, "exec"), dict(namespace))
    except AssertionError as error:
        message = str(error) or "not right"
    except TestTimeout:
        message = f"the answers take longer than {limit:.0f} s"
    except Exception as error:  # an answer of a kind the test was not written for
        message = f"the answer is not of the right kind: {type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        lvmnotes.coursework.source = usual
    return message and message[:1000]


def _shown(problem, step, outputs):
    """Return a cell of the feedback: never a hidden test, and no metadata but our own."""
    if step.action == "show":
        cell = nbformat.v4.new_markdown_cell(step.source)
        cell.attachments = step.attachments or {}
    else:
        source = problem.released[step.name].source if step.action == "test" else step.source
        cell = nbformat.v4.new_code_cell(source, outputs=outputs)
    if step.name:
        cell.metadata.nbgrader = dict(problem.released[step.name].metadata.nbgrader)
    return cell


def grade(problem, folder, limits):
    """Return the result of grading the notebook in a folder, as data for JSON."""
    result = results.empty(problem) | {"contained": contained()}
    started = time.monotonic()
    try:
        notebook, result["remarks"] = load(folder, problem.name)
    except Unreadable as reason:
        return result | {"remarks": [f"not graded: {reason}"]}
    steps, remarks = plan(problem, notebook)
    result["remarks"] += remarks
    with Sandbox(limits) as sandbox:
        messages, cells = carry_out(problem, steps, sandbox)
        result["remarks"] += sandbox.remarks
    if lvmnotes.coursework.rules:
        result["remarks"] += without_what_is_forbidden(problem, steps, messages, limits)
    for test, message in messages.items():
        result["scores"][test] = 0 if message else problem.points[test]
        result["messages"][test] = message
    for name in problem.written:
        answers = [step.source.strip() for step in steps if step.name == name]
        if all(answer == problem.released[name].source.strip() for answer in answers):
            result["unanswered"].append(name)
    with Sandbox(limits) as fresh:  # one in which nothing of the submission ran
        decode = functools.partial(fresh.pixels, side=pictures.PHOTO_SIDE)
        result["cells"], remarks = pictures.attach(cells, folder, decode)
        result["remarks"] += remarks
    if len(result["remarks"]) > MOST_REMARKS:
        more = len(result["remarks"]) - MOST_REMARKS
        result["remarks"][MOST_REMARKS:] = [f"and {more} more remarks of this kind"]
    result["seconds"] = round(time.monotonic() - started, 2)
    return result


def without_what_is_forbidden(problem, steps, messages, limits):
    """Run tests again where what their question forbids is not there; return remarks.

    Parameters
    ----------
    problem : ProblemSet
    steps : list of Step
    messages : dict of str to str or None
        Those of the tests that have run. Such a test passes only if it passes again.
    limits : Limits
    """
    given = {cell.source for cell in problem.cells.values()}
    sources = [step.source for step in steps if step.action == "run" and step.source not in given]
    found = sorted({word for source in sources for word in means(source)})
    questions = collections.defaultdict(list)
    for question, tests in problem.tests.items():
        if calls := calls_forbidden_to(problem.cells[question].source):
            questions[tuple(calls)] += [test for test in tests if messages.get(test, "") is None]
    if not found:
        return []
    if not contained():
        return [f"calls are forbidden, and cells use {', '.join(found)}: read them"]
    remarks = []
    for calls, tests in questions.items():
        if not tests:
            continue
        with Sandbox(limits, without=calls) as sandbox:
            again, _ = carry_out(problem, steps, sandbox, only=tests)
        lost = {test: message for test, message in again.items() if message}
        for test, message in lost.items():
            messages[test] = f"passes only with {', '.join(calls)}, which is forbidden: {message}"
        if lost:
            remarks.append(f"{', '.join(lost)}: passed only with what is forbidden")
    return remarks


def fingerprint(paths, *more):
    """Return a hash of files, by name and content, and of more."""
    hashed = hashlib.sha256(repr(more).encode(errors="surrogateescape"))
    for path in sorted(paths):
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            # The last parts alone: a project may move.
            name = f"{'/'.join(path.parts[-3:])} {path.stat().st_size}\n"
            hashed.update(name.encode(errors="surrogateescape"))
            with path.open("rb") as file:
                hashed.update(hashlib.file_digest(file, "sha256").digest())
    return hashed.hexdigest()


def what_counts(home, name, limits):
    """Return a hash of all that a score depends on besides the submission."""
    ours = [home / "problems" / f"{name}.md", *ROOT.glob("requirements*.txt")]
    seed = problems.secret_seed(home, name)
    ours += [ROOT / "coursework" / f"{module}.py" for module in GRADING]
    return fingerprint([*ours, *ROOT.glob("lvmnotes/**/*")], seed, limits, contained())


def assess(problem, course, files, marks, student, result):
    """Return the assessment of a student, to whom what the author of the notebook got applies."""
    author = course.whose(files).get(student, student)
    merged = {}
    for given in (marks.get(author, {}), marks.get(student, {})):
        for kind, values in given.items():
            merged[kind] = {**merged.get(kind, {}), **values}
    late = course.late(files, student)
    return Assessment(problem, student, result, merged, late, submitter=author)


def _grade_in_this_process(home, name, author, fingerprints, assessments, limits):
    """Grade one submission if it changed, and write its result and the pages of its students."""
    logging.disable()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (GRADERS_MEMORY, GRADERS_MEMORY))
        seconds = int(limits.submission + limits.test)  # of this process alone
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    problem, files = problems.read(home, name), Files(home, name)
    result = files.read(author)
    if result is None or result["fingerprints"] != fingerprints:
        files.result(author).unlink(missing_ok=True)
        result = grade(problem, files.submission(author), limits)
        result["fingerprints"], cells = fingerprints, result["cells"]
        # The score is safe before a text is set that may take longer than this process has.
        for markup in (False, True):
            result["cells"] = pages.rendered(cells, markup)
            files.write(author, result)
        shown, there = (sum(len(c["source"]) for c in many) for many in (result["cells"], cells))
        if shown < there:
            result["remarks"].append("the submission is too long: not all of it is shown")
    for assessment in assessments:
        assessment = dataclasses.replace(assessment, problem=problem, result=result)
        pages.write(files.feedback(assessment.student), pages.feedback(assessment))
    files.write(author, result | {"pages": _page_fingerprint(fingerprints, assessments)})


def _page_fingerprint(fingerprints, assessments):
    """Return a hash of all that the pages of a submission depend on."""
    said = [(one.student, one.marks, one.late) for one in assessments]
    code = [ROOT / "coursework/pages.py", *ROOT.glob("coursework/templates/*.html")]
    return fingerprint(code, fingerprints, said)


def _grade_one(context, files, problem, author, fingerprints, assessments, limits):
    """Have another process grade a submission; a broken one leaves a score, a page, and why."""
    light = [dataclasses.replace(one, problem=None, result=None) for one in assessments]
    arguments = (files.home, files.name, author, fingerprints, light, limits)
    process = context.Process(target=_grade_in_this_process, args=arguments)
    process.start()
    process.join((limits.submission + limits.test) * limits.wall)
    reason = "the grader did not come to an end"
    if process.is_alive():
        process.kill()
        process.join()
    elif process.exitcode:
        reason = f"the grader broke off with code {process.exitcode}"
    else:
        return files.read(author)
    result = files.read(author)
    if result is None or result["fingerprints"] != fingerprints:  # never another version's score
        result = results.empty(problem) | {"remarks": [f"not graded: {reason}"]}
    else:
        result["remarks"].append(f"the submission is shown as it was typed: {reason}")
    files.write(author, result | {"fingerprints": None, "pages": None})
    for assessment in assessments:
        assessment = dataclasses.replace(assessment, result=result)
        pages.write(files.feedback(assessment.student), pages.feedback(assessment))
    return result


def grade_all(home, names=None, jobs=2, limits=None, unconfined=False):
    """Grade what is new or changed; write the tables, the feedback and the summaries.

    Parameters
    ----------
    home : path
        The coursework folder.
    names : list of str, optional
        The sets; by default all that somebody handed in.
    jobs : int
        How many submissions at a time.
    limits : Limits, optional
    unconfined : bool
        Whether to grade where no walls can be put around a submission.

    Returns
    -------
    int
        How many submissions were graded.

    Raises
    ------
    ValueError
        If a table of marks or the course's file says what cannot be, or there are no walls; nothing
        is written then.
    """
    home, limits = Path(home).resolve(), limits or Limits()
    if not contained():
        if not unconfined:
            raise ValueError(pages.NO_WALLS)
        print(pages.NOT_CONTAINED, file=sys.stderr)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["coursework.grade"])
    sets = {name: problems.read(home, name) for name in names or problems.sets(home)}
    given = {name: _marks(home, problem) for name, problem in sets.items()}
    Course(home)
    graded = 0
    for name, problem in sets.items():
        files = Files(home, name)
        for remark in lms.unpack(files):
            say(f"{name}: {remark}")
        course = Course(home)
        if not course.whose(files):
            say(f"{name}: nothing handed in")
            continue
        marks.keep(files, given[name])
        graded += _grade_set(context, files, problem, course, given[name], jobs, limits)
    return graded


def _marks(home, problem):
    """Return the teacher's marks, read with the results there are."""
    files, course = Files(home, problem.name), Course(home)
    known = {path.stem for path in files.folder.glob("feedback/*.html")}
    known |= {*course.whose(files), *(results.read_json(files.marks) or {})}

    def now(student, mine):
        result = files.read(course.whose(files).get(student, student))
        return result and assess(problem, course, files, {student: mine}, student, result)

    return marks.read(files, problem, sorted(known), now)


def _grade_set(context, files, problem, course, given, jobs, limits):
    """Grade the submissions of a set and write what it leaves; return how many were graded."""
    name, whose = files.name, course.whose(files)
    files.keep_seed(problem.seed)
    counts = what_counts(files.home, name, limits)
    todo = {}
    for author in sorted(set(whose.values())):
        handed_in = fingerprint(files.submission(author).rglob("*"))
        prints, old = [handed_in, counts], files.read(author)
        students = sorted(student for student in whose if whose[student] == author)
        mine = [assess(problem, course, files, given, student, old) for student in students]
        there = all(files.feedback(student).exists() for student in students)
        if not old or old["pages"] != _page_fingerprint(prints, mine) or not there:
            todo[author] = (prints, mine)
    say(f"{name}: {len(whose)} handed in, {len(todo)} to grade")
    try:
        with ThreadPoolExecutor(jobs) as pool:
            one = functools.partial(_grade_one, context, files, problem, limits=limits)
            running = {
                pool.submit(one, author, prints, mine): author
                for author, (prints, mine) in todo.items()
            }
            for number, future in enumerate(as_completed(running), start=1):
                author = running[future]
                start = f"[{number}/{len(todo)}] {author}"
                try:
                    now = assess(problem, course, files, given, author, future.result())
                    seconds = f"{now.result['seconds']:.1f} s"
                    score = f"{now.so_far:g}/{now.maximum:g}"
                    say(f"{start}: {score}, {seconds}. {'; '.join(now.remarks())}")
                except Exception:  # ours, not theirs; the others go on
                    print(plain(start), traceback.format_exc(), flush=True)
    finally:  # even when interrupted: the table holds no score that is no longer true
        _write(files, problem, course, given)
    return len(todo)


def _write(files, problem, course, given):
    """Write the tables, the gradebook and the pages of a set from the results."""
    assessments = []
    for student, author in sorted(course.whose(files).items()):
        result = files.read(author)
        if result:
            assessments.append(assess(problem, course, files, given, student, result))
    marks.write(files, problem, assessments)
    gradebook.write(files, problem, assessments)
    pairs = similarity.pairs(problem, assessments)
    pages.write(files.similarity, pages.similarity(problem, pairs))
    for question in problem.maxima:
        page = pages.marking(problem, question, assessments, files.code)
        pages.write(files.marking / f"{question}.html", page)
    pages.write(files.summary, pages.summary(problem, assessments, pairs))
    for one in assessments:
        for changed, old, new in one.changes:
            say(f"{one.student}, {changed}: {old:g} by the tests, {new:g} by the teacher")
    exported = lms.export(files, problem, assessments)
    say(f"{files.name}: {', '.join(map(str, [files.table, files.summary, *exported]))}")
