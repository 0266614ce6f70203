"""`microsim household`: a family written by hand, under the law at any date, over a range of one
input if wanted.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from microsim.errors import InputError
from microsim.simulation.household import CaseResult, evaluate, marginal_rates


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("household")(household)


def household(
    file: Annotated[
        Path, typer.Argument(help="household file (YAML), see scenarios/README.md section 5")
    ],
    output_format: Annotated[str, typer.Option("--format", help="text, csv or json")] = "text",
) -> None:
    """Compute a hypothetical household: contributions, taxes, benefits, disposable income, METR."""
    from microsim.scenario.cases import load_cases

    if output_format not in ("text", "csv", "json"):
        raise InputError(f"--format: found {output_format!r}; expected text, csv or json")
    results = [evaluate(case) for case in load_cases(file)]
    console = Console(soft_wrap=True)
    if output_format == "json":
        console.print_json(json.dumps([_data(result) for result in results]))
        return
    for result in results:
        if output_format == "csv":
            _csv(result, console)
        else:
            _text(result, console)


def _columns(result: CaseResult) -> list[tuple[str, np.ndarray]]:
    """Return (heading, values by point): one a member for person variables."""
    members = [member.name for member in result.case.members]
    columns = []
    for name, values in result.values.items():
        if values.shape[1] == 1:
            columns.append((name, values[:, 0]))
        else:
            columns += [(f"{name} {member}", values[:, i]) for i, member in enumerate(members)]
    return columns


def _data(result: CaseResult) -> dict[str, object]:
    found: dict[str, object] = {
        "name": result.case.name,
        "date": _date(result),
        "values": {name: values.tolist() for name, values in result.values.items()},
        "units": result.units,
        "neutral_inputs": result.neutral,
    }
    if result.case.vary is not None:
        found["points"] = result.points.tolist()
        rates = marginal_rates(result)
        found["metr"] = [None if np.isnan(rate) else float(rate) for rate in rates]
    return found


def _date(result: CaseResult) -> str:
    case = result.case
    return f"{case.year:04d}-{case.month:02d}" if case.month else str(case.year)


def _csv(result: CaseResult, console: Console) -> None:
    columns = _columns(result)
    if result.case.vary is not None:
        columns = [
            (result.case.vary.input, result.points),
            *columns,
            ("metr", marginal_rates(result)),
        ]
    console.print(",".join(f'"{name}"' for name, _ in columns), markup=False)
    for i in range(len(result.points)):
        cells = ["" if np.isnan(values[i]) else repr(float(values[i])) for _, values in columns]
        console.print(",".join(cells), markup=False, highlight=False)


def _text(result: CaseResult, console: Console) -> None:
    console.print(f"{result.case.name}: {result.case.system.name}, {_date(result)}", style="bold")
    columns = _columns(result)
    if result.case.vary is None:
        table = Table("variable", "value", "unit", box=None)
        for name, values in columns:
            unit = result.units.get(name) or result.units.get(name.split(" ")[0], "")
            table.add_row(name, f"{values[0]:,.2f}", unit)
    else:
        varied = [(name, v) for name, v in columns]
        table = Table(result.case.vary.input, *(name for name, _ in varied), "METR %", box=None)
        rates = marginal_rates(result)
        for i, point in enumerate(result.points):
            rate = "" if np.isnan(rates[i]) else f"{100 * rates[i]:.1f}"
            table.add_row(f"{point:,.0f}", *(f"{v[i]:,.2f}" for _, v in varied), rate)
    console.print(table)
    if result.neutral:
        left_out = ", ".join(f"{name} = {value:g}" for name, value in result.neutral.items())
        console.print(f"Inputs left out, with the neutral value used: {left_out}.", markup=False)
    console.print(
        "Draws (take-up, compliance) are taken as certain where their probability is above 0"
        + (f", but for {', '.join(result.draws)}." if result.draws else "."),
        markup=False,
    )
