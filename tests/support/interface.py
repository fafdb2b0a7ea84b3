"""A listing of the public interface: names, arguments with defaults, columns, macros, options."""

import inspect
import json
import warnings
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import typer

import polars_pool as pool
from polars_pool.cli.commands import app

LISTING = Path(__file__).parents[1] / "project" / "interface.json"
ROWS = pl.DataFrame({"g": [1, 1, 2, 2, 3, 3], "h": [0, 1] * 3, "y": [1.0, 2.0, 5.0, 7.0, 3.0, 2.0], "k": [0, 1] * 3})
STUDIES = pl.DataFrame({"g": [1, 2, 3, 4], "y": [1.0, 4.0, 2.0, 7.0], "se": [0.5, 1.0, 0.7, 0.6]})
CALLS: dict[str, Any] = {
    "moments": lambda: pool.moments(ROWS, "y", "g"),
    "moments with weights": lambda: pool.moments(ROWS, "y", "g", weights="h"),
    "components": lambda: pool.components(ROWS, "y", "g"),
    "components of a posterior": lambda: pool.components(STUDIES, "y", "g", se="se", tau2=pool.HalfCauchy(1)),
    "components of rates": lambda: pool.components(ROWS, "k", "g", family="binomial"),
    "components of counts": lambda: pool.components(ROWS, "k", "g", exposure="y"),
    "profile": lambda: pool.profile(ROWS, "y", "g", tau=[0, 1]),
    "profile of groups": lambda: pool.profile(ROWS, "y", "g", tau=[0, 1], groups=True),
    "profile of rates": lambda: pool.profile(ROWS, "k", "g", family="binomial", rho=[0, 0.1]),
    "profile of groups of rates": lambda: pool.profile(ROWS, "k", "g", family="binomial", rho=[0], groups=True),
    "shrink": lambda: pool.shrink(ROWS, "y", "g", interval="robust", threshold=2.0),
    "shrink rates": lambda: pool.shrink(ROWS, "k", "g", family="binomial", threshold=0.5, posterior=True),
    "encode": lambda: pool.encode(ROWS, "y", "g"),
    "compare": lambda: pool.compare(ROWS, "y", "g"),
    "compare rates": lambda: pool.compare(ROWS, "k", "g", family="binomial"),
    "rank": lambda: pool.rank(ROWS, "y", "g", top=1),
    "posterior_draws": lambda: pool.posterior_draws(
        STUDIES, "y", "g", se="se", tau2=pool.HalfCauchy(1), draws=1, seed=1
    ),
    "posterior_draws of rates": lambda: pool.posterior_draws(ROWS, "k", "g", family="binomial", draws=1, seed=1),
    "regress": lambda: pool.regress(ROWS, "y", x=["h"], by="g"),
    "regress_components": lambda: pool.regress_components(ROWS, "y", x=["h"], by="g"),
    "regress_coefficients": lambda: pool.regress_coefficients(ROWS, "y", x=["h"], by="g"),
    "covariances": lambda: pool.regress_coefficients(ROWS, "y", x=["h"], by="g", covariance=True),
    "predict": lambda: pool.predict(ROWS, "y", x=["h"], by="g", interval="row"),
}


def arguments(function: Any) -> list[str]:
    """The arguments of a function with their defaults, without their types."""
    parameters = inspect.signature(function).parameters.values()
    return [str(parameter.replace(annotation=inspect.Parameter.empty)) for parameter in parameters]


def _is_called(member: Any) -> bool:
    return callable(member) and not (isinstance(member, type) and issubclass(member, Exception))


def listing() -> dict[str, Any]:
    """The public interface, which must not change by accident."""
    members = {"FramePool": pool.FramePool, "ExprPool": pool.ExprPool, "MomentStore": pool.MomentStore}
    methods = {
        f"{name}.{method}": arguments(function)
        for name, kind in members.items()
        for method, function in inspect.getmembers(kind, callable)
        if not method.startswith("_")
    }
    functions = {name: arguments(getattr(pool, name)) for name in pool.__all__ if _is_called(getattr(pool, name))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        columns = {
            name: [f"{column}: {dtype}" for column, dtype in call().schema.items()] for name, call in CALLS.items()
        }
    with duckdb.connect() as connection:
        pool.install_macros(connection)
        macros = connection.execute(
            "SELECT DISTINCT function_name, parameters FROM duckdb_functions() "
            "WHERE function_name LIKE 'pool\\_%' ESCAPE '\\' ORDER BY ALL"
        ).fetchall()
    commands = {
        name: sorted(option for parameter in command.params for option in parameter.opts)
        for name, command in typer.main.get_command(app).commands.items()  # type: ignore[attr-defined]
    }
    return {
        "names": sorted(pool.__all__),
        "functions": functions,
        "methods": methods,
        "columns": columns,
        "macros": [[name, parameters] for name, parameters in macros],
        "commands": commands,
    }


def text() -> str:
    return json.dumps(listing(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    LISTING.write_text(text(), encoding="utf-8")
