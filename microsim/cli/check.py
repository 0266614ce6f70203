"""`microsim check`: reads rule files, reports every fault, runs the worked cases beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from microsim.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    path: Annotated[
        Path,
        typer.Argument(help="a country folder, or a system, scenario, household or cases file"),
    ],
) -> None:
    """Check law, scenarios and worked cases; every fault with file and line."""
    from microsim.simulation.checking import check_path

    console = Console(emoji=False, soft_wrap=True)
    report = check_path(path)
    for line in report.lines:
        console.print(line, markup=False, highlight=False)
    for warning in report.warnings:
        console.print(f"warning: {warning}", markup=False, highlight=False)
    if report.faults:
        n = len(report.faults)
        errors = Console(stderr=True, emoji=False, soft_wrap=True)
        for fault in report.faults:
            errors.print(str(fault), markup=False, highlight=False)
        errors.print(f"{n} {'fault' if n == 1 else 'faults'}.", highlight=False)
        raise typer.Exit(InputError.exit_code)
    failed = [one for one in report.checks if not one.holds]
    for one in failed:
        who = f" of {one.member}" if one.member else ""
        console.print(
            f"{one.where}: case '{one.case.name}': {one.variable}{who}: found {one.found:,.4f}; "
            f"expected {one.expected:,.4f} within {one.case.tolerance:g}.",
            markup=False,
            highlight=False,
        )
    console.print(
        f"{len(report.checks) - len(failed)} of {len(report.checks)} expected values hold."
    )
    if failed:
        raise typer.Exit(1)
