"""Partial pooling as a dataframe verb: `frame.pool.shrink("score", by="school")`."""

from .engines.duckdb import install_macros
from .engines.sql import FOLDER as SQL
from .namespace import ExprPool, FramePool
from .store import MomentStore
from .verbs import compare, components, encode, merge, moments, profile, shrink
from .version import __version__ as __version__
from .warning import ConvergenceWarning

__all__ = [
    "SQL",
    "ConvergenceWarning",
    "ExprPool",
    "FramePool",
    "MomentStore",
    "compare",
    "components",
    "encode",
    "install_macros",
    "merge",
    "moments",
    "profile",
    "shrink",
]
