"""What every backend runs around a worker: events, errors caught, time and memory measured."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import traceback
from dataclasses import asdict
from pathlib import Path

from microsim.errors import Fault, InputError, MicrosimError, RunFailedError
from microsim.execution.events import EventFile, born
from microsim.execution.jobs import Payload, worker_of

# One process, one thread: a worker that starts a thread on every core slows all others down.
WORKER_ENVIRONMENT = dict.fromkeys(
    ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)


def ignore_signals() -> None:
    """Leave Ctrl-C and the signals of schedulers, which reach every process, to the coordinator."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(ignored, signal.SIG_IGN)


class NotStartedError(Exception):
    """A worker could not be made; `answer` says so to the coordinator."""

    def __init__(self, answer: Payload) -> None:
        super().__init__(answer.get("text", "the input is at fault"))
        self.answer = answer


class Server:
    """One worker in this process, which answers units with plain data.

    Raises
    ------
    NotStartedError
        The worker could not be made.
    """

    def __init__(self, start: str, setup: Payload) -> None:
        try:
            self.worker = worker_of(start, setup)
        except InputError as error:
            faults = [asdict(fault) for fault in error.faults]
            raise NotStartedError({"kind": "input", "faults": faults}) from error
        except MicrosimError as error:
            raise NotStartedError({"kind": "unstarted", "text": str(error)}) from error
        except Exception as error:
            text = traceback.format_exc()
            raise NotStartedError({"kind": "unstarted", "text": text}) from error
        self.events = EventFile(str(setup.get("events") or ""))
        self.host, self.pid = socket.gethostname(), os.getpid()
        self.events.write("start", host=self.host, pid=self.pid, born=born())

    def do(self, unit: Payload, alone: bool) -> Payload:
        """Do one unit.

        Parameters
        ----------
        unit
            The unit.
        alone
            Whether nothing else was in flight, so that a death now blames this unit only.

        Returns
        -------
        The answer: `kind` is `done` with the `receipt`, or with `text` and `where` `raised`, or
        `refused` where the files of the question are at fault.
        """
        number = unit["unit"]
        self.events.write("begin", unit=number, alone=alone)
        began, cpu = time.perf_counter(), time.process_time()
        try:
            receipt = self.worker(unit)
            json.dumps(receipt)  # or it could not travel
        except (Exception, SystemExit) as error:
            at_fault = isinstance(error, InputError)
            text = str(error) if at_fault else traceback.format_exc()
            self.events.write("raised", unit=number, text=text[-2000:])
            where = f"process {self.pid} on {self.host}"
            return {"kind": "refused" if at_fault else "raised", "text": text, "where": where}
        except BaseException:  # Ctrl-C: the unit is not to blame
            self.events.write("released", unit=number)
            raise
        receipt = {
            **receipt,
            "unit": number,
            "host": self.host,
            "pid": self.pid,
            "seconds": time.perf_counter() - began,
            "cpu_seconds": time.process_time() - cpu,
            "peak_memory": peak_memory(),
        }
        self.events.write("done", **{**receipt, "unit": number})
        if self.events.problem:
            receipt["problem"] = self.events.problem
        return {"kind": "done", "receipt": receipt}

    def close(self) -> None:
        """End the events of this worker."""
        self.events.close()


def peak_memory() -> int:
    """Return the largest memory this process has had, in bytes."""
    try:
        # not getrusage: its maximum is inherited from the process that started this one
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    import resource
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def raise_unstarted(answer: Payload) -> None:
    """Raise, at the coordinator, what kept a worker from starting.

    Raises
    ------
    InputError
        The worker found the input at fault.
    RunFailedError
        Anything else.
    """
    if answer["kind"] == "input":
        raise InputError([Fault(**fault) for fault in answer["faults"]])
    raise RunFailedError(f"a worker could not start:\n{answer['text'].rstrip()}")
