"""Rows against lme4 and actuar: every quantity of every group, through every path."""

import polars as pl
import pytest
from grid import CLOSED_FORM, ROW_CELLS, ROW_PATHS, ROWS_PATHS, SQL_PATHS, alone, by_turns, fitted, in_one_query, pooled

import polars_pool as pool

cells = pytest.mark.parametrize("cell", ROW_CELLS, ids=str)
cells_by_paths = pytest.mark.parametrize(("cell", "path"), by_turns(ROW_CELLS, ROWS_PATHS), ids=str)


def scales(cell):
    """Size of the means, and of the variances they are differences of."""
    rows, truth = cell.truth()["rows"].values(), cell.truth()
    means = [row["mean"] for row in rows]
    return max(map(abs, means)), max(truth["sigma2"], truth["tau2"], (max(means) - min(means)) ** 2)


@cells_by_paths
def test_components(cell, path):
    assert_components(cell, fitted(path, cell))


@pytest.mark.parametrize(("engine", "cell"), alone(ROW_CELLS), ids=str)
def test_components_of_a_model_alone_in_sql(engine, cell):
    arguments, options = cell.arguments
    assert_components(cell, SQL_PATHS[engine](pool.components, cell.frame, *arguments, **options))


@pytest.mark.parametrize(("cell", "engine"), by_turns(ROW_CELLS, SQL_PATHS), ids=str)
def test_components_from_stored_moments_in_sql(cell, engine):
    assert_components(cell, in_one_query(engine, pool.components, cell, moments=True))


def assert_components(cell, table):
    assert table.height == 1
    got, want = table.row(0, named=True), cell.truth()
    location, variance = scales(cell)
    assert got["converged"] is True
    assert got["groups"] == len(want["rows"])
    assert got["n"] == cell.frame.height
    for name, scale in [
        ("sigma2", variance),
        ("tau2", variance),
        ("mu", location),
        ("se_mu", 0.0),
        ("icc", 1.0),
    ]:
        if name in want:
            assert cell.close(got[name], want[name], scale), f"{name}: got {got[name]!r}, expected {want[name]!r}"


@cells_by_paths
def test_shrink(cell, path):
    assert_estimates(cell, pooled(path, cell), pooled(path, cell, uncertainty="conditional"))


def assert_estimates(cell, table, conditional):
    """The columns of a table, and the standard error of another one about a known mu."""
    got = {row[cell.by]: row for row in table.iter_rows(named=True)}
    for row in conditional.iter_rows(named=True):
        got[row[cell.by]]["conditional"] = row["se"]
    want, (location, _) = cell.truth()["rows"], scales(cell)
    assert got.keys() == want.keys()
    for key, row in want.items():
        assert got[key]["n"] == row["n"]
        assert cell.close(got[key]["mean"], row["mean"], location, CLOSED_FORM), f"mean of {key}"
        for name in ("v", "weight", "estimate", "se", "conditional"):
            if name in row:
                scale = location if name == "estimate" else 0.0
                result, expected = got[key][name], row[name]
                assert cell.close(result, expected, scale), f"{name} of {key}: got {result!r}, expected {expected!r}"


@pytest.mark.share_of_duckdb(3)
@pytest.mark.parametrize("path", ROW_PATHS)
@cells
def test_estimate_beside_each_row(cell, path):
    arguments, options = cell.arguments
    column = ROW_PATHS[path](cell.frame, *arguments, **options)
    want, (location, _) = cell.truth()["rows"], scales(cell)
    assert len(column) == cell.frame.height
    for key, estimate in zip(cell.frame[cell.by], column, strict=True):
        assert cell.close(estimate, want[key]["estimate"], location), f"estimate of {key}: got {estimate!r}"


@cells
def test_weight_beside_each_row(cell):
    (value, by), options = cell.arguments
    column = cell.frame.select(pl.col(value).pool.weight(by=by, **options)).to_series()
    want = cell.truth()["rows"]
    for key, weight in zip(cell.frame[by], column, strict=True):
        assert cell.close(weight, want[key]["weight"]), f"weight of {key}: got {weight!r}"
