"""`microsim population calibrate`: household weights that add up to known totals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from microsim.errors import InputError

if TYPE_CHECKING:
    from microsim.population.calibration import Calibration

SHOWN = 60


def calibrate_command(
    population: Annotated[Path, typer.Argument(help="Population file (.h5).")],
    targets: Annotated[Path, typer.Option(help="Known totals with their sources (YAML).")],
    out: Annotated[Path, typer.Option(help="Population file to write (.h5).")],
    method: Annotated[str, typer.Option(help="raking, linear (GREG) or logit.")] = "raking",
    bounds: Annotated[
        str | None, typer.Option(help="Smallest and largest new weight over old, as 0.2,5")
    ] = None,
) -> None:
    """Change household weights as little as possible so that they meet known totals."""
    from microsim.population.reweighting import calibrate_population
    from microsim.population.store import read, write

    limits = parse_bounds(bounds)
    changed, result = calibrate_population(read(population), targets, method, limits)
    write(out, changed)
    for line in describe(result):
        typer.echo(line)
    gone = changed.provenance["calibration"]["targets_no_longer_compared"]
    if gone:
        typer.echo(f"No longer compared with targets (weights changed): {', '.join(gone)}")
    typer.echo(f"Wrote {out}. Next: microsim population describe {out}")


def parse_bounds(text: str | None) -> tuple[float, float] | None:
    """Return bounds written as `0.2,5`.

    Raises
    ------
    InputError
        The text is not two numbers.
    """
    if text is None:
        return None
    try:
        lower, upper = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(f"--bounds: found {text!r}; expected two numbers, as 0.2,5") from error
    return lower, upper


def describe(result: Calibration) -> list[str]:
    """Return margins and diagnostics of a calibration as lines of text."""
    width = max(6, *(len(fit.name) for fit in result.margins))
    lines = [f"{'margin':{width}} {'before':>18} {'target':>18} {'after':>18}"]
    for fit in result.margins[:SHOWN]:
        implied = "  (implied by others)" if fit.redundant else ""
        lines.append(
            f"{fit.name:{width}} {fit.before:18,.1f} {fit.target:18,.1f} {fit.after:18,.1f}"
            + implied
        )
    if len(result.margins) > SHOWN:
        lines.append(f"... and {len(result.margins) - SHOWN} more, all in the file.")
    bounds = "none" if result.bounds is None else f"{result.bounds[0]:g} to {result.bounds[1]:g}"
    lines += [
        f"method {result.method}, bounds {bounds}, {result.iterations} iterations, "
        f"largest residual {result.residual:.1e}",
        f"new weight over old: {result.g_min:.4f} to {result.g_max:.4f}; "
        f"{result.n_at_bounds:,} of {result.g.size:,} households at a bound",
        f"design effect of unequal weights: {result.deff_before:.3f} before, "
        f"{result.deff_after:.3f} after",
    ]
    return lines


def register(app: typer.Typer) -> None:
    """Add the command to the `microsim population` commands."""
    app.command("calibrate")(calibrate_command)
