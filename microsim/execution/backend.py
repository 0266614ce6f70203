"""Runs a job on a backend, and tells when each unit is done."""

from __future__ import annotations

from collections.abc import Callable

from microsim.errors import InputError
from microsim.execution.jobs import Job, Payload, worker_of
from microsim.execution.processes import run_processes


def run_job(job: Job, backend: str, workers: int, on_done: Callable[[Payload], None]) -> None:
    """Run all units on a backend; `on_done` gets each receipt, in the order of completion.

    Raises
    ------
    InputError
        Unknown backend, or a number of workers below 1.
    """
    if workers < 1:
        raise InputError(f"--workers: found {workers}; expected 1 or more.")
    if backend == "serial":
        worker = worker_of(job.start, job.setup)
        for unit in job.units:
            on_done(worker(unit))
    elif backend == "processes":
        run_processes(job, workers, on_done)
    else:
        raise InputError(f"--backend: found {backend!r}; expected serial or processes.")
