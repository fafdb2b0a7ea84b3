"""From where on a likelihood has at most one minimum, against its slope on a dense grid of points beyond."""

import numpy as np
import pytest

from polars_pool.formulas import bounds

POINTS = np.geomspace(1e-3, 1e6, 4000)


def models(count=300):
    """A few groups of high precision that nearly agree, beside some of low precision that lie far apart."""
    random = np.random.default_rng(5)
    for _ in range(count):
        precise, others = random.integers(2, 4), random.integers(2, 6)
        w = np.floor(10 ** np.concatenate([random.uniform(2, 5, precise), random.uniform(0, 0.5, others)])) + 1
        y = np.concatenate([random.normal(scale=0.02, size=precise), random.normal(scale=3, size=others)])
        yield w, y, max(w.sum() - len(w), 1) * 10 ** random.uniform(-3, 0.5)


def turns(slope) -> int:
    """How often the slope changes from falling to rising."""
    rises = slope >= 0
    return int(np.sum(~rises[:-1] & rises[1:]))


def moments(w, y, tau2):
    """Sums over the groups of h, h^2, h d^2 and h^2 d^2 at each tau2, h = 1 / (1 / w + tau2)."""
    h = 1 / (1 / w[:, None] + tau2)
    d2 = (y[:, None] - (h * y[:, None]).sum(0) / h.sum(0)) ** 2
    return h.sum(0), (h * h).sum(0), (h * d2).sum(0), (h * h * d2).sum(0)


@pytest.mark.parametrize("restricted", [True, False])
def test_where_v_is_known(restricted):
    several = 0
    for w, y, _ in models():

        def slope(tau2, w=w, y=y):
            h, h2, _, h2d2 = moments(w, y, tau2)
            return h - restricted * h2 / h - h2d2

        several += turns(slope(POINTS)) > 1
        d2 = (y - y.mean()) ** 2
        start = bounds.one_minimum_from(d2.sum(), (d2 / w).sum(), w.sum(), (w * w).sum())
        assert turns(slope(max(start, 0.0) + POINTS)) <= 1
    assert several > 0  # the models that the bound is for


@pytest.mark.parametrize("restricted", [True, False])
def test_on_rows(restricted):
    several = 0
    for w, y, squares in models():
        df = w.sum() - restricted

        def slope(rho, w=w, y=y, squares=squares, df=df):
            h, h2, hd2, h2d2 = moments(w, y, rho)
            return h - restricted * h2 / h - df * h2d2 / (squares + hd2)

        several += turns(slope(POINTS)) > 1
        d2 = (y - y.mean()) ** 2
        start = bounds.rho_one_minimum_from(squares, d2.sum(), (d2 / w).sum(), (d2 * w).sum(), w.sum(), (w * w).sum())
        assert turns(slope(max(float(start), 0.0) + POINTS)) <= 1
    assert several > 0
