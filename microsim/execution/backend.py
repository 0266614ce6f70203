"""Runs a job at a place, and tells what becomes of each unit."""

from __future__ import annotations

from microsim.execution.jobs import Job
from microsim.execution.listener import Listener
from microsim.execution.place import BACKENDS, Place, check_place
from microsim.execution.processes import run_processes
from microsim.execution.serial import run_serial

__all__ = ["BACKENDS", "run_job", "serve_if_worker"]


def run_job(job: Job, place: Place, listener: Listener) -> None:
    """Run all units of a job; the listener hears of each, in the order of completion.

    Every unit is tried. One that raises is reported, and the others go on. One that ends its
    worker is tried again, alone, and given up after three deaths.

    Raises
    ------
    InputError
        The place cannot be meant, or a worker found the input at fault when it started.
    RunFailedError
        Workers cannot start, or none came up in time.
    StoppedError
        The listener asked to stop, or the scheduler was lost, and units are left.
    """
    check_place(place)
    if job.size == 0:
        return
    if place.backend == "serial":
        run_serial(job, listener)
    elif place.backend == "processes":
        run_processes(job, place, listener)
    elif place.backend == "dask":
        from microsim.execution.dask_backend import run_dask

        run_dask(job, place, listener)
    else:
        from microsim.execution.mpi import run_mpi

        run_mpi(job, listener)


def serve_if_worker() -> bool:
    """Serve units on every MPI rank but 0; see `microsim.execution.mpi.serve_if_worker`."""
    from microsim.execution import mpi

    return mpi.serve_if_worker()
