"""Functions that the table formats share: the place of a table, the files of its log, the error for a missing extra."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from . import listing

if TYPE_CHECKING:
    from pyarrow import fs


def folder(source: str | os.PathLike[str]) -> Path | None:
    """The local path of a source; None if its URL is not local."""
    text = os.fspath(source)
    if "://" not in text:
        return Path(text).expanduser()
    return Path(local(text)) if text.startswith("file://") else None


def local(url: str) -> str:
    """The path of a file:// URL, without the escapes of URLs; other URLs unchanged."""
    return url2pathname(urlsplit(url).path) if url.startswith("file://") else url


def inside(source: str | os.PathLike[str], name: str) -> dict[str, tuple[fs.FileSystem, str]]:
    """The files in the subfolder `name` of a local folder or an object store, with the file system to open them."""
    where = folder(source)
    if where is not None and not os.path.isdir(where / name):
        return {}  # before PyArrow is imported, which takes longer than most commands on a plain file
    from pyarrow import fs

    if where is not None:
        filesystem, path = fs.LocalFileSystem(), str(where.absolute())
    elif _may_be_stored(os.fspath(source)):
        filesystem, base, below = listing.object_store(os.fspath(source))
        path = f"{base}/{below}"
    else:
        return {}
    infos = filesystem.get_file_info(fs.FileSelector(f"{path.rstrip('/')}/{name}", allow_not_found=True))
    return {info.base_name: (filesystem, info.path) for info in infos if info.type == fs.FileType.File}


def _may_be_stored(url: str) -> bool:
    """Whether a URL may be a folder in an object store, that is, neither a file nor a pattern."""
    known = url.partition("://")[0].lower() in listing.OBJECT_STORES
    return known and not url.endswith(".parquet") and not glob.has_magic(url)


def missing(kind: str, package: str, extra: str) -> ModuleNotFoundError:
    """The error for a table whose reader is not installed."""
    return ModuleNotFoundError(
        f"the source is {kind} table, and the package {package} is not installed: pip install 'polars-pool[{extra}]'"
    )
