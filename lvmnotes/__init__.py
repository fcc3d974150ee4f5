"""Latent variable models in numpy: a module a chapter of the book, and what they share."""

from .autoencoder import Autoencoder, LinearAutoencoder
from .claims import check
from .explore import explore
from .factor_analysis import FactorAnalysis
from .lasso import sparse_encode
from .latent_class import LatentClassModel
from .linear_factor import LinearFactorModel, LinearGaussianModel
from .mixture_ppca import MixturePPCA
from .mixtures import GaussianMixture
from .moments import Moments
from .pca import PCA
from .ppca import PPCA, BayesianPCA
from .rotation import promax, varimax
from .sparse_coding import SparseCoding

__version__ = "0.1.0"

__all__ = [
    "PCA",
    "PPCA",
    "Autoencoder",
    "BayesianPCA",
    "FactorAnalysis",
    "GaussianMixture",
    "LatentClassModel",
    "LinearAutoencoder",
    "LinearFactorModel",
    "LinearGaussianModel",
    "MixturePPCA",
    "Moments",
    "SparseCoding",
    "check",
    "explore",
    "promax",
    "sparse_encode",
    "varimax",
]
