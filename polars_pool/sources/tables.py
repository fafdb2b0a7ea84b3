"""What the table formats share: which local folder a source names, and the sentence for a missing extra."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def folder(source: str | os.PathLike[str]) -> Path | None:
    """The local path that a source names; None for the URL of another place."""
    given = os.fspath(source)
    if "://" not in given:
        return Path(given).expanduser()
    return Path(local(given)) if given.startswith("file://") else None


def local(url: str) -> str:
    """The path of a file:// URL, whose characters are escaped as URLs escape them; other URLs as they are."""
    return url2pathname(urlsplit(url).path) if url.startswith("file://") else url


def missing(kind: str, package: str, extra: str) -> ModuleNotFoundError:
    """The error for a table whose reader is not installed."""
    return ModuleNotFoundError(
        f"the source is {kind} table, and the package {package} is not installed: pip install 'polars-pool[{extra}]'"
    )
