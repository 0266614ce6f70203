"""The dask backend: a small window of units in flight, and what Dask says of each made ours.

Dask blames whatever was queued on a dead worker, and forgets everything when the scheduler dies.
So few units are in flight, a killed one is tried again alone, and finished units are files.
"""

from __future__ import annotations

import contextlib
import json
import queue
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microsim.errors import RunFailedError, StoppedError
from microsim.execution.agenda import Agenda, Task
from microsim.execution.dask_clusters import Connection, connected
from microsim.execution.endings import OUT_OF_MEMORY
from microsim.execution.jobs import Job
from microsim.execution.listener import Listener
from microsim.execution.place import Place

if TYPE_CHECKING:
    from distributed import Future

WINDOW = 2  # units in flight a worker: one being done, one there when it is finished
TICK = 0.5  # seconds
LOOK_EVERY = 2.0  # seconds between looks at the number of workers
TELL_EVERY = 10.0  # seconds between words about waiting for workers
FETCH_TIMEOUT = 30.0  # seconds
MOST_ERRORS = 3
MOST_BRINGS = 5
LOCAL_PATIENCE = 40.0  # seconds until a lost worker of this machine should have been replaced
MOST_GONE = 4  # workers that end, for each there should be, before any unit is done
MOST_UNBORN = 4  # different units: more than were in flight on a worker that one of them ended


class _Window:
    """Units in flight on Dask workers."""

    def __init__(self, job: Job, place: Place, listener: Listener, connection: Connection) -> None:
        self.place, self.listener = place, listener
        self.connection, self.client = connection, connection.client
        self.agenda = Agenda(job, listener, width=WINDOW)
        self.token = uuid.uuid4().hex
        self.flying: dict[str, tuple[Future[Any], Task]] = {}
        self.finished: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.workers = 0
        self.there: set[str] = set()  # addresses of workers
        self.gone = 0
        self.looked = self.seen = self.told = time.monotonic()
        self.errors = 0
        self.answers = False
        self.unborn: set[int] = set()  # units whose worker ended before any unit was done
        self.released = False
        self._bring(job)

    def _bring(self, job: Job) -> None:
        from microsim.execution.dask_serving import ServingPlugin

        own, logs = self.connection.own, self.connection.logs
        plugin = ServingPlugin(self.token, job.start, json.dumps(job.setup), own, logs)
        self.plugin = plugin.name
        for left in reversed(range(MOST_BRINGS)):
            try:
                self.client.register_plugin(plugin)
            except (OSError, TimeoutError) as error:  # a worker was lost just then
                if not left:
                    raise RunFailedError(
                        "Dask workers ended before they could be given a unit"
                        f"{self.above_limit()}. Finished units are kept. {self.said()}"
                    ) from error
                time.sleep(TICK)
            else:
                return

    def run(self) -> None:
        """Hand out units until all are settled, or the listener asks to stop."""
        self.look()
        while True:
            self.fill()
            if not self.flying and (self.agenda.stopping or not self.agenda.open):
                break
            with contextlib.suppress(queue.Empty):
                self.take(self.finished.get(timeout=TICK))
            if time.monotonic() - self.looked > LOOK_EVERY or not self.workers:
                self.look()
        self.agenda.finish()

    def close(self) -> None:
        """Take the job away from workers that outlive it."""
        if not self.connection.own and self.client.status == "running":
            self.client.unregister_worker_plugin(self.plugin)

    def fill(self) -> None:
        """Hand out units as far as there are workers."""
        from microsim.execution.dask_serving import do_unit

        while len(self.flying) < WINDOW * self.workers:
            task = self.agenda.next(len(self.flying))
            if task is None:
                return
            future = self.client.submit(
                do_unit, self.token, task.unit, task.alone,
                key=f"microsim-unit-{uuid.uuid4().hex}", pure=False,
            )  # fmt: skip
            self.flying[future.key] = (future, task)
            self.wait_for(future)

    def wait_for(self, future: Future[Any]) -> None:
        """Have its key queued when a future is finished."""
        future.add_done_callback(lambda one: self.finished.put(one.key))

    def take(self, key: str) -> None:
        """Take what became of one unit."""
        from distributed.scheduler import KilledWorker

        future, task = self.flying[key]
        if future.status in ("cancelled", "lost"):
            raise StoppedError(self.agenda.stopped("the Dask scheduler was lost"))
        try:
            answer = future.result(timeout=FETCH_TIMEOUT)
        except KilledWorker as error:
            del self.flying[key]
            # beside others it may have been queued only
            sure = error.allowed_failures + 1 if task.alone else 0
            where = str(getattr(error.last_worker, "address", "a Dask worker"))
            self.unborn.add(task.number)
            if not self.answers and len(self.unborn) >= MOST_UNBORN:
                raise RunFailedError(
                    f"Dask workers ended at each of the first {len(self.unborn)} units, and none "
                    f"did any: {self.words_on(where)}"
                ) from error
            self.agenda.died(task, self.words_on(where), where, sure)
            return
        except TimeoutError:  # its worker died before the answer was fetched: it is done again
            self.wait_for(future)
            return
        except Exception as error:
            if self.client.status != "running" or future.status in ("cancelled", "lost"):
                raise StoppedError(self.agenda.stopped("the Dask scheduler was lost")) from error
            del self.flying[key]
            self.errors += 1
            if self.errors >= MOST_ERRORS:
                text = (
                    f"{MOST_ERRORS} units in a row failed outside of microsim; the last: {error!r}"
                )
                raise RunFailedError(text) from error
            self.agenda.give_back(task)
            return
        del self.flying[key]
        self.errors, self.answers = 0, True
        if answer["kind"] == "released":
            self.agenda.give_back(task)
        else:
            self.agenda.answered(task, answer)

    def words_on(self, where: str) -> str:
        """Return how a worker ended, as far as Dask tells, and what workers said lately."""
        cause = self.above_limit()
        words = f"the Dask worker at {where} ended while it had this unit{cause}; {OUT_OF_MEMORY}."
        return f"{words} {self.said()}".rstrip()

    def above_limit(self) -> str:
        """Return what may have ended a worker, where there is a limit of memory."""
        limit = self.place.memory_limit // 2**20
        above = f"; Dask ends one when it has more memory than {limit} MiB (--memory-limit)"
        return above if limit else ""

    def said(self) -> str:
        """Return what workers of this run said lately."""
        said = self.connection.words() if self.connection.own else ""
        return f"Workers said:\n{said}" if said else ""

    def look(self) -> None:
        """Count the workers; it is an error that there are none for long."""
        if self.client.status != "running":
            raise StoppedError(self.agenda.stopped("the Dask scheduler was lost"))
        self.looked = time.monotonic()
        try:
            there = set(self.client.nthreads())
        except (OSError, TimeoutError) as error:
            raise StoppedError(self.agenda.stopped("the Dask scheduler was lost")) from error
        self.gone += len(self.there - there)
        self.there, self.workers = there, len(there)
        if self.workers:
            self.seen = self.looked
            self.agenda.width = WINDOW * self.workers
        self.check_they_stay()
        if self.agenda.stopping:
            self.let_go()
        elif self.looked - self.seen > self.patience:
            raise RunFailedError(
                f"no Dask worker for {self.patience:.0f} s{self.above_limit()}; "
                "finished units are kept. "
                f"{self.connection.words()}"
            )
        elif not self.workers and self.looked - max(self.seen, self.told) > TELL_EVERY:
            self.told = self.looked
            waited = self.looked - self.seen
            self.listener.note(
                f"no Dask worker for {waited:.0f} s; waiting up to {self.patience:.0f} s"
            )

    @property
    def patience(self) -> float:
        """Seconds without any worker that are an error; those of this machine were there before."""
        here = LOCAL_PATIENCE if self.connection.logs else self.place.start_timeout
        return min(here, self.place.start_timeout)

    def check_they_stay(self) -> None:
        """Refuse to start workers of this machine for ever that all end before a unit is done."""
        if not self.connection.logs or self.answers:
            return
        started = len(list(Path(self.connection.logs).glob("*.err")))
        gone = max(self.gone, started - self.workers)
        if gone >= MOST_GONE * self.place.workers:
            raise RunFailedError(
                f"{gone} Dask workers ended before any unit was done{self.above_limit()}; "
                f"{OUT_OF_MEMORY}. Finished units are kept. {self.said()}".rstrip()
            )

    def let_go(self) -> None:
        """Have what is not begun returned, or all if there is nobody to do it."""
        from microsim.execution.dask_serving import release

        if not self.workers:
            for future, task in self.flying.values():
                future.cancel()
                self.agenda.give_back(task)
            self.flying.clear()
        elif not self.released:
            self.released = True
            # a worker that is just lost or replaced is no matter here
            self.client.run(release, self.token, wait=False, on_error="ignore")


def run_dask(job: Job, place: Place, listener: Listener) -> None:
    """Run all units of a job on Dask workers.

    Raises
    ------
    InputError
        Dask is not installed, a site file or key is at fault, or a worker found the input at fault.
    RunFailedError
        No worker came up, or none could start.
    StoppedError
        The listener asked to stop, or the scheduler was lost, and units are left.
    """
    with connected(place, job.size) as connection:
        window = _Window(job, place, listener, connection)
        try:
            window.run()
        finally:
            window.close()
