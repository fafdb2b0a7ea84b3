"""The rendered files of sql/, and sql/pool.sql, which holds all macros in one file."""

from __future__ import annotations

from pathlib import Path

from ..engines.duckdb import FOLDER
from . import (
    columns,
    comments,
    compression,
    contents,
    dbt,
    estimators,
    formulas,
    inlining,
    messages,
    meta_regression,
    methods,
    names,
    priors,
)

FORMULAS = "formulas.sql"
POOL = "pool.sql"
GUIDES = FOLDER.parent / "examples" / "guides"
COMMENTS = "parts/rendered/comments.sql"
PRIVATE_FORMULAS = "parts/rendered/formulas.sql"

# The files of sql/ in the order of loading: DuckDB binds the body of a macro when it is created, so a file comes after
# those whose macros it calls. A nested .read would resolve against the working directory: pool.sql holds all of them.
ORDER = (
    ("parts/distributions", "domains elementary normal tails student odds gamma beta polygamma sine_integral"),
    ("", "formulas"),
    ("parts/rendered", "formulas names messages priors columns"),
    ("parts/shared", "arguments priors columns keys values offset refuse unseen tails"),
    ("parts/rendered", "estimators compression"),
    ("parts/oneway", "spec refuse groups search compression fit errors inference limits uncertainty components sizes"),
    ("parts/oneway", "profile comparison critical robust"),
    ("parts/posterior", "spec quadrature quantiles proper mixtures components estimates profile results"),
    ("parts/oneway", "estimates moments encode verbs"),
    ("parts/regression", "spec offset refuse groups likelihood identification fit components verbs"),
    ("parts/nested", "spec groups identification likelihood fit inference limits components estimates verbs"),
    ("parts/rendered", "meta_regression"),
    ("parts/meta_regression", "spec refuse groups identification search fit inference limits components"),
    ("parts/meta_regression", "estimates coefficients verbs"),
    ("parts/rates", "spec refuse groups identification likelihood fit components estimates verbs"),
    ("parts/rendered", "comments"),
)
PARTS = tuple(f"{folder}/{name}.sql".lstrip("/") for folder, names in ORDER for name in names.split())


def rendered() -> dict[str, str]:
    """The text of every rendered file but pool.sql, by its path in sql/."""
    every = facts()
    macros = "\n".join(text for path, text in parts(every).items() if path != COMMENTS)
    return every | {COMMENTS: _headed("verbs and the comments of the other files", comments.text(macros))}


def facts() -> dict[str, str]:
    """The text of the files that are rendered from Python alone."""
    return {
        FORMULAS: f"{formulas.text()}\n{methods.text()}",
        PRIVATE_FORMULAS: _headed("polars_pool/formulas", formulas.private_text()),
        "parts/rendered/estimators.sql": _headed("polars_pool/formulas/estimators.py", estimators.text()),
        "parts/rendered/meta_regression.sql": _headed(
            "polars_pool/formulas/meta_regression.py", meta_regression.text()
        ),
        "parts/rendered/compression.sql": _headed("polars_pool/formulas/compression.py", compression.text()),
        "parts/rendered/names.sql": _headed("polars_pool/formulas/names.py", names.text()),
        "parts/rendered/messages.sql": _headed("polars_pool/formulas/messages.py", messages.text()),
        "parts/rendered/priors.sql": _headed("polars_pool/formulas/priors.py", priors.text()),
        "parts/rendered/columns.sql": _headed("polars_pool/verbs", columns.text()),
    }


def parts(fresh: dict[str, str]) -> dict[str, str]:
    """The text of every file in the order of loading, rendered ones from memory."""
    return {
        path: fresh[path] if path in fresh else (FOLDER / path).read_text(encoding="utf-8")
        for path in PARTS
        if path in fresh or path != COMMENTS
    }


def _headed(source: str, text: str) -> str:
    return f"-- Rendered from {source} by `python -m polars_pool.rendering`: edit there.\n--\n{text}\n"


def together() -> str:
    """The text of sql/pool.sql."""
    every = parts(rendered())
    sql = inlining.inlined("\n\n".join(every.values()))
    return contents.text(every) + inlining.flat(sql)


def write() -> None:
    """Write the rendered files of sql/."""
    pool = together()
    write_texts(FOLDER, rendered() | {POOL: pool, dbt.PATH: dbt.text(pool)})


def write_texts(folder: Path, texts: dict[str, str]) -> None:
    """Write texts into a folder, by their paths in it."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
