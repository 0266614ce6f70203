"""What handing out costs: units that take no time, up to a million of them and 1,000 workers.

    python benchmarks/scale/scheduling.py [--units 1000000] [--workers 1000] [--write]

Real light workers as far as one machine holds them, and the coordinators' own loops with workers
that are played (see `played.py`). The cost is fitted as a law; from it follows how busy the
coordinator of many workers is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ground
import numpy as np
from ground import MIB, Table, seconds
from ledgers import make

LIGHT, PLAYED, LEDGERS = (
    str(ground.HERE / f"{name}.py") for name in ("light", "played", "ledgers")
)
PAUSE = 0.002  # seconds between messages of played workers, so that each is heard alone
IDLE_WORKERS = 2
MINUTE = 60.0
MOST_BUSY = 5.0
FARTHEST = 20  # times the workers measured: no law is told beyond


@dataclass(frozen=True)
class Law:
    """CPU seconds of the coordinator: `once`, and `start` a worker; `unit + worker * workers` a
    unit; and `idle` a second, whatever there is to do.
    """

    once: float
    start: float
    unit: float
    worker: float
    idle: float

    def a_unit(self, workers: int) -> float:
        """Return seconds a unit."""
        return self.unit + self.worker * workers

    def busy(self, workers: int) -> float:
        """Return per cent of a processor, if every worker does a unit a minute."""
        return 100.0 * (self.idle + workers / MINUTE * self.a_unit(workers))


def law(runs: Sequence[dict[str, Any]], starts: Sequence[dict[str, Any]], idle: float) -> Law:
    """Return the law that fits runs best; starts are those in which workers are real."""
    once, start = line([(run["workers"], run["start"]) for run in starts])
    return Law(
        once, start, *line([(run["workers"], run["cpu"] / run["units"]) for run in runs]), idle
    )


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return base and slope of the line with the smallest relative errors; none is negative."""
    x, y = (np.array(of, float) for of in zip(*points, strict=True))
    columns = np.stack([np.ones(len(x)), x], axis=1) / y[:, None]
    (base, slope), *_ = np.linalg.lstsq(columns, np.ones(len(x)), rcond=None)
    if slope < 0:
        return float(np.median(y)), 0.0
    if base < 0:
        return 0.0, float(np.median(y / x))
    return float(base), float(slope)


# -- runs ----------------------------------------------------------------------------------------


class Runs:
    """Runs programs again and again, and keeps the one whose CPU time is the median."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.cache = options, options.folder / "cache"

    def ask(self, command: list[str]) -> dict[str, Any]:
        """Run a program."""
        return ground.asked(command, self.cache)

    def median(self, command: list[str]) -> dict[str, Any]:
        """Run a program some times."""
        found = [self.ask(command) for _ in range(self.options.rounds)]
        return sorted(found, key=lambda run: run["cpu"])[len(found) // 2]

    def light(self, backend: str, workers: int, units: int, each: float = 0.0) -> dict[str, Any]:
        """Hand out units to real workers."""
        ranks = workers + 1 if backend == "mpi" else 0
        given = (backend, workers, units, each)
        return self.median(ground.command(LIGHT, *given, ranks=ranks))

    def idle(self, backend: str) -> float:
        """Return CPU seconds a second of a coordinator that waits."""
        run = self.light(backend, IDLE_WORKERS, 2 * IDLE_WORKERS, self.options.idle_seconds)
        return float(run["cpu"] / run["wall"])

    def played(
        self, backend: str, run: Path, workers: int, units: int, pause: float = 0.0
    ) -> dict[str, Any]:
        """Hand out units to workers that are played."""
        return self.median(ground.command(PLAYED, backend, run, workers, units, pause))


def crowds(options: argparse.Namespace) -> list[int]:
    """Return numbers of workers: each ten times the one before."""
    found = [options.workers]
    while found[-1] >= 10:
        found.append(found[-1] // 10)
    return found[::-1]


def measure(options: argparse.Namespace, out: Path) -> tuple[Table, Table]:
    """Return the runs, and the laws that follow."""
    runs, ledger = Runs(options), make(out / "run", options.units)
    table = Table(
        f"Handing out up to {options.units:,} units",
        ("", "workers", "units", "CPU a unit", "start", "units/s", "memory added"),
    )
    laws = Table(
        "Law of cost of the coordinator",
        ("", "start", "a: a worker", "b: a unit", "c: a unit and worker", "waiting",
         f"a unit, {options.workers:,} workers", "busy at a unit a worker and minute", "wanted"),
    )  # fmt: skip
    for backend in options.backends.split(","):
        real = [runs.light(backend, n, _light_units(options, n, backend)) for n in
                _light_workers(options, backend)]  # fmt: skip
        for run in real:
            _add(table, f"{backend}, real workers", run)
        fitted = real
        if backend in ("processes", "mpi"):
            pause, n = (
                (PAUSE, options.paced) if backend == "processes" else (0.0, options.units // 20)
            )
            fitted = [
                runs.played(backend, ledger, w, max(n, 3 * w), pause) for w in crowds(options)
            ]
            for run in fitted:
                _add(table, f"{backend}, played{', one at a time' if pause else ''}", run)
            whole = ground.command(PLAYED, backend, ledger, options.workers, options.units, 0.0)
            _add(table, f"{backend}, played", runs.ask(whole))
        found = law(fitted, real, runs.idle(backend))
        laws.add(
            backend, _ms(found.once), _ms(found.start), _ms(found.unit),
            f"{found.worker * 1e6:.2f} µs",
            f"{found.idle * 100:.2f} %",
            *_at(found, options.workers, max(run["workers"] for run in fitted)),
            f"{MOST_BUSY:.0f} %",
        )  # fmt: skip
    return table, laws


def _at(found: Law, workers: int, measured: int) -> tuple[str, str]:
    """Return what a law says of so many workers, unless that is far beyond what was measured."""
    if workers > FARTHEST * measured:
        return "not measured", f"not measured ({found.busy(measured):.1f} % with {measured})"
    return _ms(found.a_unit(workers)), f"{found.busy(workers):.1f} %"


def _light_workers(options: argparse.Namespace, backend: str) -> list[int]:
    most = options.dask_workers if backend == "dask" else options.light
    return sorted({max(1, most // 4), max(1, most // 2), most})


def _light_units(options: argparse.Namespace, workers: int, backend: str) -> int:
    return max(options.units // (500 if backend == "dask" else 50), 4 * workers)


def _add(table: Table, what: str, run: dict[str, Any]) -> None:
    each = run["cpu"] / run["units"]
    added = f"{(run['own'] - run['before']) / MIB:.0f} MiB" if "own" in run else ""
    start = "" if "played" in what else _ms(run["start"])
    rate = "" if "one at a time" in what else f"{run['units'] / run['wall']:,.0f}"
    units = run["units"] + run["workers"]
    table.add(what, f"{run['workers']:,}", f"{units:,}", _ms(each), start, rate, added)
    print(" | ".join(table.rows[-1]), file=sys.stderr, flush=True)


def _ms(value: float) -> str:
    return f"{value * 1000:.3f} ms"


# -- the ledger ----------------------------------------------------------------------------------


def ledgers(options: argparse.Namespace, out: Path) -> Table:
    """Return what it takes to find out what is done, from the files alone."""
    table = Table(
        f"The ledger of {options.units:,} units",
        ("done", "what is missing", "status", "deaths in the diaries", "memory added"),
    )
    runs = Runs(options)
    for done in map(int, options.done.split(",")):
        run = make(out / f"done-{done}", options.units, done, options.workers if done else 0)
        found = [runs.median([*ground.command(LEDGERS, what, run)]) for what in
                 ("look", "status", "deaths")]  # fmt: skip
        added = max(one["own"] - one["before"] for one in found) / MIB
        table.add(f"{done:,}", *(seconds(one["cpu"]) for one in found), f"{added:.0f} MiB")
    table.notes = [
        "CPU time of one look; a run looks before and after its units. Where units are done their "
        f"diaries are those of {options.workers:,} workers."
    ]
    return table


def main() -> None:
    """Measure and print."""
    parser = ground.arguments(__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1_000, help="played")
    parser.add_argument("--light", type=int, default=64, help="real light workers at most")
    parser.add_argument("--dask-workers", type=int, default=16, help="real ones at most")
    parser.add_argument("--paced", type=int, default=2_000, help="units heard one at a time")
    parser.add_argument("--idle-seconds", type=float, default=3.0, help="of a unit, to see waiting")
    parser.add_argument("--done", default="0,10000", help="units done in the ledger")
    parser.add_argument("--backends", default="processes,mpi,dask")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    said = ground.on_what()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="microsim-benchmark-", dir=options.folder) as place:
        table, laws = measure(options, Path(place))
        looks = ledgers(options, Path(place))
    table.notes = [
        "CPU time of the coordinator between the first answers of all workers and the last; units "
        f"take no time; medians of {options.rounds} runs. Real workers import nothing heavy."
    ]
    laws.notes = [
        "Fitted to the runs above (relative errors), with played workers where there are any: "
        "seconds = start + a x workers + units x (b + c x workers) + waiting x wall time. Dask's "
        "scheduler is part of the coordinator here, and so counted; with a scheduler of its own "
        "(--address) it is not."
    ]
    ground.show("scheduling.py", [table, laws, looks], said, write=options.write)


if __name__ == "__main__":
    main()
