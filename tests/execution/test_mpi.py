"""Units run on the ranks of an MPI program: faults of ranks, and of how it was started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from carrying import MPIEXEC, SUPPORT, carry_out, events_of, mpi, mpi_environment, write_jobs

from microsim.errors import InputError
from microsim.execution.attempts import Deaths, deaths_of
from microsim.execution.jobs import Job
from microsim.execution.mpi import check_size


class Case:
    """Folders of a job, and the files it leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.tries, self.events = folder, folder / "tries", folder / "events"
        self.tries.mkdir()
        self.job_file, self.heard_file = folder / "job.json", folder / "heard.jsonl"

    def job(self, special: dict | None = None, n: int = 6, **more) -> Job:
        special = special or {}
        setup = {"folder": str(self.tries), "events": str(self.events), **more}
        return Job("jobs:scripted", setup, [{"unit": k, **special.get(k, {})} for k in range(n)])

    def heard(self, kind: str) -> list:
        lines = self.heard_file.read_text().splitlines() if self.heard_file.exists() else []
        return [content for one, content in map(json.loads, lines) if one == kind]


@pytest.fixture
def case(tmp_path) -> Case:
    return Case(tmp_path)


def test_several_jobs_in_one_program__run_one_after_the_other(case):
    first, second = case.job(n=3), Job("jobs:square", {}, [{"unit": 9, "x": 5}])
    write_jobs(case.job_file, first, second)
    ended = mpi(case.job_file, case.heard_file)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [receipt["square"] for receipt in case.heard("done")][-1] == 25
    assert sorted(receipt["unit"] for receipt in case.heard("done")) == [0, 1, 2, 9]


@pytest.mark.parametrize("launched", [True, False])
def test_one_rank__does_the_work_itself(case, launched):
    write_jobs(case.job_file, case.job())
    if launched:
        ended = mpi(case.job_file, case.heard_file, ranks=1)
    else:
        script = [str(SUPPORT / "listening.py"), str(case.job_file), str(case.heard_file)]
        ended = subprocess.run(
            [sys.executable, "-m", "mpi4py", *script], env=mpi_environment(),
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len({receipt["pid"] for receipt in case.heard("done")}) == 1
    assert len(case.heard("done")) == 6


@contextlib.contextmanager
def running(case: Case) -> Iterator[subprocess.Popen]:
    """Start a job on three ranks; it is ended with the block."""
    script = str(SUPPORT / "listening.py")
    program = [sys.executable, "-m", "mpi4py", script, str(case.job_file), str(case.heard_file)]
    with subprocess.Popen(
        [MPIEXEC, "-n", "3", *program], env=mpi_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def wait_until_done(case: Case, n: int) -> None:
    until = time.monotonic() + 20
    while len(case.heard("done")) < n:
        assert time.monotonic() < until
        time.sleep(0.02)


def workers_of(case: Case) -> set[int]:
    return {event["pid"] for event in events_of(case.events) if event["event"] == "start"}


def test_a_rank_that_is_killed__ends_the_job_and_the_next_run_does_the_rest(case):
    write_jobs(case.job_file, case.job(seconds=0.5))
    with running(case) as process:
        wait_until_done(case, 2)
        os.kill(min(workers_of(case)), signal.SIGKILL)
        struck = time.monotonic()
        assert process.wait(timeout=20) != 0
        assert time.monotonic() - struck < 10
    done = {receipt["unit"] for receipt in case.heard("done")}
    assert 2 <= len(done) < 6
    assert deaths_of(case.events)
    assert deaths_of(case.events).keys() & done == set()
    left = [unit for unit in case.job().units if unit["unit"] not in done]
    write_jobs(case.job_file, Job("jobs:scripted", case.job().setup, left))
    assert mpi(case.job_file, case.heard_file).returncode == 0
    assert sorted(receipt["unit"] for receipt in case.heard("done")) == list(range(6))


def test_a_unit_that_kills_its_rank__is_blamed_alone_after_runs_again(case):
    heard = carry_out(
        "mpi", case.job({1: {"do": "kill", "seconds": 0.2}}, seconds=0.1), case.folder
    )
    (failure,) = heard.failures
    assert failure.unit["unit"] == 1
    assert heard.numbers == [0, 2, 3, 4, 5]
    assert deaths_of(case.events)[1] == Deaths(beside=1, alone=3)


def test_a_coordinator_that_is_killed__ends_the_job(case):
    write_jobs(case.job_file, case.job({0: {"seconds": 60.0}}))
    with running(case) as process:
        wait_until_done(case, 5)
        (coordinator,) = set(children(process.pid)) - workers_of(case)
        os.kill(coordinator, signal.SIGKILL)
        assert process.wait(timeout=20) != 0


def children(pid: int) -> list[int]:
    """Return the Python programs below a process."""
    below = []
    for path in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        name = Path(f"/proc/{path}/comm").read_text()
        below += [int(path)] if name.startswith("python") else children(int(path))
    return below


def test_the_exit_code_of_the_coordinator__is_that_of_the_program(case):
    write_jobs(case.job_file, Job("jobs:refusing", {}, [{"unit": k} for k in range(6)]))
    assert mpi(case.job_file, case.heard_file).returncode == 2
    write_jobs(case.job_file, case.job(), stop_after=2)
    assert mpi(case.job_file, case.heard_file).returncode == 75
    assert [name for name, _ in case.heard("error")] == ["InputError", "StoppedError"]


def test_an_mpi_that_does_not_know_its_launcher__is_refused(case):
    """Each of the four would think that it is alone, and do all the work."""
    write_jobs(case.job_file, case.job())
    ended = subprocess.run(
        [sys.executable, "-m", "mpi4py", str(SUPPORT / "listening.py"), str(case.job_file), "x"],
        env=mpi_environment(SLURM_NTASKS="4"), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ended.returncode != 0
    assert "found a communicator of 1; expected 4 ranks (SLURM_NTASKS)" in ended.stderr
    assert list(case.tries.iterdir()) == []


@pytest.mark.parametrize(
    "environment",
    [
        {"SLURM_NTASKS": "4"},
        {"OMPI_COMM_WORLD_SIZE": "4"},
        {"PMI_SIZE": "4", "SLURM_NTASKS": "1"},
    ],
)
def test_check_size__refuses_another_size(environment):
    with pytest.raises(InputError, match=r"found a communicator of 1; expected 4 ranks .*srun"):
        check_size(1, environment)


@pytest.mark.parametrize(
    "environment",
    [{}, {"SLURM_NTASKS": "1"}, {"SLURM_NTASKS": ""}, {"PMI_SIZE": "1", "SLURM_NTASKS": "4"}],
)
def test_check_size__takes_what_fits_the_nearest_launcher(environment):
    check_size(1, environment)
