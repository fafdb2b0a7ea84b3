"""Where the search for a root or a minimum looks: bounds from statistics of a model (methods.py names them)."""

from .elementary import INFINITY, Column, where

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


def one_minimum_from(plain_squares: Column, v_squares: Column, precision: Column, precision2: Column) -> Column:
    """The tau2 from which on a likelihood has at most one minimum.

    Its slope is P - Q with P = sum(1 / (l + tau2)) and Q = sum(c / (l + tau2)^2), where sum(c) are the plain squares
    and sum(c l) / sum(c) is the mean v of these squares. P falls at a rate of at most 1 / (m + tau2), m = sum(1 / v) /
    sum(1 / v^2), Q of at least 2 / (mean v + tau2), both by the inequality of Cauchy and Schwarz: from here on, P / Q
    rises. For a restricted likelihood the l are roots between the v, and their m is at least that of the v.
    """
    return v_squares / plain_squares - 2 * precision / precision2


def point_below(precision: Column, precision2: Column) -> Column:
    """A tau2 below 0 where the balance of a likelihood is about -1; exactly, if all v are equal."""
    return -precision / precision2


def ml_balance(w2d2: Column, s1: Column) -> Column:
    """P / Q - 1 of the slope P - Q of -2 log L: it has the sign of the slope, and is nearly straight in tau2."""
    return s1 / w2d2 - 1


def reml_balance(w2d2: Column, s1: Column, pairs: Column) -> Column:
    """P / Q - 1 of the slope P - Q of -2 restricted log L."""
    return pairs / s1 / w2d2 - 1


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


def rho_one_minimum_from(
    squares: Column, plain_squares: Column, squares_by_w: Column, w_squares: Column, w1: Column, w2: Column
) -> Column:
    """The rho from which on a likelihood has at most one minimum.

    As for a known v with l = 1 / w, but Q = -df f' / f of f = SSW + sum(c / (l + rho)). It falls at a rate of at least
    2 - R in place of 2, where R, the share of f that is between groups, falls with rho and is at 0 at most that of the
    squares about the plain mean.
    """
    typical = w1 / w2
    return where(squares > 0, (squares_by_w / plain_squares - typical) * (1 + w_squares / squares) - typical, INFINITY)


def rho_point_below(w1: Column, w2: Column) -> Column:
    """A rho below 0 where the balance of a likelihood is about J / df - 1, or (J - 1) / df - 1 if it is restricted."""
    return -w1 / w2


def ml_profile_balance(squares: Column, hd2: Column, h2d2: Column, h: Column, df: Column) -> Column:
    """P / Q - 1 of the slope P - Q of the ML profile: it has the sign of the slope, and is nearly straight in rho."""
    return h * (squares + hd2) / (df * h2d2) - 1


def reml_profile_balance(squares: Column, hd2: Column, h2d2: Column, h: Column, h2: Column, df: Column) -> Column:
    """P / Q - 1 of the slope P - Q of the REML profile."""
    return (h - h2 / h) * (squares + hd2) / (df * h2d2) - 1


def rho_far(w_least: Column) -> Column:
    """Upper end where no bound is known."""
    return FAR / w_least
