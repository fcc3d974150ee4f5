"""What is raced: each case gives the data, this library's fit and the peers', and the objective.

A case is a function that returns a `Race`. Data are simulated from the model that is fitted, with
a fixed seed, so that everybody has the same well-posed problem.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import decomposition, mixture
from sklearn.exceptions import ConvergenceWarning

import lvmnotes


@dataclass(frozen=True)
class Race:
    """One comparison on one data set.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_features)
    runners : dict of str to callable
        Each maps `X` to a fitted model; the first is this library.
    objective : callable
        Maps a fitted model and `X` to the number that every runner maximises.
    unit : str
        Of the objective.
    goal : float
        How many times faster than the fastest peer this library means to be.
    repeats : int
        How often each runner runs; the medians are compared.
    """

    X: np.ndarray
    runners: dict[str, Callable[[np.ndarray], Any]]
    objective: Callable[[Any, np.ndarray], float]
    unit: str
    goal: float
    repeats: int


def _factor_analysis(n_samples: int, n_features: int, d: int, goal: float, repeats: int) -> Race:
    rng = np.random.default_rng(0)
    truth = lvmnotes.FactorAnalysis.from_parameters(
        W=rng.normal(size=(n_features, d)),
        noise_variance=rng.uniform(0.2, 2, size=n_features),
    )
    return Race(
        X=truth.sample(n_samples, rng)[0],
        runners={
            "lvmnotes": lambda X: lvmnotes.FactorAnalysis(d).fit(X),
            "scikit-learn": lambda X: decomposition.FactorAnalysis(d).fit(X),
        },
        objective=lambda model, X: model.score(X),
        unit="nats a sample",
        goal=goal,
        repeats=repeats,
    )


def _pca(n_samples: int, n_features: int, d: int, goal: float, repeats: int) -> Race:
    rng = np.random.default_rng(0)
    truth = lvmnotes.LinearGaussianModel.from_parameters(W=rng.normal(size=(n_features, d)))

    def minus_error(model, X):
        return -((X - model.inverse_transform(model.transform(X))) ** 2).sum() / len(X)

    return Race(
        X=truth.sample(n_samples, rng)[0],
        runners={
            "lvmnotes": lambda X: lvmnotes.PCA(d).fit(X),
            "scikit-learn": lambda X: decomposition.PCA(d).fit(X),
        },
        objective=minus_error,
        unit="squared error a sample, times -1",
        goal=goal,
        repeats=repeats,
    )


def _gaussian_mixture(n_samples: int, kind: str, goal: float, repeats: int) -> Race:
    """Fifty iterations from the same k-means start; the data are whitened, as ours works."""
    rng = np.random.default_rng(0)
    K, D = 10, 8
    roots = 0.6 * np.eye(D) + 0.4 * rng.normal(size=(K, D, D))
    truth = lvmnotes.GaussianMixture.from_parameters(
        np.full(K, 1 / K), 2 * rng.normal(size=(K, D)), roots @ roots.transpose(0, 2, 1)
    )
    X = truth.sample(n_samples, rng)[0]
    root = np.linalg.cholesky(np.cov(X.T, bias=True))
    same = {"n_components": K, "covariance_type": kind, "tol": 0, "max_iter": 50}

    def quietly(model):
        def fit(X):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                return model.set_params(random_state=0).fit(X)

        return fit

    return Race(
        X=np.linalg.solve(root, (X - X.mean(axis=0)).T).T.copy(),
        runners={
            "lvmnotes": quietly(lvmnotes.GaussianMixture(**same, covariance_floor=0)),
            "scikit-learn": quietly(mixture.GaussianMixture(**same, reg_covar=0)),
        },
        objective=lambda model, X: model.score(X),
        unit="nats a sample",
        goal=goal,
        repeats=repeats,
    )


CASES: dict[str, Callable[[], Race]] = {
    "factor analysis, 2,000 x 50, 5 factors": lambda: _factor_analysis(2_000, 50, 5, 10, 15),
    "factor analysis, 100,000 x 64, 10 factors": lambda: _factor_analysis(100_000, 64, 10, 50, 5),
    "PCA, 2,000 x 50, 5 directions": lambda: _pca(2_000, 50, 5, 1, 51),
    "PCA, 100,000 x 64, 10 directions": lambda: _pca(100_000, 64, 10, 1, 11),
    "Gaussian mixture, 100,000 x 8, 10 classes": lambda: _gaussian_mixture(100_000, "full", 4, 3),
    "Gaussian mixture, 100,000 x 8, 10 classes, diagonal": lambda: _gaussian_mixture(
        100_000, "diag", 1, 3
    ),
    "Gaussian mixture, 100,000 x 8, 10 classes, spherical": lambda: _gaussian_mixture(
        100_000, "spherical", 1, 3
    ),
    "Gaussian mixture, 2,000 x 8, 10 classes": lambda: _gaussian_mixture(2_000, "full", 1, 9),
}
