"""What stands beside the code agrees with it: pins, wheel, citation, workflow, templates."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import lvmnotes

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins(name):
    """Return the packages and versions of a file of requirements."""
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_every_dependency_has_a_pin(extra):
    pinned = pins("requirements.txt")
    if extra in ("bench", "coursework"):
        pinned |= pins(f"requirements-{extra}.txt")
    needed = EXTRAS[extra] if extra else PROJECT["dependencies"]
    names = {normal(re.match(r"[\w.-]+", requirement)[0]) for requirement in needed}
    assert names <= {normal(name) for name in pinned}


def test_the_lowest_versions_are_those_that_the_project_allows():
    bounds = dict(requirement.split(">=") for requirement in PROJECT["dependencies"])
    assert pins("requirements-lowest.txt") == {name: f"{low}.*" for name, low in bounds.items()}


def test_the_wheel_has_every_file_of_the_library():
    (wheel,) = (ROOT / "_build" / "html" / "downloads").glob("lvmnotes-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("lvmnotes/")}
    files = {path for path in (ROOT / "lvmnotes").rglob("*") if path.is_file()}
    source = {path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc"}
    assert packed == source
    assert {"lvmnotes/py.typed", "lvmnotes/notebook/static/explore.js"} <= packed


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("citation-file-format", "CITATION.cff"),
        ("dependabot", ".github/dependabot.yml"),
        ("github-issue-config", ".github/ISSUE_TEMPLATE/config.yml"),
        ("github-issue-forms", ".github/ISSUE_TEMPLATE/[!c]*.yml"),
        ("github-workflows", ".github/workflows/*.yml"),
    ],
)
def test_a_file_for_others_is_valid(schema, files, tmp_path):
    files = sorted(ROOT.glob(files))
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]
    done = subprocess.run([*check, *files], capture_output=True, text=True)
    assert files and done.returncode == 0, done.stdout
    broken = tmp_path / files[0].name
    broken.write_text(files[0].read_text(encoding="utf-8") + "\nunheard-of: 1\n", encoding="utf-8")
    assert subprocess.run([*check, broken], capture_output=True).returncode == 1


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == lvmnotes.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[?([\w.]+)", changelog, re.MULTILINE)
    assert headings[:2] == ["Unreleased", lvmnotes.__version__]


def test_the_hooks_have_the_versions_of_the_pins():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    versions = {Path(hook["repo"]).name: hook["rev"].lstrip("v") for hook in hooks}
    pinned = pins("requirements.txt")
    assert versions["ruff-pre-commit"] == pinned["ruff"]
    assert versions["check-jsonschema"] == pinned["check-jsonschema"]


def test_the_workflow_runs_what_is_here():
    (path,) = (ROOT / ".github" / "workflows").glob("*.yml")
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert "bash .ci/run" in commands
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [command.split()[1] for command in commands if command.startswith("make ")]
    assert targets and all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    matrix = jobs["test"]["strategy"]["matrix"]
    assert {name.split("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert matrix["python"][0] == oldest


def test_the_commands_without_make_are_those_that_windows_runs():
    readme = (ROOT / "README.md").read_text(encoding="utf-8").split("## Without make")[1]
    windows = (ROOT / ".ci" / "run").read_text(encoding="utf-8").split("*)")[1]
    commands = re.findall(r"\$python (.*)", windows.replace(" --quiet", ""))
    ours = [command for command in commands if "playwright" not in command]
    assert ours and all(f".venv/bin/python {command}" in readme for command in ours)
