"""Options that say where a run's units are computed, shared by several commands."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated

import typer

from microsim.errors import Fault, InputError
from microsim.execution.place import Place

Backend = Annotated[
    str, typer.Option(help="serial, processes, dask or mpi (default: serial; dask for an address)")
]
Workers = Annotated[
    int | None,
    typer.Option(help="processes, or threads of the serial backend (default: the cores)"),
]
Address = Annotated[str, typer.Option(help="dask: address of a scheduler, tcp:// or tls://")]
Site = Annotated[
    Path | None, typer.Option(help="dask: site file whose `dask:` part starts workers")
]
TlsFile = Annotated[Path | None, typer.Option(help="dask: PEM file for tls:// addresses")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="dask: allow an address beyond this machine without TLS")
]
MemoryLimit = Annotated[
    str, typer.Option(help="memory of a worker, such as 2GiB; one above it is ended")
]
RetryFailed = Annotated[
    bool, typer.Option("--retry-failed", help="try units again that were given up")
]


def bytes_of(text: str) -> int:
    """Return a size such as 900MB, 2GiB or 1073741824 in bytes; 0 if nothing is written.

    Raises
    ------
    InputError
        The text is no size.
    """
    if not text:
        return 0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?B)?", text.strip())
    if found is None:
        what = "not a size"
        raise InputError(Fault("--memory-limit", what, text, "a size such as 900MB or 2GiB"))
    base = 1000 if found[3] == "B" else 1024
    power = "KMGT".find(found[2]) + 1 if found[2] else 0
    return int(float(found[1]) * base**power)


def place_of(
    backend: str,
    workers: int | None,
    address: str = "",
    site: Path | None = None,
    tls: tuple[Path | None, Path | None, Path | None] = (None, None, None),
    insecure: bool = False,
    memory_limit: str = "",
) -> Place:
    """Return where units are computed; the backend follows from an address or a site file."""
    chosen = backend or ("dask" if address or site else "serial")
    if workers is not None and (chosen == "mpi" or address or site):
        who = "mpiexec" if chosen == "mpi" else "the site file" if site else "the scheduler"
        what = f"the number of workers is {who}'s"
        raise InputError(Fault("--workers", what, str(workers), "no --workers"))
    ca, cert, key = (str(one) if one else "" for one in tls)
    return Place(
        chosen, (os.cpu_count() or 1) if workers is None else workers, address,
        str(site) if site else "", ca, cert, key, insecure, memory_limit=bytes_of(memory_limit),
    )  # fmt: skip
