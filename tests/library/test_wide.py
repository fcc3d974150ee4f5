"""Wide data: leading eigenvectors by Lanczos on the data, exact and certain, against LAPACK."""

import numpy as np
import pytest
from scipy import linalg

from lvmnotes import PCA, PPCA, BayesianPCA, Moments
from lvmnotes.core import loadings
from lvmnotes.core.blocks import as_blocks
from lvmnotes.core.loadings import lanczos_is_faster, leading_eigenpairs, sample_covariance
from lvmnotes.core.moments import CovarianceOperator, moments_if_complete

RNG = np.random.default_rng(0)
N, D, d = 700, 600, 5
LOADINGS = RNG.normal(size=(D, d))


def simulate(n_samples, n_features, scale=1.0, mean=0.5):
    rng = np.random.default_rng(1)
    W = LOADINGS[:n_features] if n_features <= D else np.tile(LOADINGS, (2, 1))[:n_features]
    noise = rng.normal(size=(n_samples, n_features)) * scale
    return rng.normal(size=(n_samples, d)) * np.arange(3, 3 + d) @ W.T + noise + mean


CASES = {
    "tall": simulate(N, D),
    "wide": simulate(D, N),
    "a slowly falling spectrum": RNG.normal(size=(N, D)) / np.sqrt(np.arange(1, D + 1)),
    "columns of all sizes": simulate(N, D, np.geomspace(1e-3, 10, D)),
    "constant columns": np.hstack([simulate(N, D - 100), np.full((N, 100), 3.0)]),
    "column order": np.asfortranarray(simulate(N, D)),
    "single precision": simulate(N, D).astype(np.float32),
    "a mean far away": simulate(N, D, mean=1e5),
}


@pytest.fixture
def no_matrix(monkeypatch):
    """Fail where a D x D or N x N matrix is formed."""

    def forbidden(*_args, **_options):
        raise AssertionError("a matrix was formed")

    monkeypatch.setattr(loadings, "moments_if_complete", forbidden)
    monkeypatch.setattr(loadings, "Moments", None)
    monkeypatch.setattr(loadings, "_through_gram_matrix", forbidden)


@pytest.mark.parametrize("name", CASES)
def test_equals_lapack_without_forming_a_matrix(name, no_matrix):
    X = CASES[name]
    Z = X.astype(float) - X.mean(axis=0, dtype=float)
    variances, V = linalg.eigh(Z.T @ Z / len(Z))
    variances, V = variances[: -d - 1 : -1], V[:, : -d - 1 : -1]
    gap = (variances[-1] - linalg.eigvalsh(Z.T @ Z / len(Z))[-d - 1]) / variances[0]
    pca = PCA(d).fit(X)
    np.testing.assert_allclose(pca.eigenvalues_, variances, rtol=1e-10)
    np.testing.assert_allclose(pca.W_ @ pca.W_.T, V @ V.T, atol=1e-12 / gap)
    np.testing.assert_allclose(pca.W_.T @ pca.W_, np.eye(d), atol=1e-12)
    assert pca.total_variance_ == pytest.approx((Z**2).sum() / len(Z), rel=1e-12)
    ppca = PPCA(d).fit(X)
    np.testing.assert_allclose((ppca.W_**2).sum(0), variances - ppca.noise_variance_, rtol=1e-10)
    rest = pca.total_variance_ - variances.sum()
    assert ppca.noise_variance_ == pytest.approx(rest / (X.shape[1] - d), rel=1e-9)


def test_the_same_twice():
    first, second = (PCA(d).fit(CASES["tall"]) for _ in range(2))
    np.testing.assert_array_equal(first.W_, second.W_)


@pytest.mark.parametrize("name", ["tall", "wide"])
def test_weights_are_repetitions(name):
    X = CASES[name]
    repeat = np.random.default_rng(2).integers(0, 3, size=len(X))
    rows = np.repeat(X, repeat, axis=0)
    assert lanczos_is_faster(X[repeat > 0].shape, 4) and lanczos_is_faster(rows.shape, 4)
    weighted, repeated = PCA(4).fit(X, sample_weight=repeat), PCA(4).fit(rows)
    np.testing.assert_allclose(weighted.eigenvalues_, repeated.eigenvalues_, rtol=1e-10)
    np.testing.assert_allclose(np.abs((weighted.W_ * repeated.W_).sum(axis=0)), 1, rtol=1e-12)


def test_bayesian_pca_takes_the_same_way(no_matrix):
    X = CASES["tall"]
    model = BayesianPCA(d).fit(X)
    exact = BayesianPCA(d).fit_moments(Moments.from_data(X))
    np.testing.assert_allclose(model.get_covariance(), exact.get_covariance(), atol=1e-9)


def with_spectrum(variances):
    """Centred data of N samples with the given eigenvalues of their covariance."""
    rng = np.random.default_rng(3)
    ones = np.ones((N, 1))
    U = np.linalg.qr(np.hstack([ones, rng.normal(size=(N, len(variances)))]))[0][:, 1:]
    V = np.linalg.qr(rng.normal(size=(D, len(variances))))[0]
    return np.sqrt(N) * U * np.sqrt(variances) @ V.T


FALLING = np.linspace(1, 0.1, D - 20)
SPECTRA = {
    "two equal": np.r_[9, 9, 4, 3, 2, FALLING],
    "three equal": np.r_[9, 9, 9, 3, 2, FALLING],
    "equal at the edge": np.r_[9, 8, 7, 5, 5, 5, FALLING],
    "many equal": np.r_[np.full(15, 5.0), FALLING],
    "all equal": np.ones(D),
    "pairs": np.r_[np.repeat([9, 8.9, 7, 6.9], 2), FALLING],
    "three directions": np.array([3.0, 2, 1]),
    "as many directions as asked for": np.array([5.0, 4, 3, 2, 1]),
    "tiny and large": np.r_[1e12, 1e6, 1, 1e-6, 1e-12],
}


@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("copies", [1, 4])
def test_ties_and_zeros_hide_nothing(name, copies):
    """Blocks of the same data give every eigenvalue several times."""
    X = with_spectrum(SPECTRA[name])
    wanted = np.sort(np.pad(SPECTRA[name], (0, d)))[::-1]
    if copies > 1:
        X = linalg.block_diag(*[X[:, : D // copies][: N // copies]] * copies)
        wanted = linalg.eigvalsh(np.cov(X.T, bias=True))[::-1]
    assert lanczos_is_faster(X.shape, d)
    model = PCA(d).fit(X)
    np.testing.assert_allclose(model.eigenvalues_, wanted[:d], rtol=1e-10, atol=1e-13 * wanted[0])
    np.testing.assert_allclose(model.W_.T @ model.W_, np.eye(d), atol=1e-12)
    Z = X - X.mean(axis=0)
    residual = Z.T @ (Z @ model.W_) / len(Z) - model.W_ * model.eigenvalues_
    assert np.abs(residual).max() < 1e-11 * wanted[0]


def test_an_eigenvalue_that_lanczos_misses_is_found(monkeypatch):
    """Round-off may leave one of two equal eigenvalues out: here it is made to."""
    S = sample_covariance(as_blocks(with_spectrum(SPECTRA["two equal"]), None), 3)[2]
    assert isinstance(S, CovarianceOperator)
    exact, V = linalg.eigh(moments_if_complete(S.X).covariance, subset_by_index=(D - 4, D - 1))
    plain, runs = loadings.eigsh, []

    def blind(operator, k, **options):
        runs.append(k)
        return (exact[[0, 1, 3]], V[:, [0, 1, 3]]) if k == 3 else plain(operator, k, **options)

    monkeypatch.setattr(loadings, "eigsh", blind)
    np.testing.assert_allclose(leading_eigenpairs(S, 3)[0], [9, 9, 4], rtol=1e-10)
    assert runs == [3, 1]


def test_pure_noise_is_given_to_lapack(monkeypatch):
    """Its eigenvalues lie too close for Lanczos to be worth the products."""
    products = []
    plain = CovarianceOperator._matvec
    monkeypatch.setattr(
        CovarianceOperator, "_matvec", lambda S, v: products.append(1) or plain(S, v)
    )
    X = np.random.default_rng(0).normal(size=(N, D))
    model = PCA(d).fit(X)
    assert 0 < len(products) <= D / 12 + d
    np.testing.assert_allclose(
        model.eigenvalues_, linalg.eigvalsh(np.cov(X.T, bias=True))[: -d - 1 : -1], rtol=1e-10
    )


def test_data_that_do_not_vary():
    X = np.full((N, D), 0.1)
    model = PCA(d).fit(X)
    assert model.total_variance_ < 1e-25
    np.testing.assert_allclose(model.W_.T @ model.W_, np.eye(d), atol=1e-12)
    with pytest.raises(ValueError, match="two different rows"):
        PPCA(d).fit(X)


@pytest.mark.parametrize(
    "shape", [(2_000, 50), (100_000, 64), (20_000, 784), (60, 100), (50, 9_000)]
)
def test_small_or_very_long_data_keep_to_lapack(shape):
    assert not lanczos_is_faster(shape, 5)


@pytest.mark.parametrize(("shape", "n_components"), [((2_000, 800), 10), ((2_000, 3_200), 30)])
def test_wide_data_do_not(shape, n_components):
    assert lanczos_is_faster(shape, n_components)
    assert not lanczos_is_faster(shape, min(shape) // 10)


def test_no_copy_of_the_data_is_made():
    X = CASES["tall"]
    assert CovarianceOperator(X, X.mean(axis=0)).X is X


def test_the_operator_is_the_covariance():
    rng = np.random.default_rng(4)
    X, weight = rng.normal(size=(30, 6)) + 2, rng.uniform(size=30)
    exact = np.cov(X.T, aweights=weight, bias=True)
    S = CovarianceOperator(X, weight @ X / weight.sum(), weight)
    np.testing.assert_allclose(S @ np.eye(6), exact, atol=1e-14)
    np.testing.assert_allclose(S @ X[0], exact @ X[0], atol=1e-13)
    assert S.trace() == pytest.approx(np.trace(exact), rel=1e-13)
    Z = S.centred()
    np.testing.assert_allclose(Z.T @ Z / S.n, exact, atol=1e-14)
