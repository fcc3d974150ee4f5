"""Race the library against its peers: `python -m benchmarks [words of a case's name]`.

All runners of a case take turns in this one process, with the same number of BLAS threads, so a
machine that is busy for a while is busy for all of them; what counts are ratios of medians. The
results go to benchmarks/results.json, and as a page to book/benchmarks.md.
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
    os.environ[variable] = "1"  # read when numpy is imported, hence before the cases

from benchmarks.cases import CASES, Race  # noqa: E402

RESULTS = Path(__file__).with_name("results.json")
PAGE = RESULTS.parent.parent / "book" / "benchmarks.md"
INTRODUCTION = """# Benchmarks

The library against its peers, on data simulated from the model that is fitted: every runner of a
race in turn, in one process, with one BLAS thread, medians of several runs. The machine was shared
with other work, so the ratios mean more than the milliseconds. *Memory* is the peak beyond the
data, in sizes of the data. Where a table ends in parts of this library's time, the first of them is
the floor, which nobody can do without. These numbers come from `make bench`; none is typed.
"""


def run(race: Race) -> dict:
    """Time, objective and peak extra memory of each runner of a race, and the ratio."""
    seconds = {name: [] for name in race.runners}
    objective, memory = {}, {}
    parts = {name: [] for name in race.parts}
    for name, fit in race.runners.items():  # also the warm-up
        objective[name] = float(race.objective(fit(race.X), race.X))
        tracemalloc.start()
        fit(race.X)
        memory[name] = tracemalloc.get_traced_memory()[1] / race.X.nbytes
        tracemalloc.stop()
    for _ in range(race.repeats):
        for times, work in ((seconds, race.runners), (parts, race.parts)):
            for name, do in work.items():
                start = time.perf_counter()
                do(race.X)
                times[name].append(time.perf_counter() - start)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ours, *peers = race.runners
    return {
        "seconds": median,
        "objective": objective,
        "unit": race.unit,
        "peak memory beyond X, in sizes of X": memory,
        "times faster than the fastest peer": min(median[peer] for peer in peers) / median[ours],
        "goal": race.goal,
        "parts": {name: statistics.median(times) for name, times in parts.items()},
    }


def report(name: str, result: dict) -> str:
    """One case in a few lines."""
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
    """All results as a page of the book."""
    parts = [INTRODUCTION]
    for name, result in results.items():
        ratio, goal = result["times faster than the fastest peer"], result["goal"]
        verdict = f"{ratio:.{0 if ratio > 10 else 1}f} times as fast as the fastest peer"
        if goal:
            outcome = "reached" if ratio >= goal else f"missed by {1 - ratio / goal:.0%}"
            aim = "to be as fast" if goal == 1 else f"{goal:g} times"
            verdict += f"; the goal was {aim}: {outcome}"
        rows = [
            f"## {name[0].upper()}{name[1:]}",
            f"{verdict}.\n",
            f"| | ms | {result['unit']} | memory |\n|---|--:|--:|--:|",
        ]
        for runner, seconds in result["seconds"].items():
            memory = result["peak memory beyond X, in sizes of X"][runner]
            rows.append(
                f"| {runner} | {1000 * seconds:,.1f} | {result['objective'][runner]:.8g} "
                f"| {memory:.2f} |"
            )
        for part, seconds in result["parts"].items():
            rows.append(f"| of which: {part} | {1000 * seconds:,.1f} | | |")
        if result["parts"]:
            floor, ours = next(iter(result["parts"].values())), result["seconds"]["lvmnotes"]
            rows.append(
                f"\nThe floor is {floor / ours:.0%} of this library's time and "
                f"{floor / ours / ratio:.0%} of the fastest peer's: who did nothing else would be "
                f"{ratio * ours / floor:.1f} times as fast as that peer."
            )
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


def main() -> None:
    """Run the cases whose name holds every word given, and store their results."""
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
