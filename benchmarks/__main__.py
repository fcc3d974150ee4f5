"""Compare the library with its peers: `python -m benchmarks [words of a case's name]`.

All runners of a case take turns in one process, with the same number of BLAS threads, so that
other load on the machine affects all of them equally; the result is a ratio of medians. Results
are written to benchmarks/results.json, and as a page to book/benchmarks.md.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # numpy reads this when it is imported, so set it first

import numpy as np  # noqa: E402

from benchmarks.cases import CASES, Race  # noqa: E402

RESULTS = Path(__file__).with_name("results.json")
PAGE = RESULTS.parent.parent / "book" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

This page compares the library with its peers, on data simulated from the model that is fitted, or
on real data where the title says so (digits, patches, yearly counts, chapters). The programs of
each comparison run in turn, in one process, with one BLAS thread; the times are medians over the
turns. The machine was shared with other work, so the ratios are more reliable than the
milliseconds; how far the ratio of single turns varies stands beside each of them. *Memory* is the
peak memory beyond the data, as a multiple of the size of the data; what compiled code takes for
itself is not counted. In brackets stands how much of it is the result, where that is an array. Some
tables end with parts of this library's time, each timed on its own. The first is the floor, an
operation that this way of computing cannot do without. All times and ratios on this page were
written by `make bench`.
"""


def run(race: Race) -> dict:
    """Return time, objective and peak extra memory of each runner, and the ratio of times."""
    seconds = {name: [] for name in race.runners}
    objective, memory, returned = {}, {}, {}
    parts = {name: [] for name in race.parts}
    for name, fit in race.runners.items():  # also the warm-up
        objective[name] = float(race.objective(fit(race.X), race.X))
        tracemalloc.start()
        result = fit(race.X)
        memory[name] = tracemalloc.get_traced_memory()[1] / race.X.nbytes
        tracemalloc.stop()
        if isinstance(result, np.ndarray):
            returned[name] = result.nbytes / race.X.nbytes
    for _ in range(race.repeats):
        for times, functions in ((seconds, race.runners), (parts, race.parts)):
            for name, function in functions.items():
                start = time.perf_counter()
                function(race.X)
                times[name].append(time.perf_counter() - start)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ours, *peers = race.runners
    turns = np.min([seconds[peer] for peer in peers], axis=0) / seconds[ours]
    return {
        "seconds": median,
        "objective": objective,
        "unit": race.unit,
        "peak memory beyond X, in sizes of X": memory,
        "of which the result": returned,
        "times faster than the fastest peer": min(median[peer] for peer in peers) / median[ours],
        "in the middle half of the turns": list(np.percentile(turns, [25, 75])),
        "goal": race.goal,
        "parts": {name: statistics.median(times) for name, times in parts.items()},
        "note": race.note,
    }


def report(name: str, result: dict) -> str:
    """Return the result of one case as text."""
    lines = [name]
    memory = result["peak memory beyond X, in sizes of X"]
    for runner, seconds in result["seconds"].items():
        lines.append(
            f"  {runner:14s} {1000 * seconds:10.1f} ms"
            f"   objective {result['objective'][runner]:.9g} {result['unit']}"
            f"   peak memory X + {memory[runner]:.3f} X"
        )
    for part, seconds in result["parts"].items():
        lines.append(f"  {part}: {1000 * seconds:.1f} ms")
    ratio, goal = result["times faster than the fastest peer"], result["goal"]
    lines.append(f"  {ratio:.2g} times faster")
    if goal:
        lines[-1] += f" (goal {goal:g}: {'reached' if ratio >= goal else 'MISSED'})"
    return "\n".join(lines)


def page(results: dict[str, dict]) -> str:
    """Return all results as a page of the book."""
    parts = [INTRODUCTION]
    for name, result in results.items():
        ratio, goal = result["times faster than the fastest peer"], result["goal"]
        low, high = (f"{it:.3g}" for it in result["in the middle half of the turns"])
        verdict = f"{ratio:.{0 if ratio > 10 else 1}f} times as fast as the fastest peer"
        verdict += f" ({low} to {high} in the middle half of the turns)"
        if goal:
            outcome = "reached" if ratio >= goal else f"missed by {1 - ratio / goal:.0%}"
            aim = "to be equally fast" if goal == 1 else f"{goal:.2g} times"
            verdict += f"; the goal was {aim}: {outcome}"
        rows = [
            f"## {name[0].upper()}{name[1:]}",
            f"{verdict}.\n",
            f"| | ms | {result['unit']} | memory |\n|---|--:|--:|--:|",
        ]
        for runner, seconds in result["seconds"].items():
            memory = f"{result['peak memory beyond X, in sizes of X'][runner]:.2f}"
            if runner in result["of which the result"]:
                memory += f" ({result['of which the result'][runner]:.2f})"
            rows.append(
                f"| {runner} | {1000 * seconds:,.2f} | {result['objective'][runner]:.8g} "
                f"| {memory} |"
            )
        for part, seconds in result["parts"].items():
            rows.append(f"| of which: {part} | {1000 * seconds:,.2f} | | |")
        if result["parts"]:
            floor, ours = next(iter(result["parts"].values())), result["seconds"]["lvmnotes"]
            all_parts = sum(result["parts"].values())
            rows.append(
                f"\nThe floor is {floor / ours:.0%} of this library's time and "
                f"{floor / ours / ratio:.0%} of the fastest peer's: a program that did nothing "
                f"else would be {ratio * ours / floor:.2g} times as fast as that peer."
            )
            if goal and ratio < goal:
                rows[-1] += (
                    f" The goal leaves {1000 * (ratio * ours / goal - all_parts):.2f} ms for all "
                    f"that is no part; this library takes {1000 * (ours - all_parts):.2f} ms."
                )
        if result["note"]:
            rows.append(f"\n{result['note']}")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def main() -> None:
    """Run the cases whose names contain every given word, and store their results."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name, make_race in CASES.items():
        if all(word in name for word in sys.argv[1:]):
            results[name] = run(make_race())
            print(report(name, results[name]), flush=True)
            results = {name: results[name] for name in CASES if name in results}
            RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
