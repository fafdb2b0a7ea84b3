"""Means beside predictors of groups of very different precision, against exact fractions of the stored doubles.

A group whose error is 1e-3 to 1e-60 of the others', or 0, dominates sums of weights; nothing else may lose digits.
"""

# ruff: noqa: N803, N806 (matrices have the names of the textbooks)

from fractions import Fraction
from functools import cache

import polars as pl
import pytest
from truth import exact

import polars_pool as pool

Y, X = [0.1, 0.3, 0.2, 1.6, 0.5, 0.9, 2.1], [0, 1, 2, 3, 4, 6, 9]
ERRORS = [0.25, 0.2, 0.3, 0.175, 0.275, 0.225, 0.2]
PRECISE = [1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-10, 1e-15, 1e-60, 0.0]
METHODS = ("reml", "ml", "dl", "he", "hs", "sj", "pm", "eb")
LIMIT = Fraction(1, 10**80)  # v for an error of 0
ZERO = Fraction(1, 10**40)  # what vanishes with it


def solved(A, B):
    """A^-1 B by Gauss and Jordan."""
    rows = [[*a, *b] for a, b in zip(A, B, strict=True)]
    for i in range(len(rows)):
        pivot = next(k for k in range(i, len(rows)) if rows[k][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [x / rows[i][i] for x in rows[i]]
        for k in range(len(rows)):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [row[len(A) :] for row in rows]


class Groups:
    """The groups, of which those at `places` have the error `se`."""

    def __init__(self, se: float, places: tuple[int, ...]):
        self.se = [se if place in places else own for place, own in enumerate(ERRORS)]
        self.v = [x * x or LIMIT for x in exact(self.se)]
        self.y, self.Z = exact(Y), [[Fraction(1), Fraction(x)] for x in X]
        self.frame = pl.DataFrame({"g": range(len(Y)), "y": Y, "x": X, "se": self.se})

    def weighted(self, w):
        """(Z'WZ)^-1, b, sum(w r^2), sum(w^2 r^2), tr P and the sum of weights."""
        A = solved(
            [[sum(a * z[i] * z[j] for a, z in zip(w, self.Z, strict=True)) for j in (0, 1)] for i in (0, 1)],
            [[1, 0], [0, 1]],
        )
        Zy = [sum(a * z[i] * y for a, z, y in zip(w, self.Z, self.y, strict=True)) for i in (0, 1)]
        b = [sum(A[i][j] * Zy[j] for j in (0, 1)) for i in (0, 1)]
        r2 = [(y - z[0] * b[0] - z[1] * b[1]) ** 2 for z, y in zip(self.Z, self.y, strict=True)]
        h = [a * sum(z[i] * A[i][j] * z[j] for i in (0, 1) for j in (0, 1)) for a, z in zip(w, self.Z, strict=True)]
        one = sum(a * r for a, r in zip(w, r2, strict=True))
        two = sum(a * a * r for a, r in zip(w, r2, strict=True))
        return A, b, one, two, sum(a * (1 - x) for a, x in zip(w, h, strict=True)), h

    def at(self, tau2):
        return self.weighted([1 / (v + tau2) for v in self.v])

    def closed(self, method):
        """tau2 by a closed form, and the slope or excess of an iterated one."""
        J, p = len(Y), 2
        if method in ("dl", "hs"):
            _, _, q, _, trace, _ = self.at(Fraction(0))
            return (q - (J - p)) / trace if method == "dl" else (q - J) / sum(1 / v for v in self.v)
        if method == "he":
            _, _, q, _, _, h = self.weighted([Fraction(1)] * J)
            return (q - sum(v * (1 - x) for v, x in zip(self.v, h, strict=True))) / (J - p)
        mean = sum(self.y) / J
        crude = sum((y - mean) ** 2 for y in self.y) / J
        return crude * self.weighted([1 / (v + crude) for v in self.v])[2] / (J - p)

    def rises(self, method, tau2):
        """Whether the deviance rises at tau2, or Q is below its expectation."""
        _, _, one, two, trace, _ = self.at(tau2)
        if method in ("pm", "eb"):
            return one < len(Y) - 2
        return (trace if method == "reml" else sum(1 / (v + tau2) for v in self.v)) > two


@cache
def groups(se: float, places: tuple[int, ...]) -> Groups:
    return Groups(se, places)


def near(got, want, tolerance: float = 1e-8) -> None:
    assert abs(Fraction(got) - want) <= Fraction(tolerance) * abs(want) + ZERO, (got, float(want))


@pytest.mark.parametrize("places", [(2,), (2, 5)], ids=["one", "two"])
@pytest.mark.parametrize("se", PRECISE)
@pytest.mark.share(4)
def test_very_precise_groups(se, places):
    """One, and as many as coefficients: tau2 by every estimator, coefficients, their errors, Q and estimates."""
    data = groups(se, places)
    for method in METHODS:
        got = pool.components(data.frame, "y", "g", se="se", toward="x", tau2=method).row(0, named=True)
        assert got["converged"]
        tau2 = got["tau2"]
        if method in ("dl", "he", "hs", "sj"):
            near(tau2, max(Fraction(0), data.closed(method)))
        elif tau2 > 0:
            low, high = (Fraction(tau2) * (1 + Fraction(sign, 10**8)) for sign in (-1, 1))
            assert (data.rises(method, low), data.rises(method, high)) == (False, True)
        else:
            assert data.rises(method, Fraction(0))
        A, b, *_ = data.at(Fraction(tau2))
        terms = pool.coefficients(data.frame, "y", "g", se="se", toward="x", tau2=method)
        for i in (0, 1):
            near(terms["estimate"][i], b[i])
            near(terms["se"][i] ** 2, A[i][i])
        if method in ("dl", "reml"):
            near(got["q"], data.at(Fraction(0))[2])
            shrunk = pool.shrink(data.frame, "y", "g", se="se", toward="x", tau2=method)
            for z, y, v, estimate in zip(data.Z, data.y, data.v, shrunk["estimate"], strict=True):
                weight = Fraction(tau2) / (v + Fraction(tau2))
                near(estimate, weight * y + (1 - weight) * (b[0] + b[1] * z[1]))


@pytest.mark.parametrize("count", [3, 5])
def test_more_exact_groups_than_coefficients(count):
    """Their residuals are exact, so tau2 is above 0 by both likelihoods and all that weigh by v + tau2."""
    data = groups(0.0, tuple(range(count)))
    for method in ("reml", "pm", "he", "sj"):
        got = pool.components(data.frame, "y", "g", se="se", toward="x", tau2=method).row(0, named=True)
        if method in ("he", "sj"):
            near(got["tau2"], max(Fraction(0), data.closed(method)))
        elif method == "pm":
            low, high = (Fraction(got["tau2"]) * (1 + Fraction(sign, 10**8)) for sign in (-1, 1))
            assert (data.rises(method, low), data.rises(method, high)) == (False, True)
        assert got["tau2"] > 0
        assert got["converged"]
