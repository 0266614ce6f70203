"""`microsim run`: a scenario file in, a run directory and the headline out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from microsim.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    scenario: Annotated[Path, typer.Argument(help="scenario file (YAML)")],
    out: Annotated[Path | None, typer.Option(help="run directory (default: runs/<scenario>)")] = None,
    backend: Annotated[str, typer.Option(help="serial or processes")] = "serial",
    workers: Annotated[int, typer.Option(help="processes, or threads of the serial backend")] = 1,
    shard_persons: Annotated[
        int, typer.Option(help="about how many persons a shard has (whole markets)")
    ] = 200_000,
    seed: Annotated[int | None, typer.Option(help="seed of the draws, instead of the scenario's")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="name=value: set a parameter, in all scenarios")
    ] = None,
    population: Annotated[Path | None, typer.Option(help="population file to use instead")] = None,
    country: Annotated[str, typer.Option(help="ISO-3 code, for scenarios that leave it open")] = "",
    households: Annotated[int | None, typer.Option(help="households to synthesise instead")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="print the headline only")] = False,
) -> None:
    """Apply the law of a scenario to every household, baseline and reforms, and print the headline."""
    from microsim.report.headline import headline
    from microsim.simulation.run import Options, run as run_scenario

    if shard_persons < 1:
        raise InputError(f"--shard-persons: found {shard_persons}; expected 1 or more.")
    error = Console(stderr=True, soft_wrap=True)
    options = Options(
        out=out or Path("runs") / scenario.stem,
        backend=backend,
        workers=workers,
        shard_persons=shard_persons,
        seed=seed,
        settings=tuple(settings or ()),
        population=str(population or ""),
        country=country,
        households=households,
    )
    say = (lambda _: None) if quiet else (lambda text: error.print(text, markup=False))
    outcome = run_scenario(scenario, options, say)
    for fault in outcome.warnings if not quiet else ():
        error.print(f"warning: {fault}", markup=False, highlight=False)
    headline(outcome, Console(soft_wrap=True))
