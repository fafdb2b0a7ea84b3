"""Simulation-based calibration: do true values fall in their posteriors as often as the posteriors state?

    python tests/benchmarks/calibration.py [--models 10000] [--only half_cauchy]

True values are drawn from the prior, and data given the true values. The rank of a true value is the exact posterior
probability of smaller values; it is uniform between 0 and 1 for every quantity (Talts et al. 2018, "Validating Bayesian
inference algorithms with simulation-based calibration"). All data sets of a line are models of one query. The script
prints three Markdown tables: the p-value of a chi-square test of uniform ranks in 20 bins; the largest distance between
the distribution function of the ranks and the uniform one, with the distance that one in a hundred lines exceeds; and
the percentage of ranks between 2.5 and 97.5 %. Lines with a star use a model that differs from the one that generated
the data: they need not be calibrated, and the tables show their deviation.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import stats
from scipy.special import logit, ndtr, ndtri, stdtrit

import polars_pool as pool
from polars_pool import arguments
from polars_pool.models.oneway import groups
from polars_pool.models.posterior import tau as tau_
from polars_pool.models.posterior.estimates import Groups, mixed
from polars_pool.models.posterior.fit import Posterior
from polars_pool.models.posterior.groups import with_models
from polars_pool.models.posterior.spec import Options
from polars_pool.numerics import mixture

Array = Any
SE = np.array([15.0, 10, 16, 11, 9, 11, 10, 18])  # standard errors of the eight schools
S0 = np.sqrt(len(SE) / np.sum(1 / SE**2))  # scale of the priors whose scale comes from the data
SIZES, FEW = np.array([2, 3, 5, 10, 20]), np.array([2, 2, 3])  # rows per group, for data of rows
MU, SIGMA = pool.Normal(0, 5), pool.HalfNormal(10)
BINS = 20
AT_ONCE = 50  # models per query if sigma2 is integrated, too: each has a few thousand nodes
QUANTITIES = ("tau", "sigma", "mu", "new group", "first group", "last group", "new row")


@dataclass(frozen=True)
class Line:
    """How data are generated, with tau by its quantile function, and the model; without sizes, published estimates."""

    name: str
    tau2: Any
    tau: Callable[[Array], Array]
    sizes: Array = None
    mu: Any = MU
    sigma2: Any = "pooled"
    share: float = 1.0  # of the number of models


def half_cauchy(u: Array) -> Array:
    return 5 * np.tan(np.pi * u / 2)


LINES = [
    Line("se, half_cauchy(5)", pool.HalfCauchy(5), half_cauchy),
    Line("se, half_cauchy(5), flat mu", pool.HalfCauchy(5), half_cauchy, mu="gls"),
    Line("se, half_normal(5)", pool.HalfNormal(5), lambda u: 5 * ndtri((1 + u) / 2)),
    Line("se, half_t(4, 5)", pool.HalfT(4, 5), lambda u: 5 * stdtrit(4, (1 + u) / 2)),
    Line("se, exponential(0.2)", pool.Exponential(0.2), lambda u: -5 * np.log1p(-u)),
    Line("se, uniform(0, 20)", pool.Uniform(0, 20), lambda u: 20 * u),
    Line("se, inverse_gamma(2, 50)", pool.InverseGamma(2, 50), lambda u: stats.invgamma.ppf(u, 2, scale=50) ** 0.5),
    Line("se, uniform_shrinkage()", pool.UniformShrinkage(), lambda u: S0 * np.sqrt(u / (1 - u))),
    Line("se, dumouchel()", pool.DuMouchel(), lambda u: S0 * u / (1 - u)),
    Line("rows, sigma half_normal(10)", pool.HalfCauchy(5), half_cauchy, SIZES, sigma2=SIGMA, share=0.05),
    Line("few rows, sigma half_normal(10)", pool.HalfCauchy(5), half_cauchy, FEW, sigma2=SIGMA, share=0.05),
    Line("rows, sigma jeffreys() *", pool.HalfCauchy(5), half_cauchy, SIZES, sigma2=pool.Jeffreys(), share=0.05),
    Line("few rows, sigma jeffreys() *", pool.HalfCauchy(5), half_cauchy, FEW, sigma2=pool.Jeffreys(), share=0.05),
    Line("rows, sigma2 pooled *", pool.HalfCauchy(5), half_cauchy, SIZES),
    Line("few rows, sigma2 pooled *", pool.HalfCauchy(5), half_cauchy, FEW),
    Line("se, reml, normal intervals *", "reml", half_cauchy, mu="gls"),
    Line("se, reml, uncertainty of tau2 *", "reml", half_cauchy, mu="gls"),
]


# ---- simulation -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """True values (one per model), true means (one row per model, one column per group), and the table of data."""

    truth: dict[str, Array]
    means: Array
    table: pl.DataFrame


def draw(rng: np.random.Generator, line: Line, models: int) -> Drawn:
    """The simulated data of a line; for data of rows, their moments are drawn directly."""
    tau, mu = line.tau(rng.uniform(size=models)), MU.mean + MU.sd * rng.standard_normal(models)
    sigma = np.abs(SIGMA.scale * rng.standard_normal(models))
    sizes = np.ones(len(SE)) if line.sizes is None else line.sizes
    means = (mu + tau * rng.standard_normal((len(sizes), models))).T
    se = np.tile(SE, (models, 1)) if line.sizes is None else sigma[:, None] / np.sqrt(sizes)
    observed = rng.normal(means, se)
    columns = {"model": np.repeat(np.arange(models), len(sizes)), "group": np.tile(np.arange(len(sizes)), models)}
    columns["mean"] = observed.ravel()
    if line.sizes is None:
        columns["se"] = se.ravel()
    else:
        columns["n"] = np.tile(sizes, models)
        columns["var"] = (sigma[:, None] ** 2 * rng.chisquare(sizes - 1, means.shape) / (sizes - 1)).ravel()
    truth = {"tau": tau, "mu": mu, "new group": mu + tau * rng.standard_normal(models)}
    truth |= {"first group": means[:, 0], "last group": means[:, -1]}
    if line.sizes is not None:
        truth |= {"sigma": sigma, "new row": means[:, 0] + sigma * rng.standard_normal(models)}
    return Drawn(truth, means, pl.DataFrame(columns))


def arguments_of(line: Line) -> dict[str, Any]:
    """The arguments of a verb for a line."""
    data = {"se": "se"} if line.sizes is None else {"n": "n", "var": "var", "sigma2": line.sigma2}
    return {"value": "mean", "by": "group", "over": "model", "tau2": line.tau2, "mu": line.mu, **data}


# ---- ranks ----------------------------------------------------------------------------------------------------------


def ranks(line: Line, drawn: Drawn) -> dict[str, Array]:
    """The posterior probability of values below the true value, for every quantity and model."""
    if line.tau2 == "reml":
        return ranks_of_normals(line, drawn)
    at_once = len(drawn.means) if line.sigma2 == "pooled" else AT_ONCE
    parts = [exact_ranks(line, drawn, start, start + at_once) for start in range(0, len(drawn.means), at_once)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def exact_ranks(line: Line, drawn: Drawn, start: int, end: int) -> dict[str, Array]:
    """The ranks of some models, in one query, from the quadrature nodes that the verbs use."""
    lf = drawn.table.lazy().filter(pl.col("model").is_between(start, end, closed="left"))
    request = arguments.means(arguments.Call({"frame": lf, **arguments_of(line)}))
    grouped, constants = groups.grouped(lf, request)
    table = grouped.join(constants, how="cross").collect().sort(request.keys)
    table, posteriors = with_models(table, request)
    post, pivot, order = posteriors.post, posteriors.pivot, posteriors.models[request.over[0]].to_numpy()
    assert post is not None
    assert post.models == len(order)
    assert post.settled.all()
    truth = {name: values[order] for name, values in drawn.truth.items()}
    every = np.arange(post.models)
    at = {"tau": tau_.below(post, x_of(post.cells, truth["tau"]), every)}
    if post.sigma is not None:
        at["sigma"] = post.sigma.below(x_of(post.sigma, truth["sigma"]), every)
    for name, variance in (("mu", post.variance), ("new group", post.variance + post.tau**2)):
        at[name] = 1 - mixture.above(post.weight, post.mu, np.sqrt(variance), truth[name] - pivot)
    of_groups = {"first group": (0, "mean"), "last group": (len(drawn.means[0]) - 1, "mean")}
    if "new row" in truth:
        of_groups["new row"] = (0, "row")
    in_order = np.argsort(order)
    for name, (group, predict) in of_groups.items():
        some = table.filter(pl.col(request.keys[-1]) == group)
        at[name] = below_of_groups(some, post, predict, truth[name][in_order])[order - start]
    return at


def x_of(nodes: Any, value: Array) -> Array:
    """The integration variable of a positive value."""
    lower, upper = nodes.support.lower, nodes.support.upper
    return np.log(value - lower) if upper == np.inf else logit((value - lower) / (upper - lower))


def below_of_groups(table: pl.DataFrame, post: Posterior, predict: str, truth: Array) -> Array:
    """The posterior probability below `truth` for one group per model, from `p_above` with a threshold per model."""
    columns = (table[f"_pool_{name}"].to_numpy() for name in ("post", "y", "v", "sigma2", "pivot"))
    options = Options(predict=predict, threshold=truth)
    return 1 - mixed(post, np.arange(len(post.weight)), Groups(*columns), options)["p_above"]


def ranks_of_normals(line: Line, drawn: Drawn) -> dict[str, Array]:
    """The ranks for an estimated tau2, whose intervals imply a normal distribution for each mean."""
    uncertainty = "tau2" if "uncertainty" in line.name else "mu"
    pooled = drawn.table.pool.shrink(**arguments_of(line), uncertainty=uncertainty).sort("model", "group")
    components = drawn.table.pool.components(**arguments_of(line)).sort("model")
    estimate, se = (pooled[name].to_numpy().reshape(drawn.means.shape) for name in ("estimate", "se"))
    deviations = {"mu": (drawn.truth["mu"] - components["mu"].to_numpy()) / components["se_mu"].to_numpy()}
    for name, group in (("first group", 0), ("last group", -1)):
        deviations[name] = (drawn.truth[name] - estimate[:, group]) / se[:, group]
    return {name: ndtr(deviation) for name, deviation in deviations.items()}


def ranks_among_draws(line: Line, drawn: Drawn, rng: np.random.Generator) -> dict[str, Array]:
    """The ranks among independent draws, one fewer than the bins, each spread uniformly over its bin."""
    draws = pool.posterior_draws(drawn.table, **arguments_of(line), draws=BINS - 1, seed=1).sort(
        "model", "group", "draw"
    )
    shape = *drawn.means.shape, BINS - 1
    theta = draws["theta"].to_numpy().reshape(shape)
    draws_of = {"first group": theta[:, 0], "last group": theta[:, -1]}
    draws_of |= {name: draws[name].to_numpy().reshape(shape)[:, 0] for name in ("tau", "mu")}
    if line.sizes is not None:
        draws_of["sigma"] = np.sqrt(draws["sigma2"].to_numpy().reshape(shape)[:, 0])
    below = {name: (values < drawn.truth[name][:, None]).sum(axis=1) for name, values in draws_of.items()}
    return {name: (rank + rng.uniform(size=len(rank))) / BINS for name, rank in below.items()}


# ---- statistics of ranks --------------------------------------------------------------------------------------------


def chi_square(rank: Array) -> str:
    """The p-value of a chi-square test of uniform ranks."""
    counts, _ = np.histogram(rank, bins=BINS, range=(0, 1))
    return f"{stats.chisquare(counts).pvalue:.2g}"


def distance(rank: Array) -> str:
    return f"{stats.ks_1samp(rank, stats.uniform.cdf).statistic:.4f}"


def inside(rank: Array) -> str:
    return f"{100 * np.mean(np.abs(rank - 0.5) <= 0.475):.1f}"


def simulated(models: int, only: str) -> Iterator[tuple[str, int, dict[str, Array]]]:
    """Name, number of models and ranks of every line; for two lines also the ranks among draws."""
    for i, line in enumerate(LINES):
        if only not in line.name:
            continue
        rng = np.random.default_rng([3, i])
        drawn = draw(rng, line, int(models * line.share))
        yield line.name, len(drawn.means), ranks(line, drawn)
        if line.name in ("se, half_cauchy(5)", "few rows, sigma half_normal(10)"):
            yield f"{line.name}, draws", len(drawn.means), ranks_among_draws(line, drawn, rng)


def show(
    title: str, statistic: Callable[[Array], str], lines: list[tuple[str, int, dict[str, Array]]], bound: bool
) -> None:
    print(f"\n{title}\n")
    print(f"| data and prior of tau | models | {' | '.join(QUANTITIES)} |{' 99 % |' * bound}")
    print("|---|" + "---:|" * (1 + len(QUANTITIES) + bound))
    for name, models, rank in lines:
        cells = [statistic(rank[quantity]) if quantity in rank else "" for quantity in QUANTITIES]
        cells += [f"{stats.kstwo.ppf(0.99, models):.4f}"] * bound
        print(f"| {name} | {models:,} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=10_000, help="models per line; fewer if sigma2 is integrated")
    parser.add_argument("--only", default="", help="only lines whose name contains this")
    options = parser.parse_args()
    start = time.perf_counter()
    lines = list(simulated(options.models, options.only))
    show("p-value of a chi-square test of uniform ranks, 20 bins", chi_square, lines, False)
    show("Largest distance between the distribution of the ranks and the uniform one", distance, lines, True)
    show("Ranks between 2.5 and 97.5 %, in percent", inside, lines, False)
    calibrated = [rank for name, _, of_line in lines if "*" not in name for rank in of_line.values()]
    smallest = min(stats.chisquare(np.histogram(rank, BINS, (0, 1))[0]).pvalue for rank in calibrated)
    print(f"\nThe least of the {len(calibrated)} probabilities of lines without a star is {smallest:.2g}.", end=" ")
    print(f"{sum(models for _, models, _ in lines):,} posteriors, {time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
