"""The standard units of a regression: columns of mean 0 and size 1 over the rows of a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...engines.numpy import Array
from ...formulas import moments
from .crossproducts import Crossproducts

COLLINEAR = 1e-11  # relative size below which a singular value of the covariates counts as 0


@dataclass(frozen=True)
class Terms:
    """The terms of a model: an intercept, if it has one, then the covariates; and which terms vary by group."""

    covariates: int
    intercept: bool
    varying: tuple[int, ...]  # places among the terms
    correlated: bool

    @property
    def count(self) -> int:
        return self.covariates + self.intercept

    @property
    def intercept_varies(self) -> bool:
        return self.intercept and 0 in self.varying

    @property
    def shifted(self) -> bool:
        """Whether the varying terms can be taken about the centre: the intercept varies, their covariance is free."""
        others = len(self.varying) - self.intercept_varies
        return self.intercept and (not others or (self.intercept_varies and self.correlated))


@dataclass(frozen=True)
class Scale:
    """Location and size of the columns of each model, (columns, models); the intercept takes up the centre."""

    mean: Array  # about the pivot
    centre: Array  # the mean, or 0 where there is no intercept
    origin: Array  # the centre in the units of the data
    size: Array
    products: Array  # (columns, columns, models): mean products of all rows about the centre, in units of the sizes

    def line(self, terms: Terms) -> Array:
        """The least-squares coefficients of the terms, (models, terms), in standard units: the intercept's is 0."""
        products = np.nan_to_num(np.moveaxis(self.products, -1, 0))
        inverse = np.linalg.pinv(products[:, :-1, :-1], rcond=COLLINEAR, hermitian=True)
        slopes = np.einsum("mij,mj->mi", inverse, products[:, :-1, -1])
        return np.pad(slopes, ((0, 0), (int(terms.intercept), 0)))

    def from_varying(self, terms: Terms) -> Array:
        """Matrices (models, terms, terms) from coefficients of the varying terms, which may be about 0, to those about
        the centre, where each term varies."""
        matrices = np.repeat(np.eye(terms.count)[None], self.size.shape[1], axis=0)
        if terms.intercept and not terms.shifted:
            matrices[:, 0, 1:] = (self.origin / self.size)[:-1].T
        return matrices


def scale(groups: Crossproducts, pivots: Array, terms: Terms) -> Scale:
    """The scale of the columns of each model, whose means are deviations from the pivots, (columns, models)."""
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
    # A column that is constant over all rows has no products; the sums hold its rounding.
    squares = np.asarray(moments.above_rounding(1.0, np.einsum("iim->im", products), mean))
    products = np.where((squares[:, None] > 0) & (squares[None] > 0), products, 0.0)
    size = np.where(squares > 0, np.sqrt(squares), 1.0)
    return Scale(mean, centre, centre + pivots, size, products / (size[:, None] * size[None]))
