"""The mpi backend: rank 0 hands out units, the other ranks serve; plain data on the wire.

No MPI survives a dead rank: the job ends, its finished units stay, and the same command goes on.
"""

from __future__ import annotations

import atexit
import json
import os
import time
import traceback
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from microsim.errors import Fault, InputError, RunFailedError
from microsim.execution.agenda import Agenda, Task
from microsim.execution.jobs import Job, Payload
from microsim.execution.listener import Listener
from microsim.execution.serial import run_serial
from microsim.execution.serving import (
    WORKER_ENVIRONMENT,
    NotStartedError,
    Server,
    ignore_signals,
)

if TYPE_CHECKING:
    from mpi4py.MPI import Comm

TAG = 7
# How long to sleep between looks for a message: MPI's own waiting takes a whole processor.
SHORTEST_SLEEP, LONGEST_SLEEP = 0.0001, 0.005

# What launchers say of the number of ranks: the one nearest to the rank first.
SIZE_VARIABLES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS")


def serve_if_worker() -> bool:
    """Serve units on every rank but 0, until rank 0 has no more; call it before anything else.

    Returns
    -------
    Whether this was such a rank: then all is done and the program should end. Rank 0 releases
    the others when it ends, whatever happens.
    """
    comm = _world()
    if comm.Get_size() == 1:
        return False
    if comm.Get_rank() == 0:
        atexit.register(_release, comm)
        return False
    os.environ.update(WORKER_ENVIRONMENT)
    ignore_signals()
    try:
        _attend(comm)
    except BaseException:  # or the other ranks would wait for ever
        traceback.print_exc()
        comm.Abort(1)
    return True


def run_mpi(job: Job, listener: Listener) -> None:
    """Run all units of a job on the ranks of this program; call it on rank 0.

    Raises
    ------
    InputError
        There is no MPI, it has another size than was asked for, or a worker found the input at
        fault.
    RunFailedError
        A worker could not start, or this is not rank 0.
    StoppedError
        The listener asked to stop, and units are left.
    """
    comm = _world()
    if comm.Get_size() == 1:
        run_serial(job, listener)
    elif comm.Get_rank() != 0:
        raise RunFailedError("jobs are run on rank 0; other ranks call serve_if_worker().")
    else:
        _hand_out(comm, job, listener)


def check_size(size: int, environment: Mapping[str, str]) -> None:
    """Refuse a communicator of another size than the launcher started.

    An MPI that does not know its launcher makes every rank a program of size 1, and each would do
    all the work.

    Raises
    ------
    InputError
        The sizes differ.
    """
    for name in SIZE_VARIABLES:
        text = environment.get(name, "")
        if not text.isdigit():
            continue
        if int(text) != size:
            raise InputError(
                Fault(
                    "--backend mpi",
                    "MPI has another size than the launcher started",
                    f"a communicator of {size}",
                    f"{text} ranks ({name})",
                    "The MPI that mpi4py found is not the launcher's. Use that MPI's own mpiexec, "
                    "or the launcher's way for it (srun --mpi=pmi2 or pmix), or ask for 1 task.",
                )
            )
        return


def _world() -> Comm:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # not installed; no MPI library found
        fault = Fault(
            "--backend mpi", "MPI cannot be used", str(error), "mpi4py and an MPI library",
            "Install it: pip install 'microsim-social[mpi]', and load the site's MPI module.",
        )  # fmt: skip
        raise InputError(fault) from error
    check_size(MPI.COMM_WORLD.Get_size(), os.environ)
    return MPI.COMM_WORLD


def _send(comm: Comm, rank: int, message: Payload) -> None:
    from mpi4py import MPI

    comm.Send([json.dumps(message).encode(), MPI.BYTE], dest=rank, tag=TAG)


def _receive(comm: Comm, source: int) -> tuple[int, Payload]:
    """Wait for a message without taking a processor; return who sent it, and it."""
    from mpi4py import MPI

    status, sleep = MPI.Status(), SHORTEST_SLEEP
    while (found := comm.Improbe(source, TAG, status)) is None:
        time.sleep(sleep)
        sleep = min(sleep * 1.5, LONGEST_SLEEP)
    content = bytearray(status.Get_count(MPI.BYTE))
    found.Recv([content, MPI.BYTE])
    return status.Get_source(), json.loads(content.decode())


def _hand_out(comm: Comm, job: Job, listener: Listener) -> None:
    from mpi4py import MPI

    agenda = Agenda(job, listener, comm.Get_size() - 1)
    idle = deque(range(1, comm.Get_size()))
    informed: set[int] = set()
    flying: dict[int, Task] = {}
    name = (
        f"{os.getpid()}-{time.monotonic_ns()}"  # answers to an earlier job that failed are dropped
    )
    while True:
        while idle and (task := agenda.next(len(flying))) is not None:
            rank = idle.popleft()
            if rank not in informed:
                informed.add(rank)
                _send(comm, rank, {"job": name, "start": job.start, "setup": job.setup})
            _send(comm, rank, {"unit": task.unit, "alone": task.alone})
            flying[rank] = task
        if not flying:
            break
        rank, answer = _receive(comm, MPI.ANY_SOURCE)
        if answer.pop("job") != name:
            continue
        agenda.answered(flying.pop(rank), answer)
        idle.append(rank)
    agenda.finish()


def _attend(comm: Comm) -> None:
    """Serve jobs, one after the other, until rank 0 says that there are no more."""
    job: Payload = {}
    server: Server | None = None
    while message := _receive(comm, 0)[1]:
        if "job" in message:
            job = message
            if server is not None:
                server.close()
            server = None
            continue
        try:
            server = server or Server(job["start"], job["setup"])
            answer = server.do(message["unit"], message["alone"])
        except NotStartedError as error:
            answer = error.answer
        _send(comm, 0, {**answer, "job": job["job"]})
    if server is not None:
        server.close()


def _release(comm: Comm) -> None:
    """Let the other ranks end."""
    for rank in range(1, comm.Get_size()):
        _send(comm, rank, {})
