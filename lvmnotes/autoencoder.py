"""Autoencoders: codes and reconstructions learned with the gradient of the error."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning

from .core.base import Codec
from .core.moments import Moments, checked_covariance, complete_moments, weighted_rows
from .core.validation import (
    check_integer,
    check_matrix,
    check_random_state,
    check_real,
    check_symmetric,
    check_vector,
)
from .core.warn import warn


class LinearAutoencoder(Codec):
    r"""A linear encoder and a linear decoder, trained by gradient descent.

    .. math::

        \mathbf h = W^\top (\mathbf x - \boldsymbol\mu), \qquad
        \hat{\mathbf x} = \mathbf b + V \mathbf h

    V and W are independent, their columns need not be orthonormal, and the data are not centred.
    The mean squared error depends on the data only through their mean and covariance, so the cost
    of a step does not depend on the number of samples: equations (eq-pca-error) and
    (eq-pca-gradient) of the chapter *The manifold view of PCA*. `PCA` has the same smallest error
    in closed form.

    Parameters
    ----------
    n_components : int, default 1
        Length d of a code, at most the number of variables.
    learning_rate : float, default 0.03
        Step length, in units of 1 / largest eigenvalue of the covariance.
    momentum : float, default 0.9
        Fraction of a step that is added to the next one; 0 is plain gradient descent.
    tol : float, default 1e-5
        Stop when the largest entry of the gradient falls below this, for data scaled to largest
        eigenvalue 1.
    max_iter : int, default 50000
    random_state : None, int or numpy.random.Generator
        Seed for the initial values: small random V and W, and mu and b at a distance of one
        standard deviation from the mean.

    Attributes
    ----------
    W_, V_ : ndarray of shape (n_features, n_components)
        Matrices of the encoder and of the decoder.
    mu_, b_ : ndarray of shape (n_features,)
        Offsets of the encoder and of the decoder.
    error_trace_ : ndarray
        Mean squared error at the start and after each step, in the squared unit of the data.
    n_iter_ : int

    Examples
    --------
    Points near a line: gradient descent reaches the least error, that of PCA.

    >>> import numpy as np
    >>> from lvmnotes import PCA, LinearAutoencoder
    >>> X = np.array([[0.0, 0.1], [1.0, 0.9], [2.0, 2.1], [3.0, 2.9]])
    >>> model = LinearAutoencoder(1, random_state=0).fit(X)
    >>> round(model.reconstruction_error(X) / PCA(1).fit(X).reconstruction_error(X), 3)
    1.0
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        learning_rate: float = 0.03,
        momentum: float = 0.9,
        tol: float = 1e-5,
        max_iter: int = 50_000,
        random_state=None,
    ):
        super().__init__(n_components)
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(
        self, X: ArrayLike, y=None, sample_weight: ArrayLike | None = None
    ) -> LinearAutoencoder:
        """Train on data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array_like of shape (n_samples,), optional
            A sample of weight 2 counts as two equal samples; none may be negative.

        Returns
        -------
        LinearAutoencoder
        """
        X = self._read(X, reset=True, dtype=(np.float64, np.float32), ensure_min_samples=2)
        X, sample_weight = weighted_rows(X, sample_weight)
        moments = complete_moments(X, sample_weight)
        return self._train(moments.mean, moments.covariance)

    def fit_moments(self, moments: Moments) -> LinearAutoencoder:
        """Train on the sufficient statistics alone.

        Parameters
        ----------
        moments : Moments

        Returns
        -------
        LinearAutoencoder
        """
        C = checked_covariance(moments, min_samples=0)
        self._set_n_features(len(C))
        return self._train(moments.mean, C)

    def _train(self, mean: np.ndarray, C: np.ndarray) -> LinearAutoencoder:
        D, d = len(mean), self.n_components
        self._check_n_components(D, "n_features")
        check_real(self.learning_rate, "learning_rate", minimum=0)
        check_real(self.momentum, "momentum", minimum=0, maximum=1)
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        rng = check_random_state(self.random_state)
        largest = np.linalg.norm(C, 2)
        scale = np.sqrt(largest) if largest > 0 else 1.0
        C, origin = C / scale**2, np.zeros(D)
        parameters: list[np.ndarray] = [
            *(0.5 * rng.normal(size=(2, D, d)) / np.sqrt(D)),
            *(rng.normal(size=(2, D)) / np.sqrt(D)),
        ]
        V, W, b, mu = parameters  # changed in place
        steps, trace = [0.0] * 4, []
        for _ in range(self.max_iter):
            error, gradient = _linear_error(V, W, b, mu, origin, C)
            trace.append(error)
            if not error <= 1e6 * trace[0]:  # NaN included
                raise ValueError(f"training diverged: lower learning_rate={self.learning_rate}")
            if max(np.abs(g).max() for g in gradient) < self.tol:
                break
            for i, g in enumerate(gradient):
                steps[i] = self.momentum * steps[i] - self.learning_rate * g
                parameters[i] += steps[i]
        else:
            trace.append(_linear_error(V, W, b, mu, origin, C)[0])
            warn(
                f"gradient descent stopped at max_iter={self.max_iter}; raise max_iter or tol",
                ConvergenceWarning,
            )
        self.V_, self.W_ = V, W
        self.b_, self.mu_ = mean + scale * b, mean + scale * mu
        self.error_trace_ = scale**2 * np.array(trace)
        self.n_iter_ = len(trace) - 1
        return self

    def _encode(self, X: np.ndarray) -> np.ndarray:
        return (X - self.mu_) @ self.W_

    def _decode(self, H: np.ndarray) -> np.ndarray:
        return self.b_ + H @ self.V_.T


def linear_error(
    V: np.ndarray,
    W: np.ndarray,
    b: np.ndarray,
    mu: np.ndarray,
    mean: np.ndarray,
    C: np.ndarray,
) -> tuple[float, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    r"""Mean squared error of a linear autoencoder, with its gradient.

    With :math:`R = I - V W^\top` and the mean error
    :math:`\mathbf e = R\,\mathbb E[\mathbf x] - (\mathbf b - V W^\top \boldsymbol\mu)`, the error
    is :math:`\operatorname{tr}(R C R^\top) + \lVert \mathbf e \rVert^2`.

    Parameters
    ----------
    V, W : ndarray of shape (n_features, n_components)
        Decoder and encoder.
    b, mu : ndarray of shape (n_features,)
        Their offsets.
    mean : ndarray of shape (n_features,)
        Mean of the data.
    C : ndarray of shape (n_features, n_features)
        Covariance of the data.

    Returns
    -------
    error : float
    gradient : tuple of ndarray
        With respect to V, W, b and mu.
    """
    V = check_matrix(V, "V")
    D, d = V.shape
    W, C = check_matrix(W, "W", (D, d)), check_symmetric(C, "C", D)
    b, mu = check_vector(b, "b", D), check_vector(mu, "mu", D)
    mean = check_vector(mean, "mean", D)
    return _linear_error(V, W, b, mu, mean, C)


def _linear_error(V, W, b, mu, mean, C):
    """Return what `linear_error` does, for arguments known to be right."""
    away = mean - mu
    e = mean - b - V @ (W.T @ away)
    RC = C - V @ (W.T @ C)
    error = np.trace(RC) - ((RC @ W) * V).sum() + e @ e
    gradient = (
        -2 * (RC @ W + np.outer(e, W.T @ away)),
        -2 * (RC.T @ V + np.outer(away, V.T @ e)),
        -2 * e,
        2 * W @ (V.T @ e),
    )
    return float(error), gradient


class Autoencoder(Codec):
    r"""A small nonlinear autoencoder with a hidden layer in the encoder and in the decoder.

    .. math::

        \mathbf h = W_2^\top \tanh(W_1^\top \mathbf z + \mathbf c_1) + \mathbf c_2, \qquad
        \hat{\mathbf z} = W_4^\top \tanh(W_3^\top \mathbf h + \mathbf c_3) + \mathbf c_4

    (Kramer 1991), where z is x minus its mean, divided by the square root of the mean variance.
    All weights are fitted together by a quasi-Newton method (L-BFGS), which minimises the mean
    squared error plus `weight_decay` times the sum of the squared weights. The error has local
    minima, so another `random_state` may give a better fit.

    Parameters
    ----------
    n_components : int, default 1
        Length d of a code.
    n_hidden : int, default 16
        Number of hidden units in the encoder, and in the decoder.
    weight_decay : float, default 0.0001
    tol : float, default 1e-6
        Stop when the relative gain of a step falls below this.
    max_iter : int, default 5000
    random_state : None, int or numpy.random.Generator
        Seed for the initial values.

    Attributes
    ----------
    layers_ : list of (ndarray, ndarray)
        W_k and c_k of the four layers.
    b_ : ndarray of shape (n_features,)
        Mean of the training data.
    scale_ : float
        Square root of the mean variance of the training data.
    n_iter_ : int

    Examples
    --------
    Points on a circle have one coordinate, the angle, which no straight line gives:

    >>> import numpy as np
    >>> from lvmnotes import PCA, Autoencoder
    >>> angle = np.linspace(-2, 2, 50)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> error = Autoencoder(1, random_state=0).fit(X).reconstruction_error(X)
    >>> bool(error < 0.1 * PCA(1).fit(X).reconstruction_error(X))
    True
    """

    _fitted_attribute = "layers_"

    def __init__(
        self,
        n_components: int = 1,
        n_hidden: int = 16,
        *,
        weight_decay: float = 1e-4,
        tol: float = 1e-6,
        max_iter: int = 5000,
        random_state=None,
    ):
        super().__init__(n_components)
        self.n_hidden = n_hidden
        self.weight_decay = weight_decay
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state

    def fit(self, X: ArrayLike, y=None) -> Autoencoder:
        """Train on data.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        Autoencoder
        """
        X = self._read(X, reset=True, ensure_min_samples=2)
        D = X.shape[1]
        self._check_n_components(D, "n_features")
        check_integer(self.n_hidden, "n_hidden", minimum=1)
        check_real(self.weight_decay, "weight_decay", minimum=0)
        check_real(self.tol, "tol", minimum=0)
        check_integer(self.max_iter, "max_iter", minimum=1)
        rng = check_random_state(self.random_state)
        self.b_ = X.mean(axis=0)
        self.scale_ = float(np.sqrt(X.var(axis=0).mean())) or 1.0
        sizes = [D, self.n_hidden, self.n_components, self.n_hidden, D]
        start = np.concatenate(
            [np.r_[rng.normal(size=m * n) / np.sqrt(m), np.zeros(n)] for m, n in pairwise(sizes)]
        )
        result = optimize.minimize(
            _network_error,
            start,
            args=((X - self.b_) / self.scale_, sizes, self.weight_decay),
            jac=True,
            method="L-BFGS-B",
            options={
                "ftol": self.tol,
                "gtol": 0,
                "maxcor": 30,
                "maxiter": self.max_iter,
                "maxfun": 10 * self.max_iter,
            },
        )
        if result.nit >= self.max_iter:
            warn(
                f"training stopped at max_iter={self.max_iter}; raise max_iter or tol",
                ConvergenceWarning,
            )
        self.layers_ = _layers(result.x, sizes)
        self.n_iter_ = result.nit
        return self

    @property
    def _n_features_out(self) -> int:
        self._check_fitted()
        return self.layers_[1][1].size

    def _encode(self, X: np.ndarray) -> np.ndarray:
        return _through(self.layers_[:2], (X - self.b_) / self.scale_)[-1]

    def _decode(self, H: np.ndarray) -> np.ndarray:
        return self.b_ + self.scale_ * _through(self.layers_[2:], H)[-1]


def network_error(
    theta: np.ndarray, Z: np.ndarray, sizes: Sequence[int], weight_decay: float = 0.0
) -> tuple[float, np.ndarray]:
    r"""Mean squared error of the network of `Autoencoder`, with its gradient by the chain rule.

    Parameters
    ----------
    theta : ndarray of shape (n_weights,)
        W_1, c_1, ..., W_4, c_4, flattened row by row and concatenated.
    Z : ndarray of shape (n_samples, n_features)
        Both input and target.
    sizes : sequence of five int
        Units of the layers from input to output.
    weight_decay : float
        Factor of the squared norm of the matrices W_k, which is added to the error.

    Returns
    -------
    error : float
    gradient : ndarray of shape (n_weights,)
    """
    check_vector(sizes, "sizes", 5)
    for size in sizes:
        check_integer(size, "sizes", minimum=1)
    n_weights = sum((m + 1) * n for m, n in pairwise(sizes))
    theta, Z = check_vector(theta, "theta", n_weights), check_matrix(Z, "Z", (None, sizes[0]))
    check_real(weight_decay, "weight_decay", minimum=0)
    return _network_error(theta, Z, sizes, weight_decay)


def _network_error(theta, Z, sizes, weight_decay):
    """Return what `network_error` does, for arguments known to be right."""
    layers = _layers(theta, sizes)
    activations = [Z, *_through(layers, Z)]
    residual = activations[-1] - Z
    penalty = sum((W**2).sum() for W, _ in layers)
    g = 2 * residual / len(Z)
    gradient = []
    for k in reversed(range(4)):
        W, _ = layers[k]
        if k % 2 == 0:
            g = g * (1 - activations[k + 1] ** 2)
        gradient += [g.sum(axis=0), (activations[k].T @ g + 2 * weight_decay * W).ravel()]
        g = g @ W.T
    return (residual**2).sum() / len(Z) + weight_decay * penalty, np.concatenate(gradient[::-1])


def _layers(theta: np.ndarray, sizes: Sequence[int]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split a vector of weights into the matrix (m, n) and the offset (n,) of each layer."""
    layers, start = [], 0
    for m, n in pairwise(sizes):
        layers.append((theta[start : start + m * n].reshape(m, n), theta[start + m * n :][:n]))
        start += (m + 1) * n
    return layers


def _through(layers: list[tuple[np.ndarray, np.ndarray]], A: np.ndarray) -> list[np.ndarray]:
    """Return the outputs of the layers; those of the first and the third go through tanh."""
    outputs = []
    for k, (W, c) in enumerate(layers):
        A = A @ W + c
        outputs.append(np.tanh(A) if k % 2 == 0 else A)
        A = outputs[-1]
    return outputs
