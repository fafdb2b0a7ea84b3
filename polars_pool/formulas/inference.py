"""Inference about tau2 and mu: heterogeneity, standard errors, log likelihoods, tests and intervals.

Terms and sums are named as in between.py (v known: w = 1 / (v + tau2)) and oneway.py (rows: h = n / (1 + n rho)).
"""

from .elementary import Column, log, sqrt, where

LOG_2PI = 1.8378770664093454836


# ---- heterogeneity: Higgins & Thompson (2002), "Quantifying heterogeneity in a meta-analysis" -----------------------


def trace(pairs: Column, s1: Column) -> Column:
    """tr P = s1 - s2 / s1 = pairs / s1: the precision that remains after mu is fitted."""
    return pairs / s1


def typical_variance(df: Column, trace: Column) -> Column:
    """The typical sampling variance of a model, df / tr P at w = 1 / v."""
    return df / trace


def i2(tau2: Column, typical: Column) -> Column:
    """I^2, percent of the variance of a group's mean that lies between groups."""
    return where(tau2 + typical == 0, None, 100 * (tau2 / (tau2 + typical)))


def h2(tau2: Column, typical: Column) -> Column:
    """H^2, variance of a group's mean over its sampling variance."""
    return where(typical == 0, None, 1 + tau2 / typical)


# ---- error of tau2 --------------------------------------------------------------------------------------------------


def variance_of_squares(diagonal: Column, rest: Column, a: Column) -> Column:
    """Variance of sum(a (mean - centre)^2), centre weighted by a: 2 tr(A S A S), the centre projected out of A.

    `diagonal` = sum((a s others(a))^2), `rest` = sum(a^2 s others(a^2 s)), s = v + tau2, others(x) = sum(x) - x.
    Source: Searle, Casella & McCulloch (1992), theorem S4; DerSimonian & Kacker (2007).
    """
    return 2 * (diagonal + rest) / (a * a)


def variance_of_root(groups: Column, df: Column, s1: Column) -> Column:
    """Variance of tau2 by pm, eb and pmm: 2 J^2 / (df s1^2) (Viechtbauer 2010, metafor)."""
    return 2 * groups * groups / (df * s1 * s1)


def variance_by_information(tt: Column, ts: Column, ss: Column, within: Column) -> Column:
    """Variance of tau2 from the joint information: tt, ts, ss of (tau2, sigma2) between groups, `within` = (N - J) /
    sigma2^2 (Searle, Casella & McCulloch 1992, section 3.8)."""
    return 2 * (within + ss) / (tt * within + (tt * ss - ts * ts))


# ---- log likelihoods ------------------------------------------------------------------------------------------------


def log_likelihood(deviance: Column, df: Column) -> Column:
    """Log likelihood of `df` numbers from -2 log L without its constant."""
    return -(deviance + df * LOG_2PI) / 2


def rows_deviance(squares: Column, hd2: Column, logs: Column, sigma2: Column, df: Column) -> Column:
    """-2 log L of rows without its constant at any sigma2, from SSW, sum(h d^2) and sum(log(1 + n rho))."""
    return df * log(sigma2) + logs + (squares + hd2) / sigma2


def akaike(log_likelihood: Column, parameters: Column) -> Column:
    """Akaike's criterion, -2 log L + 2 for every estimated parameter."""
    return 2 * parameters - 2 * log_likelihood


def likelihood_ratio(at_zero: Column, at_best: Column) -> Column:
    """Likelihood-ratio statistic of tau2 = 0, never below 0."""
    return where(at_zero > at_best, at_zero - at_best, 0.0)


def half_half(ratio: Column, upper_tail: Column) -> Column:
    """p of the boundary tau2 = 0: half chi-square of 1 degree, half 0 (Self & Liang 1987; Stram & Lee 1994)."""
    return where(ratio > 0, upper_tail / 2, 1.0)


# ---- the profile on rows: the most likely sigma2 at each tau2 ------------------------------------------------------


def ml_variance_at(squares: Column, h2d2: Column, shares: Column, within: Column) -> Column:
    """sigma2 that maximises the likelihood among all with tau2 = rho sigma2; the pair traces the profile of tau2.

    `h2d2` = sum(h^2 d^2 / n), `shares` = sum(h / n), `within` = N - J. From the score of sigma2 at fixed tau2.
    """
    return (squares + h2d2) / (within + shares)


def reml_variance_at(squares: Column, h2d2: Column, shares: Column, within: Column, h2: Column, h: Column) -> Column:
    """sigma2 at rho by the restricted likelihood; `h2` = sum(h^2 / n), `h` = sum(h)."""
    return (squares + h2d2) / (within + shares - h2 / h)


# ---- test and intervals of mu ---------------------------------------------------------------------------------------


def knapp_hartung(se: Column, wd2: Column, df: Column) -> Column:
    """Error of mu scaled by the observed spread (Hartung & Knapp 2001; Sidik & Jonkman 2002)."""
    return se * sqrt(wd2 / df)


def knapp_hartung_at_least(se: Column, wd2: Column, df: Column) -> Column:
    """Standard error of mu by Knapp & Hartung (2003), never below the error by the model."""
    return se * sqrt(where(wd2 > df, wd2 / df, 1.0))


def prediction_error(tau2: Column, se: Column) -> Column:
    """Standard error of a new group's true mean about mu (Higgins, Thompson & Spiegelhalter 2009)."""
    return sqrt(tau2 + se * se)


# ---- tests of coefficients ------------------------------------------------------------------------------------------


def statistic(estimate: Column, se: Column) -> Column:
    """The estimate in standard errors: z or t of the test of 0."""
    return estimate / se


def satterthwaite(df: Column, change: Column) -> Column:
    """Degrees of freedom of a variance proportional to sigma2, whose mean square has df: 2 V^2 / Var(V).

    `change` = g' H^-1 g, of the gradient g of log V and the Hessian H of the deviance by the other variance parameters;
    V and the deviance are those with the best sigma2. Source: Satterthwaite (1946), Biometrics 2; Kuznetsova, Brockhoff
    & Christensen (2017), "lmerTest", J. Stat. Softw. 82.
    """
    return 1 / (1 / df + change)
