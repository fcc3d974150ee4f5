"""Figures that the reader drags: the data with which a script on the page computes and draws."""

from __future__ import annotations

import json
import re

import numpy as np

from ..core.validation import check_not_masked

#: Significant digits of the numbers that a page carries.
DIGITS = 7


class _Settings:
    """The output of `live_figure`: nothing to see, and the data for the page's script."""

    def __init__(self, name: str, data: str):
        self.name, self.data = name, data

    def __repr__(self) -> str:
        return f"On the book's page, the figure above can be dragged ({self.name})."

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        script = f'<script type="application/json" data-figure="{self.name}">{self.data}</script>'
        return {"text/html": script, "text/plain": repr(self)}


def live_figure(name: str, /, **data) -> _Settings:
    """Let the reader of the book's page drag the figure of the cell above.

    On the page, the script ``book/_static/figures/<name>.js`` takes the place of that figure, which
    is what remains where no script runs: on paper, in a notebook, in a page without JavaScript.

    Parameters
    ----------
    name : str
        Name of the script: small letters and hyphens.
    **data
        What the script works with: numbers, texts, arrays, and lists and dicts of them. Numbers are
        passed on with 7 significant digits.

    Returns
    -------
    object
        An output without anything to see, to be the last expression of a cell.

    Raises
    ------
    TypeError
        If `name` is not such a text, or if a script cannot have the data.
    ValueError
        If a number is not finite.

    Examples
    --------
    >>> from lvmnotes import live_figure
    >>> live_figure("pca-line", covariance=[[1, 0.5], [0.5, 1]])
    On the book's page, the figure above can be dragged (pca-line).
    """
    if not (isinstance(name, str) and re.fullmatch(r"[a-z]+(-[a-z]+)*", name)):
        raise TypeError(f"name must be a text of small letters and hyphens; got {name!r}")
    readable = {key: _readable(value, key) for key, value in data.items()}
    text = json.dumps(readable, ensure_ascii=False, separators=(",", ":"))
    return _Settings(name, text.replace("<", "\\u003c"))  # no "</script>" in it


def _readable(value, name):
    """Return data as JSON has it, or raise an error that names where it is."""
    if isinstance(value, dict):
        return {str(key): _readable(item, f"{name}[{key!r}]") for key, item in value.items()}
    if isinstance(value, str | bool | np.bool_):
        return value if isinstance(value, str) else bool(value)
    if isinstance(value, list | tuple):
        return [_readable(item, f"{name}[{i}]") for i, item in enumerate(value)]
    check_not_masked(value, name)
    array = np.asarray(value)
    if array.dtype.kind not in "iufb":
        raise TypeError(f"{name} must hold numbers or texts; got {value!r:.80}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; not all of its values are")
    return _digits(array.tolist())


def _digits(values):
    """Return nested lists of numbers, shortened to what a page needs."""
    if isinstance(values, list):
        return [_digits(value) for value in values]
    if isinstance(values, int):  # also True and False
        return values
    short = float(f"{values:.{DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 10**DIGITS else short
