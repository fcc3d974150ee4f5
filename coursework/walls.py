"""What a submission runs behind: bubblewrap, a group of processes with limited memory, a watch.

Bubblewrap gives no network, the Python environment and the library and nothing else of the disk,
and small folders in memory to write to.  Where the system lets us make a group (a cgroup), the
kernel counts the memory of all its processes, and of files and folders in memory, too.  Elsewhere
`memory` counts them, several times a second.
"""

import contextlib
import functools
import itertools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import psutil

import lvmnotes
from lvmnotes.coursework.answers import MEGABYTE

ROOT = Path(__file__).resolve().parent.parent
CHILD = Path(__file__).with_name("child.py")
#: The folders in memory that a submission may write to.
WRITABLE = ("/dev/shm", "/tmp", "/home/student")
GROUPS = Path("/sys/fs/cgroup")
FILLS_MEMORY = "import os; f = os.memfd_create('x'); [os.write(f, bytes(2**20)) for _ in range({})]"
_numbers = itertools.count()


def bubblewrap(file):
    """Return the command line of bubblewrap up to the command that runs inside.

    Parameters
    ----------
    file : int
        The size of each folder in memory.
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
    command += ["--ro-bind", CHILD, "/child.py"]
    for fonts in Path(matplotlib.get_cachedir()).glob("fontlist-*.json"):
        command += ["--ro-bind", fonts, f"/home/student/.cache/matplotlib/{fonts.name}"]
    command += ["--remount-ro", ROOT, "--remount-ro", "/dev", "--remount-ro", "/"]
    return [str(word) for word in [*command, "--chdir", "/home/student"]]


@functools.cache
def _can_close_namespaces():
    done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True)
    return "--disable-userns" in done.stdout + done.stderr


@functools.cache
def contained():
    """Tell whether bubblewrap is here and works."""
    if not shutil.which("bwrap"):
        return False
    command = [*bubblewrap(MEGABYTE), sys.executable, "-c", ""]
    return subprocess.run(command, capture_output=True).returncode == 0


class Group:
    """A group of processes with a common limit of memory.

    Attributes
    ----------
    command : list of str
        What goes before a command, to run it in the group.
    """

    def __init__(self, kind, most):
        self.folder = None
        if kind == "systemd":
            user = ["--user"] if os.getuid() else []
            limits = ["-p", f"MemoryMax={most}", "-p", "MemorySwapMax=0"]
            self.command = ["systemd-run", *user, "--scope", "--quiet", "--collect", *limits, "--"]
            return
        self.folder = kind / f"coursework-{os.getpid()}-{next(_numbers)}"
        self.folder.mkdir()
        for limit, value in [
            ("memory.limit_in_bytes", most),  # the first version of groups
            ("memory.memsw.limit_in_bytes", most),
            ("memory.max", most),  # the second
            ("memory.swap.max", 0),
        ]:
            with contextlib.suppress(OSError):
                (self.folder / limit).write_text(str(value))
        join = 'echo $$ > "$0" && exec "$@"'
        self.command = ["/bin/sh", "-c", join, str(self.folder / "cgroup.procs")]

    def was_full(self):
        """Tell whether the kernel ended a process for want of memory, as far as can be known."""
        if self.folder is None:
            return False
        for name in ("memory.oom_control", "memory.events"):
            with contextlib.suppress(OSError):
                lines = (self.folder / name).read_text().splitlines()
                return any(line.startswith("oom_kill ") and line[9:] != "0" for line in lines)
        return False

    def close(self):
        """Remove the group; its processes must have ended."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                self.folder.rmdir()


@functools.cache
def group_kind():
    """Return where groups can be made that limit memory, "systemd" or a folder; None if nowhere.

    Whether one does is tried: a process that fills too much memory in it must end.
    """
    for kind in ("systemd", *_own_folders()):
        outcomes = []
        for megabytes in (16, 256):
            try:
                group = Group(kind, 128 * MEGABYTE)
                fill = [sys.executable, "-I", "-S", "-c", FILLS_MEMORY.format(megabytes)]
                done = subprocess.run([*group.command, *fill], capture_output=True, timeout=20)
                outcomes.append(done.returncode == 0)
                group.close()
            except (OSError, subprocess.TimeoutExpired):
                outcomes.append(None)
        if outcomes == [True, False]:
            return kind
    return None


def _own_folders():
    """Yield the folders of groups that this process is in, where memory is counted."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if "memory" in controllers.split(","):
            yield GROUPS / "memory" / path.lstrip("/")
        elif not controllers:
            folder = GROUPS / path.lstrip("/")
            with contextlib.suppress(OSError):
                (folder / "cgroup.subtree_control").write_text("+memory")
            yield folder


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
            status = dict(line.split(":", 1) for line in (folder / "status").open())
            private += 1024 * int(status.get("RssAnon", "0").split()[0])
            shared += 1024 * int(status.get("RssShmem", "0").split()[0])
            for link in (folder / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(link).startswith(("/memfd:", "/dev/shm/", "/SYSV")):
                        found = link.stat()
                        files[found.st_dev, found.st_ino] = 512 * found.st_blocks
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
    # What is mapped counts as shared as well.
    return private + max(shared, sum(files.values()) + folders)
