"""How often do nominal 95 % intervals of regressions contain the true value? Two Markdown tables.

    python tests/benchmarks/regression_coverage.py [--models 4000]

The first table covers predictions, for known and for new groups: the expected value of a row, and the value of a new
row. The second covers the population's coefficients, by test. The groups have 2 to 20 rows with sigma2 = 1; x has the
variance 1, of which half lies between groups; intercepts, and where they vary slopes, have the variance tau2 between
groups. All models of a line are one query.
"""

import argparse
from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

import polars_pool  # noqa: F401  registers .pool

SIZES = (2, 3, 5, 10, 20)  # repeated over the groups
GROUPS = (5, 10, 50)
TAU2 = (0.1, 1.0)
VARYING = {"intercept": ["intercept"], "intercept and slope": ["intercept", "x"]}
MODEL = {"value": "y", "x": ["x"], "by": "group", "over": "model"}
MU = {"intercept": 1.0, "x": 0.5}


def lines_of_groups(rng: np.random.Generator, shape: tuple[int, int], tau2: float, slopes: bool) -> np.ndarray:
    """The true intercept and slope of each group."""
    deviations = rng.normal(scale=np.sqrt(tau2), size=(*shape, 2)) * (1.0, float(slopes))
    return np.array(list(MU.values())) + deviations


def rows_of(rng: np.random.Generator, sizes: np.ndarray, lines: np.ndarray, first: int) -> pl.DataFrame:
    """Rows of each group, numbered from `first` in each model, with their expected value."""
    models, groups = lines.shape[:2]
    count = np.tile(sizes, models)
    model, group = (np.repeat(np.ravel(i), count) for i in np.indices((models, groups)))
    x = (np.repeat(rng.normal(size=models * groups), count) + rng.normal(size=len(model))) / np.sqrt(2)
    expected = lines[model, group, 0] + lines[model, group, 1] * x
    y = expected + rng.normal(size=len(x))
    return pl.DataFrame({"model": model, "group": group + first, "x": x, "expected": expected, "y": y})


def covered(end: str = "y") -> pl.Expr:
    """The share of rows whose limits contain the value."""
    return pl.col(end).is_between("lower", "upper").mean()


def of_predictions(rows: pl.DataFrame, new: dict[str, pl.DataFrame], vary: list[str]) -> list[float]:
    """The shares of covered rows, for each kind of group and each interval."""
    shares = []
    for some in new.values():
        for interval, truth in (("mean", "expected"), ("row", "y")):
            asked = some.rename({"y": "value"})
            result = rows.pool.predict(**MODEL, vary=vary, rows=asked, interval=interval)
            shares.append(result.rename({"value": "y"}).select(covered(truth)).item())
    return shares


def of_coefficients(rows: pl.DataFrame, vary: list[str]) -> list[float]:
    """The shares of covered coefficients, for each term and test."""
    tables = {test: rows.pool.regress_coefficients(**MODEL, vary=vary, test=test) for test in ("z", "t")}
    truth = pl.col("term").replace_strict(MU, return_dtype=pl.Float64)
    return [
        table.filter(term=term).select(truth.is_between("lower", "upper").mean()).item()
        for term in MU
        for table in tables.values()
    ]


def lines(rng: np.random.Generator, most: int) -> Iterator[tuple[str, list[float], list[float]]]:
    """The shares of both tables, for each model, tau2 and number of groups."""
    for name, vary in VARYING.items():
        for tau2 in TAU2:
            for groups in GROUPS:
                models = min(most, 40_000 // groups)
                truth = lines_of_groups(rng, (models, groups), tau2, "x" in vary)
                rows = rows_of(rng, np.resize(SIZES, groups), truth, 0)
                one = np.ones(groups, dtype=int)
                of_new = lines_of_groups(rng, (models, groups), tau2, "x" in vary)
                new = {"known": rows_of(rng, one, truth, 0), "new": rows_of(rng, one, of_new, groups)}
                yield f"{name} | {tau2:g} | {groups}", of_predictions(rows, new, vary), of_coefficients(rows, vary)


def show(names: Iterable[str], rows: Iterable[tuple[str, list[float]]]) -> None:
    print("| varying | tau2 | groups | " + " | ".join(names) + " |")
    for i, (line, shares) in enumerate(rows):
        if i == 0:
            print("|---|" + "---:|" * (2 + len(shares)))
        print(f"| {line} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=4000)
    every = list(lines(np.random.default_rng(1), parser.parse_args().models))
    show(
        [f"{interval}, {kind} group" for kind in ("known", "new") for interval in ("mean", "row")],
        [(line, first) for line, first, _ in every],
    )
    print()
    show([f"{term}, {test}" for term in MU for test in ("z", "t")], [(line, second) for line, _, second in every])


if __name__ == "__main__":
    main()
