"""Partial pooling as a dataframe verb: `frame.pool.shrink("score", by="school")`.

NumPy, SciPy and PyArrow are imported by what needs them, when it is first used: `import polars_pool` costs little more
than `import polars`.
"""

from typing import TYPE_CHECKING, Any

from . import starting as starting  # before the imports that take time
from .arguments import factor, interaction
from .engines.duckdb import FOLDER as SQL
from .engines.duckdb import install_macros
from .formulas.priors import (
    Beta,
    DuMouchel,
    Exponential,
    Flat,
    Gamma,
    HalfCauchy,
    HalfNormal,
    HalfT,
    Hyper,
    InverseGamma,
    Jeffreys,
    Normal,
    Uniform,
    UniformShrinkage,
    UniformSpread,
)
from .models.warning import ConvergenceWarning
from .namespace import ExprPool, FramePool
from .verbs import (
    coefficients,
    compare,
    components,
    encode,
    merge,
    moments,
    posterior_draws,
    predict,
    profile,
    rank,
    regress,
    regress_coefficients,
    regress_components,
    shrink,
)
from .version import __version__ as __version__

if TYPE_CHECKING:
    from .store.store import MomentStore

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
    "Hyper",
    "InverseGamma",
    "Jeffreys",
    "MomentStore",
    "Normal",
    "Uniform",
    "UniformShrinkage",
    "UniformSpread",
    "coefficients",
    "compare",
    "components",
    "encode",
    "factor",
    "install_macros",
    "interaction",
    "merge",
    "moments",
    "posterior_draws",
    "predict",
    "profile",
    "rank",
    "regress",
    "regress_coefficients",
    "regress_components",
    "shrink",
]


def __getattr__(name: str) -> Any:
    if name != "MomentStore":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .store.store import MomentStore

    return MomentStore
