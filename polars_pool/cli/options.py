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
    str | None, typer.Option(metavar="EXPR", help="The value: a column, or one expression of SQL", rich_help_panel=DATA)
]
By = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COL,COL", help="The groups: columns or 'EXPR AS name'; may be repeated", rich_help_panel=DATA
    ),
]
Over = Annotated[
    list[str] | None,
    typer.Option(metavar="COL,COL", help="Keys of independent models, one for each", rich_help_panel=DATA),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="EXPR",
        help="Only rows for which this is true; without SOURCE: of the store's keys",
        rich_help_panel=DATA,
    ),
]
Weights = Annotated[
    str | None, typer.Option(metavar="EXPR", help="Precision weights of the rows", rich_help_panel=DATA)
]
N = Annotated[
    str | None,
    typer.Option("--n", metavar="EXPR", help="SOURCE holds moments: their count, with --var", rich_help_panel=DATA),
]
Var = Annotated[str | None, typer.Option(metavar="EXPR", help="and their sample variance", rich_help_panel=DATA)]
Se = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="SOURCE holds published estimates: their standard error", rich_help_panel=DATA),
]
NaN = Annotated[
    str | None,
    typer.Option(
        "--nan",
        metavar="error|null",
        help="Refuse NaN and infinite values (default), or skip them",
        rich_help_panel=DATA,
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="A store of moments: refreshed from SOURCE, or read as it is", rich_help_panel=DATA
    ),
]
Engine = Annotated[
    str,
    typer.Option(metavar="polars|duckdb", help="Who computes, and whose SQL an EXPR is", rich_help_panel=DATA),
]
Sigma2 = Annotated[
    str, typer.Option(metavar="NAME|NUMBER", help="Variance within: pooled, separate, or known", rich_help_panel=MODEL)
]
Tau2 = Annotated[
    str,
    typer.Option(metavar="NAME|NUMBER", help="Variance between: reml, ml, dl, pm … or known", rich_help_panel=MODEL),
]
Mu = Annotated[
    str,
    typer.Option(
        metavar="NAME|NUMBER", help="Population mean: gls, rows, groups, shrunk, or known", rich_help_panel=MODEL
    ),
]
Level = Annotated[float, typer.Option(metavar="P", help="Probability of the interval", rich_help_panel=MODEL)]
Uncertainty = Annotated[
    str, typer.Option(metavar="mu|conditional", help="Errors with that of mu, or given mu", rich_help_panel=MODEL)
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A .parquet, .csv, .json or .ndjson file; - is CSV on stdout",
        rich_help_panel=RESULT,
    ),
]
