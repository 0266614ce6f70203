"""`microsim run`: a scenario file in, a run directory and the headline out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from microsim.errors import InputError
from microsim.report.headline import Moved, Official, headline
from microsim.shipped import scenario_file
from microsim.simulation.run import Options, Outcome
from microsim.simulation.run import run as run_scenario


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    scenario: Annotated[Path, typer.Argument(help="scenario file (YAML)")],
    out: Annotated[
        Path | None, typer.Option(help="run directory (default: runs/<scenario>)")
    ] = None,
    backend: Annotated[str, typer.Option(help="serial or processes")] = "serial",
    workers: Annotated[
        int | None,
        typer.Option(help="processes, or threads of the serial backend (default: the cores)"),
    ] = None,
    shard_persons: Annotated[
        int, typer.Option(help="about how many persons a shard has (whole markets)")
    ] = 200_000,
    seed: Annotated[
        int | None, typer.Option(help="seed of the draws, instead of the scenario's")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="name=value: set a parameter, in all scenarios"),
    ] = None,
    population: Annotated[Path | None, typer.Option(help="population file to use instead")] = None,
    country: Annotated[str, typer.Option(help="ISO-3 code, for scenarios that leave it open")] = "",
    households: Annotated[int | None, typer.Option(help="households to synthesise instead")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="print the headline only")] = False,
) -> None:
    """Apply a scenario's law to every household, baseline and reforms, and print the headline."""
    if shard_persons < 1:
        raise InputError(f"--shard-persons: found {shard_persons}; expected 1 or more.")
    error = Console(stderr=True, soft_wrap=True)
    options = Options(
        out=out or Path("runs") / scenario.stem,
        backend=backend,
        workers=(os.cpu_count() or 1) if workers is None else workers,
        shard_persons=shard_persons,
        seed=seed,
        settings=tuple(settings or ()),
        population=str(population or ""),
        country=country,
        households=households,
    )
    say = (lambda _: None) if quiet else (lambda text: error.print(text, markup=False))
    outcome = run_scenario(scenario_file(scenario), options, say)
    for fault in outcome.warnings if not quiet else ():
        error.print(f"warning: {fault}", markup=False, highlight=False)
    _print(outcome)


def _print(outcome: Outcome) -> None:
    console = Console(soft_wrap=True, width=max(110, Console().width))
    officials = [
        Official(
            f"{c.scheme}: {c.item}", c.unit, c.official, c.simulated, c.eligible, c.above_eligible
        )
        for c in outcome.trust
    ]
    moved = [
        Moved(
            c.parameter, c.value_before, c.value_after, c.simulated_before / c.official,
            c.simulated_after / c.official, c.reached,
        )
        for c in outcome.calibrated
    ]  # fmt: skip
    headline(outcome.contents, outcome.rows, outcome.identities, officials, moved, console)
    for one in outcome.poisoned:
        ids = ", ".join(str(i) for i in one.first_ids)
        console.print(
            f"{one.where}: {one.what} in {one.variable}: {one.households} households set aside "
            f"in all scenarios (first: {ids}). THESE RESULTS ARE INCOMPLETE until that is settled.",
            markup=False,
            highlight=False,
        )
    console.print(f"digest: {outcome.digest}", markup=False, highlight=False)
    console.print(f"Results: {outcome.out}. Next: microsim tables {outcome.out}", markup=False)
