"""The figures that are too long for a chapter's cell: a module a chapter, and what they share."""
