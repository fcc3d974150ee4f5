"""Checks of claims: one line of evidence for the reader, and the same numbers as data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..core.validation import check_not_masked, check_real

MIME_TYPE = "application/vnd.lvmnotes.check+json"
#: Gaps below this are round-off: their digits differ from machine to machine, so only a power of
#: ten that bounds them is reported.
ROUND_OFF = 1e-9
#: Probability that a true claim fails a check in standard errors, for all its values together.
FALSE_ALARM = 1e-3


class _Evidence:
    """The output of `check`: a sentence, and the numbers as data under `MIME_TYPE`."""

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
    got : array_like
        Real numbers, all finite.
    want : array_like
        A single number, or as many as in ``got``, of the same shape.
    rtol : float
        The largest difference, divided by the largest absolute value of ``want``, stays within
        this. Where ``want`` is zero throughout, so must be ``got``.
    atol : float
        The largest absolute difference stays within this.
    se : array_like
        Standard errors of ``got``, all positive: a single one, or one for each value. The largest
        difference in standard errors stays within the two-sided Gaussian limit that a true claim
        passes with probability 0.999, all values together (Bonferroni).
    above, below : float
        Every value of ``got`` is strictly above (below) this.
    fails : bool
        A negative control: the comparison must *not* hold, or this check raises.

    Raises
    ------
    AssertionError
        If the claim fails, or if a control holds.
    TypeError
        If an argument is not of the kind stated above, or an array is masked.
    ValueError
        If the arguments do not name exactly one yardstick, if a value is not finite or a shape
        does not fit, or if a tolerance is negative or a standard error not positive.
    """
    for name, text in (("claim", claim), ("what", what)):
        if not isinstance(text, str) or not text.strip():
            raise TypeError(f"{name} must be a text, got {text!r}")
    if not isinstance(fails, bool | np.bool_):
        raise TypeError(f"fails must be True or False, got {fails!r}")
    yardsticks = {"rtol": rtol, "atol": atol, "se": se, "above": above, "below": below}
    given = [name for name, value in yardsticks.items() if value is not None]
    if len(given) != 1:
        raise ValueError(f"check needs exactly one of {', '.join(yardsticks)}; got {given or None}")
    kind = given[0]
    if (want is None) != (kind in ("above", "below")):
        raise ValueError(
            "want is required with rtol, atol or se, and not allowed with above or below"
        )

    got = _numbers(got, "got")
    if kind in ("above", "below"):
        limit = check_real(yardsticks[kind], kind)
        measured = got.min() if kind == "above" else got.max()
        holds = bool(measured > limit if kind == "above" else measured < limit)
        words = f"{measured:.4g} (asked: {kind} {limit:.4g})"
    else:
        want = _numbers(want, "want", got.shape)
        unit = {"rtol": " of the largest value", "atol": "", "se": " standard errors"}[kind]
        if kind == "se":
            scale = _numbers(se, "se", got.shape, kinds="iuf")
            if (scale <= 0).any():
                raise ValueError(f"se must be positive, got {scale.min():g}")
            limit = float(stats.norm.isf(FALSE_ALARM / 2 / got.size))
        else:
            scale = np.abs(want).max() if kind == "rtol" else 1.0
            limit = check_real(yardsticks[kind], kind, minimum=0)
        with np.errstate(over="ignore", divide="ignore"):  # an infinite gap is beyond every limit
            gaps = np.abs(got - want)
            measured = np.divide(gaps, scale, out=np.zeros_like(gaps), where=gaps > 0).max()
        holds = bool(measured <= limit)
        count = f"; {got.size} values" if got.size > 1 else ""
        words = f"largest gap {_readable(measured)}{unit} (limit {limit:.2g}{count})"

    outcome = "holds" if holds else "fails"
    numbers = {
        "claim": claim,
        "what": what,
        "kind": kind,
        "gap": _readable(measured),
        "limit": f"{limit:.2g}",
        "values": int(got.size),
        "fails": bool(fails),
    }
    control = " (control: must fail)" if fails else ""
    sentence = f"{claim} {outcome}{control}: {what}: {words}"
    if holds == fails:
        raise AssertionError(sentence)
    _show(_Evidence(sentence, numbers))


def _numbers(
    values: Any, name: str, shape: tuple[int, ...] | None = None, kinds: str = "biuf"
) -> np.ndarray:
    """Return finite real numbers as an array, or raise.

    The array has the given shape, or is a single number; ``kinds`` are numpy's of its type.
    """
    check_not_masked(values, name)
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} must be an array of numbers: {error}") from error
    if array.dtype.kind not in kinds:
        raise TypeError(f"{name} must hold real numbers, got {array.dtype} in {values!r:.80}")
    if array.size == 0:
        raise ValueError(f"{name} is empty: there is nothing to compare")
    if shape is not None and array.shape not in ((), shape):
        raise ValueError(
            f"{name} must be a single number or have the shape of got, {shape}; got shape "
            f"{array.shape}"
        )
    if array.dtype.kind in "iu" and (np.abs(array.astype(float)) >= 2**53).any():
        raise ValueError(f"{name} has integers of 2**53 or more, which floats do not tell apart")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; not all of its values are")
    return array.astype(np.result_type(array, np.float64))


def _show(evidence: _Evidence) -> None:
    """Display in a notebook, print where there is no IPython."""
    try:
        from IPython.display import display
    except ImportError:
        display = print  # type: ignore[assignment]
    display(evidence)


def _readable(gap: float) -> str:
    """Return two digits, or for round-off a power of ten that bounds it."""
    if 0 < abs(gap) < ROUND_OFF:
        return f"< 1e{math.ceil(math.log10(abs(gap)))}"
    return f"{gap:.2g}"
