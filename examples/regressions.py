"""Regressions whose intercepts and slopes vary by group, beside the numbers of lme4: sleep study and radon study.

    python examples/regressions.py

Every number stands beside what lme4 gives (Bates, Maechler, Bolker & Walker 2015, J. Stat. Softw. 67, for the sleep
study; lme4 1.1-31, polished to its optimum, for the radon study) and is asserted to the digits that are printed there.
"""

from pathlib import Path

import polars as pl

import polars_pool as pool

DATA = Path(__file__).parent / "data"


def beside(title: str, found: dict[str, float], lme4: dict[str, str]) -> None:
    """The numbers that were found beside those of lme4, which they must be."""
    print(f"\n{title}\n")
    print(f"{'':34}{'polars-pool':>14}{'lme4':>12}")
    for name, text in lme4.items():
        digits = len(text.partition(".")[2])
        print(f"{name:34}{found[name]:14.6f}{text:>12}")
        assert abs(found[name] - float(text)) <= 0.5 * 10.0**-digits + 1e-12, (name, found[name], text)


def numbers(model: pl.DataFrame) -> dict[str, float]:
    """What a summary of lme4 prints, by its names."""
    row = model.row(0, named=True)
    told = {"residual sd": row["sigma2"] ** 0.5, "log likelihood": row["log_likelihood"]}
    told |= {f"sd of {term}": variance**0.5 for term, variance in row["tau2"].items()}
    for term, coefficient in row["mu"].items():
        told |= {f"{term}": coefficient, f"{term}, se": row["se_mu"][term]}
    terms = list(row["tau2"])
    return told | ({"correlation": row["correlation"][terms[0]][terms[1]]} if len(terms) > 1 else {})


# ---- reaction times after days without sleep (Belenky et al. 2003) --------------------------------------------------

sleep = pl.read_csv(DATA / "sleepstudy.csv")  # Reaction (ms), Days, Subject: 18 subjects, 10 days
lines = {"x": ["Days"], "by": "Subject", "vary": ["intercept", "Days"]}

model = pool.regress_components(sleep, "Reaction", **lines)
published = {
    **{"sd of intercept": "24.740", "sd of Days": "5.922", "correlation": "0.07", "residual sd": "25.592"},
    **{"intercept": "251.405", "intercept, se": "6.825", "Days": "10.467", "Days, se": "1.546"},
    "log likelihood": "-871.8141",
}
beside("Reaction ~ Days + (Days | Subject)", numbers(model), published)

independent = pool.regress_components(sleep, "Reaction", **lines, correlated=False)
published = {"sd of intercept": "25.05", "sd of Days": "5.99", "residual sd": "25.57", "log likelihood": "-871.8346"}
beside("Reaction ~ Days + (Days || Subject)", numbers(independent), published)

print("\nHow much slower is a subject after each day? Its own slope, and what is left of it by the others:\n")
slopes = pool.regress(sleep, "Reaction", **lines).filter(term="Days").sort("estimate")
with pl.Config(tbl_rows=-1, float_precision=2, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
    print(slopes.select("Subject", "n", "mean", "estimate", "se", "lower", "upper"))
raw, pooled = slopes["mean"], slopes["estimate"]
assert raw.std() > pooled.std()

later = pl.DataFrame({"Subject": [308, 335, 999], "Days": [10, 10, 10]})
print("\nThe tenth day of the slowest, the least affected, and a subject nobody has seen:\n")
print(pool.predict(sleep, "Reaction", **lines, rows=later))

# ---- radon in the houses of 85 counties (Gelman & Hill 2007, chapter 12) --------------------------------------------

# log_radon, floor (0: basement), county, log_uranium (of the county). The table is that of the R package rstanarm; from
# the one of the book lme4 gives 1.46 and -0.69 with deviations of 0.33 and 0.76 (section 12.4).
radon = pl.read_csv(DATA / "radon.csv")

model = pool.regress_components(radon, "log_radon", x=["floor"], by="county")
lme4 = {
    **{"intercept": "1.4924", "floor": "-0.6629", "sd of intercept": "0.3154", "residual sd": "0.7258"},
    "log likelihood": "-1048.7610",
}
beside("log_radon ~ floor + (1 | county)", numbers(model), lme4)

uranium = pool.regress_components(radon, "log_radon", x=["floor", "log_uranium"], by="county")
lme4 = {
    **{"intercept": "1.4962", "floor": "-0.6388", "log_uranium": "0.6975", "sd of intercept": "0.1477"},
    **{"residual sd": "0.7285", "log likelihood": "-1029.8223"},
}
beside("log_radon ~ floor + log_uranium + (1 | county)", numbers(uranium), lme4)

print("\nWhat the county's uranium explains of the differences between counties:\n")
for title, found in (("without uranium", model), ("with uranium", uranium)):
    shares = found.select("icc", "r2_marginal", "r2_conditional").row(0)
    print(f"{title:16} ICC {shares[0]:.3f}, R² of the fixed terms {shares[1]:.3f}, with the counties {shares[2]:.3f}")

counties = pool.regress(radon, "log_radon", x=["floor"], by="county").filter(term="intercept").sort("n", "county")
print("\nThe counties with the fewest and the most houses:\n")
with pl.Config(float_precision=3, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
    print(pl.concat([counties.head(3), counties.tail(3)]).select("county", "n", "mean", "weight", "estimate", "se"))
