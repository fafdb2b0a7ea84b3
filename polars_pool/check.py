"""Every argument check and every message: from the schema, never from data. Checked once, at the public boundary."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

import polars as pl

from .engines import inference
from .engines.model import PRIVATE, Mean, Model, Priors, Variance
from .engines.rates.model import Rates
from .engines.regression.model import INTERCEPT, PREDICTIONS, Regression
from .formulas import estimators as _estimators  # noqa: F401  fills the registry
from .formulas.errors import ERRORS
from .formulas.registry import MU, SIGMA2, TAU2, Method
from .priors import OF_MU, OF_RATES, OF_SIGMA, OF_TAU, Beta, Flat, Gamma, Normal, Prior, called, parsed

UNCERTAINTY = ("mu", "conditional", "tau2")
INTERVALS = ("normal", "robust")  # of estimates,
OF_POSTERIOR = ("central", "shortest")  # and of a posterior
PREDICT = ("mean", "row", "replicate")

IntoColumn = str | pl.Expr
Keys = IntoColumn | Sequence[IntoColumn]


def model(
    frame: pl.LazyFrame,
    value: IntoColumn,
    by: Keys,
    over: Keys | None = None,
    *,
    result: Iterable[str] = (),
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    sigma2: Variance = "pooled",
    tau2: Variance = "reml",
    mu: Mean = "gls",
    nan: str = "error",
) -> Model:
    """The checked arguments of a verb whose result has the columns `result`."""
    schema = frame.collect_schema()
    by_names, over_names, keyed = keys(frame, schema, by, over, result)
    columns = {"value": value, "n": n, "var": var, "se": se, "weights": weights}
    names = {role: numeric(frame, schema, column, role) for role, column in columns.items() if column is not None}
    known: dict[str, Any] = {role: column_of(schema, columns[role], role) for role in names}
    known |= integrated(**hyperparameters(sigma2, tau2, mu))
    checked = Model(
        by_names=by_names,
        over_names=over_names,
        key_columns=keyed,
        names=names,
        nan=one_of(nan, ("error", "null"), "nan"),
        **known,
    )
    fitting(checked)
    return checked


# ---- frames and columns -------------------------------------------------------------------------------------------


def lazy(frame: Any) -> pl.LazyFrame:
    """A LazyFrame of a Polars frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    kind = f"{type(frame).__module__.partition('.')[0]}.{type(frame).__qualname__}"
    raise TypeError(f"frame is a {kind}; give a polars.DataFrame or polars.LazyFrame")


def key_columns(keys: Any, role: str) -> list[IntoColumn]:
    """One key or several as a list."""
    listed = [keys] if isinstance(keys, str | pl.Expr) else list(keys) if isinstance(keys, list | tuple) else None
    if listed is None or not all(isinstance(key, str | pl.Expr) for key in listed):
        raise TypeError(f"{role}={keys!r}; give a column name, an expression, or a list of them")
    if not listed:
        raise ValueError(f"{role}={keys!r} names no key; give at least one column name or expression")
    return listed


def keys(
    frame: pl.LazyFrame, schema: pl.Schema, by: Keys, over: Keys | None, result: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[pl.Expr, ...]]:
    """The names of by and of over, which differ from each other and the result's, and the columns of over and by."""
    columns = {"by": key_columns(by, "by"), "over": [] if over is None else key_columns(over, "over")}
    by_names, over_names = (_names(frame, schema, some, role) for role, some in columns.items())
    distinct_keys(over_names, by_names, result)
    return by_names, over_names, tuple(column_of(schema, c, role) for role in ("over", "by") for c in columns[role])


def column_of(schema: pl.Schema, column: Any, role: str) -> pl.Expr:
    """A column as an expression; a name is looked up as it stands, whatever characters it has."""
    if isinstance(column, pl.Expr):
        return column
    if not isinstance(column, str):
        raise TypeError(f"{role}={column!r}; give a column name or an expression")
    if column not in schema:
        raise pl.exceptions.ColumnNotFoundError(
            f"{role}={column!r} is no column of the frame; it has {_listed(schema)}{_nearest(column, schema)}"
        )
    # ^…$ is a pattern, and * every column; other frames may have the column at another place.
    return pl.col(f"^{re.escape(column)}$") if column.startswith(("^", "*")) else pl.col(column)


def _schema_of(frame: pl.LazyFrame, schema: pl.Schema, columns: Iterable[IntoColumn], role: str) -> pl.Schema:
    expressions = [column_of(schema, column, role) for column in columns]
    try:
        return frame.select(expressions).collect_schema()
    except pl.exceptions.ColumnNotFoundError as missing:
        name = str(missing).split('"')[1] if '"' in str(missing) else str(missing).split("\n")[0]
        raise no_column(role, name, schema) from None


def no_column(role: str, name: str, columns: Iterable[str]) -> pl.exceptions.ColumnNotFoundError:
    """That an expression names a column that is not there."""
    columns = list(columns)
    return pl.exceptions.ColumnNotFoundError(
        f"{role} names {name!r}, which is no column of the frame; it has {_listed(columns)}{_nearest(name, columns)}"
    )


def _names(frame: pl.LazyFrame, schema: pl.Schema, columns: Iterable[IntoColumn], role: str) -> tuple[str, ...]:
    return tuple(name for column in columns for name in _schema_of(frame, schema, [column], role))


def numeric(frame: pl.LazyFrame, schema: pl.Schema, column: IntoColumn, role: str) -> str:
    """The name of one numeric column; text, dates and durations would become Float64 without a word."""
    found = _schema_of(frame, schema, [column], role)
    if len(found) != 1:
        raise ValueError(f"{role} stands for {len(found)} columns, {_listed(found)}; give one")
    [(name, dtype)] = found.items()
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        raise TypeError(f"{role}={name!r} is {dtype}; give a column of numbers or Booleans")
    return name


def boolean(frame: pl.LazyFrame, schema: pl.Schema, column: IntoColumn, role: str) -> pl.Expr:
    """One column of Booleans."""
    found = _schema_of(frame, schema, [column], role)
    if list(found.values()) != [pl.Boolean]:
        given = ", ".join(f"{name!r}: {dtype}" for name, dtype in found.items())
        raise TypeError(f"{role} stands for {given}; give one column or expression of Booleans")
    return column_of(schema, column, role)


def distinct_keys(over: Sequence[str], by: Sequence[str], result: Iterable[str]) -> None:
    """Keys that differ from each other and from the columns of the result."""
    keys, result = [*over, *by], list(result)
    for i, key in enumerate(keys):
        if key in keys[:i]:
            raise ValueError(f"the key {key!r} is given twice; over={list(over)} and by={list(by)} must differ")
        if key in result:
            raise ValueError(
                f"the key {key!r} bears the name of a result column ({_listed(result, len(result))}); rename it first"
            )


def new_column(schema: pl.Schema, name: str) -> str:
    """A name that the frame does not have yet."""
    if not isinstance(name, str):
        raise TypeError(f"name={name!r}; give the new column's name")
    if name in schema:
        raise ValueError(f"name={name!r} is a column of the frame already; give another with name=")
    for column in schema:
        if column.startswith(PRIVATE):
            raise ValueError(
                f"the column {column!r} of the frame begins with {PRIVATE!r}, as private names do; rename it"
            )
    return name


# ---- names and numbers --------------------------------------------------------------------------------------------


def hyperparameters(sigma2: Any, tau2: Any, mu: Any) -> dict[str, Any]:
    """The three hyperparameters, each a known number, the name of its estimator, or a prior."""
    return {
        "sigma2": hyperparameter(sigma2, SIGMA2, "sigma2", OF_SIGMA, least=0.0),
        "tau2": hyperparameter(tau2, TAU2, "tau2", OF_TAU, least=0.0),
        "mu": hyperparameter(mu, MU, "mu", OF_MU, least=-math.inf),
    }


def hyperparameter(
    given: Any, methods: dict[str, Method], role: str, priors: dict[str, Any], least: float
) -> str | float | Prior | Normal | Flat:
    what = f"a number of {least:g} or more" if least == 0 else "a number"
    if isinstance(given, Prior | Normal | Flat) and given.name in priors:
        return given
    if isinstance(given, str):
        return _prior(given, role, priors) or one_of(given, methods, role, what)
    if isinstance(given, bool) or not hasattr(given, "__float__"):
        raise TypeError(f"{role}={given!r}; give {what}, or one of {_listed(methods)}")
    number = float(given)
    if not (math.isfinite(number) and number >= least):
        raise ValueError(f"{role}={given!r}; give {what}, or one of {_listed(methods)}")
    return number


def _prior(given: str, role: str, priors: dict[str, Any]) -> Any:
    """The prior that a text stands for; None for the name of an estimator, or one that is misspelt."""
    try:
        prior = parsed(given, priors)
    except ValueError as wrong:
        raise ValueError(f"{role}={given!r}: {str(wrong).partition(': ')[2]}") from None
    if prior is None and "(" in given:
        name = given.partition("(")[0].strip()
        forms = ", ".join(called(form) for form in priors.values())
        raise ValueError(f"{role}={given!r} is no prior; give one of {forms}{_nearest(name, priors)}")
    return prior


def integrated(sigma2: Any, tau2: Any, mu: Any) -> dict[str, Any]:
    """The hyperparameters of a model: what is estimated, and apart from it what is integrated out."""
    if isinstance(mu, Flat) and not isinstance(tau2, Prior):
        mu = "gls"
    if not any(isinstance(given, Prior | Normal) for given in (sigma2, tau2, mu)):
        return {"sigma2": sigma2, "tau2": tau2, "mu": mu}
    for role, given in (("sigma2", sigma2), ("mu", mu)):
        if isinstance(tau2, str) and isinstance(given, Prior | Normal):
            raise ValueError(
                f"{role}='{given}' does not go with tau2={tau2!r}, an estimate: give tau2 as a number or a prior such "
                "as 'half_cauchy(5)'"
            )
    if isinstance(mu, str) and mu != "gls":
        raise ValueError(
            f"mu={mu!r} does not go with a prior of tau2, where mu is integrated out: give 'gls', a number, or a prior "
            "such as 'normal(0, 5)'"
        )
    return {
        "sigma2": "pooled" if isinstance(sigma2, Prior) else sigma2,
        "tau2": tau2 if isinstance(tau2, float) else "reml",
        "mu": mu if isinstance(mu, float) else "gls",
        "priors": Priors(sigma2, tau2, mu),
    }


def one_of(given: Any, allowed: Iterable[str], role: str, also: str = "") -> str:
    """A name out of a list."""
    allowed = list(allowed)
    if isinstance(given, str) and given in allowed:
        return given
    choice = f"{also}, or one of {_listed(allowed)}" if also else f"one of {_listed(allowed)}"
    error = ValueError if isinstance(given, str) else TypeError
    raise error(f"{role}={given!r}; give {choice}{_nearest(given, allowed)}")


def level(given: Any) -> float:
    """The probability of an interval."""
    if isinstance(given, bool) or not hasattr(given, "__float__"):
        raise TypeError(f"level={given!r}; give a number between 0 and 1, such as 0.95")
    if not 0 < float(given) < 1:
        hint = f"; did you mean {float(given) / 100:g}?" if 1 < float(given) < 100 else ""
        raise ValueError(f"level={given!r}; give a number between 0 and 1, such as 0.95{hint}")
    return float(given)


def question(m: Model, given: Any, test: Any, limits: Any) -> inference.Question:
    """What is asked of components: the level, a test of mu, and limits of tau2 that its estimator has."""
    one_of(test, inference.TESTS, "test")
    if limits is not None:
        one_of(limits, inference.LIMITS, "limits")
    if m.priors and test != "z":
        raise ValueError(f"test={test!r} does not go with a prior: mu has a posterior")
    if m.priors and limits is not None:
        raise ValueError(f"limits={limits!r} does not go with a prior: tau2 has a posterior")
    if limits == "profile" and isinstance(m.tau2, str) and m.tau2 not in inference.LIKELIHOODS:
        fit = _listed(inference.LIKELIHOODS)
        raise ValueError(f"limits='profile' does not fit tau2={m.tau2!r}: give limits='q', or tau2 as one of {fit}")
    return inference.Question(level(given), test, limits)


def no_prior(m: Model, verb: str) -> None:
    """That a verb is asked of estimates."""
    if m.priors:
        given = {"sigma2": m.priors.sigma2, "tau2": m.priors.tau2, "mu": m.priors.mu}
        role, prior = next((role, x) for role, x in given.items() if isinstance(x, Prior | Normal))
        raise ValueError(f"{role}='{prior}' does not go with {verb}: give a number or the name of an estimator")


def some_prior(m: Model, tau2: Any) -> None:
    """That there is a posterior to draw from."""
    if not m.priors:
        raise ValueError(
            f"tau2={tau2!r} has no posterior to draw from: give a prior such as 'half_cauchy(5)', or a number beside a "
            "prior of mu or sigma2"
        )


def draws(given: Any) -> int:
    """How many draws."""
    return _whole(given, "draws", least=1)


def seed(given: Any) -> int | None:
    """Where the draws start from."""
    return None if given is None else _whole(given, "seed", least=0)


def _whole(given: Any, role: str, least: int) -> int:
    what = f"a whole number of {least} or more"
    if isinstance(given, bool) or not hasattr(given, "__index__"):
        raise TypeError(f"{role}={given!r}; give {what}")
    if int(given) < least:
        raise ValueError(f"{role}={given!r}; give {what}")
    return int(given)


def prior_of_profile(tau2: Any) -> Prior | None:
    """The prior whose posterior density is to stand beside the profile."""
    if tau2 is None or isinstance(tau2, Prior):
        return tau2
    prior: Prior | None = _prior(tau2, "tau2", OF_TAU) if isinstance(tau2, str) else None
    if prior is None:
        raise ValueError(f"tau2={tau2!r} does not fit a profile: give a prior such as 'half_cauchy(5)', or nothing")
    return prior


def gls_or_known(mu: Any) -> None:
    """mu along a profile: at its best, or known."""
    if isinstance(mu, str) and mu != "gls":
        raise ValueError(f"mu={mu!r} does not fit a profile, where mu is the most likely: give 'gls' or a number")


def taus(given: Any) -> tuple[float, ...]:
    """A grid of tau."""
    what = "a list of numbers, each 0 or more, such as [0, 1, 2]"
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"tau={given!r}; give {what}")
    grid = list(given)
    wrong = [x for x in grid if isinstance(x, bool | str) or not hasattr(x, "__float__")]
    if wrong:
        raise TypeError(f"tau holds {wrong[0]!r}; give {what}")
    bad = [x for x in grid if not 0 <= float(x) < math.inf]
    if bad or not grid:
        raise ValueError(f"tau holds {bad[0]!r}; give {what}" if bad else f"tau={given!r} is empty; give {what}")
    return tuple(float(x) for x in grid)


def uncertainty(given: Any, m: Model) -> str:
    """Which errors the standard error of an estimate holds."""
    one_of(given, UNCERTAINTY, "uncertainty")
    if m.priors and given != "mu":
        raise ValueError(
            f"uncertainty={given!r} does not go with a prior: the posterior holds the errors of mu and tau2"
        )
    if given == "tau2" and isinstance(m.tau2, str) and m.tau2 not in ERRORS:
        fit = _listed(name for name in TAU2 if name in ERRORS)
        raise ValueError(
            f"uncertainty='tau2' does not fit tau2={m.tau2!r}, which has no standard error: give a number, or one of "
            f"{fit}"
        )
    return str(given)


def threshold(given: Any) -> float | None:
    """What the true mean is to exceed, in units of the value; None where nothing is asked."""
    if given is None:
        return None
    if isinstance(given, bool) or not hasattr(given, "__float__"):
        raise TypeError(f"threshold={given!r}; give a number, in units of the value")
    if not math.isfinite(float(given)):
        raise ValueError(f"threshold={given!r}; give a finite number, in units of the value")
    return float(given)


def predict(given: Any, m: Model) -> str:
    """Of what the error is."""
    one_of(given, PREDICT, "predict")
    if given == "row" and m.input == "published":
        raise ValueError(
            "predict='row' does not go with se=: published estimates do not tell the variance of a row; "
            "give 'mean' or 'replicate'"
        )
    return str(given)


def interval(given: Any, predicted: Any, m: Model) -> str:
    """Which interval: by default normal for estimates, central for a posterior; the robust one is of the true mean."""
    if given is None:
        return "central" if m.priors else "normal"
    one_of(given, (*INTERVALS, *OF_POSTERIOR), "interval")
    if m.priors and given in INTERVALS:
        raise ValueError(f"interval={given!r} does not go with a prior: give 'central' or 'shortest'")
    if not m.priors and given in OF_POSTERIOR:
        raise ValueError(f"interval={given!r} is of a posterior: give a prior of tau2 or mu, or 'normal' or 'robust'")
    if given == "robust" and predicted != "mean":
        raise ValueError(
            f"interval='robust' does not go with predict={predicted!r}: it covers the true means; give predict='mean'"
        )
    return str(given)


def interval_of_components(given: Any, m: Model) -> str:
    """Which interval of a posterior; those of estimates follow from `test` and `limits`."""
    if given is None:
        return "central"
    one_of(given, OF_POSTERIOR, "interval")
    if not m.priors:
        raise ValueError(f"interval={given!r} is of a posterior: give a prior of tau2 or mu, or 'test' and 'limits'")
    return str(given)


def unseen(given: Any, frame: pl.LazyFrame, m: Model | Rates) -> pl.LazyFrame | None:
    """The keys of groups that may have no rows: those in `by`, and all or none of those in `over`."""
    if given is None:
        return None
    if not isinstance(given, pl.DataFrame | pl.LazyFrame):
        raise TypeError(f"groups is a {type(given).__qualname__}; give a polars.DataFrame or LazyFrame of keys")
    has, wants = given.lazy().collect_schema(), frame.select(*m.key_columns).collect_schema()
    over = [name for name in m.over_names if name in has]
    missing = [name for name in (*(m.over_names if over else ()), *m.by_names) if name not in has]
    if missing:
        raise pl.exceptions.ColumnNotFoundError(
            f"groups= has no column {missing[0]!r}; it has {_listed(has)}, and needs the keys of by and all or none of "
            f"those of over{_nearest(missing[0], has)}"
        )
    for name in (*over, *m.by_names):
        if has[name] != wants[name]:
            raise TypeError(
                f"the key {name!r} is {has[name]} in groups= and {wants[name]} in the frame; cast one of them"
            )
    return given.lazy().select(*over, *m.by_names)


# ---- regression ---------------------------------------------------------------------------------------------------


def regression(
    frame: pl.LazyFrame,
    value: IntoColumn,
    x: Keys,
    by: Keys,
    over: Keys | None,
    *,
    vary: Any,
    intercept: Any,
    correlated: Any,
    method: Any,
    weights: IntoColumn | None,
    nan: Any,
    result: Iterable[str],
) -> Regression:
    """The checked arguments of a regression whose groups have the columns `result`."""
    schema = frame.collect_schema()
    by_names, over_names, keyed = keys(frame, schema, by, over, result)
    names = {"value": numeric(frame, schema, value, "value")}
    if weights is not None:
        names["weights"] = numeric(frame, schema, weights, "weights")
    covariates = [x] if isinstance(x, str | pl.Expr) else list(x) if isinstance(x, list | tuple) else None
    if covariates is None:
        raise TypeError(f"x={x!r}; give a column name, an expression, or a list of them, [] for none")
    covariate_names = tuple(numeric(frame, schema, covariate, "x") for covariate in covariates)
    for i, name in enumerate(covariate_names):
        if name in covariate_names[:i]:
            raise ValueError(f"x names {name!r} twice; give every covariate once, an expression with .alias(...)")
        if name == names["value"]:
            raise ValueError(f"x={name!r} is the value itself; give other covariates, an expression with .alias(...)")
        if name == INTERCEPT and flag(intercept, "intercept"):
            raise ValueError(f"x={name!r} bears the name of the intercept: rename it, or give intercept=False")
    terms = (INTERCEPT,) * flag(intercept, "intercept") + covariate_names
    if not terms:
        raise ValueError("intercept=False and x=[] leave no term; give a covariate, or keep the intercept")
    return Regression(
        column_of(schema, value, "value"),
        tuple(column_of(schema, covariate, "x") for covariate in covariates),
        covariate_names,
        bool(intercept),
        _varying(vary, terms),
        flag(correlated, "correlated"),
        by_names,
        over_names,
        keyed,
        None if weights is None else column_of(schema, weights, "weights"),
        one_of(method, ("reml", "ml"), "method") == "reml",
        one_of(nan, ("error", "null"), "nan"),
        names,
    )


def rows_to_predict(given: Any, frame: pl.LazyFrame, m: Regression) -> pl.LazyFrame | None:
    """Rows that have the covariates and keys of a regression; None for those of the frame."""
    if not (given is None or isinstance(given, pl.DataFrame | pl.LazyFrame)):
        raise TypeError(f"rows is a {type(given).__qualname__}; give a polars.DataFrame or LazyFrame")
    rows = frame if given is None else given.lazy()
    schema = rows.collect_schema()
    for name in PREDICTIONS:
        if name in schema:
            raise ValueError(f"the rows have a column {name!r} already; rename it first")
    for column in schema:
        if column.startswith(PRIVATE):
            raise ValueError(
                f"the column {column!r} of the rows begins with {PRIVATE!r}, as private names do; rename it"
            )
    if given is None:
        return None
    has = _schema_of(rows, schema, m.key_columns, "rows")
    for name, dtype in frame.select(*m.key_columns).collect_schema().items():
        if has[name] != dtype:
            raise TypeError(f"the key {name!r} is {has[name]} in rows= and {dtype} in the frame; cast one of them")
    for covariate in m.covariates:
        numeric(rows, schema, covariate, "rows")
    return rows


def _varying(given: Any, terms: tuple[str, ...]) -> tuple[str, ...]:
    """The terms that vary by group, in the order of the terms."""
    named = [given] if isinstance(given, str) else list(given) if isinstance(given, list | tuple) else None
    if named is None or not all(isinstance(name, str) for name in named):
        raise TypeError(f"vary={given!r}; give a list of terms out of {_listed(terms)}")
    for i, name in enumerate(named):
        if name not in terms:
            raise ValueError(
                f"vary names {name!r}, which is no term; give some of {_listed(terms)}{_nearest(name, terms)}"
            )
        if name in named[:i]:
            raise ValueError(f"vary names {name!r} twice; give every term once")
    if not named:
        raise ValueError(f"vary={given!r} lets no term vary by group; give some of {_listed(terms)}")
    return tuple(name for name in terms if name in named)


def flag(given: Any, role: str) -> bool:
    if not isinstance(given, bool):
        raise TypeError(f"{role}={given!r}; give True or False")
    return given


# ---- rates and counts ---------------------------------------------------------------------------------------------


def asks_for_rates(trials: Any, exposure: Any, family: Any, prior: Any, others: dict[str, tuple[Any, Any]]) -> bool:
    """Whether events are counted out of something; what else is asked must then be left at its default."""
    given = {"trials": trials, "exposure": exposure, "family": family}
    chosen = [role for role, value in given.items() if value is not None]
    if not chosen:
        if prior != "ml":
            raise ValueError(f"prior={prior!r} is of rates: give trials=, exposure= or family='binomial' too")
        return False
    for role, (value, default) in others.items():
        if value is not default and value != default:
            raise ValueError(
                f"{role}={value!r} does not go with {chosen[0]}=: a rate carries its variance in its counts"
            )
    return True


def uncertainty_of_rates(given: Any, m: Rates) -> str:
    """Which errors the standard error of a rate includes."""
    if one_of(given, UNCERTAINTY, "uncertainty") == "tau2":
        raise ValueError(
            f"uncertainty='tau2' does not go with {m.role}=: rates have an overdispersion and no tau2; give 'mu' or "
            "'conditional'"
        )
    return str(given)


def no_posterior(given: Any) -> None:
    """That the parameters of a posterior are asked of rates alone."""
    if flag(given, "posterior"):
        raise ValueError("posterior=True is of rates: give trials=, exposure= or family='binomial' too")


def rates(
    frame: pl.LazyFrame,
    value: IntoColumn,
    by: Keys,
    over: Keys | None,
    *,
    trials: IntoColumn | None,
    exposure: IntoColumn | None,
    family: Any,
    prior: Any,
    nan: Any,
    result: Iterable[str],
) -> Rates:
    """The checked arguments of a model of rates whose groups have the columns `result`."""
    schema = frame.collect_schema()
    by_names, over_names, keyed = keys(frame, schema, by, over, result)
    if trials is not None and exposure is not None:
        raise ValueError("trials= does not go with exposure=: events are counted out of trials, or in an exposure")
    of = "binomial" if exposure is None else "poisson"
    if family is not None and one_of(family, ("binomial", "poisson"), "family") != of:
        need = "exposure=" if family == "poisson" else "trials=, or no exposure="
        raise ValueError(f"family={family!r} needs {need}")
    size = trials if exposure is None else exposure
    given = {"value": value} | ({} if size is None else {"trials" if exposure is None else "exposure": size})
    return Rates(
        column_of(schema, value, "value"),
        None if size is None else column_of(schema, size, "trials" if exposure is None else "exposure"),
        "binomial" if of == "binomial" else "poisson",
        _prior_of_rates(prior, OF_RATES[of]),
        by_names,
        over_names,
        keyed,
        one_of(nan, ("error", "null"), "nan"),
        {role: numeric(frame, schema, column, role) for role, column in given.items()},
    )


def _prior_of_rates(given: Any, known: type[Beta | Gamma]) -> str | Beta | Gamma:
    """An estimator by name, or a known prior of the family."""
    if isinstance(given, known):
        return given
    if isinstance(given, str):
        prior: str | Beta | Gamma | None = _prior(given, "prior", {known.name: known})
        return prior or one_of(given, ("ml", "moments"), "prior", f"a known prior, {called(known)}")
    raise TypeError(f"prior={given!r}; give a known prior, {called(known)}, or one of 'ml', 'moments'")


# ---- which method on which input ----------------------------------------------------------------------------------


def fitting(m: Model) -> None:
    """Columns that go together, and methods that fit them."""
    if m.se is not None:
        for role, column in (("var", m.var), ("weights", m.weights)):
            if column is not None:
                raise ValueError(f"{role}= does not go with se=: published estimates carry their error in se alone")
        if m.sigma2 != "pooled":
            raise ValueError(f"sigma2={m.sigma2!r} does not go with se=: the sampling variance is known, se squared")
    elif (m.n is None) != (m.var is None):
        given, missing = ("n", "var") if m.var is None else ("var", "n")
        raise ValueError(f"{given}= without {missing}=; stored moments need both, published estimates need se=")
    if isinstance(m.mu, str) and m.se is not None and MU[m.mu].needs_n and m.n is None:
        raise ValueError(f"mu={m.mu!r} weighs by rows, and se= alone does not tell them: give n=, or {_fits(MU)}")
    if isinstance(m.tau2, str):
        _fitting_estimator(m, TAU2[m.tau2])


def _fitting_estimator(m: Model, method: Method) -> None:
    if m.se is not None and method.needs_n and m.n is None:
        raise ValueError(
            f"tau2={method.name!r} weighs by rows, and se= alone does not tell them: give n=, or {_fits(TAU2)}"
        )
    known_v = {"se=": m.se is not None, f"sigma2={m.sigma2!r}": m.sigma2 != "pooled"}
    for given, present in known_v.items():
        if present and method.given is None:
            fit = _listed(name for name, other in TAU2.items() if other.given is not None)
            raise ValueError(f"tau2={method.name!r} does not fit {given}: give a number, or one of {fit}")
    if m.weights is not None and not method.weighted:
        fit = _listed(name for name, other in TAU2.items() if other.weighted)
        raise ValueError(f"tau2={method.name!r} does not fit weights=: give a number, or one of {fit}")


def _fits(methods: dict[str, Method]) -> str:
    return f"one of {_listed(name for name, method in methods.items() if not method.needs_n and method.weighted)}"


def _listed(names: Iterable[str], most: int = 20) -> str:
    names = list(names)
    return ", ".join(repr(name) for name in names[:most]) + (f" … ({len(names)} in all)" if len(names) > most else "")


def _nearest(given: Any, allowed: Iterable[str]) -> str:
    folded = {name.casefold(): name for name in allowed}
    matches = get_close_matches(given.casefold(), folded, 1, 0.5) if isinstance(given, str) else []
    return f"; did you mean {folded[matches[0]]!r}?" if matches else ""
