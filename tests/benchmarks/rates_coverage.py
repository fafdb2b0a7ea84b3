"""How often intervals of nominal 95 % cover the rate of a group: the Markdown table of the README.

    python tests/benchmarks/rates_coverage.py [--models 5000]

Groups of 20, 50, 100, 200 and 400 trials, or of as much exposure, in turn. Their rates are the same in all groups of a
model (size infinite), or have a beta distribution with alpha + beta = size, or a gamma one with shape = size. The prior
is estimated by maximum likelihood; `conditional` takes it as known, `mu` includes the error of its mean. All models of
a cell are estimated at once; as many are drawn as hold 400,000 groups, at most `--models`.
"""

import argparse
from itertools import product

import numpy as np
from scipy.special import betainc, gammainc

from polars_pool.models.rates import fit, posterior

SIZES = (20.0, 50.0, 100.0, 200.0, 400.0)  # in turn
GROUPS = (3, 5, 10, 30, 100)
RATES = (0.5, 0.01)
SPREAD = {"binomial": (np.inf, 200.0, 30.0), "poisson": (np.inf, 10.0, 2.0)}
MOST = 400_000  # groups of a cell
UNIT = {"binomial": "of trials", "poisson": "per exposure"}


def draw(rng: np.random.Generator, models: int, groups: int, rate: float, size: float, family: str):
    """Events of every group, and its true rate."""
    n = np.tile(np.resize(SIZES, groups), models)
    if np.isinf(size):
        truth = np.full(len(n), rate)
    elif family == "binomial":
        truth = rng.beta(rate * size, (1 - rate) * size, len(n))
    else:
        truth = rng.gamma(size, rate / size, len(n))
    x = rng.binomial(n.astype(np.int64), truth) if family == "binomial" else rng.poisson(n * truth)
    return fit.Pairs(np.arange(models) * groups, 1.0 * x, n, np.ones(len(n))), truth


def covered(found: posterior.Posterior, truth: np.ndarray) -> float:
    """The share of truths between the quantiles of 2.5 and 97.5 %; an interval of length 0 covers none."""
    below = (
        betainc(found.first, found.second, truth)
        if found.family == "binomial"
        else gammainc(found.first, found.second * truth)
    )
    return float(((below >= 0.025) & (below <= 0.975) & np.isfinite(found.first)).mean())


def shares(rng: np.random.Generator, models: int, groups: int, rate: float, size: float, family: str) -> list[float]:
    """How often the intervals `mu` and `conditional` cover."""
    pairs, truth = draw(rng, models, groups, rate, size, family)
    estimated = fit.by_likelihood(pairs, family)
    mean, total = pairs.each(estimated.mean), pairs.each(estimated.size)
    none, pooled = total == 0, np.isinf(total)
    if family == "binomial":
        first, second = (np.where(pooled, np.inf, np.where(none, 0.0, share * total)) for share in (mean, 1 - mean))
    else:
        first, second = total, total / mean
    prior = posterior.Prior(mean, first, second, family)
    given = posterior.given_prior(pairs.x, pairs.n, prior)
    effective = pairs.each(pairs.sum(posterior.effective(pairs.n, prior)))
    return [covered(posterior.with_error_of_mean(given, pairs.n, prior, effective), truth), covered(given, truth)]


def line(rng: np.random.Generator, most: int, rate: float, size: float, family: str) -> str:
    """One row of the table: the coverage of `mu`, then that of `conditional`, by number of groups."""
    found = [shares(rng, min(most, MOST // groups), groups, rate, size, family) for groups in GROUPS]
    cells = [f"{100 * share:.1f}" for interval in zip(*found, strict=True) for share in interval]
    named = ["", f"{size:g}"] if np.isfinite(size) else [f"{rate:g} {UNIT[family]}", "no differences"]
    return f"| {' | '.join([*named, *cells])} |".replace("|  |", "| |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=5_000, help="models of a cell, fewer where groups are many")
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
