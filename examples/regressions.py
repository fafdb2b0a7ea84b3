"""Regressions whose intercepts and slopes vary by group, compared with lme4: the sleep study and the radon study.

    python examples/regressions.py

Every number is compared with that of lme4 (Bates, Maechler, Bolker & Walker 2015, J. Stat. Softw. 67, for the sleep
study; lme4 1.1-31, iterated to the optimum, for the radon study) and must agree in all printed digits.
"""

from pathlib import Path

import polars as pl

import polars_pool as pool

DATA = Path(__file__).parent / "data"


def compare(title: str, estimates: dict[str, float], lme4: dict[str, str]) -> None:
    """Print the estimates next to those of lme4, and assert that they agree in the digits of lme4."""
    print(f"\n{title}\n")
    print(f"{'':34}{'polars-pool':>14}{'lme4':>12}")
    for name, text in lme4.items():
        digits = len(text.partition(".")[2])
        print(f"{name:34}{estimates[name]:14.6f}{text:>12}")
        assert abs(estimates[name] - float(text)) <= 0.5 * 10.0**-digits + 1e-12, (name, estimates[name], text)


def numbers(model: pl.DataFrame) -> dict[str, float]:
    """The numbers of a model, with the names of a summary of lme4."""
    row = model.row(0, named=True)
    summary = {"residual sd": row["sigma2"] ** 0.5, "log likelihood": row["log_likelihood"]}
    summary |= {f"sd of {term}": variance**0.5 for term, variance in row["tau2"].items()}
    for term, coefficient in row["mu"].items():
        summary |= {f"{term}": coefficient, f"{term}, se": row["se_mu"][term]}
    terms = list(row["tau2"])
    return summary | ({"correlation": row["correlation"][terms[0]][terms[1]]} if len(terms) > 1 else {})


# ---- reaction times after days without sleep (Belenky et al. 2003) --------------------------------------------------

sleep = pl.read_csv(DATA / "sleepstudy.csv")  # Reaction (ms), Days, Subject: 18 subjects, 10 days
lines = {"x": ["Days"], "by": "Subject", "vary": ["intercept", "Days"]}

model = pool.regress_components(sleep, "Reaction", **lines)
published = {
    **{"sd of intercept": "24.740", "sd of Days": "5.922", "correlation": "0.07", "residual sd": "25.592"},
    **{"intercept": "251.405", "intercept, se": "6.825", "Days": "10.467", "Days, se": "1.546"},
    "log likelihood": "-871.8141",
}
compare("Reaction ~ Days + (Days | Subject)", numbers(model), published)

independent = pool.regress_components(sleep, "Reaction", **lines, correlated=False)
published = {"sd of intercept": "25.05", "sd of Days": "5.99", "residual sd": "25.57", "log likelihood": "-871.8346"}
compare("Reaction ~ Days + (Days || Subject)", numbers(independent), published)

print("\nHow much slower does a subject become with each day? Its own slope, and the estimate:\n")
slopes = pool.regress(sleep, "Reaction", **lines).filter(term="Days").sort("estimate")
with pl.Config(tbl_rows=-1, float_precision=2, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
    print(slopes.select("Subject", "n", "mean", "estimate", "se", "lower", "upper"))
raw, pooled = slopes["mean"], slopes["estimate"]
assert raw.std() > pooled.std()

later = pl.DataFrame({"Subject": [308, 335, 999], "Days": [10, 10, 10]})
print("\nThe tenth day of the slowest subject, the least affected subject, and a new subject:\n")
print(pool.predict(sleep, "Reaction", **lines, rows=later))

# ---- radon in the houses of 85 counties (Gelman & Hill 2007, chapter 12) --------------------------------------------

# log_radon, floor (0: basement), county, log_uranium (of the county). The table comes from the R package rstanarm; with
# the table of the book, lme4 gives 1.46 and -0.69 with standard deviations of 0.33 and 0.76 (section 12.4).
radon = pl.read_csv(DATA / "radon.csv")

model = pool.regress_components(radon, "log_radon", x=["floor"], by="county")
lme4 = {
    **{"intercept": "1.4924", "floor": "-0.6629", "sd of intercept": "0.3154", "residual sd": "0.7258"},
    "log likelihood": "-1048.7610",
}
compare("log_radon ~ floor + (1 | county)", numbers(model), lme4)

uranium = pool.regress_components(radon, "log_radon", x=["floor", "log_uranium"], by="county")
lme4 = {
    **{"intercept": "1.4962", "floor": "-0.6388", "log_uranium": "0.6975", "sd of intercept": "0.1477"},
    **{"residual sd": "0.7285", "log likelihood": "-1029.8223"},
}
compare("log_radon ~ floor + log_uranium + (1 | county)", numbers(uranium), lme4)

print("\nThe share of the differences between counties that uranium explains:\n")
for title, components in (("without uranium", model), ("with uranium", uranium)):
    shares = components.select("icc", "r2_marginal", "r2_conditional").row(0)
    print(f"{title:16} ICC {shares[0]:.3f}, R² of the fixed terms {shares[1]:.3f}, with the counties {shares[2]:.3f}")

counties = pool.regress(radon, "log_radon", x=["floor"], by="county").filter(term="intercept").sort("n", "county")
print("\nThe counties with the fewest and the most houses:\n")
with pl.Config(float_precision=3, tbl_hide_column_data_types=True, tbl_hide_dataframe_shape=True):
    print(pl.concat([counties.head(3), counties.tail(3)]).select("county", "n", "mean", "weight", "estimate", "se"))
