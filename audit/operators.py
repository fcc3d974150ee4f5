"""One-line breaks of a module: what a slip of the pen would change, found on its syntax tree."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

#: What each operator, comparison and function is taken for.
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
FUNCTIONS = {
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "argmin": "argmax",
    "argmax": "argmin",
    "sum": "mean",
    "mean": "sum",
    "any": "all",
    "all": "any",
    "triu": "tril",
    "tril": "triu",
}
#: Functions of one argument that a slip leaves out.
DROPPED = {"sqrt", "log", "exp", "abs", "square"}
#: How the names of functions begin that refuse arguments, or read data with that in mind.
REFUSING = ("check_", "_check_", "_read")
NUMPY = ("np", "linalg", "special", "stats")


@dataclass(frozen=True)
class Mutant:
    """A module with one expression broken.

    Attributes
    ----------
    module : str
        File name within `lvmnotes`, such as ``core/em.py``.
    line, column : int
    text : str
        The line as it was.
    before, after : str
        The expression, and what became of it.
    source : str
        All of the broken module.
    refuses : bool
        Whether the expression only decides which arguments are refused, or whether to warn.
    """

    module: str
    line: int
    column: int
    text: str
    before: str
    after: str
    source: str
    refuses: bool

    @property
    def name(self) -> str:
        """Place and change: the same in every run on the same source."""
        return f"{self.module}:{self.line}:{self.column}: {self.before} -> {self.after}"


def mutants(module: str, source: str) -> list[Mutant]:
    """Every one-line break of a module, in the order of its lines.

    Parameters
    ----------
    module : str
    source : str

    Returns
    -------
    list of Mutant
        Each differs from the source in what it computes; its other lines are untouched.
    """
    lines = [line.encode() for line in source.splitlines(keepends=True)]  # columns are of bytes
    found = {}
    for node, refuses in _computations(ast.parse(source)):
        if node.end_lineno != node.lineno:
            continue
        before = lines[node.lineno - 1][node.col_offset : node.end_col_offset].decode()
        for broken in _breaks(node):
            after = ast.unparse(broken)
            if after != ast.unparse(node):
                place = node.lineno, node.col_offset + 1
                text = lines[node.lineno - 1].decode().strip()
                broken_source = _replaced(lines, node, after)
                mutant = Mutant(module, *place, text, before, after, broken_source, refuses)
                found[mutant.name] = mutant
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.column))


def _replaced(lines: list[bytes], node: ast.expr, after: str) -> str:
    """Source with the text of an expression of one line replaced, in parentheses."""
    line = lines[node.lineno - 1]
    line = line[: node.col_offset] + f"({after})".encode() + line[node.end_col_offset :]
    return b"".join([*lines[: node.lineno - 1], line, *lines[node.lineno :]]).decode()


def _computations(node: ast.AST, refuses: bool = False) -> Iterator[tuple[ast.expr, bool]]:
    """Expressions that compute, and whether they only refuse arguments or decide on a warning.

    No annotation, decorator, default, message or keyword's name is among them.
    """
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.Import | ast.ImportFrom):
        return
    if (called := _called(node)) in ("warn", "TypeVar"):
        return
    refuses = refuses or called.startswith(REFUSING)
    if isinstance(node, ast.expr):
        yield node, refuses
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "args") and not isinstance(
            node, ast.Call
        ):
            continue
        condition = field == "test" and isinstance(node, ast.If) and _only_refuses(node)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _computations(child, refuses or condition)


def _called(node: ast.AST) -> str:
    """Name of the function or method that an expression calls, empty if it calls none."""
    function = node.func if isinstance(node, ast.Call) else None
    return getattr(function, "id", getattr(function, "attr", ""))


def _only_refuses(node: ast.If) -> bool:
    """Return whether all that depends on a condition is an error or a warning."""
    return not node.orelse and all(
        isinstance(it, ast.Raise) or (isinstance(it, ast.Expr) and _called(it.value) == "warn")
        for it in node.body
    )


def _breaks(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what a slip makes of one expression; its parts are broken elsewhere."""
    match node:
        case ast.BinOp(left, ast.Pow(), ast.Constant(2)):
            yield left  # sigma for sigma squared
        case ast.BinOp(left, ast.MatMult(), right):
            yield ast.BinOp(_transposed(left), ast.MatMult(), right)
            yield ast.BinOp(left, ast.MatMult(), _transposed(right))
        case ast.BinOp(left, operator, _) if type(operator) in OPERATORS:
            yield _with(node, op=OPERATORS[type(operator)]())
            yield left  # a term or a factor is dropped
        case ast.Compare(_, [operator], _) if type(operator) in OPERATORS:
            yield _with(node, ops=[OPERATORS[type(operator)]()])
        case ast.BoolOp(operator, _):
            yield _with(node, op=OPERATORS[type(operator)]())
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield operand
        case ast.Attribute(value, "T"):
            yield value
        case ast.Constant(value) if type(value) in (int, float):
            yield ast.Constant(value + 1 if type(value) is int else 2 * value)
            if type(value) is int and value > 0:
                yield ast.Constant(value - 1)
        case ast.Constant(value) if type(value) is bool:
            yield ast.Constant(not value)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Call(ast.Attribute(value, name) as function, arguments):
            if name in FUNCTIONS:
                yield _with(node, func=_with(function, attr=FUNCTIONS[name]))
            if name in DROPPED and len(arguments) == 1 and ast.unparse(value) in NUMPY:
                yield arguments[0]
        case ast.Call(ast.Name(name) as function, _) if name in FUNCTIONS:
            yield _with(node, func=_with(function, id=FUNCTIONS[name]))
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg in ("axis", "axis1") and isinstance(keyword.value, ast.Constant):
                other = {0: 1, 1: 0, -1: 0}.get(keyword.value.value)
                if other is not None:
                    changed = copy.deepcopy(node)
                    for k in changed.keywords:
                        if k.arg == keyword.arg:
                            k.value = ast.Constant(other)
                    yield changed


def _with(node: ast.expr, **fields) -> ast.expr:
    """Copy of a node with other fields."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _transposed(node: ast.expr) -> ast.expr:
    """Return the transpose; that of a transpose is the matrix itself."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return ast.Attribute(node, "T")
