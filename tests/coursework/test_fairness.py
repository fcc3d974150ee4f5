"""Fair: what a submission may use, how its answers are judged, what a question forbids."""

import collections
import decimal
import enum
import fractions
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

pytest.importorskip("resource", reason="grading needs Linux or macOS")
pytest.importorskip("nbgrader", reason="the environment has no nbgrader: `make test` installs it")

from classroom import GOOD, QUICK, SAMPLE, answered, hand_in, table  # noqa: E402
from scipy import sparse  # noqa: E402

import lvmnotes.coursework  # noqa: E402
from coursework import grade, problems, release, walls  # noqa: E402
from coursework.sandbox import Limits, Refused, Sandbox  # noqa: E402
from lvmnotes.coursework import answers, ask, expect, forbidden  # noqa: E402

NUMBERS = "import numpy as np, numpy, sys, gc, pickle, importlib, types, functools, threading\n"


@pytest.fixture
def sample():
    """Return the sample set."""
    return problems.read(SAMPLE, "sample")


@pytest.fixture(scope="module")
def running():
    """Return a sandbox for all tests here: to start one takes a second."""
    with Sandbox(QUICK) as sandbox:
        yield sandbox


@pytest.fixture
def box(running):
    """Return a sandbox that has forgotten earlier tests."""
    running.ran.clear(), running.deadly.clear(), running.remarks.clear()
    running.spent = 0
    running.run("globals().pop('answer', None)")
    return running


@pytest.fixture
def forbid(monkeypatch):
    """Return what forbids a call to the answer `answer`."""
    monkeypatch.setattr(lvmnotes.coursework, "rules", {})
    return lambda *calls: lvmnotes.coursework.forbid("answer", calls=calls)


# Time and memory


def test_waiting_costs_nothing_and_ends_at_the_outer_wall():
    with Sandbox(Limits(cell=1, answer=1, wall=3)) as box:
        assert box.run("import time; time.sleep(2); late = 1")[1] is None
        assert box.run("time.sleep(60)")[1] == ["Stopped", "took longer than 3 s"]
        assert box.ask("late", ()) == 1
        assert box.run("while True:\n    pass")[1][0] == "TimeoutError"


@pytest.mark.parametrize("where", ["sandbox", "notebook"])
def test_memory_is_what_the_question_says(box, monkeypatch, where):
    source = NUMBERS + "def gram(X):\n    return (X[:, :, None] * X[:, None]).sum(axis=0)\n"
    source += "def gram_of_rows(X):\n    return X.T @ X\n"
    if where == "notebook":
        exec(source, vars(sys.modules["__main__"]))
    else:
        box.run(source)
        monkeypatch.setattr(lvmnotes.coursework, "source", box.ask)
    X = np.ones((60, 200))
    assert ask("gram_of_rows", X, megabytes=4).shape == (200, 200)
    with pytest.raises(Refused, match=r"`gram` needs 18\.\d MB of memory at its peak; 4 MB"):
        ask("gram", X, megabytes=4)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
@pytest.mark.parametrize(
    "hide", ["import tracemalloc; tracemalloc.stop()", "import mmap; m = mmap.mmap(-1, 400 << 20)"]
)
def test_memory_that_is_hidden_from_the_process_is_seen_from_outside(box, hide):
    fill = "m.write(bytes(len(m)))" if "mmap" in hide else "m = bytearray(400 << 20)"
    box.run(f"def answer():\n    {hide}\n    {fill}\n    return 1")
    with pytest.raises(Refused, match="of memory at its peak; 1 MB are enough"):
        box.ask("answer", (), 1)


# What a notebook holds besides


@pytest.mark.parametrize(
    "line",
    ["%matplotlib inline", "%%time", "%matplotlib widget", "%load_ext autoreload\n%autoreload 2",
     "%config InlineBackend.figure_format = 'retina'", "%%capture captured", "%load_ext nb_black",
     "%%memit", "!true", "%nosuch", "%pylab inline", "%gui tk", "%%prun -q", "%xmode Verbose"],
)  # fmt: skip
def test_no_magic_loses_an_answer(box, line):
    _, error, _ = box.run(f"{line}\ndef answer():\n    return 3")
    assert error is None and box.ask("answer", ()) == 3 and box.remarks == []


def test_a_missing_package_is_named_and_what_came_before_counts(sample, tmp_path):
    home = shutil.copytree(SAMPLE, tmp_path / "home")
    late = "import seaborn_of_old.plots as sns\n"
    hand_in(home, "ada", answered(sample, offset=GOOD["offset"] + late + "offset = None"))
    grade.grade_all(home, limits=QUICK, unconfined=True)
    row = table(home)["ada"]
    assert "a cell needs the package seaborn_of_old, which is not installed" in row["remarks"]
    assert row["so far"] == "6"


# One way to judge


class Level(enum.IntEnum):
    """Integers with names."""

    HIGH = 3


class Mine(float):
    """A number of a type of one's own."""


Pair = collections.namedtuple("Pair", "a b")
VALUES = {
    "fraction": (fractions.Fraction(3, 2), 1.5),
    "decimal": (decimal.Decimal("1.5"), 1.5),
    "range": (range(3), [0, 1, 2]),
    "named tuple": (Pair(1, np.float32(2)), (1, 2)),
    "enum": (Level.HIGH, 3),
    "subclass": (Mine(1.5), 1.5),
    "numpy string": (np.str_("a"), "a"),
    "0-d": (np.array(2.0), 2.0),
    "0-d of objects": (np.array(fractions.Fraction(1, 2), dtype=object), 0.5),
    "objects": (np.array([1, fractions.Fraction(1, 2)], dtype=object), [1, 0.5]),
    "masked nothing": (np.ma.array([1.0, 2.0]), [1.0, 2.0]),
    "matrix": (np.asmatrix("1 2"), [[1, 2]]),
    "sparse": (sparse.csr_array(np.eye(2)), np.eye(2)),
    "dictionary": (collections.OrderedDict(a=1), {"a": 1}),
    "complex": (1 + 0j, 1.0),
    "deque": (collections.deque([1, 2]), [1, 2]),
    "bool": (np.True_, True),
}


@pytest.mark.parametrize("value, plain", VALUES.values(), ids=VALUES)
def test_an_answer_of_any_kind_arrives_as_numbers(value, plain):
    got = answers.decode(json.loads(json.dumps(answers.encode(value))))
    assert np.array_equal(np.asarray(got), np.asarray(plain))
    if not isinstance(plain, (str, dict)):
        expect("the answer", value, plain)
        expect("the answer", got, plain)


def test_data_frames_count_as_arrays():
    pandas = pytest.importorskip("pandas")
    expect("it", pandas.DataFrame({"a": [1, 2], "b": [3.5, 4]}), [[1, 3.5], [2, 4]])
    expect("it", answers.decode(answers.encode(pandas.Series([1, 2]))), [1, 2])


BAD = {
    "masked": ("np.ma.array([1.0, 2.0], mask=[0, 1])", "has values that are NaN"),
    "generator": ("(x for x in (1.0, 2.0))", "`answer` gives no answer: .* not of type generator"),
    "set": ("{1.0, 2.0}", "`answer` gives no answer: .* not of type set"),
    "bytes": ("b'12'", "`answer` gives no answer: .* not of type bytes"),
    "in itself": ("[ring := [], ring.append(ring)]", "`answer` gives no answer"),
    "text": ("['1.0', '2.0']", "should be numbers"),
    "complex": ("[1.0 + 1j, 2.0]", "should be numbers"),
    "none": ("None", "is None"),
    "ragged": ("[[1.0], 2.0]", "should be numbers"),
    "nothing": (None, "there is no `answer`"),
}


@pytest.mark.parametrize("expression, said", BAD.values(), ids=BAD)
def test_a_notebook_and_the_grader_say_the_same(box, expression, said):
    source = NUMBERS
    vars(sys.modules["__main__"]).pop("answer", None)
    if expression:
        source += f"def answer():\n    return {expression}"
    exec(source, vars(sys.modules["__main__"]))
    box.run(source)
    messages = []
    for way in (lvmnotes.coursework.in_this_notebook, box.ask):
        with pytest.raises(AssertionError, match=said) as caught:
            expect("the answer", way("answer", ()), [1.0, 2.0])
        messages.append(str(caught.value).removesuffix(" yet: run the cell that defines it"))
    assert messages[0] == messages[1]


def test_a_long_word_is_not_cut_to_the_right_one():
    with pytest.raises(AssertionError, match="is not right: abc"):
        expect("the word", "abc", "a")


# What a question forbids

#: How a student may come by a forbidden function, and call it.
WAYS = {
    "attribute": ("import lvmnotes", "lvmnotes.PPCA(1).fit(X)"),
    "from-import": ("", "__import__('lvmnotes', fromlist=['PPCA']).PPCA(1).fit(X)"),
    "alias": ("from lvmnotes import PPCA as Mine", "Mine(1).fit(X)"),
    "default": ("from lvmnotes import PPCA\nkeep = lambda X, P=PPCA: P(1).fit(X)", "keep(X)"),
    "importlib": ("", "importlib.import_module('lvmnotes.ppca').PPCA(1).fit(X)"),
    "getattr": ("import lvmnotes", "getattr(lvmnotes, 'PP' + 'CA')(1).fit(X)"),
    "instance": ("from lvmnotes import PPCA\nmodel = PPCA(1)", "model.fit(X)"),
    "bound method": ("from lvmnotes import PPCA\nfit = PPCA(1).fit", "fit(X)"),
    "partial": ("from lvmnotes import PPCA\np = functools.partial(PPCA, 1)", "p().fit(X)"),
    "pickle": ("from lvmnotes import PPCA\ndata = pickle.dumps(PPCA(1))",
               "pickle.loads(data).fit(X)"),
    "subclass": ("from lvmnotes import PPCA\nclass Own(PPCA): pass", "Own(1).fit(X)"),
    "new": ("from lvmnotes import PPCA", "PPCA.fit(object.__new__(PPCA), X)"),
    "through another model": ("from lvmnotes import MixturePPCA", "MixturePPCA(1).fit(X)"),
    "function of the module": ("from lvmnotes.ppca import closed_form as f", "f(np.cov(X.T), 1)"),
    "loaded again": ("import lvmnotes.ppca\ndel sys.modules['lvmnotes.ppca']\n"
                     "P = importlib.import_module('lvmnotes.ppca').PPCA", "P(1).fit(X)"),
    "reload": ("import lvmnotes.ppca", "importlib.reload(lvmnotes.ppca).PPCA(1).fit(X)"),
    "copied code": ("from lvmnotes import PPCA\nf, m = PPCA.fit, PPCA(1)\n"
                    "copy = types.FunctionType(f.__code__, f.__globals__, 'f', f.__defaults__)",
                    "copy(m, X)"),
    "copied now": ("from lvmnotes import PPCA\nf, m, code = PPCA.fit, PPCA(1), PPCA.fit.__code__",
                   "types.FunctionType(code, f.__globals__, 'f', f.__defaults__)(m, X)"),
    "put back": ("from lvmnotes import PPCA\ncode, model = PPCA.fit.__code__, PPCA(1)",
                 "(setattr(PPCA.fit, '__code__', code), model.fit(X))"),
    "frozen": ("from lvmnotes import PPCA\ngc.freeze()", "PPCA(1).fit(X)"),
    "source": ("", "exec(open(sys.modules['lvmnotes.ppca'].__file__).read())"),
    "thread": ("from lvmnotes import PPCA\nfrom concurrent.futures import ThreadPoolExecutor\n"
               "pool = ThreadPoolExecutor(1)\npool.submit(int).result()",
               "pool.submit(lambda: PPCA(1).fit(X)).result()"),
    "in the result": ("from lvmnotes import PPCA\nclass Late:\n    def __init__(self, X):\n"
                      "        self.X = X\n    def __array__(self, *_, **__):\n"
                      "        return PPCA(1).fit(self.X).W_", "Late(X)"),
    "patched": ("import lvmnotes\nimport lvmnotes.coursework.answers as a, contextlib\n"
                "a.forbidding = lambda calls: contextlib.nullcontext()",
                "lvmnotes.PPCA(1).fit(X)"),
}  # fmt: skip


@pytest.mark.parametrize("before, call", WAYS.values(), ids=WAYS)
def test_a_forbidden_call_raises_however_it_is_made(forbid, box, before, call):
    forbid("lvmnotes.PPCA", "lvmnotes.ppca")
    box.run(NUMBERS + before)
    box.run(f"def answer(X):\n    return {call}")
    with pytest.raises(Refused, match=r"must not be (called|used) in this question"):
        box.ask("answer", (np.eye(4),))


@pytest.mark.parametrize("before, call", [WAYS[way] for way in ("alias", "bound method", "thread")])
def test_a_forbidden_call_raises_in_a_notebook_and_is_free_afterwards(forbid, before, call):
    forbid("lvmnotes.PPCA")
    X = np.random.default_rng(0).normal(size=(9, 4))
    exec(
        NUMBERS + before + f"\ndef answer(X):\n    {call}\n    return 1",
        vars(sys.modules["__main__"]),
    )
    with pytest.raises(forbidden.ForbiddenCall, match="lvmnotes.PPCA must not be called"):
        ask("answer", X)
    lvmnotes.coursework.rules.clear()
    assert ask("answer", X) == 1


def test_other_calls_are_free(forbid, box):
    forbid("lvmnotes.PPCA", "lvmnotes.ppca", "sklearn.decomposition")
    box.run("from lvmnotes import FactorAnalysis, PPCA\nimport sklearn.linear_model as lm")
    box.run("free = PPCA(1).fit([[1.0, 2], [2, 1], [5, 3]]).W_.shape")
    assert box.ask("free", ()) == (2, 1)
    box.run("def answer(X):\n    lm.LinearRegression().fit(X, X)\n    return X @ X")
    assert box.ask("answer", (np.eye(2),)).shape == (2, 2)


def test_a_helper_in_another_process_is_ended(forbid, box):
    forbid("numpy.var")
    box.run(
        "import os\nto, back = os.pipe(), os.pipe()\n"
        "if os.fork() == 0:\n    while True:\n        os.write(back[1], os.read(to[0], 1))\n"
    )
    box.run(
        "import select\ndef answer():\n    os.write(to[1], b'x')\n"
        "    return len(select.select([back[0]], [], [], 1)[0])"
    )
    assert box.ask("answer", ()) == 0
    lvmnotes.coursework.rules.clear()
    box.run("to, back = os.pipe(), os.pipe()\nif os.fork() == 0:\n"
            "    os.write(back[1], os.read(to[0], 1))\n    os._exit(0)")  # fmt: skip
    assert box.ask("answer", ()) == 1
    lvmnotes.coursework.forbid("late", calls=["numpy.var"])
    box.run("import subprocess\ndef late():\n    return subprocess.run(['sleep', '9']).returncode")
    with pytest.raises(Refused, match="starts another process, in a question that forbids calls"):
        box.ask("late", ())


def test_the_cell_of_a_question_is_not_free_and_others_are(sample, tmp_path):
    home = shutil.copytree(SAMPLE, tmp_path / "home")
    cheat = "kept = np.var(np.array([[0.0, 1.0], [2.0, 5.0]]), axis=0)\n"
    hand_in(home, "cell", answered(sample, spread=cheat + GOOD["spread"]))
    hand_in(home, "answer", answered(sample, spread="def spread(X): return np.var(X, axis=0)"))
    free = answered(sample)
    free.cells.insert(2, nbformat.v4.new_code_cell(cheat))
    hand_in(home, "free", free)
    grade.grade_all(home, limits=QUICK, unconfined=True)
    points = {student: row["spread"] for student, row in table(home).items()}
    assert points == {"cell": "0", "answer": "0", "free": "3"}
    assert "forbidden" not in table(home)["free"]["remarks"]
    assert "a cell raises ForbiddenCall" in table(home)["cell"]["remarks"]
    page = (home / "graded" / "sample" / "feedback" / "answer.html").read_text("utf-8")
    assert "`spread` calls what it must not: numpy.var must not be called in this question" in page


def test_a_students_own_check_forbids_the_same(sample, tmp_path):
    for source in ("def spread(X): return np.var(X, axis=0)",
                   "kept = np.var(np.eye(2))\n" + GOOD["spread"]):  # fmt: skip
        nbformat.write(answered(sample, spread=source), tmp_path / "sample.ipynb")
        command = [sys.executable, "-m", "lvmnotes.coursework", "sample.ipynb"]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
        assert "numpy.var must not be called in this question" in said and "1 of 2 tests" in said


@pytest.mark.parametrize("name", ["numpy.dot", "math.sin", "lvmnotes.Nothing", "no_such.thing", ""])
def test_what_cannot_be_forbidden_is_said(name):
    with pytest.raises(ValueError, match="there is nothing written in Python under the name"):
        forbidden.rule(name)


# Hidden inputs


def inputs(home):
    """Return what the random hidden test of the sample draws."""
    return problems.read(home, "sample").secret_rng("offset-2").normal(size=3).tolist()


def test_hidden_inputs_are_secret_and_stay_once_there_are_submissions(sample, tmp_path):
    one, other = (shutil.copytree(SAMPLE, tmp_path / n, ignore=no_seed) for n in ("one", "other"))
    assert inputs(one) == inputs(one) != inputs(other)
    (one / "secret-seed").unlink()
    before = inputs(one)
    hand_in(one, "ada", answered(sample))
    grade.grade_all(one, limits=QUICK, unconfined=True)
    (one / "secret-seed").unlink()
    assert inputs(one) == before
    assert grade.grade_all(one, limits=QUICK, unconfined=True) == 0
    tests = {problems.read(one, "sample").secret_rng(test).random() for test in sample.points}
    assert len(tests) == len(sample.points)


def no_seed(folder, names):
    return [name for name in names if name == "secret-seed"]


def test_git_does_not_see_the_seed():
    if not (walls.ROOT / ".git").exists():
        pytest.skip("not a clone")
    command = ["git", "check-ignore", "coursework/secret-seed"]
    assert subprocess.run(command, cwd=walls.ROOT, capture_output=True).returncode == 0


# The proof


@pytest.mark.parametrize(
    "old, new, said",
    [
        ('expect("the offset of one point", ask("offset", X), X[0])', "pass",
         "offset-1 is passed by constants"),
        ("X = secret_rng().normal(size=(1, 2))\nexpect(\"the off", "X = X[1:]\nexpect(\"the off",
         "offset-1 is passed by constants: it draws no hidden input with secret_rng"),
        ("X.mean(axis=0),\n       mistakes", "X.mean(axis=0) + (secret_rng().random() < 0.5),\n"
         "       mistakes", "the solution fails offset-2, when other inputs are drawn"),
        ('### BEGIN HIDDEN TESTS\nX = secret_rng().normal(size=(1, 2))\nexpect("the offset of one '
         'point", ask("offset", X), X[0])\n### END HIDDEN TESTS\n', "",
         "offset-1 has points but no hidden part"),
        ("grade_id: offset-1, grade: true, points: 1", "grade_id: offset-1, grade: true, points: 2",
         "the visible tests have 3 of 9 points, more than a quarter"),
        ('calls=["numpy.var"]', 'calls=["numpy.nanvar"]', "numpy's own\" loses nothing"),
        ('"spread", calls', '"spread", "offset", calls', "offset forbids numpy.var, but no"),
    ],
)  # fmt: skip
def test_a_set_that_gives_points_away_is_not_released(tmp_path, wheel, capsys, old, new, said):
    home = shutil.copytree(SAMPLE, tmp_path / "home")
    # With these hidden inputs the solution that depends on luck has it here, and not elsewhere.
    (home / "secret-seed").write_text("3", encoding="ascii")
    path = home / "problems" / "sample.md"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    assert release.release_all(home) == 1
    assert said in capsys.readouterr().out


def test_the_set_on_the_page_for_teachers_is_right(tmp_path, wheel, capsys):
    page = (walls.ROOT / "book" / "teachers.md").read_text("utf-8")
    source = page.partition("\n````\n")[2].partition("\n````\n")[0]
    mistakes = page.partition("\n```\n# %% ")[2].partition("\n```\n")[0]
    for folder, file, text in [("problems", "own.md", source),
                               ("mistakes", "own.py", f"# %% {mistakes}\n")]:  # fmt: skip
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).write_text(text, "utf-8")
    assert release.release_all(tmp_path) == 0, capsys.readouterr().out
    assert "2 questions, 3 parts, 6 points" in capsys.readouterr().out
