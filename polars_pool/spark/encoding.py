"""The estimate of its group for every row of a Spark frame, joined to the rows."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..models.request import Request
from .frames import OTHER, named, same
from .inputs import Inputs


def encoded(inputs: Inputs, means: DataFrame, request: Request, name: str) -> DataFrame:
    """All columns of the frame, and the estimate of the group of each row under a name."""
    columns = inputs.frame.columns
    rows = inputs.frame.withColumns(dict(zip(request.keys, inputs.keys, strict=True)))
    of_groups = means.select(*(named(key).alias(OTHER + key) for key in request.keys), spark.col("_pool_estimate"))
    joined = rows.join(of_groups, same({key: OTHER + key for key in request.keys}), "left")
    return joined.select(*map(named, columns), spark.col("_pool_estimate").alias(name))
