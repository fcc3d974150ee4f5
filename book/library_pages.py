"""Sphinx extension: a page per module of the library, joined with the chapters in both directions.

`library.yml` says what the pages have, and what each class and function implements. That is said
where it is described, and below the propositions; and the first mention of a name in the text of a
chapter, its import and its first use in code are links.
"""

import ast
import importlib
import inspect
import re
from pathlib import Path

import nbformat
import yaml
from docutils import nodes
from sphinx import addnodes

BOOK = Path(__file__).parent
TABLE = BOOK / "library.yml"


def setup(app):
    """Write the pages before Sphinx looks for them, and join them with the chapters."""
    app.connect("builder-inited", write_pages)
    app.connect("source-read", list_modules)
    app.connect("autodoc-process-docstring", say_what_is_implemented, priority=400)
    app.connect("doctree-read", link_from_chapter)
    app.connect("html-page-context", link_from_code)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def groups():
    """Return the table: a list of groups of modules; empty in a book without a library."""
    return yaml.safe_load(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else []


def members():
    """Return what each object of the table implements, by its full name."""
    return {
        f"lvmnotes.{module}.{name}": done
        for group in groups()
        for module, names in group["modules"].items()
        for name, done in names.items()
    }


def write_pages(app):
    """Write a page per module where it is not there or not up to date."""
    for group in groups():
        for module, names in group["modules"].items():
            page = BOOK / "library" / f"{module}.md"
            text = page_of(f"lvmnotes.{module}", names)
            if not page.exists() or page.read_text(encoding="utf-8") != text:
                page.parent.mkdir(exist_ok=True)
                page.write_text(text, encoding="utf-8")


def page_of(module, names):
    """Return the page of one module."""
    lines = [f"# {module}", "", "```{eval-rst}", f".. automodule:: {module}"]
    for name in names:
        value = getattr(importlib.import_module(module), name)
        if not inspect.isclass(value):
            lines.append(f".. autofunction:: {name}")
        elif hasattr(value, "get_params") or hasattr(value, "from_data"):
            lines += [f".. autoclass:: {name}", "   :members:"]
            lines.append("   :inherited-members: BaseEstimator")
        else:
            classmethods = [key for key, it in vars(value).items() if isinstance(it, classmethod)]
            lines.append(f".. autoclass:: {name}")
            lines += [f"   :members: {', '.join(classmethods)}"] if classmethods else []
    return "\n".join([*lines, "```", ""])


def list_modules(app, docname, source):
    """Put the list of the pages where a page asks for it."""
    if "{{modules}}" not in source[0]:
        return
    lines = []
    for group in groups():
        lines += ["", f"## {group['group']}", ""]
        for module, names in group["modules"].items():
            about = inspect.getdoc(importlib.import_module(f"lvmnotes.{module}")).split("\n")[0]
            objects = ", ".join(f"{{py:obj}}`~lvmnotes.{module}.{name}`" for name in names)
            lines.append(f"- {{doc}}`library/{module}`: {about}{' ' + objects if objects else ''}")
    source[0] = source[0].replace("{{modules}}", "\n".join(lines).strip())


def say_what_is_implemented(app, what, name, value, options, lines):
    """Put what a class or function implements below the first paragraph of its docstring."""
    done = members().get(name, [])
    if done and "" in lines:
        words = ", ".join(
            f"equation :eq:`{label}`" if label.startswith("eq-") else f":prf:ref:`{label}`"
            for label in done
        )
        lines[lines.index("") : 0] = ["", f"In the chapters: {words}."]


def link_from_chapter(app, doctree):
    """Link the first mentions of names of the library, and propositions to what implements them."""
    source = Path(app.env.doc2path(app.env.docname))
    if source.suffix != ".ipynb":
        return
    known = members()
    for proposition in list(doctree.findall(nodes.Admonition)):
        names = [name for name, done in known.items() if proposition.get("label") in done]
        if names:
            line = nodes.paragraph("", "In the library: ", classes=["in-library"])
            for number, name in enumerate(names):
                line += [
                    nodes.Text(", " if number else ""),
                    link(app, name, nodes.literal("", short(name))),
                ]
            proposition[-1] += line
    targets = names_in(nbformat.read(source, as_version=4), known)
    outputs = doctree.findall(lambda node: "nb_element" in getattr(node, "attributes", {}))
    printed = {id(it) for output in outputs for it in output.findall(nodes.literal)}
    for literal in [it for it in doctree.findall(nodes.literal) if id(it) not in printed]:
        target = targets.get(literal.astext().removesuffix("()"))
        if target and not isinstance(literal.parent, (addnodes.pending_xref, nodes.reference)):
            literal.replace_self(link(app, target, literal.deepcopy()))
            targets = {text: name for text, name in targets.items() if name != target}


def link_from_code(app, pagename, templatename, context, doctree):
    """Link the first mention and the first use of each name of the library in a chapter's code."""
    source = Path(app.env.doc2path(pagename)) if doctree is not None else Path()
    if source.suffix != ".ipynb":
        return
    targets = names_in(nbformat.read(source, as_version=4), members())
    left = {kind: dict(targets) for kind in ("import", "use")}
    lines = context["body"].split("\n")
    for number, line in enumerate(lines):
        names = left["import" if '<span class="kn">import' in line else "use"]
        for text in [text for text in names if f'">{text.split(".")[-1]}</span>' in line]:
            spans = [rf'<span class="n[nc]?">{part}</span>' for part in text.split(".")]
            mention = re.search(r'<span class="o">\.</span>'.join(spans), lines[number])
            if mention:
                name = names.pop(text)
                page = f"book/library/{name.rsplit('.', 1)[0].removeprefix('lvmnotes.')}"
                address = app.builder.get_relative_uri(pagename, page)
                shown = f'<a class="in-code" href="{address}#{name}">{mention[0]}</a>'
                lines[number] = lines[number].replace(mention[0], shown, 1)
    context["body"] = "\n".join(lines)


def short(name):
    """Return the name that tells an object of the library from the others."""
    *_, module, own = name.split(".")
    ambiguous = sum(other.endswith(f".{own}") for other in members()) > 1
    return f"{module}.{own}" if ambiguous else own


def link(app, name, shown):
    """Return a link to where an object of the library is described."""
    node = addnodes.pending_xref(
        "", shown, refdomain="py", reftype="obj", reftarget=name, refexplicit=True, refwarn=True
    )
    node["refdoc"] = app.env.docname
    return node


def names_in(notebook, known):
    """Return the object of the library that each name means in the text of a notebook.

    Names are those that a cell imports, and those of classes and functions that are the only ones
    of their name; but a function that the notebook itself defines is not the library's.
    """
    own = {}
    for name in known:
        own.setdefault(name.rsplit(".", 1)[1], []).append(name)
    targets = {text: names[0] for text, names in own.items() if len(names) == 1}
    targets.update({f"data.{n.rsplit('.', 1)[1]}": n for n in known if ".data." in n})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            lines = [line for line in cell.source.splitlines() if line.lstrip()[:1] != "%"]
            for node in ast.walk(ast.parse("\n".join(lines))):
                if isinstance(node, ast.ImportFrom) and node.module.startswith("lvmnotes."):
                    for alias in node.names:
                        name = f"{node.module}.{alias.name}"
                        if name in known:
                            targets[alias.asname or alias.name] = name
                elif isinstance(node, ast.FunctionDef):
                    targets.pop(node.name, None)
    return targets
