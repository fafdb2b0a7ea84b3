"""A store of the moments of a warehouse: one state per part of the source; a refresh reads only changed parts."""

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
from ..models import warning
from ..version import FORMAT, __version__
from . import files, merges, states
from .building import build, tidy
from .definition import columns, define, same
from .keytypes import KeyTypes
from .merging import merged
from .reading import Progress, readings
from .sources import Part, left_out, parts
from .states import State

SHOWN = 3  # names of parts in a warning


class Refreshed(NamedTuple):
    """The result of a refresh: names of parts, and the number of rows read."""

    read: tuple[str, ...]
    unchanged: tuple[str, ...]
    dropped: tuple[str, ...]
    rows: int

    def __str__(self) -> str:
        read = f"{len(self.read)} part{'s' * (len(self.read) != 1)} read ({self.rows:,} row{'s' * (self.rows != 1)})"
        return f"{read}, {len(self.unchanged)} unchanged, {len(self.dropped)} dropped"


class MomentStore:
    """A store with the moments of each part of a warehouse, as Parquet files; unchanged parts are not read again.

    Parameters
    ----------
    path
        Folder of the states; the first refresh creates it.
    value, by, weights, nan
        The definition of the moments, as in `moments`. Without value and by, an existing store keeps its definition.
    where
        Column or expression of Booleans: only rows for which it is true are counted.

    Raises
    ------
    ValueError, TypeError, FileNotFoundError
        An invalid argument; a definition that differs from that of the states in the folder; a file in the folder that
        is not a state; no states in the folder and neither value nor by.

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
        states.check_utf8(self.path)
        if value is not None and by is not None:
            self.definition = define(value, by, weights, where, nan)
            self._states()
        elif value is None and by is None and weights is None and where is None:
            listed = states.listed(self.path)
            if not listed:
                raise FileNotFoundError(
                    f"the folder {str(path)!r} holds no states; give value= and by= for a new store"
                )
            self.definition = replace(listed[0].definition, library=__version__, format=FORMAT)
            self._states()
        else:
            raise ValueError(
                "value and by define a store, with weights, where and nan as options; give both, or none of these"
            )

    def __repr__(self) -> str:
        return f"<MomentStore {str(self.path)!r}: {self.definition}>"

    def refresh(self, source: Any, *, progress: Callable[[Progress], None] | None = None) -> Refreshed:
        """Read new and changed parts of a source, and drop the states of parts that no longer exist.

        Parameters
        ----------
        source
            A Parquet file, or a text file with the ending .csv, .tsv, .ndjson, .jsonl or .json (also with .gz); a
            folder, pattern (`**`, `*`, `?`, `[…]`) or URL of such files; a Delta table (its folder or URL, or a
            DeltaTable at the version it was loaded with); an Iceberg table (its folder or metadata file, a pyiceberg
            table, or `table.scan(snapshot_id=...)`); or a list of sources. `key=value` folders become columns. Each
            file is a part. A part has changed if its size or modification time has changed (on the web: ETag,
            Last-Modified), or if the table has deleted further rows of it.
        progress
            Called before the first part and after each part, with the parts and rows read so far and in total.

        Returns
        -------
        A `Refreshed`: the names of the parts `read`, `unchanged` and `dropped`, and the number of `rows` read. If the
        file of a dropped part still exists, the source may be incomplete, and a warning names the part.

        Raises
        ------
        ValueError, TypeError, OSError, polars.exceptions.PolarsError
            An unknown source; a part that cannot be read (the error names it; states of earlier parts are kept); a part
            that changed each time it was read; another refresh at work; a file in the store that is not a state.

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
            files.tidy(self.path)
            old = {state.source: state for state in self._states()}
            tidy(self.path, list(old.values()))
            now = {part.name: part for part in parts(source, columns(self.definition))}
            self._check_apart(now)
            kept = [name for name in now if name in old and old[name].version == now[name].version]
            stale = [part for name, part in now.items() if name not in kept]
            dropped = [state for name, state in old.items() if name not in now]
            unchanged = [old[name] for name in kept]
            written = self._read(stale, unchanged, progress)
            for state in dropped:
                states.drop(state)
            build(self.path, unchanged, written, self._weighted)
        names = tuple(state.source for state in dropped)
        _warn_of(left_out(names))
        return Refreshed(tuple(part.name for part in stale), tuple(kept), names, sum(state.rows for state in written))

    def scan(self) -> pl.LazyFrame:
        """The merged moments of all parts, lazily: the result of `moments` for all their rows.

        Returns
        -------
        One row per group: the keys, `n` (Int64), `mean`, `var`, and with weights `w`. Use it as input of
        `shrink(store.scan(), "mean", by=..., n="n", var="var")`, with weights also `weights="w"`. The list of states is
        fixed at the call; their files are read when the query runs, and filters on keys apply while they are read. As
        in every streaming group-by, the last digit may differ between runs.

        Raises
        ------
        ValueError, FileNotFoundError
            The store has no states yet; the keys of states differ in type; a file is not a state.

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
        listed = self._states()
        if not listed:
            raise FileNotFoundError(f"the store {str(self.path)!r} holds no states yet; refresh it with a source")
        return merged(merges.cover(self.path, listed), self._weighted)

    # ---- inside ----------------------------------------------------------------------------------------------------

    @property
    def _weighted(self) -> bool:
        return self.definition.weights is not None

    def _states(self) -> list[State]:
        """The states of the folder, which must all have the definition of this store."""
        listed = states.listed(self.path)
        for state in listed:
            if not same(state.definition, self.definition):
                raise ValueError(
                    f"the store {str(self.path)!r} holds moments of {state.definition}, "
                    f"but this call defines {self.definition}; use another folder, or delete this one"
                )
        return listed

    def _check_apart(self, names: Iterable[str]) -> None:
        """Refuse a store inside its own source: its states would be read as rows."""
        for name in names:
            if "://" not in name and Path(name).is_relative_to(self.path):
                raise ValueError(f"the store {str(self.path)!r} lies inside its own source; use another folder")

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

    def _read(self, stale: list[Part], kept: list[State], progress: Callable[[Progress], None] | None) -> list[State]:
        """Write the states of changed parts."""
        key_types = KeyTypes(kept)
        written: list[State] = []
        for reading in readings(stale, self.definition, progress):
            for moments in reading.moments:
                key_types.add(moments.source, moments.table.select(reading.keys).schema)
            written += states.write(self.path, reading.moments, self.definition, reading.keys)
        return written


def _warn_of(parts: list[str]) -> None:
    """Warn of dropped parts whose files still exist: perhaps the source is only a piece of the warehouse."""
    if not parts:
        return
    shown = ", ".join(map(repr, parts[:SHOWN])) + (f" and {len(parts) - SHOWN} more" if len(parts) > SHOWN else "")
    message = (
        f"the refresh dropped parts whose files still exist, because the source does not contain them: {shown}; the "
        "store no longer counts their rows; if it should, refresh it with the whole source"
    )
    warning.warn([message], warning.caller(), UserWarning)
