"""Linear factor models against brute force and against scipy's multivariate normal."""

import numpy as np
import pytest
from scipy import integrate, stats

from lvmnotes import LinearFactorModel, LinearGaussianModel

W = np.array([[1.0, 0.5], [-0.3, 2.0], [0.8, 0.1], [0.0, -1.0]])
B = np.array([1.0, -2.0, 0.5, 3.0])
PSI = np.array([0.5, 1.0, 0.2, 2.0])


@pytest.fixture
def model():
    return LinearGaussianModel.from_parameters(W, B, PSI)


@pytest.fixture
def X(model):
    return model.sample(50, random_state=0)[0]


@pytest.mark.parametrize("prior", [stats.norm(), stats.laplace(scale=2), stats.t(df=7)])
def test_sample_has_the_moments_of_the_equations(prior):
    model = LinearFactorModel.from_parameters(W, B, PSI, prior=prior)
    N = 200_000
    X, H = model.sample(N, random_state=0)
    assert X.shape == (N, 4) and H.shape == (N, 2)
    C = prior.var() * W @ W.T + np.diag(PSI)
    np.testing.assert_allclose(X.mean(axis=0), B, atol=5 * np.sqrt(C.max() / N))
    np.testing.assert_allclose(np.cov(X.T), C, atol=0.02 * C.max())
    residual = X - H @ W.T - B
    np.testing.assert_allclose(np.cov(residual.T), np.diag(PSI), atol=0.02 * PSI.max())


def test_equal_seeds_give_equal_samples_and_generators_move_on(model):
    np.testing.assert_array_equal(model.sample(3, 7)[0], model.sample(3, 7)[0])
    rng = np.random.default_rng(7)
    assert not np.array_equal(model.sample(3, rng)[0], model.sample(3, rng)[0])


def test_log_density_equals_scipy(model, X):
    peer = stats.multivariate_normal(B, W @ W.T + np.diag(PSI))
    np.testing.assert_allclose(model.score_samples(X), peer.logpdf(X), rtol=1e-12)
    np.testing.assert_allclose(model.get_covariance(), peer.cov, rtol=1e-15)
    assert model.score(X) == pytest.approx(peer.logpdf(X).mean(), rel=1e-12)


def test_posterior_equals_gaussian_conditioning(model, X):
    C = W @ W.T + np.diag(PSI)
    mean, covariance = model.posterior(X)
    gain = W.T @ np.linalg.inv(C)
    np.testing.assert_allclose(mean, (X - B) @ gain.T, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(covariance, np.eye(2) - gain @ W, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(model.transform(X), mean)


def test_marginal_is_the_integral_of_the_joint_for_any_prior():
    model = LinearFactorModel.from_parameters([[1.0], [2.0]], 0.5, [0.3, 0.7], stats.laplace())
    x = np.array([[1.0, 3.0]])
    marginal, _ = integrate.quad(lambda h: np.exp(model.log_joint(x, [[h]])[0]), -20, 20)
    # The same by Monte Carlo over the prior, which does not use log_joint.
    h = stats.laplace().rvs(size=400_000, random_state=0)
    draws = stats.norm.pdf(1.0, h + 0.5, np.sqrt(0.3)) * stats.norm.pdf(
        3.0, 2 * h + 0.5, np.sqrt(0.7)
    )
    assert abs(marginal - draws.mean()) < 4 * draws.std() / np.sqrt(h.size)


def test_small_noise_costs_no_digits():
    """Against a one-factor model whose density factorises along and across a line."""
    noise = 1e-12
    model = LinearGaussianModel.from_parameters([[1.0], [1.0]], 0.0, noise)
    # On the line x1 = x2 = t the density is N(sqrt2 t; 0, 2 + noise) N(0; 0, noise).
    t = 0.7
    exact = stats.norm.logpdf(np.sqrt(2) * t, scale=np.sqrt(2 + noise)) + stats.norm.logpdf(
        0, scale=np.sqrt(noise)
    )
    assert model.score_samples([[t, t]])[0] == pytest.approx(exact, rel=1e-12)


def test_missing_entries_are_marginalised(model, X):
    X = X.copy()
    X[:20, 1] = np.nan
    X[10:30, 3] = np.nan
    X[40] = np.nan
    C = W @ W.T + np.diag(PSI)
    mean, covariance = model.posterior(X)
    assert covariance.shape == (50, 2, 2)
    for x, m, V, log_density in zip(X, mean, covariance, model.score_samples(X), strict=True):
        o = ~np.isnan(x)
        gain = W[o].T @ np.linalg.inv(C[np.ix_(o, o)])
        np.testing.assert_allclose(m, gain @ (x - B)[o], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(V, np.eye(2) - gain @ W[o], rtol=1e-9, atol=1e-12)
        if o.any():
            peer = stats.multivariate_normal(B[o], C[np.ix_(o, o)]).logpdf(x[o])
            assert log_density == pytest.approx(peer, rel=1e-12)
        else:
            assert log_density == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, X: LinearFactorModel().sample(), "no parameters yet: call fit or from_param"),
        (lambda m, X: m.from_parameters(W, noise_variance=-1), "noise_variance must not be neg"),
        (lambda m, X: m.from_parameters(W, b=[1, 2]), r"b must be a finite number or have shape"),
        (lambda m, X: m.from_parameters(W, b=np.nan), r"b must be a finite number"),
        (lambda m, X: m.from_parameters([1.0, 2.0]), "Expected 2D array"),
        (lambda m, X: m.from_parameters(W, prior="laplace"), "frozen continuous scipy.stats"),
        (lambda m, X: m.from_parameters(W, prior=stats.poisson(3)), "frozen continuous"),
        (lambda m, X: m.sample(0), "n_samples must be at least 1, got 0"),
        (lambda m, X: m.log_prior([[1.0]]), "one column for each of the 2 factors"),
        (lambda m, X: m.log_joint(X, np.zeros((3, 2))), "50 rows of X and 3 of H"),
        (lambda m, X: m.score_samples(X[:, :3]), "expecting 4 features"),
        (lambda m, X: m.transform(np.full((2, 4), np.inf)), "infinity"),
        (
            lambda m, X: m.from_parameters(W, noise_variance=0).score(X),
            "noise_variance_ has a zero",
        ),
        (lambda m, X: m.from_parameters(W, noise_variance=0).log_joint(X, X[:, :2]), "has a zero"),
    ],
)
def test_bad_input_says_what_was_expected(model, X, call, message):
    with pytest.raises(ValueError, match=message):
        call(model, X)


def test_noise_free_models_can_be_sampled():
    X, H = LinearFactorModel.from_parameters(W, noise_variance=0).sample(5, random_state=0)
    np.testing.assert_allclose(X, H @ W.T)
