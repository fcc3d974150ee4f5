"""Sphinx extension: what the story can do without is folded, and one line says what is inside.

Folded are imports, cells that only check, the numbers of all checks, solutions and heavy proofs. A
fold is a `details` element: it opens without JavaScript, and a link into it or a search opens it.
"""

import ast
from collections import Counter
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

CHECK = "application/vnd.lvmnotes.check+json"  # of lvmnotes.notebook.check
SWITCH = """\
<fieldset class="code-switch pst-js-only"><legend>Code</legend>
<label><input type="radio" name="code" value="some" checked> main steps</label>
<label><input type="radio" name="code" value="all"> all</label>
<label><input type="radio" name="code" value="none"> none</label></fieldset>"""


class fold(nodes.General, nodes.Element):
    """A `details` element: a summary, then what it hides unless it has the attribute `open`."""


class summary(nodes.title):
    """The line of a fold that is always visible."""


def setup(app):
    """Fold the cells of a page when it is read, and boxes when their titles are known."""
    app.add_node(fold, html=(visit_fold, lambda self, node: self.body.append("</details>\n")))
    app.add_node(summary, html=(visit_summary, lambda self, node: self.body.append("</summary>\n")))
    app.connect("doctree-read", fold_cells)
    app.add_post_transform(FoldBoxes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def visit_fold(self, node):
    """Begin a fold."""
    self.body.append(self.starttag(node, "details", **({"open": ""} if node.get("open") else {})))


def visit_summary(self, node):
    """Begin the line of a fold."""
    self.body.append(self.starttag(node, "summary", ""))


def fold_cells(app, doctree):
    """Fold what the cells of an executed notebook have in excess of the story."""
    source = Path(app.env.doc2path(app.env.docname))
    if source.suffix != ".ipynb":
        return
    cells = nbformat.read(source, as_version=4).cells
    closed = aside(cells)
    anchors = dict(anchors_of_checks(cells))
    found = [
        node for node in doctree.findall(nodes.container) if node.get("nb_element") == "cell_code"
    ]
    for node in found:
        number = node["cell_index"]
        for part in list(node.children):
            if part.get("nb_element") == "cell_code_source":
                node.replace(part, folded_code(part, closed.get(number)))
            elif part.get("nb_element") == "cell_code_output":
                fold_checks(part, cells[number].outputs, anchors.get(number, []))
    if found:
        title = doctree.next_node(nodes.title)
        title.parent.insert(title.parent.index(title) + 1, nodes.raw("", SWITCH, format="html"))


def folded_code(code, reason):
    """Return the code of a cell in a fold, which is closed if there is a reason to skip it."""
    node = fold(classes=["code", "aside" if reason else "story"], open=not reason)
    node += [summary("", reason or "Code"), code]
    return node


def fold_checks(output, outputs, anchors):
    """Put the checks among a cell's outputs in one fold, whose line counts them."""
    checks = {
        node: data["data"]
        for node, data in zip(output.children, outputs, strict=True)
        if CHECK in data.get("data", {})
    }
    if checks:
        numbers = nodes.bullet_list(ids=anchors, classes=["evidence"])
        for data in checks.values():  # the claim is in the line above
            said = data["text/plain"].removeprefix(data[CHECK]["claim"]).strip()
            numbers += nodes.list_item("", nodes.paragraph("", said))
        claims = ", ".join(dict.fromkeys(data[CHECK]["claim"] for data in checks.values()))
        line = f"✓ {claims} · {len(checks)} check{'s' * (len(checks) > 1)}"
        node = fold("", summary("", line), numbers, classes=["checks"])
        output.insert(output.index(next(iter(checks))), node)
        for node in checks:
            output.remove(node)


def anchors_of_checks(cells):
    """Yield the number of each cell with checks, and an anchor for each claim that it checks.

    Cells are numbered in the notebook, and the anchors count the cells that a claim is a tag of.
    """
    seen = Counter()
    for number, cell in enumerate(cells):
        tags = cell.metadata.get("tags", [])
        claims = [tag.removeprefix("claim:") for tag in tags if tag.startswith("claim:")]
        seen.update(claims)
        if claims:
            yield number, [f"check-{claim}-{seen[claim]}" for claim in claims]


def aside(cells):
    """Return the numbers of the cells whose code a reader may skip, and what the code is.

    A cell of imports is one; so is one that only checks: it shows nothing else, and no code that is
    shown later uses what it computes, unless that, in turn, only checks.
    """
    code = {n: Code(cell) for n, cell in enumerate(cells) if cell.cell_type == "code"}
    only_check = {n for n, cell in code.items() if cell.only_shows_checks}
    while used := {n for n in only_check if is_used(n, code, only_check)}:
        only_check -= used
    found = dict.fromkeys(only_check, "Code of the check")
    found.update({n: "Imports" for n, cell in code.items() if cell.imports})
    return found


def is_used(number, code, aside):
    """Return whether cells after one need what it binds, other than those that are put aside."""
    alive = set(code[number].bound)
    for n, cell in code.items():
        if n > number:
            if alive & cell.needed and n not in aside and not cell.hidden:
                return True
            alive -= cell.bound
    return False


class Code:
    """The names that a cell binds and those that it needs from before, and what the cell is for."""

    def __init__(self, cell):
        lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith("%")]
        statements = ast.parse("\n".join(lines)).body
        self.bound, self.needed = set(), set()
        self.hidden = bool({"remove-input", "remove-cell"} & {*cell.metadata.get("tags", [])})
        for statement in statements:
            self.add(statement)
        n_imports = sum(isinstance(it, ast.Import | ast.ImportFrom) for it in statements)
        defines = any(isinstance(it, ast.FunctionDef) for it in statements)
        self.imports = n_imports > len(statements) / 2 and not defines
        shown = [it for it in cell.outputs if "scrapbook" not in it.get("metadata", {})]
        self.only_shows_checks = bool(shown) and all(CHECK in it.get("data", {}) for it in shown)

    def add(self, statement):
        """Take in the names of one more statement."""
        stored, read, inner = set(), set(), set()
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                (read if isinstance(node.ctx, ast.Load) else stored).add(node.id)
            elif isinstance(node, ast.arg):
                inner.add(node.arg)
            elif isinstance(node, ast.comprehension):
                inner |= {it.id for it in ast.walk(node.target) if isinstance(it, ast.Name)}
        if isinstance(statement, ast.FunctionDef):
            inner, stored = inner | stored, {statement.name}
        elif not isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr):
            inner = inner | stored  # a loop binds its variables before it reads them
        self.needed |= read - inner - self.bound
        self.bound |= stored


class FoldBoxes(SphinxPostTransform):
    """Make a fold of each solution and each proof whose class is `dropdown`."""

    default_priority = 900  # after the numbers and titles of exercises
    formats = ("html",)

    def run(self, **kwargs):
        """Replace the boxes of a page."""
        for box in list(self.document.findall(nodes.Admonition)):
            if "dropdown" in box["classes"]:
                if isinstance(box[0], nodes.title):
                    title, *content = box.children
                    links = [
                        it.children if isinstance(it, nodes.reference) else [it] for it in title
                    ]
                    line = summary("", "", *sum(links, []))
                else:  # a proof, which has its name in its first paragraph
                    content, first = box.children, box.next_node(nodes.Text)
                    first.parent.replace(first, nodes.Text(first.removeprefix("Proof. ")))
                    line = summary("", "Proof")
                line["classes"].append("admonition-title")
                classes = ["admonition", *box["classes"]]
                box.replace_self(fold("", line, *content, ids=box["ids"], classes=classes))
