"""Commands of microsim as a user starts them: seconds to the first result, memory of workers."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from microsim.shipped import folder

SCENARIO = folder("scenarios") / "kenya" / "floor.yaml"
CHANGE = "nssf.rate=0.07"
SECONDS_BETWEEN_LOOKS = 0.05


def microsim(*arguments: object) -> list[str]:
    """Return the command line."""
    return [sys.executable, "-m", "microsim", *[str(a) for a in arguments]]


def environment(cache: Path) -> dict[str, str]:
    """Return the environment with a compile cache of its own."""
    return os.environ | {"MICROSIM_CACHE": str(cache)}


@dataclass(frozen=True)
class Timed:
    """Wall and CPU seconds of a command and its children."""

    wall: float
    cpu: float


def timed(arguments: list[str], cache: Path) -> Timed:
    """Run a command; raise with what it said if it fails."""
    before, began = _children(), time.perf_counter()
    done = subprocess.run(arguments, env=environment(cache), capture_output=True, text=True)
    wall, cpu = time.perf_counter() - began, _children() - before
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments[2:])} failed: {done.stderr[-1500:]}")
    return Timed(wall, cpu)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def synthesise(target: Path, households: int, cache: Path) -> Timed:
    """Make a population of Kenya."""
    command = ("population", "synthesise", "--country", "KEN", "--households", households)
    return timed(microsim(*command, "--seed", 1, "--out", target), cache)


def repeated(source: Path, target: Path, times: int, cache: Path) -> Timed:
    """Write the population several times over, market by market."""
    command = microsim("population", "repeat", source, "--times", times, "--out", target)
    return timed(command, cache)


def first_results(population: Path, repeats: int, scenario: Path = SCENARIO) -> dict[str, Timed]:
    """Return times of `microsim run` in fresh processes: without a compile cache, with it, after a
    changed value.
    """
    with tempfile.TemporaryDirectory(prefix="microsim-benchmark-") as place:
        base = Path(place)

        def run(name: str, *more: str) -> Timed:
            out = base / name
            arguments = microsim("run", scenario, "--population", population, "--out", out)
            return timed([*arguments, "--workers", "2", *more], base / "cache")

        cold = run("cold")
        warm = [run(f"warm-{k}") for k in range(repeats)]
        changed = [run(f"set-{k}", "--set", CHANGE) for k in range(repeats)]
    return {
        "no compile cache": cold,
        "with the cache": median(warm),
        "with the cache, a parameter changed": median(changed),
    }


def median(times: list[Timed]) -> Timed:
    """Return medians of wall and CPU seconds."""
    return Timed(
        statistics.median([one.wall for one in times]),
        statistics.median([one.cpu for one in times]),
    )


@dataclass(frozen=True)
class Memory:
    """Largest resident memory, MiB, of the coordinator and of any worker; and the seconds taken."""

    coordinator: float
    worker: float
    workers: int
    seconds: float


def memory_of_run(population: Path, workers: int, cache: Path, scenario: Path = SCENARIO) -> Memory:
    """Run the scenario with worker processes and watch their memory."""
    with tempfile.TemporaryDirectory(prefix="microsim-benchmark-") as place:
        out, log = Path(place) / "run", Path(place) / "log.txt"
        arguments = microsim("run", scenario, "--population", population, "--out", out)
        arguments += ["--backend", "processes", "--workers", str(workers)]
        began = time.perf_counter()
        with log.open("w") as said:
            process = subprocess.Popen(arguments, env=environment(cache), stdout=said, stderr=said)
            coordinator, seen = _watch(process)
        if process.returncode != 0:
            raise RuntimeError(f"microsim run failed: {log.read_text()[-1500:]}")
        # Helpers of multiprocessing itself (the resource tracker) are small and no workers.
        large = [size for size in seen.values() if size > 40.0]
        return Memory(coordinator, max(large), len(large), time.perf_counter() - began)


def _watch(process: subprocess.Popen[bytes]) -> tuple[float, dict[int, float]]:
    """Return the peak of the process and of each of its children until it ends."""
    coordinator, workers = 0.0, {}
    while process.poll() is None:
        coordinator = max(coordinator, _peak(process.pid))
        for child in _children_of(process.pid):
            if "precompile" in _command(child):
                continue  # compiles rules once and ends before the first shard
            workers[child] = max(workers.get(child, 0.0), _peak(child))
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return coordinator, workers


def _command(pid: int) -> str:
    """Return the command line of a process, or nothing if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


def _peak(pid: int) -> float:
    """Return the high-water mark of resident memory, MiB; 0 if the process has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    line = next((x for x in status.splitlines() if x.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024


def _children_of(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            continue
    return found + [grandchild for child in found for grandchild in _children_of(child)]
