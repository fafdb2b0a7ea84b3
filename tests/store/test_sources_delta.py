"""Delta tables as parts: the rows are those of the version, and a commit changes the versions of its own files only."""

import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalog import VECTORS, actions, commit, replaced
from polars.testing import assert_frame_equal
from pyarrow import fs

from polars_pool.store.sources import delta, listing, parts


def rows(source) -> pl.DataFrame:
    """The rows of all parts."""
    return pl.concat([part.scan() for part in parts(source)]).collect()


def versions(source) -> dict[str, str]:
    return {part.name: part.version for part in parts(source)}


def assert_rows(source, expected: pl.DataFrame) -> None:
    assert_frame_equal(rows(source), expected, check_row_order=False)


def assert_as_polars(table: Path, version: int) -> None:
    """The rows of every version equal those of Polars' own reader in one pass."""
    assert_rows(DeltaTable(table, version=version), pl.scan_delta(str(table), version=version).collect())


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The parts that a refresh would read."""
    return {name for name, version in after.items() if before.get(name) != version}


MARCH = pl.DataFrame({"month": [3, 3, 3], "store": ["a", "a", "b"], "sales": [1.0, 2.0, 4.0]})
APRIL = pl.DataFrame({"month": [4, 4], "store": ["a", None], "sales": [8.0, None]})
MAY = pl.DataFrame({"month": [5], "store": ["c"], "sales": [16.0]})


@pytest.fixture
def table(tmp_path) -> Path:
    """A table of two months; each month is a partition, a file and a commit."""
    folder = tmp_path / "sales"
    write_deltalake(folder, MARCH, partition_by=["month"])
    write_deltalake(folder, APRIL, mode="append")
    return folder


# ---- commits ------------------------------------------------------------------------------------------------------


def test_one_part_per_data_file_sorted_by_name(table):
    result = parts(table)
    assert [part.name for part in result] == sorted(str(file) for file in table.rglob("*.parquet"))
    assert [part.scan().collect().height for part in result] == [3, 2]
    assert_rows(table, pl.concat([MARCH, APRIL]))


def test_a_part_of_a_version_never_changes(table):
    [first, _] = parts(table)
    DeltaTable(table).delete("month = 3")
    assert first.current() == first.version
    assert_frame_equal(first.scan().collect(), MARCH, check_row_order=False)


def test_append_adds_parts(table):
    before = versions(table)
    write_deltalake(table, MAY, mode="append")
    after = versions(table)
    assert before.items() < after.items()
    assert len(changed(before, after)) == 1
    assert_rows(table, pl.concat([MARCH, APRIL, MAY]))


def test_delete_and_update_change_the_files_they_touch(table):
    before = versions(table)
    DeltaTable(table).delete("month = 3 AND store = 'b'")
    deleted = versions(table)
    assert len(changed(before, deleted)) == 1
    assert_rows(table, pl.concat([MARCH.head(2), APRIL]))
    DeltaTable(table).update(predicate="month = 4", updates={"sales": "sales + 1"})
    updated = versions(table)
    assert len(changed(deleted, updated)) == 1
    assert_rows(table, pl.concat([MARCH.head(2), APRIL.with_columns(pl.col("sales") + 1)]))
    assert_as_polars(table, 3)


def test_an_emptied_partition_is_no_longer_a_part(table):
    before = versions(table)
    DeltaTable(table).delete("month = 4")
    after = versions(table)
    assert after.items() < before.items()
    assert_rows(table, MARCH)


def test_merge_changes_the_files_it_touches(table):
    before = versions(table)
    news = pl.DataFrame({"month": [4], "store": ["a"], "sales": [9.0]})
    merger = DeltaTable(table).merge(
        news, "t.month = s.month AND t.store = s.store", source_alias="s", target_alias="t"
    )
    merger.when_matched_update_all().when_not_matched_insert_all().execute()
    assert len(changed(before, versions(table))) == 1
    assert_rows(table, pl.concat([MARCH, APRIL.tail(1), news]))


def test_optimize_joins_small_files_and_keeps_single_ones(table):
    write_deltalake(table, APRIL, mode="append")
    before = versions(table)
    DeltaTable(table).optimize.compact()
    after = versions(table)
    assert (len(before), len(after)) == (3, 2)
    assert len(changed(before, after)) == 1
    assert_rows(table, pl.concat([MARCH, APRIL, APRIL]))


def test_overwrite_and_partition_overwrite(table):
    before = versions(table)
    write_deltalake(table, APRIL.with_columns(sales=pl.lit(0.5)), mode="overwrite", predicate="month = 4")
    after = versions(table)
    assert len(changed(before, after)) == 1
    assert_rows(table, pl.concat([MARCH, APRIL.with_columns(sales=pl.lit(0.5))]))
    write_deltalake(table, MAY, mode="overwrite")
    assert not set(versions(table)) & set(after)
    assert_rows(table, MAY)


def test_a_table_without_rows_has_no_parts(tmp_path, table):
    DeltaTable.create(tmp_path / "empty", DeltaTable(table).schema())
    assert parts(tmp_path / "empty") == []
    DeltaTable(table).delete()
    assert parts(table) == []


def test_checkpoints_and_short_logs_change_nothing(table):
    before = versions(table)
    loaded = DeltaTable(table)
    loaded.alter.set_table_properties({"delta.logRetentionDuration": "interval 0 days"})
    loaded.create_checkpoint()
    loaded.cleanup_metadata()
    assert versions(table) == before
    assert_rows(table, pl.concat([MARCH, APRIL]))


# ---- time travel --------------------------------------------------------------------------------------------------


def test_every_version_has_its_rows(table):
    write_deltalake(table, MAY, mode="overwrite")
    DeltaTable(table).restore(1)
    for version, expected in enumerate((MARCH, pl.concat([MARCH, APRIL]), MAY, pl.concat([MARCH, APRIL]))):
        assert_rows(DeltaTable(table, version=version), expected)
        assert_as_polars(table, version)
        loaded = DeltaTable(table)
        loaded.load_as_version(version)
        assert_rows(loaded, expected)


def test_a_table_as_it_was_loaded(table):
    loaded = DeltaTable(table)
    write_deltalake(table, MAY, mode="append")
    assert_rows(loaded, pl.concat([MARCH, APRIL]))


def test_restored_files_have_the_versions_they_had(table):
    before = versions(table)
    write_deltalake(table, MAY, mode="overwrite")
    DeltaTable(table).restore(1)
    assert set(versions(table)) == set(before)
    assert versions(DeltaTable(table, version=1)) == before


def test_a_missing_vacuumed_file_is_named(table):
    old = parts(table)
    write_deltalake(table, MAY, mode="overwrite")
    DeltaTable(table).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert_rows(table, MAY)
    assert [part.name for part in parts(DeltaTable(table, version=1))] == [part.name for part in old]
    for part in old:
        with pytest.raises(FileNotFoundError, match=Path(part.name).name):
            part.scan().collect()


# ---- deletion vectors ---------------------------------------------------------------------------------------------


def with_vectors(table: Path, places: list[int]) -> None:
    """Commit a deletion of these rows from the only file of version 0."""
    version = DeltaTable(table).version()
    [add] = [action["add"] for action in actions(table, version) if "add" in action]
    commit(table, version + 1, [VECTORS, *replaced(add, places)])


def test_deletion_vectors_drop_rows(tmp_path):
    table = tmp_path / "vectors"
    numbers = pl.DataFrame({"g": ["a", "b"] * 50_000, "y": range(100_000)})
    write_deltalake(table, numbers)
    seen = [versions(table)]
    for deleted in ([0], [0, 7, 65_536, 99_999], list(range(30_000, 34_000))):
        with_vectors(table, deleted)
        seen.append(versions(table))
        kept = numbers.filter(~pl.col("y").is_in(deleted))
        assert_rows(table, kept)
        [part] = parts(table)
        late = part.scan().filter(pl.col("g") == "a", pl.col("y") > 60_000)
        assert_frame_equal(late.select("y").collect(), kept.filter(g="a").filter(pl.col("y") > 60_000).select("y"))
        assert part.scan().select(pl.len()).collect().item() == kept.height
        assert part.scan().collect_schema() == numbers.schema
    assert len({next(iter(result.values())) for result in seen}) == 4
    for version, result in enumerate(seen):
        assert versions(DeltaTable(table, version=version)) == result
        assert_as_polars(table, version)


@pytest.mark.parametrize("name", ["a b", "a#b", "a[b]", "a%b", "é", "a?b", "a*b"])
def test_deletion_vectors_find_files_with_odd_names(tmp_path, name):
    """Polars finds no file of such a table: file_uris of deltalake escapes the folder, but not the names below it."""
    stores = ["a b", "%25", "é/ü", "x=y&z", "*[?]"]
    frame = pl.DataFrame({"store": stores * 2, "y": range(10)})
    write_deltalake(tmp_path / "plain", frame, partition_by=["store"])
    table = (tmp_path / "plain").rename(tmp_path / name)  # deltalake can read such names, but not write them
    assert_rows(table, frame.select(rows(table).columns))
    adds = [action["add"] for action in actions(table, 0) if "add" in action]
    commit(table, 1, [VECTORS, *(action for add in adds for action in replaced(add, [0]))])
    assert_rows(table, frame.tail(5).select(rows(table).columns))
    assert all(Path(part.name).is_file() for part in parts(table))


def test_a_folder_whose_name_deltalake_would_unescape_is_refused(tmp_path):
    """For "a%20b", deltalake opens "a b", which may contain another table."""
    write_deltalake(tmp_path / "a b", MARCH)
    write_deltalake(tmp_path / "plain", APRIL)
    (tmp_path / "plain").rename(tmp_path / "a%20b")
    with pytest.raises(ValueError, match=r"a%20b.* deltalake would read .*a b"):
        parts(tmp_path / "a%20b")


def test_a_deletion_vector_without_its_file_is_refused(table, monkeypatch):
    vectors = pl.DataFrame({"filepath": ["file:///elsewhere.parquet"], "selection_vector": [[False]]})
    monkeypatch.setattr(DeltaTable, "deletion_vectors", lambda _: vectors)
    with pytest.raises(ValueError, match=r"file:///elsewhere\.parquet"):
        parts(table)


# ---- schemas ------------------------------------------------------------------------------------------------------


def test_columns_added_later_are_null_in_older_files(table):
    before = versions(table)
    wider = MAY.with_columns(price=pl.lit(2.5))
    write_deltalake(table, wider, mode="append", schema_mode="merge")
    assert len(changed(before, versions(table))) == 1
    expected = pl.concat([MARCH, APRIL, wider], how="diagonal")
    assert_rows(table, expected.select(rows(table).columns))
    assert_as_polars(table, 2)
    assert len({tuple(part.scan().collect_schema().items()) for part in parts(table)}) == 1


def test_an_overwritten_schema(table):
    write_deltalake(table, MAY.with_columns(sales=pl.lit("many")), mode="overwrite", schema_mode="overwrite")
    assert rows(table).to_dicts() == [{"month": 5, "store": "c", "sales": "many"}]
    assert_rows(DeltaTable(table, version=1), pl.concat([MARCH, APRIL]))


def test_narrow_numbers_in_a_file_are_read_in_the_type_of_the_table(tmp_path):
    table = tmp_path / "wide"
    write_deltalake(table, pl.DataFrame({"y": [1.5]}, schema={"y": pl.Float32}))
    entries = actions(table, 0)
    for entry in entries:
        if "metaData" in entry:
            entry["metaData"]["schemaString"] = entry["metaData"]["schemaString"].replace('"float"', '"double"')
    commit(table, 0, entries)
    assert_frame_equal(rows(table), pl.DataFrame({"y": [1.5]}, schema={"y": pl.Float64}))


def with_metadata(table: Path, **changes) -> None:
    """Rewrite the first commit: the table changes, its files stay."""
    entries = actions(table, 0)
    for entry in entries:
        if "metaData" in entry:
            entry["metaData"] |= changes
        if "add" in entry:
            entry["add"]["partitionValues"] = dict.fromkeys(changes.get("partitionColumns", []), "of the log")
    commit(table, 0, entries)


def test_columns_that_only_the_files_have_are_dropped(tmp_path):
    write_deltalake(tmp_path / "wide", MARCH)
    write_deltalake(tmp_path / "narrow", MARCH.select("store", "sales"))
    [narrow] = [action["metaData"] for action in actions(tmp_path / "narrow", 0) if "metaData" in action]
    with_metadata(tmp_path / "wide", schemaString=narrow["schemaString"])
    assert_rows(tmp_path / "wide", MARCH.select("store", "sales"))


def test_partition_values_come_from_the_log_not_from_the_file(tmp_path):
    write_deltalake(tmp_path / "both", MARCH)
    with_metadata(tmp_path / "both", partitionColumns=["store"])
    assert_rows(tmp_path / "both", MARCH.with_columns(store=pl.lit("of the log")))


PARTITIONED = {
    "boolean": [True, None],
    "integer": [-1, None],
    "float": [1.5, None],
    "date": [date(2020, 2, 29), None],
    "naive": [datetime(2020, 1, 1, 12, 30, 1, 5), None],
    "aware": [datetime(2020, 1, 1, 12, 30, tzinfo=UTC), None],
    "decimal": [Decimal("1.50"), None],
    "number as text": ["01", None],
    "text": ["a/b c", None],
}


@pytest.mark.parametrize("name", PARTITIONED)
def test_partition_columns_have_the_types_of_the_table(tmp_path, name):
    frame = pl.DataFrame({"y": [1.0, 2.0], "key": PARTITIONED[name]})
    write_deltalake(tmp_path / "typed", frame, partition_by=["key"])
    result = rows(tmp_path / "typed")
    assert result.schema == pl.Schema(DeltaTable(tmp_path / "typed").schema())
    assert sorted(result["key"].to_list(), key=str) == sorted(frame["key"].to_list(), key=str)
    assert result.sort("y")["key"].to_list() == frame["key"].to_list()


def test_an_empty_partition_value_is_null(tmp_path):
    """The Delta protocol requires this, and deltalake does it; Polars reads an empty text from the path."""
    frame = pl.DataFrame({"y": [1.0, 2.0], "key": ["", "a"]})
    write_deltalake(tmp_path / "blank", frame, partition_by=["key"])
    assert rows(tmp_path / "blank").sort("y")["key"].to_list() == [None, "a"]


def test_only_the_selected_columns_are_read(table):
    plan = parts(table)[0].scan().select("month", pl.col("sales").sum()).explain()
    assert "PROJECT 1/" in plan


# ---- refused ------------------------------------------------------------------------------------------------------


def rewritten(table: Path, protocol: dict, configuration: dict | None = None) -> None:
    entries = actions(table, 0)
    for entry in entries:
        if "protocol" in entry:
            entry["protocol"] = protocol
        if "metaData" in entry and configuration:
            entry["metaData"]["configuration"] = configuration
            schema = json.loads(entry["metaData"]["schemaString"])
            for number, field in enumerate(schema["fields"]):
                mapping = {"delta.columnMapping.id": number + 1, "delta.columnMapping.physicalName": field["name"]}
                field |= {"name": field["name"].upper(), "metadata": mapping}
            entry["metaData"]["schemaString"] = json.dumps(schema)
    commit(table, 0, entries)


def test_column_mapping_is_refused(tmp_path):
    """Polars 1.44 reads only nulls from such a table, because its files have other column names."""
    write_deltalake(tmp_path / "mapped", MAY)
    rewritten(tmp_path / "mapped", {"minReaderVersion": 2, "minWriterVersion": 5}, {"delta.columnMapping.mode": "name"})
    with pytest.raises(ValueError, match=r"mapped.* uses columnMapping \(by name\), which is not supported"):
        parts(tmp_path / "mapped")


def test_reader_version_2_without_a_mapping_is_read(tmp_path):
    write_deltalake(tmp_path / "second", MAY)
    rewritten(tmp_path / "second", {"minReaderVersion": 2, "minWriterVersion": 5})
    assert_rows(tmp_path / "second", MAY)


def test_other_features_are_refused(tmp_path):
    write_deltalake(tmp_path / "widened", MAY)
    features = ["deletionVectors", "typeWidening"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    rewritten(tmp_path / "widened", protocol)
    with pytest.raises(ValueError, match=r"widened.* uses typeWidening, which is not supported"):
        parts(tmp_path / "widened")


def test_partitions_by_bytes_are_refused(tmp_path):
    """The log escapes the values of such partitions, and deltalake does not remove the escapes."""
    write_deltalake(tmp_path / "bytes", pl.DataFrame({"y": [1.0], "key": [b"ab"]}), partition_by=["key"])
    with pytest.raises(ValueError, match=r"bytes.* is partitioned by 'key' of type Binary, which is not supported"):
        parts(tmp_path / "bytes")


def test_a_table_that_cannot_be_opened_is_named(table):
    (table / "_delta_log" / f"{0:020}.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"the Delta table '.*sales' cannot be opened: "):
        parts(table)


def test_the_error_for_a_missing_extra(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(ModuleNotFoundError, match=r"a Delta table.*pip install 'polars-pool\[delta\]'"):
        parts(table)


# ---- sources ------------------------------------------------------------------------------------------------------


def test_which_sources_are_tables(table, tmp_path, monkeypatch):
    for source in (table, str(table), table.as_uri(), DeltaTable(table)):
        assert delta.is_table(source)
        assert_rows(source, pl.concat([MARCH, APRIL]))
    monkeypatch.chdir(tmp_path)
    assert versions("sales") == versions(table)
    others = (tmp_path, table / "_delta_log", "s3://bucket/*", "s3://bucket/a.parquet", "http://host/sales", [], None)
    for other in others:
        assert not delta.is_table(other)


def test_folders_of_object_stores(table, tmp_path, monkeypatch):
    """Such a folder contains files that the table has dropped; they must not be read as plain Parquet files."""
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(listing, "object_store", lambda url: (store, "", url.removeprefix("s3://bucket/")))
    assert delta.is_table("s3://bucket/sales")
    assert delta.is_table("s3://bucket/sales/")
    assert not delta.is_table("s3://bucket/other")


def test_a_table_in_a_bucket(bucket):
    frame = pl.DataFrame({"store": ["a b", "%25", "é/ü"] * 2, "y": range(6)})
    table = bucket / "a b" / "sales"
    table.parent.mkdir(parents=True)
    write_deltalake(table, frame, partition_by=["store"])
    address = f"s3://{bucket.name}/a b/sales"
    assert_rows(address, frame.select(rows(table).columns))
    adds = [action["add"] for action in actions(table, 0) if "add" in action]
    commit(table, 1, [VECTORS, *(action for add in adds for action in replaced(add, [0]))])
    assert_rows(address, frame.tail(3).select(rows(table).columns))
    assert {part.name.removeprefix(f"s3://{bucket.name}/") for part in parts(address)} == {
        str(Path(part.name).relative_to(bucket)) for part in parts(table)
    }


def test_tables_and_files_together(table, tmp_path):
    write_deltalake(tmp_path / "more", MAY)
    MAY.write_parquet(tmp_path / "plain.parquet")
    together = [table, DeltaTable(tmp_path / "more"), tmp_path / "plain.parquet"]
    names = [part.name for part in parts(together)]
    assert names == sorted(part.name for source in together for part in parts(source))
    assert len(names) == 4


def test_a_table_twice_is_refused(table):
    with pytest.raises(ValueError, match=r"contains the data file .* twice"):
        parts([table, DeltaTable(table, version=0)])


def test_patterns_and_folders_above_a_table_are_refused(table, tmp_path):
    """Such a pattern would also match deleted files."""
    DeltaTable(table).delete("month = 3")
    for source in (tmp_path, f"{tmp_path}/**/*.parquet", f"{table}/month=*/*.parquet", [table, tmp_path]):
        with pytest.raises(ValueError, match=r"matches files of the table '.*sales', .* give the folder of the table"):
            parts(source)
    [kept] = parts(table)
    assert [part.name for part in parts(kept.name)] == [kept.name]
