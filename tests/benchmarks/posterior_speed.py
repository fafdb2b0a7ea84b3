"""The cost of the exact posterior, compared with Markov chains of the same model in the same run: two Markdown tables.

    pip install -e . pymc                             # preferably in a virtual environment of its own
    python tests/benchmarks/posterior_speed.py [--rounds 3] [--only components]

Eight schools (Rubin 1981) with tau half-Cauchy(5) and mu normal(0, 5): PyMC's non-centred model, two chains of 10,000
draws after 1,000 of tuning, compared with `components` and `shrink`. Digits are -log10 of the relative error of the
posterior means, relative to a quadrature in R. The second table shows the cost of many models, groups and rows. Every
run is a process of its own, and the jobs run in turns; imports are not timed.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import math
import statistics
import sys
import time
from collections.abc import Callable

from turns import in_child, machine, measured

EFFECT, SE = [28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18]
# R 4.2.2: mu integrated analytically, tau by composite Gauss-Legendre of 6,620 nodes; two grids agree to 2e-15.
REFERENCE = {
    "tau": [3.5977054840976637],
    "mu": [4.396820713833003],
    "theta": [
        *(6.211884204056291, 4.940178419510872, 3.9270044025271735, 4.757098291280815),
        *(3.6154770154000784, 4.042612635830151, 6.296724127568127, 4.854253319881532),
    ],
}
PYMC, BOTH, DUCKDB = "PyMC, 2 × 10,000 draws", "components + shrink", "pool_shrink, DuckDB"
WARM = 50  # calls before the timing, and timed calls
MODELS, GROUPS, OF_ROWS, ROWS = 1_000, 100_000, 10_000, 1_000_000


def digits(means: dict[str, list[float]]) -> dict[str, float]:
    """Correct digits of the posterior means; for theta the smallest number of the eight."""
    return {
        name: min(-math.log10(max(abs(x / r - 1), 2**-53)) for x, r in zip(means[name], reference, strict=True))
        for name, reference in REFERENCE.items()
    }


# ---- eight schools --------------------------------------------------------------------------------------------------


def by_pymc() -> dict[str, float]:
    folder = sys.path.pop(0)  # numba would import coverage.py of this folder instead of the package with that name
    import numpy as np
    import pymc

    sys.path.insert(0, folder)

    start = time.perf_counter()
    with pymc.Model():
        mu, tau = pymc.Normal("mu", 0, 5), pymc.HalfCauchy("tau", 5)
        theta = pymc.Deterministic("theta", mu + tau * pymc.Normal("z", 0, 1, shape=len(SE)))
        pymc.Normal("effect", theta, np.array(SE, dtype=float), observed=np.array(EFFECT, dtype=float))
        two = {"chains": 2, "cores": 2, "mp_ctx": "fork", "progressbar": False}
        chains = pymc.sample(10_000, tune=1_000, target_accept=0.9, random_seed=1, **two).posterior
    wall = time.perf_counter() - start
    means = {name: np.atleast_1d(chains[name].mean(("chain", "draw")).values).tolist() for name in REFERENCE}
    return {"wall": wall, "sampling": chains.attrs["sampling_time"], **digits(means)}


def by_polars_pool(job: str) -> dict[str, float]:
    """Times of the first call, and the median of many warm calls."""
    import polars as pl

    import polars_pool as pool

    schools = pl.DataFrame({"school": list("ABCDEFGH"), "effect": EFFECT, "se": SE})
    model = {"se": "se", "by": "school", "tau2": pool.HalfCauchy(5), "mu": pool.Normal(0, 5)}

    def components() -> dict[str, list[float]]:
        components = schools.pool.components("effect", **model)
        return {"tau": components["tau"].to_list(), "mu": components["mu"].to_list()}

    def shrink() -> dict[str, list[float]]:
        return {"theta": schools.pool.shrink("effect", **model)["estimate"].to_list()}

    calls: dict[str, Callable[[], dict[str, list[float]]]] = {"components": components, "shrink": shrink}
    calls[BOTH] = lambda: components() | shrink()
    call, walls = calls[job], []
    for _ in range(1 + 2 * WARM):
        start = time.perf_counter()
        call()
        walls.append(time.perf_counter() - start)
    times = {"first": walls[0], "wall": statistics.median(walls[-WARM:])}
    quantities = {"components": ("tau", "mu"), "shrink": ("theta",)}.get(job, tuple(REFERENCE))
    return times | {name: value for name, value in digits(components() | shrink()).items() if name in quantities}


def by_duckdb() -> dict[str, float]:
    """The same model in SQL, with a tenth of the calls: planning the large macros takes most of the time."""
    import duckdb
    import polars as pl

    import polars_pool as pool

    connection = duckdb.connect()
    pool.install_macros(connection)
    connection.register("schools", pl.DataFrame({"school": list("ABCDEFGH"), "effect": EFFECT, "se": SE}))
    query = """
        SELECT estimate FROM pool_shrink(schools, effect, school, se := se, tau2 := 'half_cauchy(5)',
            mu := 'normal(0, 5)') ORDER BY school
    """
    walls = []
    for _ in range(1 + WARM // 10):
        start = time.perf_counter()
        estimates = connection.sql(query).fetchall()
        walls.append(time.perf_counter() - start)
    theta = digits({**REFERENCE, "theta": [estimate for (estimate,) in estimates]})["theta"]
    return {"first": walls[0], "wall": statistics.median(walls[1:]), "theta": theta}


# ---- many models, groups, rows --------------------------------------------------------------------------------------


def models_of_eight():
    """A thousand models drawn from the prior, with the standard errors of the eight schools."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    tau, mu = np.abs(5 * rng.standard_cauchy((MODELS, 1))), rng.normal(0, 5, (MODELS, 1))
    effect = rng.normal(mu, np.hypot(tau, np.array(SE)))
    model, school = np.indices(effect.shape)
    columns = {"model": model, "school": school, "effect": effect, "se": np.broadcast_to(SE, effect.shape) * 1.0}
    return pl.DataFrame({name: column.ravel() for name, column in columns.items()})


def published():
    """Estimates of many groups, no two with the same standard error."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    se = rng.uniform(0.5, 2, GROUPS)
    return pl.DataFrame({"g": np.arange(GROUPS), "y": rng.normal(10, np.hypot(se, 0.5)), "se": se})


def rows():
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    g = rng.integers(0, OF_ROWS, ROWS)
    return pl.DataFrame({"g": g, "y": 10 + rng.normal(scale=0.5, size=OF_ROWS)[g] + rng.normal(size=ROWS)})


SCHOOLS = {"value": "effect", "se": "se", "by": "school", "over": "model", "mu": "normal(0, 5)"}
PUBLISHED, OF_GROUPS = {"value": "y", "se": "se", "by": "g"}, {"value": "y", "by": "g"}
INTEGRATED = {"sigma2": "jeffreys()"}
# job: its table, the verb and its arguments; one more line adds a job
LARGE = {
    f"components, {MODELS:,} models of 8 groups": (models_of_eight, "components", SCHOOLS),
    f"shrink, {MODELS:,} models of 8 groups": (models_of_eight, "shrink", SCHOOLS),
    f"components, {GROUPS:,} standard errors": (published, "components", PUBLISHED),
    f"shrink, {GROUPS:,} standard errors": (published, "shrink", PUBLISHED),
    f"components, {ROWS:,} rows of {OF_ROWS:,} groups": (rows, "components", OF_GROUPS),
    f"shrink, {ROWS:,} rows of {OF_ROWS:,} groups": (rows, "shrink", OF_GROUPS),
    f"components, {ROWS:,} rows, sigma2 integrated": (rows, "components", OF_GROUPS | INTEGRATED),
    f"shrink, {ROWS:,} rows, sigma2 integrated": (rows, "shrink", OF_GROUPS | INTEGRATED),
}


def large(job: str) -> dict[str, float]:
    """One call in this process, after a small call; `table` is the peak before it."""
    import polars as pl

    import polars_pool as pool

    table, verb, arguments = LARGE[job]
    frame, call = table(), getattr(pool, verb)
    few = frame.head(64).with_columns(pl.col(arguments["by"]) % 8)
    call(few, **arguments, tau2="half_cauchy(5)")  # excludes imports and the start of threads from the measurement
    before = measured(lambda: None)["peak"]
    return {**measured(lambda: call(frame, **arguments, tau2="half_cauchy(5)")), "table": before}


# ---- the tables -----------------------------------------------------------------------------------------------------


def measure(job: str) -> dict[str, float]:
    if job == PYMC:
        return by_pymc()
    if job == DUCKDB:
        return by_duckdb()
    return large(job) if job in LARGE else by_polars_pool(job)


def print_schools(runs: dict[str, list[dict[str, float]]]) -> None:
    """Print seconds, digits, and the ratio of PyMC's time to that of each job in the same round."""
    names = list(REFERENCE)
    print("| job | wall s | first call s | PyMC × | " + " | ".join(f"digits of {name}" for name in names) + " |")
    print("|---|" + "---:|" * (3 + len(names)))
    for job, rounds in runs.items():
        wall, last = statistics.median(run["wall"] for run in rounds), rounds[-1]
        ratios = [chains["wall"] / run["wall"] for chains, run in zip(runs[PYMC], rounds, strict=True)]
        first = f"{statistics.median(run['first'] for run in rounds):.3f}" if "first" in last else ""
        times = "" if job == PYMC else f"{statistics.median(ratios):,.0f}"
        cells = [f"{wall:.4f}", first, times, *(f"{last[name]:.1f}" if name in last else "" for name in names)]
        print(f"| {job} | {' | '.join(cells)} |")
    sampling = statistics.median(run["sampling"] for run in runs[PYMC])
    print(f"\nPyMC needs {sampling:.1f} s for tuning and sampling; the rest is compilation and the start of processes.")


def print_large(runs: dict[str, list[dict[str, float]]]) -> None:
    print("| job | wall s | CPU s | peak MB | before the call MB |\n|---|---:|---:|---:|---:|")
    for job, rounds in runs.items():
        wall, cpu, peak, table = (statistics.median(run[m] for run in rounds) for m in ("wall", "cpu", "peak", "table"))
        print(f"| {job} | {wall:.2f} | {cpu:.2f} | {peak:,.0f} | {table:,.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="only large jobs whose name contains this")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure)))
        return
    if importlib.util.find_spec("pymc") is None:
        sys.exit("the comparison needs PyMC, which is not installed: pip install pymc")
    small, selected = [PYMC, "components", "shrink", BOTH, DUCKDB], [job for job in LARGE if options.only in job]
    runs: dict[str, list[dict[str, float]]] = {job: [] for job in [*small, *selected]}
    for _ in range(options.rounds):
        for job, results in runs.items():
            results.append(json.loads(in_child("--measure", job).splitlines()[-1]))
    print(f"{machine('polars')}, PyMC {importlib.metadata.version('pymc')}; medians of {options.rounds} rounds\n")
    print_schools({job: runs[job] for job in small})
    print()
    print_large({job: runs[job] for job in selected})


if __name__ == "__main__":
    main()
