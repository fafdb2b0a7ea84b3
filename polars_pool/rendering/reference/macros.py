"""reference_sql.md: every public macro of DuckDB, from the comments that duckdb_functions() shows."""

from __future__ import annotations

import re

from .. import comments, files
from . import markdown

INTRODUCTION = """\
# Reference: SQL

The macros of [sql/pool.sql](../../sql/pool.sql) for DuckDB 1.5 or newer. Their results have the
[columns](reference_columns.md) of Python. In DuckDB, `FROM duckdb_functions() SELECT function_name, comment` shows the
same text.

Write columns without quotes: `pool_shrink(scores, score, school)`. Arguments with a default need their name:
`over := year`.
"""
SCALARS = """\
## Scalar macros

Every formula and every step of the estimators, for columns of type DOUBLE, and distributions that DuckDB does not have.
`pool_moments_of` is an aggregate, for any `GROUP BY`.
"""
FAMILIES = {
    "distributions": "Distributions and elementary functions",
    "formulas": "Formulas",
    "rendered": "Estimators",
    "shared": "Arguments and keys",
    "oneway": "Means",
    "posterior": "Posterior",
    "regression": "Regression",
    "rates": "Rates",
}


def text() -> str:
    """The page."""
    every = [
        (_family(path), macro)
        for path, sql in files.parts(files.facts()).items()
        if path != files.COMMENTS
        for macro in comments.macros(sql)
    ]
    tables = [macro for _, macro in every if macro.is_table]
    blocks = [
        INTRODUCTION,
        markdown.table(
            ["macro", "result"], ([f"[`{macro.name}`](#{macro.name})", f"{_summary(macro)}"] for macro in tables)
        ),
        "## Table macros",
        *map(_table_macro, tables),
        SCALARS,
    ]
    for family, title in FAMILIES.items():
        scalars = [macro for place, macro in every if place == family and not macro.is_table]
        if scalars:
            rows = ([f"`{_call(macro)}`", comments.described(macro)] for macro in scalars)
            blocks += [f"### {title}", markdown.table(["macro", "value"], rows)]
    return "\n\n".join(block.rstrip() for block in blocks) + "\n"


def _family(path: str) -> str:
    return path.removeprefix("parts/").split("/")[0].removesuffix(".sql")


def _summary(macro: comments.Macro) -> str:
    return comments.described(macro).split("\n")[0]


def _table_macro(macro: comments.Macro) -> str:
    first, *arguments = comments.described(macro).split("\n")
    listed = "\n".join(re.sub(r"^(\w+): ", r"- `\1`: ", argument) for argument in arguments)
    return f"### {macro.name}\n\n`{_call(macro)}`\n\n{first}\n\n{listed}".rstrip()


def _call(macro: comments.Macro) -> str:
    """The call with its defaults, in one line."""
    line = " ".join(macro.signature.split()).replace('"', "").replace("{'_pool_absent': true}", "NULL")
    return f"{macro.name}({line.replace('_pool_unnamed := NULL, ', '')})"
