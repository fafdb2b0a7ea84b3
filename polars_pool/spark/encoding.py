"""Statistics of its group for every row of a Spark frame: from all rows, those of other folds, or another frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as spark

from ..models.encoding import FOLD, NAME, Encoding, by_fold
from ..models.keys import KEY, PRIVATE
from ..models.refuse import BAD_ROWS
from ..models.request import Request
from .frames import OTHER, named, same
from .inputs import Inputs
from .refuse import unless

Estimates = Callable[[Inputs, Any, DataFrame | None], DataFrame]


def encoded(inputs: Inputs, request: Request, encoding: Encoding, estimates: Estimates) -> DataFrame:
    """All columns of the frame, and statistics of the group of each row under the names of the encoding."""
    keys = [*request.over_names, *request.group_names]
    return _joined(_with_keys(inputs, request, keys), estimates(inputs, request, None), keys, encoding)


def of_other_rows(
    inputs: Inputs, request: Request, encoding: Encoding, others: Inputs, estimates: Estimates
) -> DataFrame:
    """The same for other rows; a group that the frame does not have gets mu."""
    keys = [*request.over_names, *request.group_names]
    rows = _with_keys(others, request, keys)
    return _joined(rows, estimates(inputs, request, _groups_of(rows, others, request, keys)), keys, encoding)


def out_of_fold(inputs: Inputs, request: Request, encoding: Encoding, estimates: Estimates) -> DataFrame:
    """The same from the rows of all other folds: each fold has a copy of them, and is fitted as a model of its own."""
    keys = [*request.over_names, NAME, *request.group_names]
    fold = inputs.columns["folds"]
    missing = spark.lit(BAD_ROWS["folds"].format(rows="some rows"))
    frame = inputs.frame.withColumn(FOLD, fold).where(unless([(missing, spark.col(FOLD).isNull())]))
    rows = _with_keys(replace(inputs, frame=frame), request, [key for key in keys if key != NAME])
    labels = rows.select(spark.col(FOLD).alias(NAME)).distinct()
    copies = rows.crossJoin(spark.broadcast(labels)).where(spark.col(FOLD) != spark.col(NAME))
    over = len(request.over_names)
    key_columns = (*inputs.keys[:over], spark.col(NAME), *inputs.keys[over:])
    columns = {role: column for role, column in inputs.columns.items() if role != "folds"}
    of_copies = replace(inputs, frame=copies, columns=columns, keys=key_columns)
    return _joined(
        rows, estimates(of_copies, by_fold(request), _groups_of(rows, inputs, request, keys)), keys, encoding
    )


def _with_keys(inputs: Inputs, request: Request, keys: Iterable[str]) -> DataFrame:
    """The rows with their keys under private names; those of nested levels below the result are left out."""
    return inputs.frame.withColumns({KEY + key: column for key, column in zip(keys, inputs.keys, strict=False)})


def _groups_of(rows: DataFrame, inputs: Inputs, request: Request, keys: Iterable[str]) -> DataFrame:
    """The keys of the rows under their own names, and the predictors of their groups, each once."""
    return inputs.with_predictors(rows, [named(KEY + key).alias(key) for key in keys], request).distinct()


def _joined(rows: DataFrame, of_groups: DataFrame, keys: list[str], encoding: Encoding) -> DataFrame:
    """The rows with statistics of their group in place of their keys."""
    others = {KEY + key: OTHER + key for key in keys}
    of_groups = of_groups.select(
        *(named(key).alias(OTHER + key) for key in keys), *(_statistic(of_groups, one) for one in encoding.columns)
    )
    # Two columns of the frame may have the same name, so none is selected by name.
    joined = rows.join(of_groups, same(others), "left").drop(*others, *others.values())
    return joined.withColumnsRenamed({PRIVATE + one: name for one, name in encoding.columns.items()})


def _statistic(of_groups: DataFrame, name: str) -> Column:
    return of_groups[name].alias(PRIVATE + name)
