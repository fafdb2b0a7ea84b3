"""The likelihood of two nested levels by sums over the leaves of each outer node, with exact derivatives.

A leaf's mean has the sampling variance sigma2 u and the precision w = 1 / (sigma2 u + tau2) about its node, whose own
true mean varies about mu with variance t. A node is known by s_p = sum(w^p) and, with x its estimate at mu, by
r_p = sum(w^p (m - x)) and q_p = sum(w^p (m - x)^2), p = 1, 2, 3. With kappa = 1 / (1 + t s_1), the node adds
sum(log(1 / w)) - log(kappa) + q_1 + t g^2 to -2 log L, where g = r_1 is its precision kappa s_1 times its deviation
from mu. In derivatives by sigma2, each w^p gains a factor w u; by tau2, a factor w.
Source: Searle, Casella & McCulloch (1992), Variance Components, chapter 6.
"""

from .elementary import Column, where


def by_sigma2(last: Column, same: Column, tau2: Column, sigma2: Column) -> Column:
    """A sum with w^p u, from the same sums with w^(p - 1) and w^p: u = (1 / w - tau2) / sigma2."""
    return (last - tau2 * same) / sigma2


def by_sigma2_twice(first: Column, second: Column, third: Column, tau2: Column, sigma2: Column) -> Column:
    """A sum with w^p u^2, from the same sums with w^(p - 2), w^(p - 1) and w^p."""
    return (first - 2 * tau2 * second + tau2 * tau2 * third) / (sigma2 * sigma2)


def slope(logs: Column, s: Column, q: Column, t: Column, kappa: Column, share: Column) -> Column:
    """Derivative of a node's part of -2 log L at fixed mu by sigma2 or tau2, from its sums with one more factor.

    `share` is 1 / W, W the sum of kappa s_1 over all nodes, for the log W of the restricted likelihood; else 0.
    """
    return logs - s * kappa * (t + share * kappa) - q


def bend(
    logs: Column,
    twice: Column,
    s: Column,
    other: Column,
    q: Column,
    r: Column,
    other_r: Column,
    t: Column,
    kappa: Column,
    share: Column,
) -> Column:
    """Second derivative of the same part by sigma2 and tau2, from sums with one more factor of each, or of both."""
    of_logs = 2 * twice * kappa * (t + share * kappa) - s * other * t * kappa * kappa * (t + 2 * share * kappa)
    return of_logs - logs + 2 * (q - t * kappa * r * other_r)


def bend_by_outer(s: Column, r: Column, g: Column, w: Column, kappa: Column, share: Column) -> Column:
    """Second derivative of the same part by t and by sigma2 or tau2; w = kappa s_1.

    That by t alone has s = s_1^2 and r = s_1 r_1.
    """
    return kappa * (2 * g * r - s * kappa * (1 - 2 * w * share))


def profiled(
    bend: Column, w: Column, other_w: Column, g: Column, other_g: Column, total: Column, restricted: Column
) -> Column:
    """Second derivative of -2 log L with the most likely mu, from that at fixed mu.

    `w` and `other_w` are derivatives of W = `total` with the sign changed, `g` and `other_g` half those of the slope
    by mu.
    """
    return bend - restricted * (w / total) * (other_w / total) - 2 * g * other_g / total


def inverse(a: Column, b: Column, c: Column, ab: Column, ac: Column, bc: Column) -> Column:
    """The first element of the inverse of a symmetric matrix of three rows; missing where that is not positive."""
    rest = b * c - bc * bc
    determinant = a * rest - ab * (ab * c - ac * bc) + ac * (ab * bc - ac * b)
    return where(determinant > 0, rest / determinant, None)
