"""Data for the tests: small builders, the paths through the package, and Hypothesis strategies."""

import math
import warnings
from contextlib import contextmanager
from functools import wraps

import polars as pl
import ways
from hypothesis import given, settings
from hypothesis import strategies as st

import polars_pool as pool
from polars_pool.formulas import registry

TAU2 = tuple(name for name in registry.TAU2 if name not in ("js", "morris"))
"""Those that answer for any two groups; test_no_collapse.py holds the two others."""
SOME_TAU2 = TAU2 if ways.full else tuple(name for name in TAU2 if name in ("anova", "dl", "pm", "reml", "chung", "cv"))
"""One for each way to estimate, for queries that take long to plan; all with `--full`."""
MU = tuple(registry.MU)
CLOSED = frozenset({"anova", "plugin", "dl", "he", "hs", "hsk", "sj"})
"""Estimators without iteration: they agree to 1e-12, the others to 1e-9."""

MOMENTS = {"n": "n", "var": "var"}
"""The arguments that say: the frame holds stored moments."""


def fits(tau2: str, source: str) -> bool:
    """Whether a method accepts an input: the matrix of methods and inputs."""
    if tau2 == "cv":
        return source in ("rows", "moments")
    return tau2 != "anova" or source != "published"


def methods(*sources: str) -> list[str]:
    """The methods that accept all of these inputs."""
    return [tau2 for tau2 in TAU2 if all(fits(tau2, source) for source in sources)]


# ---- builders ----------------------------------------------------------------------------------------------


def rows(groups: dict, key: str = "g", value: str = "y", dtype: pl.DataType | None = None) -> pl.DataFrame:
    """One row per value: `{"a": [1.0, 2.0], "b": [3.0]}`."""
    keys = [name for name, values in groups.items() for _ in values]
    numbers = [number for values in groups.values() for number in values]
    return pl.DataFrame({key: pl.Series(keys, dtype=dtype), value: pl.Series(numbers, dtype=pl.Float64, strict=False)})


def stored(frame: pl.DataFrame, by: str | list[str] = "g", value: str = "y") -> pl.DataFrame:
    """Stored moments, computed by plain Polars."""
    column = pl.col(value)
    return frame.group_by(by, maintain_order=True).agg(
        column.count().alias("n"), column.mean().alias("mean"), column.var().alias("var")
    )


def stored_with_weights(frame: pl.DataFrame, by: str, value: str, weights: str) -> pl.DataFrame:
    """Stored weighted moments, computed by plain Polars: var is the weighted sum of squares over n - 1."""
    y, w = pl.col(value), pl.col(weights)
    mean = (w * y).sum() / w.sum()
    squares = (w * (y - mean) ** 2).sum()
    n = y.count()
    var = pl.when(n > 1).then(squares / (n - 1))
    return frame.group_by(by, maintain_order=True).agg(
        n.alias("n"), mean.alias("mean"), var.alias("var"), w.sum().alias("w")
    )


def published(triples: dict, key: str = "g") -> pl.DataFrame:
    """One row per study: `{"a": (estimate, se), ...}`."""
    return pl.DataFrame(
        {
            key: list(triples),
            "y": pl.Series([pair[0] for pair in triples.values()], dtype=pl.Float64),
            "se": pl.Series([pair[1] for pair in triples.values()], dtype=pl.Float64),
        }
    )


# ---- paths through the package -----------------------------------------------------------------------------


@contextmanager
def warned_once():
    """Run a query that raises each warning at most once; yield the list of its warnings."""
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always", pool.ConvergenceWarning)
        yield record
    messages = [str(warning.message) for warning in record]
    assert len(messages) == len(set(messages)), messages


def _warning(run):
    """A path that must warn if and only if a model does not converge, which components show."""

    @wraps(run)
    def checked(verb, frame, *args, **options):
        with warned_once() as record:
            result = run(verb, frame, *args, **options)
        if verb is pool.components and {"groups", "converged"} <= set(result.columns):
            assert bool(record) == (result.filter(~pl.col("converged") & (pl.col("groups") > 0)).height > 0)
        return result

    return checked


@_warning
def _eager(verb, frame, *args, **options):
    return verb(frame, *args, **options)


@_warning
def _streaming(verb, frame, *args, **options):
    return verb(frame.lazy(), *args, **options).collect(engine="streaming")


@_warning
def _in_memory(verb, frame, *args, **options):
    return verb(frame.lazy(), *args, **options).collect(engine="in-memory")


FRAME_PATHS = {"DataFrame": _eager, "streaming": _streaming, "in-memory": _in_memory}
"""Each runs a verb on a frame and gives a DataFrame."""


def row_path(run):
    """`pool.encode` by a path of frames."""

    def estimates(frame, value, by, **options):
        return run(pool.encode, frame, value, by, name="the estimate", **options)["the estimate"]

    return estimates


def _expression(frame, value, by, **options):
    with warned_once():
        return frame.select(pl.col(value).pool.shrink(by=by, **options)).to_series()


def _lazy_expression(frame, value, by, **options):
    query = frame.lazy().with_columns(pl.col(value).pool.shrink(by=by, **options).alias("the estimate"))
    with warned_once():
        return query.collect(engine="streaming")["the estimate"]


ROW_PATHS = {f"encode {name}": row_path(run) for name, run in FRAME_PATHS.items()} | {
    "expression": _expression,
    "expression streaming": _lazy_expression,
}
"""Each gives the estimate beside every row."""

PATHS = [*FRAME_PATHS, *ROW_PATHS]


def estimates(path: str, frame: pl.DataFrame, value: str = "y", by: str = "g", **options) -> dict:
    """The estimates of all groups, by any path, as {key: estimate}."""
    if path in FRAME_PATHS:
        result = FRAME_PATHS[path](pool.shrink, frame, value, by, **options)
        return {label(key): estimate for key, estimate in zip(result[by], result["estimate"], strict=True)}
    column = ROW_PATHS[path](frame, value, by, **options)
    assert column.dtype == pl.Float64
    assert len(column) == frame.height
    answer = {}
    for key, estimate in zip(frame[by], column, strict=True):
        assert answer.setdefault(label(key), estimate) == estimate, f"rows of group {key!r} differ"
    return answer


def label(key: object) -> object:
    """A key for dictionaries: NaN is not equal to itself, so it is replaced."""
    return "NaN" if isinstance(key, float) and math.isnan(key) else key


def by_key(frame: pl.DataFrame, *keys: str) -> dict:
    """The rows of a result as {key: row}."""
    names = keys or ("g",)
    result = {}
    for row in frame.iter_rows(named=True):
        parts = tuple(label(row[name]) for name in names)
        result[parts[0] if len(parts) == 1 else parts] = row
    assert len(result) == frame.height
    return result


# ---- comparison --------------------------------------------------------------------------------------------


def near(got: object, want: object, tolerance: float, scale: float = 0.0) -> bool:
    """Whether numbers agree within `tolerance` times the larger of |want| and `scale`; other values must be equal."""
    if not isinstance(got, (int, float)) or not isinstance(want, (int, float)):
        return type(got) is type(want) and got == want
    if math.isinf(want):
        return got == want
    return abs(got - want) <= tolerance * max(abs(want), scale)


def assert_near(got, want, tolerance: float, scale: float = 0.0, what: object = "") -> None:
    """Assert `near` for numbers, sequences, Series and dictionaries."""
    if isinstance(want, dict):
        assert got.keys() == want.keys()
        for key in want:
            assert_near(got[key], want[key], tolerance, scale, f"{what} {key!r}".strip())
    elif isinstance(want, pl.Series) or (hasattr(want, "__iter__")):
        got, want = list(got), list(want)
        assert len(got) == len(want)
        for position, (a, b) in enumerate(zip(got, want, strict=True)):
            assert near(a, b, tolerance, scale), f"{what} [{position}]: got {a!r}, expected {b!r}"
    else:
        assert near(got, want, tolerance, scale), f"{what}: got {got!r}, expected {want!r}"


def spread(frame: pl.DataFrame, value: str = "y") -> float:
    """|mu| + sd, the scale on which estimates are compared: the largest |value| plus its standard deviation."""
    return (frame[value].abs().max() or 0.0) + (frame[value].std() or 0.0)


# ---- strategies --------------------------------------------------------------------------------------------

EIGHTHS = st.integers(-400, 400).map(lambda i: i / 8)
"""Numbers without rounding error, so that equal stays equal under shifts."""


@st.composite
def grouped(draw, groups=(2, 7), size=(1, 6), values=EIGHTHS, replicated=True) -> pl.DataFrame:
    """Rows with keys g and values y; by default at least one group has two different rows."""
    sizes = draw(st.lists(st.integers(*size), min_size=groups[0], max_size=groups[1]))
    if replicated and max(sizes) == 1:
        sizes[0] = 2
    centres = draw(st.lists(st.integers(-80, 80), min_size=len(sizes), max_size=len(sizes)))
    data = {
        key: [centre / 4 + number for number in draw(st.lists(values, min_size=n, max_size=n))]
        for key, (n, centre) in enumerate(zip(sizes, centres, strict=True))
    }
    if replicated and all(len(set(numbers)) == 1 for numbers in data.values()):
        largest = max(data, key=lambda key: len(data[key]))
        data[largest][0] += 1.0
    return rows(data)


@st.composite
def balanced(draw) -> pl.DataFrame:
    """Rows with equally many in every group."""
    n = draw(st.integers(2, 5))
    return draw(grouped(size=(n, n)))


@st.composite
def weighted(draw) -> pl.DataFrame:
    """Rows with precision weights w, dyadic so that multiples are exact."""
    frame = draw(grouped())
    weights = draw(st.lists(st.integers(1, 40), min_size=frame.height, max_size=frame.height))
    return frame.with_columns(w=pl.Series(weights, dtype=pl.Float64) / 8)


@st.composite
def studies(draw, groups=(2, 9), equal=False) -> pl.DataFrame:
    """Published estimates y with standard errors se > 0."""
    k = draw(st.integers(*groups))
    effects = draw(st.lists(EIGHTHS, min_size=k, max_size=k))
    errors = draw(st.lists(st.integers(1, 200), min_size=k, max_size=k))
    if equal:
        errors = [errors[0]] * k
    return published({key: (y, se / 16) for key, (y, se) in enumerate(zip(effects, errors, strict=True))})


def drawn(strategy: st.SearchStrategy, count: int) -> list:
    """A number of examples, equal in every run: as models of one query they cost as much as one example."""
    found = []

    @settings(max_examples=count)
    @given(example=strategy)
    def draw(example):
        found.append(example)

    draw()
    return found
