"""Imports go in one direction, from formulas to the faces of users, and never in a circle, also inside folders."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import polars_pool

ROOT = Path(polars_pool.__file__).parent
Module = tuple[str, ...]

ORDER = (
    ("formulas", "numerics"),
    ("engines",),
    ("models",),
    ("arguments",),
    ("spark",),
    ("verbs",),
    ("namespace", "store"),
    ("__init__",),
    ("cli", "rendering", "sklearn"),
    ("__main__",),
)
"""Folders and files of the package, low to high; those in one row do not import each other."""
SHARED = {"starting", "version"}  # these import nothing from the package; every file may import them
FAMILIES = (
    "meta_regression",
    "nested",
    "oneway",
    "posterior",
    "rates",
    "rates_posterior",
    "regression",
)
NEVER = {"formulas": {"polars", "duckdb", "numpy", "scipy", "pyarrow"}, "numerics": {"polars", "duckdb", "pyarrow"}}
EXTRAS = {
    "cli": {"rich", "typer"},
    "sklearn": {"sklearn"},
    "spark": {"pyspark"},
    "engines/spark": {"pyspark"},
    "store/sources/delta": {"deltalake"},
    "store/sources/iceberg": {"pyiceberg"},
}
DEPENDENCIES = {"polars", "numpy", "scipy", "pyarrow", "duckdb", "filelock"}


def dotted(path: Path) -> Module:
    """The name of a module inside the package: ("formulas", "between"), or () for the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


FILES = {dotted(path): path for path in sorted(ROOT.rglob("*.py")) if path.relative_to(ROOT).parts[0] != "sql"}


def layer(module: Module) -> str:
    """The folder or file directly below the package."""
    return module[0] if module else "__init__"


@cache
def imported(module: Module) -> frozenset[Module]:
    """The full names of all imports of a file, including imports inside functions."""
    path = FILES[module]
    package = ("polars_pool", *(module if path.name == "__init__.py" else module[:-1]))
    names: set[Module] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            names |= {(*base, alias.name) for alias in node.names}
    return frozenset(names)


@cache
def edges(module: Module) -> frozenset[Module]:
    """The modules of the package that a module imports."""
    names = (name[1:] for name in imported(module) if name[0] == "polars_pool")
    return frozenset({name if name in FILES else name[:-1] for name in names} - {module})


def reach(start: Module) -> set[Module]:
    """All modules that a module imports, directly or indirectly."""
    seen: set[Module] = set()
    todo = [start]
    while todo:
        for name in edges(todo.pop()) - seen:
            seen.add(name)
            todo.append(name)
    return seen


def outside(module: Module) -> set[str]:
    """The libraries that a file imports, without the standard library."""
    return {name[0] for name in imported(module)} - {"polars_pool"} - set(sys.stdlib_module_names)


def each(modules):
    return pytest.mark.parametrize("module", modules, ids="/".join)


def test_every_module_has_its_place_in_the_order():
    known = {name for row in ORDER for name in row} | SHARED
    assert {layer(module) for module in FILES} == known


@each(FILES)
def test_no_module_imports_itself_indirectly(module):
    assert module not in reach(module)


@each(FILES)
def test_no_module_imports_a_higher_layer(module):
    level = {name: i for i, row in enumerate(ORDER) for name in row}
    here = layer(module)
    for other in edges(module):
        there = layer(other)
        if here in SHARED:
            pytest.fail(f"{here} imports {there}")
        assert there in SHARED or there == here or level[there] < level[here], f"{module} imports {other}"


@each([module for module in FILES if module[:1] == ("models",) and len(module) == 3])
def test_families_do_not_import_each_other(module):
    """The posteriors, predictors of means and nested levels import the family they are of; shared code lies below."""
    allowed = {"oneway"} if module[1] in ("posterior", "meta_regression", "nested") else set()
    allowed |= {"rates"} if module[1] == "rates_posterior" else set()
    others = {other[1] for other in edges(module) if other[0] == "models" and len(other) == 3} - {module[1]}
    assert others <= allowed


def test_every_family_has_the_same_files():
    for family in FAMILIES:
        names = {module[2] for module in FILES if module[:2] == ("models", family) and len(module) == 3}
        assert {"spec", "groups", "fit", "components", "estimates", "refuse"} <= names, family


def test_the_package_imports_every_layer():
    """A layer that nothing imports would pass all other tests."""
    assert {name for row in ORDER[:-2] for name in row} - {"__init__"} <= {layer(module) for module in reach(())}


@each([module for module in FILES if layer(module) in NEVER])
def test_formulas_and_numerics_import_no_libraries_of_tables(module):
    assert not outside(module) & NEVER[layer(module)]


@each(FILES)
def test_nothing_but_the_stated_dependencies(module):
    """Optional libraries belong to extras; no other file imports them."""
    extras = set().union(*(EXTRAS.get(name, set()) for name in (layer(module), "/".join(module))))
    assert outside(module) - extras <= DEPENDENCIES


def test_one_file_imports_scipy():
    assert {module for module in FILES if "scipy" in outside(module)} == {("numerics", "special")}


def test_extras_are_imported_where_they_are_used():
    """A plain install has none of these libraries, and importing the package does not import them."""
    code = f"import polars_pool.store.sources, sys; print(sorted({set().union(*EXTRAS.values())} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout == "[]\n"


def test_only_the_store_and_the_command_line_import_sources():
    users = {layer(module) for module in FILES if any(other[:2] == ("store", "sources") for other in edges(module))}
    assert users == {"store", "cli"}


def test_only_the_program_imports_the_command_line():
    users = {layer(module) for module in FILES if any(layer(other) == "cli" for other in edges(module))}
    assert users == {"__main__", "cli"}


def test_no_module_imports_the_transformer_of_scikit_learn():
    users = {layer(module) for module in FILES if any(layer(other) == "sklearn" for other in edges(module))}
    assert users == {"sklearn"}


def test_no_module_imports_the_rendering_of_sql():
    """The rendering reads every layer and writes committed files; the running package does not need it."""
    users = {layer(module) for module in FILES if any(layer(other) == "rendering" for other in edges(module))}
    assert users == {"rendering"}
