"""Many small parts are read together, with the same states, versions and errors as one by one."""

import os

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.store import reading, states
from polars_pool.store.sources import part

MANY = 40


def rows(number: int) -> pl.DataFrame:
    return pl.DataFrame({"g": ["a", "b", "a", None], "y": [number + 0.5, 2.0, 4.0 * number, None]})


@pytest.fixture
def source(tmp_path):
    (tmp_path / "rows").mkdir()
    for number in range(MANY):
        rows(number).write_parquet(tmp_path / f"rows/{number:02d}.parquet")
    return tmp_path / "rows"


@pytest.fixture
def queries(monkeypatch):
    """The number of parts that each query of moments reads."""
    counted = []
    original = reading._of_batch, reading._of_part

    def of_batch(batch, *rest):
        counted.append(len(batch))
        return original[0](batch, *rest)

    def of_part(*arguments):
        counted.append(1)
        return original[1](*arguments)

    monkeypatch.setattr(reading, "_of_batch", of_batch)
    monkeypatch.setattr(reading, "_of_part", of_part)
    return counted


def refreshed(source, folder):
    store = pool.MomentStore(folder, "y", by="g")
    store.refresh(source)
    return store


def test_small_parts_are_read_in_one_query_and_each_has_its_state(tmp_path, source, queries, monkeypatch):
    store = refreshed(source, tmp_path / "together")
    assert queries == [MANY]
    monkeypatch.setattr(part, "TOGETHER", 1)
    single = refreshed(source, tmp_path / "single")
    assert queries == [MANY] + [1] * MANY
    together, alone = states.listed(store.path), states.listed(single.path)
    assert len(together) == MANY
    for one, other in zip(together, alone, strict=True):
        assert (one.source, one.version, one.rows, one.keys) == (other.source, other.version, other.rows, other.keys)
        assert_frame_equal(pl.read_parquet(one.path), pl.read_parquet(other.path), check_row_order=False)
    every = pl.concat(rows(number) for number in range(MANY))
    assert_frame_equal(store.scan().sort("g").collect(), pool.moments(every, "y", by="g"), rel_tol=1e-12)


def test_one_changed_part_of_many_is_read_alone(tmp_path, source, queries):
    store = refreshed(source, tmp_path / "m")
    rows(99).head(2).write_parquet(source / "07.parquet")
    assert store.refresh(source).read == (str(source / "07.parquet"),)
    assert queries == [MANY, 1]


def test_a_bad_part_among_many_is_named_and_those_before_are_kept(tmp_path, source):
    rows(1).with_columns(y=pl.lit(float("nan"))).write_parquet(source / "20.parquet")
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    with pytest.raises(ValueError, match=r"20\.parquet' cannot be pooled.*NaN"):
        store.refresh(source)
    assert len(states.listed(tmp_path / "m")) == 20


def test_parts_of_other_types_empty_parts_and_hive_columns(tmp_path, source):
    rows(3).clear().write_parquet(source / "03.parquet")
    rows(5).cast({"y": pl.Float32}).write_parquet(source / "05.parquet")
    for number in range(MANY):
        (source / f"k={number % 3}").mkdir(exist_ok=True)
        (source / f"{number:02d}.parquet").rename(source / f"k={number % 3}/{number:02d}.parquet")
    store = pool.MomentStore(tmp_path / "m", "y", by=["k", "g"])
    assert store.refresh(source).rows == 4 * (MANY - 1)
    every = pl.concat(rows(number).with_columns(k=number % 3) for number in range(MANY) if number != 3)
    expected = pool.moments(every, "y", by=["k", "g"])
    assert_frame_equal(store.scan().sort("k", "g").collect(), expected, rel_tol=1e-12, check_dtypes=False)


def test_a_part_that_changes_while_many_are_read(tmp_path, source, monkeypatch):
    original = reading._table
    changes = []

    def table(lf, definition, *first):
        moments = original(lf, definition, *first)
        if not changes:
            changes.append(rows(50).write_parquet(source / "11.parquet"))
            os.utime(source / "11.parquet", ns=(1, 1))
        return moments

    monkeypatch.setattr(reading, "_table", table)
    store = refreshed(source, tmp_path / "m")
    every = pl.concat(rows(50 if number == 11 else number) for number in range(MANY))
    assert_frame_equal(store.scan().sort("g").collect(), pool.moments(every, "y", by="g"), rel_tol=1e-12)


def test_progress_counts_every_part(tmp_path, source):
    reports = []
    pool.MomentStore(tmp_path / "m", "y", by="g").refresh(source, progress=reports.append)
    assert [progress.parts for progress in reports] == list(range(MANY + 1))
    assert reports[-1].rows == reports[-1].of_rows == 4 * MANY


def test_a_thousand_parts_are_two_queries(tmp_path):
    """One query per part would take the planning time of a query for each."""
    (tmp_path / "rows").mkdir()
    content = tmp_path / "rows/0000.parquet"
    rows(1).write_parquet(content)
    for number in range(1, 1_000):
        (tmp_path / f"rows/{number:04d}.parquet").write_bytes(content.read_bytes())
    result = reading.batches(pool.store.sources.parts(tmp_path / "rows"))
    definition = pool.store.definition.define("y", "g", None, None, "error")
    listed = [reading.rows_of(batch).select(pl.len()).collect().item() for batch in result]
    assert sum(listed) == 4_000
    readings = list(reading.readings(pool.store.sources.parts(tmp_path / "rows"), definition, None, joined=True))
    assert [one.parts for one in readings] == [500, 500]
