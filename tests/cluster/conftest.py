"""One real Slurm for a session of tests, and runs that are sent to it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from private_slurm import PROGRAMS, ClusterRun, PrivateSlurm


@pytest.fixture(scope="session")
def private_slurm() -> Iterator[PrivateSlurm]:
    """Return the private Slurm of this session. In continuous integration it must be there."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name, path=path) is None]
    if missing:
        text = f"{', '.join(missing)} missing: NOTHING WAS TRIED ON A REAL SLURM (slurm-wlm, munge)"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    place = Path(tempfile.mkdtemp(prefix="slurm"))  # short: there are sockets in it
    slurm = PrivateSlurm(place)
    before = os.environ.get("SLURM_CONF")
    slurm.does("start")
    os.environ["SLURM_CONF"] = str(place / "slurm.conf")
    try:
        yield slurm
    finally:
        slurm.does("stop")
        del os.environ["SLURM_CONF"]
        if before is not None:
            os.environ["SLURM_CONF"] = before
        shutil.rmtree(place)


@pytest.fixture
def cluster_run(private_slurm, coresia, tmp_path) -> ClusterRun:
    """Return a run that is not submitted yet."""
    return ClusterRun(tmp_path, coresia.scenario, coresia.population)


@pytest.fixture
def long_run(private_slurm, coresia, tmp_path) -> ClusterRun:
    """Return a run of 12 units: three shards in four replicates."""
    return ClusterRun(tmp_path, coresia.scenario, coresia.population, ("--replicates=4",))


@pytest.fixture(scope="session")
def long_digest(coresia) -> str:
    """Return the digest of the run of 12 units, computed in this process."""
    return coresia.run("four_replicates", replicates=4).digest
