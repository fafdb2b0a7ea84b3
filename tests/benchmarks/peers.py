"""Compares estimates of group means by polars-pool and by other tools: a Markdown table of times and errors.

    python tests/benchmarks/peers.py [--rounds 3] [--limit 300]

The other tools (gpboost, scikit-learn, statsmodels) come from PyPI; the table reports tools that are not installed.
Every run is a process of its own, and the tools run in turns. The time covers the way from rows in memory to one
estimate per group, without imports and the generation of data.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version

SIGMA, TAU = 1.0, 0.5

# Rows and groups of a comparison, and the tools that can run at that size.
SIZES = [
    (1_000_000, 100_000, ["polars, raw means", "polars-pool", "gpboost", "scikit-learn"]),
    (20_000, 2_000, ["polars, raw means", "polars-pool", "gpboost", "scikit-learn", "statsmodels"]),
    (200_000, 20_000, ["polars, raw means", "polars-pool", "statsmodels"]),
]


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


def in_child(tool, rows, groups, limit):
    """The result of `measure` in a process of its own, or the reason why it failed."""
    command = [sys.executable, __file__, "--measure", tool, str(rows), str(groups)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return f"more than {limit} s"
    if done.returncode:
        return done.stderr.strip().splitlines()[-1][:80]
    return json.loads(done.stdout.splitlines()[-1])


def compare(rows, groups, tools, rounds, limit):
    """The runs of each tool, in turns; a tool that failed once does not run again."""
    runs = {tool: [] for tool in tools}
    for _ in range(rounds):
        for tool in tools:
            if not any(isinstance(run, str) for run in runs[tool]):
                runs[tool].append(in_child(tool, rows, groups, limit))
    return runs


def print_line(tool, rows, groups, runs):
    try:
        name = f"{tool} ({version(tool.split(',')[0])})"
    except PackageNotFoundError:
        name, runs = tool, ["not installed"]
    if isinstance(runs[-1], str):
        cells = [runs[-1], "", ""]
    else:
        wall, cpu, rmse = (statistics.median(run[m] for run in runs) for m in ("wall", "cpu", "rmse"))
        cells = [f"{wall:.3f}", f"{cpu:.3f}", f"{rmse:.4f}"]
    print(f"| {rows:,} | {groups:,} | {name} | {' | '.join(cells)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=300, help="seconds after which a run is stopped")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        tool, rows, groups = options.measure
        print(json.dumps(measure(tool, int(rows), int(groups))))
        return
    print(f"Within-group sd {SIGMA}, between-group sd {TAU}; medians of {options.rounds} rounds\n")
    print("| rows | groups | tool | wall s | CPU s | RMSE of the group means |")
    print("|---:|---:|---|---:|---:|---:|")
    for rows, groups, tools in SIZES:
        for tool, runs in compare(rows, groups, tools, options.rounds, options.limit).items():
            print_line(tool, rows, groups, runs)


if __name__ == "__main__":
    main()
