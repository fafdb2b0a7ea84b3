"""Every wrong argument gets one sentence with its value, the allowed values and the nearest match."""

import math
import re
from datetime import date, timedelta

import polars as pl
import pytest
from frames import MU, TAU2

import polars_pool as pool
from polars_pool.formulas import registry

ERRORS = [name for name, method in registry.TAU2.items() if method.error is not None]

ROWS = pl.DataFrame(
    {
        "school": [1, 1, 2, 2, 3, 3],
        "state": ["a", "a", "b", "b", "a", "a"],
        "year": [2020, 2021] * 3,
        "score": [1.0, 3.0, 5.0, 8.0, 2.0, 2.5],
        "load": [1.0, 2.0, 1.0, 1.0, 3.0, 1.0],
    }
)
STATES = pl.DataFrame({"school": [1, 2, 3], "centre": [2.0, 6.0, 3.0], "size": [2, 3, 4], "spread": [1.0, 2.0, 1.5]})
STUDIES = pl.DataFrame({"school": [1, 2, 3], "effect": [2.0, 6.0, 3.0], "error": [1.0, 2.0, 1.5], "size": [5, 6, 7]})

WRONG = (ValueError, TypeError)
MISSING_COLUMN = (ValueError, pl.exceptions.ColumnNotFoundError)


def refused(kind=ValueError):
    """Assert that the call raises an error; the caller then checks its message."""
    return pytest.raises(kind)


def word(name: str, text: str) -> int:
    """The number of times that a name occurs in a text as a separate word."""
    return len(re.findall(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def assert_sentence(error: pytest.ExceptionInfo, *given: object, allowed=(), nearest: str | None = None) -> None:
    """Assert one line with the value, all allowed values, and the nearest match."""
    text = str(error.value)
    assert text == text.strip()
    assert "\n" not in text
    for part in (*given, *allowed):
        assert word(str(part), text), f"{part!r} is not in: {text}"
    if nearest is not None:
        listed = 1 if nearest in allowed else 0
        assert word(nearest, text) > listed, f"the nearest match {nearest!r} is not named in: {text}"


def shrink_calls():
    """A wrong call as a function and as a method, on both kinds of frames."""
    return {
        "function": lambda frame, *args, **options: pool.shrink(frame, *args, **options),
        "DataFrame": lambda frame, *args, **options: frame.pool.shrink(*args, **options),
        "lazy function": lambda frame, *args, **options: pool.shrink(frame.lazy(), *args, **options),
        "LazyFrame": lambda frame, *args, **options: frame.lazy().pool.shrink(*args, **options),
    }


every_call = pytest.mark.parametrize("call", shrink_calls().values(), ids=shrink_calls())


# ---- names of methods --------------------------------------------------------------------------------------


@every_call
@pytest.mark.parametrize(
    ("given", "nearest"),
    [("remll", "reml"), ("REML", "reml"), ("anovaa", "anova"), ("plug-in", "plugin"), ("hskk", "hsk")],
)
def test_unknown_tau2(call, given, nearest):
    with refused() as error:
        call(ROWS, "score", "school", tau2=given)
    assert_sentence(error, "tau2", given, allowed=TAU2, nearest=nearest)


@every_call
@pytest.mark.parametrize(("given", "nearest"), [("poled", "pooled"), ("Separate", "separate")])
def test_unknown_sigma2(call, given, nearest):
    with refused() as error:
        call(ROWS, "score", "school", sigma2=given)
    assert_sentence(error, "sigma2", given, allowed=tuple(registry.SIGMA2), nearest=nearest)


@every_call
@pytest.mark.parametrize(
    ("given", "nearest"), [("glss", "gls"), ("row", "rows"), ("Groups", "groups"), ("shrunken", "shrunk")]
)
def test_unknown_mu(call, given, nearest):
    with refused() as error:
        call(ROWS, "score", "school", mu=given)
    assert_sentence(error, "mu", given, allowed=MU, nearest=nearest)


@every_call
def test_unknown_nan(call):
    with refused() as error:
        call(ROWS, "score", "school", nan="nul")
    assert_sentence(error, "nan", "nul", allowed=("error", "null"), nearest="null")


@every_call
def test_unknown_uncertainty(call):
    with refused() as error:
        call(ROWS, "score", "school", uncertainty="conditionel")
    assert_sentence(error, "uncertainty", "conditionel", allowed=("mu", "conditional", "tau2"), nearest="conditional")


@every_call
@pytest.mark.parametrize("tau2", sorted(set(TAU2) - set(ERRORS)))
def test_an_estimator_without_a_standard_error(call, tau2):
    """The error names the estimators with a standard error."""
    with refused() as error:
        call(ROWS, "score", "school", tau2=tau2, uncertainty="tau2")
    assert_sentence(error, "uncertainty", allowed=(tau2, *ERRORS))


@pytest.mark.parametrize("given", ["", "xyzzy"])
def test_a_name_without_a_near_match_lists_the_allowed_names(given):
    with refused() as error:
        pool.shrink(ROWS, "score", "school", tau2=given)
    assert_sentence(error, "tau2", allowed=TAU2)
    assert repr(given) in str(error.value) or f'"{given}"' in str(error.value)


@pytest.mark.parametrize("method", ["shrink", "weight"])
def test_unknown_names_in_expressions(method):
    expression = getattr(pl.col("score").pool, method)
    with refused() as error:
        expression(by="school", tau2="remll")
    assert_sentence(error, "tau2", "remll", allowed=TAU2, nearest="reml")
    with refused() as error:
        expression(by="school", mu="row")
    assert_sentence(error, "mu", "row", allowed=MU, nearest="rows")


@pytest.mark.parametrize("verb", [pool.components, pool.encode])
def test_unknown_names_in_other_verbs(verb):
    with refused() as error:
        verb(ROWS, "score", "school", tau2="remll")
    assert_sentence(error, "tau2", "remll", allowed=TAU2, nearest="reml")
    with refused() as error:
        verb(ROWS, "score", "school", sigma2="poled")
    assert_sentence(error, "sigma2", "poled", allowed=tuple(registry.SIGMA2), nearest="pooled")


def test_unknown_nan_in_moments():
    with refused() as error:
        pool.moments(ROWS, "score", "school", nan="eror")
    assert_sentence(error, "nan", "eror", allowed=("error", "null"), nearest="error")


# ---- numbers -----------------------------------------------------------------------------------------------


@every_call
@pytest.mark.parametrize("level", [0, 1, -0.5, 95, math.nan, math.inf])
def test_level_is_between_0_and_1(call, level):
    with refused() as error:
        call(ROWS, "score", "school", level=level)
    assert_sentence(error, "level", 0, 1)
    assert str(level) in str(error.value)


@every_call
@pytest.mark.parametrize("name", ["tau2", "sigma2"])
@pytest.mark.parametrize("number", [-1, -0.25, math.nan, math.inf])
def test_variances_are_not_negative(call, name, number):
    with refused() as error:
        call(ROWS, "score", "school", **{name: number})
    assert_sentence(error, name)
    assert str(number) in str(error.value)


@every_call
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_mu_is_finite(call, number):
    with refused() as error:
        call(ROWS, "score", "school", mu=number)
    assert_sentence(error, "mu")
    assert str(number) in str(error.value)


@every_call
@pytest.mark.parametrize("name", ["tau2", "sigma2", "mu", "level"])
@pytest.mark.parametrize("given", [True, False])
def test_a_bool_is_no_number(call, name, given):
    with pytest.raises(WRONG) as error:
        call(ROWS, "score", "school", **{name: given})
    assert_sentence(error, name, given)


@every_call
@pytest.mark.parametrize("name", ["tau2", "sigma2", "mu", "level"])
@pytest.mark.parametrize("given", [None, [1.0]], ids=["None", "list"])
def test_neither_name_nor_number(call, name, given):
    with pytest.raises(WRONG) as error:
        call(ROWS, "score", "school", **{name: given})
    assert_sentence(error, name)
    assert str(given) in str(error.value) or type(given).__name__ in str(error.value)


@pytest.mark.parametrize("name", ["tau2", "sigma2"])
def test_negative_numbers_in_expressions(name):
    with refused() as error:
        pl.col("score").pool.shrink(by="school", **{name: -2.5})
    assert_sentence(error, name, -2.5)


# ---- columns -----------------------------------------------------------------------------------------------

MISSING = {
    "value": (ROWS, "scor", "school", {}, "scor", "score"),
    "by": (ROWS, "score", "schol", {}, "schol", "school"),
    "one of by": (ROWS, "score", ["state", "schol"], {}, "schol", "school"),
    "over": (ROWS, "score", "school", {"over": "yeer"}, "yeer", "year"),
    "weights": (ROWS, "score", "school", {"weights": "loads"}, "loads", "load"),
    "n": (STATES, "centre", "school", {"n": "sise", "var": "spread"}, "sise", "size"),
    "var": (STATES, "centre", "school", {"n": "size", "var": "spred"}, "spred", "spread"),
    "se": (STUDIES, "effect", "school", {"se": "eror"}, "eror", "error"),
    "an expression": (ROWS, pl.col("scor").log(), "school", {}, "scor", "score"),
}


@every_call
@pytest.mark.parametrize("case", MISSING)
def test_missing_columns(call, case):
    frame, value, by, options, given, nearest = MISSING[case]
    with refused(MISSING_COLUMN) as error:
        call(frame, value, by, **options)
    assert_sentence(error, given)
    assert word(nearest, str(error.value))


@pytest.mark.parametrize("verb", [pool.components, pool.encode, pool.moments])
def test_missing_columns_in_other_verbs(verb):
    with refused(MISSING_COLUMN) as error:
        verb(ROWS, "scor", "school")
    assert_sentence(error, "scor")
    assert word("score", str(error.value))


def test_missing_columns_in_merge():
    states = STATES.rename({"centre": "mean", "size": "n", "spread": "variance"})
    with refused(MISSING_COLUMN) as error:
        pool.merge(states, "school")
    assert_sentence(error, "var")
    assert word("variance", str(error.value))


def test_missing_columns_of_an_expression_are_named_when_the_query_runs():
    with pytest.raises((ValueError, pl.exceptions.PolarsError), match="schol"):
        ROWS.select(pl.col("score").pool.shrink(by="schol"))


# ---- types -------------------------------------------------------------------------------------------------

TYPES = {
    "String": pl.Series(["1", "2", "3", "4", "5", "6"]),
    "Date": pl.Series([date(2020, 1, day) for day in range(1, 7)]),
    "Duration": pl.Series([timedelta(days=day) for day in range(1, 7)]),
    "List": pl.Series([[1.0]] * 6),
}


@every_call
@pytest.mark.parametrize("name", TYPES)
def test_values_are_numbers(call, name):
    with pytest.raises(TypeError) as error:
        call(ROWS.with_columns(score=TYPES[name]), "score", "school")
    assert_sentence(error, "score")
    assert name in str(error.value)


@every_call
@pytest.mark.parametrize("name", TYPES)
def test_weights_errors_and_moments_are_numbers(call, name):
    with pytest.raises(TypeError) as error:
        call(ROWS.with_columns(load=TYPES[name]), "score", "school", weights="load")
    assert_sentence(error, "load")
    assert name in str(error.value)
    three = TYPES[name].head(3)
    with pytest.raises(TypeError) as error:
        call(STUDIES.with_columns(error=three), "effect", "school", se="error")
    assert_sentence(error, "error")
    for column in ("size", "spread"):
        with pytest.raises(TypeError) as error:
            call(STATES.with_columns(three.alias(column)), "centre", "school", n="size", var="spread")
        assert_sentence(error, column)
        assert name in str(error.value)


@pytest.mark.parametrize("frame", [[1, 2], {"score": [1.0]}, pl.Series("score", [1.0]), None, "score"], ids=repr)
@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.encode, pool.moments])
def test_frames_are_frames(verb, frame):
    with pytest.raises(TypeError) as error:
        verb(frame, "score", "school")
    assert_sentence(error, "LazyFrame", "DataFrame")
    assert type(frame).__name__ in str(error.value)


def test_frames_are_frames_in_merge():
    with pytest.raises(TypeError) as error:
        pool.merge([STATES], "school")
    assert_sentence(error, "LazyFrame", "DataFrame", "list")


@every_call
@pytest.mark.parametrize("value", [None, 3, ["score"], True], ids=repr)
def test_value_is_a_name_or_an_expression(call, value):
    with pytest.raises(WRONG) as error:
        call(ROWS, value, "school")
    assert_sentence(error, "value")


# ---- keys --------------------------------------------------------------------------------------------------


@every_call
@pytest.mark.parametrize("by", [None, [], ()], ids=repr)
def test_keys_are_required(call, by):
    with pytest.raises(WRONG) as error:
        call(ROWS, "score", by)
    assert_sentence(error, "by")


@every_call
@pytest.mark.parametrize("by", [3, ["school", 3], [None]], ids=repr)
def test_keys_are_names_or_expressions(call, by):
    with pytest.raises(WRONG) as error:
        call(ROWS, "score", by)
    assert_sentence(error, "by")


@pytest.mark.parametrize("by", [None, [], 3], ids=repr)
def test_an_expression_needs_keys(by):
    with pytest.raises(WRONG) as error:
        pl.col("score").pool.shrink(by=by)
    assert_sentence(error, "by")


@every_call
@pytest.mark.parametrize(
    ("by", "over", "twice"),
    [
        (["school", "school"], None, "school"),
        (["school", "state", pl.col("year").alias("school")], None, "school"),
        ("school", "school", "school"),
        (["state", "school"], ["year", "state"], "state"),
        ("school", ["year", "year"], "year"),
    ],
)
def test_keys_are_named_once(call, by, over, twice):
    with refused() as error:
        call(ROWS, "score", by, over=over)
    assert_sentence(error, twice)


@every_call
@pytest.mark.parametrize("name", ["n", "mean", "v", "weight", "estimate", "se", "lower", "upper"])
def test_a_key_named_like_a_result_of_shrink(call, name):
    with refused() as error:
        call(ROWS.rename({"school": name}), "score", name)
    assert_sentence(error, name)
    with refused() as error:
        call(ROWS, "score", pl.col("school").alias(name))
    assert_sentence(error, name)
    with refused() as error:
        call(ROWS.rename({"year": name}), "score", "school", over=name)
    assert_sentence(error, name)


@pytest.mark.parametrize(
    "name", ["groups", "n", "sigma2", "tau2", "mu", "se_mu", "icc", "sigma2_prior", "q", "lrt_p", "converged"]
)
def test_a_key_named_like_a_result_of_components(name):
    with refused() as error:
        pool.components(ROWS.rename({"year": name}), "score", "school", over=name)
    assert_sentence(error, name)


@pytest.mark.parametrize("name", ["n", "mean", "var"])
def test_a_key_named_like_a_result_of_moments(name):
    with refused() as error:
        pool.moments(ROWS.rename({"school": name}), "score", name)
    assert_sentence(error, name)


# ---- methods that do not fit the input ---------------------------------------------------------------------

MISFITS = {
    "cv with weights": (ROWS, "score", {"weights": "load", "tau2": "cv"}, ("cv", "weights")),
    "cv on se": (STUDIES, "effect", {"se": "error", "tau2": "cv"}, ("cv", "se")),
    "cv on se and n": (STUDIES, "effect", {"se": "error", "n": "size", "tau2": "cv"}, ("cv", "se")),
    "cv with weighted moments": (
        STATES.with_columns(w=pl.lit(2.0)),
        "centre",
        {"n": "size", "var": "spread", "weights": "w", "tau2": "cv"},
        ("cv", "weights"),
    ),
    "cv separate": (ROWS, "score", {"sigma2": "separate", "tau2": "cv"}, ("cv", "separate")),
    "cv with a known sigma2": (ROWS, "score", {"sigma2": 2.0, "tau2": "cv"}, ("cv", "sigma2")),
    "anova on se": (STUDIES, "effect", {"se": "error", "tau2": "anova"}, ("anova", "n")),
    "rows on se": (STUDIES, "effect", {"se": "error", "mu": "rows"}, ("rows", "n")),
    "shrunk on se": (STUDIES, "effect", {"se": "error", "mu": "shrunk"}, ("shrunk",)),
    "sigma2 and se": (STUDIES, "effect", {"se": "error", "sigma2": 2.0}, ("sigma2", "se")),
    "sigma2 separate and se": (STUDIES, "effect", {"se": "error", "sigma2": "separate"}, ("sigma2", "se")),
    "var without n": (STATES, "centre", {"var": "spread"}, ("var", "n")),
    "n without var": (STATES, "centre", {"n": "size"}, ("n", "var")),
    "se and var": (STATES, "centre", {"n": "size", "var": "spread", "se": "spread"}, ("se", "var")),
    "se and weights": (STUDIES, "effect", {"se": "error", "weights": "size"}, ("se", "weights")),
}


@pytest.mark.parametrize("case", MISFITS)
def test_arguments_that_do_not_fit_together(case):
    frame, value, options, named = MISFITS[case]
    for verb in (pool.shrink, pool.components):
        for data in (frame, frame.lazy()):
            with refused() as error:
                verb(data, value, "school", **options)
            assert_sentence(error, *named)


@pytest.mark.parametrize("verb", [pool.components, pool.shrink])
def test_what_fits_with_n(verb):
    """The remedies in the messages work."""
    assert verb(STUDIES, "effect", "school", se="error", n="size", tau2="anova").height > 0
    assert verb(STUDIES, "effect", "school", se="error", n="size", mu="rows").height > 0


def test_misfits_in_expressions():
    with refused() as error:
        pl.col("score").pool.shrink(by="school", weights="load", tau2="cv")
    assert_sentence(error, "cv", "weights")


def test_misfits_in_encode():
    with refused() as error:
        pool.encode(ROWS, "score", "school", weights="load", tau2="cv")
    assert_sentence(error, "cv", "weights")


@pytest.mark.parametrize("given", ["sigma3", "taus"])
def test_unknown_arguments_are_pythons_own_error(given):
    with pytest.raises(TypeError, match=given):
        pool.shrink(ROWS, "score", "school", **{given: 1})


# ---- arguments are checked early ----------------------------------------------------------------------------


def test_arguments_are_checked_before_any_data_is_read(monkeypatch):
    """The messages depend only on the schema: a frame that cannot be collected gives them, too."""

    def refuse(*_, **__):
        raise AssertionError("collected")

    lazy = ROWS.lazy()
    monkeypatch.setattr(pl.LazyFrame, "collect", refuse)
    for options in ({"tau2": "remll"}, {"over": "yeer"}, {"weights": "state"}, {"level": 2}):
        with pytest.raises((*WRONG, pl.exceptions.ColumnNotFoundError)):
            pool.shrink(lazy, "score", "school", **options)


# ---- options for groups -----------------------------------------------------------------------------------


@every_call
def test_unknown_predict(call):
    with refused() as error:
        call(ROWS, "score", "school", predict="rows")
    assert_sentence(error, "predict", "rows", allowed=("mean", "row", "replicate"), nearest="row")


@every_call
def test_a_row_of_published_estimates_is_refused(call):
    with refused() as error:
        call(STUDIES, "effect", "school", se="error", predict="row")
    assert_sentence(error, "predict", "row", "se", allowed=("mean", "replicate"))


@every_call
@pytest.mark.parametrize("given", ["10", True, math.nan, math.inf, [1.0]])
def test_a_threshold_is_a_finite_number(call, given):
    with refused(WRONG) as error:
        call(ROWS, "score", "school", threshold=given)
    assert_sentence(error, "threshold", "number")
    assert repr(given) in str(error.value)


@every_call
def test_a_key_may_have_the_name_p_above_without_a_threshold(call):
    frame = ROWS.rename({"school": "p_above"})
    call(frame, "score", "p_above")
    with refused() as error:
        call(frame, "score", "p_above", threshold=2)
    assert_sentence(error, "p_above")


@every_call
def test_groups_that_are_not_a_frame_of_keys(call):
    with refused(TypeError) as error:
        call(ROWS, "score", "school", groups=[4, 5])
    assert_sentence(error, "groups", "list", "DataFrame")
    with refused(MISSING_COLUMN) as error:
        call(ROWS, "score", "school", groups=pl.DataFrame({"schol": [4]}))
    assert_sentence(error, "groups", "school", nearest="schol")
    with refused(TypeError) as error:
        call(ROWS, "score", "school", groups=pl.DataFrame({"school": ["4"]}))
    assert_sentence(error, "groups", "school", "String", "Int64")


@every_call
def test_groups_with_a_part_of_the_keys_of_a_model(call):
    keys = pl.DataFrame({"school": [4], "year": [2020]})
    with refused(MISSING_COLUMN) as error:
        call(ROWS, "score", "school", over=["year", "state"], groups=keys)
    assert_sentence(error, "groups", "state", "over")
