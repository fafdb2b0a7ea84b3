"""Compares codes out of five folds by polars-pool and scikit-learn, beside the least work in Polars: a Markdown table.

    python tests/benchmarks/encoding_peers.py [--rounds 3] [--most 1000000]

The least work is a group-by of keys, a group-by of keys and folds, and a join of the second one to the rows, without
their order and without a model. Keys are integers (0 characters), or text. Every run is a process of its own, and the
tools run in turns. The time covers the way from rows in memory to one code per row, without imports and the generation
of data.
"""

import warnings

import tools

TOOLS = ["polars, two group-bys and a join", "polars-pool", "scikit-learn"]
SIZES = [
    *((1_000_000, keys, text, TOOLS) for text in (0, 12) for keys in (100, 10_000, 100_000)),
    (10_000_000, 100_000, 0, TOOLS),
]
HEADS = ("rows", "keys", "characters")
COLUMNS = {"wall": ("wall s", ".2f"), "cpu": ("CPU s", ".2f"), "peak": ("peak MB", ",.0f")}
CAPTION = "Codes of rows by five random folds"


def draw(rows, keys, characters):
    """The key and the value of each row."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    g = rng.integers(0, keys, rows)
    frame = pl.DataFrame({"g": g, "y": rng.normal(size=keys)[g] + rng.normal(size=rows)})
    return frame.with_columns(pl.col("g").cast(pl.String).str.zfill(characters)) if characters else frame


def polars(frame):
    import polars as pl

    y = pl.col("y")
    moments = {"n": y.count(), "mean": y.mean(), "var": y.var()}
    fold = (pl.int_range(frame.height, dtype=pl.UInt32, eager=True) % 5).shuffle(0)
    rows = frame.lazy().with_columns(fold=fold)

    def run():
        of_folds = rows.group_by("g", "fold").agg(**moments)
        codes = rows.join(of_folds, on=["g", "fold"], how="left").select("mean")
        return pl.collect_all([rows.group_by("g").agg(**moments), codes])

    return run


def polars_pool(frame):
    import polars_pool as pool

    return lambda: pool.encode(frame, "y", by="g", folds=5, seed=0)


def scikit_learn(frame):
    from sklearn.preprocessing import TargetEncoder

    keys, y = frame.select("g").to_numpy(), frame["y"].to_numpy()
    return lambda: TargetEncoder(target_type="continuous").fit_transform(keys, y)


def measure(tool, *size):
    """One run in this process: wall time, CPU time of all threads, and the peak in megabytes."""
    from turns import measured

    warnings.simplefilter("ignore")
    runs = dict(zip(TOOLS, (polars, polars_pool, scikit_learn), strict=True))
    runs[tool](draw(20_000, 100, size[-1]))()  # excludes imports and the start of threads from the measurement
    return measured(runs[tool](draw(*size)))


if __name__ == "__main__":
    tools.compare(__doc__, measure, SIZES, HEADS, COLUMNS, CAPTION)
