"""The one way to check a claim must itself fail when it should."""

import numpy as np
import pytest

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
        (3.2, 0.0, {"se": 1.0}, True),
        (3.4, 0.0, {"se": 1.0}, False),
        (np.full(1000, 3.4), 0.0, {"se": 1.0}, True),
        ([0.2, 0.3], None, {"above": 0.1}, True),
        ([0.2, 0.1], None, {"above": 0.1}, False),
        ([0.2, 0.3], None, {"below": 0.4}, True),
        ([0.2, 0.4], None, {"below": 0.4}, False),
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"got": 1, "want": 1}, "exactly one of rtol, atol, se, above, below; got None"),
        ({"got": 1, "want": 1, "rtol": 1, "atol": 1}, r"got \['rtol', 'atol'\]"),
        ({"got": 1, "rtol": 1}, "want goes with rtol"),
        ({"got": 1, "want": 2, "above": 1}, "want goes with rtol"),
        ({"got": np.nan, "want": 2, "rtol": 1}, "not all finite"),
        ({"got": np.nan, "want": 2, "rtol": 1, "fails": True}, "not all finite"),
        ({"got": [], "want": [], "rtol": 1}, "nothing to compare"),
    ],
)
def test_misuse_is_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        check("X-1", "what", **arguments)
