"""What is taken to where it runs: a job, its units as plain data, and the worker that does one."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]
Worker = Callable[[Payload], Payload]


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
        Plain data (what JSON can hold) from which a worker is made. `setup["events"]`, if there,
        is the folder where workers write what they do.
    units
        Plain data of each unit, with its number in the run as `unit`. May be lazy: it is read by
        index, once, and only what is in flight is kept.
    suspects
        Units that may have ended a worker. They run after all others, one at a time with nothing
        else in flight, so that a death blames exactly one. Those with `beside`, the number of
        times they died beside others and never alone, may run with other suspects, the fewer the
        larger it is.
    """

    start: str
    setup: Payload
    units: Sequence[Payload]
    suspects: Sequence[Payload] = ()

    @property
    def size(self) -> int:
        """Return the number of units, suspects included."""
        return len(self.units) + len(self.suspects)


def worker_of(job_start: str, setup: Payload) -> Worker:
    """Return the worker of a job, made in this process."""
    module, _, function = job_start.partition(":")
    made: Worker = getattr(importlib.import_module(module), function)(setup)
    return made
