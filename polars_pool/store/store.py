"""A store of moments beside a warehouse: one state a part of the source, refreshed where the source has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from filelock import FileLock, Timeout

from ..arguments import IntoColumn, Keys
from ..formulas.names import NaN
from ..version import FORMAT, __version__
from . import states
from .definition import columns, define, same
from .merging import Known, merged
from .reading import Progress, readings
from .sources import Part, parts
from .states import State


class Refreshed(NamedTuple):
    """What a refresh did: names of parts, and the number of rows read."""

    read: tuple[str, ...]
    unchanged: tuple[str, ...]
    dropped: tuple[str, ...]
    rows: int

    def __str__(self) -> str:
        read = f"{len(self.read)} part{'s' * (len(self.read) != 1)} read ({self.rows:,} row{'s' * (self.rows != 1)})"
        return f"{read}, {len(self.unchanged)} unchanged, {len(self.dropped)} dropped"


class MomentStore:
    """Moments of every part of a warehouse in a folder of Parquet files: what has not changed is never read again.

    Parameters
    ----------
    path
        Folder of the states; the first refresh makes it.
    value, by, weights, nan
        As in `moments`: what the moments are of. Without value and by, an existing store is opened as it was defined.
    where
        Column or expression of Booleans: only rows for which it is true count.

    Raises
    ------
    ValueError, TypeError, FileNotFoundError
        A wrong argument; another definition than that of the states in the folder; a file there that is no state; no
        states where value and by are not given.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"year": [2023, 2023, 2024], "school": ["a", "b", "a"], "score": [1.0, 5.0, 3.0]})
    >>> scores.write_parquet("scores", partition_by="year")
    >>> store = pool.MomentStore("moments", "score", by="school")
    >>> print(store.refresh("scores/**/*.parquet"))
    2 parts read (3 rows), 0 unchanged, 0 dropped
    >>> store.scan().sort("school").collect().rows()
    [('a', 2, 2.0, 2.0), ('b', 1, 5.0, None)]
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        value: IntoColumn | None = None,
        by: Keys | None = None,
        *,
        weights: IntoColumn | None = None,
        where: IntoColumn | None = None,
        nan: NaN = "error",
    ) -> None:
        self.path = Path(path).absolute()
        states.named_in_text(self.path)
        if value is not None and by is not None:
            self.definition = define(value, by, weights, where, nan)
            self._states()
        elif value is None and by is None and weights is None and where is None:
            found = states.listed(self.path)
            if not found:
                raise FileNotFoundError(f"the folder {str(path)!r} holds no states; give value and by for a new store")
            self.definition = replace(found[0].definition, library=__version__, format=FORMAT)
            self._states()
        else:
            raise ValueError("a store is defined by value and by, with weights, where and nan; give both, or none")

    def refresh(self, source: Any, *, progress: Callable[[Progress], None] | None = None) -> Refreshed:
        """Read the parts of a source that are new or have changed, and forget those that are gone.

        Parameters
        ----------
        source
            A Parquet file, or text whose name ends in .csv, .tsv, .ndjson, .jsonl or .json (.gz too); a folder, pattern
            (`**`, `*`, `?`, `[…]`) or URL of them; a Delta table (its folder or URL, or a
            DeltaTable at the version it was loaded with); an Iceberg table (its folder or metadata file, a table of
            pyiceberg, or `table.scan(snapshot_id=...)`); or a list of them. `key=value` folders are columns. A file
            is a part; it has changed if its size or modification time has (on the web: ETag, Last-Modified), or if
            the table deletes other rows of it.
        progress
            Called before the first part and after each, with the parts and rows read so far and in all.

        Returns
        -------
        A `Refreshed`: the names of parts `read`, `unchanged` and `dropped`, and the `rows` that were read.

        Raises
        ------
        ValueError, TypeError, OSError, polars.exceptions.PolarsError
            An unknown source; a part that cannot be read, by name (the states of parts before it are kept); a part
            that changed whenever it was read; another refresh at work; a file in the store that is no state.

        Examples
        --------
        >>> import polars as pl, polars_pool as pool
        >>> pl.DataFrame({"school": ["a", "b"], "score": [1.0, 5.0]}).write_parquet("monday.parquet")
        >>> store = pool.MomentStore("moments of days", "score", by="school")
        >>> print(store.refresh("*day.parquet"))
        1 part read (2 rows), 0 unchanged, 0 dropped
        >>> pl.DataFrame({"school": ["a"], "score": [3.0]}).write_parquet("tuesday.parquet")
        >>> print(store.refresh("*day.parquet"))
        1 part read (1 row), 1 unchanged, 0 dropped
        """
        with self._locked():
            states.tidy(self.path)
            old = {state.source: state for state in self._states()}
            now = {part.name: part for part in parts(source, columns(self.definition))}
            self._apart(now)
            kept = [name for name in now if name in old and old[name].version == now[name].version]
            stale = [part for name, part in now.items() if name not in kept]
            gone = [state for name, state in old.items() if name not in now]
            rows = self._read(stale, [old[name] for name in kept], progress)
            for state in gone:
                states.drop(state)
        return Refreshed(tuple(part.name for part in stale), tuple(kept), tuple(state.source for state in gone), rows)

    def scan(self) -> pl.LazyFrame:
        """The merged moments of all parts, lazily: what `moments` gives of all their rows.

        Returns
        -------
        One row a group: the keys, `n` (Int64), `mean`, `var`, and with weights `w`; for
        `shrink(store.scan(), "mean", by=..., n="n", var="var")`, and `weights="w"`. The states are those of now; their
        files are read when the query runs, a filter of keys where they are read. As with every group-by that streams,
        the last digit may differ from run to run.

        Raises
        ------
        ValueError, FileNotFoundError
            The store has no states yet; states whose keys differ in type; a file that is no state.

        Examples
        --------
        >>> import polars as pl, polars_pool as pool
        >>> scores = pl.DataFrame({"school": ["a", "a", "b", "b"], "score": [1.0, 3.0, 5.0, 6.0]})
        >>> scores.write_parquet("scores.parquet")
        >>> store = pool.MomentStore("moments of schools", "score", by="school")
        >>> print(store.refresh("scores.parquet"))
        1 part read (4 rows), 0 unchanged, 0 dropped
        >>> pool.components(store.scan(), "mean", by="school", n="n", var="var").select("groups", "n").collect().rows()
        [(2, 4)]
        """
        found = self._states()
        if not found:
            raise FileNotFoundError(f"the store {str(self.path)!r} holds no states yet; refresh it with a source")
        return merged(found, weighted=self.definition.weights is not None)

    # ---- inside ----------------------------------------------------------------------------------------------------

    def _states(self) -> list[State]:
        """The states of the folder, all of one definition."""
        found = states.listed(self.path)
        for state in found:
            if not same(state.definition, self.definition):
                raise ValueError(
                    f"the store {str(self.path)!r} holds moments of {state.definition}, asked is {self.definition}; "
                    "use another folder, or delete this one"
                )
        return found

    def _apart(self, names: Iterable[str]) -> None:
        """A store below its own source would be read as rows."""
        for name in names:
            if "://" not in name and Path(name).is_relative_to(self.path):
                raise ValueError(f"the store {str(self.path)!r} lies in its own source; keep it in another folder")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise RuntimeError(
                f"the store {str(self.path)!r} is being refreshed by another process or thread"
            ) from None
        try:
            yield
        finally:
            lock.release()

    def _read(self, stale: list[Part], kept: list[State], progress: Callable[[Progress], None] | None) -> int:
        """New states of parts; the number of their rows."""
        known = Known(kept)
        rows = 0
        for reading in readings(stale, self.definition, progress):
            for moments in reading.moments:
                known.add(moments.source, moments.table.select(reading.keys).schema)
            states.write(self.path, reading.moments, self.definition, reading.keys)
            rows += sum(moments.rows for moments in reading.moments)
        return rows
