"""The estimate of one estimator, by its name, and what belongs to it: sigma2, and limits without a search."""

from __future__ import annotations

from ...engines.sql import Symbol, symbol
from ...formulas.elementary import where
from ...formulas.estimators import PLUGIN, TAU2
from ...formulas.methods import Minimum, Moments, Profile
from .pieces import by_name, scalar, select, subquery, table_macro, value
from .tables import OF_MODELS


def _profiles() -> dict[str, Profile]:
    return {name: m.joint for name, m in TAU2.items() if m.joint is not None}


def sigma2() -> str:
    df = {name: value(p.df, OF_MODELS) for name, p in _profiles().items()}
    columns = {**OF_MODELS, "hd2": Symbol("hd2")}
    sigma2 = {name: value(p.sigma2, columns, df=df[name]).text for name, p in _profiles().items()}
    return "\n".join(
        [
            scalar(
                "The degrees of freedom of sigma2 where it is estimated together with tau2.",
                "_pool_joint_df(method, n, j)",
                by_name({name: x.text for name, x in df.items()}, "NULL"),
            ),
            scalar(
                "sigma2 where it is estimated together with tau2.",
                "_pool_joint_sigma2(method, ssw, hd2, n, j)",
                by_name(sigma2, "NULL"),
            ),
        ]
    )


def limits() -> str:
    limits: dict[str, str] = {}
    for name, m in TAU2.items():
        if m.known_v is None and isinstance(PLUGIN.known_v, Moments):
            limits[name] = value(PLUGIN.known_v.estimate, OF_MODELS).text
        elif isinstance(m.known_v, Minimum) and m.known_v.all_exact is not None:
            limit = value(m.known_v.all_exact, OF_MODELS)
            limits[name] = symbol(where(Symbol("exact = j"), limit, None)).text
    return scalar(
        "tau2 where v is known and there is nothing to search for, NULL elsewhere: every v is 0, or no row differs\n"
        "from its group and the estimator needs rows that do.",
        "_pool_without_search(method, plain_squares, exact, j, df)",
        by_name(limits, "NULL"),
    )


def chosen() -> str:
    none = "NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done"
    bodies = {"known": subquery(select({"x": Symbol("NULL::DOUBLE")}, "query_table(facts)", f"model, {none}"))}
    for name, m in TAU2.items():
        if not isinstance(m.known_v, Moments):
            source = f"_pool_by_search(moved, facts, '{name}')"
        elif m.known_v.weight is not None:
            source = f"_pool_by_moments(moved, facts, '{name}')"
        else:
            columns = {"x": value(m.known_v.estimate, OF_MODELS)}
            source = subquery(select(columns, "query_table(facts)", f"model, {none}"))
        if m.equal_v:
            instead = " and ".join(f"''{other}''" for other in m.instead)
            x = f"CASE WHEN unequal = 0 THEN x ELSE _pool_unequal('{name}', '{instead}', unequal) END AS x"
            bodies[name] = subquery(f"SELECT * REPLACE (\n    {x}\n)\nFROM {source}, _pool_unequal_models(facts)")
        else:
            bodies[name] = source if source.startswith("(") else f"(FROM {source})"
    return table_macro(
        "x, which is tau2 or rho = tau2 / sigma2, of every model by one estimator; by `known` no estimate. hd2 is the\n"
        "sum of squares there and `done` whether the search settled, NULL for a closed form.",
        "_pool_estimated_by(moved, facts, method)",
        bodies,
    )


def components() -> str:
    valid = "list_contains(pool_method_names('tau2'), _pool_name(tau2))"
    arguments = "groups, inputs, sigma2, tau2, mu, {}level, test, limits, detail"
    bodies = {name: f"(FROM _pool_components_by({arguments.format(repr(name) + ', ')}))" for name in ["known", *TAU2]}
    return table_macro(
        "One row per model: the components by the estimator that tau2 names, or with a known tau2. A wrong name is an\n"
        "error when the query runs.",
        f"_pool_components({arguments.format('')})",
        bodies,
        f"CASE\n        WHEN {valid} THEN _pool_method(tau2, mu) ELSE 'known'\n    END",
    )
