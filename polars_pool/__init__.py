"""Partial pooling as a dataframe verb: `frame.pool.shrink("score", by="school")`."""

from . import starting as _starting  # noqa: F401  before all that takes time
from .engines.duckdb import install_macros
from .engines.sql import FOLDER as SQL
from .namespace import ExprPool, FramePool
from .priors import (
    Beta,
    DuMouchel,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfT,
    InverseGamma,
    Jeffreys,
    Normal,
    Uniform,
    UniformShrinkage,
)
from .regression import predict, regress, regress_components
from .store import MomentStore
from .verbs import compare, components, encode, merge, moments, posterior_draws, profile, shrink
from .version import __version__ as __version__
from .warning import ConvergenceWarning

__all__ = [
    "SQL",
    "Beta",
    "ConvergenceWarning",
    "DuMouchel",
    "Exponential",
    "ExprPool",
    "Flat",
    "FramePool",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfT",
    "InverseGamma",
    "Jeffreys",
    "MomentStore",
    "Normal",
    "Uniform",
    "UniformShrinkage",
    "compare",
    "components",
    "encode",
    "install_macros",
    "merge",
    "moments",
    "posterior_draws",
    "predict",
    "profile",
    "regress",
    "regress_components",
    "shrink",
]
