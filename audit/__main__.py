"""Measure whether the book's promise is kept.

    python -m audit mutants [MODULE ...]    who notices when the library is broken
    python -m audit seeds [CHAPTER ...]     whether the checks hold for other seeds

Each writes its results beside itself; the page of claims shows them.  Mutants that were judged
before are not judged again, unless their module has changed.
"""

import argparse
import json
import os
from pathlib import Path

from . import chapter, mutants, seeds


def main():
    """Run the measurement that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__.splitlines()[0])
    parser.add_argument("measurement", choices=["mutants", "seeds"])
    parser.add_argument("names", nargs="*", help="modules or chapters; all by default")
    parser.add_argument("--number", type=int, help="mutants per module, or seeds")
    parser.add_argument("--seed", type=int, default=0, help="of the draw of mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--output", help="file for the results, in place of the committed one")
    options = parser.parse_args()
    number = options.number
    if options.measurement == "mutants":
        target = Path(options.output or mutants.RESULTS)
        chosen = mutants.sample(
            options.number or 15, options.seed, options.names or mutants.modules()
        )
        result = {"modules": {}, "mutants": []}
        if target.exists():
            result = json.loads(target.read_text(encoding="utf-8"))
        forget_stale(result)
        known = {one["name"] for one in result["mutants"]}
        for found in mutants.run([one for one in chosen if one.name not in known], options.jobs):
            result["modules"][found["module"]] = mutants.digest(found["module"])
            result["mutants"].append(found)
            save(result, target)
    else:
        found = seeds.run(number or 100, options.names or chapter.names(), options.jobs)
        save(found, Path(options.output or seeds.RESULTS))


def forget_stale(result):
    """Remove what was found for modules that have changed since, and for those that are gone."""
    now = {name: mutants.digest(name) for name in mutants.modules()}
    result["modules"] = {m: old for m, old in result["modules"].items() if now.get(m) == old}
    result["mutants"] = [one for one in result["mutants"] if one["module"] in result["modules"]]


def save(result, target):
    """Write results, all or none of them."""
    new = target.with_suffix(".new")
    new.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    new.replace(target)


if __name__ == "__main__":
    main()
