"""Delta commits that deltalake cannot write, with deletion vectors according to the protocol."""

import json
import struct
from pathlib import Path

Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
VECTORS = {
    "protocol": {
        "minReaderVersion": 3,
        "minWriterVersion": 7,
        "readerFeatures": ["deletionVectors"],
        "writerFeatures": ["deletionVectors"],
    }
}


def _file(table: Path, version: int) -> Path:
    return Path(table) / "_delta_log" / f"{version:020}.json"


def actions(table: Path, version: int) -> list[dict]:
    """The actions of one commit."""
    return [json.loads(line) for line in _file(table, version).read_text(encoding="utf-8").splitlines()]


def commit(table: Path, version: int, entries: list[dict]) -> None:
    """Write the commit of a version, or rewrite it."""
    _file(table, version).write_text("\n".join(map(json.dumps, entries)) + "\n", encoding="utf-8")


def replaced(add: dict, rows: list[int]) -> list[dict]:
    """The actions that delete rows of a file by their positions, without changing the file."""
    removed = {key: add[key] for key in ("path", "partitionValues", "size")}
    removed |= {"deletionTimestamp": 0, "dataChange": True, "extendedFileMetadata": True}
    if "deletionVector" in add:
        removed["deletionVector"] = add["deletionVector"]
    return [{"remove": removed}, {"add": add | {"deletionVector": _inline(rows)}}]


def _inline(rows: list[int]) -> dict:
    """A deletion vector in the log itself: one 64-bit Roaring bitmap with one 32-bit bitmap, in Z85."""
    raw = struct.pack("<IQI", 1681511377, 1, 0) + roaring(rows)
    return {
        "storageType": "i",
        "pathOrInlineDv": _z85(raw + b"\0" * (-len(raw) % 4)),
        "sizeInBytes": len(raw),
        "cardinality": len(rows),
    }


def roaring(rows: list[int]) -> bytes:
    """A 32-bit Roaring bitmap of array containers, in its portable format."""
    containers: dict[int, list[int]] = {}
    for row in sorted(rows):
        containers.setdefault(row >> 16, []).append(row & 0xFFFF)
    head = struct.pack("<II", 12346, len(containers))
    head += b"".join(struct.pack("<HH", key, len(low) - 1) for key, low in containers.items())
    arrays = [struct.pack(f"<{len(low)}H", *low) for low in containers.values()]
    starts = [len(head) + 4 * len(arrays) + sum(map(len, arrays[:i])) for i in range(len(arrays))]
    return head + struct.pack(f"<{len(arrays)}I", *starts) + b"".join(arrays)


def _z85(raw: bytes) -> str:
    text = ""
    for (number,) in struct.iter_unpack(">I", raw):
        text += "".join(Z85[number // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return text
