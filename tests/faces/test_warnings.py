"""A model that the data do not determine warns when its query runs: once, in every verb, engine and thread."""

import asyncio
import io
import re
import subprocess
import sys
import warnings
from dataclasses import dataclass, field

import polars as pl
import pytest
from frames import published, rows

import polars_pool as pool
from polars_pool.models import warning
from polars_pool.numerics import trust_region

SINGLES = rows({1: [1], 2: [2], 3: [6]})
TWO = rows({1: [1, 3], 2: [5, 7]})  # js needs four groups
UNBOUNDED = published({1: (1, 0), 2: (1.5, 1), 3: (0.5, 2)})  # ml has no maximum in the interior
STUDIES = published({1: (1, 1), 2: (3, 1), 3: (8, 2), 4: (2, 1), 5: (4, 1), 6: (0, 1)})
# A flat prior on tau needs three groups; a model with two groups has no proper posterior.
FEW_STUDIES = pl.concat([STUDIES.with_columns(m=1), STUDIES.head(2).with_columns(m=2)])
COUNTS = pl.DataFrame({"g": range(8), "x": [0, 3, 9, 2, 5, 7, 1, 8], "n": [10] * 8})
LINES = pl.DataFrame(
    {
        "g": [i // 4 for i in range(24)],
        "a": [float(i % 4) for i in range(24)],
        "y": [float(i * i % 11 + i % 5) for i in range(24)],
    }
)
SINGLE_CHILDREN = LINES.with_columns(outer=pl.col("g") % 3, g=pl.lit("only"))
SAME = pl.concat([LINES.with_columns(m=1), LINES.with_columns(m=2, a=1.0)])  # no slope in the second model


@dataclass(frozen=True)
class Case:
    """A verb, its frame and options, and the message of its warning."""

    verb: object
    frame: pl.DataFrame
    message: str
    options: dict = field(default_factory=dict)
    unsettled: bool = False  # whether the search must be prevented from converging

    def __call__(self, frame):
        return self.verb(frame, **self.options)


def case(verb, frame, message, unsettled=False, **options):
    return Case(verb, frame, message, {"by": "g", **options}, unsettled)


Y, SE = {"value": "y"}, {"value": "y", "se": "se"}
IMPROPER = {**SE, "over": "m", "tau2": pool.Uniform()}
SLOPE = {"value": "y", "x": ["a"], "vary": ["intercept", "a"]}
TRIALS = {"value": "x", "trials": "n"}

CASES = {
    **{
        f"{verb.__name__}, single rows": case(verb, SINGLES, warning.UNIDENTIFIED, **Y)
        for verb in (pool.shrink, pool.components, pool.encode, pool.compare, pool.profile)
    },
    "profile of groups, single rows": case(pool.profile, SINGLES, warning.UNIDENTIFIED, **Y, groups=True, tau=[1]),
    "shrink with a prior, single rows": case(pool.shrink, SINGLES, warning.UNIDENTIFIED, **Y, tau2="half_normal(3)"),
    "profile with a prior, single rows": case(pool.profile, SINGLES, warning.UNIDENTIFIED, **Y, tau2="half_normal(3)"),
    "encode with a prior, single rows": case(pool.encode, SINGLES, warning.UNIDENTIFIED, **Y, tau2="half_normal(3)"),
    "draws, single rows": case(
        pool.posterior_draws, SINGLES, warning.UNIDENTIFIED, **Y, tau2="half_normal(3)", draws=2, seed=1
    ),
    "shrink over, single rows": case(pool.shrink, SINGLES.with_columns(m="g"), warning.UNIDENTIFIED, **Y, over="m"),
    "shrink robust, single rows": case(pool.shrink, SINGLES, warning.UNIDENTIFIED, **Y, interval="robust"),
    "shrink separate, single rows": case(pool.shrink, SINGLES, warning.UNIDENTIFIED, **Y, sigma2="separate"),
    "shrink weights, single rows": case(
        pool.shrink, SINGLES.with_columns(w=1.0), warning.UNIDENTIFIED, **Y, weights="w"
    ),
    **{
        f"{verb.__name__}, few groups": case(verb, TWO, warning.TOO_FEW, **Y, tau2="js")
        for verb in (pool.shrink, pool.components, pool.encode, pool.compare)
    },
    **{
        f"{verb.__name__}, no maximum": case(verb, UNBOUNDED, warning.UNSETTLED, **SE, tau2="ml")
        for verb in (pool.shrink, pool.components)
    },
    **{
        f"{verb.__name__}, improper": case(verb, FEW_STUDIES, warning.IMPROPER, **IMPROPER)
        for verb in (pool.shrink, pool.components, pool.profile)
    },
    **{
        f"{verb.__name__}, {name}": case(verb, frame, message, unsettled, **Y, by=by, nested=True)
        for verb in (pool.shrink, pool.components, pool.encode)
        for name, frame, message, unsettled, by in (
            ("nested single rows", SINGLES, warning.UNIDENTIFIED, False, ["g", pl.lit(1).alias("h")]),
            ("nested only children", SINGLE_CHILDREN, warning.only_child("g"), False, ["outer", "g"]),
            ("nested unsettled", LINES, warning.UNSETTLED, True, [(pl.col("g") % 3).alias("outer"), "g"]),
        )
    },
    "draws, improper": case(pool.posterior_draws, FEW_STUDIES, warning.IMPROPER, **IMPROPER, draws=2, seed=1),
    **{
        f"{verb.__name__}, rates": case(verb, COUNTS, warning.UNSETTLED_PRIOR, unsettled=True, **TRIALS)
        for verb in (pool.shrink, pool.components)
    },
    **{
        f"{verb.__name__}, {name}": case(verb, frame, message, unsettled, **SLOPE, **options)
        for verb in (pool.regress, pool.regress_components, pool.regress_coefficients, pool.predict)
        for name, frame, message, unsettled, options in (
            ("single rows", LINES.gather_every(5), warning.UNIDENTIFIED_VARIANCES, False, {}),
            ("same covariate", SAME, warning.COLLINEAR, False, {"over": "m"}),
            ("unsettled", LINES, warning.UNSETTLED, True, {}),
        )
    },
}


def eager(made):
    return made(made.frame)


def built(made):
    return made(made.frame.lazy())


def in_background(made):
    return built(made).collect(background=True).fetch_blocking()


def as_task(made):
    async def awaited():
        return await built(made).collect_async()

    return asyncio.run(awaited())


def to_a_file(made):
    built(made).sink_ipc(io.BytesIO())


RUNS = {
    "DataFrame": eager,
    "streaming": lambda made: built(made).collect(engine="streaming"),
    "in-memory": lambda made: built(made).collect(engine="in-memory"),
    "sink": to_a_file,
    "async": as_task,
    "background": in_background,
    "collect_all": lambda made: pl.collect_all([built(made)]),
    "selected": lambda made: built(made).select(pl.len()).collect(),
}


@pytest.fixture(params=CASES)
def made(request, monkeypatch):
    result = CASES[request.param]
    if result.unsettled:
        monkeypatch.setattr(trust_region, "MOST", 1)
    return result


@pytest.mark.one_way
@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
def test_a_query_warns_once(made, run):
    with pytest.warns(pool.ConvergenceWarning) as record:
        run(made)
    assert [str(warned.message) for warned in record] == [made.message]
    assert record[0].category is pool.ConvergenceWarning
    assert record[0].filename == __file__  # the line that calls the verb


@pytest.mark.parametrize("run", [RUNS[name] for name in ("DataFrame", "streaming", "async")])
def test_a_warning_as_an_error_keeps_its_type(made, run):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(pool.ConvergenceWarning, match=re.escape(made.message)):
            run(made)


def test_building_and_explaining_a_query_do_not_warn(made):
    query = built(made)
    query.collect_schema()
    query.explain()
    query.show_graph(engine="streaming", plan_stage="physical", raw_output=True)


def test_a_query_that_runs_twice_warns_twice(made):
    query = built(made)
    for _ in range(2):
        with pytest.warns(pool.ConvergenceWarning) as record:
            query.collect()
        assert len(record) == 1


def test_a_result_that_a_query_uses_twice_warns_once(made):
    query = built(made)
    with pytest.warns(pool.ConvergenceWarning) as record:
        pl.concat([query, query.select(pl.all())]).collect()
    assert len(record) == 1


def test_two_verbs_of_one_query_warn_once_each():
    lf = SINGLES.lazy()
    with pytest.warns(pool.ConvergenceWarning) as record:
        pl.collect_all([pool.shrink(lf, "y", "g"), pool.components(lf, "y", "g")])
    assert [str(warned.message) for warned in record] == [warning.UNIDENTIFIED] * 2


# ---- models that converge -------------------------------------------------------------------------------------------


def test_models_that_converge_do_not_warn():
    good = rows({1: [1, 3], 2: [5, 7, 9], 3: [10, 14, 11]}).lazy()
    for verb in (pool.shrink, pool.components, pool.encode, pool.compare, pool.profile):
        verb(good, "y", "g").collect()
    pool.shrink(SINGLES.lazy(), "y", "g", sigma2=1, tau2="he").collect()
    for verb in (pool.shrink, pool.components):
        verb(COUNTS.lazy(), "x", "g", trials="n").collect()
    for verb in (pool.regress, pool.regress_components, pool.regress_coefficients, pool.predict):
        verb(LINES.lazy(), "y", ["a"], "g").collect()


def test_models_without_rows_do_not_warn():
    for verb in (pool.shrink, pool.components, pool.encode, pool.compare, pool.profile):
        verb(SINGLES.lazy().with_columns(y=pl.lit(None, pl.Float64)), "y", "g").collect()
        verb(SINGLES.lazy().head(0), "y", "g").collect()


# ---- the line that a warning points at ------------------------------------------------------------------------------


def line_of(text):
    """The number of the only line of this file that ends with a comment."""
    with open(__file__) as file:
        [result] = [number for number, line in enumerate(file, 1) if line.rstrip().endswith(f"# {text}")]
    return result


def the_only(record):
    [warned] = record
    assert warned.filename == __file__
    return warned.lineno


def test_a_lazy_query_points_at_the_verb():
    query = pool.shrink(SINGLES.lazy(), "y", "g")  # a lazy verb
    with pytest.warns(pool.ConvergenceWarning) as record:
        query.collect()
    assert the_only(record) == line_of("a lazy verb")


def test_an_eager_call_points_at_the_verb():
    with pytest.warns(pool.ConvergenceWarning) as record:
        SINGLES.pipe(pool.shrink, "y", "g")  # through pipe
    assert the_only(record) == line_of("through pipe")
    with pytest.warns(pool.ConvergenceWarning) as record:
        SINGLES.pool.shrink("y", "g")  # through the namespace
    assert the_only(record) == line_of("through the namespace")


def test_an_expression_points_at_where_it_is_written():
    expression = pl.col("y").pool.shrink(by="g")  # an expression
    contexts = (
        SINGLES.lazy().select(expression),
        SINGLES.lazy().with_columns(m=1).select(expression.over("m")),
        SINGLES.lazy().with_columns(m=1).group_by("m").agg(expression),
    )
    for query in contexts:
        with pytest.warns(pool.ConvergenceWarning) as record:
            query.collect()
        assert the_only(record) == line_of("an expression")


SCRIPT = """
import polars as pl, polars_pool as pool
frame = pl.DataFrame({"g": [1, 2, 3] * 4, "m": [1, 2, 3, 4] * 3, "y": [1.0, 2, 6] * 4})
for _ in range(3):
    pool.shrink(frame.unique("g").lazy(), "y", "g").collect()
for _ in range(3):
    frame.with_columns(pl.col("y").pool.shrink(by="g").over("m"))
"""


def test_by_default_a_line_warns_once():
    """This is Python's default for every warning."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stderr.count("ConvergenceWarning: no group has two rows") == 2
    assert done.stdout == ""


# ---- expressions ----------------------------------------------------------------------------------------------------

MODELS = pl.concat([SINGLES.with_columns(m=m) for m in range(50)]).sample(fraction=1, shuffle=True, seed=1)
EXPRESSIONS = {
    "shrink": lambda **options: pl.col("y").pool.shrink(by="g", **options),
    "weight": lambda **options: pl.col("y").pool.weight(by="g", **options),
    "shrink with a prior": lambda **options: pl.col("y").pool.shrink(by="g", tau2="half_normal(3)", **options),
}
CONTEXTS = {
    "select": lambda lf, e: lf.filter(m=0).select(e()),
    "with_columns": lambda lf, e: lf.filter(m=0).with_columns(e()),
    "filter": lambda lf, e: lf.filter(m=0).filter(e() > 0),
    "beside others": lambda lf, e: lf.filter(m=0).select(e(), pl.col("y").mean().over("g").alias("z")),
    "over=": lambda lf, e: lf.with_columns(e(over="m")),
    "over": lambda lf, e: lf.with_columns(e().over("m")),
    "agg": lambda lf, e: lf.group_by("m").agg(e()),
    "agg first": lambda lf, e: lf.group_by("m").agg(e().first()),
    "arithmetic in agg": lambda lf, e: lf.group_by("m").agg((pl.col("y") - e()).mean()),
    "arithmetic over": lambda lf, e: lf.select((pl.col("y") - e()).over("m")),
}


@pytest.mark.share(3)
@pytest.mark.parametrize("engine", ["DataFrame", "streaming", "in-memory"])
@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_an_expression_warns_once_per_query(expression, context, engine):
    query = context(MODELS.lazy(), expression)
    for _ in range(2):
        with pytest.warns(pool.ConvergenceWarning) as record:
            context(MODELS, expression) if engine == "DataFrame" else query.collect(engine=engine)
        assert [str(warned.message) for warned in record] == [warning.UNIDENTIFIED]


def test_each_column_of_an_expression_warns():
    frame = MODELS.with_columns(z=pl.col("y") * 2)
    with pytest.warns(pool.ConvergenceWarning) as record:
        frame.lazy().with_columns(pl.col("y", "z").pool.shrink(by="g").over("m")).collect()
    assert [str(warned.message) for warned in record] == [warning.UNIDENTIFIED] * 2


def test_sorted_groups_that_stream_in_pieces_warn_once_per_piece():
    pieces = pl.concat([SINGLES.with_columns(m=m) for m in range(50)])
    query = pieces.lazy().group_by("m").agg(EXPRESSIONS["shrink"]())
    with pytest.warns(pool.ConvergenceWarning) as record:
        query.collect(engine="streaming")
    assert {str(warned.message) for warned in record} == {warning.UNIDENTIFIED}
    assert len(record) < 5


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_an_error_from_an_expression_keeps_its_type(context):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(pool.ConvergenceWarning, match=re.escape(warning.UNIDENTIFIED)):
            context(MODELS, EXPRESSIONS["shrink"])


def test_an_expression_of_rates_warns(monkeypatch):
    monkeypatch.setattr(trust_region, "MOST", 1)
    frame = pl.concat([COUNTS.with_columns(m=m) for m in range(3)])
    rate = pl.col("x").pool.shrink(by="g", trials="n")
    for query in (COUNTS.lazy().select(rate), frame.lazy().select(rate.over("m"))):
        with pytest.warns(pool.ConvergenceWarning) as record:
            query.collect()
        assert [str(warned.message) for warned in record] == [warning.UNSETTLED_PRIOR]


# ---- an expression that is called with one group at a time -----------------------------------------------------------

SCHOOLS = pl.DataFrame({"school": ["a", "b", "c"] * 4, "year": [1, 1, 1, 2, 2, 2] * 2, "y": [1.0, 5, 9, 2, 7, 8] * 2})
BY_SCHOOL = {
    "shrink": lambda **options: pl.col("y").pool.shrink(by="school", **options),
    "weight": lambda **options: pl.col("y").pool.weight(by="school", **options),
    "rates": lambda **options: (pl.col("y") > 4).pool.shrink(by="school", family="binomial", **options),
}
ALONE = {
    "agg": lambda frame, e: frame.group_by("school").agg(e().first()),
    "agg of lists": lambda frame, e: frame.group_by("school").agg(e()),
    "over": lambda frame, e: frame.with_columns(e().over("school")),
    "over two": lambda frame, e: frame.with_columns(e().over("school", "year")),
    "over=": lambda frame, e: frame.with_columns(e(over="year").over("school")),
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("context", ALONE.values(), ids=ALONE)
@pytest.mark.parametrize("expression", BY_SCHOOL.values(), ids=BY_SCHOOL)
def test_an_expression_that_is_called_for_one_group_at_a_time_warns_once(expression, context, lazy):
    with pytest.warns(UserWarning, match=re.escape(warning.ALONE)) as record:
        context(SCHOOLS.lazy() if lazy else SCHOOLS, expression).lazy().collect()
    assert [(str(warned.message), warned.category) for warned in record] == [(warning.ALONE, UserWarning)]
    assert record[0].filename == __file__
    assert "encode()" in warning.ALONE
    assert "over=" in warning.ALONE


def test_the_result_with_this_warning_is_the_raw_mean():
    with pytest.warns(UserWarning, match="nothing is pooled"):
        result = SCHOOLS.group_by("school").agg(pl.col("y").pool.shrink(by="school").first()).sort("school")
    assert result["y"].to_list() == SCHOOLS.group_by("school").agg(pl.col("y").mean()).sort("school")["y"].to_list()


NOT_ALONE = {
    "several groups in each": lambda: SCHOOLS.with_columns(BY_SCHOOL["shrink"]().over("year")),
    "agg by another key": lambda: SCHOOLS.group_by("year").agg(BY_SCHOOL["shrink"]()),
    "one of the years has one school": lambda: SCHOOLS.filter(
        (pl.col("year") == 1) | (pl.col("school") == "a")
    ).with_columns(BY_SCHOOL["shrink"]().over("year")),
    "a frame of one group": lambda: SCHOOLS.filter(school="a").with_columns(BY_SCHOOL["shrink"]()),
    "over= of one group each": lambda: SCHOOLS.with_columns(BY_SCHOOL["shrink"](over="school")),
    "no rows": lambda: SCHOOLS.head(0).with_columns(BY_SCHOOL["shrink"]().over("school")),
}


@pytest.mark.parametrize("run", NOT_ALONE.values(), ids=NOT_ALONE)
def test_other_expressions_do_not_warn(run):
    run()
