"""The code is as ruff wants it, that of the chapters included."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted(map(str, (ROOT / "book" / "chapters").glob("*.ipynb")))


@pytest.mark.parametrize(
    "command",
    [["format", "--check", "."], ["check", "."], ["check", "--extend-ignore=D,I", *NOTEBOOKS]],
    ids=["format", "lint", "chapters"],
)
def test_ruff_finds_nothing(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
