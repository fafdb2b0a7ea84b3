"""What kind of estimator a name is, and how many groups it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...engines.sql import folded
from ...formulas.estimators import TAU2
from ...formulas.methods import Method
from .pieces import by_name, one_of_names, scalar, value
from .tables import named


def facts() -> Iterable[str]:
    name = "_pool_name(tau2)"

    known = {m.name: f"'{m.known_mu.name}'" for m in TAU2.values() if m.known_mu is not None}
    about = "\n        ".join(
        f"WHEN {one_of_names([method], name)} AND _pool_number(mu) IS NOT NULL THEN {other}"
        for method, other in known.items()
    )
    yield scalar(
        "The estimator that computes tau2: about a known mu some are another one.",
        "_pool_method(tau2, mu)",
        f"CASE\n        {about}\n        ELSE {name}\n    END",
    )
    least = {m.name: f"j >= {m.groups} AND j - fitted >= {m.df}" for m in TAU2.values()}
    yield scalar(
        "Whether there are enough groups for an estimator.",
        "_pool_enough(method, j, fitted)",
        by_name(least, "j >= 1 AND j - fitted >= 1"),
    )


def _those(fact: Callable[[Method], bool], of: str = "method") -> str:
    """A condition: the name is that of one of the estimators with a fact."""
    return folded(one_of_names((m.name for m in TAU2.values() if fact(m)), of), 4)


def kinds() -> Iterable[str]:
    yield scalar(
        "Whether sigma2 and tau2 are estimated together from rows with one sigma2.",
        "_pool_is_joint(method)",
        _those(lambda m: m.joint is not None),
    )
    yield scalar(
        "Whether the estimate is the maximum of a likelihood.",
        "_pool_is_likelihood(method)",
        _those(lambda m: m.likelihood is not None),
    )
    yield scalar(
        "Whether it is the maximum of the restricted likelihood.",
        "_pool_is_restricted(method)",
        _those(lambda m: m.likelihood == "restricted"),
    )
    yield scalar(
        "Whether an estimator fits rows, moments and published estimates, with weights and without.",
        "_pool_fits_every_input(tau2)",
        _those(lambda m: m.known_v is not None and m.weighted and not m.needs_n, "_pool_name(tau2)"),
    )
    yield scalar(
        "Whether tau2 is above 0 even where all means agree.",
        "_pool_is_positive(method)",
        _those(lambda m: m.positive),
    )
    yield scalar(
        "Whether the weights of the groups use another tau2 than the estimate.",
        "_pool_is_corrected(tau2)",
        _those(lambda m: m.shrunk_by is not None, "_pool_name(tau2)"),
    )
    columns = named(tau2="estimate", v="v", df="df")
    shrunk = {m.name: value(m.shrunk_by, columns).text for m in TAU2.values() if m.shrunk_by is not None}
    yield scalar(
        "The tau2 that they use.",
        "_pool_corrected(tau2, estimate, v, df)",
        by_name(shrunk, "estimate", "_pool_name(tau2)"),
    )
