"""What the events tell of units that ended their worker: how often, and beside others or alone."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from pathlib import Path

from microsim.execution.events import born_of, read_events

RECENT = 7 * 24 * 3600.0  # seconds; a process that began a unit longer ago is not at it any more
TAIL = 65_536  # bytes read of each file: what a process had in hand when it died stands at the end
ENDINGS = ("done", "raised", "released")


@dataclass(frozen=True)
class Deaths:
    """How often a worker ended with a unit in hand.

    Attributes
    ----------
    beside
        While other units were in flight, any of which may have ended the worker.
    alone
        While nothing else was in flight: the unit's own deaths.
    """

    beside: int = 0
    alone: int = 0


def deaths_of(folder: Path) -> dict[int, Deaths]:
    """Return the deaths of each unit that has any, from the event files of a run.

    Parameters
    ----------
    folder
        The folder of event files; there may be none.
    """
    counts: dict[tuple[int, bool], int] = {}
    for path in sorted(folder.glob("*.jsonl")):
        for unit, alone in _abandoned(path):
            counts[unit, alone] = counts.get((unit, alone), 0) + 1
    units = sorted({unit for unit, _ in counts})
    return {
        unit: Deaths(beside=counts.get((unit, False), 0), alone=counts.get((unit, True), 0))
        for unit in units
    }


def _abandoned(path: Path) -> list[tuple[int, bool]]:
    """Return the units that were begun and never ended in a file, with whether each was alone."""
    found: list[tuple[int, bool]] = []
    host, pid, born = "", 0, 0
    hand: tuple[int, bool] | None = None
    since = 0.0
    for event in read_events(path, TAIL):
        kind = event["event"]
        if kind in ENDINGS:
            hand = None
        elif kind in ("begin", "start", "end"):
            # a unit that was begun and is followed by another: its end could not be written, but
            # only a new process (start) tells that the old one died
            if kind == "start" and hand is not None:
                found.append(hand)
            hand = None
        if kind == "start":
            host, pid, born = event.get("host", ""), event.get("pid", 0), event.get("born", 0)
        elif kind == "begin":
            hand, since = (int(event["unit"]), bool(event.get("alone"))), event.get("time", 0.0)
    if hand is not None and not _at_it(host, pid, born, since):
        found.append(hand)
    return found


def _at_it(host: str, pid: int, born: int, since: float) -> bool:
    """Tell whether the process that began a unit is still at it."""
    here = host == socket.gethostname() and born > 0
    return here and time.time() - since < RECENT and born_of(pid) == born
