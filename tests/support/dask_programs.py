"""Dask schedulers and workers as programs of their own, with TLS keys made for the test."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from carrying import SUPPORT

ADDRESS = re.compile(r"Scheduler at:\s+(\S+)")


@dataclass
class Keys:
    """Files of a certificate authority, a certificate and its key."""

    ca: Path
    cert: Path
    key: Path

    @property
    def options(self) -> list[str]:
        """As `dask scheduler` and `dask worker` want them."""
        return [
            "--tls-ca-file", str(self.ca), "--tls-cert", str(self.cert), "--tls-key", str(self.key),
        ]  # fmt: skip

    @property
    def place(self) -> dict[str, str]:
        """As `Place` wants them."""
        return {"tls_ca": str(self.ca), "tls_cert": str(self.cert), "tls_key": str(self.key)}


def make_keys(folder: Path) -> Keys:
    """Make keys in a folder."""
    from distributed import Security

    made = Security.temporary()
    keys = Keys(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    folder.mkdir(exist_ok=True)
    keys.ca.write_text(made.tls_ca_file)
    keys.cert.write_text(made.tls_client_cert)
    keys.key.write_text(made.tls_client_key)
    return keys


@contextlib.contextmanager
def program(arguments: Sequence[str], log: Path) -> Iterator[subprocess.Popen]:
    """Run a program of `distributed` with a log; it and what it started end with the block."""
    environment = {
        **os.environ, "PYTHONPATH": str(SUPPORT),
        "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    }  # fmt: skip
    with log.open("wb") as file, subprocess.Popen(
        arguments, stdout=file, stderr=file, env=environment, start_new_session=True
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, 9)


@contextlib.contextmanager
def scheduler(
    folder: Path, *options: str, before: Sequence[str] = (), host: str = "127.0.0.1"
) -> Iterator[tuple[subprocess.Popen, str]]:
    """Run a scheduler; yield it and its address. `before` is put before the command."""
    log = folder / "scheduler.log"
    command = [*before, sys.executable, "-m", "distributed.cli.dask_scheduler"]
    fixed = ["--host", host, "--port", "0", "--no-dashboard"]
    with program([*command, *fixed, *options], log) as process:
        yield process, _address(process, log)


@contextlib.contextmanager
def workers(
    folder: Path, address: str, *options: str, n: int = 2, before: Sequence[str] = ()
) -> Iterator[subprocess.Popen]:
    """Run workers of a scheduler."""
    command = [*before, sys.executable, "-m", "distributed.cli.dask_worker", address]
    fixed = ["--nworkers", str(n), "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]
    place = ["--local-directory", str(folder)]
    log = folder / "workers.log"
    with program([*command, *fixed, *place, *options], log) as process:
        yield process


def _address(process: subprocess.Popen, log: Path) -> str:
    until = time.monotonic() + 30
    while not (found := ADDRESS.search(log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.05)
    return found[1]
