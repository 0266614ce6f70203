"""`microsim parameters`: export the parameters of a system to a workbook, and import them back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Export the dated parameters of a system to a workbook, and import them back.",
    no_args_is_help=True,
)

SystemFile = Annotated[Path, typer.Argument(help="The system file (baseline.yaml).")]
Workbook = Annotated[Path, typer.Argument(help="The workbook (XLSX).")]
System = Annotated[Path, typer.Option("--system", help="The system file whose law is changed.")]
Out = Annotated[Path, typer.Option("--out", help="The workbook to write.")]
Folder = Annotated[
    Path | None, typer.Option("--out", help="Folder for a changed copy of the system's files.")
]
InPlace = Annotated[bool, typer.Option("--in-place", help="Change the law files themselves.")]


@app.command("export")
def export(system: SystemFile, out: Out = Path("parameters.xlsx")) -> None:
    """Write every parameter with its dates, units and sources to a workbook."""
    from microsim.policy.loading import load_system
    from microsim.policy.workbook import export_parameters

    loaded = load_system(system)
    rows = export_parameters(loaded, out)
    count = len(loaded.definitions.parameters)
    typer.echo(f"{out}: {count} parameters, {rows} rows.")


@app.command("import")
def import_workbook(
    workbook: Workbook, system: System, out: Folder = None, in_place: InPlace = False
) -> None:
    """Bring changed values of a workbook into the law files; all else in them stays as it is."""
    from microsim.errors import InputError
    from microsim.policy.rewriting import import_parameters

    if (out is None) != in_place:
        raise InputError("say where the changed law goes: either --out FOLDER or --in-place.")
    done = import_parameters(workbook, system, out)
    for change in done.changes:
        typer.echo(change)
    if done.left_out:
        typer.echo(f"not in the workbook, left as they are: {', '.join(done.left_out)}")
    typer.echo(f"{len(done.changes)} changes; {len(done.files)} files written.")
    for path in done.files:
        typer.echo(f"  {path}")


def register(top: typer.Typer) -> None:
    """Add the group of commands."""
    top.add_typer(app, name="parameters")
