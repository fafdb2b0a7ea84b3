"""Both DuckDBs give the numbers of Polars: for any frame, alone and together, with any key and any name.

A query of the macros is slow to plan and fast to run: most frames are therefore models of one query, and the shell runs
a sample of the cases of the module.
"""

import math
from functools import cache

import polars as pl
import pytest
import sqlpaths
import ways
from frames import (
    FRAME_PATHS,
    MOMENTS,
    SOME_TAU2,
    TAU2,
    assert_near,
    by_key,
    drawn,
    fits,
    grouped,
    label,
    methods,
    near,
    rows,
    spread,
    stored,
    studies,
    weighted,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlpaths import MODULE, SQL_PATHS
from test_engines_agree import KEYS, digits, keyed, with_nulls

import polars_pool as pool
from polars_pool.models.oneway.inference import STATISTICS

engines = pytest.mark.parametrize("engine", MODULE)
lazily = FRAME_PATHS["streaming"]
every_method = pytest.mark.parametrize("tau2", SOME_TAU2)


def examples(count: int):
    """This number of examples with `--full`, and half of it by default."""
    return settings(max_examples=count if ways.full else -(-count // 2))


# ---- comparison ----------------------------------------------------------------------------------------------------


def assert_groups(got: pl.DataFrame, want: pl.DataFrame, keys: list[str], tau2, scales, models: pl.DataFrame) -> None:
    """Compare every group of every model; `scales` is |mu| + sd, of all or by model.

    If tau2 did not converge, every large value is equally good; estimates are then defined, their errors are not.
    """
    assert got.columns == want.columns
    result = by_key(got, *keys)
    assert result.keys() == by_key(want, *keys).keys()
    settled = {label(row.get("model")): row["converged"] for row in models.iter_rows(named=True)}
    for row in want.iter_rows(named=True):
        key = tuple(label(row[name]) for name in keys)
        other = result[key if len(key) > 1 else key[0]]
        model = label(row.get("model"))
        scale = scales[model] if isinstance(scales, dict) else scales
        assert other["n"] == row["n"]
        for name in ("mean", "estimate", "lower", "upper"):
            if settled[model] or name in ("mean", "estimate"):
                assert_near(other[name], row[name], digits(tau2), scale, f"{name} of {key!r}")
        assert_near(other["weight"], row["weight"], digits(tau2), 1.0, f"weight of {key!r}")


def assert_models(got: pl.DataFrame, want: pl.DataFrame, tau2, scales) -> None:
    """Compare the components of every model."""
    assert got.columns == want.columns
    result, expected = (
        by_key(frame, "model") if "model" in frame.columns else {None: frame.row(0, named=True)}
        for frame in (got, want)
    )
    assert result.keys() == expected.keys()
    for model, row in expected.items():
        other, scale = result[model], scales[model] if isinstance(scales, dict) else scales
        assert [other[name] for name in ("groups", "n")] == [row[name] for name in ("groups", "n")]
        assert other["converged"] == row["converged"]
        assert_near(other["mu"], row["mu"], digits(tau2), scale, f"mu of {model}")
        assert_near(other["sigma2"], row["sigma2"], digits(tau2), scale**2, f"sigma2 of {model}")
        if row["converged"] is not False:
            assert_near(other["tau2"], row["tau2"], digits(tau2), scale**2, f"tau2 of {model}")
            assert_near(other["icc"], row["icc"], digits(tau2), 1.0, f"icc of {model}")
        assert (other["tau2"] is None) == (row["tau2"] is None)
        assert (other["se_mu"] is None) == (row["se_mu"] is None)
        if row["converged"]:
            assert_inferred(other, row, scale, model)


def assert_inferred(other: dict, row: dict, scale: float, model) -> None:
    """Compare the statistics of the estimates: nulls agree, and limits agree as well as a flat likelihood permits."""
    sizes = {"se_tau2": scale**2, "tau2_lower": scale**2, "tau2_upper": scale**2, "i2": 100.0} | dict.fromkeys(
        ("mu_lower", "mu_upper", "new_lower", "new_upper"), scale
    )
    for name in STATISTICS:
        assert (other[name] is None) == (row[name] is None), f"{name} of {model}: {other[name]!r}, not {row[name]!r}"
        if row[name] is not None:
            assert_near(other[name], row[name], 1e-7, sizes.get(name, 1.0), f"{name} of {model}")


def assert_agree(run, frame: pl.DataFrame, value: str, tau2, scales, verbs=("shrink", "components"), **options) -> None:
    """Compare a DuckDB and Polars on the same frame, with one or many models."""
    keys = ["model", "g"] if "over" in options else ["g"]
    models = lazily(pool.components, frame, value, "g", tau2=tau2, **options)
    if "shrink" in verbs:
        want = lazily(pool.shrink, frame, value, "g", tau2=tau2, **options)
        got = run(pool.shrink, frame, value, "g", tau2=tau2, **options)
        assert_groups(got, want, keys, tau2, scales, models)
    if "components" in verbs:
        assert_models(run(pool.components, frame, value, "g", tau2=tau2, **options), models, tau2, scales)


def together(frames: list[pl.DataFrame]) -> tuple[pl.DataFrame, dict[int, float]]:
    """The frames as models of one frame, and the scale of each."""
    stacked = [frame.with_columns(model=pl.lit(i)) for i, frame in enumerate(frames)]
    return pl.concat(stacked), {i: spread(frame) for i, frame in enumerate(frames)}


@cache
def any_frames() -> list[pl.DataFrame]:
    return drawn(with_nulls(), 40)


@cache
def any_weighted() -> list[pl.DataFrame]:
    return drawn(weighted(), 30)


@cache
def any_studies() -> list[pl.DataFrame]:
    """In the last frame, keys occur twice: they are merged by inverse variance."""
    *others, repeated = drawn(studies(), 30)
    return [*others, pl.concat([repeated, repeated.with_columns(pl.col("y") + 1)])]


# ---- rows ----------------------------------------------------------------------------------------------------------


@engines
@every_method
def test_any_frames_together(engine, tau2):
    """Nulls, singletons, one group, equal values, only single rows: each is a model of one query."""
    frame, scales = together(any_frames())
    verbs = ways.share(["shrink", "components"], of=2, start=SOME_TAU2.index(tau2))
    assert_agree(MODULE[engine], frame, "y", tau2, scales, verbs, over="model")


OPTIONS = st.one_of(
    st.fixed_dictionaries({"tau2": st.sampled_from(TAU2)}),
    st.fixed_dictionaries(
        {
            "tau2": st.sampled_from([*methods("published", "moments"), 0, 1.5]),
            "sigma2": st.sampled_from(["separate", "squeezed", 2.5, 0]),
        }
    ),
    st.fixed_dictionaries(
        {
            "tau2": st.sampled_from([name for name in TAU2 if name != "cv"]),
            "mu": st.sampled_from(["rows", "groups", "shrunk", 0, -3.25]),
        }
    ),
)


@examples(20)
@given(frame=with_nulls(), options=OPTIONS)
def test_any_frame_alone(frame, options):
    assert_agree(SQL_PATHS["duckdb"], frame, "y", scales=spread(frame), verbs=["shrink"], **options)


@examples(10)
@given(frame=with_nulls(), options=OPTIONS)
def test_any_frame_alone_in_the_shell(frame, options):
    assert_agree(SQL_PATHS["shell"], frame, "y", scales=spread(frame), verbs=["shrink"], **options)


@engines
@pytest.mark.parametrize("offset", [1e6, -1e9, 1e12])
@examples(4)
@given(frame=grouped(), tau2=st.sampled_from(TAU2))
def test_huge_offsets(engine, offset, frame, tau2):
    frame = frame.with_columns(pl.col("y") + offset)
    assert_agree(MODULE[engine], frame, "y", tau2, spread(frame), verbs=["shrink"])


@engines
@examples(5)
@given(frame=grouped(), scale=st.sampled_from([1e-100, 1e-9, 1e30, 1e100]), tau2=st.sampled_from(TAU2))
def test_huge_and_tiny_units(engine, frame, scale, tau2):
    """Estimates scale with the unit over the whole range of variances in Float64."""
    frame = frame.with_columns(pl.col("y") * scale)
    want = by_key(lazily(pool.shrink, frame, "y", "g", tau2=tau2))
    got = by_key(MODULE[engine](pool.shrink, frame, "y", "g", tau2=tau2))
    for key, row in want.items():
        assert_near(got[key]["estimate"], row["estimate"], digits(tau2), spread(frame), f"estimate of {key}")
        assert_near(got[key]["weight"], row["weight"], digits(tau2), 1.0, f"weight of {key}")


@engines
@pytest.mark.parametrize("tau2", ["reml", "pmm", "anova"])
def test_weights(engine, tau2):
    frame, scales = together(any_weighted())
    assert_agree(MODULE[engine], frame, "y", tau2, scales, over="model", weights="w")
    alone = any_weighted()[-1]
    assert_agree(MODULE[engine], alone, "y", tau2, spread(alone), verbs=["shrink"], weights="w")


@engines
@pytest.mark.parametrize("tau2", ["ml", "pm", "cv", "hs"])
def test_the_estimate_of_each_row(engine, tau2):
    frame, scales = together(any_frames())
    want = lazily(pool.encode, frame, "y", "g", over="model", tau2=tau2, name="p")
    got = MODULE[engine](pool.encode, frame, "y", "g", over="model", tau2=tau2, name="p")
    assert got.columns == want.columns
    assert got.drop("p").equals(frame)
    for model, a, b in zip(got["model"], got["p"], want["p"], strict=True):
        assert near(a, b, digits(tau2), scales[model])


# ---- stored moments and published estimates ------------------------------------------------------------------------


@engines
@pytest.mark.parametrize("tau2", ["reml", "eb", "anova"])
def test_stored_moments(engine, tau2):
    states = [stored(frame) for frame in any_frames()]
    frame = pl.concat([state.with_columns(model=pl.lit(i)) for i, state in enumerate(states)])
    scales = {i: spread(rows) for i, rows in enumerate(any_frames())}
    assert_agree(MODULE[engine], frame, "mean", tau2, scales, over="model", **MOMENTS)


@engines
@pytest.mark.parametrize("tau2", [name for name in SOME_TAU2 if fits(name, "published")])
def test_published_estimates(engine, tau2):
    frame, scales = together(any_studies())
    scales = {model: scale + frame["se"].max() for model, scale in scales.items()}
    assert_agree(MODULE[engine], frame, "y", tau2, scales, ["shrink"], over="model", se="se")


@engines
@examples(3)
@given(frames=st.lists(with_nulls(), min_size=3, max_size=3))
def test_moments_of_parts_merge_to_those_of_the_whole(engine, frames):
    run, whole = MODULE[engine], pl.concat(frames)
    parts = pl.concat([run(pool.moments, frame, "y", "g") for frame in frames])
    want, scale = by_key(pool.moments(whole, "y", "g")), spread(whole)
    for result in (run(pool.moments, whole, "y", "g"), run(pool.merge, parts, "g")):
        got = by_key(result)
        assert result.columns == ["g", "n", "mean", "var"]
        assert got.keys() == want.keys()
        for key, row in want.items():
            assert got[key]["n"] == row["n"]
            assert_near(got[key]["mean"], row["mean"], 1e-12, scale, f"mean of {key}")
            assert_near(got[key]["var"], row["var"], 1e-12, scale**2, f"var of {key}")
    assert by_key(run(pool.shrink, parts, "mean", "g", **MOMENTS, tau2="dl")).keys() == want.keys()


@engines
@examples(3)
@given(frames=st.lists(weighted(), min_size=3, max_size=3))
def test_weighted_moments_of_parts_merge_to_those_of_the_whole(engine, frames):
    run, whole = MODULE[engine], pl.concat(frames)
    parts = pl.concat([run(pool.moments, frame, "y", "g", weights="w") for frame in frames])
    sqlpaths.database(engine).hold(parts)
    merged = sqlpaths.database(engine).ask("FROM pool_weighted_merge(data, g)")
    want, scale = by_key(pool.moments(whole, "y", "g", weights="w")), spread(whole)
    for result in (run(pool.moments, whole, "y", "g", weights="w"), merged):
        got = by_key(result)
        assert result.columns == ["g", "n", "mean", "var", "w"]
        assert got.keys() == want.keys()
        for key, row in want.items():
            assert [got[key]["n"], got[key]["w"]] == [row["n"], row["w"]]
            assert_near(got[key]["mean"], row["mean"], 1e-12, scale, f"mean of {key}")
            assert_near(got[key]["var"], row["var"], 1e-12, 40 * scale**2, f"var of {key}")


@engines
def test_the_aggregate_of_moments(engine):
    """pool_moments_of in a GROUP BY of the user."""
    frame = rows({"a": [1.0, 2.0, 6.0, None], "b": [5.0], "c": [None]}).with_columns(pl.col("y") + 1e9)
    sqlpaths.database(engine).hold(frame)
    result = sqlpaths.database(engine).ask("SELECT g, unnest(pool_moments_of(y)) FROM data GROUP BY g")
    assert result.columns == ["g", "n", "mean", "var"]
    got = by_key(result)
    assert [got["a"][name] for name in ("n", "mean", "var")] == [3, 1e9 + 3, 7]
    assert [got["b"][name] for name in ("n", "mean", "var")] == [1, 1e9 + 5, None]
    assert [got["c"][name] for name in ("n", "mean", "var")] == [0, None, None]


# ---- keys ----------------------------------------------------------------------------------------------------------

INTEGERS = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
MORE_KEYS = {name: ([0, 1, 7, 100, None], getattr(pl, name)) for name in INTEGERS} | {
    # in nanoseconds, which DuckDB 1.5.0 reads as microseconds
    "Time": ([0, 1_000, 3_600_000_000_000, 86_399_000_000_000, None], pl.Time),
    "Datetime ns": ([0, 1_000_000_007, 5, 10**18, None], pl.Datetime("ns")),
}
EVERY_KEY = [*(name for name in KEYS if name not in (*INTEGERS, "Null")), *MORE_KEYS]


def frame_of(name: str) -> pl.DataFrame:
    """Five groups with keys of a type, and `code`, which numbers the groups."""
    if name in KEYS:
        return keyed(name)
    values, dtype = MORE_KEYS[name]
    frame = keyed("Int64")
    return frame.with_columns(key=pl.Series([values[code] for code in frame["code"]]).cast(dtype))


@pytest.mark.share(2)
@engines
@pytest.mark.parametrize("name", EVERY_KEY)
def test_keys_of_every_type(engine, name):
    """A key of any type gives the result of an integer key; null and NaN are keys like any other."""
    run, frame = MODULE[engine], frame_of(name)
    want = pool.shrink(frame, "y", "code", tau2="dl")
    result = run(pool.shrink, frame, "y", "key", tau2="dl")
    assert result.height == want.height
    assert result["key"].null_count() == frame["key"].unique().null_count()
    assert_near(sorted(result["estimate"]), sorted(want["estimate"]), 1e-12, spread(frame))
    if name in ways.share(EVERY_KEY, of=3):
        encoded = run(pool.encode, frame, "y", "key", tau2="dl")
        beside = dict(want.select("code", "estimate").iter_rows())
        assert_near(encoded["estimate"], [beside[code] for code in frame["code"]], 1e-12, spread(frame), "encode")


SAME_VALUES = ["Int8", "Int32", "Int64", "UInt8", "UInt64", "String", "Date", "Boolean", "Decimal", "Binary", "List"]


@pytest.mark.share(2)
@engines
@pytest.mark.parametrize("name", SAME_VALUES)
def test_keys_keep_their_type_and_value(engine, name):
    frame = frame_of(name)
    result = MODULE[engine](pool.moments, frame, "y", "key")
    assert result["key"].dtype == frame["key"].dtype
    assert sorted(map(repr, result["key"])) == sorted(map(repr, frame["key"].unique()))


@pytest.mark.share(2)
@engines
@pytest.mark.parametrize("name", ["Int64", "String", "Float64", "Boolean", "Struct", "Date"])
def test_models_of_every_type(engine, name):
    """`over` accepts the same types, including null and NaN."""
    frame = frame_of(name)
    frame = pl.concat([frame.with_columns(g=pl.lit(g), y=pl.col("y") * (1 + g) + g) for g in range(3)])
    want = pool.components(frame, "y", "g", over="code", tau2="dl")
    got = MODULE[engine](pool.components, frame, "y", "g", over="key", tau2="dl")
    assert_near(sorted(got["mu"]), sorted(want["mu"]), 1e-12, spread(frame))
    assert_near(sorted(got["tau2"]), sorted(want["tau2"]), 1e-12, spread(frame) ** 2)
    groups = MODULE[engine](pool.encode, frame, "y", "g", over="key", tau2="dl")
    beside = pool.encode(frame, "y", "g", over="code", tau2="dl")["estimate"]
    assert_near(groups["estimate"], beside, 1e-12, spread(frame))


@engines
def test_several_keys(engine):
    """Two keys in `by` and two in `over`, with nulls and NaN: each pair is a group, and each key keeps its name."""
    frame = pl.DataFrame(
        {
            "state": ["a", "a", None, None, "b", "b", "a", None, "b", "a", "b", None] * 4,
            "school": [1.0, math.nan, 1.0, None, math.nan, 1.0, None, math.nan, 2.0, 2.0, 1.0, 1.0] * 4,
            "year": [1, 1, 1, 1, 1, 1, None, None, None, None, None, None] * 4,
            "half": [True] * 24 + [False] * 24,
            "y": [float((7 * i * i + 3 * i) % 23) for i in range(48)],
        }
    )
    run, by, over = MODULE[engine], ["state", "school"], ["year", "half"]
    want = pool.shrink(frame, "y", by, over=over, tau2="dl")
    got = run(pool.shrink, frame, "y", by, over=over, tau2="dl")
    assert got.columns == want.columns
    result, expected = by_key(got, *over, *by), by_key(want, *over, *by)
    assert result.keys() == expected.keys()
    for key, row in expected.items():
        assert_near(result[key]["estimate"], row["estimate"], 1e-12, spread(frame), str(key))
    models = run(pool.components, frame, "y", by, over=over, tau2="dl")
    wanted = pool.components(frame, "y", by, over=over, tau2="dl")
    assert models.columns == wanted.columns
    assert_near(sorted(models["mu"]), sorted(wanted["mu"]), 1e-12, spread(frame))
    encoded = run(pool.encode, frame, "y", by, over=over, tau2="dl")
    beside = pool.encode(frame, "y", by, over=over, tau2="dl")["estimate"]
    assert_near(encoded["estimate"], beside, 1e-12, spread(frame))
    moments = run(pool.moments, frame, "y", by)
    assert by_key(moments, *by).keys() == by_key(pool.moments(frame, "y", by), *by).keys()


# ---- names ---------------------------------------------------------------------------------------------------------

KEYWORDS = [
    "select",
    "from",
    "order",
    "by",
    "over",
    "group",
    "where",
    "true",
    "end",
    "case",
    "when",
    "table",
    "all",
]
PARAMETERS = [
    "tbl",
    "value",
    "level",
    "nan",
    "uncertainty",
    "weights",
    "tau2",
    "sigma2",
    "var",
    "data",
    "model",
    "mu",
    "w",
]
PRIVATE_LOOKS = [
    "id",
    "k",
    "x",
    "y",
    "c",
    "points",
    "classes",
    "method",
    "facts",
    "moved",
    "found",
    "start",
    "plain",
    "j",
]
ODD = [
    "two words",
    'a "quote"',
    "it's",
    "semi;colon",
    "-- no comment",
    "^x$",
    ".*",
    "*",
    "ünïcode 🙂",
    "1st",
    " ",
    "a.b",
    "%",
    "\\",
]
NAMES = [*ODD, *KEYWORDS, *PARAMETERS, *PRIVATE_LOOKS]


def named(key: str, model: str, value: str, weights: str) -> pl.DataFrame:
    frame = pl.DataFrame({"key": [1, 1, 2, 2, 3, 3, 3, 1], "y": [1.0, 2.0, 4.0, 8.0, 5.0, 9.0, 7.0, 1.5]})
    frame = pl.concat([frame.with_columns(model=i, y=pl.col("y") * (1 + i) - i) for i in range(2)])
    return frame.with_columns(w=1.0 + pl.col("y") % 3).select(
        pl.col("key").alias(key), pl.col("model").alias(model), pl.col("y").alias(value), pl.col("w").alias(weights)
    )


def four_names() -> list[list[str]]:
    """Every name once in every role: key, model, value, weights."""
    shifts = (0, 5, 11, 17)
    return [[NAMES[(i + shift) % len(NAMES)] for shift in shifts] for i in range(len(NAMES))]


def assert_names_are_names(engine: str, names: list[str]) -> None:
    key, model, value, weights = names
    frame = named(*names)
    want = pool.shrink(named("key", "model", "y", "w"), "y", "key", over="model", weights="w", tau2="dl")
    got = SQL_PATHS[engine](pool.shrink, frame, value, key, over=model, weights=weights, tau2="dl")
    assert got.columns == [model, key, *want.columns[2:]]
    assert_near(got.sort(pl.nth(0, 1))["estimate"], want["estimate"], 1e-12, 10.0, str(names))


FOUR_NAMES = ways.share(four_names(), of=2)  # each name in at least one role


@pytest.mark.share(3)
@pytest.mark.parametrize("names", FOUR_NAMES[::2], ids=lambda names: names[0])
def test_odd_names(names):
    assert_names_are_names("duckdb", names)


@pytest.mark.share(3)
@pytest.mark.parametrize("names", FOUR_NAMES[1::2], ids=lambda names: names[0])
def test_odd_names_in_the_shell(names):
    assert_names_are_names("shell", names)


@engines
@pytest.mark.parametrize("names", [["a b", 'c"d', "e'f"], ["select", "^x$", "value"]], ids=str)
def test_several_odd_names(engine, names):
    """COLUMNS([...]) reads names literally, not as patterns."""
    frame = named("key", "model", "y", "w").select(
        pl.col("key").alias(names[0]),
        pl.col("model").alias(names[1]),
        pl.col("y").alias(names[2]),
        pl.lit(1).alias("x"),
    )
    want = pool.shrink(frame, names[2], names[:2], tau2="dl")
    got = MODULE[engine](pool.shrink, frame, names[2], names[:2], tau2="dl")
    assert got.columns == want.columns
    assert_near(got.sort(pl.nth(0, 1))["estimate"], want["estimate"], 1e-12, 10.0)


@engines
@pytest.mark.parametrize("place", range(3))
def test_a_column_may_have_the_name_of_its_table(engine, place):
    """The table is called data: as key, model or value of the macro that reads it twice."""
    names = ["key", "model", "y", "w"]
    names[place] = "data"
    key, model, value, _ = names
    want = pool.encode(named("key", "model", "y", "w"), "y", "key", over="model", tau2="dl")
    got = MODULE[engine](pool.encode, named(*names), value, key, over=model, tau2="dl")
    assert_near(got["estimate"], want["estimate"], 1e-12, 10.0)


@engines
@pytest.mark.parametrize("names", [["g", "n", "mean"], ["g", "estimate", "se"], ["g", "v", "weight"]], ids=str)
def test_values_may_have_names_of_results(engine, names):
    """Only keys must not have such names."""
    key, value, weights = names
    frame = named("key", "model", "y", "w").select(
        pl.col("key").alias(key), pl.col("y").alias(value), pl.col("w").alias(weights)
    )
    want = pool.shrink(frame, value, key, weights=weights, tau2="dl")
    got = MODULE[engine](pool.shrink, frame, value, key, weights=weights, tau2="dl")
    assert_near(got.sort(key)["estimate"], want["estimate"], 1e-12, 10.0)
