"""Expressions of a store are computed row by row: what takes other rows differs from part to part."""

import polars as pl
import pytest

import polars_pool as pool
from polars_pool.rowwise import is_rowwise

y, g, a = pl.col("y"), pl.col("g"), pl.col("a")

BY_ROW = [
    y,
    y.alias("Agg"),
    pl.col("Rank") + 1,
    y.log1p().clip(0, 9).round(2).abs(),
    y.fill_null(0.0).fill_nan(None).cast(pl.Float32),
    y.is_in([1.0, 2.0]),
    y.hash(),
    y * pl.lit(pl.Series([2.0])).first(),
    y.replace_strict({1: 2}, default=0),
    pl.when(g > 1).then(y).otherwise(0.0),
    pl.coalesce(y, g),
    pl.sum_horizontal(y, g),
    pl.concat_list(y, g).list.mean(),
    a.list.sort().list.first(),
    a.list.len(),
    a.list.eval(pl.element().rank()).list.sum(),
    a.arr.max(),
    pl.struct(y, g).struct.field("y"),
    g.cast(pl.String).str.to_uppercase().str.len_chars(),
    pl.col("d").dt.month(),
]

OF_MANY_ROWS = [
    *(y - getattr(y, name)() for name in ("mean", "max", "min", "sum", "std", "var", "median", "first", "last")),
    *(y / getattr(y, name)() for name in ("count", "len", "n_unique", "null_count", "product", "approx_n_unique")),
    *(y - getattr(y, name)() for name in ("skew", "kurtosis", "entropy", "nan_max", "arg_max", "arg_min")),
    *(getattr(y, name)() for name in ("cum_sum", "cum_prod", "cum_min", "cum_max", "cum_count", "diff", "pct_change")),
    *(getattr(y, name)() for name in ("forward_fill", "backward_fill", "interpolate", "reverse", "shuffle", "rank")),
    *(getattr(y, name)() for name in ("is_duplicated", "is_unique", "is_first_distinct", "is_last_distinct", "rle_id")),
    *(getattr(y, name)() for name in ("mode", "unique", "drop_nulls", "drop_nans", "sort", "arg_sort", "peak_max")),
    y.fill_null(strategy="mean"),
    y.shift(1),
    y.rolling_mean(3),
    y.rolling_mean_by("t", "2d"),
    y.ewm_mean(com=1),
    *([y.bin_quantiles([0.5], labels=False), y.bin_ranks(3, labels=False)] if hasattr(y, "bin_ranks") else [y.qcut(3)]),
    y.quantile(0.5),
    y.search_sorted(3),
    y - y.get(0),
    y.head(3),
    y.top_k(2),
    y.filter(g > 1),
    y.gather_every(2),
    y.mean().over("g"),
    y.sample(3),
    y * pl.len(),
    y * pl.len().max(),
    y * pl.int_range(pl.len()),
    y * pl.corr("y", "g"),
    y.dot(g),
    (y > 0).any() & (y > 1),
    (y > 0).all() | (y > 1),
    y.implode().explode(empty_as_null=True),
]


@pytest.mark.parametrize("expression", BY_ROW, ids=str)
def test_what_each_row_tells_alone(expression):
    assert is_rowwise(expression)


@pytest.mark.parametrize("expression", OF_MANY_ROWS, ids=str)
def test_what_takes_other_rows(expression):
    assert not is_rowwise(expression)


@pytest.mark.parametrize("role", ["value", "by", "weights", "where"])
def test_a_store_refuses_it(tmp_path, role):
    columns = {"value": "y", "by": "g", "weights": "w", "where": "b"} | {role: y - y.mean()}
    with pytest.raises(ValueError, match=rf"^{role}=.*row by row.*part by part"):
        pool.MomentStore(tmp_path, columns.pop("value"), **columns)
