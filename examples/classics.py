"""Three classic worked examples of partial pooling, each checked against the numbers of its authors.

Run it with `python examples/classics.py`.
"""

import numpy as np
import polars as pl
from numpy.testing import assert_allclose

import polars_pool as pool


def draw_locations(rng: np.random.Generator, experiment: int) -> pl.DataFrame:
    """Mount's data: ten locations around a common centre, with three observations each."""
    centre = rng.normal(loc=0, scale=15, size=1)
    effects = rng.normal(loc=centre, scale=3, size=10)
    observations = [rng.normal(loc=effect, scale=10, size=3) for effect in effects]
    return pl.DataFrame(
        {
            "experiment": experiment,
            "location": np.repeat(np.arange(10), 3),
            "effect": np.repeat(effects, 3),
            "observed": np.concatenate(observations),
        }
    )


def win_vector() -> None:
    """John Mount, Partial Pooling, Win Vector LLC 2023: ten locations, then the whole experiment 1,000 times.

    https://github.com/WinVector/Examples/blob/main/PartialPooling/PartialPooling.ipynb
    """
    rng = np.random.default_rng(2023)
    locations = pool.shrink(draw_locations(rng, 0), "observed", by="location", tau2="plugin", mu="shrunk")
    assert_allclose(locations["estimate"][:3], [10.557640, 3.737951, 10.262770], atol=5e-7)

    # The random numbers continue after those of the first example. A thousand models need only one query.
    experiments = pl.concat(draw_locations(rng, i) for i in range(1, 1001)).lazy()
    truth = experiments.select("experiment", "location", "effect").unique()
    errors = (
        pool.shrink(experiments, "observed", by="location", over="experiment", tau2="plugin", mu="shrunk")
        .join(truth, on=["experiment", "location"])
        .filter(location=0)
        .select(raw=pl.col("mean") - pl.col("effect"), pooled=pl.col("estimate") - pl.col("effect"))
        .select(pl.all() ** 2)
        .collect()
    )
    losses = pl.concat([errors.mean(), errors.median()])
    assert_allclose(losses["raw"], [31.652005, 13.859971], atol=5e-7)
    assert_allclose(losses["pooled"], [14.987383, 5.906482], atol=5e-7)

    print("\nWin Vector: ten locations, three observations each\n")
    print(locations.select("location", "n", "mean", "weight", "estimate"))
    print("\nSquared error at location 0 over 1,000 experiments\n")
    print(losses.select(pl.Series("squared error", ["mean", "median"]), "raw", "pooled"))


def eight_schools() -> None:
    """Coaching for the SAT in eight schools (Rubin 1981; Gelman et al., BDA3, table 5.2): published estimates."""
    schools = pl.DataFrame(
        {
            "school": list("ABCDEFGH"),
            "effect": [28, 8, -3, 7, -1, 1, 18, 12],
            "se": [15, 10, 16, 11, 9, 11, 10, 18],
        }
    )

    def model(tau2: str) -> pl.DataFrame:
        components = schools.pool.components("effect", se="se", by="school", tau2=tau2)
        return components.select(pl.lit(tau2).alias("estimator"), "tau2", "mu", "se_mu")

    # REML and DerSimonian-Laird estimate tau2 as 0: every school gets the completely pooled mean.
    # The Sidik-Jonkman estimate is never 0. The numbers are those of metafor 3.8-1.
    models = pl.concat(model(tau2) for tau2 in ("reml", "dl", "sj"))
    assert_allclose(models["tau2"], [0, 0, 38.612243], atol=5e-7)
    assert_allclose(models["mu"], [7.685617, 7.685617, 7.919186], atol=5e-7)

    complete = schools.pool.shrink("effect", se="se", by="school")
    partial = schools.pool.shrink("effect", se="se", by="school", tau2="sj")
    assert_allclose(complete["estimate"], 7.685617, atol=5e-7)
    assert_allclose(partial["estimate"][:3], [10.860496, 7.941697, 6.488104], atol=5e-7)

    print("\nEight schools: tau2 and mu by three estimators\n")
    print(models)
    print("\nEight schools: the estimates by two of them\n")
    print(schools.with_columns(reml=complete["estimate"], sj=partial["estimate"]))


def gelman_hill() -> None:
    """Gelman & Hill (2007), formula 12.1, on 50 simulated schools of 2 to 100 pupils."""
    rng = np.random.default_rng(12)
    sizes = rng.permutation(np.linspace(2, 100, 50).astype(int))
    means = rng.normal(loc=63, scale=2, size=50)
    school = np.repeat(np.arange(50), sizes)
    scores = pl.DataFrame({"school": school, "score": rng.normal(loc=means[school], scale=10)})

    # The formula exactly: both variances are known, and the population mean is the mean of all pupils.
    known = pool.shrink(scores, "score", by="school", sigma2=10.0**2, tau2=2.0**2, mu="rows")
    y = np.array([scores["score"].filter(scores["school"] == j).mean() for j in range(50)])
    y_all = scores["score"].mean()
    formula = (sizes / 10**2 * y + 1 / 2**2 * y_all) / (sizes / 10**2 + 1 / 2**2)
    assert_allclose(known["estimate"], formula, rtol=1e-12)

    # In practice both variances are estimated.
    estimated = pool.shrink(scores, "score", by="school")

    def rmse(estimates: pl.Series) -> float:
        return float(np.sqrt(np.mean((estimates.to_numpy() - means) ** 2)))

    errors = [rmse(estimated["mean"]), rmse(known["estimate"]), rmse(estimated["estimate"])]
    assert max(errors[1:]) < errors[0]

    by_size = estimated.with_columns(pl.Series("truth", means)).sort("n")
    ends = pl.concat([by_size.head(3), by_size.tail(3)])
    print("\nGelman & Hill 12.1: the smallest and the largest of 50 schools\n")
    print(ends.select("school", "n", "truth", "mean", "weight", "estimate"))
    print("\nRoot mean squared error over the 50 schools\n")
    print(pl.DataFrame({"estimator": ["raw mean", "known variances", "reml"], "rmse": errors}))


def main() -> None:
    with pl.Config(
        tbl_formatting="MARKDOWN",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_cell_numeric_alignment="RIGHT",
        tbl_rows=10,
    ):
        win_vector()
        eight_schools()
        gelman_hill()


if __name__ == "__main__":
    main()
