"""The aggregates of groups, each a plain reduction in one pass; every engine of relations registers its own."""

from functools import singledispatch

from .elementary import Column


@singledispatch
def count(x: Column) -> Column:
    """Number of values that are not missing, Float64."""
    raise NotImplementedError(f"count of {type(x).__name__}")


@singledispatch
def total(x: Column) -> Column:
    """Sum; 0 without values."""
    raise NotImplementedError(f"total of {type(x).__name__}")


@singledispatch
def mean(x: Column) -> Column:
    """Mean; missing without values."""
    raise NotImplementedError(f"mean of {type(x).__name__}")


@singledispatch
def variance(x: Column) -> Column:
    """Sample variance; missing for a single value."""
    raise NotImplementedError(f"variance of {type(x).__name__}")


@singledispatch
def spread(x: Column) -> Column:
    """Mean square about the mean; 0 for a single value."""
    raise NotImplementedError(f"spread of {type(x).__name__}")


@singledispatch
def covariance(x: Column, y: Column) -> Column:
    """Sample covariance."""
    raise NotImplementedError(f"covariance of {type(x).__name__}")


@singledispatch
def joint_spread(x: Column, y: Column) -> Column:
    """Mean product of the deviations from both means; 0 for a single pair."""
    raise NotImplementedError(f"joint_spread of {type(x).__name__}")


@singledispatch
def minimum(x: Column) -> Column:
    """Least value; missing without values."""
    raise NotImplementedError(f"minimum of {type(x).__name__}")


@singledispatch
def maximum(x: Column) -> Column:
    """Largest value; missing without values."""
    raise NotImplementedError(f"maximum of {type(x).__name__}")
