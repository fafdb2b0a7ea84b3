"""Classes of groups of equal weight hold all that a regression with a varying intercept needs, as Spark uses them.

The results of all groups, which other tests hold to lme4 and to dense matrices, are the truth.
"""

import inspect

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_regression import drawn

import polars_pool as pool
from polars_pool import arguments
from polars_pool.models.columns import POLARS, with_steps
from polars_pool.models.regression import components, groups
from polars_pool.models.regression.classes import pseudo_groups, spread
from polars_pool.models.regression.coefficients import STATISTICS
from polars_pool.models.regression.intercepts import of_models, of_term, pooled

pytestmark = pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")


def many(seed: int, sizes: tuple[int, ...]) -> pl.DataFrame:
    return drawn(seed, sizes=sizes).with_columns(m=pl.lit(f"{seed} {len(sizes)}"))


def several() -> pl.DataFrame:
    """Models with groups of equal and unequal sizes, two of them degenerate; in one some groups have no rows."""
    parts = [many(1, (1, 2, 2, 3, 4, 5, 6, 7, 9, 11)), many(2, (4,) * 60), many(3, (1, 2, 3) * 20), many(4, (5, 5))]
    one = many(5, (3,) * 8)
    parts.append(one.with_columns(y=1 + 2 * pl.col("a"), m=pl.lit("line")))
    parts.append(many(6, (9,)).with_columns(m=pl.lit("one group")))
    parts.append(one.with_columns(y=pl.when(pl.col("g") > 2).then("y"), m=pl.lit("empty groups")))
    return pl.concat(parts)


def requested(frame: pl.DataFrame, x: list[str], options: dict):
    """The request for a regression of the frame."""
    bound = inspect.signature(pool.regress).bind(frame, "y", x, "g", **options)
    bound.apply_defaults()
    return arguments.regression(arguments.call(pool.regress, bound.arguments))


def of_classes(table: pl.DataFrame, request) -> pl.DataFrame:
    """The pseudo-groups of a table of groups, by its classes as Spark sums them."""
    names = groups.columns(request)
    means = [name for name in groups.statistics_columns(request) if name != "_pool_w"]
    constants = [name for name in table.columns if name.endswith("_pivot") or name.startswith("_pool_bad")]
    spreads = [
        pl.cov(f"{names[i]}_mean", f"{names[j]}_mean", ddof=0).alias(spread(i, j)) for i, j in groups.pairs(request)
    ]
    aggregates = [pl.len().cast(float).alias("_pool_k"), pl.col(means).mean(), pl.col(constants).first(), *spreads]
    return pseudo_groups(table.group_by(*request.over, "_pool_w").agg(aggregates), request)


CASES = {
    "one covariate": (["a"], {"over": "m"}),
    "three covariates": (["a", "u", "b"], {"over": "m", "method": "ml"}),
    "none": ([], {"over": "m"}),
    "weights": (["b", "u"], {"over": "m", "weights": "w"}),
    "one model": (["a", "b"], {"uncertainty": "conditional"}),
}


@pytest.fixture(params=CASES)
def case(request):
    x, options = CASES[request.param]
    frame = several() if "over" in options else many(2, (1, 2, 3, 3) * 30).drop("m")
    requested_regression = requested(frame, x, options)
    grouped, constants = groups.grouped(frame.lazy(), requested_regression)
    return frame, x, options, requested_regression, grouped.join(constants, how="cross").collect()


def test_components_of_classes(case):
    frame, x, options, request, table = case
    classes = of_classes(table, request)
    got = components.of_groups(classes, request).sort(*request.over_names or ["n"])
    want = pool.regress_components(frame, "y", x, "g", **{k: v for k, v in options.items() if k != "uncertainty"})
    assert_frame_equal(got, want, rel_tol=1e-9, abs_tol=1e-13)
    if request.weights is None:
        assert classes["_pool_k"].sum() == pytest.approx(table.height)


def test_estimates_row_by_row(case):
    frame, x, options, request, table = case
    models = of_models(of_classes(table, request), request)
    if request.over:
        table = table.join(models, on=list(request.over), nulls_equal=True)
    else:
        table = table.join(models, how="cross")
    table = with_steps(table.lazy(), pooled(request, POLARS)).collect()
    want = pool.regress(frame, "y", x, "g", **options)
    for t, term in enumerate(request.terms):
        got = table.select(
            *request.keys,
            **{name: e if isinstance(e, pl.Expr) else pl.lit(e) for name, e in of_term(t, request, POLARS).items()},
        )
        got = got.rename(dict(zip(request.keys, request.key_names, strict=True))).sort(request.key_names)
        assert_frame_equal(got, want.filter(term=term).select(got.columns), rel_tol=1e-9, abs_tol=1e-12)
    assert set(STATISTICS) < set(want.columns)


@pytest.mark.parametrize(("slope", "tolerance"), [(100, 1e-9), (1e5, 1e-5)])
def test_digits_that_a_steep_line_costs(slope, tolerance):
    """The covariances hold what the line leaves; six digits remain if this is 1e-5 of the value."""
    frame = many(2, (1, 2, 3, 3) * 30).with_columns(y=pl.col("y") + slope * pl.col("a"))
    request = requested(frame, ["a", "b"], {})
    grouped, constants = groups.grouped(frame.lazy(), request)
    got = components.of_groups(of_classes(grouped.join(constants, how="cross").collect(), request), request)
    want = pool.regress_components(frame, "y", ["a", "b"], "g")
    for column in ("sigma2", "icc"):
        assert got[column][0] == pytest.approx(want[column][0], rel=tolerance)


def test_a_thousand_groups_of_a_size_are_two_points_per_column():
    frame = many(7, (3,) * 1000).drop("m")
    request = requested(frame, ["a", "b"], {})
    grouped, constants = groups.grouped(frame.lazy(), request)
    classes = of_classes(grouped.join(constants, how="cross").collect(), request)
    assert classes.height == 6
    assert classes["_pool_k"].to_list() == pytest.approx([1000 / 6] * 6)
