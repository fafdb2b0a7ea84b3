"""Every argument of every verb and expression, with the values that users of other packages try: one clear sentence."""

import inspect
import warnings
from functools import partial

import numpy as np
import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

import polars_pool as pool

ROWS = pl.DataFrame(
    {
        "g": ["a", "a", "b", "b", "c", "c"],
        "year": [1, 2, 1, 2, 1, 2],
        "y": [1.0, 0.0, 1.0, 1.0, 0.0, 1.0],
        "x": [1.0, 2.0, 4.0, 3.0, 5.0, 7.0],
        "n": [4, 5, 6, 7, 8, 9],
        "var": [1.0, 2.0, 1.5, 2.0, 1.0, 3.0],
        "w": [1.0, 2.0, 1.0, 1.0, 3.0, 1.0],
        "z": [1.0, 1.0, 2.0, 2.0, 4.0, 4.0],
    }
)
STORED = {"n": "n", "var": "var"}
Y = pl.col("y")

# Every call with column arguments, all of them valid; the tests replace one role at a time.
CALLS = {
    "moments": (pool.moments, {"value": "y", "by": "g", "weights": "w"}),
    "merge": (pool.merge, {"value": "y", "by": "g", "weights": "w", **STORED}),
    "components": (pool.components, {"value": "y", "by": "g", "over": "year", "weights": "w"}),
    "components of moments": (pool.components, {"value": "y", "by": "g", **STORED}),
    "components of estimates": (pool.components, {"value": "y", "by": "g", "se": "w"}),
    "components of rates": (pool.components, {"value": "y", "by": "g", "over": "year", "trials": "n"}),
    "components of counts": (pool.components, {"value": "y", "by": "g", "exposure": "n"}),
    "profile": (pool.profile, {"value": "y", "by": "g", "over": "year", "weights": "w"}),
    "profile of rates": (pool.profile, {"value": "y", "by": "g", "over": "year", "trials": "n"}),
    "profile of counts": (pool.profile, {"value": "y", "by": "g", "exposure": "n"}),
    "profile of moments": (pool.profile, {"value": "y", "by": "g", **STORED}),
    "profile of estimates": (pool.profile, {"value": "y", "by": "g", "se": "w"}),
    "shrink": (pool.shrink, {"value": "y", "by": "g", "over": "year", "weights": "w"}),
    "shrink of moments": (pool.shrink, {"value": "y", "by": "g", **STORED}),
    "shrink of estimates": (pool.shrink, {"value": "y", "by": "g", "se": "w", "n": "n"}),
    "shrink of rates": (pool.shrink, {"value": "y", "by": "g", "over": "year", "trials": "n"}),
    "shrink of counts": (pool.shrink, {"value": "y", "by": "g", "exposure": "n"}),
    "shrink of trials": (partial(pool.shrink, family="binomial"), {"value": "y", "by": "g"}),
    "encode": (pool.encode, {"value": "y", "by": "g", "over": "year", "weights": "w"}),
    "encode of rates": (pool.encode, {"value": "y", "by": "g", "over": "year", "trials": "n"}),
    "encode of counts": (pool.encode, {"value": "y", "by": "g", "exposure": "n"}),
    "shrink with predictors": (pool.shrink, {"value": "y", "by": "g", "toward": "z", "weights": "w"}),
    "components with predictors": (pool.components, {"value": "y", "by": "g", "toward": "z", "over": "year"}),
    "encode with predictors": (pool.encode, {"value": "y", "by": "g", "toward": "z"}),
    "profile with predictors": (pool.profile, {"value": "y", "by": "g", "toward": "z", "over": "year"}),
    "compare with predictors": (pool.compare, {"value": "y", "by": "g", "toward": "z"}),
    "coefficients": (pool.coefficients, {"value": "y", "by": "g", "toward": "z", "over": "year"}),
    "compare": (pool.compare, {"value": "y", "by": "g", "over": "year"}),
    "compare of rates": (pool.compare, {"value": "y", "by": "g", "over": "year", "trials": "n"}),
    "compare of moments": (pool.compare, {"value": "y", "by": "g", **STORED}),
    "rank": (pool.rank, {"value": "y", "by": "g", "over": "year", "weights": "w"}),
    "rank of moments": (pool.rank, {"value": "y", "by": "g", **STORED}),
    "rank of estimates": (pool.rank, {"value": "y", "by": "g", "se": "w"}),
    "posterior_draws": (
        partial(pool.posterior_draws, tau2=pool.HalfCauchy(5), draws=2, seed=1),
        {"value": "y", "by": "g", "over": "year", "weights": "w"},
    ),
    "posterior_draws of rates": (
        partial(pool.posterior_draws, draws=2, seed=1),
        {"value": "y", "by": "g", "over": "year", "trials": "n"},
    ),
    "regress": (pool.regress, {"value": "y", "x": "x", "by": "g", "over": "year", "weights": "w"}),
    "regress_components": (pool.regress_components, {"value": "y", "x": "x", "by": "g", "weights": "w"}),
    "regress_coefficients": (pool.regress_coefficients, {"value": "y", "x": "x", "by": "g", "weights": "w"}),
    "predict": (pool.predict, {"value": "y", "x": "x", "by": "g", "over": "year", "weights": "w"}),
}


def _beside(method, frame, value, **columns):
    value = pl.col(value) if isinstance(value, str) else value
    return frame.select(getattr(value.pool, method)(**columns))


CALLS |= {
    f"{method} {of}": (partial(_beside, method), {"value": "y", "by": "g", **more})
    for method in ("shrink", "weight")
    for of, more in {
        "as an expression": {"over": "year", "weights": "w"},
        "with predictors as an expression": {"toward": "z"},
        "of rates as an expression": {"over": "year", "trials": "n"},
        "of counts as an expression": {"exposure": "n"},
    }.items()
}
CALLS["moments as an expression"] = (partial(_beside, "moments"), {"value": "y", "by": "g"})
ROLES = [(call, role) for call, (_, columns) in CALLS.items() for role in columns]

every_role = pytest.mark.parametrize(("call", "role"), ROLES)


def called(call, frame, **given):
    verb, columns = CALLS[call]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a few rows do not determine every model
        return verb(frame, **columns | given)


def sentence(error) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert "truth value" not in text
    return text


def test_the_grid_has_every_verb():
    verbs = {name for name in pool.FramePool.__dict__ if not name.startswith("_")}
    assert verbs <= {call.split()[0] for call in CALLS}
    assert len(ROLES) > 90


# ---- computed row by row -------------------------------------------------------------------------------------------

OF_MANY_ROWS = {
    "aggregate": lambda column: column.max(),
    "window": lambda column: column.max().over("year"),
    "len": lambda _: pl.len(),
    "cum_sum": lambda column: column.cast(pl.Int64, strict=False).cum_sum(),
    "shift": lambda column: column.shift(1),
    "rank": lambda column: column.rank() * 1.5,
}


def listed(column: pl.Expr):
    """The key as one of two keys."""
    return [column, "n"]


@pytest.mark.share(2)
@every_role
@pytest.mark.parametrize("kind", OF_MANY_ROWS)
def test_expressions_that_read_other_rows_are_refused(call, role, kind):
    column = OF_MANY_ROWS[kind](pl.col(CALLS[call][1][role]))
    frames = [ROWS] if "expression" in call else [ROWS, ROWS.lazy()]
    for frame in frames:
        with pytest.raises(ValueError, match=rf"^{role}=.*not computed row by row; give .* with_columns\(\)$") as error:
            called(call, frame, **{role: column})
        assert f"{role}={column}" in sentence(error)
        if role in ("by", "over", "x"):
            with pytest.raises(ValueError, match=rf"^{role}=.*not computed row by row"):
                called(call, frame, **{role: listed(column)})


def outcome(call, frame, **given):
    """The result of a call, or the message of its error."""
    try:
        return called(call, frame, **given).select(pl.exclude(*ROWS.columns, "k"))
    except (ValueError, pl.exceptions.PolarsError) as error:
        return str(error).partition("\n")[0]


def assert_same(call, role, expression):
    """An expression gives the same result as a column with its values."""
    result = outcome(call, ROWS, **{role: expression.alias("k")})
    expected = outcome(call, ROWS.with_columns(k=expression), **{role: "k"})
    assert type(result) is type(expected)
    if isinstance(result, str):
        assert result == expected
    else:
        assert_frame_equal(result.select(expected.columns), expected, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.share(3)
@every_role
def test_an_expression_is_the_column_that_it_computes(call, role):
    column = pl.col(CALLS[call][1][role])
    text = ROWS.schema[CALLS[call][1][role]] == pl.String
    assert_same(call, role, column.str.to_uppercase() if text else pl.when(pl.col("x") > 0).then(column + 1) - 1)


@pytest.mark.share(3)
@every_role
def test_a_constant_is_repeated_in_every_row(call, role):
    assert_same(call, role, pl.lit("all") if role in ("by", "over") else pl.lit(1.0))


@pytest.mark.parametrize("call", ["moments", "shrink", "shrink of trials", "regress"])
def test_constants_alone_are_refused(call):
    """They would be one row for every frame."""
    constants = {role: pl.lit(1).alias(role) for role in CALLS[call][1]}
    with pytest.raises(ValueError, match=r"^the value and the keys are constants, .*; give at least one column"):
        called(call, ROWS, **constants | ({"x": []} if call == "regress" else {}))
    assert called(call, ROWS, **constants | {"by": "g"} | ({"x": []} if call == "regress" else {})).height == 3


def test_python_functions_are_assumed_to_be_row_by_row():
    twice = Y.map_batches(lambda column: column * 2, return_dtype=pl.Float64).alias("y")
    assert pool.moments(ROWS, twice, "g").equals(pool.moments(ROWS.with_columns(Y * 2), "y", "g"))
    each = pl.col("g").map_elements(lambda key: f"{ord(key):x}", return_dtype=pl.String)
    assert pool.moments(ROWS, "y", each)["g"].to_list() == ["61", "62", "63"]
    with pytest.raises(ValueError, match=r"^value=.*not computed row by row"):
        pool.moments(ROWS, twice.mean(), "g")


def test_moments_of_all_rows_take_any_expression():
    """Without `by` the expression aggregates; its values may be filtered first."""
    result = ROWS.select(Y.filter(pl.col("g") == "a").pool.moments()).item()
    assert result == {"n": 2, "mean": 0.5, "var": 0.5}


# ---- columns are names or expressions ------------------------------------------------------------------------------

NO_COLUMN = {
    "number": 1,
    "float": 2.0,
    "Series": ROWS["w"],
    "array": ROWS["w"].to_numpy(),
    "truth": True,
    "frame": ROWS,
    "list of arrays": [np.arange(300)],
}


OF_CALLS = [(call, role) for call, role in ROLES if role != "value" or "expression" not in call]


@pytest.mark.share(2)
@pytest.mark.parametrize(("call", "role"), OF_CALLS)
@pytest.mark.parametrize("kind", NO_COLUMN)
def test_a_missing_column(call, role, kind):
    with pytest.raises(TypeError, match=f"^{role}=.*give a column name") as error:
        called(call, ROWS, **{role: NO_COLUMN[kind]})
    text = sentence(error)
    assert len(text) < 250
    if kind == "Series":
        assert text.endswith("did you mean 'w'?")
    if kind in ("number", "float") and role in ("value", "n", "var", "se", "weights", "exposure", "trials"):
        remedy = "family='binomial'" if (role, kind) == ("trials", "number") else f"pl.lit({NO_COLUMN[kind]})"
        assert remedy in text


def test_the_remedies_for_numbers_are_right():
    one = ROWS.with_columns(pl.lit(1).alias("one"))
    known = {"value": "y", "by": "g", "prior": pool.Beta(2, 5)}
    of_one = pool.shrink(one, trials="one", **known)
    assert_frame_equal(pool.shrink(ROWS, family="binomial", **known), of_one)
    assert_frame_equal(pool.shrink(ROWS, trials=pl.lit(1), **known), of_one)
    of_one = pool.shrink(one, "y", "g", weights="one", tau2=1.0)
    assert_frame_equal(pool.shrink(ROWS, "y", "g", weights=pl.lit(1), tau2=1.0), of_one)


@pytest.mark.parametrize("verb", ["shrink", "components", "encode", "moments"])
@pytest.mark.parametrize("keys", [{"by": cs.binary()}, {"by": "g", "over": cs.binary()}, {"by": pl.col("^no.*$")}])
def test_selectors_of_no_key_are_refused(verb, keys):
    role = [*keys][-1]
    if verb == "moments" and role == "over":
        return
    with pytest.raises(ValueError, match=rf"^{role}=.* selects no column of the frame; it has"):
        getattr(pool, verb)(ROWS, "y", **keys)


@pytest.mark.parametrize("by", [None, [], (), ROWS["g"], [ROWS["g"]], ["g", None], np.array(["g"])], ids=str)
def test_keys(by):
    for call in CALLS:
        if call == "moments as an expression" and by is None:  # all rows
            continue
        with pytest.raises((TypeError, ValueError), match=r"^by=.*; give (a|at least one) column name") as error:
            called(call, ROWS, by=by)
        if by is ROWS["g"]:
            assert "did you mean 'g'?" in sentence(error)


# ---- arguments of rates, and arguments that are names or numbers -----------------------------------------------------

ODD = {"expression": pl.col("w"), "Series": ROWS["w"], "array": ROWS["w"].to_numpy(), "frame": ROWS}
RATES = [{"trials": "n"}, {"exposure": "n"}, {"family": "binomial"}, {"family": "poisson"}, {"trials": pl.col("n")}]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("rates", RATES, ids=lambda rates: ", ".join(f"{role}={one}" for role, one in rates.items()))
@pytest.mark.parametrize("role", ["n", "var", "se", "weights", "sigma2", "tau2", "mu"])
def test_arguments_that_rates_do_not_accept(rates, role, odd):
    reason = f"^{role}=.* does not go with {next(iter(rates))}=: a rate carries its variance in its counts$"
    calls = [pool.shrink, pool.components, pool.posterior_draws, *([] if role == "tau2" else [pool.profile])]
    calls += [pool.encode] if role in ("weights", "sigma2", "tau2", "mu") else []
    calls += [] if role in ("se", "weights") else [pool.compare]
    for verb in calls:
        with pytest.raises(ValueError, match=reason) as error:
            verb(ROWS, "y", "g", **rates, **{role: ODD[odd]})
        sentence(error)
    if role in ("weights", "sigma2", "tau2", "mu"):
        with pytest.raises(ValueError, match=reason):
            Y.pool.shrink(by="g", **rates, **{role: ODD[odd]})
        with pytest.raises(ValueError, match=reason):
            Y.pool.weight(by="g", **rates, **{role: ODD[odd]})


NO_COLUMNS = {  # arguments that are names or numbers, but not columns
    pool.shrink: (
        "sigma2",
        "tau2",
        "mu",
        "nan",
        "level",
        "uncertainty",
        "interval",
        "predict",
        "threshold",
        "posterior",
    ),
    pool.components: ("sigma2", "tau2", "mu", "nan", "level", "test", "limits", "interval"),
    pool.profile: ("sigma2", "mu", "nan", "tau2", "groups"),
    pool.encode: ("sigma2", "tau2", "mu", "nan", "family", "name"),
    pool.compare: ("sigma2", "tau2", "mu", "nan"),
    pool.rank: ("sigma2", "tau2", "mu", "nan", "level", "descending", "top"),
    pool.moments: ("nan",),
    pool.posterior_draws: ("sigma2", "tau2", "mu", "nan", "draws", "seed"),
    pool.regress: ("vary", "correlated", "intercept", "method", "nan", "level", "uncertainty"),
    pool.regress_components: ("vary", "correlated", "intercept", "method", "nan", "level"),
    pool.regress_coefficients: (*("vary", "correlated", "intercept", "method", "nan", "level", "test", "covariance"),),
    pool.predict: ("vary", "correlated", "intercept", "method", "nan", "interval", "level"),
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(("verb", "role"), [(verb, role) for verb, roles in NO_COLUMNS.items() for role in roles])
def test_neither_a_name_nor_a_number(verb, role, odd):
    more = {"x": "x"} if "x" in inspect.signature(verb).parameters else {}
    more |= {"tau2": pool.HalfCauchy(5)} if verb is pool.posterior_draws else {}
    with pytest.raises((TypeError, ValueError), match=rf"^{role}\b.*give|^{role}=.*does not fit a profile") as error:
        verb(ROWS, value="y", by="g", **more | {role: ODD[odd]})
    assert len(sentence(error)) < 300


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("role", ["family", "prior"])
def test_neither_a_family_nor_a_prior(role, odd):
    for rates in ({}, {"trials": "n"}):
        with pytest.raises((TypeError, ValueError), match=f"^{role}=.*give") as error:
            pool.shrink(ROWS, "y", "g", **rates, **{role: ODD[odd]})
        sentence(error)


# ---- priors --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "given", "example"),
    [
        ("tau2", pool.HalfCauchy, "HalfCauchy(5)"),
        ("tau2", pool.UniformShrinkage, "UniformShrinkage()"),
        ("sigma2", pool.Jeffreys, "HalfCauchy(5)"),
        ("mu", pool.Normal, "Normal(0, 5)"),
        ("mu", pool.Flat, "Normal(0, 5)"),
    ],
)
def test_the_class_of_a_prior(role, given, example):
    calls = [pool.shrink, pool.components, pool.encode, pool.compare]
    for verb in calls:
        with pytest.raises(TypeError, match=f"^{role}={given.__name__} is a class of priors; call it") as error:
            verb(ROWS, "y", "g", **{role: given})
        assert example in sentence(error)
    with pytest.raises(TypeError, match=f"^{role}={given.__name__} is a class of priors; call it"):
        Y.pool.shrink(by="g", **{role: given})


def test_the_class_of_a_prior_in_other_arguments():
    with pytest.raises(TypeError, match=r"^tau2=Uniform is a class .*tau2=HalfCauchy\(5\)"):
        pool.posterior_draws(ROWS, "y", "g", tau2=pool.Uniform)
    with pytest.raises(TypeError, match=r"^tau2=Uniform is a class .*tau2=HalfCauchy\(5\)"):
        pool.profile(ROWS, "y", "g", tau2=pool.Uniform)
    with pytest.raises(TypeError, match=r"^prior=Beta is a class .*prior=Beta\(2, 5\)"):
        pool.shrink(ROWS, "y", "g", trials="n", prior=pool.Beta)
    with pytest.raises(TypeError, match=r"^prior=Gamma is a class .*prior=Gamma\(3, 1\)"):
        pool.components(ROWS, "y", "g", exposure="n", prior=pool.Gamma)


@pytest.mark.parametrize(
    ("role", "given", "form"),
    [
        ("tau2", pool.Normal(0, 5), "HalfCauchy(scale)"),
        ("tau2", pool.Beta(2, 5), "HalfCauchy(scale)"),
        ("sigma2", pool.DuMouchel(), "Jeffreys()"),
        ("mu", pool.HalfCauchy(5), "Normal(mean, sd)"),
        ("mu", pool.HalfCauchy, "Normal(mean, sd)"),
    ],
    ids=str,
)
def test_a_prior_for_another_parameter(role, given, form):
    with pytest.raises(TypeError, match=f"^{role}=.* is no prior of {role}; give one of ") as error:
        pool.shrink(ROWS, "y", "g", **{role: given})
    assert form in sentence(error)


def test_the_habits_of_lme4_and_metafor():
    for given, nearest in (("REML", "reml"), ("ML", "ml"), ("DL", "dl"), ("PM", "pm"), ("EB", "eb")):
        with pytest.raises(ValueError, match=f"^tau2='{given}'; .*did you mean '{nearest}'"):
            pool.shrink(ROWS, "y", "g", tau2=given)
    with pytest.raises(ValueError, match=r"^level=95; .*did you mean 0\.95\?$"):
        pool.shrink(ROWS, "y", "g", level=95)
    with pytest.raises(ValueError, match=r"^method='REML'; .*did you mean 'reml'\?$"):
        pool.regress(ROWS, "y", "x", "g", method="REML")
    with pytest.raises(TypeError, match=r"^tau2=float; give a number"):
        pool.shrink(ROWS, "y", "g", tau2=float)


# ---- Boolean values ------------------------------------------------------------------------------------------------

TRUTHS = ROWS.with_columns(hit=pl.col("y") > 0)
AS_NUMBERS = r"^value='hit' is Boolean, .*family='binomial'.*family='normal'"


def of_hits(call, frame, **options):
    return {
        "shrink": partial(pool.shrink, frame, "hit", "g"),
        "components": partial(pool.components, frame, "hit", "g"),
        "encode": partial(pool.encode, frame, "hit", "g"),
        "method": partial(frame.pool.shrink, "hit", "g"),
        "expression": lambda **o: frame.select(pl.col("hit").pool.shrink(by="g", **o)),
        "weight": lambda **o: frame.select(pl.col("hit").pool.weight(by="g", **o)),
        "computed": partial(pool.shrink, frame, (pl.col("x") > 2).alias("hit"), "g"),
    }[call](**options)


HITS = ["shrink", "components", "encode", "method", "expression", "weight", "computed"]


@pytest.mark.parametrize("call", HITS)
@pytest.mark.parametrize("kind", ["DataFrame", "LazyFrame"])
def test_a_boolean_value_warns_once(call, kind):
    frame = TRUTHS if kind == "DataFrame" else TRUTHS.lazy()
    with pytest.warns(UserWarning, match=AS_NUMBERS) as caught:
        result = of_hits(call, frame).lazy().collect()
    assert len(caught) == 1
    if call not in ("expression", "weight"):
        assert caught[0].filename == __file__  # the line of the call
    quiet = of_hits(call, frame, family="normal").lazy().collect()
    assert_frame_equal(result, quiet, rel_tol=1e-9, check_row_order=False)


@pytest.mark.parametrize("call", HITS[:-1])
def test_numbers_do_not_warn(call):
    numbers = TRUTHS.with_columns(pl.col("hit").cast(pl.Int8))
    result = of_hits(call, numbers)
    assert_frame_equal(result, of_hits(call, numbers, family="normal"), rel_tol=1e-9)
    of_truths = of_hits(call, TRUTHS, family="normal")
    assert_frame_equal(result.select(pl.last()), of_truths.select(pl.last()), rel_tol=1e-9)


def test_the_remedies_of_the_warning_do_not_warn():
    rates = pool.shrink(TRUTHS, "hit", "g", family="binomial", prior=pool.Beta(1, 1))
    assert rates["lower"].min() >= 0
    assert rates["upper"].max() <= 1
    # Two rows of each group, and one, two and one hits: (hits + 1) / (2 + 2) by Beta(1, 1).
    assert rates["estimate"].to_list() == pytest.approx([0.5, 0.75, 0.5], rel=1e-14)
    beside = TRUTHS.select(pl.col("hit").pool.shrink(by="g", family="binomial", prior=pool.Beta(1, 1))).to_series()
    assert beside.to_list() == pytest.approx([0.5, 0.5, 0.75, 0.75, 0.5, 0.5], rel=1e-14)


def test_where_boolean_values_are_numbers():
    """Moments, prediction errors and regressions treat Boolean values as 0 and 1, without a warning."""
    assert pool.moments(TRUTHS, "hit", "g")["mean"].to_list() == [0.5, 1.0, 0.5]
    pool.compare(TRUTHS, "hit", "g")
    pool.profile(TRUTHS, "hit", "g")
    pool.regress(TRUTHS, "hit", [], "g")
    pool.regress(TRUTHS, "x", "hit", "g")


@pytest.mark.parametrize("rates", [{"trials": "n"}, {"exposure": "n"}], ids=str)
def test_the_normal_family_has_no_rates(rates):
    for call in (pool.shrink, pool.components, pool.encode, pool.posterior_draws, pool.profile):
        with pytest.raises(ValueError, match=r"^family='normal' needs no trials= and no exposure=$"):
            call(ROWS, "y", "g", family="normal", **rates)
    with pytest.raises((ValueError, pl.exceptions.PolarsError), match="family='normal' needs no trials="):
        ROWS.select(Y.pool.shrink(by="g", family="normal", **rates))


def test_counts_need_an_exposure():
    with pytest.raises(ValueError, match=r"^family='poisson' needs exposure=$"):
        pool.encode(ROWS, "y", "g", family="poisson")
    with pytest.raises(ValueError, match=r"^family='binom'; .*did you mean 'binomial'"):
        pool.encode(ROWS, "y", "g", family="binom")


@pytest.mark.parametrize(
    "options",
    [{"posterior": 0}, {"posterior": "yes"}, {"tau2": pool.HalfCauchy(5), "uncertainty": "tau"}],
    ids=str,
)
def test_a_wrong_value_is_an_error_where_its_argument_does_not_apply(options):
    """The sentence gives the values that are right, not the inputs for which the argument is there."""
    name, argument = list(options.items())[-1]
    with pytest.raises((ValueError, TypeError), match=f"{name}={argument!r}; give "):
        pool.shrink(ROWS, "y", "g", **options)
