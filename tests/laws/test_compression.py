"""Compressed groups have the sums of all groups."""

import math

import numpy as np
import pytest

from polars_pool.formulas import compression

H = 2 ** (1 / compression.BINS)
TERMS = {
    "precision": lambda v, tau2: 1 / (v + tau2),
    "squared precision": lambda v, tau2: 1 / (v + tau2) ** 2,
    "log": lambda v, tau2: np.log(v + tau2),
    "pooling": lambda v, tau2: v / (v + tau2),
}


def pseudo_groups(v, y):
    """Counts, v and y of the pseudo-groups of one bin, from the formulas."""
    least, largest, mean, sd = v.min(), v.max(), y.mean(), y.std()
    t, z = compression.place(v, least, largest), compression.deviation(y, mean, sd)
    polynomials = [np.ones_like(t), t]
    while len(polynomials) <= compression.DEGREE:
        polynomials.append(compression.next_polynomial(t, *polynomials[:-3:-1]))
    sums = np.array([[(p * z**q).sum() for q in range(3)] for p in polynomials])
    count, first, second = (np.array(compression.COUNTS) @ sums).T
    points = compression.at_point(np.array(compression.POINTS), least, largest)
    above, below = compression.count_above(first, second), compression.count_below(first, second)
    counts = np.concatenate([above, below, compression.count_at_mean(count, second)])
    return counts, np.tile(points, 3), np.repeat([mean + sd, mean - sd, mean], len(points))


@pytest.mark.parametrize("tau2", [0.0, 0.1, 1.0, 100.0])
@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("shape", ["spread", "few values", "at one end", "skewed means"])
def test_a_bin_has_the_sums_of_its_groups(term, tau2, shape):
    """Sums of f(v) y^q over the pseudo-groups of a bin against exactly rounded sums over its groups."""
    rng = np.random.default_rng(1)
    v, y = 3 * H ** rng.random(500), rng.normal(2, 1, 500)
    if shape == "few values":
        v = rng.choice(v[:3], 500)
    elif shape == "at one end":
        v[1:] = v[0]
    elif shape == "skewed means":
        y = np.exp(3 * y)
    counts, points, means = pseudo_groups(v, y)
    for q in range(3):
        f = TERMS[term](v, tau2)
        total, size = math.fsum(f * y**q), math.fsum(abs(f * y**q))
        assert abs(math.fsum(counts * TERMS[term](points, tau2) * means**q) - total) <= 1e-12 * size
