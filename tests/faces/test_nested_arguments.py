"""The arguments of nested levels: what each accepts, and the sentence about what it does not."""

import re

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

import polars_pool as pool

N = 60
ROW = pl.int_range(N, eager=True)
ROWS = pl.DataFrame(
    {
        "country": (ROW % 3).cast(pl.String),
        "region": ("r" + (ROW % 6).cast(pl.String)),
        "store": ROW % 4,
        "y": (ROW * ROW % 17 + ROW % 6 * 4).cast(pl.Float64),
        "w": 1.0 + ROW % 3,
        "m": ROW % 2,
    }
)
BY = ["region", "store"]
ACCEPTED = (
    "'at', 'family', 'groups', 'level', 'n', 'nan', 'nested', 'over', 'predict', 'se', 'sigma2', 'tau2', 'threshold', "
    "'uncertainty', 'var', 'weights'"
)


def shrink(frame=ROWS, by=None, **options) -> pl.DataFrame:
    return pool.shrink(frame, "y", BY if by is None else by, **({"nested": True} | options))


# ---- levels and their keys -------------------------------------------------------------------------------------------


def test_keys_are_levels_in_their_order():
    """Store 0 of one region is another than store 0 of the next."""
    result = shrink()
    assert result.columns[:3] == ["region", "store", "n"]
    assert result.height == ROWS.select(BY).n_unique() > ROWS["store"].n_unique()
    turned = shrink(by=BY[::-1])
    assert turned.columns[:2] == BY[::-1]
    assert turned.sort(BY)["effect"].to_list() != result["effect"].to_list()


def test_keys_are_names_or_expressions():
    want = shrink()
    for by in (tuple(BY), [["region"], ["store"]], [("region",), "store"], [pl.col("region"), pl.col("store")]):
        assert_frame_equal(shrink(by=by), want)
    assert_frame_equal(shrink(by=[cs.by_name("region"), pl.col("store")]), want)
    upper = shrink(by=[pl.col("region").str.to_uppercase(), (pl.col("store") + 1).alias("s")])
    assert upper.columns[:2] == ["region", "s"]
    assert_frame_equal(upper.drop("region", "s"), want.drop(BY), rel_tol=1e-12)


def test_a_level_of_several_keys():
    """Pairs of keys are nodes: region r0 of country 0 is another than r0 of country 1."""
    by = [["country", "region"], "store"]
    result = shrink(by=by, at="country")
    assert result.columns[:3] == ["country", "region", "n"]
    pairs = ROWS.with_columns(pair=pl.concat_str("country", "region"))
    want = shrink(pairs, ["pair", "store"], at="pair")
    assert_frame_equal(result.drop("country", "region"), want.drop("pair"), rel_tol=1e-9)
    assert_frame_equal(shrink(by=by, at=["country", "region"]), result)
    assert_frame_equal(shrink(by=by, at="region"), result)
    assert pool.components(ROWS, "y", by, nested=True)["level"].to_list() == ["country, region", "store"]
    in_rows = ROWS.select(pl.col("y").pool.shrink(by=by, nested=True, at="country")).to_series()
    joined = ROWS.join(result, on=["country", "region"], how="left", maintain_order="left")["estimate"]
    assert in_rows.to_list() == pytest.approx(joined.to_list(), rel=1e-12)


@pytest.mark.parametrize("at", [None, "store", ["store"], ("store",)])
def test_the_level_of_the_result_is_by_default_the_innermost(at):
    assert_frame_equal(shrink(at=at), shrink())


def test_any_depth():
    by = ["a", "b", "c", "d"]
    frame = ROWS.with_columns((ROW // rows).alias(name) for name, rows in zip(by, (36, 12, 6, 2), strict=True))
    for depth, at in enumerate(by, start=1):
        assert shrink(frame, by, at=at).columns[: depth + 1] == [*by[:depth], "n"]
    levels = pool.components(frame, "y", by, nested=True)
    assert levels.select("level", "depth", "groups").rows() == [("a", 1, 2), ("b", 2, 5), ("c", 3, 10), ("d", 4, 30)]


def test_the_namespaces_are_the_functions():
    lazy = ROWS.lazy().pool.components("y", BY, nested=True).collect()
    assert_frame_equal(lazy, pool.components(ROWS, "y", BY, nested=True), rel_tol=1e-12)
    assert_frame_equal(ROWS.pool.shrink("y", BY, nested=True, at="region"), shrink(at="region"))
    assert_frame_equal(ROWS.pool.encode("y", BY, nested=True), pool.encode(ROWS, "y", BY, nested=True))


# ---- sentences -------------------------------------------------------------------------------------------------------

ONE_LIKELIHOOD = "one likelihood estimates all levels; give 'reml' or 'ml' for all"
NUMBER_OR_NAME = "give a number of 0 or more, or one of 'reml', 'ml'"
NO_KEY = "is no key of a level; give one of 'region', 'store'"
SENTENCES = [
    ({"at": "regoin"}, ValueError, f"at='regoin' {NO_KEY}; did you mean 'region'?"),
    ({"at": ["store", "region"]}, ValueError, f"at=['store', 'region'] {NO_KEY}"),
    ({"at": 1}, TypeError, f"at=1 {NO_KEY}"),
    (
        {"at": "region", "nested": False},
        ValueError,
        "at='region' is for nested levels: give nested=True too, with the keys in order",
    ),
    ({"nested": 1}, TypeError, "nested=1; give True or False"),
    ({"nested": None}, TypeError, "nested=None; give True or False"),
    ({"by": []}, ValueError, "by=[] names no key; give at least one column name or expression"),
    ({"by": [[], "store"]}, ValueError, "by=[] names no key; give at least one column name or expression"),
    (
        {"by": ["region", ["store", "region"]]},
        ValueError,
        "the key 'region' appears twice in by= and over=; name each key once",
    ),
    ({"over": "region"}, ValueError, "the key 'region' appears twice in by= and over=; name each key once"),
    *(
        (
            {"by": by},
            ValueError,
            "by={} stands for 2 columns: name the levels one by one, the outer one first, ['region', 'store'], or the "
            "keys of one level in a list of their own, [['region', 'store']]",
        )
        for by in (pl.col("region", "store"), [cs.by_name("region", "store")])
    ),
    ({"tau2": "dl"}, ValueError, f"tau2='dl'; {NUMBER_OR_NAME}; did you mean 'ml'?"),
    ({"tau2": [-1, "reml"]}, ValueError, f"tau2=-1; {NUMBER_OR_NAME}"),
    ({"tau2": [True, 1]}, TypeError, f"tau2=True; {NUMBER_OR_NAME}"),
    ({"tau2": [None, 1]}, TypeError, f"tau2=None; {NUMBER_OR_NAME}"),
    ({"tau2": [float("nan"), 1]}, ValueError, f"tau2=nan; {NUMBER_OR_NAME}"),
    ({"tau2": [1.0]}, ValueError, "tau2=[1.0] has 1 values for 2 levels; give one for all, or one for each"),
    ({"tau2": []}, ValueError, "tau2=[] has 0 values for 2 levels; give one for all, or one for each"),
    ({"tau2": ["reml", "ml"]}, ValueError, f"tau2=['reml', 'ml']: {ONE_LIKELIHOOD}"),
    ({"tau2": pool.HalfCauchy(5)}, TypeError, f"tau2=HalfCauchy(scale=5.0); {NUMBER_OR_NAME}"),
    (
        {"sigma2": "separate"},
        ValueError,
        "sigma2='separate' does not go with nested=True; give 'pooled', or a number of 0 or more",
    ),
    (
        {"uncertainty": "tau2"},
        ValueError,
        "uncertainty='tau2' does not go with nested=True; give 'mu' or 'conditional'",
    ),
    *(
        ({name: value}, ValueError, f"{name}={value!r} does not go with nested=True; give only {ACCEPTED}")
        for name, value in {
            "mu": 3.0, "interval": "robust", "posterior": True, "prior": "moments", "trials": "w", "exposure": "w",
            "family": "binomial",
        }.items()
    ),
    ({"persist": True}, ValueError, "persist=True is for Spark frames; leave it out"),
    ({"predict": "row", "se": "w"}, ValueError, None),
]  # fmt: skip


@pytest.mark.parametrize(("options", "error", "sentence"), SENTENCES, ids=range(len(SENTENCES)))
def test_a_wrong_argument_is_an_error_at_once(options, error, sentence):
    with pytest.raises(error) as raised:
        shrink(ROWS.lazy(), **options)
    message = str(raised.value)
    if sentence is None:  # that of other families
        with pytest.raises(error, match=f"^{re.escape(message)}$"):
            pool.shrink(ROWS, "y", "region", **options)
    elif "{}" in sentence:
        before, after = sentence.split("{}")
        assert message.startswith(before)
        assert message.endswith(after)
    else:
        assert message == sentence


EXPRESSION = [*({"at": "region", "nested": False}, {"tau2": ["reml", "ml"]}, {"tau2": [1.0]}, {"mu": 3.0}), {"by": []}]


@pytest.mark.parametrize("options", EXPRESSION, ids=str)
def test_an_expression_is_checked_when_it_is_written(options):
    want = next((error, sentence) for other, error, sentence in SENTENCES if other == options)
    options = {"by": BY, "nested": True} | options
    with pytest.raises(want[0]) as raised:
        pl.col("y").pool.shrink(**options)
    assert str(raised.value).split("; give only")[0] == want[1].split("; give only")[0]


def test_an_expression_names_its_levels_when_it_runs():
    with pytest.raises(
        (pl.exceptions.ComputeError, ValueError), match="at='regoin' is no key of a level; give one of 'region'"
    ):
        ROWS.select(pl.col("y").pool.shrink(by=BY, nested=True, at="regoin"))


def test_an_expression_pools_each_of_its_columns_and_each_model():
    both = ROWS.select(pl.col("y", "w").pool.shrink(by=BY, nested=True, over="m"))
    for name in ("y", "w"):
        want = pool.encode(ROWS, name, BY, nested=True, over="m")["estimate"]
        assert both[name].to_list() == pytest.approx(want.to_list(), rel=1e-9)
    windows = ROWS.select(pl.col("y").pool.shrink(by=BY, nested=True).over("m"))["y"]
    assert windows.to_list() == pytest.approx(both["y"].to_list(), rel=1e-9)


def test_an_expression_of_several_columns_is_no_level_of_an_expression():
    for by in (pl.col("region", "store"), ["region", pl.col("a", "b")]):
        with pytest.raises(ValueError, match=r"^by=.* stands for several columns: name the levels one by one"):
            pl.col("y").pool.shrink(by=by, nested=True)
