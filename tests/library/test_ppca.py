"""Probabilistic PCA and its Bayesian form, against scikit-learn and themselves."""

import numpy as np
import pytest
from scipy import linalg, optimize, stats
from sklearn.base import clone
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import PPCA, BayesianPCA, FactorAnalysis, Moments, data
from lvmnotes.bayesian_pca import ard_squared_lengths
from lvmnotes.core.loadings import leading_eigenpairs
from lvmnotes.core.moments import CovarianceOperator
from lvmnotes.ppca import NOISE_FLOOR, closed_form, em_step

DIGITS = data.digits().X
TESTS = data.holzinger_swineford().X


def angle(A, B):
    """Largest angle between the spans of two sets of columns, in radians."""
    return linalg.subspace_angles(A, B).max()


# Two runs of EM agree as far as their tolerance, and the checks compare codes to 1e-7.
@parametrize_with_checks([PPCA(), PPCA(method="em", tol=1e-16), BayesianPCA()])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


class TestClosedForm:
    """Maximum likelihood by eigenvectors."""

    @pytest.mark.parametrize("d", [1, 7, 30])
    def test_equals_scikit_learn(self, d):
        """Its covariance has divisor N - 1, and its score that covariance."""
        model, peer = PPCA(d).fit(DIGITS), SklearnPCA(d, svd_solver="full").fit(DIGITS)
        N = len(DIGITS)
        shrink = (N - 1) / N
        assert model.noise_variance_ == pytest.approx(shrink * peer.noise_variance_, rel=1e-11)
        np.testing.assert_allclose(
            model.get_covariance(), shrink * peer.get_covariance(), atol=1e-10
        )
        stretched = PPCA.from_parameters(
            model.W_ / shrink**0.5, model.b_, model.noise_variance_ / shrink
        )
        np.testing.assert_allclose(
            stretched.score_samples(DIGITS), peer.score_samples(DIGITS), rtol=1e-10
        )
        assert model.score(DIGITS) > peer.score(DIGITS)

    def test_likelihood_of_the_trace_is_the_score(self):
        model = PPCA(5).fit(DIGITS)
        assert model.score(DIGITS) == pytest.approx(model.log_likelihood_trace_[-1], rel=1e-13)
        density = stats.multivariate_normal(model.b_, model.get_covariance())
        np.testing.assert_allclose(model.score_samples(DIGITS), density.logpdf(DIGITS), rtol=1e-9)

    def test_no_small_change_does_better(self):
        model, rng = PPCA(2).fit(TESTS), np.random.default_rng(0)
        best = model.score(TESTS)
        for size in (1e-3, 1e-1):
            for _ in range(20):
                other = PPCA.from_parameters(
                    model.W_ + size * rng.normal(size=model.W_.shape),
                    model.b_ + size * rng.normal(size=model.b_.shape),
                    model.noise_variance_ * np.exp(size * rng.normal()),
                )
                assert other.score(TESTS) < best

    def test_columns_are_orthogonal_and_fall(self):
        W = PPCA(4).fit(DIGITS).W_
        gram = W.T @ W
        np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-10)
        assert (np.diff(np.diag(gram)) < 0).all() and (W.sum(axis=0) > 0).all()

    def test_fewer_samples_than_variables(self):
        """Through the Gram matrix, and the same as through the covariance."""
        X = DIGITS[:20]
        model, again = PPCA(6).fit(X), PPCA(6).fit_moments(Moments.from_data(X))
        np.testing.assert_allclose(model.W_, again.W_, atol=1e-11)
        assert model.noise_variance_ == pytest.approx(again.noise_variance_, rel=1e-11)
        assert model.score(X) == pytest.approx(again.log_likelihood_trace_[-1], rel=1e-12)

    def test_from_data_and_from_batches_agree(self):
        model = PPCA(3).fit(DIGITS)
        again = clone(model).fit_moments(Moments.from_batches(np.array_split(DIGITS, 9)))
        np.testing.assert_allclose(again.W_, model.W_, atol=1e-10)
        assert again.bic_ == pytest.approx(model.bic_, rel=1e-12)

    def test_a_mean_far_from_zero_costs_no_digits(self):
        near, far = PPCA(2).fit(TESTS), PPCA(2).fit(TESTS + 1e6)
        np.testing.assert_allclose(far.W_, near.W_, rtol=1e-8)

    def test_float32_is_summed_in_double(self):
        model, single = PPCA(3).fit(DIGITS), PPCA(3).fit(DIGITS.astype(np.float32))
        np.testing.assert_allclose(single.W_, model.W_, atol=1e-10)

    @pytest.mark.parametrize("method", ["ml", "em"])
    @pytest.mark.parametrize("X", [TESTS, DIGITS[:40]], ids=["tall", "wide"])
    def test_a_weight_is_a_number_of_copies(self, X, method):
        repeat = np.random.default_rng(1).integers(0, 4, size=len(X))
        model = PPCA(2, method=method, tol=1e-16, random_state=0)
        weighted = clone(model).fit(X, sample_weight=repeat)
        repeated = clone(model).fit(np.repeat(X, repeat, axis=0))
        assert weighted.n_samples_ == repeat.sum()
        assert weighted.bic_ == pytest.approx(repeated.bic_, rel=1e-12)
        np.testing.assert_allclose(weighted.get_covariance(), repeated.get_covariance(), atol=1e-5)

    @pytest.mark.parametrize("n_samples", [5, 200])
    def test_data_in_a_plane_are_warned_about(self, n_samples):
        X = np.random.default_rng(0).normal(size=(n_samples, 2)) @ np.ones((2, 9)) + [[1], [2]][0]
        with pytest.warns(UserWarning, match="lie in a plane of n_components=2"):
            model = PPCA(2).fit(X)
        assert 0 < model.noise_variance_ < 1e-10
        assert np.isfinite(model.score(X))

    def test_factor_analysis_with_equal_noise_is_the_same_model(self):
        model = PPCA(2).fit(TESTS)
        tied = FactorAnalysis.from_parameters(model.W_, model.b_, np.full(9, model.noise_variance_))
        np.testing.assert_allclose(tied.score_samples(TESTS), model.score_samples(TESTS))
        assert FactorAnalysis(2).fit(TESTS).score(TESTS) > model.score(TESTS)


class TestExpectationMaximisation:
    """EM on the rows, on moments, and on what is observed."""

    @pytest.mark.parametrize("X", [TESTS, DIGITS, DIGITS[:40]], ids=["tests", "digits", "wide"])
    def test_reaches_the_closed_form(self, X):
        em, ml = PPCA(3, method="em", random_state=0).fit(X), PPCA(3).fit(X)
        assert em.log_likelihood_trace_[-1] == pytest.approx(ml.log_likelihood_trace_[0], rel=1e-10)
        assert angle(em.W_, ml.W_) < 1e-5
        assert em.noise_variance_ == pytest.approx(ml.noise_variance_, rel=1e-6)
        assert (np.diff(em.log_likelihood_trace_) > -1e-12).all()

    def test_from_moments_takes_the_same_steps(self):
        X = TESTS - TESTS.mean(axis=0)
        S = X.T @ X / len(X)
        start = np.random.default_rng(0).normal(size=(9, 2)), 20.0
        rows = em_step(start, CovarianceOperator(X, np.zeros(9)), np.trace(S))
        matrix = em_step(start, S)
        assert rows[0] == pytest.approx(matrix[0], rel=1e-13)
        np.testing.assert_allclose(rows[1][0], matrix[1][0], rtol=1e-11)

    def test_step_equals_em_on_the_samples(self):
        """The E-step sample by sample, as a reader would first write it."""
        X = TESTS - TESTS.mean(axis=0)
        W, noise = np.random.default_rng(0).normal(size=(9, 2)), 30.0
        model = PPCA.from_parameters(W, 0.0, noise)
        H, V = model.posterior(X)
        expected = X.T @ H @ np.linalg.inv(len(X) * V + H.T @ H)
        misfit = ((X - H @ expected.T) ** 2).sum() / len(X) + np.trace(expected @ V @ expected.T)
        log_likelihood, (W_new, noise_new) = em_step((W, noise), X.T @ X / len(X))
        np.testing.assert_allclose(W_new, expected, rtol=1e-10)
        assert noise_new == pytest.approx(misfit / 9, rel=1e-11)
        assert log_likelihood == pytest.approx(model.score(X), rel=1e-12)

    def test_same_seed_same_fit(self):
        first, second = (PPCA(2, method="em", random_state=5).fit(TESTS) for _ in range(2))
        np.testing.assert_array_equal(first.W_, second.W_)

    def test_missing_entries_equal_direct_maximisation(self):
        """Against a general optimiser on the observed-data likelihood."""
        truth = PPCA.from_parameters([[1.0], [0.8], [-0.6], [0.5]], 1.0, 0.5)
        X = truth.sample(200, random_state=0)[0]
        X[np.random.default_rng(1).random(X.shape) < 0.25] = np.nan

        def loss(p):
            return -PPCA.from_parameters(p[:4, None], p[4:8], np.exp(p[8])).score(X)

        best = optimize.minimize(loss, np.r_[np.ones(4), np.zeros(5)], options={"gtol": 1e-7})
        model = PPCA(1).fit(X)
        assert model.score(X) == pytest.approx(-best.fun, rel=1e-9)
        assert model.log_likelihood_trace_[-1] == pytest.approx(model.score(X), rel=1e-12)
        np.testing.assert_allclose(np.abs(model.W_[:, 0]), np.abs(best.x[:4]), atol=1e-4)
        np.testing.assert_allclose(model.b_, best.x[4:8], atol=1e-4)

    def test_missing_entries_do_not_hurt_the_scale(self):
        """Units, a constant column and a row of holes change nothing but the units."""
        holed = np.where(np.random.default_rng(0).random(TESTS.shape) < 0.2, np.nan, TESTS)
        holed[:, 4] = 7.0
        plain = PPCA(2).fit(holed)
        scaled = PPCA(2).fit(1000 * np.vstack([holed, np.full((1, 9), np.nan)]))
        np.testing.assert_allclose(scaled.W_, 1000 * plain.W_, rtol=1e-6, atol=1e-6)
        assert scaled.n_samples_ == len(TESTS)
        assert (np.diff(plain.log_likelihood_trace_) > -1e-12).all()

    def test_a_weight_is_a_number_of_copies_of_a_sample_with_holes(self):
        rng = np.random.default_rng(0)
        holed = np.where(rng.random(TESTS.shape) < 0.2, np.nan, TESTS)
        repeat = rng.integers(0, 4, size=len(TESTS))
        weighted = PPCA(2).fit(holed, sample_weight=repeat)
        repeated = PPCA(2).fit(np.repeat(holed, repeat, axis=0))
        assert weighted.n_samples_ == repeat.sum()
        assert weighted.bic_ == pytest.approx(repeated.bic_, rel=1e-12)
        np.testing.assert_allclose(weighted.get_covariance(), repeated.get_covariance(), rtol=1e-4)

    def test_max_iter_warns(self):
        with pytest.warns(ConvergenceWarning, match="EM stopped at max_iter=3"):
            PPCA(3, method="em", max_iter=3, random_state=0).fit(TESTS)


def test_turned_data_turn_the_fit():
    Q = stats.ortho_group.rvs(9, random_state=0)
    plain, turned = PPCA(3).fit(TESTS), PPCA(3).fit(TESTS @ Q.T)
    np.testing.assert_allclose(turned.get_covariance(), Q @ plain.get_covariance() @ Q.T)
    assert turned.score(TESTS @ Q.T) == pytest.approx(plain.score(TESTS), rel=1e-12)


def test_works_in_a_grid_search_for_the_number_of_factors():
    W = linalg.block_diag(np.ones((4, 1)), np.ones((4, 1)))
    X = PPCA.from_parameters(W, 0.0, 0.5).sample(500, random_state=0)[0]
    search = GridSearchCV(PPCA(), {"n_components": [1, 2, 3, 4]}).fit(X)
    assert search.best_params_ == {"n_components": 2}
    assert min((1, 2, 3), key=lambda d: PPCA(d).fit(X).bic_) == 2


class TestBayesian:
    """Automatic relevance determination."""

    @pytest.mark.parametrize("n_samples", [40, 100, 1000])
    def test_finds_the_number_of_factors(self, n_samples):
        W = np.random.default_rng(0).normal(size=(20, 4)) * [3, 2.5, 2, 2]
        X = PPCA.from_parameters(W, 1.0, 1.0).sample(n_samples, random_state=1)[0]
        model = BayesianPCA().fit(X)
        assert model.n_relevant_ == 4
        assert (model.W_[:, 4:] == 0).all() and np.isinf(model.alpha_[4:]).all()
        assert model.transform(X).shape == (n_samples, 19)
        assert np.isfinite(model.score(X))

    def test_pure_noise_has_no_factors(self):
        model = BayesianPCA().fit(np.random.default_rng(0).normal(size=(500, 10)))
        assert model.n_relevant_ == 0
        assert model.noise_variance_ == pytest.approx(1, rel=0.05)

    def test_is_a_stationary_point_of_bishops_em(self):
        """One step of his EM, on whole matrices, moves neither loadings nor noise."""
        N, D = TESTS.shape
        S = np.cov(TESTS.T, bias=True)
        model = BayesianPCA(5, tol=1e-14).fit(TESTS)
        W, noise = model.W_, model.noise_variance_
        M = np.eye(5) + W.T @ W / noise
        G = np.linalg.solve(M, W.T / noise)
        P = np.linalg.inv(M) + G @ S @ G.T
        prior = noise / N * np.diag(D / (W**2).sum(axis=0))
        stepped = np.linalg.solve(P + prior, G @ S).T
        np.testing.assert_allclose(stepped, W, atol=1e-9)
        misfit = np.trace(S - 2 * stepped @ G @ S + stepped @ P @ stepped.T) / D
        assert misfit == pytest.approx(noise, rel=1e-10)

    def test_length_is_a_root_above_the_threshold_and_zero_below(self):
        rho, noise = 0.3, 2.0
        edge = noise * (np.sqrt(1 + rho) + np.sqrt(rho)) ** 2
        eigenvalues = np.array([10 * edge, 1.001 * edge, 0.999 * edge, 0])
        squared = ard_squared_lengths(eigenvalues, noise, rho)
        assert (squared > 0).tolist() == [True, True, False, False]
        variance = squared[:2] + noise
        slope = 1 / variance - eigenvalues[:2] / variance**2 + rho / squared[:2]
        np.testing.assert_allclose(slope, 0, atol=1e-12)

    def test_trace_and_criteria_are_those_of_the_score(self):
        X = PPCA.from_parameters(np.eye(6, 2) * 2).sample(100, random_state=0)[0]
        model = BayesianPCA().fit(X)
        N, d = len(X), model.n_relevant_
        assert 0 < d < model.W_.shape[1]
        assert model.log_likelihood_trace_[-1] == pytest.approx(model.score(X), rel=1e-12)
        assert len(model.log_likelihood_trace_) == model.n_iter_ + 1
        only = PPCA.from_parameters(model.W_[:, :d], model.b_, model.noise_variance_)
        assert model.n_parameters_ == only.n_parameters_
        bic = model.n_parameters_ * np.log(N) - 2 * N * only.score(X)
        assert model.bic_ == pytest.approx(bic, rel=1e-12)
        rebuilt = BayesianPCA.from_parameters(model.W_, model.b_, model.noise_variance_)
        assert rebuilt.n_relevant_ == d

    def test_a_weight_is_a_number_of_copies(self):
        repeat = np.random.default_rng(1).integers(0, 4, size=len(TESTS))
        weighted = BayesianPCA().fit(TESTS, sample_weight=repeat)
        repeated = BayesianPCA().fit(np.repeat(TESTS, repeat, axis=0))
        np.testing.assert_allclose(weighted.W_, repeated.W_, rtol=1e-7, atol=1e-9)
        assert weighted.bic_ == pytest.approx(repeated.bic_, rel=1e-10)

    def test_max_iter_warns(self):
        with pytest.warns(ConvergenceWarning, match="max_iter=2"):
            BayesianPCA(max_iter=2).fit(TESTS)


X = np.random.default_rng(0).normal(size=(30, 4))
HOLED = np.where(np.eye(30, 4) == 1, np.nan, X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: PPCA(0).fit(X), r"n_components must be between 1 and .*n_features=4.*got 0"),
        (lambda: PPCA(4).fit(X), "n_features=4.*got 4"),
        (lambda: PPCA(1, tol=-1).fit(X), "tol must be at least 0, got -1"),
        (lambda: PPCA(1, max_iter=0).fit(X), "max_iter must be at least 1, got 0"),
        (lambda: PPCA(1, method="svd").fit(X), "method must be one of 'ml', 'em'; got 'svd'"),
        (lambda: PPCA(1).fit(X, sample_weight=[1, 2]), "sample_weight must have shape"),
        (lambda: PPCA(1).fit(HOLED[:, :1]), "n_components must be between 1 and 0"),
        (lambda: PPCA(1).fit(np.ones((5, 3))), "two different rows"),
        (lambda: PPCA(1, method="em").fit(np.ones((5, 3))), "two different rows"),
        (lambda: PPCA(1).fit(np.ones((3, 5))), "two different rows"),
        (lambda: PPCA(1).fit(X[:1]), "minimum of 2 is required"),
        (lambda: PPCA(1).fit(X[0]), "Expected 2D array"),
        (lambda: PPCA(1).fit(X + np.inf), "infinity"),
        (lambda: PPCA(1).fit(HOLED * [1, 1, 1, np.nan]), "without any observed entry: 3"),
        (
            lambda: PPCA(1).fit_moments(Moments(1, [0, 0], np.eye(2))),
            "moments.n must be at least 2",
        ),
        (lambda: PPCA(1).fit_moments(Moments(9, [0, 0], [[1, 2], [2, 1]])), "semidef"),
        (lambda: PPCA(1).transform(X), "no parameters yet"),
        (lambda: BayesianPCA(4).fit(X), "n_components must be between 1 and"),
        (lambda: BayesianPCA().fit(HOLED), "contains NaN"),
        (lambda: BayesianPCA().fit(np.ones((5, 3))), "two different rows"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_closed_form_at_a_noise_floor_is_the_best_for_it():
    """Against a general optimiser over loadings, with the noise held at the floor."""
    S = np.cov(TESTS.T, bias=True)[:4, :4]
    eigenvalues, V = leading_eigenpairs(S, 2)
    floor = (eigenvalues[1] + eigenvalues[0]) / 2
    W, noise, trace = closed_form(eigenvalues, V, np.trace(S), floor)
    assert noise == floor and (W[:, 1] == 0).all()

    def loss(w):
        C = w.reshape(4, 2) @ w.reshape(4, 2).T + floor * np.eye(4)
        return np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, S))

    best = optimize.minimize(loss, np.random.default_rng(0).normal(size=8))
    assert trace[0] == pytest.approx(-0.5 * (4 * np.log(2 * np.pi) + best.fun), rel=1e-8)


@pytest.mark.parametrize("unit", [1.0, 1e-3])
def test_bayesian_pca_of_data_in_a_plane_ends_at_the_floor_of_the_noise(unit):
    X = unit * np.random.default_rng(0).normal(size=(50, 2)) @ [[3, 0, 0, 1], [0, 2, 1, 0]]
    expected = NOISE_FLOOR * X.var(axis=0).mean()
    assert BayesianPCA().fit(X).noise_variance_ == pytest.approx(expected, rel=1e-9)
