"""The files of a source, each with a version: in local folders, on the web, in object stores."""

from __future__ import annotations

import glob
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .. import utf8

if TYPE_CHECKING:
    from pyarrow import fs

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # one letter is a Windows drive
OBJECT_STORES = ("s3", "gs", "az", "abfs", "abfss")
TIMEOUT = 30  # seconds until a web server must have sent the version of a file


@dataclass(frozen=True)
class File:
    """A file, its version when it was listed, and a function that returns its version now."""

    name: str
    version: str
    current: Callable[[], str | None]
    identity: object  # equal for all names of one file
    size: int | None = None  # bytes


def files(source: str, ending: str | tuple[str, ...]) -> list[File]:
    """The files of a path, a pattern, a folder (all files below it with an ending) or a URL, sorted by name."""
    scheme = source.partition("://")[0].lower() if URL.match(source) else ""
    if scheme in ("http", "https"):
        listed = [_web_file(source)]
    elif scheme in OBJECT_STORES:
        listed = _stored(source, ending)
    elif scheme in ("", "file"):
        path = _local_path(source) if scheme else source
        listed = [file for file in map(_local_file, _local_names(path, ending)) if file]
    else:
        raise ValueError(
            f"the source {source!r} has the scheme {scheme!r}; "
            f"supported are file, http, https, {', '.join(OBJECT_STORES)}"
        )
    return sorted(listed, key=lambda file: file.name)


def hidden(name: str) -> bool:
    """Whether a name is internal to a writer of tables: `.crc`, `_SUCCESS`, `_delta_log`, `_temporary`."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


# ---- local --------------------------------------------------------------------------------------------------------


def _local_path(url: str) -> str:
    """The path of a file:// URL."""
    parts = urlsplit(url.replace("?", "%3F").replace("#", "%23"))  # in a file URL, neither ends the path
    if parts.netloc not in ("", "localhost"):
        raise ValueError(f"the source {url!r} names the host {parts.netloc!r}; a file URL has three slashes, file:///…")
    return urllib.request.url2pathname(parts.path)


def _local_names(path: str, ending: str | tuple[str, ...]) -> list[str]:
    path = os.path.abspath(path if os.path.lexists(path) else os.path.expanduser(path))
    _check_link(path)
    if os.path.isdir(path):
        return [name for name in _below(path, hidden) if name.endswith(ending)]
    if os.path.exists(path):
        return [path]
    if not glob.has_magic(path):
        raise FileNotFoundError(f"the source {utf8.printable(path)} does not exist")
    names = [name for name in _matching(path) if not os.path.isdir(name)]
    for name in names:
        _check_link(name)
    if not names:
        raise FileNotFoundError(f"the source {utf8.printable(path)} matches no file")
    return names


def _matching(pattern: str) -> list[str]:
    """The paths that match a pattern; a link to one of its parent folders is not followed."""
    pieces = Path(_literal_where_it_exists(pattern)).parts
    if "**" not in pieces:
        return glob.glob(os.path.join(*pieces))
    before, after = pieces[: pieces.index("**")], pieces[pieces.index("**") :]
    matches = re.compile(regular("/".join(after))).fullmatch
    return [
        name
        for folder in glob.glob(os.path.join(*before))
        if os.path.isdir(folder)
        for name in _below(folder, lambda name: name.startswith("."))
        if matches(Path(name).relative_to(folder).as_posix())
    ]


def _below(folder: str, skipped: Callable[[str], bool]) -> list[str]:
    return list(_walked(folder, skipped, ()))


def _walked(folder: str, skipped: Callable[[str], bool], above: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """The files below a folder; a link to one of its parent folders is not followed."""
    status = os.stat(folder)
    here = (status.st_dev, status.st_ino)
    if here in above:
        return
    with os.scandir(folder) as entries:  # a folder that cannot be read raises an error here
        for entry in entries:
            if skipped(entry.name):
                continue
            if entry.is_symlink():
                _check_link(entry.path)
            if entry.is_dir():
                yield from _walked(entry.path, skipped, (*above, here))
            else:
                yield entry.path


def _check_link(path: str) -> None:
    """Refuse a link to a missing file: its rows would be dropped silently."""
    if os.path.islink(path) and not os.path.exists(path):
        raise FileNotFoundError(
            f"the link {utf8.printable(path)} points to {utf8.printable(os.readlink(path))}, which does not exist; "
            "remove the link, or correct it"
        )


def check_utf8(path: str) -> str:
    """The path, after a check that it is UTF-8."""
    if not utf8.valid(path):
        raise ValueError(f"the name {utf8.printable(path)} is not UTF-8, so the file cannot be opened; rename it")
    return path


def _literal_where_it_exists(pattern: str) -> str:
    """The pattern, with brackets escaped in leading folders whose names contain brackets."""
    literal, rest = Path(pattern).anchor, list(Path(pattern).parts[1:])
    while rest and not any(c in rest[0] for c in "*?") and os.path.isdir(os.path.join(literal, rest[0])):
        literal = os.path.join(literal, rest.pop(0))
    return os.path.join(glob.escape(literal), *rest)


def _local_file(path: str) -> File | None:
    status = _status(check_utf8(path))
    if status is None:
        return None  # deleted after it was listed
    identity = (status.st_dev, status.st_ino)
    return File(path, _version_of(status), partial(_local_version, path), identity, status.st_size)


def _local_version(path: str) -> str | None:
    status = _status(path)
    return None if status is None else _version_of(status)


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _version_of(status: os.stat_result) -> str:
    return f"size={status.st_size} mtime_ns={status.st_mtime_ns}"


# ---- web ----------------------------------------------------------------------------------------------------------


def _web_file(url: str) -> File:
    version = _web_version(url)
    if version is None:
        raise FileNotFoundError(f"the source {url!r} does not exist")
    return File(url, version, partial(_web_version, url), url)


def _web_version(url: str) -> str | None:
    """The version of the content of an address, from a HEAD request."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            headers = response.headers
    except urllib.error.HTTPError as error:
        if error.code in (404, 410):
            return None
        raise OSError(f"the source {url!r} did not send its version: HTTP {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise OSError(f"the source {url!r} cannot be reached: {error.reason}") from None
    fields = {
        name: headers[field]
        for name, field in (("etag", "ETag"), ("modified", "Last-Modified"), ("size", "Content-Length"))
        if headers[field]
    }
    if not {"etag", "modified"} & set(fields):
        raise ValueError(f"the server of {url!r} sends neither ETag nor Last-Modified, so changes cannot be detected")
    return " ".join(f"{name}={value}" for name, value in fields.items())


# ---- object stores ------------------------------------------------------------------------------------------------


def object_store(url: str) -> tuple[fs.FileSystem, str, str]:
    """The file system of a URL, its bucket, and the rest of the URL after the bucket, unchanged."""
    from pyarrow import fs

    scheme, rest = url.split("://", 1)
    bucket, _, path = rest.partition("/")
    if scheme == "s3":
        return _s3(bucket), bucket, path
    if scheme == "az":
        account = os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")
        if not account:
            raise ValueError(f"the source {url!r} names no account; set AZURE_STORAGE_ACCOUNT_NAME")
        return fs.AzureFileSystem(account), bucket, path
    filesystem, base = fs.FileSystem.from_uri(f"{scheme}://{bucket}")
    return filesystem, base, path


def _stored(url: str, ending: str | tuple[str, ...]) -> list[File]:
    """The files of a URL of an object store."""
    filesystem, base, path = object_store(url)
    return objects(filesystem, base, path, "/".join([*url.split("/")[:3], ""]), ending)


def _s3(bucket: str) -> fs.FileSystem:
    """The file system for a bucket, configured by the environment variables that Polars reads."""
    from pyarrow import fs

    variable = os.environ.get
    endpoint = variable("AWS_ENDPOINT_URL") or variable("AWS_ENDPOINT")
    region = variable("AWS_REGION") or variable("AWS_DEFAULT_REGION")
    options: dict[str, Any] = {"anonymous": variable("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true")}
    if endpoint:
        options |= {"endpoint_override": urlsplit(endpoint).netloc, "scheme": urlsplit(endpoint).scheme}
    else:
        region = region or fs.resolve_s3_region(bucket)
    return fs.S3FileSystem(region=region or "us-east-1", **options)


def objects(filesystem: fs.FileSystem, base: str, path: str, prefix: str, ending: str | tuple[str, ...]) -> list[File]:
    """The files of a path, pattern or folder below `base`; each name is `prefix` and the path below `base`."""
    from pyarrow import fs

    path = path.strip("/")
    if glob.has_magic(path):
        matches = re.compile(regular(path)).fullmatch
        listed = [(info, name) for info, name in _below_base(filesystem, base, _folder(path)) if matches(name)]
        if not listed:
            raise FileNotFoundError(f"the source {prefix + path!r} matches no file")
    else:
        [info] = filesystem.get_file_info([f"{base}/{path}".rstrip("/")])
        if info.type == fs.FileType.NotFound:
            raise FileNotFoundError(f"the source {prefix + path!r} does not exist")
        listed = (
            [(info, path)]
            if info.type == fs.FileType.File
            else [
                (info, name)
                for info, name in _below_base(filesystem, base, path)
                if name.endswith(ending) and not any(map(hidden, name[len(path) :].strip("/").split("/")))
            ]
        )
    return [
        File(
            prefix + name,
            _object_version(info),
            partial(_current_object, filesystem, info.path),
            prefix + name,
            info.size,
        )
        for info, name in listed
    ]


def _below_base(filesystem: fs.FileSystem, base: str, folder: str) -> list[tuple[fs.FileInfo, str]]:
    """All files below a folder, with their paths below the base."""
    from pyarrow import fs

    selector = fs.FileSelector(f"{base}/{folder}".rstrip("/"), recursive=True, allow_not_found=True)
    infos = filesystem.get_file_info(selector)
    return [(info, info.path[len(base) :].lstrip("/")) for info in infos if info.type == fs.FileType.File]


def _folder(pattern: str) -> str:
    """The folder above the first component with a wildcard."""
    parts = pattern.split("/")
    return "/".join(parts[: next(i for i, part in enumerate(parts) if glob.has_magic(part))])


def regular(pattern: str) -> str:
    """A glob as a regular expression: `**` matches folders, `*` and `?` match within one name, except a leading dot."""
    parts = pattern.split("/")
    regex = ""
    for part, rest in zip(parts, reversed(range(len(parts))), strict=True):
        if part == "**":
            regex += r"(?:[^./][^/]*/)*" + ("" if rest else r"[^./][^/]*")
        else:
            dot = r"(?!\.)" if part[:1] in ("*", "?", "[") else ""
            regex += dot + re.sub(r"\[!?\]?[^\]]*\]|.", _regular_piece, part) + ("/" if rest else "")
    return regex


def _regular_piece(piece: re.Match[str]) -> str:
    text = piece.group()
    if len(text) > 1:
        return "[" + ("^/" if text[1] == "!" else "") + text[1:-1].removeprefix("!").replace("\\", r"\\") + "]"
    return {"*": "[^/]*", "?": "[^/]"}.get(text, re.escape(text))


def _object_version(info: fs.FileInfo) -> str:
    return f"size={info.size} mtime_ns={info.mtime_ns}"


def _current_object(filesystem: fs.FileSystem, path: str) -> str | None:
    from pyarrow import fs

    [info] = filesystem.get_file_info([path])
    return _object_version(info) if info.type == fs.FileType.File else None
