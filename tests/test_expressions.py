"""`pl.col(...).pool` gives beside each row what the frame verbs give, wherever Polars takes an expression."""

import keyword

import polars as pl
import pytest
from frames import TAU2, assert_near, by_key, rows
from polars.testing import assert_frame_equal

import polars_pool as pool

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
    """A group's statistic beside each row, joined by plain Polars."""
    return frame.join(result, on=keys, how="left", nulls_equal=True, maintain_order="left", suffix=" of group")[column]


def estimates(frame: pl.DataFrame, by: list[str], **options) -> pl.Series:
    """The estimates of the frame verb beside each row."""
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


@every_method
def test_over_around_the_expression(tau2):
    want = estimates(FRAME, ["g"], over="year", tau2=tau2)
    assert_near(FRAME.select(pl.col("y").pool.shrink(by="g", tau2=tau2).over("year")).to_series(), want, 1e-12)
    lazy = FRAME.lazy().with_columns(p=pl.col("y").pool.shrink(by="g", tau2=tau2).over("year"))
    assert_near(lazy.collect()["p"], want, 1e-12)


@every_method
def test_inside_agg(tau2):
    """Each group of the group_by is a model of its own; the result is a list, as for any expression of full length."""
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


def test_the_result_bears_the_name_of_the_value():
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


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_of_keys(name):
    frame = FRAME.select("y", pl.col("g").alias(name))
    want = estimates(FRAME, ["g"])
    assert_near(frame.select(pl.col("y").pool.shrink(by=name)).to_series(), want, 1e-12)
    assert_near(pool.encode(frame, "y", name, name="the estimate")["the estimate"], want, 1e-12)
    result = pool.shrink(frame, "y", name)
    assert result.columns[0] == name
    assert_frame_equal(result.rename({name: "g"}), pool.shrink(FRAME, "y", "g"))


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


@pytest.mark.parametrize("name", [*ODD_NAMES, "n", "mean", "w", "estimate"])
def test_odd_names_of_weights_and_models(name):
    frame = FRAME.select("y", "g", pl.col("w").alias(name))
    want = estimates(FRAME, ["g"], weights="w")
    assert_near(frame.select(pl.col("y").pool.shrink(by="g", weights=name)).to_series(), want, 1e-12)
    assert_near(pool.encode(frame, "y", "g", weights=name, name="the estimate")["the estimate"], want, 1e-12)
    assert_near(
        pool.shrink(frame, "y", "g", weights=name)["se"], pool.shrink(FRAME, "y", "g", weights="w")["se"], 1e-12
    )


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name not in ("groups", "tau2", "mu", "sigma2")])
def test_odd_names_of_models(name):
    frame = FRAME.select("y", "g", pl.col("year").alias(name))
    want = estimates(FRAME, ["g"], over="year")
    assert_near(frame.select(pl.col("y").pool.shrink(by="g", over=name)).to_series(), want, 1e-12)
    models = pool.components(frame, "y", "g", over=name)
    assert_frame_equal(models.rename({name: "year"}), pool.components(FRAME, "y", "g", over="year"))


@pytest.mark.parametrize("names", [("n", "mean", "var"), ("mean", "var", "n"), ("a b", "", "日本"), ("var", "n", "y")])
def test_odd_names_of_moments(names):
    """The columns of stored moments may bear each other's names."""
    states = pool.moments(FRAME, "y", "g")
    want = pool.shrink(states, "mean", "g", n="n", var="var")
    mean, n, var = names
    renamed = states.select("g", pl.col("mean").alias(mean), pl.col("n").alias(n), pl.col("var").alias(var))
    assert_frame_equal(pool.shrink(renamed, mean, "g", n=n, var=var), want)
    merged = pool.merge(pl.concat([renamed, renamed]), "g", value=mean, n=n, var=var)
    assert merged.columns == ["g", "n", "mean", "var"]
    assert merged["n"].to_list() == [2 * count for count in states["n"]]


def test_value_and_key_may_be_one_column():
    """Pooled by itself every group holds equal rows: nothing is pooled."""
    frame = pl.DataFrame({"y": [1.0, 1.0, 2.0, 2.0, 5.0]})
    assert frame.select(pl.col("y").pool.shrink(by="y")).to_series().to_list() == frame["y"].to_list()
    assert pool.shrink(frame, "y", "y")["estimate"].to_list() == [1, 2, 5]
    assert pool.encode(frame, "y", "y")["estimate"].to_list() == frame["y"].to_list()


# ---- weight ------------------------------------------------------------------------------------------------


@every_method
def test_weight_is_that_of_the_frame_verb(tau2):
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
    """One state a group: what `moments` gives."""
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
