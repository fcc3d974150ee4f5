# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% central-moment: every class counts alike
# says: weighted by their probabilities
# - return weights @ deviations[:, items].prod(axis=1)
# + return deviations[:, items].prod(axis=1).mean()

# %% central-moment: moment about zero
# says: not about the means
# - weights @ deviations[:, items]
# + weights @ theta[:, items]

# %% central-moment: means of the items without weights
# says: the mean of an item is a weighted average
# - deviations = theta - weights @ theta
# + deviations = theta - theta.mean(axis=0)

# %% central-moment: prints and does not return
# says: is None
# - return weights @ deviations[:, items].prod(axis=1)
# + print(weights @ deviations[:, items].prod(axis=1))

# %% central-moment: one value for each class
# says: shape
# - weights @ deviations[:, items]
# + deviations[:, items]

# %% three-items: the a_i without their signs
# says: the a_i have signs
# - a = np.array([first, c[0, 1] / first, c[0, 2] / first])
# + a = np.abs([first, c[0, 1] / first, c[0, 2] / first])

# %% three-items: wrong sign of the third moment
# says: look at the sign of the third moment
# - pi = (1 - g / np.sqrt(4 + g**2)) / 2
# + pi = (1 + g / np.sqrt(4 + g**2)) / 2

# %% three-items: classes at equal distances from the mean
# says: not equally far from the mean
# - np.outer([np.sqrt((1 - pi) / pi), -np.sqrt(pi / (1 - pi))], a)
# + np.outer([1, -1], a)

# %% three-items: classes in the wrong order
# says: the two classes are exchanged
# - first = np.sqrt(c[0, 1] * c[0, 2] / c[1, 2])
# + first = -np.sqrt(c[0, 1] * c[0, 2] / c[1, 2])

# %% em-step: divides by samples, not by points
# says: a sample holds n points, not one
# - (n * R.sum(axis=0)[:, None] + 2 * a)
# + (R.sum(axis=0)[:, None] + 2 * a)

# %% em-step: the prior adds only dark points
# says: the prior adds points of both kinds
# - (n * R.sum(axis=0)[:, None] + 2 * a)
# + (n * R.sum(axis=0)[:, None] + a)

# %% em-step: decides for the most probable class
# says: not for a decision
# - R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
# + R = np.eye(len(weights))[log_joint.argmax(axis=1)]

# %% em-step: sums of responsibilities as weights
# says: not sums
# - return np.column_stack([R.mean(axis=0), theta])
# + return np.column_stack([R.sum(axis=0), theta])

# %% em-step: responsibilities without the weights of the classes
# says: omit the weights
# - log_joint = np.log(weights) + X @
# + log_joint = X @

# %% em-step: likelihood of the dark points only
# says: the points that are not dark must be counted as well
# - X @ np.log(theta).T + (n - X) @ np.log1p(-theta).T
# + X @ np.log(theta).T

# %% em-step: products that underflow
# says: NaN
# -     log_joint = np.log(weights) + X @ np.log(theta).T + (n - X) @ np.log1p(-theta).T
# -     R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
# +     with np.errstate(all="ignore"):
# +         joint = weights * (theta ** X[:, None] * (1 - theta) ** (n - X[:, None])).prod(axis=2)
# +         R = joint / joint.sum(axis=1, keepdims=True)

# %% forecast: variance for standard deviation
# says: a standard deviation, not a variance
# - np.sqrt(R @ within + between)
# + R @ within + between

# %% forecast: averages the variances and forgets the means
# says: the spread between the classes is missing
# - np.sqrt(R @ within + between)
# + np.sqrt(R @ within)

# %% forecast: the variance within a class does not shrink
# says: more certain within a class
# - np.sqrt(R @ within + between)
# + np.sqrt(R @ covariances[:, 1, 1] + between)

# %% forecast: no slope within a class
# says: within a class y depends on x
# - slope = covariances[:, 0, 1] / variance
# + slope = 0 * variance

# %% forecast: the prior weights in place of the responsibilities
# says: the classes have other probabilities
# - R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
# + R = np.tile(weights, (len(x), 1))

# %% forecast: a row for each result
# says: shape
# - return np.column_stack([mean, np.sqrt(R @ within + between)])
# + return np.array([mean, np.sqrt(R @ within + between)])

# %% geyser: the joint density
# says: x and y together
def log_scores(train, test):
    return [GaussianMixture(K, n_init=5, random_state=0).fit(train).score(test) for K in (1, 2)]


# %% geyser: the sum over the eruptions
# says: not the sum
# - joint.score(test) - marginal.score(test[:, :1])
# + joint.score_samples(test).sum() - marginal.score_samples(test[:, :1]).sum()

# %% geyser: x from y
# says: the forecast of x from y
# - joint.means_[:, :1], joint.covariances_[:, :1, :1]
# + joint.means_[:, 1:], joint.covariances_[:, 1:, 1:]
# - test[:, :1]
# + test[:, 1:]

# %% geyser: judged by the eruptions that were fitted
# says: the scores of the eruptions used for the fit
# - joint.score(test) - marginal.score(test[:, :1])
# + joint.score(train) - marginal.score(train[:, :1])

# %% twins: natural logarithms
# says: in bits, not in nats
# - return -p * np.log2(np.where(p > 0, p, 1))
# + return -p * np.log(np.where(p > 0, p, 1))

# %% twins: the entropy of the answers
# says: this is the entropy of the answer
# - .sum() - weights @ one_answer.sum(axis=1)
# + .sum()

# %% twins: adds up the information of the items
# says: so the sum is too large
# - entropy(probabilities(weights, theta)).sum()
# + (entropy(weights @ theta) + entropy(1 - weights @ theta)).sum()

# %% twins: the logarithm of zero
# says: NaN
# - np.log2(np.where(p > 0, p, 1))
# + np.log2(p)

# %% twins: the repeated test first
# says: first without, then with
# - for Z in (X, np.column_stack([X, X[:, i]]))
# + for Z in (np.column_stack([X, X[:, i]]), X)
