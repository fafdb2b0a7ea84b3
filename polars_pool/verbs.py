"""The four stages, and what is asked of them, as functions: a frame of either kind in, one of the same kind out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import polars as pl
from scipy.special import ndtri

from . import check, rates
from .check import IntoColumn, Keys
from .collecting import Frame, as_given, collected
from .engines import (
    comparison,
    encoding,
    estimates,
    inference,
    posterior_components,
    posterior_estimates,
    robust,
)
from .engines import components as _components
from .engines import draws as _draws
from .engines import groups as _groups
from .engines import profile as _profile
from .engines.model import Model, public
from .engines.unseen import with_unseen
from .formulas.names import (
    Family,
    Interval,
    Limits,
    MuName,
    NaN,
    OfPosterior,
    OfRates,
    Predict,
    Sigma2Name,
    Tau2Name,
    Test,
    Uncertainty,
)
from .priors import Beta, Flat, Gamma, Normal, Prior

# A known number, the name of an estimator, or a prior; a prior as a text, "half_cauchy(5)", no type checker can read.
Sigma2 = float | Sigma2Name | Prior
Tau2 = float | Tau2Name | Prior
Mu = float | MuName | Normal | Flat
PriorOfRates = OfRates | Beta | Gamma

MOMENTS = ("n", "mean", "var")
ESTIMATES = ("n", "mean", "v", "weight", "estimate", "se", "lower", "upper")


def moments(
    frame: Frame, value: IntoColumn, by: Keys, *, weights: IntoColumn | None = None, nan: NaN = "error"
) -> Frame:
    """Count, mean and sample variance of every group: all that partial pooling needs of the rows.

    Parameters
    ----------
    frame
        Rows, a DataFrame or LazyFrame; a LazyFrame stays lazy.
    value
        Column or expression of numbers or Booleans, computed row by row; a null does not count.
    by
        One or several columns or expressions: the groups. Null is a key like any other.
    weights
        Precision weights, Var(row) = sigma2 / weight: finite, 0 or more. A row of weight 0 does not count.
    nan
        `"error"` (default) refuses NaN and infinite values when the query runs, `"null"` counts them as missing.

    Returns
    -------
    The keys, `n` (Int64), `mean`, `var` (ddof 1, null at n = 1; in squared units of the value), and with weights `w`,
    their sum. A DataFrame comes sorted by its keys.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; NaN or infinite values and bad weights when the query runs.

    Source
    ------
    Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance", The American Statistician 37.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["a", "a", "b"], "score": [1.0, 3.0, 5.0]})
    >>> pool.moments(scores, "score", by="school").rows()
    [('a', 2, 2.0, 2.0), ('b', 1, 5.0, None)]
    """
    lf = check.lazy(frame)
    result = (*MOMENTS, "w") if weights is not None else MOMENTS
    model = check.model(lf, value, by, weights=weights, nan=nan, result=result)
    return as_given(frame, _groups.states(lf, model), len(model.key_names))


def merge(
    frame: Frame,
    by: Keys,
    *,
    value: IntoColumn = "mean",
    n: IntoColumn = "n",
    var: IntoColumn = "var",
    weights: IntoColumn | None = None,
) -> Frame:
    """Merge stored moments of disjoint rows: states with equal keys become the moments of their union, exactly.

    Parameters
    ----------
    frame
        States, one row each, as `moments` returns them; concatenate as many as there are.
    by
        The keys to merge by: those of the states, or fewer.
    value, n, var
        Columns or expressions of the states' mean, count and sample variance (ignored where n is 1 or less).
    weights
        The states' total precision weight `w`, if they were made with weights.

    Returns
    -------
    The keys, `n`, `mean`, `var`, and `w` with weights. A DataFrame comes sorted by its keys.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; a negative or fractional n, a negative var or weight when the query runs.

    Source
    ------
    Chan, Golub & LeVeque (1983), "Algorithms for computing the sample variance", The American Statistician 37.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> monday = pl.DataFrame({"school": ["a"], "n": [2], "mean": [2.0], "var": [2.0]})
    >>> tuesday = pl.DataFrame({"school": ["a"], "n": [1], "mean": [5.0], "var": [None]})
    >>> pool.merge(pl.concat([monday, tuesday], how="vertical_relaxed"), by="school").rows()
    [('a', 3, 3.0, 4.0)]
    """
    lf = check.lazy(frame)
    result = (*MOMENTS, "w") if weights is not None else MOMENTS
    model = check.model(lf, value, by, n=n, var=var, weights=weights, result=result)
    return as_given(frame, _groups.states(lf, model), len(model.key_names))


def components(
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
    test: Test = "z",
    limits: Limits | None = None,
    interval: OfPosterior | None = None,
) -> Frame:
    """Variance within groups, variance between them and the population mean of every model, with what is sure of them.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, trials, exposure, family, prior, sigma2, tau2, mu, nan
        As in `shrink`.
    level
        Probability of the intervals, between 0 and 1.
    test
        Test and intervals of mu: `"z"` by the normal (default), `"t"` by Student's distribution with J - 1 degrees of
        freedom, `"knha"` with the error of Knapp & Hartung besides, `"adhoc"` the same but never a smaller error.
    limits
        Interval of tau2: `"profile"` by the profile likelihood (reml and ml), `"q"` by the quantiles of Q; by default
        profile for reml and ml on rows with a pooled sigma2, else Q.
    interval
        Of a posterior: `"central"` (default), as much probability below as above it, or `"shortest"`.

    Returns
    -------
    One row a model: the `over` keys, `groups` (those with rows) and `n` (rows; null for published estimates without
    n=), both Int64, `sigma2` and `tau2` in squared units of the value, `mu` and its standard error `se_mu`, `icc` =
    tau2 / (tau2 + sigma2); for `sigma2="squeezed"` the prior of the groups' variances, its degrees of freedom
    `df_prior` (limma's d0; infinite where variances differ by no more than chance) and the variance `sigma2_prior`
    (s0²) that all are squeezed to, null otherwise. Then, null where the data do not say:

    - `q`, `q_p`: Cochran's Q and the probability of a larger one were tau2 = 0, by chi-square; on rows with a pooled
      sigma2 (J - 1) times the F of the analysis of variance, by its F distribution.
    - `i2` (percent), `h2`: tau2 beside the typical sampling variance.
    - `se_tau2`, `tau2_lower`, `tau2_upper`: error of tau2 by its estimator, and its interval, 0 to 0 where Q is
      smaller than its lower quantile; null for a known tau2.
    - `log_likelihood`: restricted for reml, else full, of the rows where their sigma2 is pooled (as lme4), else of the
      means (as metafor); with precision weights less the constant sum(log weight) / 2. `aic` of it; `lrt`, `lrt_p`:
      likelihood-ratio test of tau2 = 0 for reml and ml, by half chi-square and half 0.
    - `mu_lower`, `mu_upper`, `mu_p`: interval of mu, and test of mu = 0; `new_lower`, `new_upper`: where the true mean
      of a new group lies.

    Last `converged`, false where an iteration did not settle, no group has two rows (unless unequal weights tell sigma2
    from tau2, by reml and ml), or the groups are too few for the estimator.

    With a prior, the posterior instead: `groups`, `n`, `sigma2` and `se_sigma2` (null where it is known); of `tau`,
    `tau2`, `mu` and the true mean of a `new` group each the mean, `se_tau` its standard deviation, `tau_median`,
    `tau_lower` and `tau_upper`, and so on, null where it has no finite mean; `log_tau`, the mean of log tau;
    `mu_positive` and `new_positive`, the probability of more than 0; `icc`, `df_prior`, `sigma2_prior`;
    `log_marginal`, the log of the marginal likelihood of the means (a flat mu has density 1), and `bayes_factor`, that
    of tau = 0 over it, null where the prior of tau has no finite total; and `converged`.

    Of rates the prior: `groups` and `n` (trials, Int64, or exposure, Float64, of all), its parameters `alpha` and
    `beta`, or `shape` and `rate`, its `mean`, the standard errors of their logs, `se_log_alpha` and so on, the
    overdispersion `rho` (1 / (1 + alpha + beta), or 1 / shape), `log_likelihood` and `converged`. Where the groups
    differ no more than chance has them differ, the parameters are infinite, `rho` is 0, and all pool completely.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs, and a prior that leaves the posterior improper, if
        there is no `over`. A query whose models did not converge, or have no posterior, warns once; a Boolean value
        without `family` warns at once.

    Source
    ------
    Searle, Casella & McCulloch (1992), Variance Components; Viechtbauer (2005), J. Educ. Behav. Stat. 30;
    Viechtbauer (2007), "Confidence intervals for the amount of heterogeneity in meta-analysis", Stat. Med. 26; with a
    prior Gelman et al. (2013), Bayesian Data Analysis, section 5.4, and Roever (2020), J. Stat. Softw. 93.

    Examples
    --------
    Eight schools (Rubin 1981): the spread between the schools is no larger than their standard errors explain.

    >>> import polars as pl, polars_pool as pool
    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> found = pool.components(schools, "effect", se="se", by="school")
    >>> found["tau2"].item(), round(found["mu"].item(), 6)
    (0.0, 7.685617)

    Its posterior says how large the spread may be all the same:

    >>> found = pool.components(schools, "effect", se="se", by="school", tau2=pool.Uniform())
    >>> round(found["tau"].item(), 8), round(found["tau_upper"].item(), 6)
    (6.57548335, 20.752456)
    """
    others = {
        **{"n": (n, None), "var": (var, None), "se": (se, None), "weights": (weights, None)},
        **{"sigma2": (sigma2, "pooled"), "tau2": (tau2, "reml"), "mu": (mu, "gls"), "level": (level, 0.95)},
        **{"test": (test, "z"), "limits": (limits, None), "interval": (interval, None)},
    }
    if check.asks_for_rates(trials, exposure, family, prior, others):
        counted: dict[str, Any] = {"trials": trials, "exposure": exposure, "family": family, "prior": prior}
        return rates.components(frame, value, by, over, nan=nan, **counted)
    lf = check.lazy(frame)
    hyperparameters: dict[str, Any] = {"sigma2": sigma2, "tau2": tau2, "mu": mu}
    columns: dict[str, Any] = {"n": n, "var": var, "se": se, "weights": weights}
    model = check.model(
        lf, value, by, over, **columns, **hyperparameters, nan=nan, rates=None if family else check.BINOMIAL
    )
    check.distinct_keys(
        model.over_names, (), posterior_components.STATISTICS if model.priors else _components.STATISTICS
    )
    asked = check.question(model, level, test, limits)
    ends = check.interval_of_components(interval, model)
    if model.priors:
        return _posterior_of_models(frame, lf, model, asked.level, ends)
    found = _components.result(_found(lf, model, asked)[1], model)
    return as_given(frame, found, len(model.over_names))


def profile(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    mu: Mu = "gls",
    nan: NaN = "error",
    tau: Sequence[float] | None = None,
    tau2: Prior | None = None,
    groups: bool = False,
) -> Frame:
    """What the data say at every tau: the curves that intervals, tests and standard errors of tau2 are read from.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, sigma2, nan
        As in `shrink`.
    mu
        Population mean: `"gls"`, at each tau its own, or a known number; beside a prior of tau2 a prior, too: `mu` and
        `se_mu` are then posterior mean and standard deviation at each tau.
    tau
        Standard deviations between groups, in units of the value: a list of numbers, each 0 or more. By default 61,
        evenly from 0 to the upper end of the 99 % interval by the restricted profile likelihood, for each model its
        own; 0 alone where one group tells of no tau. With a prior, up to the quantile of 99.5 % of the posterior.
    tau2
        A prior of tau, such as `HalfCauchy(5)`: adds `density`, the posterior density of tau.
    groups
        One row a group besides, with its estimate: the "effect of tau" curves.

    Returns
    -------
    One row a model and tau: the `over` keys, `tau`, `sigma2` (squared units; where it is pooled the most likely one
    beside tau, by the restricted likelihood), `mu`, `se_mu`, Cochran's `q` generalised to this tau,
    `log_likelihood` and `restricted_log_likelihood`, each at its own best sigma2 and mu. Null where v = 0 at tau = 0
    leaves no likelihood. With `groups`, one row a model, tau and group: the `over` and `by` keys, `tau`, `estimate`
    and its standard error `se` given tau. With a prior one column more, `density`. A DataFrame comes sorted by keys and
    tau.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, section 5.5; Hardy & Thompson (1996), Stat. Med. 15.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> curve = pool.profile(schools, "effect", se="se", by="school", tau=[0, 10])
    >>> curve.select("tau", pl.col("mu", "q").round(4)).rows()
    [(0.0, 7.6856, 4.7071), (10.0, 8.1265, 2.7816)]
    """
    lf = check.lazy(frame)
    prior = check.prior_of_profile(tau2)
    model = check.model(
        lf, value, by, over, n=n, var=var, se=se, weights=weights, sigma2=sigma2, tau2=prior or "reml", mu=mu, nan=nan
    )
    check.gls_or_known(model.mu)
    grid = None if tau is None else check.taus(tau)
    if check.flag(groups, "groups"):
        check.distinct_keys(model.over_names, model.by_names, _profile.ESTIMATES)
    else:
        check.distinct_keys(model.over_names, (), _profile.told(model))
    grouped, constants = _groups.grouped(lf, model)
    found = _profile.profiled(_components.classes(grouped, model), constants, model, grid)
    result = _profile.of_groups(grouped, found, model) if groups else _profile.result(found, model)
    return as_given(frame, result, len(_profile.sorted_by(model, groups)))


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
    others = {
        **{"n": (n, None), "var": (var, None), "se": (se, None), "weights": (weights, None)},
        **{"sigma2": (sigma2, "pooled"), "tau2": (tau2, "reml"), "mu": (mu, "gls")},
        **{"interval": (interval, None), "predict": (predict, "mean")},
    }
    if check.asks_for_rates(trials, exposure, family, prior, others):
        counted: dict[str, Any] = {"trials": trials, "exposure": exposure, "family": family, "prior": prior}
        asked: dict[str, Any] = {"level": level, "threshold": threshold, "groups": groups, "posterior": posterior}
        return rates.shrink(frame, value, by, over, nan=nan, uncertainty=uncertainty, **asked, **counted)
    check.no_posterior(posterior)
    lf = check.lazy(frame)
    hyperparameters: dict[str, Any] = {"sigma2": sigma2, "tau2": tau2, "mu": mu}
    given: dict[str, Any] = {"n": n, "var": var, "se": se, "weights": weights}
    model = check.model(
        lf, value, by, over, **given, **hyperparameters, nan=nan, rates=None if family else check.BINOMIAL
    )
    columns: tuple[str, ...] = ESTIMATES
    ends = check.interval(interval, predict, model)
    if ends == "robust":
        columns = (*columns, "noncoverage")
    if threshold is not None:
        columns = (*columns, "p_above")
    check.distinct_keys(model.over_names, model.by_names, columns)
    quantile = float(ndtri((1 + check.level(level)) / 2))
    model = replace(model, tau2_error=check.uncertainty(uncertainty, model) == "tau2")
    check.predict(predict, model)
    threshold = check.threshold(threshold)
    unseen = check.unseen(groups, lf, model)
    if model.priors:
        wanted = posterior_estimates.Wanted(ends, check.level(level), predict, threshold)
        pooled = posterior_estimates.of_groups(*_grouped(lf, model, unseen), model, wanted)
        return as_given(frame, estimates.result(pooled, model, columns), len(model.key_names))
    grouped, found = _found(lf, model, unseen=unseen, twice=ends == "robust")
    pooled = estimates.estimated(estimates.joined(grouped, found, model), model)
    pooled = estimates.with_errors(pooled, model, quantile, uncertainty, predict, threshold)
    if ends == "robust":
        pooled = robust.with_intervals(pooled, model, 1 - level)
    return as_given(frame, estimates.result(pooled, model, columns), len(model.key_names))


def encode(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    weights: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    tau2: Tau2 = "reml",
    mu: Mu = "gls",
    family: Literal["normal"] | None = None,
    nan: NaN = "error",
    name: str = "estimate",
) -> Frame:
    """The partially pooled mean of its group beside every row.

    Parameters
    ----------
    frame, value, by, over, weights, sigma2, tau2, mu, nan
        As in `shrink`; the frame holds rows.
    family
        `"normal"` to pool a Boolean value as the numbers 0 and 1 without a warning. Rates beside rows are an
        expression: `pl.col(value).pool.shrink(by=..., family="binomial")`.
    name
        Name of the new column.

    Returns
    -------
    All rows and columns of the frame in their order, and the new column (Float64, in units of the value). Rows whose
    value is null have the estimate of their group. Each row's own value is part of its estimate: for features of a
    model that is then trained on the same rows, encode out of fold.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs.

    Source
    ------
    Gelman & Hill (2007), formula 12.1.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["b", "a", "a"], "score": [5.0, 1.0, 3.0]})
    >>> pool.encode(scores, "score", by="school", sigma2=1.0, tau2=1.0, mu=2.0).rows()
    [('b', 5.0, 3.5), ('a', 1.0, 2.0), ('a', 3.0, 2.0)]
    """
    lf = check.lazy(frame)
    rates = check.no_rates(family, "encode")
    model = check.model(lf, value, by, over, weights=weights, sigma2=sigma2, tau2=tau2, mu=mu, nan=nan, rates=rates)
    estimate = estimates.ESTIMATE.alias(check.new_column(lf.collect_schema(), name))
    return as_given(frame, encoding.encoded(lf, model, estimate), 0)


def compare(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    tau2: Tau2 = "reml",
    mu: Mu = "gls",
    nan: NaN = "error",
) -> Frame:
    """What pooling gains on your data: the error of predicting rows that are held out, from moments alone.

    Every row is held out in turn and predicted from all others: by the mean of its group (`none`), by the grand mean
    of all rows or the known mu (`complete`), by the partially pooled mean with mu refitted (`partial`). The error is
    exact, as if each row were really left out; sigma2 and tau2 stay those of all rows. All three are compared on the
    same rows, those of groups with two or more: without its only row a group has no mean.

    Parameters
    ----------
    frame, value, by, over, n, var, sigma2, tau2, mu, nan
        As in `shrink`, for rows or stored moments, without weights.

    Returns
    -------
    One row a model: the `over` keys, `groups` and `n`, the rows compared, both Int64; the mean squared errors `none`,
    `complete` and `partial` in squared units of the value, which hold the variance of a single row, for no prediction
    can know it; `gain_on_none` and `gain_on_complete`, by how many per cent partial pooling errs less (negative: more);
    and the pooling factors `pooling_rows` (rows about their group) and `pooling_groups` (groups about mu), 0 to 1: near
    1 the data say little of the single deviations. Errors are null where no group has two rows, pooling factors where
    nothing deviates on a level.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values when the query runs.

    Source
    ------
    Stone (1974), "Cross-validatory choice and assessment of statistical predictions", J. R. Stat. Soc. B 36; pooling
    factors by Gelman & Pardoe (2006), Technometrics 48, at the estimated sigma2 and tau2.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> scores = pl.DataFrame({"school": ["a", "a", "b", "b", "c", "c"], "score": [1.0, 3.0, 2.0, 6.0, 4.0, 5.0]})
    >>> compared = pool.compare(scores, "score", by="school", sigma2=4.0, tau2=2.0)
    >>> compared.select("n", "none", "complete", "partial").rows()
    [(6, 7.0, 4.2, 4.59375)]
    """
    lf = check.lazy(frame)
    model = check.model(lf, value, by, over, n=n, var=var, sigma2=sigma2, tau2=tau2, mu=mu, nan=nan)
    check.no_prior(model, "compare")
    check.distinct_keys(model.over_names, (), comparison.STATISTICS)
    grouped, constants = _groups.grouped(lf, model)
    found = comparison.comparisons(_components.classes(grouped, model), constants, model)
    return as_given(frame, found, len(model.over_names))


def posterior_draws(
    frame: Frame,
    value: IntoColumn,
    by: Keys,
    *,
    tau2: float | Prior,
    over: Keys | None = None,
    n: IntoColumn | None = None,
    var: IntoColumn | None = None,
    se: IntoColumn | None = None,
    weights: IntoColumn | None = None,
    sigma2: Sigma2 = "pooled",
    mu: Mu = "gls",
    nan: NaN = "error",
    draws: int = 1000,
    seed: int | None = None,
    groups: pl.DataFrame | pl.LazyFrame | None = None,
) -> Frame:
    """Independent draws from the posterior of tau, mu and every group's true mean, for those who go on computing.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, sigma2, mu, nan, groups
        As in `shrink`.
    tau2
        A prior of tau, or a known number beside a prior of mu or sigma2.
    draws
        How many draws of each model.
    seed
        A whole number of 0 or more, that the same draws may come again; others each time without it.

    Returns
    -------
    One row a group and draw: the `over` and `by` keys, `chain` (always 0: the draws are independent) and `draw`, both
    Int64, `sigma2` (squared units; null for published estimates), `tau` and `mu`, which the groups of one model share
    in a draw, and `theta`, the group's true mean. Null where a model has no posterior. Sorted by the keys and the draw.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument, at once; bad values, or a posterior that is improper, when the query runs.

    Source
    ------
    Gelman et al. (2013), Bayesian Data Analysis, section 5.4: tau by inverting its distribution, the rest given it.

    Examples
    --------
    How likely is school A to be the best of the eight?

    >>> import polars as pl, polars_pool as pool
    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> drawn = pool.posterior_draws(schools, "effect", se="se", by="school", tau2=pool.Uniform(), draws=4000, seed=1)
    >>> best = drawn.sort("theta").group_by("draw").last()
    >>> 0.2 < (best["school"] == "A").mean() < 0.3
    True
    """
    lf = check.lazy(frame)
    model = check.model(
        lf, value, by, over, n=n, var=var, se=se, weights=weights, sigma2=sigma2, tau2=tau2, mu=mu, nan=nan
    )
    check.some_prior(model, tau2)
    check.distinct_keys(model.over_names, model.by_names, _draws.STATISTICS)
    grouped, constants = _grouped(lf, model, check.unseen(groups, lf, model))
    result = _draws.drawn(grouped, constants, model, check.draws(draws), check.seed(seed))
    return result if isinstance(frame, pl.LazyFrame) else collected(frame, result)


def _found(
    lf: pl.LazyFrame,
    model: Model,
    asked: inference.Question | None = None,
    unseen: pl.LazyFrame | None = None,
    twice: bool = False,
) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """The groups, and the components of their models; `twice` if groups meet what is summed over them once more."""
    grouped, constants = _grouped(lf, model, unseen)
    if twice:
        grouped = grouped.cache()
    return grouped, _components.components(_components.classes(grouped, model), constants, model, asked)


def _grouped(lf: pl.LazyFrame, model: Model, unseen: pl.LazyFrame | None) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """One row a group, those without rows among them, and the constants of the query."""
    grouped, constants = _groups.grouped(lf, model)
    return grouped if unseen is None else with_unseen(grouped, unseen, model), constants


def _posterior_of_models(frame: Frame, lf: pl.LazyFrame, model: Model, level: float, interval: str) -> Frame:
    grouped, constants = _groups.grouped(lf, model)
    found = posterior_components.of_models(_components.classes(grouped, model), constants, model, level, interval)
    result = found.select(*public(*model.over_names), *posterior_components.STATISTICS)
    return as_given(frame, result, len(model.over_names))
