"""Backends at work: CPU time of a unit with one worker and with two, the coordinator's share, and
what the plan had said.

    python benchmarks/scale/backends.py [--persons 10000000] [--rounds 3] [--backends ...] [--write]

All units of a static run of Kenya are computed by each backend with one worker and with two, in
turns, so that other load on the machine meets all alike.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ground
from ground import GIB, MIB, Table, seconds

BACKENDS = "processes,dask,mpi"
WORKERS = (1, 2)
MOST_RATIO = 1.08
MOST_OVERHEAD = {"processes": 20, "mpi": 20, "dask": 50}


@dataclass
class Found:
    """What the rounds of one backend and number of workers gave."""

    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)
    medians: list[float] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def take(self, said: dict[str, Any], receipts: list[dict[str, Any]]) -> None:
        """Take one run."""
        cpu = [float(one["cpu_seconds"]) for one in receipts]
        self.cpu += cpu
        self.peak += [float(one["peak_memory"]) for one in receipts]
        self.medians.append(statistics.median(cpu))
        self.runs.append(said)

    def median(self, what: str, per: str = "") -> float:
        """Return the median over rounds of a figure, per unit if asked."""
        return statistics.median(
            [run[what] / (max(1, run["units"] - (per == "gap")) if per else 1) for run in self.runs]
        )


def measure(run: Path, options: argparse.Namespace, out: Path) -> dict[tuple[str, int], Found]:
    """Compute the run on each backend with each number of workers, round by round."""
    cases = [(name, n) for name in options.backends.split(",") for n in WORKERS]
    found = {case: Found() for case in cases}
    for turn in range(options.rounds):
        for backend, workers in cases if turn % 2 == 0 else reversed(cases):
            copy = ground.fresh(run, out / "copy")
            ranks = workers + 1 if backend == "mpi" else 0
            command = ground.program("units", copy, backend, workers, ranks=ranks)
            said = ground.asked(command, options.folder / "cache")
            found[backend, workers].take(said, ground.receipts(copy))
    return found


def paces(found: dict[tuple[str, int], Found]) -> Table:
    """Return the CPU time of units and what the coordinator adds."""
    table = Table(
        "Units on one worker and on two",
        ("", "CPU a unit", "two workers / one", "of each round", "wanted", "wall of all",
         "coordinator a unit", "with start and end", "wanted"),
    )  # fmt: skip
    for (backend, workers), of in found.items():
        one = found[backend, WORKERS[0]]
        ratio = statistics.median(of.cpu) / statistics.median(one.cpu)
        rounds = [b / a for a, b in zip(one.medians, of.medians, strict=True)]
        many = workers > 1
        table.add(
            f"{backend}, {workers} worker{'s' if many else ''}",
            seconds(statistics.median(of.cpu)),
            f"{ratio:.3f}" if many else "",
            f"{min(rounds):.3f} to {max(rounds):.3f}" if many else "",
            f"{MOST_RATIO}" if many else "",
            f"{of.median('wall'):.1f} s",
            f"{of.median('handing_out', 'gap') * 1000:.1f} ms",
            f"{of.median('run_job', 'units') * 1000:.1f} ms",
            f"{MOST_OVERHEAD[backend]} ms" if backend in MOST_OVERHEAD else "",
        )
    return table


def plans(plan: dict[str, Any], of: Found, merged: dict[str, Any], disk: int) -> Table:
    """Return what the plan said beside what was measured."""
    table = Table("The plan and the run", ("", "planned", "measured", "difference", "wanted"))
    units = plan["start_seconds"] + plan["unit_seconds"] * plan["units"]
    rows: list[tuple[str, float, float, str]] = [
        ("CPU time of a unit", plan["unit_seconds"], statistics.median(of.cpu), "s"),
        ("CPU time of one worker: start and all units", units, of.median("workers"), "s"),
        ("CPU time of merge and tables", plan["merge_seconds"], merged["cpu"], "s"),
        ("CPU time after preparing", units + plan["merge_seconds"],
         of.median("workers") + merged["cpu"], "s"),
        ("largest memory of a worker", plan["worker_memory"] / MIB, max(of.peak) / MIB, "MiB"),
        ("largest memory of the merge", plan["coordinator_memory"] / MIB,
         merged["resident"] / MIB, "MiB"),
        ("disk at most", plan["disk"] / GIB, disk / GIB, "GiB"),
    ]  # fmt: skip
    for what, planned, measured, unit in rows:
        digits = 0 if unit == "MiB" else 2
        table.add(
            what, f"{planned:,.{digits}f} {unit}", f"{measured:,.{digits}f} {unit}",
            ground.ratio(measured, planned), "25 %",
        )  # fmt: skip
    return table


def main() -> None:
    """Measure and print."""
    parser = ground.arguments(__doc__)
    parser.add_argument("--persons", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backends", default=BACKENDS)
    options = parser.parse_args()
    said, cache = ground.on_what(), options.folder / "cache"
    file = ground.population(options.folder, options.households, options.persons)
    with tempfile.TemporaryDirectory(prefix="microsim-benchmark-", dir=options.folder) as place:
        out = Path(place)
        run = ground.prepared(file, out / "run", cache, options.shard_persons)
        # The first forecast also compiles what no program has used yet.
        plan = [
            ground.asked(ground.program("forecast", ground.fresh(run, out / "copy")), cache)
            for _ in range(min(2, options.rounds))
        ][-1]
        found = measure(run, options, out)
        # the copy that was computed last
        merged = ground.asked(ground.program("merge", out / "copy"), cache)
        disk = sum(p.stat().st_size for p in (out / "copy").rglob("*.bin")) + merged["scratch"]
    table = paces(found)
    first = next(iter(found.values()))
    persons = ground.persons_in(file)
    table.notes = [
        f"Kenya, {persons:,} persons, baseline and three reforms, {first.runs[0]['units']} units "
        f"of about {persons // first.runs[0]['units']:,} persons; {options.rounds} rounds in "
        "turns, medians. The coordinator's CPU time a unit is taken between the first finished "
        "unit and the last; beside it, all of the job, in which Dask is imported and its cluster "
        "started and ended, shared among the units."
    ]
    ground.show("backends.py", [table, plans(plan, first, merged, disk)], said, write=options.write)


if __name__ == "__main__":
    main()
