"""Which submissions share what is rare in the class: a reason to read both."""

import builtins
import io
import itertools
import keyword
import re
import tokenize
from dataclasses import dataclass

import numpy as np
from scipy import sparse

LENGTH = {"code": 8, "markdown": 5}
LONGEST = 200_000  # characters of a submission that are compared
LEAST_PIECES, LEAST_SHARE, MOST_PAIRS = 15, 0.5, 50


@dataclass(frozen=True)
class Pair:
    """Two submissions: the share of the rarer things of the smaller one that both have."""

    students: tuple[str, str]
    share: float
    pieces: int
    example: str


def words(cell_type, source, known):
    """Return the words of a cell; names that a student chose are all the same."""
    if cell_type != "code":
        return re.findall(r"\w+", source.lower())
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.NAME:
                found.append(token.string if token.string in known else "name")
            elif token.type in (tokenize.OP, tokenize.NUMBER, tokenize.STRING):
                found.append(token.string)
    except (tokenize.TokenError, SyntaxError):  # the end is missing: what came before counts
        pass
    return found


def pieces(cells, known):
    """Return the runs of words of cells, each a tuple."""
    found = set()
    for cell in cells:
        kind = "code" if cell["cell_type"] == "code" else "markdown"
        said, length = words(kind, cell["source"], known), LENGTH[kind]
        found |= {tuple(said[i : i + length]) for i in range(len(said) - length + 1)}
    return found


def pairs(problem, assessments):
    """Return the pairs of submissions that resemble each other, the most similar first."""
    given = "\n".join(cell.source for cell in problem.teacher.cells if cell.cell_type == "code")
    known = {*keyword.kwlist, *dir(builtins), *re.findall(r"[^\W\d]\w*", given)}
    handed_out = pieces([*problem.teacher.cells, *problem.student.cells], known)
    released = {cell.source.strip() for cell in problem.student.cells}
    tests = problem.points.keys() - set(problem.written)
    students, sets = [], []
    for one in assessments:
        own = [
            cell
            for cell in one.result["cells"]
            if cell["metadata"].get("nbgrader", {}).get("grade_id") not in tests
            and cell["source"].strip() not in released
        ]
        if one.submitter == one.student and own:
            own.sort(key=lambda cell: "nbgrader" not in cell["metadata"])  # answers first
            lengths = itertools.accumulate((len(cell["source"]) for cell in own), initial=0)
            cut = [
                {**cell, "source": cell["source"][: max(LONGEST - before, 0)]}
                for cell, before in zip(own, lengths, strict=False)
            ]
            students.append(one.student)
            sets.append(pieces(cut, known) - handed_out)
    index = {piece: number for number, piece in enumerate(sorted(set().union(*sets)))}
    if len(students) < 2 or not index:
        return []
    columns = [index[piece] for mine in sets for piece in mine]
    starts = np.cumsum([0, *map(len, sets)])
    has = sparse.csr_array((np.ones(len(columns)), columns, starts), (len(sets), len(index)))
    # What more than half of many have is common; what two of two have is not.
    owners = has.sum(axis=0)
    common = owners > max(2, len(students) / 2)
    rarity = np.where(common, 0, np.log((len(students) + 1) / owners))
    weighted = has * rarity[None, :]
    weight = weighted.sum(axis=1)
    shared = (weighted @ has.T).toarray() / np.maximum(np.minimum.outer(weight, weight), 1e-9)
    counts = (has * (rarity > 0)[None, :] @ has.T).toarray()
    found = []
    for i, j in np.argwhere(np.triu((shared >= LEAST_SHARE) & (counts >= LEAST_PIECES), 1)):
        both = sets[i] & sets[j]
        example = max(both, key=lambda piece: (rarity[index[piece]], piece))
        found.append(
            Pair((students[i], students[j]), shared[i, j], int(counts[i, j]), " ".join(example))
        )
    return sorted(found, key=lambda pair: (-pair.share, -pair.pieces, pair.students))[:MOST_PAIRS]
