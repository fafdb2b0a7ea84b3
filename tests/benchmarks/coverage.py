"""How often do nominal 95 % intervals contain the true value, for normal effects? Two Markdown tables.

    python tests/benchmarks/coverage.py [--models 5000] [--tau2 reml]

The first table covers the true means of all groups, the second mu, the true mean of a new group, and tau2. The groups
have 2 to 20 rows with sigma2 = 1; their true means have variance tau2 about mu = 0. Moments are drawn directly, without
rows. All models of a line are one query. The smallest groups have two rows.
"""

import argparse
from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

import polars_pool  # noqa: F401  registers .pool

SIZES = (2, 3, 5, 10, 20)  # repeated over the groups
GROUPS = (5, 10, 50, 500)
TAU2 = (0.1, 1.0)
OF_GROUPS = {  # options of shrink; one more line adds an interval to the table
    "conditional": {"uncertainty": "conditional"},
    "mu": {"uncertainty": "mu"},
    "tau2": {"uncertainty": "tau2"},
    "robust": {"interval": "robust"},
}
TESTS = ("z", "t", "knha", "adhoc")
LIMITS = ("profile", "q")


def draw(rng: np.random.Generator, models: int, groups: int, tau2: float) -> pl.DataFrame:
    """Stored moments and the true mean of every group."""
    n = np.tile(np.resize(SIZES, groups), models)
    truth = rng.normal(scale=np.sqrt(tau2), size=len(n))
    return pl.DataFrame(
        {
            "model": np.repeat(np.arange(models), groups),
            "group": np.tile(np.arange(groups), models),
            "n": n,
            "mean": rng.normal(truth, 1 / np.sqrt(n)),
            "var": rng.chisquare(n - 1) / (n - 1),
            "truth": truth,
        }
    )


def of_groups(table: pl.DataFrame, moments: dict, options: dict) -> tuple[float, float]:
    """The share of groups whose interval contains the true mean: of all groups, and of the smallest."""
    joined = table.select("model", "group", "truth").join(
        table.pool.shrink("mean", **moments, **options), on=["model", "group"], validate="1:1"
    )
    covered = pl.col("truth").is_between("lower", "upper")
    return joined.select(covered.mean(), smallest=covered.filter(pl.col("n") == min(SIZES)).mean()).row(0)


def of_models(table: pl.DataFrame, moments: dict, new: np.ndarray, tau2: float) -> list[float]:
    """The share of models whose intervals contain mu and the true mean of a new group, by each test, and tau2."""
    by_test = {test: table.pool.components("mean", **moments, test=test) for test in TESTS}
    ends = [(f, end, truth) for end, truth in (("mu", 0.0), ("new", new)) for f in by_test.values()]
    ends += [(table.pool.components("mean", **moments, limits=limits), "tau2", tau2) for limits in LIMITS]
    return [((f[f"{end}_lower"] <= truth) & (f[f"{end}_upper"] >= truth)).mean() for f, end, truth in ends]


def lines(rng: np.random.Generator, models: int, estimator: str) -> Iterator[tuple[str, list[float], list[float]]]:
    """The shares of both tables, for every tau2 and number of groups."""
    for tau2 in TAU2:
        for groups in GROUPS:
            drawn = min(models, 2_000_000 // groups)
            table, new = draw(rng, drawn, groups, tau2), rng.normal(scale=np.sqrt(tau2), size=drawn)
            moments = {"by": "group", "over": "model", "n": "n", "var": "var", "tau2": estimator}
            shares = [of_groups(table, moments, options) for options in OF_GROUPS.values()]
            first = [share for column in zip(*shares, strict=True) for share in column]
            yield f"{tau2:g} | {groups}", first, of_models(table, moments, new, tau2)


def show(names: Iterable[str], rows: Iterable[tuple[str, list[float]]]) -> None:
    print("| tau2 | groups | " + " | ".join(names) + " |")
    for i, (line, shares) in enumerate(rows):
        if i == 0:
            print("|" + "---:|" * (2 + len(shares)))
        print(f"| {line} | " + " | ".join(f"{100 * share:.1f}" for share in shares) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=5_000, help="models per line; fewer if there are many groups")
    parser.add_argument("--tau2", default="reml", help="the estimator")
    arguments = parser.parse_args()
    shares = list(lines(np.random.default_rng(5), arguments.models, arguments.tau2))

    show([*OF_GROUPS, *(f"{name}, smallest" for name in OF_GROUPS)], ((line, first) for line, first, _ in shares))
    print()
    names = [f"{quantity}, {test}" for quantity in ("mu", "new group") for test in TESTS]
    show([*names, *(f"tau2, {limits}" for limits in LIMITS)], ((line, second) for line, _, second in shares))


if __name__ == "__main__":
    main()
