"""Sphinx extension: a proof of class `dropdown` is folded.

The theme folds a box by a button in its title, and sphinx-proof gives a proof no title.
"""

from docutils import nodes
from sphinx.transforms import SphinxTransform


class FoldedProofs(SphinxTransform):
    """Give each proof that is to be folded a title in place of its first word."""

    default_priority = 500

    def apply(self):
        """Do so in one document."""
        for box in self.document.findall(nodes.admonition):
            if {"proof", "dropdown"} <= set(box["classes"]):
                first = box.next_node(nodes.Text)
                first.parent.replace(first, nodes.Text(first.removeprefix("Proof. ")))
                box.insert(0, nodes.title("", "Proof"))


def setup(app):
    """Fold proofs."""
    app.add_transform(FoldedProofs)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
