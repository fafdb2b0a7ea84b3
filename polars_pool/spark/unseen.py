"""Groups without rows: those of the keys in `groups=` that no row has."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..models.keys import KEY
from ..models.request import Request
from .frames import OTHER, named, same


def with_unseen(groups: DataFrame, keys: DataFrame | None, request: Request, columns: dict[str, float]) -> DataFrame:
    """The groups, and one without rows for each of the keys that is not among them.

    Keys without those of a model stand for a group in each model. `columns` are the statistics of a group without rows.
    """
    if keys is None:
        return groups
    over = [name for name in request.over_names if name in keys.columns]
    unseen = keys.select(*(named(name).alias(KEY + name) for name in (*over, *request.by_names))).distinct()
    if request.over and not over:
        unseen = groups.select(*map(named, request.over)).distinct().crossJoin(unseen)
    seen = groups.select(*(named(key).alias(OTHER + key) for key in request.keys))
    new = unseen.join(seen, same({key: OTHER + key for key in request.keys}), "left_anti")
    new = new.withColumns({name: spark.lit(value) for name, value in columns.items()})
    return groups.unionByName(new, allowMissingColumns=True)
