"""Reports the models that the data do not determine, in the words of the library: the macros of DuckDB cannot warn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from ..models import causes, warning
from ..models.hyperparameters import Hyperparameters
from ..models.nested.refuse import causes_of_table as nested_causes
from . import errors

RATES = "rho"  # a column that only the components of rates have
PREDICTORS = {"qm", "r2_marginal"}  # columns of the components of models beside predictors, and of regressions
UNSETTLED = "a model has no estimates, or its search did not settle: --engine polars gives the reason"


def report(components: pl.DataFrame, published: bool, options: Mapping[str, Any]) -> None:
    """Report on stderr the models among some components that the data do not determine."""
    models, by_message = components.height, _causes(components, published, options)
    if "depth" in components.columns:
        models = components.filter(pl.col("depth") == 1).height
    for message, count in by_message.items():
        if count:
            scope = "" if models == 1 else f"{count:,} of {models:,} models: "
            errors.show(f"warning: {scope}{errors.as_options(message)}")


def _causes(components: pl.DataFrame, published: bool, options: Mapping[str, Any]) -> Mapping[str, int]:
    """The number of models that give cause for each message."""
    if "depth" in components.columns:
        return nested_causes(components, published)
    if not PREDICTORS.isdisjoint(components.columns):
        failed = components.filter(pl.col("groups") > 0, ~pl.col("converged"))
        return {UNSETTLED: failed.height}
    if RATES in components.columns:
        return _of_rates(components, options)
    posterior = "tau_median" in components.columns
    names = ("groups", "n", "sigma2", "tau_median" if posterior else "tau2", "converged")
    missing = causes.Missing(published, *(components[name].to_numpy() for name in names))
    if posterior:
        by_message = causes.causes_of_posterior(missing)
    else:
        estimators = {name: options[name] for name in ("tau2", "mu") if name in options}
        by_message = causes.causes(missing, Hyperparameters(**estimators))
    return {message: int(np.sum(models)) for message, models in by_message.items()}


def _of_rates(components: pl.DataFrame, options: Mapping[str, Any]) -> Mapping[str, int]:
    """The number of models of rates whose prior did not settle, or pools their groups completely."""
    some = components.filter(pl.col("groups") > 0)
    if "rho_median" in components.columns:
        failed, improper = some.filter(~pl.col("converged")), pl.col("rho").is_null()
        return {
            warning.IMPROPER_RATES: failed.filter(improper).height,
            warning.UNSETTLED_PRIOR: failed.filter(~improper).height,
        }
    completely = 0 if "(" in options["prior"] else some.filter(pl.col("groups") > 1, pl.col("rho") == 0).height
    return {warning.UNSETTLED_PRIOR: some.filter(~pl.col("converged")).height, warning.POOLED_RATES: completely}
