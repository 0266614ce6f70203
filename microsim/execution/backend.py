"""Runs a job on a backend, and tells when each unit is done."""

from __future__ import annotations

from collections.abc import Callable

from microsim.errors import FaultList
from microsim.execution.jobs import Job, Payload, worker_of
from microsim.execution.processes import run_processes

BACKENDS = ("serial", "processes")


def check_backend(backend: str, workers: int) -> None:
    """Refuse an unknown backend or number of workers, before any work is done.

    Raises
    ------
    InputError
        Unknown backend, or a number of workers below 1.
    """
    faults = FaultList()
    if backend not in BACKENDS:
        faults.add("--backend", "unknown backend", backend, " or ".join(BACKENDS))
    if workers < 1:
        faults.add("--workers", "too few workers", workers, "1 or more")
    faults.raise_if_any()


def run_job(job: Job, backend: str, workers: int, on_done: Callable[[Payload], None]) -> None:
    """Run all units on a backend; `on_done` gets each receipt, in the order of completion.

    Raises
    ------
    InputError
        Unknown backend, or a number of workers below 1.
    """
    check_backend(backend, workers)
    if backend == "serial":
        worker = worker_of(job.start, job.setup)
        for unit in job.units:
            on_done(worker(unit))
    else:
        run_processes(job, workers, on_done)
