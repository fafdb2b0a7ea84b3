"""The arguments and options that commands share, with their names and their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DATA, MODEL, RESULT = "Data", "Model", "Result"

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="File (Parquet, CSV, JSON, Arrow), folder, 'glob' or URL; - for stdin; Delta or Iceberg table",
        show_default=False,
    ),
]
States = Annotated[list[str], typer.Argument(metavar="STATES", help="Parquet files, folders or 'globs' of moments")]
Value = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="The value to pool: a column or an SQL expression", rich_help_panel=DATA),
]
By = Annotated[
    list[str] | None,
    typer.Option(metavar="COL,COL", help="The groups: columns, or 'EXPR AS name'; repeatable", rich_help_panel=DATA),
]
Over = Annotated[
    list[str] | None,
    typer.Option(metavar="COL,COL", help="Keys of independent models, one model per combination", rich_help_panel=DATA),
]
Where = Annotated[
    str | None,
    typer.Option(
        metavar="EXPR",
        help="Condition on rows; without SOURCE, on the store's keys",
        rich_help_panel=DATA,
    ),
]
Weights = Annotated[
    str | None, typer.Option(metavar="EXPR", help="Precision weights of the rows", rich_help_panel=DATA)
]
N = Annotated[
    str | None,
    typer.Option("--n", metavar="EXPR", help="SOURCE holds moments: their counts", rich_help_panel=DATA),
]
Var = Annotated[
    str | None, typer.Option(metavar="EXPR", help="SOURCE holds moments: their sample variances", rich_help_panel=DATA)
]
Se = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="SOURCE holds estimates: their standard errors", rich_help_panel=DATA),
]
Trials = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="The value counts events out of this number of trials", rich_help_panel=DATA),
]
Exposure = Annotated[
    str | None,
    typer.Option(metavar="EXPR", help="The value counts events in this exposure, such as time", rich_help_panel=DATA),
]
Family = Annotated[
    str | None,
    typer.Option(
        metavar="binomial|normal",
        help="binomial: the value is 0 or 1, and each row one trial; normal: no warning for true and false",
        rich_help_panel=DATA,
    ),
]
X = Annotated[
    list[str] | None,
    typer.Option(
        "--x", metavar="COL,COL", help="Covariates of rows; a column of text is a factor", rich_help_panel=DATA
    ),
]
Toward = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COL,COL",
        help="Predictors of groups, one value per group: pull each group toward what they say",
        rich_help_panel=DATA,
    ),
]
RowsToPredict = Annotated[
    str | None,
    typer.Option(
        "--rows", metavar="FILE", help="The rows to predict; by default those of SOURCE", rich_help_panel=DATA
    ),
]
NaN = Annotated[
    str | None,
    typer.Option(
        "--nan",
        metavar="error|null",
        help="NaN and infinity are errors (default), or are treated as null",
        rich_help_panel=DATA,
    ),
]
Store = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A store: refreshed from SOURCE, or read unchanged", rich_help_panel=DATA),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="polars|duckdb",
        help="Engine, which also sets the SQL dialect of EXPR (default: polars)",
        rich_help_panel=DATA,
        show_default=False,
    ),
]
Sigma2 = Annotated[
    str,
    typer.Option(
        metavar="NAME|NUM",
        help="Variance within groups: pooled (default), separate or squeezed",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Tau2 = Annotated[
    str,
    typer.Option(
        metavar="NAME|NUM|PRIOR",
        help="Variance between groups: reml (default), ml, dl …; or a prior on tau, 'half_cauchy(5)'",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Mu = Annotated[
    str,
    typer.Option(
        metavar="NAME|NUM|PRIOR",
        help="Population mean: gls (default), rows, groups, shrunk; or a prior, 'normal(0, 5)'",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
MuForProfile = Annotated[
    str,
    typer.Option(
        metavar="gls|NUM|PRIOR",
        help="Population mean: estimated at each tau (gls, default), known, or a prior (with a prior on tau)",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Prior = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PRIOR",
        help="Prior of rates: ml (default), moments; uniform_shrinkage to integrate it; or known, 'beta(2, 5)'",
        rich_help_panel=MODEL,
    ),
]
Vary = Annotated[
    list[str] | None,
    typer.Option(metavar="TERM,TERM", help="The terms that vary by group; by default intercept", rich_help_panel=MODEL),
]
Uncorrelated = Annotated[
    bool, typer.Option("--uncorrelated", help="The varying terms are independent", rich_help_panel=MODEL)
]
NoIntercept = Annotated[bool, typer.Option("--no-intercept", help="The model has no intercept", rich_help_panel=MODEL)]
Method = Annotated[
    str,
    typer.Option(
        metavar="reml|ml",
        help="Likelihood: restricted (reml, default) or full (ml)",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
IntervalOfPrediction = Annotated[
    str | None,
    typer.Option(
        "--interval",
        metavar="mean|row",
        help="Adds limits for the expected value (mean) or for a new row (row)",
        rich_help_panel=MODEL,
    ),
]
TestOfTerms = Annotated[
    str | None,
    typer.Option(
        "--test",
        metavar="KIND",
        help="z (default) or t (Satterthwaite with --x); also knha or adhoc with --toward",
        rich_help_panel=MODEL,
    ),
]
PriorOfTau = Annotated[
    str | None,
    typer.Option(
        "--tau2", metavar="PRIOR", help="The prior of tau, 'half_cauchy(5)'; needed for means", rich_help_panel=MODEL
    ),
]
Draws = Annotated[
    int,
    typer.Option(metavar="NUM", help="Draws of each model (1000)", rich_help_panel=MODEL, show_default=False),
]
Seed = Annotated[
    int | None,
    typer.Option(metavar="NUM", help="A whole number gives the same draws each time", rich_help_panel=MODEL),
]
Level = Annotated[
    float,
    typer.Option(
        metavar="P", help="Probability that intervals should cover (0.95)", rich_help_panel=MODEL, show_default=False
    ),
]
Uncertainty = Annotated[
    str,
    typer.Option(
        metavar="KIND",
        help="Errors in se: mu (default), tau2 (also that of tau2), or conditional (neither)",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Interval = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="For normal groups (normal, default) or any groups (robust); with a prior, central or shortest",
        rich_help_panel=MODEL,
    ),
]
Predict = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="Quantity of the interval: true mean (mean, default), a new row, or a replicate of the mean",
        rich_help_panel=MODEL,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(metavar="C", help="Adds p_above, the probability of a value above C", rich_help_panel=MODEL),
]
Groups = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Keys of groups that may have no rows: Parquet, or a .csv", rich_help_panel=DATA),
]
Nested = Annotated[
    bool,
    typer.Option(
        "--nested", help="The keys of --by are levels, the outer one first: stores in regions", rich_help_panel=MODEL
    ),
]
At = Annotated[
    str | None,
    typer.Option(
        metavar="COL",
        help="With --nested, the level to return, by its key; by default the innermost",
        rich_help_panel=MODEL,
    ),
]
Test = Annotated[
    str | None,
    typer.Option(
        metavar="z|t|knha|adhoc",
        help="Test and interval of mu: normal (z, default), Student's t, or Knapp & Hartung",
        rich_help_panel=MODEL,
    ),
]
Limits = Annotated[
    str | None,
    typer.Option(
        metavar="profile|q", help="Interval of tau2: by the profile likelihood, or by Q", rich_help_panel=MODEL
    ),
]
Tau = Annotated[
    str | None,
    typer.Option(metavar="NUM,NUM", help="The values of tau; by default 61 values from 0 up", rich_help_panel=MODEL),
]
Rho = Annotated[
    str | None,
    typer.Option(metavar="NUM,NUM", help="For rates, the values of their overdispersion rho", rich_help_panel=MODEL),
]
TauPrior = Annotated[
    str | None,
    typer.Option(
        "--tau2",
        metavar="PRIOR",
        help="Adds the posterior density under a prior on tau, 'half_cauchy(5)'",
        rich_help_panel=MODEL,
    ),
]
ByGroup = Annotated[
    bool, typer.Option("--groups", help="One row per group and tau, with the group's estimate", rich_help_panel=MODEL)
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A .parquet, .csv, .json, .ndjson, .arrow or .feather file; - for stdout",
        rich_help_panel=RESULT,
    ),
]
Sort = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COL",
        help="Sort the rows by a column, the largest value first; 'COL asc' for the smallest first",
        rich_help_panel=RESULT,
    ),
]
Top = Annotated[
    int | None,
    typer.Option(metavar="NUM", help="With --sort, return only this many rows, the first", rich_help_panel=RESULT),
]
