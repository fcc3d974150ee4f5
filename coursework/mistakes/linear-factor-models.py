# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% observe: standard deviation for variance
# says: the noise enters by its variance
# - gain = V @ w / (variance + w @ V @ w)
# + gain = V @ w / (np.sqrt(variance) + w @ V @ w)

# %% observe: the noise alone in the denominator
# says: missing in the denominator
# - gain = V @ w / (variance + w @ V @ w)
# + gain = V @ w / variance

# %% observe: returns the precision
# says: this is the precision
# - V - np.outer(gain, V @ w)
# + np.linalg.inv(V) + np.outer(w, w) / variance

# %% observe: covariance grows
# says: more certain, not less
# - V - np.outer(gain, V @ w)
# + V + np.outer(gain, V @ w)

# %% observe: the whole reading moves the mean
# says: only the difference from the prediction
# - m + gain * (y - w @ m)
# + m + gain * y

# %% observe: forgets what was known before
# says: the old mean is missing
# - m + gain * (y - w @ m)
# + gain * (y - w @ m)

# %% observe: a row for each result
# says: shape
# - np.column_stack
# + np.vstack

# %% squares: normal factors
# says: for normal factors
# - return 2 * C**2 + kappa * v**2 * W**2 @ (W**2).T
# + return 2 * C**2

# %% squares: variance of the factors not squared
# says: squared variance of the factors
# - return 2 * C**2 + kappa * v**2 * W**2 @ (W**2).T
# + return 2 * C**2 + kappa * v * W**2 @ (W**2).T

# %% squares: kurtosis for excess kurtosis
# says: kappa is the excess
# - return 2 * C**2 + kappa * v**2 * W**2 @ (W**2).T
# + return 2 * C**2 + (kappa + 3) * v**2 * W**2 @ (W**2).T

# %% squares: no noise
# says: the squares of the noise vary as well
# - C = v * W @ W.T + np.diag(psi)
# + C = v * W @ W.T

# %% squares: product of matrices for squares of entries
# says: not C @ C
# - return 2 * C**2 + kappa * v**2 * W**2 @ (W**2).T
# + return 2 * C @ C + kappa * v**2 * W**2 @ (W**2).T

# %% squares: squares the sum over the factors
# says: a sum over the factors
# - return 2 * C**2 + kappa * v**2 * W**2 @ (W**2).T
# + return 2 * C**2 + kappa * v**2 * (W @ W.T) ** 2

# %% turn: radians
# says: in degrees
# - return np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90
# + return np.arctan2(sine / c, cosine / c) / 4 % (np.pi / 2)

# %% turn: the other way
# says: in the opposite direction
# - return np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90
# + return -np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90

# %% turn: not divided by four
# says: four times the angle
# - return np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90
# + return np.degrees(np.arctan2(sine / c, cosine / c))

# %% turn: the sign of c forgotten
# says: check the signs of the cosine, the sine and c
# - return np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90
# + return np.degrees(np.arctan2(sine, cosine)) / 4 % 90

# %% turn: arctangent of a quotient
# says: check the signs of the cosine, the sine and c
# - return np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90
# + return np.degrees(np.arctan(sine / cosine)) / 4 % 90

# %% turn: negative angles
# says: between 0 and 90
# - return np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90
# + return np.degrees(np.arctan2(sine / c, cosine / c)) / 4 % 90 - 90

# %% party: the prior weights in place of the posterior ones
# says: the kinds of evening have other probabilities
# - np.einsum("ns,snd->nd", R, np.array(means))
# + np.einsum("s,snd->nd", rho, np.array(means))

# %% party: every kind equally frequent
# says: not equally frequent
# - + np.log(rho)

# %% party: one normal prior with the mean variance
# says: not one normal density
def party_mean(X, W, b, psi, rho, tau):
    scale = np.sqrt(rho @ tau**2)
    return scale * LinearGaussianModel.from_parameters(scale * W, b, psi).transform(X)


# %% party: tau taken for a variance
# says: tau is a standard deviation
# - t * W
# + t**0.5 * W
# - t * kind.transform(X)
# + t**0.5 * kind.transform(X)

# %% party: the factors not scaled back
# says: have the standard deviation tau, not 1
# - t * kind.transform(X)
# + kind.transform(X)

# %% broken: no offset
# says: the offset is missing
# - H @ W.T + b
# + H @ W.T

# %% broken: a silent sensor counts as one at its offset
# says: not a reading equal to the offset
# - transform(X)
# + transform(np.where(np.isnan(X), b, X))

# %% broken: a silent sensor counts as one at zero
# says: not a reading of zero
# - transform(X)
# + transform(np.nan_to_num(X))

# %% broken: the mean of the sensor
# says: ignores the other readings
# - H @ W.T + b
# + b

# %% broken: replaces what was observed, too
# says: observed values must not change
# - np.where(np.isnan(X), H @ W.T + b, X)
# + H @ W.T + b

# %% broken: posterior mean without subtracting the offset
# says: starts from x - b
# - from_parameters(W, b, psi)
# + from_parameters(W, 0.0, psi)


# %% broken: least squares for the posterior mean
# says: shrunk towards zero
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
# - np.mean((guess - scores) ** 2) / scores.var()
# + np.mean((guess - scores) ** 2)

# %% guess: the score itself is seen
# says: must not be used
# - fit.transform(hidden)
# + fit.transform(test)

# %% guess: directly first
# says: first through factors, then directly
# - guesses = fit.transform(hidden) @ fit.W_[j] + fit.b_[j], line.predict(others)
# + guesses = line.predict(others), fit.transform(hidden) @ fit.W_[j] + fit.b_[j]

# %% guess: the pupils that were learned from
# says: on the pupils used for the fit
# - enumerate(test.T)
# + enumerate(train.T)
# - hidden = test.copy()
# + hidden = train.copy()
# - others = np.delete(test, j, axis=1)
# + others = np.delete(train, j, axis=1)

# %% guess: the sum over the tests
# says: not their sum
# - return np.mean(result, axis=0)
# + return np.sum(result, axis=0)

# %% guess: divides by the standard deviation
# says: not by the standard deviation
# - scores.var()
# + scores.std()
