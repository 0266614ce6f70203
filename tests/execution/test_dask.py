"""Units run on Dask workers: on this machine, and on those of a scheduler that runs already."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from carrying import assert_ended
from dask_programs import make_keys, scheduler, workers
from listening import Collected

from microsim.errors import InputError, RunFailedError, StoppedError
from microsim.execution.backend import run_job
from microsim.execution.jobs import Job
from microsim.execution.place import Place


def job_of(folder: Path, n: int = 8, special: dict | None = None, **more) -> Job:
    tries = folder / "tries"
    tries.mkdir(exist_ok=True)
    setup = {"folder": str(tries), "events": str(folder / "events"), **more}
    special = special or {}
    return Job("jobs:scripted", setup, [{"unit": k, **special.get(k, {})} for k in range(n)])


def run(job: Job, heard: Collected | None = None, **place) -> Collected:
    heard = heard or Collected()
    run_job(job, Place(backend="dask", **{"workers": 2, **place}), heard)
    return heard


class Striking(Collected):
    """Sends a signal at the second receipt, to the process that `victim` returns of it."""

    def __init__(self, victim, what: int = signal.SIGKILL) -> None:
        super().__init__()
        self.victim, self.what = victim, what
        self.struck = 0.0

    def done(self, receipt: dict) -> None:
        super().done(receipt)
        if len(self.receipts) == 2:
            self.struck = time.monotonic()
            os.kill(self.victim(receipt), self.what)


def test_a_killed_worker__is_replaced_and_no_unit_lost(tmp_path):
    heard = run(job_of(tmp_path, seconds=0.1), Striking(lambda receipt: receipt["pid"]))
    assert heard.numbers == list(range(8))
    assert heard.failures == []
    assert_ended({receipt["pid"] for receipt in heard.receipts})


@pytest.mark.parametrize("what", [signal.SIGINT, signal.SIGUSR1])
def test_ctrl_c_and_warnings_of_schedulers__are_the_coordinators_matter(tmp_path, what):
    heard = run(job_of(tmp_path, seconds=0.1), Striking(lambda receipt: receipt["pid"], what))
    assert heard.numbers == list(range(8))
    assert len({receipt["pid"] for receipt in heard.receipts}) == 2
    assert len(list((tmp_path / "tries").iterdir())) == 8


def listening(pid: int) -> set[str]:
    """Return the addresses a process listens at, as hexadecimal numbers."""
    links = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed in the meantime
            links.append(str(path.readlink()))
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in links:
                found.add(fields[1].split(":")[0])
    return found


def test_workers_on_this_machine__are_not_reached_from_others(tmp_path):
    found: set[str] = set()

    class Looking(Collected):
        def done(self, receipt: dict) -> None:
            super().done(receipt)
            found.update(listening(os.getpid()), listening(receipt["pid"]))

    run(job_of(tmp_path, 2), Looking())
    assert found == {"0100007F"}  # 127.0.0.1


def test_a_unit_that_takes_too_much_memory__is_blamed_with_the_limit(tmp_path):
    special = {1: {"do": "grow", "mib": 500}}
    heard = run(job_of(tmp_path, 4, special), memory_limit=400 * 2**20)
    (failure,) = heard.failures
    assert (failure.unit["unit"], failure.kind) == (1, "died")
    assert "400 MiB (--memory-limit)" in failure.text
    assert heard.numbers == [0, 2, 3]


def test_workers_that_all_end_at_the_start__fail_the_run_with_their_words(tmp_path):
    units = [{"unit": k} for k in range(8)]
    with pytest.raises(RunFailedError, match=r"(?s)none did any.*I was never born"):
        run(Job("jobs:stillborn", {}, units))


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """Return the place of a scheduler with TLS and two workers."""
    folder = tmp_path_factory.mktemp("running")
    keys = make_keys(folder / "keys")
    with (
        scheduler(folder, "--protocol", "tls", *keys.options) as (_, address),
        workers(folder, address, *keys.options),
    ):
        yield {"address": address, **keys.place}


def test_a_scheduler_with_tls__does_one_job_after_the_other(running, tmp_path):
    assert running["address"].startswith("tls://")
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        heard = run(job_of(folder, seconds=0.05), **running)
        assert heard.numbers == list(range(8))
        assert len({receipt["pid"] for receipt in heard.receipts}) == 2


def test_a_scheduler_with_tls__isolates_a_unit_that_kills(running, tmp_path):
    heard = run(job_of(tmp_path, special={2: {"do": "kill"}}), **running)
    assert heard.numbers == [0, 1, 3, 4, 5, 6, 7]
    assert [failure.unit["unit"] for failure in heard.failures] == [2]


def test_keys_of_somebody_else__are_refused(running, tmp_path):
    others = make_keys(tmp_path / "keys").place
    began = time.monotonic()
    with pytest.raises(RunFailedError, match=r"cannot connect to tls://.*certificate"):
        run(job_of(tmp_path), **{**running, **others})
    assert time.monotonic() - began < 15


def test_files_that_are_no_keys__are_refused(running, tmp_path):
    (tmp_path / "cert.pem").write_text("no certificate")
    with pytest.raises(InputError, match="--tls-cert: the TLS files cannot be used"):
        run(job_of(tmp_path), **{**running, "tls_cert": str(tmp_path / "cert.pem")})


def test_no_scheduler_at_the_address__is_said(tmp_path):
    with pytest.raises(RunFailedError, match=r"cannot connect to tcp://127\.0\.0\.1:9: "):
        run(job_of(tmp_path), address="tcp://127.0.0.1:9", start_timeout=1.0)


def test_a_scheduler_without_workers__fails_the_run_in_time(tmp_path):
    with scheduler(tmp_path) as (_, address):
        began = time.monotonic()
        with pytest.raises(RunFailedError, match=r"no Dask worker for 2 s.*`dask worker`"):
            run(job_of(tmp_path), address=address, start_timeout=2.0)
        assert time.monotonic() - began < 30


def test_a_run_that_is_stopped_while_no_worker_is_there__ends(tmp_path):
    stop = threading.Event()

    class Stopped(Collected):
        def stopping(self) -> bool:
            return stop.is_set()

    with scheduler(tmp_path) as (_, address):
        threading.Timer(1.0, stop.set).start()
        with pytest.raises(StoppedError, match="8 of 8 units are left"):
            run(job_of(tmp_path), Stopped(), address=address)


def test_a_scheduler_that_is_killed__stops_the_run_at_once(tmp_path):
    with scheduler(tmp_path) as (process, address), workers(tmp_path, address):
        heard = Striking(lambda _: process.pid)
        with pytest.raises(
            StoppedError, match=r"scheduler was lost; \d+ of 30 units are left.*same command again"
        ) as caught:
            run(job_of(tmp_path, 30, seconds=0.3), heard, address=address)
        assert caught.value.exit_code == 75
        assert time.monotonic() - heard.struck < 15
        assert 2 <= len(heard.receipts) < 30
