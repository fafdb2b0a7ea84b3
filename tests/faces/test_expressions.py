"""`pl.col(...).pool` gives each row the result of the frame verbs, wherever Polars accepts an expression."""

import keyword

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
from frames import TAU2, assert_near, by_key, rows
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.models.oneway import encoding

FRAME = pl.DataFrame(
    {
        "g": ["a", "b", "a", "c", "b", "c", "a", None, "d", None, "b", "a", "c", "b"],
        "h": [1, 1, 2, 2, 1, 2, 1, 1, 2, 1, 2, 2, 1, 1],
        "year": [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2],
        "y": [1.0, 3.5, 2.25, 9.0, 4.0, 8.5, None, 2.0, 7.0, 3.0, 4.5, 1.5, 10.0, 5.0],
        "w": [1.0, 2.0, 0.5, 1.0, 3.0, 1.0, 2.0, 1.0, 4.0, 1.0, 0.5, 2.0, 1.0, 1.0],
    }
)

every_method = pytest.mark.parametrize("tau2", [*TAU2, 2.5])


def beside(frame: pl.DataFrame, result: pl.DataFrame, keys: list[str], column: str = "estimate") -> pl.Series:
    """The statistic of each row's group, joined by plain Polars."""
    return frame.join(result, on=keys, how="left", nulls_equal=True, maintain_order="left", suffix=" of group")[column]


def estimates(frame: pl.DataFrame, by: list[str], **options) -> pl.Series:
    """The estimate of each row's group, from the frame verb."""
    keys = [*([options["over"]] if isinstance(options.get("over"), str) else options.get("over", [])), *by]
    return beside(frame, pool.shrink(frame, "y", by, **options), keys)


# ---- every method, every context ---------------------------------------------------------------------------


@every_method
def test_select_and_with_columns(tau2):
    want = estimates(FRAME, ["g"], tau2=tau2)
    expression = pl.col("y").pool.shrink(by="g", tau2=tau2)
    assert_near(FRAME.select(expression).to_series(), want, 1e-12)
    assert_near(FRAME.with_columns(expression.alias("pooled"))["pooled"], want, 1e-12)
    assert_near(FRAME.lazy().select(expression).collect(engine="streaming").to_series(), want, 1e-12)
    assert_near(FRAME.lazy().select(expression).collect(engine="in-memory").to_series(), want, 1e-12)


@every_method
def test_encode_is_the_frame_form(tau2):
    want = estimates(FRAME, ["g"], tau2=tau2)
    for frame in (pool.encode(FRAME, "y", "g", tau2=tau2), pool.encode(FRAME.lazy(), "y", "g", tau2=tau2).collect()):
        assert_frame_equal(frame.drop("estimate"), FRAME)
        assert frame.columns == [*FRAME.columns, "estimate"]
        assert_near(frame["estimate"], want, 1e-12)


@every_method
def test_over_as_an_argument(tau2):
    want = estimates(FRAME, ["g"], over="year", tau2=tau2)
    got = FRAME.select(pl.col("y").pool.shrink(by="g", over="year", tau2=tau2)).to_series()
    assert_near(got, want, 1e-12)
    assert_near(pool.encode(FRAME, "y", "g", over="year", tau2=tau2)["estimate"], want, 1e-12)


OF_MANY_ROWS = {
    "one key": ("y", ["g"], {}),
    "null in a key, two keys": ("y", ["part", "g"], {}),
    "several models": ("y", ["g"], {"over": "part"}),
    "infinite values as missing": ("infinite", ["g"], {"nan": "null"}),
    "integers beyond Float64": ("wide", ["g"], {}),
    "known hyperparameters": ("y", ["g"], {"sigma2": 4.0, "tau2": 1.0}),
}


@pytest.mark.parametrize("case", OF_MANY_ROWS)
def test_the_statistics_of_many_rows(case):
    """From some number of rows on, windows take the place of joins."""
    value, by, options = OF_MANY_ROWS[case]
    rng = np.random.default_rng(1)
    g, noise = rng.zipf(1.3, encoding.MANY) % 5000, rng.normal(size=encoding.MANY)
    frame = pl.DataFrame(
        {"g": g, "part": g % 7, "y": g % 11 + noise, "wide": 2**60 + g % 11 + rng.integers(9, size=g.size)}
    )
    frame = frame.with_columns(pl.when(pl.col("y") > -2).then("y"), pl.when(pl.col("part") > 0).then("part"))
    frame = frame.with_columns(infinite=pl.when(pl.col("y") < 13).then("y").otherwise(float("inf")))
    result = pool.shrink(frame, value, by, **options)
    for name, method, engine in (("estimate", "shrink", "streaming"), ("weight", "weight", "in-memory")):
        want = beside(frame, result, [*([options["over"]] if "over" in options else []), *by], name)
        expression = getattr(pl.col(value).pool, method)(by, **options)
        assert_near(frame.lazy().select(expression).collect(engine=engine).to_series(), want, 1e-12, 1.0)


@every_method
def test_over_around_the_expression(tau2):
    want = estimates(FRAME, ["g"], over="year", tau2=tau2)
    assert_near(FRAME.select(pl.col("y").pool.shrink(by="g", tau2=tau2).over("year")).to_series(), want, 1e-12)
    lazy = FRAME.lazy().with_columns(p=pl.col("y").pool.shrink(by="g", tau2=tau2).over("year"))
    assert_near(lazy.collect()["p"], want, 1e-12)


@every_method
def test_inside_agg(tau2):
    """Each group of the group_by is a separate model; the result is a list, as for every expression of full length."""
    want = FRAME.with_columns(p=estimates(FRAME, ["g"], over="year", tau2=tau2))
    query = FRAME.group_by("year", maintain_order=True).agg("y", p=pl.col("y").pool.shrink(by="g", tau2=tau2))
    assert query["p"].dtype == pl.List(pl.Float64)
    assert_near([estimate for model in query["p"] for estimate in model], want["p"], 1e-12)
    means = FRAME.group_by("year").agg(pl.col("y").pool.shrink(by="g", tau2=tau2).mean()).sort("year")
    assert_near(means["y"], want.group_by("year").agg(pl.col("p").mean()).sort("year")["p"], 1e-12)


@every_method
def test_filter_and_sort_by(tau2):
    expression = pl.col("y").pool.shrink(by="g", tau2=tau2)
    want = FRAME.with_columns(p=estimates(FRAME, ["g"], tau2=tau2))
    assert_frame_equal(FRAME.filter(expression > 4), want.filter(pl.col("p") > 4).drop("p"))
    assert_frame_equal(FRAME.lazy().filter(expression > 4).collect(), want.filter(pl.col("p") > 4).drop("p"))
    assert_near(FRAME.sort(expression, maintain_order=True)["y"], want.sort("p", maintain_order=True)["y"], 0)


def test_a_filter_after_the_expression_changes_no_estimate():
    query = FRAME.lazy().with_columns(p=pl.col("y").pool.shrink(by="g"))
    for predicate in (pl.col("g") == "a", pl.col("year") == 2, pl.col("y") > 3):
        assert_frame_equal(query.filter(predicate).collect(), query.collect().filter(predicate), rel_tol=1e-12)
    assert_frame_equal(query.head(4).collect(), query.collect().head(4), rel_tol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"sigma2": "separate"},
        {"sigma2": "squeezed", "tau2": "morris"},
        {"sigma2": 2.0},
        {"mu": "rows"},
        {"mu": "groups"},
        {"mu": "shrunk"},
        {"mu": 0},
        {"weights": "w"},
        {"weights": "w", "sigma2": "separate", "tau2": "dl"},
        {"tau2": 0},
        {"tau2": 1.5, "mu": 3, "sigma2": 1},
        {"nan": "null"},
    ],
    ids=str,
)
def test_every_option(options):
    want = estimates(FRAME, ["g"], **options)
    assert_near(FRAME.select(pl.col("y").pool.shrink(by="g", **options)).to_series(), want, 1e-12)
    assert_near(pool.encode(FRAME, "y", "g", **options)["estimate"], want, 1e-12)


# ---- keys --------------------------------------------------------------------------------------------------


def test_several_keys():
    want = estimates(FRAME, ["g", "h"])
    assert_near(FRAME.select(pl.col("y").pool.shrink(by=["g", "h"])).to_series(), want, 1e-12)
    assert_near(FRAME.select(pl.col("y").pool.shrink(by=("g", pl.col("h")))).to_series(), want, 1e-12)
    assert_near(pool.encode(FRAME, "y", ["g", "h"])["estimate"], want, 1e-12)


def test_expressions_as_keys():
    frame = FRAME.with_columns(odd=pl.col("h") % 2 == 1, start=pl.col("g").str.to_uppercase())
    want = estimates(frame, ["odd", "start"])
    keys = [pl.col("h") % 2 == 1, pl.col("g").str.to_uppercase()]
    assert_near(FRAME.select(pl.col("y").pool.shrink(by=keys)).to_series(), want, 1e-12)
    named = [keys[0].alias("odd"), keys[1].alias("start")]
    assert_near(pool.encode(FRAME, "y", named)["estimate"], want, 1e-12)
    result = pool.shrink(FRAME, "y", named)
    assert result.columns[:2] == ["odd", "start"]
    assert_near(result["estimate"], pool.shrink(frame, "y", ["odd", "start"])["estimate"], 1e-12)


def test_several_models():
    want = estimates(FRAME, ["g"], over=["year", "h"], tau2="dl", sigma2=1.0)
    got = FRAME.select(pl.col("y").pool.shrink(by="g", over=["year", pl.col("h")], tau2="dl", sigma2=1.0))
    assert_near(got.to_series(), want, 1e-12)


def test_values_that_are_expressions():
    frame = FRAME.with_columns(y=pl.col("y").log() * 2)
    want = estimates(frame, ["g"])
    assert_near(FRAME.select((pl.col("y").log() * 2).pool.shrink(by="g")).to_series(), want, 1e-12)
    assert_near(pool.encode(FRAME, pl.col("y").log() * 2, "g")["estimate"], want, 1e-12)
    result = pool.shrink(FRAME, pl.col("y").log() * 2, "g")
    assert_near(result["estimate"], pool.shrink(frame, "y", "g")["estimate"], 1e-12)


def test_weights_that_are_expressions():
    frame = FRAME.with_columns(u=1 / pl.col("w"))
    want = estimates(frame, ["g"], weights="u")
    assert_near(FRAME.select(pl.col("y").pool.shrink(by="g", weights=1 / pl.col("w"))).to_series(), want, 1e-12)
    assert_near(pool.encode(FRAME, "y", "g", weights=1 / pl.col("w"))["estimate"], want, 1e-12)


def test_the_result_has_the_name_of_the_value():
    assert FRAME.select(pl.col("y").pool.shrink(by="g")).columns == ["y"]
    assert FRAME.select((pl.col("y") * 2).pool.weight(by="g")).columns == ["y"]
    assert FRAME.select(pl.col("y").pool.shrink(by="g").alias("p")).columns == ["p"]
    assert FRAME.select(pl.col("y").pool.moments(by="g")).columns == ["y"]


def test_several_expressions_side_by_side():
    frame = FRAME.select(
        reml=pl.col("y").pool.shrink(by="g"),
        dl=pl.col("y").pool.shrink(by="g", tau2="dl"),
        by_h=pl.col("y").pool.shrink(by="h"),
        weight=pl.col("y").pool.weight(by="g"),
    )
    assert_near(frame["reml"], estimates(FRAME, ["g"]), 1e-12)
    assert_near(frame["dl"], estimates(FRAME, ["g"], tau2="dl"), 1e-12)
    assert_near(frame["by_h"], estimates(FRAME, ["h"]), 1e-12)


# ---- odd names ---------------------------------------------------------------------------------------------

ODD_NAMES = [
    "two words",
    'a "quoted" name',
    "it's",
    "Größe_日本_🙂",
    "",
    " ",
    "a.b",
    "back\\slash",
    "new\nline",
    "{}",
    "col('y')",
    "y; drop table",
    "%s",
    "__n",
    "_w",
    "value",
    "by",
    "over",
    "groups",
    "key",
    "literal",
    "var",
    "tau2",
    "mu",
    "sigma2",
    *keyword.kwlist[:6],
]


@pytest.mark.share(2)
@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_keys(name):
    frame = FRAME.select("y", pl.col("g").alias(name))
    want = estimates(FRAME, ["g"])
    assert_near(frame.select(pl.col("y").pool.shrink(by=name)).to_series(), want, 1e-12)
    assert_near(pool.encode(frame, "y", name, name="the estimate")["the estimate"], want, 1e-12)
    result = pool.shrink(frame, "y", name)
    assert result.columns[0] == name
    assert_frame_equal(result.rename({name: "g"}), pool.shrink(FRAME, "y", "g"))


@pytest.mark.parametrize("name", ["^g$", "*", "^", "^(y|h)$"])
def test_names_of_keys_that_polars_reads_as_patterns(name):
    frame = FRAME.select("y", pl.col("g").alias(name))
    want = estimates(FRAME, ["g"])
    assert_near(frame.select(pl.col("y").pool.shrink(by=name)).to_series(), want, 1e-12)
    assert_near(pool.encode(frame, "y", name, name="the estimate")["the estimate"], want, 1e-12)


@pytest.mark.share(2)
@pytest.mark.parametrize("name", [*ODD_NAMES, "n", "mean", "estimate", "weight", "v", "se", "g"])
def test_odd_names_of_values(name):
    frame = FRAME.select(pl.col("y").alias(name), pl.col("g").alias("the key"))
    want = estimates(FRAME, ["g"])
    assert_near(frame.select(pl.col(name).pool.shrink(by="the key")).to_series(), want, 1e-12)
    encoded = pool.encode(frame, name, "the key", name="the estimate")
    assert encoded.columns == [name, "the key", "the estimate"]
    assert_near(encoded["the estimate"], want, 1e-12)
    result = pool.shrink(frame, name, "the key").rename({"the key": "g"})
    assert_frame_equal(result, pool.shrink(FRAME, "y", "g"))


@pytest.mark.parametrize("statistic", ["shrink", "weight"])
@pytest.mark.parametrize("name", ["estimate", "weight", "n", "mean"])
def test_rates_of_a_value_with_the_name_of_a_result(name, statistic):
    """The raw column must not come back in place of the statistic with its name."""
    frame = FRAME.select("g", pl.lit(4).alias("trials"), pl.col("h").alias(name))
    groups = pool.shrink(FRAME.with_columns(trials=pl.lit(4)), "h", "g", trials="trials", prior="beta(2, 5)")
    column = "estimate" if statistic == "shrink" else "weight"
    expression = getattr(pl.col(name).pool, statistic)(by="g", trials="trials", prior="beta(2, 5)")
    assert_near(frame.select(expression).to_series(), beside(FRAME.select("g"), groups, ["g"], column), 1e-12)


@pytest.mark.share(2)
@pytest.mark.parametrize("name", [*ODD_NAMES, "n", "mean", "w", "estimate"])
def test_odd_names_of_weights_and_models(name):
    frame = FRAME.select("y", "g", pl.col("w").alias(name))
    want = estimates(FRAME, ["g"], weights="w")
    assert_near(frame.select(pl.col("y").pool.shrink(by="g", weights=name)).to_series(), want, 1e-12)
    assert_near(pool.encode(frame, "y", "g", weights=name, name="the estimate")["the estimate"], want, 1e-12)
    assert_near(
        pool.shrink(frame, "y", "g", weights=name)["se"], pool.shrink(FRAME, "y", "g", weights="w")["se"], 1e-12
    )


@pytest.mark.share(2)
@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name not in ("groups", "tau2", "mu", "sigma2")])
def test_odd_names_of_models(name):
    frame = FRAME.select("y", "g", pl.col("year").alias(name))
    want = estimates(FRAME, ["g"], over="year")
    assert_near(frame.select(pl.col("y").pool.shrink(by="g", over=name)).to_series(), want, 1e-12)
    models = pool.components(frame, "y", "g", over=name)
    assert_frame_equal(models.rename({name: "year"}), pool.components(FRAME, "y", "g", over="year"))


@pytest.mark.parametrize("names", [("n", "mean", "var"), ("mean", "var", "n"), ("a b", "", "日本"), ("var", "n", "y")])
def test_odd_names_of_moments(names):
    """The columns of stored moments may have each other's names."""
    states = pool.moments(FRAME, "y", "g")
    want = pool.shrink(states, "mean", "g", n="n", var="var")
    mean, n, var = names
    renamed = states.select("g", pl.col("mean").alias(mean), pl.col("n").alias(n), pl.col("var").alias(var))
    assert_frame_equal(pool.shrink(renamed, mean, "g", n=n, var=var), want)
    merged = pool.merge(pl.concat([renamed, renamed]), "g", value=mean, n=n, var=var)
    assert merged.columns == ["g", "n", "mean", "var"]
    assert merged["n"].to_list() == [2 * count for count in states["n"]]


def test_value_and_key_may_be_one_column():
    """A value pooled by itself has equal rows in each group, so that nothing is pooled."""
    frame = pl.DataFrame({"y": [1.0, 1.0, 2.0, 2.0, 5.0]})
    assert frame.select(pl.col("y").pool.shrink(by="y")).to_series().to_list() == frame["y"].to_list()
    assert pool.shrink(frame, "y", "y")["estimate"].to_list() == [1, 2, 5]
    assert pool.encode(frame, "y", "y")["estimate"].to_list() == frame["y"].to_list()


# ---- weight ------------------------------------------------------------------------------------------------


@every_method
def test_weight_equals_that_of_the_frame_verb(tau2):
    want = beside(FRAME, pool.shrink(FRAME, "y", "g", tau2=tau2), ["g"], "weight")
    assert_near(FRAME.select(pl.col("y").pool.weight(by="g", tau2=tau2)).to_series(), want, 1e-12, 1.0)
    want = beside(FRAME, pool.shrink(FRAME, "y", "g", over="year", tau2=tau2), ["year", "g"], "weight")
    got = FRAME.select(pl.col("y").pool.weight(by="g", over="year", tau2=tau2)).to_series()
    assert_near(got, want, 1e-12, 1.0)


def test_weight_with_options():
    options = {"weights": "w", "sigma2": "separate", "tau2": "he", "mu": "groups"}
    want = beside(FRAME, pool.shrink(FRAME, "y", "g", **options), ["g"], "weight")
    assert_near(FRAME.select(pl.col("y").pool.weight(by="g", **options)).to_series(), want, 1e-12, 1.0)


# ---- moments -----------------------------------------------------------------------------------------------

STATE = pl.Struct({"n": pl.Int64, "mean": pl.Float64, "var": pl.Float64})


def test_moments_of_a_column():
    state = FRAME.select(pl.col("y").pool.moments())
    assert state.shape == (1, 1)
    assert state["y"].dtype == STATE
    got = state["y"].struct.unnest().row(0)
    values = FRAME["y"].drop_nulls()
    assert_near(got, (13, values.mean(), values.var()), 1e-14)


def test_moments_inside_agg():
    """One state per group, equal to the result of `moments`."""
    want = pool.moments(FRAME, "y", "g")
    for frame in (FRAME.lazy(), FRAME):
        states = (
            frame.group_by("g")
            .agg(pl.col("y").pool.moments().alias("state"))
            .lazy()
            .unnest("state")
            .sort("g")
            .collect()
        )
        assert states.schema == want.schema
        assert_near(by_key(states), by_key(want), 1e-14)


def test_moments_beside_rows():
    want = pool.moments(FRAME, "y", "g")
    frame = FRAME.with_columns(state=pl.col("y").pool.moments(by="g"))
    assert frame["state"].dtype == STATE
    for name in ("n", "mean", "var"):
        assert_near(frame["state"].struct.field(name), beside(FRAME, want, ["g"], name), 1e-14)
    several = FRAME.select(pl.col("y").pool.moments(by=["g", pl.col("h")])).unnest("y")
    want = pool.moments(FRAME, "y", ["g", "h"])
    assert_near(several["mean"], beside(FRAME, want, ["g", "h"], "mean"), 1e-14)


def test_moments_over_a_window():
    want = beside(FRAME, pool.moments(FRAME, "y", "year"), ["year"], "var")
    got = FRAME.select(pl.col("y").pool.moments().over("year")).unnest("y")["var"]
    assert_near(got, want, 1e-14)


def test_moments_of_nothing():
    frame = pl.DataFrame({"y": [None, None]}, schema={"y": pl.Float64})
    assert frame.select(pl.col("y").pool.moments()).unnest("y").row(0) == (0, None, None)
    assert frame.head(0).select(pl.col("y").pool.moments()).unnest("y").row(0) == (0, None, None)
    one = rows({1: [3]})
    assert one.select(pl.col("y").pool.moments()).unnest("y").row(0) == (1, 3.0, None)


# ---- namespaces --------------------------------------------------------------------------------------------


def test_methods_are_the_functions():
    states = pool.moments(FRAME, "y", "g")
    for frame in (FRAME, FRAME.lazy()):
        for name in ("shrink", "components", "encode", "moments"):
            got = getattr(frame.pool, name)("y", by="g")
            want = getattr(pool, name)(frame, "y", by="g")
            assert type(got) is type(want) is type(frame)
            assert_frame_equal(got.lazy().collect(), want.lazy().collect(), check_row_order=False)
    assert_frame_equal(states.pool.merge("g"), pool.merge(states, "g"))
    assert_frame_equal(states.lazy().pool.merge("g").sort("g").collect(), pool.merge(states, "g"))
    assert_frame_equal(FRAME.pipe(pool.shrink, "y", by="g"), pool.shrink(FRAME, "y", by="g"))


def test_methods_and_functions_take_the_same_arguments():
    import inspect

    for name in ("shrink", "components", "encode", "moments", "merge"):
        function = list(inspect.signature(getattr(pool, name)).parameters.values())[1:]
        for frame in (FRAME, FRAME.lazy()):
            method = list(inspect.signature(getattr(frame.pool, name)).parameters.values())
            shape = [(p.name, p.kind, p.default) for p in function]
            assert [(p.name, p.kind, p.default) for p in method] == shape, name


def test_encode_keeps_rows_and_order():
    shuffled = FRAME.with_row_index().sample(fraction=1, shuffle=True, seed=3)
    for frame in (shuffled, shuffled.lazy()):
        result = pool.encode(frame, "y", "g").lazy().collect()
        assert_frame_equal(result.drop("estimate"), shuffled)


def test_encode_under_another_name():
    assert pool.encode(FRAME, "y", "g", name="p").columns == [*FRAME.columns, "p"]


# ---- a value that stands for several columns ---------------------------------------------------------------

WIDE = FRAME.with_columns(
    y2=pl.col("y").fill_null(0) ** 2,
    x=pl.col("w") * pl.col("h") + pl.col("year"),
    k=pl.col("h") * pl.col("year"),
    size=pl.lit(5) + pl.col("h"),
)
SEVERAL = {
    "names": (pl.col("y", "x"), ["y", "x"]),
    "a list of names": (pl.col(["y", "x", "w"]), ["y", "x", "w"]),
    "a pattern": (pl.col("^(y.?|x)$"), ["y", "y2", "x"]),
    "a type": (pl.col(pl.Float64), ["y", "w", "y2", "x"]),
    "all": (pl.all().exclude("g"), ["h", "year", "y", "w", "y2", "x", "k", "size"]),
    "exclude": (pl.exclude("g", "h", "year", "k", "size"), ["y", "w", "y2", "x"]),
    "numeric()": (cs.numeric() - cs.integer(), ["y", "w", "y2", "x"]),
    "starts_with()": (cs.starts_with("y") - cs.by_name("year"), ["y", "y2"]),
    "by_name()": (cs.by_name("x", "y"), ["y", "x"]),
    "arithmetic": (pl.col("y", "x") * 2 + 1, ["y", "x"]),
    "a function": (pl.col("y", "y2").sqrt(), ["y", "y2"]),
}
several = pytest.mark.parametrize(("value", "names"), SEVERAL.values(), ids=SEVERAL)
ENGINES = {
    "DataFrame": lambda frame, step: step(frame),
    "streaming": lambda frame, step: step(frame.lazy()).collect(engine="streaming"),
    "in-memory": lambda frame, step: step(frame.lazy()).collect(engine="in-memory"),
}
every_engine = pytest.mark.parametrize("run", ENGINES.values(), ids=ENGINES)
pytestmark = pytest.mark.one_way


def one_by_one(value: pl.Expr, names: list[str], pooled, frame: pl.DataFrame = WIDE) -> pl.DataFrame:
    """Every column of the value, pooled separately."""
    values = frame.select(value)
    assert sorted(values.columns) == sorted(names)
    keys = frame.select(pl.all().name.prefix("key "))
    return pl.DataFrame(
        [keys.with_columns(values[name]).select(pooled(pl.col(name))).to_series() for name in values.columns]
    )


@several
@every_engine
def test_every_column_is_pooled(value, names, run):
    want = one_by_one(value, names, lambda column: column.pool.shrink(by="key g"))
    assert_frame_equal(run(WIDE, lambda frame: frame.select(value.pool.shrink(by="g"))), want, rel_tol=1e-12)
    beside_rows = run(WIDE, lambda frame: frame.with_columns(value.pool.shrink(by="g").name.suffix("_p")))
    assert beside_rows.columns == [*WIDE.columns, *(f"{name}_p" for name in want.columns)]
    assert_frame_equal(beside_rows.select(WIDE.columns), WIDE)
    assert_frame_equal(
        beside_rows.select(f"{name}_p" for name in want.columns), want.rename("{}_p".format), rel_tol=1e-12
    )


OPTIONS_OF_SEVERAL = {
    "over": {"over": "year"},
    "several keys": {"over": ["year", "h"], "tau2": "dl", "sigma2": 1.0},
    "weights": {"weights": "w"},
    "separate": {"sigma2": "separate"},
    "a prior": {"tau2": "half_cauchy(5)"},
    "null": {"nan": "null"},
    "known": {"tau2": 1.5, "mu": 3, "sigma2": 1},
}


@pytest.mark.parametrize("options", OPTIONS_OF_SEVERAL.values(), ids=OPTIONS_OF_SEVERAL)
@pytest.mark.parametrize("method", ["shrink", "weight"])
@every_engine
def test_every_column_is_pooled_with_options(options, method, run):
    value, names = pl.col("y", "x"), ["y", "x"]
    keys = {"by": "key g"} | {
        role: [f"key {name}" for name in given] if isinstance(given, list) else f"key {given}"
        for role, given in options.items()
        if role in ("over", "weights")
    }
    others = {role: given for role, given in options.items() if role not in keys}
    want = one_by_one(value, names, lambda column: getattr(column.pool, method)(**keys, **others))
    got = run(WIDE, lambda frame: frame.select(getattr(value.pool, method)(by="g", **options)))
    assert_frame_equal(got, want, rel_tol=1e-12)


COUNTED = {
    "trials": {"trials": "size"},
    "exposure": {"exposure": pl.col("w") + 1},
    "moments": {"trials": "size", "prior": "moments"},
}


@pytest.fixture
def pooled_completely():
    """Few counts show no differences between the groups."""
    with pytest.warns(pool.ConvergenceWarning, match="do not show that its groups differ by more than chance"):
        yield


@pytest.mark.parametrize("options", COUNTED.values(), ids=COUNTED)
@pytest.mark.parametrize("method", ["shrink", "weight"])
@every_engine
@pytest.mark.usefixtures("pooled_completely")
def test_every_column_of_events_is_pooled(options, method, run):
    got = run(WIDE, lambda frame: frame.select(getattr(pl.col("k", "h").pool, method)(by="g", **options)))
    for name in ("k", "h"):
        want = beside(
            WIDE, pool.shrink(WIDE, name, "g", **options), ["g"], "weight" if method == "weight" else "estimate"
        )
        assert_near(got[name], want, 1e-12)


@every_engine
@pytest.mark.usefixtures("pooled_completely")
def test_every_boolean_column_is_a_rate(run):
    flags = WIDE.select("g", a=pl.col("h") == 1, b=pl.col("year") == 1)
    got = run(flags, lambda frame: frame.select(cs.boolean().pool.shrink(by="g", family="binomial")))
    for name in ("a", "b"):
        want = beside(flags, pool.shrink(flags, name, "g", family="binomial"), ["g"])
        assert_near(got[name], want, 1e-12)


@several
@every_engine
def test_moments_of_every_column(value, names, run):
    values = WIDE.select(value)
    frame = values.rename("value {}".format).with_columns(WIDE["g"])
    plain = run(WIDE, lambda lf: lf.select(value.pool.moments()))
    beside_rows = run(WIDE, lambda lf: lf.select(value.pool.moments(by="g")))
    in_agg = run(WIDE, lambda lf: lf.group_by("g").agg(value.pool.moments())).sort("g")
    assert plain.columns == beside_rows.columns == in_agg.columns[1:] == values.columns
    for name in values.columns:
        want = pool.moments(frame, f"value {name}", "g")
        assert plain[name].dtype == STATE
        column = values[name].drop_nulls().cast(pl.Float64)
        assert_near(plain[name].item().values(), (len(column), column.mean(), column.var()), 1e-13)
        assert_frame_equal(in_agg.select("g", name).unnest(name), want, rel_tol=1e-13)
        for statistic in ("n", "mean", "var"):
            field = beside_rows[name].struct.field(statistic)
            assert_near(field, beside(frame, want, ["g"], statistic), 1e-13)


@every_engine
def test_every_column_in_agg_and_over(run):
    pooled = pl.col("y", "x").pool.shrink(by="g")
    over = run(WIDE, lambda frame: frame.select(pooled.over("year")))
    in_agg = run(WIDE, lambda frame: frame.group_by("year").agg(pooled, size=pl.len())).sort("year")
    of_rows = run(WIDE, lambda frame: frame.group_by("year").agg((pooled - pl.col("w")).mean())).sort("year")
    for name in ("y", "x"):
        want = WIDE.select("year", "w", p=beside(WIDE, pool.shrink(WIDE, name, "g", over="year"), ["year", "g"]))
        assert_near(over[name], want["p"], 1e-12)
        assert_near([p for model in in_agg[name] for p in model], want.sort("year", maintain_order=True)["p"], 1e-12)
        means = want.group_by("year").agg((pl.col("p") - pl.col("w")).mean()).sort("year")
        assert_near(of_rows[name], means["p"], 1e-12)


def test_several_columns_beside_other_expressions(tmp_path):
    """One query shares the common parts of its expressions, and writes a file."""
    lf = WIDE.lazy()
    query = lf.with_columns(
        pl.col("y", "x").pool.shrink(by="g").name.suffix("_p"),
        pl.col("y").pool.shrink(by="g", tau2="dl").alias("dl"),
        (pl.col("y").pool.shrink(by="g") - pl.col("y").mean().over("g")).alias("moved"),
        length=pl.len() + pl.col("h"),
    )
    want = WIDE.with_columns(
        estimates(WIDE, ["g"]).alias("y_p"),
        beside(WIDE, pool.shrink(WIDE, "x", "g"), ["g"]).alias("x_p"),
        estimates(WIDE, ["g"], tau2="dl").alias("dl"),
        (estimates(WIDE, ["g"]) - WIDE.select(pl.col("y").mean().over("g")).to_series()).alias("moved"),
        length=pl.lit(WIDE.height) + pl.col("h"),
    )
    for engine in ("streaming", "in-memory"):
        assert_frame_equal(query.collect(engine=engine), want, rel_tol=1e-12, check_dtypes=False)
        query.sink_parquet(tmp_path / "p.parquet", engine=engine)
        assert_frame_equal(pl.read_parquet(tmp_path / "p.parquet"), want, rel_tol=1e-12, check_dtypes=False)


def test_a_selector_that_matches_nothing_gives_no_column():
    assert FRAME.with_columns(cs.starts_with("zz").pool.shrink(by="g")).columns == FRAME.columns


def test_a_column_of_text_among_several_is_refused():
    with pytest.raises(TypeError, match="value='g' is String"):
        FRAME.select(pl.all().pool.shrink(by="g"))


# ---- other column arguments -------------------------------------------------------------------------------


def test_a_selector_of_keys_is_several_keys():
    want = estimates(FRAME, ["g", "h"])
    for keys in (cs.by_name("g", "h"), pl.col("g", "h"), [cs.string(), pl.col("h")], pl.col("^(g|h)$")):
        assert_near(FRAME.select(pl.col("y").pool.shrink(by=keys)).to_series(), want, 1e-12)
        assert_near(pool.encode(FRAME, "y", keys)["estimate"], want, 1e-12)
    want = estimates(FRAME, ["g"], over=["year", "h"], tau2="dl", sigma2=1.0)
    for keys in (cs.by_name("year", "h"), pl.col("year", "h"), ["year", cs.by_name("h")]):
        got = FRAME.select(pl.col("y").pool.shrink(by="g", over=keys, tau2="dl", sigma2=1.0)).to_series()
        assert_near(
            got, beside(FRAME, pool.shrink(FRAME, "y", "g", over=keys, tau2="dl", sigma2=1.0), ["year", "h", "g"]), 0
        )
        assert_near(got, want, 1e-12)


TWO = {"names": pl.col("w", "h"), "a selector": cs.by_name("w", "h"), "arithmetic": pl.col("w", "h") * 2}


@pytest.mark.parametrize("two", TWO.values(), ids=TWO)
@pytest.mark.parametrize("role", ["weights", "trials", "exposure"])
@pytest.mark.parametrize("method", ["shrink", "weight"])
@every_engine
def test_several_columns_where_one_belongs_are_counted(method, role, two, run):
    with pytest.raises(ValueError, match=rf"^{role} stands for 2 columns, '[wh]', '[wh]'; give one"):
        run(FRAME, lambda frame: frame.select(getattr(pl.col("h").pool, method)(by="g", **{role: two})))


FRAME_ROLES = {
    "shrink": ("value", "n", "var", "se", "weights", "trials", "exposure"),
    "components": ("value", "n", "var", "se", "weights", "trials", "exposure"),
    "profile": ("value", "n", "var", "se", "weights"),
    "compare": ("value", "n", "var"),
    "encode": ("value", "weights"),
    "moments": ("value", "weights"),
    "merge": ("value", "n", "var", "weights"),
    "rank": ("value", "n", "var", "se", "weights"),
    "posterior_draws": ("value", "n", "var", "se", "weights"),
    "regress": ("value", "x", "weights"),
    "regress_components": ("value", "x", "weights"),
    "regress_coefficients": ("value", "x", "weights"),
    "predict": ("value", "x", "weights"),
}


@pytest.mark.parametrize(("verb", "role"), [(verb, role) for verb, roles in FRAME_ROLES.items() for role in roles])
@pytest.mark.parametrize("lazy", [False, True])
def test_frame_verbs_count_several_columns_where_one_belongs(verb, role, lazy):
    required = {"posterior_draws": {"tau2": "uniform"}, "merge": {"n": "h", "var": "w"}}.get(verb, {})
    needed = {"n": {"var": "w"}, "var": {"n": "h"}}.get(role, {})
    given = {"value": "y", "by": "g", **required, **needed} | ({"x": ["h"]} if "x" in FRAME_ROLES[verb] else {})
    given[role] = [pl.col("w", "h")] if role == "x" else pl.col("w", "h")
    with pytest.raises(ValueError, match=rf"^{role} stands for 2 columns, 'w', 'h'; give one"):
        getattr(pool, verb)(FRAME.lazy() if lazy else FRAME, **given)


def repeated(column: str) -> pl.Expr:
    """One value from a Python function: its length is unknown until the query runs."""
    return pl.col(column).map_batches(lambda values: values.max(), returns_scalar=True, return_dtype=pl.self_dtype())


AGGREGATES = {
    "value": lambda: repeated("y").pool.shrink(by="g"),
    "weights": lambda: pl.col("y").pool.shrink(by="g", weights=repeated("w")),
    "trials": lambda: pl.col("h").pool.shrink(by="g", trials=repeated("h")),
    "exposure": lambda: pl.col("h").pool.weight(by="g", exposure=repeated("w")),
    "by": lambda: pl.col("y").pool.shrink(by=repeated("g")),
    "over": lambda: pl.col("y").pool.shrink(by="g", over=repeated("year")),
}


@pytest.mark.parametrize("role", AGGREGATES)
@every_engine
def test_an_aggregate_by_a_python_function_is_refused(role, run):
    """It would silently be repeated in every row."""
    with pytest.raises(ValueError, match=rf"^{role} has one value for all 14 rows, as an aggregate gives"):
        run(FRAME, lambda frame: frame.select(AGGREGATES[role]()))


@every_engine
@pytest.mark.usefixtures("pooled_completely")
def test_constants_are_repeated(run):
    tens = FRAME.with_columns(ten=10, one=1.0)
    got = run(FRAME, lambda frame: frame.select(pl.col("h").pool.shrink(by="g", trials=pl.lit(10))))["h"]
    assert_near(got, beside(tens, pool.shrink(tens, "h", "g", trials="ten"), ["g"]), 1e-12)
    got = run(FRAME, lambda frame: frame.select(pl.col("y").pool.shrink(by="g", weights=pl.lit(1.0))))["y"]
    assert_near(got, estimates(FRAME, ["g"]), 1e-12)
    empty = run(FRAME.head(0), lambda frame: frame.select(pl.col("h").pool.shrink(by="g", trials=pl.lit(10))))
    assert empty.schema == {"h": pl.Float64}
    assert empty.height == 0


def test_messages_name_a_column_as_in_the_call():
    with pytest.raises(ValueError, match=r"^weights='w' is null, NaN, negative or infinite in 13 rows"):
        FRAME.select(pl.col("y").pool.shrink(by="g", weights=-pl.col("w")))
    with pytest.raises(ValueError, match=r"exceeds trials='h' in 1 row"):
        FRAME.with_columns(k=pl.col("h") + (pl.col("g") == "d")).select(pl.col("k").pool.shrink(by="g", trials="h"))
