"""The output of a result: a file in the format of its ending, or CSV on stdout."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from .. import arguments
from .errors import DataError, OutputClosed, UsageError, usage

STDOUT = "-"
OLDEST = pl.CompatLevel.oldest()  # which every reader of Arrow knows
ENDINGS = (".parquet", ".csv", ".json", ".ndjson", ".arrow", ".feather")


def checked(output: str | None, sources: Iterable[str]) -> None:
    """Refuse, before the work begins, an output that cannot be written or that would overwrite a source."""
    if output is None or output == STDOUT:
        _open_stdout()
        return
    path = Path(output)
    with usage():
        arguments.one_of(path.suffix.lower(), ENDINGS, "the ending of --output")
    if path.is_dir():
        raise DataError(f"{output} is a folder; give a file")
    if not path.parent.is_dir():
        raise DataError(f"{output}: the folder {str(path.parent)!r} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise DataError(f"{output}: the folder {str(path.parent)!r} cannot be written to")
    if str(path.resolve()) in {str(Path(source).resolve()) for source in sources}:
        raise UsageError(f"--output {output!r} is a source of the command; give another")


def write(result: pl.LazyFrame, output: str, *others: pl.LazyFrame) -> list[pl.DataFrame]:
    """Write the result to a temporary file and rename it; return the other frames, collected from the same scan."""
    if output == STDOUT:
        return _to_stdout(result, *others)
    path = Path(output)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    os.close(descriptor)
    temporary = Path(name)
    try:
        collected = _sink(result, temporary, path.suffix.lower(), *others)
        temporary.chmod(path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask())
        _to_disk(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return collected


def _to_stdout(result: pl.LazyFrame, *others: pl.LazyFrame) -> list[pl.DataFrame]:
    """Print the result as CSV. It is written to a file first, so that nothing is printed before an error."""
    with tempfile.TemporaryDirectory(prefix="polars-pool-") as folder:
        path = Path(folder) / "result.csv"
        collected = _sink(result, path, ".csv", *others)
        copy_to_stdout(path)
    return collected


def line(text: str) -> None:
    """Print a line on stdout."""
    _open_stdout()
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _stop_writing()


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def _open_stdout() -> None:
    if sys.stdout is None:
        raise DataError("stdout is closed, so the result cannot be printed; give -o FILE, or keep stdout open")


def _stop_writing() -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise Python fails when it flushes at exit
    raise OutputClosed from None


def copy_to_stdout(path: Path) -> None:
    """Copy a file to stdout, until its reader ends."""
    _open_stdout()
    try:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.flush()
    except BrokenPipeError:
        _stop_writing()


def _sink(result: pl.LazyFrame, path: Path, ending: str, *others: pl.LazyFrame) -> list[pl.DataFrame]:
    sinks: dict[str, Any] = {
        ".parquet": lambda: result.sink_parquet(path, lazy=True),
        ".csv": lambda: result.sink_csv(path, lazy=True, check_extension=False),
        **dict.fromkeys((".arrow", ".feather"), lambda: result.sink_ipc(path, lazy=True, compat_level=OLDEST)),
    }
    sink = sinks.get(ending, lambda: result.sink_ndjson(path, lazy=True, check_extension=False))()
    collected = pl.collect_all([sink, *others])[1:]
    if ending == ".json":
        _as_array(path)
    return collected


def _as_array(path: Path) -> None:
    """Turn lines of JSON into one array, line by line."""
    array = path.with_name(path.name + ".array")
    try:
        with path.open("rb") as lines, array.open("wb") as file:
            before = b"[\n"
            for line in lines:
                file.write(before + line.rstrip(b"\n"))
                before = b",\n"
            file.write(b"[]\n" if before == b"[\n" else b"\n]\n")
        array.replace(path)
    finally:
        array.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
