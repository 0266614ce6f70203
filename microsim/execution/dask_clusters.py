"""Connects to Dask workers: a cluster on this machine, a scheduler's address, or a site's jobs."""

from __future__ import annotations

import contextlib
import logging
import os
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from microsim.errors import Fault, InputError, MicrosimError, RunFailedError
from microsim.execution.dask_site import DaskSite, load_dask_site
from microsim.execution.endings import last_words
from microsim.execution.place import Place
from microsim.execution.serving import WORKER_ENVIRONMENT

if TYPE_CHECKING:
    from distributed import Client, Security
    from distributed.deploy.cluster import Cluster

CONNECT_TIMEOUT = 30.0  # seconds
SETTLE_TIMEOUT = 5.0  # seconds
LOGS_SHOWN = 3
INSTALL = "Install it: pip install 'microsim-social[dask]'."

# A dead worker blames what it had at once: we try again ourselves, and one at a time. Few tasks on
# a worker keep bystanders out of it. A worker short of memory must not wait for ever: it is ended.
CONFIG = {
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.admin.log-length": 0,
    "distributed.deploy.lost-worker-timeout": "5s",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.nanny.pre-spawn-environ": {
        **WORKER_ENVIRONMENT,
        "DASK_LOGGING__DISTRIBUTED": "error",
    },
}
# Dask opens a web server whatever one says: on this machine only, and it shows nothing.
NO_DASHBOARD = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}


@dataclass(frozen=True)
class Connection:
    """Workers that are there or will come.

    Attributes
    ----------
    client
        What units are handed to.
    own
        Whether these workers were started by this run.
    words
        Returns what workers said, for the message that one died or none came.
    logs
        Folder where workers of this machine write what they say, "" for others.
    """

    client: Client
    own: bool
    words: Callable[[], str]
    logs: str = ""


@contextlib.contextmanager
def connected(place: Place, units: int) -> Iterator[Connection]:
    """Connect to the workers of a place; end those that were started for it.

    Parameters
    ----------
    place
        The place.
    units
        How many units there are: more workers would have nothing to do.

    Raises
    ------
    InputError
        Dask is not installed; a site file or a key is at fault.
    RunFailedError
        The cluster did not come up, or there is no scheduler at the address.
    """
    site = load_dask_site(place.site) if place.site else None
    try:
        import dask
        import distributed  # noqa: F401 - to find out whether it is there
    except ImportError as error:
        fault = Fault("--backend", "Dask is not installed", str(error), "", INSTALL)
        raise InputError(fault) from error
    if place.address:
        timeout = min(CONNECT_TIMEOUT, place.start_timeout)
        with _client(place.address, _security_of(place), timeout) as client:
            there = (
                f"The scheduler at {place.address} has no workers: start some with `dask worker`."
            )
            yield Connection(client, False, lambda: there)
        return
    with dask.config.set(CONFIG):
        if site is not None:
            with _site_cluster(site, units) as connection:
                yield connection
        else:
            with _environment_kept(), _local_cluster(place, units) as connection:
                yield connection


@contextlib.contextmanager
def _environment_kept() -> Iterator[None]:
    """Undo what Dask does to this program's environment when it starts workers."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in os.environ.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@contextlib.contextmanager
def _local_cluster(place: Place, units: int) -> Iterator[Connection]:
    from distributed import LocalCluster

    workers = min(place.workers, units)
    with _failing_as_run():
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            protocol="tls://",  # other users of this machine reach the loopback too
            security=_temporary_keys(),
            dashboard_address=None,
            scheduler_kwargs=NO_DASHBOARD,
            memory_limit=place.memory_limit,
            silence_logs="CRITICAL",
        )
    with (
        tempfile.TemporaryDirectory(prefix="microsim-") as logs,
        _ended(cluster),
        _client(cluster) as client,
    ):
        yield Connection(client, True, lambda: _words_in(Path(logs)), logs)
        _wait_for(client, workers)


def _wait_for(client: Client, workers: int) -> None:
    """Let a worker that is just being replaced come up: ended at once, it would complain."""
    until = time.monotonic() + SETTLE_TIMEOUT
    while time.monotonic() < until and len(client.nthreads()) < workers:
        time.sleep(0.1)


@contextlib.contextmanager
def _site_cluster(site: DaskSite, units: int) -> Iterator[Connection]:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        fault = Fault("--site", "dask-jobqueue is not installed", str(error), "", INSTALL)
        raise InputError(fault) from error
    logs = Path(site.log_directory).expanduser().absolute()
    jobs = min(site.maximum_jobs, max(site.minimum_jobs, -(-units // site.processes)))
    with _failing_as_run(), contextlib.ExitStack() as stack:
        logs.mkdir(parents=True, exist_ok=True)
        keys = stack.enter_context(_keys(logs))
        cluster = SLURMCluster(**_slurm_options(site, logs, keys))
        stack.enter_context(_ended(cluster))
        client = stack.enter_context(_client(cluster))
        seen = set(logs.glob("*.err"))
        # `adapt` with one number, not `scale`: that would not replace a job that was lost
        cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
        stack = stack.pop_all()
    with stack:
        yield Connection(client, True, lambda: _words_of_jobs(logs, seen, cluster.job_script()))


@contextlib.contextmanager
def _failing_as_run() -> Iterator[None]:
    """Make errors of starting a cluster, of whatever kind, failures of the run."""
    try:
        yield
    except MicrosimError:
        raise
    except Exception as error:
        raise RunFailedError(f"the Dask cluster could not be started: {error}") from error


def _temporary_keys() -> Security:
    from distributed import Security

    try:
        return Security.temporary()
    except ImportError as error:
        fault = Fault("--backend", "Dask has no TLS here", str(error), "", INSTALL)
        raise InputError(fault) from error


@contextlib.contextmanager
def _keys(folder: Path) -> Iterator[Security]:
    """Make keys for this run only, in a folder nobody else can read; they go with the block."""
    from distributed import Security

    made = _temporary_keys()
    with tempfile.TemporaryDirectory(prefix=".keys-", dir=folder) as name:
        files = {}
        for kind in ("tls_ca_file", "tls_worker_cert", "tls_worker_key"):
            path = Path(name) / f"{kind}.pem"
            path.write_text(getattr(made, kind))
            files[kind] = str(path)
        ca, cert, key = files.values()
        yield Security(
            require_encryption=True, tls_ca_file=ca, tls_worker_cert=cert, tls_worker_key=key,
            tls_scheduler_cert=cert, tls_scheduler_key=key, tls_client_cert=cert,
            tls_client_key=key,
        )  # fmt: skip


def _slurm_options(site: DaskSite, logs: Path, keys: Security | None) -> dict[str, object]:
    options: dict[str, object] = {
        "cores": site.cores,
        "processes": site.processes,
        "memory": site.memory,
        "log_directory": str(logs),
        "job_name": "microsim-dask",
        "python": site.python or sys.executable,
        "job_extra_directives": list(site.job_extra_directives),
        "worker_extra_args": [part for text in site.worker_extra_args for part in text.split(" ")],
        "job_script_prologue": [
            *(f"export {name}={value}" for name, value in WORKER_ENVIRONMENT.items()),
            *site.job_script_prologue,
        ],
        "scheduler_options": NO_DASHBOARD,
        "silence_logs": "CRITICAL",
    }
    for key in ("queue", "account", "walltime", "interface", "local_directory"):
        if getattr(site, key):
            options[key] = getattr(site, key)
    if keys is not None:
        options |= {"protocol": "tls://", "security": keys}
    return options


def _words_of_jobs(logs: Path, before: set[Path], script: str) -> str:
    """Return the ends of the newest logs of workers, or the script they were started with."""
    nothing = f"No job wrote a log into {logs} (see `squeue`). The job script was:\n{script}"
    return _words_in(logs, before) or nothing


def _words_in(logs: Path, before: Collection[Path] = ()) -> str:
    """Return the ends of the newest logs in a folder that have something."""
    new = [path for path in logs.glob("*.err") if path not in before and path.stat().st_size]
    new.sort(key=lambda path: path.stat().st_mtime)
    return "\n".join(f"{path.name}:\n{last_words(path)}" for path in new[-LOGS_SHOWN:])


def _security_of(place: Place) -> object:
    """Return the TLS keys of an address."""
    from distributed import Security

    if not place.address.startswith("tls://"):
        return None
    try:
        security = Security(
            tls_ca_file=place.tls_ca,
            tls_client_cert=place.tls_cert,
            tls_client_key=place.tls_key,
            require_encryption=True,
        )
        security.get_connection_args("client")
    except (OSError, ssl.SSLError) as error:
        fault = Fault("--tls-cert", "the TLS files cannot be used", str(error), "PEM files")
        raise InputError(fault) from error
    return security


@contextlib.contextmanager
def _client(
    target: object, security: object = None, timeout: float = CONNECT_TIMEOUT
) -> Iterator[Client]:
    from distributed import Client

    # A lost scheduler is told by an error of ours; Dask would print its own traceback besides.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    try:
        client = Client(target, security=security, timeout=timeout, set_as_default=False)
    except (OSError, TimeoutError, TypeError, ValueError) as error:
        where = target if isinstance(target, str) else "the scheduler"
        raise RunFailedError(f"cannot connect to {where}: {error!r}") from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # a lost scheduler cannot be told goodbye
            client.close(timeout=5)


@contextlib.contextmanager
def _ended(cluster: Cluster) -> Iterator[None]:
    try:
        yield
    finally:
        with contextlib.suppress(Exception):  # what matters is the outcome of the run
            cluster.close(timeout=30)
