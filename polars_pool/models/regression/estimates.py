"""The groups of a query to one row per group and term: its coefficients."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
from scipy.special import ndtri

from ..keys import public
from ..tables import WHOLE, series
from .coefficients import STATISTICS, coefficients
from .fit import solved
from .groups import grouped
from .spec import Regression


def coefficients_schema() -> dict[str, pl.DataType]:
    """The result columns without keys."""
    return {"term": pl.String(), "n": pl.Int64(), **dict.fromkeys((*STATISTICS, "lower", "upper"), pl.Float64())}


def estimates_schema(_request: Regression) -> dict[str, pl.DataType]:
    """The columns of `estimates` after the keys."""
    return coefficients_schema()


def estimates(frame: pl.LazyFrame, request: Regression) -> pl.LazyFrame:
    """One row per group and term, under public names."""
    conditional = request.options.uncertainty == "conditional"
    return of_groups(*grouped(frame, request), request, request.options.level, conditional)


def of_groups(
    grouped: pl.LazyFrame, constants: pl.LazyFrame, model: Regression, level: float, conditional: bool
) -> pl.LazyFrame:
    """One row per group and term, under public names."""
    keys = grouped.select(public(*model.key_names)).collect_schema()
    schema = pl.Schema({**keys, **coefficients_schema()})
    call = partial(_of_groups, model=model, quantile=float(ndtri((1 + level) / 2)), conditional=conditional)
    return grouped.join(constants, how="cross").map_batches(call, schema=schema, **WHOLE)


def _of_groups(table: pl.DataFrame, model: Regression, quantile: float, conditional: bool) -> pl.DataFrame:
    schema = coefficients_schema()
    solution = solved(table, model)
    if solution is None:
        return table.select(public(*model.key_names)).with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in schema.items()
        )
    with np.errstate(all="ignore"):
        statistics = coefficients(solution.fitted, solution.reduced, conditional)
    margin = quantile * statistics["se"]
    statistics |= {"lower": statistics["estimate"] - margin, "upper": statistics["estimate"] + margin}
    terms, groups = len(model.terms), solution.groups.height
    rows = np.repeat(np.arange(groups, dtype=np.uint32), terms)
    columns = [series(name, values.ravel(), schema[name]) for name, values in statistics.items()]
    names = pl.Series("term", model.terms, pl.String)[np.tile(np.arange(terms, dtype=np.uint32), groups)]
    count = pl.Series("n", solution.groups["_pool_n"].cast(pl.Int64))[rows]
    keys = solution.groups.select(public(*model.key_names))[rows]
    return keys.with_columns(names, count, *columns).select(*model.key_names, *schema)
