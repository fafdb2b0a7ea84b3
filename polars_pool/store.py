"""A store of moments beside a warehouse: one state a part of the source, refreshed where the source has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from filelock import FileLock, Timeout

from . import check, states
from .check import IntoColumn, Keys
from .definition import columns, define, expression, same
from .engines import groups
from .formulas.names import NaN
from .merging import merged, ranged
from .sources import Part, parts
from .states import State
from .verbs import MOMENTS
from .version import FORMAT, __version__

TRIES = 3  # readings of a part that changes meanwhile


class Progress(NamedTuple):
    """How far a refresh has come: parts and rows read, of those that are to be read (rows: None if unknown)."""

    parts: int
    of_parts: int
    rows: int
    of_rows: int | None


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
            A Parquet file, folder, pattern (`**`, `*`, `?`, `[…]`) or URL; a Delta table (its folder or URL, or a
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
            rows = self._read(stale, [old[name] for name in kept], progress or _silent)
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

    def _read(self, stale: list[Part], known: list[State], progress: Callable[[Progress], None]) -> int:
        """New states of parts, one after the other; the number of their rows."""
        of_rows = _count(stale) if progress is not _silent else None
        rows = 0
        progress(Progress(0, len(stale), 0, of_rows))
        for i, part in enumerate(stale, 1):
            with _naming(part):
                state = self._renewed(part, known)
            known = known or [state]
            rows += state.rows
            progress(Progress(i, len(stale), rows, of_rows))
        return rows

    def _renewed(self, part: Part, known: list[State]) -> State:
        table, keys, version, rows = self._moments(part)
        _same_types(known, table, keys)
        return states.write(self.path, table, part.name, version, rows, self.definition, keys)

    def _moments(self, part: Part) -> tuple[pl.DataFrame, list[str], str, int]:
        """The moments of one version of a part, the names of the keys, the version, and the number of rows."""
        version: str | None = part.version
        for _ in range(TRIES):
            if version is None:
                raise FileNotFoundError("it is gone since the source was listed; refresh again")
            before = version
            failure = None
            try:
                count = _height(part)
                table, keys = self._table(part.scan())
            except Exception as error:  # of a file that was being written, perhaps
                failure = error
            version = part.current()
            if version == before:
                if failure is not None:
                    raise failure
                return table, keys, before, count
        raise RuntimeError(f"it changed whenever it was read, {TRIES} times; refresh again when it is complete")

    def _table(self, lf: pl.LazyFrame) -> tuple[pl.DataFrame, list[str]]:
        """The moments of rows, sorted by the keys that tell most groups apart first."""
        d = self.definition
        schema = lf.collect_schema()
        if d.where is not None:
            lf = lf.filter(check.boolean(lf, schema, expression(d.where), "where"))
        weights = None if d.weights is None else expression(d.weights)
        result = (*MOMENTS, "mean_low") if weights is None else (*MOMENTS, "mean_low", "w")
        by = [expression(key) for key in d.by]
        model = check.model(lf, expression(d.value), by, weights=weights, nan=d.nan, result=result)
        table = groups.states(lf, model, rest=True).collect()
        keys = list(model.key_names)
        order = sorted(ranged(table.select(keys).schema), key=lambda key: -table[key].n_unique())
        return (table.sort(order) if order else table), keys


# ---- parts and states ---------------------------------------------------------------------------------------------


def _silent(_: Progress) -> None:
    """No progress is asked for."""


def _count(stale: list[Part]) -> int | None:
    """The rows of all parts together, if they can be counted."""
    with suppress(Exception):  # what ails a part is said when it is read
        return sum(_height(part) for part in stale)
    return None


def _height(part: Part) -> int:
    return int(part.scan().select(pl.len()).collect().item())


@contextmanager
def _naming(part: Part) -> Iterator[None]:
    """Errors that say which part they are of."""
    try:
        yield
    except (ValueError, TypeError, OSError, RuntimeError, pl.exceptions.PolarsError) as error:
        kind = ValueError if isinstance(error, UnicodeError) else type(error)  # which wants more than a sentence
        raise kind(f"{part.name!r} cannot be pooled: {str(error).partition(chr(10))[0]}") from error


def _same_types(known: list[State], table: pl.DataFrame, keys: list[str]) -> None:
    types = {key: str(table.schema[key]) for key in keys}
    for state in known[:1]:
        if state.keys != types:
            raise TypeError(f"its keys are {types}, those of {state.source!r} are {state.keys}")
