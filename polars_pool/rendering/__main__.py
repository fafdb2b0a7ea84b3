"""`python -m polars_pool.rendering` writes the rendered files of sql/."""

from . import files

files.write()
