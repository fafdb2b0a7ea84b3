"""Estimators that need a search: its range, its slopes and its deviance."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...engines.sql import Symbol, symbol
from ...formulas import bounds
from ...formulas.elementary import where
from ...formulas.estimators import TAU2
from ...formulas.methods import Balance, Formula, Method, Minimum, Moments, Root, Terms, applied, parameters
from .pieces import select, subquery, table_macro, value
from .tables import AT_RHO, AT_TAU2, OF_MODELS, OF_TERMS, TERMS_AT_RHO, TERMS_AT_TAU2, Table

# the columns of facts that a search holds beside its range
HELD = "model, j, n, ssw, df, fitted, exact, known, jointly, wmax, vleast, umin, at_umin, y_at_umin"

# those of them that its cells hold
OF_CELLS = "model, j, n, ssw, known, jointly, umin, at_umin, y_at_umin, high, bend, x3, f3"


def searched() -> dict[str, Method]:
    """The estimators that take a search."""
    return {name: m for name, m in TAU2.items() if m.joint is not None or not isinstance(m.known_v, Moments)}


def jointly(joint: Symbol | None, known_v: Symbol | None) -> Symbol:
    """A value that depends on whether sigma2 is estimated together with tau2."""
    if joint is None or known_v is None:
        value = known_v if joint is None else joint
        assert value is not None
        return value
    return joint if joint.text == known_v.text else symbol(where(Symbol("jointly"), joint, known_v))


def ranges() -> str:
    return table_macro(
        "Where a search looks: at `floor`, or on a grid from `low` to `high`. At a pole the deviance falls without\n"
        "end: that is no minimum. `expected` is the expectation of Q where its root is the estimate. Above `bend` the\n"
        "deviance has one minimum at most, and its slope is nearly a straight line through f3 at x3 below.",
        "_pool_bounds(facts, method)",
        {name: _bounds_of(m) for name, m in searched().items()},
    )


def _bounds_of(method: Method) -> str:
    known_v, joint = method.known_v, method.joint
    high, point = Symbol("high"), Symbol("0.0")
    joint_high = joint_low = None
    if joint is not None:
        joint_high = value(joint.high, OF_MODELS, df=value(joint.df, OF_MODELS))
        joint_low = value(bounds.rho_low, OF_MODELS)
    known_v_high = known_v_low = known_v_floor = None
    expected, pole = Symbol("NULL::DOUBLE"), Symbol("false")
    if isinstance(known_v, Root):
        expected = value(known_v.expected, OF_MODELS)
        known_v_high = value(bounds.root_high, OF_MODELS, expected=expected)
        known_v_low, known_v_floor = high, value(bounds.floor, OF_MODELS, high=high)
    elif isinstance(known_v, Minimum):
        stretch = applied(known_v.stretch, OF_MODELS)
        known_v_high = value(bounds.high, OF_MODELS, stretch=stretch)
        known_v_low = value(bounds.low, OF_MODELS, high=high, stretch=stretch)
        known_v_floor = value(known_v.floor, OF_MODELS, high=high)
        if known_v.pole is not None:
            pole = jointly(None if joint is None else Symbol("false"), value(known_v.pole, OF_MODELS))
    if isinstance(known_v, Moments):
        raise NotImplementedError(f"{method.name}: a closed form for known v and a search on rows")
    floor = jointly(None if joint is None else point, known_v_floor)
    columns = {"high": jointly(joint_high, known_v_high), **_lines_of(method)}
    inner = select(columns, "query_table(facts)", HELD, _condition(method))
    ends = {"low": jointly(joint_low, known_v_low), "floor": floor, "pole": pole, "expected": expected}
    return subquery(select(ends, subquery(inner), OF_CELLS))


def _lines_of(method: Method) -> dict[str, Symbol]:
    """From where on the deviance has one minimum at most, and a point of its slope below."""
    known_v = method.known_v.balance if isinstance(method.known_v, Minimum) else None
    joint = None if method.joint is None else method.joint.balance
    if known_v is None and joint is None:
        return dict.fromkeys(("bend", "x3", "f3"), Symbol("NULL::DOUBLE"))

    def both(formula: Callable[[Balance], Formula]) -> Symbol:
        of_joint, of_known_v = (None if b is None else value(formula(b), OF_MODELS) for b in (joint, known_v))
        return jointly(of_joint, of_known_v)

    formulas = {"bend": lambda b: b.rises_from, "x3": lambda b: b.below, "f3": lambda b: b.value_below}
    return {name: both(formula) for name, formula in formulas.items()}


def _condition(method: Method) -> str:
    """The models in which the estimator searches."""
    if method.known_v is None:
        return "jointly"
    return "estimable" if method.joint is None else "jointly OR estimable"


def slopes() -> str:
    ctes = {name: cte for m in searched().values() for name, cte in _slopes_of(m).items()}
    return table_macro(
        "The slope at the points of a search, and the deviance there: by an estimator, or for a known tau.",
        "_pool_slopes(about, classes, method)",
        {"tau": "(FROM _pool_by_tau(about))", **ctes},
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
        raise NotImplementedError(f"{method.name}: a sum of terms and another objective")
    df = {} if method.joint is None else {"df": value(method.joint.df, AT_RHO)}

    def both(of_joint: Formula | None, of_known_v: Formula | None) -> Symbol:
        return jointly(
            None if of_joint is None else value(of_joint, AT_RHO, **df),
            None if of_known_v is None else value(of_known_v, AT_TAU2),
        )

    deviance = both(None if on_rows is None else on_rows.value, None if known_v is None else known_v.value)
    slope = both(None if on_rows is None else on_rows.slope, None if known_v is None else known_v.slope)
    if isinstance(method.known_v, Minimum) and method.known_v.balance is not None:
        # It has the sign of the slope, and few steps lead to its root. Without squares it is infinite.
        joint = None if method.joint is None or method.joint.balance is None else method.joint.balance.formula
        balance = both(joint, method.known_v.balance.formula)
        slope = symbol(where(Symbol("h2d2 > 0"), balance, Symbol("'infinity'::DOUBLE")))
    columns = {"slope": slope, "deviance": deviance}
    return {method.name: subquery(select(columns, "query_table(about)"))}


def _of_terms(method: str, objective: Terms, table: Table) -> dict[str, str]:
    """What each group counts in mu, its terms, and their sums."""
    ctes, steps = {}, dict(objective.steps)
    source = "_pool_about_gls_mean(about, classes)"
    if objective.count is not None:
        early = _before(steps, {name for name in table if name not in OF_TERMS or name == "n"})
        layers, table = _layers(early, table, "_pool_at_points(about, classes)")
        counted = {"counted": value(objective.count, table)}
        ctes[f"_pool_{method}_counted"] = subquery(select(counted, layers))
        steps = {name: formula for name, formula in steps.items() if name not in early}
        source = f"_pool_about_own_mean('_pool_{method}_counted')"
    layers, table = _layers(steps, table, source)
    columns = {"slope": value(objective.slope, table), "deviance": value(objective.value, table)}
    ctes[f"_pool_{method}_terms"] = subquery(select(columns, layers, "id, k"))
    sums = f"_pool_sums_of_terms('_pool_{method}_terms')"
    ctes[method] = subquery(f"FROM query_table(about) JOIN {sums} USING (id)")
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
        columns = {name: value(formula, table) for name, formula in ready.items()}
        source = subquery(select(columns, source))
        table.update({name: Symbol(name) for name in ready})
        todo = {name: f for name, f in todo.items() if name not in ready}
    return source, table
