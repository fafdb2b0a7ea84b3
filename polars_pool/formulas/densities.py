"""Log densities of tau, the standard deviation between groups, by each prior; tau is above 0.

Half-t and its special cases: Gelman (2006), "Prior distributions for variance parameters in hierarchical models". The
other names are those of Roever (2020), "Bayesian random-effects meta-analysis using the bayesmeta R package".
"""

from .elementary import Column, log, log_gamma, sqrt

LOG_2, LOG_PI = 0.6931471805599453094, 1.1447298858494001741


def half_t(tau: Column, df: Column, scale: Column) -> Column:
    """Student's t with df degrees of freedom, the half above 0; of 1 degree it is the half-Cauchy."""
    ratio = tau / scale
    constant = LOG_2 + log_gamma((df + 1) / 2) - log_gamma(df / 2) - (log(df) + LOG_PI) / 2 - log(scale)
    return constant - (df + 1) / 2 * log(1 + ratio * ratio / df)


def half_normal(tau: Column, scale: Column) -> Column:
    """Normal, the half above 0."""
    ratio = tau / scale
    return (LOG_2 - LOG_PI) / 2 - log(scale) - ratio * ratio / 2


def exponential(tau: Column, rate: Column) -> Column:
    """Exponential of mean 1 / rate."""
    return log(rate) - rate * tau


def inverse_gamma(tau: Column, shape: Column, scale: Column) -> Column:
    """Inverse gamma on tau squared, as a density of tau."""
    constant = LOG_2 + shape * log(scale) - log_gamma(shape)
    return constant - (2 * shape + 1) * log(tau) - scale / (tau * tau)


def jeffreys(tau: Column, squares: Column) -> Column:
    """Jeffreys' prior, which is improper: the root of the information of tau; `squares` = sum(1 / (v + tau2)^2)."""
    return log(tau) + log(squares) / 2


def uniform_shrinkage(tau: Column, s2: Column) -> Column:
    """Uniform on the weight of a group whose sampling variance is s2, the harmonic mean of all (Daniels 1999)."""
    return LOG_2 + log(s2) + log(tau) - 2 * log(s2 + tau * tau)


def dumouchel(tau: Column, s2: Column) -> Column:
    """Log-logistic with the median sqrt(s2) (DuMouchel & Normand 2000)."""
    return log(s2) / 2 - 2 * log(tau + sqrt(s2))
