"""Run every chapter with other seeds, and count how often each check holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from . import fresh
from .chapter import ROOT

RESULTS = ROOT / "audit" / "seeds.json"


def run(turns: Iterable[tuple[str, int]], jobs: int) -> Iterator[tuple[str, dict]]:
    """Run chapters with other seeds.

    Parameters
    ----------
    turns : iterable of (str, int)
        Chapters, and what is added to every seed of each.
    jobs : int

    Yields
    ------
    chapter : str
    outcomes : dict
        By claim, description and turn of a check in a loop, whether it held.
    """
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(_outcomes, turns)


def _outcomes(turn: tuple[str, int]) -> tuple[str, dict]:
    name, offset = turn
    seen, outcomes = Counter(), {}
    for claim, what, outcome, _ in fresh.call(ROOT, "audit.chapter", "run", name, offset)["checks"]:
        seen[claim, what] += 1
        outcomes[claim, what, seen[claim, what]] = outcome == "holds"
    return name, outcomes


def add(result: dict, name: str, outcomes: dict) -> None:
    """Add one run of a chapter to the counts of its checks."""
    result["seeds"][name] = result["seeds"].get(name, 0) + 1
    counts = {
        (one["chapter"], one["claim"], one["what"], one["turn"]): one for one in result["checks"]
    }
    for (claim, what, turn), holds in outcomes.items():
        found = counts.get((name, claim, what, turn))
        if found is None:
            found = {"chapter": name, "claim": claim, "what": what, "turn": turn}
            found |= {"runs": 0, "holds": 0}
            result["checks"].append(found)
        found["runs"] += 1
        found["holds"] += holds
