"""The groups of a query to one row per group and term: its coefficients."""

from __future__ import annotations

from functools import partial

import numpy as np
import polars as pl
from scipy.special import ndtri

from ..keys import public
from ..tables import WHOLE
from .coefficients import STATISTICS, coefficients
from .components import solved
from .spec import Regression


def coefficients_schema() -> dict[str, pl.DataType]:
    return {"term": pl.String(), "n": pl.Int64(), **dict.fromkeys((*STATISTICS, "lower", "upper"), pl.Float64())}


def of_groups(
    grouped: pl.LazyFrame, constants: pl.LazyFrame, model: Regression, level: float, conditional: bool
) -> pl.LazyFrame:
    """One row a group and term, under public names."""
    keys = grouped.select(public(*model.key_names)).collect_schema()
    schema = pl.Schema({**keys, **coefficients_schema()})
    call = partial(_of_groups, model=model, quantile=float(ndtri((1 + level) / 2)), conditional=conditional)
    return grouped.join(constants, how="cross").map_batches(call, schema=schema, **WHOLE)


def _of_groups(table: pl.DataFrame, model: Regression, quantile: float, conditional: bool) -> pl.DataFrame:
    schema = coefficients_schema()
    answer = solved(table, model)
    if answer is None:
        return table.select(public(*model.key_names)).with_columns(
            pl.lit(None, dtype).alias(name) for name, dtype in schema.items()
        )
    table, _, found, d = answer
    with np.errstate(all="ignore"):
        told = coefficients(found, d, conditional)
    told["lower"], told["upper"] = (told["estimate"] + side * quantile * told["se"] for side in (-1, 1))
    terms, groups = len(model.terms), table.height
    rows = np.repeat(np.arange(groups, dtype=np.uint32), terms)
    statistics = [pl.Series(name, told[name].ravel(), nan_to_null=True) for name in told]
    names = pl.Series("term", model.terms, pl.String)[np.tile(np.arange(terms, dtype=np.uint32), groups)]
    count = pl.Series("n", table["_pool_n"].cast(pl.Int64))[rows]
    keys = table.select(public(*model.key_names))[rows]
    return keys.with_columns(names, count, *statistics).select(*model.key_names, *schema)
