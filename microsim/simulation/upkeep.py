"""Looks after run directories: how far a run is, whether its files are whole, what can go."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from microsim.execution.pace import Pace, pace_of
from microsim.results.shards import ShardError, verify_shard
from microsim.simulation.carrying import counted_files, counted_units
from microsim.simulation.directory import RunDirectory
from microsim.simulation.ledger import Ledger, NotPreparedError, open_ledger

PARTIAL = ".*.partial"
RECENT = 3600.0  # seconds: a younger temporary file may be another process's work in hand


@dataclass(frozen=True)
class Status:
    """How far a run is.

    Attributes
    ----------
    phase
        `asked`, `preparing`, `computing`, `merging` or `complete`.
    units, done, failed, missing
        Numbers of units; `missing` are not computed and not given up.
    pace
        What the workers' diaries say of the last minutes.
    """

    phase: str
    units: int
    done: int
    missing: int
    failed: int
    pace: Pace

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all units are done at the pace of the last minutes, if any is."""
        return self.missing / self.pace.units_per_second if self.pace.units_per_second else None


def status_of(out: Path) -> Status:
    """Return how far a run is, from its files alone.

    Raises
    ------
    InputError
        Not a run directory.
    """
    directory = RunDirectory(out)
    directory.question()
    pace = pace_of(directory.events)
    try:
        ledger = open_ledger(directory)
    except NotPreparedError:
        return Status("preparing", 0, 0, 0, 0, pace)
    done, failed = _counted(ledger)
    units = ledger.numbering.n_units
    phase = "computing"
    if done == units:
        phase = "complete" if _results_are_newest(directory) else "merging"
    return Status(phase, units, done, units - done - failed, failed, pace)


def _counted(ledger: Ledger) -> tuple[int, int]:
    """Count finished and given-up units by the names of their files."""
    names, failures = ledger.directory.shard_names(), ledger.directory.failures()
    done = failed = 0
    for number in ledger.directory.traced(names, failures):
        if number >= ledger.numbering.n_units:
            continue
        unit = ledger.unit(number)
        if ledger.file(unit).name in names:
            done += 1
        elif failures.get(number, {}).get("id") == unit.id:
            failed += 1
    return done, failed


def _results_are_newest(directory: RunDirectory) -> bool:
    """Tell whether the results are younger than the last step that was added to the run."""
    steps = sorted((directory.path / "plan").glob("*.json"))
    results = directory.results
    return results.is_file() and all(
        results.stat().st_mtime >= step.stat().st_mtime for step in steps
    )


@dataclass(frozen=True)
class Verified:
    """What verification found: units whole, damaged (file and reason), and missing."""

    whole: int
    damaged: dict[Path, str]
    missing: tuple[int, ...]


def verify_run(out: Path) -> Verified:
    """Read every shard file of a run wholly and compare all checksums.

    Raises
    ------
    InputError
        Not a run directory, or not prepared yet.
    """
    ledger = open_ledger(RunDirectory(out))
    whole = 0
    damaged: dict[Path, str] = {}
    missing: list[int] = []
    for unit in counted_units(ledger):
        try:
            verify_shard(ledger.file(unit), unit.id)
        except FileNotFoundError:
            missing.append(unit.number)
        except ShardError as error:
            damaged[ledger.file(unit)] = str(error)
        else:
            whole += 1
    return Verified(whole, damaged, tuple(missing))


@dataclass(frozen=True)
class Garbage:
    """Files of a run that nothing needs, and their bytes."""

    files: tuple[Path, ...]
    size: int


def garbage_of(out: Path, *, older_than: float = RECENT) -> Garbage:
    """Return what can go: temporary files left behind, shard files of another cut or question, and
    scratch of merges that ended early.

    Parameters
    ----------
    older_than
        Seconds; younger temporary files may be in use and are left alone.

    Raises
    ------
    InputError
        Not a run directory, or not prepared yet.
    """
    ledger = open_ledger(RunDirectory(out))
    wanted = {path.stem for path in counted_files(ledger)}
    files = [path for path in _results(out) if path.stem not in wanted]
    files += _left_behind(out, older_than)
    sizes = {}
    for path in files:
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            sizes[path] = path.stat().st_size
    return Garbage(tuple(sizes), sum(sizes.values()))


def _results(out: Path) -> Iterator[Path]:
    """Yield the files of units: of sums, and of persons."""
    yield from sorted((out / "shards").glob("*/[0-9]*.bin"))
    yield from sorted((out / "persons").glob("*/[0-9]*.h5"))
    yield from sorted((out / "persons").glob("*/*/[0-9]*.h5"))  # of years of a projection


def _left_behind(out: Path, older_than: float) -> Iterator[Path]:
    """Yield old temporary files."""
    old = time.time() - older_than
    for path in sorted([*out.rglob(PARTIAL), *out.glob(".merge-*/**/*")]):
        if path.is_file() and path.stat().st_mtime < old:
            yield path


def collect(garbage: Garbage) -> None:
    """Remove files, and scratch folders that are empty then."""
    for path in garbage.files:
        path.unlink(missing_ok=True)
    # Folders of results stay: a worker may be about to write there.
    for folder in {path.parent for path in garbage.files if path.parent.name.startswith(".merge-")}:
        with contextlib.suppress(OSError):  # not empty, or gone
            folder.rmdir()
