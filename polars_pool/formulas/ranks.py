"""Ranks of groups whose true means are independent and normal, given mu and tau2; rank 1 is the largest.

Source: Laird & Louis (1989), "Empirical Bayes ranking methods", J. Educ. Stat. 14; Lin, Louis, Paddock & Ridgeway
(2006), "Loss function based ranking in two-stage, hierarchical models", Bayesian Analysis 1.
"""

from .elementary import Column, normal_cdf, normal_density, sqrt


def above(mean: Column, variance: Column, other_mean: Column, other_variance: Column) -> Column:
    """Probability that the true mean of another group is above that of this group."""
    return normal_cdf((other_mean - mean) / sqrt(variance + other_variance))


def at_most(number: Column, mean: Column, variance: Column, third: Column) -> Column:
    """Probability of at most this number of independent events, by the first three cumulants of their count.

    Edgeworth's series with a correction for whole numbers. Source: Kolassa (2006), Series Approximation Methods in
    Statistics, chapter 3.
    """
    sd = sqrt(variance)
    z = (number + 0.5 - mean) / sd
    return normal_cdf(z) + third / (variance * sd) * (1 - z * z) * normal_density(z) / 6
