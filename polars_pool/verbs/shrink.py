"""The partially pooled mean of every group."""

from __future__ import annotations

import polars as pl

from .. import arguments
from ..arguments import IntoColumn, Keys
from ..formulas.names import (
    Family,
    Interval,
    NaN,
    Predict,
    Uncertainty,
)
from . import stages
from .collecting import Frame
from .types import Mu, PriorOfRates, Sigma2, Tau2


def shrink(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    trials: IntoColumn | None = None,
    exposure: IntoColumn | None = None,
    family: Family | None = None,
    prior: PriorOfRates = "ml",
    sigma2: Sigma2 = "pooled",
    tau2: Tau2 = "reml",
    mu: Mu = "gls",
    nan: NaN = "error",
    level: float = 0.95,
    uncertainty: Uncertainty = "mu",
    interval: Interval | None = None,
    predict: Predict = "mean",
    threshold: float | None = None,
    groups: pl.DataFrame | pl.LazyFrame | None = None,
    posterior: bool = False,
) -> Frame:
    """Partially pooled mean of every group: `weight * mean + (1 - weight) * mu`, with its interval.

    Parameters
    ----------
    frame
        Rows, stored moments or published estimates: a DataFrame or LazyFrame. A LazyFrame stays lazy and is
        scanned once.
    value
        Column or expression of numbers or Booleans: the rows' value; with `n` and `var` the stored mean; with `se` the
        published estimate. A null does not count. Expressions, here and below, are computed row by row: an aggregate or
        a window is an error, a Python function is taken to use its own row alone.
    by
        One or several columns or expressions: the groups that are pooled. Null is a key like any other.
    over
        Keys of independent models, each with its own sigma2, tau2 and mu; thousands are one query.
    n, var
        Stored count and sample variance of every group; rows with equal keys are merged exactly.
    se
        Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n=`
        beside it is optional and may be null.
    weights
        Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
    trials
        Column or expression of whole numbers: the value counts events out of so many, and the groups' rates are pooled
        by a beta prior. Rows with equal keys are summed.
    exposure
        Column or expression of numbers above 0: the value counts events in so much of time, policies or the like, and
        the groups' rates are pooled by a gamma prior.
    family
        `"binomial"` for a value of 0 and 1, or a Boolean one, each row of which is one trial; `"normal"` to pool a
        Boolean value as the numbers 0 and 1 without a warning; `trials` and `exposure` need none.
    prior
        Of rates: `"ml"` (default) by maximum likelihood, `"moments"` by the variance of the raw rates less what chance
        adds, or known, `Beta(2, 5)` for trials, `Gamma(3, 1)` for exposure, also as texts: `"beta(2, 5)"`.
    sigma2
        Variance within groups: `"pooled"`, `"separate"` for each group its own, `"squeezed"` for each its own
        moderated by all (limma's squeezeVar), a number that is known, or beside a prior of tau2 a prior of sigma, which
        integrates it out: `Jeffreys()` is 1 / sigma.
    tau2
        Variance between groups: the name of an estimator (`"reml"` by default; the README lists all), a known number,
        or a prior of tau, `HalfCauchy(5)` (also as a text, `"half_cauchy(5)"`, which type checkers flag): then all
        results are of the exact posterior.
    mu
        Population mean: `"gls"`, `"rows"`, `"groups"`, `"shrunk"`, a known number, or beside a prior or a known number
        of tau2 a prior, `Normal(0, 5)` or `Flat()`, which is what `"gls"` is there.
    nan
        `"error"` (default) refuses NaN and infinite values when the query runs, `"null"` counts them as missing.
    level
        Probability of the interval, between 0 and 1.
    uncertainty
        `"mu"` (default): `se` includes the error of mu (metafor's BLUP); `"conditional"`: given mu (lme4's condVar);
        `"tau2"`: with the error of tau2 too, up to v at most. That estimator must have a standard error: not `"cv"`,
        `"plugin"`, `"chung"`, `"sure"`, `"morris"` or `"js"`. With a known tau2 it is `"mu"`. With few groups the first
        two are too short (README). Of rates `"mu"` (default): `se`, the interval and `p_above` include the error of the
        prior's mean; `"conditional"`: the estimated prior is taken as known. With few groups of rates that differ both
        are too short.
    interval
        `"normal"` (default for estimates): estimate ± quantile · se, right where the groups' true means are normal
        about mu.
        `"robust"`: covers the true mean at `level` on average over the groups whatever the distribution of their true
        means is, given its second and fourth moment about mu, which are estimated: for many groups, some 50 or more. It
        knows neither the error of mu nor `uncertainty`. Of a posterior `"central"` (default): as much probability below
        as above it, or `"shortest"`.
    predict
        What `se`, `lower`, `upper` and `p_above` are about: the group's true `"mean"` (default); a new `"row"` of the
        group, se squared + sigma2 (with weights, of a row of weight 1); or a `"replicate"` of its mean, observed anew
        with the same v, se squared + v.
    threshold
        A number in units of the value: adds `p_above`, the probability of what `predict` names to exceed it. Of rates
        also `pep`, that of the rate not to exceed it, the posterior error probability, and `q_value`, its mean over all
        groups of the model that are at least as sure: the share of errors among them.
    groups
        A frame with the columns of `by`, and all or none of those of `over`: keys in it that no row has are groups
        with n = 0, weight 0, estimate mu and se sqrt(tau2 + se_mu squared).
    posterior
        True adds the parameters of every posterior of a rate given the prior, `alpha` and `beta`, or `shape` and
        `rate`.

    Returns
    -------
    One row a group: the `over` and `by` keys, `n` (Int64; null for published estimates without n=), `mean`, its
    sampling variance `v`, `weight`, `estimate`, `se`, `lower`, `upper`; with robust intervals `noncoverage`, how often
    estimate ± quantile · (conditional se) misses at worst; with a threshold `p_above`. With a prior `weight`,
    `estimate` and `se` are posterior means and standard deviation, null where infinite, `v` the posterior mean of v,
    and the interval ends at quantiles of the posterior. A DataFrame comes sorted by its keys.
    Of rates `n` (trials, Int64, or exposure, Float64), `mean` (the raw rate, null without trials), `weight`,
    `estimate`, the mean of the posterior given the prior, and `se`, `lower` and `upper`, standard deviation and
    quantiles of the rate's distribution with the error of the prior's mean (`uncertainty`).

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs, and a prior that leaves the posterior improper, if
        there is no `over`. A query whose models did not converge, or have no posterior, warns once, as does one whose
        rates do not differ by more than chance; a Boolean value without `family` warns at once.

    Source
    ------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, formula 12.1; standard
    error by Raudenbush & Bryk (1985), "Empirical Bayes meta-analysis", J. Educ. Stat. 10; with the error of tau2 by
    Prasad & Rao (1990), JASA 85, and Datta, Rao & Smith (2005), Biometrika 92; robust intervals by Armstrong, Kolesár &
    Plagborg-Møller (2022), Econometrica 90; the posterior by Gelman et al. (2013), Bayesian Data Analysis, section 5.4.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["a", "a", "a", "b"], "score": [1.0, 3.0, 2.0, 9.0]})
    >>> pooled = pool.shrink(scores, "score", by="school", sigma2=3.0, tau2=1.0, mu=6.0)
    >>> pooled.select("school", "n", "mean", "v", "weight", "estimate").rows()
    [('a', 3, 2.0, 1.0, 0.5, 4.0), ('b', 1, 9.0, 3.0, 0.25, 6.75)]

    Eight schools (Rubin 1981), pooled completely: were school A observed anew, would its effect be 28 again?

    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> again = pool.shrink(schools, "effect", se="se", by="school", tau2=0, predict="replicate", threshold=28)
    >>> round(again["p_above"][0], 8)
    0.09560784

    The whole posterior, with a prior of tau:

    >>> posterior = pool.shrink(schools, "effect", se="se", by="school", tau2=pool.Uniform())
    >>> posterior.select("school", pl.col("estimate").round(8)).row(0)
    ('A', 11.40026087)
    """
    return stages.estimates(frame, arguments.call(shrink, locals()))
