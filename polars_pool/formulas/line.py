"""A regression with one covariate and a varying intercept: squares about a line, identification, errors.

DuckDB SQL fits only this regression, by these formulas. The NumPy solver fits any number of covariates and varying
terms, by matrices, of which these are the entries.
Source: Searle, Casella & McCulloch (1992), Variance Components.
"""

from .elementary import Column


def squares_about(xx: Column, xy: Column, yy: Column, slope: Column) -> Column:
    """Squares of the value about a line of any slope, from squares and products about the means."""
    return yy - 2 * slope * xy + slope * slope * xx


def moved_product(xy: Column, x: Column, y: Column, one: Column, mx: Column, my: Column) -> Column:
    """A sum of products about (mx, my), from the sums of products, of both factors, and of the weights."""
    return xy - mx * y - my * x + mx * my * one


def trace(a: Column, a2: Column, b: Column, b2: Column) -> Column:
    """The trace of P of single rows, from a = sum(h), b = sum(h dx^2) and the same with h^2."""
    return a - a2 / a - b2 / b


def trace_of_square(a: Column, a2: Column, a3: Column, b: Column, b2: Column, b3: Column, c2: Column) -> Column:
    """The trace of P P of single rows, from the sums with h^3 too and c2 = sum(h^2 dx)."""
    of_intercept, of_slope = a2 / a, b2 / b
    products = 2 * c2 * c2 / (a * b)
    return a2 - 2 * (a3 / a + b3 / b) + of_intercept * of_intercept + products + of_slope * of_slope


def variance_at(arm: Column, at_centre: Column, of_slope: Column) -> Column:
    """Variance of the line at a distance from the centre, where it is uncorrelated with the slope."""
    return at_centre + arm * arm * of_slope


def fixed_variance(slope: Column, xx: Column, w: Column, n: Column) -> Column:
    """Variance of the line's values over the rows, from the squares of the covariate about its mean."""
    return slope * slope * xx / w * n / (n - 1)
