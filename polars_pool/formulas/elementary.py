"""The elementary functions that formulas use beyond arithmetic and `.sum()`; every engine registers its own."""

import math
from functools import singledispatch
from typing import Any

Column = Any  # a Polars expression, a NumPy array, a SQL symbol or a number: anything that supports arithmetic

INFINITY = math.inf


@singledispatch
def log(x: Column) -> Column:
    return math.log(x)


@singledispatch
def exp(x: Column) -> Column:
    return math.exp(x)


@singledispatch
def sqrt(x: Column) -> Column:
    return math.sqrt(x)


@singledispatch
def where(condition: Column, then: Column, otherwise: Column) -> Column:
    """`then` where the condition holds, else `otherwise`; None is a missing value."""
    return then if condition else otherwise


@singledispatch
def exists(x: Column) -> Column:
    """Whether a value is not missing; NaN is a value."""
    return x is not None


@singledispatch
def floor(x: Column) -> Column:
    return math.floor(x)


@singledispatch
def log_gamma(x: Column) -> Column:
    return math.lgamma(x)


@singledispatch
def digamma(x: Column) -> Column:
    """Derivative of log gamma."""
    raise NotImplementedError(f"digamma of {type(x).__name__}")


@singledispatch
def trigamma(x: Column) -> Column:
    """Second derivative of log gamma."""
    raise NotImplementedError(f"trigamma of {type(x).__name__}")


@singledispatch
def trigamma_inverse(x: Column) -> Column:
    """The number above 0 whose trigamma is x."""
    raise NotImplementedError(f"trigamma_inverse of {type(x).__name__}")


@singledispatch
def normal_cdf(x: Column) -> Column:
    """P(X <= x) of the standard normal distribution."""
    return math.erfc(-x / math.sqrt(2)) / 2


@singledispatch
def normal_density(x: Column) -> Column:
    """Density of the standard normal distribution."""
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


@singledispatch
def chi_square_median(df: Column) -> Column:
    """Median of the chi-square distribution with df degrees of freedom."""
    raise NotImplementedError(f"chi_square_median of {type(df).__name__}")
