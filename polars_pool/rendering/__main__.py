"""`python -m polars_pool.rendering` writes the rendered files of sql/ and the reference in examples/guides."""

from . import files, reference

files.write()
files.write_texts(files.GUIDES, reference.pages())
