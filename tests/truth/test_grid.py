"""The grid of reference results cannot shrink: every file is used, and every method has reference results."""

import importlib
import re
from itertools import product

import grid
import pytest
import test_truth_meta
import test_truth_meta_regression
import test_truth_moments
import test_truth_nested
import test_truth_oneway
import test_truth_posterior
import test_truth_rates
import test_truth_regression
import test_truth_sql
import ways

from polars_pool.formulas.estimators import TAU2
from polars_pool.formulas.registry import MU, SIGMA2

REGENERATE = grid.VECTORS / "regenerate"


def test_every_vector_is_used():
    files = [path for path in grid.VECTORS.rglob("*") if path.is_file() and REGENERATE not in path.parents]
    result = {str(path.relative_to(grid.VECTORS)) for path in files}
    used = {f"{cell.vector}.json" for cell in grid.CELLS} | {cell.data for cell in grid.CELLS}
    used |= {f"nist/{name}.dat" for name in grid.NIST}
    used |= {"distributions.json"}  # test_distributions.py uses every value
    used |= {"rates_posterior.json"}  # test_truth_rates_posterior.py
    used |= {"james_stein.json"}  # test_truth_james_stein.py
    used |= {f"limma_{name}.json" for name in grid.LIMMA} | {"data/sleepstudy.csv"}  # test_truth_limma.py
    used |= {f"{name}.json" for name in test_truth_posterior.REFERENCES}
    used |= {"data/bcg_counts.csv"}  # of the guide on predictors
    used |= {"satterthwaite.json"}  # test_regression_coefficients.py
    used |= {f"{name}.json" for name in (*test_truth_meta_regression.PUBLISHED, *test_truth_meta_regression.ROWS)}
    used |= {f"lmm_{name}.json" for name in test_truth_regression.VECTORS}
    used |= {data["data"] for data, _ in test_truth_regression.VECTORS.values()}
    nested = [*test_truth_nested.ROWS, *test_truth_nested.PUBLISHED]
    used |= {f"{name}.json" for name in nested} | {grid.vector(name)["input"] for name in nested}
    used |= {f"{name}.json" for name in test_truth_rates.CASES} | {
        case.data for case in test_truth_rates.CASES.values()
    }
    assert result - {"README.md"} == used


def test_every_vector_is_regenerated_by_one_script():
    """Except the files of NIST, which are originals."""
    scripts = [path.read_text(encoding="utf-8") for path in REGENERATE.glob("*.*")]
    call = re.compile(r'^write_(vector|data)\("(\w+)"', re.MULTILINE)
    written = [match for script in scripts for match in call.findall(script)]
    vectors = [("vector", path.stem) for path in grid.VECTORS.glob("*.json")]
    assert sorted(written) == sorted([*vectors, *(("data", path.stem) for path in grid.VECTORS.glob("data/*"))])


def test_every_result_of_a_vector_is_tested():
    for name in grid.META:
        results = set(grid.vector(f"meta_{name}")["results"])
        asked = {cell.name for cell in grid.META_CELLS if cell.vector == f"meta_{name}"}
        assert asked == results
        assert results >= {*grid.METAFOR, "EE", "FE"}
    for name in grid.ONEWAY:
        asked = {cell.name for cell in grid.ROW_CELLS if cell.vector == f"oneway_{name}"}
        assert asked == {"REML", "ML", "anova"}
    file = grid.vector("credibility_hachemeister")
    asked = {cell.name.rpartition("-")[0] for cell in grid.ROW_CELLS if cell.vector == "credibility_hachemeister"}
    assert asked == {name for name in file if name.startswith(("straub", "buhlmann"))}


def test_the_size_of_the_grid():
    assert len(grid.ROW_CELLS) == 6 * 3 + 5
    assert len(grid.META_CELLS) == 4 * 12 + 1
    assert list(grid.ENGINES) == ["in-memory", "streaming", "NumPy", "duckdb", "shell"]
    assert set(grid.PUBLISHED_PATHS) == {*grid.ENGINES, "DataFrame", "over"}
    assert set(grid.ROWS_PATHS) == {*grid.PUBLISHED_PATHS, "moments", "merged moments"}


def asked(test):
    """{argument: its values} for a test."""
    return {mark.args[0]: list(mark.args[1]) for mark in test.pytestmark if mark.name == "parametrize"}


@pytest.mark.parametrize(
    ("module", "cells", "count"), [(test_truth_oneway, grid.ROW_CELLS, 23), (test_truth_meta, grid.META_CELLS, 49)]
)
def test_every_cell_runs_in_polars_in_numpy_and_in_one_duckdb(module, cells, count):
    """Files x estimators x engines: 23 cells of rows, 49 of published estimates, both verbs each."""
    for test in (module.test_components, module.test_shrink):
        [result] = asked(test).values()
        assert len({str(cell) for cell in cells}) == count
        for cell in cells:
            paths = [path for other, path in result if str(other) == str(cell)]
            assert set(paths) >= set(grid.ENGINES) - set(grid.SQL_PATHS)
            assert len(set(paths) & set(grid.SQL_PATHS)) == 1
        for engine in grid.SQL_PATHS:
            assert len({str(cell) for cell, path in result if path == engine}) > count / 3


@pytest.mark.parametrize(("module", "cells"), [(test_truth_oneway, grid.ROW_CELLS), (test_truth_meta, grid.META_CELLS)])
def test_every_estimator_runs_alone_in_sql(module, cells):
    """In one engine by turns, in both with `--full`."""
    [result] = asked(module.test_components_of_a_model_alone_in_sql).values()
    names = {cell.name for cell in cells}
    assert {cell.name for _, cell in result} == names
    for engine in grid.SQL_PATHS:
        alone = {cell.name for other, cell in result if other == engine}
        assert alone == names if ways.full else len(alone) >= len(names) // 2


def test_every_cell_has_its_own_name():
    """The name distinguishes the results of one query."""
    assert len({str(cell) for cell in grid.CELLS}) == 72


def test_every_method_has_an_independent_computation_in_sql():
    [cells] = asked(test_truth_sql.test_components).values()
    methods = set(TAU2) - {"cv", "js"}
    asked_within = {(within, method) for _, within, method in cells}
    assert len(cells) == len(asked_within) == 4 * len(methods)
    assert asked_within >= {(within, method) for within in SIGMA2 for method in methods}
    assert {(engine, method) for engine, _, method in cells} == {*product(("duckdb", "shell"), methods)}
    [cells] = asked(test_truth_sql.test_centre_and_its_error).values()
    assert {(engine, mu) for engine, _, mu in cells} == {*product(("duckdb", "shell"), MU)}
    assert set(asked(test_truth_sql.test_cross_validation_is_really_refitting)["engine"]) == {"duckdb", "shell"}


@pytest.mark.parametrize("name", TAU2)
def test_every_method_has_reference_results(name):
    outside = {cell.options["tau2"] for cell in grid.CELLS}
    if name in outside:
        assert name not in grid.INDEPENDENT
    else:
        module, _, function = grid.INDEPENDENT[name].partition(".")
        assert callable(getattr(importlib.import_module(module), function))


def test_every_method_has_an_independent_computation_on_rows():
    assert set(test_truth_moments.METHODS) | {"cv", "plugin", "js"} == set(TAU2)
    assert set(test_truth_moments.CENTRES) == set(MU)
    assert set(SIGMA2) <= set(test_truth_moments.WITHIN)


def test_sources_and_tolerances_are_documented():
    text = (grid.VECTORS / "README.md").read_text()
    for path in grid.VECTORS.rglob("*.*"):
        if path.suffix in (".json", ".dat"):
            stem = path.stem if path.suffix == ".dat" else re.sub(r"_.*", "_", path.stem)
            assert stem in text, f"{path.name} has no line in the README"
