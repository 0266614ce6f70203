"""`microsim work`: one share of a prepared run's units, as job scripts of a scheduler call it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microsim.cli.going import error_console, stopping_on_signals
from microsim.cli.progress import Shown
from microsim.errors import FaultList
from microsim.execution.place import Place
from microsim.simulation.carrying import carry_out
from microsim.simulation.run import open_run


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("work")(work)


def work(
    run: Annotated[Path, typer.Argument(help="run directory, prepared")],
    element: Annotated[int, typer.Option(help="which share, from 0")] = 0,
    of: Annotated[int, typer.Option(help="how many shares")] = 1,
    threads: Annotated[int, typer.Option(help="threads of this share")] = 1,
) -> None:
    """Compute the missing units of one share, then end; results are merged by `microsim resume`.

    At SIGUSR1 or SIGTERM the unit in hand is finished, and the exit code is 75 if more are left.
    """
    faults = FaultList()
    if of < 1:
        faults.add("--of", "too few shares", of, "1 or more")
    elif not 0 <= element < of:
        faults.add("--element", "no such share", element, f"0 to {of - 1}")
    if threads < 1:
        faults.add("--threads", "too few threads", threads, "1 or more")
    faults.raise_if_any()
    console = error_console()
    with stopping_on_signals() as stopping, Shown(console) as watch:
        prepared = open_run(run)
        place = Place("serial", threads)
        carry_out(prepared, place, watch, stopping=stopping, share=(element, of))
    console.print(f"share {element} of {of}: done", markup=False, highlight=False)
