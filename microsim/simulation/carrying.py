"""Carries units out: which are missing, who is blamed for a failure, what is left at the end."""

from __future__ import annotations

import contextlib
import socket
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, overload

from microsim.errors import QuestionAtFaultError, RunFailedError, StoppedError
from microsim.execution.attempts import Deaths, deaths_of
from microsim.execution.backend import run_job
from microsim.execution.jobs import Job, Payload
from microsim.execution.listener import Failure
from microsim.execution.place import Place
from microsim.results.shards import ShardDamagedError, read_header
from microsim.simulation.directory import Stored
from microsim.simulation.ledger import Ledger
from microsim.simulation.phases import Prepared
from microsim.simulation.unit import Unit
from microsim.simulation.worker import START, keep_prepared, setup_of
from microsim.simulation.worlds import WorldKey

MOST_DEATHS = 3
SHOWN = 10


class Watch(Protocol):
    """Sees a run go on."""

    def began(self, n_missing: int, n_units: int, persons: int) -> None:
        """Units are about to be computed."""

    def done(self, receipt: Payload) -> None:
        """A unit is done."""

    def failed(self, failure: Failure) -> None:
        """A unit was given up."""

    def note(self, text: str) -> None:
        """Something happened that the user may want to know."""


def never() -> bool:
    """Do not stop."""
    return False


class Units(Sequence[Payload]):
    """The messages of some units, made when asked for: a million of them fit in little memory."""

    def __init__(self, prepared: Prepared, numbers: Sequence[int]) -> None:
        self.prepared, self.numbers = prepared, array("q", numbers)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.numbers)

    @overload
    def __getitem__(self, k: int) -> Payload: ...
    @overload
    def __getitem__(self, k: slice) -> Units: ...
    def __getitem__(self, k: int | slice) -> Payload | Units:
        """Return the message of a unit, or some units."""
        if isinstance(k, slice):
            return Units(self.prepared, self.numbers[k])
        unit = self.prepared.unit(self.numbers[k])
        return {"unit": unit.number, "id": unit.id}


def message(unit: Unit) -> Payload:
    """Return the message of a unit that leaves households out."""
    return {"unit": unit.number, "id": unit.id, "excluded": list(unit.excluded)}


@dataclass
class Missing:
    """Numbers of the units without a file, and of those given up before."""

    numbers: list[int] = field(default_factory=list)
    given_up: list[int] = field(default_factory=list)
    done: int = 0


def look(prepared: Ledger, share: tuple[int, int] = (0, 1)) -> Missing:
    """Return what is missing of the units whose number is `share[0]` modulo `share[1]`.

    The header of each file is read; a file that is damaged there, or another unit's, is removed.
    """
    found = Missing()
    names, failures = prepared.directory.shard_names(), prepared.directory.failures()
    traced = prepared.directory.traced(names, failures)
    for number in range(share[0], prepared.numbering.n_units, share[1]):
        if number not in traced:
            found.numbers.append(number)
            continue
        unit = prepared.unit(number)
        path = prepared.file(unit)
        if path.name in names and prepared.header_fits(unit):
            found.done += 1
        elif failures.get(number, {}).get("id") == unit.id:
            found.given_up.append(number)
        else:
            found.numbers.append(number)
    return found


class _Listener:
    """Keeps failures and passes everything on; stops when a worker says that it must."""

    def __init__(self, prepared: Prepared, watch: Watch, stopping: Callable[[], bool]) -> None:
        self.prepared, self.watch, self.asked = prepared, watch, stopping
        self.reason = ""

    def stopping(self) -> bool:
        return bool(self.reason) or self.asked()

    def done(self, receipt: Payload) -> None:
        if "stop" in receipt:
            self.reason = self.reason or str(receipt["stop"])
        else:
            self.watch.done(receipt)

    def failed(self, failure: Failure) -> None:
        facts = {
            "id": failure.unit["id"], "kind": failure.kind, "attempts": failure.attempts,
            "where": failure.where, "text": failure.text,
        }  # fmt: skip
        self.prepared.directory.keep_failure(int(failure.unit["unit"]), facts)
        self.watch.failed(failure)

    def note(self, text: str) -> None:
        self.watch.note(text)


def carry_out(
    prepared: Prepared,
    place: Place,
    watch: Watch,
    *,
    stopping: Callable[[], bool] = never,
    share: tuple[int, int] = (0, 1),
    retry_failed: bool = False,
) -> None:
    """Compute every missing unit of a share; then those that must leave households out.

    Raises
    ------
    RunFailedError
        Units were given up, now or before; it names them, and why.
    StoppedError
        Asked to stop, or the scheduler was lost: the same command goes on.
    """
    missing = look(prepared, share)
    if retry_failed:
        for number in missing.given_up:
            prepared.directory.forget_failure(number)
        missing.numbers = sorted(missing.numbers + missing.given_up)
        prepared.directory.set_events_aside()
    suspects = _suspects(prepared, missing)
    usual = [number for number in missing.numbers if number not in suspects]
    persons = _persons(prepared, missing.numbers)
    watch.began(len(missing.numbers), missing.done + len(missing.numbers), persons)
    _run(prepared, place, watch, stopping, Units(prepared, usual), _suspected(prepared, suspects))
    raise_if_incomplete(prepared, share)
    if share == (0, 1):
        _settle(prepared, place, watch, stopping)


def _run(
    prepared: Prepared, place: Place, watch: Watch, stopping: Callable[[], bool],
    units: Sequence[Payload], suspects: Sequence[Payload] = (),
) -> None:  # fmt: skip
    if not len(units) and not len(suspects):
        return
    threads = place.workers if place.backend == "serial" else 1
    keep_prepared(prepared)
    job = Job(START, setup_of(prepared, threads), units, suspects)
    listener = _Listener(prepared, watch, stopping)
    try:
        run_job(job, place, listener)
    except StoppedError:
        if not listener.reason:
            raise
    if listener.reason:
        raise RunFailedError(listener.reason)


def _suspects(prepared: Prepared, missing: Missing) -> dict[int, Deaths]:
    """Return the missing units that were in hand when a worker died; give up on those whose own
    fault it was three times.
    """
    deaths = deaths_of(prepared.directory.events)
    found = {number: deaths[number] for number in missing.numbers if number in deaths}
    for number, one in list(found.items()):
        if one.alone >= MOST_DEATHS:
            text = f"its worker died {one.alone} times while it computed nothing else"
            facts = {
                "id": prepared.unit(number).id, "kind": "died", "attempts": one.alone,
                "where": socket.gethostname(), "text": text,
            }  # fmt: skip
            prepared.directory.keep_failure(number, facts)
            missing.numbers.remove(number)
            del found[number]
    return found


def _suspected(prepared: Prepared, suspects: Mapping[int, Deaths]) -> list[Payload]:
    """Return the messages of suspects; those that died beside others only say how often."""
    found = []
    for number, deaths in suspects.items():
        one = message(prepared.unit(number))
        found.append(one if deaths.alone else {**one, "beside": deaths.beside})
    return found


def _persons(prepared: Prepared, numbers: Sequence[int]) -> int:
    persons, n_shards = prepared.directory.shard_persons(), prepared.numbering.n_shards
    if len(numbers) == prepared.numbering.n_units:
        return sum(persons) * (prepared.numbering.n_units // n_shards)
    return sum(persons[prepared.numbering.place(number).shard] for number in numbers)


def raise_if_incomplete(prepared: Prepared, share: tuple[int, int] = (0, 1)) -> None:
    """Raise `RunFailedError` that says exactly what is missing, and why."""
    left = look(prepared, share)
    if left.numbers or left.given_up:
        raise _incomplete_error(prepared, left)


def _incomplete_error(prepared: Prepared, left: Missing) -> RunFailedError:
    """Return the error that says what is missing."""
    failures = prepared.directory.failures()
    kind = QuestionAtFaultError if _refused(failures, left) else RunFailedError
    return kind(_incomplete(prepared, left, failures))


def _refused(failures: Mapping[int, Stored], left: Missing) -> bool:
    """Tell whether a unit was given up because the files of the question are at fault."""
    return any(failures[number]["kind"] == "refused" for number in left.given_up)


def _incomplete(prepared: Prepared, left: Missing, failures: Mapping[int, Stored]) -> str:
    """Say what is missing of a run, and why; `failures` by number of the unit."""
    out, n_units = prepared.directory.path, prepared.numbering.n_units
    lines = [
        f"{out}: {len(left.numbers) + len(left.given_up)} of {n_units} units are missing; "
        "all others are done and stay."
    ]
    for number in left.given_up[:SHOWN]:
        facts = failures[number]
        times = f", {facts['attempts']} times" if facts["attempts"] > 1 else ""
        lines.append(f"  {describe(prepared, number)}: {facts['kind']}{times} on {facts['where']}:")
        told = str(facts["text"]).strip().splitlines()
        lines += [f"    {line}" for line in (told if facts["kind"] == "refused" else told[-6:])]
    if len(left.given_up) > SHOWN:
        lines.append(f"  ... and {len(left.given_up) - SHOWN} more that were given up.")
    if left.numbers:
        some = ", ".join(map(str, left.numbers[:SHOWN]))
        more = ", ..." if len(left.numbers) > SHOWN else ""
        lines.append(f"  not computed yet: {len(left.numbers)} units ({some}{more})")
    if _refused(failures, left):
        lines.append(
            "The question's own files are at fault. A run keeps the files it began with: change "
            "yours, then run them into another directory (--out)."
        )
    elif left.given_up:
        lines.append(
            f"Mend the cause, then `microsim resume {out} --retry-failed`. If memory ran out, add "
            "--shard-persons with a smaller number or give workers more memory."
        )
    else:
        lines.append(f"`microsim resume {out}` computes what is missing.")
    return "\n".join(lines)


def describe(prepared: Prepared, number: int) -> str:
    """Return what a unit is, for people."""
    unit = prepared.unit(number)
    names = ", ".join(prepared.scenarios[unit.batch].reforms) or "baseline"
    where = f"markets {unit.first_market} to {unit.last_market - 1}"
    world = f", draw {unit.draw}, replicate {unit.replicate}"
    batch = f", reforms {names}" if prepared.numbering.n_batches > 1 else ""
    return f"unit {number} ({where}{world}{batch})"


# -- households that one batch of scenarios could not compute -------------------------------------


def counted_units(ledger: Ledger) -> Iterator[Unit]:
    """Yield every unit, then those computed again to leave households out, as far as known."""
    numbering = ledger.numbering
    yield from (ledger.unit(number) for number in range(numbering.n_units))
    if numbering.n_batches > 1:
        for world in numbering.worlds:
            for shard in range(numbering.n_shards):
                with contextlib.suppress(FileNotFoundError, ShardDamagedError):
                    yield from (unit for unit in _settled(ledger, world, shard) if unit.excluded)


def counted_files(ledger: Ledger) -> Iterator[Path]:
    """Yield the file of every unit, and of those computed again to leave households out."""
    return (ledger.file(unit) for unit in counted_units(ledger))


def final_units(prepared: Ledger) -> Iterator[Unit]:
    """Yield the unit that counts for each number: where another batch of scenarios failed on
    households, the one that leaves them out.
    """
    if prepared.numbering.n_batches == 1:
        yield from (prepared.unit(number) for number in range(prepared.numbering.n_units))
        return
    for world in prepared.numbering.worlds:
        for shard in range(prepared.numbering.n_shards):
            yield from _settled(prepared, world, shard)


def _settled(prepared: Ledger, world: WorldKey, shard: int) -> list[Unit]:
    numbering = prepared.numbering
    units = [
        prepared.unit(numbering.number(batch, world, shard)) for batch in range(numbering.n_batches)
    ]
    faulty = [set(read_header(prepared.file(unit))["faulty"]) for unit in units]
    everyone = set().union(*faulty)
    return [
        unit if mine == everyone else prepared.unit(unit.number, sorted(everyone - mine))
        for unit, mine in zip(units, faulty, strict=True)
    ]


def _settle(prepared: Prepared, place: Place, watch: Watch, stopping: Callable[[], bool]) -> None:
    again = [
        message(unit)
        for unit in final_units(prepared)
        if unit.excluded and not prepared.header_fits(unit)
    ]
    if again:
        watch.note(f"{len(again)} units leave out households that other scenarios failed on")
        _run(prepared, place, watch, stopping, again)
        left = [one["unit"] for one in again if one["unit"] in prepared.directory.failures()]
        if left:
            raise _incomplete_error(prepared, Missing(given_up=left))
