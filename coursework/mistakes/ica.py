# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% kurtosis: the fourth cumulant, not divided
# says: divide by the square of the variance
# - return (a**4 * kappa).sum() / (a**2).sum() ** 2
# + return (a**4 * kappa).sum()

# %% kurtosis: divided by the variance
# says: not by the variance
# - return (a**4 * kappa).sum() / (a**2).sum() ** 2
# + return (a**4 * kappa).sum() / (a**2).sum()

# %% kurtosis: cumulants with the second power
# says: cumulants of order four go with the fourth power
# - return (a**4 * kappa).sum() / (a**2).sum() ** 2
# + return (a**2 * kappa).sum() / (a**2).sum() ** 2

# %% kurtosis: halves instead of quarters
# says: a quarter each, not a half
# - return kappa_1 * kappa_2 / (kappa_1 + kappa_2)
# + return (kappa_1 + kappa_2) / 2

# %% kurtosis: always 45 degrees
# says: for equal kurtoses only
# - return kappa_1 * kappa_2 / (kappa_1 + kappa_2)
# + return (kappa_1 + kappa_2) / 4

# %% whiten: by the principal axes
# says: it is not symmetric
# - return V / np.sqrt(eigenvalues) @ V.T
# + return (V * np.sign(V[0]) / np.sqrt(eigenvalues)).T

# %% whiten: the inverse, without the root
# says: not of its root
# - return V / np.sqrt(eigenvalues) @ V.T
# + return V / eigenvalues @ V.T

# %% whiten: the root, not its inverse
# says: colours white data
# - return V / np.sqrt(eigenvalues) @ V.T
# + return V * np.sqrt(eigenvalues) @ V.T

# %% whiten: the divisor N - 1
# says: the divisor is N
# - eigenvalues, V = np.linalg.eigh(np.cov(X.T, bias=True))
# + eigenvalues, V = np.linalg.eigh(np.cov(X.T))

# %% whiten: the unmixing matrix
# says: this is the unmixing matrix
# - return np.linalg.solve(K, Q)  # K W h = Q h
# + return Q.T @ K

# %% likelihood: without the determinant
# says: where is the determinant?
# - return log_p.sum(axis=1).mean() + np.linalg.slogdet(B)[1]
# + return log_p.sum(axis=1).mean()

# %% likelihood: divided by the determinant
# says: its determinant multiplies the density
# - return log_p.sum(axis=1).mean() + np.linalg.slogdet(B)[1]
# + return log_p.sum(axis=1).mean() - np.linalg.slogdet(B)[1]

# %% likelihood: the mean over the sources
# says: both sources count
# - return log_p.sum(axis=1).mean() + np.linalg.slogdet(B)[1]
# + return log_p.mean() + np.linalg.slogdet(B)[1]

# %% likelihood: an exponential that overflows
# says: the log-likelihood (20 samples of 3 variables)
# - log_p = -np.abs(H) - 2 * np.log1p(np.exp(-np.abs(H)))
# + log_p = -H - 2 * np.log1p(np.exp(-H))

# %% likelihood: the gradient transposed
# says: row i belongs to the source whose density is differentiated
# - return np.eye(len(B)) - np.tanh(H / 2).T @ H / len(X)
# + return np.eye(len(B)) - H.T @ np.tanh(H / 2) / len(X)

# %% likelihood: the score of another density
# says: tanh(h/2), not tanh(h)
# - return np.eye(len(B)) - np.tanh(H / 2).T @ H / len(X)
# + return np.eye(len(B)) - np.tanh(H).T @ H / len(X)

# %% likelihood: the gradient without the determinant
# says: the determinant contributes the identity
# - return np.eye(len(B)) - np.tanh(H / 2).T @ H / len(X)
# + return -np.tanh(H / 2).T @ H / len(X)

# %% step: rows of length 1
# says: orthonormal rows, not rows of length 1
# - return U @ Vt
# + return B / np.linalg.norm(B, axis=1, keepdims=True)

# %% step: Gram-Schmidt
# says: treat them alike
# - return U @ Vt
# + return np.linalg.qr(B.T)[0].T

# %% step: without the second term
# says: the second term is missing
# - B = Y.T @ Z / len(Z) - (1 - Y**2).mean(axis=0)[:, None] * B
# + B = Y.T @ Z / len(Z)

# %% step: the derivative without the square
# says: the derivative of tanh is 1 - tanh^2
# - B = Y.T @ Z / len(Z) - (1 - Y**2).mean(axis=0)[:, None] * B
# + B = Y.T @ Z / len(Z) - (1 - Y).mean(axis=0)[:, None] * B

# %% curvature: one source alone
# says: both sources turn
# - return m(values_1, probabilities_1) + m(values_2, probabilities_2)
# + return m(values_1, probabilities_1)

# %% curvature: without the first derivative
# says: counts, too
# - return p @ (h * np.tanh(h)) - p @ (1 - np.tanh(h) ** 2)
# + return -p @ (1 - np.tanh(h) ** 2)

# %% curvature: the sign of G
# says: G is minus the logarithm of cosh
# - return p @ (h * np.tanh(h)) - p @ (1 - np.tanh(h) ** 2)
# + return p @ (1 - np.tanh(h) ** 2) - p @ (h * np.tanh(h))

# %% curvature: values not weighted
# says: the mean over the values needs their probabilities
# - return p @ (h * np.tanh(h)) - p @ (1 - np.tanh(h) ** 2)
# + return np.sum(h * np.tanh(h)) - np.sum(1 - np.tanh(h) ** 2)

# %% amari: without absolute values
# says: signs do not count
# - A, d = np.abs(P), len(P)
# + A, d = P, len(P)

# %% amari: the rows alone
# says: the rows alone are half of it
# - return (rows.sum() + columns.sum()) / (2 * d * (d - 1))
# + return rows.sum() / (2 * d * (d - 1))

# %% amari: not divided
# says: divide by 2 d (d - 1)
# - return (rows.sum() + columns.sum()) / (2 * d * (d - 1))
# + return rows.sum() + columns.sum()
