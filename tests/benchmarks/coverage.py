"""How often intervals of nominal 95 % hold the true mean of their group, under normal effects: a Markdown table.

    python tests/benchmarks/coverage.py [--models 5000] [--tau2 reml]

Groups of 2 to 20 rows with sigma2 = 1, true means of variance tau2: moments are drawn, not rows. All models of a line
are one query. The smallest groups are those of two rows.
"""

import argparse

import numpy as np
import polars as pl

import polars_pool  # noqa: F401  registers .pool

SIZES = (2, 3, 5, 10, 20)  # in turn
GROUPS = (5, 10, 50, 500)
TAU2 = (0.1, 1.0)
INTERVALS = {  # what is asked of shrink; one line adds an interval to the table
    "conditional": {"uncertainty": "conditional"},
    "mu": {"uncertainty": "mu"},
    "tau2": {"uncertainty": "tau2"},
}


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


def covered(table: pl.DataFrame, options: dict) -> tuple[float, float]:
    """The share of groups whose interval holds the truth, of all and of the smallest."""
    moments = {"by": "group", "over": "model", "n": "n", "var": "var"}
    found = table.select("model", "group", "truth").join(
        table.pool.shrink("mean", **moments, **options), on=["model", "group"], validate="1:1"
    )
    holds = pl.col("truth").is_between("lower", "upper")
    return found.select(holds.mean(), smallest=holds.filter(pl.col("n") == min(SIZES)).mean()).row(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=5_000, help="models of a line, fewer where groups are many")
    parser.add_argument("--tau2", default="reml", help="the estimator")
    arguments = parser.parse_args()
    rng = np.random.default_rng(5)

    print("| tau2 | groups | " + " | ".join(INTERVALS) + " | " + ", smallest | ".join(INTERVALS) + ", smallest |")
    print("|" + "---:|" * (2 + 2 * len(INTERVALS)))
    for tau2 in TAU2:
        for groups in GROUPS:
            table = draw(rng, min(arguments.models, 2_000_000 // groups), groups, tau2)
            shares = [covered(table, {"tau2": arguments.tau2} | options) for options in INTERVALS.values()]
            cells = [f"{100 * share:.1f}" for column in zip(*shares, strict=True) for share in column]
            print(f"| {tau2:g} | {groups} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
