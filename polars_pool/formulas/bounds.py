"""Where the search for a root or a minimum looks: bounds from statistics of a model (methods.py names them)."""

from .elementary import Column, where

FAR = 1e10  # tau2 / sigma2 of a single row beyond which sigma2 is 0
NEGLIGIBLE = 1e-30  # of the largest tau2 in question: stands for 0 where v = 0 makes 1 / v infinite


def larger(a: Column, b: Column) -> Column:
    """The larger of two numbers."""
    return where(a > b, a, b)


def smaller(a: Column, b: Column) -> Column:
    """The smaller of two numbers; b where a is missing."""
    return where(a < b, a, b)


# ---- tau2, where v is known -----------------------------------------------------------------------------------------


def high(v_largest: Column, reach: Column, stretch: Column) -> Column:
    """Upper end for a likelihood: the restricted one falls beyond max(v) and three times the squared range of y.

    This holds for any J >= 2; `stretch` is for a deviance that rises only further out.
    """
    return where(v_largest + reach == 0, 1.0, stretch * larger(v_largest, 12 * reach))


def low(v_positive: Column, high: Column, stretch: Column) -> Column:
    """Least point of the grid above the floor."""
    return larger(0.01 / stretch * smaller(v_positive, high), 1e-18 * high)


def one_minimum_from(v_least: Column, v_largest: Column) -> Column:
    """The tau2 from which on a likelihood has at most one minimum.

    Its slope is P - Q with P = sum(1 / (l + tau2)) and Q = sum(c / (l + tau2)^2) over l from min(v) to max(v). P falls
    at a rate of at most 1 / (min(v) + tau2), Q of at least 2 / (max(v) + tau2): from here on, P / Q rises.
    """
    return v_largest - 2 * v_least


def floor(exact: Column, high: Column) -> Column:
    """The point that stands for tau2 = 0: 0 itself, unless 1 / v is infinite there."""
    return where(exact == 0, 0.0, NEGLIGIBLE * high)


def floor_above_zero(high: Column) -> Column:
    """The point that stands for tau2 = 0 where the deviance is infinite at 0."""
    return NEGLIGIBLE * high


def root_high(plain_squares: Column, expected: Column) -> Column:
    """Upper end for a root of Q: Q(tau2) <= sum((y - centre)^2) / tau2 for any centre."""
    return where(plain_squares == 0, 1.0, 1.001 * plain_squares / expected)


# ---- rho = tau2 / sigma2, on rows -----------------------------------------------------------------------------------


def rho_low(w_largest: Column) -> Column:
    """Least point of the grid above 0."""
    return 0.01 / w_largest


def rho_high(squares: Column, w_least: Column, reach_of_rows: Column, df: Column) -> Column:
    """Upper end for a likelihood: beyond 3 / min(n) and 8 df range^2 / SSW both profiles rise, for any J >= 2.

    Without squares within they may fall without end, to sigma2 = 0.
    """
    return where(squares > 0, larger(3 / w_least, 32 * df * reach_of_rows / squares), rho_far(w_least))


def rho_one_minimum_from(squares: Column, plain_squares: Column, w_least: Column, w_largest: Column) -> Column:
    """The rho from which on a likelihood has at most one minimum.

    As for a known v with l = 1 / w, but Q = -df f' / f of f = SSW + sum(c / (l + rho)), where the sum of all c is that
    of the squares about the plain mean. By the zeros -m of f, Q is the integral of 1 / (t + rho)^2 over all t between
    an l and the next m, and the largest m is at most max(l) + sum(c) / SSW.
    """
    return where(squares > 0, 1 / w_least - 2 / w_largest + plain_squares / squares, rho_far(w_least))


def rho_far(w_least: Column) -> Column:
    """Upper end where no bound is known."""
    return FAR / w_least
