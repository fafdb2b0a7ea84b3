"""What a careful user asks of tau2 and mu: standard errors.

Terms and sums are named as in between.py (v known: w = 1 / (v + tau2)) and oneway.py (rows: h = n / (1 + n rho)).
"""

from .elementary import Column


def trace(pairs: Column, s1: Column) -> Column:
    """tr P = s1 - s2 / s1, what mu leaves of the precision: pairs / s1."""
    return pairs / s1


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
