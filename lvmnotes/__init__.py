"""Latent variable models in numpy: one module per model, and the code they share."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .autoencoder import Autoencoder, LinearAutoencoder
from .bayesian_pca import BayesianPCA
from .core.moments import Moments
from .factor_analysis import FactorAnalysis
from .hidden_markov import HiddenMarkovModel
from .ica import ICA
from .lasso import sparse_encode
from .latent_class import LatentClassModel
from .lda import LatentDirichletAllocation
from .linear_factor import LinearFactorModel, LinearGaussianModel
from .lsa import LSA
from .mixture_ppca import MixturePPCA
from .mixtures import GaussianMixture
from .pca import PCA
from .pls import PLS
from .plsa import PLSA
from .ppca import PPCA
from .pseudo_marginal import particle_filter, pseudo_marginal_metropolis_hastings
from .rotation import oblimin, promax, varimax
from .slow_features import SFA, ProbabilisticSFA
from .sparse_coding import SparseCoding

if TYPE_CHECKING:
    from . import data as data
    from .notebook.check import check
    from .notebook.explore import explore
    from .notebook.glue import glue
    from .notebook.live_figure import live_figure
    from .notebook.question import question

__version__ = "0.1.0"

__all__ = [
    "ICA",
    "LSA",
    "PCA",
    "PLS",
    "PLSA",
    "PPCA",
    "SFA",
    "Autoencoder",
    "BayesianPCA",
    "FactorAnalysis",
    "GaussianMixture",
    "HiddenMarkovModel",
    "LatentClassModel",
    "LatentDirichletAllocation",
    "LinearAutoencoder",
    "LinearFactorModel",
    "LinearGaussianModel",
    "MixturePPCA",
    "Moments",
    "ProbabilisticSFA",
    "SparseCoding",
    "check",
    "explore",
    "glue",
    "live_figure",
    "oblimin",
    "particle_filter",
    "promax",
    "pseudo_marginal_metropolis_hastings",
    "question",
    "sparse_encode",
    "varimax",
]


def __getattr__(name: str):
    """Import what fitting a model does not need when it is first used."""
    if name == "data":
        return import_module(".data", __name__)
    if name in ("check", "explore", "glue", "live_figure", "question"):  # these need Jupyter
        return getattr(import_module(f".notebook.{name}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "data"})
