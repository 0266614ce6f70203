"""Workers of tests, found by name from other processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from microsim.errors import Fault, InputError
from microsim.execution.jobs import Payload, Worker
from microsim.execution.serving import WORKER_ENVIRONMENT


def square(setup: Payload) -> Worker:
    """Return a worker that squares numbers, slowly if asked."""

    def work(unit: Payload) -> Payload:
        time.sleep(setup.get("seconds", 0.0))
        return {"square": unit["x"] ** 2, "process": os.getpid()}

    return work


def mortal(setup: Payload) -> Worker:
    """Return a worker that is killed at a unit, `times` times over all processes; deaths are
    counted in a folder.
    """
    folder, inner = Path(setup["folder"]), square(setup)

    def work(unit: Payload) -> Payload:
        if unit["unit"] == setup["fatal"]:
            deaths = len(list(folder.iterdir()))
            if deaths < setup["times"]:
                (folder / str(deaths)).touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return inner(unit)

    return work


def scripted(setup: Payload) -> Worker:
    """Return a worker that does what each unit says; it leaves a file for each try.

    `setup["folder"]` is where the files go. `unit["do"]` is `kill`, `raise`, `exit`, `object`
    (a receipt that is no plain data), `grow` (takes that many MiB) or nothing in particular;
    `unit["seconds"]` is how long it takes.
    """
    folder = Path(setup["folder"])

    def work(unit: Payload) -> Payload:
        (folder / f"{unit['unit']}.{os.getpid()}.{time.monotonic_ns()}").touch()
        time.sleep(unit.get("seconds", setup.get("seconds", 0.0)))
        what = unit.get("do", "")
        if what == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "raise":
            raise ZeroDivisionError("an error of the program")
        if what == "exit":
            raise SystemExit(3)
        if what == "grow":
            grown = bytearray(unit["mib"] * 2**20)
            time.sleep(5.0)
            del grown
        if what == "object":
            return {"square": object()}
        return {"square": unit["unit"] ** 2}

    return work


def environment(setup: Payload) -> Worker:
    """Return a worker that tells its environment."""
    return lambda _: {name: os.environ.get(name, "") for name in WORKER_ENVIRONMENT}


def stillborn(setup: Payload) -> Worker:
    """Die before there is a worker, with a word."""
    sys.stderr.write("I was never born\n")
    sys.stderr.flush()
    os._exit(3)


def clumsy(setup: Payload) -> Worker:
    """Raise before there is a worker."""
    raise ZeroDivisionError("an error at the start")


def sleepy(setup: Payload) -> Worker:
    """Take a minute before there is a worker."""
    sys.stderr.write("I am still waking up\n")
    sys.stderr.flush()
    time.sleep(60.0)
    return square(setup)


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
    from microsim.simulation.worker import start_worker

    inner, units = start_worker(setup), []
    flag = Path(setup["run"]) / "killed"

    def work(unit: Payload) -> Payload:
        units.append(unit)
        if len(units) == 2 and not flag.exists():
            flag.touch()
            inner(unit)  # its work is done, its file is there, nobody hears of it
            os.kill(os.getpid(), signal.SIGKILL)
        return inner(unit)

    return work
