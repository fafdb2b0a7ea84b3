"""Iceberg tables as parts: the rows are those of the snapshot; a commit changes the versions of its own files only."""

import sys
from datetime import datetime
from pathlib import Path

import icebergdeletes as deletes
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from pyarrow import fs
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import BucketTransform, DayTransform, IdentityTransform
from pyiceberg.typedef import Record
from pyiceberg.types import DoubleType, LongType, NestedField, StringType

from polars_pool.store.sources import iceberg, listing, parts

MARCH = pl.DataFrame({"month": [3, 3, 3], "store": ["a", "a", "b"], "sales": [1.0, 2.0, 4.0]})
APRIL = pl.DataFrame({"month": [4, 4], "store": ["a", None], "sales": [8.0, None]})
MAY = pl.DataFrame({"month": [5], "store": ["c"], "sales": [16.0]})
BOTH = pl.concat([MARCH, APRIL])


def rows(source) -> pl.DataFrame:
    """The rows of all parts."""
    return pl.concat([part.scan() for part in parts(source)]).collect()


def versions(source, columns=None) -> dict[str, str]:
    return {part.name: part.version for part in iceberg.parts(source, columns)}


def assert_rows(source, expected: pl.DataFrame) -> None:
    assert_frame_equal(rows(source), expected, check_row_order=False)


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The parts that a refresh would read."""
    return {name for name, version in after.items() if before.get(name) != version}


@pytest.fixture(autouse=True)
def planner(monkeypatch):
    """Polars 2.1 warns that its own planner is not installed, unless it is set to plan with pyiceberg."""
    monkeypatch.setenv("POLARS_ICEBERG_PLANNER", "pyiceberg")


@pytest.fixture
def catalogue(tmp_path):
    result = SqlCatalog("shop", uri=f"sqlite:///{tmp_path}/shop.db", warehouse=tmp_path.as_uri())
    result.create_namespace("shop")
    yield result
    result.close()


@pytest.fixture
def table(catalogue) -> Table:
    """A table of two months; each month is a partition, a file and a commit."""
    made = catalogue.create_table("shop.sales", schema=MARCH.to_arrow().schema)
    with made.update_spec() as update:
        update.add_field("month", IdentityTransform(), "month_is")
    made.append(MARCH.to_arrow())
    made.append(APRIL.to_arrow())
    return made


def place(name: str) -> Path:
    """The path in the address of a data file."""
    return Path(name.removeprefix("file://"))


# ---- commits ------------------------------------------------------------------------------------------------------


def test_one_part_per_data_file_sorted_by_name(table):
    result = parts(table)
    assert [place(part.name) for part in result] == sorted(place(table.location()).rglob("*.parquet"))
    assert [part.scan().collect().height for part in result] == [3, 2]
    assert_rows(table, BOTH)
    assert_rows(table, pl.scan_iceberg(table).collect())


def test_a_part_of_a_snapshot_never_changes(table):
    [first, _] = parts(table)
    table.delete("month = 3")
    assert first.current() == first.version
    assert_frame_equal(first.scan().collect(), MARCH)


def test_append_adds_parts(table):
    before = versions(table)
    table.append(MAY.to_arrow())
    after = versions(table)
    assert before.items() < after.items()
    assert len(changed(before, after)) == 1
    assert_rows(table, pl.concat([BOTH, MAY]))


def test_delete_overwrite_and_upsert_change_the_files_they_touch(table):
    before = versions(table)
    table.delete("store = 'b'")
    deleted = versions(table)
    assert len(changed(before, deleted)) == 1
    assert_rows(table, pl.concat([MARCH.head(2), APRIL]))
    table.overwrite(MAY.with_columns(month=pl.lit(4, pl.Int64)).to_arrow(), overwrite_filter="month = 4")
    overwritten = versions(table)
    assert len(changed(deleted, overwritten)) == 1
    assert_rows(table, pl.concat([MARCH.head(2), MAY.with_columns(month=pl.lit(4, pl.Int64))]))
    upserted = MAY.with_columns(month=pl.lit(4, pl.Int64), sales=pl.lit(0.5))
    table.upsert(upserted.to_arrow(), join_cols=["month", "store"])
    assert len(changed(overwritten, versions(table))) == 1
    assert_rows(table, pl.concat([MARCH.head(2), upserted]))
    assert_rows(table, pl.scan_iceberg(table).collect())


def test_a_deleted_partition_is_no_longer_a_part(table):
    before = versions(table)
    table.delete("month = 4")
    assert versions(table).items() < before.items()
    table.delete("month = 3")
    assert parts(table) == []


def test_a_table_without_a_snapshot_has_no_parts(catalogue):
    assert parts(catalogue.create_table("shop.new", schema=MARCH.to_arrow().schema)) == []


def test_a_partition_overwritten_with_the_same_rows_is_a_new_part(table):
    before = versions(table)
    table.dynamic_partition_overwrite(APRIL.to_arrow())
    assert len(changed(before, versions(table))) == 1
    assert_rows(table, BOTH)


# ---- time travel --------------------------------------------------------------------------------------------------


def test_every_snapshot_has_its_rows(table):
    table.overwrite(MAY.to_arrow())
    for snapshot in table.snapshots():
        scan = table.scan(snapshot_id=snapshot.snapshot_id)
        if parts(scan):
            assert_rows(scan, pl.scan_iceberg(table, snapshot_id=snapshot.snapshot_id).collect())
    first, second, *_, last = table.snapshots()
    assert_rows(table.scan(snapshot_id=first.snapshot_id), MARCH)
    assert_rows(table.scan(snapshot_id=second.snapshot_id), BOTH)
    assert_rows(table.scan(snapshot_id=last.snapshot_id), MAY)


def test_a_table_as_it_was_loaded(table, catalogue):
    loaded = catalogue.load_table("shop.sales")
    table.append(MAY.to_arrow())
    assert_rows(loaded, BOTH)


def test_a_branch_or_tag(table):
    table.manage_snapshots().create_tag(table.snapshots()[0].snapshot_id, "march").commit()
    assert_rows(table.scan().use_ref("march"), MARCH)


def test_a_rolled_back_table_with_expired_history_keeps_its_versions(table):
    before = versions(table)
    kept = table.current_snapshot().snapshot_id
    table.append(MAY.to_arrow())
    table.manage_snapshots().rollback_to_snapshot(kept).commit()
    assert versions(table) == before
    for snapshot in table.snapshots():
        if snapshot.snapshot_id != kept:
            table.maintenance.expire_snapshots().by_id(snapshot.snapshot_id).commit()
    assert versions(table) == before
    assert_rows(table, BOTH)


def test_a_snapshot_of_an_older_schema(table):
    """Polars 1.44 panics here, so the expected rows are those that were written."""
    old = table.current_snapshot().snapshot_id
    with table.update_schema() as update:
        update.rename_column("sales", "turnover")
        update.add_column("price", DoubleType())
    assert_rows(table.scan(snapshot_id=old), BOTH)


# ---- schemas ------------------------------------------------------------------------------------------------------


def test_columns_renamed_and_added_and_dropped(table):
    with table.update_schema() as update:
        update.rename_column("sales", "turnover")
        update.add_column("price", DoubleType())
    assert_rows(table, BOTH.rename({"sales": "turnover"}).with_columns(price=pl.lit(None, pl.Float64)))
    with table.update_schema() as update:
        update.delete_column("turnover")
    with table.update_schema() as update:
        update.add_column("turnover", DoubleType())
    assert_rows(table, BOTH.select("month", "store", price=pl.lit(None, pl.Float64), turnover=pl.lit(None, pl.Float64)))
    wider = MAY.select("month", "store", price=pl.lit(2.5), turnover="sales")
    table.append(wider.to_arrow())
    assert_rows(table, pl.concat([BOTH.select("month", "store"), wider], how="diagonal"))
    assert_rows(table, pl.scan_iceberg(table).collect())


def test_a_name_that_refers_to_another_field_changes_the_version(table):
    """The data files do not change, but the value does: old rows no longer have `sales`."""
    before = versions(table, ["sales", "store"])
    with table.update_schema() as update:
        update.add_column("price", DoubleType())
    assert versions(table, ["sales", "store"]) == before
    with table.update_schema() as update:
        update.rename_column("sales", "turnover")
    with table.update_schema() as update:
        update.add_column("sales", DoubleType())
    assert changed(before, versions(table, ["sales", "store"])) == set(before)
    assert rows(table)["sales"].null_count() == BOTH.height
    assert versions(table, ["store"]) != before
    assert set(versions(table, ["store"])) == set(before)


def test_without_selected_columns_any_change_of_the_schema_counts(table):
    before = versions(table)
    with table.update_schema() as update:
        update.add_column("price", DoubleType())
    assert changed(before, versions(table)) == set(before)


def test_wider_types(catalogue):
    narrow = pl.DataFrame({"n": [1, None], "y": [1.5, 2.5]}, schema={"n": pl.Int32, "y": pl.Float32})
    table = catalogue.create_table("shop.narrow", schema=narrow.to_arrow().schema)
    table.append(narrow.to_arrow())
    before = versions(table)
    with table.update_schema() as update:
        update.update_column("n", field_type=LongType())
        update.update_column("y", field_type=DoubleType())
    wide = narrow.cast({"n": pl.Int64, "y": pl.Float64})
    assert changed(before, versions(table)) == set(before)
    table.append(pl.DataFrame({"n": [2**40], "y": [0.1]}).to_arrow())
    assert_rows(table, pl.concat([wide, pl.DataFrame({"n": [2**40], "y": [0.1]})]))


def test_times_with_a_zone_in_files_are_read_in_the_type_of_the_table(catalogue):
    """Spark writes such files."""
    frame = pl.DataFrame({"at": [datetime(2020, 1, 1, 12)]})
    table = catalogue.create_table("shop.times", schema=frame.to_arrow().schema)
    table.append(frame.to_arrow())
    file = place(parts(table)[0].name)
    zoned = pq.read_table(file)
    zoned = zoned.cast(pa.schema([pa.field("at", pa.timestamp("us", "UTC"), metadata=zoned.schema.field(0).metadata)]))
    pq.write_table(zoned, file)
    assert_rows(table, frame)


def test_odd_names_of_columns(catalogue):
    odd = pl.DataFrame({"a.b": [1.0], "a b": ["x"], "é": [True]})
    table = catalogue.create_table("shop.odd", schema=odd.to_arrow().schema)
    table.append(odd.to_arrow())
    assert_rows(table, odd)
    assert parts(table)[0].scan().select("a.b").collect().to_dicts() == [{"a.b": 1.0}]


# ---- partitions ---------------------------------------------------------------------------------------------------


def test_every_kind_of_partition(catalogue):
    frame = pl.DataFrame(
        {
            "store": ["a b", "é/ü", "%25", None],
            "at": [datetime(2020, 1, day, 23) for day in (1, 1, 2, 31)],
            "sales": [1.0, 2.0, 3.0, 4.0],
        }
    )
    table = catalogue.create_table("shop.days", schema=frame.to_arrow().schema)
    with table.update_spec() as update:
        update.add_field("store", IdentityTransform(), "store_is")
        update.add_field("at", DayTransform(), "day")
    table.append(frame.to_arrow())
    assert len(parts(table)) == 4
    assert_rows(table, frame)
    before = versions(table)
    with table.update_spec() as update:
        update.remove_field("store_is")
    table.append(frame.to_arrow())
    assert len(changed(before, versions(table))) == 3
    assert_rows(table, pl.concat([frame, frame]))


def test_buckets(catalogue):
    frame = pl.DataFrame({"store": [str(i) for i in range(50)], "sales": range(50)})
    table = catalogue.create_table("shop.buckets", schema=frame.to_arrow().schema)
    with table.update_spec() as update:
        update.add_field("store", BucketTransform(4), "bucket")
    table.append(frame.to_arrow())
    assert len(parts(table)) == 4
    assert_rows(table, frame)


def test_files_whose_partition_is_only_in_the_path(catalogue, tmp_path):
    """Hive files that were added unchanged have no field ids, and no column for the partition."""
    schema = Schema(NestedField(1, "month", LongType()), NestedField(2, "sales", DoubleType()))
    spec = PartitionSpec(PartitionField(1, 1000, IdentityTransform(), "month"))
    table = catalogue.create_table("shop.hive", schema=schema, partition_spec=spec)
    file = tmp_path / "month=3" / "sales.parquet"
    file.parent.mkdir()
    MARCH.select("month", "sales").write_parquet(file)
    table.add_files([f"file://{file}"])
    assert_rows(table, MARCH.select("month", "sales"))
    MARCH.select("sales").write_parquet(file)
    assert_rows(table, MARCH.select("month", "sales"))
    with table.update_schema() as update:
        update.rename_column("sales", "turnover")
    assert_rows(table, MARCH.select("month", turnover="sales"))
    before = versions(table)
    mapping = '[{"field-id": 1, "names": ["month"]}, {"field-id": 2, "names": ["sales", "income"]}]'
    with table.transaction() as transaction:
        transaction.set_properties({"schema.name-mapping.default": mapping})
    assert changed(before, versions(table)) == set(before)
    assert_rows(table, MARCH.select("month", turnover="sales"))


# ---- deleted rows -------------------------------------------------------------------------------------------------


@pytest.fixture
def numbers(catalogue) -> Table:
    """Two data files of 200,000 rows, 0 … and 200,000 …, so that each gives several batches."""
    table = catalogue.create_table("shop.numbers", schema=pl.DataFrame({"y": [0]}).to_arrow().schema)
    for start in (0, 200_000):
        table.append(pl.DataFrame({"y": range(start, start + 200_000)}).to_arrow())
    return table


def left(source) -> set[int]:
    return set(range(400_000)) - set(rows(source)["y"].to_list())


def test_rows_deleted_by_position(numbers):
    first, second = sorted(versions(numbers), key=lambda name: parts_of(numbers)[name].scan().min().collect().item())
    before = versions(numbers)
    deletes.commit(numbers, deletes.position_deletes(numbers, {first: [0, 131_072, 199_999]}))
    once = versions(numbers)
    assert changed(before, once) == {first}
    assert left(numbers) == {0, 131_072, 199_999}
    deletes.commit(numbers, deletes.position_deletes(numbers, {first: [1], second: [2, 3]}))
    twice = versions(numbers)
    assert changed(once, twice) == {first, second}
    assert left(numbers) == {0, 1, 131_072, 199_999, 200_002, 200_003}
    deletes.commit(numbers, deletes.deletion_vectors(numbers, [(second, [2, 3, 70_000])]))
    assert second in changed(twice, versions(numbers))
    assert left(numbers) == {0, 1, 131_072, 199_999, 200_002, 200_003, 270_000}
    part = parts_of(numbers)[second]
    assert part.scan().select(pl.len()).collect().item() == 199_997
    assert part.scan().select(pl.lit(1), pl.len()).collect().row(0) == (1, 199_997)  # Polars 1.44 requests no column
    assert part.scan().filter(pl.col("y") > 270_000).select("y").collect()["y"].to_list()[:2] == [270_001, 270_002]
    assert part.scan().head(3).collect()["y"].to_list() == [200_000, 200_001, 200_004]
    old = numbers.snapshots()[2].snapshot_id
    assert left(numbers.scan(snapshot_id=old)) == {0, 131_072, 199_999}
    assert versions(numbers.scan(snapshot_id=old)) == once


def parts_of(source) -> dict:
    return {part.name: part for part in parts(source)}


def test_deletes_of_a_partition_leave_the_others(table):
    before = versions(table)
    [march] = [task.file for task in table.scan("month = 3").plan_files()]
    deletes.commit(table, deletes.position_deletes(table, {march.file_path: [1]}, Record(3)))
    assert changed(before, versions(table)) == {march.file_path}
    assert_rows(table, pl.concat([MARCH.filter(pl.col("sales") != 2), APRIL]))


def test_two_deletion_vectors_for_one_file_are_refused(numbers):
    [name, _] = versions(numbers)
    deletes.commit(numbers, deletes.deletion_vectors(numbers, [(name, [1]), (name, [2])]))
    with pytest.raises((ValueError, pl.exceptions.ComputeError), match="has several deletion vectors for"):
        rows(numbers)


def test_deletes_by_equality_are_refused(numbers):
    deletes.commit(numbers, deletes.equality_deletes(numbers, pl.DataFrame({"y": [3]})))
    with pytest.raises(ValueError, match=r"shop/numbers' cannot be read: .*equality deletes"):
        parts(numbers)


# ---- sources ------------------------------------------------------------------------------------------------------


def test_metadata_files_and_folders(table, monkeypatch, tmp_path):
    folder = place(table.location())
    for source in (folder, str(folder), folder.as_uri(), table.metadata_location, place(table.metadata_location)):
        assert iceberg.is_table(source)
        assert_rows(source, BOTH)
    oldest = min((folder / "metadata").glob("*.metadata.json"))
    assert parts(oldest) == []
    monkeypatch.chdir(tmp_path)
    assert versions(str(folder.relative_to(tmp_path))) == versions(table)
    for other in (tmp_path, folder / "data", "s3://bucket/*", "s3://bucket/a.parquet", "http://host/sales", [], None):
        assert not iceberg.is_table(other)


def test_folders_of_object_stores(table, tmp_path, monkeypatch):
    """Such a folder contains files that the table has dropped; they must not be read as plain Parquet files."""
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(listing, "object_store", lambda url: (store, "", url.removeprefix("s3://bucket/")))
    address = f"s3://bucket/{place(table.location()).relative_to(tmp_path)}"
    assert iceberg.is_table(address)
    assert not iceberg.is_table("s3://bucket/other")
    newest = place(table.metadata_location).name
    assert iceberg._metadata(address) == iceberg._metadata(address + "/") == f"{address}/metadata/{newest}"
    (place(table.location()) / "metadata" / "version-hint.text").write_text("7", encoding="utf-8")
    assert iceberg._metadata(address) == f"{address}/metadata/v7.metadata.json"


def test_the_hint_of_a_folder(table):
    metadata = place(table.location()) / "metadata"
    (metadata / "v1.metadata.json").write_bytes(min(metadata.glob("0*.metadata.json")).read_bytes())
    (metadata / "v12.metadata.json").write_bytes(place(table.metadata_location).read_bytes())
    for hint in ("12\n", "v12.metadata.json", place(table.metadata_location).name):
        (metadata / "version-hint.text").write_text(hint, encoding="utf-8")
        assert_rows(metadata.parent, BOTH)
    (metadata / "version-hint.text").write_text("1", encoding="utf-8")
    assert parts(metadata.parent) == []


def test_metadata_files_are_ordered_by_number(table):
    metadata = place(table.location()) / "metadata"
    (metadata / "00010-x.metadata.json").write_bytes(place(table.metadata_location).read_bytes())
    (metadata / "v9.metadata.json").write_bytes(min(metadata.glob("0*.metadata.json")).read_bytes())
    assert_rows(metadata.parent, BOTH)


def test_two_newest_metadata_files_are_refused(table):
    metadata = place(table.metadata_location)
    metadata.with_name(metadata.name[:6] + "orphan.metadata.json").write_bytes(metadata.read_bytes())
    with pytest.raises(ValueError, match=r"two newest metadata files, .*orphan.* give the one in its catalogue"):
        parts(place(table.location()))


@pytest.mark.parametrize(
    "scan",
    [
        lambda table: table.scan("month = 3"),
        lambda table: table.scan(limit=1),
        lambda table: table.scan(selected_fields=("month",)),
    ],
    ids=["filter", "limit", "fields"],
)
def test_scans_of_less_than_a_snapshot_are_refused(table, scan):
    with pytest.raises(ValueError, match=r"has a filter, a limit or selected fields; give table\.scan\(snapshot_id"):
        parts(scan(table))


def test_a_catalogue_is_no_source(catalogue):
    with pytest.raises(TypeError, match=r"source=.*; give a pyiceberg table"):
        parts(catalogue)


def test_a_file_listed_twice_is_refused(table):
    table.add_files([parts(table)[0].name], check_duplicate_files=False)
    with pytest.raises(ValueError, match=r"contains the data file .* twice"):
        parts(table)


def test_a_missing_file_is_named(table):
    [first, second] = parts(table)
    place(first.name).unlink()
    with pytest.raises((OSError, pl.exceptions.ComputeError), match=place(first.name).name):
        first.scan().collect()
    assert second.scan().collect().height == 2


def test_the_error_for_a_missing_extra(table, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyiceberg"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"an Iceberg table.*pip install 'polars-pool\[iceberg\]'"):
        parts(table)


def test_required_columns_and_texts_of_names(catalogue):
    schema = Schema(NestedField(1, "store", StringType(), required=True), NestedField(2, "sales", LongType()))
    table = catalogue.create_table("shop.required", schema=schema)
    frame = pl.DataFrame({"store": ["a"], "sales": [1]})
    table.append(frame.to_arrow().cast(schema.as_arrow()))
    assert_rows(table, frame)


def test_patterns_and_folders_above_a_table_are_refused(table, tmp_path):
    """Such a pattern would also match deleted files."""
    for source in (tmp_path, place(table.location()) / "data", f"{tmp_path}/**/*.parquet"):
        with pytest.raises(ValueError, match=r"matches files of the table '.*shop/sales', .* give the folder of the"):
            parts(source)
