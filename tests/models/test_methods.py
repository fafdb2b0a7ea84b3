"""The contract that every estimator of tau2 in the registry fulfils: its facts, and what holds for each estimator.

A new estimator is tested here as soon as it is registered. Laws on random data are in laws/test_laws.py, degenerate
data in degenerate/, numbers from outside in truth/.
"""

import math
import re
from functools import cache
from pathlib import Path
from typing import get_args

import grid
import polars as pl
import pytest
from frames import MOMENTS, assert_near, by_key, published, rows, stored

import polars_pool as pool
from polars_pool.formulas.names import Likelihood
from polars_pool.formulas.registry import MU, SIGMA2, TAU2

GUIDE = (Path(pool.__file__).parents[1] / "examples" / "guides" / "estimators.md").read_text(encoding="utf-8")
ROWS = rows({g: [4.0 * (g * 7 % 5) + y for y in (0.0, 1.5, 2.25, 4.0)] for g in range(6)})
"""Six groups of four rows, so that estimators for equal sampling variances are defined too."""
STUDIES = published({g: (float(3 * g * g % 11), 1.25) for g in range(7)})
STUDIES_OF_ROWS = STUDIES.with_columns(n=pl.Series([3, 8, 5, 5, 2, 9, 4]))
DIGITS = 1e-8  # searches stop within this of their optimum

every_method = pytest.mark.parametrize("name", TAU2)
every_registry = pytest.mark.parametrize("registry", [TAU2, SIGMA2, MU], ids=["tau2", "sigma2", "mu"])


def test_the_names_of_likelihoods_are_the_estimators_with_a_likelihood() -> None:
    """The message about limits='profile' lists the names of this type, and SQL has them from it."""
    assert set(get_args(Likelihood)) == {name for name, method in TAU2.items() if method.likelihood is not None}


def inputs(name: str) -> list[tuple[pl.DataFrame, str, dict]]:
    """The frame, the value and the options of each kind of input that an estimator takes."""
    method = TAU2[name]
    studies = (STUDIES_OF_ROWS, "y", {"se": "se", "n": "n"}) if method.needs_n else (STUDIES, "y", {"se": "se"})
    answers = [(ROWS, "y", {}), (stored(ROWS), "mean", MOMENTS)]
    if method.weighted:
        answers.append((ROWS.with_columns(w=pl.lit(2.5)), "y", {"weights": "w"}))
        answers.append(studies)
    return [(frame, value, options | {"tau2": name}) for frame, value, options in answers]


def components(frame: pl.DataFrame, value: str, **options) -> dict:
    return pool.components(frame, value, "g", **options).row(0, named=True)


MOVES = {"as it is": (1.0, 0.0), "shifted": (1.0, 1000.0), "in another unit": (8.0, 0.0), "mirrored": (-0.5, -3.0)}
"""The factor and the shift of the values."""


def moved(frame: pl.DataFrame, value: str, factor: float, shift: float) -> pl.DataFrame:
    """The same data where each value y is `factor` y + `shift`."""
    powers = {"se": abs(factor), "var": factor**2}
    return frame.with_columns(
        pl.col(value) * factor + shift, *(pl.col(name) * power for name, power in powers.items() if name in frame)
    )


@cache
def answers(name: str) -> list[tuple[dict, dict]]:
    """For each kind of input, {move: components} and {move: shrunken groups}; all moves are models of one query."""
    result = []
    for frame, value, options in inputs(name):
        frames = [moved(frame, value, *move).with_columns(move=pl.lit(text)) for text, move in MOVES.items()]
        together = pl.concat([*frames, frame.reverse().with_columns(move=pl.lit("reversed"))])
        models = pool.components(together, value, "g", over="move", **options)
        groups = pool.shrink(together, value, "g", over="move", **options)
        result.append(
            (by_key(models, "move"), {key: part for (key,), part in groups.partition_by("move", as_dict=True).items()})
        )
    return result


# ---- facts -----------------------------------------------------------------------------------------------------------


@every_registry
def test_name_title_and_source(registry):
    for name, method in registry.items():
        assert method.name == name
        assert re.fullmatch("[a-z0-9]+", name)
        assert method.title.strip() == method.title != ""
        assert method.source.strip() == method.source != ""


@every_method
def test_the_guide_cites_the_source(name):
    method = TAU2[name]
    assert re.search(r"\(\d{4}\)", method.source), "a source has a year"
    assert f"| `{name}` | {method.title} | {method.source} |" in GUIDE


@every_method
def test_numbers_from_outside_or_an_independent_computation(name):
    outside = {cell.options["tau2"] for cell in grid.CELLS}
    assert (name in outside) != (name in grid.INDEPENDENT)


@every_method
def test_weights_are_taken_or_refused(name):
    weighted = ROWS.with_columns(w=pl.lit(1.0))
    if TAU2[name].weighted:
        got, want = components(weighted, "y", weights="w", tau2=name), components(ROWS, "y", tau2=name)
        assert_near([got["tau2"], got["mu"]], [want["tau2"], want["mu"]], DIGITS, 1.0)
    else:
        with pytest.raises(ValueError, match="weights"):
            components(weighted, "y", weights="w", tau2=name)


@every_method
def test_counts_of_published_estimates_are_needed_or_not(name):
    method = TAU2[name]
    if method.needs_n:
        with pytest.raises(ValueError, match="n="):
            components(STUDIES, "y", se="se", tau2=name)
        assert components(STUDIES_OF_ROWS, "y", se="se", n="n", tau2=name)["converged"]
    elif method.weighted:
        without, among = ({}, {"n": "n"})
        result = [components(STUDIES_OF_ROWS, "y", se="se", tau2=name, **counts)["tau2"] for counts in (without, among)]
        assert_near(*result, DIGITS)
    else:
        with pytest.raises(ValueError, match="se="):
            components(STUDIES, "y", se="se", tau2=name)


@every_method
@pytest.mark.parametrize("mu", ["gls", 1.0])
def test_the_least_number_of_groups(name, mu):
    """One group fewer has no tau2 and does not converge. One group alone about its own mean never has a tau2."""
    method = TAU2[name]
    least = max(method.groups, method.df + (mu == "gls"), 2 if mu == "gls" else 1)
    assert components(ROWS.filter(pl.col("g") < least), "y", tau2=name, mu=mu)["tau2"] is not None
    if least > 1:
        options = {"tau2": name, "mu": mu, "over": pl.lit(0).alias("model")}
        few = pool.components(ROWS.lazy().filter(pl.col("g") < least - 1), "y", "g", **options)
        if least > 2 or mu != "gls":
            with pytest.warns(pool.ConvergenceWarning):
                assert few.collect()["tau2"].to_list() == [None]
        else:
            assert few.collect()["tau2"].to_list() == [None]


@every_method
def test_unequal_sampling_variances_are_taken_or_refused(name):
    unequal = pl.concat([ROWS, rows({9: [1.0, 5.0]})])
    if TAU2[name].equal_v:
        with pytest.raises((ValueError, pl.exceptions.PolarsError), match=name):
            components(unequal, "y", tau2=name)
    else:
        assert components(unequal, "y", tau2=name)["converged"]


@every_method
def test_means_that_agree_give_0_unless_the_estimator_is_positive(name):
    """With rows that differ within their groups, and with standard errors above 0."""
    agree = rows({g: [1.0, 2.0, 6.0] for g in range(5)})
    alike = published(dict.fromkeys(range(5), (5.0, 3.0))).with_columns(n=pl.lit(4))
    models = [components(agree, "y", tau2=name)]
    if TAU2[name].weighted:
        models.append(components(alike, "y", se="se", n="n", tau2=name))
    for model in models:
        assert model["converged"]
        assert (model["tau2"] > 0) == TAU2[name].positive
        assert TAU2[name].positive or model["tau2"] == 0


# ---- laws ------------------------------------------------------------------------------------------------------------


@every_method
def test_finite_and_not_negative(name):
    for models, groups in answers(name):
        for move, model in models.items():
            assert model["converged"]
            assert 0 <= model["tau2"] < math.inf
            assert groups[move]["weight"].is_between(0, 1).all()
            assert groups[move].select(pl.col("estimate", "se").is_finite().all()).row(0) == (True, True)


@every_method
def test_the_order_of_groups_is_irrelevant(name):
    for models, _ in answers(name):
        got, want = ([models[move][column] for column in ("tau2", "mu")] for move in ("reversed", "as it is"))
        assert_near(got, want, DIGITS, 1.0)


@every_method
def test_units_and_origins_are_irrelevant(name):
    """mu follows the values, tau2 the square of their unit, and weights stay."""
    for models, groups in answers(name):
        for move, (factor, shift) in MOVES.items():
            assert_near(models[move]["tau2"], factor**2 * models["as it is"]["tau2"], DIGITS, factor**2)
            assert_near(models[move]["mu"], factor * models["as it is"]["mu"] + shift, DIGITS, 1.0)
            assert_near(groups[move]["weight"], groups["as it is"]["weight"], DIGITS, 1.0)


@every_method
def test_lazy_is_eager(name):
    for (frame, value, options), (models, groups) in zip(inputs(name), answers(name), strict=True):
        lazy = pool.components(frame.lazy(), value, "g", **options).collect().row(0, named=True)
        assert_near([lazy["tau2"], lazy["mu"]], [models["as it is"][column] for column in ("tau2", "mu")], DIGITS, 1.0)
        assert_near(components(frame, value, **options), lazy, 1e-12)
        lazy = pool.shrink(frame.lazy(), value, "g", **options).sort("g").collect()
        assert_near(lazy["estimate"], groups["as it is"]["estimate"], DIGITS, 1.0)
