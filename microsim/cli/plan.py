"""`microsim plan`: what a run will take, known before it starts."""

from __future__ import annotations

import shlex
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from microsim.cli import places
from microsim.cli import run as run_command
from microsim.cli.going import error_console
from microsim.cli.progress import MIB, Shown, clock
from microsim.shipped import scenario_file
from microsim.simulation.planning import Forecast, forecast
from microsim.simulation.run import prepare, words_of

GIB = 2**30


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


def plan(
    scenario: run_command.File,
    out: Annotated[
        Path | None, typer.Option(help="prepare this run directory, and keep what is computed")
    ] = None,
    workers: places.Workers = None,
    shard_persons: run_command.ShardPersons = None,
    seed: run_command.Seed = None,
    settings: run_command.Settings = None,
    population: run_command.Population = None,
    country: run_command.Country = "",
    households: run_command.Households = None,
    replicates: run_command.Replicates = 1,
    draws: run_command.DrawsFile = None,
    keep_persons: run_command.KeepPersons = "",
    keep_years: run_command.KeepYears = "",
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON")] = False,
) -> None:
    """Compute a few units for real and say what time, memory and disk the whole run takes."""
    place = places.place_of("processes", workers)
    console = error_console()
    with tempfile.TemporaryDirectory(prefix="microsim-plan-") as folder:
        options = run_command.options_of(
            scenario, out or Path(folder) / "run", shard_persons, seed, settings, population,
            country, households, replicates, draws, keep_persons, keep_years, place,
        )  # fmt: skip
        watch = Shown(console, quiet=as_json)
        began = time.process_time()
        prepared = prepare(scenario_file(scenario), options, watch.note)
        watch.note("computing a few units to measure")
        found = forecast(prepared, time.process_time() - began)
    shown = Console(emoji=False, soft_wrap=True)
    if as_json:
        shown.print_json(data={**asdict(found), "wall_seconds": found.wall_seconds(place.workers)})
        return
    shown.print(as_text(found, place.workers), markup=False, highlight=False)
    words = ["microsim", "run", *words_of(scenario_file(scenario), options)]
    words += ["--out", str(out or "RUN"), "--backend", "processes", "--workers", str(place.workers)]
    shown.print(f"Next: {shlex.join(words)}", markup=False, highlight=False)


def as_text(found: Forecast, workers: int) -> str:
    """Return a forecast as people read it."""
    worlds = f" x {found.worlds} worlds" if found.worlds > 1 else ""
    batches = f" x {found.batches} batches of scenarios" if found.batches > 1 else ""
    total = (
        found.prepare_seconds + found.start_seconds * workers + found.unit_seconds_in_all
        + found.merge_seconds
    )  # fmt: skip
    lines = [
        f"population   {found.persons:,} persons in {found.households:,} households",
        f"units        {found.units:,} = {found.shards:,} shards{worlds}{batches}",
        "",
        "phase        CPU time",
        f"prepare      {clock(found.prepare_seconds):>10}   population, calibration, rules",
        f"units        {clock(found.unit_seconds_in_all):>10}   "
        f"{found.unit_seconds:.2f} s a unit, and {found.start_seconds:.1f} s a worker to start",
        f"merge        {clock(found.merge_seconds):>10}   sums, household records, tables",
        f"in all       {clock(total):>10}   with {workers} workers",
        "",
        f"memory       {found.worker_memory / MIB:,.0f} MiB a worker, "
        f"{found.coordinator_memory / MIB:,.0f} MiB to merge (of which files on disk can be "
        "given back)",
        f"disk         {found.disk / GIB:,.2f} GiB at most",
        "",
        "workers      wall time, each on a core of its own",
    ]
    many = sorted({1, 2, workers, *(4**k for k in range(1, 6))})
    some = [n for n in many if n <= max(workers, found.units)]
    lines += [f"{n:>7}      {clock(found.wall_seconds(n)):>10}" for n in some]
    lines += [
        "",
        f"Measured on this machine ({found.machine}) with {found.sampled_units} units of "
        f"{found.sampled_persons:,} persons.",
        "For another machine it is assumed that its cores are as fast as these and that a worker "
        "has one core alone; memory and disk do not depend on the machine.",
    ]
    return "\n".join(lines)
