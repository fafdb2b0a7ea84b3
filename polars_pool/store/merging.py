"""States merged, from the files that hold them: states, and merges of several; memory holds one range of keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import polars as pl
from polars import selectors
from polars.io.plugins import register_io_source

from .. import arguments
from ..models.keys import public
from ..models.oneway import groups
from . import files
from .keytypes import Kind, Table, common_keys, kinds
from .merges import Merge
from .ranges import order, ranges

GROUPS_TOGETHER = 2_000_000  # rows of files that are merged at a time
MOST_RANGES = 64  # ranges of keys, read one after the other
MOST_SCANS = 1_000  # scans in one plan
SMALL = 100_000  # files with fewer rows share a scan
SAMPLE = 1_000_000  # rows that show how many groups files have in common


def merged(listed: Sequence[Table], weighted: bool) -> pl.LazyFrame:
    """The merged moments of files, computed range by range of one key, so that memory holds one range at a time."""
    return pl.concat(_pieces(listed, weighted))


def as_state(listed: Sequence[Table], weighted: bool) -> pl.LazyFrame:
    """The merged moments in the columns and the order of a state."""
    pieces = _pieces(listed, weighted, rest=True)
    keys = {key: dtype for key, dtype in pieces[0].collect_schema().items() if key in listed[0].keys}
    by = order([table.path for table in listed], keys)
    return pl.concat([piece.sort(by) for piece in pieces] if by else pieces)


def rows_per_group(listed: Sequence[Table], weighted: bool) -> float:
    """The number of rows for each group, in a sample of the groups: one range of a key, or a share of all hashes."""
    some = kinds(listed)
    keys = common_keys([kind.typed for kind in some])
    total = sum(table.groups for table in listed)
    conditions = _ranges(some, keys, SAMPLE)
    hashed = pl.struct(pl.all()).hash() % max(total // SAMPLE, 1) == 0
    within = conditions[len(conditions) // 2] if len(conditions) > 1 else hashed
    key_columns = pl.nth(range(len(keys)))  # a name may look like a pattern
    scans = (scan.select(key_columns).filter(within) for scan in _scans(some, keys, weighted, 1, Unverified()))
    rows = groups = 0
    with suppress(pl.exceptions.PolarsError):  # a damaged file; merging verifies it and names it
        rows, groups = pl.concat(scans).select(rows=pl.len(), groups=pl.struct(pl.all()).n_unique()).collect().row(0)
    return rows / groups if groups else float(len(listed))  # if nothing is known, as many as there can be


def _pieces(listed: Sequence[Table], weighted: bool, rest: bool = False) -> list[pl.LazyFrame]:
    some = kinds(listed)
    keys = common_keys([kind.typed for kind in some])
    centre = _centre([mean for table in listed for mean in table.means or ()])
    conditions = _ranges(some, keys, GROUPS_TOGETHER)
    most = -(-len(listed) * len(conditions) // MOST_SCANS)  # files per scan, so that the plan has few enough scans
    scans = _scans(some, keys, weighted, most, Verification())
    if len(listed) == 1:  # each group has one row
        return [scan.drop([] if rest else ["mean_low"]).filter(within) for scan in scans for within in conditions]
    return [
        _merged(pl.concat([scan.filter(within) for scan in scans]), list(keys), centre, weighted, rest)
        for within in conditions
    ]


def _merged(lf: pl.LazyFrame, keys: list[str], centre: float, weighted: bool, rest: bool) -> pl.LazyFrame:
    # After subtraction of the centre, one number holds all digits of `mean + mean_low`.
    lf = lf.with_columns(mean=(pl.col("mean") - centre) + pl.col("mean_low"))
    columns_of_states = {"value": "mean", "n": "n", "var": "var", "weights": "w" if weighted else None}
    request = arguments.means(arguments.Call({"frame": lf, "by": keys, **columns_of_states}))
    columns = {"n": groups.N.cast(pl.Int64), "mean": groups.Y + centre, "var": groups.VAR}
    columns |= {"w": groups.W} if weighted else {}
    columns |= {"mean_low": groups.remainder(pl.lit(centre), groups.Y)} if rest else {}
    return groups.merged(lf, request).select(*public(*keys), *(e.alias(name) for name, e in columns.items()))


def _centre(means: list[float]) -> float:
    """A common offset of all means, or 0; subtracting it from a mean is exact (Sterbenz 1974)."""
    centre = (min(means) / 2 + max(means) / 2) if means else 0.0
    return centre if means and max(means) - min(means) <= abs(centre) / 4 else 0.0


def _ranges(some: Sequence[Kind], keys: Mapping[str, pl.DataType], together: int) -> list[pl.Expr]:
    """Conditions on a key, each for about `together` rows; every row of the files meets exactly one."""
    listed = [table for kind in some for table in kind.tables]
    pieces = min(MOST_RANGES, -(-sum(table.groups for table in listed) // together))
    return ranges([table.path for table in listed], keys if len(some) == 1 else {}, pieces)


# ---- files --------------------------------------------------------------------------------------------------------


class Verification:
    """Checks each file once per query, even if several ranges are read from it."""

    def __init__(self) -> None:
        self._verified: dict[Path, tuple[int, int, int]] = {}

    def __call__(self, path: Path) -> None:
        status = path.stat()
        version = (status.st_ino, status.st_size, status.st_mtime_ns)
        if self._verified.get(path) != version:
            files.verify(path)
            self._verified[path] = version


class Unverified(Verification):
    """Checks nothing, for rows that are not part of a result."""

    def __call__(self, path: Path) -> None:
        pass


def _scans(
    some: Sequence[Kind], keys: Mapping[str, pl.DataType], weighted: bool, most: int, verify: Verification
) -> list[pl.LazyFrame]:
    """The rows of files, their keys in common types; at most `most` large files in one scan."""
    return [
        _cast(_scan(together, kind.schema, weighted, verify), kind.schema, keys)
        for kind in some
        for together in _together(kind.tables, most)
    ]


def _cast(lf: pl.LazyFrame, schema: pl.Schema, keys: Mapping[str, pl.DataType]) -> pl.LazyFrame:
    wider = {key: dtype for key, dtype in keys.items() if schema[key] != dtype}
    return lf.cast(wider) if wider else lf  # type: ignore[arg-type]


def _together(listed: Sequence[Table], most: int) -> Iterator[list[Table]]:
    """The files of each scan: a large file alone, so that little is read ahead; small files share a scan."""
    together: list[Table] = []
    rows = 0
    for table in listed:
        if len(together) >= most and rows + table.groups > SMALL:
            yield together
            together, rows = [], 0
        together.append(table)
        rows += table.groups
    if together:
        yield together


def _scan(listed: Sequence[Table], schema: pl.Schema, weighted: bool, verify: Verification) -> pl.LazyFrame:
    """The rows of files. When the query runs, each file is verified before Polars opens it."""

    def frames(
        columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        def read(rows: pl.LazyFrame) -> pl.DataFrame:
            rows = rows if predicate is None else rows.filter(predicate)
            rows = rows if columns is None else rows.select(selectors.by_name(*columns))
            return (rows if n_rows is None else rows.head(n_rows)).collect()

        paths = [table.path for table in listed]
        try:
            for path in paths:
                verify(path)
            yield read(pl.scan_parquet(paths, glob=False, schema=schema))
        except FileNotFoundError:
            if not any(isinstance(table, Merge) for table in listed):
                raise
            yield read(_without_merges(listed, weighted).cast(dict(schema)))  # type: ignore[arg-type]

    return register_io_source(frames, schema=schema, is_pure=True)


def _without_merges(listed: Sequence[Table], weighted: bool) -> pl.LazyFrame:
    """The rows of files if a later refresh deleted merges among them: their states hold the same moments."""
    return as_state([one for t in listed for one in (t.states if isinstance(t, Merge) else [t])], weighted)
