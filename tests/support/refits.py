"""Rows in folds, and encodings of them by explicit refits: one `shrink` of the other rows for each fold."""

import numpy as np
import polars as pl

import polars_pool as pool

OFFSET = 1e6
STATISTICS = ["estimate", "se", "n", "mean", "weight"]
ROUNDING = 3e-15 * OFFSET  # of sums of values at the offset, in any order


def table(rows=300, groups=25, seed=0):
    """Rows with null values, a null key, groups in one fold alone, and folds of unequal size."""
    rng = np.random.default_rng(seed)
    g = (groups * rng.random(rows) ** 2).astype(int)
    return pl.DataFrame(
        {
            "g": g,
            "y": OFFSET + rng.normal(scale=0.7, size=groups)[g] + rng.normal(size=rows),
            "fold": (4 * rng.random(rows) ** 1.5).astype(int),
            "model": rng.integers(0, 2, rows),
            "w": rng.choice([0.0, 0.5, 1.0, 2.0], rows),
            "h": rng.integers(0, 3, rows),
        }
    ).with_columns(
        y=pl.when(pl.int_range(pl.len()) % 17 != 3).then("y"),
        g=pl.when(pl.col("g") != 5).then("g"),
        fold=pl.when(pl.col("g") == groups - 2).then(1).otherwise("fold"),
    )


def refitted(rows, by, fold="fold", over=(), value="y", columns=STATISTICS, **options):
    """The rows with the statistics of their group, from one fit for each fold of the rows outside of it."""
    keys = [*over, *by]
    parts = []
    numbered = rows.with_row_index("place")
    for part in numbered.partition_by(fold):
        others = numbered.filter(~pl.col(fold).eq_missing(pl.lit(part[fold][0], rows.schema[fold])))
        groups = part.select(keys).unique()
        fit = pool.shrink(others, value, by=list(by), over=list(over) or None, groups=groups, **options)
        parts.append(part.join(fit.select(*keys, *columns), on=keys, how="left", nulls_equal=True))
    return pl.concat(parts).sort("place").drop("place")


def close(encoded, refit, relative=1e-8):
    """The statistics agree: means and estimates to the rounding of the offset, which leaves the others 8 digits."""
    for name in (column for column in STATISTICS if column in refit.columns):
        one, other = (frame[name].cast(pl.Float64).to_numpy() for frame in (encoded, refit))
        at_offset = (
            name in ("estimate", "mean")
            and OFFSET / 2 < np.max(np.abs(other), initial=0, where=~np.isnan(other)) < 2 * OFFSET
        )
        tolerance = {"rtol": 0, "atol": 3 * ROUNDING} if at_offset else {"rtol": relative, "atol": 0}
        np.testing.assert_allclose(one, other, **tolerance, err_msg=name)
