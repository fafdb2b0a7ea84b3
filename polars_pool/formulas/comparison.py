"""The gain of pooling: the exact error of predicting a row that is held out, and the pooling factor of each level.

A held-out row of group j is predicted by weight mean + (1 - weight) mu, each without the row, at the same sigma2 and
tau2. With c the weight of the group in mu and s = sum(c), and `c_less`, `weight_less`, `s_less` = s - c + c_less for
the data without the row, the prediction misses the row by `of_row` (y - mean) + `of_mean` (mean - mu): the squares of
a group follow from its moments. weight_less = 1 are raw means, weight_less = 0 with c = n is the grand mean of all
rows.
Source: Stone (1974), "Cross-validatory choice and assessment of statistical predictions"; for GLS PRESS (Allen 1974).
"""

from .elementary import Column, where


def missed_of_row(n: Column, weight_less: Column, share_less: Column) -> Column:
    """Share of y - mean that a prediction without the row misses; share_less = c_less / s_less, 0 for a known mu."""
    return 1 + (weight_less + (1 - weight_less) * share_less) / (n - 1)


def missed_of_mean(weight_less: Column, s_ratio: Column) -> Column:
    """Share of mean - mu that a prediction without the row misses; s_ratio = s / s_less, 1 for a known mu."""
    return (1 - weight_less) * s_ratio


def held_out_squares(n: Column, squares: Column, d2: Column, of_row: Column, of_mean: Column) -> Column:
    """Squared error of a group's held-out rows; d2 = (mean - mu)^2. Raw means have none for the only row of a group."""
    return where(n > 1, of_row * of_row * squares + n * of_mean * of_mean * d2, 0.0)


def gain(error: Column, reference: Column) -> Column:
    """By how many per cent an error is smaller than the reference."""
    return where(reference > 0, 100 * (1 - error / reference), None)


def uncertainty_of_effects(v: Column, weight: Column, groups: Column) -> Column:
    """Term of a group in the expected spread that estimates of theta - mu lack, mu known: weight v (1 - 1 / J)."""
    return weight * v * (1 - 1 / groups)


def uncertainty_of_rows(n: Column, v: Column, weight: Column, rows: Column) -> Column:
    """Term of a group in the expected spread that estimates of y - theta lack, mu known: n weight v (1 - n / N)."""
    return n * weight * v * (1 - n / rows)


def pooling_factor(spread: Column, uncertainty: Column) -> Column:
    """Pooling of a level: 1 - V(E e) / E(V e) = uncertainty / (spread + uncertainty) of its errors e.

    `spread` is the sum of squares of their estimates about their mean, `uncertainty` the expected excess of the
    squares of the errors themselves. Source: Gelman & Pardoe (2006),
    "Bayesian measures of explained variance and pooling in multilevel models".
    """
    return where(spread + uncertainty > 0, uncertainty / (spread + uncertainty), None)
