"""Compares two nested levels by polars-pool and other tools: a Markdown table.

    python tests/benchmarks/nested_peers.py [--rounds 3] [--limit 300]

The model of every tool is lme4's `y ~ 1 + (1 | outer/inner)` by REML. lme4 needs `Rscript` with the package;
statsmodels and gpboost come from PyPI; the table reports tools that are not installed. Every run is a process of its
own, and the tools run in turns. The time covers the way from rows in memory to one estimate per inner group; lme4
measures itself, without the start of R and the reading of the rows.
"""

import subprocess
import tempfile
import time
import warnings
from pathlib import Path

import tools

SIGMA, TAU = 2.0, (1.0, 0.7)  # standard deviations of rows, outer groups and inner groups

# Rows, inner groups and outer groups of a comparison, and the tools that can run at that size.
SIZES = [
    (10_000_000, 1_000_000, 10_000, ["polars-pool"]),
    (1_000_000, 100_000, 2_000, ["polars-pool", "lme4", "gpboost"]),
    (100_000, 10_000, 500, ["polars-pool", "lme4", "gpboost"]),
    (5_000, 500, 50, ["polars-pool", "lme4", "gpboost", "statsmodels"]),
]
HEADS = ("rows", "inner", "outer")
COLUMNS = {
    "wall": ("wall s", ".3f"),
    "cpu": ("CPU s", ".3f"),
    "outer": ("tau2 of outer", ".8f"),
    "inner": ("tau2 of inner", ".8f"),
}
CAPTION = f"Rows of sd {SIGMA}, outer groups of {TAU[0]}, inner groups of {TAU[1]}"
LME4 = """
suppressPackageStartupMessages(library(lme4))
rows <- read.csv(commandArgs(TRUE)[1])
used <- system.time({
  fit <- lmer(y ~ 1 + (1 | outer/inner), rows)
  effects <- ranef(fit, condVar = FALSE)
})
numbers <- c(used[["elapsed"]], used[["user.self"]] + used[["sys.self"]], as.data.frame(VarCorr(fit))$vcov[1:2])
cat(format(numbers, digits = 12))
"""


def draw(rows, inner, outer):
    """The outer and the inner group and the value of each row."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    leaf = rng.integers(0, inner, rows)
    parent = leaf % outer
    y = 5 + rng.normal(scale=TAU[0], size=outer)[parent] + rng.normal(scale=TAU[1], size=inner)[leaf]
    return pl.DataFrame({"outer": parent, "inner": leaf, "y": y + rng.normal(scale=SIGMA, size=rows)})


def polars_pool(frame):
    import polars_pool as pool

    model = {"value": "y", "by": ["outer", "inner"], "nested": True}

    def run():
        return pool.shrink(frame.lazy(), **model).collect()

    def variances():
        return pool.components(frame, **model)["tau2"].to_list()

    return run, variances


def gpboost(frame):
    import gpboost
    import numpy as np

    groups, y = frame.select("outer", "inner").to_numpy(), frame["y"].to_numpy()
    fitted = {}

    def run():
        model = gpboost.GPModel(group_data=groups)
        model.fit(y=y, X=np.ones((len(y), 1)))
        fitted["model"] = model
        return model.predict_training_data_random_effects()

    def variances():
        return [float(x) for x in np.ravel(fitted["model"].get_cov_pars())[1:3]]

    return run, variances


def statsmodels(frame):
    import numpy as np
    from statsmodels.regression.mixed_linear_model import MixedLM

    data = frame.to_dict(as_series=False)
    fitted = {}

    def run():
        import pandas

        table = pandas.DataFrame(data)
        model = MixedLM.from_formula(
            "y ~ 1", table, groups="outer", vc_formula={"inner": "0 + C(inner)"}, re_formula="1"
        )
        fitted["model"] = model.fit(reml=True)
        return fitted["model"].random_effects

    def variances():
        return [float(np.ravel(fitted["model"].cov_re)[0]), float(fitted["model"].vcomp[0])]

    return run, variances


TOOLS = {"polars-pool": polars_pool, "gpboost": gpboost, "statsmodels": statsmodels}


def measure(tool, rows, inner, outer):
    """One run: wall time, CPU time of all threads, and the variances of the outer and the inner level."""
    warnings.simplefilter("ignore")
    if tool == "lme4":
        return by_r(draw(rows, inner, outer))
    TOOLS[tool](draw(1_000, 100, 10))[0]()  # excludes imports and the start of threads from the measurement
    run, variances = TOOLS[tool](draw(rows, inner, outer))
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall, "cpu": cpu, **dict(zip(("outer", "inner"), variances(), strict=True))}


def by_r(frame):
    with tempfile.TemporaryDirectory() as folder:
        rows, script = Path(folder) / "rows.csv", Path(folder) / "lme4.R"
        frame.write_csv(rows)
        script.write_text(LME4)
        done = subprocess.run(["Rscript", script, rows], check=True, capture_output=True, text=True)
    wall, cpu, inner, outer = map(float, done.stdout.split())
    return {"wall": wall, "cpu": cpu, "outer": outer, "inner": inner}


if __name__ == "__main__":
    tools.compare(__doc__, measure, SIZES, HEADS, COLUMNS, CAPTION)
