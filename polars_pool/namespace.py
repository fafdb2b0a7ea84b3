"""The `.pool` namespaces: the verbs as methods of frames, and estimates for each row as expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, cast

import polars as pl

from . import arguments, verbs
from .arguments import Covariates, IntoColumn, Keys
from .formulas.names import Family, NaN
from .verbs.collecting import Frame
from .verbs.expression import statistic
from .verbs.types import Mu, PriorOfRates, Sigma2, Tau2, Tau2OfLevels

P = ParamSpec("P")
MOMENTS = pl.Struct({"n": pl.Int64(), "mean": pl.Float64(), "var": pl.Float64()})


class _Method(Protocol[P]):
    """A verb bound to a frame, as type checkers see it: the result is a frame of the same kind."""

    def __get__(self, pool: FramePool[Frame], owner: Any = None, /) -> Callable[P, Frame]: ...


def _method(verb: Callable[Concatenate[Any, P], Any]) -> _Method[P]:
    @wraps(verb)
    def call(self: FramePool[Any], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        return verb(self._frame, *args, **kwargs)

    return cast("_Method[P]", call)


@pl.api.register_lazyframe_namespace("pool")
@pl.api.register_dataframe_namespace("pool")
class FramePool(Generic[Frame]):
    """Partial pooling of a frame: `frame.pool.shrink(...)` is `polars_pool.shrink(frame, ...)`.

    Type checkers do not see namespaces that are registered with Polars. Typed code calls the functions, or
    `FramePool(frame).shrink(...)`. Both return a DataFrame for a DataFrame, and a LazyFrame for a LazyFrame.

    Examples
    --------
    >>> import polars as pl, polars_pool
    >>> scores = pl.LazyFrame({"school": ["a", "a", "b"], "score": [1.0, 3.0, 5.0]})
    >>> scores.pool.moments("score", by="school").sort("school").collect().rows()
    [('a', 2, 2.0, 2.0), ('b', 1, 5.0, None)]
    """

    def __init__(self, frame: Frame) -> None:
        self._frame: Frame = frame

    moments = _method(verbs.moments)
    merge = _method(verbs.merge)
    components = _method(verbs.components)
    coefficients = _method(verbs.coefficients)
    profile = _method(verbs.profile)
    shrink = _method(verbs.shrink)
    encode = _method(verbs.encode)
    compare = _method(verbs.compare)
    rank = _method(verbs.rank)
    posterior_draws = _method(verbs.posterior_draws)
    regress = _method(verbs.regress)
    regress_components = _method(verbs.regress_components)
    regress_coefficients = _method(verbs.regress_coefficients)
    predict = _method(verbs.predict)


@pl.api.register_expr_namespace("pool")
class ExprPool:
    """Partial pooling of a column: the estimate of its group for every row.

    Examples
    --------
    >>> import polars as pl, polars_pool
    >>> scores = pl.DataFrame({"school": ["b", "a", "a"], "score": [5.0, 1.0, 3.0]})
    >>> scores.select(pl.col("score").pool.shrink(by="school", sigma2=1.0, tau2=1.0, mu=2.0)).to_series().to_list()
    [3.5, 2.0, 2.0]
    """

    def __init__(self, value: pl.Expr) -> None:
        self._value = value

    def shrink(
        self,
        by: Keys,
        *,
        over: Keys | None = None,
        weights: IntoColumn | None = None,
        trials: IntoColumn | None = None,
        exposure: IntoColumn | None = None,
        family: Family | None = None,
        prior: PriorOfRates = "ml",
        sigma2: Sigma2 = "pooled",
        tau2: Tau2 | Tau2OfLevels = "reml",
        mu: Mu = "gls",
        nan: NaN = "error",
        toward: Covariates | None = None,
        nested: bool = False,
        at: str | Sequence[str] | None = None,
        folds: int | IntoColumn | None = None,
        seed: int | None = None,
        order_by: IntoColumn | None = None,
    ) -> pl.Expr:
        """The partially pooled mean of its group for every row, in `select`, `with_columns`, `.over()` or `agg`.

        Parameters
        ----------
        by, over, weights, trials, exposure, family, prior, sigma2, tau2, mu, nan, nested, at
            As in `polars_pool.shrink`, for rows.
        toward
            As in `polars_pool.shrink`: predictors of the groups.
        folds, seed, order_by
            As in `polars_pool.encode`.

        Returns
        -------
        A Float64 expression with the length, the units and the name of the column. A value that stands for several
        columns, such as `pl.col("x", "y")` or a selector, gives one expression for each column. `over=` estimates all
        models at once; `.over("year")` around the expression gives the same numbers, but Polars then calls the
        expression once for each year. A model that does not converge warns once per query, when the query runs.

        Caution: in `group_by("school").agg(...)` and under `.over("school")` Polars calls the expression with the rows
        of one school at a time. With `by="school"` there is then only one group to pool: each estimate is the school's
        own mean, and the query warns. Use `encode` of the frame, or the expression alone.

        Raises
        ------
        ValueError, TypeError
            A wrong argument raises at once; wrong columns and bad values raise when the query runs.

        Source
        ------
        Gelman & Hill (2007), formula 12.1.

        Examples
        --------
        >>> import polars as pl, polars_pool
        >>> scores = pl.DataFrame({"school": ["b", "a", "a"], "score": [5.0, 1.0, 3.0]})
        >>> pooled = pl.col("score").pool.shrink(by="school", tau2=1.0, sigma2=1.0, mu=2.0)
        >>> scores.with_columns(estimate=pooled).rows()
        [('b', 5.0, 3.5), ('a', 1.0, 2.0), ('a', 3.0, 2.0)]
        """
        return statistic(self._value, "estimate", arguments.call(ExprPool.shrink, locals()))

    def weight(
        self,
        by: Keys,
        *,
        over: Keys | None = None,
        weights: IntoColumn | None = None,
        trials: IntoColumn | None = None,
        exposure: IntoColumn | None = None,
        family: Family | None = None,
        prior: PriorOfRates = "ml",
        sigma2: Sigma2 = "pooled",
        tau2: Tau2 | Tau2OfLevels = "reml",
        mu: Mu = "gls",
        nan: NaN = "error",
        toward: Covariates | None = None,
        nested: bool = False,
        at: str | Sequence[str] | None = None,
        folds: int | IntoColumn | None = None,
        seed: int | None = None,
        order_by: IntoColumn | None = None,
    ) -> pl.Expr:
        """The weight of its group's own mean in the estimate, tau2 / (tau2 + v), for every row.

        Parameters
        ----------
        by, over, weights, trials, exposure, family, prior, sigma2, tau2, mu, nan, nested, at
            As in `polars_pool.shrink`, for rows.
        toward
            As in `polars_pool.shrink`: predictors of the groups.
        folds, seed, order_by
            As in `polars_pool.encode`.

        Returns
        -------
        A Float64 expression with the length of the column and values between 0 and 1; one for each column that the
        value stands for, as in `shrink`. The caution in `shrink` applies: in `group_by(...).agg(...)` and under
        `.over(...)` Polars calls the expression with the rows of one group at a time.

        Raises
        ------
        ValueError, TypeError
            A wrong argument raises at once; wrong columns and bad values raise when the query runs.

        Source
        ------
        Gelman & Hill (2007), formula 12.1.

        Examples
        --------
        >>> import polars as pl, polars_pool
        >>> scores = pl.DataFrame({"school": ["b", "a", "a", "a"], "score": [5.0, 1.0, 3.0, 2.0]})
        >>> scores.select(pl.col("score").pool.weight(by="school", sigma2=1.0, tau2=1.0)).to_series().to_list()
        [0.5, 0.75, 0.75, 0.75]
        """
        return statistic(self._value, "weight", arguments.call(ExprPool.weight, locals()))

    def moments(self, by: Keys | None = None) -> pl.Expr:
        """Count, mean and sample variance as a struct: an aggregate, or with `by` those of its group for every row.

        Parameters
        ----------
        by
            One or several columns or expressions that define the groups. Without it the struct describes all rows, or
            the rows of the group in `group_by().agg()`.

        Returns
        -------
        A struct of `n` (Int64), `mean` and `var` (Float64; ddof 1, null at n = 1), one struct for each column that the
        value stands for. Nulls do not count.

        Raises
        ------
        TypeError
            `by` is not a column.

        Source
        ------
        Chan, Golub & LeVeque (1983), The American Statistician 37.

        Examples
        --------
        >>> import polars as pl, polars_pool
        >>> scores = pl.DataFrame({"school": ["a", "a", "b"], "score": [1.0, 3.0, 5.0]})
        >>> scores.select(pl.col("score").pool.moments()).item()
        {'n': 3, 'mean': 3.0, 'var': 4.0}
        """
        value = self._value.cast(pl.Float64)
        parts = [value.count().cast(pl.Int64), value.mean(), value.var()]
        if by is not None:
            keys = arguments.key_columns(by, "by")
            for column in (self._value, *keys):
                arguments.rowwise(column, "value" if column is self._value else "by")
            parts = [part.over(keys) for part in parts]
        # Not pl.struct: it would combine the columns of a value that stands for several into one struct.
        return pl.map_batches(parts, _moments, return_dtype=MOMENTS, is_elementwise=True)


def _moments(parts: Sequence[pl.Series]) -> pl.Series:
    return pl.DataFrame(dict(zip(MOMENTS.to_schema(), parts, strict=True))).to_struct(parts[0].name)
