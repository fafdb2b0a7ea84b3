"""Errors far below the spread of the means: tau2 keeps its digits, as a closed form shows."""

import numpy as np
import polars as pl
import pytest

import polars_pool as pool

MEANS = np.array([4.5, 11.5, 11.0])
SQUARES = ((MEANS - MEANS.mean()) ** 2).sum()


@pytest.mark.parametrize("error", [10.0**-power for power in range(2, 13)])
def test_tau2_keeps_its_digits_however_small_the_errors(error):
    """With equal errors reml and ml have closed forms; a search once ended at 5e16 here, and said it had converged."""
    published = pl.DataFrame({"g": [0, 1, 2], "y": MEANS, "se": error})
    step = error * np.array([-1.0, 1.0])
    rows = pl.DataFrame({"g": np.repeat([0, 1, 2], 2), "y": (MEANS[:, None] + step).ravel()})
    v = {"published": error**2, "rows": rows.group_by("g").agg(pl.col("y").var())["y"].mean() / 2}
    for method, count in (("reml", 2), ("ml", 3)):
        for name, result in (
            ("published", pool.components(published, "y", by="g", se="se", tau2=method)),
            ("rows", pool.components(rows, "y", by="g", tau2=method)),
        ):
            want = SQUARES / count - v[name]
            assert result["tau2"].item() == pytest.approx(want, rel=1e-12)
            assert result["converged"].item()
