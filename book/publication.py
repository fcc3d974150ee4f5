"""Sphinx extension: what a page says of itself, and where the book is published.

Addresses stand in `_config.yml` and nowhere else. Until there are any, there are no links for
editing, reporting or running on a service, no canonical address, no social picture, no site map.
"""

import datetime
import html
import os
import re
from importlib.metadata import version
from pathlib import Path

import yaml
from docutils import nodes
from reader_edition import WHEEL
from section_search import plain

ROOT = Path(__file__).resolve().parent.parent
PICTURE = "_static/social.png"


def setup(app):
    """Complete pages when they are written, and the site after the last."""
    for name in ("reader_repository", "reader_branch", "reader_pages_branch"):
        app.add_config_value(name, "", "env")
    app.connect("source-read", put_citation)
    app.connect("html-collect-pages", not_found)
    app.connect("html-page-context", complete)
    app.connect("build-finished", write_site_files)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def put_citation(app, docname, source):
    """Put the BibTeX entry of the book, made from CITATION.cff, where a page asks for it."""
    if "{{citation}}" in source[0]:
        cff = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
        fields = {
            "author": " and ".join(f"{{{author['name']}}}" for author in cff["authors"]),
            "title": f"{{{cff['title']}}}",
            "year": f"{built().year}",
            "version": cff["version"],
            "url": app.config.reader_address or app.config.reader_repository,
        }
        lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
        entry = "\n".join(["@misc{lvmnotes,", *lines, "}"])
        source[0] = source[0].replace("{{citation}}", entry)


def built():
    """Return the day of the build, or the one that SOURCE_DATE_EPOCH says."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        return datetime.datetime.fromtimestamp(int(epoch), datetime.UTC).date()
    return datetime.date.today()


def not_found(app):
    """Return the page that a server shows for an address that it does not have."""
    body = (
        "<h1>This page does not exist</h1><p>The address may be out of date. "
        '<a href="book/index.html">The front page</a> leads to all chapters, and '
        '<a href="search.html">the search</a> finds every section.</p>'
    )
    return [("404", {"title": "This page does not exist", "body": body}, "page.html")]


def complete(app, pagename, templatename, context, doctree):
    """Give a page its description, its picture's address and its foot."""
    title = re.sub(r"<[^>]*>", "", context.get("title", "")) or app.config.html_title
    tags = {"og:title": html.unescape(title), "og:site_name": app.config.html_title}
    tags["og:type"] = "article"
    text = description(doctree) if doctree is not None else f"{title}: {app.config.html_title}"
    tags["description"] = tags["og:description"] = html.unescape(text)
    if address := app.config.reader_address:
        tags["og:url"] = f"{address}/{pagename}.html"
        tags["og:image"] = f"{address}/{PICTURE}"
        tags["og:image:alt"] = "Points near a tilted plane in space"
        tags["twitter:card"] = "summary_large_image"
    context.setdefault("metatags", "")
    for name, text in tags.items():
        kind = "property" if name.startswith("og:") else "name"
        context["metatags"] += f'<meta {kind}="{name}" content="{html.escape(text)}" />\n'
    if doctree is not None:
        context["body"] += foot(app, pagename)
    if pagename == "404" and app.config.reader_address:  # it is shown at any depth
        context["metatags"] += f'<base href="{app.config.reader_address}/" />\n'


def description(doctree):
    """Return the first sentences of a page, about 160 characters."""
    paragraphs = [
        " ".join(plain(paragraph).split())
        for paragraph in doctree.findall(nodes.paragraph)
        if not {"chapter-head", "admonition-title"} & set(paragraph["classes"])
    ]
    text = next((it for it in paragraphs if len(it) > 60), max(paragraphs, key=len))
    return text if len(text) <= 160 else text[:157].rsplit(" ", 1)[0] + " …"


def foot(app, pagename):
    """Return the foot of a page: version, day, licence, and links where there is an address."""
    day = built()
    up = "../" * pagename.count("/")
    words = [
        f"Version {version('lvmnotes')}, {day.day} {day:%B %Y}",
        "text and figures CC BY 4.0, code MIT",
        f'<a href="{up}book/index.html#how-to-cite">how to cite</a>',
    ]
    words += [f'<a href="{to}">{text}</a>' for text, to in links(app, pagename).items()]
    return f'<footer class="page-foot"><p>{" · ".join(words)}</p></footer>'


def links(app, pagename):
    """Return the links of a page to the repository and to services that run it."""
    repository = app.config.reader_repository.rstrip("/")
    if not repository:
        return {}
    source = f"{pagename}.md"
    found = {"report a mistake": f"{repository}/issues/new?title={pagename}"}
    if (ROOT / source).exists() and not pagename.startswith(("book/library/", "book/claims")):
        found["edit this page"] = f"{repository}/edit/{app.config.reader_branch}/{source}"
    pages = app.config.reader_pages_branch
    if pages and pagename.startswith("book/chapters/"):
        owner = repository.removeprefix("https://github.com/")
        notebook = f"_sources/{pagename}.ipynb"
        colab = "https://colab.research.google.com/github"
        found["open in Colab"] = f"{colab}/{owner}/blob/{pages}/{notebook}"
        binder = "https://mybinder.org/v2/gh"
        found["open in Binder"] = f"{binder}/{owner}/{pages}?labpath={notebook}"
    return found


def write_site_files(app, exception):
    """Write what search engines and services ask for, where the site has an address."""
    if exception or app.builder.format != "html" or "draft" in app.tags:
        return
    out = Path(app.outdir)
    if address := app.config.reader_address:
        pages = sorted(f"{address}/{name}.html" for name in app.env.found_docs)
        entries = "".join(f"<url><loc>{html.escape(page)}</loc></url>\n" for page in pages)
        schema = "http://www.sitemaps.org/schemas/sitemap/0.9"
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{schema}">\n'
        text = f"{head}{entries}</urlset>\n"
        (out / "sitemap.xml").write_text(text, encoding="utf-8")
    if app.config.reader_repository:  # Binder installs this, beside the notebooks
        (out / "requirements.txt").write_text(f"downloads/{WHEEL}\n", encoding="utf-8")
