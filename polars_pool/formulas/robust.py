"""Intervals that cover at their level for every distribution of the groups' true means, normal or not.

A group's estimate misses its true mean by a normal error and by a bias, pooling (theta - mu). In units of the normal
error's deviation weight sqrt(v), t is the bias squared, m its mean over the groups and kappa that of t^2 over m^2: how
often the interval -chi .. chi misses at worst, over all distributions of t with these moments, is `rho`; the robust
interval has the chi at which rho is 1 - level. kappa is the kurtosis of theta, 3 if theta is normal.
Source: Armstrong, Kolesar & Plagborg-Moller (2022), "Robust empirical Bayes confidence intervals", Econometrica 90.
"""

from .elementary import INFINITY, Column, normal_cdf, normal_density, sqrt, where

ROUNDING = 1e-14  # relative error of r: that of its argument b - chi, times chi


def effect_square(d2: Column, v: Column) -> Column:
    """Unbiased (theta - mu)^2 of a group, d2 = (mean - mu)^2."""
    return d2 - v


def effect_fourth_power(d2: Column, v: Column) -> Column:
    """Unbiased (theta - mu)^4 of a group, d2 = (mean - mu)^2."""
    return d2 * d2 - 6 * v * d2 + 3 * v * v


def second_moment(squares: Column, groups: Column, v: Column, v2: Column) -> Column:
    """mu2, the mean of (theta - mu)^2, from sums over groups; at least what J groups can tell from 0."""
    floor = where(v > 0, 2 * v2 / (groups * v), 0.0)
    return where(groups > 0, where(squares > groups * floor, squares / groups, floor), None)


def kurtosis(fourths: Column, groups: Column, mu2: Column, v2: Column, v4: Column) -> Column:
    """kappa, the mean of (theta - mu)^4 over mu2^2, from sums over groups; at least what J groups can tell from 1."""
    floor = 1 + where(v2 > 0, 32 * v4 / (mu2 * mu2 * groups * v2), 0.0)
    ratio = fourths / (groups * mu2 * mu2)
    return where(ratio > floor, ratio, floor)


def bias_moment(weight: Column, v: Column, mu2: Column) -> Column:
    """m of a group, (1 / weight - 1)^2 mu2 / v; v / mu2 where the weight is mu2 / (mu2 + v)."""
    m = (1 - weight) * (1 - weight) * mu2 / (weight * weight * v)
    return where(weight == 1, 0.0, where(weight == 0, INFINITY + mu2, m))


def noncoverage(t: Column, chi: Column) -> Column:
    """r(t), the probability that an interval misses at a squared bias t."""
    b = sqrt(t)
    return normal_cdf(-b - chi) + normal_cdf(b - chi)


def noncoverage_slope(t: Column, chi: Column) -> Column:
    """Derivative of r by t."""
    b = sqrt(where(t > 1e-12, t, 1.0))
    return where(t > 1e-12, (normal_density(b - chi) - normal_density(b + chi)) / (2 * b), chi * normal_density(chi))


def tangent(t: Column, at_0: Column, at_t: Column, slope: Column) -> Column:
    """Rises through 0 at t0, where the line from (0, r(0)) touches r: up to there a spread of t adds to noncoverage.

    t0 is above chi^2 - 3, or 0 where that is below 0, as r is concave then.
    """
    return at_t - t * slope - at_0


def noncoverage_by_chi(t: Column, chi: Column) -> Column:
    """Derivative of r by chi."""
    b = sqrt(t)
    return -normal_density(b + chi) - normal_density(b - chi)


def share(m: Column, x1: Column, x2: Column) -> Column:
    """Probability of x2 in the distribution on x1 and x2 whose mean is m."""
    return where(x2 > x1, (m - x1) / where(x2 > x1, x2 - x1, 1.0), 0.0)


def mixed(p: Column, at_x1: Column, at_x2: Column) -> Column:
    """Mean of the values at x1 and at x2, where x2 has the probability p."""
    return at_x1 + p * (at_x2 - at_x1)


def lower_point(x2: Column, m: Column, kappa: Column) -> Column:
    """x1 of the distribution on x1 < m < x2 with moments m and kappa m^2; 0 at x2 = kappa m."""
    below = (kappa - 1) * m * (m / (x2 - m))
    return where(below < m, m - below, 0.0)


def balance(x1: Column, x2: Column, at_x1: Column, at_x2: Column, slope1: Column, slope2: Column) -> Column:
    """Rises through 0 at the worst x2, and only there; where the worst is x2 = kappa m, it is not below 0 there.

    The slope of the chord of r less the mean of its slopes at both ends: 0 where a parabola touches r at both. That of
    the worst distribution is convex, so that x2 is too far where slope2 is less than slope1. A convex one lies above r
    elsewhere, and then is the worst: else r less the parabola had five zeros and went from - to + to -, but the third
    derivative of r goes from + to - to +, as do the second differences of the densities of chi-square at chi^2 with 3,
    5, 7 ... degrees of freedom, of which it is a Poisson mixture (Karlin 1968, Total positivity).

    Between two points near 0, the difference of r is smaller than its rounding. The rounding is subtracted, so that its
    sign does not end the search there.
    """
    chord = (at_x2 - at_x1 - ROUNDING * at_x2) / (x2 - x1)
    return chord - where(slope2 < slope1, slope2, (slope1 + slope2) / 2)


def exceeding(x: Column, kappa: Column) -> Column:
    """rho as m grows and x = chi^2 / m stays: P(t > x m) at most, by Markov or, if kappa binds, by Cantelli."""
    markov, cantelli = 1 / where(x > 1, x, 1.0), (kappa - 1) / (kappa - 1 + (x - 1) * (x - 1))
    return where(x > kappa, cantelli, markov)


def widest(kappa: Column, alpha: Column) -> Column:
    """chi^2 / m as m grows: the x that is exceeded with probability alpha."""
    return where(alpha * kappa > 1, 1 / alpha, 1 + sqrt((kappa - 1) * (1 - alpha) / alpha))


def root_mean_square(weight: Column, v: Column, mu2: Column) -> Column:
    """Root mean square error of an estimate: weight sqrt(v) sqrt(1 + m), from normal error and bias; always finite."""
    error = where(weight == 0, 0.0, weight * weight * v)
    return sqrt(error + (1 - weight) * (1 - weight) * mu2)
