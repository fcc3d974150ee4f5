"""All representations of an object."""

REPRESENTATIONS = {
    "_repr_html_": "text/html",
    "_repr_svg_": "image/svg+xml",
    "_repr_markdown_": "text/markdown",
}


def format_display_data(value):
    """Return a bundle of the representations of an object, by kind, and their metadata."""
    bundle = {"text/plain": repr(value)}
    for name, kind in REPRESENTATIONS.items():
        if method := getattr(value, name, None):
            bundle[kind] = method()
    if method := getattr(value, "_repr_mimebundle_", None):
        bundle |= method()
    if hasattr(value, "savefig"):
        from matplotlib_inline.backend import svg

        bundle["image/svg+xml"] = svg(value)
    return {kind: shown for kind, shown in bundle.items() if shown is not None}, {}
