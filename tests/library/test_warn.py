"""Warnings name the line that a reader can change."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from lvmnotes import PPCA, BayesianPCA, FactorAnalysis, GaussianMixture, LatentClassModel

X = np.random.default_rng(0).normal(size=(40, 4)) * [4, 3, 2, 1]
HOLED = np.where(np.eye(40, 4) == 1, np.nan, X)


@pytest.mark.parametrize(
    ("fit", "category"),
    [
        (lambda: FactorAnalysis(1, max_iter=1).fit(X), ConvergenceWarning),
        (lambda: FactorAnalysis(1, "em", max_iter=1).fit(X), ConvergenceWarning),
        (lambda: FactorAnalysis(1, max_iter=1).fit(HOLED), ConvergenceWarning),
        (lambda: PPCA(1, "em", max_iter=1).fit(X), ConvergenceWarning),
        (lambda: PPCA(1).fit(np.outer(range(5), [1, 2, 3])), UserWarning),
        (lambda: BayesianPCA(max_iter=1).fit(X), ConvergenceWarning),
        (lambda: GaussianMixture(2, n_init=2, max_iter=1).fit(X), ConvergenceWarning),
        (lambda: LatentClassModel(2, max_iter=1).fit(X > 0), ConvergenceWarning),
    ],
)
def test_a_warning_points_at_the_line_that_called(fit, category):
    with pytest.warns(category) as caught:
        fit()
    expected = (Path(__file__).name, fit.__code__.co_firstlineno)
    assert {(Path(warning.filename).name, warning.lineno) for warning in caught} == {expected}
