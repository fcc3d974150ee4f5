"""Measure whether the book's promise is kept.

    python -m audit mutants [MODULE ...]     who notices when the library is broken
    python -m audit controls [CHAPTER ...]   which break or control shows that each check can fail
    python -m audit seeds [CHAPTER ...]      how often the checks hold for other seeds

Each writes its results beside itself; the page of claims shows them.  What was measured before is
not measured again, unless the module or the code of the chapter has changed.
"""

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from . import chapter, controls, fresh, mutants, seeds


def main():
    """Run the measurement that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__.splitlines()[0])
    parser.add_argument("measurement", choices=list(MEASUREMENTS))
    parser.add_argument("names", nargs="*", help="modules or chapters; all by default")
    parser.add_argument("--number", type=int, help="mutants per module (15), or seeds (100)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--output", type=Path, help="file for the results, not the committed one")
    options = parser.parse_args()
    MEASUREMENTS[options.measurement](options)


def measure_mutants(options):
    """Judge the mutants that were not judged before."""
    target = options.output or mutants.RESULTS
    result = read(target, {"modules": {}, "mutants": []})
    forget_stale(result, "modules", "module", {m: mutants.digest(m) for m in mutants.modules()})
    rows = {row["name"]: row for row in result["mutants"]}
    chosen = mutants.sample(options.number or 15, options.names or mutants.modules())
    for mutant in chosen:
        result["modules"][mutant.module] = mutants.digest(mutant.module)
        rows.setdefault(mutant.name, mutants.unjudged(mutant))
    result["mutants"] = list(rows.values())
    for who in mutants.run(chosen, rows, options.jobs):
        print(who, flush=True)
        save(result, target)


def measure_controls(options):
    """Break the chapters that were not broken before."""
    target = options.output or controls.RESULTS
    result = read(target, {"chapters": {}, "checks": []})
    breaks = read(mutants.RESULTS, {"mutants": []})["mutants"]
    forget_stale(result, "chapters", "chapter", digests())
    left = [name for name in options.names or chapter.names() if name not in result["chapters"]]
    broken = partial(fresh.call, chapter.ROOT, "audit.controls", "run")
    noticed = [{it for row in breaks for it in row["checks"].get(name, [])} for name in left]
    with ThreadPoolExecutor(options.jobs) as pool:
        for name, found in zip(left, pool.map(broken, left, noticed), strict=True):
            result["chapters"][name] = chapter.digest(name)
            result["checks"] += [
                {"chapter": name, "check": check, **how} for check, how in found.items()
            ]
            save(result, target)


def measure_seeds(options):
    """Run every chapter with as many seeds as it lacks."""
    target = options.output or seeds.RESULTS
    result = read(target, {"chapters": {}, "seeds": {}, "checks": []})
    forget_stale(result, "chapters", "chapter", digests())
    result["seeds"] = {name: n for name, n in result["seeds"].items() if name in result["chapters"]}
    turns = [
        (name, seed)
        for seed in range(1, (options.number or 100) + 1)
        for name in options.names or chapter.names()
        if seed > result["seeds"].get(name, 0)
    ]
    for name, outcomes in seeds.run(turns, options.jobs):
        result["chapters"][name] = chapter.digest(name)
        seeds.add(result, name, outcomes)
        save(result, target)


MEASUREMENTS = {"mutants": measure_mutants, "controls": measure_controls, "seeds": measure_seeds}


def digests():
    """Return the hash of each chapter's code."""
    return {name: chapter.digest(name) for name in chapter.names()}


def read(file, empty):
    """Return the results in a file, or what stands for none."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else empty


def forget_stale(result, places, place, now):
    """Remove what was found for modules or chapters that have changed since, or are gone."""
    result[places] = {name: old for name, old in result[places].items() if now.get(name) == old}
    for key, rows in result.items():
        if isinstance(rows, list):
            result[key] = [row for row in rows if row[place] in result[places]]


def save(result, target):
    """Write results, all or none of them."""
    new = target.with_suffix(".new")
    new.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    new.replace(target)


if __name__ == "__main__":
    main()
