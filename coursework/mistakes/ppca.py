# %% unusual: no noise in the plane
# says: in the plane there is noise too
def distances(X, W, b, noise_variance):
    U, s, _ = np.linalg.svd(W, full_matrices=False)
    inside = (X - b) @ U
    off = X - b - inside @ U.T
    return np.column_stack([(inside**2 / s**2).sum(axis=1), (off**2).sum(axis=1) / noise_variance])


def p_values(X, W, b, noise_variance):
    D, d = W.shape
    return stats.chi2.sf(distances(X, W, b, noise_variance), [d, D - d])


# %% unusual: distance from the reconstruction
# says: distance from the plane
def distances(X, W, b, noise_variance):
    U, s, _ = np.linalg.svd(W, full_matrices=False)
    inside = (X - b) @ U
    off = X - b - inside * s**2 / (s**2 + noise_variance) @ U.T
    return np.column_stack(
        [(inside**2 / (s**2 + noise_variance)).sum(axis=1), (off**2).sum(axis=1) / noise_variance]
    )


def p_values(X, W, b, noise_variance):
    D, d = W.shape
    return stats.chi2.sf(distances(X, W, b, noise_variance), [d, D - d])


# %% unusual: length of the posterior mean
# says: squared length of the posterior mean
def distances(X, W, b, noise_variance):
    mean = (X - b) @ np.linalg.solve(W @ W.T + noise_variance * np.eye(len(b)), W)
    off = X - b - (X - b) @ W @ np.linalg.pinv(W)
    return np.column_stack([(mean**2).sum(axis=1), (off**2).sum(axis=1) / noise_variance])


def p_values(X, W, b, noise_variance):
    D, d = W.shape
    return stats.chi2.sf(distances(X, W, b, noise_variance), [d, D - d])


# %% unusual: D degrees of freedom off the plane
# says: fewer than D directions
def distances(X, W, b, noise_variance):
    U, s, _ = np.linalg.svd(W, full_matrices=False)
    inside = (X - b) @ U
    off = X - b - inside @ U.T
    return np.column_stack(
        [(inside**2 / (s**2 + noise_variance)).sum(axis=1), (off**2).sum(axis=1) / noise_variance]
    )


def p_values(X, W, b, noise_variance):
    D, d = W.shape
    return stats.chi2.sf(distances(X, W, b, noise_variance), [d, D])


# %% gram: N eigenvalues
# says: most of them zero, not N
def gram_noise_variance(X, d):
    X = X - X.mean(axis=0)
    return np.linalg.eigvalsh(X @ X.T)[: len(X) - d].mean() / len(X)


def gram_loadings(X, d):
    noise_variance = gram_noise_variance(X, d)
    X = X - X.mean(axis=0)
    mu, U = np.linalg.eigh(X @ X.T)
    mu, U = mu[::-1][:d], U[:, ::-1][:, :d]
    V = X.T @ U / np.sqrt(mu)
    return V * np.sign(V.sum(axis=0)) * np.sqrt(mu / len(X) - noise_variance)


# %% gram: divisor N - 1
# says: the divisor of S is N
def gram_noise_variance(X, d):
    N, D = X.shape
    X = X - X.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(X @ X.T)[::-1] / (N - 1)
    return ((X**2).sum() / (N - 1) - eigenvalues[:d].sum()) / (D - d)


def gram_loadings(X, d):
    noise_variance = gram_noise_variance(X, d)
    X = X - X.mean(axis=0)
    mu, U = np.linalg.eigh(X @ X.T)
    mu, U = mu[::-1][:d], U[:, ::-1][:, :d]
    V = X.T @ U / np.sqrt(mu)
    return V * np.sign(V.sum(axis=0)) * np.sqrt(mu / (len(X) - 1) - noise_variance)


# %% gram: eigenvectors of another length
# says: not yet of unit length
def gram_noise_variance(X, d):
    N, D = X.shape
    X = X - X.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(X @ X.T)[::-1] / N
    return ((X**2).sum() / N - eigenvalues[:d].sum()) / (D - d)


def gram_loadings(X, d):
    noise_variance = gram_noise_variance(X, d)
    X = X - X.mean(axis=0)
    mu, U = np.linalg.eigh(X @ X.T)
    mu, U = mu[::-1][:d], U[:, ::-1][:, :d]
    V = X.T @ U
    return V * np.sign(V.sum(axis=0)) * np.sqrt(mu / len(X) - noise_variance)


# %% gram: noise not subtracted
# says: subtract the noise variance
def gram_noise_variance(X, d):
    N, D = X.shape
    X = X - X.mean(axis=0)
    eigenvalues = np.linalg.eigvalsh(X @ X.T)[::-1] / N
    return ((X**2).sum() / N - eigenvalues[:d].sum()) / (D - d)


def gram_loadings(X, d):
    X = X - X.mean(axis=0)
    mu, U = np.linalg.eigh(X @ X.T)
    mu, U = mu[::-1][:d], U[:, ::-1][:, :d]
    V = X.T @ U / np.sqrt(mu)
    return V * np.sign(V.sum(axis=0)) * np.sqrt(mu / len(X))


# %% gram: not centred
# says: not centred
def gram_noise_variance(X, d):
    N, D = X.shape
    eigenvalues = np.linalg.eigvalsh(X @ X.T)[::-1] / N
    return ((X**2).sum() / N - eigenvalues[:d].sum()) / (D - d)


def gram_loadings(X, d):
    noise_variance = gram_noise_variance(X, d)
    mu, U = np.linalg.eigh(X @ X.T)
    mu, U = mu[::-1][:d], U[:, ::-1][:, :d]
    V = X.T @ U / np.sqrt(mu)
    return V * np.sign(V.sum(axis=0)) * np.sqrt(mu / len(X) - noise_variance)


# %% known: plain PPCA
# says: the noise is not the same for all
def known_noise(S, a, d):
    eigenvalues, V = np.linalg.eigh(S)
    eigenvalues[: len(a) - d] = eigenvalues[: len(a) - d].mean()
    return (V * eigenvalues) @ V.T


# %% known: not taken back
# says: covariance of A^-1 x
def known_noise(S, a, d):
    eigenvalues, V = np.linalg.eigh(S / np.outer(a, a))
    eigenvalues[: len(a) - d] = eigenvalues[: len(a) - d].mean()
    return (V * eigenvalues) @ V.T


# %% known: a taken for variances
# says: standard deviations, not variances
def known_noise(S, a, d):
    a = np.sqrt(a)
    eigenvalues, V = np.linalg.eigh(S / np.outer(a, a))
    eigenvalues[: len(a) - d] = eigenvalues[: len(a) - d].mean()
    return (V * eigenvalues) @ V.T * np.outer(a, a)


# %% known: the noise left out
# says: the noise comes on top
def known_noise(S, a, d):
    eigenvalues, V = np.linalg.eigh(S / np.outer(a, a))
    eigenvalues = np.maximum(eigenvalues - eigenvalues[: len(a) - d].mean(), 0)
    eigenvalues[: len(a) - d] = 0
    return (V * eigenvalues) @ V.T * np.outer(a, a)


# %% equal: all eigenvalues
# says: only the discarded eigenvalues count
def statistic(X, d):
    N, D = X.shape
    eigenvalues = np.linalg.eigvalsh(np.cov(X.T, bias=True))
    return N * (D * np.log(eigenvalues.mean()) - np.log(eigenvalues).sum())


def degrees_of_freedom(D, d):
    return D * (D + 1) // 2 - (D * d - d * (d - 1) // 2 + 1)


def enough(X, level):
    D = X.shape[1]
    for d in range(D - 1):
        if stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) >= level:
            return d
    return D - 1


# %% equal: the gap, not twice the gap
# says: the statistic is twice that
def statistic(X, d):
    N, D = X.shape
    discarded = np.linalg.eigvalsh(np.cov(X.T, bias=True))[: D - d]
    return N / 2 * ((D - d) * np.log(discarded.mean()) - np.log(discarded).sum())


def degrees_of_freedom(D, d):
    return D * (D + 1) // 2 - (D * d - d * (d - 1) // 2 + 1)


def enough(X, level):
    D = X.shape[1]
    for d in range(D - 1):
        if stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) >= level:
            return d
    return D - 1


# %% equal: one sample
# says: for one sample, not for all
def statistic(X, d):
    D = X.shape[1]
    discarded = np.linalg.eigvalsh(np.cov(X.T, bias=True))[: D - d]
    return (D - d) * np.log(discarded.mean()) - np.log(discarded).sum()


def degrees_of_freedom(D, d):
    return D * (D + 1) // 2 - (D * d - d * (d - 1) // 2 + 1)


def enough(X, level):
    D = X.shape[1]
    for d in range(D - 1):
        if stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) >= level:
            return d
    return D - 1


# %% equal: rotation forgotten in the count
# says: a rotation takes parameters away
def statistic(X, d):
    N, D = X.shape
    discarded = np.linalg.eigvalsh(np.cov(X.T, bias=True))[: D - d]
    return N * ((D - d) * np.log(discarded.mean()) - np.log(discarded).sum())


def degrees_of_freedom(D, d):
    return D * (D + 1) // 2 - (D * d + 1)


def enough(X, level):
    D = X.shape[1]
    for d in range(D - 1):
        if stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) >= level:
            return d
    return D - 1


# %% equal: degrees of freedom of factor analysis
# says: not one a variable
def statistic(X, d):
    N, D = X.shape
    discarded = np.linalg.eigvalsh(np.cov(X.T, bias=True))[: D - d]
    return N * ((D - d) * np.log(discarded.mean()) - np.log(discarded).sum())


def degrees_of_freedom(D, d):
    return ((D - d) ** 2 - (D + d)) // 2


def enough(X, level):
    D = X.shape[1]
    for d in range(D - 1):
        if stats.chi2.sf(statistic(X, d), degrees_of_freedom(D, d)) >= level:
            return d
    return D - 1


# %% cleaning: distances from the noisy sample
# says: the question is about s
def cleaning_errors(W, noise_variance):
    D, d = W.shape
    signal = np.linalg.svd(W, compute_uv=False) ** 2
    off = (D - d) * noise_variance
    return np.array([0, off, off + (noise_variance**2 / (signal + noise_variance)).sum()])


# %% cleaning: the error of the factors
# says: the error of h, not that of W h
def cleaning_errors(W, noise_variance):
    D, d = W.shape
    M = np.eye(d) + W.T @ W / noise_variance
    return np.array([D * noise_variance, d * noise_variance, np.trace(np.linalg.inv(M))])


# %% cleaning: the noise off the plane
# says: keeps the noise in the plane
def cleaning_errors(W, noise_variance):
    D, d = W.shape
    signal = np.linalg.svd(W, compute_uv=False) ** 2
    shrunk = (signal * noise_variance / (signal + noise_variance)).sum()
    return np.array([D * noise_variance, (D - d) * noise_variance, shrunk])


# %% cleaning: variance without bias
# says: the part of s that shrinkage takes away
def cleaning_errors(W, noise_variance):
    D, d = W.shape
    signal = np.linalg.svd(W, compute_uv=False) ** 2
    factor = signal / (signal + noise_variance)
    return np.array([D * noise_variance, d * noise_variance, (factor**2 * noise_variance).sum()])


# %% cleaning: bias without variance
# says: the noise that gets through
def cleaning_errors(W, noise_variance):
    D, d = W.shape
    signal = np.linalg.svd(W, compute_uv=False) ** 2
    factor = signal / (signal + noise_variance)
    return np.array([D * noise_variance, d * noise_variance, ((1 - factor) ** 2 * signal).sum()])


# %% truth: distances from the noisy data
# says: distances from the noisy data
def estimated_errors(X, tau2, d):
    fit = PPCA(d).fit(X)
    projected = (X - fit.b_) @ fit.W_ @ np.linalg.pinv(fit.W_)
    mean = fit.transform(X) @ fit.W_.T
    return np.array([((X - fit.b_ - s) ** 2).sum(axis=1).mean() for s in (projected, mean)])


# %% truth: no trace
# says: the trace of A is missing
def estimated_errors(X, tau2, d):
    fit = PPCA(d).fit(X)
    projected = (X - fit.b_) @ fit.W_ @ np.linalg.pinv(fit.W_)
    mean = fit.transform(X) @ fit.W_.T
    residual = [((X - fit.b_ - s) ** 2).sum(axis=1).mean() for s in (projected, mean)]
    return np.array(residual) - X.shape[1] * tau2


# %% truth: d for the trace of both
# says: for the projection only
def estimated_errors(X, tau2, d):
    fit = PPCA(d).fit(X)
    projected = (X - fit.b_) @ fit.W_ @ np.linalg.pinv(fit.W_)
    mean = fit.transform(X) @ fit.W_.T
    residual = [((X - fit.b_ - s) ** 2).sum(axis=1).mean() for s in (projected, mean)]
    return np.array(residual) + 2 * d * tau2 - X.shape[1] * tau2


# %% truth: the noise variance of the fit
# says: not the fit's
def estimated_errors(X, tau2, d):
    fit = PPCA(d).fit(X)
    U, s, _ = np.linalg.svd(fit.W_, full_matrices=False)
    errors = []
    for factor in (np.ones(d), s**2 / (s**2 + fit.noise_variance_)):
        residual = X - fit.b_ - (X - fit.b_) @ (U * factor @ U.T)
        excess = 2 * factor.sum() - X.shape[1]
        errors.append((residual**2).sum(axis=1).mean() + excess * fit.noise_variance_)
    return np.array(errors)
