"""Workers of a run with a unit that goes wrong, and the command line with such a worker.

`python faulty_jobs.py killing run FILE ...` is `microsim run FILE ...` with unit 1 deadly.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from microsim.execution.jobs import Payload, Worker

GUILTY = 1


def _worker(setup: Payload, crime: Callable[[], None]) -> Worker:
    """Return the worker of a run; the guilty unit goes wrong until the file `mended` is there, and
    leaves a file for each try.
    """
    from microsim.simulation.worker import start_worker

    inner, run = start_worker(setup), Path(setup["run"])

    def work(unit: Payload) -> Payload:
        if unit["unit"] == GUILTY and not (run / "mended").exists():
            (run / f"try.{time.monotonic_ns()}").touch()
            crime()
        return inner(unit)

    return work


def killing(setup: Payload) -> Worker:
    """Return a worker that the guilty unit kills."""
    return _worker(setup, lambda: os.kill(os.getpid(), signal.SIGKILL))


def raising(setup: Payload) -> Worker:
    """Return a worker that raises at the guilty unit."""
    return _worker(setup, _raise)


def _raise() -> None:
    raise ZeroDivisionError("an error of the program")


if __name__ == "__main__":
    from microsim.cli.main import main
    from microsim.simulation import carrying

    carrying.START = f"faulty_jobs:{sys.argv[1]}"  # type: ignore[misc]
    main(sys.argv[2:])
