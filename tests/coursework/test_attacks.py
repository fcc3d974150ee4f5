"""Attacks that once worked, one of each kind: what happens now, and who sees it."""

import contextlib
import dataclasses
import io
import json
import os
import random
import shutil
import time
import zipfile
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest

pytest.importorskip("resource", reason="grading needs Linux or macOS")
pytest.importorskip("nbgrader", reason="the environment has no nbgrader: `make test` installs it")

from classroom import GOOD, QUICK, SAMPLE, answered, hand_in  # noqa: E402

import lvmnotes.coursework  # noqa: E402
from coursework import emptied, grade, lms, pages, pictures, problems, sandbox, walls  # noqa: E402
from coursework import similarity as similar  # noqa: E402
from coursework.course import Course  # noqa: E402
from coursework.results import Assessment, Files, empty  # noqa: E402
from coursework.sandbox import Limits, Refused, Sandbox  # noqa: E402
from coursework.submissions import Unreadable, load  # noqa: E402

contained = pytest.mark.skipif(
    not walls.contained(), reason="no working bubblewrap: apt install bubblewrap"
)


@pytest.fixture(scope="module")
def sample():
    """Return the sample set."""
    return problems.read(SAMPLE, "sample")


@pytest.fixture
def quick():
    """Return what fails a test that computes longer than it should, however loaded the machine."""
    start = time.process_time()
    yield
    assert time.process_time() < start + 6


# Calls that a question forbids

#: Ways to have numpy.var compute the answer: a cell of its own, and what `spread` returns.
ROUNDABOUT = {
    "our own functions replaced": (
        "import contextlib\n"
        "ours = type(get_ipython()).run_line_magic.__globals__\n"
        "free = lambda calls: contextlib.nullcontext()\n"
        "ours['coursework'].answers.forbidding = ours['forbidding'] = free\n",
        "np.var(X, axis=0)",
    ),
    "another answers in our place": (
        "import json, os, socket, threading\n"
        "places = {int(f): f'/proc/self/fd/{f}' for f in os.listdir('/proc/self/fd')}\n"
        "found = [f for f, p in places.items() if os.path.exists(p) and 'sock' in os.readlink(p)]\n"
        "own = found[0]\n"
        "line, (one, other) = socket.socket(fileno=os.dup(own)), socket.socketpair()\n"
        "os.dup2(one.fileno(), own)\n"
        "def outwards():\n"
        "    while True: line.sendall(other.recv(2**16))\n"
        "def inwards():\n"
        "    for request in line.makefile('rb'):\n"
        "        step, arguments, _ = json.loads(request)\n"
        "        if step != 'ask' or arguments[0] != 'spread':\n"
        "            other.sendall(request)\n"
        "            continue\n"
        "        import lvmnotes.coursework.answers as answers\n"
        "        value = answers.encode(np.var(answers.decode(arguments[1])[0], axis=0))\n"
        "        line.sendall(json.dumps({'value': value}).encode() + b'\\n')\n"
        "for work in (outwards, inwards): threading.Thread(target=work, daemon=True).start()\n",
        "None",
    ),
    "a call that began before": (
        "import queue, threading\n"
        "class Late:\n"
        "    def __init__(self): self.come, self.gone = queue.Queue(), queue.Queue()\n"
        "    def __array__(self, *_, **__): return self.come.get()\n"
        "    def work(self): self.gone.put(np.var(self, axis=0))\n"
        "late = [Late() for _ in range(9)]\n"
        "for one in late: threading.Thread(target=one.work, daemon=True).start()\n"
        "def later(X):\n"
        "    one = late.pop()\n"
        "    one.come.put(X)\n"
        "    return one.gone.get()\n",
        "later(X)",
    ),
    "a copy that says it is from elsewhere": (
        "import types\n"
        "f = np.var._implementation\n"
        "code = f.__code__.replace(co_filename='mine', co_qualname='mine')\n"
        "mine = types.FunctionType(code, f.__globals__, 'mine', f.__defaults__)\n"
        "mine.__kwdefaults__ = f.__kwdefaults__\n",
        "mine(X, axis=0)",
    ),
}  # fmt: skip


@contained
@pytest.mark.parametrize("cell, answer", ROUNDABOUT.values(), ids=ROUNDABOUT)
def test_a_roundabout_way_to_a_forbidden_call_gets_no_points(sample, tmp_path, cell, answer):
    notebook = answered(sample, spread=f"def spread(X):\n    return {answer}")
    notebook.cells.insert(2, nbformat.v4.new_code_cell(cell))
    limits = dataclasses.replace(QUICK, idle=5)  # some wait for what does not come
    result = grade.grade(sample, hand_in(tmp_path, "eve", notebook), limits)
    assert result["scores"] == {"offset-1": 1, "offset-2": 2, "spread-1": 0, "spread-2": 0}
    assert "passes only with numpy.var, which is forbidden" in result["messages"]["spread-2"]
    assert "spread-1, spread-2: passed only with what is forbidden" in result["remarks"]


def test_questions_that_forbid_different_calls_are_all_judged_again(monkeypatch):
    """One that loses its points does not save those of the next."""
    problem = SimpleNamespace(
        cells={name: SimpleNamespace(source=f"def {name}(X): ...") for name in "ab"},
        tests={"a": ["a-1"], "b": ["b-1"]},
    )
    rules = {"a": ["numpy.var"], "b": ["numpy.cov"]}
    monkeypatch.setattr(lvmnotes.coursework, "rules", rules)
    monkeypatch.setattr(grade, "contained", lambda: True)
    monkeypatch.setattr(grade, "Sandbox", lambda *_, without: contextlib.nullcontext())
    monkeypatch.setattr(grade, "carry_out", lambda *_, only: (dict.fromkeys(only, "wrong"), []))
    step, messages = SimpleNamespace(action="run", source="import os"), {"a-1": None, "b-1": None}
    remarks = grade.without_what_is_forbidden(problem, [step], messages, QUICK)
    assert all("forbidden: wrong" in message for message in messages.values())
    assert [remark.split(":")[0] for remark in remarks] == ["a-1", "b-1"]


@contained
def test_who_has_the_means_and_needs_them_not_loses_nothing(sample, tmp_path):
    notebook = answered(sample)
    notebook.cells.insert(2, nbformat.v4.new_code_cell("import ctypes, gc\nopen('x', 'w')"))
    result = grade.grade(sample, hand_in(tmp_path, "ada", notebook), QUICK)
    assert sum(result["scores"].values()) == 6 and result["remarks"] == []


@pytest.mark.parametrize(
    "source",
    ["import os", "from sys import modules", "x.__globals__", "x.__class__", "get\uff41ttr(x, y)",
     "import numpy, joblib", "np.testing.runstring('1')", "%run x.py", "!ls", "%%bash\nls",
     "np.os", "match x:\n    case object(__dict__=y):\n        pass", "def (", "import greenlet"],
)  # fmt: skip
def test_means_are_noticed(source):
    assert emptied.means(source)


@pytest.mark.parametrize(
    "source",
    [*GOOD.values(), "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot(x)",
     "%%time\nfrom scipy import stats\nX.copy()",
     "class A:\n    def __init__(self):\n        pass"],
)  # fmt: skip
def test_what_all_use_is_no_means(source):
    assert emptied.means(source.partition(" <script>")[0].replace("Likelihood weighs", "#")) == []


@contained
def test_what_is_forbidden_is_not_there_in_any_form():
    with Sandbox(QUICK, without=["lvmnotes.ppca", "sklearn.decomposition"]) as box:
        box.run("import numpy as np, lvmnotes, sklearn.decomposition, pathlib\nX = np.eye(4)")
        for call in ("lvmnotes.PPCA(1).fit(X)", "sklearn.decomposition.PCA(1).fit(X)"):
            _, error, _ = box.run(call)
            assert error[0] == "ForbiddenCall" and "must not be called" in error[1]
        assert box.run("lvmnotes.FactorAnalysis(1)")[1] is None
        box.run("left = list(pathlib.Path(lvmnotes.__file__).parent.glob('__pycache__/*'))")
        box.run("left = len(left)")
        assert box.ask("left", ()) == 0


def test_a_helper_that_has_ended_already_is_seen(monkeypatch):
    monkeypatch.setattr(lvmnotes.coursework, "rules", {"answer": ["numpy.var"]})
    with Sandbox(QUICK) as box:
        brief = "'-I', '-S', '-c', 'sum(range(10**6))'"
        box.run(f"import subprocess, sys\ndef answer():\n"
                f"    return subprocess.run([sys.executable, {brief}]).returncode")  # fmt: skip
        with pytest.raises(Refused, match="starts another process"):
            box.ask("answer", ())


def test_without_walls_the_means_are_named(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "contained", lambda: False)
    notebook = answered(sample)
    notebook.cells.insert(2, nbformat.v4.new_code_cell("import ctypes, gc"))
    result = grade.grade(sample, hand_in(tmp_path, "ada", notebook), QUICK)
    assert "calls are forbidden, and cells use ctypes, gc: read them" in result["remarks"]


@contained
def test_packages_of_the_system_are_not_there():
    with Sandbox(QUICK) as box:
        box.run("import glob\nfound = glob.glob('/usr/lib/python3*/*-packages/*')")
        assert box.ask("found", ()) == []


# Time and memory


def test_the_time_of_a_submission_ends_in_a_process_that_lives_on():
    with Sandbox(Limits(submission=4, cell=2)) as box:
        box.run("import time\ndef burn():\n    while time.process_time() % 0.9 < 0.8: pass\n"
                "    while time.process_time() % 0.9 >= 0.8: pass")  # fmt: skip
        said = [box.run("burn()")[1] for _ in range(20)]
        assert said[-1] == ["Stopped", "was not reached: the time for the submission is used up"]
        assert box.spent < 8


@pytest.mark.parametrize("wait", ["os.kill(os.getpid(), signal.SIGSTOP)", "time.sleep(999)"])
def test_who_does_nothing_is_not_waited_for(wait):
    with Sandbox(Limits(idle=3)) as box:
        start = time.monotonic()
        _, error, _ = box.run(f"import os, signal, time\n{wait}")
        assert error == ["Stopped", "did next to nothing for 3 s"]
        assert time.monotonic() < start + 60  # and not ten times 30 s


REPLY = """
import os, socket
places = {int(f): f'/proc/self/fd/{f}' for f in os.listdir('/proc/self/fd')}
own = [f for f, p in places.items() if os.path.exists(p) and 'sock' in os.readlink(p)][0]
line = socket.socket(fileno=os.dup(own))
"""
#: Replies that are no answers, and how long a text they have.
FORGED = {
    "error": "b'{\"error\": [\"E\", \"' + b'x ' * (15 << 20) + b'\"]}\\n'",
    "error of one word": "b'{\"error\": [\"E\", \"' + b'x' * (30 << 20) + b'\"]}\\n'",
    "deep": "b'[' * (30 << 20) + b'\\n'",
    "deep and small": "b'[' * 900_000 + b'\\n'",
    "many plots": "b'{\"plots\": [' + b','.join([b'[1, 1, \"AAAA\"]'] * 60_000) + b']}\\n'",
    "no end": "b'{' * (30 << 20)",
}


@pytest.mark.parametrize("reply", FORGED.values(), ids=FORGED)
def test_a_forged_reply_costs_the_grader_no_time(quick, reply):
    with Sandbox(Limits(cell=5, wall=2)) as box:
        box.run(REPLY)
        _, error, plots = box.run(f"line.sendall({reply})\nimport time\ntime.sleep(99)")
        assert len(json.dumps(error)) < 1000
        assert len(pictures.plots(plots)) <= pictures.MOST_PLOTS


@pytest.mark.parametrize(
    "answer",
    ["['x' * 10**6] + ['a'] * 2000", "[['x' * 2 * 10**5], *[['a']] * 2000]",
     "{k * (2**61 - 1): 0 for k in range(1001)}"],
)  # fmt: skip
def test_an_answer_that_swells_is_refused(answer):
    with Sandbox(QUICK) as box:
        box.run(f"def answer():\n    return {answer}")
        with pytest.raises(Refused, match="too long a text, or too large a dictionary|1 MB"):
            box.ask("answer", ())


def test_an_answer_of_words_is_not_refused():
    with Sandbox(QUICK) as box:
        box.run("def answer():\n    return [['word'] * 100] * 100")
        assert np.shape(box.ask("answer", ())) == (100, 100)


def test_the_output_of_all_cells_is_limited():
    with Sandbox(Limits(output=1000, outputs=2500)) as box:
        printed = [len(box.run("print('x' * 9999)")[0]) for _ in range(4)]
        assert printed == [1000, 1000, 500, 0]


@contained
@pytest.mark.parametrize(
    "call",
    ["os.memfd_create('x')", "c.shmget(0, 4096, 0o1600)", "c.msgget(0, 0o1600)",
     "c.syscall(425, 8, 0)", "c.syscall(447, 0)", "c.unshare(0x10000000)"],
)  # fmt: skip
def test_memory_that_no_process_holds_cannot_be_made(call):
    with Sandbox(QUICK) as box:
        box.run(f"import ctypes, os\nc = ctypes.CDLL(None)\nmade = -1\nmade = {call}")
        assert box.ask("made", ()) == -1


#: Programs that fill more than a gigabyte, which no one process has.
HOGS = {
    "private": "keep = bytearray(300 << 20)",
    "shared and dropped": (
        "keep = mmap.mmap(-1, 300 << 20)\n"
        "    for n in range(300): keep.write(bytes(1 << 20))\n"
        "    keep.madvise(mmap.MADV_DONTNEED)"
    ),
}


@contained
@pytest.mark.parametrize("hog", HOGS.values(), ids=HOGS)
def test_without_a_group_the_watch_counts_memory(monkeypatch, hog):
    monkeypatch.setattr(sandbox, "group_kind", lambda: None)
    with Sandbox(Limits(memory=1 << 30, cell=20)) as box:
        fill = f"for _ in range(4):\n  if os.fork() == 0:\n    {hog}\n    time.sleep(99)\n"
        _, error, _ = box.run(f"import mmap, os, time\n{fill}time.sleep(99)")
        assert error == ["Stopped", "used more than 1024 MB of memory"]


@contained
def test_without_a_group_what_processes_share_is_counted_once(monkeypatch):
    monkeypatch.setattr(sandbox, "group_kind", lambda: None)
    with Sandbox(Limits(memory=1 << 30)) as box:
        fork = "if os.fork() == 0: time.sleep(9)"
        box.run("import os, time\nkeep = bytearray(200 << 20)")
        _, error, _ = box.run(f"for _ in range(9):\n    {fork}\ntime.sleep(1)")
        assert error is None


@contained
def test_without_a_group_the_watch_counts_files(monkeypatch):
    monkeypatch.setattr(sandbox, "group_kind", lambda: None)
    monkeypatch.setattr(walls, "INODE", 2**20)  # as if an empty file took so much
    with Sandbox(Limits(memory=1 << 30)) as box:
        _, error, _ = box.run("for n in range(1100): open(f'/tmp/{n}', 'w').close()\n"
                              "import time\ntime.sleep(9)")  # fmt: skip
        assert error == ["Stopped", "used more than 1024 MB of memory"]


@contained
def test_no_more_threads_start_than_may():
    with Sandbox(QUICK) as box:
        box.run("import threading, time\nstarted = 0\nfor _ in range(150):\n"
                "    threading.Thread(target=time.sleep, args=[9], daemon=True).start()\n"
                "    started += 1")  # fmt: skip
        assert 10 < box.ask("started", ()) < 100


def test_sockets_cannot_hold_much():
    with Sandbox(QUICK) as box:
        _, error, _ = box.run("import socket\nkeep = [socket.socketpair() for _ in range(200)]")
        assert error[0] == "OSError"


# Groups of processes that are not to be had here: what is asked of them


def test_a_group_by_systemd_is_asked_for_its_memory(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    group = walls.Group("systemd", 512, 72)
    command = " ".join(group.command)
    assert command.startswith("systemd-run --user --scope") and command.endswith("--")
    assert all(f"-p {limit}" in command for limit in ("MemoryMax=512", "MemorySwapMax=0"))
    assert "-p TasksMax=72" in command
    assert not group.was_full()
    group.close()


def test_a_group_of_the_second_version_is_limited_and_read(tmp_path, monkeypatch):
    own = tmp_path / "groups" / "user.slice"
    own.mkdir(parents=True)
    (tmp_path / "groups" / "cgroup.procs").touch()
    (tmp_path / "cgroup").write_text("0::/user.slice\n")
    monkeypatch.setattr(walls, "GROUPS", tmp_path / "groups")
    monkeypatch.setattr(walls, "OWN_GROUPS", tmp_path / "cgroup")
    assert list(walls._own_folders("memory")) == [own]
    assert (own / "cgroup.subtree_control").read_text() == "+memory"
    group = walls.Group(own, 512, 72)
    (folder,) = group.folders
    assert (folder / "memory.max").read_text() == "512"
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == "72"
    assert group.command[-1] == str(folder / "cgroup.procs")
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 0\n")
    assert not group.was_full()
    (folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.was_full()


@pytest.mark.skipif(not isinstance(walls.group_kind(), Path), reason="no folders of groups here")
def test_no_group_is_left_behind():
    with Sandbox(QUICK) as box:
        fork = "if os.fork() == 0: time.sleep(99)"
        _, error, _ = box.run(f"import os, time\nfor _ in range(20):\n    {fork}")
        assert error is None  # what they share is counted once
        folders = box.group.folders
        assert all(folder.exists() for folder in folders)
    assert not any(folder.exists() for folder in folders)


def test_a_group_that_limits_nothing_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setattr(walls, "_own_folders", lambda what: [tmp_path])  # like any other
    monkeypatch.setenv("PATH", "")
    assert walls.group_kind.__wrapped__() is None


# Pages and tables


SLOW = ["\\begin{a}" * 22_000, "a" + " " * 190_000 + "b", "<div>" * 39_000, "$x^2$ " * 33_000,
        "<b>" * 60_000, "\\begin{a}" * 2_000]  # fmt: skip


def submission(*sources, kind="markdown", mine=True):
    """Return the result of a submission with cells of these sources."""
    marks = {"nbgrader": {"grade_id": "explain"}} if mine else {}
    return [
        {"cell_type": kind, "source": source, "metadata": marks, "attachments": {}}
        for source in sources
    ]


def test_no_text_takes_the_time_of_the_class(sample, quick):
    cells = pages.rendered(submission(*SLOW))
    one = Assessment(sample, "eve", empty(sample) | {"cells": cells}, submitter="eve")
    code = lambda student: "abcdefg"  # noqa: E731
    assert "Model answer" in pages.marking(sample, "explain", [one], code)
    assert "eve" in pages.feedback(one)


def test_a_page_holds_what_fits_and_the_answers_first(sample):
    cells = submission(*["x" * 1000] * 9_000, mine=False) + submission("my answer")
    shown = pages.rendered(cells, markup=False)
    assert shown[-1]["source"] == "my answer" and len(shown) < 500


def test_a_text_that_cannot_be_set_leaves_the_score(sample, tmp_path, monkeypatch):
    home = shutil.copytree(SAMPLE, tmp_path / "home")
    hand_in(home, "eve", answered(sample))
    files, prints = Files(home, "sample"), ["a", "b"]
    one = Assessment(sample, "eve", empty(sample), submitter="eve")
    monkeypatch.setattr(grade.resource, "setrlimit", lambda *_: None)

    def breaks(cells, markup=True):
        if markup:
            raise MemoryError
        return real(cells, markup)

    real = pages.rendered
    monkeypatch.setattr(pages, "rendered", breaks)
    with pytest.raises(MemoryError):  # as if the process had been ended
        grade._grade_in_this_process(home, "sample", "eve", prints, [one], QUICK)
    result = files.read("eve")
    assert sum(result["scores"].values()) == 6 and result["fingerprints"] == prints


def test_a_long_submission_is_compared_in_no_time(sample, quick):
    source = "\n".join(f"a{n} = {n} + b[{n}] * c({n}, {7 * n})" for n in range(200_000))
    result = empty(sample) | {"cells": submission(source, kind="code")}
    ones = [Assessment(sample, student, result, submitter=student) for student in ("eve", "max")]
    assert len(similar.pairs(sample, ones)) == 1


def test_remarks_are_not_endless(sample, tmp_path):
    notebook = answered(sample, explain=" ".join(f"![](a{n}.png)" for n in range(2)))
    folder = hand_in(tmp_path, "eve", notebook)
    for number in range(100):
        (folder / f"{number}.png").write_bytes(b"no picture")
    result = grade.grade(sample, folder, QUICK)
    assert len(result["remarks"]) == grade.MOST_REMARKS + 1
    assert "more remarks" in result["remarks"][-1]


# Names and archives


def archive(files, compression=zipfile.ZIP_DEFLATED):
    """Return the bytes of an archive."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return data.getvalue()


@pytest.fixture
def unpacked(tmp_path):
    """Return what unpacks an archive, and gives the files by student and the remarks."""

    def unpack(entries, sheet=None):
        folder = tmp_path / "downloads" / "sample"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{len(list(folder.iterdir()))}.zip").write_bytes(archive(entries))
        if sheet:
            (folder / "sheet.csv").write_text(sheet)
        remarks = lms.unpack(Files(tmp_path, "sample"))
        found = {}
        for path in sorted((tmp_path / "submitted").rglob("*")):
            if path.is_file():
                found.setdefault(path.parts[-3], {})[path.name] = path.read_text()
        return found, remarks

    return unpack


MOODLE = "_assignsubmission_file_"
SHEET = "Identifier,Full name,ID number,Grade\nParticipant 99,Ann Lee,0099,\n"


@pytest.mark.parametrize("sheet", [None, SHEET])
@pytest.mark.parametrize(
    "theirs", [f"Eve_72{MOODLE}x_99{MOODLE}sample.ipynb", f"0099_72{MOODLE}/sample.ipynb",
               f"Ann:Lee_72{MOODLE}/sample.ipynb", f"Ann_Lee._72{MOODLE}/sample.ipynb",
               f"ANN_LEE_72{MOODLE}/sample.ipynb"]
)  # fmt: skip
def test_nobody_takes_the_place_of_another(unpacked, theirs, sheet):
    found, remarks = unpacked({f"Ann_Lee_99{MOODLE}/sample.ipynb": "Ann's", theirs: "Eve's"}, sheet)
    contents = [files["sample.ipynb"] for files in found.values()]
    assert "Ann's" in contents and len(contents) == 2 - bool(remarks)
    assert not sheet or found["0099"]["sample.ipynb"] == "Ann's"
    found, _ = unpacked({theirs: "Eve's again"})  # a later archive, with Eve alone
    assert "Ann's" in [files["sample.ipynb"] for files in found.values()]


def test_a_name_of_any_length_is_written_and_keeps_its_ending(unpacked):
    found, _ = unpacked({
        f"{'答' * 200}_71{MOODLE}/{'答' * 250}.ipynb": "one",
        f"{'答' * 200}_72{MOODLE}/{'a' * 250}.ipynb": "other",
    })  # fmt: skip
    assert len(found) == 2
    assert all(name.endswith(".ipynb") for files in found.values() for name in files)


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_no_broken_archive_of_a_student_stops_the_class(compression):
    draw = random.Random(0)
    whole = archive({"sample.ipynb": "x" * 5000, "a.png": b"y" * 99}, compression)
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(draw.choice([1, 2, 20])):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        lms._open(bytes(broken), {})


def test_an_archive_of_many_entries_floods_no_terminal(unpacked):
    _, remarks = unpacked({"eve_1_2_hw.zip": archive({f"{n}.txt": "" for n in range(2000)})})
    assert 0 < len(remarks) < 20


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "sample.ipynb")
    with pytest.raises(Unreadable, match="sample.ipynb is no file that can be read"):
        load(tmp_path, "sample")


def test_a_date_that_a_student_may_have_written_is_noticed(tmp_path):
    (tmp_path / "course.toml").write_text("[due]\nsample = 2026-11-20\n")
    folder = tmp_path / "submitted" / "eve" / "sample"
    folder.mkdir(parents=True)
    (folder / "sample.ipynb").write_text("{}")
    (folder / "timestamp.txt").write_text("2026-11-19 10:00:00.000000 UTC")
    said = "the notebook is newer than its timestamp.txt says"
    later, before = datetime(2026, 11, 22).timestamp(), datetime(2026, 11, 19).timestamp()
    for moment, note in ((later, said), (before, "")):
        os.utime(folder / "sample.ipynb", (moment, moment))
        assert Course(tmp_path).late(Files(tmp_path, "sample"), "eve").note == note


def test_a_folder_with_too_long_a_name_is_said(sample, tmp_path):
    home = shutil.copytree(SAMPLE, tmp_path / "home")
    hand_in(home, "x" * 251, answered(sample))
    with pytest.raises(ValueError, match="the name of a folder is too long: xxx"):
        grade.grade_all(home, limits=QUICK)
