"""Errors that only the data can raise: a posterior that is improper, where it is the only one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engines.numpy import Array
from ...formulas import messages


def too_few_groups(prior: Any, groups: Array, exponent: Array) -> None:
    """Raise if the posterior of the only model, which falls as the power `exponent` of 1 / tau, has no finite total."""
    if (exponent <= 1).any():
        least = int(np.floor(1 - (exponent - groups)[0])) + 1
        present = f"{'is' if groups[0] == 1 else 'are'} {int(groups[0])}"
        raise ValueError(messages.FEW_GROUPS.format(argument=f"'{prior}'", least=least, groups=present))


def improper_at_zero(prior: Any, proper: Array) -> None:
    """Raise if the posterior of the only model is infinite at tau = 0."""
    if not proper.all():
        raise ValueError(messages.IMPROPER_AT_ZERO.format(argument=f"'{prior}'"))


def no_squares(prior: Any, spread: Array) -> None:
    """Raise if the rows of no group of the only model differ, so that a prior of sigma2 ends at 0."""
    if not spread.all():
        raise ValueError(
            f"sigma2='{prior}' leaves the posterior improper at sigma2 = 0, as the rows of no group differ; give "
            "sigma2 as a number"
        )
