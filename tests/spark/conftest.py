"""Sessions of a real Spark; the tests in this folder have the mark `spark`."""

import pytest
import sparks
from pyspark.sql.classic.dataframe import DataFrame as ClassicFrame
from pyspark.sql.connect.dataframe import DataFrame as ConnectFrame


def pytest_itemcollected(item):
    item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def sessions(tmp_path_factory):
    """The sessions by name, of one Java process."""
    with sparks.serving(tmp_path_factory.mktemp("spark")) as sessions:
        yield sessions


@pytest.fixture(autouse=True)
def empty_cache(sessions):
    """Remove the groups that `shrink` keeps in the cache: Spark compares every later query with all of them."""
    yield
    sessions["classic"].catalog.clearCache()


@pytest.fixture(params=sparks.SESSIONS)
def spark(request, sessions):
    """A session of Spark, classic or Connect."""
    with sparks.columns_of(sessions[request.param]):
        yield sessions[request.param]


@pytest.fixture
def as_deployed(sessions):
    """The settings of clusters, which the others leave out for speed."""
    with sparks.as_deployed(sessions["classic"]), sparks.as_deployed(sessions["connect"]):
        yield


@pytest.fixture
def classic(sessions):
    """A classic session, for tests whose code is that of Connect, too."""
    return sessions["classic"]


@pytest.fixture
def file(spark, as_deployed, tmp_path):
    """A file of rows, as a frame."""
    sparks.rows().write_parquet(tmp_path / "rows.parquet")
    return spark.read.parquet(str(tmp_path / "rows.parquet"))


@pytest.fixture
def received(monkeypatch, as_deployed):
    """The numbers of rows of all tables that reach the driver."""
    numbers = []

    def recorder(to_arrow):
        def recorded(self):
            table = to_arrow(self)
            numbers.append(table.num_rows)
            return table

        return recorded

    for frame in (ClassicFrame, ConnectFrame):
        monkeypatch.setattr(frame, "toArrow", recorder(frame.toArrow))
    return numbers


@pytest.fixture
def no_job(sessions):
    """No job runs during the test."""
    before = sparks.jobs(sessions["classic"])
    yield
    assert sparks.jobs(sessions["classic"]) == before
