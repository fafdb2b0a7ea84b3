"""Each group as a few rows: the Cholesky factor of its cross-products is all that a likelihood needs.

Of a group's varying terms Z, terms X and value y, R'R = Z'Z, and R'r is Z'X and Z'y. What Z leaves of X and y does not
depend on the covariance of the varying terms, so it is summed over the groups once. All are sums of squares, without
cancellation. Source: Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...engines.numpy import Array
from ...numerics.segments import PER_MODEL, Counted
from .crossproducts import Crossproducts
from .scale import Scale, Terms

SPANNED = 1e-11  # share of a column's squares that is left when earlier columns span it


@dataclass(frozen=True)
class Reduced(Counted):
    """Groups sorted by model as Cholesky rows, and what the varying terms leave of each model.

    A group that does not identify a varying term has a row of zeros for it.
    """

    r: Array  # (varying, varying, groups), upper triangular
    rx: Array  # (varying, terms, groups)
    ry: Array  # (varying, groups)
    rest: Array = field(metadata=PER_MODEL)  # (terms + 1, terms + 1, models): products of terms and value that are left
    n: Array = field(metadata=PER_MODEL)  # number of rows
    identified: Array = field(metadata=PER_MODEL)  # number of varying terms that a group identifies, over all groups

    @property
    def saturated(self) -> Array:
        """Whether the groups' own coefficients fit all rows of each model."""
        return np.asarray(self.identified >= self.n)

    def without(self, line: Array) -> Reduced:
        """The groups with values reduced by a line in the terms, (models, terms)."""
        rest = self.rest.copy()
        rest[:, -1] -= np.einsum("tm,itm->im", line.T, rest[:, :-1])
        rest[-1] -= np.einsum("tm,tim->im", line.T, rest[:-1])
        return replace(self, ry=self.ry - (self.rx * self.each(line.T)).sum(axis=1), rest=rest)


def reduced(groups: Crossproducts, terms: Terms, by: Scale) -> Reduced:
    """The groups in standard units, their values reduced by the least-squares line of all rows.

    A line that makes up nearly all of the value would blur the likelihood by the rounding of its squares.
    """
    columns, places = _columns(groups, terms, by)
    varying = len(terms.varying)
    rows, left = _rows(groups, by, columns, varying, terms.intercept_varies)
    identified = np.sum([row[k] > 0 for k, row in enumerate(rows)], axis=0)
    rest = np.zeros((len(places), len(places), groups.models))
    for a, i in enumerate(places):
        for b, j in enumerate(places):
            if min(i, j) >= varying:
                rest[a, b] = groups.sum(left[min(i, j), max(i, j)])
    whole = Reduced(
        start=groups.start,
        r=np.array([row[:varying] for row in rows]).reshape(varying, varying, -1),
        rx=np.array([[row[i] for i in places[:-1]] for row in rows]).reshape(varying, terms.count, -1),
        ry=np.array([row[places[-1]] for row in rows]).reshape(varying, -1),
        rest=rest,
        n=np.rint(groups.sum(groups.n)),
        identified=np.rint(groups.sum(identified)),
        k=groups.k,
    )
    return whole.without(by.line(terms))


@dataclass(frozen=True)
class Column:
    """A covariate, the value or, as None, the intercept: its mean in each group, in standard units."""

    source: int | None
    mean: Array


def _columns(groups: Crossproducts, terms: Terms, by: Scale) -> tuple[list[Column], list[int]]:
    """The varying terms, then the terms and the value that differ from them; the places of terms and value there."""
    sources = [None] * terms.intercept + [*range(terms.covariates)]

    def column(source: int | None, shift: Array | None = None) -> Column:
        if source is None:
            return Column(None, np.ones_like(groups.w))
        centre = by.centre if shift is None else by.centre - shift
        about = groups.mean[source] - groups.each(centre[source])
        return Column(source, about / groups.each(by.size[source]))

    # Slopes that vary about 0, not about the centre.
    shift = None if terms.shifted or not terms.intercept else by.origin
    columns = [column(sources[term], shift) for term in terms.varying]
    places = []
    for term, source in enumerate(sources):
        if term in terms.varying and (shift is None or source is None):
            places.append(terms.varying.index(term))
        else:
            places.append(len(columns))
            columns.append(column(source))
    return [*columns, column(terms.covariates)], [*places, len(columns)]


def _rows(
    groups: Crossproducts, by: Scale, columns: list[Column], varying: int, intercept_first: bool
) -> tuple[list[list[Array]], dict[tuple[int, int], Array]]:
    """The Cholesky rows of the first columns, and the cross-products of all columns that these leave.

    The row of an intercept is that of the means. It leaves the cross-products about the means.
    """
    size, every = len(columns), range(len(columns))
    left = {(i, j): _products(groups, by, columns[i], columns[j], intercept_first) for i in every for j in every[i:]}
    own = [left[k, k].copy() for k in range(varying)]
    rows = []
    if intercept_first:
        root = np.sqrt(groups.w)
        rows.append([root * column.mean for column in columns])
    for k in range(len(rows), varying):
        root = np.sqrt(np.where(left[k, k] > SPANNED * own[k], left[k, k], np.inf))
        row = [np.zeros_like(root)] * k + [left[k, j] / root for j in range(k, size)]
        rows.append(row)
        for i in range(k + 1, size):
            for j in range(i, size):
                left[i, j] -= row[i] * row[j]
    return rows, left


def _products(groups: Crossproducts, by: Scale, a: Column, b: Column, about_means: bool) -> Array:
    """Cross-products of two columns in each group, about its means or about 0."""
    within = np.zeros_like(groups.w)
    if a.source is not None and b.source is not None:
        i, j = sorted((a.source, b.source))
        within += groups.cross[i, j] / groups.each(by.size[i] * by.size[j])
    return within if about_means else within + groups.w * a.mean * b.mean


def own_coefficients(r: Array, left: Array) -> Array:
    """The least-squares coefficients of each group, R b = left; NaN where it does not identify all varying terms."""
    size = len(r)
    b = np.empty_like(left)
    for i in reversed(range(size)):
        b[i] = left[i]
        for j in range(i + 1, size):
            b[i] -= r[i, j] * b[j]
        b[i] /= np.where(r[i, i] > 0, r[i, i], np.nan)
    return np.where(np.isnan(b).any(axis=0), np.nan, b)
