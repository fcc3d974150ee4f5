"""Measure whether the book's promise is kept.

    python -m audit mutants [MODULE ...]    who notices when the library is broken
    python -m audit seeds [CHAPTER ...]     whether the checks hold for other seeds

Each writes its results beside itself; the page of claims shows them.
"""

import argparse
import json
import os

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
    if options.measurement == "mutants":
        names = options.names or mutants.modules()
        result = mutants.run(options.number or 15, options.seed, names, options.jobs)
        target = mutants.RESULTS
    else:
        result = seeds.run(options.number or 100, options.names or chapter.names(), options.jobs)
        target = seeds.RESULTS
    with open(options.output or target, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
