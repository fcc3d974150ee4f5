"""nbgrader's settings for a class that hands in through its exchange; see the page For teachers.

Copied to /etc/jupyter of a JupyterHub, it serves teachers and students alike; the folder of the
course is the teacher's clone, named in NBGRADER_COURSE.
"""

import os

c = get_config()  # noqa: F821  nbgrader provides it
c.CourseDirectory.course_id = "lvmnotes"
c.Exchange.root = os.environ.get("NBGRADER_EXCHANGE", "/srv/nbgrader/exchange")
if course := os.environ.get("NBGRADER_COURSE"):  # students have none
    c.CourseDirectory.root = course
    os.makedirs(f"{course}/graded", exist_ok=True)
    c.CourseDirectory.db_url = f"sqlite:///{course}/graded/gradebook.db"
