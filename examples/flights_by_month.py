"""Which aircraft arrive late? The flights of New York City in 2013 again, but a month at a time, as they come.

    python examples/flights_by_month.py [folder]

Every month a partition arrives in a Parquet warehouse (in ./flights-by-month unless told otherwise), and the moments
beside it are refreshed: only the new month is read. After each, all aircraft are estimated from the stored moments.
At the end of the year the estimates are those of one pass over all flights.
"""

import shutil
import sys
from pathlib import Path

import polars as pl
from flights import read_flights
from polars.testing import assert_frame_equal

import polars_pool as pool

STORED = {"by": "tailnum", "n": "n", "var": "var"}


def arrive(flights: pl.DataFrame, month: int, warehouse: Path) -> None:
    """One month's flights, as a partition of their own: month=1/, month=2/, ..."""
    flights.filter(month=month).write_parquet(warehouse, partition_by="month")


def refresh(store: pool.MomentStore, month: int, warehouse: Path) -> int:
    """The rows that were read: those of the new month, and no other."""
    done = store.refresh(warehouse / "**/*.parquet")
    assert [Path(name).parent.name for name in done.read] == [f"month={month}"]
    assert len(done.unchanged) == month - 1
    print(f"month {month:2}: {done}", end="; ")
    return done.rows


def latest(estimates: pl.DataFrame) -> str:
    """The aircraft of the highest estimate, and its interval."""
    late = estimates.sort("estimate", descending=True).row(0, named=True)
    return f"{late['tailnum']} {late['estimate']:5.1f} ({late['lower']:.1f} to {late['upper']:.1f}), n = {late['n']}"


def main(folder: Path) -> None:
    warehouse, moments, flights = folder / "flights", folder / "moments", read_flights()
    for old in (warehouse, moments):  # the year begins anew
        shutil.rmtree(old, ignore_errors=True)
    store = pool.MomentStore(moments, "arr_delay", by="tailnum")
    print("What each refresh reads, and who is late by then: estimated minutes of the aircraft that comes latest\n")
    rows = 0
    for month in range(1, 13):
        arrive(flights, month, warehouse)
        rows += refresh(store, month, warehouse)
        aircraft = pool.shrink(store.scan(), "mean", **STORED).collect().sort("tailnum")
        print(latest(aircraft))
    assert rows == flights.height == 336_776  # no flight was read twice

    once = pool.shrink(flights, "arr_delay", by="tailnum")
    assert_frame_equal(aircraft, once, rel_tol=1e-12, abs_tol=1e-12)
    model, expected = (
        pool.components(store.scan(), "mean", **STORED).collect(),
        pool.components(flights, "arr_delay", by="tailnum"),
    )
    assert_frame_equal(model, expected, rel_tol=1e-9, abs_tol=1e-12)
    print(f"\nAll {aircraft.height:,} aircraft: estimates equal one pass to 1e-12, the model's intervals to 1e-9")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "flights-by-month"))
