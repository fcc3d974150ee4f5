"""Every statement of the README is true."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_example_runs(capsys):
    exec(re.search(r"```python\n(.*?)```", README, re.DOTALL)[1], {})
    assert float(capsys.readouterr().out) < 0


@pytest.mark.parametrize("extra", [None, *PROJECT["optional-dependencies"]])
def test_every_dependency_has_its_reason(extra):
    listed = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    reasons = re.findall(r"^\| ([\w, -]+) \|", README, re.MULTILINE)
    explained = {name for row in reasons for name in row.split(", ")}
    assert {re.match(r"[\w-]+", requirement)[0] for requirement in listed} <= explained


@pytest.mark.parametrize("target", re.findall(r"`make ([\w-]+)`", README))
def test_every_command_exists(target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
