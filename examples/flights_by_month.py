"""Which aircraft arrive late? The flights of New York City in 2013 again, now month by month.

    python examples/flights_by_month.py [folder]

Each month adds a partition to a Parquet warehouse (by default in ./flights-by-month). The store of moments is then
refreshed, which reads only the new month, and all aircraft are estimated from the stored moments. At the end of the
year, the estimates equal those of one pass over all flights.
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
    """Write the flights of one month as a new partition: month=1/, month=2/, ..."""
    flights.filter(month=month).write_parquet(warehouse, partition_by="month")


def refresh(store: pool.MomentStore, month: int, warehouse: Path) -> int:
    """Refresh the store; return the number of rows read, which are those of the new month only."""
    done = store.refresh(warehouse / "**/*.parquet")
    assert [Path(name).parent.name for name in done.read] == [f"month={month}"]
    assert len(done.unchanged) == month - 1
    print(f"month {month:2}: {done}", end="; ")
    return done.rows


def latest(estimates: pl.DataFrame) -> str:
    """The aircraft with the highest estimate, and its interval, as text."""
    late = estimates.sort("estimate", descending=True).row(0, named=True)
    return f"{late['tailnum']} {late['estimate']:5.1f} ({late['lower']:.1f} to {late['upper']:.1f}), n = {late['n']}"


def main(folder: Path) -> None:
    warehouse, moments, flights = folder / "flights", folder / "moments", read_flights()
    for old in (warehouse, moments):  # the year starts again
        shutil.rmtree(old, ignore_errors=True)
    store = pool.MomentStore(moments, "arr_delay", by="tailnum")
    print("What each refresh reads, and the aircraft with the highest estimated delay in minutes up to that month\n")
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
    print(f"\nAll {aircraft.height:,} aircraft: estimates equal one pass to 1e-12, the intervals of the model to 1e-9")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "flights-by-month"))
