"""The checked request of each model family: means, regressions, rates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import polars as pl

from ..formulas.names import (
    Family,
    Likelihood,
    NaN,
    OfRates,
)
from ..formulas.priors import (
    OF_RATES,
    Beta,
    Gamma,
    called,
)
from ..models.oneway.spec import Model
from ..models.rates.spec import Rates
from ..models.regression.spec import INTERCEPT, Regression
from ..models.warning import warn_of_boolean
from .columns import IntoColumn, Keys, column_of, keys, numeric, some_column
from .fitting import fitting
from .hyperparameters import hyperparameters, integrated, is_prior, prior_of_text
from .options import flag, one_of
from .sentences import listed, nearest, series_hint, shown


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
    some_column((*known.values(), *keyed))
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
        raise TypeError(
            f"x={shown(x)}; give a column name, an expression, or a list of them, [] for none{series_hint(x)}"
        )
    covariate_names = tuple(numeric(frame, schema, covariate, "x")[0] for covariate in covariates)
    for i, name in enumerate(covariate_names):
        if name in covariate_names[:i]:
            raise ValueError(f"x names {name!r} twice; give every covariate once, an expression with .alias(...)")
        if name == names["value"]:
            raise ValueError(f"x={name!r} is the value itself; give other covariates, an expression with .alias(...)")
        if name == INTERCEPT and flag(intercept, "intercept"):
            raise ValueError(f"x={name!r} bears the name of the intercept: rename it, or give intercept=False")
    some_column((column_of(schema, value, "value"), *keyed, *(column_of(schema, c, "x") for c in covariates)))
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


def _varying(given: Any, terms: tuple[str, ...]) -> tuple[str, ...]:
    """The terms that vary by group, in the order of the terms."""
    named = [given] if isinstance(given, str) else list(given) if isinstance(given, list | tuple) else None
    if named is None or not all(isinstance(name, str) for name in named):
        raise TypeError(f"vary={shown(given)}; give a list of terms out of {listed(terms)}")
    for i, name in enumerate(named):
        if name not in terms:
            raise ValueError(
                f"vary names {name!r}, which is no term; give some of {listed(terms)}{nearest(name, terms)}"
            )
        if name in named[:i]:
            raise ValueError(f"vary names {name!r} twice; give every term once")
    if not named:
        raise ValueError(f"vary={given!r} lets no term vary by group; give some of {listed(terms)}")
    return tuple(name for name in terms if name in named)


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
    some_column((*columns.values(), *keyed))
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
        prior: str | Beta | Gamma | None = prior_of_text(given, "prior", {known.name: known})
        return prior or one_of(given, get_args(OfRates), "prior", f"a known prior, {called(known)}")
    if isinstance(given, known):
        return given
    if isinstance(given, type):
        is_prior(given, "prior", {known.name: known})
    methods = listed(get_args(OfRates))
    raise TypeError(f"prior={shown(given)}; give a known prior, {called(known)}, or one of {methods}")
