"""What the measurements of scale stand on: large populations, prepared runs, programs, the README.

The scripts beside it begin with `import ground`, which finds the modules one folder up.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))

import commands  # noqa: E402 - one folder up
import machine  # noqa: E402
from table import Table, seconds  # noqa: E402

from microsim.population.store import open_population  # noqa: E402

__all__ = ["Table", "commands", "seconds"]

README = HERE.parent / "README.md"
SCENARIO = commands.SCENARIO
MIB, GIB = 2**20, 2**30
COORDINATOR = HERE / "coordinator.py"
# What a launcher left behind would make MPI believe that it is part of another program.
LAUNCHERS = ("SLURM_", "PMI", "OMPI_", "HYDRA")


def arguments(about: str) -> argparse.ArgumentParser:
    """Return the options that all scripts have."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "microsim" / "benchmarks"
    parser.add_argument("--folder", type=Path, default=folder, help="where data are kept")
    parser.add_argument(
        "--households", type=int, default=100_000, help="synthesised, then repeated"
    )
    parser.add_argument("--shard-persons", type=int, default=0, help="0: as `microsim run` cuts")
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    return parser


# -- populations and runs ------------------------------------------------------------------------


def population(folder: Path, households: int, persons: int) -> Path:
    """Return a population of Kenya with about so many persons; it is made once and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    small = folder / f"kenya_{households}.h5"
    if not small.exists():
        commands.synthesise(small, households, folder / "cache")
    with open_population(small) as reader:
        times = round(persons / reader.n_persons)
    if times < 2:
        return small
    large = folder / f"kenya_{households}_times_{times}.h5"
    if not large.exists():
        commands.repeated(small, large, times, folder / "cache")
    return large


def persons_in(path: Path) -> int:
    """Return the persons of a population file."""
    with open_population(path) as reader:
        return int(reader.n_persons)


def prepared(path: Path, out: Path, cache: Path, shard_persons: int = 0) -> Path:
    """Go through the phases before the units, and return the run directory."""
    commands.timed(prepare_command(path, out, shard_persons), cache)
    return out


def prepare_command(path: Path, out: Path, shard_persons: int = 0) -> list[str]:
    """Return the command that prepares a run."""
    shards = ("--shard-persons", shard_persons) if shard_persons else ()
    return commands.microsim("prepare", SCENARIO, "--population", path, "--out", out, *shards)


def fresh(run: Path, out: Path) -> Path:
    """Return a copy of a prepared run in which nothing is computed yet."""
    shutil.rmtree(out, ignore_errors=True)
    skipped = shutil.ignore_patterns("shards", "events", "failed", "results.h5")
    shutil.copytree(run, out, ignore=skipped)
    return out


# -- programs ------------------------------------------------------------------------------------


def program(what: str, *given: object, ranks: int = 0) -> list[str]:
    """Return the command line of `coordinator.py`, on ranks of MPI if there are any."""
    return command(str(COORDINATOR), what, *given, ranks=ranks)


def command(script: str, *given: object, ranks: int = 0) -> list[str]:
    """Return the command line of a script, on ranks of MPI if there are any."""
    python = [mpiexec(), "-n", str(ranks)] if ranks else []
    python += [sys.executable, *(["-m", "mpi4py"] if ranks else [])]
    return [*python, script, *map(str, given)]


def mpiexec() -> str:
    """Return the launcher beside this Python, else the one on the path."""
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.exists() else shutil.which("mpiexec") or "mpiexec"


def environment(cache: Path) -> dict[str, str]:
    """Return an environment with a compile cache of its own, this folder on Python's path for
    worker processes, and no launcher's variables.
    """
    usual = {k: v for k, v in os.environ.items() if not k.startswith(LAUNCHERS)}
    paths = [str(HERE), *filter(None, [usual.get("PYTHONPATH")])]
    return {**usual, "MICROSIM_CACHE": str(cache), "PYTHONPATH": os.pathsep.join(paths)}


def asked(arguments: list[str], cache: Path) -> dict[str, Any]:
    """Run a program whose last line is JSON, and return that; raise with what it said."""
    done = subprocess.run(arguments, env=environment(cache), capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed: {(done.stdout + done.stderr)[-2500:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def receipts(run: Path) -> list[dict[str, Any]]:
    """Return the receipts of the units of a run, by number, from the diaries of its workers."""
    found = []
    for path in sorted((run / "events").glob("*.jsonl")):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        found += [event for event in events if event["event"] == "done" and "persons" in event]
    return sorted(found, key=lambda one: one["unit"])


# -- tables --------------------------------------------------------------------------------------


def on_what() -> str:
    """Return a line that says when and on what was measured."""
    return machine.measured()


def show(name: str, tables: list[Table], said: str, *, write: bool) -> None:
    """Print the tables of a script, and put them between its markers in the README if asked."""
    text = "\n".join([*(table.text() for table in tables), f"Measured {said}\n"])
    print(text, flush=True)
    if write:
        begin, end = f"<!-- tables: written by scale/{name} -->", f"<!-- end of scale/{name} -->"
        before, rest = README.read_text().split(begin)
        README.write_text(f"{before}{begin}\n\n{text}\n{end}{rest.split(end)[1]}")


def ratio(measured: float, planned: float) -> str:
    """Return how far a measured figure is from the planned one."""
    return f"{(measured / planned - 1) * 100:+.0f} %" if planned else ""
