"""Read what a student handed in, and say what of it is run and what is tested, in which order."""

from dataclasses import dataclass

import nbformat

from coursework.pictures import SUFFIXES
from coursework.problems import is_test

LARGEST = 20 * 2**20


class Unreadable(Exception):
    """There is no notebook to grade; says why."""


@dataclass
class Step:
    """A cell; what is done with it, ``run``, ``test`` or ``show``; its grade_id if it has one."""

    action: str
    source: str
    name: str | None = None
    attachments: dict | None = None


def load(folder, name):
    """Return the notebook in a folder, and remarks on what was odd.

    Raises
    ------
    Unreadable
    """
    if folder.is_symlink():
        raise Unreadable("the folder is a link")
    if not folder.is_dir():
        raise Unreadable("nothing was handed in")
    remarks = []
    files = [path for path in sorted(folder.iterdir()) if not path.is_dir()]
    for path in [path for path in files if path.is_symlink() or not path.is_file()]:
        what = "a link and was not followed" if path.is_symlink() else "no file that can be read"
        remarks.append(f"{path.name} is {what}")
        files.remove(path)
    notebooks = [path for path in files if path.suffix.lower() == ".ipynb"]
    right = [path for path in notebooks if path.name == f"{name}.ipynb"]
    if not notebooks:
        found = ", ".join(path.name for path in files) or "nothing"
        raise Unreadable("; ".join([f"there is no notebook but {found}", *remarks]))
    if not right and len(notebooks) > 1:
        found = ", ".join(path.name for path in notebooks)
        raise Unreadable(f"which notebook counts? None of {found} is called {name}.ipynb")
    chosen = (right or notebooks)[0]
    if not right:
        remarks.append(f"{chosen.name} was graded; it should be called {name}.ipynb")
    elif len(notebooks) > 1:
        others = ", ".join(path.name for path in notebooks if path != chosen)
        remarks.append(f"{chosen.name} was graded, not {others}")
    more = [path.name for path in files if path.suffix.lower() not in {".ipynb", *SUFFIXES}]
    more = [name for name in more if name not in ("timestamp.txt", ".DS_Store")]
    if more:
        remarks.append(f"handed in besides, not looked at: {', '.join(more[:9])}")
    if chosen.stat().st_size > LARGEST:
        raise Unreadable(f"{chosen.name} is larger than {LARGEST // 2**20} MB")
    try:
        text = chosen.read_text(encoding="utf-8-sig")
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook, relax_add_props=True)
    except Exception as error:  # a hostile file may make the reader raise anything
        reason = " ".join(str(error).split())[:120]
        raise Unreadable(f"{chosen.name} is not a notebook: {reason}") from error
    return notebook, remarks


def plan(problem, notebook):
    """Return the steps of grading a notebook, and remarks on what was missing or changed.

    The student's code runs in the student's order.  Given cells and tests are the teacher's, at the
    place where the student has them; given cells that are missing come first, tests last.
    """
    names = _identify(problem, notebook)
    steps, seen = [], set()
    odd = {"there twice": [], "changed, the original was used": [], "missing": []}
    bare = not any("nbgrader" in cell.metadata for cell in notebook.cells)
    for name, cell in zip(names, notebook.cells, strict=True):
        source = cell.source.encode("utf-8", "replace").decode()
        if name is None or name in problem.tests or name in problem.written:
            if name and name in seen:
                odd["there twice"].append(name)
            action = "run" if cell.cell_type == "code" else "show"
            steps.append(Step(action, source, name, cell.get("attachments")))
        elif name not in seen:
            steps.append(_teachers(problem, name))
            if _bare(source) != _bare(problem.released[name].source):
                odd["changed, the original was used"].append(name)
        seen.add(name)
    for name in [name for name in problem.cells if name not in seen]:
        if name in problem.given:
            steps.insert(0, _teachers(problem, name))
        elif is_test(problem.cells[name]):
            steps.append(_teachers(problem, name))
        elif name in problem.tests and bare:
            continue  # the code may be there, but cannot be told from other code
        odd["missing"].append(name)
    remarks = [f"{what}: {', '.join(names)}" for what, names in odd.items() if names]
    if bare:
        remarks.append("nbgrader's marks are gone, cells were recognised by their text")
    return steps, remarks


def _teachers(problem, name):
    """Return the step of a cell in which the student had nothing to change."""
    cell = problem.cells[name]
    return Step("test" if is_test(cell) else "run", cell.source, name)


def _identify(problem, notebook):
    """Return the grade_id of each cell, or None: by its marks; failing these, by text and place."""
    names = [_marked(problem, cell) for cell in notebook.cells]
    texts = [_bare(cell.source) for cell in notebook.cells]
    before = None
    for cell in problem.student.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name and name not in names:
            if name in problem.written:  # the cell after the question
                places = [place + 1 for place, text in enumerate(texts[:-1]) if text == before]
            else:
                places = [place for place, text in enumerate(texts) if text == _bare(cell.source)]
            kind = cell.cell_type
            free = [p for p in places if not names[p] and notebook.cells[p].cell_type == kind]
            if free and name not in problem.tests:  # an untouched stub tells nothing
                names[free[0]] = name
        before = _bare(cell.source)
    return names


def _marked(problem, cell):
    """Return the grade_id of a cell by its metadata."""
    marks = cell.metadata.get("nbgrader")
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    if isinstance(name, str) and name in problem.cells:
        return name if problem.cells[name].cell_type == cell.cell_type else None
    return None


def _bare(source):
    """Return a source without what an editor may have changed."""
    return [line.rstrip() for line in source.strip().splitlines()]
