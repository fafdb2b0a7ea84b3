"""Kills, races and changing sources: a store is complete as of before or after a part; a refresh repairs the rest."""

import multiprocessing
import os
import random
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.store import building, files, merges, merging, states, store
from polars_pool.store.reading import Progress

PARTS = 6  # above their states there is one merge
SERVER = multiprocessing.get_context("forkserver")  # children in which the package is already imported
SERVER.set_forkserver_preload(["polars_pool"])


@pytest.fixture(autouse=True)
def merges_of_few_rows(monkeypatch):
    monkeypatch.setattr(building, "LEAST", 0)


def content(part: int, edition: int) -> pl.DataFrame:
    """The rows of a part, different in every edition."""
    i = pl.int_range(200)
    return pl.select(g=(i * (part + 3)) % 17, y=((i * 7919 + edition * 31 + part) % 1_000) / 8)


def publish(folder: Path, edition: int) -> None:
    """Write a new edition of the parts: one part is missing every second time, another one never changes."""
    folder.mkdir(exist_ok=True)
    for part in range(1, PARTS):
        content(part, edition).write_parquet(folder / f"{part}.parquet")
    if not (folder / "0.parquet").exists():
        content(0, 0).write_parquet(folder / "0.parquet")
    if edition % 2:
        (folder / "3.parquet").unlink()


def whole(folder: Path) -> dict[str, tuple[str, pl.DataFrame]]:
    """All states, read completely: source -> version and moments."""
    return {
        state.source: (state.version, pl.read_parquet(state.path, glob=False).sort("g"))
        for state in states.listed(folder)
    }


def fresh(source: Path, folder: Path) -> pl.DataFrame:
    made = pool.MomentStore(folder, "y", by="g")
    made.refresh(source)
    return made.scan().sort("g").collect()


def refresh(folder, source, reports, deadly=None, at=0):
    """Refresh in a child and report progress; with `deadly`, kill the child at the nth call of that function."""
    building.LEAST = 0
    if deadly:
        owner, name = deadly
        owners = {"os": files.os, "states": states, "table": pl.DataFrame, "merge": pl.LazyFrame}
        owner, calls = owners[owner], []
        spared = getattr(owner, name)

        def call(*args, **options):
            calls.append(1)
            if len(calls) == at:
                if name in ("write_parquet", "sink_parquet"):  # half of a file only
                    Path(args[1]).write_bytes(b"PAR1 and a half")
                os.kill(os.getpid(), signal.SIGKILL)
            return spared(*args, **options)

        setattr(owner, name, call)
    pool.MomentStore(folder).refresh(source, progress=lambda progress: reports.send(progress.parts))
    reports.close()


def child(*arguments):
    hears, tells = SERVER.Pipe(duplex=False)
    process = SERVER.Process(target=refresh, args=(*arguments[:2], tells, *arguments[2:]))
    process.start()
    tells.close()
    return process, hears


def heard(hears) -> int | None:
    try:
        return hears.recv()
    except EOFError:
        return None


def assert_of_before_or_after(result, before, after):
    for name, (version, table) in result.items():
        edition = before if before.get(name, ("",))[0] == version else after
        assert edition[name][0] == version
        assert_frame_equal(table, edition[name][1], rel_tol=1e-12)
    assert set(before) & set(after) <= set(result)
    assert set(result) <= set(before) | set(after)


class Editions:
    """A store and its source over several editions, with new stores for comparison."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.source, self.edition = folder, folder / "rows", 0
        publish(self.source, 0)
        fresh(self.source, folder / "m")

    def next(self):
        """The states before, and the states after a complete refresh of the next edition."""
        before = whole(self.folder / "m")
        self.edition += 1
        publish(self.source, self.edition)
        self.expected = fresh(self.source, self.folder / f"fresh {self.edition}")
        return before, whole(self.folder / f"fresh {self.edition}")

    def mended(self):
        """The merges hold what the states hold; after other refreshes, nothing of the killed one remains."""
        folder = self.folder / "m"
        listed = states.listed(folder)
        result = merging.merged(merges.cover(folder, listed), weighted=False).sort("g").collect()
        assert_frame_equal(result, merging.merged(listed, weighted=False).sort("g").collect(), rel_tol=1e-12)
        made = pool.MomentStore(folder)
        made.refresh(self.source)
        assert_frame_equal(made.scan().sort("g").collect(), self.expected, rel_tol=1e-12)
        made.refresh(self.source)  # deletes the merges that the refresh before has replaced
        listed = states.listed(folder)
        read = merges.cover(folder, listed)
        assert len(read) <= 2
        names = {path.name for path in folder.iterdir()}
        assert names == {".lock", *(table.path.name for table in [*listed, *read])}
        assert {state.path.name for state in listed} == {
            path.name for path in (self.folder / f"fresh {self.edition}").glob("*.parquet")
        }


# What is called, and the calls at which the process is killed; negative numbers count from the last state.
POINTS = {
    "before writing": (("table", "write_parquet"), (1, 2, 4)),
    "between writing and renaming": (("os", "replace"), (1, 2, 4, -1)),
    "before the disk has it": (("os", "fsync"), (1, 2, 4, -1, -2)),
    "before one is dropped": (("states", "drop"), (1,)),
    "while a merge is written": (("merge", "sink_parquet"), (1,)),
}


def calls_for_states(name: str, before: dict, after: dict) -> int:
    """The calls that write and drop states: each file and each folder is synced."""
    written = sum(before.get(source, ("",))[0] != version for source, (version, _) in after.items())
    return written if name == "replace" else 2 * written + len(before.keys() - after.keys())


def test_a_kill_at_any_step_leaves_whole_states(tmp_path):
    editions = Editions(tmp_path)
    for deadly, places in POINTS.values():
        for place in places:
            before, after = editions.next()
            if deadly[1] == "drop" and len(after) > len(before):
                editions.mended()
                before, after = editions.next()
            at = place if place > 0 else calls_for_states(deadly[1], before, after) - place
            process, hears = child(tmp_path / "m", editions.source, deadly, at)
            while heard(hears) is not None:
                pass
            process.join()
            assert process.exitcode == -signal.SIGKILL
            assert_of_before_or_after(whole(tmp_path / "m"), before, after)
            editions.mended()


def test_a_kill_at_any_moment_leaves_whole_states(tmp_path):
    chance = random.Random(4)
    editions = Editions(tmp_path)
    begun = time.perf_counter()
    fresh(editions.source, tmp_path / "timed")
    a_part = (time.perf_counter() - begun) / PARTS
    between = 0
    for _ in range(15):
        before, after = editions.next()
        process, hears = child(tmp_path / "m", editions.source)
        for _ in range(chance.randint(1, PARTS - 1)):
            heard(hears)
        time.sleep(chance.uniform(0, 1.5 * a_part))
        process.kill()
        process.join()
        result = whole(tmp_path / "m")
        assert_of_before_or_after(result, before, after)
        versions = {name: version for name, (version, _) in result.items()}
        between += versions not in [{name: version for name, (version, _) in e.items()} for e in (before, after)]
        editions.mended()
    assert between >= 3  # many kills happen in the middle of a refresh


# ---- two at once -------------------------------------------------------------------------------------------


def test_a_second_refresh_is_refused_while_one_runs(tmp_path):
    editions = Editions(tmp_path)
    made = pool.MomentStore(tmp_path / "m")

    def second(progress: Progress) -> None:
        with pytest.raises(RuntimeError, match="is being refreshed by another") as error:
            pool.MomentStore(tmp_path / "m").refresh(editions.source)
        assert str(tmp_path / "m") in str(error.value)
        reports.append(progress)

    reports: list[Progress] = []
    editions.next()
    made.refresh(editions.source, progress=second)
    assert [progress.parts for progress in reports] == [0, 1, 2, 3, 4]  # one part is unchanged, one no longer exists
    assert_frame_equal(made.scan().sort("g").collect(), editions.expected, rel_tol=1e-12)


def test_a_second_process_is_refused_and_a_killed_one_leaves_no_lock(tmp_path):
    editions = Editions(tmp_path)
    editions.next()
    process, hears = child(tmp_path / "m", editions.source)
    assert heard(hears) == 0
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(RuntimeError, match="is being refreshed by another"):
            pool.MomentStore(tmp_path / "m").refresh(editions.source)
        assert pool.MomentStore(tmp_path / "m").scan().collect().height == 17  # reading takes no lock
    finally:
        process.kill()
        process.join()
    editions.mended()


def test_many_refreshes_at_once_leave_a_whole_store(tmp_path):
    editions = Editions(tmp_path)
    editions.next()
    refused = []

    def again() -> None:
        for _ in range(5):
            try:
                pool.MomentStore(tmp_path / "m").refresh(editions.source)
            except RuntimeError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=again) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("is being refreshed by another" in text for text in refused)
    editions.mended()


# ---- a source that changes while it is read ----------------------------------------------------------------


def changing(monkeypatch, file: Path, change, times: int) -> list[int]:
    """Change the file after its rows were scanned, a number of times."""
    done: list[int] = []
    listed = store.parts

    def scanned(part):
        lf = part.scan()
        # Each reading first counts the rows; its second scan computes the moments.
        done.append(1)
        if len(done) % 2 == 0 and len(done) // 2 <= times:
            read = lf.collect()
            change(len(done) // 2)
            return read.lazy()
        return lf

    def parts(source, columns):
        return [
            replace(part, scan=lambda part=part: scanned(part)) if part.name == str(file) else part
            for part in listed(source, columns)
        ]

    monkeypatch.setattr(store, "parts", parts)
    return done


@pytest.fixture
def changed(tmp_path):
    """A store, its source, and a changed part of the source."""
    source = tmp_path / "rows"
    publish(source, 0)
    made = pool.MomentStore(tmp_path / "m", "y", by="g")
    made.refresh(source)
    file = source / "2.parquet"
    content(2, 50).write_parquet(file)
    return made, source, file


def test_a_part_that_changed_while_being_read_is_read_again(tmp_path, monkeypatch, changed):
    made, source, file = changed
    done = changing(monkeypatch, file, lambda n: content(2, 50 + n).write_parquet(file), times=2)
    assert made.refresh(source).read == (str(file),)
    assert len(done) == 6
    monkeypatch.undo()
    expected = fresh(source, tmp_path / "fresh")
    assert_frame_equal(made.scan().sort("g").collect(), expected, rel_tol=1e-12)
    assert made.refresh(source).read == ()


def test_a_part_that_changes_at_each_reading_is_refused(tmp_path, monkeypatch, changed):
    made, source, file = changed
    before = whole(tmp_path / "m")
    changing(monkeypatch, file, lambda n: content(2, 50 + n).write_parquet(file), times=99)
    with pytest.raises(RuntimeError, match=r"2\.parquet' cannot be pooled: it changed each time it was read, 3 times"):
        made.refresh(source)
    after = whole(tmp_path / "m")
    assert after.keys() == before.keys()
    assert all(after[name][0] == before[name][0] for name in before)
    monkeypatch.undo()
    assert made.refresh(source).read == (str(file),)


def test_a_part_that_vanishes_while_being_read_is_refused(tmp_path, monkeypatch, changed):
    made, source, file = changed
    before = whole(tmp_path / "m")
    changing(monkeypatch, file, lambda n: file.unlink(), times=1)
    with pytest.raises(FileNotFoundError, match=r"2\.parquet' cannot be pooled: it was deleted"):
        made.refresh(source)
    assert whole(tmp_path / "m").keys() == before.keys()
    monkeypatch.undo()
    assert made.refresh(source).dropped == (str(file),)


def test_a_part_that_was_half_written_is_read_again(tmp_path, monkeypatch, changed):
    made, source, file = changed
    complete = file.read_bytes()
    file.write_bytes(complete[:-100])
    listed = store.parts

    def parts(source, columns):
        def scan(part):
            try:
                return part.scan().collect().lazy()
            finally:
                if file.read_bytes() != complete:
                    file.write_bytes(complete)  # now the writer has finished

        return [replace(p, scan=lambda p=p: scan(p)) if p.name == str(file) else p for p in listed(source, columns)]

    monkeypatch.setattr(store, "parts", parts)
    assert made.refresh(source).read == (str(file),)
    assert_frame_equal(made.scan().sort("g").collect(), fresh(source, tmp_path / "fresh"), rel_tol=1e-12)
