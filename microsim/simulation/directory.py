"""The run directory: what is asked, what is done, what failed. Its files are the state of a run."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from microsim.errors import Fault, FaultList, InputError
from microsim.results.atomic import write_new, write_text
from microsim.simulation.worlds import Numbering, Step

FILES_PER_FOLDER = 1000
QUESTION, CUT, FRAME, RESULTS = "question.json", "cut.json", "frame.json", "results.h5"
REMEDY = "Choose another --out, or remove the directory."
Stored = dict[str, Any]
Made = TypeVar("Made")


@dataclass(frozen=True)
class Frozen:
    """What the phases before the units froze.

    Attributes
    ----------
    asked
        Identity of the question as asked: the phases are gone through again when it differs.
    settings
        Settings of `--set`, then of calibration.
    calibrated, quotas
        Their reports, as plain data.
    batches
        Identity of each batch of scenarios.
    cut_offs
        Cut-offs of quotas: `batch-draw-replicate` -> name -> value of each scenario.
    wages
        Of a projection, factor of earnings in each year: `draw-replicate` -> factors.
    weights
        Of static ageing: `batch-draw` -> scenario -> hash of the file that weights are made from.
    histories
        Of a projection, how official totals of past contributions are met: replicate -> numbers of
        each total, as `dynamics.past_totals.Solved` has them.
    """

    asked: str
    settings: tuple[str, ...]
    calibrated: tuple[Stored, ...] = ()
    batches: tuple[str, ...] = ()
    cut_offs: dict[str, dict[str, tuple[float, ...]]] = field(default_factory=dict)
    quotas: tuple[Stored, ...] = ()
    wages: dict[str, tuple[float, ...]] = field(default_factory=dict)
    weights: dict[str, dict[str, str]] = field(default_factory=dict)
    histories: dict[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)


class RunDirectory:
    """A run directory; nothing is read before it is asked for.

    Parameters
    ----------
    path
        The directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.results = path / RESULTS
        self.events = path / "events"
        self.jobs = path / "jobs"

    # -- the question -----------------------------------------------------------------------

    @property
    def exists(self) -> bool:
        """Whether a run has claimed the directory."""
        return (self.path / QUESTION).is_file()

    def question(self) -> Stored:
        """Return the question as stored.

        Raises
        ------
        InputError
            Not a run directory.
        """
        if not self.exists:
            expected = "the --out of a run"
            raise InputError(Fault(str(self.path), "not a run directory", "no question", expected))
        return _read(self.path / QUESTION, _question)

    def claim(self, question: Stored, step: Step) -> None:
        """Make the directory this question's; the first of several processes decides.

        Raises
        ------
        InputError
            The directory holds the answer to another question; the fault names what differs.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            what, expected = "the run directory cannot be made", "a folder, new or of a run"
            found = error.strerror or str(error)
            raise InputError(Fault(str(self.path), what, found, expected)) from error
        write_new(self.path / QUESTION, json.dumps(question, indent=1))
        there = self.question()
        if there.get("identity") != question["identity"]:
            what = "this run directory holds the answer to another question"
            expected = "the same question, or a new directory"
            found = "a difference in " + _differences(there, question)
            raise InputError(Fault(str(self.path), what, found, expected, REMEDY))
        write_new(self._step_path(0), json.dumps(asdict(step), indent=1))
        first = self.steps()[0]
        if first != step:
            what = "this run directory was begun with other draws or replicates"
            found = f"{len(first.draws)} draws, {first.replicates} replicates there"
            expected = f"{len(step.draws)} draws, {step.replicates} replicates as asked"
            remedy = "`microsim expand` adds draws and replicates to a run."
            raise InputError(Fault(str(self.path), what, found, expected, remedy))

    # -- steps and shards -------------------------------------------------------------------

    def _step_path(self, k: int) -> Path:
        return self.path / "plan" / f"{k:05d}.json"

    def steps(self) -> tuple[Step, ...]:
        """Return what was asked for, in order."""
        found: list[Step] = []
        while (path := self._step_path(len(found))).is_file():
            step = _read(path, _step)
            _check_inside(path, [file for _, files in step.reforms for file in files])
            found.append(step)
        return tuple(found)

    def add_step(self, step: Step) -> None:
        """Append a step; another process that appends at the same time gets another place."""
        text = json.dumps(asdict(step), indent=1)
        while not write_new(self._step_path(len(self.steps())), text):
            continue

    def cut(self) -> tuple[int, ...]:
        """Return where shards begin and end: markets, from 0 to the number of markets; or nothing
        if the population was not cut yet.
        """
        if not (self.path / CUT).is_file():
            return ()
        return _read(self.path / CUT, lambda cut: _whole_numbers(cut["markets"]))

    def keep_cut(self, markets: Iterable[int], persons: Iterable[int]) -> None:
        """Store where shards begin and end, and the persons of each."""
        cut = {"markets": list(markets), "persons": list(persons)}
        write_text(self.path / CUT, json.dumps(cut))

    def shard_persons(self) -> tuple[int, ...]:
        """Return the persons of each shard."""
        if not (self.path / CUT).is_file():
            return ()
        return _read(self.path / CUT, lambda cut: _whole_numbers(cut["persons"]))

    def numbering(self) -> Numbering:
        """Return the numbers of all units."""
        return Numbering(self.steps(), max(0, len(self.cut()) - 1))

    # -- what was frozen --------------------------------------------------------------------

    def frozen(self) -> Frozen | None:
        """Return what earlier phases froze, or None."""
        if not (self.path / FRAME).is_file():
            return None
        return _read(self.path / FRAME, _frozen)

    def freeze(self, frozen: Frozen) -> None:
        """Store what the phases froze."""
        write_text(self.path / FRAME, json.dumps(asdict(frozen), indent=1))

    def keep_weights(self, weights: Stored) -> str:
        """Store what the weights of static ageing are made from, and return its hash."""
        text = json.dumps(weights)
        digest = hashlib.sha256(text.encode()).hexdigest()
        write_text(self._weights(digest), text)
        return digest

    def weights(self, digest: str) -> Stored:
        """Return what weights are made from, as it was stored.

        Raises
        ------
        InputError
            The file is gone or altered.
        """
        path = self._weights(digest)
        stored: Stored = _read(path, dict)
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            what, remedy = "a file of the run was altered", "Start the run in a new directory."
            raise InputError(Fault(str(path), what, "another content", digest, remedy))
        return stored

    def _weights(self, digest: str) -> Path:
        return self.path / "weights" / f"{digest[:16]}.json"

    # -- units ------------------------------------------------------------------------------

    def shard_file(self, number: int, identity: str) -> Path:
        """Return the file of a unit's result: at most 1,000 of them lie in one folder."""
        folder = self.path / "shards" / f"{number // FILES_PER_FOLDER:04d}"
        return folder / f"{number:07d}-{identity[:16]}.bin"

    def persons_file(self, number: int, identity: str, part: str = "") -> Path:
        """Return the file of a unit's persons, where a run keeps them; of a projection, of one
        `part`: the persons of a life group in a year.
        """
        folder = self.path / "persons" / part / f"{number // FILES_PER_FOLDER:04d}"
        return folder / f"{number:07d}-{identity[:16]}.h5"

    def shard_names(self) -> set[str]:
        """Return the names of all shard files, from one listing of each folder."""
        found: set[str] = set()
        for folder in self._shard_folders():
            found.update(entry.name for entry in os.scandir(folder) if entry.name[0] != ".")
        return found

    def traced(self, names: Iterable[str], failures: Iterable[int]) -> set[int]:
        """Return the numbers of units that left a shard file or a failure.

        Of all others nothing needs to be known to tell that they are missing: of a million units
        that saves making a million identities.
        """
        digits = (name.partition("-")[0] for name in names)
        return {int(text) for text in digits if text.isdecimal()}.union(failures)

    def _shard_folders(self) -> Iterator[Path]:
        shards = self.path / "shards"
        if shards.is_dir():
            yield from (path for path in sorted(shards.iterdir()) if path.is_dir())

    # -- failures ---------------------------------------------------------------------------

    def _failed(self, number: int) -> Path:
        return self.path / "failed" / f"{number:07d}.json"

    def keep_failure(self, number: int, facts: Stored) -> None:
        """Store why a unit was given up."""
        write_text(self._failed(number), json.dumps(facts, indent=1))

    def failures(self) -> dict[int, Stored]:
        """Return the units given up, by number."""
        folder = self.path / "failed"
        if not folder.is_dir():
            return {}
        names = sorted(path for path in folder.glob("*.json") if path.stem.isdigit())
        found: dict[int, Stored] = {}
        for path in names:
            # one that was just forgotten, or is damaged, says nothing: the unit is tried again
            with contextlib.suppress(InputError):
                found[int(path.stem)] = _read(path, _failure)
        return found

    def forget_failure(self, number: int) -> None:
        """Let a unit be tried again."""
        self._failed(number).unlink(missing_ok=True)

    def set_events_aside(self) -> None:
        """Begin the workers' diaries anew, so that deaths before no longer count."""
        if self.events.is_dir():
            k = 1
            while (aside := self.path / f"events.{k}").exists():
                k += 1
            self.events.rename(aside)


def _check_inside(step: Path, files: Iterable[str]) -> None:
    """Refuse files that are not below the run directory: it may be somebody else's."""
    faults = FaultList()
    for file in files:
        if Path(file).is_absolute() or ".." in Path(file).parts:
            expected = "a path below it, as `microsim expand` writes"
            faults.add(str(step), "a file leads out of the run directory", file, expected)
    faults.raise_if_any()


def _read(path: Path, make: Callable[[Any], Made]) -> Made:
    """Return what a file of the run says; one of another shape is named as damaged."""
    try:
        return make(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what, remedy = "a file of the run is damaged", "Start the run in a new directory."
        found = f"{type(error).__name__}: {error}"
        raise InputError(Fault(str(path), what, found, "what a run writes", remedy)) from error


def _question(data: Any) -> Stored:  # noqa: ANN401 - whatever the file holds
    texts = ("identity", "scenario", "population", "population_hash")
    if not all(isinstance(data[name], str) for name in texts) or type(data["seed"]) is not int:
        raise TypeError("a text or number is something else")
    stored: Stored = data
    return stored


def _step(data: Any) -> Step:  # noqa: ANN401
    reforms = tuple((_text(name), tuple(map(_text, files))) for name, files in data["reforms"])
    draws = tuple(tuple(map(_text, draw)) for draw in data["draws"])
    return Step(reforms, draws, int(data["replicates"]))


def _frozen(data: Any) -> Frozen:  # noqa: ANN401
    cut_offs = {
        where: {name: tuple(map(float, values)) for name, values in one.items()}
        for where, one in data["cut_offs"].items()
    }
    return Frozen(
        _text(data["asked"]), tuple(map(_text, data["settings"])), tuple(data["calibrated"]),
        tuple(map(_text, data["batches"])), cut_offs, tuple(data["quotas"]),
        {where: tuple(map(float, of)) for where, of in data.get("wages", {}).items()},
        {
            where: {name: _text(digest) for name, digest in of.items()}
            for where, of in data.get("weights", {}).items()
        },
        {
            where: tuple(tuple(map(float, one)) for one in of)
            for where, of in data.get("histories", {}).items()
        },
    )  # fmt: skip


def _failure(data: Any) -> Stored:  # noqa: ANN401
    return {name: data[name] for name in ("id", "kind", "attempts", "where", "text")}


def _whole_numbers(data: Any) -> tuple[int, ...]:  # noqa: ANN401
    if any(type(number) is not int for number in data):
        raise TypeError("numbers are something else")
    return tuple(data)


def _text(data: Any) -> str:  # noqa: ANN401
    if not isinstance(data, str):
        raise TypeError(f"{data!r} is no text")
    return data


def _differences(there: Stored, asked: Stored) -> str:
    """Say in what two questions differ, file by file."""
    names = {
        "population_hash": "population", "seed": "seed", "settings": "--set",
        "persons": "--keep-persons", "keep_years": "--keep-years",
        "calibration": "calibration or its totals",
    }  # fmt: skip
    found = [
        text for key, text in names.items() if json.dumps(there.get(key)) != json.dumps(asked[key])
    ]
    before, now = (dict(map(tuple, one.get("files", ()))) for one in (there, asked))
    found += [
        f"file {name}" for name in sorted({*before, *now}) if before.get(name) != now.get(name)
    ]
    return ", ".join(found) or "the rules' code or version"
