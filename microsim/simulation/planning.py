"""Says before a run how many units it has, and what time, memory and disk they take.

A few units are computed for real in a worker of their own and merged; the rest is proportion.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import platform
import resource
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy.typing as npt

from microsim.budget.tables import all_tables
from microsim.errors import RunFailedError
from microsim.execution.backend import run_job
from microsim.execution.jobs import Job, Payload
from microsim.execution.listener import Failure
from microsim.execution.place import Place
from microsim.execution.serving import peak_memory
from microsim.population.store import PopulationReader
from microsim.results.shards import read_shard
from microsim.simulation.answering_years import answer_years
from microsim.simulation.carrying import Units, never
from microsim.simulation.contents import Assembler
from microsim.simulation.directory import RunDirectory
from microsim.simulation.merge import Part, merge
from microsim.simulation.phases import Prepared, open_prepared
from microsim.simulation.worker import START, compile_for_workers, setup_of
from microsim.simulation.worlds import WorldKey

SAMPLE = 4  # units computed: the first also loads the rules, the others give the pace
MOST_SAMPLE_PERSONS = 2_000_000
# A worker that has done many units has more memory than after a few: freed memory is not all given
# back. It stops growing after some fifty (benchmarks/README.md).
AFTER_MANY_UNITS = 1.2


@dataclass(frozen=True)
class Forecast:
    """What a run will take.

    Attributes
    ----------
    units, shards, worlds, batches
        Numbers; a unit is a batch of scenarios in a world on a shard.
    persons, households
        Of the population.
    prepare_seconds
        CPU seconds of the phases before the units, measured.
    start_seconds
        CPU seconds until a worker is ready, once a worker.
    unit_seconds
        CPU seconds of a unit of average size.
    merge_seconds
        CPU seconds of the merge and the tables.
    worker_memory, coordinator_memory
        Largest memory of a worker and of the process that merges, bytes.
    disk
        Bytes of the run directory at its largest, with the scratch of the merge.
    sampled_units, sampled_persons
        What was computed for it.
    """

    units: int
    shards: int
    worlds: int
    batches: int
    persons: int
    households: int
    prepare_seconds: float
    start_seconds: float
    unit_seconds: float
    merge_seconds: float
    worker_memory: int
    coordinator_memory: int
    disk: int
    sampled_units: int
    sampled_persons: int
    machine: str

    @property
    def unit_seconds_in_all(self) -> float:
        """CPU seconds of all units."""
        return self.units * self.unit_seconds

    def wall_seconds(self, workers: int) -> float:
        """Return seconds on `workers` free cores: whole units are handed out."""
        rounds = -(-self.units // workers)
        work = rounds * self.unit_seconds + self.start_seconds
        return self.prepare_seconds + work + self.merge_seconds


def forecast(prepared: Prepared, prepare_seconds: float) -> Forecast:
    """Compute a few units of a prepared run, and say what all of them will take.

    Parameters
    ----------
    prepared
        The run; units computed here count as done in it.
    prepare_seconds
        CPU seconds that preparing took.

    Raises
    ------
    RunFailedError
        A sampled unit failed, or a worker refused to compute.
    """
    began = _cpu()
    compile_for_workers(prepared)
    numbers = sample_of(prepared)
    children = _cpu_of_children()
    receipts = _compute(prepared, numbers)
    children = _cpu_of_children() - children
    prepare_seconds += _cpu() - began
    cpu = [float(receipt["cpu_seconds"]) for receipt in receipts]
    persons = [_persons_of(prepared, int(receipt["unit"])) for receipt in receipts]
    pace = _pace(cpu, persons)
    population, numbering = prepared.population, prepared.numbering
    average = population.n_persons / numbering.n_shards
    merging = _in_a_process(_measure_merge, str(prepared.directory.path.absolute()), numbers)
    bytes_a_person = sum(int(r["bytes"]) for r in receipts) / sum(persons)
    worlds = numbering.n_units // (numbering.n_shards * numbering.n_batches)
    return Forecast(
        units=numbering.n_units,
        shards=numbering.n_shards,
        worlds=worlds,
        batches=numbering.n_batches,
        persons=population.n_persons,
        households=population.n_households,
        prepare_seconds=prepare_seconds,
        start_seconds=max(0.0, children - sum(p * pace for p in persons)),
        unit_seconds=average * pace,
        merge_seconds=worlds * merging.seconds(population.n_households),
        worker_memory=_memory_of_worker(receipts, persons, _largest_shard(prepared)),
        coordinator_memory=merging.memory(population.n_households),
        disk=int(
            bytes_a_person * population.n_persons * numbering.n_batches * worlds
            + merging.scratch(population.n_households)
        ),
        sampled_units=len(receipts),
        sampled_persons=sum(persons),
        machine=machine(),
    )


def sample_of(prepared: Prepared) -> list[int]:
    """Return the numbers of units to compute: spread over the shards of the first block."""
    n = prepared.numbering.n_shards
    persons = prepared.directory.shard_persons()
    most = max(2, min(SAMPLE, MOST_SAMPLE_PERSONS // max(1, max(persons))))
    chosen = sorted({k * n // most for k in range(most)})
    return chosen or [0]


def _compute(prepared: Prepared, numbers: Sequence[int]) -> list[Payload]:
    """Compute units in one worker process; units that are there are computed again."""
    for number in numbers:
        prepared.file(prepared.unit(number)).unlink(missing_ok=True)
    seen = _Receipts()
    job = Job(START, setup_of(prepared, 1), Units(prepared, numbers))
    run_job(job, Place("processes", 1), seen)
    if seen.failures:
        failure = seen.failures[0]
        raise RunFailedError(f"a sampled unit failed ({failure.kind}):\n{failure.text}")
    for receipt in seen.receipts:
        if "stop" in receipt:
            raise RunFailedError(str(receipt["stop"]))
    return seen.receipts


class _Receipts:
    """Keeps receipts and failures."""

    def __init__(self) -> None:
        self.receipts: list[Payload] = []
        self.failures: list[Failure] = []
        self.stopping = never

    def done(self, receipt: Payload) -> None:
        self.receipts.append(receipt)

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure)

    def note(self, text: str) -> None:
        """Nothing is shown while planning."""


def _persons_of(prepared: Prepared, number: int) -> int:
    return prepared.directory.shard_persons()[prepared.numbering.place(number).shard]


def _largest_shard(prepared: Prepared) -> int:
    return max(prepared.directory.shard_persons())


def _pace(cpu: Sequence[float], persons: Sequence[int]) -> float:
    """Return CPU seconds a person: of all units but the first, which also loads the rules."""
    if len(cpu) == 1:
        return cpu[0] / persons[0]
    paces = sorted(c / p for c, p in zip(cpu[1:], persons[1:], strict=True))
    return paces[len(paces) // 2]


def _memory_of_worker(receipts: Sequence[Payload], persons: Sequence[int], largest: int) -> int:
    """Return the memory of a worker at the largest shard: what was seen, its proportion for what is
    larger, and what comes with many units.
    """
    peak = max(int(receipt["peak_memory"]) for receipt in receipts)
    return int(peak * max(1.0, 0.5 + 0.5 * largest / max(persons)) * AFTER_MANY_UNITS)


# -- merging, measured in a process of its own ----------------------------------------------------


@dataclass(frozen=True)
class Merging:
    """What a merge takes: at two numbers of households, in between and beyond by a line through
    them, straight for memory and disk, n log n for time: tables sort.

    households, cpu, peak, scratch_bytes: shape (2,), as measured.
    """

    households: tuple[int, int]
    cpu: tuple[float, float]
    peak: tuple[int, int]
    scratch_bytes: tuple[int, int]

    def seconds(self, households: int) -> float:
        """Return CPU seconds for so many households."""
        h0, h1, h = (n * math.log2(1 + n) for n in (*self.households, households))
        return _line((h0, h1), self.cpu, h)

    def memory(self, households: int) -> int:
        """Return the largest memory for so many households, bytes."""
        return int(_line(self.households, self.peak, households))

    def scratch(self, households: int) -> int:
        """Return bytes on disk while so many households are merged."""
        return int(_line(self.households, self.scratch_bytes, households))


def _line(where: tuple[float, float], values: tuple[float, float], at: float) -> float:
    (x0, x1), (v0, v1) = where, values
    slope = (v1 - v0) / (x1 - x0) if x1 > x0 else v1 / max(1, x1)
    return v1 + max(0.0, slope) * (at - x1)


def _in_a_process(work: Any, *given: Any) -> Merging:  # noqa: ANN401 - a function and what it takes
    """Run a measurement in a new process, whose memory is its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        found: Merging = pool.apply(work, given)
    return found


@dataclass(frozen=True)
class _Sampled:
    """The part of a population whose units were computed, as the merge sees a population."""

    n_households: int
    regions: tuple[str, ...]
    has_design: bool


def _measure_merge(run: str, numbers: Sequence[int]) -> Merging:
    """Merge one and all of the sampled units, and measure.

    The first merge of a process also loads machine code: that is paid once, whatever the size.
    """
    prepared = open_prepared(RunDirectory(Path(run)))
    files = [prepared.file(prepared.unit(number)) for number in numbers]
    households, width = _households_in(files)
    scratch = Path(run) / f".merge-plan-{os.getpid()}"
    found: list[tuple[int, float, int, int]] = []
    try:
        for some in (1, 1, len(files)):
            n, began = sum(households[:some]), _cpu()
            _merge_some(prepared, files[:some], n, scratch)
            found.append((n, _cpu() - began, peak_memory(), n * width))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    first, one, every = found
    loading = max(0.0, first[1] - one[1])
    cpu = (one[1] + loading, every[1] + loading)
    return Merging((one[0], every[0]), cpu, (one[2], every[2]), (one[3], every[3]))


def _merge_some(prepared: Prepared, files: Sequence[Path], n: int, scratch: Path) -> None:
    """Merge some files and make all tables of them."""
    population = prepared.population
    if prepared.scenario.projection is not None:
        answer_years(prepared, WorldKey(), [files], prepared.names, scratch)
        return
    sampled = cast("PopulationReader", _Sampled(n, population.regions, population.has_design))
    whole = prepared.whole_model(WorldKey())
    merged = merge([Part(prepared.base_model(0), files)], whole, sampled, scratch)
    contents = Assembler(whole, population).contents(merged, whole.names)
    all_tables(contents)


def _households_in(files: Sequence[Path]) -> tuple[list[int], int]:
    """Return the households of each file, and the bytes of a household in the scratch."""
    counts, width = [], 0
    for path in files:
        header, arrays = read_shard(path)
        if "households" in header:
            n, of_years = _households_of_years(header["households"], arrays)
            counts.append(n)
            width = of_years // n
            continue
        n = len(arrays["household_id"])
        counts.append(n)
        width = sum(a.nbytes for a in arrays.values() if n in a.shape) // n
    return counts, width


def _households_of_years(
    households: Mapping[str, int], arrays: Mapping[str, npt.NDArray[Any]]
) -> tuple[int, int]:
    """Return the households of the first year of a projection's unit, and bytes of scratch that the
    largest year takes.
    """
    first, *_ = households.values()
    largest = max(
        sum(a.nbytes for name, a in arrays.items() if name.startswith(year) and n in a.shape)
        for year, n in households.items()
    )
    return first, largest


# -- the machine ----------------------------------------------------------------------------------


def _cpu() -> float:
    return time.process_time()


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def machine() -> str:
    """Return what this machine is: processor and number of usable cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(
            (x.partition(":")[2].strip() for x in lines if x.startswith("model name")), name
        )
    except OSError:
        pass
    return f"{name}, {cores} cores"
