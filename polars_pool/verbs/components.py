"""Variance within and between groups and the population mean, one row per model."""

from __future__ import annotations

from .. import arguments
from ..arguments import Covariates, IntoColumn, Keys
from ..formulas.names import (
    Family,
    Limits,
    NaN,
    OfPosterior,
    Test,
)
from . import stages
from .collecting import Frame
from .types import Mu, PriorOfRates, Sigma2, Tau2, Tau2OfLevels


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
    tau2: Tau2 | Tau2OfLevels = "reml",
    mu: Mu = "gls",
    nan: NaN = "error",
    level: float = 0.95,
    test: Test = "z",
    limits: Limits | None = None,
    interval: OfPosterior | None = None,
    toward: Covariates | None = None,
    nested: bool = False,
    persist: bool | None = None,
) -> Frame:
    """Variance within groups, variance between groups and population mean of every model, with their uncertainty.

    Parameters
    ----------
    frame, value, by, over, n, var, se, weights, trials, exposure, family, prior, sigma2, tau2, mu, nan
        As in `shrink`.
    level
        Probability of the intervals, between 0 and 1.
    test
        Test and intervals of mu: `"z"` by the normal distribution (default), `"t"` by Student's distribution with J - 1
        degrees of freedom, `"knha"` by Student's distribution with the standard error of Knapp & Hartung, `"adhoc"` by
        the larger of this standard error and the ordinary one.
    limits
        Interval of tau2: `"profile"` by the profile likelihood (reml and ml), `"q"` by the quantiles of Q; by default
        profile for reml and ml on rows with a pooled sigma2, else Q.
    interval
        Interval of a posterior: `"central"` (default), as much probability below as above it, or `"shortest"`.
    toward
        As in `shrink`. `coefficients` has the coefficients of the predictors.
    nested
        As in `shrink`. The result has one row per model and level.
    persist
        As in `shrink`.

    Returns
    -------
    One row per model: the keys of `over`, then these columns.

    - `groups`: number of groups with rows, Int64.
    - `n`: number of rows, Int64; null for published estimates without n=.
    - `sigma2`, `tau2`: variances within and between groups, in squared units of the value.
    - `mu`, `se_mu`: population mean and its standard error.
    - `icc`: tau2 / (tau2 + sigma2).
    - `df_prior`, `sigma2_prior`, with `sigma2="squeezed"`: the prior of the groups' variances, limma's d0 (infinite
      where variances differ by no more than chance) and s0², the variance that all variances are squeezed to; null
      otherwise.
    - `q`, `q_p`: Cochran's Q, and the probability of a larger Q if tau2 = 0, by the chi-square distribution; on rows
      with a pooled sigma2 (J - 1) times the F of the analysis of variance, by its F distribution.
    - `i2` (percent), `h2`: tau2 relative to the typical sampling variance.
    - `se_tau2`: standard error of tau2 by its estimator; null for a known tau2.
    - `tau2_lower`, `tau2_upper`: interval of tau2, 0 to 0 where Q is smaller than its lower quantile; null for a known
      tau2.
    - `log_likelihood`: restricted for reml, else full; that of the rows if their sigma2 is pooled (as lme4), else that
      of the means (as metafor); with precision weights less the constant sum(log weight) / 2.
    - `aic`: follows from `log_likelihood`.
    - `lrt`, `lrt_p`: likelihood-ratio test of tau2 = 0 for reml and ml, by half chi-square and half 0.
    - `mu_lower`, `mu_upper`, `mu_p`: interval of mu, and test of mu = 0.
    - `new_lower`, `new_upper`: interval of the true mean of a new group.
    - `converged`: false where an iteration did not settle, no group has two rows (unless unequal weights identify
      sigma2 and tau2, by reml and ml), or the groups are too few for the estimator.

    A column is null where the data do not determine it.

    With a prior, the columns describe the posterior:

    - `groups`, `n`, `icc`, `df_prior`, `sigma2_prior`, `converged`: as above.
    - `sigma2`, `se_sigma2`: mean and standard deviation; `se_sigma2` is null where sigma2 is known.
    - `tau`, `tau2`, `mu`, `new` (the true mean of a new group): means, null where they are not finite.
    - `se_tau`, `tau_median`, `tau_lower`, `tau_upper`, and so on: standard deviation, median and interval of each.
    - `log_tau`: mean of log tau.
    - `mu_positive`, `new_positive`: probability of a value above 0.
    - `log_marginal`: log of the marginal likelihood of the means; a flat mu has density 1.
    - `bayes_factor`: likelihood at tau = 0 divided by the marginal likelihood; null where the prior of tau is improper.

    For rates, the columns describe the prior. Where the groups differ by no more than chance, its parameters are
    infinite, `rho` is 0, and the rates are pooled completely.

    - `groups`: number of groups with trials or exposure.
    - `n`: all trials, Int64, or the whole exposure, Float64.
    - `alpha`, `beta`, or `shape`, `rate`: its parameters.
    - `mean`: its mean.
    - `se_log_alpha` and so on: standard errors of the logs of its parameters.
    - `rho`: overdispersion, 1 / (1 + alpha + beta), or 1 / shape.
    - `log_likelihood`, `converged`: as above.

    If the prior of rates is integrated (`UniformShrinkage()`), the columns describe the posterior of its parameters:

    - `groups`, `n`, `converged`: as above.
    - `mean`, `rho`, `new` (the rate of a new group): means. With an exposure, `rho` is that of a group of the median
      exposure E, E / (E + rate), and `mean` and `new` are null with a flat prior of the mean, as their variances are
      infinite.
    - `se_mean`, `mean_median`, `mean_lower`, `mean_upper`, and so on: standard deviation, median and interval of each.
    - `log_marginal`: log of the marginal likelihood; null where the prior is improper.

    With `toward`, there is no `mu` and no new group. `tau2`, `icc`, `q` (with J - p degrees of freedom, metafor's QE),
    `i2` and `h2` describe what the predictors leave, and these columns follow:

    - `qm`, `qm_p`: test of all predictors together (`qm` is chi-square; an F with `test="t"`, `"knha"` or `"adhoc"`).
    - `r2` (percent): share of the tau2 without predictors that they explain, never below 0.

    For nested levels, each model has one row per level, the outer level first, with these columns:

    - `level`: the names of its keys; `depth`: 1 for the outer level.
    - `groups`: number of groups of the level.
    - `tau2`: variance of the level, estimated jointly with those of the other levels; `se_tau2`: its standard error,
      from the expected information.
    - `tau2_lower`, `tau2_upper`: its profile-likelihood interval.
    - `lrt`, `lrt_p`: likelihood-ratio test of tau2 = 0 at this level, against the model with all levels.
    - `share`: tau2 of the level divided by the sum of all tau2 and sigma2 (the variance partition coefficient). For
      published estimates the typical sampling variance takes the place of sigma2, and the shares are metafor's I² of
      a multilevel model.
    - `new_lower`, `new_upper`: interval of the true mean of a new group of the level, in a new outer group.
    - `n`, `sigma2`, `mu`, `se_mu`, `mu_lower`, `mu_upper`, `log_likelihood`, `aic`, `converged`: of the model, equal in
      all its rows.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        A wrong argument raises at once. Bad values raise when the query runs, as does a prior that makes the posterior
        improper if there is no `over`. A query whose models did not converge, or have no posterior, warns once; a
        Boolean value without `family` warns at once.

    Source
    ------
    Searle, Casella & McCulloch (1992), Variance Components; Viechtbauer (2005), J. Educ. Behav. Stat. 30;
    Viechtbauer (2007), "Confidence intervals for the amount of heterogeneity in meta-analysis", Stat. Med. 26; with a
    prior Gelman et al. (2013), Bayesian Data Analysis, section 5.4, and Roever (2020), J. Stat. Softw. 93.

    Examples
    --------
    Eight schools (Rubin 1981): the standard errors explain all differences between the schools.

    >>> import polars as pl, polars_pool as pool
    >>> schools = pl.DataFrame({"school": list("ABCDEFGH"),
    ...     "effect": [28, 8, -3, 7, -1, 1, 18, 12], "se": [15, 10, 16, 11, 9, 11, 10, 18]})
    >>> result = pool.components(schools, "effect", se="se", by="school")
    >>> result["tau2"].item(), round(result["mu"].item(), 6)
    (0.0, 7.685617)

    The posterior gives the range of tau that these data allow:

    >>> result = pool.components(schools, "effect", se="se", by="school", tau2=pool.Uniform())
    >>> round(result["tau"].item(), 8), round(result["tau_upper"].item(), 6)
    (6.57548335, 20.752456)

    Stores in regions, with known variances: the levels of the tree.

    >>> rows = pl.DataFrame({"region": ["a"] * 4 + ["b"] * 4, "store": [1, 1, 2, 2] * 2,
    ...     "score": [1.0, 3.0, 5.0, 7.0, 8.0, 10.0, 8.0, 12.0]})
    >>> levels = pool.components(rows, "score", by=["region", "store"], nested=True, sigma2=2.0, tau2=[4.0, 1.0])
    >>> levels.select("level", "groups", "tau2", pl.col("share", "mu").round(3)).rows()
    [('region', 2, 4.0, 0.571, 6.75), ('store', 4, 1.0, 0.143, 6.75)]
    """
    return stages.components(frame, arguments.call(components, locals()))
