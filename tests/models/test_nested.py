"""Nested levels of any depth against dense matrices: variances on the boundary, several maxima, known variances."""

import math
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl
import pytest
from dense import Dense, tree
from frames import MOMENTS, assert_near
from scipy.stats import chi2

import polars_pool as pool

LEVELS = ["a", "b", "c", "d"]
THREE = [tree(seed) for seed in (3, 9, 26, 29, 30, 36, 82)]
FOUR = [tree(seed, levels=4, most=2) for seed in (5, 40, 81)]
MAXIMA = {  # variances (a, b, c) at the maxima of its likelihood, the highest first
    "reml": [(3.2951, 0, 0.1428), (0, 1.7746, 0.0776), (0, 0, 1.2155)],
    "ml": [(0, 1.3391, 0.1056), (2.1419, 0, 0.1876), (0, 0, 0.9992)],
}
THROUGH_ZERO = [  # from a start, the standard deviation within leaves passes through 0
    (i // 6, i // 3 % 2, y + i * 1e-13)
    for i, y in enumerate([0, 0, 0, 8, 8, 12, 0, 4, 4, 20, 20, 20, 8, 12, 12, 0, 0, 4])
]
THREE_MAXIMA = [
    (a, b, c, y)
    for a, b, c, *values in [
        *[(0, 0, 0, -0.2), (0, 1, 0, -1.5, -1.5), (0, 1, 1, -1.2, 0.9, -1.5), (0, 1, 2, 0.3, -0.1), (1, 0, 0, -1.7)],
        *[(1, 1, 0, 1.7, 0.9), (2, 0, 0, 2.0, 0.5), (3, 0, 0, -4.6), (4, 0, 0, 0.2, 0.6), (4, 0, 1, -0.5, -0.5)],
        *[(4, 1, 0, -1.8, 0.4, -0.5), (4, 2, 0, -1.4), (4, 2, 1, -1.3, 1.2)],
    ]
    for y in values
]


@dataclass(frozen=True)
class Case:
    """Trees of one depth as the models of a query, with the arguments of the call."""

    trees: list[list[tuple]]
    tau2: str | float | list
    sigma2: float | None = None
    columns: dict = field(default_factory=dict)  # se= and weights=, names of columns
    moments: bool = False

    @property
    def levels(self) -> list[str]:
        return LEVELS[: len(self.trees[0][0]) - 1]

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The rows with weights w and standard errors se; models by m."""
        frames = [pl.DataFrame(rows, schema=[*self.levels, "y"], orient="row") for rows in self.trees]
        i = pl.int_range(pl.len())
        more = {"w": pl.lit(0.5) + i % 4, "se": 0.5 + (i * 7 % 5) / 4}
        return pl.concat(frame.with_columns(m=pl.lit(m), **more) for m, frame in enumerate(frames))

    def run(self, verb, **options) -> pl.DataFrame:
        frame, value, columns = self.frame, "y", self.columns
        if self.moments:
            frame, value = pool.moments(frame, "y", by=["m", *self.levels], **columns), "mean"
            columns = MOMENTS | ({"weights": "w"} if columns else {})
        known = {} if self.sigma2 is None else {"sigma2": self.sigma2}
        options |= {"by": self.levels, "nested": True, "over": "m", "tau2": self.tau2}
        return verb(frame, value, **options, **columns, **known)

    @property
    def known(self) -> tuple:
        several = self.tau2 if isinstance(self.tau2, list) else [self.tau2] * len(self.levels)
        return tuple(None if isinstance(x, str) else float(x) for x in several)

    def dense(self, model: int) -> Dense:
        """The rows; where their sampling variances are known, the means of the leaves."""
        rows = self.frame.filter(m=model)
        restricted = "reml" in (self.tau2 if isinstance(self.tau2, list) else [self.tau2])
        if self.sigma2 is None and "se" not in self.columns:
            sigma2 = pooled_variance(rows, self.levels) if None not in self.known else None
            weights = rows["w"].to_numpy() if "weights" in self.columns else None
            return Dense(
                rows.select(self.levels).rows(), rows["y"].to_numpy(), self.known, sigma2, weights, None, restricted
            )
        w = {"se": 1 / pl.col("se") ** 2, "weights": pl.col("w")}.get(
            next(iter(self.columns), ""), pl.lit(1.0) + 0 * pl.col("y")
        )
        leaves = rows.group_by(self.levels, maintain_order=True).agg(y=(w * pl.col("y")).sum() / w.sum(), w=w.sum())
        v = (self.sigma2 or 1.0) / leaves["w"].to_numpy()
        return Dense(leaves.select(self.levels).rows(), leaves["y"].to_numpy(), self.known, v=v, restricted=restricted)


def pooled_variance(rows: pl.DataFrame, levels: list[str]) -> float:
    """The mean square within leaves."""
    leaves = rows.group_by(levels).agg(squares=((pl.col("y") - pl.col("y").mean()) ** 2).sum())
    return leaves["squares"].sum() / (rows.height - leaves.height)


CASES = {
    "reml": Case([*THREE, THREE_MAXIMA], "reml"),
    "ml": Case([*THREE, THREE_MAXIMA], "ml"),
    "through 0": Case([THROUGH_ZERO], "reml"),
    "four levels": Case(FOUR, "reml"),
    "moments of four levels": Case(FOUR, "ml", moments=True),
    "one known tau2": Case(THREE, ["ml", 0.5, "ml"]),
    "two known tau2": Case(THREE, [1.0, "reml", 0]),
    "all tau2 known": Case(THREE, [1.0, 0.5, 0.25]),
    "known sigma2": Case(THREE, "reml", sigma2=0.8),
    "weights": Case(THREE, "reml", columns={"weights": "w"}),
    "moments with weights": Case(THREE, "ml", columns={"weights": "w"}, moments=True),
    "published": Case(THREE, "reml", columns={"se": "se"}),
    "published, known tau2": Case(FOUR, [0.3, "ml", 0.2, "ml"], columns={"se": "se"}),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(scope="module")
def truths():
    """The dense matrices of every model of a case, computed once."""
    kept: dict[int, list[Dense]] = {}
    return lambda case: kept.setdefault(id(case), [case.dense(model) for model in range(len(case.trees))])


def or_null(x: float) -> float | None:
    return None if math.isnan(x) else x


@pytest.mark.share(2)
@each_case
def test_components(case, truths):
    result = case.run(pool.components)
    for model, truth in enumerate(truths(case)):
        got, depth = result.filter(m=model).to_dict(as_series=False), truth.depth
        assert got["level"] == case.levels
        assert got["converged"] == [True] * depth
        scale = truth.best.sum()
        assert_near(got["tau2"], truth.best[:depth], 1e-8, 1e-1 * scale, "tau2")
        assert_near(got["se_tau2"], map(or_null, truth.errors[:depth]), 1e-7, scale, "se_tau2")
        if truth.v is None:
            assert_near(got["sigma2"], [truth.best[depth]] * depth, 1e-9, what="sigma2")
        mu, variance = truth.mu
        assert_near(got["mu"], [mu] * depth, 1e-9, 1.0, "mu")
        assert_near(got["se_mu"], [math.sqrt(variance)] * depth, 1e-8, what="se_mu")
        constant = math.log(len(truth.y)) / 2 if truth.v is not None and truth.restricted else 0.0  # as metafor's
        want = constant - truth.deviance(truth.best) / 2
        assert_near(got["log_likelihood"], [want] * depth, 1e-11, 1.0, "log_likelihood")
        parameters = 1 + (truth.v is None) + sum(x is None for x in truth.tau2)
        assert_near(got["aic"], [2 * parameters - 2 * want] * depth, 1e-11, 1.0, "aic")


@pytest.mark.share(2)
@each_case
def test_nodes_of_every_level(case, truths):
    for depth, level in enumerate(case.levels, start=1):
        result = case.run(pool.shrink, at=level)
        names = case.levels[:depth]
        assert result.columns[: 1 + depth] == ["m", *names]
        for model, truth in enumerate(truths(case)):
            got = {
                row[:depth]: row[depth:] for row in result.filter(m=model).drop("m", "n", "lower", "upper").iter_rows()
            }
            assert set(got) == set(truth.nodes(depth))
            for node, numbers in got.items():
                want = truth.node(node)
                names = ("mean", "v", "weight", "estimate", "se", "effect", "se_effect")
                assert_near(numbers, [want[name] for name in names], 2e-8, 1.0, f"{model} {node}")


@pytest.mark.parametrize("name", ["reml", "moments with weights", "published"])
def test_errors_given_mu(name, truths):
    case = CASES[name]
    for depth, level in enumerate(case.levels, start=1):
        result = case.run(pool.shrink, at=level, uncertainty="conditional").select(
            "m", *case.levels[:depth], "se", "se_effect"
        )
        for model, *node, se, of_effect in result.iter_rows():
            want = truths(case)[model].node(tuple(node))
            assert_near([se, of_effect], [want["conditional_se"], want["conditional_se_effect"]], 2e-8, 1.0)


@pytest.mark.parametrize("name", ["reml", "one known tau2", "published, known tau2"])
def test_likelihood_ratios(name, truths):
    case = CASES[name]
    result = case.run(pool.components)
    for model, truth in enumerate(truths(case)):
        for depth, (lrt, p) in enumerate(result.filter(m=model).select("lrt", "lrt_p").iter_rows(), start=1):
            if truth.known[depth - 1] is not None:
                assert lrt is p is None
                continue
            want = truth.rise(depth, 0.0) if truth.best[depth - 1] > 0 else 0.0
            assert_near(lrt, want, 1e-8, 1.0)
            assert_near(p, chi2.sf(want, 1) / 2 if want > 1e-9 else 1.0, 1e-5)


@pytest.mark.parametrize(("name", "models"), [("reml", [2, 4]), ("ml", [7]), ("published", [3])])
def test_limits_are_where_the_likelihood_falls_by_a_quantile(name, models, truths):
    case = CASES[name]
    result = case.run(pool.components, level=0.9)
    drop = chi2.ppf(0.9, 1)
    for model in models:
        truth = truths(case)[model]
        limits = result.filter(m=model).select("tau2_lower", "tau2_upper")
        for depth, (lower, upper) in enumerate(limits.iter_rows(), start=1):
            assert upper > truth.best[depth - 1] >= lower
            assert_near(truth.rise(depth, upper), drop, 1e-7)
            if lower > 0:
                assert_near(truth.rise(depth, lower), drop, 1e-7)
            else:
                assert truth.rise(depth, 0.0) <= drop


@pytest.mark.parametrize("method", MAXIMA)
def test_the_highest_of_several_maxima(method):
    """Its likelihood has three maxima; the highest one differs between REML and ML."""
    case = Case([THREE_MAXIMA], method)
    truth, result = case.dense(0), case.run(pool.components)
    deviances = []
    for tau2 in MAXIMA[method]:
        held = {f"tau2_{depth + 1}": 0.0 for depth, x in enumerate(tau2) if x == 0}
        maximum = truth.fit(**held)
        assert_near(maximum[:3], tau2, 1e-3, 0.1)
        assert (truth.gradient(maximum)[maximum == 0] > 0).all()  # -2 log L rises in every direction
        deviances.append(truth.deviance(maximum))
    assert deviances == sorted(deviances)
    assert_near(
        result["tau2"], truth.fit(**{f"tau2_{d + 1}": 0.0 for d, x in enumerate(MAXIMA[method][0]) if not x})[:3], 1e-8
    )
    assert result["converged"].all()


def test_the_share_of_a_level_and_the_interval_of_a_new_node():
    """Shares add up to 1 with that of rows; a new node of a level varies by the levels down to it."""
    result = CASES["reml"].run(pool.components, level=0.9).filter(m=2)
    tau2, [sigma2, *_], [mu, *_], [se, *_] = (result[name].to_list() for name in ("tau2", "sigma2", "mu", "se_mu"))
    assert_near(result["share"], [x / (sum(tau2) + sigma2) for x in tau2], 1e-14)
    quantile = math.sqrt(chi2.ppf(0.9, 1))
    for depth, (lower, upper) in enumerate(result.select("new_lower", "new_upper").iter_rows(), start=1):
        reach = quantile * math.sqrt(se**2 + sum(tau2[:depth]))
        assert_near([lower, upper], [mu - reach, mu + reach], 1e-12)


def test_the_share_with_a_known_sigma2_has_this_sigma2():
    """tau2 / (sum of tau2 + sigma2), as without a known one."""
    rows = pl.DataFrame({"a": [1, 1, 1, 2], "b": [1, 1, 2, 1], "y": [1.0, 3.0, 5.0, 9.0]})
    result = pool.components(rows, "y", by=["a", "b"], nested=True, sigma2=2.0, tau2=[4.0, 1.0])
    assert_near(result["share"], [4 / 7, 1 / 7], 1e-14)


def test_the_share_of_published_estimates_has_the_typical_sampling_variance():
    """Higgins & Thompson (2002): (J - 1) sum w / ((sum w)^2 - sum w^2), as in I^2; their sum is metafor's of levels."""
    case = CASES["published"]
    truth, result = case.dense(2), case.run(pool.components).filter(m=2)
    w = 1 / truth.v
    typical = (len(w) - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())
    assert_near(result["share"], truth.best / (truth.best.sum() + typical), 1e-8)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_single_rows_with_unequal_weights_determine_all_variances(method):
    """Var(row) = tau2_a + tau2_b + sigma2 / w."""
    frame = Case(THREE, "reml").frame.unique(["m", "a", "b", "c"], keep="first", maintain_order=True)
    frame = frame.with_columns(w=0.2 + pl.int_range(pl.len()) * 5 % 7)
    options = {"by": ["a", ["b", "c"]], "nested": True, "over": "m", "weights": "w", "tau2": method}
    result = pool.components(frame, "y", **options)
    inside = 0
    for (model,), rows in frame.group_by("m"):
        got = result.filter(m=model)
        assert got["converged"].all()
        paths = [(a, (b, c)) for a, b, c in rows.select("a", "b", "c").rows()]
        restricted = method == "reml"
        truth = Dense(paths, rows["y"].to_numpy(), (None, None), None, rows["w"].to_numpy(), restricted=restricted)
        if got["sigma2"][0] == 0:  # the derivative by sigma2 confirms the boundary
            assert truth.gradient([*got["tau2"], 1e-9])[2] > 0
            continue
        inside += 1
        assert_near([*got["tau2"], got["sigma2"][0]], truth.best, 1e-7, truth.best.sum())
        assert_near(got["log_likelihood"], [-truth.deviance(truth.best) / 2] * 2, 1e-10, 1.0)
    assert inside >= 2
