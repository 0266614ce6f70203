"""Two hosts and a cable between them that is pulled for a while: network namespaces and TLS."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from dask_programs import make_keys, scheduler, workers
from listening import Collected

from microsim.execution.backend import run_job
from microsim.execution.jobs import Job
from microsim.execution.place import Place

NET = f"10.77.{os.getpid() % 250}"
HERE, THERE = f"{NET}.1", f"{NET}.2"
CUT = 10.0  # seconds


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=20)


def missing() -> str:
    """Return why there can be no namespaces here, or an empty text."""
    if shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
        return "there is no `ip` (iproute2)"
    trial = subprocess.run(["ip", "netns", "add", f"ms{os.getpid()}t"], capture_output=True)
    if trial.returncode != 0:
        return f"no namespaces: {trial.stderr.decode().strip()}"
    ip("netns", "delete", f"ms{os.getpid()}t")
    return ""


class Cable:
    """A link between this host and another one, both made for the test."""

    def __init__(self) -> None:
        self.host = f"ms{os.getpid()}"
        self.end = f"{self.host}a"

    def lay(self) -> None:
        other_end = f"{self.host}b"
        ip("netns", "add", self.host)
        ip("link", "add", self.end, "type", "veth", "peer", "name", other_end, "netns", self.host)
        ip("addr", "add", f"{HERE}/24", "dev", self.end)
        ip("-n", self.host, "addr", "add", f"{THERE}/24", "dev", other_end)
        ip("-n", self.host, "link", "set", "lo", "up")
        ip("-n", self.host, "link", "set", other_end, "up")
        self.plug(True)

    def plug(self, there: bool) -> None:
        ip("link", "set", self.end, "up" if there else "down")

    def remove(self) -> None:
        subprocess.run(["ip", "link", "delete", self.end], capture_output=True, timeout=20)
        subprocess.run(["ip", "netns", "delete", self.host], capture_output=True, timeout=20)


@pytest.fixture
def cable() -> Iterator[Cable]:
    if reason := missing():
        text = f"{reason}: THE NETWORK CUT WAS NOT TRIED (needs root and iproute2)"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        pytest.skip(text)
    cable = Cable()
    try:
        cable.lay()
        yield cable
    finally:
        cable.remove()


@pytest.mark.slow
def test_a_network_cut__loses_no_unit(cable, tmp_path):
    (tmp_path / "tries").mkdir()
    keys = make_keys(tmp_path / "keys")
    there = ("ip", "netns", "exec", cable.host)
    setup = {"folder": str(tmp_path / "tries"), "events": str(tmp_path / "events")}
    job = Job("jobs:scripted", {**setup, "seconds": 0.5}, [{"unit": k} for k in range(30)])

    class Cutting(Collected):
        cut = 0.0

        def done(self, receipt: dict) -> None:
            super().done(receipt)
            if len(self.receipts) == 4:
                cable.plug(False)
                self.cut = time.monotonic()
                threading.Timer(CUT, cable.plug, [True]).start()

    heard = Cutting()
    with (
        scheduler(tmp_path, "--protocol", "tls", *keys.options, host=HERE) as (_, address),
        workers(tmp_path, address, "--host", THERE, *keys.options, before=there),
    ):
        assert address.startswith(f"tls://{HERE}:")
        run_job(job, Place(backend="dask", address=address, **keys.place), heard)
    assert time.monotonic() - heard.cut > CUT
    assert heard.numbers == list(range(30))
    assert heard.failures == []
