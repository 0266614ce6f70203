"""A run directory of very many units, of which only the ledger is real; and looks at it.

    python ledgers.py look RUN
    python ledgers.py status RUN
    python ledgers.py deaths RUN

Each prints the seconds it took and the memory, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from watching import Seen

from microsim.execution.attempts import deaths_of
from microsim.results.shards import write_shard
from microsim.simulation.carrying import look
from microsim.simulation.directory import Frozen, RunDirectory
from microsim.simulation.ledger import open_ledger
from microsim.simulation.upkeep import status_of
from microsim.simulation.worlds import Step

SHARDS = 1000


def make(path: Path, n_units: int, done: int = 0, workers: int = 0) -> Path:
    """Write a run directory with so many units planned, so many done, and a diary each worker."""
    directory = RunDirectory(path)
    shards = min(SHARDS, n_units)
    with mock.patch("os.fsync"):  # what is written here need not outlive the machine
        nothing = dict.fromkeys(("identity", "scenario", "population", "population_hash"), "")
        directory.claim({**nothing, "seed": 1}, Step(replicates=n_units // shards))
        directory.keep_cut(range(shards + 1), [200_000] * shards)
        directory.freeze(Frozen("x", (), batches=("0" * 64,)))
        ledger = open_ledger(directory)
        nothing = {"hi": np.zeros(1, np.int64)}
        for number in range(done):
            unit = ledger.unit(number)
            write_shard(ledger.file(unit), {**asdict(unit), "faulty": []}, nothing)
    _write_diaries(directory, done, workers)
    return path


def _write_diaries(directory: RunDirectory, done: int, workers: int) -> None:
    directory.events.mkdir(exist_ok=True)
    now = time.time()
    for worker in range(workers):
        host = f"node{worker:04d}"
        lines = [{"event": "start", "host": host, "pid": 1, "born": 1, "time": now}]
        for unit in range(worker, done, workers):
            facts = {"persons": 200_000, "bytes": 30_000_000, "host": host, "pid": 1,
                     "seconds": 60.0, "cpu_seconds": 59.0, "peak_memory": 300_000_000}  # fmt: skip
            lines.append({"event": "begin", "unit": unit, "alone": False, "time": now})
            lines.append({"event": "done", "unit": unit, **facts, "time": now})
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        (directory.events / f"{host}.1.jsonl").write_text(text)


def main() -> None:
    """Do what the command line says."""
    path = Path(sys.argv[2])
    looks: dict[str, Callable[[], Any]] = {
        "look": lambda: look(open_ledger(RunDirectory(path))),
        "status": lambda: status_of(path),
        "deaths": lambda: deaths_of(path / "events"),
    }
    before, after = Seen(), Seen()
    before.look(os.getpid())
    began, cpu = time.perf_counter(), time.process_time()
    looks[sys.argv[1]]()
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    after.look(os.getpid())
    print(json.dumps({"wall": wall, "cpu": cpu, "before": before.own, **asdict(after)}))


if __name__ == "__main__":
    main()
