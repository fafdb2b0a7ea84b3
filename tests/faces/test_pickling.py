"""Lazy queries can be pickled and serialised without further packages: no plan contains a local function."""

import io
import pickle
import subprocess
import sys

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import polars_pool as pool

ROWS = pl.LazyFrame(
    {
        "g": [i % 5 for i in range(40)],
        "m": [i % 2 for i in range(40)],
        "y": [float(i * i % 17 + i % 5) for i in range(40)],
        "x": [float(i % 7) for i in range(40)],
        "k": [i % 4 for i in range(40)],
        "w": [1.0 + i % 3 for i in range(40)],
    }
)

QUERIES = {
    "moments": pool.moments(ROWS, "y", "g"),
    "merge": pool.merge(pool.moments(ROWS, "y", ["m", "g"]), "g"),
    "shrink": pool.shrink(ROWS, "y", "g"),
    "shrink over": pool.shrink(ROWS, "y", "g", over="m"),
    "shrink separate": pool.shrink(ROWS, "y", "g", over="m", sigma2="separate"),
    "shrink squeezed": pool.shrink(ROWS, "y", "g", sigma2="squeezed"),
    "shrink robust": pool.shrink(ROWS, "y", "g", interval="robust", threshold=3),
    "shrink with a prior": pool.shrink(ROWS, "y", "g", tau2=pool.HalfCauchy(5), mu=pool.Normal(0, 9)),
    "shrink of rates": pool.shrink(ROWS, "k", "g", trials=pl.lit(9), prior=pool.Beta(2, 5), threshold=0.3),
    "shrink of counts": pool.shrink(ROWS, "k", "g", exposure="w", prior=pool.Gamma(3, 1)),
    "shrink nested": pool.shrink(ROWS, "y", ["m", "g"], nested=True, at="m", threshold=3),
    "components": pool.components(ROWS, "y", "g"),
    "components nested": pool.components(ROWS, "y", ["m", "g"], nested=True),
    "components with a prior": pool.components(ROWS, "y", "g", tau2="half_cauchy(5)", sigma2="jeffreys()"),
    "components of rates": pool.components(ROWS, "k", "g", trials=pl.lit(9)),
    "profile": pool.profile(ROWS, "y", "g"),
    "profile of groups": pool.profile(ROWS, "y", "g", tau=[0, 1], groups=True),
    "profile of rates": pool.profile(ROWS, "k", "g", trials=pl.lit(9), rho=[0, 0.1], groups=True),
    "compare": pool.compare(ROWS, "y", "g"),
    "compare rates": pool.compare(ROWS, "k", "g", trials=pl.lit(9)),
    "rank": pool.rank(ROWS, "y", "g", top=2),
    "encode": pool.encode(ROWS, "y", "g"),
    "encode squeezed": pool.encode(ROWS, "y", "g", sigma2="squeezed"),
    "encode random folds": pool.encode(ROWS, "y", "g", folds=3, seed=1),
    "encode without each value": pool.encode(ROWS, "y", "g", folds="m", weights="w", tau2=pool.HalfCauchy(5)),
    "encode rates by folds": pool.encode(ROWS, pl.col("y") > 13, "x", folds="m", family="binomial"),
    "encode counts by folds": pool.encode(ROWS, "k", "g", folds="m", exposure="w", prior=pool.Gamma(3, 1)),
    "encode without each row": pool.encode(ROWS, "y", "g", folds="loo"),
    "encode nested": pool.encode(ROWS, "y", ["m", "g"], nested=True),
    "draws": pool.posterior_draws(ROWS, "y", "g", tau2=pool.Uniform(), draws=3, seed=1),
    "draws of rates": pool.posterior_draws(ROWS, "k", "g", trials=pl.lit(9), prior=pool.Beta(2, 5), draws=3, seed=1),
    "regress": pool.regress(ROWS, "y", ["x"], "g", vary=["intercept", "x"]),
    "regress_components": pool.regress_components(ROWS, "y", ["x"], "g"),
    "regress_coefficients": pool.regress_coefficients(ROWS, "y", ["x"], "g", test="t"),
    "predict": pool.predict(ROWS, "y", ["x"], "g"),
    "predict rows": pool.predict(ROWS, "y", ["x"], "g", interval="row"),
    "expression": ROWS.select(pl.col("y", "x").pool.shrink(by="g", over="m", weights="w")),
    "expression of a weight": ROWS.select(pl.col("y").pool.weight(by="g")),
    "expression of nested levels": ROWS.select(pl.col("y").pool.shrink(by=["m", "g"], nested=True, weights="w")),
    "expression of rates": ROWS.select(pl.col("k").pool.shrink(by="g", trials=pl.lit(9), prior=pool.Beta(2, 5))),
    "expression of moments": ROWS.select(pl.col("y", "x").pool.moments(by="g")),
}


@pytest.fixture
def no_cloudpickle(monkeypatch):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ImportError):
        import cloudpickle  # noqa: F401


@pytest.mark.share(2)
@pytest.mark.usefixtures("no_cloudpickle")
@pytest.mark.parametrize("name", QUERIES)
def test_a_lazy_query_survives_without_cloudpickle(name):
    query = QUERIES[name]
    want = query.collect()
    copies = pickle.loads(pickle.dumps(query)), pl.LazyFrame.deserialize(io.BytesIO(query.serialize()))
    for copy in copies:
        assert_frame_equal(copy.collect(), want, check_row_order=False, rel_tol=1e-11)


CHILD = """
import pickle, sys
import polars as pl
query = pickle.load(sys.stdin.buffer)
print(query.collect().height)
"""


@pytest.mark.usefixtures("no_cloudpickle")
def test_another_process_runs_it():
    """The pickle imports the package in the other process."""
    done = subprocess.run([sys.executable, "-c", CHILD], input=pickle.dumps(QUERIES["shrink"]), capture_output=True)
    assert done.stdout.split() == [b"5"], done.stderr


@pytest.mark.usefixtures("no_cloudpickle")
def test_a_query_from_a_pickle_warns():
    query = pool.shrink(pl.LazyFrame({"g": [1, 2, 3], "y": [1.0, 2.0, 6.0]}), "y", "g")
    with pytest.warns(pool.ConvergenceWarning, match="no group has two rows") as record:
        pickle.loads(pickle.dumps(query)).collect()
    assert [warned.filename for warned in record] == [__file__]


@pytest.mark.usefixtures("no_cloudpickle")
def test_only_functions_of_the_user_need_cloudpickle():
    """For example in a key: Polars raises an error, and the guide "First steps" names the package."""
    key = pl.col("g").map_batches(lambda g: g % 2, return_dtype=pl.Int64)
    with pytest.raises(pl.exceptions.ComputeError, match="cloudpickle"):
        pickle.dumps(ROWS.with_columns(key.alias("key")).pool.shrink("y", by="key"))
