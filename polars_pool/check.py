"""Every argument check and every message: from the schema, never from data. Checked once, at the public boundary."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, get_args

import polars as pl

from .engines import inference
from .engines.model import PRIVATE, Model, Priors
from .engines.rates.model import Rates
from .engines.regression.model import INTERCEPT, PREDICTIONS, Regression
from .formulas import estimators as _estimators  # noqa: F401  fills the registry
from .formulas.errors import ERRORS
from .formulas.names import (
    Family,
    Interval,
    Likelihood,
    Limits,
    NaN,
    OfEstimates,
    OfPosterior,
    OfRates,
    Predict,
    Test,
    Uncertainty,
)
from .formulas.registry import MU, SIGMA2, TAU2, Method
from .priors import (
    EXAMPLES,
    OF_MU,
    OF_RATES,
    OF_SIGMA,
    OF_TAU,
    Beta,
    Flat,
    Gamma,
    Normal,
    Prior,
    called,
    parsed,
    signature,
)
from .rowwise import is_rowwise
from .warning import warn_of_boolean

BINOMIAL = "family='binomial'"
AS_A_COLUMN = (
    "give an expression without aggregates, windows and the like, or add what it computes to the frame first, with "
    "with_columns()"
)

SIGNED, UNSIGNED = {pl.Int8, pl.Int16, pl.Int32, pl.Int64}, {pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64}

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
    sigma2: Any = "pooled",
    tau2: Any = "reml",
    mu: Any = "gls",
    nan: Any = "error",
    rates: str | None = None,
) -> Model:
    """The checked arguments of a verb whose result has the columns `result`.

    A Boolean value is pooled as 0 and 1, with a warning that names what pools it as rates instead, unless that is None.
    """
    schema = frame.collect_schema()
    by_names, over_names, keyed = keys(frame, schema, by, over, result)
    given = {"value": value, "n": n, "var": var, "se": se, "weights": weights}
    columns = {role: numeric(frame, schema, column, role) for role, column in given.items() if column is not None}
    names = {role: name for role, (name, _) in columns.items()}
    known: dict[str, Any] = {role: column_of(schema, given[role], role) for role in names}
    _of_rows((*known.values(), *keyed))
    known |= integrated(**hyperparameters(sigma2, tau2, mu))
    checked = Model(
        by_names=by_names,
        over_names=over_names,
        key_columns=keyed,
        names=names,
        nan=one_of(nan, get_args(NaN), "nan"),
        **known,
    )
    fitting(checked)
    if rates is not None and columns["value"][1] == pl.Boolean:
        warn_of_boolean(names["value"], rates)
    return checked


# ---- frames and columns -------------------------------------------------------------------------------------------


def lazy(frame: Any) -> pl.LazyFrame:
    """A LazyFrame of a Polars frame."""
    if isinstance(frame, pl.LazyFrame):
        return frame
    if isinstance(frame, pl.DataFrame):
        return frame.lazy()
    raise TypeError(f"frame is a {_kind(frame)}; give a polars.DataFrame or polars.LazyFrame")


def key_columns(keys: Any, role: str) -> list[IntoColumn]:
    """One key or several as a list."""
    listed = list(keys) if isinstance(keys, list | tuple) else [keys]
    for key in listed:
        if not isinstance(key, str | pl.Expr):
            raise TypeError(f"{role}={shown(key)}; give a column name, an expression, or a list of them{_column(key)}")
    if not listed:
        raise ValueError(f"{role}={keys!r} names no key; give at least one column name or expression")
    return listed


def keys(
    frame: pl.LazyFrame, schema: pl.Schema, by: Keys, over: Keys | None, result: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[pl.Expr, ...]]:
    """The names of by and of over, which differ from each other and the result's, and the columns of over and by."""
    columns = {"by": key_columns(by, "by"), "over": [] if over is None else key_columns(over, "over")}
    by_names, over_names = (_names(frame, schema, some, role) for role, some in columns.items())
    for role, names in (("by", by_names), ("over", over_names)):
        if columns[role] and not names:
            given = shown(columns[role][0])
            raise ValueError(f"{role}={given} selects no column of the frame; it has {_listed(schema)}")
    distinct_keys(over_names, by_names, result)
    return by_names, over_names, tuple(column_of(schema, c, role) for role in ("over", "by") for c in columns[role])


def column_of(schema: pl.Schema, column: Any, role: str) -> pl.Expr:
    """A column as an expression; a name is looked up as it stands, whatever characters it has."""
    column = name_or_expression(column, role)
    if isinstance(column, pl.Expr):
        return column
    if column not in schema:
        raise pl.exceptions.ColumnNotFoundError(
            f"{role}={column!r} is no column of the frame; it has {_listed(schema)}{_nearest(column, schema)}"
        )
    return named(column)


def named(column: str) -> pl.Expr:
    """The column of a name, of which Polars would read ^…$ as a pattern and * as every column."""
    return pl.col(f"^{re.escape(column)}$") if column.startswith(("^", "*")) else pl.col(column)


def name_or_expression(given: Any, role: str) -> IntoColumn:
    """A column by its name or as an expression: numbers, arrays and Series are none."""
    if isinstance(given, str | pl.Expr):
        return given
    instead = _column(given)
    if isinstance(given, int | float) and not isinstance(given, bool):
        trial = role == "trials" and given == 1
        instead = ", or family='binomial' where each row is one trial" if trial else f", such as pl.lit({given!r})"
    raise TypeError(f"{role}={shown(given)}; give a column name or an expression{instead}")


def rowwise(column: IntoColumn, role: str, instead: str = AS_A_COLUMN) -> None:
    """That the value of each row comes from that row alone: an aggregate would be repeated in every row."""
    if isinstance(column, pl.Expr) and not is_rowwise(column):
        raise ValueError(f"{role}={shown(column)} is not computed row by row; {instead}")


def _of_rows(columns: Sequence[pl.Expr]) -> None:
    """That a model has a column of the frame: constants alone would be one row, whatever the frame has."""
    if not any(column.meta.root_names() or column.meta.has_multiple_outputs() for column in columns):
        listed = ", ".join(map(shown, columns))
        raise ValueError(f"the value and the keys are constants, {listed}; give at least one column of the frame")


def _schema_of(frame: pl.LazyFrame, schema: pl.Schema, columns: Iterable[IntoColumn], role: str) -> pl.Schema:
    expressions = [column_of(schema, column, role) for column in columns]
    for expression in expressions:
        rowwise(expression, role)
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


def numeric(frame: pl.LazyFrame, schema: pl.Schema, column: IntoColumn, role: str) -> tuple[str, pl.DataType]:
    """The name and type of one numeric column; text, dates and durations would become Float64 without a word."""
    found = _schema_of(frame, schema, [column], role)
    one_column(list(found), role)
    [(name, dtype)] = found.items()
    if not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
        raise TypeError(f"{role}={name!r} is {dtype}; give a column of numbers or Booleans")
    return name, dtype


def one_column(names: Sequence[str], role: str) -> None:
    """That a column or expression stands for one column."""
    if len(names) != 1:
        raise ValueError(f"{role} stands for {len(names)} columns, {_listed(names)}; give one")


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
        raise TypeError(f"name={shown(name)}; give the new column's name")
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
    if isinstance(given, str):
        return _prior(given, role, priors) or one_of(given, methods, role, what)
    if is_prior(given, role, priors):
        return given  # type: ignore[no-any-return]
    if not is_number(given):
        raise TypeError(f"{role}={shown(given)}; give {what}, or one of {_listed(methods)}")
    number = float(given)
    if not (math.isfinite(number) and number >= least):
        raise ValueError(f"{role}={given!r}; give {what}, or one of {_listed(methods)}")
    return number


def is_prior(given: Any, role: str, allowed: dict[str, Any]) -> bool:
    """Whether a prior is given, which must be one of those allowed, and no class of them."""
    kind = given if isinstance(given, type) else type(given)
    if not issubclass(kind, Prior | Normal | Flat | Beta | Gamma):
        return False
    forms = ", ".join(signature(prior) for prior in allowed.values())
    if kind not in allowed.values():
        of = "these rates" if role == "prior" else role
        raise TypeError(f"{role}={shown(given)} is no prior of {of}; give one of {forms}")
    if kind is given:
        example = next(EXAMPLES[prior] for prior in allowed.values() if prior in EXAMPLES)
        raise TypeError(
            f"{role}={shown(given)} is a class of priors; call it with numbers, such as {role}={example}; give one of "
            f"{forms}"
        )
    return True


def is_number(given: Any) -> bool:
    """Whether something is one number: an array or a Series is none."""
    return not isinstance(given, bool | str | type) and hasattr(given, "__float__") and getattr(given, "ndim", 0) == 0


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
    raise error(f"{role}={shown(given)}; give {choice}{_nearest(given, allowed)}")


def level(given: Any) -> float:
    """The probability of an interval."""
    if not is_number(given):
        raise TypeError(f"level={shown(given)}; give a number between 0 and 1, such as 0.95")
    if not 0 < float(given) < 1:
        hint = f"; did you mean {float(given) / 100:g}?" if 1 < float(given) < 100 else ""
        raise ValueError(f"level={given!r}; give a number between 0 and 1, such as 0.95{hint}")
    return float(given)


def question(m: Model, given: Any, test: Any, limits: Any) -> inference.Question:
    """What is asked of components: the level, a test of mu, and limits of tau2 that its estimator has."""
    one_of(test, get_args(Test), "test")
    if limits is not None:
        one_of(limits, get_args(Limits), "limits")
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
    if not is_number(given) or not hasattr(given, "__index__"):
        raise TypeError(f"{role}={shown(given)}; give {what}")
    if int(given) < least:
        raise ValueError(f"{role}={given!r}; give {what}")
    return int(given)


def prior_of_profile(tau2: Any) -> Prior | None:
    """The prior whose posterior density is to stand beside the profile."""
    if tau2 is None or is_prior(tau2, "tau2", OF_TAU):
        return tau2  # type: ignore[no-any-return]
    prior: Prior | None = _prior(tau2, "tau2", OF_TAU) if isinstance(tau2, str) else None
    if prior is None:
        raise ValueError(
            f"tau2={shown(tau2)} does not fit a profile: give a prior such as 'half_cauchy(5)', or nothing"
        )
    return prior


def gls_or_known(mu: Any) -> None:
    """mu along a profile: at its best, or known."""
    if isinstance(mu, str) and mu != "gls":
        raise ValueError(f"mu={mu!r} does not fit a profile, where mu is the most likely: give 'gls' or a number")


def taus(given: Any) -> tuple[float, ...]:
    """A grid of tau."""
    what = "a list of numbers, each 0 or more, such as [0, 1, 2]"
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"tau={shown(given)}; give {what}")
    grid = list(given)
    wrong = [x for x in grid if not is_number(x)]
    if wrong:
        raise TypeError(f"tau holds {shown(wrong[0])}; give {what}")
    bad = [x for x in grid if not 0 <= float(x) < math.inf]
    if bad or not grid:
        raise ValueError(f"tau holds {bad[0]!r}; give {what}" if bad else f"tau={shown(given)} is empty; give {what}")
    return tuple(float(x) for x in grid)


def uncertainty(given: Any, m: Model) -> str:
    """Which errors the standard error of an estimate holds."""
    one_of(given, get_args(Uncertainty), "uncertainty")
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
    if not is_number(given):
        raise TypeError(f"threshold={shown(given)}; give a number, in units of the value")
    if not math.isfinite(float(given)):
        raise ValueError(f"threshold={given!r}; give a finite number, in units of the value")
    return float(given)


def predict(given: Any, m: Model) -> str:
    """Of what the error is."""
    one_of(given, get_args(Predict), "predict")
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
    one_of(given, get_args(Interval), "interval")
    if m.priors and given in get_args(OfEstimates):
        raise ValueError(f"interval={given!r} does not go with a prior: give 'central' or 'shortest'")
    if not m.priors and given in get_args(OfPosterior):
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
    one_of(given, get_args(OfPosterior), "interval")
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
    types = {name: key_type(has[name], wants[name]) for name in (*over, *m.by_names)}
    for name, dtype in types.items():
        if dtype is None:
            raise TypeError(
                f"the key {name!r} is {has[name]} in groups= and {wants[name]} in the frame; cast one of them"
            )
    return given.lazy().select(pl.col(name).cast(dtype) for name, dtype in types.items() if dtype is not None)


def key_type(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """The type of keys of two frames that holds the values of both: theirs, a wider integer, or text."""
    types = {one, other}
    if len(types) == 1:
        return one
    if types <= SIGNED | {pl.UInt8, pl.UInt16, pl.UInt32} or types <= UNSIGNED:
        wide = pl.concat([pl.DataFrame(schema={"key": dtype}) for dtype in types], how="vertical_relaxed")
        return wide.schema["key"]
    return pl.String() if all(dtype in (pl.String, pl.Categorical, pl.Enum) for dtype in types) else None


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
    names = {"value": numeric(frame, schema, value, "value")[0]}
    if weights is not None:
        names["weights"] = numeric(frame, schema, weights, "weights")[0]
    covariates = [x] if isinstance(x, str | pl.Expr) else list(x) if isinstance(x, list | tuple) else None
    if covariates is None:
        raise TypeError(f"x={shown(x)}; give a column name, an expression, or a list of them, [] for none{_column(x)}")
    covariate_names = tuple(numeric(frame, schema, covariate, "x")[0] for covariate in covariates)
    for i, name in enumerate(covariate_names):
        if name in covariate_names[:i]:
            raise ValueError(f"x names {name!r} twice; give every covariate once, an expression with .alias(...)")
        if name == names["value"]:
            raise ValueError(f"x={name!r} is the value itself; give other covariates, an expression with .alias(...)")
        if name == INTERCEPT and flag(intercept, "intercept"):
            raise ValueError(f"x={name!r} bears the name of the intercept: rename it, or give intercept=False")
    _of_rows((column_of(schema, value, "value"), *keyed, *(column_of(schema, c, "x") for c in covariates)))
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
        one_of(method, get_args(Likelihood), "method") == "reml",
        one_of(nan, get_args(NaN), "nan"),
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
        raise TypeError(f"vary={shown(given)}; give a list of terms out of {_listed(terms)}")
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
        raise TypeError(f"{role}={shown(given)}; give True or False")
    return given


# ---- rates and counts ---------------------------------------------------------------------------------------------


def asks_for_rates(trials: Any, exposure: Any, family: Any, prior: Any, others: dict[str, tuple[Any, Any]]) -> bool:
    """Whether events are counted out of something; what else is asked must then be left at its default."""
    given = {"trials": trials, "exposure": exposure, "family": family}
    chosen = [role for role, value in given.items() if value is not None]
    if chosen == ["family"] and one_of(family, get_args(Family), "family") == "normal":
        chosen = []
    if not chosen:
        if not _is(prior, "ml"):
            raise ValueError(f"prior={shown(prior)} is of rates: give trials=, exposure= or family='binomial' too")
        return False
    for role, (value, default) in others.items():
        if not _is(value, default):
            raise ValueError(
                f"{role}={shown(value)} does not go with {chosen[0]}=: a rate carries its variance in its counts"
            )
    return True


def _is(given: Any, default: str | float | None) -> bool:
    """Whether an argument is left at its default; a column or an array is not, and has no single truth value."""
    return given is default or (isinstance(given, str | int | float) and given == default)


def no_rates(family: Any, verb: str) -> str | None:
    """What pools a Boolean value as rates where a verb does not; None where the family is normal."""
    instead = "the expression pl.col(...).pool.shrink(by=..., family='binomial')"
    if family is None:
        return instead
    if one_of(family, get_args(Family), "family") != "normal":
        raise ValueError(f"family={family!r} does not fit {verb}, which pools means: {instead} puts rates beside rows")
    return None


def uncertainty_of_rates(given: Any, m: Rates) -> str:
    """Which errors the standard error of a rate includes."""
    if one_of(given, get_args(Uncertainty), "uncertainty") == "tau2":
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
    if family is not None and one_of(family, get_args(Family), "family") != of:
        needs = {
            "poisson": "exposure=",
            "binomial": "trials=, or no exposure=",
            "normal": "no trials= and no exposure=",
        }
        raise ValueError(f"family={family!r} needs {needs[family]}")
    size, role = (trials, "trials") if exposure is None else (exposure, "exposure")
    given = {"value": value} | ({} if size is None else {role: size})
    columns = {role: column_of(schema, column, role) for role, column in given.items()}
    _of_rows((*columns.values(), *keyed))
    return Rates(
        columns["value"],
        columns.get(role),
        "binomial" if of == "binomial" else "poisson",
        _prior_of_rates(prior, OF_RATES[of]),
        by_names,
        over_names,
        keyed,
        one_of(nan, get_args(NaN), "nan"),
        {role: numeric(frame, schema, column, role)[0] for role, column in given.items()},
    )


def _prior_of_rates(given: Any, known: type[Beta | Gamma]) -> str | Beta | Gamma:
    """An estimator by name, or a known prior of the family."""
    if isinstance(given, str):
        prior: str | Beta | Gamma | None = _prior(given, "prior", {known.name: known})
        return prior or one_of(given, get_args(OfRates), "prior", f"a known prior, {called(known)}")
    if isinstance(given, known):
        return given
    if isinstance(given, type):
        is_prior(given, "prior", {known.name: known})
    methods = _listed(get_args(OfRates))
    raise TypeError(f"prior={shown(given)}; give a known prior, {called(known)}, or one of {methods}")


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


def shown(given: Any) -> str:
    """An argument in one line: an expression as Polars writes it, a class by its name, a table or array by its kind."""
    if isinstance(given, pl.Expr):
        return str(given)
    if isinstance(given, type):
        return given.__name__
    text = repr(given)
    return f"<{_kind(given)}>" if "\n" in text or len(text) > 80 else text


def _kind(given: Any) -> str:
    return f"{type(given).__module__.partition('.')[0]}.{type(given).__qualname__}"


def _column(given: Any) -> str:
    """The name of a Series, which is no column of the frame but most likely stems from one."""
    name = getattr(given, "name", None)
    return f"; did you mean {name!r}?" if isinstance(name, str) and name and hasattr(given, "dtype") else ""


def _listed(names: Iterable[str], most: int = 20) -> str:
    names = list(names)
    return ", ".join(repr(name) for name in names[:most]) + (f" … ({len(names)} in all)" if len(names) > most else "")


def _nearest(given: Any, allowed: Iterable[str]) -> str:
    folded = {name.casefold(): name for name in allowed}
    matches = get_close_matches(given.casefold(), folded, 1, 0.5) if isinstance(given, str) else []
    return f"; did you mean {folded[matches[0]]!r}?" if matches else ""
