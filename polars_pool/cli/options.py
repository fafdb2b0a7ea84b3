"""The arguments and options that commands share: how they are called, and what --help says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DATA, MODEL, RESULT = "Data", "Model", "Result"

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE", help="Parquet file, folder, 'glob' or URL; Delta or Iceberg table", show_default=False
    ),
]
States = Annotated[list[str], typer.Argument(metavar="STATES", help="Parquet files, folders or 'globs' of moments")]
Value = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="What is pooled: a column or an expression of SQL", rich_help_panel=DATA),
]
By = Annotated[
    list[str] | None,
    typer.Option(metavar="COL,COL", help="The groups: columns, or 'EXPR AS name'; repeatable", rich_help_panel=DATA),
]
Over = Annotated[
    list[str] | None,
    typer.Option(metavar="COL,COL", help="Keys of independent models, one for each", rich_help_panel=DATA),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="EXPR",
        help="Rows that count; without SOURCE, by the store's keys",
        rich_help_panel=DATA,
    ),
]
Weights = Annotated[
    str | None, typer.Option(metavar="EXPR", help="Precision weights of the rows", rich_help_panel=DATA)
]
N = Annotated[
    str | None,
    typer.Option("--n", metavar="EXPR", help="SOURCE holds moments: their count,", rich_help_panel=DATA),
]
Var = Annotated[str | None, typer.Option(metavar="EXPR", help="and their sample variance", rich_help_panel=DATA)]
Se = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="SOURCE holds estimates: their standard error", rich_help_panel=DATA),
]
NaN = Annotated[
    str | None,
    typer.Option(
        "--nan",
        metavar="error|null",
        help="Refuse NaN and infinity (default), or skip them",
        rich_help_panel=DATA,
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A store: refreshed from SOURCE, or read as it is", rich_help_panel=DATA),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="polars|duckdb",
        help="Who computes (polars), and whose SQL EXPR is",
        rich_help_panel=DATA,
        show_default=False,
    ),
]
Sigma2 = Annotated[
    str,
    typer.Option(
        metavar="NAME|NUM",
        help="Variance within: pooled (default), separate or squeezed",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Tau2 = Annotated[
    str,
    typer.Option(
        metavar="NAME|NUM",
        help="Variance between: reml (default), ml, dl …",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Mu = Annotated[
    str,
    typer.Option(
        metavar="NAME|NUM", help="Mean: gls (default), rows, groups, shrunk", rich_help_panel=MODEL, show_default=False
    ),
]
Level = Annotated[
    float,
    typer.Option(metavar="P", help="Probability of the interval (0.95)", rich_help_panel=MODEL, show_default=False),
]
Uncertainty = Annotated[
    str,
    typer.Option(
        metavar="KIND",
        help="Errors with that of mu (default), with that of tau2 too, or conditional",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A .parquet, .csv, .json or .ndjson file; - for stdout",
        rich_help_panel=RESULT,
    ),
]
