# %% central-moment: every class counts alike
# says: they have weights
def central_moment(weights, theta, items):
    deviations = theta - weights @ theta
    return deviations[:, items].prod(axis=1).mean()


# %% central-moment: moment about zero
# says: not about the means
def central_moment(weights, theta, items):
    return weights @ theta[:, items].prod(axis=1)


# %% central-moment: means of the items without weights
# says: the mean of an item is an average with weights
def central_moment(weights, theta, items):
    deviations = theta - theta.mean(axis=0)
    return weights @ deviations[:, items].prod(axis=1)


# %% central-moment: prints and does not return
# says: is None
def central_moment(weights, theta, items):
    deviations = theta - weights @ theta
    result = weights @ deviations[:, items].prod(axis=1)
    print(result)


# %% central-moment: one value for each class
# says: shape
def central_moment(weights, theta, items):
    return (theta - weights @ theta)[:, items].prod(axis=1)


# %% three-items: the a_i without their signs
# says: the a_i have signs
def three_items(P):
    x = np.array(list(itertools.product([0, 1], repeat=3)))
    p = P.ravel()
    m = p @ x
    c = (x - m).T * p @ (x - m)
    a = np.sqrt(
        np.abs(
            [c[0, 1] * c[0, 2] / c[1, 2], c[0, 1] * c[1, 2] / c[0, 2], c[0, 2] * c[1, 2] / c[0, 1]]
        )
    )
    g = p @ (x - m).prod(axis=1) / a.prod()
    pi = (1 - g / np.sqrt(4 + g**2)) / 2
    theta = m + np.outer([np.sqrt((1 - pi) / pi), -np.sqrt(pi / (1 - pi))], a)
    return np.column_stack([[pi, 1 - pi], theta])


# %% three-items: wrong sign of the third moment
# says: look at the sign of the third moment
def three_items(P):
    x = np.array(list(itertools.product([0, 1], repeat=3)))
    p = P.ravel()
    m = p @ x
    c = (x - m).T * p @ (x - m)
    first = np.sqrt(c[0, 1] * c[0, 2] / c[1, 2])
    a = np.array([first, c[0, 1] / first, c[0, 2] / first])
    g = p @ (x - m).prod(axis=1) / a.prod()
    pi = (1 + g / np.sqrt(4 + g**2)) / 2
    theta = m + np.outer([np.sqrt((1 - pi) / pi), -np.sqrt(pi / (1 - pi))], a)
    return np.column_stack([[pi, 1 - pi], theta])


# %% three-items: classes at equal distances from the mean
# says: not equally far from the mean
def three_items(P):
    x = np.array(list(itertools.product([0, 1], repeat=3)))
    p = P.ravel()
    m = p @ x
    c = (x - m).T * p @ (x - m)
    first = np.sqrt(c[0, 1] * c[0, 2] / c[1, 2])
    a = np.array([first, c[0, 1] / first, c[0, 2] / first])
    g = p @ (x - m).prod(axis=1) / a.prod()
    pi = (1 - g / np.sqrt(4 + g**2)) / 2
    return np.column_stack([[pi, 1 - pi], m + np.outer([1, -1], a)])


# %% three-items: classes in the wrong order
# says: the classes have changed places
def three_items(P):
    x = np.array(list(itertools.product([0, 1], repeat=3)))
    p = P.ravel()
    m = p @ x
    c = (x - m).T * p @ (x - m)
    first = -np.sqrt(c[0, 1] * c[0, 2] / c[1, 2])
    a = np.array([first, c[0, 1] / first, c[0, 2] / first])
    g = p @ (x - m).prod(axis=1) / a.prod()
    pi = (1 - g / np.sqrt(4 + g**2)) / 2
    theta = m + np.outer([np.sqrt((1 - pi) / pi), -np.sqrt(pi / (1 - pi))], a)
    return np.column_stack([[pi, 1 - pi], theta])


# %% em-step: divides by samples, not by points
# says: a sample holds n points, not one
def em_step(X, n, weights, theta, a):
    log_joint = np.log(weights) + X @ np.log(theta).T + (n - X) @ np.log1p(-theta).T
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    theta = (R.T @ X + a) / (R.sum(axis=0)[:, None] + 2 * a)
    return np.column_stack([R.mean(axis=0), theta])


# %% em-step: the prior adds only dark points
# says: the prior adds points of both kinds
def em_step(X, n, weights, theta, a):
    log_joint = np.log(weights) + X @ np.log(theta).T + (n - X) @ np.log1p(-theta).T
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    theta = (R.T @ X + a) / (n * R.sum(axis=0)[:, None] + a)
    return np.column_stack([R.mean(axis=0), theta])


# %% em-step: decides for the most probable class
# says: not for a decision
def em_step(X, n, weights, theta, a):
    log_joint = np.log(weights) + X @ np.log(theta).T + (n - X) @ np.log1p(-theta).T
    R = np.eye(len(weights))[log_joint.argmax(axis=1)]
    theta = (R.T @ X + a) / (n * R.sum(axis=0)[:, None] + 2 * a)
    return np.column_stack([R.mean(axis=0), theta])


# %% em-step: sums of responsibilities as weights
# says: not sums
def em_step(X, n, weights, theta, a):
    log_joint = np.log(weights) + X @ np.log(theta).T + (n - X) @ np.log1p(-theta).T
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    theta = (R.T @ X + a) / (n * R.sum(axis=0)[:, None] + 2 * a)
    return np.column_stack([R.sum(axis=0), theta])


# %% em-step: responsibilities without the weights of the classes
# says: leave out the weights
def em_step(X, n, weights, theta, a):
    log_joint = X @ np.log(theta).T + (n - X) @ np.log1p(-theta).T
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    theta = (R.T @ X + a) / (n * R.sum(axis=0)[:, None] + 2 * a)
    return np.column_stack([R.mean(axis=0), theta])


# %% em-step: likelihood of the dark points only
# says: the points that are not dark count as well
def em_step(X, n, weights, theta, a):
    log_joint = np.log(weights) + X @ np.log(theta).T
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    theta = (R.T @ X + a) / (n * R.sum(axis=0)[:, None] + 2 * a)
    return np.column_stack([R.mean(axis=0), theta])


# %% em-step: products that underflow
# says: NaN
def em_step(X, n, weights, theta, a):
    with np.errstate(all="ignore"):
        joint = weights * (theta ** X[:, None] * (1 - theta) ** (n - X[:, None])).prod(axis=2)
        R = joint / joint.sum(axis=1, keepdims=True)
    theta = (R.T @ X + a) / (n * R.sum(axis=0)[:, None] + 2 * a)
    return np.column_stack([R.mean(axis=0), theta])


# %% forecast: variance for standard deviation
# says: a standard deviation, not a variance
def forecast(x, weights, means, covariances):
    deviation = x[:, None] - means[:, 0]
    variance = covariances[:, 0, 0]
    log_joint = np.log(weights) - 0.5 * (np.log(variance) + deviation**2 / variance)
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    slope = covariances[:, 0, 1] / variance
    within = covariances[:, 1, 1] - slope * covariances[:, 0, 1]
    lines = means[:, 1] + slope * deviation
    mean = (R * lines).sum(axis=1)
    between = (R * (lines - mean[:, None]) ** 2).sum(axis=1)
    return np.column_stack([mean, R @ within + between])


# %% forecast: averages the variances and forgets the means
# says: the spread between the classes is missing
def forecast(x, weights, means, covariances):
    deviation = x[:, None] - means[:, 0]
    variance = covariances[:, 0, 0]
    log_joint = np.log(weights) - 0.5 * (np.log(variance) + deviation**2 / variance)
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    slope = covariances[:, 0, 1] / variance
    within = covariances[:, 1, 1] - slope * covariances[:, 0, 1]
    lines = means[:, 1] + slope * deviation
    return np.column_stack([(R * lines).sum(axis=1), np.sqrt(R @ within)])


# %% forecast: the variance within a class does not shrink
# says: more certain within a class
def forecast(x, weights, means, covariances):
    deviation = x[:, None] - means[:, 0]
    variance = covariances[:, 0, 0]
    log_joint = np.log(weights) - 0.5 * (np.log(variance) + deviation**2 / variance)
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    lines = means[:, 1] + covariances[:, 0, 1] / variance * deviation
    mean = (R * lines).sum(axis=1)
    between = (R * (lines - mean[:, None]) ** 2).sum(axis=1)
    return np.column_stack([mean, np.sqrt(R @ covariances[:, 1, 1] + between)])


# %% forecast: no slope within a class
# says: within a class y depends on x
def forecast(x, weights, means, covariances):
    deviation = x[:, None] - means[:, 0]
    variance = covariances[:, 0, 0]
    log_joint = np.log(weights) - 0.5 * (np.log(variance) + deviation**2 / variance)
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    mean = R @ means[:, 1]
    second = R @ (covariances[:, 1, 1] + means[:, 1] ** 2)
    return np.column_stack([mean, np.sqrt(second - mean**2)])


# %% forecast: the prior weights in place of the responsibilities
# says: the classes have other probabilities
def forecast(x, weights, means, covariances):
    deviation = x[:, None] - means[:, 0]
    slope = covariances[:, 0, 1] / covariances[:, 0, 0]
    within = covariances[:, 1, 1] - slope * covariances[:, 0, 1]
    lines = means[:, 1] + slope * deviation
    mean = lines @ weights
    between = (lines - mean[:, None]) ** 2 @ weights
    return np.column_stack([mean, np.sqrt(weights @ within + between)])


# %% forecast: a row for each result
# says: shape
def forecast(x, weights, means, covariances):
    deviation = x[:, None] - means[:, 0]
    variance = covariances[:, 0, 0]
    log_joint = np.log(weights) - 0.5 * (np.log(variance) + deviation**2 / variance)
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    slope = covariances[:, 0, 1] / variance
    within = covariances[:, 1, 1] - slope * covariances[:, 0, 1]
    lines = means[:, 1] + slope * deviation
    mean = (R * lines).sum(axis=1)
    between = (R * (lines - mean[:, None]) ** 2).sum(axis=1)
    return np.array([mean, np.sqrt(R @ within + between)])


# %% geyser: the joint density
# says: x and y together
def log_scores(train, test):
    return [GaussianMixture(K, n_init=5, random_state=0).fit(train).score(test) for K in (1, 2)]


# %% geyser: the sum over the eruptions
# says: not the sum
def log_scores(train, test):
    scores = []
    for K in (1, 2):
        joint = GaussianMixture(K, n_init=5, random_state=0).fit(train)
        marginal = GaussianMixture.from_parameters(
            joint.weights_, joint.means_[:, :1], joint.covariances_[:, :1, :1]
        )
        scores.append((joint.score_samples(test) - marginal.score_samples(test[:, :1])).sum())
    return np.array(scores)


# %% geyser: x from y
# says: the forecast of x from y
def log_scores(train, test):
    scores = []
    for K in (1, 2):
        joint = GaussianMixture(K, n_init=5, random_state=0).fit(train)
        marginal = GaussianMixture.from_parameters(
            joint.weights_, joint.means_[:, 1:], joint.covariances_[:, 1:, 1:]
        )
        scores.append(joint.score(test) - marginal.score(test[:, 1:]))
    return np.array(scores)


# %% geyser: judged by the eruptions that were fitted
# says: the scores of the eruptions that were fitted
def log_scores(train, test):
    scores = []
    for K in (1, 2):
        joint = GaussianMixture(K, n_init=5, random_state=0).fit(train)
        marginal = GaussianMixture.from_parameters(
            joint.weights_, joint.means_[:, :1], joint.covariances_[:, :1, :1]
        )
        scores.append(joint.score(train) - marginal.score(train[:, :1]))
    return np.array(scores)


# %% twins: natural logarithms
# says: in bits, not in nats
def information(weights, theta):
    def entropy(p):
        return -p * np.log(np.where(p > 0, p, 1))

    one_answer = entropy(theta) + entropy(1 - theta)
    return entropy(probabilities(weights, theta)).sum() - weights @ one_answer.sum(axis=1)


def twins(X, i):
    fits = [LatentClassModel(2, random_state=0).fit(Z) for Z in (X, np.column_stack([X, X[:, i]]))]
    return np.array([information(fit.weights_, fit.probabilities_) for fit in fits])


# %% twins: the entropy of the answers
# says: this is the entropy of the answer
def information(weights, theta):
    p = probabilities(weights, theta)
    return -(p * np.log2(p)).sum()


def twins(X, i):
    fits = [LatentClassModel(2, random_state=0).fit(Z) for Z in (X, np.column_stack([X, X[:, i]]))]
    return np.array([information(fit.weights_, fit.probabilities_) for fit in fits])


# %% twins: adds up the information of the items
# says: so it does not add up
def information(weights, theta):
    def entropy(p):
        return -p * np.log2(np.where(p > 0, p, 1)) - (1 - p) * np.log2(np.where(p < 1, 1 - p, 1))

    return (entropy(weights @ theta) - weights @ entropy(theta)).sum()


def twins(X, i):
    fits = [LatentClassModel(2, random_state=0).fit(Z) for Z in (X, np.column_stack([X, X[:, i]]))]
    return np.array([information(fit.weights_, fit.probabilities_) for fit in fits])


# %% twins: the logarithm of zero
# says: NaN
def information(weights, theta):
    with np.errstate(all="ignore"):
        one_answer = -theta * np.log2(theta) - (1 - theta) * np.log2(1 - theta)
    p = probabilities(weights, theta)
    return -(p * np.log2(p)).sum() - weights @ one_answer.sum(axis=1)


def twins(X, i):
    fits = [LatentClassModel(2, random_state=0).fit(Z) for Z in (X, np.column_stack([X, X[:, i]]))]
    return np.array([information(fit.weights_, fit.probabilities_) for fit in fits])


# %% twins: the repeated test first
# says: first without, then with
def information(weights, theta):
    def entropy(p):
        return -p * np.log2(np.where(p > 0, p, 1))

    one_answer = entropy(theta) + entropy(1 - theta)
    return entropy(probabilities(weights, theta)).sum() - weights @ one_answer.sum(axis=1)


def twins(X, i):
    fits = [LatentClassModel(2, random_state=0).fit(Z) for Z in (np.column_stack([X, X[:, i]]), X)]
    return np.array([information(fit.weights_, fit.probabilities_) for fit in fits])
