"""Merge of very many shard files: seconds, memory, and what a household costs.

    python benchmarks/scale/merging.py [--files 10000] [--persons 1000] [--write]

A small population is cut into shards of so many persons and computed; the files are copied until
there are enough. Scenarios, columns and sums are those of the real run.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import ground
from ground import MIB, Table, seconds

from microsim.population.store import read
from microsim.population.writing import write

HEADS = ("", "files", "households", "wall", "CPU", "largest memory", "without pages of files")
WANTED = ("wanted", "10,000", "", "60 s", "", "1,024 MiB", "")


def small_markets(source: Path, target: Path, persons: int) -> Path:
    """Write a population again with markets of about so many persons: shards can be small."""
    if not target.exists():
        population = read(source)
        market = population.households["start"].astype("int64") // persons
        households = {**population.households, "market": market}
        write(target, replace(population, households=households))
    return target


def shards(options: argparse.Namespace, out: Path) -> Path:
    """Compute a small run of small shards, and return its directory."""
    cache = options.folder / "cache"
    source = ground.population(options.folder, options.households, 0)
    name = f"{source.stem}_markets_of_{options.persons}.h5"
    file = small_markets(source, options.folder / name, options.persons)
    run = ground.prepared(file, out / "run", cache, max(1, options.persons // 2))
    ground.asked(ground.program("units", run, "processes", 2), cache)
    return run


def copies(run: Path, out: Path, n: int) -> Path:
    """Return a folder with so many files, copies of the run's in turn."""
    files = sorted((run / "shards").glob("*/*.bin"))
    for k in range(n):
        target = out / f"{k // 1000:04d}" / f"{k:07d}.bin"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(files[k % len(files)], target)
    return out


def rows(what: str, n: int, found: dict[str, Any]) -> list[list[str]]:
    """Return the rows of one merge: the merge itself, and the tables made of it."""
    return [
        [
            f"{what}{label}", f"{n:,}", f"{found['households']:,}", seconds(one["wall"]),
            seconds(one["cpu"]), f"{one['resident'] / MIB:,.0f} MiB",
            f"{one['own'] / MIB:,.0f} MiB",
        ]
        for label, one in (("merge", found["merge"]), ("tables after it", found["tables"]))
    ]  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = ground.arguments(__doc__)
    parser.set_defaults(households=25_000)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--persons", type=int, default=1_000, help="of a file, about")
    options = parser.parse_args()
    said, table, cache = ground.on_what(), Table("", HEADS), options.folder / "cache"
    with tempfile.TemporaryDirectory(prefix="microsim-benchmark-", dir=options.folder) as place:
        run = shards(options, Path(place))
        many = copies(run, Path(place) / "many", options.files)
        size = sum(path.stat().st_size for path in many.rglob("*.bin"))
        found = {}
        ground.asked(ground.program("copies", run, many, 1), cache)  # compiles what is not yet
        for n in (max(1, options.files // 2), options.files):
            found[n] = ground.asked(ground.program("copies", run, many, n), cache)
            table.rows += rows("", n, found[n])
        cold = ground.asked(ground.program("copies", run, many, options.files, "cold"), cache)
        table.rows += rows("files not in memory: ", options.files, cold)
    if options.files == 10_000:
        table.add(*WANTED)
    first, last = found.values()
    more = last["households"] - first["households"]
    each = {
        key: (max(last[p][key] for p in ("merge", "tables")) -
              max(first[p][key] for p in ("merge", "tables"))) / more
        for key in ("own", "resident")
    }  # fmt: skip
    table.title = f"Merge of {options.files:,} shard files"
    table.notes = [
        f"Files of about {options.persons:,} persons, baseline and three reforms, "
        f"{size / options.files / 1000:.0f} kB each, {size / 1e9:.1f} GB in all. From half of the "
        f"files to all of them the memory grows by {each['own']:.0f} bytes a household, "
        f"{each['resident']:.0f} with pages of files; {last['scratch'] / last['households']:.0f} "
        "bytes a household lie on disk while tables are made."
    ]
    ground.show("merging.py", [table], said, write=options.write)


if __name__ == "__main__":
    main()
