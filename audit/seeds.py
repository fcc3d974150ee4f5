"""Run every chapter with other seeds, and count how often each check holds."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from . import fresh
from .chapter import CHAPTERS, ROOT

RESULTS = ROOT / "audit" / "seeds.json"


def digest(chapter: str) -> str:
    """Hash of a chapter's code, by which results that are stale are known."""
    import jupytext

    cells = jupytext.read(CHAPTERS / f"{chapter}.md").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()[:16]


def run(n_seeds: int, names: list[str], jobs: int) -> dict:
    """Count the seeds for which each check holds.

    Parameters
    ----------
    n_seeds : int
        Seeds other than the chapter's own.
    names : list of str
        Chapters.
    jobs : int

    Returns
    -------
    dict
        ``chapters``, the hash of each chapter's code; ``checks``, a list of chapter, claim, what,
        the number of runs that came to it and the number in which it held.
    """

    def one(name_and_seed: tuple[str, int]) -> tuple[str, dict]:
        name, seed = name_and_seed
        return name, fresh.call(ROOT, "audit.chapter", "run", name, seed)

    counts: dict = defaultdict(lambda: [0, 0])
    with ThreadPoolExecutor(jobs) as pool:
        for name, result in pool.map(one, product(names, range(1, n_seeds + 1))):
            seen = defaultdict(int)
            for claim, what, outcome, _ in result["checks"]:
                seen[claim, what] += 1  # a check in a loop has one name and several turns
                count = counts[name, claim, what, seen[claim, what]]
                count[0] += 1
                count[1] += outcome == "holds"
    return {
        "chapters": {name: digest(name) for name in names},
        "seeds": n_seeds,
        "checks": [
            {"chapter": name, "claim": claim, "what": what, "runs": runs, "holds": holds}
            for (name, claim, what, _), (runs, holds) in counts.items()
        ],
    }
