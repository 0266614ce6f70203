"""SIGKILL of a worker in the middle of a unit: the run goes on, or the same command does."""

from __future__ import annotations

import pytest
from striking import BACKENDS, assert_kept, kill_in_unit, shards, status, wait_for_shards


@pytest.mark.parametrize("backend", ["processes", "dask"])
def test_a_killed_worker__is_replaced_and_its_unit_done(
    commands, asked, long_answer, tmp_path, backend
):
    run = tmp_path / "run"
    process = commands.start(*asked, *BACKENDS[backend])
    wait_for_shards(run, 2, process)
    killed = kill_in_unit(run)
    before = shards(run)
    ended = commands.wait(process)
    assert ended.digest == long_answer.digest
    assert_kept(run, before)
    assert not list(run.glob("failed/*"))
    diaries = {int(path.name.split(".")[-2]) for path in run.glob("events/*.jsonl")}
    assert len(diaries) >= 3
    assert killed in diaries
    commands.assert_no_orphans(process)


def test_a_killed_rank__ends_the_job_and_the_same_command_goes_on(
    commands, asked, long_answer, tmp_path
):
    """No MPI goes on without a rank; nothing is lost but what was in hand."""
    run = tmp_path / "run"
    process = commands.start(*asked, *BACKENDS["mpi"])
    wait_for_shards(run, 3, process)
    kill_in_unit(run)
    assert commands.wait(process, 30).code != 0
    commands.assert_no_orphans(process)
    before, found = shards(run), status(run)
    assert 3 <= found["done"] == len(before) < 41
    assert found["failed"] == 0
    ended = commands.run(*asked, *BACKENDS["mpi"])
    assert ended.digest == long_answer.digest
    assert_kept(run, before)
    assert not list(run.glob("failed/*"))
