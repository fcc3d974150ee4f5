# %% mean: lam for lam / 2 in the exponent
# says: the exponent of the prior is lam / 2
def probability_positive(z, lam, beta):
    right, left = z - lam / beta, z + lam / beta
    log_right = beta / 2 * right**2 + special.log_ndtr(np.sqrt(beta) * right)
    log_left = beta / 2 * left**2 + special.log_ndtr(-np.sqrt(beta) * left)
    return special.expit(log_right - log_left)


def posterior_mean(z, lam, beta):
    return z - lam / (2 * beta) * (2 * probability_positive(z, lam, beta) - 1)


# %% mean: weights without the completed square
# says: the pieces are of different heights
def probability_positive(z, lam, beta):
    right, left = z - lam / (2 * beta), z + lam / (2 * beta)
    log_right = special.log_ndtr(np.sqrt(beta) * right)
    log_left = special.log_ndtr(-np.sqrt(beta) * left)
    return special.expit(log_right - log_left)


def posterior_mean(z, lam, beta):
    return z - lam / (2 * beta) * (2 * probability_positive(z, lam, beta) - 1)


# %% mean: probability without the prior
# says: without the prior
def probability_positive(z, lam, beta):
    return special.ndtr(np.sqrt(beta) * z)


def posterior_mean(z, lam, beta):
    return z - lam / (2 * beta) * (2 * probability_positive(z, lam, beta) - 1)


# %% mean: the mode
# says: this is the most probable code
def probability_positive(z, lam, beta):
    right, left = z - lam / (2 * beta), z + lam / (2 * beta)
    log_right = beta / 2 * right**2 + special.log_ndtr(np.sqrt(beta) * right)
    log_left = beta / 2 * left**2 + special.log_ndtr(-np.sqrt(beta) * left)
    return special.expit(log_right - log_left)


def posterior_mean(z, lam, beta):
    return np.sign(z) * np.maximum(np.abs(z) - lam / (2 * beta), 0)


# %% mean: the probability for the mean sign
# says: not P(h > 0)
def probability_positive(z, lam, beta):
    right, left = z - lam / (2 * beta), z + lam / (2 * beta)
    log_right = beta / 2 * right**2 + special.log_ndtr(np.sqrt(beta) * right)
    log_left = beta / 2 * left**2 + special.log_ndtr(-np.sqrt(beta) * left)
    return special.expit(log_right - log_left)


def posterior_mean(z, lam, beta):
    return z - lam / (2 * beta) * probability_positive(z, lam, beta)


# %% mean: pull away from zero
# says: the prior pulls towards zero
def probability_positive(z, lam, beta):
    right, left = z - lam / (2 * beta), z + lam / (2 * beta)
    log_right = beta / 2 * right**2 + special.log_ndtr(np.sqrt(beta) * right)
    log_left = beta / 2 * left**2 + special.log_ndtr(-np.sqrt(beta) * left)
    return special.expit(log_right - log_left)


def posterior_mean(z, lam, beta):
    return z + lam / (2 * beta) * (2 * probability_positive(z, lam, beta) - 1)


# %% mean: exponentials without logarithms
# says: NaN
def probability_positive(z, lam, beta):
    right, left = z - lam / (2 * beta), z + lam / (2 * beta)
    with np.errstate(over="ignore", invalid="ignore"):
        weight_right = np.exp(beta / 2 * right**2) * special.ndtr(np.sqrt(beta) * right)
        weight_left = np.exp(beta / 2 * left**2) * special.ndtr(-np.sqrt(beta) * left)
        return weight_right / (weight_right + weight_left)


def posterior_mean(z, lam, beta):
    return z - lam / (2 * beta) * (2 * probability_positive(z, lam, beta) - 1)


# %% scales: variances for standard deviations
# says: divide by the standard deviation
def encode(X, W, lams, noise_variance, b):
    sigma = noise_variance
    return sparse_encode((X - b) / sigma, W / sigma[:, None] / lams, 1.0) / lams


# %% scales: u for h
# says: this is u, not yet h
def encode(X, W, lams, noise_variance, b):
    sigma = np.sqrt(noise_variance)
    return sparse_encode((X - b) / sigma, W / sigma[:, None] / lams, 1.0)


# %% scales: lam the wrong way round
# says: a large lam is a strong penalty
def encode(X, W, lams, noise_variance, b):
    sigma = np.sqrt(noise_variance)
    return sparse_encode((X - b) / sigma, W / sigma[:, None] * lams, 1.0) * lams


# %% scales: noise variances forgotten
# says: the noise variances have no effect
def encode(X, W, lams, noise_variance, b):
    return sparse_encode(X - b, W / lams, 1.0) / lams


# %% scales: offset forgotten
# says: subtract b
def encode(X, W, lams, noise_variance, b):
    sigma = np.sqrt(noise_variance)
    return sparse_encode(X / sigma, W / sigma[:, None] / lams, 1.0) / lams


# %% screen: the gap for the radius
# says: this is the gap
def radius(x, W, h, lam, beta):
    return duality_gap(x[None], h[None], W, lam, beta)[0]


def certainly_zero(x, W, h, lam, beta):
    r = x - W @ h
    theta = r * min(1, lam / (2 * beta * np.abs(W.T @ r).max()))
    reach = np.linalg.norm(W, axis=0) * radius(x, W, h, lam, beta)
    return 2 * beta * (np.abs(W.T @ theta) + reach) < lam


# %% screen: no square root
# says: the gap bounds a square
def radius(x, W, h, lam, beta):
    return duality_gap(x[None], h[None], W, lam, beta)[0] / beta


def certainly_zero(x, W, h, lam, beta):
    r = x - W @ h
    theta = r * min(1, lam / (2 * beta * np.abs(W.T @ r).max()))
    reach = np.linalg.norm(W, axis=0) * radius(x, W, h, lam, beta)
    return 2 * beta * (np.abs(W.T @ theta) + reach) < lam


# %% screen: beta forgotten
# says: beta is missing
def radius(x, W, h, lam, beta):
    return np.sqrt(max(duality_gap(x[None], h[None], W, lam, beta)[0], 0))


def certainly_zero(x, W, h, lam, beta):
    r = x - W @ h
    theta = r * min(1, lam / (2 * beta * np.abs(W.T @ r).max()))
    reach = np.linalg.norm(W, axis=0) * radius(x, W, h, lam, beta)
    return 2 * beta * (np.abs(W.T @ theta) + reach) < lam


# %% screen: half of the curvature
# says: not by half of it
def radius(x, W, h, lam, beta):
    return np.sqrt(2 * max(duality_gap(x[None], h[None], W, lam, beta)[0], 0) / beta)


def certainly_zero(x, W, h, lam, beta):
    r = x - W @ h
    theta = r * min(1, lam / (2 * beta * np.abs(W.T @ r).max()))
    reach = np.linalg.norm(W, axis=0) * radius(x, W, h, lam, beta)
    return 2 * beta * (np.abs(W.T @ theta) + reach) < lam


# %% screen: zeros of h for zeros of h*
# says: a zero in h is no proof
def radius(x, W, h, lam, beta):
    return np.sqrt(max(duality_gap(x[None], h[None], W, lam, beta)[0], 0) / beta)


def certainly_zero(x, W, h, lam, beta):
    return h == 0


# %% screen: no interval
# says: the interval has a width
def radius(x, W, h, lam, beta):
    return np.sqrt(max(duality_gap(x[None], h[None], W, lam, beta)[0], 0) / beta)


def certainly_zero(x, W, h, lam, beta):
    r = x - W @ h
    theta = r * min(1, lam / (2 * beta * np.abs(W.T @ r).max()))
    return 2 * beta * np.abs(W.T @ theta) < lam


# %% screen: atoms of length 1 taken for granted
# says: longer atoms have wider intervals
def radius(x, W, h, lam, beta):
    return np.sqrt(max(duality_gap(x[None], h[None], W, lam, beta)[0], 0) / beta)


def certainly_zero(x, W, h, lam, beta):
    r = x - W @ h
    theta = r * min(1, lam / (2 * beta * np.abs(W.T @ r).max()))
    reach = radius(x, W, h, lam, beta)
    return 2 * beta * (np.abs(W.T @ theta) + reach) < lam


# %% refit: one atom at a time
# says: the atoms in use disturb each other
def refit(X, H, W, b):
    refitted = np.zeros_like(H)
    for n, h in enumerate(H):
        A = np.flatnonzero(h)
        refitted[n, A] = W[:, A].T @ (X[n] - b)
    return refitted


def fall(H, W, lam, beta):
    falls = []
    for h in H:
        A = np.flatnonzero(h)
        s = np.sign(h[A])
        falls.append(s @ np.linalg.solve(W[:, A].T @ W[:, A], s))
    return (lam / (2 * beta)) ** 2 * np.array(falls)


# %% refit: all atoms
# says: zeros stay zeros
def refit(X, H, W, b):
    refitted = np.zeros_like(H)
    for n in range(len(H)):
        refitted[n] = np.linalg.lstsq(W, X[n] - b)[0]
    return refitted


def fall(H, W, lam, beta):
    falls = []
    for h in H:
        A = np.flatnonzero(h)
        s = np.sign(h[A])
        falls.append(s @ np.linalg.solve(W[:, A].T @ W[:, A], s))
    return (lam / (2 * beta)) ** 2 * np.array(falls)


# %% refit: fit with all, then keep some
# says: fit with the atoms in use alone
def refit(X, H, W, b):
    refitted = np.zeros_like(H)
    for n, h in enumerate(H):
        A = np.flatnonzero(h)
        refitted[n, A] = np.linalg.lstsq(W, X[n] - b)[0][A]
    return refitted


def fall(H, W, lam, beta):
    falls = []
    for h in H:
        A = np.flatnonzero(h)
        s = np.sign(h[A])
        falls.append(s @ np.linalg.solve(W[:, A].T @ W[:, A], s))
    return (lam / (2 * beta)) ** 2 * np.array(falls)


# %% refit: fall as for orthonormal atoms
# says: the atoms in use disturb each other
def refit(X, H, W, b):
    refitted = np.zeros_like(H)
    for n, h in enumerate(H):
        A = np.flatnonzero(h)
        refitted[n, A] = np.linalg.lstsq(W[:, A], X[n] - b)[0]
    return refitted


def fall(H, W, lam, beta):
    falls = []
    for h in H:
        A = np.flatnonzero(h)
        s = np.sign(h[A])
        falls.append(s @ s)
    return (lam / (2 * beta)) ** 2 * np.array(falls)


# %% refit: K for its inverse
# says: K should be inverted
def refit(X, H, W, b):
    refitted = np.zeros_like(H)
    for n, h in enumerate(H):
        A = np.flatnonzero(h)
        refitted[n, A] = np.linalg.lstsq(W[:, A], X[n] - b)[0]
    return refitted


def fall(H, W, lam, beta):
    falls = []
    for h in H:
        A = np.flatnonzero(h)
        s = np.sign(h[A])
        falls.append(s @ W[:, A].T @ W[:, A] @ s)
    return (lam / (2 * beta)) ** 2 * np.array(falls)


# %% refit: signs forgotten
# says: the atoms' signs matter
def refit(X, H, W, b):
    refitted = np.zeros_like(H)
    for n, h in enumerate(H):
        A = np.flatnonzero(h)
        refitted[n, A] = np.linalg.lstsq(W[:, A], X[n] - b)[0]
    return refitted


def fall(H, W, lam, beta):
    falls = []
    for h in H:
        A = np.flatnonzero(h)
        s = np.ones(len(A))
        falls.append(s @ np.linalg.solve(W[:, A].T @ W[:, A], s))
    return (lam / (2 * beta)) ** 2 * np.array(falls)


# %% refit: threshold not squared
# says: the threshold enters as a square
def refit(X, H, W, b):
    refitted = np.zeros_like(H)
    for n, h in enumerate(H):
        A = np.flatnonzero(h)
        refitted[n, A] = np.linalg.lstsq(W[:, A], X[n] - b)[0]
    return refitted


def fall(H, W, lam, beta):
    falls = []
    for h in H:
        A = np.flatnonzero(h)
        s = np.sign(h[A])
        falls.append(s @ np.linalg.solve(W[:, A].T @ W[:, A], s))
    return lam / (2 * beta) * np.array(falls)


# %% choose: distance from the noisy samples
# says: this is the distance from the noisy samples
def estimated_error(X, W, b, lam, noise_variance):
    H = sparse_encode(X, W, lam, 1 / noise_variance, b)
    distance = ((X - H @ W.T - b) ** 2).sum(axis=1).mean()
    return distance


def best_lam(X, W, b, lams, noise_variance):
    return min(lams, key=lambda lam: estimated_error(X, W, b, lam, noise_variance))


# %% choose: trace counted once
# says: the trace counts twice
def estimated_error(X, W, b, lam, noise_variance):
    H = sparse_encode(X, W, lam, 1 / noise_variance, b)
    distance = ((X - H @ W.T - b) ** 2).sum(axis=1).mean()
    in_use = (H != 0).sum(axis=1).mean()
    return distance + noise_variance * (in_use - X.shape[1])


def best_lam(X, W, b, lams, noise_variance):
    return min(lams, key=lambda lam: estimated_error(X, W, b, lam, noise_variance))


# %% choose: constant forgotten
# says: the constant is missing
def estimated_error(X, W, b, lam, noise_variance):
    H = sparse_encode(X, W, lam, 1 / noise_variance, b)
    distance = ((X - H @ W.T - b) ** 2).sum(axis=1).mean()
    in_use = (H != 0).sum(axis=1).mean()
    return distance + noise_variance * 2 * in_use


def best_lam(X, W, b, lams, noise_variance):
    return min(lams, key=lambda lam: estimated_error(X, W, b, lam, noise_variance))


# %% choose: all atoms counted
# says: only atoms in use have a derivative
def estimated_error(X, W, b, lam, noise_variance):
    H = sparse_encode(X, W, lam, 1 / noise_variance, b)
    distance = ((X - H @ W.T - b) ** 2).sum(axis=1).mean()
    in_use = H.shape[1]
    return distance + noise_variance * (2 * in_use - X.shape[1])


def best_lam(X, W, b, lams, noise_variance):
    return min(lams, key=lambda lam: estimated_error(X, W, b, lam, noise_variance))


# %% choose: beta left at 1
# says: the code is that for beta = 1
def estimated_error(X, W, b, lam, noise_variance):
    H = sparse_encode(X, W, lam, 1.0, b)
    distance = ((X - H @ W.T - b) ** 2).sum(axis=1).mean()
    in_use = (H != 0).sum(axis=1).mean()
    return distance + noise_variance * (2 * in_use - X.shape[1])


def best_lam(X, W, b, lams, noise_variance):
    return min(lams, key=lambda lam: estimated_error(X, W, b, lam, noise_variance))


# %% choose: the variance for beta
# says: beta is the precision
def estimated_error(X, W, b, lam, noise_variance):
    H = sparse_encode(X, W, lam, noise_variance, b)
    distance = ((X - H @ W.T - b) ** 2).sum(axis=1).mean()
    in_use = (H != 0).sum(axis=1).mean()
    return distance + noise_variance * (2 * in_use - X.shape[1])


def best_lam(X, W, b, lams, noise_variance):
    return min(lams, key=lambda lam: estimated_error(X, W, b, lam, noise_variance))


# %% choose: place in the list
# says: this is its place in the list
def estimated_error(X, W, b, lam, noise_variance):
    H = sparse_encode(X, W, lam, 1 / noise_variance, b)
    distance = ((X - H @ W.T - b) ** 2).sum(axis=1).mean()
    in_use = (H != 0).sum(axis=1).mean()
    return distance + noise_variance * (2 * in_use - X.shape[1])


def best_lam(X, W, b, lams, noise_variance):
    return np.argmin([estimated_error(X, W, b, lam, noise_variance) for lam in lams])
