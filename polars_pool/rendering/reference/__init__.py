"""The pages examples/guides/reference*.md, rendered from docstrings, schemas and the comments on macros."""

from __future__ import annotations

from . import columns, macros, verbs

HEAD = "<!-- Rendered by `python -m polars_pool.rendering`: edit the docstrings, or the comments in sql/. -->\n\n"


def pages() -> dict[str, str]:
    """The text of every page of the reference, by its file name."""
    texts = {
        "reference.md": verbs.text(),
        "reference_columns.md": columns.text(),
        "reference_sql.md": macros.text(),
    }
    return {name: HEAD + text for name, text in texts.items()}
