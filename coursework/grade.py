"""Grade what was handed in: each submission in a process of its own, several at a time."""

import contextlib
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
from coursework import problems, report
from coursework.sandbox import ROOT, Limits, Sandbox, contained
from coursework.submissions import Unreadable, load, plan

GRADERS_MEMORY = 4 * 2**30


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
    for name in problem.given:
        exec(compile(problem.cells[name].source, name, "exec"), namespace)
    messages, cells = {}, []
    for step in steps:
        outputs = []
        if step.action == "run":
            printed, error = process.run(step.source)
            if error and error[0] == "Stopped":
                printed += f"\nThis cell {error[1]}."
            if printed:
                outputs.append(nbformat.v4.new_output("stream", text=printed))
        elif step.action == "test":
            if only is not None and step.name not in only:
                continue
            message = run_test(step, namespace, process)
            messages[step.name] = message
            said = f"{step.name}: {message or 'passed'}"
            outputs.append(nbformat.v4.new_output("stream", text=said))
        cells.append(_shown(problem, step, outputs))
    return messages, cells


def run_test(step, namespace, process):
    """Run a test on the answers that a process gives; return what is wrong, or None."""
    limit = getattr(process, "limits", Limits()).test

    def too_late(number, frame):
        raise TestTimeout

    before = signal.signal(signal.SIGALRM, too_late)
    lvmnotes.coursework.source, usual = process.ask, lvmnotes.coursework.source
    signal.setitimer(signal.ITIMER_REAL, limit)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(step.source, step.name, "exec"), dict(namespace))
    except AssertionError as error:
        return str(error) or "not right"
    except TestTimeout:
        return f"the answers take longer than {limit:.0f} s"
    except Exception as error:  # an answer of a kind the test was not written for
        return f"the answer is not of the right kind: {type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        lvmnotes.coursework.source = usual
    return None


def _shown(problem, step, outputs):
    """Return a cell of the feedback: never a hidden test, and no metadata but our own."""
    if step.action == "show":
        cell = nbformat.v4.new_markdown_cell(step.source)
    else:
        source = problem.released[step.name].source if step.action == "test" else step.source
        cell = nbformat.v4.new_code_cell(source, outputs=outputs)
    if step.name:
        cell.metadata.nbgrader = dict(problem.released[step.name].metadata.nbgrader)
    return cell


def grade(problem, folder, limits):
    """Return the result of grading the notebook in a folder, as data for JSON."""
    result = report.empty(problem) | {"contained": contained()}
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
    for test, message in messages.items():
        result["scores"][test] = 0 if message else problem.points[test]
        result["messages"][test] = message
    for name in problem.written:
        answers = [step.source.strip() for step in steps if step.name == name]
        if all(answer == problem.released[name].source.strip() for answer in answers):
            result["unanswered"].append(name)
    result["cells"] = cells
    result["seconds"] = round(time.monotonic() - started, 2)
    return result


def fingerprint(paths, *more):
    """Return a hash of files, by name and content, and of more."""
    hashed = hashlib.sha256(repr(more).encode())
    for path in sorted(paths):
        if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts:
            hashed.update(f"{path} {path.stat().st_size}\n".encode())
            with path.open("rb") as file:
                hashed.update(hashlib.file_digest(file, "sha256").digest())
    return hashed.hexdigest()


def what_counts(home, name, limits):
    """Return a hash of all that a score depends on besides the submission."""
    ours = [home / "problems" / f"{name}.md", *ROOT.glob("requirements*.txt")]
    ours += [*ROOT.glob("coursework/*.py"), *ROOT.glob("lvmnotes/**/*")]
    return fingerprint(ours, limits, contained())


def _work(home, name, student, by_hand, prints, limits):
    """Grade one submission if it changed, and write its result and its feedback."""
    logging.disable()
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (GRADERS_MEMORY, GRADERS_MEMORY))
    problem = problems.read(home, name)
    files = report.Files(home, name)
    result = files.read(student)
    if result is None or result["prints"] != prints:
        same_hand = bool(result and by_hand and result["by_hand"] == by_hand)
        changed = same_hand and result["prints"] and result["prints"][0] != prints[0]
        files.result(student).unlink(missing_ok=True)
        result = grade(problem, Path(home, "submitted", student, name), limits)
        result["prints"] = prints
        if changed:
            result["remarks"].append("changed since it was graded by hand")
    files.write(student, result | {"by_hand": by_hand})
    report.write_feedback(files, problem, student)


def _one(context, home, name, student, by_hand, prints, limits):
    """Have one submission graded by another process; a broken one leaves a score of 0, and why."""
    files = report.Files(home, name)
    arguments = (home, name, student, by_hand, prints, limits)
    process = context.Process(target=_work, args=arguments)
    process.start()
    process.join(limits.submission + limits.test)
    reason = "the grader did not come to an end"
    if process.is_alive():
        process.kill()
        process.join()
    elif process.exitcode:
        reason = f"the grader broke off with code {process.exitcode}"
    else:
        return files.read(student)
    files.feedback(student).unlink(missing_ok=True)
    result = files.read(student)
    if result is None or result["prints"] != prints:  # never the score of another version
        result = report.empty(problems.read(home, name)) | {"remarks": [f"not graded: {reason}"]}
    else:
        result["remarks"].append(f"no feedback page: {reason}")
    files.write(student, result | {"by_hand": by_hand, "prints": None})
    return result


def grade_all(home, names=None, jobs=2, limits=None):
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

    Returns
    -------
    int
        How many submissions were graded.
    """
    home, limits = Path(home).resolve(), limits or Limits()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["coursework.grade"])
    sets = {name: problems.read(home, name) for name in names or problems.sets(home)}
    if not contained():
        print(report.NOT_CONTAINED, file=sys.stderr)
    graded = 0
    for name, problem in sets.items():
        files = report.Files(home, name)
        students = files.students()
        if not students:
            print(f"{name}: nothing handed in")
            continue
        by_hand = report.read_by_hand(files, problem)
        counts = what_counts(home, name, limits)
        todo = {}
        for student in students:
            handed_in = fingerprint((home / "submitted" / student / name).rglob("*"))
            prints, hand = [handed_in, counts], by_hand.get(student, {})
            old = files.read(student)
            if not old or (old["prints"], old["by_hand"]) != (prints, hand):
                todo[student] = (hand, prints)
        print(f"{name}: {len(students)} handed in, {len(todo)} to grade", flush=True)
        try:
            with ThreadPoolExecutor(jobs) as pool:
                one = functools.partial(_one, context, home, name, limits=limits)
                running = {pool.submit(one, who, *task): who for who, task in todo.items()}
                for number, future in enumerate(as_completed(running), start=1):
                    line = f"[{number}/{len(todo)}] {running[future]}"
                    try:
                        print(report.line(line, problem, future.result()), flush=True)
                    except Exception:  # ours, not theirs; the others go on
                        print(line, traceback.format_exc(), flush=True)
        finally:  # even when interrupted: the table holds no score that is no longer true
            report.write(files, problem)
        graded += len(todo)
        print(f"{name}: {files.table}, {files.summary}", flush=True)
    return graded
