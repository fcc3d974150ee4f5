"""Race the library against its peers: `python -m benchmarks [words of a case's name]`.

All runners of a case take turns in this one process, with the same number of BLAS threads, so a
machine that is busy for a while is busy for all of them; what counts are ratios of medians. The
results go to benchmarks/results.json, which the book shows.
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


def run(race: Race) -> dict:
    """Time, objective and peak extra memory of each runner of a race, and the ratio."""
    seconds = {name: [] for name in race.runners}
    objective, memory, floor = {}, {}, []
    for name, fit in race.runners.items():  # also the warm-up
        objective[name] = float(race.objective(fit(race.X), race.X))
        tracemalloc.start()
        fit(race.X)
        memory[name] = tracemalloc.get_traced_memory()[1] / race.X.nbytes
        tracemalloc.stop()
    for _ in range(race.repeats):
        for name, fit in race.runners.items():
            start = time.perf_counter()
            fit(race.X)
            seconds[name].append(time.perf_counter() - start)
        if race.floor:
            start = time.perf_counter()
            race.floor(race.X)
            floor.append(time.perf_counter() - start)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ours, *peers = race.runners
    return {
        "seconds": median,
        "objective": objective,
        "unit": race.unit,
        "peak memory beyond X, in sizes of X": memory,
        "times faster than the fastest peer": min(median[peer] for peer in peers) / median[ours],
        "goal": race.goal,
        "floor": statistics.median(floor) if floor else None,
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
    if result["floor"]:
        lines.append(f"  {'floor':14s} {1000 * result['floor']:10.1f} ms")
    ratio, goal = result["times faster than the fastest peer"], result["goal"]
    lines.append(f"  {ratio:.2g} times faster")
    if goal:
        lines[-1] += f" (goal {goal:g}: {'reached' if ratio >= goal else 'MISSED'})"
    return "\n".join(lines)


def main() -> None:
    """Run the cases whose name holds every word given, and store their results."""
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name, make_race in CASES.items():
        if all(word in name for word in sys.argv[1:]):
            results[name] = run(make_race())
            print(report(name, results[name]), flush=True)
    RESULTS.write_text(json.dumps({k: results[k] for k in CASES if k in results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
