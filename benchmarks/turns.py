"""The plain system: ours and the baselines in turns, each in a process with the data in memory."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openfisca import python_with_openfisca
from table import Table, millions, seconds

PLAIN = Path(__file__).with_name("plain")
AGREE = 1e-12
# OpenFisca keeps values in single precision: its answers agree to that.
AGREE_OF = {"openfisca": 1e-5}
LABELS = {"ours": "ours", "ours_again": "ours, memory of columns used again"}
TARGETS = {"polars": 3, "numpy": 4, "openfisca": 12}


@dataclass
class Backend:
    """A process that holds the data and computes when told."""

    name: str
    process: subprocess.Popen[str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak: float = 0.0
    answers: dict[str, float] = field(default_factory=dict)

    def turn(self) -> None:
        """Compute once and note the times."""
        assert self.process.stdin is not None  # noqa: S101 - made with a pipe
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        result = json.loads(_line(self))
        self.wall.append(result["wall"])
        self.cpu.append(result["cpu"])
        self.peak, self.answers = result["peak_mib"], result["answers"]

    def end(self) -> None:
        """End the process."""
        self.process.communicate("quit\n", timeout=60)


def _line(backend: Backend) -> str:
    assert backend.process.stdout is not None  # noqa: S101 - made with a pipe
    line = backend.process.stdout.readline()
    if not line:
        raise RuntimeError(f"the process of {backend.name} ended with an error")
    return line


def start(name: str, python: str, arguments: list[str]) -> Backend:
    """Start a backend, a script with its arguments, and wait until it is ready."""
    process = subprocess.Popen(
        [python, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    backend = Backend(name, process)
    if _line(backend).strip() != "READY":
        raise RuntimeError(f"{name} did not start")
    return backend


def data_folder(persons: int, folder: Path) -> Path:
    """Return the folder of the data, made if new."""
    target = folder / f"plain_{persons}"
    if not (target / "p_wage.npy").exists():
        script = str(PLAIN / "generate.py")
        subprocess.run([sys.executable, script, str(persons), str(target)], check=True)
    return target


def interpreters(names: list[str], folder: Path) -> tuple[dict[str, str], list[str]]:
    """Return the Python of each backend that can run, and why others cannot."""
    found, notes = {}, []
    for name in names:
        python: str | None = sys.executable
        reason = ""
        if name == "openfisca":
            python, reason = python_with_openfisca(folder)
        elif name in ("polars", "pandas"):
            probe = subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True)
            python, reason = (
                (sys.executable, "") if probe.returncode == 0 else (None, "not installed")
            )
        if python is None:
            notes.append(f"SKIPPED {name}: {reason}")
        else:
            found[name] = python
    return found, notes


def largest_difference(answers: dict[str, float], reference: dict[str, float]) -> float:
    """Return the largest relative difference of any answer."""
    if set(answers) != set(reference):
        raise ValueError(f"answers differ in kind: {sorted(set(answers) ^ set(reference))}")
    return max(abs(answers[k] - x) / max(1e-12, abs(x)) for k, x in reference.items())


def compare(persons: int, repeats: int, names: list[str], folder: Path) -> Table:
    """Return the table of one size: medians of wall and CPU time, ratios to ours."""
    data = data_folder(persons, folder)
    pythons, notes = interpreters(names, folder)
    backends: list[Backend] = []
    try:
        for name, python in pythons.items():
            arguments = [str(PLAIN / "worker.py"), name, str(data)]
            backends.append(start(name, python, arguments))
        for _ in range(repeats):
            for backend in backends:
                backend.turn()
    finally:
        for backend in backends:
            backend.end()
    return _table(persons, repeats, backends, notes)


def _table(persons: int, repeats: int, backends: list[Backend], notes: list[str]) -> Table:
    table = Table(
        f"Plain system, {persons:,} persons",
        ("", "wall", "CPU", "persons/s", "ours is faster (wall)", "(CPU)", "wanted", "peak MiB",
         "largest difference"),
    )  # fmt: skip
    by_name = {backend.name: backend for backend in backends}
    reference, mine = (
        by_name.get("numpy", backends[0]),
        [by_name[n] for n in LABELS if n in by_name],
    )

    def times(theirs: list[float], which: str) -> str:
        found = [statistics.median(theirs) / statistics.median(getattr(b, which)) for b in mine]
        return " / ".join(f"{ratio:.1f}" for ratio in found) + " x"

    for b in backends:
        wall, cpu = statistics.median(b.wall), statistics.median(b.cpu)
        different = largest_difference(b.answers, reference.answers)
        if different > AGREE_OF.get(b.name, AGREE):
            raise ValueError(f"{b.name} gives other answers: {different:.1e}")
        ratios = ["", ""] if b.name in LABELS else [times(b.wall, "wall"), times(b.cpu, "cpu")]
        wanted = f"{TARGETS[b.name]} x" if b.name in TARGETS else ""
        table.add(
            LABELS.get(b.name, b.name), seconds(wall), seconds(cpu), millions(persons / wall),
            *ratios, wanted,
            f"{b.peak:.0f}", f"{different:.0e}",
        )  # fmt: skip
    table.notes = [
        f"Data in memory to columns, totals and indicators; medians of {repeats} turns, each "
        "backend in turn in a process of its own; ours with 2 threads; CPU seconds of all threads. "
        "Ratios are to ours with new memory for the columns kept at each turn, as the others have, "
        "and to ours that writes them where those of the turn before were.",
        *notes,
    ]
    return table


def answers_of(name: str, columns: Any) -> dict[str, float]:  # noqa: ANN401
    """Return one backend's answers on columns in memory, in this process (for tests)."""
    sys.path.insert(0, str(PLAIN))
    import baselines
    import ours

    if name == "ours":
        return ours.run_ours((ours.compiled(), columns), 1)[1]
    return baselines.run_numpy(columns)[1]
