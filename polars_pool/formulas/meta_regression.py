"""Groups whose means follow predictors: mean = x'b + group + error (Fay & Herriot 1979; metafor's rma with `mods`).

Z holds a row of predictors for each group, its first column 1, and w is the weight of a group in the fit of b:
1 / (v + tau2) where v is known, h = n / (1 + n rho) on rows. Sums over groups: `s1`, `s2` (of w and w^2), `wr2`, `w2r2`
(of w r^2 and w^2 r^2, r = y - Zb), `logs` (of log(v + tau2), or log(1 + n rho)), `log_information` = log |Z'WZ|,
`trace` = tr P and `trace2` = tr PP, P = W - WZ (Z'WZ)^-1 Z'W; `df` = J - p.
Source: Raudenbush (2009), "Analyzing effect sizes: random-effects models"; Viechtbauer (2010), J. Stat. Softw. 36.
"""

from __future__ import annotations

from . import between, bounds, inference, oneway, uncertainty
from .bounds import larger
from .elementary import INFINITY, Column, where
from .methods import Balance, Error, Method, Minimum, Moments, Profile, Root, Sums

# ---- the variance between groups that the predictors leave ----------------------------------------------------------


def moment_estimate(ar2: Column, trace_v: Column, trace: Column) -> Column:
    """Method of moments with weights a: (sum(a r^2) - tr PV) / tr P. dl takes a = 1 / v, he a = 1."""
    return (ar2 - trace_v) / trace


def reml_deviance(logs: Column, wr2: Column, log_information: Column) -> Column:
    """-2 restricted log L up to a constant."""
    return logs + wr2 + log_information


def reml_slope(trace: Column, w2r2: Column) -> Column:
    """Derivative of -2 restricted log L by tau2."""
    return trace - w2r2


def reml_balance(trace: Column, w2r2: Column) -> Column:
    """P / Q - 1 of the slope P - Q: it has the sign of the slope, and is nearly straight in tau2."""
    return trace / w2r2 - 1


def reml_profile(squares: Column, wr2: Column, logs: Column, log_information: Column, df: Column) -> Column:
    """-2 restricted log L of rows over sigma2 and b, up to a constant."""
    return oneway.ml_profile(squares, wr2, logs, df) + log_information


def reml_profile_slope(squares: Column, wr2: Column, w2r2: Column, trace: Column, df: Column) -> Column:
    """Derivative of the REML profile by rho."""
    return trace - df * w2r2 / (squares + wr2)


def reml_profile_balance(squares: Column, wr2: Column, w2r2: Column, trace: Column, df: Column) -> Column:
    """P / Q - 1 of the slope P - Q of the REML profile."""
    return trace * (squares + wr2) / (df * w2r2) - 1


# ---- where the search looks -----------------------------------------------------------------------------------------


def high(v_largest: Column, plain_squares: Column, df: Column) -> Column:
    """Upper end of tau2: beyond, both likelihoods fall.

    tr P >= df / (max(v) + tau2), and sum(w^2 r^2) <= plain squares / tau2^2, as b makes sum(w r^2) least.
    """
    return where(v_largest + plain_squares == 0, 1.0, larger(v_largest, 2.001 * plain_squares / df))


def one_minimum_from(plain_squares: Column, v_squares: Column, v_least: Column) -> Column:
    """The tau2 from which on a likelihood has at most one minimum (bounds.one_minimum_from).

    The roots of a restricted likelihood are at least the least v, so that m is.
    """
    return v_squares / plain_squares - 2 * v_least


def rho_high(squares: Column, plain_squares: Column, w_least: Column, df: Column, df_between: Column) -> Column:
    """Upper end of rho: beyond, both profiles rise, by the bounds of `high` with v = 1 / w."""
    far = larger(1 / w_least, 2.001 * df * plain_squares / (df_between * squares))
    return where(squares > 0, far, bounds.rho_far(w_least))


def rho_one_minimum_from(
    squares: Column, plain_squares: Column, squares_by_w: Column, w_squares: Column, w_largest: Column
) -> Column:
    """The rho from which on a likelihood has at most one minimum (bounds.rho_one_minimum_from)."""
    least = 1 / w_largest
    return where(squares > 0, (squares_by_w / plain_squares - least) * (1 + w_squares / squares) - least, INFINITY)


# ---- estimators -----------------------------------------------------------------------------------------------------


def _of_trace(squares_variance: Column, trace: Column) -> Column:
    return squares_variance / (trace * trace)


def _balance(formula: object) -> Balance:
    return Balance(formula, one_minimum_from, bounds.point_below, value_below=lambda: -1.0)  # type: ignore[arg-type]


def _rho_balance(formula: object) -> Balance:
    return Balance(
        formula,  # type: ignore[arg-type]
        rho_one_minimum_from,
        bounds.rho_point_below,
        value_below=lambda groups, rows: groups / rows - 1,
    )


_OF_ROOT = Error(inference.variance_of_root, correction=uncertainty.root_correction)

_METHODS = (
    Method(
        "reml",
        "restricted maximum likelihood",
        "Raudenbush (2009)",
        known_v=Minimum(Sums(reml_deviance, reml_slope), balance=_balance(reml_balance)),
        joint=Profile(
            Sums(reml_profile, reml_profile_slope),
            df=lambda rows, fitted: rows - fitted,
            sigma2=lambda squares, wr2, df: oneway.residual_variance(squares, wr2, df),
            high=rho_high,
            balance=_rho_balance(reml_profile_balance),
        ),
        likelihood="restricted",
        error=Error(lambda trace2: 2 / trace2),
    ),
    Method(
        "ml",
        "maximum likelihood",
        "Hardy & Thompson (1996)",
        known_v=Minimum(
            Sums(lambda logs, wr2: between.ml_deviance(logs, wr2), lambda w2r2, s1: between.ml_slope(w2r2, s1)),
            # The likelihood is infinite at 0 where the fit can meet the means of all groups with v = 0.
            pole=lambda exact, fitted: (exact > 0) & (exact <= fitted),
            balance=_balance(lambda w2r2, s1: bounds.ml_balance(w2r2, s1)),
        ),
        joint=Profile(
            Sums(
                lambda squares, wr2, logs, df: oneway.ml_profile(squares, wr2, logs, df),
                lambda squares, wr2, w2r2, s1, df: oneway.ml_profile_slope(squares, wr2, w2r2, s1, df),
            ),
            df=lambda rows: rows,
            sigma2=lambda squares, wr2, df: oneway.residual_variance(squares, wr2, df),
            high=rho_high,
            balance=_rho_balance(
                lambda squares, wr2, w2r2, s1, df: bounds.ml_profile_balance(squares, wr2, w2r2, s1, df)
            ),
        ),
        likelihood="full",
        error=Error(lambda s2: 2 / s2, correction=lambda s1, trace, s2: (s1 - trace) / s2),
    ),
    Method(
        "dl",
        "DerSimonian–Laird",
        "DerSimonian & Laird (1986)",
        known_v=Moments(moment_estimate, weight=lambda v: 1 / v),
        error=Error(_of_trace, weight=lambda v: 1 / v),
    ),
    Method(
        "he",
        "Hedges",
        "Hedges (1983)",
        known_v=Moments(moment_estimate, weight=lambda: 1.0),
        error=Error(_of_trace, weight=lambda: 1.0),
    ),
    Method(
        "hs",
        "Hunter–Schmidt",
        "Hunter & Schmidt (1990)",
        known_v=Moments(lambda ar2, groups, a: between.hunter_schmidt(ar2, groups, a), weight=lambda v: 1 / v),
        error=Error(lambda squares_variance, a: squares_variance / (a * a), weight=lambda v: 1 / v),
    ),
    Method(
        "sj",
        "Sidik–Jonkman",
        "Sidik & Jonkman (2005)",
        known_v=Moments(
            lambda crude, ar2, df: between.sidik_jonkman(crude, ar2, df), weight=lambda v, crude: 1 / (v + crude)
        ),
        error=Error(
            lambda squares_variance, crude, df: squares_variance * (crude / df) * (crude / df),
            weight=lambda v, crude: 1 / (v + crude),
        ),
    ),
    Method("pm", "Paule–Mandel", "Paule & Mandel (1982)", known_v=Root(lambda df: df), error=_OF_ROOT),
    Method("eb", "empirical Bayes", "Morris (1983)", known_v=Root(lambda df: df), error=_OF_ROOT),
)
TAU2: dict[str, Method] = {method.name: method for method in _METHODS}
"""The estimators of tau2 beside predictors, by the names of those without them."""


def plain_estimate(plain_squares: Column, groups: Column, df: Column, method: Method) -> Column:
    """tau2 where every mean is exact: the mean square of the residuals, with J for a full likelihood and hs."""
    return plain_squares / (groups if method.name in ("ml", "hs") else df)


# ---- the coefficients -----------------------------------------------------------------------------------------------


def explained(tau2: Column, without: Column) -> Column:
    """R^2, percent of the variance between groups that predictors explain (Raudenbush 2009), never below 0."""
    return where(without > 0, where(tau2 > without, 0.0, 100 * (1 - tau2 / without)), None)
