# %% offset: sum
# says: the sum, not the mean
def offset(X):
    return X.sum(axis=0)


# %% offset: columns for rows
# says: shape
def offset(X):
    return X[:, :1].mean(axis=1)[:, None]


# %% offset: prints
# says: is None
def offset(X):
    print(X.mean(axis=0))


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
def spread(X):
    return (X**2).mean(axis=0)
