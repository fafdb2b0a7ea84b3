"""Pooled rates of small groups: batting averages, tumours in rats, claims by district, with published numbers.

python examples/rates.py
"""

from pathlib import Path

import polars as pl

import polars_pool as pool

DATA = Path(__file__).parent / "data"
pl.Config.set_tbl_hide_column_data_types(True).set_tbl_hide_dataframe_shape(True).set_float_precision(4)


def assert_published(value: float, published: float, digits: int) -> None:
    """Assert that a value equals a published number in all printed digits."""
    assert abs(value - published) <= 0.5 * 10.0**-digits, (value, published)


# ---- batting averages of 1970 (Efron & Morris 1975): 45 at bats predict a season poorly -----------------------------

players = pl.read_csv(DATA / "bball1970.csv").with_columns(rest=pl.col("RemainingHits") / pl.col("RemainingAB"))
pooled = players.pool.shrink("Hits", trials="AB", by="Player", threshold=0.27)
print("Batting averages after 45 at bats, pooled, and over the rest of the season\n")
shown = pooled.join(players.select("Player", "rest"), on="Player").sort("mean", descending=True)
print(shown.select("Player", "n", "mean", "estimate", "lower", "upper", "rest"))
errors = shown.select(
    raw=(pl.col("mean") - pl.col("rest")) ** 2, pooled=(pl.col("estimate") - pl.col("rest")) ** 2
).mean()
raw, after = errors.row(0)
print(f"\nMean squared error against the rest of the season: raw {raw:.5f}, pooled {after:.5f}\n")
assert after < raw / 3
# VGAM 1.1-7, vglm(cbind(Hits, AB - Hits) ~ 1, betabinomial): mean 0.2654325, rho 0.0012591
prior = players.pool.components("Hits", trials="AB", by="Player")
assert_published(prior["mean"].item(), 0.2654325, 7)
assert_published(prior["rho"].item(), 0.0012591, 7)

# ---- endometrial tumours in 71 groups of rats (Tarone 1982; Gelman et al. 2013, section 5.1) ------------------------

rats = pl.read_csv(DATA / "rat_tumors.csv").rename({"group": "experiment"})
prior = rats.pool.components("y", trials="K", by="experiment")
print("Tumours in rats: the prior by maximum likelihood\n")
print(prior.select("groups", "n", "alpha", "beta", "mean", "rho", "log_likelihood"))
current = rats.pool.shrink("y", trials="K", by="experiment", threshold=0.2, posterior=True).filter(experiment=71)
print("\nThe current experiment, 4 tumours in 14 rats: is its rate above 0.2?\n")
print(current.select("mean", "estimate", "lower", "upper", "p_above", "alpha", "beta"))
assert_published(prior["alpha"].item(), 2.3416, 4)  # VGAM 1.1-7
assert_published(prior["beta"].item(), 14.1148, 4)
# The book derives the prior from mean and standard deviation of the 70 historical rates, 0.136 and 0.103. The posterior
# of the current rate then has mean 0.223 and standard deviation 0.083 (section 5.1).
size = 0.136 * (1 - 0.136) / 0.103**2 - 1
historical = pool.Beta(0.136 * size, 0.864 * size)
by_book = rats.filter(experiment=71).pool.shrink("y", trials="K", by="experiment", prior=historical)
assert_published(by_book["estimate"].item(), 0.223, 3)
assert_published(by_book["se"].item(), 0.083, 3)

# ---- claims of car insurance by district (Baxter, Coutts & Ross 1980; R package MASS) -------------------------------

claims = pl.read_csv(DATA / "insurance.csv")
districts = claims.lazy().pool.shrink("Claims", exposure="Holders", by=["District", "Group"]).collect()
print("\nClaims per policy, by district and size of the car: the smallest and the largest\n")
shown = districts.sort("n").select("District", "Group", "n", "mean", "weight", "estimate", "lower", "upper")
print(pl.concat([shown.head(3), shown.tail(3)]))
prior = claims.pool.components("Claims", exposure="Holders", by=["District", "Group"])
assert_published(prior["shape"].item(), 21.0723, 4)  # MASS 7.3-58, glm.nb(Claims ~ offset(log(Holders))): theta
assert_published(prior["rate"].item(), 141.7423, 4)
