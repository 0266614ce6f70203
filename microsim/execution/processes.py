"""The processes backend: spawned workers, each asking for the next unit; a dead one is replaced.

Not concurrent.futures: there one dead worker fails everything queued. Here only the unit it had is
blamed. A worker that has lost its coordinator finishes the unit in hand, and ends.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import cast

from microsim.errors import RunFailedError
from microsim.execution.agenda import Agenda, Task
from microsim.execution.endings import ending, last_words
from microsim.execution.jobs import Job, Payload
from microsim.execution.listener import Listener
from microsim.execution.place import Place
from microsim.execution.serving import (
    WORKER_ENVIRONMENT,
    NotStartedError,
    Server,
    ignore_signals,
    raise_unstarted,
)

MOST_STARTS = 3
TICK = 0.5  # seconds between looks at memory and time
MIB = 1024 * 1024


def _send(connection: Connection, message: Payload) -> None:
    """Send plain data; the other side may be dead, which its next receive tells."""
    with contextlib.suppress(ConnectionError):
        connection.send_bytes(json.dumps(message).encode())


def _serve(connection: Connection, start: str, setup: Payload) -> None:
    """Run in a worker: make the worker, then answer units until there are no more."""
    ignore_signals()
    with contextlib.suppress(RuntimeError, ValueError, OSError):  # there is no stderr
        faulthandler.enable()
    try:
        server = Server(start, setup)
    except NotStartedError as error:
        _send(connection, error.answer)
        return
    _send(connection, {"kind": "ready"})
    with contextlib.suppress(EOFError, ConnectionError):  # the coordinator is gone
        while task := json.loads(connection.recv_bytes()):
            _send(connection, {"kind": "begun"})
            _send(connection, server.do(task["unit"], task["alone"]))
    server.close()


@dataclass
class _Member:
    """One worker process: what it has in hand, since when it is there, and where it complains."""

    process: SpawnProcess
    log: Path
    since: float
    ready: bool = False
    begun: bool = False
    task: Task | None = None
    verdict: str = ""

    @property
    def where(self) -> str:
        return f"process {self.process.pid} on this host"

    def words(self) -> str:
        """Return how it ended and its last words; it must have ended."""
        said = last_words(self.log)
        how = self.verdict or ending(self.process.exitcode)
        return f"the worker {how}" + (f". It said:\n{said}" if said else "")


class _Pool:
    """Workers and what each is doing."""

    def __init__(self, job: Job, place: Place, listener: Listener, logs: Path) -> None:
        self.job, self.place, self.listener, self.logs = job, place, listener, logs
        self.context = multiprocessing.get_context("spawn")
        self.agenda = Agenda(job, listener, min(place.workers, max(1, job.size)))
        self.members: dict[Connection, _Member] = {}
        self.started = 0
        self.failed_starts = 0

    def run(self) -> None:
        """Hand out units until all are settled, or the listener asks to stop."""
        self.fill()
        while self.members:
            for connection in wait(list(self.members), TICK):
                self.hear(cast("Connection", connection))
            self.watch()
            self.fill()
        self.agenda.finish()

    def fill(self) -> None:
        """Start as many workers as there is work for."""
        while not self.agenda.stopping and len(self.members) < self.agenda.width:
            coming = sum(member.task is None for member in self.members.values())
            if coming >= self.agenda.room(len(self.members) - coming):
                return
            self.start()

    def start(self) -> None:
        """Start a worker; it says when it is ready."""
        self.started += 1
        log = self.logs / f"{self.started}.txt"
        here, there = self.context.Pipe()
        process = self.context.Process(
            target=_serve, args=(there, self.job.start, self.job.setup), daemon=True
        )
        with _worker_environment(), _stderr_to(log):
            process.start()
        there.close()
        self.members[here] = _Member(process, log, time.monotonic())

    def hear(self, connection: Connection) -> None:
        """Take one message of a worker, or notice its death."""
        member = self.members[connection]
        try:
            message = json.loads(connection.recv_bytes())
        except (EOFError, ConnectionError):
            self.bury(connection)
            return
        if message["kind"] == "ready":
            member.ready = True
            self.give(connection)
        elif message["kind"] == "begun":
            member.begun, self.failed_starts = True, 0
        elif member.task is not None:
            task, member.task, member.begun = member.task, None, False
            self.agenda.answered(task, message)
            self.give(connection)
        else:
            raise_unstarted(message)

    def give(self, connection: Connection) -> None:
        """Give a worker its next unit, or let it go."""
        member = self.members[connection]
        in_flight = sum(other.task is not None for other in self.members.values())
        member.task = self.agenda.next(in_flight)
        if member.task is not None:
            _send(connection, {"unit": member.task.unit, "alone": member.task.alone})
            return
        _send(connection, {})
        self.end(connection)

    def bury(self, connection: Connection) -> None:
        """Note the death of a worker, and blame what it had begun."""
        member = self.end(connection)
        if member.begun and member.task is not None:
            self.agenda.died(member.task, member.words(), member.where)
            return
        if member.task is not None:
            self.agenda.give_back(member.task)
        self.failed_starts += 1
        if self.failed_starts >= MOST_STARTS:
            raise RunFailedError(
                f"{MOST_STARTS} workers in a row ended before they began a unit; the last: "
                f"{member.words()}\nFinished units are kept."
            )

    def watch(self) -> None:
        """End workers that take too much memory, or do not come up."""
        now = time.monotonic()
        for member in self.members.values():
            if not member.ready and self.agenda.stopping:
                member.process.kill()
            elif not member.ready and now - member.since > self.place.start_timeout:
                member.process.kill()
                member.process.join()
                raise RunFailedError(
                    f"a worker was not ready after {self.place.start_timeout:.0f} s. It said: "
                    f"{last_words(member.log) or 'nothing'}"
                )
            elif self.place.memory_limit and not member.verdict:
                size = _memory_of(member.process.pid)
                if size > self.place.memory_limit:
                    member.verdict = (
                        f"had {size // MIB} MiB of memory, above the limit of "
                        f"{self.place.memory_limit // MIB} MiB (--memory-limit), and was ended: "
                        "use smaller shards (--shard-persons)"
                    )
                    member.process.kill()

    def end(self, connection: Connection) -> _Member:
        """Forget a worker that has ended or been told to; return it."""
        member = self.members.pop(connection)
        connection.close()
        member.process.join()
        said = last_words(member.log) if member.process.exitcode == 0 else ""
        if said:
            self.listener.note(said)
        return member

    def stop(self) -> None:
        """End every worker at once; files are written so that this harms none."""
        for connection, member in self.members.items():
            member.process.kill()
            member.process.join()
            connection.close()
        self.members.clear()


@contextlib.contextmanager
def _worker_environment() -> Iterator[None]:
    """Set the environment of workers around their start."""
    before = {name: os.environ.get(name) for name in WORKER_ENVIRONMENT}
    os.environ.update(WORKER_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _stderr_to(path: Path) -> Iterator[None]:
    """Send what a process started here complains about to a file, from its first moment on."""
    with path.open("wb") as file:
        try:
            kept = os.dup(2)
        except OSError:  # no stderr at all
            yield
            return
        try:
            os.dup2(file.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _memory_of(pid: int | None) -> int:
    """Return the memory that a process has in use, in bytes; 0 if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def run_processes(job: Job, place: Place, listener: Listener) -> None:
    """Run all units of a job on `place.workers` processes.

    Raises
    ------
    InputError
        A worker found the input at fault.
    RunFailedError
        Workers cannot start.
    StoppedError
        The listener asked to stop, and units are left.
    """
    with tempfile.TemporaryDirectory(prefix="microsim-") as logs:
        pool = _Pool(job, place, listener, Path(logs))
        try:
            pool.run()
        finally:
            pool.stop()
