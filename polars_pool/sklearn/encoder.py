"""The transformer of scikit-learn: categories to partially pooled means of the target, out of fold in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_consistent_length, check_is_fitted

from ..arguments.options import one_of
from ..verbs.types import Mu, Sigma2, Tau2
from . import columns
from .estimates import ALL, MODEL, codes, fitted
from .folds import folds_of_rows, splitter
from .targets import TargetType, target
from .training import Training, repetitions

ENCODING = ("key", "n", "mean", "estimate", "se", "weight")
Unknown = Literal["mu", "null", "error"]
Missing = Literal["group", "mu"]


class PartialPoolingEncoder(TransformerMixin, BaseEstimator):
    """Categories as partially pooled means of the target: `fit_transform` out of fold, `transform` from all rows.

    So `fit_transform(X, y)` differs from `fit(X, y).transform(X)`, where each row's own value is in its code, and a
    model that is trained on these codes learns from this leak. A pipeline calls `fit_transform` for the rows that it is
    fitted on, and `transform` for new rows. The class is in `polars_pool.sklearn`, with the extra `sklearn`.

    Parameters
    ----------
    columns
        `"auto"` (default): the columns of a frame that are not numbers; all columns of a frame of numbers alone, and of
        an array. Or names or positions of columns. The other columns stay as they are; they must be numbers.
    sigma2, tau2, mu
        As in `shrink`.
    folds
        Number of folds, or a splitter of scikit-learn whose test sets hold each row once. sigma2, tau2 and mu are
        estimated again without each fold. A number gives stratified folds for classes, `GroupKFold` with `groups`, and
        else `KFold`.
    shuffle, random_state
        Whether a number of folds is in random order (default), and the seed or generator of this order.
    unknown
        Code of a category without rows in `fit` (in `fit_transform`, without rows in the other folds). `"mu"`
        (default): the population mean. `"null"`: NaN. `"error"`: `transform` raises an error, `fit_transform` uses mu.
    missing
        `"group"` (default): None, NaN and `pandas.NA` are one category. `"mu"`: their rows are left out of the fit and
        are encoded with mu.
    target_type
        `"auto"` (default): the type that scikit-learn infers. Whole numbers are then classes; for counts give
        `"continuous"`. Or `"binary"`, `"multiclass"`. With two classes the target is 1 for `classes_[1]`, else 0. With
        more classes, and with a target of several numeric columns, each class or column gives one new column.

    Attributes
    ----------
    encodings_
        List of Polars frames, one for each new column: `key`, `n`, `mean`, `estimate`, `se`, `weight`, as in `shrink`,
        from all rows.
    components_
        Polars frame, one row for each new column in the same order: `feature`, `target` (its class or output; null if
        there is one alone), and the columns of `components`.
    target_type_, classes_, n_features_in_, feature_names_in_
        As in scikit-learn; `classes_` for classes alone.

    Raises
    ------
    ValueError, TypeError
        In `fit` for a wrong argument, in `transform` for columns that are not of the fitted type.

    Source
    ------
    Micci-Barreca (2001), "A preprocessing scheme for high-cardinality categorical attributes", SIGKDD Explorations 3;
    the estimates as in `shrink`.

    Examples
    --------
    >>> from polars_pool.sklearn import PartialPoolingEncoder
    >>> X, y = [["b"], ["a"], ["a"], ["b"]], [5.0, 1.5, 3.0, 6.5]
    >>> encoder = PartialPoolingEncoder(sigma2=1.0, tau2=1.0, mu=4.0, folds=2, shuffle=False)

    Each row by the rows of the other fold, where its category has one row:

    >>> encoder.fit_transform(X, y).ravel().tolist()
    [5.25, 3.5, 2.75, 4.5]

    New rows by all rows; a new category has mu:

    >>> encoder.transform([["a"], ["b"], ["c"]]).ravel().tolist()
    [2.8333333333333335, 5.166666666666666, 4.0]
    """

    def __init__(
        self,
        columns: Literal["auto"] | str | int | Sequence[str | int] = "auto",
        *,
        sigma2: Sigma2 = "pooled",
        tau2: Tau2 = "reml",
        mu: Mu = "gls",
        folds: Any = 5,
        shuffle: bool = True,
        random_state: Any = None,
        unknown: Unknown = "mu",
        missing: Missing = "group",
        target_type: TargetType = "auto",
    ) -> None:
        self.columns = columns
        self.sigma2 = sigma2
        self.tau2 = tau2
        self.mu = mu
        self.folds = folds
        self.shuffle = shuffle
        self.random_state = random_state
        self.unknown = unknown
        self.missing = missing
        self.target_type = target_type

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:
        """The encoder, fitted to all rows; use `fit_transform` for rows that train a model.

        Parameters
        ----------
        X
            Columns of categories: a frame of Polars or pandas, an array, or lists.
        y
            The target.
        sample_weight
            Whole numbers: how often each row is repeated.
        groups
            Not used. Metadata routing passes it to `fit_transform` by `set_fit_request(groups=True)`.

        Returns
        -------
        The encoder.
        """
        self._fit(self._training(X, y, sample_weight))
        return self

    def fit_transform(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:
        """Codes of the rows, each from the rows of the other folds; fits the encoder to all rows.

        Parameters
        ----------
        X, y, sample_weight
            As in `fit`.
        groups
            The group of each row, such as customers: its rows are in one fold.

        Returns
        -------
        Float64 array, one row per row of X, or with `set_output` a frame: the columns of X, with each encoded column
        replaced by its codes in units of y, one column for each class or output.
        """
        training = self._training(X, y, sample_weight, groups, out_of_fold=True)
        encoded = []
        for i, (keys, models) in zip(self._positions, self._fit(training), strict=True):
            rows = pl.DataFrame({"key": training.features[i], "without": training.fold, "fits": True})
            for t in range(len(self._outputs)):
                here = pl.col("target") == t
                found = codes(rows, keys.filter(here), models.filter(here), self.missing == "mu")
                encoded.append(self._numbers(found))
        return self._assembled(training.features, encoded)

    def transform(self, X: Any) -> Any:
        """Codes of new rows, from all rows of `fit`.

        Parameters
        ----------
        X
            The columns of `fit`.

        Returns
        -------
        As of `fit_transform`.
        """
        check_is_fitted(self)
        features = columns.checked(self, X, reset=False)
        of_all = pl.lit(ALL, dtype=pl.Int64).alias("without")
        encoded = []
        for j, keys in enumerate(self.encodings_):
            feature = features[self._positions[j // len(self._outputs)]]
            rows = columns.as_fitted(feature, keys.schema["key"]).with_columns(of_all)
            models = self.components_[j : j + 1].with_columns(of_all)
            found = codes(rows, keys.with_columns(of_all), models, self.missing == "mu")
            if self.unknown == "error":
                columns.refuse_unknown(feature, found["estimate"].is_null())
            encoded.append(self._numbers(found))
        return self._assembled(features, encoded)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray[Any, Any]:
        """Names of the columns of the result: those of X, with `_class` or `_output` where a feature has several."""
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        of_outputs = ["" if output is None else f"_{output}" for output in self._outputs]
        endings = [of_outputs if i in self._positions else [""] for i in range(len(names))]
        return np.asarray([name + end for name, ends in zip(names, endings, strict=True) for end in ends], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        return tags

    # ---- steps ------------------------------------------------------------------------------------------------------

    def _training(
        self, X: Any, y: Any, sample_weight: Any, groups: Any = None, *, out_of_fold: bool = False
    ) -> Training:
        """The checked rows; all in one fold for `fit`."""
        one_of(self.unknown, get_args(Unknown), "unknown")
        one_of(self.missing, get_args(Missing), "missing")
        if y is None:
            raise ValueError("PartialPoolingEncoder requires y to be passed, but the target y is None")
        features = columns.checked(self, X, reset=True)
        self._positions = columns.positions(self.columns, features, columns.is_frame(X))
        goal = target(y, self.target_type)
        check_consistent_length(features[0], goal.values, groups)
        fold = np.zeros(len(goal.values), dtype=np.int64)
        if out_of_fold:
            has_classes = goal.classes is not None
            rule = splitter(self.folds, has_classes, groups is not None, self.shuffle, self.random_state)
            fold = folds_of_rows(rule, X, goal.codes if has_classes else goal.values, groups)
        number = int(fold.max()) + 1 if out_of_fold else 0
        return Training(features, goal, fold, number, repetitions(sample_weight, len(fold)))

    def _fit(self, training: Training) -> list[tuple[pl.DataFrame, pl.DataFrame]]:
        """The keys and models of each encoded feature; stores those of all rows."""
        hyperparameters = {"sigma2": self.sigma2, "tau2": self.tau2, "mu": self.mu}
        fits = []
        self._outputs, self.target_type_ = training.target.names, training.target.kind
        if training.target.classes is not None:
            self.classes_ = training.target.classes
        self.encodings_, components = [], []
        of_all = pl.col("without") == ALL
        for i in self._positions:
            keys, models = fitted(training, training.features[i], self.missing == "mu", hyperparameters)
            fits.append((keys, models))
            for t, output in enumerate(self._outputs):
                here = of_all & (pl.col("target") == t)
                self.encodings_.append(keys.filter(here).select(ENCODING).sort("key"))
                names = [pl.lit(training.features[i].name).alias("feature"), pl.lit(output, pl.String).alias("target")]
                components.append(models.filter(here).drop(MODEL).select(*names, pl.all()))
        self.components_ = pl.concat(components)
        return fits

    def _numbers(self, found: pl.DataFrame) -> np.ndarray[Any, Any]:
        """The codes of a feature, with those of keys that have no rows."""
        estimate = pl.col("estimate") if self.unknown == "null" else pl.coalesce("estimate", "mu")
        return found.select(estimate.cast(pl.Float64)).to_series().to_numpy()

    def _assembled(self, features: list[pl.Series], encoded: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
        """All columns of the result, in the order of the features."""
        k = len(self._outputs)
        of_feature = {i: encoded[j * k : (j + 1) * k] for j, i in enumerate(self._positions)}
        every = [of_feature[i] if i in of_feature else [columns.numbers(feature)] for i, feature in enumerate(features)]
        return np.column_stack([column for some in every for column in some])
