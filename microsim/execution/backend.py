"""What every backend does: take units of work to where they run, and tell when each is done."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from microsim.errors import InputError

Payload = dict[str, Any]
Worker = Callable[[Payload], Any]


@dataclass(frozen=True)
class Job:
    """Units to run.

    Attributes
    ----------
    start
        `module:function` that takes `setup` and returns the worker: a function from a unit to its
        receipt. A name rather than an object, so that nothing but plain data goes to other
        processes.
    setup
        Plain data (what JSON can hold) from which a worker is made.
    units
        Plain data of each unit.
    """

    start: str
    setup: Payload
    units: Sequence[Payload]


def worker_of(job_start: str, setup: Payload) -> Worker:
    """Return the worker of a job, made in this process."""
    module, _, function = job_start.partition(":")
    made: Worker = getattr(importlib.import_module(module), function)(setup)
    return made


def run_job(job: Job, backend: str, workers: int, on_done: Callable[[Payload], None]) -> None:
    """Run all units on a backend; `on_done` gets each receipt, in the order of completion.

    Raises
    ------
    InputError
        Unknown backend, or a number of workers below 1.
    """
    from microsim.execution.processes import run_processes

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
