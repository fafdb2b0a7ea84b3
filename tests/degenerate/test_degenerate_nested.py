"""Degenerate data of nested levels have defined results: each line of the table against numbers computed by hand."""

import math
import warnings
from datetime import date
from statistics import NormalDist

import polars as pl
import pytest
from frames import FRAME_PATHS, MOMENTS, ROW_PATHS, assert_near, by_key

import polars_pool as pool
from polars_pool.models import warning

frame_paths = pytest.mark.parametrize("run", FRAME_PATHS.values(), ids=FRAME_PATHS)
row_paths = pytest.mark.parametrize("column", ROW_PATHS.values(), ids=ROW_PATHS)
BY = ["a", "b"]
NESTED = {"nested": True}
DATA_ERRORS = (pl.exceptions.ComputeError, ValueError)


def tree(leaves: dict, levels=BY) -> pl.DataFrame:
    """One row per value: `{(1, 1): [1.0, 2.0], (1, 2): [3.0]}`."""
    rows = [(*path, y) for path, values in leaves.items() for y in values]
    return pl.DataFrame(rows, schema={**dict.fromkeys(levels), "y": pl.Float64}, orient="row")


def estimates_with(leaves: dict) -> pl.DataFrame:
    """One row per published estimate: `{(1, 1): (estimate, se)}`."""
    rows = [(*path, *pair) for path, pair in leaves.items()]
    return pl.DataFrame(rows, schema={**dict.fromkeys(BY), "y": pl.Float64, "se": pl.Float64}, orient="row")


def fit(run, frame, value="y", by=BY, **options) -> tuple[dict, dict, dict]:
    """The rows of the levels, of the outer nodes and of the inner nodes."""
    for_components = {name: x for name, x in options.items() if name not in ("predict", "threshold", "groups")}
    model = run(pool.components, frame, value, by, **NESTED, **for_components)
    outer = run(pool.shrink, frame, value, by, **NESTED, at=by[0], **options)
    inner = run(pool.shrink, frame, value, by, **NESTED, **options)
    return by_key(model, "level"), by_key(outer, by[0]), by_key(inner, *by)


def column(rows: dict, name: str) -> dict:
    return {key: row[name] for key, row in rows.items()}


# ---- null values, unseen nodes ---------------------------------------------------------------------------------------
# sigma2 = 4, tau2 = 4, 4. Leaves of two rows: v = 2, w = 1 / (2 + 4). Regions 1 and 2 have one leaf with rows each:
# means 2 and 6, v = 6; mu = 4, its variance 10 / 2 = 5. weight 4 / (4 + 6): estimate of region 1 = 4 - .4 * 2 = 3.2,
# variance .4 * 6 + .36 * 5 = 4.2. Leaf: weight 2/3: 3.2 - 2/3 * 1.2 = 2.4, variance 2/3 * 2 + 4.2 / 9 = 1.8; without
# rows 3.2, 4 + 4.2. A region without rows: 4, 4 + 5; its leaf 4, 4 + 9.

KNOWN = {"sigma2": 4, "tau2": [4, 4]}
ROWS = {(1, 1): [1, 3], (2, 1): [5, 7]}
WITH_NULLS = tree(ROWS | {(1, 2): [None, None], (3, 1): [None]})
OUTER = {1: (3.2, 4.2), 2: (4.8, 4.2), 3: (4.0, 9.0)}
INNER = {(1, 1): (2.4, 1.8), (1, 2): (3.2, 8.2), (2, 1): (5.6, 1.8), (3, 1): (4.0, 13.0)}
Z95 = NormalDist().inv_cdf(0.975)


def assert_nodes(rows: dict, want: dict) -> None:
    assert_near(column(rows, "estimate"), {key: estimate for key, (estimate, _) in want.items()}, 1e-14)
    assert_near(column(rows, "se"), {key: math.sqrt(variance) for key, (_, variance) in want.items()}, 1e-14)
    assert_near(
        column(rows, "upper"), {key: estimate + Z95 * math.sqrt(v) for key, (estimate, v) in want.items()}, 1e-13
    )


@frame_paths
def test_nodes_of_nulls_have_the_estimate_of_their_parent(run):
    levels, outer, inner = fit(run, WITH_NULLS, **KNOWN)
    assert_nodes(outer, OUTER)
    assert_nodes(inner, INNER)
    assert column(levels, "groups") == {"a": 2, "b": 2}
    assert column(levels, "n") == {"a": 4, "b": 4}
    for row in (outer[3], inner[1, 2], inner[3, 1]):
        assert (row["n"], row["mean"], row["weight"], row["effect"]) == (0, None, 0.0, 0.0)
    assert_near(inner[1, 1]["se_effect"] ** 2, 4 / 3 + 4 / 9 * 4.2, 1e-14)
    assert_near(inner[1, 2]["se_effect"], 2.0, 1e-14)


@frame_paths
def test_unseen_nodes_are_nodes_of_nulls(run):
    """A new store of a region has the estimate of the region, a store of a new region has mu."""
    keys = pl.DataFrame({"a": [1, 3, 1], "b": [2, 1, 1]})
    keys = keys if run is FRAME_PATHS["DataFrame"] else keys.lazy()
    _, outer, inner = fit(run, tree(ROWS), **KNOWN, groups=keys)
    assert_nodes(outer, OUTER)
    assert_nodes(inner, INNER)


@frame_paths
def test_unseen_nodes_of_several_models(run):
    """Without the keys of `over`, in each model; a model without rows has no mu."""
    keys = pl.DataFrame({"a": [1], "b": [2]})
    keys = keys if run is FRAME_PATHS["DataFrame"] else keys.lazy()
    frame = pl.concat([tree(ROWS).with_columns(m=1), tree({(1, 2): [9, 11], (2, 1): [5, 7]}).with_columns(m=2)])
    options = {**NESTED, **KNOWN, "over": "m"}
    result = by_key(run(pool.shrink, frame, "y", BY, **options, groups=keys), "m", *BY)
    assert result[1, 1, 2]["estimate"] == pytest.approx(3.2, rel=1e-14)
    assert result[2, 1, 2]["n"] == 2
    assert len(result) == 5
    result = by_key(run(pool.shrink, frame, "y", BY, **options, groups=keys.with_columns(m=3)), "m", *BY)
    assert (result[3, 1, 2]["n"], result[3, 1, 2]["estimate"]) == (0, None)
    assert len(result) == 5


@frame_paths
def test_a_new_row_and_a_new_mean_of_rows(run):
    """A row of a region varies by tau2 of its stores, too: 4.2 + 4 + 4; a replicate of its mean has the same v, 6."""
    above = {"threshold": 5.0}
    for predict, of_outer, of_inner in (("row", 12.2, 5.8), ("replicate", 10.2, 3.8), ("mean", 4.2, 1.8)):
        _, outer, inner = fit(run, tree(ROWS), **KNOWN, predict=predict, **above)
        for row, estimate, variance in ((outer[1], 3.2, of_outer), (inner[1, 1], 2.4, of_inner)):
            assert_near(row["se"], math.sqrt(variance), 1e-14)
            assert_near(row["p_above"], 1 - NormalDist(estimate, math.sqrt(variance)).cdf(5.0), 1e-13)


@row_paths
def test_rows_of_null_have_the_estimate_of_their_node(column):
    got = column(WITH_NULLS, "y", BY, **NESTED, **KNOWN)
    assert_near(got, [INNER[path][0] for path in WITH_NULLS.select(BY).rows()], 1e-14)
    got = column(WITH_NULLS, "y", BY, **NESTED, **KNOWN, at="a")
    assert_near(got, [OUTER[key][0] for key in WITH_NULLS["a"]], 1e-14)


@frame_paths
def test_only_nulls(run):
    levels, outer, inner = fit(run, tree({(1, 1): [None, None], (1, 2): [None]}))
    for row in levels.values():
        assert (row["groups"], row["n"], row["mu"], row["tau2"], row["converged"]) == (0, 0, None, None, False)
    assert [row["estimate"] for row in (*outer.values(), *inner.values())] == [None] * 3


@frame_paths
def test_empty_input_gives_the_full_schema(run):
    frame = tree(ROWS)
    for verb, options in ((pool.components, {}), (pool.shrink, {}), (pool.shrink, {"at": "a"}), (pool.encode, {})):
        empty = run(verb, frame.clear(), "y", BY, **NESTED, **options)
        assert empty.height == 0
        assert empty.schema == run(verb, frame, "y", BY, **NESTED, **KNOWN, **options).schema


@frame_paths
def test_an_estimate_without_information_is_no_estimate(run):
    """A standard error that is infinite."""
    frame = estimates_with(
        {(1, 1): (2, math.sqrt(2)), (2, 1): (6, math.sqrt(2)), (1, 2): (9, math.inf), (3, 1): (9, math.inf)}
    )
    levels, outer, inner = fit(run, frame, se="se", tau2=[4, 4])
    assert_nodes(outer, OUTER)
    assert_nodes(inner, INNER)
    assert column(levels, "groups") == {"a": 2, "b": 2}
    assert column(levels, "n") == {"a": None, "b": None}


# ---- levels that add nothing -----------------------------------------------------------------------------------------

SINGLE_CHILDREN = tree({(1, 1): [1, 3], (2, 1): [5, 6], (3, 1): [9, 7.5]})


@frame_paths
def test_a_level_of_only_children(run):
    """Their tau2 and that of their parents are one: the estimates are those of the parents alone."""
    levels, outer, inner = fit(run, SINGLE_CHILDREN)
    plain = run(pool.components, SINGLE_CHILDREN, "y", "a").row(0, named=True)
    nodes = by_key(run(pool.shrink, SINGLE_CHILDREN, "y", "a"), "a")
    for row in levels.values():
        nulls = ("tau2", "share", "se_tau2", "tau2_lower", "tau2_upper", "lrt", "lrt_p", "new_lower", "new_upper")
        assert [row[name] for name in nulls] == [None] * len(nulls)
        assert (row["groups"], row["converged"]) == (3, False)
        for name in ("sigma2", "mu", "se_mu", "log_likelihood"):
            assert_near(row[name], plain[name], 1e-9, what=name)
    for name in ("mean", "v", "weight", "estimate", "se", "lower", "upper"):
        assert_near(column(outer, name), column(nodes, name), 1e-8, what=name)
    for (a, _), row in inner.items():
        assert (row["weight"], row["effect"]) == (0.0, 0.0)
        assert_near([row["estimate"], row["se"]], [nodes[a]["estimate"], nodes[a]["se"]], 1e-8)


def test_the_level_of_only_children_is_named():
    """Once: the innermost of four levels, one in their middle, and a level of two keys."""
    frame = tree({(i // 4, i // 2, i): [i * i % 7, i + 2.0] for i in range(8)}, ["a", "b", "c"])
    cases = [
        (frame.with_columns(d="c"), ["a", "b", "c", "d"], "d"),
        (frame.with_columns(d="b"), ["a", "b", "d", "c"], "d"),
        (SINGLE_CHILDREN.with_columns(c="b"), ["a", ["b", "c"]], "b, c"),
    ]
    for rows, by, level in cases:
        for verb in (pool.components, pool.shrink, pool.encode):
            with pytest.warns(pool.ConvergenceWarning) as record:
                verb(rows, "y", by, **NESTED)
            assert [str(w.message) for w in record] == [warning.only_child(level)]


@frame_paths
def test_one_outer_node(run):
    """It is mu; the inner level is estimated as if it were alone, without a warning."""
    frame = tree({(1, 1): [1, 3], (1, 2): [5, 6], (1, 3): [9, 7.5]})
    levels, outer, inner = fit(run, frame)
    plain = run(pool.components, frame, "y", "b", limits="profile").row(0, named=True)
    nodes = by_key(run(pool.shrink, frame, "y", "b"), "b")
    for name in ("sigma2", "tau2", "se_tau2", "tau2_upper", "lrt", "lrt_p", "mu"):
        assert_near(levels["b"][name], plain[name], 1e-7, what=name)
    assert (levels["a"]["tau2"], levels["a"]["se_mu"], levels["a"]["converged"]) == (None, None, True)
    assert (outer[1]["weight"], outer[1]["estimate"]) == (1.0, outer[1]["mean"])
    assert_near([outer[1]["estimate"], outer[1]["se"]], [plain["mu"], plain["se_mu"]], 1e-8)
    for name in ("mean", "v", "weight", "estimate", "se"):
        assert_near({key: row[name] for (_, key), row in inner.items()}, column(nodes, name), 1e-8, what=name)


@frame_paths
def test_one_leaf(run):
    """Its mean and sqrt(v) at both levels."""
    levels, outer, inner = fit(run, tree({(1, 1): [1, 3]}))
    assert column(levels, "converged") == {"a": True, "b": True}
    for row in (outer[1], inner[1, 1]):
        assert_near(
            [row[x] for x in ("n", "mean", "v", "weight", "estimate", "se")], [2, 2.0, 1.0, 1.0, 2.0, 1.0], 1e-14
        )


@frame_paths
def test_one_row(run):
    levels, outer, inner = fit(run, tree({(1, 1): [3]}))
    assert column(levels, "sigma2") == {"a": None, "b": None}
    for row in (outer[1], inner[1, 1]):
        assert [row[x] for x in ("n", "mean", "v", "weight", "estimate", "se")] == [1, 3.0, None, None, 3.0, None]


# ---- single rows -----------------------------------------------------------------------------------------------------
# Balanced: the mean variance of the leaves of a region is 29/24, the variance of the means of regions 157/16.

SINGLES = tree({(1, 1): [1], (1, 2): [3], (2, 1): [5], (2, 2): [6], (3, 1): [9], (3, 2): [7.5]})


@frame_paths
def test_leaves_of_one_row_determine_no_variance(run):
    """At the outer level neither: no certainty without a variance."""
    levels, outer, inner = fit(run, SINGLES)
    for row in levels.values():
        assert [row[x] for x in ("sigma2", "tau2", "se_mu", "log_likelihood", "converged")] == [None] * 4 + [False]
    assert column(levels, "mu") == {"a": 5.25, "b": 5.25}
    for row in (*outer.values(), *inner.values()):
        assert [row[x] for x in ("v", "weight", "estimate", "se", "lower", "upper", "effect")] == [None] * 7


@frame_paths
def test_other_models_are_unaffected(run):
    fine = tree({(i % 3, i % 6): [i * i % 5, i + 1.0] for i in range(6)})
    frame = pl.concat([SINGLES.with_columns(m=1), fine.with_columns(m=2)])
    for verb, options in ((pool.components, {}), (pool.shrink, {"at": "a"}), (pool.shrink, {})):
        got = run(verb, frame, "y", BY, over="m", **NESTED, **options)
        want = run(verb, fine, "y", BY, **NESTED, **options).to_dicts()
        keys = [x for x in ("a", "b", "level") if x in got.columns]
        got, want = by_key(got.filter(m=2).drop("m"), *keys), by_key(pl.DataFrame(want), *keys)
        for key, row in want.items():
            assert_near(got[key], row, 1e-9, 1.0, key)


@frame_paths
def test_a_known_sigma2_or_tau2_of_the_leaves_is_a_remedy(run):
    within, between = 29 / 24, 157 / 16 - 29 / 48
    levels, _, _ = fit(run, SINGLES, sigma2=1)
    assert_near(column(levels, "tau2"), {"a": between, "b": within - 1}, 1e-8)
    levels, _, _ = fit(run, SINGLES, tau2=["reml", 1])
    assert_near(column(levels, "tau2"), {"a": between, "b": 1.0}, 1e-8)
    assert_near(levels["a"]["sigma2"], within - 1, 1e-8)
    levels, _, _ = fit(run, SINGLES.with_columns(se=1.0), se="se")
    assert_near(column(levels, "tau2"), {"a": between, "b": within - 1}, 1e-8)


# ---- no variance -----------------------------------------------------------------------------------------------------


@frame_paths
def test_all_rows_equal(run):
    levels, outer, inner = fit(run, tree({(1, 1): [4, 4], (1, 2): [4], (2, 1): [4], (2, 2): [4]}))
    for row in levels.values():
        assert [row[x] for x in ("sigma2", "tau2", "mu", "se_mu", "converged")] == [0.0, 0.0, 4.0, 0.0, True]
    for row in (*outer.values(), *inner.values()):
        assert [row[x] for x in ("mean", "weight", "estimate", "se")] == [4.0, 1.0, 4.0, 0.0]


@frame_paths
@pytest.mark.parametrize(("tau2", "outer_variance"), [("reml", 5.5), ("ml", 49 / 16 - 5 / 8)])
def test_no_variance_within_leaves(run, tau2, outer_variance):
    """The mean variance of the leaves of a region is 5/4, that of the means of regions 49/8, or of ml 49/16."""
    frame = tree({(1, 1): [4, 4], (1, 2): [5], (2, 1): [7], (2, 2): [9]})
    levels, outer, inner = fit(run, frame, tau2=tau2)
    assert_near(column(levels, "tau2"), {"a": outer_variance, "b": 1.25}, 1e-8)
    assert column(levels, "sigma2") == {"a": 0.0, "b": 0.0}
    assert_near(column(outer, "v"), {1: 0.625, 2: 0.625}, 1e-8)
    for row in inner.values():
        assert (row["weight"], row["estimate"], row["se"]) == (1.0, row["mean"], 0.0)


@frame_paths
def test_no_variance_but_between_outer_nodes(run):
    """The variance of 4, 7 and 9 is 19/3."""
    levels, outer, _ = fit(run, tree({(1, 1): [4, 4], (1, 2): [4], (2, 1): [7], (2, 2): [7], (3, 1): [9], (3, 2): [9]}))
    assert_near(column(levels, "tau2"), {"a": 19 / 3, "b": 0.0}, 1e-9)
    assert column(outer, "weight") == {1: 1.0, 2: 1.0, 3: 1.0}


@frame_paths
def test_a_level_without_variance_has_the_estimates_of_its_parents(run):
    """tau2 = 0 is the limit of a small tau2."""
    options = {"sigma2": 4, "tau2": [4, 0]}
    frame = tree({(1, 1): [1, 3], (1, 2): [4], (2, 1): [5, 7]})
    _, outer, inner = fit(run, frame, **options)
    for (a, _), row in inner.items():
        assert (row["weight"], row["effect"], row["se_effect"]) == (0.0, 0.0, 0.0)
        assert (row["estimate"], row["se"]) == (outer[a]["estimate"], outer[a]["se"])
    _, _, almost = fit(run, frame, **(options | {"tau2": [4, 1e-12]}))
    assert_near(column(almost, "estimate"), column(inner, "estimate"), 1e-10)
    assert_near(column(almost, "se"), column(inner, "se"), 1e-10)


# ---- exact estimates -------------------------------------------------------------------------------------------------

EXACT = {(1, 1): (4, 0), (1, 2): (5, 1), (2, 1): (9, 1), (2, 2): (7, 1)}


@frame_paths
def test_an_exact_estimate_is_kept(run):
    """Its precision about its region is 1 / tau2: the mean of region 1 is (4 + 5 / 2) / 1.5, v 2/3."""
    _, outer, inner = fit(run, estimates_with(EXACT), se="se", tau2=[1, 1])
    assert_near([outer[1]["mean"], outer[1]["v"]], [13 / 3, 2 / 3], 1e-14)
    assert [inner[1, 1][x] for x in ("weight", "estimate", "se")] == [1.0, 4.0, 0.0]


@frame_paths
def test_an_exact_estimate_without_variance_about_its_parent_determines_it(run):
    levels, outer, inner = fit(run, estimates_with(EXACT), se="se", tau2=[1, 0])
    assert [outer[1][x] for x in ("mean", "v", "weight", "estimate", "se")] == [4.0, 0.0, 1.0, 4.0, 0.0]
    assert [inner[1, 2][x] for x in ("weight", "estimate", "se")] == [0.0, 4.0, 0.0]
    assert column(levels, "converged") == {"a": True, "b": True}
    # Region 2 has mean 8 and v = 1/2: precision 1 / 1.5; region 1 has precision 1: mu = (4 + 8 / 1.5) / (1 + 1 / 1.5).
    assert_near(levels["a"]["mu"], 5.6, 1e-14)


MORE = {(2, 1): (9, 1), (2, 2): (7, 1), (3, 1): (1, 1), (3, 2): (3, 0.5)}


@frame_paths
def test_equal_exact_estimates_leave_the_likelihood_without_maximum(run):
    """Two of one parent; two of different parents do not."""
    frame = estimates_with({(1, 1): (4, 0), (1, 2): (4, 0)} | MORE)
    levels, _, _ = fit(run, frame, se="se")
    for row in levels.values():
        assert row["converged"] is False
        assert [row[x] for x in ("log_likelihood", "aic", "se_tau2", "tau2_upper", "lrt")] == [None] * 5
    levels, _, _ = fit(run, estimates_with({(1, 1): (4, 0), (1, 2): (5, 1), (2, 1): (4, 0)} | MORE), se="se")
    assert column(levels, "converged") == {"a": True, "b": True}


@pytest.mark.parametrize("tau2", ["reml", "ml"])
def test_no_statistic_counts_the_infinite_precision_of_an_exact_estimate(tau2):
    """The likelihood without the level of an exact estimate is 0; its share has the limit of a typical variance."""
    frame = estimates_with(EXACT | MORE | {(1, 1): (4, 0)})
    levels = by_key(pool.components(frame, "y", BY, **NESTED, se="se", tau2=tau2), "level")
    small = frame.with_columns(se=pl.max_horizontal("se", 1e-4))
    limit = by_key(pool.components(small, "y", BY, **NESTED, se="se", tau2=tau2), "level")
    for level, row in levels.items():
        for name in ("tau2", "se_tau2", "tau2_upper", "log_likelihood", "mu", "se_mu", "share"):
            assert_near(row[name], limit[level][name], 1e-6, what=f"{level} {name}")
    assert levels["b"]["lrt"] is None
    assert_near(levels["a"]["lrt"], limit["a"]["lrt"], 1e-6)


LEAST = [
    ({}, tree({(1, 1): [1], (2, 1): [3], (3, 1): [4, 6]})),
    ({"tau2": 1}, tree({(1, 1): [1, 3]})),
    ({"tau2": 1}, tree({(1, 1): [1], (2, 1): [3]})),
    ({"tau2": 0}, tree({(1, 1): [1, 1], (2, 1): [3]})),
    ({"tau2": "ml"}, tree({(1, 1): [1, 1], (2, 1): [3]})),
    ({}, tree({(1, 1): [1, 1], (2, 1): [3], (3, 1): [3]})),
    *(
        ({"se": "se", "tau2": tau2}, estimates_with({(i, 1): pair for i, pair in enumerate(pairs)}))
        for tau2 in ("reml", "ml")
        for pairs in (
            [(1, 0), (2, 1), (5, 1)],
            [(1, 0), (2, 0), (1.5, 1)],
            [(1, 0), (2, 0), (1.5, 0)],
            [(1, 1), (1, 1)],
            [(1, math.inf), (2, 1), (1.5, 1)],
        )
    ),
    ({"se": "se", "tau2": "ml"}, estimates_with({(1, 1): (1, 0), (2, 1): (2, 1), (3, 1): (1.5, 1)})),
    ({"se": "se"}, estimates_with({(1, 1): (1, math.inf), (2, 1): (2, math.inf)})),
    ({"se": "se"}, estimates_with({(1, 1): (1, 1)})),
    (
        {"weights": "w"},
        tree({(1, 1): [1], (2, 1): [2], (3, 1): [4], (4, 1): [4.5], (5, 1): [5]}).with_columns(w=0.5 + pl.col("a")),
    ),
]


@pytest.mark.parametrize(("options", "frame"), LEAST, ids=range(len(LEAST)))
def test_at_one_level_the_answers_are_those_of_plain_pooling(options, frame):
    """Also the warnings; intervals and errors of tau2 without variance within have no likelihood."""
    for verb in (pool.components, pool.shrink):
        results, messages = [], []
        for nested in (True, False):
            with warnings.catch_warnings(record=True) as record:
                warnings.simplefilter("always")
                results.append(verb(frame, "y", "a", nested=nested, **options))
            messages.append([str(w.message) for w in record])
        got, want = results
        assert messages[0] == messages[1]
        for name in set(got.columns) & set(want.columns) - {"tau2_lower", "tau2_upper", "se_tau2"}:
            assert_near(got[name], want[name], 1e-7, 1.0, name)


# ---- keys ------------------------------------------------------------------------------------------------------------

SIX = tree({(i // 2, i % 2): [y, y + 1, y + 3] for i, y in enumerate([0, 9, 3, 20, 11, 2])})


def of_rows(frame: pl.DataFrame, by=BY, **options) -> list:
    """The estimate of its inner node for each row."""
    return pool.encode(frame, "y", by, **NESTED, **options)["estimate"].to_list()


KEYS = {
    "null": lambda key: pl.when(key > 0).then(key),
    "NaN": lambda key: pl.when(key > 0).then(key.cast(pl.Float64)).otherwise(math.nan),
    "text": lambda key: pl.format("k{}", key),
    "categorical": lambda key: pl.format("k{}", key).cast(pl.Categorical),
    "enum": lambda key: pl.format("k{}", key).cast(pl.Enum(["k2", "k1", "k0"])),
    "date": lambda key: pl.lit(date(2026, 1, 31)) + pl.duration(days=key),
    "struct": lambda key: pl.struct(x=key, z=pl.lit("x")),
    "list": lambda key: pl.concat_list(key),
}


@pytest.mark.parametrize("name", KEYS)
def test_every_key_is_a_key_like_any_other(name):
    """Null and NaN too, at each level: a null store holds the rows of the region itself."""
    want = of_rows(SIX)
    assert len(set(want)) == 6
    for keys in ({"a"}, {"b"}, {"a", "b"}):
        changed = SIX.with_columns(KEYS[name](pl.col(key)).alias(key) for key in keys)
        assert_near(of_rows(changed), want, 1e-12)
        result = pool.shrink(changed, "y", BY, **NESTED)
        assert result.height == 6
        for key in BY:
            assert result.schema[key] == changed.schema[key]
            assert set(map(str, result[key])) == set(map(str, changed[key]))
        rows = changed.join(result, on=BY, how="left", nulls_equal=True, maintain_order="left")
        assert_near(rows["estimate"], want, 1e-12)


@pytest.mark.parametrize("names", [['re"g io.n', "b"], ["", "é [x]"], ["*", "^b.*$"], ["level", "mu"]])
def test_names_of_keys_are_data(names):
    frame = SIX.rename(dict(zip(BY, names, strict=True)))
    assert_near(of_rows(frame, names), of_rows(SIX), 1e-12)
    assert pool.shrink(frame, "y", names, **NESTED, at=names[0]).columns[0] == names[0]
    assert pool.components(frame, "y", names, **NESTED)["level"].to_list() == names


@pytest.mark.parametrize(
    ("verb", "name"), [(pool.shrink, "effect"), (pool.shrink, "se_effect"), (pool.components, "depth")]
)
def test_a_key_with_the_name_of_a_result_is_an_error(verb, name):
    with pytest.raises(ValueError, match=f"^the key '{name}' bears the name of a result column"):
        verb(SIX.with_columns(pl.lit(1).alias(name)), "y", BY, over=name, **NESTED)


# ---- values ----------------------------------------------------------------------------------------------------------


@frame_paths
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_not_finite_are_an_error_of_every_verb(run, bad):
    frame = SIX.with_columns(y=pl.when(pl.int_range(pl.len()) == 4).then(bad).otherwise("y"))
    for verb, options in ((pool.components, {}), (pool.shrink, {"at": "a"}), (pool.shrink, {}), (pool.encode, {})):
        with pytest.raises(DATA_ERRORS, match="the value 'y' holds NaN or infinite numbers"):
            run(verb, frame, "y", BY, **NESTED, **options)
    with pytest.raises(DATA_ERRORS, match="the value 'y' holds NaN"):
        pool.shrink(frame.lazy(), "y", BY, **NESTED).select("a").collect()
    want = SIX.with_columns(y=pl.when(pl.int_range(pl.len()) != 4).then("y"))
    assert_near(of_rows(frame, nan="null"), of_rows(want), 1e-12)


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"se": -1.0}, {"se": "se"}, "se='se' is null, NaN or negative in 18 rows"),
        ({"w": -1.0}, {"weights": "w"}, "weights='w' is null, NaN, negative or infinite in 18 rows"),
        ({"n": 1.5, "var": 1.0}, MOMENTS, "n='n' .*in 18 rows"),
    ],
)
def test_bad_columns_are_named_and_counted(columns, options, message):
    frame = SIX.with_columns(**{name: pl.lit(x) for name, x in columns.items()})
    for verb in (pool.components, pool.shrink):
        with pytest.raises(DATA_ERRORS, match=message):
            verb(frame, "y", BY, **NESTED, **options)


def test_integers_and_decimals_keep_digits_beyond_those_of_float64():
    want = pool.components(SIX, "y", BY, **NESTED)
    for dtype, offset in ((pl.Int64, 2**60), (pl.Int128, 2**100), (pl.Decimal(38, 2), 2**60)):
        wide = SIX.with_columns(y=pl.col("y").cast(pl.Int64).cast(dtype) + pl.lit(offset, dtype))
        got = pool.components(wide, "y", BY, **NESTED)
        for name in ("tau2", "sigma2", "se_mu", "log_likelihood"):
            assert_near(got[name], want[name], 1e-9, what=name)


def test_a_boolean_value_is_pooled_as_numbers_with_one_warning():
    frame = SIX.with_columns(y=pl.col("y") > 2)
    with pytest.warns(UserWarning, match="^value='y' is Boolean") as record:
        got = pool.components(frame, "y", BY, **NESTED)
    assert len(record) == 1
    numbers = pool.components(frame.with_columns(pl.col("y").cast(pl.Float64)), "y", BY, **NESTED)
    assert_near(got["tau2"], numbers["tau2"], 1e-12)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        pool.components(frame, "y", BY, **NESTED, family="normal")


@pytest.mark.parametrize("dtype", [pl.String, pl.Date])
def test_values_that_are_not_numbers_are_an_error(dtype):
    with pytest.raises(TypeError, match=f"value='y' is {dtype}"):
        pool.shrink(SIX.clear().with_columns(pl.col("y").cast(dtype, strict=False)), "y", BY, **NESTED)


@frame_paths
@pytest.mark.parametrize("unit", [1e-170, 1e160])
def test_values_whose_squares_are_out_of_range_have_no_estimates(run, unit):
    """Not certainty, as if they were equal; the other model keeps its estimates."""
    frame = pl.concat([SIX.with_columns(pl.col("y") * unit, m=1), SIX.with_columns(m=2)])
    levels = run(pool.components, frame, "y", BY, over="m", **NESTED).sort("m", "depth")
    assert levels["tau2"].is_null().to_list() == [True, True, False, False]
    assert levels["converged"].to_list() == [False, False, True, True]
    nodes = run(pool.shrink, frame, "y", BY, over="m", **NESTED).sort("m", *BY)
    assert nodes["estimate"].is_null().to_list() == [True] * 6 + [False] * 6
    with pytest.warns(pool.ConvergenceWarning) as record:
        pool.components(frame, "y", BY, over="m", **NESTED)
    assert [str(w.message) for w in record] == [warning.OUT_OF_RANGE]


@pytest.mark.parametrize("unit", [1e-70, 1e100])
def test_results_in_any_unit_are_the_same(unit):
    want = pool.shrink(SIX, "y", BY, **NESTED)
    got = pool.shrink(SIX.with_columns(pl.col("y") * unit), "y", BY, **NESTED)
    assert_near(got["weight"], want["weight"], 1e-9)
    assert_near(got["estimate"] / unit, want["estimate"], 1e-9)


@frame_paths
def test_errors_that_exceed_all_differences_pool_completely(run):
    """The likelihood is nearly flat in the differences, not in the errors: tau2 is 0."""
    frame = SIX.unique(BY, keep="first").with_columns(se=1e9)
    levels, _, inner = fit(run, frame, se="se")
    assert column(levels, "tau2") == {"a": 0.0, "b": 0.0}
    assert column(levels, "converged") == {"a": True, "b": True}
    assert set(column(inner, "weight").values()) == {0.0}


ONE_REGION = pl.DataFrame({"a": ["p"] * 4, "b": [1, 1, 2, 2], "y": [1.0, 3.0, 5.0, 7.5]})
ONLY_CHILDREN = pl.DataFrame({"a": ["p", "p", "q", "q", "r", "r"], "b": [1] * 6, "y": [1.0, 3.0, 5.0, 7.5, 2.0, 9.0]})
NEW_KEYS = pl.DataFrame({"a": ["p", "new"], "b": [9, 9]})
ERRORS = ("se", "lower", "upper", "se_effect", "p_above")


def of_new(frame, groups=NEW_KEYS, **options):
    result = pool.shrink(frame, "y", by=["a", "b"], nested=True, groups=groups, threshold=4, **options)
    return {row["a"]: row for row in result.filter(n=0).iter_rows(named=True)}


def test_a_new_outer_group_has_no_error_where_one_outer_group_has_rows():
    """tau2 of the outer level is unknown; one level gives what the verb without levels gives."""
    new = of_new(ONE_REGION)
    assert [new["new"][name] for name in ERRORS] == [None] * 5
    [plain] = pool.components(ONE_REGION, "y", by="b").rows(named=True)
    assert new["p"]["se"] == pytest.approx((plain["tau2"] + plain["se_mu"] ** 2) ** 0.5)
    [one] = pool.shrink(ONE_REGION, "y", by="a", nested=True, groups=NEW_KEYS.select("a")).filter(n=0).rows(named=True)
    [plain] = pool.shrink(ONE_REGION, "y", by="a", groups=NEW_KEYS.select("a")).filter(n=0).rows(named=True)
    assert plain["se"] is None
    assert {name: one[name] for name in plain} == plain


def test_a_known_tau2_gives_a_new_outer_group_its_error():
    new = of_new(ONE_REGION, tau2=[2.0, 1.0], sigma2=1.0, uncertainty="conditional")["new"]
    assert new["se"] == pytest.approx(3.0**0.5, rel=1e-14)


@pytest.mark.filterwarnings("ignore:a model does not separate")
def test_new_groups_have_no_error_where_only_children_leave_tau2_unknown():
    new = of_new(ONLY_CHILDREN)
    assert [[new[key][name] for name in ERRORS] for key in ("p", "new")] == [[None] * 5] * 2
    rows = pool.shrink(ONLY_CHILDREN, "y", by=["a", "b"], nested=True, at="a", predict="row")
    assert rows["se"].to_list() == [None] * 3


def test_an_outer_group_whose_values_are_null_has_no_error_beside_one_alone():
    frame = pl.concat([ONE_REGION, pl.DataFrame({"a": ["new"], "b": [9], "y": [None]}, schema=ONE_REGION.schema)])
    [row] = pool.shrink(frame, "y", by=["a", "b"], nested=True).filter(n=0).rows(named=True)
    assert [row[name] for name in ERRORS[:4]] == [None] * 4


SINGLE = pl.DataFrame({"a": ["p", "p", "q", "q"], "b": [1, 2, 1, 2], "y": [1.0, 4.0, 5.0, 8.0], "fold": [0, 0, 1, 1]})


@pytest.mark.filterwarnings("ignore:no group has two rows")
def test_new_keys_change_nothing_where_single_rows_have_no_variance():
    without = pool.shrink(SINGLE, "y", by=["a", "b"], nested=True)
    with_new = pool.shrink(SINGLE, "y", by=["a", "b"], nested=True, groups=NEW_KEYS)
    assert with_new.filter(pl.col("b") != 9).equals(without)
    assert without["n"].to_list() == [1] * 4


@pytest.mark.filterwarnings("ignore:no group has two rows")
@pytest.mark.parametrize("at", ["a", "b"])
def test_codes_out_of_fold_are_the_mean_where_single_rows_have_no_variance(at):
    encoded = pool.encode(SINGLE, "y", by=["a", "b"], nested=True, at=at, folds="fold")
    assert encoded["estimate"].to_list() == [6.5, 6.5, 2.5, 2.5]
