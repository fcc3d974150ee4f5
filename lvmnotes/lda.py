"""Latent Dirichlet allocation: topics and topic proportions with Dirichlet priors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import digamma, gammaln
from sklearn.exceptions import ConvergenceWarning

from .core.blocks import Blocks, HeldBlocks, as_blocks, comes_in_blocks
from .core.em import expectation_maximisation
from .core.validation import (
    check_integer,
    check_matrix,
    check_option,
    check_random_state,
    check_real,
)
from .core.warn import warn
from .plsa import TopicModel, check_counts, expected_ratio

#: Smallest expected share of a topic, so that its logarithm stays finite.
TINY = 1e-300
#: Passes over the documents before the bound is raised jointly, and steps per document in each.
WARM_UP, INNER = 20, 20
#: Words per document that a sweep of Gibbs sampling draws one at a time.
STEPS = 256


class LatentDirichletAllocation(TopicModel):
    r"""Latent Dirichlet allocation, by variational EM or by Gibbs sampling.

    .. math::

        \boldsymbol\theta_k \sim \operatorname{Dir}(\eta), \qquad
        \boldsymbol\pi_n \sim \operatorname{Dir}(\alpha), \qquad
        z \sim \boldsymbol\pi_n, \qquad \text{word} \sim \boldsymbol\theta_z

    for each topic k, each document n and each word of the document (Blei, Ng and Jordan 2003).

    Parameters
    ----------
    n_components : int, default 10
        Number of topics K.
    alpha : float, default 0.1
        Parameter of the symmetric Dirichlet prior of a document's proportions.
    eta : float, default 0.1
        Parameter of the symmetric Dirichlet prior of a topic.
    method : {"variational", "gibbs"}, default "variational"
        ``"variational"`` maximises a lower bound of the evidence over independent Dirichlet
        distributions of all topics and proportions; ``"gibbs"`` draws the topics and the topic of
        every word in turn, given all others (see `gibbs_sweeps`), and needs whole numbers.
    n_init : int, default 1
        Number of random starts; the fit with the highest bound, or the chain with the highest mean
        of the log-joint over the draws kept, is the one that counts.
    tol : float, default 1e-6
        Variational EM stops when the remaining gain of the bound, estimated from the last gains,
        is below this many nats per word; `transform` stops when no proportion of a document changes
        by more than this.
    max_iter : int, default 10000
        Largest number of iterations of variational EM, and of `transform`.
    n_sweeps : int, default 200
        Number of times that Gibbs sampling draws every word's topic. The last quarter is kept.
    random_state : None, int or numpy.random.Generator
        Seed for the initial values and for the draws.

    Attributes
    ----------
    topics_ : ndarray of shape (n_components, n_features)
        Mean of each topic under the approximate posterior, or over the draws. The draws name the
        topics alike as long as no two topics change places, which hardly occurs where they are
        distinct. In decreasing order of their number of words.
    bound_trace_ : ndarray
        By ``"variational"``: lower bound of the log-evidence per word, in nats, at the start and
        after each iteration.
    log_joint_trace_ : ndarray of shape (n_sweeps,)
        By ``"gibbs"``: logarithm of the joint probability of the words and of the topics drawn for
        them, per word in nats, after each sweep.
    n_iter_ : int

    Examples
    --------
    >>> from lvmnotes import LatentDirichletAllocation
    >>> documents = [[3, 2, 0, 0], [2, 3, 0, 0], [0, 0, 4, 4]]
    >>> model = LatentDirichletAllocation(2, method="gibbs", random_state=0).fit(documents)
    >>> model.transform([[1, 1, 2, 0]]).round(2)
    array([[0.5, 0.5]])
    """

    def __init__(
        self,
        n_components: int = 10,
        alpha: float = 0.1,
        eta: float = 0.1,
        method: str = "variational",
        *,
        n_init: int = 1,
        tol: float = 1e-6,
        max_iter: int = 10_000,
        n_sweeps: int = 200,
        random_state=None,
    ):
        self.n_components = n_components
        self.alpha = alpha
        self.eta = eta
        self.method = method
        self.n_init = n_init
        self.tol = tol
        self.max_iter = max_iter
        self.n_sweeps = n_sweeps
        self.random_state = random_state

    def fit(self, X: ArrayLike, y=None) -> LatentDirichletAllocation:
        """Fit to counts.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features), or in blocks
            How often each word occurs in each document; not negative, and whole numbers for
            ``method="gibbs"``. For ``"variational"`` a dask array, a memory-mapped file and an
            iterable of arrays are read block by block; the parameters of all documents'
            proportions, `n_components` numbers each, are held in memory.
        y : ignored

        Returns
        -------
        LatentDirichletAllocation
        """
        check_option(self.method, "method", ("variational", "gibbs"))
        if self.method == "variational":
            data = self._read_blocks(X).map(check_counts)
        elif comes_in_blocks(X) and not isinstance(X, np.memmap):
            raise ValueError('X must be in memory, not in blocks, for method="gibbs"')
        else:
            data = HeldBlocks(self._read(X, reset=True), None).map(check_counts)
        if not data.total(np.any):
            raise ValueError("X must hold at least one word")
        self._check_settings()
        for name in ("alpha", "eta"):
            check_real(getattr(self, name), name, minimum=0, inclusive=False)
        check_integer(self.n_sweeps, "n_sweeps", minimum=1)
        rng = check_random_state(self.random_state)
        for name in ("bound_trace_", "log_joint_trace_"):
            self.__dict__.pop(name, None)
        if self.method == "variational":
            self._fit_variational(data, rng)
        else:
            self._fit_gibbs(data.total(lambda X, *_: X), rng)
        return self

    def _fit_variational(self, data: Blocks, rng: np.random.Generator) -> None:
        starts = (self._start(data, rng) for _ in range(self.n_init))
        (_, eta_hat), self.bound_trace_ = expectation_maximisation(
            partial(variational_step, X=data, alpha=self.alpha, eta=self.eta),
            *starts,
            tol=self.tol,
            max_iter=self.max_iter,
        )
        self.n_iter_ = len(self.bound_trace_) - 1
        eta_hat = eta_hat[np.argsort(-eta_hat.sum(axis=1), kind="stable")]
        self.topics_ = eta_hat / eta_hat.sum(axis=1, keepdims=True)
        self._word_weights = expected_share(eta_hat)

    def _start(self, data: Blocks, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Parameters after passes in which every document begins anew.

        Iterated jointly from the first, proportions settle before the topics are any good.
        """
        eta_hat = rng.gamma(100, 0.01, size=(self.n_components, self.n_features_in_))
        for _ in range(WARM_UP):
            b = expected_share(eta_hat)
            counts, alpha_hat = data.total(partial(_documents_anew, b, self.alpha))
            eta_hat = self.eta + b * counts
        return np.concatenate(alpha_hat), eta_hat

    def _fit_gibbs(self, X: np.ndarray, rng: np.random.Generator) -> None:
        chains = (self._chain(X, rng) for _ in range(self.n_init))
        kept = slice(3 * self.n_sweeps // 4, None)
        trace, topics = max(chains, key=lambda chain: chain[0][kept].mean())
        self.topics_ = self._word_weights = topics
        self.log_joint_trace_, self.n_iter_ = trace, self.n_sweeps

    def _chain(self, X: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Trace of the log-joint, and mean topics over the draws kept."""
        (N, D), K = X.shape, self.n_components
        documents, words = tokens(X)
        trace, topics, n_words = [], np.zeros((K, D)), np.zeros(K)
        for z in islice(gibbs_sweeps(X, K, self.alpha, self.eta, rng), self.n_sweeps):
            document_counts, topic_counts = count(z, documents, N, K), count(z, words, D, K).T
            trace.append(log_joint(document_counts, topic_counts, self.alpha, self.eta) / len(z))
            if len(trace) > 3 * self.n_sweeps // 4:
                posterior = topic_counts + self.eta
                topics += posterior / posterior.sum(axis=1, keepdims=True)
                n_words += topic_counts.sum(axis=1)
        topics = topics[np.argsort(-n_words, kind="stable")]
        return np.array(trace), topics / topics.sum(axis=1, keepdims=True)

    def _proportions(self, X: np.ndarray) -> np.ndarray:
        alpha_hat = infer(X, self._word_weights, self.alpha, tol=self.tol, max_iter=self.max_iter)
        return alpha_hat / alpha_hat.sum(axis=1, keepdims=True)


def variational_step(
    parameters: tuple[np.ndarray, np.ndarray], X: np.ndarray | Blocks, alpha: float, eta: float
) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    r"""One iteration of variational EM: a step of pLSA with the expected logarithms in its place.

    With :math:`a_{nk} = \exp \mathbb E[\log \pi_{nk}]`, :math:`b_{ki} = \exp \mathbb E[\log
    \theta_{ki}]` and :math:`p_{ni} = \sum_k a_{nk} b_{ki}`, where the expectations are those under
    Dirichlet distributions with the parameters :math:`\hat\alpha_{nk}` and :math:`\hat\eta_{ki}`,

    .. math::

        \hat\alpha_{nk} \leftarrow \alpha + a_{nk} \sum_i \frac{x_{ni}}{p_{ni}}\, b_{ki}, \qquad
        \hat\eta_{ki} \leftarrow \eta + b_{ki} \sum_n a_{nk}\, \frac{x_{ni}}{p_{ni}},

    and the bound is :math:`\sum x_{ni} \log p_{ni}` less the Kullback-Leibler divergences of all
    these Dirichlet distributions from their priors.

    Parameters
    ----------
    parameters : tuple of ndarray
        :math:`\hat\alpha`, of shape (n_samples, n_components), and :math:`\hat\eta`, of shape
        (n_components, n_features).
    X : ndarray of shape (n_samples, n_features), or Blocks of it
        Counts.
    alpha, eta : float
        Of the priors.

    Returns
    -------
    bound : float
        Lower bound of the log-evidence per word, at the parameters given, in nats.
    parameters : tuple of ndarray
        After the step.
    """
    alpha_hat, eta_hat = parameters
    data, b = as_blocks(X), expected_share(eta_hat)
    part = partial(_documents_step, b, alpha)
    bound, n_words, counts, alpha_hats = data.total(part, data.split(alpha_hat))
    bound = (bound - divergence(eta_hat, eta)) / n_words
    return bound, (np.concatenate(alpha_hats), eta + b * counts)


def _documents_step(
    b: np.ndarray, alpha: float, X: np.ndarray, alpha_hat: np.ndarray
) -> tuple[float, float, np.ndarray, list[np.ndarray]]:
    """Return the documents' part of the bound, their words, sums for topics, and proportions."""
    a = expected_share(alpha_hat)
    log_likelihood, ratio = expected_ratio(X, a, b)
    bound = log_likelihood - divergence(alpha_hat, alpha)
    return bound, X.sum(), a.T @ ratio, [alpha + a * (ratio @ b.T)]


def _documents_anew(
    b: np.ndarray, alpha: float, X: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return sums for the topics, and proportions after some steps from equal ones."""
    K = len(b)
    alpha_hat = alpha + np.repeat(X.sum(axis=1, keepdims=True) / K, K, axis=1)
    for _ in range(INNER):
        a = expected_share(alpha_hat)
        _, ratio = expected_ratio(X, a, b)
        alpha_hat = alpha + a * (ratio @ b.T)
    return a.T @ ratio, [alpha_hat]


def infer(
    X: np.ndarray, word_weights: np.ndarray, alpha: float, *, tol: float, max_iter: int
) -> np.ndarray:
    """Dirichlet parameters of each document's proportions, for fixed topics.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
        Counts.
    word_weights : ndarray of shape (n_components, n_features)
        The topics, or the exponentials of their expected logarithms.
    alpha : float
        Of the prior.
    tol : float
        A document is done when no proportion changes by more than this.
    max_iter : int

    Returns
    -------
    ndarray of shape (n_samples, n_components)
    """
    K = len(word_weights)
    length = X.sum(axis=1, keepdims=True)
    alpha_hat = alpha + np.repeat(length / K, K, axis=1)
    open_ = np.flatnonzero(length > 0)
    for _ in range(max_iter):
        a = expected_share(alpha_hat[open_])
        ratio = expected_ratio(X[open_], a, word_weights)[1]
        update = alpha + a * (ratio @ word_weights.T)
        change = np.abs(update - alpha_hat[open_]).max(axis=1)
        alpha_hat[open_] = update
        open_ = open_[change > tol * (length[open_, 0] + K * alpha)]
        if not open_.size:
            return alpha_hat
    warn(
        f"the proportions of {open_.size} documents still changed by more than tol={tol:.2g} at "
        f"max_iter={max_iter}; raise max_iter or tol",
        ConvergenceWarning,
    )
    return alpha_hat


def gibbs_sweeps(
    X: ArrayLike, n_components: int, alpha: float, eta: float, random_state=None
) -> Iterator[np.ndarray]:
    r"""Draw the topics, and then the topic of every word, given all others, without end.

    .. math::

        \boldsymbol\theta_k \mid \mathbf z \sim \operatorname{Dir}(\mathbf m_k + \eta), \qquad
        p(z = k \mid \text{topics of the other words}, \boldsymbol\theta) \propto
        (n_{nk} + \alpha)\, \theta_{ki}

    for a word i of document n, where :math:`m_{ki}` counts the occurrences of the word with topic
    k, and :math:`n_{nk}` the other words of the document with topic k; the proportions are
    integrated out. Given the topics, words of different documents do not depend on each other, so
    one word of each document is drawn at a time. Of a long document all words after the first
    `STEPS` are drawn together, given proportions that are drawn before. With the topics integrated
    out as well (Griffiths and Steyvers 2004), each draw would change the probabilities of all
    others.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        Counts, whole numbers.
    n_components : int
    alpha, eta : float
        Of the priors.
    random_state : None, int or numpy.random.Generator

    Yields
    ------
    ndarray of int, shape (n_words,)
        The topic of each word after a sweep, in the order of `tokens`. Before the first one all
        topics are drawn with equal probabilities.
    """
    rng = check_random_state(random_state)
    documents, words = tokens(X)
    (N, D), K = np.shape(X), n_components
    place = np.arange(len(words)) - np.searchsorted(documents, documents)  # in the document
    place = np.minimum(place, STEPS)
    order = np.argsort(place, kind="stable")
    which = np.split(order, np.flatnonzero(np.diff(place[order])) + 1)
    steps = [(step, documents[step], words[step]) for step in which]
    z = rng.integers(K, size=len(words))
    while True:
        topics = np.stack([rng.dirichlet(m + eta) for m in count(z, words, D, K).T], axis=1)
        in_documents, u = count(z, documents, N, K) + alpha, rng.random(len(words))
        for step, n, i in steps[:STEPS]:
            in_documents[n, z[step]] -= 1
            z[step] = _draw(in_documents[n] * topics[i], u[step])
            in_documents[n, z[step]] += 1
        for step, n, i in steps[STEPS:]:
            z[step] = _draw(rng.standard_gamma(in_documents)[n] * topics[i], u[step])
        yield z.copy()


def _draw(weights: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Draw a column for each row, in proportion to the weights, by uniform random numbers."""
    below = weights.cumsum(axis=1)
    return (below <= u[:, None] * below[:, -1:]).sum(axis=1)


def tokens(X: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Document and word of each occurrence that a table counts, document after document.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
        Counts, whole numbers.

    Returns
    -------
    documents, words : ndarray of int, shape (n_words,)
    """
    X = check_matrix(X, "X")
    if (X < 0).any() or (X != np.round(X)).any():
        raise ValueError("X must hold whole numbers, not negative, for Gibbs sampling")
    documents, words = np.nonzero(X)
    times = X[documents, words].astype(int)
    return np.repeat(documents, times), np.repeat(words, times)


def count(z: np.ndarray, labels: np.ndarray, n_labels: int, n_components: int) -> np.ndarray:
    """Count how often each label (a document, or a word) has each topic.

    Parameters
    ----------
    z, labels : ndarray of int, shape (n_words,)
        Topic and label of each word.
    n_labels, n_components : int

    Returns
    -------
    ndarray of int, shape (n_labels, n_components)
    """
    both = np.bincount(labels * n_components + z, minlength=n_labels * n_components)
    return both.reshape(n_labels, n_components)


def log_joint(
    document_counts: np.ndarray, topic_counts: np.ndarray, alpha: float, eta: float
) -> float:
    r"""Log-probability of all words and their topics; proportions and topics are integrated out.

    .. math::

        \log p(\text{words}, \mathbf z) = \sum_n \log \frac{B(\mathbf n_n + \alpha)}{B(\alpha)}
        + \sum_k \log \frac{B(\mathbf m_k + \eta)}{B(\eta)},
        \qquad B(\mathbf a) = \frac{\prod_k \Gamma(a_k)}{\Gamma(\sum_k a_k)}

    Parameters
    ----------
    document_counts : ndarray of shape (n_samples, n_components)
        Words of each document with each topic.
    topic_counts : ndarray of shape (n_components, n_features)
        Occurrences of each word with each topic.
    alpha, eta : float
        Of the priors.

    Returns
    -------
    float
        In nats.
    """
    total = 0.0
    for counts, prior in ((document_counts, alpha), (topic_counts, eta)):
        total += (log_beta(counts + prior) - log_beta(np.full(counts.shape, prior))).sum()
    return float(total)


def log_beta(a: np.ndarray) -> np.ndarray:
    """Logarithm of the multivariate beta function of each row."""
    return gammaln(a).sum(axis=-1) - gammaln(a.sum(axis=-1))


def divergence(parameters: np.ndarray, prior: float) -> float:
    """Kullback-Leibler divergence of Dirichlet distributions, one per row, from their prior."""
    start = log_beta(np.full(parameters.shape, prior)) - log_beta(parameters)
    return float(start.sum() + ((parameters - prior) * expected_log(parameters)).sum())


def expected_share(parameters: np.ndarray) -> np.ndarray:
    """Exponential of the expected logarithms under Dirichlet distributions, a row each."""
    return np.maximum(np.exp(expected_log(parameters)), TINY)


def expected_log(parameters: np.ndarray) -> np.ndarray:
    """Return the expected logarithms under Dirichlet distributions, a row each."""
    return digamma(parameters) - digamma(parameters.sum(axis=1, keepdims=True))
