"""Whether a posterior has a finite total, and which means: from how it falls where tau is large and near 0."""

from __future__ import annotations

import numpy as np

from ...engines.numpy import Array
from ...formulas.priors import ByHarmonicMean, Prior
from ..many import Groups
from .hierarchy import Hierarchy

NOTHING, FARTHEST = 45.0, 150.0  # exp(-45) is negligible in a sum, exp(4 * 150) is finite
ROUNDING = (4 * np.finfo(float).eps) ** 2  # relative: smaller squared differences are rounding


def tail_exponent(g: Groups, hierarchy: Hierarchy) -> Array:
    """The power of 1 / tau that the posterior falls by."""
    flat = g.mu is None and hierarchy.population.sd == np.inf
    tail = hierarchy.tau2.tail if isinstance(hierarchy.tau2, Prior) else np.inf
    return np.asarray(tail + g.groups - (1.0 if flat else 0.0))


def moments_of_tau(g: Groups, hierarchy: Hierarchy) -> Array:
    """The largest power of tau (4, 2, 1) that has a finite mean: below 0 where the posterior has no finite total."""
    return _moments(tail_exponent(g, hierarchy))


def moments_of_sigma(g: Groups, hierarchy: Hierarchy) -> Array:
    """The largest power of sigma with a finite mean: the likelihood falls as the power N, or N - 1, of 1 / sigma."""
    if not isinstance(hierarchy.sigma2, Prior):
        return np.full(g.models, 4.0)
    flat = g.mu is None and hierarchy.population.sd == np.inf
    return _moments(hierarchy.sigma2.tail + g.rows - (1.0 if flat else 0.0))


def _moments(exponent: Array) -> Array:
    """The largest power with a finite mean; one so large that Float64 cannot hold it counts as infinite."""
    finite = np.where(exponent > 1, 0.0, -1.0)
    for power in (1.0, 2.0, 4.0):
        finite = np.where(exponent - 1 - power >= NOTHING / FARTHEST, power, finite)
    return finite


def proper_at_zero(g: Groups, hierarchy: Hierarchy) -> Array:
    """Whether tau = 0 keeps a finite weight though groups without sampling variance agree."""
    exact = g.v == 0
    prior, count = hierarchy.tau2, g.exact
    if not isinstance(prior, Prior) or prior.support[0] > 0 or not (count > 0).any():
        return np.ones(g.models, dtype=bool)
    own = g.sum(np.where(exact, g.y, 0.0)) / np.maximum(count, 1.0)
    about = own if g.mu is None else g.mu
    apart = g.sum(np.where(exact, g.squares_about(about), 0.0)) > ROUNDING * count * g.reach(np.zeros(g.models))
    falls = count - (1.0 if g.mu is None else 0.0)
    return np.where(
        count > 0, (apart | (prior.rise_if_exact - falls > -1)) & (not isinstance(prior, ByHarmonicMean)), True
    )
