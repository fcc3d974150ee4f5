# %% reliability: variances of the tests instead of the variance of the sum
# says: move the tests together
def reliability(W, psi, a):
    signal = a**2 @ (W**2).sum(axis=1)
    return signal / (signal + a**2 @ psi)


def best_weights(w, psi):
    weights = w / psi
    return weights / weights.sum()


# %% reliability: psi taken for standard deviations
# says: psi holds variances
def reliability(W, psi, a):
    signal = ((a @ W) ** 2).sum()
    return signal / (signal + a**2 @ psi**2)


def best_weights(w, psi):
    weights = w / psi**2
    return weights / weights.sum()


# %% reliability: weights not squared
# says: its square multiplies the variance
def reliability(W, psi, a):
    signal = ((a @ W) ** 2).sum()
    return signal / (signal + a @ psi)


def best_weights(w, psi):
    weights = w / psi
    return weights / weights.sum()


# %% reliability: signal over noise
# says: not over the whole variance
def reliability(W, psi, a):
    return ((a @ W) ** 2).sum() / (a**2 @ psi)


def best_weights(w, psi):
    weights = w / psi
    return weights / weights.sum()


# %% reliability: weights proportional to the loadings
# says: a noisy test should count less
def reliability(W, psi, a):
    signal = ((a @ W) ** 2).sum()
    return signal / (signal + a**2 @ psi)


def best_weights(w, psi):
    return w / w.sum()


# %% angle: degrees
# says: in degrees
def best_angle(L):
    u = (L[:, 0] + 1j * L[:, 1]) ** 2
    return np.degrees(np.angle((u**2).mean() - u.mean() ** 2)) / 4


# %% angle: the other way round
# says: turned the wrong way
def best_angle(L):
    u = (L[:, 0] + 1j * L[:, 1]) ** 2
    return -np.angle((u**2).mean() - u.mean() ** 2) / 4


# %% angle: half the argument
# says: by which angle does z^4 turn
def best_angle(L):
    u = (L[:, 0] + 1j * L[:, 1]) ** 2
    return np.angle((u**2).mean() - u.mean() ** 2) / 2


# %% angle: quartimax
# says: quartimax
def best_angle(L):
    return np.angle(((L[:, 0] + 1j * L[:, 1]) ** 4).mean()) / 4


# %% angle: arctan of a quotient
# says: the quadrant is lost
def best_angle(L):
    u = (L[:, 0] + 1j * L[:, 1]) ** 2
    kappa = (u**2).mean() - u.mean() ** 2
    return np.arctan(kappa.imag / kappa.real) / 4


# %% gradient: downhill
# says: points downhill
def gradient_W(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return np.linalg.solve(C, (C - S) @ np.linalg.solve(C, W))


def gradient_psi(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return np.diag(np.linalg.solve(C, np.linalg.solve(C, C - S).T)) / 2


def em_loadings(W, psi, P, gradient):
    return W + psi[:, None] * gradient @ np.linalg.inv(P)


# %% gradient: of twice the log-likelihood
# says: derivative of 2 l
def gradient_W(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return 2 * np.linalg.solve(C, (S - C) @ np.linalg.solve(C, W))


def gradient_psi(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T))


def em_loadings(W, psi, P, gradient):
    return W + psi[:, None] * gradient @ np.linalg.inv(P)


# %% gradient: with respect to sigma
# says: with respect to sigma
def gradient_W(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return np.linalg.solve(C, (S - C) @ np.linalg.solve(C, W))


def gradient_psi(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return np.sqrt(psi) * np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T))


def em_loadings(W, psi, P, gradient):
    return W + psi[:, None] * gradient @ np.linalg.inv(P)


# %% gradient: an inverse forgotten
# says: on both sides
def gradient_W(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return (S - C) @ np.linalg.solve(C, W)


def gradient_psi(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T)) / 2


def em_loadings(W, psi, P, gradient):
    return W + psi[:, None] * gradient @ np.linalg.inv(P)


# %% gradient: a step without psi
# says: a scale of its own
def gradient_W(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return np.linalg.solve(C, (S - C) @ np.linalg.solve(C, W))


def gradient_psi(W, psi, S):
    C = W @ W.T + np.diag(psi)
    return np.diag(np.linalg.solve(C, np.linalg.solve(C, S - C).T)) / 2


def em_loadings(W, psi, P, gradient):
    return W + gradient @ np.linalg.inv(P)


# %% left-out: the guess sees what it guesses
# says: has seen the entry
def left_out_mean(X, W, b, psi):
    C = W @ W.T + np.diag(psi)
    return b + (X - b) @ np.linalg.solve(C, W) @ W.T


def left_out_variance(W, psi):
    return 1 / np.diag(np.linalg.inv(W @ W.T + np.diag(psi)))


# %% left-out: the mean forgotten
# says: the mean b is missing
def left_out_mean(X, W, b, psi):
    K = np.linalg.inv(W @ W.T + np.diag(psi))
    return (X - b) - (X - b) @ K / np.diag(K)


def left_out_variance(W, psi):
    return 1 / np.diag(np.linalg.inv(W @ W.T + np.diag(psi)))


# %% left-out: the error instead of the guess
# says: the error of the guess
def left_out_mean(X, W, b, psi):
    K = np.linalg.inv(W @ W.T + np.diag(psi))
    return (X - b) @ K / np.diag(K)


def left_out_variance(W, psi):
    return 1 / np.diag(np.linalg.inv(W @ W.T + np.diag(psi)))


# %% left-out: the noise alone
# says: h is not known, only guessed
def left_out_mean(X, W, b, psi):
    K = np.linalg.inv(W @ W.T + np.diag(psi))
    return X - (X - b) @ K / np.diag(K)


def left_out_variance(W, psi):
    return psi


# %% left-out: standard deviation
# says: the standard deviation, not the variance
def left_out_mean(X, W, b, psi):
    K = np.linalg.inv(W @ W.T + np.diag(psi))
    return X - (X - b) @ K / np.diag(K)


def left_out_variance(W, psi):
    return 1 / np.sqrt(np.diag(np.linalg.inv(W @ W.T + np.diag(psi))))


# %% short-form: no factor one half
# says: has a factor 1/2
def information(W, psi, o):
    o = np.array(o, dtype=int)
    return np.linalg.slogdet(np.eye(W.shape[1]) + W[o].T / psi[o] @ W[o])[1]


def short_form(W, psi, k):
    chosen = []
    for _ in range(k):
        rest = [i for i in range(len(W)) if i not in chosen]
        chosen.append(max(rest, key=lambda i: information(W, psi, [*chosen, i])))
    return chosen


# %% short-form: bits
# says: in bits
def information(W, psi, o):
    o = np.array(o, dtype=int)
    return np.log2(np.linalg.det(np.eye(W.shape[1]) + W[o].T / psi[o] @ W[o])) / 2


def short_form(W, psi, k):
    chosen = []
    for _ in range(k):
        rest = [i for i in range(len(W)) if i not in chosen]
        chosen.append(max(rest, key=lambda i: information(W, psi, [*chosen, i])))
    return chosen


# %% short-form: each test for itself
# says: tells little that test 0 has not told
def information(W, psi, o):
    o = np.array(o, dtype=int)
    return np.linalg.slogdet(np.eye(W.shape[1]) + W[o].T / psi[o] @ W[o])[1] / 2


def short_form(W, psi, k):
    alone = [information(W, psi, [i]) for i in range(len(W))]
    return np.argsort(alone)[::-1][:k]


# %% short-form: the largest loadings
# says: where the noise is larger
def information(W, psi, o):
    o = np.array(o, dtype=int)
    return np.linalg.slogdet(np.eye(W.shape[1]) + W[o].T / psi[o] @ W[o])[1] / 2


def short_form(W, psi, k):
    return np.argsort((W**2).sum(axis=1))[::-1][:k]


# %% short-form: psi taken for standard deviations
# says: not standard deviations
def information(W, psi, o):
    o = np.array(o, dtype=int)
    return np.linalg.slogdet(np.eye(W.shape[1]) + W[o].T / psi[o] ** 2 @ W[o])[1] / 2


def short_form(W, psi, k):
    chosen = []
    for _ in range(k):
        rest = [i for i in range(len(W)) if i not in chosen]
        chosen.append(max(rest, key=lambda i: information(W, psi, [*chosen, i])))
    return chosen


# %% race: errors on the data of the fit
# says: errors on the data of the fit
def prediction_errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    errors = []
    for C in (fit.get_covariance(), np.cov(train.T, bias=True)):
        K = np.linalg.inv(C)
        errors.append((((train - train.mean(axis=0)) @ K / np.diag(K)) ** 2).mean())
    return np.array(errors)


# %% race: centred by the mean of the test set
# says: centre test by the mean of train
def prediction_errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    errors = []
    for C in (fit.get_covariance(), np.cov(train.T, bias=True)):
        K = np.linalg.inv(C)
        errors.append((((test - test.mean(axis=0)) @ K / np.diag(K)) ** 2).mean())
    return np.array(errors)


# %% race: the factors see what they guess
# says: have seen the entry
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
def prediction_errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    errors = []
    for C in (fit.get_covariance(), np.cov(train.T, bias=True)):
        K = np.linalg.inv(C)
        errors.append((((test - train.mean(axis=0)) @ K / np.diag(K)) ** 2).mean() ** 0.5)
    return np.array(errors)
