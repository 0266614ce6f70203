"""A place that cannot be meant is refused before any work is done."""

from __future__ import annotations

import pytest

from microsim.errors import InputError
from microsim.execution.backend import run_job
from microsim.execution.jobs import Job
from microsim.execution.place import Place, check_place

WRONG = {
    "unknown backend": (
        {"backend": "proceses"},
        "--backend: unknown backend; found proceses; expected serial, processes, dask or mpi. "
        "Did you mean 'processes'?",
    ),
    "no workers": ({"workers": 0}, "--workers: too few workers; found 0; expected 1 or more."),
    "memory below zero": ({"memory_limit": -1}, "--memory-limit: not a size"),
    "memory of others": (
        {"backend": "mpi", "memory_limit": 5},
        "--memory-limit: is for worker processes on this machine; found mpi; expected --backend",
    ),
    "site that is not there": (
        {"backend": "dask", "site": "/no/site.yaml"},
        "--site: cannot read /no/site.yaml",
    ),
    "address elsewhere": (
        {"backend": "mpi", "address": "tls://h:1"},
        "--address: is for the dask backend; found mpi; expected --backend dask.",
    ),
    "site elsewhere": ({"site": "s.yaml"}, "--site: is for the dask backend; found serial"),
    "address and site": (
        {"backend": "dask", "address": "tcp://127.0.0.1:1", "site": "s.yaml"},
        "--address: given together with --site",
    ),
    "no address": (
        {"backend": "dask", "address": "there"},
        "--address: not the address of a scheduler; found there; expected tls://HOST:PORT",
    ),
    "no port": ({"backend": "dask", "address": "tls://there"}, "not the address of a scheduler"),
    "bad port": ({"backend": "dask", "address": "tls://h:port"}, "not the address of a scheduler"),
    "no TLS": (
        {"backend": "dask", "address": "tcp://node7:8786"},
        "--address: no TLS beyond this machine; found tcp://node7:8786; expected tls://... "
        "Without TLS anyone who reaches that port can run any program as you.",
    ),
    "no TLS to an address that looks near": (
        {"backend": "dask", "address": "tcp://127.0.0.1.example.org:8786"},
        "no TLS beyond this machine",
    ),
    "no keys": (
        {"backend": "dask", "address": "tls://node7:8786"},
        "--tls-ca: missing, and the address has TLS; found nothing; expected a file (PEM).\n"
        "--tls-cert: missing, and the address has TLS; found nothing; expected a file (PEM).\n"
        "--tls-key: missing",
    ),
    "keys that are not there": (
        {"backend": "dask", "address": "tls://h:1", "tls_ca": "a", "tls_cert": "b", "tls_key": "c"},
        "--tls-ca: cannot be read; found a",
    ),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=list(WRONG))
def test_a_place_that_cannot_be_meant__is_refused(options, message):
    with pytest.raises(InputError) as caught:
        run_job(Job("jobs:stillborn", {}, [{"unit": 0}]), Place(**options), None)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"address": "tcp://127.0.0.1:8786"},
        {"address": "tcp://localhost:8786"},
        {"address": "tcp://[::1]:8786"},
        {"address": "tcp://node7:8786", "insecure": True},
    ],
)
def test_an_address_on_this_machine_or_told_plainly__is_taken(options):
    check_place(Place(backend="dask", **options))
