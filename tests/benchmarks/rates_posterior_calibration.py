"""Is the whole posterior of rates calibrated? The Markdown tables of the guide "Rates and counts".

    python tests/benchmarks/rates_posterior_calibration.py [--models 1000]

First the coverage of nominal 95 % intervals where the truth is fixed: rates are equal in all groups (size infinite), or
have a beta distribution with alpha + beta = size, or a gamma distribution with shape = size; groups have 20, 50, 100,
200 and 400 trials in turn, or as much exposure. Then simulation-based calibration (Talts et al. 2018): the mean and rho
of the prior are drawn from the prior that the model assumes, so that the truth must lie below each quantile of its
posterior as often as the quantile says; the table has the largest deviation, and its 99 % bound for uniform ranks.
"""

import argparse
from itertools import product

import numpy as np
import polars as pl

import polars_pool as pool

SIZES = (20.0, 50.0, 100.0, 200.0, 400.0)
GROUPS = (3, 5, 10)
RATE = 0.12
SPREAD = {"trials": (np.inf, 200.0, 30.0), "exposure": (np.inf, 10.0, 2.0)}
LEVELS = (0.02, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.98)  # of the intervals that give the quantiles of the ranks


def counts(rng: np.random.Generator, truth: np.ndarray, n: np.ndarray, role: str) -> np.ndarray:
    return rng.binomial(n.astype(np.int64), truth) if role == "trials" else rng.poisson(n * truth)


def draw(rng: np.random.Generator, models: int, groups: int, mean, size, role: str) -> pl.DataFrame:
    """The events and the true rate of every group; mean and size are those of each model."""
    n = np.tile(np.resize(SIZES, groups), models)
    mean, size = (np.repeat(np.broadcast_to(x, models), groups) for x in (mean, size))
    finite = np.where(np.isinf(size), 1.0, size)
    drawn = rng.beta(mean * finite, (1 - mean) * finite) if role == "trials" else rng.gamma(finite, mean / finite)
    truth = np.where(np.isinf(size), mean, drawn)
    x = counts(rng, truth, n, role)
    model = np.repeat(np.arange(models), groups)
    return pl.DataFrame({"m": model, "g": np.tile(np.arange(groups), models), "x": x, "n": n, "truth": truth})


def coverage(frame: pl.DataFrame, role: str, prior) -> float:
    result = pool.shrink(frame, "x", "g", over="m", prior=prior, **{role: "n"})
    beside = frame.join(result, on=["m", "g"])
    return beside.select(pl.col("truth").is_between("lower", "upper")).to_series().mean()


def deviation(rng: np.random.Generator, models: int, groups: int) -> float:
    """The largest difference between a probability and the share of true rates below that quantile."""
    mean, rho = rng.uniform(size=(2, models))
    frame = draw(rng, models, groups, mean, 1 / rho - 1, "trials")
    deviations = []
    for level in LEVELS:
        result = pool.shrink(frame, "x", "g", over="m", trials="n", prior=pool.UniformShrinkage(), level=level)
        beside = frame.join(result, on=["m", "g"]).filter(g=0)
        for name, p in (("lower", (1 - level) / 2), ("upper", (1 + level) / 2)):
            deviations.append(abs((beside["truth"] <= beside[name]).mean() - p))
    return max(deviations)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=1_000, help="models per cell")
    models = parser.parse_args().models
    rng = np.random.default_rng(7)
    several = " | ".join(str(groups) for groups in GROUPS)
    print(f'| rates | alpha + beta, or shape | `UniformShrinkage()`, {several} groups | `"ml"`, {several} groups |')
    print(f"|---|---|{'---:|' * 2 * len(GROUPS)}")
    for role in SPREAD:
        for size in SPREAD[role]:
            frames = [draw(rng, models, groups, RATE, size, role) for groups in GROUPS]
            priors = (pool.UniformShrinkage(), "ml")
            cells = [f"{100 * coverage(frame, role, prior):.1f}" for prior, frame in product(priors, frames)]
            print(
                f"| {role} | {'no differences' if np.isinf(size) else f'{size:g}'} | {' | '.join(cells)} |", flush=True
            )
    print("\n| groups | largest deviation of ranks | bound |\n|---|---:|---:|")
    for groups in GROUPS:
        print(f"| {groups} | {deviation(rng, models, groups):.3f} | {1.63 / models**0.5:.3f} |", flush=True)


if __name__ == "__main__":
    main()
