"""Means beside predictors of their groups against metafor's moderators, and against lme4 on rows."""

import re
from collections.abc import Callable
from functools import cache

import grid
import numpy as np
import polars as pl
import pytest
from grid import ITERATED, among_others, vector

import polars_pool as pool

PUBLISHED = {
    "metareg_bcg_ablat": ["ablat"],
    "metareg_bcg_ablat_year": ["ablat", "year"],
    "metareg_radon_uranium": ["log_uranium"],
    "metareg_raudenbush1985_weeks": ["weeks"],
}
METHODS = ("REML", "ML", "DL", "HE", "HS", "SJ", "PM", "EB")
Q_PROFILE = ("REML", "DL", "SJ", "PM", "EB")  # of ml our interval is that of the profile likelihood only on rows
SQUARE = (pl.col("log_uranium") ** 2).alias("I(log_uranium^2)")
ROWS = {
    "toward_radon_uranium": {"toward": "log_uranium"},
    "toward_radon_uranium_weighted": {"toward": "log_uranium", "weights": 1.0 + pl.int_range(919) % 3},
    "toward_radon_uranium_squared": {"toward": ["log_uranium", SQUARE]},
    "toward_Exam_schgend": {"toward": "schgend"},
    "toward_Exam_schavg_schgend": {"toward": ["schavg", "schgend", pool.interaction("schavg", "schgend")]},
}
LIKELIHOODS = ("REML", "ML")


def eager(verb, frame, *args, **options):
    return verb(frame, *args, **options)


def lazily(engine):
    return lambda verb, frame, *args, **options: verb(frame.lazy(), *args, **options).collect(engine=engine)


def by_namespace(verb, frame, *args, **options):
    return getattr(frame.pool, verb.__name__)(*args, **options)


PATHS: dict[str, Callable] = {
    "DataFrame": eager,
    "in-memory": lazily("in-memory"),
    "streaming": lazily("streaming"),
    "namespace": by_namespace,
    "over": among_others,
}
paths = pytest.mark.parametrize("path", PATHS)


def close(got, want, tolerance: float = ITERATED) -> None:
    """Assert closeness of a number, or of numbers relative to the largest of them."""
    got, want = np.array(got, dtype=float), np.array(want, dtype=float)
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= tolerance * np.abs(want).max(), (got, want)


def close_one_by_one(got, want, tolerance: float = ITERATED) -> None:
    for one, other in zip(got, want, strict=True):
        close(one, other, tolerance)


def term(name: str) -> str:
    """The name of a term: R writes the level of a factor directly behind its name."""
    return "intercept" if name == "(Intercept)" else re.sub(r"\b(schgend)([^:]+)", r"\1[\2]", name)


# ---- published estimates: metafor -----------------------------------------------------------------------------------


@cache
def trials(name: str) -> tuple[pl.DataFrame, str]:
    """Estimates y with their errors and predictors, in the order of metafor, and the name of the key."""
    file = vector(name)
    frame = grid.read(file["input"], file["by"])
    if "log_radon" in frame.columns:
        means = frame.group_by(file["by"]).agg(pl.col("log_radon").mean(), pl.len(), pl.col("log_uranium").first())
        frame = means.sort(file["by"]).rename({"log_radon": "yi"}).with_columns(vi=0.6 / pl.col("len"))
    return frame.with_columns(pl.col("yi").alias("y"), se=pl.col("vi").sqrt()), file["by"]


def of_trials(path: str, verb, name: str, method: str, **options) -> pl.DataFrame:
    frame, by = trials(name)
    arguments = {"se": "se", "by": by, "toward": PUBLISHED[name], "tau2": method.lower()}
    result = PATHS[path](verb, frame, "y", **arguments, **options)
    if verb is not pool.shrink:
        return result
    order = [key for key in frame[by] if "groups" not in options]
    order += [f"new {key}" for key in frame[by]] if "groups" in options else []
    return pl.DataFrame({by: order}).join(result, on=by, how="left", maintain_order="left")


@paths
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.one_way
def test_against_metafor(name, method, path):
    want = vector(name)["results"][method]
    got = of_trials(path, pool.components, name, method).row(0, named=True)
    likelihood = want["logLik_reml" if method == "REML" else "logLik_ml"]
    names = {"tau2": "tau2", "se_tau2": "se_tau2", "q": "QE", "q_p": "QEp", "qm": "QM", "qm_p": "QMp", "i2": "I2"}
    names |= {"h2": "H2", "r2": "R2"}
    for ours, theirs in names.items():
        close(got[ours], want[theirs])
    close(got["log_likelihood"], likelihood)
    if method in Q_PROFILE:
        close(got["tau2_lower"], want["confint_tau2"][1])
        close(got["tau2_upper"], want["confint_tau2"][2])

    terms = of_trials(path, pool.coefficients, name, method)
    assert terms["term"].to_list() == ["intercept", *PUBLISHED[name]]
    for ours, theirs in {"estimate": "beta", "se": "se", "p": "pval", "lower": "ci_lb", "upper": "ci_ub"}.items():
        close_one_by_one(terms[ours], want[theirs])
    covariance = of_trials(path, pool.coefficients, name, method, covariance=True)
    close_one_by_one(covariance["covariance"], np.ravel(want["vb"]))

    groups = of_trials(path, pool.shrink, name, method)
    for ours, theirs in (("estimate", "blup"), ("fit", "fitted")):
        close(groups[ours], want[theirs]["pred"])
    close_one_by_one(groups["se"], want["blup"]["se"])
    close_one_by_one(groups["se_fit"], want["fitted"]["se"])


@paths
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.one_way
def test_knapp_and_hartung_against_metafor(name, method, path):
    want = vector(name)["results"][method]["knha"]
    got = of_trials(path, pool.components, name, method, test="knha").row(0, named=True)
    close(got["qm"], want["QM"])
    close(got["qm_p"], want["QMp"])
    terms = of_trials(path, pool.coefficients, name, method, test="knha")
    for ours, theirs in {"se": "se", "p": "pval", "lower": "ci_lb", "upper": "ci_ub"}.items():
        close_one_by_one(terms[ours], want[theirs])
    assert set(terms["df"]) == {want["df"]}


@pytest.mark.parametrize("path", [path for path in PATHS if path != "over"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.one_way
def test_new_groups_against_metafors_prediction(name, method, path):
    """Its prediction interval is that of a new group with the same predictors."""
    frame, by = trials(name)
    new = frame.select((pl.lit("new ") + pl.col(by)).alias(by), *PUBLISHED[name])
    got = of_trials(path, pool.shrink, name, method, groups=new)
    want = vector(name)["results"][method]
    close(got["estimate"], want["fitted"]["pred"])
    for ours, theirs in {"lower": "pi_lb", "upper": "pi_ub"}.items():
        close(got[ours], want["predict"][theirs])
    assert (set(got["weight"]), got["mean"].null_count()) == ({0.0}, got.height)


# ---- rows: lme4 -----------------------------------------------------------------------------------------------------


def of_rows(path: str, verb, name: str, method: str, **options) -> pl.DataFrame:
    file = vector(name)
    frame = grid.read(file["input"], file["by"])
    arguments = dict(ROWS[name])
    if "weights" in arguments:  # the rows of a model among others keep theirs
        frame, arguments["weights"] = frame.with_columns(w=arguments["weights"]), "w"
    return PATHS[path](verb, frame, file["value"], by=file["by"], tau2=method.lower(), **arguments, **options)


@paths
@pytest.mark.parametrize("method", LIKELIHOODS)
@pytest.mark.parametrize("name", ROWS)
@pytest.mark.one_way
def test_against_lme4(name, method, path):
    want = vector(name)[method]
    got = of_rows(path, pool.components, name, method).row(0, named=True)
    for ours, theirs in {"sigma2": "sigma2", "tau2": "tau2", "n": "n_obs"}.items():
        close(got[ours], want[theirs], 1e-9)
    # As stored moments hold no logs of weights, our likelihood leaves them out, that without predictors too.
    logs = np.log(np.resize([1, 2, 3], 919)).sum() if name.endswith("weighted") else 0.0
    close(got["log_likelihood"], want["logLik"] - logs / 2, 1e-9)
    close(got["aic"], 2 * (len(want["fixef"]) + 2) - 2 * got["log_likelihood"], 1e-15)

    terms = of_rows(path, pool.coefficients, name, method)
    order = [terms["term"].to_list().index(term(other)) for other in want["fixef"]]
    close(terms["estimate"].gather(order), [*want["fixef"].values()], 1e-9)
    covariance = of_rows(path, pool.coefficients, name, method, covariance=True)["covariance"].to_numpy()
    close(covariance.reshape(len(order), -1)[np.ix_(order, order)], want["vcov_fixef"], 1e-9)

    conditional = of_rows(path, pool.shrink, name, method, uncertainty="conditional")
    of_group = conditional.select(pl.first().alias("key"), "estimate", "fit", "se")
    groups = pl.DataFrame({"key": want["ranef"]["group"]}).join(of_group, on="key", how="left", maintain_order="left")
    close(groups["estimate"] - groups["fit"], want["ranef"]["u"])
    close_one_by_one(groups["se"] ** 2, want["ranef"]["condVar"])


@pytest.mark.parametrize("method", LIKELIHOODS)
def test_radon_to_nine_digits(method):
    """The root of the derivative of the profile, which 40 digits confirm; independent of lme4."""
    want = {
        "REML": (0.5901276697338778, 0.012512901322867242, 1.369411923257354, 0.6956759444006547),
        "ML": (0.5902663448386994, 0.010279651900064933, 1.3688209651593266, 0.6976043978823573),
    }[method]
    got = of_rows("DataFrame", pool.components, "toward_radon_uranium", method).row(0, named=True)
    terms = of_rows("DataFrame", pool.coefficients, "toward_radon_uranium", method)
    close_one_by_one([got["sigma2"], got["tau2"], *terms["estimate"]], want, 1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_rows_with_a_known_variance_against_metafor(method):
    """Counties of a known sigma2 are estimates with v = sigma2 / n."""
    want = vector("metareg_radon_uranium")["results"][method]
    radon = grid.read("data/radon.csv", "county")
    known = {"by": "county", "toward": "log_uranium", "tau2": method.lower(), "sigma2": 0.6}
    got = pool.components(radon, "log_radon", **known).row(0, named=True)
    for ours, theirs in {"tau2": "tau2", "se_tau2": "se_tau2", "q": "QE", "qm": "QM", "r2": "R2", "i2": "I2"}.items():
        close(got[ours], want[theirs])
    close(pool.shrink(radon, "log_radon", **known)["estimate"], want["blup"]["pred"])
    close_one_by_one(pool.shrink(radon, "log_radon", **known)["se"], want["blup"]["se"])


# ---- the grid -------------------------------------------------------------------------------------------------------


def test_the_size_of_the_grid():
    """Four data sets by eight estimators of metafor, five by two of lme4: every file, every result, every path."""
    files = {path.stem for path in grid.VECTORS.glob("*.json")}
    assert set(PUBLISHED) == {name for name in files if name.startswith("metareg_")}
    assert set(ROWS) == {name for name in files if name.startswith("toward_")}
    assert all(set(vector(name)["results"]) == set(METHODS) for name in PUBLISHED)
    assert set(pool.formulas.meta_regression.TAU2) == {method.lower() for method in METHODS}
    assert (len(PUBLISHED), len(ROWS), len(PATHS)) == (4, 5, 5)
