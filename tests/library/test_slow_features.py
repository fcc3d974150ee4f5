"""Slow feature analysis against its definition, a peer and dense Gaussians."""

import numpy as np
import pytest
from scipy import linalg, optimize, stats
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import SFA, LinearGaussianModel, ProbabilisticSFA
from lvmnotes.core.moments import BATCH_SIZE

QUADRATIC = PolynomialFeatures(2, include_bias=False)
RNG = np.random.default_rng(0)
PERSISTENCE = np.array([0.95, 0.7, 0.2, -0.5])
SOURCES = ProbabilisticSFA.from_parameters(np.eye(4), persistence=PERSISTENCE).sample(2000, RNG)[1]
X = SOURCES @ RNG.normal(size=(4, 4)) + [0, 5, -3, 100]


def outputs_agree(got, want, atol):
    """Compare outputs up to their signs."""
    sign = np.sign((got * want).sum(axis=0))
    np.testing.assert_allclose(got, sign * want, atol=atol)


def slowness(H):
    return (np.diff(H, axis=0) ** 2).mean(axis=0)


# The checks fit to few rows, and to more columns than rows.
@parametrize_with_checks([SFA(), SFA(1)])
@pytest.mark.filterwarnings("ignore:X has .* linearly independent columns")
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


class TestOutputs:
    """What is required of the outputs, and that they are the slowest."""

    def test_are_standardised_uncorrelated_and_as_slow_as_it_says(self):
        model = SFA().fit(X)
        H = model.transform(X)
        np.testing.assert_allclose(H.mean(axis=0), 0, atol=1e-11)
        np.testing.assert_allclose(np.cov(H.T, bias=True), np.eye(4), atol=1e-10)
        np.testing.assert_allclose(slowness(H), model.slowness_, rtol=1e-10)
        assert (np.diff(model.slowness_) > 0).all()
        differences = np.diff(H, axis=0)
        products = differences.T @ differences / (len(X) - 1)
        np.testing.assert_allclose(products, np.diag(model.slowness_), atol=1e-10)

    def test_are_those_of_one_generalised_eigenproblem(self):
        differences = np.diff(X, axis=0)
        A, C = differences.T @ differences / (len(X) - 1), np.cov(X.T, bias=True)
        eigenvalues, G = linalg.eigh(A, C)
        model = SFA(3).fit(X)
        np.testing.assert_allclose(model.slowness_, eigenvalues[:3], rtol=1e-10)
        outputs_agree(model.transform(X), (X - X.mean(axis=0)) @ G[:, :3], atol=1e-9)

    def test_equal_those_of_the_peer(self):
        """It subtracts the mean difference, which is zero here, and divides by N - 1."""
        peer = pytest.importorskip("sksfa")
        closed = np.vstack([X, X[:1]])
        other = peer.SFA(3).fit(closed)
        shrink = (len(closed) - 1) / len(closed)
        model = SFA(3).fit(closed)
        outputs_agree(model.transform(closed), other.transform(closed) / shrink**0.5, atol=1e-8)
        # Its slowness is of outputs with variance N / (N - 1), and a variance with divisor N - 2.
        n = len(closed)
        np.testing.assert_allclose(
            model.slowness_, other.delta_values_[:3] / shrink * (n - 2) / (n - 1), rtol=1e-9
        )

    def test_no_combination_is_slower(self):
        model = SFA().fit(X)
        H = model.transform(X)
        for _ in range(50):
            u = RNG.normal(size=4)
            u /= np.linalg.norm(u)
            assert slowness(H @ u) > model.slowness_[0]
            u[0] = 0
            u /= np.linalg.norm(u)
            assert slowness(H @ u) > model.slowness_[1]

    def test_do_not_depend_on_units_or_mixing(self):
        M = RNG.normal(size=(4, 4)) * [1e-6, 1, 1, 1e9]
        outputs_agree(SFA().fit_transform(X @ M - 7), SFA().fit_transform(X), atol=1e-6)

    def test_find_slow_sources(self):
        H = SFA().fit_transform(X)
        correlation = np.abs(np.corrcoef(H.T, SOURCES.T)[:4, 4:])
        assert (np.diag(correlation) > 0.99).all()

    def test_read_in_batches_and_in_single_precision(self):
        long = np.tile(X, (5, 1))
        assert len(long) > 2 * BATCH_SIZE
        model = SFA().fit(long)
        np.testing.assert_allclose(model.slowness_, slowness(model.transform(long)), rtol=1e-9)
        single = SFA().fit(long.astype(np.float32))
        np.testing.assert_allclose(single.slowness_, model.slowness_, rtol=1e-4)


class TestSeveralSeries:
    """The steps from one series to the next do not count."""

    def test_mean_over_the_steps_within_series(self):
        lengths = [700, 1, 899, 400]
        model = SFA().fit(X, lengths=lengths)
        parts = np.split(model.transform(X), np.cumsum(lengths)[:-1])
        steps = np.vstack([np.diff(part, axis=0) for part in parts])
        assert len(steps) == len(X) - 4
        np.testing.assert_allclose((steps**2).mean(axis=0), model.slowness_, rtol=1e-10)
        assert model.slowness_ != pytest.approx(SFA().fit(X).slowness_, rel=1e-6)

    def test_one_series_is_the_default(self):
        np.testing.assert_array_equal(SFA().fit(X, lengths=[2000]).G_, SFA().fit(X).G_)

    def test_of_two_the_order_does_not_matter(self):
        one = SFA().fit(X, lengths=[500, 1500])
        other = SFA().fit(np.vstack([X[500:], X[:500]]), lengths=[1500, 500])
        np.testing.assert_allclose(one.slowness_, other.slowness_, rtol=1e-10)

    def test_through_a_pipeline(self):
        pipeline = make_pipeline(QUADRATIC, SFA(2)).fit(X, sfa__lengths=[1000, 1000])
        expanded = QUADRATIC.fit_transform(X)
        wanted = SFA(2).fit(expanded, lengths=[1000, 1000]).transform(expanded)
        np.testing.assert_array_equal(pipeline.transform(X), wanted)

    @pytest.mark.parametrize("lengths", [[2001], [1999], [0, 2000], [1000.5, 999.5], [-1, 2001]])
    def test_lengths_that_do_not_fit_are_refused(self, lengths):
        with pytest.raises(ValueError, match="lengths must be whole numbers .* 2000 rows"):
            SFA().fit(X, lengths=lengths)

    def test_a_step_is_needed(self):
        with pytest.raises(ValueError, match="lengths must have a series of two rows"):
            SFA().fit(X, lengths=np.ones(2000))


class TestIndependentColumns:
    """Directions without variance have no output."""

    def test_constant_and_dependent_columns_are_left_out(self):
        more = np.column_stack([X, np.full(2000, 0.1), X[:, 0] + X[:, 1], 3 * X[:, 2] + 1])
        model = SFA().fit(more)
        assert model.slowness_ == pytest.approx(SFA().fit(X).slowness_, rel=1e-8)
        outputs_agree(model.transform(more), SFA().fit_transform(X), atol=1e-7)
        np.testing.assert_array_equal(model.G_[:, 4], 0)
        np.testing.assert_allclose(model.inverse_transform(model.transform(more)), more, atol=1e-7)
        with pytest.raises(ValueError, match="n_components must be at most 4 .*independent.*got 5"):
            SFA(5).fit(more)

    def test_columns_without_variance_are_refused(self):
        with pytest.raises(ValueError, match="X must hold two different rows"):
            SFA().fit(np.full((9, 2), 0.1))

    def test_all_outputs_rebuild_the_data(self):
        model = SFA().fit(X)
        np.testing.assert_allclose(model.inverse_transform(model.transform(X)), X, atol=1e-9)
        np.testing.assert_allclose(model.G_ @ model.W_, np.eye(4), atol=1e-10)
        assert (model.W_.sum(axis=0) > 0).all()

    def test_the_decoder_of_a_few_outputs_is_least_squares(self):
        model = SFA(2).fit(X)
        H = model.transform(X)
        least_squares = np.linalg.lstsq(H, X - X.mean(axis=0), rcond=None)[0].T
        np.testing.assert_allclose(model.W_, least_squares, atol=1e-9)


class TestHarmonics:
    """The slowest sequences there are, and what the functions of the input admit."""

    @pytest.mark.parametrize("n_features", [29, 60])
    def test_noise_with_as_many_columns_as_rows_gives_cosines(self, n_features):
        noise, t = RNG.normal(size=(30, n_features)), np.arange(1, 31)
        with pytest.warns(UserWarning, match="half a cosine wave"):
            model = SFA(5).fit(noise)
        k = np.arange(1, 6)
        cosines = np.sqrt(2) * np.cos(np.pi * np.outer(t - 0.5, k) / 30)
        outputs_agree(model.transform(noise), cosines, atol=1e-8)
        wanted = 30 / 29 * 4 * np.sin(np.pi * k / 60) ** 2
        np.testing.assert_allclose(model.slowness_, wanted, rtol=1e-9)

    def test_no_output_is_slower_than_its_cosine(self):
        N, d = X.shape
        bound = N / (N - 1) * 4 * np.sin(np.pi * np.arange(1, d + 1) / (2 * N)) ** 2
        assert (SFA().fit(X).slowness_ > bound).all()

    @pytest.mark.parametrize("T", [500, 2000, 8000])
    def test_example_of_wiskott_and_sejnowski(self, T):
        """Their example (2002): the quadratic that undoes the mixture."""
        t = 2 * np.pi * np.arange(T) / T
        series = np.column_stack([np.sin(t) + np.cos(11 * t) ** 2, np.cos(11 * t)])
        expanded = QUADRATIC.fit_transform(series)
        model = SFA(1).fit(expanded)
        slowest = model.transform(expanded)[:, 0]
        assert abs(np.corrcoef(slowest, np.sin(t))[0, 1]) > 0.99999
        assert model.slowness_[0] == pytest.approx((2 * np.pi / T) ** 2, rel=0.01)
        assert SFA(1).fit(series).slowness_[0] > 90 * model.slowness_[0]


def dense(model, T):
    """Covariance of all factors of T steps, and of all data, stacked step by step."""
    lags = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    d, D = len(model.persistence_), len(model.W_)
    prior = np.zeros((T, d, T, d))
    for i, lam in enumerate(model.persistence_):
        prior[:, i, :, i] = lam**lags
    prior = prior.reshape(T * d, T * d)
    W = np.kron(np.eye(T), model.W_)
    noise = np.kron(np.eye(T), np.diag(np.zeros(D) + model.noise_variance_))
    return prior, W, W @ prior @ W.T + noise


class TestProbabilisticModel:
    """Kalman's recursions against Gaussians of all steps at once."""

    T = 12
    model = ProbabilisticSFA.from_parameters(
        RNG.normal(size=(3, 2)), [1.0, 2.0, 3.0], [0.5, 1.0, 2.0], persistence=[0.9, -0.4]
    )
    Y, H = model.sample(T, random_state=1)
    holed = np.where(RNG.random(Y.shape) < 0.3, np.nan, Y)
    holed[4] = np.nan

    @pytest.mark.parametrize("missing", [False, True])
    def test_likelihood_filter_and_smoother(self, missing):
        Y = self.holed if missing else self.Y
        prior, W, C = dense(self.model, self.T)
        z = (Y - self.model.b_).ravel()
        log_density = 0.0
        for t in range(1, self.T + 1):
            seen = ~np.isnan(z) & (np.arange(z.size) < 3 * t)
            gain = np.linalg.solve(C[np.ix_(seen, seen)], W[seen] @ prior).T
            mean = (gain @ z[seen]).reshape(self.T, 2)
            P = (prior - gain @ W[seen] @ prior).reshape(self.T, 2, self.T, 2)
            filtered, P_filtered = self.model.filter(Y)
            np.testing.assert_allclose(filtered[t - 1], mean[t - 1], atol=1e-11)
            np.testing.assert_allclose(P_filtered[t - 1], P[t - 1, :, t - 1], atol=1e-11)
            before, log_density = (
                log_density,
                stats.multivariate_normal(cov=C[np.ix_(seen, seen)]).logpdf(z[seen])
                if seen.any()
                else 0.0,
            )
            score = self.model.score_samples(Y)[t - 1]
            assert score == pytest.approx(log_density - before, abs=1e-10)
        smoothed, P_smoothed = self.model.posterior(Y)
        np.testing.assert_allclose(smoothed, mean, atol=1e-11)
        np.testing.assert_allclose(
            P_smoothed, np.einsum("tisj,ts->tij", P, np.eye(self.T)), atol=1e-11
        )
        np.testing.assert_array_equal(self.model.transform(Y), smoothed)

    def test_prior_and_joint(self):
        prior, _, _ = dense(self.model, self.T)
        wanted = stats.multivariate_normal(cov=prior).logpdf(self.H.ravel())
        assert self.model.log_prior(self.H).sum() == pytest.approx(wanted, rel=1e-12)
        noise = self.Y - self.H @ self.model.W_.T - self.model.b_
        wanted += stats.norm.logpdf(noise, scale=self.model.noise_variance_**0.5).sum()
        assert self.model.log_joint(self.Y, self.H).sum() == pytest.approx(wanted, rel=1e-12)
        with pytest.raises(ValueError, match="X and H must have one row per time step"):
            self.model.log_joint(self.Y, self.H[:1])

    def test_draws_are_stationary_and_persist(self):
        H = self.model.sample(100_000, random_state=0)[1]
        se = np.sqrt(
            2 / len(H) * (1 + self.model.persistence_**2) / (1 - self.model.persistence_**2)
        )
        assert (np.abs(H.var(axis=0) - 1) < 4 * se).all()
        lagged = (H[1:] * H[:-1]).mean(axis=0)
        assert (np.abs(lagged - self.model.persistence_) < 4 * se).all()

    def test_without_persistence_rows_are_independent(self):
        plain = LinearGaussianModel.from_parameters(self.model.W_, self.model.b_, [0.5, 1, 2])
        model = ProbabilisticSFA.from_parameters(
            self.model.W_, self.model.b_, [0.5, 1, 2], persistence=0
        )
        np.testing.assert_allclose(model.score_samples(self.Y), plain.score_samples(self.Y))
        np.testing.assert_allclose(model.transform(self.Y), plain.transform(self.Y))
        assert model.n_parameters_ == 3 + 6 + 3 + 2

    def test_smoother_tends_to_slow_features_as_the_noise_goes_to_zero(self):
        """The gap shrinks as the variance of the noise."""
        sfa = SFA().fit(X)
        gaps = []
        for noise in (1e-2, 1e-7, 1e-9):
            model = ProbabilisticSFA.from_parameters(
                sfa.W_, sfa.b_, noise, persistence=1 - sfa.slowness_ / 2
            )
            gaps.append(np.abs(model.transform(X[:300]) - sfa.transform(X[:300])).max() / noise)
        assert gaps[0] * 1e-2 > 0.1
        assert gaps[1] == pytest.approx(gaps[2], rel=0.01)

    @pytest.mark.parametrize("persistence", [1.0, -1.0, [0.5, 2.0]])
    def test_persistence_out_of_bounds_is_refused(self, persistence):
        with pytest.raises(ValueError, match="persistence must lie between -1 and 1"):
            ProbabilisticSFA.from_parameters(np.eye(2), persistence=persistence)


def test_maximum_likelihood_is_slow_feature_analysis_but_for_the_ends():
    """A general optimiser on the exact likelihood without noise, from a random start."""
    gaps = []
    for T in (500, 2000):
        Y = X[:T, :3] - X[:T, :3].mean(axis=0)

        def loss(theta, Y=Y):
            G, persistence = theta[:9].reshape(3, 3), np.tanh(theta[9:])
            prior = ProbabilisticSFA.from_parameters(np.eye(3), persistence=persistence)
            return -np.linalg.slogdet(G)[1] - prior.log_prior(Y @ G.T).mean()

        start = RNG.normal(size=12) * [*[0.5] * 9, *[0.3] * 3]
        best = optimize.minimize(loss, start, options={"gtol": 1e-7})
        G, persistence = best.x[:9].reshape(3, 3), np.tanh(best.x[9:])
        order = np.argsort(-persistence)
        sfa = SFA().fit(Y)
        rows = G[order] / np.linalg.norm(G[order], axis=1, keepdims=True)
        wanted = sfa.G_ / np.linalg.norm(sfa.G_, axis=1, keepdims=True)
        sine = np.sqrt(1 - np.minimum((rows * wanted).sum(axis=1) ** 2, 1))
        slow = np.abs(2 * (1 - persistence[order]) - sfa.slowness_)
        gaps.append(T * np.maximum(sine, slow))
        assert (sine < 20 / T).all() and (slow < 20 / T).all()
    assert max(map(np.max, gaps)) < 20
