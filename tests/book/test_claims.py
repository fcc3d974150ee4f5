"""Every claim is stated and checked and has its place in the graph; the page of claims shows it."""

import json
import re
from collections import Counter
from graphlib import TopologicalSorter

import nbformat
import pytest
import yaml
from audit_tables import Breaks, Controls, Rates
from bs4 import BeautifulSoup
from built import ROOT, soup
from check_words import as_markdown
from claims_graph import all_used, layout, needed
from playwright.sync_api import expect

from audit import chapter as chapters
from audit import controls, mutants, seeds
from lvmnotes.notebook.check import MIME_TYPE

LEDGER = yaml.safe_load((ROOT / "book" / "claims.yml").read_text(encoding="utf-8"))
CHAPTERS = sorted({entry["chapter"] for entry in LEDGER})
USES = {entry["id"]: entry.get("uses", []) for entry in LEDGER}
# A proof names these without resting on them.
MENTIONED = {("PCA-4", "PCA-3"), ("PCA-4", "PCA-8")}


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


@pytest.mark.parametrize("entry", LEDGER, ids=lambda entry: entry["id"])
def test_the_claim_has_its_place_in_the_graph_and_a_verdict(entry):
    assert set(entry["uses"]) <= USES.keys()
    assert len(set(entry["uses"])) == len(entry["uses"])
    assert entry["uses"] or entry["basis"] in ("definition", "first principles")
    assert not (entry["uses"] and "basis" in entry)
    verdicts = ("holds", "holds with a condition", "false as stated", "fails")
    assert entry["verdict"] in verdicts
    assert bool(entry.get("note", "").strip()) == (entry["verdict"] != "holds")


def test_no_claim_rests_on_itself():
    TopologicalSorter(USES).prepare()


def test_what_a_proof_refers_to_is_in_the_graph():
    """A claim that a proof names is one that it uses."""
    for chapter in CHAPTERS:
        source = (ROOT / "book" / "chapters" / f"{chapter}.md").read_text(encoding="utf-8")
        claim = None
        for kind, text in re.findall(r"(?ms)^`{3,4}\{prf:(\w+)\}(.*?)^`{3,4}$", source):
            named = re.findall(r"\{prf:ref\}`([A-Z]+-\d+)`", text)
            if kind != "proof":
                claim = re.search(r"^:label: (\S+)", text, re.MULTILINE)[1]
            elif claim in USES:
                owner = named.pop(0) if "(Of {prf:ref}" in text else claim
                used = all_used(USES)[owner] | {owner}
                assert {it for it in named if (owner, it) not in MENTIONED} <= used, owner


def test_the_drawing_has_every_claim_once_below_what_it_uses():
    edges = needed(USES)
    place = layout(USES, edges)
    assert place.keys() == USES.keys() and len(set(place.values())) == len(USES)
    assert all(place[used][0] < place[user][0] for user in USES for used in USES[user])
    # The arrows that are drawn say the same as all of them.
    drawn = {claim: [used for used, user in edges if user == claim] for claim in USES}
    assert all_used(drawn) == all_used(USES)
    claims = soup("book/claims.html")
    nodes = claims.select("svg.claims-graph a")
    assert sorted(node["href"] for node in nodes) == sorted(f"#claim-{claim}" for claim in USES)
    assert len(claims.select(".claims-edges path")) == sum(map(len, USES.values()))


@pytest.mark.parametrize("entry", LEDGER, ids=lambda entry: entry["id"])
def test_the_entry_of_a_claim_says_what_it_uses_and_what_uses_it(entry):
    said = soup("book/claims.html").find(id=f"claim-{entry['id']}").select_one(".neighbours")
    links = [link["href"].removeprefix("#claim-") for link in said.select("a")]
    assert links == entry["uses"] + [user for user in USES if entry["id"] in USES[user]]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_page_of_claims_has_every_check(chapter):
    links = re.findall(rf'href="chapters/{chapter}\.html#check-([A-Z]+-\d+)-\d+"', page("claims"))
    assert sorted(links) == sorted(claim for claim, tags in checks(chapter))


@pytest.mark.parametrize(
    "words, markdown",
    [
        ("gain G, against W^T C^-1", r"gain $G$, against $W^{\top} C^{-1}$"),
        ("log p(x, h*) - log p(x)", r"$\log p(\mathbf x,\mathbf h^*) - \log p(\mathbf x)$"),
        ("half a^T C^-1 a", r"half $\mathbf a^{\top} C^{-1} \mathbf a$"),
        ("2 beta w_i^T r, as asked", r"$2 \beta \mathbf w_i^{\top} \mathbf r$, as asked"),
        ("slope in 1/sigma^2, -r^2/2", r"slope in $1/\sigma^2$, $-r^2/2$"),
        ("error for d = 1 to 64", "error for $d = 1$ to 64"),
        ("|h| / |z| over the bound", r"$\lvert h \rvert / \lvert z \rvert$ over the bound"),
        ("tol = 1e-04", "tol = $10^{-4}$"),
        ("A and B after an E-step, printed by R", "A and B after an E-step, printed by R"),
        ("p-value of a pair, (items, classes) = (2, 2)", None),
        ("the largest of a_1, x_y, <b> | *c*", r"the largest of a\_1, x\_y, \<b\> \| \*c\*"),
    ],
)
def test_formulas_in_the_words_of_a_check_are_set(words, markdown):
    assert as_markdown(words) == (markdown or words)


def pointed_at(page, claim):
    """Return what the page shows about a claim, and the text of the claim."""
    statement = page.locator(f"#claim-{claim} .statement").text_content()
    return page.locator("#meaning"), statement


@pytest.fixture
def claims_page(browser, serve):
    page = browser.new_page(viewport={"width": 375, "height": 812}, has_touch=True)
    page.goto(f"{serve(ROOT / '_build' / 'html')}/book/claims.html")
    yield page
    page.close()


def test_a_claim_in_the_graph_shows_its_statement_and_leads_to_its_entry(claims_page):
    node = claims_page.locator("#node-FA-3")
    shown, statement = pointed_at(claims_page, "FA-3")
    node.hover()
    expect(shown).to_have_text(statement)
    claims_page.keyboard.press("Escape")
    expect(shown).to_be_hidden()
    node.focus()
    expect(shown).to_have_text(statement)
    assert node.get_attribute("aria-describedby") == "meaning"
    assert "Uses FA-1, LFM-8" in node.get_attribute("aria-label")
    claims_page.keyboard.press("Enter")
    expect(claims_page.locator("#claim-FA-3")).to_be_in_viewport()
    assert claims_page.url.endswith("#claim-FA-3")


def test_arrows_that_follow_from_others_show_when_their_claim_is_pointed_at(claims_page):
    arrow = claims_page.locator(".of-LFM-8.of-PPCA-3.implied")
    expect(arrow).to_have_css("display", "none")
    claims_page.locator("#node-PPCA-3").hover()
    expect(arrow).to_have_css("display", "inline")


def test_a_finger_reads_a_claim_before_it_follows(claims_page):
    shown, statement = pointed_at(claims_page, "SC-4")
    claims_page.locator("#node-SC-4").tap()
    expect(shown).to_have_text(statement)
    assert "#" not in claims_page.url
    claims_page.locator("#node-SC-4").tap()
    expect(claims_page.locator("#claim-SC-4")).to_be_in_viewport()


def test_the_graph_fits_a_phone(claims_page):
    box = claims_page.locator(".claims-graph").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 375
    text = claims_page.locator(".claims-graph text").first.bounding_box()
    assert text["height"] >= 10  # pixels
    assert claims_page.evaluate("document.documentElement.scrollWidth") == 375


def test_each_correction_names_a_claim_and_says_what_is_true():
    corrections = yaml.safe_load((ROOT / "book" / "corrections.yml").read_text(encoding="utf-8"))
    for it in corrections:
        assert it["claim"] in USES and it["said"]
        assert it.keys() - {"claim", "said"} in ({"now"}, {"rejected"})
    shown = soup("book/claims.html").get_text()
    assert all(it["said"].replace("'", "’") in shown for it in corrections)


BREAK = {"module": "pca.py", "line": 7, "text": "y", "chapters": ["ppca"], "stopped": {}}
BREAK |= {"asked": ["tests", *chapters.names()]}


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Put samples in place of what the audit found; return a function that reads them."""
    found = [
        {"before": "W.T", "after": "W", "test": "tests/a.py::b", "checks": {"ppca": ["FA-1: x"]}},
        {"before": "n | 1", "after": "n", "test": None, "checks": {}},
        {"before": "a < b", "after": "a <= b", "test": "tests/a.py::b", "checks": {}},
        {"before": "1", "after": "2", "test": "tests/a.py::b", "checks": {}, "chapters": []},
        {"before": "0 * n", "after": "0", "test": None, "checks": {}, "chapters": [], "asked": []},
        {
            "before": "W",
            "after": "W.T",
            "test": "tests/a.py::b",
            "checks": {},
            "stopped": {"ppca": [3, "ValueError", "shapes differ"]},
        },
    ]
    files = {
        "mutants.json": {
            "modules": {"pca.py": mutants.digest("pca.py"), "gone.py": "0", "ppca.py": "0"},
            "mutants": [BREAK | it for it in found],
        },
        "seeds.json": {
            "chapters": {"ppca": chapters.digest("ppca"), "refresher": "0"},
            "seeds": {"ppca": 100, "refresher": 100},
            "checks": [
                {"chapter": "ppca", "claim": "FA-1", "what": "x", "runs": runs, "holds": holds}
                for runs, holds in [(100, 95), (100, 94), (90, 90)]
            ],
        },
        "controls.json": {
            "chapters": {"ppca": chapters.digest("ppca"), "refresher": "0"},
            "checks": [
                {"chapter": "ppca", "check": f"FA-1: {what}", "place": "cell 2, line 1",
                 "before": "a|b", "after": "a"}
                for what in ("x", "y")
            ] + [
                {"chapter": "ppca", "check": "FA-1: u", "module": "pca.py", "line": 9,
                 "before": "c", "after": "d"},
                {"chapter": "ppca", "check": "FA-1: v", "place": "cell 2, line 1",
                 "control": "other words"},
            ],
        },
        "survivors.yml": [
            {"reason": "Nobody looks.", "breaks": ["pca.py: y | n | 1 -> n"]},
            {"reason": "Both are zero.", "equivalent": True, "breaks": ["pca.py: y | 0 * n -> 0"]},
        ],
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    monkeypatch.setattr(mutants, "RESULTS", tmp_path / "mutants.json")
    monkeypatch.setattr(controls, "RESULTS", tmp_path / "controls.json")
    monkeypatch.setattr(seeds, "RESULTS", tmp_path / "seeds.json")
    monkeypatch.setattr(mutants, "REASONS", tmp_path / "survivors.yml")
    return tmp_path


def test_breaks_are_counted_without_those_that_change_nothing(results):
    text, _, table, _ = Breaks().summary()
    assert "6 one-line breaks of 3 modules" in text and "1 of them change nothing" in text
    assert "notice 4 (80 %) of the others" in text
    assert "4 are in lines that some chapter executes" in text and "alone notice 1 (25 %)" in text
    assert "stops one for 1 (25 %) more" in text and "the checks notice 1 (33 %)" in text
    assert "`gone.py`, `ppca.py`" in text and "`pca.py`" not in text  # what changed since
    rows = [BeautifulSoup(row, "html.parser").get_text() for row in table.splitlines()[2:]]
    assert rows == [
        "| pca.py:7 n | 1 → n | tests and checks | Nobody looks. |",
        "| pca.py:7 a < b → a <= b | checks | no reason given yet |",
        "| pca.py:7 0 * n → 0 | nobody: equivalent | Both are zero. |",
        "| pca.py:7 W → W.T | checks | ppca stops: ValueError |",
    ]


def test_no_share_of_breaks_is_given_before_all_have_answered(results):
    """Those that are noticed are known first."""
    found = json.loads(mutants.RESULTS.read_text())
    found["mutants"].append(BREAK | {"before": "b", "after": "c", "test": None, "checks": {}})
    for asked in (["ppca"], ["tests", "ppca"], chapters.names()):
        found["mutants"][-1]["asked"] = asked
        mutants.RESULTS.write_text(json.dumps(found))
        text, _, table, _ = Breaks().summary()
        assert ("asked about 5 of the others so far" in text) == ("tests" not in asked)
        assert ("1 have not been shown to all" in text) == ("ica" not in asked)
        assert ("b → c" in BeautifulSoup(table, "html.parser").text) == (asked != ["ppca"])


def test_a_claim_says_how_many_breaks_it_noticed(results):
    (said,) = Breaks().of("FA-1")
    assert "1 break " in said and "pca.py:7 W.T → W" in BeautifulSoup(said, "html.parser").text
    assert "No break" in Breaks().of("FA-2")[0]


def test_a_check_shows_a_break_that_it_notices(results):
    """One of the library first, else one of the chapter."""
    found = Controls()
    cells = [
        BeautifulSoup(found.of("ppca", "FA-1", what)[0], "html.parser").text for what in "xyuvz"
    ]
    assert cells == [
        "pca.py:7 W.T → W",
        "cell 2, line 1: a|b → a",
        "pca.py:9 c → d",
        "cell 2, line 1: its control, other words",
        "–",
    ]
    assert "|" not in found.of("ppca", "FA-1", "y")[0]  # the end of a table's cell
    assert found.has_changed("refresher") and not found.has_changed("ppca")
    assert f"In 2 of {len(CHAPTERS)} chapters every check" in found.summary()[0]


def test_rates_over_seeds_are_shown_and_marked_below_95_of_100(results):
    rates = Rates()
    cells = [rates.of("ppca", "FA-1", "x", turn)[0] for turn in range(4)]
    assert cells[0] == "95/100" and cells[3] == "–"
    assert all("✗" in cell for cell in cells[1:3]), cells
    assert "94/100" in cells[1] and "90/90" in cells[2]  # ten runs never came to it
    assert "1 (33 %) of the checks" in rates.summary()[0]
    assert f"2 of {len(CHAPTERS)} chapters was run with at least 100" in rates.summary()[0]
    assert rates.has_changed("refresher") and not rates.has_changed("ppca")


def test_without_results_the_page_says_so(results):
    for file in results.iterdir():
        file.unlink()
    (breaks,), (rates,) = Breaks().summary(), Rates().summary()
    assert "`make mutants`" in breaks and "`make seeds`" in rates
    assert "`make controls`" in Controls().summary()[0]
    assert Breaks().of("FA-1") == Rates().of("ppca", "FA-1", "x", 0) == []
    assert Controls().of("ppca", "FA-1", "x") == []


def test_every_break_that_nobody_notices_has_a_reason():
    breaks = Breaks()
    if breaks.result:
        tried = {mutants.named(it) for it in breaks.result["mutants"]}
        assert breaks.reasons.keys() <= tried
        assert all(it["reason"].strip() for it in breaks.reasons.values())
        for it in breaks.result["mutants"]:
            assert not breaks.missed_by(it) or breaks.why(it), it


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_break_is_known_for_every_check(chapter):
    """Of the library, or of the chapter's code; a control is a break itself."""
    found = Controls()
    if not found.result or chapter not in found.result["chapters"] or found.has_changed(chapter):
        pytest.skip("not measured since the chapter's code changed")
    notebook = nbformat.read(ROOT / "book" / "chapters" / f"{chapter}.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    made = [it.data[MIME_TYPE] for it in outputs if MIME_TYPE in it.get("data", {})]
    checked = {(check["claim"], check["what"]) for check in made if not check["fails"]}
    assert [check for check in sorted(checked) if found.of(chapter, *check) == ["–"]] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_check_holds_with_nearly_all_other_seeds(chapter):
    """One whose name depends on the data is not made in every run, and is found here too."""
    rates = Rates()
    if not rates.result or chapter not in rates.result["seeds"] or rates.has_changed(chapter):
        pytest.skip("not measured since the chapter's code changed")
    counts = {key: found for key, found in rates.counts.items() if key[0] == chapter}
    rare = [
        key for key, found in counts.items() if not all(rates.enough(chapter, *it) for it in found)
    ]
    assert counts and rare == []
