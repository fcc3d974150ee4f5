"""One way to check a claim: a line of evidence for the reader, and the same numbers as data."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

MIME_TYPE = "application/vnd.lvmnotes.check+json"
#: Gaps below this are round-off: their last digits differ from machine to machine, so a power of
#: ten that bounds them is all there is to report.
ROUND_OFF = 1e-9
#: Probability that a true claim fails a check in standard errors, all its values together.
FALSE_ALARM = 1e-3


class _Evidence:
    """What `check` displays: a sentence, with the numbers beside it under `MIME_TYPE`."""

    def __init__(self, sentence: str, numbers: dict):
        self.sentence, self.numbers = sentence, numbers

    def __repr__(self) -> str:
        return self.sentence

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/plain": self.sentence, MIME_TYPE: self.numbers}


def check(
    claim: str,
    what: str,
    got: ArrayLike,
    want: ArrayLike | None = None,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    se: ArrayLike | None = None,
    above: float | None = None,
    below: float | None = None,
    fails: bool = False,
) -> None:
    """Compare two results, display the evidence in one line, raise if the claim fails.

    Exactly one yardstick is given. ``rtol``, ``atol`` and ``se`` compare ``got`` with ``want``;
    ``above`` and ``below`` bound ``got`` itself.

    Parameters
    ----------
    claim : str
        Identifier of the claim in the ledger, such as ``"FA-3"``.
    what : str
        What is compared, in words a reader understands.
    got, want : array_like
        The two results; they broadcast against each other.
    rtol : float
        The largest difference, divided by the largest absolute value of ``want``, stays within
        this.
    atol : float
        The largest absolute difference stays within this.
    se : array_like
        Standard errors of ``got``: the largest difference in standard errors stays within the
        two-sided Gaussian limit that a true claim passes with probability 0.999, all values
        together (Bonferroni).
    above, below : float
        Every value of ``got`` is strictly above (below) this.
    fails : bool
        A negative control: the comparison must *not* hold, or this check raises.

    Raises
    ------
    AssertionError
        If the claim fails, or if a control holds.
    ValueError
        If the arguments do not name exactly one yardstick, or a value is not finite.
    """
    yardsticks = {"rtol": rtol, "atol": atol, "se": se, "above": above, "below": below}
    given = [name for name, value in yardsticks.items() if value is not None]
    if len(given) != 1:
        raise ValueError(f"check needs exactly one of {', '.join(yardsticks)}; got {given or None}")
    kind = given[0]
    if (want is None) != (kind in ("above", "below")):
        raise ValueError("want goes with rtol, atol or se, and is left out with above or below")

    got = np.asarray(got, dtype=float)
    if got.size == 0:
        raise ValueError(f"{claim}, {what}: there is nothing to compare")
    if kind in ("above", "below"):
        limit = float(above if kind == "above" else below)
        measured = got.min() if kind == "above" else got.max()
        holds = bool(measured > limit if kind == "above" else measured < limit)
        words = f"{measured:.4g} (asked: {kind} {limit:.4g})"
    else:
        difference = np.abs(got - np.asarray(want, dtype=float))
        if kind == "se":
            difference = difference / np.asarray(se, dtype=float)
            limit = float(stats.norm.isf(FALSE_ALARM / 2 / difference.size))
            unit = " standard errors"
        elif kind == "rtol":
            difference = difference / np.abs(want).max()
            limit, unit = float(rtol), " of the largest value"
        else:
            limit, unit = float(atol), ""
        measured = difference.max()
        holds = bool(measured <= limit)
        count = f"; {difference.size} values" if difference.size > 1 else ""
        words = f"largest gap {_readable(measured)}{unit} (limit {limit:.2g}{count})"
    if not np.isfinite(measured):
        raise ValueError(f"{claim}, {what}: the values compared are not all finite")

    outcome = "holds" if holds else "fails"
    numbers = {
        "claim": claim,
        "what": what,
        "kind": kind,
        "gap": _readable(measured),
        "limit": f"{limit:.2g}",
        "values": int(got.size),
        "fails": fails,
    }
    control = " (control: must fail)" if fails else ""
    sentence = f"{claim} {outcome}{control}: {what}: {words}"
    if holds == fails:
        raise AssertionError(sentence)
    _show(_Evidence(sentence, numbers))


def _show(evidence: _Evidence) -> None:
    """Display in a notebook, print where there is no IPython."""
    try:
        from IPython.display import display
    except ImportError:
        display = print
    display(evidence)


def _readable(gap: float) -> str:
    """Two digits, or for round-off the power of ten that bounds it."""
    if 0 < abs(gap) < ROUND_OFF:
        return f"< 1e{math.ceil(math.log10(abs(gap)))}"
    return f"{gap:.2g}"
