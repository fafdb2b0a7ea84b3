"""Variances and coefficients of regressions, one row per model."""

from __future__ import annotations

from .. import arguments
from ..arguments import Covariates, IntoColumn, Keys
from ..formulas.names import Likelihood, NaN
from . import stages
from .collecting import Frame


def regress_components(
    frame: Frame,
    value: IntoColumn,
    x: Covariates,
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
    One row per model: the keys of `over`, then these columns.

    - `groups`, `n`, `dropped`: number of groups with rows, of rows, and of rows without the value or a covariate;
      Int64.
    - `sigma2`: variance within groups.
    - `tau2`: variances of the varying terms, a struct with one field per varying term.
    - `correlation`: their correlations, a struct of structs.
    - `mu`, `se_mu`: coefficients of the population and their standard errors, structs with one field per term.
    - `mu_lower`, `mu_upper`, `mu_p`: their intervals and tests of 0 by the normal distribution, structs.
    - `cov_mu`: their covariance, a struct of structs.
    - `icc`: share of the varying terms in the variance that the fixed terms leave, for a varying slope at the mean over
      the rows.
    - `r2_marginal`, `r2_conditional`: share of the fixed terms, and of the fixed and varying terms.
    - `log_likelihood`: restricted for reml; with weights less the constant sum(log weight) / 2.
    - `aic`: follows from `log_likelihood`.
    - `singular`: a sentence where a term does not vary or varying terms have a correlation at its limit, else null.
    - `converged`: false where the rows do not identify the variances (the likelihood is flat along a line), or the
      search did not settle.

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
