"""The audit breaks what it says it breaks, and a dozen breaks are noticed."""

import ast
import dataclasses
import json

import numpy as np
import pytest

from audit import breaking, chapter, controls, fresh, mutants, operators, seeds
from audit.__main__ import forget_stale
from lvmnotes import linear_factor, ppca

SOURCE = '''
"""Words: 1 + 1."""
import numpy as np
LIMIT = 0.5
def f(W: "1 + 1", n=2):
    """More words: n - 1."""
    check_integer(n, "n", minimum=0)
    W = model._read(W, ensure_min_samples=5)
    if n < 1:
        raise ValueError(f"n must be {n + 1}")
    if n == 3:
        warn("odd", stacklevel=2)
    total = np.sqrt(W.T @ W + n**2).sum(axis=0)
    return -total if n > 2 and LIMIT else max(total, n - 1)
'''


def test_every_kind_of_slip_is_found():
    found = {(mutant.before, mutant.after) for mutant in operators.mutants("m.py", SOURCE)}
    assert found >= {
        ("0.5", "1.0"),
        ("n < 1", "n >= 1"),
        ("W.T", "W"),
        ("W.T @ W", "W @ W"),
        ("W.T @ W", "W.T @ W.T"),
        ("W.T @ W + n**2", "W.T @ W - n ** 2"),
        ("W.T @ W + n**2", "W.T @ W"),
        ("n**2", "n"),
        ("np.sqrt(W.T @ W + n**2)", "W.T @ W + n ** 2"),
        ("np.sqrt(W.T @ W + n**2).sum(axis=0)", "np.sqrt(W.T @ W + n ** 2).mean(axis=0)"),
        ("np.sqrt(W.T @ W + n**2).sum(axis=0)", "np.sqrt(W.T @ W + n ** 2).sum(axis=1)"),
        ("-total", "total"),
        ("n > 2 and LIMIT", "n > 2 or LIMIT"),
        ("max(total, n - 1)", "min(total, n - 1)"),
        ("n - 1", "n"),
        ("1", "0"),
    }


def test_what_refuses_arguments_or_decides_on_a_warning_is_known():
    every = operators.mutants("m.py", SOURCE)
    refusing = {(mutant.before, mutant.after) for mutant in every if mutant.refuses}
    assert refusing == {
        *(("0", "1"), ("n < 1", "n >= 1"), ("1", "2"), ("1", "0")),
        *(("n == 3", "n != 3"), ("3", "4"), ("3", "2"), ("5", "6"), ("5", "4")),
    }


def test_mutants_are_modules_that_compute_something_else():
    """Neither words nor annotations nor messages change, and no line but one."""
    for mutant in operators.mutants("m.py", SOURCE):
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(SOURCE)), mutant.name
        lines = zip(SOURCE.splitlines(), mutant.source.splitlines(), strict=True)
        changed = [number for number, (old, new) in enumerate(lines, 1) if old != new]
        assert changed == [mutant.line]
        assert not {'"""', "raise", "def f"} & set(SOURCE.splitlines()[mutant.line - 1].split())


def test_a_sample_is_the_same_every_time_and_part_of_a_larger_one():
    small, again, large = (
        [mutant.name for mutant in mutants.sample(number, ["ppca.py"])] for number in (3, 3, 5)
    )
    assert small == again == large[:3]
    assert len(set(large)) == 5


def test_every_module_that_computes_has_enough_mutants():
    """A module that joins the library joins the audit by itself."""
    few = {"__init__.py", "core/__init__.py", "core/blocks.py", "core/warn.py"}
    few |= {"coursework/shell.py", "notebook/live_figure.py"}  # every mutant they have is drawn
    for module in set(mutants.modules()) - few:
        assert len(mutants.sample(15, [module])) == 15, module


def the_mutant(module, before, after):
    every = operators.mutants(module, (mutants.LIBRARY / module).read_text(encoding="utf-8"))
    return next(one for one in every if (one.before, one.after) == (before, after))


NOTICED = {  # module, before, after: a test that fails
    ("pca.py", "(X - self.b_) @ self.W_", "(X - self.b_) @ self.W_.T"): (
        "test_pca.py::test_error_is_the_sum_of_the_discarded_eigenvalues[tall]"
    ),
    ("core/loadings.py", "Z @ Z.T / S.n", "Z @ Z.T"): (
        "test_pca.py::test_the_two_ways_of_fitting_agree"
    ),
    ("core/em.py", "latest**2", "latest"): (
        "test_em.py::test_tolerance_bounds_what_is_left_to_gain[0.5]"
    ),
    ("core/em.py", "not 0 < latest < earlier", "0 < latest < earlier"): (
        "test_em.py::test_tolerance_bounds_what_is_left_to_gain[0.5]"
    ),
    (
        "core/moments.py",
        "total / n",
        "total * n",
    ): "test_moments.py::test_any_split_adds_up_to_the_whole",
}


def test_tests_notice_breaks_of_their_modules_and_no_others():
    """Of all these tests together, each break fails its own or one before it."""
    tests = {name: f"tests/library/{test}" for name, test in NOTICED.items()}
    nodes = {the_mutant(*name): [test] for name, test in tests.items()}
    constant = the_mutant("rotation.py", "60", "61")  # which these tests do not use
    nodes[constant] = sorted(set(tests.values()))
    untested = the_mutant("slow_features.py", "1e-10", "2e-10")
    nodes[untested] = []
    found = fresh.call(mutants.ROOT, "audit.mutants", "failing_tests", nodes)
    assert found == {the_mutant(*name).name: test for name, test in tests.items()} | {
        constant.name: None,
        untested.name: None,
    }


def test_a_chapter_notices_breaks_of_the_lines_it_executes():
    breaks = [("ppca.py", "signal - noise", "signal"), ("ppca.py", "W * cross", "W")]
    elsewhere = the_mutant("slow_features.py", "1e-10", "2e-10")
    broken = [the_mutant(*place) for place in breaks]
    found = mutants.ask_chapter("ppca", [*broken, elsewhere])
    for mutant in broken:
        failing, _ = found[mutant.name]
        assert any(check.startswith("PPCA-") for check in failing), mutant.name
    assert found[elsewhere.name] is None


def test_chapters_are_asked_only_about_what_claims_are_about(monkeypatch):
    formula = the_mutant("core/em.py", "latest**2", "latest")
    refusals = [mutants.sample(1, ["core/validation.py"])[0], the_mutant("core/em.py", "0", "1")]
    monkeypatch.setattr(chapter, "names", lambda: ["ica", "ppca"])
    monkeypatch.setattr(fresh, "call", lambda *_: ({}, {}))
    monkeypatch.setattr(mutants, "ask_tests", lambda asked, *_: {it.name: "a test" for it in asked})
    answers = {"ica": None, "ppca": (["PPCA-1: a check"], [3, "ValueError", "shapes differ"])}
    monkeypatch.setattr(
        mutants, "ask_chapter", lambda name, asked: {it.name: answers[name] for it in asked}
    )
    asked = [formula, *refusals]
    rows = {mutant.name: mutants.unjudged(mutant) for mutant in asked}
    assert sorted(mutants.run(asked, rows, jobs=1)) == ["ica", "ppca", "tests", "tests"]
    for row in [rows[it.name] for it in refusals]:  # no chapter was run, none is left to ask
        assert sorted(row["asked"]) == ["ica", "ppca", "tests"]
        assert not (row["chapters"] or row["checks"] or row["stopped"])
    found = rows[formula.name]
    assert sorted(found["asked"]) == ["ica", "ppca", "tests"] and found["test"] == "a test"
    assert found["chapters"] == ["ppca"] and found["checks"] == {"ppca": ["PPCA-1: a check"]}
    assert "tests" not in mutants.run(asked, rows, jobs=1)  # they have answered


def test_nobody_is_asked_in_vain(monkeypatch, tmp_path):
    """Not about a break that changes nothing; no second chapter about one that has stopped one."""
    equal = the_mutant("core/em.py", "latest**2", "latest")
    broken = the_mutant("core/em.py", "3", "2")
    rows = {mutant.name: mutants.unjudged(mutant) for mutant in (equal, broken)}
    entry = {"reason": "x", "equivalent": True, "breaks": [mutants.named(rows[equal.name])]}
    (tmp_path / "survivors.yml").write_text(json.dumps([entry]))
    monkeypatch.setattr(mutants, "REASONS", tmp_path / "survivors.yml")
    monkeypatch.setattr(fresh, "call", lambda *_: ({}, {}))
    monkeypatch.setattr(mutants, "ask_tests", lambda asked, *_: {it.name: "a test" for it in asked})
    stopped = [], [3, "ValueError", "shapes differ"]
    monkeypatch.setattr(
        mutants, "ask_chapter", lambda name, asked: {it.name: stopped for it in asked}
    )
    for chapters in (["ica"], ["ica", "ppca"]):
        monkeypatch.setattr(chapter, "names", lambda chapters=chapters: chapters)
        list(mutants.run([equal, broken], rows, jobs=1))
    assert rows[equal.name] == mutants.unjudged(equal)
    assert sorted(rows[broken.name]["asked"]) == ["ica", "tests"]


def test_a_constant_is_broken_where_it_was_imported():
    def broken():
        breaking.put(the_mutant("linear_factor.py", "2 * np.pi", "2 / np.pi"))
        return linear_factor.LOG_2_PI, ppca.LOG_2_PI

    assert fresh.in_a_copy(broken) == (np.log(2 / np.pi),) * 2


def test_a_break_that_changes_nothing_is_refused():
    mutant = the_mutant("core/em.py", "latest**2", "latest")
    same = dataclasses.replace(mutant, source=(mutants.LIBRARY / mutant.module).read_text("utf-8"))
    with pytest.raises(AssertionError, match="changes nothing here"):
        breaking.put(same)


def test_a_chapter_that_hangs_is_stopped():
    result = fresh.call(mutants.ROOT, "audit.chapter", "run", "ppca", longest=0.5)
    assert result["errors"][-1][1:] == ["_Enough", "the time is over"]
    assert result["seconds"] < 10


def test_results_of_changed_modules_are_forgotten():
    result = {"modules": {"pca.py": "same", "ppca.py": "old", "gone.py": "gone"}}
    result["mutants"] = [{"module": module} for module in result["modules"]]
    forget_stale(result, "modules", "module", {"pca.py": "same", "ppca.py": "new"})
    assert result == {"modules": {"pca.py": "same"}, "mutants": [{"module": "pca.py"}]}


def write_chapter(folder, *cells):
    """Write a chapter named a."""
    head = "---\nkernelspec: {display_name: Python 3, name: python3}\n---\n\n"
    blocks = [f"```{{code-cell}}\n{cell}\n```" for cell in cells]
    (folder / "a.md").write_text(head + "\n\n".join(blocks), encoding="utf-8")


def test_the_hash_of_a_chapter_is_that_of_what_it_computes(tmp_path, monkeypatch):
    monkeypatch.setattr(chapter, "CHAPTERS", tmp_path)

    def digest(code):
        write_chapter(tmp_path, code)
        return chapter.digest("a")

    plain = digest("x = 1\nplots.lines(x, 'red')\nplt.show()")
    assert plain == digest("x  =  1  # words\nplots.lines(x, 'blue').figure")
    assert plain != digest("x = 2\nplots.lines(x, 'red')")


def test_a_check_is_broken_by_its_cell_or_by_one_before(tmp_path, monkeypatch):
    """The control needs no break, and what cannot fail is not among the checks that did."""
    monkeypatch.setattr(chapter, "CHAPTERS", tmp_path)
    cells = [
        "from lvmnotes.notebook.check import check\ndef twice(x):\n    return 2 * x",
        "check('A-1', 'twice', twice(3), 6, atol=0)\ncheck('A-1', 'empty', len([]), 0, atol=0)",
        "a = 1\ncheck('A-2', 'sum', a + 1, 2, atol=0)",
        "from numpy import eye\nfrom lvmnotes.core.loadings import orient",
        "check('A-3', 'signs', orient(eye(2)), eye(2), atol=0)",
        "for b in (-2, 2):\n    check('A-4', f'b is {b}', b, below=0, fails=b == 2)",
    ]
    write_chapter(tmp_path, *cells)
    found = fresh.in_a_copy(controls.run, "a")
    assert set(found) == {"A-1: twice", "A-2: sum", "A-3: signs", "A-4: b is -2"}
    assert found["A-4: b is -2"] == {"place": "cell 6, line 2", "control": "b is 2"}
    without = fresh.in_a_copy(controls.run, "a", ["A-2: sum"])
    assert set(without) == set(found) - {"A-2: sum"}
    assert found["A-1: twice"]["place"] == "cell 1, line 3"


def test_checks_in_a_loop_are_counted_apart():
    result = {"chapters": {}, "seeds": {}, "checks": []}
    for holds in (True, False):
        seeds.add(result, "ppca", {("A", "x", 1): True, ("A", "x", 2): holds})
    assert result["seeds"] == {"ppca": 2}
    assert [(one["turn"], one["runs"], one["holds"]) for one in result["checks"]] == [
        (1, 2, 2),
        (2, 2, 1),
    ]


def test_the_unbroken_library_passes():
    """What the audit reads without a break: every check holds, and another seed is another run."""
    plain, other = (
        fresh.call(mutants.ROOT, "audit.chapter", "run", "ppca", offset=offset) for offset in (0, 1)
    )
    for result in plain, other:
        assert not result["errors"]
    assert {outcome for _, _, outcome, _ in plain["checks"]} == {"holds"}
    assert len(plain["checks"]) == len(other["checks"])
