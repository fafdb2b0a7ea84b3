"""The type that holds every value of two types: keys with equal values are one group, even if files differ in type."""

from __future__ import annotations

import polars as pl

SIGNED = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128)
UNSIGNED = (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
DIGITS = {1: 3, 2: 5, 4: 10, 8: 20, 16: 39}  # number of bytes of an integer -> digits of the largest one
UNITS = ("ms", "us", "ns")
TEXTS = (pl.String, pl.Categorical, pl.Enum)
MOST_DIGITS = 38  # digits of a Decimal


def common(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """The smallest type that holds the values of both types without loss; None if no type does."""
    if one == other:
        return one
    if pl.Null in (one, other):
        return other if one == pl.Null else one
    if isinstance(one, TEXTS) and isinstance(other, TEXTS):
        return pl.String()
    if one.is_numeric() and other.is_numeric():
        return _number(one, other) or _number(other, one)
    if one.is_temporal() and other.is_temporal():
        return _time(one, other) or _time(other, one)
    return None


def _number(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    if one.is_integer() and other.is_integer():
        return _integer(one, other)
    if one.is_float() and other.is_float():
        return pl.Float64()
    if one.is_integer() and other.is_float():
        return _float(_bytes(one), other)
    if isinstance(one, pl.Decimal):
        return _decimal(one, other)
    return None


def _integer(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """The wider of two types with the same signedness, else a signed type wider than the unsigned one."""
    kinds = [SIGNED if dtype.is_signed_integer() else UNSIGNED for dtype in (one, other)]
    if kinds[0] == kinds[1]:
        return max(one, other, key=_bytes)
    sizes = [_bytes(dtype) * (1 if dtype.is_signed_integer() else 2) for dtype in (one, other)]
    return next((dtype() for dtype in SIGNED if _bytes(dtype()) >= max(sizes)), None)


def _float(size: int, dtype: pl.DataType) -> pl.DataType | None:
    """The float type that also holds integers of a size: Float64 holds 4 bytes, Float32 holds 2."""
    if dtype == pl.Float32 and size <= 2:
        return dtype
    return pl.Float64() if size <= 4 else None


def _decimal(one: pl.Decimal, other: pl.DataType) -> pl.DataType | None:
    if isinstance(other, pl.Decimal):
        whole, scale = other.precision - other.scale, other.scale
    elif other.is_integer():
        whole, scale = DIGITS[_bytes(other)], 0
    else:
        return None
    scale = max(one.scale, scale)
    digits = max(one.precision - one.scale, whole) + scale
    return pl.Decimal(digits, scale) if digits <= MOST_DIGITS else None


def _time(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """The type with the finer unit; a date becomes midnight of a datetime without a time zone."""
    if isinstance(one, pl.Datetime) and isinstance(other, pl.Datetime) and one.time_zone == other.time_zone:
        return max(one, other, key=lambda dtype: UNITS.index(dtype.time_unit))
    if isinstance(one, pl.Duration) and isinstance(other, pl.Duration):
        return max(one, other, key=lambda dtype: UNITS.index(dtype.time_unit))
    if isinstance(one, pl.Datetime) and one.time_zone is None and other == pl.Date:
        return one
    return None


def _bytes(dtype: pl.DataType) -> int:
    return int(str(dtype).lstrip("UInt")) // 8
