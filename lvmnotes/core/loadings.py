"""Eigenvectors, and the convention for the rotation and the signs of loadings."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from .blocks import Blocks, HeldBlocks
from .moments import CovarianceOperator, Moments, mean_if_complete, moments_if_complete
from .validation import check_integer, check_symmetric


def lanczos_is_faster(shape: tuple[int, int], n_components: int) -> bool:
    """Tell by shape whether Lanczos on the data beats forming their covariance.

    Lanczos takes about 20 + 3 d products of the data with a vector. Forming the smaller of the
    D x D covariance and the N x N Gram matrix, with its eigenvectors, takes as long as about
    min(N, D) / 12 of them or more, but for data that are very long or very wide.

    Parameters
    ----------
    shape : tuple of two int
        N and D.
    n_components : int

    Returns
    -------
    bool
    """
    small, large = sorted(shape)
    return 20 + 3 * n_components <= small // 12 and large < 10 * small


def sample_covariance(
    data: Blocks, n_components: int, *, by_products: bool = False
) -> tuple[float, np.ndarray, np.ndarray | CovarianceOperator] | None:
    """Size, mean and covariance of a sample, in the form that `leading_eigenpairs` is fastest with.

    Parameters
    ----------
    data : Blocks
        Of rows (n_samples, n_features), in which NaN marks a missing entry and infinity is an
        error, and of their weights, positive or None.
    n_components : int
        How many eigenvectors are wanted.
    by_products : bool, default False
        Whether products of the covariance with vectors are wanted, not eigenvectors.

    Returns
    -------
    n : float
    mean : ndarray of shape (n_features,)
    S : ndarray or CovarianceOperator of shape (n_features, n_features)
        Nothing at all is returned, None, if entries are missing.
    """
    X, sample_weight = data.arrays if isinstance(data, HeldBlocks) else (None, None)
    if X is not None and not by_products:
        N, D = X.shape
        by_products = n_components <= N and (N < D or lanczos_is_faster((N, D), n_components))
    if X is None or not by_products:
        moments = moments_if_complete(data)
        return None if moments is None else (moments.n, moments.mean, moments.covariance)
    mean = mean_if_complete(X, sample_weight)
    if mean is None:
        return None
    S = CovarianceOperator(X, mean, sample_weight)
    return S.n, S.mean, S


def leading_eigenpairs(
    S: np.ndarray | CovarianceOperator, n_components: int
) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalues of a covariance, in decreasing order, and their eigenvectors as columns.

    Those of an operator are found by Lanczos where `lanczos_is_faster` says so, else from the
    smaller of the covariance and the Gram matrix.

    Parameters
    ----------
    S : ndarray or CovarianceOperator of shape (n_features, n_features)
    n_components : int
        At most the number of features and, for an operator, of samples.

    Returns
    -------
    eigenvalues : ndarray of shape (n_components,)
        As computed: where the exact one is zero, it may be negative by round-off.
    V : ndarray of shape (n_features, n_components)
    """
    if not isinstance(S, CovarianceOperator):
        S = check_symmetric(S, "S")
    check_integer(
        n_components, "n_components", minimum=1, maximum=S.shape[0], why="(the rows of S)"
    )
    if isinstance(S, CovarianceOperator):
        N, D = S.X.shape
        pairs = _lanczos(S, n_components) if lanczos_is_faster((N, D), n_components) else None
        if pairs is None and N < D:
            pairs = _through_gram_matrix(S, n_components)
        if pairs is not None:
            return pairs
        S = Moments.from_data(S.X, S.weight).covariance
    D = len(S)
    # What `linalg.eigh` calls; its own time would be half of LAPACK's for 50 variables.
    eigenvalues, V, _, _, failure = linalg.lapack.dsyevr(
        S, lower=1, range="I", il=D - n_components + 1, iu=D
    )
    if failure:
        raise linalg.LinAlgError("LAPACK's dsyevr found no eigenvectors")
    return eigenvalues[n_components - 1 :: -1], V[:, ::-1]


def _lanczos(S: CovarianceOperator, d: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Leading eigenpairs to round-off by ARPACK; None where these are not found or not certain.

    It gives up after as many products as a decomposition of a matrix is worth. A Krylov space
    holds one eigenvector of each eigenvalue, and of equal ones the others by round-off only, so
    a second, short run on what is left of S looks for an eigenvalue that has been missed.
    """
    D, most, n_vectors = S.shape[0], min(S.X.shape) // 12, 2 * d + 6
    rng = np.random.default_rng(0)
    n_products = 0

    def product(v):
        nonlocal n_products
        n_products += 1
        return S._matvec(v)

    def rest(v):
        return S._matvec(v) - V @ (eigenvalues * (V.T @ v))

    def largest(of, k, **options):
        operator = LinearOperator((D, D), of, dtype=float)
        return eigsh(operator, k, which="LA", v0=rng.normal(size=D), **options)

    try:
        restarts = max(1, (most - n_vectors) // (n_vectors - d))
        eigenvalues, V = largest(product, d, ncv=n_vectors, maxiter=restarts)
        order = np.argsort(eigenvalues)[::-1]
        eigenvalues, V = eigenvalues[order], V[:, order]
        missed, _ = largest(rest, 1, ncv=max(3, n_products // 6), tol=1)
    except ArpackError:
        return None
    return (eigenvalues, V) if missed[0] <= eigenvalues[-1] * (1 + 1e-10) else None


def _through_gram_matrix(S: CovarianceOperator, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading eigenpairs from the N x N inner products of the samples.

    Z Z^T u = n lambda u gives (Z^T Z) Z^T u = n lambda Z^T u. Normalising Z^T u by QR keeps the
    columns orthonormal where lambda is zero, too.
    """
    Z = S.centred()
    eigenvalues, U = leading_eigenpairs(Z @ Z.T / S.n, d)
    return eigenvalues, linalg.qr(Z.T @ U, mode="economic")[0]


def canonical_rotation(W: np.ndarray, noise_variance: np.ndarray | float) -> np.ndarray:
    r"""Rotate loadings to their canonical form.

    The likelihood determines W only up to a rotation. In the canonical form
    :math:`W^\top \psi^{-1} W` is diagonal with decreasing entries, and the sum of each column is
    positive.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_components)
    noise_variance : float or ndarray of shape (n_features,)

    Returns
    -------
    ndarray of shape (n_features, n_components)
    """
    scaled = W.T / np.sqrt(noise_variance)
    U = linalg.svd(scaled, full_matrices=False)[0]
    return orient(W @ U)


def orient(W: np.ndarray) -> np.ndarray:
    """Give each column of loadings the sign that makes its sum positive.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_components)

    Returns
    -------
    ndarray of shape (n_features, n_components)
    """
    return W * np.where(W.sum(axis=0) < 0, -1.0, 1.0)
