"""Columns with their first and second derivatives by a few parameters: arithmetic carries the derivatives along.

Source: Griewank & Walther (2008), Evaluating Derivatives, chapter 13.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .arrays import Array


@dataclass(frozen=True)
class Jet:
    """A column: its values, (rows), its gradients, (parameters, rows), and its Hessians, (pairs, rows).

    The pairs are those of `numpy.tril_indices`: a further parameter adds pairs at the end.
    """

    value: Array
    first: Array
    second: Array

    @property
    def pairs(self) -> tuple[Array, Array]:
        return np.tril_indices(len(self.first))

    def __add__(self, other: Jet) -> Jet:
        return Jet(self.value + other.value, self.first + other.first, self.second + other.second)

    def __sub__(self, other: Jet) -> Jet:
        return Jet(self.value - other.value, self.first - other.first, self.second - other.second)

    def __mul__(self, other: Jet) -> Jet:
        i, j = self.pairs
        first = self.value * other.first + other.value * self.first
        second = self.value * other.second + other.value * self.second
        second += self.first[i] * other.first[j]
        second += self.first[j] * other.first[i]
        return Jet(self.value * other.value, first, second)

    def through(self, value: Array, slope: Array, curvature: Array) -> Jet:
        """A function of the column, from its values and derivatives there."""
        i, j = self.pairs
        second = slope * self.second
        second += curvature * self.first[i] * self.first[j]
        return Jet(value, slope * self.first, second)

    def inverse(self) -> Jet:
        """1 / column."""
        inverse = 1 / self.value
        square = inverse * inverse
        return self.through(inverse, -square, 2 * square * inverse)

    def log(self) -> Jet:
        """The natural logarithm of the column."""
        inverse = 1 / self.value
        return self.through(np.log(self.value), inverse, -inverse * inverse)

    def with_parameter(self, slope: float = 0.0) -> Jet:
        """The column with a further parameter, of which it is a linear function with this slope."""
        more = len(self.first) + 1
        first = np.concatenate([self.first, np.full((1, len(self.value)), slope)])
        return Jet(self.value, first, np.concatenate([self.second, np.zeros((more, len(self.value)))]))

    def less(self, constant: Array) -> Jet:
        """The column less a constant in each row."""
        return Jet(self.value - constant, self.first, self.second)

    def mapped(self, function: Callable[[Array], Array]) -> Jet:
        """A linear function of rows, such as sums, of the column and its derivatives."""
        return Jet(function(self.value), function(self.first), function(self.second))

    def hessian(self) -> Array:
        """The Hessians as symmetric matrices, (rows, parameters, parameters)."""
        i, j = self.pairs
        full = np.empty((self.value.shape[0], len(self.first), len(self.first)))
        full[:, i, j] = full[:, j, i] = self.second.T
        return full
