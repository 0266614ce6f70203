"""Workers of tests, found by name from other processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from microsim.errors import Fault, InputError
from microsim.execution.jobs import Payload, Worker


def square(setup: Payload) -> Worker:
    """Return a worker that squares numbers, slowly if asked."""

    def work(unit: Payload) -> Payload:
        time.sleep(setup.get("seconds", 0.0))
        return {"index": unit["index"], "square": unit["x"] ** 2, "process": os.getpid()}

    return work


def mortal(setup: Payload) -> Worker:
    """Return a worker that is killed at a unit, `times` times over all processes; deaths are
    counted in a folder.
    """
    folder, inner = Path(setup["folder"]), square(setup)

    def work(unit: Payload) -> Payload:
        if unit["index"] == setup["fatal"]:
            deaths = len(list(folder.iterdir()))
            if deaths < setup["times"]:
                (folder / str(deaths)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return inner(unit)

    return work


def stillborn(setup: Payload) -> Worker:
    """Die before there is a worker."""
    os._exit(3)


def failing(setup: Payload) -> Worker:
    """Return a worker that raises at every unit."""

    def work(unit: Payload) -> Payload:
        raise ZeroDivisionError("an error of the program")

    return work


def refusing(setup: Payload) -> Worker:
    """Find the input at fault."""
    raise InputError(
        [Fault("a.yaml:3", "is wrong", "this", "that"), Fault("b.yaml:4", "is wrong too")]
    )


def killed_once(setup: Payload) -> Worker:
    """Return the worker of a run; the first process of all is killed in the middle of its second
    unit.
    """
    from microsim.simulation.run import start_worker

    inner, units = start_worker(setup), []
    flag = Path(setup["folder"]).parent / "killed"

    def work(unit: Payload) -> Payload:
        units.append(unit)
        if len(units) == 2 and not flag.exists():
            flag.touch()
            inner(unit)  # its work is done, its file is there, nobody hears of it
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(unit)

    return work
