"""How often do nominal 95 % intervals contain the true rate of a group? The Markdown table of the guide "Coverage".

    python tests/benchmarks/rates_coverage.py [--models 5000]

Groups have 20, 50, 100, 200 and 400 trials in turn, or as much exposure. Their rates are equal in all groups of a model
(size infinite), or have a beta distribution with alpha + beta = size, or a gamma distribution with shape = size.
Maximum likelihood estimates the prior; `conditional` treats it as known, `mu` includes the error of its mean. All
models of a cell are estimated together; their number is at most `--models`, with at most 400,000 groups in total.
"""

import argparse
from itertools import product

import numpy as np
from scipy.special import betainc, gammainc

from polars_pool.models.rates import fit, posterior

SIZES = (20.0, 50.0, 100.0, 200.0, 400.0)  # repeated over the groups
GROUPS = (3, 5, 10, 30, 100)
RATES = (0.5, 0.01)
SPREAD = {"binomial": (np.inf, 200.0, 30.0), "poisson": (np.inf, 10.0, 2.0)}
MOST = 400_000  # groups per cell
UNIT = {"binomial": "of trials", "poisson": "per exposure"}


def draw(rng: np.random.Generator, models: int, groups: int, rate: float, size: float, family: str):
    """The events and the true rate of every group."""
    n = np.tile(np.resize(SIZES, groups), models)
    if np.isinf(size):
        truth = np.full(len(n), rate)
    elif family == "binomial":
        truth = rng.beta(rate * size, (1 - rate) * size, len(n))
    else:
        truth = rng.gamma(size, rate / size, len(n))
    x = rng.binomial(n.astype(np.int64), truth) if family == "binomial" else rng.poisson(n * truth)
    return fit.Pairs(np.arange(models) * groups, 1.0 * x, n, np.ones(len(n))), truth


def covered(rates: posterior.Posterior, truth: np.ndarray) -> float:
    """The share of true rates between the 2.5 % and 97.5 % quantiles; an interval of length 0 contains none."""
    below = (
        betainc(rates.first, rates.second, truth)
        if rates.family == "binomial"
        else gammainc(rates.first, rates.second * truth)
    )
    return float(((below >= 0.025) & (below <= 0.975) & np.isfinite(rates.first)).mean())


def shares(rng: np.random.Generator, models: int, groups: int, rate: float, size: float, family: str) -> list[float]:
    """The coverage of the intervals `mu` and `conditional`."""
    pairs, truth = draw(rng, models, groups, rate, size, family)
    estimated = fit.by_likelihood(pairs, family)
    mean, total = pairs.each(estimated.mean), pairs.each(estimated.size)
    none, pooled = total == 0, np.isinf(total)
    if family == "binomial":
        first, second = (np.where(pooled, np.inf, np.where(none, 0.0, share * total)) for share in (mean, 1 - mean))
    else:
        first, second = total, total / mean
    prior = posterior.Prior(mean, first, second, family)
    conditional = posterior.given_prior(pairs.x, pairs.n, prior)
    effective = pairs.each(pairs.sum(posterior.effective(pairs.n, prior)))
    return [
        covered(posterior.with_error_of_mean(conditional, pairs.n, prior, effective), truth),
        covered(conditional, truth),
    ]


def line(rng: np.random.Generator, most: int, rate: float, size: float, family: str) -> str:
    """One row of the table: the coverage of `mu`, then that of `conditional`, by number of groups."""
    coverage = [shares(rng, min(most, MOST // groups), groups, rate, size, family) for groups in GROUPS]
    cells = [f"{100 * share:.1f}" for interval in zip(*coverage, strict=True) for share in interval]
    named = ["", f"{size:g}"] if np.isfinite(size) else [f"{rate:g} {UNIT[family]}", "no differences"]
    return f"| {' | '.join([*named, *cells])} |".replace("|  |", "| |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=5_000, help="models per cell; fewer if there are many groups")
    arguments = parser.parse_args()
    rng = np.random.default_rng(5)
    several = " | ".join(str(groups) for groups in GROUPS)
    print(f'| rates | alpha + beta, or shape | `"mu"`, {several} groups | `"conditional"`, {several} groups |')
    print(f"|---|---|{'---:|' * 2 * len(GROUPS)}")
    with np.errstate(all="ignore"):
        for family in SPREAD:
            for rate, size in product(RATES, SPREAD[family]):
                print(line(rng, arguments.models, rate, size, family), flush=True)


if __name__ == "__main__":
    main()
