"""From the groups of many models to their components: sigma2, tau2, mu, and what is said where data are degenerate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...formulas import centre, squeeze, within
from ...formulas.estimators import PLUGIN, TAU2
from ...formulas.shrink import icc
from ...numerics.arrays import Array
from ..many import Groups
from .estimators import estimate, given_v, on_rows

Hyperparameter = str | float
LEAST_OF_ERRORS = 2.0**-240  # standard errors a little below are taken as 0 (groups.EXACT)


@dataclass(frozen=True)
class Components:
    """One value a model each, NaN where the data do not say; mu is a deviation from the pivot."""

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


def solve(g: Groups, published: bool, sigma2: Hyperparameter, tau2: Hyperparameter, mu: Hyperparameter) -> Components:
    """Estimate what is a name and take what is a number."""
    return fitted(g, published, sigma2, tau2, mu)[0]


def fitted(
    g: Groups, published: bool, sigma2: Hyperparameter, tau2: Hyperparameter, mu: Hyperparameter
) -> tuple[Components, Groups]:
    """The components, and the groups with the sampling variances that follow from them.

    Each model is computed in a unit of its own, as the methods take fourth powers.
    """
    with np.errstate(all="ignore"):
        pooled = pooled_within(g, published, sigma2)
        df_prior, prior = squeeze.prior(g) if sigma2 == "squeezed" else (np.full(g.models, np.nan),) * 2
        given = replace(g, v=sampling_variance(g, published, sigma2, pooled, df_prior, prior))
        identified = ~np.isnan(given.sum(given.v)) | (is_joint(published, sigma2, tau2) & g.weights_identify_sigma2)
        unit = given.unit
        measurable = given.measurable & ((given.size > LEAST_OF_ERRORS) | (not published))
        square = unit * unit
        given, pooled = given.scaled(1 / unit), pooled / square
        if isinstance(tau2, float):
            sigma2_, tau2_, converged = pooled, np.full(g.models, tau2) / square, np.ones(g.models, dtype=bool)
        else:
            sigma2_, tau2_, converged = _between(given, pooled, identified & measurable, published, sigma2, tau2)
        if is_joint(published, sigma2, tau2):
            given = replace(given, v=within.sampling_variance(g.each(sigma2_), g.w))
        mu_, se_mu = population(given, tau2_, mu, pooled, identified)
        sigma2_ = np.where(np.isfinite(sigma2_), sigma2_, np.nan)  # squares beyond Float64
        share = np.asarray(icc(tau2_, sigma2_))
    settled = converged & identified & measurable
    found = Components(g.groups, g.rows, sigma2_, tau2_, mu_, se_mu, share, df_prior, prior / square, settled)
    return found.scaled(unit), given.scaled(unit)


def is_joint(published: bool, sigma2: Hyperparameter, tau2: Hyperparameter) -> bool:
    return not published and sigma2 == "pooled" and isinstance(tau2, str) and TAU2[tau2].joint is not None


def pooled_within(g: Groups, published: bool, sigma2: Hyperparameter) -> Array:
    """The variance within all groups alike, as it is known or as it stands in for their own."""
    if published:
        return np.full(g.models, np.nan)
    if isinstance(sigma2, float):
        return np.full(g.models, sigma2)
    pooled = within.pooled_variance(g.squares_within, g.rows, g.groups)
    return np.asarray(np.where(g.weights_identify_sigma2 & ~g.apart, 0.0, pooled))


def sampling_variance(
    g: Groups, published: bool, sigma2: Hyperparameter, pooled: Array, df_prior: Array, prior: Array
) -> Array:
    """v of every group; squeezed by a prior of `df_prior` degrees of freedom and variance `prior`."""
    if published:
        return g.v
    own = g.each(pooled)
    if sigma2 == "separate":
        own = within.separate_variance(g.n, g.squares / (g.n - 1), own)
    elif sigma2 == "squeezed":
        own = within.squeezed_variance(g.n, g.squares / (g.n - 1), g.each(df_prior), g.each(prior))
    return np.asarray(within.sampling_variance(own, g.w))


def _between(
    g: Groups, pooled: Array, identified: Array, published: bool, sigma2: Hyperparameter, tau2: str
) -> tuple[Array, Array, Array]:
    """sigma2, tau2 and whether they settled; a model of one group says nothing of tau2, nor of too few for a method."""
    sigma2_, tau2_, converged = pooled.copy(), np.full(g.models, np.nan), np.ones(g.models, dtype=bool)
    method = TAU2[tau2]
    enough = (g.groups >= method.groups) & (g.groups - g.fitted >= method.df)
    estimable = identified & enough
    converged = enough | (g.groups <= g.fitted)
    joint = estimable & g.identifies_variances if is_joint(published, sigma2, tau2) else np.zeros_like(estimable)
    if (models := np.flatnonzero(joint)).size:
        sigma2_[models], tau2_[models], converged[models] = on_rows(method, g.take(models))
    if (models := np.flatnonzero(estimable & ~joint)).size:
        tau2_[models], converged[models] = given_v(method, g.take(models))
    return sigma2_, tau2_, converged


def population(g: Groups, tau2: Array, mu: Hyperparameter, pooled: Array, identified: Array) -> tuple[Array, Array]:
    """mu and its standard error; the plain mean of the groups, without one, where tau2 or v is unknown."""
    if g.mu is not None:
        return g.mu, np.zeros(g.models)
    known = identified & ~np.isnan(tau2)
    c = np.where(g.each(known), count_in_mu(g, tau2, mu, pooled), 1.0)
    total = g.sum(c)
    variance = g.sum(centre.centre_error(c, g.v, g.each(tau2))) / total**2
    return g.sum(c * g.y) / total, np.where(known, np.sqrt(variance), np.nan)


def count_in_mu(g: Groups, tau2: Array, mu: Hyperparameter, pooled: Array) -> Array:
    """What each group counts in mu; at tau2 = 0 exact groups outweigh all others."""
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
    """Mount's centre: by the pooled sigma2 and the plug-in tau2; groups that all agree need no weights."""
    v = np.where(g.each(np.isnan(pooled)), g.v, within.sampling_variance(g.each(pooled), g.w))
    plugin, _ = estimate(PLUGIN.given, g)
    c = centre.shrunk(g.w, v, g.each(plugin))
    return np.where(g.each(g.sum(c)) == 0, g.w, c)
