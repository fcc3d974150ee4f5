"""What every model with a density has in common, however it is fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import DensityMixin


class DensityModel(DensityMixin):
    """A model with a likelihood; a subclass provides ``score_samples(X)``."""

    def score(self, X: ArrayLike, y=None) -> float:
        """Mean log-likelihood a sample, in nats.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        float
        """
        return float(self.score_samples(X).mean())

    def _learn_trace(self, trace: np.ndarray, n_samples: float, n_parameters: int) -> None:
        """Store the mean log-likelihoods on the way, and the information criterion at the end."""
        self.log_likelihood_trace_ = trace
        self.n_iter_ = max(1, len(trace) - 1)  # a closed form counts as one
        self.n_samples_ = n_samples
        self.bic_ = float(n_parameters * np.log(n_samples) - 2 * n_samples * trace[-1])
