"""Groups that follow one predictor, in closed form: from sums over the groups to the statistics of meta_regression.py.

Sums with weights w^p are named by what they sum and by p: `s1` (of w), `z1` (of w z), `zz2` (of w^2 z^2), `r1`, `zr1`,
`rr2`. The predictor z is about any centre, r are deviations of the means. About the weighted mean of z, u, the matrix
Z'WZ is diagonal: `s` = sum(w) and `uu` = sum(w u^2), whose inverse is `inverse`, or 0 in a model without the predictor.
"""

from __future__ import annotations

from .elementary import Column, log, where


def about_means(products: Column, one: Column, other: Column, s: Column) -> Column:
    """sum(w x y) about the weighted means of x and y."""
    return products - one * other / s


def about_centre(zz: Column, z: Column, s: Column, centre: Column) -> Column:
    """sum(w u^2) of u = z - centre."""
    return zz - 2 * centre * z + centre * centre * s


def squares(
    rr: Column, zr: Column, zz: Column, r: Column, z: Column, s: Column, level: Column, slope: Column
) -> Column:
    """sum(w (r - level - slope z)^2)."""
    return rr - 2 * level * r - 2 * slope * zr + level * level * s + 2 * level * slope * z + slope * slope * zz


def trace(s1: Column, s2: Column, uu2: Column, inverse: Column) -> Column:
    """tr P = sum(w) - tr((Z'WZ)^-1 Z'W^2Z)."""
    return s1 - s2 / s1 - uu2 * inverse


def trace2(s1: Column, s2: Column, s3: Column, u2: Column, uu2: Column, uu3: Column, inverse: Column) -> Column:
    """tr PP = sum(w^2) - 2 tr(A^-1 Z'W^3Z) + tr((A^-1 Z'W^2Z)^2), A = Z'WZ."""
    once, mean = uu2 * inverse, s2 / s1
    return s2 - 2 * (s3 / s1 + uu3 * inverse) + mean * mean + 2 * u2 * u2 * inverse / s1 + once * once


def log_information(s1: Column, inverse: Column) -> Column:
    """log |Z'WZ|."""
    return log(s1) - where(inverse > 0, log(inverse), 0.0)


def squares_variance(df: Column, trace: Column, trace2: Column, change: Column) -> Column:
    """2 tr(PSPS) where the variances S of the means are 1 / w + `change`: P V P = P for V = 1 / w."""
    return 2 * (df + 2 * change * trace + change * change * trace2)


def plain_squares_variance(
    groups: Column, df: Column, v: Column, v2: Column, vz: Column, vzz: Column, v2zz: Column, tau2: Column
) -> Column:
    """2 tr(PSPS) with equal weights and S = v + tau2, from mean values of v, v^2 and their products with z.

    z has mean 0 and, in a model with the predictor, mean square 1.
    """
    once = v + vzz
    twice = v * v + 2 * vz * vz + vzz * vzz
    return 2 * (groups * v2 - 2 * (v2 + v2zz) + twice + 2 * tau2 * (groups * v - once) + tau2 * tau2 * df)


def plain_trace_v(groups: Column, v: Column, vzz: Column) -> Column:
    """tr PV with equal weights."""
    return groups * v - (v + vzz)


def once_by_rows(one: Column, two: Column, tau2: Column, sigma2: Column) -> Column:
    """tr PPE, the information about tau2 and sigma2, of E = (V - tau2) / sigma2, V = 1 / w.

    `one` = tr P and `two` = tr PP; for the full likelihood sum(w) and sum(w^2).
    """
    return (one - tau2 * two) / sigma2


def twice_by_rows(one: Column, two: Column, count: Column, tau2: Column, sigma2: Column) -> Column:
    """tr PEPE, the information about sigma2 between groups; `count` is J - p, or J for the full likelihood."""
    return (count - 2 * tau2 * one + tau2 * tau2 * two) / (sigma2 * sigma2)
