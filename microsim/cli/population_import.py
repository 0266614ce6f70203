"""`microsim population import`: a survey and its mapping become a population file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def import_command(
    survey: Annotated[Path, typer.Argument(help="Survey: .csv, .parquet, .dta or .sav.")],
    mapping: Annotated[Path, typer.Option(help="Mapping from your columns and codes (YAML).")],
    out: Annotated[Path, typer.Option(help="Population file to write (.h5).")],
    households: Annotated[
        Path | None, typer.Option(help="File of households, if persons are in another.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of markets and draws.")] = 1,
) -> None:
    """Make a population of a survey; report every fault of it in your own column names."""
    from microsim.population.importing import import_survey
    from microsim.population.store import write

    typer.echo(f"Reading {survey} by {mapping} ...")
    population, report = import_survey(survey, mapping, households, seed)
    write(out, population)
    for line in report.lines():
        typer.echo(line)
    typer.echo(f"Wrote {out}. Next: microsim population describe {out}")


def register(app: typer.Typer) -> None:
    """Add the command to the `microsim population` commands."""
    app.command("import")(import_command)
