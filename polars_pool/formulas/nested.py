"""Nested levels: a node between its children and its parent.

A node's mean is that of its children by their precisions w = 1 / (v + tau2), v the sampling variance of a child's mean
and tau2 that of the children's level; its own sampling variance is 1 / sum(w). From the model down, a node is pulled
toward the estimate of its parent as a group is toward mu (shrink.py), with the parent's standard error for that of mu.
Source: Searle, Casella & McCulloch (1992), Variance Components, chapter 7; Harville (1976), Ann. Stat. 4.
"""

from .elementary import INFINITY, Column, where

EXACT = 2.0**500  # the precision of a child without error: it outweighs all others, and its products stay finite


def precision(v: Column, tau2: Column) -> Column:
    """Precision w of a child's mean about its parent's; 0 for a child without rows."""
    total = v + tau2
    return where(v == INFINITY, 0.0, where(total > 1 / EXACT, 1 / where(total > 1 / EXACT, total, 1.0), EXACT))


def sampling_variance(total: Column) -> Column:
    """Sampling variance of a node's mean, from the sum of its children's precisions; infinite without rows."""
    return where(total == 0, INFINITY, where(total < EXACT, 1 / where(total == 0, 1.0, total), 0.0))


def effect(weight: Column, mean: Column, parent: Column) -> Column:
    """The estimate of a node less that of its parent."""
    return where(weight == 0, 0.0, weight * (mean - parent))


def effect_variance(tau2: Column, pooling: Column, weight: Column, se_parent: Column) -> Column:
    """Variance of the node's true mean less its parent's, given the data."""
    return tau2 * pooling + (weight * se_parent) * (weight * se_parent)


def share(tau2: Column, variance: Column) -> Column:
    """The share of a level in the variance of a row, or of a typical estimate, about mu."""
    return where(variance == 0, None, tau2 / variance)
