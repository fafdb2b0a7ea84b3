"""tau2 beside predictors: statistics of the groups of many models, and the formulas of an estimator on them."""

from __future__ import annotations

from functools import partial

import numpy as np

from ...engines.numpy import Array
from ...formulas import between, bounds, oneway
from ...formulas import meta_regression as formulas
from ...formulas.elementary import INFINITY
from ...formulas.methods import Balance, Formula, Method, Minimum, Moments, Profile, Sums, applied
from ...numerics import search
from ...numerics.search import Range
from ..oneway.estimators import Statistics, Table
from .anchors import of_anchors
from .design import EXACT, Design, Fit

Estimate = tuple[Array, Array]  # tau2, and whether the search settled

OF_MODELS: Table = {
    "groups": lambda s: s.g.groups,
    "rows": lambda s: s.g.rows,
    "fitted": lambda s: s.g.terms,
    "df": lambda s: s.g.df,
    "df_between": lambda s: s.g.df,
    "crude": lambda s: s.g.crude,
    "plain_r2": lambda s: s.g.plain_residual_squares,
    "plain_squares": lambda s: s.g.sum(s["plain_r2"]),
    "v_squares": lambda s: s.g.sum(s["plain_r2"] * s.g.v),
    "w_squares": lambda s: s.g.sum(s["plain_r2"] * s.g.w),
    "squares_by_w": lambda s: s.g.sum(s["plain_r2"] / s.g.w),
    "squares": lambda s: s.g.squares_within,
    "exact": lambda s: s.g.exact,
    "v_least": lambda s: s.g.smallest(s.g.v),
    "v_largest": lambda s: s.g.largest(s.g.v),
    "v_positive": lambda s: s.g.smallest(np.where(s.g.is_exact, INFINITY, s.g.v)),
    "precision": lambda s: s.g.sum(1 / s.g.v),
    "precision2": lambda s: s.g.sum(1 / (s.g.v * s.g.v)),
    "w1": lambda s: s.g.sum(s.g.w),
    "w2": lambda s: s.g.sum(s.g.w * s.g.w),
    "w_least": lambda s: s.g.smallest(s.g.w),
    "w_largest": lambda s: s.g.largest(s.g.w),
}


def projected_once(s: Statistics, d: Array) -> Array:
    """tr(P D) of each model for a diagonal D: sum of w d (1 - leverage)."""
    g, fit, w = s.g, s["fit"], s["light"]
    trace = g.sum(w * d) - _trace(fit.inverse, _squared(g, w * w * d))
    if g.is_anchor is None:
        return np.asarray(trace)
    return np.asarray(trace + np.einsum("mi,mii,mi->m", s["anchors"], s["left"], of_anchors(g, d)))


def projected(s: Statistics, one: Array, other: Array) -> Array:
    """tr(P D P E) of each model for diagonal D and E, by their diagonals."""
    g, fit, w = s.g, s["fit"], s["light"]
    of_one, of_other = (_squared(g, w * w * d) for d in (one, other))
    twice = _trace(fit.inverse, _squared(g, w * w * w * one * other))
    traces = _trace(fit.inverse @ of_one, fit.inverse @ of_other)
    result = g.sum(w * w * one * other) - 2 * twice + traces
    if g.is_anchor is None:
        return np.asarray(result)
    anchors, d, e = s["anchors"], of_anchors(g, one), of_anchors(g, other)
    for of_others, own in ((of_one, e), (of_other, d)):  # P between an anchor and the other groups
        moved = fit.inverse @ of_others @ fit.inverse
        result = result + np.einsum("mi,mii,mi->m", anchors * anchors, moved, own)
    between_anchors = anchors[:, :, None] * s["left"]
    return np.asarray(result + np.einsum("mij,mij,mj,mi->m", between_anchors, between_anchors, d, e))


def _squared(g: Design, weight: Array) -> Array:
    """Z'AZ of weights A."""
    return g.products(weight)[:, :-1, :-1]


def _trace(one: Array, other: Array) -> Array:
    return np.asarray(np.einsum("mij,mji->m", one, other))


OF_WEIGHTS: Table = {
    **OF_MODELS,
    "fit": lambda s: Fit.of(s.g, s["weight"]),
    "r2": lambda s: s.g.residual_squares(s["fit"].beta),
    "s1": lambda s: s.g.sum(s["weight"]),
    "s2": lambda s: s.g.sum(s["weight"] * s["weight"]),
    "wr2": lambda s: s.g.sum(s["weight"] * s["r2"]),
    "w2r2": lambda s: s.g.sum(s["weight"] * s["weight"] * s["r2"]),
    "light": lambda s: s["weight"] if s.g.is_anchor is None else np.where(s.g.is_anchor, 0.0, s["weight"]),
    "anchors": lambda s: of_anchors(s.g, s["weight"]),
    "left": lambda s: s["fit"].inverse @ _squared(s.g, s["light"]),
    "trace": lambda s: projected_once(s, s["ones"]),
    "trace2": lambda s: projected(s, s["ones"], s["ones"]),
    "log_information": lambda s: s["fit"].log_information,
    "ones": lambda s: np.ones(s.g.y.shape),
}
AT_TAU2: Table = {
    **OF_WEIGHTS,
    "weight": lambda s: between.precision(s.g.v, s.g.each(s["tau2"])),
    "logs": lambda s: s.g.sum(between.log_variance(s.g.v, s.g.each(s["tau2"]))),
}
AT_RHO: Table = {
    **{name: statistic for name, statistic in OF_WEIGHTS.items() if name != "df"},  # that of sigma2 is the profile's
    "weight": lambda s: oneway.information(s.g.w, s.g.each(s["rho"])),
    "logs": lambda s: s.g.sum(oneway.log_inflation(s.g.w, s.g.each(s["rho"]))),
}
OF_FIXED_WEIGHTS: Table = {
    **OF_WEIGHTS,
    "a": lambda s: s["s1"],
    "ar2": lambda s: s["wr2"],
    "trace_v": lambda s: projected_once(s, s.g.v),
    "squares_variance": lambda s: 2 * projected(s, s["total_variance"], s["total_variance"]),
}


def with_fixed_weights(weight: Formula, g: Design, **known: Array) -> Statistics:
    """The statistics at weights that follow from v."""
    crude = np.broadcast_to(g.each(np.zeros(g.models) if g.crude is None else g.crude), g.y.shape)
    weights = np.broadcast_to(applied(weight, {"v": g.v, "crude": crude}), g.y.shape)
    return Statistics(g, OF_FIXED_WEIGHTS, weight=weights, **known)


# ---- v known --------------------------------------------------------------------------------------------------------


def with_known_v(method: Method, g: Design) -> Estimate:
    """tau2 where v is known, truncated at 0, and whether the search settled."""
    s = Statistics(g, OF_MODELS)
    exact = s["exact"] == g.groups
    tau2, settled = np.full(g.models, np.nan), np.ones(g.models, dtype=bool)
    tau2[exact] = formulas.plain_estimate(s["plain_squares"], g.groups, g.df, method)[exact]
    if (models := np.flatnonzero(~exact)).size:
        tau2[models], settled[models] = _estimate(method, g.take(models))
    return np.where(tau2 > EXACT * g.largest(g.v), tau2, np.where(tau2 <= np.inf, 0.0, np.nan)), settled


def _estimate(method: Method, g: Design) -> Estimate:
    if isinstance(method.known_v, Moments):
        assert method.known_v.weight is not None
        s = with_fixed_weights(method.known_v.weight, g)
        return np.asarray(applied(method.known_v.estimate, s)), np.ones(g.models, dtype=bool)
    if isinstance(method.known_v, Minimum):
        return _by_minimum(method.known_v, g)
    return matched_q(g, g.df)


def matched_q(g: Design, expected: Array) -> Estimate:
    """tau2 where the residual Q equals its expectation, 0 where it is less at 0, and whether the search settled."""

    def shortfall(g: Design, tau2: Array, expected: Array) -> Array:
        return np.asarray(-between.excess(Statistics(g, AT_TAU2, tau2=tau2)["wr2"], expected))

    s = Statistics(g, OF_MODELS, expected=expected)
    high = np.asarray(applied(bounds.root_high, s))
    floor = np.asarray(applied(bounds.floor, s, high=high))
    above = shortfall(g, floor, expected) >= 0
    tau2, settled = search.root(g, shortfall, np.arange(g.models), np.where(above, -1.0, floor), high, expected)
    return np.where(above, 0.0, tau2), settled | above


def _by_minimum(minimum: Minimum, g: Design) -> Estimate:
    assert minimum.balance is not None
    within = _range(minimum, minimum.balance, g)
    tau2, settled = _least(minimum.objective, minimum.balance, AT_TAU2, "tau2", g, within)
    return np.where(tau2 <= within.floor, 0.0, tau2), settled


def _range(minimum: Minimum, balance: Balance, g: Design) -> Range:
    """Where the search for tau2 looks."""
    s = Statistics(g, OF_MODELS)
    high = np.asarray(applied(formulas.high, s))
    low = np.asarray(applied(bounds.low, s, high=high, stretch=1.0))
    bend = np.asarray(applied(balance.rises_from, s))
    floor = np.asarray(applied(bounds.floor, s, high=high))
    pole = np.zeros(g.models, dtype=bool) if minimum.pole is None else np.asarray(applied(minimum.pole, s))
    return Range(low, bend, high, floor, pole)


def _least(
    objective: object, balance: Balance, table: Table, argument: str, g: Design, within: Range, **known: Array
) -> Estimate:
    """The argument of the least deviance of each model, and whether the search settled."""
    assert isinstance(objective, Sums)

    def of(formula: Formula, g: Design, x: Array) -> Array:
        return np.asarray(applied(formula, Statistics(g, table, **{argument: x})))

    s = Statistics(g, OF_MODELS)
    below, value_below = (np.broadcast_to(applied(f, s), g.models) for f in (balance.below, balance.value_below))
    function = partial(of, balance.formula)
    x, settled = search.straight_minimum(g, function, below, value_below), np.ones(g.models, dtype=bool)
    x = np.where(within.pole & (x <= within.floor), np.nan, x)
    if (models := np.flatnonzero(~(within.bend <= 0) & ~np.isnan(x))).size:
        some = g.take(models)
        x[models[~search.is_only_minimum(some, function, x[models], _of(within, models))]] = np.nan
    if (models := np.flatnonzero(np.isnan(x))).size:
        some = g.take(models)
        functions = (partial(of, objective.value), partial(of, objective.slope))
        x[models], settled[models] = search.minimum(some, some, *functions, _of(within, models))
    return x, settled


def _of(within: Range, models: Array) -> Range:
    """The ranges of some models."""
    return Range(*(getattr(within, name)[models] for name in ("low", "bend", "high", "floor", "pole")))


# ---- rows -----------------------------------------------------------------------------------------------------------


def on_rows(method: Method, g: Design) -> tuple[Array, Array, Array]:
    """sigma2 and tau2 at the rho of the least deviance, and whether the search settled."""
    profile = method.joint
    assert profile is not None
    table = at_rho(profile)
    rho, settled = _by_profile(profile, table, g)
    sigma2 = np.asarray(applied(profile.sigma2, Statistics(g, table, rho=rho)))
    return sigma2, rho * sigma2, settled


def at_rho(profile: Profile) -> Table:
    """The statistics at rho, with the degrees of freedom of sigma2."""
    return {**AT_RHO, "df": lambda s: applied(profile.df, s)}


def _by_profile(profile: Profile, table: Table, g: Design) -> Estimate:
    assert profile.balance is not None
    s = Statistics(g, {**OF_MODELS, "df": table["df"]})
    high = np.asarray(applied(profile.high, s))
    low = np.asarray(applied(bounds.rho_low, s))
    bend = np.asarray(applied(profile.balance.rises_from, s))
    within = Range(low, bend, high, np.zeros(g.models), np.zeros(g.models, dtype=bool))
    return _least(profile.objective, profile.balance, table, "rho", g, within)
