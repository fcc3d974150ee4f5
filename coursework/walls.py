"""What a submission runs behind: bubblewrap, a group of processes with limited memory, a watch.

Bubblewrap gives no network, the Python environment and the library and nothing else of the disk,
and small folders in memory to write to.  Where the system lets us make a group (a cgroup), the
kernel counts the memory of all its processes, and of files and folders in memory, too.  Elsewhere
`memory` counts them, several times a second.
"""

import collections
import contextlib
import errno
import functools
import itertools
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib
import psutil

import lvmnotes
from lvmnotes.coursework.answers import MEGABYTE

ROOT = Path(__file__).resolve().parent.parent
CHILD = Path(__file__).with_name("child.py")
#: The folders in memory that a submission may write to.
WRITABLE = ("/dev/shm", "/tmp", "/home/student")
GROUPS, OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
#: By the kind of machine, its number and those of the calls that make memory which no process need
#: hold: shmget, msgget, memfd_create, io_uring_setup, memfd_secret.
HIDES_MEMORY = {
    "x86_64": (0xC000003E, (29, 68, 319, 425, 447)),
    "aarch64": (0xC00000B7, (194, 186, 279, 425, 447)),
}
#: What an empty file takes of the kernel's memory, at least.
INODE = 1024
FILLS_MEMORY = "import os; f = os.memfd_create('x'); [os.write(f, bytes(2**20)) for _ in range({})]"
_numbers = itertools.count()


def call_filter():
    """Return a program for the kernel's seccomp; None for a machine of another kind.

    It refuses the system calls of `HIDES_MEMORY`, and all those of other kinds of machine.
    """
    if platform.machine() not in HIDES_MEMORY:
        return None
    kind, calls = HIDES_MEMORY[platform.machine()]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06
    refused, allowed = 0x00050000 | errno.ENOSYS, 0x7FFF0000
    n = len(calls)  # the second and third entry: how many lines to leave out, if so and if not
    lines = [(load, 0, 0, 4), (equal, 0, n + 3, kind), (load, 0, 0, 0)]
    lines += [(at_least, n + 1, 0, 0x40000000)]  # other numbers for the same calls
    lines += [(equal, n - place, 0, call) for place, call in enumerate(calls)]
    lines += [(give, 0, 0, allowed), (give, 0, 0, refused)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


def bubblewrap(file, filtered=None, instead=()):
    """Return the command line of bubblewrap up to the command that runs inside.

    Parameters
    ----------
    file : int
        The size of each folder in memory.
    filtered : int, optional
        A descriptor that `open_filter` gave.
    instead : sequence of (path, path)
        Files that are seen in place of others of the library or the environment.
    """
    seen = [sys.base_prefix, sys.prefix, Path(lvmnotes.__file__).parent]
    system = ["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/etc/alternatives"]
    # Outer folders first; the project's own is empty but for what lies in it and is shown.
    places = {Path(path).resolve() for path in seen} | {Path(path) for path in system}
    command = ["bwrap", "--unshare-all", "--unshare-user", "--die-with-parent", "--new-session"]
    if _can_close_namespaces():  # else root of a namespace of its own could mount what it likes
        command.append("--disable-userns")
    command += ["--proc", "/proc", "--dev", "/dev"]
    # Before the places, one of which may lie in it: a project in /tmp, say.
    for path in WRITABLE:
        command += ["--size", file, "--tmpfs", path]
    for path in sorted(places | {ROOT}):
        command += ["--tmpfs", path] if path == ROOT else ["--ro-bind-try", path, path]
    for path in _other_packages():
        command += ["--tmpfs", path, "--remount-ro", path]
    for path in sorted({Path(path).with_name("__pycache__") for _, path in instead}):
        if path.exists():  # what is compiled there is not what is seen
            command += ["--tmpfs", path, "--remount-ro", path]
    for new, path in instead:
        command += ["--ro-bind", new, path]
    command += ["--ro-bind", CHILD, "/child.py"]
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        command += ["--ro-bind", fonts, f"/home/student/.cache/matplotlib/{fonts.name}"]
    command += ["--remount-ro", ROOT, "--remount-ro", "/dev", "--remount-ro", "/"]
    if filtered is not None:
        command += ["--seccomp", filtered]
    return [str(word) for word in [*command, "--chdir", "/home/student"]]


@contextlib.contextmanager
def open_filter():
    """Yield the descriptor of a file with `call_filter`, to be read once; None if there is none."""
    with tempfile.TemporaryFile() as file:
        if program := call_filter():
            file.write(program)
            file.seek(0)
        yield file.fileno() if program else None


def _other_packages():
    """Return the folders of packages that are not those of this environment: no pin names them."""
    bases = {Path(sys.base_prefix), Path("/usr"), Path("/usr/local")}
    found = {path for base in bases for path in base.glob("lib/python3*/*-packages")}
    own = {Path(path).resolve() for path in sys.path}
    return sorted(path for path in found if path.is_dir() and path.resolve() not in own)


@functools.cache
def _can_close_namespaces():
    done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True)
    return "--disable-userns" in done.stdout + done.stderr


@functools.cache
def contained():
    """Tell whether bubblewrap is here and works."""
    if not shutil.which("bwrap"):
        return False
    with open_filter() as filtered:
        command = [*bubblewrap(MEGABYTE, filtered), sys.executable, "-c", ""]
        keep = [filtered] if filtered is not None else []
        return subprocess.run(command, capture_output=True, pass_fds=keep).returncode == 0


class Group:
    """A group of processes with a common limit of memory, and of their number if possible.

    Parameters
    ----------
    kind : "systemd" or path
        As `group_kind` gives it.
    most : int
        Bytes.
    processes : int
        Threads count as well.

    Attributes
    ----------
    command : list of str
        What goes before a command, to run it in the group.
    """

    def __init__(self, kind, most, processes):
        self.command, self.folders = [], []
        if kind == "systemd":
            user = ["--user"] if os.getuid() else []
            limits = [f"MemoryMax={most}", "MemorySwapMax=0", f"TasksMax={processes}"]
            self.command += ["systemd-run", *user, "--scope", "--quiet", "--collect"]
            self.command += [word for limit in limits for word in ("-p", limit)] + ["--"]
            return
        name = f"coursework-{os.getpid()}-{next(_numbers)}"
        for place in dict.fromkeys([kind, *_own_folders("pids")]):
            folder = place / name
            try:
                folder.mkdir()
            except OSError:
                if place == kind:
                    raise
                continue
            for limit, value in [
                ("memory.limit_in_bytes", most),  # the first version of groups
                ("memory.memsw.limit_in_bytes", most),
                ("memory.max", most),  # the second
                ("memory.swap.max", 0),
                ("pids.max", processes),
            ]:
                with contextlib.suppress(OSError):
                    (folder / limit).write_text(str(value))
            self.folders.append(folder)
            join = 'echo $$ > "$0" && exec "$@"'
            self.command += ["/bin/sh", "-c", join, str(folder / "cgroup.procs")]

    def was_full(self):
        """Tell whether the kernel ended a process for want of memory, as far as can be known."""
        names = ("memory.oom_control", "memory.events")
        for path in [folder / name for folder in self.folders for name in names]:
            with contextlib.suppress(OSError):
                lines = path.read_text().splitlines()
                return any(line.startswith("oom_kill ") and line[9:] != "0" for line in lines)
        return False

    def close(self):
        """Remove the group; its processes must have ended."""
        for folder in self.folders:
            for _ in range(100):  # the last process may not be quite gone
                try:
                    folder.rmdir()
                    break
                except OSError:
                    time.sleep(0.01)


@functools.cache
def group_kind():
    """Return where groups can be made that limit memory, "systemd" or a folder; None if nowhere.

    Whether one does is tried: a process that fills too much memory in it must end.
    """
    for kind in ("systemd", *_own_folders("memory")):
        outcomes = []
        for megabytes in (16, 256):
            try:
                group = Group(kind, 128 * MEGABYTE, 32)
                fill = [sys.executable, "-I", "-S", "-c", FILLS_MEMORY.format(megabytes)]
                done = subprocess.run([*group.command, *fill], capture_output=True, timeout=20)
                outcomes.append(done.returncode == 0)
                group.close()
            except (OSError, subprocess.TimeoutExpired):
                outcomes.append(None)
        if outcomes == [True, False]:
            return kind
    return None


def _own_folders(what):
    """Yield the folders of groups that this process is in, where `what` is counted."""
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if what in controllers.split(","):
            yield GROUPS / what / path.lstrip("/")
        elif not controllers and (GROUPS / "cgroup.procs").exists():  # else the first version
            folder = GROUPS / path.lstrip("/")
            with contextlib.suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{what}")
            yield folder


def _kilobytes(folder):
    """Return what the kernel says of a process's memory; what processes share is divided."""
    text = (folder / "status").read_text()
    with contextlib.suppress(OSError):
        text += (folder / "smaps_rollup").read_text()
    return {name: int(size) for name, size in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)}


def memory(family, inside):
    """Return how much memory processes use, files and folders in memory included.

    Parameters
    ----------
    family : list of psutil.Process
    inside : psutil.Process or None
        The process from which the folders of `WRITABLE` are seen; None without walls.
    """
    private, shared, files = 0, 0, {}
    for process in family:
        folder = Path("/proc", str(process.pid))
        try:
            own = _kilobytes(folder)
            private += 1024 * own.get("Pss_Anon", own.get("RssAnon", 0))
            shared += 1024 * own.get("Pss_Shmem", own.get("RssShmem", 0))
            mine = collections.Counter()
            for line in (folder / "maps").open():  # mapped, though it may not be resident
                extent, _, _, _, inode, *name = line.split(maxsplit=5)
                if name and name[0].startswith(("/memfd:", "/SYSV", "/dev/zero")):
                    start, end = (int(place, 16) for place in extent.split("-"))
                    mine[int(inode)] += end - start
            for link in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(link).startswith(("/memfd:", "/dev/shm/")):
                        found = link.stat()
                        mine[found.st_ino] = max(mine[found.st_ino], 512 * found.st_blocks)
            for inode, size in mine.items():
                files[inode] = max(files.get(inode, 0), size)
        except FileNotFoundError:
            if not Path("/proc/self").exists():  # macOS
                with contextlib.suppress(psutil.Error):
                    private += process.memory_info().rss
        except (OSError, ValueError):
            continue
    folders = 0
    for path in WRITABLE if inside else ():
        with contextlib.suppress(OSError):
            found = os.statvfs(f"/proc/{inside.pid}/root{path}")
            folders += (found.f_blocks - found.f_bfree) * found.f_frsize
            folders += (found.f_files - found.f_ffree) * INODE
    # What is mapped counts as shared as well.
    return private + max(shared, sum(files.values()) + folders)
