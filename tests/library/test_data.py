"""The tables are what was published: facts printed elsewhere, and peers' fits to them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils import Bunch

from lvmnotes import data

TABLES = [data.ability, data.harman24, data.harman8, data.school_subjects]
SCORES = [
    *(data.holzinger_swineford, data.lsat, data.old_faithful, data.earthquakes, data.digits),
    *(data.meats, data.deerwester, data.king_james),
]
FIXTURES = Path(__file__).parent / "fixtures"

# What R's own reference output prints for these tables (tests/Examples/datasets-Ex.Rout.save of
# the R sources): the statistic of the likelihood-ratio test, by number of factors.
PUBLISHED_STATISTIC = {
    "ability": {1: 75.18, 2: 6.11},
    "harman24": {1: 622.91, 2: 420.24, 3: 295.59, 4: 226.68},
    "harman8": {1: 611.44, 2: 75.74},
}


def peer_solution(table, name, n_factors):
    """Read the loadings and covariance of the peer's fit to the correlation matrix."""
    with open(FIXTURES / "factor_solutions.csv", newline="") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["table"], row["n_factors"], row["rotation"]) == (name, str(n_factors), "none")
        ]
    assert tuple(row["variable"] for row in rows) == table.feature_names
    W = np.array([[float(row[f"loading.{i}"]) for i in range(1, n_factors + 1)] for row in rows])
    return W, W @ W.T + np.diag([float(row["uniqueness"]) for row in rows])


def correlation(table):
    scale = np.sqrt(np.diag(table.covariance))
    return table.covariance / np.outer(scale, scale)


@pytest.mark.parametrize(
    ("load", "n_samples", "n_features"),
    [
        (data.ability, 112, 6),
        (data.harman24, 145, 24),
        (data.harman8, 305, 8),
        (data.school_subjects, 220, 6),
    ],
)
def test_a_covariance_table_is_a_covariance_matrix(load, n_samples, n_features):
    table = load()
    assert table.n_samples == n_samples
    assert table.covariance.shape == (n_features, n_features)
    np.testing.assert_array_equal(table.covariance, table.covariance.T)
    assert np.linalg.eigvalsh(table.covariance)[0] > 0


@pytest.mark.parametrize("load", [data.harman24, data.harman8, data.school_subjects])
def test_a_correlation_matrix_has_a_unit_diagonal_and_three_decimals(load):
    R = load().covariance
    np.testing.assert_array_equal(np.diag(R), 1.0)
    np.testing.assert_array_equal(R, np.round(R, 3))


@pytest.mark.parametrize("load", TABLES + SCORES)
def test_every_table_says_what_its_columns_are_and_where_it_comes_from(load):
    table = load()
    array = table.X if load in SCORES else table.covariance
    assert len(set(table.feature_names)) == len(table.feature_names) == array.shape[1]
    assert table.source and table.licence
    assert table.source in repr(table) and table.licence in repr(table)


@pytest.mark.parametrize("load", SCORES)
def test_scores_are_finite_and_labelled(load):
    table = load()
    assert table.X.dtype == float and np.isfinite(table.X).all()
    for label in table.labels.values():
        assert label.shape == (len(table.X),)


@pytest.mark.parametrize("load", TABLES + SCORES)
def test_a_call_hands_out_its_own_copy_of_a_frozen_table(load):
    name = "X" if load in SCORES else "covariance"
    table = load()
    before = getattr(table, name).copy()
    getattr(table, name)[:] = -1.0
    np.testing.assert_array_equal(getattr(load(), name), before)
    with pytest.raises(AttributeError):
        setattr(table, name, before)


def test_holzinger_swineford_counts_of_pupils():
    table = data.holzinger_swineford()
    assert table.X.shape == (301, 9)
    assert len(set(table.labels["pupil"])) == 301
    for school, sex, count in [
        ("Pasteur", "boy", 74),
        ("Pasteur", "girl", 82),
        ("Grant-White", "boy", 72),
        ("Grant-White", "girl", 73),
    ]:
        assert np.sum((table.labels["school"] == school) & (table.labels["sex"] == sex)) == count
    assert set(table.labels["grade"]) == {7, 8}
    assert table.labels["age in months"].min() >= 11 * 12
    assert table.labels["age in months"].max() < 17 * 12


def test_holzinger_swineford_gives_the_likelihoods_that_lavaan_publishes():
    """The tutorial of lavaan prints them for the scores divided as the docstring says."""
    X = data.holzinger_swineford().X
    assert (X == np.round(X)).all()
    X = X / [6, 4, 8, 3, 4, 7, 23, 20, 36]
    n, D = X.shape
    log_determinant = np.linalg.slogdet(np.cov(X.T, bias=True))[1]
    saturated = -n / 2 * (D * np.log(2 * np.pi) + log_determinant + D)
    independent = -n / 2 * (D * np.log(2 * np.pi) + np.log(X.var(axis=0)).sum() + D)
    assert saturated == pytest.approx(-3695.092, abs=5e-4)
    assert 2 * (saturated - independent) == pytest.approx(918.852, abs=5e-4)


def test_harman24_is_the_correlation_of_the_scores_of_grant_white():
    """Two publications of the same pupils, which differ by up to 0.035 (Gorsuch 1983)."""
    scores, table = data.holzinger_swineford(), data.harman24()
    shared = [name for name in scores.feature_names if name in table.feature_names]
    assert set(scores.feature_names) - set(shared) == {"lozenges"}
    mine = [scores.feature_names.index(name) for name in shared]
    theirs = [table.feature_names.index(name) for name in shared]
    X = scores.X[scores.labels["school"] == "Grant-White"][:, mine]
    assert len(X) == table.n_samples
    gap = np.abs(np.corrcoef(X.T) - table.covariance[np.ix_(theirs, theirs)])
    assert gap.max() < 0.035


@pytest.mark.parametrize(
    ("name", "n_factors", "published"),
    [(name, k, value) for name, row in PUBLISHED_STATISTIC.items() for k, value in row.items()],
)
def test_the_published_test_statistic_follows_from_the_table_and_the_peers_solution(
    name, n_factors, published
):
    table = getattr(data, name)()
    R, n, D, k = correlation(table), table.n_samples, len(table.feature_names), n_factors
    W, C = peer_solution(table, name, k)
    discrepancy = (
        np.linalg.slogdet(C)[1] - np.linalg.slogdet(R)[1] + np.trace(np.linalg.solve(C, R)) - D
    )
    statistic = (n - 1 - (2 * D + 5) / 6 - 2 * k / 3) * discrepancy
    assert statistic == pytest.approx(published, abs=5e-3)


@pytest.mark.parametrize(
    ("name", "n_factors"), [("ability", 2), ("harman24", 4), ("harman8", 2), ("school_subjects", 2)]
)
def test_the_peers_solution_is_stationary_for_the_table(name, n_factors):
    """One entry off by 0.001 would move the optimum: R C^-1 W = W and diag(C) = diag(R) there."""
    table = getattr(data, name)()
    R = correlation(table)
    W, C = peer_solution(table, name, n_factors)
    np.testing.assert_allclose(R @ np.linalg.solve(C, W), W, atol=1e-6)
    np.testing.assert_allclose(np.diag(C), 1.0, atol=1e-6)


def test_lsat_has_the_published_proportions_and_likelihood():
    """The proportions that printings of section 6 give; what R's mirt prints for section 7.

    mirt reports log-likelihood -2658.805 for its two-parameter model of section 7, and G2 = 31.7
    against the table itself, which leaves the table's own log-likelihood.
    """
    six, seven = data.lsat(6).X, data.lsat(7).X
    assert six.shape == seven.shape == (1000, 5)
    np.testing.assert_allclose(six.mean(axis=0), [0.924, 0.709, 0.553, 0.763, 0.870], atol=1e-12)
    np.testing.assert_allclose(seven.mean(axis=0), [0.828, 0.658, 0.772, 0.606, 0.843], atol=1e-12)
    assert (six.sum(axis=1) == 5).sum() == 298 and (six.sum(axis=1) == 0).sum() == 3
    counts = np.unique(seven, axis=0, return_counts=True)[1]
    assert 2 * ((counts * np.log(counts / 1000)).sum() + 2658.805) == pytest.approx(31.7, abs=0.05)
    with pytest.raises(ValueError, match="section must be between 6 and 7"):
        data.lsat(5)


def test_earthquakes_are_those_of_the_published_summary():
    """Zucchini and MacDonald (2009), table of mixtures in section 1.2: 19.364 and 51.573."""
    table = data.earthquakes()
    assert table.X.shape == (107, 1) and table.labels["year"].tolist() == list(range(1900, 2007))
    assert table.X.mean().round(3) == 19.364 and table.X.var(ddof=1).round(3) == 51.573
    assert table.X[[0, 43, 106], 0].tolist() == [13, 41, 11]


def test_old_faithful_has_the_mean_and_spread_that_r_prints():
    X = data.old_faithful().X
    assert X.shape == (272, 2)
    np.testing.assert_allclose(X.mean(axis=0), [3.488, 70.90], atol=5e-3)
    assert np.corrcoef(X.T)[0, 1] == pytest.approx(0.9008, abs=5e-5)


def test_digits_are_scikit_learns():
    table = data.digits()
    assert table.X.shape == (1797, 64)
    assert table.X.min() == 0 and table.X.max() == 16
    np.testing.assert_array_equal(np.unique(table.labels["digit"]), np.arange(10))
    assert np.sum(np.ptp(table.X, axis=0) == 0) == 3


def test_a_window_moves_over_a_photograph():
    """Neighbouring frames of a film differ, but less than those of two films."""
    films = data.moving_patches(60, 15, size=8, random_state=3)
    again = data.moving_patches(60, 15, size=8, random_state=3)
    np.testing.assert_array_equal(films.X, again.X)
    assert films.X.shape == (900, 64) and len(films.feature_names) == 64
    np.testing.assert_array_equal(films.labels["series"], np.repeat(np.arange(60), 15))
    assert (films.labels["image"][[0, 449]] == "china").all()
    assert (films.labels["image"][[450, 899]] == "flower").all()
    steps = (np.diff(films.X, axis=0) ** 2).mean(axis=1)
    between = np.arange(899) % 15 == 14
    assert (steps[~between] > 0).all()
    assert steps[~between].mean() < 0.2 * steps[between].mean()
    assert np.abs(films.X).max() < 5  # of the photograph's standard deviations
    assert data.moving_patches(3, 60, size=40).X.shape == (180, 1600)
    assert not np.array_equal(data.moving_patches(60, 15, size=8, random_state=4).X, films.X)


@pytest.mark.parametrize("n_steps", [2, 15])
def test_a_window_turns_and_moves_without_a_change_of_shape(monkeypatch, n_steps):
    """Pictures whose grey is the row or the column show where each pixel of a window was."""
    height, width = 120, 200
    place = []
    for ramp in np.indices((2 * height, 2 * width)) // 2:
        picture = np.repeat(ramp[:, :, None], 3, axis=2).astype(float)
        shown = Bunch(images=[picture, picture])
        monkeypatch.setattr("lvmnotes.data.load_sample_images", lambda shown=shown: shown)
        films = data.moving_patches(40, n_steps, size=5, random_state=1).X
        place.append(films.reshape(40, n_steps, 25) * ramp.std() + ramp.mean())
    place = np.stack(place, axis=-1)
    assert (place > 0).all() and (place < [height - 1, width - 1]).all()
    grid = np.stack(np.divmod(np.arange(25), 5), axis=-1)
    distance = np.linalg.norm(grid[:, None] - grid, axis=-1)
    between = np.linalg.norm(place[:, :, :, None] - place[:, :, None], axis=-1)
    np.testing.assert_allclose(between, np.broadcast_to(distance, between.shape), atol=1e-9)
    steps = np.diff(place.mean(axis=2), axis=1)
    speed = np.linalg.norm(steps, axis=-1)
    assert (speed > 0.5).all() and (speed < 1.5).all()
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-9)


def test_meats_are_spectra_of_water_fat_and_protein():
    """The first values of the table, as R prints them, and what the contents add up to."""
    table = data.meats()
    X, contents = table.X, table.labels
    assert X.shape == (215, 50)
    np.testing.assert_allclose(X[:3, 0], [2.61776, 2.83454, 2.58284], rtol=1e-12)
    assert [contents[name][0] for name in ("water", "fat", "protein")] == [60.5, 22.5, 16.7]
    total = sum(contents.values())
    assert 98 < np.median(total) < 101 and total.max() < 105
    assert np.abs(np.diff(X, axis=1)).max() < 0.2  # spectra are smooth


def test_titles_are_counted():
    table = data.deerwester()
    assert table.X[3, table.feature_names.index("system")] == 2
    np.testing.assert_array_equal(table.X.sum(axis=1), [3, 6, 4, 4, 3, 1, 2, 3, 3])


def test_chapters_are_counted_as_the_text_says():
    """In the first chapter of Genesis God is named 32 times."""
    table = data.king_james()
    X, words = table.X, table.feature_names
    assert X.shape == (302, 300) and len(set(words)) == 300
    assert (X == np.round(X)).all() and X.min() == 0
    assert X[0, words.index("god")] == 32
    books, n_chapters = np.unique(table.labels["book"], return_counts=True)
    assert dict(zip(books, n_chapters, strict=True)) == {
        **{"Genesis": 50, "Leviticus": 27, "Psalms": 150},
        **{"Proverbs": 31, "Matthew": 28, "Romans": 16},
    }
    psalm = (table.labels["book"] == "Psalms") & (table.labels["chapter"] == 23)
    assert (X[psalm][:, [words.index(word) for word in ("waters", "mercy", "oil")]] == 1).all()
    assert (X > 0).sum(axis=0).min() >= 4
