"""Laws that hold for every data set, checked on data of Hypothesis for every estimator and its inputs."""

import math
import random
from functools import cache

import polars as pl
import pytest
import ways
from frames import (
    CLOSED,
    MOMENTS,
    MU,
    TAU2,
    assert_near,
    balanced,
    by_key,
    drawn,
    fits,
    grouped,
    methods,
    spread,
    stored,
    stored_with_weights,
    studies,
    weighted,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import polars_pool as pool

NAMES = ("reml", "ml", "anova", "plugin", "cv", "dl", "he", "hs", "hsk", "sj", "pm", "pmm", "eb")
GROUP_COLUMNS = ("mean", "v", "weight", "estimate", "se", "lower", "upper")
few = settings(max_examples=6)

pytestmark = pytest.mark.share(2)
every_method = pytest.mark.parametrize("tau2", TAU2)


def test_the_grid_holds_every_method():
    """A method that is missing from the registry would also be missing from these tests."""
    assert set(NAMES) <= set(TAU2)
    assert {"gls", "rows", "groups", "shrunk"} <= set(MU)


def digits(tau2: str) -> float:
    """The tolerance: 1e-12 for closed forms, 1e-9 for iterated ones."""
    return 1e-12 if tau2 in CLOSED else 1e-9


def assert_same_groups(got: pl.DataFrame, want: pl.DataFrame, tolerance: float, scale: float, key="g") -> None:
    """Assert that all statistics of groups agree: means and errors on the scale |mu| + sd, weights on the scale 1."""
    assert got.columns == want.columns
    assert got[key].to_list() == want[key].to_list()
    assert got["n"].to_list() == want["n"].to_list()
    assert_near(got["weight"], want["weight"], tolerance, 1.0, "weight")
    for name in ("mean", "estimate", "lower", "upper"):
        assert_near(got[name], want[name], tolerance, scale, name)
    # near tau2 = 0, the square of a standard error is accurate to the tolerance
    assert_near(got["se"].pow(2), want["se"].pow(2), tolerance, scale**2, "se squared")


def inputs(frames: list[pl.DataFrame], tau2: str):
    """Data as rows and as stored moments, with the sigma2 that the method accepts."""
    for sigma2 in ("pooled",) if tau2 == "cv" else ("pooled", "separate", "squeezed"):
        yield frames, "y", {"tau2": tau2, "sigma2": sigma2}
        yield [stored(frame) for frame in frames], "mean", {"tau2": tau2, "sigma2": sigma2, **MOMENTS}


@cache
def some(strategy, count: int = 12 if ways.full else 9) -> list:
    """Examples of a strategy, with a shift, a factor and a seed for each."""
    return drawn(st.tuples(strategy(), SHIFTS, FACTORS, st.integers(0, 2**31)), count)


def frames_of(strategy) -> list[pl.DataFrame]:
    return [frame for frame, *_ in some(strategy)]


def of_each(verb, frames: list[pl.DataFrame], value: str, **options) -> list[pl.DataFrame]:
    """The result of a verb for each frame; all frames are models of one query."""
    stacked = pl.concat([frame.with_columns(model=pl.lit(i)) for i, frame in enumerate(frames)])
    result = verb(stacked, value, "g", over="model", **options).partition_by("model", maintain_order=True)
    assert len(result) == len(frames)
    return [part.drop("model") for part in result]


SHIFTS = st.integers(-1000, 1000).map(float)
FACTORS = st.sampled_from([-3.0, -1.0, 0.125, 0.7, 10.0])


# ---- weights and estimates ---------------------------------------------------------------------------------


def assert_partially_pooled(groups: pl.DataFrame, model: dict, scale: float) -> None:
    """Assert that 0 <= weight <= 1 and that the estimate lies between the mean and mu."""
    for row in groups.iter_rows(named=True):
        assert 0 <= row["weight"] <= 1
        low, high = sorted((row["mean"], model["mu"]))
        assert low - 1e-12 * scale <= row["estimate"] <= high + 1e-12 * scale
        assert row["lower"] <= row["estimate"] <= row["upper"]
        assert row["se"] >= 0


def assert_all_partially_pooled(frames: list[pl.DataFrame], value: str, scales: list[float], **options) -> None:
    answers = (of_each(verb, frames, value, **options) for verb in (pool.shrink, pool.components))
    for groups, model, scale in zip(*answers, scales, strict=True):
        assert_partially_pooled(groups, model.row(0, named=True), scale)


@every_method
def test_estimates_lie_between_mean_and_mu(tau2):
    frames = frames_of(grouped)
    for data, value, options in inputs(frames, tau2):
        assert_all_partially_pooled(data, value, [spread(frame) for frame in frames], **options)


@pytest.mark.parametrize("tau2", methods("published"))
def test_estimates_lie_between_mean_and_mu_for_published_estimates(tau2):
    frames = frames_of(studies)
    assert_all_partially_pooled(frames, "y", [spread(frame) for frame in frames], se="se", tau2=tau2)


@pytest.mark.parametrize("tau2", methods("weighted"))
def test_estimates_lie_between_mean_and_mu_with_weights(tau2):
    frames = frames_of(weighted)
    assert_all_partially_pooled(frames, "y", [spread(frame) for frame in frames], weights="w", tau2=tau2)


@given(frame=grouped())
def test_tau2_zero_pools_completely(frame):
    model = pool.components(frame, "y", "g", tau2=0).row(0, named=True)
    groups = pool.shrink(frame, "y", "g", tau2=0)
    assert groups["weight"].to_list() == [0.0] * groups.height
    assert_near(groups["estimate"], [model["mu"]] * groups.height, 1e-12, spread(frame))
    assert_near(groups["se"], [model["se_mu"]] * groups.height, 1e-12)


@given(frame=grouped())
def test_tau2_towards_zero_is_continuous(frame):
    zero, tiny = (pool.shrink(frame, "y", "g", tau2=tau2) for tau2 in (0.0, 1e-13))
    assert_same_groups(tiny, zero, 1e-9, spread(frame))


@given(frame=grouped())
def test_tau2_towards_infinity_does_not_pool(frame):
    groups = pool.shrink(frame, "y", "g", tau2=1e30)
    assert_near(groups["estimate"], groups["mean"], 1e-12, spread(frame))
    assert_near(groups["weight"], [1.0] * groups.height, 1e-12)
    assert_near(groups["se"], groups["v"].sqrt(), 1e-12)


# ---- equivariance ------------------------------------------------------------------------------------------


def assert_shifted_and_scaled(strategy, method, errors="", **options):
    """Means, mu and estimates transform with the data, variances by the square of the factor; weights do not change."""
    tolerance, cases = digits(method), some(strategy)
    before, after = [frame for frame, *_ in cases], []
    for frame, shift, factor, _ in cases:
        moved = frame.with_columns(pl.col("y") * factor + shift)
        after.append(moved.with_columns(pl.col(errors) * abs(factor)) if errors else moved)
    answers = [
        of_each(verb, data, "y", **options) for verb in (pool.components, pool.shrink) for data in (before, after)
    ]
    for (frame, shift, factor, _), moved, *result in zip(cases, after, *answers, strict=True):
        sizes = [spread(data) + (data[errors].max() if errors else 0.0) for data in (moved, frame)]
        scale = max(sizes[0], sizes[1] * abs(factor))
        one, other = (table.row(0, named=True) for table in result[:2])
        assert other["converged"] == one["converged"]
        assert_near(other["mu"], one["mu"] * factor + shift, tolerance, scale, "mu")
        assert_near(other["tau2"], one["tau2"] * factor**2, tolerance, scale**2, "tau2")
        if one["sigma2"] is not None:
            assert_near(other["sigma2"], one["sigma2"] * factor**2, tolerance, scale**2, "sigma2")
        one, other = (by_key(table) for table in result[2:])
        for key in one:
            assert_near(other[key]["weight"], one[key]["weight"], tolerance, 1.0, "weight")
            assert_near(other[key]["estimate"], one[key]["estimate"] * factor + shift, tolerance, scale, "estimate")
            assert_near(other[key]["se"] ** 2, (one[key]["se"] * factor) ** 2, tolerance, scale**2, "se squared")


@every_method
def test_shift_and_scale_of_rows(tau2):
    for sigma2 in ("pooled",) if tau2 == "cv" else ("pooled", "separate", "squeezed"):
        assert_shifted_and_scaled(grouped, tau2, tau2=tau2, sigma2=sigma2)


@pytest.mark.parametrize("tau2", methods("weighted"))
def test_shift_and_scale_of_weighted_rows(tau2):
    assert_shifted_and_scaled(weighted, tau2, tau2=tau2, weights="w")


@pytest.mark.parametrize("tau2", methods("published"))
def test_shift_and_scale_of_published_estimates(tau2):
    assert_shifted_and_scaled(studies, tau2, errors="se", tau2=tau2, se="se")


@pytest.mark.parametrize("mu", ["gls", "rows", "groups", "shrunk"])
def test_shift_and_scale_of_every_centre(mu):
    assert_shifted_and_scaled(grouped, "dl", tau2="dl", mu=mu)


# ---- order, partitions, merging ----------------------------------------------------------------------------


@every_method
@few
@given(frame=grouped(), seed=st.integers(0, 2**31))
def test_row_order_is_irrelevant(tau2, frame, seed):
    shuffled = frame.sample(fraction=1.0, shuffle=True, seed=seed)
    before, after = (pool.shrink(data, "y", "g", tau2=tau2) for data in (frame, shuffled))
    assert_same_groups(after, before, digits(tau2), spread(frame))


@settings(max_examples=10)
@given(frame=grouped(), parts=st.integers(2, 4), seed=st.integers(0, 2**31))
def test_partitioning_is_irrelevant(tmp_path_factory, frame, parts, seed):
    folder = tmp_path_factory.mktemp("parts")
    order = random.Random(seed)
    part = pl.Series([order.randrange(parts) for _ in range(frame.height)])
    for number in part.unique():
        frame.filter(part == number).write_parquet(folder / f"{number}.parquet")
    files = pl.scan_parquet(folder / "*.parquet")
    chunks = pl.concat([frame.filter(part == number) for number in part.unique()], rechunk=False)
    for tau2 in ("dl", "reml"):
        want = pool.shrink(frame, "y", "g", tau2=tau2)
        for engine in ("streaming", "in-memory"):
            got = pool.shrink(files, "y", "g", tau2=tau2).sort("g").collect(engine=engine)
            assert_same_groups(got, want, digits(tau2), spread(frame))
        assert_same_groups(pool.shrink(chunks, "y", "g", tau2=tau2), want, digits(tau2), spread(frame))


def random_parts(frame: pl.DataFrame, parts: int, seed: int) -> list[pl.DataFrame]:
    order = random.Random(seed)
    part = pl.Series([order.randrange(parts) for _ in range(frame.height)])
    return [frame.filter(part == number) for number in range(parts)]


def assert_same_moments(got: pl.DataFrame, want: pl.DataFrame, scale: float) -> None:
    assert got.columns == want.columns
    assert got.schema == want.schema
    assert got["g"].to_list() == want["g"].to_list()
    assert got["n"].to_list() == want["n"].to_list()
    assert_near(got["mean"], want["mean"], 1e-12, scale, "mean")
    assert_near(got["var"], want["var"], 1e-12, scale**2, "var")
    if "w" in want.columns:
        assert_near(got["w"], want["w"], 1e-12, 0.0, "w")


@settings(max_examples=10)
@given(frame=grouped(), parts=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_moments_of_a_union_are_the_merged_moments(frame, parts, seed):
    states = [pool.moments(part, "y", "g") for part in random_parts(frame, parts, seed)]
    assert_same_moments(pool.merge(pl.concat(states), "g"), pool.moments(frame, "y", "g"), spread(frame))
    assert_same_moments(pool.merge(stored(frame), "g"), pool.moments(frame, "y", "g"), spread(frame))


@settings(max_examples=10)
@given(frame=weighted(), parts=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_weighted_moments_of_a_union_are_the_merged_moments(frame, parts, seed):
    states = [pool.moments(part, "y", "g", weights="w") for part in random_parts(frame, parts, seed)]
    whole = pool.moments(frame, "y", "g", weights="w")
    assert_same_moments(pool.merge(pl.concat(states), "g", weights="w"), whole, 7 * spread(frame))
    by_hand = stored_with_weights(frame, "g", "y", "w")
    assert_same_moments(pool.merge(by_hand, "g", weights="w"), whole, 7 * spread(frame))


@given(frame=grouped(groups=(1, 5), size=(1, 6), replicated=False), seed=st.integers(0, 2**31))
def test_merging_needs_no_order_and_no_grouping(frame, seed):
    states = [pool.moments(part, "y", "g") for part in random_parts(frame, 4, seed)]
    at_once = pool.merge(pl.concat(states), "g")
    in_turn = states[-1]
    for state in reversed(states[:-1]):
        in_turn = pool.merge(pl.concat([in_turn, state]), "g")
    assert_same_moments(in_turn, at_once, spread(frame))


# ---- the same data as another input ------------------------------------------------------------------------


@pytest.mark.share(2)
@pytest.mark.parametrize("tau2", methods("moments"))
def test_stored_moments_give_the_results_of_rows(tau2):
    frames = frames_of(grouped)
    whole = [stored(frame) for frame in frames]
    repeated = [pl.concat([stored(p) for p in random_parts(frame, 3, seed)]) for frame, *_, seed in some(grouped)]
    for sigma2 in ("pooled",) if tau2 == "cv" else ("pooled", "separate", "squeezed", 3.5):
        wanted = of_each(pool.shrink, frames, "y", tau2=tau2, sigma2=sigma2)
        for states in (whole, repeated):
            result = of_each(pool.shrink, states, "mean", **MOMENTS, tau2=tau2, sigma2=sigma2)
            for got, want, frame in zip(result, wanted, frames, strict=True):
                assert_same_groups(got, want, digits(tau2), spread(frame))


@pytest.mark.parametrize("tau2", methods("weighted"))
def test_stored_weighted_moments_give_the_results_of_rows(tau2):
    frames = frames_of(weighted)
    repeated = [
        pl.concat([stored_with_weights(part, "g", "y", "w") for part in random_parts(frame, 3, seed)])
        for frame, *_, seed in some(weighted)
    ]
    for sigma2 in ("pooled", "separate", "squeezed"):
        wanted = of_each(pool.shrink, frames, "y", weights="w", tau2=tau2, sigma2=sigma2)
        result = of_each(pool.shrink, repeated, "mean", **MOMENTS, weights="w", tau2=tau2, sigma2=sigma2)
        for got, want, frame in zip(result, wanted, frames, strict=True):
            assert_same_groups(got, want, digits(tau2), 7 * spread(frame))


@pytest.mark.parametrize("mu", ["gls", "rows", "groups", "shrunk", 1.5])
@few
@given(frame=grouped())
def test_stored_moments_have_the_same_centre(mu, frame):
    want = pool.components(frame, "y", "g", tau2="dl", mu=mu).row(0, named=True)
    got = pool.components(stored(frame), "mean", "g", **MOMENTS, tau2="dl", mu=mu).row(0, named=True)
    assert_near(got["mu"], want["mu"], 1e-12, spread(frame), "mu")
    assert_near(got["se_mu"], want["se_mu"], 1e-12, spread(frame), "se_mu")


@pytest.mark.parametrize("tau2", [name for name in methods("weighted", "published") if name != "anova"])
@few
@given(frame=studies())
def test_published_estimates_are_rows_of_weight_one_over_se_squared(tau2, frame):
    """anova is excluded: it weights rows by 1/se², studies by their n."""
    as_rows = frame.with_columns(w=1 / pl.col("se") ** 2)
    scale = spread(frame) + frame["se"].max()
    want = pool.shrink(as_rows, "y", "g", weights="w", sigma2=1, tau2=tau2)
    got = pool.shrink(frame, "y", "g", se="se", tau2=tau2)
    assert_same_groups(got, want.with_columns(n=got["n"]), digits(tau2), scale)


@given(frame=studies(groups=(2, 5)), seed=st.integers(0, 2**31))
def test_repeated_published_estimates_are_merged_by_inverse_variance(frame, seed):
    order = random.Random(seed)
    repeated = frame.with_columns(g=pl.Series([order.randrange(2) for _ in range(frame.height)]))
    precision = 1 / pl.col("se") ** 2
    merged = repeated.group_by("g").agg(
        y=(pl.col("y") * precision).sum() / precision.sum(), se=1 / precision.sum().sqrt()
    )
    scale = spread(frame) + frame["se"].max()
    want, got = (pool.shrink(data, "y", "g", se="se", tau2=2.5) for data in (merged, repeated))
    assert_same_groups(got, want, 1e-12, scale)


# ---- groups without rows -----------------------------------------------------------------------------------


def assert_others_unchanged(with_nulls, without, tolerance, scale):
    """The group "nothing" gets mu; the results of the others do not change."""
    assert with_nulls.filter(g=99)["weight"].item() == 0
    assert_same_groups(with_nulls.filter(pl.col("g") != 99), without, tolerance, scale)


@pytest.mark.share(2)
@every_method
@few
@given(frame=grouped(), nulls=st.integers(1, 3))
def test_a_group_of_nulls_changes_nothing(tau2, frame, nulls):
    empty = pl.DataFrame({"g": [99] * nulls, "y": [None] * nulls}, schema=frame.schema)
    model = pool.components(frame, "y", "g", tau2=tau2)
    longer = pl.concat([empty, frame])
    assert_near(pool.components(longer, "y", "g", tau2=tau2).row(0), model.row(0), digits(tau2), spread(frame) ** 2 + 1)
    groups = pool.shrink(longer, "y", "g", tau2=tau2)
    assert_others_unchanged(groups, pool.shrink(frame, "y", "g", tau2=tau2), digits(tau2), spread(frame))
    assert_near(groups.filter(g=99)["estimate"].item(), model["mu"].item(), digits(tau2), spread(frame))
    assert groups.filter(g=99)["n"].item() == 0


@pytest.mark.parametrize("tau2", methods("published"))
@few
@given(frame=studies())
def test_a_study_without_an_estimate_changes_nothing(tau2, frame):
    empty = pl.DataFrame({"g": [99], "y": [None], "se": [1.0]}, schema=frame.schema)
    longer = pl.concat([empty, frame])
    scale = spread(frame) + frame["se"].max()
    groups = pool.shrink(longer, "y", "g", se="se", tau2=tau2)
    assert_others_unchanged(groups, pool.shrink(frame, "y", "g", se="se", tau2=tau2), digits(tau2), scale)
    model = pool.components(longer, "y", "g", se="se", tau2=tau2).row(0, named=True)
    assert model["groups"] == frame.height
    assert_near(groups.filter(g=99)["estimate"].item(), model["mu"], 1e-12, scale)


@given(frame=grouped(), where=st.lists(st.booleans(), min_size=42, max_size=42))
def test_null_rows_are_ignored(frame, where):
    """Nulls between the rows change nothing."""
    parts = []
    for row, before in zip(frame.iter_slices(1), where, strict=False):
        parts += [row.with_columns(y=pl.lit(None, pl.Float64)), row] if before else [row]
    want, got = (pool.shrink(data, "y", "g") for data in (frame, pl.concat(parts)))
    assert_same_groups(got, want, 1e-9, spread(frame))


# ---- weights -----------------------------------------------------------------------------------------------


def centres(tau2: str, sigmas: tuple):
    """Pairs (sigma2, mu): over the methods, each sigma2 is combined with every mu."""
    return [(sigma2, MU[(place + TAU2.index(tau2)) % len(MU)]) for place, sigma2 in enumerate(sigmas)]


@pytest.mark.parametrize("tau2", methods("weighted"))
def test_weights_of_one_change_nothing(tau2):
    frames = frames_of(grouped)
    ones = [frame.with_columns(w=pl.lit(1.0)) for frame in frames]
    for sigma2, mu in centres(tau2, ("pooled", "separate", "squeezed", 2.0)):
        options = {"tau2": tau2, "sigma2": sigma2, "mu": mu}
        wanted = of_each(pool.shrink, frames, "y", **options)
        result = of_each(pool.shrink, ones, "y", weights="w", **options)
        for got, want, frame in zip(result, wanted, frames, strict=True):
            assert_same_groups(got, want, digits(tau2), spread(frame))


@pytest.mark.share(2)
@pytest.mark.parametrize("tau2", methods("weighted"))
def test_the_unit_of_weights_is_irrelevant(tau2):
    """sigma2 is the variance of a row of weight 1, so it changes by the factor; all other results are unchanged."""
    frames, factors = frames_of(weighted), [0.25, 3.0, 1000.0] * (len(frames_of(weighted)) // 3)
    others = [frame.with_columns(pl.col("w") * factor) for frame, factor in zip(frames, factors, strict=True)]
    for sigma2, mu in centres(tau2, ("pooled", "separate", "squeezed")):
        options = {"weights": "w", "tau2": tau2, "sigma2": sigma2, "mu": mu}
        answers = [
            of_each(verb, data, "y", **options) for verb in (pool.components, pool.shrink) for data in (frames, others)
        ]
        for frame, factor, model, other, want, got in zip(frames, factors, *answers, strict=True):
            scale = 7 * spread(frame)
            assert_near(other["tau2"], model["tau2"], digits(tau2), scale**2, "tau2")
            assert_near(other["sigma2"], model["sigma2"] * factor, digits(tau2), scale**2 * factor, "sigma2")
            assert_near(other["mu"], model["mu"], digits(tau2), scale, "mu")
            assert_same_groups(got, want, digits(tau2), scale)


@given(frame=weighted())
def test_a_row_of_weight_zero_is_ignored(frame):
    unweighted = frame.with_columns(w=pl.lit(0.0), y=pl.col("y") + 1000)
    for tau2 in ("dl", "reml"):
        want, got = (
            pool.shrink(data, "y", "g", weights="w", tau2=tau2) for data in (frame, pl.concat([frame, unweighted]))
        )
        assert_same_groups(got, want, digits(tau2), 7 * spread(frame))


# ---- estimators that agree on balanced data ----------------------------------------------------------------


@settings(max_examples=10)
@given(frame=balanced())
def test_equal_n_makes_estimators_agree(frame):
    models = {
        tau2: pool.components(frame, "y", "g", tau2=tau2).row(0, named=True)
        for tau2 in ("anova", "dl", "he", "hsk", "pm", "eb", "reml")
    }
    scale = spread(frame) ** 2
    for tau2, model in models.items():
        assert model["converged"]
        assert_near(model["tau2"], models["anova"]["tau2"], 1e-9, scale, tau2)
        assert_near(model["mu"], frame["y"].mean(), 1e-12, spread(frame), tau2)


@settings(max_examples=10)
@given(frame=studies(equal=True))
def test_equal_v_makes_estimators_agree(frame):
    n = frame.with_columns(n=pl.lit(7))
    scale = (spread(frame) + frame["se"].max()) ** 2
    want = max(0.0, frame["y"].var() - frame["se"][0] ** 2)
    for tau2 in ("dl", "he", "hsk", "pm", "eb", "reml"):
        assert_near(pool.components(n, "y", "g", se="se", tau2=tau2)["tau2"].item(), want, 1e-9, scale, tau2)
    assert_near(pool.components(n, "y", "g", se="se", n="n", tau2="anova")["tau2"].item(), want, 1e-12, scale)


# ---- models side by side -----------------------------------------------------------------------------------


@pytest.mark.share(2)
@every_method
@settings(max_examples=4)
@given(frames=st.lists(grouped(), min_size=2, max_size=4))
def test_models_by_over_are_independent(tau2, frames):
    together = pl.concat([frame.with_columns(year=pl.lit(2000 + i)) for i, frame in enumerate(frames)])
    groups = pool.shrink(together, "y", "g", over="year", tau2=tau2)
    models = pool.components(together, "y", "g", over="year", tau2=tau2).drop("h2")  # i2 has this
    assert groups.columns[:2] == ["year", "g"]
    for i, frame in enumerate(frames):
        alone = pool.shrink(frame, "y", "g", tau2=tau2)
        assert_same_groups(groups.filter(year=2000 + i).drop("year"), alone, digits(tau2), spread(frame))
        model = pool.components(frame, "y", "g", tau2=tau2).drop("h2")
        assert_near(
            models.filter(year=2000 + i).drop("year").row(0), model.row(0), digits(tau2), spread(frame) ** 2 + 1
        )


# ---- intervals ---------------------------------------------------------------------------------------------


@given(frame=grouped(), level=st.floats(0.01, 0.999))
def test_intervals_are_normal_quantiles_about_the_estimate(frame, level):
    for uncertainty in ("mu", "conditional"):
        groups = pool.shrink(frame, "y", "g", tau2="he", level=level, uncertainty=uncertainty)
        # the probability of the interval under the normal, from the error function
        for row in groups.iter_rows(named=True):
            if row["se"] > 1e-6 * spread(frame):
                z = (row["upper"] - row["estimate"]) / row["se"]
                assert math.isclose(math.erf(z / math.sqrt(2)), level, rel_tol=1e-8)
                assert math.isclose((row["estimate"] - row["lower"]) / row["se"], z, rel_tol=1e-8)


@given(frame=grouped())
def test_the_error_of_mu_only_widens(frame):
    wide, narrow = (pool.shrink(frame, "y", "g", uncertainty=kind) for kind in ("mu", "conditional"))
    assert (wide["se"] >= narrow["se"]).all()
    assert_near(wide["estimate"], narrow["estimate"], 1e-14, spread(frame))  # the order of groups is arbitrary
    v, weight = narrow["v"], narrow["weight"]
    assert_near(narrow["se"].pow(2), v * weight, 1e-9, spread(frame) ** 2)


@every_method
def test_the_grid_excludes_only_refused_combinations(tau2):
    frame = pl.DataFrame({"g": [1, 2, 3], "y": [1.0, 4.0, 9.0], "se": [1.0, 1.0, 2.0]})
    if fits(tau2, "published"):
        assert pool.components(frame, "y", "g", se="se", tau2=tau2)["groups"].item() == 3
    else:
        with pytest.raises(ValueError, match=tau2):
            pool.components(frame, "y", "g", se="se", tau2=tau2)
    rows = frame.with_columns(w=pl.lit(1.0)).vstack(frame.with_columns(pl.col("y") + 1, w=pl.lit(1.0)))
    if fits(tau2, "weighted"):
        assert pool.components(rows, "y", "g", weights="w", tau2=tau2)["groups"].item() == 3
    else:
        with pytest.raises(ValueError, match=tau2):
            pool.components(rows, "y", "g", weights="w", tau2=tau2)
