"""Importing the package and a first call load no more libraries than they need: SciPy takes longer than Polars."""

import json
import subprocess
import sys

import pytest

LIBRARIES = {"numpy", "scipy", "duckdb", "pyarrow", "filelock", "typer", "rich"}
FRAME = (
    "frame = pl.DataFrame({'g': [*'aabbbcc'], 'y': [1.0, 2.0, 4.0, 3.0, 8.0, 5.0, 7.0], 'k': [0, 1, 1, 0, 1, 1, 1]})"
)
STEPS = {  # code in a new process, and the libraries that it may load
    "import polars_pool": set(),
    "frame.lazy().pool.moments('y', by='g').collect()": set(),
    "frame.pool.shrink('y', by='g')": {"numpy"},
    "frame.pool.components('y', by='g')": {"numpy", "scipy"},
    "frame.pool.shrink('k', by='g', family='binomial')": {"numpy", "scipy"},
    "polars_pool.install_macros": set(),
    "polars_pool.MomentStore": {"numpy", "pyarrow", "filelock"},
}


@pytest.mark.parametrize(("code", "needed"), STEPS.items(), ids=STEPS)
def test_libraries_that_are_loaded(code, needed):
    program = f"import sys, json, polars as pl, polars_pool\n{FRAME}\n{code}\nprint(json.dumps([*sys.modules]))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    modules = set(json.loads(printed))
    assert modules & LIBRARIES <= needed
    assert not modules & {"scipy.optimize", "scipy.stats"}


def test_a_first_call_loads_one_family():
    program = f"import sys, json, polars as pl, polars_pool\n{FRAME}\nframe.pool.shrink('y', by='g')\n"
    program += "print(json.dumps([*sys.modules]))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = {name for name in json.loads(printed) if name.startswith("polars_pool.models.") and name.count(".") == 3}
    assert {name.split(".")[3] for name in loaded if ".oneway." not in name} <= {"spec"}


def test_names_that_do_not_exist():
    import polars_pool

    with pytest.raises(AttributeError, match="no attribute 'shrinks'"):
        _ = polars_pool.shrinks
