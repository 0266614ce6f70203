"""`microsim population`: make, describe, import and calibrate populations."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from microsim.cli import population_calibrate, population_import

app = typer.Typer(
    name="population",
    help="Populations: synthesise from open data, import a survey, describe, calibrate.",
    no_args_is_help=True,
)


@app.command()
def synthesise(
    country: Annotated[str, typer.Option(help="ISO 3166 alpha-3 code, for example KEN.")],
    out: Annotated[Path, typer.Option(help="Population file to write (.h5).")],
    households: Annotated[int, typer.Option(help="Number of households.")] = 100_000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same file.")] = 1,
    year: Annotated[
        int | None, typer.Option(help="Year of the population; 2025 if left out.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="YAML file with your own series and parameters.")
    ] = None,
) -> None:
    """Make a national population from open data; prints target against achieved."""
    from microsim.population.describe import series_lines, target_lines
    from microsim.population.store import write
    from microsim.population.synthesis.assemble import synthesise as make

    typer.echo(f"Synthesising {country.upper()} with {households:,} households ...")
    population = make(country, households, seed, year, data)
    write(out, population)
    lines = [*target_lines(population.targets), "", "Anchors", *series_lines(population.anchors)]
    typer.echo("\n".join(lines))
    made = f"{population.n_households:,} households, {population.n_persons:,} persons"
    typer.echo(f"Wrote {out}: {made}. Next: microsim population describe {out}")


@app.command()
def describe(
    population: Annotated[Path, typer.Argument(help="Population file (.h5).")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print size, columns, macro series and target against achieved of a population file."""
    from microsim.population.describe import describe as summarise

    found = summarise(population)
    text = json.dumps(asdict(found), indent=2) + "\n" if as_json else found.text()
    sys.stdout.write(text)


@app.command()
def repeat(
    population: Annotated[Path, typer.Argument(help="Population file (.h5).")],
    times: Annotated[int, typer.Option(help="Copies of each household.")],
    out: Annotated[Path, typer.Option(help="Population file to write (.h5).")],
) -> None:
    """Write a file with each household several times, its weight shared: to try out large runs."""
    from microsim.population.repeating import repeat as make
    from microsim.population.store import open_population

    make(population, out, times)
    with open_population(out) as reader:
        typer.echo(f"Wrote {out}: {reader.n_persons:,} persons in {reader.n_markets:,} markets.")


@app.command()
def coverage() -> None:
    """List for each country which series are missing for a synthesis."""
    from microsim.population.synthesis.inputs import coverage as find

    found = find()
    for code, missing in found.items():
        typer.echo(f"{code}  {'complete' if not missing else 'missing: ' + ', '.join(missing)}")
    complete = sum(1 for missing in found.values() if not missing)
    typer.echo(f"{complete} of {len(found)} countries are complete.")


population_import.register(app)
population_calibrate.register(app)


def register(top: typer.Typer) -> None:
    """Mount the group of commands as `microsim population`."""
    top.add_typer(app)
