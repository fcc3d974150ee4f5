"""IPython as the cells of a submission run in it: without a screen, and nothing lost by a magic."""

from __future__ import annotations

import re
import sys
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from .. import coursework
from .forbidden import forbidding


class Shell(InteractiveShell):
    """An IPython in which a magic that fails, or is not installed, does not stop its cell."""

    def enable_gui(self, gui=None):
        """Do nothing: there is no screen; asked for by ``%matplotlib``."""

    def ask_exit(self):
        """End the cell, no more: what ``exit`` calls."""
        raise SystemExit

    def run_line_magic(self, magic_name, line, _stack_depth=1):
        """Run a line magic; if it fails, print why and go on."""
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except Exception as error:
            print(f"%{magic_name} has no effect here: {error}")

    def run_cell_magic(self, magic_name, line, cell):
        """Run a cell magic; if it is not known here, run the cell without it."""
        if self.find_cell_magic(magic_name):
            return super().run_cell_magic(magic_name, line, cell)
        print(f"%%{magic_name} has no effect here: there is no such magic")
        return self.run_cell(cell).raise_error()


def make_shell(**options: Any) -> Shell:
    """Return an IPython, whose namespace is from now on the module ``__main__``.

    Parameters
    ----------
    **options
        More options of IPython.

    Returns
    -------
    Shell
    """
    config = Config()
    config.HistoryManager.enabled = False
    shell = Shell.instance(config=config, colors="nocolor", **options)
    shell.InteractiveTB.set_mode("Plain")  # the others take seconds for some errors
    return shell


def calls_forbidden_to(source: str) -> list[str]:
    """Return the calls that `forbid` has forbidden to the answers that a cell defines."""
    names = re.findall(r"^(?:def\s+)?(\w+)", source, re.MULTILINE)
    return list(dict.fromkeys(call for name in names for call in coursework.rules.get(name, ())))


def run_cell(shell: Shell, source: str, calls: list[str]) -> BaseException | None:
    """Run a cell and return the error that stopped it.

    Parameters
    ----------
    shell : Shell
    source : str
    calls : list of str
        What must not be called, as `forbid` takes it.

    Returns
    -------
    Exception or None
    """
    with forbidding(calls):
        result = shell.run_cell(source, store_history=False)
    sys.stdout.flush()
    return result.error_before_exec or result.error_in_exec
