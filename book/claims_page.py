"""The page of claims: what rests on what, what each check measured, and what the audit found."""

import re
from collections import Counter
from pathlib import Path

import yaml
from audit_tables import STALE, Breaks, Controls, Rates
from check_words import as_markdown
from claims_graph import all_used, draw
from folds import CHECK, anchors_of_checks

CORRECTIONS = Path(__file__).with_name("corrections.yml")
VERDICTS = {  # the class of its box, and its sentence
    "holds": ("holds", "Holds."),
    "holds with a condition": ("conditional", "Holds with a condition."),
    "false as stated": ("otherwise", "False as the notes state it."),
    "fails": ("fails", "Fails."),
}


def page(ledger, notebooks):
    """Return the page as Markdown.

    Parameters
    ----------
    ledger : list of dict
        The entries of book/claims.yml.
    notebooks : dict
        The executed notebook of each chapter.

    Returns
    -------
    str
    """
    uses = {entry["id"]: entry["uses"] for entry in ledger}
    fails = failing(ledger, notebooks)
    shaken = {
        claim: [it for it in uses if it in fails & used] for claim, used in all_used(uses).items()
    }
    breaks, controls, rates = Breaks(), Controls(), Rates()
    entries, n_checks = [], 0
    for chapter, notebook in notebooks.items():
        entries.append("## " + notebook.cells[0].source.splitlines()[0].lstrip("# "))
        if rates.has_changed(chapter):
            entries.append(f"Rates over other seeds: the chapter's code has {STALE}.")
        if controls.has_changed(chapter):
            entries.append(f"Breaks that the checks notice: the chapter's code has {STALE}.")
        for entry in ledger:
            if entry["chapter"] == chapter:
                claim, rows = entry["id"], _rows(notebook, entry, rates, controls)
                n_checks += len(rows)
                entries += [
                    f'<div class="claim" id="claim-{claim}">',
                    f'{{prf:ref}}`{claim}`: <span class="statement">{entry["claim"]}</span>',
                    " ".join(_verdict(entry, fails, shaken[claim])),
                    _neighbours(claim, uses),
                    '<details class="checks"><summary>'
                    f"{'✗' if claim in fails else '✓'} "
                    f"{len(rows)} check{'s' * (len(rows) != 1)}</summary>",
                    "\n".join([*_header(rates, controls), *rows]),
                    *breaks.of(claim),
                    "</details>",
                    "</div>",
                ]
    head = [
        "# Claims",
        f"The {len(ledger)} claims of the book, each with a link to where it is derived, and their "
        f"{n_checks} checks, each with a link to the code and the number it measured when this "
        "site was built. A check that fails stops the build. A *control* makes the same check "
        "where it must fail.",
        *_alarm(fails, shaken),
        "## What rests on what",
        _legend(ledger),
        _graph(ledger, uses, fails, shaken),
        "## What the checks are worth",
        *breaks.summary(),
        *controls.summary(),
        *rates.summary(),
        "## What was corrected",
        "What the chapters said once, and what is true. Corrections that were proposed and not "
        "accepted are here too, with the reason.",
        "<details><summary>The corrections</summary>",
        "\n".join(_corrections()),
        "</details>",
    ]
    return "\n\n".join(head + entries) + "\n"


def _corrections():
    """Yield the table of corrections, line by line."""
    yield "| Claim | Said once | True |\n|---|---|---|"
    for it in yaml.safe_load(CORRECTIONS.read_text(encoding="utf-8")):
        now = it["now"] if "now" in it else f"*Not accepted.* {it['rejected']}"
        yield f"| {_links([it['claim']])} | {it['said']} | {now} |"


def failing(ledger, notebooks):
    """Return the claims that the ledger gives up, and those with a check that stopped its cell."""
    found = {entry["id"] for entry in ledger if entry["verdict"] == "fails"}
    for notebook in notebooks.values():
        for cell in notebook.cells:
            if any(output.output_type == "error" for output in cell.get("outputs", [])):
                tags = cell.metadata.get("tags", [])
                found |= {tag.removeprefix("claim:") for tag in tags if tag.startswith("claim:")}
    return found


def _rows(notebook, entry, rates, controls):
    """Return the table of a claim's checks, line by line."""
    rows, turns = [], Counter()
    claim, chapter = entry["id"], entry["chapter"]
    for number, anchors in anchors_of_checks(notebook.cells):
        for output in notebook.cells[number].outputs:
            check = output.get("data", {}).get(CHECK)
            if check and check["claim"] == claim:
                (anchor,) = (it for it in anchors if re.fullmatch(f"check-{claim}-[0-9]+", it))
                what = check["what"]
                link = f'<a href="chapters/{chapter}.html#{anchor}">{as_markdown(what)}</a>'
                cells = [link, *_measured(check), *rates.of(chapter, claim, what, turns[what])]
                cells += controls.of(chapter, claim, what)
                turns[what] += 1
                rows.append(f"| {' | '.join(cells)} |")
    return rows


def _header(rates, controls):
    """Return the first two lines of the tables of checks."""
    cells = ["Check", "Measured", "Verdict", *["Other seeds"] * bool(rates.result)]
    cells += ["A break that it notices"] * bool(controls.result)
    return f"| {' | '.join(cells)} |", "|---" * len(cells) + "|"


def _measured(check):
    """Return the number a check measured, with its limit, and its verdict: two cells."""
    number, limit = check["gap"], check["limit"]
    verdict = "differs, as it must (control)" if check["fails"] else "holds"
    if check["kind"] in ("above", "below"):
        return f"{number}, {check['kind']} {limit}", verdict
    unit = {"rtol": " of the largest value", "se": " standard errors", "atol": ""}[check["kind"]]
    return f"{number}{unit} (limit {limit})", verdict


def _verdict(entry, fails, shaken):
    """Yield the sentences that say whether a claim holds."""
    if entry["id"] in fails:
        yield '<strong class="fails">✗ Fails.</strong>'
    else:
        yield VERDICTS[entry["verdict"]][1]
    if entry["verdict"] != "holds":
        yield entry["note"]
    if shaken:
        yield f'<strong class="fails">Rests on {_links(shaken)}, which fails.</strong>'


def _neighbours(claim, uses):
    """Return what a claim uses and what uses it, as links that show the statements."""
    users = [user for user, direct in uses.items() if claim in direct]
    parts = [f"Uses {_links(uses[claim])}."] if uses[claim] else []
    parts += [f"Used by {_links(users)}."] if users else []
    return f'<p class="neighbours">{" ".join(parts) or "No claim uses it, and it uses none."}</p>'


def _links(claims):
    return ", ".join(f'<a class="claim-link" href="#claim-{it}">{it}</a>' for it in claims)


def _alarm(fails, shaken):
    """Yield what fails, and what is in doubt because of it."""
    if fails:
        doubtful = [claim for claim, reasons in shaken.items() if reasons and claim not in fails]
        verb = "fails" if len(fails) == 1 else "fail"
        yield f'<strong class="fails">✗ {_links(sorted(fails))} {verb}.</strong>'
        if doubtful:
            yield f"What rests on it is marked, in the graph by dots: {_links(doubtful)}."


def _legend(ledger):
    n = Counter(entry["verdict"] for entry in ledger)
    return (
        "Each claim is below those that it uses. Point at one to read it, and to see the arrows "
        f"that follow from others. {n['holds']} claims hold, {n['holds with a condition']} hold "
        f"with a condition (dashed), and {n['false as stated']} are false as the notes state them "
        "(thick): their entries say what is true instead."
    )


def _graph(ledger, uses, fails, shaken):
    """Return the drawing, in which each box shows its verdict."""
    kinds, names = {}, {}
    for entry in ledger:
        claim = entry["id"]
        verdict = "fails" if claim in fails else entry["verdict"]
        kind, sentence = VERDICTS[verdict]
        kinds[claim] = kind + " shaken" * bool(shaken[claim])
        names[claim] = f"{claim}. {sentence}"
        if shaken[claim]:
            names[claim] += f" Rests on {', '.join(shaken[claim])}, which fails."
        if uses[claim]:
            names[claim] += f" Uses {', '.join(uses[claim])}."
    return draw(uses, kinds, names)
