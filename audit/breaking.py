"""Break a module of the library in the process that has imported it."""

from __future__ import annotations

import ast
import gc
import sys
from collections.abc import Iterator
from importlib import import_module
from types import CodeType, FunctionType

from .operators import Mutant


def put(mutant: Mutant) -> None:
    """Give the functions of a module, or a constant of it, what a mutant makes of them.

    Whoever holds a function or has imported a constant by its name gets the broken one.  What a
    function computed before, and keeps, stays as it is.

    Parameters
    ----------
    mutant : Mutant

    Raises
    ------
    AssertionError
        If no function and no constant of this process is changed.
    """
    module = import_module("lvmnotes." + mutant.module.removesuffix(".py").replace("/", "."))
    broken = ast.parse(mutant.source)
    constants = [
        statement
        for statement in broken.body
        if isinstance(statement, ast.Assign) and statement.lineno <= mutant.line
        if mutant.line <= statement.end_lineno
    ]
    for statement in constants:
        _assign(module, statement)
    code = compile(broken, module.__file__, "exec")
    replaced = sum(_replace(function, new) for function, new in _functions(code))
    assert constants or replaced, f"{mutant.name} changes nothing here"


def _assign(module, statement: ast.Assign) -> None:
    """Execute an assignment in a module, and in those that have imported what it assigns."""
    before = dict(vars(module))
    lines = ast.Module([statement], type_ignores=[])
    exec(compile(lines, module.__file__, "exec"), vars(module))
    for name in [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]:
        for other in [it for key, it in sys.modules.items() if key.startswith("lvmnotes")]:
            if name in before and vars(other).get(name) is before[name]:
                setattr(other, name, getattr(module, name))


def _functions(code: CodeType) -> Iterator[tuple[FunctionType, CodeType]]:
    """Yield each function of this process that a module's code defines, with its code there."""
    codes = {(one.co_qualname, one.co_firstlineno): one for one in _codes(code)}
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__code__.co_filename == code.co_filename:
            old = function.__code__
            if new := codes.get((old.co_qualname, old.co_firstlineno)):
                yield function, new


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield the code of everything that is defined within some code."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _replace(function: FunctionType, new: CodeType) -> bool:
    """Give a function another code; return whether it computes something else from then on.

    A function within another one is left alone if it no longer uses the same variables of that one:
    the next time it is defined it has its new code.
    """
    old = function.__code__
    if new == old or new.co_freevars != old.co_freevars:
        return False
    function.__code__ = new
    return True
