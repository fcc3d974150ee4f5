"""Latent class analysis: yes/no answers that are independent within a hidden class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import validate_data

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
    random: they drop out of the product, and of the M-step's averages.

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
    random_state : None, int or numpy.random.RandomState
        Seed for the initial values.

    Attributes
    ----------
    weights_ : ndarray of shape (n_components,)
        Class probabilities in decreasing order; the likelihood does not determine the order.
    probabilities_ : ndarray of shape (n_components, n_features)
        Probability of answer 1 to each item in each class, :math:`\theta_{ki}`.
    log_likelihood_trace_ : ndarray
        Mean log-likelihood per sample, in nats, at the start and after each iteration.
    n_iter_ : int
    n_samples_ : int
    bic_ : float
        Bayesian information criterion (Schwarz 1978), in nats times two; lower is better.

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
            Probabilities of answer 1, between 0 and 1.

        Returns
        -------
        LatentClassModel
        """
        weights = check_weights(weights)
        probabilities = check_array(probabilities, dtype=float, input_name="probabilities")
        if len(probabilities) != len(weights):
            raise ValueError(
                f"probabilities must have a row for each of the {len(weights)} weights, got shape "
                f"{probabilities.shape}"
            )
        if (probabilities < 0).any() or (probabilities > 1).any():
            raise ValueError("probabilities must lie between 0 and 1")
        model = cls(len(weights))
        model.weights_, model.probabilities_ = weights, probabilities
        model.n_features_in_ = probabilities.shape[1]
        return model

    def fit(self, X: ArrayLike, y=None) -> LatentClassModel:
        """Fit to answers.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Answers 0 and 1; NaN marks one that is missing at random.
        y : ignored

        Returns
        -------
        LatentClassModel
        """
        yes, no = self._answers(X, reset=True)
        N, D = yes.shape
        K = self.n_components
        self._check_parameters(N)
        unanswered = np.flatnonzero((yes + no).sum(axis=0) == 0)
        if unanswered.size:
            raise ValueError(
                f"X has no answer at all to item {', '.join(map(str, unanswered))}; drop it"
            )

        def em_step(parameters):
            log_joint = _log_joint(*parameters, yes, no)
            top = log_joint.max(axis=1, keepdims=True)
            R = np.exp(log_joint - top)
            total = R.sum(axis=1, keepdims=True)
            R /= total
            said_yes, said_no = R.T @ yes, R.T @ no
            # If nobody in a class answered an item, its probability is 1/2; nothing depends on it.
            theta = (said_yes + 1e-300) / (said_yes + said_no + 2e-300)
            return (top + np.log(total)).mean(), (R.mean(axis=0), _inside(theta))

        random_state = check_random_state(self.random_state)
        average = yes.sum(axis=0) / (yes + no).sum(axis=0)
        starts = (
            (np.full(K, 1 / K), _inside(average ** random_state.uniform(0.2, 5, size=(K, D))))
            for _ in range(self.n_init)
        )
        (weights, theta), trace = self._climb(em_step, starts)
        order = np.argsort(-weights, kind="stable")
        self.weights_, self.probabilities_ = weights[order], theta[order]
        self._set_trace(trace, N, K - 1 + K * D)
        return self

    def _log_joint(self, X: ArrayLike) -> np.ndarray:
        self._check_fitted()
        return _log_joint(
            self.weights_, _inside(self.probabilities_), *self._answers(X, reset=False)
        )

    def _emit(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        theta = self.probabilities_[z]
        return (rng.random(theta.shape) < theta).astype(float)

    def _answers(self, X: ArrayLike, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        """Return indicators of the answers 1 and 0, both 0 where an answer is missing."""
        X = validate_data(self, X, dtype=float, reset=reset, ensure_all_finite="allow-nan")
        yes, no = X == 1, X == 0
        if not (yes | no | np.isnan(X)).all():
            raise ValueError("X must hold answers 0 and 1 (NaN where missing), got other values")
        return yes.astype(float), no.astype(float)

    def __sklearn_tags__(self):
        """Tell scikit-learn that NaN is allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _inside(theta: np.ndarray) -> np.ndarray:
    return np.clip(theta, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)


def _log_joint(weights, theta, yes, no):
    """Logarithms of pi_k p(x_n | z = k), of shape (n_samples, n_components)."""
    with np.errstate(divide="ignore"):  # a class that has lost all samples
        return np.log(weights) + yes @ np.log(theta).T + no @ np.log1p(-theta).T
