"""The request for means that predictors of their groups explain in part."""

from __future__ import annotations

from dataclasses import dataclass

from ..oneway.spec import Means

INTERCEPT = "intercept"
ACCEPTED = frozenset(
    {"over", "n", "var", "se", "weights", "family", "sigma2", "tau2", "nan", "toward"}
    | {"level", "test", "limits", "uncertainty", "predict", "threshold", "groups", "covariance", "tau"}
)
"""Arguments of the verbs that apply beside predictors of groups."""


@dataclass(frozen=True, kw_only=True)
class MetaRegression(Means):
    """A request for means that are pulled toward a combination of predictors, one number per group and predictor."""

    @property
    def terms(self) -> tuple[str, ...]:
        return (INTERCEPT, *self.design.names)
