"""Every claim of the ledger is stated and checked, and nothing else calls itself a claim."""

import re
from collections import Counter
from pathlib import Path

import nbformat
import pytest
import yaml

from lvmnotes.notebook.check import MIME_TYPE

ROOT = Path(__file__).parents[2]
LEDGER = yaml.safe_load((ROOT / "book" / "claims.yml").read_text(encoding="utf-8"))
CHAPTERS = sorted({entry["chapter"] for entry in LEDGER})


def checks(chapter):
    """Return the claim of each check that a chapter executed, with the tags of its cell."""
    notebook = nbformat.read(ROOT / "book" / "chapters" / f"{chapter}.ipynb", as_version=4)
    return [
        (output.data[MIME_TYPE]["claim"], cell.metadata.get("tags", []))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if MIME_TYPE in output.get("data", {})
    ]


def page(name):
    return (ROOT / "_build" / "html" / "book" / f"{name}.html").read_text(encoding="utf-8")


def test_no_claim_is_entered_twice():
    assert max(Counter(entry["id"] for entry in LEDGER).values()) == 1


@pytest.mark.parametrize("entry", LEDGER, ids=lambda entry: entry["id"])
def test_the_claim_has_an_anchor_and_a_check(entry):
    assert f'id="{entry["id"]}"' in page(f"chapters/{entry['chapter']}")
    assert entry["id"] in [claim for claim, tags in checks(entry["chapter"])]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_checks_and_labels_are_of_claims_of_the_chapter(chapter):
    claims = {entry["id"] for entry in LEDGER if entry["chapter"] == chapter}
    source = (ROOT / "book" / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^:label: ([A-Z]+-\d+)$", source, re.MULTILINE)) == claims
    for claim, tags in checks(chapter):
        assert claim in claims
        assert f"claim:{claim}" in tags


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_page_of_claims_has_every_check(chapter):
    links = re.findall(rf'href="chapters/{chapter}\.html#check-([A-Z]+-\d+)-\d+"', page("claims"))
    assert sorted(links) == sorted(claim for claim, tags in checks(chapter))
