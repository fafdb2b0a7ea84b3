"""The model family that the arguments of a call describe: means, their posterior, rates or a regression."""

from __future__ import annotations

from collections.abc import Set
from typing import get_args

from ..formulas import messages
from ..formulas.names import Family, Limits, Test, Uncertainty
from .call import Call
from .options import flag, one_of
from .sentences import shown

BINOMIAL = "family='binomial'"
WITHOUT_POSTERIOR = {
    "test": (Test, messages.MU_HAS_POSTERIOR),
    "limits": (Limits, messages.TAU2_HAS_POSTERIOR),
    "uncertainty": (Uncertainty, messages.POSTERIOR_HOLDS_ERRORS),
}


def has_rates(call: Call) -> bool:
    """Whether the value counts events out of trials or in an exposure; `family="normal"` is for means."""
    return bool(_arguments_of_rates(call))


def _arguments_of_rates(call: Call) -> list[str]:
    roles = call.changed("trials", "exposure", "family")
    if roles == ["family"] and one_of(call["family"], get_args(Family), "family") == "normal":
        return []
    return roles


def refuse_for_rates(call: Call, accepted: Set[str]) -> None:
    """Refuse arguments that do not apply to rates."""
    for name in call.changed():
        if name not in accepted:
            raise ValueError(
                f"{name}={shown(call[name])} does not go with {_arguments_of_rates(call)[0]}=: a rate carries its "
                "variance in its counts"
            )


def refuse_for_means(call: Call, accepted: Set[str]) -> None:
    """Refuse arguments that apply to rates only; first a value that is wrong for rates too."""
    if "posterior" in call:
        flag(call["posterior"], "posterior")
    for name in call.changed("prior", "posterior"):
        if name not in accepted:
            raise ValueError(
                f"{name}={shown(call[name])} applies to rates only: give trials=, exposure= or family='binomial' too"
            )


def refuse_for_posterior(call: Call, accepted: Set[str]) -> None:
    """Refuse arguments that apply to estimates only; first a value that is wrong for estimates too."""
    for name in call.changed(*WITHOUT_POSTERIOR):
        if name not in accepted:
            names, reason = WITHOUT_POSTERIOR[name]
            one_of(call[name], get_args(names), name)
            words = {"role": name, "argument": shown(call[name]), "reason": reason}
            raise ValueError(messages.BESIDE_PRIOR.format(**words))


def instead_of_booleans(call: Call) -> str | None:
    """How to pool a Boolean value as rates; None where the family is stated or the verb has none."""
    if "family" not in call or call["family"] is not None:
        return None
    return BINOMIAL
