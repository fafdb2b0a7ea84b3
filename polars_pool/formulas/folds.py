"""Moments of a group without a part of its rows, from those of all rows and those of the part.

Source: Chan, Golub & LeVeque (1983), The American Statistician 37, solved for one of the two parts.
"""

from .elementary import Column, where

LOST = 1e-6  # a sum of squares that is a smaller share of the total has lost more than six digits to the difference


def rest_mean(mean: Column, part_mean: Column, part: Column, rest: Column) -> Column:
    """Mean of the rest; `part` and `rest` are the counts, or the sums of weights, of both parts."""
    return where(rest > 0, mean - (part_mean - mean) * (part / where(rest > 0, rest, 1.0)), None)


def rest_squares(
    squares: Column, part_squares: Column, mean: Column, part_mean: Column, part: Column, rest: Column
) -> Column:
    """Sum of squares of the rest about its mean, never below 0."""
    distance = part_mean - mean
    total = part * ((part + rest) / where(rest > 0, rest, 1.0))
    left = squares - part_squares - total * distance * distance
    return where(left > 0, left, 0.0)
