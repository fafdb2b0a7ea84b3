"""The frame verbs are lazy: building a query collects nothing, and running it needs one scan, without a fallback."""

import re
from dataclasses import dataclass
from functools import partial

import polars as pl
import pytest
from frames import MOMENTS, TAU2, assert_near, methods
from polars.io.plugins import register_io_source
from polars.testing import assert_frame_equal

import polars_pool as pool
from polars_pool.models.oneway import components

FALLBACK = 'fillcolor="0.0 0.3 1.0"'  # the colour of "in-memory engine fallback" in the legend
FIRST_ROWS = re.compile(r"slice: offset: 0, len: \d+\b")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    """A hive-partitioned Parquet warehouse of three years: g, y, w, se."""
    folder = tmp_path_factory.mktemp("warehouse")
    i = pl.int_range(6000)
    frame = pl.select(
        year=2020 + i % 3,
        g=(i * 7) % 61,
        y=((i * i) % 97) / 8 + (i * 7) % 61 / 4,
        w=1.0 + i % 4,
        se=0.5 + (i % 5) / 4,
    )
    for (year,), part in frame.group_by("year"):
        (folder / f"year={year}").mkdir()
        part.drop("year").write_parquet(folder / f"year={year}" / "part-0.parquet")
    return folder


@pytest.fixture
def lf(warehouse):
    return pl.scan_parquet(warehouse / "**/*.parquet", hive_partitioning=True)


@pytest.fixture(scope="module")
def states(warehouse, tmp_path_factory):
    path = tmp_path_factory.mktemp("states") / "states.parquet"
    pool.moments(pl.scan_parquet(warehouse / "**/*.parquet"), "y", "g").collect().write_parquet(path)
    return path


# ---- reading the physical plan -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    label: str
    fallback: bool

    @property
    def kind(self) -> str:
        return self.label.split("\\n")[0]


@dataclass(frozen=True)
class Plan:
    """The graph of the streaming engine: nodes, and edges in the direction of the data."""

    nodes: dict[str, Node]
    edges: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, query: pl.LazyFrame) -> "Plan":
        dot = query.show_graph(engine="streaming", plan_stage="physical", raw_output=True)
        nodes = {
            name: Node(label, FALLBACK in rest)
            for name, label, rest in re.findall(r'^(\d+) \[label="((?:[^"\\]|\\.)*)"(.*)\];$', dot, re.MULTILINE)
        }
        return cls(nodes, tuple(re.findall(r"^(\d+) -> (\d+);$", dot, re.MULTILINE)))

    def scans(self) -> list[str]:
        """The reads of whole files."""
        return [name for name in self.reads() if not FIRST_ROWS.search(self.nodes[name].label)]

    def reads_of_first_rows(self) -> list[str]:
        """The reads of only the first rows, which determine the pivot."""
        return [name for name in self.reads() if FIRST_ROWS.search(self.nodes[name].label)]

    def reads(self) -> list[str]:
        return [name for name, node in self.nodes.items() if node.kind.startswith("multi-scan")]

    def rows(self) -> list[str]:
        """The nodes that process rows: those between a scan and the group-by."""
        todo, seen = self.scans(), []
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.append(name)
            if not self.nodes[name].kind.startswith(("group-by", "reduce", "slice", "scalar-window")):
                todo += [target for source, target in self.edges if source == name]
        return seen

    def groupings_of_rows(self) -> list[str]:
        return [name for name in self.rows() if self.nodes[name].kind.startswith("group-by")]


def test_the_reader_detects_a_plan_that_falls_back(lf):
    """quantile inside agg is known to leave the streaming engine."""
    plan = Plan.of(lf.group_by("g").agg(pl.col("y").quantile(0.5)))
    assert len(plan.scans()) == 1
    assert any(plan.nodes[name].fallback for name in plan.rows())
    assert not plan.groupings_of_rows()


def test_the_reader_detects_a_plan_that_streams(lf):
    plan = Plan.of(lf.group_by("g").agg(pl.col("y").mean()))
    assert len(plan.scans()) == 1
    assert len(plan.groupings_of_rows()) == 1
    assert not any(plan.nodes[name].fallback for name in plan.rows())


def test_the_reader_counts_scans(lf, states):
    both = lf.join(pl.scan_parquet(states), on="g").group_by("g").agg((pl.col("y") - pl.col("mean")).sum())
    assert len(Plan.of(both).scans()) == 2


def test_the_reader_distinguishes_a_read_of_the_first_row_from_a_scan(lf):
    pivot = lf.head(1).select(pl.col("y").alias("pivot"))
    plan = Plan.of(lf.join(pivot, how="cross").group_by("g").agg((pl.col("y") - pl.col("pivot")).mean()))
    assert len(plan.scans()) == 1
    # Polars 1 shares one read between both branches and takes the slice after it
    assert len(plan.reads_of_first_rows()) == (1 if pl.__version__ >= "2" else 0)


def assert_scans(query: pl.LazyFrame, count: int) -> Plan:
    """Whole files are read this often, and their first rows once at most."""
    plan = Plan.of(query)
    assert len(plan.scans()) == count, [plan.nodes[name].label for name in plan.reads()]
    assert len(plan.reads_of_first_rows()) <= 1
    return plan


def assert_one_scan(query: pl.LazyFrame) -> None:
    """Rows are read once, and grouped by streaming nodes only."""
    plan = assert_scans(query, 1)
    for name in plan.rows():
        assert not plan.nodes[name].fallback, plan.nodes[name].label


# ---- one scan, no fallback below the group table -----------------------------------------------------------


UNSEEN = pl.LazyFrame({"g": [1, 60, 61, 1000]})
NESTED = {"by": [(pl.col("g") % 5).alias("part"), "g"], "nested": True}
ENCODED = {
    "means": {"value": "y", "by": "g"},
    "separate": {"value": "y", "by": "g", "sigma2": "separate"},
    "nested": {"value": "y", **NESTED},
    "posterior": {"value": "y", "by": "g", "tau2": "half_normal(5)"},
    "rates": {"value": pl.col("y") > 12, "by": "g", "family": "binomial"},
    "counts": {"value": (pl.col("y") > 12).cast(pl.Int64), "by": "g", "exposure": pl.lit(0.5)},
    "rates of numbers": {"value": (pl.col("y") > 12).cast(pl.Int64), "by": "g", "family": "binomial"},
}
"""Encodings of each family."""
FOLDS = [{"folds": "year"}, {"folds": 3, "seed": 1}]
OF_MEANS = [{"folds": "loo"}, {"folds": "before", "order_by": "w"}]
"""Folds of means alone."""


def queries(lf: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """Every verb on rows, in all forms with different plans."""
    by_method = {f"shrink {tau2}": pool.shrink(lf, "y", "g", tau2=tau2) for tau2 in TAU2}
    components = {f"components {tau2}": pool.components(lf, "y", "g", tau2=tau2) for tau2 in TAU2}
    return {
        **by_method,
        **components,
        "moments": pool.moments(lf, "y", "g"),
        "moments with weights": pool.moments(lf, "y", "g", weights="w"),
        "merged moments": pool.merge(pool.moments(lf, "y", ["year", "g"]), "g"),
        "known": pool.shrink(lf, "y", "g", sigma2=4, tau2=2, mu=1),
        "weights": pool.shrink(lf, "y", "g", weights="w"),
        "separate": pool.shrink(lf, "y", "g", sigma2="separate"),
        "squeezed": pool.shrink(lf, "y", "g", sigma2="squeezed"),
        "over": pool.shrink(lf, "y", "g", over="year"),
        "over, separate": pool.shrink(lf, "y", "g", over="year", sigma2="separate"),
        "over, weights": pool.shrink(lf, "y", "g", over="year", weights="w"),
        "components over": pool.components(lf, "y", "g", over="year"),
        "several keys": pool.shrink(lf, "y", ["g", pl.col("y") > 5]),
        "shrunk centre": pool.shrink(lf, "y", "g", mu="shrunk"),
        "nan null": pool.shrink(lf, "y", "g", nan="null"),
        "expression": pool.shrink(lf, pl.col("y").log1p(), "g"),
        "robust": pool.shrink(lf, "y", "g", interval="robust"),
        "robust over": pool.shrink(lf, "y", "g", over="year", interval="robust"),
        "robust separate": pool.shrink(lf, "y", "g", sigma2="separate", interval="robust"),
        "compare": pool.compare(lf, "y", "g"),
        "compare over": pool.compare(lf, "y", "g", over="year"),
        "compare separate": pool.compare(lf, "y", "g", sigma2="separate"),
        "rank": pool.rank(lf, "y", "g", top=5),
        "rank over": pool.rank(lf, "y", "g", over="year", top=0.1),
        "threshold": pool.shrink(lf, "y", "g", threshold=10, predict="row"),
        "error of tau2": pool.shrink(lf, "y", "g", uncertainty="tau2", threshold=10),
        "error of tau2 over": pool.shrink(lf, "y", "g", over="year", tau2="dl", uncertainty="tau2"),
        "groups": pool.shrink(lf, "y", "g", groups=UNSEEN),
        "groups over": pool.shrink(lf, "y", "g", over="year", groups=UNSEEN, threshold=10),
        "groups with their over": pool.shrink(
            lf, "y", "g", over="year", groups=UNSEEN.with_columns(year=pl.lit(2020, pl.Int64))
        ),
        "nested": pool.shrink(lf, "y", **NESTED),
        "nested at": pool.shrink(lf, "y", **NESTED, at="part", threshold=10, predict="row"),
        "nested over": pool.shrink(lf, "y", **NESTED, over="year"),
        "nested weights": pool.shrink(lf, "y", **NESTED, weights="w"),
        "nested known": pool.shrink(lf, "y", **NESTED, sigma2=4, tau2=[2, 1]),
        "nested groups": pool.shrink(lf, "y", **NESTED, groups=UNSEEN.with_columns(part=pl.lit(0, pl.Int64))),
        "nested components": pool.components(lf, "y", **NESTED),
        "nested components over": pool.components(lf, "y", **NESTED, over="year"),
        "encode nested": pool.encode(lf, "y", **NESTED),
        "encode nested at": pool.encode(lf, "y", **NESTED, over="year", at="part"),
        "encode": pool.encode(lf, "y", "g"),
        "encode dl": pool.encode(lf, "y", "g", tau2="dl"),
        "encode over": pool.encode(lf, "y", "g", over="year"),
        "encode weights": pool.encode(lf, "y", "g", weights="w"),
        "encode separate": pool.encode(lf, "y", "g", sigma2="separate"),
        "encode squeezed": pool.encode(lf, "y", "g", sigma2="squeezed"),
    }


@pytest.fixture(scope="module")
def built(warehouse):
    """The queries on the warehouse."""
    return queries(pl.scan_parquet(warehouse / "**/*.parquet", hive_partitioning=True))


QUERIES = list(queries(pl.LazyFrame(schema={"year": pl.Int64, "g": pl.Int64, "y": pl.Float64, "w": pl.Float64})))


@pytest.mark.parametrize("name", QUERIES)
def test_one_scan_and_no_fallback(built, name):
    assert_one_scan(built[name])


@pytest.mark.parametrize("name", [name for name in QUERIES if not name.startswith("encode")])
def test_rows_are_grouped_once(built, name):
    assert len(Plan.of(built[name]).groupings_of_rows()) == 1


@pytest.mark.parametrize("tau2", methods("published"))
def test_published_estimates_are_scanned_once(lf, tau2):
    assert_one_scan(pool.shrink(lf, "y", "g", se="se", tau2=tau2))


@pytest.mark.parametrize("tau2", TAU2)
def test_stored_moments_are_scanned_once(states, tau2):
    assert_one_scan(pool.shrink(pl.scan_parquet(states), "mean", "g", **MOMENTS, tau2=tau2))


@pytest.mark.parametrize("over", [None, "w"])
@pytest.mark.parametrize("family", ENCODED)
def test_an_encoded_frame_is_scanned_once(lf, family, over):
    """Functions of Python number the folds and refuse null ones, so that these plans have fallbacks."""
    encoded = partial(pool.encode, lf, **ENCODED[family], over=over)
    assert_one_scan(encoded())
    for folds in FOLDS:
        assert_scans(encoded(**folds), 1)
    for folds in OF_MEANS if family in ("means", "separate") else []:
        assert_one_scan(encoded(**folds))


@pytest.mark.parametrize("over", [None, "year"])
@pytest.mark.parametrize("family", ENCODED)
def test_encoded_other_rows_are_scanned_once(lf, states, family, over):
    """The frame and the other rows."""
    other = pl.scan_parquet(states).with_columns(year=2020 + pl.col("g") % 4)
    assert_scans(pool.encode(lf, **ENCODED[family], over=over, rows=other), 2)


def counted(frame: pl.DataFrame, reads: list[int | None]) -> pl.LazyFrame:
    """The frame as a source that notes each read: the number of its first rows, or None for all."""

    def read(columns, predicate, rows, _):
        reads.append(rows)
        part = frame.head(frame.height if rows is None else rows)
        yield part.filter(True if predicate is None else predicate).select(columns or pl.all())

    return register_io_source(read, schema=frame.schema)


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
@pytest.mark.parametrize("family", ENCODED)
def test_each_source_is_read_once(lf, family, engine):
    """Polars shares equal scans of files, but not reads of other sources."""
    frame = lf.collect()
    for options in [{}, *FOLDS]:
        reads: list[int | None] = []
        pool.encode(counted(frame, reads), **ENCODED[family], **options).collect(engine=engine)
        assert reads.count(None) == 1
    keys = frame.select("year", "g", part=pl.col("g") % 5)
    for verb, option in ((pool.encode, "rows"), (pool.shrink, "groups")):
        reads, of_others = [], []
        others = {option: counted(keys, of_others)}
        verb(counted(frame, reads), **ENCODED[family], over="year", **others).collect(engine=engine)
        assert reads.count(None) == 1
        assert of_others == [None]


def after(query: pl.LazyFrame, lookup: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """Typical steps after a verb."""
    return {
        "filter": query.filter(pl.col("g") == 1),
        "filter by result": query.filter(pl.col("estimate") > 14),
        "select": query.select("g", "estimate"),
        "key only": query.select("g"),
        "head": query.sort("g").head(3),
        "sort": query.sort("estimate"),
        "top_k": query.top_k(5, by="estimate"),
        "join": query.join(lookup, on="g"),
        "aggregate": query.select(pl.col("estimate").mean(), pl.len()),
        "with_columns": query.with_columns(rank=pl.col("estimate").rank()),
    }


LOOKUP = pl.LazyFrame({"g": [1, 2, 3], "name": ["one", "two", "three"]})


@pytest.mark.parametrize("step", after(LOOKUP.with_columns(estimate=1.0), LOOKUP))
@pytest.mark.parametrize("tau2", ["reml", "dl", 2.0])
def test_a_step_after_the_verb_changes_nothing(lf, step, tau2):
    """No predicate, projection or slice is pushed below the estimates, and none needs another scan."""
    query = pool.shrink(lf, "y", "g", tau2=tau2)
    assert_one_scan(after(query, LOOKUP)[step])
    complete = query.sort("g").collect()
    got = after(query, LOOKUP)[step].collect()
    want = after(complete.lazy(), LOOKUP)[step].collect()
    assert_frame_equal(got, want, check_row_order=step in ("head", "sort", "aggregate"), rel_tol=1e-11)


@pytest.mark.parametrize("tau2", ["reml", "dl"])
def test_a_filter_on_a_model_or_a_key_reads_all_rows_it_needs(lf, tau2):
    """A filter on `over` may reach the scan, a filter on `by` must not: estimates depend on all groups of a model."""
    query = pool.shrink(lf, "y", "g", over="year", tau2=tau2)
    complete = query.collect()
    for predicate in (pl.col("g") == 1, pl.col("year") == 2021, (pl.col("g") < 9) & (pl.col("year") > 2020)):
        got = query.filter(predicate).sort("year", "g").collect()
        assert_frame_equal(got, complete.filter(predicate).sort("year", "g"), rel_tol=1e-11)


def test_a_filter_on_a_level_reads_all_rows_it_needs(lf):
    """An outer node is a key of `by`, too: the estimates of its inner nodes depend on all others."""
    for options in ({}, {"at": "part"}, {"over": "year"}):
        query = pool.shrink(lf, "y", **NESTED, **options)
        keys = [x for x in ("year", "part", "g") if x in query.collect_schema()]
        complete = query.sort(keys).collect()
        for predicate in (pl.col("part") == 1, pl.col("estimate") > 14, pl.col(keys[-1]) < 3):
            got = query.filter(predicate).sort(keys).collect()
            assert_frame_equal(got, complete.filter(predicate), rel_tol=1e-11)
        assert_frame_equal(query.sort(keys).head(3).collect(), complete.head(3), rel_tol=1e-11)
        assert_frame_equal(query.select(keys).sort(keys).collect(), complete.select(keys))
    levels = pool.components(lf, "y", **NESTED, over="year")
    complete = levels.sort("year", "depth").collect()
    for predicate in (pl.col("level") == "g", pl.col("year") == 2021):
        got = levels.filter(predicate).sort("year", "depth").collect()
        assert_frame_equal(got, complete.filter(predicate), rel_tol=1e-11)


@pytest.mark.parametrize("tau2", ["reml", "dl"])
def test_a_filter_after_encode_changes_no_estimate(lf, tau2):
    query = pool.encode(lf, "y", "g", tau2=tau2)
    complete = query.collect()
    for predicate in (pl.col("g") == 1, pl.col("y") > 20, pl.col("year") == 2021):
        got = query.filter(predicate).collect()
        assert_frame_equal(got, complete.filter(predicate), check_row_order=False, rel_tol=1e-11)
    assert_frame_equal(query.head(10).collect(), complete.head(10), rel_tol=1e-11)


def test_a_filter_after_components_changes_no_model(lf):
    query = pool.components(lf, "y", "g", over="year")
    complete = query.collect()
    assert_frame_equal(
        query.filter(pl.col("year") == 2021).collect(), complete.filter(pl.col("year") == 2021), rel_tol=1e-11
    )
    assert_frame_equal(query.filter(pl.col("tau2") > 1e6).collect(), complete.filter(pl.col("tau2") > 1e6))


def test_a_slice_of_components_changes_no_model(lf):
    """One model of three is selected; it must be fitted to all of its groups."""
    query = pool.components(lf, "y", "g", over="year")
    complete = {row[0]: row for row in query.collect().iter_rows()}
    for part in (query.head(1), query.slice(1, 1), query.tail(1), query.limit(2), query.top_k(1, by="mu")):
        for row in part.collect().iter_rows():
            assert_near(row, complete[row[0]], 1e-11)


def test_a_step_after_moments_changes_no_moment(lf):
    query = pool.moments(lf, "y", "g")
    complete = query.sort("g").collect()
    for predicate in (pl.col("g") == 1, pl.col("n") > 98, pl.col("mean") > 20, pl.col("var") > 12):
        got = query.filter(predicate).sort("g").collect()
        assert_frame_equal(got, complete.filter(predicate), rel_tol=1e-11)
    for name in complete.columns:
        assert_frame_equal(query.sort("g").select(name).collect(), complete.select(name), rel_tol=1e-11)
    for part in (query.head(2), query.tail(2), query.slice(3, 1)):
        result = part.sort("g").collect()
        assert_frame_equal(result, complete.filter(pl.col("g").is_in(result["g"].implode())), rel_tol=1e-11)


def test_a_filter_before_the_verb_reaches_the_scan(lf):
    """Steps before the verb are optimised as usual: hive partitions are pruned, columns projected."""
    text = pool.shrink(lf.filter(pl.col("year") == 2021), "y", "g").explain()
    assert "year=2021" in text
    assert "year=2020" not in text
    # g and y of the five columns, and at most the year, which Polars takes from the folder
    assert re.search(r"PROJECT [23]/5 COLUMNS", text), text


# ---- one Python function, above a small table ---------------------------------------------------------------


GROUPS = 200_000
WAYS = {
    "pooled": {},
    "separate": {"sigma2": "separate"},
    "weights": {"weights": "w"},
    "known sigma2, weights": {"sigma2": 2.0, "weights": "w"},
    "se": {"se": "se"},
    "se, known tau2 and mu": {"se": "se", "tau2": 1.0, "mu": 0.0},
}


def python_functions(query: pl.LazyFrame) -> int:
    """The functions in Python of the optimised plan, of tables and of columns."""
    return len(re.findall("python", query.explain(), re.IGNORECASE))


def test_python_functions_are_detected(lf):
    assert python_functions(lf) == 0
    assert python_functions(lf.map_batches(lambda table: table)) == 1
    assert python_functions(lf.select(pl.col("y").map_batches(lambda y: y, return_dtype=pl.Float64))) == 1


@pytest.mark.parametrize("over", [None, "year"])
@pytest.mark.parametrize("way", WAYS)
def test_one_python_function_in_a_plan(lf, way, over):
    for verb in (pool.shrink, pool.components):
        query = verb(lf, "y", "g", over=over, **WAYS[way])
        assert python_functions(query) == 1
        assert_one_scan(query)


@pytest.mark.parametrize("over", [None, "year"])
@pytest.mark.parametrize("way", [{}, {"weights": "w"}, {"se": "se"}, {"tau2": [1.0, 2.0], "at": "part"}], ids=str)
def test_one_python_function_in_a_plan_of_nested_levels(lf, way, over):
    """All levels use one fit, whatever their number."""
    of_models = {name: x for name, x in way.items() if name != "at"}
    for query in (
        pool.shrink(lf, "y", **NESTED, over=over, **way),
        pool.components(lf, "y", **NESTED, over=over, **of_models),
    ):
        assert python_functions(query) == 1
        assert_one_scan(query)


@pytest.fixture(scope="module")
def many():
    """Rows of 200,000 groups of two or three, whose means all have variances of their own, in one model or in two."""
    i = pl.int_range(GROUPS * 5 // 2)
    frame = pl.select(g=i % GROUPS, part=i % 2, y=(i.cast(pl.Float64) ** 1.7).sin())
    return frame.with_columns(w=1 + (pl.col("g") % 99_991) / 5000, se=1 + pl.int_range(pl.len()) / pl.len())


@pytest.mark.parametrize("over", [None, "part"])
@pytest.mark.parametrize("way", WAYS)
def test_the_python_function_takes_a_small_table(many, way, over, monkeypatch):
    """With one variance within, one row for each size of groups; else bins, and the groups of small bins."""
    heights, function = [], components.of_classes

    def watched(table, **options):
        heights.append(table.height)
        return function(table, **options)

    monkeypatch.setattr(components, "of_classes", watched)
    models = 1 if over is None else 2
    result = pool.shrink(many.lazy(), "y", "g", over=over, **WAYS[way]).collect()
    assert result.height == GROUPS
    assert result["v"].n_unique() >= (2 if way == "pooled" else GROUPS / 3)
    [height] = heights
    assert height == 2 * models if way == "pooled" else height <= 1000 * models


# ---- both relations from one scan --------------------------------------------------------------------------


def test_estimates_and_components_from_one_scan(lf):
    """`collect_all` shares the table of moments: the plan that Polars shows has one scan."""
    moments = pool.moments(lf, "y", "g")
    shrunk = pool.shrink(moments, "mean", "g", n="n", var="var")
    model = pool.components(moments, "mean", "g", n="n", var="var")
    text = pl.explain_all([shrunk, model])
    full = [
        part
        for part in text.split("Parquet SCAN")[1:]
        if not re.search(r"SLICE: Positive \{ offset: 0, len: \d+ \}", part.split("ESTIMATED ROWS")[0])
    ]
    assert len(full) == 1, text
    groups, models = pl.collect_all([shrunk, model])
    assert_frame_equal(groups.sort("g"), pool.shrink(lf, "y", "g").sort("g").collect(), rel_tol=1e-11)
    assert_frame_equal(models, pool.components(lf, "y", "g").collect(), rel_tol=1e-11)


def test_sinks_of_both_relations(lf, tmp_path):
    shrunk, model = pool.shrink(lf, "y", "g"), pool.components(lf, "y", "g")
    sinks = [
        query.sink_parquet(tmp_path / name, lazy=True)
        for query, name in ((shrunk, "groups.parquet"), (model, "model.parquet"))
    ]
    pl.collect_all(sinks)
    groups = pl.read_parquet(tmp_path / "groups.parquet").sort("g")
    assert_frame_equal(groups, shrunk.sort("g").collect(), rel_tol=1e-11)
    assert_near(pl.read_parquet(tmp_path / "model.parquet")["tau2"], model.collect()["tau2"], 1e-11)


@pytest.mark.parametrize("verb", [pool.shrink, pool.components, pool.moments, pool.encode])
@pytest.mark.parametrize("options", [{}, {"weights": "w"}], ids=str)
def test_sinks_write_the_rows_of_collect(lf, tmp_path, verb, options):
    """The sink writes the same rows without a DataFrame in memory."""
    lf.head(130).sink_parquet(tmp_path / "rows.parquet")  # at least two rows per group
    query = verb(pl.scan_parquet(tmp_path / "rows.parquet"), "y", "g", **options)
    want = query.collect()
    keys = [] if verb in (pool.components, pool.encode) else ["g"]
    for engine in ("streaming", "in-memory"):
        query.sink_parquet(tmp_path / "result.parquet", engine=engine)
        got = pl.read_parquet(tmp_path / "result.parquet")
        assert got.height == want.height
        if keys:
            got, want = got.sort(keys), want.sort(keys)
        assert_frame_equal(got, want, rel_tol=1e-11)


# ---- nothing is collected while building -------------------------------------------------------------------


@pytest.fixture
def no_collect(monkeypatch):
    """Every way to run a query raises."""

    def refuse(*_, **__):
        raise AssertionError("a frame verb ran a query while it was being built")

    for name in ("collect", "collect_async", "collect_batches", "sink_parquet", "sink_csv", "sink_ipc", "sink_batches"):
        if hasattr(pl.LazyFrame, name):
            monkeypatch.setattr(pl.LazyFrame, name, refuse)
    monkeypatch.setattr(pl, "collect_all", refuse)
    return monkeypatch


def test_building_collects_nothing(lf, no_collect):
    built = queries(lf)
    built["published"] = pool.shrink(lf, "y", "g", se="se")
    built["namespace"] = lf.pool.shrink("y", "g")
    built["expression column"] = lf.with_columns(pl.col("y").pool.shrink(by="g"))
    no_collect.undo()
    for name, query in built.items():
        assert isinstance(query, pl.LazyFrame), name
        assert query.collect().height > 0, name


def test_a_broken_source_raises_only_when_the_query_runs():
    """The verb itself reads nothing: it accepts a source that raises when it is read."""

    def broken(frame):
        raise RuntimeError("read")

    schema = {"g": pl.Int64, "y": pl.Float64}
    lf = pl.LazyFrame(schema=schema).map_batches(broken, schema=schema)
    query = pool.shrink(lf, "y", "g")
    with pytest.raises((RuntimeError, pl.exceptions.ComputeError), match="read"):
        query.collect()


@pytest.mark.parametrize("name", ["shrink reml", "over", "encode", "components reml"])
def test_running_reads_the_warehouse_in_one_query(built, name, monkeypatch):
    """No function inside the plan starts its own query on the warehouse."""
    collect = pl.LazyFrame.collect
    scans = []

    def watched(self, *args, **options):
        scans.append("Parquet SCAN" in self.explain())
        return collect(self, *args, **options)

    monkeypatch.setattr(pl.LazyFrame, "collect", watched)
    built[name].collect()
    assert sum(scans) == 1


def test_the_result_is_lazy_or_not_as_the_input(lf):
    for verb in (pool.shrink, pool.components, pool.encode, pool.moments):
        assert isinstance(verb(lf, "y", "g"), pl.LazyFrame)
        assert isinstance(verb(lf.head(100).collect(), "y", "g"), pl.DataFrame)
    moments = pool.moments(lf, "y", "g")
    assert isinstance(pool.merge(moments, "g"), pl.LazyFrame)
    assert isinstance(pool.merge(moments.collect(), "g"), pl.DataFrame)
