"""Run a notebook of a problem set and print what its visible tests say, one line per test.

python -m lvmnotes.coursework NOTEBOOK
"""

import ast
import sys


def check(path):
    """Return the number of tests of a notebook that do not pass."""
    import nbformat  # these come with Jupyter, which the library alone does not need
    from IPython.utils.capture import capture_output

    from lvmnotes.coursework.shell import calls_forbidden_to, make_shell, run_cell

    try:
        cells = nbformat.read(path, as_version=4).cells
    except (OSError, nbformat.reader.NotJSONError) as reason:
        sys.exit(f"{path} is not a notebook that can be read: {reason}")
    shell = make_shell()
    tests, failed = 0, 0
    for number, cell in enumerate(cells, start=1):
        if cell.cell_type != "code":
            continue
        marks = cell.metadata.get("nbgrader", {})
        answer = marks.get("solution") and not marks.get("grade")
        calls = calls_forbidden_to(cell.source) if answer else []
        with capture_output():
            error = run_cell(shell, cell.source, calls)
        text = (
            str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
        )
        if isinstance(error, NotImplementedError):
            text = "no answer yet"
        if not marks.get("grade"):
            if error:
                print(f"cell {number} stops: {text}")
        elif error or ast.parse(cell.source).body:  # a hidden test has no more than a comment
            tests, failed = tests + 1, failed + bool(error)
            print(f"{marks['grade_id']}: {text if error else 'passed'}")
    print(f"{tests - failed} of {tests} tests pass; there are hidden ones besides")
    return failed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m lvmnotes.coursework NOTEBOOK")
    sys.exit(check(sys.argv[1]) > 0)
