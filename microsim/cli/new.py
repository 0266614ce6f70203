"""`microsim new`: copies a shipped country folder, to be edited and owned."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from microsim.errors import Fault, InputError
from microsim.files import did_you_mean
from microsim.shipped import folder


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new")(new)


def new(
    target: Annotated[Path, typer.Argument(help="folder to make; it must not exist")],
    template: Annotated[str, typer.Option(help="shipped country folder to copy")] = "any_country",
) -> None:
    """Copy a country system to start your own from."""
    scenarios = folder("scenarios")
    known = sorted(path.parent.name for path in scenarios.glob("*/baseline.yaml"))
    if template not in known:
        remedy = did_you_mean(template, known)
        raise InputError(
            Fault("--template", "no such country folder", template, ", ".join(known), remedy)
        )
    if target.exists():
        raise InputError(Fault(str(target), "exists already", "", "a folder that does not exist"))
    shutil.copytree(scenarios / template, target)
    console = Console(emoji=False, soft_wrap=True)
    console.print(f"Copied {template} to {target}.", markup=False)
    console.print(
        f"Next: edit {target / 'baseline.yaml'}, then microsim check {target}", markup=False
    )
