"""Degenerate data beside predictors of groups: the table of degenerate.py, line by line, with what predictors add."""

import math
import warnings

import numpy as np
import polars as pl
import pytest
from frames import by_key, rows
from polars.testing import assert_frame_equal

import polars_pool as pool

METHODS = ("reml", "ml", "dl", "he", "hs", "sj", "pm", "eb")
every_method = pytest.mark.parametrize("tau2", METHODS)
VERBS = {"shrink": pool.shrink, "components": pool.components, "coefficients": pool.coefficients}
every_verb = pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
FRAME = rows({"a": [1.0, 2.0, 2.5], "b": [3.0], "c": [2.0, 5.0], "d": [6.0, 5.5, 7.0, 6.5], "e": [4.0, 9.0]})
PLACES = {"a": 0.0, "b": 1.0, "c": 2.0, "d": 3.0, "e": 5.0}
FRAME = FRAME.with_columns(x=pl.col("g").replace_strict(PLACES))
TRIALS = pl.DataFrame(
    {"g": [*"abcdef"], "x": [0.0, 1, 2, 3, 4, 6], "y": [0.1, 0.3, 0.2, 1.6, 0.5, 0.9], "se": [0.2] * 6}
)


def asked(verb, frame, **options):
    """The result, and the beginnings of the warnings, each of which comes once."""
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        result = verb(frame, "y", "g", **{"toward": "x", **options})
    messages = [str(warning.message) for warning in record]
    assert len(messages) == len(set(messages))
    return result, messages


def groups(frame, **options) -> dict:
    return by_key(asked(pool.shrink, frame, **options)[0])


def only(frame, **options) -> dict:
    return asked(pool.components, frame, **options)[0].row(0, named=True)


def nulls(row: dict, *names: str) -> bool:
    return all(row[name] is None for name in names)


# ---- few groups -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2], ids=["J < p", "J = p"])
@every_method
def test_no_more_groups_than_coefficients(count, tau2):
    """tau2 is unknown, and each group keeps its own mean with its own error; coefficients interpolate if they can."""
    frame = FRAME.filter(pl.col("g").is_in(["a", "d"][:count]))
    new = pl.DataFrame({"g": ["new"], "x": [6.0]})
    result, [message] = asked(pool.shrink, frame, tau2=tau2, groups=new)
    words = "no more" if count == 2 else "fewer"
    assert message.startswith(f"a model has {words} groups than coefficients")
    *known, last = result.iter_rows(named=True)
    for row in known:
        assert (row["weight"], row["estimate"]) == (1, row["mean"])
        assert row["se"] == pytest.approx(math.sqrt(row["v"]))
    model = only(frame, tau2=tau2)
    assert nulls(model, "tau2", "se_tau2", "q", "qm", "r2", "log_likelihood")
    assert not model["converged"]
    estimates = asked(pool.coefficients, frame, tau2=tau2)[0]
    assert estimates["se"].null_count() == 2
    if count == 2:
        assert last["estimate"] == pytest.approx(2 * known[1]["mean"] - known[0]["mean"])  # x = 0, 3 and 6
        assert estimates["estimate"][0] == pytest.approx(known[0]["mean"])
    else:
        assert nulls(last, "estimate", "fit")
        assert estimates["estimate"].null_count() == 2


@pytest.mark.parametrize("count", [1, 2], ids=["J < p", "J = p"])
def test_a_known_tau2_of_few_groups(count):
    """Coefficients that interpolate have errors; without them groups keep their means, too."""
    frame = FRAME.filter(pl.col("g").is_in(["a", "d"][:count]))
    new = pl.DataFrame({"g": ["new"], "x": [6.0]})
    result, messages = asked(pool.shrink, frame, tau2=1.0, groups=new)
    *known, last = result.iter_rows(named=True)
    for row in known:
        assert row["estimate"] == pytest.approx(row["mean"])
        assert row["se"] == pytest.approx(math.sqrt(row["v"]))
    if count == 1:
        assert [message.startswith("a model has fewer groups than coefficients") for message in messages] == [True]
        assert nulls(last, "estimate", "se", "fit")
        return
    assert messages == []
    variances = [row["v"] + 1 for row in known]  # of means at x = 0 and 3, of which x = 6 is 2 second - first
    assert last["se_fit"] == pytest.approx(math.sqrt(variances[0] + 4 * variances[1]))
    assert last["se"] == pytest.approx(math.sqrt(1 + variances[0] + 4 * variances[1]))


@every_method
def test_one_group_more_than_coefficients(tau2):
    model = only(TRIALS.head(3), tau2=tau2, se="se")
    assert model["converged"]
    assert model["tau2"] >= 0
    assert model["q"] > 0
    assert all(map(math.isfinite, asked(pool.coefficients, TRIALS.head(3), se="se")[0]["se"]))


def test_one_row_in_every_group():
    frame = FRAME.group_by("g", maintain_order=True).first()
    result, [message] = asked(pool.shrink, frame)
    assert message.startswith("no group has two rows")
    for row in result.iter_rows(named=True):
        assert nulls(row, "v", "weight", "estimate", "se")
        assert row["n"] == 1
        assert row["fit"] is not None
    assert nulls(only(frame), "sigma2", "tau2")
    known = groups(frame, sigma2=2.0, tau2=1.0)
    assert known["a"]["weight"] == pytest.approx(1 / 3)


# ---- no variance ----------------------------------------------------------------------------------------------------


@every_method
def test_no_variance_within_groups(tau2):
    """tau2 is the mean square of the residuals of the plain fit, over J for ml and hs; every mean is exact."""
    for frame, options in (
        (FRAME.with_columns(pl.col("y").mean().over("g")), {}),
        (FRAME.group_by("g").agg(pl.first("x"), pl.mean("y"), se=pl.lit(0.0)), {"se": "se"}),
    ):
        model, of_groups = only(frame, tau2=tau2, **options), groups(frame, tau2=tau2, **options)
        x, y = (np.array([row[name] for row in frame.unique("g").sort("g").to_dicts()]) for name in "xy")
        X = np.column_stack([np.ones(5), x])  # noqa: N806
        residual = y - X @ np.linalg.lstsq(X, y, rcond=None)[0]
        assert model["tau2"] == pytest.approx(residual @ residual / (5 if tau2 in ("ml", "hs") else 3), rel=1e-12)
        assert model["converged"]
        assert all((row["weight"], row["se"], row["estimate"]) == (1, 0, row["mean"]) for row in of_groups.values())


@pytest.mark.parametrize(
    "y", [pl.lit(2.0), 1 + 2 * pl.col("x"), pl.col("x") / 3 + 0.1], ids=["equal", "line", "rounded"]
)
@pytest.mark.parametrize("published", [False, True])
def test_all_on_a_line(y, published):
    """No variance at all: residuals of rounding are none."""
    frame, options = FRAME.with_columns(y=y), {}
    if published:
        frame, options = frame.unique("g").with_columns(se=0.0), {"se": "se"}
    model = only(frame, **options)
    assert (model["tau2"], model["converged"]) == (0, True)
    for row in groups(frame, **options).values():
        assert (row["weight"], row["estimate"], row["se"], row["se_fit"]) == (1, row["mean"], 0, 0)
        assert row["fit"] == pytest.approx(row["mean"], rel=1e-14)


@every_method
def test_published_estimates_on_a_line_pool_completely(tau2):
    frame = TRIALS.with_columns(y=3 - pl.col("x") / 2)
    assert only(frame, tau2=tau2, se="se")["tau2"] == 0
    for row in groups(frame, tau2=tau2, se="se").values():
        assert (row["weight"], row["se"]) == (0, row["se_fit"])
        assert row["estimate"] == row["fit"] == pytest.approx(row["mean"])


@pytest.mark.parametrize("tau2", [*(name for name in METHODS if name != "ml"), 0, 0.5])
def test_some_exact_groups(tau2):
    """An error of 0 is the limit of small ones, but for ml, which takes the interior maximum (by exact fractions)."""
    frame, nearly = (TRIALS.with_columns(se=pl.when(pl.col("g") == "c").then(x).otherwise("se")) for x in (0.0, 1e-14))
    result, messages = asked(pool.shrink, frame, se="se", tau2=tau2)
    assert messages == []
    columns = ["g", "estimate", "se", "fit", "se_fit"]
    assert_frame_equal(result[columns], asked(pool.shrink, nearly, se="se", tau2=tau2)[0][columns], abs_tol=1e-7)
    row = by_key(result)["c"]
    assert (row["weight"], row["estimate"], row["se"]) == (1, 0.2, 0)
    assert only(frame, se="se", tau2=tau2)["converged"]


@every_method
def test_an_infinite_error_is_no_information(tau2):
    frame = TRIALS.with_columns(se=pl.when(pl.col("g") == "c").then(math.inf).otherwise("se"))
    got, others = asked(pool.shrink, frame, se="se", tau2=tau2)[0], frame.filter(pl.col("g") != "c")
    assert_frame_equal(got.filter(pl.col("g") != "c"), asked(pool.shrink, others, se="se", tau2=tau2)[0], rel_tol=1e-9)
    row = by_key(got)["c"]
    assert (row["weight"], row["estimate"]) == (0, row["fit"])
    model = only(frame, se="se", tau2=tau2)
    assert model["groups"] == 5
    assert row["se"] == pytest.approx(math.sqrt(model["tau2"] + row["se_fit"] ** 2))
    assert nulls(only(frame.with_columns(se=math.inf), se="se", tau2=tau2), "tau2", "q")


# ---- missing values -------------------------------------------------------------------------------------------------


@every_verb
@pytest.mark.parametrize("bad", [None, math.nan, math.inf, -math.inf])
def test_a_missing_predictor_is_an_error_that_counts(verb, bad):
    frame = FRAME.with_columns(x=pl.when(pl.col("g") == "d").then(bad).otherwise("x"))
    with pytest.raises(ValueError, match=r"toward='x' is null, NaN or infinite in rows of 1 group: each group needs"):
        asked(verb, frame)


def test_a_null_value_with_a_null_predictor_does_not_count():
    more = pl.DataFrame({"g": ["a", "b"], "y": [None, None], "x": [None, math.nan]}, schema=FRAME.schema)
    for verb in VERBS.values():
        assert_frame_equal(asked(verb, pl.concat([FRAME, more]))[0], asked(verb, FRAME)[0], rel_tol=1e-12)


@pytest.mark.parametrize("x", [4.0, None, math.nan, math.inf])
def test_a_group_of_nulls_has_what_its_predictors_say(x):
    frame = pl.concat([FRAME, pl.DataFrame({"g": ["z"] * 2, "y": [None] * 2, "x": [x] * 2}, schema=FRAME.schema)])
    row, model = groups(frame)["z"], only(frame)
    assert (row["n"], row["mean"], row["weight"], model["groups"]) == (0, None, 0, 5)
    if x != 4.0:
        assert nulls(row, "estimate", "se", "lower", "upper", "fit", "se_fit")
        return
    assert (
        row["estimate"] == row["fit"] == pytest.approx(np.dot([1, 4], asked(pool.coefficients, FRAME)[0]["estimate"]))
    )
    assert row["se"] == pytest.approx(math.sqrt(model["tau2"] + row["se_fit"] ** 2))


@pytest.mark.parametrize("x", [4.0, None, math.nan, math.inf])
def test_new_groups(x):
    """As a group of nulls; a group with rows keeps its own predictors."""
    new = pl.DataFrame({"g": ["a", "new"], "x": [77.0, x]})
    got, want = (
        groups(FRAME, groups=new),
        groups(pl.concat([FRAME, pl.DataFrame({"g": ["new"], "y": [None], "x": [x]}, schema=FRAME.schema)])),
    )
    assert_frame_equal(pl.DataFrame(list(got.values())), pl.DataFrame(list(want.values())), rel_tol=1e-12)


def test_new_groups_whose_factor_has_no_known_level():
    frame = FRAME.with_columns(t=pl.when(pl.col("x") < 2).then(pl.lit("low")).otherwise(pl.lit("high")))
    new = pl.DataFrame({"g": ["m", "n", "o"], "t": ["low", "other", None]})
    got = groups(frame, toward="t", groups=new)
    assert got["m"]["estimate"] == got["m"]["fit"] == pytest.approx(got["a"]["fit"])
    for key in "no":
        assert nulls(got[key], "estimate", "se", "fit")


def test_null_keys_are_groups():
    named = pl.when(pl.col("g") == "b").then(None).otherwise("g").alias("g")
    got, want = groups(FRAME.with_columns(named)), groups(FRAME)
    assert got[None]["estimate"] == pytest.approx(want["b"]["estimate"], rel=1e-12)
    new = pl.DataFrame({"g": [None, "z"], "x": [3.0, 3.0]}, schema={"g": pl.String, "x": pl.Float64})
    assert groups(FRAME, groups=new)[None]["estimate"] == pytest.approx(groups(FRAME, groups=new)["z"]["estimate"])


@every_verb
def test_no_rows(verb):
    """The columns and types are those of data, alone and by `over`, eager and lazy."""
    empty = FRAME.clear().with_columns(m=pl.lit(1))
    for options in ({}, {"over": "m"}):
        full = asked(verb, FRAME.with_columns(m=pl.lit(1)), **options)[0]
        result, messages = asked(verb, empty, **options)
        assert (result.schema, result.height, messages) == (full.schema, 0, [])
        assert verb(empty.lazy(), "y", "g", toward="x", **options).collect().schema == full.schema
    nothing = asked(verb, FRAME.with_columns(y=pl.lit(None, dtype=pl.Float64)))[0]
    assert nothing.schema == asked(verb, FRAME)[0].schema


# ---- predictors that are none ---------------------------------------------------------------------------------------


@every_verb
@pytest.mark.parametrize(("rows_", "count"), [(1, "1 group"), (4, "3 groups")])
def test_a_predictor_that_varies_within_groups_is_an_error_that_counts(verb, rows_, count):
    frame = FRAME.with_row_index().with_columns(
        x=pl.when(pl.col("index") < rows_ + 1).then(pl.col("index") + 9.0).otherwise("x")
    )
    frame = pl.concat([frame, frame.filter(g="b").with_columns(x=3.5)]) if rows_ == 4 else frame
    with pytest.raises(ValueError, match=f"toward='x' varies within {count}: a predictor has one value"):
        asked(verb, frame)


@every_verb
def test_dependent_predictors_are_errors_that_name_them(verb):
    frame = FRAME.with_columns(c=pl.lit(0.1) + 0.2, z=3 * pl.col("x") + 1, t=pl.lit("only"))
    for toward, sentence in (
        ("c", "toward='c' is the same in every group, so it cannot be distinguished from the intercept: leave it out"),
        (["x", "z"], "toward='z' is a linear combination of 'x' in every group"),
        (
            ["x", (pl.col("x") ** 2).alias("q"), (pl.col("x") - pl.col("x") ** 2).alias("d")],
            "toward='d' is a linear combination of 'x', 'q' in every",
        ),
        ("t", "toward='t' has one level, 'only', so it cannot be distinguished from the intercept: leave it out"),
    ):
        with pytest.raises(ValueError, match="^" + sentence.replace("(", r"\(")):
            asked(verb, frame, toward=toward)


def test_one_of_many_models_with_a_constant_predictor_has_no_estimates():
    parts = [FRAME.with_columns(m=pl.lit(m)) for m in "abc"]
    parts[1] = parts[1].with_columns(x=pl.lit(7.0))
    result, [message] = asked(pool.shrink, pl.concat(parts), over="m")
    assert message.startswith("a model has no estimates, as a covariate is the same in all of its rows")
    assert result.filter(m="b")["estimate"].null_count() == 5
    want = asked(pool.shrink, FRAME)[0]
    for name in "ac":
        assert_frame_equal(result.filter(m=name).drop("m"), want, rel_tol=1e-10)


# ---- the limits of types --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1e-150, 1e-100, 1e100, 1e150])
def test_units_of_predictors(unit):
    got = asked(pool.shrink, FRAME.with_columns(pl.col("x") * unit))[0]
    assert_frame_equal(got, asked(pool.shrink, FRAME)[0], rel_tol=1e-10)


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e200, 1e300])
def test_beyond_squares(unit):
    """Values: no estimates and a warning, as without predictors; predictors: an error."""
    result, [message] = asked(pool.components, FRAME.with_columns(pl.col("y") * unit))
    assert message.startswith("a model has no estimates, as the squares of the differences of its values")
    assert nulls(result.row(0, named=True), "tau2", "q", "qm", "r2")
    assert asked(pool.shrink, FRAME.with_columns(pl.col("y") * unit))[0]["fit"].null_count() == 5
    with pytest.raises(ValueError, match="toward='x' has values that differ by less than 1e-150 or more than 1e150"):
        asked(pool.shrink, FRAME.with_columns(pl.col("x") * unit))


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Int128, pl.Float32, pl.Decimal(20, 3), pl.Boolean])
def test_types_of_predictors(dtype):
    """Boolean is 0 and 1 in value, with the name of a factor's level."""
    x = (pl.col("x") > 1) if dtype == pl.Boolean else pl.col("x")
    got = asked(pool.shrink, FRAME.with_columns(x.cast(dtype)))[0]
    assert_frame_equal(got, asked(pool.shrink, FRAME.with_columns(x.cast(pl.Float64)))[0], rel_tol=1e-12)


@pytest.mark.parametrize(
    "column", [pl.date(2020, 1, 1), pl.duration(days=1), pl.concat_list("x")], ids=["date", "duration", "list"]
)
def test_other_types_are_errors_when_the_plan_is_made(column):
    with pytest.raises(TypeError, match=r"toward='z' is .*; give a column of numbers or Booleans"):
        pool.shrink(FRAME.lazy().with_columns(z=column), "y", "g", toward="z")


@pytest.mark.parametrize(
    "name", ["fit", "se_fit", "estimate", "tau2", "n", "", "x'\"", "^x$", "*", "_pool_x0", "a:b", "t[B]"]
)
def test_names_of_predictors(name):
    """The name of a predictor is in no result of groups, and any name will do."""
    frame = FRAME.rename({"x": name})
    assert_frame_equal(asked(pool.shrink, frame, toward=name)[0], asked(pool.shrink, FRAME)[0], rel_tol=1e-12)
    assert asked(pool.coefficients, frame, toward=name)[0]["term"].to_list() == ["intercept", name]


@pytest.mark.parametrize(
    ("verb", "name", "more"),
    [
        ("shrink", "fit", {}),
        ("shrink", "se_fit", {}),
        ("coefficients", "term", {}),
        ("coefficients", "other_term", {"covariance": True}),
    ],
)
def test_a_key_cannot_bear_the_name_of_a_result(verb, name, more):
    frame = FRAME.with_columns(pl.lit(1).alias(name))
    with pytest.raises(ValueError, match=f"the key '{name}' bears the name of a result column"):
        asked(VERBS[verb], frame, over=name, **more)
    plain = pool.shrink(FRAME.rename({"g": "fit"}), "y", "fit")
    assert plain.columns[0] == "fit"
