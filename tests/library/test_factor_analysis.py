"""Factor analysis against R, lavaan, scikit-learn and its own second way of fitting."""

import warnings

import numpy as np
import pytest
from peers import TABLES, moments, rows, same_up_to_sign_and_order, solutions
from scipy import linalg, optimize, stats
from sklearn.base import clone
from sklearn.decomposition import FactorAnalysis as SklearnFactorAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import FactorAnalysis, Moments, data
from lvmnotes.factor_analysis import em_step, profile_likelihood


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

    def test_likelihood_is_monotone_and_stationary(self, X):
        holed = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
        model = FactorAnalysis(2).fit(holed)
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
    with pytest.warns(ConvergenceWarning, match="quasi-Newton search stopped at max_iter=2"):
        FactorAnalysis(3, max_iter=2).fit_moments(m)


X = np.random.default_rng(0).normal(size=(30, 4))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FactorAnalysis(0).fit(X), "n_components must be between 1 and .*got 0"),
        (lambda: FactorAnalysis(5).fit(X), r"n_features=4\), got 5"),
        (lambda: FactorAnalysis(1, tol=-1).fit(X), "tol must be at least 0, got -1"),
        (lambda: FactorAnalysis(1, max_iter=0).fit(X), "max_iter must be at least 1, got 0"),
        (lambda: FactorAnalysis(1).fit_moments(Moments(9, [0, 0], [[1, 2], [2, 1]])), "semidef"),
        (lambda: FactorAnalysis(1, method="svd").fit(X), "method must be 'ml' or 'em', got 'svd'"),
        (lambda: FactorAnalysis(1).fit(X * [1, 1, 0, 1]), "without two different values: 2"),
        (lambda: FactorAnalysis(1).fit(X * [1, 1, 0, 1] + 0.1), "different values: 2"),
        (lambda: FactorAnalysis(1).fit(X[:1]), "minimum of 2 is required"),
        (lambda: FactorAnalysis(1).fit(X[0]), "Expected 2D array"),
        (lambda: FactorAnalysis(1).fit(X + np.inf), "infinity"),
        (lambda: FactorAnalysis(1).fit([["a", "b"], ["c", "d"]]), "could not convert string"),
        (lambda: FactorAnalysis(1).fit_moments(Moments(1, [0.0], [[1.0]])), "n >= 2"),
        (lambda: FactorAnalysis(1).fit(X).transform(X[:, :2]), "expecting 4 features"),
        (lambda: FactorAnalysis(1).transform(X), "no parameters yet"),
        (lambda: FactorAnalysis(2).fit(X).likelihood_ratio_test(), "leaves nothing to test"),
    ],
)
@pytest.mark.filterwarnings("ignore:Heywood")
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_wrong_type_says_what_was_expected():
    with pytest.raises(TypeError, match="n_components must be an integer, got"):
        FactorAnalysis(1.5).fit(X)
