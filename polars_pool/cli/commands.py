"""The commands: each gathers its task, asks an engine, and hands the answer on."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import duckdb
import polars as pl
import typer

from .. import __version__
from ..engines.duckdb import FOLDER, install_macros
from ..models import warning
from ..store.sources import Part
from . import errors, jobs, options, output, screen
from .errors import DataError, UsageError
from .task import Task, checked, number_or_name, split, taus

WRONG_COMMAND: type[Exception] = typer.BadParameter.__mro__[2]  # ClickException, wherever typer takes it from

# The column that follows the keys in the answer of a verb.
FIRST = {"shrink": "n", "components": "groups", "profile": "tau", "compare": "groups", "merge": "n"}

app = typer.Typer(
    name="polars-pool",
    help="Partial pooling of a warehouse: every group's mean, pulled toward the population as far as the data justify.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; whatever a user can do wrong is a sentence on stderr and an exit code."""
    try:
        for given in sys.argv[1:] if arguments is None else arguments:
            errors.is_text(given, "the argument")
        code = app(arguments, prog_name="polars-pool", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except errors.OutputClosed:
        return errors.BROKEN_PIPE
    except (KeyboardInterrupt, typer.Abort):
        return errors.INTERRUPTED
    except RuntimeError as error:
        if str(error) == "Query interrupted":  # so DuckDB calls it
            return errors.INTERRUPTED
        return _failed(errors.sentence(error), errors.DATA)
    except (UsageError, WRONG_COMMAND) as error:
        return _failed(errors.sentence(error), errors.USAGE)
    except (DataError, ValueError, TypeError, ImportError, OSError, pl.exceptions.PolarsError, duckdb.Error) as error:
        return _failed(errors.sentence(error), errors.DATA)


def _failed(text: str, code: int) -> int:
    errors.say(text)
    return code


@app.callback(invoke_without_command=True)
def alone(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Show the version")] = False
) -> None:
    """What is shown without a command."""
    if version:
        output.line(__version__)
    elif context.invoked_subcommand is None:
        output.line(context.get_help())
        raise typer.Exit(errors.USAGE)


@app.command()
def shrink(
    source: options.Source = None,
    value: options.Value = None,
    by: options.By = None,
    over: options.Over = None,
    where: options.Where = None,
    weights: options.Weights = None,
    n: options.N = None,
    var: options.Var = None,
    se: options.Se = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    tau2: options.Tau2 = "reml",
    mu: options.Mu = "gls",
    level: options.Level = 0.95,
    uncertainty: options.Uncertainty = "mu",
    interval: options.Interval = None,
    predict: options.Predict = None,
    threshold: options.Threshold = None,
    groups: options.Groups = None,
    out: options.Output = None,
) -> None:
    """Partially pooled mean of every group, with its interval.

    \b
    Examples:
      polars-pool shrink 'warehouse/**/*.parquet' --value score --by school
      polars-pool shrink warehouse --value 'ln(1 + score)' --by school
          --over year --where 'score > 60' -o estimates.parquet
      polars-pool shrink warehouse --value score --by school,year --store moments
      polars-pool shrink --store moments --by school --tau2 dl -o estimates.csv
      polars-pool shrink schools.parquet --value effect --se se --by school
          --interval robust --threshold 10
      polars-pool shrink schools.parquet --value effect --se se --by school
          --tau2 'half_cauchy(5)' --mu 'normal(0, 5)'
    """
    task = _task(source, value, by, over, where, nan, store, n=n, var=var, se=se, weights=weights)
    model = _given(sigma2=number_or_name(sigma2), tau2=number_or_name(tau2), mu=number_or_name(mu))
    asked = _given(
        level=level, uncertainty=uncertainty, interval=interval, predict=predict, threshold=threshold, groups=groups
    )
    checked(task, engine, "shrink", model | asked)
    _delivered(task, engine, {"shrink": model | asked, "components": model}, out)


@app.command()
def components(
    source: options.Source = None,
    value: options.Value = None,
    by: options.By = None,
    over: options.Over = None,
    where: options.Where = None,
    weights: options.Weights = None,
    n: options.N = None,
    var: options.Var = None,
    se: options.Se = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    tau2: options.Tau2 = "reml",
    mu: options.Mu = "gls",
    level: options.Level = 0.95,
    test: options.Test = None,
    limits: options.Limits = None,
    out: options.Output = None,
) -> None:
    """Variance within groups, between groups, and the population mean, with intervals.

    \b
    Examples:
      polars-pool components warehouse --value score --by school
      polars-pool components warehouse --value score --by school --over year
      polars-pool components schools.parquet --value effect --se se --by school
          --test knha --limits profile
    """
    task = _task(source, value, by, over, where, nan, store, n=n, var=var, se=se, weights=weights)
    asked = _given(
        sigma2=number_or_name(sigma2),
        tau2=number_or_name(tau2),
        mu=number_or_name(mu),
        level=level,
        test=test,
        limits=limits,
    )
    checked(task, engine, "components", asked)
    _delivered(task, engine, {"components": asked}, out)


@app.command()
def profile(
    source: options.Source = None,
    value: options.Value = None,
    by: options.By = None,
    over: options.Over = None,
    where: options.Where = None,
    weights: options.Weights = None,
    n: options.N = None,
    var: options.Var = None,
    se: options.Se = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    mu: options.MuOfProfile = "gls",
    tau: options.Tau = None,
    tau2: options.PriorOfTau = None,
    groups: options.OfGroups = False,
    out: options.Output = None,
) -> None:
    """What the data say at every tau, the standard deviation between groups.

    \b
    Examples:
      polars-pool profile warehouse --value score --by school -o curves.parquet
      polars-pool profile schools.parquet --value effect --se se --by school
          --tau 0,5,10 --groups
    """
    task = _task(source, value, by, over, where, nan, store, n=n, var=var, se=se, weights=weights)
    asked = _given(
        sigma2=number_or_name(sigma2), mu=number_or_name(mu), tau=taus(tau), tau2=tau2, groups=groups or None
    )
    checked(task, engine, "profile", asked)
    _delivered(task, engine, {"profile": asked}, out)


@app.command()
def compare(
    source: options.Source = None,
    value: options.Value = None,
    by: options.By = None,
    over: options.Over = None,
    where: options.Where = None,
    n: options.N = None,
    var: options.Var = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    tau2: options.Tau2 = "reml",
    mu: options.Mu = "gls",
    out: options.Output = None,
) -> None:
    """What pooling gains: the errors of predicting rows that are held out.

    \b
    Examples:
      polars-pool compare warehouse --value score --by school
      polars-pool compare --store moments --by school --over year -o gains.csv
    """
    task = _task(source, value, by, over, where, nan, store, n=n, var=var)
    asked = _given(sigma2=number_or_name(sigma2), tau2=number_or_name(tau2), mu=number_or_name(mu))
    checked(task, engine, "compare", asked)
    _delivered(task, engine, {"compare": asked}, out)


@app.command()
def moments(
    source: options.Source = None,
    value: options.Value = None,
    by: options.By = None,
    where: options.Where = None,
    weights: options.Weights = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    out: options.Output = None,
) -> None:
    """Count, mean and variance of every group: what can be stored and merged.

    \b
    Examples:
      polars-pool moments warehouse --value score --by school -o moments.parquet
      polars-pool moments warehouse --value score --by 'upper(school) AS school'
      polars-pool moments --store moments --by school
    """
    task = _task(source, value, by, None, where, nan, store, weights=weights)
    checked(task, engine, "moments", {})
    _delivered(task, engine, {"merge": {}}, out)


@app.command()
def merge(
    states: options.States,
    by: options.By = None,
    value: Annotated[
        str, typer.Option(metavar="COL", help="Column of the means", rich_help_panel=options.DATA)
    ] = "mean",
    n: Annotated[str, typer.Option("--n", metavar="COL", help="of the counts", rich_help_panel=options.DATA)] = "n",
    var: Annotated[
        str, typer.Option(metavar="COL", help="of the sample variances", rich_help_panel=options.DATA)
    ] = "var",
    weights: Annotated[
        str | None,
        typer.Option(metavar="COL", help="of the total weights; w where there is one", rich_help_panel=options.DATA),
    ] = None,
    engine: options.Engine = "polars",
    out: options.Output = None,
) -> None:
    """Moments of disjoint rows made one: the moments of all the rows, exactly.

    \b
    Examples:
      polars-pool merge monday.parquet tuesday.parquet --by school
      polars-pool merge 'moments/*.parquet' --by school -o week.parquet
    """
    if not by:
        raise UsageError("--by is missing: say by which keys the moments are merged")
    task = Task(tuple(states), None, value, tuple(by), columns={"n": n, "var": var})
    found = jobs.listed(task)
    names = found[0].scan().collect_schema().names()
    weights = weights or ("w" if "w" in names and "w" not in split(by) else None)
    task = replace(task, columns=task.columns | ({} if weights is None else {"weights": weights}))
    checked(task, engine, "merge", {})
    _delivered(task, engine, {"merge": {}}, out, found)


@app.command()
def refresh(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="File, folder, 'glob' or URL; Delta or Iceberg table")
    ],
    store: Annotated[
        Path,
        typer.Option(metavar="DIR", help="The store; a new one needs --value and --by", rich_help_panel=options.DATA),
    ],
    value: options.Value = None,
    by: options.By = None,
    where: options.Where = None,
    weights: options.Weights = None,
    nan: options.NaN = None,
) -> None:
    """Bring a store of moments up to date: read what is new or changed, drop what is gone.

    \b
    Examples:
      polars-pool refresh warehouse --store moments --value score --by school,year
      polars-pool refresh warehouse --store moments
    """
    task = _task(source, value, by, None, where, nan, store, weights=weights)
    if value is None and (by or where):
        raise UsageError("--by and --where define a store, and go with --value; without it the store's own hold")
    checked(task, "polars", "moments", {})
    output.line(str(jobs.store(task, jobs.listed(task))[1]))


@app.command()
def sql(
    install: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Install them into this DuckDB database file instead")
    ] = None,
) -> None:
    """Print the macros of DuckDB, or install them into a database file.

    \b
    Examples:
      polars-pool sql > pool.sql
      polars-pool sql --install warehouse.duckdb
    """
    if install is None:
        output.to_stdout(FOLDER / "pool.sql")
        return
    with duckdb.connect(install) as con:
        # A file of rows opens as a database in memory.
        query = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
        if con.execute(query).fetchall() == [(None,)]:
            raise DataError(f"{install}: is no database of DuckDB")
        install_macros(con)
    screen.note(f"pool_shrink and its companions are in {install}")


def _task(
    source: str | None,
    value: str | None,
    by: Sequence[str] | None,
    over: Sequence[str] | None,
    where: str | None,
    nan: str | None,
    store: Path | None,
    **columns: str | None,
) -> Task:
    given = {role: text for role, text in columns.items() if text is not None}
    sources = () if source is None else (source,)
    return Task(sources, store, value, tuple(by or ()), tuple(over or ()), given, where, nan)


def _given(**options: Any) -> dict[str, Any]:
    """The options that a verb is asked with; what is left out is as the verb has it."""
    return {name: option for name, option in options.items() if option is not None}


def _delivered(
    task: Task, engine: str, questions: jobs.Questions, out: str | None, found: Sequence[Part] | None = None
) -> None:
    """The answer to the first question where it belongs, that to the second beside it; `found` are the parts."""
    found = jobs.listed(task) if found is None else found
    output.checked(out, [*(part.name for part in found), *jobs.key_files(questions)])
    with _without_warnings(), jobs.answers(task, found, engine, questions) as (first, *others):
        names = first.collect_schema().names()
        keys = names[: names.index(FIRST[next(iter(questions))])]
        order = [*keys, "tau"] if "profile" in questions else keys
        answer = first.sort(order) if order else first
        if out is None and output.is_terminal():
            shown, *beside = pl.collect_all([answer, *others])
            screen.table(shown, keys, *map(screen.components, beside))
            beside = beside or [shown]
        else:
            beside = output.write(
                answer, out or output.STDOUT, *(others or ([first] if "components" in questions else []))
            )
            if out not in (None, output.STDOUT):
                screen.note("  ".join([f"{out} written", *map(screen.components, beside)]))
    if "components" in questions:
        _warned(beside[0], "se" in task.columns, questions["components"])


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Inside, no model warns: as DuckDB cannot, `_warned` reads the components, whatever the engine."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", warning.ConvergenceWarning)
        yield


def _warned(found: pl.DataFrame, published: bool, asked: Mapping[str, Any]) -> None:
    """What the library says of models that the data do not determine, on stderr."""
    posterior = "tau_median" in found.columns
    names = ("groups", "n", "sigma2", "tau_median" if posterior else "tau2", "converged")
    missing = warning.Missing(published, *(found[name].to_numpy() for name in names))
    if posterior:
        causes = warning.causes_of_posterior(missing)
    else:
        causes = warning.causes(missing, asked.get("tau2", "reml"), asked.get("mu", "gls"))
    for message, models in causes.items():
        if count := int(models.sum()):
            of = "" if found.height == 1 else f"{count:,} of {found.height:,} models: "
            errors.say(f"warning: {of}{errors.as_options(message)}")
