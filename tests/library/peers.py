"""What the tests of factor analysis and of rotations share: published tables, and R's answers."""

import csv
from pathlib import Path

import numpy as np
from scipy import linalg, optimize

from lvmnotes import Moments, data

FIXTURES = Path(__file__).parent / "fixtures"
TABLES = {
    "ability": data.ability,
    "harman24": data.harman24,
    "harman8": data.harman8,
    "school_subjects": data.school_subjects,
}


def moments(table):
    """Moments of the correlation matrix of a table of the fixtures."""
    if table == "holzinger_swineford":
        X = data.holzinger_swineford().X
        C, n = np.corrcoef(X.T), len(X)
    else:
        t = TABLES[table]()
        C, n = t.covariance, t.n_samples
        scale = np.sqrt(np.diag(C))
        C = C / np.outer(scale, scale)
    return Moments.from_covariance(C, n)


def rows(name):
    with open(FIXTURES / name, newline="") as file:
        return list(csv.DictReader(file))


def solutions(rotation):
    """(table, number of factors) -> uniquenesses and loadings of R."""
    found = {}
    for row in rows("factor_solutions.csv"):
        if row["rotation"] == rotation:
            key = row["table"], int(row["n_factors"])
            loadings = [float(row[f"loading.{j}"]) for j in range(1, key[1] + 1)]
            found.setdefault(key, []).append([float(row["uniqueness"]), *loadings])
    return {key: (np.array(v)[:, 0], np.array(v)[:, 1:]) for key, v in found.items()}


def same_up_to_sign_and_order(got, want, atol):
    """Whether the columns are the same set, signs aside."""
    match = np.abs(linalg.norm(got[:, :, None] - want[:, None, :], axis=0))
    flipped = np.abs(linalg.norm(got[:, :, None] + want[:, None, :], axis=0))
    pairs = optimize.linear_sum_assignment(np.minimum(match, flipped))
    return np.minimum(match, flipped)[pairs].max() < atol
