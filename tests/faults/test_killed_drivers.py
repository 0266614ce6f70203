"""SIGKILL of the program that coordinates a run: what is done stays, any backend goes on."""

from __future__ import annotations

import os
import signal

import pytest
from striking import (
    BACKENDS,
    assert_kept,
    ranks,
    shards,
    status,
    wait_for_shards,
    workers,
)

# Each goes on elsewhere, and all of them somewhere else.
THEN = {"serial": "processes", "processes": "mpi", "dask": "serial", "mpi": "dask"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_killed_driver__leaves_no_orphans_and_another_backend_goes_on(
    commands, asked, long_answer, tmp_path, backend
):
    run = tmp_path / "run"
    process = commands.start(*asked, *BACKENDS[backend])
    wait_for_shards(run, 3, process)
    os.kill(driver_of(commands, process, run, backend), signal.SIGKILL)
    commands.assert_no_orphans(process)
    assert commands.wait(process).code != 0
    before = shards(run)
    found = status(run)
    assert 3 <= found["done"] == len(before) < found["units"] == 41
    assert found["failed"] == 0
    assert not (run / "results.h5").exists()
    again = commands.run("resume", run, *BACKENDS[THEN[backend]])
    assert again.digest == long_answer.digest
    assert f"{len(before)} of 41 shards are done already" in again.err
    assert_kept(run, before)
    assert status(run)["complete"]
    assert not list(run.glob("failed/*"))


def driver_of(commands, process, run, backend) -> int:
    """Return the process that coordinates; under mpiexec it is the rank that serves no units."""
    if backend != "mpi":
        return process.pid
    (rank_0,) = set(ranks(commands.group(process))) - set(workers(run))
    return rank_0


def test_a_driver_killed_again_and_again__ends_with_the_same_answer(
    commands, asked, long_answer, tmp_path
):
    """Four times in one run; no unit that was in hand is given up for it."""
    run, before = tmp_path / "run", {}
    for count in (1, 8, 16, 30):
        process = commands.start(*asked, *BACKENDS["serial"])
        wait_for_shards(run, count, process)
        process.kill()
        process.wait(10)
        if before:
            assert_kept(run, before)
        before = shards(run)
        assert count <= len(before) < 41
    assert commands.run(*asked, *BACKENDS["serial"]).digest == long_answer.digest
    assert_kept(run, before)
    assert not list(run.glob("failed/*"))
