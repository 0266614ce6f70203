"""Several programs in one run directory at once: they cannot harm each other."""

from __future__ import annotations

import os
import signal

from striking import BACKENDS, here, shards, status, wait_for_shards


def test_the_same_question_twice__ends_well_twice(commands, asked, long_answer, tmp_path):
    """On different backends, started together."""
    both = [commands.start(*asked, *BACKENDS[backend]) for backend in ("serial", "processes")]
    ended = [commands.wait(process) for process in both]
    assert [one.digest for one in ended] == [long_answer.digest] * 2
    run = tmp_path / "run"
    assert len(shards(run)) == 41
    assert status(run)["complete"]
    assert not list(run.glob("failed/*"))
    assert not list(run.rglob("*.partial"))
    assert here("verify", run).code == 0


def test_the_same_question_cut_otherwise_meanwhile__ends_well_twice(
    commands, asked, long_answer, tmp_path
):
    """A cut made by another program moves no worker of this one, not even one that is replaced."""
    run = tmp_path / "run"
    first = commands.start(*asked, *BACKENDS["processes"])
    wait_for_shards(run, 2, first)
    os.kill(first.pid, signal.SIGSTOP)
    assert here(*asked[:-1], "3000", "--workers", 1).digest == long_answer.digest
    worker = next(int(path.name.split(".")[-2]) for path in run.glob("events/*.jsonl"))
    if worker != os.getpid():
        os.kill(worker, signal.SIGKILL)
    os.kill(first.pid, signal.SIGCONT)
    assert commands.wait(first).digest == long_answer.digest
    assert not list(run.glob("failed/*"))


def test_two_questions_for_one_directory__one_wins_and_the_other_is_told(
    commands, asked, long_answer, tmp_path
):
    asked[-1] = str(10**9)
    both = [commands.start(*asked, "--workers", 1, "--seed", seed) for seed in (1, 2)]
    ended = sorted((commands.wait(process) for process in both), key=lambda one: one.code)
    assert [one.code for one in ended] == [0, 2]
    assert "holds the answer to another question; found a difference in seed" in ended[1].err
    assert len(shards(tmp_path / "run")) == 1
    assert status(tmp_path / "run")["complete"]


def test_expand_during_a_run__loses_nothing(commands, asked, long_coresia, long_answer, tmp_path):
    run = tmp_path / "run"
    first = commands.start(*asked, *BACKENDS["serial"])
    wait_for_shards(run, 2, first)
    second = commands.start("expand", run, "--replicates", 1, *BACKENDS["processes"])
    ended = commands.wait(first)
    grown = commands.wait(second)
    assert grown.code == 0, grown
    # the first either was through before, or says that more is asked for by now
    assert ended.code in (0, 75), ended
    if ended.code == 75:
        assert "the run was expanded while it was computed; what is done stays" in ended.err
    else:
        assert ended.digest == long_answer.digest
    found = status(run)
    assert (found["units"], found["done"], found["complete"]) == (82, 82, True)
    assert not list(run.glob("failed/*"))
    whole = here(*asked, "--workers", 1)
    assert whole.digest == grown.digest


def test_expansions_at_once__are_both_kept(commands, coresia, reference, finished_copy):
    both = [
        commands.start("expand", finished_copy, "--replicates", 1, "--workers", 1) for _ in range(2)
    ]
    codes = sorted(commands.wait(process).code for process in both)
    assert codes in ([0, 0], [0, 75])
    assert here("resume", finished_copy).code == 0
    found = status(finished_copy)
    assert (found["units"], found["complete"]) == (9, True)
