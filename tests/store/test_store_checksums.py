"""A damaged state raises an error that names it, whichever byte has changed: moments are never wrong."""

import json
import random
import zlib

import polars as pl
import pyarrow.parquet as pq
import pytest

import polars_pool as pool
from polars_pool.store import checksum, states

FLIPS = 400


@pytest.fixture
def store(tmp_path):
    """A store of two parts, its merged moments, and the file of one state."""
    (tmp_path / "rows").mkdir()
    for number in range(2):
        rows = pl.DataFrame({"g": ["a", "b", "a"], "y": [1.0, 2.0, 4.0 + number]})
        rows.write_parquet(tmp_path / f"rows/{number}.parquet")
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(tmp_path / "rows")
    return store, states.path_of(tmp_path / "m", str(tmp_path / "rows/0.parquet"))


def moments(store) -> dict[str, tuple]:
    return {g: rest for g, *rest in pool.MomentStore(store.path).scan().collect().rows()}


def assert_right(store) -> None:
    """a: 1, 4, 1, 5; b: 2, 2."""
    result = moments(store)
    assert result.keys() == {"a", "b"}
    assert result["a"] == pytest.approx([4, 11 / 4, 51 / 12], rel=1e-14)
    assert result["b"] == pytest.approx([2, 2.0, 0.0], rel=1e-14)


def assert_named(store, path, *reasons):
    with pytest.raises((ValueError, pl.exceptions.PolarsError), match=r"is not a state of a store") as error:
        moments(store)
    assert path.name in str(error.value)
    assert any(reason in str(error.value) for reason in reasons)
    assert "delete it and refresh" in str(error.value)


def test_any_flipped_bit_is_an_error_that_names_the_file(store):
    store, path = store
    assert_right(store)
    content = path.read_bytes()
    for bit in random.Random(28).sample(range(8 * len(content)), FLIPS):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        assert_named(store, path, "checksum", "truncated", "metadata", "copy")
    path.write_bytes(content)
    assert_right(store)


def test_truncated_and_lengthened_files(store):
    store, path = store
    content = path.read_bytes()
    for length in (0, 1, 7, 8, 12, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        assert_named(store, path, "truncated")
    for changed in (content + b"\0", content + content, b"\0" + content):
        path.write_bytes(changed)
        assert_named(store, path, "truncated", "checksum")


def test_swapped_files_are_detected(store):
    store, path = store
    other = states.path_of(store.path, str(store.path.parent / "rows/1.parquet"))
    content = path.read_bytes()
    path.write_bytes(other.read_bytes())
    other.write_bytes(content)
    with pytest.raises(ValueError, match="it is a copy, under another name"):
        moments(store)


def test_the_data_are_checked_when_the_query_runs(store):
    store, path = store
    lazy = store.scan().sort("g")
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises((ValueError, pl.exceptions.PolarsError), match="content differs from its checksum") as error:
        lazy.collect()
    assert path.name in str(error.value)
    store.scan()  # the footer is unchanged, and no data are read
    path.unlink()
    assert store.refresh(store.path.parent / "rows").read == (str(store.path.parent / "rows/0.parquet"),)
    assert_right(store)


def test_states_of_the_first_format_are_read(store):
    """Files of this format have no checksum."""
    store, path = store
    fields = json.loads(pq.read_metadata(path).metadata[b"polars-pool"]) | {"format": 1}
    pl.read_parquet(path).write_parquet(path, metadata={"polars-pool": json.dumps(fields)})
    assert_right(store)
    fields["format"] = 2
    pl.read_parquet(path).write_parquet(path, metadata={"polars-pool": json.dumps(fields)})
    assert_named(store, path, "its checksum is missing")


def test_a_checksum_equals_that_of_zlib(store):
    _, path = store
    content = path.read_bytes()
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    match = checksum.SEAL.search(content, start)
    assert int(match[1], 16) == zlib.crc32(content[:start])
    zeroed = content[: match.start(2)] + b"0" * 8 + content[match.end(2) :]
    assert int(match[2], 16) == zlib.crc32(zeroed[start:])
