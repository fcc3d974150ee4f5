"""Call a function in a new process that has imported the large packages, but not the library."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import resource
import sys
from pathlib import Path

#: What takes seconds to import, and is the same in every run.
PACKAGES = [
    *("numpy", "scipy.stats", "scipy.optimize", "scipy.sparse.linalg", "scipy.spatial.distance"),
    *("sklearn.cluster", "sklearn.linear_model", "sklearn.datasets", "sklearn.ensemble"),
    *("sklearn.model_selection", "sklearn.neighbors", "sklearn.utils.estimator_checks"),
    *("matplotlib.pyplot", "IPython.display", "IPython.utils.capture", "pandas"),
    *("jupytext", "pytest", "hypothesis.strategies", "coverage"),
]

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # one core per run
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(PACKAGES)


def call(folder: Path, module: str, function: str, *arguments, seconds: int = 0, **options):
    """Return what a function of a module says in a new process, or None if it takes too long.

    Parameters
    ----------
    folder : Path
        Where the module and the library are looked for first.
    module, function : str
    seconds : int
        CPU time after which the process is killed; 0 is no limit.
    """
    receiver, sender = _processes.Pipe(duplex=False)
    what = (str(folder), module, function, arguments, options, seconds, sender)
    process = _processes.Process(target=_answer, args=what)
    process.start()
    sender.close()
    answer = None
    with contextlib.suppress(EOFError):  # killed
        answer = receiver.recv()
    process.join()
    return answer


def _answer(folder, module, function, arguments, options, seconds, sender):
    """Run in the new process.

    Others of the same parent may have had the library imported for theirs.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "lvmnotes"]:
        del sys.modules[name]
    if seconds:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    found = getattr(importlib.import_module(module), function)(*arguments, **options)
    sender.send(found)
