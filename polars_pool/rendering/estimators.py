"""sql/parts/rendered/estimators.sql: the estimators of tau2, rendered from their records of formulas.

A table has one entry per statistic, by the names of formulas/methods.py: the column, or the expression of columns, that
holds it in fit.sql and search.sql. There stands what is relational; no estimator is named in it.

A table macro has one CTE per estimator and reads the one that `method` names, when the query is planned: the others are
not bound. Estimators with the same formulas share one body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from textwrap import indent

from ..engines.sql import PRODUCT, SUM, Symbol, comment, folded, symbol
from ..formulas import bounds
from ..formulas.elementary import where
from ..formulas.estimators import PLUGIN, TAU2
from ..formulas.methods import Formula, Method, Minimum, Moments, Profile, Root, Sums, Terms, applied, parameters

Table = Mapping[str, Symbol]
ROOM = 98  # of a line, where it may stand deep in subqueries


def _columns(**columns: str) -> dict[str, Symbol]:
    return {name: Symbol(text) for name, text in columns.items()}


OF_MODELS: Table = {
    **_columns(groups="j", rows="n", fitted="fitted", df="df", plain_squares="plain_squares", squares="ssw"),
    **_columns(exact="exact", v_least="umin", v_largest="vmax", v_positive="vleast", w_least="wmin", w_largest="wmax"),
    **_columns(reach="reach", reach_of_rows="reach_of_rows"),
    "crude": Symbol("plain_squares / j", PRODUCT),
}
OF_WEIGHTS: Table = _columns(w="w", v="v", crude="crude")
OF_MOMENTS: Table = {
    **OF_MODELS,
    **_columns(a="a", av="av", a2v="a2v", ad2="ad2", pairs="pairs", exact_squares="exact_d2"),
}
IN_SEARCH: Table = {
    **_columns(groups="j", rows="n", squares="ssw", expected="expected", v_least="umin"),
    "fitted": Symbol("CASE WHEN known IS NULL THEN 1.0 ELSE 0.0 END"),
    "df": Symbol("j - CASE WHEN known IS NULL THEN 1.0 ELSE 0.0 END", SUM),
}
AT_TAU2: Table = {
    **IN_SEARCH,
    **_columns(tau2="x", s1="s1", s2="s2", wd2="hd2", w2d2="h2d2", logs="logs", pairs="pairs", rest="others"),
}
AT_RHO: Table = {
    **{name: column for name, column in IN_SEARCH.items() if name != "df"},  # that of sigma2 is the profile's
    **_columns(rho="x", h="s1", h2="s2", hd2="hd2", h2d2="h2d2", logs="logs"),
}
OF_ERRORS: Table = {
    **_columns(groups="j", fitted="fitted", df="df", plain_squares="plain_squares", s1="s1", s2="s2", a="a"),
    **_columns(squares_variance="squares_variance", known_variance="known_variance", trace="trace"),
    "crude": OF_MODELS["crude"],
}
OF_ERROR_WEIGHTS: Table = {**OF_WEIGHTS, **_columns(precision="h")}
OF_TERMS: Table = _columns(n="n", d="d", d2="d2", s="s", s2="s2", mu_slope="mu_slope")
TERMS_AT_TAU2: Table = {**OF_TERMS, **_columns(v="u", tau2="x")}
TERMS_AT_RHO: Table = {**OF_TERMS, **_columns(squares="squares", rho="x")}

HEADER = """\
-- The estimators of tau2: what each needs, and its formulas in terms of the columns of fit.sql and search.sql.
--
-- A table macro has one CTE per estimator and reads the one that `method` names when the query is planned: the others
-- are not bound.
"""


def text() -> str:
    """All macros of the file."""
    facts = [*_facts(), *_kinds(), *_errors()]
    macros = [_weights(), _moments(), _bounds(), _slopes(), _joint(), _limits(), _chosen()]
    return "\n".join([HEADER, *facts, *macros]).rstrip()


# ---- pieces of SQL --------------------------------------------------------------------------------------------------


def _value(formula: Formula, table: Table, **more: Symbol) -> Symbol:
    return symbol(applied(formula, table, **more))


def _names(names: Iterable[str], of: str) -> str:
    """A condition: the name is one of these."""
    listed = [f"'{name}'" for name in names]
    if not listed:
        return "false"
    return f"{of} = {listed[0]}" if len(listed) == 1 else f"{of} IN ({', '.join(listed)})"


def _scalar(title: str, signature: str, body: str) -> str:
    head = folded(f"CREATE OR REPLACE MACRO {signature} AS", 0)
    return f"{comment(title)}\n{head}\n    {body};\n"


def _by_name(values: Mapping[str, str], otherwise: str, of: str = "method") -> str:
    """A CASE of the name of an estimator; those with the same value stand in one branch."""
    names: dict[str, list[str]] = {}
    for name, value in values.items():
        if value != otherwise:
            names.setdefault(value, []).append(name)
    branches = [folded(f"WHEN {_names(some, of)} THEN {value}", 8) for value, some in names.items()]
    if not branches:
        return otherwise
    end = [] if otherwise == "NULL" else [f"ELSE {otherwise}"]
    return "\n        ".join(["CASE", *branches, *end]) + "\n    END"


def _select(columns: Mapping[str, Symbol], source: str, first: str = "*", condition: str = "") -> str:
    """A SELECT of some more columns."""
    items = [_item(x, name) for name, x in columns.items()]
    head = f"SELECT {', '.join([first, *items])}"
    if "\n" in head or len(head) > ROOM:
        head = f"SELECT {first}," + ",".join(f"\n    {item}" for item in items)
    return "\n".join([head, f"FROM {source}", *([f"WHERE {condition}"] if condition else [])])


def _item(x: Symbol, name: str) -> str:
    """A column with its name; a long CASE has one line per branch."""
    if len(x.text) + len(name) < ROOM - 8 or not x.cases:
        return _folded(f"{x.text} AS {name}")
    branches = [_folded(branch) for branch in x.cases]
    return "\n".join(["CASE", *(indent(branch, " " * 8) for branch in branches), f"    END AS {name}"])


def _folded(text: str) -> str:
    """SQL in lines of at most ROOM characters."""
    start = 119 - ROOM
    return folded(text, start).replace("\n" + " " * start, "\n")


def _subquery(select: str) -> str:
    return f"(\n{indent(select, '    ')}\n)"


def _table(title: str, signature: str, ctes: Mapping[str, str]) -> str:
    """A table macro that reads the CTE of one estimator; a body that stands there already is read from its CTE."""
    first: dict[str, str] = {}
    listed = (f'"{name}" AS ' + _same(first.setdefault(body, name), name, body) for name, body in ctes.items())
    with_all = ",\n".join(listed).replace("\n", "\n    ")
    head = f"{comment(title)}\nCREATE OR REPLACE MACRO {signature} AS TABLE"
    return f"{head}\n    WITH {with_all}\n    FROM query_table(method);\n"


def _same(first: str, name: str, body: str) -> str:
    return body if first == name else f'(FROM "{first}")'


def _searched() -> dict[str, Method]:
    """The estimators that take a search."""
    return {name: m for name, m in TAU2.items() if m.joint is not None or not isinstance(m.known_v, Moments)}


def _jointly(joint: Symbol | None, known_v: Symbol | None) -> Symbol:
    """A value that depends on whether sigma2 is estimated together with tau2."""
    if joint is None or known_v is None:
        value = known_v if joint is None else joint
        assert value is not None
        return value
    return joint if joint.text == known_v.text else symbol(where(Symbol("jointly"), joint, known_v))


# ---- facts ----------------------------------------------------------------------------------------------------------


def _facts() -> Iterable[str]:
    name = "_pool_name(tau2)"

    known = {m.name: f"'{m.known_mu.name}'" for m in TAU2.values() if m.known_mu is not None}
    about = "\n        ".join(
        f"WHEN {_names([method], name)} AND _pool_number(mu) IS NOT NULL THEN {other}"
        for method, other in known.items()
    )
    yield _scalar(
        "The estimator that computes tau2: about a known mu some are another one.",
        "_pool_method(tau2, mu)",
        f"CASE\n        {about}\n        ELSE {name}\n    END",
    )
    least = {m.name: f"j >= {m.groups} AND j - fitted >= {m.df}" for m in TAU2.values()}
    yield _scalar(
        "Whether there are enough groups for an estimator.",
        "_pool_enough(tau2, j, fitted)",
        _by_name(least, "j >= 1 AND j - fitted >= 1", name),
    )


def _those(fact: Callable[[Method], bool]) -> str:
    """A condition: tau2 is the name of one of the estimators with a fact."""
    return folded(_names((m.name for m in TAU2.values() if fact(m)), "_pool_name(tau2)"), 4)


def _kinds() -> Iterable[str]:
    yield _scalar(
        "Whether sigma2 and tau2 are estimated together from rows with one sigma2.",
        "_pool_is_joint(tau2)",
        _those(lambda m: m.joint is not None),
    )
    yield _scalar(
        "Whether the estimate is the maximum of a likelihood.",
        "_pool_is_likelihood(tau2)",
        _those(lambda m: m.likelihood is not None),
    )
    restricted = _names((m.name for m in TAU2.values() if m.likelihood == "restricted"), "method")
    yield _scalar("Whether it is the maximum of the restricted likelihood.", "_pool_is_restricted(method)", restricted)
    yield _scalar(
        "Whether an estimator fits rows, moments and published estimates, with weights and without.",
        "_pool_fits_every_input(tau2)",
        _those(lambda m: m.known_v is not None and m.weighted and not m.needs_n),
    )
    yield _scalar(
        "Whether tau2 is above 0 even where all means agree.",
        "_pool_is_positive(tau2)",
        _those(lambda m: m.positive),
    )
    yield _scalar(
        "Whether the weights of the groups use another tau2 than the estimate.",
        "_pool_is_corrected(tau2)",
        _those(lambda m: m.shrunk_by is not None),
    )
    columns = _columns(tau2="estimate", v="v", df="df")
    shrunk = {m.name: _value(m.shrunk_by, columns).text for m in TAU2.values() if m.shrunk_by is not None}
    yield _scalar(
        "The tau2 that they use.",
        "_pool_corrected(tau2, estimate, v, df)",
        _by_name(shrunk, "estimate", "_pool_name(tau2)"),
    )


# ---- the error of tau2 ----------------------------------------------------------------------------------------------


def _errors() -> Iterable[str]:
    errors = {name: m.error for name, m in TAU2.items() if m.error is not None}
    weights = {name: error.weight for name, error in errors.items() if error.weight is not None}
    yield _scalar(
        "Whether the variance of tau2 comes from that of squares with weights.",
        "_pool_error_has_weights(method)",
        _names(weights, "method"),
    )
    yield _scalar(
        "The weight of a group in these squares; h is 1 / (v + tau2).",
        "_pool_error_weight(method, w, v, crude, h)",
        _by_name({name: _value(weight, OF_ERROR_WEIGHTS).text for name, weight in weights.items()}, "h"),
    )
    by_w = [name for name, weight in weights.items() if "w" in parameters(weight)]
    yield _scalar(
        "Whether it grows with w; else it grows with the precision.",
        "_pool_error_weighs_w(method)",
        _names(by_w, "method"),
    )
    standardised = [name for name, error in errors.items() if error.standardised]
    yield _scalar(
        "Whether the variance of squares is that of means of variance 1.",
        "_pool_error_is_standardised(method)",
        _names(standardised, "method"),
    )
    variances = {name: _value(error.variance, OF_ERRORS).text for name, error in errors.items()}
    yield _scalar(
        "The variance of tau2 where v is known.",
        "_pool_error_variance(method, squares_variance, known_variance, a, trace, plain_squares, j, df, s1)",
        _by_name(variances, "NULL"),
    )
    corrections = {n: _value(e.correction, OF_ERRORS).text for n, e in errors.items() if e.correction is not None}
    yield _scalar(
        "Minus its bias, to first order.",
        "_pool_error_correction(method, fitted, j, df, s1, s2)",
        _by_name(corrections, "0.0"),
    )


# ---- moments --------------------------------------------------------------------------------------------------------


def _of_moments() -> dict[str, Moments]:
    """The estimators with weights of their own."""
    known_v = {name: m.known_v for name, m in TAU2.items()}
    return {name: m for name, m in known_v.items() if isinstance(m, Moments) and m.weight is not None}


def _weights() -> str:
    weights = {name: _value(m.weight, OF_WEIGHTS).text for name, m in _of_moments().items() if m.weight is not None}
    outweighed = [name for name, m in _of_moments().items() if m.exact_outweigh]
    return "\n".join(
        [
            _scalar(
                "What a group counts in the squares of an estimator: by its size, alike, or by its precision.",
                "_pool_fixed_weight(method, w, v, crude)",
                _by_name(weights, "1.0"),
            ),
            _scalar(
                "Whether groups with v = 0 outweigh all others.",
                "_pool_exact_outweigh(method)",
                _names(outweighed, "method"),
            ),
        ]
    )


def _estimate(m: Moments) -> Symbol:
    """The closed form with its limits."""
    estimate = _value(m.estimate, OF_MOMENTS)
    if m.known_mu is not None:
        estimate = where(Symbol("known IS NOT NULL"), _value(m.known_mu, OF_MOMENTS), estimate)
    if m.one_exact is not None:
        estimate = where(Symbol("exact > 0"), _value(m.one_exact, OF_MOMENTS), estimate)
    if m.several_exact is not None:
        estimate = where(Symbol("exact > fitted"), _value(m.several_exact, OF_MOMENTS), estimate)
    return estimate


def _moments() -> str:
    bodies = {
        name: _subquery(_select({"x": _estimate(m)}, "query_table(sums)", "model")) for name, m in _of_moments().items()
    }
    return _table(
        "tau2 of every model from its sums of moments, before it is truncated at 0.",
        "_pool_moment_estimates(sums, method)",
        bodies,
    )


# ---- searches -------------------------------------------------------------------------------------------------------


def _bounds() -> str:
    return _table(
        "Where a search looks: at `floor`, or on a grid from `low` to `high`. At a pole the deviance falls without\n"
        "end: that is no minimum. `expected` is the expectation of Q where its root is the estimate.",
        "_pool_bounds(facts, method)",
        {name: _bounds_of(m) for name, m in _searched().items()},
    )


def _bounds_of(method: Method) -> str:
    known_v, joint = method.known_v, method.joint
    high, point = Symbol("high"), Symbol("0.0")
    joint_high = joint_low = None
    if joint is not None:
        joint_high = _value(joint.high, OF_MODELS, df=_value(joint.df, OF_MODELS))
        joint_low = _value(bounds.rho_low, OF_MODELS)
    known_v_high = known_v_low = known_v_floor = None
    expected, pole = Symbol("NULL::DOUBLE"), Symbol("false")
    if isinstance(known_v, Root):
        expected = _value(known_v.expected, OF_MODELS)
        known_v_high = _value(bounds.root_high, OF_MODELS, expected=Symbol("expected"))
        known_v_low, known_v_floor = high, _value(bounds.floor, OF_MODELS, high=high)
    elif isinstance(known_v, Minimum):
        stretch = applied(known_v.stretch, OF_MODELS)
        known_v_high = _value(bounds.high, OF_MODELS, stretch=stretch)
        known_v_low = _value(bounds.low, OF_MODELS, high=high, stretch=stretch)
        known_v_floor = _value(known_v.floor, OF_MODELS, high=high)
        if known_v.pole is not None:
            pole = _jointly(None if joint is None else Symbol("false"), _value(known_v.pole, OF_MODELS))
    if isinstance(known_v, Moments):
        raise NotImplementedError(f"{method.name}: a closed form for known v beside a search on rows")
    floor = _jointly(None if joint is None else point, known_v_floor)
    inner = _select({"expected": expected}, "query_table(facts)", "*", _condition(method))
    middle = _select({"high": _jointly(joint_high, known_v_high)}, _subquery(inner))
    outer = {"low": _jointly(joint_low, known_v_low), "floor": floor, "pole": pole}
    return _subquery(_select(outer, _subquery(middle)))


def _condition(method: Method) -> str:
    """The models in which the estimator searches."""
    if method.known_v is None:
        return "jointly"
    return "estimable" if method.joint is None else "jointly OR estimable"


def _slopes() -> str:
    ctes = {name: cte for m in _searched().values() for name, cte in _slopes_of(m).items()}
    return _table(
        "The slope at the points of a search, and the deviance there.", "_pool_slopes(about, classes, method)", ctes
    )


def _slopes_of(method: Method) -> dict[str, str]:
    """The CTE of one estimator, after those that it reads."""
    assert not isinstance(method.known_v, Moments)
    known_v = None if method.known_v is None else method.known_v.objective
    on_rows = None if method.joint is None else method.joint.objective
    if isinstance(known_v, Terms) and on_rows is None:
        return _of_terms(method.name, known_v, TERMS_AT_TAU2)
    if isinstance(on_rows, Terms) and known_v is None:
        return _of_terms(method.name, on_rows, TERMS_AT_RHO)
    if isinstance(known_v, Terms) or isinstance(on_rows, Terms):
        raise NotImplementedError(f"{method.name}: a sum of terms beside another objective")
    df = {} if method.joint is None else {"df": _value(method.joint.df, AT_RHO)}

    def both(choose: Callable[[Sums], Formula]) -> Symbol:
        return _jointly(
            None if on_rows is None else _value(choose(on_rows), AT_RHO, **df),
            None if known_v is None else _value(choose(known_v), AT_TAU2),
        )

    columns = {"slope": both(lambda o: o.slope), "deviance": both(lambda o: o.value)}
    return {method.name: _subquery(_select(columns, "query_table(about)"))}


def _of_terms(method: str, objective: Terms, table: Table) -> dict[str, str]:
    """What each group counts in mu, its terms, and their sums."""
    ctes, steps = {}, dict(objective.steps)
    source = "_pool_about_gls_mean(about, classes)"
    if objective.count is not None:
        early = _before(steps, {name for name in table if name not in OF_TERMS or name == "n"})
        layers, table = _layers(early, table, "_pool_at_points(about, classes)")
        counted = {"counted": _value(objective.count, table)}
        ctes[f"_pool_{method}_counted"] = _subquery(_select(counted, layers))
        steps = {name: formula for name, formula in steps.items() if name not in early}
        source = f"_pool_about_own_mean('_pool_{method}_counted')"
    layers, table = _layers(steps, table, source)
    columns = {"slope": _value(objective.slope, table), "deviance": _value(objective.value, table)}
    ctes[f"_pool_{method}_terms"] = _subquery(_select(columns, layers, "id, k"))
    sums = f"_pool_sums_of_terms('_pool_{method}_terms')"
    ctes[method] = _subquery(f"FROM query_table(about) JOIN {sums} USING (id)")
    return ctes


def _before(steps: Mapping[str, Formula], available: set[str]) -> dict[str, Formula]:
    """The steps that need nothing but what is available, and each other."""
    ready: dict[str, Formula] = {}
    while more := {n: f for n, f in steps.items() if n not in ready and set(parameters(f)) <= available | set(ready)}:
        ready |= more
    return ready


def _layers(steps: Mapping[str, Formula], table: Table, source: str) -> tuple[str, Table]:
    """Nested subqueries that compute the steps, those that others need inside; and the table with their columns."""
    table = dict(table)
    todo = dict(steps)
    while todo:
        ready = {name: f for name, f in todo.items() if not set(parameters(f)) & set(todo)}
        columns = {name: _value(formula, table) for name, formula in ready.items()}
        source = _subquery(_select(columns, source))
        table.update({name: Symbol(name) for name in ready})
        todo = {name: f for name, f in todo.items() if name not in ready}
    return source, table


# ---- what follows from a search -------------------------------------------------------------------------------------


def _profiles() -> dict[str, Profile]:
    return {name: m.joint for name, m in TAU2.items() if m.joint is not None}


def _joint() -> str:
    df = {name: _value(p.df, OF_MODELS) for name, p in _profiles().items()}
    columns = {**OF_MODELS, "hd2": Symbol("hd2")}
    sigma2 = {name: _value(p.sigma2, columns, df=df[name]).text for name, p in _profiles().items()}
    return "\n".join(
        [
            _scalar(
                "The degrees of freedom of sigma2 where it is estimated together with tau2.",
                "_pool_joint_df(method, n, j)",
                _by_name({name: x.text for name, x in df.items()}, "NULL"),
            ),
            _scalar(
                "sigma2 where it is estimated together with tau2.",
                "_pool_joint_sigma2(method, ssw, hd2, n, j)",
                _by_name(sigma2, "NULL"),
            ),
        ]
    )


def _limits() -> str:
    limits: dict[str, str] = {}
    for name, m in TAU2.items():
        if m.known_v is None and isinstance(PLUGIN.known_v, Moments):
            limits[name] = _value(PLUGIN.known_v.estimate, OF_MODELS).text
        elif isinstance(m.known_v, Minimum) and m.known_v.all_exact is not None:
            limit = _value(m.known_v.all_exact, OF_MODELS)
            limits[name] = symbol(where(Symbol("exact = j"), limit, None)).text
    return _scalar(
        "tau2 where v is known and there is nothing to search for, NULL elsewhere: every v is 0, or no row differs\n"
        "from its group and the estimator needs rows that do.",
        "_pool_without_search(method, plain_squares, exact, j, df)",
        _by_name(limits, "NULL"),
    )


def _chosen() -> str:
    none = "NULL::DOUBLE AS hd2, NULL::BOOLEAN AS done"
    bodies = {"known": _subquery(_select({"x": Symbol("NULL::DOUBLE")}, "query_table(facts)", f"model, {none}"))}
    for name, m in TAU2.items():
        if not isinstance(m.known_v, Moments):
            source = f"_pool_by_search(moved, facts, '{name}')"
        elif m.known_v.weight is not None:
            source = f"_pool_by_moments(moved, facts, '{name}')"
        else:
            columns = {"x": _value(m.known_v.estimate, OF_MODELS)}
            source = _subquery(_select(columns, "query_table(facts)", f"model, {none}"))
        if m.equal_v:
            instead = " and ".join(f"''{other}''" for other in m.instead)
            x = f"CASE WHEN unequal = 0 THEN x ELSE _pool_unequal('{name}', '{instead}', unequal) END AS x"
            bodies[name] = _subquery(f"SELECT * REPLACE (\n    {x}\n)\nFROM {source}, _pool_unequal_models(facts)")
        else:
            bodies[name] = source if source.startswith("(") else f"(FROM {source})"
    return _table(
        "x, which is tau2 or rho = tau2 / sigma2, of every model by one estimator; by `known` no estimate. hd2 is the\n"
        "sum of squares there and `done` whether the search settled, NULL for a closed form.",
        "_pool_estimated_by(moved, facts, method)",
        bodies,
    )
