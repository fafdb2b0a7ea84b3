"""Every formula gives the same on every engine it runs on: NumPy columns, Polars expressions and printed SQL."""

import inspect

import duckdb
import numpy as np
import polars as pl
import pytest

import polars_pool as pool
from polars_pool.engines import numpy as _numpy  # noqa: F401  registers its functions
from polars_pool.engines import sql

FORMULAS = [pytest.param(name, formula, id=name) for _, name, formula in sql.formulas()]
EDGES = [0.0, 1.0, 2.0, 0.5, 7.25, np.inf]  # no rows, one row, exact means, unknown ones


def columns(formula) -> dict[str, np.ndarray]:
    """For every parameter the edges and some ordinary numbers, in an order of its own."""
    names = list(inspect.signature(formula).parameters)
    rng = np.random.default_rng(len(names))
    values = np.concatenate([EDGES, rng.uniform(0.1, 9.0, size=30)])
    if "sum(" in sql.symbol(formula(*map(sql.Symbol, names))).text:
        values = values[np.isfinite(values)]  # one infinite row leaves nothing of an aggregate to compare
    return {name: rng.permutation(values) for name in names}


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
def test_engines_agree_on_every_formula(name, formula):
    given = columns(formula)
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(formula(*given.values()), len(given[next(iter(given))]))
    ordinary = np.isfinite(expected)
    assert ordinary.any()
    given = {parameter: values[ordinary] for parameter, values in given.items()}  # DuckDB 1.5 refuses log(0)
    expected = expected[ordinary]
    frame = pl.DataFrame(given)
    by_polars = frame.select(result=formula(*map(pl.col, given)))["result"]
    with duckdb.connect() as connection:
        connection.execute((pool.SQL / "formulas.sql").read_text(encoding="utf-8"))
        query = f"SELECT pool_{name}({', '.join(given)}) AS result FROM frame"
        by_sql = connection.sql(query).pl()["result"]
    for found in (by_polars, by_sql):
        found = np.resize(found.cast(pl.Float64).fill_null(np.nan).to_numpy(), expected.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-300)
