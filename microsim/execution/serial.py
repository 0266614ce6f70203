"""The serial backend: one unit after the other in this process."""

from __future__ import annotations

from microsim.execution.agenda import Agenda
from microsim.execution.jobs import Job
from microsim.execution.listener import Listener
from microsim.execution.serving import NotStartedError, Server, raise_unstarted


def run_serial(job: Job, listener: Listener) -> None:
    """Run all units of a job here.

    Raises
    ------
    InputError, RunFailedError
        The worker could not be made.
    StoppedError
        The listener asked to stop, and units are left.
    """
    agenda = Agenda(job, listener, 1)
    if not agenda.open:
        return
    try:
        server = Server(job.start, job.setup)
    except NotStartedError as error:
        raise_unstarted(error.answer)
    try:
        while (task := agenda.next(0)) is not None:
            agenda.answered(task, server.do(task.unit, task.alone))
    finally:
        server.close()
    agenda.finish()
