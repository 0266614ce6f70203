"""SIGTERM and SIGUSR1, with which schedulers say that time is up: exit 75, and on it goes later."""

from __future__ import annotations

import os
import signal
import time

import pytest
from striking import BACKENDS, assert_kept, ranks, shards, status, wait_for_shards, workers

SIGNALS = {
    "serial": signal.SIGTERM,
    "processes": signal.SIGUSR1,
    "dask": signal.SIGTERM,
    "mpi": signal.SIGUSR1,
}


@pytest.mark.parametrize("backend", SIGNALS)
def test_a_signal__ends_a_run_with_75_and_the_same_command_goes_on(
    commands, asked, long_answer, tmp_path, backend
):
    run = tmp_path / "run"
    process = commands.start(*asked, *BACKENDS[backend])
    wait_for_shards(run, 3, process)
    struck = process.pid
    if backend == "mpi":
        (struck,) = set(ranks(commands.group(process))) - set(workers(run))
    os.kill(struck, SIGNALS[backend])
    ended = commands.wait(process, 30)
    assert ended.code == 75, ended
    assert "stopped as asked" in ended.err
    assert "Finished units are kept: run the same command again to go on." in ended.err
    assert "Traceback" not in ended.err
    commands.assert_no_orphans(process)
    before, found = shards(run), status(run)
    assert 3 <= found["done"] == len(before) < 41
    assert found["failed"] == 0
    # whatever was begun was finished: nothing is suspect
    assert set(workers(run).values()) == {"end"}
    assert commands.run(*asked, *BACKENDS[backend]).digest == long_answer.digest
    assert_kept(run, before)


def test_a_signal_to_every_process__ends_a_run_on_processes_too(
    commands, asked, long_answer, tmp_path
):
    """As a scheduler does it: the whole step is told at once."""
    run = tmp_path / "run"
    process = commands.start(*asked, *BACKENDS["processes"])
    wait_for_shards(run, 3, process)
    os.killpg(process.pid, signal.SIGTERM)
    assert commands.wait(process, 30).code == 75
    commands.assert_no_orphans(process)
    assert status(run)["failed"] == 0
    assert set(workers(run).values()) == {"end"}


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGUSR1], ids=["TERM", "USR1"])
def test_a_signal_to_a_share__ends_it_with_75(commands, asked, long_answer, tmp_path, sent):
    run = tmp_path / "run"
    assert commands.run("prepare", *asked[1:]).code == 0
    process = commands.start("work", run, "--element", 1, "--of", 2)
    wait_for_shards(run, 2, process)
    process.send_signal(sent)
    ended = commands.wait(process, 30)
    assert ended.code == 75
    assert "stopped as asked" in ended.err
    before = shards(run)
    assert 2 <= len(before) < 20
    assert all(int(name[:7]) % 2 == 1 for name in before)
    assert commands.run("work", run, "--element", 1, "--of", 2).code == 0
    assert_kept(run, before)
    left = commands.run("resume", run, "--merge-only")
    assert left.code == 1
    assert "21 of 41 units are missing; all others are done and stay" in left.err
    assert commands.run("resume", run).digest == long_answer.digest
    assert_kept(run, before)


def test_a_second_signal__ends_at_once(commands, asked, long_answer, tmp_path):
    run = tmp_path / "run"
    process = commands.start(*asked, *BACKENDS["processes"])
    wait_for_shards(run, 3, process)
    worker = next(iter(workers(run)))
    os.kill(worker, signal.SIGSTOP)  # a unit that takes for ever
    process.send_signal(signal.SIGTERM)
    time.sleep(1.0)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert commands.wait(process, 5).code == 75
    os.kill(worker, signal.SIGCONT)
    commands.assert_no_orphans(process)
