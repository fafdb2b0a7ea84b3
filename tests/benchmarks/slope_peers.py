"""Compares regressions with varying intercepts and slopes by polars-pool and other tools: a Markdown table.

    python tests/benchmarks/slope_peers.py [--rounds 3] [--limit 300]

The model of every tool is lme4's `y ~ x + (x | g)`. The other tools (gpboost, statsmodels) come from PyPI; the table
reports tools that are not installed. Every run is a process of its own, and the tools run in turns. The time covers the
way from rows in memory to one intercept and slope per group, without imports and the generation of data.
"""

import time
import warnings

import tools

SIGMA, TAU, CORRELATION = 2.0, (1.0, 0.5), 0.5  # standard deviations of errors; of intercepts and slopes

# Rows and groups of a comparison, and the tools that can run at that size.
SIZES = [
    (10_000_000, 1_000_000, ["polars, least squares", "polars-pool"]),
    (1_000_000, 100_000, ["polars, least squares", "polars-pool", "gpboost"]),
    (200_000, 20_000, ["polars, least squares", "polars-pool", "gpboost", "statsmodels"]),
    (20_000, 2_000, ["polars, least squares", "polars-pool", "gpboost", "statsmodels"]),
]
HEADS = ("rows", "groups")
COLUMNS = {
    "wall": ("wall s", ".3f"),
    "cpu": ("CPU s", ".3f"),
    "intercept": ("RMSE of intercepts", ".4f"),
    "slope": ("RMSE of slopes", ".4f"),
}
CAPTION = f"Errors of sd {SIGMA}, intercepts of {TAU[0]}, slopes of {TAU[1]}"


def draw(rows, groups):
    """True intercept and slope of every group, and the group, covariate and value of each row."""
    import numpy as np

    rng = np.random.default_rng(1)
    between = np.outer(TAU, TAU) * np.array([[1, CORRELATION], [CORRELATION, 1]])
    truth = rng.multivariate_normal([5.0, 1.5], between, groups)
    g, x = rng.integers(0, groups, rows), rng.normal(size=rows)
    return truth, g, x, truth[g, 0] + truth[g, 1] * x + rng.normal(scale=SIGMA, size=rows)


def least_squares(g, x, y):
    """Least squares in each group separately; no result for groups with too few rows."""
    import polars as pl

    frame = pl.DataFrame({"g": g, "x": x, "y": y})
    slope = pl.cov("x", "y") / pl.col("x").var()
    line = frame.lazy().group_by("g").agg(a=pl.col("x").mean(), b=pl.col("y").mean(), slope=slope)
    return lambda: line.select("g", pl.col("b") - pl.col("slope") * pl.col("a"), "slope").collect().to_numpy()


def polars_pool(g, x, y):
    import polars as pl

    import polars_pool as pool

    frame = pl.DataFrame({"g": g, "x": x, "y": y}).lazy()

    def run():
        estimates = pool.regress(frame, "y", ["x"], by="g", vary=["intercept", "x"]).select("g", "term", "estimate")
        return estimates.collect().pivot("term", index="g", values="estimate").to_numpy()

    return run


def gpboost(g, x, y):
    import gpboost
    import numpy as np

    def run():
        fixed = np.column_stack([np.ones(len(y)), x])
        model = gpboost.GPModel(group_data=g, group_rand_coef_data=x, ind_effect_group_rand_coef=[1])
        model.fit(y=y, X=fixed)
        effects = model.predict_training_data_random_effects().to_numpy()[:, :2]
        keys, first = np.unique(g, return_index=True)
        return np.column_stack([keys, effects[first] + np.asarray(model.get_coef()).ravel()[:2]])

    return run


def statsmodels(g, x, y):
    import numpy as np
    from statsmodels.regression.mixed_linear_model import MixedLM

    def run():
        fixed = np.column_stack([np.ones(len(y)), x])
        fitted = MixedLM(y, fixed, groups=g, exog_re=fixed).fit(reml=True)
        effects = np.array([np.ravel(effect) for effect in fitted.random_effects.values()])
        return np.column_stack([list(fitted.random_effects), effects + fitted.fe_params])

    return run


TOOLS = {
    "polars, least squares": least_squares,
    "polars-pool": polars_pool,
    "gpboost": gpboost,
    "statsmodels": statsmodels,
}


def measure(tool, rows, groups):
    """One run in this process: wall time, CPU time of all threads, and the root mean squared errors."""
    import numpy as np

    warnings.simplefilter("ignore")
    truth, g, x, y = draw(rows, groups)
    TOOLS[tool](*draw(2_000, 100)[1:])()  # excludes imports and the start of threads from the measurement
    run = TOOLS[tool](g, x, y)
    wall, cpu = time.perf_counter(), time.process_time()
    estimates = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    error = estimates[:, 1:] - truth[estimates[:, 0].astype(np.int64)]
    error = error[np.isfinite(error).all(axis=1)]
    return {
        "wall": wall,
        "cpu": cpu,
        **dict(zip(("intercept", "slope"), np.sqrt((error**2).mean(axis=0)), strict=True)),
    }


if __name__ == "__main__":
    tools.compare(__doc__, measure, SIZES, HEADS, COLUMNS, CAPTION)
