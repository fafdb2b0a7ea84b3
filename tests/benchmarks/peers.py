"""Compares estimates of group means by polars-pool and by other tools: a Markdown table of times and errors.

    python tests/benchmarks/peers.py [--rounds 3] [--limit 300]

The other tools (gpboost, scikit-learn, statsmodels) come from PyPI; the table reports tools that are not installed.
Every run is a process of its own, and the tools run in turns. The time covers the way from rows in memory to one
estimate per group, without imports and the generation of data.
"""

import time
import warnings

import tools

SIGMA, TAU = 1.0, 0.5

# Rows and groups of a comparison, and the tools that can run at that size.
SIZES = [
    (1_000_000, 100_000, ["polars, raw means", "polars-pool", "gpboost", "scikit-learn"]),
    (20_000, 2_000, ["polars, raw means", "polars-pool", "gpboost", "scikit-learn", "statsmodels"]),
    (200_000, 20_000, ["polars, raw means", "polars-pool", "statsmodels"]),
]
HEADS = ("rows", "groups")
COLUMNS = {
    "wall": ("wall s", ".3f"),
    "cpu": ("CPU s", ".3f"),
    "rmse": ("RMSE of the group means", ".4f"),
}
CAPTION = f"Within-group sd {SIGMA}, between-group sd {TAU}"


def draw(rows, groups):
    """True group means, and the group and value of each row."""
    import numpy as np

    rng = np.random.default_rng(1)
    truth = 10 + rng.normal(scale=TAU, size=groups)
    g = rng.integers(0, groups, size=rows)
    return truth, g, truth[g] + rng.normal(scale=SIGMA, size=rows)


def raw_means(g, y):
    import polars as pl

    frame = pl.DataFrame({"g": g, "y": y})
    return lambda: frame.lazy().group_by("g").agg(pl.col("y").mean()).collect(engine="streaming").to_numpy().T


def polars_pool(g, y):
    import polars as pl

    import polars_pool as pool

    frame = pl.DataFrame({"g": g, "y": y})
    return lambda: frame.lazy().pipe(pool.shrink, "y", by="g").select("g", "estimate").collect().to_numpy().T


def gpboost(g, y):
    import gpboost
    import numpy as np

    def run():
        model = gpboost.GPModel(group_data=g, likelihood="gaussian")
        model.fit(y=y, X=np.ones((len(y), 1)))
        effects = model.predict_training_data_random_effects().to_numpy()[:, 0]
        centre = np.asarray(model.get_coef()).ravel()[0]
        first = np.unique(g, return_index=True)
        return first[0], centre + effects[first[1]]

    return run


def scikit_learn(g, y):
    from sklearn.preprocessing import TargetEncoder

    def run():
        encoder = TargetEncoder(smooth="auto", target_type="continuous").fit(g.reshape(-1, 1), y)
        return encoder.categories_[0], encoder.encodings_[0]

    return run


def statsmodels(g, y):
    import numpy as np
    from statsmodels.regression.mixed_linear_model import MixedLM

    def run():
        fitted = MixedLM(y, np.ones((len(y), 1)), groups=g).fit(reml=True)
        effects = fitted.random_effects
        return list(effects), fitted.fe_params[0] + np.array([float(np.ravel(e)[0]) for e in effects.values()])

    return run


TOOLS = {
    "polars, raw means": raw_means,
    "polars-pool": polars_pool,
    "gpboost": gpboost,
    "scikit-learn": scikit_learn,
    "statsmodels": statsmodels,
}


def measure(tool, rows, groups):
    """One run in this process: wall time, CPU time of all threads, and the root mean squared error."""
    import numpy as np

    warnings.simplefilter("ignore")
    truth, g, y = draw(rows, groups)
    TOOLS[tool](*draw(2_000, 100)[1:])()  # excludes imports and the start of threads from the measurement
    run = TOOLS[tool](g, y)
    wall, cpu = time.perf_counter(), time.process_time()
    keys, estimates = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    error = np.asarray(estimates) - truth[np.asarray(keys, dtype=np.int64)]
    return {"wall": wall, "cpu": cpu, "rmse": float(np.sqrt(np.mean(error**2)))}


if __name__ == "__main__":
    tools.compare(__doc__, measure, SIZES, HEADS, COLUMNS, CAPTION)
