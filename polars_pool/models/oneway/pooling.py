"""Groups and the components of their model to partially pooled means: the arithmetic of formula 12.1, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import polars as pl

from ...formulas import shrink, within
from ...formulas.elementary import exists, normal_cdf, sqrt, where
from ...formulas.uncertainty import variance_with_tau2
from ..columns import POLARS, Columns, Step
from .groups import PIVOT, beside_one_row
from .spec import Means, OneWay, Options

OF_MODEL = ("groups", "sigma2", "tau2", "mu", "se_mu", "converged", "df_prior", "sigma2_prior")
TAU2, MU, WEIGHT, MEAN, ESTIMATE = (pl.col(f"_pool_{c}") for c in ("tau2", "mu", "weight", "mean", "estimate"))
ERROR, CORRECTION = pl.col("_pool_error"), pl.col("_pool_correction")


def joined(groups: pl.LazyFrame, components: pl.LazyFrame, request: Means, ordered: bool = False) -> pl.LazyFrame:
    """Every group or row with the components of its model."""
    only = (pl.col("groups") == 1) & pl.col("tau2").is_null()
    of_model = pl.col(OF_MODEL).name.prefix("_pool_")
    error = (ERROR, CORRECTION) if request.error_of_tau2 else ()
    columns = components.select(*request.over, of_model, PIVOT, only.alias("_pool_only"), *error)
    if not request.over:
        return beside_one_row(groups, columns, ordered)
    order: Literal["left", "none"] = "left" if ordered else "none"
    return groups.join(columns, on=list(request.over), how="left", nulls_equal=True, maintain_order=order)


def pooled(request: OneWay, c: Columns = POLARS) -> Iterator[Step]:
    """Sampling variance, weight and partially pooled mean; the only group of a model keeps its mean for every tau2."""
    method, known_mu = request.hyperparameters.method, request.hyperparameters.known_mu
    if not request.published:
        yield {"_pool_v": within.sampling_variance(own_variance(request, c), c.w)}
    if method is not None and method.shrunk_by is not None:
        yield {"_pool_tau2": method.shrunk_by(c.tau2, c.v, c.groups - (1.0 if known_mu is None else 0.0))}
    only = c.only & (c.w > 0)
    yield {
        "_pool_only": only,
        "_pool_mean": c.pivot + c.y,
        "_pool_weight": where(only & exists(c.v), 1.0, shrink.weight(c.tau2, c.v)),
        "_pool_pooling": shrink.pooling(c.tau2, c.v),
    }
    estimate = shrink.estimate(c.mean, c.mu, where(c.only, 1.0, c.weight))
    yield {"_pool_estimate": where(exists(estimate), estimate, c.mu) if request.filled else estimate}


def own_variance(request: OneWay, c: Columns = POLARS) -> Any:
    """The variance of a group's rows."""
    if request.hyperparameters.sigma2 == "separate":
        return within.separate_variance(c.n, c.var, c.sigma2)
    if request.hyperparameters.sigma2 == "squeezed":
        return within.squeezed_variance(c.n, c.var, c.df_prior, c.sigma2_prior)
    return c.sigma2


def errors(request: OneWay, options: Options, c: Columns = POLARS) -> Iterator[Step]:
    """Standard error and interval of pooled means, as estimates of the quantity to predict."""
    yield {"_pool_se": sqrt(_variance(request, options, c))}
    ends = {"_pool_lower": shrink.lower, "_pool_upper": shrink.upper}
    against = {}
    if options.threshold is not None:
        against["_pool_p_above"] = normal_cdf(shrink.standardised(c.estimate, c.se, options.threshold))
    yield {name: end(c.estimate, c.se, options.quantile) for name, end in ends.items()} | against


def _variance(request: OneWay, options: Options, c: Columns) -> Any:
    """The squared standard error of an estimate."""
    if options.uncertainty == "conditional":
        variance = shrink.conditional_variance(c.tau2, c.pooling)
    else:
        variance = shrink.marginal_variance(c.tau2, c.pooling, c.se_mu)
    if options.uncertainty == "tau2":
        variance = variance_with_tau2(variance, c.v, c.tau2, c.pooling, c.error, c.correction)
    variance = where(c.only, c.v, variance)
    if options.predict == "mean":
        return variance
    return shrink.predictive_variance(variance, own_variance(request, c) if options.predict == "row" else c.v)
