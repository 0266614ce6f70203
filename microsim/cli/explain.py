"""`microsim explain`: every formula behind a household's figures, down to inputs, draws and the
law's source.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from microsim.errors import Fault, InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    target: Annotated[Path, typer.Argument(help="run directory, or a household or cases file")],
    household: Annotated[
        int | None, typer.Option(help="household_id in the run's population")
    ] = None,
    variable: Annotated[
        list[str] | None,
        typer.Option(help="variable to explain; may be repeated (default: disposable_income)"),
    ] = None,
    scenario: Annotated[str, typer.Option(help="scenario of the run")] = "baseline",
    month: Annotated[
        int, typer.Option(help="month at which monthly variables are shown, 1 to 12")
    ] = 12,
    draw: Annotated[int, typer.Option(help="parameter draw of the run; 0: none")] = 0,
    replicate: Annotated[int, typer.Option(help="replicate of the run")] = 0,
    member: Annotated[
        int | None, typer.Option(help="of a projection: member of the household, from 1")
    ] = None,
    year: Annotated[
        int | None, typer.Option(help="of a projection: the year to explain formula by formula")
    ] = None,
    output_format: Annotated[str, typer.Option("--format", help="text or json")] = "text",
) -> None:
    """Explain a household: each formula with its numbers, the law's sources, the draws.

    Of a projection, follow one person through life, or explain one year of it.
    """
    from microsim.simulation.explain import as_json, as_text
    from microsim.simulation.explaining import explain_case, explain_run
    from microsim.simulation.life_story import Asked, explain_life, is_projection
    from microsim.simulation.life_text import life_as_json, life_as_text

    if output_format not in ("text", "json"):
        raise InputError(f"--format: found {output_format!r}; expected text or json")
    names = list(variable or ())
    if not target.exists():
        raise InputError(Fault(str(target), "no such run directory or file"))
    if target.is_dir():
        if household is None:
            raise InputError(
                Fault("--household", "which household of the run to explain is not said")
            )
        if is_projection(target):
            asked = Asked(household, member or 1, scenario, tuple(names), year or 0, month)
            story = explain_life(target, asked, draw, replicate)
            console = Console(emoji=False, soft_wrap=True)
            if output_format == "json":
                console.print_json(json.dumps(life_as_json(story)))
                return
            console.print(story.title, style="bold", markup=False)
            console.print(life_as_text(story), markup=False, highlight=False)
            return
        if member is not None:
            raise InputError(Fault("--member", "is for runs in which people live on"))
        found = explain_run(target, household, names, scenario, month, draw, replicate, year)
    else:
        found = explain_case(target, names)
    console = Console(emoji=False, soft_wrap=True)
    if output_format == "json":
        data = {"title": found.title, "members": found.members, "steps": as_json(found.steps)}
        console.print_json(json.dumps(data))
        return
    console.print(found.title, style="bold", markup=False)
    console.print(as_text(found.steps, found.members), markup=False, highlight=False)
