"""ICA against R, scikit-learn and picard, known sources, and the definition of a maximum."""

import numpy as np
import pytest
from peers import rows
from scipy import integrate, linalg, stats
from sklearn import decomposition
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import ICA, PCA, ica
from lvmnotes.ica import amari_index, source

W = np.array([[2.0, 1.0, 0.0, 1.0], [1.0, 1.0, 1.0, 0.0], [0.0, 1.0, 3.0, 1.0], [1, 0, 0, 1]])
B = np.array([1.0, -2.0, 3.0, 0.0])
METHODS = ["fastica", "ml"]


def four_sources(rng, n):
    """Standardised sources: two with peaks and heavy tails, two without."""
    H = np.column_stack(
        [
            rng.laplace(size=n),
            rng.uniform(-1, 1, size=n),
            rng.choice([-1, 1], size=n) + 0.3 * rng.normal(size=n),
            rng.standard_t(5, size=n),
        ]
    )
    return (H - H.mean(axis=0)) / H.std(axis=0)


def peaked_sources(rng, n):
    return rng.laplace(size=(n, 4)) * [1, 2, 0.5, 1]


H = four_sources(np.random.default_rng(0), 10_000)
X = H @ W.T + B


@parametrize_with_checks([ICA(), ICA(method="ml")])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def gap(got, want):
    """Largest difference between mixing matrices whose columns have any order and sign."""
    got, want = (V * np.sign(V.sum(axis=0)) for V in (got, want))
    return max(np.abs(want - v[:, None]).max(axis=0).min() for v in got.T)


class TestSources:
    """Known sources are found."""

    @pytest.mark.parametrize("method", METHODS)
    def test_sources_of_both_kinds_up_to_order_and_scale(self, method):
        indices = []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            truth = rng.normal(size=(4, 4))
            data = four_sources(rng, 10_000) @ truth.T + B
            fit = ICA(method=method, random_state=seed).fit(data)
            indices.append(amari_index(fit.W_, truth))
        assert np.median(indices) < 0.008
        assert max(indices) < 0.02

    @pytest.mark.parametrize("method", METHODS)
    def test_each_source_has_the_density_of_its_kind(self, method):
        fit = ICA(method=method, random_state=0).fit(X)
        correlation = np.corrcoef(fit.transform(X).T, H.T)[:4, 4:]
        assert np.abs(correlation).max(axis=0).min() > 0.999
        found = np.abs(correlation).argmax(axis=1)
        np.testing.assert_array_equal(fit.super_gaussian_, np.isin(found, [0, 3]))
        assert list(found) == [2, 0, 1, 3]  # the distance from a normal distribution falls

    def test_the_fixed_point_gives_white_sources(self):
        fit = ICA(random_state=0).fit(X)
        np.testing.assert_allclose(np.cov(fit.transform(X).T, bias=True), np.eye(4), atol=1e-10)
        np.testing.assert_allclose(fit.b_, X.mean(axis=0), atol=1e-12)
        assert (fit.W_.sum(axis=0) > 0).all()

    @pytest.mark.parametrize("method", METHODS)
    def test_another_mixture_of_the_same_sources_gives_the_same_sources(self, method):
        A = np.random.default_rng(1).normal(size=(4, 4)) * [[1e-60], [1], [1e3], [1e60]]
        one, other = (ICA(method=method, tol=1e-12, random_state=0) for _ in range(2))
        sources = one.fit(X).transform(X)
        others = other.fit(X @ A.T).transform(X @ A.T)
        sign = np.sign((sources * others).sum(axis=0))
        np.testing.assert_allclose(others * sign, sources, atol=1e-5)
        np.testing.assert_allclose(other.unmixing_ @ other.W_, np.eye(4), atol=1e-8)

    def test_fewer_sources_lie_in_the_plane_of_largest_variance(self):
        fit, plane = ICA(2, tol=1e-12, random_state=0).fit(X), PCA(2).fit(X)
        assert linalg.subspace_angles(fit.W_, plane.W_).max() < 1e-10
        inside = ICA(tol=1e-12, random_state=0).fit(plane.transform(X))
        assert gap(fit.W_, plane.W_ @ inside.W_) < 1e-6
        likely = ICA(2, method="ml", random_state=0).fit(X)
        score = ICA(method="ml", random_state=0).fit(plane.transform(X)).log_likelihood_trace_[-1]
        assert likely.log_likelihood_trace_[-1] == pytest.approx(score, abs=1e-9)

    def test_normal_sources_are_not_found_and_it_says_so(self):
        normal = np.random.default_rng(0).normal(size=(2000, 3))
        for method in METHODS:
            with pytest.warns(ConvergenceWarning, match="two sources are normal: those cannot be"):
                ICA(method=method, max_iter=2, tol=1e-12, random_state=0).fit(normal)


class TestPeers:
    """The library finds what others find."""

    @pytest.mark.parametrize("d", [3, 2])
    def test_fixed_point_of_r(self, d):
        t = np.arange(2000)
        signals = np.column_stack([np.sin(t / 20), (t % 23 - 11) / 9, ((t % 27 - 13) / 9) ** 5])
        table = [row for row in rows("ica_solutions.csv") if row["n_components"] == str(d)]
        want = np.array([[float(row[f"W.{j}"]) for j in range(1, d + 1)] for row in table])
        fit = ICA(d, tol=1e-14, random_state=0).fit(signals @ W[:3, :3].T + 5)
        assert gap(fit.W_, want) < 1e-8

    def test_fixed_point_of_scikit_learn(self):
        peer = decomposition.FastICA(
            whiten="unit-variance", tol=1e-14, max_iter=1000, random_state=0
        ).fit(X)
        assert gap(ICA(tol=1e-14, random_state=0).fit(X).W_, peer.mixing_) < 1e-7

    def test_likelihood_of_picard(self):
        picard = pytest.importorskip("picard")
        from picard.densities import Tanh

        rng = np.random.default_rng(0)
        data = peaked_sources(rng, 5000) @ W.T
        fit = ICA(method="ml", tol=1e-9, random_state=0).fit(data)
        assert fit.super_gaussian_.all()
        K, V, _ = picard.picard(data.T, fun=Tanh({"alpha": 0.5}), ortho=False, tol=1e-9)
        # Picard's density is the logistic one of variance pi^2 / 3.
        assert gap(fit.W_, np.linalg.inv(V @ K) * np.pi / np.sqrt(3)) < 1e-6

        data = rng.uniform(-1, 1, size=(5000, 4)) @ W.T
        fit = ICA(method="ml", tol=1e-9, random_state=0).fit(data)
        assert not fit.super_gaussian_.any()
        K, V, _ = picard.picard(data.T, ortho=False, extended=True, tol=1e-9)
        assert gap(fit.W_, np.linalg.inv(V @ K) * np.sqrt(2)) < 1e-6  # two bumps at 1 and -1

    def test_a_part_of_the_rows_first_leads_to_the_same_end(self, monkeypatch):
        exact, quick = (ICA(tol=tol, random_state=0).fit(X) for tol in (1e-12, 1e-5))
        monkeypatch.setattr(ica, "FEW_ROWS", len(X))
        full = ICA(tol=1e-12, random_state=0).fit(X)
        np.testing.assert_allclose(exact.W_, full.W_, atol=1e-5)
        assert quick.n_iter_ < ICA(tol=1e-5, random_state=0).fit(X).n_iter_


class TestLikelihood:
    """The density, and its maximum."""

    @pytest.mark.parametrize("kind", [True, False])
    def test_the_density_of_a_source(self, kind):
        density = source(kind)
        moments = [
            integrate.quad(lambda h, k=k: h**k * density.pdf(h), -40, 40, limit=200)[0]
            for k in (0, 2, 4)
        ]
        mean, variance, skewness, kurtosis = density.stats("mvsk")
        np.testing.assert_allclose(moments[:2], [1, variance], rtol=1e-9)
        assert moments[2] - 3 == pytest.approx(kurtosis, abs=1e-8)
        assert variance == 1 and mean == skewness == 0
        draws = density.rvs(size=20_000, random_state=np.random.default_rng(0))
        assert stats.kstest(draws[:2000], density.cdf).pvalue > 1e-3
        known = stats.logistic(scale=np.sqrt(3) / np.pi).logpdf(draws)
        if not kind:
            bumps = [stats.norm(m, np.sqrt(0.5)).pdf(draws) for m in np.sqrt([0.5, 0.5]) * [1, -1]]
            known = np.log(np.mean(bumps, axis=0))
        np.testing.assert_allclose(density.logpdf(draws), known, rtol=1e-10)

    def test_the_density_of_the_data_integrates_to_one(self):
        fit = ICA(method="ml", random_state=0).fit(X[:, :2])
        assert set(fit.super_gaussian_) <= {True, False}
        grid = np.linspace(-40, 40, 801)
        points = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
        assert np.exp(fit.score_samples(points)).sum() * 0.1**2 == pytest.approx(1, abs=1e-6)

    def test_the_gradient_vanishes_at_the_maximum(self):
        fit = ICA(method="ml", tol=1e-9, random_state=0).fit(X)
        density = source(fit.super_gaussian_)

        def score(W):
            return ICA.from_parameters(W, fit.b_, prior=density).score(X)

        assert score(fit.W_) == pytest.approx(fit.score(X), rel=1e-12)
        for step in 1e-4 * np.eye(16).reshape(16, 4, 4):
            assert score(fit.W_ + step) - score(fit.W_ - step) == pytest.approx(0, abs=1e-9)
            assert score(fit.W_ + step) < score(fit.W_)

    def test_the_likelihood_never_falls_and_is_the_score(self):
        fit = ICA(method="ml", random_state=0).fit(X)
        trace = fit.log_likelihood_trace_
        assert (np.diff(trace) > -1e-12).all() and trace[-1] > trace[0] + 0.01
        assert len(trace) == fit.n_iter_ + 1
        assert trace[-1] == pytest.approx(fit.score(X), abs=1e-10)
        fixed_point = ICA(random_state=0).fit(X)
        assert trace[0] == pytest.approx(fixed_point.score(X), abs=1e-10)
        assert not hasattr(fit.set_params(method="fastica").fit(X), "log_likelihood_trace_")

    def test_a_rotation_changes_the_likelihood_unless_the_sources_are_normal(self):
        c, s = np.cos(0.5), np.sin(0.5)
        R = linalg.block_diag([[c, -s], [s, c]], np.eye(2))
        for prior, differs in ((stats.norm(), False), (stats.laplace(scale=0.5**0.5), True)):
            scores = [ICA.from_parameters(V, B, prior=prior).score(X) for V in (W, W @ R)]
            assert (abs(scores[0] - scores[1]) > 0.01) == differs
            assert differs or scores[0] == pytest.approx(scores[1], abs=1e-12)

    def test_samples_of_a_model(self):
        model = ICA.from_parameters(W, B, prior=source(np.array([True, False, True, False])))
        data, factors = model.sample(50_000, 0)
        np.testing.assert_allclose(data, factors @ W.T + B, rtol=1e-12)
        np.testing.assert_allclose(model.transform(data), factors, atol=1e-10)
        np.testing.assert_allclose(model.inverse_transform(factors), data, rtol=1e-12)
        kurtosis = stats.kurtosis(factors)
        np.testing.assert_allclose(kurtosis, [1.2, -0.5, 1.2, -0.5], atol=0.15)
        fit = ICA(method="ml", random_state=0).fit(data)
        assert amari_index(fit.W_, W) < 0.02
        assert ICA().from_parameters(W).prior.stats("k") == pytest.approx(1.2)


def test_amari_index():
    rng = np.random.default_rng(0)
    scaled = W[:, [2, 0, 3, 1]] * [-1, 5, 0.1, 1]
    assert amari_index(scaled, W) == pytest.approx(0, abs=1e-12)
    assert amari_index(np.eye(4), linalg.hadamard(4)) == pytest.approx(1)
    E = 0.01 * np.abs(rng.normal(size=(4, 4)))
    np.fill_diagonal(E, 0)
    assert amari_index(np.eye(4), np.eye(4) + E) == pytest.approx(E.sum() / 12)


def test_it_works_in_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), ICA(3, random_state=0)).fit(X)
    assert pipeline.transform(X).shape == (10_000, 3)
    assert list(pipeline[-1].get_feature_names_out()) == ["ica0", "ica1", "ica2"]


def test_a_plane_has_no_density_in_space():
    fit = ICA(2, random_state=0).fit(X)
    for method in ("score", "score_samples"):
        assert not hasattr(fit, method)
    with pytest.raises(AttributeError, match="has no attribute 'score'") as caught:
        fit.score(X)
    assert "as many factors as variables; n_components=2, n_features=4" in str(
        caught.value.__cause__
    )


flat = X @ np.diag([1, 1, 1, 0]) + X[:, [3, 3, 3, 0]] * [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ICA(5).fit(X), r"n_components must be between 1 and 4 \(n_features\), got 5"),
        (lambda: ICA(method="other").fit(X), "method must be one of 'fastica', 'ml'"),
        (lambda: ICA(tol=-1).fit(X), "tol must be at least 0"),
        (lambda: ICA(max_iter=0).fit(X), "max_iter must be at least 1"),
        (lambda: ICA().fit(X * [1, 0, 1, 1]), "X does not vary in column 1"),
        (lambda: ICA().fit(flat), "X varies in 3 directions only: n_components=4 is too large"),
        (lambda: ICA(2).fit(np.ones((9, 4))), "X varies in 0 directions only"),
        (lambda: ICA().fit(X[:4]), "X varies in 3 directions only"),
        (lambda: ICA().fit(X * np.nan), "X contains NaN"),
        (lambda: ICA.from_parameters(np.ones((4, 2))), "W must have linearly independent columns"),
        (lambda: ICA.from_parameters(W[:2]), "W must have linearly independent columns"),
        (lambda: ICA.from_parameters(W).log_joint(X, H), "log_joint needs noise"),
        (lambda: amari_index(W, np.ones((4, 4))), "truth must have linearly independent columns"),
        (lambda: amari_index(W[:, :1], W[:, :1]), "the number of columns of W must be at least 2"),
    ],
)
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_parameters_there_is_nothing_to_ask():
    for method in ("transform", "score", "score_samples", "inverse_transform"):
        with pytest.raises(NotFittedError, match="no parameters yet"):
            getattr(ICA(), method)(X)


def test_the_trace_ends_at_the_score_for_sources_without_peaks():
    flat = np.random.default_rng(1).uniform(-1, 1, size=(2000, 3)) @ W[:3, :3].T
    fit = ICA(method="ml", random_state=0).fit(flat)
    assert not fit.super_gaussian_.any()
    assert fit.log_likelihood_trace_[-1] == pytest.approx(fit.score(flat), rel=1e-10)
