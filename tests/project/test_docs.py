"""The documents are tested: examples in docstrings run, tables name every method, and the rendered SQL is up to date.

test_pages.py runs the README and the guides.
"""

import doctest
import importlib.util
import inspect
import math
import pkgutil
import re
from pathlib import Path

import duckdb
import polars as pl
import pytest
import shells

import polars_pool as pool
from polars_pool.formulas import registry
from polars_pool.formulas.priors import OF_MU, OF_RATES, OF_TAU, Hyper, UniformSpread
from polars_pool.rendering import contents, files, reference
from polars_pool.rendering.formulas import formulas as rendered_formulas
from polars_pool.rendering.reference.meanings import MEANINGS

ROOT = Path(__file__).parents[2]
PAGES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "examples" / "guides").glob("*.md")))
)
MODULES = ["polars_pool", *(result.name for result in pkgutil.walk_packages(pool.__path__, "polars_pool."))]
MODULES = [name for name in MODULES if "spark" not in name.split(".")]  # without public names; they need pyspark
MODULES.remove("polars_pool.rendering.__main__")  # importing it writes the files that the tests below compare
MODULES = [name for name in MODULES if "sklearn" not in name.split(".")]  # faces/test_sklearn.py runs their examples
VERBS = [
    *("moments", "merge", "components", "profile", "shrink", "encode", "compare", "posterior_draws"),
    *("coefficients", "rank", "regress", "regress_components", "regress_coefficients", "predict"),
]
PRIORS = [*OF_TAU.values(), *OF_MU.values(), *OF_RATES.values(), UniformSpread, Hyper]


# ---- docstrings --------------------------------------------------------------------------------------------


def has_examples(name: str) -> bool:
    return ">>>" in Path(importlib.util.find_spec(name).origin).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in MODULES if has_examples(name)])
def test_examples_in_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0


def public_names() -> list[str]:
    """Every public function, and every public method of the namespaces."""
    names = []
    for name in pool.__all__:
        thing = getattr(pool, name)
        if thing in PRIORS:
            continue
        if inspect.isclass(thing) and not issubclass(thing, BaseException):
            names += [f"{name}.{method}" for method in vars(thing) if not method.startswith("_")]
        elif inspect.isfunction(thing):
            names.append(name)
    return names


def find(name: str) -> object:
    thing = pool
    for part in name.split("."):
        thing = getattr(thing, part)
    return thing


def sections(text: str) -> dict[str, str]:
    """The numpydoc sections of a docstring; the part before the first is the summary."""
    parts = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", text, flags=re.MULTILINE)
    return {"Summary": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def test_the_public_names():
    assert {*VERBS, "ConvergenceWarning"} <= set(pool.__all__)
    assert set(VERBS) <= set(public_names())
    methods = {tuple(name.split(".")) for name in public_names() if "." in name}
    assert {method for owner, method in methods if owner != "MomentStore"} == {*VERBS, "weight"}
    assert {method for owner, method in methods if owner == "MomentStore"} == {"refresh", "scan"}


@pytest.mark.parametrize("name", public_names())
def test_every_public_name_is_documented(name):
    text = inspect.getdoc(find(name))
    assert text
    result = sections(text)
    assert re.match(r"\S.*[.:]\s", result["Summary"] + "\n"), "one sentence first"
    parameters = ["Parameters"] if set(inspect.signature(find(name)).parameters) - {"self"} else []
    for section in (*parameters, "Returns", "Raises", "Examples"):
        assert result.get(section, "").strip(), f"{name} has no {section}"
    assert ">>>" in result["Examples"]


@pytest.mark.parametrize("name", public_names())
def test_every_parameter_is_documented(name):
    """Each parameter is at the left margin of its section, alone or in a list: `n, var`."""
    thing = find(name)
    documented = set()
    for line in sections(inspect.getdoc(thing)).get("Parameters", "").splitlines():
        if line and not line[0].isspace():
            documented |= set(re.findall(r"\w+", line.split(":")[0]))
    parameters = set(inspect.signature(thing).parameters) - {"self"}
    assert parameters <= documented
    assert documented <= parameters | {"frame"}


RESULTS = {
    "moments": {},
    "merge": {},
    "components": {},
    "profile": {},
    "shrink": {"threshold": 1.0},
    "compare": {},
    "rank": {"top": 10},
    "posterior_draws": {"tau2": "half_cauchy(5)", "draws": 2},
    "regress": {"x": "x"},
    "regress_components": {"x": "x"},
    "regress_coefficients": {"x": "x"},
}


@pytest.mark.parametrize("verb", RESULTS)
def test_every_column_of_a_result_is_documented(verb):
    """The section Returns names each column."""
    frame = pl.LazyFrame(schema={"g": pl.String, "x": pl.Float64, "y": pl.Float64})
    if verb == "merge":
        result = pool.merge(pool.moments(frame, "y", by="g"), by="g")
    else:
        result = getattr(pool, verb)(frame, "y", by="g", **RESULTS[verb])
    returns = sections(inspect.getdoc(getattr(pool, verb)))["Returns"]
    assert {name for name in result.collect_schema() if name != "g"} <= set(re.findall(r"`(\w+)`", returns))


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: prior.__name__)
def test_every_prior_is_documented(prior):
    assert getattr(pool, prior.__name__) is prior
    result = sections(inspect.getdoc(prior))
    named = {
        word for line in result.get("Parameters", "").splitlines() if line[:1].strip() for word in line.split(", ")
    }
    assert named == set(inspect.signature(prior).parameters)
    assert re.match(r"\S.*[.:]\s", result["Summary"])
    assert re.search(r"\(\d{4}\)", result["Source"])
    assert ">>>" in result["Examples"]


def test_every_verb_names_its_source():
    for name in VERBS:
        assert re.search(r"\(\d{4}\)", inspect.getdoc(getattr(pool, name))), name


def formula_functions() -> list:
    """All functions of all modules of formulas, as defined there."""
    functions = {}
    for name in MODULES:
        if name.startswith("polars_pool.formulas."):
            module = importlib.import_module(name)
            for attribute, thing in vars(module).items():
                plain = inspect.unwrap(thing) if callable(thing) else thing
                if inspect.isfunction(plain) and plain.__module__ == name and not attribute.startswith("_"):
                    functions[f"{name.removeprefix('polars_pool.formulas.')}.{attribute}"] = plain
    return list(functions.items())


def test_formulas_have_docstrings():
    assert len(formula_functions()) > 20
    for name, function in formula_functions():
        if not name.startswith(("elementary.", "registry.", "estimators.")):  # these have titles and sources
            assert function.__doc__, name


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("polars_pool.formulas.")])
def test_every_module_of_formulas_has_a_docstring(name):
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("kind", ["TAU2", "SIGMA2", "MU"])
def test_every_method_has_a_title_and_a_source(kind):
    for name, method in getattr(registry, kind).items():
        assert method.name == name
        assert method.title.strip()
        assert method.source.strip()


# ---- README and guides -----------------------------------------------------------------------------------------


def table(first: str) -> dict[str, str]:
    """The table of the guide to estimators whose first column holds a name: {name: rest of the line}."""
    guide = (ROOT / "examples" / "guides" / "estimators.md").read_text(encoding="utf-8")
    for result in re.findall(r"(?:^\|.*\|$\n?)+", guide, flags=re.MULTILINE):
        lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in result.splitlines()]
        names = {cells[0].strip("`").strip('"'): " | ".join(cells[1:]) for cells in lines[2:]}
        if first in names:
            return names
    raise AssertionError(f"no table of the guide lists {first!r}")


def test_the_table_of_estimators_equals_the_registry():
    listed = table("reml")
    assert set(listed) == set(registry.TAU2)
    for name, text in listed.items():
        method = registry.TAU2[name]
        assert method.title in text, name
        assert method.source in text, name


@pytest.mark.parametrize("kind", ["SIGMA2", "MU"])
def test_the_pages_name_every_method(kind):
    for name in getattr(registry, kind):
        assert re.search(rf"[\"`]{name}[\"`]", PAGES), name


# ---- SQL ---------------------------------------------------------------------------------------------------

SQL = ROOT / "sql" / "formulas.sql"


def test_the_sql_is_fresh():
    """After a change of a formula or of a fact: render again and commit."""
    for path, text in files.rendered().items():
        assert text == (SQL.parent / path).read_text(encoding="utf-8"), path
        assert "python -m polars_pool.rendering" in text, path


def test_the_version_is_the_same_everywhere():
    changelog = (files.GUIDES / "changelog.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\S+)$", changelog, flags=re.MULTILINE)[0] == pool.__version__
    project = (ROOT / "sql" / "dbt" / "dbt_project.yml").read_text(encoding="utf-8")
    assert f"version: {pool.__version__}\n" in project


def test_the_reference_is_fresh():
    """After a change of a docstring, of a column or of a macro: render again and commit."""
    for name, text in reference.pages().items():
        assert text == (files.GUIDES / name).read_text(encoding="utf-8"), name


def test_the_reference_has_every_verb_column_and_macro(loaded):
    pages = reference.pages()
    for name in public_names():
        owner, _, method = name.rpartition(".")
        title = method if owner in ("", "FramePool") else name
        assert re.search(rf"^###+ {title}$", pages["reference.md"], flags=re.MULTILINE), name
    for name in macros(loaded):
        assert name.startswith("_") or f"`{name}(" in pages["reference_sql.md"], name
    described = set(re.findall(r"^\| `(\w+)` \|", pages["reference_columns.md"], flags=re.MULTILINE))
    assert described == set(MEANINGS)


def test_the_package_finds_its_sql():
    assert (pool.SQL / "formulas.sql").read_text(encoding="utf-8") == SQL.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        for part in files.PARTS[
            : files.PARTS.index(files.FORMULAS) + 1
        ]:  # the distributions that formulas call, formulas
            connection.execute((ROOT / "sql" / part).read_text(encoding="utf-8"))
        yield connection


def macros(connection) -> set[str]:
    return {
        name
        for (name,) in connection.execute("SELECT function_name FROM duckdb_functions() WHERE NOT internal").fetchall()
    }


def test_the_sql_loads(database):
    result = macros(database)
    assert {"pool_weight", "pool_estimate"} <= result
    assert all(name.removeprefix("_").startswith("pool_") for name in result)
    assert len(result) > 10


def scalar(connection, call: str):
    return connection.execute(f"SELECT {call}").fetchone()[0]


NUMBERS = [
    (0.0, 1.0, 5.0, 2.0),
    (4.0, 1.0, 5.0, 2.0),
    (4.0, 0.0, -1.5, 2.0),
    (2.5, 7.25, 1e9, 1e9 + 1),
    (0.0, 0.0, 3.0, 4.0),
]


@pytest.mark.parametrize(("tau2", "v", "mean", "mu"), NUMBERS)
def test_the_sql_gives_the_numbers_of_python(database, tau2, v, mean, mu):
    from polars_pool.formulas import shrink

    weight = scalar(database, f"pool_weight({tau2}::DOUBLE, {v}::DOUBLE)")
    assert weight == pytest.approx(pl.select(shrink.weight(pl.lit(tau2), pl.lit(v))).item(), rel=1e-15)
    # 0 < tau2 and 0 < v is Gelman & Hill 12.1 itself; v = 0 keeps the mean, tau2 = 0 pools completely
    assert weight == pytest.approx(1.0 if v == 0 else tau2 / (tau2 + v), rel=1e-15)
    estimate = scalar(database, f"pool_estimate({mean}::DOUBLE, {mu}::DOUBLE, {weight}::DOUBLE)")
    assert estimate == pytest.approx(shrink.estimate(mean, mu, weight), rel=1e-15)  # formulas accept plain numbers, too
    assert estimate == pytest.approx(weight * mean + (1 - weight) * mu, rel=1e-14)


def test_a_group_without_rows_in_sql(database):
    assert scalar(database, "pool_weight(0.0::DOUBLE, 'infinity'::DOUBLE)") == 0
    assert scalar(database, "pool_weight(4.0::DOUBLE, 'infinity'::DOUBLE)") == 0


def test_formulas_run_on_columns_of_both_engines(database):
    """A formula gives the same column of numbers in Polars and in DuckDB."""
    from polars_pool.formulas import shrink

    v = [0.0, 0.5, 1.0, 3.75, math.inf]
    frame = pl.DataFrame({"v": v})
    ours = frame.select(shrink.weight(pl.lit(2.0), pl.col("v"))).to_series().to_list()
    values = ", ".join(f"('{x}'::DOUBLE)" for x in v)
    theirs = database.execute(f"SELECT pool_weight(2.0::DOUBLE, v) FROM (VALUES {values}) t(v)").fetchall()
    assert ours == pytest.approx([w for (w,) in theirs], rel=1e-15)
    assert ours == pytest.approx([1.0, 0.8, 2 / 3, 2 / 5.75, 0.0], rel=1e-15)


def test_every_formula_is_rendered_with_a_comment(database):
    """Each macro has the docstring of its formula as a comment."""
    text = SQL.read_text(encoding="utf-8")
    commented = re.findall(r"^-- .*\n(?:^--.*\n)*CREATE OR REPLACE MACRO (\w+)", text, flags=re.MULTILINE)
    formulas = {f"pool_{name}" for _, name, _ in rendered_formulas()}
    assert formulas <= set(commented)
    assert formulas <= macros(database)


POOL = (ROOT / "sql" / "pool.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def loaded():
    with shells.with_macros("module") as file, duckdb.connect(file) as connection:
        yield connection


def test_every_public_macro_has_a_comment(loaded):
    """The comment is above the macro, or above the paragraph of macros."""
    commented = set()
    for paragraph in POOL.split("\n\n"):
        if paragraph.lstrip("\n").startswith("-- "):
            commented |= set(re.findall(r"^CREATE OR REPLACE MACRO (\w+)\(", paragraph, flags=re.MULTILINE))
    public = {name for name in macros(loaded) if not name.startswith("_")}
    assert public <= commented, public - commented


NUMBER = {"p": "0.25", "hyperparameter": "'tau2'", "argument": "'x'", "names": "['reml']"}  # else 2


def test_every_public_macro_is_callable(loaded):
    """Each scalar macro returns values for a column of numbers; each table macro is in the pages or the header."""
    query = """
        SELECT function_name, function_type, parameters FROM duckdb_functions()
        WHERE NOT internal AND NOT starts_with(function_name, '_')
    """
    result = loaded.execute(query).fetchall()
    assert len(result) > 100
    for name, kind, parameters in result:
        if kind == "macro":
            columns = ", ".join(
                f"{NUMBER.get(parameter, '2.0::DOUBLE')} AS a{i}" for i, parameter in enumerate(parameters)
            )
            given = ", ".join(f"a{i}" for i in range(len(parameters)))
            [row] = loaded.execute(f"SELECT {name}({given}) FROM (SELECT {columns or 1}) GROUP BY ALL").fetchall()
            assert len(row) == 1, name
        else:
            assert f"{name}(" in PAGES + contents.PREFACE or name == "pool_methods", name
    assert loaded.execute("SELECT count(*) FROM pool_methods()").fetchone() == (
        len(registry.TAU2) + len(registry.SIGMA2) + len(registry.MU),
    )
