"""What is to be handed out next, and what becomes of it: the same rules for every backend."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from microsim.errors import StoppedError
from microsim.execution.jobs import Job, Payload
from microsim.execution.listener import Failure, Listener
from microsim.execution.serving import raise_unstarted

MOST_DEATHS = 3
NARROWER = 4  # how much fewer suspects run together after each death beside others


@dataclass(frozen=True)
class Task:
    """A unit in flight; `alone` tells that nothing else is, so that a death blames it only."""

    unit: Payload
    alone: bool

    @property
    def number(self) -> int:
        """Return the number of the unit in the run."""
        return int(self.unit["unit"])


def _suspicion(unit: Payload) -> float:
    """Return how often a suspect died beside others; without end if it must be alone."""
    return float(unit.get("beside", 0)) or math.inf


class Agenda:
    """The units of a job in the order of handing out.

    New units come first, in order. A unit whose worker died waits as a suspect until nothing else
    is in flight, and is given up after `MOST_DEATHS` deaths that are surely its own.

    Where one death ends all workers (MPI), a thousand innocent units become suspects at once. So
    suspects that died beside others run together, the fewer the oftener they did, and alone at
    last: that finds the culprit in a few runs, and costs the innocent little.

    Parameters
    ----------
    job
        The job.
    listener
        Hears of each unit.
    width
        How many units may be in flight; 1 makes every unit alone.
    """

    def __init__(self, job: Job, listener: Listener, width: int) -> None:
        self.job, self.listener, self.width = job, listener, width
        self._next = 0
        self._given_back: deque[Payload] = deque()
        self._suspects = deque(sorted(job.suspects, key=_suspicion))
        self._together = 0  # how many suspects may be in flight; 0 as long as none was handed out
        self._deaths: dict[int, tuple[int, int]] = {}  # of a unit: tries, deaths surely its own
        self._settled = 0

    @property
    def stopping(self) -> bool:
        """Tell whether the listener wants no more units handed out."""
        return self.listener.stopping()

    @property
    def fresh(self) -> int:
        """Return how many units may be handed out beside others."""
        return len(self.job.units) - self._next + len(self._given_back)

    @property
    def open(self) -> bool:
        """Tell whether there is something left to hand out."""
        return self.fresh > 0 or len(self._suspects) > 0

    def room(self, in_flight: int) -> int:
        """Return how many more tasks may be handed out now."""
        if self.fresh:
            return self.fresh
        if not self._suspects or (in_flight and not self._together):
            return 0
        return min(len(self._suspects), self._width_of_next() - in_flight)

    def next(self, in_flight: int) -> Task | None:
        """Return the next task, or None if there is none now.

        Parameters
        ----------
        in_flight
            How many tasks are handed out and not answered.
        """
        if self.stopping or (self._together and in_flight >= self._together):
            return None
        alone = 1 in (self.width, self._together)
        if self._given_back:
            return Task(self._given_back.popleft(), alone)
        if self._next < len(self.job.units):
            self._next += 1
            return Task(self.job.units[self._next - 1], alone)
        if self._suspects and (self._together or in_flight == 0):
            return self._next_suspect(in_flight)
        return None

    def _next_suspect(self, in_flight: int) -> Task | None:
        width = self._width_of_next()
        if in_flight >= width:
            return None
        self._together = width
        return Task(self._suspects.popleft(), width == 1)

    def _width_of_next(self) -> int:
        """Return how many suspects may be in flight with the next one: never more than before."""
        width = max(1, int(self.width / NARROWER ** _suspicion(self._suspects[0])))
        return min(self._together or width, width)

    def answered(self, task: Task, answer: Payload) -> None:
        """Take the answer of a worker (see `Server.do`).

        Raises
        ------
        InputError, RunFailedError
            The answer is that the worker could not start.
        """
        if answer["kind"] == "done":
            self._settle(task)
            self.listener.done(answer["receipt"])
        elif answer["kind"] in ("raised", "refused"):
            tries, _ = self._settle(task)
            kind, text, where = (answer[name] for name in ("kind", "text", "where"))
            self.listener.failed(Failure(task.unit, kind, text, tries + 1, where))
        else:
            raise_unstarted(answer)

    def give_back(self, task: Task) -> None:
        """Take back a task that was not begun; it is handed out again."""
        self._given_back.append(task.unit)

    def died(self, task: Task, words: str, where: str, deaths: int = 1) -> None:
        """Note that the worker of a task died.

        Parameters
        ----------
        task
            What it had in hand.
        words
            How it ended, and what it said.
        where
            Where it was.
        deaths
            How many deaths are surely this unit's own; 0 if another may have caused it.
        """
        tries, sure = self._deaths.get(task.number, (0, 0))
        self._deaths[task.number] = (tries + 1, sure + deaths)
        if sure + deaths >= MOST_DEATHS:
            self._settle(task)
            self.listener.failed(Failure(task.unit, "died", words, tries + 1, where))
        else:
            beside = "beside" in task.unit
            self._suspects.append({**task.unit, "beside": 0} if beside else task.unit)

    def finish(self) -> None:
        """End the job.

        Raises
        ------
        StoppedError
            Units are left.
        """
        if self._settled < self.job.size:
            raise StoppedError(self.stopped("stopped as asked"))

    def stopped(self, why: str) -> str:
        """Return the message for a run that ends before all units are settled."""
        left = self.job.size - self._settled
        return (
            f"{why}; {left:,} of {self.job.size:,} units are left. "
            "Finished units are kept: run the same command again to go on."
        )

    def _settle(self, task: Task) -> tuple[int, int]:
        self._settled += 1
        return self._deaths.pop(task.number, (0, 0))
