"""Variances and coefficients of regressions, one row per model."""

from __future__ import annotations

from .. import arguments
from ..arguments import IntoColumn, Keys
from ..formulas.names import Likelihood, NaN
from . import stages
from .collecting import Frame


def regress_components(
    frame: Frame,
    value: IntoColumn,
    x: Keys,
    by: Keys,
    *,
    vary: str | list[str] | tuple[str, ...] = "intercept",
    correlated: bool = True,
    intercept: bool = True,
    over: Keys | None = None,
    weights: IntoColumn | None = None,
    method: Likelihood = "reml",
    nan: NaN = "error",
    level: float = 0.95,
) -> Frame:
    """Coefficients of the population that the groups of a regression are shrunk toward, and the variances about them.

    Parameters
    ----------
    frame, value, x, by, vary, correlated, intercept, over, weights, method, nan
        As in `regress`.
    level
        Probability of the intervals of mu, between 0 and 1.

    Returns
    -------
    One row per model: the `over` keys, `groups` (those with rows), `n` (rows) and `dropped` (rows without the value or
    a covariate), all Int64, and `sigma2`, the variance within groups. Structs with one field per varying term: `tau2`,
    the variances of the terms, and `correlation`, a struct of structs. Structs with one field per term: `mu`, the
    coefficients of the population, `se_mu`, `mu_lower`, `mu_upper`, `mu_p` (test of 0 by the normal distribution) and
    `cov_mu`, their covariance, a struct of structs. Then `icc`, the share of the varying terms in the variance that the
    fixed terms leave, for a varying slope at the mean over the rows; `r2_marginal` and `r2_conditional`, the shares of
    the fixed terms, and of the fixed and varying terms; `log_likelihood` (restricted for reml; with weights less the
    constant sum(log weight) / 2) and its `aic`; `singular`, a sentence where a term does not vary or varying terms have
    a correlation at its limit, else null; and `converged`, false where the rows do not identify the variances (the
    likelihood is flat along a line), or the search did not settle.

    Raises
    ------
    ValueError, TypeError, polars.exceptions.ColumnNotFoundError
        As in `regress`.

    Source
    ------
    Bates et al. (2015), J. Stat. Softw. 67; R² by Nakagawa & Schielzeth (2013), Methods Ecol. Evol. 4, and Johnson
    (2014), Methods Ecol. Evol. 5.

    Examples
    --------
    >>> import polars as pl, polars_pool as pool
    >>> growth = pl.DataFrame({"plant": [*"aaabbbccc"], "week": [0, 1, 2] * 3,
    ...     "height": [1.0, 2.1, 2.9, 2.0, 3.2, 3.9, 1.4, 2.0, 3.2]})
    >>> result = pool.regress_components(growth, "height", x=["week"], by="plant")
    >>> result.select("groups", "n", pl.col("mu").struct["week"].round(4), pl.col("icc").round(4)).rows()
    [(3, 9, 0.9333, 0.9241)]
    """
    return stages.components(frame, arguments.call(regress_components, locals()))
