"""Groups without rows: those of the keys in `groups=` that no row has."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..models.keys import KEY, PRIVATE
from ..models.oneway.groups import largest
from ..models.request import Request
from .frames import OTHER, named, same

SEEN = PRIVATE + "seen"


def with_unseen(groups: DataFrame, keys: DataFrame | None, request: Request, columns: Mapping[str, float]) -> DataFrame:
    """The groups, and one without rows for each of the keys that is not among them.

    Keys without those of a model stand for a group in each model. `columns` are the statistics of a group without rows.
    Predictors of groups are columns of the keys, under their private names.
    """
    if keys is None:
        return groups
    over = [name for name in request.over_names if name in keys.columns]
    unseen = _distinct(keys, [*over, *request.by_names], request)
    if request.over and not over:
        models = groups.select(*(named(key).alias(OTHER + key) for key in request.over)).distinct()
        unseen = models.crossJoin(unseen)
    others = {name.removeprefix(OTHER): name for name in unseen.columns}
    on = {key: others[key] for key in request.keys}
    both = groups.withColumn(SEEN, spark.lit(True)).join(unseen, same(on), "full")
    merged = {name: spark.coalesce(named(name), named(other)) for name, other in others.items()}
    new = named(SEEN).isNull()
    filled = {name: spark.when(new, value).otherwise(spark.col(name)) for name, value in columns.items()}
    return both.withColumns(merged | filled).drop(SEEN, *others.values())


def _distinct(keys: DataFrame, names: list[str], request: Request) -> DataFrame:
    """The keys, each once, with the least and the largest value of each predictor; names have the prefix OTHER."""
    predictors = [f"{PRIVATE}x{i}" for i in range(len(request.predictors))]
    of_keys = keys.select(*(named(name).alias(OTHER + KEY + name) for name in names), *predictors)
    if not predictors:
        return of_keys.distinct()
    ends = [(spark.min(name).alias(OTHER + name), spark.max(name).alias(OTHER + largest(name))) for name in predictors]
    return of_keys.groupBy(*(named(OTHER + KEY + name) for name in names)).agg(*(e for pair in ends for e in pair))
