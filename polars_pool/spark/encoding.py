"""The estimate of its group for every row of a Spark frame, joined to the rows."""

from __future__ import annotations

from functools import reduce
from operator import and_

from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..models.request import Request
from .frames import named
from .inputs import Inputs

OTHER = "_pool_other_"


def encoded(inputs: Inputs, means: DataFrame, request: Request, name: str) -> DataFrame:
    """All columns of the frame, and the estimate of the group of each row under a name."""
    columns = inputs.frame.columns
    rows = inputs.frame.withColumns(dict(zip(request.keys, inputs.keys, strict=True)))
    keys = (named(key).alias(OTHER + key) for key in request.keys)
    of_groups = means.select(*keys, spark.col("_pool_estimate"))
    same = (named(key).eqNullSafe(named(OTHER + key)) for key in request.keys)
    joined = rows.join(of_groups, reduce(and_, same), "left")
    return joined.select(*map(named, columns), spark.col("_pool_estimate").alias(name))
