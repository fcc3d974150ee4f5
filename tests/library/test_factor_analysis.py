"""Factor analysis against R, lavaan, scikit-learn and its own second way of fitting."""

import warnings
from copy import deepcopy

import numpy as np
import pytest
from peers import TABLES, moments, rows, same_up_to_sign_and_order, solutions
from scipy import linalg, optimize, stats
from sklearn.base import clone
from sklearn.decomposition import FactorAnalysis as SklearnFactorAnalysis
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import FactorAnalysis, Moments, data
from lvmnotes.factor_analysis import (
    em_step,
    fit_indices,
    parallel_analysis,
    profile_derivatives,
    profile_likelihood,
)
from lvmnotes.linear_factor import ObservedEntries, maximise_observed
from lvmnotes.linear_factor import em_step as em_step_of_rows


def quietly(model, m):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return model.fit_moments(m)


@parametrize_with_checks([FactorAnalysis(), FactorAnalysis(method="em")])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


R_FITS = [r for r in rows("factor_fits.csv") if r["peer"] == "factanal" and r["lower"] == "1e-07"]


@pytest.mark.parametrize("row", R_FITS, ids=lambda r: f"{r['table']}-{r['n_factors']}")
def test_likelihood_and_test_equal_those_of_r(row):
    model = quietly(FactorAnalysis(int(row["n_factors"])), moments(row["table"]))
    reached, peer = model.log_likelihood_trace_[-1], float(row["log_likelihood"])
    assert reached >= peer - 1e-8 * abs(peer)
    if not row["at_floor"]:
        assert reached == pytest.approx(peer, rel=1e-10)
        assert not model.heywood_.any()
        test = model.likelihood_ratio_test()
        assert test.statistic == pytest.approx(float(row["statistic"]), rel=1e-6)
        assert test.p_value == pytest.approx(float(row["p_value"]), rel=1e-5, abs=1e-300)
        assert test.degrees_of_freedom == int(row["dof"])
    else:
        assert model.heywood_.any()


@pytest.mark.parametrize(
    "row",
    [r for r in rows("factor_fits.csv") if r["peer"] == "lavaan"],
    ids=lambda r: r["n_factors"],
)
def test_likelihood_equals_that_of_lavaan(row):
    model = FactorAnalysis(int(row["n_factors"])).fit_moments(moments(row["table"]))
    peer = float(row["log_likelihood"])
    assert model.log_likelihood_trace_[-1] == pytest.approx(peer, rel=1e-10)


UNROTATED = solutions("none")
SMOOTH = [
    (row["table"], int(row["n_factors"]))
    for row in R_FITS
    if not row["at_floor"] and (row["table"], int(row["n_factors"])) in UNROTATED
]


@pytest.mark.parametrize("key", SMOOTH, ids=str)
@pytest.mark.parametrize("method", ["ml", "em"])
def test_solution_equals_that_of_r(key, method):
    uniquenesses, loadings = UNROTATED[key]
    model = FactorAnalysis(key[1], method=method).fit_moments(moments(key[0]))
    atol = {"ml": 1e-5, "em": 2e-4}[method]
    np.testing.assert_allclose(model.uniquenesses_, uniquenesses, atol=atol)
    np.testing.assert_allclose(model.communalities_, 1 - uniquenesses, atol=atol)
    assert same_up_to_sign_and_order(model.standardized_loadings_, loadings, 2 * atol)
    share = np.sort((loadings**2).mean(axis=0))[::-1]
    np.testing.assert_allclose(np.sort(model.explained_variance_ratio_)[::-1], share, atol=1e-4)


def test_scores_equal_those_of_r():
    X = data.holzinger_swineford().X
    X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    model = FactorAnalysis(3).fit(X)
    peer = np.array([[float(v) for v in row.values()][1:] for row in rows("factor_scores.csv")])
    # R scores data of unit variance by divisor n - 1 with the model of the correlations.
    unit = FactorAnalysis.from_parameters(model.standardized_loadings_, 0.0, model.uniquenesses_)
    assert same_up_to_sign_and_order(unit.transform(X)[:20], peer[:, :3], 1e-3)
    assert same_up_to_sign_and_order(unit.bartlett_scores(X)[:20], peer[:, 3:], 1e-3)


def test_both_methods_reach_the_same_likelihood_on_real_data():
    for table, d in SMOOTH:
        ml = FactorAnalysis(d).fit_moments(moments(table))
        em = FactorAnalysis(d, method="em").fit_moments(moments(table))
        reached = ml.log_likelihood_trace_[-1]
        assert em.log_likelihood_trace_[-1] == pytest.approx(reached, rel=1e-8), (table, d)
        assert (np.diff(em.log_likelihood_trace_) > -1e-13).all()
        assert (np.diff(ml.log_likelihood_trace_) > -1e-13).all()


def test_scikit_learn_reaches_no_higher_likelihood():
    X = data.digits().X
    X = X[:, X.std(axis=0) > 0]
    ours = FactorAnalysis(10).fit(X)
    peer = SklearnFactorAnalysis(10, tol=1e-8, max_iter=20_000, svd_method="lapack").fit(X)
    assert ours.score(X) >= peer.score(X) - 1e-8
    assert ours.score(X) == pytest.approx(ours.log_likelihood_trace_[-1], rel=1e-12)


def test_gradient_by_finite_differences():
    S = moments("holzinger_swineford").covariance
    log_psi = np.log(np.random.default_rng(0).uniform(0.2, 0.9, size=len(S)))
    gradient = profile_likelihood(log_psi, S, 3)[1]
    numeric = optimize.approx_fprime(log_psi, lambda t: profile_likelihood(t, S, 3)[0], 1e-6)
    np.testing.assert_allclose(gradient, numeric, atol=1e-5)


def test_profile_is_the_likelihood_at_its_best_loadings():
    """No other loadings do better at the same noise variances."""
    S = moments("holzinger_swineford").covariance
    psi = np.full(len(S), 0.5)
    value = profile_likelihood(np.log(psi), S, 2)[0]

    def log_likelihood(w):
        C = w.reshape(-1, 2) @ w.reshape(-1, 2).T + np.diag(psi)
        sign, log_determinant = np.linalg.slogdet(C)
        return -0.5 * (
            len(S) * np.log(2 * np.pi) + log_determinant + np.trace(np.linalg.solve(C, S))
        )

    rng = np.random.default_rng(0)
    best = max(
        -optimize.minimize(lambda w: -log_likelihood(w), rng.normal(size=2 * len(S))).fun
        for _ in range(3)
    )
    assert value == pytest.approx(best, rel=1e-9)


def test_em_step_equals_em_on_the_samples():
    """The E-step sample by sample, as a reader would first write it."""
    X = np.random.default_rng(0).normal(size=(40, 5)) @ np.random.default_rng(1).normal(size=(5, 5))
    X -= X.mean(axis=0)
    S = X.T @ X / 40
    W, psi = np.ones((5, 2)) * [[1, -1], [1, 0.5], [0, 1], [2, 0], [1, 1]], np.full(5, 0.7)
    log_likelihood, (W_new, psi_new) = em_step((W, psi), S)
    model = FactorAnalysis.from_parameters(W, 0.0, psi)
    H, V = model.posterior(X)
    second = 40 * V + H.T @ H
    expected = X.T @ H @ np.linalg.inv(second)
    np.testing.assert_allclose(W_new, expected, rtol=1e-10)
    np.testing.assert_allclose(psi_new, np.diag(S - expected @ H.T @ X / 40), rtol=1e-10)
    assert log_likelihood == pytest.approx(model.score(X), rel=1e-12)


@pytest.mark.parametrize(
    ("table", "d", "variable"), [("harman8", 3, "arm span"), ("harman24", 6, "paper form board")]
)
def test_heywood_cases_are_named_and_em_creeps(table, d, variable):
    index = TABLES[table]().feature_names.index(variable)
    with pytest.warns(UserWarning, match=rf"Heywood case: .* for variable {index};"):
        ml = FactorAnalysis(d).fit_moments(moments(table))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        em = FactorAnalysis(d, method="em", max_iter=1000).fit_moments(moments(table))
    assert em.log_likelihood_trace_[-1] < ml.log_likelihood_trace_[-1]
    assert (em.noise_variance_ > 0).all() and (ml.noise_variance_ > 0).all()


def test_from_data_from_moments_and_from_batches_agree():
    X = data.holzinger_swineford().X
    model = FactorAnalysis(3).fit(X)
    for m in (Moments.from_data(X), Moments.from_batches(np.array_split(X, 7))):
        again = clone(model).fit_moments(m)
        np.testing.assert_allclose(again.W_, model.W_, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(again.b_, model.b_, rtol=1e-12)


def test_rescaling_the_variables_rescales_the_fit():
    X = data.holzinger_swineford().X
    A = np.geomspace(1e-3, 1e3, X.shape[1])
    plain, scaled = FactorAnalysis(3).fit(X), FactorAnalysis(3).fit(X * A)
    np.testing.assert_allclose(scaled.W_, A[:, None] * plain.W_, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(scaled.noise_variance_, A**2 * plain.noise_variance_, rtol=1e-5)


def test_fewer_samples_than_variables_still_fit():
    X = FactorAnalysis.from_parameters(np.ones((20, 1)), 0.0, 0.5).sample(12, random_state=0)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model = FactorAnalysis(1).fit(X)
    assert np.isfinite(model.score(X))
    with pytest.raises(ValueError, match="more samples than variables"):
        model.likelihood_ratio_test()


class TestMissing:
    """NaN as missing at random."""

    @pytest.fixture
    def X(self):
        return data.holzinger_swineford().X.astype(float)

    def test_no_hole_and_one_hole_nearly_agree(self, X):
        """EM on observed entries, one entry short, lands next to the fit of all of them."""
        holed = X.copy()
        holed[0, 0] = np.nan
        full, missing = FactorAnalysis(3).fit(X), FactorAnalysis(3).fit(holed)
        np.testing.assert_allclose(missing.noise_variance_, full.noise_variance_, rtol=0.05)

    @pytest.mark.parametrize("method", ["ml", "em"])
    def test_likelihood_is_monotone_and_stationary(self, X, method):
        holed = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
        model = FactorAnalysis(2, method).fit(holed)
        assert (np.diff(model.log_likelihood_trace_) > -1e-12).all()
        assert model.score(holed) == pytest.approx(model.log_likelihood_trace_[-1], rel=1e-12)
        # No small change of the parameters does better.
        rng = np.random.default_rng(1)
        for size in (1e-3, 1e-2):
            for _ in range(20):
                other = FactorAnalysis.from_parameters(
                    model.W_ * (1 + size * rng.normal(size=model.W_.shape)),
                    model.b_ * (1 + size * rng.normal(size=model.b_.shape)),
                    model.noise_variance_ * np.exp(size * rng.normal(size=model.b_.shape)),
                )
                assert other.score(holed) < model.score(holed)

    def test_equals_direct_maximisation(self):
        """Against a general optimiser on the observed-data likelihood."""
        truth = FactorAnalysis.from_parameters([[1.0], [0.8], [-0.6], [0.5]], 1.0, 0.5)
        X = truth.sample(200, random_state=0)[0]
        X[np.random.default_rng(1).random(X.shape) < 0.25] = np.nan

        def loss(p):
            return -FactorAnalysis.from_parameters(p[:4, None], p[4:8], np.exp(p[8:])).score(X)

        best = optimize.minimize(loss, np.r_[np.ones(4), np.zeros(8)], options={"gtol": 1e-7})
        model = FactorAnalysis(1).fit(X)
        assert model.score(X) == pytest.approx(-best.fun, rel=1e-9)
        np.testing.assert_allclose(np.abs(model.W_[:, 0]), np.abs(best.x[:4]), atol=1e-4)
        np.testing.assert_allclose(model.b_, best.x[4:8], atol=1e-4)

    def test_an_unanswered_row_changes_nothing(self, X):
        X[3, 2] = np.nan
        more = np.vstack([X, np.full((1, 9), np.nan)])
        few, same = FactorAnalysis(1).fit(X), FactorAnalysis(1).fit(more)
        assert same.n_samples_ == 301
        np.testing.assert_allclose(same.W_, few.W_, rtol=1e-5)
        assert same.bic_ == pytest.approx(few.bic_, rel=1e-10)

    def test_a_column_nobody_answered_is_named(self, X):
        X[:, 4] = np.nan
        with pytest.raises(ValueError, match="without two different values: 4"):
            FactorAnalysis(1).fit(X)


def test_works_in_a_grid_search_for_the_number_of_factors():
    X = FactorAnalysis.from_parameters(
        linalg.block_diag(np.ones((4, 1)), np.ones((4, 1))), 0.0, 0.5
    ).sample(500, random_state=0)[0]
    search = GridSearchCV(FactorAnalysis(), {"n_components": [1, 2, 3]}).fit(X)
    assert search.best_params_ == {"n_components": 2}
    assert min((1, 2, 3), key=lambda d: FactorAnalysis(d).fit(X).bic_) == 2


def test_the_test_for_too_few_factors_has_its_level():
    """Under the truth, p-values are uniform."""
    truth = FactorAnalysis.from_parameters(np.linspace(0.5, 1.5, 6)[:, None], 0.0, 1.0)
    p = [
        FactorAnalysis(1).fit(truth.sample(300, random_state=i)[0]).likelihood_ratio_test().p_value
        for i in range(200)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_max_iter_warns():
    m = moments("holzinger_swineford")
    with pytest.warns(ConvergenceWarning, match="EM stopped at max_iter=3"):
        FactorAnalysis(3, method="em", max_iter=3).fit_moments(m)
    with pytest.warns(ConvergenceWarning, match="Newton's method stopped at max_iter=2"):
        FactorAnalysis(3, max_iter=2).fit_moments(m)


X = np.random.default_rng(0).normal(size=(30, 4))
HOLED = np.where(np.arange(120).reshape(30, 4) % 7 == 0, np.nan, X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FactorAnalysis(0).fit(X), "n_components must be between 1 and .*got 0"),
        (lambda: FactorAnalysis(5).fit(X), r"n_features=4\), got 5"),
        (lambda: FactorAnalysis(1, tol=-1).fit(X), "tol must be at least 0, got -1"),
        (lambda: FactorAnalysis(1, tol=np.nan).fit(X), "tol must be finite, got nan"),
        (lambda: FactorAnalysis(1, tol=np.inf).fit(X), "tol must be finite, got inf"),
        (lambda: FactorAnalysis(1, n_init=0).fit(X), "n_init must be at least 1, got 0"),
        (lambda: FactorAnalysis(1).fit(X, sample_weight=[1, 2]), r"sample_weight must have shape"),
        (lambda: FactorAnalysis(1).fit(X, sample_weight=-np.ones(30)), "weights >= 0"),
        (lambda: parallel_analysis(X * [1, 1, 0, 1]), "no constant column"),
        (lambda: parallel_analysis(X, percentile=101), "percentile must be between 0 and 100"),
        (lambda: parallel_analysis(X, n_sets=0), "n_sets must be at least 1"),
        (lambda: FactorAnalysis(1).fit(HOLED[:, :1] * 0), "without two different values: 0"),
        (lambda: FactorAnalysis(1).fit(HOLED).fit_indices(), "complete data"),
        (lambda: FactorAnalysis(1, max_iter=0).fit(X), "max_iter must be at least 1, got 0"),
        (lambda: FactorAnalysis(1).fit_moments(Moments(9, [0, 0], [[1, 2], [2, 1]])), "semidef"),
        (lambda: FactorAnalysis(1, method="svd").fit(X), "method must be one of 'ml', 'em'; got"),
        (lambda: FactorAnalysis(1).fit(X * [1, 1, 0, 1]), "without two different values: 2"),
        (lambda: FactorAnalysis(1).fit(X * [1, 1, 0, 1] + 0.1), "different values: 2"),
        (lambda: FactorAnalysis(1).fit(X[:1]), "minimum of 2 is required"),
        (lambda: FactorAnalysis(1).fit(X[0]), "Expected 2D array"),
        (lambda: FactorAnalysis(1).fit(X + np.inf), "infinity"),
        (
            lambda: FactorAnalysis(1).fit_moments(Moments(1, [0.0], [[1.0]])),
            "moments.n must be at least 2",
        ),
        (lambda: FactorAnalysis(1).fit(X).transform(X[:, :2]), "expecting 4 features"),
        (lambda: FactorAnalysis(1).transform(X), "no parameters yet"),
        (lambda: FactorAnalysis(2).fit(X).likelihood_ratio_test(), "leaves nothing to test"),
    ],
)
@pytest.mark.filterwarnings("ignore:Heywood", "ignore:n_components=2 factors")
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FactorAnalysis(1).fit([["a", "b"], ["c", "d"]]), "X must hold numbers"),
        (lambda: FactorAnalysis(1.5).fit(X), "n_components must be an integer, got"),
        (lambda: FactorAnalysis(n_init="many").fit(X), "n_init must be an integer, got 'many'"),
        (lambda: FactorAnalysis(random_state="seed").fit(X), "random_state must be None, an int"),
        (lambda: FactorAnalysis().fit(np.ma.masked_less(X, 0)), r"X.filled\(np.nan\)"),
        (lambda: parallel_analysis(np.ma.masked_less(X, 0)), "X is a masked array"),
    ],
)
def test_the_wrong_type_says_what_was_expected(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.likelihood_ratio_test(),
        lambda m: m.fit_indices(),
        lambda m: m.bartlett_scores(X),
        lambda m: m.standardized_loadings_,
        lambda m: m.communalities_,
        lambda m: m.uniquenesses_,
        lambda m: m.explained_variance_ratio_,
    ],
)
def test_an_unfitted_model_says_so(use):
    with pytest.raises(NotFittedError, match="call fit or from_parameters"):
        use(FactorAnalysis())


def test_columns_far_from_zero_are_not_constant():
    shifted = FactorAnalysis(1).fit(1.7e9 + 1e-3 * X)
    # The shifted numbers are spaced by 2.4e-7: their correlations are good to three digits.
    plain = FactorAnalysis(1).fit(X)
    np.testing.assert_allclose(shifted.uniquenesses_, plain.uniquenesses_, atol=5e-3)


@pytest.mark.filterwarnings("ignore:n_components=1 factors", "ignore:Heywood")
def test_a_single_column_with_a_hole_fits_the_normal_distribution():
    x = HOLED[:, :1]
    model = FactorAnalysis(1).fit(x)
    assert model.get_covariance()[0, 0] == pytest.approx(np.nanvar(x), rel=1e-4)
    assert model.b_[0] == pytest.approx(np.nanmean(x), abs=1e-4)


def test_moments_forget_the_names_of_a_data_frame():
    model = FactorAnalysis(1).fit(X)
    model.feature_names_in_ = np.array(list("abcd"), dtype=object)  # as from a data frame
    model.fit_moments(Moments.from_covariance(np.eye(6) * 0.5 + 0.5, 100))
    assert model.n_features_in_ == 6 and not hasattr(model, "feature_names_in_")


@pytest.mark.parametrize(("D", "d", "bound"), [(5, 5, 2), (5, 3, 2), (4, 2, 1), (6, 4, 3)])
def test_too_many_factors_warn_with_the_bound(D, d, bound):
    x = np.random.default_rng(1).normal(size=(50, D))
    with pytest.warns(
        UserWarning, match=rf"n_components={d} factors .* Ledermann's bound is {bound}"
    ):
        FactorAnalysis(d).fit(x)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*Ledermann")
        warnings.filterwarnings("ignore", message="Heywood")
        FactorAnalysis(bound).fit(x)


class TestSampleWeight:
    """A weight of two is a sample twice."""

    @pytest.mark.parametrize("holed", [False, True])
    def test_equals_repeated_rows(self, holed):
        x = data.holzinger_swineford().X[:100].astype(float)
        if holed:
            x[np.random.default_rng(2).random(x.shape) < 0.1] = np.nan
        weight = np.random.default_rng(3).integers(0, 4, size=len(x))
        weighted = FactorAnalysis(2).fit(x, sample_weight=weight)
        repeated = FactorAnalysis(2).fit(np.repeat(x, weight, axis=0))
        np.testing.assert_allclose(
            weighted.get_covariance(), repeated.get_covariance(), rtol=1e-4, atol=1e-4
        )
        np.testing.assert_allclose(
            weighted.log_likelihood_trace_[-1], repeated.log_likelihood_trace_[-1], rtol=1e-9
        )
        assert weighted.bic_ == pytest.approx(repeated.bic_, rel=1e-9)


def test_second_derivatives_by_finite_differences():
    """At several points at once, some with fewer factors than asked for."""
    S = moments("holzinger_swineford").covariance
    log_psi = np.log(np.random.default_rng(0).uniform([[0.2], [1.2]], [[0.9], [3]], size=(2, 9)))
    step = 1e-5 * np.eye(9)
    for point, hessian in zip(log_psi, profile_derivatives(log_psi, S, 3)[2], strict=True):
        up, down = (profile_derivatives(point + s * step, S, 3)[1] for s in (1, -1))
        np.testing.assert_allclose(hessian, (up - down) / 2e-5, atol=1e-8)


SIGNS = np.array([[1, 0.3, 0.3], [0.3, 1, -0.3], [0.3, -0.3, 1]])


def minus_twice(model):
    """-2 l less constants, of the last value of the trace."""
    return -2 * model.log_likelihood_trace_[-1] - len(model.W_) * np.log(2 * np.pi)


class TestBestEnd:
    """Saddles and lesser maxima."""

    @pytest.mark.filterwarnings("ignore:Heywood", "ignore:EM stopped")
    @pytest.mark.parametrize("n_init", ["auto", 1, 5])
    @pytest.mark.parametrize(("method", "atol"), [("ml", 1e-6), ("em", 1e-3)])
    def test_no_end_at_the_saddle(self, method, atol, n_init):
        """Correlations whose product is negative: a symmetric start stays symmetric."""
        model = FactorAnalysis(1, method, n_init=n_init)
        model.fit_moments(Moments.from_covariance(SIGNS, 100))
        best = min(
            optimize.minimize(
                lambda p: minus_twice_at(p, SIGNS, 1),
                start,
                method="Nelder-Mead",
                options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 10_000, "maxfev": 10_000},
            ).fun
            for start in np.random.default_rng(0).normal(size=(5, 6))
        )
        assert minus_twice(model) == pytest.approx(best, abs=atol)
        assert (np.diff(model.log_likelihood_trace_) > -1e-13).all()

    @pytest.mark.filterwarnings("ignore:Heywood")
    def test_no_end_at_the_saddle_with_missing_entries(self):
        """Normal data with exactly these correlations, and one more row with a hole."""
        Z = np.random.default_rng(0).normal(size=(100, 3))
        Z -= Z.mean(axis=0)
        Z = Z @ np.linalg.inv(np.linalg.cholesky(Z.T @ Z / 100)).T @ np.linalg.cholesky(SIGNS).T
        model = FactorAnalysis(1).fit(np.vstack([Z, [0, 0, np.nan]]))
        complete = FactorAnalysis(1).fit(Z)
        assert model.score(Z) == pytest.approx(complete.score(Z), abs=1e-3)

    @pytest.mark.filterwarnings("ignore:Heywood")
    def test_small_data_sets_end_at_the_best_of_many_starts(self):
        """200 data sets against 12 starts each of scipy's quasi-Newton method."""
        lower = []
        for x, d in small_data_sets(200):
            model = FactorAnalysis(d).fit(x)
            lower.append(
                best_of_twelve(np.corrcoef(x.T), d)
                < minus_twice(model) - 2 * np.log(x.std(axis=0)).sum() - 1e-6
            )
        assert np.mean(lower) <= 0.01

    @pytest.mark.filterwarnings("ignore:Heywood", "ignore:EM stopped")
    def test_em_ends_there_too(self):
        """Up to the crawl of EM towards a Heywood case."""
        for x, d in small_data_sets(5):
            ml, em = (FactorAnalysis(d, method).fit(x) for method in ("ml", "em"))
            assert em.score(x) > ml.score(x) - 5e-4

    @pytest.mark.filterwarnings("ignore:Heywood")
    def test_missing_entries_end_at_the_best_of_many_starts(self):
        rng = np.random.default_rng(5)
        lower = []
        for x, d in small_data_sets(10):
            x[rng.random(x.shape) < 0.1] = np.nan
            model = FactorAnalysis(d).fit(x)
            Z = (x - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0)
            entries = ObservedEntries(Z)
            peers = []
            for _ in range(12):
                W, psi = rng.normal(size=(x.shape[1], d)) / 2, rng.uniform(0.1, 1, x.shape[1])
                start = W, np.zeros(len(W)), psi
                peers.append(
                    maximise_observed(start, entries, 1e-7, tol=1e-10, max_iter=10_000)[1][-1]
                )
            scaled = FactorAnalysis.from_parameters(
                model.W_ / np.nanstd(x, axis=0)[:, None],
                (model.b_ - np.nanmean(x, axis=0)) / np.nanstd(x, axis=0),
                model.noise_variance_ / np.nanvar(x, axis=0),
            )
            lower.append(scaled.score(Z) < max(peers) - 1e-5)
        assert not any(lower)

    def test_a_seed_gives_the_same_fit(self):
        x, d = next(small_data_sets(1))
        for seed in (0, np.random.default_rng(3)):
            a, b = (
                FactorAnalysis(d, n_init=20, random_state=deepcopy(seed)).fit(x) for _ in range(2)
            )
            np.testing.assert_array_equal(a.W_, b.W_)


def minus_twice_at(p, S, d):
    """-2 l less constants, of loadings and logarithms of noise variances."""
    W = p[: len(S) * d].reshape(-1, d)
    C = W @ W.T + np.diag(np.exp(p[len(S) * d :]))
    return np.linalg.slogdet(C)[1] + np.trace(np.linalg.solve(C, S))


def small_data_sets(count):
    """Noise and factors by turns: 15 to 60 samples of 4 to 7 variables, not too many factors."""
    rng = np.random.default_rng(0)
    for i in range(count):
        D, N = rng.integers(4, 8), rng.integers(15, 61)
        d = int(rng.integers(1, {4: 1, 5: 2, 6: 3, 7: 3}[D] + 1))
        noise = rng.normal(size=(N, D))
        yield noise + (i % 2) * rng.normal(size=(N, d)) @ rng.normal(size=(d, D)), d


def best_of_twelve(S, d):
    """Lowest -2 l less constants from twelve random starts, by L-BFGS-B on the profile."""
    rng = np.random.default_rng(1)

    def loss(log_psi):
        value, gradient = profile_likelihood(log_psi, S, d)
        return -2 * value - len(S) * np.log(2 * np.pi), -2 * gradient

    return min(
        optimize.minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(np.log(1e-7), 0)] * len(S),
            options={"ftol": 1e-11, "gtol": 1e-6},
        ).fun
        for start in np.log(rng.uniform(0.02, 0.98, size=(12, len(S))))
    )


def test_missing_data_of_noise_is_fitted_in_a_few_hundred_steps():
    """The case that took EM 10,000 steps: four factors of noise, 30 % missing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 10))
    x[rng.random(x.shape) < 0.3] = np.nan
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=ConvergenceWarning)
        warnings.filterwarnings("ignore", message="Heywood")
        model = FactorAnalysis(4).fit(x)
    assert model.n_iter_ < 1000
    assert (np.diff(model.log_likelihood_trace_) > -1e-12).all()
    assert model.score(x) == pytest.approx(model.log_likelihood_trace_[-1], rel=1e-11)
    # Two hundred further steps of EM gain nothing.
    scale = np.nanstd(x, axis=0)
    entries = ObservedEntries((x - model.b_) / scale)
    parameters = model.W_ / scale[:, None], np.zeros(10), model.noise_variance_ / scale**2
    first = em_step_of_rows(parameters, entries, 1e-7)[0]
    for _ in range(200):
        last, parameters = em_step_of_rows(parameters, entries, 1e-7)
    assert last - first < 1e-8


class TestFitIndices:
    """RMSEA and TLI."""

    def test_null_model_is_that_of_lavaan(self):
        """Printed by lavaan for the Holzinger-Swineford scores: 918.852 with 36 degrees."""
        model = FactorAnalysis(3).fit(data.holzinger_swineford().X)
        null = 2 * 301 * (model._saturated - model._independent)
        assert null == pytest.approx(918.852, abs=5e-4)

    def test_equal_those_lavaan_prints(self):
        """For its three-factor confirmatory model of the same scores."""
        rmsea, (low, high), tli = fit_indices(85.306, 24, 918.852, 36, 301)
        assert np.round([rmsea, low, high, tli], 3).tolist() == [0.092, 0.071, 0.114, 0.896]

    def test_interval_has_its_coverage(self):
        """The statistic is a 5 % or 95 % point under its ends."""
        rmsea, (low, high), _ = fit_indices(85.306, 24, 918.852, 36, 301)
        for end, p in ((low, 0.95), (high, 0.05)):
            assert stats.ncx2.cdf(85.306, 24, end**2 * 24 * 301) == pytest.approx(p, abs=1e-6)
        rmsea, (low, high), _ = fit_indices(20, 24, 918.852, 36, 301)
        assert rmsea == low == 0
        assert stats.ncx2.cdf(20, 24, high**2 * 24 * 301) == pytest.approx(0.05, abs=1e-6)

    def test_grow_as_factors_are_left_out(self):
        X = data.holzinger_swineford().X
        one, three = (FactorAnalysis(d).fit(X).fit_indices() for d in (1, 3))
        assert one.rmsea_interval[0] > three.rmsea_interval[1] and one.tli < three.tli


def test_parallel_analysis_finds_the_factors():
    truth = FactorAnalysis.from_parameters(np.kron(np.eye(3), np.ones((4, 1))), 0.0, 1.0)
    found = [parallel_analysis(truth.sample(300, random_state=i)[0]) for i in range(10)]
    assert [result.n_components for result in found] == [3] * 10
    noise = [np.random.default_rng(i).normal(size=(100, 8)) for i in range(100)]
    # By the 95 % point of the largest eigenvalue, noise has a factor in 5 % of data sets.
    chosen = [parallel_analysis(x, random_state=i).n_components > 0 for i, x in enumerate(noise)]
    assert 0 < np.sum(chosen) <= 12
    assert (np.diff(found[0].eigenvalues) <= 0).all() and (np.diff(found[0].thresholds) < 0).all()
