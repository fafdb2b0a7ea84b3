"""Partial pooling as a dataframe verb: `frame.pool.shrink("score", by="school")`."""

from pathlib import Path

from .namespace import ExprPool, FramePool
from .verbs import components, encode, merge, moments, shrink
from .warning import ConvergenceWarning

_package = Path(__file__).parent
SQL = next(folder for folder in (_package / "sql", _package.parent / "sql") if folder.is_dir())

__version__ = "0.1.0"
__all__ = [
    "SQL",
    "ConvergenceWarning",
    "ExprPool",
    "FramePool",
    "components",
    "encode",
    "merge",
    "moments",
    "shrink",
]
