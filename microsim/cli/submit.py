"""`microsim submit`: sends a run to a cluster as jobs that prepare, compute and merge it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from microsim.cli import places
from microsim.cli.going import error_console, show, stopping_on_signals, warn
from microsim.cli.progress import Shown
from microsim.cli.run import (
    Country,
    DrawsFile,
    Households,
    KeepPersons,
    KeepYears,
    Out,
    Population,
    Replicates,
    Seed,
    Settings,
    ShardPersons,
    options_of,
)
from microsim.errors import Fault, InputError
from microsim.execution.scripts import JOBS, LOGS
from microsim.execution.site import Site, load_site
from microsim.shipped import folder, scenario_file
from microsim.simulation.finishing import finish
from microsim.simulation.run import Options
from microsim.simulation.submitting import Submitted, check_and_submit

NOT_RUN = (
    "The templates for {} are checked as text only; nobody has run them. Read the scripts before "
    "you submit them. With Slurm microsim submits itself."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("submit")(submit)


def submit(
    scenario: Annotated[
        Path | None, typer.Argument(help="scenario file (YAML); none to go on with a prepared run")
    ] = None,
    site: Annotated[
        Path | None, typer.Option(help="site file: copy one of cluster/sites/ and edit it")
    ] = None,
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
    retry_failed: places.RetryFailed = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="write the scripts and print them, submit nothing")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="submit although jobs of this run are in the queue")
    ] = False,
    finishing: Annotated[int | None, typer.Option("--finish", hidden=True)] = None,
) -> None:
    """Send a run to a cluster: one job prepares it, an array computes units, one merges them.

    The same command again submits what is missing. `microsim status RUN --watch` looks on.
    """
    if site is None:
        remedy = f"Copy {folder('cluster') / 'sites' / 'slurm.yaml'} and edit it."
        raise InputError(Fault("--site", "no site file", "nothing", "a file (YAML)", remedy))
    if scenario is None and out is None:
        raise InputError(Fault("submit", "no scenario file and no --out", "", "one of them"))
    if finishing is not None:
        assert out is not None  # noqa: S101 - the finishing job names it
        _finish(out, site, finishing)
        return
    options = options_of(
        scenario or Path(), out, shard_persons, seed, settings, population, country, households,
        replicates, draws, keep_persons, keep_years, places.place_of("serial", None), retry_failed,
    )  # fmt: skip
    console = error_console()
    file = scenario_file(scenario) if scenario is not None else None
    found = check_and_submit(
        file, site, options, lambda text: console.print(text, markup=False),
        again=again, dry_run=dry_run,
    )  # fmt: skip
    _print(found, load_site(site), dry_run)


def _finish(out: Path, site: Path, left: int) -> None:
    """Do what the last job of a run does."""
    console = error_console()
    with stopping_on_signals() as stopping, Shown(console) as watch:
        outcome = finish(out, site, left, Options(out=out, stopping=stopping), watch)
    warn(outcome, console)
    show(outcome)


def _print(found: Submitted, site: Site, dry_run: bool) -> None:
    console = Console(emoji=False, soft_wrap=True)
    run = shlex.quote(str(found.order.run))
    if found.complete:
        lines = [f"{run}: complete; nothing to submit. Next: microsim tables {run}"]
    elif found.commands:
        lines = _scripts(found) if dry_run else [f"Scripts: {run}/{JOBS}"]
        if site.scheduler != "slurm":
            lines.append(NOT_RUN.format(site.scheduler.upper()))
        lines += ["To submit them, type:", *(f"  {command}" for command in found.commands)]
    else:
        lines = [*_jobs(found, site), f"Logs: {run}/{LOGS}. Watch: microsim status {run} --watch"]
    console.print("\n".join(lines), markup=False, highlight=False)


def _scripts(found: Submitted) -> list[str]:
    lines = []
    for step in found.steps:
        path = found.order.run / JOBS / f"{step}.sh"
        lines += [f"-- {path}", path.read_text(encoding="utf-8")]
    return lines


def _jobs(found: Submitted, site: Site) -> list[str]:
    after = "when that has succeeded, " if "prepare" in found.jobs else ""
    again = f"{site.resubmit} times at most"
    words = {
        "prepare": "population, calibration, rules",
        "array": f"{after}{found.order.elements} elements compute the units",
        "finish": f"when all have ended, merges, or submits what is missing, {again}",
    }
    return [f"{step:8} job {job}: {words[step]}" for step, job in found.jobs.items()]
