"""nbgrader's gradebook, with the same points as the table of grades."""

import os
import sysconfig
import warnings

from nbgrader.api import Gradebook, MissingEntry

from coursework.safe import plain


def write(files, problem, assessments):
    """Enter a set and its results in the gradebook, in place of what it has of the set."""
    scripts = sysconfig.get_path("scripts")  # nbgrader calls alembic by name
    if scripts not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ["PATH"]])
    with Gradebook(f"sqlite:///{files.gradebook}") as gradebook, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nbgrader's own, of how it fills in a submission
        try:
            gradebook.remove_assignment(problem.name)
        except MissingEntry:
            pass
        gradebook.add_assignment(problem.name)
        gradebook.add_notebook(problem.name, problem.name)
        for name, cell in problem.cells.items():
            where = (name, problem.name, problem.name)
            kind = {"cell_type": cell.cell_type}
            gradebook.add_source_cell(*where, source=cell.source, **kind)
            if cell.metadata.nbgrader.grade:
                gradebook.add_grade_cell(*where, max_score=problem.points[name], **kind)
            if cell.metadata.nbgrader.solution:
                gradebook.add_solution_cell(*where)
        for one in assessments:
            student = plain(one.student)
            gradebook.update_or_create_student(student)
            submission = gradebook.update_or_create_submission(problem.name, student)
            grades = {grade.name: grade for grade in submission.notebooks[0].grades}
            for name, grade in grades.items():
                written = name in problem.written
                given = one.marks.get("points", {}).get(name)
                grade.auto_score = None if written else one.result["scores"][name]
                grade.manual_score = one.points(name) if written else given
                grade.needs_manual_grade = written and one.points(name) is None
            for question, tests in problem.tests.items():  # a question changed as a whole
                change = one.points(question) - sum(one.points(test) for test in tests)
                grades[tests[0]].extra_credit = change
            first = grades[next(iter(grades))]
            first.extra_credit = (first.extra_credit or 0) - one.deducted
        gradebook.db.commit()
