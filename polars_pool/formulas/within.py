"""Variance within groups, and the sampling variance of a group's mean that follows from it."""

from .elementary import INFINITY, Column, digamma, exp, log, trigamma_inverse, where


def pooled_variance(squares: Column, n: Column, groups: Column) -> Column:
    """Pooled variance within groups, SSW / (N - J): the mean square within."""
    return where(n > groups, squares / (n - groups), None)


def sampling_variance(sigma2: Column, w: Column) -> Column:
    """Sampling variance of a group's mean, sigma2 / n (sigma2 / sum(w) for weighted rows); infinite without rows."""
    return where(w == 0, INFINITY, sigma2 / w)


def separate_variance(n: Column, var: Column, sigma2: Column) -> Column:
    """A group's own variance; the pooled variance for a single row, which has none."""
    return where(n > 1, var, sigma2)


# ---- squeezed: each group's own variance, moderated by a prior that is estimated from all of them --------------------
# Smyth (2004), "Linear models and empirical Bayes methods", Stat. Appl. Genet. Mol. Biol. 3; squeezeVar of R's limma.
# The variances are s^2 ~ sigma_j^2 chi^2_df / df, df = n - 1, and 1 / sigma_j^2 ~ chi^2_df_prior / (df_prior prior).


def centred_log(var: Column, df: Column) -> Column:
    """Log of a group's variance less what a chi-square with df degrees of freedom adds to it on average."""
    return log(var) - digamma(df / 2) + log(df / 2)


def prior_df(excess: Column) -> Column:
    """Degrees of freedom of the prior from the variance of centred_log in excess of the mean trigamma(df / 2).

    Infinite where variances differ by no more than chance.
    """
    return where(excess > 0, 2 * trigamma_inverse(where(excess > 0, excess, 1.0)), INFINITY)


def prior_variance(mean_log: Column, mean: Column, df_prior: Column) -> Column:
    """The variance that groups are squeezed to, from the mean of centred_log; the plain mean for infinite df_prior."""
    finite = where(df_prior < INFINITY, df_prior, 1.0)
    return where(df_prior < INFINITY, exp(mean_log + digamma(finite / 2) - log(finite / 2)), mean)


def squeezed_variance(n: Column, var: Column, df_prior: Column, prior: Column) -> Column:
    """Mean of a group's variance, of weight n - 1, and the prior, of weight df_prior; the prior for a single row."""
    return where(n > 1, prior + (n - 1) / (n - 1 + df_prior) * (var - prior), prior)
