"""Each case takes one way of each kind by default: none goes unseen, and no way is left to `--full` alone."""

from collections import Counter
from itertools import product
from types import SimpleNamespace

import grid
import pytest
import test_truth_sql
import ways
from frames import FRAME_PATHS, ROW_PATHS
from sqlpaths import SQL_PATHS


def collected(function, *, marker=None, **parameters):
    """Tests as pytest collects them, from the values of each parameter."""
    result = []
    for values in product(*parameters.values()):
        params = dict(zip(parameters, values, strict=True))
        result.append(
            SimpleNamespace(
                nodeid=f"{function}[{len(result)}]",
                callspec=SimpleNamespace(params=params),
                get_closest_marker=lambda name: marker if marker is not None and marker.name == name else None,
            )
        )
    return result


def kept(tests):
    left = {test.nodeid for test in ways.left_out(tests)}
    return [test.callspec.params for test in tests if test.nodeid not in left]


def test_each_case_takes_one_way_of_each_kind():
    paths = [*FRAME_PATHS, *ROW_PATHS, "NumPy", *SQL_PATHS]
    cases = [f"case {i}" for i in range(20)]
    result = kept(collected("test.py::test", case=cases, path=paths))
    for case in cases:
        kinds = Counter(ways.KIND.get(params["path"]) for params in result if params["case"] == case)
        assert kinds == {"frames": 1, "rows": 1, "expressions": 1, "DuckDB": 1, None: 1}
    assert {params["path"] for params in result} == set(paths)


@pytest.mark.parametrize("other", ["value of one", "two values", "six values"])
def test_ways_do_not_follow_another_parameter(other):
    """Each value of a second parameter, too, meets every way."""
    values = range({"value of one": 1, "two values": 2, "six values": 6}[other])
    result = kept(collected("test.py::test", case=range(12), other=values, run=FRAME_PATHS.values()))
    for value in values:
        assert {params["run"] for params in result if params["other"] == value} == set(FRAME_PATHS.values())


def test_marked_tests_take_every_way():
    tests = collected("test.py::test", marker=pytest.mark.every_way, engine=SQL_PATHS)
    assert len(kept(tests)) == len(tests)


def test_of_a_shared_test_one_case_in_so_many_is_kept():
    result = kept(collected("test.py::test", marker=pytest.mark.share(3), tau2=list("abcdefghi"), engine=SQL_PATHS))
    assert len({params["tau2"] for params in result}) == len(result) == 3
    assert {params["engine"] for params in result} == set(SQL_PATHS)


@pytest.mark.parametrize("count", range(1, 9))
def test_a_shared_test_keeps_a_case(count):
    assert kept(collected("test.py::test", marker=pytest.mark.share(8), tau2=range(count), engine=["module"]))


def test_a_share_of_duckdb_leaves_the_other_ways_alone():
    paths = [*FRAME_PATHS, *SQL_PATHS]
    result = kept(collected("test.py::test", marker=pytest.mark.share_of_duckdb(3), tau2=list("abcdefghi"), path=paths))
    assert Counter(ways.KIND[params["path"]] for params in result) == {"frames": 9, "DuckDB": 3}
    assert {params["path"] for params in result} == set(paths)


def test_tests_without_a_way_are_kept():
    tests = [
        *collected("test.py::test", name="abc"),
        SimpleNamespace(nodeid="test.py::alone", get_closest_marker=lambda name: None),
    ]
    assert ways.left_out(tests) == []


def test_estimators_without_numbers_from_other_software_are_computed_independently_in_sql():
    """By default, too: test_grid.py counts all of them."""
    function = "tests/truth/test_truth_sql.py::test_components"
    [cells] = (mark.args[1] for mark in test_truth_sql.test_components.pytestmark if mark.name == "parametrize")
    [share] = (mark for mark in test_truth_sql.test_components.pytestmark if mark.name == "share")
    methods = [params["cell"][2] for params in kept(collected(function, marker=share, cell=cells))]
    assert set(methods) >= {*test_truth_sql.METHODS} & {*grid.INDEPENDENT}


@pytest.mark.parametrize(
    ("function", "cells", "paths"),
    [
        ("truth/test_truth_meta.py::test_components", grid.META_CELLS, grid.PUBLISHED_PATHS),
        ("truth/test_truth_meta.py::test_shrink", grid.META_CELLS, grid.PUBLISHED_PATHS),
        ("truth/test_truth_oneway.py::test_components", grid.ROW_CELLS, grid.ROWS_PATHS),
        ("truth/test_truth_oneway.py::test_shrink", grid.ROW_CELLS, grid.ROWS_PATHS),
        ("truth/test_truth_inference.py::test_against_metafor", grid.META_CELLS, grid.PUBLISHED_PATHS),
        ("truth/test_truth_uncertainty.py::test_published", grid.META_CELLS, grid.PUBLISHED_PATHS),
        ("truth/test_truth_uncertainty.py::test_rows", grid.ROW_CELLS, grid.ROWS_PATHS),
    ],
)
def test_every_estimator_meets_every_engine(function, cells, paths):
    """Over its data sets, where these are three or more."""
    result = kept(collected(f"tests/{function}", cell=cells, path=paths))
    sets = Counter(cell.name for cell in cells)
    for name in (name for name, count in sets.items() if count > 2):
        met = {params["path"] for params in result if params["cell"].name == name}
        assert met >= {"NumPy", "over", *FRAME_PATHS, *SQL_PATHS}, name
