"""Units run in processes: each once, whatever happens to the processes."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time

import pytest

from microsim.errors import InputError, RunFailedError
from microsim.execution.backend import run_job
from microsim.execution.jobs import Job


def units(n: int) -> list[dict]:
    return [{"index": k, "x": k + 1} for k in range(n)]


def results(start: str, setup: dict, n: int, backend: str, workers: int) -> list[dict]:
    receipts: list[dict] = []
    run_job(Job(f"jobs:{start}", setup, units(n)), backend, workers, receipts.append)
    assert multiprocessing.active_children() == []
    return sorted(receipts, key=lambda r: r["index"])


@pytest.mark.parametrize(
    ("backend", "workers"), [("serial", 1), ("processes", 1), ("processes", 3)]
)
def test_run_job__runs_each_unit_once(backend, workers):
    found = results("square", {}, 7, backend, workers)
    assert [one["square"] for one in found] == [1, 4, 9, 16, 25, 36, 49]


def test_processes__share_the_units():
    found = results("square", {"seconds": 0.3}, 6, "processes", 2)
    assert len({one["process"] for one in found}) == 2


def test_run_job__of_no_units_starts_nothing():
    assert results("stillborn", {}, 0, "processes", 3) == []


def test_a_killed_worker__is_replaced_and_its_unit_done(tmp_path):
    setup = {"folder": str(tmp_path), "fatal": 2, "times": 2}
    found = results("mortal", setup, 5, "processes", 2)
    assert [one["square"] for one in found] == [1, 4, 9, 16, 25]
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("after", [1, 4])
def test_a_worker_killed_while_it_waits__is_replaced(after):
    receipts: list[dict] = []

    def kill_who_answered(receipt: dict) -> None:
        receipts.append(receipt)
        if len(receipts) == after:
            os.kill(receipt["process"], signal.SIGKILL)
            time.sleep(0.1)

    run_job(Job("jobs:square", {}, units(4)), "processes", 1, kill_who_answered)
    assert sorted(one["square"] for one in receipts) == [1, 4, 9, 16]
    assert multiprocessing.active_children() == []


def test_a_unit_that_kills_three_workers__fails_the_run_and_is_named(tmp_path):
    setup = {"folder": str(tmp_path), "fatal": 2, "times": 9}
    with pytest.raises(
        RunFailedError, match=r"unit 2 ended its worker 3 times .*finished units are kept"
    ):
        results("mortal", setup, 5, "processes", 2)
    assert multiprocessing.active_children() == []


def test_workers_that_cannot_start__fail_the_run():
    with pytest.raises(RunFailedError, match=r"ended its worker 3 times .*exit code 3"):
        results("stillborn", {}, 2, "processes", 2)
    assert multiprocessing.active_children() == []


def test_an_error_in_a_worker__fails_the_run_with_its_text():
    with pytest.raises(
        RunFailedError, match=r"(?s)a worker failed at unit 0.*an error of the program"
    ):
        results("failing", {}, 3, "processes", 1)
    assert multiprocessing.active_children() == []


def test_faults_found_in_a_worker__reach_the_user():
    with pytest.raises(
        InputError, match=r"a\.yaml:3: is wrong; found this; expected that"
    ) as caught:
        results("refusing", {}, 3, "processes", 2)
    assert len(caught.value.faults) == 2


@pytest.mark.parametrize(
    ("backend", "workers", "message"),
    [
        ("dask", 1, "--backend: unknown backend; found dask; expected serial or processes"),
        ("serial", 0, "--workers: too few workers; found 0"),
    ],
)
def test_unknown_backends_and_numbers__are_refused(backend, workers, message):
    with pytest.raises(InputError, match=re.escape(message)):
        results("square", {}, 1, backend, workers)
