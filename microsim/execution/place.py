"""Where a job runs, as the user says it: backend, workers, address or site, keys, limits."""

from __future__ import annotations

import importlib.util
import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from microsim.errors import FaultList
from microsim.execution.dask_site import load_dask_site
from microsim.files import did_you_mean

BACKENDS = ("serial", "processes", "dask", "mpi")
KEY_OPTIONS = {"tls_ca": "--tls-ca", "tls_cert": "--tls-cert", "tls_key": "--tls-key"}
ANYONE = (
    "Without TLS anyone who reaches that port can run any program as you. Start the scheduler "
    "with --protocol tls and give --tls-ca, --tls-cert and --tls-key, or say --insecure if the "
    "network is yours alone."
)


@dataclass(frozen=True)
class Place:
    """Where and how a job runs; nothing here can move a number.

    Attributes
    ----------
    backend
        One of `BACKENDS`.
    workers
        Number of worker processes, where this program starts them.
    address
        A Dask scheduler that runs already (`tls://host:port`).
    site
        A site file that says how to start Dask workers through a scheduler of jobs.
    tls_ca, tls_cert, tls_key
        Files for an address with TLS.
    insecure
        Use an address without TLS beyond this machine.
    start_timeout
        Seconds until it is an error that no worker has come up.
    memory_limit
        Bytes above which a worker is ended, 0 for none.
    """

    backend: str = "serial"
    workers: int = 1
    address: str = ""
    site: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    insecure: bool = False
    start_timeout: float = 300.0
    memory_limit: int = 0


def check_place(place: Place) -> None:
    """Refuse a place that cannot be meant, before any work is done.

    Raises
    ------
    InputError
        Unknown backend, or one that is not installed; fewer than one worker; an address or site
        without the dask backend; an address without TLS beyond this machine; missing key files;
        faults of the site file.
    """
    faults = FaultList()
    if place.backend not in BACKENDS:
        expected = ", ".join(BACKENDS[:-1]) + " or " + BACKENDS[-1]
        remedy = did_you_mean(place.backend, BACKENDS)
        faults.add("--backend", "unknown backend", place.backend, expected, remedy)
    if place.workers < 1:
        faults.add("--workers", "too few workers", place.workers, "1 or more")
    _check_memory_limit(place, faults)
    for option, value in (("--address", place.address), ("--site", place.site)):
        if value and place.backend != "dask":
            faults.add(option, "is for the dask backend", place.backend, "--backend dask")
    if place.address and place.site:
        faults.add("--address", "given together with --site", "both", "one of them")
    if place.address:
        _check_address(place, faults)
    _check_unused(place, faults)
    for package, backend in (("distributed", "dask"), ("mpi4py", "mpi")):
        if place.backend == backend and importlib.util.find_spec(package) is None:
            remedy = f"Install it: pip install 'microsim-social[{backend}]'."
            faults.add("--backend", f"{package} is not installed", remedy=remedy)
    faults.raise_if_any()
    if place.site:
        load_dask_site(place.site)


def _check_memory_limit(place: Place, faults: FaultList) -> None:
    limit = place.memory_limit
    local = place.backend in ("processes", "dask") and not place.address and not place.site
    if limit < 0:
        faults.add("--memory-limit", "not a size", limit, "0 or more bytes")
    elif limit and not local:
        faults.add(
            "--memory-limit", "is for worker processes on this machine", place.backend,
            "--backend processes, or dask without --address and --site",
            "Elsewhere the limit is that of the job, of `dask worker`, or of the site file.",
        )  # fmt: skip
    elif limit and place.backend == "processes" and not Path("/proc/self/statm").exists():
        faults.add("--memory-limit", "this system does not tell how much memory a process has")


def _check_address(place: Place, faults: FaultList) -> None:
    try:
        parts = urlsplit(place.address)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host, port = "", None, None
    if scheme not in ("tcp", "tls") or not host or not port:
        expected = "tls://HOST:PORT, or tcp://127.0.0.1:PORT on this machine"
        faults.add("--address", "not the address of a scheduler", place.address, expected)
    elif scheme == "tls":
        _check_keys(place, faults)
    elif not is_loopback(host) and not place.insecure:
        faults.add("--address", "no TLS beyond this machine", place.address, "tls://...", ANYONE)


def _check_unused(place: Place, faults: FaultList) -> None:
    """Refuse what would have no effect: who gives keys believes that there is TLS."""
    scheme = place.address.partition(":")[0]
    for attribute, option in KEY_OPTIONS.items():
        if getattr(place, attribute) and scheme != "tls":
            found = place.address or "no --address"
            faults.add(option, "is for an address with TLS", found, "--address tls://HOST:PORT")
    if place.insecure and scheme != "tcp":
        found = place.address or "no --address"
        faults.add("--insecure", "is for an address without TLS", found, "--address tcp://...")


def _check_keys(place: Place, faults: FaultList) -> None:
    for attribute, option in KEY_OPTIONS.items():
        value = getattr(place, attribute)
        if not value:
            faults.add(option, "missing, and the address has TLS", "nothing", "a file (PEM)")
        elif not Path(value).is_file():
            faults.add(option, "cannot be read", value, "a file (PEM)")


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, seen from itself only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
