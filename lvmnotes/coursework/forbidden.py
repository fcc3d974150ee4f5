"""Calls that a question forbids: they raise, however the function was obtained."""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.util
import inspect
import os
import sys
import types
from collections.abc import Iterable, Iterator
from gc import get_objects, unfreeze
from typing import Any, NamedTuple


class ForbiddenCall(RuntimeError):
    """A call that the question does not allow."""


class Rule(NamedTuple):
    """What is forbidden: its name, its file (a folder for a package), its place in the file."""

    name: str
    path: str
    qualname: str

    def covers(self, code: types.CodeType) -> bool:
        """Tell whether code belongs to what is forbidden."""
        if not self.covers_file(code.co_filename):
            return False
        return not self.qualname or f"{code.co_qualname}.".startswith(f"{self.qualname}.")

    def covers_file(self, path: str) -> bool:
        """Tell whether a file, or its compiled copy, holds what is forbidden."""
        return path == self.path or (self.path.endswith(os.sep) and path.startswith(self.path))


@functools.cache
def rule(name: str) -> Rule:
    """Return the rule that forbids a function, a class, a module or a package.

    Parameters
    ----------
    name : str
        The full name: ``"lvmnotes.PPCA"``.

    Returns
    -------
    Rule

    Raises
    ------
    ValueError
        If there is no such thing, or it is not written in Python, so that calls cannot be noticed.
    """
    parts = name.split(".")
    found: Any = None
    for end in range(len(parts), 0, -1):
        with contextlib.suppress(ImportError, ValueError):
            found = importlib.import_module(".".join(parts[:end]))
            break
    for part in parts[end:]:
        found = getattr(found, part, None)
    found = inspect.unwrap(found) if callable(found) else found
    if isinstance(found, types.ModuleType) and found.__file__:
        package = hasattr(found, "__path__")
        path = os.path.dirname(found.__file__) + os.sep if package else found.__file__
        return Rule(name, path, "")
    if isinstance(found, type):
        path = getattr(sys.modules[found.__module__], "__file__", None) or ""
        if path.endswith(".py"):
            return Rule(name, path, found.__qualname__)
    code = getattr(found, "__code__", None)
    if code is None:
        raise ValueError(f"there is nothing written in Python under the name {name}")
    return Rule(name, code.co_filename, code.co_qualname)


@contextlib.contextmanager
def forbidding(calls: Iterable[str]) -> Iterator[None]:
    """Let calls raise `ForbiddenCall` while the block runs, in all threads.

    Every function of the forbidden code gets another body for the time: those in the module, and
    copies made by loading the module again. The files of the code cannot be read meanwhile.

    Parameters
    ----------
    calls : iterable of str
        The names of what must not be called; see `rule`.
    """
    rules = [rule(name) for name in calls]
    if not rules:
        yield
        return
    unfreeze()  # frozen objects are not listed
    functions = [
        (function, function.__code__, broken[0])
        for function in get_objects()
        if type(function) is types.FunctionType
        and (broken := [one for one in rules if one.covers(function.__code__)])
    ]
    for function, code, broken_rule in functions:
        function.__code__ = _refusal(broken_rule, code)
    _watch(rules)
    try:
        yield
    finally:
        _watch([])
        for function, code, _ in functions:
            function.__code__ = code


def _refusal(broken: Rule, code: types.CodeType) -> types.CodeType:
    """Return code that raises in place of other code, with the same free variables."""
    free = ", ".join(code.co_freevars)
    source = f"def outer({free}):\n def refuse(*_, **__):\n  raise 0\n  {free or 'pass'}\n return 0"
    outer = compile(source, f"<{broken.name} is forbidden>", "exec").co_consts[0]
    refuse = next(part for part in outer.co_consts if isinstance(part, types.CodeType))
    error = ForbiddenCall(f"{broken.name} must not be called in this question: {code.co_qualname}")
    constants = tuple(error if type(part) is int else part for part in refuse.co_consts)
    return refuse.replace(co_consts=constants, co_name=code.co_name)


def _watcher() -> Any:
    """Return a function that sets the rules of an audit hook, which cannot be taken away."""
    now: list[Rule] = []

    def look(event: str, arguments: tuple) -> None:
        if not now:
            return
        if event == "open" and isinstance(arguments[0], str):
            path = arguments[0]
            with contextlib.suppress(ValueError):
                path = importlib.util.source_from_cache(path)
            broken = [one for one in now if one.covers_file(path)]
        elif event == "function.__new__":
            broken = [one for one in now if one.covers(arguments[0])]
        elif event == "object.__setattr__" and arguments[1] == "__code__":
            refused = arguments[0].__code__.co_filename
            broken = [one for one in now if refused == f"<{one.name} is forbidden>"]
        else:
            return
        if broken:
            raise ForbiddenCall(f"{broken[0].name} must not be used in this question")

    def set_rules(rules: list[Rule]) -> None:
        if not hooked:
            sys.addaudithook(look)
            hooked.append(True)
        now[:] = rules

    hooked: list[bool] = []
    return set_rules


_watch = _watcher()
