"""Two CRC-32 checksums of a Parquet file in its own metadata: one for the data, one for the footer after the data.

Parquet itself defines checksums of pages. They are optional, exclude the footer, and some readers do not verify them.
"""

from __future__ import annotations

import os
import re
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

ENTRY = "polars-pool-crc32"  # in the metadata of the Parquet file
UNSEALED = "crc32:00000000:00000000"  # placeholder: data, footer; the footer is summed with zeros in its own place
SEAL = re.compile(rb"crc32:([0-9a-f]{8}):([0-9a-f]{8})")
TAIL = 8  # bytes at the end of a Parquet file: the length of the footer and the bytes PAR1
PIECE = 1 << 20  # bytes per read


class MismatchError(ValueError):
    """The content of a file differs from what was written."""


class Footer(NamedTuple):
    """The footer of a sealed file: its position, and the checksums of the data before it and of itself."""

    start: int
    data: bytes
    rest: bytes

    @property
    def text(self) -> str:
        return f"{self.data.decode()}:{self.rest.decode()}"


def seal(path: Path) -> str:
    """Write the checksums of a file over their placeholder, and return them."""
    with path.open("r+b") as file:
        start, footer = _footer(file)
        match = SEAL.search(footer)
        if match is None:
            raise MismatchError("it has no placeholder for its checksum")
        footer = _with(footer, match, b"%08x" % _crc_of_data(file, start), b"0" * 8)
        footer = _with(footer, match, footer[match.start(1) : match.end(1)], b"%08x" % zlib.crc32(footer))
        file.seek(start)
        file.write(footer)
    return footer[match.start(1) : match.end(2)].decode()


def footer(path: Path) -> Footer | None:
    """The footer of a file, checked; None for a file without checksums."""
    with path.open("rb") as file:
        return _checked(file)


def verify(path: Path) -> None:
    """Raise a `MismatchError` if any byte of a sealed file has changed."""
    with path.open("rb") as file:
        footer = _checked(file)
        if footer is not None and b"%08x" % _crc_of_data(file, footer.start) != footer.data:
            raise MismatchError("its content differs from its checksum")


def _checked(file: BinaryIO) -> Footer | None:
    start, text = _footer(file)
    match = SEAL.search(text)
    if match is None:
        return None
    if b"%08x" % zlib.crc32(_with(text, match, match[1], b"0" * 8)) != match[2]:
        raise MismatchError("its content differs from its checksum")
    return Footer(start, match[1], match[2])


def _footer(file: BinaryIO) -> tuple[int, bytes]:
    """The position of the footer, and all bytes from there on."""
    size = file.seek(0, os.SEEK_END)
    if size <= TAIL:
        raise MismatchError("it is truncated or not a Parquet file")
    file.seek(size - TAIL)
    start = size - TAIL - int.from_bytes(file.read(4), "little")
    if file.read(4) != b"PAR1" or start < 0:
        raise MismatchError("it is truncated or not a Parquet file")
    file.seek(start)
    return start, file.read()


def _with(footer: bytes, match: re.Match[bytes], data: bytes, rest: bytes) -> bytes:
    return footer[: match.start(1)] + data + b":" + rest + footer[match.end(2) :]


def _crc_of_data(file: BinaryIO, end: int) -> int:
    file.seek(0)
    crc = 0
    while end > 0:
        piece = file.read(min(PIECE, end))
        if not piece:
            raise MismatchError("it is truncated or not a Parquet file")
        crc, end = zlib.crc32(piece, crc), end - len(piece)
    return crc
