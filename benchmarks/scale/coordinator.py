"""Does one part of a prepared run as `microsim` does it, and prints what that took, as JSON.

    python coordinator.py units RUN BACKEND WORKERS
    python coordinator.py forecast RUN
    python coordinator.py merge RUN
    python coordinator.py copies RUN FOLDER FILES [cold]

The mpi backend: `mpiexec -n WORKERS+1 python -m mpi4py coordinator.py units RUN mpi WORKERS`.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from watching import Myself

from microsim.budget.tables import all_tables
from microsim.execution.backend import serve_if_worker
from microsim.execution.jobs import Job, Payload
from microsim.execution.listener import Failure, Listener
from microsim.execution.place import Place
from microsim.population.store import PopulationReader
from microsim.results.shards import read_shard
from microsim.simulation import carrying
from microsim.simulation.answer import answer
from microsim.simulation.contents import Assembler
from microsim.simulation.merge import Part
from microsim.simulation.merge import merge as merge_files
from microsim.simulation.planning import forecast
from microsim.simulation.run import open_run
from microsim.simulation.worlds import WorldKey


@dataclass
class Clock:
    """A watch of a run that notes the CPU seconds of this process at each finished unit."""

    at: list[float] = field(default_factory=list)
    when: list[float] = field(default_factory=list)
    job: float = 0.0

    def began(self, n_missing: int, n_units: int, persons: int) -> None:
        """Nothing."""

    def done(self, receipt: Payload) -> None:  # noqa: ARG002
        """Note the time."""
        self.at.append(time.process_time())
        self.when.append(time.perf_counter())

    def failed(self, failure: Failure) -> None:
        """Give up: a benchmark of failures is none."""
        raise RuntimeError(failure.text)

    def note(self, text: str) -> None:
        """Nothing."""


def units(run: Path, backend: str, workers: int) -> dict[str, Any]:
    """Compute all units, and return CPU seconds of this process: of `run_job` in all, and between
    the first finished unit and the last; of processes it started; and the wall seconds in between.
    """
    clock, run_job = Clock(), carrying.run_job

    def timed(job: Job, place: Place, listener: Listener) -> None:
        began = time.process_time()
        run_job(job, place, listener)
        clock.job += time.process_time() - began

    carrying.run_job = timed
    began, children = time.process_time(), _of_children()
    carrying.carry_out(open_run(run), Place(backend, workers), clock)
    return {
        "units": len(clock.at),
        "carry_out": time.process_time() - began,
        "run_job": clock.job,
        "handing_out": clock.at[-1] - clock.at[0],
        "workers": _of_children() - children,
        "wall": clock.when[-1] - clock.when[0],
    }


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def merge(run: Path) -> dict[str, Any]:
    """Merge a run and make its results; return CPU seconds, memory, and bytes of scratch."""
    with Myself() as myself:
        prepared = open_run(run)
        began, cpu = time.perf_counter(), time.process_time()
        answer(prepared, "serial", 1, began)
        took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    return {**took, **asdict(myself.seen), "scratch": myself.scratch}


def copies(run: Path, folder: Path, n: int, cold: bool) -> dict[str, Any]:
    """Merge the first `n` of a folder of shard files, which need not make up the population; make
    the tables; return what each took.
    """
    prepared, files = open_run(run), sorted(folder.rglob("*.bin"))[:n]
    own = sorted((run / "shards").rglob("*.bin"))
    households = [len(read_shard(path)[1]["weight"]) for path in own]
    total = sum(households[k % len(own)] for k in range(len(files)))
    if cold:
        forget(files)
    population = prepared.population
    like = SimpleNamespace(
        n_households=total, regions=population.regions, has_design=population.has_design
    )
    found: dict[str, Any] = {"households": total}
    whole, scratch = prepared.whole_model(WorldKey()), run / "scratch"
    with measured(found, "merge"):
        parts = [Part(prepared.base_model(0), files)]
        merged = merge_files(parts, whole, cast("PopulationReader", like), scratch)
    with measured(found, "tables"):
        all_tables(Assembler(whole, population).contents(merged, whole.names))
    shutil.rmtree(scratch, ignore_errors=True)
    found["scratch"] = max(found[name]["scratch"] for name in ("merge", "tables"))
    return found


@contextlib.contextmanager
def measured(found: dict[str, Any], name: str) -> Iterator[None]:
    """Measure what is done in the block."""
    began, cpu = time.perf_counter(), time.process_time()
    with Myself() as myself:
        yield
    took = {"wall": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    found[name] = {**took, **asdict(myself.seen), "scratch": myself.scratch}


def forget(files: list[Path]) -> None:
    """Have the system write files to disk and forget their content."""
    for path in files:
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def planned(run: Path) -> dict[str, Any]:
    """Return the plan's forecast for a run."""
    prepared = open_run(run)
    return asdict(forecast(prepared, 0.0))


def main() -> None:
    """Do what the command line says."""
    what, run = sys.argv[1], Path(sys.argv[2])
    if what == "units":
        backend, workers = sys.argv[3], int(sys.argv[4])
        if backend == "mpi" and serve_if_worker():
            return
        found = units(run, backend, workers)
    elif what == "copies":
        found = copies(run, Path(sys.argv[3]), int(sys.argv[4]), "cold" in sys.argv[5:])
    else:
        found = {"forecast": planned, "merge": merge}[what](run)
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
