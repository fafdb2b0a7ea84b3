"""How often intervals of nominal 95 % hold what they are of, under normal effects: two Markdown tables.

    python tests/benchmarks/coverage.py [--models 5000] [--tau2 reml]

The first is of the true mean of every group, the second of mu, of a new group's true mean and of tau2. Groups of 2 to
20 rows with sigma2 = 1, true means of variance tau2 about mu = 0: moments are drawn, not rows. All models of a line are
one query. The smallest groups are those of two rows.
"""

import argparse
from collections.abc import Iterable, Iterator

import numpy as np
import polars as pl

import polars_pool  # noqa: F401  registers .pool

SIZES = (2, 3, 5, 10, 20)  # in turn
GROUPS = (5, 10, 50, 500)
TAU2 = (0.1, 1.0)
OF_GROUPS = {  # what is asked of shrink; one line adds an interval to the table
    "conditional": {"uncertainty": "conditional"},
    "mu": {"uncertainty": "mu"},
    "tau2": {"uncertainty": "tau2"},
    "robust": {"interval": "robust"},
}
TESTS = ("z", "t", "knha", "adhoc")
LIMITS = ("profile", "q")


def draw(rng: np.random.Generator, models: int, groups: int, tau2: float) -> pl.DataFrame:
    """Stored moments of every group, beside its true mean."""
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
    """The share of groups whose interval holds the truth, of all and of the smallest."""
    found = table.select("model", "group", "truth").join(
        table.pool.shrink("mean", **moments, **options), on=["model", "group"], validate="1:1"
    )
    holds = pl.col("truth").is_between("lower", "upper")
    return found.select(holds.mean(), smallest=holds.filter(pl.col("n") == min(SIZES)).mean()).row(0)


def of_models(table: pl.DataFrame, moments: dict, new: np.ndarray, tau2: float) -> list[float]:
    """The share of models whose intervals hold mu and the new group's true mean by every test, and tau2."""
    found = {test: table.pool.components("mean", **moments, test=test) for test in TESTS}
    ends = [(f, end, truth) for end, truth in (("mu", 0.0), ("new", new)) for f in found.values()]
    ends += [(table.pool.components("mean", **moments, limits=limits), "tau2", tau2) for limits in LIMITS]
    return [((f[f"{end}_lower"] <= truth) & (f[f"{end}_upper"] >= truth)).mean() for f, end, truth in ends]


def lines(rng: np.random.Generator, models: int, estimator: str) -> Iterator[tuple[str, list[float], list[float]]]:
    """For every tau2 and number of groups the shares of both tables."""
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
    parser.add_argument("--models", type=int, default=5_000, help="models of a line, fewer where groups are many")
    parser.add_argument("--tau2", default="reml", help="the estimator")
    arguments = parser.parse_args()
    found = list(lines(np.random.default_rng(5), arguments.models, arguments.tau2))

    show([*OF_GROUPS, *(f"{name}, smallest" for name in OF_GROUPS)], ((line, first) for line, first, _ in found))
    print()
    names = [f"{what}, {test}" for what in ("mu", "new group") for test in TESTS]
    show([*names, *(f"tau2, {limits}" for limits in LIMITS)], ((line, second) for line, _, second in found))


if __name__ == "__main__":
    main()
