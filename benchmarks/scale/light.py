"""Hands out units that take no time to light workers, and prints what that took, as JSON.

    python light.py processes WORKERS UNITS SECONDS
    mpiexec -n WORKERS+1 python -m mpi4py light.py mpi WORKERS UNITS SECONDS

Workers import nothing heavy, so that many of them fit on one machine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Any, overload

from microsim.execution.backend import run_job, serve_if_worker
from microsim.execution.jobs import Job, Payload, Worker
from microsim.execution.listener import Failure
from microsim.execution.place import Place

START = "light:start"


def start(setup: Payload) -> Worker:
    """Return a worker that only waits."""

    def work(unit: Payload) -> Payload:  # noqa: ARG001
        if setup["seconds"]:
            time.sleep(setup["seconds"])
        return {"persons": 200_000, "bytes": 30_000_000}

    return work


class Units(Sequence[Payload]):
    """Units made when asked for, as large as real ones."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __len__(self) -> int:
        """Return how many there are."""
        return self.n

    @overload
    def __getitem__(self, k: int) -> Payload: ...
    @overload
    def __getitem__(self, k: slice) -> list[Payload]: ...
    def __getitem__(self, k: int | slice) -> Payload | list[Payload]:
        """Return one unit or some."""
        if isinstance(k, slice):
            return [self[i] for i in range(self.n)[k]]
        return {"unit": k, "id": f"{k:064x}"}


class Clock:
    """Notes CPU and wall seconds of this process at the first and the last finished unit."""

    def __init__(self, skip: int) -> None:
        self.skip, self.count = skip, 0
        self.first = self.last = (0.0, 0.0)

    def done(self, receipt: Payload) -> None:  # noqa: ARG002
        """Note the time."""
        self.count += 1
        if self.count == self.skip:
            self.first = time.process_time(), time.perf_counter()
        self.last = time.process_time(), time.perf_counter()

    def failed(self, failure: Failure) -> None:
        """Give up."""
        raise RuntimeError(failure.text)

    def note(self, text: str) -> None:
        """Say it."""
        sys.stderr.write(text)

    def stopping(self) -> bool:
        """Go on to the end."""
        return False


def took(clock: Clock, workers: int, began: float) -> dict[str, Any]:
    """Return what all took, and what the units did once all workers were there."""
    return {
        "workers": workers,
        "units": clock.count - clock.skip,
        "cpu": clock.last[0] - clock.first[0],
        "wall": clock.last[1] - clock.first[1],
        "start": clock.first[0] - began,
        "whole": time.process_time() - began,
    }


def main() -> None:
    """Do what the command line says."""
    backend, workers, n, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    if backend == "mpi" and serve_if_worker():
        return
    clock, began = Clock(min(workers, n - 1)), time.process_time()
    run_job(Job(START, {"seconds": float(seconds)}, Units(n)), Place(backend, workers), clock)
    print(json.dumps(took(clock, workers, began)), flush=True)


if __name__ == "__main__":
    main()
