"""Right and wrong calls for type checkers: `test_types.py` expects errors in the lines marked `# wrong` only."""

from typing import assert_type

import polars as pl

import polars_pool as pool

df = pl.DataFrame({"g": ["a"], "y": [1.0], "se": [1.0], "n": [2], "w": [1.0]})
lf = df.lazy()

# ---- a frame of either kind in, one of the same kind out -----------------------------------------------------------

assert_type(pool.moments(df, "y", "g"), pl.DataFrame)
assert_type(pool.moments(lf, "y", by=["g"]), pl.LazyFrame)
assert_type(pool.merge(df, "g"), pl.DataFrame)
assert_type(pool.components(lf, pl.col("y"), by=pl.col("g")), pl.LazyFrame)
assert_type(pool.profile(df, "y", "g"), pl.DataFrame)
assert_type(pool.shrink(df, "y", "g"), pl.DataFrame)
assert_type(pool.shrink(lf, "y", by=["g", pl.col("h")]), pl.LazyFrame)
assert_type(pool.encode(df, "y", "g"), pl.DataFrame)
assert_type(pool.compare(lf, "y", "g"), pl.LazyFrame)
assert_type(pool.rank(lf, "y", "g", top=10), pl.LazyFrame)
assert_type(pool.rank(df, "y", "g", top=0.1, descending=False), pl.DataFrame)
assert_type(pool.posterior_draws(df, "y", "g", tau2=pool.HalfCauchy(5)), pl.DataFrame)
assert_type(pool.regress(lf, "y", ["x"], "g"), pl.LazyFrame)
assert_type(pool.regress_components(df, "y", ["x"], "g"), pl.DataFrame)
assert_type(pool.regress_coefficients(df, "y", ["x"], "g", test="t"), pl.DataFrame)
assert_type(pool.predict(df, "y", "x", "g", rows=lf), pl.DataFrame)

assert_type(pool.FramePool(df).moments("y", "g"), pl.DataFrame)
assert_type(pool.FramePool(lf).merge("g"), pl.LazyFrame)
assert_type(pool.FramePool(df).components("y", "g"), pl.DataFrame)
assert_type(pool.FramePool(lf).profile("y", "g"), pl.LazyFrame)
assert_type(pool.FramePool(df).shrink("y", by="g", tau2="dl"), pl.DataFrame)
assert_type(pool.FramePool(lf).encode("y", "g"), pl.LazyFrame)
assert_type(pool.FramePool(df).compare("y", "g"), pl.DataFrame)
assert_type(pool.FramePool(lf).posterior_draws("y", "g", tau2=pool.Uniform()), pl.LazyFrame)
assert_type(pool.FramePool(df).regress("y", ["x"], "g"), pl.DataFrame)
assert_type(pool.FramePool(lf).regress_components("y", ["x"], "g"), pl.LazyFrame)
assert_type(pool.FramePool(df).predict("y", ["x"], "g"), pl.DataFrame)

assert_type(pool.ExprPool(pl.col("y")).shrink("g"), pl.Expr)
assert_type(pool.ExprPool(pl.col("y")).weight("g"), pl.Expr)
assert_type(pool.ExprPool(pl.col("y")).moments(), pl.Expr)

typed: pool.FramePool[pl.DataFrame] = pool.FramePool(df)
lazy: pl.DataFrame = pool.shrink(lf, "y", "g")  # wrong
eager: pl.LazyFrame = pool.FramePool(df).shrink("y", "g")  # wrong
estimate: pl.Series = pool.ExprPool(pl.col("y")).shrink("g")  # wrong
pool.shrink([df], "y", "g")  # wrong
pool.FramePool("y").shrink("y", "g")  # wrong

# ---- hyperparameters: a known number, the name of an estimator, or a prior -----------------------------------------

pool.shrink(df, "y", "g", tau2="reml", sigma2="squeezed", mu="groups")
pool.shrink(df, "y", "g", tau2=4, sigma2=2.5, mu=0)
pool.shrink(df, "y", "g", tau2=pool.HalfCauchy(5), sigma2=pool.Jeffreys(), mu=pool.Normal(0, 5))
pool.components(df, "y", "g", tau2=pool.Uniform(), mu=pool.Flat())
pool.components(df, "y", ["m", "g"], nested=True, tau2=[4.0, "reml"])
pool.profile(df, "y", "g", tau2=pool.HalfNormal(2))
pool.posterior_draws(df, "y", "g", tau2=1.5, mu=pool.Normal(0, 5))
pool.shrink(df, "y", "g", tau2="remll")  # wrong
pool.shrink(df, "y", "g", tau2="REML")  # wrong
pool.shrink(df, "y", "g", tau2="half_cauchy(5)")  # wrong
pool.shrink(df, "y", "g", tau2=pool.HalfCauchy)  # wrong
pool.shrink(df, "y", "g", tau2=pool.Normal(0, 5))  # wrong
pool.shrink(df, "y", "g", sigma2="poled")  # wrong
pool.shrink(df, "y", "g", mu="glss")  # wrong
pool.shrink(df, "y", "g", mu=pool.HalfCauchy(5))  # wrong
pool.components(lf, "y", "g", tau2="remll")  # wrong
pool.components(lf, "y", "g", sigma2="poled")  # wrong
pool.components(lf, "y", "g", mu="row")  # wrong
pool.encode(df, "y", "g", tau2="remll")  # wrong
pool.compare(df, "y", "g", mu="row")  # wrong
pool.profile(df, "y", "g", tau2="reml")  # wrong
pool.posterior_draws(df, "y", "g", tau2="reml")  # wrong
pool.FramePool(df).shrink("y", "g", tau2="remll")  # wrong
pool.FramePool(lf).components("y", "g", mu="row")  # wrong
pool.ExprPool(pl.col("y")).shrink("g", tau2="remll")  # wrong
pool.ExprPool(pl.col("y")).weight("g", sigma2="poled")  # wrong

# ---- names ---------------------------------------------------------------------------------------------------------

pool.shrink(df, "y", "g", nan="null", uncertainty="tau2", predict="row", interval="robust", level=0.9)
pool.components(df, "y", "g", test="knha", limits="q", level=0.9)
pool.components(df, "y", "g", tau2=pool.Uniform(), interval="shortest")
pool.regress(df, "y", ["x"], "g", method="ml", uncertainty="conditional")
pool.shrink(df, "y", "g", nan="nul")  # wrong
pool.shrink(df, "y", "g", uncertainty="conditionel")  # wrong
pool.shrink(df, "y", "g", predict="rows")  # wrong
pool.shrink(df, "y", "g", interval="robst")  # wrong
pool.shrink(df, "y", "g", level="95")  # wrong
pool.components(df, "y", "g", test="student")  # wrong
pool.components(df, "y", "g", limits="wald")  # wrong
pool.components(df, "y", "g", interval="robust")  # wrong
pool.regress(df, "y", ["x"], "g", method="mle")  # wrong
pool.regress(df, "y", ["x"], "g", uncertainty="tau2")  # wrong
pool.regress_coefficients(df, "y", ["x"], "g", test="knha")  # wrong
pool.predict(df, "y", ["x"], "g", interval="row", level=0.9)
pool.predict(df, "y", ["x"], "g", interval="rows")  # wrong
pool.moments(df, "y", "g", nan="nul")  # wrong
pool.MomentStore("folder", "y", by="g", nan="nul")  # wrong

# ---- factors and interactions --------------------------------------------------------------------------------------

pool.regress(df, "y", pool.factor("x", reference="b", levels=["a", "b"]), "g")
pool.regress_components(df, "y", ["x", pool.factor(pl.col("z"), reference=True), pool.interaction("x", "z")], "g")
pool.predict(lf, "y", [pool.interaction(pl.col("x"), pool.factor("z"))], "g")
pool.factor("x", levels=3)  # wrong
pool.factor("x", reference=1.5)  # wrong
pool.interaction("x", 3)  # wrong
pool.regress(df, "y", ["x"], by=pool.factor("g"))  # wrong

# ---- rates ---------------------------------------------------------------------------------------------------------

pool.shrink(df, "y", "g", trials="n", prior="moments")
pool.shrink(df, "y", "g", exposure=pl.col("n"), prior=pool.Gamma(3, 1))
pool.shrink(df, "y", "g", family="binomial", prior=pool.Beta(2, 5))
pool.shrink(df, "y", "g", family="normal")
pool.encode(df, "y", "g", family="normal")
pool.shrink(df, "y", "g", family="binom")  # wrong
pool.shrink(df, "y", "g", trials="n", prior="mle")  # wrong
pool.shrink(df, "y", "g", trials="n", prior=pool.Beta)  # wrong
pool.encode(df, "y", "g", family="bernoulli")  # wrong

# ---- columns -------------------------------------------------------------------------------------------------------

pool.shrink(df, pl.col("y").log(), ("g", "h"), over=pl.col("year"), weights=pl.lit(2))
pool.shrink(df, 1, "g")  # wrong
pool.shrink(df, "y", None)  # wrong
pool.shrink(df, "y", df["g"])  # wrong
pool.shrink(df, "y", "g", weights=2)  # wrong
pool.shrink(df, "y", "g", trials=1)  # wrong
pool.shrink(df, "y", "g", taus=1)  # wrong
