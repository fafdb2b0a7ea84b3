"""Expressions must be computed row by row: an aggregate would be repeated in every row, in a store for every part."""

import math
import time

import polars as pl
import polars.selectors as cs
import pytest

import polars_pool as pool
from polars_pool.arguments.rowwise import is_rowwise

y, g, a = pl.col("y"), pl.col("g"), pl.col("a")

BY_ROW = [
    y,
    cs.by_name("y"),
    cs.numeric() * 2,
    cs.by_name("Rank") + 1,
    pl.col("^y.*$"),
    pl.lit(3.0),
    pl.lit(1) + pl.lit(2),
    -y // 2 % 3 + y**2 - g.sqrt().exp(),
    (y > 1) & (g < 3) | ~(y == g),
    y.is_null() | y.is_between(0, 1) | y.is_nan(),
    (y.bin_intervals if hasattr(y, "bin_intervals") else y.cut)([1.0], labels=["low", "high"]),
    y.sign().floor().ceil().round_sig_figs(2).cbrt(),
    y.replace({1.0: 2.0}),
    y.fill_null(g),
    y.cast(pl.Int64).bitwise_count_ones(),
    y.repeat_by(3).list.len(),
    y.name.suffix("Rank"),
    (y * 2).name.prefix("Sum"),
    y.name.map(str.upper),
    pl.max_horizontal(y, g) - pl.min_horizontal(y, g),
    pl.mean_horizontal(y, g),
    pl.any_horizontal(y > 1, g > 1),
    pl.all_horizontal(y > 1, g > 1),
    pl.fold(pl.lit(0), lambda total, column: total + column, [y, g]),
    pl.concat_str(y, g, separator="-").str.len_bytes(),
    pl.format("{} {}", y, g).str.split(" ").list.get(0),
    pl.int_ranges(0, "g").list.sum(),
    pl.arctan2("y", "g"),
    pl.duration(days=g).dt.total_hours(),
    pl.date(2024, "g", 1).dt.ordinal_day(),
    pl.from_epoch("g").dt.hour(),
    pl.struct("y", "Rank").struct.field("Rank"),
    pl.struct("y", "g").struct.with_fields(pl.field("y") * 2).struct.field("y"),
    pl.struct("y", "g").hash() % 2,
    a.list.eval(pl.element().filter(pl.element() > pl.element().mean())).list.len(),
    a.list.sum() / a.list.len() - a.list.max() + a.list.std(),
    a.list.contains(1) | a.list.any(),
    a.list.head(2).list.reverse().list.unique().list.shift(1).list.first(),
    a.arr.sum() + a.arr.get(0),
    g.cast(pl.String).str.head(3).str.contains("mean|sum()"),
    g.cast(pl.String).str.zfill(4).str.slice(1, 2).cast(pl.Int64, strict=False),
    g.cast(pl.String).str.reverse().str.tail(2).str.len_chars(),
    g.cast(pl.Categorical).to_physical(),
    g.cast(pl.Categorical).cat.slice(1).cat.len_chars(),
    pl.col("s").cast(pl.Binary).bin.size() + pl.col("s").cast(pl.Binary).bin.head(2).bin.size(),
    pl.col("s").str.strptime(pl.Date, "%Y-%m-%d").dt.truncate("1mo"),
    pl.col("s").str.count_matches("a") + pl.col("s").str.extract(r"(\d+)", 1).cast(pl.Int64),
    pl.col("s").str.json_path_match("$.first"),
    pl.when(g > 1).then(y).when(g > 0).then(2 * y),
    y.is_in(pl.Series([1.0, 2.0])),
    y * pl.Series([1.0, 2.0, 3.0]),
    y.map_elements(math.gamma, return_dtype=pl.Float64),
    y.map_batches(lambda column: column + 1, return_dtype=pl.Float64),
    pl.map_batches([y, g], lambda columns: columns[0], return_dtype=pl.Float64).abs(),
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
    pl.all().mean(),
    cs.numeric() - cs.numeric().mean(),
    pl.first().max(),
    pl.col("^y$").sum(),
    y.has_nulls() | (y > 1),
    y.is_sorted() | (y > 1),
    y.ewm_sum(com=1) if hasattr(y, "ewm_sum") else y.ewm_std(com=1),
    y.cumulative_eval(pl.element().sum()),
    y.cast(pl.Int64).bitwise_and(),
    y.mean().rolling("t", period="2d"),
    y.rank("ordinal").over("g"),
    y.rolling_map(lambda column: column.sum(), 3),
    pl.rolling_corr("y", "g", window_size=3),
    pl.struct("y", "g").struct.with_fields(pl.field("y").mean()).struct.field("y"),
    pl.struct("y", "g").mode(),
    a.list.mean().mean(),
    a.list.sum().cum_sum(),
    pl.col("s").str.join(","),
    pl.when(g > 1).then(y.mean()).otherwise(y),
    y.is_in(g.implode()),
    pl.len(),
    pl.len().over("g"),
    pl.count("y"),
    pl.cum_count("y"),
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
def test_rowwise_expressions(expression):
    assert is_rowwise(expression)


@pytest.mark.parametrize("expression", OF_MANY_ROWS, ids=str)
def test_expressions_of_other_rows(expression):
    assert not is_rowwise(expression)


# ---- expressions that are checked by their text: Python functions, long constants ------------------------------------

UNREAD = {
    "a function": pl.col("z").map_elements(math.gamma, return_dtype=pl.Float64),
    "a long constant": pl.col("z").is_in(pl.Series(range(1_000))),
    "a long mapping": pl.col("z").replace_strict(dict.fromkeys(range(1_000), 0.0)),
}


@pytest.mark.share(2)
@pytest.mark.parametrize("beside", UNREAD)
@pytest.mark.parametrize("expression", [e for e in BY_ROW if not e.meta.has_multiple_outputs()], ids=str)
def test_rowwise_expressions_with_such_a_part(expression, beside):
    assert is_rowwise(pl.concat_list(expression, UNREAD[beside]))


@pytest.mark.share(2)
@pytest.mark.parametrize("beside", UNREAD)
@pytest.mark.parametrize("expression", OF_MANY_ROWS, ids=str)
def test_expressions_of_other_rows_with_such_a_part(expression, beside):
    assert not is_rowwise(pl.concat_list(expression, UNREAD[beside]))


@pytest.mark.parametrize("beside", UNREAD)
def test_aggregates_of_expressions_that_are_checked_by_their_text(beside):
    assert not is_rowwise(UNREAD[beside].mean())
    assert not is_rowwise(UNREAD[beside].shift(1).over("g"))


def test_names_of_columns_do_not_matter():
    frame = pl.DataFrame({"mean()": [1.0], 'x").sum(': [1.0], "a.len()": [1.0]})
    for name in frame.columns:
        assert is_rowwise(pl.col(name) + 1)
        assert is_rowwise(pl.struct(pl.col(name), "y").struct.field(name) * 2)
    assert is_rowwise(pl.col("mean()").map_elements(math.gamma, return_dtype=pl.Float64))
    within = a.list.eval(pl.element().struct.field("f(").abs()).list.sum()
    assert is_rowwise(within + UNREAD["a function"])


def test_a_long_constant_takes_no_time():
    expression = y.is_in(pl.Series(range(1_000_000)))
    began = time.perf_counter()
    for _ in range(100):
        assert is_rowwise(expression)
    assert time.perf_counter() - began < 1  # serialising it once would take 2 s


@pytest.mark.parametrize("role", ["value", "by", "weights", "where"])
def test_a_store_refuses_expressions_of_other_rows(tmp_path, role):
    columns = {"value": "y", "by": "g", "weights": "w", "where": "b"} | {role: y - y.mean()}
    with pytest.raises(ValueError, match=rf"^{role}=.*row by row.*part by part"):
        pool.MomentStore(tmp_path, columns.pop("value"), **columns)
