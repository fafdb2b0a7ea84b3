"""What tests share: the same Hypothesis examples on every run, and a bucket."""

import os

import pytest
import webserver
from hypothesis import HealthCheck, settings

# Tests share the cores already, and dense matrices are small here.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile(
    "stable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=12,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("stable")


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """A bucket on this machine, as the variables tell that Polars reads."""
    told = {"ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "y", "REGION": "us-east-1", "ALLOW_HTTP": "true"}
    with webserver.serving(tmp_path, webserver.Buckets) as address:
        for name, value in {**told, "ENDPOINT_URL": address, "EC2_METADATA_DISABLED": "true"}.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield tmp_path / f"bucket{address.rpartition(':')[2]}"  # Polars remembers where a bucket is
