"""Iceberg snapshots that pyiceberg cannot write: they delete rows of files without changing the files."""

import json
import struct
import uuid
import zlib
from pathlib import Path

import polars as pl
from deltalog import roaring
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
)
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.typedef import Record

PATH_FIELD, POSITION_FIELD = 2147483546, 2147483545  # field ids of the specification


class _DeleteManifest(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return super()._meta | {"content": "deletes"}


class _Deletes(_FastAppendFiles):
    def __init__(self, table: Table, files: list[DataFile]) -> None:
        super().__init__(Operation.OVERWRITE, table.transaction(), table.io)
        self.files = files

    def _manifests(self):
        metadata = self._transaction.table_metadata
        output = self._io.new_output(f"{metadata.location}/metadata/{uuid.uuid4()}.avro")
        writer = _DeleteManifest(metadata.spec(), metadata.schema(), output, self._snapshot_id, "null")
        with writer:
            for file in self.files:
                entry = ManifestEntry.from_args(
                    status=ManifestEntryStatus.ADDED, snapshot_id=self._snapshot_id, data_file=file
                )
                writer.add(entry)
        return [writer.to_manifest_file(), *self._existing_manifests()]


def commit(table: Table, *files: DataFile) -> None:
    """Commit a snapshot with these delete files."""
    producer = _Deletes(table, list(files))
    producer.commit()
    producer._transaction.commit_transaction()
    table.refresh()


def position_deletes(table: Table, rows: dict[str, list[int]], partition: Record | None = None) -> DataFile:
    """A file of positions to delete, either in one data file, which its bounds name, or in several of a partition."""
    frame = pl.DataFrame(
        [(path, position) for path in sorted(rows) for position in sorted(rows[path])],
        schema={"file_path": pl.String, "pos": pl.Int64},
        orient="row",
    )
    bounds = {PATH_FIELD: min(rows).encode()}, {PATH_FIELD: max(rows).encode()}
    return _delete_file(table, frame, DataFileContent.POSITION_DELETES, partition, *bounds)


def equality_deletes(table: Table, frame: pl.DataFrame) -> DataFile:
    """A file of values: rows that equal one of them are deleted."""
    return _delete_file(table, frame, DataFileContent.EQUALITY_DELETES)


def deletion_vectors(table: Table, vectors: list[tuple[str, list[int]]]) -> DataFile:
    """A Puffin file of bitmaps, one for each entry: the positions to delete of a data file."""
    body, blobs = b"PFA1", []
    for path, rows in vectors:
        vector = b"\xd1\xd3\x39\x64" + struct.pack("<QI", 1, 0) + roaring(rows)
        blob = struct.pack(">I", len(vector)) + vector + struct.pack(">I", zlib.crc32(vector))
        blobs.append(
            {
                "type": "deletion-vector-v1",
                "fields": [],
                "snapshot-id": -1,
                "sequence-number": -1,
                "offset": len(body),
                "length": len(blob),
                "properties": {"referenced-data-file": path, "cardinality": str(len(rows))},
            }
        )
        body += blob
    footer = json.dumps({"blobs": blobs, "properties": {}}).encode()
    body += b"PFA1" + footer + struct.pack("<i", len(footer)) + b"\0\0\0\0PFA1"
    path = _path(table, "puffin")
    Path(path.removeprefix("file://")).write_bytes(body)
    return _file(path, FileFormat.PUFFIN, DataFileContent.POSITION_DELETES, sum(len(rows) for _, rows in vectors))


def _delete_file(table, frame, content, partition=None, lower=None, upper=None) -> DataFile:
    path = _path(table, "parquet")
    frame.write_parquet(path.removeprefix("file://"))
    return _file(path, FileFormat.PARQUET, content, frame.height, partition, lower, upper)


def _path(table: Table, ending: str) -> str:
    return f"{table.location()}/data/{uuid.uuid4()}-deletes.{ending}"


def _file(path, file_format, content, rows, partition=None, lower=None, upper=None) -> DataFile:
    file = DataFile.from_args(
        content=content,
        file_path=path,
        file_format=file_format,
        partition=partition or Record(),
        record_count=rows,
        file_size_in_bytes=Path(path.removeprefix("file://")).stat().st_size,
        lower_bounds=lower,
        upper_bounds=upper,
        equality_ids=[1] if content == DataFileContent.EQUALITY_DELETES else None,
    )
    file.spec_id = 0
    return file
