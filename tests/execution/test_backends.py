"""What holds on every backend: each unit once, faults reported, nothing lost, nobody left."""

from __future__ import annotations

import multiprocessing
import os
import socket
from pathlib import Path

import pytest
from carrying import assert_ended, carry_out, events_of

from microsim.errors import InputError, RunFailedError, StoppedError
from microsim.execution.jobs import Job

BACKENDS = ("serial", "processes", "dask", "mpi")
PARALLEL = BACKENDS[1:]
N = 8


class Case:
    """A job of scripted units, its folders, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tries, self.events = folder, folder / "tries", folder / "events"
        self.tries.mkdir()
        self.setup = {"folder": str(self.tries), "events": str(self.events)}

    def job(self, start: str = "scripted", special: dict | None = None, **more) -> Job:
        special = special or {}
        units = [{"unit": k, **special.get(k, {})} for k in range(N)]
        return Job(f"jobs:{start}", {**self.setup, **more}, units)

    def run(self, backend: str, job: Job, stop_after: int = 10**9):
        heard = carry_out(backend, job, self.folder, stop_after)
        assert multiprocessing.active_children() == []
        assert_ended({event["pid"] for event in self.said() if event["event"] == "start"})
        return heard

    def said(self) -> list[dict]:
        return events_of(self.events) if self.events.exists() else []

    def n_tries(self, unit: int) -> int:
        return len(list(self.tries.glob(f"{unit}.*")))


@pytest.fixture
def case(tmp_path) -> Case:
    return Case(tmp_path)


@pytest.mark.parametrize("backend", BACKENDS)
def test_run_job__does_each_unit_once(case, backend):
    heard = case.run(backend, case.job(seconds=0.02))
    assert heard.error is None
    assert heard.failures == []
    assert heard.numbers == list(range(N))
    assert [case.n_tries(k) for k in range(N)] == [1] * N
    for receipt in heard.receipts:
        assert receipt["square"] == receipt["unit"] ** 2
        assert receipt["host"] == socket.gethostname()
        assert (receipt["pid"] == os.getpid()) == (backend == "serial")
        assert 0.02 <= receipt["seconds"] < 5
        assert 0 <= receipt["cpu_seconds"] < receipt["seconds"] + 0.1
        assert 5e6 < receipt["peak_memory"] < 5e9
    n_workers = len({receipt["pid"] for receipt in heard.receipts})
    assert n_workers == (1 if backend == "serial" else 2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_unit_that_raises__is_reported_and_others_go_on(case, backend):
    heard = case.run(
        backend, case.job(special={2: {"do": "raise"}, 5: {"do": "exit"}, 6: {"do": "object"}})
    )
    assert heard.error is None
    assert heard.numbers == [0, 1, 3, 4, 7]
    first, second, third = sorted(heard.failures, key=lambda failure: failure.unit["unit"])
    assert (first.unit["unit"], first.kind, first.attempts) == (2, "raised", 1)
    assert "ZeroDivisionError: an error of the program" in first.text
    assert socket.gethostname() in first.where
    assert (second.unit["unit"], second.kind) == (5, "raised")
    assert (third.unit["unit"], third.kind) == (6, "raised")
    assert "not JSON serializable" in third.text
    assert [case.n_tries(k) for k in range(N)] == [1] * N
    assert sorted(e["unit"] for e in case.said() if e["event"] == "raised") == [2, 5, 6]


@pytest.mark.parametrize("backend", PARALLEL)
def test_a_unit_that_kills_its_worker__is_given_up_and_only_that(case, backend):
    job = case.job(special={2: {"do": "kill", "seconds": 0.1}}, seconds=0.03)
    heard = case.run(backend, job)
    assert heard.error is None
    assert heard.numbers == [k for k in range(N) if k != 2]
    (failure,) = heard.failures
    assert (failure.unit["unit"], failure.kind) == (2, "died")
    assert failure.attempts == case.n_tries(2)
    assert 3 <= failure.attempts <= 4


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_that_is_stopped__finishes_what_is_in_hand(case, backend):
    heard = case.run(backend, case.job(seconds=0.1), stop_after=2)
    assert isinstance(heard.error, StoppedError)
    assert heard.error.exit_code == 75
    assert 2 <= len(heard.numbers) < N
    assert f"{N - len(heard.numbers)} of {N} units are left" in str(heard.error)
    assert "run the same command again" in str(heard.error)
    begun = [event["unit"] for event in case.said() if event["event"] == "begin"]
    assert sorted(begun) == heard.numbers


@pytest.mark.parametrize("backend", BACKENDS)
def test_faults_found_by_a_worker__reach_the_user(case, backend):
    heard = case.run(backend, case.job("refusing"))
    assert isinstance(heard.error, InputError)
    assert heard.error.exit_code == 2
    assert "a.yaml:3: is wrong; found this; expected that.\nb.yaml:4: is wrong too." in str(
        heard.error
    )


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_worker_that_cannot_start__fails_the_run_with_its_words(case, backend):
    heard = case.run(backend, case.job("clumsy"))
    assert isinstance(heard.error, RunFailedError)
    assert "a worker could not start" in str(heard.error)
    assert "ZeroDivisionError: an error at the start" in str(heard.error)


@pytest.mark.parametrize("backend", BACKENDS)
def test_suspects__run_last_and_alone(case, backend):
    usual = case.job(seconds=0.05)
    job = Job(usual.start, usual.setup, usual.units[2:], usual.units[:2])
    heard = case.run(backend, job)
    assert heard.numbers == list(range(N))
    in_hand: set[int] = set()
    for event in case.said():
        if event["event"] == "begin":
            assert event["unit"] > 1 or (not in_hand and event["alone"])
            in_hand.add(event["unit"])
        elif event["event"] == "done":
            in_hand.remove(event["unit"])
    assert {receipt["unit"] for receipt in heard.receipts[-2:]} == {0, 1}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_job_without_units__starts_nothing(case, backend):
    heard = case.run(backend, Job("jobs:stillborn", case.setup, []))
    assert heard.error is None
    assert heard.receipts == []
