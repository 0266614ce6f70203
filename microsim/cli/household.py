"""`microsim household`: a family written by hand, under the law at any date, over a range of one
input if wanted.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from microsim.errors import InputError
from microsim.simulation.household import CaseResult, evaluate, marginal_rates

HEADING = 14  # characters a heading may take before it breaks
GAP = "  "


@dataclass(frozen=True)
class Shown:
    """One column as people read it: variable, whose ("" for the household), unit, by point."""

    name: str
    who: str
    unit: str
    values: np.ndarray


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
    console = Console(emoji=False, soft_wrap=True)
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
        "draws_fixed": result.draws,
        "draws_certain": list(result.certain),
        "without_year_before": list(result.without_past),
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
    vary, width = result.case.vary, console.width
    lines = _one_point(result) if vary is None else _many_points(result, vary.input, width)
    for line in [*lines, *_notes(result)]:
        console.print(line, markup=False, highlight=False)


def _shown(result: CaseResult) -> list[Shown]:
    """Return what to print: persons by name, units once with their members."""
    members = [member.name for member in result.case.members]
    shown = []
    for name, values in result.values.items():
        unit, of = result.units.get(name, ""), result.unit_of.get(name, "")
        if values.shape[1] == 1:
            shown.append(Shown(name, "", unit, values[:, 0]))
        elif name in result.groups:
            for group in result.groups[name]:
                who = ", ".join(members[i] for i in group)
                shown.append(Shown(name, who, unit, values[:, group[0]]))
        else:
            for i, member in enumerate(members):
                who = f"{of} of {member}" if of else member
                shown.append(Shown(name, who, unit, values[:, i]))
    return shown


def _one_point(result: CaseResult) -> list[str]:
    """Return a line for each value: variable, whose, value, unit."""
    shown = _shown(result)
    names = [f"{one.name} {one.who}".rstrip() for one in shown]
    cells = [f"{one.values[0]:,.2f}" for one in shown]
    width, room = max(map(len, names)), max(map(len, cells))
    return [
        f"{name:<{width}}  {cell:>{room}}  {one.unit}".rstrip()
        for name, cell, one in zip(names, cells, shown, strict=True)
    ]


def _many_points(result: CaseResult, varied: str, width: int) -> list[str]:
    """Return a table by the varied input, in blocks of as many columns as `width` holds."""
    shown = _shown(result)
    kept = [one for one in shown if not one.who or bool((one.values != 0.0).any())]
    unit = result.case.system.definitions.inputs[varied].unit
    whole = bool((result.points == np.round(result.points)).all())
    points = [f"{point:,.0f}" if whole else f"{point:,g}" for point in result.points]
    first = _column((varied, "", unit), points)
    rates = ["" if np.isnan(rate) else f"{100 * rate:.1f}" for rate in marginal_rates(result)]
    columns = [_column(("METR", "", "%"), rates)]
    for one in kept:
        cells = [f"{value:,.2f}" for value in one.values]
        columns.append(_column((one.name, one.who, one.unit), cells))
    lines: list[str] = []
    for block in _blocks(first, columns, width):
        lines += ["", *_beside(block)]
    dropped = len(shown) - len(kept)
    if dropped:
        what = "1 column that is" if dropped == 1 else f"{dropped} columns that are"
        lines += ["", f"Left out: {what} 0 at every point."]
    return [*lines, ""]


def _column(heading: tuple[str, str, str], cells: list[str]) -> list[list[str]]:
    """Return heading lines and cells: a heading breaks at words and underscores, no number does."""
    name, who, unit = heading
    room = max(HEADING, *map(len, cells))
    broken = [
        line.replace("_ ", "_")
        for text in (name, who)
        for line in wrap(text.replace("_", "_ "), room)
    ]
    return [[*broken, unit], cells]


def _width(column: list[list[str]]) -> int:
    return max(len(line) for part in column for line in part)


def _blocks(
    first: list[list[str]], columns: list[list[list[str]]], width: int
) -> list[list[list[list[str]]]]:
    """Return columns in blocks no wider than `width`, each led by `first`; one column at least."""
    blocks: list[list[list[list[str]]]] = []
    used = width
    for column in columns:
        more = len(GAP) + _width(column)
        if not blocks or used + more > width:
            blocks.append([first])
            used = _width(first)
        blocks[-1].append(column)
        used += more
    return blocks


def _beside(block: list[list[list[str]]]) -> list[str]:
    """Return columns side by side, headings ending on the same line."""
    high = max(len(heading) for heading, _ in block)
    whole = [[""] * (high - len(heading)) + heading + cells for heading, cells in block]
    widths = [_width(column) for column in block]
    return [
        GAP.join(f"{cell:>{room}}" for cell, room in zip(row, widths, strict=True)).rstrip()
        for row in zip(*whole, strict=True)
    ]


def _notes(result: CaseResult) -> list[str]:
    """Return what was assumed: neutral inputs and draws."""
    notes = []
    if result.neutral:
        left_out = ", ".join(f"{name} = {value:g}" for name, value in result.neutral.items())
        notes.append(f"Inputs left out, with the neutral value used: {left_out}.")
    if result.without_past:
        names = ", ".join(result.without_past)
        notes.append(f"No year before is stated for {names}: what rules read of it is initial.")
    if result.certain:
        names = "; ".join(result.certain)
        notes.append(f"Draws taken as certain where their probability is above 0: {names}.")
    if result.draws:
        given = "; ".join(
            f"{name}: {'yes' if happens else 'no'}" for name, happens in result.draws.items()
        )
        notes.append(f"Draws the file fixes: {given}.")
    return notes
