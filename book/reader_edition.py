"""Sphinx extension: the notebook that a reader downloads, one per chapter.

The site's pages are made from notebooks in which roles, directives and citations still have to be
resolved. Sphinx has resolved them when a page is written; this extension writes the resolved page
as plain Markdown, with the executed code cells between, so that it reads and runs anywhere.
"""

import base64
import mimetypes
import posixpath
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import nbformat
from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent
WHEEL = f"lvmnotes-{version('lvmnotes')}-py3-none-any.whl"
FOLDED = {"jp-MarkdownHeadingCollapsed": True}
INSTALL = """\
from importlib.util import find_spec
from pathlib import Path

if find_spec("lvmnotes") is None:  # the library of the book, from beside this notebook or its site
    wheel = "{wheel}"
    source = wheel if Path(wheel).exists() else "{address}"
    if not source:
        raise ImportError(f"put {{wheel}} beside this notebook; it is on the book's page 'Run it'")
    %pip install --quiet {{source}}"""


def setup(app):
    """Write the notebooks when all pages are written."""
    app.add_config_value("reader_address", "", "env")
    app.connect("source-read", name_the_wheel)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def name_the_wheel(app, docname, source):
    """Put the name of the library's wheel where a page says so."""
    source[0] = source[0].replace("{{wheel}}", WHEEL)


def write(app, exception):
    """Put a reader's edition in the place of each chapter's source, where the page links to it."""
    if exception or app.builder.format != "html" or "draft" in app.tags:
        return
    for docname in app.env.found_docs:
        source = Path(app.env.doc2path(docname))
        if source.suffix == ".ipynb":
            edition = Edition(app, docname, nbformat.read(source, as_version=4))
            target = Path(app.outdir) / "_sources" / f"{docname}.ipynb"
            nbformat.write(edition.notebook(), target)
    downloads = Path(app.outdir) / "downloads"
    if not (downloads / WHEEL).exists():  # a change of the library builds the site afresh
        build_wheel(downloads)


def build_wheel(folder):
    """Build the library's wheel, from a copy, as setuptools writes beside what it packs."""
    with tempfile.TemporaryDirectory() as copy:
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "lvmnotes", Path(copy) / "lvmnotes", ignore=ignore)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--no-build-isolation", "--wheel-dir", folder, copy]
        subprocess.run(command, check=True)


class Edition:
    """One chapter as a notebook of plain Markdown and of the executed code cells."""

    def __init__(self, app, docname, executed):
        self.app, self.docname, self.executed = app, docname, executed
        self.document = app.env.get_and_resolve_doctree(docname, app.builder)
        self.numbers = app.env.toc_fignumbers.get(docname, {})
        self.cells, self.paragraphs, self.attachments, self.references = [], [], {}, {}
        self.n_read = 0  # of the executed cells

    def notebook(self):
        """Return the notebook."""
        self.add_blocks(self.document, depth=0)
        self.add_removed(len(self.executed.cells))
        if self.references:
            self.paragraphs.append("## References")
            self.paragraphs += [f"- {reference}" for reference in sorted(self.references.values())]
        self.close_text()
        title, _, self.cells[0].source = self.cells[0].source.partition("\n\n")
        head = new_markdown_cell(f"{title}\n\n{self.where_from()}")
        self.cells[:0] = [head, self.install()]
        for number, cell in enumerate(self.cells):
            cell.id = f"cell-{number}"
        return new_notebook(cells=self.cells, metadata=self.executed.metadata)

    def where_from(self):
        """Say which page the notebook belongs to."""
        page = self.link(self.document.next_node(nodes.title).astext(), f"{self.docname}.html")
        return f"This notebook is the page {page} of the book *{self.app.config.html_title}*."

    def install(self):
        """Return the cell that installs the library where it is missing."""
        address = self.app.config.reader_address
        source = INSTALL.format(wheel=WHEEL, address=address and f"{address}/downloads/{WHEEL}")
        return new_code_cell(source, metadata={"jupyter": {"source_hidden": True}})

    def close_text(self):
        """Make a cell of the paragraphs so far."""
        if self.paragraphs:
            cell = new_markdown_cell("\n\n".join(self.paragraphs))
            if self.attachments:
                cell.attachments = self.attachments
            self.cells.append(cell)
            self.paragraphs, self.attachments = [], {}

    def add_blocks(self, parent, depth):
        """Add the children of a node, among them code cells."""
        for node in parent.children:
            kind = type(node).__name__
            if kind == "container" and node.get("nb_element") == "cell_code":
                self.add_code(node)
            elif kind == "section":
                self.add_blocks(node, depth + 1)
            elif kind == "title":
                self.paragraphs.append(f"{'#' * depth} {self.inline(node)}")
            elif "exercise" in node.get("classes", ()) or "solution" in node.get("classes", ()):
                self.add_exercise(node, depth + 1)
            else:
                self.paragraphs += filter(None, [self.block(node)])

    def add_exercise(self, node, depth):
        """Add an exercise, or a solution that is folded below its heading."""
        title = node.next_node(nodes.title)
        name = self.inline(title).strip()
        if "solution" in node["classes"]:
            self.close_text()
            self.paragraphs.append(f"{'#' * depth} {name}")
            self.close_text()
            self.cells[-1].metadata.update(FOLDED)
        else:
            number = ".".join(map(str, self.number(node, "exercise")))
            self.paragraphs.append(f"{'#' * depth} Exercise {number} {name}")
        for child in node.children:
            if child is not title:
                self.add_blocks(child, depth)

    def add_code(self, node):
        """Add a code cell as executed, and its figure's caption below it."""
        self.add_removed(node["cell_index"])
        self.close_text()
        cell = self.executed.cells[node["cell_index"]]
        self.cells.append(_code(cell, hidden="remove-input" in cell.metadata.get("tags", [])))
        self.n_read = node["cell_index"] + 1
        for figure in node.findall(nodes.figure):
            caption = figure.next_node(nodes.caption)
            if caption is not None:
                number = ".".join(map(str, self.number(figure, "figure")))
                self.paragraphs.append(f"*Fig. {number}* {self.inline(caption)}")

    def add_removed(self, end):
        """Add the cells that the page leaves out before a given one: later cells may need them."""
        for cell in self.executed.cells[self.n_read : end]:
            if cell.cell_type == "code":
                self.close_text()
                self.cells.append(_code(cell, hidden=True))
        self.n_read = end

    def number(self, node, kind):
        """Return the number that the page gives a figure, an equation or an exercise."""
        for name in node["ids"]:
            if name in self.numbers.get(kind, {}):
                return self.numbers[kind][name]
        return ()

    def block(self, node):
        """Return a block without code cells as Markdown."""
        kind = type(node).__name__
        render = getattr(self, f"block_{kind}", None)
        if render:
            return render(node)
        if isinstance(node, nodes.TextElement):
            return self.inline(node)
        if isinstance(node, nodes.Invisible) or isinstance(node, nodes.Text):
            return ""
        return self.blocks(node)

    def blocks(self, node):
        """Return the children of a node as Markdown."""
        return "\n\n".join(filter(None, map(self.block, node.children)))

    def block_math_block(self, node):
        """Return a displayed equation, with the number that the page gives it."""
        number = self.number(node, "displaymath")
        tag = f"\n\\tag{{{'.'.join(map(str, number))}}}" if number else ""
        source = node.astext().strip()
        if node.get("nowrap"):
            return source
        if tag and r"\begin{aligned}" not in source and r"\\" in source:
            source = f"\\begin{{aligned}}\n{source}\n\\end{{aligned}}"
        return f"$$\n{source}{tag}\n$$"

    def block_unenumerable_node(self, node):
        """Return a proposition: its name, its title and what it says, in a box."""
        title = node.next_node(nodes.title)
        said = [self.block(child) for child in node.children if child is not title]
        name = f"**{node['label']}**{self.inline(title).rstrip()}"
        return _box("info", "\n\n".join([name, *filter(None, said)]))

    block_enumerable_node = block_unenumerable_node

    def block_proof_node(self, node):
        """Return a proof, to be unfolded."""
        said = re.sub(r"^(Proof\. |Proof\s+)", "", self.blocks(node))
        return f"<details>\n<summary>Proof</summary>\n\n{said}\n\n</details>"

    def block_sidebar(self, node):
        """Return a note in the margin."""
        return _box("secondary", self.blocks(node))

    def block_title(self, node):
        """Return the title of a note."""
        return f"**{self.inline(node)}**"

    def block_bullet_list(self, node):
        """Return a list."""
        return "\n".join(_indented(self.blocks(item), "- ") for item in node.children)

    def block_enumerated_list(self, node):
        """Return a numbered list."""
        return "\n".join(
            _indented(self.blocks(item), f"{number}. ")
            for number, item in enumerate(node.children, start=node.get("start", 1))
        )

    def block_definition_list_item(self, node):
        """Return a term and what it means."""
        term, definition = node.children[0], node.children[-1]
        return f"**{self.inline(term)}**\n\n{self.blocks(definition)}"

    def block_table(self, node):
        """Return a table."""
        rows = [
            [self.blocks(entry).replace("|", r"\vert ") for entry in row.children]
            for row in node.findall(nodes.row)
        ]
        rows.insert(1, ["---"] * len(rows[0]))
        table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
        title = node.next_node(nodes.title)
        return f"{self.inline(title)}\n\n{table}" if title else table

    def block_literal_block(self, node):
        """Return code that is not run."""
        return f"```{node.get('language', '')}\n{node.astext()}\n```"

    def block_image(self, node):
        """Return a picture, which travels in the notebook."""
        path = Path(self.app.srcdir) / node["uri"]
        kind = mimetypes.guess_type(path)[0]
        content = base64.b64encode(path.read_bytes()).decode()
        self.attachments[path.name] = {kind: content}
        return f"![{node.get('alt', '')}](attachment:{path.name})"

    def block_raw(self, node):
        """Return HTML as it is."""
        return node.astext() if node.get("format") == "html" else ""

    def inline(self, node):
        """Return the text of a node as Markdown on one line."""
        return re.sub(r"\s*\n\s*", " ", "".join(map(self.word, node.children)))

    def word(self, node):
        """Return one piece of running text as Markdown."""
        if isinstance(node, nodes.Text):
            return str(node)
        if isinstance(node, nodes.math):
            return f"${node.astext()}$"
        if isinstance(node, nodes.literal):
            return f"`{node.astext()}`"
        if isinstance(node, nodes.image):
            return self.block_image(node)
        text = self.inline(node)
        if isinstance(node, nodes.emphasis):
            return f"*{text}*"
        if isinstance(node, nodes.strong):
            return f"**{text}**"
        if isinstance(node, nodes.reference):
            return self.reference(node, text)
        return text

    def reference(self, node, text):
        """Return a reference: a link into the web or into the site, or the words alone."""
        address = node.get("refuri", "")
        if reference := node.get("reftitle"):
            self.references[text] = " ".join(reference.split())
            return text
        if text.strip() == "Proposition":  # the page, too, calls a claim by its name
            text = (address or node.get("refid", "")).split("#")[-1]
        if re.match(r"https?:", address):
            return f"[{text}]({address})"
        folder = posixpath.dirname(self.docname)
        target = posixpath.normpath(posixpath.join(folder, address)) if address else ""
        anchor = f"#{node['refid']}" if "refid" in node else ""
        return self.link(text, (target or f"{self.docname}.html") + anchor)

    def link(self, text, target):
        """Return a link to the site where its address is known, else the words alone."""
        address = self.app.config.reader_address
        return f"[{text}]({address}/{target})" if address else text


def _code(cell, hidden):
    """Return an executed cell without what only the page needs."""
    outputs = [
        output
        for output in cell.outputs
        if not any(kind.startswith("application/papermill") for kind in output.get("data", {}))
    ]
    return new_code_cell(
        cell.source,
        metadata={"jupyter": {"source_hidden": True}} if hidden else {},
        execution_count=cell.execution_count,
        outputs=outputs,
    )


def _box(kind, text):
    """Set text in a coloured box where Jupyter can."""
    return f'<div class="alert alert-block alert-{kind}">\n\n{text}\n\n</div>'


def _indented(text, marker):
    """Return a list item: its first line after the marker, the others below it."""
    return marker + text.replace("\n", "\n" + " " * len(marker))
