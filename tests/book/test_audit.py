"""The audit breaks what it says it breaks, and a dozen breaks are noticed."""

import ast

import pytest

from audit import chapter, controls, fresh, mutants, operators, seeds
from audit.__main__ import forget_stale

SOURCE = '''
"""Words: 1 + 1."""
import numpy as np
LIMIT = 0.5
def f(W: "1 + 1", n=2):
    """More words: n - 1."""
    if n < 1:
        raise ValueError(f"n must be {n + 1}")
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


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return mutants.Tree(tmp_path_factory.mktemp("library"))


BREAKS = [  # module, before, after, who notices: a chapter's claims, or a test
    ("ppca.py", "signal - noise", "signal", "ppca", "PPCA-"),
    ("ppca.py", "W * cross", "W", "ppca", "PPCA-"),
    ("pca.py", "(X - self.b_) @ self.W_", "(X - self.b_) @ self.W_.T", "test_pca.py", None),
    ("core/loadings.py", "Z @ Z.T / S.n", "Z @ Z.T", "test_pca.py", None),
    ("core/em.py", "latest**2", "latest", "test_em.py", None),
    ("core/em.py", "not 0 < latest < earlier", "0 < latest < earlier", "test_em.py", None),
    ("core/moments.py", "total / n", "total * n", "test_moments.py", None),
]


@pytest.mark.parametrize(("module", "before", "after", "who", "claim"), BREAKS)
def test_a_break_is_noticed(tree, module, before, after, who, claim):
    source = (mutants.LIBRARY / module).read_text(encoding="utf-8")
    mutant = next(
        m for m in operators.mutants(module, source) if (m.before, m.after) == (before, after)
    )
    if claim:
        result = mutants.judge(tree, mutant, [], {who: 30})
        assert any(check.startswith(claim) for check in result["checks"][who]), result
    else:
        result = mutants.judge(tree, mutant, [f"tests/library/{who}"], {})
        assert result["test"].startswith(f"tests/library/{who}::"), result


def test_a_test_that_lost_its_name_is_looked_for_in_its_file(tree):
    assert tree.tests(["tests/library/test_em.py::test_of_an_old_default"]) is None


def test_a_chapter_that_hangs_is_stopped(tree):
    result = tree.chapter("ppca", longest=0.5)
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
    ]
    write_chapter(tmp_path, *cells)
    found = fresh.in_a_copy(controls.run, "a")
    assert set(found) == {"A-1: twice", "A-2: sum"}
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


def test_the_unbroken_library_passes(tree):
    """What the audit reads without a break: every check holds, and another seed is another run."""
    plain, other = tree.chapter("ppca"), tree.chapter("ppca", offset=1)
    for result in plain, other:
        assert not result["errors"]
    assert {outcome for _, _, outcome, _ in plain["checks"]} == {"holds"}
    assert len(plain["checks"]) == len(other["checks"])
