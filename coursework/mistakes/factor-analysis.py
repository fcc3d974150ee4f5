# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% reliability: variances of the tests instead of the variance of the sum
# says: move the tests together
# - signal = ((a @ W) ** 2).sum()
# + signal = a**2 @ (W**2).sum(axis=1)

# %% reliability: psi taken for standard deviations
# says: psi holds variances
# - return signal / (signal + a**2 @ psi)
# + return signal / (signal + a**2 @ psi**2)
# - weights = w / psi
# + weights = w / psi**2

# %% reliability: weights not squared
# says: its square multiplies the variance
# - return signal / (signal + a**2 @ psi)
# + return signal / (signal + a @ psi)

# %% reliability: signal over noise
# says: not over the whole variance
# - signal / (signal + a**2 @ psi)
# + signal / (a**2 @ psi)

# %% reliability: weights proportional to the loadings
# says: a noisy test should count less
def best_weights(w, psi):
    return w / w.sum()


# %% angle: degrees
# says: in degrees
# - return np.angle((u**2).mean() - u.mean() ** 2) / 4
# + return np.degrees(np.angle((u**2).mean() - u.mean() ** 2)) / 4

# %% angle: the other way round
# says: rotated in the wrong direction
# - return np.angle((u**2).mean() - u.mean() ** 2) / 4
# + return -np.angle((u**2).mean() - u.mean() ** 2) / 4

# %% angle: half the argument
# says: by which angle does z^4 turn
# - return np.angle((u**2).mean() - u.mean() ** 2) / 4
# + return np.angle((u**2).mean() - u.mean() ** 2) / 2


# %% angle: the library's varimax
# says: must not be called
def best_angle(L):
    Q = varimax(L, normalize=False)[1]
    angle = np.arctan2(Q[1, 0], Q[0, 0])
    return angle - np.pi / 2 * np.round(angle / (np.pi / 2))


# %% angle: quartimax
# says: quartimax
def best_angle(L):
    return np.angle(((L[:, 0] + 1j * L[:, 1]) ** 4).mean()) / 4


# %% angle: arctan of a quotient
# says: the quadrant is lost
# -     return np.angle((u**2).mean() - u.mean() ** 2) / 4
# +     kappa = (u**2).mean() - u.mean() ** 2
# +     return np.arctan(kappa.imag / kappa.real) / 4

# %% gradient: downhill
# says: points downhill
# - return np.linalg.solve(C, (S - C) @ np.linalg.solve(C, W))
# + return np.linalg.solve(C, (C - S) @ np.linalg.solve(C, W))
# - return np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T)) / 2
# + return np.diag(np.linalg.solve(C, np.linalg.solve(C, C - S).T)) / 2

# %% gradient: of twice the log-likelihood
# says: derivative of 2 l
# - return np.linalg.solve(C, (S - C) @ np.linalg.solve(C, W))
# + return 2 * np.linalg.solve(C, (S - C) @ np.linalg.solve(C, W))
# - return np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T)) / 2
# + return np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T))

# %% gradient: with respect to sigma
# says: with respect to sigma
# - return np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T)) / 2
# + return np.sqrt(psi) * np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T))

# %% gradient: an inverse forgotten
# says: on both sides
# - return np.linalg.solve(C, (S - C) @ np.linalg.solve(C, W))
# + return (S - C) @ np.linalg.solve(C, W)


# %% gradient: a step without psi
# says: its own entry of psi
def em_loadings(W, psi, P, gradient):
    return W + gradient @ np.linalg.inv(P)


# %% left-out: the guess sees what it guesses
# says: uses the entry
def left_out_mean(X, W, b, psi):
    C = W @ W.T + np.diag(psi)
    return b + (X - b) @ np.linalg.solve(C, W) @ W.T


# %% left-out: the mean forgotten
# says: the mean b is missing
# - return X - (X - b) @ K / np.diag(K)
# + return (X - b) - (X - b) @ K / np.diag(K)

# %% left-out: the error instead of the guess
# says: the error of the prediction
# - return X - (X - b) @ K / np.diag(K)
# + return (X - b) @ K / np.diag(K)


# %% left-out: the noise alone
# says: h is not known, only estimated
def left_out_variance(W, psi):
    return psi


# %% left-out: standard deviation
# says: the standard deviation, not the variance
def left_out_variance(W, psi):
    return 1 / np.sqrt(np.diag(np.linalg.inv(W @ W.T + np.diag(psi))))


# %% short-form: no factor one half
# says: has a factor 1/2
# - np.linalg.slogdet(M)[1] / 2
# + np.linalg.slogdet(M)[1]

# %% short-form: bits
# says: in bits
# - np.linalg.slogdet(M)[1] / 2
# + np.log2(np.linalg.det(M)) / 2


# %% short-form: each test for itself
# says: adds little information to test 0
def short_form(W, psi, k):
    alone = [information(W, psi, [i]) for i in range(len(W))]
    return np.argsort(alone)[::-1][:k]


# %% short-form: the largest loadings
# says: where the noise is larger
def short_form(W, psi, k):
    return np.argsort((W**2).sum(axis=1))[::-1][:k]


# %% short-form: psi taken for standard deviations
# says: not standard deviations
# - / psi[o]
# + / psi[o] ** 2
# - .sum(axis=1) / psi
# + .sum(axis=1) / psi**2
# - / psi[best]
# + / psi[best] ** 2

# %% race: errors on the data of the fit
# says: errors on the data of the fit
# - errors.append((((test - train.mean(axis=0)) @ K / np.diag(K)) ** 2).mean())
# + errors.append((((train - train.mean(axis=0)) @ K / np.diag(K)) ** 2).mean())

# %% race: centred by the mean of the test set
# says: centre test by the mean of train
# - errors.append((((test - train.mean(axis=0)) @ K / np.diag(K)) ** 2).mean())
# + errors.append((((test - test.mean(axis=0)) @ K / np.diag(K)) ** 2).mean())


# %% race: the factors see what they guess
# says: use the entry
def prediction_errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    K = np.linalg.inv(np.cov(train.T, bias=True))
    residual = test - fit.b_ - fit.transform(test) @ fit.W_.T
    return np.array(
        [
            (residual**2).mean(),
            (((test - train.mean(axis=0)) @ K / np.diag(K)) ** 2).mean(),
        ]
    )


# %% race: root of the mean squared error
# says: not their root
# - ** 2).mean()
# + ** 2).mean() ** 0.5
