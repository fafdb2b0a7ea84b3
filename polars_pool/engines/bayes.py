"""Posteriors of tables: one row a group, or a model, from the nodes of tau; below them the plan keeps streaming."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from .. import warning
from ..formulas import shrink, within
from ..priors import Normal, Prior
from . import components, estimates, mixture, posterior
from .groups import PIVOT, WHOLE, N, W, Y
from .model import Model, Priors
from .numpy import Array, Groups
from .posterior import Population, Posterior, Question
from .refuse import improper_at_zero, no_squares, too_few_groups

OF_GROUPS = ("mean", "v", "weight", "estimate", "se", "lower", "upper", "p_above")
CHUNK = 2_000_000  # numbers of a table of nodes and groups at once
NEGLIGIBLE = 1e-17  # weight of a node that no probability of a group can show


@dataclass(frozen=True)
class Solved:
    """The models of a table: which have groups (`present`), and which of those a posterior (`chosen`)."""

    models: pl.DataFrame
    pivot: Array
    present: Array
    chosen: Array
    asked: Question | None
    g: Groups | None
    sigma2: Array
    df_prior: Array
    sigma2_prior: Array
    identified: Array
    moments: Array  # the largest power of tau (and of sigma) that has a mean, of the chosen
    post: Posterior | None

    def of_models(self, values: Array, nothing: float = np.nan) -> Array:
        """A value for each that has a posterior, as a value for every model."""
        column = np.full(self.models.height, nothing)
        column[self.present[self.chosen]] = values
        return column

    def of_present(self, values: Array) -> Array:
        """A value for each that has groups, as a value for every model."""
        column = np.full(self.models.height, np.nan)
        column[self.present] = values
        return column


def solved(classes: pl.DataFrame, model: Model) -> Solved:
    """The posterior of every model in a table of classes; what leaves none is refused where it is the only model."""
    models, pivot, groups, present = components.by_model(classes, model)
    assert model.priors
    if groups is None:
        none = np.zeros(0)
        return Solved(models, pivot, present, present, None, None, none, none, none, none, none, None)
    asked = _question(model, model.priors, pivot[present])
    with np.errstate(all="ignore"):
        g, sigma2, df_prior, sigma2_prior = posterior.with_variances(groups, asked)
        identified = ~np.isnan(g.sum(g.v))
        enough = posterior.moments_of_tau(g, asked)
        at_zero = posterior.proper_at_zero(g, asked)
        spread = (g.squares_within > 0) | (not isinstance(asked.sigma2, Prior))
        if not model.over and identified.all():
            no_squares(asked.sigma2, spread)
            too_few_groups(asked.tau2, g.groups, posterior.tail_exponent(g, asked))
            improper_at_zero(asked.tau2, at_zero)
        chosen = np.flatnonzero(identified & (enough >= 0) & at_zero & spread)
        post = posterior.integrated(g.take(chosen), asked.take(chosen), sigma2[chosen]) if chosen.size else None
    moments = np.minimum(enough, posterior.moments_of_sigma(g, asked))[chosen]
    return Solved(models, pivot, present, chosen, asked, g, sigma2, df_prior, sigma2_prior, identified, moments, post)


def _question(model: Model, priors: Priors, pivot: Array) -> Question:
    """The priors, that of mu about the pivot of each model."""
    mu = priors.mu
    known = Population(mu.mean - pivot, mu.sd) if isinstance(mu, Normal) else Population(0.0 * pivot, np.inf)
    return Question(model.input == "published", priors.sigma2, priors.tau2, known)


# ---- one row a group ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Wanted:
    """What is told of a group beside its mean and standard deviation."""

    interval: str | None = None
    level: float = 0.95
    predict: str = "mean"
    threshold: float | None = None


def of_groups(groups: pl.LazyFrame, constants: pl.LazyFrame, model: Model, wanted: Wanted) -> pl.LazyFrame:
    """Groups beside the posterior of their true mean, names private, and the alarm of their model."""
    keys = groups.select(*model.keys, N).collect_schema()
    found = pl.Schema({**keys, **dict.fromkeys((f"_pool_{name}" for name in OF_GROUPS), pl.Float64())})
    return groups.join(constants, how="cross").map_batches(
        partial(_of_groups, model=model, wanted=wanted),
        schema=pl.Schema({**found, "_pool_alarm": ALARMS}),
        **WHOLE,
    )


def _of_groups(table: pl.DataFrame, model: Model, wanted: Wanted) -> pl.DataFrame:
    table, found = beside_models(table, model)
    with np.errstate(all="ignore"):
        told = _told(table, found, wanted)
    series = [pl.Series(f"_pool_{name}", column, nan_to_null=True) for name, column in told.items()]
    return table.with_columns(series).select(*model.keys, N, *(f"_pool_{name}" for name in OF_GROUPS), "_pool_alarm")


def beside_models(table: pl.DataFrame, model: Model) -> tuple[pl.DataFrame, Solved]:
    """The groups with their mean and v, beside what their model has, and `post`, its column of the posterior."""
    constants = table.select(PIVOT, pl.col("^_pool_bad_.*$")).head(1).lazy()
    classes = components.classes(table.lazy(), model).join(constants, how="cross").collect(engine="in-memory")
    found = solved(classes, model)
    of_model = found.models.select(
        *model.over,
        _pool_pivot=found.pivot,
        _pool_sigma2=_column(found.of_present(found.sigma2)),
        _pool_df_prior=_column(found.of_present(found.df_prior)),
        _pool_sigma2_prior=_column(found.of_present(found.sigma2_prior)),
        _pool_post=_column(found.of_models(np.arange(found.chosen.size), -1)).cast(pl.Int64),
        _pool_alarm=_alarm(found),
    )
    table = table.drop("_pool_pivot")
    if model.over:
        table = table.join(of_model, on=list(model.over), how="left", nulls_equal=True, maintain_order="left")
    else:
        table = table.join(of_model, how="cross", maintain_order="left")
    if model.input != "published":
        table = table.with_columns(_pool_v=within.sampling_variance(estimates.own_variance(model), W))
    return table.with_columns(_pool_mean=PIVOT + Y), found


def _column(values: Array) -> pl.Series:
    return pl.Series(values, nan_to_null=True)


def _told(table: pl.DataFrame, found: Solved, wanted: Wanted) -> dict[str, Array]:
    """The statistics of every group, NaN where its model has no posterior."""
    told = {name: np.full(table.height, np.nan) for name in OF_GROUPS if name != "mean"}
    told["v"] = table["_pool_v"].to_numpy().copy()
    post = found.post
    if post is None:
        return told
    column, y, v, pivot = (table[f"_pool_{name}"].to_numpy() for name in ("post", "y", "v", "pivot"))
    sigma2, inflation = table["_pool_sigma2"].to_numpy(), post.mean(post.inflation)
    for seen, least in ((v < np.inf, NEGLIGIBLE), (v == np.inf, 0.0)):
        rows = np.flatnonzero((column >= 0) & seen)
        rows = rows[np.lexsort((v[rows], column[rows]))]
        nodes = np.flatnonzero((post.weight > least).any(axis=1))
        chunk = max(1, CHUNK // max(1, len(nodes)))
        for start in range(0, len(rows), chunk):
            some = rows[start : start + chunk]
            answers = _of_some(post, nodes, column[some], y[some], v[some], sigma2[some], pivot[some], wanted)
            for name, answer in answers.items():
                told[name][some] = answer
    has = column >= 0
    told["v"][has] *= inflation[column[has]]
    # What a group's own rows say has a mean wherever v is known.
    told_by_prior = has & ((v == np.inf) | (post.sigma is not None))
    power = found.moments[column]
    told["estimate"][told_by_prior & (power < 1)] = np.nan
    told["se"][told_by_prior & (power < 2)] = np.nan
    return told


def _of_some(
    post: Posterior, nodes: Array, column: Array, y: Array, v: Array, sigma2: Array, pivot: Array, wanted: Wanted
) -> dict[str, Array]:
    """The statistics of groups in the order of their model and v: what depends on v alone is worked out once for it."""
    new = np.append(True, (np.diff(column) != 0) | (np.diff(v) != 0))
    of_class, first = np.cumsum(new) - 1, np.flatnonzero(new)
    at = np.ix_(nodes, column[first])
    p, mu, tau2, inflation = post.weight[at], post.mu[at], post.tau[at] ** 2, post.inflation[at]
    variances = v[first] * inflation
    weight, pooling = shrink.weight(tau2, variances), shrink.pooling(tau2, variances)
    variance = shrink.marginal_variance(tau2, pooling, np.sqrt(post.variance[at]))
    if wanted.predict != "mean":
        noise = sigma2[first] * inflation if wanted.predict == "row" else variances
        variance = shrink.predictive_variance(variance, noise)
    mean_weight = (p * weight).sum(axis=0) / p.sum(axis=0)
    p, s = (p / p.sum(axis=0))[:, of_class], np.sqrt(variance)[:, of_class]
    m = np.asarray(shrink.estimate(y, mu[:, of_class], weight[:, of_class]))
    mean, sd = mixture.moments(p, m, s)
    told = {"weight": mean_weight[of_class], "estimate": mean + pivot, "se": sd}
    if wanted.threshold is not None:
        told["p_above"] = mixture.above(p, m, s, wanted.threshold - pivot)
    if wanted.interval is not None:
        interval = mixture.shortest if wanted.interval == "shortest" else mixture.central
        lower, upper, _ = interval(p, m, s, wanted.level)
        told |= {"lower": lower + pivot, "upper": upper + pivot}
    return told


# ---- one row a model ------------------------------------------------------------------------------------------------

STATISTICS: dict[str, pl.DataType] = {
    "groups": pl.Int64(),
    "n": pl.Int64(),
    **dict.fromkeys(
        (
            "sigma2",
            "se_sigma2",
            "tau",
            "se_tau",
            "tau_median",
            "tau_lower",
            "tau_upper",
            "tau2",
            "se_tau2",
            "tau2_median",
            "tau2_lower",
            "tau2_upper",
            "log_tau",
            "mu",
            "se_mu",
            "mu_median",
            "mu_lower",
            "mu_upper",
            "mu_positive",
            "new",
            "se_new",
            "new_median",
            "new_lower",
            "new_upper",
            "new_positive",
            "icc",
            "df_prior",
            "sigma2_prior",
            "log_marginal",
            "bayes_factor",
        ),
        pl.Float64(),
    ),
    "converged": pl.Boolean(),
}
ALARMS = pl.Enum([warning.IMPROPER, warning.UNIDENTIFIED, warning.UNSETTLED])


def of_models(
    classes: pl.LazyFrame, constants: pl.LazyFrame, model: Model, level: float, interval: str
) -> pl.LazyFrame:
    """One row a model: its posterior in numbers, and its alarm."""
    keys = classes.select(*model.over).collect_schema()
    return classes.join(constants, how="cross").map_batches(
        partial(_of_models, model=model, level=level, interval=interval),
        schema=pl.Schema({**keys, **STATISTICS, "_pool_alarm": ALARMS}),
        **WHOLE,
    )


def _of_models(table: pl.DataFrame, model: Model, level: float, interval: str) -> pl.DataFrame:
    found = solved(table, model)
    told = {name: np.full(found.models.height, np.nan) for name in STATISTICS}
    told["groups"], told["n"], told["converged"] = (np.zeros(found.models.height) for _ in range(3))
    if found.g is not None:
        told["groups"][found.present], told["n"][found.present] = found.g.groups, found.g.rows
        for name in ("sigma2", "df_prior", "sigma2_prior"):
            told[name] = found.of_present(getattr(found, name))
    if model.input == "published" and model.n is None:
        told["n"][:] = np.nan
    if found.post is not None:
        with np.errstate(all="ignore"):
            summary = summarised(found.post, found.moments, found.pivot[found.present[found.chosen]], level, interval)
        for name, values in summary.items():
            told[name][found.present[found.chosen]] = values
    told["converged"] = told["converged"] == 1
    columns = [components.series(name, told[name], dtype) for name, dtype in STATISTICS.items()]
    return found.models.select(*model.over, *columns, _pool_alarm=_alarm(found))


def summarised(post: Posterior, moments: Array, pivot: Array, level: float, interval: str) -> dict[str, Array]:
    """What is told of tau, mu and a new group of every model; NaN for means that are infinite."""
    mean, variance = moments >= 1, moments >= 2
    told = {"converged": post.settled * 1.0, "log_tau": post.mean(np.log(post.tau))}
    told |= _of_sigma2(post) | _of_tau(post, moments, level, interval) | _evidence(post)
    flat = post.asked.population.sd == np.inf and post.g.mu is None
    of_mu = (mean, variance) if flat else (np.ones_like(mean), np.ones_like(variance))
    told |= _of_normals(post, "mu", post.variance, pivot, *of_mu, level, interval)
    return told | _of_normals(post, "new", post.variance + post.tau**2, pivot, mean, variance, level, interval)


def _of_sigma2(post: Posterior) -> dict[str, Array]:
    """sigma2 and the share of tau2: at the nodes where sigma2 is integrated."""
    if post.sigma is None:
        share = post.mean(np.where(post.tau + post.sigma2 > 0, post.tau**2 / (post.tau**2 + post.sigma2), np.nan))
        return {"icc": share}
    sigma2 = post.inflation * post.sigma2
    mean = post.mean(sigma2)
    error = np.sqrt(post.mean((sigma2 - mean) ** 2))
    moments = posterior.moments_of_sigma(post.g, post.asked)
    return {
        "sigma2": np.where(moments >= 2, mean, np.nan),
        "se_sigma2": np.where(moments >= 4, error, np.nan),
        "icc": post.mean(post.tau**2 / (post.tau**2 + sigma2)),
    }


def _of_tau(post: Posterior, moments: Array, level: float, interval: str) -> dict[str, Array]:
    models = np.arange(post.models)
    mean, variance, fourth = moments >= 1, moments >= 2, moments >= 4
    tau, tau2 = post.mean(post.tau), post.mean(post.tau**2)
    tau4 = post.mean((post.tau**2 - tau2) ** 2)
    told = {
        "tau": np.where(mean, tau, np.nan),
        "se_tau": np.where(variance, np.sqrt(post.mean((post.tau - tau) ** 2)), np.nan),
        "tau2": np.where(variance, tau2, np.nan),
        "se_tau2": np.where(fourth, np.sqrt(tau4), np.nan),
        "tau_median": posterior.tau_quantile(post, np.full(post.models, 0.5), models),
    }
    told["tau2_median"] = told["tau_median"] ** 2
    for name, power in (("tau", 1), ("tau2", 2)):
        lower, upper = posterior.tau_interval(post, level, interval, power)
        told[f"{name}_lower"], told[f"{name}_upper"] = lower**power, upper**power
    return told


def _of_normals(
    post: Posterior, name: str, variance: Array, pivot: Array, has_mean: Array, has_sd: Array, level: float, kind: str
) -> dict[str, Array]:
    """Mean, deviation, median, interval and sign of what is normal at every node."""
    parts = post.weight, post.mu, np.sqrt(variance)
    mean, sd = mixture.moments(*parts)
    median, _ = mixture.quantile(*parts, np.full(post.models, 0.5))
    lower, upper, _ = (mixture.shortest if kind == "shortest" else mixture.central)(*parts, level)
    return {
        name: np.where(has_mean, mean + pivot, np.nan),
        f"se_{name}": np.where(has_sd, sd, np.nan),
        f"{name}_median": median + pivot,
        f"{name}_lower": lower + pivot,
        f"{name}_upper": upper + pivot,
        f"{name}_positive": mixture.above(*parts, -pivot),
    }


def _evidence(post: Posterior) -> dict[str, Array]:
    """The marginal likelihood, and that of tau = 0 beside it, where the prior of tau is a density."""
    prior = post.asked.tau2
    none = np.full(post.models, np.nan)
    if isinstance(prior, Prior) and not prior.proper:
        return {"log_marginal": none, "bayes_factor": none}
    if not isinstance(prior, Prior) or post.sigma is not None:
        return {"log_marginal": post.log_total, "bayes_factor": none}
    at_zero = posterior.at_tau(post.g, np.zeros(post.models), post.asked.population).log_likelihood
    factor = np.where(post.g.exact > 0, np.nan, np.exp(at_zero - post.log_total))
    return {"log_marginal": post.log_total, "bayes_factor": factor}


def _alarm(found: Solved) -> pl.Series:
    """What a model gives cause for, null for most."""
    alarms = np.full(found.models.height, None, dtype=object)
    if found.g is not None:
        alarms[found.present] = warning.IMPROPER
        alarms[found.present[~found.identified]] = warning.UNIDENTIFIED
        alarms[found.present[found.chosen]] = None
    if found.post is not None:
        alarms[found.present[found.chosen[~found.post.settled]]] = warning.UNSETTLED
    return pl.Series(alarms.tolist(), dtype=ALARMS)
