"""The cost of a shrinkage estimate in Polars, relative to the plain group-by of the same rows: a Markdown table.

    python tests/benchmarks/speed.py [folder] [--rounds 5] [--scale 1.0] [--skewed] [--only shrink]

Every run is a process of its own, the jobs run in turns, and each job is compared with the plain job of its round.
"""

import warnings
from pathlib import Path

from turns import Jobs, main, measured

GROUP_BY = "group_by(count, mean, var)"
GROUP_BY_OVER = "group_by(model, h)"
GROUP_BY_TEN = "group_by(g // 10, g)"
LEAVES = "group_by(outer, leaf), 1,000 outer"
LEAVES_OF_FIVE = "group_by(outer, leaf), 200,000 outer"
HITS_OF_TEN = "group_by(g // 10, g): sum, count of 0 and 1"
ENCODE = "encode"
PRECISION = "group_by(row): sum of 1 / se^2"
MEAN = "mean().over(g)"
MEAN_IN_MEMORY = "mean().over(g), in memory"
HITS = "group_by(sum, count) of 0 and 1"
PAIRS = "group_by(sum, sum) of hits and trials"
PRODUCTS = "group_by(count, means, cross-products)"

JOBS: Jobs = {
    GROUP_BY: ("large", GROUP_BY, None),
    "shrink, reml": ("large", GROUP_BY, 1.10),
    "shrink, weights": ("large", GROUP_BY, 1.3),
    "shrink, separate": ("large", GROUP_BY, 1.12),
    "shrink, squeezed": ("large", GROUP_BY, 1.3),
    "shrink, se": ("large", GROUP_BY, 1.3),
    "components, knha": ("large", GROUP_BY, 1.3),
    "shrink, a predictor": ("large", GROUP_BY, 1.25),
    "coefficients, a predictor": ("large", GROUP_BY, 1.25),
    "shrink, se, a predictor": ("large", GROUP_BY, None),
    GROUP_BY_OVER: ("large", GROUP_BY_OVER, None),
    "shrink, over": ("large", GROUP_BY_OVER, 1.25),
    GROUP_BY_TEN: ("models", GROUP_BY_TEN, None),
    "shrink, models of ten groups": ("models", GROUP_BY_TEN, 1.6),
    LEAVES: ("large", LEAVES, None),
    "shrink, nested, 1,000 outer": ("large", LEAVES, 1.25),
    "components, nested, 1,000 outer": ("large", LEAVES, None),
    LEAVES_OF_FIVE: ("large", LEAVES_OF_FIVE, None),
    "shrink, nested, 200,000 outer": ("large", LEAVES_OF_FIVE, 2.5),
    HITS_OF_TEN: ("models", HITS_OF_TEN, None),
    "shrink, rates of models of ten groups": ("models", HITS_OF_TEN, 6.0),
    PRECISION: ("errors", PRECISION, None),
    "components, a prior": ("errors", PRECISION, None),  # at most 0.2 s
    MEAN: ("small", MEAN, None),
    ENCODE: ("small", MEAN, 1.5),
    "encode, loo": ("small", ENCODE, 1.5),
    "encode, five folds": ("small", ENCODE, 3.0),
    "expression": ("small", MEAN, 1.9),
    MEAN_IN_MEMORY: ("small", MEAN_IN_MEMORY, None),
    "encode, in memory": ("small", MEAN_IN_MEMORY, 1.7),
    "expression, in memory": ("small", MEAN_IN_MEMORY, 2.6),
    HITS: ("large", HITS, None),
    "shrink, rates of 0 and 1": ("large", HITS, 1.3),
    "components, rates of 0 and 1": ("large", HITS, 1.3),
    PAIRS: ("pairs", PAIRS, None),
    "shrink, rates of pairs": ("pairs", PAIRS, None),
    "components, rates of pairs": ("pairs", PAIRS, None),
    PRODUCTS: ("lines", PRODUCTS, None),
    "regress, varying intercept": ("lines", PRODUCTS, 3.0),
    "regress, varying intercept and slope": ("lines", PRODUCTS, 3.0),
    "regress_components, varying intercept and slope": ("lines", PRODUCTS, 3.0),
}


def model_of_ten():
    """The model of a group, where ten groups are a model."""
    import polars as pl

    return (pl.col("g") // 10).alias("model of ten")


def levels(job):
    """The keys of an outer and an inner level, and a value that varies between both."""
    import polars as pl

    outer = pl.col("model") if "1,000 outer" in job else pl.col("g") // 5
    return [outer.alias("outer"), pl.col("g")], (pl.col("y") + 0.2 * (outer % 7)).alias("y")


def plain(job, lf):
    """The work that any estimate needs: the group-by, or the group mean of each row."""
    import polars as pl

    x, y, line = pl.col("x"), pl.col("y"), pl.col("line")
    if job == PRODUCTS:
        means = {"n": pl.len(), "mean_x": x.mean(), "mean_y": line.mean()}
        return lf.group_by("g").agg(**means, xx=x.var(), xy=pl.cov(x, line), yy=line.var())
    if job == HITS:
        return lf.group_by("g").agg(x=pl.col("hit").sum(), n=pl.col("hit").count())
    if job == HITS_OF_TEN:
        return lf.group_by(model_of_ten(), "g").agg(x=pl.col("hit").sum(), n=pl.col("hit").count())
    if job == PAIRS:
        return lf.group_by("row").agg(pl.col("hits", "trials").sum())
    if job in (MEAN, MEAN_IN_MEMORY):
        return lf.with_columns(estimate=y.mean().over("g"))
    if job == PRECISION:
        return lf.group_by("row").agg((1 / pl.col("se") ** 2).sum())
    if job in (LEAVES, LEAVES_OF_FIVE):
        keys, value = levels(job)
        return lf.group_by(keys).agg(n=value.count(), mean=value.mean(), var=value.var())
    keys = {GROUP_BY_OVER: ["model", "h"], GROUP_BY_TEN: [model_of_ten(), "g"]}.get(job, ["g"])
    return lf.group_by(keys).agg(n=y.count(), mean=y.mean(), var=y.var())


def pooled(job, lf):
    import polars as pl

    import polars_pool as pool

    match job.removesuffix(", in memory"):
        case "shrink, reml":
            return pool.shrink(lf, "y", by="g")
        case "shrink, weights":
            return pool.shrink(lf, "y", by="g", weights="w")
        case "shrink, separate":
            return pool.shrink(lf, "y", by="g", sigma2="separate")
        case "shrink, squeezed":
            return pool.shrink(lf, "y", by="g", sigma2="squeezed")
        case "shrink, models of ten groups":
            return pool.shrink(lf, "y", by="g", over=model_of_ten())
        case "shrink, rates of models of ten groups":
            return pool.shrink(lf, "hit", by="g", over=model_of_ten(), family="binomial")
        case "components, a prior":
            return pool.components(lf, "y", by="row", se="se", tau2=pool.HalfCauchy(1))
        case "shrink, se":
            return pool.shrink(lf, "y", by="g", se="se")
        case "shrink, a predictor":
            return pool.shrink(lf, "y", by="g", toward="model")
        case "coefficients, a predictor":
            return pool.coefficients(lf, "y", by="g", toward="model")
        case "shrink, se, a predictor":
            return pool.shrink(lf, "y", by="g", se="se", toward="model")
        case "components, knha":
            return pool.components(lf, "y", by="g", test="knha")
        case "shrink, over":
            return pool.shrink(lf, "y", by="h", over="model")
        case "shrink, nested, 1,000 outer" | "shrink, nested, 200,000 outer":
            keys, value = levels(job)
            return pool.shrink(lf, value, by=keys, nested=True)
        case "components, nested, 1,000 outer":
            keys, value = levels(job)
            return pool.components(lf, value, by=keys, nested=True)
        case "encode":
            return pool.encode(lf, "y", by="g")
        case "encode, loo":
            return pool.encode(lf, "y", by="g", folds="loo")
        case "encode, five folds":
            return pool.encode(lf, "y", by="g", folds=5, seed=0)
        case "expression":
            return lf.with_columns(estimate=pl.col("y").pool.shrink(by="g"))
        case "shrink, rates of 0 and 1":
            return pool.shrink(lf, "hit", by="g", family="binomial")
        case "components, rates of 0 and 1":
            return pool.components(lf, "hit", by="g", family="binomial")
        case "shrink, rates of pairs":
            return pool.shrink(lf, "hits", by="row", trials="trials")
        case "components, rates of pairs":
            return pool.components(lf, "hits", by="row", trials="trials")
        case "regress, varying intercept":
            return pool.regress(lf, "line", ["x"], by="g")
        case "regress, varying intercept and slope":
            return pool.regress(lf, "line", ["x"], by="g", vary=["intercept", "x"])
        case "regress_components, varying intercept and slope":
            return pool.regress_components(lf, "line", ["x"], by="g", vary=["intercept", "x"])


def measure(job: str, table: Path) -> dict[str, float]:
    """One run in this process: wall seconds, CPU seconds of all threads, and the peak in megabytes."""
    import polars as pl
    import scipy.special  # noqa: F401  in every process, so that the ratios compare the work and not the imports

    import polars_pool  # noqa: F401

    query = plain if JOBS[job][1] == job else pooled
    lf = pl.scan_parquet(table / "**/*.parquet", hive_partitioning=True)
    if JOBS[job][0] == "small":
        lf = lf.select("g", "y")
    warnings.filterwarnings("ignore", "folds='loo'")  # here as everywhere, large groups without a row warn
    if job.endswith("in memory"):
        lf = lf.collect().lazy()
    query(job, lf.head(0)).collect(engine="streaming")  # excludes imports and the start of threads from the measurement
    return measured(lambda: query(job, lf).collect(engine="streaming"))


if __name__ == "__main__":
    main(__doc__, "polars", JOBS, measure)
