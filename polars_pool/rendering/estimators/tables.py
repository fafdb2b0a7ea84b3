"""The columns of fit.sql and search.sql that hold the statistics of the formulas, one table per place.

A table has one entry per statistic, by the names of formulas/methods.py: the column, or the expression of columns, that
holds it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...engines.sql import PRODUCT, SUM, Symbol

Table = Mapping[str, Symbol]


def named(**columns: str) -> dict[str, Symbol]:
    """Columns by the names of statistics."""
    return {name: Symbol(text) for name, text in columns.items()}


OF_MODELS: Table = {
    **named(groups="j", rows="n", fitted="fitted", df="df", plain_squares="plain_squares", squares="ssw"),
    **named(exact="exact", v_least="umin", v_largest="vmax", v_positive="vleast", w_least="wmin", w_largest="wmax"),
    **named(reach="reach", reach_of_rows="reach_of_rows"),
    **named(v_squares="v_squares", w_squares="w_squares", squares_by_w="squares_by_w"),
    **named(precision="precision", precision2="precision2", w1="w1", w2="w2"),
    "crude": Symbol("plain_squares / j", PRODUCT),
}
OF_WEIGHTS: Table = named(w="w", v="v", crude="crude")
OF_MOMENTS: Table = {
    **OF_MODELS,
    **named(a="a", av="av", a2v="a2v", ad2="ad2", pairs="pairs", exact_squares="exact_d2"),
}
IN_SEARCH: Table = {
    **named(groups="j", rows="n", squares="ssw", expected="expected", v_least="umin"),
    "fitted": Symbol("CASE WHEN known IS NULL THEN 1.0 ELSE 0.0 END"),
    "df": Symbol("j - CASE WHEN known IS NULL THEN 1.0 ELSE 0.0 END", SUM),
}
AT_TAU2: Table = {
    **IN_SEARCH,
    **named(tau2="x", s1="s1", s2="s2", wd2="hd2", w2d2="h2d2", logs="logs", pairs="pairs", rest="others"),
}
AT_RHO: Table = {
    **{name: column for name, column in IN_SEARCH.items() if name != "df"},  # that of sigma2 is the profile's
    **named(rho="x", h="s1", h2="s2", hd2="hd2", h2d2="h2d2", logs="logs"),
}
OF_ERRORS: Table = {
    **named(groups="j", fitted="fitted", df="df", plain_squares="plain_squares", s1="s1", s2="s2", a="a"),
    **named(squares_variance="squares_variance", known_variance="known_variance", trace="trace"),
    "crude": OF_MODELS["crude"],
}
OF_ERROR_WEIGHTS: Table = {**OF_WEIGHTS, **named(precision="h")}
OF_TERMS: Table = named(n="n", d="d", d2="d2", s="s", s2="s2", mu_slope="mu_slope")
TERMS_AT_TAU2: Table = {**OF_TERMS, **named(v="u", tau2="x")}
TERMS_AT_RHO: Table = {**OF_TERMS, **named(squares="squares", rho="x")}
