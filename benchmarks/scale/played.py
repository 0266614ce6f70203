"""The coordinators' own loops with workers that are played: a thousand fit on any machine.

    python played.py processes RUN WORKERS UNITS PAUSE
    python played.py mpi RUN WORKERS UNITS 0

*Processes*: one other process holds the far ends of all pipes and answers for every worker, at
once or with a pause between messages: a coordinator that has to listen to many pipes for one
message works more than one that finds many messages at a time. *MPI*: a communicator without a
network, in the same process; its own time is counted in.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections import deque
from dataclasses import asdict
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, cast

from light import Clock, took
from rich.console import Console
from watching import Seen

from microsim.cli.progress import Shown
from microsim.execution import mpi, processes
from microsim.execution.jobs import Job, Payload
from microsim.execution.place import Place
from microsim.simulation.carrying import Units
from microsim.simulation.directory import RunDirectory
from microsim.simulation.ledger import open_ledger
from microsim.simulation.phases import Prepared

RECEIPT = {
    "persons": 200_000, "bytes": 30_000_000, "host": "node0001", "pid": 12345, "seconds": 60.0,
    "cpu_seconds": 59.0, "peak_memory": 300_000_000,
}  # fmt: skip


def answer_to(number: int) -> Payload:
    """Return the answer of a worker that has done a unit."""
    return {"kind": "done", "receipt": {**RECEIPT, "unit": number}}


class Watch(Clock):
    """Notes times, and passes on to what the command line shows."""

    def __init__(self, skip: int, n: int) -> None:
        super().__init__(skip)
        self.shown = Shown(Console(file=open(os.devnull, "w")))  # noqa: SIM115, PTH123
        self.shown.began(n, n, n * 200_000)

    def done(self, receipt: Payload) -> None:
        """Note and show."""
        self.shown.done(receipt)
        super().done(receipt)


# -- processes -----------------------------------------------------------------------------------


class _Nobody:
    """Stands for a process that is played."""

    pid, exitcode = 0, 0

    def join(self) -> None:
        """Nothing to wait for."""

    kill = join


class Played(processes._Pool):
    """The pool of the processes backend, but for starting processes."""

    def __init__(self, pipes: list[Connection], *given: Any) -> None:  # noqa: ANN401
        super().__init__(*given)
        self.pipes = pipes

    def start(self) -> None:
        """Take the near end of a pipe, with nobody behind it."""
        self.started += 1
        log = self.logs / f"{self.started}.txt"
        log.touch()
        member = processes._Member(cast("Any", _Nobody()), log, time.monotonic())
        self.members[self.pipes.pop()] = member


def play(pipes: list[Connection], pause: float) -> None:
    """Answer for every worker until each was told that there is no more."""

    def hear(pipe: Connection) -> bool:
        task = json.loads(pipe.recv_bytes())
        if task:
            pipe.send_bytes(b'{"kind": "begun"}')
            asked[pipe] = task["unit"]["unit"]
        return bool(task)

    asked: dict[Connection, int] = {}
    for pipe in pipes:
        pipe.send_bytes(b'{"kind": "ready"}')
    if pause:
        turn = deque(pipe for pipe in pipes if hear(pipe))
        while turn:
            pipe = turn.popleft()
            time.sleep(pause)
            pipe.send_bytes(json.dumps(answer_to(asked[pipe])).encode())
            time.sleep(pause)
            if hear(pipe):
                turn.append(pipe)
        return
    there = set(pipes)
    while there:
        for one in wait(there):
            pipe = cast("Connection", one)
            if not hear(pipe):
                there.discard(pipe)
                continue
            pipe.send_bytes(json.dumps(answer_to(asked[pipe])).encode())


def run_played(job: Job, workers: int, watch: Watch, pause: float, logs: Path) -> None:
    """Run a job through the pool of the processes backend."""
    context = multiprocessing.get_context("fork")
    pairs = [context.Pipe() for _ in range(workers)]
    player = context.Process(target=play, args=([far for _, far in pairs], pause), daemon=True)
    player.start()
    for _, far in pairs:
        far.close()
    pool = Played([near for near, _ in pairs], job, Place("processes", workers), watch, logs)
    pool.run()
    player.join()


# -- MPI -----------------------------------------------------------------------------------------


class _Message:
    """A message that has arrived."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def Recv(self, buffer: list[Any]) -> None:  # noqa: N802 - mpi4py's name
        """Copy it."""
        buffer[0][:] = self.content


class Ranks:
    """A communicator whose other ranks answer as soon as they are asked."""

    def __init__(self, size: int) -> None:
        self.size, self.waiting, self.job = size, deque[tuple[int, int]](), ""

    def Get_size(self) -> int:  # noqa: N802
        """Return the number of ranks."""
        return self.size

    def Send(self, buffer: list[Any], dest: int, tag: int) -> None:  # noqa: N802, ARG002
        """Take a message to a rank."""
        message = json.loads(buffer[0])
        if "job" in message:
            self.job = message["job"]
        else:
            self.waiting.append((dest, message["unit"]["unit"]))

    def Improbe(self, source: int, tag: int, status: Any) -> _Message | None:  # noqa: N802, ARG002, ANN401
        """Return the next answer."""
        from mpi4py import MPI

        if not self.waiting:
            return None
        rank, number = self.waiting.popleft()
        content = json.dumps({**answer_to(number), "job": self.job}).encode()
        status.Set_source(rank)
        status.Set_elements(MPI.BYTE, len(content))
        return _Message(content)


# -- both ----------------------------------------------------------------------------------------


def main() -> None:
    """Do what the command line says."""
    backend, run = sys.argv[1], Path(sys.argv[2])
    workers, n, pause = int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])
    ledger = cast("Prepared", open_ledger(RunDirectory(run)))
    before, after = Seen(), Seen()
    before.look("self")
    job = Job("none:none", {}, Units(ledger, range(n)))
    watch, began = Watch(min(workers, n - 1), n), time.process_time()
    if backend == "mpi":
        mpi._hand_out(cast("Any", Ranks(workers + 1)), job, watch)
    else:
        run_played(job, workers, watch, pause, run)
    after.look("self")
    memory = {"before": before.own, **asdict(after)}
    print(json.dumps({**took(watch, workers, began), **memory}), flush=True)


if __name__ == "__main__":
    main()
