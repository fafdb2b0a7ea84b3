"""Roots of many functions at once, against SciPy and against roots in closed form; eigenvalues, against NumPy."""

import numpy as np
import pytest
from scipy.optimize.elementwise import find_root as by_scipy

from polars_pool.numerics import trust_region
from polars_pool.numerics.roots import find_root, straight_root

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


STRAIGHT = {
    "line": (lambda x, c: x / c - 1, lambda c: c),
    "curved": (lambda x, c: x / c - 1 + 0.1 * (x / c) ** 2, lambda c: c * (np.sqrt(1.4) - 1) / 0.2),
    "bent": (lambda x, c: np.log1p(x / c) - 1, lambda c: c * np.expm1(1)),
    "far": (lambda x, c: x / c - 1e4, lambda c: c * 1e4),
}
SCALES = np.geomspace(1e-30, 1e30, 61)


@pytest.mark.parametrize("name", STRAIGHT)
@pytest.mark.parametrize("guess", [1.0, 0.9, 2.0, 1e-4])
def test_roots_of_nearly_straight_functions(name, guess):
    """The value below 0 is only a guess, and may even be above that at 0."""
    function, closed = STRAIGHT[name]
    x = np.stack([-SCALES / 2, 0 * SCALES])
    f = function(x, SCALES)
    f[0] *= guess
    root = straight_root(function, x, f, SCALES)
    assert np.allclose(root, closed(SCALES), rtol=2e-15, atol=0)


NOT_STRAIGHT = [
    lambda x, c: np.tanh(1e6 * (x / c - 1)),
    lambda x, c: (x / c - 1) ** 9,
    lambda x, c: np.where(x < c, -1.0, 1.0),
    lambda x, c: np.where(x > c, np.nan, -1.0),
    lambda x, c: np.full_like(x, -1.0),
]


def test_a_function_that_is_not_straight_has_its_root_or_none():
    for function in NOT_STRAIGHT:
        root = straight_root(function, np.stack([-C, 0 * C]), np.stack([0 * C - 2, 0 * C - 1]), C)
        assert (np.isnan(root) | np.isclose(root, C, rtol=1e-2, atol=0)).all()


def test_eigenvectors_of_two_rows_by_numpy():
    """Among them are diagonal and singular matrices, multiples of the identity, and entries of very different sizes."""
    first, both, second = np.array(np.meshgrid([-2.0, 0.0, 1.0, 1e9], [-3.0, 0.0, 1.0, 1e-9], [-2.0, 0.0, 1.0, 1e-9]))
    matrices = np.stack([first, both, both, second], axis=-1).reshape(-1, 2, 2)
    values, vectors = trust_region._of_two(matrices)
    size = np.abs(matrices).max(axis=(1, 2))[:, None]
    assert (np.abs(np.sort(values) - np.linalg.eigvalsh(matrices)) <= 1e-15 * size).all()
    assert np.allclose(vectors.swapaxes(1, 2) @ vectors, np.eye(2), rtol=0, atol=1e-15)
    assert (np.abs(matrices @ vectors - vectors * values[:, None, :]).max(axis=1) <= 1e-15 * size).all()
