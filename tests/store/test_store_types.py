"""Keys and values whose type differs between parts: widened if that is exact, else refused with both parts named."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.store.widening import common

US, NS = pl.Datetime("us"), pl.Datetime("ns")
WIDER = [
    (pl.Int32(), pl.Int64(), pl.Int64()),
    (pl.UInt8(), pl.Int8(), pl.Int16()),
    (pl.UInt32(), pl.Int32(), pl.Int64()),
    (pl.UInt64(), pl.Int64(), pl.Int128()),
    (pl.UInt8(), pl.UInt64(), pl.UInt64()),
    (pl.Int16(), pl.Float32(), pl.Float32()),
    (pl.Int32(), pl.Float32(), pl.Float64()),
    (pl.Int32(), pl.Float64(), pl.Float64()),
    (pl.Float32(), pl.Float64(), pl.Float64()),
    (pl.Decimal(10, 2), pl.Decimal(12, 4), pl.Decimal(12, 4)),
    (pl.Decimal(10, 0), pl.Decimal(10, 4), pl.Decimal(14, 4)),
    (pl.Decimal(10, 2), pl.Int32(), pl.Decimal(12, 2)),
    (pl.String(), pl.Categorical(), pl.String()),
    (pl.String(), pl.Enum(["a"]), pl.String()),
    (pl.Enum(["a"]), pl.Enum(["b"]), pl.String()),
    (pl.Date(), US, US),
    (pl.Datetime("ms"), NS, NS),
    (pl.Datetime("ms", "UTC"), pl.Datetime("us", "UTC"), pl.Datetime("us", "UTC")),
    (pl.Duration("ms"), pl.Duration("us"), pl.Duration("us")),
    (pl.Null(), pl.Int8(), pl.Int8()),
    (pl.Null(), pl.List(pl.Int8), pl.List(pl.Int8)),
    (pl.List(pl.Int8), pl.List(pl.Int8), pl.List(pl.Int8)),
]
LOSSY = [
    (pl.Int64(), pl.Float64()),
    (pl.UInt64(), pl.Float32()),
    (pl.Decimal(38, 30), pl.Int64()),
    (pl.Decimal(10, 2), pl.Float64()),
    (pl.UInt64(), pl.Decimal(30, 20)),
    (pl.String(), pl.Int64()),
    (pl.String(), pl.Binary()),
    (pl.Boolean(), pl.Int8()),
    (pl.Date(), pl.Datetime("us", "UTC")),
    (US, pl.Datetime("us", "UTC")),
    (pl.Datetime("us", "Europe/Berlin"), pl.Datetime("us", "UTC")),
    (US, pl.Duration("us")),
    (pl.Time(), pl.Date()),
    (pl.List(pl.Int8), pl.List(pl.Int16)),
]


@pytest.mark.parametrize(("one", "other", "wider"), WIDER)
def test_the_common_type_holds_both(one, other, wider):
    assert common(one, other) == common(other, one) == wider


@pytest.mark.parametrize(("one", "other"), LOSSY)
def test_types_without_a_common_one(one, other):
    assert common(one, other) is common(other, one) is None


# one key in both parts, and one key only in each part
KEYS = {
    "integers": (pl.Series([1, 2], dtype=pl.Int32), pl.Series([1, 2**40])),
    "signs": (pl.Series([1, 2**32 - 1], dtype=pl.UInt32), pl.Series([1, -7], dtype=pl.Int32)),
    "texts": (pl.Series(["a", "b"]), pl.Series(["a", "c"], dtype=pl.Categorical)),
    "enums": (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), pl.Series(["a", "c"], dtype=pl.Enum(["a", "c"]))),
    "decimals": (
        pl.Series([Decimal("1.50"), Decimal("2.25")], dtype=pl.Decimal(9, 2)),
        pl.Series([Decimal("1.5"), Decimal("7.1")], dtype=pl.Decimal(9, 1)),
    ),
    "floats": (pl.Series([0.5, 0.1], dtype=pl.Float32), pl.Series([0.5, 0.1])),
    "times": (
        pl.Series([date(2024, 1, 1), date(2024, 1, 2)]),
        pl.Series([datetime(2024, 1, 1), datetime(2024, 1, 2, 3)]),
    ),
    "durations": (
        pl.Series([timedelta(1), timedelta(2)], dtype=pl.Duration("ms")),
        pl.Series([timedelta(1), timedelta(microseconds=5)], dtype=pl.Duration("us")),
    ),
    "nulls": (pl.Series([None, None], dtype=pl.Null), pl.Series([None, 3], dtype=pl.Int64)),
}  # fmt: skip


def written(folder, one: pl.Series, other: pl.Series) -> None:
    folder.mkdir()
    for name, keys in (("a", one), ("b", other)):
        pl.DataFrame({"k": keys, "y": [1.0, 5.0]}).write_parquet(folder / f"{name}.parquet")


def expected(one: pl.Series, other: pl.Series) -> pl.DataFrame:
    wider = common(one.dtype, other.dtype)
    rows = pl.DataFrame({"k": pl.concat([one.cast(wider), other.cast(wider)]), "y": [1.0, 5.0, 1.0, 5.0]})
    return pool.moments(rows, "y", by="k")


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("order", [1, -1])
def test_keys_are_widened(tmp_path, kind, order):
    one, other = KEYS[kind][::order]
    written(tmp_path / "rows", one, other)
    store = pool.MomentStore(tmp_path / "m", "y", by="k")
    store.refresh(tmp_path / "rows")
    assert_frame_equal(store.scan().sort("k").collect(), expected(one, other))


def test_values_of_several_types(tmp_path):
    (tmp_path / "rows").mkdir()
    for name, values in {
        "a": pl.Series([2**60 + 1, 2**60 + 5]),
        "b": pl.Series([0.5, 1.5]),
        "c": pl.Series([Decimal("1.25"), Decimal("2.75")]),
        "d": pl.Series([None, None], dtype=pl.Null),
        "e": pl.Series([True, False]),
    }.items():
        pl.DataFrame({"g": [name, name], "y": values}).write_parquet(tmp_path / f"rows/{name}.parquet")
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(tmp_path / "rows")
    result = {g: (n, var) for g, n, _, var in store.scan().collect().rows()}
    assert result["b"] == (2, 0.5)
    assert result["c"] == (2, pytest.approx(1.125))
    assert result["d"] == (0, None)
    assert result["e"] == (2, 0.5)


def test_keys_without_a_common_type_are_refused_with_both_files_and_types(tmp_path):
    written(tmp_path / "rows", pl.Series([1, 2]), pl.Series([0.5, 1.5]))
    store = pool.MomentStore(tmp_path / "m", "y", by="k")
    with pytest.raises(TypeError, match=r"'k' has two types.*b\.parquet.* Float64.*a\.parquet.* Int64.*without loss"):
        store.refresh(tmp_path / "rows")
