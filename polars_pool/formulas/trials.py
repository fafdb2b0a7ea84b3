"""Predictions of a single trial that is held out, with and without pooling, from the events and trials of its group.

A group has x events in n trials. The held-out trial has the outcome 1 or 0, which is subtracted from the events. The
size of the prior is that of all trials. Its mean moves as the mean of the raw rates does, in which a group has the
weight `count`, and `count_less` without the trial: this is the mean by moments, that of complete pooling, and one step
of scoring from the most likely mean.
Source: Stone (1974), J. R. Stat. Soc. B 36; Brier (1950), Mon. Weather Rev. 78; Good (1952), J. R. Stat. Soc. B 14.
"""

from .elementary import INFINITY, Column, where


def by_others(x: Column, n: Column, outcome: float) -> Column:
    """The raw rate of all other trials."""
    return (x - outcome) / (n - 1)


def mean_without(
    raw: Column, raw_less: Column, mean: Column, count: Column, count_less: Column, total: Column
) -> Column:
    """The mean of the prior without the trial, which changes the raw rate of its group and its weight in the total."""
    moved = count_less * (raw_less - mean) - count * (raw - mean)
    return mean + moved / (total - count + count_less)


def pooled(x: Column, n: Column, outcome: float, mean: Column, size: Column) -> Column:
    """The partially pooled rate of all other trials of the group, with a prior of this mean and size."""
    return where(size == INFINITY, mean, (x - outcome + mean * size) / (n - 1 + size))


def squares(x: Column, n: Column, of_event: Column, of_other: Column) -> Column:
    """The squared errors of the trials of a group, from their predictions where they are events, and where not."""
    return x * (1 - of_event) * (1 - of_event) + (n - x) * of_other * of_other
