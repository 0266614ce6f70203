"""A memory limit below what a worker needs: named in words; above it, the run completes."""

from __future__ import annotations

import pytest
from striking import BACKENDS, shards, status


@pytest.mark.parametrize("backend", ["processes", "dask"])
def test_a_limit_below_what_a_worker_needs__is_named_and_a_larger_one_completes(
    commands, asked_small, reference, tmp_path, backend
):
    ended = commands.run(*asked_small, *BACKENDS[backend], "--memory-limit", "60MiB")
    assert ended.code == 1, ended
    assert "--memory-limit" in ended.err
    assert "memory" in ended.err
    if backend == "processes":  # Dask prints errors of its own
        assert "Traceback" not in ended.err
    assert status(tmp_path / "run")["done"] == len(shards(tmp_path / "run"))
    ended = commands.run(
        *asked_small, *BACKENDS[backend], "--memory-limit", "4GiB", "--retry-failed"
    )
    assert ended.digest == reference.digest


@pytest.mark.parametrize("backend", ["serial", "mpi"])
def test_a_limit_that_nobody_would_watch__is_refused(commands, asked_small, tmp_path, backend):
    ended = commands.run(*asked_small, *BACKENDS[backend], "--memory-limit", "60MiB")
    assert ended.code == 2
    assert "--memory-limit" in ended.err
    assert not (tmp_path / "run").exists()
