"""Linear factor models against brute force and against scipy's multivariate normal."""

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.exceptions import NotFittedError

from lvmnotes import PPCA, BayesianPCA, FactorAnalysis, LinearFactorModel, LinearGaussianModel
from lvmnotes.linear_factor import ObservedEntries, observed_gradient

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
        (lambda m, X: m.from_parameters(W, b=[1, 2]), r"b must be a finite number or 4 of them"),
        (lambda m, X: m.from_parameters(W, b=np.nan), r"b must be a finite number"),
        (lambda m, X: m.from_parameters([1.0, 2.0]), "Expected 2D array"),
        (lambda m, X: m.sample(0), "n_samples must be at least 1, got 0"),
        (
            lambda m, X: m.from_parameters(W, factor_correlation=np.eye(3)),
            r"factor_correlation must have shape \(2, 2\)",
        ),
        (
            lambda m, X: m.from_parameters(W, factor_correlation=[[1, 2], [2, 1]]),
            "factor_correlation must be positive semidefinite",
        ),
        (
            lambda m, X: m.from_parameters(W, factor_correlation=[[1, 0.2], [0.1, 1]]),
            "factor_correlation must be symmetric",
        ),
        (
            lambda m, X: m.from_parameters(W, factor_correlation=np.ones((2, 2))),
            "factor_correlation must be positive definite",
        ),
        (lambda m, X: m.inverse_transform(X), r"X must have shape \(any, 2\), got \(50, 4\)"),
        (lambda m, X: m.log_prior([[1.0]]), r"H must have shape \(any, 2\), got \(1, 1\)"),
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


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, X: LinearFactorModel.from_parameters(W, prior="laplace"), "frozen continuous"),
        (lambda m, X: LinearFactorModel.from_parameters(W, prior=stats.t), "frozen continuous"),
        (
            lambda m, X: LinearFactorModel.from_parameters(W, prior=stats.poisson(3)),
            "frozen continuous",
        ),
        (lambda m, X: m.score_samples(np.ma.masked_less(X, 0)), r"X.filled\(np.nan\)"),
        (lambda m, X: m.from_parameters(np.ma.masked_less(W, 0)), "W is a masked array"),
        (lambda m, X: m.from_parameters(W, np.ma.masked_less(B, 0)), "b is a masked array"),
        (lambda m, X: m.sample(3, random_state="seed"), "random_state must be None, an int or"),
    ],
)
def test_the_wrong_type_says_what_was_expected(model, X, call, message):
    with pytest.raises(TypeError, match=message):
        call(model, X)


@pytest.mark.parametrize("model_class", [LinearGaussianModel, FactorAnalysis, PPCA, BayesianPCA])
def test_gaussian_models_take_no_other_prior(model_class):
    """They would sample from one prior and score with another."""
    with pytest.raises(TypeError, match="prior"):
        model_class.from_parameters(W, prior=stats.laplace())


def test_ppca_takes_one_noise_variance():
    with pytest.raises(TypeError, match="noise_variance must be a number"):
        PPCA.from_parameters(W, 0.0, PSI)
    with pytest.raises(ValueError, match="noise_variance must be at least 0"):
        PPCA.from_parameters(W, 0.0, -1)
    assert PPCA.from_parameters(W, 0.0, 0.5).noise_variance_ == 0.5


@pytest.mark.parametrize("model_class", [LinearGaussianModel, FactorAnalysis, PPCA])
@pytest.mark.parametrize(
    "use",
    [
        lambda m: m.n_parameters_,
        lambda m: m.get_covariance(),
        lambda m: m.transform([[1.0]]),
        lambda m: m.inverse_transform([[1.0]]),
        lambda m: m.score([[1.0]]),
        lambda m: m.sample(),
        lambda m: m.log_prior([[1.0]]),
        lambda m: m.log_joint([[1.0]], [[1.0]]),
    ],
)
def test_an_unfitted_model_says_so(model_class, use):
    with pytest.raises(NotFittedError, match="has no parameters yet: call fit or from_parameters"):
        use(model_class())


def test_inverse_transform_decodes(model):
    H = np.random.default_rng(0).normal(size=(5, 2))
    np.testing.assert_allclose(model.inverse_transform(H), [W @ h + B for h in H], rtol=1e-14)


class TestCorrelatedFactors:
    """A prior N(0, Phi), as oblique rotations give."""

    T = np.array([[1.0, 0.6], [0.0, 0.8]])  # h = T^T z, z independent

    @pytest.fixture
    def oblique(self):
        loadings = W @ np.linalg.inv(self.T).T
        return LinearGaussianModel.from_parameters(
            loadings, B, PSI, factor_correlation=self.T.T @ self.T
        )

    def test_density_is_that_of_the_independent_factors(self, model, oblique, X):
        X[:5, 1] = np.nan
        np.testing.assert_allclose(oblique.score_samples(X), model.score_samples(X), rtol=1e-12)
        np.testing.assert_allclose(oblique.get_covariance(), model.get_covariance(), atol=1e-12)

    @pytest.mark.parametrize("hole", [False, True])
    def test_factors_turn_with_the_loadings(self, model, oblique, X, hole):
        if hole:
            X[:5, 1] = np.nan
        mean, V = model.posterior(X)
        turned, V_turned = oblique.posterior(X)
        np.testing.assert_allclose(turned, mean @ self.T, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(V_turned, self.T.T @ V @ self.T, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(
            oblique.inverse_transform(turned), model.inverse_transform(mean), rtol=1e-10
        )

    def test_joint_density_is_prior_times_noise(self, oblique, X):
        H = oblique.transform(X)
        Phi = oblique.factor_correlation_
        log_prior = stats.multivariate_normal([0, 0], Phi).logpdf(H)
        np.testing.assert_allclose(oblique.log_prior(H), log_prior, rtol=1e-12)
        mean, V = oblique.posterior(X)
        log_posterior = stats.multivariate_normal([0, 0], V).logpdf(H - mean)
        np.testing.assert_allclose(
            oblique.log_joint(X, H) - log_posterior, oblique.score_samples(X), rtol=1e-10
        )

    def test_samples_are_correlated(self, oblique):
        X, H = oblique.sample(200_000, random_state=0)
        np.testing.assert_allclose(np.cov(H.T), oblique.factor_correlation_, atol=0.01)
        np.testing.assert_allclose(np.cov(X.T), oblique.get_covariance(), atol=0.05)


def test_gradient_of_the_observed_likelihood_by_finite_differences(X):
    X[:20, 1] = X[10:30, 3] = X[40] = np.nan
    entries = ObservedEntries(X, np.random.default_rng(1).uniform(0, 2, size=len(X)))

    def unpack(p):
        return p[:8].reshape(4, 2), p[8:12], np.exp(p[12:])

    point = np.r_[W.ravel() + 0.1, B - 0.1, np.log(PSI) + 0.1]
    step = 1e-6 * np.eye(len(point))
    numeric = [
        (
            observed_gradient(unpack(point + s), entries)[0]
            - observed_gradient(unpack(point - s), entries)[0]
        )
        / 2e-6
        for s in step
    ]
    _, by_coefficients, by_log_noise = observed_gradient(unpack(point), entries)
    gradient = np.r_[by_coefficients[:, :2].ravel(), by_coefficients[:, 2], by_log_noise]
    np.testing.assert_allclose(gradient, numeric, atol=1e-8)


def test_noise_free_models_can_be_sampled():
    X, H = LinearFactorModel.from_parameters(W, noise_variance=0).sample(5, random_state=0)
    np.testing.assert_allclose(X, H @ W.T)
