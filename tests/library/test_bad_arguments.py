"""Every public function against every kind of bad argument.

`calls` gives a call that works for every function and method on the page of the library, and says
of what kind each argument is. A kind makes bad values, most of them from the good one. Each must
raise `ValueError` or `TypeError`, soon, in words that name the argument.
"""

import contextlib
import importlib.util
import inspect
import itertools
import re
import signal
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy import sparse, stats

import lvmnotes
from lvmnotes import PPCA, Moments
from lvmnotes.core.em import expectation_maximisation
from lvmnotes.core.loadings import leading_eigenpairs
from lvmnotes.linear_factor import ObservedEntries
from lvmnotes.sparse_coding import CodeSums

SECONDS = 5
RNG = np.random.default_rng(0)
N, D, K = 40, 4, 2
X = RNG.normal(size=(N, K)) @ RNG.normal(size=(K, D)) + 0.5 * RNG.normal(size=(N, D))
ANSWERS = (X > 0).astype(float)
COUNTS = np.round(5 * np.abs(X))
TARGETS = X[:, :2] + RNG.normal(size=(N, 2))
W, H = RNG.normal(size=(D, K)), RNG.normal(size=(N, K))
CHAIN = np.array([[0.9, 0.1], [0.2, 0.8]])
B, PSI, WEIGHTS = np.arange(D) / D, np.linspace(0.5, 1, D), np.array([0.25, 0.75])
MOMENTS = Moments.from_data(X)
S = MOMENTS.covariance
PHI = np.array([[1.0, 0.3], [0.3, 1.0]])
HUGE = 10**400
NO_NUMBER = {
    "None": None,
    "text": "one",
    "digits": "1",
    "bool": True,
    "complex": 1j,
    "list": [1.0],
    "array": np.ones(2),
    "dict": {"a": 1},
    "object": object(),
    "generator": (n for n in [1]),
    "type": float,
    "nan": np.nan,
    "inf": np.inf,
    "-inf": -np.inf,
    "huge": HUGE,
    "-huge": -HUGE,
}


# Kinds of arguments: each maps a good value to bad ones, under their names.


def real(good, minimum=None, maximum=None, above=None):
    bad = dict(NO_NUMBER)
    if minimum is not None:
        bad["too small"] = minimum - 1e-3
    if above is not None:
        bad |= {"at the bound": above, "below the bound": above - 1}
    if maximum is not None:
        bad["too large"] = maximum + 1e-3
    return bad


def integer(good, minimum=1, maximum=None):
    bad = NO_NUMBER | {"half": 1.5, "float": 2.0, "too small": minimum - 1, "negative": -1}
    return bad if maximum is None else bad | {"too large": maximum + 1}


def seed(good):
    bad = but(integer, "None", "huge", "too small")(good)
    return bad | {"module": np.random, "legacy": np.random.RandomState(0)}


def option(good):
    bad = but(integer, "None")(good)
    return bad | {"other": "nonsense", "empty": "", "bytes": b"ml", "options": [good, good]}


def boolean(good):
    return but(integer, "bool")(good) | {"one": 1}


def array(good):
    good = np.array(good, dtype=float)
    first = (0,) * good.ndim

    def with_entry(value, dtype=float):
        changed = good.astype(dtype)
        changed[first] = value
        return changed

    return {
        "None": None,
        "scalar": 1.0,
        "text": "one",
        "dict": {"a": 1},
        "object": object(),
        "generator": (row for row in good),
        "type": np.ndarray,
        "nan": with_entry(np.nan),
        "inf": with_entry(np.inf),
        "-inf": with_entry(-np.inf),
        "all nan": good + np.nan,
        "huge": with_entry(HUGE, object),
        "None inside": with_entry(None, object),
        "text inside": with_entry("one", object),
        "digits inside": with_entry("1", object),
        "strings": good.astype(str),
        "dates": good.astype("datetime64[s]"),
        "complex": good + 1j,
        "masked": np.ma.masked_array(good, good == good[first]),
        "more axes": good[..., None, None],
        "empty": good[:0],
    }


def matrix(good):
    """Make bad values of a matrix whose numbers of rows and columns have to fit."""
    good = np.array(good, dtype=float)
    return array(good) | {
        "sparse": sparse.csr_array(good),
        "vector": good[0],
        "ragged": [*good[:-1].tolist(), good[-1, :-1].tolist()],
        "no columns": good[:, :0],
        "column less": good[:, :-1],
        "column more": good[:, [0, *range(len(good[0]))]],
        "row less": good[:-1],
        "row more": good[[0, *range(len(good))]],
    }


def symmetric(good):
    return matrix(good) | {"asymmetric": np.triu(good)}


def scatter(good):
    return symmetric(good) | {"negative": -good}


def vector(good):
    good = np.array(good, dtype=float)
    return array(good) | {
        "shorter": good[:-1],
        "longer": np.append(good, 1.0),
        "column": good[:, None],
    }


def variances(good):
    return offset(good) | {"negative": -good, "one negative": good - good.max() + 1e-9}


def variance(good):
    return variances(np.full(D, good)) | {"vector": np.ones(D)}


def weights(good):
    return vector(good) | {"negative": good * [-1, 1], "half": 0.5 * good, "zero": 0 * good}


def sample_weight(good):
    return but(vector, "None")(good) | {"negative": -good, "zero": 0 * good}


def probabilities(good):
    return but(matrix, *COLUMNS)(good) | {"negative": -good, "too large": 2 * good}


def table(good):
    """Make bad values of a table whose rows are probabilities."""
    return matrix(good) | {"negative": -good, "half": 0.5 * good, "zero": 0 * good}


def another(good):
    """Make values of what may not be given beside something else."""
    return {"array": W, "text": "a", "number": 1.0, "list": [1.0]}


def covariances(good):
    bad = {"negative": -good, "asymmetric": np.triu(good), "zero": 0 * good, "one": good[0]}
    return array(good) | bad | {"class less": good[:1]}


def errors(good):
    """Make bad values of standard errors."""
    return but(some_numbers, "None")(good) | {"zero": 0.0, "negative": -good, "bool": True}


def some_numbers(good):
    """Make bad values of an array of any shape."""
    return but(array, "scalar", "more axes")(good) | {"ragged": [[1], [1, 2]]}


def parameters(good):
    """Make bad values of the parameters of an EM step."""
    bad = {"None": None, "text": "ab", "number": 1.0, "one": good[:1], "more": (*good, 1.0)}
    for i, value in enumerate(good):
        changes = {"None": None, "text": "one", "nan": value * np.nan, "complex": value + 1j}
        for name, changed in changes.items():
            bad[f"{name} at {i}"] = (*good[:i], changed, *good[i + 1 :])
    return bad


def moments(good):
    bad = {"None": None, "data": X, "covariance": S, "tuple": (N, B, S), "dict": vars(MOMENTS)}
    return bad | {"type": Moments, "text": "moments", "number": 1.0, "nan": np.nan}


def models(good):
    other = PPCA.from_parameters(W[:, :1])
    bad = {"None": None, "text": "PPCA", "number": 1.0, "type": PPCA, "array": W, "one": good[0]}
    bad |= {"too few": good[:1], "none": [], "numbers": [1.0, 2.0], "shapes": [good[0], other]}
    return bad | {"types": [PPCA, PPCA], "unfitted": [PPCA(), PPCA()], "Nones": [None, None]}


def batches(good):
    bad = {"None": None, "number": 1.0, "text": "batches", "none": [], "Nones": [None]}
    bad |= {"widths": [X, X[:, :2]], "vectors": [B, B], "texts": ["a"], "nan": [X, X * np.nan]}
    return bad | {"type": list}


def prior(good):
    bad = {"text": "laplace", "number": 1.0, "nan": np.nan, "list": [stats.norm()]}
    return bad | {"class": type(stats.laplace), "discrete": stats.poisson(1)}


def kinds_of_source(good):
    bad = {"None": None, "text": "yes", "one": 1, "half": 0.5, "nan": np.nan, "none": []}
    return bad | {"numbers": [0, 1], "ragged": [[True], [True, False]]}


def function(good):
    return {"None": None, "text": "step", "number": 1.0, "list": [good], "nan": np.nan}


def text(good):
    return {"None": None, "number": 1, "blank": " ", "list": [good]}


def values(good):
    """Make bad values of the values of a slider."""
    bad = {"None": None, "number": 1, "text": "ab", "none": [], "one": [1], "twice": [1, 1]}
    return bad | {"many": range(99), "endless": itertools.count()}


def sizes(good):
    bad = {"None": None, "text": "a", "number": 5.0, "four": good[:4], "nan": [np.nan] * 5}
    return bad | {"negative": [-n for n in good], "halves": [n + 0.5 for n in good]}


def instance(good):
    """Make bad values of an instance of a class of the library."""
    return {"None": None, "data": X, "list": [good], "type": type(good), "text": "a", "number": 1.0}


def lengths(good):
    """Make bad values of the lengths of series."""
    bad = {
        "too long": [*good, 1],
        "too short": good[1:],
        "zero": [0, *good],
        "half": [1.5, N - 1.5],
    }
    return but(array, "None")(good) | bad | {"negative": [-1, N + 1], "steps": np.ones(N)}


def but(kind, *names):
    """Return a kind without some bad values, which are good here."""
    return lambda good: {name: bad for name, bad in kind(good).items() if name not in names}


ROWS, COLUMNS = ("row less", "row more"), ("column less", "column more")
SHAPES = {*ROWS, *COLUMNS, "shorter", "longer"}
MISSING = ("nan", "all nan", "None inside")
data = but(matrix, *ROWS)
samples = but(matrix, *ROWS, *COLUMNS)
offset = but(vector, "scalar")
not_negative = partial(real, minimum=0)
zero_to_one = partial(real, minimum=0, maximum=1)
positive = partial(real, above=0)
up_to = lambda maximum: partial(integer, maximum=maximum)  # noqa: E731


def gappy(good):
    """Make bad data to fit to where entries may be missing, but not a whole column."""
    no_column = {"nan column": good * [np.nan, *[1] * (D - 1)], "all nan": good * np.nan}
    return but(samples, *MISSING)(good) | no_column


def counts(good):
    return samples(good) | {"negative": -good, "no word": 0 * good}


# The calls: name, function, good arguments, kinds of the arguments.

LOOP = {"tol": not_negative, "max_iter": integer}
RANDOM = {"random_state": seed}
RESTARTS = {"n_init": integer} | RANDOM
STARTS = LOOP | RESTARTS
#: For each estimator: what it is fitted to, good hyperparameters, kinds.
ESTIMATORS = {
    "PCA": (X, {"n_components": 2}, {"X": samples, "n_components": up_to(D)}),
    "LinearAutoencoder": (
        X,
        {"n_components": 2, "random_state": 0},
        {"X": samples, "n_components": up_to(D), "learning_rate": not_negative}
        | {"momentum": zero_to_one}
        | LOOP
        | RANDOM,
    ),
    "Autoencoder": (
        X,
        {"n_components": 2, "n_hidden": 3, "tol": 1e-2},
        {"X": samples, "n_components": up_to(D), "n_hidden": integer, "weight_decay": not_negative}
        | LOOP
        | RANDOM,
    ),
    "FactorAnalysis": (
        X,
        {"n_components": 2},
        {"X": gappy, "n_components": up_to(D), "method": option, "rotation": option} | STARTS,
    ),
    "PPCA": (
        X,
        {"n_components": 2},
        {"X": gappy, "n_components": up_to(D - 1), "method": option} | LOOP | RANDOM,
    ),
    "BayesianPCA": (
        X,
        {"n_components": 2},
        {"X": samples, "n_components": but(up_to(D - 1), "None")} | LOOP,
    ),
    "GaussianMixture": (
        X,
        {"n_components": 2},
        {"X": samples, "n_components": up_to(N), "covariance_type": option}
        | {"covariance_floor": zero_to_one}
        | STARTS,
    ),
    "MixturePPCA": (
        X,
        {"n_components": 2},
        {"X": samples, "n_components": up_to(N), "n_factors": up_to(D - 1)}
        | {"covariance_floor": zero_to_one}
        | STARTS,
    ),
    "LatentClassModel": (
        ANSWERS,
        {"n_components": 2, "n_init": 1, "tol": 1e-3},
        {"X": gappy, "n_components": up_to(N)} | STARTS,
    ),
    "SFA": (
        X,
        {"n_components": 2, "lengths": [N - 10, 10]},
        {"X": samples, "n_components": but(up_to(D), "None"), "lengths": lengths},
    ),
    "ICA": (
        X,
        {"n_components": D, "tol": 1e-3},
        {"X": samples, "n_components": but(up_to(D), "None"), "method": option} | LOOP | RANDOM,
    ),
    "HiddenMarkovModel": (
        X,
        {"n_components": 2, "n_init": 1, "tol": 1e-3},
        {"X": samples, "n_components": up_to(N), "emission": option}
        | {"stationary": boolean, "covariance_floor": zero_to_one}
        | STARTS,
    ),
    "PLS": (
        X,
        {"Y": TARGETS, "n_components": 2},
        {"X": but(matrix, *COLUMNS), "Y": but(matrix, *COLUMNS), "n_components": up_to(D)}
        | {"scale": boolean},
    ),
    "LSA": (X, {"n_components": 2}, {"X": samples, "n_components": up_to(D)}),
    "PLSA": (
        COUNTS,
        {"n_components": 2, "tol": 1e-3},
        {"X": counts, "n_components": integer} | STARTS,
    ),
    "LatentDirichletAllocation": (
        COUNTS,
        {"n_components": 2, "tol": 1e-3},
        {"X": counts, "n_components": integer, "alpha": positive, "eta": positive}
        | {"method": option, "n_sweeps": integer}
        | STARTS,
    ),
    "SparseCoding": (
        X,
        {"n_components": 2, "lam": 0.1, "max_iter": 20, "tol": 1e-2},
        {"X": samples, "n_components": integer, "lam": positive, "beta": positive} | LOOP | RANDOM,
    ),
}
#: Arguments of methods, the same in every model.
METHODS = {
    "transform": {"X": data},
    "score": {"X": data},
    "score_samples": {"X": data},
    "posterior": {"X": data},
    "filter": {"X": data},
    "predict": {"X": data},
    "predict_proba": {"X": data},
    "fit_predict": {"X": samples, "sample_weight": sample_weight},
    "aic": {"X": data},
    "bic": {"X": data},
    "reconstruction_error": {"X": data},
    "partial_fit": {"X": data},
    "bartlett_scores": {"X": data},
    "inverse_transform": {"X": data},
    "log_prior": {"H": data},
    "log_joint": {"X": matrix, "H": matrix},
    "sample": {"n_samples": integer} | RANDOM,
}
#: Models that take NaN for a missing entry, and those of their methods that do not.
INCOMPLETE = {"LinearGaussianModel", "ProbabilisticSFA", "FactorAnalysis", "PPCA"}
INCOMPLETE |= {"LatentClassModel"}
OF_COUNTS = {"PLSA", "LatentDirichletAllocation"}
COMPLETE = {"bartlett_scores", "inverse_transform", "log_prior", "log_joint", "sample"}
#: A model without noise has no joint density.
REFUSED = {("ICA", "log_joint")}
WEIGHTED = {"sample_weight": np.ones(N)}, {"sample_weight": sample_weight}
LINEAR = {"W": samples, "b": offset, "noise_variance": variances}
CODING = {"W": but(matrix, *COLUMNS), "lam": not_negative, "beta": positive, "b": offset}
CODED = CODING | {"X": matrix, "H": matrix, "W": matrix}
PROBLEM = {"X": X, "W": W, "lam": 0.5, "beta": 2.0, "b": B}
SIZES = [D, 3, K, 3, D]
N_WEIGHTS = sum((m + 1) * n for m, n in itertools.pairwise(SIZES))
EIGENVALUES, V = leading_eigenpairs(S, K)
#: Functions, and methods of classes, that are like no other: good arguments and kinds.
FUNCTIONS = {
    "lasso.sparse_encode": (PROBLEM, {"X": data, **CODING}),
    "lasso.coordinate_descent": (
        PROBLEM | {"start": H, "max_iter": 500},
        {"X": data, **CODING, "start": but(matrix, "None"), "max_iter": integer},
    ),
    "lasso.objective": (PROBLEM | {"H": H}, CODED),
    "lasso.duality_gap": (PROBLEM | {"H": H}, CODED),
    "rotation.varimax": (
        {"W": W, "normalize": True},
        {"W": samples, "normalize": boolean, "tol": not_negative} | RESTARTS,
    ),
    "rotation.promax": ({"W": W}, {"W": samples, "power": partial(real, minimum=1)} | RESTARTS),
    "rotation.oblimin": ({"W": W}, {"W": samples, "gamma": real, "tol": not_negative} | RESTARTS),
    "core.loadings.leading_eigenpairs": (
        {"S": S, "n_components": 2},
        {"S": symmetric, "n_components": up_to(D)},
    ),
    "ica.ICA.from_parameters": (
        {"W": W, "b": B},
        {"W": samples, "b": offset, "prior": but(prior, "None")},
    ),
    "ica.source": ({"super_gaussian": True}, {"super_gaussian": kinds_of_source}),
    "ica.amari_index": ({"W": W, "truth": W + 0.1}, {"W": matrix, "truth": matrix}),
    "factor_analysis.em_step": (
        {"parameters": (W, PSI), "S": S},
        {"parameters": parameters, "S": symmetric},
    ),
    "factor_analysis.parallel_analysis": (
        {"X": X, "n_sets": 3},
        {"X": samples, "percentile": partial(real, minimum=0, maximum=100), "n_sets": integer}
        | RANDOM,
    ),
    "factor_analysis.fit_indices": (
        {"statistic": 90.0, "dof": 24, "null_statistic": 900.0, "null_dof": 36, "n_samples": 300},
        {"statistic": not_negative, "dof": integer, "null_statistic": not_negative}
        | {"null_dof": integer, "n_samples": positive},
    ),
    "factor_analysis.profile_likelihood": (
        {"log_psi": np.log(PSI), "S": S, "n_components": 2},
        {"log_psi": vector, "S": symmetric, "n_components": up_to(D)},
    ),
    "ppca.em_step": (
        {"parameters": (W, 0.5), "S": S, "total": np.trace(S)},
        {"parameters": parameters, "S": symmetric, "total": but(positive, "None")},
    ),
    "ppca.closed_form": (
        {"eigenvalues": EIGENVALUES, "V": V, "total": np.trace(S)},
        {"eigenvalues": vector, "V": but(matrix, *ROWS), "total": positive},
    ),
    "bayesian_pca.ard_squared_lengths": (
        {"eigenvalues": EIGENVALUES, "noise": 0.1, "rho": 0.1},
        {"eigenvalues": but(vector, "shorter", "longer"), "noise": positive, "rho": positive},
    ),
    "autoencoder.linear_error": (
        {"V": W, "W": W, "b": B, "mu": B, "mean": B, "C": S},
        {"V": matrix, "W": matrix, "b": vector, "mu": vector, "mean": vector, "C": symmetric},
    ),
    "autoencoder.network_error": (
        {"theta": np.ones(N_WEIGHTS), "Z": X, "sizes": SIZES},
        {"theta": vector, "Z": data, "sizes": sizes, "weight_decay": not_negative},
    ),
    "sparse_coding.update_decoder": (
        {"W": W / 9, "b": B, "sums": CodeSums.from_codes(X, H)},
        {"W": matrix, "b": vector, "sums": instance},
    ),
    "sparse_coding.CodeSums.from_codes": (
        {"X": X, "H": H},
        {"X": but(matrix, *COLUMNS), "H": but(matrix, *COLUMNS)},
    ),
    "linear_factor.ObservedEntries": (
        {"X": X, "sample_weight": np.ones(N)},
        {"X": but(samples, *MISSING), "sample_weight": sample_weight},
    ),
    "linear_factor.em_step": (
        {"parameters": (W, B, PSI), "entries": ObservedEntries(X), "floor": 1e-6},
        {"parameters": parameters, "entries": instance, "floor": not_negative, "tied": boolean},
    ),
    "linear_factor.LinearFactorModel.from_parameters": (
        {"W": W, "b": B, "noise_variance": PSI},
        LINEAR | {"prior": prior},
    ),
    "linear_factor.LinearGaussianModel.from_parameters": (
        {"W": W, "b": B, "noise_variance": PSI, "factor_correlation": PHI},
        LINEAR | {"factor_correlation": but(scatter, "None")},
    ),
    "factor_analysis.FactorAnalysis.from_parameters": (
        {"W": W, "b": B, "noise_variance": PSI},
        LINEAR,
    ),
    "ppca.PPCA.from_parameters": (
        {"W": W, "b": B, "noise_variance": 0.5},
        LINEAR | {"noise_variance": variance},
    ),
    "bayesian_pca.BayesianPCA.from_parameters": (
        {"W": W, "b": B, "noise_variance": 0.5},
        LINEAR | {"noise_variance": variance},
    ),
    "sparse_coding.SparseCoding.from_parameters": (
        {"W": W, "b": B, "noise_variance": 0.5, "lam": 0.5},
        {"W": samples, "b": offset, "noise_variance": positive, "lam": positive},
    ),
    "slow_features.ProbabilisticSFA.from_parameters": (
        {"W": W, "b": B, "noise_variance": PSI, "persistence": [0.9, 0.5]},
        LINEAR | {"persistence": but(vector, "scalar")},
    ),
    "mixtures.GaussianMixture.from_parameters": (
        {"weights": WEIGHTS, "means": W.T, "covariances": np.stack([S, S])},
        {"weights": weights, "means": matrix, "covariances": covariances},
    ),
    "mixture_ppca.MixturePPCA.from_parameters": (
        {"weights": WEIGHTS, "models": [PPCA.from_parameters(W)] * 2},
        {"weights": weights, "models": models},
    ),
    "pls.nipals": (
        {"X": X - X.mean(axis=0), "Y": TARGETS - TARGETS.mean(axis=0), "n_components": 2},
        {"X": but(matrix, *COLUMNS), "Y": but(matrix, *COLUMNS), "n_components": integer},
    ),
    "lda.tokens": ({"X": COUNTS}, {"X": lambda good: samples(good) | {"halves": good / 2}}),
    "latent_class.LatentClassModel.from_parameters": (
        {"weights": WEIGHTS, "probabilities": ANSWERS[:2]},
        {"weights": weights, "probabilities": probabilities},
    ),
    "hidden_markov.HiddenMarkovModel.from_parameters": (
        {"start": WEIGHTS, "transition": CHAIN, "rates": np.array([1.0, 2.0])},
        {"start": weights, "transition": table, "rates": but(variances, "zero")}
        | {"means": another, "covariances": another, "probabilities": another},
    ),
    "hidden_markov.stationary_distribution": ({"transition": CHAIN}, {"transition": table}),
    "pseudo_marginal.pseudo_marginal_metropolis_hastings": (
        {"log_likelihood": lambda theta, rng: -(theta @ theta), "log_prior": lambda theta: 0.0}
        | {"theta0": B, "n_samples": 5, "step": 0.5 + B},
        {"log_likelihood": function, "log_prior": function, "theta0": but(vector, *SHAPES)}
        | {"n_samples": integer, "step": variances}
        | RANDOM,
    ),
    "pseudo_marginal.particle_filter": (
        {"X": X, "start": lambda n, rng: rng.normal(size=(n, 1))}
        | {"transition": lambda H, rng: H + rng.normal(size=H.shape)}
        | {"log_density": lambda x, H: -((x[0] - H[:, 0]) ** 2), "n_particles": 5},
        {"X": samples, "start": function, "transition": function, "log_density": function}
        | {"n_particles": integer}
        | RANDOM,
    ),
    "pseudo_marginal.systematic_resampling": (
        {"weights": WEIGHTS},
        {"weights": but(sample_weight, *SHAPES, "zero"), **RANDOM},
    ),
    "core.moments.Moments": (
        {"n": 5.0, "mean": B, "scatter": S},
        {"n": positive, "mean": vector, "scatter": scatter},
    ),
    "core.moments.Moments.from_data": (
        {"X": X, "sample_weight": np.ones(N)},
        {"X": samples, "sample_weight": sample_weight},
    ),
    "core.moments.Moments.from_batches": ({"batches": [X, X]}, {"batches": batches}),
    "core.moments.Moments.from_covariance": (
        {"covariance": S, "n": 9},
        {"covariance": scatter, "n": positive},
    ),
    "core.moments.Moments.__add__": (
        {"self": MOMENTS, "other": MOMENTS},
        {"other": moments},
    ),
    "notebook.gabor.gabor_fit": (
        {"W": np.eye(9)[:, :2], "size": 3},
        {"W": but(matrix, *COLUMNS), "size": partial(integer, minimum=2)},
    ),
    "data.lsat": ({"section": 6}, {"section": partial(integer, minimum=6, maximum=7)}),
    "data.natural_patches": (
        {"n_samples": 4, "size": 4},
        {"n_samples": partial(integer, minimum=2), "size": up_to(205), "whiten": boolean} | RANDOM,
    ),
    "data.moving_patches": (
        {"n_series": 2, "n_steps": 3, "size": 4},
        {
            "n_series": partial(integer, minimum=2),
            "n_steps": partial(integer, minimum=2, maximum=60),
        }
        | {"size": partial(integer, minimum=2, maximum=40)}
        | RANDOM,
    ),
    "notebook.check.check": (
        {"claim": "X-1", "what": "it", "got": B, "want": B, "rtol": 0.1},
        {"claim": text, "what": text, "got": some_numbers, "want": some_numbers}
        | {"rtol": but(not_negative, "None"), "fails": boolean},
    ),
    "notebook.glue.glue": (
        {"name": "it", "value": "1.0"},
        {"name": but(text, "blank"), "value": lambda _: {"float": 1.0, "array": np.ones(1)}},
    ),
    "coursework.expect": (
        {"what": "it", "got": 1.0, "want": 1.0},
        {"rtol": not_negative, "atol": not_negative},
    ),
}
CHECKS = {
    "atol": (0.1, but(not_negative, "None")),
    "se": (np.ones(D), errors),
    "above": (-1, but(real, "None")),
    "below": (9, but(real, "None")),
}


DATA = ("X", "Y", "sample_weight", "lengths", "moments")


def fit(name, **arguments):
    """Fit a model to whatever is among the arguments, with the others as hyperparameters."""
    given = {key: arguments.pop(key) for key in DATA if key in arguments}
    model = getattr(lvmnotes, name)(**arguments)
    return model.fit(**given) if "X" in given else model.fit_moments(**given)


def fitted(name):
    if name not in ESTIMATORS:
        return getattr(lvmnotes, name).from_parameters(W, B, PSI)
    X, hyperparameters, _ = ESTIMATORS[name]
    return fit(name, X=X, **hyperparameters)


def draw(value):
    """Draw nothing, on a square inch."""
    return Figure(figsize=(1, 1))


def em_from_one(step, **arguments):
    return expectation_maximisation(step, 1.0, **arguments)


def live_figure(name, **data):
    return lvmnotes.live_figure(name, **data)


def explore(draw, **arguments):
    lvmnotes.explore(draw, **arguments)


def calls():
    """Yield the name of every function, itself, good arguments and the kind of each argument."""
    for name, (good, kinds) in FUNCTIONS.items():
        yield name, find(name), good, kinds
    for name, (X, hyperparameters, kinds) in ESTIMATORS.items():
        model = getattr(lvmnotes, name)
        good = {"X": X} | hyperparameters
        if "sample_weight" in inspect.signature(model.fit).parameters:
            good, kinds = good | WEIGHTED[0], kinds | WEIGHTED[1]
        yield f"{qualified_name(model)}.fit", partial(fit, name), good, kinds
        if hasattr(model, "fit_moments"):
            good, kinds = {"moments": MOMENTS} | hyperparameters, {**kinds, "moments": moments}
            kinds = {
                key: kind for key, kind in kinds.items() if key not in WEIGHTED[1] and key != "X"
            }
            yield f"{qualified_name(model)}.fit_moments", partial(fit, name), good, kinds
    for name in ["LinearFactorModel", "LinearGaussianModel", "ProbabilisticSFA", *ESTIMATORS]:
        model = fitted(name)
        codes = X[:, : getattr(model, "_n_features_out", K)]
        arguments = {"X": ESTIMATORS.get(name, [X])[0], "H": codes}
        arguments |= {"n_samples": 3, "random_state": 0}
        arguments |= WEIGHTED[0]
        for method, kinds in METHODS.items():
            if is_ours(model, method) and (name, method) not in REFUSED:
                good = {key: arguments[key] for key in kinds}
                if method == "inverse_transform":
                    good = {"X": codes}
                if (name, method) == ("PLS", "score"):
                    good = {"X": X, "y": TARGETS}
                    kinds = {"X": matrix, "y": matrix}
                if name in INCOMPLETE and method not in COMPLETE:
                    kinds = {
                        key: but(kind, *MISSING) if key == "X" else kind
                        for key, kind in kinds.items()
                    }
                yield f"{qualified_name(type(model))}.{method}", getattr(model, method), good, kinds
    for yardstick, (value, kind) in CHECKS.items():
        good = {"claim": "X-1", "what": "it", "got": B, "want": B, yardstick: value}
        if yardstick in ("above", "below"):
            del good["want"]
        yield "notebook.check.check", lvmnotes.check, good, {yardstick: kind}
    good = {"step": lambda theta: (-(theta**2), theta / 2), "tol": 1e-3, "max_iter": 99}
    yield "core.em.expectation_maximisation", em_from_one, good, {"step": function} | LOOP
    good = {"draw": draw, "alt": "Nothing", "value": [1, 2]}
    kinds = {"draw": function, "alt": text, "value": values}
    yield "notebook.explore.explore", explore, good, kinds
    good = {"text": "What is one?", "answer": 1.0, "because": "It is one.", "rtol": 0.1}
    kinds = {"text": text, "answer": real, "because": text, "rtol": partial(real, minimum=0)}
    yield "notebook.question.question", lvmnotes.question, good, kinds
    good = {"name": "pca-line", "slope": 1.0}
    yield "notebook.live_figure.live_figure", live_figure, good, {"name": text}
    if importlib.util.find_spec("dask"):
        import dask.array

        good = {"array": dask.array.from_array(X)}
        yield "core.moments.Moments.from_dask", Moments.from_dask, good, {"array": moments}


def is_ours(model, method):
    """Return whether a model has a method that is not scikit-learn's."""
    module = getattr(getattr(model, method, None), "__module__", None) or ""
    return module.startswith("lvmnotes")


def qualified_name(value):
    """Return the name of a class or function within the library."""
    return f"{value.__module__}.{value.__qualname__}".removeprefix("lvmnotes.")


def find(name):
    """Return what has this name within the library."""
    parts = name.split(".")
    for n in range(len(parts) - 1, 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            value = importlib.import_module(".".join(["lvmnotes", *parts[:n]]))
            for part in parts[n:]:
                value = getattr(value, part)
            return value


@contextlib.contextmanager
def time_limit(seconds):
    """Raise in a call that hangs; where there are no such signals (Windows), wait."""

    def stop(number, frame):
        raise TimeoutError

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    previous = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def fault(function, arguments, blamed):
    """Return what is wrong with the answer to a bad argument, or None."""
    try:
        with time_limit(SECONDS), warnings.catch_warnings(action="ignore"):
            result = function(**arguments)
    except (ValueError, TypeError) as error:
        named = re.search(rf"\b({'|'.join(blamed)})\b", str(error))
        return None if named else f"{type(error).__name__} without its name: {error}"
    except TimeoutError:
        return "hangs"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return f"accepted: {result!r}"


with warnings.catch_warnings(action="ignore"):
    CALLS = list(calls())
ARGUMENTS = [
    pytest.param(function, good, argument, kind, id=f"{name}-{argument}")
    for name, function, good, kinds in CALLS
    for argument, kind in kinds.items()
]


@pytest.mark.parametrize(("name", "function", "good", "kinds"), CALLS)
def test_the_good_call_works(name, function, good, kinds):
    with warnings.catch_warnings(action="ignore"):
        assert not nan_inside(function(**good))


@pytest.mark.parametrize(("function", "good", "argument", "kind"), ARGUMENTS)
def test_a_bad_argument_is_named(function, good, argument, kind):
    faults = [
        f"{argument}={name}: {found[:150]}"
        for name, bad in kind(good.get(argument)).items()
        # A shape that does not fit may be the fault of either argument.
        for blamed in [good if name in SHAPES else [argument]]
        if (found := fault(function, good | {argument: bad}, blamed))
    ]
    assert not faults, "\n".join(faults)


def endless(argument):
    while True:
        pass


def unnamed(argument):
    raise ValueError("something is wrong")


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (lambda argument: argument, "accepted: 1"),
        (lambda argument: argument / 0, "ZeroDivisionError"),
        (unnamed, "ValueError without its name"),
        pytest.param(
            endless,
            "hangs",
            marks=pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="no such signal"),
        ),
    ],
)
def test_a_fault_is_found(monkeypatch, function, found):
    monkeypatch.setattr(sys.modules[__name__], "SECONDS", 0.1)
    assert found in fault(function, {"argument": 1}, ["argument"])


def test_there_are_thousands_of_cases():
    cases = [kind(good.get(name)) for *_, good, kinds in CALLS for name, kind in kinds.items()]
    assert sum(map(len, cases)) > 7000


def nan_inside(value):
    """Return whether there is NaN anywhere in a result."""
    if isinstance(value, tuple | list):
        return any(map(nan_inside, value))
    if isinstance(value, stats.distributions.rv_frozen):
        return False  # what scipy returns outside of the support is NaN
    if hasattr(value, "__dict__"):
        return any(map(nan_inside, vars(value).values()))
    return np.asarray(value).dtype.kind == "f" and bool(np.isnan(value).any())


EXTREMES = {
    "single precision": X.astype(np.float32),
    "integers": X.round().astype(int),
    "column by column": np.asfortranarray(X),
    "list": X.tolist(),
    "large": 1e150 * X,
    "squares overflow": 1e160 * X,
    "small": 1e-150 * X,
    "squares underflow": 1e-160 * X,
    "far": X + 1e9,
    "mixed scales": X * [1e-100, 1, 1e50, 1e100],
    "constant column": X * [1, 1, 1, 0] + 3,
    "constant": 0 * X + 0.1,
    "equal columns": X[:, [0, 0, 1, 1]],
    "equal rows": X[np.zeros(N, int)],
    "two kinds of rows": X[np.arange(N) % 2],
    "one row": X[:1],
    "two rows": X[:2],
    "three rows": X[:3],
    "one column": X[:, :1],
}


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_extreme_data_are_fitted_or_refused(name, extreme):
    """Refused with an error that names the data or a hyperparameter, or fitted without NaN."""
    _, hyperparameters, kinds = ESTIMATORS[name]
    data = EXTREMES[extreme]
    if name == "LatentClassModel":
        data = (np.asarray(data) > np.mean(data)).astype(np.asarray(data).dtype)
    if name in OF_COUNTS:
        data = np.abs(data)
    with time_limit(2 * SECONDS), warnings.catch_warnings(action="ignore"):
        try:
            model = fit(name, X=data, **hyperparameters)
        except ValueError as error:
            assert re.search(rf"\b({'|'.join(kinds)})\b", str(error)), error
            return
        assert not nan_inside(model)
        for method in ("transform", "posterior", "score_samples", "predict_proba", "score"):
            if is_ours(model, method) and (name, method) != ("PLS", "score"):
                assert not nan_inside(getattr(model, method)(data)), method
        if hasattr(model, "sample"):
            assert not nan_inside(model.sample(3, random_state=0))


#: What a student writes is checked as an answer: by tests/coursework.
STUDENTS = {"coursework.ask", "coursework.forbid"}
#: They take what the fit of a mixture has checked, once and not in every step of EM.
PARTS_OF_A_FIT = {
    "core.blocks.tree_sum",
    "core.classes.e_step",
    "core.classes.responsibilities",
    "core.markov_chain.best_path",
    "core.markov_chain.filter_forward",
    "core.markov_chain.smooth",
    "core.gaussian_classes.em_step",
    "core.gaussian_classes.log_densities",
    "core.gaussian_classes.m_step",
    "factor_analysis.best_loadings",
    "hidden_markov.em_step",
    "hidden_markov.stationary_step",
    "latent_class.em_step",
    "latent_class.log_densities",
    "lda.count",
    "lda.gibbs_sweeps",
    "lda.infer",
    "lda.log_joint",
    "lda.variational_step",
    "linear_factor.observed_gradient",
    "mixture_ppca.em_step",
    "mixture_ppca.m_step",
    "plsa.em_step",
    "plsa.fold_in",
}


def public():
    """Yield the functions and methods on the pages of the library that have arguments."""
    table = (Path(__file__).parents[2] / "book" / "library.yml").read_text("utf-8")
    modules = "\n".join(re.findall(r"^ {4}.*", table, re.MULTILINE))
    for name, labels in re.findall(r"([\w.]+):( \[)?", modules):
        if not labels:
            module = importlib.import_module(f"lvmnotes.{name}")
            continue
        value = getattr(module, name)
        members = inspect.getmembers(value, callable) if isinstance(value, type) else [value]
        for member in members:
            method, function = member if isinstance(member, tuple) else ("", member)
            ours = (getattr(function, "__module__", None) or "").startswith("lvmnotes")
            if ours and not method.startswith("_"):
                if set(inspect.signature(function).parameters) - {"self", "y"}:
                    yield f"{qualified_name(value)}.{method}".rstrip(".")


def test_every_public_function_has_a_call():
    missing = set(public()) - {name for name, *_ in CALLS}
    if not importlib.util.find_spec("dask"):
        missing.remove("core.moments.Moments.from_dask")
    refused = {f"{name.lower()}.{name}.{method}" for name, method in REFUSED}
    assert missing == STUDENTS | PARTS_OF_A_FIT | refused


@pytest.mark.parametrize("name", ESTIMATORS)
def test_extreme_new_data_are_read_or_refused(name):
    """By a model that was fitted to ordinary data: no NaN, or an error that names X."""
    _, hyperparameters, _ = ESTIMATORS[name]
    binary = name == "LatentClassModel" or name in OF_COUNTS
    new = {"far": 1e160 * X, "very far": 1e300 * X, "near": 1e-300 * X}
    with time_limit(2 * SECONDS), warnings.catch_warnings(action="ignore"):
        model = fit(name, X=(X > 0).astype(float) if binary else X, **hyperparameters)
        for method in ("transform", "posterior", "score_samples", "predict_proba", "predict"):
            for which, data in new.items():
                if hasattr(model, method):
                    try:
                        result = getattr(model, method)(data)
                    except ValueError as error:
                        assert re.search(r"\bX\b", str(error)), error
                    else:
                        assert not nan_inside(result), (method, which)


def test_a_sample_that_no_class_can_give_is_refused():
    """Its log-density is below the smallest number, so it has no responsibilities."""
    model = lvmnotes.GaussianMixture.from_parameters([0.5, 0.5], [[0.0], [1.0]], [1.0, 1.0])
    assert np.isneginf(model.score_samples([[1e160]])).all()
    for method in (model.predict_proba, model.predict):
        with pytest.raises(ValueError, match="X has samples that no class .* row 1 is the first"):
            method([[1.0], [1e160]])
