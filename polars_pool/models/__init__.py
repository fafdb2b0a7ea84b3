"""One model family per folder; a file name means the same in each. Models compute by formulas, on Polars expressions
and, once rows are groups, on arrays (engines/numpy.py)."""

from ..engines import polars as polars
