"""Sessions of a real Spark; the tests in this folder have the mark `spark`."""

import pytest
import sparks


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
