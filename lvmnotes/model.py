"""What every model of the book has in common, however it is fitted."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.exceptions import NotFittedError


class LatentVariableModel(BaseEstimator):
    """A model whose parameters are fitted, or given by ``from_parameters``."""

    #: Name of the attribute that a model with parameters has.
    _known_by: str

    def _check_known(self) -> None:
        if not hasattr(self, self._known_by):
            raise NotFittedError(
                f"this {type(self).__name__} has no parameters yet: call fit or from_parameters"
            )


class DensityModel(DensityMixin, LatentVariableModel):
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
