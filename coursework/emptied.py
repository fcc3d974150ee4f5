"""The library and the environment without what a question forbids, and who needs this.

Inside the process of a submission forbidden calls raise, as in the student's notebook.  But a
program can change its own interpreter, answer in place of our code, or finish a call that began
before.  So where its cells use anything by which that could be done, the answers are asked for a
second time, behind walls in which there is nothing to call: each function of the forbidden code
has an error for a body there.
"""

import ast
import functools
import re
import sys
import unicodedata
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from lvmnotes.coursework.forbidden import rule

#: Packages and modules that give no way to other code's insides.
PLAIN = set(
    "numpy scipy sklearn matplotlib lvmnotes ipywidgets __future__ abc array bisect cmath calendar "
    "code collections copy dataclasses datetime decimal enum fractions functools heapq itertools "
    "keyword math numbers profile queue random re select signal site stat statistics string struct "
    "test textwrap this time token trace typing uuid warnings".split()
)
PLAIN_NAMES = set(
    "__init__ __call__ __repr__ __str__ __len__ __iter__ __next__ __getitem__ __name__ __main__ "
    "__eq__ __add__ __mul__ __matmul__ __version__ __post_init__".split()
)
#: What reaches a function's insides, runs a text, opens a file, or leaves Python.
WORDS = set(
    "getattr setattr delattr vars globals locals eval exec compile open breakpoint get_ipython "
    "f_globals f_locals f_back f_builtins f_code tb_frame gi_frame cr_frame ag_frame cell_contents "
    "ctypeslib f2py load loads read_array runstring rundocs measure coursework".split()
)
MAGIC = re.compile(
    r"^\s*(?:!|%{1,2}(?!%|(?:matplotlib|time|timeit|config|load_ext|autoreload)\b))", re.MULTILINE
)


def means(source):
    """Return the words in a cell by which it could get round what a question forbids, sorted."""
    source = unicodedata.normalize("NFKC", source)  # as Python reads names
    words = set(re.findall(r"\w+", source))
    found = words & WORDS
    found |= {word for word in words if re.fullmatch(r"__\w+__", word)} - PLAIN_NAMES
    found |= words & sys.stdlib_module_names - PLAIN
    try:
        tree = ast.parse(TransformerManager().transform_cell(MAGIC.sub("", source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return sorted(found | {"what cannot be read"})
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names} - PLAIN
        elif isinstance(node, ast.ImportFrom):
            found |= {(node.module or "").partition(".")[0]} - PLAIN
    if MAGIC.search(source):
        found.add("a magic")
    return sorted(found)


class _Empty(ast.NodeTransformer):
    """Puts an error in place of the body of every function that a rule covers."""

    def __init__(self, rules):
        self.rules, self.place = rules, []

    def visit_ClassDef(self, node):
        self.place.append(node.name)
        self.generic_visit(node)
        self.place.pop()
        return node

    def visit_FunctionDef(self, node):
        name = ".".join([*self.place, node.name])
        broken = [
            one
            for one in self.rules
            if not one.qualname or f"{name}.".startswith(f"{one.qualname}.")
        ]
        if broken:
            text = f"{broken[0].name} must not be called in this question: {name}"
            error = "__import__('lvmnotes.coursework.forbidden', fromlist=['_']).ForbiddenCall"
            node.body = ast.parse(f"raise {error}({text!r})").body
            return node
        self.place += [node.name, "<locals>"]
        self.generic_visit(node)
        del self.place[-2:]
        return node

    visit_AsyncFunctionDef = visit_FunctionDef


@functools.cache
def _texts(calls):
    """Return the files of what is forbidden, each with its text less the bodies of functions."""
    rules = [rule(call) for call in calls]
    paths = {Path(one.path) for one in rules}
    files = {file for path in paths for file in (path.rglob("*.py") if path.is_dir() else [path])}
    texts = {}
    for path in sorted(files):
        covering = [one for one in rules if one.covers_file(str(path))]
        texts[path] = ast.unparse(_Empty(covering).visit(ast.parse(path.read_bytes())))
    return texts


def emptied(calls, folder):
    """Return pairs of files: one in a folder, and the one in place of which it is seen.

    Parameters
    ----------
    calls : tuple of str
        What is forbidden, as `lvmnotes.coursework.forbid` takes it.
    folder : path
        Where the new files are written.
    """
    pairs = []
    for number, (path, text) in enumerate(_texts(calls).items()):
        new = Path(folder, f"{number}.py")
        new.write_text(text, encoding="utf-8")
        pairs.append((new, path))
    return pairs
