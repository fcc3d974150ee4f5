"""Sums over blocks of data that do not have to fit in memory together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TypeVar

Part = TypeVar("Part")


def tree_sum(parts: Sequence[Part], add: Callable[[Part, Part | None], Part]) -> Part:
    """Add the parts in pairs, then the sums in pairs, until one sum remains.

    In this order a sum of many parts has the smallest round-off, and parts on different machines
    can be added where they are.

    Parameters
    ----------
    parts : sequence
        At least one.
    add : callable
        The sum of two parts; the second is None where the number of parts is odd.

    Returns
    -------
    The sum
    """
    parts = list(parts)
    while len(parts) > 1:
        parts = [add(*pair) for pair in zip_longest(parts[::2], parts[1::2])]
    return parts[0]
