"""parts/rendered/meta_regression.sql: the estimators of tau2 beside one predictor, rendered from their records.

Tables hold the names of columns of sql/parts/meta_regression by statistic. A table macro has one CTE per estimator and
reads the one that `method` names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import getdoc

from ..engines.sql import SUM, Symbol, symbol
from ..formulas import bounds
from ..formulas import meta_regression as formulas
from ..formulas import meta_regression_line as line
from ..formulas.elementary import where
from ..formulas.meta_regression import TAU2
from ..formulas.methods import Formula, Method, Minimum, Moments, Profile, Root, parameters
from .estimators.pieces import by_name, scalar, select, subquery, table_macro, value
from .estimators.search import jointly
from .estimators.tables import Table, named

COMMENT = """\
-- The estimators of tau2 beside one predictor of groups, in terms of the columns of parts/meta_regression.
--
"""
OF_MODELS: Table = {
    **named(groups="j", rows="n", fitted="p", squares="ssw", plain_squares="plain_squares", v_squares="v_squares"),
    **named(w_squares="w_squares", squares_by_w="squares_by_w", v_least="vmin", v_positive="vmin", v_largest="vmax"),
    **named(w_least="wmin", w_largest="wmax", crude="crude", v="v1", v2="v2", vz="vz", vzz="vzz", v2zz="v2zz"),
    **dict.fromkeys(("df", "df_between"), Symbol("j - p", SUM)),
}
AT_POINTS: Table = {
    **OF_MODELS,
    **named(s1="s1", s2="s2", wr2="wr2", w2r2="w2r2", trace="trace", log_information="log_information", logs="logs"),
}
OF_SUMS: Table = named(
    **{name: name for name in ("s1", "s2", "s3", "zz1", "zz2", "zz3", "u2", "uu2", "uu3", "inverse", "level", "slope")}
)


def text() -> str:
    """All macros of the file."""
    parts = [_statistics(), *_names(), _ranges(), _rises(), _moments(), _errors()]
    return (COMMENT + "\n".join(parts)).rstrip()


def _symbols(formula: Callable[..., object], *columns: str) -> Symbol:
    return symbol(formula(*map(Symbol, columns)))


def _statistics() -> str:
    """The statistics at points from sums, each column in terms of those before it."""
    uu1, zr = _symbols(line.about_means, "zz1", "z1", "z1", "s1"), _symbols(line.about_means, "zr1", "z1", "r1", "s1")
    columns = {
        "mean_z": Symbol("z1 / s1"),
        "mean_r": Symbol("r1 / s1"),
        "inverse": symbol(where(Symbol("p = 2"), 1 / Symbol(uu1.text, SUM), 0.0)),
        "slope": zr * Symbol("inverse"),
        "level": Symbol("mean_r - slope * mean_z"),
        "u2": Symbol("z2 - mean_z * s2"),
        "uu2": _symbols(line.about_centre, "zz2", "z2", "s2", "mean_z"),
        "uu3": _symbols(line.about_centre, "zz3", "z3", "s3", "mean_z"),
        "wr2": _symbols(line.squares, "rr1", "zr1", "zz1", "r1", "z1", "s1", "level", "slope"),
        "w2r2": _symbols(line.squares, "rr2", "zr2", "zz2", "r2", "z2", "s2", "level", "slope"),
        **{f.__name__: value(f, OF_SUMS) for f in (line.trace, line.trace2, line.log_information)},
    }
    body = select(columns, "query_table(sums)").replace("\n", "\n    ")
    title = "-- Weighted fits at points, and the statistics of their residuals, from sums over the groups.\n"
    return f"{title}CREATE OR REPLACE MACRO _pool_toward_statistics(sums) AS TABLE\n    {body};\n"


def _names() -> list[str]:
    plain = {
        name: symbol(formulas.plain_estimate(Symbol("plain_squares"), Symbol("j"), Symbol("j - p", SUM), m)).text
        for name, m in TAU2.items()
    }
    df = {name: value(m.joint.df, OF_MODELS).text for name, m in TAU2.items() if m.joint is not None}
    return [
        scalar(
            "The estimators that go with a predictor.",
            "_pool_names_of_toward()",
            str(list(TAU2)),
        ),
        scalar(
            "The estimator that tau2 names, or `known` for a number or a wrong name.",
            "_pool_toward_method(tau2)",
            "CASE WHEN list_contains(_pool_names_of_toward(), _pool_name(tau2)) THEN _pool_name(tau2) ELSE 'known' END",
        ),
        scalar(
            "tau2 where every mean is exact.", "_pool_toward_plain(method, plain_squares, j, p)", by_name(plain, "NULL")
        ),
        scalar(
            "The degrees of freedom of sigma2 where it is estimated with tau2.",
            "_pool_toward_joint_df(method, n, p)",
            by_name(df, "NULL"),
        ),
        *_formulas(),
    ]


def _formulas() -> Iterator[str]:
    """Formulas of models as macros of their own."""
    for formula in (formulas.explained, line.squares_variance, line.once_by_rows, line.twice_by_rows):
        names = tuple(parameters(formula))
        title = (getdoc(formula) or "").partition("\n")[0]
        yield scalar(title, f"_pool_toward_{formula.__name__}({', '.join(names)})", _symbols(formula, *names).text)


def _profile(method: Method) -> tuple[Profile | None, dict[str, Symbol]]:
    """The estimate on rows, and the degrees of freedom of its sigma2."""
    return method.joint, {} if method.joint is None else {"df": Symbol("joint_df")}


def _ranges() -> str:
    """Where each estimator searches: its closed form has one point."""
    bodies = {"known": "(FROM query_table(facts) WHERE false)"}
    for name, m in TAU2.items():
        joint, df = _profile(m)
        none = Symbol("NULL::DOUBLE")
        columns = {"low": Symbol("0.0"), "high": none, "bend": none, "expected": none}
        if isinstance(m.known_v, Root):
            expected = value(m.known_v.expected, OF_MODELS)
            columns |= {"high": value(bounds.root_high, OF_MODELS, expected=expected), "expected": expected}
        elif isinstance(m.known_v, Minimum):
            assert joint is not None
            assert joint.balance is not None
            assert m.known_v.balance is not None
            low = jointly(
                value(bounds.rho_low, OF_MODELS),
                value(bounds.low, OF_MODELS, high=Symbol("high"), stretch=1.0),  # type: ignore[arg-type]
            )
            high = jointly(value(joint.high, OF_MODELS, **df), value(formulas.high, OF_MODELS))
            bend = jointly(value(joint.balance.rises_from, OF_MODELS), value(m.known_v.balance.rises_from, OF_MODELS))
            columns = {"high": high, "low": low, "bend": bend, "expected": none}
        elif "crude" in _weights(m):
            columns["low"] = Symbol("crude")
        bodies[name] = subquery(select(columns, "query_table(facts)", condition="estimable AND vmax > 0"))
    return table_macro(
        "The models that need an estimate, with the range of its search. From `bend` on the deviance has at most one\n"
        "minimum. `expected` is the expectation of Q where its root is the estimate. A closed form has one point.",
        "_pool_toward_ranges(facts, method)",
        bodies,
    )


def _weights(method: Method) -> set[str]:
    """What the fixed weights of an estimator depend on."""
    known_v = method.known_v
    return set(parameters(known_v.weight)) if isinstance(known_v, Moments) and known_v.weight is not None else set()


def _rises() -> str:
    """What rises through 0 at the estimate, and the deviance to compare several."""
    bodies = {"known": "(SELECT *, NULL::DOUBLE AS rise, NULL::DOUBLE AS deviance FROM query_table(statistics))"}
    for name, m in TAU2.items():
        joint, df = _profile(m)
        if not isinstance(m.known_v, Minimum):
            bodies[name] = bodies["known"]
            continue
        assert joint is not None
        assert joint.balance is not None
        assert m.known_v.balance is not None

        def both(of_rows: Formula, known_v: Formula, df: Mapping[str, Symbol] = df) -> Symbol:
            return jointly(value(of_rows, AT_POINTS, **df), value(known_v, AT_POINTS))

        rise = both(joint.balance.formula, m.known_v.balance.formula)
        rise = symbol(where(Symbol("w2r2 > 0"), rise, Symbol("'infinity'::DOUBLE")))  # without squares it is infinite
        deviance = both(joint.objective.value, m.known_v.objective.value)
        bodies[name] = subquery(select({"rise": rise, "deviance": deviance}, "query_table(statistics)"))
    return table_macro(
        "What rises through 0 at a minimum of the deviance, and the deviance.",
        "_pool_toward_rises(statistics, method)",
        bodies,
    )


def _moments() -> str:
    """The closed forms, from the statistics at weights 1 / v, 1 / (v + crude) or with equal weights."""
    bodies = {}
    for name, m in TAU2.items():
        if not isinstance(m.known_v, Moments):
            bodies[name] = "(SELECT model, NULL::DOUBLE AS x FROM query_table(statistics) WHERE false)"
            continue
        estimate = value(m.known_v.estimate, {**AT_POINTS, **_of_fixed(m)})
        bodies[name] = subquery(select({"x": estimate}, "query_table(statistics)", "model"))
    return table_macro(
        "tau2 in closed form, before it is truncated at 0.", "_pool_toward_moments(statistics, method)", bodies
    )


def _of_fixed(method: Method) -> dict[str, Symbol]:
    """The statistics of fixed weights a: with a = 1 / v, tr PV is the degrees of freedom."""
    df = AT_POINTS["df"]
    if _weights(method):
        return {**named(ar2="wr2", a="s1"), "trace_v": df}
    return {"ar2": Symbol("plain_squares"), "trace_v": value(line.plain_trace_v, OF_MODELS), "trace": df}


def _errors() -> str:
    """Variance and minus bias of tau2 where v is known; the columns of the weights a have a_ before their names."""
    plain = value(line.plain_squares_variance, {**OF_MODELS, "tau2": Symbol("tau2_")})
    bodies = {"known": "(SELECT *, NULL::DOUBLE AS error2, 0.0 AS bias FROM query_table(fitted))"}
    for name, m in TAU2.items():
        assert m.error is not None
        table = {**AT_POINTS, **named(trace2="trace2")}
        if isinstance(m.known_v, Moments):
            of_weights = named(a="a_s1", trace="a_trace") if _weights(m) else {"trace": AT_POINTS["df"]}
            table |= {**of_weights, "squares_variance": Symbol("squares_variance") if _weights(m) else plain}
        bias = Symbol("0.0") if m.error.correction is None else value(m.error.correction, table)
        columns = {"error2": value(m.error.variance, table), "bias": bias}
        bodies[name] = subquery(select(columns, "query_table(fitted)"))
    return table_macro(
        "The variance of tau2 where v is known, and minus its bias.", "_pool_toward_errors(fitted, method)", bodies
    )
