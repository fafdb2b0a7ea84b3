"""What an eager call says of estimates that the data do not determine."""

from __future__ import annotations

import warnings

import polars as pl


class ConvergenceWarning(UserWarning):
    """Some models have no estimate, or one that did not settle: `components` shows which, in `converged`."""


def of_components(components: pl.DataFrame, published: bool) -> None:
    """Warn once of the models that did not converge."""
    failed = components.filter(~pl.col("converged") & (pl.col("groups") > 0))
    unidentified = 0 if published else failed.filter(pl.col("sigma2").is_null()).height
    if unidentified:
        warnings.warn(
            f"{_models(unidentified)} of {components.height} no group has two rows, so the variance within groups "
            "cannot be told from the one between: give a known sigma2=, or standard errors with se=",
            ConvergenceWarning,
            stacklevel=4,
        )
    elif failed.height:
        warnings.warn(
            f"{_models(failed.height)} of {components.height} tau2 did not settle, and the best value found is used: "
            "components() shows which, in converged",
            ConvergenceWarning,
            stacklevel=4,
        )


def _models(count: int) -> str:
    return "in 1 model" if count == 1 else f"in {count} models"
