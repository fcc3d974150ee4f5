"""The confined process in which a submission runs, as the grader sees it; see also `walls`."""

import base64
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

import lvmnotes.coursework
from coursework.emptied import emptied
from coursework.walls import (
    CHILD,
    Group,
    bubblewrap,
    contained,
    group_kind,
    memory,
    open_filter,
)
from lvmnotes.coursework.answers import MEGABYTE, Refused, decode, encode, too_much

#: What is between quotes in a reply and needs no more than copying.
PLAIN_TEXT = re.compile(rb'"[A-Za-z0-9+/=]*"')
#: How many characters an array of the texts of an answer may have.
LARGEST_TEXTS, MOST_KEYS = 10**7, 1000
#: By how much the memory of a process may exceed what its arrays need, when it must not.
SLACK = 64


@dataclass(frozen=True)
class Limits:
    """What a submission may use: seconds of processor time, and sizes in bytes.

    A step that takes `wall` times as long as it may compute, by the clock on the wall, sleeps; one
    that computes for less than a 60th of `idle` seconds waits for what does not come.
    """

    start: float = 60
    cell: float = 30
    answer: float = 20
    test: float = 60
    submission: float = 240
    wall: float = 10
    idle: float = 60
    memory: int = 2048 * MEGABYTE
    reply: int = 32 * MEGABYTE
    structure: int = 1 * MEGABYTE
    file: int = 64 * MEGABYTE
    output: int = 20_000
    outputs: int = 400_000  # of all cells together
    processes: int = 32


class Stopped(Exception):
    """The process of a submission ended, or was ended; says why."""


def _environment(home):
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


class Sandbox:
    """A submission at work: runs its cells, fetches its answers, survives its end.

    After the process has ended, the cells that had run are run again in a new one, without the
    cell that ended it; a function that ended it is not called again.

    Parameters
    ----------
    limits : Limits
    without : sequence of str
        The names of what is not there at all, as `lvmnotes.coursework.forbid` takes them; with
        walls only.
    """

    def __init__(self, limits, without=()):
        self.limits = limits
        self.without = tuple(without)
        self.ran = []
        self.deadly = set()
        self.remarks = []
        self.process = None
        self.folder = None
        self.spent = 0.0  # seconds of processor time
        self.printed = 0
        self.end = time.monotonic() + limits.submission * limits.wall

    def __enter__(self):  # noqa: D105
        return self

    def __exit__(self, *_):  # noqa: D105
        self.stop()

    def run(self, source, calls=()):
        """Run a cell; return what it printed, its error (name and text, or None), and its plots.

        Parameters
        ----------
        source : str
        calls : list of str
            What the cell must not call, as `lvmnotes.coursework.forbid` takes it.
        """
        try:
            self._wake()
            reply, output = self._request("run", [source, list(calls)], self.limits.cell)
            self.printed += len(output)
        except Stopped as reason:
            self._remark(f"a cell {reason}")
            return "", ["Stopped", str(reason)], []
        error = _said(reply["error"]) if reply.get("error") else None
        if error and error[0] == "TimeoutError":  # it would take as long again
            self._remark(f"a cell used more than {self.limits.cell:g} s of processor time")
        else:
            self.ran.append((source, list(calls)))
            if error:
                package = re.match(r"No module named '([\w.]+)'", error[1])
                if package:
                    self._remark(f"a cell needs the package {package[1]}, which is not installed")
                else:
                    self._remark(f"a cell raises {error[0]}")
        return output, error, reply.get("plots")

    def pixels(self, data, side):
        """Return a picture's width, height and colours; ValueError if it cannot be had."""
        try:
            self._wake()
            message = [base64.b64encode(data).decode(), side]
            reply, _ = self._request("pixels", message, self.limits.answer)
        except Stopped as reason:
            raise ValueError(f"opening it {reason}") from None
        if "pixels" not in reply:
            raise ValueError("it is no picture that can be opened")
        return reply["pixels"]

    def ask(self, name, arguments, megabytes=None):
        """Return the answer under a name, or raise `Refused`; takes the place of `ask`'s source."""
        if name in self.deadly:
            raise Refused(f"`{name}` is not called again: it ended the process")
        calls = lvmnotes.coursework.rules.get(name, [])
        try:
            self._wake()
            if calls:
                self._end_companions()
            before = self._resident("VmRSS") if megabytes and self._forget_peak() else None
            message = [name, encode(list(arguments)), calls, megabytes]
            reply, _ = self._request("ask", message, self.limits.answer, alone=bool(calls))
            peak = 0 if before is None else self._resident("VmHWM") - before
        except Stopped as reason:
            self.deadly.add(name)
            self._remark(f"`{name}` {reason}")
            raise Refused(f"`{name}` {reason}") from None
        if reply.get("error"):
            raise Refused(complaint(name, *_said(reply["error"])))
        # The process counts its arrays by itself; here it is not believed.
        if megabytes and peak > 2 * megabytes + SLACK:
            raise Refused(too_much(name, peak, megabytes))
        try:
            if _swells(reply["value"]):
                raise Refused(f"`{name}` gives too long a text, or too large a dictionary")
            return decode(reply["value"])
        except (KeyError, TypeError, ValueError, RecursionError, MemoryError):
            raise Refused(f"`{name}` gives something that cannot be read") from None

    def stop(self):
        """End the process and all that it started."""
        if self.process is None:
            return
        for process in self._family():
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        if self.group:
            self.group.close()
        self.line.close()
        self.process.stdout.close()
        self.folder.cleanup()
        self.process = None

    def _remark(self, remark):
        if remark not in self.remarks:
            self.remarks.append(remark)

    def _family(self):
        try:
            process = psutil.Process(self.process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _wake(self):
        """Start the process if there is none, and run again what had run."""
        self._check_time()
        while self.process is None:
            self._start()
            earlier, self.ran = self.ran, []
            for cell in earlier:
                if self.process is not None:  # a cell may well end it at its second run
                    try:
                        self._request("run", cell, self.limits.cell)
                    except Stopped:
                        continue
                self.ran.append(cell)
            self._check_time()

    def _check_time(self):
        """Stop the submission when its time is used up."""
        if self.spent > self.limits.submission or time.monotonic() > self.end:
            self.stop()
            raise Stopped("was not reached: the time for the submission is used up")

    def _start(self):
        self.line, inside = socket.socketpair()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        limits = {"memory": self.limits.memory, "file": self.limits.file, "processes": None}
        if contained():  # where the count is of this process's own
            limits["processes"] = 2 * self.limits.processes  # threads count as well
        kind = group_kind()
        most = 2 * self.limits.processes + 8  # threads count as well
        self.group = Group(kind, self.limits.memory, most) if kind else None
        home = "/home/student" if contained() else self.folder.name
        environment = [f"{name}={value}" for name, value in _environment(home).items()]
        command = [*(self.group.command if self.group else []), "/usr/bin/env", "-i", *environment]
        with open_filter() as filtered:
            if contained():
                instead = emptied(self.without, self.folder.name)
                command += bubblewrap(self.limits.file, filtered, instead)
            command += [sys.executable, "-I", "-B", "/child.py" if contained() else str(CHILD)]
            self.process = subprocess.Popen(
                [*command, str(inside.fileno()), json.dumps(limits)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[fd for fd in (inside.fileno(), filtered) if fd is not None],
                cwd=self.folder.name,
                start_new_session=True,
            )
        inside.close()
        os.set_blocking(self.process.stdout.fileno(), False)
        self.own, self.inside = None, None
        try:
            self._receive(self.limits.start)
        except BaseException:
            self.stop()
            raise
        family = self._family()  # nothing of the submission has run yet
        self.own = {process.pid for process in family}
        parents = {process.ppid() for process in family}
        self.inside = next((one for one in family if one.pid not in parents), None)

    def _request(self, step, arguments, seconds, alone=False):
        """Send a request; return the reply and what was printed meanwhile.

        Parameters
        ----------
        step : str
        arguments : list
        seconds : float
            Of processor time.
        alone : bool
            Whether the process must not start another one.
        """
        seconds = max(1, min(seconds, self.limits.submission - self.spent))
        try:
            self.line.settimeout(10 * self.limits.wall)
            self.line.sendall(json.dumps([step, arguments, seconds]).encode() + b"\n")
            return self._receive(seconds, alone)
        except OSError as error:
            self.stop()
            raise Stopped("ended the process") from error
        except BaseException:  # the grader's own alarm, too: half a reply is no use to the next
            self.stop()
            raise

    def _receive(self, seconds, alone=False):
        """Wait for a reply, with an eye on the time, the memory and the number of processes."""
        reply, printed = bytearray(), bytearray()
        counted, before = time.monotonic(), self.spent
        at_work, then = counted, before
        end = min(counted + seconds * self.limits.wall + 3, self.end)
        sources = [self.line, self.process.stdout]
        used, of_ended = _processor_time(self._family())
        while not reply.endswith(b"\n"):
            ready, *_ = select.select(sources, [], [], 0.2)
            if self.process.stdout in ready and not self._print(printed):
                sources.remove(self.process.stdout)
            if self.line in ready:
                part = self.line.recv(2**16)
                if not part:
                    full = self.group and self.group.was_full()
                    raise Stopped(self._too_much_memory() if full else "ended the process")
                reply += part
            if len(reply) > self.limits.reply:
                raise Stopped(f"sends more than {self.limits.reply // MEGABYTE} MB")
            now = time.monotonic()
            if now > end:
                raise Stopped(f"took longer than {seconds * self.limits.wall:.0f} s")
            if now > counted + 0.2 or reply.endswith(b"\n"):
                family = self._family()
                now_used, now_of_ended = _processor_time(family)
                self.spent = max(self.spent, before + now_used - used)
                if self.spent > then + self.limits.idle / 60:
                    at_work, then = now, self.spent
                elif now > at_work + self.limits.idle:
                    raise Stopped(f"did next to nothing for {self.limits.idle:g} s")
                # The alarm inside comes first, if it can.
                if self.spent > before + seconds + 3:
                    raise Stopped(f"used more than {seconds:g} s of processor time")
                self._count(family)
                # One that has ended already leaves its time to its parent.
                if alone and (now_of_ended > of_ended or any(map(self._is_companion, family))):
                    raise Stopped("starts another process, in a question that forbids calls")
                counted = now
        self._print(printed)
        return self._read(reply), printed.decode("utf-8", "replace")

    def _read(self, reply):
        """Return what a reply says; whoever sent it, this takes no time to speak of."""
        structure = len(reply) - sum(len(text) for text in PLAIN_TEXT.findall(reply))
        if structure > self.limits.structure:
            most = self.limits.structure // MEGABYTE
            raise Stopped(f"sends more than {most} MB of lists or text; arrays may be larger")
        try:
            reply = json.loads(reply)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            raise Stopped("sends what cannot be read")
        return reply

    def _print(self, printed):
        """Take what was printed, keep the beginning; return False when there will be no more."""
        while True:
            try:
                part = os.read(self.process.stdout.fileno(), 2**16)
            except BlockingIOError:
                return True
            if not part:
                return False
            room = min(self.limits.output, self.limits.outputs - self.printed) - len(printed)
            printed += part[: max(room, 0)]
            if len(part) > room:  # more may follow without end: look at the clock in between
                return True

    def _count(self, family):
        """Stop a submission that has too many processes or too much memory in all of them."""
        if len(family) > self.limits.processes:
            raise Stopped(f"started more than {self.limits.processes} processes")
        full = self.group and self.group.was_full()  # the kernel counts better, where it does
        if full or (
            not self.group and memory(family, contained() and self.inside) > self.limits.memory
        ):
            raise Stopped(self._too_much_memory())

    def _too_much_memory(self):
        return f"used more than {self.limits.memory // MEGABYTE} MB of memory"

    def _end_companions(self):
        """End what the submission started besides its own process."""
        companions = [process for process in self._family() if self._is_companion(process)]
        for process in companions:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
        while any(map(self._is_companion, companions)):
            time.sleep(0.01)

    def _is_companion(self, process):
        """Tell whether the submission started a process, which still runs."""
        try:
            return process.pid not in self.own and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def _forget_peak(self):
        """Let the peak of the memory start anew; return whether that is possible."""
        try:
            Path(f"/proc/{self.inside.pid}/clear_refs").write_text("5")
        except (OSError, AttributeError):
            return False
        return True

    def _resident(self, what):
        """Return the memory of the process, or its peak, in MB."""
        status = Path(f"/proc/{self.inside.pid}/status").read_text()
        return int(re.search(rf"^{what}:\s+(\d+)", status, re.MULTILINE)[1]) / 1024


def _processor_time(family):
    """Return the seconds that processes computed, and those of them that have ended."""
    total, ended = 0.0, 0.0
    for process in family:
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
        ended += times.children_user + times.children_system
    return total + ended, ended


def _swells(data):
    """Tell whether an answer would take far more memory or time than what was sent.

    NumPy gives each entry of an array of texts the length of the longest, and the keys of a large
    dictionary may all have the same hash.
    """
    ahead, entries, longest = [data], 0, 0
    while ahead:
        one = ahead.pop()
        if isinstance(one, dict):
            ahead += [] if "array" in one else one.values()
            if len(one.get("dict", ())) > MOST_KEYS:
                return True
        elif isinstance(one, list):
            ahead += one
        else:
            entries, longest = entries + 1, max(longest, len(one) if isinstance(one, str) else 0)
    return entries * longest > LARGEST_TEXTS


def _said(error):
    """Return the name of an error and its text, as far as a reply has them."""
    if isinstance(error, list) and len(error) == 2 and all(isinstance(one, str) for one in error):
        return [error[0][:40], error[1][:500]]
    return ["Error", "what it says cannot be read"]


def complaint(name, kind, text):
    """Return what a student reads when a call went wrong."""
    if kind == "Refused":
        return text
    if kind == "ForbiddenCall":
        return f"`{name}` calls what it must not: {text}"
    if kind == "NotImplementedError":
        return f"`{name}` has no answer yet"
    if kind == "MemoryError":
        return f"`{name}` needs more memory than there is"
    if kind == "TimeoutError":
        return f"`{name}` takes too long: {text}"
    return f"`{name}` raises {kind}: {text}"
