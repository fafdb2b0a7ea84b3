"""Partial pooling as a dataframe verb: `frame.pool.shrink("score", by="school")`."""

from .engines.duckdb import install_macros
from .engines.sql import FOLDER as SQL
from .namespace import ExprPool, FramePool
from .verbs import components, encode, merge, moments, shrink
from .warning import ConvergenceWarning

__version__ = "0.1.0"
__all__ = [
    "SQL",
    "ConvergenceWarning",
    "ExprPool",
    "FramePool",
    "components",
    "encode",
    "install_macros",
    "merge",
    "moments",
    "shrink",
]
