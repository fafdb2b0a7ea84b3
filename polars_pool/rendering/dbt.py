"""The macro of the dbt package that returns the text of sql/pool.sql.

An installed package sees its own folder only: `dbt deps` checks out nothing else of the repository. So the text has to
be in a file of the package, and dbt reads only macros.
"""

from __future__ import annotations

PATH = "dbt/macros/load/pool_sql.sql"


def text(pool: str) -> str:
    """The dbt macro `pool_sql`, which returns the given text of sql/pool.sql as it is."""
    return (
        "{#- Rendered from sql/pool.sql by `python -m polars_pool.rendering`: edit there. -#}\n"
        f"{{% macro pool_sql() %}}{{% raw %}}\n{pool}{{% endraw %}}{{% endmacro %}}\n"
    )
