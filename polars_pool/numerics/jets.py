"""Columns with their first and second derivatives by a few parameters: arithmetic carries the derivatives along.

Source: Griewank & Walther (2008), Evaluating Derivatives, chapter 13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from .arrays import Array


@dataclass(frozen=True)
class Jet:
    """A column with derivatives: its values, its gradient and the lower triangle of its Hessian, row by row.

    One array, (1 + parameters + pairs, rows). The pairs are those of `numpy.tril_indices`, so that those of a further
    parameter follow all others.
    """

    data: Array
    parameters: int

    @property
    def value(self) -> Array:
        """The values, (rows)."""
        return np.asarray(self.data[0])

    @property
    def first(self) -> Array:
        """The first derivatives, (parameters, rows)."""
        return self.data[1 : 1 + self.parameters]

    @property
    def second(self) -> Array:
        """The second derivatives, (pairs, rows)."""
        return self.data[1 + self.parameters :]

    @property
    def pairs(self) -> tuple[Array, Array]:
        """The parameters of each second derivative."""
        return _pairs(self.parameters)

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.data + other.data, self.parameters)

    def __sub__(self, other: Jet) -> Jet:
        return Jet(self.data - other.data, self.parameters)

    def __mul__(self, other: Jet) -> Jet:
        i, j = self.pairs
        data = self.value * other.data
        data[1:] += other.value * self.data[1:]
        second = data[1 + self.parameters :]
        second += self.first[i] * other.first[j]
        second += self.first[j] * other.first[i]
        return Jet(data, self.parameters)

    def through(self, value: Array, slope: Array, curvature: Array) -> Jet:
        """A function of the column, from its values and derivatives there."""
        i, j = self.pairs
        data = slope * self.data
        data[0] = value
        scaled = curvature * self.first
        data[1 + self.parameters :] += scaled[i] * self.first[j]
        return Jet(data, self.parameters)

    def inverse(self) -> Jet:
        """1 / column."""
        inverse = 1 / self.value
        square = inverse * inverse
        return self.through(inverse, -square, 2 * square * inverse)

    def log(self) -> Jet:
        """The natural logarithm of the column."""
        inverse = 1 / self.value
        return self.through(np.log(self.value), inverse, -inverse * inverse)

    def plus(self, constant: Array) -> Jet:
        """The column and a constant in each row."""
        data = self.data.copy()
        data[0] += constant
        return Jet(data, self.parameters)

    def times(self, constant: Array) -> Jet:
        """The column times a constant in each row."""
        return Jet(self.data * constant, self.parameters)

    def with_parameter(self, slope: float = 0.0) -> Jet:
        """The column with a further parameter, of which it is a linear function with this slope."""
        more = self.parameters + 1
        of_parameter = np.full((1, self.data.shape[1]), slope)
        pairs = np.zeros((more, self.data.shape[1]))
        return Jet(np.concatenate([self.data[:more], of_parameter, self.data[more:], pairs]), more)

    def rows(self, some: slice) -> Jet:
        """Some rows."""
        return Jet(self.data[:, some], self.parameters)

    def hessian(self) -> Array:
        """The second derivatives as symmetric matrices, (rows, parameters, parameters)."""
        i, j = self.pairs
        full = np.empty((self.data.shape[1], self.parameters, self.parameters))
        full[:, i, j] = full[:, j, i] = self.second.T
        return full


@cache
def _pairs(parameters: int) -> tuple[Array, Array]:
    return np.tril_indices(parameters)


def joined(jets: Sequence[Jet]) -> Jet:
    """The rows of several columns, one after the other."""
    return jets[0] if len(jets) == 1 else Jet(np.concatenate([x.data for x in jets], axis=1), jets[0].parameters)
