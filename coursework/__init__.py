"""Problem sets: released, proved, graded.  ``python -m coursework --help`` says how."""
