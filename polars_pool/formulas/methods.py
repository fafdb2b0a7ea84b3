"""An estimator as a record of formulas: what it needs, and how it follows from statistics of the groups.

A formula names the statistics that it needs by its parameters. Every engine computes these statistics in its own way
(models/oneway/estimators.py on arrays, rendering/estimators in SQL) and then applies the formula to them.

Statistics of a model: `groups` (J), `rows` (N), `fitted` (1, or 0 about a known mu), `df` (J - fitted),
`plain_squares` (sum of (mean - plain mean)^2), `v_squares`, `w_squares` and `squares_by_w` (the same sum of squares
times v, times w, and divided by w), `crude` (plain_squares / J), `squares` (SSW), `exact` (how many groups have v = 0),
`v_least`, `v_largest`, `v_positive` (the least v above 0, missing where there is none), `w_least`, `w_largest`, `reach`
and `reach_of_rows` (bounds on the squared deviation of a group's mean from the plain mean, and from the mean of the
rows), `precision` and `precision2` (sums of 1 / v and 1 / v^2), `w1` and `w2` (sums of w and w^2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from inspect import signature
from typing import Any, Literal

from . import between, bounds
from .elementary import Column

Formula = Callable[..., Column]


@cache
def parameters(formula: Formula) -> tuple[str, ...]:
    """The names of the statistics that a formula needs."""
    return tuple(signature(formula).parameters)


def applied(formula: Formula, statistics: Mapping[str, Any], **more: Any) -> Column:
    """The value of a formula, from statistics by name; those in `more` come first."""
    return formula(*(more[name] if name in more else statistics[name] for name in parameters(formula)))


def one() -> Column:
    """1, whatever the statistics."""
    return 1.0


@dataclass(frozen=True)
class Moments:
    """tau2 in closed form, from squares about a mean whose weights a are fixed.

    `weight` names `w`, `v` and `crude`; without it the estimate needs the statistics of a model alone. The others also
    name sums over the groups: `a`, `av`, `a2v`, `ad2` (a (mean - centre)^2) and `pairs` (sum(a)^2 - sum(a^2)).

    The limits hold where weights 1 / v are infinite for groups with v = 0, which outweigh all others: sums with a are
    then over the others, d2 is about the mean of the exact groups, and `exact_squares` sums their own d2.
    """

    estimate: Formula
    weight: Formula | None = None
    known_mu: Formula | None = None  # about a known mu, if that differs
    one_exact: Formula | None = None  # not more groups have v = 0 than mu takes degrees of freedom
    several_exact: Formula | None = None  # more have v = 0

    @property
    def exact_outweigh(self) -> bool:
        """Whether groups with v = 0 have an infinite weight."""
        return self.several_exact is not None


@dataclass(frozen=True)
class Sums:
    """What a search makes least, and its slope, as formulas of sums over groups at one point of the search.

    Where v is known, at tau2, with w = 1 / (v + tau2): `s1` and `s2` (sums of w and w^2), `pairs`, `wd2`, `w2d2`,
    `logs` (sum of log(v + tau2)), `rest` (sum of w without one group of the least v). On rows, at rho = tau2 / sigma2,
    with h = n / (1 + n rho): `h` and `h2` (sums of h and h^2), `hd2`, `h2d2`, `logs` (sum of log(1 + n rho)), `df`
    (that of sigma2).
    """

    value: Formula
    slope: Formula


@dataclass(frozen=True)
class Terms:
    """What a search makes least, and its slope, as sums of one term per group at one point of the search.

    A term names statistics of its group (`n`; `v` where it is known; `squares` within on rows), the point (`tau2` or
    `rho`), `d` and `d2` (deviation of its mean from mu, and its square) and the results of `steps`. `s`, `s2` and
    `mu_slope` are the sums of the weights of mu and of their squares, and the slope of mu; infinite, 0 and 0 about a
    known mu.
    """

    value: Formula
    slope: Formula
    steps: Mapping[str, Formula] = field(default_factory=dict)  # formulas by the name that others use, in order
    count: Formula | None = None  # what a group counts in mu; without it the weights of the search, w or h


@dataclass(frozen=True)
class Root:
    """The tau2 at which the generalised Q statistic equals its expectation; 0 where Q at 0 is less."""

    expected: Formula

    @property
    def objective(self) -> Sums:
        """Only the slope counts, as the root is the only one."""
        return Sums(value=lambda: 0.0, slope=lambda wd2, expected: -between.excess(wd2, expected))


@dataclass(frozen=True)
class Balance:
    """P / Q - 1 of a slope P - Q, as a formula of sums: nearly a straight line, so that few steps lead to its root."""

    formula: Formula
    rises_from: Formula  # beyond, it rises, so the deviance has at most one minimum
    below: Formula  # a point below the range,
    value_below: Formula  # and about the balance there


@dataclass(frozen=True)
class Minimum:
    """The tau2 that makes a deviance least, where v is known."""

    objective: Sums | Terms
    stretch: Formula = one  # how much wider the search begins, at both ends
    finite_at_zero: bool = True  # false where the deviance is infinite at tau2 = 0, whatever v
    pole: Formula | None = None  # whether the deviance falls without end at 0, which is no minimum
    all_exact: Formula | None = None  # tau2 where every v is 0
    balance: Balance | None = None  # has the sign of the slope

    @property
    def floor(self) -> Formula:
        """The least tau2 of the search, which stands for 0."""
        return bounds.floor if self.finite_at_zero else bounds.floor_above_zero


@dataclass(frozen=True)
class Profile:
    """sigma2 and tau2 together on rows: the rho = tau2 / sigma2 that makes a deviance least, and sigma2 there."""

    objective: Sums | Terms
    df: Formula  # degrees of freedom of sigma2; `df` in the formulas below and in the objective
    sigma2: Formula  # from statistics of the model and hd2 at the best rho
    high: Formula = bounds.rho_high  # upper end of the search
    balance: Balance | None = None  # has the sign of the slope


@dataclass(frozen=True)
class Error:
    """The variance of an estimated tau2 where v is known, and minus its bias.

    Both name statistics of a model and `s1` and `s2`, the sums of w and w^2, w = 1 / (v + tau2). With weights a of its
    own, from `w`, `v`, `crude` and `precision` = 1 / (v + tau2), the variance also names `a` (their sum),
    `squares_variance` (the variance of sum(a (mean - centre)^2)), `known_variance` (the same about a known mu) and
    `trace` (the derivative of the expectation of these squares by tau2).
    """

    variance: Formula
    weight: Formula | None = None
    standardised: bool = False  # the variances of squares are for means of variance 1, in place of v + tau2
    correction: Formula | None = None  # minus the bias, to first order


@dataclass(frozen=True)
class Method:
    """A way to estimate a hyperparameter, and the inputs it fits."""

    name: str
    title: str
    source: str
    known_v: Moments | Root | Minimum | None = None  # tau2 from groups with known sampling variances v
    error: Error | None = None  # of tau2 where v is known
    joint: Profile | None = None  # sigma2 and tau2 from groups of rows with one sigma2
    likelihood: Literal["full", "restricted"] | None = None  # whose maximum it is, if of one
    known_mu: Method | None = None  # the estimator that this one is about a known mu
    shrunk_by: Formula | None = None  # tau2 as the weights of the groups use it, of tau2, v and df
    needs_n: bool = False  # on published estimates
    weighted: bool = True  # rows may carry precision weights
    groups: int = 1  # least number of groups it is defined for,
    df: int = 1  # and least number of them less the mean that is fitted
    equal_v: bool = False  # all groups of a model have the same sampling variance;
    instead: tuple[str, ...] = ()  # the estimators for groups where they differ
    positive: bool = False  # never 0 while v > 0, even where all means agree
