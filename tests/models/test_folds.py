"""Encoding out of fold: every row as by an explicit refit without the rows that must not encode it."""

import pickle
import re
import warnings
from datetime import date

import frames
import numpy as np
import polars as pl
import pytest
import truth
from polars.testing import assert_frame_equal
from refits import OFFSET, ROUNDING, STATISTICS, close, refitted, table

import polars_pool as pool

pytestmark = pytest.mark.filterwarnings("ignore::polars_pool.ConvergenceWarning")


# ---- folds are refits -----------------------------------------------------------------------------------------------

CASES = {
    **{tau2: {"tau2": tau2} for tau2 in frames.methods("rows")},
    "separate": {"sigma2": "separate"},
    "squeezed": {"sigma2": "squeezed"},
    "sigma2 known": {"sigma2": 1.2},
    "tau2 known": {"tau2": 0.3},
    "mu known": {"mu": OFFSET},
    "mu of rows": {"mu": "rows"},
    "over": {"over": ["model"]},
    "weights": {"weights": "w"},
    "weights, over": {"weights": "w", "over": ["model"]},
    "weights, separate": {"weights": "w", "sigma2": "separate"},
    "several keys": {"by": ["g", "h"]},
    "several keys, over": {"by": ["g", "h"], "over": ["model"]},
    "prior": {"tau2": pool.HalfCauchy(1)},
    "nested": {"by": ["h", "g"], "nested": True},
}


@pytest.mark.parametrize("case", CASES)
def test_each_fold_is_encoded_by_a_refit_without_it(case):
    options = {"by": ["g"], **CASES[case]}
    rows = table()
    # At the offset, the variance of two rows of nearly equal values has fewer digits.
    relative = 1e-7 if options.get("sigma2") == "separate" else 1e-9
    close(pool.encode(rows, "y", folds="fold", columns=STATISTICS, **options), refitted(rows, **options), relative)


@pytest.mark.parametrize("case", ["reml", "weights, over", "separate", "several keys", "prior", "nested"])
def test_lazy_frames_and_expressions_are_encoded_as_frames(case):
    options, rows = {"by": ["g"], **CASES[case]}, table()
    encoded = pool.encode(rows, "y", folds="fold", **options)
    lazy = rows.lazy().pool.encode("y", folds="fold", **options)
    expression = pl.col("y").pool.shrink(folds="fold", **options).alias("estimate")
    for other in (
        lazy.collect(engine="in-memory"),
        lazy.collect(engine="streaming"),
        rows.with_columns(expression),
        rows.lazy().with_columns(expression).collect(engine="streaming"),
    ):
        assert_frame_equal(other, encoded, rel_tol=1e-14)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_folds_agree_with_dense_matrices(method):
    rows = table().drop_nulls()
    encoded = pool.encode(rows, "y", by="g", folds="fold", tau2=method, columns=STATISTICS)
    for fold in (0, 3):
        others = rows.filter(pl.col("fold") != fold)
        groups = truth.Groups(others["g"].to_list(), others["y"].to_list())
        sigma2, tau2 = truth.joint(groups, method)
        mu, se_mu = truth.centre("gls", groups.mean, sigma2 / truth.floats(groups.n), tau2)
        fit = truth.shrunken(groups.mean, sigma2 / truth.floats(groups.n), tau2, mu, se_mu)
        position = {key: place for place, key in enumerate(groups.keys)}
        part = encoded.filter(pl.col("fold") == fold)
        for key, estimate, se in part.select("g", "estimate", "se").rows():
            in_group = key in position
            assert estimate == pytest.approx(fit["estimate"][position[key]] if in_group else mu, abs=3 * ROUNDING)
            alone = np.sqrt(tau2 + se_mu**2)  # of a group without other rows
            assert se == pytest.approx(fit["se"][position[key]] if in_group else alone, rel=1e-8)


@pytest.mark.parametrize("over", [None, "model"])
def test_rates_are_encoded_by_refits(over):
    rows = table().with_columns(y=(pl.col("y") > OFFSET).cast(pl.Int8))
    options = {"by": ["g"], "family": "binomial", **({} if over is None else {"over": [over]})}
    columns = ["estimate", "se", "n", "mean", "weight"]
    known = [name for name in columns if name in pool.shrink(rows, "y", **options).columns]
    encoded = pool.encode(rows, "y", folds="fold", columns=known, **options)
    close(encoded, refitted(rows, columns=known, **options))
    expression = pl.col("y").pool.shrink(folds="fold", **options)
    np.testing.assert_allclose(rows.select(expression).to_series(), encoded["estimate"], rtol=1e-13)


def test_rows_that_are_no_trials_are_counted():
    rows = table().with_columns(y=pl.when(pl.int_range(pl.len()) < 3).then(2).otherwise(1))
    with pytest.raises((ValueError, pl.exceptions.ComputeError), match="'y' is more than 1 in 3 rows"):
        pool.encode(rows, "y", by="g", folds="fold", family="binomial")


LABELS = {
    "date": pl.lit(date(2024, 1, 1)) + pl.duration(days=pl.col("fold")),
    "category": pl.col("fold").cast(pl.String).cast(pl.Categorical),
    "Boolean": pl.col("fold") > 1,
    "float": pl.col("fold") / 2,
    "each row": pl.int_range(pl.len()),
    "each group": pl.col("g").fill_null(-1),
}


@pytest.mark.parametrize("labels", LABELS)
def test_folds_have_any_type_and_any_number(labels):
    rows = table(100).with_columns(label=LABELS[labels])
    refit = refitted(rows, by=["g"], fold="label")
    close(pool.encode(rows, "y", by="g", folds="label", columns=STATISTICS), refit)
    close(pool.encode(rows, "y", by="g", folds=pl.col("label"), columns=STATISTICS), refit)


EXACT = {
    "Int64 beyond 2^53": (2**60, pl.Int64),
    "Decimal": (10**17, pl.Decimal(38, 0)),
}


@pytest.mark.parametrize("values", EXACT)
@pytest.mark.parametrize("folds", ["fold", "loo"])
def test_offsets_beyond_float64_cost_no_digits(values, folds):
    offset, dtype = EXACT[values]
    deviation = (pl.col("y") - OFFSET).mul(100).round().cast(pl.Int64)
    rows = table().with_columns(y=deviation)
    shifted = rows.with_columns((pl.col("y").cast(pl.Decimal(38, 0)) + offset).cast(dtype))
    columns = ["se", "n", "weight"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        one, other = (pool.encode(frame, "y", by="g", folds=folds, columns=columns) for frame in (rows, shifted))
    close(other.select(columns), one.select(columns))


def test_nan_is_an_error_or_a_null():
    rows = table().with_columns(y=pl.when(pl.int_range(pl.len()) == 7).then(np.nan).otherwise("y"))
    for folds in ("fold", "loo", 3):
        with pytest.raises((ValueError, pl.exceptions.ComputeError), match="NaN"):
            pool.encode(rows, "y", by="g", folds=folds)
    encoded = pool.encode(rows, "y", by="g", folds="fold", columns=STATISTICS, nan="null")
    close(encoded, refitted(rows.with_columns(pl.col("y").fill_nan(None)), by=["g"]))


@pytest.mark.parametrize("options", [{}, {"sigma2": "separate", "tau2": "dl"}, {"weights": "w"}], ids=str)
def test_a_fold_of_huge_values_costs_the_others_no_digits(options):
    rows = table().with_columns(y=pl.col("y") - OFFSET)
    rows = rows.with_columns(y=pl.when(pl.col("fold") == 0).then(1e9 * pl.col("y")).otherwise("y"))
    encoded = pool.encode(rows, "y", by="g", folds="fold", columns=STATISTICS, **options)
    refit = refitted(rows, by=["g"], **options)
    for part in ([0], [1, 2, 3]):
        is_in = pl.col("fold").is_in(part)
        close(encoded.filter(is_in), refit.filter(is_in), 1e-6)


# ---- closed forms ---------------------------------------------------------------------------------------------------

KNOWN = {"sigma2": 1.2, "tau2": 0.4, "mu": OFFSET + 0.1}


@pytest.mark.filterwarnings("ignore:folds='loo'")
@pytest.mark.parametrize("options", [{}, {"weights": "w"}, {"by": ["g", "h"]}], ids=str)
def test_each_row_without_itself_is_a_refit_with_known_variances(options):
    rows, options = table(120), {"by": ["g"], **KNOWN, **options}
    each = rows.with_columns(row=pl.int_range(pl.len()))
    close(
        pool.encode(rows, "y", folds="loo", columns=STATISTICS, **options), refitted(each, fold="row", **options), 1e-12
    )


@pytest.mark.filterwarnings("ignore:folds='loo'")
@pytest.mark.parametrize("tau2", ["reml", "dl", 0.0])
@pytest.mark.parametrize("over", [None, "model"])
def test_each_row_without_itself_by_the_variances_of_all(tau2, over):
    rows = table()
    components = pool.components(rows, "y", by="g", tau2=tau2, over=over)
    encoded = pool.encode(rows, "y", by="g", tau2=tau2, over=over, folds="loo")
    keys = ["g"] if over is None else ["g", over]
    sums = {"n": pl.col("y").count().over(keys), "total": (pl.col("y") - OFFSET).sum().over(keys)}
    own = (pl.col("y") - OFFSET).fill_null(0.0)
    beside = encoded.with_columns(**sums).with_columns(
        n=pl.col("n") - pl.col("y").is_not_null(), total=pl.col("total") - own
    )
    models = components.select(*([over] if over else []), "sigma2", "tau2", "mu")
    beside = (
        beside.join(models, on=over, how="left", maintain_order="left") if over else beside.join(models, how="cross")
    )
    # Gelman & Hill 12.1 with the precision of the other rows, multiplied by sigma2 tau2
    n, sigma2, tau2, mu = (pl.col(name) for name in ("n", "sigma2", "tau2", "mu"))
    expected = beside.select((pl.col("total") * tau2 + (mu - OFFSET) * sigma2) / (n * tau2 + sigma2)).to_series()
    np.testing.assert_allclose(encoded["estimate"] - OFFSET, expected, rtol=0, atol=3 * ROUNDING)


def earlier(rows, keys, **options):
    """Each row by `shrink` of the rows of its group of a smaller `at`."""
    answer = []
    for row in rows.rows(named=True):
        same = pl.all_horizontal(pl.col(key).eq_missing(pl.lit(row[key], rows.schema[key])) for key in keys)
        before = rows.filter(same, pl.col("at") < row["at"])
        group = rows.filter(same).select(keys).unique()
        fit = pool.shrink(before, "y", by=list(keys), groups=group, **options)
        answer.append(fit.select(STATISTICS))
    return pl.concat(answer)


@pytest.mark.parametrize("options", [{}, {"weights": "w"}], ids=str)
def test_rows_before_are_a_refit_with_known_variances(options):
    rows = table(60).with_columns(at=pl.Series(np.random.default_rng(3).integers(0, 12, 60)))
    encoded = pool.encode(rows, "y", by="g", folds="before", order_by="at", columns=STATISTICS, **KNOWN, **options)
    close(encoded, earlier(rows, ["g"], **KNOWN, **options), 1e-12)


def test_rows_before_have_the_variances_of_all():
    rows = table(60).with_columns(at=pl.int_range(60).reverse())
    components = pool.components(rows, "y", by="g").row(0, named=True)
    known = {name: components[name] for name in ("sigma2", "tau2", "mu")}
    one, other = (pool.encode(rows, "y", by="g", folds="before", order_by="at", **options) for options in ({}, known))
    np.testing.assert_allclose(one["estimate"], other["estimate"], rtol=0, atol=3 * ROUNDING)


@pytest.mark.filterwarnings("ignore:folds='loo'")
@pytest.mark.parametrize("options", [{"folds": "loo"}, {"folds": "before", "order_by": "h"}], ids=str)
def test_closed_forms_are_the_same_in_lazy_frames_and_expressions(options):
    rows = table()
    encoded = pool.encode(rows, "y", by="g", **options)
    expression = pl.col("y").pool.shrink(by="g", **options).alias("estimate")
    for other in (
        rows.lazy().pool.encode("y", by="g", **options).collect(engine="in-memory"),
        rows.lazy().pool.encode("y", by="g", **options).collect(engine="streaming"),
        rows.with_columns(expression),
    ):
        assert_frame_equal(other, encoded, rel_tol=1e-14)


def test_large_groups_without_a_row_warn_once():
    sizes = {20: 0, 21: 1}
    for size, expected in sizes.items():
        rows = pl.DataFrame({"g": np.repeat(np.arange(5), size), "y": np.random.default_rng(0).normal(size=5 * size)})
        for run in (
            lambda rows: pool.encode(rows, "y", by="g", folds="loo"),
            lambda rows: rows.lazy().pool.encode("y", by="g", folds="loo").collect(engine="streaming"),
            lambda rows: rows.select(pl.col("y").pool.shrink(by="g", folds="loo")),
        ):
            with warnings.catch_warnings(record=True) as record:
                warnings.simplefilter("always")
                run(rows)
            messages = [str(warning.message) for warning in record if "folds='loo'" in str(warning.message)]
            assert len(messages) == expected


# ---- random folds ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folds", [2, 7, 300, 1000])
def test_random_folds_differ_in_size_by_one(folds):
    # Each group is a row, so with known variances the n of the only row of a model is what the others have: all but
    # its fold. With one group, n is the number of rows in the other folds.
    rows = table().drop_nulls().with_columns(g=pl.lit("one"))
    n = pool.encode(rows, "y", by="g", folds=folds, seed=1, columns=["n"])["n"]
    sizes = (rows.height - n).value_counts(name="rows").sort("n")
    small = rows.height // folds
    assert set(sizes["n"]) <= {small, small + 1} - {0}
    for size, count in sizes.rows():
        assert count % size == 0  # whole folds
    number = sum(count // size for size, count in sizes.rows())
    assert number == min(folds, rows.height)


def test_a_seed_repeats_the_folds_and_none_draws_others():
    rows = table()
    one, same, other = (pool.encode(rows, "y", by="g", folds=5, seed=seed) for seed in (1, 1, 2))
    assert_frame_equal(one, same)
    assert not one.equals(other)
    lazy = rows.lazy().pool.encode("y", by="g", folds=5, seed=1)
    assert_frame_equal(lazy.collect(engine="streaming"), one, rel_tol=1e-14)
    assert_frame_equal(lazy.collect(engine="in-memory"), one, rel_tol=1e-14)
    expression = rows.with_columns(estimate=pl.col("y").pool.shrink(by="g", folds=5, seed=1))
    assert_frame_equal(expression, one, rel_tol=1e-14)
    draws = [pool.encode(rows, "y", by="g", folds=5)["estimate"].sum() for _ in range(3)]
    assert len(set(draws)) == 3


@pytest.mark.parametrize(
    "options", [{}, {"weights": "w"}, {"tau2": pool.HalfCauchy(1)}, {"family": "binomial"}], ids=str
)
def test_random_folds_are_refits(options):
    rows = table(80, groups=6).drop_nulls().with_columns(y=(pl.col("y") > OFFSET).cast(pl.Int8))
    # Where all rows are one group, the mean of the others is that of the fold, so it tells the folds apart.
    unequal = rows.with_columns(y=2.0 ** pl.int_range(pl.len()).cast(pl.Float64), g=pl.lit(0))
    mean = pool.encode(unequal, "y", by="g", folds=3, seed=4, columns="mean", sigma2=1.0, tau2=1.0)["mean"]
    labelled = rows.with_columns(label=mean.rank("dense"))
    assert labelled["label"].n_unique() == 3
    columns = ["estimate", "n"]
    encoded = pool.encode(rows, "y", by="g", folds=3, seed=4, columns=columns, **options)
    close(encoded, refitted(labelled, by=["g"], fold="label", columns=columns, **options))


# ---- other rows -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [{}, {"over": ["model"]}, {"weights": "w"}, {"tau2": pool.HalfCauchy(1)}, {"by": ["h", "g"], "nested": True}],
    ids=str,
)
@pytest.mark.parametrize("keys", [pl.Int64, pl.Int8])
def test_other_rows_have_the_estimates_of_shrink(options, keys):
    rows, options = table(), {"by": ["g"], **options}
    names = [*options.get("over", []), *options["by"]]
    others = pl.DataFrame({"g": [1, 100, None, 2, 1], "h": [0, 1, 1, 2, 0], "model": [0, 1, 0, 1, 1], "id": range(5)})
    fit = pool.shrink(rows, "y", groups=others.select(names).unique(), **options)
    expected = others.join(fit.select(*names, *STATISTICS), on=names, how="left", nulls_equal=True)
    others = others.with_columns(pl.col("g").cast(keys))
    for frame in (others, others.lazy()):
        encoded = pool.encode(rows, "y", rows=frame, columns=STATISTICS, **options)
        assert encoded.drop(STATISTICS).equals(others)
        assert_frame_equal(encoded.select(STATISTICS), expected.select(STATISTICS), rel_tol=1e-13)
    lazy = rows.lazy().pool.encode("y", rows=others, columns=STATISTICS, **options)
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), encoded, rel_tol=1e-13)


# ---- degenerate data ------------------------------------------------------------------------------------------------


def small(g, y, fold):
    return pl.DataFrame({"g": g, "y": y, "fold": fold}, schema={"g": pl.String, "y": pl.Float64, "fold": pl.Int64})


def estimates(rows, **options):
    return pool.encode(rows, "y", by="g", folds="fold", **options)["estimate"].to_list()


def test_a_single_fold_has_no_other_rows():
    rows = small(["a", "a", "b", "b"], [1.0, 2.0, 4.0, 6.0], [0, 0, 0, 0])
    assert estimates(rows) == [None] * 4
    assert estimates(rows, mu=3.0, tau2=1.0, sigma2=1.0) == [3.0] * 4


def test_a_training_set_of_one_group_has_its_mean():
    rows = small(["a", "a", "b", "b"], [1.0, 2.0, 4.0, 6.0], [0, 0, 1, 1])
    assert estimates(rows) == [5.0, 5.0, 1.5, 1.5]  # mu is the mean of the only group
    rows = small(["a", "a", "a", "a"], [1.0, 2.0, 4.0, 6.0], [0, 0, 1, 1])
    assert estimates(rows) == [5.0, 5.0, 1.5, 1.5]


@pytest.mark.parametrize("tau2", ["reml", "dl", "ml", "sj"])
def test_a_training_set_of_single_rows_has_their_mean_and_warns(tau2):
    rows = small(["a", "b", "c", "a", "b", "c"], [1.0, 2.0, 6.0, 2.0, 3.0, 4.0], [0, 0, 0, 1, 1, 1])
    with pytest.warns(pool.ConvergenceWarning, match="sigma2="):
        encoded = pool.encode(rows, "y", by="g", folds="fold", tau2=tau2, columns=STATISTICS)
    assert encoded["estimate"].to_list() == [3.0] * 6
    assert encoded["weight"].to_list() == [None] * 6


def test_constant_values_are_constant():
    rows = table().with_columns(y=pl.when(pl.col("y").is_not_null()).then(7.0))
    for options in ({"folds": "fold"}, {"folds": 4}, {"folds": "loo"}, {"folds": "before", "order_by": "w"}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            assert pool.encode(rows, "y", by="g", **options)["estimate"].unique().to_list() == [7.0]


@pytest.mark.filterwarnings("ignore:folds='loo'")
@pytest.mark.parametrize(
    "options", [{"folds": "fold"}, {"folds": 3}, {"folds": "loo"}, {"folds": "before", "order_by": "fold"}], ids=str
)
@pytest.mark.parametrize("model", [{}, {"weights": "fold"}, {"over": "fold"}, {"family": "binomial"}], ids=str)
def test_no_rows_give_no_rows(options, model):
    if "family" in model and options["folds"] in ("loo", "before"):
        return
    rows = small([], [], [])
    encoded = pool.encode(rows, "y", by="g", columns=STATISTICS[:3], **options, **model)
    assert encoded.schema == {**rows.schema, "estimate": pl.Float64, "se": pl.Float64, "n": pl.Int64}
    assert encoded.is_empty()


def test_no_values_give_no_estimates():
    rows = small(["a", "a", "b"], [None, None, None], [0, 1, 2])
    for options in ({"folds": "fold"}, {"folds": 3}, {"folds": "loo"}, {"folds": "before", "order_by": "fold"}):
        assert pool.encode(rows, "y", by="g", **options)["estimate"].to_list() == [None] * 3


@pytest.mark.filterwarnings("ignore:folds='loo'")
def test_more_folds_than_rows_are_each_row_alone():
    rows = table(40, groups=5).with_columns(row=pl.int_range(pl.len()))
    one, other = (pool.encode(rows, "y", by="g", folds=folds, seed=0, columns=STATISTICS) for folds in (1000, 40))
    assert_frame_equal(one, other, rel_tol=1e-9)
    close(one, refitted(rows, by=["g"], fold="row"))


@pytest.mark.parametrize("model", [{}, {"weights": "w"}, {"tau2": pool.HalfCauchy(1)}, {"nested": True}], ids=str)
def test_rows_without_a_fold_are_counted(model):
    rows = table().with_columns(y=pl.col("y") > OFFSET, fold=pl.when(pl.col("fold") != 2).then("fold"))
    count = rows["fold"].null_count()
    models = [model, {"family": "binomial"}] if not model else [model]
    message = re.escape(f"folds= is null in {count} rows: give each row a fold, or leave these rows out")
    for options in models:
        frame = rows if "family" in options else rows.with_columns(pl.col("y").cast(pl.Float64))
        by = ["h", "g"] if "nested" in options else "g"
        for run in (
            lambda frame=frame, by=by, options=options: pool.encode(frame, "y", by=by, folds="fold", **options),
            lambda frame=frame, by=by, options=options: frame.select(
                pl.col("y").pool.shrink(by=by, folds="fold", **options)
            ),
        ):
            with pytest.raises((ValueError, pl.exceptions.ComputeError), match=message):
                run()


def test_rows_without_an_order_are_counted():
    rows = table().with_columns(at=pl.when(pl.int_range(pl.len()) > 3).then(1))
    message = re.escape("order_by= is null in 4 rows: give each row a place in the order, or leave these rows out")
    with pytest.raises((ValueError, pl.exceptions.ComputeError), match=message):
        pool.encode(rows, "y", by="g", folds="before", order_by="at")


# ---- columns, plans, pickles ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"folds": "fold"}, {"folds": 3}, {"rows": True}], ids=str)
def test_columns_have_names(options):
    rows = table()
    options = {"rows": rows.select("g", "h")} if "rows" in options else options
    given = options.get("rows", rows).columns

    def new(**more):
        return pool.encode(rows, "y", by="g", **options, **more).columns[len(given) :]

    assert new(columns=["estimate", "se", "n"]) == ["estimate", "se", "n"]
    assert new(columns="weight") == ["weight"]
    assert new(columns=["se", "estimate"], name="zip") == ["zip_se", "zip"]
    assert new() == ["estimate"]
    with pytest.raises(ValueError, match="zip"):
        pool.encode(rows.rename({"h": "zip"}), "y", by="g", folds="fold", name="zip")


@pytest.mark.parametrize(
    "options", [{"folds": 3, "seed": 0}, {"folds": "fold"}, {"folds": "loo"}, {"folds": "before", "order_by": "w"}]
)
@pytest.mark.parametrize("model", [{}, {"weights": "w"}, {"tau2": pool.HalfCauchy(1)}], ids=str)
def test_rows_are_scanned_once(options, model, tmp_path):
    if model.get("tau2") is not None and options["folds"] in ("loo", "before"):
        return
    table().write_parquet(tmp_path / "rows.parquet")
    query = pl.scan_parquet(tmp_path / "rows.parquet").pool.encode("y", by="g", **options, **model)
    assert isinstance(query, pl.LazyFrame)
    plan = query.explain()
    scans = set(re.findall(r"CACHE\[id: [^\]]*\]", plan)), plan.count("Parquet SCAN")
    runs = []

    def counted(frame):
        runs.append(frame.height)
        return frame

    once = table().lazy().map_batches(counted, schema=table().schema)
    once.pool.encode("y", by="g", **options, **model).collect()
    assert runs == [300], scans


@pytest.mark.parametrize("folds", [{"folds": 3, "seed": 0}, {"folds": "fold"}, {"folds": "before", "order_by": "w"}])
def test_a_selection_of_columns_is_the_same(folds):
    query = table().lazy().pool.encode("y", by="g", **folds)
    for engine in ("in-memory", "streaming"):
        whole = query.collect(engine=engine)
        for columns in (["estimate"], ["h"], ["g", "estimate"]):
            assert_frame_equal(query.select(columns).collect(engine=engine), whole.select(columns), rel_tol=1e-14)


@pytest.mark.parametrize("folds", [{"folds": 3, "seed": 0}, {"folds": "fold"}, {"folds": "loo"}])
def test_a_pickled_query_gives_the_same(folds):
    query = table().lazy().pool.encode("y", by="g", **folds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert_frame_equal(pickle.loads(pickle.dumps(query)).collect(), query.collect(), rel_tol=1e-14)


def test_a_fit_of_many_folds_has_classes_not_groups(monkeypatch):
    """Of 1,000 groups in 500 folds: the fit has a row for each size of a group in a fold, of which there are few."""
    from polars_pool.models.oneway import components

    heights = []
    original = components.of_classes

    def counting(table, *arguments, **options):
        heights.append(table.height)
        return original(table, *arguments, **options)

    monkeypatch.setattr(components, "of_classes", counting)
    rng = np.random.default_rng(0)
    rows = pl.DataFrame({"g": np.arange(5000) % 1000, "y": rng.normal(size=5000), "fold": rng.integers(0, 500, 5000)})
    pool.encode(rows, "y", by="g", folds="fold")
    assert heights
    assert max(heights) <= 500 * 5
