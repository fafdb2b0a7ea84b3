"""The posterior of the normal hierarchical model: at each tau it is normal, so that only tau is integrated numerically.

Sums over groups are those of between.py at this tau: w = 1 / (v + tau2), s1 = sum(w), `centre` = sum(w mean) / s1,
`wd2` = sum(w (mean - centre)^2), `logs` = sum(log(v + tau2)). mu is flat, known, or normal with mean m and
standard deviation s; flat is the limit of a large s.
Source: Gelman et al. (2013), Bayesian Data Analysis, section 5.4.
"""

from .elementary import Column, log
from .inference import LOG_2PI


def log_likelihood_known_mu(groups: Column, logs: Column, wd2: Column) -> Column:
    """Log density of the means at tau about a known mu."""
    return -(groups * LOG_2PI + logs + wd2) / 2


def log_likelihood_flat_mu(groups: Column, logs: Column, wd2: Column, s1: Column) -> Column:
    """Log likelihood of tau with mu integrated out under a density of 1 everywhere."""
    return -((groups - 1) * LOG_2PI + logs + wd2 + log(s1)) / 2


def log_likelihood_normal_mu(
    groups: Column, logs: Column, wd2: Column, s1: Column, centre: Column, m: Column, s: Column
) -> Column:
    """Log likelihood of tau with mu integrated out under a normal prior."""
    d2 = (centre - m) * (centre - m)
    return -(groups * LOG_2PI + logs + wd2 + log(1 + s * s * s1) + d2 * s1 / (1 + s * s * s1)) / 2


def mu_given_tau(s1: Column, centre: Column, m: Column, s: Column) -> Column:
    """Posterior mean of a normal mu at tau: partial pooling once more, of the groups' centre toward m."""
    return centre + (m - centre) / (1 + s * s * s1)


def variance_of_mu_given_tau(s1: Column, s: Column) -> Column:
    """Posterior variance of a normal mu at tau, 1 / (s1 + 1 / s^2)."""
    return s * s / (1 + s * s * s1)


def log_likelihood_within(rows: Column, groups: Column, squares: Column, sigma2: Column) -> Column:
    """Log density of the squares within groups, SSW, at sigma2, without a constant that depends on the data alone."""
    return -((rows - groups) * (LOG_2PI + log(sigma2)) + squares / sigma2) / 2
