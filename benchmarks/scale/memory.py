"""Memory of a worker and of the coordinator while the population grows.

python benchmarks/scale/memory.py [--persons 1000000,5000000,...] [--workers 2] [--write]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import ground
from ground import GIB, MIB, Table, commands
from watching import watched

SIZES = "1000000,5000000,10000000,25000000,50000000"
HEADS = (
    "persons", "worker", "planned", "coordinator", "planned", "without pages of files",
    "shard files", "before the units", "CPU in all", "wall",
)  # fmt: skip


def measure(file: Path, options: argparse.Namespace, out: Path) -> list[str]:
    """Prepare, plan, compute and merge one population; return its row."""
    cache = options.folder / "cache"
    environment, log = ground.environment(cache), out / "log.txt"
    run, copy = out / "run", out / "plan"
    before = watched(ground.prepare_command(file, run, options.shard_persons), environment, log)
    plan = ground.asked(ground.program("forecast", ground.fresh(run, copy)), cache)
    command = commands.microsim(
        "resume", run, "--backend", "processes", "--workers", options.workers
    )
    after = watched(command, environment, log)
    peaks = [float(one["peak_memory"]) for one in ground.receipts(run)]
    disk = sum(path.stat().st_size for path in run.rglob("*.bin"))
    return [
        f"{ground.persons_in(file):,}",
        f"{max(peaks) / MIB:.0f} MiB (median {statistics.median(peaks) / MIB:.0f})",
        f"{plan['worker_memory'] / MIB:.0f} MiB",
        f"{after.seen.resident / MIB:,.0f} MiB",
        f"{plan['coordinator_memory'] / MIB:,.0f} MiB",
        f"{after.seen.own / MIB:,.0f} MiB",
        f"{disk / GIB:.1f} GiB",
        f"{before.seen.resident / MIB:.0f} MiB",
        f"{before.cpu + after.cpu:,.0f} s",
        f"{before.wall + after.wall:,.0f} s",
    ]


def main() -> None:
    """Measure and print."""
    parser = ground.arguments(__doc__)
    parser.add_argument("--persons", default=SIZES)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    said, table = ground.on_what(), Table("Memory while the population grows", HEADS)
    for persons in map(int, options.persons.split(",")):
        file = ground.population(options.folder, options.households, persons)
        place = tempfile.TemporaryDirectory(prefix="microsim-benchmark-", dir=options.folder)
        with place as out:
            row = measure(file, options, Path(out))
        print(" | ".join(row), flush=True)
        table.add(*row)
    table.notes = [
        f"Kenya, baseline and three reforms, {options.workers} processes; a worker's figure is "
        "the largest of all its units. The coordinator merges and makes the tables; its resident "
        "memory counts pages of the household columns on disk, which the system takes back when "
        "others need memory."
    ]
    ground.show("memory.py", [table], said, write=options.write)


if __name__ == "__main__":
    main()
