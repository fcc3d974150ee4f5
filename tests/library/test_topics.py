"""Topics: latent semantic analysis, its probabilistic form, latent Dirichlet allocation."""

import itertools
import warnings
from itertools import islice

import numpy as np
import pytest
from scipy import linalg, optimize, special
from sklearn import decomposition
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import LSA, PLSA, LatentDirichletAllocation, data, lda, plsa
from lvmnotes.lsa import right_singular_vectors

RNG = np.random.default_rng(0)
K, N, D = 3, 40, 12
TRUTH = RNG.dirichlet(np.full(D, 0.3), K)
COUNTS = RNG.multinomial(60, RNG.dirichlet(np.full(K, 0.4), N) @ TRUTH).astype(float)
ODD = np.vstack([COUNTS[:5], np.zeros(D)]) * (np.arange(D) != 3)  # an empty row, an empty column
TITLES = data.deerwester()
MODELS = [
    PLSA(3, random_state=0),
    LatentDirichletAllocation(3, n_init=5, random_state=0),
    LatentDirichletAllocation(3, method="gibbs", random_state=0),
]


def name_of(model):
    return f"{type(model).__name__}-{getattr(model, 'method', 'em')}"


each_model = pytest.mark.parametrize("model", MODELS, ids=name_of)


@parametrize_with_checks([LSA(), PLSA(2), LatentDirichletAllocation(2)])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


# Latent semantic analysis


def test_the_titles_have_the_published_singular_values_and_correlations():
    """Deerwester et al. (1990); Landauer et al. (1998), figures 1 and 3."""
    X = TITLES.X
    assert X.shape == (9, 12) and X.sum() == 29
    published = [3.34, 2.54, 2.35, 1.64, 1.50, 1.31, 0.85, 0.56, 0.36]
    np.testing.assert_allclose(LSA(9).fit(X).singular_values_, published, atol=0.005)
    model = LSA(2).fit(X)
    human, user, minors = (TITLES.feature_names.index(word) for word in ("human", "user", "minors"))
    for table, with_user, with_minors in (
        (X, -0.38, -0.29),
        (model.inverse_transform(model.transform(X)), 0.94, -0.83),
    ):
        R = np.corrcoef(table.T)
        assert R[human, user] == pytest.approx(with_user, abs=0.005)
        assert R[human, minors] == pytest.approx(with_minors, abs=0.005)


@pytest.mark.parametrize("shape", [(200, 30), (30, 200), (900, 700), (700, 900)])
@pytest.mark.parametrize("d", [1, 4])
def test_lsa_equals_scikit_learn(shape, d):
    rng = np.random.default_rng(1)
    X = rng.poisson(rng.gamma(0.5, size=(shape[0], 5)) @ rng.gamma(0.5, size=(5, shape[1])))
    ours = LSA(d).fit(X.astype(float))
    peer = decomposition.TruncatedSVD(d, algorithm="arpack").fit(X.astype(float))
    np.testing.assert_allclose(ours.singular_values_, peer.singular_values_, rtol=1e-10)
    np.testing.assert_allclose(np.abs((ours.W_ * peer.components_.T).sum(axis=0)), 1, rtol=1e-9)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        peer.inverse_transform(peer.transform(X.astype(float))),
        atol=1e-8,
    )


@pytest.mark.parametrize("shape", [(20, 8), (8, 20), (9, 9)])
def test_small_singular_values_have_their_digits(shape):
    rng = np.random.default_rng(2)
    wanted = np.geomspace(1, 1e-9, min(shape))
    U, V = (linalg.qr(rng.normal(size=(n, len(wanted))), mode="economic")[0] for n in shape)
    s, W = right_singular_vectors(U * wanted @ V.T, len(wanted))
    np.testing.assert_allclose(s, wanted, atol=1e-15)
    np.testing.assert_allclose(W.T @ W, np.eye(len(wanted)), atol=1e-13)
    s, W = right_singular_vectors(np.zeros(shape), 2)
    np.testing.assert_array_equal(s, 0)
    np.testing.assert_allclose(W.T @ W, np.eye(2), atol=1e-13)


def test_no_table_of_that_rank_is_closer():
    model = LSA(3).fit(COUNTS)
    error = model.reconstruction_error(COUNTS)
    rest = linalg.svdvals(COUNTS)[3:]
    assert error * N == pytest.approx((rest**2).sum(), rel=1e-12)
    rng = np.random.default_rng(3)
    for size in (1, 0.01):
        Q = linalg.qr(model.W_ + size * rng.normal(size=(D, 3)), mode="economic")[0]
        assert ((COUNTS - COUNTS @ Q @ Q.T) ** 2).sum() > error * N


# Probabilistic latent semantic analysis


def parameters(X, K, seed=0):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.ones(K), len(X)), rng.dirichlet(np.ones(X.shape[1]), K)


def test_a_step_of_em_is_that_of_its_definition():
    proportions, topics = parameters(COUNTS, K)
    log_likelihood, after = plsa.em_step((proportions, topics), COUNTS)
    counts = np.zeros((N, D, K))
    total = 0.0
    for n, i in itertools.product(range(N), range(D)):
        joint = proportions[n] * topics[:, i]
        counts[n, i] = COUNTS[n, i] * joint / joint.sum()
        total += COUNTS[n, i] * np.log(joint.sum())
    assert log_likelihood == pytest.approx(total / COUNTS.sum(), rel=1e-13)
    by_document, by_word = counts.sum(axis=1), counts.sum(axis=0).T
    np.testing.assert_allclose(after[0], by_document / by_document.sum(1, keepdims=True), 1e-12)
    np.testing.assert_allclose(after[1], by_word / by_word.sum(axis=1, keepdims=True), 1e-12)


def divergence(X, mean):
    """Kullback-Leibler divergence of tables that need not have the same sum."""
    return special.kl_div(X, mean).sum()


@pytest.mark.parametrize("X", [COUNTS, ODD[:5]], ids=["counts", "an empty column"])
def test_it_is_non_negative_factorisation(X):
    length = X.sum(axis=1, keepdims=True)
    constants = []
    for seed in range(3):
        proportions, topics = parameters(X, K, seed)
        log_likelihood, after = plsa.em_step((proportions, topics), X)
        W, H = length * proportions, topics
        constants.append(divergence(X, W @ H) + log_likelihood * X.sum())
        ratio = X / (W @ H)
        W_next = W * (ratio @ H.T)  # the denominator, H's row sums, is 1
        H_next = H * (W.T @ ratio)
        H_next /= H_next.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(after[0], W_next / length, rtol=1e-12)
        np.testing.assert_allclose(after[1], H_next, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(constants, constants[0], rtol=1e-12)


def test_em_never_falls_and_the_peer_gains_nothing_at_its_end():
    model = PLSA(K, tol=1e-11, random_state=0).fit(COUNTS)
    assert np.diff(model.log_likelihood_trace_).min() > -1e-14
    W = COUNTS.sum(axis=1, keepdims=True) * model.proportions_
    before = divergence(COUNTS, W @ model.topics_)
    peer = decomposition.NMF(
        K, init="custom", solver="mu", beta_loss="kullback-leibler", tol=0, max_iter=200
    )
    with warnings.catch_warnings(action="ignore"):
        W = peer.fit_transform(COUNTS, W=W, H=model.topics_.copy())
    after = divergence(COUNTS, W @ peer.components_)
    assert 0 <= before - after + 1e-9 and before - after < 1e-6 * COUNTS.sum()
    start = parameters(COUNTS, K)
    assert plsa.em_step(start, COUNTS)[0] < model.log_likelihood_trace_[-1] - 0.05


def test_folding_in_finds_the_best_proportions():
    model = PLSA(K, random_state=0).fit(COUNTS[:30])
    model.set_params(tol=1e-9)
    new = COUNTS[30:]
    found = model.transform(new)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)

    def loss(logits, x):
        return -x @ np.log(special.softmax(logits) @ model.topics_ + 1e-300)

    for x, pi in zip(new, found, strict=True):
        best = optimize.minimize(loss, np.zeros(K), (x,), method="BFGS", options={"gtol": 1e-9})
        value = -x @ np.log(pi @ model.topics_)
        assert value <= best.fun + 1e-7 * x.sum()
    np.testing.assert_allclose(model.transform(5 * new), found, atol=1e-8)
    np.testing.assert_allclose(model.transform(new[::-1])[::-1], found, atol=1e-12)


def test_a_topic_that_a_document_does_not_have_gets_nothing():
    topics = np.array([[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0.4, 0.2, 0.2, 0.2]])
    found = plsa.fold_in(np.array([[3.0, 3, 0, 0], [0, 0, 2, 0]]), topics, tol=1e-9, max_iter=9999)
    np.testing.assert_allclose(found, [[1, 0, 0], [0, 1, 0]], atol=1e-8)


def test_more_starts_are_never_worse():
    one, many = (PLSA(4, n_init=n, random_state=1).fit(COUNTS) for n in (1, 6))
    assert many.log_likelihood_trace_[-1] >= one.log_likelihood_trace_[-1]


def test_one_topic_is_the_share_of_each_word():
    model = PLSA(1).fit(COUNTS)
    np.testing.assert_allclose(model.topics_[0], COUNTS.sum(axis=0) / COUNTS.sum(), rtol=1e-12)
    np.testing.assert_array_equal(model.transform(COUNTS), np.ones((N, 1)))


# What both models of topics share


@each_model
def test_topics_are_distributions_in_order(model):
    model.fit(COUNTS)
    np.testing.assert_allclose(model.topics_.sum(axis=1), 1, rtol=1e-12)
    assert model.topics_.shape == (3, D) and (model.topics_ >= 0).all()
    found = model.transform(COUNTS)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
    weight = COUNTS.sum(axis=1) @ found
    assert np.diff(weight).max() < 0.05 * weight.sum()
    gap = np.abs(model.topics_[:, None] - TRUTH).sum(axis=2) / 2
    assert gap[optimize.linear_sum_assignment(gap)].max() < 0.25
    assert list(model.get_feature_names_out())[0].endswith("0")


@each_model
def test_empty_documents_and_words_give_no_nan(model):
    model.fit(ODD)
    assert np.isfinite(model.topics_).all()
    np.testing.assert_allclose(model.transform(ODD)[-1], 1 / 3, rtol=1e-12)
    only_unseen = (np.arange(D) == 3).astype(float)[None]
    np.testing.assert_allclose(model.transform(only_unseen).sum(axis=1), 1)


@each_model
def test_a_seed_repeats_and_another_does_not(model):
    first, second = (model.fit(COUNTS).topics_ for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = type(model)(**model.get_params() | {"random_state": 1}).fit(COUNTS)
    assert np.abs(other.topics_ - first).max() > 0


@each_model
def test_counts_are_asked_for(model):
    with pytest.raises(ValueError, match="X"):
        model.fit(COUNTS - 1)
    with pytest.raises(ValueError, match="X must hold at least one word"):
        model.fit(0 * COUNTS)
    with pytest.raises(NotFittedError, match="no parameters yet"):
        type(model)().transform(COUNTS)
    assert model.__sklearn_tags__().input_tags.positive_only


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PLSA(0).fit(COUNTS), "n_components must be at least 1"),
        (lambda: PLSA(2, n_init=0).fit(COUNTS), "n_init must be at least 1"),
        (lambda: PLSA(2, tol=-1).fit(COUNTS), "tol must be at least 0"),
        (lambda: LatentDirichletAllocation(2, alpha=0).fit(COUNTS), "alpha must be greater than 0"),
        (lambda: LatentDirichletAllocation(2, eta=-1).fit(COUNTS), "eta must be greater than 0"),
        (lambda: LatentDirichletAllocation(2, method="vb").fit(COUNTS), "method must be one of"),
        (lambda: LatentDirichletAllocation(2, n_sweeps=0).fit(COUNTS), "n_sweeps must be"),
        (
            lambda: LatentDirichletAllocation(2, method="gibbs").fit(COUNTS / 2),
            "X must hold whole numbers",
        ),
        (lambda: LSA(13).fit(COUNTS), r"between 1 and 12 \(n_features\)"),
        (lambda: PLSA(2).fit(COUNTS).transform(COUNTS[:, :2]), "2 features"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_did_not_converge_warns():
    for model in (PLSA(3, max_iter=2), LatentDirichletAllocation(3, max_iter=2)):
        with pytest.warns(ConvergenceWarning, match="max_iter=2"):
            model.fit(COUNTS)
        with pytest.warns(ConvergenceWarning, match="proportions of .* documents"):
            model.transform(COUNTS)


# Latent Dirichlet allocation

TOY = np.array([[2, 1, 0], [0, 1, 2], [1, 0, 1]])
ALPHA, ETA = 0.4, 0.6


def enumerate_toy():
    """Log-evidence, and the posterior probability that two words have the same topic."""
    documents, words = lda.tokens(TOY)
    terms, same = [], []
    for z in itertools.product(range(2), repeat=len(words)):
        z = np.array(z)
        terms.append(direct_log_joint(z, documents, words))
        same.append(z[:, None] == z)
    log_evidence = special.logsumexp(terms)
    weight = np.exp(terms - log_evidence)
    return log_evidence, np.tensordot(weight, np.array(same, dtype=float), 1)


def direct_log_joint(z, documents, words):
    """By the chain rule, one word after another: Polya's urns."""
    total, in_document = 0.0, np.full((3, 2), ALPHA)
    of_topic = np.full((2, 3), ETA)
    for k, n, i in zip(z, documents, words, strict=True):
        total += np.log(in_document[n, k] / in_document[n].sum())
        total += np.log(of_topic[k, i] / of_topic[k].sum())
        in_document[n, k] += 1
        of_topic[k, i] += 1
    return total


def test_the_joint_probability_is_that_of_the_urns():
    documents, words = lda.tokens(TOY)
    np.testing.assert_array_equal(documents, [0, 0, 0, 1, 1, 1, 2, 2])
    np.testing.assert_array_equal(words, [0, 0, 1, 1, 2, 2, 0, 2])
    for seed in range(5):
        z = np.random.default_rng(seed).integers(2, size=8)
        by_document, by_word = lda.count(z, documents, 3, 2), lda.count(z, words, 3, 2)
        assert lda.log_joint(by_document, by_word.T, ALPHA, ETA) == pytest.approx(
            direct_log_joint(z, documents, words), rel=1e-12
        )


@pytest.mark.parametrize("steps", [lda.STEPS, 1], ids=["one by one", "from the second together"])
def test_gibbs_sampling_agrees_with_enumeration(steps, monkeypatch):
    monkeypatch.setattr(lda, "STEPS", steps)
    _, same = enumerate_toy()
    n_batches, size = 50, 400
    sweeps = lda.gibbs_sweeps(TOY, 2, ALPHA, ETA, 0)
    z = np.array(list(islice(sweeps, 100 + n_batches * size)))[100:]
    pairs = np.triu_indices(8, 1)
    drawn = (z[:, pairs[0]] == z[:, pairs[1]]).reshape(n_batches, size, -1).mean(axis=1)
    error = drawn.std(axis=0, ddof=1) / np.sqrt(n_batches)
    z_scores = (drawn.mean(axis=0) - same[pairs]) / error
    assert np.abs(z_scores).max() < 4
    assert error.max() < 0.01
    assert np.ptp(same[pairs]) > 0.1  # the pairs differ by more than the error


def test_a_sweep_draws_each_word_given_all_others():
    """With the same random numbers as a loop over the words, in documents of different lengths."""
    X = COUNTS[:6].astype(int) * [[1], [2], [0], [1], [3], [1]]
    ours, rng = lda.gibbs_sweeps(X, K, ALPHA, ETA, 7), np.random.default_rng(7)
    documents, words = lda.tokens(X)
    z = rng.integers(K, size=len(words))
    for _ in range(20):
        topics = [rng.dirichlet(m + ETA) for m in lda.count(z, words, D, K).T]
        for j, u in enumerate(rng.random(len(words))):
            others = np.delete(z, j)[np.delete(documents, j) == documents[j]]
            p = [((others == k).sum() + ALPHA) * topics[k][words[j]] for k in range(K)]
            z[j] = np.searchsorted(np.cumsum(p), u * np.sum(p))
        np.testing.assert_array_equal(next(ours), z)


def test_topics_without_words_are_drawn_from_a_narrow_prior():
    """Most draws of a gamma distribution with so small a parameter are zero."""
    sweeps = lda.gibbs_sweeps([[1, 0, 1]], 8, 1e-5, 1e-5, 0)
    with warnings.catch_warnings(action="error"):
        z = np.array(list(islice(sweeps, 30)))
    assert z.min() >= 0 and z.max() < 8


def test_topics_of_gibbs_sampling_are_means_over_the_last_quarter():
    fit = LatentDirichletAllocation(2, ALPHA, ETA, "gibbs", n_sweeps=20, random_state=3).fit(TOY)
    words = lda.tokens(TOY)[1]
    draws = lda.gibbs_sweeps(TOY, 2, ALPHA, ETA, 3)
    kept = [lda.count(z, words, len(TOY[0]), 2).T + ETA for z in islice(draws, 15, 20)]
    mean = np.mean([it / it.sum(axis=1, keepdims=True) for it in kept], axis=0)
    largest_first = np.argsort(-sum(kept).sum(axis=1), kind="stable")
    np.testing.assert_allclose(fit.topics_, mean[largest_first], rtol=1e-12)


@pytest.mark.parametrize("method", ["variational", "gibbs"])
def test_one_topic_has_a_posterior_in_closed_form(method):
    """Then nothing is approximated: the bound is the evidence, and the topic its posterior mean."""
    model = LatentDirichletAllocation(1, 0.5, 0.3, method, random_state=0).fit(COUNTS)
    posterior = COUNTS.sum(axis=0) + 0.3
    np.testing.assert_allclose(model.topics_[0], posterior / posterior.sum(), rtol=1e-12)
    log_evidence = (
        special.gammaln(posterior).sum()
        - special.gammaln(posterior.sum())
        - D * special.gammaln(0.3)
        + special.gammaln(0.3 * D)
    )
    trace = model.bound_trace_ if method == "variational" else model.log_joint_trace_
    assert trace[-1] * COUNTS.sum() == pytest.approx(log_evidence, rel=1e-12)


def test_the_variational_bound_is_below_the_evidence():
    log_evidence, _ = enumerate_toy()
    bounds = [
        LatentDirichletAllocation(2, ALPHA, ETA, tol=1e-12, random_state=seed)
        .fit(TOY)
        .bound_trace_[-1]
        * TOY.sum()
        for seed in range(10)
    ]
    assert max(bounds) < log_evidence
    assert max(bounds) > log_evidence - 3


def test_the_bound_never_falls_and_is_that_of_the_peer():
    model = LatentDirichletAllocation(K, 0.3, 0.2, tol=1e-11, random_state=0).fit(COUNTS)
    assert np.diff(model.bound_trace_).min() > -1e-13
    eta_hat = 0.2 + 50 * RNG.random((K, D))
    word_weights = lda.expected_share(eta_hat)
    alpha_hat = lda.infer(COUNTS, word_weights, 0.3, tol=1e-12, max_iter=10_000)
    peer = decomposition.LatentDirichletAllocation(
        K, doc_topic_prior=0.3, topic_word_prior=0.2, max_iter=1, mean_change_tol=1e-12
    )
    peer.set_params(max_doc_update_iter=10_000).fit(COUNTS)
    peer.components_, peer.exp_dirichlet_component_ = eta_hat, word_weights
    bound = lda.variational_step((alpha_hat, eta_hat), COUNTS, 0.3, 0.2)[0]
    assert peer.score(COUNTS) / COUNTS.sum() == pytest.approx(bound, rel=1e-9)
    np.testing.assert_allclose(peer._unnormalized_transform(COUNTS), alpha_hat, rtol=1e-6)


def test_a_step_with_many_words_is_one_of_plsa():
    """The priors and the difference between a mean and a mean logarithm vanish."""
    proportions, topics = parameters(COUNTS, K)
    scale = 1e9
    X = scale * COUNTS
    length = X.sum(axis=1, keepdims=True)
    _, after = plsa.em_step((proportions, topics), X)
    start = length * proportions, X.sum() * topics
    _, (alpha_hat, eta_hat) = lda.variational_step(start, X, 0.1, 0.1)
    np.testing.assert_allclose(alpha_hat / alpha_hat.sum(1, keepdims=True), after[0], rtol=1e-5)
    np.testing.assert_allclose(eta_hat / eta_hat.sum(1, keepdims=True), after[1], rtol=1e-5)


def bars(n_documents, n_words, alpha, rng):
    """Documents of ten topics, the rows and columns of 5 x 5 pixels (Griffiths, Steyvers 2004)."""
    topics = np.vstack([np.kron(np.eye(5), np.ones(5)), np.kron(np.ones(5), np.eye(5))]) / 5
    X = rng.multinomial(n_words, rng.dirichlet(np.full(10, alpha), n_documents) @ topics)
    return X.astype(float), topics


def recovered(found, topics):
    """Whether the five most probable pixels of the topics found are the ten bars."""
    top = np.sort(np.argsort(-found, axis=1)[:, :5], axis=1)
    return {tuple(row) for row in top} == {tuple(np.flatnonzero(row)) for row in topics}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_documents", "n_words", "alpha", "n_sweeps"), [(200, 50, 0.5, 200), (500, 100, 1.0, 150)]
)
def test_the_bars_are_recovered_on_nineteen_of_twenty_seeds(n_documents, n_words, alpha, n_sweeps):
    """With proportions as even as those of the paper (alpha = 1) it takes more documents."""
    count = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, topics = bars(n_documents, n_words, alpha, rng)
        model = LatentDirichletAllocation(
            10, alpha, alpha, "gibbs", n_init=2, n_sweeps=n_sweeps, random_state=rng
        )
        count += recovered(model.fit(X).topics_, topics)
    assert count >= 19


def test_some_bars_are_recovered():
    rng = np.random.default_rng(0)
    X, topics = bars(200, 50, 0.5, rng)
    model = LatentDirichletAllocation(
        10, 0.5, 0.5, method="gibbs", n_init=2, n_sweeps=150, random_state=rng
    )
    assert recovered(model.fit(X).topics_, topics)
    start = next(lda.gibbs_sweeps(X, 10, 0.5, 0.5, rng))
    assert not recovered(lda.count(start, lda.tokens(X)[1], 25, 10).T, topics)
    assert model.log_joint_trace_[-1] > model.log_joint_trace_[0]


def test_the_peer_has_the_same_joint_probability_and_its_chain_reaches_no_other():
    package = pytest.importorskip("lda")
    peer = package.LDA(3, n_iter=300, alpha=0.4, eta=0.3, random_state=1, refresh=300)
    peer.fit(COUNTS.astype(int))
    theirs = peer.loglikelihood()
    assert lda.log_joint(peer.ndz_, peer.nzw_, 0.4, 0.3) == pytest.approx(theirs, rel=1e-12)
    ours = LatentDirichletAllocation(3, 0.4, 0.3, "gibbs", n_sweeps=300, random_state=0)
    ours.fit(COUNTS)
    kept = ours.log_joint_trace_[-75:] * COUNTS.sum()
    assert kept.min() - 5 * kept.std() < theirs < kept.max() + 5 * kept.std()
