"""What runs on Dask workers: a plugin that brings a job, and the function that does one unit.

Imported where Dask is: late.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import threading
from pathlib import Path

from distributed import Worker
from distributed.diagnostics.plugin import WorkerPlugin

from microsim.execution.jobs import Payload
from microsim.execution.serving import WORKER_ENVIRONMENT, NotStartedError, Server


class _Serving:
    """A job on this worker; its server is made at the first unit, in the thread of the unit."""

    def __init__(self, start: str, setup: Payload) -> None:
        self.start, self.setup = start, setup
        self.lock = threading.Lock()  # one unit at a time, whatever the worker's threads
        self.server: Server | None = None
        self.released = False

    def do(self, unit: Payload, alone: bool) -> Payload:
        with self.lock:
            if self.released:
                return {"kind": "released"}
            try:
                self.server = self.server or Server(self.start, self.setup)
            except NotStartedError as error:
                return error.answer
            return self.server.do(unit, alone)


_JOBS: dict[str, _Serving] = {}


class ServingPlugin(WorkerPlugin):  # type: ignore[misc]
    """Brings a job to every worker, those that come later too.

    Parameters
    ----------
    token
        Name of the job on the workers.
    start, setup
        Of the job; the setup as JSON, so that nothing but plain data travels.
    own
        Whether these workers were started by this run: then Ctrl-C and the warnings of a scheduler,
        which reach the whole group of processes, are the coordinator's matter.
    logs
        A folder where workers write what they complain about, or "" for where they do anyway.
    """

    def __init__(self, token: str, start: str, setup: str, own: bool, logs: str) -> None:
        self.name = f"microsim-{token}"
        self.token, self.start, self.plain = token, start, setup
        self.own, self.logs = own, logs

    def setup(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        """Take the job to this worker."""
        for name, value in WORKER_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        if self.own and threading.current_thread() is threading.main_thread():
            for ignored in (signal.SIGINT, signal.SIGUSR1):  # TERM is how Dask ends its workers
                signal.signal(ignored, signal.SIG_IGN)
        if self.logs:
            with (Path(self.logs) / f"{os.getpid()}.err").open("ab") as file:
                os.dup2(file.fileno(), 2)
            faulthandler.enable()
        _JOBS[self.token] = _Serving(self.start, json.loads(self.plain))

    def teardown(self, worker: Worker) -> None:  # noqa: ARG002 - Dask's signature
        """Take the job away again."""
        serving = _JOBS.pop(self.token, None)
        if serving is not None and serving.server is not None:
            serving.server.close()


def do_unit(token: str, unit: Payload, alone: bool) -> Payload:
    """Do one unit of a job on this worker; see `Server.do`."""
    serving = _JOBS.get(token)
    return serving.do(unit, alone) if serving is not None else {"kind": "released"}


async def release(token: str) -> None:
    """Begin no more units of a job on this worker; those handed out come back unbegun.

    A coroutine: Dask calls nothing else without waiting for it.
    """
    if token in _JOBS:
        _JOBS[token].released = True
