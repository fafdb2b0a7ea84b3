"""A store of moments: which parts are read, which arguments are refused, and merged moments equal to one pass."""

import json
import os
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
import webserver
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal, assert_series_equal

import polars_pool as pool
from polars_pool.store import definition, files, merging, states
from polars_pool.store.store import Progress

ROWS = pl.DataFrame(
    {
        "month": [1, 1, 1, 2, 2, 3, 3, 3],
        "g": ["a", "a", "b", "a", None, "b", "b", "c"],
        "y": [1.0, 3.0, 5.0, 7.0, 2.0, None, 4.0, 8.0],
        "w": [1.0, 2.0, 0.5, 1.0, 1.0, 3.0, 0.0, 2.0],
    }
)


def write(folder: Path, **frames: pl.DataFrame) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.write_parquet(folder / f"{name}.parquet")
    return folder


@pytest.fixture
def source(tmp_path):
    ROWS.write_parquet(tmp_path / "rows", partition_by="month")
    return tmp_path / "rows"


def month(source: Path, number: int) -> Path:
    [file] = (source / f"month={number}").glob("*.parquet")
    return file


def names(parts) -> list[str]:
    return [Path(name).parent.name for name in parts]


def assert_merged(store, rows, by, *, weights=None):
    """The moments of the store equal those of one pass, to 1e-12 relative to the number or to its values."""
    expected = pool.moments(rows, "y", by=by, weights=weights)
    result = store.scan().collect()
    assert result.schema == expected.schema
    keys = [by] if isinstance(by, str) else by
    result, expected = result.sort(keys), expected.sort(keys)
    assert result.select(*keys, "n").equals(expected.select(*keys, "n"))
    # For values near 1e3, a mean is accurate to 1e-13, even if it is near 0; a variance to the square of that.
    size = max(rows["y"].cast(pl.Float64).abs().max() or 0.0, 1e-300)
    for name, scale in {"mean": size, "var": size**2, "w": 1.0}.items():
        if name in result.columns:
            assert_series_equal(result[name], expected[name], rel_tol=1e-12, abs_tol=1e-12 * scale)


# ---- parts read --------------------------------------------------------------------------------------------


def test_only_new_and_changed_parts_are_read(tmp_path, source):
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    first = store.refresh(source)
    assert names(first.read) == ["month=1", "month=2", "month=3"]
    assert (first.unchanged, first.dropped, first.rows) == ((), (), 8)
    assert str(first) == "3 parts read (8 rows), 0 unchanged, 0 dropped"
    assert_merged(store, ROWS, "g")

    again = store.refresh(source)
    assert (again.read, names(again.unchanged), again.rows) == ((), ["month=1", "month=2", "month=3"], 0)

    before = {path.name: path.stat().st_ino for path in (tmp_path / "m").glob("*.parquet")}
    ROWS[:1].drop("month").write_parquet(month(source, 2))
    third = store.refresh(source)
    assert names(third.read) == ["month=2"]
    assert str(third) == "1 part read (1 row), 2 unchanged, 0 dropped"
    after = {path.name: path.stat().st_ino for path in (tmp_path / "m").glob("*.parquet")}
    assert sum(before[name] == after[name] for name in before) == 2
    changed = pl.concat([ROWS.filter(month=1), ROWS[:1], ROWS.filter(month=3)])
    assert_merged(store, changed, "g")

    gone = month(source, 1)
    gone.unlink()
    fourth = store.refresh(source)
    assert fourth.dropped == (str(gone),)
    assert (fourth.read, len(fourth.unchanged)) == ((), 2)
    assert_merged(store, changed[3:], "g")


def test_files_come_and_go_in_one_refresh(tmp_path, source):
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    month(source, 3).rename(source / "month=2" / "moved.parquet")
    moved = store.refresh(source)
    assert (names(moved.read), names(moved.dropped), len(moved.unchanged)) == (["month=2"], ["month=3"], 2)
    assert_merged(store, ROWS, "g")
    with pytest.warns(UserWarning, match="dropped parts whose files still exist"):
        assert store.refresh([]).dropped == (*moved.unchanged, *moved.read)
    with pytest.raises(FileNotFoundError, match="holds no states yet"):
        store.scan()


def test_a_narrower_source_warns_of_the_parts_that_it_leaves_out(tmp_path, source):
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    month(source, 1).unlink()
    with pytest.warns(UserWarning, match="dropped parts whose files still exist") as caught:
        done = store.refresh(source / "month=2")
    assert names(done.dropped) == ["month=1", "month=3"]
    [one] = caught
    assert f"the source does not contain them: {str(month(source, 3))!r}; the store no longer counts" in str(
        one.message
    )
    assert "month=1" not in str(one.message)  # this file was deleted
    assert one.filename == __file__
    assert store.scan().collect()["n"].sum() == 2


def test_progress_is_reported_before_and_after_every_part(tmp_path, source):
    reports = []
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source, progress=reports.append)
    assert reports == [Progress(0, 3, 0, 8), Progress(1, 3, 3, 8), Progress(2, 3, 5, 8), Progress(3, 3, 8, 8)]
    store.refresh(source, progress=reports.append)
    assert reports[4:] == [Progress(0, 0, 0, 0)]


def test_a_where_and_expressions(tmp_path, source):
    store = pool.MomentStore(
        tmp_path / "m", pl.col("y").log1p(), by=[pl.col("g").str.to_uppercase(), "month"], where=pl.col("y") > 1.5
    )
    assert store.refresh(source).rows == 8  # rows of the source
    expected = pool.moments(
        ROWS.filter(pl.col("y") > 1.5), pl.col("y").log1p(), by=[pl.col("g").str.to_uppercase(), "month"]
    )
    assert_frame_equal(store.scan().sort("g", "month").collect(), expected, rel_tol=1e-12)


def test_nan_null_treats_nan_as_missing(tmp_path):
    rows = pl.DataFrame({"g": ["a", "a", "b"], "y": [1.0, float("nan"), float("inf")]})
    store = pool.MomentStore(tmp_path / "m", "y", by="g", nan="null")
    store.refresh(write(tmp_path / "rows", a=rows))
    assert store.scan().sort("g").collect().rows() == [("a", 1, 1.0, None), ("b", 0, None, None)]


@pytest.mark.parametrize("odd", ["a b", "a[b]", "a*b", "ü", "#1", "50%", "{x}"])
def test_odd_folders(tmp_path, odd):
    store = pool.MomentStore(tmp_path / odd / "m", "y", by="g")
    store.refresh(write(tmp_path / odd / "rows", **{odd: ROWS}))
    assert_merged(store, ROWS, "g")
    assert_merged(pool.MomentStore(tmp_path / odd / "m"), ROWS, "g")


def test_relative_folders_survive_a_change_of_the_working_folder(tmp_path, source, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = pool.MomentStore("m", "y", by="g")
    store.refresh("rows/**/*.parquet")
    monkeypatch.chdir(source)
    assert_merged(store, ROWS, "g")
    assert len(store.refresh("../rows/**/*.parquet").unchanged) == 3


def test_a_store_shows_its_folder_and_definition(tmp_path):
    store = pool.MomentStore(tmp_path / "m", "y", by="g", weights="w")
    shown = f"<MomentStore {str(tmp_path / 'm')!r}: value='y', by=['g'], weights='w', nan='error' (polars-pool "
    assert repr(store).startswith(shown)


def test_a_file_on_the_web(tmp_path):
    write(tmp_path, rows=ROWS)
    with webserver.serving(tmp_path) as address:
        store = pool.MomentStore(tmp_path / "m", "y", by="g")
        assert store.refresh(f"{address}/rows.parquet").read == (f"{address}/rows.parquet",)
        assert store.refresh([f"{address}/rows.parquet"]).unchanged == (f"{address}/rows.parquet",)
        write(tmp_path, rows=ROWS[:5])
        assert store.refresh(f"{address}/rows.parquet").rows == 5
    assert_merged(store, ROWS[:5], "g")


# ---- merged moments are those of one pass ------------------------------------------------------------------

VALUES = st.one_of(st.none(), st.floats(-1e3, 1e3), st.sampled_from([0.0, 1.0, -1.0]))
ROW = st.fixed_dictionaries(
    {
        "g": st.sampled_from(["a", "b", "c", "", None]),
        "h": st.sampled_from([1, 2, None]),
        "y": VALUES,
        "w": st.floats(0.01, 100) | st.just(0.0),
    }
)
SCHEMA = {"g": pl.String, "h": pl.Int64, "y": pl.Float64, "w": pl.Float64}
SPLITS = st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=5)


def refreshed(folder: str, pieces, by, weights=None):
    files = {f"part{i}": pl.DataFrame(piece, SCHEMA) for i, piece in enumerate(pieces)}
    store = pool.MomentStore(Path(folder) / "m", "y", by=by, weights=weights)
    store.refresh(write(Path(folder) / "rows", **files))
    return store, pl.concat(files.values())


@pytest.mark.share(2)
@pytest.mark.parametrize("by", ["g", "h", ["g", "h"]])
@pytest.mark.parametrize("weights", [None, "w"])
@given(pieces=SPLITS)
def test_any_split_merges_to_one_pass(by, weights, pieces):
    with tempfile.TemporaryDirectory() as folder:
        store, rows = refreshed(folder, pieces, by, weights)
        assert_merged(store, rows, by, weights=weights)


@given(pieces=SPLITS, weights=st.sampled_from([None, "w"]))
def test_any_split_gives_the_models_of_one_pass(pieces, weights):
    """With known tau2 and mu, estimates depend only on n and mean, in every model of `over`."""
    known = {"by": "g", "over": "h", "sigma2": 4.0, "tau2": 2.0, "mu": 1.0}
    with tempfile.TemporaryDirectory() as folder:
        store, rows = refreshed(folder, pieces, ["h", "g"], weights)
        merged = store.scan().collect()
        stored = {"n": "n", "var": "var", "weights": "w" if weights else None}
        result, expected = (
            pool.shrink(merged, "mean", **known, **stored),
            pool.shrink(rows, "y", **known, weights=weights),
        )
        assert_frame_equal(result, expected, rel_tol=1e-12, abs_tol=1e-9)


def scattered(rows: int, offset: float) -> pl.DataFrame:
    """Rows of many groups and five parts; deviations are multiples of 2^-10, so that adding an offset is exact."""
    i = pl.int_range(rows)
    deviation = ((i * 7919 % 4096) - 2048) / 1024 + (i % 37) / 16
    return pl.select(part=i * 31 % 5, g=i % 37, y=offset + deviation, w=1.0 + i % 3, deviation=deviation)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("offset", [0.0, 2.0**20, 2.0**30])
def test_an_offset_costs_the_variance_no_digits(tmp_path, offset, weights):
    rows = scattered(20_000, offset)
    rows.write_parquet(tmp_path / "rows", partition_by="part")
    store = pool.MomentStore(tmp_path / "m", "y", by="g", weights=weights)
    store.refresh(tmp_path / "rows")
    exact = pool.moments(rows, "deviation", by="g", weights=weights)
    result = store.scan().sort("g").collect()
    assert_frame_equal(result.drop("mean"), exact.drop("mean"), rel_tol=1e-13)
    # The tolerance is half a unit in the last place of the offset.
    assert (result["mean"] - (exact["mean"] + offset)).abs().max() <= 2.0**-52 * max(offset, 4.0)


@pytest.mark.parametrize("far", [1e9, 2.0**60, 1e300])
def test_a_distant_group_does_not_change_the_precision_of_others(tmp_path, far):
    near = pl.DataFrame({"g": ["a", "b", "a", "b"], "y": [0.1, 0.2, 0.3, 0.7]})
    away = pl.DataFrame({"g": ["c", "c"], "y": [far, far]})
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(write(tmp_path / "rows", a=away, b=near, c=near[:3], d=pl.concat([near, away])))
    rows = pl.concat([near, near[:3], near])
    expected = pool.moments(rows, "y", by="g")
    assert_frame_equal(store.scan().filter(pl.col("g") != "c").sort("g").collect(), expected, rel_tol=1e-14)


def test_parts_without_rows_and_without_values(tmp_path):
    nulls = ROWS.with_columns(y=pl.lit(None, pl.Float64))
    store = pool.MomentStore(tmp_path / "m", "y", by=["g", "month"], weights="w")
    done = store.refresh(write(tmp_path / "rows", a=ROWS.clear(), b=nulls, c=ROWS))
    assert (len(done.read), done.rows) == (3, 16)
    assert_merged(store, pl.concat([nulls, ROWS]), ["g", "month"], weights="w")


def test_a_store_of_empty_parts_has_all_columns(tmp_path):
    store = pool.MomentStore(tmp_path / "m", "y", by=["month", "g"], weights="w")
    store.refresh(write(tmp_path / "rows", a=ROWS.clear(), b=ROWS.clear()))
    result = store.scan().collect()
    assert result.schema == pool.moments(ROWS, "y", by=["month", "g"], weights="w").schema
    assert result.height == 0


@pytest.mark.parametrize("dtype", [pl.Int32, pl.Float32, pl.Boolean, pl.Decimal(10, 2), pl.UInt8])
def test_values_of_any_number(tmp_path, dtype):
    rows = ROWS.with_columns(y=(pl.col("y") > 3).cast(pl.Int8).cast(dtype))
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(write(tmp_path / "rows", a=rows[:3], b=rows[3:]))
    assert_merged(store, rows, "g")


# ---- ranges of keys ----------------------------------------------------------------------------------------

i = pl.int_range(1_000)
KEYS = {
    "integers": i * 7 % 250 - 100,
    "large integers": pl.lit(2**64 - 1, pl.UInt64) - (i % 250).cast(pl.UInt64),
    "text": pl.lit("ключ ") + (i % 250).cast(pl.String),
    "dates": pl.lit(date(2024, 1, 1)) + pl.duration(days=i % 250),
    "one value": pl.lit(1),
    "nulls": pl.when(i % 250 > 5).then(i % 250),
    "floats": pl.when(i % 250 > 5).then((i % 250) / 8).otherwise(float("nan")),
    "Booleans": i % 2 == 0,
    "times": pl.from_epoch(i % 250),
    "categories": (i % 250).cast(pl.String).cast(pl.Categorical),
    "structs": pl.struct(a=i % 25, b=i % 10),
    "lists": pl.concat_list(i % 25, i % 10),
}


@pytest.fixture
def small_ranges(monkeypatch):
    monkeypatch.setattr(merging, "GROUPS_TOGETHER", 40)
    monkeypatch.setattr(files, "ROWS_TOGETHER", 16)


@pytest.mark.share(2)
@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("scans", [3, 1_000])
def test_ranges_lose_no_group_and_share_none(tmp_path, monkeypatch, small_ranges, kind, scans):
    monkeypatch.setattr(merging, "MOST_SCANS", scans)
    rows = pl.select(key=KEYS[kind], other=i % 3 == 0, y=(i * 7919 % 1_000) / 8, part=i % 4)
    files = {f"p{n}": rows.filter(part=n) for n in range(4)}
    store = pool.MomentStore(tmp_path / "m", "y", by=["other", "key"])
    store.refresh(write(tmp_path / "rows", **files))
    expected = pool.moments(rows.lazy(), "y", by=["other", "key"]).collect()
    result = store.scan().collect()
    assert result.schema == expected.schema
    assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-12)
    aggregations = store.scan().explain().count("AGGREGATE")
    assert (aggregations > 5) == (kind in ("integers", "large integers", "text", "dates", "nulls"))


@pytest.mark.parametrize("name", ["^g.*$", "a b", 'quo"te', "_pool_key_g", "mean_", "source"])
def test_names_of_keys_are_not_patterns(tmp_path, small_ranges, name):
    rows = pl.DataFrame({name: [n % 250 for n in range(1_000)], "gg": [1, 2] * 500, "y": [n / 8 for n in range(1_000)]})
    store = pool.MomentStore(tmp_path / "m", "y", by=[name])
    store.refresh(write(tmp_path / "rows", a=rows[:500], b=rows[500:]))
    assert_frame_equal(store.scan().sort(pl.nth(0)).collect(), pool.moments(rows, "y", by=[name]), rel_tol=1e-12)


def test_a_filter_of_keys_reaches_the_files(tmp_path, small_ranges):
    rows = pl.select(key=i % 250, y=i / 8)
    store = pool.MomentStore(tmp_path / "m", "y", by="key")
    store.refresh(write(tmp_path / "rows", a=rows[:500], b=rows[500:]))
    filtered = store.scan().filter(pl.col("key") == 7)
    scans = [line for line in filtered.explain().splitlines() if "SELECTION" in line]
    assert scans
    assert all('col("key") == 7' in line or 'col("key")) == (7' in line for line in scans)
    assert filtered.collect().equals(store.scan().collect().filter(pl.col("key") == 7))


def test_all_nodes_of_a_scan_stream(tmp_path, small_ranges):
    rows = pl.select(key=i % 250, y=i / 8)
    store = pool.MomentStore(tmp_path / "m", "y", by="key", weights=pl.lit(2.0))
    store.refresh(write(tmp_path / "rows", a=rows[:500], b=rows[500:]))
    plan = store.scan().show_graph(engine="streaming", plan_stage="physical", raw_output=True)
    assert "in-memory" not in plan.split("Legend")[0] + plan.split("fallback>")[1]


# ---- the files ---------------------------------------------------------------------------------------------


def test_a_state_contains_its_definition(tmp_path, source):
    store = pool.MomentStore(tmp_path / "m", pl.col("y") * 2, by="g", weights="w", where="keep", nan="null")
    for number in (1, 2, 3):
        file = month(source, number)
        pl.read_parquet(file, hive_partitioning=False).with_columns(keep=True).write_parquet(file)
    store.refresh(source)
    paths = sorted((tmp_path / "m").glob("*.parquet"))
    assert len(paths) == 3
    entries = [json.loads(pq.read_metadata(path).metadata[b"polars-pool"]) for path in paths]
    assert {t["source"] for t in entries} == {str(month(source, number)) for number in (1, 2, 3)}
    for t in entries:
        status = os.stat(t["source"])
        assert t["version"] == f"size={status.st_size} mtime_ns={status.st_mtime_ns}"
        assert t["rows"] == ROWS.filter(month=int(Path(t["source"]).parent.name[-1])).height
        assert (t["format"], t["library"], t["keys"]) == (2, pool.__version__, {"g": "String"})
        assert (t["definition"]["by"], t["definition"]["weights"]) == (["g"], "w")
        assert (t["definition"]["where"], t["definition"]["nan"]) == ("keep", "null")
        assert t["definition"]["value"]["text"] == str(pl.col("y") * 2)
    assert pl.read_parquet(paths[0]).columns == ["g", "n", "mean", "var", "w", "mean_low"]


def test_duckdb_reads_the_same_states(tmp_path, source):
    store = pool.MomentStore(tmp_path / "m", "y", by=["month", "g"])
    store.refresh(source)
    with duckdb.connect() as connection:
        pool.install_macros(connection)
        result = connection.sql(f"FROM pool_merge('{tmp_path}/m/*.parquet', COLUMNS(['month', 'g']))").pl()
        estimates = connection.sql(
            f"FROM pool_shrink('{tmp_path}/m/*.parquet', mean, g, n := n, var := var, tau2 := 2.0)"
        ).pl()
    assert_frame_equal(result, store.scan().collect(), check_row_order=False, rel_tol=1e-12)
    expected = pool.shrink(store.scan(), "mean", by="g", n="n", var="var", tau2=2.0).collect()
    assert_frame_equal(estimates, expected, check_row_order=False, rel_tol=1e-12)


def test_an_existing_store_opens_by_its_own_definition(tmp_path, source):
    value = (pl.col("y") + pl.lit(pl.Series([1.0])).first()).alias("z")
    store = pool.MomentStore(tmp_path / "m", value, by=["g", pl.col("y").is_null().alias("h")], weights="w")
    store.refresh(source)
    opened = pool.MomentStore(tmp_path / "m")
    assert_frame_equal(opened.scan().collect(), store.scan().collect(), check_row_order=False)
    assert len(opened.refresh(source).unchanged) == 3
    os.utime(month(source, 1))
    assert len(opened.refresh(source).read) == 1


# ---- errors ------------------------------------------------------------------------------------------------


def refused(kind, *words):
    return pytest.raises(kind, match=r"(?s)^[^\n]*" + r"[^\n]*".join(words) + r"[^\n]*$")


LONG = [f"g{n}" for n in range(200)]
OTHERS = {
    "value": {"value": "w"},
    "expression": {"value": pl.col("y") * 1.0000000000000002},
    "by": {"by": "month"},
    "more keys": {"by": ["g", "month"]},
    "order of keys": {"by": ["month", "g"]},
    "weights": {"weights": "w"},
    "where": {"where": pl.col("g").is_in(LONG)},
    "nan": {"nan": "null"},
}


@pytest.mark.parametrize("other", OTHERS)
def test_another_definition_is_refused_with_both_named(tmp_path, source, other):
    arguments = {"value": "y", "by": "g"}
    pool.MomentStore(tmp_path / "m", **arguments).refresh(source)
    with pytest.raises(ValueError, match="use another folder") as error:
        pool.MomentStore(tmp_path / "m", **{**arguments, **OTHERS[other]})
    text = str(error.value)
    assert "value='y', by=['g'], nan='error'" in text
    assert text.count(f"(polars-pool {pool.__version__}, format 2)") == 2
    assert text.count("value=") == 2


def test_a_store_that_another_process_made_meanwhile(tmp_path, source):
    late = pool.MomentStore(tmp_path / "m", "w", by="g")
    pool.MomentStore(tmp_path / "m", "y", by="g").refresh(source)
    for act in (late.scan, lambda: late.refresh(source)):
        with refused(ValueError, "value='y'", "value='w'"):
            act()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pl.col("g").is_in(LONG), pl.col("g").is_in([*LONG[:100], "other", *LONG[101:]])),
        (pl.lit(pl.Series(range(99))), pl.lit(pl.Series([*range(98), 7]))),
        (pl.lit("x" * 500 + "a"), pl.lit("x" * 500 + "b")),
        (pl.col("y") * 0.1, pl.col("y") * 0.1000000000000001),
        (pl.lit(1, pl.Int32), pl.lit(1, pl.Int64)),
        (pl.col("y"), pl.col("y").alias("z")),
    ],
)
def test_different_expressions_are_different_definitions(one, other):
    def defined(value, version=pl.__version__):
        made = definition.define(value, "g", None, None, "error")
        if isinstance(made.value, str):
            return made
        return replace(made, value=replace(made.value, polars=version))

    assert definition.same(defined(one), defined(one))
    assert not definition.same(defined(one), defined(other))
    assert definition.same(defined(one, "0.1"), defined(one))  # only Polars is newer
    assert not definition.same(defined(one, "0.1"), defined(other))


def test_expressions_that_a_new_polars_cannot_read():
    """Their text is compared, unless it is abbreviated."""

    def defined(value, **old):
        made = definition.define(value, "g", None, None, "error")
        return replace(made, value=replace(made.value, **old))

    old = {"polars": "0.1", "json": "{}"}
    assert definition.same(defined(pl.col("y") * 2, **old), defined(pl.col("y") * 2))
    assert not definition.same(defined(pl.col("y") * 2, **old), defined(pl.col("y") * 3))
    assert not definition.same(defined(pl.col("g").is_in(LONG), **old), defined(pl.col("g").is_in(LONG)))
    with refused(ValueError, "Polars 0.1", f"Polars {pl.__version__}"):
        definition.expression(defined(pl.col("y") * 2, **old).value)


def test_a_column_expression_equals_its_name(tmp_path, source):
    pool.MomentStore(tmp_path / "m", "y", by=["g"]).refresh(source)
    assert len(pool.MomentStore(tmp_path / "m", pl.col("y"), by=pl.col("g")).refresh(source).unchanged) == 3


@pytest.mark.parametrize(
    "value",
    [
        pl.col("y").map_elements(hash, return_dtype=pl.Int64),
        pl.col("y").map_batches(lambda y: y + 1),
        pl.fold(pl.lit(0.0), lambda a, b: a + b, [pl.col("y")]),
        pl.col("y").name.map(lambda name: name + "_"),
    ],
)
def test_python_functions_are_refused_with_the_reason(tmp_path, value):
    with refused(ValueError, "value=", "Python function", "expressions of Polars"):
        pool.MomentStore(tmp_path / "m", value, by="g")


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"value": "y"}, ValueError, "give both"),
        ({"by": "g"}, ValueError, "give both"),
        ({"weights": "w"}, ValueError, "give both"),
        ({"value": 1, "by": "g"}, TypeError, "value=1"),
        ({"value": "y", "by": []}, ValueError, "names no key"),
        ({"value": "y", "by": "g", "nan": "nul"}, ValueError, "did you mean 'null'"),
        ({"value": "y", "by": "g", "where": True}, TypeError, "where=True"),
        ({}, FileNotFoundError, "holds no states"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, kind, words):
    with refused(kind, words):
        pool.MomentStore(tmp_path / "m", **arguments)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("change", "arguments", "kind", "words"),
    [
        ({"y": pl.lit(float("nan"))}, {}, ValueError, "NaN"),
        ({"w": pl.lit(-1.0)}, {"weights": "w"}, ValueError, "weights='w'"),
        ({"y": pl.lit("x")}, {}, (TypeError, pl.exceptions.PolarsError), "y"),
        ({}, {"where": "g"}, TypeError, "where stands for 'g': String"),
        ({}, {"value": "z"}, pl.exceptions.ColumnNotFoundError, "'z' is no column"),
        ({}, {"by": ["g", "gg"]}, pl.exceptions.ColumnNotFoundError, "'gg' is no column.*did you mean 'g'"),
        ({}, {"by": pl.col("g").alias("mean_low")}, ValueError, "mean_low"),
    ],
)
def test_an_error_names_its_part_and_keeps_the_states_before(tmp_path, change, arguments, kind, words):
    source = write(tmp_path / "rows", a=ROWS.drop_nulls(), b=ROWS.drop_nulls().with_columns(**change))
    store = pool.MomentStore(tmp_path / "m", **{"value": "y", "by": "g", **arguments})
    with refused(kind, "b.parquet" if change else "a.parquet", "cannot be pooled", words):
        store.refresh(source)
    if change:
        assert_merged(store, ROWS.drop_nulls(), "g", weights=arguments.get("weights"))
    assert {path.name for path in (tmp_path / "m").iterdir()} <= {
        ".lock", states.path_of(tmp_path / "m", str(source / "a.parquet")).name
    }  # fmt: skip


def spoil(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "renamed":
        path.with_name("0" * 24 + ".parquet").write_bytes(content)
    elif how == "foreign":
        ROWS.write_parquet(path)
    elif how == "of others":
        ROWS.write_parquet(path, metadata={"polars-pool": "[]"})
    else:
        path.write_bytes(content[: {"empty": 0, "short": 10, "half": len(content) // 2, "almost": -1}[how]])


@pytest.mark.parametrize("how", ["empty", "short", "half", "almost", "foreign", "of others", "renamed"])
def test_a_file_that_is_no_state_is_named(tmp_path, source, how):
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    path = states.path_of(tmp_path / "m", str(month(source, 2)))
    spoil(path, how)
    named = "0" * 24 if how == "renamed" else path.name
    for act in (store.scan, lambda: store.refresh(source), lambda: pool.MomentStore(tmp_path / "m")):
        with refused(ValueError, named, "is not a state", "delete it and refresh"):
            act()
    (tmp_path / "m" / f"{named.removesuffix('.parquet')}.parquet").unlink()  # as the message says
    store.refresh(source)
    assert_merged(store, ROWS, "g")


def test_a_newer_format_is_refused_with_both_versions(tmp_path, source):
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    path = states.path_of(tmp_path / "m", str(month(source, 2)))
    fields = json.loads(pq.read_metadata(path).metadata[b"polars-pool"])
    fields |= {"format": 3, "library": "9.9.9"}
    pl.read_parquet(path).write_parquet(path, metadata={"polars-pool": json.dumps(fields)})
    with refused(ValueError, path.name, "format 3", "9.9.9", pool.__version__, "format 2"):
        store.scan()


def test_keys_that_change_type_are_refused_with_both_parts(tmp_path):
    source = write(tmp_path / "rows", a=ROWS[:3])
    store = pool.MomentStore(tmp_path / "m", "y", by="month")
    store.refresh(source)
    (source / "a.parquet").rename(tmp_path / "away.parquet")
    write(source, b=ROWS[3:].cast({"month": pl.String}))
    store.refresh(source)  # all states that remain agree
    write(source, a=ROWS[:3])
    with refused(TypeError, "a.parquet", "Int64", "b.parquet", "String"):
        store.refresh(source)
    assert_merged(store, ROWS[3:].cast({"month": pl.String}), "month")


def test_states_whose_keys_differ_are_not_merged(tmp_path):
    one = write(tmp_path / "one", a=ROWS[:3])
    other = write(tmp_path / "other", b=ROWS[3:].cast({"month": pl.String}))
    for name, source in (("m", one), ("n", other)):
        pool.MomentStore(tmp_path / name, "y", by="month").refresh(source)
    path = states.path_of(tmp_path / "n", str(other / "b.parquet"))
    path.rename(tmp_path / "m" / path.name)
    with refused(TypeError, "a.parquet", "Int64", "b.parquet", path.name, "String"):
        pool.MomentStore(tmp_path / "m").scan()


def test_a_store_in_its_own_source_is_refused(tmp_path):
    source = write(tmp_path / "rows", a=ROWS)
    store = pool.MomentStore(source / "m", "y", by="g")
    store.refresh(source / "a.parquet")
    with refused(ValueError, "lies inside its own source"):
        store.refresh(source)
