"""A macro is one query of the engine: it scans a file once, for the needed columns, without unused work.

The tests read DuckDB's physical plan, in the module and the shell. In addition to the scan, the plan reads the first
values up to a LIMIT; they determine the pivot. With `over` there is no such read.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import duckdb
import polars as pl
import pytest
import shells
import ways

import polars_pool as pool
from polars_pool.formulas import registry

pytestmark = pytest.mark.every_way
every_engine = pytest.mark.parametrize("engine", shells.ENGINES)


def rows() -> pl.DataFrame:
    i = pl.int_range(3000)
    return pl.select(
        year=2020 + i % 3,
        g=(i * 7) % 61,
        h=i % 11,
        y=((i * i) % 97) / 8 + (i * 7) % 61 / 4,
        w=1.0 + i % 4,
        se=0.5 + (i % 5) / 4,
        unused=i * 1.0,
    )


# ---- reading plans ---------------------------------------------------------------------------------------------------


class Node(NamedTuple):
    name: str
    facts: dict[str, str | list[str]]
    above: tuple["Node", ...]

    def __repr__(self) -> str:
        return self.name  # without the nodes above, which would repeat

    def listed(self, fact: str) -> list[str]:
        result = self.facts.get(fact, [])
        return [result] if isinstance(result, str) else result

    def columns(self) -> list[str]:
        return self.listed("Projections")

    def aggregates(self) -> str:
        """The description of the nearest group-by above."""
        return ", ".join(next(node for node in reversed(self.above) if "GROUP" in node.name).listed("Aggregates"))


class Plan(NamedTuple):
    nodes: list[Node]

    def reads(self) -> list[Node]:
        return [node for node in self.nodes if "PARQUET" in node.name]

    def scans(self) -> list[Node]:
        """The reads of whole files."""
        return [node for node in self.reads() if not limited(node)]

    def first_rows(self) -> list[Node]:
        """The reads that end at a LIMIT."""
        return [node for node in self.reads() if limited(node)]

    def names(self) -> set[str]:
        return {node.name for node in self.nodes}


def limited(node: Node) -> bool:
    """Whether there is a LIMIT between the read and the first group-by."""
    for name in (other.name for other in reversed(node.above)):
        if "GROUP" in name or "AGGREGATE" in name:
            return False
        if "LIMIT" in name:
            return True
    return False


def walk(tree: dict, above: tuple[Node, ...] = ()) -> Iterator[Node]:
    node = Node(tree["name"].strip(), tree.get("extra_info", {}), above)
    yield node
    for child in tree.get("children", []):
        yield from walk(child, (*above, node))


def parsed(result: shells.Rows | str) -> Plan:
    """The text of the plan: the module returns it in a row, the shell prints it under a title."""
    text = result if isinstance(result, str) else result[0]["explain_value"]
    trees = json.loads(text[text.index("[\n") :])
    return Plan([node for tree in trees for node in walk(tree)])


FILES = "'{folder}/**/*.parquet'"
SETUP = """
CREATE VIEW recent AS FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true) WHERE year >= 2022;
CREATE MACRO twice_read() AS TABLE
    SELECT a.g FROM '{folder}/**/*.parquet' AS a
    JOIN (SELECT g, avg(y) AS m FROM '{folder}/**/*.parquet' GROUP BY g) USING (g);
"""
INPUTS = {
    "rows": ("", ["g", "y"]),
    "weights": (", weights := w", ["g", "y", "w"]),
    "moments": (", n := h, var := w", ["g", "y", "h", "w"]),
    "published": (", se := se", ["g", "y", "se"]),
    "separate": (", sigma2 := 'separate'", ["g", "y"]),
    "squeezed": (", sigma2 := 'squeezed'", ["g", "y"]),
    "robust": (""", "interval" := 'robust'""", ["g", "y"]),
    "robust of models": (""", over := h, sigma2 := 'separate', "interval" := 'robust'""", ["g", "y", "h"]),
    "rows of models": (", over := h", ["g", "y", "h"]),
    "models of a partition": (", over := year", ["g", "y", "year"]),
    "weights of models": (", weights := w, over := h", ["g", "y", "h", "w"]),
    "published of models": (", se := se, over := h", ["g", "y", "h", "se"]),
}
VERBS = {
    "shrink": "FROM pool_shrink({files}, y, g{options})",
    "components": "FROM pool_components({files}, y, g{options})",
}
METHODS = [*registry.TAU2, "known"]
QUERIES = {
    **{
        (verb, name): call.format(files=FILES, options=options)
        for name, (options, _) in INPUTS.items()
        for verb, call in VERBS.items()
        if verb == "shrink" or name in ("rows", "published", "weights of models")
    },
    **{
        ("tau2", name): f"FROM pool_shrink({FILES}, y, g, tau2 := {2.0 if name == 'known' else repr(name)})"
        for name in METHODS
    },
    "moments": f"FROM pool_moments({FILES}, y, g)",
    "weighted moments": f"FROM pool_weighted_moments({FILES}, y, g, w)",
    "expressions": f"FROM pool_shrink({FILES}, ln(1 + y), g % 7)",
    "several keys": f"FROM pool_shrink({FILES}, y, COLUMNS(['year', 'g']))",
    "encode": f"SELECT g, estimate FROM pool_encode({FILES}, y, g)",
    "compare": f"FROM pool_compare({FILES}, y, g)",
    "compare over": f"FROM pool_compare({FILES}, y, g, over := h)",
    "a view": "FROM pool_shrink(recent, y, g)",
    "a CTE": f"WITH chosen AS (FROM {FILES} WHERE year >= 2022) FROM pool_shrink(chosen, y, g)",
    "an inlined CTE": (
        f"WITH chosen AS NOT MATERIALIZED (FROM {FILES} WHERE year >= 2022) FROM pool_shrink(chosen, y, g)"
    ),
    "a glob": "FROM pool_shrink('{folder}/year=2021/*.parquet', y, g)",
    "read twice": "FROM twice_read()",
    "limited after": f"SELECT g, avg(y) FROM {FILES} GROUP BY g LIMIT 5",
    "limited before": f"SELECT avg(y) FROM (SELECT y FROM {FILES} LIMIT 5)",
}


def takes(engine: str, key: Any) -> bool:
    """Whether an engine plans a query: methods are taken in turn, the shell takes every second input, each all else."""
    place = None
    if key[0] == "tau2":
        place = METHODS.index(key[1])
    elif key[0] in VERBS and engine == "shell":
        place = [*INPUTS].index(key[1])
    return ways.full or place is None or place % 2 == shells.ENGINES.index(engine)


methods_by_turns = pytest.mark.parametrize(
    ("engine", "name"), [(e, name) for name in METHODS for e in shells.ENGINES if takes(e, ("tau2", name))]
)


@cache
def plans(engine: str) -> dict[object, Plan]:
    planned = {key: query for key, query in QUERIES.items() if takes(engine, key)}
    with TemporaryDirectory() as folder:
        rows().write_parquet(Path(folder), partition_by="year")
        queries = [f"EXPLAIN (FORMAT json) {query}".replace("{folder}", folder) for query in planned.values()]
        # The shell plans macros from a database file differently, so the script reads them.
        setup = f"{shells.POOL}\n{SETUP.replace('{folder}', folder)}"
        result = shells.answers(engine, queries, setup)
    return dict(zip(planned, map(parsed, result), strict=True))


@every_engine
def test_the_reader_detects_a_plan_that_scans_twice(engine):
    assert len(plans(engine)["read twice"].scans()) == 2


@every_engine
def test_the_reader_distinguishes_a_limit_below_a_group_by_from_one_above(engine):
    assert len(plans(engine)["limited after"].scans()) == 1
    assert not plans(engine)["limited before"].scans()
    assert len(plans(engine)["limited before"].first_rows()) == 1


# ---- one scan --------------------------------------------------------------------------------------------------------


def assert_one_scan(plan: Plan, columns: list[str], first: list[str]) -> None:
    """Assert one scan of these columns, and one read of the first values if there are columns."""
    [scan] = plan.scans()
    unwritten = [""] if duckdb.__version__ == "1.5.0" else None  # this version omits the columns of some scans
    assert sorted(scan.columns()) in (sorted(columns), unwritten)
    assert [node.columns() for node in plan.first_rows()] == ([first] if first else [])


@pytest.mark.parametrize(
    ("engine", "verb", "name"),
    [(e, *key) for key in QUERIES if key[0] in VERBS for e in shells.ENGINES if takes(e, key)],
)
def test_one_scan_of_the_columns_that_are_needed(engine, verb, name):
    options, columns = INPUTS[name]
    assert_one_scan(plans(engine)[verb, name], columns, first=[] if "over" in options else ["y"])


@methods_by_turns
def test_one_scan_for_every_estimator(engine, name):
    assert_one_scan(plans(engine)["tau2", name], ["g", "y"], first=["y"])


@every_engine
def test_one_scan_of_other_calls(engine):
    result = plans(engine)
    assert_one_scan(result["moments"], ["g", "y"], first=["y"])
    assert_one_scan(result["weighted moments"], ["g", "y", "w"], first=["y"])
    assert_one_scan(result["expressions"], ["g", "y"], first=["y"])
    assert_one_scan(result["several keys"], ["year", "g", "y"], first=["y"])
    assert_one_scan(result["compare"], ["g", "y"], first=["y"])
    assert_one_scan(result["compare over"], ["g", "y", "h"], first=[])


@every_engine
def test_encode_reads_once_for_the_groups_and_once_for_the_rows(engine):
    assert len(plans(engine)["encode"].scans()) == 2
    assert len(plans(engine)["encode"].first_rows()) == 1


# ---- partitions ------------------------------------------------------------------------------------------------------


@every_engine
@pytest.mark.parametrize("name", ["a view", "a CTE", "an inlined CTE"])
def test_partitions_are_pruned(engine, name):
    reads = plans(engine)[name].reads()
    assert reads
    assert {node.facts.get("Scanning Files") for node in reads} == {"1/3"}


@every_engine
def test_views_and_inlined_ctes_are_scanned_once_for_the_columns_that_are_needed(engine):
    for name in ("a view", "an inlined CTE", "a glob"):
        assert_one_scan(plans(engine)[name], ["g", "y"], first=["y"])


@every_engine
def test_a_cte_is_read_once_and_kept(engine):
    """DuckDB materialises a CTE that is used twice: one scan also serves the first values."""
    assert len(plans(engine)["a CTE"].reads()) == 1


# ---- nothing unused --------------------------------------------------------------------------------------------------

SEARCHED = {"reml", "ml", "pm", "eb", "pmm", "cv", "chung", "sure", "morris"}


@methods_by_turns
def test_only_estimators_without_a_closed_form_search(engine, name):
    recursive = {node for node in plans(engine)["tau2", name].names() if node.startswith("REC")}
    assert bool(recursive) == (name in SEARCHED)


@every_engine
def test_closed_forms_have_shorter_plans(engine):
    result = {key[1]: len(plan.nodes) for key, plan in plans(engine).items() if key[0] == "tau2"}
    searched = min(size for name, size in result.items() if name in SEARCHED)
    closed = max(size for name, size in result.items() if name not in SEARCHED)
    assert closed < searched
    assert result.get("known", 0) < closed


@pytest.mark.parametrize(
    ("engine", "name"), [(e, name) for name in INPUTS for e in shells.ENGINES if takes(e, ("shrink", name))]
)
def test_plain_rows_are_grouped_without_covariances(engine, name):
    """Each kind of input has its own branch; the other branches read nothing."""
    [scan] = plans(engine)["shrink", name].scans()
    weighed = any(argument in INPUTS[name][0] for argument in ("weights :=", "se :=", "var :="))
    assert weighed or "covar_samp(" not in scan.aggregates()
    assert ("var_samp(" in scan.aggregates().replace("covar_samp(", "")) != weighed


def test_one_aggregate_is_all_that_rows_need_from_version_2_on():
    """The state of the variance also holds count and mean; before version 2, a state cannot be read."""
    [scan] = plans("module")["shrink", "rows"].scans()
    three = duckdb.__version__.startswith("1.")
    assert scan.aggregates().count("(") == (3 if three else 1)
    assert ("avg(" in scan.aggregates()) == three


@pytest.mark.parametrize("name", INPUTS)
def test_models_are_joined_only_where_there_are_models(name):
    """Without `over`, the components of the single model need no join."""
    joins = [node for node in plans("module")["shrink", name].nodes if "_pool_model" in str(node.listed("Conditions"))]
    assert bool(joins) == ("over" in INPUTS[name][0])


# ---- pruned views ----------------------------------------------------------------------------------------------------


@every_engine
def test_a_pruned_view_gives_the_numbers_of_its_rows(engine, tmp_path):
    rows().write_parquet(tmp_path, partition_by="year")
    expected = pool.shrink(rows().filter(pl.col("year") >= 2022), "y", by="g")
    [result] = shells.answers(
        engine, ["FROM pool_shrink(recent, y, g) ORDER BY g"], SETUP.replace("{folder}", str(tmp_path))
    )
    for row, wanted in zip(result, expected.rows(named=True), strict=True):
        assert row == pytest.approx(wanted, rel=1e-9)
