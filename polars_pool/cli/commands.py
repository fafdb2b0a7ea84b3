"""The commands: each collects its task and options, checks them, and delivers the result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import duckdb
import typer

from .. import __version__
from ..engines.duckdb import FOLDER, install_macros
from . import duckdb_macros, errors, jobs, options, order, output, screen
from .deliver import deliver
from .errors import DataError, UsageError
from .task import Task, check, number_or_name, rhos, split, tau2_of, taus

app = typer.Typer(
    name="polars-pool",
    help="Partial pooling of a warehouse: every group's mean, pulled toward the population as far as the data justify.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def alone(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Show the version")] = False
) -> None:
    """Show the version, or the help if there is no command."""
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
    trials: options.Trials = None,
    exposure: options.Exposure = None,
    family: options.Family = None,
    toward: options.Toward = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    tau2: options.Tau2 = "reml",
    mu: options.Mu = "gls",
    prior: options.Prior = None,
    level: options.Level = 0.95,
    uncertainty: options.Uncertainty = "mu",
    interval: options.Interval = None,
    predict: options.Predict = None,
    threshold: options.Threshold = None,
    groups: options.Groups = None,
    nested: options.Nested = False,
    at: options.At = None,
    sort: options.Sort = None,
    top: options.Top = None,
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
      polars-pool shrink warehouse --value 'score > 60' --family binomial
          --by school --sort estimate --top 20
      polars-pool shrink players.csv --value hits --trials at_bats --by player
      polars-pool shrink schools.parquet --value effect --se se --by school
          --toward size
      polars-pool shrink schools.parquet --value effect --se se --by school
          --tau2 'half_cauchy(5)' --mu 'normal(0, 5)'
      polars-pool shrink warehouse --value score --by state,school
          --nested --at state
    """
    columns = {"n": n, "var": var, "se": se, "weights": weights, "trials": trials, "exposure": exposure}
    task = _task(source, value, by, over, where, nan, store, family, {"toward": toward}, **columns)
    model = _set_options(
        sigma2=number_or_name(sigma2),
        tau2=tau2_of(tau2),
        mu=number_or_name(mu),
        nested=nested or None,
        **_rates(task, prior),
    )
    settings = _set_options(
        level=level,
        uncertainty=uncertainty,
        interval=interval,
        predict=predict,
        threshold=threshold,
        groups=groups,
        at=at,
    )
    _deliver(task, engine, {"shrink": model | settings, "components": model}, out, sort, top)


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
    trials: options.Trials = None,
    exposure: options.Exposure = None,
    family: options.Family = None,
    toward: options.Toward = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    tau2: options.Tau2 = "reml",
    mu: options.Mu = "gls",
    prior: options.Prior = None,
    level: options.Level = 0.95,
    test: options.Test = None,
    limits: options.Limits = None,
    nested: options.Nested = False,
    sort: options.Sort = None,
    top: options.Top = None,
    out: options.Output = None,
) -> None:
    """Variance within groups, between groups, and the population mean, with intervals.

    \b
    Examples:
      polars-pool components warehouse --value score --by school
      polars-pool components warehouse --value score --by school --over year
      polars-pool components schools.parquet --value effect --se se --by school
          --test knha --limits profile
      polars-pool components warehouse --value score --by state,school --nested
      polars-pool components players.csv --value hits --trials at_bats
          --by player --prior moments
    """
    columns = {"n": n, "var": var, "se": se, "weights": weights, "trials": trials, "exposure": exposure}
    task = _task(source, value, by, over, where, nan, store, family, {"toward": toward}, **columns)
    settings = _set_options(
        sigma2=number_or_name(sigma2),
        tau2=tau2_of(tau2),
        mu=number_or_name(mu),
        level=level,
        test=test,
        limits=limits,
        nested=nested or None,
        **_rates(task, prior),
    )
    _deliver(task, engine, {"components": settings}, out, sort, top)


@app.command()
def regress(
    source: options.Source = None,
    value: options.Value = None,
    x: options.X = None,
    by: options.By = None,
    over: options.Over = None,
    where: options.Where = None,
    weights: options.Weights = None,
    nan: options.NaN = None,
    engine: options.Engine = "polars",
    vary: options.Vary = None,
    uncorrelated: options.Uncorrelated = False,
    no_intercept: options.NoIntercept = False,
    method: options.Method = "reml",
    level: options.Level = 0.95,
    sort: options.Sort = None,
    top: options.Top = None,
    out: options.Output = None,
) -> None:
    """Partially pooled regression of every group: its intercept and slopes.

    \b
    Examples:
      polars-pool regress warehouse --value score --x load --by school
      polars-pool regress warehouse --value score --x 'load, state' --by school
          --vary intercept,load -o slopes.csv
    """
    task = _task(source, value, by, over, where, nan, predictors={"x": x or ()}, weights=weights)
    settings = _regression(vary, uncorrelated, no_intercept, method, level=level)
    _deliver(task, engine, {"regress": settings}, out, sort, top)


@app.command()
def predict(
    source: options.Source = None,
    value: options.Value = None,
    x: options.X = None,
    by: options.By = None,
    over: options.Over = None,
    where: options.Where = None,
    weights: options.Weights = None,
    rows: options.RowsToPredict = None,
    nan: options.NaN = None,
    engine: options.Engine = "polars",
    vary: options.Vary = None,
    uncorrelated: options.Uncorrelated = False,
    no_intercept: options.NoIntercept = False,
    method: options.Method = "reml",
    interval: options.IntervalOfPrediction = None,
    level: options.Level = 0.95,
    sort: options.Sort = None,
    top: options.Top = None,
    out: options.Output = None,
) -> None:
    """Expected value of every row by a regression, for its group and for the population.

    \b
    Examples:
      polars-pool predict warehouse --value score --x load --by school
      polars-pool predict warehouse --value score --x load --by school
          --rows new.csv --interval row -o predicted.csv
    """
    task = _task(source, value, by, over, where, nan, predictors={"x": x or ()}, weights=weights)
    settings = _regression(vary, uncorrelated, no_intercept, method, level=level, interval=interval, rows=rows)
    _deliver(task, engine, {"predict": settings}, out, sort, top)


@app.command()
def coefficients(
    source: options.Source = None,
    value: options.Value = None,
    x: options.X = None,
    toward: options.Toward = None,
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
    vary: options.Vary = None,
    uncorrelated: options.Uncorrelated = False,
    no_intercept: options.NoIntercept = False,
    method: options.Method = "reml",
    level: options.Level = 0.95,
    test: options.TestOfTerms = None,
    sort: options.Sort = None,
    top: options.Top = None,
    out: options.Output = None,
) -> None:
    """Coefficients of covariates of rows (--x) or of predictors of groups (--toward), with their tests.

    \b
    Examples:
      polars-pool coefficients warehouse --value score --x load,state --by school
          --test t
      polars-pool coefficients schools.parquet --value effect --se se
          --toward size --by school --test knha
    """
    if (x is None) == (toward is None):
        raise UsageError("give --x for the coefficients of a regression, or --toward for those of predictors of groups")
    if x is not None:
        needless: dict[str, Any] = {"--n": n, "--var": var, "--se": se, "--store": store}
        needless |= {"--sigma2": sigma2 != "pooled", "--tau2": tau2 != "reml"}
        settings = _regression(vary, uncorrelated, no_intercept, method, level=level, test=test)
    else:
        needless = {"--vary": vary, "--uncorrelated": uncorrelated, "--no-intercept": no_intercept}
        needless |= {"--method": method != "reml"}
        settings = _set_options(sigma2=number_or_name(sigma2), tau2=number_or_name(tau2), level=level, test=test)
    for option, present in needless.items():
        if present:
            raise UsageError(f"{option} does not go with {'--x' if toward is None else '--toward'}; leave it out")
    predictors = {"x": x, "toward": toward}
    task = _task(source, value, by, over, where, nan, store, None, predictors, n=n, var=var, se=se, weights=weights)
    _deliver(task, engine, {"coefficients" if x is None else "regress_coefficients": settings}, out, sort, top)


@app.command()
def draws(
    source: options.Source = None,
    value: options.Value = None,
    by: options.By = None,
    over: options.Over = None,
    where: options.Where = None,
    weights: options.Weights = None,
    n: options.N = None,
    var: options.Var = None,
    se: options.Se = None,
    trials: options.Trials = None,
    exposure: options.Exposure = None,
    family: options.Family = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    tau2: options.PriorOfTau = None,
    mu: options.Mu = "gls",
    prior: options.Prior = None,
    uncertainty: options.Uncertainty = "mu",
    draws: options.Draws = 1000,
    seed: options.Seed = None,
    groups: options.Groups = None,
    out: options.Output = None,
) -> None:
    """Draws from the posterior of every group's true mean or rate, and of the population.

    \b
    Examples:
      polars-pool draws schools.parquet --value effect --se se --by school
          --tau2 'half_cauchy(5)' --draws 100 --seed 1 -o draws.parquet
      polars-pool draws players.csv --value hits --trials at_bats --by player
          --seed 1 -o rates.arrow
    """
    columns = {"n": n, "var": var, "se": se, "weights": weights, "trials": trials, "exposure": exposure}
    task = _task(source, value, by, over, where, nan, store, family, {}, **columns)
    settings = _set_options(
        sigma2=number_or_name(sigma2),
        tau2=None if tau2 is None else number_or_name(tau2),
        mu=number_or_name(mu),
        draws=draws,
        seed=seed,
        groups=groups,
        uncertainty=uncertainty,
        **_rates(task, prior),
    )
    _deliver(task, engine, {"posterior_draws": settings}, out)


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
    trials: options.Trials = None,
    exposure: options.Exposure = None,
    family: options.Family = None,
    toward: options.Toward = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    mu: options.MuForProfile = "gls",
    tau: options.Tau = None,
    rho: options.Rho = None,
    tau2: options.TauPrior = None,
    groups: options.ByGroup = False,
    out: options.Output = None,
) -> None:
    """Curves along tau, the deviation between groups: mu, Q and log likelihoods; for rates along rho.

    \b
    Examples:
      polars-pool profile warehouse --value score --by school -o curves.parquet
      polars-pool profile schools.parquet --value effect --se se --by school
          --tau 0,5,10 --groups
      polars-pool profile players.csv --value hits --trials at_bats --by player
          --rho 0,0.01
    """
    columns = {"n": n, "var": var, "se": se, "weights": weights, "trials": trials, "exposure": exposure}
    task = _task(source, value, by, over, where, nan, store, family, {"toward": toward}, **columns)
    settings = _set_options(
        sigma2=number_or_name(sigma2),
        mu=number_or_name(mu),
        tau=taus(tau),
        tau2=tau2,
        groups=groups or None,
        family=family,
        rho=rhos(rho),
    )
    _deliver(task, engine, {"profile": settings}, out)


@app.command()
def compare(
    source: options.Source = None,
    value: options.Value = None,
    by: options.By = None,
    over: options.Over = None,
    where: options.Where = None,
    n: options.N = None,
    var: options.Var = None,
    trials: options.Trials = None,
    family: options.Family = None,
    toward: options.Toward = None,
    nan: options.NaN = None,
    store: options.Store = None,
    engine: options.Engine = "polars",
    sigma2: options.Sigma2 = "pooled",
    tau2: options.Tau2 = "reml",
    mu: options.Mu = "gls",
    prior: options.Prior = None,
    sort: options.Sort = None,
    top: options.Top = None,
    out: options.Output = None,
) -> None:
    """The gain from pooling: prediction errors of rows that are held out.

    \b
    Examples:
      polars-pool compare warehouse --value score --by school
      polars-pool compare players.csv --value hits --trials at_bats --by player
      polars-pool compare --store moments --by school --over year -o gains.csv
    """
    columns = {"n": n, "var": var, "trials": trials}
    task = _task(source, value, by, over, where, nan, store, family, {"toward": toward}, **columns)
    settings = _set_options(
        sigma2=number_or_name(sigma2), tau2=number_or_name(tau2), mu=number_or_name(mu), **_rates(task, prior)
    )
    _deliver(task, engine, {"compare": settings}, out, sort, top)


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
    sort: options.Sort = None,
    top: options.Top = None,
    out: options.Output = None,
) -> None:
    """Count, mean and variance of every group: moments, which can be stored and merged.

    \b
    Examples:
      polars-pool moments warehouse --value score --by school -o moments.parquet
      polars-pool moments warehouse --value score --by 'upper(school) AS school'
      polars-pool moments --store moments --by school
    """
    task = _task(source, value, by, None, where, nan, store, weights=weights)
    _deliver(task, engine, {"merge": {}}, out, sort, top, command="moments")


@app.command()
def merge(
    states: options.States,
    by: options.By = None,
    value: Annotated[
        str, typer.Option(metavar="COL", help="Column of the means", rich_help_panel=options.DATA)
    ] = "mean",
    n: Annotated[
        str, typer.Option("--n", metavar="COL", help="Column of the counts", rich_help_panel=options.DATA)
    ] = "n",
    var: Annotated[
        str, typer.Option(metavar="COL", help="Column of the sample variances", rich_help_panel=options.DATA)
    ] = "var",
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="COL", help="Column of the total weights; w if the column exists", rich_help_panel=options.DATA
        ),
    ] = None,
    engine: options.Engine = "polars",
    out: options.Output = None,
) -> None:
    """Merge moments of disjoint rows: the result is the exact moments of all rows.

    \b
    Examples:
      polars-pool merge monday.parquet tuesday.parquet --by school
      polars-pool merge 'moments/*.parquet' --by school -o week.parquet
    """
    if not by:
        raise UsageError("--by is missing; give the keys by which to merge the moments")
    task = Task(tuple(states), None, value, tuple(by), columns={"n": n, "var": var})
    listed = jobs.parts_of(task)
    names = listed[0].scan().collect_schema().names()
    weights = weights or ("w" if "w" in names and "w" not in split(by) else None)
    task = replace(task, columns=task.columns | ({} if weights is None else {"weights": weights}))
    check(task, engine, "merge", {})
    deliver(task, engine, {"merge": {}}, out, listed)


@app.command()
def refresh(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="File, folder, 'glob' or URL; Delta or Iceberg table")
    ],
    store: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Folder of the store; a new store needs --value and --by", rich_help_panel=options.DATA
        ),
    ],
    value: options.Value = None,
    by: options.By = None,
    where: options.Where = None,
    weights: options.Weights = None,
    nan: options.NaN = None,
) -> None:
    """Refresh a store of moments: read new and changed parts, drop parts that no longer exist.

    \b
    Examples:
      polars-pool refresh warehouse --store moments --value score --by school,year
      polars-pool refresh warehouse --store moments
    """
    task = _task(source, value, by, None, where, nan, store, weights=weights)
    if value is None and (by or where):
        raise UsageError("--by and --where define a new store and need --value; an existing store has its own")
    check(task, "polars", "moments", {})
    output.line(str(jobs.store(task, jobs.parts_of(task))[1]))


@app.command()
def sql(
    install: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Install the macros into this DuckDB database file instead")
    ] = None,
) -> None:
    """Print the macros for DuckDB, or install them into a database file.

    \b
    Examples:
      polars-pool sql > pool.sql
      polars-pool sql --install warehouse.duckdb
    """
    if install is None:
        output.copy_to_stdout(FOLDER / "pool.sql")
        return
    with duckdb.connect(install) as con:
        # DuckDB opens a file of rows, such as CSV, as a database in memory.
        query = "SELECT path FROM duckdb_databases() WHERE database_name = current_database()"
        if con.execute(query).fetchall() == [(None,)]:
            raise DataError(f"{install} is not a DuckDB database")
        install_macros(con)
    screen.note(f"the pool_ macros are in {install}")


def _task(
    source: str | None,
    value: str | None,
    by: Sequence[str] | None,
    over: Sequence[str] | None,
    where: str | None,
    nan: str | None,
    store: Path | None = None,
    family: str | None = None,
    predictors: Mapping[str, Sequence[str] | None] = MappingProxyType({}),
    **columns: str | None,
) -> Task:
    present = {role: text for role, text in columns.items() if text is not None}
    lists = {role: tuple(texts) for role, texts in predictors.items() if texts is not None}
    sources = () if source is None else (source,)
    return Task(sources, store, value, tuple(by or ()), tuple(over or ()), present, lists, family, where, nan)


def _set_options(**options: Any) -> dict[str, Any]:
    """The options that are set; for the others, the verb has its own defaults."""
    return {name: option for name, option in options.items() if option is not None}


def _rates(task: Task, prior: str | None) -> dict[str, Any]:
    """The options of rates; those without a prior are estimated by maximum likelihood."""
    return {"family": task.family, "prior": (prior or "ml") if task.rates else prior}


def _regression(
    vary: Sequence[str] | None, uncorrelated: bool, no_intercept: bool, method: str, **options: Any
) -> dict[str, Any]:
    """The options of a regression that are set."""
    return _set_options(
        vary=list(split(vary)) if vary else None,
        correlated=False if uncorrelated else None,
        intercept=False if no_intercept else None,
        method=method,
        **options,
    )


def _deliver(
    task: Task,
    engine: str,
    requests: jobs.Requests,
    out: str | None,
    sort: Sequence[str] | None = None,
    top: int | None = None,
    command: str | None = None,
) -> None:
    """Check the first request as far as possible before any data are read, then deliver its result."""
    verb, settings = next(iter(requests.items()))
    chosen = order.parsed(sort, top)
    names = check(task, engine, command or verb, settings)
    if engine == "duckdb":
        duckdb_macros.check(task, verb, settings)
        requests |= duckdb_macros.companion(task, requests)
    if task.by and verb != "predict":
        order.check(chosen, names, task.keys)
    deliver(task, engine, requests, out, order=chosen)
