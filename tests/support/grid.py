"""The grid of reference results: which file has the results of which estimator on which input, and how to read it.

A cell is one estimator on one data set. With `--full` every cell runs through every path of its input, so that each
number in vectors/ is compared with every engine (Polars in memory and streaming, NumPy, alternately the module and the
shell of DuckDB), with the DataFrame and the expression, with stored moments, and with one model among others. By
default every cell runs by one path of Polars, in NumPy and in one DuckDB, and every estimator by every path
(test_ways.py).
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import truth
import ways
from arrays import by_numpy
from frames import FRAME_PATHS, row_path
from frames import ROW_PATHS as POLARS_ROW_PATHS
from sqlpaths import SQL_PATHS

import polars_pool as pool

VECTORS = Path(__file__).parents[1] / "vectors"
CLOSED_FORM, ITERATED = 1e-12, 1e-8
ROUNDING = 1e-14  # relative to the data, for results that are small differences of them

ONEWAY = ("Dyestuff", "Dyestuff2", "Exam", "Penicillin_plate", "Rail", "radon")
META = ("bcg", "eight_schools", "konstantopoulos2011_flat", "raudenbush1985")
LIMMA = ("Dyestuff", "Exam", "radon", "sleepstudy")
METAFOR = ("DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
NIST = ("AtmWtAg", "SiRstv", "SmLs01", "SmLs02", "SmLs04", "SmLs05", "SmLs07")
INDEPENDENT = {  # no reference file has these; tests that compute them independently
    "cv": "test_truth_moments.test_cross_validation_is_really_refitting",
    "plugin": "test_truth_moments.test_plugin_is_the_variance_of_the_means",
    "chung": "truth.chung_tau2",
    "sure": "truth.sure_tau2",
    "morris": "truth.morris_weights",
    "js": "test_truth_james_stein.test_james_stein",  # reference results in another form
}


@dataclass(frozen=True)
class Cell:
    """One estimator on one data set, with the results of other software, as far as it reports them."""

    vector: str  # file of vectors/, without .json
    name: str  # name of the result in the file
    data: str
    by: str
    value: str
    options: dict
    truth: Callable[[], dict]
    tolerance: float
    columns: dict = field(default_factory=dict)  # weights=, se=, n=: names of columns

    def __str__(self) -> str:
        return f"{self.vector.partition('_')[2]}-{self.name}"

    @property
    def turn(self) -> int:
        """Its diagonal in the table of data sets by estimators, so that both meet every way (ways.py)."""
        vectors, names = ([getattr(cell, column) for cell in CELLS] for column in ("vector", "name"))
        return len({*vectors[: vectors.index(self.vector)]}) + len({*names[: names.index(self.name)]})

    @property
    def frame(self) -> pl.DataFrame:
        return read(self.data, self.by)

    @property
    def arguments(self) -> tuple[tuple, dict]:
        return (self.value, self.by), self.options | self.columns

    def close(self, got: float, want: float, scale: float = 0.0, tolerance: float | None = None) -> bool:
        tolerance = self.tolerance if tolerance is None else tolerance
        return math.isfinite(got) and abs(got - want) <= tolerance * abs(want) + ROUNDING * scale


@cache
def vector(name: str) -> dict:
    return json.loads((VECTORS / f"{name}.json").read_text())


@cache
def read(name: str, by: str) -> pl.DataFrame:
    return pl.read_csv(VECTORS / name, schema_overrides={by: pl.String})


def as_list(x) -> list:
    return x if isinstance(x, list) else [x]


# --- one-way random effects: lme4 ---


def oneway_likelihood(name: str, method: str) -> dict:
    """sigma2, tau2 and mu from the root of the score; dependent results from lmer, accurate to 1e-10."""
    result = vector(name)[method]
    score, groups = result["score_equation"], result["groups"]
    sigma2 = score["sigma2"]
    return {
        "sigma2": sigma2,
        "tau2": score["tau2"],
        "mu": score["mu"],
        "se_mu": result["se_mu"],
        "icc": score["tau2"] / (score["tau2"] + sigma2),
        "rows": {
            key: {
                "n": n,
                "mean": mean,
                "v": sigma2 / n,
                "weight": weight,
                "estimate": estimate,
                "se": math.sqrt(total),
                "conditional": math.sqrt(conditional),
            }
            for key, n, mean, weight, estimate, conditional, total in zip(*groups.values(), strict=True)
        },
    }


def oneway_anova(name: str) -> dict:
    """sigma2 and tau2 from R's analysis of variance; dependent results by the formulas of truth.py."""
    file = vector(name)
    table, groups = file["anova"], file["REML"]["groups"]
    sigma2, tau2 = table["MSW"], table["tau2_anova"]
    n, mean = np.array(groups["n"]), np.array(groups["mean"])
    v = sigma2 / n
    mu, se_mu = truth.centre("gls", mean, v, tau2, n)
    result = truth.shrunken(mean, v, tau2, mu, se_mu) | {"n": n, "mean": mean, "v": v}
    rows = {key: {k: result[k][j] for k in result} for j, key in enumerate(groups["group"])}
    icc = tau2 / (tau2 + sigma2)
    return {"sigma2": sigma2, "tau2": tau2, "mu": mu, "se_mu": se_mu, "icc": icc, "rows": rows}


def oneway_cells():
    for name in (f"oneway_{data}" for data in ONEWAY):
        file = vector(name)
        common = {"vector": name, "data": file["input"], "by": file["by"], "value": file["value"]}
        for method in ("REML", "ML"):
            read_truth = cache(lambda name=name, method=method: oneway_likelihood(name, method))
            yield Cell(name=method, options={"tau2": method.lower()}, truth=read_truth, tolerance=ITERATED, **common)
        read_truth = cache(lambda name=name: oneway_anova(name))
        yield Cell(name="anova", options={"tau2": "anova"}, truth=read_truth, tolerance=CLOSED_FORM, **common)


# --- Buehlmann-Straub credibility: actuar ---


def credibility(name: str) -> dict:
    """a is sigma2, b is tau2; Bichsel and Straub's pseudo-estimator is the root of pm at v = sigma2 / w."""
    file = vector("credibility_hachemeister")
    result = file[name]
    actual = result.get("iterative") or result["unbiased"]
    states = map(str, file["state"])
    columns = (result[column] for column in ("individual_means", "credibility", "premium"))
    return {
        "sigma2": as_list(actual["a"]["state"])[0],
        "tau2": as_list(actual["b"]["portfolio"])[0],
        "mu": result["collective_mean"],
        "rows": {
            key: {"n": 12, "mean": mean, "weight": z, "estimate": premium}
            for key, mean, z, premium in zip(states, *columns, strict=True)
        },
    }


def credibility_cells():
    file = vector("credibility_hachemeister")
    for name, tau2 in [
        ("straub_Buhlmann-Gisler", "anova"),
        ("straub_Ohlsson", "anova"),
        ("straub_iterative", "pm"),
        ("straub_iterative", "eb"),
        ("buhlmann_unweighted", "anova"),
    ]:
        yield Cell(
            vector="credibility_hachemeister",
            name=f"{name}-{tau2}",
            data=file["input"],
            by=file["by"],
            value=file["value"],
            options={"tau2": tau2},
            truth=cache(lambda name=name: credibility(name)),
            tolerance=CLOSED_FORM if tau2 == "anova" else ITERATED,
            columns={} if name == "buhlmann_unweighted" else {"weights": file["weights"]},
        )


# --- published estimates: metafor ---


@cache
def studies(name: str) -> tuple[pl.DataFrame, str]:
    """Estimate y, standard error se and, where reported, size n of every study, and the name of its key."""
    file = vector(name)
    frame = read(file["input"], file["by"])
    if "vi" in frame.columns:
        frame = frame.rename({"yi": "y"}).with_columns(se=pl.col("vi").sqrt())
    return frame.rename({"ni": "n"}) if "ni" in frame.columns else frame, file["by"]


def metafor(name: str, method: str) -> dict:
    """tau2, mu and its error; the BLUPs and their errors, if reported; and the error of the random effects.

    metafor's ranef se is that of theta - mu: weight v + weight^2 se_mu^2, so it fixes the conditional se.
    """
    result = vector(name)["results"][method]
    frame, by = studies(name)
    v = frame["vi"] if "vi" in frame.columns else frame["se"] ** 2
    rows = {key: {"mean": y, "v": v} for key, y, v in zip(frame[by], frame["y"], v, strict=True)}
    if "blup" in result:
        actual = zip(result["blup"]["pred"], result["blup"]["se"], result["ranef"]["se"], strict=True)
        for row, (estimate, se, effect_se) in zip(rows.values(), actual, strict=True):
            row |= {"estimate": estimate, "se": se, "effect_se": effect_se}
    if method in ("EE", "FE"):
        for row in rows.values():
            row |= {"weight": 0.0, "estimate": result["beta"][0], "se": result["se"][0], "conditional": 0.0}
    return {"tau2": result["tau2"], "mu": result["beta"][0], "se_mu": result["se"][0], "rows": rows}


def meta_cells():
    for name in (f"meta_{data}" for data in META):
        file = vector(name)
        common = {"vector": name, "data": file["input"], "by": file["by"], "value": "y"}
        for method in [*METAFOR, "EE", "FE", "GENQ_w_n"]:
            if method not in file["results"]:
                continue
            options, columns = {"tau2": method.lower()}, {"se": "se"}
            if method in ("EE", "FE"):
                options = {"tau2": 0}
            if method == "GENQ_w_n":  # metafor uses weights= in the moment equation and in mu
                options, columns = {"tau2": "anova", "mu": "rows"}, {"se": "se", "n": "n"}
            iterated = method in ("ML", "REML", "EB", "PM", "PMM")
            yield Cell(
                name=method,
                options=options,
                truth=cache(lambda name=name, method=method: metafor(name, method)),
                tolerance=ITERATED if iterated else CLOSED_FORM,
                columns=columns,
                **common,
            )


ROW_CELLS = [*oneway_cells(), *credibility_cells()]
META_CELLS = list(meta_cells())
CELLS = [*ROW_CELLS, *META_CELLS]


# --- paths ---


def _run(verb, frame, *arguments, **options):
    return verb(frame, *arguments, **options)


def from_moments(verb, frame, value, by, *, weights=None, run=_run, **options):
    """Compute stored moments from rows, then run the verb on the moments alone."""
    stored = run(pool.moments, frame, value, by, weights=weights)
    weighted = {} if weights is None else {"weights": "w"}
    return run(verb, stored, "mean", by, n="n", var="var", **weighted, **options)


def from_parts(verb, frame, value, by, *, weights=None, run=_run, **options):
    """The stored moments of three parts of the rows, concatenated: equal keys merge."""
    parts = [frame.filter(pl.int_range(pl.len()) % 3 == part) for part in range(3)]
    stored = pl.concat([run(pool.moments, part, value, by, weights=weights) for part in parts])
    weighted = {} if weights is None else {"weights": "w"}
    return run(verb, stored, "mean", by, n="n", var="var", **weighted, **options)


def among_others(verb, frame, value, by, **options):
    """The data as one of three models of a query, with their mirror image and the first two thirds of their rows."""
    frame = frame.with_columns(pl.col(value).cast(pl.Float64))
    mirrored = frame.with_columns(pl.col(value) * -2.5)
    models = [mirrored, frame, frame.head(2 * frame.height // 3)]
    stacked = pl.concat([model.with_columns(model=pl.lit(i)) for i, model in enumerate(models)])
    result = verb(stacked.lazy(), value, by, over="model", **options).collect(engine="streaming")
    return result.filter(pl.col("model") == 1).drop("model")


def asked_for(cell):
    """The data of a cell as input of the verbs."""
    return studies(cell.vector)[0] if "se" in cell.columns else cell.frame


def in_one_query(engine, verb, cell, **more):
    """The part of a cell in one query for all data sets with the same options, because SQL queries are slow to plan."""
    alike = tuple(other for other in map(str, CELLS) if _question(other) == _question(str(cell)))
    result = _answers(engine, verb, alike, **more)
    return result.filter(pl.col("set") == str(cell)).drop("set").rename({"key": cell.by}, strict=False)


@cache
def _question(name):
    [cell] = (cell for cell in CELLS if str(cell) == name)
    return cell.options, cell.columns


@cache
def _answers(engine, verb, names, moments=False, **more):
    cells, parts = [cell for cell in CELLS if str(cell) in names], []
    for cell in cells:
        given = [pl.col(name).cast(pl.Float64) for name in cell.columns.values()]
        value = pl.col(cell.value).cast(pl.Float64).alias("value")
        parts.append(
            asked_for(cell).select(pl.lit(str(cell)).alias("set"), pl.col(cell.by).alias("key"), value, *given)
        )
    frame, run, value, arguments = pl.concat(parts), SQL_PATHS[engine], "value", cells[0].options | cells[0].columns
    if moments:
        weights = arguments.pop("weights", None)
        frame, value = run(pool.moments, frame, value, ["set", "key"], weights=weights), "mean"
        arguments |= {"n": "n", "var": "var"} | ({} if weights is None else {"weights": "w"})
    return run(verb, frame, value, "key", over="set", **arguments, **more)


def alone(cells):
    """Pairs (engine, cell) to run as a single model: every estimator in one engine, in both with `--full`."""
    pairs = []
    for place, name in enumerate(dict.fromkeys(cell.name for cell in cells)):
        same = [cell for cell in cells if cell.name == name]
        both = [(engine, same[(place + 2 * step) % len(same)]) for step, engine in enumerate(SQL_PATHS)]
        pairs += ways.share(both, of=2, start=place)
    return pairs


def by_turns(cells, paths):
    """Pairs (cell, path): every cell by every path, but alternating between the two versions of DuckDB."""
    names, engines = list(dict.fromkeys(cell.name for cell in cells)), list(SQL_PATHS)
    return [
        (cell, path)
        for cell in cells
        for path in paths
        if path not in engines or engines.index(path) == names.index(cell.name) % 2
    ]


ENGINES = {name: FRAME_PATHS[name] for name in ("in-memory", "streaming")} | {"NumPy": by_numpy} | SQL_PATHS
PUBLISHED_PATHS = {"DataFrame": FRAME_PATHS["DataFrame"], "over": among_others} | ENGINES
ROWS_PATHS = PUBLISHED_PATHS | {"moments": from_moments, "merged moments": from_parts}
ROW_PATHS = POLARS_ROW_PATHS | {"encode in duckdb": row_path(SQL_PATHS["duckdb"])}


def pooled(path, cell, uncertainty="mu"):
    """The result of `shrink` for a cell by a path; one model per query, except in SQL."""
    return _asked(path, pool.shrink, cell, uncertainty=uncertainty)


def fitted(path, cell, **more):
    """The result of `components` for a cell by a path; one model per query, except in SQL."""
    return _asked(path, pool.components, cell, **more)


def _asked(path, verb, cell, **more):
    if path in SQL_PATHS:
        return in_one_query(path, verb, cell, **more)
    arguments, options = cell.arguments
    run = (ROWS_PATHS | PUBLISHED_PATHS)[path]
    return run(verb, asked_for(cell), *arguments, **options, **more)
