"""Latent class analysis: yes/no answers that are independent within a hidden class."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from .core.classes import log_weights, responsibilities
from .core.em import expectation_maximisation
from .core.moments import total_weight
from .core.validation import check_matrix, check_random_state
from .mixtures import FiniteMixture, check_weights

#: Smallest probability of either answer. For a class with identical answers to an item the maximum
#: is at probability 0 or 1, where a single different answer would have log-density minus infinity.
PROBABILITY_FLOOR = 1e-9


Parameters = tuple[np.ndarray, np.ndarray]


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
        X : array_like of shape (n_samples, n_features), or in blocks
            Answers 0 and 1; NaN marks one that is missing at random. A dask array, a memory-mapped
            file and an iterable of arrays are read block by block.
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            How often each sample counts; not negative. In blocks if `X` is.

        Returns
        -------
        LatentClassModel
        """
        data = self._read_blocks(X, sample_weight, ensure_all_finite="allow-nan").map(_answered)
        self._check_settings(data.n_rows)
        n = data.total(total_weight)
        data = data.map(_with_indicators)
        said_yes, said_no = data.total(_answers)
        unanswered = np.flatnonzero(said_yes + said_no == 0)
        if unanswered.size:
            raise ValueError(
                f"X has no answer at all to item {', '.join(map(str, unanswered))}; drop it"
            )
        K, D = self.n_components, self.n_features_in_
        rng = check_random_state(self.random_state)

        share = said_yes / (said_yes + said_no)
        starts = (
            (np.full(K, 1 / K), _inside(share ** rng.uniform(0.2, 5, size=(K, D))))
            for _ in range(self.n_init)
        )

        def step(parameters: Parameters) -> tuple[float, Parameters]:
            return m_step(*data.total(partial(e_step, parameters)))

        (weights, theta), trace = expectation_maximisation(
            step, *starts, tol=self.tol, max_iter=self.max_iter
        )

        order = np.argsort(-weights, kind="stable")
        self.weights_, self.probabilities_ = weights[order], theta[order]
        self._set_trace(trace, n, self.n_parameters_)
        return self

    @property
    def n_parameters_(self) -> int:
        """Number of free parameters: K - 1 weights and K D probabilities."""
        self._check_fitted()
        return len(self.weights_) - 1 + self.probabilities_.size

    def _log_densities(self, X: ArrayLike) -> np.ndarray:
        self._check_fitted()
        X = self._read(X, reset=False, ensure_all_finite="allow-nan")
        yes, no = indicators(check_answers(X))
        return log_densities(yes, no, _inside(self.probabilities_))

    def _emit(self, z: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        theta = self.probabilities_[z]
        return (rng.random(theta.shape) < theta).astype(float)

    def __sklearn_tags__(self):
        """Tell scikit-learn that NaN is allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def check_answers(X: np.ndarray) -> np.ndarray:
    """Return answers, or raise if any is neither 0 nor 1 nor missing."""
    if not ((X == 0) | (X == 1) | np.isnan(X)).all():
        raise ValueError("X must hold answers 0 and 1 (NaN where missing), got other values")
    return X


def indicators(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return indicators of the answers 1 and 0, both 0 where an answer is missing."""
    return (X == 1).astype(float), (X == 0).astype(float)


def _answered(
    X: np.ndarray, sample_weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows with an answer, and their weights."""
    answered = ~np.isnan(check_answers(X)).all(axis=1)
    return X[answered], None if sample_weight is None else sample_weight[answered]


def _with_indicators(X: np.ndarray, sample_weight: np.ndarray | None) -> tuple:
    return (*indicators(X), sample_weight)


def _answers(
    yes: np.ndarray, no: np.ndarray, sample_weight: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Total weight of either answer to each item."""
    weight = np.ones(len(yes)) if sample_weight is None else sample_weight
    return weight @ yes, weight @ no


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
    parameters: Parameters,
    yes: np.ndarray,
    no: np.ndarray,
    *,
    sample_weight: np.ndarray | None = None,
) -> tuple[float, Parameters]:
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
    return m_step(*e_step(parameters, yes, no, sample_weight))


def e_step(
    parameters: Parameters, yes: np.ndarray, no: np.ndarray, sample_weight: np.ndarray | None
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Log-likelihood, and the sums of the responsibilities: of all samples, and of each answer.

    Parameters
    ----------
    parameters, yes, no, sample_weight
        As for `em_step`.

    Returns
    -------
    log_likelihood : float
        The sum over the samples, in nats. All four add up over blocks of samples.
    n : ndarray of shape (n_components,)
    said_yes, said_no : ndarray of shape (n_components, n_features)
    """
    weights, theta = parameters
    weight = np.ones(len(yes)) if sample_weight is None else sample_weight
    log_density, R = responsibilities((log_densities(yes, no, theta) + log_weights(weights)).T)
    R = R * weight
    return weight @ log_density, R.sum(axis=1), R @ yes, R @ no


def m_step(
    log_likelihood: float, n: np.ndarray, said_yes: np.ndarray, said_no: np.ndarray
) -> tuple[float, Parameters]:
    """Mean log-likelihood, and the parameters of highest likelihood given the sums of `e_step`."""
    # If nobody in a class answered an item, its probability is 1/2; nothing depends on it.
    theta = (said_yes + 1e-300) / (said_yes + said_no + 2e-300)
    return log_likelihood / n.sum(), (n / n.sum(), _inside(theta))


def _inside(theta: np.ndarray) -> np.ndarray:
    return np.clip(theta, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
