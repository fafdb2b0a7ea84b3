"""Models whose groups lie exactly on lines of their own: the population is the mean and covariance of these lines."""

from __future__ import annotations

import numpy as np

from ...engines.numpy import Array
from .reduced import Reduced, own_coefficients


def population_of_lines(d: Reduced, restricted: bool, correlated: bool) -> tuple[Array, Array]:
    """Mean, (models, terms), and covariance of the groups' own coefficients, which fit their rows exactly."""
    own = own_coefficients(d.r, d.ry)
    identified = ~np.isnan(own[0])
    own, groups = np.where(identified, own, 0.0), d.sum(identified)
    mean = d.sum(own) / groups
    deviation = np.where(identified, own - d.each(mean), 0.0)
    products = d.sum(deviation[:, None] * deviation[None]) / (groups - restricted)
    if not correlated:
        products *= np.eye(len(own))[:, :, None]
    return mean.T, np.moveaxis(products, -1, 0)
