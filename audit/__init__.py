"""Whether the book's checks can fail, and whether they hold for other seeds: `python -m audit`."""
