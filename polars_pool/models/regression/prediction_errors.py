"""The variance of the error of a predicted row, from columns of its group and of its model.

Let z be the varying terms of a row and x its terms about the centre of the covariates. Where the population's
coefficients are known, the group's terms have an error with the variance z'H'Hz. An error of these coefficients passes
on by x - P'z, as the effects of the group make up for P of it. A new group has the H of the covariance between groups,
and P = 0. Source: Henderson (1975), Biometrics 31.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import numpy as np

from ...engines.numpy import Array
from ...formulas import shrink
from ...formulas.elementary import exists, sqrt, where
from ..columns import Columns, Step
from ..keys import PRIVATE
from .coefficients import conditional_root, product
from .factor import roots
from .fit import Fitted, Table, terms_of
from .groups import columns
from .likelihood import BLOCK, each
from .spec import LIMITS, Regression

# ---- arrays ----------------------------------------------------------------------------------------------------------


def columns_of_groups(request: Regression) -> list[str]:
    """The columns that a row needs of its group: H, and P."""
    varying, terms = range(len(request.vary)), range(len(request.terms))
    return [of_group(k, v) for k in varying for v in varying] + [passed_on(v, t) for v in varying for t in terms]


def columns_of_models(request: Regression) -> list[str]:
    """The columns that a row needs of its model: a root of the covariance of its coefficients, the H of a new group,
    the centre of each covariate, and sigma2."""
    varying, terms = range(len(request.vary)), range(len(request.terms))
    names = [_root(t, s) for t in terms for s in terms[: t + 1]]
    names += [of_new_group(k, v) for v in varying for k in varying[: v + 1]]
    return [*names, *(_origin(c) for c in range(len(request.covariates))), f"{PRIVATE}sigma2"]


def numbers_of_groups(solution: Table) -> dict[str, Array]:
    """These columns of groups; NaN for a group without rows, which is like a new one."""
    models, d = solution.fitted, solution.reduced
    unit, varying, terms = _units(models), len(models.terms.varying), models.terms.count
    root, passed = np.empty((varying, varying, d.r.shape[-1])), np.empty((varying, terms, d.r.shape[-1]))
    factor, deviation = roots(np.nan_to_num(models.relative)), np.sqrt(models.sigma2)
    of_varying = unit[:, models.terms.varying]
    relative = of_varying[:, :, None] / unit[:, None, :]
    for rows, of, block in d.blocks(BLOCK):
        half = conditional_root(block.r, np.broadcast_to(each(factor[of], block), block.r.shape))
        kept = product(np.einsum("kig,kjg->ijg", half, half), np.swapaxes(block.r, 0, 1))
        root[..., rows] = half * each((deviation[:, None] * of_varying)[of], block)
        passed[..., rows] = product(kept, block.rx) * each(relative[of], block)
    without = solution.groups["_pool_n"].fill_null(0.0).to_numpy() == 0
    root[..., without] = np.nan
    numbers = {of_group(k, v): root[k, v] for k in range(varying) for v in range(varying)}
    return numbers | {passed_on(v, t): passed[v, t] for v in range(varying) for t in range(terms)}


def numbers_of_models(models: Fitted) -> dict[str, Array]:
    """These columns of models."""
    unit, varying, terms = _units(models), models.terms.varying, range(models.terms.count)
    root = roots(models.covariance) * unit[:, :, None]
    new = roots(models.between) * unit[:, varying, None]
    numbers = {_root(t, s): root[:, t, s] for t in terms for s in terms[: t + 1]}
    numbers |= {of_new_group(k, v): new[:, v, k] for v in range(len(varying)) for k in range(v + 1)}
    numbers |= {_origin(c): origin for c, origin in enumerate(models.scale.origin[:-1])}
    return numbers | {f"{PRIVATE}sigma2": models.sigma2 * models.scale.size[-1] ** 2}


def _units(models: Fitted) -> Array:
    """The size of the coefficients of the terms, (models, terms)."""
    size = models.scale.size
    one = np.ones((int(models.terms.intercept), size.shape[1]))
    return np.asarray((size[-1] / np.concatenate([one, size[:-1]])).T)


# ---- columns ---------------------------------------------------------------------------------------------------------


def errors(request: Regression, c: Columns) -> list[Step]:
    """The standard error of each prediction, "_pool_error", from the covariates of its row and these columns."""
    terms, varying = range(len(request.terms)), range(len(request.vary))
    own, slopes = exists(c.column(of_group(0, 0))), range(len(request.covariates))
    about = {
        _about(s): c.column(name) - c.column(_origin(s)) for s, name in zip(slopes, columns(request), strict=False)
    }
    h = {
        of_group(k, v): where(own, c.column(of_group(k, v)), c.column(of_new_group(k, v)) if k <= v else 0.0)
        for k in varying
        for v in varying
    }
    p = {passed_on(v, t): where(own, c.column(passed_on(v, t)), 0.0) for v in varying for t in terms}
    x = [1.0] * request.intercept + [c.column(_about(s)) for s in slopes]
    z = _varying(request, c, x)
    arms = {_arm(t): x[t] - _sum(c.column(passed_on(v, t)) * z[v] for v in varying) for t in terms}
    of_groups = [_sum(c.column(of_group(k, v)) * z[v] for v in varying) for k in varying]
    of_population = [_sum(c.column(_arm(t)) * c.column(_root(t, s)) for t in terms[s:]) for s in terms]
    variance = _sum(e * e for e in (*of_groups, *of_population))
    # Where each group lies on a line of its own, this line has no error.
    variance = where(c.is_known & (c.sigma2 == 0), 0.0 * variance, variance)
    if request.options.interval == "row":
        variance = shrink.predictive_variance(variance, c.sigma2)
    return [{f"{PRIVATE}is_known": own} | about | h | p, arms, {f"{PRIVATE}error": sqrt(variance)}]


def limits(fitted: Any, request: Regression, c: Columns) -> dict[str, Any]:
    """The limits of a prediction."""
    quantile = request.options.quantile
    ends = (shrink.lower(fitted, c.error, quantile), shrink.upper(fitted, c.error, quantile))
    return dict(zip(LIMITS, ends, strict=True))


def _varying(request: Regression, c: Columns, x: list[Any]) -> list[Any]:
    """The varying terms: slopes vary about the centre, or about 0 if their covariance depends on it."""
    if terms_of(request).shifted or not request.intercept:
        return [x[t] for t in request.varying]
    return [x[t] if t == 0 else c.column(columns(request)[t - 1]) for t in request.varying]


def _sum(parts: Any) -> Any:
    return reduce(add, parts)


def of_group(row: int, varying: int) -> str:
    """The name of an entry of H."""
    return f"{PRIVATE}h{row}_{varying}"


def passed_on(varying: int, term: int) -> str:
    """The name of an entry of P."""
    return f"{PRIVATE}p{varying}_{term}"


def of_new_group(row: int, varying: int) -> str:
    """The name of an entry of the H of a new group."""
    return f"{PRIVATE}new{row}_{varying}"


def _root(term: int, other: int) -> str:
    return f"{PRIVATE}root{term}_{other}"


def _origin(covariate: int) -> str:
    return f"{PRIVATE}origin{covariate}"


def _about(covariate: int) -> str:
    return f"{PRIVATE}about{covariate}"


def _arm(term: int) -> str:
    return f"{PRIVATE}arm{term}"
