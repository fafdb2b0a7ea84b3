"""`python -m polars_pool.engines` renders the formulas as SQL."""

from . import sql

sql.write()
