"""Groups to one row per model and rho: the likelihood along the overdispersion, and the rates of groups at each rho.

At a known overdispersion, the likelihood of the mean of the prior has one maximum: it is a product of factors that are
linear in the mean of a beta prior, and log-concave in the log of the mean of a gamma prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import polars as pl

from ...engines.numpy import Array
from ...numerics import special, trust_region
from ...numerics.roots import find_root
from ..keys import public
from ..tables import WHOLE, series
from . import likelihood
from .estimates import statistics_of
from .fit import by_model, distinct_models, informative
from .groups import SIZE, X, grouped
from .maximum import INFINITE, Likelihood, link, most_likely, moved_by, of_blocks
from .pairs import Pairs
from .prior import with_likelihood
from .refuse import bad_rows
from .spec import Family, Rates

STATISTICS = ("rho", "mean", "log_likelihood")
ESTIMATES = ("rho", "estimate", "se")
POINTS, LEVEL = 61, 0.99  # of the grid by default: so many, up to the limit of rho by the profile likelihood
SMALLEST = 1e-10  # size of the prior, up to which the limit is searched
SETTLED = 1e-9  # difference of the log likelihood that the limit may have


def columns(groups: bool) -> tuple[str, ...]:
    """The columns of a profile after the keys."""
    return ESTIMATES if groups else STATISTICS


def profiles(frame: pl.LazyFrame, request: Rates, grid: tuple[float, ...] | None, of_groups: bool) -> pl.LazyFrame:
    """One row per model and rho, or one per model, rho and group, under public names."""
    table, constants = grouped(frame, request)
    names = request.key_names if of_groups else request.over_names
    keys = table.select(public(*names)).collect_schema()
    if not of_groups:
        table = table.group_by(*request.over, X, SIZE).agg(pl.len().cast(pl.Float64).alias("_pool_k"))
    return table.join(constants, how="cross").map_batches(
        partial(_of_table, request=request, grid=grid, of_groups=of_groups),
        schema=pl.Schema({**keys, **dict.fromkeys(columns(of_groups), pl.Float64())}),
        **WHOLE,
    )


def _of_table(table: pl.DataFrame, request: Rates, grid: tuple[float, ...] | None, of_groups: bool) -> pl.DataFrame:
    """The curves of every model that has trials or exposure, from its groups or its distinct pairs."""
    bad_rows(table, request)
    names = request.key_names if of_groups else request.over_names
    if table.is_empty():
        schema = table.select(public(*names)).schema
        return pl.DataFrame(schema={**schema, **dict.fromkeys(columns(of_groups), pl.Float64())})
    rows, start = by_model(
        table if "_pool_k" in table.columns else table.with_columns(_pool_k=pl.lit(1.0)), request.over
    )
    pairs, model, pair = distinct_models(Pairs(start, *(rows[f"_pool_{name}"].to_numpy() for name in ("x", "n", "k"))))
    curves = _curves(pairs, request.family, grid)
    if of_groups:
        places, numbers = pair, _estimates(pairs, curves, request)
    else:
        rows, places, numbers = rows[start], model, curves
    numbers = {name: values[:, places] for name, values in numbers.items()}
    keys = pl.concat([rows.select(public(*names))] * len(numbers["rho"])).get_columns()
    result = pl.DataFrame([*keys, *(series(name, values.ravel(), pl.Float64) for name, values in numbers.items())])
    return result.filter(pl.col("rho").is_not_null())


def _curves(pairs: Pairs, family: Family, grid: tuple[float, ...] | None) -> dict[str, Array]:
    """rho, the best mean and the log likelihood of every model, a row for each point; rho is NaN where it has none."""
    present, some = informative(pairs)
    curves = {name: np.full((POINTS if grid is None else len(grid), pairs.models), np.nan) for name in STATISTICS}
    for models, curve in of_blocks(some, family, partial(_curve, family=family, grid=grid)):
        for name, values in curve.items():
            curves[name][:, present[models]] = values
    return curves


def _curve(
    pairs: Pairs, rate: Array, of_models: Likelihood, family: Family, grid: tuple[float, ...] | None
) -> dict[str, Array]:
    profile = Profile(pairs, rate, of_models, family)
    rho = np.array(grid)[:, None] + np.zeros(pairs.models) if grid is not None else _grid(profile)
    at = [profile.at(np.arange(pairs.models), size_of(of_rho, family)) for of_rho in rho]
    mean, log_likelihood = (np.stack(values) for values in zip(*at, strict=True))
    return {"rho": rho, "mean": mean, "log_likelihood": log_likelihood}


def _grid(profile: Profile) -> Array:
    """One row per point and one column per model; 0 alone where rho has no limit."""
    grid = profile.limit() * np.linspace(0.0, 1.0, POINTS)[:, None]
    grid[0] = 0.0
    return grid


def _estimates(pairs: Pairs, curves: dict[str, Array], request: Rates) -> dict[str, Array]:
    """rho, and the estimate and standard error of each pair, a row for each point."""
    points = []
    for rho, mean, value in zip(*(curves[name] for name in STATISTICS), strict=True):
        prior = with_likelihood(mean, size_of(rho, request.family), value)
        with np.errstate(all="ignore"):
            statistics = statistics_of(pairs, prior, request, limits=False)
        points.append((pairs.each(rho) + 0 * pairs.x, statistics["estimate"], statistics["se"]))
    return dict(zip(ESTIMATES, map(np.stack, zip(*points, strict=True)), strict=True))


@dataclass(frozen=True)
class Profile:
    """The likelihood of models at the best mean for each size of the prior; all groups of a model have the rate."""

    pairs: Pairs
    rate: Array
    of_models: Likelihood
    family: Family

    def at(self, models: Array, size: Array) -> tuple[Array, Array]:
        """The best mean and the log likelihood of some models, each at a size of its own."""
        mean, value = self.rate[models], np.zeros(len(models))
        certain = (mean == 0) | ((mean == 1) & (self.family == "binomial"))  # the same at every size
        value[np.isnan(size)] = mean[np.isnan(size)] = np.nan
        constant = self._constant[models]
        if (pooled := np.flatnonzero(np.isinf(size) & ~certain)).size:
            value[pooled] = self.of_models.take(models[pooled]).value(mean[pooled], size[pooled]) + constant[pooled]
        if (inside := np.flatnonzero(np.isfinite(size) & ~certain)).size:
            mean[inside], value[inside] = self._best(models[inside], size[inside])
            value[inside] += constant[inside]
        return mean, value

    @cached_property
    def _constant(self) -> Array:
        """What the likelihoods of few trials or events omit."""
        return self.pairs.sum(likelihood.constant(self.pairs.x, self.pairs.n, self.family))

    def _best(self, models: Array, size: Array) -> tuple[Array, Array]:
        """The best mean of some models at a finite size, and the log likelihood but for the constants."""
        of_models, rate, pairs = self.of_models.take(models), self.rate[models], self.pairs.take(models)

        def minus(some: Array, x: Array) -> tuple[Array, Array, Array]:
            mean, moved = moved_by(rate[some], x[:, 0], self.family)
            terms = of_models.take(some).terms(mean, size[some], moved)
            return -terms.value, -terms.gradient[0][:, None], -terms.hessian[0][:, None, None]

        weight = pairs.n / (pairs.n + pairs.each(size if self.family == "binomial" else size / rate))
        near = pairs.sum(weight * pairs.x / pairs.n) / pairs.sum(weight)
        start = link(near, self.family) - link(rate, self.family)
        x, value, _, _ = trust_region.minimum(minus, start[:, None])
        return moved_by(rate, x[:, 0], self.family)[0], -value

    def limit(self) -> Array:
        """The upper limit of rho by the profile likelihood, NaN where the data do not limit it.

        There its fall from the maximum is the quantile of chi-squared with one degree of freedom (Wilks 1938, Ann.
        Math. Stat. 9). Where each group has all or none of its trials as events, the likelihood rises up to rho = 1,
        where no point is.
        """
        prior = most_likely(self.pairs, self.rate, self.of_models, self.family)
        fall = special.chdtri(1, 1 - LEVEL)

        def lower(log_rho: Array, models: Array) -> Array:
            _, value = self.at(models, np.exp(-log_rho))
            return np.asarray(2 * (prior.log_likelihood[models] - value) - fall)

        low, high = -np.log(np.minimum(prior.size, INFINITE)), np.full(len(prior.size), -np.log(SMALLEST))
        root, _ = find_root(lower, np.minimum(low, high), high, np.arange(len(high)), zero=SETTLED)
        limit = special.expit(root) if self.family == "binomial" else np.exp(root)
        return np.where(prior.size == 0, 1 - 1 / POINTS, limit)


def size_of(rho: Array, family: Family) -> Array:
    """The size of a prior of this overdispersion: alpha + beta, or the shape."""
    with np.errstate(divide="ignore"):
        return np.asarray(1 / rho - (family == "binomial"))
