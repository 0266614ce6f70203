"""Runs a job on any backend for tests that must hold on all of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from listening import Collected

from microsim import errors
from microsim.execution.attempts import deaths_of
from microsim.execution.backend import run_job
from microsim.execution.jobs import Job, Payload
from microsim.execution.listener import Failure
from microsim.execution.place import Place

SUPPORT = Path(__file__).parent
MPIEXEC = Path(sys.executable).with_name("mpiexec")
MOST_RUNS = 9


def carry_out(backend: str, job: Job, folder: Path, stop_after: int = 10**9) -> Collected:
    """Run a job with two workers, and return what was heard; an error of the run is in `error`."""
    if backend == "mpi":
        return _by_mpi(job, folder, stop_after)
    heard = Collected(stop_after)
    try:
        run_job(job, Place(backend=backend, workers=2), heard)
    except errors.MicrosimError as error:
        heard.error = error
    return heard


def mpi(job_file: Path, heard_file: Path, ranks: int = 3, **environment: str) -> Any:
    """Run a job file under mpiexec; return the finished process."""
    return subprocess.run(
        [MPIEXEC, "-n", str(ranks), *_program(job_file, heard_file)],
        capture_output=True, text=True, timeout=60, env=mpi_environment(**environment),
    )  # fmt: skip


def _program(job_file: Path, heard_file: Path) -> list[str]:
    script = str(SUPPORT / "listening.py")
    return [sys.executable, "-m", "mpi4py", script, str(job_file), str(heard_file)]


def mpi_environment(**more: str) -> dict[str, str]:
    """Return an environment in which workers find the tests' jobs, and no launcher's variables."""
    usual = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("SLURM_", "PMI", "OMPI_"))
    }  # fmt: skip
    return {**usual, "PYTHONPATH": str(SUPPORT), **more}


def write_jobs(path: Path, *jobs: Job, stop_after: int = 10**9) -> Path:
    """Write jobs as `listening.py` reads them."""
    plain = [
        {
            "start": job.start, "setup": job.setup,
            "units": list(job.units), "suspects": list(job.suspects),
        }
        for job in jobs
    ]  # fmt: skip
    path.write_text(json.dumps({"jobs": plain, "stop_after": stop_after}))
    return path


def _by_mpi(job: Job, folder: Path, stop_after: int) -> Collected:
    """Run it again and again, as a user does whose job was ended by a dead rank; what the files
    tell decides what is suspect, and what is given up.
    """
    heard, events = Collected(), Path(job.setup["events"])
    units, suspects = list(job.units), list(job.suspects)
    for run in range(MOST_RUNS):
        record = folder / f"heard-{run}.jsonl"
        again = Job(job.start, job.setup, units, suspects)
        job_file = write_jobs(folder / "job.json", again, stop_after=stop_after)
        ended = mpi(job_file, record)
        if _read(record, heard):
            assert heard.error is not None or ended.returncode == 0, ended.stderr
            return heard
        assert ended.returncode != 0
        units, suspects = _left(job, heard, events)
    raise AssertionError(f"not finished after {MOST_RUNS} runs")


def _read(record: Path, heard: Collected) -> bool:
    """Take what a run wrote; tell whether it came to an end."""
    for line in record.read_text().splitlines() if record.exists() else []:
        kind, content = json.loads(line)
        if kind == "done":
            heard.receipts.append(content)
        elif kind == "failed":
            heard.failures.append(Failure(**content))
        elif kind == "error":
            name, text = content
            heard.error = getattr(errors, name)(text)
            return True
        else:
            return True
    return False


def _left(job: Job, heard: Collected, events: Path) -> tuple[list[Payload], list[Payload]]:
    settled = {*heard.numbers, *(failure.unit["unit"] for failure in heard.failures)}
    deaths = deaths_of(events)
    fresh, suspects = [], []
    for unit in (*job.units, *job.suspects):
        number = unit["unit"]
        if number in settled:
            continue
        if number in deaths and deaths[number].alone >= 3:
            one = deaths[number]
            heard.failures.append(Failure(unit, "died", "", one.alone + one.beside, ""))
        else:
            (suspects if number in deaths else fresh).append(unit)
    return fresh, suspects


def events_of(folder: Path) -> list[Payload]:
    """Return the events of all workers in the order of their time."""
    lines = [line for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return sorted((json.loads(line) for line in lines), key=lambda event: event["time"])


def assert_ended(pids: set[int]) -> None:
    """Check that processes are gone, or go within a few seconds."""
    until = time.monotonic() + 5
    while alive := [pid for pid in pids - {os.getpid()} if _lives(pid)]:
        assert time.monotonic() < until, f"still there: {alive}"
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
