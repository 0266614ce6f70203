"""The processes backend: spawned workers, each asking for the next unit; a dead worker is replaced.

Not concurrent.futures: there one dead worker fails everything queued. Here only the unit it had is
blamed; it is tried again, and given up after three deaths.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import traceback
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from microsim.errors import InputError, RunFailedError
from microsim.execution.jobs import Job, Payload, worker_of

MOST_DEATHS = 3


def _serve(connection: Connection, start: str, setup: Payload) -> None:
    """Run in a worker: make the worker, then answer units until told to stop (None)."""
    try:
        worker = worker_of(start, setup)
        while (unit := connection.recv()) is not None:
            connection.send(("done", worker(unit)))
    except InputError as error:
        connection.send(("input", [vars(fault) for fault in error.faults]))
    except Exception:  # whatever it was, the coordinator must hear of it
        connection.send(("failed", traceback.format_exc()))


class _Pool:
    """Workers and what each is doing."""

    def __init__(self, job: Job, workers: int) -> None:
        self.job = job
        self.context = multiprocessing.get_context("spawn")
        self.waiting = deque(enumerate(job.units))
        self.deaths: dict[int, int] = {}
        self.busy: dict[Connection, tuple[SpawnProcess, int, Payload]] = {}
        for _ in range(min(workers, len(job.units))):
            self.start_worker()

    def start_worker(self) -> None:
        """Start a worker and give it the next unit."""
        if not self.waiting:
            return
        here, there = self.context.Pipe()
        process = self.context.Process(
            target=_serve, args=(there, self.job.start, self.job.setup), daemon=True
        )
        process.start()
        there.close()
        self._give(here, process)

    def _give(self, connection: Connection, process: SpawnProcess) -> None:
        if self.waiting:
            index, unit = self.waiting.popleft()
            self.busy[connection] = (process, index, unit)
            with contextlib.suppress(ConnectionError):  # it died while idle: `answer` will notice
                connection.send(unit)
        else:
            with contextlib.suppress(ConnectionError):
                connection.send(None)
            connection.close()
            process.join()

    def answer(self, connection: Connection, on_done: Callable[[Payload], None]) -> None:
        """Take one answer of a worker, or notice its death."""
        process, index, unit = self.busy.pop(connection)
        try:
            kind, content = connection.recv()
        except (EOFError, ConnectionError):
            self._died(process, index, unit)
            return
        if kind == "done":
            on_done(content)
            self._give(connection, process)
            return
        connection.close()
        process.join()
        if kind == "input":
            from microsim.errors import Fault

            raise InputError([Fault(**fault) for fault in content])
        raise RunFailedError(f"a worker failed at unit {index}:\n{content}")

    def _died(self, process: SpawnProcess, index: int, unit: Payload) -> None:
        process.join()
        self.deaths[index] = self.deaths.get(index, 0) + 1
        if self.deaths[index] >= MOST_DEATHS:
            raise RunFailedError(
                f"unit {index} ended its worker {MOST_DEATHS} times "
                f"(last exit code {process.exitcode}); finished units are kept. "
                "Use smaller shards (--shard-persons) if memory ran out."
            )
        self.waiting.appendleft((index, unit))
        self.start_worker()

    def stop(self) -> None:
        """End every worker."""
        for connection, (process, _, _) in self.busy.items():
            process.terminate()
            process.join()
            connection.close()
        self.busy.clear()


def run_processes(job: Job, workers: int, on_done: Callable[[Payload], None]) -> None:
    """Run all units of a job on `workers` processes.

    Raises
    ------
    RunFailedError
        A unit raised, or ended its worker three times.
    """
    pool = _Pool(job, workers)
    try:
        while pool.busy:
            for ready in wait(list(pool.busy)):
                pool.answer(ready, on_done)  # type: ignore[arg-type]
    finally:
        pool.stop()
