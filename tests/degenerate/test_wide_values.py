"""Integers and decimals with more digits than Float64: a common offset costs no digits, and nothing overflows.

The reference is computed with fractions.
"""

from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from frames import FRAME_PATHS, ROW_PATHS, assert_near, by_key
from sqlpaths import SQL_PATHS, database

import polars_pool as pool

EVERY_PATH = {**FRAME_PATHS, **SQL_PATHS}
every_path = pytest.mark.parametrize("run", EVERY_PATH.values(), ids=EVERY_PATH)
frame_paths = pytest.mark.parametrize("run", FRAME_PATHS.values(), ids=FRAME_PATHS)
engines = pytest.mark.parametrize("engine", SQL_PATHS)


def truth(*groups: list[Fraction]) -> tuple[float, float]:
    """sigma2 and tau2 of balanced groups whose means differ by more than chance, from the mean squares."""
    [n] = {len(group) for group in groups}
    means = [sum(group) / n for group in groups]
    within = sum((y - mean) ** 2 for group, mean in zip(groups, means, strict=True) for y in group)
    sigma2 = within / (len(groups) * (n - 1))
    grand = sum(means) / len(means)
    between = sum((mean - grand) ** 2 for mean in means) / (len(means) - 1)
    return float(sigma2), float(between - sigma2 / n)


STEPS = [1, 5, 10, 100, 110, 115]
OFFSETS = {
    "ns": 1_700_000_000_000_000_000,
    "least": -(2**63),
    "largest": 2**63 - 120,
    "2^53": 2**53,
    "below 0": -(10**17),
}
TYPES = [pl.Int64, pl.UInt64, pl.Int128, pl.UInt128, pl.Decimal(38, 0), pl.Decimal(38, 5), pl.Decimal(38, 18)]
IN_DUCKDB = [
    "BIGINT",
    "UBIGINT",
    "HUGEINT",
    "UHUGEINT",
    "BIGNUM",
    "DECIMAL(19, 0)",
    "DECIMAL(38, 5)",
    "DECIMAL(38, 18)",
]


def holds(dtype, offset: int) -> bool:
    return offset >= 0 or "U" not in str(dtype).upper().split("(")[0].replace("HUGE", "")


def frame(offset: int, dtype: pl.DataType) -> pl.DataFrame:
    values = pl.Series([str(offset + step) for step in STEPS])
    y = values.cast(pl.Int128).cast(dtype)
    return pl.DataFrame({"g": [0, 0, 0, 1, 1, 1], "y": y})


def test_the_reference_agrees_with_the_issue():
    sigma2, tau2 = truth([Fraction(x) for x in STEPS[:3]], [Fraction(x) for x in STEPS[3:]])
    assert round(sigma2, 5) == 39.33333
    assert round(tau2, 5) == 5291.38889


@frame_paths
@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_an_offset_costs_no_digits(run, offset, dtype):
    if not holds(dtype, OFFSETS[offset]):
        dtype = pl.Int64
    data = frame(OFFSETS[offset], dtype)
    sigma2, tau2 = truth([Fraction(x) for x in STEPS[:3]], [Fraction(x) for x in STEPS[3:]])
    [row] = run(pool.components, data, "y", "g").to_dicts()
    assert row["converged"]
    assert_near(row["sigma2"], sigma2, 1e-11)
    assert_near(row["tau2"], tau2, 1e-11)
    assert_near(row["mu"], float(OFFSETS[offset] + Fraction(sum(STEPS), 6)), 3e-16)  # beyond 2^100 units by one digit
    var = by_key(run(pool.moments, data, "y", "g"))
    assert_near(var[0]["var"], float(Fraction(61, 3)), 1e-11)
    assert run(pool.shrink, data, "y", "g")["weight"].to_list() == pytest.approx([tau2 / (tau2 + sigma2 / 3)] * 2)


@pytest.mark.share(4)
@engines
@pytest.mark.parametrize("dtype", IN_DUCKDB)
def test_an_offset_costs_no_digits_in_duckdb(engine, dtype):
    sigma2, tau2 = truth([Fraction(x) for x in STEPS[:3]], [Fraction(x) for x in STEPS[3:]])
    db = database(engine)
    for offset in OFFSETS.values():
        if not holds(dtype, offset):
            continue
        listed = ", ".join(f"'{offset + step}'::{dtype}" for step in STEPS)
        db.held.clear()
        db.engine.run(f"CREATE OR REPLACE TABLE data AS SELECT unnest([{listed}]) AS y, unnest([0,0,0,1,1,1]) AS g")
        [row] = db.ask("FROM pool_components(data, y, g)").to_dicts()
        assert row["converged"]
        assert_near(row["sigma2"], sigma2, 1e-11)
        assert_near(row["tau2"], tau2, 1e-11)
        assert_near(row["mu"], float(offset + Fraction(sum(STEPS), 6)), 3e-16)


CENTS = ["9223372036854775807.12", "9223372036854775807.24", "9223372036854775801.12", "9223372036854775800.24"]
FRACTIONS = ["0.1234567890123456789012345", "0.1234567890123456789012349", "0.1234567890123456789012301",
             "0.1234567890123456789012311"]  # fmt: skip
AT_THE_LIMIT = [f"{10**36 - 1 - step}.{step}0" for step in (0, 1, 7, 9)]


@every_path
@pytest.mark.parametrize(
    ("values", "scale"), [(CENTS, 2), (FRACTIONS, 27), (AT_THE_LIMIT, 2)], ids=["cents", "1e-25", "1e36"]
)
def test_decimals(run, values, scale):
    if values is AT_THE_LIMIT and run in SQL_PATHS.values():
        values = [value[1:] for value in values]  # DuckDB accepts the difference with a scale of 2, too
    data = pl.DataFrame({"g": [0, 0, 1, 1], "y": pl.Series(values).cast(pl.Decimal(38, scale))})
    sigma2, tau2 = truth(*([Fraction(value) for value in pair] for pair in (values[:2], values[2:])))
    [row] = run(pool.components, data, "y", "g").to_dicts()
    size = max(sigma2, tau2)
    assert abs(row["sigma2"] - sigma2) < 1e-10 * size
    assert abs(row["tau2"] - tau2) < 1e-10 * size


def test_the_decimals_of_the_issue():
    sigma2, tau2 = truth(*([Fraction(value) for value in pair] for pair in (CENTS[:2], CENTS[2:])))
    assert (round(sigma2, 4), round(tau2, 4)) == (0.1972, 21.0264)


EXTREMES = {
    "Int64": ([-(2**63), 2**63 - 1, -(2**63), 2**63 - 5], pl.Int64),
    "near one end, then the other": ([2**63 - 1] * 1200 + [-(2**63)] * 1200, pl.Int64),
    "UInt64": ([0, 2**64 - 1, 3, 2**64 - 9], pl.UInt64),
    "UInt64 from its end": ([2**64 - 1] * 1200 + [0] * 1200, pl.UInt64),
    "Decimal": ([10**38 - 1] * 1200 + [-(10**38) + 1] * 1200, pl.Decimal(38, 0)),
}


@every_path
@pytest.mark.parametrize("case", EXTREMES)
def test_nothing_overflows(run, case):
    values, dtype = EXTREMES[case]
    n = len(values)
    y = pl.Series([str(value) for value in values]).cast(dtype)
    data = pl.DataFrame({"g": [0] * (n // 2) + [1] * (n // 2), "y": y})
    result = by_key(run(pool.moments, data, "y", "g"))
    for g, part in ((0, values[: n // 2]), (1, values[n // 2 :])):
        mean = Fraction(sum(part), len(part))
        var = sum((value - mean) ** 2 for value in part) / (len(part) - 1)
        assert abs(result[g]["mean"] - mean) <= 1e-13 * max(map(abs, values))
        assert abs(result[g]["var"] - var) <= 1e-13 * max(var, 1)


@pytest.mark.parametrize("column", ROW_PATHS.values(), ids=ROW_PATHS)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_estimates_in_expressions(column, dtype):
    """At 2^62, Float64 rounds by up to 256: estimates differ by at most that from those without the offset."""
    data = frame(2**62, dtype)
    want = column(frame(0, pl.Int64), "y", "g")
    result = column(data, "y", "g")
    assert (result - 2.0**62 - want).abs().max() <= 512
    spread = column(frame(2**56, dtype), "y", "g") - 2.0**56
    assert (spread - want).abs().max() <= 16


def test_weights_of_groups_in_expressions():
    sigma2, tau2 = truth([Fraction(x) for x in STEPS[:3]], [Fraction(x) for x in STEPS[3:]])
    result = frame(OFFSETS["ns"], pl.Int64).select(pl.col("y").pool.weight(by="g")).to_series()
    assert result.to_list() == pytest.approx([tau2 / (tau2 + sigma2 / 3)] * 6, rel=1e-11)


@every_path
def test_with_weights_and_with_published_estimates(run):
    data = frame(OFFSETS["ns"], pl.Int64).with_columns(w=pl.Series([1.0, 2.0, 3.0, 1.0, 1.0, 2.0]), se=pl.lit(2.0))
    small = data.with_columns(pl.col("y") - OFFSETS["ns"])
    for options in ({"weights": "w"}, {"se": "se", "tau2": "dl"}, {"tau2": "half_cauchy(50)", "se": "se"}):
        result, want = (run(pool.components, part, "y", "g", **options).to_dicts()[0] for part in (data, small))
        assert_near(result["tau2"], want["tau2"], 1e-9)
        assert result["mu"] == pytest.approx(want["mu"] + OFFSETS["ns"], abs=256)


@every_path
@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Decimal(38, 2)], ids=str)
def test_models_of_over_share_an_offset(run, dtype):
    """Two models at 1.7e18 that differ by 1e6, and by a scale of 3."""
    steps = {"a": STEPS, "b": [1_000_000 + 3 * step for step in STEPS]}
    data = pl.concat(
        frame(OFFSETS["ns"], pl.Int64).select("g", y=pl.Series([OFFSETS["ns"] + step for step in part]), m=pl.lit(m))
        for m, part in steps.items()
    ).with_columns(pl.col("y").cast(dtype))
    for row in run(pool.components, data, "y", "g", over="m").to_dicts():
        part = [Fraction(step) for step in steps[row["m"]]]
        sigma2, tau2 = truth(part[:3], part[3:])
        assert row["converged"]
        assert_near(row["sigma2"], sigma2, 1e-11)
        assert_near(row["tau2"], tau2, 1e-11)
        assert_near(row["mu"], float(OFFSETS["ns"] + sum(part) / 6), 3e-16)


@every_path
def test_models_of_over_within_float64_keep_their_digits(run):
    """One model near 1e15 and one near 5: Float64 holds both, and no common offset may cost digits of the second."""
    near = frame(10**15, pl.Int64).with_columns(m=pl.lit("a"))
    data = pl.concat([near, frame(5, pl.Int64).with_columns(m=pl.lit("b"))])
    sigma2, tau2 = truth([Fraction(x) for x in STEPS[:3]], [Fraction(x) for x in STEPS[3:]])
    row = run(pool.components, data, "y", "g", over="m").row(by_predicate=pl.col("m") == "b", named=True)
    assert_near(row["sigma2"], sigma2, 1e-11)
    assert_near(row["tau2"], tau2, 1e-11)


@every_path
def test_a_known_mean(run):
    """A mean that Float64 holds: 1.7e18 + 256 is the double nearest to the values."""
    mu = float(OFFSETS["ns"] + 256)
    assert mu == OFFSETS["ns"] + 256
    result = run(pool.components, frame(OFFSETS["ns"], pl.Int64), "y", "g", mu=mu, tau2="dl")
    want = run(pool.components, frame(0, pl.Int64), "y", "g", mu=256.0, tau2="dl")
    assert_near(result["tau2"], want["tau2"], 1e-10)


def test_states_keep_the_digits(tmp_path):
    """Parts with different offsets in one column: their states hold mean + mean_low."""
    rng = np.random.default_rng(1)
    values = OFFSETS["ns"] + rng.integers(0, 10_000_000, 600)
    data = pl.DataFrame({"g": np.arange(600) % 5, "y": values})
    (tmp_path / "rows").mkdir()
    for part in range(3):
        data[part * 200 : part * 200 + 200].write_parquet(tmp_path / "rows" / f"{part}.parquet")
    store = pool.MomentStore(tmp_path / "store", "y", "g")
    store.refresh(str(tmp_path / "rows" / "*.parquet"))
    result = by_key(store.scan().collect())
    for g in range(5):
        part = [int(y) for y in values[np.arange(600) % 5 == g]]
        mean = Fraction(sum(part), len(part))
        assert_near(result[g]["var"], float(sum((y - mean) ** 2 for y in part) / (len(part) - 1)), 1e-11)


@frame_paths
def test_sinks_of_wide_values(run, tmp_path):
    query = pool.shrink(frame(OFFSETS["ns"], pl.Int64).lazy(), "y", "g")
    query.sink_parquet(tmp_path / "found.parquet")
    assert pl.read_parquet(tmp_path / "found.parquet")["n"].to_list() == [3, 3]


# ---- every verb, compared with the data without the offset -----------------------------------------------------------

WIDE = OFFSETS["ns"]
ROW = np.arange(40)
LEVELS = np.array([5, -30, 80, 10, -60])[ROW % 5]
X = (ROW * 7919) % 997
LINES = pl.DataFrame({"g": ROW % 5, "x": X, "y": 3 * X + LEVELS + (ROW * 104729) % 101})


def shifted(*columns: str) -> pl.DataFrame:
    return LINES.with_columns(pl.col(columns) + WIDE)


@frame_paths
@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64, pl.Int128, pl.Decimal(38, 3)], ids=str)
@pytest.mark.parametrize("columns", [("y",), ("x",), ("x", "y")], ids=str)
def test_slopes_and_variances_of_regressions(run, columns, dtype):
    data = shifted(*columns).with_columns(pl.col(columns).cast(dtype))
    [want], [result] = (run(pool.regress_components, part, "y", by="g", x=["x"]).to_dicts() for part in (LINES, data))
    assert_near(result["sigma2"], want["sigma2"], 1e-9)
    assert_near(result["tau2"]["intercept"], want["tau2"]["intercept"], 1e-9)
    for statistic in ("mu", "se_mu"):
        assert_near(result[statistic]["x"], want[statistic]["x"], 1e-9)
    moved = ("y" in columns) * WIDE - ("x" in columns) * WIDE * want["mu"]["x"]
    assert_near(result["mu"]["intercept"], want["mu"]["intercept"] + moved, 1e-9)


@frame_paths
def test_predictions_of_wide_values(run):
    want = run(pool.predict, LINES, "y", by="g", x=["x"])
    result = run(pool.predict, shifted("y"), "y", by="g", x=["x"])
    name = want.columns[-2]
    assert (result[name] - float(WIDE) - want[name]).abs().max() <= 512  # at 1.7e18, Float64 rounds by up to 128


@engines
@pytest.mark.parametrize("dtype", ["BIGINT", "HUGEINT", "DECIMAL(38, 3)"])
def test_regressions_of_wide_values_in_duckdb(engine, dtype):
    [want] = pool.regress_components(LINES, "y", by="g", x=["x"]).to_dicts()
    db = database(engine)
    db.held.clear()
    rows = ", ".join(f"({g}, {x + WIDE}::{dtype}, {y + WIDE}::{dtype})" for g, x, y in LINES.rows())
    db.engine.run(f"CREATE OR REPLACE TABLE data AS FROM (VALUES {rows}) AS t(g, x, y)")
    [result] = db.ask("FROM pool_regress_components(data, y, x, g)").to_dicts()
    assert_near(result["sigma2"], want["sigma2"], 1e-9)
    assert_near(result["tau2"]["intercept"], want["tau2"]["intercept"], 1e-9)
    assert_near(result["mu"]["x"], want["mu"]["x"], 1e-9)


@every_path
def test_comparisons_profiles_and_posteriors_of_wide_values(run):
    def rows(data: pl.DataFrame) -> list[dict[str, float]]:
        calls = ((pool.compare, {}), (pool.profile, {"tau": [10.0]}), (pool.components, {"tau2": "half_cauchy(50)"}))
        return [run(verb, data, "y", "g", **options).to_dicts()[0] for verb, options in calls]

    for result, want in zip(rows(shifted("y")), rows(LINES), strict=True):
        for name in result:
            if isinstance(want[name], float) and not name.startswith(("mu", "new")):  # at the level of values
                assert_near(result[name], want[name], 1e-7)
