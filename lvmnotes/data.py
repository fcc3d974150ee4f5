"""Real data: published test scores and correlation matrices, kept with the library.

Every table says where it was printed and how it may be used (`source`, `licence`). Nothing is
fetched. A call reads its table afresh, so the arrays are the caller's to change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.resources import files

import numpy as np
from scipy.ndimage import map_coordinates
from sklearn.datasets import load_digits, load_sample_images

from .core.validation import check_boolean, check_integer, check_random_state

#: Why a table that others distribute, too, may be kept here.
_FACTS = "the numbers are facts printed in the publication, to be cited with it"
_PHOTOGRAPHS = (
    "china.jpg by danielbuechele (flickr.com/photos/danielbuechele/6061409035) and "
    "flower.jpg by vultilion (flickr.com/photos/vultilion/6056698931), as distributed with "
    "scikit-learn: sklearn.datasets.load_sample_images."
)
_PHOTOGRAPHS_LICENCE = "Creative Commons Attribution 2.0 (CC BY 2.0), some rights reserved"


@dataclass(frozen=True, eq=False, kw_only=True)
class Scores:
    """Data with one row per sample.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    feature_names : tuple of str
        One name per column of `X`.
    labels : dict of str to ndarray of shape (n_samples,)
        What else is known of each sample; no model is fitted to it.
    source : str
        Where the data were published, and from where they were copied.
    licence : str
        The terms on which they may be used.
    """

    X: np.ndarray = field(repr=False)
    feature_names: tuple[str, ...]
    labels: dict[str, np.ndarray] = field(repr=False)
    source: str
    licence: str


@dataclass(frozen=True, eq=False, kw_only=True)
class CovarianceTable:
    """A published covariance or correlation matrix, whose samples were not published.

    With `t = harman24()`, the sufficient statistics of a model are
    `Moments(n=t.n_samples, mean=np.zeros(24), scatter=t.n_samples * t.covariance)`.

    Attributes
    ----------
    covariance : ndarray of shape (n_features, n_features)
        Symmetric and positive definite.
    n_samples : int
        Number of people measured.
    feature_names : tuple of str
        One name per row, and per column, of `covariance`.
    source : str
        Where the matrix was published, and from where it was copied.
    licence : str
        The terms on which it may be used.
    """

    covariance: np.ndarray = field(repr=False)
    n_samples: int
    feature_names: tuple[str, ...]
    source: str
    licence: str


def holzinger_swineford() -> Scores:
    """Nine mental tests taken by 301 pupils of two Chicago schools (Holzinger and Swineford 1939).

    Three tests were meant for each of three abilities: spatial (visual perception, cubes,
    lozenges), verbal (paragraph comprehension, sentence completion, word meaning) and speed
    (addition, counting dots, straight-curved capitals: telling the two kinds of letter apart).

    `X` holds each test's raw score in its own points, whole numbers as the monograph prints them.
    Other copies are rescaled: R's lavaan divides the nine columns by 6, 4, 8, 3, 4, 7, 23, 20
    and 36. `labels` are pupil (number in the monograph), school (``"Pasteur"`` or
    ``"Grant-White"``), sex (``"boy"`` or ``"girl"``), age in months and grade (7 or 8).

    Returns
    -------
    Scores
        `X` of shape (301, 9), nothing missing.
    """
    names, rows = _read("holzinger_swineford.csv")
    columns = dict(zip(names, rows.T, strict=True))
    school, sex = columns.pop("school"), columns.pop("sex")
    whole = {name: column.astype(int) for name, column in columns.items()}
    pupil, age, grade = (whole.pop(name) for name in ("pupil", "age in months", "grade"))
    return Scores(
        X=np.column_stack(list(whole.values())).astype(float),
        feature_names=tuple(whole),
        labels={"pupil": pupil, "school": school, "sex": sex, "age in months": age, "grade": grade},
        source="K. J. Holzinger and F. Swineford (1939), A study in factor analysis: the "
        "stability of a bi-factor solution, Supplementary Educational Monographs 48, University "
        "of Chicago. Scores as in R's psychTools 2.2.9 (K. Widaman), equal to those of lavaan "
        "0.6-14; age in months is lavaan's years and months.",
        licence=f"{_FACTS}; psychTools and lavaan are under the GPL, version 2 or later",
    )


def ability() -> CovarianceTable:
    """Covariances of six ability and intelligence tests taken by 112 people.

    General (Cattell's culture-fair test, not verbal), picture completion, block design, mazes,
    reading comprehension and vocabulary; in squared points of the tests, the divisor not stated.

    Returns
    -------
    CovarianceTable
        `covariance` of shape (6, 6).

    Notes
    -----
    Bartholomew prints a correlation matrix too, which does not agree with these covariances; the
    original paper prints neither (documentation of R's `ability.cov`).
    """
    return _covariance_table(
        "ability.csv",
        n_samples=112,
        source="G. A. Smith and G. Stanley (1983), Clocking g: relating intelligence and measures "
        "of timed performance, Intelligence 7, 353-368, as printed by D. J. Bartholomew (1987), "
        "Latent Variable Models and Factor Analysis, Griffin. Read from R 4.2.2, ability.cov.",
        licence=f"{_FACTS}; R is under the GPL, version 2 or 3",
    )


def harman24() -> CovarianceTable:
    """Correlations of 24 psychological tests taken by the 145 pupils of Grant-White.

    The pupils are those of `holzinger_swineford`. Correlations computed from the scores differ
    from these, which were printed first, by up to 0.035.

    Returns
    -------
    CovarianceTable
        `covariance`, a correlation matrix of shape (24, 24) to three decimals.
    """
    return _covariance_table(
        "harman24.csv",
        n_samples=145,
        source="H. H. Harman (1976), Modern Factor Analysis, third edition, University of Chicago "
        "Press, table 7.4. Read from R 4.2.2, Harman74.cor.",
        licence=f"{_FACTS}; R is under the GPL, version 2 or 3",
    )


def harman8() -> CovarianceTable:
    """Correlations of eight body measurements of 305 girls aged 7 to 17.

    Two factors do not fit them; with three, the maximum-likelihood estimate of the noise variance
    of arm span is zero (a Heywood case).

    Returns
    -------
    CovarianceTable
        `covariance`, a correlation matrix of shape (8, 8) to three decimals.
    """
    return _covariance_table(
        "harman8.csv",
        n_samples=305,
        source="H. H. Harman (1976), Modern Factor Analysis, third edition, University of Chicago "
        "Press, table 2.3. Read from R 4.2.2, Harman23.cor, equal to Harman.8 of psych 2.2.9.",
        licence=f"{_FACTS}; R is under the GPL, version 2 or 3",
    )


def school_subjects() -> CovarianceTable:
    """Correlations of examination marks of 220 boys in six subjects.

    Returns
    -------
    CovarianceTable
        `covariance`, a correlation matrix of shape (6, 6) to three decimals.
    """
    return _covariance_table(
        "school_subjects.csv",
        n_samples=220,
        source="D. N. Lawley and A. E. Maxwell (1971), Factor Analysis as a Statistical Method, "
        "second edition, Butterworths; also in R. A. Johnson and D. W. Wichern, Applied "
        "Multivariate Statistical Analysis, example 9.8.",
        licence=_FACTS,
    )


def lsat(section: int = 6) -> Scores:
    """Answers of 1,000 people to five questions of a section of the Law School Admission Test.

    A 1 is a right answer, a 0 a wrong one. The publication prints how many people gave each of the
    32 patterns of answers; here each person has a row, pattern after pattern.

    Parameters
    ----------
    section : {6, 7}
        Figure classification (6) or debate (7). Row i of the two is not the same person.

    Returns
    -------
    Scores
        `X` of shape (1000, 5), nothing missing, no labels.
    """
    names, rows = _read("lsat.csv")
    check_integer(section, "section", minimum=6, maximum=7)
    counts = dict(zip(names, rows.T, strict=True))[f"section {section}"].astype(int)
    return Scores(
        X=np.repeat(rows[:, :5].astype(float), counts, axis=0),
        feature_names=tuple(names[:5]),
        labels={},
        source="R. D. Bock and M. Lieberman (1970), Fitting a response model for n dichotomously "
        "scored items, Psychometrika 35, 179-197. Read from R's psych 2.2.9 (table bock).",
        licence=f"{_FACTS}; psych is under the GPL, version 2 or later",
    )


def old_faithful() -> Scores:
    """Durations of 272 eruptions of the geyser Old Faithful, and the waits for the next.

    `X` holds the duration of an eruption and the waiting time to the next one, in minutes. The
    durations were recorded to the second, with round numbers preferred.

    Returns
    -------
    Scores
        `X` of shape (272, 2), no labels.
    """
    names, rows = _read("old_faithful.csv")
    return Scores(
        X=rows.astype(float),
        feature_names=tuple(names),
        labels={},
        source="W. Haerdle (1991), Smoothing Techniques with Implementation in S, Springer; a "
        "version of the series of A. Azzalini and A. W. Bowman (1990), A look at some data on the "
        "Old Faithful geyser, Applied Statistics 39, 357-365. Read from R 4.2.2, faithful.",
        licence=f"{_FACTS}; R is under the GPL, version 2 or 3",
    )


def earthquakes() -> Scores:
    """Major earthquakes (magnitude 7 or more) in the world, counted per year from 1900 to 2006.

    `labels` are year.

    Returns
    -------
    Scores
        `X` of shape (107, 1), counts.
    """
    names, rows = _read("earthquakes.csv")
    counts = rows.astype(int)
    return Scores(
        X=counts[:, 1:].astype(float),
        feature_names=tuple(names[1:]),
        labels={"year": counts[:, 0]},
        source="W. Zucchini and I. L. MacDonald (2009), Hidden Markov Models for Time Series: An "
        "Introduction Using R, Chapman and Hall/CRC, table 1.1; from the catalogue of the United "
        "States Geological Survey. Read from the examples of hmmlearn 0.3.3.",
        licence=f"{_FACTS}; the catalogue of the Survey is in the public domain, hmmlearn under "
        "the BSD licence",
    )


def meats() -> Scores:
    """Near-infrared spectra of 215 samples of finely chopped meat, and what they contain.

    `X` holds the absorbance, minus the decimal logarithm of the transmittance, in 50 of the 100
    channels between 850 and 1050 nanometres, every second one from the first. `labels` are water,
    fat and protein in percent, from chemical analysis.

    Returns
    -------
    Scores
        `X` of shape (215, 50).
    """
    names, rows = _read("meats.csv")
    contents = {name: rows[:, i].astype(float) for i, name in enumerate(names[:3])}
    return Scores(
        X=rows[:, 3:].astype(float) / 1e5,
        feature_names=tuple(names[3:]),
        labels=contents,
        source="Recorded on a Tecator Infratec Food and Feed Analyzer; C. Borggaard and H. H. "
        "Thodberg (1992), Optimal minimal neural interpretation of spectra, Analytical Chemistry "
        "64, 545-551. Read from R's modeldata 1.1.0 (meats), which has it from StatLib.",
        licence='"The data are available in the public domain with no responsibility from the '
        "original data source. The data can be redistributed as long as this permission note is "
        'attached." If results are published, mention the instrument and the company, Tecator.',
    )


#: Titles of technical memoranda: five on people and computers, four on graphs.
_TITLES = (
    "Human machine interface for Lab ABC computer applications",
    "A survey of user opinion of computer system response time",
    "The EPS user interface management system",
    "System and human system engineering testing of EPS",
    "Relation of user-perceived response time to error measurement",
    "The generation of random, binary, unordered trees",
    "The intersection graph of paths in trees",
    "Graph minors IV: Widths of trees and well-quasi-ordering",
    "Graph minors: A survey",
)
_TERMS = (
    *("human", "interface", "computer", "user", "system", "response", "time", "eps", "survey"),
    *("trees", "graph", "minors"),
)


def deerwester() -> Scores:
    """Nine titles by twelve words: the example with which latent semantic analysis was published.

    `X` counts how often each title has each word that occurs in more than one title, without words
    such as "and" and "of". `labels` are the titles and their names: c1 to c5 about people and
    computers, m1 to m4 about graphs.

    Returns
    -------
    Scores
        `X` of shape (9, 12).
    """
    found = [re.findall("[a-z]+", title.lower()) for title in _TITLES]
    return Scores(
        X=np.array([[words.count(term) for term in _TERMS] for words in found], dtype=float),
        feature_names=_TERMS,
        labels={
            "title": np.array(_TITLES),
            "name": np.array([f"c{i}" for i in range(1, 6)] + [f"m{i}" for i in range(1, 5)]),
        },
        source="S. Deerwester, S. T. Dumais, G. W. Furnas, T. K. Landauer and R. Harshman (1990), "
        "Indexing by latent semantic analysis, Journal of the American Society for Information "
        "Science 41, 391-407, table 2.",
        licence=_FACTS,
    )


def king_james() -> Scores:
    """Words of 302 chapters of the King James Version of the Bible.

    `X` counts 300 words in the chapters of Genesis, Leviticus, Psalms, Proverbs, Matthew and
    Romans: the most frequent of three letters or more, without function words such as "unto", and
    without words of fewer than four chapters. `labels` are the book and the number of the chapter.

    Returns
    -------
    Scores
        `X` of shape (302, 300).
    """
    header, *rows = _lines("king_james.csv")
    words = tuple(header.split(",")[2].split())
    X = np.zeros((len(rows), len(words)))
    books, chapters = [], []
    for n, row in enumerate(rows):
        book, chapter, counts = row.split(",")
        books.append(book)
        chapters.append(int(chapter))
        for entry in counts.split():  # the number of a word, and after a colon how often, if twice
            i, _, times = entry.partition(":")
            X[n, int(i)] = float(times or 1)
    return Scores(
        X=X,
        feature_names=words,
        labels={"book": np.array(books), "chapter": np.array(chapters)},
        source="The Holy Bible, King James Version (1611), from Debian's bible-kjv-text 4.38 (text "
        "by C. Chapin, 1989).",
        licence="public domain, except in the United Kingdom, where the Crown has the right to "
        "print it; these are counts of words",
    )


def digits() -> Scores:
    """Handwritten digits, 8 x 8 pixels: scikit-learn's copy.

    A pixel counts the ink in a block of 4 x 4 binary pixels, from 0 to 16. Three pixels are 0 in
    every image, so their variance is zero. `labels` are digit (0 to 9).

    Returns
    -------
    Scores
        `X` of shape (1797, 64); columns run row by row from the top left pixel.
    """
    bunch = load_digits()
    return Scores(
        X=bunch.data,
        feature_names=tuple(bunch.feature_names),
        labels={"digit": bunch.target},
        source="E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI "
        "Machine Learning Repository, doi:10.24432/C50P49, test set; sklearn.datasets.load_digits.",
        licence="Creative Commons Attribution 4.0 International (CC BY 4.0)",
    )


def natural_patches(
    n_samples: int = 20_000, size: int = 12, *, whiten: bool = True, random_state=0
) -> Scores:
    r"""Square patches of two photographs, whitened as Olshausen and Field did.

    Each photograph, of a temple and of a flower, is averaged over its colours and over blocks of
    2 x 2 pixels (it was kept as a JPEG), filtered by :math:`f \exp(-(f / f_0)^4)` with the spatial
    frequency f in cycles per pixel and :math:`f_0 = 0.4`, and scaled to unit variance. Nearby
    pixels are then much less correlated, and the highest, noisiest frequencies are gone. `labels`
    are the image (``"china"`` or ``"flower"``) and the row and column of the patch's top left pixel
    in it.

    Parameters
    ----------
    n_samples : int
        Number of patches, at least 2: half from each photograph, each at a different position
        drawn at random.
    size : int
        Pixels along a side of a patch, at most 205.
    whiten : bool
        If false, the photograph is not filtered: its mean is subtracted, and it is divided by its
        standard deviation.
    random_state : None, int or numpy.random.Generator
        Seed for the positions.

    Returns
    -------
    Scores
        `X` of shape (n_samples, size * size); columns run row by row from the top left pixel.
    """
    check_integer(n_samples, "n_samples", minimum=2)
    check_boolean(whiten, "whiten")
    rng = check_random_state(random_state)
    names, blocks, corners = ("china", "flower"), [], []
    counts = (n_samples - n_samples // 2, n_samples // 2)
    for picture, count in zip(load_sample_images().images, counts, strict=True):
        height, width = (side // 2 for side in picture.shape[:2])
        grey = picture[: 2 * height, : 2 * width].mean(axis=2)
        grey = grey.reshape(height, 2, width, 2).mean(axis=(1, 3))
        f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width))
        gain = f * np.exp(-((f / 0.4) ** 4)) if whiten else f > 0
        grey = np.fft.ifft2(np.fft.fft2(grey) * gain).real
        inside = (grey / grey.std())[4:-4, 4:-4]  # the filter joins opposite edges
        check_integer(size, "size", minimum=1, maximum=min(inside.shape))
        windows = np.lib.stride_tricks.sliding_window_view(inside, (size, size))
        n_windows = windows.shape[0] * windows.shape[1]
        check_integer(n_samples, "n_samples", maximum=2 * n_windows, why=f"for size={size}")
        row, column = np.divmod(rng.choice(n_windows, count, replace=False), windows.shape[1])
        blocks.append(windows[row, column].reshape(count, -1))
        corners.append((row, column))
    row, column = np.hstack(corners)
    return Scores(
        X=np.vstack(blocks),
        feature_names=tuple(f"pixel_{i}_{j}" for i in range(size) for j in range(size)),
        labels={"image": np.repeat(names, counts), "row": row, "column": column},
        source=_PHOTOGRAPHS,
        licence=_PHOTOGRAPHS_LICENCE,
    )


def moving_patches(
    n_series: int = 500, n_steps: int = 20, size: int = 10, *, random_state=0
) -> Scores:
    r"""Short films: a square window moves and turns over two photographs.

    The photographs are those of `natural_patches`, averaged over their colours and over blocks of
    2 x 2 pixels and scaled to unit variance. Each film starts at a position and an angle drawn at
    random. In each step the window moves by 0.5 to 1.5 pixels in a direction, and turns by up to
    0.1 radians, which stay the same throughout the film. Between pixels the brightness is
    interpolated linearly. `labels` are the image (``"china"`` or ``"flower"``) and the series, both
    one per row.

    Parameters
    ----------
    n_series : int
        Number of films, at least 2: half from each photograph.
    n_steps : int
        Number of steps of a film, at least 2 and at most 60.
    size : int
        Pixels along a side of the window, between 2 and 40.
    random_state : None, int or numpy.random.Generator
        Seed for positions, angles and movements.

    Returns
    -------
    Scores
        `X` of shape (n_series * n_steps, size * size), film after film; columns run row by row from
        the top left pixel.
    """
    check_integer(n_series, "n_series", minimum=2)
    check_integer(n_steps, "n_steps", minimum=2, maximum=60)
    check_integer(size, "size", minimum=2, maximum=40)
    rng = check_random_state(random_state)
    names, films = ("china", "flower"), []
    counts = (n_series - n_series // 2, n_series // 2)
    # Where a pixel is in the window, and how many steps from the middle of the film, as axes
    # (film, step, pixel).
    offset = (np.indices((size, size)).reshape(2, 1, 1, -1) - (size - 1) / 2).astype(float)
    time = np.arange(n_steps)[None, :, None] - (n_steps - 1) / 2
    margin = 1.5 * (n_steps - 1) / 2 + size / np.sqrt(2)
    for picture, count in zip(load_sample_images().images, counts, strict=True):
        height, width = (side // 2 for side in picture.shape[:2])
        grey = picture[: 2 * height, : 2 * width].mean(axis=2)
        grey = grey.reshape(height, 2, width, 2).mean(axis=(1, 3))
        grey = (grey - grey.mean()) / grey.std()
        row, column = (
            rng.uniform(margin, side - 1 - margin, size=(count, 1, 1)) for side in grey.shape
        )
        speed = rng.uniform(0.5, 1.5, size=(count, 1, 1))
        heading, start = rng.uniform(0, 2 * np.pi, size=(2, count, 1, 1))
        angle = start + rng.uniform(-0.1, 0.1, size=(count, 1, 1)) * time
        places = [
            row
            + speed * np.sin(heading) * time
            + np.cos(angle) * offset[0]
            + np.sin(angle) * offset[1],
            column
            + speed * np.cos(heading) * time
            - np.sin(angle) * offset[0]
            + np.cos(angle) * offset[1],
        ]
        films.append(map_coordinates(grey, places, order=1).reshape(count * n_steps, -1))
    return Scores(
        X=np.vstack(films),
        feature_names=tuple(f"pixel_{i}_{j}" for i in range(size) for j in range(size)),
        labels={
            "image": np.repeat(names, np.array(counts) * n_steps),
            "series": np.repeat(np.arange(n_series), n_steps),
        },
        source=_PHOTOGRAPHS,
        licence=_PHOTOGRAPHS_LICENCE,
    )


def _lines(name: str) -> list[str]:
    return (files("lvmnotes") / "datasets" / name).read_text("utf-8").splitlines()


def _read(name: str) -> tuple[list[str], np.ndarray]:
    """Return the names of the columns, and the rows as text."""
    header, *rows = _lines(name)
    return header.split(","), np.array([row.split(",") for row in rows])


def _covariance_table(name: str, n_samples: int, source: str, licence: str) -> CovarianceTable:
    names, rows = _read(name)
    return CovarianceTable(
        covariance=rows.astype(float),
        n_samples=n_samples,
        feature_names=tuple(names),
        source=source,
        licence=licence,
    )
