"""Runs the cells of a chapter in the reader's browser: one interpreter, one namespace.

The worker imports this module once, and calls `run` for everything that the page asks for. The
folders beside it stand in for what Jupyter brings along: IPython, matplotlib_inline.
"""

import ast
import contextlib
import importlib.util
import io
import json
import linecache
import sys
import traceback

import IPython
from IPython.core.formatters import format_display_data

#: What a page can show, the best first.
KINDS = ("text/html", "image/svg+xml", "image/png", "text/markdown", "text/plain")
CHECK = "application/vnd.lvmnotes.check+json"
GLUE = "application/papermill.record/"


class Text(io.TextIOBase):
    """What a cell prints, as an output."""

    def __init__(self, name, outputs):
        self.name, self.outputs = name, outputs

    def write(self, text):
        """Append to what the cell printed before, as the executed notebooks have it."""
        printed = next((it for it in self.outputs if it[0] == self.name), None)
        if printed is None:
            printed = [self.name, ""]
            self.outputs.append(printed)
        printed[1] += text
        return len(text)


class Kernel:
    """The namespace of a page's cells, and what they have shown."""

    def __init__(self):
        self.namespace = {"__name__": "__main__"}
        self.outputs = []  # of the cell that runs: pairs of a kind and what there is of it
        self.before = {}  # number of a cell -> how things were before it ran
        self.drawers = []  # of figures with sliders
        IPython.shell = self

    def run(self, source, name="cell"):
        """Run some code; return whether it ended without an error, and its outputs."""
        self.outputs = []
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        streams = (Text(stream, self.outputs) for stream in ("stdout", "stderr"))
        with contextlib.redirect_stdout(next(streams)), contextlib.redirect_stderr(next(streams)):
            try:
                self.execute(source, name)
                self.show_figures()
                ok = True
            except BaseException as error:  # also SystemExit, which ends no page
                self.show_figures(discard=True)
                self.outputs.append(["error", self.explain(error)])
                ok = False
        return {"ok": ok, "outputs": self.outputs}

    def execute(self, source, name):
        """Execute statements, and display the last one if it is an expression without semicolon."""
        tree = ast.parse(source, name)
        shown = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and source.rstrip()[-1:] != ";":
            shown = ast.Expression(tree.body.pop().value)
        exec(compile(tree, name, "exec"), self.namespace)
        if shown and (value := eval(compile(shown, name, "eval"), self.namespace)) is not None:
            self.display(value)

    def explain(self, error):
        """Return the traceback of an error, without the frames that every cell has."""
        frames = error.__traceback__
        while frames and frames.tb_frame.f_code.co_filename in (__file__, ast.__file__):
            frames = frames.tb_next
        return "".join(traceback.format_exception(type(error), error, frames))

    def show_figures(self, discard=False):
        """Display the open figures, and close them."""
        if pyplot := sys.modules.get("matplotlib.pyplot"):
            for number in pyplot.get_fignums():
                if not discard:
                    self.display(pyplot.figure(number))
            pyplot.close("all")

    def display(self, value, raw=False, metadata=None):
        """Add an object to the outputs, in the kind that a page shows best."""
        bundle = value if raw else format_display_data(value)[0]
        glued = {kind.removeprefix(GLUE): shown for kind, shown in bundle.items() if GLUE in kind}
        if glued:
            number = {"name": metadata["scrapbook"]["name"], "data": glued.get("text/plain")}
            self.outputs.append(["glue", number])
        elif CHECK in bundle:
            self.outputs.append(["check", bundle["text/plain"]])
        else:
            kind = next(kind for kind in KINDS if kind in bundle)
            shown = bundle[kind]
            if kind == "text/markdown":
                kind, shown = "text/html", html(shown)
            elif kind == "image/svg+xml":
                shown = in_the_dark(shown)
            self.outputs.append([kind, shown])

    def begin(self, number):
        """Before a cell runs again, go back to how things were before it ran first.

        Names have the values that they had, and the generators of random numbers continue where
        they were. What a cell changes inside an array or an object stays changed.
        """
        if number in self.before:
            names, states = self.before[number]
            self.namespace.clear()
            self.namespace.update(names)
            for generator, state in states:
                generator.bit_generator.state = state
        else:
            states = [
                (it, it.bit_generator.state)
                for it in self.namespace.values()
                if hasattr(it, "bit_generator")
            ]
            self.before[number] = dict(self.namespace), states
        for later in [it for it in self.before if it > number]:
            del self.before[later]

    def on_request(self, draw):
        """Keep a function that draws the frames of a figure with sliders; return its number."""
        self.drawers.append(draw)
        return len(self.drawers) - 1

    def frame(self, request, number):
        """Display a frame that the page asks for."""
        self.outputs.append(["image/png", self.drawers[request](number)])


def in_the_dark(drawn):
    """Return a figure with a style for dark pages, as the printed ones have."""
    import pictures

    return pictures.in_the_dark(drawn)


def html(markdown):
    """Return Markdown as HTML."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)


def add_package(name, folder):
    """Let a package be found in a folder, although what it belongs to is in a zip."""
    spec = importlib.util.spec_from_file_location(
        name, f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    sys.modules[name] = importlib.util.module_from_spec(spec)


add_package("sklearn.datasets.images", "/photographs")  # scikit-learn asks for files
kernel = Kernel()
kernel.namespace["__live__"] = kernel


def run(source, name, target):
    """Run some code, and write what came of it to a file."""
    with open(target, "w", encoding="utf-8") as file:
        json.dump(kernel.run(source, name), file)
