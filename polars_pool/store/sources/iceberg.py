"""Iceberg tables: each data file of one snapshot is a part; a snapshot never changes."""

from __future__ import annotations

import hashlib
import os
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from .part import Part
from .tables import folder, inside, missing

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import DataScan, FileScanTask, Table

METADATA = ".metadata.json"


def is_table(source: object) -> bool:
    """Whether a source is a pyiceberg table or scan, a metadata file, or a folder with a metadata file."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(source).endswith(METADATA) or bool(_newest(inside(source, "metadata")))
    return type(source).__module__.partition(".")[0] == "pyiceberg"


def parts(source: str | os.PathLike[str] | Table | DataScan, columns: Collection[str] | None = None) -> list[Part]:
    """The data files of a snapshot as parts.

    The snapshot is the current one of the table, or that of a scan: `table.scan(snapshot_id=...)`. For a folder it is
    that of the newest metadata file, because a folder does not show which snapshot the catalogue has committed. After a
    change of the schema, the same file may give other values; the version of a part therefore includes the fields of
    the columns that will be read: all fields, or those of `columns`.
    """
    scan = _scan_of(source)
    schema = scan.projection()
    dtypes = _dtypes(schema)
    fields = _fields(scan, schema, columns)
    return [_part(scan, task, dtypes, _version(task, fields)) for task in _planned(scan)]


# ---- which snapshot -----------------------------------------------------------------------------------------------


def _scan_of(source: str | os.PathLike[str] | Table | DataScan) -> DataScan:
    try:
        from pyiceberg.expressions import AlwaysTrue
        from pyiceberg.table import DataScan, StaticTable, Table
    except ModuleNotFoundError:
        raise missing("an Iceberg", "pyiceberg", "iceberg") from None
    if isinstance(source, str | os.PathLike):
        return StaticTable.from_metadata(_metadata(source)).scan()
    if isinstance(source, Table):
        return source.scan()
    if not isinstance(source, DataScan):
        raise TypeError(f"source={source!r}; give a pyiceberg table, or table.scan(snapshot_id=...)")
    if source.row_filter != AlwaysTrue() or source.limit is not None or source.selected_fields != ("*",):
        raise ValueError("the Iceberg scan has a filter, a limit or selected fields; give table.scan(snapshot_id=...)")
    return source


def _metadata(source: str | os.PathLike[str]) -> str:
    """The address of the metadata file: the source itself, the file in the hint, or the newest in the folder."""
    where = str(folder(source) or os.fspath(source)).rstrip("/")
    if where.endswith(METADATA):
        return where
    files = inside(source, "metadata")
    if hint := files.get("version-hint.text"):
        filesystem, path = hint
        name = str(filesystem.open_input_stream(path).read(), "utf-8").strip()
        return f"{where}/metadata/{name if name.endswith(METADATA) else f'v{name}{METADATA}'}"
    newest = _newest(files)
    if len(newest) > 1:
        raise ValueError(
            f"the Iceberg table {where!r} has two newest metadata files, {newest[0]!r} and {newest[1]!r}: give the one "
            "in its catalogue, or the table itself"
        )
    return f"{where}/metadata/{newest[0]}"


def _newest(files: Iterable[str]) -> list[str]:
    """The names with the highest number, which is 3 in `00003-….metadata.json` and in `v3.metadata.json`."""
    numbered = {name: re.match(r"v?(\d+)\b", name) for name in files if name.endswith(METADATA)}
    numbers = {name: int(match[1]) for name, match in numbered.items() if match}
    return sorted(name for name, number in numbers.items() if number == max(numbers.values()))


# ---- parts --------------------------------------------------------------------------------------------------------


def _part(scan: DataScan, task: FileScanTask, dtypes: pl.Schema, version: str) -> Part:
    return Part(task.file.file_path, version, partial(_rows, scan, task, dtypes), lambda: version)


def _planned(scan: DataScan) -> list[FileScanTask]:
    try:
        return list(scan.plan_files())
    except (NotImplementedError, ValueError) as error:  # equality deletes, and features of later formats
        raise ValueError(f"the Iceberg table {scan.table_metadata.location!r} cannot be read: {error}") from error


def _fields(scan: DataScan, schema: Schema, columns: Collection[str] | None) -> str:
    """The id and type of each field, and its names in files without ids, as text."""
    mapping = scan.table_metadata.name_mapping()
    mapped = {field.field_id: repr(field) for field in mapping.root} if mapping else {}
    return repr(
        [
            (field.name, field.field_id, str(field.field_type), mapped.get(field.field_id))
            for field in sorted(schema.fields, key=lambda field: field.name)
            if columns is None or field.name in columns
        ]
    )


def _version(task: FileScanTask, fields: str) -> str:
    deletes = sorted(file.file_path for file in task.delete_files)
    deleted = f" deletes={_digest(repr(deletes))}" if deletes else ""
    return f"size={task.file.file_size_in_bytes} rows={task.file.record_count}{deleted} fields={_digest(fields)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# ---- rows ---------------------------------------------------------------------------------------------------------


def _dtypes(schema: Schema) -> pl.Schema:
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    return pl.Schema(schema_to_pyarrow(schema, include_field_ids=False))


def _rows(scan: DataScan, task: FileScanTask, dtypes: pl.Schema) -> pl.LazyFrame:
    """The rows of one data file; pyiceberg resolves fields by their ids and drops deleted rows."""
    return register_io_source(partial(_frames, scan, task, dtypes), schema=dtypes, is_pure=True)


def _frames(
    scan: DataScan,
    task: FileScanTask,
    dtypes: pl.Schema,
    columns: list[str] | None,
    predicate: pl.Expr | None,
    n_rows: int | None,
    batch_size: int | None,
) -> Iterator[pl.DataFrame]:
    from pyiceberg.expressions import AlwaysTrue
    from pyiceberg.io.pyarrow import ArrowScan

    _refuse_ambiguous(scan, task)
    names = (
        columns or list(dtypes)[: None if columns is None else 1]
    )  # without any column, the number of rows would be lost
    left = sys.maxsize if n_rows is None else n_rows
    reader = ArrowScan(scan.table_metadata, scan.io, scan.projection().select(*names), AlwaysTrue())
    for batch in reader.to_record_batches([task]):
        frame = pl.DataFrame(batch).select(names)
        if predicate is not None:
            frame = frame.filter(predicate)
        yield frame.head(left)
        left -= frame.height
        if left <= 0:
            return


def _refuse_ambiguous(scan: DataScan, task: FileScanTask) -> None:
    """Refuse two deletion vectors for one data file in a Puffin file: pyiceberg would use either of them."""
    from pyiceberg.manifest import FileFormat
    from pyiceberg.table.puffin import PuffinFile

    for file in task.delete_files:
        if file.file_format == FileFormat.PUFFIN:
            with scan.io.new_input(file.file_path).open() as stream:
                vectors = PuffinFile(stream.read()).footer.blobs
            if sum(vector.properties.get("referenced-data-file") == task.file.file_path for vector in vectors) > 1:
                raise ValueError(
                    f"{file.file_path!r} has several deletion vectors for {task.file.file_path!r}, and pyiceberg "
                    "does not show which is the last; rewrite the data files of the table"
                )
