"""The estimate of its group for every row of a Spark frame, joined to the rows."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as spark

from ..models.encoding import Encoding
from ..models.keys import PRIVATE
from ..models.request import Request
from .frames import OTHER, named, same
from .inputs import Inputs


def encoded(inputs: Inputs, means: DataFrame, request: Request, encoding: Encoding) -> DataFrame:
    """All columns of the frame, and statistics of the group of each row under the names of the encoding."""
    rows = inputs.frame.withColumns(dict(zip(request.keys, inputs.keys, strict=True)))
    keys = {key: OTHER + key for key in request.keys}
    of_groups = means.select(
        *(named(key).alias(other) for key, other in keys.items()),
        *(spark.col(PRIVATE + one).cast("long" if one == "n" else "double") for one in encoding.columns),
    )
    # Two columns of the frame may have the same name, so none is selected by name.
    joined = rows.join(of_groups, same(keys), "left").drop(*keys, *keys.values())
    return joined.withColumnsRenamed({PRIVATE + one: name for one, name in encoding.columns.items()})
