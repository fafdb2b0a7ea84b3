"""The functions of SciPy that this package uses, as `special.ndtr(x)`; no other file imports SciPy.

They are loaded when one of them is first used: importing SciPy takes longer than importing Polars.
"""

from typing import Any

NAMES = (
    "betainc",
    "betaincc",
    "betaincinv",
    "betaln",
    "chdtrc",
    "chdtri",
    "digamma",
    "expit",
    "fdtrc",
    "fdtri",
    "gammainc",
    "gammaincc",
    "gammaincinv",
    "gammaln",
    "logit",
    "ndtr",
    "ndtri",
    "polygamma",
    "sici",
    "stdtr",
    "stdtrit",
    "xlog1py",
    "xlogy",
)


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import scipy.special

    function = globals()[name] = getattr(scipy.special, name)
    return function
