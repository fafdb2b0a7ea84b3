"""The groups of a query to one row per group and term: its coefficients."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl

from ..keys import public
from ..tables import WHOLE, series
from .coefficients import STATISTICS, coefficients
from .fit import solved
from .groups import grouped
from .spec import Regression


def estimates_schema(_request: Regression) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    return {"term": pl.String(), "n": pl.Int64(), **dict.fromkeys((*STATISTICS, "lower", "upper"), pl.Float64())}


def estimates(frame: pl.LazyFrame, request: Regression) -> pl.LazyFrame:
    """One row per group and term, under public names."""
    groups, constants = grouped(frame, request)
    keys = groups.select(public(*request.key_names)).collect_schema()
    return groups.join(constants, how="cross").map_batches(
        partial(_of_groups, request=request),
        schema=pl.Schema({**keys, **estimates_schema(request)}),
        **WHOLE,
    )


def _of_groups(table: pl.DataFrame, request: Regression) -> pl.DataFrame:
    schema = estimates_schema(request)
    solution = solved(table, request)
    if solution is None:
        return table.select(public(*request.key_names)).with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in schema.items()
        )
    with np.errstate(all="ignore"):
        statistics = coefficients(solution.fitted, solution.reduced, request.options.uncertainty == "conditional")
    margin = request.options.quantile * statistics["se"]
    statistics |= {"lower": statistics["estimate"] - margin, "upper": statistics["estimate"] + margin}
    terms, groups = len(request.terms), solution.groups.height
    rows = np.repeat(np.arange(groups, dtype=np.uint32), terms)
    columns = [series(name, values.ravel(), schema[name]) for name, values in statistics.items()]
    names = pl.Series("term", request.terms, pl.String)[np.tile(np.arange(terms, dtype=np.uint32), groups)]
    count = pl.Series("n", solution.groups["_pool_n"].cast(pl.Int64))[rows]
    keys = solution.groups.select(public(*request.key_names))[rows]
    return keys.with_columns(names, count, *columns).select(*request.key_names, *schema)
