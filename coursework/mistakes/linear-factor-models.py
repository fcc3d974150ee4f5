# %% observe: standard deviation for variance
# says: the noise counts by its variance
def observe(m, V, w, variance, y):
    gain = V @ w / (np.sqrt(variance) + w @ V @ w)
    return np.column_stack([m + gain * (y - w @ m), V - np.outer(gain, V @ w)])


# %% observe: the noise alone in the denominator
# says: missing in the denominator
def observe(m, V, w, variance, y):
    gain = V @ w / variance
    return np.column_stack([m + gain * (y - w @ m), V - np.outer(gain, V @ w)])


# %% observe: returns the precision
# says: this is the precision
def observe(m, V, w, variance, y):
    precision = np.linalg.inv(V) + np.outer(w, w) / variance
    gain = V @ w / (variance + w @ V @ w)
    return np.column_stack([m + gain * (y - w @ m), precision])


# %% observe: covariance grows
# says: more certain, not less
def observe(m, V, w, variance, y):
    gain = V @ w / (variance + w @ V @ w)
    return np.column_stack([m + gain * (y - w @ m), V + np.outer(gain, V @ w)])


# %% observe: the whole reading moves the mean
# says: only what is new
def observe(m, V, w, variance, y):
    gain = V @ w / (variance + w @ V @ w)
    return np.column_stack([m + gain * y, V - np.outer(gain, V @ w)])


# %% observe: forgets what was known before
# says: the old mean counts as well
def observe(m, V, w, variance, y):
    gain = V @ w / (variance + w @ V @ w)
    return np.column_stack([gain * (y - w @ m), V - np.outer(gain, V @ w)])


# %% observe: a row for each result
# says: shape
def observe(m, V, w, variance, y):
    gain = V @ w / (variance + w @ V @ w)
    return np.vstack([m + gain * (y - w @ m), V - np.outer(gain, V @ w)])


# %% squares: normal factors
# says: for normal factors
def square_covariance(W, psi, v, kappa):
    C = v * W @ W.T + np.diag(psi)
    return 2 * C**2


# %% squares: variance of the factors not squared
# says: squared variance of the factors
def square_covariance(W, psi, v, kappa):
    C = v * W @ W.T + np.diag(psi)
    return 2 * C**2 + kappa * v * W**2 @ (W**2).T


# %% squares: kurtosis for excess kurtosis
# says: kappa is the excess
def square_covariance(W, psi, v, kappa):
    C = v * W @ W.T + np.diag(psi)
    return 2 * C**2 + (kappa + 3) * v**2 * W**2 @ (W**2).T


# %% squares: no noise
# says: the noise has squares, too
def square_covariance(W, psi, v, kappa):
    C = v * W @ W.T
    return 2 * C**2 + kappa * v**2 * W**2 @ (W**2).T


# %% squares: product of matrices for squares of entries
# says: not C @ C
def square_covariance(W, psi, v, kappa):
    C = v * W @ W.T + np.diag(psi)
    return 2 * C @ C + kappa * v**2 * W**2 @ (W**2).T


# %% squares: squares the sum over the factors
# says: a sum over the factors
def square_covariance(W, psi, v, kappa):
    C = v * W @ W.T + np.diag(psi)
    return 2 * C**2 + kappa * v**2 * (W @ W.T) ** 2


# %% turn: radians
# says: in degrees
def find_turn(W, k):
    r4, phi = (W**2).sum(axis=1) ** 2, np.arctan2(W[:, 1], W[:, 0])
    columns = [3 * r4, r4 * np.cos(4 * phi), r4 * np.sin(4 * phi)]
    c, cosine, sine = np.linalg.lstsq(np.transpose(columns) / 4, k)[0]
    return np.arctan2(sine / c, cosine / c) / 4 % (np.pi / 2)


# %% turn: the other way
# says: the other way
def find_turn(W, k):
    r4, phi = (W**2).sum(axis=1) ** 2, np.arctan2(W[:, 1], W[:, 0])
    columns = [3 * r4, r4 * np.cos(4 * phi), r4 * np.sin(4 * phi)]
    c, cosine, sine = np.linalg.lstsq(np.transpose(columns) / 4, k)[0]
    return -np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90


# %% turn: not divided by four
# says: four times the angle
def find_turn(W, k):
    r4, phi = (W**2).sum(axis=1) ** 2, np.arctan2(W[:, 1], W[:, 0])
    columns = [3 * r4, r4 * np.cos(4 * phi), r4 * np.sin(4 * phi)]
    c, cosine, sine = np.linalg.lstsq(np.transpose(columns) / 4, k)[0]
    return np.degrees(np.arctan2(sine / c, cosine / c))


# %% turn: the sign of c forgotten
# says: mind the signs of the cosine, the sine and c
def find_turn(W, k):
    r4, phi = (W**2).sum(axis=1) ** 2, np.arctan2(W[:, 1], W[:, 0])
    columns = [3 * r4, r4 * np.cos(4 * phi), r4 * np.sin(4 * phi)]
    c, cosine, sine = np.linalg.lstsq(np.transpose(columns) / 4, k)[0]
    return np.degrees(np.arctan2(sine, cosine)) / 4 % 90


# %% turn: arctangent of a quotient
# says: mind the signs of the cosine, the sine and c
def find_turn(W, k):
    r4, phi = (W**2).sum(axis=1) ** 2, np.arctan2(W[:, 1], W[:, 0])
    columns = [3 * r4, r4 * np.cos(4 * phi), r4 * np.sin(4 * phi)]
    c, cosine, sine = np.linalg.lstsq(np.transpose(columns) / 4, k)[0]
    return np.degrees(np.arctan(sine / cosine)) / 4 % 90


# %% turn: negative angles
# says: between 0 and 90
def find_turn(W, k):
    r4, phi = (W**2).sum(axis=1) ** 2, np.arctan2(W[:, 1], W[:, 0])
    columns = [3 * r4, r4 * np.cos(4 * phi), r4 * np.sin(4 * phi)]
    c, cosine, sine = np.linalg.lstsq(np.transpose(columns) / 4, k)[0]
    return np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90 - 90


# %% party: the prior weights in place of the posterior ones
# says: the kinds have other probabilities
def party_mean(X, W, b, psi, rho, tau):
    kinds = [LinearGaussianModel.from_parameters(t * W, b, psi) for t in tau]
    means = [t * kind.transform(X) for t, kind in zip(tau, kinds, strict=True)]
    return np.einsum("s,snd->nd", rho, np.array(means))


# %% party: every kind equally frequent
# says: not equally frequent
def party_mean(X, W, b, psi, rho, tau):
    kinds = [LinearGaussianModel.from_parameters(t * W, b, psi) for t in tau]
    log_joint = np.transpose([kind.score_samples(X) for kind in kinds])
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    means = [t * kind.transform(X) for t, kind in zip(tau, kinds, strict=True)]
    return np.einsum("ns,snd->nd", R, np.array(means))


# %% party: one normal prior with the mean variance
# says: not one normal density
def party_mean(X, W, b, psi, rho, tau):
    scale = np.sqrt(rho @ tau**2)
    return scale * LinearGaussianModel.from_parameters(scale * W, b, psi).transform(X)


# %% party: tau taken for a variance
# says: tau is a standard deviation
def party_mean(X, W, b, psi, rho, tau):
    kinds = [LinearGaussianModel.from_parameters(t**0.5 * W, b, psi) for t in tau]
    log_joint = np.transpose([kind.score_samples(X) for kind in kinds]) + np.log(rho)
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    means = [t**0.5 * kind.transform(X) for t, kind in zip(tau, kinds, strict=True)]
    return np.einsum("ns,snd->nd", R, np.array(means))


# %% party: the factors not scaled back
# says: have the standard deviation tau, not 1
def party_mean(X, W, b, psi, rho, tau):
    kinds = [LinearGaussianModel.from_parameters(t * W, b, psi) for t in tau]
    log_joint = np.transpose([kind.score_samples(X) for kind in kinds]) + np.log(rho)
    R = np.exp(log_joint - np.logaddexp.reduce(log_joint, axis=1, keepdims=True))
    return np.einsum("ns,snd->nd", R, np.array([kind.transform(X) for kind in kinds]))


# %% broken: no offset
# says: the offset is missing
def fill(X, W, b, psi):
    H = LinearGaussianModel.from_parameters(W, b, psi).transform(X)
    return np.where(np.isnan(X), H @ W.T, X)


# %% broken: a silent sensor counts as one at its offset
# says: not one that reports its offset
def fill(X, W, b, psi):
    H = LinearGaussianModel.from_parameters(W, b, psi).transform(np.where(np.isnan(X), b, X))
    return np.where(np.isnan(X), H @ W.T + b, X)


# %% broken: a silent sensor counts as one at zero
# says: not one that reports zero
def fill(X, W, b, psi):
    H = LinearGaussianModel.from_parameters(W, b, psi).transform(np.nan_to_num(X))
    return np.where(np.isnan(X), H @ W.T + b, X)


# %% broken: the mean of the sensor
# says: ignores what the others say
def fill(X, W, b, psi):
    return np.where(np.isnan(X), b, X)


# %% broken: replaces what was observed, too
# says: what was observed stays
def fill(X, W, b, psi):
    return LinearGaussianModel.from_parameters(W, b, psi).transform(X) @ W.T + b


# %% broken: posterior mean without subtracting the offset
# says: starts from x - b
def fill(X, W, b, psi):
    H = LinearGaussianModel.from_parameters(W, 0.0, psi).transform(X)
    return np.where(np.isnan(X), H @ W.T + b, X)


# %% broken: least squares for the posterior mean
# says: drawn towards zero
def fill(X, W, b, psi):
    result = X.copy()
    for row, x in zip(result, X, strict=True):
        o = ~np.isnan(x)
        scale = 1 / np.sqrt(psi[o])
        h = np.linalg.lstsq(scale[:, None] * W[o], scale * (x - b)[o])[0]
        row[~o] = (W @ h + b)[~o]
    return result


# %% guess: squared points, not parts of a variance
# says: divide by the variance
def errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    result = []
    for j, scores in enumerate(test.T):
        hidden = test.copy()
        hidden[:, j] = np.nan
        others = np.delete(test, j, axis=1)
        line = LinearRegression().fit(np.delete(train, j, axis=1), train[:, j])
        guesses = fit.transform(hidden) @ fit.W_[j] + fit.b_[j], line.predict(others)
        result.append([np.mean((guess - scores) ** 2) for guess in guesses])
    return np.mean(result, axis=0)


# %% guess: the score itself is seen
# says: must not be seen
def errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    result = []
    for j, scores in enumerate(test.T):
        others = np.delete(test, j, axis=1)
        line = LinearRegression().fit(np.delete(train, j, axis=1), train[:, j])
        guesses = fit.transform(test) @ fit.W_[j] + fit.b_[j], line.predict(others)
        result.append([np.mean((guess - scores) ** 2) / scores.var() for guess in guesses])
    return np.mean(result, axis=0)


# %% guess: directly first
# says: first through factors, then directly
def errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    result = []
    for j, scores in enumerate(test.T):
        hidden = test.copy()
        hidden[:, j] = np.nan
        others = np.delete(test, j, axis=1)
        line = LinearRegression().fit(np.delete(train, j, axis=1), train[:, j])
        guesses = line.predict(others), fit.transform(hidden) @ fit.W_[j] + fit.b_[j]
        result.append([np.mean((guess - scores) ** 2) / scores.var() for guess in guesses])
    return np.mean(result, axis=0)


# %% guess: the pupils that were learned from
# says: on the pupils that were learned from
def errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    result = []
    for j, scores in enumerate(train.T):
        hidden = train.copy()
        hidden[:, j] = np.nan
        others = np.delete(train, j, axis=1)
        line = LinearRegression().fit(others, scores)
        guesses = fit.transform(hidden) @ fit.W_[j] + fit.b_[j], line.predict(others)
        result.append([np.mean((guess - scores) ** 2) / scores.var() for guess in guesses])
    return np.mean(result, axis=0)


# %% guess: the sum over the tests
# says: not their sum
def errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    result = []
    for j, scores in enumerate(test.T):
        hidden = test.copy()
        hidden[:, j] = np.nan
        others = np.delete(test, j, axis=1)
        line = LinearRegression().fit(np.delete(train, j, axis=1), train[:, j])
        guesses = fit.transform(hidden) @ fit.W_[j] + fit.b_[j], line.predict(others)
        result.append([np.mean((guess - scores) ** 2) / scores.var() for guess in guesses])
    return np.sum(result, axis=0)


# %% guess: divides by the standard deviation
# says: not by the standard deviation
def errors(train, test, d):
    fit = FactorAnalysis(d).fit(train)
    result = []
    for j, scores in enumerate(test.T):
        hidden = test.copy()
        hidden[:, j] = np.nan
        others = np.delete(test, j, axis=1)
        line = LinearRegression().fit(np.delete(train, j, axis=1), train[:, j])
        guesses = fit.transform(hidden) @ fit.W_[j] + fit.b_[j], line.predict(others)
        result.append([np.mean((guess - scores) ** 2) / scores.std() for guess in guesses])
    return np.mean(result, axis=0)
