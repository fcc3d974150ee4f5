# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% mean: lam for lam / 2 in the exponent
# says: the exponent of the prior is lam / 2
# - right, left = z - lam / (2 * beta), z + lam / (2 * beta)
# + right, left = z - lam / beta, z + lam / beta

# %% mean: weights without the completed square
# says: the pieces have different heights
# -     log_right = beta / 2 * right**2 + special.log_ndtr(np.sqrt(beta) * right)
# -     log_left = beta / 2 * left**2 + special.log_ndtr(-np.sqrt(beta) * left)
# +     log_right = special.log_ndtr(np.sqrt(beta) * right)
# +     log_left = special.log_ndtr(-np.sqrt(beta) * left)

# %% mean: probability without the prior
# says: without the prior
def probability_positive(z, lam, beta):
    return special.ndtr(np.sqrt(beta) * z)


# %% mean: the mode
# says: this is the most probable code
def posterior_mean(z, lam, beta):
    return np.sign(z) * np.maximum(np.abs(z) - lam / (2 * beta), 0)


# %% mean: the probability for the mean sign
# says: not P(h > 0)
def posterior_mean(z, lam, beta):
    return z - lam / (2 * beta) * probability_positive(z, lam, beta)


# %% mean: pull away from zero
# says: the prior pulls towards zero
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


# %% scales: variances for standard deviations
# says: divide by the standard deviation
# - sigma = np.sqrt(noise_variance)
# + sigma = noise_variance

# %% scales: u for h
# says: this is u, not yet h
# - return sparse_encode((X - b) / sigma, W / sigma[:, None] / lams, 1.0) / lams
# + return sparse_encode((X - b) / sigma, W / sigma[:, None] / lams, 1.0)

# %% scales: lam the wrong way round
# says: a large lam is a strong penalty
# - return sparse_encode((X - b) / sigma, W / sigma[:, None] / lams, 1.0) / lams
# + return sparse_encode((X - b) / sigma, W / sigma[:, None] * lams, 1.0) * lams


# %% scales: noise variances forgotten
# says: the noise variances have no effect
def encode(X, W, lams, noise_variance, b):
    return sparse_encode(X - b, W / lams, 1.0) / lams


# %% scales: offset forgotten
# says: subtract b
# - return sparse_encode((X - b) / sigma, W / sigma[:, None] / lams, 1.0) / lams
# + return sparse_encode(X / sigma, W / sigma[:, None] / lams, 1.0) / lams


# %% screen: the gap for the radius
# says: this is the gap
def radius(x, W, h, lam, beta):
    return duality_gap(x[None], h[None], W, lam, beta)[0]


# %% screen: no square root
# says: the gap bounds a square
def radius(x, W, h, lam, beta):
    return duality_gap(x[None], h[None], W, lam, beta)[0] / beta


# %% screen: beta forgotten
# says: beta is missing
def radius(x, W, h, lam, beta):
    return np.sqrt(max(duality_gap(x[None], h[None], W, lam, beta)[0], 0))


# %% screen: half of the curvature
# says: not by half of it
def radius(x, W, h, lam, beta):
    return np.sqrt(2 * max(duality_gap(x[None], h[None], W, lam, beta)[0], 0) / beta)


# %% screen: zeros of h for zeros of h*
# says: a zero in h is no proof
def certainly_zero(x, W, h, lam, beta):
    return h == 0


# %% screen: no interval
# says: the interval has a width
# -     reach = np.linalg.norm(W, axis=0) * radius(x, W, h, lam, beta)
# -     return 2 * beta * (np.abs(W.T @ theta) + reach) < lam
# +     return 2 * beta * np.abs(W.T @ theta) < lam

# %% screen: atoms of length 1 taken for granted
# says: longer atoms have wider intervals
# - reach = np.linalg.norm(W, axis=0) * radius(x, W, h, lam, beta)
# + reach = radius(x, W, h, lam, beta)

# %% refit: one atom at a time
# says: the atoms in use are not orthogonal
# - refitted[n, A] = np.linalg.lstsq(W[:, A], X[n] - b)[0]
# + refitted[n, A] = W[:, A].T @ (X[n] - b)

# %% refit: all atoms
# says: zeros must stay zeros
# - refitted[n, A] = np.linalg.lstsq(W[:, A], X[n] - b)[0]
# + refitted[n] = np.linalg.lstsq(W, X[n] - b)[0]

# %% refit: fit with all, then keep some
# says: fit with the atoms in use alone
# - refitted[n, A] = np.linalg.lstsq(W[:, A], X[n] - b)[0]
# + refitted[n, A] = np.linalg.lstsq(W, X[n] - b)[0][A]

# %% refit: fall as for orthonormal atoms
# says: the atoms in use are not orthogonal
# - falls.append(s @ np.linalg.solve(W[:, A].T @ W[:, A], s))
# + falls.append(s @ s)

# %% refit: K for its inverse
# says: K should be inverted
# - falls.append(s @ np.linalg.solve(W[:, A].T @ W[:, A], s))
# + falls.append(s @ W[:, A].T @ W[:, A] @ s)

# %% refit: signs forgotten
# says: the atoms' signs matter
# - s = np.sign(h[A])
# + s = np.ones(len(A))

# %% refit: threshold not squared
# says: the threshold enters as a square
# - return (lam / (2 * beta)) ** 2 * np.array(falls)
# + return lam / (2 * beta) * np.array(falls)

# %% choose: distance from the noisy samples
# says: this is the distance from the noisy samples
# - return distance + noise_variance * (2 * in_use - X.shape[1])
# + return distance

# %% choose: trace counted once
# says: the trace is multiplied by 2
# - 2 * in_use - X.shape[1]
# + in_use - X.shape[1]

# %% choose: constant forgotten
# says: the constant is missing
# - (2 * in_use - X.shape[1])
# + 2 * in_use

# %% choose: all atoms counted
# says: only atoms in use have a derivative
# - in_use = (H != 0).sum(axis=1).mean()
# + in_use = H.shape[1]

# %% choose: beta left at 1
# says: the code is that for beta = 1
# - H = sparse_encode(X, W, lam, 1 / noise_variance, b)
# + H = sparse_encode(X, W, lam, 1.0, b)

# %% choose: the variance for beta
# says: beta is the precision
# - H = sparse_encode(X, W, lam, 1 / noise_variance, b)
# + H = sparse_encode(X, W, lam, noise_variance, b)


# %% choose: place in the list
# says: this is its place in the list
def best_lam(X, W, b, lams, noise_variance):
    return np.argmin([estimated_error(X, W, b, lam, noise_variance) for lam in lams])
