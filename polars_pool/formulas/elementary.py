"""The elementary functions that formulas use beyond arithmetic and `.sum()`; every engine registers its own."""

import math
from functools import singledispatch
from typing import Any

Column = Any  # a Polars expression, a NumPy array, a SQL symbol or a number: whatever answers to arithmetic

INFINITY = math.inf


@singledispatch
def log(x: Column) -> Column:
    return math.log(x)


@singledispatch
def sqrt(x: Column) -> Column:
    return math.sqrt(x)


@singledispatch
def where(condition: Column, then: Column, otherwise: Column) -> Column:
    """`then` where the condition holds, else `otherwise`; None is a missing value."""
    return then if condition else otherwise
