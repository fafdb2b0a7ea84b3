"""Laws of nested levels on trees of Hypothesis, as the models of one query; one level is plain partial pooling."""

import math

import polars as pl
import pytest
from frames import EIGHTHS, MOMENTS, assert_near, drawn, stored_with_weights
from hypothesis import strategies as st

import polars_pool as pool

KEYS = {"by": ["a", "b"], "nested": True}
TOLERANCE = 1e-7
pytestmark = pytest.mark.share(2)
METHODS = pytest.mark.parametrize("tau2", ["reml", "ml", [2.0, "reml"]], ids=str)


@st.composite
def trees(draw) -> pl.DataFrame:
    """Rows of outer nodes a, inner nodes b and values y in eighths, with weights w; some leaf has rows that differ."""
    rows = []
    for a in range(draw(st.integers(3, 5))):
        outer = draw(st.integers(-40, 40))
        for b in range(draw(st.integers(2 if a == 0 else 1, 3))):
            inner = outer + draw(st.integers(-20, 20))
            values = draw(st.lists(EIGHTHS, min_size=1, max_size=4))
            rows += [(a, b, inner / 4 + y / 4) for y in values]
    rows += [(0, 0, rows[0][2] + 1.0)]
    frame = pl.DataFrame(rows, schema=["a", "b", "y"], orient="row")
    weights = draw(st.lists(st.integers(1, 24), min_size=frame.height, max_size=frame.height))
    return frame.with_columns(w=pl.Series(weights, dtype=pl.Float64) / 8)


TREES = drawn(trees(), 12)
FRAME = pl.concat([tree.with_columns(m=m) for m, tree in enumerate(TREES)])
SCALE = FRAME["y"].abs().max()
SQUARES = ("sigma2", "tau2", "se_tau2", "tau2_lower", "tau2_upper", "v")
SHARES = ("share", "weight", "lrt", "lrt_p", "log_likelihood", "aic")
OF_MODEL = ("tau2_upper",)  # may be large


def ask(verb, frame=FRAME, value="y", over="m", **options) -> pl.DataFrame:
    """The result, sorted; `over=None` for one model."""
    keys = options.setdefault("by", KEYS["by"])
    result = verb(frame, value, **({"nested": True} | options), over=over)
    order = ["m", *keys] if verb is pool.shrink else ["m", "depth"]
    return result.sort(x for x in order if x in result.columns)


def both(frame=FRAME, value="y", **options) -> dict[str, pl.DataFrame]:
    """The components, and the nodes of both levels."""
    levels = {f"at {at}": ask(pool.shrink, frame, value, at=at, **options) for at in ("a", "b")}
    return {"components": ask(pool.components, frame, value, **options)} | levels


def assert_same(got: pl.DataFrame, want: pl.DataFrame, *, without=(), tolerance=TOLERANCE, scale=SCALE) -> None:
    """Assert that common columns agree: variances on the scale of squares, shares on that of 1, others on `scale`."""
    assert got.height == want.height
    for name in got.columns:
        if name in want.columns and name not in without:
            if got[name].dtype != pl.Float64:
                assert got[name].to_list() == want[name].to_list(), name
                continue
            size = scale**2 if name in SQUARES else 1.0 if name in SHARES else scale
            assert_near(got[name], want[name], tolerance, size, name)


def assert_all_same(got: dict[str, pl.DataFrame], want: dict[str, pl.DataFrame], **options) -> None:
    for name, table in want.items():
        assert_same(got[name], table, **options)


@pytest.fixture(scope="module")
def results():
    """The results of every method, computed once."""
    kept = {}
    return lambda tau2: kept[str(tau2)] if str(tau2) in kept else kept.setdefault(str(tau2), both(tau2=tau2))


def moved_back(results: dict[str, pl.DataFrame], constant: float) -> dict[str, pl.DataFrame]:
    """The results of values plus a constant, with the constant taken off."""
    means = {"mu", "mu_lower", "mu_upper", "new_lower", "new_upper", "mean", "estimate", "lower", "upper"}
    return {
        name: table.with_columns(pl.col(sorted(means & set(table.columns))) - constant)
        for name, table in results.items()
    }


@METHODS
def test_adding_a_constant_moves_means_alone(results, tau2):
    moved = both(FRAME.with_columns(pl.col("y") - 1024.0), tau2=tau2)
    assert_all_same(moved_back(moved, -1024.0), results(tau2))


@METHODS
@pytest.mark.parametrize("m", [2, 7])
def test_a_model_alone_keeps_its_digits_at_an_offset_of_a_billion(results, tau2, m):
    """Its pivot is taken off first; the values are exact there."""
    moved = both(FRAME.filter(m=m).with_columns(pl.col("y") + 2.0**30), over=None, tau2=tau2)
    assert_all_same(moved_back(moved, 2.0**30), {name: table.filter(m=m) for name, table in results(tau2).items()})


@pytest.mark.parametrize("tau2", ["reml", "ml"])
@pytest.mark.filterwarnings("error")
def test_models_of_over_keep_the_digits_of_their_means_at_an_offset_of_a_billion(results, tau2):
    """The means have an error of 1e-7 there, and the variances one of this size relative to their own."""
    far = ask(pool.components, FRAME.with_columns(pl.col("y") + 2.0**30), tau2=tau2)
    for name in ("sigma2", "se_mu"):
        assert_near(far[name], results(tau2)["components"][name], 5e-8)


@pytest.mark.parametrize("tau2", ["reml", "ml"])
def test_a_factor_multiplies_values_and_errors(results, tau2):
    factor = -(2.0**40)
    frame = FRAME.with_columns(pl.col("y") * factor)
    for name, table in both(frame, tau2=tau2).items():
        want = results(tau2)[name]
        squares = [x for x in SQUARES if x in table.columns]
        means = [x for x in ("mu", "mean", "estimate", "effect") if x in table.columns]
        errors = [x for x in ("se_mu", "se", "se_effect") if x in table.columns]
        limits = [x for x in table.columns if x.startswith(("mu_", "new_")) or x in ("lower", "upper")]
        back = table.with_columns(
            pl.col(squares) / factor**2, pl.col(means) / factor, pl.col(errors) / abs(factor), pl.col(limits) / factor
        )
        if name == "components":  # the density of the rows, or of N - 1 contrasts
            rows = pl.col("n") - (1 if tau2 == "reml" else 0)
            back = back.with_columns(pl.col("log_likelihood") + rows * math.log(-factor))
        turned = {"lower": "upper", "mu_lower": "mu_upper", "new_lower": "new_upper"}
        swap = {x: y for pair in turned.items() if pair[0] in table.columns for x, y in (pair, pair[::-1])}
        assert_same(back.rename(swap).select(table.columns), want, without=["aic"])


@METHODS
def test_neither_the_order_of_rows_nor_names_of_keys_count(results, tau2):
    """A store has the same estimate whatever its name, and whatever other stores bear the same name."""
    unique = pl.format("{}/{}", "a", 7 - pl.col("b")).alias("b")
    frame = FRAME.sample(fraction=1, shuffle=True, seed=3).with_columns(unique, a=-pl.col("a"))
    for name, table in both(frame, tau2=tau2).items():
        back = table.with_columns(a=-pl.col("a")) if "a" in table.columns else table
        if name == "at b":
            back = back.with_columns(b=7 - pl.col("b").str.split("/").list[1].cast(pl.Int64))
        back = back.sort("m", *[x for x in ("a", "b") if x in table.columns]) if "a" in table.columns else back
        assert_same(back, results(tau2)[name])


@METHODS
def test_stored_moments_of_parts_are_the_rows(results, tau2):
    parts = FRAME.with_columns(part=pl.int_range(pl.len()) % 3)
    stored = pl.concat([pool.moments(part, "y", by=["m", "a", "b"]) for part in parts.partition_by("part")])
    assert_all_same(both(stored, "mean", **MOMENTS, tau2=tau2), results(tau2))


def test_stored_moments_with_weights_are_the_rows():
    stored = stored_with_weights(FRAME, ["m", "a", "b"], "y", "w")
    want = both(weights="w")
    assert_all_same(both(stored, "mean", **MOMENTS, weights="w"), want)
    heavier = both(FRAME.with_columns(pl.col("w") * 4), weights="w")
    for name, table in heavier.items():
        assert_same(table, want[name], without=["sigma2", "share", "log_likelihood", "aic"])
    assert_near(heavier["components"]["sigma2"], want["components"]["sigma2"] * 4, TOLERANCE, SCALE**2)


def test_a_known_sigma2_is_a_published_error():
    """sigma2 of rows gives each leaf the standard error sqrt(sigma2 / n)."""
    leaves = FRAME.group_by("m", "a", "b").agg(pl.col("y").mean(), n=pl.len(), se=(1.5 / pl.len()).sqrt())
    published = both(leaves, se="se", n="n")
    for name, table in both(sigma2=1.5).items():
        assert_same(published[name], table, without=["sigma2", "share"])


@pytest.mark.parametrize(
    "options",
    [
        *({"tau2": tau2} for tau2 in ("reml", "ml", 2.0, 0)),
        *({"tau2": tau2, "sigma2": 1.5} for tau2 in ("reml", "ml", 2.0)),
        *({"tau2": tau2, "weights": "w"} for tau2 in ("reml", "ml")),
        *({"tau2": tau2, "se": "w"} for tau2 in ("reml", "ml", 2.0)),
        *({"predict": "row", "threshold": 1.0}, {"uncertainty": "conditional", "level": 0.8}),
    ],
    ids=str,
)
def test_one_level_is_plain_partial_pooling(options):
    frame = FRAME.group_by("m", "a", maintain_order=True).first() if "se" in options else FRAME
    of_nodes = ("uncertainty", "predict", "threshold")
    of_models = {name: x for name, x in options.items() if name not in of_nodes}
    plain = pool.components(frame, "y", by="a", over="m", limits="profile", **of_models).sort("m")
    got = ask(pool.components, frame, by=["a"], **of_models)
    assert set(plain.columns) - set(got.columns) <= {
        *("icc", "df_prior", "sigma2_prior", "q", "q_p", "i2", "h2", "mu_p")
    }
    assert_same(got, plain)
    nodes = pool.shrink(frame, "y", by="a", over="m", **options).sort("m", "a")
    got = ask(pool.shrink, frame, by=["a"], **options)
    assert set(got.columns) - set(nodes.columns) == {"effect", "se_effect"}
    assert_same(got, nodes)


@pytest.mark.parametrize("tau2", ["reml", "ml", 2.0])
def test_a_level_without_variance_is_no_level(tau2):
    """The sum of squares within is that of the nodes of the other level."""
    for level, known in (("a", [tau2, 0]), ("b", [0, tau2])):
        keys = ["a"] if level == "a" else ["a", "b"]
        plain = ask(pool.components, by=[keys], tau2=tau2)
        got = ask(pool.components, tau2=known).filter(level=level)
        free = ["sigma2", "log_likelihood", "aic", "lrt", "lrt_p", *SQUARES[2:]] if tau2 == 2.0 else []
        if not (free and level == "a"):  # with known tau2 the pooled sigma2 is that within the leaves
            assert_same(got, plain, without=["level", "depth"])
            assert_same(ask(pool.shrink, at=level, tau2=known), ask(pool.shrink, by=[keys], tau2=tau2), without=keys)


def test_rows_as_leaves_without_variance_are_rows(results):
    frame = FRAME.with_row_index("row")
    got = ask(pool.components, frame, by=["a", "b", "row"], tau2=["reml", "reml", 0])
    assert_same(got.filter(pl.col("depth") < 3), results("reml")["components"])


@METHODS
def test_models_of_over_are_models_alone(results, tau2):
    for m in (0, 5, 11):
        alone = both(FRAME.filter(m=m), over=None, tau2=tau2)
        assert_all_same(alone, {name: table.filter(m=m) for name, table in results(tau2).items()}, tolerance=1e-9)
    backwards = both(FRAME.with_columns(m=-pl.col("m")), tau2=tau2)
    for name, table in backwards.items():
        sorts = [x for x in ("a", "b", "depth") if x in table.columns]
        assert_same(table.with_columns(m=-pl.col("m")).sort("m", *sorts), results(tau2)[name], tolerance=1e-9)


@METHODS
def test_an_estimate_lies_between_the_mean_and_the_outer_estimate(results, tau2):
    """weight * mean + (1 - weight) * estimate of the outer node; the mean weighs the inner means by their precision."""
    components, outer, inner = results(tau2).values()
    mu = components.filter(depth=1).select("m", outer="mu")
    nodes = inner.join(outer.select("m", "a", outer="estimate"), on=["m", "a"], how="left", maintain_order="left")
    for table in (outer.join(mu, on="m", how="left", maintain_order="left"), nodes):
        want = table.select(pl.col("weight") * pl.col("mean") + (1 - pl.col("weight")) * pl.col("outer")).to_series()
        assert_near(table["estimate"], want, 1e-12, SCALE)
        assert_near(table["effect"], table["estimate"] - table["outer"], 1e-12, SCALE)
    tau2_b = components.filter(depth=2).select("m", "tau2")
    w = 1 / (pl.col("v") + pl.col("tau2"))
    children = (
        inner.join(tau2_b, on="m").group_by("m", "a").agg(mean=(w * pl.col("mean")).sum() / w.sum(), v=1 / w.sum())
    )
    assert_same(outer.select("m", "a", "mean", "v"), children.sort("m", "a"), tolerance=1e-12)
