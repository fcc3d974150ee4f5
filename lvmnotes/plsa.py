"""Probabilistic latent semantic analysis: every word of a document comes from one of its topics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_non_negative

from .core.base import LatentVariableModel
from .core.classes import normalised_rows
from .core.em import expectation_maximisation
from .core.validation import check_integer, check_random_state, check_real
from .core.warn import warn


class TopicModel(ClassNamePrefixFeaturesOutMixin, TransformerMixin, LatentVariableModel, ABC):
    """Base class of models with topics: distributions over words that documents mix.

    Parameters
    ----------
    n_components : int, default 10
        Number of topics K.

    Attributes
    ----------
    topics_ : ndarray of shape (n_components, n_features)
        Probability of each word in each topic; each row sums to 1.
    """

    _fitted_attribute = "topics_"

    @abstractmethod
    def _proportions(self, X: np.ndarray) -> np.ndarray:
        """Topic proportions of each document."""

    def transform(self, X: ArrayLike) -> np.ndarray:
        """Topic proportions of documents, with the topics held fixed.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Counts. Documents without any word that a topic can give have equal proportions.

        Returns
        -------
        ndarray of shape (n_samples, n_components)
            Each row sums to 1.
        """
        self._check_fitted()
        return self._proportions(self._read_counts(X, reset=False))

    def _read_counts(self, X: ArrayLike, *, reset: bool) -> np.ndarray:
        X = check_counts(self._read(X, reset=reset))
        if reset and not X.any():
            raise ValueError("X must hold at least one word")
        return X

    def _check_settings(self) -> None:
        check_integer(self.n_components, "n_components", minimum=1)
        check_integer(self.n_init, "n_init", minimum=1)
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)

    @property
    def _n_features_out(self) -> int:
        self._check_fitted()
        return len(self.topics_)

    def __sklearn_tags__(self):
        """Tell scikit-learn that counts are not negative."""
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags


def check_counts(X: np.ndarray, *_) -> np.ndarray:
    """Return counts, or raise if any is negative."""
    check_non_negative(X, "X")
    return X


class PLSA(TopicModel):
    r"""Probabilistic latent semantic analysis by EM.

    .. math::

        p(\text{word } i \mid \text{document } n) = \sum_k \pi_{nk}\, \theta_{ki}

    (Hofmann 1999). The proportions :math:`\boldsymbol\pi_n` are parameters of their own for each
    document of the fit: the model says nothing of new documents. `transform` finds the
    proportions of largest likelihood for a new document, with the topics held fixed ("folding in").

    Parameters
    ----------
    n_components : int, default 10
        Number of topics K.
    n_init : int, default 1
        Number of random starts; the fit with the highest likelihood is kept.
    tol : float, default 1e-6
        In a fit EM stops when the remaining gain, estimated from the last gains, is below this many
        nats per word. In `transform` it stops when the remaining gain of a document is certain to
        be below it.
    max_iter : int, default 10000
    random_state : None, int or numpy.random.Generator
        Seed for the initial values.

    Attributes
    ----------
    topics_ : ndarray of shape (n_components, n_features)
        Probability of each word in each topic, :math:`\theta_{ki}`. The topics are in decreasing
        order of their number of words; the likelihood does not determine the order.
    proportions_ : ndarray of shape (n_samples, n_components)
        Topic proportions of the documents of the fit, :math:`\pi_{nk}`.
    log_likelihood_trace_ : ndarray
        Mean log-probability per word of the documents, in nats, at the start and after each
        iteration.
    n_iter_ : int

    Examples
    --------
    >>> from lvmnotes import PLSA
    >>> documents = [[3, 2, 0, 0], [2, 3, 0, 0], [0, 0, 4, 4]]
    >>> model = PLSA(2, random_state=0).fit(documents)
    >>> model.transform([[1, 1, 2, 0]]).round(2)
    array([[0.5, 0.5]])
    """

    def __init__(
        self,
        n_components: int = 10,
        *,
        n_init: int = 1,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: ArrayLike, y=None) -> PLSA:
        """Fit to counts.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            How often each word occurs in each document; not negative.
        y : ignored

        Returns
        -------
        PLSA
        """
        X = self._read_counts(X, reset=True)
        self._check_settings()
        rng = check_random_state(self.random_state)
        (N, D), K = X.shape, self.n_components
        starts = (
            (rng.dirichlet(np.ones(K), N), rng.dirichlet(np.ones(D), K)) for _ in range(self.n_init)
        )
        (proportions, topics), trace = expectation_maximisation(
            partial(em_step, X=X), *starts, tol=self.tol, max_iter=self.max_iter
        )
        order = np.argsort(-(X.sum(axis=1) @ proportions), kind="stable")
        self.proportions_, self.topics_ = proportions[:, order], topics[order]
        self.log_likelihood_trace_, self.n_iter_ = trace, len(trace) - 1
        return self

    def _proportions(self, X: np.ndarray) -> np.ndarray:
        return fold_in(X, self.topics_, tol=self.tol, max_iter=self.max_iter)


def em_step(
    parameters: tuple[np.ndarray, np.ndarray], X: np.ndarray
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    r"""One EM iteration (Hofmann 1999).

    The responsibilities :math:`r_{nik} = \pi_{nk} \theta_{ki} / p_{ni}`, with
    :math:`p_{ni} = \sum_k \pi_{nk} \theta_{ki}`, are never stored: their sums are

    .. math::

        \sum_i x_{ni}\, r_{nik} = \pi_{nk} \sum_i \frac{x_{ni}}{p_{ni}}\, \theta_{ki}, \qquad
        \sum_n x_{ni}\, r_{nik} = \theta_{ki} \sum_n \pi_{nk}\, \frac{x_{ni}}{p_{ni}},

    and the M-step divides them by their totals over the topics and over the words.

    Parameters
    ----------
    parameters : tuple of ndarray
        Proportions (n_samples, n_components) and topics (n_components, n_features).
    X : ndarray of shape (n_samples, n_features)
        Counts.

    Returns
    -------
    log_likelihood : float
        Mean log-probability per word at the parameters given, in nats.
    parameters : tuple of ndarray
        The parameters after the step. Documents without words, and topics that no word is left
        to, keep theirs.
    """
    proportions, topics = parameters
    log_likelihood, ratio = expected_ratio(X, proportions, topics)
    document_counts = proportions * (ratio @ topics.T)
    topic_counts = topics * (proportions.T @ ratio)
    return log_likelihood / X.sum(), (
        normalised_rows(document_counts, proportions),
        normalised_rows(topic_counts, topics),
    )


def expected_ratio(
    X: np.ndarray, proportions: np.ndarray, topics: np.ndarray
) -> tuple[float, np.ndarray]:
    r"""Log-likelihood :math:`\sum x_{ni} \log p_{ni}`, and the ratios :math:`x_{ni} / p_{ni}`.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Counts.
    proportions : ndarray of shape (n_samples, n_components)
    topics : ndarray of shape (n_components, n_features)

    Returns
    -------
    log_likelihood : float
        The sum over all words, in nats.
    ratio : ndarray of shape (n_samples, n_features)
        Zero where the count is.
    """
    occurs = np.flatnonzero(X > 0)
    x, p = X.ravel()[occurs], (proportions @ topics).ravel()[occurs]
    ratio = np.zeros(X.shape)
    ratio.ravel()[occurs] = x / p
    return float(x @ np.log(p)), ratio


def fold_in(X: np.ndarray, topics: np.ndarray, *, tol: float, max_iter: int) -> np.ndarray:
    r"""Topic proportions of largest likelihood, given the topics, for each document on its own.

    EM multiplies :math:`\pi_k` by :math:`g_k = \sum_i (x_i / N_n)\, \theta_{ki} / p_i`, the
    derivative of the mean log-likelihood per word. The latter is concave in the proportions, so
    that no proportions exceed it by more than :math:`\max_k g_k - 1`; a document is done when this
    is below `tol`.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Counts. Words that no topic can give are left out.
    topics : ndarray of shape (n_components, n_features)
    tol : float
    max_iter : int

    Returns
    -------
    ndarray of shape (n_samples, n_components)
    """
    K = len(topics)
    known = topics.any(axis=0)
    X, topics = X[:, known], topics[:, known]
    proportions = np.full((len(X), K), 1 / K)
    open_ = np.flatnonzero(X.any(axis=1))
    shares = X[open_] / X[open_].sum(axis=1, keepdims=True)
    for _ in range(max_iter):
        gradient = expected_ratio(shares, proportions[open_], topics)[1] @ topics.T
        going_on = gradient.max(axis=1) - 1 > tol
        open_, shares = open_[going_on], shares[going_on]
        if not open_.size:
            return proportions
        proportions[open_] *= gradient[going_on]
    warn(
        f"the proportions of {open_.size} documents were stopped at max_iter={max_iter} before "
        f"they were within tol={tol:.2g} nats per word of their best; raise max_iter or tol",
        ConvergenceWarning,
    )
    return proportions
