"""The groups of many models with the predictors of their means, and weighted fits of the coefficients."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...engines.numpy import Array
from ...numerics.segments import PER_MODEL, Counted
from ..many import MEASURABLE, ORDINARY

COLLINEAR = 1e-12  # 1 - R^2 of a predictor by those before it, below which it counts as their combination
EXACT = 1e-28  # of the largest v of a model: a smaller one stands for 0
ROUNDING = 8 * np.finfo(float).eps  # of a predictor that is the same in all groups, and of residuals that are 0


@dataclass(frozen=True)
class Design(Counted):
    """Groups sorted by model; one row holds `k` groups of equal size, with their means and the spread of these.

    Columns have one value per row in the last axis. `x` is Z, (terms, rows), its first row of ones. `spread` is the
    covariance of (x, y) of the groups of a row, (terms + 1, terms + 1, rows); None where each group has a row.
    """

    n: Array  # rows of data in each group of the row
    w: Array  # precision weight of each group
    squares: Array  # mean of the groups' sums of squares within
    v: Array  # sampling variance of each group's mean
    y: Array  # mean of the groups' means
    x: Array
    spread: Array | None = None
    origin: Array | None = field(default=None, metadata=PER_MODEL)  # (terms, models): what x is less the predictors
    crude: Array | None = field(default=None, metadata=PER_MODEL)  # mean square of y about its mean
    is_anchor: Array | None = None  # whether the group is an anchor (anchors.py), whose x is a unit vector and y is 0
    plain: Array | None = field(default=None, metadata=PER_MODEL)  # (terms, models): plain fit of y beside anchors

    @property
    def terms(self) -> int:
        return len(self.x)

    @cached_property
    def groups(self) -> Array:
        """Number of groups of each model, J."""
        return self.counts * 1.0

    @cached_property
    def rows(self) -> Array:
        """Number of rows of data of each model, N."""
        return np.rint(self.sum(self.n))

    @property
    def df(self) -> Array:
        """J - p."""
        return self.groups - self.terms

    @cached_property
    def squares_within(self) -> Array:
        return self.sum(self.squares)

    def products(self, weight: Array) -> Array:
        """sum(weight c c') of each model over its groups, (models, terms + 1, terms + 1), c = (x, y)."""
        c, count = np.vstack([self.x, self.y]), self.times(np.broadcast_to(weight, self.y.shape))
        if self.models == 1:
            products = np.asarray((c * count) @ c.T)
            return (products if self.spread is None else products + self.spread @ count)[None]
        result = np.empty((self.models, len(c), len(c)))
        for i in range(len(c)):
            for j in range(i, len(c)):
                product = c[i] * c[j] if self.spread is None else c[i] * c[j] + self.spread[i, j]
                result[:, i, j] = result[:, j, i] = super(Counted, self).sum(product * count)
        return result

    def combined(self, matrix: Array) -> Design:
        """The design with x and y replaced by combinations of (x, y), (models, terms + 1, terms + 1)."""
        c = np.vstack([self.x, self.y])
        c = self._times(matrix, c[:, None])[:, 0]
        spread = self.spread
        if spread is not None:
            spread = self._times(matrix, spread)
            spread = self._times(matrix, np.swapaxes(spread, 0, 1))
        return replace(self, x=c[:-1], y=c[-1], spread=spread)

    def _times(self, matrix: Array, columns: Array) -> Array:
        """The product of the matrix of each model with columns, (terms + 1, any, rows)."""
        if self.models == 1:
            return np.asarray(np.tensordot(matrix[0], columns, axes=1))
        each = self.each(np.moveaxis(matrix, 0, -1))
        return np.asarray(np.einsum("ijr,jkr->ikr", each, columns))

    def without_predictors(self) -> Design:
        """The groups with a common mean alone."""
        spread = None if self.spread is None else self.spread[np.ix_([0, -1], [0, -1])]
        return replace(self, x=np.ones((1, self.x.shape[1])), spread=spread, origin=None)

    def residual(self) -> Design:
        """The design with the residuals of the plain fit in place of y, which keep more digits."""
        beta = Fit.of(self, np.ones(1)).beta
        matrix = np.broadcast_to(np.eye(self.terms + 1), (self.models, self.terms + 1, self.terms + 1)).copy()
        matrix[:, -1, :-1] = -beta
        return self.combined(matrix)

    @cached_property
    def is_exact(self) -> Array:
        """Whether the mean of a group is exact: its v is 0, or so small that it stands for 0."""
        return np.asarray(self.v <= self.each(EXACT * self.largest(self.v)))

    @property
    def exact(self) -> Array:
        """Number of such groups of each model."""
        return self.sum(self.is_exact * 1.0)

    @property
    def plain_residual_squares(self) -> Array:
        """The squares of the residuals of the plain fit, by groups of each row."""
        beta = np.zeros((self.models, self.terms)) if self.plain is None else self.plain.T
        return self.residual_squares(beta)

    def scaled(self, factor: Array) -> Design:
        """The design with the values of each model multiplied by a factor, a power of two."""
        if (factor == 1).all():
            return self
        each, square, spread = self.each(factor), self.each(factor * factor), self.spread
        if spread is not None:
            spread = spread.copy()
            spread[-1] *= each
            spread[:, -1] *= each
        crude = None if self.crude is None else self.crude * factor * factor
        values = {"y": self.y * each, "squares": self.squares * square, "v": self.v * square}
        plain = None if self.plain is None else self.plain * factor
        return replace(self, **values, spread=spread, crude=crude, plain=plain)

    @cached_property
    def size(self) -> Array:
        """The spread of each model: of residuals, of rows, or the least error; 1 where all are 0."""
        plain = np.sqrt(self.sum(self.plain_residual_squares) / self.groups)
        within = np.sqrt(self.squares_within / self.rows)
        size = np.fmax(np.fmax(plain, within), np.sqrt(np.fmax(self.smallest(self.v), 0.0)))
        return np.where(size > 0, size, 1.0)

    @property
    def measurable(self) -> Array:
        """Whether Float64 holds the squares of the differences of each model's values, and of their errors."""
        least, most, v = self.smallest(self.y), self.largest(self.y), np.sqrt(np.fmax(self.v, 0.0))
        width = most - least + (0.0 if self.spread is None else np.sqrt(self.largest(self.spread[-1, -1])))
        size = np.maximum(np.fmax(width, np.sqrt(self.squares_within / self.rows)), self.smallest(v))
        # The squares of values near 0 can be 0.
        for other in (self.largest(v), np.maximum(np.abs(most), np.abs(least))):
            size = np.where(size == 0, other, size)
        return np.asarray((size == 0) | ((size > 1 / MEASURABLE) & (size < MEASURABLE)))

    def of_zeros(self, models: Array) -> Design:
        """The design with 0 for the mean of each group of these models."""
        if not models.any():
            return self
        some, spread = self.each(models), self.spread
        if spread is not None:
            spread = spread.copy()
            spread[-1] = np.where(some, 0.0, spread[-1])
            spread[:, -1] = np.where(some, 0.0, spread[:, -1])
        return replace(self, y=np.where(some, 0.0, self.y), spread=spread)

    @property
    def unit(self) -> Array:
        """The unit to compute each model in: 1, or a power of two near a spread whose fourth power is not safe."""
        ordinary = (self.size > 1 / ORDINARY) & (self.size < ORDINARY)
        return np.where(ordinary, 1.0, np.exp2(np.rint(np.log2(self.size))))

    def residual_squares(self, beta: Array) -> Array:
        """Mean of (y - x'b)^2 over the groups of each row."""
        of_row = self.each(beta.T)
        r = self.y - np.einsum("ir,ir->r", np.broadcast_to(of_row, self.x.shape), self.x)
        r *= r
        if self.spread is None:
            return np.asarray(r)
        a = np.broadcast_to(np.vstack([-of_row, np.ones((1, of_row.shape[1]))]), (len(self.spread), len(r)))
        return np.asarray(r + np.fmax(np.einsum("ir,ijr,jr->r", a, self.spread, a), 0.0))


@dataclass(frozen=True)
class Fit:
    """Coefficients of each model by weighted least squares, and the inverse of Z'WZ."""

    beta: Array  # (models, terms)
    inverse: Array  # (models, terms, terms)
    log_information: Array  # log |Z'WZ|

    @classmethod
    def of(cls, g: Design, weight: Array) -> Fit:
        products = g.products(weight)
        usable = np.asarray(np.isfinite(products).all(axis=(1, 2)))
        information = np.where(usable[:, None, None], products[:, :-1, :-1], np.eye(g.terms))
        # In units of its diagonal: where weights differ by orders of magnitude, each entry keeps its digits.
        diagonal = np.einsum("mii->mi", information)
        unit = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
        scaled = information / (unit[:, :, None] * unit[:, None, :])
        sign, log_determinant = np.linalg.slogdet(scaled)
        regular = usable & (sign > 0)
        inverse = np.linalg.inv(np.where(regular[:, None, None], scaled, np.eye(g.terms)))
        inverse = np.where(regular[:, None, None], inverse / (unit[:, :, None] * unit[:, None, :]), np.nan)
        beta = np.einsum("mij,mj->mi", inverse, products[:, :-1, -1])
        log_information = log_determinant + 2 * np.log(unit).sum(axis=1)
        return cls(beta, inverse, np.where(regular, log_information, np.nan))


@dataclass(frozen=True)
class Standard:
    """A design of orthogonal predictors and residuals, and the way back to the terms that the caller has.

    The terms of `g` are `transform` times (1, x - centre); `beta` are the coefficients of the plain fit in these terms.
    `dependent` is the first predictor that is a combination of those before it, -1 where there is none.
    """

    g: Design
    centre: Array  # (models, terms), 0 for the first
    transform: Array  # (models, terms, terms), lower triangular
    beta: Array  # (models, terms)
    dependent: Array  # (models,)


def standard(g: Design) -> Standard:
    """The standard form of designs, whose predictors are orthogonal over the groups of each model."""
    size = np.stack([g.largest(np.abs(x)) for x in g.x], axis=1)
    rounding = ROUNDING * (size if g.origin is None else size + np.abs(g.origin.T))
    centre = np.stack([g.sum(x) / g.groups for x in g.x], axis=1)
    centre[:, 0] = 0.0
    terms = g.terms
    shift = np.broadcast_to(np.eye(terms + 1), (g.models, terms + 1, terms + 1)).copy()
    shift[:, :-1, 0] -= centre
    crude_mean = g.sum(g.y) / g.groups
    shift[:, -1, 0] = -crude_mean
    g = g.combined(shift)
    products = g.products(np.ones(1)) / g.groups[:, None, None]
    triangle, dependent = _triangle(products[:, :-1, :-1], rounding * rounding)
    inverse = _inverse(triangle)
    matrix = np.zeros((g.models, terms + 1, terms + 1))
    matrix[:, :-1, :-1], matrix[:, -1, -1] = inverse, 1.0
    g = replace(g.combined(matrix), crude=products[:, -1, -1])
    beta = Fit.of(g, np.ones(1)).beta
    beta_of_data = beta.copy()
    beta_of_data[:, 0] += crude_mean
    residual = g.residual()
    # Means on a line have residuals of rounding errors, which are no variance; those of a spread are errors of squares.
    squares = residual.residual_squares(np.zeros_like(beta))
    rounded = (ROUNDING * g.largest(np.abs(g.y))) ** 2
    if g.spread is not None:
        rounded += ROUNDING * g.largest(g.spread[-1, -1])
    exact = g.largest(squares) <= rounded
    return Standard(residual.of_zeros(exact), centre, inverse, beta_of_data, dependent)


def _triangle(covariance: Array, rounding: Array) -> tuple[Array, Array]:
    """Cholesky's factor of the covariance of the terms of each model, and the first dependent term.

    A dependent term keeps its own size, so that the factor is regular. A variance below `rounding` is 0.
    """
    models, terms = covariance.shape[:2]
    factor, dependent = np.zeros_like(covariance), np.full(models, -1)
    for j in range(terms):
        own = covariance[:, j, j]
        left = own - np.einsum("mk,mk->m", factor[:, j, :j], factor[:, j, :j])
        is_dependent = ~(left > COLLINEAR * own) | (own <= rounding[:, j])
        dependent = np.where((dependent < 0) & is_dependent, j, dependent)
        factor[:, j, j] = np.where(is_dependent, np.where(own > 0, np.sqrt(own), 1.0), np.sqrt(np.fmax(left, 0.0)))
        for i in range(j + 1, terms):
            inner = np.einsum("mk,mk->m", factor[:, i, :j], factor[:, j, :j])
            factor[:, i, j] = (covariance[:, i, j] - inner) / factor[:, j, j]
    return factor, dependent


def _inverse(triangle: Array) -> Array:
    """The inverse of lower triangular matrices, row by row: pivots of a general inverse would mix units."""
    inverse = np.zeros_like(triangle)
    for i in range(triangle.shape[1]):
        inverse[:, i, i] = 1.0
        inverse[:, i, :i] = -np.einsum("mk,mkj->mj", triangle[:, i, :i], inverse[:, :i, :i])
        inverse[:, i] /= triangle[:, i, i, None]
    return inverse
