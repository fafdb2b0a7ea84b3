"""The partially pooled mean of every group."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from .. import arguments
from ..arguments import Covariates, IntoColumn, Keys
from ..formulas.names import (
    Family,
    Interval,
    NaN,
    Predict,
    Uncertainty,
)
from . import stages
from .collecting import Frame, SparkFrame
from .types import Mu, PriorOfRates, Sigma2, Tau2, Tau2OfLevels


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
    tau2: Tau2 | Tau2OfLevels = "reml",
    mu: Mu = "gls",
    nan: NaN = "error",
    level: float = 0.95,
    uncertainty: Uncertainty = "mu",
    interval: Interval | None = None,
    predict: Predict = "mean",
    threshold: float | None = None,
    groups: pl.DataFrame | pl.LazyFrame | SparkFrame | None = None,
    posterior: bool = False,
    toward: Covariates | None = None,
    nested: bool = False,
    at: str | Sequence[str] | None = None,
    persist: bool | None = None,
) -> Frame:
    """Partially pooled mean of every group, `weight * mean + (1 - weight) * mu`, with its interval.

    Parameters
    ----------
    frame
        Rows, stored moments or published estimates: a DataFrame or LazyFrame of Polars, or a Spark DataFrame. A
        LazyFrame stays lazy and is scanned once. A Spark DataFrame runs small jobs at once, and its result is lazy.
    value
        Column or expression of numbers or Booleans, an expression of the library of the frame: the value of each row;
        with `n` and `var` the stored mean; with `se` the published estimate. A null does not count. All expressions are
        computed row by row: an aggregate or a window is an error, and a Python function is assumed to use its own row
        alone.
    by
        One or several columns or expressions that define the groups to pool. Null is a key like any other. With
        `nested=True` the keys are levels, the outer one first; a list of keys is one level.
    over
        Keys of independent models, each with its own sigma2, tau2 and mu; thousands of models are one query.
    n, var
        Stored count and sample variance of every group; rows with equal keys are merged exactly.
    se
        Standard error of a published estimate, in units of the value; repeated keys combine by inverse variance. `n=`
        is optional here and may be null.
    weights
        Precision weights of rows, Var(row) = sigma2 / weight, not repetitions; with stored moments their total `w`.
    trials
        Column or expression of whole numbers: the value counts events out of this number of trials, and a beta prior
        pools the rates of the groups. Rows with equal keys are summed.
    exposure
        Column or expression of numbers above 0: the value counts events in this exposure (time, policies or the like),
        and a gamma prior pools the rates of the groups.
    family
        `"binomial"` for a value of 0 and 1, or a Boolean value, where each row is one trial; `"normal"` pools a Boolean
        value as the numbers 0 and 1 without a warning; with `trials` or `exposure` `family` is optional.
    prior
        Prior of rates: `"ml"` (default) estimates it by maximum likelihood, `"moments"` by the variance of the raw
        rates less the variance by chance; or a known prior, `Beta(2, 5)` for trials, `Gamma(3, 1)` for exposure, also
        as texts: `"beta(2, 5)"`. `UniformShrinkage()` integrates the mean and the overdispersion of the prior, so that
        all results describe the exact posterior and few groups get intervals that are wide enough;
        `Hyper(mean=Beta(2, 18), rho=Beta(1, 20))` does so with distributions that you know, and `UniformSpread()` with
        those of Gelman et al. (2013), section 5.3.
    sigma2
        Variance within groups: `"pooled"` for one variance, `"separate"` for a variance of each group, `"squeezed"` for
        a variance of each group moderated by all (limma's squeezeVar), a known number, or with a prior of tau2 also a
        prior of sigma, which integrates sigma out: `Jeffreys()` is 1 / sigma.
    tau2
        Variance between groups: the name of an estimator (`"reml"` by default; a guide lists all), a known number,
        or a prior of tau, `HalfCauchy(5)` (also as a text, `"half_cauchy(5)"`, which type checkers flag): with a prior
        all results describe the exact posterior. For nested levels `"reml"`, `"ml"` or a number for all levels, or a
        list with one of these for each: `[4.0, "reml"]`.
    mu
        Population mean: `"gls"`, `"rows"`, `"groups"`, `"shrunk"`, or a known number; with a prior or a known number
        for tau2 also a prior, `Normal(0, 5)` or `Flat()` (`"gls"` then means `Flat()`).
    nan
        `"error"` (default) raises an error for NaN and infinite values when the query runs; `"null"` treats them as
        missing.
    level
        Probability of the interval, between 0 and 1.
    uncertainty
        Which errors `se` includes. `"mu"` (default): the error of mu (metafor's BLUP); `"conditional"`: no error of mu
        (lme4's condVar); `"tau2"`: the errors of mu and tau2, up to v at most. For `"tau2"` the estimator of tau2 must
        have a standard error: not `"cv"`, `"plugin"`, `"chung"`, `"sure"`, `"morris"` or `"js"`. With a known tau2
        `"tau2"` equals `"mu"`. With few groups the intervals of `"mu"` and `"conditional"` are too short.
        For rates `"mu"` (default): `se`, the interval and `p_above` include the error of the prior's mean;
        `"conditional"`: the estimated prior counts as known. With few groups of rates that differ, both intervals are
        too short.
    interval
        For estimates `"normal"` (default): estimate ± quantile · se, exact where the groups' true means are normal
        about mu; or `"robust"`: it covers the true mean at `level` on average over the groups for every distribution of
        the true means with the second and fourth moment about mu that are estimated, for many groups, some 50 or more.
        A robust interval includes no error of mu and ignores `uncertainty`. For a posterior `"central"` (default): as
        much probability below as above it; or `"shortest"`.
    predict
        Chooses the quantity that `se`, `lower`, `upper` and `p_above` describe: the group's true `"mean"` (default); a
        new `"row"` of the group, se squared + sigma2 (with weights, a row of weight 1); or a `"replicate"` of its mean,
        a new observation of the mean with the same v, se squared + v. For an outer group of nested levels a new `"row"`
        is in a new group of each inner level: se squared + sigma2 + the tau2 of these levels.
    threshold
        A number in units of the value: adds `p_above`, the probability that the quantity of `predict` exceeds it. For
        rates also `pep`, the probability that the rate does not exceed it (the posterior error probability), and
        `q_value`, the mean of `pep` over all groups of the model with the same or a smaller `pep`: the expected share
        of errors among them.
    groups
        A frame of the same library with the columns of `by`, and all or none of those of `over`. Keys in it that no row
        has become groups with n = 0, weight 0, estimate mu and se sqrt(tau2 + se_mu squared), null where the data do
        not determine tau2.
    posterior
        True adds the parameters of the posterior of every rate, conditional on the prior: `alpha` and `beta`, or
        `shape` and `rate`.
    toward
        Predictors of the groups, one or several columns or expressions with one value for each group, or values of
        `factor` and `interaction`: the means are pulled toward what these say, x'b, in place of mu (Fay & Herriot's
        model; metafor's `mods`). A column of text, Categorical, Enum or Boolean is a factor. The intercept is always a
        term; `[]` is the same as None. For `tau2` as a number or by `"reml"`, `"ml"`, `"dl"`, `"he"`,
        `"hs"`, `"sj"`, `"pm"` or `"eb"`, without `mu`, priors or robust intervals; the frame of `groups` needs the
        predictors too.
    nested
        True pools levels that lie within each other: with `by=["region", "store"]` a store is pulled toward its region,
        and a region toward mu, each by the tau2 of its level (lme4's `(1 | region/store)`). The path of keys identifies
        a group: store 1 of region A is not store 1 of region B. All tau2 are estimated together, by `"reml"` or `"ml"`;
        sigma2 is `"pooled"` or a number.
    at
        With nested levels, the level whose groups are the result, by the name of its key; by default the innermost.
    persist
        For a Spark frame: True (default) stores the table of groups in Spark's cache, so that the rows are read once;
        False reads them again for each job, where the cluster allows no cache. Not for a Polars frame.

    Returns
    -------
    One row per group: the keys of `over` and of `by`, then these columns. A DataFrame of Polars is sorted by its
    keys.

    - `n`: number of rows, Int64; null for published estimates without n=.
    - `mean`: mean of the group's rows, or its published estimate.
    - `v`: sampling variance of the mean.
    - `weight`: share of the group's own mean in its estimate.
    - `estimate`: the partially pooled mean.
    - `se`: standard error of the estimate.
    - `lower`, `upper`: limits of the interval.
    - `noncoverage`, with a robust interval: the largest probability that estimate ± quantile · (conditional se) misses
      the true mean.
    - `p_above`, with a threshold: the probability of a value above it.

    With a prior, `v`, `weight` and `estimate` are posterior means, `se` is the posterior standard deviation (null where
    it is infinite), and the limits are quantiles of the posterior.

    For nested levels, `mean` of an outer group is the mean of its groups, weighted by their precision 1 / (v + tau2),
    and `v` is its sampling variance. `estimate` is `weight * mean + (1 - weight) * estimate of the outer group`. Two
    columns follow:

    - `effect`, `se_effect`: the estimate minus the estimate of the outer group (`ranef` in lme4 and metafor), and its
      standard error.

    With `toward`, two columns follow:

    - `fit`, `se_fit`: what the predictors say of the group, x'b, and its standard error. It stands in the place of mu,
      and `se` includes its error as that of mu.

    For rates:

    - `n`: trials, Int64, or exposure, Float64.
    - `mean`: the raw rate; null without trials.
    - `estimate`: mean of the posterior, conditional on the prior.
    - `se`, `lower`, `upper`: standard deviation and quantiles of the rate's distribution, with the error of the prior's
      mean (`uncertainty`).

    If the prior of rates is integrated (`UniformShrinkage()`), `weight` and `estimate` are posterior means, and `se`,
    `lower`, `upper`, `p_above` and `pep` include the errors of the mean and of the overdispersion.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once. Bad values raise when the query runs (on Spark at once), as does a prior that
        makes the posterior improper if there is no `over`. A query whose models did not converge, or have no posterior,
        warns once, as does a query whose rates do not differ by more than chance; a Boolean value without `family`
        warns at once.

    Source
    ------
    Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, formula 12.1; standard
    error by Raudenbush & Bryk (1985), "Empirical Bayes meta-analysis", J. Educ. Stat. 10; with the error of tau2 by
    Prasad & Rao (1990), JASA 85, and Datta, Rao & Smith (2005), Biometrika 92; robust intervals by Armstrong, Kolesár &
    Plagborg-Møller (2022), Econometrica 90; the posterior by Gelman et al. (2013), Bayesian Data Analysis, section 5.4;
    predictors of groups by Fay & Herriot (1979), JASA 74; nested levels by Searle, Casella & McCulloch (1992), Variance
    Components, chapter 7.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["a", "a", "a", "b"], "score": [1.0, 3.0, 2.0, 9.0]})
    >>> pooled = pool.shrink(scores, "score", by="school", sigma2=3.0, tau2=1.0, mu=6.0)
    >>> pooled.select("school", "n", "mean", "v", "weight", "estimate").rows()
    [('a', 3, 2.0, 1.0, 0.5, 4.0), ('b', 1, 9.0, 3.0, 0.25, 6.75)]

    Eight schools (Rubin 1981), pooled completely: the probability that a new study of school A exceeds 28.

    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> again = pool.shrink(schools, "effect", se="se", by="school", tau2=0, predict="replicate", threshold=28)
    >>> round(again["p_above"][0], 8)
    0.09560784

    Stores in regions: the only store of region b is pulled toward its region.

    >>> rows = pl.DataFrame({"region": ["a", "a", "a", "b"], "store": [1, 1, 2, 1], "score": [1.0, 3.0, 5.0, 9.0]})
    >>> nested = pool.shrink(rows, "score", by=["region", "store"], nested=True, sigma2=2.0, tau2=[4.0, 1.0])
    >>> nested.select("region", "store", "n", "mean", pl.col("weight", "estimate").round(3)).rows()
    [('a', 1, 2, 2.0, 0.5, 2.885), ('a', 2, 1, 5.0, 0.333, 4.18), ('b', 1, 1, 9.0, 0.333, 8.049)]

    The whole posterior, with a prior of tau:

    >>> posterior = pool.shrink(schools, "effect", se="se", by="school", tau2=pool.Uniform())
    >>> posterior.select("school", pl.col("estimate").round(8)).row(0)
    ('A', 11.40026087)
    """
    return stages.estimates(frame, arguments.call(shrink, locals()))
