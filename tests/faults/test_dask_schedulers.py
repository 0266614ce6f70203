"""SIGKILL of a Dask scheduler: the run ends soon and says so; another scheduler goes on."""

from __future__ import annotations

import time

import dask_programs
from striking import assert_kept, shards, status, wait_for_shards


def test_a_killed_scheduler__ends_the_run_with_75_and_another_goes_on(
    commands, asked, long_answer, tmp_path
):
    run = tmp_path / "run"
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    with dask_programs.scheduler(tmp_path / "first") as (scheduler, address), (
        dask_programs.workers(tmp_path / "first", address)
    ):  # fmt: skip
        process = commands.start(*asked, "--address", address)
        wait_for_shards(run, 3, process)
        scheduler.kill()
        killed = time.monotonic()
        ended = commands.wait(process, 60)
        assert time.monotonic() - killed < 30
    assert ended.code == 75, ended
    assert "the Dask scheduler was lost" in ended.err
    assert "Finished units are kept: run the same command again to go on." in ended.err
    assert "Traceback" not in ended.err
    before, found = shards(run), status(run)
    assert 3 <= found["done"] == len(before) < 41
    assert found["failed"] == 0
    with dask_programs.scheduler(tmp_path / "second") as (_, address), (
        dask_programs.workers(tmp_path / "second", address)
    ):  # fmt: skip
        assert commands.run(*asked, "--address", address).digest == long_answer.digest
    assert_kept(run, before)
    assert not list(run.glob("failed/*"))
