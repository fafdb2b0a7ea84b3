"""The estimators of tau2 on arrays: statistics of the groups of many models, and the formulas of an estimator on them.

A table has one entry per statistic, by the names of formulas/methods.py; each is computed when a formula needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from ...engines.numpy import Array
from ...formulas import between, bounds, oneway
from ...formulas.elementary import INFINITY
from ...formulas.estimators import PLUGIN
from ...formulas.methods import Balance, Formula, Method, Minimum, Moments, Profile, Root, Sums, Terms, applied
from ...numerics import search
from ...numerics.search import Range
from ..many import Groups
from .refuse import unequal


class Statistics(dict[str, Any]):
    """Statistics of the groups `g` by name, each computed once; `known` are those that the caller has."""

    def __init__(self, g: Any, table: Mapping[str, Callable[[Statistics], Any]], **known: Any) -> None:
        super().__init__(known)
        self.g, self.table = g, table

    def __missing__(self, name: str) -> Any:
        self[name] = value = self.table[name](self)
        return value


Table = Mapping[str, Callable[[Statistics], Any]]
Estimate = tuple[Array, Array]  # tau2, and whether the search settled
Objective = Callable[[Groups, Array], Array]

OF_MODELS: Table = {
    "groups": lambda s: s.g.groups,
    "rows": lambda s: s.g.rows,
    "fitted": lambda s: s.g.fitted,
    "df": lambda s: s["groups"] - s["fitted"],
    "plain_d2": lambda s: s.g.squares_about(s.g.plain_mean),
    "plain_squares": lambda s: s.g.sum(s["plain_d2"]),
    "v_squares": lambda s: s.g.dot(s["plain_d2"], s.g.v),
    "w_squares": lambda s: s.g.dot(s["plain_d2"], s.g.w),
    "squares_by_w": lambda s: s.g.sum(s["plain_d2"] / s.g.w),
    "crude": lambda s: s["plain_squares"] / s["groups"],
    "squares": lambda s: s.g.squares_within,
    "exact": lambda s: s.g.exact,
    "v_least": lambda s: s.g.smallest(s.g.v),
    "v_largest": lambda s: s.g.largest(s.g.v),
    "v_positive": lambda s: s.g.smallest(np.where(s.g.v == 0, INFINITY, s.g.v)),
    "precision": lambda s: s.g.sum(1 / s.g.v),
    "precision2": lambda s: s.g.sum(1 / (s.g.v * s.g.v)),
    "w1": lambda s: s.g.sum(s.g.w),
    "w2": lambda s: s.g.dot(s.g.w, s.g.w),
    "w_least": lambda s: s.g.smallest(s.g.w),
    "w_largest": lambda s: s.g.largest(s.g.w),
    "reach": lambda s: s.g.reach(s.g.plain_mean),
    "reach_of_rows": lambda s: s.g.reach(s.g.centre(s.g.w)),
}

# ---- estimates ------------------------------------------------------------------------------------------------------


def about_known_mu(method: Method, g: Groups) -> Method:
    """The estimator that this one is for these groups, whose mu may be known."""
    return method if g.mu is None or method.known_mu is None else method.known_mu


def with_known_v(method: Method, g: Groups) -> Estimate:
    """tau2 where v is known, truncated at 0, and whether the search settled; by `plugin` if it needs rows."""
    method = about_known_mu(method, g)
    if method.equal_v:
        unequal(method, int(g.unequal(g.v).sum()))
    tau2, converged = estimate(method.known_v or PLUGIN.known_v, g)
    apart = g.apart
    if method.positive:
        apart |= g.exact < g.groups
    return np.where(apart, np.maximum(tau2, 0.0), 0.0), converged | ~apart


def estimate(record: Moments | Root | Minimum | None, g: Groups) -> Estimate:
    """tau2 where v is known, not yet truncated at 0, and whether the search settled."""
    if isinstance(record, Moments):
        return by_moments(record, g), np.ones(g.models, dtype=bool)
    if isinstance(record, Root):
        return matched_q(g, np.asarray(applied(record.expected, Statistics(g, OF_MODELS))))
    assert record is not None
    return by_minimum(record, g)


def on_rows(method: Method, g: Groups) -> tuple[Array, Array, Array]:
    """sigma2 and tau2 together, and whether the search settled."""
    profile = about_known_mu(method, g).joint
    assert profile is not None
    return by_profile(profile, g)


# ---- moments --------------------------------------------------------------------------------------------------------

OF_WEIGHTS: Table = {
    "w": lambda s: s.g.w,
    "v": lambda s: s.g.v,
    "crude": lambda s: s.g.each(Statistics(s.g, OF_MODELS)["crude"]),
}
OF_MOMENTS: Table = {
    **OF_MODELS,
    "a": lambda s: s.g.sum(s["weight"]),
    "av": lambda s: s.g.sum(s["weight"] * s.g.v),
    "a2v": lambda s: s.g.sum(s["weight"] * s["weight"] * s.g.v),
    "ad2": lambda s: s.g.sum(s["weight"] * s["d2"]),
    "pairs": lambda s: s.g.pairs(s["weight"]),
    "exact_squares": lambda s: s.g.sum(np.where(s.g.v == 0, s["d2"], 0.0)),
}


def by_moments(moments: Moments, g: Groups) -> Array:
    """tau2 of every model in closed form, not yet truncated at 0."""
    if moments.weight is None:
        return np.asarray(applied(moments.estimate, Statistics(g, OF_MODELS)))
    weight = np.broadcast_to(applied(moments.weight, Statistics(g, OF_WEIGHTS)), g.y.shape)
    exact, outweighed = g.exact, g.exact > 0
    count = weight
    if moments.exact_outweigh and outweighed.any():
        count = np.where(g.each(outweighed), g.v == 0, weight)
    s = Statistics(g, OF_MOMENTS, weight=weight, d2=g.squares_about(g.centre(count)), exact=exact)
    formula = moments.estimate if g.mu is None or moments.known_mu is None else moments.known_mu
    estimate = np.asarray(applied(formula, s))
    if count is weight:
        return estimate
    assert moments.several_exact is not None
    assert moments.one_exact is not None
    several = exact > g.fitted
    limit = np.where(several, applied(moments.several_exact, s), applied(moments.one_exact, s))
    return np.where(outweighed, limit, estimate)


# ---- roots of Q -----------------------------------------------------------------------------------------------------


def _about_the_most_exact(g: Groups) -> Groups:
    """The groups about the mean of the most exact ones, so that 1 / v may grow without rounding."""
    least = g.each(g.smallest(g.v))
    c = np.where(g.v == least, 1.0, least / g.v)
    return g.about(np.where(g.exact == 0, g.centre(c), g.sum(c * g.y) / g.sum(c)))


def matched_q(g: Groups, expected: Array) -> Estimate:
    """tau2 where the generalised Q equals its expectation, 0 where it is less at 0, and whether the search settled."""
    g = _about_the_most_exact(g)

    def shortfall(g: Groups, tau2: Array, expected: Array) -> Array:
        return np.asarray(-between.excess(Statistics(g, AT_TAU2, tau2=tau2)["wd2"], expected))

    s = Statistics(g, OF_MODELS, expected=expected)
    high = np.asarray(applied(bounds.root_high, s))
    floor = np.asarray(applied(bounds.floor, s, high=high))
    above = shortfall(g, floor, expected) >= 0
    tau2, settled = g.root(shortfall, np.where(above, -1.0, floor), high, expected)
    return np.where(above, 0.0, tau2), settled | above


# ---- minima ---------------------------------------------------------------------------------------------------------


def _centre(s: Statistics, total: str) -> Array:
    """mu by the weights of the search, whose sum has this name."""
    return np.asarray(s.g.dot(s["weight"], s.g.y) / s[total] if s.g.mu is None else s.g.mu)


def _without_one_least(s: Statistics) -> Array:
    """Sum of the weights w without one group of the least v, which has the largest."""
    least = s["v_least"]
    is_least = s.g.v == s.g.each(least)
    rest = s.g.sum(np.where(is_least, 0.0, s["weight"]))
    return np.asarray(rest + (s.g.sum(is_least) - 1) * between.precision(least, s["tau2"]))


IN_SEARCH: Table = {name: OF_MODELS[name] for name in ("groups", "rows", "fitted", "df", "squares", "v_least")}
AT_TAU2: Table = {
    **IN_SEARCH,
    "weight": lambda s: between.precision(s.g.v, s.g.each(s["tau2"])),
    "d2": lambda s: s.g.squares_about(_centre(s, "s1")),
    "s1": lambda s: s.g.sum(s["weight"]),
    "s2": lambda s: s.g.dot(s["weight"], s["weight"]),
    "pairs": lambda s: s.g.pairs(s["weight"]),
    "weighted_d2": lambda s: s["weight"] * s["d2"],
    "wd2": lambda s: s.g.sum(s["weighted_d2"]),
    "w2d2": lambda s: s.g.dot(s["weighted_d2"], s["weight"]),
    "logs": lambda s: s.g.sum(between.log_variance(s.g.v, s.g.each(s["tau2"]))),
    "rest": _without_one_least,
}
AT_RHO: Table = {
    **{name: statistic for name, statistic in IN_SEARCH.items() if name != "df"},  # that of sigma2 is the profile's
    "weight": lambda s: oneway.information(s.g.w, s.g.each(s["rho"])),
    "d2": lambda s: s.g.squares_about(_centre(s, "h")),
    "h": lambda s: s.g.sum(s["weight"]),
    "h2": lambda s: s.g.dot(s["weight"], s["weight"]),
    "weighted_d2": lambda s: s["weight"] * s["d2"],
    "hd2": lambda s: s.g.sum(s["weighted_d2"]),
    "h2d2": lambda s: s.g.dot(s["weighted_d2"], s["weight"]),
    "logs": lambda s: s.g.sum(oneway.log_inflation(s.g.w, s.g.each(s["rho"]))),
}


def _mean_of_terms(s: Statistics) -> Array:
    """mu by what the groups count in it; the plain mean where none counts."""
    if s.g.mu is not None:
        return np.asarray(s.g.mu)
    total = s["total"]
    if (total == 0).any():
        return np.asarray(s.g.centre(np.where(s.g.each(total == 0), 1.0, s["count"])))
    return np.asarray(s.g.sum(s["count"] * s.g.y) / total)


def _unless_known(statistic: Callable[[Statistics], Array], known: float) -> Callable[[Statistics], Array]:
    """A statistic of the model for each group; about a known mu another number."""

    def of_groups(s: Statistics) -> Array:
        return s.g.each(statistic(s)) if s.g.mu is None else np.broadcast_to(known, s.g.y.shape)

    return of_groups


OF_TERMS: Table = {
    "n": lambda s: s.g.n,
    "total": lambda s: s.g.sum(s["count"]),
    "count2": lambda s: s["count"] * s["count"],
    "mu": _mean_of_terms,
    "d": lambda s: s.g.y - s.g.each(s["mu"]),
    "d2": lambda s: s.g.squares_about(s["mu"]),
    "s": _unless_known(lambda s: s["total"], INFINITY),
    "s2": _unless_known(lambda s: s.g.sum(s["count2"]), 0.0),
    "mu_slope": _unless_known(lambda s: -s.g.sum(s["count2"] * s["d"]) / s["total"], 0.0),
}
TERMS_AT_TAU2: Table = {
    **OF_TERMS,
    "v": lambda s: s.g.v,
    "tau2": lambda s: s.g.each(s["x"]),
    "count": lambda s: between.precision(s["v"], s["tau2"]),
}
TERMS_AT_RHO: Table = {
    **OF_TERMS,
    "squares": lambda s: s.g.squares,
    "rho": lambda s: s.g.each(s["x"]),
    "count": lambda s: oneway.information(s.g.w, s["rho"]),
}


def _step(formula: Formula) -> Callable[[Statistics], Any]:
    return lambda s: applied(formula, s)


def _of_sums(formula: Formula, sums: Table, argument: str) -> Objective:
    """A formula of sums at one point per model."""
    return lambda g, x: np.asarray(applied(formula, Statistics(g, sums, **{argument: x})))


def _objective(objective: Sums | Terms, sums: Table, terms: Table, argument: str) -> tuple[Objective, Objective]:
    """Value and slope at one point per model; `argument` is the name of the point in formulas of sums."""
    if isinstance(objective, Sums):
        return _of_sums(objective.value, sums, argument), _of_sums(objective.slope, sums, argument)
    steps = {name: _step(formula) for name, formula in objective.steps.items()}
    if (count := objective.count) is not None:
        steps["count"] = lambda s: np.broadcast_to(applied(count, s), s.g.y.shape)
    table = {**terms, **steps}

    def of_terms(formula: Formula) -> Objective:
        return lambda g, x: g.sum(applied(formula, Statistics(g, table, x=x)))

    return of_terms(objective.value), of_terms(objective.slope)


def _balanced(
    balance: Balance, s: Statistics, sums: Table, argument: str, range_of: Callable[[Groups], Range]
) -> Array:
    """The minimum of the deviance of each model where its balance rises for good; NaN elsewhere."""
    function = _of_sums(balance.formula, sums, argument)
    below, value_below = (np.broadcast_to(applied(f, s), s.g.models) for f in (balance.below, balance.value_below))
    x = search.straight_minimum(s.g, function, below, value_below)
    if (models := np.flatnonzero(~(applied(balance.rises_from, s) <= 0))).size:
        some = s.g.take(models)
        x[models[~search.is_only_minimum(some, function, x[models], range_of(some))]] = np.nan
    return x


def by_minimum(minimum: Minimum, g: Groups) -> Estimate:
    """The tau2 of the least deviance where v is known, and whether the search settled."""
    g = _about_the_most_exact(g)
    s = Statistics(g, OF_MODELS)
    tau2, settled = np.full(g.models, np.nan), np.ones(g.models, dtype=bool)
    if minimum.balance is not None:
        tau2 = _balanced(minimum.balance, s, AT_TAU2, "tau2", partial(_range, minimum))
    if (models := np.flatnonzero(np.isnan(tau2))).size:
        some = g.take(models)
        deviance, slope = _objective(minimum.objective, AT_TAU2, TERMS_AT_TAU2, "tau2")
        within = _range(minimum, some)
        x, settled[models] = some.minimise(deviance, slope, some.v, within)
        tau2[models] = np.where(x <= within.floor, 0.0, x)
    if minimum.all_exact is not None:
        tau2 = np.where(s["exact"] == s["groups"], applied(minimum.all_exact, s), tau2)
    return tau2, settled


def _range(minimum: Minimum, g: Groups) -> Range:
    """Where the search for tau2 looks."""
    s = Statistics(g, OF_MODELS)
    stretch = applied(minimum.stretch, s)
    high = applied(bounds.high, s, stretch=stretch)
    low = applied(bounds.low, s, high=high, stretch=stretch)
    floor = applied(minimum.floor, s, high=high)
    pole = np.zeros(g.models, dtype=bool) if minimum.pole is None else applied(minimum.pole, s)
    bend = high if minimum.balance is None else np.asarray(applied(minimum.balance.rises_from, s))
    return Range(low, bend, high, floor, pole)


def by_profile(profile: Profile, g: Groups) -> tuple[Array, Array, Array]:
    """sigma2 and tau2 at the rho of the least deviance, and whether the search settled."""
    df: Table = {"df": lambda s: applied(profile.df, s)}
    s, sums = Statistics(g, {**OF_MODELS, **df}), {**AT_RHO, **df}
    rho, settled = np.full(g.models, np.nan), np.ones(g.models, dtype=bool)
    if profile.balance is not None:
        rho = _balanced(profile.balance, s, sums, "rho", partial(_range_of_rho, profile))
    at_the_end = np.zeros(g.models, dtype=bool)
    if (models := np.flatnonzero(np.isnan(rho))).size:
        some = g.take(models)
        deviance, slope = _objective(profile.objective, sums, TERMS_AT_RHO, "rho")
        within = _range_of_rho(profile, some)
        rho[models], settled[models] = some.minimise(deviance, slope, some.w, within)
        at_the_end[models] = (rho[models] >= within.high) & (some.squares_within == 0)
    sigma2 = applied(profile.sigma2, Statistics(g, {**OF_MODELS, **sums}, rho=rho))
    sigma2, tau2 = np.where(at_the_end, 0.0, sigma2), np.where(at_the_end, s["plain_squares"] / s["df"], rho * sigma2)
    return sigma2, tau2, settled | at_the_end


def _range_of_rho(profile: Profile, g: Groups) -> Range:
    """Where the search for rho looks."""
    s = Statistics(g, {**OF_MODELS, "df": lambda s: applied(profile.df, s)})
    high, zero = np.asarray(applied(profile.high, s)), np.zeros(g.models)
    bend = high if profile.balance is None else np.asarray(applied(profile.balance.rises_from, s))
    return Range(np.asarray(applied(bounds.rho_low, s)), bend, high, zero, zero > 0)
