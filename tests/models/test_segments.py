"""Segments of arrays, one per model, against loops over the models."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from polars_pool.numerics.segments import PER_MODEL, Counted, Segments, Table

LENGTHS = np.array([3, 1, 5, 2])
START = np.cumsum(LENGTHS) - LENGTHS
X = np.random.default_rng(0).normal(size=(2, LENGTHS.sum()))


@dataclass(frozen=True)
class Columns(Segments):
    x: np.ndarray  # (2, rows)
    y: np.ndarray | None
    level: np.ndarray = field(metadata=PER_MODEL)  # (2, models)


COLUMNS = Columns(START, X, None, X[:, :4])


def parts(columns: Columns) -> list[np.ndarray]:
    return np.split(columns.x, columns.start[1:], axis=-1)


def test_sums_and_extremes_of_each_model():
    assert np.allclose(COLUMNS.sum(X), np.stack([part.sum(axis=-1) for part in parts(COLUMNS)], axis=-1))
    assert COLUMNS.largest(X[0]).tolist() == [part[0].max() for part in parts(COLUMNS)]
    assert COLUMNS.smallest(X[0]).tolist() == [part[0].min() for part in parts(COLUMNS)]
    assert (COLUMNS.each(X[:, :4]) == np.repeat(X[:, :4], LENGTHS, axis=-1)).all()


def test_the_median_of_chosen_rows():
    among = X[1] > 0
    medians = [np.median(part[0][part[1] > 0]) if (part[1] > 0).any() else np.nan for part in parts(COLUMNS)]
    assert np.array_equal(COLUMNS.median(X[0], among), medians, equal_nan=True)


@dataclass(frozen=True)
class Repeated(Counted):
    x: np.ndarray


@pytest.mark.parametrize("seed", range(5))
def test_the_median_of_rows_that_stand_for_several(seed):
    draw = np.random.default_rng(seed)
    x, k, among = draw.integers(0, 4, LENGTHS.sum()) / 2, draw.integers(1, 4, LENGTHS.sum()), X[seed % 2] > 0
    start = np.cumsum(np.add.reduceat(k, START)) - np.add.reduceat(k, START)
    want = Repeated(start, np.repeat(x, k)).median(np.repeat(x, k), np.repeat(among, k))
    assert np.array_equal(Repeated(START, x, k=k * 1.0).median(x, among), want, equal_nan=True)


@pytest.mark.parametrize("models", [[0, 1, 2, 3], [2], [3, 0], [1, 1, 1, 1], [3, 2, 1, 0], []], ids=str)
def test_some_models_in_any_order(models):
    """As many models as there are need not be the same ones."""
    some = COLUMNS.take(np.array(models, dtype=np.int64))
    assert some.lengths.tolist() == LENGTHS[models].tolist()
    assert (some.level == COLUMNS.level[:, models]).all()
    for part, model in zip(parts(some) if models else [], models, strict=True):
        assert (part == parts(COLUMNS)[model]).all()


def test_rows_at_equal_distances():
    thin = COLUMNS.thinned(2)
    assert thin.lengths.tolist() == [2, 1, 2, 2]
    assert (thin.x == X[:, [0, 2, 3, 4, 7, 9, 10]]).all()
    assert COLUMNS.thinned(5) is COLUMNS


@pytest.mark.parametrize("size", range(1, 13))
def test_blocks_hold_each_row_once(size):
    total = np.zeros((2, 4))
    places = []
    for rows, models, block in COLUMNS.blocks(size):
        assert (block.x == X[:, rows]).all()
        assert (block.level == COLUMNS.level[:, models]).all()
        total[:, models] += block.sum(block.x)
        places += range(rows.start, rows.stop)
    assert places == [*range(LENGTHS.sum())]
    assert np.allclose(total, COLUMNS.sum(X))


# ---- segments of equal length as columns ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Rows(Table):
    x: np.ndarray  # (rows, models)
    level: np.ndarray = field(metadata=PER_MODEL)


def test_columns_of_a_table_are_segments():
    """Every function of a table is that of the same numbers in consecutive segments."""
    x, among = np.random.default_rng(0).normal(size=(2, 5, 4))
    among = among > 0
    among[:, 1] = False
    table = Rows(np.arange(4), x, np.arange(4.0))
    flat = Columns(5 * np.arange(4), x.T.ravel(), None, np.arange(4.0))
    assert np.allclose(table.sum(x), flat.sum(flat.x), rtol=1e-15)
    assert (table.smallest(x) == flat.smallest(flat.x)).all()
    assert (table.largest(x) == flat.largest(flat.x)).all()
    assert np.array_equal(table.median(x, among), flat.median(flat.x, among.T.ravel()), equal_nan=True)
    assert (table.lengths == flat.lengths).all()
    assert ((x - table.each(table.level)).T.ravel() == flat.x - flat.each(flat.level)).all()
    taken, flat_taken = table.take(np.array([2, 0, 2])), flat.take(np.array([2, 0, 2]))
    assert (taken.x.T.ravel() == flat_taken.x).all()
    assert (taken.level == flat_taken.level).all()
