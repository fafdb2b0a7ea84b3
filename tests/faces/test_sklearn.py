"""The transformer of scikit-learn: its contract, the numbers of `encode`, and no leak of the target into its codes."""

import doctest
import inspect
import pickle
import warnings
from unittest import SkipTest

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
import ways
from polars.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    TimeSeriesSplit,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator
from threadpoolctl import threadpool_limits

import polars_pool as pool
from polars_pool.rendering import reference
from polars_pool.sklearn import PartialPoolingEncoder, encoder

ROWS = 240
RANDOM = np.random.default_rng(7)
TOWN = RANDOM.integers(0, 12, ROWS)
Y = TOWN % 5 + RANDOM.normal(size=ROWS)
X = pl.DataFrame({"town": [f"t{i}" for i in TOWN], "kind": RANDOM.choice(["a", "b", "c"], ROWS)})
FOLD = RANDOM.permutation(ROWS) % 4
FOLDS = PredefinedSplit(FOLD)
OPTIONS = {
    "defaults": {},
    "moments": {"tau2": "dl", "mu": "groups"},
    "separate": {"sigma2": "separate", "tau2": "ml"},
    "known": {"sigma2": 1.0, "tau2": 2.0, "mu": 0.5},
}


def encoded(y, by, **call):
    """The codes of `encode`."""
    frame = X.with_columns(y=pl.Series(y, dtype=pl.Float64), fold=pl.Series(FOLD))
    return frame.pool.encode("y", by=by, **call)["estimate"].to_numpy()


def test_the_example_of_the_docstring():
    assert doctest.testmod(encoder).attempted > 4
    assert doctest.testmod(encoder).failed == 0


def test_the_reference_describes_every_parameter():
    """The page is rendered from the source, without scikit-learn."""
    page = reference.pages()["reference.md"].partition("### PartialPoolingEncoder")[2].partition("####")[0]
    for name, parameter in inspect.signature(PartialPoolingEncoder).parameters.items():
        assert f"{name}={parameter.default!r}" in page
        assert f"`{name}`" in page.partition("**Parameters**")[2].partition("**Attributes**")[0]


# ---- the contract of scikit-learn -----------------------------------------------------------------------------------


def test_the_checks_of_scikit_learn():
    """All pass but the one of array libraries, which needs a variable of the environment, also for its own encoder.

    Without `--full` every second one runs.
    """
    checks = list(estimator_checks_generator(PartialPoolingEncoder()))
    assert len(checks) > 45
    left = set()
    for estimator, check in ways.share(checks, of=2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some checks have one row per category
            try:
                check(estimator)
            except SkipTest:
                left.add(check.func.__name__)
    assert left <= {"check_array_api_input"}


def test_a_clone_and_a_pickle_are_equal():
    encoder = PartialPoolingEncoder(tau2=pool.HalfCauchy(5), folds=3, unknown="null", random_state=1)
    assert clone(encoder).get_params() == encoder.get_params()
    encoder.fit(X, Y)
    copy = pickle.loads(pickle.dumps(encoder))
    assert np.array_equal(copy.transform(X), encoder.transform(X))
    assert_frame_equal(copy.components_, encoder.components_)


def test_an_encoder_without_fit():
    with pytest.raises(NotFittedError):
        PartialPoolingEncoder().transform(X)


@pytest.mark.parametrize(("library", "kind"), [("polars", pl.DataFrame), ("pandas", pd.DataFrame)])
def test_set_output(library, kind):
    encoder = PartialPoolingEncoder(random_state=0).set_output(transform=library)
    codes = encoder.fit_transform(X, Y)
    assert isinstance(codes, kind)
    assert list(codes.columns) == ["town", "kind"] == list(encoder.get_feature_names_out())
    assert isinstance(encoder.transform(X), kind)


def test_a_column_transformer_and_cross_validation():
    frame = X.with_columns(x=Y)
    columns = make_column_transformer(
        (PartialPoolingEncoder(random_state=0), ["town"]), remainder="drop", verbose_feature_names_out=False
    )
    model = make_pipeline(columns, LinearRegression())
    result = cross_validate(model, frame, Y, cv=KFold(3, shuffle=True, random_state=0), error_score="raise")
    between = np.var(TOWN % 5) / (np.var(TOWN % 5) + 1)  # of the variance, the share of the towns
    assert result["test_score"].mean() == pytest.approx(between, abs=0.1)
    assert list(columns.fit(frame, Y).get_feature_names_out()) == ["town"]


# ---- the numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_codes_are_those_of_encode(options):
    encoder = PartialPoolingEncoder(folds=FOLDS, **options)
    codes = encoder.fit_transform(X, Y)
    new = encoder.transform(X)
    for i, by in enumerate(X.columns):
        np.testing.assert_allclose(codes[:, i], encoded(Y, by, folds="fold", **options), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(new[:, i], encoded(Y, by, **options), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(PartialPoolingEncoder(**options).fit(X, Y).transform(X), new, rtol=1e-12, atol=1e-14)


def test_an_offset_costs_no_digits():
    """The digits of Float64 at a million are 1e-10."""
    codes, far = (PartialPoolingEncoder(folds=FOLDS).fit_transform(X, Y + offset) - offset for offset in (0, 1e6))
    np.testing.assert_allclose(far, codes, atol=2e-9)


def test_codes_with_a_prior():
    encoder = PartialPoolingEncoder("kind", sigma2=1.0, tau2=pool.HalfCauchy(2), folds=FOLDS)
    codes = encoder.fit_transform(X.select("kind"), Y).ravel()
    expected = encoded(Y, "kind", sigma2=1.0, tau2=pool.HalfCauchy(2), folds="fold")
    np.testing.assert_allclose(codes, expected, rtol=1e-10)


def test_what_fit_learns():
    encoder = PartialPoolingEncoder().fit(X, Y)
    frame = X.with_columns(y=Y)
    assert encoder.target_type_ == "continuous"
    assert encoder.components_.select("feature", "target").rows() == [("town", None), ("kind", None)]
    for i, by in enumerate(X.columns):
        estimates = frame.pool.shrink("y", by=by).rename({by: "key"})
        assert_frame_equal(encoder.encodings_[i], estimates.select(encoder.encodings_[i].columns), rel_tol=1e-12)
        models = encoder.components_[i : i + 1].drop("feature", "target")
        assert_frame_equal(models, frame.pool.components("y", by=by), rel_tol=1e-9)


def test_a_row_does_not_depend_on_the_target_in_its_fold():
    other = np.where(FOLD == 2, -100 * Y, Y)
    codes, others = (PartialPoolingEncoder(folds=FOLDS).fit_transform(X, y) for y in (Y, other))
    np.testing.assert_allclose(codes[FOLD == 2], others[FOLD == 2], rtol=1e-12, atol=1e-14)
    assert (abs(codes - others)[FOLD != 2] > 0.1).all()


def test_random_folds_follow_the_seed():
    codes = [PartialPoolingEncoder(random_state=seed).fit_transform(X, Y) for seed in (1, 1, 2)]
    np.testing.assert_allclose(codes[0], codes[1], rtol=1e-12, atol=1e-14)
    assert abs(codes[0] - codes[2]).max() > 0.01
    ordered = [
        PartialPoolingEncoder(**folds).fit_transform(X, Y) for folds in ({"shuffle": False}, {"folds": KFold(5)})
    ]
    np.testing.assert_allclose(*ordered, rtol=1e-12, atol=1e-14)


# ---- targets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [["no", "yes"], [0, 1], [False, True], [3, 7]], ids=str)
def test_two_classes_are_the_rate_of_the_second(labels):
    y = np.array(labels)[(Y > 2).astype(int)]
    encoder = PartialPoolingEncoder(folds=FOLDS)
    np.testing.assert_allclose(
        encoder.fit_transform(X, y)[:, 0], encoded(Y > 2, "town", folds="fold"), rtol=1e-12, atol=1e-15
    )
    assert (encoder.target_type_, encoder.classes_.tolist()) == ("binary", labels)
    assert list(encoder.get_feature_names_out()) == ["town", "kind"]


def test_each_of_several_classes_has_a_column():
    y = np.array(["low", "middle", "high"])[np.digitize(Y, [1, 3])]
    encoder = PartialPoolingEncoder(folds=FOLDS)
    codes = encoder.fit_transform(X, y)
    names = [f"{by}_{label}" for by in X.columns for label in ("high", "low", "middle")]
    assert list(encoder.get_feature_names_out()) == names
    assert [f"{by}_{label}" for by, label in encoder.components_.select("feature", "target").rows()] == names
    for i, name in enumerate(names):
        by, label = name.split("_")
        np.testing.assert_allclose(codes[:, i], encoded(y == label, by, folds="fold"), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(encoder.transform(X)[:, i], encoded(y == label, by), rtol=1e-12, atol=1e-15)


def test_each_of_several_outputs_has_a_column():
    outputs = pl.DataFrame({"y": Y, "square": Y**2})
    encoder = PartialPoolingEncoder(folds=FOLDS)
    codes = encoder.fit_transform(X, outputs)
    assert list(encoder.get_feature_names_out()) == ["town_y", "town_square", "kind_y", "kind_square"]
    alone = [PartialPoolingEncoder(folds=FOLDS).fit_transform(X, y) for y in (Y, Y**2)]
    np.testing.assert_allclose(codes, np.column_stack([y[:, i] for i in (0, 1) for y in alone]), rtol=1e-12)
    of_array = PartialPoolingEncoder(folds=FOLDS).fit(X, outputs.to_numpy())
    assert list(of_array.get_feature_names_out()) == ["town_0", "town_1", "kind_0", "kind_1"]


def test_whole_numbers_are_classes_unless_the_type_is_named():
    y = (4 * Y).astype(int)
    assert PartialPoolingEncoder().fit(X, np.clip(y, 0, 5)).target_type_ == "multiclass"
    codes = PartialPoolingEncoder(folds=FOLDS, target_type="continuous").fit_transform(X, pl.Series(y))
    np.testing.assert_allclose(codes[:, 0], encoded(y, "town", folds="fold"), rtol=1e-12)


@pytest.mark.parametrize(
    ("y", "target_type", "message"),
    [
        (["a", "b", "c"] * 80, "binary", "y has 3 classes; give target_type='multiclass'"),
        (np.column_stack([Y, Y]), "binary", "y has several columns; give one column of classes"),
        (np.where(FOLD == 1, np.nan, Y), "auto", "contains NaN"),
        (pl.Series(["a", None, "b"] * 80), "auto", "y is None in some rows"),
        (Y, "number", "target_type='number'"),
        (None, "auto", "requires y to be passed"),
        (Y[:5], "auto", "inconsistent numbers of samples"),
    ],
)
def test_targets_that_are_refused(y, target_type, message):
    with pytest.raises(ValueError, match=message):
        PartialPoolingEncoder(target_type=target_type).fit(X, y)


# ---- weights and groups ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_weights_are_repetitions(options):
    repetitions = np.random.default_rng(3).integers(0, 4, ROWS)
    repeated = np.repeat(np.arange(ROWS), repetitions)
    encoder = PartialPoolingEncoder(folds=FOLDS, **options)
    codes = encoder.fit_transform(X, Y, sample_weight=repetitions)
    again = PartialPoolingEncoder(folds=PredefinedSplit(FOLD[repeated]), **options)
    np.testing.assert_allclose(codes[repeated], again.fit_transform(X[repeated], Y[repeated]), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(encoder.transform(X), again.transform(X), rtol=1e-11, atol=1e-13)
    for ours, theirs in zip(encoder.encodings_, again.encodings_, strict=True):
        assert_frame_equal(ours, theirs, rel_tol=1e-11)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.where(FOLD == 0, 0.5, 1.0), "negative or fractional in 60 rows"),
        (-np.ones(ROWS), "negative or fractional in 240 rows"),
        (np.zeros(ROWS), "zero in all rows"),
        (np.ones(3), r"sample_weight.shape == \(3,\), expected \(240,\)"),
    ],
    ids=["fractional", "negative", "zero", "short"],
)
def test_weights_that_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        PartialPoolingEncoder().fit(X, Y, sample_weight=weights)


def test_rows_of_a_group_are_in_one_fold():
    """So a category that is a group has no rows in the other folds, and all its rows have the mu of these."""
    codes = PartialPoolingEncoder(folds=4, random_state=0).fit_transform(X, Y, groups=TOWN)[:, 0]
    assert all(len(set(codes[town == TOWN])) == 1 for town in set(TOWN))
    assert len(set(codes)) == 4


def test_metadata_reach_the_encoder_in_a_pipeline():
    repetitions = np.random.default_rng(3).integers(1, 4, ROWS)
    encoder = PartialPoolingEncoder(folds=4, random_state=0)
    codes = clone(encoder).fit_transform(X, Y, sample_weight=repetitions, groups=TOWN)
    expected = LinearRegression().fit(codes, Y).coef_
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(encoder).set_fit_request(sample_weight=True, groups=True)
        model = make_pipeline(routed, LinearRegression().set_fit_request(sample_weight=False))
        model.fit(X, Y, sample_weight=repetitions, groups=TOWN)
        np.testing.assert_allclose(model[-1].coef_, expected, rtol=1e-12)
        cross_validate(model, X, Y, cv=GroupKFold(3), params={"groups": TOWN}, error_score="raise")


@pytest.mark.parametrize("folds", [ShuffleSplit(3), TimeSeriesSplit(3)], ids=["some rows", "earlier rows"])
def test_folds_that_are_no_partition(folds):
    with pytest.raises(ValueError, match="each row must be in one test set, with all other rows in its training set"):
        PartialPoolingEncoder(folds=folds).fit_transform(X, Y)


@pytest.mark.parametrize("folds", ["loo", 2.5, True, None])
def test_folds_that_are_no_splitter(folds):
    with pytest.raises(TypeError, match="give a number of folds, or a splitter"):
        PartialPoolingEncoder(folds=folds).fit_transform(X, Y)


# ---- features -------------------------------------------------------------------------------------------------------

TEXTS = [None if i % 9 == 0 else f"t{i}" for i in TOWN]
NUMBERS = [None if i % 9 == 0 else int(i) for i in TOWN]
SAME = {
    "Polars texts": pl.DataFrame({"town": TEXTS}),
    "Polars categories": pl.DataFrame({"town": pl.Series(TEXTS, dtype=pl.Categorical)}),
    "Polars enumeration": pl.DataFrame({"town": pl.Series(TEXTS, dtype=pl.Enum([f"t{i}" for i in range(12)]))}),
    "pandas texts": pd.DataFrame({"town": pd.Series(TEXTS, dtype="str")}),
    "pandas objects": pd.DataFrame({"town": pd.Series(TEXTS, dtype="object").fillna(pd.NA)}),
    "pandas categories": pd.DataFrame({"town": pd.Series(TEXTS, dtype="category")}),
    "objects": np.array(TEXTS, dtype=object)[:, None],
    "objects with NaN": np.array([np.nan if text is None else text for text in TEXTS], dtype=object)[:, None],
    "objects with pandas.NA": np.array([pd.NA if text is None else text for text in TEXTS], dtype=object)[:, None],
    "lists": [[text] for text in TEXTS],
    "Polars numbers": pl.DataFrame({"town": NUMBERS}),
    "Polars floats": pl.DataFrame({"town": pl.Series(NUMBERS, dtype=pl.Float64).fill_null(np.nan)}),
    "Polars decimals": pl.DataFrame({"town": pl.Series(NUMBERS).cast(pl.Decimal(10, 2))}),
    "Polars dates": pl.DataFrame({"town": pl.Series(NUMBERS).cast(pl.Date)}),
    "pandas numbers": pd.DataFrame({"town": pd.Series(NUMBERS, dtype="Int64")}),
    "pandas categories of numbers": pd.DataFrame({"town": pd.Series(NUMBERS, dtype="Int64").astype("category")}),
    "floats": np.array([np.nan if number is None else number for number in NUMBERS])[:, None],
    "dates": np.array([f"2020-01-{1 + i:02}" if i % 9 else "NaT" for i in TOWN], dtype="datetime64[D]")[:, None],
}


@pytest.mark.parametrize("features", SAME.values(), ids=SAME)
def test_every_kind_of_column_has_the_same_codes(features):
    """None, NaN, NaT and pandas.NA are one category."""
    frame = pl.DataFrame({"town": TEXTS, "y": Y, "fold": FOLD})
    encoder = PartialPoolingEncoder(folds=FOLDS)
    codes = encoder.fit_transform(features, Y).ravel()
    np.testing.assert_allclose(codes, frame.pool.encode("y", "town", folds="fold")["estimate"].to_numpy(), rtol=1e-12)
    new = encoder.transform(features).ravel()
    np.testing.assert_allclose(new, frame.pool.encode("y", "town")["estimate"].to_numpy(), rtol=1e-12)
    assert sorted(encoder.encodings_[0]["n"]) == sorted(pl.Series(TEXTS).value_counts()["count"])


def test_keys_of_another_number_type_are_those_of_equal_value():
    encoder = PartialPoolingEncoder(unknown="null", sigma2=1.0, tau2=1.0)
    encoder.fit(pl.DataFrame({"id": [1, 2**53 + 1, 2**53 + 1]}), [1.5, 5.0, 6.0])
    known = encoder.encodings_[0]["estimate"].to_list()
    codes = encoder.transform(pl.DataFrame({"id": [1.0, 1.5, 2.0**53, 1e300]})).ravel()
    np.testing.assert_array_equal(codes, [known[0], np.nan, np.nan, np.nan])
    small = encoder.transform(pl.DataFrame({"id": pl.Series([1, 7], dtype=pl.UInt8)})).ravel()
    np.testing.assert_array_equal(small, [known[0], np.nan])
    assert encoder.transform(pl.DataFrame({"id": [2**53 + 1]})).item() == known[1]


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (pl.DataFrame({"town": TOWN, "kind": X["kind"]}), "'town' is Int64, and its categories in fit are String"),
        (X.select("kind", "town"), "feature names"),
        (X.select("town"), "feature names"),
        (X.lazy(), "X is a LazyFrame; scikit-learn needs its rows"),
    ],
    ids=["type", "order", "number", "lazy"],
)
def test_new_rows_that_are_refused(features, message):
    with pytest.raises((TypeError, ValueError), match=message):
        PartialPoolingEncoder().fit(X, Y).transform(features)


def test_a_column_of_texts_and_numbers_is_refused():
    mixed = np.array([["a"], [1]] * 120, dtype=object)
    with pytest.raises(TypeError, match="argument must be uniformly strings or numbers in each column: 'x0'"):
        PartialPoolingEncoder().fit(mixed, Y)


def test_other_columns_stay_as_they_are():
    frame = X.with_columns(x=pl.Series(Y), whole=pl.Series([None, *range(1, ROWS)])).select(
        "x", "town", "whole", "kind"
    )
    alone = PartialPoolingEncoder(folds=FOLDS).fit_transform(X, Y)
    for columns in ("auto", ["town", "kind"], ("kind", 1), np.array([1, 3])):
        encoder = PartialPoolingEncoder(columns, folds=FOLDS).set_output(transform="polars")
        codes = encoder.fit_transform(frame, Y)
        assert codes.columns == frame.columns
        np.testing.assert_allclose(codes.select("town", "kind").to_numpy(), alone, rtol=1e-12, atol=1e-14)
        assert np.array_equal(codes["x"].to_numpy(), Y)
        assert np.isnan(codes["whole"][0])
        assert codes["whole"][1:].to_list() == list(range(1, ROWS))


def test_columns_that_are_refused():
    with pytest.raises(TypeError, match=r"'kind' \(String\) is not in columns="):
        PartialPoolingEncoder("town").fit_transform(X, Y)
    with pytest.raises(ValueError, match="'city' is no column of X; it has 'town', 'kind'"):
        PartialPoolingEncoder(["city"]).fit(X, Y)
    with pytest.raises(ValueError, match="2 is no column of X"):
        PartialPoolingEncoder(2).fit(X, Y)
    for columns in (2.5, []):
        with pytest.raises((TypeError, ValueError), match="give 'auto', or the names or positions"):
            PartialPoolingEncoder(columns).fit(X, Y)


# ---- unknown and missing categories ---------------------------------------------------------------------------------


def test_unknown_categories():
    new = pl.DataFrame({"kind": ["a", "z", "y", "z"]})
    codes = {}
    for unknown in ("mu", "null"):
        encoder = PartialPoolingEncoder(unknown=unknown).fit(X.select("kind"), Y)
        codes[unknown] = encoder.transform(new).ravel().tolist()
    mu = X.with_columns(y=Y).pool.components("y", by="kind")["mu"].item()
    assert codes["mu"] == pytest.approx([codes["null"][0], mu, mu, mu], rel=1e-12)
    assert np.isnan(codes["null"][1:]).all()
    message = "the column 'kind' has categories without rows in fit, in 3 rows: 'z', 'y'; unknown='mu' encodes"
    with pytest.raises(ValueError, match=message):
        PartialPoolingEncoder(unknown="error").fit(X.select("kind"), Y).transform(new)


@pytest.mark.parametrize("unknown", ["mu", "null", "error"])
def test_a_category_of_one_fold_is_unknown_to_the_other_folds(unknown):
    kind = pl.DataFrame({"kind": pl.select(pl.when(pl.Series(FOLD) == 0).then(pl.lit("z")).otherwise(X["kind"]))})
    codes = PartialPoolingEncoder(folds=FOLDS, unknown=unknown).fit_transform(kind, Y)[FOLD == 0].ravel()
    rest = X.with_columns(y=Y).filter(pl.Series(FOLD) != 0)
    mu = rest.pool.components("y", by="kind")["mu"].item()
    np.testing.assert_allclose(codes, np.nan if unknown == "null" else mu, rtol=1e-12)


def test_missing_categories_with_mu():
    frame = pl.DataFrame({"town": TEXTS, "y": Y, "fold": FOLD})
    known = frame.filter(pl.col("town").is_not_null())
    encoder = PartialPoolingEncoder(folds=FOLDS, missing="mu", unknown="null")
    codes = encoder.fit_transform(frame.select("town"), Y).ravel()
    is_missing = frame["town"].is_null().to_numpy()
    expected = known.pool.encode("y", "town", folds="fold")["estimate"].to_numpy()
    np.testing.assert_allclose(codes[~is_missing], expected, rtol=1e-12)
    for fold in range(4):
        mu = known.filter(pl.col("fold") != fold).pool.components("y", "town")["mu"].item()
        np.testing.assert_allclose(codes[is_missing & (fold == FOLD)], mu, rtol=1e-12)
    mu = known.pool.components("y", "town")["mu"].item()
    np.testing.assert_allclose(encoder.transform(frame.select("town")).ravel()[is_missing], mu, rtol=1e-12)


def test_missing_categories_alone():
    nothing = pl.DataFrame({"town": pl.Series([None] * ROWS, dtype=pl.String)})
    with pytest.raises(ValueError, match="all categories of 'town' are missing, so there is no mu"):
        PartialPoolingEncoder(missing="mu").fit(nothing, Y)
    first = pl.DataFrame({"town": ["a", *[None] * (ROWS - 1)]})
    with pytest.raises(ValueError, match="all categories of 'town' are missing, so there is no mu"):
        PartialPoolingEncoder(missing="mu").fit(first, Y, sample_weight=[0, *[1] * (ROWS - 1)])
    np.testing.assert_allclose(PartialPoolingEncoder().fit(nothing, Y).transform(nothing), Y.mean(), rtol=1e-12)
    lonely = pl.DataFrame({"town": ["a", "a", *[None] * (ROWS - 2)]})
    fold = PredefinedSplit(np.where(np.arange(ROWS) < 2, 0, FOLD + 1))
    assert np.isfinite(PartialPoolingEncoder(missing="mu", folds=fold).fit_transform(lonely, Y)).all()


# ---- degenerate data ------------------------------------------------------------------------------------------------


def test_categories_of_one_row_have_the_mean_of_the_other_folds():
    numbers = pl.DataFrame({"row": [f"r{i}" for i in range(ROWS)]})
    with pytest.warns(pool.ConvergenceWarning, match="no group has two rows"):
        codes = PartialPoolingEncoder(folds=FOLDS).fit_transform(numbers, Y).ravel()
    expected = np.array([Y[fold != FOLD].mean() for fold in range(4)])[FOLD]
    np.testing.assert_allclose(codes, expected, rtol=1e-12)


def test_a_constant_target_and_a_single_category():
    np.testing.assert_array_equal(PartialPoolingEncoder(target_type="continuous").fit_transform(X, [3.0] * ROWS), 3.0)
    one = pl.DataFrame({"kind": ["a"] * ROWS})
    expected = np.array([Y[fold != FOLD].mean() for fold in range(4)])[FOLD]
    codes = PartialPoolingEncoder(folds=FOLDS).fit_transform(one, Y).ravel()
    np.testing.assert_allclose(codes, expected, rtol=1e-12)


def test_more_folds_than_rows():
    with pytest.raises(ValueError, match="greater than the number of samples"):
        PartialPoolingEncoder(folds=9).fit_transform([["a"], ["a"], ["b"]], [1.0, 2.5, 3.5])


# ---- leakage --------------------------------------------------------------------------------------------------------


def scores(keys, classes, in_sample):
    """How much a key without meaning adds to R2: of a linear model in training, and of boosting for new rows."""
    linear, boosting = [], []
    for seed in range(3):
        random = np.random.default_rng([seed, keys])
        x, key = random.normal(size=(2, 6000, 1)), random.integers(0, keys, (2, 6000, 1))
        y = x[..., 0] / 2 + random.normal(size=(2, 6000))
        y = (y > 0).astype(float) if classes else y
        encoder = PartialPoolingEncoder(random_state=seed)
        codes = encoder.fit_transform(key[0], y[0])
        tables = (
            [x[0], x[1]],
            [
                np.hstack([x[0], encoder.transform(key[0]) if in_sample else codes]),
                np.hstack([x[1], encoder.transform(key[1])]),
            ],
        )
        without, beside = [LinearRegression().fit(train, y[0]).score(train, y[0]) for train, _ in tables]
        linear.append(beside - without)
        without, beside = [_boosted(train, y[0], test, y[1], classes) for train, test in tables]
        boosting.append(beside - without)
    return np.mean(linear), np.mean(boosting)


def _boosted(x, y, new_x, new_y, classes):
    """R2 of boosting for new rows; one thread, as tests share the cores."""
    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    with threadpool_limits(1):
        model = kind(max_iter=40, random_state=0, early_stopping=False).fit(x, y)
        return r2_score(new_y, model.predict_proba(new_x)[:, 1] if classes else model.predict(new_x))


@pytest.mark.share(2)
@pytest.mark.parametrize("classes", [False, True], ids=["numbers", "two classes"])
@pytest.mark.parametrize("keys", [20, 2000])
def test_codes_do_not_leak_the_target(keys, classes):
    linear, boosting = scores(keys, classes, in_sample=False)
    assert linear < 0.005
    assert boosting > -0.01


def test_codes_of_all_rows_would_leak_it():
    """The same measure for `fit` and `transform` of the rows in training: 4 and 2 times the limits above, at least."""
    linear, boosting = scores(2000, False, in_sample=True)
    assert linear > 0.02
    assert boosting < -0.02
