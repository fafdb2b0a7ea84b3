"""The exact posterior of many models at once: nodes of tau, and of sigma where it is integrated, all else normal.

At a node everything is known in closed form, so that a posterior is a mixture over the nodes of its model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize.elementwise import find_root

from ..formulas import between, squeeze
from ..formulas import posterior as formulas
from ..priors import ByHarmonicMean, Jeffreys, Prior
from .numpy import Array, Groups
from .quadrature import LogDensity, Nodes, Support, nodes
from .solve import pooled_within, sampling_variance

NOTHING, FARTHEST = 45.0, 150.0  # exp(-45) is nothing to a sum, exp(4 * 150) not yet infinite
STEEP = 8.0
CHUNK = 2_000_000  # groups at once
TOLERANCE = 1e-7  # of sums over nodes of sigma, by every second one: they are right to its square
ROUNDING = (4 * np.finfo(float).eps) ** 2  # of squared differences that say nothing


@dataclass(frozen=True)
class Population:
    """What is known of mu before: a normal prior with a mean a model, or nothing (flat), or mu itself (g.mu)."""

    mean: Array
    sd: float  # infinite where it is flat

    def take(self, models: Array) -> Population:
        return Population(self.mean[models], self.sd)


@dataclass(frozen=True)
class AtTau:
    """What is known at one tau a model: the log likelihood, and mean and variance of mu."""

    log_likelihood: Array
    mu: Array
    variance: Array


def at_tau(g: Groups, tau: Array, population: Population) -> AtTau:
    """The closed forms that are mixed."""
    tau2 = g.each(tau * tau)
    w = between.precision(g.v, tau2)
    logs = g.sum(between.log_variance(g.v, tau2))
    s1 = g.sum(w)
    centre = g.centre(w)
    wd2 = g.sum(w * g.squares_about(centre))
    if g.mu is not None:
        known = formulas.log_likelihood_known_mu(g.groups, logs, wd2)
        return AtTau(np.asarray(known), centre, np.zeros(g.models))
    m, s = population.mean, population.sd
    if s == np.inf:
        return AtTau(np.asarray(formulas.log_likelihood_flat_mu(g.groups, logs, wd2, s1)), centre, 1 / s1)
    return AtTau(
        np.asarray(formulas.log_likelihood_normal_mu(g.groups, logs, wd2, s1, centre, m, s)),
        np.asarray(formulas.mu_given_tau(s1, centre, m, s)),
        np.asarray(formulas.variance_of_mu_given_tau(s1, s)),
    )


@dataclass(frozen=True)
class Question:
    """What is integrated out or known; mu is known where the groups know it."""

    published: bool
    sigma2: str | float | Prior
    tau2: float | Prior
    population: Population

    @property
    def known_tau(self) -> float:
        return np.nan if isinstance(self.tau2, Prior) else float(np.sqrt(self.tau2))

    def take(self, models: Array) -> Question:
        return replace(self, population=self.population.take(models))


@dataclass(frozen=True)
class Posterior:
    """Nodes of models that have a posterior, a column each, with their weight, tau, and mean and variance of mu.

    The groups have the v of `sigma2`; `inflation` is sigma2 at a node relative to it. `cells` are the nodes of tau at
    each node of sigma, model after model; `share` is what each node of sigma weighs.
    """

    g: Groups
    asked: Question
    weight: Array
    tau: Array
    mu: Array
    variance: Array
    inflation: Array
    sigma2: Array
    share: Array
    cells: Nodes | None  # None where tau is known
    sigma: Nodes | None  # None where sigma2 is known
    inflation_of_cells: Array
    log_total: Array
    settled: Array

    @property
    def models(self) -> int:
        return self.g.models

    @property
    def least(self) -> float:
        """The least tau that there is."""
        return self.cells.support.lower if self.cells else self.asked.known_tau

    def mean(self, x: Array) -> Array:
        """Posterior mean of what has the values x at the nodes."""
        return np.asarray((self.weight * np.where(self.weight > 0, x, 0.0)).sum(axis=0))


# ---- whether there is one -------------------------------------------------------------------------------------------


def with_variances(g: Groups, asked: Question) -> tuple[Groups, Array, Array, Array]:
    """The groups with the v they have at the known or pooled sigma2, that sigma2, and the prior of squeezed ones."""
    sigma2 = "pooled" if isinstance(asked.sigma2, Prior) else asked.sigma2
    pooled = pooled_within(g, asked.published, sigma2)
    df_prior, prior = squeeze.prior(g) if sigma2 == "squeezed" else (np.full(g.models, np.nan),) * 2
    v = sampling_variance(g, asked.published, sigma2, pooled, df_prior, prior)
    return replace(g, v=v), pooled, df_prior, prior


def tail_exponent(g: Groups, asked: Question) -> Array:
    """The power of 1 / tau that the posterior falls by."""
    flat = g.mu is None and asked.population.sd == np.inf
    tail = asked.tau2.tail if isinstance(asked.tau2, Prior) else np.inf
    return np.asarray(tail + g.groups - (1.0 if flat else 0.0))


def moments_of_tau(g: Groups, asked: Question) -> Array:
    """The largest power of tau, up to 4, that has a finite mean: below 0 where the posterior has no finite total."""
    return np.asarray(np.clip(np.ceil(tail_exponent(g, asked)) - 2, -1.0, 4.0))


def moments_of_sigma(g: Groups, asked: Question) -> Array:
    """The same of sigma where it is integrated: the likelihood falls as the power N, or N - 1, of 1 / sigma."""
    if not isinstance(asked.sigma2, Prior):
        return np.full(g.models, 4.0)
    flat = g.mu is None and asked.population.sd == np.inf
    exponent = asked.sigma2.tail + g.rows - (1.0 if flat else 0.0)
    return np.asarray(np.clip(np.ceil(exponent) - 2, -1.0, 4.0))


def proper_at_zero(g: Groups, asked: Question) -> Array:
    """Whether tau = 0 keeps a finite weight though groups without sampling variance agree."""
    exact = g.v == 0
    prior, count = asked.tau2, g.exact
    if not isinstance(prior, Prior) or prior.support[0] > 0 or not (count > 0).any():
        return np.ones(g.models, dtype=bool)
    own = g.sum(np.where(exact, g.y, 0.0)) / np.maximum(count, 1.0)
    about = own if g.mu is None else g.mu
    apart = g.sum(np.where(exact, g.squares_about(about), 0.0)) > ROUNDING * count * g.reach(np.zeros(g.models))
    rise = -1.0 if isinstance(prior, Jeffreys) else prior.rise
    falls = count - (1.0 if g.mu is None else 0.0)
    return np.where(count > 0, (apart | (rise - falls > -1)) & (not isinstance(prior, ByHarmonicMean)), True)


# ---- the nodes ------------------------------------------------------------------------------------------------------


def integrated(g: Groups, asked: Question, sigma2: Array) -> Posterior:
    """The posterior of models that have one; the groups have the v of sigma2."""
    sigma, inflation = None, np.ones((1, g.models))
    share = np.ones((1, g.models))
    if isinstance(asked.sigma2, Prior):
        sigma = _nodes_of_sigma(g, asked, sigma2)
        inflation, share = sigma.value**2 / sigma2, sigma.weight
    many = len(inflation)
    models = np.repeat(np.arange(g.models), many)
    inside, asked_inside = _inflated(g, models, inflation.T.ravel()), asked.take(models)
    cells = _nodes_of_tau(inside, asked_inside)
    tau = np.full((1, inside.models), asked.known_tau) if cells is None else cells.value
    at = [at_tau(inside, row, asked_inside.population) for row in tau]
    of_cell = np.ones_like(tau) if cells is None else cells.weight

    def by_model(x: Array) -> Array:
        """Rows of cells as rows of models: (nodes, models * many) to (nodes * many, models)."""
        return np.moveaxis(x.reshape(len(x), g.models, many), 1, 2).reshape(len(x) * many, g.models)

    weight = by_model(of_cell * share.T.ravel())
    total = at[0].log_likelihood if cells is None else cells.log_total
    settled = np.ones(inside.models, dtype=bool) if cells is None else cells.settled
    used = np.flatnonzero((weight > 0).any(axis=1))
    return Posterior(
        g,
        asked,
        weight=weight[used],
        tau=by_model(tau)[used],
        mu=by_model(np.stack([x.mu for x in at]))[used],
        variance=by_model(np.stack([x.variance for x in at]))[used],
        inflation=by_model(np.broadcast_to(inflation.T.ravel(), tau.shape))[used],
        sigma2=sigma2,
        share=share,
        cells=cells,
        sigma=sigma,
        inflation_of_cells=inflation.T.ravel(),
        log_total=total if sigma is None else sigma.log_total,
        settled=np.asarray(settled.reshape(g.models, many).all(axis=1) & (True if sigma is None else sigma.settled)),
    )


def _inflated(g: Groups, models: Array, inflation: Array) -> Groups:
    """The groups of models that may stand several times, each time with v of its own size."""
    taken = g.take(models)
    known = np.where(np.isnan(inflation), 1.0, inflation)  # published estimates have no sigma2
    return replace(taken, v=taken.v * taken.each(known)) if (known != 1).any() else taken


def log_density(g: Groups, asked: Question, tau: Array) -> Array:
    """Log of prior times likelihood at one tau a model."""
    assert isinstance(asked.tau2, Prior)
    return np.asarray(at_tau(g, tau, asked.population).log_likelihood + asked.tau2.log_density(tau, g))


def _nodes_of_tau(g: Groups, asked: Question) -> Nodes | None:
    if not isinstance(asked.tau2, Prior):
        return None

    def density_of(models: Array) -> LogDensity:
        some, asked_of_some = g.take(models), asked.take(models)
        return lambda tau: np.stack([log_density(some, asked_of_some, row) for row in tau])

    power = moments_of_tau(g, asked)
    slope = np.minimum(tail_exponent(g, asked) - 1 - power, 1.0)
    reach = NOTHING, np.minimum(NOTHING / slope, FARTHEST)
    return nodes(density_of, g.models, Support(*asked.tau2.support), _sizes(g, asked.tau2), reach, power)


def _sizes(g: Groups, prior: Prior) -> tuple[Array, Array]:
    """The smallest and the largest tau that data or prior speak of."""
    own = np.full(g.models, np.nan if prior.size is None else prior.size)
    spread = np.sqrt(g.reach(g.plain_mean))
    sizes = np.stack([own, spread, np.sqrt(g.smallest(np.where(g.v > 0, g.v, np.inf))), np.sqrt(g.largest(g.v))])
    sizes = np.where((sizes > 0) & (sizes < np.inf), sizes, np.nan)
    return np.fmin.reduce(sizes), np.fmax.reduce(sizes)


def _nodes_of_sigma(g: Groups, asked: Question, sigma2: Array) -> Nodes:
    """Nodes of sigma, placed by what the squares within alone say of it."""
    prior = asked.sigma2
    assert isinstance(prior, Prior)

    def alone(models: Array) -> LogDensity:
        some = g.take(models)
        squares, df = some.squares_within, some.rows - some.groups

        def at(sigma: Array) -> Array:
            within = formulas.log_likelihood_within(df, 0.0, squares, sigma * sigma)
            return np.asarray(within + _log_density_of_sigma(prior, sigma, some))

        return at

    def with_groups(models: Array) -> LogDensity:
        within = alone(models)

        def at(sigma: Array) -> Array:
            cells = np.tile(models, len(sigma))
            inside, asked_inside = _inflated(g, cells, (sigma * sigma / sigma2[models]).ravel()), asked.take(cells)
            tau = _nodes_of_tau(inside, asked_inside)
            if tau is None:
                known = np.full(inside.models, asked.known_tau)
                total = at_tau(inside, known, asked_inside.population).log_likelihood
            else:
                total = tau.log_total
            return np.asarray(within(sigma) + total.reshape(sigma.shape))

        return at

    # The squares within fall as exp(-(N - J) x) above, and below as the exponential of an exponential.
    reach = NOTHING / STEEP, NOTHING / np.minimum(g.rows - g.groups, STEEP)
    around, power = (np.sqrt(sigma2),) * 2, np.zeros(g.models)
    return nodes(with_groups, g.models, Support(*prior.support), around, reach, power, alone, TOLERANCE)


def _log_density_of_sigma(prior: Prior, sigma: Array, g: Groups) -> Array:
    """Jeffreys' prior of a standard deviation whose mean is not known with it is 1 / sigma."""
    if isinstance(prior, Jeffreys):
        return np.asarray(-np.log(sigma))
    return np.asarray(prior.log_density(sigma, g))


# ---- what is read from it -------------------------------------------------------------------------------------------


def _below(post: Posterior, x: Array, models: Array) -> Array:
    """Posterior probability of a smaller x of tau, one a model listed."""
    assert post.cells is not None
    cells = _cells(post, models)
    inside = post.cells.below(np.repeat(x, len(post.share)), cells).reshape(len(models), -1)
    return np.asarray((inside * post.share[:, models].T).sum(axis=1))


def _cells(post: Posterior, models: Array) -> Array:
    """The nodes of sigma of the models listed."""
    many = len(post.share)
    return np.repeat(models, many) * many + np.tile(np.arange(many), len(models))


def tau_quantile(post: Posterior, probability: Array, models: Array) -> Array:
    """The tau that is not exceeded with a probability, one a model listed."""
    if post.cells is None:
        return np.full(len(models), post.least)
    if len(post.share) == 1:
        return post.cells.quantile(probability, models)
    by_model = [x.reshape(post.models, -1) for x in post.cells.reach]
    low, high = by_model[0].min(axis=1)[models], by_model[1].max(axis=1)[models]
    found = find_root(lambda x, p, i: _below(post, x, i) - p, (low, high), args=(probability, models))
    return np.asarray(np.where(found.success, post.cells.support.value(found.x), np.nan))


def tau_interval(post: Posterior, level: float, interval: str, power: int) -> tuple[Array, Array]:
    """The ends of an interval of tau: with equal tails, or the shortest of tau to this power."""
    models, tail = np.arange(post.models), np.full(post.models, (1 - level) / 2)
    if interval == "shortest" and post.cells is not None:
        tail = _tail_of_shortest(post, level, power)
    lower = np.where(tail > 0, tau_quantile(post, np.where(tail > 0, tail, 0.5), models), post.least)
    return lower, tau_quantile(post, tail + level, models)


def _tail_of_shortest(post: Posterior, level: float, power: int) -> Array:
    """The probability below the shortest interval: both ends are equally dense, or the density falls all the way."""

    def falls(tail: Array, i: Array) -> Array:
        ends = (tau_quantile(post, p, i) for p in (tail, tail + level))
        lower, upper = (density(post, tau, i) / tau ** (power - 1) for tau in ends)
        return lower - upper

    models = np.arange(post.models)
    least, most = (np.full(post.models, x * (1 - level)) for x in (1e-6, 1 - 1e-6))
    inside = np.flatnonzero(falls(least, models) < 0)
    tail = np.zeros(post.models)
    if inside.size:
        found = find_root(falls, (least[inside], most[inside]), args=(inside,))
        tail[inside] = np.where(found.success, found.x, (1 - level) / 2)
    return tail


def density(post: Posterior, tau: Array, models: Array) -> Array:
    """Posterior density of tau, one a model listed; 0 where the prior is."""
    assert post.cells is not None
    many = len(post.share)
    cells, repeated = _cells(post, models), np.repeat(models, many)
    support = post.cells.support
    inside = _inflated(post.g, repeated, post.inflation_of_cells[cells])
    logs = log_density(inside, post.asked.take(repeated), np.repeat(tau, many))
    each = np.exp(logs - post.cells.log_total[cells]).reshape(len(models), many)
    found = (each * post.share[:, models].T).sum(axis=1)
    return np.asarray(np.where((tau < support.lower) | (tau > support.upper), 0.0, found))


@dataclass(frozen=True)
class Draws:
    """Independent draws, a row a draw and a column a model; theta follows from them group by group."""

    sigma2: Array
    tau: Array
    mu: Array


def drawn(post: Posterior, draws: int, rng: np.random.Generator) -> Draws:
    """Draws of sigma, of tau given sigma, and of mu given both."""
    shape = draws, post.models
    first, second, normal = rng.uniform(size=shape), rng.uniform(size=shape), rng.standard_normal(shape)
    found = Draws(*(np.empty(shape) for _ in range(3)))
    at_once = max(1, CHUNK // max(1, len(post.g.y)))
    for start in range(0, draws, at_once):
        rows = slice(start, start + at_once)
        models = np.tile(np.arange(post.models), len(first[rows]))
        sigma2 = post.sigma2[models]
        if post.sigma is not None:
            sigma2 = post.sigma.quantile(first[rows].ravel(), models) ** 2
        inside, asked = _inflated(post.g, models, sigma2 / post.sigma2[models]), post.asked.take(models)
        if post.sigma is None or post.cells is None:
            tau = tau_quantile(post, second[rows].ravel(), models)
        else:
            cells = _nodes_of_tau(inside, asked)
            assert cells is not None
            tau = cells.quantile(second[rows].ravel(), np.arange(len(models)))
        at = at_tau(inside, tau, asked.population)
        mu = at.mu + np.sqrt(at.variance) * normal[rows].ravel()
        for column, values in ((found.sigma2, sigma2), (found.tau, tau), (found.mu, mu)):
            column[rows] = values.reshape(-1, post.models)
    return found
