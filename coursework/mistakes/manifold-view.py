# Wrong answers, each with what a test should say of it: changes to the solution (- old, + new), or
# functions that take the place of the solution's. `make coursework` proves that each is found.

# %% halves: the decoder as its own encoder
# says: is W^T V = I?
def best_encoder(V):
    return V


# %% halves: columns divided by their squared lengths
# says: for orthogonal columns only
def best_encoder(V):
    return V / (V**2).sum(axis=0)


# %% halves: missing transpose
# says: should have shape (3, 2), but has (2, 3)
def best_encoder(V):
    return np.linalg.solve(V.T @ V, V.T)


# %% halves: the pseudo-inverse for the decoder, too
# says: the variances of x do not enter, and they should
def best_decoder(W, C):
    return np.linalg.pinv(W).T


# %% halves: covariance with the code, not divided
# says: divide by the covariance of the code
def best_decoder(W, C):
    return C @ W


# %% halves: the mean as offset
# says: b is the mean only if the mean code is 0
def best_offset(W, mu, mean, C):
    return mean


# %% offset: the covariance as if offsets were free
# says: this is the error with the best offsets
def error_without_offset(mean, C, d):
    return np.linalg.eigvalsh(C)[: len(C) - d].sum()


# %% offset: the plane of PCA moved to the origin
# says: moved to the origin
def error_without_offset(mean, C, d):
    V = np.linalg.eigh(C)[1][:, : len(C) - d]
    return np.trace(V.T @ (C + np.outer(mean, mean)) @ V)


# %% offset: the eigenvalues kept
# says: the part that the code keeps
# - return np.linalg.eigvalsh(M)[: len(M) - d].sum()
# + return np.linalg.eigvalsh(M)[len(M) - d :].sum()

# %% offset: the second moment with the wrong sign
# says: more than C, not less
# - M = C + np.outer(mean, mean)
# + M = C - np.outer(mean, mean)


# %% offset: the error saved, not the share
# says: as a share of lambda_d
def worth(mean, C, d):
    return error_without_offset(mean, C, d) - np.linalg.eigvalsh(C)[: len(C) - d].sum()


# %% plane: projectors from columns that are not orthonormal
# says: the projector for orthonormal columns only
def plane_gap(V, W):
    return ((V @ V.T - W @ W.T) ** 2).sum()


# %% plane: bases compared
# says: this compares bases, not planes
def plane_gap(V, W):
    unit = V / np.linalg.norm(V, axis=0) - W / np.linalg.norm(W, axis=0)
    return (unit**2).sum()


# %% plane: half of the gap
# says: this is half of it
# - return 2 * (V.shape[1] - (products**2).sum())
# + return V.shape[1] - (products**2).sum()

# %% plane: columns divided by their lengths, not made orthogonal
# says: may still not be orthogonal
# - products = np.linalg.qr(V)[0].T @ np.linalg.qr(W)[0]
# + products = (V / np.linalg.norm(V, axis=0)).T @ (W / np.linalg.norm(W, axis=0))
# - Q = np.linalg.qr(V)[0]
# + Q = V / np.linalg.norm(V, axis=0)

# %% plane: the error, not the excess
# says: this is the error, not the excess
# - return np.linalg.eigvalsh(C)[-V.shape[1] :].sum() - np.trace(Q.T @ C @ Q)
# + return np.trace(C) - np.trace(Q.T @ C @ Q)


# %% plane: a variance along columns of any length
# says: a variance for orthonormal columns only
def excess(C, V):
    return np.linalg.eigvalsh(C)[-V.shape[1] :].sum() - np.trace(V.T @ C @ V)


# %% arc: the mean is not subtracted
# says: the mean is not subtracted
# - return np.array([0.5 - wave, 0.5 + wave - (np.sin(a) / a) ** 2])
# + return np.sort([0.5 - wave, 0.5 + wave])[::-1]


# %% arc: an integral without the density
# says: is the integral over its length
# - while arc_eigenvalues(a / K)[1] > error:
# + while arc_eigenvalues(a / K)[1] / (2 * a / K) > error:
def arc_eigenvalues(a):
    wave = np.sin(2 * a) / 2
    return np.array([a - wave, a + wave - 2 * np.sin(a) ** 2 / a])


# %% arc: rising order
# says: the larger one comes first
# - return np.array([0.5 - wave, 0.5 + wave - (np.sin(a) / a) ** 2])
# + return np.array([0.5 + wave - (np.sin(a) / a) ** 2, 0.5 - wave])
# - while arc_eigenvalues(a / K)[1] > error:
# + while arc_eigenvalues(a / K)[0] > error:


# %% arc: the expansion for pieces of any length
# says: for short pieces only
def pieces(a, error):
    return int(np.ceil(a / (45 * error) ** 0.25))


# %% arc: errors of the pieces added up
# says: an average over the pieces, not a sum
# - while arc_eigenvalues(a / K)[1] > error:
# + while K * arc_eigenvalues(a / K)[1] > error:

# %% arc: the angle of a piece for its half-angle
# says: a piece has the half-angle a / K
# -     K = 1
# -     while arc_eigenvalues(a / K)[1] > error:
# +     K = 2
# +     while arc_eigenvalues(2 * a / K)[1] > error:


# %% fill: the transpose for the least-squares code
# says: the columns of W_O are not of unit length
def fill(X, observed, W, b, eigenvalues, rho):
    H = (X - b)[:, observed] @ W[observed] / (1 + rho / eigenvalues)
    return np.where(observed, X, H @ W.T + b)


# %% fill: the hidden pixels have a say
# says: the hidden pixel must not be used
def fill(X, observed, W, b, eigenvalues, rho):
    H = (X - b) @ W / (1 + rho / eigenvalues)
    return np.where(observed, X, H @ W.T + b)


# %% fill: observed pixels replaced by the plane's
# says: observed values must not change
# - np.where(observed, X, H @ W.T + b)
# + H @ W.T + b

# %% fill: offset forgotten before encoding
# says: subtract b before encoding
# - H = np.linalg.solve(M, W_O.T @ (X - b)[:, observed].T).T
# + H = np.linalg.solve(M, W_O.T @ X[:, observed].T).T

# %% fill: penalty times the eigenvalue
# says: divided by the eigenvalue
# - M = W_O.T @ W_O + np.diag(rho / eigenvalues)
# + M = W_O.T @ W_O + np.diag(rho * eigenvalues)

# %% fill: the same penalty for every entry
# says: the eigenvalue has no effect
# - M = W_O.T @ W_O + np.diag(rho / eigenvalues)
# + M = W_O.T @ W_O + rho * np.eye(len(eigenvalues))

# %% local: planes through the centres
# says: not through the centre
# -         X = test[owner == k]
# -         error += len(X) * PCA(d).fit(train[nearest(train) == k]).reconstruction_error(X)
# +         V = PCA(d).fit(train[nearest(train) == k]).W_
# +         Z = test[owner == k] - centres[k]
# +         error += ((Z - Z @ V @ V.T) ** 2).sum()


# %% local: one plane for all
# says: this is the error of one line for all
def local_error(train, test, centres, d):
    return PCA(d).fit(train).reconstruction_error(test)


# %% local: a sum over the samples
# says: not their sum
# - return error / len(test)
# + return error


# %% local: training error
# says: this is the error on the training samples
def local_error(train, test, centres, d):
    owner = ((train[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    error = 0.0
    for k in np.unique(owner):
        X = train[owner == k]
        error += len(X) * PCA(d).fit(X).reconstruction_error(X)
    return error / len(train)


# %% local: every piece counts alike
# says: every test sample counts alike
# - owner, error = nearest(test), 0.0
# + owner, errors = nearest(test), []
# -         X = test[owner == k]
# -         error += len(X) * PCA(d).fit(train[nearest(train) == k]).reconstruction_error(X)
# -     return error / len(test)
# +         fit = PCA(d).fit(train[nearest(train) == k])
# +         errors.append(fit.reconstruction_error(test[owner == k]))
# +     return np.mean(errors)
