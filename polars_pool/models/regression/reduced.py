"""Every group of rows as a few rows: a Cholesky factor of its cross-products is all that a likelihood asks of it.

Of a group's varying terms Z, terms X and value y, R'R = Z'Z, and R'r is Z'X and Z'y. What Z leaves of X and y is alike
for every covariance of the varying terms, and summed over the groups at once. Sums of squares alone, so that nothing
cancels. Source: Bates, Maechler, Bolker & Walker (2015), J. Stat. Softw. 67, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...numerics.arrays import Array

SPANNED = 1e-11  # share of a column's squares that is left when earlier columns span it


@dataclass(frozen=True)
class Crossproducts:
    """Groups sorted by model, a column each: how many rows, their weight, the means and the cross-products about them.

    The columns are the covariates and, last, the value.
    """

    start: Array  # first group of each model
    n: Array  # (groups,)
    w: Array  # (groups,)
    mean: Array  # (columns, groups)
    cross: Array  # (columns, columns, groups), only i <= j

    @property
    def models(self) -> int:
        return len(self.start)

    @property
    def groups(self) -> Array:
        """How many groups each model has."""
        return np.diff(self.start, append=len(self.n))

    @property
    def told(self) -> Array:
        """How many of them have rows; the others hold zeros."""
        return np.add.reduceat(self.n > 0, self.start, dtype=np.int64)

    def sum(self, x: Array) -> Array:
        """Sums over the groups of each model, which stand in the last axis."""
        return np.add.reduceat(x, self.start, axis=-1, dtype=np.float64)

    def each(self, x: Array) -> Array:
        """Values a model, in the last axis, beside its groups."""
        return x if self.models == 1 else np.repeat(x, self.groups, axis=-1)

    def thinned(self, most: int) -> Crossproducts:
        """At most so many groups of every model, evenly out of all."""
        groups = self.groups
        if groups.max(initial=0) <= most:
            return self
        place = np.arange(len(self.n)) - np.repeat(self.start, groups)
        kept = np.flatnonzero(place % np.repeat(-(-groups // most), groups) == 0)
        start = np.searchsorted(kept, self.start)
        return Crossproducts(start, self.n[kept], self.w[kept], self.mean[:, kept], self.cross[:, :, kept])


@dataclass(frozen=True)
class Scale:
    """Where the columns of a model lie and how far they reach: (columns, models); the intercept takes up the centre."""

    mean: Array  # about the pivot
    centre: Array  # the mean, or 0 where there is no intercept
    origin: Array  # the centre in the units of the data
    size: Array
    products: Array  # (columns, columns, models): mean products of all rows about the centre, by size

    def line(self, terms: Terms) -> Array:
        """The least-squares coefficients of the terms, (models, terms), in standard units: the intercept's is 0."""
        products = np.nan_to_num(np.moveaxis(self.products, -1, 0))
        inverse = np.linalg.pinv(products[:, :-1, :-1], rcond=SPANNED, hermitian=True)
        slopes = np.einsum("mij,mj->mi", inverse, products[:, :-1, -1])
        return np.pad(slopes, ((0, 0), (int(terms.intercept), 0)))


@dataclass(frozen=True)
class Terms:
    """Which terms there are: `columns` of the covariates, after an intercept if there is one; which of them vary.

    `shifted`: the varying terms may be taken about the centre, as their covariance is free and the intercept varies.
    """

    covariates: int
    intercept: bool
    varying: tuple[int, ...]  # places among the terms
    correlated: bool

    @property
    def count(self) -> int:
        return self.covariates + self.intercept

    @property
    def shifted(self) -> bool:
        others = len(self.varying) - self.intercept_varies
        return self.intercept and (not others or (self.intercept_varies and self.correlated))

    @property
    def intercept_varies(self) -> bool:
        return self.intercept and 0 in self.varying


@dataclass(frozen=True)
class Reduced:
    """Groups by their Cholesky rows, (rows, columns, groups), and by model what the varying terms leave."""

    start: Array
    r: Array  # (varying, varying, groups), upper triangular; a row of 0 for a term that a group tells nothing of
    rx: Array  # (varying, terms, groups)
    ry: Array  # (varying, groups)
    rest: Array  # (terms + 1, terms + 1, models): cross-products of terms and value that are left
    n: Array  # rows of each model
    told: Array  # varying terms that a group tells of, summed over each model

    @property
    def models(self) -> int:
        return len(self.start)

    @property
    def lengths(self) -> Array:
        return np.diff(self.start, append=self.r.shape[-1])

    def without(self, line: Array) -> Reduced:
        """The groups with values that have lost a line in the terms, (models, terms)."""
        each = line.T if self.models == 1 else np.repeat(line.T, self.lengths, axis=-1)
        rest = self.rest.copy()
        rest[:, -1] -= np.einsum("tm,itm->im", line.T, rest[:, :-1])
        rest[-1] -= np.einsum("tm,tim->im", line.T, rest[:-1])
        return replace(self, ry=self.ry - (self.rx * each).sum(axis=1), rest=rest)

    def take(self, models: Array) -> Reduced:
        """The groups of some models, in the order given."""
        if len(models) == self.models:
            return self
        lengths = self.lengths[models]
        start = np.cumsum(lengths) - lengths
        kept = np.repeat(self.start[models] - start, lengths) + np.arange(lengths.sum())
        return replace(
            self,
            start=start,
            r=self.r[..., kept],
            rx=self.rx[..., kept],
            ry=self.ry[..., kept],
            rest=self.rest[..., models],
            n=self.n[models],
            told=self.told[models],
        )


def scale(groups: Crossproducts, pivots: Array, terms: Terms) -> Scale:
    """Centre and size of the columns of every model, given as deviations from their pivots."""
    columns = len(groups.mean)
    weight = groups.sum(groups.w)
    mean = groups.sum(groups.w * groups.mean) / weight
    centre = mean if terms.intercept else np.zeros_like(mean)
    products = np.empty((columns, columns, groups.models))
    for i in range(columns):
        from_i = groups.w * (groups.mean[i] - groups.each(centre[i]))
        for j in range(i, columns):
            between = from_i * (groups.mean[j] - groups.each(centre[j]))
            products[i, j] = products[j, i] = groups.sum(groups.cross[i, j] + between) / weight
    size = np.sqrt(np.einsum("iim->im", products))
    size = np.where(size > 0, size, 1.0)
    return Scale(mean, centre, centre + pivots[:, None], size, products / (size[:, None] * size[None]))


def reduced(groups: Crossproducts, terms: Terms, by: Scale) -> Reduced:
    """The groups in columns of mean 0 and size 1 over a model, the value without the line of all its rows.

    A line that makes up nearly all of the value would blur the likelihood by the rounding of its squares.
    """
    columns, places = _columns(groups, terms, by)
    varying = len(terms.varying)
    rows, left = _rows(groups, by, columns, varying, terms.intercept_varies)
    told = np.sum([row[k] > 0 for k, row in enumerate(rows)], axis=0)
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
        n=groups.sum(groups.n),
        told=groups.sum(told),
    )
    return whole.without(by.line(terms))


@dataclass(frozen=True)
class Column:
    """A covariate, the value or, as None, the intercept: its mean in every group, in standard units."""

    source: int | None
    mean: Array


def _columns(groups: Crossproducts, terms: Terms, by: Scale) -> tuple[list[Column], list[int]]:
    """The varying terms, then terms and value that are not the same columns; where among them terms and value stand."""
    sources = [None] * terms.intercept + [*range(terms.covariates)]

    def column(source: int | None, at: Array | None = None) -> Column:
        if source is None:
            return Column(None, np.ones_like(groups.w))
        centre = by.centre if at is None else by.centre - at
        about = groups.mean[source] - groups.each(centre[source])
        return Column(source, about / groups.each(by.size[source]))

    away = None if terms.shifted or not terms.intercept else by.origin  # slopes that vary about 0, not about the centre
    columns = [column(sources[term], away) for term in terms.varying]
    places = []
    for term, source in enumerate(sources):
        if term in terms.varying and (away is None or source is None):
            places.append(terms.varying.index(term))
        else:
            places.append(len(columns))
            columns.append(column(source))
    return [*columns, column(terms.covariates)], [*places, len(columns)]


def _rows(
    groups: Crossproducts, by: Scale, columns: list[Column], varying: int, intercept_first: bool
) -> tuple[list[list[Array]], dict[tuple[int, int], Array]]:
    """The Cholesky rows of the first columns, and the cross-products of all that these leave.

    The row of an intercept is that of the means, and leaves the cross-products about them as they are given.
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
    """Cross-products of two columns in every group, about its means or about 0."""
    within = np.zeros_like(groups.w)
    if a.source is not None and b.source is not None:
        i, j = sorted((a.source, b.source))
        within += groups.cross[i, j] / groups.each(by.size[i] * by.size[j])
    return within if about_means else within + groups.w * a.mean * b.mean


def own_coefficients(r: Array, left: Array) -> Array:
    """The least-squares coefficients of groups that tell of every varying term: R b = left."""
    size = len(r)
    found = np.empty_like(left)
    for i in reversed(range(size)):
        found[i] = left[i]
        for j in range(i + 1, size):
            found[i] -= r[i, j] * found[j]
        found[i] /= np.where(r[i, i] > 0, r[i, i], np.nan)
    return np.where(np.isnan(found).any(axis=0), np.nan, found)
