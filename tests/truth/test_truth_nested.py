"""Nested levels against lme4, nlme and metafor, and against the closed forms of balanced data, by every path."""

import math
from collections import defaultdict
from fractions import Fraction
from functools import cache
from statistics import NormalDist

import grid
import numpy as np
import polars as pl
import pytest
import sqlpaths
from dense import Dense
from frames import MOMENTS
from scipy.stats import chi2

import polars_pool as pool

ROWS = ("nested_Pastes", "nested_Oxide", "nested_Oats", "nested_Pixel")
BALANCED = ROWS[:3]
PUBLISHED = ("rmamv_konstantopoulos2011_district_school", "rmamv_konstantopoulos2011_district")
METHODS = {"REML": "reml", "ML": "ml"}
ENGINES = dict(zip(METHODS, sqlpaths.SQL_PATHS, strict=True))  # of SQL: each method in one of them
LEVELS = ["outer", "inner"]
KEYS = {"by": LEVELS, "nested": True}
TOLERANCE = grid.ITERATED
Z95 = NormalDist().inv_cdf(0.975)
pytestmark = pytest.mark.every_way

# ---- data and results ------------------------------------------------------------------------------------------------


@cache
def rows(name: str) -> pl.DataFrame:
    """The rows or estimates of a vector under common names."""
    file = grid.vector(name)
    frame = pl.read_csv(grid.VECTORS / file["input"], infer_schema=False)
    if name in PUBLISHED:
        se = pl.col("vi").cast(pl.Float64).sqrt().alias("se")
        return frame.select(outer="district", inner="school", y=pl.col("yi").cast(pl.Float64), se=se)
    outer, inner = file["by"]
    return frame.select(outer=outer, inner=inner, y=pl.col(file["value"]).cast(pl.Float64))


def tau2_of(name: str, method: str) -> str | list:
    """The argument tau2: rma.mv with the district alone has no variance between the schools of a district."""
    return [METHODS[method], 0] if name.endswith("district") else METHODS[method]


def of_eager(verb, name, method, **options):
    """The vector alone, as a DataFrame."""
    columns = {"se": "se"} if name in PUBLISHED else {}
    return verb(rows(name), "y", **KEYS, **columns, tau2=tau2_of(name, method), **options)


def among_all(engine, of_moments=False):
    """The vector as one of the models of a lazy query."""

    def of_lazy(verb, name, method, **options):
        return _among(verb, engine, of_moments, batch(name), method, **options).filter(set=name).drop("set")

    return of_lazy


def batch(name) -> tuple[str, ...]:
    """The vectors that are the models of one query."""
    [names] = (names for names in ((PUBLISHED[1],), (PUBLISHED[0],), ROWS) if name in names)
    return names


@cache
def _among(verb, engine, of_moments, names, method, **options):
    frame = pl.concat([rows(name).with_columns(set=pl.lit(name)) for name in names]).lazy()
    value, columns, over = "y", {}, {"over": "set"}
    if names != ROWS:
        columns = {"se": "se"} | ({"n": pl.lit(1)} if of_moments else {})
    elif of_moments:
        frame, value, columns = pool.moments(frame, "y", by=["set", *LEVELS]), "mean", MOMENTS
    tau2 = tau2_of(names[0], method)
    return verb(frame, value, **KEYS, **columns, **over, tau2=tau2, **options).collect(engine=engine)


def of_query(verb, name, method, **options):
    """The vector as one of the models of a query in SQL."""
    return _in_sql(verb, batch(name), method, **options).filter(set=name).drop("set")


@cache
def _in_sql(verb, names, method, **options):
    database, tau2 = sqlpaths.database(ENGINES[method]), tau2_of(names[0], method)
    database.hold(pl.concat([rows(name).with_columns(set=pl.lit(name)) for name in names]))
    columns = {} if names == ROWS else {"se": "se"}
    known = {"tau2": tau2[0], "tau2_inner": tau2[1]} if isinstance(tau2, list) else {"tau2": tau2}
    call = sqlpaths.call(f"pool_{verb.__name__}_nested", "y", *LEVELS, over="set", **columns, **known, **options)
    return database.ask(f"{call} ORDER BY ALL" if verb is pool.shrink else f"{call} ORDER BY set, depth")


PATHS = {
    "DataFrame": of_eager,
    "in-memory": among_all("in-memory"),
    "streaming": among_all("streaming"),
    "moments": among_all("streaming", of_moments=True),
    "SQL": of_query,
}


@cache
def components(path, name, method) -> dict:
    """The columns of components: one list each, the outer level first."""
    result = PATHS[path](pool.components, name, method)
    assert result["level"].to_list() == LEVELS
    return result.to_dict(as_series=False)


@cache
def shrunk(path, name, method, level, uncertainty="mu") -> pl.DataFrame:
    return PATHS[path](pool.shrink, name, method, at=LEVELS[level], uncertainty=uncertainty)


def in_order(path, name, method, level, column, **options) -> list[float]:
    """A column for the nodes of a level, in the order of R."""
    keys = grid.vector(name)[method]["levels"][level]["keys"]
    order = pl.DataFrame(dict(zip(LEVELS, keys.values(), strict=False)))
    table = shrunk(path, name, method, level, **options)
    assert table.height == order.height
    return order.join(table, on=order.columns, how="left", maintain_order="left")[column].to_list()


def near(got, want, tolerance: float = TOLERANCE) -> None:
    """Assert closeness relative to the largest number of the list."""
    got, want = np.array(got, dtype=float), np.array(want, dtype=float)
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max()


def each_near(got, want, tolerance: float = TOLERANCE) -> None:
    """Assert closeness of each number."""
    assert len(got) == len(want)
    for one, other in zip(got, want, strict=True):
        near(one, other, tolerance)


# ---- rows: lme4 and nlme ---------------------------------------------------------------------------------------------


def rows_variances(path, name, method):
    result, want = components(path, name, method), grid.vector(name)[method]
    each_near(result["tau2"], want["tau2"])
    each_near(result["sigma2"], [want["sigma2"]] * 2)
    total = sum(want["tau2"]) + want["sigma2"]
    each_near(result["share"], [tau2 / total for tau2 in want["tau2"]])


def rows_mu(path, name, method):
    result, want = components(path, name, method), grid.vector(name)[method]
    mu, se = want["mu"], want["se_mu"]
    each_near(result["mu"], [mu] * 2)
    each_near(result["se_mu"], [se] * 2)
    each_near(result["mu_lower"] + result["mu_upper"], [mu - Z95 * se] * 2 + [mu + Z95 * se] * 2)


def rows_likelihood(path, name, method):
    result, want = components(path, name, method), grid.vector(name)[method]
    each_near(result["log_likelihood"], [want["logLik"]] * 2)
    each_near(result["aic"], [2 * want["df"] - 2 * want["logLik"]] * 2)
    each_near(result["lrt"], want["lrt"])
    each_near(result["lrt_p"], [chi2.sf(x, 1) / 2 for x in want["lrt"]])
    counts = [len(level["effect"]) for level in want["levels"]]
    assert (result["n"], result["groups"]) == ([want["n_obs"]] * 2, counts)
    assert (result["depth"], result["converged"]) == ([1, 2], [True, True])


def rows_nlme(path, name, method):
    result, want = components(path, name, method), grid.vector(name)[method]["nlme"]
    each_near([*result["tau2"], result["sigma2"][0]], [*want["tau2"], want["sigma2"]])
    each_near([result["mu"][0], result["log_likelihood"][0]], [want["mu"], want["logLik"]])


def rows_effects(path, name, method):
    for level, want in enumerate(grid.vector(name)[method]["levels"]):
        near(in_order(path, name, method, level, "effect"), want["effect"])


def rows_conditional_errors(path, name, method):
    for level, want in enumerate(grid.vector(name)[method]["levels"]):
        se = in_order(path, name, method, level, "se_effect", uncertainty="conditional")
        each_near(np.square(se), want["condVar"])


# ---- published estimates: metafor ------------------------------------------------------------------------------------


def free(name) -> slice:
    """The levels that rma.mv has."""
    return slice(0, len(grid.vector(name)["by"]))


def published_variances(path, name, method):
    result, want = components(path, name, method), grid.vector(name)[method]
    each_near(result["tau2"][free(name)], want["sigma2"])
    assert result["sigma2"] == [None, None]


def published_mu(path, name, method):
    result, want = components(path, name, method), grid.vector(name)[method]
    for column, number in {"mu": "beta", "se_mu": "se", "mu_lower": "ci_lb", "mu_upper": "ci_ub"}.items():
        each_near(result[column], [want[number]] * 2)
    each_near([result["new_lower"][-1], result["new_upper"][-1]], [want["pi_lb"], want["pi_ub"]])


def published_likelihood(path, name, method):
    result, want = components(path, name, method), grid.vector(name)[method]
    each_near(result["log_likelihood"], [want["logLik"]] * 2)
    each_near(result["aic"], [2 * (1 + len(want["sigma2"])) - 2 * want["logLik"]] * 2)
    each_near(result["lrt"][free(name)], want["lrt"])
    assert result["n"] == ([56, 56] if path == "moments" else [None, None])
    assert (result["groups"], result["converged"]) == ([11, 56], [True, True])


def published_limits(path, name, method):
    """The limits of metafor's profile likelihood; its own confint() stops up to 6e-4 from them."""
    result, want = components(path, name, method), grid.vector(name)[method]
    for level, (limits, loose) in enumerate(zip(want["profile_limits"], want["confint"], strict=True)):
        got = [result["tau2_lower"][level], result["tau2_upper"][level]]
        each_near(got, limits)
        each_near(got, loose, 6e-4)


def published_effects(path, name, method):
    for level, want in enumerate(grid.vector(name)[method]["levels"]):
        near(in_order(path, name, method, level, "effect"), want["effect"])
        each_near(in_order(path, name, method, level, "se_effect"), want["se"])


# ---- the grid --------------------------------------------------------------------------------------------------------

QUANTITIES = {
    kind: {name.removeprefix(kind): check for name, check in globals().items() if name.startswith(kind)}
    for kind in ("rows_", "published_")
}
CASES = [
    (name, kind, quantity)
    for kind, names in {"rows_": ROWS, "published_": PUBLISHED}.items()
    for name in names
    for quantity in QUANTITIES[kind]
]


# The shell, by which ML is searched in SQL, takes seconds for each verb; test_duckdb_nested.py compares it with Python.
each_path = pytest.mark.parametrize(
    ("path", "method"),
    [
        pytest.param(path, method, marks=[pytest.mark.only_full] if (path, method) == ("SQL", "ML") else [])
        for path in PATHS
        for method in METHODS
    ],
)


@each_path
@pytest.mark.parametrize(("name", "kind", "quantity"), CASES)
def test_vector(name, kind, quantity, method, path):
    QUANTITIES[kind][quantity](path, name, method)


def test_the_size_of_the_grid():
    """(4 files x 6 quantities + 2 x 5) x 2 methods x 5 paths."""
    files = {path.stem for kind in ("nested", "rmamv") for path in grid.VECTORS.glob(f"{kind}_*.json")}
    assert files == {*ROWS, *PUBLISHED}
    assert set(QUANTITIES["rows_"]) == {"variances", "mu", "likelihood", "nlme", "effects", "conditional_errors"}
    assert set(QUANTITIES["published_"]) == {"variances", "mu", "likelihood", "limits", "effects"}
    asked = {mark.args[0]: list(mark.args[1]) for mark in test_vector.pytestmark}
    assert math.prod(len(values) for values in asked.values()) == (4 * 6 + 2 * 5) * 2 * 5
    for name in files:
        assert {"REML", "ML"} <= set(grid.vector(name))


# ---- estimates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", [*ROWS, *PUBLISHED])
def test_estimates_are_effects_on_top_of_the_estimate_of_the_outer_node(name, method):
    """lme4's and metafor's coef(): mu, the effect of the outer node and that of the inner node."""
    file = grid.vector(name)[method]
    mu = file["beta"] if name in PUBLISHED else file["mu"]
    levels = [level | {"keys": list(zip(*level["keys"].values(), strict=True))} for level in file["levels"]]
    outer = dict(zip(levels[0]["keys"], mu + np.array(levels[0]["effect"]), strict=True))
    near(in_order("DataFrame", name, method, 0, "estimate"), list(outer.values()))
    for level in levels[1:]:
        want = [outer[key[:1]] + effect for key, effect in zip(level["keys"], level["effect"], strict=True)]
        near(in_order("DataFrame", name, method, 1, "estimate"), want)


@pytest.mark.parametrize(("name", "at"), [("nested_Pixel", None), ("nested_Oats", "outer"), ("nested_Oats", "inner")])
def test_estimates_beside_rows_are_those_of_shrink(name, at):
    frame, where = rows(name), LEVELS if at != "outer" else LEVELS[:1]
    table = pool.shrink(frame, "y", **KEYS, at=at)
    want = frame.join(table, on=where, how="left", maintain_order="left")
    lazy = pool.encode(frame.lazy(), "y", **KEYS, at=at, name="new").collect(engine="streaming")
    ways = {
        "encode": pool.encode(frame, "y", **KEYS, at=at, name="new")["new"],
        "encode lazily": lazy["new"],
        "expression": frame.select(pl.col("y").pool.shrink(**KEYS, at=at)).to_series(),
        "expression lazily": frame.lazy().select(pl.col("y").pool.shrink(**KEYS, at=at)).collect().to_series(),
    }
    for column in ways.values():
        near(column, want["estimate"], 1e-14)
    assert lazy.drop("new").equals(frame)
    near(frame.select(pl.col("y").pool.weight(**KEYS, at=at)).to_series(), want["weight"], 1e-14)


# ---- closed forms of balanced data -----------------------------------------------------------------------------------


def mean_squares(name):
    """Exact mean squares of balanced data: (between outer, between inner, within), and their numbers of nodes."""
    tree = defaultdict(lambda: defaultdict(list))
    for outer, inner, y in rows(name).iter_rows():
        tree[outer][inner].append(Fraction(str(y)))
    a, b = len(tree), len(next(iter(tree.values())))
    n = len(next(iter(next(iter(tree.values())).values())))
    means = {key: [sum(ys) / n for ys in inner.values()] for key, inner in tree.items()}
    outer = {key: sum(some) / b for key, some in means.items()}
    mu = sum(outer.values()) / a
    between = n * b * sum((m - mu) ** 2 for m in outer.values()) / (a - 1)
    inner = n * sum((m - outer[key]) ** 2 for key, some in means.items() for m in some) / (a * (b - 1))
    within = sum((y - sum(ys) / n) ** 2 for some in tree.values() for ys in some.values() for y in ys)
    return between, inner, within / (a * b * (n - 1)), mu, a, b, n


@each_path
@pytest.mark.parametrize("name", BALANCED)
def test_balanced_data_have_closed_forms(name, method, path):
    """REML is the analysis of variance; ML has (a - 1) / a of its mean square between (Searle et al. 1992, ch. 4)."""
    between, inner, within, mu, a, b, n = mean_squares(name)
    between *= Fraction(1) if method == "REML" else Fraction(a - 1, a)
    tau2 = [(between - inner) / (n * b), (inner - within) / n]
    result = components(path, name, method)
    each_near(result["tau2"], [float(x) for x in tau2], 1e-10)
    each_near(result["sigma2"], [float(within)] * 2, 1e-11)
    each_near(result["mu"], [float(mu)] * 2, 1e-14)
    each_near(np.square(result["se_mu"]), [float(between / (a * b * n))] * 2, 1e-10)


# ---- dense matrices --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["nested_Pixel", "rmamv_konstantopoulos2011_district_school"])
def test_dense_matrices_agree_with_lme4_and_metafor(name, method):
    """Dense matrices, which models/test_nested.py uses where no reference file exists."""
    want, frame = grid.vector(name)[method], rows(name)
    v = frame["se"].to_numpy() ** 2 if name in PUBLISHED else None
    paths = frame.select(LEVELS).rows()
    truth = Dense(paths, frame["y"].to_numpy(), (None, None), v=v, restricted=method == "REML")
    variances = want["sigma2"] if name in PUBLISHED else [*want["tau2"], want["sigma2"]]
    each_near(truth.best, variances, 1e-9)
    constant = math.log(len(paths)) / 2 if name in PUBLISHED and method == "REML" else 0.0
    near(constant - truth.deviance(truth.best) / 2, want["logLik"], 1e-11)
    for level in want["levels"]:
        nodes = list(zip(*level["keys"].values(), strict=True))
        some = [truth.node(node) for node in nodes[:10]]
        near([node["effect"] for node in some], level["effect"][:10], 1e-9)
        error = [node["se_effect"] if name in PUBLISHED else node["conditional_se_effect"] for node in some]
        each_near(error, level["se"][:10] if name in PUBLISHED else np.sqrt(level["condVar"][:10]), 1e-9)
    if name in PUBLISHED and method == "REML":
        each_near(truth.limits(1), want["profile_limits"][0], 1e-8)
    each_near([truth.rise(depth, 0.0) for depth in (1, 2)], want["lrt"], 1e-8)
