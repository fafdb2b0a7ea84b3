"""The prior that each group's own variance is squeezed to (Smyth 2004; squeezeVar of R's limma).

`g` holds the groups of many models (models/many.py).
"""

from __future__ import annotations

from typing import Any

from . import within
from .elementary import INFINITY, Column, trigamma, where

Groups = Any

FLOOR = 1e-5  # of the median: stands for a variance of 0, which has no logarithm


def prior(g: Groups) -> tuple[Column, Column]:
    """Degrees of freedom and variance of the prior, missing where no group has two rows.

    A single variance is its own prior, of no weight. Where more than half of the variances are 0, the floor is that of
    the median of the others, so that a change of units changes nothing; where all are, so is the prior.
    """
    counts = g.n > 1
    df = where(counts, g.n - 1, 1.0)
    var = where(counts, g.squares / df, 0.0)
    total = g.sum(var)
    median = g.median(var, counts)
    median = where(median == 0, g.median(var, var > 0), median)
    floor = FLOOR * g.each(where(total == 0, 1.0, median))
    floored = where(var > floor, var, floor)
    logs = within.centred_log(floored, df)
    return prior_of_classes(g, df, logs, 0.0 * logs, var, floored)


def prior_of_classes(
    g: Groups, df: Column, logs: Column, spread: Column, var: Column, floored: Column
) -> tuple[Column, Column]:
    """The prior from classes of groups: the mean and the spread of their `centred_log`, and their mean variances.

    `floored` is the mean of the variances that are at least the floor.
    """
    counts = g.n > 1
    groups, total = g.sum(counts), g.sum(where(counts, var, 0.0))

    def mean(x: Column) -> Column:
        return g.sum(where(counts, x, 0.0)) / groups

    deviation = logs - g.each(mean(logs))
    scatter = mean(deviation * deviation + spread) * groups / (groups - 1)
    df_prior = within.prior_df(scatter - mean(trigamma(df / 2)))
    variance = within.prior_variance(mean(logs), mean(floored), df_prior)
    df_prior = where(groups == 1, 0.0, where(total == 0, INFINITY, df_prior))
    variance = where((groups == 1) | (total == 0), total, variance)
    return where(groups == 0, None, df_prior), where(groups == 0, None, variance)
