"""Numbers and figures that a page shows outside the cell that computes them."""

from __future__ import annotations

#: Prefix under which MyST-NB looks for glued values that are not shown in their own cell.
PREFIX = "application/papermill.record/"


def glue(name: str, value: object) -> None:
    """Give a value a name, under which a page's ``{glue:text}`` role or ``{glue}`` finds it.

    The cell itself shows nothing. Without IPython, nothing happens.

    Parameters
    ----------
    name : str
        Unique within a chapter.
    value : str or object
        A number as the page should show it, hence a string; or anything that Jupyter can display.

    Raises
    ------
    TypeError
        If `name` is not a string, or `value` a bare number.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, got {name!r}")
    if hasattr(value, "__float__"):
        raise TypeError(f"value must be a string that says how to write the number, got {value!r}")
    try:
        from IPython.core.formatters import format_display_data
        from IPython.display import display
    except ImportError:
        return
    data, metadata = format_display_data(value)
    metadata["scrapbook"] = {"name": name, "mime_prefix": PREFIX}
    display({PREFIX + kind: shown for kind, shown in data.items()}, raw=True, metadata=metadata)
