"""The graph of the claims, drawn as SVG: what a claim rests on is above it."""

import html
from graphlib import TopologicalSorter

import numpy as np

COLUMNS = 6  # as many boxes as a phone is wide
COLUMN, ROW = 57, 54  # from box to box
WIDTH, HEIGHT = 52, 25  # of a box
MOVES = 40_000  # in search of a good drawing


def draw(uses, kinds, names):
    """Return the SVG of the graph.

    Parameters
    ----------
    uses : dict
        The claims that each claim uses.
    kinds : dict
        Classes of each claim's box, by which the style sheet shows its verdict.
    names : dict
        What a screen reader says of each claim.

    Returns
    -------
    str
        An element without blank lines, so that it may stand in Markdown.
    """
    edges = needed(uses)
    place = layout(uses, edges)
    middle = {
        claim: (COLUMN * (column + 0.5), ROW * row + 2 + HEIGHT / 2)
        for claim, (row, column) in place.items()
    }
    n_rows = max((row for row, _ in place.values()), default=0) + 1
    lines = [
        f'<svg class="claims-graph" viewBox="0 0 {COLUMN * COLUMNS} {ROW * n_rows}" role="group" '
        'aria-label="What rests on what: each claim is below those that it uses">',
        '<defs><marker id="claims-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="5" '
        'markerHeight="5" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
        f"<style>{_pointed_at(uses)}</style>",
        '<g class="claims-edges">',
    ]
    for user, direct in uses.items():
        for used in direct:
            (x1, y1), (x2, y2) = middle[used], middle[user]
            y1, y2 = y1 + HEIGHT / 2, y2 - HEIGHT / 2
            bend = (ROW - HEIGHT) / 2
            implied = "" if (used, user) in edges else " implied"
            lines.append(
                f'<path class="of-{used} of-{user}{implied}" '
                f'd="M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"/>'
            )
    lines.append("</g>")
    for claim, (x, y) in sorted(middle.items(), key=lambda item: item[1][::-1]):
        lines.append(
            f'<a class="claim-link {kinds[claim]}" id="node-{claim}" href="#claim-{claim}" '
            f'aria-label="{html.escape(names[claim])}">'
            f'<rect x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" '
            f'height="{HEIGHT}" rx="4"/><text x="{x:g}" y="{y + 4:g}">{claim}</text></a>'
        )
    return "\n".join([*lines, "</svg>"])


def _pointed_at(uses):
    """Return the rule that shows the edges of the claim that is pointed at or has the focus."""
    shown = ",".join(
        f".claims-graph:has(#node-{claim}:is(:hover,:focus-visible)) .of-{claim}" for claim in uses
    )
    return f"{shown}{{display:inline;stroke:var(--pst-color-secondary);stroke-width:2}}"


def all_used(uses):
    """Return what each claim rests on, directly and through others."""
    found = {}
    for claim in TopologicalSorter(uses).static_order():
        found[claim] = set(uses[claim]).union(*(found[used] for used in uses[claim]))
    return found


def needed(uses):
    """Return the edges (used, user) that do not follow from others."""
    rests_on = all_used(uses)
    return [
        (used, user)
        for user, direct in uses.items()
        for used in direct
        if not any(used in rests_on[other] for other in direct)
    ]


def layout(uses, edges):
    """Return the row and the column of each claim.

    The start is a list of rows, each with one place free.  Then a claim at a time is moved to a
    free place, or exchanged with another, so that what it uses stays above it.  A move that makes
    the drawing worse is kept with a probability that falls with time (simulated annealing).
    """
    claims = list(TopologicalSorter(uses).static_order())
    number = {claim: n for n, claim in enumerate(claims)}
    above = (
        np.array([[number[used], number[user]] for used, user in edges], dtype=int).reshape(-1, 2).T
    )
    x, y = np.zeros(len(claims)), np.zeros(len(claims))
    at = {}
    for n, claim in enumerate(claims):
        row = max((int(y[number[used]]) + 1 for used in uses[claim]), default=0)
        while len(free := [c for c in range(COLUMNS) if (row, c) not in at]) <= 1:
            row += 1
        at[row, free[0]] = n
        y[n], x[n] = row, free[0]

    def exchange(here, there):
        at[here], at[there] = at.get(there), at.get(here)
        for place in (here, there):
            if at[place] is not None:
                y[at[place]], x[at[place]] = place

    rng = np.random.default_rng(0)
    n_rows = int(y.max(initial=0)) + 1
    cost = _cost(x, y, *above)
    for temperature in np.geomspace(20, 0.1, MOVES * bool(claims)):
        n = rng.integers(len(claims))
        here = int(y[n]), int(x[n])
        there = int(rng.integers(n_rows)), int(rng.integers(COLUMNS))
        exchange(here, there)
        if (y[above[0]] < y[above[1]]).all():
            new = _cost(x, y, *above)
            if new < cost + temperature * rng.exponential():
                cost = new
                continue
        exchange(here, there)
    return {claim: (int(y[n]), int(x[n])) for claim, n in number.items()}


def _cost(x, y, start, end):
    """Return the sum of squared lengths of the edges, crossings, and boxes that edges pass."""
    x1, y1, x2, y2 = x[start], y[start], x[end], y[end]
    length = ((x2 - x1) ** 2).sum() + ((y2 - y1 - 1) ** 2).sum()
    # An edge passes a box if it is near it where it crosses the box's row.
    share = (y[:, None] - y1) / (y2 - y1)
    inside = (share > 0) & (share < 1)
    passed = inside & (np.abs(x1 + share * (x2 - x1) - x[:, None]) < 0.6)
    # Two edges cross if the ends of each are on different sides of the other.
    side1, side2 = (
        np.sign((x2 - x1) * (py[:, None] - y1) - (y2 - y1) * (px[:, None] - x1))
        for px, py in ((x1, y1), (x2, y2))
    )
    apart = side1 * side2 < 0
    return length + 20 * passed.sum() + 3 * (apart & apart.T).sum()
