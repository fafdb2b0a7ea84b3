"""Merges above the states: moments are those of one pass, files are few and small, and readers of states see none."""

import os
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.store import building, merges, merging, states
from polars_pool.store.tree import tree

GROUPS = 20


@pytest.fixture(autouse=True)
def merges_of_few_rows(monkeypatch):
    monkeypatch.setattr(building, "LEAST", 0)


def rows(part: int, edition: int = 0, groups: int = GROUPS, offset: float = 0.0) -> pl.DataFrame:
    """Rows of all groups; deviations are multiples of 2^-10, so that adding an offset is exact."""
    i = pl.int_range(4 * groups)
    y = offset + ((i * 7919 + part * 31 + edition * 101) % 4096 - 2048) / 1024
    return pl.select(g=i % groups, y=y, w=1.0 + (i + part) % 3)


def publish(folder: Path, parts: dict[int, pl.DataFrame]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, frame in parts.items():
        frame.write_parquet(folder / f"{number:03}.parquet")
    return folder


def merge_files(store: pool.MomentStore) -> list[Path]:
    return sorted(store.path.glob(".*.merge"))


def covering(store: pool.MomentStore) -> list:
    return merges.cover(store.path, states.listed(store.path))


def height(path: Path) -> int:
    return pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()


def assert_one_pass(store, frame, by="g", weights=None):
    expected = pool.moments(frame, "y", by=by, weights=weights)
    result = pool.MomentStore(store.path).scan().collect()
    assert result.schema == expected.schema
    assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-12, abs_tol=1e-12)


# ---- what is read, and what is on disk ------------------------------------------------------------------------------

EDITIONS = st.lists(st.dictionaries(st.integers(0, 40), st.sampled_from(["write", "drop"]), max_size=20), max_size=3)


@settings(deadline=None)
@given(first=st.integers(1, 40), editions=EDITIONS, weights=st.sampled_from([None, "w"]))
def test_any_changes_of_parts_give_the_moments_of_one_pass(first, editions, weights):
    """Readers read at most twice as many rows as there are groups; merges have fewer rows than the states."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "rows"
        parts = {number: rows(number, groups=1 + number % GROUPS) for number in range(first)}
        publish(source, parts)
        store = pool.MomentStore(Path(folder) / "m", "y", by="g", weights=weights)
        store.refresh(source)
        for edition, changes in enumerate(editions, 1):
            for number, change in changes.items():
                if change == "write" or len(parts) == 1:
                    parts[number] = rows(number, edition, groups=1 + number % GROUPS)
                    publish(source, {number: parts[number]})
                elif parts.pop(number, None) is not None:
                    (source / f"{number:03}.parquet").unlink()
            store.refresh(source)
        assert_one_pass(store, pl.concat(parts.values()), weights=weights)
        result = covering(store)
        listed = states.listed(store.path)
        assert sum(table.groups for table in result) <= 2 * store.scan().collect().height
        building.tidy(store.path, listed)
        assert sum(map(height, merge_files(store))) <= sum(state.groups for state in listed)


@pytest.mark.share(2)
@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("offset", [0.0, 2.0**20, 2.0**30])
def test_merges_of_merges_keep_all_digits_at_an_offset(tmp_path, offset, weights):
    parts = {number: rows(number, offset=offset) for number in range(60)}
    store = pool.MomentStore(tmp_path / "m", "y", by="g", weights=weights)
    store.refresh(publish(tmp_path / "rows", parts))
    assert len(merge_files(store)) >= 4  # the bounds between them depend on the name of the folder
    assert len(covering(store)) <= 2
    frame = pl.concat(parts.values())
    exact = pool.moments(frame.with_columns(y=pl.col("y") - offset), "y", by="g", weights=weights)
    result = store.scan().sort("g").collect()
    assert_frame_equal(result.drop("mean"), exact.drop("mean"), rel_tol=1e-13)
    assert (result["mean"] - (exact["mean"] + offset)).abs().max() <= 2.0**-52 * max(offset, 4.0)


def test_a_changed_part_writes_only_the_merges_above_it(tmp_path):
    source = publish(tmp_path / "rows", {number: rows(number) for number in range(100)})
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    before = set(merge_files(store))
    assert len(before) >= 6
    publish(source, {50: rows(50, edition=1)})
    store.refresh(source)
    assert 1 <= len(set(merge_files(store)) - before) <= 4
    assert before <= set(merge_files(store))  # for readers that began before this refresh
    store.refresh(source)
    assert 1 <= len(before - set(merge_files(store))) <= 4


@pytest.mark.share(2)
@pytest.mark.parametrize("hot", [0, 50, 99, 100])
def test_a_part_that_changes_again_and_again_is_merged_with_no_other(tmp_path, hot):
    parts = {number: rows(number) for number in range(100)}
    source = publish(tmp_path / "rows", parts)
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    for edition in (1, 2, 3):
        parts[hot] = rows(hot, edition)
        before = set(merge_files(store))
        store.refresh(publish(source, {hot: parts[hot]}))
        assert (set(merge_files(store)) <= before) == (edition > 1 or hot == 100)
        assert sum(table.groups for table in covering(store)) <= 2 * GROUPS
    assert_one_pass(store, pl.concat(parts.values()))


def test_groups_that_parts_do_not_share_are_not_merged(tmp_path):
    apart = {number: rows(number).with_columns(g=pl.col("g") + number * GROUPS) for number in range(20)}
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(publish(tmp_path / "rows", apart))
    assert merge_files(store) == []
    assert_one_pass(store, pl.concat(apart.values()))


def test_a_store_of_few_rows_has_no_merges(tmp_path, monkeypatch):
    monkeypatch.undo()
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(publish(tmp_path / "rows", {number: rows(number) for number in range(10)}))
    assert merge_files(store) == []


KEYS = {
    "text": pl.col("g").cast(pl.String),
    "floats": pl.when(pl.col("g") > 3).then(pl.col("g") / 8).otherwise(float("nan")),
    "nulls": pl.when(pl.col("g") > 3).then(pl.col("g")),
    "categories": pl.col("g").cast(pl.String).cast(pl.Categorical),
    "structs": pl.struct(a=pl.col("g") % 5, b=pl.col("g") % 2),
    "lists": pl.concat_list("g", pl.col("g") % 2),
}


@pytest.mark.share(2)
@pytest.mark.parametrize(
    ("kind", "name"), [*((kind, "g") for kind in KEYS), *(("text", name) for name in ("^g.*$", "_pool_key_g", "n_"))]
)
@pytest.mark.parametrize("together", [40, 2_000_000])
def test_keys_of_any_type_and_name(tmp_path, monkeypatch, kind, name, together):
    monkeypatch.setattr(merging, "GROUPS_TOGETHER", together)
    monkeypatch.setattr(merging, "SAMPLE", together)
    parts = {number: rows(number).select("y", KEYS[kind].alias(name)) for number in range(9)}
    store = pool.MomentStore(tmp_path / "m", "y", by=[name])
    store.refresh(publish(tmp_path / "rows", parts))
    assert len(merge_files(store)) >= 1
    assert_one_pass(store, pl.concat(parts.values()), by=[name])


@pytest.mark.parametrize("wide", [0, 5])
def test_keys_that_a_later_part_widens(tmp_path, wide):
    parts = {number: rows(number).cast({"g": pl.Int32}) for number in range(6)}
    source = publish(tmp_path / "rows", parts)
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    early = store.scan()
    parts[wide] = rows(wide, edition=1).with_columns(g=pl.col("g") + 2**40)
    store.refresh(publish(source, parts))
    assert len(covering(store)) <= 2
    assert_one_pass(store, pl.concat(frame.cast({"g": pl.Int64}) for frame in parts.values()))
    assert early.collect().height == GROUPS


# ---- readers --------------------------------------------------------------------------------------------------------


def test_other_programs_see_the_states_alone(tmp_path):
    parts = {number: rows(number) for number in range(9)}
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(publish(tmp_path / "rows", parts))
    assert merge_files(store)
    expected = pool.moments(pl.concat(parts.values()), "y", by="g")
    with duckdb.connect() as connection:
        pool.install_macros(connection)
        for pattern in ("*.parquet", "**/*.parquet"):
            result = connection.sql(f"FROM pool_merge('{store.path}/{pattern}', g)").pl()
            assert_frame_equal(result, expected, check_row_order=False, rel_tol=1e-12, abs_tol=1e-12)
    for pattern in ("*.parquet", "**/*.parquet"):
        assert pl.scan_parquet(store.path / pattern).select(pl.len()).collect().item() == 9 * GROUPS
    with pytest.raises(pl.exceptions.InvalidOperationError, match="Please use a glob pattern"):
        pl.scan_parquet(store.path).collect()  # refused, not counted twice


def test_a_reader_whose_merges_were_deleted_meanwhile_reads_the_states(tmp_path):
    parts = {number: rows(number) for number in range(30)}
    source = publish(tmp_path / "rows", parts)
    store = pool.MomentStore(tmp_path / "m", "y", by="g", weights="w")
    store.refresh(source)
    early, filtered = store.scan(), store.scan().filter(pl.col("g") == 3).select("mean", "g")
    for edition in (1, 2):
        parts = {number: rows(number, edition) for number in range(30)}
        store.refresh(publish(source, parts))
    expected = pool.moments(pl.concat(parts.values()), "y", by="g", weights="w")
    assert_frame_equal(early.sort("g").collect(), expected, rel_tol=1e-12, abs_tol=1e-12)
    wanted = expected.filter(g=3).select("mean", "g")
    assert_frame_equal(filtered.collect(), wanted, rel_tol=1e-12, abs_tol=1e-12)


# ---- stores of before, and other stores in the folder ---------------------------------------------------------------


def test_a_store_without_merges_gets_them_at_its_next_refresh(tmp_path, monkeypatch):
    parts = {number: rows(number) for number in range(9)}
    source = publish(tmp_path / "rows", parts)
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    for path in merge_files(store):
        path.unlink()
    assert_one_pass(store, pl.concat(parts.values()))
    assert store.refresh(source).read == ()
    assert len(covering(store)) <= 2
    assert_one_pass(store, pl.concat(parts.values()))


def test_states_without_a_checksum_stay_beside_the_merges(tmp_path):
    parts = {number: rows(number) for number in range(9)}
    source = publish(tmp_path / "rows", parts)
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    first, *others = states.listed(store.path)
    listed = [replace(first, seal=None), *others]
    building.build(store.path, listed, [], weighted=False)
    merge, alone = merges.cover(store.path, listed)
    assert (len(merge.states), alone) == (8, listed[0])


def test_merges_of_another_definition_are_not_read(tmp_path):
    """The versions of the parts are the same, but not the states."""
    parts = {number: rows(number) for number in range(9)}
    source = publish(tmp_path / "rows", parts)
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    old = merge_files(store)
    for path in store.path.glob("*.parquet"):
        path.unlink()
    other = pool.MomentStore(tmp_path / "m", pl.col("y") * 2 + 1, by="g")
    other.refresh(source)
    frame = pl.concat(parts.values()).with_columns(y=pl.col("y") * 2 + 1)
    assert_one_pass(other, frame)
    assert not set(old) & set(merge_files(other))


# ---- damage ---------------------------------------------------------------------------------------------------------


def test_any_flipped_bit_of_a_merge_is_an_error_that_names_it(tmp_path):
    parts = {number: rows(number) for number in range(5)}
    source = publish(tmp_path / "rows", parts)
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    [path] = merge_files(store)
    content = path.read_bytes()
    damages = [content[:100], content[:-1], content + b"\0", b""]
    for bit in random.Random(28).sample(range(8 * len(content)), 150):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        damages.append(bytes(flipped))
    for damaged in damages:
        path.write_bytes(damaged)
        with pytest.raises((ValueError, pl.exceptions.PolarsError), match="is not a merge of a store") as error:
            store.scan().collect()
        assert path.name in str(error.value)
        assert "delete it and refresh" in str(error.value)
    path.unlink()
    assert_one_pass(store, pl.concat(parts.values()))
    store.refresh(source)
    assert path.read_bytes() == content


def test_a_merge_under_the_name_of_another_is_an_error(tmp_path):
    for name in ("m", "n"):
        source = publish(tmp_path / f"rows of {name}", {number: rows(number, ord(name)) for number in range(5)})
        pool.MomentStore(tmp_path / name, "y", by="g").refresh(source)
    [one], [other] = (list((tmp_path / name).glob(".*.merge")) for name in ("m", "n"))
    one.write_bytes(other.read_bytes())
    with pytest.raises(ValueError, match="is not a merge of a store: it is a copy"):
        pool.MomentStore(tmp_path / "m").scan()


def test_a_merge_is_not_built_from_a_damaged_state(tmp_path):
    source = publish(tmp_path / "rows", {number: rows(number) for number in range(5)})
    store = pool.MomentStore(tmp_path / "m", "y", by="g")
    store.refresh(source)
    for path in merge_files(store):
        path.unlink()
    damaged = states.path_of(store.path, str(source / "003.parquet"))
    content = bytearray(damaged.read_bytes())
    content[60] ^= 1
    damaged.write_bytes(content)
    with pytest.raises((ValueError, pl.exceptions.PolarsError), match="is not a state of a store") as error:
        store.refresh(source)
    assert damaged.name in str(error.value)
    assert merge_files(store) == []
    damaged.unlink()
    assert store.refresh(source).read == (str(source / "003.parquet"),)
    assert len(merge_files(store)) == 1


# ---- the tree -------------------------------------------------------------------------------------------------------


def listed(tmp_path: Path, names: set[int]) -> list[states.State]:
    definition = pool.store.definition.define("y", "g", None, None, "error")
    sources = [f"/rows/{name:07}" for name in sorted(names)]
    return [states.State(states.path_of(tmp_path, s), s, "1", 1, 1, definition, {}, None, s) for s in sources]


@given(names=st.sets(st.integers(0, 10**6), min_size=1, max_size=400), other=st.integers(0, 10**6))
def test_one_part_more_changes_few_nodes_of_the_tree(names, other):
    folder = Path(os.devnull)
    less, more = (names - {other}) or {10**6 + 1}, names | {other}
    before, after = tree(listed(folder, less)), tree(listed(folder, more))
    for root, some in ((before, less), (after, more)):
        assert [int(state.source[6:]) for state in root.states] == sorted(some)
        for node in root.nodes():
            assert node.states == tuple(state for child in node.children for state in child.states) or not node.children
            assert len(node.children) != 1
            assert len(node.children) <= 30
    one, other = ({tuple(state.source for state in node.states) for node in root.nodes()} for root in (before, after))
    assert len(other - one) <= 20
