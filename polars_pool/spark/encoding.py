"""The estimate of its group for every row of a Spark frame, joined to the rows."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..models.request import Request
from .frames import OTHER, named, same
from .inputs import Inputs


def encoded(inputs: Inputs, means: DataFrame, request: Request, name: str) -> DataFrame:
    """All columns of the frame, and the estimate of the group of each row under a name."""
    rows = inputs.frame.withColumns(dict(zip(request.keys, inputs.keys, strict=True)))
    keys = {key: OTHER + key for key in request.keys}
    of_groups = means.select(*(named(key).alias(other) for key, other in keys.items()), spark.col("_pool_estimate"))
    # Two columns of the frame may have the same name, so none is selected by name.
    joined = rows.join(of_groups, same(keys), "left").drop(*keys, *keys.values())
    return joined.withColumnRenamed("_pool_estimate", name)
