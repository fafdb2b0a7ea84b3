"""Output on a terminal: a progress bar over the parts, the components in one line, a table of first and last rows."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

import polars as pl
import polars.selectors as cs

from ..store.reading import Progress
from .task import Report

if TYPE_CHECKING:
    from rich.table import Table

Side = Literal["left", "right"]
ROWS = 10  # shown from the beginning, and as many from the end
FEW = 4  # rows at most of a table that may be transposed
UNITS = (
    *("mean", "estimate", "se", "lower", "upper", "fit", "se_fit", "effect"),
    *("mu", "se_mu", "mu_lower", "mu_upper", "new_lower", "new_upper"),
)
SEVERAL = ("sigma2", "tau2", "mu", "alpha", "beta", "shape", "rate", "mean", "rho")  # in the line of components
ONE = (*SEVERAL, "icc", "r2")
DECIMALS = dict.fromkeys(("weight", "icc", "noncoverage", "p_above", "pooling_rows", "pooling_groups"), 3)
DECIMALS |= dict.fromkeys(("log_likelihood", "restricted_log_likelihood", "aic"), 2)  # only differences are interpreted
# Left out on a narrow terminal, in this order: columns that are mostly null, and those that follow from others.
LEAST_INFORMATIVE = (
    *("sigma2_prior", "df_prior", "v", "se", "weight", "mean"),
    *("aic", "lrt", "log_likelihood", "h2", "q", "new_lower", "new_upper", "se_tau2", "lrt_p", "mu_p", "i2"),
    *("tau2_lower", "tau2_upper", "mu_lower", "mu_upper", "q_p"),
    *("pooling_groups", "pooling_rows", "gain_on_complete", "gain_on_none"),
)


@contextmanager
def bar(verb: str) -> Iterator[Report]:
    """Show progress on stderr if it is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TextColumn("{task.fields[parts]}"),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeElapsedColumn(),
        progress.TextColumn("{task.fields[left]}"),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        line = shown.add_task(verb, total=None, parts="", rate="", left="")

        def report(now: Progress) -> None:
            done, total = (now.rows, now.of_rows) if now.of_rows else (now.parts, now.of_parts)
            elapsed = shown.tasks[line].elapsed or 0.0
            rate = f"{now.rows / elapsed:,.0f} rows/s" if elapsed > 0 else ""
            left = timedelta(seconds=round(elapsed * (total - done) / done)) if done else None
            shown.update(
                line,
                completed=done,
                total=total,
                parts=f"{now.parts}/{now.of_parts} parts",
                rate=rate,
                left="" if left is None else f"{left} left",
            )

        yield report


def note(text: str) -> None:
    """Print a line on stderr if it is a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        print(text, file=sys.stderr)


def components(frame: pl.DataFrame) -> str:
    """The components of a model in one line; for several models, their number and the range of each component."""
    if "depth" in frame.columns:
        return _levels(frame)
    frame = frame.select(cs.numeric())  # the coefficients of regressions are structs
    if frame.height == 1:
        row = frame.row(0, named=True)
        if row.get("se_mu") is not None:
            row["mu"] = f"{number(row['mu'])} ± {number(row['se_mu'])}"
        return "  ".join(f"{name} {number(row[name])}" for name in ("groups", "n", *ONE) if row.get(name) is not None)
    ranges = (
        f"{name} {number(frame[name].min())} … {number(frame[name].max())}"
        for name in ("groups", *SEVERAL)
        if name in frame.columns and frame[name].count()
    )
    return "  ".join([f"{frame.height:,} models", *ranges])


def _levels(frame: pl.DataFrame) -> str:
    """The components of nested levels in one line: tau2 of each level, or their ranges over several models."""
    outer = frame.filter(pl.col("depth") == 1)
    by_level = {level: rows["tau2"] for (level,), rows in frame.group_by("level", maintain_order=True)}
    if outer.height == 1:
        row = outer.row(0, named=True)
        of_levels = [f"tau2 of {level} {number(tau2[0])}" for level, tau2 in by_level.items()]
        counts = [f"{name} {number(row[name])}" for name in ("n", "sigma2") if row[name] is not None]
        return "  ".join([*counts, *of_levels, f"mu {number(row['mu'])} ± {number(row['se_mu'])}"])
    ranges = [
        f"tau2 of {level} {number(tau2.min())} … {number(tau2.max())}"
        for level, tau2 in by_level.items()
        if tau2.count()
    ]
    return "  ".join([f"{outer.height:,} models", *ranges])


def table(frame: pl.DataFrame, keys: Sequence[str], title: str = "") -> None:
    """Print the first and the last rows, with as many columns as fit; transposed if only then all columns fit."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if title:
        console.print(Text(title))
    cut = frame if frame.height <= 2 * ROWS + 1 else pl.concat([frame.head(ROWS), frame.tail(ROWS)])
    cells = {name: _cells(cut[name], _decimals(frame, name)) for name in frame.columns}
    widths = {name: max(map(len, [name, *column])) for name, column in cells.items()}
    left_out: list[str] = []
    if _width(widths.values()) > console.width and _fits_transposed(cells, console.width):
        lines = [[name, *column] for name, column in cells.items()]
        sides: list[Side] = ["right"] * cut.height
        console.print(_rendered(lines, ["left", *sides]))
    else:
        left_out = _left_out(widths, console.width)
        names = [name for name in cells if name not in left_out]
        lines = [list(row) for row in zip(*(cells[name] for name in names), strict=True)]
        lines[ROWS:ROWS] = [["…" for _ in names]] if cut.height < frame.height else []
        texts = [name for name in keys if not frame.schema[name].is_numeric()]
        console.print(_rendered(lines, ["left" if name in texts else "right" for name in names], names))
    notes = [f"{frame.height:,} row{'' if frame.height == 1 else 's'}"]
    notes += [f"{cut.height} shown"] if cut.height < frame.height else []
    notes += [f"without {', '.join(left_out)}"] if left_out else []
    console.print(Text(", ".join(notes) + ("; -o FILE writes everything" if notes[1:] else ""), style="dim"))


def _rendered(lines: Sequence[Sequence[str]], sides: Sequence[Side], heading: Sequence[str] = ()) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    rendered = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False, show_header=bool(heading))
    for name, side in zip(heading or [""] * len(sides), sides, strict=True):
        rendered.add_column(Text(name), justify=side, no_wrap=True, overflow="ellipsis")
    for line in lines:
        rendered.add_row(*(Text(cell, style="dim" if cell == "null" else "") for cell in line))
    return rendered


def _fits_transposed(cells: dict[str, list[str]], width: int) -> bool:
    """Whether there are only a few rows, and they fit as columns."""
    rows = [list(cells), *map(list, zip(*cells.values(), strict=True))]
    return 1 < len(rows) <= 1 + FEW and _width(max(map(len, row)) for row in rows) <= width


def _width(widths: Iterable[int]) -> int:
    """The width of a table whose columns have these widths."""
    return sum(width + 3 for width in widths) - 3


def _left_out(widths: dict[str, int], width: int) -> list[str]:
    """Columns to leave out, the least informative first, until the others fit."""
    left_out: list[str] = []
    for name in (name for name in LEAST_INFORMATIVE if name in widths):
        if _width(w for column, w in widths.items() if column not in left_out) <= width:
            break
        left_out.append(name)
    return left_out


def _cells(column: pl.Series, decimals: int | None) -> list[str]:
    if decimals is None or not column.dtype.is_float():
        whole = column.dtype.is_integer() and column.name in ("n", "groups")
        return ["null" if x is None else f"{x:,}" if whole else _text(x) for x in column]
    return ["null" if x is None else f"{x:,.{decimals}f}" for x in column]


def _text(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def _decimals(frame: pl.DataFrame, name: str) -> int | None:
    """Decimals of a column: two digits of the median error for columns in the unit of the value, else fixed."""
    if name in DECIMALS:
        return DECIMALS[name]
    if name not in UNITS or not frame.schema[name].is_float():
        return None
    error = next(
        (frame[error].drop_nulls() for error in ("se", "se_mu") if error in frame.columns),
        pl.Series([], dtype=pl.Float64),
    )
    scale = error.filter(error.is_finite() & (error > 0)).median()
    if not isinstance(scale, float):
        return None
    decimals = 1 - math.floor(math.log10(scale))
    return max(0, decimals) if decimals <= 9 else None


def number(value: object) -> str:
    """A number with four digits, a count with all digits."""
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    if value and math.isfinite(value) and 1e3 <= abs(value) < 1e9:
        return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:,.1f}"
    return f"{value:.4g}"
