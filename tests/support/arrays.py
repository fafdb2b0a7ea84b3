"""The verbs on NumPy arrays alone: from rows to groups, and from groups to components and estimates, without frames."""

import math
from statistics import NormalDist

import numpy as np
import polars as pl

import polars_pool as pool
from polars_pool.formulas import shrink, within
from polars_pool.formulas.uncertainty import variance_with_tau2
from polars_pool.models.hyperparameters import Hyperparameters
from polars_pool.models.many import Groups
from polars_pool.models.oneway.fit import fit
from polars_pool.models.oneway.inference import inferred
from polars_pool.models.oneway.spec import Options
from polars_pool.models.oneway.uncertainty import error_of_tau2


def by_numpy(
    verb,
    frame,
    value,
    by,
    *,
    uncertainty="mu",
    level=0.95,
    test="z",
    limits=None,
    sigma2="pooled",
    tau2="reml",
    mu="gls",
    **columns,
):
    """The result of `pool.components` or `pool.shrink` for one model without nulls."""
    y = frame[value].cast(pl.Float64).to_numpy()
    given = {role: frame[name].cast(pl.Float64).to_numpy() for role, name in columns.items()}
    pivot = y[0]
    keys, groups = _groups(frame[by].to_numpy(), y - pivot, **given)
    sigma2, tau2, mu = (x if isinstance(x, str) else float(x) for x in (sigma2, tau2, mu))
    if isinstance(mu, float):
        groups = Groups(**(vars(groups) | {"mu": np.array([mu - pivot])}))
    published = "se" in given
    fitted = fit(groups, published, Hyperparameters(sigma2, tau2, mu))
    result, groups = fitted.components, fitted.g
    if verb is pool.components:
        more = inferred(fitted, np.array([pivot]), Options(level=level, test=test, limits=limits))
        model = {name: column.item() for name, column in (vars(result) | more).items()}
        model |= {"mu": model["mu"] + pivot, "n": int(model["n"]), "groups": int(model["groups"])}
        return pl.DataFrame([model])
    assert verb is pool.shrink
    errors = error_of_tau2(fitted) if uncertainty == "tau2" else None
    quantile = NormalDist().inv_cdf((1 + level) / 2)
    return _estimates(by, keys, groups, result, pivot, sigma2, tau2, uncertainty, quantile, errors)


def _groups(keys, y, se=None, n=None, weights=None):
    """One row per study, or the moments of the rows of each key."""
    start = np.zeros(1, dtype=np.int64)
    if se is not None:
        nothing = np.zeros_like(y)
        n = np.ones_like(y) if n is None else n
        return keys, Groups(start, n=n, w=n, y=y, squares=nothing, v=se * se)
    weights = np.ones_like(y) if weights is None else weights
    names, code = np.unique(keys, return_inverse=True)
    n, w = np.bincount(code), np.bincount(code, weights)
    mean = np.array([np.average(y[code == j], weights=weights[code == j]) for j in range(len(names))])
    squares = np.bincount(code, weights * (y - mean[code]) ** 2)
    return names, Groups(start, n=n * 1.0, w=w, y=mean, squares=squares, v=np.full(len(names), math.nan))


def _estimates(name, keys, groups, result, pivot, sigma2, method, uncertainty, quantile, errors):
    v = groups.v
    if np.isnan(v).all():
        own = np.broadcast_to(result.sigma2, v.shape)
        if sigma2 == "separate":
            own = within.separate_variance(groups.n, groups.squares / (groups.n - 1), own)
        elif sigma2 == "squeezed":
            var = groups.squares / np.maximum(groups.n - 1, 1)
            own = within.squeezed_variance(groups.n, var, result.df_prior, result.sigma2_prior)
        v = within.sampling_variance(own, groups.w)
    tau2 = result.tau2
    if method == "morris":
        tau2 = shrink.morris_variance(tau2, v, result.groups - groups.fitted)
    weight, pooling = shrink.weight(tau2, v), shrink.pooling(tau2, v)
    estimate = shrink.estimate(groups.y, result.mu, weight)
    variance = (
        shrink.conditional_variance(tau2, pooling)
        if uncertainty == "conditional"
        else shrink.marginal_variance(tau2, pooling, result.se_mu)
    )
    if errors is not None:
        variance = variance_with_tau2(variance, v, result.tau2, pooling, *errors)
    se = np.sqrt(variance)
    columns = {"n": groups.n.astype(np.int64), "mean": groups.y + pivot, "v": v, "weight": weight}
    columns |= {"estimate": estimate + pivot, "se": se}
    columns |= {"lower": shrink.lower(estimate, se, quantile) + pivot}
    columns |= {"upper": shrink.upper(estimate, se, quantile) + pivot}
    return pl.DataFrame({name: keys} | columns)
