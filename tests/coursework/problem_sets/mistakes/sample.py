# %% offset: sum
# says: the sum, not the mean
# - X.mean(axis=0)
# + X.sum(axis=0)

# %% offset: columns for rows
# says: shape
# - X.mean(axis=0)
# + X[:, :1].mean(axis=1)[:, None]

# %% offset: printed, not returned
# says: is None
# - return X.mean(axis=0)
# + print(X.mean(axis=0))

# %% spread: sigma for variance
# says: the standard deviation, not the variance
def spread(X):
    return X.std(axis=0)


# %% spread: divisor
# says: the divisor is N
def spread(X):
    return X.var(axis=0) * len(X) / max(len(X) - 1, 1)


# %% spread: forgot the mean
# says: the mean is not subtracted
# - (X - offset(X)) ** 2
# + X**2


# %% spread: numpy's own
# says: numpy.var must not be called
def spread(X):
    return np.var(X, axis=0)
