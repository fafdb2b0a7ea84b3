"""The estimators of tau2, each a record of formulas (methods.py): arrays and SQL are computed from these records alone.

Sources of the formulas stand where they are defined, in between.py, oneway.py and crossvalidation.py.
"""

from __future__ import annotations

from . import between, bounds, crossvalidation, inference, oneway, shrink, uncertainty, within
from .elementary import Column, chi_square_median, where
from .methods import Balance, Error, Formula, Method, Minimum, Moments, Profile, Root, Sums, Terms, one

# ---- moments: fixed weights, closed forms ---------------------------------------------------------------------------


def _precision(v: Column) -> Column:
    """1 / v; groups with v = 0 are counted apart."""
    return where(v == 0, 0.0, 1 / v)


def _crude_precision(v: Column, crude: Column) -> Column:
    return between.precision(v, where(crude == 0, 1.0, crude))


def _of_trace(squares_variance: Column, trace: Column) -> Column:
    """Variance of the generalised method of moments (DerSimonian & Kacker 2007)."""
    return squares_variance / (trace * trace)


ANOVA = Method(
    "anova",
    "analysis of variance (Bühlmann–Straub)",
    "Henderson (1953) I; Bühlmann & Straub (1970)",
    known_v=Moments(between.moment_estimate, weight=lambda w: w, known_mu=between.moment_estimate_known_mu),
    error=Error(_of_trace, weight=lambda w: w),
    needs_n=True,
)
PLUGIN = Method(
    "plugin",
    "variance of the group means",
    "Mount (2023): not reduced by sampling variance",
    known_v=Moments(lambda plain_squares, df: plain_squares / df),
)
HE = Method(
    "he",
    "Hedges",
    "Hedges & Olkin (1985)",
    known_v=Moments(between.moment_estimate, weight=one, known_mu=between.moment_estimate_known_mu),
    error=Error(_of_trace, weight=one),
)
DL = Method(
    "dl",
    "DerSimonian–Laird",
    "DerSimonian & Laird (1986)",
    known_v=Moments(
        lambda ad2, groups, a, pairs: between.moment_estimate(ad2, groups, a, a, pairs),  # a v = 1, a^2 v = a
        weight=_precision,
        known_mu=lambda ad2, groups, a: between.moment_estimate_known_mu(ad2, groups, a),
        one_exact=between.moment_estimate_one_exact,
        several_exact=lambda exact_squares, exact, fitted: exact_squares / (exact - fitted),
    ),
    error=Error(_of_trace, weight=lambda v: 1 / v),
)
HS = Method(
    "hs",
    "Hunter–Schmidt",
    "Hunter & Schmidt (1990)",
    known_v=Moments(
        between.hunter_schmidt,
        weight=_precision,
        one_exact=lambda: 0.0,
        several_exact=lambda exact_squares, exact: exact_squares / exact,
    ),
    error=Error(lambda squares_variance, a: squares_variance / (a * a), weight=lambda v: 1 / v),
)
HSK = Method(
    "hsk",
    "Hunter–Schmidt, small samples",
    "Brannick, Potter, Benitez & Morris (2019)",
    known_v=Moments(
        between.hunter_schmidt_corrected,
        weight=_precision,
        one_exact=lambda: 0.0,
        several_exact=lambda exact_squares, exact, groups, df: groups / df * exact_squares / exact,
    ),
    error=Error(
        lambda squares_variance, a, groups, df: squares_variance / (a * a) * (groups / df) * (groups / df),
        weight=lambda v: 1 / v,
    ),
)
SJ = Method(
    "sj",
    "Sidik–Jonkman",
    "Sidik & Jonkman (2005)",
    known_v=Moments(lambda crude, ad2, df: between.sidik_jonkman(crude, ad2, df), weight=_crude_precision),
    error=Error(
        lambda squares_variance, crude, df: squares_variance * (crude / df) * (crude / df),  # crude counts as known
        weight=lambda v, crude: between.precision(v, crude),
    ),
)
JS = Method(
    "js",
    "James–Stein, positive part",
    "James & Stein (1961); Efron & Morris (1973)",
    known_v=Moments(lambda plain_squares, df, v_largest: between.james_stein(plain_squares, df, v_largest)),
    df=3,
    equal_v=True,
    instead=("morris", "chung"),
)

# ---- roots: the generalised Q statistic equals its expectation ------------------------------------------------------

_MEAN = Root(lambda df: df)
_OF_ROOT = Error(inference.variance_of_root, correction=uncertainty.root_correction)

PM = Method("pm", "Paule–Mandel", "Paule & Mandel (1982)", known_v=_MEAN, error=_OF_ROOT)
EB = Method("eb", "empirical Bayes", "Morris (1983); the same root as Paule–Mandel", known_v=_MEAN, error=_OF_ROOT)
MORRIS = Method(
    "morris",
    "empirical Bayes, weights corrected",
    "Morris (1983): the tau2 of eb, pooling × (J − 3)/(J − 1)",
    known_v=_MEAN,
    shrunk_by=shrink.morris_variance,
    df=3,
)


def _correction_of_median(groups: Column, df: Column, s1: Column, s2: Column) -> Column:
    root = uncertainty.root_correction(groups, s1, s2)
    return uncertainty.median_correction(root, df, chi_square_median(df), s1)


PMM = Method(
    "pmm",
    "Paule–Mandel, median-unbiased",
    "Viechtbauer (2021)",
    known_v=Root(lambda df: chi_square_median(df)),
    error=Error(inference.variance_of_root, correction=_correction_of_median),
)

# ---- likelihoods: v known, and on rows -------------------------------------------------------------------------------


def _balance(formula: Formula) -> Balance:
    return Balance(formula, bounds.one_minimum_from, bounds.point_below, value_below=lambda: -1.0)


def _rho_balance(formula: Formula) -> Balance:
    return Balance(
        formula,
        bounds.rho_one_minimum_from,
        bounds.rho_point_below,
        value_below=lambda groups, rows: groups / rows - 1,
    )


ML = Method(
    "ml",
    "maximum likelihood",
    "Hardy & Thompson (1996); on rows Hartley & Rao (1967)",
    known_v=Minimum(
        Sums(between.ml_deviance, between.ml_slope),
        # The likelihood is infinite at 0 where mu can be the mean of a group with v = 0.
        pole=lambda exact, fitted: exact * fitted > 0,
        balance=_balance(bounds.ml_balance),
    ),
    joint=Profile(
        Sums(oneway.ml_profile, oneway.ml_profile_slope),
        df=lambda rows: rows,
        sigma2=oneway.residual_variance,
        balance=_rho_balance(bounds.ml_profile_balance),
    ),
    likelihood="full",
    error=Error(
        lambda known_variance: 4 / known_variance,  # Fisher information, 2 / s2
        weight=lambda precision: precision,
        standardised=True,
        correction=lambda s1, fitted: fitted * uncertainty.ml_correction(s1),
    ),
)
REML = Method(
    "reml",
    "restricted maximum likelihood",
    "Raudenbush (2009); on rows Patterson & Thompson (1971)",
    known_v=Minimum(Sums(between.reml_deviance, between.reml_slope), balance=_balance(bounds.reml_balance)),
    joint=Profile(
        Sums(oneway.reml_profile, oneway.reml_profile_slope),
        df=lambda rows: rows - 1,
        sigma2=oneway.residual_variance,
        balance=_rho_balance(bounds.reml_profile_balance),
    ),
    likelihood="restricted",
    error=Error(
        lambda squares_variance: 4 / squares_variance,  # restricted information, 2 / tr PP
        weight=lambda precision: precision,
        standardised=True,
    ),
    known_mu=ML,
)
CHUNG = Method(
    "chung",
    "penalised maximum likelihood",
    "Chung et al. (2013): likelihood × τ",
    known_v=Minimum(
        Sums(
            between.chung_deviance,
            lambda w2d2, rest, v_least, tau2: between.chung_slope(w2d2, rest, v_least, tau2),
        ),
        # The slope rises beyond twice max(v) and six times the squared range; where all means agree the minimum is at
        # v / (J - 1).
        stretch=lambda groups: groups,
        finite_at_zero=False,
        pole=lambda exact: exact > 1,
    ),
    groups=2,
    positive=True,
)

# ---- sums of one term per group -------------------------------------------------------------------------------------

SURE = Method(
    "sure",
    "least unbiased estimate of risk",
    "Xie, Kou & Brown (2012)",
    known_v=Minimum(
        Terms(
            between.unbiased_risk,
            between.unbiased_risk_slope,
            steps={"pooling": shrink.pooling, "w": between.precision},
            count=lambda pooling: pooling * pooling,
        ),
        all_exact=lambda plain_squares, groups: plain_squares / groups,  # no risk: its limit for equal v
    ),
)
CV = Method(
    "cv",
    "least leave-one-out error",
    "Allen (1974), PRESS",
    joint=Profile(
        Terms(
            crossvalidation.leave_one_out,
            crossvalidation.leave_one_out_slope,
            steps={
                "keep": crossvalidation.pooling_at,
                "residuals": crossvalidation.squared_residuals,
                "leverage": crossvalidation.leverage,
                "residuals_slope": crossvalidation.squared_residuals_slope,
                "leverage_slope": crossvalidation.leverage_slope,
            },
        ),
        df=lambda rows, groups: rows - groups,
        sigma2=lambda squares, rows, groups: within.pooled_variance(squares, rows, groups),
        high=bounds.rho_far,
    ),
    weighted=False,
)

TAU2: dict[str, Method] = {
    method.name: method
    for method in (
        ANOVA, PLUGIN, HE, DL, HS, HSK, SJ, JS, PM, EB, MORRIS, PMM, ML, REML, CHUNG, SURE, CV,
    )
}  # fmt: skip
