"""Error messages in SQL are those of Python: equal calls in both languages, in the module and the shell.

Each call is written once and runs twice: in Polars, and as a call of the table macro. Whole messages are compared,
after words that differ between the languages are exchanged: types, true, NULL, a frame.
"""

import math
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import polars as pl
import pytest
import shells
import ways

import polars_pool as pool
from polars_pool import arguments
from polars_pool.formulas import registry
from polars_pool.models import refuse
from polars_pool.rendering.formulas import formulas as rendered_formulas

ROWS = pl.DataFrame(
    {
        "school": [1, 1, 2, 2, 3, 3],
        "state": ["a", "a", "b", "b", "a", "a"],
        "year": [2020, 2021] * 3,
        "score": [1.0, 3.0, 5.0, 8.0, 2.0, 2.5],
        "load": [1.0, 2.0, 1.0, 1.0, 3.0, 1.0],
    }
)
STATES = pl.DataFrame({"school": [1, 2, 3], "centre": [2.0, 6.0, 3.0], "size": [2, 3, 4], "spread": [1.0, 2.0, 1.5]})
STUDIES = pl.DataFrame({"school": [1, 2, 3], "effect": [2.0, 6.0, 3.0], "error": [1.0, 2.0, 1.5], "size": [5, 6, 7]})

# A column of each type that is not numeric: its name and its literal in Polars and in DuckDB.
KINDS = {
    "text": ("String", "VARCHAR", "'1'"),
    "date": ("Date", "DATE", "DATE '2020-01-01'"),
    "moment": ("Datetime(time_unit='us', time_zone=None)", "TIMESTAMP", "TIMESTAMP '2020-01-01 12:00:00'"),
    "clock": ("Time", "TIME", "TIME '12:00:00'"),
    "span": ("Duration(time_unit='us')", "INTERVAL", "INTERVAL 1 DAY"),
    "list": ("List(Float64)", "DOUBLE[]", "[1.0::DOUBLE]"),
}
TYPES = {
    "text": pl.String,
    "date": pl.Date,
    "moment": pl.Datetime("us"),
    "clock": pl.Time,
    "span": pl.Duration("us"),
    "list": pl.List(pl.Float64),
}
COLUMNS = ("n", "var", "se", "weights", "over")  # arguments that are columns


class Call(NamedTuple):
    """A call of a verb, for Python and for SQL."""

    verb: str
    table: str
    value: str
    by: Any
    options: dict[str, Any]

    def python(self) -> pl.DataFrame:
        return getattr(pool, self.verb)(TABLES[self.table], self.value, self.by, **self.options)

    def sql(self) -> str:
        verb, options = self.verb, dict(self.options)
        arguments = [self.table, quoted(self.value), keys(self.by)]
        if verb == "moments" and "weights" in options:
            verb, _ = "weighted_moments", arguments.append(quoted(options.pop("weights")))
        arguments += [f"{quoted(name)} := {written(name, given)}" for name, given in options.items()]
        return f"FROM pool_{verb}({', '.join(arguments)})"


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(given: Any) -> str:
    if given is None or isinstance(given, bool):
        return str(given).upper().replace("NONE", "NULL")
    if isinstance(given, str):
        return "'" + given.replace("'", "''") + "'"
    if isinstance(given, float) and not math.isfinite(given):
        return f"'{given}'::DOUBLE"
    return repr(given)


def keys(given: str | list[str]) -> str:
    return quoted(given) if isinstance(given, str) else f"COLUMNS([{', '.join(map(literal, given))}])"


def written(name: str, given: Any) -> str:
    return literal(given) if name not in COLUMNS else keys(given) if name == "over" else quoted(given)


def many(count: int) -> pl.DataFrame:
    """Rows with this number of bad weights, and one more bad weight in a row that is ignored."""
    return pl.DataFrame(
        {
            "school": [1, 2, *[1] * count, 2],
            "score": [1.0, 2.0, *[3.0] * count, None],
            "load": [1.0, 2.0, *[-1.0] * count, math.nan],
        }
    )


def one_bad(frame: pl.DataFrame, column: str, bad: float | None) -> pl.DataFrame:
    return frame.with_columns(pl.Series(column, [*frame[column].cast(pl.Float64)[:-1], bad], dtype=pl.Float64))


MODEL_COLUMNS = ("groups", "n", "sigma2", "tau2", "mu", "se_mu", "icc", "q", "lrt_p", "converged")
BAD = {"nan": math.nan, "infinite": math.inf, "negative": -1.0, "missing": None}
STATISTICS = (
    {"groups": "BIGINT", "n": "BIGINT"}
    | dict.fromkeys(("sigma2", "tau2", "mu", "se_mu", "icc", "df_prior", "sigma2_prior"), "DOUBLE")
    | {"converged": "BOOLEAN"}
)
TABLES = {
    "rows": ROWS,
    "no_rows": ROWS.clear(),
    "states": STATES,
    "no_states": STATES.clear(),
    "studies": STUDIES,
    "no_studies": STUDIES.clear(),
    "kinds": pl.DataFrame(schema={"school": pl.Int64, "score": pl.Float64, "n": pl.Int64} | TYPES),
    "bad_load_1": many(1),
    "bad_load_1234": many(1234),
    "bad_score_nan": one_bad(ROWS, "score", math.nan),
    "bad_score_infinite": one_bad(ROWS, "score", -math.inf),
    "bad_size_fraction": one_bad(STATES, "size", 2.5),
    **{
        f"bad_{column}_{kind}": one_bad(STATES, column, bad)
        for column in ("size", "spread")
        for kind, bad in BAD.items()
    },
    **{f"bad_error_{kind}": one_bad(STUDIES, "error", bad) for kind, bad in BAD.items() if kind != "infinite"},
    **{f"bad_count_{kind}": one_bad(STUDIES, "size", bad) for kind, bad in BAD.items()},
    **{
        f"key_{name}": ROWS.rename({"school": name, "year": "mean" if name == "groups" else "groups"})
        for name in ("n", "mean", "v", "weight", "estimate", "se", "lower", "upper", "var", "w", "groups")
    },
    "key_noncoverage": ROWS.rename({"school": "noncoverage"}),
    **{f"model_{name}": ROWS.rename({"year": name}) for name in ("n", "weight", "upper", *MODEL_COLUMNS)},
}

pytestmark = pytest.mark.every_way
every_engine = pytest.mark.parametrize("engine", shells.ENGINES)


def row(values: tuple[Any, ...]) -> str:
    return f"({', '.join(literal(value) for value in values)})"


NAMES = {
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.String: "VARCHAR",
} | {TYPES[kind]: KINDS[kind][1] for kind in TYPES}


def created(name: str, frame: pl.DataFrame) -> str:
    columns = ", ".join(f"{quoted(column)} {NAMES[dtype]}" for column, dtype in frame.schema.items())
    filled = f"INSERT INTO {name} VALUES {', '.join(map(row, frame.rows()))};" if frame.height else ""
    return f"CREATE TABLE {name} ({columns});\n{filled}\n"


SETUP = "".join(created(name, frame) for name, frame in TABLES.items())


def shrink(table: str, value: str, by: Any = "school", **options: Any) -> Call:
    return Call("shrink", table, value, by, options)


def components(table: str, value: str, by: Any = "school", **options: Any) -> Call:
    return Call("components", table, value, by, options)


def encode(table: str, value: str, by: Any = "school", **options: Any) -> Call:
    return Call("encode", table, value, by, options)


def moments(table: str, value: str, by: Any = "school", **options: Any) -> Call:
    return Call("moments", table, value, by, options)


# ---- the calls -------------------------------------------------------------------------------------------------------

TYPOS = {
    "tau2": ["remll", "REML", "anovaa", "plug-in", "hskk", "xyzzy", "", "dl2", "restricted maximum likelihood"],
    "sigma2": ["poled", "Separate", "known"],
    "mu": ["glss", "row", "Groups", "shrunken", "mean"],
    "nan": ["nul", "eror", "drop"],
    "uncertainty": ["conditionel", "Mu", "none"],
    "predict": ["rows", "Mean", "estimate"],
    "interval": ["rbust", "Robust", "norm", ""],
}
NO_NUMBERS = {
    "tau2": [-1, -0.25, math.nan, math.inf, True, None, [1.0]],
    "sigma2": [-1, -2.5, math.nan, -math.inf, False, None, [1.0]],
    "mu": [math.nan, math.inf, -math.inf, True, None, [1.0]],
    "threshold": [math.nan, math.inf, True, "10", [1.0]],
    "level": [0, 1, -0.5, 95, 33.3, 1.5, 250, math.nan, math.inf, True, None, "0.95", [0.5]],
}
MISFITS = [
    shrink("rows", "score", weights="load", tau2="cv"),
    shrink("rows", "score", sigma2="separate", tau2="cv"),
    shrink("rows", "score", sigma2=2.0, tau2="cv"),
    shrink("states", "centre", var="spread"),
    shrink("states", "centre", n="size"),
    shrink("states", "centre", n="size", var="spread", weights="size", tau2="cv"),
    shrink("states", "centre", n="size", var="spread", se="spread"),
    shrink("studies", "effect", se="error", weights="size"),
    shrink("studies", "effect", se="error", sigma2=2.0),
    shrink("studies", "effect", se="error", sigma2="separate"),
    shrink("studies", "effect", se="error", tau2="cv"),
    shrink("studies", "effect", se="error", n="size", tau2="cv"),
    shrink("studies", "effect", se="error", tau2="anova"),
    shrink("studies", "effect", se="error", mu="rows"),
    shrink("studies", "effect", se="error", mu="shrunk"),
]
KEYS = [
    shrink("rows", "score", "school", over="school"),
    shrink("rows", "score", ["school", "state"], over=["state", "year"]),
    encode("rows", "score", "school", over="school"),
    components("rows", "score", "school", over="school"),
    *(
        shrink(f"key_{name}", "score", name)
        for name in ("n", "mean", "v", "weight", "estimate", "se", "lower", "upper")
    ),
    *(shrink(f"model_{name}", "score", over=name) for name in ("n", "weight", "upper")),
    shrink("model_upper", "score", ["state", "upper"]),
    *(shrink(f"key_{name}", "score", name, interval="robust") for name in ("v", "noncoverage")),
    *(components(f"model_{name}", "score", over=name) for name in MODEL_COLUMNS),
    *(moments(f"key_{name}", "score", name) for name in ("n", "mean", "var")),
    moments("key_w", "score", "w", weights="load"),
]
WRONG_QUESTIONS = [
    {"test": "knh"},
    {"limits": "Q"},
    {"limits": "profile", "tau2": "dl"},
    {"level": 95},
]
FROM_ARGUMENTS = [
    *(shrink("rows", "score", **{role: given}) for role, typos in TYPOS.items() for given in typos),
    *(shrink("rows", "score", **{role: given}) for role, numbers in NO_NUMBERS.items() for given in numbers),
    *(verb("rows", "score", tau2="remll") for verb in (components, encode)),
    *(components("rows", "score", **wrong) for wrong in WRONG_QUESTIONS),
    *(verb("rows", "score", nan="nul") for verb in (components, encode, moments)),
    *MISFITS,
    *(components(call.table, call.value, **call.options) for call in MISFITS[::3]),
    encode("rows", "score", weights="load", tau2="cv"),
    shrink("studies", "effect", se="error", predict="row"),
    shrink("rows", "score", tau2="cv", uncertainty="tau2"),
    shrink("rows", "score", tau2="plugin", uncertainty="tau2", predict="rows"),
    *(shrink("kinds", kind) for kind in KINDS),
    *(verb("kinds", kind) for kind in ("text", "date") for verb in (components, encode, moments)),
    *(shrink("kinds", "score", weights=kind) for kind in KINDS),
    *(shrink("kinds", "score", se=kind) for kind in ("text", "span")),
    *(shrink("kinds", "score", n=kind, var="score") for kind in ("text", "moment")),
    *(shrink("kinds", "score", n="n", var=kind) for kind in ("text", "list")),
    *(moments("kinds", "score", weights=kind) for kind in ("text", "date")),
    *KEYS,
    # two errors: both languages report the first one of a fixed order
    shrink("rows", "state", tau2="remll"),
    shrink("rows", "score", over="school", tau2="remll"),
    shrink("rows", "score", tau2=-1, mu="glss"),
    shrink("rows", "score", weights="load", tau2="cv", level=2),
    shrink("rows", "score", level=2, uncertainty="none"),
    shrink("rows", "score", level=2, interval="none"),
    shrink("rows", "score", level=2, interval="robust"),
]
FROM_DATA = [
    *(
        verb(f"bad_load_{n}", "score", weights="load")
        for n in (1, 1234)
        for verb in (shrink, components, encode, moments)
    ),
    *(
        verb(f"bad_score_{kind}", "score")
        for kind in ("nan", "infinite")
        for verb in (shrink, components, encode, moments)
    ),
    shrink("bad_score_nan", "score", over="year"),
    shrink("bad_score_nan", "score", weights="load"),
    *(
        verb(f"bad_{column}_{kind}", "centre", n="size", var="spread")
        for column in ("size", "spread")
        for kind in (*BAD, *(["fraction"] if column == "size" else []))
        for verb in (shrink, components)
    ),
    *(
        verb(f"bad_error_{kind}", "effect", se="error")
        for kind in BAD
        if kind != "infinite"
        for verb in (shrink, components)
    ),
    *(shrink(f"bad_count_{kind}", "effect", se="error", n="size") for kind in BAD if kind != "missing"),
    shrink("bad_count_missing", "effect", se="error", n="size", tau2="anova"),
    shrink("bad_count_missing", "effect", se="error", n="size", mu="rows"),
]
EMPTY = {"rows": "no_rows", "states": "no_states", "studies": "no_studies"}
ON_EMPTY = [call._replace(table=EMPTY[call.table]) for call in FROM_ARGUMENTS if call.table in EMPTY][::5]
CALLS = [*FROM_ARGUMENTS, *FROM_DATA, *ON_EMPTY]

WORDS = {"True": "true", "False": "false", "None": "NULL"} | {polars: duck for polars, duck, _ in KINDS.values()}


def sentence_of_python(call: Call) -> str:
    with pytest.raises((ValueError, TypeError, pl.exceptions.PolarsError)) as error:
        call.python()
    text = str(error.value)
    for own, other in WORDS.items():
        text = re.sub(rf"(?<=[ =]){re.escape(own)}(?=;| ?$)", other, text)
    return text


def in_turn(engine: str, cases: Iterable[Any]) -> list[Any]:
    """The cases of an engine: every second one, and without `--full` every sixteenth."""
    return ways.share(list(cases)[shells.ENGINES.index(engine) :: 2], of=8)


@cache
def said(engine: str) -> dict[str, str]:
    """The sentence that refuses each call; the two engines take the calls in turn."""
    calls = in_turn(engine, CALLS)
    result = shells.answers(engine, [call.sql() for call in calls], SETUP)
    for call, answer in zip(calls, result, strict=True):
        assert isinstance(answer, str), f"{call.sql()} is not refused"
    return {
        call.sql(): answer.removeprefix("Invalid Input Error: ") for call, answer in zip(calls, result, strict=True)
    }


@every_engine
def test_the_sentences_are_those_of_python(engine):
    assert said(engine) == {call.sql(): sentence_of_python(call) for call in in_turn(engine, CALLS)}


def test_all_kinds_of_errors_are_there():
    """Some call covers every `raise` of arguments and refuse that also applies to SQL."""
    sentences = " ".join(map(sentence_of_python, CALLS))
    for part in (
        "appears twice",
        "bears the name of a result column",
        "give a column of numbers or Booleans",
        "give a number of 0 or more, or one of",
        "give a number, or one of",
        "give one of",
        "did you mean",
        "give a number between 0 and 1",
        "published estimates carry their error in se alone",
        "the sampling variance is known, se squared",
        "stored moments need both",
        "mu='rows' needs row counts",
        "tau2='anova' needs row counts",
        "does not fit se=",
        "does not fit sigma2=",
        "does not fit weights=",
        "holds NaN or infinite numbers",
        *(refuse.BAD_ROWS[reason].partition(": ")[2] for reason in ("weights", "n", "var", "se")),
        "in 1 row:",
        "in 1,234 rows:",
    ):
        assert part in sentences, part


# ---- nearest names ---------------------------------------------------------------------------------------------------


def typos(name: str) -> set[str]:
    """Names with a letter omitted, doubled, replaced or exchanged with the next, and in other cases."""
    places = range(len(name))
    return {
        *(name[:i] + name[i + 1 :] for i in places),
        *(name[: i + 1] + name[i:] for i in places),
        *(name[:i] + "x" + name[i + 1 :] for i in places),
        *(name[:i] + name[i + 1 : i + 2] + name[i] + name[i + 2 :] for i in places),
        name.upper(),
        name.title(),
    } - {name}


def test_the_nearest_match_is_that_of_python():
    """For names of at least four letters: a typo in a name of two or three letters is equally near to several names."""
    choices = [*map(list, (registry.TAU2, registry.SIGMA2, registry.MU)), ["error", "null"], ["mu", "conditional"]]
    wrong = [
        (typo, names, name) for names in choices for name in names if len(name) > 3 for typo in sorted(typos(name))
    ]
    wrong = [(typo, names, name) for typo, names, name in wrong if typo not in names]
    assert len(wrong) > 100
    values = ", ".join(f"({literal(typo)}, {names})" for typo, names, _ in wrong)
    [rows] = shells.answers(
        "module", [f"SELECT _pool_nearest(given, names) AS hint FROM (VALUES {values}) t(given, names)"]
    )
    for (typo, names, name), row in zip(wrong, rows, strict=True):
        assert row["hint"] == f"; did you mean '{name}'?", typo
        assert row["hint"] == arguments.nearest(typo, names), typo


# ---- what only SQL has -----------------------------------------------------------------------------------------------

PRIVATE = """
CREATE TABLE estimated AS SELECT school, score, 1.0 AS estimate FROM rows;
CREATE TABLE private AS SELECT *, school AS _pool_key, score AS _pool_y, school AS "NULL" FROM rows;
CREATE TABLE shouted AS SELECT score, school AS "N", school, year AS "ICC", 1.0 AS "Estimate" FROM rows;
CREATE TABLE nulls AS SELECT score, school AS "null" FROM rows;
"""
OF_SQL = {
    "FROM pool_encode(estimated, score, school)": "the table has a column 'estimate' already; rename it first",
    "FROM pool_encode(private, score, school)": (
        "the column '_pool_key' of the table begins with '_pool_', as private names do; rename it"
    ),
    # DuckDB ignores the case of names
    'FROM pool_shrink(shouted, score, "n")': (
        "the key 'N' bears the name of a result column ('n', 'mean', 'v', 'weight', 'estimate', 'se', 'lower', "
        "'upper'); rename it first"
    ),
    "FROM pool_components(shouted, score, school, over := ICC)": (
        "the key 'ICC' bears the name of a result column ('groups', 'n', 'sigma2', 'tau2', 'mu', 'se_mu', 'icc', "
        "'df_prior', 'sigma2_prior', "
        "'q', 'q_p', 'i2', 'h2', 'se_tau2', 'tau2_lower', 'tau2_upper', 'log_likelihood', 'aic', 'lrt', 'lrt_p', "
        "'mu_lower', 'mu_upper', 'mu_p', 'new_lower', 'new_upper', 'converged'); rename it first"
    ),
    "FROM pool_encode(shouted, score, school)": "the table has a column 'estimate' already; rename it first",
    **{
        call: f"the key '{key}' bears a private name; rename it first"
        for key in ("_pool_key", "_pool_y", "NULL")
        for call in (
            f"FROM pool_shrink(private, score, COLUMNS(['school', '{key}']))",
            f"FROM pool_moments(private, score, COLUMNS(['school', '{key}']))",
            f"""FROM pool_shrink(private, score, school, over := "{key}")""",
            f"""FROM pool_components(private, score, school, over := "{key}")""",
        )
    },
    'FROM pool_shrink(nulls, score, "null", over := NULL)': "the key 'null' bears a private name; rename it first",
    "FROM pool_shrink(rows, score, NULL)": "the key 'NULL' bears a private name; rename it first",
    **{
        f"FROM pool_{call.format(key)}": f"by={shown} reads no column, so it is the same in every row; {meant}"
        for call in ("shrink(rows, score, {})", "moments(rows, score, {})", "shrink_counts(rows, score, load, {})")
        for key, shown, meant in (
            ("'school'", "'school'", "did you mean school?"),
            ("['school', 'state']", "['school', 'state']", "did you mean COLUMNS(['school', 'state'])?"),
            ("'schol'", "'schol'", "give a column, or several as COLUMNS([...]) of their names"),
            ("42", "42", "give a column, or several as COLUMNS([...]) of their names"),
            ("lower('A')", "lower('A')", "give a column, or several as COLUMNS([...]) of their names"),
        )
    },
    **{
        f"FROM pool_moments(rows, score, {key})": f"by={key} reads no column, so it is the same in every row; "
        "give a column, or several as COLUMNS([...]) of their names"
        for key in ("row_number() OVER ()", "(SELECT 1)", "CURRENT_DATE", "localtimestamp")
    },
    **{
        f"FROM pool_{call}, over := 'year')": "over='year' reads no column, so it is the same in every row; "
        "did you mean year?"
        for call in (
            "shrink(rows, score, school",
            "components(rows, score, school",
            "encode(rows, score, school",
            "compare(rows, score, school",
            "profile(rows, score, school",
            "regress(rows, score, load, school",
            "components_rates(rows, school, year, state",
        )
    },
    **{
        f"FROM pool_{call}, state)": f"the argument state after the keys has no name; give several keys as "
        f"COLUMNS(['{key}', 'state']), the keys of models as over := state"
        for call, key in (
            ("shrink(rows, score, school", "school"),
            ("components(rows, score, school", "school"),
            ("encode(rows, score, school", "school"),
            ("compare(rows, score, school", "school"),
            ("profile(rows, score, school", "school"),
            ("moments(rows, score, school", "school"),
            ("weighted_moments(rows, score, school, load", "school"),
            ("regress(rows, score, load, school", "school"),
            ("regress_components(rows, score, load, school", "school"),
            ("regress_coefficients(rows, score, load, school", "school"),
            ("shrink_rates(rows, school, year, school", "school"),
            ("components_rates(rows, school, year, school", "school"),
            ("shrink_counts(rows, school, load, year", "year"),
            ("components_counts(rows, school, load, year", "year"),
        )
    },
    "FROM pool_shrink(rows, score, school, 'dl')": "the argument 'dl' after the keys has no name; give it one, as in "
    "level := 0.9",
    "FROM pool_shrink(rows, score, school, lower(state))": "the argument lower(state) after the keys has no name; "
    "several keys are COLUMNS([...]) of their names, expressions among them named in a CTE before: WITH named AS "
    "(SELECT *, ... AS name FROM ...)",
    **{
        f"FROM pool_{call.format(two)}": f"{role} stands for 2 columns, 'score', 'load'; give one"
        for two in ("COLUMNS(['score', 'load'])", "COLUMNS('score|load')")
        for role, call in {
            "value": "shrink(rows, {}, school)",
            "weights": "shrink(rows, score, school, weights := {})",
            "se": "components(rows, score, school, se := {})",
            "n": "moments(rows, score, school, n := {}, var := load)",
            "var": "moments(rows, score, school, n := load, var := {})",
            "trials": "components_rates(rows, school, {}, state)",
            "exposure": "components_counts(rows, school, {}, state)",
            "x": "regress(rows, score, {}, school)",
        }.items()
    },
    "FROM pool_shrink(rows, 'score', school)": "value=''score'' is VARCHAR; give a column of numbers or Booleans",
}

NO_NUMBER = {
    "[1.5::DECIMAL(5, 2)]": "DECIMAL(5,2)[]",
    "[load]": "DOUBLE[]",
    "[1, 2]": "INTEGER[]",
    "array_value(load, load)": "DOUBLE[2]",
    "{a: load}": "STRUCT(a DOUBLE)",
    "MAP {'a': load}": "MAP(VARCHAR, DOUBLE)",
    "'1'::JSON": "JSON",
    "'1'::BLOB": "BLOB",
    "'101'::BIT": "BIT",
    "'00000000-0000-0000-0000-000000000001'::UUID": "UUID",
    "INTERVAL 1 DAY": "INTERVAL",
    "DATE '2020-01-01'": "DATE",
    "TIMESTAMPTZ '2020-01-01'": "TIMESTAMP WITH TIME ZONE",
    "'a'::ENUM('a')": "ENUM('a')",
    "score::VARCHAR": "VARCHAR",
}
NUMERIC_ROLES = {
    "value": "moments(rows, {}, school)",
    "n": "moments(rows, score, school, n := {}, var := load)",
    "var": "moments(rows, score, school, n := load, var := {})",
    "weights": "weighted_moments(rows, score, school, {})",
    "x": "regress(rows, score, {}, school)",
    "se": "components(rows, score, school, se := {})",
    "trials": "components_rates(rows, school, {}, state)",
    "exposure": "components_counts(rows, school, {}, state)",
}


@every_engine
def test_what_is_no_number_is_refused_in_every_role(engine):
    calls = {
        f"FROM pool_{call.format(given)}": (role, kind)
        for i, (role, call) in enumerate(NUMERIC_ROLES.items())
        for j, (given, kind) in enumerate(NO_NUMBER.items())
        if (i + j) % 2 == shells.ENGINES.index(engine) and ((ways.full and i < 4) or (i + j) % 3 == 0)
    }
    for (call, (role, kind)), answer in zip(calls.items(), shells.answers(engine, calls, SETUP), strict=True):
        assert re.fullmatch(
            f"Invalid Input Error: {role}='.*' is {re.escape(kind)}; give a column of numbers or Booleans", answer
        ), f"{call}: {answer}"


KEYS_THAT_READ = [
    "lower(state)",
    "CASE WHEN score > 2 THEN 'high' ELSE 'low' END",
    "coalesce(state, 'none')",
    "score IS NULL",
    "{'a': state}",
    "[state]",
    "year // 10",
]


@every_engine
def test_keys_that_read_a_column_are_not_refused(engine):
    """Expressions with constants, also with a single value; and columns whose names look like constants."""
    setup = (
        """CREATE TABLE looks AS SELECT *, state AS "'school'", school AS "1", year AS "list_value('a')" FROM rows;"""
    )
    keys = [*KEYS_THAT_READ, "\"'school'\"", '"1"', "\"list_value('a')\""]
    for key, answer in zip(
        keys,
        shells.answers(engine, [f"FROM pool_moments(looks, score, {key})" for key in keys], SETUP + setup),
        strict=True,
    ):
        assert isinstance(answer, list), f"{key}: {answer}"


# Scalar macros whose result is not a number.
OF_NO_NUMBER = "pool_(method|gauss_legendre|moments_of|outward_series).*"


def test_scalar_macros_give_doubles():
    """For all types of arguments: results as decimals, integers and floats would lose digits or overflow."""
    [macros] = shells.answers(
        "module",
        [
            "SELECT function_name AS name, len(parameters) AS count FROM duckdb_functions() "
            "WHERE function_type = 'macro' AND starts_with(function_name, 'pool_') "
            f"AND NOT regexp_full_match(function_name, '{OF_NO_NUMBER}')"
        ],
    )
    formulas = {f"pool_{name}" for _, name, _ in rendered_formulas()}
    assert formulas < {macro["name"] for macro in macros}
    calls = [
        f"{macro['name']}({', '.join([argument] * macro['count'])})"
        for macro in macros
        for argument in ("0.5", "2", "0.5::FLOAT", "NULL")[: 4 if macro["name"] in formulas else 2]
    ]
    [columns] = shells.answers("module", [f"DESCRIBE SELECT {', '.join(calls)}"])
    assert isinstance(columns, list), columns
    types = dict(zip(calls, (column["column_type"] for column in columns), strict=True))
    assert types == dict.fromkeys(calls, "DOUBLE")


# Calls that DuckDB itself refuses: words that its message must contain.
OF_DUCKDB = {
    "FROM pool_shrink(rows, scor, school)": ("scor", "score"),
    "FROM pool_shrink(rows, log(scor), school)": ("scor", "score"),
    "FROM pool_shrink(rows, score, schol)": ("schol",),
    "FROM pool_shrink(rows, score, COLUMNS(['state', 'schol']))": ("schol",),
    "FROM pool_shrink(rows, score, school, over := yeer)": ("yeer", "year"),
    "FROM pool_shrink(rows, score, school, over := COLUMNS(['year', 'stat']))": ("stat",),
    "FROM pool_shrink(rows, score, school, weights := loads)": ("loads", "load"),
    "FROM pool_shrink(states, centre, school, n := sise, var := spread)": ("sise", "size"),
    "FROM pool_shrink(states, centre, school, n := size, var := spred)": ("spred", "spread"),
    "FROM pool_shrink(studies, effect, school, se := eror)": ("eror", "error"),
    "FROM pool_components(rows, scor, school)": ("scor", "score"),
    "FROM pool_encode(rows, scor, school)": ("scor", "score"),
    "FROM pool_moments(rows, scor, school)": ("scor", "score"),
    "FROM pool_merge(rows, school)": ("mean",),
    "FROM pool_shrink(no_such_table, score, school)": ("no_such_table",),
    "FROM pool_shrink(rows, score, school, sigma3 := 1)": ("pool_shrink", "sigma2"),
    "FROM pool_shrink(rows, score)": ("pool_shrink",),
    "FROM pool_shrink(private, score, _pool_key)": ("_pool_key",),
}


@every_engine
def test_what_is_wrong_in_sql_alone(engine):
    asked = in_turn(engine, OF_SQL)
    result = shells.answers(engine, asked, SETUP + PRIVATE)
    assert dict(zip(asked, result, strict=True)) == {call: f"Invalid Input Error: {OF_SQL[call]}" for call in asked}


@every_engine
def test_what_duckdb_refuses_is_named(engine):
    result = shells.answers(engine, OF_DUCKDB, SETUP + PRIVATE)
    for (call, words), answer in zip(OF_DUCKDB.items(), result, strict=True):
        assert isinstance(answer, str), call
        for word in words:
            assert re.search(rf"\b{word}\b", answer), f"{word} is not in: {answer}"


# ---- an empty table --------------------------------------------------------------------------------------------------

KEY_TYPES = {"school": "BIGINT", "state": "VARCHAR", "year": "BIGINT"}
ESTIMATES = {"n": "BIGINT"} | dict.fromkeys(("mean", "v", "weight", "estimate", "se", "lower", "upper"), "DOUBLE")
STATISTICS = (
    {"groups": "BIGINT", "n": "BIGINT"}
    | dict.fromkeys(("sigma2", "tau2", "mu", "se_mu", "icc", "df_prior", "sigma2_prior"), "DOUBLE")
    | dict.fromkeys(("q", "q_p", "i2", "h2", "se_tau2"), "DOUBLE")
    | dict.fromkeys(("tau2_lower", "tau2_upper", "log_likelihood", "aic", "lrt", "lrt_p"), "DOUBLE")
    | dict.fromkeys(("mu_lower", "mu_upper", "mu_p", "new_lower", "new_upper"), "DOUBLE")
    | {"converged": "BOOLEAN"}
)
MOMENTS = {"n": "BIGINT", "mean": "DOUBLE", "var": "DOUBLE"}


def of(*names: str) -> dict[str, str]:
    return {name: KEY_TYPES[name] for name in names}


ROW_OPTIONS = [
    {},
    {"weights": "load"},
    {"sigma2": "separate"},
    {"sigma2": "squeezed"},
    {"sigma2": 2.0, "tau2": 1.0, "mu": 0.0},
    *({"tau2": tau2} for tau2 in registry.TAU2),
    *({"mu": mu} for mu in registry.MU),
]
RIGHT = [
    *((shrink("rows", "score", **options), of("school") | ESTIMATES) for options in ROW_OPTIONS),
    *((components("rows", "score", **options), STATISTICS) for options in ROW_OPTIONS),
    (shrink("rows", "score", ["school", "state"], over="year"), of("year", "school", "state") | ESTIMATES),
    (components("rows", "score", "school", over=["state", "year"]), of("state", "year") | STATISTICS),
    (shrink("states", "centre", n="size", var="spread"), of("school") | ESTIMATES),
    (components("states", "centre", n="size", var="spread"), STATISTICS),
    (shrink("studies", "effect", se="error"), of("school") | ESTIMATES),
    (components("studies", "effect", se="error"), STATISTICS),
    (moments("rows", "score", ["school", "state"]), of("school", "state") | MOMENTS),
    (moments("rows", "score", weights="load"), of("school") | MOMENTS | {"w": "DOUBLE"}),
    (moments("states", "centre", n="size", var="spread"), of("school") | MOMENTS),
    (
        encode("rows", "score", "state", over="year"),
        KEY_TYPES | {"score": "DOUBLE", "load": "DOUBLE", "estimate": "DOUBLE"},
    ),
]


@every_engine
def test_an_empty_table_gives_an_empty_result_with_all_columns(engine):
    right = in_turn(engine, RIGHT)
    # One row with the types, and whether the result has rows.
    query = (
        "SELECT filled, typeof(COLUMNS(* EXCLUDE filled)) "
        "FROM (SELECT 1) LEFT JOIN (SELECT true AS filled, * {}) ON true"
    )
    calls = [call._replace(table=EMPTY[call.table]) for call, _ in right]
    result = shells.answers(engine, [query.format(call.sql()) for call in calls], SETUP)
    for call, (_, schema), rows in zip(calls, right, result, strict=True):
        assert [list(row.items()) for row in rows] == [[("filled", None), ("1", "INTEGER"), *schema.items()]], (
            call.sql()
        )


MADE = {
    "DATE": "DATE '2020-01-01'",
    "UTINYINT": "1::UTINYINT",
    "ENUM('x', 'y')": "'x'::ENUM('x', 'y')",
    "DECIMAL(5,2)": "1.5::DECIMAL(5, 2)",
    "INTEGER[]": "[1, 2]",
    "STRUCT(a INTEGER)": "{'a': 1}",
    "BOOLEAN": "true",
}


def test_keys_keep_their_type():
    columns = ", ".join(f"{made} AS {quoted(kind)}" for kind, made in MADE.items())
    setup = f"CREATE TABLE typed AS SELECT {columns}, 1.0 AS y, 1 AS g WHERE false;"
    calls = {
        f"SELECT {quoted(kind)} FROM pool_{call}".format(quoted(kind)): kind
        for kind in MADE
        for call in (
            "shrink(typed, y, {})",
            "shrink(typed, y, g, over := {})",
            "components(typed, y, g, over := {})",
            "moments(typed, y, {})",
            "encode(typed, y, {})",
        )
    }
    result = shells.answers("module", [f"DESCRIBE {call}" for call in calls], setup)
    for kind, [described] in zip(calls.values(), result, strict=True):
        assert described["column_type"].replace('"', "") == kind
