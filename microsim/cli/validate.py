"""`microsim validate`: checks a results file and prints the digest of all results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from microsim.budget.identities import check_identities, raise_if_violated
from microsim.results.contents import Identity, Row
from microsim.results.reader import Results, results_path
from microsim.results.validation import read_verified, verify_shards
from microsim.simulation.directory import RunDirectory


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("validate")(validate)


def validate(
    run: Annotated[Path, typer.Argument(help="Run directory, or its results.h5.")],
) -> None:
    """Check layout, checksums and identities of a run's results and shards; print the digest."""
    results = read_verified(run)
    # Cells are of the law as written and the first draws; other worlds have tables only.
    # Of a projection the file has what tables are made from for the first year only.
    year = results.contents.year
    rows = [r for r in results.rows if (r.draw, r.replicate, r.year) == (0, 0, year)]
    identities = check_identities(results.contents, rows)
    raise_if_violated(identities)
    raise_if_violated(results.identities)
    shards = verify_shards(run, _expected(run))
    kept = f"{shards} found, whole and unaltered" if shards else "none kept beside the results"
    kinds = sorted({identity.id for identity in identities})
    sys.stdout.writelines(f"{line}\n" for line in results.incomplete)
    sys.stdout.write(
        f"layout and checksums: as they should be\n"
        f"identities: all {len(identities)} checks hold ({', '.join(kinds)})\n"
        f"{_years(results, len(identities))}"
        f"{_worlds(results.rows, results.identities)}"
        f"shards: {kept}\n"
        f"digest: {results.digest}\n"
    )


def _years(results: Results, checked: int) -> str:
    """Return a line about the further years of a projection, which the run itself checked."""
    if results.contents.horizon is None:
        return ""
    first, last = results.contents.horizon
    own = sum((one.draw, one.replicate) == (0, 0) for one in results.identities)
    return (
        f"years: {first} to {last}; of the {own} checks of all years, those of {first} were made "
        f"again ({checked}), the others held when they were merged\n"
    )


def _worlds(rows: Sequence[Row], identities: Sequence[Identity]) -> str:
    """Return a line about further draws and replicates, whose identities the run itself checked."""
    worlds = {(row.draw, row.replicate) for row in rows}
    if len(worlds) < 2:
        return ""
    further = sum((one.draw, one.replicate) != (0, 0) for one in identities)
    return (
        f"worlds: {len(worlds)} (parameter draws and Monte Carlo replicates); {further} more "
        "checks held when they were merged\n"
    )


def _expected(run: Path) -> list[str] | None:
    """Return how the names of a run's shard files begin; None of results without their run."""
    directory = RunDirectory(results_path(run).parent)
    if not directory.exists:
        return None
    return [f"{number:07d}-" for number in range(directory.numbering().n_units)]
