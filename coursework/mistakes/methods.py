# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% chain: without the step on which it enters
# says: the step on which it enters counts
# - return 1 / (1 - np.diag(transition))
# + return 1 / (1 - np.diag(transition)) - 1

# %% chain: the probability of leaving
# says: not the probability of leaving
# - return 1 / (1 - np.diag(transition))
# + return 1 - np.diag(transition)

# %% chain: the other eigenvector
# says: the next state stand in a row
# - np.linalg.solve((np.eye(K) - transition + np.ones((K, K))).T, np.ones(K))
# + np.linalg.solve(np.eye(K) - transition + np.ones((K, K)), np.ones(K))

# %% chain: a unit vector
# says: the probabilities add up to 1
# -     return np.linalg.solve((np.eye(K) - transition + np.ones((K, K))).T, np.ones(K))
# +     v = np.linalg.solve((np.eye(K) - transition + np.ones((K, K))).T, np.ones(K))
# +     return v / np.linalg.norm(v)


# %% chain: the library's
# says: must not be called
def stationary(transition):
    from lvmnotes.hidden_markov import stationary_distribution

    return stationary_distribution(transition)


# %% forward: the matrix transposed
# says: rows of the matrix belong to the state before
# - alpha = alpha @ transition
# + alpha = transition @ alpha

# %% forward: a transition before the first step
# says: without a transition before it
# - if t:
# + if True:

# %% forward: independent steps
# says: the steps are not independent
# - alpha = alpha @ transition
# + alpha = start

# %% forward: gaps left out
# says: the chain moves on in a gap, too
# - for t, row in enumerate(log_densities):
# + for t, row in enumerate(log_densities[~np.isnan(log_densities).any(axis=1)]):

# %% forward: not scaled
# says: densities of about exp(-2000)
# - largest = row.max()
# + largest = 0.0

# %% path: the best state of each step
# says: the best states of the single steps
# - return np.array(path[::-1])
# + return np.argmax(log_densities, axis=1)

# %% path: from 1 on
# says: indices count from 0
# - return np.array(path[::-1])
# + return np.array(path[::-1]) + 1

# %% path: the reverse margin
# says: not the reverse
# - return forwards[-1].max() - forwards - backwards
# + return forwards + backwards - forwards[-1].max()

# %% path: a step counted twice
# says: the margins is not right
# - backwards[t] = (log_A + log_densities[t + 1] + backwards[t + 1]).max(axis=1)
# + backwards[t] = (log_A + log_densities[t + 1] + backwards[t + 1]).max(axis=1) + log_densities[t]

# %% pls: the weight vector
# says: this is the weight vector
# - return K @ np.linalg.lstsq(X @ K, y)[0]
# + return K[:, 0] / np.linalg.norm(K[:, 0])

# %% pls: all variables
# says: least squares with all variables
# - return K @ np.linalg.lstsq(X @ K, y)[0]
# + return np.linalg.lstsq(X, y)[0]

# %% pls: no regression
# says: regress y on the score
# - return K @ np.linalg.lstsq(X @ K, y)[0]
# + return K.sum(axis=1)


# %% pls: principal component regression
# says: this is principal component regression
def pls_coefficients(X, y, d):
    V = np.linalg.svd(X, full_matrices=False)[2][:d].T
    return V @ np.linalg.lstsq(X @ V, y)[0]


# %% pls: the library's
# says: must not be called
def pls_coefficients(X, y, d):
    from lvmnotes import PLS

    model = PLS(d, scale=False).fit(X, y)
    return model.predict(np.eye(X.shape[1])).ravel() - model.predict(0 * X[:1]).ravel()


# %% plsa: words counted once
# says: each word counts as often as it occurs
# - quotient = X / (proportions @ topics)
# + quotient = (X > 0) / (proportions @ topics)

# %% plsa: proportions not normalised
# says: normalise over the topics
# - (shares.T / shares.sum(axis=1)).T
# + shares

# %% plsa: topics normalised over the topics
# says: over the words, not over the topics
# - (words.T / words.sum(axis=1)).T
# + words / words.sum(axis=0)

# %% plsa: without pseudo-counts
# says: where are the pseudo-counts?
# - (quotient @ topics.T) + a
# + (quotient @ topics.T)

# %% plsa: an array of documents, words and topics
# says: MB of memory at its peak
# - quotient = X / (proportions @ topics)
# + quotient = X / (proportions[:, :, None] * topics).sum(axis=1)

# %% gibbs: not normalised
# says: the probabilities add up to 1
# - return p / p.sum()
# + return p

# %% gibbs: without the size of the topic
# says: is less likely to use this one
# - p = (n_d + alpha) * (m_v + eta) / (m + V * eta)
# + p = (n_d + alpha) * (m_v + eta)

# %% gibbs: one parameter for all words
# says: the prior of the words has V parameters
# - p = (n_d + alpha) * (m_v + eta) / (m + V * eta)
# + p = (n_d + alpha) * (m_v + eta) / (m + eta)

# %% gibbs: without the constants
# says: but they count
# - + len(counts) * (special.gammaln(size * prior) - size * special.gammaln(prior))
# + + 0

# %% noise: one way of being accepted
# says: both ways of being accepted count
# - return 2 * stats.norm.cdf(-s / np.sqrt(2))
# + return stats.norm.cdf(-s / np.sqrt(2))

# %% noise: one estimate
# says: the variances of two estimates add
# - return 2 * stats.norm.cdf(-s / np.sqrt(2))
# + return 2 * stats.norm.cdf(-s / 2)

# %% noise: a fresh estimate for the current one
# says: is no fresh one
# - return 2 * stats.norm.cdf(-s / np.sqrt(2))
# + return 0.5 + np.exp(s**2) * stats.norm.cdf(-s * np.sqrt(2))
