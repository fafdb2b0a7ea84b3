"""Roots of many functions at once, against SciPy and against roots in closed form."""

import numpy as np
from scipy.optimize.elementwise import find_root as by_scipy

from polars_pool.numerics.roots import find_root

C = np.concatenate([np.geomspace(1e-270, 1e270, 55), [1.0, 2.0, 4.0]])
FUNCTIONS = {
    "square": (lambda x, c: x * x - c, np.sqrt),
    "reciprocal": (lambda x, c: c - 1 / x, lambda c: 1 / c),
    "log": (lambda x, c: np.log(x) - np.log(c), lambda c: c),
    "step": (lambda x, c: np.where(x < c, -1.0, 1.0), lambda c: c),
    "steep": (lambda x, c: np.tanh(1e6 * (x / c - 1)), lambda c: c),
    "flat": (lambda x, c: (x / c - 1) ** 9, None),
}


def test_roots_in_closed_form():
    """The bracket of each reaches 1e5 times below and above its root."""
    for name, (function, closed) in FUNCTIONS.items():
        if closed is not None:
            root, converged = find_root(function, closed(C) / 1e5, closed(C) * 1e5, C)
            assert converged.all(), name
            assert np.allclose(root, closed(C), rtol=2e-13 if name == "log" else 2e-15, atol=0), name


def test_the_same_steps_as_scipy():
    """SciPy runs the same algorithm: the same points, so the same last bits."""
    with np.errstate(all="ignore"):
        for name, (function, closed) in FUNCTIONS.items():
            at = C if closed is None else closed(C)
            for low, high in ((at / 1e5, at * 3e4), (at * 7, at / 11), (at, at * 2), (at / 3, at)):
                root, converged = find_root(function, low, high, C)
                other = by_scipy(function, (low, high), args=(C,))
                assert np.array_equal(root, other.x, equal_nan=True), name
                assert np.array_equal(converged, other.success), name


def test_without_a_bracket_there_is_no_root():
    low, high = np.array([2.0, 2.0, -np.inf, 2.0, np.nan]), np.array([3.0, 3.0, 3.0, 2.0, 3.0])
    root, converged = find_root(lambda x, c: x * x - c, low, high, np.array([1.0, np.nan, 5.0, 1.0, 5.0]))
    assert np.isnan(root).all()
    assert not converged.any()


def test_a_small_value_is_a_root_unless_it_must_be_zero():
    low, high = np.array([1e-160]), np.array([1.0])
    assert find_root(np.square, low, high)[1].all()
    assert not find_root(np.square, low, high, zero=0.0)[1].any()


def test_no_functions():
    root, converged = find_root(lambda x: x, np.zeros(0), np.ones(0))
    assert root.shape == converged.shape == (0,)
