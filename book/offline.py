"""The book to take away: one PDF, and one zip of the site, the notebooks, the library and the PDF.

    python book/offline.py pdf     site -> _build/html/downloads/latent-variable-models.pdf
    python book/offline.py zip     site and PDF -> _build/html/downloads/latent-variable-models.zip

Both read the built site. The PDF is printed by Chromium: Playwright's own, which `python -m
playwright install chromium` installs, or one on the machine. Only when a file is there does the
page "Run it" get a link to it.
"""

import os
import posixpath
import shutil
import sys
import zipfile
from pathlib import Path
from urllib.parse import unquote, urldefrag

import yaml
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
DOWNLOADS = SITE / "downloads"
NAME = "latent-variable-models"
PLACE = "<!-- links to the PDF and the zip, once they are made -->"
LEFT_OUT = "script, button, .headerlink, .code-switch, .live-bar, .page-foot"
FOOT = (
    '<div style="width: 100%; font-size: 8px; text-align: center; color: #555">'
    '<span class="pageNumber"></span></div>'
)
README = f"""\
site/index.html      the book: opens in any browser, without a network
site/downloads/{NAME}.pdf     the book on paper
notebooks/           the chapters as Jupyter notebooks, and the library that they need, a wheel
"""


def pages():
    """Return the printed pages in the order of the book: all but those of the library."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [page["file"] for part in toc["parts"] for page in part["chapters"]]
    return [f"{name}.html" for name in [toc["root"], *files] if name != "book/library"]


def pdf():
    """Print the book."""
    import pikepdf
    from playwright.sync_api import sync_playwright

    target = DOWNLOADS / f"{NAME}.pdf"
    with sync_playwright() as playwright:
        browser = launch(playwright)
        if browser is None:
            sys.exit("No Chromium starts. To install one: python -m playwright install chromium")
        source = SITE / "printed.html"
        source.write_text(printed(), encoding="utf-8")
        try:
            page = browser.new_page(color_scheme="light")
            page.goto(source.as_uri(), wait_until="load")
            page.evaluate("document.fonts.ready")
            page.pdf(
                path=target,
                prefer_css_page_size=True,
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOT,
                outline=True,
                tagged=True,
            )
        finally:
            source.unlink()
            browser.close()
    with pikepdf.open(target, allow_overwriting_input=True) as document:
        # Chromium writes its hundred thousand small objects, the tags, as they are.
        document.save(target, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    add_link(target.name, "the book as one PDF")


def launch(playwright):
    """Start Chromium: the one that LVMNOTES_CHROMIUM names, else Playwright's, else one on PATH."""
    from playwright.sync_api import Error

    names = ("chromium", "chromium-browser", "google-chrome")
    chosen = os.environ.get("LVMNOTES_CHROMIUM")
    as_root = hasattr(os, "geteuid") and os.geteuid() == 0
    for executable in [chosen] if chosen else [None, *filter(None, map(shutil.which, names))]:
        try:
            return playwright.chromium.launch(
                executable_path=executable,
                args=["--no-sandbox"] if as_root else [],
                timeout=120_000,
            )
        except Error:
            continue
    return None


def printed():
    """Return all pages as one: links lead from one to another, folds are open, solutions last."""
    names = pages()
    first = BeautifulSoup((SITE / names[1]).read_text(encoding="utf-8"), "html.parser")
    styles = first.select('link[rel="stylesheet"]')
    for style in styles:
        style["href"] = posixpath.normpath(
            posixpath.join(posixpath.dirname(names[1]), style["href"])
        )
    articles = [article(name, names) for name in names]
    contents = "".join(
        f'<li><a href="#{key(name)}">{it.h1.get_text()}</a></li>'
        for name, it in zip(names, articles, strict=True)
    )
    title = articles[0].h1.extract()
    title.string = first.title.get_text().split("—")[-1].strip()
    return (
        '<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{title.get_text()}</title>{''.join(map(str, styles))}"
        '<link rel="stylesheet" href="_static/printed.css"></head><body class="printed">'
        f'<header>{title}<nav aria-label="Contents"><ol>{contents}</ol></nav></header>'
        f"{''.join(map(str, articles))}</body></html>"
    )


def key(name, anchor=""):
    """Return the anchor of a page, or of a place in it, where all pages are one."""
    return f"{posixpath.basename(name).removesuffix('.html')}--{anchor}"


def article(name, names):
    """Return one page to be printed."""
    soup = BeautifulSoup((SITE / name).read_text(encoding="utf-8"), "html.parser")
    page = soup.select_one("article")
    page["id"] = key(name)
    for it in page.select(LEFT_OUT):
        it.decompose()
    for it in page.select("details"):
        it["open"] = ""
    for it in page.select("[id]"):
        if not it.find_parent("svg"):  # whose parts styles refer to
            it["id"] = key(name, it["id"])
    for it in page.select("[src]"):
        if ":" not in it["src"]:
            it["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(name), it["src"]))
    for it in page.select("a[href]"):
        address, anchor = urldefrag(it["href"])
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), address or "."))
        target = name if not address else unquote(target)
        if target in names:
            it["href"] = f"#{key(target, anchor)}"
        elif "://" not in address:
            it.unwrap()
    solutions = page.select("details.solution")
    if solutions:
        heading = soup.new_tag("h2")
        heading.string = "Solutions"
        page.append(heading)
        page.extend([it.extract() for it in solutions])
    return page


def add_link(name, what):
    """Put a link to a file into the page that says how to run the book."""
    page = SITE / "book" / "run.html"
    text = page.read_text(encoding="utf-8")
    size = (DOWNLOADS / name).stat().st_size / 1e6
    link = f'<p><a href="../downloads/{name}">{name}</a>: {what}, {size:.0f} MB</p>'
    if f"downloads/{name}" not in text:
        page.write_text(text.replace(PLACE, link + PLACE), encoding="utf-8")


def pack():
    """Pack site, notebooks, wheel and PDF."""
    target = DOWNLOADS / f"{NAME}.zip"
    target.unlink(missing_ok=True)
    notebooks = [*SITE.glob("_sources/book/chapters/*.ipynb")]  # once, where links find them
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(f"{NAME}/README.txt", README)
        for path in sorted(SITE.rglob("*")):
            name = path.relative_to(SITE).as_posix()
            if path.suffix == ".html":
                page = path.read_text(encoding="utf-8")
                page = page.replace('"../../_sources/book/chapters/', '"../../../notebooks/')
                archive.writestr(f"{NAME}/site/{name}", page)
            elif path.is_file() and path not in (target, *notebooks) and name[:5] != "live/":
                archive.write(path, f"{NAME}/site/{name}")
        for path in [*notebooks, *DOWNLOADS.glob("*.whl")]:
            archive.write(path, f"{NAME}/notebooks/{path.name}")
    add_link(
        target.name, "this site, the notebooks, the library and the PDF, to read without a network"
    )


if __name__ == "__main__":
    {"pdf": pdf, "zip": pack}[sys.argv[1]]()
