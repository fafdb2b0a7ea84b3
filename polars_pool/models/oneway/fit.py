"""The groups of many models to their components: sigma2, tau2 and mu, also where the data are degenerate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import centre, squeeze, within
from ...formulas.estimators import PLUGIN
from ...formulas.methods import Method
from ...formulas.shrink import icc
from ..hyperparameters import Hyperparameters, Mean, Variance
from ..many import Groups
from .compression import compressed
from .estimators import estimate, on_rows, with_known_v

BLOCK = 2**14  # groups at once: their numbers fit into the cache
LEAST_OF_ERRORS = 2.0**-240  # standard errors a little below are taken as 0 (groups.EXACT)


@dataclass(frozen=True)
class Components:
    """One value per model each, NaN where the data do not determine it; mu is a deviation from the pivot."""

    groups: Array
    n: Array
    sigma2: Array
    tau2: Array
    mu: Array
    se_mu: Array
    icc: Array
    df_prior: Array
    sigma2_prior: Array
    converged: Array

    def scaled(self, factor: Array) -> Components:
        """The same components of values multiplied by a power of two."""
        square = factor * factor
        return replace(
            self,
            sigma2=self.sigma2 * square,
            tau2=self.tau2 * square,
            mu=self.mu * factor,
            se_mu=self.se_mu * factor,
            sigma2_prior=self.sigma2_prior * square,
        )


@dataclass(frozen=True)
class Fitted:
    """Models with their components, and their groups with the sampling variances v that follow from these."""

    g: Groups
    components: Components
    published: bool
    hyperparameters: Hyperparameters

    @property
    def pooled(self) -> bool:
        """Whether one sigma2 is estimated from rows."""
        return not self.published and self.hyperparameters.sigma2 == "pooled"

    @property
    def known(self) -> Array:
        """Models whose v and tau2 are known or estimated."""
        return ~np.isnan(self.g.sum(self.g.v)) & ~np.isnan(self.components.tau2)

    @property
    def joint(self) -> Array:
        """Models whose sigma2 and tau2 are at the maximum of one likelihood."""
        joint = self.known & (self.by_likelihood and self.is_joint)
        return np.asarray(joint & (self.df > 0) & self.g.identifies_variances & (self.components.sigma2 > 0))

    @property
    def is_joint(self) -> bool:
        """Whether sigma2 and tau2 are estimated together."""
        return is_joint(self.published, self.hyperparameters)

    @property
    def by_likelihood(self) -> bool:
        """Whether tau2 is estimated at the maximum of a likelihood."""
        method = self.hyperparameters.method
        return method is not None and method.likelihood is not None

    @property
    def restricted(self) -> bool:
        """Whether this likelihood is the restricted one."""
        method = self.hyperparameters.method
        return method is not None and method.likelihood == "restricted"

    @property
    def df(self) -> Array:
        return self.g.groups - self.g.fitted


def is_joint(published: bool, h: Hyperparameters) -> bool:
    """Whether sigma2 and tau2 are estimated together, by a likelihood of the rows."""
    return not published and h.sigma2 == "pooled" and h.method is not None and h.method.joint is not None


def fit(g: Groups, published: bool, h: Hyperparameters) -> Fitted:
    """The components of every model, and its groups with the sampling variances that follow from them.

    Each model is computed in a unit of its own, as the methods take fourth powers.
    """
    with np.errstate(all="ignore"):
        grouped, variances = with_variances(g, published, h.sigma2, by_size=h.needs_n)
        joint = is_joint(published, h)
        identified = ~np.isnan(grouped.sum(grouped.v)) | (joint & g.weights_identify_sigma2)
        unit = grouped.unit
        measurable = grouped.measurable & ((grouped.size > LEAST_OF_ERRORS) | (not published))
        grouped, pooled = grouped.scaled(1 / unit), variances.pooled / (unit * unit)
        if h.method is None:
            known = np.nan if h.known_tau2 is None else h.known_tau2
            sigma2, tau2, converged = pooled, np.full(g.models, known) / (unit * unit), np.ones(g.models, dtype=bool)
        else:
            sigma2, tau2, converged = _between(grouped, pooled, identified & measurable, joint, h.method)
        if joint:
            grouped = replace(grouped, v=within.sampling_variance(grouped.each(sigma2), grouped.w))
        mu, se_mu = population(grouped, tau2, h.mu, pooled, identified)
        sigma2 = np.where(np.isfinite(sigma2), sigma2, np.nan)  # squares beyond Float64
        share = np.asarray(icc(tau2, sigma2))
    squeezed = (variances.df_prior, variances.prior / (unit * unit))
    settled = converged & identified & measurable
    components = Components(grouped.groups, grouped.rows, sigma2, tau2, mu, se_mu, share, *squeezed, settled)
    return Fitted(grouped.scaled(unit), components.scaled(unit), published, h)


# ---- variances within groups ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Within:
    """The pooled or known sigma2 of every model, and degrees of freedom and variance of the prior of squeezed ones."""

    pooled: Array
    df_prior: Array
    prior: Array


def with_variances(g: Groups, published: bool, sigma2: Variance, by_size: bool) -> tuple[Groups, Within]:
    """The groups with v by the known, pooled or own variances, and these; a prior of sigma2 counts as pooled.

    Models of many groups are compressed, unless a plan did so; with `by_size`, where an estimator depends on n besides
    v, only those whose v follows from their weight.
    """
    own = published or sigma2 in ("separate", "squeezed")
    if not own:
        g = compressed(g, "w")
    variances = Within(pooled_within(g, published, sigma2), *_prior(g, sigma2))
    if not published:
        v = _sampling_variance(g, sigma2, variances)
        g = replace(g, v=np.where(np.isnan(g.v), v, g.v) if own and g.k is not None else v)
    return compressed(g, "v") if own and not by_size else g, variances


def _prior(g: Groups, sigma2: Variance) -> tuple[Array, Array]:
    """Degrees of freedom and variance of the prior of squeezed variances."""
    if sigma2 != "squeezed":
        return np.full(g.models, np.nan), np.full(g.models, np.nan)
    return squeeze.prior(g) if g.squeezed is None else (g.squeezed[0], g.squeezed[1])


def pooled_within(g: Groups, published: bool, sigma2: Variance) -> Array:
    """The known variance within groups, or the pooled one, which also stands in for a group's own."""
    if published:
        return np.full(g.models, np.nan)
    if isinstance(sigma2, float):
        return np.full(g.models, sigma2)
    pooled = within.pooled_variance(g.squares_within, g.rows, g.groups)
    return np.asarray(np.where(g.weights_identify_sigma2 & ~g.apart, 0.0, pooled))


def _sampling_variance(g: Groups, sigma2: Variance, variances: Within) -> Array:
    """v of every group from its rows."""
    v = np.empty_like(g.y)
    for rows, models, some in g.blocks(BLOCK):
        own = some.each(variances.pooled[models])
        if sigma2 == "separate":
            own = within.separate_variance(some.n, some.squares / (some.n - 1), own)
        elif sigma2 == "squeezed":
            prior = some.each(variances.df_prior[models]), some.each(variances.prior[models])
            own = within.squeezed_variance(some.n, some.squares / (some.n - 1), *prior)
        v[rows] = within.sampling_variance(own, some.w)
    return v


# ---- variance between groups ----------------------------------------------------------------------------------------


def _between(g: Groups, pooled: Array, identified: Array, joint: bool, method: Method) -> tuple[Array, Array, Array]:
    """sigma2, tau2 and whether they settled; tau2 is NaN for one group, and for too few groups for the method."""
    sigma2, tau2 = pooled.copy(), np.full(g.models, np.nan)
    enough = (g.groups >= method.groups) & (g.groups - g.fitted >= method.df)
    estimable = identified & enough
    converged = enough | (g.groups <= g.fitted)
    on_rows_ = estimable & g.identifies_variances if joint else np.zeros_like(estimable)
    if (models := np.flatnonzero(on_rows_)).size:
        sigma2[models], tau2[models], converged[models] = on_rows(method, g.take(models))
    if (models := np.flatnonzero(estimable & ~on_rows_)).size:
        tau2[models], converged[models] = with_known_v(method, g.take(models))
    return sigma2, tau2, converged


# ---- population mean ------------------------------------------------------------------------------------------------


def population(g: Groups, tau2: Array, mu: Mean, pooled: Array, identified: Array) -> tuple[Array, Array]:
    """mu and its standard error; where tau2 or v is unknown, the plain mean of the groups without a standard error."""
    if g.mu is not None:
        return g.mu, np.zeros(g.models)
    known = identified & ~np.isnan(tau2)
    c = np.where(g.each(known), count_in_mu(g, tau2, mu, pooled), 1.0)
    total = g.sum(c)
    variance = g.sum(centre.centre_error(c, g.v, g.each(tau2))) / total**2
    return g.sum(c * g.y) / total, np.where(known, np.sqrt(variance), np.nan)


def count_in_mu(g: Groups, tau2: Array, mu: Mean, pooled: Array) -> Array:
    """The weight of each group in mu; at tau2 = 0 exact groups outweigh all others."""
    if mu == "groups":
        return np.asarray(centre.groups(g.w))
    if mu == "rows":
        return np.asarray(centre.rows(g.w))
    if mu == "shrunk":
        return _shrunk(g, pooled)
    exact = (g.v == 0) & (g.each(tau2) == 0)
    outweighed = g.each(g.sum(exact * 1.0)) > 0
    return np.asarray(np.where(outweighed, exact, centre.gls(g.v, g.each(tau2))))


def _shrunk(g: Groups, pooled: Array) -> Array:
    """Mount's weights, by the pooled sigma2 and the plug-in tau2; groups whose means agree need no shrunk weights."""
    v = np.where(g.each(np.isnan(pooled)), g.v, within.sampling_variance(g.each(pooled), g.w))
    plugin, _ = estimate(PLUGIN.known_v, g)
    c = centre.shrunk(g.w, v, g.each(plugin))
    return np.where(g.each(g.sum(c)) == 0, g.w, c)
