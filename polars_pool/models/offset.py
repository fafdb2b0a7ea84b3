"""Integers and decimals with more digits than Float64: an offset is subtracted in their own type, before the cast.

Differences of integers wrap where they overflow. So a difference is used only where Float64 shows that it is far from
that; elsewhere it is so large that Float64 has all digits of the result.
"""

from __future__ import annotations

import polars as pl

WIDTH: dict[type[pl.DataType], int] = {pl.Int64: 64, pl.UInt64: 64, pl.Int128: 128, pl.UInt128: 128}
SIGNED: dict[type[pl.DataType], type[pl.DataType]] = {pl.UInt64: pl.Int64, pl.UInt128: pl.Int128}
DIGITS = 53  # bits of a Float64
EXACT = 2.0**53  # integers up to here are Float64 too
DISTANT = 2.0**100
LARGE = 2.0**20  # decimals from here on have an offset without decimal places, which Float64 holds exactly


def is_wide(dtype: pl.DataType) -> bool:
    """Whether values of this type can have more digits than Float64."""
    return isinstance(dtype, pl.Decimal) or dtype.base_type() in WIDTH


def integer(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """The value as an integer: a decimal in units of its last decimal place."""
    return value.to_physical() if isinstance(dtype, pl.Decimal) else value


def number(integer: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Such an integer as Float64 in units of the value."""
    return integer.cast(pl.Float64) / 10.0**dtype.scale if isinstance(dtype, pl.Decimal) else integer.cast(pl.Float64)


def offset(first: pl.Expr, dtype: pl.DataType) -> tuple[pl.Expr, pl.Expr]:
    """An offset near the first value, as Float64 in units of the value and as the integer that equals it.

    Beyond DISTANT no Float64 is near enough: the integer is the first value, and the Float64 its rounded value.
    """
    near = number(first, dtype)
    if isinstance(dtype, pl.Decimal):
        is_large, floor = near.abs() >= LARGE, near.floor()
        near = pl.when(is_large).then(floor).otherwise(near)
        equal = pl.when(is_large).then(floor.cast(pl.Int128) * pl.lit(10**dtype.scale, pl.Int128)).otherwise(first)
    else:
        is_signed = dtype.base_type() not in SIGNED
        end = 2.0 ** (WIDTH[dtype.base_type()] - is_signed)  # the last Float64 before it is the largest that fits
        near = near.clip(-end if is_signed else 0.0, end * (1 - 2.0**-DIGITS))
        equal = near.cast(dtype)
    return near, pl.when(first.cast(pl.Float64).abs() < DISTANT).then(equal).otherwise(first)


def difference(value: pl.Expr, origin: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """value - origin, both such integers, as Float64 in units of the value; rounded once."""
    base: type[pl.DataType] = pl.Int128 if isinstance(dtype, pl.Decimal) else dtype.base_type()
    about = value.cast(pl.Float64) - origin.cast(pl.Float64)
    exact = (value - origin).cast(SIGNED.get(base, base), wrap_numerical=True).cast(pl.Float64)
    result = pl.when(about.abs() < 2.0 ** (WIDTH[base] - 4)).then(exact).otherwise(about)
    return result / 10.0**dtype.scale if isinstance(dtype, pl.Decimal) else result
