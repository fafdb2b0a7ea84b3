"""Sessions of a real Spark; the tests in this folder have the mark `spark`."""

import pytest


def pytest_itemcollected(item):
    item.add_marker(pytest.mark.spark)


@pytest.fixture(scope="session")
def sessions(tmp_path_factory):
    """The sessions by name, of one Java process."""
    import sparks

    with sparks.serving(tmp_path_factory.mktemp("spark")) as sessions:
        yield sessions


@pytest.fixture(autouse=True)
def empty_cache(sessions):
    """Remove the groups that `shrink` keeps in the cache: Spark compares every later query with all of them."""
    yield
    sessions["classic"].catalog.clearCache()


@pytest.fixture(params=["classic", "connect"])
def spark(request, sessions, monkeypatch):
    """A session of Spark, classic or Connect."""
    import sparks

    if request.param == "connect":
        monkeypatch.setenv(sparks.REMOTE, "1")
    return sessions[request.param]


@pytest.fixture
def classic(sessions):
    """A classic session, for tests whose code is that of Connect, too."""
    return sessions["classic"]
