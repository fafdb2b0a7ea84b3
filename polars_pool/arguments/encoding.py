"""The request of an encoding: the model, the rows that encode each row, and the statistics that are added."""

from __future__ import annotations

from typing import Any

import polars as pl

from ..models.encoding import ARGUMENTS, STATISTICS, Encoding
from ..models.families import family_of
from ..models.nested.spec import Nested
from ..models.oneway.spec import Means
from ..models.posterior.spec import PosteriorMeans
from ..models.rates.spec import ACCEPTED, Rates
from ..models.rates_posterior.spec import RatesPosterior
from .call import Call
from .columns import column_of, new_column, rowwise, schema_of
from .families import has_rates
from .frames import rows_to_encode
from .means import means
from .meta_regression import has_predictors, meta_regression
from .nested import is_nested, nested
from .options import one_of, seed
from .rates import rates
from .sentences import kind_of, listed, shown

Encoded = Means | PosteriorMeans | Nested | Rates | RatesPosterior
WORDS = ("loo", "before")
HOW = "a number of folds, a column or expression of the fold of each row, 'loo' or 'before'"


def encoding(call: Call) -> tuple[Encoded, Encoding, pl.LazyFrame | None]:
    """The request for the model, the encoding, and other rows to encode; None for those of the frame."""
    request = _request(call)
    how = of_rows(call, request)
    rows = rows_to_encode(call, request)
    schema = call.schema if rows is None else rows.collect_schema()
    for column in how.columns.values():
        new_column(schema, column)
    return request, how, rows


def of_rows(call: Call, request: Encoded) -> Encoding:
    """The encoding that the arguments describe."""
    folds = _folds(call)
    if isinstance(folds, str) and not (isinstance(request, Means) and not request.predictors):
        raise ValueError(
            f"folds={folds!r} needs means without a prior, predictors or nested levels; give a number of folds"
        )
    if folds is not None and call.get("rows") is not None:
        raise ValueError("rows= does not go with folds=: folds encode the rows that are fitted, rows= encodes others")
    return Encoding(
        name=_name(call.get("name", "estimate")),
        statistics=_statistics(call.get("columns"), request),
        folds=folds,
        seed=_seed(call, folds),
        order_by=_order(call, folds),
    )


def _name(name: Any) -> str:
    """The name of the column of the estimate."""
    if not isinstance(name, str):
        raise TypeError(f"name={shown(name)}; give the new column's name")
    return name


def _request(call: Call) -> Encoded:
    """The request for the model of an encoding."""
    if is_nested(call):
        return nested(call)
    if has_predictors(call):
        return meta_regression(call)
    if has_rates(call):
        return rates(call, ACCEPTED | ARGUMENTS)
    return means(call)


def is_rule(folds: Any) -> bool:
    """Whether folds are a number or a word, not a column."""
    return not isinstance(folds, pl.Expr) and (not isinstance(folds, str) or folds in WORDS)


def _folds(call: Call) -> Any:
    """The folds: a number, a word, or an expression; None for all rows."""
    folds = call.get("folds")
    if folds is None or (isinstance(folds, str) and folds in WORDS):
        return folds
    if isinstance(folds, str | pl.Expr):
        rowwise(folds, "folds")
        schema_of(call.frame, call.schema, [folds], "folds")
        return column_of(call.schema, folds, "folds")
    if isinstance(folds, bool) or not hasattr(folds, "__index__"):
        raise TypeError(f"folds={shown(folds)}; give {HOW}")
    if int(folds) < 2:
        raise ValueError(f"folds={folds!r}; give 2 folds or more, {HOW.removeprefix('a number of folds, ')}")
    return int(folds)


def _seed(call: Call, folds: Any) -> int | None:
    """The seed of random folds; None for other folds each time."""
    if call.get("seed") is not None and not isinstance(folds, int):
        raise ValueError(f"seed={shown(call['seed'])} is for a number of folds, which it draws: folds=5")
    return seed(call.get("seed"))


def _order(call: Call, folds: Any) -> pl.Expr | None:
    """The order of rows that only earlier rows encode."""
    order = call.get("order_by")
    if (order is None) == (isinstance(folds, str) and folds == "before"):
        reason = (
            "folds='before' needs order_by=, a column or expression"
            if order is None
            else (f"order_by={shown(order)} is for folds='before': each row by the rows of its group before it")
        )
        raise ValueError(reason)
    if order is None:
        return None
    rowwise(order, "order_by")
    schema_of(call.frame, call.schema, [order], "order_by")
    return column_of(call.schema, order, "order_by")


def _statistics(columns: Any, request: Encoded) -> tuple[str, ...]:
    """The statistics to add, by default the estimate."""
    if columns is None:
        return ("estimate",)
    names = [columns] if isinstance(columns, str) else columns
    if not isinstance(names, list | tuple) or not names:
        raise TypeError(f"columns={shown(columns)} ({kind_of(columns)}); give one or several of {listed(STATISTICS)}")
    known = [name for name in STATISTICS if name in family_of(request).estimates_schema(request)]
    return tuple(dict.fromkeys(one_of(name, known, "columns") for name in names))
