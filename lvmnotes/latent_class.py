"""Latent class analysis: yes/no answers that are independent within a hidden class."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .core.classes import log_weights, read_weights, responsibilities
from .core.em import expectation_maximisation
from .core.validation import check_matrix, check_random_state
from .mixtures import FiniteMixture, check_weights

#: Smallest probability of either answer. For a class with identical answers to an item the maximum
#: is at probability 0 or 1, where a single different answer would have log-density minus infinity.
PROBABILITY_FLOOR = 1e-9


class LatentClassModel(FiniteMixture):
    r"""Binary items that are independent given a hidden class, by EM.

    .. math::

        z \sim \boldsymbol\pi, \qquad
        p(\mathbf x \mid z = k) = \prod_{i=1}^D \theta_{ki}^{x_i} (1 - \theta_{ki})^{1 - x_i}

    (Lazarsfeld and Henry 1968; EM by Goodman 1974). Missing answers (NaN) count as missing at
    random: they drop out of the product, and of the M-step's averages. A row without any answer
    says nothing and does not count.

    Parameters
    ----------
    n_components : int, default 2
        Number of classes K.
    n_init : int, default 10
        Number of random starts; the fit with the highest likelihood is kept.
    tol : float, default 1e-9
        Stop when the remaining gain, estimated from the last gains, is below this many nats per
        sample.
    max_iter : int, default 10000
    random_state : None, int or numpy.random.Generator
        Seed for the initial values.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Class probabilities in decreasing order; the likelihood does not determine the order.
    probabilities_ : ndarray of shape (n_components, n_features)
        Probability of answer 1 to each item in each class, :math:`\theta_{ki}`.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample with an answer, in nats, at the start and after each
        iteration.
    n_iter_ : int
    n_samples_ : float
        Number of samples with an answer, or their total weight.
    aic_, bic_ : float
        Information criteria of Akaike (1974) and Schwarz (1978), in nats times two; lower is
        better.

    Examples
    --------
    >>> from lvmnotes import LatentClassModel, data
    >>> model = LatentClassModel(2, random_state=0).fit(data.lsat(6).X)
    >>> model.weights_.round(2)
    array([0.66, 0.34])
    """

    def __init__(
        self,
        n_components: int = 2,
        *,
        n_init: int = 10,
        tol: float = 1e-9,
        max_iter: int = 10_000,
        random_state=None,
    ):
        self.n_components = n_components
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    @classmethod
    def from_parameters(cls, weights: ArrayLike, probabilities: ArrayLike) -> LatentClassModel:
        """Build a model from known parameters.

        Parameters
        ----------
        weights : array_like of shape (n_components,)
        probabilities : array_like of shape (n_components, n_features)
            Probability of answer 1 to each item in each class.

        Returns
        -------
        LatentClassModel
        """
        weights = check_weights(weights)
        probabilities = check_matrix(probabilities, "probabilities")
        if len(probabilities) != len(weights):
            raise ValueError(
                f"probabilities must have a row for each of the {len(weights)} weights, got shape "
                f"{probabilities.shape}"
            )
        if (probabilities < 0).any() or (probabilities > 1).any():
            raise ValueError("probabilities must lie between 0 and 1")
        model = cls(len(weights))
        model.weights_, model.probabilities_ = weights, probabilities
        model._set_n_features(probabilities.shape[1])
        return model

    def fit(self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None) -> LatentClassModel:
        """Fit to answers.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Answers 0 and 1; NaN marks one that is missing at random.
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            How often each sample counts; not negative.

        Returns
        -------
        LatentClassModel
        """
        X, weight = read_weights(self._read_answers(X, reset=True), sample_weight)
        answered = ~np.isnan(X).all(axis=1)
        X, weight = X[answered], weight[answered]
        unanswered = np.flatnonzero(np.isnan(X).all(axis=0))
        if unanswered.size:
            raise ValueError(
                f"X has no answer at all to item {', '.join(map(str, unanswered))}; drop it"
            )
        K, D = self.n_components, X.shape[1]
        self._check_settings(len(X))
        rng = check_random_state(self.random_state)

        yes, no = indicators(X)
        share = weight @ yes / (weight @ yes + weight @ no)
        starts = (
            (np.full(K, 1 / K), _inside(share ** rng.uniform(0.2, 5, size=(K, D))))
            for _ in range(self.n_init)
        )
        step = partial(em_step, yes=yes, no=no, sample_weight=weight)
        (weights, theta), trace = expectation_maximisation(
            step, *starts, tol=self.tol, max_iter=self.max_iter
        )

        order = np.argsort(-weights, kind="stable")
        self.weights_, self.probabilities_ = weights[order], theta[order]
        self._set_trace(trace, weight.sum(), self.n_parameters_)
        return self

    @property
    def n_parameters_(self) -> int:
        """Number of free parameters: K - 1 weights and K D probabilities."""
        self._check_fitted()
        return len(self.weights_) - 1 + self.probabilities_.size

    def _log_densities(self, X: ArrayLike) -> np.ndarray:
        self._check_fitted()
        yes, no = indicators(self._read_answers(X, reset=False))
        return log_densities(yes, no, _inside(self.probabilities_))

    def _emit(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        theta = self.probabilities_[z]
        return (rng.random(theta.shape) < theta).astype(float)

    def _read_answers(self, X: ArrayLike, reset: bool) -> np.ndarray:
        X = self._read(X, reset=reset, ensure_all_finite="allow-nan")
        if not ((X == 0) | (X == 1) | np.isnan(X)).all():
            raise ValueError("X must hold answers 0 and 1 (NaN where missing), got other values")
        return X

    def __sklearn_tags__(self):
        """Tell scikit-learn that NaN is allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def indicators(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return indicators of the answers 1 and 0, both 0 where an answer is missing."""
    return (X == 1).astype(float), (X == 0).astype(float)


def log_densities(yes: np.ndarray, no: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    r"""Log-probabilities of answers given each class.

    .. math::

        \log p(\mathbf x_n \mid z = k) = \sum_i x_{ni} \log \theta_{ki}
        + (1 - x_{ni}) \log (1 - \theta_{ki}),

    with the sum over the items that sample n has answered.

    Parameters
    ----------
    yes, no : ndarray of shape (n_samples, n_features)
        Indicators of the answers 1 and 0.
    probabilities : ndarray of shape (n_components, n_features)
        Of answer 1, strictly between 0 and 1.

    Returns
    -------
    ndarray of shape (n_samples, n_components)
        In nats.
    """
    return yes @ np.log(probabilities).T + no @ np.log1p(-probabilities).T


def em_step(
    parameters: tuple[np.ndarray, np.ndarray],
    yes: np.ndarray,
    no: np.ndarray,
    *,
    sample_weight: np.ndarray | None = None,
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    r"""One EM iteration (Goodman 1974).

    The M-step takes averages over the samples that answered, weighted with the responsibilities:

    .. math::

        \pi_k = \frac1N \sum_n r_{nk}, \qquad
        \theta_{ki} = \frac{\sum_n r_{nk}\, x_{ni}}{\sum_n r_{nk}} .

    Parameters
    ----------
    parameters : tuple of ndarray
        Weights (n_components,) and probabilities (n_components, n_features).
    yes, no : ndarray of shape (n_samples, n_features)
        Indicators of the answers 1 and 0.
    sample_weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    log_likelihood : float
        Mean log-likelihood per sample at the parameters given, in nats.
    parameters : tuple of ndarray
        The parameters after the step.
    """
    weights, theta = parameters
    weight = np.ones(len(yes)) if sample_weight is None else sample_weight
    log_density, R = responsibilities((log_densities(yes, no, theta) + log_weights(weights)).T)
    R = R * weight
    said_yes, said_no = R @ yes, R @ no
    # If nobody in a class answered an item, its probability is 1/2; nothing depends on it.
    theta = (said_yes + 1e-300) / (said_yes + said_no + 2e-300)
    n = R.sum(axis=1)
    return weight @ log_density / weight.sum(), (n / n.sum(), _inside(theta))


def _inside(theta: np.ndarray) -> np.ndarray:
    return np.clip(theta, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
