"""The confined process in which a submission runs, as the grader sees it.

Where bubblewrap works, the process has no network, sees the Python environment and the library and
nothing else of the disk, may write to a small folder in memory, and ends, with all it started,
when the grader says so.  Elsewhere it has the limits that any POSIX system sets, and no more:
`contained` tells which.
"""

import base64
import functools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import psutil

import lvmnotes
from coursework.child import decode, encode

ROOT = Path(__file__).resolve().parent.parent
CHILD = Path(__file__).with_name("child.py")
MEGABYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """What a submission may use; times in seconds, sizes in bytes."""

    start: float = 60
    cell: float = 30
    answer: float = 20
    test: float = 60
    submission: float = 240
    memory: int = 2048 * MEGABYTE
    reply: int = 32 * MEGABYTE
    file: int = 64 * MEGABYTE
    output: int = 20_000
    processes: int = 32


class Stopped(Exception):
    """The process of a submission ended, or was ended; says why."""


class Refused(AssertionError):
    """There is no answer; says why, in words for the student."""


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


def _wall(limits):
    """Return the command line of bubblewrap up to the command that runs inside."""
    seen = [sys.base_prefix, sys.prefix, Path(lvmnotes.__file__).parent]
    system = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives"]
    # Outer folders first; the project's own is empty but for what lies in it and is shown.
    places = {Path(path).resolve() for path in seen} | {Path(path) for path in system}
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    # Before the places, one of which may lie in it: a project in /tmp, say.
    for path in ("/dev/shm", "/tmp", "/home/student"):
        command += ["--size", limits.file, "--tmpfs", path]
    for path in sorted(places | {ROOT}):
        command += ["--tmpfs", path] if path == ROOT else ["--ro-bind-try", path, path]
    command += ["--ro-bind", CHILD, "/child.py"]
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        command += ["--ro-bind", fonts, f"/home/student/.cache/matplotlib/{fonts.name}"]
    command += ["--remount-ro", ROOT, "--remount-ro", "/dev", "--remount-ro", "/"]
    return [str(word) for word in [*command, "--chdir", "/home/student"]]


@functools.cache
def contained():
    """Tell whether bubblewrap is here and works."""
    if not shutil.which("bwrap"):
        return False
    command = [*_wall(Limits()), sys.executable, "-c", ""]
    return subprocess.run(command, capture_output=True).returncode == 0


class Sandbox:
    """A submission at work: runs its cells, fetches its answers, survives its end.

    After the process has ended, the cells that had run are run again in a new one, without the
    cell that ended it; a function that ended it is not called again.
    """

    def __init__(self, limits):
        self.limits = limits
        self.ran = []
        self.deadly = set()
        self.remarks = []
        self.process = None
        self.folder = None
        self.end = time.monotonic() + limits.submission

    def __enter__(self):  # noqa: D105
        return self

    def __exit__(self, *_):  # noqa: D105
        self.stop()

    def run(self, source):
        """Run a cell; return what it printed, its error (name and text, or None), and its plots."""
        try:
            self._wake()
            reply, output = self._request("run", [source], self.limits.cell)
        except Stopped as reason:
            self._remark(f"a cell {reason}")
            return "", ["Stopped", str(reason)], []
        error = reply.get("error")
        error = [str(word) for word in error] if isinstance(error, list) else None
        if error and error[0] == "TimeoutError":  # it would take as long again
            self._remark(f"a cell took longer than {self.limits.cell:.0f} s")
        else:
            self.ran.append(source)
            if error:
                self._remark(f"a cell raises {error[0][:40]}")
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

    def ask(self, name, arguments):
        """Return the answer under a name, or raise `Refused`; takes the place of `ask`'s source."""
        if name in self.deadly:
            raise Refused(f"`{name}` is not called again: it ended the process")
        try:
            self._wake()
            message = [name, [encode(argument) for argument in arguments]]
            reply, _ = self._request("ask", message, self.limits.answer)
        except Stopped as reason:
            self.deadly.add(name)
            self._remark(f"`{name}` {reason}")
            raise Refused(f"`{name}` {reason}") from None
        try:
            if "error" in reply:
                kind, text = map(str, reply["error"])
                raise Refused(_complaint(name, kind, text))
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
        while self.process is None:
            self._start()
            earlier, self.ran = self.ran, []
            for source in earlier:
                if self.process is not None:  # a cell may well end it at its second run
                    try:
                        self._request("run", [source], self.limits.cell)
                    except Stopped:
                        continue
                self.ran.append(source)

    def _start(self):
        if time.monotonic() > self.end:
            raise Stopped("was not reached: the time for the submission is used up")
        self.line, inside = socket.socketpair()
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        limits = {"memory": self.limits.memory, "file": self.limits.file, "processes": None}
        if contained():  # where the count is of this process's own
            limits["processes"] = 8 * self.limits.processes
        command = [*_wall(self.limits), sys.executable] if contained() else [sys.executable]
        command += ["-I", "-B", "/child.py" if contained() else str(CHILD)]
        self.process = subprocess.Popen(
            [*command, str(inside.fileno()), json.dumps(limits)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[inside.fileno()],
            env=_environment("/home/student" if contained() else self.folder.name),
            cwd=self.folder.name,
            start_new_session=True,
        )
        inside.close()
        os.set_blocking(self.process.stdout.fileno(), False)
        try:
            self._receive(self.limits.start)
        except BaseException:
            self.stop()
            raise

    def _request(self, step, arguments, seconds):
        """Send a request; return the reply and what was printed meanwhile."""
        seconds = max(1, min(seconds, self.end - time.monotonic()))
        try:
            self.line.settimeout(10)
            self.line.sendall(json.dumps([step, arguments, seconds]).encode() + b"\n")
            return self._receive(seconds)
        except OSError as error:
            self.stop()
            raise Stopped("ended the process") from error
        except BaseException:  # the grader's own alarm, too: half a reply is no use to the next
            self.stop()
            raise

    def _receive(self, seconds):
        """Wait for a reply, with an eye on the time, the memory and the number of processes."""
        reply, printed = bytearray(), bytearray()
        counted = time.monotonic()
        end = counted + seconds + 3  # the alarm inside comes first, if it can
        sources = [self.line, self.process.stdout]
        while not reply.endswith(b"\n"):
            ready, *_ = select.select(sources, [], [], 0.2)
            if self.process.stdout in ready and not self._print(printed):
                sources.remove(self.process.stdout)
            if self.line in ready:
                part = self.line.recv(2**16)
                if not part:
                    raise Stopped("ended the process")
                reply += part
            if len(reply) > self.limits.reply:
                raise Stopped(f"sends more than {self.limits.reply // MEGABYTE} MB")
            now = time.monotonic()
            if now > end:
                raise Stopped(f"took longer than {seconds:.0f} s")
            if now > counted + 0.2:
                self._count()
                counted = now
        self._print(printed)
        try:
            reply = json.loads(reply)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict):
            raise Stopped("sends what cannot be read")
        return reply, printed.decode("utf-8", "replace")

    def _print(self, printed):
        """Take what was printed, keep the beginning; return False when there will be no more."""
        while True:
            try:
                part = os.read(self.process.stdout.fileno(), 2**16)
            except BlockingIOError:
                return True
            if not part:
                return False
            room = self.limits.output - len(printed)
            printed += part[: max(room, 0)]
            if len(part) > room:  # more may follow without end: look at the clock in between
                return True

    def _count(self):
        """Stop a submission that has too many processes or too much memory in all of them."""
        family = self._family()
        if len(family) > self.limits.processes:
            raise Stopped(f"started more than {self.limits.processes} processes")
        memory = 0
        for process in family:
            try:
                memory += process.memory_info().rss
            except psutil.NoSuchProcess:
                pass
        if memory > self.limits.memory:
            raise Stopped(f"used more than {self.limits.memory // MEGABYTE} MB of memory")


def _complaint(name, kind, text):
    """Return what a student reads when a call went wrong."""
    if kind == "NameError" and text == "missing":
        return f"there is no `{name}`"
    if kind == "NotImplementedError":
        return f"`{name}` has no answer yet"
    if kind == "MemoryError":
        return f"`{name}` needs more memory than there is"
    if kind == "TimeoutError":
        return f"`{name}` takes too long: {text}"
    return f"`{name}` raises {kind}: {text}"
