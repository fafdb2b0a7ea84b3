"""The columns of a call as Spark columns, and the same call of an empty Polars frame, for the checks of arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import polars as pl
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as spark

from ..arguments import Call, Factor, Interaction, flag, is_rule
from ..arguments.columns import AS_A_COLUMN
from ..models.keys import PRIVATE
from ..models.oneway.spec import OneWay
from ..models.regression.spec import Regression
from ..models.request import Request
from . import design
from .frames import named, polars_type, schema_of

ROLES = ("value", "n", "var", "se", "weights", "trials", "exposure")
KEYS = ("over", "by")
COVARIATES = ("x", "toward")


@dataclass(frozen=True)
class Inputs:
    """A Spark frame, and the columns of a call by role: one for each number, a list for the keys and the covariates."""

    frame: DataFrame
    columns: Mapping[str, Column]
    keys: tuple[Column, ...]  # of over and by, in that order
    persist: bool = True
    covariates: tuple[Column, ...] = ()  # the sources of the design, the parts of interactions each

    def rows(self, request: Request) -> DataFrame:
        """The columns that the request needs under private names: keys and numbers, in their own types."""
        keys = (column.alias(key) for column, key in zip(self.keys, request.keys, strict=True))
        numbers = (column.alias(PRIVATE + role) for role, column in self.columns.items())
        return self.frame.select(*keys, *numbers, *(e.alias(name) for name, e in self.terms(request).items()))

    def terms(self, request: Request) -> dict[str, Column]:
        """The terms of covariates or of predictors of groups, and the values that are no level of a factor."""
        if not isinstance(request, Regression | OneWay):
            return {}
        terms = design.terms(request.design, self.covariates)
        return {f"{PRIVATE}x{i}": e for i, e in enumerate(terms)} | design.unseen(request.design, self.covariates)

    def with_predictors(self, rows: DataFrame, keys: Iterable[Column], request: Request) -> DataFrame:
        """Some keys, and the predictors of groups under private names, of any rows that have their columns."""
        terms = self.terms(request)
        return rows.select(
            *keys, *(terms[f"{PRIVATE}x{i}"].alias(f"{PRIVATE}x{i}") for i in range(len(request.predictors)))
        )

    def kept(self, groups: DataFrame) -> DataFrame:
        """The groups, which several jobs read: in Spark's cache, unless the call says otherwise."""
        return groups.persist() if self.persist else groups

    @contextmanager
    def kept_within(self, groups: DataFrame, request: OneWay) -> Iterator[DataFrame]:
        """The same for the jobs of a model, which end here: nothing stays in the cache. Sizes alone need one job."""
        if request.variance_depends_on_n or not self.persist:
            yield groups
            return
        kept = groups.persist()
        try:
            yield kept
        finally:
            kept.unpersist()


def translated(call: Call) -> tuple[Inputs, Call]:
    """The Spark columns of a call, and the call with Polars expressions in their place, of the same names and types."""
    frame, schema = call["frame"], schema_of(call["frame"])
    expressions: dict[str, Any] = {}  # of Polars, by argument
    columns: dict[str, Column] = {}
    keys: list[Column] = []

    def translate(argument: Any, role: str) -> tuple[Any, Any]:
        if isinstance(argument, str):
            return _with_values(named(argument), schema.get(argument), role), argument
        if isinstance(argument, pl.Expr):
            raise TypeError(f"{role}= is an expression of Polars; give a column name or an expression of Spark")
        if not isinstance(argument, Column):
            return argument, argument  # refused with the other wrong arguments
        name, dtype = _of_expression(frame, argument, role)
        return _with_values(argument, dtype, role), pl.when(pl.nth(0).is_null()).then(None).cast(dtype).alias(name)

    for role in ROLES:
        if call.get(role) is not None:
            columns[role], expressions[role] = translate(call[role], role)
    if isinstance(call.get("folds"), str | Column) and not (isinstance(call["folds"], str) and is_rule(call["folds"])):
        columns["folds"], expressions["folds"] = translate(call["folds"], "folds")
    for role in KEYS:
        if call.get(role) is not None:
            expressions[role] = []
            for level in _as_list(call[role]):
                both = [translate(key, role) for key in _as_list(level)]
                keys += [column for column, _ in both]
                of_level = [expression for _, expression in both]
                expressions[role] += [of_level] if isinstance(level, list | tuple) else of_level
    covariates: list[Column] = []
    for role in COVARIATES:
        if isinstance(call.get(role), str | list | tuple | Column | Factor | Interaction):
            expressions[role] = _covariates(_as_list(call[role]), partial(translate, role=role), covariates)
    _refuse_equal_but_for_case(frame, [_name_of(key) for role in KEYS for key in _flat(expressions.get(role, []))])
    persist = True if call.get("persist") is None else flag(call["persist"], "persist")
    empty = {"frame": pl.LazyFrame(schema=schema), "persist": None}
    return Inputs(frame, columns, tuple(keys), persist, tuple(covariates)), call.replaced(**empty, **expressions)


def _covariates(entries: list[Any], translate: Callable[[Any], tuple[Any, Any]], columns: list[Column]) -> list[Any]:
    """The covariates with expressions of Polars; the columns of Spark are added to the list."""

    def translated(entry: Any) -> Any:
        if isinstance(entry, Interaction):
            return replace(entry, parts=tuple(map(translated, entry.parts)))
        if isinstance(entry, Factor):
            return replace(entry, column=translated(entry.column))
        column, expression = translate(entry)
        columns.append(column)
        return expression

    return [translated(entry) for entry in entries]


def with_design(call: Call) -> tuple[Inputs, Call]:
    """The same with the design of the covariates, or of the predictors of groups, in their place."""
    inputs, of_polars = translated(call)
    if not inputs.covariates:
        return inputs, of_polars
    role = next(role for role in COVARIATES if call.get(role) is not None)
    return inputs, of_polars.replaced(**{role: design.design_of(inputs.frame, inputs.covariates, of_polars, role)})


def _flat(keys: list[Any]) -> list[Any]:
    """The keys of all levels."""
    return [key for level in keys for key in _as_list(level)]


def _name_of(key: Any) -> str:
    return key.meta.output_name() if isinstance(key, pl.Expr) else str(key)


def _refuse_equal_but_for_case(frame: DataFrame, names: list[str]) -> None:
    """Refuse keys whose names differ by case alone, where Spark does not tell them apart."""
    by_lower = {name.lower(): name for name in names}
    for name in names:
        other = by_lower[name.lower()]
        if other != name and frame.sparkSession.conf.get("spark.sql.caseSensitive") == "false":
            raise ValueError(
                f"the keys {name!r} and {other!r} differ by case alone, which Spark does not tell apart: rename one, "
                "or set spark.sql.caseSensitive to true"
            )


def _as_list(columns: Any) -> list[Any]:
    """One column or several as a list."""
    return list(columns) if isinstance(columns, list | tuple) else [columns]


def _of_expression(frame: DataFrame, column: Column, role: str) -> tuple[str, pl.DataType]:
    """The name and type of an expression, without a job; it must be computed row by row."""
    field = frame.select(column).schema.fields[0]
    if not _is_rowwise(frame, column):
        raise ValueError(f"{role}={field.name} is not computed row by row; {AS_A_COLUMN}")
    return field.name, polars_type(field.dataType)


def _with_values(column: Column, dtype: pl.DataType | None, role: str) -> Column:
    """The column; a key of a type that has no values as text, because Spark does not join such columns."""
    return column.cast("string") if role in KEYS and dtype == pl.Null() else column


def _is_rowwise(frame: DataFrame, column: Column) -> bool:
    """Whether a column can be the condition of a filter, which holds no aggregate, window or generator."""
    try:
        return bool(frame.where(column.isNotNull()).select(spark.lit(True)).schema)  # Connect analyses it only now
    except AnalysisException:
        return False
