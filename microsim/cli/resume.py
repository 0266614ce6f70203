"""`microsim resume` and `microsim expand`: go on with a run, or add to it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from microsim.cli import places
from microsim.cli.going import error_console, show, stopping_on_signals, warn
from microsim.cli.progress import Shown
from microsim.errors import Fault, FaultList, InputError
from microsim.execution.mpi import serve_if_worker
from microsim.simulation.run import Options, grow
from microsim.simulation.run import expand as expand_run
from microsim.simulation.run import resume as resume_run
from microsim.simulation.worker import compile_for_workers

Run = Annotated[Path, typer.Argument(help="run directory")]
ShardPersons = Annotated[
    int | None, typer.Option(help="cut into shards of about so many persons, anew if need be")
]
LONGEST = 100
Quiet = Annotated[bool, typer.Option("--quiet", help="print the headline only")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("resume")(resume)
    app.command("expand")(expand)


def resume(
    run: Run,
    backend: places.Backend = "",
    workers: places.Workers = None,
    shard_persons: ShardPersons = None,
    address: places.Address = "",
    site: places.Site = None,
    tls_ca: places.TlsFile = None,
    tls_cert: places.TlsFile = None,
    tls_key: places.TlsFile = None,
    insecure: places.Insecure = False,
    memory_limit: places.MemoryLimit = "",
    retry_failed: places.RetryFailed = False,
    merge_only: Annotated[
        bool, typer.Option("--merge-only", help="compute no unit; fail if one is missing")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Compute what is missing of a run, on any backend, and write its results."""
    place = places.place_of(
        backend, workers, address, site, (tls_ca, tls_cert, tls_key), insecure, memory_limit
    )
    if place.backend == "mpi" and serve_if_worker():
        return
    console = error_console()
    with stopping_on_signals() as stopping, Shown(console, quiet) as watch:
        options = Options(
            out=run, shard_persons=shard_persons, place=place, retry_failed=retry_failed,
            stopping=stopping,
        )  # fmt: skip
        outcome = resume_run(run, options, watch.note, watch, merge_only=merge_only)
    if not quiet:
        warn(outcome, console)
    show(outcome)


def expand(
    run: Run,
    reform: Annotated[
        list[str] | None,
        typer.Option(help="name=file.yaml, or name=one.yaml,two.yaml: a reform to add"),
    ] = None,
    draws: Annotated[Path | None, typer.Option(help="CSV of parameter draws to add")] = None,
    replicates: Annotated[int, typer.Option(help="how many replicates to add")] = 0,
    backend: places.Backend = "",
    workers: places.Workers = None,
    address: places.Address = "",
    site: places.Site = None,
    tls_ca: places.TlsFile = None,
    tls_cert: places.TlsFile = None,
    tls_key: places.TlsFile = None,
    insecure: places.Insecure = False,
    memory_limit: places.MemoryLimit = "",
    prepare_only: Annotated[
        bool, typer.Option("--prepare-only", help="compute no unit: `submit` or `resume` does")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Add reforms, parameter draws or replicates to a run; nothing that is done is touched."""
    place = places.place_of(
        backend, workers, address, site, (tls_ca, tls_cert, tls_key), insecure, memory_limit
    )
    if place.backend == "mpi" and serve_if_worker():
        return
    console = error_console()
    reforms = reforms_of(reform or [])
    with stopping_on_signals() as stopping, Shown(console, quiet) as watch:
        options = Options(out=run, place=place, stopping=stopping)
        if prepare_only:
            prepared = grow(run, options, reforms, str(draws or ""), replicates, watch.note)
            compile_for_workers(prepared)
            watch.note(f"Next: microsim resume {run}, or microsim submit --site SITE --out {run}")
            return
        outcome = expand_run(run, options, reforms, str(draws or ""), replicates, watch.note, watch)
    if not quiet:
        warn(outcome, console)
    show(outcome)


def reforms_of(texts: list[str]) -> list[tuple[str, list[str]]]:
    """Return name and files of each `name=file,file`.

    Raises
    ------
    InputError
        Every text that is none, a name that cannot be a scenario's, or a file that is not there.
    """
    from microsim.policy.vocabulary import name_fault

    found: list[tuple[str, list[str]]] = []
    faults = FaultList()
    for text in texts:
        name, equals, files = (part.strip() for part in text.partition("="))
        names = [file.strip() for file in files.split(",") if file.strip()]
        if not equals or not names:
            faults.add("--reform", "not a reform", text, "name=file.yaml")
        elif name_fault(name):
            faults.add("--reform", f"name of reform '{name}'", "", name_fault(name))
        elif len(name) > LONGEST:
            faults.add("--reform", "name of a reform is too long", name, f"up to {LONGEST} letters")
        elif name in (one for one, _ in found):
            faults.add("--reform", f"reform '{name}' is given twice", "", "each name once")
        found.append((name, names))
        for file in names:
            if not Path(file).is_file():
                faults.faults.append(Fault("--reform", f"cannot read {file}", "no such file"))
    if faults.faults:
        raise InputError(faults.faults)
    return found
