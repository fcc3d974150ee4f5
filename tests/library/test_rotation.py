"""Rotations against R, statsmodels, factor_analyzer, exhaustive searches and generic optimisers."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from peers import moments, same_up_to_sign_and_order, solutions
from scipy import linalg, optimize
from scipy.spatial.transform import Rotation
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import FactorAnalysis, data, oblimin, promax, rotation, varimax

GROUPS = np.array([[0.6, 0.4]] * 3 + [[0.6, -0.4]] * 3)
#: Harman's eight physical variables, before rotation: Harman8 of R's package GPArotation.
HARMAN8 = np.array(
    [
        [0.830, -0.396],
        [0.818, -0.469],
        [0.777, -0.470],
        [0.798, -0.401],
        [0.786, 0.500],
        [0.672, 0.458],
        [0.594, 0.444],
        [0.647, 0.333],
    ]
)
DEGENERATE = {
    "a zero row": np.vstack([np.random.default_rng(0).normal(size=(5, 3)), np.zeros(3)]),
    "a zero column": np.column_stack([np.random.default_rng(1).normal(size=(6, 2)), np.zeros(6)]),
    "zeros": np.zeros((4, 2)),
    "one factor": np.random.default_rng(2).normal(size=(5, 1)),
    "rank one": np.outer([1.0, -2.0, 0.5, 3.0], [1.0, 2.0, 3.0]),
    "equal columns": np.ones((4, 2)),
    "one variable": np.ones((1, 3)),
    "fewer variables than factors": np.random.default_rng(3).normal(size=(2, 4)),
    "perfect structure": np.eye(4),
    "round-off for a row": np.vstack([HARMAN8, [1e-17, -1e-17]]),
    "round-off for a column": np.column_stack([HARMAN8, 1e-17 * HARMAN8[:, 0] ** 2]),
    "small numbers": 1e-200 * HARMAN8,
    "large numbers": 1e200 * HARMAN8,
}

small_loadings = st.tuples(st.integers(2, 8), st.integers(2, 4)).flatmap(
    lambda shape: arrays(float, shape, elements=st.integers(-2, 2).map(lambda i: i / 2))
)


def random_loadings(seed, D, d):
    return np.random.default_rng(seed).normal(size=(D, d))


def unit_rows(W):
    length = np.linalg.norm(W, axis=1, keepdims=True)
    return np.divide(W, length, where=length > 0, out=np.zeros_like(W))


def spread(L):
    """Return the varimax criterion."""
    return (L**2).var(axis=0).sum()


def overlap(L, gamma=0.0):
    """Return the oblimin criterion."""
    squares = L**2
    pairs = combinations(range(L.shape[1]), 2)
    return sum(
        (squares[:, j] @ squares[:, k] - gamma / len(L) * squares[:, j].sum() * squares[:, k].sum())
        / 2
        for j, k in pairs
    )


def turned(L, turns):
    """Turn loadings by the exponential of a skew matrix, given above its diagonal."""
    d = L.shape[1]
    S = np.zeros((d, d))
    S[np.triu_indices(d, 1)] = turns
    return L @ linalg.expm(S - S.T)


def curvature(L, step=1e-3):
    """Gradient and Hessian of the varimax criterion over rotations, by differences."""
    n = L.shape[1] * (L.shape[1] - 1) // 2
    axes = step * np.eye(n)
    gradient = [(spread(turned(L, a)) - spread(turned(L, -a))) / (2 * step) for a in axes]
    hessian = [
        [
            sum(s * t * spread(turned(L, s * a + t * b)) for s, t in product((1, -1), repeat=2))
            / (4 * step**2)
            for b in axes
        ]
        for a in axes
    ]
    return np.array(gradient), np.array(hessian)


def svd_iteration(A):
    """Kaiser's criterion where the usual iteration, as in R, ends when started at the identity."""
    Q, best = np.eye(A.shape[1]), -1.0
    for _ in range(1000):
        L = A @ Q
        U, s, Vt = np.linalg.svd(A.T @ (L**3 - L * (L**2).mean(axis=0)))
        Q = U @ Vt
        if s.sum() <= best * (1 + 1e-12):
            break
        best = s.sum()
    return spread(A @ Q)


# Varimax


def test_two_correlated_groups_reach_the_best_angle():
    rng = np.random.default_rng(0)
    H = rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], size=10_000)
    X = 0.75 * H.repeat(3, axis=1) + np.sqrt(1 - 0.75**2) * rng.normal(size=(10_000, 6))
    L = FactorAnalysis(2).fit(X).standardized_loadings_
    A = unit_rows(L)
    angles = np.linspace(0, np.pi / 2, 10_001)
    exhaustive = max(spread(turned(A, [a])) for a in angles)
    reached = spread(unit_rows(varimax(L)[0]))
    assert svd_iteration(A) < 0.9 * exhaustive
    assert exhaustive - 1e-12 <= reached <= exhaustive + 1e-6


def test_a_minimum_is_not_returned():
    for normalize in (True, False):
        L, Q = varimax(GROUPS, normalize=normalize)
        assert spread(GROUPS) < 1e-30
        assert spread(L) == pytest.approx(2 * ((0.5 - 0.02) / 2) ** 2, rel=1e-12)
        np.testing.assert_allclose(GROUPS @ Q, L, atol=1e-15)


@given(st.integers(0, 10**6), st.integers(2, 12), st.booleans())
@settings(max_examples=50)
def test_two_factors_reach_the_maximum_over_all_angles(seed, D, normalize):
    W = random_loadings(seed, D, 2)
    A = unit_rows(W) if normalize else W
    angles = np.linspace(0, np.pi / 2, 181)
    at = [spread(turned(A, [a])) for a in angles]
    best = angles[np.argmax(at)]
    exhaustive = optimize.minimize_scalar(
        lambda a: -spread(turned(A, [a])),
        bounds=(best - 0.01, best + 0.01),
        method="bounded",
        options={"xatol": 1e-10},
    )
    L = varimax(W, normalize=normalize)[0]
    assert spread(unit_rows(L) if normalize else L) == pytest.approx(-exhaustive.fun, rel=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_three_factors_reach_the_maximum_of_a_fine_search(seed):
    rng = np.random.default_rng(seed)
    W = rng.integers(-2, 3, size=(7, 3)) + 0.1 * rng.normal(size=(7, 3))
    Q = Rotation.random(20_000, rng).as_matrix()
    squares = (W @ Q) ** 2
    found = squares.var(axis=1).sum(axis=1)
    ends = [
        optimize.minimize(lambda t, L=W @ Q[i]: -spread(turned(L, t)), np.zeros(3), tol=1e-10)
        for i in np.argsort(found)[-10:]
    ]
    reached = spread(varimax(W, normalize=False)[0])
    assert reached >= found.max()
    assert reached == pytest.approx(max(-end.fun for end in ends), rel=1e-8)


@given(small_loadings)
@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
def test_the_end_is_a_maximum_in_every_direction(W):
    L, Q = varimax(W, normalize=False)
    np.testing.assert_allclose(Q.T @ Q, np.eye(len(Q)), atol=1e-13)
    gradient, hessian = curvature(L)
    size = (W**2).sum(axis=1).max() ** 2
    assert np.abs(gradient).max() <= 1e-5 * size
    assert np.linalg.eigvalsh(hessian).max() <= 1e-5 * size


@given(small_loadings)
@settings(max_examples=100)
def test_never_lower_than_the_usual_iteration(W):
    assert spread(unit_rows(varimax(W)[0])) >= svd_iteration(unit_rows(W)) - 1e-12


@given(st.integers(0, 10**6), st.integers(2, 5))
@settings(max_examples=30)
def test_the_maximum_does_not_depend_on_the_axes_at_the_start(seed, d):
    W = random_loadings(seed, 3 * d, d)
    Q = np.linalg.qr(random_loadings(seed + 1, d, d))[0]
    one, other = (varimax(A)[0] for A in (W, W @ Q))
    assert spread(unit_rows(one)) == pytest.approx(spread(unit_rows(other)), rel=1e-9)
    one, other = (varimax(A, normalize=False)[0] for A in (W, W @ Q))
    assert spread(one) == pytest.approx(spread(other), rel=1e-9)


@pytest.mark.parametrize("seed", [8, 90])
def test_random_starts_leave_a_local_maximum(seed):
    W = random_loadings(seed, 20, 6)
    single, several, many = (spread(unit_rows(varimax(W, n_init=n)[0])) for n in (1, 10, 100))
    assert several > single + 1e-4
    assert several == pytest.approx(many, rel=1e-12)


def test_a_minimum_of_every_plane_is_left():
    L = linalg.hadamard(4).astype(float)
    assert spread(L) == 0
    assert spread(varimax(L)[0]) == pytest.approx(spread(2 * np.eye(4)), rel=1e-12)


@pytest.mark.parametrize("key", solutions("varimax"), ids=str)
def test_varimax_equals_that_of_r(key):
    W = solutions("none")[key][1]
    L, Q = varimax(W)
    assert same_up_to_sign_and_order(L, solutions("varimax")[key][1], 1e-6)
    np.testing.assert_allclose(L, W @ Q, atol=1e-15)


#: Varimax criterion without and with Kaiser's normalisation, and quartimin criterion, that
#: factor_analyzer 0.5.1 reaches (`Rotator`, tol=1e-12, for oblimin 1e-9) from R's unrotated
#: loadings; statsmodels 0.15.0 (`rotate_factors`) agrees where it offers the rotation.
REACHED = {
    ("ability", 2): (0.174572428941, 0.317562524351, 0.018685589512),
    ("harman24", 4): (0.104734625026, 0.340960157742, 0.195725697377),
    ("harman8", 2): (0.228463133555, 0.371171466912, 0.009815478328),
    ("school_subjects", 2): (0.080100605154, 0.320916398838, 0.008209201205),
    ("holzinger_swineford", 3): (0.168908108763, 0.503069324605, 0.038118882391),
}


@pytest.mark.parametrize("key", REACHED, ids=str)
def test_criteria_equal_those_of_factor_analyzer(key):
    W = solutions("none")[key][1]
    raw, normalised, oblique = REACHED[key]
    assert spread(varimax(W, normalize=False)[0]) == pytest.approx(raw, abs=2e-12)
    assert spread(unit_rows(varimax(W)[0])) == pytest.approx(normalised, abs=1e-11)
    assert overlap(oblimin(W).loadings) == pytest.approx(oblique, abs=2e-12)


@pytest.mark.parametrize("rotate", [varimax, promax, oblimin])
def test_same_answer_for_a_seed(rotate):
    W = random_loadings(5, 20, 4)
    default, again = rotate(W), rotate(W)
    seeded, other = rotate(W, random_state=3), rotate(W, random_state=np.random.default_rng(3))
    for left, right in [*zip(default, again, strict=True), *zip(seeded, other, strict=True)]:
        np.testing.assert_array_equal(left, right)
    rng = np.random.default_rng(3)
    rotate(W, random_state=rng)
    assert rng.bit_generator.state != np.random.default_rng(3).bit_generator.state
    rotate(W, random_state=None)


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("normalize", [True, False])
def test_varimax_of_degenerate_loadings(name, normalize):
    W = DEGENERATE[name]
    L, Q = varimax(W, normalize=normalize)
    np.testing.assert_allclose(Q.T @ Q, np.eye(W.shape[1]), atol=1e-13)
    np.testing.assert_allclose(L, W @ Q, atol=1e-15 * np.abs(W).max())
    A, B = (M / (np.abs(W).max() or 1) for M in (W, L))
    A, B = (unit_rows(M) if normalize else M for M in (A, B))
    assert spread(B) >= spread(A) - 1e-14


def test_a_row_of_round_off_counts_as_zero():
    noisy, exact = (np.vstack([HARMAN8, row]) for row in ([1e-17, -2e-17], [0, 0]))
    np.testing.assert_allclose(varimax(noisy)[1], varimax(exact)[1], atol=1e-8)


def test_what_no_rotation_improves_stays():
    for W in (np.zeros((4, 3)), np.ones((4, 1)), np.eye(3), np.outer([1.0, 2, 3], [1, 1])):
        np.testing.assert_array_equal(varimax(W)[1], np.eye(W.shape[1]))


# Promax and oblimin


def check_oblique(W, rotated):
    """Raise unless the result is finite, and the same model as before the rotation."""
    L, T, Phi = rotated
    size = np.abs(W).max() or 1.0
    assert all(np.isfinite(part).all() for part in rotated)
    np.testing.assert_allclose(np.diag(Phi), 1, rtol=1e-14)
    np.testing.assert_allclose(Phi @ T.T @ T, np.eye(len(Phi)), atol=1e-9)
    np.testing.assert_allclose(L / size, W @ T / size, atol=1e-14)
    rebuilt = L / size @ Phi @ (L / size).T
    np.testing.assert_allclose(rebuilt, W / size @ (W / size).T, atol=1e-12)


@pytest.mark.parametrize("key", solutions("promax"), ids=str)
def test_promax_equals_that_of_r(key):
    W = solutions("none")[key][1]
    rotated = promax(W)
    # R stops varimax early; its promax inherits the difference.
    assert same_up_to_sign_and_order(rotated.loadings, solutions("promax")[key][1], 1e-6)
    check_oblique(W, rotated)


@pytest.mark.parametrize("key", solutions("oblimin"), ids=str)
def test_oblimin_equals_that_of_gparotation(key):
    W, peer = solutions("none")[key][1], solutions("oblimin")[key][1]
    rotated = oblimin(W)
    assert overlap(rotated.loadings) <= overlap(peer) * (1 + 1e-12)
    assert same_up_to_sign_and_order(rotated.loadings, peer, 1e-5)
    check_oblique(W, rotated)


def test_oblimin_of_harmans_physical_variables():
    # oblimin(Harman8) of R's GPArotation 2022.10-2.
    want = [
        [0.89182177, 0.05601465],
        [0.95368000, -0.02324600],
        [0.92914986, -0.04650274],
        [0.87668285, 0.03365825],
        [0.01369883, 0.92500138],
        [-0.01726681, 0.82125355],
        [-0.05244690, 0.76495364],
        [0.08588806, 0.68311610],
    ]
    rotated = oblimin(HARMAN8)
    assert same_up_to_sign_and_order(rotated.loadings, np.array(want), 1e-6)
    assert abs(rotated.factor_correlation[0, 1]) == pytest.approx(0.4727476, abs=1e-6)
    assert overlap(rotated.loadings) == pytest.approx(0.00556909188805516, rel=1e-10)


@pytest.mark.parametrize("gamma", [-10.0, -1.0, 0.0, 0.3])
@pytest.mark.parametrize("seed", range(4))
def test_oblimin_reaches_the_minimum_of_a_generic_optimiser(seed, gamma):
    rng = np.random.default_rng(seed)
    d = 2 + seed % 2
    W = rng.integers(-1, 2, size=(8, d)) + 0.2 * rng.normal(size=(8, d))

    def loss(free):
        M = free.reshape(d, d)
        M = M / np.linalg.norm(M, axis=0)
        return overlap(W @ np.linalg.inv(M.T), gamma)

    starts = np.linalg.qr(rng.normal(size=(15, d, d)))[0]
    peer = min(optimize.minimize(loss, Q.ravel(), tol=1e-9).fun for Q in starts)
    rotated = oblimin(W, gamma)
    assert overlap(rotated.loadings, gamma) == pytest.approx(peer, rel=1e-6, abs=1e-9)
    check_oblique(W, rotated)


def test_a_single_start_that_is_stationary_is_left():
    # The axes at the start lie symmetrically between the groups, so the gradient there is zero.
    single, several = oblimin(GROUPS, n_init=1), oblimin(GROUPS)
    assert overlap(GROUPS) > 0.08
    assert overlap(several.loadings) < 1e-12
    assert overlap(single.loadings) < 1e-12


def test_random_starts_leave_a_local_minimum():
    W = random_loadings(160, 12, 4)
    single, several, many = (overlap(oblimin(W, n_init=n).loadings) for n in (1, 10, 100))
    assert several < single - 0.1
    assert several == pytest.approx(many, rel=1e-9)


def test_gamma_steers_the_correlation():
    correlations = [
        abs(oblimin(HARMAN8, gamma).factor_correlation[0, 1]) for gamma in (-100, -1, 0, 0.3)
    ]
    assert np.all(np.diff(correlations) > 0)
    assert correlations[0] < 0.02


def test_perfect_structure_is_found():
    W = np.kron(np.eye(3), np.ones((3, 1))) * np.linspace(0.5, 0.9, 9)[:, None]
    Phi = np.array([[1, 0.5, 0.3], [0.5, 1, 0.4], [0.3, 0.4, 1]])
    rotated = oblimin(W @ np.linalg.cholesky(Phi))
    assert same_up_to_sign_and_order(rotated.loadings, W, 1e-6)
    assert overlap(rotated.loadings) < 1e-12
    np.testing.assert_allclose(
        np.sort(np.abs(rotated.factor_correlation[np.triu_indices(3, 1)])),
        [0.3, 0.4, 0.5],
        atol=1e-6,
    )


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("rotate", [promax, oblimin])
def test_oblique_rotation_of_degenerate_loadings(name, rotate):
    check_oblique(DEGENERATE[name], rotate(DEGENERATE[name]))


@pytest.mark.parametrize("power", [1, 1.5, 4, 30, 1000, 1e6, 1e300])
def test_every_power_of_promax_is_finite(power):
    for W in (GROUPS, HARMAN8):
        check_oblique(W, promax(W, power))
    if power == 1:
        np.testing.assert_allclose(promax(HARMAN8, 1).factor_correlation, np.eye(2), atol=1e-14)


def test_a_power_that_makes_factors_collinear_is_refused():
    # The last variable has the largest loading on both factors, so both targets end up there.
    W = [
        [0.5, 0.0],
        [0.0, 0.5],
        [0.1, 0.1],
        [0.9, 0.9],
        [0.5, 0.02],
        [0.03, 0.5],
        [0.5, 0],
        [0, 0.5],
    ]
    check_oblique(np.array(W), promax(W))
    with pytest.raises(ValueError, match="power=1000 makes two factors collinear"):
        promax(W, 1000)


def test_a_criterion_without_a_minimum_is_refused():
    with pytest.raises(ValueError, match="gamma=1.5 is too high for these loadings"):
        oblimin(np.eye(4), 1.5)


def test_a_search_that_is_cut_short_warns(monkeypatch):
    W = random_loadings(8, 12, 4)
    monkeypatch.setattr(rotation, "MAX_SWEEPS", 1)
    monkeypatch.setattr(rotation, "MAX_ITER", 1)
    for rotate in (varimax, oblimin):
        with pytest.warns(ConvergenceWarning, match="did not converge"):
            rotate(W)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: varimax([1.0, 2.0]), ValueError, "W .*2D array|Expected 2D array"),
        (lambda: varimax([[np.nan, 1.0]]), ValueError, "W contains NaN"),
        (lambda: oblimin([[np.inf, 1.0]]), ValueError, "W contains infinity"),
        (lambda: promax(np.ma.masked_array([[1.0]], [[True]])), TypeError, "W is a masked array"),
        (lambda: varimax(HARMAN8, normalize="rows"), TypeError, "normalize must be True or False"),
        (lambda: varimax(HARMAN8, tol=np.nan), ValueError, "tol must be finite"),
        (lambda: varimax(HARMAN8, n_init=0), ValueError, "n_init must be at least 1"),
        (lambda: varimax(HARMAN8, random_state="a"), TypeError, "random_state must be None, an"),
        (lambda: promax(HARMAN8, power=0.5), ValueError, "power must be at least 1, got 0.5"),
        (lambda: promax(HARMAN8, power=np.nan), ValueError, "power must be finite"),
        (lambda: promax(HARMAN8, power=np.inf), ValueError, "power must be finite"),
        (lambda: promax(HARMAN8, power="4"), TypeError, "power must be a number"),
        (lambda: promax(HARMAN8, n_init=1.5), TypeError, "n_init must be an integer"),
        (lambda: oblimin(HARMAN8, gamma=np.nan), ValueError, "gamma must be finite"),
        (lambda: oblimin(HARMAN8, tol=-1), ValueError, "tol must be at least 0"),
        (lambda: oblimin(HARMAN8, random_state=-1), ValueError, "random_state must be at least 0"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


# In factor analysis


@parametrize_with_checks([FactorAnalysis(rotation="varimax"), FactorAnalysis(rotation="oblimin")])
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def pupils():
    return data.holzinger_swineford().X


@pytest.mark.parametrize("method", ["varimax", "promax", "oblimin"])
def test_a_rotated_fit_is_the_same_model(method, pupils):
    plain = FactorAnalysis(3).fit(pupils)
    model = FactorAnalysis(3, rotation=method).fit(pupils)
    W, Phi = model.W_, model.factor_correlation_
    np.testing.assert_allclose(
        model.get_covariance(), W @ Phi @ W.T + np.diag(model.noise_variance_), rtol=1e-12
    )
    np.testing.assert_allclose(model.get_covariance(), plain.get_covariance(), rtol=1e-12)
    assert model.score(pupils) == pytest.approx(plain.score(pupils), rel=1e-12)
    np.testing.assert_allclose(model.score_samples(pupils), plain.score_samples(pupils), rtol=1e-12)
    assert model.score(pupils) == pytest.approx(model.log_likelihood_trace_[-1], rel=1e-10)
    assert model.n_parameters_ == plain.n_parameters_
    assert model.bic_ == plain.bic_

    # Factors are T^-1 times the unrotated ones, and so are their scores.
    T = np.linalg.lstsq(plain.W_, W)[0]
    np.testing.assert_allclose(Phi, np.linalg.inv(T.T @ T), atol=1e-10)
    for scores in ("transform", "bartlett_scores"):
        unrotated = getattr(plain, scores)(pupils)
        np.testing.assert_allclose(
            getattr(model, scores)(pupils), unrotated @ np.linalg.inv(T.T), atol=1e-9
        )
    mean, covariance = model.posterior(pupils)
    np.testing.assert_allclose(
        covariance, np.linalg.inv(np.linalg.inv(Phi) + W.T / model.noise_variance_ @ W), atol=1e-12
    )
    np.testing.assert_allclose(
        model.inverse_transform(mean), plain.inverse_transform(plain.transform(pupils)), atol=1e-9
    )


@pytest.mark.parametrize("method", ["varimax", "promax", "oblimin"])
@pytest.mark.parametrize("seed", range(4))
def test_order_and_signs_are_fixed_after_the_rotation(seed, method):
    W = random_loadings(seed, 9, 3)
    results = [rotation.rotate(A, method) for A in (W, W[:, [2, 0, 1]] * [1, -1, -1])]
    for L, Phi in results:
        assert np.all(L.sum(axis=0) > 0)
        assert np.all(np.diff(np.diag(Phi @ L.T @ L)) < 0)
        np.testing.assert_allclose(L @ Phi @ L.T, W @ W.T, atol=1e-12)
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("method", ["varimax", "promax", "oblimin"])
def test_what_is_derived_from_rotated_loadings(method, pupils):
    plain = FactorAnalysis(3).fit(pupils)
    model = FactorAnalysis(3, rotation=method).fit(pupils)
    L, Phi = model.standardized_loadings_, model.factor_correlation_
    assert np.all(L.sum(axis=0) > 0)
    assert np.all(np.diff(model.explained_variance_ratio_) < 0)
    np.testing.assert_allclose(model.communalities_, plain.communalities_, rtol=1e-10)
    np.testing.assert_allclose(model.communalities_, 1 - model.uniquenesses_, rtol=1e-10)
    assert model.explained_variance_ratio_.sum() == pytest.approx(model.communalities_.mean())
    np.testing.assert_allclose(np.diag(Phi), 1, rtol=1e-14)
    if method == "varimax":
        np.testing.assert_array_equal(Phi, np.eye(3))
    else:
        assert np.all(Phi[np.triu_indices(3, 1)] > 0.2)
    # The structure holds the correlations of variables with factors, seen in samples.
    X, H = model.sample(200_000, random_state=0)
    np.testing.assert_allclose(np.corrcoef(H.T), Phi, atol=0.01)
    np.testing.assert_allclose(np.corrcoef(X.T, H.T)[:9, 9:], L @ Phi, atol=0.01)
    np.testing.assert_allclose(np.cov(X.T), model.get_covariance(), atol=0.02 * X.var())


@pytest.mark.parametrize("method", ["varimax", "promax", "oblimin"])
@pytest.mark.parametrize(
    "key", [("harman24", 4), ("holzinger_swineford", 3), ("ability", 2)], ids=str
)
def test_rotated_fits_equal_those_of_r(key, method):
    model = FactorAnalysis(key[1], rotation=method).fit_moments(moments(key[0]))
    peer = solutions(method)[key][1]
    assert same_up_to_sign_and_order(model.standardized_loadings_, peer, 2e-4)


@pytest.mark.parametrize("method", ["varimax", "promax", "oblimin"])
def test_rotation_does_not_depend_on_the_units(method, pupils):
    units = np.array([1.0, 10, 100, 0.1, 1, 5, 2, 1000, 3])
    one, other = (FactorAnalysis(3, rotation=method).fit(X) for X in (pupils, pupils * units))
    np.testing.assert_allclose(other.W_, units[:, None] * one.W_, rtol=1e-4, atol=1e-4)


def test_rotation_of_a_fit_to_incomplete_data(pupils):
    X = pupils.copy()
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    plain, model = (FactorAnalysis(2, tol=1e-6, rotation=r).fit(X) for r in (None, "oblimin"))
    assert model.factor_correlation_[0, 1] > 0.2
    np.testing.assert_allclose(model.score_samples(X), plain.score_samples(X), rtol=1e-12)
    T = np.linalg.lstsq(plain.W_, model.W_)[0]
    np.testing.assert_allclose(
        model.transform(X), plain.transform(X) @ np.linalg.inv(T.T), atol=1e-9
    )


def test_a_second_fit_forgets_the_rotation_of_the_first(pupils):
    model = FactorAnalysis(3, rotation="oblimin").fit(pupils)
    model.set_params(rotation=None, n_components=2).fit(pupils)
    np.testing.assert_array_equal(model.factor_correlation_, np.eye(2))
    np.testing.assert_array_equal(model.W_, FactorAnalysis(2).fit(pupils).W_)


def test_an_unknown_rotation_is_named(pupils):
    for bad in ("quartimax", 3, np.nan):
        with pytest.raises(ValueError, match="rotation must be one of None, 'varimax', 'promax'"):
            FactorAnalysis(2, rotation=bad).fit(pupils)
