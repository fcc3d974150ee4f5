"""Call a function in another process: a new one without the library, or a copy of this one."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
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


def call(folder: Path, module: str, function: str, *arguments, **options):
    """Return what a function of a module says in a new process, or None if it dies.

    Parameters
    ----------
    folder : Path
        Where the module and the library are looked for first.
    module, function : str
    """
    what = (str(folder), module, function, arguments, options)
    return _ask(_processes, _call_here, *what)


def in_a_copy(function, *arguments):
    """Return what a function says in a copy of this process, or None if the copy dies."""
    return _ask(multiprocessing.get_context("fork"), function, *arguments)


def _ask(processes, function, *arguments):
    receiver, sender = processes.Pipe(duplex=False)
    process = processes.Process(target=_answer, args=(sender, function, *arguments))
    process.start()
    sender.close()
    answer = None
    with contextlib.suppress(EOFError):  # it was killed
        answer = receiver.recv()
    process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _answer(sender, function, *arguments):
    try:
        answer = function(*arguments)
    except Exception as error:
        answer = error
    sender.send(answer)


def _call_here(folder, module, function, arguments, options):
    """Run in the new process.

    Others of the same parent may have had the library imported for theirs.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "lvmnotes"]:
        del sys.modules[name]
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    return getattr(importlib.import_module(module), function)(*arguments, **options)
