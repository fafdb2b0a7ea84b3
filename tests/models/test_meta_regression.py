"""Plans, arguments and messages of means beside predictors of their groups."""

import pickle
import warnings
from functools import partial

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_factors import collected  # noqa: F401 (a fixture)
from test_messages import assert_sentence, refused
from test_plans import Plan, assert_one_scan, assert_scans, counted, python_functions

import polars_pool as pool
from polars_pool.models.meta_regression import components

VERBS = {
    "shrink": pool.shrink,
    "components": pool.components,
    "coefficients": pool.coefficients,
    "covariances": partial(pool.coefficients, covariance=True),
    "compare": pool.compare,
    "profile": pool.profile,
}
every_verb = pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
KEY = pl.col("g")
ROWS = pl.select(g=pl.int_range(600) % 40, i=pl.int_range(600)).with_columns(
    year=2020 + pl.col("i") % 3,
    x=(KEY * 7 % 11).cast(pl.Float64),
    z=(KEY % 5).cast(pl.Int32),
    tier=pl.when(KEY % 3 == 0).then(pl.lit("A")).when(KEY % 3 == 1).then(pl.lit("B")).otherwise(pl.lit("C")),
    y=(pl.col("i") * 37 % 17) / 4 + KEY * 7 % 11 / 2,
    w=1.0 + pl.col("i") % 4,
    se=0.5 + pl.col("i") % 5 / 4,
)
LEVELS = pool.factor("tier", levels=["A", "B", "C"])
NEW = pl.LazyFrame({"g": [1, 100], "x": [7.0, 3.0]})


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("rows") / "rows.parquet"
    ROWS.write_parquet(path)
    return path


@pytest.fixture
def lf(path):
    return pl.scan_parquet(path)


# ---- plans ----------------------------------------------------------------------------------------------------------


WAYS = {
    "one": {"toward": "x"},
    "several": {"toward": ["x", "z"]},
    "expression": {"toward": (pl.col("x") * 2 + pl.col("z")).alias("sum")},
    "factor": {"toward": [LEVELS, "x", pool.interaction(LEVELS, "x")]},
    "over": {"toward": "x", "over": "year"},
}
INPUTS = {"rows": {}, "weights": {"weights": "w"}, "separate": {"sigma2": "separate"}, "published": {"se": "se"}}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("verb", ["shrink", "components", "coefficients", "covariances"])
def test_one_scan_and_one_python_function(lf, verb, way):
    query = VERBS[verb](lf, "y", by="g", **WAYS[way])
    assert_one_scan(query)
    assert len(Plan.of(query).groupings_of_rows()) == 1
    assert python_functions(query) == 1


@pytest.mark.parametrize("way", INPUTS)
@pytest.mark.parametrize("verb", ["shrink", "components", "coefficients"])
def test_one_scan_of_every_input(lf, verb, way):
    query = VERBS[verb](lf, "y", by="g", toward="x", tau2="dl", **INPUTS[way])
    assert_one_scan(query)
    assert python_functions(query) == 1


def test_one_scan_of_other_queries(lf):
    for query in (
        pool.shrink(lf, "y", "g", toward="x", groups=NEW),
        pool.shrink(lf, "y", "g", toward="x", uncertainty="tau2", threshold=3, predict="row"),
        pool.compare(lf, "y", "g", toward="x"),
        pool.profile(lf, "y", "g", toward="x"),
        pool.profile(lf, "y", "g", toward="x", tau=[0, 1], groups=True),
        pool.encode(lf, "y", "g", toward=["x", "z"]),
        pool.encode(lf, "y", "g", toward="x", over="year"),
    ):
        assert_one_scan(query)
    assert_scans(pool.encode(lf, "y", "g", toward="x", folds="year"), 1)
    assert_scans(pool.encode(lf, "y", "g", toward="x", rows=lf.filter(pl.col("i") < 9)), 2)


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_each_source_is_read_once(engine):
    for verb, options in (
        (pool.shrink, {}),
        (pool.coefficients, {}),
        (pool.encode, {}),
        (pool.encode, {"folds": "year"}),
    ):
        reads: list[int | None] = []
        verb(counted(ROWS, reads), "y", "g", toward="x", **options).collect(engine=engine)
        assert reads.count(None) == 1


@every_verb
def test_no_query_runs_when_the_plan_is_made(verb, collected):  # noqa: F811
    """But for the levels of a factor that are not given."""
    verb(ROWS.lazy(), "y", by="g", toward=["x", LEVELS, pl.col("z") > 2])
    assert not collected
    verb(ROWS.lazy(), "y", by="g", toward=["x", "tier"])
    assert len(collected) == 1


@pytest.mark.parametrize("over", [None, "year"])
def test_the_python_function_takes_one_row_for_each_size_of_groups(lf, over, monkeypatch):
    heights, function = [], components.in_memory

    def watched(table, **options):
        heights.append(table.height)
        return function(table, **options)

    monkeypatch.setattr(components, "in_memory", watched)
    rows = lf.filter((pl.col("g") % 2 == 0) | (pl.col("i") < 300))
    pool.shrink(rows, "y", "g", toward=["x", "z"], over=over).collect()
    keys = [] if over is None else [over]
    sizes = rows.group_by(*keys, "g").len().select(*keys, "len").unique().collect()
    assert heights == [sizes.height]
    assert sizes.height < 10


def test_a_filter_after_the_verb_changes_no_estimate(lf):
    for query in (pool.shrink(lf, "y", "g", toward="x"), pool.shrink(lf, "y", "g", toward="x", groups=NEW)):
        complete = query.sort("g").collect()
        for predicate in (pl.col("g") == 1, pl.col("fit") > 2):
            assert_frame_equal(query.filter(predicate).sort("g").collect(), complete.filter(predicate), rel_tol=1e-10)
    terms = pool.coefficients(lf, "y", "g", toward=["x", "z"])
    assert_frame_equal(terms.filter(term="x").collect(), terms.collect().filter(term="x"), rel_tol=1e-10)


def test_a_plan_can_be_pickled(lf):
    query = pool.shrink(lf, "y", "g", toward=["x", LEVELS])
    again = pickle.loads(pickle.dumps(query))
    assert_frame_equal(again.sort("g").collect(), query.sort("g").collect(), rel_tol=1e-10)


# ---- arguments ------------------------------------------------------------------------------------------------------


CALLS = {
    "function": lambda frame, **options: pool.shrink(frame, "y", "g", **options),
    "lazy": lambda frame, **options: pool.shrink(frame.lazy(), "y", "g", **options),
    "namespace": lambda frame, **options: frame.pool.shrink("y", "g", **options),
    "encode": lambda frame, **options: pool.encode(frame, "y", "g", **options),
    "components": lambda frame, **options: pool.components(frame, "y", "g", **options),
    "coefficients": lambda frame, **options: pool.coefficients(frame, "y", "g", **options),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@every_call
def test_an_unknown_column(call):
    with refused(pl.exceptions.ColumnNotFoundError) as error:
        call(ROWS, toward="tear")
    assert_sentence(error, "tear", nearest="tier")


@every_call
def test_a_predictor_twice(call):
    with refused() as error:
        call(ROWS, toward=["x", pl.col("z").alias("x")])
    assert_sentence(error, "'x'")


@every_call
@pytest.mark.parametrize("name", ["y", "intercept"])
def test_a_predictor_with_a_name_that_is_taken(call, name):
    with refused() as error:
        call(ROWS.with_columns(intercept=pl.col("x")), toward=name)
    assert_sentence(error, repr(name))


@every_call
@pytest.mark.parametrize("tau2", ["anova", "hsk", "pmm", "cv", "chung", "rmel", -1, pool.HalfCauchy(5)], ids=str)
def test_other_estimators(call, tau2):
    """The sentence has all that go with predictors, and the nearest."""
    if not isinstance(tau2, str | int):
        with refused() as error:
            call(ROWS, toward="x", tau2=tau2)
        return
    with refused() as error:
        call(ROWS, toward="x", tau2=tau2)
    names = ("reml", "ml", "dl", "he", "hs", "sj", "pm", "eb")
    assert_sentence(error, "tau2", tau2, allowed=names if isinstance(tau2, str) else ())


WRONG = {
    "mu": 3.0,
    "interval": "robust",
    "nested": True,
    "trials": "z",
    "exposure": "w",
    "family": "binomial",
    "posterior": True,
    "prior": "moments",
}


@pytest.mark.parametrize("name", WRONG)
def test_arguments_that_do_not_go_with_predictors(name):
    for frame in (ROWS, ROWS.lazy()):
        with refused() as error:
            pool.shrink(frame, "y", "g", toward="x", **{name: WRONG[name]})
        assert "\n" not in str(error.value)
        assert "toward" in str(error.value)


@pytest.mark.parametrize("option", [{"folds": "loo"}, {"folds": "before", "order_by": "w"}], ids=str)
def test_folds_of_means_alone(option):
    with refused() as error:
        pool.encode(ROWS, "y", "g", toward="x", **option)
    assert_sentence(error, option["folds"], "predictors", "number")


def test_groups_need_the_predictors():
    for frame in (ROWS, ROWS.lazy()):
        with refused(pl.exceptions.ColumnNotFoundError) as error:
            pool.shrink(frame, "y", "g", toward="x", groups=pl.DataFrame({"g": [77]}))
        assert_sentence(error, "groups", "'x'", "'g'")
    with refused(TypeError) as error:
        pool.shrink(ROWS, "y", "g", toward="x", groups=pl.DataFrame({"g": [77], "x": ["a"]}))
    assert_sentence(error, "groups", "String")


def test_the_only_argument_with_no_columns():
    with refused(TypeError):
        pool.coefficients(ROWS, "y", "g")
    assert pool.coefficients(ROWS, "y", "g", toward=[])["term"].to_list() == ["intercept"]


# ---- warnings -------------------------------------------------------------------------------------------------------


def warned(function) -> list[str]:
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        function()
    assert {warning.filename for warning in record} <= {__file__}
    return [str(warning.message) for warning in record]


def test_warnings_point_to_the_call_and_name_a_way_out():
    single, few = ROWS.unique("g"), ROWS.filter(pl.col("g") < 2)
    for frame, part in ((single, "give a known sigma2="), (few, "give fewer predictors, or a known tau2=")):
        for verb in (pool.shrink, pool.components, pool.coefficients):
            [message] = warned(lambda frame=frame, verb=verb: verb(frame, "y", "g", toward="x"))
            assert part in message
            assert "weights=" not in message  # of rows these do not help beside predictors
        query = pool.shrink(frame.lazy(), "y", "g", toward="x")
        assert len(warned(query.collect)) == 1
        assert len(warned(lambda frame=frame: frame.with_columns(pl.col("y").pool.shrink(by="g", toward="x")))) == 1
