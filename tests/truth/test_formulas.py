"""Every formula gives equal results on all its engines: NumPy, Polars expressions, rendered SQL in both DuckDBs."""

import inspect
import re
from functools import cache

import numpy as np
import polars as pl
import pytest
from sqlpaths import SQL_PATHS, database

import polars_pool as pool
from polars_pool.engines import numpy as _numpy  # noqa: F401  registers its functions
from polars_pool.engines import sql
from polars_pool.rendering.formulas import PRIVATE, formulas

FORMULAS = [pytest.param(f"pool_{name}", formula, id=name) for _, name, formula in formulas()]
PRIVATE_FORMULAS = (pool.SQL / "parts" / "rendered" / "formulas.sql").read_text(encoding="utf-8")  # inlined in pool.sql
FORMULAS += [pytest.param(f"_pool_{name}", formula, id=name) for _, name, formula in formulas(PRIVATE)]
EDGES = [0.0, 1.0, 2.0, 0.5, 7.25, np.inf]  # no rows, one row, exact means, unknown means


def columns(formula) -> dict[str, np.ndarray]:
    """The edges and some ordinary numbers for every parameter, each in a different order."""
    names = list(inspect.signature(formula).parameters)
    rng = np.random.default_rng(len(names))
    values = np.concatenate([EDGES, rng.uniform(0.1, 9.0, size=30)])
    if "sum(" in sql.symbol(formula(*map(sql.Symbol, names))).text:
        values = values[np.isfinite(values)]  # one infinite row would make the whole aggregate infinite
    return {name: rng.permutation(values) for name in names}


@cache
def load_private(engine: str) -> None:
    """The macros of private formulas, which pool.sql has written in where they are called."""
    database(engine).engine.run(PRIVATE_FORMULAS)


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
def test_engines_agree_on_every_formula(name, formula):
    given = columns(formula)
    with np.errstate(all="ignore"):
        expected = np.broadcast_to(formula(*given.values()), len(given[next(iter(given))]))
    ordinary = np.isfinite(expected)
    assert ordinary.any()
    frame = pl.DataFrame(given).filter(ordinary)  # DuckDB 1.5 refuses the logarithm of 0
    answers = [frame.select(result=formula(*map(pl.col, given)))["result"]]
    for engine in SQL_PATHS:
        database(engine).hold(frame)
        if name.startswith("_"):
            load_private(engine)
        answers.append(database(engine).ask(f"SELECT {name}({', '.join(given)}) AS result FROM data")["result"])
    for answer in answers:
        actual = np.resize(answer.cast(pl.Float64).to_numpy(), ordinary.sum())
        np.testing.assert_allclose(actual, expected[ordinary], rtol=1e-13, atol=1e-300)


def test_every_macro_is_defined_once():
    """With CREATE OR REPLACE, a second macro with the same name would replace the first."""
    names = re.findall(r"^CREATE OR REPLACE MACRO (\w+)", (pool.SQL / "pool.sql").read_text(encoding="utf-8"), re.M)
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))
