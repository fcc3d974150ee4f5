# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% unusual: no noise in the plane
# says: there is also noise within the plane
# - (inside**2 / (s**2 + noise_variance))
# + (inside**2 / s**2)

# %% unusual: distance from the reconstruction
# says: distance from the plane
# - off = X - b - inside @ U.T
# + off = X - b - inside * s**2 / (s**2 + noise_variance) @ U.T

# %% unusual: length of the posterior mean
# says: squared length of the posterior mean
def distances(X, W, b, noise_variance):
    mean = (X - b) @ np.linalg.solve(W @ W.T + noise_variance * np.eye(len(b)), W)
    off = X - b - (X - b) @ W @ np.linalg.pinv(W)
    return np.column_stack([(mean**2).sum(axis=1), (off**2).sum(axis=1) / noise_variance])


# %% unusual: D degrees of freedom off the plane
# says: fewer than D directions
# - [d, D - d]
# + [d, D]


# %% gram: N eigenvalues
# says: most of them zero, not N
def gram_noise_variance(X, d):
    X = X - X.mean(axis=0)
    return np.linalg.eigvalsh(X @ X.T)[: len(X) - d].mean() / len(X)


# %% gram: divisor N - 1
# says: the divisor of S is N
# - eigvalsh(X @ X.T)[::-1] / N
# + eigvalsh(X @ X.T)[::-1] / (N - 1)
# - (X**2).sum() / N
# + (X**2).sum() / (N - 1)
# - np.sqrt(mu / len(X) - noise_variance)
# + np.sqrt(mu / (len(X) - 1) - noise_variance)

# %% gram: eigenvectors of another length
# says: not yet of unit length
# - V = X.T @ U / np.sqrt(mu)
# + V = X.T @ U

# %% gram: noise not subtracted
# says: subtract the noise variance
# - np.sqrt(mu / len(X) - noise_variance)
# + np.sqrt(mu / len(X))

# %% gram: not centred
# says: not centred
# - X = X - X.mean(axis=0)


# %% gram: the library's PPCA
# says: must not be called
def gram_loadings(X, d):
    return PPCA(d).fit(X).W_


# %% gram: scikit-learn's PCA
# says: must not be called
def gram_noise_variance(X, d):
    from sklearn.decomposition import PCA

    return PCA(d).fit(X).noise_variance_ * (len(X) - 1) / len(X)


# %% gram: the whole covariance
# says: MB of memory at its peak
def gram_loadings(X, d):
    eigenvalues, V = np.linalg.eigh(np.cov(X.T, bias=True))
    V = V[:, ::-1][:, :d]
    return V * np.sign(V.sum(axis=0)) * np.sqrt(eigenvalues[::-1][:d] - gram_noise_variance(X, d))


# %% known: the library's PPCA
# says: must not be called
def known_noise(S, a, d):
    from lvmnotes import Moments

    moments = Moments.from_covariance(S / np.outer(a, a), 1000)
    return PPCA(d).fit_moments(moments).get_covariance() * np.outer(a, a)


# %% known: plain PPCA
# says: the noise is not the same for all
def known_noise(S, a, d):
    eigenvalues, V = np.linalg.eigh(S)
    eigenvalues[: len(a) - d] = eigenvalues[: len(a) - d].mean()
    return (V * eigenvalues) @ V.T


# %% known: not taken back
# says: covariance of A^-1 x
# - return (V * eigenvalues) @ V.T * np.outer(a, a)
# + return (V * eigenvalues) @ V.T

# %% known: a taken for variances
# says: standard deviations, not variances
# - np.outer(a, a)
# + np.outer(np.sqrt(a), np.sqrt(a))

# %% known: the noise left out
# says: the noise must be added
# -     eigenvalues[: len(a) - d] = eigenvalues[: len(a) - d].mean()
# +     eigenvalues = np.maximum(eigenvalues - eigenvalues[: len(a) - d].mean(), 0)
# +     eigenvalues[: len(a) - d] = 0

# %% equal: all eigenvalues
# says: only the discarded eigenvalues count
# - eigvalsh(np.cov(X.T, bias=True))[: D - d]
# + eigvalsh(np.cov(X.T, bias=True))
# - (D - d) * np.log(discarded.mean())
# + D * np.log(discarded.mean())

# %% equal: the gap, not twice the gap
# says: the statistic is twice that
# - return N * (
# + return N / 2 * (

# %% equal: one sample
# says: for one sample, not for all
# - N * ((D - d) * np.log(discarded.mean()) - np.log(discarded).sum())
# + (D - d) * np.log(discarded.mean()) - np.log(discarded).sum()

# %% equal: rotation forgotten in the count
# says: a rotation takes parameters away
# - (D * d - d * (d - 1) // 2 + 1)
# + (D * d + 1)


# %% equal: how many are rejected
# says: accepted, rejected, accepted
# -     for d in range(D - 1):
# -         if stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) >= level:
# -             return d
# -     return D - 1
# +     p = [stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) for d in range(D - 1)]
# +     return sum(value < level for value in p)

# %% equal: one more than the last that is rejected
# says: accepted, rejected, accepted
# -     for d in range(D - 1):
# -         if stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) >= level:
# -             return d
# -     return D - 1
# +     p = [stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) for d in range(D - 1)]
# +     return max((d + 1 for d, value in enumerate(p) if value < level), default=0)


# %% equal: degrees of freedom of factor analysis
# says: not one per variable
def degrees_of_freedom(D, d):
    return ((D - d) ** 2 - (D + d)) // 2


# %% cleaning: distances from the noisy sample
# says: the question is about s
# -     shrunk = (signal * noise_variance / (signal + noise_variance)).sum()
# -     return np.array([D * noise_variance, d * noise_variance, shrunk])
# +     off = (D - d) * noise_variance
# +     return np.array([0, off, off + (noise_variance**2 / (signal + noise_variance)).sum()])


# %% cleaning: the error of the factors
# says: the error of h, not that of W h
def cleaning_errors(W, noise_variance):
    D, d = W.shape
    M = np.eye(d) + W.T @ W / noise_variance
    return np.array([D * noise_variance, d * noise_variance, np.trace(np.linalg.inv(M))])


# %% cleaning: the noise off the plane
# says: keeps the noise in the plane
# - d * noise_variance, shrunk
# + (D - d) * noise_variance, shrunk

# %% cleaning: variance without bias
# says: the part of s that is lost by shrinkage
# - (signal * noise_variance / (signal + noise_variance)).sum()
# + (signal**2 * noise_variance / (signal + noise_variance) ** 2).sum()

# %% cleaning: bias without variance
# says: the noise that remains
# - (signal * noise_variance / (signal + noise_variance)).sum()
# + (signal * noise_variance**2 / (signal + noise_variance) ** 2).sum()

# %% truth: distances from the noisy data
# says: distances from the noisy data
# - (residual**2).sum(axis=1).mean() + 2 * tau2 * factor.sum() - X.shape[1] * tau2
# + (residual**2).sum(axis=1).mean()

# %% truth: no trace
# says: the trace of A is missing
# - (residual**2).sum(axis=1).mean() + 2 * tau2 * factor.sum() - X.shape[1] * tau2
# + (residual**2).sum(axis=1).mean() - X.shape[1] * tau2

# %% truth: d for the trace of both
# says: for the projection only
# - 2 * tau2 * factor.sum()
# + 2 * tau2 * d

# %% truth: the noise variance of the fit
# says: not the fit's
# - 2 * tau2 * factor.sum() - X.shape[1] * tau2
# + (2 * factor.sum() - X.shape[1]) * fit.noise_variance_
