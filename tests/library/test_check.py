"""The one way to check a claim must itself fail when it should."""

import subprocess
import sys
import textwrap
import types

import numpy as np
import pytest
from scipy import sparse

from lvmnotes import check
from lvmnotes.notebook.check import MIME_TYPE


@pytest.fixture
def shown(monkeypatch):
    """Evidence that `check` displays."""
    evidence = []
    monkeypatch.setattr("lvmnotes.notebook.check._show", evidence.append)
    return evidence


@pytest.mark.parametrize(
    ("got", "want", "yardstick", "holds"),
    [
        ([1.0, 2.0], [1.0, 2.02], {"rtol": 0.0101}, True),
        ([1.0, 2.0], [1.0, 2.02], {"rtol": 0.0098}, False),
        ([1.0, 2.0], [1.1, 2.0], {"atol": 0.11}, True),
        ([1.0, 2.0], [1.1, 2.0], {"atol": 0.09}, False),
        ([[1.0, 1.0]], 1.0, {"atol": 0}, True),
        (3.2, 0.0, {"se": 1.0}, True),
        (3.4, 0.0, {"se": 1.0}, False),
        ([0.0, 3.4], [0.0, 0.0], {"se": [0.1, 1.0]}, True),
        ([0.4, 3.4], [0.0, 0.0], {"se": [0.1, 1.0]}, False),
        (np.full(1000, 3.4), 0.0, {"se": 1.0}, True),
        ([0.2, 0.3], None, {"above": 0.1}, True),
        ([0.2, 0.1], None, {"above": 0.1}, False),
        ([0.2, 0.3], None, {"below": 0.4}, True),
        ([0.2, 0.4], None, {"below": 0.4}, False),
        # Nothing is within a part of zero, but zero is zero.
        (0.0, 0.0, {"rtol": 1e-12}, True),
        (np.zeros(3), np.zeros(3), {"rtol": 0}, True),
        (1e-300, 0.0, {"rtol": 0.5}, False),
        ([0.0, 0.0], [0.0, 1.0], {"rtol": 0.5}, False),
        (True, True, {"atol": 0}, True),
        (np.uint8(1), np.uint8(2), {"atol": 10}, True),
        (np.uint8(1), np.uint8(2), {"atol": 0.5}, False),
        # The difference is beyond the largest float.
        (1.5e308, -1.5e308, {"atol": 1e308}, False),
        (1.5e308, -1.5e308, {"rtol": 1}, False),
    ],
)
def test_holds_or_raises_and_controls_the_other_way_round(shown, got, want, yardstick, holds):
    if holds:
        check("X-1", "what", got, want, **yardstick)
        with pytest.raises(AssertionError, match="X-1 holds .control: must fail.: what"):
            check("X-1", "what", got, want, fails=True, **yardstick)
    else:
        with pytest.raises(AssertionError, match="X-1 fails: what"):
            check("X-1", "what", got, want, **yardstick)
        check("X-1", "what", got, want, fails=True, **yardstick)
    numbers = shown[0]._repr_mimebundle_()[MIME_TYPE]
    assert numbers["claim"] == "X-1" and numbers["fails"] is not holds


def test_round_off_is_reported_as_a_bound(shown):
    check("X-1", "what", 1 + 3e-14, 1.0, rtol=1e-12)
    assert "< 1e-13 of the largest value (limit 1e-12)" in repr(shown[0])
    check("X-1", "what", [0.9e-9, 0.0], 0, atol=1)
    assert "gap < 1e-9 (" in repr(shown[1])
    check("X-1", "what", [1.1e-9, 0.0], 0, atol=1)
    assert "gap 1.1e-09 (" in repr(shown[2])


def test_extended_precision_is_not_cut_to_double(shown):
    step = np.finfo(np.longdouble).eps
    with pytest.raises(AssertionError, match="X-1 fails"):
        check("X-1", "what", 1 + step, 1.0, atol=0)


MASKED = np.ma.masked_array([1.0, 9.0], [False, True])


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "exactly one of rtol, atol, se, above, below; got None"),
        ({"rtol": 1, "atol": 1}, ValueError, r"got \['rtol', 'atol'\]"),
        ({"want": None, "rtol": 1}, ValueError, "want is required with rtol"),
        ({"above": 1}, ValueError, "want is required with rtol"),
        ({"claim": None, "rtol": 1}, TypeError, "claim must be a text, got None"),
        ({"what": " ", "rtol": 1}, TypeError, "what must be a text, got ' '"),
        ({"fails": 1, "rtol": 1}, TypeError, "fails must be True or False, got 1"),
        ({"fails": np.nan, "rtol": 1}, TypeError, "fails must be True or False, got nan"),
        # Values.
        ({"got": np.nan, "rtol": 1}, ValueError, "got must be finite"),
        ({"want": np.nan, "rtol": 1}, ValueError, "want must be finite"),
        ({"got": np.inf, "want": np.inf, "atol": 1}, ValueError, "got must be finite"),
        ({"got": np.inf, "rtol": 1}, ValueError, "got must be finite"),
        ({"want": -np.inf, "atol": 1}, ValueError, "want must be finite"),
        ({"got": [2, np.inf], "want": None, "above": 1}, ValueError, "got must be finite"),
        ({"got": [0, -np.inf], "want": None, "below": 1}, ValueError, "got must be finite"),
        ({"got": 1 + 0j, "rtol": 1}, TypeError, "got must hold real numbers, got complex"),
        ({"want": 1 + 0j, "atol": 1}, TypeError, "want must hold real numbers, got complex"),
        ({"got": "1", "rtol": 1}, TypeError, "got must hold real numbers, got <U1"),
        ({"got": ["1", "2"], "want": None, "above": 0}, TypeError, "got must hold real numbers"),
        ({"want": "1", "atol": 1}, TypeError, "want must hold real numbers"),
        ({"got": np.array([1, 2], object), "rtol": 1}, TypeError, "got .* got object"),
        ({"got": None, "rtol": 1}, TypeError, "got must hold real numbers"),
        ({"got": (n for n in [1]), "rtol": 1}, TypeError, "got must hold real numbers"),
        ({"got": {"a": 1}, "rtol": 1}, TypeError, "got must hold real numbers"),
        ({"got": sparse.eye_array(2), "rtol": 1}, TypeError, "got must hold real numbers"),
        ({"got": [[1, 2], [3]], "rtol": 1}, ValueError, "got must be an array of numbers"),
        ({"got": 10**400, "rtol": 1}, TypeError, "got must hold real numbers"),
        ({"got": 2**53 + 1, "want": 2**53, "atol": 0}, ValueError, "got has integers of 2"),
        ({"got": [1, 2**53], "want": [1, 2**53], "atol": 0}, ValueError, "got has integers of 2"),
        ({"got": np.int64(-(2**63)), "atol": 0}, ValueError, "got has integers of 2"),
        ({"got": [], "want": [], "rtol": 1}, ValueError, "got is empty: there is nothing"),
        ({"got": [], "want": None, "above": 0}, ValueError, "got is empty: there is nothing"),
        ({"want": [], "rtol": 1}, ValueError, "want is empty"),
        ({"got": MASKED, "want": 1, "atol": 0}, TypeError, "got is a masked array"),
        ({"want": MASKED, "atol": 0}, TypeError, "want is a masked array"),
        # Shapes that only broadcast.
        ({"got": 1, "want": [1, 1], "atol": 0}, ValueError, r"want .* shape of got, \(\)"),
        ({"got": [1, 1], "want": [[1, 1]], "atol": 0}, ValueError, r"got shape \(1, 2\)"),
        ({"got": [[1], [1]], "want": [1, 1], "atol": 0}, ValueError, r"got shape \(2,\)"),
        ({"got": np.ones((2, 2)), "want": [1, 1], "rtol": 0}, ValueError, r"got shape \(2,\)"),
        ({"got": [1, 1], "want": [1], "atol": 0}, ValueError, r"got shape \(1,\)"),
        ({"got": [1, 1], "want": [1, 1, 1], "atol": 0}, ValueError, r"got shape \(3,\)"),
        ({"got": [1, 1], "want": 1, "se": [[1], [1]]}, ValueError, "se must be a single number"),
        ({"se": [1, 1]}, ValueError, "se must be a single number"),
        # Yardsticks.
        ({"se": 0}, ValueError, "se must be positive, got 0"),
        ({"se": -1}, ValueError, "se must be positive, got -1"),
        ({"got": [1, 1], "want": 1, "se": [1, 0]}, ValueError, "se must be positive, got 0"),
        ({"se": np.nan}, ValueError, "se must be finite"),
        ({"se": np.inf}, ValueError, "se must be finite"),
        ({"se": "1"}, TypeError, "se must hold real numbers"),
        ({"se": True}, TypeError, "se must hold real numbers, got bool"),
        *(
            ({kind: value}, error, f"{kind} must be {words}")
            for kind in ("rtol", "atol")
            for value, error, words in [
                (-1e-9, ValueError, "at least 0"),
                (np.nan, ValueError, "finite"),
                (np.inf, ValueError, "finite"),
                (True, TypeError, "a number"),
                ("1", TypeError, "a number"),
                (1j, TypeError, "a number"),
                ([1, 1], TypeError, "a number"),
            ]
        ),
        *(
            ({"want": None, kind: value}, error, f"{kind} must be {words}")
            for kind in ("above", "below")
            for value, error, words in [
                (np.nan, ValueError, "finite"),
                (np.inf, ValueError, "finite"),
                (-np.inf, ValueError, "finite"),
                (False, TypeError, "a number"),
                ("0", TypeError, "a number"),
                ([0, 0], TypeError, "a number"),
            ]
        ),
    ],
)
def test_misuse_is_an_error_for_controls_too(shown, arguments, error, message, fails):
    given = {"claim": "X-1", "what": "what", "got": 1, "want": 1, "fails": fails} | arguments
    with pytest.raises(error, match=message):
        check(**given)
    assert shown == []


def test_prints_where_there_is_no_jupyter():
    """The library alone: no IPython, no widgets, no pictures until they are used."""
    code = """
        import sys

        for name in ("IPython", "ipywidgets", "PIL", "matplotlib"):
            sys.modules[name] = None  # "not installed"
        import lvmnotes
        lvmnotes.check("X-1", "one, against one", 1.0, 1.0, rtol=1e-12)
        try:
            lvmnotes.explore
        except ImportError as error:
            print(error)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    evidence, advice = run.stdout.splitlines()
    assert evidence == (
        "X-1 holds: one, against one: largest gap 0 of the largest value (limit 1e-12)"
    )
    assert advice == (
        "lvmnotes.explore needs IPython, ipywidgets, matplotlib and Pillow: "
        "pip install ipywidgets matplotlib"
    )


def test_the_functions_do_not_hide_their_modules():
    import lvmnotes.notebook.check
    import lvmnotes.notebook.explore

    for name in ("check", "explore"):
        module = getattr(lvmnotes.notebook, name)
        assert isinstance(module, types.ModuleType)
        assert getattr(lvmnotes, name) is getattr(module, name)


def test_importing_the_library_imports_no_jupyter():
    code = "import lvmnotes, sys; print(*{'IPython', 'ipywidgets', 'matplotlib'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
