"""Units run in processes: each once, whatever happens to the processes."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from carrying import SUPPORT, assert_ended, events_of
from listening import Collected

from microsim.errors import RunFailedError
from microsim.execution.backend import run_job
from microsim.execution.jobs import Job
from microsim.execution.place import Place


def units(n: int) -> list[dict]:
    return [{"unit": k, "x": k + 1} for k in range(n)]


def run(start: str, setup: dict, todo: list[dict], workers: int = 2, **place) -> Collected:
    heard = Collected()
    job = Job(f"jobs:{start}", setup, todo)
    try:
        run_job(job, Place(backend="processes", workers=workers, **place), heard)
    finally:
        assert multiprocessing.active_children() == []
    return heard


def test_processes__share_the_units():
    heard = run("square", {"seconds": 0.3}, units(6))
    assert sorted(one["square"] for one in heard.receipts) == [1, 4, 9, 16, 25, 36]
    assert len({one["process"] for one in heard.receipts}) == 2


@pytest.mark.parametrize("times", [1, 2])
def test_a_killed_worker__is_replaced_and_its_unit_done(tmp_path, times):
    heard = run("mortal", {"folder": str(tmp_path), "fatal": 2, "times": times}, units(5))
    assert heard.numbers == [0, 1, 2, 3, 4]
    assert heard.failures == []
    assert len(list(tmp_path.iterdir())) == times


@pytest.mark.parametrize("after", [1, 4])
def test_a_worker_killed_while_it_waits__is_replaced_and_nobody_blamed(after):
    class Killer(Collected):
        def done(self, receipt: dict) -> None:
            super().done(receipt)
            if len(self.receipts) == after:
                os.kill(receipt["pid"], signal.SIGKILL)
                time.sleep(0.1)

    heard = Killer()
    run_job(Job("jobs:square", {}, units(4)), Place(backend="processes"), heard)
    assert heard.numbers == [0, 1, 2, 3]
    assert heard.failures == []


def test_a_unit_that_kills_three_workers__is_given_up_with_how_they_ended(tmp_path):
    heard = run("mortal", {"folder": str(tmp_path), "fatal": 2, "times": 9}, units(5))
    (failure,) = heard.failures
    assert (failure.unit["unit"], failure.kind, failure.attempts) == (2, "died", 3)
    assert "ended by SIGKILL" in failure.text
    assert "--shard-persons" in failure.text
    assert heard.numbers == [0, 1, 3, 4]


def test_workers_that_cannot_start__fail_the_run_with_their_last_words():
    with pytest.raises(
        RunFailedError,
        match=r"(?s)3 workers in a row .*ended with exit code 3. It said:\nI was never born",
    ):
        run("stillborn", {}, units(2))


def test_a_worker_that_is_never_ready__fails_the_run_with_its_words():
    with pytest.raises(RunFailedError, match=r"not ready after 4 s.*I am still waking up"):
        run("sleepy", {}, units(2), start_timeout=4.0)


def test_a_worker_above_the_memory_limit__is_ended_and_its_unit_blamed(tmp_path):
    todo = [{"unit": k} for k in range(4)]
    todo[1] |= {"do": "grow", "mib": 400}
    heard = run("scripted", {"folder": str(tmp_path)}, todo, memory_limit=300 * 2**20)
    (failure,) = heard.failures
    assert (failure.unit["unit"], failure.kind, failure.attempts) == (1, "died", 3)
    assert "above the limit of 300 MiB (--memory-limit)" in failure.text
    assert "--shard-persons" in failure.text
    assert heard.numbers == [0, 2, 3]


def test_workers__have_one_thread_and_leave_the_environment_alone():
    before = dict(os.environ)
    heard = run("environment", {}, units(1))
    assert heard.receipts[0]["NUMBA_NUM_THREADS"] == "1"
    assert heard.receipts[0]["OMP_NUM_THREADS"] == "1"
    assert dict(os.environ) == before


COORDINATOR = """
import sys
sys.path.insert(0, {support!r})
from listening import Collected
from microsim.execution.backend import run_job
from microsim.execution.jobs import Job
from microsim.execution.place import Place
if __name__ == "__main__":
    units = [dict(unit=k, seconds=1.0) for k in range(6)]
    setup = dict(folder={folder!r}, events={events!r})
    run_job(Job("jobs:scripted", setup, units), Place(backend="processes", workers=2), Collected())
"""


def started_units(events: Path) -> list[dict]:
    return [one for one in events_of(events) if one["event"] == "begin"] if events.exists() else []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_of_a_lost_coordinator__finish_what_they_have_and_end(tmp_path, how):
    """Ctrl-C reaches the workers too: it is the coordinator's matter."""
    script, events = tmp_path / "coordinator.py", tmp_path / "events"
    folder = tmp_path / "tries"
    folder.mkdir()
    script.write_text(
        COORDINATOR.format(support=str(SUPPORT), folder=str(folder), events=str(events))
    )
    coordinator = subprocess.Popen(
        [sys.executable, str(script)], stderr=subprocess.PIPE, start_new_session=True
    )
    until = time.monotonic() + 20
    while len(started_units(events)) < 2:
        assert time.monotonic() < until
        time.sleep(0.05)
    if how == signal.SIGKILL:
        coordinator.kill()
        coordinator.communicate(timeout=20)
        assert_ended({one["pid"] for one in events_of(events) if one["event"] == "start"})
        done = [one["unit"] for one in events_of(events) if one["event"] == "done"]
        assert sorted(done) == [0, 1]
    else:
        os.killpg(coordinator.pid, signal.SIGINT)
        _, said = coordinator.communicate(timeout=20)
        assert b"KeyboardInterrupt" in said
        assert said.count(b"Traceback") == 1  # the coordinator's
        assert_ended({one["pid"] for one in events_of(events) if one["event"] == "start"})


def test_a_million_units__are_read_by_index_and_not_kept():
    class Lazy:
        def __init__(self) -> None:
            self.asked = 0

        def __len__(self) -> int:
            return 1_000_000

        def __getitem__(self, k: int) -> dict:
            assert k == self.asked
            self.asked += 1
            return {"unit": k, "x": k}

        def __iter__(self):
            raise AssertionError("all units were asked for at once")

    lazy, heard = Lazy(), Collected(stop_after=50)
    with pytest.raises(Exception, match=r"999,9.* of 1,000,000 units are left"):
        run_job(Job("jobs:square", {}, lazy), Place(backend="processes", workers=2), heard)
    assert lazy.asked <= 52


def test_a_receipt__can_go_into_a_file():
    heard = run("square", {}, units(1))
    assert json.loads(json.dumps(heard.receipts)) == heard.receipts
