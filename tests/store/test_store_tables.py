"""A store of a Delta or Iceberg table: a refresh reads what a commit changed, and moments equal those of one pass."""

from dataclasses import replace
from pathlib import Path

import icebergdeletes
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalog import VECTORS, actions, commit, replaced
from polars.testing import assert_frame_equal
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.types import DoubleType, LongType

import polars_pool as pool
from polars_pool.store.definition import Column, columns, define
from polars_pool.store.sources import parts


def sales(month: int, rows: int = 400) -> pl.DataFrame:
    """A month of sales in a dozen stores, one without a name; some sales are far from zero, some are missing."""
    row = pl.int_range(rows, eager=True)
    store = pl.when(row % 12 == 0).then(None).otherwise((row * 5 + month) % 12)
    return pl.DataFrame({"month": [month] * rows}).with_columns(
        store=store,
        sales=pl.when(row % 7 == 3).then(None).otherwise(1e3 + ((row + 1) * (month + 1) % 101) / 7),
        load=1 + row % 3,
        id=row + 1_000 * month,
    )


JANUARY, FEBRUARY, MARCH = sales(1), sales(2), sales(3)


def store_of(path: Path) -> pool.MomentStore:
    return pool.MomentStore(path / "moments", pl.col("sales") * 2, by="store", weights="load", where=pl.col("id") > 5)


def assert_refreshed(store: pool.MomentStore, source, rows: pl.DataFrame, read: int, dropped: int = 0) -> None:
    """Refresh; compare the numbers of parts read and dropped, and the moments with one pass over the expected rows."""
    listed = {part.name for part in parts(source)}
    done = store.refresh(source)
    assert (len(done.read), len(done.dropped)) == (read, dropped)
    assert {*done.read, *done.unchanged} == listed
    once = pool.moments(rows.filter(pl.col("id") > 5), pl.col("sales") * 2, by="store", weights="load")
    result = store.scan().sort("store").collect()
    assert_frame_equal(result, once, abs_tol=0, rel_tol=1e-12)
    again = store.refresh(source)
    assert (again.read, again.dropped, again.rows) == ((), (), 0)


# ---- Delta --------------------------------------------------------------------------------------------------------


@pytest.fixture
def delta(tmp_path) -> Path:
    folder = tmp_path / "sales"
    for month in (JANUARY, FEBRUARY):
        write_deltalake(folder, month, mode="append", partition_by=["month"])
    return folder


def test_a_delta_table_after_each_kind_of_commit(delta, tmp_path):
    store = store_of(tmp_path)
    assert_refreshed(store, delta, pl.concat([JANUARY, FEBRUARY]), read=2)
    write_deltalake(delta, MARCH, mode="append")
    months = pl.concat([JANUARY, FEBRUARY, MARCH])
    assert_refreshed(store, delta, months, read=1)
    DeltaTable(delta).delete("month = 2 AND id < 2100")
    months = months.filter(~((pl.col("month") == 2) & (pl.col("id") < 2100)))
    assert_refreshed(store, delta, months, read=1, dropped=1)
    DeltaTable(delta).update(predicate="month = 3 AND store = 4", updates={"sales": "sales + 1"})
    bump = (pl.col("month") == 3) & (pl.col("store") == 4)
    updated = months.with_columns(sales=pl.when(bump).then(pl.col("sales") + 1).otherwise("sales"))
    assert_refreshed(store, delta, updated, read=1, dropped=1)
    write_deltalake(delta, JANUARY, mode="append")
    doubled = pl.concat([updated, JANUARY])
    assert_refreshed(store, delta, doubled, read=1)
    DeltaTable(delta).optimize.compact()
    assert_refreshed(store, delta, doubled, read=1, dropped=2)
    DeltaTable(delta).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert_refreshed(store, delta, doubled, read=0)
    write_deltalake(delta, MARCH, mode="overwrite", predicate="month = 3")
    assert_refreshed(store, delta, pl.concat([doubled.filter(pl.col("month") != 3), MARCH]), read=1, dropped=1)
    write_deltalake(delta, FEBRUARY, mode="overwrite")
    assert_refreshed(store, delta, FEBRUARY, read=1, dropped=3)


def test_a_delta_table_back_in_time(delta, tmp_path):
    store = store_of(tmp_path)
    write_deltalake(delta, MARCH, mode="append")
    assert_refreshed(store, DeltaTable(delta), pl.concat([JANUARY, FEBRUARY, MARCH]), read=3)
    assert_refreshed(store, DeltaTable(delta, version=0), JANUARY, read=0, dropped=2)
    assert_refreshed(store, DeltaTable(delta, version=1), pl.concat([JANUARY, FEBRUARY]), read=1)
    DeltaTable(delta).restore(0)
    assert_refreshed(store, delta, JANUARY, read=0, dropped=1)


def test_a_delta_table_with_deletion_vectors(delta, tmp_path):
    store = store_of(tmp_path)
    assert_refreshed(store, delta, pl.concat([JANUARY, FEBRUARY]), read=2)
    [add] = [action["add"] for action in actions(delta, 1) if "add" in action]
    commit(delta, 2, [VECTORS, *replaced(add, [0, 17, 399])])
    fewer = FEBRUARY.with_row_index().filter(~pl.col("index").is_in([0, 17, 399])).drop("index")
    assert_refreshed(store, delta, pl.concat([JANUARY, fewer]), read=1)


def test_a_delta_table_with_a_new_column(delta, tmp_path):
    store = store_of(tmp_path)
    assert_refreshed(store, delta, pl.concat([JANUARY, FEBRUARY]), read=2)
    write_deltalake(delta, MARCH.with_columns(price=1.5), mode="append", schema_mode="merge")
    assert_refreshed(store, delta, pl.concat([JANUARY, FEBRUARY, MARCH]), read=1)


def test_by_a_partition_column(delta, tmp_path):
    store = pool.MomentStore(tmp_path / "moments", "sales", by=["month", "store"])
    store.refresh(delta)
    once = pool.moments(pl.concat([JANUARY, FEBRUARY]), "sales", by=["month", "store"])
    assert_frame_equal(store.scan().sort("month", "store").collect(), once, abs_tol=0, rel_tol=1e-12)


# ---- Iceberg ------------------------------------------------------------------------------------------------------


@pytest.fixture
def iceberg(tmp_path):
    catalogue = SqlCatalog("shop", uri=f"sqlite:///{tmp_path}/shop.db", warehouse=tmp_path.as_uri())
    catalogue.create_namespace("shop")
    table = catalogue.create_table("shop.sales", schema=JANUARY.to_arrow().schema)
    for month in (JANUARY, FEBRUARY):
        table.append(month.to_arrow())
    yield table
    catalogue.close()


def test_an_iceberg_table_after_each_kind_of_commit(iceberg, tmp_path):
    store = store_of(tmp_path)
    assert_refreshed(store, iceberg, pl.concat([JANUARY, FEBRUARY]), read=2)
    iceberg.append(MARCH.to_arrow())
    months = pl.concat([JANUARY, FEBRUARY, MARCH])
    assert_refreshed(store, iceberg, months, read=1)
    iceberg.delete("id < 2100 and month = 2")
    fewer = months.filter(~((pl.col("month") == 2) & (pl.col("id") < 2100)))
    assert_refreshed(store, iceberg, fewer, read=1, dropped=1)
    [march] = [task.file.file_path for task in iceberg.scan("month = 3").plan_files()]
    icebergdeletes.commit(iceberg, icebergdeletes.position_deletes(iceberg, {march: [0, 399]}))
    fewest = fewer.filter(~pl.col("id").is_in([3_000, 3_399]))
    assert_refreshed(store, iceberg, fewest, read=1)
    iceberg.overwrite(MARCH.to_arrow(), overwrite_filter="month = 1")
    replaced = pl.concat([fewest.filter(pl.col("month") != 1), MARCH])
    assert_refreshed(store, iceberg, replaced, read=1, dropped=1)
    iceberg.overwrite(JANUARY.to_arrow())
    assert_refreshed(store, iceberg, JANUARY, read=1, dropped=3)


def test_an_iceberg_table_back_in_time(iceberg, tmp_path):
    store = store_of(tmp_path)
    first, second = (snapshot.snapshot_id for snapshot in iceberg.snapshots())
    iceberg.overwrite(MARCH.to_arrow())
    assert_refreshed(store, iceberg, MARCH, read=1)
    assert_refreshed(store, iceberg.scan(snapshot_id=second), pl.concat([JANUARY, FEBRUARY]), read=2, dropped=1)
    assert_refreshed(store, iceberg.scan(snapshot_id=first), JANUARY, read=0, dropped=1)


def test_an_iceberg_table_with_other_columns(iceberg, tmp_path):
    """Columns that the moments do not need may be added, dropped and renamed; needed columns are read by their ids."""
    store = store_of(tmp_path)
    both = pl.concat([JANUARY, FEBRUARY])
    assert_refreshed(store, iceberg, both, read=2)
    with iceberg.update_schema() as update:
        update.add_column("price", DoubleType())
        update.rename_column("month", "period")
    assert_refreshed(store, iceberg, both, read=0)
    with iceberg.update_schema() as update:
        update.rename_column("sales", "turnover")
        update.rename_column("price", "sales")
    assert_refreshed(store, iceberg, both.with_columns(sales=pl.lit(None, pl.Float64)), read=2)
    with iceberg.update_schema() as update:
        update.rename_column("sales", "price")
    with iceberg.update_schema() as update:
        update.rename_column("turnover", "sales")
    assert_refreshed(store, iceberg, both, read=2)


def test_an_iceberg_key_of_a_wider_type(iceberg, tmp_path):
    """All states get the new type of the key, so that they can be merged."""
    narrow = JANUARY.with_columns(pl.col("store").cast(pl.Int32))
    table = iceberg.catalog.create_table("shop.narrow", schema=narrow.to_arrow().schema)
    table.append(narrow.to_arrow())
    store = store_of(tmp_path)
    assert_refreshed(store, table, narrow, read=1)
    with table.update_schema() as update:
        update.update_column("store", field_type=LongType())
    table.append(FEBRUARY.with_columns(pl.col("store").cast(pl.Int64)).to_arrow())
    wide = pl.concat([JANUARY, FEBRUARY]).with_columns(pl.col("store").cast(pl.Int64))
    assert_refreshed(store, table, wide, read=2)


def test_which_columns_a_definition_reads():
    y, w = pl.col("y"), pl.col("w")
    assert columns(define("y", "g", None, None, "error")) == {"y", "g"}
    assert columns(define(y.log() + w, ["g", pl.col("t").dt.year()], "v", pl.col("k") > 0, "error")) == set("ywgtvk")
    assert columns(define("^y$", "g", None, None, "error")) == {"^y$", "g"}  # the name is no pattern
    for open_ended in (pl.sum_horizontal(pl.all()), pl.nth(0), pl.col("^y$"), pl.sum_horizontal(pl.col(pl.Float64))):
        assert columns(define("y", "g", open_ended, None, "error")) is None
    unreadable = Column("y", "{}", "0.1")
    assert columns(replace(define("y", "g", None, None, "error"), where=unreadable)) is None


def test_selectors_read_all_columns(iceberg, tmp_path):
    """The columns that a selector matches depend on all columns of the schema."""
    total = pl.sum_horizontal(pl.col(pl.Float64))
    store = pool.MomentStore(tmp_path / "moments", total, by="store")
    assert len(store.refresh(iceberg).read) == 2
    with iceberg.update_schema() as update:
        update.add_column("price", DoubleType())
    assert len(store.refresh(iceberg).read) == 2
