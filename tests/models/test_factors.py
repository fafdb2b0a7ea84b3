"""Factors and interactions as covariates: the same numbers as columns by hand, levels, messages, plans, predictions."""

import pickle
import warnings
from functools import cache

import numpy as np
import polars as pl
import pytest
from polars.io.plugins import register_io_source
from polars.testing import assert_frame_equal
from test_messages import assert_sentence
from test_plans import assert_one_scan

import polars_pool as pool

VERBS = (pool.regress, pool.regress_components, pool.regress_coefficients, pool.predict)
EVERY_VERB = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
RUNS = {
    "eager": lambda verb, frame, *args, **options: verb(frame, *args, **options),
    "in-memory": lambda verb, frame, *args, **options: verb(frame.lazy(), *args, **options).collect(engine="in-memory"),
    "streaming": lambda verb, frame, *args, **options: verb(frame.lazy(), *args, **options).collect(engine="streaming"),
    "namespace": lambda verb, frame, *args, **options: getattr(frame.pool, verb.__name__)(*args, **options),
}
EVERY_RUN = pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)


@cache
def rows() -> pl.DataFrame:
    """Unbalanced rows: a factor of text, one of Booleans, one of years, a number, groups and models."""
    random = np.random.default_rng(7)
    n = 240
    tier = random.choice(["B", "C", "A"], n, p=[0.5, 0.3, 0.2])
    flag, days, g = random.random(n) < 0.4, random.normal(2, 1, n).round(3), random.integers(0, 14, n)
    y = 3 + 1.5 * (tier == "B") - 0.7 * (tier == "C") + 0.8 * flag + days * (0.4 + 0.3 * (tier == "B"))
    y += random.normal(0, 1, 14)[g] + random.normal(0, 0.5, n)
    return pl.DataFrame(
        {"g": g, "model": g % 2, "tier": tier, "flag": flag, "year": 2009 + 91 * (g % 3), "days": days, "y": y}
    )


def indicator(column: str, level) -> pl.Expr:
    return (pl.col(column) == level).cast(pl.Float64)


BY_HAND = {
    "tier[B]": indicator("tier", "B"),
    "tier[C]": indicator("tier", "C"),
    "tier[A]": indicator("tier", "A"),
    "flag[true]": indicator("flag", True),
    "flag[false]": indicator("flag", False),
    "year[2100]": indicator("year", 2100),
    "year[2191]": indicator("year", 2191),
    "days": pl.col("days"),
}


def by_hand(name: str) -> pl.Expr:
    """A term by its name, as a column of numbers."""
    product = pl.lit(1.0)
    for part in name.split(":"):
        product = product * BY_HAND[part]
    return product.alias(name)


def same(result, want) -> None:
    assert_frame_equal(result, want, rel_tol=1e-10, abs_tol=1e-10)


DESIGNS = {
    "text": ("tier", ["tier[B]", "tier[C]"]),
    "reference": (pool.factor("tier", reference="C"), ["tier[A]", "tier[B]"]),
    "levels": (pool.factor("tier", levels=["C", "B", "A"]), ["tier[B]", "tier[A]"]),
    "levels and reference": (pool.factor("tier", levels=["C", "B", "A"], reference="A"), ["tier[C]", "tier[B]"]),
    "expression": (pl.col("tier").str.to_uppercase(), ["tier[B]", "tier[C]"]),
    "factor of an expression": (pool.factor(pl.col("tier") + "", reference="B"), ["tier[A]", "tier[C]"]),
    "Boolean": (["flag"], ["flag[true]"]),
    "Boolean reference": (pool.factor("flag", reference=True), ["flag[false]"]),
    "integers": (pool.factor("year"), ["year[2100]", "year[2191]"]),
    "number and factor": (["days", "tier"], ["days", "tier[B]", "tier[C]"]),
    "interaction": (
        ["days", "tier", pool.interaction("days", "tier")],
        ["days", "tier[B]", "tier[C]", "days:tier[B]", "days:tier[C]"],
    ),
    "interaction of factors": (
        ["tier", "flag", pool.interaction("tier", "flag"), pool.interaction("flag", "tier", "days")],
        [
            *("tier[B]", "tier[C]", "flag[true]", "tier[B]:flag[true]", "tier[C]:flag[true]"),
            *("flag[true]:tier[B]:days", "flag[true]:tier[C]:days"),
        ],
    ),
    "interaction alone": (
        pool.interaction(pool.factor("tier", reference="B"), pool.factor("year")),
        ["tier[A]:year[2100]", "tier[C]:year[2100]", "tier[A]:year[2191]", "tier[C]:year[2191]"],
    ),
}


@EVERY_VERB
@pytest.mark.parametrize("design", DESIGNS)
def test_terms_are_columns_by_hand(design, verb):
    x, terms = DESIGNS[design]
    same(verb(rows(), "y", x, "g"), verb(rows(), "y", [by_hand(term) for term in terms], "g"))


@EVERY_RUN
@EVERY_VERB
def test_every_kind_of_frame(verb, run):
    x = ["days", pool.factor("tier", reference="B"), pool.interaction("tier", "flag")]
    x[2] = pool.interaction(x[1], "flag")
    terms = ["days", "tier[A]", "tier[C]", "tier[A]:flag[true]", "tier[C]:flag[true]"]
    result = run(verb, rows(), "y", x, "g", vary=["intercept", "days"])
    want = verb(rows(), "y", [by_hand(term) for term in terms], "g", vary=["intercept", "days"])
    order = [name for name in ("g", "term") if name in result.columns]
    if verb is not pool.predict and order:
        result, want = result.sort(order), want.sort(order)
    same(result, want)


def test_levels_of_text_are_sorted_and_categories_have_their_order():
    def terms(dtype):
        result = pool.regress_coefficients(rows().with_columns(pl.col("tier").cast(dtype)), "y", "tier", "g")
        return result["term"].to_list()

    assert terms(pl.String) == terms(pl.Categorical) == ["intercept", "tier[B]", "tier[C]"]
    assert terms(pl.Enum(["C", "A", "B"])) == ["intercept", "tier[A]", "tier[B]"]
    years = pool.regress_coefficients(rows().with_columns(pl.col("year") - 2008), "y", pool.factor("year"), "g")
    assert years["term"].to_list() == ["intercept", "year[92]", "year[183]"]  # 1, 92, 183 by value


def test_the_name_of_a_factor_varies_all_its_terms():
    x = ["days", "tier", pool.interaction("days", "tier")]
    for name, terms in {"tier": ["tier[B]", "tier[C]"], "days:tier": ["days:tier[B]", "days:tier[C]"]}.items():
        options = {"correlated": False}
        result = pool.regress_components(rows(), "y", x, "g", vary=["intercept", name], **options)
        same(result, pool.regress_components(rows(), "y", x, "g", vary=["intercept", *terms], **options))
        assert list(result["tau2"].struct.fields) == ["intercept", *terms]
    one = pool.regress_components(rows(), "y", x, "g", vary=["intercept", "tier[C]"])
    assert list(one["tau2"].struct.fields) == ["intercept", "tier[C]"]


@pytest.mark.parametrize("vary", ["intercept", ["intercept", "tier"]], ids=str)
def test_predictions_do_not_depend_on_the_reference(vary):
    first, *others = (
        pool.predict(rows(), "y", ["days", pool.factor("tier", reference=level)], "g", vary=vary) for level in "ABC"
    )
    for other in others:
        assert_frame_equal(other, first, rel_tol=1e-7)


# ---- missing, unseen and unused levels -------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [pl.String, pl.Categorical, pl.Enum(["A", "B", "C"])], ids=str)
def test_a_row_without_a_level_is_incomplete(dtype):
    frame = rows().with_columns(pl.when(pl.col("days") > 1).then("tier").cast(dtype))
    complete = frame.drop_nulls()
    x = ["days", "tier", pool.interaction("tier", "flag")]
    same(pool.regress(frame, "y", x, "g"), pool.regress(complete, "y", x, "g"))
    model = pool.regress_components(frame, "y", x, "g")
    assert model["dropped"].item() == frame.height - complete.height > 0
    predicted = pool.predict(frame, "y", x, "g")
    assert (predicted["fitted"].is_null() == frame["tier"].is_null()).all()


NEW = pl.DataFrame(
    {"g": [1, 1, 99, 2, 3], "tier": ["A", "D", "C", None, "E"], "days": [1.0, 2, 3, 4, 5], "flag": [True] * 5}
)


@pytest.mark.parametrize("x", [["days", "tier"], ["tier", pool.interaction("days", "tier")]], ids=str)
def test_an_unseen_level_is_null_with_a_warning(x):
    with pytest.warns(UserWarning, match="to predict") as record:
        result = pool.predict(rows(), "y", x, "g", rows=NEW)
    assert [str(one.message) for one in record] == [
        "fitted and population are null in 2 rows to predict, which have a level that the regression does not have, "
        "such as 'D' of 'tier'"
    ]
    assert record[0].filename == __file__
    known = NEW.filter(pl.col("tier").is_in(["A", "B", "C"]))
    want = known.select("days", "tier").join(
        pool.predict(rows(), "y", x, "g", rows=known), on=["days", "tier"], maintain_order="left"
    )
    assert_frame_equal(result.drop_nulls().select(want.columns), want)
    assert result["fitted"].is_null().to_list() == result["population"].is_null().to_list() == [0, 1, 0, 1, 1]


def test_the_warning_comes_when_a_lazy_query_runs():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        query = pool.predict(rows().lazy(), "y", ["tier", "flag"], "g", rows=NEW.lazy())
        pool.predict(rows(), "y", ["tier"], "g", rows=NEW.filter(pl.col("tier").is_in([*"ABC"])))
    with pytest.warns(UserWarning, match="2 rows to predict") as record:
        query.collect()
    assert len(record) == 1


def test_unseen_levels_of_two_factors_are_one_warning():
    frame = rows().with_columns(size=pl.when(pl.col("days") > 2).then(pl.lit("L")).otherwise(pl.lit("S")))
    new = NEW.with_columns(size=pl.Series(["XL", "XL", "S", "S", "S"]))
    with pytest.warns(UserWarning, match=r"in 3 rows to predict, .* such as 'D' of 'tier', 'XL' of 'size'$") as record:
        pool.predict(frame, "y", ["tier", "size"], "g", rows=new)
    assert len(record) == 1


def test_intervals_of_predictions_of_unseen_levels_are_null():
    with pytest.warns(UserWarning, match="2 rows to predict"):
        result = pool.predict(rows(), "y", ["days", "tier"], "g", rows=NEW, interval="row")
    assert result["lower"].is_null().to_list() == result["upper"].is_null().to_list() == [0, 1, 0, 1, 1]


@pytest.mark.parametrize("name", ["^t$", "^.*$", "*", "a.b", "t{x}", 'q"[B]'])
def test_odd_names_of_factors(name):
    frame = rows().rename({"tier": name})
    model = pool.regress_components(frame, "y", [name, pool.interaction("days", name)], "g")
    terms = [f"{name}[B]", f"{name}[C]", f"days:{name}[B]", f"days:{name}[C]"]
    want = pool.regress_components(rows(), "y", ["tier", pool.interaction("days", "tier")], "g")
    assert list(model["mu"].struct.fields) == ["intercept", *terms]
    assert list(model["mu"].item().values()) == pytest.approx(list(want["mu"].item().values()))


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["C", "B", "A"])], ids=str)
def test_rows_to_predict_may_have_another_type_of_text(dtype):
    new = rows().head(20).drop("y")
    want = pool.predict(rows(), "y", ["tier"], "g", rows=new)["fitted"]
    typed = pool.predict(rows(), "y", ["tier"], "g", rows=new.with_columns(pl.col("tier").cast(dtype)))["fitted"]
    assert typed.to_list() == pytest.approx(want.to_list(), rel=1e-12)
    of_typed = rows().with_columns(pl.col("tier").cast(dtype))
    other = pool.predict(of_typed, "y", ["tier"], "g", rows=new)["fitted"]
    assert other.to_list() == pytest.approx(want.to_list(), rel=1e-9)


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (pl.lit(1.5).alias("tier"), "rows: the factor 'tier' is Float64; give a column of text"),
        (pl.lit("yes").alias("flag"), "rows: the factor 'flag' is String; give a column of Booleans"),
        (pl.lit("x").alias("days"), "rows='days' is String; give a column of numbers or Booleans"),
    ],
)
def test_rows_to_predict_of_a_wrong_type(column, sentence):
    with pytest.raises(TypeError) as error:
        pool.predict(rows(), "y", ["tier", pool.interaction("days", "flag")], "g", rows=NEW.with_columns(column))
    assert str(error.value) == sentence


@EVERY_VERB
def test_levels_that_lack_a_value(verb):
    query = verb(rows().lazy(), "y", ["days", pool.factor("tier", levels=["A", "B"])], "g")
    count = (rows()["tier"] == "C").sum()
    with pytest.raises((ValueError, pl.exceptions.ComputeError)) as error:
        query.collect()
    assert (
        f"the factor 'tier' has a value that is none of its levels, such as 'C', in {count} rows: add it to levels= of "
        "pool.factor(), or leave these rows out"
    ) in str(error.value)


def test_a_level_without_rows():
    frame = rows().with_columns(pl.col("tier").cast(pl.Enum([*"ABCD"])))
    with pytest.raises(
        (ValueError, pl.exceptions.ComputeError), match=r"x='tier\[D\]' is a linear combination of"
    ) as e:
        pool.regress(frame, "y", "tier", "g")
    assert "give the levels that rows have, with pool.factor('tier', levels=[...])" in str(e.value)
    same(
        pool.regress(frame, "y", pool.factor("tier", levels=[*"ABC"]), "g"),
        pool.regress(rows(), "y", "tier", "g"),
    )


def test_a_combination_without_rows():
    frame = rows().filter((pl.col("tier") != "B") | ~pl.col("flag"))
    x = ["tier", "flag", pool.interaction("tier", "flag")]
    with pytest.raises(
        (ValueError, pl.exceptions.ComputeError), match=r"x='tier\[B\]:flag\[true\]' is a linear"
    ) as error:
        pool.regress(frame, "y", x, "g")
    assert str(error.value).rstrip().endswith("give the products of the other combinations as expressions")


def test_models_share_the_levels_of_the_whole_column():
    frame = rows().filter((pl.col("model") == 0) | (pl.col("tier") != "C"))
    with pytest.warns(pool.ConvergenceWarning, match="the same in all of its rows"):
        result = pool.regress_components(frame, "y", "tier", "g", over="model")
    assert list(result["mu"].struct.fields) == ["intercept", "tier[B]", "tier[C]"]
    assert result["mu"].struct["tier[B]"].is_null().to_list() == [False, True]
    alone = pool.regress_components(frame.filter(model=0), "y", "tier", "g")
    same(result.filter(model=0).drop("model"), alone)


# ---- levels and plans ------------------------------------------------------------------------------------------------


@pytest.fixture
def collected(monkeypatch):
    """The number of queries that have run."""
    counts = []
    collect = pl.LazyFrame.collect

    def counting(self, *args, **options):
        counts.append(self)
        return collect(self, *args, **options)

    monkeypatch.setattr(pl.LazyFrame, "collect", counting)
    return counts


LEVELS = pool.factor("tier", levels=["A", "B", "C"])


@EVERY_VERB
def test_known_levels_need_no_query(verb, collected):
    lf = rows().lazy().with_columns(size=pl.col("tier").cast(pl.Enum(["A", "B", "C"])))
    verb(lf, "y", [LEVELS, "flag", "days", pool.interaction("size", "flag")], "g")
    assert not collected
    verb(lf, "y", ["tier", pool.factor("year"), pool.interaction("tier", "days")], "g")
    assert len(collected) == 1


def test_the_query_of_levels_reads_their_columns_alone():
    read = []

    def source(with_columns, _predicate, _n_rows, _batch_size):
        read.append(with_columns)
        yield rows().select(with_columns or rows().columns)

    lf = register_io_source(source, schema=rows().schema)
    pool.regress(lf, "y", ["days", "tier", pool.factor("year")], "g")
    assert [set(columns) for columns in read] == [{"tier", "year"}]


@EVERY_VERB
def test_one_scan(verb, tmp_path):
    rows().write_parquet(tmp_path / "rows.parquet")
    assert_one_scan(verb(pl.scan_parquet(tmp_path / "rows.parquet"), "y", [LEVELS, "flag"], "g"))


def test_a_plan_with_factors_can_be_pickled():
    x = [LEVELS, pool.interaction(LEVELS, "flag")]
    assert pickle.loads(pickle.dumps(x)) == x
    query = pickle.loads(pickle.dumps(pool.regress_components(rows().lazy(), "y", x, "g")))
    same(query.collect(), pool.regress_components(rows(), "y", x, "g"))


# ---- degenerate frames -----------------------------------------------------------------------------------------------


@EVERY_VERB
def test_an_empty_frame_needs_levels(verb):
    empty = rows().clear()
    with pytest.raises(ValueError, match="has no values, so its levels are not known") as error:
        verb(empty, "y", "tier", "g")
    assert_sentence(error, "x", "tier", "pool.factor", "levels")
    result = verb(empty, "y", [LEVELS, "flag"], "g")
    assert result.schema == verb(rows(), "y", [LEVELS, "flag"], "g").schema


def test_infinite_products():
    frame = rows().with_columns(days=pl.when(pl.int_range(pl.len()) == 3).then(float("inf")).otherwise("days"))
    x = ["tier", pool.interaction("days", "tier")]
    with pytest.raises((ValueError, pl.exceptions.ComputeError), match=r"days:tier\[B\]' holds NaN or infinite"):
        pool.regress(frame, "y", x, "g")
    model = pool.regress_components(frame, "y", x, "g", nan="null")
    assert model["dropped"].item() == 1


# ---- messages --------------------------------------------------------------------------------------------------------

MANY = pl.DataFrame({"name": [f"n{i}" for i in range(101)]})
WRONG = {
    "reference": (pool.factor("tier", reference="c"), ("reference='c'", "'tier'", "'A'", "'B'"), "C"),
    "reference of levels": (pool.factor("tier", reference="C", levels=["A", "B"]), ("reference='C'", "'A', 'B'"), None),
    "levels twice": (pool.factor("tier", levels=["A", "B", "A"]), ("levels=", "tier", "'A'", "twice"), None),
    "one level": (pool.factor("tier", levels=["A"]), ("x='tier'", "one level, 'A'", "leave it out"), None),
    "no levels": (pool.factor("tier", levels=[]), ("x='tier'", "levels=[...]"), None),
    "levels as text": (pool.factor("tier", levels="ABC"), ("levels='ABC'", "list"), None),
    "levels as a number": (pool.factor("tier", levels=3), ("levels=3", "'tier'", "list"), None),
    "levels of a Boolean": (pool.factor("flag", levels=["no", "yes"]), ("['no', 'yes']", "'flag'", "Boolean"), None),
    "null level": (pool.factor("tier", levels=["A", None]), ("None", "tier"), None),
    "level of a float": (pool.factor("tier", levels=["A", 1.5]), ("1.5", "tier"), None),
    "constant": ("same", ("x='same'", "one level, 's'"), None),
    "too many": ("name", ("x='name'", "more than 100 levels", "by='name'"), None),
    "floats": (pool.factor("days"), ("pool.factor('days')", "Float64", "pl.String"), None),
    "dates": (pool.factor("day"), ("pool.factor('day')", "Date", "pl.String"), None),
    "plain dates": ("day", ("x='day'", "Date", "numbers"), None),
    "missing": (pool.factor("teir"), ("x='teir'",), "tier"),
    "missing part": (pool.interaction("teir", "days"), ("x='teir'",), "tier"),
    "a number": (pool.factor(3), ("x=3",), None),
    "several columns": (pool.factor(pl.col("tier", "flag")), ("x", "2 columns"), None),
    "an aggregate": (pool.factor(pl.col("tier").first()), ("x=", "row by row"), None),
    "twice": (["tier", "tier"], ("x names 'tier[B]' twice",), None),
    "interaction twice": ([pool.interaction("tier", "days")] * 2, ("'tier[B]:days' twice",), None),
    "part twice": (pool.interaction("days", "days"), ("x", "'days' twice"), None),
    "two codings": (
        ["tier", pool.interaction("days", pool.factor("tier", reference="B"))],
        ("x codes 'tier'", "'A', 'B', 'C'", "'B', 'A', 'C'", "the same pool.factor('tier', ...)"),
        None,
    ),
    "the value": (["days", "y"], ("x='y'", "value"), None),
}


def message_frame() -> pl.DataFrame:
    frame = rows().with_columns(same=pl.lit("s"), day=pl.date(2020, 1, 1))
    return frame.with_columns(name=pl.format("n{}", pl.int_range(pl.len()) % 101))


@pytest.mark.parametrize("lazily", [False, True], ids=["eager", "lazy"])
@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_factors(wrong, lazily):
    x, parts, nearest = WRONG[wrong]
    frame = message_frame()
    for verb in VERBS:
        with pytest.raises((ValueError, TypeError, pl.exceptions.ColumnNotFoundError)) as error:
            verb(frame.lazy() if lazily else frame, "y", x, "g")
        text = str(error.value)
        assert "\n" not in text
        for part in parts:
            assert part in text, text
        assert nearest is None or f"did you mean '{nearest}'?" in text, text


@pytest.mark.parametrize(
    ("vary", "parts"),
    [
        ("tier[A]", ("vary names 'tier[A]'", "'tier[B]'", "'tier[C]'")),
        ("teir", ("vary names 'teir'",)),
        (["tier", "tier[B]"], ("vary names 'tier[B]' twice",)),
    ],
)
def test_wrong_varying_terms(vary, parts):
    with pytest.raises(ValueError, match=r"^vary") as error:
        pool.regress(rows(), "y", "tier", "g", vary=vary)
    for part in parts:
        assert part in str(error.value)


def test_a_factor_must_not_be_the_value_or_the_intercept():
    with pytest.raises(ValueError, match=r"^x='flag' is the value itself"):
        pool.regress(rows(), "flag", ["days", "flag"], "g")
    with pytest.raises(ValueError, match=r"^x='intercept' bears the name of the intercept"):
        pool.regress(rows().rename({"tier": "intercept"}), "y", "intercept", "g")


def test_interactions_have_two_parts_and_no_interactions():
    with pytest.raises(ValueError, match=r"^pool\.interaction\('days'\) has fewer than two parts"):
        pool.interaction("days")
    with pytest.raises(ValueError, match=r"^pool\.interaction\(\) has fewer than two parts"):
        pool.interaction()
    with pytest.raises(TypeError, match=r"^a part of pool\.interaction\(\) is an interaction"):
        pool.interaction("days", pool.interaction("tier", "flag"))


@pytest.mark.parametrize("role", ["value", "weights"])
def test_text_stays_an_error_where_numbers_are_needed(role):
    arguments = {"value": "y", "x": "days", "by": "g"} | {role: "tier"}
    with pytest.raises(TypeError, match=rf"^{role}='tier' is String; give a column of numbers or Booleans$"):
        pool.regress(rows(), **arguments)
    with pytest.raises(TypeError, match=r"^by="):
        pool.regress(rows(), "y", "days", by=pool.factor("tier"))
