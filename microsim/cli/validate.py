"""`microsim validate`: checks a results file and prints the digest of all results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from microsim.budget.identities import check_identities, raise_if_violated
from microsim.results.validation import read_verified, verify_shards


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("validate")(validate)


def validate(
    run: Annotated[Path, typer.Argument(help="Run directory, or its results.h5.")],
) -> None:
    """Check layout, checksums and identities of a run's results and shards; print the digest."""
    results = read_verified(run)
    identities = check_identities(results.contents, results.rows)
    raise_if_violated(identities)
    raise_if_violated(results.identities)
    shards = verify_shards(run)
    kept = f"{shards} found, whole and unaltered" if shards else "none kept beside the results"
    kinds = sorted({identity.id for identity in identities})
    sys.stdout.writelines(f"{line}\n" for line in results.incomplete)
    sys.stdout.write(
        f"layout and checksums: as they should be\n"
        f"identities: all {len(identities)} checks hold ({', '.join(kinds)})\n"
        f"shards: {kept}\n"
        f"digest: {results.digest}\n"
    )
