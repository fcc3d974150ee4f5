# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% waves: not scaled
# says: scale the signal to variance 1
# - return (powers * 4 * np.sin(frequencies / 2) ** 2).sum() / powers.sum()
# + return (powers * 4 * np.sin(frequencies / 2) ** 2).sum()

# %% waves: a mean over the waves
# says: stronger waves count for more
# - return (powers * 4 * np.sin(frequencies / 2) ** 2).sum() / powers.sum()
# + return (4 * np.sin(frequencies / 2) ** 2).mean()

# %% waves: the powers squared
# says: the power is the square of an amplitude already
# - return (powers * 4 * np.sin(frequencies / 2) ** 2).sum() / powers.sum()
# + return (powers**2 * 4 * np.sin(frequencies / 2) ** 2).sum() / (powers**2).sum()

# %% waves: the limit of slow waves
# says: the limit for slow waves
# - return (powers * 4 * np.sin(frequencies / 2) ** 2).sum() / powers.sum()
# + return (powers * frequencies**2).sum() / powers.sum()

# %% recordings: steps across the borders
# says: from one recording to the next
# - np.split(X, np.cumsum(lengths)[:-1])
# + [X]

# %% recordings: divided by the number of rows
# says: the mean over the steps that there are
# - steps.T @ steps / len(steps)
# + steps.T @ steps / (len(X) - 1)

# %% recordings: variance not 1
# says: the outputs have variance 1
# - linalg.eigh(steps.T @ steps / len(steps), Z.T @ Z / len(Z))
# + linalg.eigh(steps.T @ steps / len(steps))

# %% recordings: columns instead of rows
# says: one output per row
# - return slowness, (G * np.where(G.sum(axis=0) < 0, -1, 1)).T
# + return slowness, G * np.where(G.sum(axis=0) < 0, -1, 1)

# %% frames: the whole film
# says: this is the slowness of the whole film
# - return 2 * (1 - persistences**k)  # 0.3 and -0.9 change places for k = 2
# + return 2 * (1 - persistences)

# %% frames: in proportion to the number of frames
# says: not in proportion
# - return 2 * (1 - persistences**k)  # 0.3 and -0.9 change places for k = 2
# + return k * 2 * (1 - persistences)

# %% frames: the innovations
# says: the variance of the innovations
# - return 2 * (1 - persistences**k)  # 0.3 and -0.9 change places for k = 2
# + return 1 - persistences**2

# %% frames: the sign kept
# says: a sign squared is positive
# - return 2 * (1 - persistences**k)  # 0.3 and -0.9 change places for k = 2
# + return 2 * (1 - np.sign(persistences) * np.abs(persistences) ** k)

# %% frames: fastest first
# says: slowest first, and slow is a small number
# - return np.argsort(slowness_of_kept(persistences, k))
# + return np.argsort(-slowness_of_kept(persistences, k))

# %% noise: not scaled
# says: scale the reading to variance 1
# - return (slowness + 2 * noise_variance) / (1 + noise_variance)
# + return slowness + 2 * noise_variance

# %% noise: one neighbour with noise
# says: both neighbours have noise
# - return (slowness + 2 * noise_variance) / (1 + noise_variance)
# + return (slowness + noise_variance) / (1 + noise_variance)

# %% noise: no noise in the steps
# says: the noise enters the steps
# - return (slowness + 2 * noise_variance) / (1 + noise_variance)
# + return slowness / (1 + noise_variance)

# %% noise: half of the way
# says: with this noise the first reading is the faster one
# - return (slowness_2 - slowness_1) / (2 - slowness_2)
# + return 2 * (slowness_2 - slowness_1) / (2 - slowness_2)

# %% noise: the wrong slowness in the denominator
# says: the denominator is 2 minus the slowness of the second
# - return (slowness_2 - slowness_1) / (2 - slowness_2)
# + return (slowness_2 - slowness_1) / (2 - slowness_1)

# %% quadratic: weights not shared
# says: each entry gets half of the weight
# - return g[:D], (upper + upper.T) / 2
# + return g[:D], upper + upper.T - np.diag(np.diag(upper))

# %% quadratic: not symmetric
# says: M should be symmetric
# - return g[:D], (upper + upper.T) / 2
# + return g[:D], upper

# %% quadratic: squares halved
# says: the squares occur once
# - return g[:D], (upper + upper.T) / 2
# + return g[:D], (upper + upper.T - np.diag(np.diag(upper))) / 2

# %% quadratic: the smallest first
# says: the largest first
# - [:, [-1, 0]]
# + [:, [0, -1]]

# %% quadratic: length 1
# says: the length is r
# - ends = r * np.linalg.eigh(M)
# + ends = np.linalg.eigh(M)

# %% filter: no prediction of the mean
# says: predict with the persistence
# - m, v = lam * m, lam**2 * v + 1 - lam**2  # the prediction
# + v = lam**2 * v + 1 - lam**2

# %% filter: no innovations
# says: the innovation adds variance
# - m, v = lam * m, lam**2 * v + 1 - lam**2  # the prediction
# + m, v = lam * m, lam**2 * v

# %% filter: no prediction at all
# says: the second reading is weighed against the prediction
# - if t:
# + if False:

# %% filter: the variance of the prediction
# says: the variance of the prediction
# - return (np.sqrt(half**2 + lam**2 * q * noise_variance) - half) / lam**2
# + return np.sqrt(half**2 + lam**2 * q * noise_variance) - half + q
