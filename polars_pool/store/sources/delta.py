"""Delta tables: each data file of one version of the table is a part; a version never changes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl

from .part import Part
from .tables import folder, inside, local, missing

if TYPE_CHECKING:
    from deltalake import DeltaTable

ROW = "_pool_row"  # column with the row number in the file, to which deletion vectors refer
COMMIT = re.compile(r"\d{20}\.")  # files of the log: commits and checkpoints, by number
MOST_READER_VERSION = 3
# deltalake handles the features of the log; among the features of data files, deletion vectors are handled here.
READ = frozenset({"deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
# Differences that the format allows between a data file and its table: narrower numbers, timestamps of other writers.
CASTS = pl.ScanCastOptions(
    integer_cast="upcast",
    float_cast="upcast",
    datetime_cast=["nanosecond-downcast", "convert-timezone"],
    missing_struct_fields="insert",
    extra_struct_fields="ignore",
)


def is_table(source: object) -> bool:
    """Whether a source is a DeltaTable, or a folder with a log, local or in an object store."""
    if isinstance(source, str | os.PathLike):
        return any(COMMIT.match(name) for name in inside(source, "_delta_log"))
    return type(source).__module__.partition(".")[0] == "deltalake"


def parts(source: str | os.PathLike[str] | DeltaTable) -> list[Part]:
    """The data files of a table as parts: of the version that was loaded, else of the latest version."""
    table = _loaded(source)
    schema = pl.Schema(table.schema())  # through the Arrow C interface
    _refuse_unread(table, schema)
    kept = dict(pl.DataFrame(table.deletion_vectors()).select("filepath", "selection_vector").rows())
    log = pl.DataFrame(table.get_add_actions())
    partitions = log["partition"].to_list() if "partition" in log.columns else [{}] * log.height
    listed = [
        _part(table, schema, values, kept.pop(url, None), url, f"size={size} modified={modified}")
        for values, url, size, modified in zip(
            partitions, _urls(table, log["path"]), log["size_bytes"], log["modification_time"], strict=True
        )
    ]
    if kept:
        raise ValueError(
            f"the Delta table {table.table_uri!r} deletes rows of files that it does not have: {sorted(kept)}"
        )
    return listed


def _loaded(source: str | os.PathLike[str] | DeltaTable) -> DeltaTable:
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ModuleNotFoundError:
        raise missing("a Delta", "deltalake", "delta") from None
    if isinstance(source, DeltaTable):
        return source
    where = folder(source)
    if where is not None and unquote(str(where)) != str(where):
        raise ValueError(
            f"the Delta table {str(where)!r}: deltalake would read {unquote(str(where))!r}; rename the folder"
        )
    try:
        return DeltaTable(where or os.fspath(source))
    except DeltaError as error:
        raise ValueError(f"the Delta table {os.fspath(source)!r} cannot be opened: {error}") from error


def _refuse_unread(table: DeltaTable, schema: pl.Schema) -> None:
    """Refuse features that would give wrong rows: Polars 1.44 reads nulls from a table with column mapping."""
    protocol, metadata = table.protocol(), table.metadata()
    unread = sorted(set(protocol.reader_features or ()) - READ - {"columnMapping"})
    if (mode := metadata.configuration.get("delta.columnMapping.mode") or "none") != "none":
        unread.append(f"columnMapping (by {mode})")
    if protocol.min_reader_version > MOST_READER_VERSION:
        unread.append(f"reader version {protocol.min_reader_version}")
    if unread:
        raise ValueError(
            f"the Delta table {table.table_uri!r} uses {', '.join(unread)}, which is not supported; "
            "copy the table to one without these features, and refresh from the copy"
        )
    for name in metadata.partition_columns:
        if schema[name] == pl.Binary:  # deltalake leaves their values escaped, as the log has them
            raise ValueError(
                f"the Delta table {table.table_uri!r} is partitioned by {name!r} of type Binary, which is not supported"
            )


def _urls(table: DeltaTable, paths: Iterable[str]) -> list[str]:
    """The escaped URLs of the data files. DeltaTable.file_uris escapes folders but not file names."""
    return [path if "://" in path else f"{table.table_uri.rstrip('/')}/{path}" for path in paths]


def _part(
    table: DeltaTable, schema: pl.Schema, values: dict[str, Any], kept: list[bool] | None, url: str, version: str
) -> Part:
    deleted = None
    if kept is not None:
        deleted = pl.Series(kept, dtype=pl.Boolean).not_().arg_true()
        version += f" deleted={hashlib.sha256(deleted.to_numpy().tobytes()).hexdigest()[:16]}"
    address = local(url) if url.startswith("file://") else unquote(url)
    options = table._storage_options  # deltalake has no public name for them; Polars reads this attribute, too
    return Part(address, version, partial(_scan, address, schema, values, deleted, options), lambda: version)


def _scan(
    address: str,
    schema: pl.Schema,
    values: dict[str, Any],
    deleted: pl.Series | None,
    options: dict[str, str] | None,
) -> pl.LazyFrame:
    """The rows of one data file in the schema of the table; partition values come from the log, not from the path."""
    rows = pl.scan_parquet(
        address,
        glob=False,
        hive_partitioning=False,
        schema={name: dtype for name, dtype in schema.items() if name not in values},
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=CASTS,
        storage_options=options,
        row_index_name=None if deleted is None else ROW,
    )
    if deleted is not None:
        rows = rows.filter(~pl.col(ROW).is_in(deleted.implode()))
    constants = [pl.lit(value, dtype=schema[name]).alias(name) for name, value in values.items()]
    return rows.with_columns(constants).select(*schema)
