"""Types: the names of methods are those of the registry, and type checkers report all others."""

import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import get_args

import polars as pl
import pytest

import polars_pool as pool
from polars_pool.formulas import estimators, names, registry  # noqa: F401  estimators fill the registry

CALLS = Path(__file__).parents[1] / "support" / "typed_calls.py"
ROOT = CALLS.parents[2]


def test_the_names_of_estimators_are_those_of_the_registry():
    assert set(get_args(names.Tau2Name)) == set(registry.TAU2)
    assert set(get_args(names.Sigma2Name)) == set(registry.SIGMA2)
    assert set(get_args(names.MuName)) == set(registry.MU)


ROWS = pl.DataFrame({"g": [1, 1, 2, 2], "x": [1, 2, 3, 5], "y": [1.0, 2.0, 4.0, 3.0]})
LISTED = [
    (pool.shrink, "tau2", names.Tau2Name),
    (pool.shrink, "sigma2", names.Sigma2Name),
    (pool.shrink, "mu", names.MuName),
    (pool.shrink, "interval", names.Interval),
    (pool.shrink, "predict", names.Predict),
    (pool.shrink, "uncertainty", names.Uncertainty),
    (pool.shrink, "family", names.Family),
    (pool.shrink, "nan", names.NaN),
    (pool.components, "test", names.Test),
    (pool.components, "limits", names.Limits),
    (pool.components, "interval", names.OfPosterior),
    (partial(pool.regress, x="x"), "method", names.Likelihood),
    (partial(pool.regress, x="x"), "uncertainty", names.GivenTau2),
    (partial(pool.regress_coefficients, x="x"), "test", names.TestOfTerm),
    (partial(pool.predict, x="x"), "interval", names.OfPrediction),
]


@pytest.mark.parametrize(("verb", "role", "kind"), LISTED, ids=lambda one: one if isinstance(one, str) else "")
def test_the_names_in_a_message_are_those_of_the_type(verb, role, kind):
    with pytest.raises(ValueError, match=f"^{role}='[?]'; give .*one of ") as error:
        verb(ROWS, value="y", by="g", **{role: "?"})
    assert set(re.findall(r"'(\w+)'", str(error.value).partition("one of ")[2])) == set(get_args(kind))


def test_the_names_in_a_message_of_rates_are_those_of_the_type():
    with pytest.raises(ValueError, match=r"^prior='[?]'; give ") as error:
        pool.shrink(ROWS, "y", "g", trials="x", prior="?")
    assert set(re.findall(r"'(\w+)'", str(error.value).partition("one of ")[2])) == set(get_args(names.OfRates))


# ---- type checkers -------------------------------------------------------------------------------------------------


def marked() -> list[int]:
    lines = CALLS.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if line.endswith("# wrong")]


def test_there_are_right_and_wrong_calls():
    calls = len(re.findall(r"^\S*.*(?:pool\.\w+)\(", CALLS.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert 40 <= len(marked()) <= calls - 40


def test_mypy_reports_only_wrong_calls():
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--hide-error-context", str(CALLS)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not result.stderr
    flagged = re.findall(r"^(.+?):(\d+): error: ", result.stdout, flags=re.MULTILINE)
    assert {Path(name).name for name, _ in flagged} == {CALLS.name}, result.stdout
    assert sorted({int(line) for _, line in flagged}) == marked(), result.stdout


def test_pyright_reports_only_wrong_calls():
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, str(CALLS)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    diagnostics = json.loads(result.stdout)["generalDiagnostics"]
    assert {Path(one["file"]).name for one in diagnostics} == {CALLS.name}, result.stdout
    flagged = {one["range"]["start"]["line"] + 1 for one in diagnostics if one["severity"] == "error"}
    assert sorted(flagged) == marked(), result.stdout
