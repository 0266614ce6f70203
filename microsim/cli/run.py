"""`microsim run` and `prepare`: a scenario file in, a run directory and the headline out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from microsim.cli import places
from microsim.cli.going import error_console, show, stopping_on_signals, warn
from microsim.cli.progress import Shown
from microsim.errors import FaultList
from microsim.execution.mpi import serve_if_worker
from microsim.execution.place import Place
from microsim.shipped import scenario_file
from microsim.simulation.carrying import never
from microsim.simulation.run import Options
from microsim.simulation.run import prepare as prepare_run
from microsim.simulation.run import run as run_scenario
from microsim.simulation.worker import compile_for_workers

File = Annotated[Path, typer.Argument(help="scenario file (YAML)")]
Out = Annotated[Path | None, typer.Option(help="run directory (default: runs/<scenario>)")]
ShardPersons = Annotated[
    int | None,
    typer.Option(
        help="about how many persons a shard has, whole markets (default: 200,000; "
        "of a projection 40,000)"
    ),
]
Seed = Annotated[int | None, typer.Option(help="seed of the draws, instead of the scenario's")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="name=value: set a parameter, in all scenarios")
]
Population = Annotated[Path | None, typer.Option(help="population file to use instead")]
Country = Annotated[str, typer.Option(help="ISO-3 code, for scenarios that leave it open")]
Households = Annotated[int | None, typer.Option(help="households to synthesise instead")]
Replicates = Annotated[int, typer.Option(help="how many seeds of chance to run")]
DrawsFile = Annotated[
    Path | None, typer.Option(help="CSV of parameter draws: a column each parameter, a row each")
]
KeepPersons = Annotated[
    str, typer.Option(help="variables, with commas, of which each person's value is kept")
]
KeepYears = Annotated[
    str, typer.Option(help="years of a projection, with commas, in which --keep-persons keeps")
]
Quiet = Annotated[bool, typer.Option("--quiet", help="print the headline only")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)
    app.command("prepare")(prepare)


def options_of(
    scenario: Path,
    out: Path | None,
    shard_persons: int | None,
    seed: int | None,
    settings: list[str] | None,
    population: Path | None,
    country: str,
    households: int | None,
    replicates: int,
    draws: Path | None,
    keep_persons: str,
    keep_years: str,
    place: Place,
    retry_failed: bool = False,
    stopping: Callable[[], bool] = never,
) -> Options:
    """Return the options of a run as the command line gives them."""
    names = tuple(name.strip() for name in keep_persons.split(",") if name.strip())
    return Options(
        out=out or Path("runs") / scenario.stem, shard_persons=shard_persons, seed=seed,
        settings=tuple(settings or ()), population=str(population or ""), country=country,
        households=households, draws=str(draws or ""), replicates=replicates, persons=names,
        keep_years=_years(keep_years),
        retry_failed=retry_failed, place=place, stopping=stopping,
    )  # fmt: skip


def _years(text: str) -> tuple[int, ...]:
    """Return the years that a text with commas names, in order, each once."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    faults = FaultList()
    for word in words:
        if not re.fullmatch("[0-9]{4}", word):
            faults.add("--keep-years", "not a year", word, "years with commas, as 2030,2060")
    faults.raise_if_any()
    return tuple(sorted({int(word) for word in words}))


def run(
    scenario: File,
    out: Out = None,
    backend: places.Backend = "",
    workers: places.Workers = None,
    shard_persons: ShardPersons = None,
    seed: Seed = None,
    settings: Settings = None,
    population: Population = None,
    country: Country = "",
    households: Households = None,
    replicates: Replicates = 1,
    draws: DrawsFile = None,
    keep_persons: KeepPersons = "",
    keep_years: KeepYears = "",
    address: places.Address = "",
    site: places.Site = None,
    tls_ca: places.TlsFile = None,
    tls_cert: places.TlsFile = None,
    tls_key: places.TlsFile = None,
    insecure: places.Insecure = False,
    memory_limit: places.MemoryLimit = "",
    retry_failed: places.RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Apply a scenario's law to every household, baseline and reforms, and print the headline.

    The same command run again goes on with what is missing, on any backend and number of workers.
    """
    place = places.place_of(
        backend, workers, address, site, (tls_ca, tls_cert, tls_key), insecure, memory_limit
    )
    if place.backend == "mpi" and serve_if_worker():
        return
    console = error_console()
    with stopping_on_signals() as stopping, Shown(console, quiet) as watch:
        options = options_of(
            scenario, out, shard_persons, seed, settings, population, country, households,
            replicates, draws, keep_persons, keep_years, place, retry_failed, stopping,
        )  # fmt: skip
        outcome = run_scenario(scenario_file(scenario), options, watch.note, watch)
    if not quiet:
        warn(outcome, console)
    show(outcome)


def prepare(
    scenario: File,
    out: Out = None,
    shard_persons: ShardPersons = None,
    seed: Seed = None,
    settings: Settings = None,
    population: Population = None,
    country: Country = "",
    households: Households = None,
    replicates: Replicates = 1,
    draws: DrawsFile = None,
    keep_persons: KeepPersons = "",
    keep_years: KeepYears = "",
) -> None:
    """Go through the phases before the units: population, calibration, cut-offs, compiled rules.

    Then `microsim work` and `microsim resume` compute the units, on one machine or many.
    """
    console = error_console()
    place = places.place_of("serial", None)
    options = options_of(
        scenario, out, shard_persons, seed, settings, population, country, households,
        replicates, draws, keep_persons, keep_years, place,
    )  # fmt: skip
    watch = Shown(console)
    prepared = prepare_run(scenario_file(scenario), options, watch.note)
    compile_for_workers(prepared)
    numbering = prepared.numbering
    console.print(
        f"{options.out}: {numbering.n_units} units ({numbering.n_shards} shards) are ready to be "
        f"computed. Next: microsim resume {options.out}",
        markup=False, highlight=False,
    )  # fmt: skip
