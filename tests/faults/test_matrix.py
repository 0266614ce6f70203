"""One digest for every backend, number of workers and shard size, straight and killed and resumed.

The whole matrix takes minutes, so it is asked for: `pytest -m matrix`.
"""

from __future__ import annotations

import os
import signal

import pytest
from striking import RANKS, assert_kept, shards, wait_until

from microsim.cli.validate import validate

pytestmark = pytest.mark.matrix
SIZES = ("1", "5000", "1000000000")  # a market each, several, all in one
BACKENDS = ("serial", "processes", "dask", "mpi")


def launched(backend: str, workers: int) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return the options of a backend, and the launcher where there is one."""
    if backend == "mpi":
        count = str(workers + 1) if workers > 1 else "1"  # rank 0 hands out, unless it is alone
        return ("--backend", "mpi"), {"program": (*RANKS[:2], count, *RANKS[3:])}
    return ("--backend", backend, "--workers", str(workers)), {}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("backend", BACKENDS)
def test_digest__is_one_and_the_same(
    commands, long_coresia, long_answer, tmp_path, capsys, backend, workers, size
):
    options, launcher = launched(backend, workers)
    out = tmp_path / "run"
    words = [
        "run", long_coresia.scenario, "--population", long_coresia.population, "--out", out,
        "--shard-persons", size, *options,
    ]  # fmt: skip
    assert commands.wait(commands.start(*words, **launcher)).digest == long_answer.digest
    validate(out)
    assert f"digest: {long_answer.digest}" in capsys.readouterr().out


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("backend", BACKENDS)
def test_digest__is_the_same_after_a_kill_and_resume(
    commands, long_coresia, long_answer, tmp_path, backend, workers, size
):
    """Everything is killed as soon as some of the work is done; another backend goes on."""
    options, launcher = launched(backend, workers)
    out = tmp_path / "run"
    words = [
        "run", long_coresia.scenario, "--population", long_coresia.population, "--out", out,
        "--shard-persons", size,
    ]  # fmt: skip
    process = commands.start(*words, *options, **launcher)
    # With one shard for all there is nothing to keep: it is struck while it works.
    begun = (
        (lambda: any(out.glob("events/*.jsonl"))) if size == SIZES[-1] else (lambda: shards(out))
    )
    wait_until(lambda: begun() or process.poll() is not None, "the run begins")
    for pid in commands.group(process):
        os.kill(pid, signal.SIGKILL)
    process.wait(timeout=20)
    before = shards(out)
    other = BACKENDS[(BACKENDS.index(backend) + 1) % 2]  # the quick ones take over
    resumed = commands.run(*words, "--backend", other, "--workers", "2")
    assert resumed.digest == long_answer.digest
    if before:
        assert_kept(out, before)
