"""The posterior on every engine against numbers from R, and otherwise against dense matrices on a grid."""

import json
from functools import cache

import numpy as np
import polars as pl
import pytest
from frames import FRAME_PATHS
from grid import ITERATED, VECTORS
from posteriors import LOG_PRIORS, Dense
from scipy.stats import cauchy
from sqlpaths import SQL_PATHS

import polars_pool as pool

PATHS = FRAME_PATHS | SQL_PATHS
REFERENCES = {
    "bayes_eight_schools_uniform_tau_flat_mu": ("eight_schools", {"tau2": "uniform()"}),
    "bayes_eight_schools_hc25_flat_mu": ("eight_schools", {"tau2": "half_cauchy(25)"}),
    "bayes_eight_schools_hc5_mu_n0_5": ("eight_schools", {"tau2": "half_cauchy(5)", "mu": "normal(0, 5)"}),
    "bayes_bcg_hc1_flat_mu": ("bcg", {"tau2": "half_cauchy(1)"}),
}
LEVELS = {0.95: ("q025", "q975"), 0.5: ("q25", "q75")}
# Every level in Polars, one in each version of DuckDB.
QUANTILES = [
    (name, path, level)
    for i, name in enumerate(REFERENCES)
    for path in PATHS
    for j, level in enumerate(LEVELS)
    if path in FRAME_PATHS or list(SQL_PATHS).index(path) == (i + j) % 2
]
OF_NORMALS = {"mu": "mu", "new": "new_theta"}


@cache
def reference(name: str) -> dict:
    return json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))["posterior"]


@cache
def studies(data: str) -> pl.DataFrame:
    frame = pl.read_csv(VECTORS / "data" / f"{data}.csv")
    if data == "bcg":
        return frame.select(g="trial", y="yi", se=pl.col("vi").sqrt())
    return frame.select(g="school", y=pl.col("y").cast(pl.Float64), se=pl.col("se").cast(pl.Float64))


def near(result: object, expected: object, relative: float = ITERATED) -> None:
    np.testing.assert_allclose(
        np.array(result, dtype=float), np.array(expected, dtype=float), rtol=relative, atol=1e-12
    )


@pytest.mark.parametrize(("name", "path", "level"), QUANTILES)
def test_models_of_the_references(path, name, level):
    data, priors = REFERENCES[name]
    truth = reference(name)
    [result] = PATHS[path](pool.components, studies(data), "y", "g", se="se", level=level, **priors).to_dicts()
    tau = truth["tau"]
    near([result["tau"], result["se_tau"], result["tau_median"]], [tau["mean"], tau["sd"], tau["q50"]])
    near(result["tau2"], tau["mean_tau2"])
    near(result["tau2_median"], tau["q50"] ** 2)
    for end, quantile in zip(("lower", "upper"), LEVELS[level], strict=True):
        near(result[f"tau_{end}"], tau[quantile])
        near(result[f"tau2_{end}"], tau[quantile] ** 2)
    for column, row in OF_NORMALS.items():
        expected = truth[row]
        near([result[column], result[f"se_{column}"]], [expected["mean"], expected["sd"]])
        near(result[f"{column}_median"], expected["q50"])
        near([result[f"{column}_{end}"] for end in ("lower", "upper")], [expected[q] for q in LEVELS[level]])
    if "uniform" in name:
        assert result["log_marginal"] is None
        assert result["bayes_factor"] is None
    else:
        near(result["log_marginal"], truth["log_marginal_likelihood"])
    assert result["converged"]


@pytest.mark.parametrize(("name", "path", "level"), QUANTILES)
def test_groups_of_the_references(path, name, level):
    data, priors = REFERENCES[name]
    truth = reference(name)["theta"]
    frame = studies(data)
    result = PATHS[path](pool.shrink, frame, "y", "g", se="se", level=level, **priors)
    result = frame.select("g").join(result, on="g", how="left", maintain_order="left")
    near(result["mean"], truth["y"])
    near(result["v"], truth["v"])
    near(result["weight"], truth["E_weight_on_own"])
    near(result["estimate"], truth["mean"])
    near(result["se"], truth["sd"])
    for end, quantile in zip(("lower", "upper"), LEVELS[level], strict=True):
        near(result[end], truth[quantile])


@pytest.mark.parametrize("path", PATHS)
def test_the_numbers_that_are_known(path):
    """Eight schools: means for a flat tau and a half-Cauchy, and the mean of log tau, which samplers get wrong."""
    schools = studies("eight_schools")
    run = PATHS[path]
    [flat] = run(pool.components, schools, "y", "g", se="se", tau2="uniform()").to_dicts()
    near([flat["tau"], flat["mu"]], [6.5754833467, 7.9323750182], 1e-10)
    theta = run(pool.shrink, schools, "y", "g", se="se", tau2="uniform()").sort("g")["estimate"]
    expected = [11.40026087, 7.89455228, 6.13074686, 7.64467862, 5.12642411, 6.13853624, 10.66698333, 8.45681783]
    near(theta, expected, 1e-9)
    [cauchy5] = run(pool.components, schools, "y", "g", se="se", tau2="half_cauchy(5)").to_dicts()
    near([cauchy5["tau"], cauchy5["mu"]], [3.6338672859, 7.8030208985], 1e-10)
    [sampled] = run(pool.components, schools, "y", "g", se="se", tau2="half_cauchy(5)", mu="normal(0, 5)").to_dicts()
    near(sampled["log_tau"], 0.8021392108, 1e-9)


# ---- where no reference is ------------------------------------------------------------------------------------------

NAMES = [*LOG_PRIORS, "jeffreys()", "uniform_shrinkage()", "dumouchel()"]
MUS = {"flat": (None, {}), "normal": ((3.0, 2.0), {"mu": "normal(3, 2)"}), "known": (6.0, {"mu": 6.0})}


@cache
def dense(prior: str, mu: str) -> Dense:
    schools = studies("eight_schools")
    return Dense(schools["y"].to_numpy(), schools["se"].to_numpy() ** 2, prior, MUS[mu][0])


def cells():
    """Every prior with every kind of mu; in SQL, which plans each call again, every prior with one, alternating."""
    kinds, engines = list(MUS), list(SQL_PATHS)
    every = [(path, prior, mu) for path in FRAME_PATHS for prior in NAMES for mu in kinds]
    return every + [(engines[i % 2], prior, kinds[i % 3]) for i, prior in enumerate(NAMES)]


@pytest.mark.share(2)
@pytest.mark.parametrize(("path", "prior", "mu"), cells())
def test_models_by_dense_matrices(path, prior, mu):
    truth = dense(prior, mu)
    [result] = PATHS[path](
        pool.components, studies("eight_schools"), "y", "g", se="se", tau2=prior, level=0.9, **MUS[mu][1]
    ).to_dicts()
    near([result["tau"], result["se_tau"]], truth.of_tau())
    near([result["tau2"], result["se_tau2"]], truth.of_tau(2))
    near(result["log_tau"], truth.mean(np.log(truth.nodes[0])))
    for i, name in ((-1, "mu"), (None, "new")):
        near([result[name], result[f"se_{name}"]], truth.moments(i))
        if name == "new" or mu != "known":
            ends = [result[f"{name}_{end}"] for end in ("lower", "median", "upper")]
            near(ends, [truth.quantile(i, p) for p in (0.05, 0.5, 0.95)])
            near(result[f"{name}_positive"], 1 - truth.below(i, 0.0))
    improper = prior in ("uniform()", "jeffreys()")
    assert (result["log_marginal"] is None) == improper
    if not improper:
        near(result["log_marginal"], truth.log_marginal, 1e-9)
        at_zero = Dense(truth.y, truth.v, "uniform()", truth.mu, reach=(-60.0, -50.0), points=2).at[0][0]
        near(result["bayes_factor"], np.exp(at_zero - truth.log_marginal))


@pytest.mark.parametrize("prior", ["half_cauchy(5)", "uniform(0, 20)", "jeffreys()", "dumouchel()"])
@pytest.mark.parametrize("path", [*FRAME_PATHS, "duckdb"])
def test_quantiles_of_tau_by_dense_matrices(path, prior):
    truth = dense(prior, "flat")
    [result] = PATHS[path](
        pool.components, studies("eight_schools"), "y", "g", se="se", tau2=prior, level=0.9
    ).to_dicts()
    for end, probability in (("lower", 0.05), ("median", 0.5), ("upper", 0.95)):
        near(truth.tau_below(result[f"tau_{end}"]), probability, 1e-9)


@pytest.mark.parametrize("mu", MUS)
@pytest.mark.parametrize("path", PATHS)
def test_groups_by_dense_matrices(path, mu):
    truth = dense("half_t(4, 5)", mu)
    result = PATHS[path](
        pool.shrink,
        studies("eight_schools"),
        "y",
        "g",
        se="se",
        tau2="half_t(4, 5)",
        level=0.8,
        threshold=4.0,
        **MUS[mu][1],
    ).sort("g")
    for i, group in enumerate(result.to_dicts()):
        near([group["estimate"], group["se"]], truth.moments(i))
        near([group["lower"], group["upper"]], [truth.quantile(i, p) for p in (0.1, 0.9)])
        near(group["p_above"], 1 - truth.below(i, 4.0))
        near(group["weight"], truth.mean(truth.nodes[0] ** 2 / (truth.nodes[0] ** 2 + truth.v[i])))


@pytest.mark.parametrize("mu", [2.0, 8.0])
@pytest.mark.parametrize("path", [*FRAME_PATHS, "duckdb"])
def test_few_groups_about_a_known_mu(path, mu):
    """Over log tau, the information about a group has a step near tau = 0, which coarse nodes would miss."""
    schools = studies("eight_schools").head(3)
    truth = Dense(schools["y"].to_numpy(), schools["se"].to_numpy() ** 2, "uniform()", mu, points=6001)
    result = PATHS[path](
        pool.shrink, schools, "y", "g", se="se", tau2="uniform()", mu=mu, level=0.5, threshold=mu + 0.1
    )
    for i, group in enumerate(result.sort("g").to_dicts()):
        near([group["estimate"], group["se"]], truth.moments(i))
        near([group["lower"], group["upper"]], [truth.quantile(i, p) for p in (0.25, 0.75)])
        near(group["p_above"], 1 - truth.below(i, mu + 0.1))


@pytest.mark.parametrize("path", PATHS)
def test_the_shortest_interval_is_dense_at_both_ends_alike(path):
    truth = dense("half_cauchy(5)", "flat")
    schools = studies("eight_schools")
    central = PATHS[path](pool.shrink, schools, "y", "g", se="se", tau2="half_cauchy(5)").sort("g")
    result = PATHS[path](pool.shrink, schools, "y", "g", se="se", tau2="half_cauchy(5)", interval="shortest").sort("g")
    for i, (lower, upper) in enumerate(result.select("lower", "upper").rows()):
        near(truth.below(i, upper) - truth.below(i, lower), 0.95, 1e-9)
        p, m, s = truth.parts(i)
        ends = [(p * np.exp(-0.5 * ((x - m) / s) ** 2) / s).sum() for x in (lower, upper)]
        near(ends[0], ends[1], 1e-6)
    width, widest = (frame["upper"] - frame["lower"] for frame in (result, central))
    assert (width < widest).all()


@pytest.mark.parametrize("path", PATHS)
def test_the_density_of_tau(path):
    truth = dense("half_cauchy(5)", "normal")
    grid = [0.5, 2.0, 8.0, 20.0]
    result = PATHS[path](
        pool.profile, studies("eight_schools"), "y", "g", se="se", tau2="half_cauchy(5)", mu="normal(3, 2)", tau=grid
    ).sort("tau")
    at = Dense(truth.y, truth.v, truth.prior, truth.mu)
    object.__setattr__(at, "nodes", (np.array(grid), np.ones(4), np.log(grid)))
    log = at.at[0] + LOG_PRIORS["half_cauchy(5)"](np.array(grid))
    near(result["density"], np.exp(log - truth.log_marginal))
    near(result["mu"], at.at[1][:, -1])
    near(result["se_mu"], np.sqrt(at.at[2][:, -1]))


# ---- rows -----------------------------------------------------------------------------------------------------------

ROWS = pl.DataFrame(
    {
        "g": ["a", "a", "b", "b", "b", "c", "d", "d", "d", "d"],
        "y": [11.0, 14.5, 9.0, 12.0, 10.0, 18.0, 7.5, 6.0, 9.0, 8.5],
    }
)
SIGMAS = {"jeffreys()": lambda sigma: -np.log(sigma), "half_cauchy(3)": lambda x: np.log(2) + cauchy(scale=3).logpdf(x)}


def of_rows() -> tuple[np.ndarray, np.ndarray, float, float]:
    result = ROWS.group_by("g").agg(
        pl.col("y").mean().alias("mean"), n=pl.len(), ss=(pl.col("y") - pl.col("y").mean()).pow(2).sum()
    )
    result = result.sort("g")
    return result["mean"].to_numpy(), 1 / result["n"].to_numpy(), result["ss"].sum(), ROWS.height - result.height


@pytest.mark.parametrize("path", PATHS)
def test_rows_with_the_pooled_sigma2(path):
    """sigma2 is treated as known: SSW / (N - J)."""
    y, over_n, squares, df = of_rows()
    truth = Dense(y, over_n * squares / df, "half_cauchy(5)")
    result = PATHS[path](pool.shrink, ROWS, "y", "g", tau2="half_cauchy(5)").sort("g")
    near(result["v"], truth.v)
    near(result["estimate"], [truth.moments(i)[0] for i in range(4)])
    near(result["se"], [truth.moments(i)[1] for i in range(4)])
    near(result["lower"], [truth.quantile(i, 0.025) for i in range(4)])
    near(result["upper"], [truth.quantile(i, 0.975) for i in range(4)])
    row = PATHS[path](pool.shrink, ROWS, "y", "g", tau2="half_cauchy(5)", predict="row").sort("g")
    near(row["se"], np.sqrt(result["se"].to_numpy() ** 2 + squares / df))
    stored = ROWS.group_by("g").agg(n=pl.len(), mean=pl.col("y").mean(), var=pl.col("y").var())
    again = PATHS[path](pool.shrink, stored, "mean", "g", n="n", var="var", tau2="half_cauchy(5)").sort("g")
    near(again["upper"], result["upper"], 1e-12)


@cache
def dense_of_rows(sigma: str) -> Dense:
    y, over_n, squares, df = of_rows()
    # 121 x 181 cells of smooth functions: accurate to about 1e-12
    return Dense(y, over_n, "half_cauchy(5)", None, SIGMAS[sigma], (squares, df), reach=(-28.0, 32.0), points=241)


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("path", FRAME_PATHS)
def test_rows_with_sigma2_integrated(path, sigma):
    truth = dense_of_rows(sigma)
    tau, sigmas, _ = truth.nodes
    options = {"tau2": "half_cauchy(5)", "sigma2": sigma, "level": 0.9}
    [result] = FRAME_PATHS[path](pool.components, ROWS, "y", "g", **options).to_dicts()
    near([result["tau"], result["se_tau"]], truth.of_tau())
    near(result["sigma2"], truth.mean(sigmas**2))
    near(result["se_sigma2"], np.sqrt(truth.mean((sigmas**2 - result["sigma2"]) ** 2)))
    near(result["icc"], truth.mean(tau**2 / (tau**2 + sigmas**2)))
    near([result["mu"], result["se_mu"]], truth.moments(-1))
    near([result["mu_lower"], result["mu_upper"]], [truth.quantile(-1, p) for p in (0.05, 0.95)])
    groups = FRAME_PATHS[path](pool.shrink, ROWS, "y", "g", **options, threshold=10.0).sort("g")
    near(groups["estimate"], [truth.moments(i)[0] for i in range(4)])
    near(groups["se"], [truth.moments(i)[1] for i in range(4)])
    near(groups["lower"], [truth.quantile(i, 0.05) for i in range(4)])
    near(groups["upper"], [truth.quantile(i, 0.95) for i in range(4)])
    near(groups["p_above"], [1 - truth.below(i, 10.0) for i in range(4)])
