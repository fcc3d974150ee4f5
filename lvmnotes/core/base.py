"""Base classes of the models."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TypeGuard

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    DensityMixin,
    TransformerMixin,
)
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from .blocks import Blocks, HeldBlocks, blocks_of, comes_in_blocks
from .moments import check_sample_weight, weighted_rows
from .validation import check_integer, check_matrix, check_not_masked, check_numeric, naming


class LatentVariableModel(BaseEstimator):
    """Base class of all models, whose parameters are fitted or given to ``from_parameters``."""

    #: Name of an attribute that exists as soon as the model has parameters.
    _fitted_attribute = "W_"

    def __sklearn_is_fitted__(self) -> bool:
        """Tell scikit-learn whether the model has parameters."""
        return hasattr(self, self._fitted_attribute)

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError(
                f"this {type(self).__name__} has no parameters yet: call fit or from_parameters"
            )

    def _read(self, X: ArrayLike, *, reset: bool, **options) -> np.ndarray:
        """Return data as an array; `reset` in a fit, which learns the features and their names.

        `options` are those of scikit-learn's `check_array`.
        """
        if comes_in_blocks(X) and not hasattr(X, "shape"):
            raise TypeError("X must be an array here; pass the blocks one by one")
        if reset and is_as_wanted(X, **options):
            self._set_n_features(X.shape[1])
            return X
        check_numeric(X, "X")
        with naming("X"):
            return validate_data(self, X, reset=reset, **{"dtype": np.float64, **options})

    def _read_blocks(
        self,
        X: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        reset: bool = True,
        ensure_min_samples: int = 1,
        **options,
    ) -> Blocks:
        """Return the data of a fit as blocks of rows, of positive weight, and their weights.

        An array in memory is one block. Data that come in blocks are not read yet.
        """
        if not comes_in_blocks(X):
            X = self._read(X, reset=reset, ensure_min_samples=ensure_min_samples, **options)
            return HeldBlocks(*weighted_rows(X, sample_weight))
        if sample_weight is not None:
            check_not_masked(sample_weight, "sample_weight")
        blocks, n_features = blocks_of(X, sample_weight=sample_weight)
        if reset:
            self._set_n_features(n_features)
        blocks.min_rows = ensure_min_samples
        weighted = sample_weight is not None
        return blocks.map(partial(read_block, self.n_features_in_, options, weighted))

    def _set_n_features(self, n_features: int) -> None:
        """Set the number of features from statistics or parameters, which have no names."""
        self.n_features_in_ = n_features
        if hasattr(self, "feature_names_in_"):
            del self.feature_names_in_

    @property
    def _n_features_out(self) -> int:
        """Number of outputs of `transform`, from which scikit-learn makes their names."""
        self._check_fitted()
        return self.W_.shape[1]


def is_as_wanted(
    X: ArrayLike, *, ensure_all_finite=True, ensure_min_samples: int = 1, **_
) -> TypeGuard[np.ndarray]:
    """Whether scikit-learn's `check_array` would return data as they are, after a longer look."""
    return (
        ensure_all_finite is False
        and type(X) is np.ndarray
        and X.dtype == np.float64
        and X.ndim == 2
        and len(X) >= ensure_min_samples
        and X.shape[1] > 0
    )


def read_block(
    n_features: int,
    options: dict,
    weighted: bool,
    X: ArrayLike,
    sample_weight: ArrayLike | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the rows of positive weight of a valid block, and their weights; or raise.

    `options` are those of scikit-learn's `check_array`.
    """
    check_numeric(X, "X")
    with naming("X"):
        X = check_array(X, input_name="X", **{"dtype": np.float64, **options})
    if X.shape[1] != n_features:
        raise ValueError(f"X must have {n_features} features in each block; one has {X.shape[1]}")
    if not weighted:
        return X, None
    if sample_weight is None:
        raise TypeError("sample_weight must be an array for each block; one is None")
    weight = check_sample_weight(sample_weight, len(X), all_zero=True)
    return X[weight > 0], weight[weight > 0]


class DensityModel(DensityMixin, LatentVariableModel):
    """A model with a likelihood; a subclass provides ``score_samples(X)``."""

    def score(self, X: ArrayLike, y=None) -> float:
        """Mean log-likelihood per sample, in nats.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        float
        """
        return float(self.score_samples(X).mean())

    def _set_trace(self, trace: np.ndarray, n_samples: float, n_parameters: int) -> None:
        """Store the trace of mean log-likelihoods and the information criteria of the fit."""
        self.log_likelihood_trace_ = trace
        self.n_iter_ = max(1, len(trace) - 1)  # a closed form counts as one
        self.n_samples_ = n_samples
        deviance = -2 * n_samples * trace[-1]
        self.aic_ = float(2 * n_parameters + deviance)
        self.bic_ = float(n_parameters * np.log(n_samples) + deviance)


class Codec(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LatentVariableModel, ABC):
    """Base class of models that encode data and decode codes: PCA and the autoencoders.

    Parameters
    ----------
    n_components : int, default 1
        Length d of a code.
    """

    def __init__(self, n_components: int = 1):
        self.n_components = n_components

    @abstractmethod
    def _encode(self, X: np.ndarray) -> np.ndarray:
        """Map data (N, D) to codes (N, d)."""

    @abstractmethod
    def _decode(self, H: np.ndarray) -> np.ndarray:
        """Map codes (N, d) to data (N, D)."""

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Encode data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            The codes.
        """
        self._check_fitted()
        return self._encode(self._read(X, reset=False))

    def inverse_transform(self, X: ArrayLike) -> np.ndarray:
        """Decode codes.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_components)
            The codes; scikit-learn calls every first argument X.

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            The reconstructions.
        """
        self._check_fitted()
        return self._decode(check_matrix(X, "X", (None, self._n_features_out)))

    def reconstruction_error(self, X: ArrayLike) -> float:
        r"""Mean squared distance between data and their reconstructions.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        float
            The mean over samples of :math:`\lVert \mathbf x - \hat{\mathbf x} \rVert^2`, in the
            squared unit of the data.
        """
        self._check_fitted()
        X = self._read(X, reset=False)
        return float(((X - self._decode(self._encode(X))) ** 2).sum() / len(X))

    def _check_n_components(self, most: int, what: str) -> None:
        check_integer(self.n_components, "n_components", minimum=1, maximum=most, why=f"({what})")
