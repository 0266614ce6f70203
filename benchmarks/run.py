"""Prints the benchmark tables: plain system and peers in turns, rules, memory, lives.

    python benchmarks/run.py [--persons 1000000,5000000] [--repeats 7] [--sections ...] [--write]

`--write` puts the tables into benchmarks/README.md, those of lives between markers of their own.
Data and the Pythons of the peers are kept in `--folder`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import commands
import lives_turns
import machine
import turns
from table import Table, millions, seconds

HERE = Path(__file__).parent
README = HERE / "README.md"
BEGIN, END = "<!-- tables: written by run.py -->", "<!-- end of tables -->"
BACKENDS = "ours,ours_again,polars,numpy,pandas,openfisca"
LIVES_BEGIN, LIVES_END = "<!-- tables: written by run.py, lives -->", "<!-- end of lives -->"
SECTIONS = "plain,rules,start,memory,lives"
RULES_WANTED = {"plain": 40e6, "kenya": 4e6}


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument("--persons", default="1000000,5000000", help="sizes of the plain data")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each backend")
    parser.add_argument("--backends", default=BACKENDS)
    parser.add_argument("--sections", default=SECTIONS)
    parser.add_argument("--households", type=int, default=100_000, help="of the Kenyan population")
    parser.add_argument("--stream", type=int, default=10_000_000, help="persons of the memory test")
    parser.add_argument("--lives", default="1000000,10", help="persons and years of lives")
    parser.add_argument("--folder", type=Path, default=cache / "microsim" / "benchmarks")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    return parser.parse_args()


def header() -> Table:
    """Return the table of the machine."""
    table = Table("Machine", ("", ""))
    for what, value in machine.described():
        table.add(what, value)
    when = datetime.now(UTC).strftime("%d %B %Y")
    table.notes = [
        f"{when}. Busy processes at the start, of others too: {machine.load()}. "
        "Where the machine is shared, CPU seconds are the steadier figure."
    ]
    return table


def rules(options: argparse.Namespace, population: Path) -> Table:
    """Return persons a second and core."""
    table = Table("Rules: persons a second and core (CPU time, one thread)", ("", "", "wanted"))
    persons = int(options.persons.split(",")[0])
    data = turns.data_folder(persons, options.folder)
    for name, place, label in (
        ("plain", data, f"plain system, {persons:,} persons"),
        ("kenya", population, "Kenya's law, twelve months"),
    ):
        script = [sys.executable, str(HERE / "rules_speed.py"), name, str(place)]
        found = json.loads(
            subprocess.run(script, check=True, capture_output=True, text=True).stdout
        )
        for what, value in found.items():
            if value > 1e5 and what != "persons":
                wanted = {"plain": "rules alone", "kenya": "with what tables need"}[name] == what
                goal = millions(RULES_WANTED[name]) if wanted else ""
                table.add(f"{label}: {what}", millions(value), goal)
        if name == "kenya":
            facts = {what: f"{value:,.0f}" for what, value in found.items() if value < 1e7}
            table.notes.append(
                f"Kenya: {facts['persons']} persons, {facts['formulas']} formulas (with the "
                f"engine's own for tables and identities), {facts['periods']} stretches of the "
                f"year with one law, {facts['totals']} weighted totals by sex, age group and "
                "status, region and area."
            )
    return table


def first_result(
    options: argparse.Namespace, population: Path, made: commands.Timed | None
) -> Table:
    """Return seconds from start to first result."""
    table = Table(
        "Start to first result (`microsim run`, a fresh process)", ("", "wall", "CPU", "wanted")
    )
    found = commands.first_results(population, max(3, options.repeats // 2))
    goals = {"no compile cache": "15 s"}
    for what, time in found.items():
        table.add(what, seconds(time.wall), seconds(time.cpu), goals.get(what, "1.5 s"))
    if made is not None:
        table.add(
            "synthesis of the population, beforehand", seconds(made.wall), seconds(made.cpu), ""
        )
    table.notes = [
        f"Kenya, {options.households:,} households: baseline and four reforms, all tables and "
        "identities, results file and headline; 2 threads. An empty compile cache holds no rules; "
        "the library's own kernels are compiled once after the installation."
    ]
    return table


def memory(options: argparse.Namespace, population: Path) -> Table:
    """Return the memory of workers for two sizes of population."""
    from microsim.population.store import open_population

    table = Table("Memory", ("", "largest worker", "coordinator", "workers", "wall", "wanted"))
    with open_population(population) as reader:
        times = max(1, round(options.stream / reader.n_persons))
    large = options.folder / f"kenya_{options.households}_times_{times}.h5"
    if not large.exists():
        commands.repeated(population, large, times, options.folder / "cache")
    for file in (population, large):
        with open_population(file) as reader:
            label = f"{reader.n_persons:,} persons"
        found = commands.memory_of_run(file, 2, options.folder / "cache")
        table.add(
            label, f"{found.worker:.0f} MiB", f"{found.coordinator:.0f} MiB", found.workers,
            seconds(found.seconds), "300 MiB a worker",
        )  # fmt: skip
    table.notes = [
        "Two worker processes (the processes backend) of `microsim run` on Kenya's baseline and "
        "four reforms; "
        "largest resident memory, shared libraries included."
    ]
    return table


def kenya(options: argparse.Namespace) -> tuple[Path, commands.Timed | None]:
    """Return a population of Kenya and, if it was made now, the time that took."""
    path = options.folder / f"kenya_{options.households}.h5"
    options.folder.mkdir(parents=True, exist_ok=True)
    return path, commands.synthesise(path, options.households, options.folder / "cache")


def lives(options: argparse.Namespace) -> Table:
    """Return the speed of lives beside that of the peers."""
    on_what = machine.measured()
    persons, years = map(int, options.lives.split(","))
    table = lives_turns.compare(persons, years, options.repeats, options.folder)
    table.notes.append(f"Measured {on_what}")
    return table


def write(tables: list[Table], begin: str, end: str) -> None:
    """Put tables between two markers of the README."""
    text = "\n".join(table.text() for table in tables)
    before, rest = README.read_text().split(begin)
    README.write_text(f"{before}{begin}\n\n{text}\n{end}{rest.split(end)[1]}")


def main() -> None:
    """Measure and print, section by section."""
    options, tables = arguments(), []
    sections = options.sections.split(",")
    if "lives" in sections:
        living = lives(options)
        print(living.text(), flush=True)
        if options.write:
            write([living], LIVES_BEGIN, LIVES_END)
    if sections == ["lives"]:
        return

    def show(table: Table) -> None:
        tables.append(table)
        print(table.text(), flush=True)

    show(header())
    if "plain" in sections:
        for persons in options.persons.split(","):
            backends = options.backends.split(",")
            show(turns.compare(int(persons), options.repeats, backends, options.folder))
    if {"rules", "start", "memory"} & set(sections):
        population, made = kenya(options)
        if "rules" in sections:
            show(rules(options, population))
        if "start" in sections:
            show(first_result(options, population, made))
        if "memory" in sections:
            show(memory(options, population))
    if options.write:
        write(tables, BEGIN, END)


if __name__ == "__main__":
    main()
