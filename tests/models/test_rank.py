"""Ranks against enumeration, quadrature and draws, and their laws; many groups against the recursion of few."""

import math
from functools import cache
from itertools import combinations, pairwise
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.integrate import quad
from scipy.special import ndtr

import polars_pool as pool
from polars_pool.models.oneway import rank_probabilities
from polars_pool.models.oneway.rank_probabilities import EXACT, PAIRS, ranks_of
from polars_pool.numerics.poisson_binomial import rank_distribution

SCHOOLS = pl.DataFrame(
    {
        "school": list("ABCDEFGH"),
        "effect": [28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0],
        "se": [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0],
    }
)
STUDIES = {"value": "effect", "se": "se", "by": "school"}
PROBABILITIES = ("p_best", "p_top")


def enumerated(m, s, i):
    """Probability of each rank of group i: the sum over all sets of others above it, integrated adaptively."""
    others = [j for j in range(len(m)) if j != i]

    def density(x, number):
        above = {j: ndtr((m[j] - x) / s[j]) for j in others}
        sets = combinations(others, number)
        ways = sum(math.prod(above[j] if j in some else 1 - above[j] for j in others) for some in sets)
        return ways * math.exp(-(((x - m[i]) / s[i]) ** 2) / 2) / s[i] / math.sqrt(2 * math.pi)

    points = sorted({m[j] + z * s[j] for j in range(len(m)) for z in (-4, -1, 0, 1, 4)})
    low, high = m[i] - 9 * s[i], m[i] + 9 * s[i]
    ends = [low, *(x for x in points if low < x < high), high]
    return [sum(quad(density, a, b, (number,), epsabs=1e-12)[0] for a, b in pairwise(ends)) for number in range(len(m))]


@pytest.mark.parametrize(
    ("m", "s"),
    [
        ([0.3, -0.2, 1.1], [1.0, 0.5, 2.0]),
        ([0.0, 0.0, 0.1, 5.0], [0.01, 1.0, 0.02, 3.0]),
        ([1.0, 0.9, -4.0, 2.0, 0.95], [0.2, 0.2, 10.0, 0.001, 0.002]),
    ],
)
def test_the_distribution_of_a_rank_is_that_of_enumerated_orders(m, s):
    distribution = rank_distribution(np.array(m), np.array(s))
    want = np.array([enumerated(m, s, i) for i in range(len(m))])
    assert distribution == pytest.approx(want, abs=1e-7)
    ranks = ranks_of(np.array(m), np.array(s), (1, 2), 0.8)
    at_most = want.cumsum(axis=1)
    assert ranks.expected == pytest.approx(want @ np.arange(1, len(m) + 1), abs=1e-7)
    assert ranks.first == pytest.approx(at_most[:, :2], abs=1e-7)
    assert list(ranks.lower) == [1 + sum(p < 0.1 for p in row) for row in at_most]
    assert list(ranks.upper) == [1 + sum(p < 0.9 for p in row[:-1]) for row in at_most]


def test_the_better_of_two_groups():
    """P = normal_cdf(difference / sqrt(s1^2 + s2^2)), with the conditional errors tau2 v / (tau2 + v)."""
    two = SCHOOLS.head(2)
    result = pool.rank(two, **STUDIES, tau2=50.0, mu=0.0)
    v, weight = two["se"] ** 2, 50.0 / (50.0 + two["se"] ** 2)
    estimate, variance = weight * two["effect"], weight * v
    p = NormalDist().cdf((estimate[0] - estimate[1]) / math.sqrt(variance.sum()))
    assert dict(result.select("school", "p_best").rows()) == pytest.approx({"A": p, "B": 1 - p}, abs=1e-9)
    assert dict(result.select("school", "expected_rank").rows()) == pytest.approx({"A": 2 - p, "B": 1 + p}, abs=1e-9)


def groups(number, ratio, seed=0):
    """Estimates and standard errors of groups whose numbers of rows range over ratio squared."""
    rng = np.random.default_rng(seed)
    n = np.exp(rng.uniform(0, 2 * np.log(ratio), number)).round() + 1
    variance = 1 / (1 + n / 2)
    return rng.normal(0, 1, number) * np.sqrt(1 - variance), np.sqrt(variance)


def test_draws_of_the_true_means():
    m, s = groups(60, 10)
    draws, rng = 60_000, np.random.default_rng(1)
    above = (-(m + s * rng.normal(size=(draws, 60)))).argsort(axis=1).argsort(axis=1)
    ranks = ranks_of(m, s, (1, 6, 30), 0.9)
    for first, k in zip(ranks.first.T, (1, 6, 30), strict=True):
        error = np.sqrt(np.maximum(first * (1 - first), 1e-5) / draws)
        assert (abs((above < k).mean(axis=0) - first) < 5 * error).all()
    assert (abs(above.mean(axis=0) + 1 - ranks.expected) < 5 * above.std(axis=0) / math.sqrt(draws) + 1e-3).all()
    below = (above + 1 < ranks.lower).mean(axis=0), (above + 1 > ranks.upper).mean(axis=0)
    assert max(part.max() for part in below) < 0.05 + 5 * math.sqrt(0.05 / draws)


@cache
def many(number, ratio):
    """Ranks of many groups by sums of cumulants, and the distribution of each rank by the recursion."""
    m, s = groups(number, ratio)
    return ranks_of(m, s, NUMBERS, 0.95), rank_distribution(m, s).cumsum(axis=1)


NUMBERS = (1, 2, 10, 30, 250)
ERRORS = {1: 0.003, 2: 0.02, 10: 0.02, 30: 0.003, 250: 0.003}


@pytest.mark.parametrize("ratio", [3, 30])
def test_many_groups_against_the_recursion(ratio):
    number = EXACT + 1
    ranks, at_most = many(number, ratio)
    assert ranks.expected == pytest.approx(number - at_most[:, :-1].sum(axis=1), abs=1e-6)
    for first, k in zip(ranks.first.T, NUMBERS, strict=True):
        assert abs(first - at_most[:, k - 1]).max() < ERRORS[k]
        assert first.sum() == pytest.approx(k, rel=0.02)
    for limits, p in ((ranks.lower, 0.025), (ranks.upper, 0.975)):
        exact = 1 + (at_most[:, :-1] < p).sum(axis=1)
        assert (abs(limits - exact) <= np.maximum(1, 0.01 * exact)).all()


@pytest.mark.parametrize("ratio", [3, 30])
def test_binned_expected_ranks_against_sums_over_pairs(ratio, monkeypatch):
    m, s = groups(PAIRS, ratio)
    pairs = ranks_of(m, s, (1,), 0.95).expected
    monkeypatch.setattr(rank_probabilities, "PAIRS", EXACT)
    binned = ranks_of(m, s, (1,), 0.95).expected
    assert binned == pytest.approx(pairs, rel=1e-4)
    best = np.argsort(pairs)[:100]
    assert binned[best] == pytest.approx(pairs[best], abs=1e-6)
    assert pairs.sum() == pytest.approx(PAIRS * (PAIRS + 1) / 2, rel=1e-12)


# ---- the verb -------------------------------------------------------------------------------------------------------


def rows(number=12):
    return pl.select(i=pl.int_range(20 * number)).select(
        g=pl.col("i") % number,
        m=pl.col("i") % 2,
        y=(pl.col("i") ** 2 % 17 + (pl.col("i") % number) ** 2 % 11).cast(pl.Float64),
    )


def test_columns_are_those_of_shrink_and_probabilities_sum_to_their_number():
    result = pool.rank(rows(), "y", by="g", top=3)
    shrunk = pool.shrink(rows(), "y", by="g", uncertainty="conditional")
    assert_frame_equal(result.sort("g").select("g", "estimate", "se"), shrunk.select("g", "estimate", "se"))
    assert result["expected_rank"].is_sorted()
    assert result["expected_rank"].sum() == pytest.approx(12 * 13 / 2, rel=1e-12)
    assert result.select(pl.sum(*PROBABILITIES)).row(0) == pytest.approx((1, 3), abs=1e-7)
    assert result.filter((pl.col("rank_lower") > pl.col("rank_upper")) | (pl.col("rank_lower") < 1)).is_empty()
    wide = pool.rank(rows(), "y", by="g", level=0.999)
    assert (wide["rank_lower"] <= result["rank_lower"]).all()
    assert (wide["rank_upper"] >= result["rank_upper"]).all()


def test_the_smallest_is_first_with_descending_false():
    result = pool.rank(rows(), "y", by="g", top=3)
    up = pool.rank(rows(), "y", by="g", top=9, descending=False).sort("g")
    down = result.sort("g")
    assert up["rank"].to_list() == (13 - down["rank"]).to_list()
    assert up["expected_rank"].to_list() == pytest.approx((13 - down["expected_rank"]).to_list(), rel=1e-12)
    assert up["p_top"].to_list() == pytest.approx((1 - down["p_top"]).to_list(), abs=1e-7)
    mirrored = pool.rank(rows().with_columns(-pl.col("y")), "y", by="g", top=9).sort("g")
    assert_frame_equal(mirrored.drop("estimate"), up.drop("estimate"))


def test_units_do_not_matter():
    ranks = pl.exclude("estimate", "se")
    plain = pool.rank(rows(), "y", by="g", top=0.25).select(ranks)
    for other in (pl.col("y") * 1e100, pl.col("y") * 1e-100, pl.col("y") + 2.0**30):
        moved = pool.rank(rows().with_columns(other), "y", by="g", top=3).select(ranks)
        assert_frame_equal(moved, plain, rel_tol=1e-6, abs_tol=1e-6)


def test_models_of_over_lazy_frames_and_stored_moments_are_ranked_alike():
    together = pool.rank(rows(15), "y", by="g", over="m", top=0.2)
    apart = [pool.rank(rows(15).filter(m=m), "y", by="g", top=3).with_columns(m=pl.lit(m)) for m in (0, 1)]
    assert_frame_equal(together, pl.concat(apart).select(together.columns), check_dtypes=False)
    lazy = rows(15).lazy().pool.rank("y", by="g", over="m", top=0.2)
    assert_frame_equal(lazy.collect(engine="streaming"), together)
    stored = pool.moments(rows(15), "y", by=["m", "g"])
    of_moments = pool.rank(stored, "mean", n="n", var="var", by="g", over="m", top=3)
    assert_frame_equal(of_moments, together)


# ---- degenerate data ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [8, 3 * EXACT])
def test_groups_that_do_not_differ_share_all_ranks(number):
    """With tau2 = 0 all estimates are mu, and every order is equally probable."""
    frame = pl.select(school=pl.int_range(number)).with_columns(effect=pl.col("school") % 7 * 1.0, se=1.0)
    result = pool.rank(frame, **STUDIES, tau2=0, top=2)
    want = {"rank": (number + 1) / 2, "expected_rank": (number + 1) / 2, "p_best": 1 / number, "p_top": 2 / number}
    want |= {"rank_lower": math.ceil(number / 40), "rank_upper": math.ceil(number * 39 / 40), "se": 0.0}
    for name, value in want.items():
        assert result[name].to_list() == pytest.approx([value] * number, rel=1e-12)


@pytest.mark.parametrize("number", [6, 2 * EXACT])
def test_known_means_have_certain_ranks(number):
    frame = pl.select(school=pl.int_range(number)).with_columns(effect=(pl.col("school") * 7 % number) * 1.0, se=0.0)
    result = pool.rank(frame, **STUDIES, top=3)
    certain = pl.Series(range(1, number + 1)) * 1.0
    for name in ("rank", "expected_rank", "rank_lower", "rank_upper"):
        assert result[name].to_list() == pytest.approx(certain.to_list(), abs=1e-6)
    assert result["p_top"].to_list() == pytest.approx((certain <= 3).cast(float).to_list(), abs=1e-6)
    assert result["p_best"].to_list() == pytest.approx((certain <= 1).cast(float).to_list(), abs=1e-6)


def test_ties_of_known_means_are_broken_at_random():
    frame = pl.DataFrame({"school": list("abcd"), "effect": [0.0, 1.0, 1.0, 5.0], "se": 0.0})
    result = pool.rank(frame, **STUDIES, top=2).sort("school")
    assert result["rank"].to_list() == [4, 2.5, 2.5, 1]
    assert result["expected_rank"].to_list() == pytest.approx([4, 2.5, 2.5, 1], abs=1e-6)
    assert result["p_top"].to_list() == pytest.approx([0, 0.5, 0.5, 1], abs=1e-4)
    assert result.select("rank_lower", "rank_upper").rows() == [(4, 4), (2, 3), (2, 3), (1, 1)]


def test_one_group_is_first():
    result = pool.rank(SCHOOLS.head(1), **STUDIES, top=5)
    assert result.drop("school", "estimate", "se").row(0) == (1, 1, 1, 1, 1, 1)


def test_groups_without_an_error_have_no_rank():
    """A model whose groups have one row each does not determine se; the model beside it is ranked."""
    frame = pl.concat(
        [rows().with_columns(m=pl.lit(5)), rows().head(12).with_columns(m=pl.lit(6))], how="vertical_relaxed"
    )
    with pytest.warns(pool.ConvergenceWarning, match="no group has two rows"):
        result = pool.rank(frame, "y", by="g", over="m", top=3)
    ranks = result.select("m", *result.columns[4:])
    assert ranks.filter(m=6).drop("m").null_count().row(0) == (12,) * 6
    alone = pool.rank(rows(), "y", by="g", top=3)
    assert_frame_equal(ranks.filter(m=5).drop("m"), alone.select(ranks.columns[1:]))


def test_unseen_groups_are_ranked_at_mu():
    result = pool.rank(SCHOOLS, **STUDIES, tau2=4.0, mu=8.0, groups=pl.DataFrame({"school": ["A", "Z"]}))
    assert result.filter(school="Z").select("estimate", "se").row(0) == (8.0, 2.0)
    assert result.height == 9
    assert result["expected_rank"].sum() == pytest.approx(45)


def test_an_empty_frame_has_all_columns():
    empty = pool.rank(SCHOOLS.clear(), **STUDIES, top=1)
    assert empty.schema == pool.rank(SCHOOLS, **STUDIES, top=1).schema
    assert empty.is_empty()


# ---- arguments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("top", [0, -3, 1.0, 2.5, math.nan, math.inf])
def test_numbers_that_are_no_top(top):
    with pytest.raises(
        ValueError, match=rf"^top={top!r}; give a whole number of 1 or more, or a share between 0 and 1$"
    ):
        pool.rank(SCHOOLS, **STUDIES, top=top)


def test_priors_are_refused():
    with pytest.raises(ValueError, match=r"^tau2='half_cauchy\(5\)' does not go with rank: give a number"):
        pool.rank(SCHOOLS, **STUDIES, tau2=pool.HalfCauchy(5))


def test_a_share_is_rounded_to_groups_and_a_large_number_holds_all():
    share = pool.rank(SCHOOLS, **STUDIES, tau2=50.0, top=0.01)
    assert share["p_top"].to_list() == share["p_best"].to_list()
    assert pool.rank(SCHOOLS, **STUDIES, tau2=50.0, top=8)["p_top"].to_list() == pytest.approx([1] * 8, abs=1e-9)
    assert pool.rank(SCHOOLS, **STUDIES, tau2=50.0, top=800)["p_top"].to_list() == pytest.approx([1] * 8, abs=1e-9)
