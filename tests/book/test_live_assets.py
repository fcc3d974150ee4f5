"""What runs code in the page is made once, from what chapters import, or left out in one line."""

import io
import json
import subprocess
import zipfile

import live_assets
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder of what is made, elsewhere."""
    monkeypatch.setattr(live_assets, "LIVE", tmp_path)
    monkeypatch.setattr(live_assets, "MANIFEST", tmp_path / "manifest.json")
    monkeypatch.delenv("LIVE", raising=False)
    return tmp_path


def zipped(files):
    """Return a zip of files that contain their own names, or the given text."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in files:
            archive.writestr(name, files[name] if isinstance(files, dict) else name)
    return content.getvalue()


def wheel(folder):
    """Write a wheel like the pinned one, but small."""
    requires = "Name: {}\nRequires-Dist: {}\nRequires-Dist: extra-one; extra == 'all'\n"
    packages = {
        "os.pyc": "",
        "idlelib/a.pyc": "",
        "sklearn/__init__.pyc": "",
        "sklearn/tests/a.pyc": "",
        "scikit_learn-1.0.dist-info/METADATA": requires.format("scikit-learn", "narwhals>=2")
        + "Requires-Dist: fonttools>=4\n",
        "narwhals/__init__.pyc": "",
        "fontTools/agl.pyc": "",
        "fontTools/subset/__init__.pyc": "",
        "fonttools-4.0.dist-info/METADATA": "Name: fonttools\n",
        "narwhals-1.0.dist-info/METADATA": "Name: narwhals\n",
        "pandas/__init__.pyc": "",
        "pandas-1.0.dist-info/METADATA": requires.format("pandas", "patsy"),
        "patsy-1.0.dist-info/METADATA": "Name: patsy\n",
        "patsy/__init__.pyc": "",
        "matplotlib/mpl-data.zip": zipped(["fonts/ttf/a.ttf", "images/b.png", "matplotlibrc"]),
    }
    program = b"\0asm\1\0\0\0" + bytes([0, 3, 1, 97, 98]) + bytes([1, 4, 1, 0x60, 0, 0])
    path = folder / "wheel.whl"
    artifacts = {"python.wasm": program, "python-stdlib.zip": zipped(packages)}
    files = {live_assets.ARTIFACTS + name: content for name, content in artifacts.items()}
    path.write_bytes(zipped(files))
    return path


def test_what_is_made_is_what_is_needed(folder, monkeypatch, capsys):
    monkeypatch.setattr(live_assets, "fetch", lambda: wheel(folder))
    live_assets.main()
    files = live_assets.manifest()["files"]
    program = live_assets.gzip.decompress((folder / files["python"]["name"]).read_bytes())
    assert program == b"\0asm\1\0\0\0" + bytes([1, 4, 1, 0x60, 0, 0])  # no custom section
    packed = live_assets.gzip.decompress((folder / files["packages"]["name"]).read_bytes())
    names = set(zipfile.ZipFile(io.BytesIO(packed)).namelist())
    assert {"os.pyc", "sklearn/__init__.pyc", "narwhals/__init__.pyc"} <= names
    assert {"matplotlib/mpl-data/fonts/ttf/a.ttf", "matplotlib/mpl-data/matplotlibrc"} <= names
    photograph = zipfile.ZipFile(io.BytesIO(packed)).read("sklearn/datasets/images/china.jpg")
    assert (np.asarray(Image.open(io.BytesIO(photograph))) == load_sample_image("china.jpg")).all()
    assert photograph.startswith(b"\x89PNG")
    assert not [name for name in names if "pandas" in name or "patsy" in name or "tests" in name]
    assert "fontTools/agl.pyc" in names and "fontTools/subset/__init__.pyc" not in names
    assert "idlelib/a.pyc" not in names and "matplotlib/mpl-data/images/b.png" not in names
    assert sum(it["bytes"] for it in files.values()) == live_assets.manifest()["bytes"]

    # A second time nothing is made; a chapter that imports pandas brings it, and what it needs.
    monkeypatch.setattr(live_assets, "fetch", lambda: pytest.fail("made twice"))
    live_assets.main()
    imported = [*live_assets.imports(), "pandas"]
    monkeypatch.setattr(live_assets, "fetch", lambda: wheel(folder))
    monkeypatch.setattr(live_assets, "imports", lambda: imported)
    live_assets.main()
    new = live_assets.manifest()["files"]
    packed = live_assets.gzip.decompress((folder / new["packages"]["name"]).read_bytes())
    names = set(zipfile.ZipFile(io.BytesIO(packed)).namelist())
    assert {"pandas/__init__.pyc", "patsy/__init__.pyc"} <= names
    assert not (folder / files["packages"]["name"]).exists()
    assert new["python"] == files["python"] and new["book"] == files["book"]

    # Other rules for what is needed: it is made again.
    rules = folder / "wheel" / "rules.py"
    rules.parent.mkdir()
    rules.write_text("")
    monkeypatch.setattr(live_assets.live_packages, "__file__", rules)
    made = []
    monkeypatch.setattr(live_assets, "fetch", lambda: made.append(wheel(folder)) or made[0])
    live_assets.main()
    live_assets.main()
    assert len(made) == 1


def test_the_library_and_what_runs_cells_are_packed():
    with zipfile.ZipFile(io.BytesIO(live_assets.library())) as archive:
        names = set(archive.namelist())
    assert {"kernel.py", "IPython/display.py", "pictures.py", "lvmnotes/ppca.py"} <= names
    assert {"lvmnotes/datasets/harman24.csv", "markdown_it/main.py"} <= names


def test_all_imports_of_the_chapters_are_seen():
    assert {"numpy", "sklearn", "matplotlib", "lvmnotes", "IPython"} <= set(live_assets.imports())
    cell = "```{code-cell} ipython3\n---\ntags: [a]\n---\nimport one\n```\n"
    option = "```{code-cell} ipython3\n:tags: [a]\nimport two\n```\n```python\nimport three\n```\n"
    assert live_assets.CELL.findall(cell + option) == ["import one\n", "import two\n"]


@pytest.mark.parametrize("reason", ["LIVE=0", "no wheel"])
def test_it_is_left_out_with_one_line(folder, monkeypatch, capsys, reason):
    def fails():
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(live_assets, "fetch", fails)
    if reason == "LIVE=0":
        monkeypatch.setenv("LIVE", "0")
    live_assets.main()
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1 and said[0].startswith("The pages will not run code: ")
    assert ("LIVE=0" in said[0]) == (reason == "LIVE=0")
    assert json.loads((folder / "manifest.json").read_text()) == {} == live_assets.manifest()
