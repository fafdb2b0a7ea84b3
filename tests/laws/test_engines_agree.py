"""Polars in memory, streaming, stored moments, expressions and brute force in NumPy give the same numbers."""

import math
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest
import truth
import ways
from frames import (
    CLOSED,
    MOMENTS,
    TAU2,
    assert_near,
    by_key,
    grouped,
    label,
    methods,
    rows,
    spread,
    stored,
    studies,
    warned_once,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import polars_pool as pool

pytestmark = pytest.mark.share(2)
every_method = pytest.mark.parametrize("tau2", TAU2)
few = settings(max_examples=10 if ways.full else 6)


def digits(tau2: object) -> float:
    """The tolerance: 1e-12 for closed forms, 1e-9 for iterated ones, relative to |mu| + sd."""
    return 1e-12 if tau2 in CLOSED or not isinstance(tau2, str) else 1e-9


# ---- all engines -------------------------------------------------------------------------------------------


def heard(query: pl.LazyFrame, engine: str, messages: list[list[str]]) -> pl.DataFrame:
    """The result of a query; its warning, at most one, is appended to the messages."""
    with warned_once() as record:
        result = query.collect(engine=engine)
    messages.append(sorted(str(warning.message) for warning in record))
    return result


def fits(frame: pl.DataFrame, key: str, messages: list[list[str]], **options) -> dict[str, dict]:
    """{engine: {key: row of shrink}} for all engines that process whole frames."""
    lazy = pool.shrink(frame.lazy(), "y", key, **options)
    states = pool.shrink(stored(frame, key).lazy(), "mean", key, **MOMENTS, **options)
    return {
        "in memory": by_key(heard(lazy, "in-memory", messages), key),
        "streaming": by_key(heard(lazy, "streaming", messages), key),
        "stored moments": by_key(heard(states, "auto", messages), key),
    }


def beside_rows(frame: pl.DataFrame, key: str, messages: list[list[str]], **options) -> dict[str, dict]:
    """{engine: {key: estimate}} for all engines that give each row its estimate."""
    expression = pl.col("y").pool.shrink(by=key, **options)
    encoded = pool.encode(frame.lazy(), "y", key, name="p", **options)
    columns = {
        "encode in memory": heard(encoded, "in-memory", messages)["p"],
        "encode streaming": heard(encoded, "streaming", messages)["p"],
        "expression": heard(frame.lazy().select(expression), "in-memory", messages).to_series(),
        "expression streaming": heard(frame.lazy().select(expression), "streaming", messages).to_series(),
    }
    return {
        name: {label(k): estimate for k, estimate in zip(frame[key], column, strict=True)}
        for name, column in columns.items()
    }


def assert_engines_agree(frame: pl.DataFrame, tau2, key: str = "g", states_hold_all=True, **options) -> dict:
    """All engines, all groups; the rows of the first are returned.

    At huge offsets, stored moments hold fewer digits than rows: only numbers on the scale |mu| + sd are compared there.
    """
    messages: list[list[str]] = []
    result = fits(frame, key, messages, tau2=tau2, **options)
    want = result["in memory"]
    scale = spread(frame)
    model = heard(pool.components(frame.lazy(), "y", key, tau2=tau2, **options), "auto", messages)
    # If tau2 did not converge, every large value is equally good; estimates are then defined, their errors are not.
    settled = model["converged"].all()
    names = ("n", "mean", "estimate", "lower", "upper") if settled else ("n", "mean", "estimate")
    for engine, groups in result.items():
        assert groups.keys() == want.keys(), engine
        for k, row in want.items():
            for name in names:
                assert_near(groups[k][name], row[name], digits(tau2), scale, f"{engine}: {name} of {k!r}")
            if states_hold_all or engine != "stored moments":
                assert_near(groups[k]["weight"], row["weight"], digits(tau2), 1.0, f"{engine}: weight of {k!r}")
    for engine, estimates in beside_rows(frame, key, messages, tau2=tau2, **options).items():
        for k, estimate in estimates.items():
            assert_near(estimate, want[k]["estimate"], digits(tau2), scale, f"{engine}: {k!r}")
    assert all(warned == messages[0] for warned in messages) or not states_hold_all, messages
    assert bool(messages[0]) == (model.filter(~pl.col("converged") & (pl.col("groups") > 0)).height > 0)
    return want


ANY_SHAPE = st.one_of(
    grouped(groups=(1, 7), replicated=False),
    grouped(groups=(1, 1), replicated=False),
    grouped(size=(1, 2)),
    grouped(values=st.sampled_from([0.0, 1.0])),
    grouped(values=st.just(0.0), replicated=False),
    grouped(values=st.floats(-1e6, 1e6)),
)


@st.composite
def with_nulls(draw):
    frame = draw(ANY_SHAPE)
    null = draw(st.lists(st.sampled_from([False, False, False, True]), min_size=frame.height, max_size=frame.height))
    return frame.with_columns(y=pl.when(~pl.Series(null)).then("y"))


@pytest.mark.share(2)
@every_method
@few
@given(frame=with_nulls())
def test_any_frame(tau2, frame):
    """Nulls, singletons, one group, equal values, only single rows: all engines give the same results."""
    assert_engines_agree(frame, tau2)


@pytest.mark.parametrize("sigma2", ["separate", "squeezed", 2.5, 0])
@few
@given(frame=with_nulls(), tau2=st.sampled_from([*methods("weighted", "moments"), 0.0, 1.5]))
def test_any_frame_and_sigma2(sigma2, frame, tau2):
    assert_engines_agree(frame, tau2, sigma2=sigma2)


@pytest.mark.parametrize("mu", ["gls", "rows", "groups", "shrunk", 0, -3.25])
@few
@given(frame=with_nulls(), tau2=st.sampled_from(TAU2))
def test_any_frame_and_centre(mu, frame, tau2):
    assert_engines_agree(frame, tau2, mu=mu)


@pytest.mark.parametrize("offset", [1e6, -1e9, 1e12])
@few
@given(frame=grouped(), tau2=st.sampled_from(TAU2))
def test_huge_offsets(offset, frame, tau2):
    assert_engines_agree(frame.with_columns(pl.col("y") + offset), tau2, states_hold_all=False)


@few
@given(frame=grouped(), scale=st.sampled_from([1e-100, 1e-9, 1e30, 1e100]), tau2=st.sampled_from(TAU2))
def test_huge_and_tiny_units(frame, scale, tau2):
    """Estimates scale with the unit over the whole range of variances in Float64."""
    want = assert_engines_agree(frame, tau2)
    got = assert_engines_agree(frame.with_columns(pl.col("y") * scale), tau2)
    for key, row in want.items():
        assert_near(got[key]["estimate"], row["estimate"] * scale, digits(tau2), spread(frame) * scale)
        assert_near(got[key]["weight"], row["weight"], digits(tau2), 1.0)


# ---- brute force -------------------------------------------------------------------------------------------


def brute_force(frame: pl.DataFrame, tau2: str, sigma2="pooled", mu="gls") -> dict[str, object]:
    """One model by dense matrices, exact fractions and refits, centred at the first value to keep all digits."""
    kept = frame.drop_nulls("y")
    pivot = truth.Fraction(kept["y"][0])
    groups = truth.Groups(kept["g"].to_list(), [truth.Fraction(y) - pivot for y in kept["y"]])
    known = None if isinstance(mu, str) else truth.Fraction(mu) - pivot
    v = groups.v(sigma2)
    within = groups.MSW if isinstance(sigma2, str) else truth.Fraction(sigma2)
    if tau2 == "cv":
        between = truth.cv_tau2(groups, known)
    elif tau2 == "plugin":
        between = truth.plugin_tau2(groups.mean, known)
    elif tau2 in ("reml", "ml") and sigma2 == "pooled":
        within, between = truth.joint(groups, tau2, known)
        v = np.array([within / float(n) for n in groups.n])
    else:
        between = truth.tau2_given_v(tau2, groups.mean, v, groups.n, known)
    rule = mu if known is None else known
    centre, error = truth.centre(rule, groups.mean, v, between, groups.w, truth.plugin_weights(groups))
    result = truth.shrunken(groups.mean, v, between, centre, error)
    return {
        "keys": groups.keys,
        "sigma2": float(within),
        "tau2": float(between),
        "mu": centre + float(pivot),
        "se_mu": error,
        "weight": result["weight"],
        "estimate": result["estimate"] + float(pivot),
        "se": result["se"],
    }


def regular(frame: pl.DataFrame) -> bool:
    """Whether brute force applies: at least two groups, and variance within groups."""
    groups = [part["y"].drop_nulls() for part in frame.partition_by("g")]
    groups = [values for values in groups if len(values)]
    return len(groups) > 1 and any(values.n_unique() > 1 for values in groups)


def assert_as_brute_force(frame: pl.DataFrame, tau2: str, sigma2="pooled", mu="gls") -> None:
    want = brute_force(frame, tau2, sigma2, mu)
    options = {"tau2": tau2, "sigma2": sigma2, "mu": mu}
    scale, tolerance = spread(frame), digits(tau2)
    model = pool.components(frame, "y", "g", **options).row(0, named=True)
    assert model["converged"]
    assert_near(model["sigma2"], want["sigma2"], tolerance, scale**2, "sigma2")
    assert_near(model["tau2"], want["tau2"], tolerance, scale**2, "tau2")
    assert_near(model["mu"], want["mu"], tolerance, scale, "mu")
    assert_near(model["se_mu"] ** 2, want["se_mu"] ** 2, tolerance, scale**2, "se_mu squared")
    groups = by_key(pool.shrink(frame, "y", "g", **options))
    for key, weight, estimate, se in zip(want["keys"], want["weight"], want["estimate"], want["se"], strict=True):
        assert_near(groups[key]["weight"], weight, 1e-9, 1.0, f"weight of {key}")
        assert_near(groups[key]["estimate"], estimate, tolerance, scale, f"estimate of {key}")
        assert_near(groups[key]["se"] ** 2, se**2, tolerance, scale**2, f"se squared of {key}")


WITHIN_REACH = grouped(groups=(2, 6), size=(1, 5))


@pytest.mark.share(2)
@every_method
@few
@given(frame=WITHIN_REACH)
def test_brute_force(tau2, frame):
    assume(regular(frame))
    assert_as_brute_force(frame, tau2)


@pytest.mark.share(2)
@pytest.mark.parametrize("tau2", methods("weighted"))
@few
@given(frame=grouped(groups=(2, 6), size=(2, 5)))
def test_brute_force_with_separate_variances(tau2, frame):
    groups = frame.group_by("g").agg(pl.col("y").n_unique())
    assume((groups["y"] > 1).all())
    assert_as_brute_force(frame, tau2, sigma2="separate")


@pytest.mark.share(2)
@pytest.mark.parametrize("tau2", methods("weighted"))
@few
@given(frame=WITHIN_REACH)
def test_brute_force_with_a_known_sigma2(tau2, frame):
    assume(regular(frame))
    assert_as_brute_force(frame, tau2, sigma2=30)


@pytest.mark.parametrize("mu", ["rows", "groups", "shrunk", 1.25])
@few
@given(frame=WITHIN_REACH, tau2=st.sampled_from(TAU2))
def test_brute_force_of_every_centre(mu, frame, tau2):
    assume(regular(frame))
    assert_as_brute_force(frame, tau2, mu=mu)


@pytest.mark.parametrize("tau2", [name for name in TAU2 if name != "cv"])
@pytest.mark.parametrize("offset", [1e9, -1e12])
def test_brute_force_at_huge_offsets(tau2, offset):
    """From rows the pivot keeps all digits that the stored doubles hold."""
    data = {key: [offset + (key * 17 + i * i * 5) % 23 / 8 + key for i in range(2 + key % 3)] for key in range(6)}
    frame = rows(data)
    want = brute_force(frame, tau2)
    model = pool.components(frame, "y", "g", tau2=tau2).row(0, named=True)
    assert_near([model["sigma2"], model["tau2"]], [want["sigma2"], want["tau2"]], max(digits(tau2), 1e-11))
    groups = by_key(pool.shrink(frame, "y", "g", tau2=tau2))
    for key, estimate in zip(want["keys"], want["estimate"], strict=True):
        assert_near(groups[key]["estimate"], estimate, 4e-16)


@pytest.mark.share(2)
@pytest.mark.parametrize("tau2", methods("published"))
@few
@given(frame=studies())
def test_brute_force_on_published_estimates(tau2, frame):
    y = truth.exact(frame["y"])
    v = truth.exact(frame["se"]) ** 2
    between = truth.plugin_tau2(y) if tau2 == "plugin" else truth.tau2_given_v(tau2, y, v)
    centre, error = truth.centre("gls", y, v, between, np.ones(len(y)))
    result = truth.shrunken(y, v, between, centre, error)
    scale = spread(frame) + frame["se"].max()
    model = pool.components(frame, "y", "g", se="se", tau2=tau2).row(0, named=True)
    assert_near(model["tau2"], float(between), digits(tau2), scale**2, "tau2")
    assert_near(model["mu"], centre, digits(tau2), scale, "mu")
    groups = pool.shrink(frame, "y", "g", se="se", tau2=tau2)
    assert_near(groups["estimate"], result["estimate"], digits(tau2), scale, "estimate")
    assert_near(groups["se"].pow(2), result["se"] ** 2, digits(tau2), scale**2, "se squared")


# ---- keys of every type ------------------------------------------------------------------------------------

COLOURS = pl.Enum(["red", "green", "blue", "grey", "black"])
KEYS = {
    "Int64": ([3, -1, 7, 2**60, None], pl.Int64),
    "UInt8": ([0, 255, 7, 8, None], pl.UInt8),
    "Int128": ([2**100, -(2**100), 0, 1, None], pl.Int128),
    "String": (["a", "", "ü 🙂", "null", None], pl.String),
    "Date": ([date(2020, 2, 29), date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), None], pl.Date),
    "Datetime": ([datetime(2020, 1, d, 12) for d in (1, 2, 3, 4)] + [None], pl.Datetime("us", "UTC")),
    "Duration": ([timedelta(hours=h) for h in (0, 1, -2, 900)] + [None], pl.Duration),
    "Boolean": ([True, False, None, True, False], pl.Boolean),
    "Float64": ([math.nan, 0.0, -math.inf, 1e300, None], pl.Float64),
    "Float32": ([math.nan, 0.5, math.inf, -1.5, None], pl.Float32),
    "Decimal": ([1, 2, 3, 4, None], pl.Decimal(10, 2)),
    "Binary": ([b"", b"\x00", b"a", b"\xff", None], pl.Binary),
    "Categorical": (["x", "y", "z", "u", None], pl.Categorical),
    "Enum": (["red", "green", "blue", "grey", None], COLOURS),
    "Null": ([None] * 5, pl.Null),
    "Struct": (
        [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": None, "b": "x"}, {"a": 2, "b": None}, None],
        pl.Struct({"a": pl.Int64, "b": pl.String}),
    ),
    "List": ([[1], [], [1, 2], [None], None], pl.List(pl.Int64)),
}
every_key = pytest.mark.parametrize("name", KEYS)


def keyed(name: str) -> pl.DataFrame:
    """Five groups of 2 to 4 shuffled rows with keys of a type; `code` numbers Polars' own groups."""
    values, dtype = KEYS[name]
    code = [0, 1, 2, 3, 4, 3, 2, 1, 0, 4, 4, 1, 2, 4]
    y = [1.0, 4.0, 2.5, 9.0, 3.0, 8.0, 3.5, 5.0, 1.5, 2.0, 2.5, 3.5, 2.0, 2.5]
    key = pl.Series([values[i] for i in code], dtype=dtype if name != "Datetime" else pl.Datetime("us"))
    frame = pl.DataFrame({"key": key.dt.replace_time_zone("UTC") if name == "Datetime" else key, "y": y})
    same = {"Boolean": [0, 1, 2, 0, 1], "Null": [0] * 5}.get(name, [0, 1, 2, 3, 4])
    return frame.with_columns(code=pl.Series([same[i] for i in code]))


@every_key
@pytest.mark.parametrize("tau2", ["reml", "dl"])
@pytest.mark.parametrize("engine", ["DataFrame", "streaming", "in-memory"])
def test_keys_of_every_type(name, tau2, engine):
    """A key of any type gives the result of an integer key, and keeps its type and its value."""
    frame = keyed(name)
    by_code = pool.shrink(frame.lazy(), "y", "code", tau2=tau2).collect()
    want = {row["code"]: row["estimate"] for row in by_code.iter_rows(named=True)}
    beside = [want[code] for code in frame["code"]]
    if engine == "DataFrame":
        result = pool.shrink(frame, "y", "key", tau2=tau2)
        encoded = pool.encode(frame, "y", "key", tau2=tau2)
    else:
        result = pool.shrink(frame.lazy(), "y", "key", tau2=tau2).collect(engine=engine)
        encoded = pool.encode(frame.lazy(), "y", "key", tau2=tau2).collect(engine=engine)
    assert result["key"].dtype == frame["key"].dtype
    assert result.height == len(want)
    if name != "Null":
        assert sorted(map(repr, result["key"].to_list())) == sorted({repr(k): k for k in frame["key"].to_list()})
    assert_near(sorted(result["estimate"]), sorted(want.values()), digits(tau2), spread(frame))
    assert_near(encoded["estimate"], beside, digits(tau2), spread(frame), "encode")


@every_key
def test_keys_of_every_type_in_expressions(name):
    frame = keyed(name)
    want = frame.select(pl.col("y").pool.shrink(by="code")).to_series()
    assert_near(frame.select(pl.col("y").pool.shrink(by="key")).to_series(), want, 1e-9, spread(frame))
    lazy = frame.lazy().select(pl.col("y").pool.shrink(by="key")).collect(engine="streaming").to_series()
    assert_near(lazy, want, 1e-9, spread(frame))


@every_key
@pytest.mark.parametrize("engine", ["streaming", "in-memory"])
def test_models_of_every_type(name, engine):
    """`over` accepts the same types."""
    frame = keyed(name)
    frame = pl.concat([frame.with_columns(g=pl.lit(g), y=pl.col("y") * (1 + g) + g) for g in range(3)])
    want = pool.components(frame, "y", "g", over="code", tau2="dl")
    got = pool.components(frame.lazy(), "y", "g", over="key", tau2="dl").collect(engine=engine)
    assert got["key"].dtype == frame["key"].dtype
    assert_near(sorted(got["mu"]), sorted(want["mu"]), 1e-12, spread(frame))
    assert_near(sorted(got["tau2"]), sorted(want["tau2"]), 1e-12, spread(frame) ** 2)
    groups = pool.encode(frame.lazy(), "y", "g", over="key", tau2="dl").collect(engine=engine)
    assert_near(
        groups["estimate"], pool.encode(frame, "y", "g", over="code", tau2="dl")["estimate"], 1e-12, spread(frame)
    )


@every_key
def test_dataframes_are_sorted_by_their_keys(name):
    result = pool.shrink(keyed(name), "y", "key").select("key")
    assert result["key"].to_list() == result.sort("key")["key"].to_list() or "nan" in repr(result["key"].to_list())


def test_stored_keys_of_every_type(tmp_path):
    """States written as Parquet and read again keep keys that Parquet holds."""
    for name in ("Int64", "String", "Date", "Boolean", "Float64", "Categorical", "Struct"):
        frame = keyed(name)
        pool.moments(frame, "y", "key").write_parquet(tmp_path / "states.parquet")
        states = pl.scan_parquet(tmp_path / "states.parquet")
        got = pool.shrink(states, "mean", "key", **MOMENTS).collect()
        assert_near(sorted(got["estimate"]), sorted(pool.shrink(frame, "y", "key")["estimate"]), 1e-9, spread(frame))
