"""Laws of means beside predictors of their groups: recoding, order, offsets, units, paths, and many models at once."""

import metareg
import numpy as np
import polars as pl
import pytest
from frames import warned_once
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import polars_pool as pool

few = settings(max_examples=3)
DIGITS = 1e-7  # with separate variances, one in hundreds of such data sets has a condition of 1e8


@st.composite
def predicted(draw) -> pl.DataFrame:
    """Rows of 6 to 9 groups with two predictors, which are no combination of each other, and an error of its mean."""
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    count = draw(st.integers(6, 9))
    size = random.integers(1, 6, count)
    size[0] = 3
    x, z = random.permutation(count) / 4, random.normal(0, 1, count)
    g = np.repeat(np.arange(count), size)
    y = (3 + 2 * x - z + random.normal(0, draw(st.sampled_from([0.1, 1.0, 3.0])), count))[g] + random.normal(
        0, 1, len(g)
    )
    return pl.DataFrame({"g": g, "x": x[g], "z": z[g], "y": y, "w": random.integers(1, 4, len(g)), "se": (1 + g) / 8})


METHODS = st.sampled_from(["reml", "ml", "dl", "he", "hs", "sj", "pm", "eb"])
INPUTS = {
    "rows": {},
    "weights": {"weights": "w"},
    "separate": {"sigma2": "separate"},
    "known": {"sigma2": 1.5},
    "published": {"se": "se"},
}
inputs = st.sampled_from(sorted(INPUTS))


def same(got: pl.DataFrame, want: pl.DataFrame, tolerance: float = DIGITS) -> None:
    assert_frame_equal(got, want, rel_tol=tolerance, abs_tol=1e-9)


def shrunk(frame, toward, method, source, **more) -> pl.DataFrame:
    return pool.shrink(frame, "y", "g", toward=toward, tau2=method, **INPUTS[source], **more)


def of_model(frame, toward, method, source) -> pl.DataFrame:
    """Without the restricted likelihood of rows, which depends on the units of predictors (as in lme4)."""
    result = pool.components(frame, "y", "g", toward=toward, tau2=method, **INPUTS[source])
    return result.drop("log_likelihood", "aic")


# ---- predictors -----------------------------------------------------------------------------------------------------


@few
@given(frame=predicted(), method=METHODS, source=inputs)
def test_affine_recoding_leaves_estimates(frame, method, source):
    """The combinations 2 - 3x and z + x/2 say the same as x and z, and in the other order."""
    recoded = [(pl.col("z") + pl.col("x") / 2).alias("a"), (2 - 3 * pl.col("x")).alias("b")]
    same(shrunk(frame, recoded, method, source), shrunk(frame, ["x", "z"], method, source))
    same(of_model(frame, recoded, method, source), of_model(frame, ["x", "z"], method, source))


@few
@given(frame=predicted(), method=METHODS, source=inputs)
def test_coefficients_follow_the_recoding(frame, method, source):
    arguments = {"by": "g", "tau2": method, **INPUTS[source]}
    plain = pool.coefficients(frame, "y", toward=["x", "z"], **arguments)
    recoded = pool.coefficients(frame, "y", toward=["z", (pl.col("x") * -4 + 1).alias("x")], **arguments)
    [intercept, x, z] = plain["estimate"]
    np.testing.assert_allclose(recoded["estimate"], [intercept + x / 4, z, -x / 4], rtol=DIGITS)
    np.testing.assert_allclose(recoded["se"][1:].to_list(), [plain["se"][2], plain["se"][1] / 4], rtol=DIGITS)


@few
@given(frame=predicted(), source=inputs, seed=st.integers(0, 99))
def test_order_of_rows(frame, source, seed):
    same(
        shrunk(frame.sample(fraction=1, shuffle=True, seed=seed), ["x", "z"], "reml", source),
        shrunk(frame, ["x", "z"], "reml", source),
    )


@pytest.mark.parametrize("offset", [2.0e6, 1.7e9, 1e15])
@pytest.mark.parametrize("method", ["reml", "dl"])
def test_an_offset_of_a_predictor_loses_no_digits(offset, method):
    """Years, seconds since 1970, and numbers whose squares Float64 does not hold exactly."""
    frame = fixed()
    moved = frame.with_columns(pl.col("x") + offset)
    same(shrunk(moved, ["x", "z"], method, "rows"), shrunk(frame, ["x", "z"], method, "rows"), 1e-12)
    same(of_model(moved, ["x", "z"], method, "rows"), of_model(frame, ["x", "z"], method, "rows"), 1e-12)


@pytest.mark.parametrize("source", ["rows", "published"])
def test_rounding_errors_of_a_constant_are_no_predictor(source):
    noise = pl.when(pl.col("g") % 2 > 0).then(0.3).otherwise(pl.lit(0.1) + 0.2)
    with pytest.raises(ValueError, match="toward='x' is the same in every group"):
        of_model(fixed().with_columns(x=noise), ["x", "z"], "dl", source)


@pytest.mark.parametrize("toward", [None, "x"])
def test_an_unknown_n_of_a_study_changes_no_estimate(toward):
    studies = fixed().group_by("g").first().with_columns(n=pl.when(pl.col("g") > 2).then(5))
    for verb in (pool.components, pool.shrink):
        got, want = (verb(studies, "y", "g", se="se", n=n, toward=toward) for n in ("n", None))
        assert_frame_equal(got.drop("n"), want.drop("n"))


def fixed() -> pl.DataFrame:
    random = np.random.default_rng(4)
    size = [3, 2, 4, 1, 5, 2, 7, 3]
    g = np.repeat(np.arange(8), size)
    x, z = np.arange(8) * 3.0, random.normal(0, 1, 8).round(2)
    y = ((x + random.normal(0, 2, 8))[g] + random.normal(0, 1, len(g))).round(3)
    return pl.DataFrame({"g": g, "x": x[g], "z": z[g], "y": y, "w": 1 + g % 3, "se": (1 + g) / 8})


# ---- values ---------------------------------------------------------------------------------------------------------


@few
@given(frame=predicted(), method=METHODS, source=inputs, power=st.sampled_from([-300, -3, 5, 300]))
def test_units_of_values(frame, method, source, power):
    """By powers of two, also those whose fourth powers are beyond Float64."""
    if source == "known":
        source = "rows"
    unit = 2.0**power
    got = shrunk(frame.with_columns(pl.col("y", "se") * unit), ["x", "z"], method, source)
    squares = pl.col("v") / unit / unit
    same(
        got.with_columns(squares, pl.col("mean", "estimate", "se", "lower", "upper", "fit", "se_fit") / unit),
        shrunk(frame, ["x", "z"], method, source),
    )


@few
@given(frame=predicted(), method=METHODS, source=inputs, offset=st.sampled_from([-7.0, 2.0**20, 1e9]))
def test_an_offset_of_values_moves_estimates_alone(frame, method, source, offset):
    got = shrunk(frame.with_columns(pl.col("y") + offset), ["x", "z"], method, source)
    moved = pl.col("mean", "estimate", "lower", "upper", "fit") - offset
    assert_frame_equal(got.with_columns(moved), shrunk(frame, ["x", "z"], method, source), rel_tol=1e-7, abs_tol=1e-6)


# ---- the model without predictors -----------------------------------------------------------------------------------


@few
@given(frame=predicted(), method=METHODS, source=inputs)
def test_no_predictors_are_the_plain_model(frame, method, source):
    """`toward=[]` equals the plain verb to the bit, and coefficients() has the intercept alone, which is mu."""
    arguments = {"by": "g", "tau2": method, **INPUTS[source]}
    for verb in (pool.shrink, pool.components):
        got, want = verb(frame, "y", toward=[], **arguments), verb(frame, "y", **arguments)
        assert got.schema == want.schema
        same(got, want, 1e-12)
    plain = pool.components(frame, "y", **arguments).row(0, named=True)
    term = pool.coefficients(frame, "y", toward=[], **arguments).row(0, named=True)
    want = [plain[name] for name in ("mu", "se_mu", "mu_lower", "mu_upper", "mu_p")]
    np.testing.assert_allclose([term[name] for name in ("estimate", "se", "lower", "upper", "p")], want, rtol=DIGITS)


@pytest.mark.parametrize("source", ["rows", "published"])
def test_an_orthogonal_predictor_without_effect(source):
    """In groups of equal variance its coefficient is 0 and the fit is mu; only the errors know of it."""
    y, x = [1.0, 2.0, 4.0, 5.0, 3.0, 3.0], [1.0, -1.0, -1.0, 1.0, 2.0, -2.0]
    frame = pl.DataFrame({"g": range(6), "y": y, "x": x, "se": [0.5] * 6})
    if source == "rows":
        frame = pl.concat([frame.with_columns(pl.col("y") + d) for d in (-1, 0, 1)])
    arguments = {"by": "g", "tau2": 2.0} | ({"se": "se"} if source == "published" else {})
    got, plain = pool.shrink(frame, "y", toward="x", **arguments), pool.shrink(frame, "y", **arguments)
    same(got.select("weight", "estimate"), plain.select("weight", "estimate"), 1e-12)
    assert got["fit"].to_list() == pytest.approx([3.0] * 6, abs=1e-12)
    assert (got["se"] >= plain["se"]).all()
    assert pool.coefficients(frame, "y", toward="x", **arguments)["estimate"].to_list() == pytest.approx(
        [3, 0], abs=1e-12
    )


# ---- the same numbers by every path ---------------------------------------------------------------------------------


@few
@given(frame=predicted(), method=METHODS, source=inputs)
def test_lazy_queries_and_expressions_are_eager_calls(frame, method, source):
    want = shrunk(frame, ["x", "z"], method, source)
    arguments = {"by": "g", "toward": ["x", "z"], "tau2": method, **INPUTS[source]}
    for engine in ("in-memory", "streaming"):
        same(frame.lazy().pool.shrink("y", **arguments).sort("g").collect(engine=engine), want, 1e-12)
    if source == "published":
        return
    estimates = frame.select("g").join(want, on="g", how="left", maintain_order="left")["estimate"]
    coded = pool.encode(frame, "y", name="code", **arguments)["code"]
    expression = frame.select(code=pl.col("y").pool.shrink(**arguments))["code"]
    lazily = frame.lazy().select(code=pl.col("y").pool.shrink(**arguments)).collect(engine="streaming")["code"]
    for got in (coded, expression, lazily):
        np.testing.assert_allclose(got, estimates, rtol=1e-12)


@few
@given(frame=predicted(), method=METHODS, weighted=st.booleans())
def test_stored_moments_are_rows(frame, method, weighted):
    """From three parts, whose keys repeat."""
    weights = {"weights": "w"} if weighted else {}
    parts = [part for part in frame.with_columns(part=pl.int_range(pl.len()) % 3).partition_by("part") if part.height]
    predictors = frame.select("g", "x", "z").unique()
    stored = pl.concat([pool.moments(part, "y", "g", **weights) for part in parts]).join(predictors, on="g")
    more = {"weights": "w"} if weighted else {}
    arguments = {"by": "g", "toward": ["x", "z"], "tau2": method}
    same(
        pool.shrink(stored, "mean", n="n", var="var", **more, **arguments),
        pool.shrink(frame, "y", **weights, **arguments),
    )


@few
@given(frame=predicted())
def test_repeated_keys_of_published_estimates_combine(frame):
    """By inverse variance, as one estimate."""
    w = 1 / pl.col("se") ** 2
    one = frame.group_by("g").agg(pl.first("x", "z"), y=(w * pl.col("y")).sum() / w.sum(), se=1 / w.sum().sqrt())
    same(shrunk(frame, ["x", "z"], "reml", "published"), shrunk(one, ["x", "z"], "reml", "published"))


@pytest.mark.parametrize("source", INPUTS)
@pytest.mark.parametrize("method", ["reml", "ml", "dl", "pm", "sj"])
@pytest.mark.share(4)
def test_models_of_a_query_are_models_alone(method, source):
    """Sixty models, among them one without noise, one of too few groups, and one whose predictor is constant."""
    random = np.random.default_rng(8)
    parts = []
    for model in range(60):
        count = int(random.integers(4, 9))
        g = np.repeat(np.arange(count), random.integers(1, 5, count) + (np.arange(count) == 0))
        x = random.normal(0, 1, count)
        y = (x + random.normal(0, random.choice([0, 1, 4]), count))[g] + random.normal(0, 1, len(g))
        parts.append(pl.DataFrame({"m": model, "g": g, "x": x[g], "y": y, "w": 1 + g % 3, "se": (1.0 + g) / 4}))
    parts[7] = parts[7].with_columns(x=pl.col("g") * 1.0, y=pl.col("g") * 2.0)
    parts[8] = parts[8].filter(pl.col("g") < 2)
    parts[9] = parts[9].with_columns(x=pl.lit(0.7))
    arguments = {"by": "g", "toward": "x", "tau2": method, **INPUTS[source]}
    with warned_once():
        together = pool.shrink(pl.concat(parts), "y", over="m", **arguments)
    with warned_once():
        models = pool.components(pl.concat(parts), "y", over="m", **arguments)
    assert models["m"].to_list() == list(range(60))
    for model in (7, 8, 10, 34):
        with warned_once():
            same(together.filter(m=model).drop("m"), pool.shrink(parts[model], "y", **arguments))
        with warned_once():
            same(models.filter(m=model).drop("m"), pool.components(parts[model], "y", **arguments))
    constant = models.row(9, named=True)
    assert (constant["tau2"], constant["converged"]) == (None, False)


def test_new_rows_to_encode_have_the_estimates_of_their_groups():
    """A group without rows has what its predictors say; its own predictors are those of the rows to encode."""
    frame = fixed()
    rows = pl.DataFrame(
        {"g": [2, 99, 2, 100, 101], "x": [6.0, 4.0, 6.0, None, np.nan], "z": [0.0, 0.5, 0.0, 1.0, 1.0], "y": [0.0] * 5}
    )
    rows = rows.with_columns(z=pl.when(pl.col("g") == 2).then(frame.filter(g=2)["z"][0]).otherwise("z"))
    got = pool.encode(frame, "y", "g", toward=["x", "z"], rows=rows, name="code")["code"]
    want = shrunk(frame, ["x", "z"], "reml", "rows")
    [intercept, x, z] = pool.coefficients(frame, "y", "g", toward=["x", "z"])["estimate"]
    of_two = want.filter(g=2)["estimate"][0]
    assert got.to_list()[:3] == pytest.approx([of_two, intercept + 4 * x + 0.5 * z, of_two], rel=1e-10)
    assert got.to_list()[3:] == [None, None]


def test_codes_out_of_fold_are_refits():
    frame = fixed().with_columns(fold=pl.int_range(pl.len()) % 3)
    got = pool.encode(frame, "y", "g", toward="x", folds="fold", name="code")
    for fold in range(3):
        rest, own = frame.filter(pl.col("fold") != fold), got.filter(fold=fold)
        new = own.select("g", "x").unique()
        want = own.select("g").join(
            shrunk(rest, "x", "reml", "rows", groups=new), on="g", how="left", maintain_order="left"
        )
        np.testing.assert_allclose(own["code"], want["estimate"], rtol=1e-9)


# ---- two maxima -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_higher_of_two_maxima(method):
    """Studies of very different precision: a fine grid has two minima of the deviance, and the lower one is taken."""
    random = np.random.default_rng(0)
    frames, wants = [], []
    for model in range(400):
        count = int(random.integers(4, 8))
        v, y, x = 10 ** random.uniform(-6, 1, count), random.standard_t(2, count), random.normal(0, 1, count).round(1)
        dense = metareg.Known(y, v, np.column_stack([np.ones(count), x]))
        if _minima(dense, method) < 2:
            continue
        frames.append(pl.DataFrame({"m": model, "g": range(count), "x": x, "y": y, "se": np.sqrt(v)}))
        wants.append(dense.tau2(method))
        if len(wants) == 2:
            break
    got = pool.components(pl.concat(frames), "y", "g", over="m", se="se", toward="x", tau2=method)["tau2"]
    np.testing.assert_allclose(got, wants, rtol=1e-7, atol=1e-12)


def _minima(dense, method: str) -> int:
    """The minima of the deviance of tau2 on a grid."""
    slopes = np.array([dense.slope(method, tau2) for tau2 in (0.0, *np.logspace(-6, 2, 33))])
    return int((slopes[0] >= 0) + ((slopes[:-1] < 0) & (slopes[1:] >= 0)).sum())
