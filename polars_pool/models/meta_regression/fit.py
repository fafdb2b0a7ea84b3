"""The groups of many models to their components: sigma2, tau2 and the coefficients of the predictors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...engines.numpy import Array
from ...formulas import between, squeeze, within
from ...formulas.bounds import NEGLIGIBLE
from ...formulas.meta_regression import TAU2
from ...formulas.methods import Method
from ..hyperparameters import Hyperparameters
from .anchors import anchored
from .design import Design, Fit, Standard, standard
from .estimators import on_rows, with_known_v


@dataclass(frozen=True)
class Fitted:
    """Models with their components; coefficients and their covariance are those of the terms of the standard design.

    Numbers are NaN where the data do not determine them. `g` has the sampling variances that follow, in the unit.
    """

    source: Design  # as the data have it
    standard: Standard
    g: Design
    unit: Array
    sigma2: Array
    tau2: Array
    beta: Array  # (models, terms)
    covariance: Array  # (models, terms, terms)
    df_prior: Array
    sigma2_prior: Array
    identified: Array  # whether the sampling variances are known
    converged: Array
    joint: Array  # whether sigma2 and tau2 are estimated together
    published: bool
    hyperparameters: Hyperparameters

    @property
    def method(self) -> Method | None:
        """The estimator of tau2; None for a known one."""
        return _method(self.hyperparameters)

    @property
    def restricted(self) -> bool:
        """Whether tau2 is estimated by the restricted likelihood."""
        return self.method is not None and self.method.likelihood == "restricted"

    @property
    def pooled(self) -> bool:
        """Whether one sigma2 is estimated for all groups of a model, by a mean square or with tau2."""
        return not self.published and self.hyperparameters.sigma2 == "pooled"

    @property
    def known(self) -> Array:
        """The models whose variances are known."""
        return np.asarray(self.identified & ~np.isnan(self.tau2))

    @property
    def exact(self) -> Array:
        """The models with too few groups for their coefficients, or for tau2: each group keeps its own mean."""
        few = (self.g.df < 0) | (np.isnan(self.tau2) & (self.g.df == 0))
        return np.asarray(self.identified & few)

    @property
    def regular(self) -> Array:
        """The models with groups enough for their coefficients, and predictors that do not depend on each other."""
        return np.asarray((self.g.df >= 0) & (self.standard.dependent < 0))


def _method(h: Hyperparameters) -> Method | None:
    return TAU2[h.tau2] if isinstance(h.tau2, str) else None


def fit(g: Design, published: bool, h: Hyperparameters) -> Fitted:
    """The components of every model, each computed in a unit of its own."""
    with np.errstate(all="ignore"):
        measurable = g.measurable
        of_models = standard(g.of_zeros(~measurable))
        v, sigma2, prior = _variances(of_models.g, published, h)
        unknown = np.where(g.each(measurable), 0.0, np.nan)
        in_data = replace(of_models.g, v=_positive(of_models.g, v) + unknown, squares=of_models.g.squares + unknown)
        of_models = anchored(replace(of_models, g=in_data))
        in_unit = of_models.g
        unit = in_unit.unit
        in_unit, sigma2 = in_unit.scaled(1 / unit), sigma2 / (unit * unit)
        method = _method(h)
        identified = ~np.isnan(in_unit.sum(in_unit.v))
        regular = (in_unit.df >= 0) & (of_models.dependent < 0)
        joint = np.zeros(g.models, dtype=bool)
        converged = identified & regular
        if method is None:
            tau2 = np.full(g.models, float(h.tau2)) / (unit * unit)  # type: ignore[arg-type]
        else:
            estimable = identified & regular & (in_unit.df >= 1)
            if not published and h.sigma2 == "pooled" and method.joint is not None:
                joint = estimable & (in_unit.squares_within > 0)
            tau2 = np.full(g.models, np.nan)
            if (models := np.flatnonzero(joint)).size:
                sigma2[models], tau2[models], converged[models] = on_rows(method, in_unit.take(models))
                in_unit = replace(in_unit, v=_given(in_unit, sigma2))
            if (models := np.flatnonzero(estimable & ~joint)).size:
                tau2[models], converged[models] = with_known_v(method, in_unit.take(models))
        beta, covariance = _coefficients(in_unit, tau2, identified)
        beta, sigma2 = np.where(measurable[:, None], beta, np.nan), np.where(measurable, sigma2, np.nan)
    components = (unit, sigma2, tau2, beta, covariance, *prior, identified, converged, joint)
    return Fitted(g, of_models, in_unit, *components, published, h)


def at_variances(f: Fitted, sigma2: Array, tau2: Array) -> Fitted:
    """The models at other variances, in their unit."""
    g = replace(f.g, v=_given(f.g, sigma2)) if f.pooled else f.g
    beta, covariance = _coefficients(g, tau2, f.identified)
    return replace(f, g=g, sigma2=sigma2, tau2=tau2, beta=beta, covariance=covariance)


def _variances(g: Design, published: bool, h: Hyperparameters) -> tuple[Array, Array, tuple[Array, Array]]:
    """v of every group, and of every model the pooled or known sigma2 and the prior of squeezed variances."""
    none = np.full(g.models, np.nan)
    if published:
        return g.v, none, (none, none)
    if isinstance(h.sigma2, float):
        sigma2 = np.full(g.models, h.sigma2)
    else:
        sigma2 = np.asarray(within.pooled_variance(g.squares_within, g.rows, g.groups), dtype=float)
    prior = (none, none)
    own = g.each(sigma2)
    if h.sigma2 == "separate":
        own = within.separate_variance(g.n, g.squares / (g.n - 1), own)
    elif h.sigma2 == "squeezed":
        prior = squeeze.prior(g)
        own = within.squeezed_variance(g.n, g.squares / (g.n - 1), *map(g.each, prior))
    return np.broadcast_to(within.sampling_variance(own, g.w), g.y.shape), sigma2, prior


def _positive(g: Design, v: Array) -> Array:
    """v with a negligible number in place of 0 beside groups that have errors, so that limits need no formulas."""
    least = g.smallest(np.where(v == 0, np.inf, v))
    return np.where((v == 0) & g.each(np.isfinite(least)), g.each(NEGLIGIBLE * least), v)


def _given(g: Design, sigma2: Array) -> Array:
    return np.broadcast_to(within.sampling_variance(g.each(sigma2), g.w), g.y.shape)


def _coefficients(g: Design, tau2: Array, identified: Array) -> tuple[Array, Array]:
    """The coefficients and their covariance; where a variance is unknown, those of the plain fit, without errors."""
    known = identified & ~np.isnan(tau2)
    weight = between.precision(g.v, g.each(tau2))
    # Where every mean is exact and tau2 = 0, all residuals are 0, and the plain fit is that of any weights.
    plain = g.each(~known) | (weight == np.inf)
    of_weights = Fit.of(g, np.where(plain, 1.0, weight))
    exact = known & (g.largest(g.v) == 0) & (tau2 == 0)
    covariance = np.where(exact[:, None, None], 0.0, of_weights.inverse)
    return of_weights.beta, np.where(known[:, None, None], covariance, np.nan)
