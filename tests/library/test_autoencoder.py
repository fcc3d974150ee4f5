"""Autoencoders against PCA, finite differences and a network written out by hand."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from lvmnotes import PCA, Autoencoder, LinearAutoencoder, Moments
from lvmnotes.autoencoder import linear_error, network_error

RNG = np.random.default_rng(0)
#: Eigenvalues 9, 4, 1, 1/4, and a mean that is not zero.
X = RNG.normal(size=(500, 4)) @ np.diag([3, 2, 1, 0.5]) @ np.linalg.qr(RNG.normal(size=(4, 4)))[0]
X += [10, -5, 0, 2]


def bent(n_samples, rng):
    """Points near three quarters of a tube in three dimensions."""
    angle, along = rng.uniform(-0.75, 0.75, n_samples) * np.pi, rng.uniform(-2, 2, n_samples)
    points = np.column_stack([np.sin(angle), along, np.cos(angle)])
    return points + 0.1 * rng.normal(size=points.shape)


def central_differences(f, x, step):
    """Gradient of f at x."""
    return np.array([(f(x + e) - f(x - e)) / (2 * step) for e in step * np.eye(len(x))])


@parametrize_with_checks(
    [LinearAutoencoder(tol=1e-4, random_state=0), Autoencoder(n_hidden=4, random_state=0)]
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


def parameters(rng, D=5, d=2):
    return [*rng.normal(size=(2, D, d)), *rng.normal(size=(2, D))]


def test_linear_error_is_the_mean_over_the_samples():
    V, W, b, mu = parameters(np.random.default_rng(1), D=4)
    residual = X - (b + (X - mu) @ W @ V.T)
    m = Moments.from_data(X)
    error = linear_error(V, W, b, mu, m.mean, m.covariance)[0]
    assert error == pytest.approx((residual**2).sum() / len(X), rel=1e-12)


def test_linear_gradient_by_finite_differences():
    rng = np.random.default_rng(2)
    start, mean, C = parameters(rng), rng.normal(size=5), np.cov(rng.normal(size=(5, 20)))
    cuts, shapes = np.cumsum([p.size for p in start])[:-1], [p.shape for p in start]

    def error(theta):
        pieces = np.split(theta, cuts)
        return linear_error(*(p.reshape(s) for p, s in zip(pieces, shapes, strict=True)), mean, C)

    theta = np.concatenate([p.ravel() for p in start])
    gradient = np.concatenate([g.ravel() for g in error(theta)[1]])
    numeric = central_differences(lambda t: error(t)[0], theta, 1e-5)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("momentum", [0, 0.9])
@pytest.mark.parametrize("d", [1, 2, 4])
def test_linear_training_lands_on_the_pca_projector(d, momentum, seed):
    model = LinearAutoencoder(d, momentum=momentum, tol=1e-10, random_state=seed).fit(X)
    peer = PCA(d).fit(X)
    P = peer.W_ @ peer.W_.T
    np.testing.assert_allclose(model.V_ @ model.W_.T, P, atol=1e-7)
    np.testing.assert_allclose(model.b_ - P @ model.mu_, peer.b_ - P @ peer.b_, atol=1e-6)
    np.testing.assert_allclose(
        model.inverse_transform(model.transform(X)),
        peer.inverse_transform(peer.transform(X)),
        atol=1e-6,
    )
    error = model.reconstruction_error(X)
    assert error == pytest.approx(model.error_trace_[-1], rel=1e-9, abs=1e-12)
    if d > 1:  # mixed axes, not only other lengths
        assert np.abs(np.triu(model.V_.T @ peer.W_, 1)).max() > 0.01


def test_no_random_start_diverges_at_the_default_learning_rate():
    """At 0.1 one start of thirty did."""
    two = np.random.default_rng(0).normal(size=(50, 2))
    for seed in range(200):
        LinearAutoencoder(tol=1e-2, random_state=seed).fit(two)


def test_linear_training_does_not_see_the_unit_or_the_mean():
    model = LinearAutoencoder(2, random_state=0).fit(X)
    other = LinearAutoencoder(2, random_state=0).fit(1000 * X - 4)
    np.testing.assert_allclose(other.V_, model.V_, rtol=1e-6)
    np.testing.assert_allclose(other.error_trace_, 1e6 * model.error_trace_, rtol=1e-6)


def test_linear_training_stops_where_every_slope_is_below_tol():
    m = Moments.from_data(X)
    largest = np.linalg.norm(m.covariance, 2)
    model = LinearAutoencoder(2, tol=1e-3, random_state=0).fit(X)
    b, mu = ((shift - m.mean) / np.sqrt(largest) for shift in (model.b_, model.mu_))
    C = m.covariance / largest
    gradient = linear_error(model.V_, model.W_, b, mu, np.zeros(4), C)[1]
    slopes = [np.abs(g).max() for g in gradient]
    assert 1e-4 < max(slopes) < 1e-3


def test_network_gradient_by_finite_differences():
    rng, sizes = np.random.default_rng(3), [3, 5, 2, 5, 3]
    Z = rng.normal(size=(9, 3))
    theta = rng.normal(size=sum((m + 1) * n for m, n in zip(sizes[:-1], sizes[1:], strict=True)))
    gradient = network_error(theta, Z, sizes, 0.1)[1]
    numeric = central_differences(lambda t: network_error(t, Z, sizes, 0.1)[0], theta, 1e-5)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-7)


def test_network_written_out():
    train = bent(200, np.random.default_rng(4))
    model = Autoencoder(2, 6, random_state=0).fit(train)
    (W1, c1), (W2, c2), (W3, c3), (W4, c4) = model.layers_
    x = train[7]
    h = np.tanh((x - model.b_) / model.scale_ @ W1 + c1) @ W2 + c2
    decoded = model.b_ + model.scale_ * (np.tanh(h @ W3 + c3) @ W4 + c4)
    np.testing.assert_allclose(model.transform([x])[0], h, rtol=1e-12)
    np.testing.assert_allclose(model.inverse_transform([h])[0], decoded, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_beats_pca_on_a_bent_sheet_and_not_on_a_flat_one(seed):
    rng = np.random.default_rng(seed)
    train, test = bent(1000, rng), bent(2000, rng)
    network = Autoencoder(2, random_state=seed).fit(train)
    assert network.reconstruction_error(test) < 0.1 * PCA(2).fit(train).reconstruction_error(test)
    flat = X[:, [0, 1, 2]] @ np.diag([1, 1, 0]) + 0.1 * rng.normal(size=(500, 3))
    train, test = flat[:250], flat[250:]
    network = Autoencoder(2, random_state=seed).fit(train)
    assert network.reconstruction_error(test) > PCA(2).fit(train).reconstruction_error(test)


def test_constant_data():
    constant = np.full((10, 3), 5.0)
    for model in (LinearAutoencoder(random_state=0), Autoencoder(random_state=0)):
        assert model.fit(constant).reconstruction_error(constant) < 1e-4


def test_stopping_early_warns():
    with pytest.warns(ConvergenceWarning, match="gradient descent stopped at max_iter=3"):
        LinearAutoencoder(2, max_iter=3, random_state=0).fit(X)
    with pytest.warns(ConvergenceWarning, match="training stopped at max_iter=3"):
        Autoencoder(2, max_iter=3, random_state=0).fit(X)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: LinearAutoencoder(5).fit(X), "between 1 and 4 \\(n_features\\), got 5"),
        (
            lambda: LinearAutoencoder(learning_rate=-1).fit(X),
            "learning_rate must be at least 0, got -1",
        ),
        (lambda: LinearAutoencoder(momentum=2).fit(X), "momentum must be between 0 and 1, got 2"),
        (lambda: LinearAutoencoder(learning_rate=50).fit(X), "lower learning_rate=50"),
        (lambda: LinearAutoencoder(tol=-1).fit(X), "tol must be at least 0, got -1"),
        (lambda: Autoencoder(5).fit(X), "between 1 and 4 \\(n_features\\), got 5"),
        (lambda: Autoencoder(n_hidden=0).fit(X), "n_hidden must be at least 1, got 0"),
        (lambda: Autoencoder(weight_decay=-1).fit(X), "weight_decay must be at least 0, got -1"),
        (lambda: Autoencoder().fit(X + np.nan), "contains NaN"),
        (
            lambda: Autoencoder().fit(X).inverse_transform([[1, 2]]),
            "X must have shape \\(any, 1\\)",
        ),
    ],
)
def test_bad_input_says_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()
