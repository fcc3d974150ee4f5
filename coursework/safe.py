"""What a student can choose, made harmless where it is written.

Pages escape by default (their templates do) and run no script; this is for terminals and tables.
"""

import sys


def plain(text, most=500):
    """Return a text as one line of printable characters: no escape, control or direction codes."""
    text = " ".join(str(text).split())
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def cell(text):
    """Return a text as a cell of a table that no spreadsheet takes for a formula."""
    text = plain(text, 2000)
    return (
        f"'{text}" if text.startswith(("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d")) else text
    )


def say(text, file=None):
    """Print a line that may hold what a student chose."""
    print(plain(text, 2000), file=file or sys.stdout, flush=True)
