"""What chapters display with."""

import IPython


class HTML:
    """Text in HTML, to be displayed as it is."""

    kind = "html"

    def __init__(self, data):
        self.data = data

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {f"text/{self.kind}": self.data, "text/plain": repr(self)}


class Markdown(HTML):
    """Text in Markdown, to be displayed as HTML."""

    kind = "markdown"


def display(*objects, **options):
    """Display objects in the outputs of the cell that runs."""
    for it in objects:
        IPython.shell.display(it, **options)
