"""Imports go one way: formulas, then engines, then the verbs and namespaces, then the package's front door."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import polars_pool

ROOT = Path(polars_pool.__file__).parent
ENGINES = {"polars", "duckdb", "numpy", "scipy", "pyarrow", "narwhals", "pyspark", "pandas"}
ORDER = ["formulas", "engines", "verbs", "namespace", "__init__"]
EXTRAS = {"cli": {"rich", "typer"}, "sources/delta": {"deltalake"}, "sources/iceberg": {"pyiceberg"}}
STORED = [
    "sources",
    "definition",
    "states",
    "merging",
    "reading",
    "store",
    "__init__",
]  # parts of rows to stored moments
MODULES = sorted(path for path in ROOT.rglob("*.py") if "sql" not in path.relative_to(ROOT).parts[:1])


def dotted(path: Path) -> tuple[str, ...]:
    """The module's name inside the package, without the package: ("formulas", "between")."""
    return path.relative_to(ROOT).with_suffix("").parts


def layer(parts: tuple[str, ...]) -> str:
    """The folder or file directly below the package."""
    return parts[0] if parts else "__init__"


def imported(path: Path) -> set[tuple[str, ...]]:
    """Every module that a file imports, in full, wherever in the file the import stands."""
    package = ("polars_pool", *dotted(path)[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            found |= {(*base, alias.name) for alias in node.names}
    return found


def inner(path: Path) -> set[str]:
    """The layers of the package that a file imports from."""
    names = {name[1:] for name in imported(path) if name[0] == "polars_pool"}
    known = {layer(dotted(module)) for module in MODULES}
    return {name[0] if name and name[0] in known else "__init__" for name in names}


@cache
def graph() -> dict[str, set[str]]:
    """Layer -> layers it imports from."""
    edges: dict[str, set[str]] = {}
    for path in MODULES:
        here = layer(dotted(path))
        edges.setdefault(here, set()).update(inner(path) - {here})
    return edges


def reach(edges: dict[str, set[str]], start: str) -> set[str]:
    """All that a layer imports, directly or by way of others."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        for name in edges.get(todo.pop(), set()) - seen:
            seen.add(name)
            todo.append(name)
    return seen


def pairs(order: list[str]) -> list[tuple[str, str]]:
    return [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]


def test_the_layers_exist():
    assert {*ORDER, *STORED} <= {layer(dotted(path)) for path in MODULES}


def test_imports_form_no_circle():
    edges = graph()
    for name in edges:
        assert name not in reach(edges, name), f"{name} imports itself by way of {edges[name]}"


@pytest.mark.parametrize(("lower", "higher"), [*pairs(ORDER), *pairs(STORED)])
def test_no_layer_imports_a_higher_one(lower, higher):
    assert higher not in reach(graph(), lower)


def test_the_front_door_reaches_every_layer():
    """A layer that nothing imports would pass all the other tests."""
    assert {*ORDER, *STORED} - {"__init__"} <= reach(graph(), "__init__")


@pytest.mark.parametrize("name", ["formulas", "engines", "verbs", "namespace"])
def test_estimation_knows_nothing_of_stores(name):
    assert not reach(graph(), name) & {*STORED}


def test_only_the_store_and_the_command_line_know_sources():
    assert {name for name, imports in graph().items() if "sources" in imports} == {"reading", "store", "cli"}
    assert not reach(graph(), "sources")


def formula_files() -> list[Path]:
    return [path for path in MODULES if layer(dotted(path)) == "formulas"]


@pytest.mark.parametrize("path", formula_files(), ids=lambda path: path.name)
def test_formulas_import_no_engine(path):
    outside = {name[0] for name in imported(path)} - {"polars_pool"}
    assert not outside & ENGINES
    assert outside <= set(sys.stdlib_module_names)
    assert inner(path) <= {"formulas"}


def test_formulas_import_each_other_without_a_circle():
    files = {dotted(path)[-1]: path for path in formula_files()}
    edges = {}
    for name, path in files.items():
        parts = {part for module in imported(path) if module[:2] == ("polars_pool", "formulas") for part in module[2:3]}
        edges[name] = parts & set(files) - {name}
    for name in edges:
        assert name not in reach(edges, name)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(dotted(path)))
def test_nothing_but_the_stated_dependencies(path):
    """Optional engines sit behind extras and are imported by nothing else."""
    outside = {name[0] for name in imported(path)} - {"polars_pool"}
    outside -= set().union(*(EXTRAS.get(name, set()) for name in (layer(dotted(path)), "/".join(dotted(path)))))
    assert outside - set(sys.stdlib_module_names) <= {"polars", "numpy", "scipy", "pyarrow", "duckdb", "filelock"}


def test_extras_are_imported_where_they_are_used():
    """A plain install has none of them, and an import of the package does not look for them."""
    code = f"import polars_pool.sources, sys; print(sorted({set().union(*EXTRAS.values())} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_the_command_line_is_imported_by_the_program_alone():
    edges = graph()
    assert {name for name, imports in edges.items() if "cli" in imports} == {"__main__"}
    assert not any("__main__" in imports for imports in edges.values())
    assert {"store", "verbs"} <= reach(edges, "__main__")
