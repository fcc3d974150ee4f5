"""Build, prove, grade and publish the problem sets.

python -m coursework release           prove every set, write coursework/release/<set>.zip
python -m coursework grade [SET ...]   grade coursework/submitted/<student>/<set>/
python -m coursework public            write a tree without the answers to _build/public
"""

import argparse
import os
import sys
from pathlib import Path


def main():
    """Run a step; its exit code counts."""
    parser = argparse.ArgumentParser(
        prog="python -m coursework",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("step", choices=["release", "grade", "public"])
    parser.add_argument("sets", nargs="*")
    parser.add_argument("--home", type=Path, default=Path("coursework"), help="the sets' folder")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    parser.add_argument("--unconfined", action="store_true", help="grade without walls")
    options = parser.parse_intermixed_args()
    if os.name != "posix":
        return "grading, and proving a release, need the limits that Linux and macOS set"
    from coursework import grade, problems, release, safe

    try:
        if options.step == "release":
            return release.release_all(options.home, options.sets, options.jobs)
        if options.step == "grade":
            grade.grade_all(options.home, options.sets, options.jobs, unconfined=options.unconfined)
        if options.step == "public":
            release.publish()
    except problems.InvalidProblemSet as error:
        return str(error)
    except ValueError as error:  # may have the name of a student or a file
        return safe.plain(error, 2000)


if __name__ == "__main__":
    # One thread a process, as everywhere in this project; before numpy reads it.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    sys.exit(main())
